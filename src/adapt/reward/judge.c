/* judge.c -- asking the model, and reading its rating off its distribution. */
#include "adapt/reward/judge.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/reward/logratio.h"
#include "base/mem.h"
#include "model/sample/engine.h"
#include "text/utf8.h"

#define RATINGS_MAX 10
#define FILE_LIMIT ((size_t)1 << 20) // of a principle or a template

static const char what[] = "judge";

struct options {
    const char *principle, *template, *scale, *yes, *no;
};
const struct conf_option judge_options[] = {
    {.info = {"principle", "TEXT", NULL,
              "the principle, for one that begins like an option",
              .takes_rest = true},
     .type = CONF_TEXT,
     .at = offsetof(struct options, principle)},
    {.info = {"scale", "LO-HI", NULL,
              "rate by whole numbers, at most 10 of them up to 100: the "
              "reward is the mean rating",
              false},
     .type = CONF_TEXT,
     .at = offsetof(struct options, scale)},
    {.info = {"yes", "WORD", "Yes", "the answer of the judge that counts for",
              false},
     .type = CONF_TEXT,
     .at = offsetof(struct options, yes)},
    {.info = {"no", "WORD", "No",
              "and against: the reward is log p(yes) - log p(no)", false},
     .type = CONF_TEXT,
     .at = offsetof(struct options, no)},
    {.info = {"template", "@FILE", NULL,
              "another question, with {answer} in it and, where wanted, "
              "{question} and {principle}; a text of a line without a comma "
              "may stand here itself",
              false},
     .type = CONF_TEXT,
     .at = offsetof(struct options, template)},
    {.info = {.name = NULL}},
};

static const char default_head[] =
    "Principle: {principle}\nQuestion: {question}\nAnswer: {answer}\n";

struct judge {
    char *principle, *template;
    char *rating[RATINGS_MAX]; // yes and no, or numbers
    int n_ratings, low;        // low: the first number
    bool scale;
};

/* ---- reading ------------------------------------------------------------ */

/* "@FILE" becomes what the file holds, less one line end. */
static int
copy_file(json_t *conf, const char *key, trv_err *err)
{
    const char *value = json_string_value(json_object_get(conf, key));
    struct strbuf b = {0};
    json_t *text;
    int rc;

    if (!value || value[0] != '@')
        return 0;
    if (!value[1])
        return err_fail(err, TRV_EINVAL, "'%s=@' names no file", key);
    rc = file_read_stream(&b, value + 1, FILE_LIMIT, err);
    if (!rc && b.len > 0 && b.s[b.len - 1] == '\n')
        b.len--;
    if (!rc && (!utf8_is_valid(b.s ? b.s : "", b.len) ||
                memchr(b.s ? b.s : "", '\0', b.len)))
        rc = err_fail(err, TRV_EINVAL, "'%s' is no UTF-8 text", value + 1);
    if (!rc) {
        text = json_stringn(b.s ? b.s : "", b.len);
        if (!text || json_object_set_new(conf, key, text))
            rc = err_nomem(err, "for a judge");
    }
    sb_release(&b);
    return rc;
}

int
judge_parse(json_t **conf, const char *text, trv_err *err)
{
    json_t *obj = json_object(), *subject;
    int rc = obj ? 0 : err_nomem(err, "for a judge");

    *conf = NULL;
    if (!rc)
        rc = conf_lead(obj, &text, what, judge_options + 1, false, err);
    if (!rc && strncmp(text, "principle=", 10) == 0)
        text += 10; // for one that begins like an option
    if (!rc) {
        subject = json_string(text);
        if (!subject)
            rc = err_fail(err, TRV_EINVAL, "the principle is not UTF-8");
        else if (json_object_set_new(obj, "principle", subject))
            rc = err_nomem(err, "for a judge");
    }
    if (!rc)
        rc = copy_file(obj, "principle", err);
    if (!rc)
        rc = copy_file(obj, "template", err);
    if (rc)
        json_decref(obj);
    else
        *conf = obj;
    return rc;
}

