/* data_turns.c -- columns that belong to a row's conversation. */
#include "text/data_turns.h"

#include <string.h>

static json_t *
column(const struct data_row *row, const char *key)
{
    json_t *v = json_object_get(row->json, key);

    return json_is_null(v) ? NULL : v;
}

static int
no_memory(const struct data_row *row, trv_err *err)
{
    return data_row_fail(row, err, TRV_ENOMEM, "no memory for the row");
}

/* ---- what the template is given ----------------------------------------- */

/* Parse a column that is JSON text; empty text counts as absent. */
static int
parse_column(struct data_row *row, const char *key, const char *want,
             trv_err *err)
{
    const json_t *v = column(row, key);
    json_error_t why;
    json_t *parsed;

    if (!json_is_string(v))
        return 0;
    if (json_string_length(v) == 0)
        return json_object_del(row->json, key) ? no_memory(row, err) : 0;
    parsed = json_loadb(json_string_value(v), json_string_length(v), 0, &why);
    if (!parsed && json_error_code(&why) == json_error_out_of_memory)
        return no_memory(row, err);
    if (!parsed)
        return data_row_fail(row, err, TRV_EFORMAT,
                             "column '%s' is a string that is not the JSON of "
                             "%s: %s",
                             key, want, why.text);
    return json_object_set_new(row->json, key, parsed) ? no_memory(row, err)
                                                       : 0;
}

/* OpenAI's `functions`: each becomes a tool of type function. */
static int
take_functions(struct data_row *row, trv_err *err)
{
    json_t *list = column(row, "functions"), *tools;
    size_t i;
    json_t *f;

    if (!list || column(row, "tools"))
        return 0;
    if (!json_is_array(list))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "column 'functions' is not an array");
    tools = json_array();
    json_array_foreach(list, i, f)
    {
        if (!tools || json_array_append_new(tools, json_pack("{s:s,s:O}",
                                                             "type", "function",
                                                             "function", f))) {
            json_decref(tools);
            return no_memory(row, err);
        }
    }
    return json_object_set_new(row->json, "tools", tools) ||
                   json_object_del(row->json, "functions")
               ? no_memory(row, err)
               : 0;
}

static int
read_variables(struct data_row *row, trv_err *err)
{
    static const char *const taken[] = {
        "messages",      "conversation", "tools",      "add_generation_prompt",
        "chat_template", "tokenize",     "return_dict"};
    const json_t *v;
    int rc = parse_column(row, "tools", "an array", err);

    if (!rc)
        rc = parse_column(row, "functions", "an array", err);
    if (!rc)
        rc = take_functions(row, err);
    if (!rc)
        rc = parse_column(row, "chat_template_kwargs", "an object", err);
    if (rc)
        return rc;
    v = column(row, "tools");
    if (v && !json_is_array(v))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "column 'tools' is neither an array nor its JSON "
                             "text");
    v = column(row, "chat_template_kwargs");
    if (v && !json_is_object(v))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "column 'chat_template_kwargs' is not an object");
    for (size_t i = 0; v && i < sizeof(taken) / sizeof(taken[0]); i++)
        if (json_object_get(v, taken[i]))
            return data_row_fail(row, err, TRV_EFORMAT,
                                 "column 'chat_template_kwargs' sets '%s', "
                                 "which the row itself gives",
                                 taken[i]);
    return 0;
}

/* ---- turns -------------------------------------------------------------- */

static json_t *
message(const char *role, const json_t *text)
{
    return json_pack("{s:s,s:O}", "role", role, "content", text);
}

/* [[question, answer], ...] */
static int
add_history(json_t *turns, const struct data_row *row, const json_t *history,
            trv_err *err)
{
    const json_t *pair;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)history, i, pair)
    {
        const json_t *q = json_array_get(pair, 0), *a = json_array_get(pair, 1);

        if (json_array_size(pair) != 2 || !json_is_string(q) ||
            !json_is_string(a))
            return data_row_fail(row, err, TRV_EFORMAT,
                                 "column 'history' holds more than pairs of "
                                 "strings, [[question, answer], ...]");
        if (json_array_append_new(turns, message("user", q)) ||
            json_array_append_new(turns, message("assistant", a)))
            return no_memory(row, err);
    }
    return 0;
}

