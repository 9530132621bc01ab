/* test_endo.c -- the reward that a model carries inside: each token against its
 * logits, summed by hand, in a world where all answers are counted and on a tiny
 * model as users score with it.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "adapt/view.h"
#include "api/api.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/decoder/head.h"
#include "support/exact.h"

#define LONGEST 64 // tokens of a row

static struct world w;

static int
set_up(void **state)
{
    (void)state;
    world_open(&w, "endo_world", 1.0);
    exact_save(&w, "moved", KIND_LORA, 0, 0.1, 31);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    world_close(&w);
    return 0;
}

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

/* alpha log of the sum of exp(logit / alpha), in an order of its own. */
static double
soft_value(const float *logits, int64_t V, double alpha)
{
    double sum = 0.0;

    for (int64_t v = V - 1; v >= 0; v--)
        sum += exp(((double)logits[v] - (double)logits[0]) / alpha);
    return (double)logits[0] + alpha * log(sum);
}

/* What each token of an answer is worth, from the logits of one row of its own:
 * alpha log pi + V(s) - V(s'), term by term. Returns the value of the input. */
static double
by_hand(double *worth, struct session *s, struct adaptation *a,
        const struct data_row *row, const int32_t *y, int64_t n, double alpha)
{
    const int64_t V = s->model->cfg.vocab;
    struct ids ids = {0};
    struct batch b;
    struct mat hidden, logits;
    const int64_t *const *at;
    struct decoder *d;
    double v[LONGEST], first;
    int64_t from;
    trv_err err = {0};

    must(view_ready(a, s->be, &err), &err);
    must(session_decoder(s, &d, &err), &err);
    must(view_conditioning(&ids, s->model, a, row, &err), &err);
    from = ids.n - 1; // the place that predicts the first token
    assert_int_equal(ids_append(&ids, y, n), 0);
    assert_true(ids.n <= LONGEST);
    arena_reset(&s->arena);
    must(batch_pack(&b, &at, &s->arena,
                    &(struct row){ids.v, ids.n, view_weights(a)}, 1, &err),
         &err);
    must(decoder_forward(d, &s->arena, &hidden, &b, NULL, NULL, &err), &err);
    logits = mat_new(&s->arena, DT_F32, ids.n, V);
    assert_non_null(logits.data);
    must(head_logits(d, &s->arena, logits, (struct head_rows){hidden, at[0]},
                     ids.n, &err),
         &err);
    for (int64_t t = 0; t <= n; t++) // the end of the answer is worth nothing
        v[t] = t == n ? 0.0
                      : soft_value((const float *)logits.data +
                                       (from + t) * logits.ld,
                                   V, alpha);
    for (int64_t t = 0; t < n; t++) {
        const float *l = (const float *)logits.data + (from + t) * logits.ld;
        const double log_pi = ((double)l[y[t]] - v[t]) / alpha;

        worth[t] = alpha * log_pi + v[t] - v[t + 1];
    }
    first = v[0];
    ids_release(&ids);
    return first;
}

/* Scores and shares of all answers of the world. */
static void
score_world(double *r, double share[][WORLD_LENGTH], struct adaptation *a)
{
    static struct reward_item items[WORLD_ALL];
    double *to[WORLD_ALL];
    trv_err err = {0};

    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const struct answer *y = &w.answers.list[i];

        items[i] = (struct reward_item){.row = &w.in.data.rows[y->context],
                                        .text = "",
                                        .ids = y->ids,
                                        .n_ids = y->n};
        to[i] = share[i];
    }
    must(reward_score(w.s, a, r, to, items, WORLD_ALL, NULL, &err), &err);
}

static struct adaptation *
open_spec(const char *spec)
{
    struct adaptation *a;
    trv_err err = {0};

    must(
        adaptation_open(&a, w.s->model, NULL, exact_spec(&w, spec), true, &err),
        &err);
    return a;
}

static void
test_endo_is_the_sum_by_hand_of_every_answer(void **state)
{
    static const struct {
        const char *spec, *of;
        double alpha;
    } kinds[] = {{"endo:", "base", 1},
                 {"endo:alpha=0.5", "base", 0.5},
                 {"endo:alpha=3,base", "base", 3},
                 {"endo:prompt:cb", "prompt:cb", 1},
                 {"endo:alpha=2,lora:%/moved", "lora:%/moved", 2}};
    static double share[WORLD_ALL][WORLD_LENGTH], r[WORLD_ALL];

    (void)state;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct adaptation *a = open_spec(kinds[k].spec);
        struct adaptation *of = open_spec(kinds[k].of);
        double most = 0.0;

        score_world(r, share, a);
        for (int64_t i = 0; i < WORLD_ALL; i++) {
            const struct answer *y = &w.answers.list[i];
            double want[WORLD_LENGTH], sum = 0.0;

            (void)by_hand(want, w.s, of, &w.in.data.rows[y->context], y->ids,
                          y->n, kinds[k].alpha);
            /* Logits of at most 20 in f32, the packed row's against a row of
             * its own: 20 * 2^-23 for each of two, and some roundings. */
            for (int64_t t = 0; t < y->n; t++) {
                assert_close(share[i][t], want[t], 1e-5);
                sum += want[t];
            }
            assert_close(r[i], sum, 3e-5);
            most = fmax(most, fabs(share[i][0]));
        }
        assert_true(most > 0.5); // there was something to compare
        adaptation_free(of);
        adaptation_free(a);
    }
}

