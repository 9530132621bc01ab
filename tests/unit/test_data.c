/* test_data.c -- facts about reading rows. */
#include "support/test.h"

#include <string.h>

#include "base/mem.h"
#include "text/data.h"

static struct data
rows_of(const char *name, const char *text)
{
    struct data d;
    trv_err err = {0};

    if (data_parse(&d, name, text, strlen(text), &err))
        fail_msg("%s", err.msg);
    return d;
}

static void
expect_refusal(const char *name, const char *text, size_t n, const char *say)
{
    struct data d;
    trv_err err = {0};
    const int rc = data_parse(&d, name, text, n, &err);

    if (rc != TRV_EFORMAT || !strstr(err.msg, say))
        fail_msg("'%.60s' gave %d '%s', not '%s'", text, rc, err.msg, say);
    assert_null(d.rows);
    assert_null(d.path);
}

static const char *
content(const json_t *messages, size_t i)
{
    return json_string_value(
        json_object_get(json_array_get(messages, i), "content"));
}

static const char *
role(const json_t *messages, size_t i)
{
    return json_string_value(
        json_object_get(json_array_get(messages, i), "role"));
}

static void
test_data_reads_each_of_trls_columns(void **state)
{
    struct data d = rows_of(
        "a.jsonl",
        "\xef\xbb\xbf{\"text\": \"one\"}\r\n\n"
        "{\"prompt\": \"p\", \"completion\": \" c\", \"label\": true,"
        " \"id\": 123456789012345678901234567890}\n"
        "{\"messages\": [{\"role\": \"user\", \"content\": "
        "[{\"type\": \"text\", \"text\": \"a\"}, {\"text\": \"b\"}]}]}\n"
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"q\"}], \"chosen\": "
        "{\"role\": \"assistant\", \"content\": \"y\"}, \"rejected\": "
        "[{\"role\": \"assistant\", \"content\": \"n\"}], \"text\": null}");

    (void)state;
    assert_int_equal(d.n, 4);
    assert_string_equal(d.rows[0].text, "one");
    assert_int_equal(d.rows[0].label, -1);
    assert_int_equal(d.rows[1].line, 3);
    assert_string_equal(json_string_value(d.rows[1].completion), " c");
    assert_int_equal(d.rows[1].label, 1);
    assert_string_equal(content(d.rows[2].messages, 0), "ab");
    assert_string_equal(content(d.rows[3].chosen, 0), "y");
    assert_string_equal(content(d.rows[3].rejected, 0), "n");
    assert_null(d.rows[3].text);
    data_release(&d);
}

static void
test_data_understands_other_conventions(void **state)
{
    struct data d = rows_of(
        "a.json",
        "[{\"instruction\": \"add\", \"input\": \"1 2\", \"output\": \"3\"},\n"
        "{\"instruction\": \"say\", \"input\": \"\", \"output\": \"x\"},\n"
        "{\"question\": \"q\", \"answer\": \"a\"},"
        "{\"problem\": \"p\", \"solution\": \"s\", \"answer\": \"a\"},"
        "{\"conversations\": [{\"from\": \"human\", \"value\": \"h\"},"
        "{\"from\": \"gpt\", \"value\": \"g\"}]},\n"
        "{\"conversations\": [{\"from\": \"human\", \"value\": \"h\"}],"
        "\"chosen\": {\"from\": \"gpt\", \"value\": \"good\"},"
        "\"rejected\": {\"from\": \"gpt\", \"value\": \"bad\"}},\n"
        "{\"chosen\": \"Q: \\u00e9 A: \\u00e9x\", "
        "\"rejected\": \"Q: \\u00e9 A: \\u00e8x\"}\n]\n");

    (void)state;
    assert_int_equal(d.n, 7);
    assert_string_equal(json_string_value(d.rows[0].prompt), "add\n\n1 2");
    assert_string_equal(json_string_value(d.rows[0].completion), "3");
    assert_string_equal(json_string_value(d.rows[1].prompt), "say");
    assert_int_equal(d.rows[1].line, 2);
    assert_string_equal(json_string_value(d.rows[2].completion), "a");
    assert_string_equal(json_string_value(d.rows[3].prompt), "p");
    assert_string_equal(json_string_value(d.rows[3].completion), "s");
    assert_string_equal(role(d.rows[4].messages, 0), "user");
    assert_string_equal(role(d.rows[4].messages, 1), "assistant");
    assert_string_equal(content(d.rows[5].prompt, 0), "h");
    assert_string_equal(content(d.rows[5].rejected, 0), "bad");
    assert_null(d.rows[5].messages);
    // cut before the space, and not inside the two bytes of a letter
    assert_string_equal(json_string_value(d.rows[6].prompt), "Q: \xc3\xa9 A:");
    assert_string_equal(json_string_value(d.rows[6].chosen), " \xc3\xa9x");
    assert_int_equal(d.rows[6].line, 5);
    data_release(&d);
}

