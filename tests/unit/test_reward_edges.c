/* test_reward_edges.c -- every kind of reward through every edge that takes
 * one: it converts, a stopped run goes on to the same bytes, and chains go on
 * from it and through it. Kinds come from KIND_LIST, so a new one fails here
 * until recipes[] says how to get it.
 *
 * Most cases run on the model of eight tokens in tests/golden/world, with a
 * chat template of its own; each kind takes one edge on models/nano, too. In
 * specs the sign % stands for the folder of what was made for the model.
 */
#include "support/test.h"
#include "support/fit.h"

#include <dirent.h>
#include <string.h>
#include <trivium/trivium.h>

#include "adapt/artefact.h"
#include "base/file.h"

/* ---- the tables --------------------------------------------------------- */

/* How a reward of each kind is got. */
static const struct recipe {
    enum kind kind;
    const char *name, *spec;
    bool tokens; // has it a value for each token?
} recipes[] = {
    {KIND_HEAD, "head (a LoRA)", "head:%/head", false},
    {KIND_HEAD, "head (all weights)", "head:%/head-full", false},
    {KIND_RATIO, "ratio", "ratio:lora:%/moved", true},
    {KIND_RATIO, "ratio (carried)", "on:%/other,prompt:c", false},
    {KIND_CONTRAST, "contrast", "contrast:beta=2,prompt:c,minus=prompt:d",
     true},
    {KIND_JUDGE, "judge", "judge:template={question}{answer},yes=a,no=b,d",
     false},
    {KIND_VERIFIER, "verifier", "verifier:contains,inside=1,share=1,words=a|b",
     false},
    {KIND_ENDO, "endo", "endo:lora:%/moved", false},
    {KIND_SUM, "sum (of tokens)",
     "sum:0.5*ratio:lora:%/moved+0.5*contrast:prompt:c", true},
    {KIND_SUM, "sum (of answers)",
     "sum:1*head:%/head-0.5*verifier:contains,inside=1,words=a", false},
};
#define N_RECIPES (sizeof(recipes) / sizeof(recipes[0]))

/* Edges that take a reward. A run of each is stopped where its progress is in
 * `stage` at `at` or further. */
static const struct edge {
    const char *method, *advantage, *to, *stage;
    int64_t at;
    /* said to a reward without a value for each token; NULL: it converts */
    const char *refusal;
} edges[] = {
    {"dpo", "group", "lora", "training", 2, NULL},
    {"dpo", "group", "adapter", "scoring", 1, NULL},
    {"dpo", "group", "full", "training", 1, NULL},
    {"dpo", "group", "prefix", "training", 3, NULL},
    {"dpo", "group", "soft", "scoring", 1, NULL},
    {"orpo", "group", "lora", "training", 2, NULL},
    {"orpo", "group", "adapter", "scoring", 1, NULL},
    {"orpo", "group", "full", "training", 1, NULL},
    {"orpo", "group", "prefix", "training", 3, NULL},
    {"orpo", "group", "soft", "scoring", 1, NULL},
    {"grpo", "group", "lora", "training", 2, NULL},
    {"grpo", "group", "adapter", "training", 1, NULL},
    {"grpo", "batch", "full", "training", 3, NULL},
    {"grpo", "none", "prefix", "training", 2, NULL},
    {"grpo", "group", "soft", "training", 2, NULL},
    {"grpo", "rloo", "lora", "training", 2, NULL},
    {"grpo", "rloo", "prefix", "training", 2, NULL},
    {"bon", "group", "lora", "training", 2, NULL},
    {"bon", "group", "adapter", "scoring", 1, NULL},
    {"bon", "group", "full", "training", 3, NULL},
    {"bon", "group", "prefix", "scoring", 1, NULL},
    {"bon", "group", "soft", "training", 2, NULL},
    {"tilt", "group", "lora", "training", 2, NULL},
    {"tilt", "group", "adapter", "training", 1, NULL},
    {"tilt", "group", "full", "scoring", 1, NULL},
    {"tilt", "group", "prefix", "training", 3, NULL},
    {"tilt", "group", "soft", "training", 2, NULL},
    {"ppo", "group", "lora", "training", 2, NULL},
    {"ppo", "group", "adapter", "training", 1, NULL},
    {"ppo", "group", "full", "training", 3, NULL},
    {"ppo", "group", "prefix", "training", 2, NULL},
    {"ppo", "group", "soft", "training", 2, NULL},
#define TOKENS_ONLY                                                            \
    "distill learns from a reward that has a value for each token"
    {"distill", "group", "lora", "training", 2, TOKENS_ONLY},
    {"distill", "group", "adapter", "training", 1, TOKENS_ONLY},
    {"distill", "group", "full", "training", 3, TOKENS_ONLY},
    {"distill", "group", "prefix", "training", 2, TOKENS_ONLY},
    {"distill", "group", "soft", "training", 1, TOKENS_ONLY},
    {"evolve", "group", "text", "searching", 2, NULL},
    {"evolve", "group", "messages", "searching", 2, NULL},
    {"text", "group", "text", "searching", 2, NULL},
    {"text", "group", "messages", "searching", 2, NULL},
    {"demos", "group", "demos", "choosing", 3, NULL},
};
#define N_EDGES (sizeof(edges) / sizeof(edges[0]))

