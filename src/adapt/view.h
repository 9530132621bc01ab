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

/** What sampled inputs are for: each use has random numbers of its own, so what
 * is measured was not trained on, whatever the seeds. */
enum inputs_use { INPUTS_LEARN, INPUTS_HELD_OUT, INPUTS_CONTROL };

struct inputs_options {
    const char *path; // NULL: sampled from the model
    enum inputs_use use;
    int64_t want;  // how many to sample
    uint64_t seed; // of sampling
    bool chat; // texts become the user's turn, as a prompt of messages needs
    /* Called while inputs are sampled; false stops. May be NULL. */
    bool (*progress)(void *payload, int64_t done, double tokens);
    void *payload;
};

/**
 * Open the inputs of a conversion or a measurement. Sampled texts begin at the
 * model's BOS or EOS (in a chat: where the template puts the user's words) and
 * are cut after 4 to 16 tokens.
 *
 * @return what data_open() returns; TRV_EINVAL where sampling has nothing to
 *         start from; TRV_ECANCELED.
 */
int inputs_open(struct inputs *out, struct session *s,
                const struct inputs_options *opts, trv_err *err);
void inputs_release(struct inputs *in); // accepts zeros

#endif
