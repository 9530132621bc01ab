/* safetensors.h -- the safetensors format: reading a mapped file, writing one.
 *
 *   [8 bytes: n, little endian][n bytes: JSON header][data]
 *   header: {"name": {"dtype": "F32", "shape": [..], "data_offsets": [b, e]},
 *            ..., "__metadata__": {"k": "v"}}
 *
 * A header is believed only after it is checked: sizes against the file,
 * offsets against each other (no overlap, no hole), shape x dtype against the
 * offsets, no duplicate names.
 */
#ifndef MODEL_SAFETENSORS_H
#define MODEL_SAFETENSORS_H

#include <jansson.h>

#include "backend/tensor.h"
#include "base/err.h"
#include "base/file.h"

struct st_file {
    struct filemap map;
    struct tensor *tensors; // in the order of their offsets
    int64_t n;
    json_t *metadata; // object or NULL
    json_t *header;   // owns the names
};
/** Files may carry integer buffers, or more than four dimensions: such a
 * tensor is checked like the others, has the type DT_COUNT, and st_find() does
 * not find it. TRV_EIO, TRV_EFORMAT, TRV_ENOMEM. */
int st_open(struct st_file *out, const char *path, trv_err *err);
int st_parse(struct st_file *out, const char *name, const void *bytes, size_t n,
             trv_err *err); // borrows bytes
const struct tensor *st_find(const struct st_file *f, const char *name);
/** What the header calls the tensor's type; NULL where it has no such one. */
const char *st_dtype(const struct st_file *f, const char *name);
void st_release(struct st_file *f);

/** Serialise F32, F16 or BF16 tensors, byte for byte as the reference
 * implementation does: F32 before BF16 before F16, in each by name, header
 * padded with blanks to 8 bytes. `metadata` is an object of strings or NULL
 * ({"format": "pt"} is usual); its keys are sorted, which the reference leaves
 * to chance. *out is freed with mem_free. TRV_ENONFINITE names the tensor that
 * holds a NaN or an infinity. */
int st_serialise(char **out, size_t *size, const struct tensor *tensors,
                 int64_t n, const json_t *metadata, trv_err *err);

#endif
