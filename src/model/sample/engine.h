/* engine.h -- what everything else stands on: log-probabilities of rows, and
 * sampling. (Divergence between aligned rows is head.h's, over two forwards.)
 * All go through the same kernels, so a sampled token scores as it was drawn.
 */
#ifndef MODEL_ENGINE_H
#define MODEL_ENGINE_H

#include "base/memo.h"
#include "model/decoder/conditioning.h"
#include "model/decoder/decoder.h"
#include "model/sample/sampler.h"

/** A context and an answer, end to end, under one adaptation. */
struct scored_row {
    const int32_t *ids;
    int64_t n, n_context; // the answer is ids[n_context..n), n_context >= 1
    const struct adapter_weights *adapter_weights;
};
/** logp[r][i] = log p(answer token i of row r | all before), nats. Rows are
 * packed into passes of at most `ENGINE_TOKENS` tokens (a longer row is a pass
 * of its own). */
#define ENGINE_TOKENS 2048
int engine_score(struct decoder *d, struct arena *a, float *const *logp,
                 const struct scored_row *rows, int64_t n_rows, trv_err *err);
/** The same under contexts of any number of parts. */
int engine_score_contexts(struct arena *a, float *const *logp,
                          const struct answered *rows, int64_t n_rows,
                          trv_err *err);

/** A row to continue. */
struct sample_row {
    const int32_t *ids;
    int64_t n;
    const struct adapter_weights *adapter_weights;
    uint64_t stream; // its random numbers: (seed, stream), batch or not
};
enum finish { FINISH_LENGTH, FINISH_EOS, FINISH_STOPPED };
struct sample_out {
    int32_t *ids; // [n] new tokens, EOS included; mem_free
    int64_t n;
    double logp;  // of all of them, under the model itself at temperature 1
    float *logps; // [n] of each, where asked for; mem_free
    enum finish finish;
};
struct sample_options {
    struct sampling sampling;
    int64_t max_tokens; // new ones, >= 1; rows also end where the context does
    int64_t batch;      // rows at a time; 0: chosen by memory
    uint64_t seed;
    bool ignore_eos;
    bool want_logps;   // fill sample_out's logps
    struct memo *memo; // of a run that may go on (sample_memo.h); NULL: none
    const char
        *of; // whose answers, by a hash, where runs share the memo; NULL:
             // the memo's run says it
    double *seconds; // takes what the batches took when they were drawn; NULL
    /* Called for each new token (not for EOS); false ends that row. */
    bool (*on_token)(void *payload, int64_t row, int32_t id);
    /* Called after each step with the rows done; false: TRV_ECANCELED. */
    bool (*on_progress)(void *payload, int64_t rows_done, int64_t tokens);
    void *payload;
};
/** Continue every row; out [n_rows] is filled in order. A row with no room for
 * one new token is TRV_ETOOLONG. On failure nothing is left allocated. */
int engine_sample(struct decoder *d, struct arena *a, struct sample_out *out,
                  const struct sample_row *rows, int64_t n_rows,
                  const struct sample_options *opts, trv_err *err);

/** A context to be answered. All of one call have the same parts. */
struct sampled_row {
    const struct context *context;
    uint64_t stream;
};
/** The same under contexts of any number of parts: one token is drawn from the
 * mixed distribution and goes on in every part. `logp` is the mix's. */
int engine_sample_contexts(struct arena *a, struct sample_out *out,
                           const struct sampled_row *rows, int64_t n_rows,
                           const struct sample_options *opts, trv_err *err);

#endif
