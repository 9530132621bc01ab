/* candidates.c -- the instructions that a search evaluated. */
#include "transform/evolve/candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/seal.h"
#include "text/utf8.h"

#define FILE_LIMIT ((size_t)1 << 31)
#define SHOWN_BYTES 2000 // of an answer

/* Every way in which a candidate comes about: `how` points here. */
static const char *const ways[] = {
    "none",  "phrase", "model",     "proposer", // begun, or written anew
    "words", "ending", "guided",                // in their place
    "drop",  "swap",   "duplicate", "insert",   "replace", "cross", "cut",
};

static const char *
way(const char *name)
{
    for (size_t i = 0; name && i < sizeof(ways) / sizeof(*ways); i++)
        if (strcmp(ways[i], name) == 0)
            return ways[i];
    return NULL;
}

static void
shown_release(struct shown *s)
{
    mem_free(s->text);
    mem_free(s->ids);
}

static void
candidate_free(struct candidate *a)
{
    if (!a)
        return;
    parts_release(&a->parts);
    mem_free(a->text);
    mem_free(a->reward);
    mem_free(a->kl);
    mem_free(a->value);
    shown_release(&a->best);
    shown_release(&a->worst);
    adaptation_free(a->z);
    mem_free(a);
}

void
candidates_release(struct candidates *c)
{
    for (int64_t i = 0; i < c->n; i++)
        candidate_free(c->list[i]);
    mem_free(c->list);
    parts_release(&c->phrases);
    *c = (struct candidates){0};
}

/* ---- making ------------------------------------------------------------- */

static int
make_room(struct candidates *c)
{
    const int64_t cap = c->cap ? 2 * c->cap : 64;
    struct candidate **list;

    if (c->n < c->cap)
        return 0;
    list = mem_reallocarray(c->list, (size_t)cap, sizeof(*list));
    if (!list)
        return TRV_ENOMEM;
    c->list = list;
    c->cap = cap;
    return 0;
}

static bool
is_known(const struct candidates *c, const char *text)
{
    for (int64_t i = 0; i < c->n; i++)
        if (strcmp(c->list[i]->text, text) == 0)
            return true;
    return false;
}

/* How many tokens; *plain: none of them is special. */
static int
count_tokens(int64_t *n, bool *plain, const struct tokenizer *t,
             const char *text, trv_err *err)
{
    struct ids ids = {0};
    const int rc = tokenizer_encode(t, &ids, text, strlen(text), false, err);

    *plain = true;
    for (int64_t i = 0; i < ids.n; i++)
        *plain = *plain && !tokenizer_is_special(t, ids.v[i]);
    *n = ids.n;
    ids_release(&ids);
    return rc;
}

/* The prompt as it acts. */
static int
make_prompt(struct candidate *a, const char *end, trv_err *err)
{
    struct strbuf b = {0};
    int rc = 0;

    if (!*a->text)
        return 0;
    if (sb_puts(&b, a->text) || sb_puts(&b, end))
        rc = err_nomem(err, "for candidates");
    if (!rc)
        rc = adaptation_of_text(&a->z, b.s, b.len, err);
    sb_release(&b);
    return rc;
}

static int
fill_scores(struct candidate *a, int64_t n, trv_err *err)
{
    a->reward = mem_array((size_t)n, sizeof(double));
    a->kl = mem_array((size_t)n, sizeof(double));
    a->value = mem_array((size_t)n, sizeof(double));
    if (!a->reward || !a->kl || !a->value)
        return err_nomem(err, "for candidates");
    for (int64_t i = 0; i < n; i++)
        a->reward[i] = a->kl[i] = a->value[i] = (double)NAN;
    a->best.input = a->worst.input = -1;
    return 0;
}

