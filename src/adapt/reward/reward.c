/* reward.c -- scores of any adaptation, by its kind. */
#include "adapt/reward/reward.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/judge.h"
#include "adapt/reward/logratio.h"
#include "adapt/reward/scorer.h"
#include "adapt/reward/verifier.h"
#include "adapt/view.h"
#include "base/mem.h"
#include "text/example.h"

static int
score_verifier(struct verifier *v, double *score,
               const struct reward_item *items, int64_t n,
               const struct reward_watch *watch, trv_err *err)
{
    int rc = 0;

    for (int64_t i = 0; i < n && !rc; i++) {
        rc = verifier_score(v, &score[i], &items[i], i, err);
        if (!rc)
            rc = reward_report(watch, i + 1, n, err);
    }
    return rc;
}

static int
score_logratio(struct session *s, struct logratio q, struct adaptation *plus,
               struct adaptation *minus, double *score, double *const *token,
               const struct reward_item *items, int64_t n,
               const struct reward_watch *watch, trv_err *err)
{
    int rc = view_ready(plus, s->be, err);

    if (!rc)
        rc = view_ready(minus, s->be, err);
    q.plus = plus;
    q.minus = minus;
    return rc ? rc : logratio_score(s, &q, score, token, items, n, watch, err);
}

/* An answer in the tokens of another model, its end included where it has one
 * here. */
static int
ids_abroad(struct ids *out, const struct session *s, const struct model *there,
           const struct reward_item *item, trv_err *err)
{
    const struct text_rules rules = model_text_rules(there);
    const bool ended = item->n_ids > 0 &&
                       model_ends_text(s->model, item->ids[item->n_ids - 1]);
    json_t *text = json_stringn(item->text, item->n_text);
    struct example e = {0};
    int rc = 0;

    if (!text)
        rc = data_row_fail(item->row, err, TRV_EINVAL,
                           "the answer is not UTF-8");
    if (!rc)
        rc = example_context(&e, &rules, item->row, NULL, NULL, err);
    if (!rc)
        rc = example_append(&e, &rules, item->row, text, err);
    if (!rc && !ended && e.ids.n > e.n_context &&
        model_ends_text(there, e.ids.v[e.ids.n - 1]))
        e.ids.n--;
    if (!rc && ids_append(out, e.ids.v + e.n_context, e.ids.n - e.n_context))
        rc = err_fail(err, TRV_ENOMEM, "no memory to score answers");
    example_release(&e);
    json_decref(text);
    return rc;
}

/* A ratio that another model takes, of the same texts in its own tokens. */
static int
score_abroad(struct session *s, const struct reward *r, double *score,
             const struct reward_item *items, int64_t n,
             const struct reward_watch *watch, trv_err *err)
{
    struct ids *ids = mem_calloc((size_t)n, sizeof(*ids));
    struct reward_item *there = mem_calloc((size_t)n, sizeof(*there));
    int rc = ids && there
                 ? 0
                 : err_fail(err, TRV_ENOMEM, "no memory to score answers");

    r->home->be = s->be;
    for (int64_t i = 0; i < n && !rc; i++) {
        rc = ids_abroad(&ids[i], s, r->home->model, &items[i], err);
        there[i] = items[i];
        there[i].ids = ids[i].v;
        there[i].n_ids = ids[i].n;
    }
    if (!rc)
        rc = score_logratio(r->home, (struct logratio){.beta = r->beta},
                            r->plus, NULL, score, NULL, there, n, watch, err);
    for (int64_t i = 0; ids && i < n; i++)
        ids_release(&ids[i]);
    mem_free(ids);
    mem_free(there);
    return rc;
}

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

        rc = reward_score(s, r->parts[p].of, one, one_token, items, n, watch,
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
    const struct reward *r = a ? a->reward : NULL;

    TRV_ASSERT(!token || reward_has_tokens(a));
    switch (a ? a->kind : KIND_BASE) {
    case KIND_BASE:
        return score_logratio(s, (struct logratio){.beta = 1, .alone = true},
                              NULL, NULL, score, token, items, n, watch, err);
    case KIND_RATIO:
        if (r->home)
            return score_abroad(s, r, score, items, n, watch, err);
        /* fall through */
    case KIND_CONTRAST:
        return score_logratio(s, (struct logratio){.beta = r->beta}, r->plus,
                              r->minus, score, token, items, n, watch, err);
    case KIND_HEAD:
        return scorer_score(s, r->scorer, score, items, n, watch, err);
    case KIND_JUDGE:
        return judge_score(s, r->judge, score, items, n, watch, err);
    case KIND_VERIFIER:
        return score_verifier(r->verifier, score, items, n, watch, err);
    case KIND_SUM:
        return score_sum(s, r, score, token, items, n, watch, err);
    default:
        if (a->form == FORM_REWARD)
            return err_fail(err, TRV_EUNSUPPORTED,
                            "a reward of kind '%s' cannot score yet",
                            kind_name(a->kind));
        return score_logratio(s, (struct logratio){.beta = 1}, a, NULL, score,
                              token, items, n, watch, err);
    }
}

bool
reward_has_tokens(const struct adaptation *a)
{
    if (!a || a->form != FORM_REWARD)
        return true;
    if (a->kind != KIND_SUM)
        return (a->kind == KIND_RATIO && !a->reward->home) ||
               a->kind == KIND_CONTRAST;
    for (int64_t p = 0; p < a->reward->n_parts; p++)
        if (!reward_has_tokens(a->reward->parts[p].of))
            return false;
    return true;
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
        else if (g->mix.n_mix < CONTEXT_MAX_PARTS)
            g->parts[g->mix.n_mix++] =
                (struct mix_part){r->parts[p].of, weight * r->parts[p].weight};
        else
            rc = TRV_EINVAL;
    for (int k = 0; k < 2 && !rc; k++) {
        struct adaptation *side = k == 0 ? r->plus : r->minus;

        if (!side)
            continue;
        if (g->mix.n_mix == CONTEXT_MAX_PARTS)
            rc = TRV_EINVAL;
        else
            g->parts[g->mix.n_mix++] = (struct mix_part){
                side, k == 0 ? weight * r->beta : -weight * r->beta};
    }
    return rc == TRV_EINVAL
               ? err_fail(err, rc,
                          "a reward of more than %d parts cannot guide",
                          CONTEXT_MAX_PARTS)
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
    if (!reward_has_tokens(a))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "a reward of kind '%s' has no value for each token and "
                        "cannot guide; it can choose: bon, sir",
                        kind_name(a->kind));
    return guide_by(guide, a, 1.0 / beta, err);
}

bool
reward_is_chat(const struct reward *r)
{
    for (int64_t p = 0; p < r->n_parts; p++)
        if (adaptation_is_chat(r->parts[p].of))
            return true;
    return adaptation_is_chat(r->plus) || adaptation_is_chat(r->minus);
}

void
reward_free(struct reward *r)
{
    if (!r)
        return;
    for (int64_t p = 0; p < r->n_parts; p++)
        adaptation_free(r->parts[p].of);
    mem_free(r->parts);
    adaptation_free(r->plus);
    adaptation_free(r->minus);
    session_free(r->home);
    verifier_free(r->verifier);
    judge_free(r->judge);
    scorer_free(r->scorer);
    json_decref(r->conf);
    mem_free(r);
}
