/* demos.c -- demonstrations, read, formatted and written. */
#include "adapt/prompt/demos.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/prompt/placeholders.h"
#include "base/mem.h"

struct options {
    const char *template;
    int form;
};
const struct conf_option demos_options[] = {
    {.info = {"form", "auto|chat|text", "auto",
              "auto: turns before a chat, text before a text; chat: turns "
              "always; text: text always, in a chat as its system message",
              false},
     .type = CONF_CHOICE,
     .at = offsetof(struct options, form)},
    {.info = {"template", "T", DEMOS_TEMPLATE,
              "the layout as text: {input} and then {output}, once each",
              .takes_rest = true},
     .type = CONF_TEXT,
     .at = offsetof(struct options, template)},
    {.info = {.name = NULL}},
};

static bool
has_role(const json_t *message, const char *role)
{
    const char *r = json_string_value(json_object_get(message, "role"));

    return r && strcmp(r, role) == 0;
}

/* ---- reading ------------------------------------------------------------ */

/* {"messages": [..., assistant]} as prompt and completion. */
static json_t *
part_messages(const json_t *messages)
{
    const size_t n = json_array_size(messages);
    json_t *prompt = json_array(), *answer = json_array();

    for (size_t i = 0; i < n; i++)
        if (json_array_append(i + 1 < n ? prompt : answer,
                              json_array_get(messages, i))) {
            json_decref(prompt);
            json_decref(answer);
            return NULL;
        }
    return json_pack("{s:o,s:o}", "prompt", prompt, "completion", answer);
}

static int
add_row(json_t *list, const struct data_row *row, trv_err *err)
{
    const json_t *messages = row->prompt ? NULL : row->messages;
    const size_t n = json_array_size(messages);
    json_t *pair;

    if (row->prompt && row->completion)
        pair = json_pack("{s:O,s:O}", "prompt", row->prompt, "completion",
                         row->completion);
    else if (n > 1 && has_role(json_array_get(messages, n - 1), "assistant"))
        pair = part_messages(messages);
    else
        return data_row_fail(row, err, TRV_EINVAL,
                             "a demonstration has a prompt and a completion "
                             "(or input and output, question and answer), or "
                             "messages that end with the assistant's");
    return json_array_append_new(list, pair)
               ? err_nomem(err, "for demonstrations")
               : 0;
}

/* ---- laying out --------------------------------------------------------- */

/* Append a text as one message, or messages as they are. System messages count
 * only at the very start: templates have one place for them. */
static int
add_turns(json_t *turns, const json_t *side, const char *role)
{
    int bad = 0;

    if (json_is_string(side))
        return json_array_append_new(
            turns, json_pack("{s:s,s:O}", "role", role, "content", side));
    for (size_t i = 0; i < json_array_size(side) && !bad; i++) {
        json_t *m = json_array_get(side, i);

        if (!has_role(m, "system") || json_array_size(turns) == 0)
            bad = json_array_append(turns, m);
    }
    return bad;
}

/* The text of one side where it is a single turn; NULL: it is not. */
static const char *
single_text(const json_t *side, const char *role)
{
    if (json_is_string(side))
        return json_string_value(side);
    if (json_array_size(side) != 1 || !has_role(json_array_get(side, 0), role))
        return NULL;
    return json_string_value(
        json_object_get(json_array_get(side, 0), "content"));
}

static int
lay_out_turns(struct demos *d)
{
    const json_t *pair;
    size_t i;

    d->turns = json_array();
    if (!d->turns)
        return TRV_ENOMEM;
    json_array_foreach(d->list, i, pair)
    {
        const json_t *x = json_object_get(pair, "prompt");
        const json_t *y = json_object_get(pair, "completion");

        d->of_chat = d->of_chat || json_is_array(x) || json_is_array(y);
        if (add_turns(d->turns, x, "user") ||
            add_turns(d->turns, y, "assistant"))
            return TRV_ENOMEM;
    }
    return 0;
}

static int
lay_blocks(struct demos *d, const char *template)
{
    const char *input = strstr(template, "{input}"),
               *output = strstr(template, "{output}");
    const char *middle = input + strlen("{input}");
    struct strbuf b = {0};
    const json_t *pair;
    size_t i;

    d->after = mem_strndup(middle, (size_t)(output - middle));
    if (!d->after)
        return TRV_ENOMEM;
    json_array_foreach(d->list, i, pair)
    {
        const struct slot slots[] = {
            {"{input}", single_text(json_object_get(pair, "prompt"), "user")},
            {"{output}",
             single_text(json_object_get(pair, "completion"), "assistant")}};

        if (!slots[0].text || !slots[1].text) {
            sb_release(&b);
            return 0; // no blocks: an error when a row needs them
        }
        if (placeholders_fill(&b, template, slots, 2))
            goto fail;
    }
    if (sb_add(&b, template, (size_t)(input - template)))
        goto fail;
    d->before = sb_take(&b);
    return d->before ? 0 : TRV_ENOMEM;
fail:
    sb_release(&b);
    return TRV_ENOMEM;
}

