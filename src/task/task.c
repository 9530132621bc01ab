/* task.c -- task.json, read and checked; its rows are task_rows.c's. */
#include "task/task.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/spec.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/strbuf.h"
#include "task/template.h"
#include "transform/convert.h"

#define TASK_FILE "task.json"
#define ROWS_MAX 10000000
#define REWARDS_MAX 1000 // in one spec

const char *
task_split_name(enum task_split s)
{
    static const char *const names[] = {
#define TASK_SPLIT_NAME(id, name) name,
        TASK_SPLIT_LIST(TASK_SPLIT_NAME)
#undef TASK_SPLIT_NAME
    };

    return names[s];
}

static const char *const metrics[] = {
#define TASK_METRIC_NAME(id, name, spec) name,
    TASK_METRIC_LIST(TASK_METRIC_NAME)
#undef TASK_METRIC_NAME
};
#define METRICS ((int)(sizeof(metrics) / sizeof(*metrics)))

/* The file being read, for messages. */
struct reader {
    struct task *t;
    char *file; // DIR/task.json
    const char *data;
    trv_err *err;
};

/* TRV_EFORMAT: the file, the key's path, and a fact about it. */
static int fail(const struct reader *r, const char *key, const char *fmt, ...)
    TRV_PRINTF(3, 4);

static int
fail(const struct reader *r, const char *key, const char *fmt, ...)
{
    char fact[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(fact, sizeof(fact), fmt, ap);
    va_end(ap);
    return err_fail(r->err, TRV_EFORMAT, "'%s': %s %s", r->file, key, fact);
}

/* ---- keys ---------------------------------------------------------------- */

/* Is a word [n] one of a list, parted by blanks? */
static bool
is_listed(const char *list, const char *word, size_t n)
{
    for (const char *p = list; *p;) {
        const size_t len = strcspn(p, " ");

        if (len == n && memcmp(p, word, n) == 0)
            return true;
        p += len + (p[len] == ' ');
    }
    return false;
}

/* TRV_EFORMAT at a key that is none of a list, parted by blanks. */
static int
check_keys(const struct reader *r, const json_t *obj, const char *where,
           const char *known)
{
    char hint[NEAREST_HINT];
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)obj, key, value)
    {
        const size_t n = strlen(key);

        if (!is_listed(known, key, n))
            return fail(r, where, "has the unknown key '%.60s'%s", key,
                        nearest_hint(hint, key, n, known));
    }
    return 0;
}

static int
get_text(const struct reader *r, const char **out, const json_t *obj,
         const char *key)
{
    const int rc = json_str(out, obj, key, r->file, r->err);

    return !rc && *out && !**out ? fail(r, key, "is empty") : rc;
}

/* A value that must be an object where it is there. */
static int
get_object(const struct reader *r, const json_t **out, const json_t *obj,
           const char *key, const char *where)
{
    json_t *value = json_object_get(obj, key);

    *out = NULL;
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_object(value))
        return fail(r, where, "is not an object");
    *out = value;
    return 0;
}

/* ---- specs --------------------------------------------------------------- */

/* Does a part of it run an outside program? */
static bool
runs_program(const struct spec *s)
{
    const char *check = json_string_value(json_object_get(s->conf, "check"));

    if (s->row && s->row->kind == KIND_VERIFIER && check &&
        strcmp(check, "command") == 0)
        return true;
    for (int64_t i = 0; i < s->n_parts; i++)
        if (s->parts[i].of && runs_program(s->parts[i].of))
            return true;
    return false;
}

/* Read a spec, as opening it will, which needs a model. */
static int
check_spec(const struct reader *r, const char *where, const char *text,
           enum form want, enum kind *kind)
{
    int left = REWARDS_MAX;
    struct strbuf b = {0};
    struct spec *s = NULL;
    int rc = template_place(&b, text, r->t->dir, r->err);

