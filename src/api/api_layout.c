/* api_layout.c -- rows of data as training and scoring see them. */
#include <string.h>

#include "api/api.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/data.h"
#include "text/example.h"

/* Everything that one call needs. */
struct laying {
    struct text_rules rules;
    enum example_loss on;
    const json_t *tools; // NULL: the row's own
    trv_layout *out;
    struct example e;
};

/* One row of one conversation, which takes `messages`. */
static int
one_conversation(struct data *out, const char *path, json_t *messages,
                 trv_err *err)
{
    json_t *row = json_pack("{s:o}", "messages", messages);
    int rc = 0;

    out->path = mem_strdup(path);
    out->rows = mem_calloc(1, sizeof(*out->rows));
    if (!row || !out->path || !out->rows) {
        json_decref(row);
        return err_nomem(err, "for '%s'", path);
    }
    out->n = 1;
    out->rows[0].json = row;
    out->rows[0].path = out->path;
    out->rows[0].line = 1;
    rc = data_row_set(&out->rows[0], row, err);
    return rc;
}

/* Rows of data, or a JSON file that is one conversation: its messages, or an
 * object that holds them. */
static int
open_rows(struct data *out, const char *path, trv_err *err)
{
    const size_t n = strlen(path);
    json_t *doc = NULL;
    const json_t *messages;
    int rc = 0;

    *out = (struct data){0};
    if (n > 5 && strcmp(path + n - 5, ".json") == 0)
        rc = json_open(&doc, path, err);
    messages = json_is_object(doc) ? json_object_get(doc, "messages") : doc;
    if (!rc && json_object_get(json_array_get(messages, 0), "role"))
        rc = one_conversation(out, path,
                              json_incref((json_t *)(uintptr_t)messages), err);
    else if (!rc)
        rc = data_open(out, path, err);
    json_decref(doc);
    return rc;
}

/* Hand out what l->e holds; ids from n_context on carry loss where the example
 * does not say it itself. */
static int
take(struct laying *l, int64_t line, bool answered, trv_err *err)
{
    trv_layout_row *row = &l->out->rows[l->out->n++];
    const int64_t n = l->e.ids.n;

    row->line = line;
    row->n = n;
    row->joined = l->e.joined;
    row->ids = mem_array((size_t)n + 1, sizeof(*row->ids));
    row->loss = mem_calloc((size_t)n + 1, sizeof(*row->loss));
    if (!row->ids || !row->loss)
        return err_nomem(err, "to lay a row out");
    for (int64_t i = 0; i < n; i++) {
        row->ids[i] = l->e.ids.v[i];
        row->loss[i] = answered && (l->e.loss.len ? l->e.loss.s[i] != 0
                                                  : i >= l->e.n_context);
    }
    return 0;
}

static bool
has_answer(const struct data_row *row)
{
    const size_t n = json_array_size(row->messages);
    const char *role = n ? json_string_value(json_object_get(
                               json_array_get(row->messages, n - 1), "role"))
                         : NULL;

    if (row->prompt)
        return row->completion != NULL;
    return row->text || (role && strcmp(role, "assistant") == 0);
}

static int
lay_out_row(struct laying *l, struct data_row *row, trv_err *err)
{
    const json_t *const answers[] = {row->chosen, row->rejected};
    int rc;

    if (l->tools)
        row->tools = l->tools;
    if (!row->chosen && has_answer(row)) {
        rc = example_row(&l->e, &l->rules, row, l->on, err);
        return rc ? rc : take(l, row->line, true, err);
    }
    rc = example_context(&l->e, &l->rules, row, NULL, NULL, err);
    if (!rc && !row->chosen)
        return take(l, row->line, false, err);
    for (int i = 0; i < 2 && answers[i] && !rc; i++) {
        rc = example_append(&l->e, &l->rules, row, answers[i], err);
        if (!rc)
            rc = take(l, row->line, true, err);
    }
    return rc;
}

static int
open_tools(json_t **out, const char *path, trv_err *err)
{
    int rc = path ? json_open(out, path, err) : 0;

    if (!rc && path && !json_is_array(*out))
        rc = err_fail(err, TRV_EFORMAT, "'%s' is no list of tools", path);
    return rc;
}

int
trv_lay_out(const trv_model *m, trv_layout *out, const char *path,
            const char *tools, const char *loss_on, trv_err *err)
{
    struct laying l = {.rules = model_text_rules(m->s->model), .out = out};
    struct data data = {0};
    json_t *list = NULL;
    int rc = api_need_tokenizer(m, err);

    *out = (trv_layout){0};
    if (!rc)
        rc = example_loss_named(&l.on, loss_on, err);
    if (!rc)
        rc = open_tools(&list, tools, err);
    l.tools = list;
    if (!rc)
        rc = open_rows(&data, path, err);
    if (!rc) {
        out->rows = mem_calloc((size_t)data.n * 2, sizeof(*out->rows));
        if (!out->rows)
            rc = err_nomem(err, "to lay '%s' out", path);
    }
    for (int64_t i = 0; i < data.n && !rc; i++)
        rc = lay_out_row(&l, &data.rows[i], err);
    example_release(&l.e);
    data_release(&data);
    json_decref(list);
    if (rc)
        trv_layout_release(out);
    return rc;
}

void
trv_layout_release(trv_layout *l)
{
    for (int64_t i = 0; i < l->n; i++) {
        mem_free(l->rows[i].ids);
        mem_free(l->rows[i].loss);
    }
    mem_free(l->rows);
    *l = (trv_layout){0};
}
