/* test_example.c -- facts about prompts, completions and their boundary.
 * The tokenizers and the ids of chats.json are Hugging Face's. */
#include "support/test.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/example.h"

static struct tokenizer *
open_tokenizer(const char *dir)
{
    struct tokenizer *t = NULL;
    trv_err err = {0};

    if (tokenizer_open_hf(&t, NULL, dir, &err))
        fail_msg("%s", err.msg);
    return t;
}

static struct tokenizer *
golden_tokenizer(const char *name)
{
    char path[100];

    snprintf(path, sizeof(path), "golden/example/%s", name);
    return open_tokenizer(test_source(path));
}

static struct chat_template *
parse_template(const char *source)
{
    struct chat_template *t = NULL;
    trv_err err = {0};

    if (chat_template_parse(&t, "t", source, strlen(source), &err))
        fail_msg("%s", err.msg);
    return t;
}

static struct chat_template *
golden_template(const char *name)
{
    struct strbuf source = {0};
    struct chat_template *t;
    char path[100];

    snprintf(path, sizeof(path), "golden/chat/templates/%s.jinja", name);
    assert_int_equal(
        file_read(&source, test_source(path), (size_t)1 << 20, NULL), 0);
    t = parse_template(source.s);
    sb_release(&source);
    return t;
}

static struct data
rows_of(const char *text)
{
    struct data d;
    trv_err err = {0};

    if (data_parse(&d, "x.jsonl", text, strlen(text), &err))
        fail_msg("%s", err.msg);
    return d;
}

static void
assert_text(const struct tokenizer *t, const int32_t *ids, int64_t n,
            const char *want)
{
    struct strbuf b = {0};
    trv_err err = {0};

    assert_int_equal(tokenizer_decode(t, &b, ids, n, false, &err), 0);
    assert_string_equal(b.s ? b.s : "", want);
    sb_release(&b);
}

static void
assert_ids(const struct ids *ids, const json_t *want, int64_t n)
{
    assert_int_equal(json_array_size(want), n);
    for (int64_t i = 0; i < n; i++)
        assert_int_equal(ids->v[i],
                         json_integer_value(json_array_get(want, (size_t)i)));
}

static void
test_example_of_a_chat_has_the_ids_of_the_whole_text(void **state)
{
    json_t *cases = NULL;
    trv_err err = {0};
    size_t n = 0;

    (void)state;
    assert_int_equal(
        json_open(&cases, test_source("golden/example/chats.json"), &err), 0);
    for (; n < json_array_size(cases); n++) {
        json_t *one = json_array_get(cases, n);
        struct tokenizer *t = golden_tokenizer(
            json_string_value(json_object_get(one, "tokenizer")));
        struct chat_template *chat = golden_template(
            json_string_value(json_object_get(one, "template")));
        const struct text_rules rules = {.tokenizer = t, .chat = chat};
        struct data_row row = {.path = "x", .line = 1};
        struct example e = {0};
        const json_t *want = json_object_get(one, "ids");

        assert_int_equal(data_row_set(&row, one, &err), 0);
        assert_int_equal(example_context(&e, &rules, &row, NULL, NULL, &err),
                         0);
        assert_ids(&e.ids, json_object_get(one, "context"), e.ids.n);
        assert_int_equal(e.n_context, e.ids.n);
        assert_int_equal(example_answer(&e, &rules, &row, &err), 0);
        assert_ids(&e.ids, want, e.ids.n);
        example_release(&e);
        chat_template_free(chat);
        tokenizer_free(t);
    }
    assert_int_equal(n, 6);
    json_decref(cases);
}

/* z, prompt and completion joined: their text, one BOS if the tokenizer adds
 * it, one EOS, and a context that no answer changes. */
