/* lengths.c -- contexts laid out and counted. */
#include "transform/lengths.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/judge.h"
#include "adapt/reward/reward.h"
#include "text/example.h"

#define ROWS 512 // that are looked at, spread over the file

/* Where nothing is known: a sampled input, and what tokenising it again may
 * add. */
#define SAMPLED "a word or two and some more of them to go on from here"
#define ANOTHER "A word or two and some more of them to go on from here"
#define SAMPLED_MORE 24.0

/* Another model's tokenizer may need so many tokens for one of ours. */
#define ABROAD 4.0

/* What a judge's answer takes, and how many ratings are tried at most. */
#define RATING 8.0
#define RATINGS 10.0

/* What all rows so far begin with. */
struct alike {
    struct ids ids;
    int64_t rows;
};

/* What is looked at for every row. */
struct ruler {
    const struct convert_job *job;
    struct adaptation *source;  // NULL: made by a link before, or the base
    struct adaptation *against; // owned; NULL: the base
    struct reward_guide guide;
    struct alike alike, source_alike; // by themselves, and under the source
};

/* ---- one row ------------------------------------------------------------- */

/* Keep of the rows' common beginning what ids [n] begin with, too. */
static int
keep_alike(struct alike *a, const int32_t *ids, int64_t n, trv_err *err)
{
    int64_t k = 0;

    if (a->rows++ == 0)
        return ids_append(&a->ids, ids, n) ? err_nomem(err, "to plan") : 0;
    while (k < n && k < a->ids.n && ids[k] == a->ids.v[k])
        k++;
    a->ids.n = k;
    return 0;
}

/* Tokens of a row under `a`, in all its parts. `alike` (may be NULL): the
 * beginning is kept of a view of one part. */
static int
count_view(double *tokens, double *parts, struct alike *alike,
           struct session *s, struct adaptation *a, const struct data_row *row,
           trv_err *err)
{
    struct context c;
    int rc = view_open(&c, s, a, row, err);

    if (rc)
        return rc;
    for (int64_t i = 0; i < c.n; i++)
        *tokens += (double)c.parts[i].n_ids;
    *parts += (double)c.n;
    if (alike && c.n == 1)
        rc = keep_alike(alike, c.parts[0].ids, c.parts[0].n_ids, err);
    conditioning_release(&c);
    return rc;
}

static int
count_judge(struct cost_lengths *l, struct session *s, const struct reward *r,
            const struct data_row *row, trv_err *err)
{
    const struct reward_item empty = {.row = row, .text = ""};
    struct strbuf ask = {0};
    struct ids ids = {0};
    int rc = judge_ask(&ask, r->judge, &empty, err);

    if (!rc)
        rc = tokenizer_encode(s->model->tokenizer, &ids, ask.s ? ask.s : "",
                              ask.len, false, err);
    l->judged += (double)ids.n + l->context + RATING * RATINGS;
    l->verdicts += 2.0; // its text in tokens again
    ids_release(&ids);
    sb_release(&ask);
    return rc;
}

/* What a reward makes of a row, beside the answer. */
static int
count_reward(struct cost_lengths *l, struct session *s, struct adaptation *a,
             const struct data_row *row, trv_err *err)
{
    const struct reward *r = a->reward;
    const double abroad = r && r->home ? ABROAD : 1.0;
    double tokens = 0.0, parts = 0.0;
    int rc = 0;

    for (int64_t p = 0; r && p < r->n_parts && !rc; p++)
        rc = count_reward(l, s, r->parts[p].of, row, err);
    if (rc || !r || r->n_parts || r->verifier)
        return rc;
    if (r->judge)
        return count_judge(l, s, r, row, err);
    if (r->home || r->scorer) {
        tokens = abroad * 2.0 * l->context;
        parts = 2.0 * abroad;
    } else {
        rc = count_view(&tokens, &parts, NULL, s, r->plus, row, err);
        if (!rc)
            rc = count_view(&tokens, &parts, NULL, s, r->minus, row, err);
    }
    l->judged += tokens;
    l->verdicts += parts;
    return rc;
}

