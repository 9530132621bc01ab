/* test_chat.c -- chat templates against jinja2's own output. */
#include "support/test.h"

#include <jansson.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/chat.h"

#define GOLDEN_LIMIT ((size_t)16 << 20)

static struct chat_template *
parse(const char *source, trv_err *err)
{
    struct chat_template *t = NULL;

    if (chat_template_parse(&t, "t", source, strlen(source), err))
        assert_null(t);
    return t;
}

/* Render one line of chat.jsonl; false where it is not as jinja2 has it. */
static bool
case_holds(const json_t *inputs, const json_t *one)
{
    const json_t *messages = json_array_get(
        json_object_get(inputs, "conversations"),
        (size_t)json_integer_value(json_object_get(one, "messages")));
    const json_t *file = json_object_get(one, "template");
    const json_t *want = json_object_get(one, "output");
    const json_t *message = json_object_get(one, "message");
    struct chat_options opts = {
        .add_generation_prompt =
            json_is_true(json_object_get(one, "add_generation_prompt")),
        .bos_token = json_string_value(json_object_get(one, "bos_token")),
        .eos_token = json_string_value(json_object_get(one, "eos_token")),
        .extra =
            json_object_get(json_object_get(inputs, "extras"),
                            json_string_value(json_object_get(one, "extra"))),
    };
    struct strbuf source = {0}, out = {0};
    struct chat_template *t = NULL;
    trv_err err = {0};
    bool holds = false;
    int rc;

    if (file) {
        char name[200];

        snprintf(name, sizeof(name), "golden/chat/templates/%s",
                 json_string_value(file));
        assert_int_equal(
            file_read(&source, test_source(name), GOLDEN_LIMIT, &err), 0);
    } else {
        const json_t *s = json_object_get(one, "source");

        assert_int_equal(
            sb_add(&source, json_string_value(s), json_string_length(s)), 0);
    }
    rc = chat_template_parse(&t, file ? json_string_value(file) : "source",
                             source.s, source.len, &err);
    if (!rc)
        rc = chat_render(t, &out, messages, &opts, &err);
    if (want)
        holds = rc == 0 && out.len == json_string_length(want) &&
                memcmp(out.s, json_string_value(want), out.len) == 0;
    else
        holds = rc != 0 && err.msg[0] != '\0' &&
                (!message || (rc == TRV_EINVAL &&
                              strstr(err.msg, json_string_value(message))));
    if (!holds) {
        char *text = json_dumps(one, JSON_ENCODE_ANY);

        print_error("case %.1500s\n  gave %d '%.900s' %s\n", text, rc,
                    out.s ? out.s : "", rc ? err.msg : "");
        free(text);
    }
    chat_template_free(t);
    sb_release(&source);
    sb_release(&out);
    return holds;
}

static void
test_chat_renders_every_golden_case_as_jinja2_does(void **state)
{
    json_t *inputs = NULL;
    struct strbuf text = {0};
    trv_err err = {0};
    int n = 0, n_wrong = 0;

    (void)state;
    assert_int_equal(file_read(&text, test_source("golden/chat/chat.jsonl"),
                               GOLDEN_LIMIT, &err),
                     0);
    assert_int_equal(
        json_open(&inputs, test_source("golden/chat/chat_inputs.json"), &err),
        0);
    for (char *line = text.s, *end; line < text.s + text.len; line = end + 1) {
        json_t *one;

        end = strchr(line, '\n');
        assert_non_null(end);
        one = json_loadb(line, (size_t)(end - line), JSON_ALLOW_NUL, NULL);
        assert_non_null(one);
        n_wrong += !case_holds(inputs, one);
        n++;
        json_decref(one);
    }
    json_decref(inputs);
    sb_release(&text);
    print_message("%d cases, %d wrong\n", n, n_wrong);
    assert_true(n > 500);
    assert_int_equal(n_wrong, 0);
    assert_int_equal(mem_stats_get().live_bytes, 0);
}

