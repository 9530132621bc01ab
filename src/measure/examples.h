/* examples.h -- the answers of base, source and target to the same inputs.
 *
 * All three continue an input with one stream of random numbers. A token is
 * drawn by one number from the cumulated probabilities, so two sides whose
 * distributions agree draw the same token, and the place where their texts part
 * shows where they differ. They are read by people, so they are drawn at
 * TRV_EXAMPLE_TEMPERATURE.
 */
#ifndef MEASURE_EXAMPLES_H
#define MEASURE_EXAMPLES_H

#include <trivium/trivium.h>

#include "adapt/view.h"
#include "model/sample/engine.h"

/** An input as readable text: a text, one message's content, or all messages
 * with their roles. The answer that a row has is left out. */
int examples_input(trv_example *out, const struct data_row *row, trv_err *err);

/** The answers of side 0 (base), 1 (source) or 2 (target), which `a` is, to
 * contexts [out->n_examples], into out->examples. TRV_ECANCELED where on_progress
 * returns false, and what engine_sample_contexts() returns. */
int examples_draw(trv_measurement *out, int side, struct session *s,
                  struct adaptation *a, const struct context *const *contexts,
                  const trv_measure_options *opts,
                  bool (*on_progress)(void *payload, int64_t done,
                                      int64_t tokens),
                  void *payload, trv_err *err);

void examples_release(trv_measurement *m); // accepts zeros

#endif
