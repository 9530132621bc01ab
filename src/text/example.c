/* example.c -- how text becomes ids. */
#include "text/example.h"

#include <string.h>

#define ANSWER_MARK "@@answer@@" // stands for an answer in a rendering

void
example_release(struct example *e)
{
    ids_release(&e->ids);
    json_decref(e->turns);
    sb_release(&e->rendered);
    sb_release(&e->loss);
    *e = (struct example){0};
}

static void
reset(struct example *e)
{
    e->ids.n = 0;
    e->n_context = 0;
    json_decref(e->turns);
    e->turns = NULL;
    sb_reset(&e->rendered);
    sb_reset(&e->loss);
    e->joined = false;
}

static int
no_memory(const struct data_row *row, trv_err *err)
{
    return data_row_fail(row, err, TRV_ENOMEM, "no memory for the example");
}

static int
in_row(int rc, const struct data_row *row, trv_err *err)
{
    if (rc && row->path)
        err_prefix(err, "'%s' line %lld", row->path, (long long)row->line);
    return rc;
}

/* ---- pieces of text ----------------------------------------------------- */

/* Does the tokenizer begin a text with BOS? Asked of an empty text, as the
 * post-processor alone knows. */
static int
adds_bos(bool *out, const struct tokenizer *t, trv_err *err)
{
    const int32_t bos = tokenizer_bos(t);
    struct ids ids = {0};
    const int rc = tokenizer_encode(t, &ids, "", 0, true, err);

    *out = !rc && bos >= 0 && ids.n > 0 && ids.v[0] == bos;
    ids_release(&ids);
    return rc;
}

static bool
begins_with(const struct ids *ids, const struct ids *head)
{
    return head->n > 0 && ids->n >= head->n &&
           memcmp(ids->v, head->v, (size_t)head->n * sizeof(*head->v)) == 0;
}

/* Ids of a text that goes on after another. SentencePiece's tokenizers put a
 * space before what they are given; there the text is tokenised after a mark,
 * and the mark's ids (the space among them) are taken off. A mark can merge
 * with what follows it, so there are several; a control character, made of byte
 * tokens or unknown, hardly ever does. */
static int
encode_continuation(const struct tokenizer *t, struct ids *out, const char *s,
                    size_t n, trv_err *err)
{
    static const char marks[] = {'\x01', '\n', ';', '0'};
    struct ids mark = {0}, both = {0};
    struct strbuf b = {0};
    const char *first;
    int rc = 0;

    for (size_t i = 0; i < sizeof(marks); i++) {
        mark.n = both.n = 0;
        sb_reset(&b);
        rc = tokenizer_encode(t, &mark, &marks[i], 1, false, err);
        if (rc)
            goto done;
        first = mark.n ? tokenizer_token(t, mark.v[0]) : NULL;
        if (!first || strncmp(first, "\xe2\x96\x81", 3) != 0)
            break; // no "lower one eighth block", no space
        if (sb_putc(&b, marks[i]) || sb_add(&b, s, n)) {
            rc = err_fail(err, TRV_ENOMEM, "no memory to tokenise a text");
            goto done;
        }
        rc = tokenizer_encode(t, &both, b.s, b.len, false, err);
        if (rc)
            goto done;
        if (!begins_with(&both, &mark))
            continue;
        if (ids_append(out, both.v + mark.n, both.n - mark.n))
            rc = err_fail(err, TRV_ENOMEM, "no memory to tokenise a text");
        goto done;
    }
    rc = tokenizer_encode(t, out, s, n, false, err);
done:
    ids_release(&mark);
    ids_release(&both);
    sb_release(&b);
    return rc;
}

/* Append a piece of the context. BOS comes first where the tokenizer adds it;
 * a BOS that the piece itself begins with is not a second one. */
