/* data.c -- rows of data: splitting files into rows, and columns of several
 * conventions into TRL's. */
#include "text/data.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "text/data_columns.h"
#include "text/data_table.h"
#include "text/data_turns.h"
#include "text/number.h"
#include "text/utf8.h"

int
data_row_fail(const struct data_row *row, trv_err *err, int code,
              const char *fmt, ...)
{
    char text[700];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (row->path)
        return err_fail(err, code, "'%s' line %lld: %s", row->path,
                        (long long)row->line, text);
    return err_fail(err, code, "%s", text);
}

static int
no_memory(const struct data_row *row, trv_err *err)
{
    return data_row_fail(row, err, TRV_ENOMEM, "no memory for the row");
}

/* ---- columns ------------------------------------------------------------ */

static const char *
type_name(const json_t *v)
{
    static const char *const names[] = {"an object",  "an array", "a string",
                                        "an integer", "a number", "true",
                                        "false",      "null"};
    _Static_assert(sizeof(names) / sizeof(names[0]) == JSON_NULL + 1,
                   "a name for each type");

    return names[json_typeof(v)];
}

/* A column that is there and not null. */
static json_t *
column(const json_t *json, const char *key)
{
    json_t *v = json_object_get(json, key);

    return json_is_null(v) ? NULL : v;
}

static int
wrong_type(const struct data_row *row, const char *key, const json_t *v,
           const char *want, trv_err *err)
{
    return data_row_fail(row, err, TRV_EFORMAT, "column '%s' is %s, not %s",
                         key, type_name(v), want);
}

/* Join the parts of a message's content into one string. */
static int
join_parts(const struct data_row *row, const char *key, json_t *message,
           const json_t *parts, trv_err *err)
{
    struct strbuf b = {0};
    json_t *joined;
    int rc = 0;

    for (size_t i = 0; i < json_array_size(parts) && !rc; i++) {
        const json_t *part = json_array_get(parts, i);
        const json_t *type = json_object_get(part, "type");
        const json_t *text = json_object_get(part, "text");

        if ((type && (!json_is_string(type) ||
                      strcmp(json_string_value(type), "text") != 0)) ||
            !json_is_string(text))
            rc = data_row_fail(row, err, TRV_EFORMAT,
                               "a message in column '%s' has a part that is no "
                               "{\"type\": \"text\", \"text\": ...}",
                               key);
        else if (sb_add(&b, json_string_value(text), json_string_length(text)))
            rc = no_memory(row, err);
    }
    if (!rc) {
        joined = json_stringn(b.s ? b.s : "", b.len);
        if (!joined || json_object_set_new(message, "content", joined))
            rc = no_memory(row, err);
    }
    sb_release(&b);
    return rc;
}

/* Check a message; ShareGPT's {"from", "value"} is rewritten. */
static int
check_message(const struct data_row *row, const char *key, json_t *message,
              trv_err *err)
{
    static const char *const roles[] = {
        "human",       "user", "gpt",       "assistant", "chatgpt",
        "assistant",   "bot",  "assistant", "model",     "assistant",
        "observation", "tool", NULL};
    json_t *role, *content;

    if (!json_is_object(message))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "a message in column '%s' is %s, not an object",
                             key, message ? type_name(message) : "missing");
    role = column(message, "role");
    if (!role && json_is_string(column(message, "from"))) {
        const char *name = json_string_value(column(message, "from"));

        for (int i = 0; roles[i]; i += 2)
            if (strcmp(name, roles[i]) == 0) {
                name = roles[i + 1];
                break;
            }
        if (json_object_set_new(message, "role", json_string(name)))
            return no_memory(row, err);
        role = column(message, "role");
    }
    content = column(message, "content");
    if (!content && column(message, "value")) {
        content = column(message, "value");
        if (json_object_set(message, "content", content))
            return no_memory(row, err);
    }
    if (!json_is_string(role))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "a message in column '%s' has %s 'role'", key,
                             role ? "a wrong-typed" : "no");
    if (json_is_array(content))
        return join_parts(row, key, message, content, err);
    if (!content && json_is_array(column(message, "tool_calls")))
        return 0; // a call needs no words
    if (!json_is_string(content))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "a message in column '%s' has %s 'content'", key,
                             content ? "a wrong-typed" : "no");
    return 0;
}

