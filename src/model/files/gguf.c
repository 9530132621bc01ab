/* gguf.c -- the GGUF format: one bounded pass over keys and tensors.
 *
 * Owns the mapping and two tables that point into it. Numbers in the file are
 * unaligned and are copied out. Nothing is believed: a count is checked against
 * the bytes that are left before memory is taken for it.
 */
#include "model/files/gguf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MAX_NESTING 4 // arrays in arrays
#define MAX_NAME 63   // bytes of a tensor's name, as ggml has it
#define MAX_ALIGNMENT (1u << 20)

/* Where reading stands; a failure is written once and stays. */
struct cursor {
    const unsigned char *at, *end;
    const char *file;
    trv_err *err;
    int rc;
};

static void
cut_short(struct cursor *c, const char *what)
{
    if (!c->rc)
        c->rc = err_fail(c->err, TRV_EFORMAT,
                         "cannot read '%s': it ends within %s", c->file, what);
}

static const unsigned char *
take(struct cursor *c, uint64_t n, const char *what)
{
    const unsigned char *p = c->at;

    if (!c->rc && n > (uint64_t)(c->end - c->at))
        cut_short(c, what);
    if (c->rc)
        return NULL;
    c->at += n;
    return p;
}

static uint32_t
take_u32(struct cursor *c, const char *what)
{
    const unsigned char *p = take(c, 4, what);
    uint32_t v = 0;

    if (p)
        memcpy(&v, p, 4);
    return v;
}

static uint64_t
take_u64(struct cursor *c, const char *what)
{
    const unsigned char *p = take(c, 8, what);
    uint64_t v = 0;

    if (p)
        memcpy(&v, p, 8);
    return v;
}

static struct gguf_str
take_str(struct cursor *c, const char *what)
{
    struct gguf_str s = {NULL, 0};
    const uint64_t n = take_u64(c, what);
    const unsigned char *p = take(c, n, what);

    if (p)
        s = (struct gguf_str){(const char *)p, (size_t)n};
    return s;
}

static const struct {
    const char *name;
    unsigned size; // 0: of no fixed size
} value_types[GGUF_TYPES] = {
    [GGUF_U8] = {"u8", 1},         [GGUF_I8] = {"i8", 1},
    [GGUF_U16] = {"u16", 2},       [GGUF_I16] = {"i16", 2},
    [GGUF_U32] = {"u32", 4},       [GGUF_I32] = {"i32", 4},
    [GGUF_F32] = {"f32", 4},       [GGUF_BOOL] = {"bool", 1},
    [GGUF_STRING] = {"string", 0}, [GGUF_ARRAY] = {"array", 0},
    [GGUF_U64] = {"u64", 8},       [GGUF_I64] = {"i64", 8},
    [GGUF_F64] = {"f64", 8},
};

/* How much of a name goes into a message: it is foreign, and may be long. */
static int
shown(struct gguf_str s)
{
    return s.n < 80 ? (int)s.n : 80;
}

static uint32_t
take_type(struct cursor *c, struct gguf_str key)
{
    const uint32_t type = take_u32(c, "the type of a key");

    if (!c->rc && type >= GGUF_TYPES)
        c->rc = err_fail(c->err, TRV_EFORMAT,
                         "cannot read '%s': key '%.*s' has the unknown type "
                         "%" PRIu32,
                         c->file, shown(key), key.s, type);
    return type;
}

/* Pass over n values. Strings and arrays are walked one by one, each of at
 * least 8 bytes, so the walk ends with the file. */
static void
skip_values(struct cursor *c, struct gguf_str key, uint32_t type, uint64_t n,
            int depth)
{
    const uint64_t left = (uint64_t)(c->end - c->at);

    if (c->rc)
        return;
    if (type == GGUF_STRING || type == GGUF_ARRAY) {
        if (n > left / 8) {
            cut_short(c, "an array");
            return;
        }
        for (uint64_t i = 0; i < n && !c->rc; i++) {
            if (type == GGUF_STRING) {
                take_str(c, "a string");
            } else if (depth >= MAX_NESTING) {
                c->rc = err_fail(c->err, TRV_EFORMAT,
                                 "cannot read '%s': key '%.*s' nests arrays "
                                 "more than %d deep",
                                 c->file, shown(key), key.s, MAX_NESTING);
            } else {
                const uint32_t inner = take_type(c, key);
                const uint64_t count = take_u64(c, "an array");

                skip_values(c, key, inner, count, depth + 1);
            }
        }
    } else if (n > left / value_types[type].size) {
        cut_short(c, n == 1 ? "a value" : "an array");
    } else {
        take(c, n * value_types[type].size, "a value");
    }
}

