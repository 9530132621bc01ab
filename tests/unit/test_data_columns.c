/* test_data_columns.c -- no column of a file is dropped in silence: it is read
 * as transformers would be given it, or named, or refused.
 */
#include "support/test.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/data_columns.h"
#include "text/example.h"

static struct chat_template *
open_template(const char *name)
{
    struct chat_template *t = NULL;
    struct strbuf source = {0};
    char path[100];
    trv_err err = {0};

    snprintf(path, sizeof(path), "golden/chat/templates/%s", name);
    if (file_read(&source, test_source(path), 1 << 20, &err) ||
        chat_template_parse(&t, name, source.s, source.len, &err))
        fail_msg("%s", err.msg);
    sb_release(&source);
    return t;
}

static void
test_data_columns_render_as_transformers_does(void **state)
{
    struct tokenizer *t = NULL;
    json_t *cases = NULL, *one;
    trv_err err = {0};
    size_t i;

    (void)state;
    if (tokenizer_open_hf(&t, NULL, test_source("golden/example/byte"), &err) ||
        json_open(&cases, test_source("golden/example/columns.json"), &err))
        fail_msg("%s", err.msg);
    json_array_foreach(cases, i, one)
    {
        struct chat_template *chat =
            open_template(json_string_value(json_object_get(one, "template")));
        const char *want = json_string_value(json_object_get(one, "context"));
        const struct text_rules rules = {.tokenizer = t, .chat = chat};
        char *line = json_dumps(json_object_get(one, "row"), JSON_COMPACT);
        struct example e = {0};
        struct data d = {0};

        if (data_parse(&d, "f.jsonl", line, strlen(line), &err) ||
            example_context(&e, &rules, &d.rows[0], NULL, NULL, &err))
            fail_msg("%s: %s", line, err.msg);
        if (strcmp(e.rendered.s, want) != 0)
            fail_msg("%s gives\n%s\nnot\n%s", line, e.rendered.s, want);
        assert_true(d.rows[0].completion || d.rows[0].messages);
        assert_null(d.unused);
        /* Once more: a row that was read is read the same. */
        assert_int_equal(data_row_set(&d.rows[0], d.rows[0].json, &err), 0);
        assert_int_equal(
            example_context(&e, &rules, &d.rows[0], NULL, NULL, &err), 0);
        assert_string_equal(e.rendered.s, want);
        example_release(&e);
        data_release(&d);
        mem_free(line);
        chat_template_free(chat);
    }
    assert_int_equal(i, 57);
    json_decref(cases);
    tokenizer_free(t);
}

static void
test_data_columns_that_nothing_reads_are_named_once(void **state)
{
    static const struct {
        const char *text, *unused;
    } cases[] = {
        {"{\"prompt\":\"x\",\"completion\":\"y\"}", NULL},
        {"{\"prompt\":\"x\",\"level\":null,\"tags\":[]}", NULL},
        {"{\"prompt\":\"x\",\"id\":1}\n{\"prompt\":\"y\",\"id\":2,\"a\":0}",
         "columns of 'f.jsonl' that are used only by a check that names them: "
         "id, a"},
        {"{\"prompt\":\"x\",\"completion\":\"y\",\"label\":false}", NULL},
        {"{\"text\":\"x\",\"label\":3}", "names them: label"},
        {"{\"prompt\":\"x\",\"chosen\":\"y\",\"rejected\":\"z\",\"margin\":1}",
         NULL},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":"
         "\"assistant\",\"content\":\"y\",\"weight\":0}]}",
         "weight (all rows and messages weigh alike"},
        {"{\"prompt\":\"x\",\"tools\":[{}]}",
         "tools (where the row is no conversation)"},
        {"{\"prompt\":\"x\",\"tools\":[{}],\"system\":\"s\"}", NULL},
        {"{\"text\":\"x\",\"input\":\"y\",\"title\":\"t\"}", "them: input"},
        {"{\"question\":\"x\",\"answer\":\"y\",\"images\":[]}", NULL},
        {"{\"input\":\"x\",\"output\":\"y\"}", NULL},
        {"{\"prompt\":\"x\",\"input\":\"z\",\"output\":\"y\"}", "them: input"},
        {"{\"instruction\":\"x\",\"context\":\"c\",\"response\":\"y\"}", NULL},
        {"{\"prompt\":\"x\",\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,"
         "\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,\"m\":1,\"n\":1}",
         "k, l and 2 more"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct data d;
        trv_err err = {0};

        if (data_parse(&d, "f.jsonl", cases[i].text, strlen(cases[i].text),
                       &err))
            fail_msg("%s: %s", cases[i].text, err.msg);
        if (!d.unused != !cases[i].unused ||
            (d.unused && !strstr(d.unused, cases[i].unused)))
            fail_msg("%s: '%s'", cases[i].text, d.unused ? d.unused : "none");
        data_release(&d);
    }
}