    if (!rc) {
        rc = spec_read(&s, b.s ? b.s : "", 0, &left, r->err);
        if (rc && rc != TRV_ENOMEM)
            rc = err_prefix(r->err, "'%s': %s", r->file, where);
    }
    if (!rc && s->row && kind_form(s->row->kind) != want)
        rc = fail(r, where, "is '%.80s', which is no spec of a %s", text,
                  form_name(want));
    if (!rc && s->row && kind)
        *kind = s->row->kind;
    if (!rc && runs_program(s) && !r->t->runs)
        r->t->runs = text;
    spec_free(s);
    sb_release(&b);
    return rc;
}

/* ---- rows ---------------------------------------------------------------- */

/* Words for values of an answer. */
static int
read_words_of(const struct reader *r, const json_t **out, const char *where,
              const json_t *conf)
{
    const char *key;
    json_t *word;
    char path[60];
    int rc;

    snprintf(path, sizeof(path), "%s%sanswers", where, *where ? "." : "");
    if (!json_object_get(conf, "answers"))
        return 0; // what is there stays
    rc = get_object(r, out, conf, "answers", path);
    json_object_foreach((json_t *)(uintptr_t)*out, key, word)
    {
        if (!rc && json_string_length(word) == 0)
            rc = fail(r, path, "has no word for '%.60s'", key);
    }
    return rc;
}

static int
read_split(const struct reader *r, enum task_split which, const json_t *conf)
{
    char where[40];
    struct rows_conf c = {.task = r->file,
                          .where = where,
                          .dir = r->t->dir,
                          .data = r->data,
                          .loader = "rows",
                          .layout = r->t->layout,
                          .limit = ROWS_MAX,
                          .is_pairs = which == SPLIT_PAIRS ||
                                      which == SPLIT_TRAIN_PAIRS};
    int rc;

    snprintf(where, sizeof(where), "data.%s", task_split_name(which));
    rc =
        check_keys(r, conf, where, "file loader limit skip ask answer answers");
    if (rc)
        return rc;
    rc = get_text(r, &c.ask, r->t->conf, "ask");
    if (!rc)
        rc = get_text(r, &c.answer, r->t->conf, "answer");
    if (!rc)
        rc = read_words_of(r, &c.answers, "", r->t->conf);
    if (!rc)
        rc = get_text(r, &c.file, conf, "file");
    if (!rc)
        rc = get_text(r, &c.loader, conf, "loader");
    if (!rc)
        rc = get_text(r, &c.ask, conf, "ask");
    if (!rc)
        rc = get_text(r, &c.answer, conf, "answer");
    if (!rc)
        rc = read_words_of(r, &c.answers, where, conf);
    if (!rc)
        rc = json_int(&c.limit, conf, "limit", 1, ROWS_MAX, r->file, r->err);
    if (!rc)
        rc = json_int(&c.skip, conf, "skip", 0, ROWS_MAX, r->file, r->err);
    if (rc)
        return rc;
    if (!c.file)
        return fail(r, where, "names no file");
    return rows_read(&r->t->sets[which], &c, r->err);
}

/* Pairs of another set's answers, where a task gives none. */
static int
derive_pairs(const struct reader *r, enum task_split which,
             enum task_split from)
{
    const struct rows_conf c = {.task = r->file,
                                .where = task_split_name(which),
                                .file = task_split_name(from),
                                .layout = r->t->layout,
                                .is_pairs = true};

    return r->t->sets[which].list
               ? 0
               : rows_pair(&r->t->sets[which], &r->t->sets[from], &c, r->err);
}

static int
read_splits(const struct reader *r)
{
    const json_t *data = NULL, *conf;
    struct task *t = r->t;
    int rc = get_object(r, &data, t->conf, "data", "data");

    if (!rc && !data)
        rc = fail(r, "data",
                  "is missing: it names the files of train and "
                  "heldout");
    if (!rc)
        rc = check_keys(r, data, "data",
                        "train heldout unseen pairs train_pairs");
    for (int s = 0; s < SPLIT_COUNT && !rc; s++) {
        char where[40];

        snprintf(where, sizeof(where), "data.%s",
                 task_split_name((enum task_split)s));
        rc = get_object(r, &conf, data, task_split_name((enum task_split)s),
                        where);
        if (!rc && conf)
            rc = read_split(r, (enum task_split)s, conf);
        if (!rc && !conf && s <= SPLIT_HELDOUT)
            rc = fail(r, where, "is missing");
    }
    if (!rc)
        rc = derive_pairs(r, SPLIT_PAIRS, SPLIT_HELDOUT);
    if (!rc)
        rc = derive_pairs(r, SPLIT_TRAIN_PAIRS, SPLIT_TRAIN);
    for (int s = 0; s < SPLIT_COUNT && !rc; s++)
        t->rows[s] = (int64_t)json_array_size(t->sets[s].list);
    return rc;
}