/* Both answers of a given pair, or the one that has a label. */
static int
count_pair(struct cost_lengths *l, const struct model *m,
           const struct data_row *row, trv_err *err)
{
    const struct text_rules rules = model_text_rules(m);
    const json_t *const side[] = {row->chosen ? row->chosen : row->completion,
                                  row->rejected};
    const int n = row->chosen ? 2 : row->completion ? 1 : 0;
    struct example e = {0};
    int rc = 0;

    if (n == 0)
        return 0; // no pair: the method says so
    rc = example_context(&e, &rules, row, NULL, NULL, err);
    for (int k = 0; k < n && !rc; k++) {
        rc = example_append(&e, &rules, row, side[k], err);
        if (!rc)
            l->answers += (double)(e.ids.n - e.n_context);
    }
    example_release(&e);
    return rc;
}

static int
count_row(struct cost_lengths *l, struct ruler *r, const struct data_row *row,
          trv_err *err)
{
    struct session *s = r->job->s;
    double ones = 0.0;
    int rc = count_view(&l->context, &ones, &r->alike, s, NULL, row, err);

    if (!rc && r->job->opts->pairs)
        rc = count_pair(l, s->model, row, err);
    if (!rc && r->source)
        rc = count_view(&l->source, &l->parts, &r->source_alike, s, r->source,
                        row, err);
    else
        l->source = l->context;
    if (!rc && r->against)
        rc = count_view(&l->against, &ones, NULL, s, r->against, row, err);
    else
        l->against = l->context;
    if (!rc && r->job->from->form == FORM_REWARD)
        rc = count_reward(l, s, r->job->from, row, err);
    return rc;
}

/* ---- all rows ------------------------------------------------------------ */

/* The fields that are measured row by row. */
#define N_FIELDS 7

static double *
field(struct cost_lengths *l, int i)
{
    double *const fields[N_FIELDS] = {&l->context, &l->source,  &l->parts,
                                      &l->against, &l->answers, &l->judged,
                                      &l->verdicts};

    return fields[i];
}

static void
add_row(struct cost_lengths *mean, struct cost_lengths *most,
        struct cost_lengths *one)
{
    for (int i = 0; i < N_FIELDS; i++) {
        const double x = *field(one, i);

        *field(mean, i) += x;
        *field(most, i) = fmax(*field(most, i), x);
    }
}

static void
divide(struct cost_lengths *l, double n)
{
    for (int i = 0; i < N_FIELDS; i++)
        *field(l, i) /= n;
}

static int
measure_rows(struct cost_lengths *mean, struct cost_lengths *most,
             struct ruler *r, const struct data *data, trv_err *err)
{
    const int64_t n = data->n < ROWS ? data->n : ROWS;
    int rc = 0;

    for (int64_t i = 0; i < n && !rc; i++) {
        struct cost_lengths one = {0};

        rc = count_row(&one, r, &data->rows[i * data->n / n], err);
        add_row(mean, most, &one);
    }
    divide(mean, n > 0 ? (double)n : 1.0);
    mean->shared = (double)r->alike.ids.n;
    mean->source_shared =
        r->source ? (double)r->source_alike.ids.n : mean->shared;
    return rc;
}

/* Rows that stand for what the model will sample: two, to see how much is
 * alike. */
static int
measure_sampled(struct cost_lengths *mean, struct cost_lengths *most,
                struct ruler *r, trv_err *err)
{
    struct data data = {0};
    static const char lines[] = "{\"prompt\": \"" SAMPLED "\"}\n"
                                "{\"prompt\": \"" ANOTHER "\"}\n";
    int rc = data_parse(&data, "sampled.jsonl", lines, sizeof(lines) - 1, err);

    if (!rc)
        rc = measure_rows(mean, most, r, &data, err);
    most->context += SAMPLED_MORE;
    most->source += SAMPLED_MORE * most->parts;
    most->against += SAMPLED_MORE;
    most->judged += SAMPLED_MORE * fmax(most->verdicts, 1.0);
    data_release(&data);
    return rc;
}

