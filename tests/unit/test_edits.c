/* test_edits.c -- instructions as parts, and what changes them. */
#include "support/test.h"

#include <string.h>

#include "base/mem.h"
#include "transform/evolve/edits.h"

static void
make(struct parts *p, const char *const *list)
{
    *p = (struct parts){0};
    for (; *list; list++)
        assert_int_equal(parts_add(p, *list, strlen(*list)), 0);
}

static void
joined_is(const struct parts *p, const char *want)
{
    struct strbuf b = {0};

    assert_int_equal(parts_join(&b, p), 0);
    assert_string_equal(b.s ? b.s : "", want);
    sb_release(&b);
}

static void
splits(const char *text, int64_t n, const char *second)
{
    struct parts p = {0};

    assert_int_equal(parts_split(&p, text), 0);
    assert_int_equal(p.n, n);
    if (n > 1)
        assert_string_equal(p.v[1], second);
    parts_release(&p);
}

static void
test_edits_a_text_falls_into_sentences_or_else_clauses(void **state)
{
    (void)state;
    splits("Be kind.  Say 3.5 things! Why?", 3, "Say 3.5 things!");
    splits("be kind, say less; never lie", 3, "say less;");
    splits("one two", 1, NULL);
    splits(" \n ", 0, NULL);
    splits("a\nb", 2, "b");
}

static void
test_edits_parts_are_trimmed_and_hold_no_control_characters(void **state)
{
    struct parts p = {0};

    (void)state;
    assert_int_equal(parts_add(&p, "  a \t b\n", 8), 0);
    assert_int_equal(parts_add(&p, "a\x01", 2), 0);
    assert_int_equal(parts_add(&p, "\xff\xfe", 2), 0);
    assert_int_equal(parts_add(&p, "a\0b", 3), 0);
    assert_int_equal(p.n, 1);
    assert_string_equal(p.v[0], "a b");
    assert_true(parts_has(&p, "a b"));
    assert_false(parts_has(&p, "a"));
    parts_release(&p);
}

/* Every kind of edit comes up, keeps its promise, and leaves the parent. */
static void
test_edits_do_what_their_names_say(void **state)
{
    static const char *const list[] = {"a b", "c", "d", NULL};
    static const char *const other[] = {"x", "y", NULL};
    static const char *const phrases[] = {"p", "q r", NULL};
    struct parts a, mate, pool;
    int seen[EDIT_COUNT] = {0};
    struct rng rng;

    (void)state;
    make(&a, list);
    make(&mate, other);
    make(&pool, phrases);
    rng_init(&rng, 2, 2);
    for (int i = 0; i < 700; i++) {
        struct parts out;
        enum edit how;
        int64_t same = 0;

        assert_int_equal(edit_draw(&out, &how, &a, &mate, &pool, false, &rng),
                         0);
        seen[how]++;
        for (int64_t k = 0; k < out.n; k++)
            same += parts_has(&a, out.v[k]);
        switch (how) {
        case EDIT_DROP:
            assert_true(out.n == 2 && same == 2);
            break;
        case EDIT_SWAP:
            assert_true(out.n == 3 && same == 3);
            break;
        case EDIT_DUPLICATE:
            assert_true(out.n == 4 && same == 4);
            break;
        case EDIT_INSERT:
            assert_true(out.n == 4 && same == 3);
            break;
        case EDIT_REPLACE:
            assert_true(out.n == 3 && same == 2);
            break;
        case EDIT_CROSS:
            assert_string_equal(out.v[0], "a b");
            assert_string_equal(out.v[out.n - 1], "y");
            break;
        default:
            assert_true(strcmp(out.v[0], "a") == 0 ||
                        strcmp(out.v[0], "b") == 0);
            break;
        }
        parts_release(&out);
    }
    for (int e = 0; e < EDIT_COUNT; e++)
        assert_true(seen[e] > 50); // each one time in 7: 100 of 700
    joined_is(&a, "a b c d");
    parts_release(&a);
    parts_release(&mate);
    parts_release(&pool);
}

static void
test_edits_of_nothing_can_only_put_in(void **state)
{
    static const char *const phrases[] = {"p", NULL};
    struct parts none = {0}, pool, out;
    enum edit how;
    struct rng rng;

    (void)state;
    rng_init(&rng, 0, 0);
    assert_int_equal(edit_draw(&out, &how, &none, NULL, &none, true, &rng), 1);
    make(&pool, phrases);
    assert_int_equal(edit_draw(&out, &how, &none, NULL, &pool, true, &rng), 0);
    assert_int_equal(how, EDIT_INSERT);
    joined_is(&out, "p");
    parts_release(&out);
    parts_release(&pool);
}

static void
test_edits_that_run_out_of_memory_leak_nothing(void **state)
{
    static const char *const list[] = {"a b", "c", NULL};
    struct parts a, out;
    enum edit how;
    int64_t before;

    (void)state;
    make(&a, list);
    before = mem_stats_get().live_bytes;
    for (int64_t fail = 0; fail < 12; fail++)
        for (uint64_t seed = 0; seed < 12; seed++) {
            struct rng rng;
            int rc;

            rng_init(&rng, seed, 0);
            mem_fail_after(fail);
            rc = edit_draw(&out, &how, &a, &a, &a, false, &rng);
            mem_fail_after(-1);
            assert_true(rc == 0 || rc == TRV_ENOMEM);
            parts_release(&out);
            assert_int_equal(mem_stats_get().live_bytes, before);
        }
    parts_release(&a);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_edits_a_text_falls_into_sentences_or_else_clauses),
        cmocka_unit_test(
            test_edits_parts_are_trimmed_and_hold_no_control_characters),
        cmocka_unit_test(test_edits_do_what_their_names_say),
        cmocka_unit_test(test_edits_of_nothing_can_only_put_in),
        cmocka_unit_test(test_edits_that_run_out_of_memory_leak_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
