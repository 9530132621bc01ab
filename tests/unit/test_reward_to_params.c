/* test_reward_to_params.c -- whole conversions from a reward, in a world where
 * the result can be compared with the optimum.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "adapt/output.h"
#include "adapt/params/peft.h"
#include "base/file.h"
#include "base/json.h"
#include "learn/student.h"
#include "support/exact.h"
#include "transform/convert.h"

static struct world w;
static char dir[512]; // with in.jsonl, and `moved`, a LoRA far from the base
static struct strbuf said;

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

/* A LoRA with random A and B, and the world's optimum made its distribution. */
static void
save_moved(void)
{
    struct artefact head = {0};
    struct outdir out;
    struct rng r;
    char path[600];
    trv_err err = {0};

    rng_init(&r, 31, 2);
    world_reset_student(&w);
    for (int64_t i = 0; i < w.student.lora.n; i++)
        w.student.lora.w[i] += 0.08f * (float)rng_normal(&r);
    must(adapter_weights_refresh(&w.student, w.s->be, &err), &err);
    world_logp(&w, w.best, &w.student);
    snprintf(path, sizeof(path), "%s/moved", dir);
    must(artefact_init(&head, KIND_LORA, "world", NULL, &err), &err);
    must(outdir_init(&out, path, &err), &err);
    must(output_lock(&out, KIND_LORA, true, &err), &err);
    must(adaptation_save_weights(&head, &w.student, &w.s->model->cfg, &out,
                                 &err),
         &err);
    outdir_release(&out);
    artefact_release(&head);
}

static int
set_up(void **state)
{
    static const char rows[] = "{\"prompt\": \"a\", \"answer\": \"b\"}\n"
                               "{\"prompt\": \"dc\", \"answer\": \"ca\"}\n";
    char path[600];
    trv_err err = {0};

    (void)state;
    world_open(&w, "r2p_world", 1.0);
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("r2p"));
    snprintf(path, sizeof(path), "%s/in.jsonl", dir);
    must(file_write_atomic(path, rows, strlen(rows), &err), &err);
    save_moved();
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    sb_release(&said);
    world_close(&w);
    return 0;
}

static void
take_message(const char *line, void *payload)
{
    (void)payload;
    assert_int_equal(sb_printf(&said, "%s\n", line), 0);
}

static trv_convert_options
options(const char *method)
{
    static char in[600];
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;

    snprintf(in, sizeof(in), "%s/in.jsonl", dir);
    o.method = method;
    o.inputs = in;
    o.max_tokens = WORLD_LENGTH;
    o.seed = 6;
    o.on_message = take_message;
    return o;
}

static int
convert(const char *from, const char *name, const trv_convert_options *o,
        trv_progress_fn progress, void *payload, trv_err *err)
{
    struct adaptation *a = NULL;
    char to[600];
    trv_cost cost;
    int rc;

    sb_reset(&said);
    snprintf(to, sizeof(to), "lora:%s/%s", dir, name);
    rc = adaptation_open(&a, w.s->model, NULL, from, true, err);
    if (!rc)
        rc = convert_run(w.s, &cost, a, to, o, progress, payload, err);
    adaptation_free(a);
    return rc;
}

static void
convert_well(const char *from, const char *name, const trv_convert_options *o)
{
    trv_err err = {0};

    must(convert(from, name, o, NULL, NULL, &err), &err);
}

/* log p of all answers under a LoRA that was made. */
static void
logp_of(double *p, const char *name)
{
    struct adaptation *a;
    char path[600];
    trv_err err = {0};

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    must(adaptation_open(&a, w.s->model, NULL, path, true, &err), &err);
    must(view_ready(a, w.s->be, &err), &err);
    world_logp(&w, p, view_weights(a));
    adaptation_free(a);
}

static bool
has_said(const char *words)
{
    return said.s && strstr(said.s, words);
}

/* The optimum of log pD - log p0 at beta 1 is pD itself. What dpo learns from
 * are answers of the base alone, all pairs of them. */
static void
test_reward_of_a_lora_becomes_that_lora_again(void **state)
{
    trv_convert_options o = options("dpo");
    double p[WORLD_ALL];
    char from[600];

    (void)state;
    o.beta = 1.0;
    o.group = 32;
    o.samples = 8192;
    o.pairing = "all";
    o.lora.rank = 16;
    o.learn.lr = 0.02;
    o.learn.steps = 400;
    o.learn.batch = 128;
    snprintf(from, sizeof(from), "ratio:lora:%s/moved", dir);
    convert_well(from, "again", &o);
    logp_of(p, "again");
    print_message("KL to where it came from: %.5f, back %.5f; the base is at "
                  "%.3f\n",
                  world_kl(w.best, p), world_kl(p, w.best),
                  world_kl(w.best, w.base));
    assert_true(world_kl(w.best, w.base) > 0.2);
    assert_true(world_kl(w.best, p) < 0.01);
    assert_true(world_kl(p, w.best) < 0.01);
    assert_true(has_said("400 steps of 128,"));
    assert_true(has_said("KL to the base"));
}

