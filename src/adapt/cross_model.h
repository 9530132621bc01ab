/* cross_model.h -- an adaptation of another model on this one: on:DIR,A.
 *
 * Where both models have the same tokenizer it acts by the log-ratio of each
 * token, as a mix of this model with two more:
 *
 *   log p = log p0 + (log pA - log pDIR), normalised at each token
 *
 * where pA is the model in DIR under A. Where the tokenizers differ, tokens
 * have no counterpart, and only the reward of a whole text can be transferred,
 *
 *   r(x, y) = log pA(y|x) - log pDIR(y|x)
 *
 * with x and y in DIR's own tokens: the adaptation is then of form reward.
 *
 * Source   Mitchell et al. 2023, arXiv:2310.12962 (emulated fine-tuning); Liu
 *          et al. 2024, arXiv:2401.08565 (proxy-tuning).
 */
#ifndef ADAPT_CROSS_MODEL_H
#define ADAPT_CROSS_MODEL_H

#include "adapt/adaptation.h"

/** Join two parts that are open: A on another model, and that model, whose
 * `full` is open, too, and has a tokenizer as this one has. TRV_EINVAL (what
 * cannot be transferred), TRV_EUNSUPPORTED. */
int cross_model_open(struct adaptation *a, struct kind_source *from,
                     trv_err *err);
/** TRV_EINVAL: the base, a mix or a reward, which cannot be transferred. */
int cross_model_check(enum kind kind, const char *spec, trv_err *err);

#endif
