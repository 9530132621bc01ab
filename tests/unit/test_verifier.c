/* test_verifier.c -- each check gives what it says, and refuses what it cannot
 * check.
 */
#include "support/test.h"

#include <string.h>

#include "adapt/reward/reward.h"
#include "adapt/reward/verifier.h"
#include "base/mem.h"

/* A check and a row; both are released by the next call with NULL. */
struct bench {
    struct verifier *v;
    struct data_row row;
};

static void
bench_open(struct bench *b, const char *spec, const char *row)
{
    json_t *conf = NULL, *obj = json_loads(row, 0, NULL);
    trv_err err = {0};

    assert_non_null(obj);
    b->row = (struct data_row){.path = "f.jsonl", .line = 7};
    if (data_row_set(&b->row, obj, &err) || verifier_parse(&conf, spec, &err) ||
        verifier_open(&b->v, conf, NULL, &err))
        fail_msg("%s: %s", spec, err.msg);
    json_decref(conf);
}

static void
bench_close(struct bench *b)
{
    verifier_free(b->v);
    json_decref(b->row.json);
}

static int
score(double *out, struct bench *b, const char *answer, size_t n, bool own,
      trv_err *err)
{
    static const int32_t ids[] = {5, 6, 7};
    const struct reward_item item = {.row = &b->row,
                                     .text = answer,
                                     .n_text = n,
                                     .ids = ids,
                                     .n_ids = 3,
                                     .own = own};

    return verifier_score(b->v, out, &item, 0, err);
}

static void
gives(const char *spec, const char *row, const char *answer, double want)
{
    struct bench b;
    trv_err err = {0};
    double got;

    bench_open(&b, spec, row);
    if (score(&got, &b, answer, strlen(answer), false, &err))
        fail_msg("%s: %s", spec, err.msg);
    if (!(got > want - 1e-12 && got < want + 1e-12))
        fail_msg("'%s' gives '%s' %g, not %g", spec, answer, got, want);
    bench_close(&b);
}

#define ANY "{\"prompt\": \"x\"}"

static void
test_verifier_number_compares_with_the_first_reference_there_is(void **state)
{
    (void)state;
    gives("number", "{\"prompt\":\"x\",\"answer\":\"a #### 42\"}", "so 42.0",
          1);
    gives("number", "{\"prompt\":\"x\",\"answer\":42}", "so 43", 0);
    gives("number", "{\"prompt\":\"x\",\"answer\":-0.5}", "it is -.5", 1);
    gives("number", "{\"prompt\":\"x\",\"reference\":\"7\",\"solution\":8}",
          "7", 1);
    gives("number", "{\"prompt\":\"x\",\"answer\":null,\"solution\":8}", "8",
          1);
    gives("number", "{\"prompt\":\"x\",\"completion\":\"9 bees\"}", "9", 1);
    gives("number,column=n", "{\"prompt\":\"x\",\"answer\":1,\"n\":2}", "2", 1);
    gives("number", "{\"prompt\":\"x\",\"answer\":1}", "no idea", 0);
    gives("number", "{\"prompt\":\"x\",\"answer\":1}", "", 0);
    gives("number,strict=1", "{\"prompt\":\"x\",\"answer\":1}", "1", 0);
    gives("number,strict=1", "{\"prompt\":\"x\",\"answer\":1}", "#### 1", 1);
}

static void
test_verifier_exact_leaves_blanks_around_out(void **state)
{
    static const char row[] =
        "{\"prompt\":\"x\",\"answer\":\" \\u00c4pfel\\n\"}";

    (void)state;
    gives("exact", row, "\xc3\x84pfel", 1);
    gives("exact", row, "\xc2\xa0\xc3\x84pfel \n", 1);
    gives("exact", row, "\xc3\xa4pfel", 0);
    gives("exact,case=0", row, "\xc3\xa4PFEL", 1);
    gives("exact", row, "\xc3\x84pfel.", 0);
    gives("exact", "{\"prompt\":\"x\",\"answer\":true}", "true", 1);
    gives("exact", "{\"prompt\":\"x\",\"answer\":\"\"}", "  ", 1);
}

