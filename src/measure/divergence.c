/* divergence.c -- divergences along answers that were drawn. */
#include "measure/divergence.h"

#include <math.h>

#include "measure/answers_drawn.h"
#include "measure/plan.h"
#include "measure/stats.h"
#include "model/decoder/pass.h"
#include "model/sample/engine.h"

/* One answer to each of some items, under the sides of a mask. */
struct aligned {
    struct head_side side[SIDES];
    int32_t *target;
    int64_t n; // answer tokens of all items
};

static int
run_answers(struct aligned *out, struct measure *m, int64_t from, int64_t n,
            enum side drawn, int64_t which, unsigned sides, trv_err *err)
{
    struct arena *a = &m->s->arena;
    struct answered *rows = arena_alloc(a, (size_t)(n * SIDES) * sizeof(*rows));
    struct head_side run[SIDES] = {{0}};
    int64_t k = 0, n_sides = 0;
    int rc;

    *out = (struct aligned){0};
    for (int64_t i = 0; i < n; i++)
        out->n += m->items[from + i].from[drawn][which].n;
    out->target = arena_alloc(a, (size_t)out->n * sizeof(*out->target));
    if (!rows || !out->target)
        return err_fail(err, TRV_ENOMEM, "no memory for a pass");
    for (int s = 0; s < SIDES; s++) {
        n_sides += sides >> s & 1u;
        for (int64_t i = 0; i < n && (sides >> s & 1u); i++) {
            const struct item *it = &m->items[from + i];
            const struct drawn *y = &it->from[drawn][which];

            rows[k++] = (struct answered){&it->context[s], y->ids, y->n};
        }
    }
    rc = pass_forward(run, out->target, a, n_sides, rows, n, err);
    k = 0;
    for (int s = 0; s < SIDES; s++)
        if (sides >> s & 1u)
            out->side[s] = run[k++];
    return rc;
}

/* How many items from `from` on make one pass. */
static int64_t
pass_items(const struct measure *m, int64_t from, enum side drawn,
           int64_t which, unsigned sides)
{
    int64_t n = 0, tokens = 0;

    while (from + n < m->n) {
        const struct item *it = &m->items[from + n];
        const struct drawn *y = &it->from[drawn][which];
        int64_t t = 0;

        for (int s = 0; s < SIDES; s++)
            if (sides >> s & 1u)
                t += pass_tokens(
                    &(struct answered){&it->context[s], y->ids, y->n}, 1);
        if (n > 0 && tokens + t > ENGINE_TOKENS)
            break;
        tokens += t;
        n++;
    }
    return n;
}

static int
nonfinite(const struct measure *m, int64_t item, trv_err *err)
{
    return err_fail(err, TRV_ENONFINITE,
                    "the model gave a value that is not finite at input %lld "
                    "of %lld",
                    (long long)item + 1, (long long)m->n);
}

/* out[i] = mean over item i's answer tokens of value. Statistics leave out what
 * is not a number, so here it must stop the measurement. */
static int
per_item_means(double *out, const struct measure *m, int64_t from, int64_t n,
               enum side drawn, const float *value, const unsigned char *flag,
               trv_err *err)
{
    int64_t k = 0;

    for (int64_t i = from; i < from + n; i++) {
        const int64_t len = m->items[i].from[drawn][0].n;
        double sum = 0.0;

        for (int64_t j = 0; j < len; j++, k++)
            sum += value ? (double)value[k] : (double)flag[k];
        if (!isfinite(sum))
            return nonfinite(m, i, err);
        out[i] = sum / (double)len;
    }
    return 0;
}

/* Add values of some items to the sums of each place; `answers` counts once. */
static void
add_positions(trv_measurement *out, const struct measure *m, int64_t from,
              int64_t n, const float *value, bool is_base)
{
    for (int64_t i = from; i < from + n; i++)
        for (int64_t j = 0; j < m->items[i].from[SIDE_A][0].n; j++) {
            trv_measured_position *at = &out->positions[j];

            *(is_base ? &at->kl_base : &at->kl_forward) += (double)*value++;
            at->answers += !is_base;
        }
}

