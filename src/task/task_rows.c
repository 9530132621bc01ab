/* task_rows.c -- sets of rows, brought into canonical columns. */
#include "task/task_rows.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "task/loaders.h"
#include "task/template.h"

#define ROWS_WANT "for a task's rows"

/* ---- files --------------------------------------------------------------- */

/* Where a file would lie that is there only compressed. */
static int
refuse_packed(const struct rows_conf *c, const char *packed, trv_err *err)
{
    return err_fail(err, TRV_EIO,
                    "'%s': %s: '%s' is there only as '%s'; this unpacks it: "
                    "mkdir -p \"$(dirname '%s/%s')\" && gunzip -c '%s' > "
                    "'%s/%s'",
                    c->task, c->where, c->file, packed, c->dir, c->file, packed,
                    c->dir, c->file);
}

/* The file that a task names: in its own folder, or in the second one. */
static int
find_file(char **out, const struct rows_conf *c, trv_err *err)
{
    const char *const dirs[] = {c->dir, c->data};
    struct strbuf b = {0};
    int rc = 0;

    *out = NULL;
    if (c->file[0] == '/') {
        *out = mem_strdup(c->file);
        rc = *out ? 0 : err_nomem(err, ROWS_WANT);
    }
    for (int pass = 0; pass < 2 && !rc && !*out; pass++)
        for (int i = 0; i < 2 && !rc && !*out; i++) {
            sb_reset(&b);
            if (!dirs[i])
                continue;
            if (sb_printf(&b, "%s/%s%s", dirs[i], c->file, pass ? ".gz" : ""))
                rc = err_nomem(err, ROWS_WANT);
            else if (file_exists(b.s) && pass)
                rc = refuse_packed(c, b.s, err);
            else if (file_exists(b.s))
                *out = sb_take(&b);
        }
    sb_release(&b);
    if (*out && data_is_stream(*out)) {
        rc = err_fail(err, TRV_EIO, "'%s': %s: '%s' is no regular file",
                      c->task, c->where, *out);
        mem_free(*out);
        *out = NULL;
    }
    if (rc || *out)
        return rc;
    return c->data
               ? err_fail(err, TRV_EIO,
                          "'%s': %s: '%s' is neither in '%s' nor "
                          "in '%s'",
                          c->task, c->where, c->file, c->dir, c->data)
               : err_fail(err, TRV_EIO,
                          "'%s': %s: '%s' is not in '%s'; --data names another "
                          "folder to look in",
                          c->task, c->where, c->file, c->dir);
}

/* ---- columns ------------------------------------------------------------- */

const char *
rows_text(const json_t *row, const char *column)
{
    const json_t *v = json_object_get(row, column);
    const size_t n = json_array_size(v);

    if (n > 0)
        v = json_object_get(json_array_get(v, n - 1), "content");
    return json_string_value(v);
}

const char *
rows_asked(const json_t *row)
{
    return rows_text(row, "prompt");
}

/* A conversation, or a text, as a prompt; the last answer is the row's. */
static int
set_prompt(json_t *json, const struct data_row *row)
{
    const size_t n = json_array_size(row->messages);
    const json_t *last = n ? json_array_get(row->messages, n - 1) : NULL;
    const char *role = json_string_value(json_object_get(last, "role"));
    const bool answered = role && n > 1 && strcmp(role, "assistant") == 0;
    json_t *turns;
    int rc;

    if (row->prompt)
        return 0;
    if (!row->messages)
        return row->text
                   ? json_object_set_new(json, "prompt", json_string(row->text))
                   : 0;
    turns = json_copy((json_t *)(uintptr_t)row->messages);
    rc = !turns;
    if (!rc && answered)
        rc = json_object_set(json, "completion",
                             json_object_get(last, "content")) ||
             json_array_remove(turns, n - 1);
    rc = rc || json_object_set(json, "prompt", turns);
    json_decref(turns);
    return rc;
}

/* `completion` and `answer` each stand for the other; of a pair the better
 * answer is what there is to learn. */
static int
set_answer(json_t *json)
{
    const char *text = rows_text(json, "answer");
    const bool is_text = json_is_string(json_object_get(json, "answer"));

    if (!text)
        text = rows_text(json, "completion");
    if (!text)
        text = rows_text(json, "chosen");
    if (!text || json_is_number(json_object_get(json, "answer")))
        return 0;
    if (!json_object_get(json, "completion") &&
        json_object_set_new(json, "completion", json_string(text)))
        return -1;
    return is_text ? 0 : json_object_set_new(json, "answer", json_string(text));
}

/* A text as the turn of a role. */
static int
set_turn(json_t *json, const char *column, const char *role)
{
    json_t *text = json_object_get(json, column);

    if (!json_is_string(text))
        return 0;
    return json_object_set_new(
        json, column, json_pack("[{s:s,s:O}]", "role", role, "content", text));
}