static int
check_messages(const struct data_row *row, const char *key, json_t *messages,
               trv_err *err)
{
    if (!json_is_array(messages))
        return wrong_type(row, key, messages, "an array of messages", err);
    if (json_array_size(messages) == 0)
        return data_row_fail(row, err, TRV_EFORMAT,
                             "column '%s' holds no message", key);
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const int rc =
            check_message(row, key, json_array_get(messages, i), err);

        if (rc)
            return rc;
    }
    return 0;
}

/* A column that is a string, messages, or one message. */
static int
turn_column(const json_t **out, struct data_row *row, const char *key,
            trv_err *err)
{
    json_t *v = column(row->json, key);
    int rc = 0;

    *out = NULL;
    if (!v)
        return 0;
    if (json_is_object(v) && (column(v, "role") || column(v, "from"))) {
        if (json_object_set_new(row->json, key, json_pack("[O]", v)))
            return no_memory(row, err);
        v = column(row->json, key);
    }
    if (json_is_array(v))
        rc = check_messages(row, key, v, err);
    else if (!json_is_string(v))
        rc = wrong_type(row, key, v, "a string or an array of messages", err);
    *out = v;
    return rc;
}

/* Put the column `from` under TRL's name `to` where that is free. */
static int
rename_column(struct data_row *row, const char *from, const char *to,
              trv_err *err)
{
    json_t *v = column(row->json, from);

    if (!v || column(row->json, to))
        return 0;
    return json_object_set(row->json, to, v) ? no_memory(row, err) : 0;
}

/* instruction and input, or input alone where there is an output: the prompt. */
static int
from_alpaca(struct data_row *row, trv_err *err)
{
    static const char *const inputs[] = {"input", "query", "context"};
    const json_t *instruction = column(row->json, "instruction");
    const json_t *input = NULL;
    const char *key = "input";
    struct strbuf b = {0};
    json_t *prompt;
    int rc = 0;

    if (column(row->json, "prompt"))
        return 0;
    if (!instruction) // input and output alone: a question and its answer
        return column(row->json, "output")
                   ? rename_column(row, "input", "prompt", err)
                   : 0;
    if (!json_is_string(instruction))
        return wrong_type(row, "instruction", instruction, "a string", err);
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]) && !input; i++) {
        key = inputs[i];
        input = column(row->json, key);
    }
    if (input && !json_is_string(input))
        return wrong_type(row, key, input, "a string", err);
    if (sb_puts(&b, json_string_value(instruction)) ||
        (input && json_string_length(input) &&
         (sb_puts(&b, "\n\n") || sb_puts(&b, json_string_value(input))))) {
        rc = no_memory(row, err);
    } else {
        prompt = json_stringn(b.s, b.len);
        if (!prompt || json_object_set_new(row->json, "prompt", prompt))
            rc = no_memory(row, err);
    }
    sb_release(&b);
    return rc;
}

/* question and answer; problem, solution and answer, as sets of mathematics
 * have them. */
static int
from_question(struct data_row *row, trv_err *err)
{
    int rc = rename_column(row, "question", "prompt", err);

    if (!rc && column(row->json, "question"))
        return rename_column(row, "answer", "completion", err);
    if (rc || !column(row->json, "problem") || column(row->json, "prompt"))
        return rc;
    rc = rename_column(row, "problem", "prompt", err);
    if (!rc)
        rc = rename_column(row, "solution", "completion", err);
    return rc ? rc : rename_column(row, "answer", "completion", err);
}

/* The answer of a prompt by its other names. */
static int
take_answer(struct data_row *row, trv_err *err)
{
    int rc;

    if (!column(row->json, "prompt") || column(row->json, "chosen"))
        return 0;
    rc = rename_column(row, "output", "completion", err);
    return rc ? rc : rename_column(row, "response", "completion", err);
}

/* Cut what a pair of texts begins with off both and make it the prompt: up to
 * the first difference, less a space before it (as TRL cuts). */