/* What a method would drop, it refuses, and says what reads it. */
static void
test_data_columns_that_mean_something_are_not_dropped(void **state)
{
#define PAIR "\"prompt\":\"x\",\"chosen\":\"y\",\"rejected\":\"z\""
#define ANSWER "\"prompt\":\"x\",\"completion\":\"y\""
#define TURNS(more)                                                            \
    "\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":"           \
    "\"assistant\",\"content\":\"y\"" more "}]"
    static const struct {
        const char *columns;
        enum data_use use;
        const char *says; // NULL: taken
    } cases[] = {
        {ANSWER, DATA_SFT, NULL},
        {ANSWER ",\"label\":true", DATA_SFT, "trivium train --method kto"},
        {ANSWER ",\"label\":0", DATA_PAIRS, "trivium train --method kto"},
        {ANSWER ",\"label\":0", DATA_REWARD, "trivium train --method kto"},
        {ANSWER ",\"label\":0", DATA_LABELS, NULL},
        {"\"text\":\"x\",\"label\":3", DATA_SFT, NULL},
        {PAIR, DATA_SFT, "--method dpo' (or orpo)"},
        {PAIR, DATA_PAIRS, NULL},
        {PAIR, DATA_LABELS, NULL},
        {PAIR ",\"margin\":2", DATA_PAIRS, "trivium train --method reward"},
        {PAIR ",\"margin\":2", DATA_LABELS, "trivium train --method reward"},
        {PAIR ",\"margin\":2", DATA_REWARD, NULL},
        {PAIR ",\"margin\":null", DATA_PAIRS, NULL},
        {PAIR ",\"weight\":0.5", DATA_PAIRS, "'weight' is not 1"},
        {ANSWER ",\"weight\":1.0", DATA_SFT, NULL},
        {ANSWER ",\"weight\":2", DATA_SFT, "'weight' is not 1"},
        {TURNS(",\"weight\":1"), DATA_SFT, NULL},
        {TURNS(",\"weight\":0"), DATA_SFT, "a message has 'weight'"},
        {TURNS(",\"train\":false"), DATA_SFT, "a message has 'train'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct data d;
        char line[300];
        trv_err err = {0};
        int rc;

        snprintf(line, sizeof(line), "{%s}", cases[i].columns);
        assert_int_equal(data_parse(&d, "f.jsonl", line, strlen(line), &err),
                         0);
        rc = data_columns_check(&d.rows[0], cases[i].use, &err);
        if (rc != (cases[i].says ? TRV_EFORMAT : 0) ||
            (rc && !strstr(err.msg, cases[i].says)))
            fail_msg("%s gave %d '%s'", line, rc, err.msg);
        data_release(&d);
    }
}

static void
test_data_columns_of_the_wrong_kind_are_refused(void **state)
{
    static const struct {
        const char *columns, *says;
    } cases[] = {
        {"\"images\":[\"a.png\"]", "'images' is not empty"},
        {"\"audio\":{\"path\":\"a\"}", "'audio' is not empty"},
        {"\"tools\":\"[1\"", "'tools' is a string that is not the JSON of an"},
        {"\"tools\":\"{}\"", "'tools' is neither an array"},
        {"\"tools\":3", "'tools' is neither an array"},
        {"\"functions\":{\"a\":1}", "'functions' is not an array"},
        {"\"chat_template_kwargs\":[]", "is not an object"},
        {"\"chat_template_kwargs\":{\"messages\":[]}", "sets 'messages'"},
        {"\"chat_template_kwargs\":{\"add_generation_prompt\":false}",
         "sets 'add_generation_prompt'"},
        {"\"system\":[\"a\"]", "'system' is not a string"},
        {"\"history\":\"a\"", "'history' is not an array"},
        {"\"history\":[[\"a\"]]", "more than pairs of strings"},
        {"\"history\":[[\"a\",null]]", "more than pairs of strings"},
    };
    char text[300];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct data d;
        trv_err err = {0};

        snprintf(text, sizeof(text), "{\"prompt\":\"x\",%s}", cases[i].columns);
        if (data_parse(&d, "f.jsonl", text, strlen(text), &err) !=
                TRV_EFORMAT ||
            !strstr(err.msg, cases[i].says) ||
            !strstr(err.msg, "'f.jsonl' line 1"))
            fail_msg("%s: '%s' should say '%s'", text, err.msg, cases[i].says);
    }
}

