/* exact.c -- the oracle, and conversions beside it. */
#include "support/exact.h"

#include <math.h>
#include <string.h>

#include "adapt/output.h"
#include "adapt/reward/reward.h"
#include "model/sample/engine.h"
#include "support/test.h"
#include "transform/chain.h"

#define BEGIN 4 // <s>

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

/* ---- what is so -------------------------------------------------------- */

static int64_t
add_letters(int32_t *ids, int64_t n, const struct world *w, const char *text)
{
    for (const char *c = text; *c; c++) {
        const char *at = strchr(w->letters, *c);

        assert_non_null(at);
        ids[n++] = (int32_t)(at - w->letters);
    }
    return n;
}

double
exact_row(struct world *w, const char *before, const struct answer *y,
          const char *between, const char *after)
{
    int32_t ids[16];
    float lp[16], *to = lp;
    struct scored_row row = {ids, 0, 0, NULL};
    struct decoder *d;
    double sum = 0.0;
    trv_err err = {0};

    must(session_decoder(w->s, &d, &err), &err);
    ids[row.n++] = BEGIN;
    row.n = add_letters(ids, row.n, w, before);
    for (int64_t k = 0; k < y->n; k++)
        if (y->ids[k] < BEGIN)
            ids[row.n++] = y->ids[k];
    row.n = row.n_context = add_letters(ids, row.n, w, between);
    row.n = add_letters(ids, row.n, w, after);
    arena_reset(&w->s->arena);
    must(engine_score(d, &w->s->arena, &to, &row, 1, &err), &err);
    for (int64_t k = 0; k < row.n - row.n_context; k++)
        sum += (double)lp[k];
    return sum;
}

void
exact_prompt(struct world *w, double *logp, const char *letters)
{
    const char x[WORLD_INPUTS][3] = {{w->letters[0]}, // world.c's rows
                                     {w->letters[3], w->letters[2]}};
    int32_t ids[WORLD_ALL][16];
    struct scored_row rows[WORLD_ALL];
    float store[WORLD_ALL][WORLD_LENGTH], *to[WORLD_ALL];
    struct decoder *d;
    trv_err err = {0};

    must(session_decoder(w->s, &d, &err), &err);
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const struct answer *y = &w->answers.list[i];
        int64_t n = 0, from;

        ids[i][n++] = BEGIN;
        n = add_letters(ids[i], n, w, letters);
        n = from = add_letters(ids[i], n, w, x[y->context]);
        for (int64_t k = 0; k < y->n; k++)
            ids[i][n++] = y->ids[k];
        rows[i] = (struct scored_row){ids[i], n, from, NULL};
        to[i] = store[i];
    }
    arena_reset(&w->s->arena);
    must(engine_score(d, &w->s->arena, to, rows, WORLD_ALL, &err), &err);
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        logp[i] = 0.0;
        for (int64_t k = 0; k < w->answers.list[i].n; k++)
            logp[i] += (double)store[i][k];
    }
}

void
exact_tilt(double *out, const double *logp, const double *r, double beta)
{
    for (int64_t from = 0; from < WORLD_ALL; from += WORLD_EACH) {
        double Z = 0.0;

        for (int64_t i = from; i < from + WORLD_EACH; i++)
            Z += exp(logp[i] + r[i] / beta);
        for (int64_t i = from; i < from + WORLD_EACH; i++)
            out[i] = logp[i] + r[i] / beta - log(Z);
    }
}

/* Does `y` begin with the first k tokens of `h`? */
static bool
begins(const struct answer *y, const struct answer *h, int64_t k)
{
    return y->context == h->context && y->n >= k &&
           memcmp(y->ids, h->ids, (size_t)k * sizeof(*y->ids)) == 0;
}

