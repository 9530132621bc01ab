/* test_reward.c -- scores against transformers and PEFT, the laws that rewards
 * obey, and specs that are none.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>
#include <trivium/trivium.h>

#include "adapt/reward/reward.h"
#include "api/api.h"
#include "adapt/session.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

struct fixture {
    trv_model *m;
    json_t *golden;
    char rows[512]; // the golden's rows as a file
};

/* Write the golden's rows, or its chats, as the file that is scored. */
static void
lay_rows(struct fixture *f, const char *key)
{
    struct strbuf text = {0};
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(f->golden, key), i, row)
    {
        char *line = json_dumps(row, JSON_COMPACT);

        assert_int_equal(sb_printf(&text, "%s\n", line), 0);
        free(line);
    }
    assert_int_equal(file_write_atomic(f->rows, text.s, text.len, NULL), 0);
    sb_release(&text);
}

static void
open_fixture(struct fixture *f)
{
    trv_model_options opts = TRV_MODEL_OPTIONS_INIT;
    trv_err err = {0};

    opts.precision = "f32";
    if (trv_model_open(&f->m, test_source("golden/tiny/one"), &opts, &err) ||
        json_open(&f->golden, test_source("golden/reward/logratio.json"), &err))
        fail_msg("%s", err.msg);
    f->m->s->model->layout = TEXT_RAW; // its rows of messages are still chats
    snprintf(f->rows, sizeof(f->rows), "%s/rows.jsonl", test_tmpdir("reward"));
    lay_rows(f, "rows");
}

static void
close_fixture(struct fixture *f)
{
    trv_model_free(f->m);
    json_decref(f->golden);
}

static void
score_with(trv_scores *out, struct fixture *f, const char *spec,
           trv_score_options o)
{
    trv_adaptation *a;
    trv_err err = {0};

    o.data = f->rows;
    if (trv_adaptation_open(&a, f->m, spec, false, &err) ||
        trv_score(f->m, out, a, &o, NULL, NULL, &err))
        fail_msg("%s: %s", spec, err.msg);
    trv_adaptation_free(a);
}

static void
score(trv_scores *out, struct fixture *f, const char *spec, bool tokens)
{
    trv_score_options o = TRV_SCORE_OPTIONS_INIT;

    o.tokens = tokens;
    score_with(out, f, spec, o);
}

#define SPEC_MAX 700

/* head + "lora:" + the golden's LoRA, in the caller's buffer. */
static const char *
with_lora(char spec[SPEC_MAX], const char *head)
{
    snprintf(spec, SPEC_MAX, "%slora:%s", head,
             test_source("golden/reward/lora"));
    return spec;
}

/* Values of each token against w_x x + w_y y of the golden's log-probabilities,
 * of which the last `left_out` are not scored. f32 sums over 16 to 32 terms in
 * another order: errors near 1e-6 of values up to 12, so 2e-5 has room and any
 * wrong token, prompt or sign has none. */
static void
equal_rows(const trv_scores *got, const json_t *rows, int64_t left_out,
           const char *x, double w_x, const char *y, double w_y)
{
    assert_int_equal(got->n, json_array_size(rows));
    for (int64_t i = 0; i < got->n; i++) {
        const json_t *row = json_array_get(rows, (size_t)i);
        const json_t *ids = json_object_get(row, "ids");
        const trv_scored_answer *a = &got->rows[i].answer;
        double sum = 0;

        assert_int_equal(a->n_tokens, (int64_t)json_array_size(ids) - left_out);
        for (size_t t = 0; t < (size_t)a->n_tokens; t++) {
            const double want =
                w_x * json_number_value(
                          json_array_get(json_object_get(row, x), t)) +
                (y ? w_y * json_number_value(
                               json_array_get(json_object_get(row, y), t))
                   : 0);

            assert_int_equal(a->ids[t],
                             json_integer_value(json_array_get(ids, t)));
            assert_close(a->token_scores[t], want, 2e-5);
            sum += a->token_scores[t];
        }
        assert_close(a->score, sum, 1e-12);
    }
}

static void
equals(struct fixture *f, const char *spec, const char *x, double w_x,
       const char *y, double w_y)
{
    trv_scores got;

    score(&got, f, spec, true);
    equal_rows(&got, json_object_get(f->golden, "rows"), 0, x, w_x, y, w_y);
    trv_scores_release(&got);
}

