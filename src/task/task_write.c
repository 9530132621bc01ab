/* task_write.c -- what a run reads of a task, written into a folder of its own.
 */
#include "task/task.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "task/template.h"

static const char *const split_names[] = {
#define TASK_SPLIT_NAME(id, name) name,
    TASK_SPLIT_LIST(TASK_SPLIT_NAME)
#undef TASK_SPLIT_NAME
};

/* Leave a file alone that holds these bytes already: runs name it by its
 * contents. */
static int
write_same(const char *path, const struct strbuf *b, trv_err *err)
{
    struct strbuf was = {0};
    bool same = false;

    if (file_exists(path) && file_size(path) == (int64_t)b->len &&
        file_read(&was, path, b->len + 1, NULL) == 0)
        same = was.len == b->len && memcmp(was.s, b->s, b->len) == 0;
    sb_release(&was);
    return same ? 0 : file_write_atomic(path, b->s, b->len, err);
}

static int
write_split(struct task *t, enum task_split which, const char *dir,
            trv_err *err)
{
    struct strbuf b = {0}, path = {0};
    json_t *row;
    size_t i;
    int rc = 0;

    if (!t->lines[which])
        return 0;
    json_array_foreach(t->lines[which], i, row)
    {
        char *line = json_dumps(row, JSON_COMPACT);

        if (!rc && (!line || sb_puts(&b, line) || sb_putc(&b, '\n')))
            rc = err_nomem(err, "for a task's rows");
        free(line);
    }
    if (!rc && sb_printf(&path, "%s/%s.jsonl", dir, split_names[which]))
        rc = err_nomem(err, "for a task's rows");
    mem_free(t->file[which]);
    t->file[which] = sb_take(&path);
    if (!rc)
        rc = write_same(t->file[which], &b, err);
    sb_release(&b);
    return rc;
}

/* ---- the prompt ---------------------------------------------------------- */

/* The answer that a row is labelled with, as text; NULL: none. */
static const char *
answer_of(const json_t *row)
{
    const char *answer = json_string_value(json_object_get(row, "answer"));

    return answer ? answer
                  : json_string_value(json_object_get(row, "completion"));
}

/* What is asked: a text, or the last turn of a prompt of messages. */
static const char *
asked_of(const json_t *row)
{
    const json_t *prompt = json_object_get(row, "prompt");
    const size_t n = json_array_size(prompt);

    return json_string_value(
        n ? json_object_get(json_array_get(prompt, n - 1), "content") : prompt);
}

/* Shots of the first rows of train, no answer in more than its share. */
static int
put_demos(json_t *turns, const struct task *t, int64_t shots, trv_err *err)
{
    json_t *row, *seen = json_object();
    int64_t taken = 0, labels = 0;
    size_t i;
    int rc = seen ? 0 : err_nomem(err, "for demonstrations");

    json_array_foreach(t->lines[SPLIT_TRAIN], i, row)
    {
        const char *answer = answer_of(row);

        if (!rc && answer && !json_object_get(seen, answer) &&
            json_object_set_new(seen, answer, json_integer(0)))
            rc = err_nomem(err, "for demonstrations");
    }
    labels = (int64_t)json_object_size(seen);
    json_array_foreach(t->lines[SPLIT_TRAIN], i, row)
    {
        const char *answer = answer_of(row), *asked = asked_of(row);
        json_t *count = answer ? json_object_get(seen, answer) : NULL;

        if (rc || taken == shots)
            break;
        if (!answer || !asked ||
            json_integer_value(count) * labels >= shots + labels - 1)
            continue;
        json_integer_set(count, json_integer_value(count) + 1);
        if (json_array_append_new(turns, json_pack("{s:s,s:s}", "role", "user",
                                                   "content", asked)) ||
            json_array_append_new(
                turns,
                json_pack("{s:s,s:s}", "role", "assistant", "content", answer)))
            rc = err_nomem(err, "for demonstrations");
        taken++;
    }
    if (!rc && taken < shots)
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s': train has no %lld rows with an answer for the "
                      "demonstrations",
                      t->dir, (long long)shots);
    json_decref(seen);
    return rc;
}

static int
write_messages(struct task *t, const json_t *turns, const char *dir,
               trv_err *err)
{
    char *text = json_dumps(turns, JSON_INDENT(1));
    struct strbuf b = {0}, path = {0}, spec = {0};
    int rc = text && !sb_puts(&b, text) &&
                     !sb_printf(&path, "%s/prompt.json", dir) &&
                     !sb_printf(&spec, "messages:%s", path.s)
                 ? 0
                 : err_nomem(err, "for a task's prompt");

    if (!rc)
        rc = write_same(path.s, &b, err);
    t->source[FORM_PROMPT] = sb_take(&spec);
    sb_release(&b);
    sb_release(&path);
    free(text);
    return rc;
}