static int
add_piece(struct example *e, const struct tokenizer *t, const char *s, size_t n,
          trv_err *err)
{
    struct ids piece = {0};
    const int32_t bos = tokenizer_bos(t);
    bool with_bos = false;
    int64_t skip = 0;
    int rc = 0;

    if (e->ids.n == 0)
        rc = adds_bos(&with_bos, t, err);
    if (!rc && with_bos && ids_push(&e->ids, bos))
        rc = err_fail(err, TRV_ENOMEM, "no memory for BOS");
    if (!rc && e->ids.n > (with_bos ? 1 : 0))
        rc = encode_continuation(t, &piece, s, n, err);
    else if (!rc)
        rc = tokenizer_encode(t, &piece, s, n, false, err);
    if (!rc) {
        skip = e->ids.n > 0 && piece.n > 0 && bos >= 0 && piece.v[0] == bos;
        if (piece.n > skip &&
            ids_append(&e->ids, piece.v + skip, piece.n - skip))
            rc = err_fail(err, TRV_ENOMEM, "no memory for a text's ids");
    }
    ids_release(&piece);
    return rc;
}

/* ---- chats -------------------------------------------------------------- */

static json_t *
message_new(const char *role, const char *content)
{
    return json_pack("{s:s, s:s}", "role", role, "content", content);
}

static bool
has_role(const json_t *message, const char *role)
{
    const char *r = json_string_value(json_object_get(message, "role"));

    return r && strcmp(r, role) == 0;
}

bool
example_is_chat(const struct text_rules *rules, const struct data_row *row)
{
    if (data_row_is_turns(row))
        return true;
    return row->prompt && !row->of_texts && rules->chat &&
           rules->layout == TEXT_CHAT;
}

/* Put a text before a message's content, parted by a blank line. The row's
 * message is shared; the joined one is a copy. */
static int
join_content(json_t *turns, size_t i, const char *text)
{
    json_t *message = json_copy(json_array_get(turns, i));
    const char *own = json_string_value(json_object_get(message, "content"));
    struct strbuf b = {0};
    const int bad =
        !message || sb_puts(&b, text) ||
        (*own && *text && sb_puts(&b, "\n\n")) || sb_puts(&b, own) ||
        json_object_set_new(message, "content", json_stringn(b.s, b.len)) ||
        json_array_set(turns, i, message);

    json_decref(message);
    sb_release(&b);
    return bad;
}

/* Put a system text before the turns: before their own system message's
 * content, or as a message of its own; where the template has no place for
 * one, before the words of the first user's turn. */
static int
add_system(json_t *turns, const char *text, bool no_system, trv_err *err)
{
    const json_t *message;
    size_t i, at = json_array_size(turns);
    int bad;

    json_array_foreach(turns, i, message)
    {
        const bool is_place = no_system ? has_role(message, "user")
                                        : i == 0 && has_role(message, "system");

        if (is_place && i < at &&
            json_is_string(json_object_get(message, "content")))
            at = i;
    }
    if (at < json_array_size(turns))
        bad = join_content(turns, at, text);
    else
        bad = json_array_insert_new(turns, 0, message_new("system", text));
    return bad ? err_nomem(err, "for a system message") : 0;
}

/* The context's messages, newly made (the messages themselves are shared). */
static int
make_turns(json_t **out, const struct text_rules *rules,
           const struct data_row *row, const char *z, const json_t *prefix,
           trv_err *err)
{
    const json_t *own = row->messages;
    const char *text = row->text;
    size_t n_own, from = 0;
    json_t *turns = json_array();
    int rc = turns ? 0 : no_memory(row, err);

    if (row->prompt) {
        own = json_is_array(row->prompt) ? row->prompt : NULL;
        text = json_string_value(row->prompt);
    }
    n_own = json_array_size(own);
    if (own && own == row->messages && n_own &&
        has_role(json_array_get(own, n_own - 1), "assistant"))
        n_own--; // the answer
    if (!rc && own) {
        for (size_t i = 0; i < n_own && !rc; i++)
            if (json_array_append(turns, json_array_get(own, i)))
                rc = no_memory(row, err);
    } else if (!rc) {
        if (json_array_append_new(turns, message_new("user", text ? text : "")))
            rc = no_memory(row, err);
    }
    if (!rc && has_role(json_array_get(prefix, 0), "system") &&
        has_role(json_array_get(turns, 0), "system")) {
        const char *system = json_string_value(
            json_object_get(json_array_get(prefix, 0), "content"));

        rc = add_system(turns, system ? system : "", false, err);
        from = 1; // the turns' first message holds it now
        for (size_t i = 1; i < json_array_size(prefix) && !rc; i++)
            if (json_array_insert(turns, i, json_array_get(prefix, i)))
                rc = no_memory(row, err);
    }
    for (size_t i = 0; from == 0 && i < json_array_size(prefix) && !rc; i++)
        if (json_array_insert(turns, i, json_array_get(prefix, i)))
            rc = no_memory(row, err);
    if (!rc && z)
        rc = add_system(turns, z, rules->no_system, err);
    if (rc)
        json_decref(turns);
    else
        *out = turns;
    return rc;
}

