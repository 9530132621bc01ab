/* test_text_search.c -- searches in a world so small that every prompt can be
 * tried and every answer counted (golden/search): the best prompt is known
 * exactly, and the search must come within 2 % of it.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "adapt/reward/reward.h"
#include "base/file.h"
#include "model/decoder/pass.h"
#include "transform/token_search/goal_match.h"
#include "transform/token_search/goal_reward.h"
#include "base/json.h"
#include "base/seal.h"

#define V 8
#define END 7 // </s>
#define LENGTH 3
#define MOST 3 // tokens of a prompt
#define BETA 0.02

static const char rows[] = "{\"prompt\": \"a\"}\n{\"prompt\": \"dc\"}\n"
                           "{\"prompt\": \"eb\"}\n";
#define INPUTS 3

struct fixture {
    struct session *s;
    struct adaptation *from;
    struct inputs in;
    struct answers answers;
    struct prompt_place slot;
    struct text_match match;
    struct text_reward reward;
    bool by_reward;
    struct search_goal goal;
    struct search_options opts;
    char dir[512];
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

/* The goal of `spec`: a LoRA to be answered like, or a reward to be earned. */
static void
open_fixture(struct fixture *f, const char *name, const char *spec)
{
    const struct backend_options be = {.prec = PREC_F32, .threads = 1};
    char path[600];
    trv_err err = {0};

    memset(f, 0, sizeof(*f));
    snprintf(f->dir, sizeof(f->dir), "%s", test_tmpdir(name));
    must(session_open(&f->s, test_source("golden/search/world"), &be, &err),
         &err);
    f->s->model->layout = TEXT_RAW;
    snprintf(path, sizeof(path), "%s", spec);
    if (strcmp(spec, "adapter") == 0)
        snprintf(path, sizeof(path), "lora:%s",
                 test_source("golden/search/world/adapter"));
    must(adaptation_open(&f->from, f->s->model, NULL, path, true, &err), &err);
    must(view_ready(f->from, f->s->be, &err), &err);
    f->by_reward = f->from->form == FORM_REWARD;
    must(data_parse(&f->in.data, "rows.jsonl", rows, strlen(rows), &err), &err);
    must(answers_contexts(&f->answers, f->s, f->by_reward ? NULL : f->from,
                          NULL, &f->in, LENGTH, &err),
         &err);
    must(prompt_place_open(&f->slot, f->s->model, f->in.data.rows, f->in.data.n,
                           "", &err),
         &err);
    must(answers_draw(&f->answers, f->s,
                      &(struct answers_options){.samples = 768,
                                                .max_tokens = LENGTH,
                                                .temperature = 1.0,
                                                .seed = 5},
                      &err),
         &err);
    if (f->by_reward) {
        f->reward = (struct text_reward){.s = f->s,
                                         .slot = &f->slot,
                                         .reward = f->from,
                                         .in = &f->in,
                                         .answers = &f->answers,
                                         .beta = BETA,
                                         .batch = INPUTS,
                                         .samples = 192,
                                         .max_tokens = LENGTH,
                                         .confirms = 16,
                                         .most = INPUTS,
                                         .seed = 5};
        must(text_reward_init(&f->reward, &f->goal, &err), &err);
    } else {
        f->match = (struct text_match){.s = f->s,
                                       .slot = &f->slot,
                                       .answers = &f->answers,
                                       .divergence = DIV_FORWARD,
                                       .batch = 768,
                                       .most = 768,
                                       .seed = 5};
        must(text_match_init(&f->match, &f->goal, &err), &err);
    }
    f->opts = (struct search_options){.steps = 8,
                                      .restarts = 4,
                                      .tokens = MOST,
                                      .width = 24,
                                      .top_k = 256,
                                      .starts = 16,
                                      .patience = 5,
                                      .seed = 1};
}

static void
close_fixture(struct fixture *f)
{
    if (f->by_reward)
        text_reward_release(&f->reward);
    else
        text_match_release(&f->match);
    prompt_place_release(&f->slot);
    answers_release(&f->answers);
    inputs_release(&f->in);
    adaptation_free(f->from);
    session_free(f->s);
}

/* --- what is known exactly --- */

/* Two distributions over the answers to an input, token by token: beginnings
 * h [7 * 7] of two tokens, none of them the end. */
struct tree {
    double first_kl, kl[7], kl2[7][7];
    double p1[8], p2[7][8], p3[7][7][8]; // of the first side
};