static void
check_text_row(const char *name, bool bos)
{
    struct tokenizer *t = golden_tokenizer(name);
    const struct text_rules rules = {.tokenizer = t};
    struct data d =
        rows_of("{\"prompt\": \"the cat\", \"completion\": \" sat on\"}\n"
                "{\"prompt\": \"the cat\", \"completion\": \"egory </s>\"}\n"
                "{\"prompt\": \"<s>the cat\", \"completion\": \"\"}\n");
    struct example e = {0}, other = {0};
    trv_err err = {0};

    assert_int_equal(
        example_context(&e, &rules, &d.rows[0], "be a dog. ", NULL, &err), 0);
    assert_int_equal(e.ids.v[0] == tokenizer_bos(t), bos);
    assert_int_equal(example_answer(&e, &rules, &d.rows[0], &err), 0);
    assert_text(t, e.ids.v + bos, e.ids.n - bos,
                "be a dog. the cat sat on</s>");
    assert_int_equal(e.ids.v[e.ids.n - 1], tokenizer_eos(t));

    assert_int_equal(
        example_context(&other, &rules, &d.rows[1], "be a dog. ", NULL, &err),
        0);
    assert_int_equal(example_answer(&other, &rules, &d.rows[1], &err), 0);
    assert_int_equal(other.n_context, e.n_context);
    assert_memory_equal(other.ids.v, e.ids.v,
                        (size_t)e.n_context * sizeof(*e.ids.v));
    assert_text(t, other.ids.v + bos, other.ids.n - bos,
                "be a dog. the category </s>"); // its own EOS, once

    assert_int_equal(example_context(&e, &rules, &d.rows[2], NULL, NULL, &err),
                     0);
    assert_int_equal(e.ids.v[0], tokenizer_bos(t));
    assert_int_not_equal(e.ids.v[1], tokenizer_bos(t));
    assert_int_equal(example_answer(&e, &rules, &d.rows[2], &err), 0);
    assert_int_equal(e.ids.n, e.n_context + 1); // EOS alone
    example_release(&e);
    example_release(&other);
    data_release(&d);
    tokenizer_free(t);
}

static void
test_example_of_text_joins_tokens_and_ends_in_eos(void **state)
{
    (void)state;
    check_text_row("byte", false);
    check_text_row("piece", true);
}

static void
test_example_puts_z_before_the_rows_own_system_message(void **state)
{
    struct tokenizer *t = golden_tokenizer("byte");
    struct chat_template *chat = golden_template("smollm2");
    const struct text_rules rules = {.tokenizer = t, .chat = chat};
    struct data d =
        rows_of("{\"messages\": [{\"role\": \"system\", \"content\": \"own\"},"
                " {\"role\": \"user\", \"content\": \"q\"},"
                " {\"role\": \"assistant\", \"content\": \"a\"}]}\n"
                "{\"prompt\": [{\"role\": \"user\", \"content\": \"q\"}],"
                " \"completion\": \"a\"}\n"
                "{\"prompt\": \"q\"}\n");
    json_t *prefix = json_loads("[{\"role\": \"system\", \"content\": \"P\"},"
                                " {\"role\": \"user\", \"content\": \"1\"},"
                                " {\"role\": \"assistant\","
                                "  \"content\": \"2\"}]",
                                0, NULL);
    struct example e = {0};
    trv_err err = {0};

    (void)state;
    assert_int_equal(example_context(&e, &rules, &d.rows[0], "z", NULL, &err),
                     0);
    assert_text(t, e.ids.v, e.ids.n,
                "<|im_start|>system\nz\n\nown<|im_end|>\n"
                "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n");
    assert_int_equal(example_answer(&e, &rules, &d.rows[0], &err), 0);
    assert_text(t, e.ids.v + e.n_context, e.ids.n - e.n_context,
                "a<|im_end|>\n");

    assert_int_equal(example_context(&e, &rules, &d.rows[1], "z", NULL, &err),
                     0);
    assert_int_equal(example_answer(&e, &rules, &d.rows[1], &err), 0);
    assert_text(t, e.ids.v, e.ids.n,
                "<|im_start|>system\nz<|im_end|>\n<|im_start|>user\nq"
                "<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n");

    assert_int_equal(
        example_context(&e, &rules, &d.rows[0], NULL, prefix, &err), 0);
    assert_text(t, e.ids.v, e.ids.n,
                "<|im_start|>system\nP\n\nown<|im_end|>\n<|im_start|>user\n1"
                "<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n"
                "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n");
    assert_int_equal(example_context(&e, &rules, &d.rows[2], "z", prefix, &err),
                     0);
    assert_text(t, e.ids.v, e.ids.n,
                "<|im_start|>system\nz\n\nP<|im_end|>\n<|im_start|>user\n1"
                "<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n"
                "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n");
    // the row and the prefix are as they were
    assert_int_equal(json_array_size(d.rows[0].messages), 3);
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(d.rows[0].messages, 0), "content")),
                        "own");
    assert_int_equal(json_array_size(prefix), 3);
    example_release(&e);
    json_decref(prefix);
    data_release(&d);
    chat_template_free(chat);
    tokenizer_free(t);
}

