/* head_run.h -- from pairs to a reward `head` on disk: what training on given
 * pairs shares with the edges that make their own.
 */
#ifndef LEARN_HEAD_RUN_H
#define LEARN_HEAD_RUN_H

#include "learn/head_task.h"
#include "learn/work.h"

/** All is borrowed. */
struct head_run_plan {
    struct work *w;
    const struct pair_rows *rows, *held_out; // held_out->n may be 0
    const trv_lora_options *lora;            // NULL: all weights learn
    const trv_learn_options *learn;          // every zero replaced
    double centre;
    bool match; // learn the pairs' gaps
};

struct head_run {
    const struct head_run_plan *plan;
    struct adapter_weights adapter_weights;
    struct head_task t;
    struct run_result result;
    struct reward_figures held_out; // where there are held-out pairs
};

/** The default learning rate: 1e-4 at a width of 2048 for a LoRA, half of what
 * texts are learned by for all weights. */
double head_run_lr(const struct model_config *cfg, bool full);

/** Make the LoRA, before anything costs time: what
 * options_begin_lora() returns. */
int head_run_begin(struct head_run *r, const struct head_run_plan *plan,
                   trv_err *err);
/** Learn; then evaluate the held-out pairs. What run_train() returns. */
int head_run_train(struct head_run *r, trv_err *err);
/** Write what was learned, after work_begin_manifest(). `type` is that of all
 * weights, F32 or BF16. */
int head_run_save(struct work *w, const struct head_run *r, enum dtype type,
                  trv_err *err);
/** "held-out pairs: 93 of 100 ranked right, by 2.1 on average". */
void head_run_summary(char *buf, size_t size, const struct head_run *r);
/** Where all weights learned, the session's decoder is dropped: its model again
 * has the weights of its file. Accepts zeros. */
void head_run_release(struct head_run *r);

#endif
