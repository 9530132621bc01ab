/* checkpoint.h -- the tensors of a model, wherever they lie: one safetensors
 * file, several with an index, or a GGUF file. Read-only once open.
 */
#ifndef MODEL_CHECKPOINT_H
#define MODEL_CHECKPOINT_H

#include "model/files/gguf.h"
#include "model/files/layout.h"
#include "model/files/safetensors.h"

struct checkpoint;

/** Open a folder (model.safetensors, or else model.safetensors.index.json and
 * the shards that it names), a .safetensors file or a GGUF file; which of the
 * two a file is, its first bytes say, or a name that ends in .gguf. TRV_EIO,
 * TRV_EFORMAT, TRV_EUNSUPPORTED, TRV_ENOMEM. */
int checkpoint_open(struct checkpoint **out, const char *path, trv_err *err);
void checkpoint_free(struct checkpoint *ck); // NULL is allowed

/** The tensor of this name, with or without the "transformer." or "model."
 * that some writers leave out; NULL where there is none. One of a type that
 * cannot be computed with has the type DT_COUNT. */
const struct tensor *checkpoint_find(const struct checkpoint *ck,
                                     const char *name);
/** Fetch what the layout asks for: there, of a known type, of the right
 * shape. TRV_EFORMAT and TRV_EUNSUPPORTED name file, tensor and fact. */
int checkpoint_need(const struct tensor **out, const struct checkpoint *ck,
                    const struct layout_item *item, trv_err *err);

/** Say that a tensor's rows are interleaved by head, or by part (struct
 * tensor); for the one who opens a model, before anyone reads it. */
void checkpoint_unpermute(struct checkpoint *ck, const struct tensor *t,
                          int32_t heads, bool parts);

/** Say what is to be added to a tensor's values; for the same. */
void checkpoint_plus(struct checkpoint *ck, const struct tensor *t, float plus);

int64_t checkpoint_count(const struct checkpoint *ck);
/** The i-th tensor in the order of the names. */
const struct tensor *checkpoint_at(const struct checkpoint *ck, int64_t i);
/** Path of the file that a tensor lies in. */
const char *checkpoint_file(const struct checkpoint *ck,
                            const struct tensor *t);
/** Tell the system that a tensor's pages can go: its values were copied. They
 * come back when they are touched. One that is in no file stays. */
void checkpoint_forget(const struct checkpoint *ck, const struct tensor *t);
/** Where files contradict each other and one won: lines, "" if nowhere. */
const char *checkpoint_notes(const struct checkpoint *ck);
/** NULL where the tensors are not from a GGUF file. */
const struct gguf_file *checkpoint_gguf(const struct checkpoint *ck);

#endif