static void
test_example_learns_eos_where_the_template_ends_no_turn(void **state)
{
    struct tokenizer *t = golden_tokenizer("byte");
    struct chat_template *chat = parse_template(
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant:{% endif %}");
    const struct text_rules rules = {.tokenizer = t, .chat = chat};
    struct data d =
        rows_of("{\"messages\": [{\"role\": \"user\", \"content\": \"q\"},"
                " {\"role\": \"assistant\", \"content\": \"a\"}]}\n");
    struct example e = {0};
    trv_err err = {0};

    (void)state;
    assert_int_equal(example_context(&e, &rules, &d.rows[0], NULL, NULL, &err),
                     0);
    assert_int_equal(example_answer(&e, &rules, &d.rows[0], &err), 0);
    assert_text(t, e.ids.v + e.n_context, e.ids.n - e.n_context, " a\n</s>");
    example_release(&e);
    data_release(&d);
    chat_template_free(chat);
    tokenizer_free(t);
}

/* Text of a row with its loss tokens in [ ]. */
static void
assert_marked(const struct tokenizer *t, const struct example *e,
              const char *want)
{
    struct strbuf b = {0};
    bool in = false;

    assert_int_equal(e->loss.len, e->ids.n);
    for (int64_t i = 0; i < e->ids.n; i++) {
        if (in != (e->loss.s[i] != 0))
            assert_int_equal(sb_putc(&b, in ? ']' : '['), 0);
        in = e->loss.s[i] != 0;
        if (in && e->n_context > i)
            fail_msg("n_context %d is behind loss token %d", (int)e->n_context,
                     (int)i);
        assert_int_equal(tokenizer_decode(t, &b, &e->ids.v[i], 1, false, NULL),
                         0);
    }
    if (in)
        assert_int_equal(sb_putc(&b, ']'), 0);
    assert_string_equal(b.s ? b.s : "", want);
    sb_release(&b);
}

static void
check_row(const char *source, const char *json, enum example_loss on,
          const char *want)
{
    struct tokenizer *t = golden_tokenizer("byte");
    struct chat_template *chat = parse_template(source);
    struct text_rules rules = {.tokenizer = t, .chat = chat};
    struct data d = rows_of(json);
    struct example e = {0};
    trv_err err = {0};
    int32_t end;

    assert_int_equal(example_turn_end(&end, &rules, &err), 0);
    rules.turn_end = end >= 0 ? &end : NULL;
    if (example_row(&e, &rules, &d.rows[0], on, &err))
        assert_non_null(strstr(err.msg, want));
    else
        assert_marked(t, &e, want);
    example_release(&e);
    data_release(&d);
    chat_template_free(chat);
    tokenizer_free(t);
}

#define ROW_OF_TURNS                                                           \
    "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"},"                \
    " {\"role\": \"assistant\", \"content\": \"a\"},"                          \
    " {\"role\": \"user\", \"content\": \"r\"},"                               \
    " {\"role\": \"assistant\", \"content\": \"b\"}]}\n"

static void
test_example_learns_what_is_asked_of_a_conversation(void **state)
{
    static const char im[] =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
        "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>"
        "assistant\n{% endif %}";
    static const char plain[] =
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant:{% endif %}";
    static const char thinks[] =
        "{% for m in messages %}{{ m.role }}: {{ m.content }}</s>{% endfor %}"
        "{% if add_generation_prompt %}assistant: <think>{% endif %}";
    static const char calls[] = // a call ends otherwise than an answer
        "{% for m in messages %}{% if m.tool_calls %}{{ m.tool_calls[0] }}"
        "<|im_start|>\n{% else %}{{ m.content }}<|im_end|>{% endif %}"
        "{% endfor %}";
    static const char nested[] =
        "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}:"
        "{% else %}{% generation %}{% generation %}{{ m.content }}"
        "{% endgeneration %}{% set x %}{% generation %}!{% endgeneration %}"
        "{% endset %}{{ x }}</s>{% endgeneration %}{% endif %}{% endfor %}";
    static const char empty[] = "{% generation %}{% endgeneration %}";
    const struct {
        const char *source, *row;
        enum example_loss on;
        const char *want;
    } list[] = {
        {nested, ROW_OF_TURNS, LOSS_ASSISTANT, "q:[a!</s>]r:[b!</s>]"},
        {empty, ROW_OF_TURNS, LOSS_ASSISTANT, ""},
        {im, ROW_OF_TURNS, LOSS_LAST,
         "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
         "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\n"
         "[b<|im_end|>\n]"},
        {im, ROW_OF_TURNS, LOSS_ASSISTANT,
         "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"
         "[a<|im_end|>]\n<|im_start|>user\nr<|im_end|>\n"
         "<|im_start|>assistant\n[b<|im_end|>]\n"},
        {im, ROW_OF_TURNS, LOSS_ALL,
         "<|im_start|>[user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
         "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\n"
         "b<|im_end|>\n]"},
        {plain, ROW_OF_TURNS, LOSS_ASSISTANT,
         "user: q\nassistant:[ a\n]user: r\nassistant:[ b\n</s>]"},
        {thinks, ROW_OF_TURNS, LOSS_ASSISTANT, "message 2 is the assistant's"},
        {im, "{\"prompt\": \"p\", \"completion\": \"c\"}", LOSS_ASSISTANT,
         "<|im_start|>user\np<|im_end|>\n<|im_start|>assistant\n"
         "[c<|im_end|>]\n"},
        {im, "{\"prompt\": \"pp\", \"completion\": \"c\"}", LOSS_ALL,
         "<|im_start|>[user\npp<|im_end|>\n<|im_start|>assistant\n"
         "c<|im_end|>\n]"},
        {im, "{\"text\": \"pc\"}", LOSS_ASSISTANT, "p[c</s>]"},
        {im, "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}]}",
         LOSS_ASSISTANT, "no answer"},
        {plain,
         "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"},"
         " {\"role\": \"assistant\", \"content\": \"a<|im_end|>b\"}]}",
         LOSS_LAST, "user: q\nassistant:[ a<|im_end|>b\n</s>]"},
        {calls,
         "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"},"
         " {\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [1]}]}",
         LOSS_LAST, "q<|im_end|>[1<|im_start|>\n]"},
        {calls,
         "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"},"
         " {\"role\": \"assistant\", \"content\": \"\", \"tool_calls\":"
         " [\"<|im_start|>1\"]}]}",
         LOSS_LAST, "q<|im_end|>[<|im_start|>1<|im_start|>\n]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
        check_row(list[i].source, list[i].row, list[i].on, list[i].want);
}