int
candidates_add(struct candidate **out, struct candidates *c,
               struct parts *parts, const struct tokenizer *t, int64_t most,
               const char *how, int64_t parent, int64_t mate, trv_err *err)
{
    struct candidate *a = mem_calloc(1, sizeof(*a));
    struct strbuf text = {0};
    bool plain = true;
    int rc = a && make_room(c) == 0 ? 0 : err_nomem(err, "for candidates");

    *out = NULL;
    if (!rc && (parts_join(&text, parts) || (!text.s && sb_puts(&text, ""))))
        rc = err_nomem(err, "for candidates");
    if (!rc && !is_known(c, text.s))
        rc = count_tokens(&a->tokens, &plain, t, text.s, err);
    else
        plain = false;
    if (rc || !plain || a->tokens > most) {
        sb_release(&text);
        parts_release(parts);
        candidate_free(a);
        return rc;
    }
    a->id = c->n;
    a->round = c->rounds;
    a->parents[0] = parent;
    a->parents[1] = mate;
    a->how = way(how);
    TRV_ASSERT(a->how);
    a->parts = *parts;
    *parts = (struct parts){0};
    a->text = sb_take(&text);
    rc = fill_scores(a, c->n_inputs, err);
    if (!rc)
        rc = make_prompt(a, c->end, err);
    if (rc) {
        candidate_free(a);
        return rc;
    }
    c->list[c->n++] = a;
    *out = a;
    return 0;
}

/* ---- scores ------------------------------------------------------------- */

void
candidates_score(struct candidates *c, struct candidate *of, int64_t input,
                 double reward, double kl)
{
    of->reward[input] = reward;
    of->kl[input] = kl;
    of->value[input] = reward - c->beta * kl - c->lambda * (double)of->tokens;
}

/* Cut and made UTF-8, so that what is read back is what was there. */
static int
take_shown(struct shown *s, int64_t input, double reward, const char *text,
           const int32_t *ids, int64_t n_ids, trv_err *err)
{
    const size_t n = strlen(text);
    int32_t *copy = mem_array((size_t)n_ids + 1, sizeof(*copy));
    struct strbuf b = {0};
    size_t used;

    if (!copy ||
        utf8_repair(&b, &used, text, n < SHOWN_BYTES ? n : SHOWN_BYTES,
                    false) ||
        sb_puts(&b, "")) {
        mem_free(copy);
        sb_release(&b);
        return err_nomem(err, "for candidates");
    }
    for (int64_t i = 0; i < n_ids; i++)
        copy[i] = ids[i];
    shown_release(s);
    *s = (struct shown){input, reward, sb_take(&b), copy, n_ids};
    return 0;
}

int
candidates_show(struct candidate *of, int64_t input, double reward,
                const char *text, const int32_t *ids, int64_t n, trv_err *err)
{
    int rc = 0;

    if (of->best.input < 0 || reward > of->best.reward)
        rc = take_shown(&of->best, input, reward, text, ids, n, err);
    if (!rc && (of->worst.input < 0 || reward < of->worst.reward))
        rc = take_shown(&of->worst, input, reward, text, ids, n, err);
    return rc;
}

double
candidates_mean(const struct candidates *c, const struct candidate *of,
                const int64_t *at, int64_t n)
{
    double sum = 0.0;

    n = at ? n : c->n_inputs;
    for (int64_t i = 0; i < n; i++)
        sum += of->value[at ? at[i] : i];
    return sum / (double)n;
}

/* ---- writing ------------------------------------------------------------ */

