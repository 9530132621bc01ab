/* test_resume.c -- whatever learns or searches ends with the same bytes and the
 * same figures, wherever it was stopped or killed; and what it kept is read back
 * as it was written, or not at all.
 *
 * A kill is played: each time the run reports progress its folder is copied, and
 * a run that is resumed in a copy is one that was killed there.
 */
#include "support/test.h"
#include "support/fit.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trivium/trivium.h>

#include "base/file.h"

#define PLACES 3 // where a run is stopped, and where it is killed
#define FLIPS 4  // bytes of each file of a stopped run that are flipped

/* A piece of work. from NULL: training. Sign % is the test's folder. */
struct row {
    const char *name, *from, *to, *method;
    void (*set)(trv_convert_options *o);
    void (*set_train)(trv_train_options *o);
};

static char dir[200];
static bool sampled; // inputs, by the model itself

static const char *place(const char *name);

/* ---- rows --------------------------------------------------------------- */

static void
set_dropout(trv_convert_options *o)
{
    o->on_policy = 0.5;
    o->lora.dropout = 0.1;
}

static void
set_solve(trv_convert_options *o)
{
    o->init = "solve";
}

static void
set_updates(trv_convert_options *o)
{
    o->updates = 2;
}

static void
set_rloo(trv_convert_options *o)
{
    o->advantage = "rloo";
    o->updates = 2;
}

static void
set_rated(trv_convert_options *o)
{
    o->inputs = NULL;
    o->pairs = place("rated.jsonl");
}

static void
set_sequence(trv_convert_options *o)
{
    o->ratio = "sequence";
    o->updates = 2;
}

static void
set_accumulate(trv_train_options *o)
{
    o->learn.accumulate = 2;
    o->lora.dropout = 0.1;
}

static void
set_full(trv_train_options *o)
{
    o->full = true;
}

#define PROMPT "prompt:ab"
#define REWARD "verifier:length,by=chars,lo=2,hi=2"

static const struct row rows[] = {
    {.name = "distill", PROMPT, "lora", "distill"},
    {.name = "on-policy", PROMPT, "lora", "distill", set_dropout},
    {.name = "solve and distill", PROMPT, "lora", "distill", set_solve},
    {.name = "distill full", PROMPT, "full", "distill"},
    {.name = "sft", PROMPT, "lora", "sft"},
    {.name = "features", PROMPT, "lora", "features"},
    {.name = "solve", PROMPT, "lora", "solve"},
    {.name = "soft", "lora:%/lora", "soft", "soft"},
    {.name = "prefix", "lora:%/lora", "prefix", "prefix"},
    {.name = "dpo", REWARD, "lora", "dpo"},
    {.name = "orpo", REWARD, "lora", "orpo"},
    {.name = "kto", "base", "lora", "kto", set_rated},
    {.name = "bon", REWARD, "lora", "bon"},
    {.name = "tilt", REWARD, "lora", "tilt"},
    {.name = "grpo", REWARD, "lora", "grpo"},
    {.name = "grpo, two updates", REWARD, "lora", "grpo", set_updates},
    {.name = "grpo full", REWARD, "full", "grpo", set_updates},
    {.name = "gspo", REWARD, "lora", "grpo", set_sequence},
    {.name = "grpo, advantage rloo", REWARD, "lora", "grpo", set_rloo},
    {.name = "rloo", REWARD, "lora", "rloo"},
    {.name = "ppo", REWARD, "lora", "ppo"},
    {.name = "ppo, two updates", REWARD, "lora", "ppo", set_updates},
    {.name = "head of a prompt", PROMPT, "head", "head"},
    {.name = "regress", "lora:%/lora", "head", "regress"},
    {.name = "text of a reward", REWARD, "prompt", "text"},
    {.name = "text of params", "lora:%/lora", "prompt", "text"},
    {.name = "evolve", REWARD, "prompt", "evolve"},
    {.name = "demos of a reward", REWARD, "demos", "demos"},
    {.name = "demos of params", "lora:%/lora", "demos", "demos"},
    {.name = "train lora", .to = "lora", .set_train = set_accumulate},
    {.name = "train soft", .to = "soft"},
    {.name = "train full", .to = "full"},
    {.name = "train head", .to = "head"},
    {.name = "train head full", .to = "head", .set_train = set_full},
};
#define ROWS (sizeof(rows) / sizeof(*rows))

/* ---- files -------------------------------------------------------------- */

