/* rate.c -- passes over random tokens, and a clock. */
#include "adapt/rate.h"

#include <math.h>

#include "base/clock.h"
#include "base/rng.h"
#include "model/decoder/head.h"
#include "model/sample/engine.h"

#define RATE_SEED 0x72617465ull

/* A pass is of so many tokens in rows of so many, as the passes of the work
 * are; of a large model fewer, so that a pass ends within seconds. */
#define PASS_TOKENS 512
#define ROW_TOKENS 64
#define LEAST_TOKENS 16
#define PASS_FLOP 6e10 // 2 for each parameter and token

/* Rows that draw, to tell what a step costs from what a row costs. */
#define FEW 1
#define MANY 32
#define SHARE 0.1 // of a step's time, at least for its rows and beside them
#define DRAWS 3   // steps that are timed
#define DRAW_CONTEXT 2 // tokens before them

/* A pass is repeated until all took so long, or so often. The first is left
 * out, since it also makes what the others find, unless it is so long that
 * this does not matter. */
#define LONG_ENOUGH 0.02
#define LONG 0.1
#define REPEATS 8

#define RANK 16

struct probe {
    struct session *s;
    struct decoder *d;
    struct arena a;
    struct rng rng;
    struct adapter_weights lora;
    int64_t n_rows, row; // of a pass, and their tokens
};

/* ---- passes ------------------------------------------------------------- */

static int32_t *
random_ids(struct probe *p, int64_t n)
{
    int32_t *ids = arena_alloc(&p->a, (size_t)n * sizeof(*ids));

    for (int64_t i = 0; ids && i < n; i++)
        ids[i] = (int32_t)rng_below(&p->rng, (uint32_t)p->d->cfg->vocab);
    return ids;
}

static void
choose_sizes(struct probe *p)
{
    const int64_t context = p->d->cfg->context;
    const double fit = PASS_FLOP / (2.0 * (double)model_params(p->s->model));
    const int64_t tokens = fit >= PASS_TOKENS    ? PASS_TOKENS
                           : fit <= LEAST_TOKENS ? LEAST_TOKENS
                                                 : (int64_t)fit;

    p->row = tokens < ROW_TOKENS ? tokens : ROW_TOKENS;
    p->row = p->row < context ? p->row : context;
    p->n_rows = tokens / p->row;
}

/* One pass over random rows, whose every token but the first is predicted:
 * forward, and backward into `weights` unless it is NULL. */
static int
run_pass(struct probe *p, struct adapter_weights *weights, double *tokens,
         trv_err *err)
{
    struct row *rows = arena_alloc(&p->a, (size_t)p->n_rows * sizeof(*rows));
    int32_t *target;
    int64_t *where;
    float *logp, *coef;
    const int64_t *const *at;
    struct saved save = {0};
    struct mat hidden, d_hidden = {0};
    struct batch b;
    int rc;

    for (int64_t r = 0; rows && r < p->n_rows; r++) {
        rows[r] = (struct row){random_ids(p, p->row), p->row, weights};
        if (!rows[r].ids)
            return err_nomem(err, "to measure the rate");
    }
    if (!rows)
        return err_nomem(err, "to measure the rate");
    rc = batch_pack(&b, &at, &p->a, rows, p->n_rows, err);
    if (rc)
        return rc;
    target = random_ids(p, b.T);
    where = arena_alloc(&p->a, (size_t)b.T * sizeof(*where));
    logp = arena_f32(&p->a, b.T, 1);
    coef = arena_f32(&p->a, b.T, 1);
    if (weights)
        d_hidden = mat_new(&p->a, DT_F32, b.T, p->d->cfg->width);
    if (!target || !where || !logp || !coef || (weights && !d_hidden.data))
        return err_nomem(err, "to measure the rate");
    for (int64_t t = 0; t < b.T; t++) {
        where[t] = t;
        coef[t] = 1.0f;
    }
    if (weights)
        p->d->be->ops->zero(p->d->be, d_hidden);
    rc = decoder_forward(p->d, &p->a, &hidden, &b, NULL, weights ? &save : NULL,
                         err);
    if (!rc)
        rc = head_logprobs(p->d, &p->a, logp, NULL,
                           (struct head_rows){hidden, where}, target, b.T,
                           weights ? coef : NULL, d_hidden, err);
    if (!rc && weights)
        rc = decoder_backward(p->d, &p->a, d_hidden, &b, &save, err);
    *tokens = (double)b.T;
    return rc;
}

