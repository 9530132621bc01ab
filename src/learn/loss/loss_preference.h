/* loss_preference.h -- losses over preferred answers: pairs of a chosen and a
 * rejected one (DPO and its kin), and single answers labelled good or bad
 * (KTO).
 *
 * They see only log-probabilities of whole answers. Whoever calls sums those of
 * the answer's tokens, in double, and hands each token the gradient of its
 * sum: coef[t] = -d_pc[i] of head_logprobs() for every answer token t of i.
 *
 * To add a loss of pairs: its name in the enumeration, and a function of one
 * pair with its row in losses[] of loss_preference.c. A method of its own is a
 * row in policy_method.h besides.
 */
#ifndef LEARN_LOSS_PREFERENCE_H
#define LEARN_LOSS_PREFERENCE_H

#include <stdbool.h>
#include <stdint.h>

enum preference_loss {
    PREFERENCE_SIGMOID, // DPO
    PREFERENCE_IPO,
    PREFERENCE_HINGE,
    PREFERENCE_KTO, // both answers of a pair as KTO's good and bad ones
    PREFERENCE_ORPO,
    PREFERENCE_LOSSES
};

/* A loss's row in the table of losses: its name, and what follows for whoever
 * trains with it. */
struct preference_traits {
    const char *name;    // TRL's
    const char *method;  // the method that offers it as --loss, by this name;
                         // a method's first loss is its default
    const char *unit;    // "nats per pair", or "": a number without a unit
    bool has_reference;  // reads qc and qr; else they may be NULL
    bool has_soft_label; // reads `smoothing`, so pairs may have labels
    bool is_per_token;   // of means over an answer's tokens, not of sums
    double likelihood;   // weight of loss_chosen(), which the caller adds: a
                         // part of the loss itself
};

/** Never NULL. */
const struct preference_traits *preference_traits(enum preference_loss loss);

struct preference_options {
    enum preference_loss loss;
    double beta;      // > 0; 0.1 is usual. IPO's tau, ORPO's lambda
    double smoothing; // 0 <= smoothing < 1/2, where has_soft_label: the share
                      // of pairs taken to be labelled the wrong way
};

/* B >= 1 pairs. */
struct preference_pairs {
    const double *pc, *pr;  // [B] chosen, rejected under the policy, nats
    const double *qc, *qr;  // [B] the same under the frozen reference
    const int64_t *nc, *nr; // [B] answer tokens, >= 1; read by IPO and where
                            // is_per_token; else they may be NULL
    int64_t B;
};

/* What is logged: means over the pairs. */
struct preference_rewards {
    double chosen, rejected; // preference_reward() of the answers
    double margin;           // chosen - rejected
    double accuracy;         // share of pairs whose chosen reward is greater
};

/** The implicit reward of an answer of n tokens with the log-ratio h = p - q
 * (or p where there is no reference): beta * h, or beta * h / n where
 * is_per_token.
 */
double preference_reward(double h, double n,
                         const struct preference_options *opts);

/**
 * Mean loss of a batch of preference pairs, and its gradient.
 *
 *   hc = pc - qc,  hr = pr - qr,  z = beta * (hc - hr)
 *   sigmoid  -(1 - e) log s(z) - e log s(-z)       s: logistic, e: smoothing
 *   ipo      (hc / nc - hr / nr - 1 / (2 beta))^2
 *   hinge    max(0, 1 - z)
 *   kto      1/2 (1 - s(beta * (hc - kr)) + 1 - s(beta * (kc - hr)))
 *            kc = max(0, mean of hc), kr = max(0, mean of hr): no gradient
 *   orpo     -beta log s(odds(pc / nc) - odds(pr / nr)), without a reference;
 *            odds(x) = x - log(1 - exp(x)). To it belongs loss_chosen()
 *
 * Shapes   all arrays f64 or i64 [B].
 * Inputs   log-probabilities in nats, summed over answer tokens only, also for
 *          ipo: the sums are divided by the answers' lengths here.
 * Outputs  d_pc, d_pr  d(loss)/d(pc), d(loss)/d(pr), ADDED to what is there;
 *                      both NULL for evaluation. qc and qr get none.
 *          rewards     may be NULL; sums, not means, of tokens also for ipo.
 * Returns  the loss; log(2) where policy and reference agree (sigmoid).
 * Memory   borrows all, allocates nothing. Any thread, no shared state.
 * Numbers  sums in double, left to right; finite for whatever f32 can hold.
 *          odds(x) goes on as its tangent for x > -2^-24, where f32 no longer
 *          tells a probability from 1: its slope is at most 2^24, and an answer
 *          that is certain has a loss and a gradient.
 * Source   sigmoid: Rafailov et al. 2023, arXiv:2305.18290, eq. 7; smoothing:
 *          Mitchell 2023, "A note on DPO with noisy preferences"; ipo: Azar et
 *          al. 2023, arXiv:2310.12036, eq. 17, with TRL's mean over tokens in
 *          place of the sum (its authors' own reading); hinge: Zhao et al.
 *          2023, arXiv:2305.10425; kto: Ethayarajh et al. 2024,
 *          arXiv:2402.01306, eq. 7, each half's baseline from the other half;
 *          orpo: Hong et al. 2024, arXiv:2403.07691, eq. 4 to 7. The first
 *          three equal TRL's DPOTrainer, kto its KTOTrainer, orpo its
 *          ORPOTrainer but for the prompt's tokens, whose likelihood that
 *          takes, too, and the paper does not.
 */
