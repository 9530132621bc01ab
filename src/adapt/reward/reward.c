/* reward.c -- scores of any adaptation, by its kind. */
#include "adapt/reward/reward.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/judge.h"
#include "adapt/reward/reward_memo.h"
#include "adapt/reward/scorer.h"
#include "adapt/reward/verifier.h"
#include "base/mem.h"

/* Arrays of the items' tokens in one block, beside the scores. */
static int
part_room(double **score, double ***token, double **store,
          const struct reward_item *items, int64_t n, bool tokens, trv_err *err)
{
    int64_t total = 0;

    for (int64_t i = 0; i < n && tokens; i++)
        total += items[i].n_ids;
    *score = mem_calloc((size_t)n, sizeof(**score));
    *token = tokens ? mem_calloc((size_t)n, sizeof(**token)) : NULL;
    *store = tokens ? mem_calloc((size_t)total + 1, sizeof(**store)) : NULL;
    if (!*score || (tokens && (!*token || !*store)))
        return err_fail(err, TRV_ENOMEM, "no memory to score answers");
    total = 0;
    for (int64_t i = 0; i < n && tokens; i++) {
        (*token)[i] = *store + total;
        total += items[i].n_ids;
    }
    return 0;
}

static int
score_sum(struct session *s, const struct reward *r, double *score,
          double *const *token, const struct reward_item *items, int64_t n,
          const struct reward_watch *watch, trv_err *err)
{
    double *one = NULL, **one_token = NULL, *store = NULL;
    int rc = part_room(&one, &one_token, &store, items, n, token != NULL, err);

    for (int64_t i = 0; i < n && !rc; i++) {
        score[i] = 0.0;
        if (token)
            memset(token[i], 0, (size_t)items[i].n_ids * sizeof(double));
    }
    for (int64_t p = 0; p < r->n_parts && !rc; p++) {
        const double w = r->parts[p].weight;
        struct reward_watch inner = {0};

        if (watch)
            inner = *watch;
        inner.part = inner.part * (r->n_parts + 1) + p + 1;
        rc = reward_score(s, r->parts[p].of, one, one_token, items, n, &inner,
                          err);
        for (int64_t i = 0; i < n && !rc; i++) {
            score[i] += w * one[i];
            for (int64_t t = 0; token && t < items[i].n_ids; t++)
                token[i][t] += w * one_token[i][t];
            if (!isfinite(score[i]))
                rc = data_row_fail(items[i].row, err, TRV_ENONFINITE,
                                   "the sum of rewards is not finite");
        }
    }
    mem_free(one);
    mem_free(one_token);
    mem_free(store);
    return rc;
}

int
reward_score(struct session *s, struct adaptation *a, double *score,
             double *const *token, const struct reward_item *items, int64_t n,
             const struct reward_watch *watch, trv_err *err)
{
    const struct kind_row *row = kind_row(a ? a->kind : KIND_BASE);

    TRV_ASSERT(!token || reward_has_tokens(a));
    if (!row->score)
        return score_sum(s, a->reward, score, token, items, n, watch, err);
    return watch && watch->memo && !token
               ? reward_memo_score(s, a, score, items, n, watch, err)
               : row->score(s, a, score, token, items, n, watch, err);
}

int
reward_check_rows(const struct adaptation *a, const struct data_row *rows,
                  int64_t n, trv_err *err)
{
    const struct reward *r = a ? a->reward : NULL;
    int rc = 0;

    if (r && r->verifier && !verifier_runs(r->verifier))
        for (int64_t i = 0; i < n && !rc; i++) {
            const struct reward_item empty = {.row = &rows[i], .text = ""};
            double score;

            rc = verifier_score(r->verifier, &score, &empty, i, err);
        }
    for (int64_t p = 0; r && p < r->n_parts && !rc; p++)
        rc = reward_check_rows(r->parts[p].of, rows, n, err);
    return rc;
}

/* Of a sum: what is so of all its parts. */
static enum kind_tokens
tokens_of(const struct adaptation *a)
{
    enum kind_tokens least = TOKENS_RATIO;

    if (a->kind != KIND_SUM)
        return a->reward && a->reward->home ? TOKENS_NONE
                                            : kind_row(a->kind)->tokens;
    for (int64_t p = 0; p < a->reward->n_parts; p++) {
        const enum kind_tokens of = tokens_of(a->reward->parts[p].of);

        least = of < least ? of : least;
    }
    return least;
}

bool
reward_has_tokens(const struct adaptation *a)
{
    return !a || tokens_of(a) != TOKENS_NONE;
}

bool
reward_guides(const struct adaptation *a)
{
    return a && tokens_of(a) == TOKENS_RATIO;
}

static int
guide_by(struct reward_guide *g, struct adaptation *a, double weight,
         trv_err *err)
{
    const struct reward *r = a->reward;
    int rc = 0;

    for (int64_t p = 0; p < r->n_parts && !rc; p++)
        if (r->parts[p].of->reward)
            rc = guide_by(g, r->parts[p].of, weight * r->parts[p].weight, err);
        else if (g->mix.n_mix < CONDITIONING_MAX_PARTS)
            g->parts[g->mix.n_mix++] = (struct mix_component){
                r->parts[p].of, weight * r->parts[p].weight};
        else
            rc = TRV_EINVAL;
    for (int k = 0; k < 2 && !rc; k++) {
        struct adaptation *side = k == 0 ? r->plus : r->minus;

        if (!side)
            continue;
        if (g->mix.n_mix == CONDITIONING_MAX_PARTS)
            rc = TRV_EINVAL;
        else
            g->parts[g->mix.n_mix++] = (struct mix_component){
                side, k == 0 ? weight * r->beta : -weight * r->beta};
    }
    return rc == TRV_EINVAL
               ? err_fail(err, rc,
                          "a reward of more than %d components cannot guide",
                          CONDITIONING_MAX_PARTS)
               : rc;
}

int
reward_guide(struct reward_guide *guide, struct adaptation *a, double beta,
             trv_err *err)
{
    TRV_ASSERT(a->form == FORM_REWARD);
    *guide = (struct reward_guide){.mix = {.kind = KIND_MIX}};
    guide->mix.form = kind_form(KIND_MIX);
    guide->mix.spec = a->spec;
    guide->mix.mix = guide->parts;
    if (!reward_guides(a))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "a reward of kind '%s' has no log-ratio for each token "
                        "and cannot guide; it can choose: bon, sir",
                        kind_name(a->kind));
    return guide_by(guide, a, 1.0 / beta, err);
}

void
reward_free(struct reward *r)
{
    if (!r)
        return;
    mem_free(r->parts);
    session_free(r->home);
    verifier_free(r->verifier);
    judge_free(r->judge);
    scorer_free(r->scorer);
    json_decref(r->conf);
    mem_free(r);
}