static int
render(struct strbuf *out, const struct text_rules *rules,
       const struct data_row *row, const json_t *turns, bool generate,
       struct chat_spans *spans, trv_err *err)
{
    const struct tokenizer *t = rules->tokenizer;
    struct chat_options opts = {.add_generation_prompt = generate,
                                .spans = spans};
    json_t *extra = NULL;
    int rc;

    if (!rules->chat)
        return data_row_fail(row, err, TRV_EINVAL,
                             "messages ask for a chat template, and the model "
                             "has none; --chat-template FILE gives it one");
    if (rules->layout == TEXT_RAW_ASKED)
        return data_row_fail(row, err, TRV_EINVAL,
                             "messages are always laid out by the chat "
                             "template: leave --raw (--layout raw) away");
    if (tokenizer_bos(t) >= 0)
        opts.bos_token = tokenizer_token(t, tokenizer_bos(t));
    if (tokenizer_eos(t) >= 0)
        opts.eos_token = tokenizer_token(t, tokenizer_eos(t));
    if (row->tools || row->variables) {
        extra = row->variables ? json_copy((json_t *)(uintptr_t)row->variables)
                               : json_object();
        if (!extra ||
            (row->tools && json_object_set(extra, "tools",
                                           (json_t *)(uintptr_t)row->tools))) {
            json_decref(extra);
            return no_memory(row, err);
        }
        opts.extra = extra;
    }
    rc = in_row(chat_render(rules->chat, out, turns, &opts, err), row, err);
    json_decref(extra);
    return rc;
}

int
example_context(struct example *out, const struct text_rules *rules,
                const struct data_row *row, const char *z,
                const json_t *prefix_messages, trv_err *err)
{
    return example_context_around(
        out, rules, row,
        &(struct example_around){.before = z, .messages = prefix_messages},
        err);
}

/* The pieces of a row of text. */
static int
add_text(struct example *e, const struct tokenizer *t,
         const struct data_row *row, const char *text,
         const struct example_around *around, trv_err *err)
{
    const char *const pieces[] = {around->before, text, around->after};
    int rc = 0;

    for (int i = 0; i < 3 && !rc; i++)
        if (pieces[i])
            rc = in_row(add_piece(e, t, pieces[i], strlen(pieces[i]), err), row,
                        err);
    return rc;
}

/* A prompt of messages before a raw row. */
static int
refuse_messages(const struct text_rules *rules, const struct data_row *row,
                trv_err *err)
{
    if (!rules->chat)
        return data_row_fail(row, err, TRV_EINVAL,
                             "messages ask for a chat template, and the model "
                             "has none; --chat-template FILE gives it one");
    if (chat_template_fault(rules->chat))
        return err_fail(err, chat_template_fault(rules->chat)->code, "%s",
                        chat_template_fault(rules->chat)->msg);
    return data_row_fail(
        row, err, TRV_EINVAL, "a prompt of messages stands in a chat, and %s",
        row->prompt && !row->of_texts
            ? "--raw (--layout raw) lays this row out as text: leave it away"
            : "a row of text is raw: a column `prompt` in place of `text` "
              "makes it what the user says");
}