/* "1-5" */
static int
read_scale(struct judge *j, const char *scale, trv_err *err)
{
    long lo, hi = 0;
    char *end = NULL;
    char name[24];

    lo = strtol(scale, &end, 10);
    if (end != scale && *end == '-')
        hi = strtol(end + 1, &end, 10);
    else
        end = NULL;
    if (!end || *end || lo < 0 || hi <= lo || hi - lo >= RATINGS_MAX ||
        hi > 100)
        return err_fail(err, TRV_EINVAL,
                        "option 'scale' of judge is '%.40s', not LO-HI such as "
                        "1-5, of at most %d numbers up to 100",
                        scale, RATINGS_MAX);
    j->scale = true;
    j->low = (int)lo;
    for (long k = lo; k <= hi; k++) {
        snprintf(name, sizeof(name), "%ld", k);
        j->rating[j->n_ratings] = mem_strdup(name);
        if (!j->rating[j->n_ratings++])
            return err_nomem(err, "for a judge");
    }
    return 0;
}

static int
read_words(struct judge *j, const struct options *o, trv_err *err)
{
    const char *const words[2] = {o->yes, o->no};
    int rc = 0;

    if (!*words[0] || !*words[1] || !strcmp(words[0], words[1]))
        rc = err_fail(err, TRV_EINVAL,
                      "judge needs two different words as yes "
                      "and no");
    for (int k = 0; k < 2 && !rc; k++) {
        j->rating[k] = mem_strdup(words[k]);
        j->n_ratings = k + 1;
        if (!j->rating[k])
            rc = err_nomem(err, "for a judge");
    }
    return rc;
}

int
judge_open(struct judge **out, const json_t *conf, trv_err *err)
{
    struct judge *j = mem_calloc(1, sizeof(*j));
    struct options o = {.principle = NULL};
    struct strbuf b = {0};
    int rc;

    *out = NULL;
    if (!j)
        return err_nomem(err, "for a judge");
    rc = conf_read(&o, conf, judge_options, what, err);
    if (!rc && (!o.principle || !*o.principle))
        rc = err_fail(err, TRV_EINVAL, "judge needs a principle in words");
    if (!rc && o.template && !strstr(o.template, "{answer}"))
        rc = err_fail(
            err, TRV_EINVAL, "the template of a judge does not show {answer}%s",
            file_exists(o.template) ? ": template=@FILE reads a file" : "");
    if (!rc && o.scale &&
        (json_object_get(conf, "yes") || json_object_get(conf, "no")))
        rc = err_fail(err, TRV_EINVAL,
                      "a judge rates by a scale or by yes and no, not both");
    if (!rc)
        rc = o.scale ? read_scale(j, o.scale, err) : read_words(j, &o, err);
    if (rc)
        goto done;
    if (o.template)
        rc = sb_puts(&b, o.template);
    else if (o.scale)
        rc = sb_printf(&b,
                       "%sHow well does the answer obey the principle, from %s "
                       "to %s?",
                       default_head, j->rating[0], j->rating[j->n_ratings - 1]);
    else
        rc = sb_printf(&b, "%sDoes the answer obey the principle?",
                       default_head);
    j->principle = mem_strdup(o.principle);
    j->template = rc ? NULL : sb_take(&b);
    if (!j->principle || !j->template) {
        rc = err_nomem(err, "for a judge");
        goto done;
    }
    *out = j;
    j = NULL;
done:
    sb_release(&b);
    judge_free(j);
    return rc;
}

void
judge_free(struct judge *j)
{
    if (!j)
        return;
    for (int k = 0; k < j->n_ratings; k++)
        mem_free(j->rating[k]);
    mem_free(j->principle);
    mem_free(j->template);
    mem_free(j);
}

/* ---- asking ------------------------------------------------------------- */

/* What the user asked: the prompt's text, or the last turn of the user's. */
static const char *
asked(const struct data_row *row)
{
    const json_t *turns = row->prompt ? row->prompt : row->messages;

    if (json_is_string(turns))
        return json_string_value(turns);
    for (size_t i = json_array_size(turns); i > 0; i--) {
        const json_t *m = json_array_get(turns, i - 1);
        const char *role = json_string_value(json_object_get(m, "role"));
        const char *text = json_string_value(json_object_get(m, "content"));

        if (role && text && strcmp(role, "user") == 0)
            return text;
    }
    return row->text ? row->text : "";
}