/* KL(A || B) and p of A wherever an answer may be. */
static void
grow(struct tree *t, struct fixture *f, const struct context *a,
     const struct context *b)
{
    int32_t ids[49][3], target[147];
    struct answered both[98];
    struct head_side sides[2] = {{0}};
    float div[147];
    struct mat logits;
    trv_err err = {0};

    for (int i = 0; i < 49; i++) {
        ids[i][0] = i / 7;
        ids[i][1] = i % 7;
        ids[i][2] = 0;
        both[i] = (struct answered){a, ids[i], 3};
        both[49 + i] = (struct answered){b, ids[i], 3};
    }
    arena_reset(&f->s->arena);
    must(pass_forward(sides, target, &f->s->arena, 2, both, 49, &err), &err);
    must(head_compare(&f->s->arena, div, NULL, &sides[0], &sides[1], 147,
                      DIV_FORWARD, &err),
         &err);
    logits = mat_new(&f->s->arena, DT_F32, 147, V);
    must(head_mix(&f->s->arena, logits, &sides[0], 147, &err), &err);
    f->s->be->ops->softmax(f->s->be, logits, 1.0f);
    t->first_kl = (double)div[0];
    for (int i = 0; i < 7; i++) {
        t->kl[i] = (double)div[(i * 7) * 3 + 1];
        for (int j = 0; j < 7; j++)
            t->kl2[i][j] = (double)div[(i * 7 + j) * 3 + 2];
    }
    for (int k = 0; k < V; k++) {
        const float *p = logits.data;

        t->p1[k] = (double)p[k];
        for (int i = 0; i < 7; i++) {
            t->p2[i][k] = (double)p[((i * 7) * 3 + 1) * logits.ld + k];
            for (int j = 0; j < 7; j++)
                t->p3[i][j][k] =
                    (double)p[((i * 7 + j) * 3 + 2) * logits.ld + k];
        }
    }
}

/* Sum over tokens of the KL, and the number of tokens, both expected. */
static void
expect(double *kl, double *n, const struct tree *t)
{
    *kl += t->first_kl;
    *n += 1.0;
    for (int i = 0; i < 7; i++) {
        *kl += t->p1[i] * t->kl[i];
        *n += t->p1[i];
        for (int j = 0; j < 7; j++) {
            *kl += t->p1[i] * t->p2[i][j] * t->kl2[i][j];
            *n += t->p1[i] * t->p2[i][j];
        }
    }
}

/* r of every answer: to no input in particular, so asked once. */
struct rewards {
    double r1, r2[7], r3[7][7][8];
};

static void
ask_rewards(struct rewards *r, struct fixture *f)
{
    static int32_t ids[400][3];
    static struct reward_item items[400];
    static struct strbuf text[400];
    static double score[400];
    int n = 0;
    trv_err err = {0};

    for (int i = 0; i < 8; i++)
        for (int j = 0; j < (i == END ? 1 : 8); j++)
            for (int k = 0; k < (i == END || j == END ? 1 : 8); k++, n++) {
                const int length = i == END ? 1 : j == END ? 2 : 3;

                ids[n][0] = i;
                ids[n][1] = j;
                ids[n][2] = k;
                sb_reset(&text[n]);
                must(tokenizer_decode(f->s->model->tokenizer, &text[n], ids[n],
                                      length, true, &err),
                     &err);
                items[n] =
                    (struct reward_item){.row = &f->in.data.rows[0],
                                         .text = text[n].s ? text[n].s : "",
                                         .n_text = text[n].len,
                                         .ids = ids[n],
                                         .n_ids = length};
            }
    assert_int_equal(n, 1 + 7 + 49 * 8);
    must(reward_score(f->s, f->from, score, NULL, items, n, NULL, &err), &err);
    n = 0;
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < (i == END ? 1 : 8); j++)
            for (int k = 0; k < (i == END || j == END ? 1 : 8); k++, n++) {
                if (i == END)
                    r->r1 = score[n];
                else if (j == END)
                    r->r2[i] = score[n];
                else
                    r->r3[i][j][k] = score[n];
            }
    for (int i = 0; i < n; i++)
        sb_release(&text[i]);
}