/* Chains that go through a kind: what they start from, and what a kind says
 * that no conversion makes. */
static const struct link {
    enum kind kind;
    const char *from, *refusal;
} links[] = {
    {KIND_HEAD, "lora:%/moved", NULL},
    {KIND_HEAD, "prompt:Say no.", NULL},
    {KIND_RATIO, "lora:%/moved", NULL},
    {KIND_CONTRAST, "prompt:Say no.", NULL},
    {KIND_JUDGE, "prompt:Say no.", NULL},
    {KIND_VERIFIER, "lora:%/moved", "params cannot become 'verifier'"},
    {KIND_VERIFIER, "prompt:Say no.", "prompt cannot become 'verifier'"},
    {KIND_ENDO, "lora:%/moved", "params cannot become 'endo'"},
    {KIND_ENDO, "prompt:Say no.", "prompt cannot become 'endo'"},
    {KIND_SUM, "lora:%/moved", "params cannot become 'sum'"},
    {KIND_SUM, "prompt:Say no.", "prompt cannot become 'sum'"},
};
#define N_LINKS (sizeof(links) / sizeof(links[0]))

/* ---- the models, and what is made for them ------------------------------ */

struct place {
    trv_model *m;
    char dir[512];
};
static struct place world, nano;
static char now[300]; // the case, for messages

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s: %s", now, err->msg);
}

/* `spec` with the folder in it, in a buffer that the next call but three
 * overwrites. */
static const char *
spec_in(const struct place *t, const char *spec)
{
    static char buf[4][1500];
    static int turn;
    size_t n = 0;

    turn = (turn + 1) % 4;
    for (; *spec && n + sizeof(t->dir) < sizeof(buf[0]); spec++)
        if (*spec == '%')
            n += (size_t)snprintf(buf[turn] + n, sizeof(buf[0]) - n, "%s",
                                  t->dir);
        else
            buf[turn][n++] = *spec;
    buf[turn][n] = '\0';
    assert_true(*spec == '\0');
    return buf[turn];
}

static void
write_file(const struct place *t, const char *name, const char *text)
{
    trv_err err = {0};

    must(file_write_atomic(spec_in(t, name), text, strlen(text), &err), &err);
}

static void
copy_file(const char *from, const char *to)
{
    struct strbuf text = {0};
    trv_err err = {0};

    must(file_read(&text, from, (size_t)1 << 26, &err), &err);
    must(file_write_atomic(to, text.s, text.len, &err), &err);
    sb_release(&text);
}

/* A model of tests/golden as the folder %/NAME. */
static void
copy_model(const struct place *t, const char *name, const char *golden)
{
    static const char *const files[] = {"config.json", "generation_config.json",
                                        "model.safetensors", "tokenizer.json",
                                        "tokenizer_config.json"};
    char from[200], to[200];
    trv_err err = {0};

    snprintf(to, sizeof(to), "%%/%s", name);
    must(dir_make(spec_in(t, to), &err), &err);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(from, sizeof(from), "golden/%s/%s", golden, files[i]);
        snprintf(to, sizeof(to), "%%/%s/%s", name, files[i]);
        copy_file(test_source(from), spec_in(t, to));
    }
}