/* What a second reading would take for something else. */
static void
drop_read(json_t *json, bool is_pairs)
{
    static const char *const read[] = {"messages", "conversations", "text",
                                       "system", "history"};
    static const char *const pair[] = {"chosen", "rejected", "margin"};
    static const char *const one[] = {"completion"};

    for (size_t i = 0; i < sizeof(read) / sizeof(*read); i++)
        json_object_del(json, read[i]);
    if (is_pairs)
        json_object_del(json, one[0]);
    for (size_t i = 0; !is_pairs && i < sizeof(pair) / sizeof(*pair); i++)
        json_object_del(json, pair[i]);
}

/* Set a column from a template of columns. */
static int
put_filled(json_t *json, const char *column, const char *key,
           const char *template, const struct rows_conf *c, int64_t line,
           trv_err *err)
{
    struct strbuf b = {0};
    int rc = template_fill(&b, template, json, key, line, err);

    if (rc == TRV_EFORMAT)
        rc = err_prefix(err, "'%s': %s", c->task, c->where);
    if (!rc &&
        json_object_set_new(json, column, json_stringn(b.s ? b.s : "", b.len)))
        rc = err_nomem(err, ROWS_WANT);
    sb_release(&b);
    return rc;
}

/* The word that stands for a column's value. */
static int
put_word(json_t *json, const char *column, const struct rows_conf *c,
         int64_t line, trv_err *err)
{
    const char *value = json_string_value(json_object_get(json, column));
    json_t *word = value ? json_object_get(c->answers, value) : NULL;
    char hint[NEAREST_HINT];

    if (!value)
        return 0;
    if (!word)
        return err_fail(err, TRV_EFORMAT,
                        "'%s': %s: line %lld of '%s' has the %s '%.60s', which "
                        "answers has no word for%s",
                        c->task, c->where, (long long)line, c->file, column,
                        value, data_column_hint(hint, c->answers, value));
    return json_object_set(json, column, word) ? err_nomem(err, ROWS_WANT) : 0;
}

/* Of two words the other one is wrong. */
static int
put_other(json_t *json, const struct rows_conf *c, trv_err *err)
{
    const json_t *answer = json_object_get(json, "answer");
    const char *key;
    json_t *word;

    if (json_object_size(c->answers) != 2 || json_object_get(json, "wrong"))
        return 0;
    json_object_foreach((json_t *)(uintptr_t)c->answers, key, word)
    {
        if (!json_equal(word, answer) && json_object_set(json, "wrong", word))
            return err_nomem(err, ROWS_WANT);
    }
    return 0;
}

/* The answer that the task makes of a row, in place of the row's own. */
static int
put_answer(json_t *json, const struct rows_conf *c, int64_t line, trv_err *err)
{
    int rc = 0;

    if (!c->answer && !c->answers)
        return 0;
    if (c->answer)
        rc = put_filled(json, "answer", "answer", c->answer, c, line, err);
    if (!rc && c->answers)
        rc = put_word(json, "answer", c, line, err);
    if (!rc && c->answers)
        rc = put_word(json, "wrong", c, line, err);
    if (!rc && c->answers)
        rc = put_other(json, c, err);
    json_object_del(json, "completion");
    return rc;
}

/* The prompt as the layout has it. */
static int
put_layout(json_t *json, const struct rows_conf *c, int64_t line, trv_err *err)
{
    const bool chat = c->layout && strcmp(c->layout, "chat") == 0;
    const bool turns = json_is_array(json_object_get(json, "prompt"));

    if (turns && c->layout && !chat)
        return err_fail(err, TRV_EFORMAT,
                        "'%s': %s: line %lld of '%s' asks by messages, and "
                        "layout is raw",
                        c->task, c->where, (long long)line, c->file);
    if (chat && !turns && set_turn(json, "prompt", "user"))
        return err_nomem(err, ROWS_WANT);
    if ((chat || turns) && (set_turn(json, "chosen", "assistant") ||
                            set_turn(json, "rejected", "assistant")))
        return err_nomem(err, ROWS_WANT);
    return 0;
}

/* A pair where the row has an answer and a wrong one. */
static int
put_pair(json_t *json, const struct rows_conf *c, int64_t line, trv_err *err)
{
    const char *right = rows_text(json, "completion");
    const char *wrong = json_string_value(json_object_get(json, "wrong"));

    if (json_object_get(json, "chosen"))
        return 0;
    if (!right)
        right = json_string_value(json_object_get(json, "answer"));
    if (!right || !wrong)
        return err_fail(err, TRV_EFORMAT,
                        "'%s': %s: line %lld of '%s' is no pair: it has "
                        "neither 'chosen' and 'rejected' nor 'answer' and "
                        "'wrong'",
                        c->task, c->where, (long long)line, c->file);
    return json_object_set_new(json, "chosen", json_string(right)) ||
                   json_object_set_new(json, "rejected", json_string(wrong))
               ? err_nomem(err, ROWS_WANT)
               : 0;
}

