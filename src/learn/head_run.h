/* head_run.h -- from pairs to a reward `head` on disk: what training on given
 * pairs shares with the edges that make their own.
 */
#ifndef LEARN_HEAD_RUN_H
#define LEARN_HEAD_RUN_H

#include "learn/head_task.h"
#include "learn/work.h"

/** All is borrowed. */
struct scorer_plan {
    struct work *w;
    const struct pair_rows *rows, *held_out; // held_out->n may be 0
    const trv_lora_options *lora;            // NULL: all weights learn
    const trv_learn_options *learn;          // every zero replaced
    double centre;
    bool match; // learn the pairs' gaps
};

struct scorer_run {
    const struct scorer_plan *plan;
    struct terms terms;
    struct preferred t;
    struct run_result result;
    struct reward_figures held_out; // where there are held-out pairs
};

/** The learning rate where nobody says one: 1e-4 at a width of 2048 for a LoRA,
 * half of what texts are learned by for all weights. */
double scorer_run_lr(const struct model_config *cfg, bool full);

/** Make the LoRA, before anything costs time: what lora_begin() returns. */
int scorer_run_begin(struct scorer_run *r, const struct scorer_plan *plan,
                     trv_err *err);
/** Learn; then judge the held-out pairs. What run_train() returns. */
int scorer_run_train(struct scorer_run *r, trv_err *err);
/** Write what was learned, after work_sign(). `type` is that of all weights, F32
 * or BF16. */
int scorer_run_save(struct work *w, const struct scorer_run *r, enum dtype type,
                    trv_err *err);
/** "held-out pairs: 93 of 100 ranked right, by 2.1 on average". */
void scorer_run_tell(char *buf, size_t size, const struct scorer_run *r);
/** Where all weights learned, the session's decoder is dropped: its model is
 * again what its file says. Accepts zeros. */
void scorer_run_release(struct scorer_run *r);

#endif
