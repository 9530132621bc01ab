/* task_write.c -- what a run reads of a task, written into a folder of its own.
 */
#include "task/task.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "learn/loop/shuffle.h"
#include "task/template.h"

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

/* Rows as JSON lines. */
static int
put_lines(struct strbuf *b, const json_t *rows, trv_err *err)
{
    const json_t *row;
    size_t i;
    int rc = 0;

    json_array_foreach(rows, i, row)
    {
        char *line = json_dumps(row, JSON_COMPACT);

        if (!rc && (!line || sb_puts(b, line) || sb_putc(b, '\n')))
            rc = err_nomem(err, "for a task's rows");
        free(line);
    }
    return rc;
}

static int
write_split(struct task *t, enum task_split which, const char *dir,
            trv_err *err)
{
    struct strbuf b = {0}, path = {0};
    int rc;

    mem_free(t->file[which]);
    t->file[which] = NULL;
    if (!t->sets[which].list)
        return 0;
    rc = put_lines(&b, t->sets[which].list, err);
    if (!rc && sb_printf(&path, "%s/%s.jsonl", dir, task_split_name(which)))
        rc = err_nomem(err, "for a task's rows");
    if (!rc)
        rc = write_same(path.s, &b, err);
    t->file[which] = sb_take(&path);
    sb_release(&b);
    return rc;
}

/* ---- the prompt ---------------------------------------------------------- */

/* How many different answers rows have, each with a count of 0. */
static int
count_answers(json_t **out, const json_t *rows, trv_err *err)
{
    const json_t *row;
    size_t i;

    *out = json_object();
    json_array_foreach(rows, i, row)
    {
        const char *answer = rows_text(row, "completion");

        if (*out && answer && !json_object_get(*out, answer) &&
            json_object_set_new(*out, answer, json_integer(0))) {
            json_decref(*out);
            *out = NULL;
        }
    }
    return *out ? 0 : err_nomem(err, "for demonstrations");
}

static int
put_demo(json_t *list, const char *asked, const char *answer, bool chat)
{
    if (!chat)
        return json_array_append_new(
            list,
            json_pack("{s:s,s:s}", "prompt", asked, "completion", answer));
    return json_array_append_new(list, json_pack("{s:s,s:s}", "role", "user",
                                                 "content", asked)) ||
           json_array_append_new(
               list,
               json_pack("{s:s,s:s}", "role", "assistant", "content", answer));
}

/* Where a demonstration may be taken from a row: it is one turn with an answer
 * that is in no more of them than its share. */
static bool
is_wanted(const json_t *row, const json_t *seen, int64_t shots)
{
    const int64_t labels = (int64_t)json_object_size(seen);
    const char *answer = rows_text(row, "completion");

    return answer && rows_asked(row) &&
           json_array_size(json_object_get(row, "prompt")) <= 1 &&
           json_integer_value(json_object_get(seen, answer)) * labels <
               shots + labels - 1;
}

/* Rows of train as demonstrations: the first, or some of chance where the task
 * gives a seed. A file may have a pattern, such as yes and no by turns, that a
 * model goes on with, and small models depend on the order. */
static int
put_demos(json_t *list, const struct task *t, int64_t shots, bool chat,
          trv_err *err)
{
    const json_t *rows = t->sets[SPLIT_TRAIN].list;
    struct shuffle order = {0};
    json_t *seen = NULL;
    int64_t taken = 0;
    const json_t *prompt =
        json_object_get(json_object_get(t->conf, "sources"), "prompt");
    const json_t *seed = json_object_get(prompt, "seed");
    int rc = shuffle_init(&order, t->rows[SPLIT_TRAIN],
                          (uint64_t)json_integer_value(seed), err);

    if (!rc)
        rc = count_answers(&seen, rows, err);
    for (int64_t i = 0; i < t->rows[SPLIT_TRAIN] && taken < shots && !rc; i++) {
        const json_t *row =
            json_array_get(rows, (size_t)(seed ? shuffle_at(&order, i) : i));
        const char *answer = rows_text(row, "completion");
        json_t *count;

        if (!is_wanted(row, seen, shots))
            continue;
        count = json_object_get(seen, answer);
        json_integer_set(count, json_integer_value(count) + 1);
        if (put_demo(list, rows_asked(row), answer, chat))
            rc = err_nomem(err, "for demonstrations");
        taken++;
    }
    if (!rc && taken < shots)
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s': sources.prompt wants %lld demonstrations, and "
                      "train has %lld rows of one turn with an answer",
                      t->dir, (long long)shots, (long long)taken);
    shuffle_release(&order);
    json_decref(seen);
    return rc;
}

