/* test_memo.c -- results that a stopped run kept. */
#include "support/test.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memo.h"
#include "base/seal.h"
#include "base/strbuf.h"

static const char *
place(void)
{
    static char path[300];

    if (!path[0])
        snprintf(path, sizeof(path), "%s/memo.jsonl", test_tmpdir("memo"));
    return path;
}

static struct memo *
open_memo(bool resume, int seed)
{
    json_t *about = json_pack("{s:i}", "seed", seed);
    struct memo *m;
    trv_err err = {0};

    if (memo_open(&m, place(), resume, about, &err))
        fail_msg("%s", err.msg);
    json_decref(about);
    return m;
}

static void
keep(struct memo *m, const char *key, double x)
{
    trv_err err = {0};

    assert_int_equal(memo_add(m, key, json_real(x), &err), 0);
}

static double
kept(const struct memo *m, const char *key)
{
    return json_real_value(memo_find(m, key));
}

static void
test_memo_gives_back_what_was_kept_to_the_last_bit(void **state)
{
    struct memo *m = open_memo(false, 1);

    (void)state;
    assert_null(memo_find(m, "a"));
    keep(m, "a", 1.0 / 3.0);
    keep(m, "b", -1e-300);
    keep(m, "a", 7.0); // the first counts
    memo_free(m);
    m = open_memo(true, 1);
    assert_true(kept(m, "a") == 1.0 / 3.0);
    assert_true(kept(m, "b") == -1e-300);
    assert_int_equal(json_integer_value(json_object_get(memo_about(m), "seed")),
                     1);
    memo_free(m);
}

static void
test_memo_of_a_run_that_begins_anew_is_empty(void **state)
{
    struct memo *m = open_memo(false, 1);

    (void)state;
    keep(m, "a", 1.0);
    memo_free(m);
    m = open_memo(false, 1);
    assert_null(memo_find(m, "a"));
    assert_false(file_exists(place())); // it appears with the first result
    memo_free(m);
    m = open_memo(true, 2);
    assert_null(memo_about(m));
    memo_free(m);
}

static void
test_memo_loses_only_the_line_that_a_kill_tore(void **state)
{
    struct memo *m = open_memo(false, 1);

    (void)state;
    keep(m, "a", 1.0);
    keep(m, "b", 2.0);
    memo_free(m);
    assert_int_equal(truncate(place(), (off_t)file_size(place()) - 10), 0);
    m = open_memo(true, 1);
    assert_true(kept(m, "a") == 1.0);
    assert_null(memo_find(m, "b"));
    keep(m, "b", 3.0);
    memo_free(m);
    m = open_memo(true, 1);
    assert_true(kept(m, "b") == 3.0);
    memo_free(m);
}

static void
test_memo_that_is_damaged_is_refused(void **state)
{
    struct memo *m = open_memo(false, 1);
    json_t *about = json_object();
    struct strbuf text = {0};
    trv_err err = {0};

    (void)state;
    keep(m, "a", 0.25);
    memo_free(m);
    assert_int_equal(file_read(&text, place(), 1 << 20, &err), 0);
    *strstr(text.s, "0.25") = '1';
    assert_int_equal(file_write_atomic(place(), text.s, text.len, &err), 0);
    assert_int_equal(memo_open(&m, place(), true, about, &err), TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "memo.jsonl' is damaged"));
    assert_non_null(strstr(err.msg, "start anew"));
    sb_release(&text);
    json_decref(about);
}

/* Lines whose sums hold, as a stranger or another program may write them. */
static void
test_memo_refuses_lines_that_no_run_writes(void **state)
{
    static const char about[] = "{\"key\":\"about\",\"value\":{\"seed\":1}}\n";
    static const char *const lines[] = {
        "\n",
        "nothing\n",
        "{\"key\":\"a\"\n",
        "[\"a\",1]\n",
        "{\"key\":\"a\"}\n",
        "{\"value\":1}\n",
        "{\"key\":7,\"value\":1}\n",
        "{\"key\":null,\"value\":1}\n",
        "{\"key\":\"a\",\"key\":\"b\",\"value\":1}\n",
    };
    json_t *of = json_object();

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct memo *m;
        trv_err err = {0};

        (void)remove(place());
        assert_int_equal(journal_append(place(), about, strlen(about), &err),
                         0);
        assert_int_equal(
            journal_append(place(), lines[i], strlen(lines[i]), &err), 0);
        if (memo_open(&m, place(), true, of, &err) != TRV_EFORMAT)
            fail_msg("'%s' was taken", lines[i]);
        assert_non_null(strstr(err.msg, "start anew with --replace"));
    }
    json_decref(of);
}

static void
test_memo_without_a_word_of_whose_it_is_is_refused(void **state)
{
    static const char line[] = "{\"key\":\"a\",\"value\":1}\n";
    json_t *of = json_object();
    struct memo *m;
    trv_err err = {0};

    (void)state;
    (void)remove(place());
    assert_int_equal(journal_append(place(), line, strlen(line), &err), 0);
    assert_int_equal(memo_open(&m, place(), true, of, &err), TRV_EFORMAT);
    json_decref(of);
}

/* What a file system gives back behind a crash: a line without an end. */
static void
test_memo_cuts_off_a_long_line_that_does_not_end(void **state)
{
    enum { LONG = 8 << 20 };
    struct memo *m = open_memo(false, 1);
    struct strbuf text = {0};
    trv_err err = {0};
    int64_t whole;

    (void)state;
    keep(m, "a", 1.0);
    memo_free(m);
    whole = file_size(place());
    assert_int_equal(file_read(&text, place(), 1 << 20, &err), 0);
    for (int i = 0; i < LONG; i++)
        assert_int_equal(sb_putc(&text, i % 2 ? '\0' : '['), 0);
    assert_int_equal(file_write_atomic(place(), text.s, text.len, &err), 0);
    sb_release(&text);
    m = open_memo(true, 1);
    assert_true(kept(m, "a") == 1.0);
    assert_int_equal(file_size(place()), whole);
    memo_free(m);
}

static void
test_memo_that_is_none_keeps_nothing(void **state)
{
    trv_err err = {0};

    (void)state;
    assert_null(memo_find(NULL, "a"));
    assert_int_equal(memo_add(NULL, "a", json_true(), &err), 0);
    assert_int_equal(memo_add(NULL, "a", NULL, &err), TRV_ENOMEM);
    memo_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memo_gives_back_what_was_kept_to_the_last_bit),
        cmocka_unit_test(test_memo_of_a_run_that_begins_anew_is_empty),
        cmocka_unit_test(test_memo_loses_only_the_line_that_a_kill_tore),
        cmocka_unit_test(test_memo_that_is_damaged_is_refused),
        cmocka_unit_test(test_memo_refuses_lines_that_no_run_writes),
        cmocka_unit_test(test_memo_without_a_word_of_whose_it_is_is_refused),
        cmocka_unit_test(test_memo_cuts_off_a_long_line_that_does_not_end),
        cmocka_unit_test(test_memo_that_is_none_keeps_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
