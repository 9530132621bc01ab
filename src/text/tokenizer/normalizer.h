/* normalizer.h -- what is done to a text before it is split. */
#ifndef TEXT_NORMALIZER_H
#define TEXT_NORMALIZER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "text/tokenizer/pattern.h"

struct normalizer {
    struct norm_step *steps;
    int64_t n, cap;
};

/** Read the field "normalizer" of a tokenizer.json; null is no step.
 * TRV_EFORMAT, TRV_EUNSUPPORTED (naming the kind), TRV_ENOMEM. */
int normalizer_read(struct normalizer *nz, const json_t *v, const char *file,
                    trv_err *err);
/** Add one NFC step; for formats that only imply it. */
int normalizer_add_nfc(struct normalizer *nz);
/** Add SentencePiece's rules. TRV_EFORMAT, TRV_ENOMEM. */
int normalizer_add_charsmap(struct normalizer *nz, const void *bytes, size_t n,
                            const char *file, trv_err *err);
void normalizer_release(struct normalizer *nz); // accepts zeros

/** Normalise a text in place. `tmp` is working memory. *at_start turns false
 * where the text's beginning was cut off. */
int normalizer_run(const struct normalizer *nz, struct strbuf *text,
                   struct strbuf *tmp, bool *at_start,
                   struct pattern_scratch *scratch, trv_err *err);

#endif