static int
shared_text(struct data_row *row, trv_err *err)
{
    const char *a = json_string_value(row->chosen);
    const char *b = json_string_value(row->rejected);
    size_t n = 0;
    json_t *prompt, *chosen, *rejected;

    while (a[n] && a[n] == b[n])
        n++;
    while (n && ((unsigned char)a[n] & 0xc0) == 0x80)
        n--; // not inside a character
    if (n && a[n - 1] == ' ')
        n--;
    if (n == 0)
        return 0;
    prompt = json_stringn(a, n);
    chosen = json_string(a + n);
    rejected = json_string(b + n);
    if (!prompt || !chosen || !rejected ||
        json_object_set(row->json, "prompt", prompt) ||
        json_object_set(row->json, "chosen", chosen) ||
        json_object_set(row->json, "rejected", rejected)) {
        json_decref(prompt);
        json_decref(chosen);
        json_decref(rejected);
        return no_memory(row, err);
    }
    row->of_texts = true;
    row->prompt = prompt; // the row's object holds them now
    row->chosen = chosen;
    row->rejected = rejected;
    json_decref(prompt);
    json_decref(chosen);
    json_decref(rejected);
    return 0;
}

/* The same for a pair of conversations, by whole messages. */
static int
shared_turns(struct data_row *row, trv_err *err)
{
    json_t *chosen = column(row->json, "chosen");
    json_t *rejected = column(row->json, "rejected");
    size_t most = json_array_size(chosen), n = 0;
    json_t *prompt;
    int rc = 0;

    if (json_array_size(rejected) < most)
        most = json_array_size(rejected);
    while (n + 1 < most &&
           json_equal(json_array_get(chosen, n), json_array_get(rejected, n)))
        n++;
    if (n == 0)
        return 0;
    prompt = json_array();
    for (size_t i = 0; prompt && i < n && !rc; i++) {
        rc = json_array_append(prompt, json_array_get(chosen, 0)) ||
             json_array_remove(chosen, 0) || json_array_remove(rejected, 0);
    }
    if (!prompt || rc || json_object_set(row->json, "prompt", prompt)) {
        json_decref(prompt);
        return no_memory(row, err);
    }
    row->prompt = prompt;
    json_decref(prompt);
    return 0;
}

const char *
data_column_hint(char out[NEAREST_HINT], const json_t *row, const char *name)
{
    char names[512] = "";
    const char *key;
    json_t *v;
    size_t at = 0;

    json_object_foreach((json_t *)(uintptr_t)row, key, v)
    {
        if (at + 1 < sizeof(names))
            at += (size_t)snprintf(names + at, sizeof(names) - at, "%s,", key);
    }
    return nearest_hint(out, name, strlen(name), names);
}

/* A column that goes with another one, which is not there. */
static int
without(const struct data_row *row, const char *there, const char *absent,
        trv_err *err)
{
    char hint[NEAREST_HINT];

    return data_row_fail(row, err, TRV_EFORMAT, "column '%s' without '%s'%s",
                         there, absent,
                         data_column_hint(hint, row->json, absent));
}

static int
check_pair(struct data_row *row, trv_err *err)
{
    if (!row->chosen != !row->rejected)
        return without(row, row->chosen ? "chosen" : "rejected",
                       row->chosen ? "rejected" : "chosen", err);
    if (!row->chosen)
        return 0;
    if (json_is_string(row->chosen) != json_is_string(row->rejected))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "columns 'chosen' and 'rejected' differ in type");
    if (row->prompt)
        return 0;
    return json_is_string(row->chosen) ? shared_text(row, err)
                                       : shared_turns(row, err);
}

static int
read_label(struct data_row *row, trv_err *err)
{
    const json_t *v = column(row->json, "label");

    row->label = -1;
    if (json_is_boolean(v))
        row->label = json_is_true(v);
    else if (json_is_integer(v) &&
             (json_integer_value(v) == 0 || json_integer_value(v) == 1))
        row->label = (int)json_integer_value(v);
    else if (v && row->completion) // elsewhere a label may be anything
        return wrong_type(row, "label", v, "true, false, 0 or 1", err);
    return 0;
}

/* Nothing of a row is known: say what it has. */
static int
no_column(const struct data_row *row, const json_t *json, trv_err *err)
{
    json_t *columns = (json_t *)(uintptr_t)json; // it is only read
    char has[160] = "";
    size_t at = 0;

    for (void *it = json_object_iter(columns); it && at < sizeof(has);
         it = json_object_iter_next(columns, it))
        at += (size_t)snprintf(has + at, sizeof(has) - at, "%s%.40s",
                               at ? ", " : "", json_object_iter_key(it));
    return data_row_fail(row, err, TRV_EFORMAT,
                         "no known column (text, messages, prompt, "
                         "completion, chosen, rejected, instruction, "
                         "question, problem, conversations); it has %s",
                         at ? has : "none");
}

