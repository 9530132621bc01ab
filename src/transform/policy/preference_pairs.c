/* preference_pairs.c -- preferences from rewards and from files. */
#include "transform/policy/preference_pairs.h"

#include <string.h>

#include "learn/loss/logistic.h"
#include "text/data_columns.h"
#include "text/example.h"

/* --- from rewards --- */

static void
add_pair(struct pairs *out, const double *reward, int64_t better, int64_t worse,
         const struct preference_pairs_options *how)
{
    const double gap = reward[better] - reward[worse];

    if (!(gap > how->margin))
        return;
    out->list[out->n++] =
        (struct preference){better, worse, how->soft ? logistic(gap) : 1.0};
}

static void
add_best(struct pairs *out, const double *reward, int64_t from, int64_t K,
         const struct preference_pairs_options *how)
{
    int64_t best = from, worst = from;

    for (int64_t i = from + 1; i < from + K; i++) {
        best = reward[i] > reward[best] ? i : best;
        worst = reward[i] < reward[worst] ? i : worst;
    }
    add_pair(out, reward, best, worst, how);
}

static void
add_all(struct pairs *out, const double *reward, int64_t from, int64_t K,
        const struct preference_pairs_options *how)
{
    for (int64_t i = from; i < from + K; i++)
        for (int64_t k = i + 1; k < from + K; k++) {
            const bool first = reward[i] > reward[k];

            add_pair(out, reward, first ? i : k, first ? k : i, how);
        }
}

int
preference_pairs_of_rewards(struct pairs *out, const struct answers *answers,
                            const double *reward, int64_t K,
                            const struct preference_pairs_options *how,
                            trv_err *err)
{
    const int64_t groups = answers->n / K,
                  each = how->all ? K * (K - 1) / 2 : 1;
    size_t most;

    *out = (struct pairs){0};
    if (!mem_mul(&most, (size_t)groups, (size_t)each))
        return err_nomem(err, "for pairs of answers");
    out->list = mem_calloc(most + 1, sizeof(*out->list));
    if (!out->list)
        return err_nomem(err, "for pairs of answers");
    for (int64_t g = 0; g < groups; g++) {
        const int64_t before = out->n;

        (how->all ? add_all : add_best)(out, reward, g * K, K, how);
        out->n_dropped += out->n == before;
    }
    return 0;
}

/* --- from a file --- */

/* Answer ids of the example as the next answer. */
static int
take_answer(struct answers *to, const struct example *e, int64_t context)
{
    struct answer *y = &to->list[to->n];
    const int64_t n = e->ids.n - e->n_context;

    y->ids = mem_array((size_t)n + 1, sizeof(*y->ids));
    if (!y->ids)
        return TRV_ENOMEM;
    memcpy(y->ids, e->ids.v + e->n_context, (size_t)n * sizeof(*y->ids));
    y->context = context;
    y->n = n;
    to->n++;
    to->tokens += n;
    return 0;
}

/* Both contexts of a row: the student's has its virtual tokens before. */
static int
take_context(struct answers *to, struct session *s,
             const struct adapter_weights *student, const struct example *e,
             int64_t input, trv_err *err)
{
    struct paired_row *c = &to->contexts[to->n_contexts++];
    struct ids base = {0};
    struct decoder *d;
    int rc = session_decoder(s, &d, err);

    c->input = input;
    if (!rc)
        rc = view_virtual_ids(&c->student, student, err);
    if (!rc && (ids_append(&c->student, e->ids.v, e->n_context) ||
                ids_append(&base, e->ids.v, e->n_context)))
        rc = err_nomem(err, "for pairs of answers");
    if (!rc)
        rc = conditioning_plain(&c->teacher, d, NULL, &base, err);
    ids_release(&base);
    return rc;
}

static bool
is_equal(const struct answer *a, const struct answer *b)
{
    return a->n == b->n &&
           memcmp(a->ids, b->ids, (size_t)a->n * sizeof(*a->ids)) == 0;
}

/* The ids before the answers of a row. */
static int
begin_row(struct example *e, const struct text_rules *rules,
          const struct data_row *row, trv_err *err)
{
    int rc = example_context(e, rules, row, NULL, NULL, err);

    if (!rc && e->n_context < 1)
        rc = data_row_fail(row, err, TRV_EINVAL,
                           "the input is empty and the tokenizer has no token "
                           "that begins a text");
    return rc;
}

/* How many tokens a row may have; the last one of an answer is only
 * predicted. */
static int64_t
room_of(const struct session *s, const struct adapter_weights *student)
{
    return s->model->cfg.context - adapter_weights_virtual_count(student) + 1;
}

static void
drop_answers(struct answers *to, int64_t first)
{
    for (; to->n > first; to->n--) {
        to->tokens -= to->list[to->n - 1].n;
        mem_free(to->list[to->n - 1].ids);
    }
}

