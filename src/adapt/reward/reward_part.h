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
#include "base/hash.h"

/** Open what a part says, of the artefact in `dir`. TRV_EMISMATCH where the
 * folder is another one now. */
int part_open(struct adaptation **out, const struct adaptation_how *how,
              const char *dir, const json_t *part, trv_err *err);
/** The part that stands for an adaptation, seen from folder `dir`, which must
 * be there. */
int part_tell(json_t **out, const struct adaptation *a, const char *dir,
              trv_err *err);
/** What an open reward is, as the object `reward`. */
int reward_tell(json_t **out, const struct adaptation *a, const char *dir,
                trv_err *err);
/** Open the object `reward`; a->kind is set. */
int reward_open_conf(struct adaptation *a, const struct adaptation_how *how,
                     const char *dir, const json_t *conf, trv_err *err);

int part_hash(char hex[HASH_HEX], const char *dir, trv_err *err);

#endif
