/* test_mem.c -- facts about counted memory and the arena. */
#include "support/test.h"

#include "base/mem.h"

static void
test_mem_array_refuses_a_product_that_overflows(void **state)
{
    (void)state;
    assert_null(mem_array(SIZE_MAX / 2, 3));
    assert_null(mem_calloc(SIZE_MAX / 2, 3));
}

static void
test_mem_fail_after_fails_exactly_one_allocation(void **state)
{
    void *a, *b, *c;

    (void)state;
    mem_fail_after(1);
    a = mem_alloc(8);
    b = mem_alloc(8);
    c = mem_alloc(8);
    mem_fail_after(-1);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    mem_free(a);
    mem_free(c);
}

static void
test_arena_repeats_a_step_without_allocating(void **state)
{
    struct arena a = {0};
    int64_t calls = 0;

    (void)state;
    for (int step = 0; step < 4; step++) {
        if (step == 2)
            calls = mem_stats_get().calls;
        arena_reset(&a);
        for (int i = 0; i < 50; i++)
            assert_non_null(arena_alloc(&a, 10000));
    }
    assert_int_equal(mem_stats_get().calls, calls);
    arena_release(&a);
    assert_int_equal(mem_stats_get().live_bytes, 0);
}

static void
test_arena_rewind_gives_the_same_place_again(void **state)
{
    struct arena a = {0};
    struct arena_mark m;
    void *p, *q;

    (void)state;
    assert_non_null(arena_alloc(&a, 100));
    m = arena_mark(&a);
    p = arena_alloc(&a, 100);
    arena_rewind(&a, m);
    q = arena_alloc(&a, 100);
    assert_ptr_equal(p, q);
    assert_int_equal((uintptr_t)p % 64, 0);
    arena_release(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mem_array_refuses_a_product_that_overflows),
        cmocka_unit_test(test_mem_fail_after_fails_exactly_one_allocation),
        cmocka_unit_test(test_arena_repeats_a_step_without_allocating),
        cmocka_unit_test(test_arena_rewind_gives_the_same_place_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