int
data_row_set(struct data_row *row, json_t *json, trv_err *err)
{
    json_t *v;
    int rc;

    row->json = json;
    row->text = NULL;
    row->of_texts = false;
    row->messages = row->tools = row->variables = NULL;
    if (!json_is_object(json))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "the row is %s, not an object",
                             json ? type_name(json) : "nothing");
    v = column(json, "text");
    if (v && !json_is_string(v))
        return wrong_type(row, "text", v, "a string", err);
    row->text = v ? json_string_value(v) : NULL;
    rc = from_alpaca(row, err);
    if (!rc)
        rc = from_question(row, err);
    if (!rc && !column(json, "messages"))
        rc = rename_column(row, "conversations",
                           column(json, "chosen") ? "prompt" : "messages", err);
    if (!rc)
        rc = take_answer(row, err);
    if (!rc)
        rc = data_turns_join(row, err);
    if (rc)
        return rc;

    v = column(json, "messages");
    if (v)
        rc = check_messages(row, "messages", v, err);
    row->messages = v;
    if (!rc)
        rc = turn_column(&row->prompt, row, "prompt", err);
    if (!rc)
        rc = turn_column(&row->completion, row, "completion", err);
    if (!rc)
        rc = turn_column(&row->chosen, row, "chosen", err);
    if (!rc)
        rc = turn_column(&row->rejected, row, "rejected", err);
    if (!rc)
        rc = check_pair(row, err);
    if (!rc)
        rc = read_label(row, err);
    if (rc)
        return rc;
    row->tools = column(json, "tools");
    row->variables = column(json, "chat_template_kwargs");
    if (row->completion && !row->prompt)
        return without(row, "completion", "prompt", err);
    if (json_is_string(row->prompt) &&
        (json_is_array(row->completion) || json_is_array(row->chosen)))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "column 'prompt' is a string and its answer "
                             "messages");
    if (!row->text && !row->messages && !row->prompt && !row->chosen)
        return no_column(row, json, err);
    return 0;
}

/* ---- files -------------------------------------------------------------- */

/* Add a row; takes the reference to `json`, whatever happens. */
static int
add_row(struct data *d, json_t *json, int64_t line, trv_err *err)
{
    struct data_row row = {.path = d->path, .line = line};
    const char *why = NULL;
    int rc = 0;

    if (d->how && d->how->shape && json_is_object(json))
        rc = d->how->shape(json, &why, &row, err);
    if (rc > 0) {
        if (d->left_out++ == 0) {
            d->left_out_line = line;
            d->left_out_why = why;
        }
        json_decref(json);
        return 0;
    }
    if (!rc && json_is_object(json))
        rc = data_columns_note(&d->unread, &row, json, err);
    if (!rc)
        rc = data_row_set(&row, json, err);
    if (!rc && d->n == d->cap) {
        const int64_t cap = d->cap ? 2 * d->cap : 64;
        struct data_row *more =
            mem_reallocarray(d->rows, (size_t)cap, sizeof(*more));

        if (more) {
            d->rows = more;
            d->cap = cap;
        } else {
            rc = no_memory(&row, err);
        }
    }
    if (rc)
        json_decref(json);
    else
        d->rows[d->n++] = row;
    return rc;
}

/* Text of one row: below the limit, and well-formed. */
static int
check_bytes(const struct data *d, const char *s, size_t n, int64_t line,
            trv_err *err)
{
    const struct data_row row = {.path = d->path, .line = line};

    if (n > DATA_MAX_LINE)
        return data_row_fail(&row, err, TRV_EFORMAT,
                             "the row is longer than %zu MiB",
                             DATA_MAX_LINE >> 20);
    if (!utf8_is_valid(s, n))
        return data_row_fail(&row, err, TRV_EFORMAT, "bytes that are no UTF-8");
    return 0;
}