/* A generation prompt that the template does not continue: what is sampled
 * behind it is learned behind it, with the template's end of turn. */
static void
test_example_joins_an_answer_to_a_generation_prompt_of_its_own(void **state)
{
    static const char source[] =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n"
        "{{ m.content.split('</think>')[-1] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n"
        "{% endif %}";
    static const char head[] =
        "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n<think>\n";
    static const char *const said[][2] = {
        {"a", "a"},
        {"why</think>a", "why</think>a"},
        {"<think>\\nwhy</think>a", "why</think>a"},
        {"<think>why</think>a", "why</think>a"},
        {"<thin", "<thin"},
        {"", ""}};

    (void)state;
    for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
        char row[400], want[400];

        snprintf(row, sizeof(row),
                 "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, "
                 "{\"role\": \"assistant\", \"content\": \"%s\"}]}",
                 said[i][0]);
        snprintf(want, sizeof(want), "%s[%s<|im_end|>\n]", head, said[i][1]);
        check_row(source, row, LOSS_LAST, want);
    }
    check_row(source,
              "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, "
              "{\"role\": \"assistant\", \"content\": \"a\", "
              "\"reasoning\": \"why\"}]}",
              LOSS_LAST, "does not continue its generation prompt");
}

/* A generation block in another is a part of it. */
static void
test_example_learns_nested_generation_blocks_once(void **state)
{
    (void)state;
    check_row("{% for m in messages %}{{ m.role }}:{% generation %}a"
              "{% generation %}b{% endgeneration %}{% generation %}c"
              "{% endgeneration %}d{% endgeneration %};{% endfor %}",
              "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, "
              "{\"role\": \"assistant\", \"content\": \"x\"}]}",
              LOSS_ASSISTANT, "user:[abcd];assistant:[abcd];");
}

