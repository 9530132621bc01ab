/* test_demos.c -- demonstrations: layout, files, and refusals. */
#include "support/test.h"

#include <string.h>

#include "adapt/output.h"
#include "adapt/adaptation.h"
#include "adapt/prompt/demos.h"
#include "adapt/view.h"
#include "base/file.h"

static const char pairs[] =
    "{\"prompt\": \"1\", \"completion\": \"one\"}\n"
    "{\"messages\": [{\"role\": \"user\", \"content\": \"2\"},"
    " {\"role\": \"assistant\", \"content\": \"two\"}]}\n";
static const char in_out[] = "{\"input\": \"1\", \"output\": \"one\"}\n"
                             "{\"instruction\": \"2\", \"output\": \"two\"}\n";
static const char texts[] = "{\"prompt\": \"1\", \"completion\": \"one\"}\n"
                            "{\"question\": \"2\", \"answer\": \"two\"}\n";

static const char *
write_demos(const char *name, const char *bytes)
{
    static char path[600];
    trv_err err = {0};

    snprintf(path, sizeof(path), "%s/d.jsonl", test_tmpdir(name));
    if (file_write_atomic(path, bytes, strlen(bytes), &err))
        fail_msg("%s", err.msg);
    return path;
}

static struct demos *
open_demos(const char *name, const char *bytes, const char *conf)
{
    struct demos *d;
    json_t *options = conf ? json_loads(conf, 0, NULL) : NULL;
    trv_err err = {0};

    if (demos_open(&d, write_demos(name, bytes), options, &err))
        fail_msg("%s", err.msg);
    json_decref(options);
    return d;
}

/* The row {"prompt": x}, x a text or messages. */
static struct data_row
make_row(const char *json)
{
    struct data_row row = {0};
    trv_err err = {0};

    if (data_row_set(&row, json_loads(json, 0, NULL), &err))
        fail_msg("%s", err.msg);
    return row;
}

/* Whatever tool's columns hold them. */
static void
test_demos_stand_before_a_text_as_blocks(void **state)
{
    static const char *const files[] = {texts, in_out};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct demos *d = open_demos("demos_text", files[i], NULL);
        struct data_row row = make_row("{\"prompt\": \"3\"}");
        struct example_around around;

        assert_int_equal(demos_view(&around, d, &row, false, NULL), 0);
        assert_string_equal(around.before, "1\none\n\n2\ntwo\n\n");
        assert_string_equal(around.after, "\n");
        assert_null(around.messages);
        assert_null(d->unused);
        assert_false(demos_is_chat(d));
        json_decref(row.json);
        demos_free(d);
    }
}

static void
test_demos_a_template_says_what_stands_around_an_input(void **state)
{
    struct demos *d =
        open_demos("demos_template", texts,
                   "{\"template\": \"Q: {input} A: {output};{x} \"}");
    struct data_row row = make_row("{\"text\": \"3\"}");
    struct example_around around;

    (void)state;
    assert_int_equal(demos_view(&around, d, &row, false, NULL), 0);
    assert_string_equal(around.before, "Q: 1 A: one;{x} Q: 2 A: two;{x} Q: ");
    assert_string_equal(around.after, " A: ");
    json_decref(row.json);
    demos_free(d);
}

static void
test_demos_stand_before_a_chat_as_turns(void **state)
{
    struct demos *d = open_demos("demos_chat", texts, NULL);
    struct data_row row =
        make_row("{\"prompt\": [{\"role\": \"user\", \"content\": \"3\"}]}");
    struct example_around around;
    char *text;

    (void)state;
    assert_int_equal(demos_view(&around, d, &row, true, NULL), 0);
    assert_null(around.before);
    text = json_dumps(around.messages, JSON_COMPACT);
    assert_string_equal(text, "[{\"role\":\"user\",\"content\":\"1\"},"
                              "{\"role\":\"assistant\",\"content\":\"one\"},"
                              "{\"role\":\"user\",\"content\":\"2\"},"
                              "{\"role\":\"assistant\",\"content\":\"two\"}]");
    free(text);
    json_decref(row.json);
    demos_free(d);
}

static void
test_demos_made_of_messages_make_inputs_a_users_turns(void **state)
{
    struct demos *d = open_demos("demos_mixed", pairs, NULL);

    (void)state;
    assert_true(demos_is_chat(d));
    assert_string_equal(d->before, "1\none\n\n2\ntwo\n\n"); // they can be laid
    demos_free(d);
    d = open_demos("demos_mixed", pairs, "{\"form\": \"text\"}");
    assert_false(demos_is_chat(d));
    demos_free(d);
}

static void
test_demos_that_were_written_read_back_the_same(void **state)
{
    struct demos *d = open_demos("demos_back", pairs, NULL), *e;
    struct strbuf a = {0}, b = {0};

    (void)state;
    assert_int_equal(demos_encode(&a, d, NULL), 0);
    e = open_demos("demos_back", a.s, NULL);
    assert_int_equal(demos_encode(&b, e, NULL), 0);
    assert_string_equal(a.s, b.s);
    assert_true(json_equal(d->turns, e->turns));
    sb_release(&a);
    sb_release(&b);
    demos_free(d);
    demos_free(e);
}

