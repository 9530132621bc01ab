/* chain.h -- several conversions one after the other: A -> via ... -> to.
 *
 * Each link is an artefact of its own, OUT.via/1-KIND, OUT.via/2-KIND, ...,
 * which stay: a reward may refer to them, and each can be measured by itself.
 * The chain of the last artefact records every link.
 */
#ifndef TRANSFORM_CHAIN_H
#define TRANSFORM_CHAIN_H

#include "transform/convert.h"

/**
 * convert_run() through what opts->via names: kinds ("ratio,lora"), or forms
 * ("reward"), which stand for the kind that is usual after the one before:
 *
 *   params  lora        prompt  prefix, or text from a reward
 *   reward  ratio, or contrast from a prompt
 *
 * opts->method names a method for the last conversion, or for each, separated
 * by commas; an empty name is the default. With opts->resume, links that are
 * whole are taken as they are and the one that was stopped goes on. Without
 * opts->via this is convert_run().
 *
 * @return what convert_run() returns; TRV_EMISMATCH where what lies in OUT.via
 *         is of another chain.
 */
int chain_run(struct session *s, trv_cost *cost, struct adaptation *from,
              const char *to, const trv_convert_options *opts,
              trv_progress_fn progress, void *payload, trv_err *err);

#endif