static void
test_reward_log_ratios_equal_transformers(void **state)
{
    struct fixture f;
    char spec[SPEC_MAX];

    (void)state;
    open_fixture(&f);
    equals(&f, "base", "base", 1, NULL, 0);
    equals(&f, with_lora(spec, ""), "lora", 1, "base", -1);
    equals(&f, "prompt:Say it twice. ", "plus", 1, "base", -1);
    equals(&f, with_lora(spec, "ratio:beta=0.5,"), "lora", 0.5, "base", -0.5);
    equals(&f, "contrast:prompt:Say it twice. ", "plus", 1, "base", -1);
    equals(&f, "contrast:beta=2,prompt:Say it twice. ,minus=prompt:No. ",
           "plus", 2, "minus", -2);
    equals(&f, with_lora(spec, "contrast:prompt:No. ,minus="), "minus", 1,
           "lora", -1);
    equals(&f, "sum:0.5*prompt:Say it twice. +0.25*ratio:prompt:Say it twice. ",
           "plus", 0.75, "base", -0.75);
    close_fixture(&f);
}

/* Rows of text without EOS, chats without what the template puts behind. */
static void
test_reward_log_probabilities_without_the_end_equal_transformers(void **state)
{
    trv_score_options o = TRV_SCORE_OPTIONS_INIT;
    struct fixture f;
    char spec[SPEC_MAX];

    (void)state;
    open_fixture(&f);
    with_lora(spec, "");
    o.tokens = o.no_eos = true;
    for (int chats = 0; chats < 2; chats++) {
        const char *key = chats ? "chats" : "rows";
        const json_t *rows = json_object_get(f.golden, key);
        const struct {
            const char *spec, *x, *minus;
            bool logp;
        } cases[] = {{"base", "base", NULL, false},
                     {"base", "base", NULL, true},
                     {spec, "lora", "base", false},
                     {spec, "lora", NULL, true},
                     {"prompt:Say it twice. ", "plus", NULL, true}};

        lay_rows(&f, key);
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
            trv_scores got;

            o.logp = cases[i].logp;
            score_with(&got, &f, cases[i].spec, o);
            equal_rows(&got, rows, !chats, cases[i].x, 1, cases[i].minus, -1);
            trv_scores_release(&got);
        }
    }
    close_fixture(&f);
}

static void
test_reward_judge_equals_transformers(void **state)
{
    struct fixture f;
    trv_scores got;
    const json_t *rows;
    char path[600], spec[700];
    static const char ask[] = "{principle} {question} {answer}?\n";

    (void)state;
    open_fixture(&f);
    f.m->s->model->layout = TEXT_CHAT; // as the golden's questions
    snprintf(path, sizeof(path), "%s.ask", f.rows);
    assert_int_equal(file_write_atomic(path, ask, strlen(ask), NULL), 0);
    snprintf(spec, sizeof(spec), "judge:template=@%s,Be short.", path);
    score(&got, &f, spec, false);
    rows = json_object_get(f.golden, "rows");
    for (int64_t i = 0; i < got.n; i++) {
        const json_t *lp =
            json_object_get(json_array_get(rows, (size_t)i), "judge");

        /* Seven tokens: see equals(). */
        assert_close(got.rows[i].answer.score,
                     json_number_value(json_array_get(lp, 0)) -
                         json_number_value(json_array_get(lp, 1)),
                     1e-4);
    }
    trv_scores_release(&got);
    close_fixture(&f);
}

static bool
same_bits(const trv_scores *a, const trv_scores *b)
{
    bool same = a->n == b->n;

    for (int64_t i = 0; i < a->n && same; i++) {
        const trv_scored_answer *x = &a->rows[i].answer;
        const trv_scored_answer *y = &b->rows[i].answer;

        same = memcmp(&x->score, &y->score, sizeof(double)) == 0 &&
               memcmp(x->token_scores, y->token_scores,
                      (size_t)x->n_tokens * sizeof(double)) == 0;
    }
    return same;
}