static double
expected_reward(const struct tree *t, const struct rewards *r)
{
    double sum = t->p1[END] * r->r1;

    for (int i = 0; i < 7; i++) {
        sum += t->p1[i] * t->p2[i][END] * r->r2[i];
        for (int j = 0; j < 7; j++)
            for (int k = 0; k < V; k++)
                sum += t->p1[i] * t->p2[i][j] * t->p3[i][j][k] * r->r3[i][j][k];
    }
    return sum;
}

/* The context of input i under z (n 0: under no prompt). */
static void
context_of(struct context *out, struct component *part, struct ids *ids,
           struct fixture *f, int64_t i, const int32_t *z, int64_t n)
{
    const struct place_row *at = &f->slot.at[i];

    ids->n = 0;
    assert_int_equal(ids_append(ids, at->head.v, at->head.n), 0);
    if (n > 0)
        assert_int_equal(ids_append(ids, z, n), 0);
    assert_int_equal(ids_append(ids, at->tail.v, at->tail.n), 0);
    *part = (struct component){f->s->decoder, NULL, ids->v, ids->n, 1.0};
    *out = (struct context){.parts = part, .n = 1};
}

/* The goal of z, exactly. */
static double
exact(struct fixture *f, const struct rewards *r, const int32_t *z, int64_t n)
{
    double kl = 0.0, tokens = 0.0, reward = 0.0;
    struct ids ids = {0}, bare = {0};
    struct context c, base;
    struct component part, base_part;
    struct tree t;

    for (int64_t i = 0; i < INPUTS; i++) {
        context_of(&c, &part, &ids, f, i, z, n);
        if (f->by_reward) {
            context_of(&base, &base_part, &bare, f, i, NULL, 0);
            grow(&t, f, &c, &base);
            reward += expected_reward(&t, r) / INPUTS;
        } else {
            grow(&t, f, &f->answers.contexts[i].teacher, &c);
        }
        expect(&kl, &tokens, &t);
    }
    ids_release(&ids);
    ids_release(&bare);
    return f->by_reward ? -(reward - BETA * kl / INPUTS) : kl / tokens;
}

/* The least goal of all prompts that survive, and that of no prompt. */
static double
best_of_all(struct fixture *f, const struct rewards *r, int *completion)
{
    struct strbuf text = {0};
    double best = (double)INFINITY;
    trv_err err = {0};

    *completion = 0;
    for (int code = 0; code < 7 * 7 * 7; code++) {
        const int digits[MOST] = {code % 7, code / 7 % 7, code / 49};
        int32_t z[MOST];
        int64_t n = 0;
        bool stands;

        while (n < MOST && digits[n] > 0) {
            z[n] = digits[n] - 1;
            n++;
        }
        for (int64_t k = n; k < MOST; k++)
            n = digits[k] > 0 ? 0 : n; // a hole: another code says the same
        if (n == 0)
            continue;
        must(prompt_place_text(&text, &stands, &f->slot, z, n, &err), &err);
        if (!stands)
            continue;
        best = fmin(best, exact(f, r, z, n));
        *completion += 1;
    }
    sb_release(&text);
    return best;
}

static void
search(struct fixture *f, struct search_result *out)
{
    trv_err err = {0};

    must(text_search(out, f->s, &f->slot, &f->goal, &f->opts, &err), &err);
}

/* 6 tokens and 36 pairs and 216 triples, but for those with "a" "b". */
#define SURVIVORS (6 + 35 + 216 - 12)

static void
test_text_search_finds_the_prompt_nearest_to_parameters(void **state)
{
    struct search_result result;
    const struct ids *z;
    struct fixture f;
    double best, base, got;
    int completion;

    (void)state;
    open_fixture(&f, "search_match", "adapter");
    best = best_of_all(&f, NULL, &completion);
    base = exact(&f, NULL, NULL, 0);
    assert_int_equal(completion, SURVIVORS);
    assert_true(best < 0.9 * base); // there is something to find
    search(&f, &result);
    z = &result.ends[result.best].best.z;
    got = exact(&f, NULL, z->v, z->n);
    print_message("KL %.4f, best of all %.4f, without %.4f; %lld steps\n", got,
                  best, base, (long long)result.steps);
    assert_true(got <= 1.02 * best);
    /* What was judged on 768 answers is near what is so: their standard error
     * is about 2 %. */
    assert_close(result.base, base, 0.08 * base);
    assert_close(result.ends[result.best].goal, got, 0.08 * got);
    search_result_release(&result);
    close_fixture(&f);
}

