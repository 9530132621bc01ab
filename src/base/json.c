/* json.c -- typed access to JSON files. */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/file.h"

/* A whole number that was read as a real becomes an integer again; what lies
 * beyond 2^53 stays. Depth is bounded by jansson, which parsed it. */
static json_t *
integers_again(json_t *v)
{
    const char *key;
    json_t *e;
    void *next;
    size_t i;

    if (json_is_object(v)) {
        json_object_foreach_safe(v, next, key, e)
        {
            if (json_object_set_new(v, key, integers_again(json_incref(e))))
                return NULL;
        }
    } else if (json_is_array(v)) {
        json_array_foreach(v, i, e)
        {
            if (json_array_set_new(v, i, integers_again(json_incref(e))))
                return NULL;
        }
    } else if (json_is_real(v)) {
        const double x = json_real_value(v);

        if (floor(x) == x && fabs(x) < 0x1p53) {
            json_decref(v);
            return json_integer((json_int_t)x);
        }
    }
    return v;
}

int
json_parse(json_t **out, const char *name, const char *bytes, size_t n,
           trv_err *err)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
    json_error_t je;

    if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3; // a byte order mark, which editors put there
        n -= 3;
    }
    *out = json_loadb(bytes, n, flags, &je);
    /* Python writes integers of any size; tokenizer_config.json is known for
     * a model_max_length of 10^30. Such a one is read as a real. */
    if (!*out && json_error_code(&je) == json_error_numeric_overflow) {
        *out = json_loadb(bytes, n, flags | JSON_DECODE_INT_AS_REAL, &je);
        if (*out && !integers_again(*out)) {
            json_decref(*out);
            *out = NULL;
            return err_fail(err, TRV_ENOMEM, "no memory to parse '%s'", name);
        }
    }
    if (!*out && file_mistaken(bytes, n))
        return err_fail(err, TRV_EFORMAT, "'%s' is no JSON: %s", name,
                        file_mistaken(bytes, n));
    if (!*out)
        return err_fail(err, TRV_EFORMAT, "'%s' is no JSON: line %d: %s", name,
                        je.line, je.text);
    return 0;
}

int
json_open(json_t **out, const char *path, trv_err *err)
{
    struct filemap map;
    int rc;

    *out = NULL;
    rc = filemap_open(&map, path, err);
    if (rc)
        return rc;
    rc = json_parse(out, path, (const char *)map.data, map.size, err);
    filemap_release(&map);
    return rc;
}

static const char *
type_name(const json_t *v)
{
    static const char *const names[] = {"an object",  "an array", "a string",
                                        "an integer", "a number", "true",
                                        "false",      "null"};
    _Static_assert(sizeof(names) / sizeof(names[0]) == JSON_NULL + 1,
                   "a name for each type");

    return names[json_typeof(v)];
}

static int
wrong_type(const json_t *v, const char *key, const char *want, const char *file,
           trv_err *err)
{
    return err_fail(err, TRV_EFORMAT, "field '%s' of '%s' is %s, not %s", key,
                    file, type_name(v), want);
}

int
json_int(int64_t *out, const json_t *obj, const char *key, int64_t lo,
         int64_t hi, const char *file, trv_err *err)
{
    const json_t *v = json_object_get(obj, key);
    int64_t x;

    if (!v || json_is_null(v))
        return 0;
    if (json_is_real(v) && floor(json_real_value(v)) == json_real_value(v) &&
        fabs(json_real_value(v)) < 9e15) // 4.0 is an integer to some writers
        x = (int64_t)json_real_value(v);
    else if (json_is_integer(v))
        x = json_integer_value(v);
    else
        return wrong_type(v, key, "an integer", file, err);
    if (x < lo || x > hi)
        return err_fail(err, TRV_EFORMAT,
                        "field '%s' of '%s' is %lld, outside %lld to %lld", key,
                        file, (long long)x, (long long)lo, (long long)hi);
    *out = x;
    return 0;
}

int
json_num(double *out, const json_t *obj, const char *key, double lo, double hi,
         const char *file, trv_err *err)
{
    const json_t *v = json_object_get(obj, key);
    double x;

    if (!v || json_is_null(v))
        return 0;
    if (!json_is_number(v))
        return wrong_type(v, key, "a number", file, err);
    x = json_number_value(v);
    if (!(x >= lo && x <= hi))
        return err_fail(err, TRV_EFORMAT,
                        "field '%s' of '%s' is %g, outside %g to %g", key, file,
                        x, lo, hi);
    *out = x;
    return 0;
}

int
json_flag(bool *out, const json_t *obj, const char *key, const char *file,
          trv_err *err)
{
    const json_t *v = json_object_get(obj, key);

    if (!v || json_is_null(v))
        return 0;
    if (!json_is_boolean(v))
        return wrong_type(v, key, "true or false", file, err);
    *out = json_is_true(v);
    return 0;
}

int
json_str(const char **out, const json_t *obj, const char *key, const char *file,
         trv_err *err)
{
    const json_t *v = json_object_get(obj, key);

    if (!v || json_is_null(v))
        return 0;
    if (!json_is_string(v))
        return wrong_type(v, key, "a string", file, err);
    *out = json_string_value(v);
    return 0;
}

int
json_need(const json_t *obj, const char *key, const char *file, trv_err *err)
{
    const json_t *v;

    if (!json_is_object(obj))
        return err_fail(err, TRV_EFORMAT, "'%s' holds no JSON object", file);
    v = json_object_get(obj, key);
    if (!v || json_is_null(v))
        return err_fail(err, TRV_EFORMAT, "'%s' lacks the field '%s'", file,
                        key);
    return 0;
}

json_t *
json_ids(const int32_t *ids, int64_t n)
{
    json_t *list = json_array();

    for (int64_t i = 0; i < n && list; i++)
        if (json_array_append_new(list, json_integer(ids[i]))) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

json_t *
json_finite(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}
