/* search_inputs.h -- the inputs of a search for a prompt, in two parts: those
 * that candidates are compared on, and those that are only reported on.
 */
#ifndef TRANSFORM_SEARCH_INPUTS_H
#define TRANSFORM_SEARCH_INPUTS_H

#include "transform/job.h"

struct search_inputs {
    struct inputs in;
    const struct data_row **train, **held; // borrow from `in`
    int64_t n_train, n_held;
    int64_t n_dropped; // a prompt and an answer do not fit
    bool chats;        // all of them are laid out as chats
};

/**
 * Open the inputs, leave out those that do not fit the context, shuffle by the
 * job's seed, and split. An input that stands in the first part never stands in
 * the second.
 *
 * @param train, held  how many are wanted; from a small file a third, at most,
 *                     is held out.
 * @param room         tokens of context that must be left beside the bare
 *                     input.
 * @return what inputs_open() returns; TRV_EINVAL (fewer than two are left);
 *         TRV_ETOOLONG (none fits).
 */
int search_inputs_open(struct search_inputs *out, const struct convert_job *job,
                       const struct work *w, int64_t train, int64_t held,
                       int64_t room, trv_err *err);
void search_inputs_release(struct search_inputs *s); // accepts zeros

#endif