static void
test_chat_treats_none_false_and_undefined_as_jinja2_does(void **state)
{
    const json_t *cases, *one;
    json_t *doc = NULL, *messages = json_array();
    trv_err err = {0};
    int n_wrong = 0;
    size_t i;

    (void)state;
    assert_int_equal(
        json_open(&doc, test_source("golden/chat/random.json"), &err), 0);
    cases = json_object_get(doc, "cases");
    assert_true(json_array_size(cases) >= 400);
    json_array_foreach(cases, i, one)
    {
        const struct chat_options opts = {.extra =
                                              json_object_get(doc, "data")};
        const char *source = json_string_value(json_array_get(one, 0));
        const char *want = json_string_value(json_array_get(one, 1));
        struct chat_template *t = parse(source, &err);
        struct strbuf out = {0};
        const int rc = t ? chat_render(t, &out, messages, &opts, &err) : -1;
        const char *got = out.s ? out.s : "";

        if (want ? rc || strcmp(got, want) != 0 : !rc) {
            print_error("%s\n  gave %d '%.300s' %s\n  not '%.300s'\n", source,
                        rc, got, rc ? err.msg : "", want ? want : "(error)");
            n_wrong++;
        }
        chat_template_free(t);
        sb_release(&out);
    }
    json_decref(messages);
    json_decref(doc);
    assert_int_equal(n_wrong, 0);
}

/* The text of a published template; its dates are made their formats. */
static char *
published(const char *name)
{
    static const char call[] = "strftime_now(";
    struct strbuf text = {0}, out = {0};
    char path[200];
    const char *at, *s, *file;

    snprintf(path, sizeof(path), "templates/%s", name);
    file = test_asset(path);
    if (!file)
        return NULL;
    assert_int_equal(file_read(&text, file, GOLDEN_LIMIT, NULL), 0);
    for (s = text.s; (at = strstr(s, call)); s = at + strlen(call))
        assert_false(sb_add(&out, s, (size_t)(at - s)) || sb_putc(&out, '('));
    assert_int_equal(sb_puts(&out, s), 0);
    sb_release(&text);
    return sb_take(&out);
}

/* Eight digits of the hash of a conversation under all extras. */
static void
hash_conversation(char *hex, const struct chat_template *t,
                  const json_t *messages, const json_t *extras)
{
    const json_t *extra;
    struct hash *h;
    char all[HASH_HEX];
    size_t i;

    assert_int_equal(hash_open(&h, NULL), 0);
    json_array_foreach(extras, i, extra)
    {
        for (int generate = 0; generate < 2; generate++) {
            const struct chat_options opts = {.add_generation_prompt = generate,
                                              .bos_token = "<|begin|>",
                                              .eos_token = "<|end|>",
                                              .extra = extra};
            struct strbuf out = {0};
            const int rc = chat_render(t, &out, messages, &opts, NULL);

            hash_add(h, rc ? "!" : "=", 1);
            hash_add(h, out.s ? out.s : "", rc ? 0 : out.len);
            sb_release(&out);
        }
    }
    hash_close(h, all);
    memcpy(hex, all, 8);
    hex[8] = '\0';
}

static void
test_chat_lays_out_published_templates_as_transformers_does(void **state)
{
    const json_t *conversations, *extras, *one;
    json_t *doc = NULL, *want;
    trv_err err = {0};
    const char *name;
    int n_wrong = 0;
    size_t i;

    (void)state;
    assert_int_equal(
        json_open(&doc, test_source("golden/chat/published.json"), &err), 0);
    conversations = json_object_get(doc, "conversations");
    extras = json_object_get(doc, "extras");
    json_object_foreach(json_object_get(doc, "templates"), name, want)
    {
        char *source = published(name);
        struct chat_template *t = source ? parse(source, &err) : NULL;

        if (source && !t)
            fail_msg("%s: %s", name, err.msg);
        for (i = 0; t && i < json_array_size(conversations); i++) {
            char hex[9];

            one = json_array_get(conversations, i);
            hash_conversation(hex, t, one, extras);
            if (strncmp(hex, json_string_value(want) + 9 * i, 8) != 0) {
                print_error("%s differs on conversation %zu\n", name, i);
                n_wrong++;
            }
        }
        chat_template_free(t);
        mem_free(source);
    }
    json_decref(doc);
    assert_int_equal(n_wrong, 0);
}

