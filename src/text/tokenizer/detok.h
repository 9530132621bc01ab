/* detok.h -- token strings back to text: the decoders of tokenizer.json as a
 * chain that is fed one token at a time and gives out bytes once they are
 * final, so that streaming and whole decoding are one thing.
 */
#ifndef TEXT_DETOK_H
#define TEXT_DETOK_H

#include <jansson.h>

#include "base/err.h"
#include "base/strbuf.h"

struct detok {
    struct detok_step *steps; // none: tokens are joined with spaces
    int64_t n, cap;
};

/** Read the field "decoder"; null is no step. TRV_EFORMAT, TRV_EUNSUPPORTED
 * (naming the kind), TRV_ENOMEM. */
int detok_read(struct detok *d, const json_t *v, const char *file,
               trv_err *err);
/* The chains of formats that only imply them. */
int detok_add_byte_level(struct detok *d);
int detok_add_spm(struct detok *d, int strip_spaces);
void detok_release(struct detok *d); // accepts zeros

/** One text on its way; decoded with the chain it was opened for. */
struct detok_state;
int detok_open(struct detok_state **out, const struct detok *d); // TRV_ENOMEM
/** Take one token; append what is final. TRV_ENOMEM, TRV_ERANGE. */
int detok_token(struct detok_state *st, struct strbuf *out, const char *s,
                size_t n, trv_err *err);
int detok_finish(struct detok_state *st, struct strbuf *out, trv_err *err);
void detok_free(struct detok_state *st); // NULL is allowed

#endif
