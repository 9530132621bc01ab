/* model_inside.h -- between the files that open a model. */
#ifndef MODEL_MODEL_INSIDE_H
#define MODEL_MODEL_INSIDE_H

#include "model/files/model.h"

/** model_hf.c: all of a folder but its chat template. */
int model_open_hf(struct model *m, bool scorer, trv_err *err);

/** "_name_or_path" (said) where it says something, or else the last part of the
 * path; as UTF-8, for JSON will hold it. */
int model_set_name(struct model *m, const char *said, trv_err *err);
/** Is it the kind of model that was asked for? */
int model_check_kind(const struct model *m, bool scorer, trv_err *err);

/** model_tensors.c: find every tensor that the config asks for. */
int model_bind(struct model *m, trv_err *err);
/** Behind model_bind(): what the files hold beside those. A folder's are noted:
 * more layers than the config counts, a bias that it denies. A GGUF file's are
 * refused, as llama.cpp does: they change what the model computes. */
int model_check_unused(struct model *m, trv_err *err);
void model_own_free(struct own_tensor *own); // all of the list; NULL is allowed

#endif