/* A row that fits becomes a context, two answers and a pair. */
static int
take_row(struct pairs *out, struct answers *to, struct session *s,
         const struct adapter_weights *student, struct example *e,
         const struct data_row *row, int64_t input, trv_err *err)
{
    const struct text_rules rules = model_text_rules(s->model);
    const int64_t first = to->n;
    int64_t longest = 0;
    int rc = data_columns_check(row, DATA_PAIRS, err);

    if (!rc && (!row->chosen || !row->rejected))
        rc = data_row_fail(row, err, TRV_EFORMAT,
                           "the row is no pair: it needs 'chosen' and "
                           "'rejected'");
    if (!rc)
        rc = begin_row(e, &rules, row, err);
    for (int k = 0; k < 2 && !rc; k++) {
        rc = example_append(e, &rules, row, k ? row->rejected : row->chosen,
                            err);
        longest = !rc && e->ids.n > longest ? e->ids.n : longest;
        if (!rc && take_answer(to, e, to->n_contexts))
            rc = err_nomem(err, "for pairs of answers");
    }
    if (rc)
        return rc;
    if (longest > room_of(s, student) || to->list[first].n < 1 ||
        to->list[first + 1].n < 1 ||
        is_equal(&to->list[first], &to->list[first + 1])) {
        out->n_dropped++;
        drop_answers(to, first);
        return 0;
    }
    rc = take_context(to, s, student, e, input, err);
    if (!rc)
        out->list[out->n++] = (struct preference){first, first + 1, 1.0};
    return rc;
}

/* Room for the rows of a file: contexts, and two answers to each. */
static int
begin_answers(struct answers *to, int64_t n, trv_err *err)
{
    *to = (struct answers){0};
    to->contexts = mem_calloc((size_t)n, sizeof(*to->contexts));
    to->list = mem_calloc((size_t)n, 2 * sizeof(*to->list));
    return to->contexts && to->list ? 0 : err_nomem(err, "for answers");
}

int
preference_pairs_of_file(struct pairs *out, struct answers *answers,
                         struct session *s,
                         const struct adapter_weights *student,
                         const struct inputs *in, trv_err *err)
{
    struct example e = {0};
    int rc = begin_answers(answers, in->data.n, err);

    *out = (struct pairs){0};
    out->list = mem_calloc((size_t)in->data.n, sizeof(*out->list));
    if (!rc && !out->list)
        rc = err_nomem(err, "for pairs of answers");
    for (int64_t i = 0; i < in->data.n && !rc; i++)
        rc = take_row(out, answers, s, student, &e, &in->data.rows[i], i, err);
    if (!rc && out->n == 0)
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s' has no pair of two different answers that fit the "
                      "context of %lld",
                      in->data.path, (long long)s->model->cfg.context);
    example_release(&e);
    return rc;
}

void
pairs_release(struct pairs *p)
{
    mem_free(p->list);
    *p = (struct pairs){0};
}

/* --- labelled answers --- */

/* An answer that fits, behind the context that comes next. */
static int
take_labelled(struct labels *out, struct answers *to, const struct example *e,
              bool good, int64_t room, trv_err *err)
{
    if (e->ids.n > room || e->ids.n <= e->n_context) {
        out->n_dropped++;
        return 0;
    }
    if (take_answer(to, e, to->n_contexts))
        return err_nomem(err, "for answers");
    out->list[out->n++] = (struct labelled){to->n - 1, good};
    out->n_good += good;
    return 0;
}

static int
take_labels(struct labels *out, struct answers *to, struct session *s,
            const struct adapter_weights *student, struct example *e,
            const struct data_row *row, int64_t input, trv_err *err)
{
    const struct text_rules rules = model_text_rules(s->model);
    const int64_t first = to->n;
    int rc = data_columns_check(row, DATA_LABELS, err);

    if (!rc && !row->chosen && (!row->completion || row->label < 0))
        rc = data_row_fail(row, err, TRV_EFORMAT,
                           "the row has no label: kto needs 'prompt', "
                           "'completion' and 'label' (true or false), or "
                           "'chosen' and 'rejected'");
    if (!rc)
        rc = begin_row(e, &rules, row, err);
    for (int k = 0; k < (row->chosen ? 2 : 1) && !rc; k++) {
        const bool good = row->chosen ? k == 0 : row->label == 1;

        rc = example_append(e, &rules, row,
                            !row->chosen ? row->completion
                            : good       ? row->chosen
                                         : row->rejected,
                            err);
        if (!rc)
            rc = take_labelled(out, to, e, good, room_of(s, student), err);
    }
    if (rc || to->n == first)
        return rc;
    return take_context(to, s, student, e, input, err);
}

int
labels_of_file(struct labels *out, struct answers *answers, struct session *s,
               const struct adapter_weights *student, const struct inputs *in,
               trv_err *err)
{
    struct example e = {0};
    int rc = begin_answers(answers, in->data.n, err);

    *out = (struct labels){0};
    out->list = mem_calloc((size_t)in->data.n, 2 * sizeof(*out->list));
    if (!rc && !out->list)
        rc = err_nomem(err, "for answers");
    for (int64_t i = 0; i < in->data.n && !rc; i++)
        rc = take_labels(out, answers, s, student, &e, &in->data.rows[i], i,
                         err);
    if (!rc && out->n == 0)
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s' has no answer that fits the context of %lld",
                      in->data.path, (long long)s->model->cfg.context);
    example_release(&e);
    return rc;
}

void
labels_release(struct labels *l)
{
    mem_free(l->list);
    *l = (struct labels){0};
}
