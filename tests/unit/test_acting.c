/* test_acting.c -- how adaptations act, in a world where all answers are
 * counted: mixes are compared with products that are normalised by hand, and
 * how often a reward takes each answer with the exact probability of that.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "support/exact.h"

#define DRAWS 20000
#define KEY 16

static struct world w;
static trv_model *m;
static double moved[WORLD_ALL], said[WORLD_ALL]; // log p: a LoRA, a prompt

static int
set_up(void **state)
{
    trv_model_options opts = TRV_MODEL_OPTIONS_INIT;
    trv_err err = {0};

    (void)state;
    opts.precision = "f32";
    world_open(&w, "acting_world", 1.0);
    exact_save(&w, "moved", KIND_LORA, 0, 0.1, 31);
    exact_logp(&w, moved, "lora:%/moved");
    exact_prompt(&w, said, "bdb");
    if (trv_model_open(&m, w.path, &opts, &err))
        fail_msg("%s", err.msg);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    trv_model_free(m);
    world_close(&w);
    return 0;
}

/* ---- mixes --------------------------------------------------------------- */

/* p = at each token p0 prod (p_i / p0)^w_i over its sum. */
static void
mix_two(double *p, const double *one, double by_one, const double *two,
        double by_two)
{
    static exact_steps step[3];

    exact_split(&w, step[0], w.base);
    exact_split(&w, step[1], one);
    exact_split(&w, step[2], two);
    for (int64_t i = 0; i < WORLD_ALL; i++)
        for (int64_t k = 0; k < w.answers.list[i].n; k++) {
            double *const at = step[0][i][k];
            double sum = 0.0;

            for (int v = 0; v < WORLD_TOKENS; v++) {
                at[v] += by_one * (step[1][i][k][v] - at[v]) +
                         by_two * (step[2][i][k][v] - at[v]);
                sum += exp(at[v]);
            }
            for (int v = 0; v < WORLD_TOKENS; v++)
                at[v] -= log(sum);
        }
    exact_join(&w, p, step[0]);
}

static void
mix_by_hand(double *p, double by_moved, double by_said)
{
    mix_two(p, moved, by_moved, said, by_said);
}

static void
test_acting_mix_is_the_normalised_product_of_its_parts(void **state)
{
    static const struct {
        const char *spec;
        double by_moved, by_said;
    } mixes[] = {{"mix:0.5*lora:%/moved+0.5*prompt:bdb", 0.5, 0.5},
                 {"mix:1.5*prompt:bdb-0.7*lora:%/moved", -0.7, 1.5},
                 {"mix:2*lora:%/moved", 2.0, 0.0},
                 {"mix:-1*prompt:bdb", 0.0, -1.0}};

    (void)state;
    for (int k = 0; k < 4; k++) {
        double want[WORLD_ALL], got[WORLD_ALL];

        mix_by_hand(want, mixes[k].by_moved, mixes[k].by_said);
        exact_logp(&w, got, mixes[k].spec);
        assert_true(world_kl(want, w.base) > 0.05);
        /* Three tokens, each a sum of log-probabilities of at most 20 in f32,
         * with weights of at most 3: 3 * 20 * 5 * 2^-23. */
        for (int64_t i = 0; i < WORLD_ALL; i++)
            assert_close(got[i], want[i], 4e-5);
    }
}

/* What a LoRA changes in another model of the same vocabulary, carried to this
 * one: log p0 + (log p_A there - log p0 there), at each token. */