static int
time_pass(double *seconds, struct probe *p, struct adapter_weights *weights,
          trv_err *err)
{
    double spent = 0.0, tokens = 0.0, n = 0.0;
    int rc = 0;

    for (int i = 0; i <= REPEATS && spent < LONG_ENOUGH && !rc; i++) {
        const double began = clock_now();
        double took;

        arena_reset(&p->a);
        rc = run_pass(p, weights, &n, err);
        took = clock_now() - began;
        if (i == 0 && took < LONG)
            continue;
        spent += took;
        tokens += n;
    }
    *seconds = tokens > 0.0 ? spent / tokens : 0.0;
    return rc;
}

static int
time_learning(double *seconds, struct probe *p, trv_err *err)
{
    const struct lora_spec spec = {.rank = RANK};
    int rc = lora_begin(&p->lora.lora, p->d->cfg, "all-linear", &spec,
                        RATE_SEED, err);

    if (!rc)
        rc = adapter_weights_refresh(&p->lora, p->s->be, err);
    if (!rc)
        rc = decoder_plan_backward(p->d, err);
    if (!rc)
        rc = time_pass(seconds, p, &p->lora, err);
    adapter_weights_release(&p->lora);
    return rc;
}

/* ---- drawing ------------------------------------------------------------ */

struct drawing {
    double first, last; // when the first token was there, and the newest
    int64_t n;
};

static bool
see_step(void *payload, int64_t rows_done, int64_t tokens)
{
    struct drawing *d = payload;

    (void)rows_done, (void)tokens;
    d->last = clock_now();
    if (d->n++ == 0)
        d->first = d->last;
    return true;
}

/* Seconds of a step of n rows: what comes behind the first token, since that
 * has the context's cost in it. */
static int
time_step(double *seconds, struct probe *p, int64_t n, trv_err *err)
{
    struct sample_row rows[MANY];
    struct sample_out outs[MANY];
    struct drawing seen = {0};
    const int64_t context = p->d->cfg->context;
    const int64_t before = context > 2 * DRAW_CONTEXT ? DRAW_CONTEXT : 1;
    const struct sample_options o = {.sampling = SAMPLING_INIT,
                                     .max_tokens = DRAWS + 1,
                                     .batch = n,
                                     .seed = RATE_SEED,
                                     .ignore_eos = true,
                                     .on_progress = see_step,
                                     .payload = &seen};
    int rc;

    *seconds = 0.0;
    if (context < before + DRAWS + 1)
        return 0; // too short for anything to cost
    arena_reset(&p->a);
    for (int64_t i = 0; i < n; i++) {
        rows[i] = (struct sample_row){
            .ids = random_ids(p, before), .n = before, .stream = (uint64_t)i};
        if (!rows[i].ids)
            return err_nomem(err, "to measure the rate");
    }
    rc = engine_sample(p->d, &p->a, outs, rows, n, &o, err);
    for (int64_t i = 0; !rc && i < n; i++)
        mem_free(outs[i].ids);
    if (!rc && seen.n > 1)
        *seconds = (seen.last - seen.first) / (double)(seen.n - 1);
    return rc;
}

static int
time_drawing(struct rate *out, struct probe *p, trv_err *err)
{
    double few = 0.0, many = 0.0;
    int rc = time_step(&many, p, MANY, err); // it makes the arena

    if (!rc)
        rc = time_step(&few, p, FEW, err);
    /* Of a busy machine both are noisy: many rows count, since work has such. */
    out->draw = fmin(fmax((many - few) / (MANY - FEW), SHARE * many / MANY),
                     (1.0 - SHARE) * many / MANY);
    out->step = many - MANY * out->draw;
    return rc;
}

/* ---- all of it ---------------------------------------------------------- */

int
rate_measure(struct rate *out, struct session *s, bool learns, trv_err *err)
{
    struct probe p = {.s = s};
    const struct rate_work done = s->be->done;
    double flop, tokens;
    int rc;

    *out = s->rate;
    if (out->score > 0.0 && (!learns || out->learn > 0.0))
        return 0;
    *out = (struct rate){0};
    rc = session_decoder(s, &p.d, err);
    if (!rc)
        rc = backend_arena(&p.a, s->be, err);
    if (rc)
        return rc;
    flop = p.d->flop;
    tokens = p.d->tokens;
    rng_init(&p.rng, RATE_SEED, 0);
    choose_sizes(&p);
    rc = time_pass(&out->score, &p, NULL, err);
    if (!rc && learns)
        rc = time_learning(&out->learn, &p, err);
    if (!rc)
        rc = time_drawing(out, &p, err);
    p.d->flop = flop;
    p.d->tokens = tokens;
    s->be->done = done;
    arena_release(&p.a);
    if (!rc)
        s->rate = *out;
    return rc;
}

double
rate_seconds(const struct rate *r, const struct rate_work *w)
{
    return w->scored * r->score + w->learned * r->learn + w->draws * r->draw +
           w->steps * r->step;
}