static void
take_kv(struct cursor *c, struct gguf_kv *kv)
{
    uint32_t type;

    kv->key = take_str(c, "a key");
    if (!c->rc && (kv->key.n == 0 || memchr(kv->key.s, 0, kv->key.n)))
        c->rc = err_fail(c->err, TRV_EFORMAT,
                         "cannot read '%s': a key is empty or holds a NUL",
                         c->file);
    type = take_type(c, kv->key);
    kv->n = 1;
    kv->is_array = type == GGUF_ARRAY;
    if (!c->rc && kv->is_array) {
        type = take_type(c, kv->key);
        kv->n = take_u64(c, "an array");
    }
    kv->type = (enum gguf_type)type;
    kv->data = c->at;
    skip_values(c, kv->key, type, kv->n, 1);
}

/* ggml's types that are not read, by number: wanted for a message only. Those
 * with a number of lanes at the end were taken out of ggml. */
static const char *
unread_name(uint32_t type)
{
    static const struct {
        uint32_t number;
        const char *name;
    } names[] = {
        {4, "Q4_2"},        {5, "Q4_3"},        {9, "Q8_1"},
        {15, "Q8_K"},       {24, "I8"},         {25, "I16"},
        {26, "I32"},        {27, "I64"},        {28, "F64"},
        {31, "Q4_0_4_4"},   {32, "Q4_0_4_8"},   {33, "Q4_0_8_8"},
        {34, "TQ1_0"},      {35, "TQ2_0"},      {36, "IQ4_NL_4_4"},
        {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"}, {40, "NVFP4"},
        {41, "Q1_0"},       {42, "Q2_0"},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].number == type)
            return names[i].name;
    return NULL;
}

/* A tensor's type is not read: say which it is, and which are. */
static int
refuse_type(const struct cursor *c, const struct tensor *t, uint32_t type)
{
    const char *name = unread_name(type);
    char known[256] = "";
    size_t at = 0;

    if (!name)
        return err_fail(c->err, TRV_EFORMAT,
                        "cannot read '%s': tensor '%.80s' has the unknown type "
                        "%" PRIu32,
                        c->file, t->name, type);
    for (int i = 0; i < DT_COUNT && at < sizeof(known); i++)
        at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s",
                               i ? ", " : "", dtype_name((enum dtype)i));
    return err_fail(c->err, TRV_EUNSUPPORTED,
                    "'%s': tensor '%.80s' is %s, which is not supported; known "
                    "are %s",
                    c->file, t->name, name, known);
}

/* Bytes of a tensor whose dimensions are known; 0 where they overflow. */
static size_t
tensor_bytes(const struct tensor *t)
{
    size_t bytes = dtype_row_bytes(t->type, t->dim[t->n_dims - 1]);

    for (int i = 0; i < t->n_dims - 1; i++)
        if (!mem_mul(&bytes, bytes, (size_t)t->dim[i]))
            return 0;
    return bytes <= INT64_MAX ? bytes : 0;
}

/* Name, shape and type; the offset goes to *offset until the data's start is
 * known. `names` has room for every name. */
static void
take_tensor(struct cursor *c, struct tensor *t, uint64_t *offset, char **names)
{
    const struct gguf_str name = take_str(c, "a tensor's name");
    uint32_t n_dims, type;

    if (c->rc)
        return;
    if (name.n == 0 || name.n > MAX_NAME || memchr(name.s, 0, name.n)) {
        c->rc = err_fail(c->err, TRV_EFORMAT,
                         "cannot read '%s': a tensor's name is empty, longer "
                         "than %d bytes or holds a NUL",
                         c->file, MAX_NAME);
        return;
    }
    memcpy(*names, name.s, name.n);
    (*names)[name.n] = '\0';
    t->name = *names;
    *names += name.n + 1;

    n_dims = take_u32(c, "a tensor's shape");
    if (!c->rc && (n_dims < 1 || n_dims > 4)) {
        c->rc = err_fail(c->err, TRV_EFORMAT,
                         "cannot read '%s': tensor '%.80s' has %" PRIu32
                         " dimensions",
                         c->file, t->name, n_dims);
        return;
    }
    t->n_dims = (int)n_dims;
    for (uint32_t i = 0; i < n_dims && !c->rc; i++) {
        const uint64_t d = take_u64(c, "a tensor's shape");

        if (!c->rc && (d < 1 || d > INT64_MAX)) {
            c->rc = err_fail(c->err, TRV_EFORMAT,
                             "cannot read '%s': tensor '%.80s' has a dimension "
                             "of %" PRIu64,
                             c->file, t->name, d);
            return;
        }
        t->dim[n_dims - 1 - i] = (int64_t)d;
    }
    type = take_u32(c, "a tensor's type");
    *offset = take_u64(c, "a tensor's offset");
    if (c->rc)
        return;
    t->type = dtype_of_ggml(type);
    if (t->type == DT_COUNT) {
        c->rc = refuse_type(c, t, type);
        return;
    }
    t->bytes = tensor_bytes(t);
    if (t->bytes == 0)
        c->rc = err_fail(c->err, TRV_EFORMAT,
                         "cannot read '%s': rows of %" PRId64
                         " of tensor '%.80s' are no whole blocks of %s, or its "
                         "size overflows",
                         c->file, t->dim[t->n_dims - 1], t->name,
                         dtype_name(t->type));
}

