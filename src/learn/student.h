/* student.h -- what learns: adapter weights of any kind that can be trained, or
 * all weights, begun from options. Every edge that trains, and plain training,
 * begin their student here.
 *
 * A student is a decoder and adapter weights: either adapter weights on the
 * session's decoder, which is frozen, or (adapter weights NULL) all weights of
 * a decoder of its own. The session's decoder does not change in either case:
 * it is the base that a student is compared with.
 */
#ifndef LEARN_STUDENT_H
#define LEARN_STUDENT_H

#include <jansson.h>
#include <trivium/trivium.h>

#include "adapt/session.h"
#include "adapt/view.h"
#include "learn/loop/run.h"

/* Options of every kind; only those of `kind` are read. */
struct student_options {
    enum kind kind;
    trv_lora_options lora;
    trv_virtual_options virtual;
    trv_bottleneck_options bottleneck;
    const char *save_as; // of all weights: "bf16", "f32"
    uint64_t seed;
};

/** KIND_LORA, KIND_ADAPTER, KIND_SOFT, KIND_PREFIX, KIND_FULL. */
bool student_can_be(enum kind kind);
bool student_is_virtual(enum kind kind); // soft, prefix
/** Numbers in their bounds, names that are known. TRV_ERANGE, TRV_EINVAL. */
int student_check(const struct student_options *o, trv_err *err);
/** Add what was asked for to a JSON object. TRV_ENOMEM. */
int student_to_json(json_t *to, const struct student_options *o, trv_err *err);
/** The learning rate that suits the kind at the model's width. */
double student_default_lr(enum kind kind, const struct model_config *cfg);

/** Can all weights of a model be trained and written? TRV_EUNSUPPORTED. */
int student_check_full(const struct model *m, trv_err *err);
/** A second decoder of the session's model, whose weights all learn.
 * TRV_ENOMEM; to be freed with decoder_free(). */
int student_open_full(struct decoder **out, struct session *s, trv_err *err);
enum dtype student_save_type(const struct student_options *o);

/** The vector that learns, how it is brought into use after a step, and the
 * name of one of its parameters. */
struct adapter_weights_flat
student_flat(const struct decoder *d,
             const struct adapter_weights *adapter_weights);
int student_updated(struct decoder *d, struct adapter_weights *adapter_weights,
                    trv_err *err);
void student_locate(char *buf, size_t size, const struct decoder *d,
                    const struct adapter_weights *adapter_weights,
                    int64_t index);
/** Does weight decay act on one of its parameters? It acts on adapter weights,
 * and of all weights on matrices and embeddings, not on norms and biases, as in
 * transformers' Trainer. *end as in run_task.decays. */
bool student_decays(const struct decoder *d,
                    const struct adapter_weights *adapter_weights,
                    int64_t index, int64_t *end);
/** Allocate now what backward passes into these adapter weights need.
 * TRV_ENOMEM. */
int student_plan(struct decoder *d,
                 const struct adapter_weights *adapter_weights, trv_err *err);
/** All of these as the half of a task that learns; `st` is borrowed. */
struct student {
    struct decoder *d;
    struct adapter_weights *adapter_weights;
};
void student_learns(struct run_task *task, struct student *st);
/** Bytes that learning takes beside the base: the vector, its gradient and the
 * optimiser's two, of all weights also what the backend packs; and what a pass
 * over `tokens` keeps. */
double student_bytes(const struct session *s, enum kind kind, int64_t params,
                     double tokens);

/** Allocate, with gradients; of KIND_FULL there are none. LoRA and bottlenecks
 * start so that nothing changes yet; virtual tokens are zero until
 * student_start(). What lora_begin(), virtual_init() and bottleneck_init()
 * return. */
int student_begin(struct adapter_weights *out, const struct model *m,
                  const struct student_options *o, trv_err *err);

/**
 * Start virtual tokens from a text: its embeddings, or its keys and values.
 *
 * @param ids    n >= 1: the first tokens count, and a text that is too short
 *               begins again at its end, as PEFT has it.
 * @param under  adapter weights that the keys and values are computed under;
 *               NULL: none.
 * @return 0, TRV_ENOMEM.
 */
int student_start(struct adapter_weights *student, struct session *s,
                  const int32_t *ids, int64_t n,
                  const struct adapter_weights *under, trv_err *err);

/** The text that the options start from, as ids with what the tokenizer begins
 * a text with; none appended where they name none. TRV_EIO, TRV_EINVAL. */
int student_text(struct ids *ids, const struct session *s,
                 const trv_virtual_options *o, trv_err *err);
bool student_start_is_sampled(const trv_virtual_options *o); // and nothing else

#endif