static void
test_verifier_regex_matches_or_gives_a_share(void **state)
{
    (void)state;
    gives("regex,pattern=^a,b$", ANY, "a,b", 1); // the rest, commas and all
    gives("regex,pattern=^a,b$", ANY, "a,bc", 0);
    gives("regex,not=1,pattern=z", ANY, "a", 1);
    gives("regex,case=0,pattern=hello", ANY, "say HeLLo", 1);
    gives("regex,pattern=hello", ANY, "HELLO", 0);
    gives("regex,share=1,pattern=!$", ANY, "One! Two. Three!\nFour", 0.5);
    gives("regex,by=line,pattern=^-", ANY, "- a. b!\n\n b\n- c\n", 2.0 / 3);
    gives("regex,by=word,pattern=^a", ANY, "ab  ba\nac", 2.0 / 3);
    gives("regex,by=letter,pattern=\\p{Lu}", ANY, "Ab\xc3\x84 4!", 2.0 / 3);
    gives("regex,by=letter,pattern=\\p{Lu}", ANY, "12 !", 0); // no letter
    gives("regex,by=sentence,pattern=x", ANY, "", 0);
    gives("regex,by=sentence,pattern=^\\S", ANY, "3.14 is pi. Yes?! No", 1);
}

static void
test_verifier_contains_looks_for_words(void **state)
{
    (void)state;
    gives("contains,words=cat|dog", ANY, "A Dog!", 1);
    gives("contains,words=cat|dog", ANY, "hotdogs", 0);
    gives("contains,inside=1,words=cat|dog", ANY, "hotdogs", 1);
    gives("contains,words=cat|dog", ANY, "catdog, cat", 1);
    gives("contains,case=1,words=Cat", ANY, "cat", 0);
    gives("contains,all=1,words=cat|dog", ANY, "cat", 0);
    gives("contains,all=1,words=cat|dog", ANY, "dog cat", 1);
    gives("contains,share=1,words=cat|dog|a,b", ANY, "dog a,b", 2.0 / 3);
    gives("contains,not=1,words=cat", ANY, "dog", 1);
    gives("contains,words=\xc3\x84pfel", ANY, "zwei \xc3\xa4pfel", 1);
    gives("contains,words=!", ANY, "no!", 1); // no letter has a neighbour
    gives("contains,words=cat", ANY, "", 0);
}

static void
test_verifier_length_falls_linearly_outside(void **state)
{
    (void)state;
    gives("length,lo=2,hi=4", ANY, "a b c", 1);
    gives("length,lo=4,hi=8", ANY, "a", 0.25);
    gives("length,hi=2", ANY, "a b c", 0.5);
    gives("length,hi=2", ANY, "a b c d e", 0);
    gives("length,hi=2,slack=4", ANY, "a b c", 0.75);
    gives("length,hi=2,slack=0", ANY, "a b c", 0);
    gives("length,hi=2,slack=0", ANY, "a b", 1);
    gives("length,lo=2", ANY, "", 0);
    gives("length,by=chars,lo=2,hi=2", ANY, "\xc3\xa4\xc3\xa4", 1);
    gives("length,by=tokens,lo=3,hi=3", ANY, "", 1);
}

static void
test_verifier_json_parses_and_asks_for_keys(void **state)
{
    (void)state;
    gives("json", ANY, " {\"a\": 1}\n", 1);
    gives("json", ANY, "3", 1);
    gives("json", ANY, "{\"a\": 1} and so on", 0);
    gives("json", ANY, "", 0);
    gives("json,keys=a|b", ANY, "{\"a\": 1}", 0);
    gives("json,keys=a|b", ANY, "{\"b\": null, \"a\": 1}", 1);
    gives("json,keys=a|b", ANY, "[\"a\", \"b\"]", 0);
    gives("json,keys=a|b,share=1", ANY, "{\"a\": 1}", 2.0 / 3);
    gives("json,keys=a|b,share=1", ANY, "{", 0);
}