/* Room for what is kept of each input and of each place in the answers. */
static int
begin_details(trv_measurement *out, const struct measure *m, trv_err *err)
{
    for (int64_t i = 0; i < m->n; i++)
        if (m->items[i].from[SIDE_A][0].n > out->n_positions)
            out->n_positions = m->items[i].from[SIDE_A][0].n;
    out->inputs = mem_calloc((size_t)m->n, sizeof(*out->inputs));
    out->positions =
        mem_calloc((size_t)out->n_positions, sizeof(*out->positions));
    out->n_inputs = out->inputs ? m->n : 0;
    if (!out->positions)
        out->n_positions = 0;
    return out->inputs && out->positions ? 0 : err_nomem(err, "for figures");
}

static void
end_details(trv_measurement *out, const double *kl, const double *kl_base)
{
    for (int64_t i = 0; i < out->n_inputs; i++)
        out->inputs[i] = (trv_measured_input){kl[i], kl_base[i]};
    for (int64_t i = 0; i < out->n_positions; i++) {
        trv_measured_position *at = &out->positions[i];

        at->kl_forward /= (double)at->answers;
        at->kl_base /= (double)at->answers;
    }
}

void
divergence_release(trv_measurement *out)
{
    mem_free(out->inputs);
    mem_free(out->positions);
    out->inputs = NULL;
    out->positions = NULL;
    out->n_inputs = out->n_positions = 0;
}

/* Along the first answer of p's side to each item; each output [n] may be
 * NULL. */
struct walk {
    enum side p, q, other;
    double *kl;            // KL(p || q)
    double *agree;         // the share of tokens with the same likeliest one
    double *kl_other;      // KL(p || other)
    trv_measurement *kept; // takes both by place
};

/* One pass, over items [from, from + n). */
static int
walk_pass(struct measure *m, const struct walk *w, int64_t from, int64_t n,
          unsigned sides, trv_err *err)
{
    struct arena *a = &m->s->arena;
    struct aligned al;
    unsigned char *same;
    float *value;
    int rc;

    arena_reset(a);
    rc = run_answers(&al, m, from, n, w->p, 0, sides, err);
    if (rc)
        return rc;
    value = arena_f32(a, al.n, 1);
    same = arena_alloc(a, (size_t)al.n);
    if (!value || !same)
        return err_fail(err, TRV_ENOMEM, "no memory for a pass");
    if (w->kl || w->agree)
        rc = head_compare(a, value, same, &al.side[w->p], &al.side[w->q], al.n,
                          DIV_FORWARD, err);
    if (!rc && w->kl)
        rc = per_item_means(w->kl, m, from, n, w->p, value, NULL, err);
    if (!rc && w->kl && w->kept)
        add_positions(w->kept, m, from, n, value, false);
    if (!rc && w->agree)
        rc = per_item_means(w->agree, m, from, n, w->p, NULL, same, err);
    if (rc || !w->kl_other)
        return rc;
    rc = head_compare(a, value, NULL, &al.side[w->p], &al.side[w->other], al.n,
                      DIV_FORWARD, err);
    if (!rc)
        rc = per_item_means(w->kl_other, m, from, n, w->p, value, NULL, err);
    if (!rc && w->kept)
        add_positions(w->kept, m, from, n, value, true);
    return rc;
}

static int
walk_kl(struct measure *m, const struct walk *w, trv_err *err)
{
    const unsigned sides = 1u << w->p | (w->kl || w->agree ? 1u << w->q : 0u) |
                           (w->kl_other ? 1u << w->other : 0u);
    int64_t from = 0;
    int rc = 0;

    while (from < m->n && !rc) {
        const int64_t n = pass_items(m, from, w->p, 0, sides);

        rc = walk_pass(m, w, from, n, sides, err);
        from += n;
        if (!rc && !stage_report(m, m->stage_done + from))
            rc = stage_canceled(err);
    }
    m->stage_done += m->n;
    return rc;
}