int
example_context_around(struct example *out, const struct text_rules *rules,
                       const struct data_row *row,
                       const struct example_around *around, trv_err *err)
{
    const struct tokenizer *t = rules->tokenizer;
    const char *text = row->prompt ? json_string_value(row->prompt) : row->text;
    int rc = 0;

    reset(out);
    if (!row->prompt && !row->messages && !row->text)
        return data_row_fail(row, err, TRV_EINVAL, "the row has no prompt");
    if (example_is_chat(rules, row)) {
        rc = make_turns(&out->turns, rules, row, around->before,
                        around->messages, err);
        if (!rc && json_array_size(out->turns) == 0)
            rc = data_row_fail(row, err, TRV_EINVAL,
                               "the row has no message before its answer");
        if (!rc)
            rc =
                render(&out->rendered, rules, row, out->turns, true, NULL, err);
        if (!rc)
            rc =
                in_row(add_piece(out, t, out->rendered.s ? out->rendered.s : "",
                                 out->rendered.len, err),
                       row, err);
    } else if (around->messages) {
        rc = refuse_messages(rules, row, err);
    } else {
        rc = add_text(out, t, row, text, around, err);
    }
    if (rc)
        reset(out);
    out->n_context = out->ids.n;
    return rc;
}

/* The conversation of `turns` and an answer ANSWER_MARK. *at: where the mark
 * stands in it; -1 where the template refuses it or hides the answer. */
static int
render_mark(struct strbuf *out, int64_t *at, const struct text_rules *rules,
            const struct data_row *row, const json_t *turns, trv_err *err)
{
    json_t *all = json_copy((json_t *)(uintptr_t)turns);
    trv_err why = {0};
    int rc = 0;

    *at = -1;
    if (!all ||
        json_array_append_new(all, message_new("assistant", ANSWER_MARK)))
        rc = no_memory(row, err);
    if (!rc && render(out, rules, row, all, false, NULL, &why) == TRV_ENOMEM)
        rc = err_fail(err, why.code, "%s", why.msg);
    for (const char *s = out->s; !rc && s && (s = strstr(s, ANSWER_MARK)); s++)
        *at = s - out->s;
    json_decref(all);
    return rc;
}

/* An answer that is words alone; NULL where it is more. */
static const char *
words_of(const json_t *answer)
{
    static const char *const more[] = {"tool_calls", "reasoning_content",
                                       "thinking", "reasoning"};
    const json_t *message = json_array_get(answer, 0);

    if (json_is_string(answer))
        return json_string_value(answer);
    if (json_array_size(answer) != 1 || !has_role(message, "assistant"))
        return NULL;
    for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
        if (json_array_size(json_object_get(message, more[i])) > 0 ||
            json_is_string(json_object_get(message, more[i])))
            return NULL;
    return json_string_value(json_object_get(message, "content"));
}

/* Past what the generation prompt said already: `opened` is what it puts before
 * an answer that the template does not. */
static const char *
skip_opened(const char *words, const char *opened, size_t n)
{
    size_t k = n;

    while (k > 0 && strchr(" \t\r\n", opened[k - 1]))
        k--;
    if (k == 0 || strncmp(words, opened, k) != 0)
        return words;
    for (words += k; k < n && *words == opened[k]; k++)
        words++;
    return words;
}

/* The answer's own words and what the template puts behind an answer. */
static int
joined_answer(struct strbuf *out, struct example *e,
              const struct text_rules *rules, const struct data_row *row,
              const json_t *answer, trv_err *err)
{
    const char *words = words_of(answer);
    const char *context = e->rendered.s ? e->rendered.s : "";
    struct strbuf whole = {0};
    int64_t at = -1;
    int rc = words ? render_mark(&whole, &at, rules, row, e->turns, err) : 0;

    if (!rc && at < 0)
        rc = data_row_fail(row, err, TRV_EINVAL,
                           "the chat template does not continue its generation "
                           "prompt: the context's text is no prefix of the "
                           "whole conversation's");
    if (!rc && (size_t)at < e->rendered.len &&
        memcmp(whole.s, context, (size_t)at) == 0)
        words = skip_opened(words, context + at, e->rendered.len - (size_t)at);
    if (!rc && (sb_puts(out, words) ||
                sb_puts(out, whole.s + at + strlen(ANSWER_MARK))))
        rc = no_memory(row, err);
    e->joined = !rc;
    sb_release(&whole);
    return rc;
}

