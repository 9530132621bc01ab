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

/* Put a system text before the turns: before their own system message's
 * content, or as a message of its own. */
static int
add_system(json_t *turns, const char *text, trv_err *err)
{
    const json_t *first = json_array_get(turns, 0);
    const char *own = json_string_value(json_object_get(first, "content"));
    json_t *message = NULL;
    struct strbuf b = {0};
    int rc = 0;

    if (has_role(first, "system") && own) {
        // the row's message is shared; the joined one is a copy
        message = json_copy((json_t *)(uintptr_t)first);
        if (!message || sb_puts(&b, text) ||
            (*own && *text && sb_puts(&b, "\n\n")) || sb_puts(&b, own) ||
            json_object_set_new(message, "content", json_stringn(b.s, b.len)) ||
            json_array_set(turns, 0, message))
            rc = TRV_ENOMEM;
    } else {
        message = message_new("system", text);
        if (!message || json_array_insert(turns, 0, message))
            rc = TRV_ENOMEM;
    }
    json_decref(message);
    sb_release(&b);
    return rc ? err_fail(err, rc, "no memory for a system message") : 0;
}

/* The context's messages, newly made (the messages themselves are shared). */
static int
make_turns(json_t **out, const struct data_row *row, const char *z,
           const json_t *prefix, trv_err *err)
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

        rc = add_system(turns, system ? system : "", err);
        from = 1; // the turns' first message holds it now
        for (size_t i = 1; i < json_array_size(prefix) && !rc; i++)
            if (json_array_insert(turns, i, json_array_get(prefix, i)))
                rc = no_memory(row, err);
    }
    for (size_t i = 0; from == 0 && i < json_array_size(prefix) && !rc; i++)
        if (json_array_insert(turns, i, json_array_get(prefix, i)))
            rc = no_memory(row, err);
    if (!rc && z)
        rc = add_system(turns, z, err);
    if (rc)
        json_decref(turns);
    else
        *out = turns;
    return rc;
}

static int
render(struct strbuf *out, const struct text_rules *rules,
       const struct data_row *row, const json_t *turns, bool generate,
       trv_err *err)
{
    const struct tokenizer *t = rules->tokenizer;
    struct chat_options opts = {.add_generation_prompt = generate};
    json_t *extra = NULL;
    int rc;

    if (!rules->chat)
        return data_row_fail(row, err, TRV_EINVAL,
                             "messages ask for a chat template, and the model "
                             "has none");
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
    if (around->messages || json_is_array(row->prompt) ||
        (!row->prompt && row->messages)) {
        rc =
            make_turns(&out->turns, row, around->before, around->messages, err);
        if (!rc && json_array_size(out->turns) == 0)
            rc = data_row_fail(row, err, TRV_EINVAL,
                               "the row has no message before its answer");
        if (!rc)
            rc = render(&out->rendered, rules, row, out->turns, true, err);
        if (!rc)
            rc =
                in_row(add_piece(out, t, out->rendered.s ? out->rendered.s : "",
                                 out->rendered.len, err),
                       row, err);
    } else {
        rc = add_text(out, t, row, text, around, err);
    }
    if (rc)
        reset(out);
    out->n_context = out->ids.n;
    return rc;
}

/* The text that a chat's answer adds to its context. */
static int
chat_answer(struct strbuf *out, const struct example *e,
            const struct text_rules *rules, const struct data_row *row,
            const json_t *answer, trv_err *err)
{
    json_t *turns = json_copy(e->turns);
    struct strbuf whole = {0};
    int rc = turns ? 0 : no_memory(row, err);

    if (!rc &&
        (json_is_array(answer)
             ? json_array_extend(turns, (json_t *)(uintptr_t)answer)
             : json_array_append_new(
                   turns, message_new("assistant", json_string_value(answer)))))
        rc = no_memory(row, err);
    if (!rc)
        rc = render(&whole, rules, row, turns, false, err);
    if (!rc &&
        (whole.len < e->rendered.len ||
         memcmp(whole.s ? whole.s : "", e->rendered.s ? e->rendered.s : "",
                e->rendered.len) != 0))
        rc = data_row_fail(row, err, TRV_EINVAL,
                           "the chat template does not continue its generation "
                           "prompt: the context's text is no prefix of the "
                           "whole conversation's");
    if (!rc && sb_add(out, whole.s ? whole.s + e->rendered.len : "",
                      whole.len - e->rendered.len))
        rc = no_memory(row, err);
    json_decref(turns);
    sb_release(&whole);
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
    if (!rc && e->ids.n)
        rc = in_row(encode_continuation(t, &e->ids, text.s, text.len, err), row,
                    err);
    else if (!rc) // nothing stands before it
        rc = in_row(tokenizer_encode(t, &e->ids, text.s, text.len, false, err),
                    row, err);
    ended = e->ids.n > e->n_context && e->ids.v[e->ids.n - 1] == eos;
    for (int64_t i = e->n_context; e->turns && i < e->ids.n; i++)
        ended |= rules->turn_end ? e->ids.v[i] == *rules->turn_end
                                 : tokenizer_is_special(t, e->ids.v[i]);
    if (!rc && !ended && eos >= 0 && ids_push(&e->ids, eos))
        rc = no_memory(row, err);
    if (rc)
        e->ids.n = e->n_context;
    sb_release(&text);
    return rc;
}

