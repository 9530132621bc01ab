/* supervised.h -- learning from given text: the rows, the loss and its gradient
 * as a task of run.h, into adapter weights or into all weights.
 *
 *   loss = sum over answer tokens of -log p(token | all before)
 *
 * Which tokens carry loss is example_row()'s. By itself a row's context has
 * none; a row of plain `text` is all answer after its first token (BOS where
 * the tokenizer adds one) and ends with EOS.
 */
#ifndef LEARN_SUPERVISED_H
#define LEARN_SUPERVISED_H

#include "adapt/session.h"
#include "learn/loop/shuffle.h"
#include "learn/student.h"
#include "text/row_layout.h"

struct learned_row {
    int32_t *ids;
    int64_t n, n_context; // 1 <= n_context < n
    char *learned;        // [n - n_context] which carry loss; NULL: all
};

struct learned_rows {
    struct learned_row *list;
    int64_t n, n_cut, n_dropped; // cut to the length; without an answer left
    int64_t n_joined;            // example.joined: read so from the file
    int64_t tokens, loss_tokens; // of all rows
    int64_t n_virtual;           // ids of virtual tokens before each row
    char hash[HASH_HEX];         // of the file
    struct row_layout layout;
    char *unused; // its columns that nothing reads, or NULL
};

/** Read a file's rows as ids, each at most `max_length` tokens: a longer one is
 * cut at its end. What data_open() and example_answer() return; TRV_EFORMAT
 * where no row is left. */
int learned_rows_open(struct learned_rows *out, const struct model *m,
                      const char *path, enum example_loss on,
                      int64_t max_length, trv_err *err);
/** Put the ids of the adapter weights' virtual tokens before every row: once.
 * TRV_ENOMEM. */
int learned_rows_under(struct learned_rows *r,
                       const struct adapter_weights *adapter_weights,
                       trv_err *err);
void learned_rows_release(struct learned_rows *r); // accepts zeros

struct supervised {
    struct session *s;
    struct decoder *d;
    const struct learned_rows *rows;
    struct adapter_weights
        *adapter_weights; // NULL: all weights of the decoder learn
    int64_t batch, accumulate;
    uint64_t seed;
    struct student learner;
    struct shuffle shuffle; // of the rows
};

/** Set up the task; for all weights decoder_train_full() is called here. */
int supervised_init(struct supervised *t, struct run_task *task, trv_err *err);
void supervised_release(struct supervised *t);

/** Mean of -log p over the loss tokens of rows, nats per token, under adapter
 * weights that learned_rows_under() was called with, or others without virtual
 * tokens (NULL: the base). */
int supervised_loss(double *loss, struct session *s,
                    const struct learned_rows *rows,
                    const struct adapter_weights *adapter_weights,
                    trv_err *err);

#endif
