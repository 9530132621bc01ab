/* answer_pass.h -- answers behind their contexts, packed once for all that
 * learns from them: imitation, given text, policies, closed forms.
 *
 *   answer_pack       rows; all answer tokens lie end to end, those of answer s
 *                     are first[s]..first[s+1]-1:
 *                       where[k]   the packed token before answer token k,
 *                                  which predicts it
 *                       target[k]  answer token k itself
 *   answer_forward    also hidden states, and what a backward needs
 *   answer_score      log-probability of each answer token, nats
 *   answer_backward   the gradient of -sum coef[k] logp[k]
 *
 * So a loss that knows only log-probabilities is a function between the last
 * two. An answer's last token predicts nothing and is not packed. Answers whose
 * contexts or words begin alike share that beginning (model/decoder/batch.h).
 */
#ifndef LEARN_ANSWER_PASS_H
#define LEARN_ANSWER_PASS_H

#include "model/decoder/decoder.h"
#include "text/tokenizer/tokenizer.h"

/* An answer and what stands before it. All is borrowed. */
struct answer_row {
    const int32_t *context; // [n_context], virtual tokens included; >= 1
    int64_t n_context;
    const int32_t *ids; // [n] of the answer
    int64_t n;          // 0: the context alone, all of it
    const struct adapter_weights *adapter_weights; // NULL: the base
};

/** The row whose context is `context`. */
struct answer_row answer_row_of(const struct ids *context, const int32_t *ids,
                                int64_t n,
                                const struct adapter_weights *adapter_weights);

struct answer_pass {
    struct decoder *d;
    struct batch b;
    const int64_t *const *at; // [S] packed token of each token of a row
    int64_t *where;           // [N]
    int32_t *target;          // [N]
    int64_t *first;           // [S+1]
    int64_t S, N;
    /* of answer_forward() */
    struct saved save;
    struct mat hidden; // [T,C]
    float *logp;       // [N] filled by answer_score() and answer_backward()
};

/** Pack S >= 1 rows, all in `a`; an answer that follows its context in one
 * array is not copied. save, hidden and logp stay empty. TRV_ENOMEM. */
int answer_pack(struct answer_pass *p, struct decoder *d, struct arena *a,
                const struct answer_row *rows, int64_t S, trv_err *err);

/** answer_pack() and a forward pass that keeps what its backward needs.
 * dropout: applied, where the adapter weights have any, by `seed`. TRV_ENOMEM,
 * and what decoder_forward() returns. */
int answer_forward(struct answer_pass *p, struct decoder *d, struct arena *a,
                   const struct answer_row *rows, int64_t S, bool dropout,
                   uint64_t seed, trv_err *err);
int answer_score(struct answer_pass *p, struct arena *a, trv_err *err);

/** A gradient of zeros at the hidden states, [T,C] f32 in `a`. TRV_ENOMEM. */
int answer_zeros(struct mat *d_hidden, const struct answer_pass *p,
                 struct arena *a, trv_err *err);
/** ADDS to the gradients of what learns, and fills logp on its way. d_hidden
 * may bring a gradient at the hidden states that is added to; data NULL: none.
 * It is used up. TRV_ENOMEM. */
int answer_backward(struct answer_pass *p, struct arena *a, const float *coef,
                    struct mat d_hidden, trv_err *err);

/** Sum of an answer's tokens of x [N], in double, in their order. */
double answer_sum(const struct answer_pass *p, const float *x, int64_t s);

#endif