void
exact_split(const struct world *w, exact_steps step, const double *logp)
{
    const struct answer *list = w->answers.list;

    for (int64_t i = 0; i < WORLD_ALL; i++)
        for (int64_t k = 0; k < list[i].n; k++) {
            double p[WORLD_TOKENS] = {0}, sum = 0.0;

            for (int64_t j = 0; j < WORLD_ALL; j++)
                if (begins(&list[j], &list[i], k) && list[j].n > k)
                    p[list[j].ids[k]] += exp(logp[j]);
            for (int v = 0; v < WORLD_TOKENS; v++)
                sum += p[v];
            for (int v = 0; v < WORLD_TOKENS; v++)
                step[i][k][v] = log(p[v] / sum);
        }
}

void
exact_join(const struct world *w, double *logp, exact_steps step)
{
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const struct answer *y = &w->answers.list[i];

        logp[i] = 0.0;
        for (int64_t k = 0; k < y->n; k++)
            logp[i] += step[i][k][y->ids[k]];
    }
}

static int64_t
shorter(int64_t n, int64_t length)
{
    return n < length ? n : length;
}

void
exact_cut(const struct world *w, double *out, const double *logp,
          int64_t length)
{
    const struct answer *list = w->answers.list;
    double sum[WORLD_ALL];

    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const int64_t k = shorter(list[i].n, length);

        sum[i] = 0.0;
        for (int64_t j = 0; j < WORLD_ALL; j++)
            if (begins(&list[j], &list[i], k))
                sum[i] += exp(logp[j]);
    }
    for (int64_t i = 0; i < WORLD_ALL; i++)
        out[i] = log(sum[i]);
}

double
exact_kl_cut(const struct world *w, const double *p, const double *q,
             int64_t length)
{
    double a[WORLD_ALL], b[WORLD_ALL], kl = 0.0;

    exact_cut(w, a, p, length);
    exact_cut(w, b, q, length);
    for (int64_t i = 0; i < WORLD_ALL; i++) // each answer's share of its own
        kl += exp(p[i]) * (a[i] - b[i]);
    return kl / WORLD_INPUTS;
}

/* ---- what is done ------------------------------------------------------ */

const char *
exact_spec(const struct world *w, const char *spec)
{
    static char buf[4][1200];
    static int turn;
    size_t n = 0;

    turn = (turn + 1) % 4;
    for (; *spec && n + sizeof(w->dir) < sizeof(buf[0]); spec++)
        if (*spec == '%')
            n += (size_t)snprintf(buf[turn] + n, sizeof(buf[0]) - n, "%s",
                                  w->dir);
        else
            buf[turn][n++] = *spec;
    buf[turn][n] = '\0';
    assert_true(*spec == '\0');
    return buf[turn];
}

/* Does a list, its names parted by blanks, hold this one? */
static bool
is_one_of(const char *name, const char *list)
{
    const char *at = strstr(list, name);
    const size_t n = strlen(name);

    return at && (at == list || at[-1] == ' ') && (!at[n] || at[n] == ' ');
}

trv_convert_options
exact_options(const struct world *w, const char *method)
{
    static char in[600];
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;

    snprintf(in, sizeof(in), "%s/in.jsonl", w->dir);
    o.method = method;
    o.seed = 6;
    o.replace = true;
    o.lora.rank = 16; // full
    if (method && is_one_of(method, "ratio contrast judge"))
        return o; // nothing is learned
    o.inputs = in;
    o.max_tokens = WORLD_LENGTH;
    if (!method || !is_one_of(method, "solve text evolve demos"))
        o.learn.checkpoint_every = 0;
    return o;
}

static void
open_spec(struct adaptation **a, struct world *w, const char *spec)
{
    trv_err err = {0};

    must(adaptation_open(a, w->s->model, NULL, exact_spec(w, spec), true, &err),
         &err);
    must(view_ready(*a, w->s->be, &err), &err);
}

void
exact_convert(struct world *w, const char *from, const char *to,
              const trv_convert_options *opts)
{
    struct adaptation *a;
    trv_cost cost;
    trv_err err = {0};

    open_spec(&a, w, from);
    must(chain_run(w->s, &cost, a, exact_spec(w, to), opts, NULL, NULL, &err),
         &err);
    adaptation_free(a);
}