static int
measure_file(struct cost_lengths *mean, struct cost_lengths *most,
             struct ruler *r, const char *path, trv_err *err)
{
    struct inputs in = {0};
    int rc = inputs_open(
        &in, r->job->s,
        &(struct inputs_options){.path = path, .use = INPUTS_LEARN}, err);

    if (!rc)
        rc = measure_rows(mean, most, r, &in.data, err);
    mean->inputs = most->inputs = (double)in.data.n;
    inputs_release(&in);
    return rc;
}

static void
assume_rows(struct cost_lengths *l, const struct model *m)
{
    const double room = (double)m->cfg.context * (l->is_bound ? 1.0 : 0.25);

    l->inputs = 256.0;
    l->context = l->source = l->against = l->judged = room;
    l->parts = l->verdicts = 2.0;
    l->answers = room;
}

/* ---- the sides ----------------------------------------------------------- */

static bool
takes_guide(const struct convert_job *job)
{
    return job->from->form == FORM_REWARD && !job->is_to_come &&
           method_reads(job->method, "divergence") && reward_guides(job->from);
}

static int
ruler_open(struct ruler *r, const struct convert_job *job, trv_err *err)
{
    const char *against = job->opts->against;
    const double beta = job->opts->beta > 0 ? job->opts->beta : 1.0;
    int rc = 0;

    *r = (struct ruler){.job = job};
    if (!job->is_to_come &&
        (job->from->form == FORM_PARAMS || job->from->form == FORM_PROMPT))
        r->source = job->from;
    if (takes_guide(job)) {
        rc = reward_guide(&r->guide, job->from, beta, err);
        r->source = &r->guide.mix;
    }
    if (!rc && against && strcmp(against, "base") != 0)
        rc = adaptation_open(&r->against, job->s->model,
                             job->s->identified ? &job->s->id : NULL, against,
                             false, err);
    return rc;
}

/* What a link before will make, by its kind alone. */
static void
assume_source(struct cost_lengths *l, const struct convert_job *job)
{
    const trv_convert_options *o = job->opts;
    double more = 0.0;

    switch (job->from->kind) {
    case KIND_SOFT:
    case KIND_PREFIX:
        more = o->virtual_tokens.tokens;
        break;
    case KIND_TEXT:
    case KIND_MESSAGES:
        more = 2.0 * o->prompt_tokens;
        break;
    case KIND_DEMOS:
        more = (double)o->evolve.demos * (l->context + 64.0);
        break;
    default:
        break;
    }
    l->source = l->context + more;
    l->parts = 1.0;
    if (job->from->form != FORM_REWARD)
        return;
    l->judged = 2.0 * l->context + more + 128.0;
    l->verdicts = 2.0;
    if (method_reads(job->method, "divergence")) { // base and both sides
        l->source = 3.0 * l->context + more;
        l->parts = 3.0;
    }
}

int
lengths_measure(struct cost_lengths *mean, struct cost_lengths *most,
                const struct convert_job *job, trv_err *err)
{
    const trv_convert_options *o = job->opts;
    const char *path = o->pairs ? o->pairs : o->inputs;
    struct ruler r;
    int rc = ruler_open(&r, job, err);

    *mean = (struct cost_lengths){.is_given = path != NULL};
    *most = (struct cost_lengths){.is_bound = true, .is_given = path != NULL};
    if (!rc && path && data_is_stream(path)) {
        assume_rows(mean, job->s->model);
        assume_rows(most, job->s->model);
    } else if (!rc && path) {
        rc = measure_file(mean, most, &r, path, err);
    } else if (!rc) {
        rc = measure_sampled(mean, most, &r, err);
    }
    if (!rc && job->is_to_come) {
        assume_source(mean, job);
        assume_source(most, job);
    }
    mean->parts = fmax(mean->parts, 1.0);
    most->parts = fmax(most->parts, 1.0);
    adaptation_free(r.against);
    ids_release(&r.alike.ids);
    ids_release(&r.source_alike.ids);
    return rc;
}
