/* policy_eval.c -- fresh answers, their rewards and their distance from the
 * base. */
#include "transform/policy/policy_eval.h"

#include <math.h>
#include <string.h>

#include "base/streams.h"
#include "model/sample/engine.h"
#include "model/decoder/pass.h"

struct evaluation {
    struct session *s;
    const struct answers *contexts;
    struct decoder *d;
    struct context *policy;  // [n_contexts], borrowing the ids
    struct component *parts; // [n_contexts]
    struct sample_out *outs; // [n]
    const int64_t *given;    // NULL: outs are drawn, and own their ids
    int64_t n;
    const struct reward_watch *watch;
};

/* The context that answer i is to. */
static int64_t
context_of(const struct evaluation *x, int64_t i)
{
    return x->given ? x->contexts->list[x->given[i]].context
                    : i % x->contexts->n_contexts;
}

static bool
on_sampled(void *payload, int64_t rows_done, int64_t tokens)
{
    const struct evaluation *x = payload;

    (void)tokens;
    return !x->watch->progress ||
           x->watch->progress(x->watch->payload, rows_done, x->n);
}

/* Contexts of the policy, and room for answers. */
static int
begin(struct evaluation *x, const struct adapter_weights *adapter_weights,
      trv_err *err)
{
    const int64_t n_contexts = x->contexts->n_contexts;

    x->policy = mem_calloc((size_t)n_contexts, sizeof(*x->policy));
    x->parts = mem_calloc((size_t)n_contexts, sizeof(*x->parts));
    x->outs = mem_calloc((size_t)x->n, sizeof(*x->outs));
    if (!x->policy || !x->parts || !x->outs)
        return err_nomem(err, "to examine answers");
    for (int64_t i = 0; i < n_contexts; i++) {
        const struct ids *ids = &x->contexts->contexts[i].student;

        x->parts[i] =
            (struct component){x->d, adapter_weights, ids->v, ids->n, 1.0};
        x->policy[i] = (struct context){&x->parts[i], 1, NULL};
    }
    for (int64_t i = 0; x->given && i < x->n; i++) {
        const struct answer *y = &x->contexts->list[x->given[i]];

        x->outs[i] = (struct sample_out){.ids = y->ids, .n = y->n};
    }
    return 0;
}

static int
draw_answers(struct evaluation *x,
             const struct adapter_weights *adapter_weights,
             const struct policy_eval_options *opts, trv_err *err)
{
    struct sampled_row *rows = mem_calloc((size_t)x->n, sizeof(*rows));
    struct sample_options so = {.sampling = SAMPLING_INIT,
                                .max_tokens = opts->max_tokens,
                                .seed = opts->seed,
                                .memo = x->watch->memo,
                                .on_progress = on_sampled,
                                .payload = x};
    int rc = rows ? 0 : err_nomem(err, "to examine answers");

    for (int64_t i = 0; i < x->n && !rc; i++) {
        const int64_t c = context_of(x, i);

        rows[i] = (struct sampled_row){adapter_weights || opts->own
                                           ? &x->policy[c]
                                           : &x->contexts->contexts[c].teacher,
                                       STREAM_EVALUATION + (uint64_t)i};
    }
    so.sampling.vocab = tokenizer_size(x->s->model->tokenizer);
    arena_reset(&x->s->arena);
    if (!rc)
        rc =
            engine_sample_contexts(&x->s->arena, x->outs, rows, x->n, &so, err);
    mem_free(rows);
    return rc;
}

static int
score_answers(struct policy_eval *out, const struct evaluation *x,
              struct adaptation *by, const struct inputs *in, trv_err *err)
{
    struct completion *list = mem_calloc((size_t)x->n, sizeof(*list));
    double *reward = mem_calloc((size_t)x->n, sizeof(*reward));
    const double n = (double)x->n;
    double squares = 0.0;
    int rc = list && reward ? 0 : err_nomem(err, "to examine answers");