static void
train(struct place *t, const char *to, const char *data, bool full)
{
    trv_train_options o = TRV_TRAIN_OPTIONS_INIT;
    trv_err err = {0};
    char rows[600];

    snprintf(rows, sizeof(rows), "%s", spec_in(t, data));
    snprintf(now, sizeof(now), "train %s", to);
    o.data = rows;
    o.full = full;
    o.replace = true;
    o.lora.rank = 2;
    o.learn.steps = 3;
    o.learn.batch = 2;
    o.learn.lr = 0.02;
    must(trv_train(t->m, NULL, spec_in(t, to), &o, NULL, NULL, &err), &err);
}

/* The golden world has no template, which messages need. */
static const char world_chat[] =
    "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"chat_template\":"
    " \"{{ bos_token }}{% for m in messages %}{{ m['content'] }}{{ ' ' }}"
    "{% endfor %}\"}";

/* `model` NULL: the world. */
static void
open_place(struct place *t, const char *name, const char *model,
           const char *precision)
{
    trv_model_options o = TRV_MODEL_OPTIONS_INIT;
    char path[600];
    trv_err err = {0};

    snprintf(now, sizeof(now), "%s", name);
    snprintf(path, sizeof(path), "%s", model ? model : "");
    snprintf(t->dir, sizeof(t->dir), "%s", test_tmpdir(name));
    write_file(t, "%/in.jsonl",
               "{\"prompt\": \"a\"}\n{\"prompt\": \"dc\"}\n"
               "{\"prompt\": \"b\"}\n{\"prompt\": \"ca\"}\n");
    write_file(
        t, "%/pairs.jsonl",
        "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"cc\"}\n"
        "{\"prompt\": \"d\", \"chosen\": \"bb\", \"rejected\": \"a\"}\n");
    write_file(t, "%/others.jsonl",
               "{\"prompt\": \"a\", \"chosen\": \"cc\", \"rejected\": \"b\"}\n"
               "{\"prompt\": \"d\", \"chosen\": \"a\", \"rejected\": \"c\"}\n");
    write_file(t, "%/rows.jsonl",
               "{\"prompt\": \"a\", \"completion\": \"dd\"}\n"
               "{\"prompt\": \"c\", \"completion\": \"d\"}\n");
    copy_model(t, "other", "tiny/one"); // of another tokenizer
    if (!model) {
        copy_model(t, "model", "world");
        write_file(t, "%/model/tokenizer_config.json", world_chat);
        snprintf(path, sizeof(path), "%s", spec_in(t, "%/model"));
        o.threads = 1; // it is too small to share out
    }
    o.precision = precision;
    must(trv_model_open(&t->m, path, &o, &err), &err);
    train(t, "lora:%/moved", "%/rows.jsonl", false);
    train(t, "head:%/head", "%/pairs.jsonl", false);
    train(t, "head:%/head-full", "%/pairs.jsonl", true);
}

static int
set_up(void **state)
{
    (void)state;
    open_place(&world, "reward_edges_world", NULL, "f32");
    open_place(&nano, "reward_edges_nano", test_source("../models/nano"),
               "auto");
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    trv_model_free(world.m);
    trv_model_free(nano.m);
    return 0;
}

/* ---- a conversion, whole and in two parts ------------------------------- */

struct stop {
    const char *stage;
    int64_t at;
};

static bool
go_on(const trv_progress *p, void *payload)
{
    const struct stop *s = payload;

    return !s || strcmp(p->stage, s->stage) != 0 || p->done < s->at;
}

static trv_convert_options
options(struct place *t, const char *method, const char *advantage)
{
    static char in[600];
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;

    snprintf(in, sizeof(in), "%s/in.jsonl", t->dir);
    o.method = method;
    o.advantage = advantage;
    o.inputs = in;
    o.replace = true;
    o.allow_diverged = true; // four steps that need not help
    o.seed = 3;
    o.samples = 16;
    o.group = 4;
    o.max_tokens = 4;
    o.lora.rank = 2;
    o.bottleneck.size = 2;
    o.virtual_tokens.tokens = 2;
    o.learn.steps = 4;
    o.learn.batch = 4;
    o.learn.checkpoint_every = 0;
    o.prompt_tokens = 3;
    o.search.restarts = 1;
    o.search.width = 4;
    o.evolve.rounds = 3;
    o.evolve.population = 2;
    o.evolve.inputs = 3;
    o.evolve.held_out = 1;
    o.evolve.minibatch = 2;
    o.evolve.demos = 2;
    return o;
}