double loss_preference(double *d_pc, double *d_pr,
                       struct preference_rewards *rewards,
                       const struct preference_pairs *x,
                       const struct preference_options *opts);

/**
 * The likelihood of chosen answers beside loss_preference(), which may lower
 * both answers of a pair in favour of a third that stands in none.
 *
 *   weight * -(sum over pairs of pc) / (sum over pairs of nc)
 *
 * Shapes   pc f64 [B], nats, sums over answer tokens; nc i64 [B], >= 1.
 * Outputs  d_pc  ADDED to; NULL for evaluation.
 * Returns  that many nats per token.
 * Source   Pang et al. 2024, arXiv:2404.19733, eq. 1 (rpo_alpha in earlier
 *          TRL), with one mean over all tokens as TRL's loss type `sft`.
 */
double loss_chosen(double *d_pc, const double *pc, const int64_t *nc, int64_t B,
                   double weight);

struct kto_options {
    double beta;        // > 0; 0.1 is usual
    double good_weight; // > 0: of each good answer's loss; 1 is usual
    double bad_weight;  // > 0: of each bad one's; where one kind is
                        // rarer, its weight times its count should be
                        // 1 to 4/3 times the other's
};

/* B >= 1 answers, each to an input of its own. */
struct kto_answers {
    const double *p, *q;       // [B] under the policy, the reference; nats
    const unsigned char *good; // [B] 1: wanted, 0: not
    int64_t B;
};

/* What is logged: means over the good and over the bad answers; 0 where there
 * is none of a kind. */
struct kto_rewards {
    double good, bad;
    double margin; // good - bad; 0 where one kind is missing
    int64_t n_good, n_bad;
};

/**
 * KTO's baseline: how far the policy has moved from the reference.
 *
 *   kl = max(0, mean over i of (p[i] - q[i]))
 *
 * Inputs   p, q  f64 [n], n >= 1: log-probabilities in nats of answers that
 *                do not belong to the inputs they are scored after (each
 *                input with the answer to the next, say).
 * Returns  nats. No gradient passes through it.
 * Source   Ethayarajh et al. 2024, arXiv:2402.01306, section 4.2.
 */
double loss_kto_baseline(const double *p, const double *q, int64_t n);

/**
 * Mean KTO loss of a batch of answers labelled good or bad, and its gradient.
 *
 *   h = p - q
 *   good  good_weight * (1 - s(beta * (h - kl)))             s: logistic
 *   bad   bad_weight  * (1 - s(beta * (kl - h)))
 *
 * Shapes   all arrays [B].
 * Inputs   kl  loss_kto_baseline() of this batch, or 0 (TRL's
 *              apo_zero_unpaired).
 * Outputs  d_p      d(loss)/d(p), ADDED to what is there; NULL for evaluation.
 *          rewards  may be NULL.
 * Returns  the loss, a sum over both kinds divided by B.
 * Memory   borrows all, allocates nothing. Any thread, no shared state.
 * Numbers  sums in double, left to right; finite for whatever f32 can hold.
 * Source   Ethayarajh et al. 2024, arXiv:2402.01306, eq. 7; TRL's KTOTrainer.
 */
double loss_kto(double *d_p, struct kto_rewards *rewards,
                const struct kto_answers *x, double kl,
                const struct kto_options *opts);

#endif