    for (int64_t i = 0; i < x->n && !rc; i++) {
        const int64_t c = context_of(x, i);

        list[i] =
            (struct completion){&in->data.rows[x->contexts->contexts[c].input],
                                x->outs[i].ids, x->outs[i].n};
    }
    if (!rc)
        rc = answer_rewards_score(reward, x->s, by, list, x->n, x->watch, err);
    out->reward = 0.0;
    for (int64_t i = 0; i < x->n && !rc; i++)
        out->reward += reward[i] / n;
    for (int64_t i = 0; i < x->n && !rc; i++)
        squares += (reward[i] - out->reward) * (reward[i] - out->reward);
    out->reward_se = n > 1 ? sqrt(squares / (n - 1.0) / n) : 0.0;
    mem_free(list);
    mem_free(reward);
    return rc;
}

/* Add KL(policy, base) of answers from..from+n-1, over all their tokens. */
static int
add_distance(double *sum, const struct evaluation *x, int64_t from, int64_t n,
             trv_err *err)
{
    struct arena *a = &x->s->arena;
    struct answered *rows = arena_alloc(a, (size_t)(2 * n) * sizeof(*rows));
    double *kl = arena_alloc(a, (size_t)n * sizeof(*kl));
    int rc;

    if (!rows || !kl)
        return err_nomem(err, "to examine answers");
    for (int64_t i = 0; i < n; i++) {
        const struct sample_out *y = &x->outs[from + i];
        const int64_t c = context_of(x, from + i);

        rows[i] = (struct answered){&x->policy[c], y->ids, y->n};
        rows[n + i] =
            (struct answered){&x->contexts->contexts[c].teacher, y->ids, y->n};
    }
    rc = pass_kl(kl, a, rows, n, err);
    for (int64_t i = 0; i < n && !rc; i++)
        *sum += kl[i];
    return rc;
}

static int
distance(double *sum, const struct evaluation *x, trv_err *err)
{
    int64_t from = 0;
    int rc = 0;

    while (from < x->n && !rc) {
        int64_t n = 0, tokens = 0;

        while (from + n < x->n && (n == 0 || tokens < ENGINE_TOKENS / 2)) {
            const int64_t c = context_of(x, from + n);

            tokens += x->contexts->contexts[c].student.n + x->outs[from + n].n;
            n++;
        }
        arena_reset(&x->s->arena);
        rc = add_distance(sum, x, from, n, err);
        from += n;
    }
    return rc;
}

int
policy_evaluate(struct policy_eval *out, struct session *s,
                struct adaptation *by, const struct answers *contexts,
                const struct inputs *in,
                const struct adapter_weights *adapter_weights,
                const struct policy_eval_options *opts, trv_err *err)
{
    struct evaluation x = {.s = s,
                           .contexts = contexts,
                           .given = opts->given,
                           .n = opts->n,
                           .watch = &opts->watch};
    double tokens = 0.0, kl = 0.0;
    int rc = session_decoder(s, &x.d, err);

    if (opts->own)
        x.d = opts->own;
    *out = (struct policy_eval){.n = opts->n, .reward = (double)NAN};
    if (!rc)
        rc = begin(&x, adapter_weights, err);
    if (!rc && !opts->given)
        rc = draw_answers(&x, adapter_weights, opts, err);
    if (!rc && by)
        rc = score_answers(out, &x, by, in, err);
    if (!rc && (adapter_weights || opts->own))
        rc = distance(&kl, &x, err);
    for (int64_t i = 0; i < x.n && !rc; i++)
        tokens += (double)x.outs[i].n;
    out->length = tokens / (double)x.n;
    out->kl_token = tokens > 0.0 ? kl / tokens : 0.0;
    out->kl_answer = kl / (double)x.n;
    for (int64_t i = 0; x.outs && !opts->given && i < x.n; i++)
        mem_free(x.outs[i].ids);
    mem_free(x.outs);
    mem_free(x.policy);
    mem_free(x.parts);
    return rc;
}