/* Write the prompt into a file of this name, and name it by `prefix`. */
static int
write_source(struct task *t, const struct strbuf *b, const char *dir,
             const char *name, const char *prefix, trv_err *err)
{
    struct strbuf path = {0}, spec = {0};
    int rc = sb_printf(&path, "%s/%s", dir, name) ||
                     sb_printf(&spec, "%s%s", prefix, path.s)
                 ? err_nomem(err, "for a task's prompt")
                 : write_same(path.s, b, err);

    t->source[FORM_PROMPT] = sb_take(&spec);
    sb_release(&path);
    return rc;
}

static int
write_messages(struct task *t, const json_t *turns, const char *dir,
               trv_err *err)
{
    char *text = json_dumps(turns, JSON_INDENT(1));
    struct strbuf b = {0};
    int rc = text && !sb_puts(&b, text)
                 ? write_source(t, &b, dir, "prompt.json", "messages:", err)
                 : err_nomem(err, "for a task's prompt");

    sb_release(&b);
    free(text);
    return rc;
}

static int
write_text(struct task *t, const char *text, const char *dir, trv_err *err)
{
    struct strbuf b = {0};
    int rc = sb_puts(&b, text)
                 ? err_nomem(err, "for a task's prompt")
                 : write_source(t, &b, dir, "prompt.txt", "prompt:@", err);

    sb_release(&b);
    return rc;
}

/* Rows that demos: reads. */
static int
write_lines(struct task *t, const json_t *rows, const char *dir, trv_err *err)
{
    struct strbuf b = {0};
    int rc = put_lines(&b, rows, err);

    if (!rc)
        rc = write_source(t, &b, dir, "prompt.jsonl", "demos:", err);
    sb_release(&b);
    return rc;
}

#define PROMPT_MAX ((size_t)1 << 20)

/* A text, or messages where its name ends in .json. */
static int
write_file(struct task *t, const char *name, const char *dir, trv_err *err)
{
    const size_t n = strlen(name);
    const bool is_json = n > 5 && strcmp(name + n - 5, ".json") == 0;
    char *path = path_join(t->dir, name);
    struct strbuf b = {0};
    json_t *turns = NULL;
    int rc = !path     ? err_nomem(err, "for a task's prompt")
             : is_json ? json_open(&turns, path, err)
                       : file_read(&b, path, PROMPT_MAX, err);

    if (!rc)
        rc = is_json ? write_messages(t, turns, dir, err)
                     : write_text(t, b.s ? b.s : "", dir, err);
    json_decref(turns);
    sb_release(&b);
    mem_free(path);
    return rc;
}

/* Demonstrations: turns of a chat behind messages, where the task is one, else
 * rows that stand before any input. */
static int
write_demos(struct task *t, const json_t *before, int64_t shots,
            const char *dir, trv_err *err)
{
    const bool chat = t->kinds[FORM_PROMPT] == KIND_MESSAGES;
    json_t *list =
        before ? json_copy((json_t *)(uintptr_t)before) : json_array();
    int rc = list ? put_demos(list, t, shots, chat, err)
                  : err_nomem(err, "for demonstrations");

    if (!rc)
        rc = chat ? write_messages(t, list, dir, err)
                  : write_lines(t, list, dir, err);
    json_decref(list);
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
    const json_t *demos = json_object_get(conf, "demos");

    mem_free(t->source[FORM_PROMPT]);
    t->source[FORM_PROMPT] = NULL;
    if (text)
        return write_text(t, text, dir, err);
    if (file)
        return write_file(t, file, dir, err);
    if (demos)
        return write_demos(t, messages, json_integer_value(demos), dir, err);
    return messages ? write_messages(t, messages, dir, err) : 0;
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

/* What a metric is a mean of. */
static const char *
metric_spec(const struct task *t)
{
    static const char *const defaults[] = {
#define TASK_METRIC_SPEC(id, name, spec) spec,
        TASK_METRIC_LIST(TASK_METRIC_SPEC)
#undef TASK_METRIC_SPEC
    };
    const json_t *metric = json_object_get(t->conf, "metric");
    const char *given = json_string_value(json_object_get(metric, "spec"));
    const json_t *row = json_array_get(t->sets[SPLIT_HELDOUT].list, 0);

    if (given)
        return given;
    if (t->measures == METRIC_REWARD)
        return json_string_value(json_object_get(t->conf, "reward"));
    if (t->measures == METRIC_NUMBER && json_object_get(row, "number"))
        return "verifier:number,column=number";
    return defaults[t->measures];
}

static int
place_all(struct task *t, trv_err *err)
{
    const char *reward = json_string_value(json_object_get(t->conf, "reward"));
    int rc = place(&t->reward, t, reward, err);

    if (!rc)
        rc = place(&t->source[FORM_REWARD], t, reward, err);
    if (!rc)
        rc = place(&t->source[FORM_PARAMS], t, t->params.spec, err);
    if (!rc)
        rc = place(&t->second_reward, t,
                   json_string_value(json_object_get(t->conf, "second_reward")),
                   err);
    return rc ? rc : place(&t->metric, t, metric_spec(t), err);
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
