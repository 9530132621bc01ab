/* hub.h -- models and adapters by their names on the Hugging Face Hub: where
 * huggingface_hub has put them on this disk. Nothing is fetched.
 *
 *   ORG/NAME[@REVISION][:FILE]      FILE: a .gguf file, or what its name holds
 *
 *   CACHE/models--ORG--NAME/refs/REVISION            holds a commit
 *   CACHE/models--ORG--NAME/snapshots/COMMIT/...     links to ../../blobs/...
 */
#ifndef MODEL_HUB_H
#define MODEL_HUB_H

#include <stdbool.h>

#include "base/err.h"

/** Where something lies. Zeros accept hub_release(). */
struct hub_place {
    char *path; // a file or folder; what was given where it is no Hub name
    char *name; // "ORG/NAME[@REVISION]"; NULL where the path was given
};

enum hub_need {
    HUB_WEIGHTS, // a snapshot without weights is refused
    HUB_CONFIG,  // its config and tokenizer are enough
};

/**
 * Find what is named. A path that exists is itself, whatever it looks like, and
 * so is all that cannot be a Hub name: whoever opens it reports it.
 *
 * The cache is the first of HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub,
 * XDG_CACHE_HOME/huggingface/hub and ~/.cache/huggingface/hub that is set.
 *
 * @return 0; TRV_EIO (not in the cache, or not whole: the sentence says how to
 *         get it), TRV_EINVAL (a revision or file that is none, or one of
 *         several files), TRV_ENOMEM.
 */
int hub_find(struct hub_place *out, const char *given, enum hub_need need,
             trv_err *err);
void hub_release(struct hub_place *p);

/** Can this be ORG/NAME[@REVISION][:FILE]? Looks at no disk. */
bool hub_is_name(const char *s);

/** Part "ORG/NAME@REVISION" into copies, freed with mem_free(). What is no Hub
 * name, or has none, has no revision: NULL. TRV_ENOMEM. */
int hub_split(char **name, char **revision, const char *s, trv_err *err);

#endif
