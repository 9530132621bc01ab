/* test_outside.c -- a helper that hangs, dies or speaks nonsense is an error by
 * name, never a score.
 */
#include "support/test.h"

#include <math.h>
#include <signal.h>
#include <string.h>

#include "adapt/reward/outside.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/strbuf.h"

static int
ask(struct outside *o, double *score, const char *completion, trv_err *err)
{
    json_t *q = json_pack("{s:s}", "completion", completion);
    const int rc = outside_ask(o, score, q, err);

    json_decref(q);
    return rc;
}

static void
test_outside_answers_question_after_question(void **state)
{
    struct outside *o;
    double got;

    (void)state;
    assert_int_equal(
        outside_open(&o, "n=0; while read l; do n=$((n+1)); echo $n; done", 20,
                     NULL),
        0);
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(ask(o, &got, "x", NULL), 0);
        assert_close(got, i, 0);
    }
    outside_free(o);
}

static void
test_outside_takes_a_number_or_an_object(void **state)
{
    static const struct {
        const char *says;
        double want;
    } good[] = {{"-1.5e1", -15},
                {"{\"score\": 0.25, \"why\": \"so\"}", 0.25},
                {" 7 ", 7}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char cmd[100];
        struct outside *o;
        double got;

        snprintf(cmd, sizeof(cmd), "read l; echo '%s'", good[i].says);
        assert_int_equal(outside_open(&o, cmd, 20, NULL), 0);
        assert_int_equal(ask(o, &got, "x", NULL), 0);
        assert_close(got, good[i].want, 0);
        outside_free(o);
    }
}

static void
test_outside_names_a_helper_that_fails(void **state)
{
    static const struct {
        const char *cmd, *says;
        int code;
    } bad[] = {
        {"exit 3", "ended with status 3", TRV_EIO},
        {"read l; exit 0", "ended with status 0", TRV_EIO},
        {"kill -TERM $$", "ended by signal 15", TRV_EIO},
        {"/no/such/program 2>/dev/null", "cannot be run", TRV_EIO},
        {"exec 1>&-; exec sleep 60", "closed its output", TRV_EIO},
        {"read l; echo good", "answered 'good'", TRV_EFORMAT},
        {"read l; echo", "answered ''", TRV_EFORMAT},
        {"read l; echo NaN", "answered 'NaN'", TRV_EFORMAT},
        {"read l; echo 1e999", "answered '1e999'", TRV_EFORMAT},
        {"read l; echo '{\"score\": \"1\"}'", "is no number", TRV_EFORMAT},
        {"read l; echo '{}'", "is no number", TRV_EFORMAT},
        {"read l; printf '1\\n2\\n'; sleep 60", "more than one line",
         TRV_EFORMAT},
        {"read l; head -c 100000 /dev/zero; sleep 60", "more than 65536 bytes",
         TRV_EFORMAT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct outside *o;
        trv_err err = {0};
        double got = -7;

        assert_int_equal(outside_open(&o, bad[i].cmd, 20, NULL), 0);
        if (ask(o, &got, "x", &err) != bad[i].code ||
            !strstr(err.msg, bad[i].says) || !strstr(err.msg, "the helper '"))
            fail_msg("'%s': '%s' should say '%s'", bad[i].cmd, err.msg,
                     bad[i].says);
        outside_free(o);
    }
}

/* A child of the helper holds its output, too: all of them are ended. */
static void
test_outside_ends_a_helper_that_hangs_and_its_children(void **state)
{
    const double began = clock_now();
    struct outside *o;
    trv_err err = {0};
    double got;

    (void)state;
    assert_int_equal(outside_open(&o, "sleep 60 & sleep 60", 0.2, NULL), 0);
    assert_int_equal(ask(o, &got, "x", &err), TRV_EIO);
    assert_non_null(strstr(err.msg, "no answer within 0.2 seconds"));
    outside_free(o);
    assert_true(clock_now() - began < 30.0); // far below the sleep
}

static void
test_outside_starts_anew_after_a_failure(void **state)
{
    const char *dir = test_tmpdir("outside");
    char cmd[500];
    struct outside *o;
    double got;

    (void)state;
    /* The first one dies, the second answers. */
    snprintf(cmd, sizeof(cmd),
             "test -e '%s/seen' || { touch '%s/seen'; exit 1; }; "
             "while read l; do echo 4; done",
             dir, dir);
    assert_int_equal(outside_open(&o, cmd, 20, NULL), 0);
    assert_int_equal(ask(o, &got, "x", NULL), TRV_EIO);
    assert_int_equal(ask(o, &got, "x", NULL), 0);
    assert_close(got, 4, 0);
    outside_free(o);
}

/* Longer than a pipe holds, so writing and reading must go on together; and a
 * reader that is gone raises no signal. */
static void
test_outside_takes_a_long_question_and_no_sigpipe(void **state)
{
    struct strbuf long_text = {0};
    struct outside *o;
    trv_err err = {0};
    double got;

    (void)state;
    for (int i = 0; i < 200000; i++)
        assert_int_equal(sb_puts(&long_text, "abcdefghij"), 0);
    assert_int_equal(outside_open(&o, "head -c 2000018 | wc -c", 60, NULL), 0);
    assert_int_equal(ask(o, &got, long_text.s, NULL), 0);
    assert_close(got, 2000000 + strlen("{\"completion\":\"\"}\n"), 0);
    outside_free(o);

    assert_int_equal(outside_open(&o, "exec 0<&-; sleep 60", 20, NULL), 0);
    assert_int_equal(ask(o, &got, long_text.s, &err), TRV_EIO);
    outside_free(o);
    sb_release(&long_text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outside_answers_question_after_question),
        cmocka_unit_test(test_outside_takes_a_number_or_an_object),
        cmocka_unit_test(test_outside_names_a_helper_that_fails),
        cmocka_unit_test(
            test_outside_ends_a_helper_that_hangs_and_its_children),
        cmocka_unit_test(test_outside_starts_anew_after_a_failure),
        cmocka_unit_test(test_outside_takes_a_long_question_and_no_sigpipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
