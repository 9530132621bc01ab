/* verifier.h -- rewards that are rules: a check of the answer's text, mostly
 * between 0 and 1.
 *
 *   number    1 where the answer's number equals the reference's, as numbers:
 *             that in the last \boxed{}, that behind the last '####', or else
 *             the last one of the text (answer_value.h)
 *               column=    of the reference: answer, reference, solution or
 *                          completion, the first that is there
 *               strict=1   only a number behind '####' counts
 *   math      1 where the answer is mathematically the reference: numbers,
 *             fractions, roots, sets, intervals, equations (maths.h)
 *               column=
 *   exact     1 where the answer equals the reference, less blanks around it
 *               column=, case=0   capitals do not matter
 *   regex     1 where pattern= (takes the rest) matches somewhere
 *               by=line|sentence|word|letter   the share of these that match
 *               share=1    by=sentence
 *               case=0, not=1   what is left to 1
 *   contains  1 where one of words=A|B|C (takes the rest) is there
 *               all=1      all of them; share=1: their share
 *               inside=1   also inside longer words
 *               case=1     capitals matter
 *               not=1
 *   length    1 between lo= and hi=, falling linearly to 0 at nothing and at
 *             hi + slack (slack=: hi)
 *               by=words|chars|tokens   tokens: less special ones
 *   json      1 where the answer is one JSON value
 *               keys=A|B   an object with these keys
 *               share=1    the share of what holds: JSON, and each key
 *   command   the score of an outside program: outside.h
 *               timeout=S  seconds for a row; 10
 *               cmd=       takes the rest
 *
 * A sentence ends behind . ! or ? before a blank, and where a line ends.
 */
#ifndef ADAPT_REWARD_VERIFIER_H
#define ADAPT_REWARD_VERIFIER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct verifier;
struct reward_item;
struct tokenizer;

/** Read "number,strict=1" into an object {"check":, ...}. */
int verifier_parse(json_t **conf, const char *text, trv_err *err);
/** `t` (may be NULL) gives the special tokens, for length by tokens. */
int verifier_open(struct verifier **out, const json_t *conf,
                  const struct tokenizer *t, trv_err *err);
void verifier_free(struct verifier *v);
/** `index` names the item in messages where its row has no file. */
int verifier_score(struct verifier *v, double *score,
                   const struct reward_item *item, int64_t index, trv_err *err);
/** Does it run an outside program? */
bool verifier_runs(const struct verifier *v);

#endif
