/* test_backend.c -- facts about which backend is opened. */
#include "support/test.h"

#include <string.h>

#include "backend/backend.h"
#include "backend/cpu/cpu.h"
#include "base/mem.h"

static int
open_isa(const char *isa, enum precision prec, struct backend **be,
         trv_err *err)
{
    const struct backend_options opts = {prec, 2, isa};

    return backend_open(be, &opts, err);
}

static void
test_backend_ref_is_f32_whatever_is_asked(void **state)
{
    struct backend *be;
    trv_err err;

    (void)state;
    assert_int_equal(open_isa("ref", PREC_BF16, &be, &err), 0);
    assert_string_equal(be->ops->name, "ref");
    assert_int_equal(be->prec, PREC_F32);
    assert_non_null(be->note);
    backend_free(be);
}

static void
test_backend_refuses_what_it_does_not_know_or_have(void **state)
{
    struct backend *be;
    trv_err err;

    (void)state;
    assert_int_equal(open_isa("avx3", PREC_AUTO, &be, &err), TRV_EINVAL);
    assert_non_null(strstr(err.msg, "'avx3'"));
    assert_null(be);
    if (!cpu_has_isa("amx")) {
        assert_int_equal(open_isa("amx", PREC_AUTO, &be, &err),
                         TRV_EUNSUPPORTED);
        assert_non_null(strstr(err.msg, "'amx'"));
    }
}

static void
test_backend_auto_takes_bf16_where_it_is_multiplied(void **state)
{
    struct backend *be;
    trv_err err;

    (void)state;
    assert_int_equal(open_isa("", PREC_AUTO, &be, &err), 0);
    assert_string_equal(be->isa, cpu_best_isa());
    assert_int_equal(be->prec,
                     cpu_has_isa("avx512_bf16") ? PREC_BF16 : PREC_F32);
    assert_int_equal(be->act_type, be->prec == PREC_BF16 ? DT_BF16 : DT_F32);
    backend_free(be);
}

static void
test_backend_says_why_it_does_not_use_bf16(void **state)
{
    struct backend *be;
    trv_err err;

    (void)state;
    assert_int_equal(open_isa("base", PREC_BF16, &be, &err), 0);
    assert_int_equal(be->prec, PREC_F32);
    assert_non_null(be->note);
    backend_free(be);
}

static void
test_backend_leaks_nothing_where_memory_fails(void **state)
{
    const int64_t before = mem_stats_get().live_bytes;
    struct backend *be = NULL;
    trv_err err;
    int rc = TRV_ENOMEM;

    (void)state;
    for (int n = 0; rc; n++) {
        mem_fail_after(n);
        rc = open_isa("", PREC_AUTO, &be, &err);
        mem_fail_after(-1);
        if (rc)
            assert_int_equal(rc, TRV_ENOMEM);
    }
    backend_free(be);
    assert_int_equal(mem_stats_get().live_bytes, before);
}

static void
test_backend_linear_leaks_nothing_where_memory_fails(void **state)
{
    static float w[64 * 48];
    const struct tensor part = {.name = "w",
                                .type = DT_F32,
                                .n_dims = 2,
                                .dim = {64, 48},
                                .data = w,
                                .bytes = sizeof(w)};
    struct linear lin = {.in = 48, .out = 64, .n_parts = 1, .part = {&part}};
    struct backend *be;
    trv_err err;
    int64_t before;
    int rc = TRV_ENOMEM;

    (void)state;
    assert_int_equal(open_isa("", PREC_AUTO, &be, &err), 0);
    before = mem_stats_get().live_bytes;
    for (int n = 0; rc; n++) {
        mem_fail_after(n);
        rc = be->ops->linear_open(be, &lin, &err);
        if (!rc)
            rc = be->ops->linear_open_backward(be, &lin, &err);
        mem_fail_after(-1);
        be->ops->linear_close(be, &lin);
    }
    /* Layouts and scratch belong to the backend. */
    assert_true(mem_stats_get().live_bytes - before < 8192);
    lin.in = 47;
    assert_int_equal(be->ops->linear_open(be, &lin, &err), TRV_EINVAL);
    backend_free(be);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backend_auto_takes_bf16_where_it_is_multiplied),
        cmocka_unit_test(test_backend_ref_is_f32_whatever_is_asked),
        cmocka_unit_test(test_backend_refuses_what_it_does_not_know_or_have),
        cmocka_unit_test(test_backend_says_why_it_does_not_use_bf16),
        cmocka_unit_test(test_backend_leaks_nothing_where_memory_fails),
        cmocka_unit_test(test_backend_linear_leaks_nothing_where_memory_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
