/* test_store.c -- facts about the rows of a triangle. */
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "triangle/store.h"

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
test_store_keeps_a_row_under_the_work_that_made_it(void **state)
{
    const char *dir = test_tmpdir("store_work");
    struct store_node n;
    struct store *s;
    json_t *row = json_pack("{s:f}", "kept", 0.5);
    trv_err err = {0};

    (void)state;
    must(store_open(&s, dir, true, &err), &err);
    must(store_begin(s, "a", "w1", &err), &err);
    must(store_end(s, "a", "w1", NODE_DONE, 2.5, row, &err), &err);
    store_free(s);
    must(store_open(&s, dir, false, &err), &err); // another process reads it
    must(store_node(s, &n, "a", "w1", &err), &err);
    assert_int_equal(n.status, NODE_DONE);
    assert_true(json_equal(n.row, row));
    assert_true(n.seconds > 2.4 && n.seconds < 2.6);
    json_decref(n.row);
    must(store_node(s, &n, "a", "w2", &err), &err);
    assert_int_equal(n.status, NODE_WAITING);
    assert_null(n.row);
    must(store_node(s, &n, "b", NULL, &err), &err);
    assert_int_equal(n.status, NODE_WAITING);
    store_free(s);
    json_decref(row);
}

static void
test_store_counts_how_often_a_node_was_killed(void **state)
{
    const char *dir = test_tmpdir("store_tries");
    struct store_node n;
    struct store *s;
    trv_err err = {0};

    (void)state;
    for (int i = 1; i <= 3; i++) {
        must(store_open(&s, dir, true, &err), &err);
        must(store_begin(s, "a", "w", &err), &err);
        store_free(s); // as a kill does
        must(store_open(&s, dir, true, &err), &err);
        must(store_node(s, &n, "a", "w", &err), &err);
        assert_int_equal(n.status, NODE_BEGUN);
        assert_int_equal(n.tries, i);
        store_free(s);
    }
    must(store_open(&s, dir, true, &err), &err);
    must(store_end(s, "a", "w", NODE_WAITING, 0, NULL, &err), &err);
    must(store_node(s, &n, "a", "w", &err), &err);
    assert_int_equal(n.tries, 0); // a stop is no kill
    store_free(s);
}

static void
test_store_is_one_runs_and_anyones_to_read(void **state)
{
    const char *dir = test_tmpdir("store_lock");
    struct store *s, *other;
    json_t *value;
    trv_err err = {0};

    (void)state;
    must(store_open(&s, dir, true, &err), &err);
    must(store_set(s, "plan", json_pack("[i]", 3), &err), &err);
    assert_int_equal(store_open(&other, dir, true, &err), TRV_EEXIST);
    must(store_open(&other, dir, false, &err), &err);
    must(store_get(other, &value, "plan", &err), &err);
    assert_int_equal(json_integer_value(json_array_get(value, 0)), 3);
    json_decref(value);
    must(store_get(other, &value, "none", &err), &err);
    assert_null(value);
    store_free(other);
    store_free(s);
    must(store_open(&s, dir, true, &err), &err); // the lock went with it
    store_free(s);
}

static void
test_store_refuses_files_that_are_none(void **state)
{
    const char *dir = test_tmpdir("store_bad");
    struct store *s;
    char path[300];
    FILE *f;
    trv_err err = {0};

    (void)state;
    assert_int_equal(store_open(&s, dir, false, &err), TRV_EIO);
    snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("this is no database at all, and long enough to be looked at", f);
    fclose(f);
    for (int make = 0; make < 2; make++) {
        err = (trv_err){0};
        assert_int_equal(store_open(&s, dir, make, &err), TRV_EFORMAT);
        assert_non_null(strstr(err.msg, STORE_FILE));
    }
    f = fopen(path, "r"); // and it is left as it was
    assert_non_null(f);
    assert_int_equal(fgetc(f), 't');
    fclose(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_keeps_a_row_under_the_work_that_made_it),
        cmocka_unit_test(test_store_counts_how_often_a_node_was_killed),
        cmocka_unit_test(test_store_is_one_runs_and_anyones_to_read),
        cmocka_unit_test(test_store_refuses_files_that_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