static void
test_verifier_command_is_given_the_row_and_the_answer(void **state)
{
    static const char spec[] =
        "command,timeout=20,cmd=while read l; do case $l in "
        "*'\"n\":5'*'\"prompt\":\"x\"'*'\"completion\":\"y, z\"'*) echo 0.25;; "
        "*) echo '{\"score\": -1}';; esac; done";

    (void)state;
    gives(spec, "{\"n\": 5, \"prompt\": \"x\", \"completion\": \"w\"}", "y, z",
          0.25);
    gives(spec, "{\"n\": 6, \"prompt\": \"x\", \"completion\": \"w\"}", "y, z",
          -1);
}

static void
test_verifier_repairs_bytes_that_are_no_text(void **state)
{
    struct bench b;
    double got;

    (void)state;
    bench_open(&b, "regex,pattern=a\xef\xbf\xbd\\x00z", ANY);
    assert_int_equal(score(&got, &b, "a\xff\0z", 4, false, NULL), 0);
    assert_close(got, 1.0, 0);
    bench_close(&b);
}

static void
refuses(const char *spec, const char *row, const char *answer, bool own,
        const char *says)
{
    struct bench b;
    trv_err err = {0};
    double got;

    bench_open(&b, spec, row);
    if (score(&got, &b, answer, strlen(answer), own, &err) != TRV_EINVAL ||
        !strstr(err.msg, says) || !strstr(err.msg, "'f.jsonl' line 7"))
        fail_msg("'%s': '%s' should say '%s'", spec, err.msg, says);
    bench_close(&b);
}

static void
test_verifier_needs_a_reference_and_names_the_row(void **state)
{
    (void)state;
    refuses("number", ANY, "1", false, "needs a reference");
    refuses("number", "{\"prompt\":\"x\",\"answer\":\"none\"}", "1", false,
            "holds no number");
    refuses("exact,column=k", ANY, "1", false, "no column 'k'");
    refuses("exact", "{\"prompt\":\"x\",\"answer\":{}}", "1", false, "no text");
    /* What is scored is no reference for itself, by whatever name it came. */
    refuses("number", "{\"prompt\":\"x\",\"completion\":\"1\"}", "1", true,
            "needs a reference");
    refuses("number", "{\"question\":\"x\",\"answer\":\"1\"}", "1", true,
            "needs a reference");
}