static int
add_json(struct data *d, const char *s, size_t n, int64_t line, trv_err *err)
{
    struct data_row row = {.path = d->path, .line = line};
    struct strbuf kept = {0};
    json_error_t je;
    json_t *json;
    bool found;
    int rc = check_bytes(d, s, n, line, err);

    if (rc)
        return rc;
    if (number_keep(&kept, &found, s, n)) {
        sb_release(&kept);
        return no_memory(&row, err);
    }
    json = json_loadb(found ? kept.s : s, found ? kept.len : n,
                      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
    sb_release(&kept);
    if (json)
        return add_row(d, json, line, err);
    if (json_error_code(&je) == json_error_out_of_memory)
        return no_memory(&row, err);
    row.line += je.line > 0 ? je.line - 1 : 0;
    return data_row_fail(&row, err, TRV_EFORMAT, "no JSON: %s", je.text);
}

static bool
is_blank(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r')
            return false;
    return true;
}

static int
add_text(struct data *d, const char *s, size_t n, int64_t line, trv_err *err)
{
    const struct data_row row = {.path = d->path, .line = line};
    json_t *text, *json;
    int rc = check_bytes(d, s, n, line, err);

    if (rc)
        return rc;
    if (memchr(s, '\0', n))
        return data_row_fail(&row, err, TRV_EFORMAT, "a NUL byte");
    text = json_stringn(s, n);
    json = json_object();
    if (!text || !json || json_object_set(json, "text", text)) {
        json_decref(text);
        json_decref(json);
        return no_memory(&row, err);
    }
    json_decref(text);
    return add_row(d, json, line, err);
}

static int
read_lines(struct data *d, const char *s, size_t n, bool json, trv_err *err)
{
    int64_t line = 1;

    for (size_t at = 0; at < n; line++) {
        const char *end = memchr(s + at, '\n', n - at);
        size_t len = end ? (size_t)(end - (s + at)) : n - at;
        const size_t next = at + len + 1;
        int rc = 0;

        if (len && s[at + len - 1] == '\r')
            len--;
        if (!is_blank(s + at, len))
            rc = json ? add_json(d, s + at, len, line, err)
                      : add_text(d, s + at, len, line, err);
        if (rc)
            return rc;
        at = next;
    }
    return 0;
}

/* Bytes of the array's element at s: up to the comma or bracket that ends it.
 * Only brackets and strings are looked at; the parser judges the rest. */
static size_t
element_length(const char *s, size_t n)
{
    size_t depth = 0, i;
    bool in_string = false;

    for (i = 0; i < n; i++) {
        const char ch = s[i];

        if (in_string) {
            if (ch == '\\')
                i++;
            else if (ch == '"')
                in_string = false;
        } else if (ch == '"') {
            in_string = true;
        } else if (ch == '[' || ch == '{') {
            depth++;
        } else if (ch == ']' || ch == '}') {
            if (depth == 0)
                break;
            depth--;
        } else if (ch == ',' && depth == 0) {
            break;
        }
    }
    return i < n ? i : n;
}

static size_t
skip_space(const char *s, size_t n, size_t at, int64_t *line)
{
    for (; at < n && (s[at] == '\n' || is_blank(s + at, 1)); at++)
        *line += s[at] == '\n';
    return at;
}

/* A JSON array, element by element, so that each knows its line. */
static int
read_array(struct data *d, const char *s, size_t n, trv_err *err)
{
    struct data_row row = {.path = d->path, .line = 1};
    size_t at = skip_space(s, n, 0, &row.line);
    int rc;

    if (at == n || s[at] != '[')
        return data_row_fail(&row, err, TRV_EFORMAT,
                             "no JSON array (a file with an object on each "
                             "line is named .jsonl)");
    at = skip_space(s, n, at + 1, &row.line);
    while (at < n && s[at] != ']') {
        const size_t len = element_length(s + at, n - at);

        if (at + len == n)
            return data_row_fail(&row, err, TRV_EFORMAT,
                                 "the array ends inside the row");
        rc = add_json(d, s + at, len, row.line, err);
        if (rc)
            return rc;
        for (size_t i = 0; i < len; i++)
            row.line += s[at + i] == '\n';
        at += len;
        if (s[at] == ',') {
            at = skip_space(s, n, at + 1, &row.line);
            if (at < n && s[at] == ']')
                return data_row_fail(&row, err, TRV_EFORMAT,
                                     "no JSON: a comma before ']'");
        } else if (s[at] != ']') {
            return data_row_fail(&row, err, TRV_EFORMAT,
                                 "no JSON: a stray '%c'", s[at]);
        }
    }
    if (at == n)
        return data_row_fail(&row, err, TRV_EFORMAT, "the array has no end");
    at = skip_space(s, n, at + 1, &row.line);
    if (at < n)
        return data_row_fail(&row, err, TRV_EFORMAT,
                             "something follows the array");
    return 0;
}

bool
data_row_is_turns(const struct data_row *row)
{
    return json_is_array(row->prompt) || (!row->prompt && row->messages);
}

const char *
data_row_words(const struct data_row *row)
{
    const json_t *turns = row->prompt ? row->prompt : row->messages;
    const char *text = row->prompt ? json_string_value(row->prompt) : row->text;

    for (size_t i = json_array_size(turns); i > 0 && !text; i--) {
        const json_t *m = json_array_get(turns, i - 1);
        const char *role = json_string_value(json_object_get(m, "role"));

        if (role && strcmp(role, "user") == 0)
            text = json_string_value(json_object_get(m, "content"));
    }
    return text ? text : "";
}

/* A table: each record behind its header is a row. */
static int
read_table(struct data *d, const char *s, size_t n, char comma, trv_err *err)
{
    struct data_row at = {.path = d->path};
    struct table t;
    char text[160];
    const char *what;
    json_t *row;
    int rc =
        table_begin(&t, s, n, comma, DATA_MAX_LINE, &what, text, sizeof(text));

    while (!rc) {
        rc = table_next(&row, &t, &what, text, sizeof(text));
        if (rc || !row)
            break;
        rc = add_row(d, row, t.csv.line, err);
        if (rc)
            goto done;
    }
    at.line = t.csv.line;
    if (rc)
        rc = rc == TRV_ENOMEM ? no_memory(&at, err)
                              : data_row_fail(&at, err, rc, "%s", what);
done:
    table_release(&t);
    return rc;
}

/* ---- formats ------------------------------------------------------------ */

enum format {
    FORMAT_LINES,
    FORMAT_ARRAY,
    FORMAT_TEXT,
    FORMAT_CSV,
    FORMAT_TSV,
    FORMAT_PARQUET,
    FORMAT_ARROW,
    FORMAT_GZIP,
    FORMAT_NONE
};

/* By the end of a file's name. */
static const struct {
    const char *end;
    enum format format;
} formats[] = {
    {".jsonl", FORMAT_LINES},     {".ndjson", FORMAT_LINES},
    {".json", FORMAT_ARRAY},      {".txt", FORMAT_TEXT},
    {".csv", FORMAT_CSV},         {".tsv", FORMAT_TSV},
    {".parquet", FORMAT_PARQUET}, {".arrow", FORMAT_ARROW},
    {".gz", FORMAT_GZIP},
};

static enum format
format_named(const char *name)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        const size_t n = strlen(name), n_end = strlen(formats[i].end);

        if (n >= n_end && strcmp(name + n - n_end, formats[i].end) == 0)
            return formats[i].format;
    }
    return FORMAT_NONE;
}