static void
test_chat_takes_the_template_of_tools_where_there_are_tools(void **state)
{
    static const char *const extras[] = {"{}", "{\"tools\": null}",
                                         "{\"tools\": []}", "{\"tools\": [1]}"};
    trv_err err = {0};
    struct chat_template *t = parse("plain", &err);
    json_t *messages = json_array();

    (void)state;
    chat_template_set_tools(t, parse("with tools", &err));
    for (size_t i = 0; i < sizeof(extras) / sizeof(*extras); i++) {
        json_t *extra = json_loads(extras[i], 0, NULL);
        const struct chat_options opts = {.extra = extra};
        struct strbuf out = {0};

        assert_int_equal(chat_render(t, &out, messages, &opts, &err), 0);
        assert_string_equal(out.s, i < 2 ? "plain" : "with tools");
        sb_release(&out);
        json_decref(extra);
    }
    json_decref(messages);
    chat_template_free(t);
}

static void
test_chat_minds_an_unknown_filter_where_it_runs(void **state)
{
    static const char source[] = "{% if messages %}\n{{ 1|nope }}"
                                 "{% elif 0 is nope %}{% endif %}fine";
    trv_err err = {0};
    struct chat_template *t = parse("{% if x %}{{ 1|nope }}{{ 1 is nope }}"
                                    "{% endif %}fine",
                                    &err);
    json_t *messages = json_pack("[{s:s,s:s}]", "role", "user", "content", "");
    struct strbuf out = {0};

    (void)state;
    assert_non_null(t);
    assert_int_equal(chat_render(t, &out, messages, NULL, &err), 0);
    assert_string_equal(out.s, "fine");
    chat_template_free(t);
    sb_release(&out);
    t = parse(source, &err);
    assert_int_equal(chat_render(t, &out, messages, NULL, &err),
                     TRV_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "'t' line 2: no filter is named 'nope'"));
    chat_template_free(t);
    json_decref(messages);
}

static void
test_chat_keeps_the_failure_of_a_template_that_cannot_be_read(void **state)
{
    const trv_err why = {TRV_EFORMAT, "'t' line 3: something", NULL};
    json_t *messages = json_array();
    struct chat_template *t = NULL;
    struct strbuf out = {0};
    trv_err err = {0};

    (void)state;
    assert_int_equal(chat_template_refuse(&t, &why, &err), 0);
    assert_string_equal(chat_template_fault(t)->msg, why.msg);
    assert_int_equal(chat_render(t, &out, messages, NULL, &err), TRV_EFORMAT);
    assert_string_equal(err.msg, why.msg);
    chat_template_free(t);
    t = parse("x", &err);
    assert_null(chat_template_fault(t));
    chat_template_free(t);
    json_decref(messages);
}

static void
test_chat_shows_messages_as_transformers_does(void **state)
{
    json_t *messages = json_loads(
        "[{\"content\": null, \"role\": \"a\", \"reasoning\": \"r\"},"
        " {\"role\": \"b\", \"thinking\": \"t\"}, {\"role\": \"c\"}]",
        0, NULL);
    trv_err err = {0};
    struct chat_template *t =
        parse("{% for m in messages %}{{ m|tojson }}\n{% endfor %}", &err);
    struct strbuf out = {0};

    (void)state;
    assert_int_equal(chat_render(t, &out, messages, NULL, &err), 0);
    assert_string_equal(
        out.s, "{\"thinking\": \"r\", \"role\": \"a\", \"reasoning\": \"r\", "
               "\"reasoning_content\": \"r\"}\n"
               "{\"thinking\": \"t\", \"role\": \"b\", "
               "\"reasoning_content\": \"t\"}\n{\"role\": \"c\"}\n");
    sb_release(&out);
    chat_template_free(t);
    json_decref(messages);
}

static void
expect_failure(const char *source, int code, const char *say)
{
    json_t *messages = json_array();
    struct strbuf out = {0};
    trv_err err = {0};
    struct chat_template *t = parse(source, &err);
    int rc = t ? chat_render(t, &out, messages, NULL, &err) : err.code;

    if (rc != code || !strstr(err.msg, say))
        fail_msg("'%.60s' gave %d '%s'", source, rc, err.msg);
    assert_int_equal(out.len, 0);
    chat_template_free(t);
    sb_release(&out);
    json_decref(messages);
}