static void
test_example_masks_what_transformers_masks(void **state)
{
    struct tokenizer *t = golden_tokenizer("byte");
    struct chat_template *chat = golden_template("qwen3_training");
    const int32_t end = tokenizer_id(t, "<|im_end|>");
    const struct text_rules rules = {
        .tokenizer = t, .chat = chat, .turn_end = &end};
    const json_t *one;
    json_t *cases = NULL;
    trv_err err = {0};
    size_t i;

    (void)state;
    assert_int_equal(
        json_open(&cases, test_source("golden/example/masks.json"), &err), 0);
    assert_int_equal(json_array_size(cases), 5);
    json_array_foreach(cases, i, one)
    {
        const json_t *mask = json_object_get(one, "mask");
        struct data_row row = {.path = "x", .line = 1};
        struct example e = {0};

        assert_int_equal(data_row_set(&row, (json_t *)(uintptr_t)one, &err), 0);
        if (example_row(&e, &rules, &row, LOSS_ASSISTANT, &err))
            fail_msg("%s", err.msg);
        assert_ids(&e.ids, json_object_get(one, "ids"), e.ids.n);
        for (int64_t k = 0; k < e.ids.n; k++)
            assert_int_equal(e.loss.s[k], json_integer_value(
                                              json_array_get(mask, (size_t)k)));
        example_release(&e);
    }
    json_decref(cases);
    chat_template_free(chat);
    tokenizer_free(t);
}

/* The byte-level tokenizer with more tokens; `special` says which are. */
static struct tokenizer *
tokenizer_with(const char *const *names, size_t n, bool special)
{
    const char *dir = test_tmpdir("example-turn-end");
    json_t *doc = NULL;
    char path[300];

    assert_int_equal(
        json_open(&doc, test_source("golden/example/byte/tokenizer.json"),
                  NULL),
        0);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            json_object_get(doc, "added_tokens"),
            json_pack("{s:i,s:s,s:b,s:b,s:b,s:b,s:b}", "id", 320 + (int)i,
                      "content", names[i], "single_word", 0, "lstrip", 0,
                      "rstrip", 0, "normalized", 0, "special", special));
    snprintf(path, sizeof(path), "%s/tokenizer.json", dir);
    assert_int_equal(json_dump_file(doc, path, 0), 0);
    snprintf(path, sizeof(path), "%s/tokenizer_config.json", dir);
    json_decref(doc);
    doc = json_pack("{s:s,s:s}", "bos_token", "<s>", "eos_token", "</s>");
    assert_int_equal(json_dump_file(doc, path, 0), 0);
    json_decref(doc);
    return open_tokenizer(dir);
}

static char *
template_source(const char *name)
{
    char path[200];
    struct strbuf b = {0};
    const char *file;

    snprintf(path, sizeof(path), "golden/chat/templates/%s.jinja", name);
    file = test_source(path);
    if (!file_exists(file)) {
        snprintf(path, sizeof(path), "templates/%s.jinja", name);
        file = test_asset(path);
    }
    if (file)
        assert_int_equal(file_read(&b, file, (size_t)1 << 20, NULL), 0);
    return file ? sb_take(&b) : NULL;
}