/* By the first bytes: a stream has no name. One that is empty counts as lines,
 * of which there are none. */
static enum format
format_seen(const char *s, size_t n)
{
    int64_t line = 0;
    const size_t at = skip_space(s, n, 0, &line);

    if (n >= 4 && memcmp(s, "PAR1", 4) == 0)
        return FORMAT_PARQUET;
    return at == n || s[at] == '{' ? FORMAT_LINES
           : s[at] == '['          ? FORMAT_ARRAY
                                   : FORMAT_NONE;
}

bool
data_is_stream(const char *path)
{
    struct stat st;

    return strcmp(path, "-") == 0 || strncmp(path, "/dev/", 5) == 0 ||
           (stat(path, &st) == 0 && S_ISFIFO(st.st_mode));
}

static int
refuse_format(const char *name, enum format format, bool stream, trv_err *err)
{
    if (format == FORMAT_NONE && stream)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "what comes through '%s' begins with neither '{', as "
                        "JSON lines do, nor '[', as an array; other formats "
                        "are read from files",
                        name);
    if (format == FORMAT_GZIP)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "data '%s' is compressed, which is not read; this "
                        "unpacks it: gunzip -c '%s' > '%.*s'",
                        name, name, (int)(strlen(name) - 3), name);
    if (format == FORMAT_NONE)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "data '%s' is neither .jsonl, .json, .csv, .tsv nor "
                        ".txt",
                        name);
    return err_fail(err, TRV_EUNSUPPORTED,
                    "data '%s' is %s, which is not read; this makes JSON lines "
                    "of it: python3 -c \"from datasets import Dataset; "
                    "Dataset.from_%s('%s').to_json('rows.jsonl')\"",
                    name, format == FORMAT_PARQUET ? "Parquet" : "Arrow",
                    format == FORMAT_PARQUET ? "parquet" : "file",
                    stream ? "FILE" : name);
}

