/* task.c -- task.json and its rows, read and checked. */
#include "task/task.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/strbuf.h"
#include "task/loaders.h"
#include "task/template.h"

#define TASK_FILE "task.json"
#define ROWS_MAX 10000000

static const char *const split_names[] = {
#define TASK_SPLIT_NAME(id, name) name,
    TASK_SPLIT_LIST(TASK_SPLIT_NAME)
#undef TASK_SPLIT_NAME
};

/* The file being read, for messages. */
struct reader {
    struct task *t;
    char *file; // DIR/task.json
    const char *data;
    trv_err *err;
};

static int
fail(const struct reader *r, const char *key, const char *why)
{
    return err_fail(r->err, TRV_EFORMAT, "'%s': %s %s", r->file, key, why);
}

/* ---- keys ---------------------------------------------------------------- */

/* TRV_EFORMAT at a key that is none of a list, parted by blanks. */
static int
check_keys(const struct reader *r, const json_t *obj, const char *where,
           const char *known)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)obj, key, value)
    {
        const size_t n = strlen(key);
        char hint[NEAREST_HINT];
        bool found = false;

        for (const char *p = known; *p;) {
            const size_t len = strcspn(p, " ");

            found = found || (len == n && memcmp(p, key, n) == 0);
            p += len + (p[len] == ' ');
        }
        if (!found)
            return err_fail(r->err, TRV_EFORMAT,
                            "'%s': %s has the key '%.60s', which means "
                            "nothing here%s",
                            r->file, where, key,
                            nearest_hint(hint, key, n, known));
    }
    return 0;
}

static int
get_text(const struct reader *r, const char **out, const json_t *obj,
         const char *key)
{
    return json_str(out, obj, key, r->file, r->err);
}

/* An object, or nothing. */
static int
get_object(const struct reader *r, const json_t **out, const json_t *obj,
           const char *key)
{
    json_t *value = json_object_get(obj, key);

    *out = NULL;
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_object(value))
        return fail(r, key, "is no object");
    *out = value;
    return 0;
}

/* ---- rows ---------------------------------------------------------------- */

/* The file that a task names: in its own folder, or in the second one. */
static int
find_file(const struct reader *r, char **out, const char *name)
{
    *out = name[0] == '/' ? mem_strdup(name) : path_join(r->t->dir, name);
    if (*out && !file_exists(*out) && r->data && name[0] != '/') {
        mem_free(*out);
        *out = path_join(r->data, name);
    }
    if (!*out)
        return err_nomem(r->err, "for a task");
    if (file_exists(*out))
        return 0;
    return err_fail(r->err, TRV_EIO,
                    "'%s': '%s' is neither in '%s' nor in %s%s%s", r->file,
                    name, r->t->dir, r->data ? "'" : "a folder of --data",
                    r->data ? r->data : "", r->data ? "'" : "");
}

/* What a user says in each row, made from its columns. */
static int
apply_ask(const struct reader *r, json_t *rows, const char *ask)
{
    json_t *row;
    size_t i;
    int rc = 0;

    json_array_foreach(rows, i, row)
    {
        struct strbuf b = {0};

        rc = template_fill(&b, ask, row, r->file, i + 1, r->err);
        if (!rc && json_object_set_new(row, "prompt",
                                       json_stringn(b.s ? b.s : "", b.len)))
            rc = err_nomem(r->err, "for a task's rows");
        sb_release(&b);
        if (rc)
            return rc;
    }
    return 0;
}