static int
lay_out(struct demos *d, const char *name, trv_err *err)
{
    struct options o = {.template = NULL};
    const int rc = conf_read(&o, d->conf, demos_options, "demos", err);

    if (rc)
        return rc;
    d->form = (enum demos_form)o.form;
    if (!placeholders_once(o.template, "{input}") ||
        !placeholders_once(o.template, "{output}") ||
        strstr(o.template, "{input}") > strstr(o.template, "{output}"))
        return err_fail(err, TRV_EINVAL,
                        "the template of demos shows {input} and then "
                        "{output}, once each");
    if (json_array_size(d->list) < 1)
        return err_fail(err, TRV_EINVAL, "'%s' holds no demonstration", name);
    if (json_array_size(d->list) > DEMOS_MAX)
        return err_fail(err, TRV_ERANGE,
                        "'%s' holds %zu demonstrations: there may be %d", name,
                        json_array_size(d->list), DEMOS_MAX);
    if (lay_out_turns(d) || lay_blocks(d, o.template))
        return err_nomem(err, "for demonstrations");
    if (d->form == DEMOS_TEXT && !d->before)
        return err_fail(err, TRV_EINVAL,
                        "a demonstration of '%s' has several turns and cannot "
                        "be laid out as text",
                        name);
    return 0;
}

/* `d` is handed out, or freed. */
static int
finish(struct demos **out, struct demos *d, const char *name, int rc,
       trv_err *err)
{
    if (!rc)
        rc = lay_out(d, name, err);
    if (rc)
        demos_free(d);
    *out = rc ? NULL : d;
    return rc;
}

static int
begin(struct demos **out, const json_t *conf, trv_err *err)
{
    struct demos *d = mem_calloc(1, sizeof(*d));

    *out = d;
    if (!d)
        return err_nomem(err, "for demonstrations");
    d->list = json_array();
    d->conf = conf ? json_deep_copy(conf) : json_object();
    return d->list && d->conf ? 0 : err_nomem(err, "for demonstrations");
}

int
demos_open(struct demos **out, const char *path, const json_t *conf,
           trv_err *err)
{
    struct data data = {0};
    struct demos *d;
    int rc = begin(&d, conf, err);

    if (!rc)
        rc = data_open(&data, path, err);
    for (int64_t i = 0; i < data.n && !rc; i++)
        rc = add_row(d->list, &data.rows[i], err);
    if (!rc) {
        d->unused = data.unused;
        data.unused = NULL;
    }
    data_release(&data); // what was taken has its own references
    return finish(out, d, path, rc, err);
}

int
demos_of(struct demos **out, const json_t *list, const json_t *conf,
         const char *name, trv_err *err)
{
    struct demos *d;
    int rc = begin(&d, conf, err);

    for (size_t i = 0; i < json_array_size(list) && !rc; i++) {
        struct data_row row = {.path = name, .line = (int64_t)i + 1};
        json_t *copy = json_deep_copy(json_array_get(list, i));

        rc = copy ? data_row_set(&row, copy, err)
                  : err_nomem(err, "for demonstrations");
        if (!rc)
            rc = add_row(d->list, &row, err);
        json_decref(row.json);
    }
    return finish(out, d, name, rc, err);
}

void
demos_free(struct demos *d)
{
    if (!d)
        return;
    json_decref(d->list);
    mem_free(d->unused);
    json_decref(d->conf);
    json_decref(d->turns);
    mem_free(d->before);
    mem_free(d->after);
    mem_free(d);
}

/* ---- acting ------------------------------------------------------------- */

bool
demos_is_chat(const struct demos *d)
{
    return d->form == DEMOS_CHAT || (d->form == DEMOS_AUTO && d->of_chat);
}

int
demos_view(struct example_around *around, const struct demos *d,
           const struct data_row *row, bool chat, trv_err *err)
{
    *around = (struct example_around){0};
    if (demos_is_chat(d) || (d->form == DEMOS_AUTO && chat)) {
        around->messages = d->turns;
        return 0;
    }
    if (!d->before)
        return data_row_fail(row, err, TRV_EINVAL,
                             "a demonstration has several turns and cannot "
                             "stand before raw text");
    around->before = d->before;
    around->after = d->after;
    return 0;
}

int
demos_encode(struct strbuf *out, const struct demos *d, trv_err *err)
{
    const json_t *pair;
    size_t i;
    int bad = 0;

    json_array_foreach(d->list, i, pair)
    {
        char *line = json_dumps(pair, JSON_COMPACT);

        bad = bad || !line || sb_puts(out, line) || sb_putc(out, '\n');
        free(line);
    }
    return bad ? err_nomem(err, "for demonstrations") : 0;
}
