/* test_sampler.c -- drawn tokens against transformers' logits processors. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "model/sample/sampler.h"

#define V 12
#define DRAWS 20000

static double
field(const json_t *obj, const char *key, double otherwise)
{
    const json_t *v = json_object_get(obj, key);

    return v ? json_number_value(v) : otherwise;
}

static struct backend *
open_ref(void)
{
    const struct backend_options opts = {.isa = "ref"};
    struct backend *be;

    assert_int_equal(backend_open(&be, &opts, NULL), 0);
    return be;
}

/* Draw often from one row of logits. */
static void
count_draws(struct backend *be, int64_t *count, const float *logits,
            const int32_t *seen, int64_t n_seen, const struct sampling *s)
{
    struct arena a = {0};
    struct rng rng;

    rng_init(&rng, 11, 3);
    for (int v = 0; v < V; v++)
        count[v] = 0;
    for (int i = 0; i < DRAWS; i++) {
        float row[V];
        int32_t id;
        double logp;
        struct rng *rngs[1] = {&rng};

        for (int v = 0; v < V; v++)
            row[v] = logits[v];
        assert_int_equal(sampler_draw(be, &a, &id, &logp, mat_f32(row, 1, V),
                                      &seen, &n_seen, rngs, s, NULL),
                         0);
        assert_in_range(id, 0, V - 1);
        count[id]++;
    }
    arena_release(&a);
}

static void
test_sampler_draws_as_often_as_transformers_says(void **state)
{
    struct backend *be = open_ref();
    json_t *cases;

    (void)state;
    assert_int_equal(
        json_open(&cases, test_source("golden/sampler/sampler.json"), NULL), 0);
    assert_true(json_array_size(cases) >= 9);
    for (size_t c = 0; c < json_array_size(cases); c++) {
        const json_t *one = json_array_get(cases, c);
        const json_t *set = json_object_get(one, "settings");
        const struct sampling s = {.temperature = field(set, "temperature", 1),
                                   .top_k = (int64_t)field(set, "top_k", 0),
                                   .top_p = field(set, "top_p", 1),
                                   .min_p = field(set, "min_p", 0),
                                   .repetition_penalty =
                                       field(set, "repetition_penalty", 1),
                                   .vocab = V};
        float logits[V];
        int32_t seen[8];
        int64_t count[V];
        const json_t *list = json_object_get(one, "seen");
        const int64_t n_seen = (int64_t)json_array_size(list);

        for (int64_t i = 0; i < n_seen; i++)
            seen[i] =
                (int32_t)json_integer_value(json_array_get(list, (size_t)i));
        for (size_t v = 0; v < V; v++)
            logits[v] = (float)json_number_value(
                json_array_get(json_object_get(one, "logits"), v));
        count_draws(be, count, logits, seen, n_seen, &s);
        for (size_t v = 0; v < V; v++) {
            const double p =
                json_number_value(json_array_get(json_object_get(one, "p"), v));
            /* Five standard deviations of a binomial share; none at all where
             * transformers leaves nothing. */
            const double bound = 5.0 * sqrt(p * (1.0 - p) / DRAWS);

            assert_close((double)count[v] / DRAWS, p, bound);
        }
    }
    json_decref(cases);
    backend_free(be);
}

static void
test_sampler_at_temperature_0_takes_the_lowest_id_among_equals(void **state)
{
    struct backend *be = open_ref();
    struct sampling s = SAMPLING_INIT;
    const float logits[V] = {0, 2, 5, 1, 5, 5, 0, 0, 0, 0, 0, 0};
    int64_t count[V];

    (void)state;
    s.temperature = 0;
    count_draws(be, count, logits, NULL, 0, &s);
    assert_int_equal(count[2], DRAWS);
    backend_free(be);
}

static void
test_sampler_never_draws_a_padded_row(void **state)
{
    struct backend *be = open_ref();
    struct sampling s = SAMPLING_INIT;
    const float logits[V] = {0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9};
    int64_t count[V];

    (void)state;
    s.vocab = 8;
    count_draws(be, count, logits, NULL, 0, &s);
    for (int v = 8; v < V; v++)
        assert_int_equal(count[v], 0);
    s.temperature = 0;
    count_draws(be, count, logits, NULL, 0, &s);
    assert_int_equal(count[0], DRAWS);
    backend_free(be);
}

static void
test_sampler_check_names_the_field(void **state)
{
    struct sampling s = SAMPLING_INIT;
    trv_err err = {0};

    (void)state;
    assert_int_equal(sampling_check(&s, &err), 0);
    s.temperature = (double)NAN;
    assert_int_equal(sampling_check(&s, &err), TRV_ERANGE);
    assert_non_null(strstr(err.msg, "temperature"));
    s = (struct sampling)SAMPLING_INIT;
    s.top_p = 0;
    assert_int_equal(sampling_check(&s, &err), TRV_ERANGE);
    assert_non_null(strstr(err.msg, "top-p"));
}

static void
test_sampler_refuses_logits_that_are_nan(void **state)
{
    struct backend *be = open_ref();
    struct sampling s = SAMPLING_INIT;
    struct arena a = {0};
    struct rng rng, *rngs[1] = {&rng};
    float row[V] = {0, (float)NAN};
    const int32_t *seen = NULL;
    int64_t n_seen = 0;
    double logp;
    int32_t id;

    (void)state;
    rng_init(&rng, 1, 1);
    assert_int_equal(sampler_draw(be, &a, &id, &logp, mat_f32(row, 1, V), &seen,
                                  &n_seen, rngs, &s, NULL),
                     TRV_ENONFINITE);
    arena_release(&a);
    backend_free(be);
}

static void
test_sampler_near_0_degrees_draws_the_most_likely(void **state)
{
    const float logits[V] = {-3, 2, 7, 1, 0, 6.9f, 4, -8, 3, 5, -1, 2};
    const double colds[] = {1e-3, 1e-19, 1e-30, 1e-45, 1e-300, 0};
    static const char *const isas[] = {"ref", NULL};

    (void)state;
    for (int b = 0; b < 2; b++) {
        const struct backend_options opts = {.isa = isas[b], .prec = PREC_F32};
        struct sampling s = SAMPLING_INIT;
        int64_t count[V];
        struct backend *be;

        assert_int_equal(backend_open(&be, &opts, NULL), 0);
        for (int c = 0; c < 6; c++)
            for (int k = 0; k < 2; k++) {
                s.temperature = colds[c];
                s.top_k = k * 3;
                count_draws(be, count, logits, NULL, 0, &s);
                assert_int_equal(count[2], DRAWS);
            }
        backend_free(be);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sampler_draws_as_often_as_transformers_says),
        cmocka_unit_test(
            test_sampler_at_temperature_0_takes_the_lowest_id_among_equals),
        cmocka_unit_test(test_sampler_never_draws_a_padded_row),
        cmocka_unit_test(test_sampler_check_names_the_field),
        cmocka_unit_test(test_sampler_refuses_logits_that_are_nan),
        cmocka_unit_test(test_sampler_near_0_degrees_draws_the_most_likely),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