static int
compare_str(struct gguf_str a, struct gguf_str b)
{
    const int d = memcmp(a.s, b.s, a.n < b.n ? a.n : b.n);

    return d ? d : (a.n > b.n) - (a.n < b.n);
}

static int
by_key(const void *a, const void *b)
{
    return compare_str(((const struct gguf_kv *)a)->key,
                       ((const struct gguf_kv *)b)->key);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp((*(const struct tensor *const *)a)->name,
                  (*(const struct tensor *const *)b)->name);
}

static int
by_data(const void *a, const void *b)
{
    const char *x = (*(const struct tensor *const *)a)->data;
    const char *y = (*(const struct tensor *const *)b)->data;

    return (x > y) - (x < y);
}

static void
check_duplicates(struct cursor *c, const struct gguf_file *f)
{
    const struct tensor **order;

    for (int64_t i = 1; i < f->n_kvs; i++) {
        if (compare_str(f->kvs[i - 1].key, f->kvs[i].key) == 0) {
            c->rc = err_fail(c->err, TRV_EFORMAT,
                             "cannot read '%s': key '%.*s' stands twice",
                             c->file, shown(f->kvs[i].key), f->kvs[i].key.s);
            return;
        }
    }
    order = mem_array((size_t)f->n + 1, sizeof(*order));
    if (!order) {
        c->rc = err_fail(c->err, TRV_ENOMEM, "no memory to read '%s'", c->file);
        return;
    }
    for (int64_t i = 0; i < f->n; i++)
        order[i] = &f->tensors[i];
    qsort(order, (size_t)f->n, sizeof(*order), by_name);
    for (int64_t i = 1; i < f->n && !c->rc; i++)
        if (strcmp(order[i - 1]->name, order[i]->name) == 0)
            c->rc = err_fail(c->err, TRV_EFORMAT,
                             "cannot read '%s': tensor '%.80s' stands twice",
                             c->file, order[i]->name);
    qsort(order, (size_t)f->n, sizeof(*order), by_data);
    for (int64_t i = 1; i < f->n && !c->rc; i++)
        if ((const char *)order[i - 1]->data + order[i - 1]->bytes >
            (const char *)order[i]->data)
            c->rc = err_fail(c->err, TRV_EFORMAT,
                             "cannot read '%s': tensor '%.80s' overlaps "
                             "'%.80s'",
                             c->file, order[i]->name, order[i - 1]->name);
    mem_free(order);
}

/* Offsets become addresses once the header's end, so the data's start, is
 * known. */
static void
place_tensors(struct cursor *c, struct gguf_file *f, const uint64_t *offsets,
              const unsigned char *start)
{
    int64_t alignment = 32;
    uint64_t head = (uint64_t)(c->at - start), size;

    c->rc = gguf_int(&alignment, f, "general.alignment", 0, INT64_MAX, c->err);
    if (c->rc)
        return;
    if (alignment < 1 || alignment > MAX_ALIGNMENT ||
        (alignment & (alignment - 1)) != 0) {
        c->rc = err_fail(c->err, TRV_EFORMAT,
                         "cannot read '%s': general.alignment is %" PRId64
                         ", no power of two up to %u",
                         c->file, alignment, MAX_ALIGNMENT);
        return;
    }
    head = (head + (uint64_t)alignment - 1) & ~((uint64_t)alignment - 1);
    size = (uint64_t)(c->end - start);
    size = size > head ? size - head : 0;
    for (int64_t i = 0; i < f->n; i++) {
        struct tensor *t = &f->tensors[i];

        if (offsets[i] % (uint64_t)alignment != 0) {
            c->rc = err_fail(c->err, TRV_EFORMAT,
                             "cannot read '%s': tensor '%.80s' lies at %" PRIu64
                             ", no multiple of the alignment %" PRId64,
                             c->file, t->name, offsets[i], alignment);
            return;
        }
        if (offsets[i] > size || t->bytes > size - offsets[i]) {
            c->rc = err_fail(c->err, TRV_EFORMAT,
                             "cannot read '%s': tensor '%.80s', %zu bytes at "
                             "%" PRIu64 ", ends past the end of the file",
                             c->file, t->name, t->bytes, offsets[i]);
            return;
        }
        t->data = start + head + offsets[i];
    }
}

