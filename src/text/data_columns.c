/* data_columns.c -- which columns of a file are read. */
#include "text/data_columns.h"

#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"

#define NAMED_MAX 12 // of the columns that are not used

enum use { READ, UNUSED, REFUSED };

static const struct column {
    const char *name;
    enum use use;
    const char *with, *help;
} columns[] = {
#define TRV_COLUMN(NAME, USE, WITH, HELP) {NAME, USE, WITH, HELP},
#include <trivium/data_columns.def>
};

/* Keys of a message that other tools train by. */
static const char *const message_keys[] = {"weight", "train"};

static const struct column *
find(const char *name)
{
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        if (strcmp(columns[i].name, name) == 0)
            return &columns[i];
    return NULL;
}

static bool
is_empty(const json_t *v)
{
    return !v || json_is_null(v) ||
           (json_is_array(v) && json_array_size(v) == 0) ||
           (json_is_string(v) && json_string_length(v) == 0);
}

/* Is the column there that this one is read with? What becomes a prompt counts
 * as one; input becomes one where it stands with output alone. */
static bool
is_read(const struct column *c, const json_t *json)
{
    if (c->use != READ)
        return false;
    if (!c->with || json_object_get(json, c->with))
        return true;
    if (strcmp(c->name, "input") == 0)
        return json_object_get(json, "output") &&
               !json_object_get(json, "prompt");
    return strcmp(c->with, "prompt") == 0 &&
           (json_object_get(json, "instruction") ||
            json_object_get(json, "input") ||
            json_object_get(json, "question") ||
            json_object_get(json, "problem"));
}

/* Is it for a chat template, in a row that is no conversation? */
static bool
is_idle(const char *name, const json_t *json)
{
    static const char *const variables[] = {"tools", "functions",
                                            "chat_template_kwargs"};
    static const char *const turns[] = {"messages", "conversations", "system",
                                        "history"};
    const json_t *prompt = json_object_get(json, "prompt");
    bool is = false;

    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        is |= strcmp(name, variables[i]) == 0;
    for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++)
        is = is && is_empty(json_object_get(json, turns[i]));
    return is && !json_is_array(prompt) && !json_is_object(prompt);
}

static int
note(json_t **unused, const char *name, const char *help)
{
    if (!*unused)
        *unused = json_object();
    if (!*unused)
        return TRV_ENOMEM;
    if (json_object_get(*unused, name))
        return 0;
    return json_object_set_new(*unused, name, json_string(help)) ? TRV_ENOMEM
                                                                 : 0;
}

/* Keys of messages, in whatever column they stand. */
static int
note_messages(json_t **unused, const json_t *json)
{
    static const char *const turns[] = {"messages", "conversations", "prompt",
                                        "completion"};
    int rc = 0;

    for (size_t t = 0; t < sizeof(turns) / sizeof(turns[0]); t++) {
        const json_t *list = json_object_get(json, turns[t]);

        for (size_t i = 0; i < json_array_size(list); i++)
            for (size_t k = 0; k < 2 && !rc; k++)
                if (json_object_get(json_array_get(list, i), message_keys[k]))
                    rc = note(unused, message_keys[k],
                              "all rows and messages weigh alike");
    }
    return rc;
}

int
data_columns_note(json_t **unused, const struct data_row *row,
                  const json_t *json, trv_err *err)
{
    const char *name;
    json_t *value;
    int rc = note_messages(unused, json);

    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        const struct column *c = find(name);

        if (c && c->use == REFUSED && !is_empty(value))
            return data_row_fail(row, err, TRV_EFORMAT,
                                 "column '%s' is not empty, and models here "
                                 "read text alone",
                                 name);
        if (rc || is_empty(value))
            continue;
        if (is_idle(name, json))
            rc = note(unused, name, "where the row is no conversation");
        else if (!c || !is_read(c, json))
            rc = note(unused, name, c && c->use == UNUSED ? c->help : "");
    }
    return rc ? data_row_fail(row, err, rc, "no memory for the row") : 0;
}

/* ---- what must not be dropped ------------------------------------------- */

/* A weight that changes nothing. */
static bool
is_one(const json_t *v)
{
    return is_empty(v) || json_is_true(v) ||
           (json_is_number(v) && !(json_number_value(v) < 1.0) &&
            !(json_number_value(v) > 1.0));
}

static int
check_weights(const struct data_row *row, trv_err *err)
{
    if (!is_one(json_object_get(row->json, "weight")))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "column 'weight' is not 1, and all rows are "
                             "learned alike: repeat or leave out rows instead");
    for (size_t i = 0; i < json_array_size(row->messages); i++)
        for (size_t k = 0; k < 2; k++)
            if (!is_one(json_object_get(json_array_get(row->messages, i),
                                        message_keys[k])))
                return data_row_fail(
                    row, err, TRV_EFORMAT,
                    "a message has '%s' that is not 1, and messages are "
                    "learned alike: --loss-on chooses which",
                    message_keys[k]);
    return 0;
}

int
data_columns_check(const struct data_row *row, enum data_use use, trv_err *err)
{
    const bool labelled = row->completion && row->label >= 0;

    if (use == DATA_SFT && row->chosen)
        return data_row_fail(
            row, err, TRV_EFORMAT,
            "the row is a preference pair, of which sft would learn neither "
            "answer: 'trivium train --method dpo' (or orpo) learns from both, "
            "'--method reward --to head:OUT' makes a reward model of them");
    if (use != DATA_LABELS && labelled && !row->chosen)
        return data_row_fail(
            row, err, TRV_EFORMAT,
            "column 'label' says whether the answer is good: 'trivium train "
            "--method kto' learns from it, %s does not",
            use == DATA_SFT     ? "sft"
            : use == DATA_PAIRS ? "a method of pairs"
                                : "a reward model");
    if (use != DATA_REWARD && row->chosen &&
        !is_empty(json_object_get(row->json, "margin")))
        return data_row_fail(
            row, err, TRV_EFORMAT,
            "column 'margin' is read by 'trivium train --method reward' "
            "alone; here all pairs weigh alike");
    return check_weights(row, err);
}

int
data_columns_line(char **line, const json_t *unused, const char *path,
                  trv_err *err)
{
    const size_t n = json_object_size(unused);
    struct strbuf b = {0};
    const char *name;
    json_t *help;
    size_t i = 0;
    int rc;

    *line = NULL;
    if (n == 0)
        return 0;
    rc = sb_printf(&b,
                   "columns of '%s' that are used only by a check "
                   "that names them: ",
                   path);
    json_object_foreach((json_t *)(uintptr_t)unused, name, help)
    {
        if (rc || i == NAMED_MAX)
            break;
        rc = sb_printf(&b, "%s%.60s", i ? ", " : "", name);
        if (!rc && json_string_length(help))
            rc = sb_printf(&b, " (%s)", json_string_value(help));
        i++;
    }
    if (!rc && n > i)
        rc = sb_printf(&b, " and %zu more", n - i);
    if (!rc)
        *line = sb_take(&b);
    sb_release(&b);
    return rc ? err_nomem(err, "to read '%s'", path) : 0;
}
