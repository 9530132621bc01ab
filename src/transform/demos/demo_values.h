/* demo_values.h -- the value of demonstrations: the candidates, and the value
 * of any selection of them in any order.
 *
 * Values are kept in a journal (base/seal.h), {"at": [...], "value": (null:
 * does not fit), "answers":, "drawn": (so far)}, which a resumed run reads.
 */
#ifndef TRANSFORM_DEMO_VALUES_H
#define TRANSFORM_DEMO_VALUES_H

#include "model/sample/engine.h"
#include "transform/search/search_inputs.h"
#include "transform/search/prompt_value.h"

#define DEMO_POOL 16         // candidates
#define DEMO_BEST_OF 8       // answers to an input that a reward chooses from
#define DEMO_STARTS 2        // of a choice
#define DEMO_MENDS 3         // repairs of a choice
#define DEMO_FINAL_ANSWERS 4 // to an input, in the report on held-out inputs

/* Inputs with the adapted model's own answers. */
struct demo_witness {
    const struct data_row **rows; // borrowed
    struct context *teacher;
    struct sample_out *answers;
    int64_t n;
};

struct demo_values {
    const struct convert_job *job;
    const struct work *work; // the job's
    const char *file;        // of the values; NULL: none
    struct search_inputs inputs;
    json_t *conf, *pool; // options of demos; {"prompt":, "completion":}
    const struct data_row **rows; // inputs that values are taken on
    int64_t n_rows;
    struct demo_witness witness; // of these; params only
    struct prompt_value_options prompt_value;
    json_t *memo; // "3 1" -> value, null: impossible
    double drawn;
    int64_t answers, looked;
    bool resume;
    double began;
};

/** Check the options and open the inputs. Of `v` the caller sets `job`, `work`
 * and `file` (NULL: values are not kept), and releases it on failure, too. */
int demo_values_open(struct demo_values *v, trv_err *err);
/** Draw the candidates, and read the file where `v->resume`. */
int demo_values_begin(struct demo_values *v, trv_err *err);
void demo_values_release(struct demo_values *v);
bool demo_values_of_reward(const struct demo_values *v);

/** Value of the candidates at[0..k), in this order; -INFINITY: they do not fit
 * the context. Has the form that greedy_select.h takes. */
int demo_values_get(void *self, double *out, const int64_t *at, int64_t k,
                    trv_err *err);
/** The same candidates as a prompt; NULL for none. */
int demo_values_prompt(struct adaptation **out, const struct demo_values *v,
                       const int64_t *at, int64_t k, trv_err *err);

/** Answers of the adapted model to the rows whose context they fit. */
int demo_witness_draw(struct demo_witness *w, struct demo_values *v,
                      const struct data_row **rows, int64_t n, uint64_t stream,
                      trv_err *err);
/** kl [n]: KL(p_D, p_z) summed over each answer. *fits: all answers fit the
 * context behind z; else kl is not filled. */
int demo_witness_compare(double *kl, bool *fits, const struct demo_witness *w,
                         struct session *s, struct adaptation *z, trv_err *err);
void demo_witness_release(struct demo_witness *w); // accepts zeros

#endif