/* In bf16, too, where another packing would round differently. */
static void
test_reward_ratio_is_its_adaptations_score_to_the_last_bit(void **state)
{
    static const char *const precisions[] = {"f32", "bf16"};

    (void)state;
    for (int p = 0; p < 2; p++) {
        trv_model_options opts = TRV_MODEL_OPTIONS_INIT;
        struct fixture f;
        trv_scores a, b, c;
        char spec[SPEC_MAX];

        open_fixture(&f);
        trv_model_free(f.m);
        opts.precision = precisions[p];
        opts.layout = "raw";
        assert_int_equal(
            trv_model_open(&f.m, test_source("golden/tiny/one"), &opts, NULL),
            0);
        score(&a, &f, with_lora(spec, ""), true);
        score(&b, &f, with_lora(spec, "ratio:"), true);
        score(&c, &f, with_lora(spec, "sum:1*"), true);
        assert_true(same_bits(&a, &b));
        assert_true(same_bits(&a, &c));
        trv_scores_release(&a);
        trv_scores_release(&b);
        trv_scores_release(&c);
        close_fixture(&f);
    }
}

/* What measuring compares is what scoring gives: A against its own ratio has
 * equal scores for every candidate, so every pair is ordered alike. */
static void
test_reward_ratio_is_measured_as_its_adaptation(void **state)
{
    trv_measure_options o = TRV_MEASURE_OPTIONS_INIT;
    struct fixture f;
    trv_adaptation *a = NULL, *b = NULL;
    trv_measurement r;
    char spec[SPEC_MAX];
    trv_err err = {0};

    (void)state;
    open_fixture(&f);
    o.max_inputs = 6;
    o.max_tokens = 6;
    if (trv_adaptation_open(&a, f.m, with_lora(spec, ""), false, &err) ||
        trv_adaptation_open(&b, f.m, with_lora(spec, "ratio:"), false, &err) ||
        trv_measure(f.m, &r, a, b, &o, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(r.kl_forward.n, 0); // a reward has no distribution
    assert_int_equal(r.pair_accuracy.n, 6);
    assert_close(r.pair_accuracy.mean, 1, 0);
    assert_close(r.rank_tau.mean, 1, 0);
    assert_close(r.pearson.mean, 1, 1e-12); // a root is rounded
    trv_measurement_release(&r);
    trv_adaptation_free(a);
    trv_adaptation_free(b);
    close_fixture(&f);
}

/* Guided by its own ratio at the ratio's beta, the base is the adaptation: in
 * bf16, too, where a LoRA acts by copies that must have been made. */
static void
test_reward_ratio_guides_to_its_adaptation(void **state)
{
    static const char *const precisions[] = {"f32", "bf16"};
    trv_generate_options o = TRV_GENERATE_OPTIONS_INIT;

    (void)state;
    o.temperature = 0;
    o.max_tokens = 12;
    o.ignore_eos = true;
    for (int k = 0; k < 4; k++) {
        const bool guided = k % 2;
        trv_model_options opts = TRV_MODEL_OPTIONS_INIT;
        static char *text[2];
        struct fixture f;
        char spec[SPEC_MAX];
        trv_completion c;
        trv_adaptation *a = NULL;
        trv_err err = {0};

        open_fixture(&f);
        trv_model_free(f.m);
        opts.precision = precisions[k / 2];
        opts.layout = "raw";
        o.act = guided ? "guided" : "bon";
        o.beta = guided ? 0.25 : 1;
        if (trv_model_open(&f.m, test_source("golden/tiny/one"), &opts, &err) ||
            trv_adaptation_open(&a, f.m,
                                guided ? with_lora(spec, "ratio:beta=0.25,")
                                       : with_lora(spec, ""),
                                false, &err) ||
            trv_generate(f.m, &c, a, "Once", &o, NULL, NULL, &err))
            fail_msg("%s", err.msg);
        assert_true(isnan(c.reward));
        text[guided] = c.text;
        trv_adaptation_free(a);
        close_fixture(&f);
        if (!guided)
            continue;
        assert_string_equal(text[0], text[1]);
        trv_free(text[0]);
        trv_free(text[1]);
    }
}

static void
test_reward_best_of_n_is_the_best(void **state)
{
    static const char spec[] = "verifier:regex,by=letter,pattern=[a-m]";
    trv_generate_options o = TRV_GENERATE_OPTIONS_INIT;
    struct fixture f;
    trv_adaptation *a;
    double best = -1;

    (void)state;
    open_fixture(&f);
    o.max_tokens = 8;
    o.seed = 4;
    assert_int_equal(trv_adaptation_open(&a, f.m, spec, false, NULL), 0);
    for (int n = 1; n <= 12; n++) { // the first n - 1 are drawn as before
        trv_completion c;

        o.best_of = n;
        assert_int_equal(trv_generate(f.m, &c, a, "Once", &o, NULL, NULL, NULL),
                         0);
        assert_true(c.reward >= best);
        best = c.reward;
        trv_free(c.text);
    }
    assert_true(best > 0);
    trv_adaptation_free(a);
    close_fixture(&f);
}

static void
test_reward_refuses_specs_that_are_none(void **state)
{
    static const struct {
        const char *spec;
        int code;
        const char *says;
    } bad[] = {
        {"ratio:", TRV_EINVAL, "names no adaptation"},
        {"ratio:base", TRV_EINVAL, "is the base"},
        {"ratio:beta=x,prompt:a", TRV_EINVAL, "'beta' of ratio is 'x'"},
        {"ratio:beta=1", TRV_EINVAL, "needs a comma and its subject"},
        {"ratio:ratio:prompt:a", TRV_EINVAL, "is a reward"},
        {"contrast:prompt:a,minus=verifier:json", TRV_EINVAL, "is a reward"},
        {"contrast:prompt:", TRV_EINVAL, "the prompt of the spec is empty"},
        {"judge:", TRV_EINVAL, "needs a principle"},
        {"judge:scale=5-1,a", TRV_EINVAL, "not LO-HI"},
        {"judge:scale=0-10,a", TRV_EINVAL, "at most 10"},
        {"judge:scale=1-5,yes=J,a", TRV_EINVAL, "not both"},
        {"judge:yes=No,a", TRV_EINVAL, "two different words"},
        {"judge:template=x,a", TRV_EINVAL, "does not show {answer}"},
        {"judge:@/nowhere/p.txt", TRV_EIO, "/nowhere/p.txt"},
        {"sum:", TRV_EINVAL, "is no sum"},
        {"sum:verifier:json", TRV_EINVAL, "is no sum"},
        {"sum:1*base", TRV_EINVAL, "the base is none"},
        {"sum:1*sum:1*verifier:json", TRV_EINVAL, "a sum inside a sum"},
        {"sum:1e999*verifier:json", TRV_EINVAL, "is no number"},
        {"mix:1*verifier:json", TRV_EINVAL, "has no distribution"},
        {"head:x", TRV_EIO, "no file or folder 'x'"},
    };
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        trv_adaptation *a;
        trv_err err = {0};
        const int rc = trv_adaptation_open(&a, f.m, bad[i].spec, false, &err);

        if (rc != bad[i].code || !strstr(err.msg, bad[i].says))
            fail_msg("'%s': code %d, '%s' should say '%s'", bad[i].spec, rc,
                     err.msg, bad[i].says);
        assert_null(a);
    }
    close_fixture(&f);
}

static bool
stop_at_once(const trv_progress *p, void *payload)
{
    (void)p;
    ++*(int *)payload;
    return false;
}

static void
test_reward_scoring_can_be_stopped(void **state)
{
    static const char *const specs[] = {"base", "verifier:json",
                                        "judge:template={answer},x",
                                        "sum:1*verifier:json"};
    struct fixture f;

    (void)state;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        trv_score_options o = TRV_SCORE_OPTIONS_INIT;
        trv_adaptation *a;
        trv_scores got;
        int calls = 0;

        o.data = f.rows;
        assert_int_equal(trv_adaptation_open(&a, f.m, specs[i], false, NULL),
                         0);
        assert_int_equal(
            trv_score(f.m, &got, a, &o, stop_at_once, &calls, NULL),
            TRV_ECANCELED);
        assert_int_equal(calls, 1);
        assert_null(got.rows);
        trv_adaptation_free(a);
    }
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reward_log_ratios_equal_transformers),
        cmocka_unit_test(
            test_reward_log_probabilities_without_the_end_equal_transformers),
        cmocka_unit_test(test_reward_judge_equals_transformers),
        cmocka_unit_test(
            test_reward_ratio_is_its_adaptations_score_to_the_last_bit),
        cmocka_unit_test(test_reward_ratio_is_measured_as_its_adaptation),
        cmocka_unit_test(test_reward_ratio_guides_to_its_adaptation),
        cmocka_unit_test(test_reward_best_of_n_is_the_best),
        cmocka_unit_test(test_reward_refuses_specs_that_are_none),
        cmocka_unit_test(test_reward_scoring_can_be_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