int
gguf_parse(struct gguf_file *out, const char *name, const void *bytes, size_t n,
           trv_err *err)
{
    const unsigned char *start = bytes, *magic;
    struct cursor c = {start, start + n, name, err, 0};
    struct gguf_file f = {0};
    uint64_t n_tensors, n_kvs, *offsets = NULL;
    char *names;

    *out = (struct gguf_file){0};
    magic = take(&c, 4, "its first word");
    if (magic && memcmp(magic, "GGUF", 4) != 0)
        c.rc =
            err_fail(err, TRV_EFORMAT, "cannot read '%s': %s", name,
                     file_mistaken(bytes, n) ? file_mistaken(bytes, n)
                                             : "it does not begin with GGUF");
    f.version = take_u32(&c, "its head");
    if (!c.rc && f.version != 0 && (f.version & 0xffff) == 0)
        c.rc = err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' is a big-endian GGUF file, which is not "
                        "supported; convert it with gguf's "
                        "gguf_convert_endian.py",
                        name);
    if (!c.rc && f.version != 2 && f.version != 3)
        c.rc = err_fail(err, TRV_EUNSUPPORTED,
                        "'%s' is GGUF version %" PRIu32
                        "; versions 2 and 3 are supported",
                        name, f.version);
    n_tensors = take_u64(&c, "its head");
    n_kvs = take_u64(&c, "its head");
    /* A key takes 13 bytes at least, a tensor 33. */
    if (!c.rc && n_kvs > n / 13)
        c.rc = err_fail(err, TRV_EFORMAT,
                        "cannot read '%s': %" PRIu64
                        " keys cannot lie in %zu bytes",
                        name, n_kvs, n);
    if (!c.rc && n_tensors > n / 33)
        c.rc = err_fail(err, TRV_EFORMAT,
                        "cannot read '%s': %" PRIu64
                        " tensors cannot lie in %zu bytes",
                        name, n_tensors, n);
    if (c.rc)
        goto done;

    f.path = mem_strdup(name);
    f.kvs = mem_calloc((size_t)n_kvs + 1, sizeof(*f.kvs));
    if (!f.path || !f.kvs)
        goto no_memory;
    for (; (uint64_t)f.n_kvs < n_kvs && !c.rc; f.n_kvs++)
        take_kv(&c, &f.kvs[f.n_kvs]);
    if (c.rc)
        goto done;
    qsort(f.kvs, (size_t)f.n_kvs, sizeof(*f.kvs), by_key);

    f.tensors = mem_calloc((size_t)n_tensors + 1, sizeof(*f.tensors));
    offsets = mem_calloc((size_t)n_tensors + 1, sizeof(*offsets));
    f.names = names = mem_array((size_t)n_tensors + 1, 1 + MAX_NAME);
    if (!f.tensors || !offsets || !f.names)
        goto no_memory;
    for (; (uint64_t)f.n < n_tensors && !c.rc; f.n++)
        take_tensor(&c, &f.tensors[f.n], &offsets[f.n], &names);
    if (!c.rc)
        place_tensors(&c, &f, offsets, start);
    if (!c.rc)
        check_duplicates(&c, &f);
    if (c.rc)
        goto done;
    *out = f;
    f = (struct gguf_file){0};
    goto done;
no_memory:
    c.rc = err_fail(err, TRV_ENOMEM, "no memory to read '%s'", name);
done:
    mem_free(offsets);
    gguf_release(&f);
    return c.rc;
}

int
gguf_open_file(struct gguf_file *out, const char *path, trv_err *err)
{
    struct filemap map;
    int rc;

    *out = (struct gguf_file){0};
    rc = filemap_open(&map, path, err);
    if (rc)
        return rc;
    rc = gguf_parse(out, path, map.data, map.size, err);
    if (rc)
        filemap_release(&map);
    else
        out->map = map;
    return rc;
}

