/* payload.h -- the two files of whatever was trained: a config in JSON, tensors
 * in safetensors. Their readers interpret them.
 */
#ifndef ADAPT_PAYLOAD_H
#define ADAPT_PAYLOAD_H

#include <jansson.h>

#include "model/files/safetensors.h"

struct payload {
    char *config_file, *file; // their paths, for messages
    json_t *config;           // an object
    struct st_file st;
    struct strbuf text;
    struct filemap map;
};
/** Open both files of a folder. TRV_EIO, TRV_EFORMAT, TRV_EUNSUPPORTED (a
 * pickle in place of safetensors), TRV_ENOMEM. */
int payload_open(struct payload *p, const char *dir, const char *config,
                 const char *weights, trv_err *err);
/** The same from memory, which is borrowed; `dir` stands for the folder. */
int payload_parse(struct payload *p, const char *dir, const char *config,
                  const char *weights, const char *config_bytes,
                  size_t n_config, const void *bytes, size_t n, trv_err *err);
void payload_release(struct payload *p); // accepts zeros

/** Is a tensor of [rows, cols] (rows 0: a vector of cols) there? TRV_EFORMAT
 * where there is none, TRV_EMISMATCH where it has another shape. */
int payload_check(const struct payload *p, const char *name, int64_t rows,
                  int64_t cols, trv_err *err);
/** Read it as f32. Also TRV_ENONFINITE. */
int payload_tensor(float *out, const struct payload *p, const char *name,
                   int64_t rows, int64_t cols, trv_err *err);

/** The bytes of the two files. */
struct payload_files {
    char *config, *weights; // freed by payload_files_release()
    size_t n_config, n_weights;
};
/** `config` is borrowed; `name` is the config's, for messages. TRV_ENONFINITE
 * names the tensor that holds a NaN or an infinity. */
int payload_encode(struct payload_files *out, const json_t *config,
                   const char *name, const struct tensor *tensors, int64_t n,
                   trv_err *err);
/** Name the base in a config of PEFT: a path, or ORG/NAME[@REVISION] of the
 * Hub, whose revision has a field of its own. Takes `config` and gives it back;
 * NULL without memory, or where it was NULL. `base` NULL: unknown. */
json_t *payload_name_base(json_t *config, const char *base);
void payload_files_release(struct payload_files *f); // accepts zeros

/** Is a field there, and not null, false or empty? */
bool payload_is_set(const json_t *field);
/** A shape for messages: "5, 32". */
void payload_shape_text(char *buf, size_t size, const struct tensor *t);

#endif