static const char *
place(const char *name)
{
    static char ring[8][300];
    static int turn;

    turn = (turn + 1) % 8;
    snprintf(ring[turn], sizeof(ring[turn]), "%s/%s", dir, name);
    return ring[turn];
}

static void
put(const char *name, const char *text)
{
    trv_err err = {0};

    assert_int_equal(file_write_atomic(place(name), text, strlen(text), &err),
                     0);
}

/* Run `each` on the files of a folder, which holds no other; false: no folder. */
static bool
walk(const char *at, void (*each)(const char *path, const char *name, void *to),
     void *to)
{
    struct dirent *e;
    DIR *d = opendir(at);

    while (d && (e = readdir(d))) {
        char path[700];

        snprintf(path, sizeof(path), "%s/%s", at, e->d_name);
        if (e->d_name[0] != '.')
            each(path, e->d_name, to);
    }
    if (d)
        closedir(d);
    return d != NULL;
}

static void
remove_file(const char *path, const char *name, void *to)
{
    (void)name;
    (void)to;
    assert_int_equal(unlink(path), 0);
}

static void
remove_folder(const char *name)
{
    walk(place(name), remove_file, NULL);
    (void)rmdir(place(name));
}

static struct strbuf
bytes_of(const char *path)
{
    struct strbuf b = {0};
    trv_err err = {0};

    if (file_read(&b, path, (size_t)1 << 30, &err))
        fail_msg("%s", err.msg);
    return b;
}

static void
copy_file(const char *path, const char *name, void *to)
{
    struct strbuf b = bytes_of(path);
    char copy[700];
    FILE *f;

    snprintf(copy, sizeof(copy), "%s/%s", (const char *)to, name);
    f = fopen(copy, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b.s ? b.s : "", 1, b.len, f), b.len);
    assert_int_equal(fclose(f), 0);
    sb_release(&b);
}

static void
copy_folder(const char *from, const char *to)
{
    char at[300];
    trv_err err = {0};

    remove_folder(to);
    snprintf(at, sizeof(at), "%s", place(to));
    assert_int_equal(dir_make(at, &err), 0);
    walk(place(from), copy_file, at);
}

struct compared {
    const char *with;
    bool differ;
};

static void
compare_file(const char *path, const char *name, void *to)
{
    struct compared *c = to;
    struct strbuf a = bytes_of(path), b = {0};
    char other[700];

    snprintf(other, sizeof(other), "%s/%s", c->with, name);
    if (!file_exists(other)) {
        c->differ = true;
    } else {
        b = bytes_of(other);
        c->differ |= a.len != b.len || memcmp(a.s, b.s, a.len) != 0;
    }
    if (c->differ)
        print_error("'%s' and '%s' differ\n", path, other);
    sb_release(&a);
    sb_release(&b);
}

/* Folders of the test's hold the same files. */
static bool
is_same(const char *a, const char *b)
{
    struct compared one = {.with = place(b)}, back = {.with = place(a)};

    return walk(place(a), compare_file, &one) && !one.differ &&
           walk(place(b), compare_file, &back) && !back.differ;
}

static void
clear(void)
{
    remove_folder("out");
    remove_folder("out.run");
}

/* ---- a run -------------------------------------------------------------- */

struct watch {
    int64_t calls;
    int64_t stop;  // at this call; -1: never
    int64_t every; // its folder is copied at each such call; 0: never
};

static bool
on_progress(const trv_progress *p, void *payload)
{
    struct watch *w = payload;
    const int64_t call = w->calls++;
    char to[64];

    (void)p;
    if (w->every && call % w->every == 0) {
        snprintf(to, sizeof(to), "kill%lld", (long long)(call / w->every));
        copy_folder("out.run", to);
    }
    return call != w->stop;
}

/* Of the rows' sources. */
static enum form
form_of(const char *from)
{
    return from[0] == 'p'   ? FORM_PROMPT
           : from[0] == 'l' ? FORM_PARAMS
           : from[0] == 'b' ? FORM_BASE
                            : FORM_REWARD;
}