void
gguf_release(struct gguf_file *f)
{
    for (int64_t i = 0; i < f->n_shards; i++)
        gguf_release(&f->shards[i]);
    mem_free(f->shards);
    mem_free(f->kvs);
    mem_free(f->tensors);
    mem_free(f->names);
    mem_free(f->path);
    filemap_release(&f->map);
    *f = (struct gguf_file){0};
}

const struct gguf_kv *
gguf_find(const struct gguf_file *f, const char *key)
{
    const struct gguf_kv want = {.key = {key, strlen(key)}};

    if (f->n_kvs == 0)
        return NULL;
    return bsearch(&want, f->kvs, (size_t)f->n_kvs, sizeof(want), by_key);
}

static int
wrong_type(const struct gguf_file *f, const struct gguf_kv *kv,
           const char *want, trv_err *err)
{
    return err_fail(err, TRV_EFORMAT, "key '%.*s' of '%s' is %s%s, not %s",
                    shown(kv->key), kv->key.s, f->path,
                    kv->is_array ? "an array of " : "",
                    value_types[kv->type].name, want);
}

/* The i-th integer of a value; false where it is none or does not fit. */
static bool
integer_at(int64_t *out, const struct gguf_kv *kv, uint64_t i)
{
    const unsigned char *p = kv->data + i * value_types[kv->type].size;
    const bool is_signed = kv->type == GGUF_I8 || kv->type == GGUF_I16 ||
                           kv->type == GGUF_I32 || kv->type == GGUF_I64;
    const unsigned bits = 8 * value_types[kv->type].size;
    uint64_t v = 0;

    if (bits == 0 || kv->type == GGUF_F32 || kv->type == GGUF_F64 ||
        kv->type == GGUF_BOOL)
        return false;
    memcpy(&v, p, bits / 8);
    if (is_signed) // move the sign up to the top, and back
        *out = (int64_t)(v << (64 - bits)) >> (64 - bits);
    else
        *out = (int64_t)v;
    return is_signed || v <= INT64_MAX;
}

int
gguf_int(int64_t *out, const struct gguf_file *f, const char *key, int64_t lo,
         int64_t hi, trv_err *err)
{
    const struct gguf_kv *kv = gguf_find(f, key);
    int64_t v, other;

    if (!kv)
        return 0;
    if (kv->n == 0 || !integer_at(&v, kv, 0))
        return wrong_type(f, kv, "an integer", err);
    for (uint64_t i = 1; i < kv->n; i++)
        if (!integer_at(&other, kv, i) || other != v)
            return err_fail(err, TRV_EUNSUPPORTED,
                            "'%s': '%s' differs from layer to layer, which is "
                            "not supported",
                            f->path, key);
    if (v < lo || v > hi)
        return err_fail(err, TRV_EFORMAT,
                        "key '%s' of '%s' is %" PRId64 ", outside %" PRId64
                        " to %" PRId64,
                        key, f->path, v, lo, hi);
    *out = v;
    return 0;
}

int
gguf_num(double *out, const struct gguf_file *f, const char *key, double lo,
         double hi, trv_err *err)
{
    const struct gguf_kv *kv = gguf_find(f, key);
    int64_t i;
    double v;

    if (!kv)
        return 0;
    if (!kv->is_array && kv->type == GGUF_F32) {
        float x;

        memcpy(&x, kv->data, 4);
        v = (double)x;
    } else if (!kv->is_array && kv->type == GGUF_F64) {
        memcpy(&v, kv->data, 8);
    } else if (!kv->is_array && integer_at(&i, kv, 0)) {
        v = (double)i;
    } else {
        return wrong_type(f, kv, "a number", err);
    }
    if (!(v >= lo && v <= hi))
        return err_fail(err, TRV_EFORMAT,
                        "key '%s' of '%s' is %g, outside %g to %g", key,
                        f->path, v, lo, hi);
    *out = v;
    return 0;
}

int
gguf_flag(bool *out, const struct gguf_file *f, const char *key, trv_err *err)
{
    const struct gguf_kv *kv = gguf_find(f, key);

    if (!kv)
        return 0;
    if (kv->is_array || kv->type != GGUF_BOOL)
        return wrong_type(f, kv, "a bool", err);
    *out = kv->data[0] != 0;
    return 0;
}

int
gguf_string(struct gguf_str *out, const struct gguf_file *f, const char *key,
            trv_err *err)
{
    const struct gguf_kv *kv = gguf_find(f, key);
    uint64_t n;

    if (!kv)
        return 0;
    if (kv->is_array || kv->type != GGUF_STRING)
        return wrong_type(f, kv, "a string", err);
    memcpy(&n, kv->data, 8);
    *out = (struct gguf_str){(const char *)kv->data + 8, (size_t)n};
    return 0;
}