/* And the estimator of KL(pr, p) from samples: its noise is that of the
 * samples, about parameters / 2n. */
static void
test_reward_tilts_the_base_s_own_answers(void **state)
{
    trv_convert_options o = options("tilt");
    double p[WORLD_ALL];
    char from[600];

    (void)state;
    o.beta = 1.0;
    o.group = 512;
    o.samples = 8192;
    o.lora.rank = 16;
    o.learn.lr = 0.005;
    o.learn.steps = 60;
    o.learn.batch = 16;
    snprintf(from, sizeof(from), "ratio:lora:%s/moved", dir);
    convert_well(from, "tilted", &o);
    logp_of(p, "tilted");
    print_message("KL to where it came from: %.5f; the base is at %.3f\n",
                  world_kl(w.best, p), world_kl(w.best, w.base));
    assert_true(world_kl(w.best, p) < 0.1 * world_kl(w.best, w.base));
}

static const char share[] = "verifier:contains,inside=1,share=1,words=a|b";

/* What `share` says of an answer: 0, 0.5 or 1. */
static double
share_of(const struct answer *y)
{
    bool has[2] = {false, false};

    for (int64_t k = 0; k < y->n; k++)
        if (y->ids[k] < 2)
            has[y->ids[k]] = true;
    return 0.5 * has[0] + 0.5 * has[1];
}

/* Every way from one reward to p0 exp(r / beta) / Z. */
static void
test_reward_reaches_the_tilted_base_by_every_method(void **state)
{
    static const struct {
        const char *method, *advantage;
        int32_t group, samples, batch, steps;
        double lr;
    } ways[] = {
        {"dpo", "group", 32, 16384, 256, 600, 0.02},
        {"tilt", "group", 1024, 65536, 4, 200, 0.01},
        {"grpo", "rloo", 64, 0, 128, 400, 0.01},
        {"ppo", "group", 8, 0, 128, 400, 0.01},
    };
    double r[WORLD_ALL], best[WORLD_ALL], p[WORLD_ALL];

    (void)state;
    for (int64_t i = 0; i < WORLD_ALL; i++)
        r[i] = share_of(&w.answers.list[i]);
    exact_tilt(best, w.base, r, 0.35);
    for (int k = 0; k < 4; k++) {
        trv_convert_options o = exact_options(&w, ways[k].method);

        o.beta = 0.35;
        o.advantage = ways[k].advantage;
        o.group = ways[k].group;
        o.samples = ways[k].samples;
        o.learn.batch = ways[k].batch;
        o.learn.steps = ways[k].steps;
        o.learn.lr = ways[k].lr;
        exact_convert(&w, share, "lora:%/learned", &o);
        exact_logp(&w, p, "lora:%/learned");
        exact_assert_reached(&w, ways[k].method, best, p, 0.01);
    }
}

/* Of n answers the best has at most the reward r with probability F(r)^n, and
 * among those of one reward it is any as likely as the base has it. Answers of
 * two tokens are 31 to an input; 8192 that were taken leave about 31 / 8192
 * nats of noise. */
static void
test_reward_bon_reaches_what_order_statistics_say(void **state)
{
    trv_convert_options o = exact_options(&w, "bon");
    double best[WORLD_ALL], p[WORLD_ALL];

    (void)state;
    for (int64_t x = 0; x < WORLD_ALL; x += WORLD_EACH) {
        double level[3] = {0.0}, below[4] = {0.0};

        for (int64_t i = x; i < x + WORLD_EACH; i++) {
            struct answer y = w.answers.list[i];

            y.n = y.n < 2 ? y.n : 2;
            level[(int)(2.0 * share_of(&y))] += exp(w.base[i]);
        }
        for (int k = 0; k < 3; k++)
            below[k + 1] = below[k] + level[k];
        for (int64_t i = x; i < x + WORLD_EACH; i++) {
            struct answer y = w.answers.list[i];
            int k;

            y.n = y.n < 2 ? y.n : 2;
            k = (int)(2.0 * share_of(&y));
            best[i] = w.base[i] +
                      log((pow(below[k + 1], 4) - pow(below[k], 4)) / level[k]);
        }
    }
    o.max_tokens = 2;
    o.group = 4;
    o.samples = 4 * 8192;
    o.learn.batch = 512;
    o.learn.steps = 200;
    o.learn.lr = 0.01;
    exact_convert(&w, share, "lora:%/best", &o);
    exact_logp(&w, p, "lora:%/best");
    print_message("best of 4: KL %.5f, back %.5f nat; the base is at %.3f\n",
                  exact_kl_cut(&w, best, p, 2), exact_kl_cut(&w, p, best, 2),
                  exact_kl_cut(&w, best, w.base, 2));
    assert_true(exact_kl_cut(&w, best, w.base, 2) > 0.2);
    assert_true(exact_kl_cut(&w, best, p, 2) < 0.01);
    assert_true(exact_kl_cut(&w, p, best, 2) < 0.01);
}

