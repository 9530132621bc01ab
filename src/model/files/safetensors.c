/* safetensors.c -- the safetensors format, read with suspicion, written as the
 * reference implementation writes it.
 *
 * Owns the mapping, the parsed header and the table of tensors, whose data
 * point into the mapping. Knows nothing of models.
 */
#include "model/files/safetensors.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"

/* Every type of the format with its bits; those that we compute with have a
 * dtype, the others only take their place in the file. */
static const struct {
    const char *name;
    unsigned bits;
    enum dtype type;
} st_types[] = {
    {"F32", 32, DT_F32},          {"BF16", 16, DT_BF16},
    {"F16", 16, DT_F16},          {"F64", 64, DT_COUNT},
    {"I64", 64, DT_COUNT},        {"U64", 64, DT_COUNT},
    {"C64", 64, DT_COUNT},        {"I32", 32, DT_COUNT},
    {"U32", 32, DT_COUNT},        {"I16", 16, DT_COUNT},
    {"U16", 16, DT_COUNT},        {"I8", 8, DT_COUNT},
    {"U8", 8, DT_COUNT},          {"BOOL", 8, DT_COUNT},
    {"F8_E4M3", 8, DT_COUNT},     {"F8_E5M2", 8, DT_COUNT},
    {"F8_E8M0", 8, DT_COUNT},     {"F8_E4M3FNUZ", 8, DT_COUNT},
    {"F8_E5M2FNUZ", 8, DT_COUNT}, {"F6_E2M3", 6, DT_COUNT},
    {"F6_E3M2", 6, DT_COUNT},     {"F4", 4, DT_COUNT},
};
#define ST_TYPES (sizeof(st_types) / sizeof(st_types[0]))

/* The reference implementation's own bound: 100 MB of header. */
#define ST_HEADER_MAX 100000000u

static int
bad(trv_err *err, const char *file, const char *tensor, const char *fact)
{
    return err_fail(err, TRV_EFORMAT, "cannot read '%s': tensor '%s': %s", file,
                    tensor, fact);
}

/* The shape, and the number of values; more dimensions than a tensor has make
 * one that nobody can ask for. */
static int
parse_shape(struct tensor *t, uint64_t *values, const json_t *shape,
            const char *file, trv_err *err)
{
    size_t i;
    const json_t *v;

    if (!json_is_array(shape))
        return bad(err, file, t->name, "its shape is no array");
    if (json_array_size(shape) > 4)
        t->type = DT_COUNT;
    *values = 1;
    json_array_foreach(shape, i, v)
    {
        const int64_t d = json_is_integer(v) ? json_integer_value(v) : -1;

        if (d < 0)
            return bad(err, file, t->name,
                       "its shape holds something other than sizes");
        if (__builtin_mul_overflow(*values, (uint64_t)d, values) ||
            *values > INT64_MAX)
            return bad(err, file, t->name, "its shape overflows");
        if (i < 4)
            t->dim[i] = d;
    }
    t->n_dims = i < 4 ? (int)i : 4;
    return 0;
}

