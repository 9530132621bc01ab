/* view.h -- the conditioning that an adaptation gives an input: the ids that
 * come before the answer, and the adapter weights. Base, prompt and parameters
 * differ in nothing else, so all sampling and scoring goes through here.
 * Virtual tokens are both: their ids come first, and adapter weights hold their
 * vectors.
 */
#ifndef ADAPT_VIEW_H
#define ADAPT_VIEW_H

#include "adapt/adaptation.h"
#include "adapt/session.h"
#include "model/decoder/conditioning.h"
#include "text/row_layout.h"

/**
 * All of an adaptation that acts on answers to a row: what scoring, sampling
 * and divergences take. Makes the decoders that it needs.
 *
 * @param a  NULL: the base. A mix is flattened; the base is its first part,
 *           where it still has weight.
 * @return TRV_EINVAL (an empty context where no token begins a text; more than
 *         CONDITIONING_MAX_PARTS parts), and what example_context() returns.
 */
int view_open(struct context *out, struct session *s, struct adaptation *a,
              const struct data_row *row, trv_err *err);

/** The context of `row` under `a` (NULL: the base). Appends to *ids. */
int view_conditioning(struct ids *ids, const struct model *m,
                      const struct adaptation *a, const struct data_row *row,
                      trv_err *err);
/** The context of `row` under adapter weights that have no adaptation yet
 * (NULL: the base): a student's. Appends to *ids. */
int view_weights_conditioning(struct ids *ids, const struct model *m,
                              const struct adapter_weights *adapter_weights,
                              const struct data_row *row, trv_err *err);
/** The ids of virtual tokens alone. TRV_ENOMEM. */
int view_virtual_ids(struct ids *ids,
                     const struct adapter_weights *adapter_weights,
                     trv_err *err);
/** What acts inside the decoder; NULL for prompts of text and the base. */
const struct adapter_weights *view_weights(const struct adaptation *a);
/** Convert the adapter weights to the backend's type, and share the backend
 * with further models. */
int view_ready(struct adaptation *a, struct backend *be, trv_err *err);

/** Inputs x: rows of a file, or sampled from the model itself. */
struct inputs {
    struct data data;
};

/** What sampled inputs are for: each use has random numbers of its own, so what
 * is measured was not trained on, whatever the seeds. */
enum inputs_use { INPUTS_LEARN, INPUTS_HELD_OUT, INPUTS_CONTROL };

struct inputs_options {
    const char *path; // NULL: sampled from the model
    enum inputs_use use;
    int64_t want;  // how many to sample
    uint64_t seed; // of sampling
    bool text;     // sampled ones are rows of text, raw in every layout
    /* Called while inputs are sampled; false stops. May be NULL. */
    bool (*progress)(void *payload, int64_t done, double tokens);
    void *payload;
};

/**
 * Open the inputs of a conversion or a measurement. A line of a .txt file is a
 * plain prompt. Sampled texts begin at the model's BOS or EOS and are cut after
 * 4 to 16 tokens; in the layout chat they are what a user says, from where the
 * template puts those words.
 *
 * @return what data_open() returns; TRV_EINVAL where sampling has nothing to
 *         start from; TRV_ECANCELED.
 */
int inputs_open(struct inputs *out, struct session *s,
                const struct inputs_options *opts, trv_err *err);
void inputs_release(struct inputs *in); // accepts zeros
/** How they are laid out; `prompt` as in row_layout_of(). */
void view_layout(struct row_layout *out, const struct model *m,
                 const struct inputs *in, bool prompt);

#endif