struct stop {
    const char *stage;
    int64_t at;
};

static bool
stop_in(const trv_progress *p, void *payload)
{
    const struct stop *s = payload;

    return strcmp(p->stage, s->stage) != 0 || p->done < s->at;
}

static char *
weights_of(const char *name)
{
    static char path[2][800];
    static int turn;

    turn = !turn;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s/%s", dir, name,
             PEFT_WEIGHTS);
    return path[turn];
}

static bool
same_files(const char *a, const char *b)
{
    struct strbuf x = {0}, y = {0};
    trv_err err = {0};
    bool same;

    must(file_read(&x, a, 1 << 24, &err), &err);
    must(file_read(&y, b, 1 << 24, &err), &err);
    same = x.len == y.len && memcmp(x.s, y.s, x.len) == 0;
    sb_release(&x);
    sb_release(&y);
    return same;
}

/* Wherever a run is stopped, it ends with the same bytes. */
static void
test_reward_run_resumes_with_the_same_bytes_from_every_stage(void **state)
{
    static const struct stop stops[] = {
        {"sampling", 65}, {"scoring", 5}, {"training", 4}};
    static const char from[] = "verifier:contains,inside=1,share=1,words=a|b";
    static const char *const methods[] = {"dpo", "tilt"};

    (void)state;
    for (int m = 0; m < 2; m++) {
        trv_convert_options o = options(methods[m]);

        o.group = 8;
        o.samples = 128;
        o.lora.rank = 2;
        o.learn.steps = 8;
        o.learn.batch = 4;
        o.replace = true;
        convert_well(from, "whole", &o);
        for (int k = 0; k < 3; k++) {
            struct stop stop = stops[k];
            trv_err err = {0};

            o.resume = false;
            assert_int_equal(convert(from, "part", &o, stop_in, &stop, &err),
                             TRV_ECANCELED);
            assert_non_null(strstr(err.msg, "--resume"));
            o.resume = true;
            convert_well(from, "part", &o);
            assert_true(same_files(weights_of("whole"), weights_of("part")));
        }
    }
}

static void
test_reward_that_separates_nothing_is_refused_in_words(void **state)
{
    trv_convert_options o = options("dpo");
    char path[600];
    trv_err err = {0};

    (void)state;
    o.group = 2;
    o.learn.steps = 2;
    assert_int_equal(convert("verifier:length,by=chars,lo=0,hi=100", "flat", &o,
                             NULL, NULL, &err),
                     TRV_EINVAL);
    assert_non_null(strstr(err.msg, "separates no two answers"));
    assert_true(has_said("equal rewards"));
    snprintf(path, sizeof(path), "%s/flat", dir);
    assert_false(file_exists(path));
    snprintf(path, sizeof(path), "%s/flat.run", dir);
    assert_false(file_exists(path)); // going on would end here again
}

static void
test_reward_that_is_flat_is_named_while_groups_are_drawn(void **state)
{
    trv_convert_options o = options("grpo");

    (void)state;
    o.group = 2;
    o.learn.steps = 3;
    o.learn.batch = 4;
    o.lora.rank = 2;
    convert_well("verifier:length,by=chars,lo=0,hi=100", "flat", &o);
    assert_true(has_said("step 1: the answers to each input have equal "
                         "rewards"));
    assert_true(has_said("100 % of the groups had equal rewards"));
    assert_true(has_said("the loss of grpo stays near 0"));
}