static const char *const marks[] = {
    "<|end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<end_of_turn>",
    "<|return|>",
    "<|call|>",
    "<|start|>",
    "<|message|>",
    "<|channel|>",
    "<|im_sep|>",
    "\n\n",
    "<start_of_turn>",
    "<|assistant|>",
    "<|user|>",
    "[INST]",
    "[/INST]",
    "<think>",
    "</think>",
    "<|eot|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<|end_of_response|>",
    ("<\xef\xbd\x9c" // apart: an e is a digit to \x
     "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>")};
#define N_MARKS (sizeof(marks) / sizeof(*marks))

static void
check_turn_end(const struct tokenizer *t, const char *name, const char *source,
               const char *want)
{
    struct chat_template *chat = parse_template(source);
    const struct text_rules rules = {.tokenizer = t, .chat = chat};
    const char *got;
    trv_err err = {0};
    int32_t id;

    if (example_turn_end(&id, &rules, &err))
        fail_msg("%s: %s", name, err.msg);
    got = id < 0 ? "none" : tokenizer_token(t, id);
    if (strcmp(got, want) != 0)
        fail_msg("%s ends with %s, not %s", name, got, want);
    chat_template_free(chat);
}

static void
test_example_finds_the_token_that_ends_a_turn_in_every_template(void **state)
{
    static const char deepseek[] =
        "<\xef\xbd\x9c"
        "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>";
    static const struct {
        const char *name, *end;
    } list[] = {
        {"deepseek_r1_distill", deepseek},
        {"gemma", "<end_of_turn>"},
        {"gemma3", "<end_of_turn>"},
        {"llama2", "</s>"},
        {"llama3", "<|eot_id|>"},
        {"llama3_1", "<|eot_id|>"},
        {"llama3_2", "<|eot_id|>"},
        {"mistral_nemo", "</s>"},
        {"mistral_v1", "</s>"},
        {"phi3", "<|end|>"},
        {"qwen2_5", "<|im_end|>"},
        {"qwen3", "<|im_end|>"},
        {"qwen3_training", "<|im_end|>"},
        {"smollm2", "<|im_end|>"},
        {"zephyr", "</s>"},
        {"HuggingFaceTB-SmolLM3-3B", "<|im_end|>"},
        {"LFM2.5-Instruct", "<|im_end|>"},
        {"NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "<|im_end|>"},
        {"Qwen-QwQ-32B", "<|im_end|>"},
        {"Qwen-Qwen2.5-7B-Instruct", "<|im_end|>"},
        {"Qwen-Qwen3-0.6B", "<|im_end|>"},
        {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", deepseek},
        {"deepseek-ai-DeepSeek-V3.2", deepseek},
        {"google-gemma-2-2b-it", "<end_of_turn>"},
        {"ibm-granite-granite-4.0", "<|end_of_text|>"},
        {"meta-llama-Llama-3.2-3B-Instruct", "<|eot_id|>"},
        {"microsoft-Phi-3.5-mini-instruct", "<|end|>"},
        {"mistralai-Mistral-Nemo-Instruct-2407", "</s>"},
        {"openai-gpt-oss-120b", "<|return|>"},
    };

    (void)state;
    for (int special = 0; special < 2; special++) {
        struct tokenizer *t = tokenizer_with(marks, N_MARKS, special);

        for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
            char *source = template_source(list[i].name);

            if (source)
                check_turn_end(t, list[i].name, source, list[i].end);
            mem_free(source);
        }
        tokenizer_free(t);
    }
}

static void
test_example_takes_no_text_for_the_end_of_a_turn(void **state)
{
    static const struct {
        const char *source, *end;
    } list[] = {
        {"{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}",
         "none"},
        {"{{ messages[1].content }}\n\n<|end|>\n<|user|>", "<|end|>"},
        {"{{ messages[1].content }}<|end_of_response|><|eot|>\n", "<|eot|>"},
        {"{{ messages[1].content }}<|end|><s>", "<|end|>"},
        {"<|end|>{{ messages[1].content }} bye", "none"},
        {"{{ messages[1].content }}<|eot|>{{ messages[1].content }}<|end|>",
         "<|end|>"},
        {"{{ raise_exception('system first') }}", "none"},
        {"{{ nothing.more }}", "none"},
        {"", "none"},
    };
    struct tokenizer *t = tokenizer_with(marks, N_MARKS, true);

    (void)state;
    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
        check_turn_end(t, list[i].source, list[i].source, list[i].end);
    tokenizer_free(t);
}

static void
test_example_names_the_row_of_what_cannot_be(void **state)
{
    struct tokenizer *t = golden_tokenizer("byte");
    struct chat_template *odd = parse_template(
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system') "
        "}}{% endif %}{{ messages|length }}"
        "{% if add_generation_prompt %}<think>{% endif %}");
    const struct text_rules bare = {.tokenizer = t},
                            rules = {.tokenizer = t, .chat = odd};
    struct data d = rows_of(
        "{\"text\": \"t\"}\n"
        "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"},"
        " {\"role\": \"assistant\", \"content\": \"a\"}]}\n"
        "{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}\n");
    struct example e = {0};
    trv_err err = {0};

    (void)state;
    assert_int_equal(example_context(&e, &bare, &d.rows[0], NULL, NULL, &err),
                     0);
    assert_int_equal(example_answer(&e, &bare, &d.rows[0], &err), TRV_EINVAL);
    assert_non_null(strstr(err.msg, "'x.jsonl' line 1: the row has no answer"));
    assert_int_equal(example_context(&e, &bare, &d.rows[1], NULL, NULL, &err),
                     TRV_EINVAL);
    assert_non_null(strstr(err.msg, "'x.jsonl' line 2: messages ask for"));
    assert_int_equal(example_context(&e, &rules, &d.rows[1], "z", NULL, &err),
                     TRV_EINVAL);
    assert_non_null(strstr(err.msg, "'x.jsonl' line 2"));
    assert_non_null(strstr(err.msg, "no system"));
    assert_int_equal(example_context(&e, &rules, &d.rows[1], NULL, NULL, &err),
                     0);
    assert_int_equal(example_answer(&e, &rules, &d.rows[1], &err), TRV_EINVAL);
    assert_non_null(strstr(err.msg, "line 2: the chat template does not"));
    assert_int_equal(e.ids.n, e.n_context); // the context stands
    assert_int_equal(example_context(&e, &rules, &d.rows[2], NULL, NULL, &err),
                     TRV_EINVAL);
    example_release(&e);
    data_release(&d);
    chat_template_free(odd);
    tokenizer_free(t);
}

