/* session.h -- a loaded model: its decoder, made when first needed, the memory
 * of a step, and its identity, which is computed once.
 */
#ifndef ADAPT_SESSION_H
#define ADAPT_SESSION_H

#include "model/decoder/decoder.h"

struct adaptation;

/* How fast a model runs here, in seconds; 0: not measured (rate.h). */
struct rate {
    double score; // a token of a forward pass, with its log-probability
    double learn; // a token forward and backward, through a LoRA
    double step;  // a step of drawing, whatever the batch
    double draw;  // a token drawn, beside its share of the step
};

struct session {
    struct model *model;
    struct backend *be;
    bool be_is_lent;         // it belongs to another session
    struct decoder *decoder; // NULL until session_decoder()
    struct arena arena;      // of one call or step; reset by whoever begins one
    struct memo *memo;       // of the run at work, which owns it; NULL: none
    /* Answers that several runs share, by whose they are; NULL: none. Those of
     * the base and of draws_of are kept; all others are drawn for once. */
    struct memo *draws;
    const struct adaptation *draws_of; // NULL: of the base alone
    struct rate rate;                  // from rate_measure()
    bool identified;
    struct model_identity id;
};

int session_open(struct session **out, const char *path,
                 const struct backend_options *opts, trv_err *err);
/** A further model, to work on the backend of another session, whose model is
 * `with` and whose layout it takes: `be` is NULL until the caller sets it, and
 * stays the lender's. `notes` takes the model's; NULL: they were taken before.
 */
int session_open_beside(struct session **out, const char *path,
                        const struct model *with, struct strbuf *notes,
                        trv_err *err);
/** The same for a reward model. */
int session_open_scorer(struct session **out, const char *path,
                        const struct model *with, struct strbuf *notes,
                        trv_err *err);
void session_free(struct session *s);

/** Pack the weights if that was not done yet. TRV_ENOMEM. */
int session_decoder(struct session *s, struct decoder **out, trv_err *err);
/** The hashes of the base; reads every weight the first time. */
int session_identity(struct session *s, const struct model_identity **out,
                     trv_err *err);

#endif