static void
test_reward_distance_above_its_bound_is_named(void **state)
{
    trv_convert_options o = options("bon");

    (void)state;
    o.group = 8;
    o.samples = 256;
    o.lora.rank = 4;
    o.learn.steps = 60;
    o.learn.lr = 0.02;
    o.max_kl = 0.01;
    convert_well("verifier:contains,inside=1,words=a", "far", &o);
    assert_true(has_said("above the bound of 0.01"));
}

/* options.NAME of the artefact's last edge. */
static json_t *
option_of(const char *name, const char *option)
{
    char path[800];
    json_t *root = NULL, *chain, *value;
    trv_err err = {0};

    snprintf(path, sizeof(path), "%s/%s/trivium.json", dir, name);
    must(json_open(&root, path, &err), &err);
    chain = json_object_get(root, "chain");
    value = json_object_get(
        json_object_get(json_array_get(chain, json_array_size(chain) - 1),
                        "options"),
        option);
    assert_non_null(value);
    json_incref(value);
    json_decref(root);
    return value;
}

static double
number_of(const char *name, const char *option)
{
    json_t *value = option_of(name, option);
    const double x = json_number_value(value);

    assert_true(json_is_number(value));
    json_decref(value);
    return x;
}

static void
check_word(const char *name, const char *option, const char *want)
{
    json_t *value = option_of(name, option);

    assert_string_equal(json_string_value(value), want);
    json_decref(value);
}

/* What a run was asked for is what it did. */
static void
test_reward_options_are_heard(void **state)
{
    trv_convert_options o = options("dpo");

    (void)state;
    o.replace = true;
    o.samples = 129; // whole groups
    o.learn.steps = 10;
    convert_well(share, "plain", &o);
    assert_close(number_of("plain", "samples"), 136, 0);
    check_word("plain", "labels", "soft");
    check_word("plain", "pairing", "all");
    o.label_smoothing = 0.3;
    convert_well(share, "smooth", &o);
    assert_close(number_of("smooth", "label_smoothing"), 0.3, 0);
    assert_false(same_files(weights_of("plain"), weights_of("smooth")));
    o.labels = "hard";
    convert_well(share, "plain", &o);
    check_word("plain", "pairing", "best");
    o = options("grpo");
    o.replace = true;
    o.learn.steps = 2;
    convert_well(share, "plain", &o);
    check_word("plain", "loss", "dapo");
    o.advantage = "rloo"; // a mean over answers, as its ratios are
    convert_well(share, "plain", &o);
    check_word("plain", "loss", "grpo");
}

/* Those of TRL's trainers, where it has the method. */
static void
test_reward_methods_have_the_defaults_of_their_sources(void **state)
{
    static const struct {
        const char *method, *advantage;
        double beta, steps, batch;
    } list[] = {
        {"dpo", "group", 0.1, 200, 32},  {"grpo", "group", 0.0, 100, 64},
        {"grpo", "rloo", 0.05, 100, 64}, {"bon", "group", 0.0, 200, 16},
        {"tilt", "group", 0.1, 200, 16}, {"ppo", "group", 0.05, 100, 64},
    };

    const double usual = student_default_lr(KIND_LORA, &w.s->model->cfg);

    (void)state;
    for (int k = 0; k < 6; k++) {
        trv_convert_options o = options(list[k].method);

        o.advantage = list[k].advantage;
        o.replace = true;
        convert_well(share, "plain", &o);
        assert_close(number_of("plain", "beta"), list[k].beta, 0);
        assert_close(number_of("plain", "steps"), list[k].steps, 0);
        assert_close(number_of("plain", "batch"), list[k].batch, 0);
        assert_close(number_of("plain", "group"), 8, 0);
        if (k == 0) // a tenth of the others' rate
            assert_close(number_of("plain", "lr"), 0.1 * usual, 1e-12);
        else
            assert_close(number_of("plain", "lr"), usual, 1e-12);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reward_of_a_lora_becomes_that_lora_again),
        cmocka_unit_test(test_reward_tilts_the_base_s_own_answers),
        cmocka_unit_test(test_reward_reaches_the_tilted_base_by_every_method),
        cmocka_unit_test(test_reward_bon_reaches_what_order_statistics_say),
        cmocka_unit_test(
            test_reward_run_resumes_with_the_same_bytes_from_every_stage),
        cmocka_unit_test(
            test_reward_that_separates_nothing_is_refused_in_words),
        cmocka_unit_test(
            test_reward_that_is_flat_is_named_while_groups_are_drawn),
        cmocka_unit_test(test_reward_distance_above_its_bound_is_named),
        cmocka_unit_test(test_reward_options_are_heard),
        cmocka_unit_test(
            test_reward_methods_have_the_defaults_of_their_sources),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