static int
parse_tensor(struct tensor *t, const char *name, const json_t *info,
             const unsigned char *data, size_t data_size, const char *file,
             trv_err *err)
{
    const json_t *offsets = json_object_get(info, "data_offsets");
    const char *dtype = json_string_value(json_object_get(info, "dtype"));
    const json_t *from, *to;
    uint64_t values = 0, bits;
    size_t kind = 0;
    int64_t b, e;
    int rc;

    *t = (struct tensor){.name = name};
    if (!json_is_object(info))
        return bad(err, file, name, "its entry is no object");
    if (!dtype)
        return bad(err, file, name, "its entry lacks the string 'dtype'");
    while (kind < ST_TYPES && strcmp(dtype, st_types[kind].name) != 0)
        kind++;
    if (kind == ST_TYPES)
        return err_fail(err, TRV_EFORMAT,
                        "cannot read '%s': tensor '%s': unknown dtype '%s'",
                        file, name, dtype);
    t->type = st_types[kind].type;
    rc = parse_shape(t, &values, json_object_get(info, "shape"), file, err);
    if (rc)
        return rc;

    from = json_array_get(offsets, 0);
    to = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(from) ||
        !json_is_integer(to))
        return bad(err, file, name, "its data_offsets are no two integers");
    b = json_integer_value(from);
    e = json_integer_value(to);
    if (b < 0 || e < b)
        return err_fail(err, TRV_EFORMAT,
                        "cannot read '%s': tensor '%s': its data_offsets are "
                        "%" PRId64 " to %" PRId64,
                        file, name, b, e);
    if ((uint64_t)e > data_size)
        return err_fail(err, TRV_EFORMAT,
                        "cannot read '%s': tensor '%s': it ends %" PRIu64
                        " bytes past the end of the file",
                        file, name, (uint64_t)e - data_size);
    if (__builtin_mul_overflow(values, (uint64_t)st_types[kind].bits, &bits))
        return bad(err, file, name, "its shape overflows");
    if (bits % 8 != 0 || bits / 8 != (uint64_t)(e - b))
        return err_fail(err, TRV_EFORMAT,
                        "cannot read '%s': tensor '%s': its shape takes "
                        "%" PRIu64 " bytes of %s, its data_offsets %" PRId64,
                        file, name, bits / 8, dtype, e - b);
    t->data = data + b;
    t->bytes = (size_t)(e - b);
    return 0;
}