static void
test_data_columns_beside_what_they_contradict_are_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{\"text\":\"x\",\"system\":\"s\"}", "column 'system'"},
        {"{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},{\"role\":"
         "\"user\",\"content\":\"b\"}],\"system\":\"s\"}",
         "column 'system'"},
        {"{\"prompt\":5,\"completion\":\"y\",\"system\":\"s\"}",
         "'prompt' is neither a string nor messages"},
        {"{\"prompt\":true,\"history\":[[\"a\",\"b\"]]}",
         "'prompt' is neither a string nor messages"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct data d;
        trv_err err = {0};

        if (data_parse(&d, "f.jsonl", cases[i].text, strlen(cases[i].text),
                       &err) != TRV_EFORMAT ||
            !strstr(err.msg, cases[i].says))
            fail_msg("%s: '%s'", cases[i].text, err.msg);
    }
}

static void
test_data_columns_keep_numbers_as_they_are_written(void **state)
{
    static const char text[] =
        "{\"prompt\":\"x\",\"answer\":123456789012345678901234567890,"
        "\"completion\":\"1e400 and \\\"99999999999999999999\\\"\"}";
    struct data d;

    (void)state;
    assert_int_equal(data_parse(&d, "f.jsonl", text, strlen(text), NULL), 0);
    assert_string_equal(
        json_string_value(json_object_get(d.rows[0].json, "answer")),
        "123456789012345678901234567890");
    assert_string_equal(json_string_value(d.rows[0].completion),
                        "1e400 and \"99999999999999999999\"");
    data_release(&d);
}

static void
test_data_columns_without_memory_free_what_they_hold(void **state)
{
    static const char text[] =
        "{\"question\":\"q\",\"answer\":\"a\",\"system\":\"s\",\"history\":"
        "[[\"u\",\"v\"]],\"functions\":\"[{}]\",\"level\":3,\"answers\":"
        "99999999999999999999}";
    const int64_t live = mem_stats_get().live_bytes;

    (void)state;
    for (int64_t n = 0;; n++) {
        struct data d;
        int rc;

        mem_fail_after(n);
        rc = data_parse(&d, "f.jsonl", text, strlen(text), NULL);
        mem_fail_after(-1);
        if (!rc)
            data_release(&d);
        assert_int_equal(mem_stats_get().live_bytes, live);
        if (!rc)
            break;
        assert_int_equal(rc, TRV_ENOMEM);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_columns_render_as_transformers_does),
        cmocka_unit_test(test_data_columns_that_nothing_reads_are_named_once),
        cmocka_unit_test(test_data_columns_that_mean_something_are_not_dropped),
        cmocka_unit_test(test_data_columns_of_the_wrong_kind_are_refused),
        cmocka_unit_test(
            test_data_columns_beside_what_they_contradict_are_refused),
        cmocka_unit_test(test_data_columns_keep_numbers_as_they_are_written),
        cmocka_unit_test(test_data_columns_without_memory_free_what_they_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
