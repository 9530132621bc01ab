/* test_virtual.c -- the table of virtual tokens. */
#include "support/test.h"

#include <string.h>

#include "model/decoder/virtual.h"

static const struct model_config cfg = {.width = 8,
                                        .layers = 3,
                                        .heads = 4,
                                        .kv_heads = 2,
                                        .head_dim = 5,
                                        .context = 16};

static void
test_virtual_ids_and_indices_are_inverse(void **state)
{
    (void)state;
    assert_int_equal(VIRTUAL_ID(0), -1);
    assert_int_equal(VIRTUAL_ID(31), -32);
    assert_int_equal(VIRTUAL_INDEX(VIRTUAL_ID(31)), 31);
    assert_true(VIRTUAL_INDEX(INT32_MIN) == 2147483647);
}

static void
test_virtual_soft_has_an_embedding_a_token(void **state)
{
    struct virtual_tokens v;
    trv_err err = {0};
    char name[64];

    (void)state;
    assert_int_equal(virtual_init(&v, VIRTUAL_SOFT, &cfg, 4, false, &err), 0);
    assert_int_equal(v.n, 4 * 8);
    assert_null(v.g);
    virtual_locate(name, sizeof(name), &v, 17);
    assert_string_equal(name, "virtual token 2");
    virtual_release(&v);
}

static void
test_virtual_prefix_has_keys_then_values_layer_by_layer(void **state)
{
    struct virtual_tokens v;
    trv_err err = {0};
    char name[64];

    (void)state;
    assert_int_equal(virtual_init(&v, VIRTUAL_PREFIX, &cfg, 4, true, &err), 0);
    assert_int_equal(v.n, 4 * 2 * 3 * 10);
    assert_non_null(v.g);
    assert_int_equal(virtual_key_at(&v, 1, 2), 2 * 60 + 20);
    virtual_locate(name, sizeof(name), &v, virtual_key_at(&v, 1, 2));
    assert_string_equal(name, "virtual token 2, layer 1, key");
    virtual_locate(name, sizeof(name), &v, virtual_key_at(&v, 1, 2) + 10);
    assert_string_equal(name, "virtual token 2, layer 1, value");
    virtual_release(&v);
}

static void
test_virtual_tokens_leave_room_for_one_of_text(void **state)
{
    static const int64_t wrong[] = {0, -1, 16, INT64_MAX};
    struct virtual_tokens v;

    (void)state;
    for (int i = 0; i < 4; i++) {
        trv_err err = {0};

        assert_int_equal(
            virtual_init(&v, VIRTUAL_SOFT, &cfg, wrong[i], true, &err),
            TRV_ERANGE);
        assert_non_null(strstr(err.msg, "virtual tokens"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_virtual_ids_and_indices_are_inverse),
        cmocka_unit_test(test_virtual_soft_has_an_embedding_a_token),
        cmocka_unit_test(
            test_virtual_prefix_has_keys_then_values_layer_by_layer),
        cmocka_unit_test(test_virtual_tokens_leave_room_for_one_of_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
