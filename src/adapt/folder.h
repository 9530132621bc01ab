/* folder.h -- what a folder is: an artefact with its trivium.json, or files of
 * another program by which a kind is known.
 */
#ifndef ADAPT_FOLDER_H
#define ADAPT_FOLDER_H

#include "adapt/artefact.h"

/**
 * Find the kind of a folder. Where it has a trivium.json, that is read, and the
 * files and the base are compared with it.
 *
 * @param art  zeros; its root stays NULL where there is no trivium.json.
 * @param id   the model's identity, or NULL: computed where it is needed.
 * @param any_base  an artefact of another base will do.
 * @return 0; TRV_EFORMAT (no kind is known by it; a broken artefact), TRV_EIO,
 *         TRV_EMISMATCH (another base), TRV_EUNSUPPORTED.
 */
int folder_kind(enum kind *kind, struct artefact *art, const char *dir,
                const struct model *m, const struct model_identity *id,
                bool any_base, trv_err *err);

#endif
