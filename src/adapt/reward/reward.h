/* reward.h -- one interface for all rewards: r(x, y) for a list of inputs x and
 * answers y.
 *
 *   base             log p0(y|x)
 *   params, prompt   log pA(y|x) - log p0(y|x)
 *   ratio            beta (log pA - log p0) of an adaptation A
 *   contrast         beta (log p_z+ - log p_z-)
 *   endo             alpha log pA + V - V', what A's own logits hold: endo.c
 *   head             a scalar read off a model's last token: scorer.h
 *   judge            the model's own rating by a principle: judge.h
 *   verifier         a rule, or an outside program: verifier.h
 *   sum              sum of weight * r
 *
 * Those that compare log-probabilities are sums over the answer's tokens and so
 * have a value for each token; a sum has one where all its parts do. Specs
 * (spec.c reads them):
 *
 *   head:DIR                                 its folder: scorer.h
 *   verifier:CHECK[,key=value]...            keys: verifier.h
 *   ratio:[beta=B,]A                         A: any params or prompt
 *   contrast:[beta=B,]Z[,minus=Z]            without minus: the base
 *   endo:[alpha=B,][A]                       without A: the base
 *   judge:[key=value,]...PRINCIPLE           or @FILE; keys: judge.h
 *   sum:W*REWARD+W*REWARD-W*REWARD...        a part ends where a sign, a number
 *                                            and a star follow
 *
 * In trivium.json the same stands as an object `reward`, where a part is
 * {"kind":, ...} with its text, its messages, its own `reward`, or the path of
 * its folder (relative to the artefact's) and the folder's SHA-256: a folder
 * that has changed since is refused.
 */
#ifndef ADAPT_REWARD_REWARD_H
#define ADAPT_REWARD_REWARD_H

#include "adapt/adaptation.h"
#include "adapt/session.h"
#include "base/memo.h"
#include "model/decoder/conditioning.h"

/** An answer y to an input x. All is borrowed. */
struct reward_item {
    const struct data_row *row; // x, with all columns
    const char *text;           // y without special tokens; any bytes
    size_t n_text;
    const int32_t *ids; // y as tokens, its end included where it has one
    int64_t n_ids;
    bool own; // y is the row's own answer, so no reference for itself
};

struct reward_part {
    double weight;
    struct adaptation *of;
};
struct reward {
    json_t *conf; // as in trivium.json, but for the parts; {} of a head
    double beta;  // the factor of a kind that compares: ratio, contrast
    struct adaptation *plus, *minus; // minus NULL: the base
    struct session *home; // of another model, in whose tokens the ratio is
                          // taken (cross_model.h); NULL: this one
    struct verifier *verifier;
    struct judge *judge;
    struct scorer *scorer;     // head
    struct reward_part *parts; // sum
    int64_t n_parts;
};

/** Called between passes with the items done; false: TRV_ECANCELED. */
struct reward_watch {
    bool (*progress)(void *payload, int64_t done, int64_t total); // NULL: none
    void *payload;
    struct memo *memo; // scores are kept there (reward_memo.h); NULL: nowhere
    int64_t part;      // which part of a sum of sums is scored
};

/**
 * Score items under any adaptation (NULL: the base).
 *
 * @param score  [n].
 * @param token  NULL, or n arrays [n_ids] that take each token's share of the
 *               score; only where reward_has_tokens().
 * @param watch  NULL: none.
 * @return 0; TRV_ETOOLONG (an input and its answer do not fit the context),
 *         TRV_EINVAL (a row lacks what a check needs; a helper that failed),
 *         TRV_ENONFINITE, TRV_ECANCELED, TRV_ENOMEM.
 * Memory   the session's arena is reset.
 * Numbers  sums of f32 log-probabilities in double, in the order of the
 *          answer; rows are packed in the order given, base beside A, so the
 *          same items in the same order give the same bits.
 */
int reward_score(struct session *s, struct adaptation *a, double *score,
                 double *const *token, const struct reward_item *items,
                 int64_t n, const struct reward_watch *watch, trv_err *err);
/** Do the rows of inputs hold what the checks of a reward compare with, so that
 * no answer is made for nothing? Errors as reward_score()'s. Outside programs
 * are not run. NULL is allowed. */
int reward_check_rows(const struct adaptation *a, const struct data_row *rows,
                      int64_t n, trv_err *err);
bool reward_has_tokens(const struct adaptation *a);
/** The same with log pA(y|x) of the base, parameters or a prompt in place of
 * their score. */
int reward_logp(struct session *s, struct adaptation *a, double *score,
                double *const *token, const struct reward_item *items,
                int64_t n, const struct reward_watch *watch, trv_err *err);
/** Is each token's share a log-ratio, so that reward_guide() can make it a
 * distribution? */
bool reward_guides(const struct adaptation *a);

/**
 * A reward that is a log-ratio at each token as a distribution: p0 exp(r /
 * beta), normalised at each token, is a mix of its parts,
 *
 *   log p = log p0 + sum of (w / beta) (log p_plus - log p_minus) + a constant
 *
 * which equals the adaptation that a ratio is of where beta is the ratio's own.
 * `guide->mix` borrows from `a`; nothing is to be freed. TRV_EUNSUPPORTED for a
 * reward of another kind, TRV_EINVAL (too many parts).
 */
struct reward_guide {
    struct adaptation mix;
    struct mix_component parts[CONDITIONING_MAX_PARTS];
};
int reward_guide(struct reward_guide *guide, struct adaptation *a, double beta,
                 trv_err *err);

/** Free a reward but for its parts, which are adaptation_free()'s. NULL is
 * allowed. */
void reward_free(struct reward *r);

/** Write a reward as an artefact: trivium.json alone. `head` was begun with
 * artefact_init() of the reward's kind and given its chain. TRV_EUNSUPPORTED
 * for one that runs an outside command. */
int reward_save(struct artefact *head, const struct adaptation *a,
                struct outdir *to, trv_err *err);

#endif