static json_t *
numbers_to_json(const double *x, int64_t n)
{
    json_t *list = json_array();

    for (int64_t i = 0; i < n && list; i++)
        if (json_array_append_new(list, json_finite(x[i]))) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static json_t *
texts_to_json(const struct parts *p, int64_t from)
{
    json_t *list = json_array();

    for (int64_t i = from; i < p->n && list; i++)
        if (json_array_append_new(list, json_string(p->v[i]))) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static json_t *
shown_to_json(const struct shown *s)
{
    json_t *obj = s->input < 0 ? NULL
                               : json_pack("{s:I,s:f,s:s,s:o}", "input",
                                           (json_int_t)s->input, "reward",
                                           s->reward, "text", s->text, "ids",
                                           json_ids(s->ids, s->n));

    return obj ? obj : json_null();
}

static json_t *
candidate_to_json(const struct candidates *c, const struct candidate *a)
{
    return json_pack(
        "{s:I,s:I,s:s,s:[I,I],s:o,s:s,s:I,s:b,s:o,s:o,s:o,s:o}", "id",
        (json_int_t)a->id, "round", (json_int_t)a->round, "how", a->how,
        "parents", (json_int_t)a->parents[0], (json_int_t)a->parents[1],
        "parts", texts_to_json(&a->parts, 0), "text", a->text, "tokens",
        (json_int_t)a->tokens, "kept", a->kept, "reward",
        numbers_to_json(a->reward, c->n_inputs), "kl",
        numbers_to_json(a->kl, c->n_inputs), "best", shown_to_json(&a->best),
        "worst", shown_to_json(&a->worst));
}

static int
add_line(struct strbuf *b, json_t *obj)
{
    char *line =
        obj ? json_dumps(obj, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    const int bad = !line || sb_puts(b, line) || sb_putc(b, '\n');

    json_decref(obj);
    free(line);
    return bad;
}

int
candidates_write(struct candidates *c, const char *file, trv_err *err)
{
    struct strbuf b = {0};
    int bad = 0, rc = 0;

    for (int64_t i = c->saved; i < c->n && !bad; i++)
        bad = add_line(&b, candidate_to_json(c, c->list[i]));
    bad = bad ||
          add_line(&b, json_pack("{s:I,s:o,s:I,s:I,s:f}", "round",
                                 (json_int_t)c->rounds, "phrases",
                                 texts_to_json(&c->phrases, c->phrases_saved),
                                 "asked", (json_int_t)c->asked, "answers",
                                 (json_int_t)c->answers, "drawn", c->drawn));
    if (bad)
        rc = err_nomem(err, "for candidates");
    if (!rc && file)
        rc = journal_append(file, b.s, b.len, err);
    sb_release(&b);
    if (rc)
        return rc;
    c->saved = c->n;
    c->phrases_saved = c->phrases.n;
    c->rounds++;
    return 0;
}

/* ---- reading ------------------------------------------------------------ */

static int
broken(const char *file, int64_t line, trv_err *err)
{
    return err_fail(err, TRV_EFORMAT,
                    "'%s' line %lld is none of this run: start it anew", file,
                    (long long)line);
}

static bool
take_numbers(double *x, const json_t *list, int64_t n)
{
    if (!json_is_array(list) || json_array_size(list) != (size_t)n)
        return false;
    for (int64_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, (size_t)i);

        if (!json_is_number(v) && !json_is_null(v))
            return false;
        x[i] = json_is_null(v) ? (double)NAN : json_number_value(v);
    }
    return true;
}

static bool
take_texts(struct parts *p, const json_t *list)
{
    const json_t *v;
    size_t i;

    if (!json_is_array(list))
        return false;
    json_array_foreach(list, i, v)
    {
        if (!json_is_string(v) ||
            parts_add(p, json_string_value(v), json_string_length(v)))
            return false;
    }
    return true;
}

/* null where a candidate was not evaluated; *whole is false for what no search
 * wrote. */
static int
take_back(struct shown *s, bool *whole, const json_t *obj, int64_t n_inputs,
          const struct tokenizer *t, trv_err *err)
{
    const char *text = json_string_value(json_object_get(obj, "text"));
    const json_t *input = json_object_get(obj, "input");
    const json_t *list = json_object_get(obj, "ids");
    struct ids ids = {0};
    int rc = 0;

    *whole =
        !obj || json_is_null(obj) ||
        (text && json_is_integer(input) && json_integer_value(input) >= 0 &&
         json_integer_value(input) < n_inputs && json_is_array(list));
    if (!*whole || !text)
        return 0;
    for (size_t i = 0; i < json_array_size(list) && !rc && *whole; i++) {
        const json_t *id = json_array_get(list, i);

        *whole = json_is_integer(id) && json_integer_value(id) >= 0 &&
                 json_integer_value(id) < tokenizer_size(t);
        if (*whole && ids_push(&ids, (int32_t)json_integer_value(id)))
            rc = err_nomem(err, "for candidates");
    }
    if (!rc && *whole)
        rc = take_shown(s, (int64_t)json_integer_value(input),
                        json_number_value(json_object_get(obj, "reward")), text,
                        ids.v, ids.n, err);
    ids_release(&ids);
    return rc;
}

static bool
take_parents(struct candidate *a, const json_t *list)
{
    for (size_t i = 0; i < 2; i++) {
        const json_t *v = json_array_get(list, i);

        if (!json_is_integer(v) || json_integer_value(v) < -1 ||
            json_integer_value(v) >= a->id)
            return false;
        a->parents[i] = (int64_t)json_integer_value(v);
    }
    return true;
}

static int
take_candidate(struct candidates *c, const json_t *obj, const char *file,
               int64_t line, const struct tokenizer *t, trv_err *err)
{
    const char *how = way(json_string_value(json_object_get(obj, "how")));
    const json_t *id = json_object_get(obj, "id");
    struct parts parts = {0};
    struct candidate *a = NULL;
    bool best, worst;
    int rc;

    if (!how || !json_is_integer(id) || json_integer_value(id) != c->n ||
        !take_texts(&parts, json_object_get(obj, "parts"))) {
        parts_release(&parts);
        return broken(file, line, err);
    }
    rc = candidates_add(&a, c, &parts, t, INT64_MAX, how, -1, -1, err);
    if (rc)
        return rc;
    if (!a ||
        !take_numbers(a->reward, json_object_get(obj, "reward"), c->n_inputs) ||
        !take_numbers(a->kl, json_object_get(obj, "kl"), c->n_inputs) ||
        !take_parents(a, json_object_get(obj, "parents")))
        return broken(file, line, err);
    a->kept = json_is_true(json_object_get(obj, "kept"));
    for (int64_t i = 0; i < c->n_inputs; i++) {
        if (a->kept && (!isfinite(a->reward[i]) || !isfinite(a->kl[i])))
            return broken(file, line, err);
        candidates_score(c, a, i, a->reward[i], a->kl[i]);
    }
    rc = take_back(&a->best, &best, json_object_get(obj, "best"), c->n_inputs,
                   t, err);
    if (!rc)
        rc = take_back(&a->worst, &worst, json_object_get(obj, "worst"),
                       c->n_inputs, t, err);
    return rc ? rc : best && worst ? 0 : broken(file, line, err);
}

static int
take_end(struct candidates *c, const json_t *obj, const char *file,
         int64_t line, trv_err *err)
{
    const json_t *round = json_object_get(obj, "round");
    const json_t *asked = json_object_get(obj, "asked");
    const json_t *answers = json_object_get(obj, "answers");
    const json_t *drawn = json_object_get(obj, "drawn");

    if (!json_is_integer(round) || json_integer_value(round) != c->rounds ||
        !json_is_integer(asked) || json_integer_value(asked) < c->asked ||
        !json_is_integer(answers) || json_integer_value(answers) < 0 ||
        !json_is_number(drawn) ||
        !take_texts(&c->phrases, json_object_get(obj, "phrases")))
        return broken(file, line, err);
    c->asked = (int64_t)json_integer_value(asked);
    c->answers = (int64_t)json_integer_value(answers);
    c->drawn = json_number_value(drawn);
    c->saved = c->n;
    c->phrases_saved = c->phrases.n;
    c->rounds++;
    return 0;
}

int
candidates_read(struct candidates *c, const char *file,
                const struct tokenizer *t, trv_err *err)
{
    struct strbuf text = {0};
    int64_t line = 1;
    size_t from = 0;
    int rc;

    if (!file || !file_exists(file))
        return 0;
    rc = journal_read(&text, file, FILE_LIMIT, err); // a round is a block
    while (from < text.len && !rc) {
        const char *at = text.s + from;
        const char *end = memchr(at, '\n', text.len - from);
        const size_t n = end ? (size_t)(end - at) : text.len - from;
        json_t *obj = NULL;
        bool ends;

        rc = json_parse(&obj, file, at, n, err);
        ends = !json_object_get(obj, "id");
        rc = rc == TRV_EFORMAT ? broken(file, line, err)
             : rc              ? rc
             : ends            ? take_end(c, obj, file, line, err)
                               : take_candidate(c, obj, file, line, t, err);
        json_decref(obj);
        from += n + 1;
        line += ends ? 2 : 1; // a round is followed by its sum
    }
    sb_release(&text);
    return rc;
}