static int
read_rows(struct data *d, enum format format, const char *s, size_t n,
          trv_err *err)
{
    switch (format) {
    case FORMAT_ARRAY:
        return read_array(d, s, n, err);
    case FORMAT_CSV:
        return read_table(d, s, n, ',', err);
    case FORMAT_TSV:
        return read_table(d, s, n, '\t', err);
    default:
        return read_lines(d, s, n, format == FORMAT_LINES, err);
    }
}

static int
parse(struct data *out, const char *name, bool stream, const char *bytes,
      size_t n, const struct data_how *how, trv_err *err)
{
    const bool marked = n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;
    const char *const s = bytes + (marked ? 3 : 0); // a byte order mark
    const size_t len = n - (marked ? 3 : 0);
    enum format format = format_named(name);
    int rc;

    *out = (struct data){.how = how};
    if (how && how->is_text && format != FORMAT_GZIP)
        format = FORMAT_TEXT;
    if (format == FORMAT_NONE && stream)
        format = format_seen(s, len);
    if (format >= FORMAT_PARQUET)
        return refuse_format(name, format, stream, err);
    rc = hash_bytes(out->hash, bytes, n, err);
    if (rc)
        return rc;
    out->path = mem_strdup(name);
    if (!out->path)
        return err_fail(err, TRV_ENOMEM, "no memory to read '%s'", name);
    if (len == 0)
        rc = err_fail(err, TRV_EFORMAT, "'%s' is empty", name);
    else
        rc = read_rows(out, format, s, len, err);
    if (!rc && out->n == 0)
        rc =
            out->left_out
                ? err_fail(err, TRV_EFORMAT,
                           "'%s' has no row that is of use: line %lld %s", name,
                           (long long)out->left_out_line, out->left_out_why)
                : err_fail(err, TRV_EFORMAT, "'%s' has no rows", name);
    if (!rc)
        rc = data_columns_line(&out->unused, out->unread, name, err);
    if (rc)
        data_release(out);
    return rc;
}

int
data_parse_as(struct data *out, const char *name, const char *bytes, size_t n,
              const struct data_how *how, trv_err *err)
{
    return parse(out, name, strcmp(name, "-") == 0, bytes, n, how, err);
}

int
data_parse(struct data *out, const char *name, const char *bytes, size_t n,
           trv_err *err)
{
    return data_parse_as(out, name, bytes, n, NULL, err);
}

int
data_open_as(struct data *out, const char *path, const struct data_how *how,
             trv_err *err)
{
    struct filemap map = {0};
    struct strbuf text = {0};
    int rc;

    *out = (struct data){0};
    if (data_is_stream(path)) {
        rc = file_read_stream(&text, path, (size_t)1 << 30, err);
        if (!rc)
            rc = parse(out, path, true, text.s ? text.s : "", text.len, how,
                       err);
        sb_release(&text);
        return rc;
    }
    rc = filemap_open(&map, path, err);
    if (rc)
        return rc;
    rc = data_parse_as(out, path, map.size ? (const char *)map.data : "",
                       map.size, how, err);
    filemap_release(&map);
    return rc;
}

int
data_open(struct data *out, const char *path, trv_err *err)
{
    return data_open_as(out, path, NULL, err);
}

void
data_release(struct data *d)
{
    for (int64_t i = 0; i < d->n; i++)
        json_decref(d->rows[i].json);
    json_decref(d->unread);
    mem_free(d->unused);
    mem_free(d->rows);
    mem_free(d->path);
    *d = (struct data){0};
}