/* ---- sources ------------------------------------------------------------- */

static enum form
form_named(const char *name, size_t n)
{
    for (int f = FORM_PARAMS; f < FORM_COUNT; f++)
        if (strlen(form_name((enum form)f)) == n &&
            memcmp(form_name((enum form)f), name, n) == 0)
            return (enum form)f;
    return FORM_COUNT;
}

/* The edge between two forms; NULL: there is none. */
static const struct edge *
edge_between(enum form from, enum form to)
{
    const struct edge *e;

    for (int64_t i = 0; (e = convert_edge_at(i)); i++)
        if (e->from == from && e->to == to)
            return e;
    return NULL;
}

/* Has an edge a method of this name? */
static int
check_method(const struct reader *r, const char *where, enum form from,
             enum form to, const char *name)
{
    const struct edge *e = edge_between(from, to);
    char hint[NEAREST_HINT], names[300] = "";
    size_t at = 0;

    for (int i = 0; e && i < e->n && at + 1 < sizeof(names); i++) {
        if (strcmp(e->methods[i].info.name, name) == 0)
            return 0;
        at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
                               i ? ", " : "", e->methods[i].info.name);
    }
    return fail(r, where, "names the method '%.40s'; %s to %s has %s%s", name,
                form_name(from), form_name(to), names,
                nearest_hint(hint, name, strlen(name), names));
}

static int
read_params(const struct reader *r, const json_t *conf)
{
    static const char where[] = "sources.params";
    struct task_params *p = &r->t->params;
    const char *from = NULL, *train = NULL;
    int rc = check_keys(r, conf, where, "from method train spec");

    p->made_of = FORM_BASE;
    if (!rc)
        rc = get_text(r, &from, conf, "from");
    if (!rc)
        rc = get_text(r, &p->method, conf, "method");
    if (!rc)
        rc = get_text(r, &train, conf, "train");
    if (!rc)
        rc = get_text(r, &p->spec, conf, "spec");
    if (!rc && (from != NULL) + (train != NULL) + (p->spec != NULL) != 1)
        rc = fail(r, where, "needs exactly one of from, train and spec");
    if (!rc && p->method && !from)
        rc = fail(r, where, "has a method, which goes with from");
    if (!rc && train && strcmp(train, "train") != 0)
        rc = fail(r, "sources.params.train",
                  "is '%.60s'; the set to train on is \"train\"", train);
    if (!rc && p->spec)
        rc = check_spec(r, "sources.params.spec", p->spec, FORM_PARAMS,
                        &r->t->kinds[FORM_PARAMS]);
    if (!rc && from) {
        p->made_of = form_named(from, strlen(from));
        if (p->made_of != FORM_PROMPT && p->made_of != FORM_REWARD)
            rc = fail(r, "sources.params.from",
                      "is '%.60s', neither \"prompt\" nor \"reward\"", from);
    }
    if (!rc && from && !r->t->has[p->made_of])
        rc = fail(r, "sources.params.from",
                  "is the %s, and the task has no such source", from);
    if (!rc && from && !p->method)
        p->method = p->made_of == FORM_PROMPT ? "distill" : "grpo";
    if (!rc && from)
        rc = check_method(r, "sources.params.method", p->made_of, FORM_PARAMS,
                          p->method);
    p->trained = train != NULL;
    r->t->has[FORM_PARAMS] = !rc;
    return rc;
}

