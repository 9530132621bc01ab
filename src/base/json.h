/* json.h -- jansson, with fields fetched by type and errors that name the file
 * and the field.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/** Parse a whole file; *out is owned by the caller (json_decref). Duplicate
 * keys, bytes after the value and invalid UTF-8 are errors with their line. A
 * byte order mark at its start is passed over. */
int json_open(json_t **out, const char *path, trv_err *err);
/** The same from memory; `name` stands for the file in messages. */
int json_parse(json_t **out, const char *name, const char *bytes, size_t n,
               trv_err *err);

/* Optional fields: absent or null leaves *out as it is (the default);
 * another type, or a number outside lo..hi, is TRV_EFORMAT naming both. */
int json_int(int64_t *out, const json_t *obj, const char *key, int64_t lo,
             int64_t hi, const char *file, trv_err *err);
int json_num(double *out, const json_t *obj, const char *key, double lo,
             double hi, const char *file, trv_err *err);
int json_flag(bool *out, const json_t *obj, const char *key, const char *file,
              trv_err *err);
/** *out borrows from obj. */
int json_str(const char **out, const json_t *obj, const char *key,
             const char *file, trv_err *err);

/** An array of ids [n], owned by the caller; NULL: no memory. */
json_t *json_ids(const int32_t *ids, int64_t n);

/** A number, or null where it is none: JSON has no NaN. NULL: no memory. */
json_t *json_finite(double x);

/** TRV_EFORMAT unless obj is an object that has a non-null `key`. */
int json_need(const json_t *obj, const char *key, const char *file,
              trv_err *err);

#endif