static void
test_data_takes_each_line_of_text_as_a_row(void **state)
{
    struct data d = rows_of("a.txt", "one\n\n  two {\nthree");

    (void)state;
    assert_int_equal(d.n, 3);
    assert_string_equal(d.rows[1].text, "  two {");
    assert_int_equal(d.rows[2].line, 4);
    // sha256sum of the same bytes
    assert_string_equal(d.hash, "0639d4345a85fa697fef9f8f8b38998e"
                                "8419ae1932c99e201657164d136c3fb3");
    data_release(&d);
}

static void
test_data_names_file_line_and_column_of_what_is_wrong(void **state)
{
    static const struct {
        const char *name, *text, *say;
    } bad[] = {
        {"x.jsonl", "", "'x.jsonl' is empty"},
        {"x.jsonl", "\n \n", "'x.jsonl' has no rows"},
        {"x.jsonl", "{\"text\": \"a\"}\n{\"text\"\n", "'x.jsonl' line 2: no J"},
        {"x.jsonl", "[1]", "line 1: the row is an array, not an object"},
        {"x.jsonl", "\n3", "line 2: the row is an integer, not an object"},
        {"x.jsonl", "{\"a\": 1}", "line 1: no known column"},
        {"x.jsonl", "{\"text\": 1}", "column 'text' is an integer, not a str"},
        {"x.jsonl", "{\"text\": \"\\u0000\"}", "line 1: no JSON"},
        {"x.jsonl", "{\"text\": \"a\", \"text\": \"b\"}", "line 1: no JSON"},
        {"x.jsonl", "{\"text\": \"\xff\"}", "line 1: bytes that are no UTF-8"},
        {"x.jsonl", "{\"messages\": {}}", "column 'messages' is an object"},
        {"x.jsonl", "{\"messages\": []}", "column 'messages' holds no message"},
        {"x.jsonl", "{\"messages\": [1]}", "is an integer, not an object"},
        {"x.jsonl", "{\"messages\": [{\"role\": \"user\"}]}", "no 'content'"},
        {"x.jsonl", "{\"messages\": [{\"role\": 1, \"content\": \"\"}]}",
         "a wrong-typed 'role'"},
        {"x.jsonl",
         "{\"messages\": [{\"role\": \"user\", \"content\": "
         "[{\"type\": \"image\"}]}]}",
         "no {\"type\": \"text\""},
        {"x.jsonl", "{\"completion\": \"c\"}", "'completion' without 'prompt'"},
        {"x.jsonl", "{\"prompt\": \"p\", \"chosen\": \"c\"}",
         "column 'chosen' without 'rejected'"},
        {"x.jsonl",
         "{\"prompt\": \"p\", \"completion\": \"c\", \"label\": \"x\"}",
         "column 'label' is a string"},
        {"x.jsonl", "{\"prompt\": 1.5}", "column 'prompt' is a number"},
        {"x.jsonl", "{\"instruction\": []}", "column 'instruction' is an arr"},
        {"x.json", "{\"text\": \"a\"}", "line 1: no JSON array"},
        {"x.json", "[]", "'x.json' has no rows"},
        {"x.json", "[{\"text\": \"a\"},\n\n{\"text\": }]", "line 3: no JSON"},
        {"x.json", "[{\"text\": \"a\"},\n{\"text\":\n \"b", "line 2: the arr"},
        {"x.json", "[{\"text\": \"a\"},\n]", "line 2: no JSON: a comma"},
        {"x.json", "[{\"text\": \"a\"}", "line 1: the array"},
        {"x.json", "[{\"text\": \"a\"}] x", "line 1: something follows"},
        {"x.json", "[{\"text\": \"a\"}}", "line 1: no JSON: a stray '}'"},
        {"x.txt", "a\n\xc3\n", "'x.txt' line 2: bytes that are no UTF-8"},
    };
    struct data d;
    trv_err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_refusal(bad[i].name, bad[i].text, strlen(bad[i].text),
                       bad[i].say);
    expect_refusal("x.txt", "a\0b", 3, "line 1: a NUL byte");
    assert_int_equal(data_parse(&d, "x.xml", "a", 1, &err), TRV_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "'x.xml'"));
    assert_int_equal(data_open(&d, "/no/such.jsonl", &err), TRV_EIO);
}