static void
test_text_search_finds_the_prompt_that_a_reward_likes_best(void **state)
{
    static const char *const specs[] = {
        "verifier:contains,inside=1,words=d",
        "verifier:contains,inside=1,words=c",
    };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct search_result result;
        const struct ids *z;
        struct rewards r;
        struct fixture f;
        double best, base, got;
        int completion;

        open_fixture(&f, "search_reward", specs[i]);
        ask_rewards(&r, &f);
        best = best_of_all(&f, &r, &completion);
        base = exact(&f, &r, NULL, 0);
        assert_true(best < base - 0.05); // something is to be earned
        search(&f, &result);
        z = &result.ends[result.best].best.z;
        got = exact(&f, &r, z->v, z->n);
        print_message("goal %.4f, best of all %.4f, without %.4f; %lld steps\n",
                      got, best, base, (long long)result.steps);
        assert_true(got <= best + 0.02 * fabs(best));
        search_result_release(&result);
        close_fixture(&f);
    }
}

struct stop {
    int after, calls;
};

static bool
stop_after(const trv_progress *p, void *payload)
{
    struct stop *s = payload;

    assert_string_equal(p->stage, "searching");
    return ++s->calls != s->after;
}

static void
same_as(const struct search_result *a, const struct search_result *b)
{
    assert_int_equal(a->n_ends, b->n_ends);
    assert_int_equal(a->best, b->best);
    assert_int_equal(a->steps, b->steps);
    assert_true(a->base == b->base && a->disagreement == b->disagreement);
    for (int64_t i = 0; i < a->n_ends; i++) {
        assert_string_equal(a->ends[i].best.text, b->ends[i].best.text);
        assert_true(a->ends[i].goal == b->ends[i].goal &&
                    a->ends[i].loss == b->ends[i].loss &&
                    a->ends[i].perplexity == b->ends[i].perplexity);
    }
}

static void
read_metrics(struct strbuf *out, const char *dir)
{
    char path[600];
    trv_err err = {0};

    snprintf(path, sizeof(path), "%s/metrics.jsonl", dir);
    must(file_read(out, path, 1 << 20, &err), &err);
}

static void
test_text_search_resumed_equals_one_that_was_not_stopped(void **state)
{
    static const char *const specs[] = {"adapter",
                                        "verifier:contains,inside=1,words=d"};

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct search_result whole, result;
        struct strbuf metrics = {0}, again = {0};
        struct fixture f;
        int rounds = 0, rc = TRV_ECANCELED;
        trv_err err = {0};

        open_fixture(&f, "search_whole", specs[kind]);
        f.opts.restarts = 2;
        f.opts.steps = 3;
        f.opts.fluency = 0.01;
        f.opts.length = 0.001;
        f.opts.dir = f.dir;
        search(&f, &whole);
        read_metrics(&metrics, f.dir);
        close_fixture(&f);
        for (; rc == TRV_ECANCELED && rounds < 20; rounds++) {
            struct stop stop = {.after = 1 + rounds % 2};

            open_fixture(&f, rounds ? "search_again" : "search_parts",
                         specs[kind]);
            f.opts.restarts = 2;
            f.opts.steps = 3;
            f.opts.fluency = 0.01;
            f.opts.length = 0.001;
            snprintf(f.dir, sizeof(f.dir), "%s",
                     rounds ? "test-tmp-search_parts" : f.dir);
            f.opts.dir = f.dir;
            f.opts.resume = rounds > 0;
            f.opts.progress = stop_after;
            f.opts.payload = &stop;
            rc = text_search(&result, f.s, &f.slot, &f.goal, &f.opts, &err);
            if (!rc)
                read_metrics(&again, f.dir);
            close_fixture(&f);
        }
        must(rc, &err);
        assert_true(rounds >= 4);
        same_as(&whole, &result);
        assert_int_equal(metrics.len, again.len);
        assert_memory_equal(metrics.s, again.s, again.len);
        sb_release(&metrics);
        sb_release(&again);
        search_result_release(&whole);
        search_result_release(&result);
    }
}

