/* exact.h -- whole conversions in the world that can be counted (world.h), and
 * what must come of them.
 *
 * What is compared with is made here without the code that is tested: rows are
 * put together by hand, token by token, and whatever concerns single tokens is
 * a sum over answers.
 *
 * In specs and places the sign % stands for the world's folder: "lora:%/z".
 */
#ifndef TESTS_SUPPORT_EXACT_H
#define TESTS_SUPPORT_EXACT_H

#include <trivium/trivium.h>

#include "support/world.h"

/* ---- what is so -------------------------------------------------------- */

/** log p of every answer where `letters` stand between the text's beginning
 * and the input; "" is the base. */
void exact_prompt(struct world *w, double *logp, const char *letters);
/** log p of the letters `after` behind <s>, `before`, the answer's letters and
 * `between`. */
double exact_row(struct world *w, const char *before, const struct answer *y,
                 const char *between, const char *after);
/** out = log of p0 exp(r / beta) / Z, of each input. May be `logp` itself. */
void exact_tilt(double *out, const double *logp, const double *r, double beta);
/** step[i][k][v]: log-probability that token v follows the first k tokens of
 * answer i. */
typedef double exact_steps[WORLD_ALL][WORLD_LENGTH][WORLD_TOKENS];
void exact_split(const struct world *w, exact_steps step, const double *logp);
/** The same backwards: each answer's tokens, summed. */
void exact_join(const struct world *w, double *logp, exact_steps step);
/** log p [WORLD_ALL] of what an answer begins with: of its first `length`
 * tokens. */
void exact_cut(const struct world *w, double *out, const double *logp,
               int64_t length);
/** KL of answers that end after `length` tokens, mean over the inputs. */
double exact_kl_cut(const struct world *w, const double *p, const double *q,
                    int64_t length);

/* ---- what is done ------------------------------------------------------ */

/** `spec` with the folder in it, in a buffer that the next call but three
 * overwrites. */
const char *exact_spec(const struct world *w, const char *spec);
/** Options of a conversion by `method` on the world's inputs. */
trv_convert_options exact_options(const struct world *w, const char *method);
/** Convert, over what is there; through opts->via. Fails the test where it
 * fails. */
void exact_convert(struct world *w, const char *from, const char *to,
                   const trv_convert_options *opts);
/** log p of every answer under an adaptation, as all that acts sees it. */
void exact_logp(struct world *w, double *logp, const char *spec);
/** What a reward says of the first `length` tokens of every answer. */
void exact_reward(struct world *w, double *r, const char *spec, int64_t length);
/** Write terms of a kind with parameters drawn from N(0, size^2), each LoRA of
 * full rank, as the artefact %/NAME. Virtual tokens: k of them. */
void exact_save(struct world *w, const char *name, enum kind kind, int64_t k,
                double size, uint64_t seed);

/** Fails unless KL(p, q) and KL(q, p) are below `bound`, and p is farther than
 * 20 times that from the base: else there was nothing to learn. */
void exact_assert_reached(const struct world *w, const char *what,
                          const double *p, const double *q, double bound);

#endif