/* The values cancel along an answer: what is left is its log-probability and
 * the value of the input, whether the model ended it or it was cut. */
static void
test_endo_ranks_answers_by_their_likelihood(void **state)
{
    static double share[WORLD_ALL][WORLD_LENGTH], r[WORLD_ALL];
    struct adaptation *a = open_spec("endo:");
    double worth[WORLD_LENGTH];

    (void)state;
    score_world(r, share, a);
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const struct answer *y = &w.answers.list[i];
        const double v = by_hand(worth, w.s, NULL, &w.in.data.rows[y->context],
                                 y->ids, y->n, 1.0);

        assert_close(r[i], w.base[i] + v, 3e-5);
    }
    adaptation_free(a);
}

/* As users score: all tokens of the file's answers, on a real tokenizer. */
static void
test_endo_scores_a_file_by_the_models_logits(void **state)
{
    static const char rows[] =
        "{\"prompt\": \"What is 40 + 2?\", \"completion\": \" It is 42.\"}\n"
        "{\"prompt\": \"Once\", \"completion\": \" upon a time\"}\n";
    trv_model_options opts = TRV_MODEL_OPTIONS_INIT;
    trv_score_options o = TRV_SCORE_OPTIONS_INIT;
    trv_adaptation *a;
    struct data data;
    trv_scores got;
    trv_model *m;
    char path[600];
    trv_err err = {0};

    (void)state;
    snprintf(path, sizeof(path), "%s/rows.jsonl", test_tmpdir("endo"));
    must(file_write_atomic(path, rows, strlen(rows), &err), &err);
    opts.precision = "f32";
    o.data = path;
    o.tokens = true;
    must(trv_model_open(&m, test_source("golden/tiny/one"), &opts, &err), &err);
    must(trv_adaptation_open(&a, m, "endo:alpha=2", false, &err), &err);
    must(trv_score(m, &got, a, &o, NULL, NULL, &err), &err);
    must(data_open(&data, path, &err), &err);
    assert_int_equal(got.n, 2);
    for (int64_t i = 0; i < got.n; i++) {
        const trv_scored_answer *y = &got.rows[i].answer;
        double want[LONGEST], sum = 0.0;

        (void)by_hand(want, m->s, NULL, &data.rows[i], y->ids, y->n_tokens, 2);
        for (int64_t t = 0; t < y->n_tokens; t++) {
            assert_close(y->token_scores[t], want[t], 2e-5);
            sum += want[t];
        }
        assert_true(y->n_tokens > 3);
        assert_close(y->score, sum, 1e-4);
    }
    data_release(&data);
    trv_scores_release(&got);
    trv_adaptation_free(a);
    trv_model_free(m);
}

/* A share is no log-ratio: p0 exp(r / beta) is not made token by token. */
static void
test_endo_has_tokens_and_cannot_guide(void **state)
{
    static const char *const specs[] = {"endo:",
                                        "sum:1*endo:+1*ratio:prompt:c"};
    struct reward_guide guide;

    (void)state;
    for (int k = 0; k < 2; k++) {
        struct adaptation *a = open_spec(specs[k]);
        trv_err err = {0};

        assert_true(reward_has_tokens(a));
        assert_false(reward_guides(a));
        assert_int_equal(reward_guide(&guide, a, 1.0, &err), TRV_EUNSUPPORTED);
        assert_non_null(strstr(err.msg, "cannot guide"));
        adaptation_free(a);
    }
}

static void
test_endo_refuses_what_it_cannot_be_of(void **state)
{
    static const struct {
        const char *spec, *says;
    } bad[] = {
        {"endo:alpha=0", "'alpha' of endo is '0', not a number from 0.001"},
        {"endo:beta=1,base", "there is no 'beta=1,base'"},
        {"endo:verifier:json", "is a reward"},
        {"endo:alpha=1,alpha=2", "is given 'alpha' twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct adaptation *a;
        trv_err err = {0};

        assert_true(
            adaptation_open(&a, w.s->model, NULL, bad[i].spec, true, &err) < 0);
        if (!strstr(err.msg, bad[i].says))
            fail_msg("'%s' should say '%s', not '%s'", bad[i].spec, bad[i].says,
                     err.msg);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endo_is_the_sum_by_hand_of_every_answer),
        cmocka_unit_test(test_endo_ranks_answers_by_their_likelihood),
        cmocka_unit_test(test_endo_scores_a_file_by_the_models_logits),
        cmocka_unit_test(test_endo_has_tokens_and_cannot_guide),
        cmocka_unit_test(test_endo_refuses_what_it_cannot_be_of),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
