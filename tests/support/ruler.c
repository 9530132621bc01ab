/* ruler.c -- figures of a measurement as sums over all answers. */
#include "support/ruler.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "measure/answers_drawn.h"
#include "measure/plan.h"
#include "support/test.h"

static void
write_inputs(struct ruler *r)
{
    const char *l = r->w.letters; // as world.c's rows
    struct strbuf b = {0};
    trv_err err = {0};

    for (int64_t i = 0; i < r->n; i++)
        if (i % WORLD_INPUTS == 0)
            assert_int_equal(sb_printf(&b, "{\"prompt\": \"%c\"}\n", l[0]), 0);
        else
            assert_int_equal(
                sb_printf(&b, "{\"prompt\": \"%c%c\"}\n", l[3], l[2]), 0);
    snprintf(r->file, sizeof(r->file), "%s/many.jsonl", r->w.dir);
    if (file_write_atomic(r->file, b.s, b.len, &err))
        fail_msg("%s", err.msg);
    sb_release(&b);
}

void
ruler_open(struct ruler *r, const char *name, int64_t n)
{
    memset(r, 0, sizeof(*r));
    world_open(&r->w, name, 1.0);
    r->n = n;
    write_inputs(r);
    memcpy(r->logp[SIDE_BASE], r->w.base, sizeof(r->w.base));
    exact_prompt(&r->w, r->logp[SIDE_A], "bdb");
    exact_save(&r->w, "moved", KIND_LORA, 0, 0.085, 31);
    exact_logp(&r->w, r->logp[SIDE_B], "lora:%/moved");
    for (int s = 0; s < SIDES; s++)
        exact_split(&r->w, r->step[s], r->logp[s]);
}

void
ruler_close(struct ruler *r)
{
    world_close(&r->w);
}

struct adaptation *
ruler_spec(struct ruler *r, const char *spec)
{
    struct adaptation *a;
    trv_err err = {0};

    if (adaptation_open(&a, r->w.s->model, NULL, exact_spec(&r->w, spec), true,
                        &err) ||
        view_ready(a, r->w.s->be, &err))
        fail_msg("%s", err.msg);
    return a;
}

void
ruler_begin(struct ruler *r, struct measure *m, const char *source,
            const char *target)
{
    static trv_measure_options o;
    trv_err err = {0};

    o = (trv_measure_options)TRV_MEASURE_OPTIONS_INIT;
    o.inputs = o.control = r->file;
    o.max_inputs = (int32_t)r->n;
    o.max_tokens = WORLD_LENGTH;
    o.seed = 8;
    *m = (struct measure){
        .s = r->w.s,
        .side = {NULL, ruler_spec(r, source), ruler_spec(r, target)},
        .has_target = true,
        .target_moves = true,
        .opts = &o,
        .asked = (1u << FIGURE_COUNT) - 1,
        .max_inputs = r->n,
        .max_tokens = WORLD_LENGTH,
        .candidates = 4,
        .n = r->n, // as of its inputs: control takes as many
        .priced = SIDE_B,
        .acts = {true, true, true}};
    if (session_decoder(m->s, &m->d, &err))
        fail_msg("%s", err.msg);
}

void
ruler_draw(struct measure *m)
{
    const struct inputs_options o = {.path = m->opts->inputs};
    trv_err err = {0};

    if (inputs_open(&m->in, m->s, &o, &err) ||
        drawn_fill(m, &m->dropped, &m->in, &err))
        fail_msg("%s", err.msg);
    for (int s = 0; s < SIDES; s++)
        if (m->per_side[s] > 0 && drawn_by(m, (enum side)s, &err))
            fail_msg("%s", err.msg);
}

void
ruler_end(struct measure *m)
{
    drawn_release(m);
    inputs_release(&m->in);
    for (int s = SIDE_A; s <= SIDE_B; s++)
        adaptation_free(m->side[s]);
    adaptation_free(m->task);
}

int64_t
ruler_find(const struct ruler *r, int64_t x, const int32_t *ids, int64_t n)
{
    const struct answer *list = r->w.answers.list;

    for (int64_t y = x * WORLD_EACH; y < (x + 1) * WORLD_EACH; y++)
        if (list[y].n == n &&
            memcmp(list[y].ids, ids, (size_t)n * sizeof(*ids)) == 0)
            return y;
    fail_msg("no such answer in the world");
    return -1;
}

double
ruler_kl(const struct ruler *r, int64_t y, enum side p, enum side q)
{
    const int64_t n = r->w.answers.list[y].n;
    double sum = 0.0;

    for (int64_t k = 0; k < n; k++)
        for (int v = 0; v < WORLD_TOKENS; v++)
            sum += exp(r->step[p][y][k][v]) *
                   (r->step[p][y][k][v] - r->step[q][y][k][v]);
    return sum / (double)n;
}

static int
likeliest(const double *logp)
{
    int best = 0;

    for (int v = 1; v < WORLD_TOKENS; v++)
        if (logp[v] > logp[best])
            best = v;
    return best;
}

double
ruler_agree(const struct ruler *r, int64_t y, enum side p, enum side q)
{
    const int64_t n = r->w.answers.list[y].n;
    double sum = 0.0;

    for (int64_t k = 0; k < n; k++)
        sum += likeliest(r->step[p][y][k]) == likeliest(r->step[q][y][k]);
    return sum / (double)n;
}

double
ruler_score(const struct ruler *r, int64_t y, enum side side)
{
    return r->logp[side][y] - r->logp[SIDE_BASE][y];
}

static int
sign(double x)
{
    return (x > 0.0) - (x < 0.0);
}

void
ruler_ranks_add(struct ruler_ranks *sum, const double *a, const double *b,
                int k, double weight)
{
    double product = 0.0, in_a = 0.0, in_b = 0.0, alike = 0.0;
    double mean_a = 0.0, mean_b = 0.0;

    for (int i = 0; i < k; i++) {
        mean_a += a[i] / k;
        mean_b += b[i] / k;
        for (int j = 0; j < i; j++) {
            const int sa = sign(a[i] - a[j]), sb = sign(b[i] - b[j]);

            product += sa * sb;
            in_a += sa != 0;
            in_b += sb != 0;
            if (sa != 0)
                alike += 0.5 * (1 + sa * sb);
        }
    }
    if (in_a * in_b > 0.0) { // tau-b
        sum->tau += weight * product / sqrt(in_a * in_b);
        sum->tau_weight += weight;
    }
    if (in_a > 0.0) {
        sum->pairs += weight * alike / in_a;
        sum->pairs_weight += weight;
    }
    for (int i = 0; i < k; i++) {
        sum->aa += weight * (a[i] - mean_a) * (a[i] - mean_a);
        sum->bb += weight * (b[i] - mean_b) * (b[i] - mean_b);
        sum->ab += weight * (a[i] - mean_a) * (b[i] - mean_b);
    }
}

double
ruler_tau(const struct ruler_ranks *sum)
{
    return sum->tau / sum->tau_weight;
}

double
ruler_pairs(const struct ruler_ranks *sum)
{
    return sum->pairs / sum->pairs_weight;
}

double
ruler_pearson(const struct ruler_ranks *sum)
{
    return sum->ab / sqrt(sum->aa * sum->bb);
}