static void
refused(const char *bytes, const char *conf, const char *why)
{
    json_t *options = json_loads(conf, 0, NULL);
    struct demos *d = NULL;
    trv_err err = {0};

    assert_true(demos_open(&d, write_demos("demos_bad", bytes), options, &err) <
                0);
    assert_null(d);
    if (!strstr(err.msg, why))
        fail_msg("'%s' does not say '%s'", err.msg, why);
    json_decref(options);
}

static void
test_demos_refuses_what_is_no_demonstration(void **state)
{
    (void)state;
    refused("{\"prompt\": \"1\"}\n", "{}", "a prompt and a completion");
    refused("{\"messages\": [{\"role\": \"user\", \"content\": \"2\"}]}\n",
            "{}", "end with the assistant's");
    refused("{\"text\": \"1\"}\n", "{}", "a prompt and a completion");
    refused("{\"prompt\": 1, \"completion\": \"1\"}\n", "{}", "prompt");
    refused("nothing\n", "{}", "line 1");
    refused("", "{}", "empty");
    refused(texts, "{\"template\": \"{output}{input}\"}", "{input} and then");
    refused(texts, "{\"template\": \"{input}\"}", "{input} and then");
    refused(texts, "{\"template\": \"{input}{input}{output}\"}", "once");
    refused(texts, "{\"template\": 3}", "no text");
    refused(texts, "{\"form\": \"song\"}", "auto, chat, text");
    refused(texts, "{\"shape\": \"text\"}", "no option 'shape'");
    refused("{\"prompt\": [{\"role\": \"user\", \"content\": \"a\"},"
            "{\"role\": \"assistant\", \"content\": \"b\"},"
            "{\"role\": \"user\", \"content\": \"c\"}],"
            "\"completion\": \"d\"}\n",
            "{\"form\": \"text\"}", "several turns");
}

/* ---- through the door --------------------------------------------------- */

static struct session *
open_tiny(void)
{
    const struct backend_options be = {.prec = PREC_F32};
    struct session *s;
    trv_err err = {0};

    if (session_open(&s, test_source("golden/tiny/one"), &be, &err))
        fail_msg("%s", err.msg);
    s->model->layout = TEXT_RAW;
    return s;
}

/* The text that stands before an answer. */
static void
context_text(struct strbuf *out, struct session *s, struct adaptation *a,
             const char *json)
{
    struct data_row row = make_row(json);
    struct ids ids = {0};
    trv_err err = {0};

    if (view_conditioning(&ids, s->model, a, &row, &err) ||
        tokenizer_decode(s->model->tokenizer, out, ids.v, ids.n, true, &err))
        fail_msg("%s", err.msg);
    ids_release(&ids);
    json_decref(row.json);
}

static void
test_demos_act_through_the_view_and_from_their_artefact(void **state)
{
    struct session *s = open_tiny();
    struct adaptation *a, *b;
    struct artefact head = {0};
    struct outdir to;
    struct strbuf text = {0}, again = {0}, spec = {0};
    char out[600], h1[HASH_HEX], h2[HASH_HEX];
    trv_err err = {0};

    (void)state;
    sb_printf(&spec, "demos:%s,template={input}={output};",
              write_demos("demos_view", texts));
    if (adaptation_open(&a, s->model, NULL, spec.s, false, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(a->kind, KIND_DEMOS);
    context_text(&text, s, a, "{\"prompt\": \"3\"}");
    assert_string_equal(text.s, "1=one;2=two;3=");
    snprintf(out, sizeof(out), "%s/z", test_tmpdir("demos_saved"));
    assert_int_equal(artefact_init(&head, KIND_DEMOS, "tiny", NULL, &err), 0);
    if (outdir_init(&to, out, &err) ||
        output_lock(&to, KIND_DEMOS, false, &err) ||
        adaptation_save_prompt(&head, a, &to, &err))
        fail_msg("%s", err.msg);
    outdir_release(&to);
    artefact_release(&head);
    if (adaptation_open(&b, s->model, NULL, out, false, &err))
        fail_msg("%s", err.msg);
    context_text(&again, s, b, "{\"prompt\": \"3\"}");
    assert_string_equal(again.s, text.s);
    sb_reset(&again);
    context_text(&again, s, b,
                 "{\"prompt\": [{\"role\": \"user\", \"content\": \"3\"}]}");
    assert_string_equal(again.s, "user: 1\nassistant: one\nuser: 2\n"
                                 "assistant: two\nuser: 3\nassistant:");
    assert_int_equal(adaptation_hash_prompt(h1, a, &err), 0);
    assert_int_equal(adaptation_hash_prompt(h2, b, &err), 0);
    assert_string_equal(h1, h2);
    sb_release(&text);
    sb_release(&again);
    sb_release(&spec);
    adaptation_free(a);
    adaptation_free(b);
    session_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demos_stand_before_a_text_as_blocks),
        cmocka_unit_test(
            test_demos_a_template_says_what_stands_around_an_input),
        cmocka_unit_test(test_demos_stand_before_a_chat_as_turns),
        cmocka_unit_test(test_demos_made_of_messages_make_inputs_a_users_turns),
        cmocka_unit_test(test_demos_that_were_written_read_back_the_same),
        cmocka_unit_test(test_demos_refuses_what_is_no_demonstration),
        cmocka_unit_test(
            test_demos_act_through_the_view_and_from_their_artefact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