static int
convert(struct place *t, const char *from, const char *to,
        const trv_convert_options *o, struct stop *stop, trv_err *err)
{
    trv_adaptation *a = NULL;
    int rc = trv_adaptation_open(&a, t->m, spec_in(t, from), false, err);

    if (!rc)
        rc = trv_convert(t->m, NULL, a, spec_in(t, to), o, go_on, stop, err);
    trv_adaptation_free(a);
    return rc;
}

static void
assert_same_file(const char *name, const char *a, const char *b)
{
    struct strbuf x = {0}, y = {0};
    trv_err err = {0};
    bool same;

    must(file_read(&x, a, (size_t)1 << 26, &err), &err);
    must(file_read(&y, b, (size_t)1 << 26, &err), &err);
    same = x.len == y.len && memcmp(x.s, y.s, x.len) == 0;
    sb_release(&x);
    sb_release(&y);
    if (!same)
        fail_msg("%s: '%s' differs after a resume", now, name);
}

/* Both folders hold the same files. */
static void
assert_same_folder(const char *a, const char *b)
{
    const char *const dirs[] = {a, b};
    int n[2] = {0, 0};

    for (int k = 0; k < 2; k++) {
        DIR *d = opendir(dirs[k]);
        const struct dirent *e;

        assert_non_null(d);
        while ((e = readdir(d))) {
            char x[900], y[900];

            if (e->d_name[0] == '.')
                continue;
            n[k]++;
            snprintf(x, sizeof(x), "%s/%s", a, e->d_name);
            snprintf(y, sizeof(y), "%s/%s", b, e->d_name);
            if (k == 0)
                assert_same_file(e->d_name, x, y);
        }
        closedir(d);
    }
    if (n[0] != n[1] || n[0] == 0)
        fail_msg("%s: %d files, after a resume %d", now, n[0], n[1]);
}

/* Convert to the same place twice, once stopped and resumed: what came first is
 * moved away, as a chain names the place of its links. */
static void
converts_and_resumes(struct place *t, const char *from, const char *kind,
                     trv_convert_options o, struct stop stop)
{
    static int turn;
    char to[100], whole[100];
    trv_err err = {0};
    int rc;

    snprintf(to, sizeof(to), "%s:%%/out-%d", kind, ++turn);
    snprintf(whole, sizeof(whole), "%%/whole-%d", turn);
    must(convert(t, from, to, &o, NULL, &err), &err);
    if (rename(strchr(spec_in(t, to), ':') + 1, spec_in(t, whole)) != 0)
        fail_msg("%s: nothing was made", now);
    rc = convert(t, from, to, &o, &stop, &err);
    if (rc != TRV_ECANCELED || !strstr(err.msg, "--resume"))
        fail_msg("%s: not stopped in '%s' at %lld: %d, %s", now, stop.stage,
                 (long long)stop.at, rc, rc ? err.msg : "it went on");
    o.resume = true;
    must(convert(t, from, to, &o, NULL, &err), &err);
    assert_same_folder(spec_in(t, whole), strchr(spec_in(t, to), ':') + 1);
}

static void
refuses(struct place *t, const char *from, const char *to,
        const trv_convert_options *o, const char *says)
{
    trv_err err = {0};
    const int rc = convert(t, from, to, o, NULL, &err);

    if (rc != TRV_EUNSUPPORTED || !strstr(err.msg, says))
        fail_msg("%s: %d, '%s' should say '%s'", now, rc,
                 rc ? err.msg : "it converts", says);
}

/* ---- the cases ---------------------------------------------------------- */

static void
test_reward_edges_every_kind_has_a_recipe_and_a_link(void **state)
{
    (void)state;
    for (int k = 0; k < KIND_COUNT; k++) {
        size_t r = 0, l = 0;

        if (kind_form((enum kind)k) != FORM_REWARD)
            continue;
        while (r < N_RECIPES && recipes[r].kind != (enum kind)k)
            r++;
        while (l < N_LINKS && links[l].kind != (enum kind)k)
            l++;
        if (r == N_RECIPES || l == N_LINKS)
            fail_msg("the reward kind '%s' has no row in recipes[] or links[] "
                     "of this test",
                     kind_name((enum kind)k));
    }
}