int
judge_ask(struct strbuf *out, const struct judge *j,
          const struct reward_item *item, trv_err *err)
{
    const char *question = asked(item->row);
    const struct {
        const char *name, *text;
        size_t n;
    } slots[] = {
        {"{principle}", j->principle, strlen(j->principle)},
        {"{question}", question, strlen(question)},
        {"{answer}", item->text, item->n_text},
    };
    const char *p = j->template;
    size_t used;
    int bad = 0;

    while (*p && !bad) { // one pass: what is put in is not looked at again
        const size_t n = strcspn(p, "{");
        bool known_slot = false;

        bad = sb_add(out, p, n);
        p += n;
        for (size_t i = 0; *p && i < 3 && !known_slot && !bad; i++)
            if (strncmp(p, slots[i].name, strlen(slots[i].name)) == 0) {
                bad = utf8_repair(out, &used, slots[i].text, slots[i].n, false);
                p += strlen(slots[i].name);
                known_slot = true;
            }
        if (*p == '{' && !known_slot && !bad)
            bad = sb_putc(out, *p++);
    }
    return bad ? err_nomem(err, "for a judge") : 0;
}

/* The question as a row of its own; the caller frees row->json. */
static int
ask_row(struct data_row *row, const struct session *s, const struct judge *j,
        const struct reward_item *item, trv_err *err)
{
    struct strbuf text = {0};
    json_t *obj = NULL;
    int rc = judge_ask(&text, j, item, err);

    *row = (struct data_row){
        .path = item->row->path, .line = item->row->line, .label = -1};
    if (!rc && !model_is_chat(s->model) && sb_putc(&text, '\n'))
        rc = err_nomem(err, "for a judge");
    if (!rc)
        obj = json_pack("{s:s%}", "prompt", text.s, text.len);
    if (!rc && !obj) // a NUL in the answer is kept by jansson
        rc = err_nomem(err, "for a judge");
    row->json = obj;
    row->prompt = json_object_get(obj, "prompt");
    sb_release(&text);
    return rc;
}

/* Ids of the ratings behind one question, the ends that are alike cut off. */
struct ratings {
    struct example e; // its context; and the ratings in turn
    struct ids ids[RATINGS_MAX];
};

static void
ratings_release(struct ratings *r)
{
    example_release(&r->e);
    for (int k = 0; k < RATINGS_MAX; k++)
        ids_release(&r->ids[k]);
}

/* May another id be cut off the end of all? */
static bool
end_alike(const struct ratings *r, int n)
{
    for (int k = 0; k < n; k++)
        if (r->ids[k].n < 2 ||
            r->ids[k].v[r->ids[k].n - 1] != r->ids[0].v[r->ids[0].n - 1])
            return false;
    return true;
}

static int
make_ratings(struct ratings *r, const struct session *s, const struct judge *j,
             const struct data_row *row, trv_err *err)
{
    const struct text_rules rules = model_text_rules(s->model);
    int rc = example_context(&r->e, &rules, row, NULL, NULL, err);

    for (int k = 0; k < j->n_ratings && !rc; k++) {
        json_t *word = json_string(j->rating[k]);

        r->ids[k].n = 0;
        rc = word ? example_append(&r->e, &rules, row, word, err)
                  : err_nomem(err, "for a judge");
        if (!rc && ids_append(&r->ids[k], r->e.ids.v + r->e.n_context,
                              r->e.ids.n - r->e.n_context))
            rc = err_nomem(err, "for a judge");
        json_decref(word);
    }
    if (rc)
        return rc;
    r->e.ids.n = r->e.n_context;
    while (end_alike(r, j->n_ratings))
        for (int k = 0; k < j->n_ratings; k++)
            r->ids[k].n--;
    for (int k = 0; k < j->n_ratings; k++)
        if (r->ids[k].n < 1 || r->e.n_context < 1)
            return data_row_fail(row, err, TRV_EINVAL,
                                 "the judge's rating '%s' has no token",
                                 j->rating[k]);
    return 0;
}

/* ---- scoring ------------------------------------------------------------ */

struct pass {
    struct scored_row *rows;
    float **logp;
    int64_t n, tokens;
};

