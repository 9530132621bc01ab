/* test_optimiser.c -- AdamW and clipping equal torch's. */
#include "support/test.h"

#include <math.h>

#include "backend/ref/ref.h"
#include "base/json.h"
#include "learn/loop/optimiser.h"

static struct backend *
open_ref(void)
{
    const struct backend_options o = {
        .prec = PREC_F32, .threads = 1, .isa = "ref"};
    struct backend *be;

    assert_int_equal(backend_open(&be, &o, NULL), 0);
    return be;
}

static double
at(const json_t *c, const char *key, int64_t i)
{
    const json_t *v = json_object_get(c, key);

    return json_number_value(json_is_array(v) ? json_array_get(v, (size_t)i)
                                              : v);
}

static void
test_optimiser_equals_torch_adamw_with_clipping(void **state)
{
    struct backend *be = open_ref();
    json_t *root;
    const json_t *cases, *c;
    size_t k;

    (void)state;
    assert_int_equal(
        json_open(&root, test_source("golden/learn/learn.json"), NULL), 0);
    cases = json_object_get(root, "adamw");
    assert_int_equal(json_array_size(cases), 2);
    json_array_foreach(cases, k, c)
    {
        const struct decay_range ranges[1] = {{2, 3, 0.0}};
        struct backend on = {.ops = &ref_ops};
        struct optimiser o;
        float w[7], g[7];
        const int64_t n = (int64_t)at(c, "n", 0);

        assert_int_equal(n, 7);
        assert_int_equal(optimiser_init(&o, &on, n, at(c, "decay", 0), NULL),
                         0);
        o.ranges = ranges;
        o.n_ranges = 1;
        for (int64_t i = 0; i < n; i++)
            w[i] = (float)at(c, "start", i);
        for (int64_t t = 0; t < (int64_t)at(c, "steps", 0); t++) {
            double norm;

            /* The gradient is given four times too large: gscale undoes it. */
            for (int64_t i = 0; i < n; i++)
                g[i] = 4.0f * (float)at(c, "grads", t * n + i);
            norm = optimiser_norm(be, g, n, 0.25);
            assert_close(norm, at(c, "norms", t), 1e-6 * at(c, "norms", t));
            optimiser_step(&o, be, w, g,
                           0.25 * optimiser_clip(norm, at(c, "clip", 0)),
                           at(c, "lr", 0));
            /* torch keeps f32 at every stage: some units of 6e-8 a step, on
             * values near 1, over 12 steps. */
            for (int64_t i = 0; i < n; i++)
                assert_close(w[i], at(c, "after", t * n + i), 2e-6);
        }
        assert_int_equal(o.step, 12);
        optimiser_release(&o);
    }
    json_decref(root);
    backend_free(be);
}

static void
test_optimiser_clip_leaves_a_small_gradient_alone(void **state)
{
    (void)state;
    assert_close(optimiser_clip(0.5, 1.0), 1.0, 0.0);
    assert_close(optimiser_clip(4.0, 1.0), 1.0 / (4.0 + 1e-6), 1e-15);
    assert_close(optimiser_clip(4.0, 0.0), 1.0, 0.0);
}

static void
test_optimiser_norm_shows_a_gradient_that_is_not_finite(void **state)
{
    struct backend *be = open_ref();
    const float nan[2] = {1.0f, NAN}, inf[2] = {INFINITY, 1.0f};

    (void)state;
    assert_true(!isfinite(optimiser_norm(be, nan, 2, 1.0)));
    assert_true(!isfinite(optimiser_norm(be, inf, 2, 1.0)));
    backend_free(be);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optimiser_equals_torch_adamw_with_clipping),
        cmocka_unit_test(test_optimiser_clip_leaves_a_small_gradient_alone),
        cmocka_unit_test(
            test_optimiser_norm_shows_a_gradient_that_is_not_finite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
