/* peft_match.h -- which modules an adapter_config.json addresses, and with what
 * rank and alpha, as PEFT's own matching decides.
 */
#ifndef ADAPT_PARAMS_PEFT_MATCH_H
#define ADAPT_PARAMS_PEFT_MATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct peft_rules; // compiled patterns; borrows the config

/** `file` stands for the config in messages; both are borrowed. TRV_EFORMAT
 * names a field of the wrong type or a pattern that does not compile. */
int peft_rules_open(struct peft_rules **out, const json_t *config,
                    const char *file, trv_err *err);
void peft_rules_free(struct peft_rules *r); // NULL is allowed

/** Rank and alpha of the module at `path` in block `layer`; rank 0 where it is
 * not targeted. TRV_EFORMAT where a pattern takes too long to match. */
int peft_rules_match(const struct peft_rules *r, int64_t *rank, double *alpha,
                     const char *path, int64_t layer, trv_err *err);

#endif
