/* whole_answers.c -- sums over the tokens of an answer. */
#include "transform/policy/whole_answers.h"

#define BLOCK 256 // answers scored between two resets of the arena

static int
score_block(double *logp, struct arena *a, const struct answered *rows,
            int64_t n, trv_err *err)
{
    float **token;
    int rc;

    arena_reset(a);
    token = arena_alloc(a, (size_t)n * sizeof(*token));
    if (!token)
        return err_nomem(err, "for a batch");
    for (int64_t i = 0; i < n; i++) {
        token[i] = arena_f32(a, rows[i].n, 1);
        if (!token[i])
            return err_nomem(err, "for a batch");
    }
    rc = engine_score_contexts(a, token, rows, n, err);
    for (int64_t i = 0; i < n && !rc; i++) {
        logp[i] = 0.0;
        for (int64_t k = 0; k < rows[i].n; k++)
            logp[i] += (double)token[i][k];
    }
    return rc;
}

int
whole_answers_score(double *logp, struct session *s,
                    const struct answered *rows, int64_t n, trv_err *err)
{
    int rc = 0;

    for (int64_t i = 0; i < n && !rc; i += BLOCK)
        rc = score_block(logp + i, &s->arena, rows + i,
                         n - i < BLOCK ? n - i : BLOCK, err);
    return rc;
}