/* Under a template that continues its generation prompt, and one that does
 * not. */
static int
lay_out_all(const struct text_rules *rules, const struct text_rules *thinks,
            const struct data_row *row, trv_err *err)
{
    struct example e = {0};
    int32_t end;
    int rc = example_context(&e, rules, row, "z", NULL, err);

    if (!rc)
        rc = example_answer(&e, rules, row, err);
    if (!rc)
        rc = example_row(&e, rules, row, LOSS_ASSISTANT, err);
    if (!rc)
        rc = example_row(&e, thinks, row, LOSS_LAST, err);
    if (!rc)
        rc = example_turn_end(&end, thinks, err);
    assert_true(rc || (e.joined && end == 2));
    example_release(&e);
    return rc;
}

static void
test_example_survives_every_failed_allocation(void **state)
{
    struct tokenizer *t = golden_tokenizer("piece");
    struct chat_template *chat = golden_template("llama2");
    struct chat_template *thinking =
        parse_template("{% for m in messages %}{{ m.content }}</s>{% endfor %}"
                       "{% if add_generation_prompt %}<think>{% endif %}");
    const struct text_rules rules = {.tokenizer = t, .chat = chat};
    const struct text_rules thinks = {.tokenizer = t, .chat = thinking};
    struct data d =
        rows_of("{\"messages\": [{\"role\": \"user\", \"content\": \"q\"},"
                " {\"role\": \"assistant\", \"content\": \"a\"}]}\n");
    const int64_t live = mem_stats_get().live_bytes;
    int rc = TRV_ENOMEM;

    (void)state;
    for (int64_t n = 0; rc; n++) {
        trv_err err = {0};

        assert_true(n < 5000);
        mem_fail_after(n);
        rc = lay_out_all(&rules, &thinks, &d.rows[0], &err);
        mem_fail_after(-1);
        assert_true(rc == 0 || rc == TRV_ENOMEM);
        assert_int_equal(mem_stats_get().live_bytes, live);
    }
    data_release(&d);
    chat_template_free(chat);
    chat_template_free(thinking);
    tokenizer_free(t);
}