static trv_convert_options
convert_options(const struct row *r, bool resume)
{
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;

    o.method = r->method;
    o.inputs = sampled ? NULL : place("in.jsonl");
    o.samples = 160; // more than a block of answers
    o.group = 4;
    o.max_tokens = 3;
    o.learn.steps = 8;
    o.learn.batch = 8;
    o.learn.checkpoint_every = 3;
    o.lora.rank = 2;
    o.virtual_tokens.tokens = 3;
    o.prompt_tokens = 3;
    o.search.width = 6;
    o.search.top_k = 4;
    o.search.restarts = 2;
    o.search.patience = 2;
    o.evolve.rounds = 3;
    o.evolve.population = 2;
    o.evolve.inputs = 3;
    o.evolve.held_out = 2;
    o.evolve.minibatch = 2;
    o.evolve.demos = 2;
    o.evolve.phrases = place("phrases.txt");
    o.seed = 5;
    o.resume = resume;
    if (r->set)
        r->set(&o);
    fit_options(&o, form_of(r->from),
                strcmp(r->to, "prompt") == 0 ? "text" : r->to);
    if (r->set)
        r->set(&o);
    return o;
}

static trv_train_options
train_options(const struct row *r, bool resume)
{
    trv_train_options o = TRV_TRAIN_OPTIONS_INIT;

    o.data = place(strcmp(r->to, "head") == 0 ? "pairs.jsonl" : "rows.jsonl");
    o.learn.steps = 8;
    o.learn.batch = 4;
    o.learn.checkpoint_every = 3;
    o.lora.rank = 2;
    o.virtual_tokens.tokens = 3;
    o.seed = 5;
    o.resume = resume;
    if (r->set_train)
        r->set_train(&o);
    return o;
}

/* Each with a model of its own: one that was just started knows nothing. */
static int
work(const struct row *r, bool resume, struct watch *w, trv_cost *cost,
     trv_err *err)
{
    trv_model_options mo = TRV_MODEL_OPTIONS_INIT;
    trv_model *m = NULL;
    trv_adaptation *from = NULL;
    char to[400], spec[400];
    int rc;

    mo.precision = "f32";
    mo.threads = 1;
    snprintf(to, sizeof(to), "%s:%s", r->to, place("out"));
    rc = trv_model_open(&m, test_source("golden/world"), &mo, err);
    if (!rc && !r->from) {
        trv_train_options o = train_options(r, resume);

        rc = trv_train(m, cost, to, &o, on_progress, w, err);
    } else if (!rc) {
        trv_convert_options o = convert_options(r, resume);

        snprintf(spec, sizeof(spec), "%s", r->from);
        if (strchr(r->from, '%'))
            snprintf(spec, sizeof(spec), "%s", place("lora"));
        rc = trv_adaptation_open(&from, m, spec, false, err);
        if (!rc)
            rc = trv_convert(m, cost, from, to, &o, on_progress, w, err);
    }
    trv_adaptation_free(from);
    trv_model_free(m);
    return rc;
}

static void
finish(const struct row *r, bool resume, struct watch *w, trv_cost *cost)
{
    trv_err err = {0};

    if (work(r, resume, w, cost, &err))
        fail_msg("%s: %s", r->name, err.msg);
}

static bool
is_equal(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b;
}

/* All figures but tokens, seconds, FLOP and memory, which are of what was done
 * now. */
static void
assert_same_result(const struct row *r, const trv_cost *a, const trv_cost *b,
                   const char *when, int64_t call)
{
    if (!is_same("want", "out"))
        fail_msg("%s: other bytes, %s at call %lld", r->name, when,
                 (long long)call);
    if (a->steps != b->steps || a->samples != b->samples ||
        a->judged != b->judged || a->pairs != b->pairs ||
        a->held_out != b->held_out || a->artefact_bytes != b->artefact_bytes ||
        !is_equal(a->final_loss, b->final_loss) ||
        !is_equal(a->reward_before, b->reward_before) ||
        !is_equal(a->reward_after, b->reward_after) ||
        !is_equal(a->kl_base, b->kl_base) ||
        !is_equal(a->accuracy, b->accuracy))
        fail_msg("%s: other figures, %s at call %lld: samples %lld and %lld, "
                 "steps %lld and %lld",
                 r->name, when, (long long)call, (long long)a->samples,
                 (long long)b->samples, (long long)a->steps,
                 (long long)b->steps);
}

/* Nothing is left beside the artefact. */
static void
assert_tidy(const struct row *r)
{
    if (file_exists(place("out.run")))
        fail_msg("%s: out.run stays", r->name);
}

/* Without a stop: the artefact is %/want. How many calls there were. */
static int64_t
run_whole(const struct row *r, trv_cost *cost)
{
    struct watch w = {.stop = -1};

    clear();
    finish(r, false, &w, cost);
    assert_tidy(r);
    remove_folder("want");
    assert_int_equal(rename(place("out"), place("want")), 0);
    return w.calls;
}