static int
by_offset(const void *a, const void *b)
{
    const struct tensor *x = a, *y = b;

    if (x->data != y->data)
        return (const char *)x->data < (const char *)y->data ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

/* Together the tensors cover the data once: no overlap, no hole. */
static int
check_cover(const struct st_file *f, const unsigned char *data, size_t size,
            const char *file, trv_err *err)
{
    const unsigned char *at = data;

    for (int64_t i = 0; i < f->n; i++) {
        const struct tensor *t = &f->tensors[i];
        const unsigned char *p = t->data;

        if (p < at)
            return err_fail(err, TRV_EFORMAT,
                            "cannot read '%s': tensor '%s' overlaps '%s'", file,
                            t->name, f->tensors[i - 1].name);
        if (p > at)
            return err_fail(err, TRV_EFORMAT,
                            "cannot read '%s': %td bytes before tensor '%s' "
                            "belong to none",
                            file, p - at, t->name);
        at = p + t->bytes;
    }
    if (at != data + size)
        return err_fail(err, TRV_EFORMAT,
                        "cannot read '%s': its last %td bytes belong to no "
                        "tensor",
                        file, data + size - at);
    return 0;
}

static int
check_metadata(const json_t *metadata, const char *file, trv_err *err)
{
    const char *key;
    json_t *v;

    if (json_is_null(metadata)) // as the reference implementation takes it
        return 0;
    if (!json_is_object(metadata))
        return err_fail(err, TRV_EFORMAT,
                        "cannot read '%s': its __metadata__ is no object",
                        file);
    json_object_foreach((json_t *)(uintptr_t)metadata, key, v)
    {
        if (!json_is_string(v))
            return err_fail(err, TRV_EFORMAT,
                            "cannot read '%s': field '%s' of its __metadata__ "
                            "is no string",
                            file, key);
    }
    return 0;
}

static int
parse_header(json_t **out, const char *name, const unsigned char *bytes,
             size_t size, size_t *header_size, trv_err *err)
{
    struct strbuf label = {0};
    uint64_t n;
    int rc;

    if (size < 8)
        return err_fail(err, TRV_EFORMAT,
                        "cannot read '%s': %zu bytes are no safetensors file",
                        name, size);
    memcpy(&n, bytes, 8);
    if (n > ST_HEADER_MAX && file_mistaken(bytes, size))
        return err_fail(err, TRV_EFORMAT, "cannot read '%s': %s", name,
                        file_mistaken(bytes, size));
    if (n > ST_HEADER_MAX)
        return err_fail(err, TRV_EFORMAT,
                        "cannot read '%s': its header length is %" PRIu64
                        ", above %u: no safetensors file",
                        name, n, ST_HEADER_MAX);
    if (n > size - 8)
        return err_fail(err, TRV_EFORMAT,
                        "cannot read '%s': %" PRIu64
                        " bytes of its header are missing",
                        name, n - (size - 8));
    if (sb_printf(&label, "%s: header", name))
        return err_fail(err, TRV_ENOMEM, "no memory to read '%s'", name);
    rc = json_parse(out, label.s, (const char *)bytes + 8, (size_t)n, err);
    sb_release(&label);
    if (!rc && !json_is_object(*out))
        rc = err_fail(err, TRV_EFORMAT,
                      "cannot read '%s': its header is no object", name);
    *header_size = (size_t)n;
    return rc;
}

int
st_parse(struct st_file *out, const char *name, const void *bytes, size_t n,
         trv_err *err)
{
    const unsigned char *data;
    struct st_file f = {0};
    size_t header_size = 0, data_size;
    const char *key;
    json_t *v;
    int rc;

    *out = (struct st_file){0};
    rc = parse_header(&f.header, name, bytes, n, &header_size, err);
    if (rc)
        goto done;
    data = (const unsigned char *)bytes + 8 + header_size;
    data_size = n - 8 - header_size;

    f.tensors = mem_calloc(json_object_size(f.header) + 1, sizeof(*f.tensors));
    if (!f.tensors) {
        rc = err_fail(err, TRV_ENOMEM, "no memory to read '%s'", name);
        goto done;
    }
    json_object_foreach(f.header, key, v)
    {
        if (strcmp(key, "__metadata__") == 0) {
            rc = check_metadata(v, name, err);
            f.metadata = json_is_object(v) ? v : NULL;
        } else {
            rc = parse_tensor(&f.tensors[f.n++], key, v, data, data_size, name,
                              err);
        }
        if (rc)
            goto done;
    }
    if (f.n > 1)
        qsort(f.tensors, (size_t)f.n, sizeof(*f.tensors), by_offset);
    rc = check_cover(&f, data, data_size, name, err);
    if (rc)
        goto done;
    *out = f;
    f = (struct st_file){0};
done:
    st_release(&f);
    return rc;
}

int
st_open(struct st_file *out, const char *path, trv_err *err)
{
    struct filemap map;
    int rc;

    *out = (struct st_file){0};
    rc = filemap_open(&map, path, err);
    if (rc)
        return rc;
    rc = st_parse(out, path, map.data, map.size, err);
    if (rc)
        filemap_release(&map);
    else
        out->map = map;
    return rc;
}

const struct tensor *
st_find(const struct st_file *f, const char *name)
{
    for (int64_t i = 0; i < f->n; i++)
        if (strcmp(f->tensors[i].name, name) == 0)
            return f->tensors[i].type == DT_COUNT ? NULL : &f->tensors[i];
    return NULL;
}

const char *
st_dtype(const struct st_file *f, const char *name)
{
    return json_string_value(
        json_object_get(json_object_get(f->header, name), "dtype"));
}

void
st_release(struct st_file *f)
{
    mem_free(f->tensors);
    json_decref(f->header);
    filemap_release(&f->map);
    *f = (struct st_file){0};
}

static bool
all_finite(const struct tensor *t)
{
    const unsigned char *p = t->data;

    /* An exponent of all ones is an infinity or a NaN. */
    if (t->type == DT_F32) {
        for (size_t i = 0; i + 4 <= t->bytes; i += 4) {
            uint32_t u;

            memcpy(&u, p + i, 4);
            if ((u & 0x7f800000u) == 0x7f800000u)
                return false;
        }
    } else {
        const uint16_t mask = t->type == DT_F16 ? 0x7c00u : 0x7f80u;

        for (size_t i = 0; i + 2 <= t->bytes; i += 2) {
            uint16_t u;

            memcpy(&u, p + i, 2);
            if ((u & mask) == mask)
                return false;
        }
    }
    return true;
}

static int
type_rank(enum dtype t)
{
    return t == DT_F32 ? 0 : t == DT_BF16 ? 1 : 2;
}

static int
by_layout(const void *a, const void *b)
{
    const struct tensor *x = *(const struct tensor *const *)a;
    const struct tensor *y = *(const struct tensor *const *)b;
    const int d = type_rank(x->type) - type_rank(y->type);

    return d ? d : strcmp(x->name, y->name);
}

static int
put_string(struct strbuf *b, const char *s)
{
    json_t *v = json_string(s);
    char *text = v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    const int rc = text ? sb_puts(b, text) : TRV_ENOMEM;

    free(text); // jansson's own
    json_decref(v);
    return rc;
}

static int
put_entry(struct strbuf *b, const struct tensor *t, size_t at)
{
    int rc = put_string(b, t->name);

    if (!rc)
        rc =
            sb_printf(b, ":{\"dtype\":\"%s\",\"shape\":[", dtype_name(t->type));
    for (int i = 0; i < t->n_dims && !rc; i++)
        rc = sb_printf(b, "%s%" PRId64, i ? "," : "", t->dim[i]);
    if (!rc)
        rc = sb_printf(b, "],\"data_offsets\":[%zu,%zu]}", at, at + t->bytes);
    return rc;
}

/* 8 bytes of length, the header, blanks up to a multiple of 8. */
static int
put_header(struct strbuf *b, const struct tensor *const *order, int64_t n,
           const json_t *metadata, size_t *data_size)
{
    uint64_t length;
    size_t at = 0;
    int rc = sb_add(b, "\0\0\0\0\0\0\0\0{", 9);

    if (metadata && !rc) {
        char *text = json_dumps(metadata, JSON_COMPACT | JSON_SORT_KEYS);

        rc = text ? sb_printf(b, "\"__metadata__\":%s%s", text, n ? "," : "")
                  : TRV_ENOMEM;
        free(text); // jansson's own
    }
    for (int64_t i = 0; i < n && !rc; i++) {
        if (i)
            rc = sb_putc(b, ',');
        if (!rc)
            rc = put_entry(b, order[i], at);
        at += order[i]->bytes;
    }
    if (!rc)
        rc = sb_putc(b, '}');
    while (!rc && b->len % 8 != 0)
        rc = sb_putc(b, ' ');
    if (rc)
        return rc;
    length = b->len - 8;
    memcpy(b->s, &length, 8);
    *data_size = at;
    return 0;
}

/* What the caller promised of a tensor that is to be written. */
static bool
is_whole(const struct tensor *t)
{
    size_t n = t->type == DT_F32 ? 4 : 2;

    if (t->type != DT_F32 && t->type != DT_F16 && t->type != DT_BF16)
        return false;
    if (t->n_dims < 0 || t->n_dims > 4 || t->unpermute_heads != 0 ||
        t->plus != 0.0f)
        return false;
    for (int i = 0; i < t->n_dims; i++)
        if (t->dim[i] < 0 || !mem_mul(&n, n, (size_t)t->dim[i]))
            return false;
    return n == t->bytes;
}

int
st_serialise(char **out, size_t *size, const struct tensor *tensors, int64_t n,
             const json_t *metadata, trv_err *err)
{
    const struct tensor **order;
    struct strbuf b = {0};
    size_t data_size;
    char *p;
    int rc = 0;

    *out = NULL;
    *size = 0;
    order = mem_array((size_t)n + 1, sizeof(*order));
    if (!order)
        goto no_memory;
    for (int64_t i = 0; i < n; i++) {
        TRV_ASSERT(is_whole(&tensors[i]));
        if (!all_finite(&tensors[i])) {
            rc = err_fail(err, TRV_ENONFINITE,
                          "tensor '%s' holds a value that is not finite",
                          tensors[i].name);
            goto done;
        }
        order[i] = &tensors[i];
    }
    if (n > 1)
        qsort(order, (size_t)n, sizeof(*order), by_layout);
    for (int64_t i = 1; i < n; i++)
        TRV_ASSERT(strcmp(order[i - 1]->name, order[i]->name) != 0 ||
                   order[i - 1]->type != order[i]->type);
    if (put_header(&b, order, n, metadata, &data_size))
        goto no_memory;
    p = mem_alloc(b.len + data_size);
    if (!p)
        goto no_memory;
    memcpy(p, b.s, b.len);
    *out = p;
    *size = b.len + data_size;
    p += b.len;
    for (int64_t i = 0; i < n; i++) {
        if (order[i]->bytes)
            memcpy(p, order[i]->data, order[i]->bytes);
        p += order[i]->bytes;
    }
    goto done;
no_memory:
    rc = err_fail(err, TRV_ENOMEM, "no memory to write %lld tensors",
                  (long long)n);
done:
    mem_free(order);
    sb_release(&b);
    return rc;
}
