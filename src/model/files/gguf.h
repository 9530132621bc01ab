/* gguf.h -- the GGUF format, versions 2 and 3: a mapped file's metadata and
 * tensors, checked. What they mean for a model is said in gguf_model.h.
 *
 *   "GGUF" | u32 version | u64 tensors | u64 keys
 *   keys:    string key | u32 type | value
 *   tensors: string name | u32 dims | u64 dim[] (innermost first) | u32 type |
 *            u64 offset from the start of the data
 *   blanks up to general.alignment (32), then the data
 *   string:  u64 length | bytes;  array: u32 type | u64 length | values
 */
#ifndef MODEL_GGUF_H
#define MODEL_GGUF_H

#include "backend/tensor.h"
#include "base/err.h"
#include "base/file.h"
#include "text/tokenizer/tokenizer.h"

enum gguf_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_TYPES
};

struct gguf_kv {
    struct gguf_str key;
    enum gguf_type type; // of the value, or of an array's elements
    bool is_array;
    uint64_t n;                // elements; 1 where it is no array
    const unsigned char *data; // first element
};

struct gguf_file {
    struct filemap map;
    char *path;
    uint32_t version;
    struct gguf_kv *kvs; // sorted by key
    int64_t n_kvs;
    struct tensor *tensors; // in the order of the file, or of the shards
    int64_t n;
    char *names; // of the tensors, one block
    /* A model in several files: the keys are the first one's, the tensors are
     * all, and the others stand here with their mappings. */
    struct gguf_file *shards;
    int64_t n_shards;
};

/** Open a file; of a model in several files, any of them opens all
 * (gguf_split.c). TRV_EIO, TRV_EFORMAT, TRV_EUNSUPPORTED (a tensor of a type
 * that is not read, named), TRV_ENOMEM. */
int gguf_open(struct gguf_file *out, const char *path, trv_err *err);
/** The same of one file alone. */
int gguf_open_file(struct gguf_file *out, const char *path, trv_err *err);
int gguf_parse(struct gguf_file *out, const char *name, const void *bytes,
               size_t n, trv_err *err); // borrows bytes
void gguf_release(struct gguf_file *f); // accepts zeros

/** The file that a tensor of f lies in: f, or one of its shards. */
const struct gguf_file *gguf_file_of(const struct gguf_file *f,
                                     const struct tensor *t);

const struct gguf_kv *gguf_find(const struct gguf_file *f, const char *key);

/* Optional keys: absent leaves *out as it is; another type, or a number
 * outside lo..hi, is TRV_EFORMAT naming both. An array of equal integers
 * counts as one (sizes that some writers give for each layer). */
int gguf_int(int64_t *out, const struct gguf_file *f, const char *key,
             int64_t lo, int64_t hi, trv_err *err);
int gguf_num(double *out, const struct gguf_file *f, const char *key, double lo,
             double hi, trv_err *err);
int gguf_flag(bool *out, const struct gguf_file *f, const char *key,
              trv_err *err);
int gguf_string(struct gguf_str *out, const struct gguf_file *f,
                const char *key, trv_err *err); // borrows from f

#endif