/* The context's messages and the answer's. */
static int
add_answer(json_t **out, const struct example *e, const struct data_row *row,
           const json_t *answer, trv_err *err)
{
    json_t *all = json_copy(e->turns);

    if (!all ||
        (json_is_array(answer)
             ? json_array_extend(all, (json_t *)(uintptr_t)answer)
             : json_array_append_new(
                   all, message_new("assistant", json_string_value(answer))))) {
        json_decref(all);
        return no_memory(row, err);
    }
    *out = all;
    return 0;
}

static bool
starts_with(const struct strbuf *text, const struct strbuf *head)
{
    return head->len == 0 ||
           (text->len >= head->len && memcmp(text->s, head->s, head->len) == 0);
}

/* The text that a chat's answer adds to its context. */
static int
chat_answer(struct strbuf *out, struct example *e,
            const struct text_rules *rules, const struct data_row *row,
            const json_t *answer, trv_err *err)
{
    struct strbuf whole = {0};
    json_t *all = NULL;
    int rc = add_answer(&all, e, row, answer, err);

    e->joined = false;
    if (!rc)
        rc = render(&whole, rules, row, all, false, NULL, err);
    if (!rc && !starts_with(&whole, &e->rendered))
        rc = joined_answer(out, e, rules, row, answer, err);
    else if (!rc && sb_add(out, whole.s ? whole.s + e->rendered.len : "",
                           whole.len - e->rendered.len))
        rc = no_memory(row, err);
    json_decref(all);
    sb_release(&whole);
    return rc;
}

/* Take off what the template puts behind an answer. */
static int
cut_end(struct strbuf *text, const struct example *e,
        const struct text_rules *rules, const struct data_row *row,
        trv_err *err)
{
    struct strbuf whole = {0};
    const char *behind;
    int64_t at;
    size_t n;
    int rc = render_mark(&whole, &at, rules, row, e->turns, err);

    if (!rc) {
        behind = at < 0 ? NULL : whole.s + at + strlen(ANSWER_MARK);
        n = behind ? strlen(behind) : 0;
        if (!behind || text->len < n ||
            (n && memcmp(text->s + text->len - n, behind, n) != 0))
            rc = data_row_fail(row, err, TRV_EINVAL,
                               "the chat template does not show where the "
                               "answer ends");
        else
            text->len -= n;
    }
    sb_release(&whole);
    return rc;
}

/* May it end a turn? Files do not always call such tokens special; a blank is
 * none, though some vocabularies have added runs of blanks. */
static bool
is_mark(const struct tokenizer *t, int32_t id)
{
    const char *s = tokenizer_token(t, id);

    return id != tokenizer_bos(t) && tokenizer_is_added(t, id) && s &&
           s[strspn(s, " \t\r\n")];
}

/* Has a chat's answer an end of its own: the end of its turn, or nothing but
 * blanks behind its last special token, as a call of a tool has? */
static int
has_end(bool *out, const struct example *e, const struct text_rules *rules,
        trv_err *err)
{
    const struct tokenizer *t = rules->tokenizer;
    struct strbuf text = {0};
    bool blank = true;
    int rc = 0;

    for (int64_t i = e->ids.n - 1; i >= e->n_context && !*out && !rc; i--) {
        *out = (rules->turn_end && e->ids.v[i] == *rules->turn_end) ||
               (blank && is_mark(t, e->ids.v[i]));
        sb_reset(&text);
        rc = tokenizer_decode(t, &text, &e->ids.v[i], 1, false, err);
        blank = blank && (!text.s || !text.s[strspn(text.s, " \t\r\n")]);
    }
    sb_release(&text);
    return rc;
}