#define DEMOS_LIMIT 1000

static int
read_messages(const struct reader *r, const json_t *messages)
{
    static const char where[] = "sources.prompt.messages";
    const json_t *turn;
    size_t i;

    if (!json_is_array(messages) || json_array_size(messages) == 0)
        return fail(r, where, "is not an array of messages");
    json_array_foreach(messages, i, turn)
    {
        if (!json_is_string(json_object_get(turn, "role")) ||
            !json_is_string(json_object_get(turn, "content")))
            return fail(r, where,
                        "has entry %zu, which is not {\"role\":, "
                        "\"content\":} with texts",
                        i + 1);
    }
    return 0;
}

static int
read_prompt(const struct reader *r, const json_t *conf)
{
    static const char where[] = "sources.prompt";
    const bool raw = r->t->layout && strcmp(r->t->layout, "raw") == 0;
    const bool chat = r->t->layout && !raw;
    const json_t *messages = json_object_get(conf, "messages");
    const json_t *demos = json_object_get(conf, "demos");
    const char *text = NULL, *file = NULL;
    const json_t *seed = json_object_get(conf, "seed");
    int64_t shots = 0, order = 0;
    int rc = check_keys(r, conf, where, "text messages file demos seed");

    if (!rc)
        rc = get_text(r, &text, conf, "text");
    if (!rc)
        rc = get_text(r, &file, conf, "file");
    if (!rc && seed && !demos)
        rc = fail(r, where, "has a seed, which goes with demos");
    if (!rc && (text != NULL) + (file != NULL) + (messages || demos) != 1)
        rc = fail(r, where,
                  "needs exactly one of text, messages, file and demos, or "
                  "messages with demos behind them");
    if (!rc && messages)
        rc = raw ? fail(r, where, "has messages, and layout is raw")
                 : read_messages(r, messages);
    if (!rc && demos)
        rc = json_int(&shots, conf, "demos", 1, DEMOS_LIMIT, r->file, r->err);
    if (!rc)
        rc = json_int(&order, conf, "seed", 0, INT32_MAX, r->file, r->err);
    if (!rc && demos && shots > r->t->rows[SPLIT_TRAIN])
        rc = fail(r, where, "wants %lld demonstrations of %lld rows of train",
                  (long long)shots, (long long)r->t->rows[SPLIT_TRAIN]);
    r->t->has[FORM_PROMPT] = !rc;
    r->t->kinds[FORM_PROMPT] = messages || (demos && chat) ? KIND_MESSAGES
                               : demos                     ? KIND_DEMOS
                                                           : KIND_TEXT;
    return rc;
}

static int
read_sources(const struct reader *r)
{
    const json_t *sources = NULL, *conf = NULL;
    struct task *t = r->t;
    const char *reward = NULL;
    int rc = get_object(r, &sources, t->conf, "sources", "sources");

    if (!rc)
        rc = check_keys(r, sources, "sources", "params prompt");
    if (!rc)
        rc = get_object(r, &conf, sources, "prompt", "sources.prompt");
    if (!rc && conf)
        rc = read_prompt(r, conf);
    if (!rc)
        rc = get_text(r, &reward, t->conf, "reward");
    if (!rc && reward)
        rc = check_spec(r, "reward", reward, FORM_REWARD,
                        &t->kinds[FORM_REWARD]);
    t->has[FORM_REWARD] = reward != NULL;
    t->kinds[FORM_PARAMS] = KIND_LORA;
    if (!rc)
        rc = get_object(r, &conf, sources, "params", "sources.params");
    if (!rc && conf)
        rc = read_params(r, conf);
    if (!rc && !t->has[FORM_PROMPT] && !t->has[FORM_PARAMS] && !reward)
        rc = fail(r, "sources",
                  "names neither a prompt nor params, and there "
                  "is no reward: nothing can be converted");
    return rc;
}

/* ---- edges --------------------------------------------------------------- */

