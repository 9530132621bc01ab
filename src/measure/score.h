/* score.h -- the answers of a file, scored under any adaptation.
 *
 *   rows of data ─► contexts and answers (text/example.h) ─► items ─►
 *   adapt/reward ─► a value for each answer; margins where there are pairs
 */
#ifndef MEASURE_SCORE_H
#define MEASURE_SCORE_H

#include <trivium/trivium.h>

#include "adapt/reward/reward.h"

int score_run(struct session *s, trv_scores *out, struct adaptation *a,
              const trv_score_options *opts, trv_progress_fn progress,
              void *payload, trv_err *err);
void score_release(trv_scores *s);

#endif