/* Real tokenizers: the text of context and answer is the text of the row, and
 * BOS is there as the tokenizer's configuration says. */
static void
test_example_keeps_the_text_under_real_tokenizers(void **state)
{
    static const struct {
        const char *path;
        bool bos;
    } models[] = {{"models/tinystories-656k", true},
                  {"models/tokenizer-llama2", true},
                  {"models/tokenizer-smollm2", false},
                  {"models/tokenizer-gpt2", false}};

    (void)state;
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        const char *path = test_asset(models[i].path);
        const int bos = models[i].bos;
        struct tokenizer *t = path ? open_tokenizer(path) : NULL;
        const struct text_rules rules = {.tokenizer = t};
        struct data d = rows_of(
            "{\"prompt\": \"Once upon a time\", \"completion\": \", a dog\"}\n"
            "{\"prompt\": \"The cat said\", \"completion\": \" so.\\n\"}\n"
            "{\"prompt\": \"x\\n\\n\", \"completion\": "
            "\"\\nIt was\"}");
        struct example e = {0};
        trv_err err = {0};

        for (int64_t r = 0; t && r < d.n; r++) {
            struct strbuf want = {0};
            int64_t n;

            if (example_context(&e, &rules, &d.rows[r], "Say:\n ", NULL,
                                &err) ||
                example_answer(&e, &rules, &d.rows[r], &err))
                fail_msg("%s: %s", path, err.msg);
            n = e.ids.n;
            if (tokenizer_eos(t) >= 0)
                assert_int_equal(e.ids.v[--n], tokenizer_eos(t));
            assert_int_equal(bos && e.ids.v[0] == tokenizer_bos(t), bos);
            sb_puts(&want, "Say:\n ");
            sb_puts(&want, json_string_value(d.rows[r].prompt));
            sb_puts(&want, json_string_value(d.rows[r].completion));
            assert_text(t, e.ids.v + bos, n - bos, want.s);
            sb_release(&want);
        }
        example_release(&e);
        data_release(&d);
        tokenizer_free(t);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example_of_a_chat_has_the_ids_of_the_whole_text),
        cmocka_unit_test(test_example_of_text_joins_tokens_and_ends_in_eos),
        cmocka_unit_test(
            test_example_puts_z_before_the_rows_own_system_message),
        cmocka_unit_test(
            test_example_learns_eos_where_the_template_ends_no_turn),
        cmocka_unit_test(test_example_learns_what_is_asked_of_a_conversation),
        cmocka_unit_test(
            test_example_joins_an_answer_to_a_generation_prompt_of_its_own),
        cmocka_unit_test(test_example_learns_nested_generation_blocks_once),
        cmocka_unit_test(test_example_masks_what_transformers_masks),
        cmocka_unit_test(
            test_example_finds_the_token_that_ends_a_turn_in_every_template),
        cmocka_unit_test(test_example_takes_no_text_for_the_end_of_a_turn),
        cmocka_unit_test(test_example_names_the_row_of_what_cannot_be),
        cmocka_unit_test(test_example_survives_every_failed_allocation),
        cmocka_unit_test(test_example_keeps_the_text_under_real_tokenizers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
