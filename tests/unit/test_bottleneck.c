/* test_bottleneck.c -- the flat vector of bottleneck adapters; their passes are
 * checked in test_terms.c.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "backend/ref/ref.h"
#include "model/decoder/bottleneck.h"

static const struct model_config cfg = {.width = 8, .layers = 3};

static void
open_adapters(struct bottleneck *b, bool attention, bool trained)
{
    const struct bottleneck_spec spec = {
        .size = 2, .places = {attention, true}, .f = ACT_SILU};
    trv_err err = {0};
    struct rng r;

    rng_init(&r, 1, 2);
    assert_int_equal(bottleneck_init(b, &cfg, &spec, trained, &r, &err), 0);
}

static void
test_bottleneck_begins_as_no_change(void **state)
{
    struct bottleneck_site s;
    struct bottleneck b;
    double down = 0;

    (void)state;
    open_adapters(&b, true, false);
    assert_int_equal(b.n, 3 * 2 * (2 * 2 * 8 + 2 + 8));
    for (int64_t layer = 0; layer < 3; layer++)
        for (int p = 0; p < BOTTLENECK_PLACES; p++) {
            assert_true(bottleneck_at(&s, &b, layer, (enum bottleneck_place)p));
            for (int i = 0; i < 16; i++) {
                const float d = ((const float *)s.down.data)[i];

                assert_true(fabsf(d) <= 1.0f / sqrtf(8.0f));
                down += fabs((double)d);
                assert_true(((const float *)s.up.data)[i] == 0.0f);
            }
            for (int i = 0; i < 8; i++)
                assert_true(s.up_b[i] == 0.0f);
            assert_null(s.d_up);
        }
    assert_true(down > 1.0);
    bottleneck_release(&b);
}

static void
test_bottleneck_sites_are_those_of_the_places(void **state)
{
    struct bottleneck_site s;
    struct bottleneck b;
    char name[64];

    (void)state;
    open_adapters(&b, false, true);
    assert_int_equal(b.n, 3 * (2 * 2 * 8 + 2 + 8));
    assert_false(bottleneck_at(&s, &b, 1, BOTTLENECK_ATTENTION));
    assert_true(bottleneck_at(&s, &b, 1, BOTTLENECK_MLP));
    assert_ptr_equal(s.d_down, b.g + b.n_site);
    assert_ptr_equal(s.down.data, b.w + b.n_site);
    assert_ptr_equal(s.up.data, s.down_b + 2);
    bottleneck_locate(name, sizeof(name), &b, b.n_site);
    assert_string_equal(name, "layers.1.mlp.down.weight");
    bottleneck_locate(name, sizeof(name), &b, 3 * b.n_site - 1);
    assert_string_equal(name, "layers.2.mlp.up.bias");
    bottleneck_release(&b);
}

static void
test_bottleneck_copies_follow_the_weights_in_bf16(void **state)
{
    struct backend be = {.ops = &ref_ops, .act_type = DT_BF16};
    struct bottleneck_site s;
    struct bottleneck b;
    trv_err err = {0};

    (void)state;
    open_adapters(&b, true, true);
    assert_int_equal(bottleneck_refresh(&b, &be, &err), 0);
    b.w[b.n_site + 18] = 1.5f; // of layer 0, after the MLP: the first of U
    assert_int_equal(bottleneck_refresh(&b, &be, &err), 0);
    assert_true(bottleneck_at(&s, &b, 0, BOTTLENECK_MLP));
    assert_int_equal(s.up.type, DT_BF16);
    assert_int_equal(((const bf16 *)s.up.data)[0], bf16_from_f32(1.5f));
    be.act_type = DT_F32;
    assert_int_equal(bottleneck_refresh(&b, &be, &err), 0);
    assert_true(bottleneck_at(&s, &b, 0, BOTTLENECK_MLP));
    assert_true(((const float *)s.up.data)[0] == 1.5f);
    bottleneck_release(&b);
}

static void
test_bottleneck_refuses_sizes_and_no_place(void **state)
{
    struct bottleneck_spec spec = {.size = 0, .places = {true, true}};
    struct bottleneck b;
    trv_err err = {0};

    (void)state;
    assert_int_equal(bottleneck_init(&b, &cfg, &spec, true, NULL, &err),
                     TRV_ERANGE);
    spec.size = 65537;
    assert_int_equal(bottleneck_init(&b, &cfg, &spec, true, NULL, &err),
                     TRV_ERANGE);
    spec = (struct bottleneck_spec){.size = 4};
    assert_int_equal(bottleneck_init(&b, &cfg, &spec, true, NULL, &err),
                     TRV_EINVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bottleneck_begins_as_no_change),
        cmocka_unit_test(test_bottleneck_sites_are_those_of_the_places),
        cmocka_unit_test(test_bottleneck_copies_follow_the_weights_in_bf16),
        cmocka_unit_test(test_bottleneck_refuses_sizes_and_no_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