int
example_append(struct example *e, const struct text_rules *rules,
               const struct data_row *row, const json_t *answer, trv_err *err)
{
    const struct tokenizer *t = rules->tokenizer;
    const int32_t eos = tokenizer_eos(t);
    struct strbuf text = {0};
    bool ended;
    int rc = 0;

    e->ids.n = e->n_context; // an earlier answer gives way
    if (!json_is_string(answer) && !(e->turns && json_is_array(answer)))
        return data_row_fail(row, err, TRV_EINVAL, "the answer is no text%s",
                             e->turns ? " and no messages" : "");
    if (e->turns)
        rc = chat_answer(&text, e, rules, row, answer, err);
    else if (sb_add(&text, json_string_value(answer),
                    json_string_length(answer)))
        rc = no_memory(row, err);
    if (!rc && e->turns && rules->no_end)
        rc = cut_end(&text, e, rules, row, err);
    if (!rc && e->ids.n)
        rc = in_row(encode_continuation(t, &e->ids, text.s, text.len, err), row,
                    err);
    else if (!rc) // nothing stands before it
        rc = in_row(tokenizer_encode(t, &e->ids, text.s, text.len, false, err),
                    row, err);
    ended = rules->no_end ||
            (e->ids.n > e->n_context && e->ids.v[e->ids.n - 1] == eos);
    if (!rc && e->turns && !ended)
        rc = in_row(has_end(&ended, e, rules, err), row, err);
    if (!rc && !ended && eos >= 0 && ids_push(&e->ids, eos))
        rc = no_memory(row, err);
    if (rc)
        e->ids.n = e->n_context;
    sb_release(&text);
    return rc;
}

/* A row's own answer, as example_append() takes it; *own: to be released. */
static int
answer_of(const json_t **out, json_t **own, const struct data_row *row,
          trv_err *err)
{
    const size_t n = json_array_size(row->messages);
    json_t *last = n ? json_array_get(row->messages, n - 1) : NULL;

    *own = NULL;
    *out = row->completion;
    if (row->prompt && row->completion)
        return 0;
    if (row->prompt || !has_role(last, "assistant"))
        return data_row_fail(
            row, err, TRV_EINVAL,
            "the row has no answer: a `completion`, or `messages` "
            "that end with the assistant's");
    *out = *own = json_pack("[O]", last);
    return *own ? 0 : no_memory(row, err);
}

int
example_answer(struct example *e, const struct text_rules *rules,
               const struct data_row *row, trv_err *err)
{
    const json_t *answer;
    json_t *own;
    int rc = answer_of(&answer, &own, row, err);

    if (!rc)
        rc = example_append(e, rules, row, answer, err);
    json_decref(own);
    return rc;
}

/* ---- what carries loss -------------------------------------------------- */

const char *
example_loss_name(enum example_loss on)
{
    static const char *const names[LOSS_COUNT] = {"last", "assistant", "all"};

    return names[on];
}

int
example_loss_named(enum example_loss *out, const char *name, trv_err *err)
{
    *out = LOSS_LAST;
    for (int i = 0; name && i < LOSS_COUNT; i++)
        if (strcmp(name, example_loss_name((enum example_loss)i)) == 0) {
            *out = (enum example_loss)i;
            return 0;
        }
    return name ? err_fail(err, TRV_EINVAL,
                           "loss-on '%s' is unknown; there are last, "
                           "assistant, all",
                           name)
                : 0;
}

/* Append a piece of a conversation, all of which is learned or nothing. */
static int
add_part(struct example *e, const struct text_rules *rules, const char *s,
         size_t n, bool learned, trv_err *err)
{
    int rc = 0;

    if (n > 0 && e->ids.n == 0)
        rc = add_piece(e, rules->tokenizer, s, n, err);
    else if (n > 0)
        rc = encode_continuation(rules->tokenizer, &e->ids, s, n, err);
    while (!rc && (int64_t)e->loss.len < e->ids.n)
        if (sb_putc(&e->loss, learned))
            rc = err_nomem(err, "for the example");
    return rc;
}

/* Where the answer that begins at `from` ends: behind the first end of turn, or
 * where the template knows none, with the conversation `upto` it. `from` where
 * that cannot be said. */
