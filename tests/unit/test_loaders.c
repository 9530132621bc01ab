/* test_loaders.c -- facts about rows of data sets: they come out as Python reads
 * them (tests/golden/task/gen_loaders.py), and what is none is refused.
 */
#include "support/test.h"

#include <string.h>

#include "support/golden.h"
#include "task/loaders.h"

static struct data
open_golden(const char *loader, const char *file)
{
    char path[100];
    struct data d;
    trv_err err = {0};

    snprintf(path, sizeof(path), "golden/task/%s", file);
    if (data_open_as(&d, test_source(path), &loader_find(loader)->how, &err))
        fail_msg("%s", err.msg);
    return d;
}

/* Every column that Python names has the same value here. */
static void
compare(const char *loader, const char *file)
{
    json_t *all = golden_open("task/loaders.json");
    const json_t *want = json_object_get(all, loader);
    struct data d = open_golden(loader, file);

    assert_int_equal(d.n, json_array_size(want));
    for (int64_t i = 0; i < d.n; i++) {
        const json_t *row = json_array_get(want, (size_t)i);
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)(uintptr_t)row, key, value)
        {
            if (!json_equal(value, json_object_get(d.rows[i].json, key)))
                fail_msg("%s row %lld: column '%s' differs", loader,
                         (long long)i, key);
        }
    }
    data_release(&d);
    json_decref(all);
}

static void
test_loaders_read_rows_as_python_does(void **state)
{
    static const char *const files[][2] = {{"sst2", "sst2.train"},
                                           {"gsm8k", "gsm8k.jsonl"},
                                           {"hh", "hh.jsonl"},
                                           {"persona", "persona.jsonl"},
                                           {"toxicity", "toxicity.jsonl"}};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        compare(files[i][0], files[i][1]);
}

static void
test_loaders_count_rows_that_they_leave_out(void **state)
{
    struct data d = open_golden("hh", "hh.jsonl");

    (void)state;
    assert_int_equal(d.left_out, 3);
    assert_int_equal(d.left_out_line, 3);
    assert_string_equal(d.left_out_why, "has an empty answer");
    data_release(&d);
    d = open_golden("toxicity", "toxicity.jsonl");
    assert_int_equal(d.left_out, 1);
    assert_int_equal(d.left_out_line, 2);
    data_release(&d);
}

static void
test_loaders_refuse_rows_of_another_set(void **state)
{
    static const struct {
        const char *loader, *name, *text, *say;
    } bad[] = {
        {"sst2", "a", "good film\n", "'a' line 1: the line is not 0 or 1"},
        {"sst2", "a", "1 fine\n2 no\n", "'a' line 2: the line is not 0 or 1"},
        {"sst2", "a", "1\n", "the line is not 0 or 1"},
        {"sst2", "a", "1 \n", "the line is not 0 or 1"},
        {"sst2", "a.gz", "1 b\n", "gunzip -c 'a.gz' > 'a'"},
        {"gsm8k", "a.jsonl", "{\"question\": \"q\"}",
         "'question' and 'answer'"},
        {"gsm8k", "a.jsonl", "{\"question\": 1, \"answer\": \"#### 1\"}",
         "'question' and 'answer'"},
        {"gsm8k", "a.jsonl", "{\"question\": \"q\", \"answer\": \"5\"}",
         "no number behind ####"},
        {"gsm8k", "a.jsonl", "{\"question\": \"q\", \"answer\": \"####  \"}",
         "no number behind ####"},
        {"hh", "a.jsonl", "{\"chosen\": \"\\n\\nHuman: a\"}",
         "'chosen' and 'rejected'"},
        {"hh", "a.jsonl", "{\"chosen\": \"a\", \"rejected\": \"b\"}",
         "no row that is of use: line 1 does not end in an answer"},
        {"hh", "a.jsonl.gz", "{}", "gunzip -c 'a.jsonl.gz' > 'a.jsonl'"},
        {"persona", "a.jsonl", "{\"question\": \"q\"}",
         "'answer_matching_behavior'"},
        {"toxicity", "a.jsonl", "{\"prompt\": \"q\"}", "'prompt.text'"},
        {"toxicity", "a.jsonl", "{\"prompt\": {\"text\": \"q\"}}",
         "no row that is of use: line 1 has no number 'prompt.toxicity'"},
        {"rows", "a.jsonl", "{\"sentence\": \"s\"}", "no known column"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct data d;
        trv_err err = {0};
        const int rc =
            data_parse_as(&d, bad[i].name, bad[i].text, strlen(bad[i].text),
                          &loader_find(bad[i].loader)->how, &err);

        if (!rc || !strstr(err.msg, bad[i].say))
            fail_msg("%s of '%s' gave %d '%s', not '%s'", bad[i].loader,
                     bad[i].text, rc, err.msg, bad[i].say);
    }
}

static void
test_loaders_read_the_published_files(void **state)
{
    static const struct {
        const char *loader, *path;
        int64_t rows, left_out;
    } sets[] = {
        {"sst2", "data/sst2/stsa.binary.train", 6920, 0},
        {"gsm8k", "data/gsm8k/test.jsonl", 1319, 0},
        {"persona", "data/personas/agreeableness.jsonl", 1000, 0},
        {"toxicity", "data/realtoxicityprompts/prompts.jsonl", 1991, 9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        const char *path = test_asset(sets[i].path);
        struct data d;
        trv_err err = {0};

        if (!path)
            continue;
        if (data_open_as(&d, path, &loader_find(sets[i].loader)->how, &err))
            fail_msg("%s", err.msg);
        assert_int_equal(d.n, sets[i].rows);
        assert_int_equal(d.left_out, sets[i].left_out);
        data_release(&d);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loaders_read_rows_as_python_does),
        cmocka_unit_test(test_loaders_count_rows_that_they_leave_out),
        cmocka_unit_test(test_loaders_refuse_rows_of_another_set),
        cmocka_unit_test(test_loaders_read_the_published_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