static int
read_split(const struct reader *r, enum task_split which, const json_t *conf)
{
    const char *file = NULL, *name = "rows", *ask = NULL;
    int64_t limit = ROWS_MAX, skip = 0;
    const struct loader *loader = NULL;
    json_t *all = json_array(), *kept = json_array();
    char *path = NULL;
    int rc =
        check_keys(r, conf, split_names[which], "file loader limit skip ask");

    if (!rc)
        rc = get_text(r, &file, conf, "file");
    if (!rc)
        rc = get_text(r, &name, conf, "loader");
    if (!rc)
        rc = get_text(r, &ask, r->t->conf, "ask");
    if (!rc)
        rc = get_text(r, &ask, conf, "ask");
    if (!rc)
        rc = json_int(&limit, conf, "limit", 1, ROWS_MAX, r->file, r->err);
    if (!rc)
        rc = json_int(&skip, conf, "skip", 0, ROWS_MAX, r->file, r->err);
    if (!rc && !file)
        rc = fail(r, split_names[which], "names no file");
    if (!rc) {
        loader = loader_find(name);
        if (!loader)
            rc = fail(r, split_names[which], "names a loader that is none");
    }
    if (!rc)
        rc = find_file(r, &path, file);
    if (!rc && (!all || !kept))
        rc = err_nomem(r->err, "for a task's rows");
    if (!rc)
        rc = loader->read(all, path, r->err);
    for (size_t i = (size_t)skip; !rc && i < json_array_size(all) &&
                                  (int64_t)json_array_size(kept) < limit;
         i++)
        if (json_array_append(kept, json_array_get(all, i)))
            rc = err_nomem(r->err, "for a task's rows");
    if (!rc && json_array_size(kept) == 0)
        rc = fail(r, split_names[which], "has no rows");
    if (!rc && ask && which != SPLIT_PAIRS && which != SPLIT_TRAIN_PAIRS)
        rc = apply_ask(r, kept, ask);
    r->t->rows[which] = (int64_t)json_array_size(kept);
    r->t->lines[which] = kept;
    json_decref(all);
    mem_free(path);
    return rc;
}

static int
read_splits(const struct reader *r)
{
    const json_t *data = NULL, *conf;
    int rc = get_object(r, &data, r->t->conf, "data");

    if (!rc && !data)
        rc = fail(r, "data", "is missing");
    if (!rc)
        rc = check_keys(r, data, "data",
                        "train heldout unseen pairs train_pairs");
    for (int s = 0; s < SPLIT_COUNT && !rc; s++) {
        rc = get_object(r, &conf, data, split_names[s]);
        if (!rc && conf)
            rc = read_split(r, (enum task_split)s, conf);
        if (!rc && !conf && s <= SPLIT_HELDOUT)
            rc = fail(r, split_names[s], "is missing from data");
    }
    return rc;
}

/* ---- sources ------------------------------------------------------------- */

static int
read_form(const struct reader *r, enum form *out, const char *name)
{
    for (int f = FORM_PARAMS; f < FORM_COUNT; f++)
        if (strcmp(form_name((enum form)f), name) == 0) {
            *out = (enum form)f;
            return 0;
        }
    return fail(r, name, "is no form: params, reward or prompt");
}

static int
read_params(const struct reader *r, const json_t *conf)
{
    struct task_params *p = &r->t->params;
    const char *from = NULL, *train = NULL;
    int rc = check_keys(r, conf, "sources.params", "from method train spec");

    p->made_of = FORM_BASE;
    if (!rc)
        rc = get_text(r, &from, conf, "from");
    if (!rc)
        rc = get_text(r, &p->method, conf, "method");
    if (!rc)
        rc = get_text(r, &train, conf, "train");
    if (!rc)
        rc = get_text(r, &p->spec, conf, "spec");
    if (!rc && !from + !train + !p->spec != 2)
        rc = fail(r, "sources.params", "has one of from, train and spec");
    if (!rc && train && strcmp(train, "train") != 0)
        rc = fail(r, "sources.params.train", "is not \"train\"");
    if (!rc && from)
        rc = read_form(r, &p->made_of, from);
    if (!rc && from && p->made_of == FORM_PARAMS)
        rc = fail(r, "sources.params.from", "is params itself");
    if (!rc && from && !p->method)
        p->method = p->made_of == FORM_PROMPT ? "distill" : "grpo";
    p->trained = train != NULL;
    r->t->has[FORM_PARAMS] = !rc;
    r->t->kinds[FORM_PARAMS] = KIND_LORA;
    return rc;
}

/* Which of its keys a prompt is told by; task_write() reads it. */
static int
read_prompt(const struct reader *r, const json_t *conf)
{
    int rc = check_keys(r, conf, "sources.prompt", "text messages file demos");

    if (!rc && json_object_size(conf) != 1)
        rc = fail(r, "sources.prompt",
                  "has one of text, messages, file and demos");
    r->t->has[FORM_PROMPT] = !rc;
    r->t->kinds[FORM_PROMPT] =
        json_object_get(conf, "messages") || json_object_get(conf, "demos")
            ? KIND_MESSAGES
            : KIND_TEXT;
    return rc;
}

