/* evolve_guide.c -- the likelihood of rewarded answers, and its gradient. */
#include "transform/evolve/evolve_guide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "transform/evolve/evolve_add.h"
#include "transform/search/text_propose.h"

#define TOP_K 64 // tokens of a place

/* ---- the answers -------------------------------------------------------- */

static bool
same_answer(const struct shown *a, const struct shown *b)
{
    return a->input == b->input && a->n == b->n &&
           memcmp(a->ids, b->ids, (size_t)a->n * sizeof(*a->ids)) == 0;
}

/* Put one in among the best so far: by reward, of equal ones the later. */
static void
rank_answer(const struct shown **best, int64_t *n, const struct shown *s)
{
    int64_t at;

    for (int64_t i = 0; i < *n; i++)
        if (same_answer(best[i], s))
            return;
    for (at = *n; at > 0 && best[at - 1]->reward <= s->reward; at--)
        if (at < GUIDE_TARGETS)
            best[at] = best[at - 1];
    if (at < GUIDE_TARGETS)
        best[at] = s;
    *n += *n < GUIDE_TARGETS;
}

int
evolve_guide_open(struct evolve_guide *g, struct evolve *e, trv_err *err)
{
    const double middle = (e->lowest + e->highest) / 2.0;
    const struct shown *best[GUIDE_TARGETS];
    int64_t n = 0, tokens = 0;

    *g = (struct evolve_guide){.e = e};
    for (int64_t i = 0; e->o.slot && i < e->pool.n; i++) {
        const struct shown *s = &e->pool.list[i]->best;

        if (s->input >= 0 && s->n > 0 && s->reward > middle)
            rank_answer(best, &n, s);
    }
    g->y = mem_calloc(GUIDE_TARGETS, sizeof(*g->y));
    g->coef = mem_calloc(GUIDE_TARGETS, sizeof(*g->coef));
    if (!g->y || !g->coef)
        return err_nomem(err, "to guide a search");
    for (int64_t i = 0; i < n; i++) {
        g->y[i] =
            (struct place_answer){best[i]->input, best[i]->ids, best[i]->n};
        tokens += best[i]->n;
    }
    for (int64_t i = 0; i < n; i++)
        g->coef[i] = 1.0 / (double)tokens;
    g->n = n;
    return 0;
}

void
evolve_guide_release(struct evolve_guide *g)
{
    mem_free(g->y);
    mem_free(g->coef);
}

static struct place_likelihood
likelihood(const struct evolve_guide *g)
{
    return (struct place_likelihood){g->e->prompt_value.s, g->e->o.slot, g->y,
                                     g->coef, g->n};
}

/* ---- hints -------------------------------------------------------------- */

int
evolve_guide_hints(double *hint, const struct evolve_guide *g,
                   struct candidate *const *list, int64_t n, trv_err *err)
{
    const struct place_likelihood l = likelihood(g);
    struct ids *z = mem_calloc((size_t)n + 1, sizeof(*z));
    int64_t *which = mem_array((size_t)n + 1, sizeof(*which)), m = 0;
    double *value = mem_array((size_t)n + 1, sizeof(*value));
    int rc = z && which && value ? 0 : err_nomem(err, "to guide a search");

    for (int64_t i = 0; i < n && !rc; i++) {
        hint[i] = (double)NAN;
        rc = evolve_ids(&z[m], g->e, list[i], err);
        if (!rc && z[m].n > 0)
            which[m++] = i;
    }
    if (!rc && m > 0) {
        arena_reset(&g->e->prompt_value.s->arena);
        rc = place_likelihood_evaluate(value, &l, z, m, err);
    }
    for (int64_t k = 0; k < m && !rc; k++)
        hint[which[k]] = -value[k];
    for (int64_t i = 0; z && i <= n; i++)
        ids_release(&z[i]);
    mem_free(z);
    mem_free(which);
    mem_free(value);
    return rc;
}

/* ---- children ----------------------------------------------------------- */

struct near {
    struct proposal list[GUIDE_NEAR];
    struct ids z[GUIDE_NEAR]; // borrowed from the list
    double value[GUIDE_NEAR];
    int64_t n;
};

static int
find_near(struct near *near, const struct evolve_guide *g, const struct ids *z,
          struct rng *rng, trv_err *err)
{
    struct evolve *e = g->e;
    struct session *s = e->prompt_value.s;
    const struct place_likelihood l = likelihood(g);
    const struct propose_options o = {.width = GUIDE_NEAR,
                                      .top_k = TOP_K,
                                      .most = e->o.max_prompt_tokens,
                                      .fluency = e->o.fluency,
                                      .allowed = e->allowed};
    float *grad;
    int rc = decoder_plan_input_backward(s->decoder, err);

    if (rc)
        return rc;
    arena_reset(&s->arena);
    grad = arena_f32(&s->arena, z->n, s->decoder->cfg->width);
    if (!grad)
        return err_nomem(err, "to guide a search");
    rc = place_likelihood_gradient(grad, &l, z, e->o.fluency, err);
    if (!rc)
        rc = propose(near->list, &near->n, s->decoder, &s->arena, e->o.slot, z,
                     grad, &o, rng, err);
    for (int64_t i = 0; i < near->n; i++)
        near->z[i] = near->list[i].z;
    if (!rc && near->n > 0)
        rc = place_likelihood_evaluate(near->value, &l, near->z, near->n, err);
    return rc;
}

/* The likeliest first that is new. */
static int
take_near(struct candidate **out, struct near *near, struct evolve *e,
          const struct candidate *parent, trv_err *err)
{
    int rc = 0;

    for (int64_t k = 0; k < near->n && !*out && !rc; k++) {
        int64_t best = 0;

        for (int64_t i = 1; i < near->n; i++)
            if (near->value[i] < near->value[best])
                best = i;
        near->value[best] = (double)INFINITY;
        rc = evolve_add_text(out, e, near->list[best].text, "guided",
                             parent->id, err);
    }
    return rc;
}

int
evolve_guide_child(struct candidate **out, const struct evolve_guide *g,
                   const struct candidate *parent, struct rng *rng,
                   trv_err *err)
{
    struct near *near = mem_calloc(1, sizeof(*near));
    struct ids z = {0};
    int rc = near ? evolve_ids(&z, g->e, parent, err)
                  : err_nomem(err, "to guide a search");

    *out = NULL;
    if (!rc && z.n > 0 && z.n <= g->e->o.max_prompt_tokens)
        rc = find_near(near, g, &z, rng, err);
    if (!rc)
        rc = take_near(out, near, g->e, parent, err);
    for (int64_t i = 0; near && i < near->n; i++)
        proposal_release(&near->list[i]);
    ids_release(&z);
    mem_free(near);
    return rc;
}