static void
test_acting_what_is_carried_is_added_to_the_base(void **state)
{
    static struct world v;
    double there[WORLD_ALL], want[WORLD_ALL], got[WORLD_ALL];
    char spec[1200];

    (void)state;
    world_open_as(&v, "acting_other", 1.0, "abcd", 6);
    exact_save(&v, "moved", KIND_LORA, 0, 0.1, 32);
    exact_logp(&v, there, "lora:%/moved");
    assert_true(world_kl(w.base, v.base) > 0.05);
    mix_two(want, there, 1.0, v.base, -1.0);
    snprintf(spec, sizeof(spec), "on:%s,lora:%s/moved", v.path, v.dir);
    exact_logp(&w, got, spec);
    assert_true(world_kl(want, w.base) > 0.05);
    for (int64_t i = 0; i < WORLD_ALL; i++)
        assert_close(got[i], want[i], 4e-5); // as above
    world_close(&v);
}

/* ---- what is drawn -------------------------------------------------------- */

/* What a caller sees of an answer to the second input: its letters, how many
 * tokens it took, and whether it ended. */
struct seen {
    char key[KEY];
    double p, n; // probability, and how often it was drawn
};

static struct seen *
find(struct seen *list, int *n, const char *key)
{
    for (int i = 0; i < *n; i++)
        if (strcmp(list[i].key, key) == 0)
            return &list[i];
    assert_true(*n < WORLD_EACH);
    list[*n] = (struct seen){.p = 0.0};
    snprintf(list[*n].key, KEY, "%s", key);
    return &list[(*n)++];
}

static void
draw(struct seen *list, int *n, const char *spec, trv_generate_options o)
{
    static trv_completion out[DRAWS];
    trv_adaptation *a;
    trv_err err = {0};

    o.max_tokens = WORLD_LENGTH;
    o.samples = DRAWS;
    o.seed = 3;
    if (trv_adaptation_open(&a, m, exact_spec(&w, spec), true, &err) ||
        trv_generate(m, out, a, "dc", &o, NULL, NULL, &err))
        fail_msg("%s", err.msg);
    for (int i = 0; i < DRAWS; i++) {
        char key[KEY];

        snprintf(key, sizeof(key), "%.3s %d %c", out[i].text, out[i].new_tokens,
                 out[i].finish[0]);
        find(list, n, key)->n += 1.0;
        trv_free(out[i].text);
    }
    trv_adaptation_free(a);
}

/* How often answers were drawn agrees with their probabilities: twice the
 * log-likelihood ratio is distributed as chi squared, whose mean is its degrees
 * of freedom and whose variance twice as many. Answers that are expected less
 * than five times count as one. */
static void
assert_drawn(const char *what, const char *spec, trv_generate_options o,
             const double *p)
{
    static struct seen list[WORLD_EACH];
    struct seen rest = {.p = 0.0};
    double g = 0.0, degrees = -1.0;
    int n = 0;

    for (int64_t i = WORLD_EACH; i < WORLD_ALL; i++) {
        const struct answer *y = &w.answers.list[i];
        const bool ended = y->ids[y->n - 1] == 5;
        char text[WORLD_LENGTH + 1] = "", key[KEY];
        int letters = 0;

        for (int64_t k = 0; k < y->n; k++)
            if (y->ids[k] < 4)
                text[letters++] = w.letters[y->ids[k]];
        snprintf(key, sizeof(key), "%s %d %c", text, (int)y->n,
                 ended ? 's' : 'l');
        find(list, &n, key)->p += exp(p[i]);
    }
    draw(list, &n, spec, o);
    for (int i = 0; i <= n; i++) {
        const struct seen *s = i < n ? &list[i] : &rest;

        if (i < n && s->p * DRAWS < 5.0) {
            rest.p += s->p;
            rest.n += s->n;
            continue;
        }
        if (i < n || rest.p > 0.0)
            degrees += 1.0;
        if (s->n > 0.0)
            g += 2.0 * s->n * log(s->n / (DRAWS * s->p));
    }
    print_message("%s: G %.1f with %.0f degrees of freedom\n", what, g,
                  degrees);
    assert_true(degrees > 20.0);
    assert_true(g < degrees + 4.0 * sqrt(2.0 * degrees));
}