/* A text of `key`, or one message, becomes an array of messages. A column
 * `answer` that became the completion stays one with it. */
static int
text_to_turn(const struct data_row *row, const char *key, const char *role,
             trv_err *err)
{
    json_t *v = column(row, key), *turns = NULL;
    const bool answers = v && v == column(row, "answer");
    int bad;

    if (json_is_string(v))
        turns = json_pack("[o]", message(role, v));
    else if (json_is_object(v))
        turns = json_pack("[O]", v);
    else
        return 0;
    bad = !turns || json_object_set(row->json, key, turns) ||
          (answers && json_object_set(row->json, "answer", turns));
    json_decref(turns);
    return bad ? no_memory(row, err) : 0;
}

/* Does the conversation begin with a system message that is not this? */
static bool
has_other_system(const json_t *own, const json_t *system, bool *same)
{
    const json_t *first = json_array_get(own, 0);
    const json_t *role = json_object_get(first, "role");
    const json_t *content = json_object_get(first, "content");

    role = role ? role : json_object_get(first, "from");
    content = content ? content : json_object_get(first, "value");
    if (!json_is_string(role) || strcmp(json_string_value(role), "system") != 0)
        return false;
    *same =
        json_equal((json_t *)(uintptr_t)content, (json_t *)(uintptr_t)system);
    return !*same;
}

/* The turns of `key`, after system and history. */
static int
put_turns(struct data_row *row, const char *key, const json_t *system,
          const json_t *history, trv_err *err)
{
    json_t *own = column(row, key), *turns = json_array();
    bool same = false;
    int rc = turns ? 0 : no_memory(row, err);

    if (!rc && !json_is_array(own))
        rc = data_row_fail(row, err, TRV_EFORMAT,
                           "column '%s' is neither a string nor messages", key);
    if (!rc && system && has_other_system(own, system, &same))
        rc = data_row_fail(row, err, TRV_EFORMAT,
                           "column 'system' beside a system message in '%s'",
                           key);
    if (!rc && system && !same &&
        json_array_append_new(turns, message("system", system)))
        rc = no_memory(row, err);
    if (!rc)
        rc = add_history(turns, row, history, err);
    if (!rc && (json_array_extend(turns, own) ||
                json_object_set(row->json, key, turns)))
        rc = no_memory(row, err);
    json_decref(turns);
    return rc;
}

int
data_turns_join(struct data_row *row, trv_err *err)
{
    json_t *system = column(row, "system"), *history = column(row, "history");
    const char *key =
        json_is_array(column(row, "messages")) ? "messages" : "prompt";
    int rc = read_variables(row, err);

    if (rc)
        return rc;
    if (system && !json_is_string(system))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "column 'system' is not a string");
    if (history && !json_is_array(history))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "column 'history' is not an array");
    system = json_string_length(system) ? system : NULL;
    history = json_array_size(history) ? history : NULL;
    if (!system && !history)
        return 0;
    if (!column(row, key))
        return data_row_fail(row, err, TRV_EFORMAT,
                             "column '%s' without messages and without prompt",
                             system ? "system" : "history");
    rc = text_to_turn(row, "prompt", "user", err);
    if (!rc)
        rc = text_to_turn(row, "completion", "assistant", err);
    if (!rc)
        rc = text_to_turn(row, "chosen", "assistant", err);
    if (!rc)
        rc = text_to_turn(row, "rejected", "assistant", err);
    if (!rc)
        rc = put_turns(row, key, system, history, err);
    if (rc)
        return rc;
    (void)json_object_del(row->json, "system"); // they are turns now
    (void)json_object_del(row->json, "history");
    return 0;
}