static int
put_row(json_t *list, const struct data_row *row, const struct rows_conf *c,
        trv_err *err)
{
    json_t *json = row->json;
    int rc = 0;

    if (set_prompt(json, row))
        rc = err_nomem(err, ROWS_WANT);
    if (!rc)
        rc = put_answer(json, c, row->line, err);
    if (!rc && set_answer(json))
        rc = err_nomem(err, ROWS_WANT);
    if (!rc && c->ask)
        rc = put_filled(json, "prompt", "ask", c->ask, c, row->line, err);
    if (!rc && !json_object_get(json, "prompt"))
        rc = data_row_fail(row, err, TRV_EFORMAT,
                           "the row has nothing that is asked (prompt, text, "
                           "messages)");
    if (!rc && c->is_pairs)
        rc = put_pair(json, c, row->line, err);
    if (!rc)
        drop_read(json, c->is_pairs);
    if (!rc)
        rc = put_layout(json, c, row->line, err);
    if (!rc && json_array_append(list, json))
        rc = err_nomem(err, ROWS_WANT);
    return rc;
}

/* ---- the whole ----------------------------------------------------------- */

static int
note_left_out(struct rows *out, const struct data *d, trv_err *err)
{
    struct strbuf b = {0};

    out->left_out = d->left_out;
    if (!d->left_out)
        return 0;
    if (sb_printf(&b, "'%s' line %lld %s", d->path, (long long)d->left_out_line,
                  d->left_out_why))
        return err_nomem(err, ROWS_WANT);
    out->why = sb_take(&b);
    return 0;
}

static int
find_loader(const struct loader **out, const struct rows_conf *c, trv_err *err)
{
    char hint[NEAREST_HINT], names[200] = "";
    size_t at = 0;

    *out = loader_find(c->loader);
    if (*out)
        return 0;
    for (int i = 0; loader_at(i) && at + 1 < sizeof(names); i++)
        at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
                               i ? ", " : "", loader_at(i)->name);
    return err_fail(err, TRV_EFORMAT,
                    "'%s': %s: there is no loader '%.60s' (%s)%s", c->task,
                    c->where, c->loader, names,
                    nearest_hint(hint, c->loader, strlen(c->loader), names));
}

int
rows_read(struct rows *out, const struct rows_conf *c, trv_err *err)
{
    const struct loader *loader;
    struct data d = {0};
    char *path = NULL;
    int rc = find_loader(&loader, c, err);

    *out = (struct rows){.list = json_array()};
    if (!rc && !out->list)
        rc = err_nomem(err, ROWS_WANT);
    if (!rc)
        rc = find_file(&path, c, err);
    if (!rc)
        rc = data_open_as(&d, path,
                          c->ask && loader == loader_at(0) ? &loader_asked
                                                           : &loader->how,
                          err);
    if (!rc)
        rc = note_left_out(out, &d, err);
    for (int64_t i = c->skip; !rc && i < d.n && i - c->skip < c->limit; i++)
        rc = put_row(out->list, &d.rows[i], c, err);
    if (!rc && json_array_size(out->list) == 0)
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s': %s: '%s' has %lld rows, and %lld are skipped",
                      c->task, c->where, path, (long long)d.n,
                      (long long)c->skip);
    data_release(&d);
    mem_free(path);
    if (rc)
        rows_release(out);
    return rc;
}

int
rows_pair(struct rows *out, const struct rows *from, const struct rows_conf *c,
          trv_err *err)
{
    json_t *row, *pair;
    size_t i;
    int rc = 0;

    json_array_foreach(from->list, i, row)
    {
        if (!json_is_string(json_object_get(row, "wrong")) ||
            !rows_text(row, "completion"))
            return 0;
    }
    out->list = json_array();
    if (!out->list)
        return err_nomem(err, ROWS_WANT);
    json_array_foreach(from->list, i, row)
    {
        pair = json_copy(row);
        rc = pair ? put_pair(pair, c, (int64_t)i + 1, err)
                  : err_nomem(err, ROWS_WANT);
        if (!rc)
            json_object_del(pair, "completion");
        if (!rc)
            rc = put_layout(pair, c, (int64_t)i + 1, err);
        if (!rc && json_array_append(out->list, pair))
            rc = err_nomem(err, ROWS_WANT);
        json_decref(pair);
        if (rc)
            break;
    }
    if (rc)
        rows_release(out);
    return rc;
}

void
rows_release(struct rows *r)
{
    json_decref(r->list);
    mem_free(r->why);
    *r = (struct rows){0};
}