static int
read_sources(const struct reader *r)
{
    const json_t *sources = NULL, *conf = NULL;
    struct task *t = r->t;
    int rc = get_object(r, &sources, t->conf, "sources");

    if (!rc && sources)
        rc = check_keys(r, sources, "sources", "params prompt reward");
    if (!rc)
        rc = get_object(r, &conf, sources, "prompt");
    if (!rc && conf)
        rc = read_prompt(r, conf);
    if (!rc)
        rc = get_object(r, &conf, sources, "params");
    if (!rc && conf)
        rc = read_params(r, conf);
    t->has[FORM_REWARD] = json_object_get(t->conf, "reward") != NULL;
    t->kinds[FORM_REWARD] = KIND_VERIFIER;
    if (!rc && t->has[FORM_PARAMS] && t->params.made_of != FORM_BASE &&
        !t->has[t->params.made_of])
        rc = fail(r, "sources.params.from", "is a source that is not there");
    if (!rc &&
        t->has[FORM_PROMPT] + t->has[FORM_PARAMS] + t->has[FORM_REWARD] == 0)
        rc = fail(r, "sources", "has none, and there is no reward");
    return rc;
}

/* ---- edges --------------------------------------------------------------- */

static int
read_options(const struct reader *r, const json_t **out, const char *edge,
             const json_t *conf)
{
    const char *method;
    json_t *text;

    *out = NULL;
    if (!conf || json_is_null(conf))
        return 0;
    if (!json_is_string(conf) && !json_is_object(conf))
        return fail(r, edge, "has options that are no text and no object");
    json_object_foreach((json_t *)(uintptr_t)conf, method, text)
    {
        if (!json_is_string(text))
            return fail(r, edge, "has options of a method that are no text");
    }
    *out = conf;
    return 0;
}

const char *
task_options(const struct task *t, enum form from, enum form to,
             const char *method)
{
    const json_t *o = t->edges[from][to].options;

    return json_string_value(json_is_object(o) ? json_object_get(o, method)
                                               : o);
}

static int
read_edge(const struct reader *r, const char *name, const json_t *conf)
{
    const char *arrow = strstr(name, "->");
    enum form from = FORM_BASE, to = FORM_BASE;
    struct task_edge *e;
    json_t *list, *item;
    char *word;
    size_t i;
    int rc;

    if (!arrow || !json_is_object(conf))
        return fail(r, name, "is no edge such as \"prompt->params\": {...}");
    word = mem_strndup(name, (size_t)(arrow - name));
    if (!word)
        return err_nomem(r->err, "for a task");
    rc = read_form(r, &from, word);
    mem_free(word);
    if (!rc)
        rc = read_form(r, &to, arrow + 2);
    if (!rc)
        rc = check_keys(r, conf, name, "methods options");
    if (rc)
        return rc;
    e = &r->t->edges[from][to];
    rc = read_options(r, &e->options, name, json_object_get(conf, "options"));
    list = json_object_get(conf, "methods");
    if (!rc && list) {
        struct strbuf b = {0};

        json_array_foreach(list, i, item)
        {
            if (!rc &&
                (!json_is_string(item) ||
                 sb_printf(&b, "%s%s", i ? " " : "", json_string_value(item))))
                rc = fail(r, name, "has methods that are no list of names");
        }
        if (!rc && !json_is_array(list))
            rc = fail(r, name, "has methods that are no list of names");
        e->methods = sb_take(&b);
        if (!rc && !e->methods)
            e->methods = mem_strdup("");
    }
    return rc;
}

static int
read_edges(const struct reader *r)
{
    const json_t *edges = NULL;
    const char *name;
    json_t *conf;
    int rc = get_object(r, &edges, r->t->conf, "edges");

    json_object_foreach((json_t *)(uintptr_t)edges, name, conf)
    {
        if (!rc)
            rc = read_edge(r, name, conf);
    }
    return rc;
}

/* ---- the rest ------------------------------------------------------------ */

static bool
is_name(const char *s)
{
    const size_t n = strlen(s);

    return n > 0 && n <= 60 && s[0] != '.' && s[0] != '-' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789._-") == n;
}