static int
check_options(const struct reader *r, const char *where, const json_t *conf)
{
    const char *method;
    json_t *text;

    if (!json_is_string(conf) && !json_is_object(conf))
        return fail(r, where,
                    "has options that are neither a text, \"--steps 300\", nor "
                    "an object of such by method");
    json_object_foreach((json_t *)(uintptr_t)conf, method, text)
    {
        if (!json_is_string(text))
            return fail(r, where, "has options of %.40s that are no text",
                        method);
    }
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

/* Names of methods, as a text parted by blanks. */
static int
read_methods(const struct reader *r, char **out, const char *where,
             enum form from, enum form to, const json_t *list)
{
    struct strbuf b = {0};
    const json_t *item;
    size_t i;
    int rc = sb_puts(&b, "") ? err_nomem(r->err, "for a task") : 0;

    if (!json_is_array(list))
        rc = fail(r, where, "has methods that are not an array of names");
    json_array_foreach(list, i, item)
    {
        if (!rc && !json_is_string(item))
            rc = fail(r, where, "has methods that are not an array of names");
        if (!rc)
            rc = check_method(r, where, from, to, json_string_value(item));
        if (!rc && sb_printf(&b, "%s%s", i ? " " : "", json_string_value(item)))
            rc = err_nomem(r->err, "for a task");
    }
    if (rc)
        sb_release(&b);
    *out = sb_take(&b);
    return rc;
}

static int
read_edge(const struct reader *r, const char *name, const json_t *conf)
{
    const char *arrow = strstr(name, "->");
    const enum form from =
        arrow ? form_named(name, (size_t)(arrow - name)) : FORM_COUNT;
    const enum form to =
        arrow ? form_named(arrow + 2, strlen(arrow + 2)) : FORM_COUNT;
    const json_t *options, *methods;
    struct task_edge *e;
    char where[64];
    int rc;

    snprintf(where, sizeof(where), "edges.%.40s", name);
    if (from == FORM_COUNT || to == FORM_COUNT || !edge_between(from, to))
        return fail(r, where,
                    "is no edge; edges are \"prompt->params\" and so on, "
                    "between params, reward and prompt");
    if (!json_is_object(conf))
        return fail(r, where, "is not an object");
    rc = check_keys(r, conf, where, "methods options");
    if (rc)
        return rc;
    e = &r->t->edges[from][to];
    options = json_object_get(conf, "options");
    methods = json_object_get(conf, "methods");
    if (options)
        rc = check_options(r, where, options);
    if (!rc && methods)
        rc = read_methods(r, &e->methods, where, from, to, methods);
    e->options = options;
    return rc;
}

static int
read_edges(const struct reader *r)
{
    const json_t *edges = NULL;
    const char *name;
    json_t *conf;
    int rc = get_object(r, &edges, r->t->conf, "edges", "edges");

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
read_words(const struct reader *r)
{
    struct task *t = r->t;
    int rc = get_text(r, &t->name, t->conf, "name");

    if (!rc && !t->name)
        rc = fail(r, "name", "is missing");
    if (!rc && !is_name(t->name))
        rc = fail(r, "name",
                  "is '%.80s'; a name is at most 60 letters, digits, '.', '_' "
                  "and '-', and begins with no '.' or '-'",
                  t->name);
    if (!rc)
        rc = get_text(r, &t->says, t->conf, "says");
    if (!rc)
        rc = get_text(r, &t->principle, t->conf, "principle");
    if (!rc)
        rc = get_text(r, &t->layout, t->conf, "layout");
    if (!rc && t->layout && strcmp(t->layout, "chat") != 0 &&
        strcmp(t->layout, "raw") != 0)
        rc = fail(r, "layout", "is '%.60s', neither \"chat\" nor \"raw\"",
                  t->layout);
    return rc;
}

static int
read_head(const struct reader *r)
{
    struct task *t = r->t;
    int64_t format = 0, max_tokens = 64;
    int rc = check_keys(
        r, t->conf, "the task",
        "format name says layout max_tokens data ask answer "
        "answers metric reward second_reward principle sources edges");

    if (!rc)
        rc =
            json_int(&format, t->conf, "format", 0, INT32_MAX, r->file, r->err);
    if (!rc && format != 1)
        rc = format ? fail(r, "format", "is %lld; this program reads 1",
                           (long long)format)
                    : fail(r, "format", "is missing; it is 1");
    if (!rc)
        rc = json_int(&max_tokens, t->conf, "max_tokens", 1, 1000000, r->file,
                      r->err);
    t->max_tokens = (int32_t)max_tokens;
    return rc ? rc : read_words(r);
}

static int
find_metric(const struct reader *r)
{
    struct task *t = r->t;
    char hint[NEAREST_HINT], names[100] = "";
    size_t at = 0;

    if (!t->metric_kind)
        t->metric_kind = metrics[METRIC_REWARD];
    for (int i = 0; i < METRICS; i++) {
        if (strcmp(metrics[i], t->metric_kind) == 0) {
            t->measures = (enum task_metric)i;
            return 0;
        }
        at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
                               i ? ", " : "", metrics[i]);
    }
    return fail(
        r, "metric.kind", "is '%.60s', none of %s%s", t->metric_kind, names,
        nearest_hint(hint, t->metric_kind, strlen(t->metric_kind), names));
}

static int
read_metric(const struct reader *r)
{
    struct task *t = r->t;
    const json_t *metric = NULL;
    const char *spec = NULL, *second = NULL;
    enum kind kind = KIND_COUNT;
    int rc = get_object(r, &metric, t->conf, "metric", "metric");

    if (!rc)
        rc = check_keys(r, metric, "metric", "kind spec");
    if (!rc)
        rc = get_text(r, &t->metric_kind, metric, "kind");
    if (!rc)
        rc = get_text(r, &spec, metric, "spec");
    if (!rc)
        rc = find_metric(r);
    if (!rc && spec)
        rc = check_spec(r, "metric.spec", spec, FORM_REWARD, &kind);
    if (!rc && t->measures == METRIC_PAIRS && spec)
        rc = fail(r, "metric", "is of pairs, which take no spec");
    if (!rc && t->measures == METRIC_PAIRS && !t->rows[SPLIT_PAIRS])
        rc = fail(r, "metric.kind", "is pairs, and data has none");
    if (!rc && t->measures == METRIC_REWARD && !spec && !t->has[FORM_REWARD])
        rc = fail(r, "metric.kind", "is reward, and the task has none");
    if (!rc && t->measures == METRIC_HEAD && kind != KIND_HEAD)
        rc = fail(r, "metric.kind", "is head, which needs a spec head:DIR");
    if (!rc && t->measures == METRIC_COMMAND && !(spec && t->runs))
        rc = fail(r, "metric.kind",
                  "is command, which needs a spec verifier:command,cmd=...");
    if (!rc)
        rc = get_text(r, &second, t->conf, "second_reward");
    if (!rc && second)
        rc = check_spec(r, "second_reward", second, FORM_REWARD, NULL);
    t->is_greedy =
        t->measures == METRIC_ACCURACY || t->measures == METRIC_NUMBER;
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
        const json_t *what = s < 0 ? t->conf : t->sets[s].list;
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
    for (size_t n = strlen(dir); out->dir && n > 1 && dir[n - 1] == '/'; n--)
        out->dir[n - 1] = '\0';
    r.file = out->dir ? path_join(out->dir, TASK_FILE) : NULL;
    rc = r.file ? 0 : err_nomem(err, "for a task");
    if (!rc && !file_exists(r.file))
        rc = err_fail(err, TRV_EIO, "'%s' is no task: it has no %s", dir,
                      TASK_FILE);
    if (!rc)
        rc = json_open(&out->conf, r.file, err);
    if (!rc && !json_is_object(out->conf))
        rc = err_fail(err, TRV_EFORMAT, "'%s' is not a JSON object", r.file);
    if (!rc)
        rc = read_head(&r);
    if (!rc)
        rc = read_splits(&r);
    if (!rc)
        rc = read_sources(&r);
    if (!rc)
        rc = read_metric(&r);
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
        rows_release(&t->sets[s]);
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
