/* test_plain_prompts.c -- rows of words under a chat template are what
 * transformers lays out as a user's turn: plain.json of gen_plain.py.
 */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/files/model.h"
#include "text/example.h"
#include "text/row_layout.h"

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static const char *
text_of(const json_t *obj, const char *key)
{
    return json_string_value(json_object_get(obj, key));
}

/* models/nano under a template of tests/golden/chat, or its own. */
static struct model *
open_nano(const char *template)
{
    struct model *m;
    char rel[128];
    trv_err err = {0};

    must(model_open(&m, test_source("../models/nano"), &err), &err);
    snprintf(rel, sizeof(rel), "golden/chat/templates/%s", template);
    if (strcmp(template, "nano") != 0)
        must(model_open_chat(m, test_source(rel), &err), &err);
    return m;
}

static void
check_row(const struct model *m, const json_t *one)
{
    const struct text_rules rules = model_text_rules(m);
    const json_t *ids = json_object_get(one, "ids");
    char *line = json_dumps(json_object_get(one, "row"), JSON_COMPACT);
    struct example e = {0};
    struct data d;
    trv_err err = {0};

    must(data_parse(&d, "f.jsonl", line, strlen(line), &err), &err);
    assert_true(example_is_chat(&rules, &d.rows[0]));
    must(example_context(&e, &rules, &d.rows[0], text_of(one, "system"), NULL,
                         &err),
         &err);
    if (strcmp(e.rendered.s, text_of(one, "text")) != 0)
        fail_msg("%s gives\n%s\nnot\n%s", line, e.rendered.s,
                 text_of(one, "text"));
    assert_int_equal(e.ids.n, json_array_size(ids));
    for (int64_t i = 0; i < e.ids.n; i++)
        assert_int_equal(e.ids.v[i],
                         json_integer_value(json_array_get(ids, (size_t)i)));
    example_release(&e);
    data_release(&d);
    free(line);
}

static void
test_plain_prompts_are_laid_out_as_transformers_does(void **state)
{
    struct model *m = NULL;
    const char *template, *last = "";
    json_t *cases, *one;
    trv_err err = {0};
    size_t i;

    (void)state;
    must(json_open(&cases, test_source("golden/example/plain.json"), &err),
         &err);
    json_array_foreach(cases, i, one)
    {
        template = text_of(one, "template");
        if (strcmp(template, last) != 0) {
            model_free(m);
            m = open_nano(template);
            last = template;
        }
        check_row(m, one);
    }
    assert_int_equal(i, 60);
    model_free(m);
    json_decref(cases);
}

/* A template that refuses the role is found out when it is opened, and the
 * line about the layout says where the prompt went. */
static void
test_plain_prompts_have_no_system_message_where_it_is_refused(void **state)
{
    static const struct {
        const char *template;
        bool no_system;
    } cases[] = {{"nano", false},
                 {"qwen2_5.jinja", false},
                 {"gemma.jinja", true},
                 {"mistral_v1.jinja", true},
                 {"gemma3.jinja", false}};
    static const char text[] = "{\"prompt\": \"Hi\"}\n{\"prompt\": \"Ho\"}\n";
    static const char note[] = "prompt before the user's words";
    struct data d;
    trv_err err = {0};

    (void)state;
    must(data_parse(&d, "f.jsonl", text, strlen(text), &err), &err);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct model *m = open_nano(cases[i].template);
        const struct text_rules rules = model_text_rules(m);
        struct row_layout l;

        if (m->no_system != cases[i].no_system)
            fail_msg("%s: no_system is %d", cases[i].template, m->no_system);
        row_layout_of(&l, &rules, d.rows, d.n, true);
        assert_string_equal(l.name, LAYOUT_NAME_CHAT);
        assert_int_equal(strstr(l.line, note) != NULL, cases[i].no_system);
        row_layout_of(&l, &rules, d.rows, d.n, false);
        assert_null(strstr(l.line, "prompt"));
        model_free(m);
    }
    data_release(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_prompts_are_laid_out_as_transformers_does),
        cmocka_unit_test(
            test_plain_prompts_have_no_system_message_where_it_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