int
example_answer(struct example *e, const struct text_rules *rules,
               const struct data_row *row, trv_err *err)
{
    const size_t n = json_array_size(row->messages);
    json_t *last = n ? json_array_get(row->messages, n - 1) : NULL;
    json_t *answer;
    int rc;

    if (row->prompt && row->completion)
        return example_append(e, rules, row, row->completion, err);
    if (row->prompt || !has_role(last, "assistant"))
        return data_row_fail(
            row, err, TRV_EINVAL,
            "the row has no answer: a `completion`, or `messages` "
            "that end with the assistant's");
    answer = json_pack("[O]", last);
    if (!answer)
        return no_memory(row, err);
    rc = example_append(e, rules, row, answer, err);
    json_decref(answer);
    return rc;
}

/* ---- the end of a turn -------------------------------------------------- */

/* May it end a turn? Files do not always call such tokens special; a blank is
 * none, though some vocabularies have added runs of blanks. */
static bool
is_mark(const struct tokenizer *t, int32_t id)
{
    const char *s = tokenizer_token(t, id);

    return id != tokenizer_bos(t) && tokenizer_is_added(t, id) && s &&
           s[strspn(s, " \t\r\n")];
}

/* What the template puts behind the answer `mark` to `turns`. Empty where the
 * template refuses the conversation, or hides the answer. */
static int
text_behind(struct strbuf *out, const struct text_rules *rules,
            const struct data_row *row, const json_t *turns, const char *mark,
            trv_err *err)
{
    json_t *all = json_copy((json_t *)(uintptr_t)turns);
    struct strbuf whole = {0};
    const char *at, *last = NULL;
    trv_err why = {0};
    int rc = !all || json_array_append_new(all, message_new("assistant", mark))
                 ? no_memory(row, err)
                 : 0;

    if (!rc && render(&whole, rules, row, all, false, &why) == TRV_ENOMEM)
        rc = err_fail(err, why.code, "%s", why.msg);
    for (at = whole.s; !rc && at && (at = strstr(at, mark)); at++)
        last = at + strlen(mark);
    if (!rc && last && sb_puts(out, last))
        rc = no_memory(row, err);
    json_decref(all);
    sb_release(&whole);
    return rc;
}

int
example_turn_end(int32_t *out, const struct text_rules *rules, trv_err *err)
{
    const struct tokenizer *t = rules->tokenizer;
    struct data_row row = {.label = -1};
    json_t *turns = json_pack("[{s:s,s:s}]", "role", "user", "content", "hi");
    json_t *tools = json_array();
    struct strbuf behind = {0};
    struct ids ids = {0};
    int rc = turns && tools ? 0 : no_memory(&row, err);

    *out = -1;
    if (!rc)
        rc = text_behind(&behind, rules, &row, turns, ANSWER_MARK, err);
    row.tools = tools; // some templates need a list
    if (!rc && !behind.len)
        rc = text_behind(&behind, rules, &row, turns, ANSWER_MARK, err);
    if (!rc && behind.len)
        rc = encode_continuation(t, &ids, behind.s, behind.len, err);
    for (int64_t i = 0; i < ids.n && !rc; i++) {
        if (is_mark(t, ids.v[i]))
            *out = ids.v[i];
        else if (*out >= 0)
            break;
    }
    json_decref(turns);
    json_decref(tools);
    ids_release(&ids);
    sb_release(&behind);
    return rc;
}