static int
add_question(struct pass *p, struct session *s, const struct judge *j,
             const struct ratings *r, const struct data_row *row, trv_err *err)
{
    const struct ids *x = &r->e.ids;

    for (int k = 0; k < j->n_ratings; k++) {
        const struct ids *y = &r->ids[k];
        const int64_t n = x->n + y->n;
        int32_t *ids;

        if (n - 1 > s->model->cfg.context)
            return data_row_fail(row, err, TRV_ETOOLONG,
                                 "the judge's question takes %lld tokens and "
                                 "does not fit the context of %lld",
                                 (long long)x->n,
                                 (long long)s->model->cfg.context);
        ids = arena_alloc(&s->arena, (size_t)n * sizeof(*ids));
        p->logp[p->n] = arena_f32(&s->arena, y->n, 1);
        if (!ids || !p->logp[p->n])
            return err_nomem(err, "for a judge");
        memcpy(ids, x->v, (size_t)x->n * sizeof(*ids));
        memcpy(ids + x->n, y->v, (size_t)y->n * sizeof(*ids));
        p->rows[p->n++] = (struct scored_row){ids, n, x->n, NULL};
        p->tokens += n;
    }
    return 0;
}

/* From the log-probabilities of the ratings to one value. */
static double
rate(const struct judge *j, float *const *logp, const struct scored_row *rows)
{
    double lp[RATINGS_MAX], top = -(double)INFINITY, sum = 0, mean = 0;

    for (int k = 0; k < j->n_ratings; k++) {
        lp[k] = 0;
        for (int64_t t = 0; t < rows[k].n - rows[k].n_context; t++)
            lp[k] += (double)logp[k][t];
        if (lp[k] > top)
            top = lp[k];
    }
    if (!j->scale)
        return lp[0] - lp[1];
    for (int k = 0; k < j->n_ratings; k++) {
        const double p = exp(lp[k] - top);

        sum += p;
        mean += p * (j->low + k);
    }
    return mean / sum;
}

/* Items from `from` on that fit one pass; *done takes how many. */
static int
judge_pass(struct session *s, struct decoder *d, const struct judge *j,
           double *score, const struct reward_item *items, int64_t from,
           int64_t n, int64_t *done, trv_err *err)
{
    const int64_t most = n - from < 256 ? n - from : 256;
    const size_t rows = (size_t)(most * j->n_ratings);
    struct pass p = {0};
    struct ratings r = {0};
    int rc = 0;

    arena_reset(&s->arena);
    p.rows = arena_alloc(&s->arena, rows * sizeof(*p.rows));
    p.logp = arena_alloc(&s->arena, rows * sizeof(*p.logp));
    if (!p.rows || !p.logp)
        return err_nomem(err, "for a judge");
    for (*done = 0; *done < most && !rc && p.tokens < ENGINE_TOKENS; ++*done) {
        struct data_row row;

        rc = ask_row(&row, s, j, &items[from + *done], err);
        if (!rc)
            rc = make_ratings(&r, s, j, &row, err);
        if (!rc)
            rc = add_question(&p, s, j, &r, &row, err);
        json_decref(row.json);
    }
    if (!rc)
        rc = engine_score(d, &s->arena, p.logp, p.rows, p.n, err);
    for (int64_t i = 0; i < *done && !rc; i++) {
        score[from + i] =
            rate(j, p.logp + i * j->n_ratings, p.rows + i * j->n_ratings);
        if (!isfinite(score[from + i]))
            rc = data_row_fail(items[from + i].row, err, TRV_ENONFINITE,
                               "the judge gives a value that is not finite");
    }
    ratings_release(&r);
    return rc;
}

int
judge_score(struct session *s, struct adaptation *a, double *score,
            double *const *token, const struct reward_item *items, int64_t n,
            const struct reward_watch *watch, trv_err *err)
{
    const struct judge *j = a->reward->judge;
    struct decoder *d;
    int64_t from = 0, done = 0;
    int rc = session_decoder(s, &d, err);

    TRV_ASSERT(!token);
    while (from < n && !rc) {
        rc = judge_pass(s, d, j, score, items, from, n, &done, err);
        from += done;
        if (!rc)
            rc = reward_report(watch, from, n, err);
    }
    return rc;
}
