/* output.h -- what of a folder that is there an artefact or a model may
 * replace; base/outdir.h does the rest.
 *
 *   the folder holds        is replaced                       stays
 *   trivium.json            it, the files that it lists,      all else
 *                           and logs of a run (OUTPUT_LOGS)
 *   adapter_config.json     PEFT's own files; where a whole   all else, such as
 *   alone                   model may be written, its files   PEFT's README.md
 *   config.json alone       Hugging Face's names; for         all else
 *                           output_lock_model() only
 *   nothing                                                   the folder
 *   other things            never: TRV_EEXIST
 */
#ifndef ADAPT_OUTPUT_H
#define ADAPT_OUTPUT_H

#include "adapt/artefact.h"
#include "base/outdir.h"

/** What a run leaves in its artefact's folder for people to read. The manifest
 * does not list them: a log that is edited or removed breaks no artefact. They
 * hold what the seed decides, and no times. */
#define OUTPUT_LOGS(X)                                                         \
    X("metrics.jsonl")                                                         \
    X("candidates.jsonl")                                                      \
    X("transcript.jsonl")

/** outdir_lock() for an artefact of this kind. Also what artefact_read()
 * returns for the manifest that is there. */
int output_lock(struct outdir *d, enum kind kind, bool replace, trv_err *err);
/** The same for a base model. */
int output_lock_model(struct outdir *d, bool replace, trv_err *err);

#endif
