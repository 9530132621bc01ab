/* run.h -- the loop of training: steps, metrics, checkpoints, resuming.
 *
 * The loop handles vectors and numbers; the task defines what is learned, from
 * which data and by which loss. A run owns a folder beside its output:
 *
 *   checkpoint.safetensors   parameters, both moments, step, the task's state
 *   metrics.jsonl            a line for each step, of what the seed decides: no
 *                            times
 *
 * A run that is stopped and resumed ends with the same bits as one that was
 * not (given that the task's gradient depends on what it saves and nothing
 * else). Nothing non-finite is ever saved.
 */
#ifndef LEARN_RUN_H
#define LEARN_RUN_H

#include <jansson.h>
#include <trivium/trivium.h>

#include "backend/backend.h"
#include "learn/loop/optimiser.h"

/** A figure of a step; NaN: not known, and left out. */
struct run_figure {
    const char *name; // as in metrics.jsonl
    double value;
};

/** What is learned, in two halves: a vector, and what its gradient is of. */
struct run_task {
    void *self; // of begin_step, gradient, end_step, save, load, figures
    void *of;   // of after_update, locate, decays: whose the vector is
    /* What a loss is in ("nats per token", "" where it has no unit), where it
     * falls as the run learns. NULL: it does not show whether a run
     * improves. */
    const char *loss_unit;
    float *w, *g; // parameters and their gradient [n]
    int64_t n;

    /** Before a step's first micro-batch: make what its micro-batches share
     * (draw answers, clear sums). Adds to `tokens` those it processes. May be
     * NULL. */
    int (*begin_step)(void *self, int64_t step, double *tokens, trv_err *err);
    /** Add to g the gradient of the SUM of losses over one micro-batch, and to
     * the three sums: the losses, their weight (what to divide by: usually the
     * number of tokens that carry loss) and the tokens processed. The loop
     * clears g before a step's first micro-batch and divides by the whole
     * step's weight, so accumulating equals one large batch. Where it keeps
     * more than g, it only adds to that, too. */
    int (*gradient)(void *self, int64_t step, int64_t micro, double *loss,
                    double *weight, double *tokens, trv_err *err);
    /** After a step's last micro-batch and before the update: turn the step's
     * sums into what figures() and save() return. May be NULL. */
    void (*end_step)(void *self, int64_t step);
    /** After w has changed: by an update, or by a resume before the first step
     * (lora_refresh). May be NULL. */
    int (*after_update)(void *of, trv_err *err);
    /** The rest of the state (data position, random states) as JSON, and back.
     * Both may be NULL. */
    int (*save)(void *self, json_t **out, trv_err *err);
    int (*load)(void *self, const json_t *state, trv_err *err);
    /** Name parameter `index` for messages (lora_locate). May be NULL. */
    void (*locate)(void *of, char *buf, size_t size, int64_t index);
    /** Does weight decay act on parameter `index`? *end takes the first one
     * behind it for which the answer may differ. NULL: it acts on all. */
    bool (*decays)(void *of, int64_t index, int64_t *end);
    /** What the task adds to a step's line of metrics, asked for after the
     * step's update: how many, *out borrowed until the next step. May be
     * NULL. */
    int64_t (*figures)(void *self, const struct run_figure **out);
};

struct run_options {
    int64_t steps, accumulate; // >= 1
    double lr;
    const char *schedule; // "cosine", "linear", "constant"
    double warmup;        // share of the steps
    double weight_decay;
    double clip;               // of the gradient's norm; 0: off
    int64_t checkpoint_every;  // steps; 0: only when stopped
    const char *dir;           // the run's folder; NULL: no files, no resuming
    bool resume;               // go on from the checkpoint in dir
    bool replace;              // start anew although one is there
    const json_t *fingerprint; // what must be equal on a resume; may be NULL
    double tokens; // processed before the first step, to be counted with it
};

#define RUN_OPTIONS_INIT                                                       \
    {                                                                          \
        .accumulate = 1, .schedule = "cosine", .warmup = 0.03, .clip = 1,      \
        .checkpoint_every = 100                                                \
    }

/** Statistics of a run. */
struct run_result {
    int64_t steps;                // done in all, those before a resume included
    double first_loss, last_loss; // mean per weight; NaN where no step ran
    double mean_loss;             // over the last tenth of the steps
    double tokens, seconds;       // in all
    /* The loss rose beyond doubt, of the last tenth of the steps and of the
     * first step's rows alike; then this is the latter. */
    bool diverged;
    double first_again;
};

/**
 * Train to the end of opts->steps.
 *
 * The progress callback is called after each step, stage "training"; when it
 * returns false a checkpoint is saved, and the message of TRV_ECANCELED names
 * its path. A finished run leaves its last checkpoint (where checkpoint_every
 * is 0 only one that may have gone wrong) so that a crash while the result is
 * being saved loses nothing; the caller ends with run_discard().
 *
 * Where losses fall as a run learns, one that ends clearly above its start has
 * diverged. Steps have different rows, so the first step's are evaluated once
 * more, which costs a step where there is reason to and nothing elsewhere.
 *
 * @return 0; TRV_EINVAL; TRV_EEXIST (a stopped run lies in dir and neither
 *         resume nor replace is set); TRV_EMISMATCH (resumed with another
 *         fingerprint: the first field that differs is named); TRV_EIO,
 *         TRV_EFORMAT (the checkpoint); TRV_ECANCELED; TRV_ENONFINITE (names
 *         the step and the loss or the parameter; the last checkpoint
 *         stands); what the task returns; TRV_ENOMEM. After its first step
 *         the loop allocates nothing but for checkpoints.
 */
int run_train(struct run_result *out, const struct run_task *task,
              const struct run_options *opts, struct backend *be,
              trv_progress_fn progress, void *payload, trv_err *err);

/** Remove the checkpoint of a run whose result is saved; metrics.jsonl
 * stays. */
void run_discard(const char *dir);
/** Is there a checkpoint to resume from? */
bool run_is_stopped(const char *dir);

#endif
