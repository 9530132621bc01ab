/* api.h -- what stands behind the public handles. */
#ifndef API_API_H
#define API_API_H

#include <trivium/trivium.h>

#include "adapt/view.h"

struct trv_model {
    struct session *s;
};

struct trv_adaptation {
    struct adaptation *inner;
    struct strbuf use_notes; // the last that were handed out
};

/** TRV_EFORMAT where the model came without one. */
int api_need_tokenizer(const trv_model *m, trv_err *err);
/** The same, and weights: what all work with a model needs. */
int api_need_model(const trv_model *m, trv_err *err);

/** Before a dry run: TRV_EEXIST where what KIND:OUT names is there and may not be
 * replaced, as a run would say. */
int api_check_out(const char *to, bool replace, trv_err *err);

#endif