static void
test_chat_says_what_is_wrong_and_on_which_line(void **state)
{
    (void)state;
    expect_failure("a\n{{ x.y }}", TRV_EFORMAT, "'t' line 2: 'x' is undefined");
    expect_failure("\n\n{% if %}", TRV_EFORMAT, "line 3: an expression");
    expect_failure("{% include 'x' %}", TRV_EUNSUPPORTED, "include");
    expect_failure("{{ 1|pprint }}", TRV_EUNSUPPORTED, "'pprint'");
    expect_failure("{{ 1 is odder }}", TRV_EUNSUPPORTED, "'odder'");
    expect_failure("{{ raise_exception('no ' ~ 'system') }}", TRV_EINVAL,
                   "no system");
    expect_failure("\xff", TRV_EFORMAT, "UTF-8");
    expect_failure("{% if 1 %}\n", TRV_EFORMAT, "before {% endif %}");
}

static void
test_chat_ends_a_hostile_template_with_erange(void **state)
{
    static char deep[4000];

    (void)state;
    expect_failure("{% set ns = namespace(s='xxxxxxxxxx') %}"
                   "{% for i in range(100) %}"
                   "{% set ns.s = ns.s + ns.s %}{% endfor %}",
                   TRV_ERANGE, "memory");
    expect_failure("{% for a in range(100000) %}{% for b in range(100000) %}"
                   "{% endfor %}{% endfor %}",
                   TRV_ERANGE, "more than");
    expect_failure("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
                   TRV_ERANGE, "levels");
    expect_failure("{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
                   TRV_ERANGE, "levels");
    expect_failure("{{ 'x' * 999999999999 }}", TRV_ERANGE, "memory");
    expect_failure("{% set x = 'x' * 30000000 %}"
                   "{{ x }}{{ x }}{{ x }}{{ x }}{{ x }}",
                   TRV_ERANGE, "text");
    memset(deep, '(', 3000);
    memcpy(deep, "{{", 2);
    expect_failure(deep, TRV_EFORMAT, "deep");
    memset(deep, '-', 3000);
    memcpy(deep, "{{ ", 3);
    memcpy(deep + 2990, "1}}", 4);
    expect_failure(deep, TRV_EFORMAT, "deep");
}

static void
test_chat_survives_every_failed_allocation(void **state)
{
    static const char source[] =
        "{% macro f(a) %}{{ a|upper }}{% endmacro %}"
        "{% for m in messages if m.role != 'x' %}{{ f(m.content) }}"
        "{% set y = [1, {'a': m}] %}{{ y|tojson(indent=2) }}{% endfor %}";
    json_t *messages =
        json_loads("[{\"role\": \"user\", \"content\": \"hi\"}]", 0, NULL);
    int rc = TRV_ENOMEM;

    (void)state;
    for (int64_t n = 0; rc; n++) {
        struct chat_template *t = NULL;
        struct strbuf out = {0};
        trv_err err = {0};

        assert_true(n < 500);
        mem_fail_after(n);
        rc = chat_template_parse(&t, "t", source, strlen(source), &err);
        if (!rc)
            rc = chat_render(t, &out, messages, NULL, &err);
        mem_fail_after(-1);
        assert_true(rc == 0 || rc == TRV_ENOMEM);
        chat_template_free(t);
        sb_release(&out);
        assert_int_equal(mem_stats_get().live_bytes, 0);
    }
    json_decref(messages);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chat_renders_every_golden_case_as_jinja2_does),
        cmocka_unit_test(
            test_chat_treats_none_false_and_undefined_as_jinja2_does),
        cmocka_unit_test(
            test_chat_lays_out_published_templates_as_transformers_does),
        cmocka_unit_test(
            test_chat_takes_the_template_of_tools_where_there_are_tools),
        cmocka_unit_test(test_chat_minds_an_unknown_filter_where_it_runs),
        cmocka_unit_test(
            test_chat_keeps_the_failure_of_a_template_that_cannot_be_read),
        cmocka_unit_test(test_chat_shows_messages_as_transformers_does),
        cmocka_unit_test(test_chat_says_what_is_wrong_and_on_which_line),
        cmocka_unit_test(test_chat_ends_a_hostile_template_with_erange),
        cmocka_unit_test(test_chat_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
