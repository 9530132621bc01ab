/* head_task.h -- learning a scalar head from pairs of answers: the pairs, the
 * loss and its gradient as a task of run.h.
 *
 *   r(x,y) = w . hidden[last token of x y]      model/decoder/scalar.h
 *   loss   = sum over pairs of Bradley-Terry    loss_reward.h
 *
 * What learns is w and a LoRA, or w and all weights. w begins at 0, so the
 * first loss is log 2 whatever the pairs are. Both answers of a pair, and pairs
 * that begin alike, share what they begin with in one packed pass.
 */
#ifndef LEARN_HEAD_TASK_H
#define LEARN_HEAD_TASK_H

#include "adapt/session.h"
#include "learn/loss/loss_reward.h"
#include "learn/loop/run.h"
#include "learn/loop/shuffle.h"
#include "text/row_layout.h"

enum { CHOSEN, REJECTED, PAIR_SIDES };

/* Context and answer as one row, twice. */
struct pair_row {
    int32_t *ids[PAIR_SIDES];
    int64_t n[PAIR_SIDES]; // >= 1
    double gap;            // by how much the first is better, where it is known
};

struct pair_rows {
    struct pair_row *list;
    int64_t n, n_dropped; // dropped: a row is too long
    int64_t tokens;
    char hash[HASH_HEX]; // of the file
    struct row_layout layout;
    char *unused;    // its columns that nothing reads, or NULL
    bool has_margin; // gaps are the column `margin`, 0 where it is absent
};

/** Read a file's pairs: `chosen` and `rejected`, with `prompt` or with what
 * both begin with, and `margin`, as TRL's RewardTrainer has it, in all rows or
 * in none. A pair of which a row is longer than `max_length` is
 * dropped: a cut answer is another one. TRV_EFORMAT (a row that is no pair; no
 * pair that fits), and what data_open() and example_append() return. */
int pair_rows_open(struct pair_rows *out, const struct model *m,
                   const char *path, int64_t max_length, trv_err *err);
/** Append a pair, copied; `cap` is the capacity that pair_rows_begin() made. */
int pair_rows_begin(struct pair_rows *out, int64_t cap, trv_err *err);
int pair_rows_add(struct pair_rows *out, const struct ids *chosen,
                  const struct ids *rejected, double gap, trv_err *err);
void pair_rows_release(struct pair_rows *r); // accepts zeros

struct head_task {
    struct session *s;
    struct decoder *d;
    const struct pair_rows *rows;
    struct adapter_weights
        *adapter_weights; // NULL: all weights of the decoder learn
    int64_t batch, accumulate;
    double centre; // of loss_reward()
    bool match;    // learn the gaps, by loss_reward_match()
    uint64_t seed;
    int32_t pad;
    float *score, *d_score; // [C] inside of w, g
    float *w, *g;           // with adapter weights: theirs, then the score's
    struct shuffle shuffle; // of the pairs
    /* sums over the step's micro-batches, for its line of metrics */
    int64_t seen;
    double accuracy, margin;
    struct run_figure figures[2];
};

/** Set up the task; `s` to `pad` are the caller's. For all weights
 * decoder_add_score() and decoder_train_full() are called here. */
int head_task_init(struct head_task *t, struct run_task *task, trv_err *err);
void head_task_release(struct head_task *t); // accepts zeros

/** Evaluate the head on pairs. */
int head_task_evaluate(struct reward_figures *out, struct head_task *t,
                       const struct pair_rows *rows, trv_err *err);

#endif