void
exact_logp(struct world *w, double *logp, const char *spec)
{
    struct context contexts[WORLD_INPUTS];
    struct answered list[WORLD_ALL];
    float store[WORLD_ALL][WORLD_LENGTH], *to[WORLD_ALL];
    struct adaptation *a;
    trv_err err = {0};

    open_spec(&a, w, spec);
    for (int64_t x = 0; x < WORLD_INPUTS; x++)
        must(view_open(&contexts[x], w->s, a, &w->in.data.rows[x], &err), &err);
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const struct answer *y = &w->answers.list[i];

        list[i] = (struct answered){&contexts[y->context], y->ids, y->n};
        to[i] = store[i];
    }
    arena_reset(&w->s->arena);
    must(engine_score_contexts(&w->s->arena, to, list, WORLD_ALL, &err), &err);
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        logp[i] = 0.0;
        for (int64_t k = 0; k < list[i].n; k++)
            logp[i] += (double)store[i][k];
    }
    for (int64_t x = 0; x < WORLD_INPUTS; x++)
        conditioning_release(&contexts[x]);
    adaptation_free(a);
}

void
exact_reward(struct world *w, double *r, const char *spec, int64_t length)
{
    struct reward_item items[WORLD_ALL];
    char text[WORLD_ALL][WORLD_LENGTH];
    struct adaptation *a;
    trv_err err = {0};

    open_spec(&a, w, spec);
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const struct answer *y = &w->answers.list[i];
        const int64_t n_ids = shorter(y->n, length);
        size_t n = 0;

        for (int64_t k = 0; k < n_ids; k++)
            if (y->ids[k] < BEGIN)
                text[i][n++] = w->letters[y->ids[k]];
        items[i] = (struct reward_item){.row = &w->in.data.rows[y->context],
                                        .text = text[i],
                                        .n_text = n,
                                        .ids = y->ids,
                                        .n_ids = n_ids};
    }
    must(reward_score(w->s, a, r, NULL, items, WORLD_ALL, NULL, &err), &err);
    adaptation_free(a);
}

void
exact_save(struct world *w, const char *name, enum kind kind, int64_t k,
           double size, uint64_t seed)
{
    const struct model_config *cfg = &w->s->model->cfg;
    struct artefact head = {0};
    struct outdir out;
    struct adapter_weights t = {0};
    struct adapter_weights_flat flat;
    struct rng r;
    char path[700];
    trv_err err = {0};

    rng_init(&r, seed, 2);
    if (kind == KIND_LORA)
        must(lora_begin(&t.lora, cfg, "all-linear",
                        &(struct lora_spec){.rank = 16, .alpha = 16}, 3, &err),
             &err);
    else
        must(virtual_init(&t.virtual,
                          kind == KIND_SOFT ? VIRTUAL_SOFT : VIRTUAL_PREFIX,
                          cfg, k, false, &err),
             &err);
    flat = adapter_weights_flat(&t);
    for (int64_t i = 0; i < flat.n; i++)
        flat.w[i] = (float)(size * rng_normal(&r));
    must(artefact_init(&head, kind, "world", NULL, &err), &err);
    snprintf(path, sizeof(path), "%s/%s", w->dir, name);
    must(outdir_init(&out, path, &err), &err);
    must(output_lock(&out, kind, true, &err), &err);
    must(adaptation_save_weights(&head, &t, cfg, &out, &err), &err);
    outdir_release(&out);
    artefact_release(&head);
    adapter_weights_release(&t);
}

void
exact_assert_reached(const struct world *w, const char *what, const double *p,
                     const double *q, double bound)
{
    const double there = world_kl(p, q), back = world_kl(q, p);
    const double far = world_kl(p, w->base);

    print_message("%s: KL %.5f, back %.5f nat; the base is at %.3f\n", what,
                  there, back, far);
    assert_true(far > 20.0 * bound);
    assert_true(there < bound);
    assert_true(back < bound);
}