static void
test_reward_edges_recipes_are_of_their_kind(void **state)
{
    (void)state;
    for (size_t r = 0; r < N_RECIPES; r++) {
        trv_adaptation *a;
        trv_err err = {0};

        snprintf(now, sizeof(now), "%s", recipes[r].name);
        must(trv_adaptation_open(&a, world.m, spec_in(&world, recipes[r].spec),
                                 false, &err),
             &err);
        assert_string_equal(trv_adaptation_kind(a), kind_name(recipes[r].kind));
        trv_adaptation_free(a);
    }
}

static void
take_edge(struct place *t, const char *where, const struct recipe *r,
          const struct edge *e)
{
    trv_convert_options o = options(t, e->method, e->advantage);
    char to[100];

    fit_options(&o, FORM_REWARD, e->to);
    snprintf(now, sizeof(now), "%s: %s by %s (%s) to %s", where, r->name,
             e->method, e->advantage, e->to);
    snprintf(to, sizeof(to), "%s:%%/refused", e->to);
    if (e->refusal && !r->tokens)
        refuses(t, r->spec, to, &o, e->refusal);
    else
        converts_and_resumes(t, r->spec, e->to, o,
                             (struct stop){e->stage, e->at});
}

static void
test_reward_edges_convert_and_resume(void **state)
{
    (void)state;
    for (size_t r = 0; r < N_RECIPES; r++)
        for (size_t e = 0; e < N_EDGES; e++)
            take_edge(&world, "world", &recipes[r], &edges[e]);
}

static void
test_reward_edges_convert_and_resume_on_nano(void **state)
{
    (void)state;
    for (size_t r = 0; r < N_RECIPES; r++)
        take_edge(&nano, "nano", &recipes[r], &edges[0]);
}

/* From a reward on: to parameters, and what they say becomes a prefix. */
static void
test_reward_edges_go_on_in_chains(void **state)
{
    (void)state;
    for (size_t r = 0; r < N_RECIPES; r++) {
        trv_convert_options o = options(&world, NULL, "group");

        fit_options(&o, FORM_REWARD, "lora prefix");
        o.via = "reward,lora";
        snprintf(now, sizeof(now), "world: %s, lora, prefix", recipes[r].name);
        converts_and_resumes(&world, recipes[r].spec, "prefix", o,
                             (struct stop){"training", 2});
    }
}

static void
test_reward_edges_chains_go_through_each_kind(void **state)
{
    (void)state;
    for (size_t l = 0; l < N_LINKS; l++) {
        trv_convert_options o = options(&nano, NULL, "group");
        char kinds[40];

        snprintf(kinds, sizeof(kinds), "%s lora", kind_name(links[l].kind));
        fit_options(&o, links[l].from[0] == 'l' ? FORM_PARAMS : FORM_PROMPT,
                    kinds);
        o.via = kind_name(links[l].kind);
        snprintf(now, sizeof(now), "nano: %s, %s, lora", links[l].from, o.via);
        if (links[l].refusal)
            refuses(&nano, links[l].from, "lora:%/refused", &o,
                    links[l].refusal);
        else
            converts_and_resumes(&nano, links[l].from, "lora", o,
                                 (struct stop){"scoring", 1});
    }
}

/* What a head has learned is told by its folder alone: another one under the
 * same name is another source. */
static void
test_reward_edges_a_run_does_not_go_on_from_another_head(void **state)
{
    static const char *const specs[] = {
        "head:%/changing", "sum:1*head:%/changing-1*verifier:contains,words=a"};

    (void)state;
    for (int full = 0; full < 2; full++)
        for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
            trv_convert_options o = options(&world, "dpo", "group");
            struct stop stop = {"training", 2};
            trv_err err = {0};
            int rc;

            fit_options(&o, FORM_REWARD, "lora");
            train(&world, "head:%/changing", "%/pairs.jsonl", full);
            snprintf(now, sizeof(now), "%s, %s", specs[i],
                     full ? "all weights" : "a LoRA");
            rc = convert(&world, specs[i], "lora:%/changed", &o, &stop, &err);
            assert_int_equal(rc, TRV_ECANCELED);
            train(&world, "head:%/changing", "%/others.jsonl", full);
            o.resume = true;
            rc = convert(&world, specs[i], "lora:%/changed", &o, NULL, &err);
            if (rc != TRV_EMISMATCH || !strstr(err.msg, "source was"))
                fail_msg("%s: %d, '%s'", now, rc, rc ? err.msg : "it goes on");
        }
}