/* Two adaptations that act by themselves: is it the measure that is right? */
static void
test_acting_parameters_and_prompts_draw_from_their_distributions(void **state)
{
    trv_generate_options o = TRV_GENERATE_OPTIONS_INIT;

    (void)state;
    assert_drawn("lora", "lora:%/moved", o, moved);
    assert_drawn("prompt", "prompt:bdb", o, said);
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

/* Of n answers the best has at most the reward r with probability F(r)^n, and
 * among those of one reward it is any as likely as the base has it. */
static void
best_of(double *p, int n)
{
    double level[3] = {0.0}, below[4] = {0.0};

    for (int64_t i = WORLD_EACH; i < WORLD_ALL; i++)
        level[(int)(2.0 * share_of(&w.answers.list[i]))] += exp(w.base[i]);
    for (int k = 0; k < 3; k++)
        below[k + 1] = below[k] + level[k];
    for (int64_t i = WORLD_EACH; i < WORLD_ALL; i++) {
        const int k = (int)(2.0 * share_of(&w.answers.list[i]));

        p[i] = w.base[i] +
               log((pow(below[k + 1], n) - pow(below[k], n)) / level[k]);
    }
}

static void
test_acting_best_of_n_takes_answers_as_order_statistics_say(void **state)
{
    double p[WORLD_ALL];

    (void)state;
    for (int n = 1; n <= 4; n += 3) {
        trv_generate_options o = TRV_GENERATE_OPTIONS_INIT;

        o.act = "bon";
        o.best_of = n;
        best_of(p, n);
        assert_drawn(n == 1 ? "best of 1" : "best of 4", share, o, p);
    }
}

/* Of two answers y and y', y is taken with probability w / (w + w'). */
static void
test_acting_resampling_takes_answers_by_their_weights(void **state)
{
    trv_generate_options o = TRV_GENERATE_OPTIONS_INIT;
    double p[WORLD_ALL];

    (void)state;
    o.act = "sir";
    o.best_of = 2;
    o.beta = 0.3;
    for (int64_t i = WORLD_EACH; i < WORLD_ALL; i++) {
        const double wi = exp(share_of(&w.answers.list[i]) / o.beta);
        double sum = 0.0;

        for (int64_t j = WORLD_EACH; j < WORLD_ALL; j++)
            sum += exp(w.base[j]) * wi /
                   (wi + exp(share_of(&w.answers.list[j]) / o.beta));
        p[i] = w.base[i] + log(2.0 * sum);
    }
    assert_drawn("resampling of 2", share, o, p);
}

/* Each token by p0 exp(r / beta): with the ratio's own beta that is the
 * adaptation itself, with another one a power of it. */
static void
test_acting_guided_draws_each_token_by_its_tilted_probability(void **state)
{
    trv_generate_options o = TRV_GENERATE_OPTIONS_INIT;
    double p[WORLD_ALL];

    (void)state;
    o.act = "guided";
    o.beta = 0.5;
    assert_drawn("guided by a ratio", "ratio:beta=0.5,lora:%/moved", o, moved);
    o.beta = 1.0;
    mix_by_hand(p, 0.5, 0.0);
    assert_drawn("half as much", "ratio:beta=0.5,lora:%/moved", o, p);
    mix_by_hand(p, -2.0, 2.0);
    assert_drawn("guided by a contrast",
                 "contrast:beta=2,prompt:bdb,minus=lora:%/moved", o, p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_acting_mix_is_the_normalised_product_of_its_parts),
        cmocka_unit_test(test_acting_what_is_carried_is_added_to_the_base),
        cmocka_unit_test(
            test_acting_parameters_and_prompts_draw_from_their_distributions),
        cmocka_unit_test(
            test_acting_best_of_n_takes_answers_as_order_statistics_say),
        cmocka_unit_test(test_acting_resampling_takes_answers_by_their_weights),
        cmocka_unit_test(
            test_acting_guided_draws_each_token_by_its_tilted_probability),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