static size_t
turn_end_at(const struct text_rules *rules, const struct strbuf *whole,
            const struct strbuf *upto, size_t from)
{
    const char *end = rules->turn_end
                          ? tokenizer_token(rules->tokenizer, *rules->turn_end)
                          : NULL;
    const char *at = end ? strstr(whole->s + from, end) : NULL;

    if (end)
        return at ? (size_t)(at - whole->s) + strlen(end) : from;
    return starts_with(whole, upto) && upto->len > from ? upto->len : from;
}

/* The span of message i in the whole conversation, from the generation prompt
 * that it is sampled from to its end. */
static int
add_turn(struct chat_spans *spans, const struct strbuf *whole,
         const struct text_rules *rules, const struct data_row *row,
         const json_t *all, size_t i, trv_err *err)
{
    struct strbuf context = {0}, upto = {0};
    json_t *turns = json_array();
    size_t from, to;
    int rc = turns ? 0 : no_memory(row, err);

    for (size_t k = 0; k < i && !rc; k++)
        if (json_array_append(turns, json_array_get(all, k)))
            rc = no_memory(row, err);
    if (!rc)
        rc = render(&context, rules, row, turns, true, NULL, err);
    if (!rc && json_array_append(turns, json_array_get(all, i)))
        rc = no_memory(row, err);
    if (!rc && !rules->turn_end)
        rc = render(&upto, rules, row, turns, false, NULL, err);
    from = to = context.len;
    if (!rc && whole->s && starts_with(whole, &context))
        to = turn_end_at(rules, whole, &upto, from);
    if (!rc && (to == from || (spans->n && from < spans->v[spans->n - 1].to)))
        rc = data_row_fail(
            row, err, TRV_EINVAL,
            "the chat template does not say where message %zu is the "
            "assistant's: take one with {%% generation %%}, or loss-on last",
            i + 1);
    if (!rc && chat_spans_add(spans, from, to))
        rc = no_memory(row, err);
    json_decref(turns);
    sb_release(&context);
    sb_release(&upto);
    return rc;
}

/* Where a conversation's text is the assistant's. */
static int
assistant_spans(struct chat_spans *spans, struct strbuf *whole,
                const struct text_rules *rules, const struct data_row *row,
                const json_t *all, trv_err *err)
{
    const json_t *message;
    size_t i;
    int rc = render(whole, rules, row, all, false, spans, err);

    if (rc || spans->n > 0)
        return rc;
    json_array_foreach(all, i, message)
    {
        if (!rc && has_role(message, "assistant"))
            rc = add_turn(spans, whole, rules, row, all, i, err);
    }
    return rc;
}

/* A conversation of which every assistant's turn is learned. */
static int
row_of_turns(struct example *e, const struct text_rules *rules,
             const struct data_row *row, trv_err *err)
{
    const int32_t eos = tokenizer_eos(rules->tokenizer);
    struct chat_spans spans = {0};
    struct strbuf whole = {0};
    const json_t *answer;
    json_t *own = NULL, *all = NULL;
    const char *text;
    size_t at = 0;
    int rc;

    reset(e);
    rc = make_turns(&e->turns, rules, row, NULL, NULL, err);
    if (!rc)
        rc = answer_of(&answer, &own, row, err);
    if (!rc)
        rc = add_answer(&all, e, row, answer, err);
    if (!rc)
        rc = assistant_spans(&spans, &whole, rules, row, all, err);
    text = whole.s ? whole.s : "";
    for (int64_t i = 0; i < spans.n && !rc; at = spans.v[i++].to) {
        const struct chat_span *s = &spans.v[i];

        TRV_ASSERT(at <= s->from && s->from <= s->to && s->to <= whole.len);
        rc = add_part(e, rules, text + at, s->from - at, false, err);
        if (!rc)
            rc = add_part(e, rules, text + s->from, s->to - s->from, true, err);
    }
    if (!rc)
        rc = add_part(e, rules, text + at, whole.len - at, false, err);
    if (!rc && !rules->turn_end && eos >= 0 && spans.n > 0 && at == whole.len &&
        e->ids.n > 0 && e->ids.v[e->ids.n - 1] != eos &&
        (ids_push(&e->ids, eos) || sb_putc(&e->loss, true)))
        rc = no_memory(row, err);
    for (e->n_context = 0; e->n_context < e->ids.n; e->n_context++)
        if (!rc && e->loss.s[e->n_context])
            break;
    json_decref(own);
    json_decref(all);
    chat_spans_release(&spans);
    sb_release(&whole);
    return rc;
}

