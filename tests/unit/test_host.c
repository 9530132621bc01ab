/* test_host.c -- facts about moves in the host's memory, and arenas whose
 * tensors lie elsewhere.
 */
#include "support/guarded.h"
#include "support/ops.h"
#include "support/test.h"

#include <string.h>

#include "backend/host.h"
#include "base/mem.h"

static void
assert_values(struct mat m, const float *want)
{
    for (int64_t r = 0; r < m.rows; r++)
        for (int64_t c = 0; c < m.cols; c++)
            assert_close(ops_at(m, r, c), want[r * m.cols + c], 0.0);
}

static void
test_host_rows_are_gathered_and_scattered_by_index(void **state)
{
    static const int64_t at[3] = {2, -1, 0};
    float x[6] = {1, 2, 3, 4, 5, 6}, y[9] = {-1, -1, 9, -1, -1, 9, -1, -1, 9};
    const struct mat wide = {y, DT_F32, 3, 2, 3};

    (void)state;
    host_gather(NULL, wide, mat_f32(x, 3, 2), at);
    assert_values(wide, (float[]){5, 6, -1, -1, 1, 2});
    host_scatter(NULL, mat_f32(x, 3, 2), at, wide);
    assert_values(mat_f32(x, 3, 2), (float[]){1, 2, 3, 4, 5, 6});
    host_scatter_add(NULL, mat_f32(x, 3, 2), (int64_t[]){1, 1, -1}, wide);
    assert_values(mat_f32(x, 3, 2), (float[]){1, 2, 7, 9, 5, 6});
    for (int r = 0; r < 3; r++)
        assert_true(y[3 * r + 2] == 9.0f); // the gap
}

static void
test_host_one_row_is_copied_and_added_to_all(void **state)
{
    float row[2] = {3, -4}, y[4] = {1, 1, 2, 2};

    (void)state;
    host_add(NULL, mat_f32(y, 2, 2), mat_f32(row, 1, 2));
    assert_values(mat_f32(y, 2, 2), (float[]){4, -3, 5, -2});
    host_copy(NULL, mat_f32(y, 2, 2), mat_f32(row, 1, 2));
    assert_values(mat_f32(y, 2, 2), (float[]){3, -4, 3, -4});
    host_zero(NULL, (struct mat){y, DT_F32, 2, 1, 2});
    assert_values(mat_f32(y, 2, 2), (float[]){0, -4, 0, -4});
}

static void
test_host_loads_rows_of_a_stored_tensor(void **state)
{
    static const bf16 stored[6] = {0x3f80, 0x4000, 0x4040,
                                   0x4080, 0x40a0, 0x40c0}; // 1 to 6
    const struct tensor t = {.type = DT_BF16,
                             .n_dims = 2,
                             .dim = {3, 2},
                             .data = stored,
                             .bytes = sizeof(stored)};
    float y[6] = {0};

    (void)state;
    host_load(NULL, mat_f32(y, 3, 2), &t, NULL);
    assert_values(mat_f32(y, 3, 2), (float[]){1, 2, 3, 4, 5, 6});
    host_load(NULL, mat_f32(y, 3, 2), &t, (int32_t[]){1, -1, 0});
    assert_values(mat_f32(y, 3, 2), (float[]){3, 4, 3, 4, 1, 2});
}

static void
test_host_mixes_logits_of_two_vocabularies(void **state)
{
    float x[2] = {10, 20}, y[3] = {1, 2, 3};

    (void)state;
    host_mix(NULL, mat_f32(y, 1, 3), 2.0f, mat_f32(x, 1, 2), -0.5f);
    assert_values(mat_f32(y, 1, 3), (float[]){-3, -6, -1e30f});
}

static void
test_host_dropout_keeps_the_mean_and_is_made_again_by_its_seed(void **state)
{
    enum { N = 20000 };
    float *x = mem_array(N, sizeof(float)), *y = mem_array(N, sizeof(float));
    double sum = 0.0;

    (void)state;
    for (int i = 0; i < N; i++)
        x[i] = 1.0f;
    host_dropout(NULL, mat_f32(y, 100, N / 100), mat_f32(x, 100, N / 100),
                 0.25f, 7, false);
    for (int i = 0; i < N; i++) {
        assert_true(y[i] == 0.0f || y[i] == 1.0f / 0.75f);
        sum += (double)y[i];
    }
    /* A share has the deviation sqrt(p (1-p) / N) / (1-p) = 0.0041; four. */
    assert_close(sum / N, 1.0, 0.0164);
    host_dropout(NULL, mat_f32(y, 100, N / 100), mat_f32(x, 100, N / 100),
                 0.25f, 7, true);
    for (int i = 0; i < N; i++)
        assert_true(y[i] == 0.0f || y[i] == 2.0f / 0.75f);
    mem_free(x);
    mem_free(y);
}

static void
test_host_memory_is_fetched_without_a_copy(void **state)
{
    struct backend *ref = ops_ref(), *be = guarded_open();
    float x[6] = {1, 2, 3, 4, 5, 6};
    struct arena a = {0};
    struct mat there = {NULL, DT_F32, 2, 2, 3}, got;

    (void)state;
    got = backend_fetch(ref, &a, mat_f32(x, 2, 3));
    assert_ptr_equal(got.data, x);
    there.data = be->ops->mem_alloc(be, sizeof(x));
    be->ops->upload(be, there.data, x, sizeof(x));
    got = backend_fetch(be, &a, there);
    assert_values(got, (float[]){1, 2, 4, 5});
    ((float *)got.data)[3] = -5.0f;
    backend_store(be, there, got);
    be->ops->download(be, x, there.data, sizeof(x));
    assert_values(mat_f32(x, 2, 3), (float[]){1, 2, 3, 4, -5, 6});
    be->ops->mem_free(be, there.data);
    arena_release(&a);
    backend_free(be);
    backend_free(ref);
}

static void
test_host_arena_rewinds_tensors_of_another_memory_along(void **state)
{
    struct backend *be = guarded_open();
    struct arena a = {0};
    struct arena_mark mark;
    void *first, *second;

    (void)state;
    assert_int_equal(backend_arena(&a, be, NULL), 0);
    memset(arena_alloc(&a, 100), 1, 100); // the host's
    first = arena_tensor(&a, 100);
    assert_int_equal(guarded_live(be), 1);
    mark = arena_mark(&a);
    second = arena_tensor(&a, 64);
    assert_ptr_equal(second, (char *)first + 128);
    arena_rewind(&a, mark);
    assert_ptr_equal(arena_tensor(&a, 64), second);
    arena_reset(&a);
    assert_ptr_equal(arena_tensor(&a, 100), first);
    arena_release(&a);
    assert_int_equal(guarded_live(be), 0);
    backend_free(be);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_rows_are_gathered_and_scattered_by_index),
        cmocka_unit_test(test_host_one_row_is_copied_and_added_to_all),
        cmocka_unit_test(test_host_loads_rows_of_a_stored_tensor),
        cmocka_unit_test(test_host_mixes_logits_of_two_vocabularies),
        cmocka_unit_test(
            test_host_dropout_keeps_the_mean_and_is_made_again_by_its_seed),
        cmocka_unit_test(test_host_memory_is_fetched_without_a_copy),
        cmocka_unit_test(
            test_host_arena_rewinds_tensors_of_another_memory_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
