/* run_state.h -- a run between two steps, on disk: one safetensors file.
 *
 *   tensors   w, m, v   F32 [n]
 *   metadata  run       {"format": 2, "step":, "fingerprint":, "task":, ...}
 *             sha256    of that text and of w, m, v
 *
 * Written to a sibling and renamed: the file is the old checkpoint or the new
 * one, never a part.
 */
#ifndef LEARN_RUN_STATE_H
#define LEARN_RUN_STATE_H

#include "backend/backend.h"
#include "model/files/safetensors.h"

#define RUN_STATE_FILE "checkpoint.safetensors"

struct run_state {
    int64_t step, metrics_bytes, tail_n;
    double first_loss, last_loss, tail_sum, tokens, seconds;
    const json_t *fingerprint, *task; // borrowed; NULL: none
};

/** TRV_ENONFINITE where a value is not finite; the old file stands. */
int run_state_save(const char *dir, const struct run_state *s, const float *w,
                   const float *m, const float *v, int64_t n, trv_err *err);

struct run_file {
    struct run_state state; // its JSON belongs to `run`
    char *path;
    struct st_file st;
    json_t *run;
};
/** TRV_EIO where there is none; TRV_EFORMAT where it is damaged;
 * TRV_EUNSUPPORTED where it has no sum; TRV_EMISMATCH where it holds another
 * number of parameters than n. */
int run_state_open(struct run_file *c, const char *dir, int64_t n,
                   trv_err *err);
/** TRV_EMISMATCH names the first field that differs from `fingerprint`. */
int run_state_same_run(const struct run_file *c, const json_t *fingerprint,
                       trv_err *err);
/** The same of any two fingerprints; `path` is the file that holds `was`. */
int run_state_compare(const json_t *was, const json_t *is, const char *path,
                      trv_err *err);
/** Into w, m, v [n] of the backend's memory. */
void run_state_values(const struct run_file *c, struct backend *be, float *w,
                      float *m, float *v);
void run_state_release(struct run_file *c); // accepts zeros

#endif