/* The figures of one walk along the source's answers. */
static int
along_source(struct measure *m, trv_measurement *out, double *x, trv_err *err)
{
    const bool gap = m->asked & ASKED(gap_closed);
    const bool forward = gap || m->asked & ASKED(kl_forward);
    const bool to_base = gap || m->asked & ASKED(kl_base);
    const bool kept = forward && to_base;
    const struct walk w = {
        .p = SIDE_A,
        .q = SIDE_B,
        .other = SIDE_BASE,
        .kl = forward ? x : NULL,
        .kl_other = to_base ? x + m->n : NULL,
        .agree = m->asked & ASKED(top1_agreement) ? x + 2 * m->n : NULL,
        .kept = kept ? out : NULL};
    int rc = kept ? begin_details(out, m, err) : 0;

    if (!rc)
        rc = walk_kl(m, &w, err);
    if (rc)
        return rc;
    if (kept)
        end_details(out, w.kl, w.kl_other);
    if (gap)
        out->gap_closed = stats_gap(w.kl, w.kl_other, m->n);
    if (m->asked & ASKED(kl_forward))
        out->kl_forward = stats_positive(w.kl, m->n);
    if (m->asked & ASKED(kl_base))
        out->kl_base = stats_positive(w.kl_other, m->n);
    if (w.agree)
        out->top1_agreement = stats_bounded(w.agree, m->n, 0.0, 1.0);
    return 0;
}

int
divergence_kl(struct measure *m, trv_measurement *out, trv_err *err)
{
    double *x = mem_calloc((size_t)m->n * 3, sizeof(*x));
    int rc = x ? 0 : err_fail(err, TRV_ENOMEM, "no memory for the figures");

    if (!rc && m->asked & ASKED_ALONG_SOURCE)
        rc = along_source(m, out, x, err);
    if (!rc && m->asked & ASKED(kl_reverse)) {
        rc = walk_kl(m, &(struct walk){.p = SIDE_B, .q = SIDE_A, .kl = x}, err);
        if (!rc)
            out->kl_reverse = stats_positive(x, m->n);
    }
    mem_free(x);
    return rc;
}

/* As many control inputs as there were inputs, with an answer of the base to
 * each: the base's own text, raw in every layout, or where a side is a prompt of
 * messages, which only a chat has, what a user says. */
static int
draw_control(struct measure *m, struct inputs *in, trv_err *err)
{
    const bool own = m->asked & ASKED(drift_source);
    struct adaptation *const a = m->side[SIDE_A];
    const bool chat =
        adaptation_is_chat(m->side[SIDE_B]) || (own && adaptation_is_chat(a));
    const int64_t want = m->n;
    int64_t dropped;
    int rc;

    drawn_release(m);
    stage_begin(m, "sampling control inputs", "inputs", want);
    rc = inputs_open(in, m->s,
                     &(struct inputs_options){.path = m->opts->control,
                                              .use = INPUTS_CONTROL,
                                              .text = !chat,
                                              .want = want,
                                              .seed = m->opts->seed,
                                              .progress = stage_on_inputs,
                                              .payload = m},
                     err);
    if (rc)
        return rc;
    if (in->data.unused)
        stage_say(m, "warning: %s", in->data.unused);
    stage_note_inputs(&m->on.control, &in->data);
    m->max_inputs = want;
    for (int s = 0; s < SIDES; s++)
        m->per_side[s] = s == SIDE_BASE;
    m->side[SIDE_A] = own ? a : NULL; // else it has no part in this
    rc = drawn_fill(m, &dropped, in, err);
    m->side[SIDE_A] = a;
    if (rc)
        return rc;
    stage_begin(m, "measuring drift", "answers", 2 * m->n);
    return drawn_by(m, SIDE_BASE, err);
}

int
divergence_drift(struct measure *m, trv_measurement *out, trv_err *err)
{
    const bool own = m->asked & ASKED(drift_source);
    struct inputs in = {0};
    double *kl = NULL;
    int rc;

    if (!(m->asked & ASKED_DRIFT))
        return 0;
    rc = draw_control(m, &in, err);
    if (rc)
        goto done;
    kl = mem_calloc((size_t)m->n * 2, sizeof(*kl));
    if (!kl)
        rc = err_fail(err, TRV_ENOMEM, "no memory for the figures");
    if (!rc)
        rc = walk_kl(m,
                     &(struct walk){.p = SIDE_BASE,
                                    .q = SIDE_B,
                                    .other = SIDE_A,
                                    .kl = kl,
                                    .kl_other = own ? kl + m->n : NULL},
                     err);
    if (!rc && m->asked & ASKED(drift))
        out->drift = stats_positive(kl, m->n);
    if (!rc && own)
        out->drift_source = stats_positive(kl + m->n, m->n);
done:
    mem_free(kl);
    inputs_release(&in);
    return rc;
}