static void
test_text_search_penalties_make_prompts_short_and_plain(void **state)
{
    struct search_result free_result, dear;
    struct fixture f;

    (void)state;
    open_fixture(&f, "search_penalties", "adapter");
    f.opts.restarts = 1;
    search(&f, &free_result);
    f.opts.length = 1.0; // a token costs more than it can gain
    search(&f, &dear);
    assert_int_equal(dear.ends[0].best.z.n, 1);
    search_result_release(&dear);
    f.opts.length = 0.0;
    f.opts.fluency = 1.0;
    search(&f, &dear);
    assert_true(dear.ends[0].perplexity < free_result.ends[0].perplexity);
    search_result_release(&dear);
    search_result_release(&free_result);
    close_fixture(&f);
}

static void
test_text_search_starts_from_a_given_text(void **state)
{
    struct search_result result;
    struct fixture f;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, "search_start", "adapter");
    f.opts.restarts = 1;
    f.opts.steps = 1;
    f.opts.patience = 1;
    f.opts.length = 100.0; // so nothing but what is shorter is better
    f.opts.start = "c";
    search(&f, &result);
    assert_int_equal(result.ends[0].best.z.n, 1);
    search_result_release(&result);
    f.opts.start = "cdecde";
    assert_int_equal(text_search(&result, f.s, &f.slot, &f.goal, &f.opts, &err),
                     TRV_EINVAL);
    assert_non_null(strstr(err.msg, "has 6 tokens, more than the 3"));
    close_fixture(&f);
}

/* The exact goal of what a search of one step, or of many, ends with, summed
 * over four seeds. */
static double
sum_of_goals(struct fixture *f)
{
    double sum = 0.0;

    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct search_result result;
        const struct ids *z;

        f->opts.seed = seed;
        search(f, &result);
        z = &result.ends[0].best.z;
        sum += exact(f, NULL, z->v, z->n);
        search_result_release(&result);
    }
    return sum;
}

static void
test_text_search_begins_with_the_best_of_its_texts(void **state)
{
    struct fixture f;
    double best, one, many;
    int completion;

    (void)state;
    open_fixture(&f, "search_texts", "adapter");
    best = best_of_all(&f, NULL, &completion);
    f.opts.restarts = f.opts.steps = 1;
    f.opts.width = f.opts.top_k = 1; // so it stays about where it begins
    f.opts.starts = 1;
    one = sum_of_goals(&f);
    f.opts.starts = 400;
    many = sum_of_goals(&f);
    print_message("best %.4f; of one text %.4f, of 400 %.4f\n", best, one / 4,
                  many / 4);
    /* It writes the best of all too seldom, but much better ones than one. */
    assert_true(many - 4 * best < 0.4 * (one - 4 * best));
    close_fixture(&f);
}

/* A goal with a trap: whatever is near "c" is worse, and what is good is far. */
static double
trap(const struct ids *z)
{
    const bool good = z->n == 3 && z->v[0] == 3;
    const bool first = z->n == 1 && z->v[0] == 2;

    return good ? 0.0 : first ? 1.0 : 2.0;
}

static int
trap_begin(void *self, const struct search_at *at, trv_err *err)
{
    struct fixture *f = self;

    (void)at;
    (void)err;
    arena_reset(&f->s->arena);
    return 0;
}

static int
trap_gradient(void *self, float *g, const struct ids *z, double fluency,
              trv_err *err)
{
    const struct fixture *f = self;

    (void)fluency;
    (void)err;
    memset(g, 0, (size_t)(z->n * f->s->decoder->cfg->width) * sizeof(*g));
    return 0;
}

static int
trap_evaluate(void *self, double *value, const struct ids *z, int64_t n,
              trv_err *err)
{
    (void)self;
    (void)err;
    for (int64_t i = 0; i < n; i++)
        value[i] = trap(&z[i]);
    return 0;
}

static int
trap_judge(void *self, double *value, const struct ids *z, trv_err *err)
{
    (void)self;
    (void)err;
    *value = z ? trap(z) : 3.0;
    return 0;
}

static void
test_text_search_goes_on_after_a_stall(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f, "search_kick", "adapter");
    f.goal = (struct search_goal){.self = &f,
                                  .begin = trap_begin,
                                  .gradient = trap_gradient,
                                  .evaluate = trap_evaluate,
                                  .judge = trap_judge};
    f.opts.restarts = 1;
    f.opts.steps = 40;
    f.opts.start = "c";
    for (int patience = 2; patience <= 40; patience += 38) {
        struct search_result result;

        f.opts.patience = patience;
        search(&f, &result);
        assert_int_equal(result.steps, 40);
        assert_close(result.ends[0].goal, patience < 40 ? 0.0 : 1.0, 0.0);
        search_result_release(&result);
    }
    close_fixture(&f);
}