/* Plain text begins with BOS where the tokenizer adds it, and its first token,
 * whatever it is, is what the rest is predicted from. */
static int
end_text(struct example *e, const struct text_rules *rules,
         const struct data_row *row, trv_err *err)
{
    const int32_t eos = tokenizer_eos(rules->tokenizer);

    e->n_context = 1;
    if (e->ids.n > 0 && e->ids.v[e->ids.n - 1] == eos)
        return 0; // the text has its own end
    return eos >= 0 && ids_push(&e->ids, eos) ? no_memory(row, err) : 0;
}

int
example_row(struct example *e, const struct text_rules *rules,
            const struct data_row *row, enum example_loss on, trv_err *err)
{
    // a text beside a prompt or messages is their copy
    const bool is_text = row->text && !row->prompt && !row->messages;
    int rc;

    if (on == LOSS_ASSISTANT && example_is_chat(rules, row))
        return row_of_turns(e, rules, row, err);
    rc = example_context(e, rules, row, NULL, NULL, err);
    if (!rc && is_text)
        rc = end_text(e, rules, row, err);
    else if (!rc)
        rc = example_answer(e, rules, row, err);
    if (!rc && on == LOSS_ALL)
        e->n_context = 1;
    for (int64_t i = 0; i < e->ids.n && !rc; i++)
        if (sb_putc(&e->loss, i >= e->n_context))
            rc = no_memory(row, err);
    return rc;
}

/* ---- the end of a turn -------------------------------------------------- */

int
example_turn_end(int32_t *out, const struct text_rules *rules, trv_err *err)
{
    const struct tokenizer *t = rules->tokenizer;
    struct data_row row = {.label = -1};
    json_t *turns = json_pack("[{s:s,s:s}]", "role", "user", "content", "hi");
    json_t *tools = json_array();
    struct strbuf whole = {0};
    struct ids ids = {0};
    int64_t at = -1;
    int rc = turns && tools ? 0 : no_memory(&row, err);

    *out = -1;
    for (int i = 0; i < 2 && at < 0 && !rc; i++) {
        sb_reset(&whole);
        rc = render_mark(&whole, &at, rules, &row, turns, err);
        row.tools = tools; // some templates need a list
    }
    if (!rc && at >= 0) {
        const char *behind = whole.s + at + strlen(ANSWER_MARK);

        rc = encode_continuation(t, &ids, behind, strlen(behind), err);
    }
    for (int64_t i = 0; i < ids.n && !rc; i++) {
        if (is_mark(t, ids.v[i]))
            *out = ids.v[i];
        else if (*out >= 0)
            break;
    }
    json_decref(turns);
    json_decref(tools);
    ids_release(&ids);
    sb_release(&whole);
    return rc;
}

/* ---- the place of a system message -------------------------------------- */

int
example_has_system(bool *out, const struct text_rules *rules, trv_err *err)
{
    static const char mark[] = "@@system@@";
    struct data_row row = {.label = -1};
    json_t *turns = json_pack("[{s:s,s:s},{s:s,s:s}]", "role", "system",
                              "content", mark, "role", "user", "content", "hi");
    struct strbuf text = {0};
    trv_err why = {0};
    int rc = turns ? render(&text, rules, &row, turns, true, NULL, &why)
                   : err_nomem(err, "for a chat template");

    *out = !rc && text.s && strstr(text.s, mark);
    if (turns && rc == TRV_ENOMEM)
        rc = err_nomem(err, "for a chat template");
    else if (turns)
        rc = 0;
    json_decref(turns);
    sb_release(&text);
    return rc;
}