static void
test_verifier_refuses_options_that_are_none(void **state)
{
    static const struct {
        const char *spec, *says;
    } bad[] = {
        {"", "is no check"},
        {"numbers", "is no check"},
        {"number,strict=2", "neither 0 nor 1"},
        {"number,share=1", "no option 'share'; there are column, strict"},
        {"number,strict", "is no option: write key=value"},
        {"number,strict=1,", "ends with a comma"},
        {"number,strict=1,strict=1", "twice"},
        {"number,column=", "needs column="},
        {"regex", "needs pattern="},
        {"regex,pattern=", "needs pattern="},
        {"regex,pattern=(", "no regular expression"},
        {"regex,by=page,pattern=a", "'page'; there are text, line"},
        {"contains,words=a||b", "an empty word"},
        {"contains,all=1,share=1,words=a", "both all=1 and share=1"},
        {"length", "needs lo= or hi="},
        {"length,lo=5,hi=4", "hi=4 below lo=5"},
        {"length,lo=x", "'x', not a number"},
        {"length,lo=nan", "'nan', not a number"},
        {"length,lo=-1", "'-1', not a number"},
        {"command", "needs cmd="},
        {"command,timeout=0,cmd=cat", "'0', not a number"},
        {"exact,column=\xff", "not UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct verifier *v = NULL;
        json_t *conf = NULL;
        trv_err err = {0};
        int rc = verifier_parse(&conf, bad[i].spec, &err);

        if (!rc)
            rc = verifier_open(&v, conf, NULL, &err);
        if (rc != TRV_EINVAL || !strstr(err.msg, bad[i].says))
            fail_msg("'%s': code %d, '%s' should say '%s'", bad[i].spec, rc,
                     err.msg, bad[i].says);
        assert_null(v);
        json_decref(conf);
    }
}

/* What a check lists is read, and so refused where it is of the wrong type; and
 * an example of it opens. What it does not list is refused: see above. */
static void
test_verifier_reads_each_option_that_it_lists(void **state)
{
    const trv_spec_option *o;
    const trv_check *check;
    int n = 0;

    (void)state;
    for (int c = 0; (check = verifier_check_at(c)); c++) {
        struct verifier *v = NULL;
        json_t *conf = NULL;
        trv_err err = {0};
        char of[64], says[128];

        snprintf(of, sizeof(of), "verifier:%s", check->name);
        if (verifier_parse(&conf, check->example + strlen("verifier:"), &err) ||
            verifier_open(&v, conf, NULL, &err))
            fail_msg("%s: %s", check->example, err.msg);
        verifier_free(v);
        for (int i = 0; (o = trv_spec_option_at(of, i)); i++, n++) {
            json_t *bad = json_copy(conf);

            (void)json_object_set_new(bad, o->name, json_array());
            snprintf(says, sizeof(says), "option '%s' of %s", o->name, of);
            assert_int_equal(verifier_open(&v, bad, NULL, &err), TRV_EINVAL);
            if (!strstr(err.msg, says))
                fail_msg("'%s' should say '%s'", err.msg, says);
            json_decref(bad);
        }
        json_decref(conf);
    }
    assert_true(n > 20);
}

static void
test_verifier_without_memory_frees_what_it_holds(void **state)
{
    static const char *const specs[] = {
        "number,column=a",          "exact,case=0",  "contains,words=a|b",
        "regex,by=word,pattern=a+", "json,keys=a|b", "length,lo=1"};
    const int64_t live = mem_stats_get().live_bytes;

    (void)state;
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
        for (int64_t n = 0;; n++) {
            struct data_row row = {.line = 1};
            struct verifier *v = NULL;
            struct reward_item item = {
                .row = &row, .text = "a \xff", .n_text = 3};
            json_t *conf = NULL;
            double got;
            int rc;

            row.json = json_loads("{\"answer\":\"1\",\"a\":1}", 0, NULL);
            mem_fail_after(n);
            rc = verifier_parse(&conf, specs[i], NULL);
            if (!rc)
                rc = verifier_open(&v, conf, NULL, NULL);
            if (!rc)
                rc = verifier_score(v, &got, &item, 0, NULL);
            mem_fail_after(-1);
            verifier_free(v);
            json_decref(conf);
            json_decref(row.json);
            assert_true(rc == 0 || rc == TRV_ENOMEM);
            assert_int_equal(mem_stats_get().live_bytes, live);
            if (!rc)
                break;
            assert_true(n < 1000);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_verifier_number_compares_with_the_first_reference_there_is),
        cmocka_unit_test(test_verifier_exact_leaves_blanks_around_out),
        cmocka_unit_test(test_verifier_regex_matches_or_gives_a_share),
        cmocka_unit_test(test_verifier_contains_looks_for_words),
        cmocka_unit_test(test_verifier_length_falls_linearly_outside),
        cmocka_unit_test(test_verifier_json_parses_and_asks_for_keys),
        cmocka_unit_test(test_verifier_command_is_given_the_row_and_the_answer),
        cmocka_unit_test(test_verifier_repairs_bytes_that_are_no_text),
        cmocka_unit_test(test_verifier_needs_a_reference_and_names_the_row),
        cmocka_unit_test(test_verifier_refuses_options_that_are_none),
        cmocka_unit_test(test_verifier_reads_each_option_that_it_lists),
        cmocka_unit_test(test_verifier_without_memory_frees_what_it_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