static int
read_head(const struct reader *r)
{
    struct task *t = r->t;
    int64_t format = 0, max_tokens = 64;
    const char *reward = NULL, *second = NULL;
    int rc = check_keys(r, t->conf, "the task",
                        "format name says layout max_tokens data ask metric "
                        "reward second_reward principle sources edges");

    if (!rc)
        rc = json_int(&format, t->conf, "format", 0, 1000, r->file, r->err);
    if (!rc && format != 1)
        rc = fail(r, "format", "is not 1");
    if (!rc)
        rc = get_text(r, &t->name, t->conf, "name");
    if (!rc && (!t->name || !is_name(t->name)))
        rc = fail(r, "name",
                  "is no word of at most 60 letters, digits, "
                  "'.', '_' and '-'");
    if (!rc)
        rc = get_text(r, &t->says, t->conf, "says");
    if (!rc)
        rc = get_text(r, &t->layout, t->conf, "layout");
    if (!rc && t->layout && strcmp(t->layout, "chat") != 0 &&
        strcmp(t->layout, "raw") != 0)
        rc = fail(r, "layout", "is neither \"chat\" nor \"raw\"");
    if (!rc)
        rc = get_text(r, &t->principle, t->conf, "principle");
    if (!rc)
        rc = get_text(r, &reward, t->conf, "reward");
    if (!rc)
        rc = get_text(r, &second, t->conf, "second_reward");
    if (!rc)
        rc = json_int(&max_tokens, t->conf, "max_tokens", 1, 1000000, r->file,
                      r->err);
    t->max_tokens = (int32_t)max_tokens;
    return rc;
}

static int
read_metric(const struct reader *r)
{
    static const char *const kinds[] = {"accuracy", "number", "pairs",
                                        "reward",   "head",   "command"};
    struct task *t = r->t;
    const json_t *metric = NULL;
    const char *spec = NULL;
    bool known = false;
    int rc = get_object(r, &metric, t->conf, "metric");

    if (!rc && metric)
        rc = check_keys(r, metric, "metric", "kind spec");
    if (!rc)
        rc = get_text(r, &t->metric_kind, metric, "kind");
    if (!rc)
        rc = get_text(r, &spec, metric, "spec");
    if (!rc && !t->metric_kind)
        t->metric_kind = "reward";
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        known = known || (t->metric_kind && !strcmp(kinds[i], t->metric_kind));
    if (!rc && !known)
        rc = fail(r, "metric.kind",
                  "is none of accuracy, number, pairs, reward, head, command");
    if (!rc && strcmp(t->metric_kind, "pairs") == 0 && !t->rows[SPLIT_PAIRS])
        rc = fail(r, "metric.kind", "is pairs, and data has none");
    t->is_greedy = !rc && (strcmp(t->metric_kind, "accuracy") == 0 ||
                           strcmp(t->metric_kind, "number") == 0);
    return rc;
}

/* Of task.json and the rows as they were read. */
static int
hash_task(const struct reader *r)
{
    struct task *t = r->t;
    struct hash *h = NULL;
    int rc = hash_open(&h, r->err);

    for (int s = -1; s < SPLIT_COUNT && !rc; s++) {
        const json_t *what = s < 0 ? t->conf : t->lines[s];
        char *text =
            what ? json_dumps(what, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

        if (what && !text)
            rc = err_nomem(r->err, "for a task");
        if (text)
            hash_add(h, text, strlen(text) + 1);
        free(text);
    }
    if (h)
        hash_close(h, t->hash);
    return rc;
}

int
task_open(struct task *out, const char *dir, const char *data, trv_err *err)
{
    struct reader r = {.t = out, .data = data, .err = err};
    int rc;

    *out = (struct task){0};
    out->dir = mem_strdup(dir);
    r.file = path_join(dir, TASK_FILE);
    rc = out->dir && r.file ? 0 : err_nomem(err, "for a task");
    if (!rc && !file_exists(r.file))
        rc = err_fail(err, TRV_EIO, "'%s' is no task: it has no %s", dir,
                      TASK_FILE);
    if (!rc)
        rc = json_open(&out->conf, r.file, err);
    if (!rc && !json_is_object(out->conf))
        rc = err_fail(err, TRV_EFORMAT, "'%s' is no object", r.file);
    if (!rc)
        rc = read_head(&r);
    if (!rc)
        rc = read_splits(&r);
    if (!rc)
        rc = read_metric(&r);
    if (!rc)
        rc = read_sources(&r);
    if (!rc)
        rc = read_edges(&r);
    if (!rc)
        rc = hash_task(&r);
    mem_free(r.file);
    if (rc)
        task_release(out);
    return rc;
}

void
task_release(struct task *t)
{
    for (int s = 0; s < SPLIT_COUNT; s++) {
        mem_free(t->file[s]);
        json_decref(t->lines[s]);
    }
    for (int f = 0; f < FORM_COUNT; f++) {
        mem_free(t->source[f]);
        for (int g = 0; g < FORM_COUNT; g++)
            mem_free(t->edges[f][g].methods);
    }
    mem_free(t->metric);
    mem_free(t->reward);
    mem_free(t->second_reward);
    mem_free(t->dir);
    json_decref(t->conf);
    *t = (struct task){0};
}
