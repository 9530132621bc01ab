/* divergence.h -- how far two distributions are apart, along answers drawn from
 * one of them.
 *
 * At each token of an answer y ~ p the whole vocabulary is compared:
 *
 *   kl      sum over v of p(v) (log p(v) - log q(v))
 *   agree   1 where p and q have the same likeliest token, else 0
 *
 * An input's value is the mean over its answer's tokens, a figure the mean over
 * inputs. Scores are ranks.h's.
 */
#ifndef MEASURE_DIVERGENCE_H
#define MEASURE_DIVERGENCE_H

#include "measure/stage.h"

/**
 * Those that m->asked has of kl_forward, kl_base, gap_closed and top1_agreement
 * along A's first answers, of kl_reverse along B's; these were drawn. Where
 * both are computed, kl_forward and kl_base of each input and of each place in
 * the answers, too.
 *
 * @return 0, TRV_ENONFINITE, TRV_ECANCELED, TRV_ENOMEM, and what pass_forward()
 *         returns.
 * Memory   the session's arena is reset.
 */
int divergence_kl(struct measure *m, trv_measurement *out, trv_err *err);

/**
 * drift, drift_source: KL(base || B) and KL(base || A) on as many control inputs
 * as there were inputs, along answers of the base. Drops the items that there
 * are, draws its own, and leaves them to drawn_release().
 *
 * @return as divergence_kl(), and what inputs_open() and drawn_fill() return.
 */
int divergence_drift(struct measure *m, trv_measurement *out, trv_err *err);

/** Frees what divergence_kl() kept of inputs and places; accepts zeros. */
void divergence_release(trv_measurement *out);

#endif