static void
test_data_refuses_an_overlong_line(void **state)
{
    const size_t n = DATA_MAX_LINE + 2;
    char *text = mem_alloc(n);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', n);
    text[0] = '\n';
    expect_refusal("x.txt", text, n, "line 2: the row is longer than 64 MiB");
    mem_free(text);
}

static void
test_data_survives_every_failed_allocation(void **state)
{
    int rc = TRV_ENOMEM;

    (void)state;
    for (int64_t n = 0; rc; n++) {
        static const char text[] =
            "{\"messages\": [{\"role\": \"user\", \"content\": "
            "[{\"type\": \"text\", \"text\": \"a\"}]}]}\n"
            "{\"instruction\": \"a\", \"input\": \"b\", \"output\": \"c\"}\n";
        struct data d;
        trv_err err = {0};

        assert_true(n < 100);
        mem_fail_after(n);
        rc = data_parse(&d, "x.jsonl", text, strlen(text), &err);
        mem_fail_after(-1);
        assert_true(rc == 0 || rc == TRV_ENOMEM);
        data_release(&d);
        assert_int_equal(mem_stats_get().live_bytes, 0);
    }
}

static void
test_data_reads_the_real_files_of_the_assets(void **state)
{
    static const struct {
        const char *path;
        int64_t n; // rows, as the files' README or wc counts them
    } files[] = {
        {"data/preferences/dpo_en_demo.json", 300},
        {"data/gsm8k/test.jsonl", 1319},
        {"data/rasbt-instruct/instruction-data.json", 1100},
        {"data/rasbt-instruct/instruction-data-with-preference.json", 1100},
        {"data/personas/agreeableness.jsonl", 1000},
        {"data/tinystories/heldout.txt", 0},
        {"data/soda-tinystoriesinstruct-chat/chat_val.txt", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const char *path = test_asset(files[i].path);
        struct data d;
        trv_err err = {0};

        if (!path)
            continue;
        if (data_open(&d, path, &err))
            fail_msg("%s", err.msg);
        if (files[i].n)
            assert_int_equal(d.n, files[i].n);
        assert_true(d.n > 100);
        if (strstr(path, "dpo_en_demo"))
            for (int64_t r = 0; r < d.n; r++) {
                assert_true(json_is_array(d.rows[r].prompt));
                assert_int_equal(json_array_size(d.rows[r].chosen), 1);
                assert_string_equal(role(d.rows[r].rejected, 0), "assistant");
            }
        data_release(&d);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_reads_each_of_trls_columns),
        cmocka_unit_test(test_data_understands_other_conventions),
        cmocka_unit_test(test_data_takes_each_line_of_text_as_a_row),
        cmocka_unit_test(test_data_names_file_line_and_column_of_what_is_wrong),
        cmocka_unit_test(test_data_refuses_an_overlong_line),
        cmocka_unit_test(test_data_survives_every_failed_allocation),
        cmocka_unit_test(test_data_reads_the_real_files_of_the_assets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
