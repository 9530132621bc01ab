/* verifier.h -- rewards that are rules: a check of the answer's text, mostly
 * between 0 and 1.
 *
 * The table of checks in verifier.c says what each is, its options, and what
 * these mean; `trivium help rewards` prints it, and conf_read() reads by it.
 *
 * A sentence ends behind . ! or ? before a blank, and where a line ends.
 */
#ifndef ADAPT_REWARD_VERIFIER_H
#define ADAPT_REWARD_VERIFIER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <trivium/trivium.h>

#include "base/err.h"

struct verifier;
struct conf_option;
struct reward_item;
struct tokenizer;

/** Check i; NULL behind the last. The options of one by its name; NULL: there
 * is none. They are what is read, all of it. */
const trv_check *verifier_check_at(int i);
const struct conf_option *verifier_options(const char *name);

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
