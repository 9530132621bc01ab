/* reward_part.h -- the parts of a reward in trivium.json.
 *
 *   {"kind": "text", "text": "..."}                  copied
 *   {"kind": "messages", "messages": [...]}          copied
 *   {"kind": "verifier", "reward": {...}}            copied, any reward
 *   {"kind": "lora", "path": "../z", "sha256": "..."}
 *                                                    a folder, referred to
 *
 * A path is seen from the artefact's folder. The SHA-256 is over the folder's
 * files but trivium.json (which measuring writes to), by name: a part that has
 * changed since is refused.
 */
#ifndef ADAPT_REWARD_REWARD_PART_H
#define ADAPT_REWARD_REWARD_PART_H

#include "adapt/adaptation.h"
#include "adapt/spec.h"

/** Read a part of the artefact in `dir`; depth and left are those of
 * spec_read(). Folders are looked for and compared, not opened: TRV_EMISMATCH
 * where one has changed. */
int part_read(struct spec **out, const char *dir, const json_t *part, int depth,
              int *left, trv_err *err);
/** Read the object `reward` of a kind. */
int reward_read(struct spec **out, const struct kind_row *row, const char *dir,
                const json_t *conf, int depth, int *left, trv_err *err);
/** The part that stands for an adaptation, seen from folder `dir`, which must
 * be there. */
int part_to_json(json_t **out, const struct adaptation *a, const char *dir,
                 trv_err *err);

#endif
