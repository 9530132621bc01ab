/* view.h -- an adaptation seen from an input: the ids that come before the
 * answer, and the low-rank terms that act on it. Base, prompt and parameters
 * differ in nothing else, so all that acts or scores goes through here.
 */
#ifndef ADAPT_VIEW_H
#define ADAPT_VIEW_H

#include "adapt/adaptation.h"
#include "adapt/session.h"

/** The context of `row` under `a` (NULL: the base). Appends to *ids. */
int view_context(struct ids *ids, const struct model *m,
                 const struct adaptation *a, const struct data_row *row,
                 trv_err *err);
/** NULL for all but LoRA. */
const struct lora *view_lora(const struct adaptation *a);
/** Bring the low-rank terms into the backend's type. */
int view_ready(struct adaptation *a, const struct backend *be, trv_err *err);

/** Inputs x: rows of a file, or sampled from the model itself. */
struct inputs {
    struct data data;
    bool sampled;
};

/** Called while inputs are sampled; false stops. */
typedef bool (*inputs_progress)(int64_t done, int64_t total, double tokens,
                                void *payload);

/**
 * Open the inputs of a conversion or a measurement.
 *
 * @param path  NULL: `want` texts are sampled from the model, from its BOS or
 *              EOS (a user's turn where `chat`), and cut after 4 to 16 tokens.
 * @param chat  rows of text become the user's turn of the chat template, as a
 *              prompt of messages needs it.
 * @return what data_open() returns; TRV_EINVAL where sampling has nothing to
 *         start from; TRV_ECANCELED.
 */
int inputs_open(struct inputs *out, struct session *s, const char *path,
                int64_t want, uint64_t seed, bool chat,
                inputs_progress progress, void *payload, trv_err *err);
void inputs_release(struct inputs *in); // accepts zeros

#endif