static void
check_stop(const struct row *r, const trv_cost *want, int64_t call)
{
    struct watch w = {.stop = call}, on = {.stop = -1};
    trv_cost cost;
    trv_err err = {0};
    int rc;

    clear();
    rc = work(r, false, &w, &cost, &err);
    if (rc && rc != TRV_ECANCELED)
        fail_msg("%s: %s", r->name, err.msg);
    if (rc)
        finish(r, true, &on, &cost);
    assert_same_result(r, want, &cost, "stopped", call);
    assert_tidy(r);
}

static void
restore(int64_t copy)
{
    char from[64];

    clear();
    snprintf(from, sizeof(from), "kill%lld", (long long)copy);
    copy_folder(from, "out.run");
}

static void
test_resume_ends_with_the_same_bytes_and_figures(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        trv_cost want, cost;
        const int64_t calls = run_whole(r, &want);
        const int64_t every = calls < PLACES ? 1 : calls / PLACES;
        struct watch w = {.stop = -1, .every = every};

        print_message("%s: %lld calls\n", r->name, (long long)calls);
        for (int64_t k = 0; k < calls; k += every)
            check_stop(r, &want, k);
        check_stop(r, &want, calls - 1);
        clear();
        finish(r, false, &w, &cost);
        assert_same_result(r, &want, &cost, "once more", 0);
        for (int64_t k = 0; k * every < calls; k++) {
            struct watch on = {.stop = -1};

            restore(k);
            finish(r, true, &on, &cost);
            assert_same_result(r, &want, &cost, "killed", k * every);
        }
    }
}

/* ---- before the first step ---------------------------------------------- */

/* Inputs, answers and all that comes before a checkpoint: stopped in any of
 * these stages. */
static void
test_resume_goes_on_in_the_middle_of_sampling(void **state)
{
    (void)state;
    sampled = true;
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        trv_cost want;
        int64_t calls;

        if (!r->from)
            continue;
        calls = run_whole(r, &want);
        print_message("%s: %lld calls\n", r->name, (long long)calls);
        for (int64_t k = 0; k < calls; k = k < 2 ? k + 1 : 4 * k)
            check_stop(r, &want, k);
    }
    sampled = false;
}

/* Of a run that is stopped twice, what was drawn before the first stop is not
 * drawn again: the second stop comes at a later call than the first, and yet
 * the third part has less to do. */
static void
test_resume_draws_nothing_twice(void **state)
{
    (void)state;
    sampled = true;
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        struct watch last = {0}, on = {.stop = -1};
        trv_cost want, cost;
        trv_err err = {0};

        if (!r->from || strcmp(r->method, "solve") == 0)
            continue; // what it sums is not kept
        last.stop = run_whole(r, &want) - 2;
        clear();
        assert_int_equal(work(r, false, &last, &cost, &err), TRV_ECANCELED);
        finish(r, true, &on, &cost);
        print_message("%s: %.0f %% of the work\n", r->name,
                      100.0 * cost.flop / want.flop);
        if (!(cost.flop < 0.75 * want.flop))
            fail_msg("%s: stopped at its last call, %.3g of %.3g FLOP were "
                     "done again",
                     r->name, cost.flop, want.flop);
    }
    sampled = false;
}

/* Views are written down at once; all else is a row here. */
static void
test_resume_has_a_row_for_every_method(void **state)
{
    static const char *const views[] = {"ratio", "contrast", "judge"};
    const trv_method *m;

    (void)state;
    for (int32_t e = 0; trv_edge_at(e); e++)
        for (int32_t i = 0; (m = trv_method_at(e, i)); i++) {
            bool found = false;

            for (size_t k = 0; k < sizeof(views) / sizeof(*views); k++)
                found |= strcmp(m->name, views[k]) == 0;
            for (size_t k = 0; k < ROWS; k++)
                found |= rows[k].method && !strcmp(m->name, rows[k].method);
            if (!found)
                fail_msg("no row for '%s' of %s", m->name, trv_edge_at(e));
        }
}

/* ---- damage ------------------------------------------------------------- */

static void
flip(const char *path, int64_t at, int bit)
{
    FILE *f = fopen(path, "r+b");
    int c;

    assert_non_null(f);
    assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
    c = fgetc(f);
    assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
    assert_true(fputc(c ^ (1 << bit), f) != EOF);
    assert_int_equal(fclose(f), 0);
}