/* What lies in OUT.via may be of a chain with another seed. */
static void
test_reward_edges_a_chain_begun_anew_takes_no_link_of_another(void **state)
{
    trv_convert_options o = options(&world, NULL, "group");
    struct stop stop = {"training", 1};
    trv_err err = {0};

    (void)state;
    fit_options(&o, FORM_REWARD, "lora prefix");
    o.via = "reward,lora";
    snprintf(now, sizeof(now), "a chain over another");
    must(convert(&world, recipes[0].spec, "prefix:%/anew", &o, NULL, &err),
         &err);
    if (rename(spec_in(&world, "%/anew"), spec_in(&world, "%/anew-whole")) != 0)
        fail_msg("nothing was made");
    o.seed = 77;
    must(convert(&world, recipes[0].spec, "prefix:%/anew", &o, NULL, &err),
         &err);
    o.seed = 3;
    assert_int_equal(
        convert(&world, recipes[0].spec, "prefix:%/anew", &o, &stop, &err),
        TRV_ECANCELED);
    o.resume = true;
    must(convert(&world, recipes[0].spec, "prefix:%/anew", &o, NULL, &err),
         &err);
    assert_same_folder(spec_in(&world, "%/anew-whole"),
                       spec_in(&world, "%/anew"));
}

static void
test_reward_edges_a_chain_goes_on_with_its_own_options_alone(void **state)
{
    trv_convert_options o = options(&world, NULL, "group");
    struct stop stop = {"training", 1};
    trv_err err = {0};

    (void)state;
    fit_options(&o, FORM_REWARD, "lora prefix");
    o.via = "reward,lora";
    o.beta = 0.3;
    snprintf(now, sizeof(now), "a chain with another beta");
    assert_int_equal(
        convert(&world, recipes[0].spec, "prefix:%/beta", &o, &stop, &err),
        TRV_ECANCELED);
    o.resume = true;
    o.beta = 0.4;
    assert_int_equal(
        convert(&world, recipes[0].spec, "prefix:%/beta", &o, NULL, &err),
        TRV_EMISMATCH);
    assert_non_null(strstr(err.msg, "beta"));
}

/* Pairs are for the first link that reads them; the last learns from the reward
 * in between. */
static void
test_reward_edges_a_chain_hands_each_link_what_it_reads(void **state)
{
    char pairs[600];
    trv_convert_options o = options(&world, "bon", "group");
    trv_err err = {0};

    (void)state;
    snprintf(pairs, sizeof(pairs), "%s", spec_in(&world, "%/pairs.jsonl"));
    o.pairs = pairs;
    fit_options(&o, FORM_BASE, "lora ratio lora");
    o.method = ",,bon";
    o.pairs = pairs;
    o.via = "lora,ratio";
    snprintf(now, sizeof(now), "pairs, lora, ratio, lora");
    must(convert(&world, "base", "lora:%/handed", &o, NULL, &err), &err);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reward_edges_every_kind_has_a_recipe_and_a_link),
        cmocka_unit_test(test_reward_edges_recipes_are_of_their_kind),
        cmocka_unit_test(test_reward_edges_convert_and_resume),
        cmocka_unit_test(test_reward_edges_convert_and_resume_on_nano),
        cmocka_unit_test(test_reward_edges_go_on_in_chains),
        cmocka_unit_test(test_reward_edges_chains_go_through_each_kind),
        cmocka_unit_test(
            test_reward_edges_a_run_does_not_go_on_from_another_head),
        cmocka_unit_test(
            test_reward_edges_a_chain_begun_anew_takes_no_link_of_another),
        cmocka_unit_test(
            test_reward_edges_a_chain_goes_on_with_its_own_options_alone),
        cmocka_unit_test(
            test_reward_edges_a_chain_hands_each_link_what_it_reads),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