static void
test_text_search_refuses_a_state_that_is_not_its_own(void **state)
{
    static const char *const broken[] = {
        "{",
        "[]",
        "{\"format\": 1}",
        "{\"format\":2,\"look\":1,\"guided\":false,\"restart\":0,\"step\":1,"
        "\"stall\":0,"
        "\"steps\":1,"
        "\"z\":[0,1],\"loss\":1,\"base\":1,\"tokens\":1,"
        "\"metrics_bytes\":0,\"ends\":[]}", // "a" "b" does not survive
        "{\"format\":2,\"look\":1,\"guided\":false,\"restart\":0,\"step\":1,"
        "\"stall\":0,"
        "\"steps\":1,"
        "\"z\":[99],\"loss\":1,\"base\":1,\"tokens\":1,"
        "\"metrics_bytes\":0,\"ends\":[]}",
        "{\"format\":2,\"look\":1,\"guided\":false,\"restart\":1,\"step\":1,"
        "\"stall\":0,"
        "\"steps\":1,"
        "\"z\":[2],\"loss\":1,\"base\":1,\"tokens\":1,"
        "\"metrics_bytes\":0,\"ends\":[]}"};
    struct search_result result;
    struct fixture f;

    (void)state;
    open_fixture(&f, "search_broken", "adapter");
    f.opts.dir = f.dir;
    f.opts.resume = true;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        json_t *state_of = NULL;
        char path[600];
        trv_err err = {0};

        snprintf(path, sizeof(path), "%s/search.json", f.dir);
        (void)json_parse(&state_of, path, broken[i], strlen(broken[i]), &err);
        must(json_is_object(state_of)
                 ? seal_write(path, state_of, &err)
                 : file_write_atomic(path, broken[i], strlen(broken[i]), &err),
             &err);
        json_decref(state_of);
        assert_int_equal(
            text_search(&result, f.s, &f.slot, &f.goal, &f.opts, &err),
            TRV_EFORMAT);
        assert_non_null(strstr(err.msg, "search.json"));
    }
    close_fixture(&f);
}

/* Allocation n fails, for n growing by a sixteenth: what is held is let go, and
 * the search works again. */
static void
test_text_search_survives_want_of_memory(void **state)
{
    static const char *const specs[] = {"adapter",
                                        "verifier:contains,inside=1,words=d"};

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct search_result result;
        struct fixture f;
        int failed = 0, rc = TRV_ENOMEM;
        int64_t live;

        open_fixture(&f, "search_faults", specs[kind]);
        f.opts.restarts = 1;
        f.opts.steps = 1;
        f.opts.width = 3;
        f.opts.fluency = 0.1;
        f.opts.dir = f.dir;
        f.match.batch = f.match.most = 8;
        f.reward.samples = 1;
        search(&f, &result); // what is made once is made
        search_result_release(&result);
        arena_reset(&f.s->arena);
        live = mem_stats_get().live_bytes;
        for (int64_t n = 0; rc; n += 1 + n / 16) {
            trv_err err = {0};

            mem_fail_after(n);
            rc = text_search(&result, f.s, &f.slot, &f.goal, &f.opts, &err);
            mem_fail_after(-1);
            failed += rc != 0;
            if (rc)
                assert_int_equal(rc, TRV_ENOMEM);
        }
        assert_true(failed > 20);
        search_result_release(&result);
        arena_reset(&f.s->arena);
        if (!f.by_reward) // a reward keeps the answers that it last drew
            assert_int_equal(mem_stats_get().live_bytes, live);
        close_fixture(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_text_search_finds_the_prompt_nearest_to_parameters),
        cmocka_unit_test(
            test_text_search_finds_the_prompt_that_a_reward_likes_best),
        cmocka_unit_test(
            test_text_search_resumed_equals_one_that_was_not_stopped),
        cmocka_unit_test(
            test_text_search_penalties_make_prompts_short_and_plain),
        cmocka_unit_test(test_text_search_starts_from_a_given_text),
        cmocka_unit_test(test_text_search_begins_with_the_best_of_its_texts),
        cmocka_unit_test(test_text_search_goes_on_after_a_stall),
        cmocka_unit_test(test_text_search_refuses_a_state_that_is_not_its_own),
        cmocka_unit_test(test_text_search_survives_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