/* Resume with a damaged file: a refusal that names it and says what to do, or
 * the same bytes. */
static void
check_damaged(const struct row *r, const trv_cost *want, const char *name,
              int64_t at)
{
    struct watch w = {.stop = -1};
    trv_cost cost;
    trv_err err = {0};
    const int rc = work(r, true, &w, &cost, &err);

    if (!rc)
        assert_same_result(r, want, &cost, name, at);
    else if (!strstr(err.msg, name) || !strstr(err.msg, "start anew"))
        fail_msg("%s, byte %lld of %s: %s", r->name, (long long)at, name,
                 err.msg);
}

struct damaged {
    const struct row *row;
    const trv_cost *want;
};

/* A file of the copy kill1. */
static void
damage(const char *of, const char *name, void *to)
{
    const struct damaged *d = to;
    char path[700];
    int64_t size;

    if (strstr(name, "metrics")) // for people: nothing is read back
        return;
    (void)of;
    snprintf(path, sizeof(path), "%s/%s", place("out.run"), name);
    restore(1);
    size = file_size(path);
    for (int64_t k = 0; k < FLIPS && size > 0; k++) {
        const int64_t at = k == FLIPS - 1 ? size - 1 : size * k / FLIPS;

        restore(1);
        flip(path, at, (int)(k % 8));
        check_damaged(d->row, d->want, name, at);
    }
    if (size > 0) { // and one that is cut
        restore(1);
        assert_int_equal(truncate(path, (off_t)(size / 2)), 0);
        check_damaged(d->row, d->want, name, -1);
    }
}

static void
test_resume_of_a_damaged_file_is_refused_or_ends_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &rows[i];
        trv_cost want, cost;
        const int64_t calls = run_whole(r, &want);
        const int64_t last = 3 * calls / 4;
        struct watch w = {.stop = -1, .every = last > 0 ? last : 1};
        struct damaged all = {r, &want};

        clear();
        finish(r, false, &w, &cost);
        walk(place("kill1"), damage, &all); // none where it was called once
        remove_folder("kill1");
    }
}

/* ---- from the beginning ------------------------------------------------- */

static int
set_up(void **state)
{
    static const struct row lora = {.name = "lora", PROMPT, "lora", "distill"};
    struct watch w = {.stop = -1};
    trv_cost cost;

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("resume"));
    put("in.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": \"cb\"}\n"
                    "{\"prompt\": \"d\"}\n{\"prompt\": \"bd\"}\n"
                    "{\"prompt\": \"ac\"}\n");
    put("rows.jsonl", "{\"prompt\": \"a\", \"completion\": \"bc\"}\n"
                      "{\"prompt\": \"c\", \"completion\": \"d\"}\n"
                      "{\"prompt\": \"bd\", \"completion\": \"aa\"}\n"
                      "{\"prompt\": \"d\", \"completion\": \"cab\"}\n"
                      "{\"prompt\": \"ab\", \"completion\": \"cd\"}\n");
    put("pairs.jsonl",
        "{\"prompt\": \"a\", \"chosen\": \"bc\", \"rejected\": \"b\"}\n"
        "{\"prompt\": \"c\", \"chosen\": \"d\", \"rejected\": \"a\"}\n"
        "{\"prompt\": \"d\", \"chosen\": \"ab\", \"rejected\": \"ba\"}\n"
        "{\"prompt\": \"b\", \"chosen\": \"c\", \"rejected\": \"d\"}\n");
    put("rated.jsonl",
        "{\"prompt\": \"a\", \"completion\": \"bc\", \"label\": true}\n"
        "{\"prompt\": \"c\", \"completion\": \"d\", \"label\": false}\n"
        "{\"prompt\": \"d\", \"completion\": \"ab\", \"label\": true}\n"
        "{\"prompt\": \"b\", \"completion\": \"c\", \"label\": false}\n");
    put("phrases.txt", "a\nb\nc\nd\n");
    clear();
    finish(&lora, false, &w, &cost);
    assert_int_equal(rename(place("out"), place("lora")), 0);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume_ends_with_the_same_bytes_and_figures),
        cmocka_unit_test(test_resume_goes_on_in_the_middle_of_sampling),
        cmocka_unit_test(test_resume_draws_nothing_twice),
        cmocka_unit_test(test_resume_has_a_row_for_every_method),
        cmocka_unit_test(
            test_resume_of_a_damaged_file_is_refused_or_ends_the_same),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