static int
write_text(struct task *t, const char *text, const char *dir, trv_err *err)
{
    struct strbuf b = {0}, path = {0}, spec = {0};
    int rc = !sb_puts(&b, text) && !sb_printf(&path, "%s/prompt.txt", dir) &&
                     !sb_printf(&spec, "prompt:@%s", path.s)
                 ? 0
                 : err_nomem(err, "for a task's prompt");

    if (!rc)
        rc = write_same(path.s, &b, err);
    t->source[FORM_PROMPT] = sb_take(&spec);
    sb_release(&b);
    sb_release(&path);
    return rc;
}

#define PROMPT_MAX ((size_t)1 << 20)

static int
write_file(struct task *t, const char *name, const char *dir, trv_err *err)
{
    char *path = path_join(t->dir, name);
    struct strbuf b = {0};
    int rc = path ? file_read(&b, path, PROMPT_MAX, err)
                  : err_nomem(err, "for a task's prompt");

    if (!rc)
        rc = write_text(t, b.s ? b.s : "", dir, err);
    sb_release(&b);
    mem_free(path);
    return rc;
}

static int
write_prompt(struct task *t, const char *dir, trv_err *err)
{
    const json_t *conf =
        json_object_get(json_object_get(t->conf, "sources"), "prompt");
    const json_t *messages = json_object_get(conf, "messages");
    const char *text = json_string_value(json_object_get(conf, "text"));
    const char *file = json_string_value(json_object_get(conf, "file"));
    const int64_t shots = json_integer_value(json_object_get(conf, "demos"));
    json_t *turns;
    int rc;

    if (!conf)
        return 0;
    if (text)
        return write_text(t, text, dir, err);
    if (file)
        return write_file(t, file, dir, err);
    if (messages)
        return write_messages(t, messages, dir, err);
    if (shots < 1 || shots > 1000)
        return err_fail(err, TRV_EFORMAT,
                        "'%s': sources.prompt is none of text, messages, file "
                        "and demos (1 to 1000)",
                        t->dir);
    turns = json_array();
    rc = turns ? put_demos(turns, t, shots, err)
               : err_nomem(err, "for demonstrations");
    if (!rc)
        rc = write_messages(t, turns, dir, err);
    json_decref(turns);
    return rc;
}

/* ---- specs --------------------------------------------------------------- */

/* A spec of task.json, {dir} replaced; NULL where there is none. */
static int
place(char **out, const struct task *t, const char *spec, trv_err *err)
{
    struct strbuf b = {0};
    int rc;

    mem_free(*out);
    *out = NULL;
    if (!spec)
        return 0;
    rc = template_place(&b, spec, t->dir, err);
    *out = sb_take(&b);
    return rc;
}

static int
place_all(struct task *t, trv_err *err)
{
    const char *given = json_string_value(
        json_object_get(json_object_get(t->conf, "metric"), "spec"));
    const char *reward = json_string_value(json_object_get(t->conf, "reward"));
    const char *metric = given;
    int rc = place(&t->reward, t, reward, err);

    if (!rc)
        rc = place(&t->source[FORM_REWARD], t, reward, err);
    if (!rc)
        rc = place(&t->source[FORM_PARAMS], t, t->params.spec, err);
    if (!rc)
        rc = place(&t->second_reward, t,
                   json_string_value(json_object_get(t->conf, "second_reward")),
                   err);
    if (!metric && strcmp(t->metric_kind, "accuracy") == 0)
        metric = "verifier:exact,column=answer";
    else if (!metric && strcmp(t->metric_kind, "number") == 0)
        metric = "verifier:number,column=answer";
    else if (!metric && strcmp(t->metric_kind, "reward") == 0)
        metric = reward;
    if (!rc)
        rc = place(&t->metric, t, metric, err);
    return rc;
}

int
task_write(struct task *t, const char *dir, trv_err *err)
{
    int rc = dir_make(dir, err);

    for (int s = 0; s < SPLIT_COUNT && !rc; s++)
        rc = write_split(t, (enum task_split)s, dir, err);
    if (!rc)
        rc = write_prompt(t, dir, err);
    return rc ? rc : place_all(t, err);
}
