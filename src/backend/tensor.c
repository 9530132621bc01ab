/* tensor.c -- stored numbers and how they become f32.
 *
 * Owns the table of types; blocks of quantised types are decoded in quant.c.
 */
#include "backend/tensor.h"

#include <string.h>

#include "backend/quant.h"
#include "base/err.h"

static const struct {
    const char *name;
    uint32_t ggml;
    int64_t values;
    size_t bytes;
    void (*decode)(float *out, const uint8_t *block);
} types[] = {
#define DTYPE_ROW(name, ggml, values, bytes, decode)                           \
    {#name, ggml, values, bytes, decode},
    DTYPE_LIST(DTYPE_ROW)
#undef DTYPE_ROW
};
_Static_assert(sizeof(types) / sizeof(types[0]) == DT_COUNT, "a row a type");

const char *
dtype_name(enum dtype t)
{
    return (int)t >= 0 && t < DT_COUNT ? types[t].name : "unknown";
}

enum dtype
dtype_of_ggml(uint32_t number)
{
    int t = 0;

    while (t < DT_COUNT && types[t].ggml != number)
        t++;
    return (enum dtype)t;
}

int64_t
dtype_block_values(enum dtype t)
{
    TRV_ASSERT((int)t >= 0 && t < DT_COUNT);
    return types[t].values;
}

size_t
dtype_row_bytes(enum dtype t, int64_t n)
{
    size_t bytes;

    if ((int)t < 0 || t >= DT_COUNT || n < 0 || n % types[t].values != 0 ||
        __builtin_mul_overflow((size_t)(n / types[t].values), types[t].bytes,
                               &bytes))
        return 0;
    return bytes;
}

int64_t
tensor_rows(const struct tensor *t)
{
    int64_t n = 1;

    for (int i = 0; i < t->n_dims - 1; i++)
        n *= t->dim[i];
    return n;
}

int64_t
tensor_cols(const struct tensor *t)
{
    return t->n_dims > 0 ? t->dim[t->n_dims - 1] : 1;
}

static float
float_of_bits(uint32_t u)
{
    float f;

    memcpy(&f, &u, sizeof(f));
    return f;
}

static uint32_t
bits_of_float(float f)
{
    uint32_t u;

    memcpy(&u, &f, sizeof(u));
    return u;
}

float
f16_to_f32(uint16_t x)
{
    const uint32_t sign = (uint32_t)(x & 0x8000u) << 16;
    const uint32_t exp = (x >> 10) & 31u, frac = x & 0x3ffu;

    if (exp == 31) // infinity, NaN
        return float_of_bits(sign | 0x7f800000u | frac << 13);
    if (exp == 0) { // zero, subnormal: frac * 2^-24, exact in f32
        const float f = (float)frac * 0x1p-24f;

        return sign ? -f : f;
    }
    return float_of_bits(sign | (exp + 112) << 23 | frac << 13);
}

uint16_t
f16_from_f32(float x)
{
    const uint32_t u = bits_of_float(x);
    const uint16_t sign = (uint16_t)((u >> 16) & 0x8000u);
    const uint32_t mag = u & 0x7fffffffu;
    uint32_t r;

    if (mag > 0x7f800000u) // NaN stays NaN
        return (uint16_t)(sign | 0x7e00u | ((mag >> 13) & 0x3ffu));
    if (mag >= 0x477ff000u) // from 65520 on, half to even gives infinity
        return (uint16_t)(sign | 0x7c00u);
    if (mag < 0x38800000u) { // below 2^-14: a multiple of 2^-24
        /* Adding 0.5 puts the bit of 2^-24 last in the significand, so the
         * processor's own rounding to nearest even is the one wanted. */
        r = bits_of_float(float_of_bits(mag) + 0.5f) - 0x3f000000u;
        return (uint16_t)(sign | r);
    }
    r = mag - (112u << 23);
    r = (r + 0xfffu + ((r >> 13) & 1u)) >> 13;
    return (uint16_t)(sign | r);
}

static uint16_t
load_u16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

/* n values, a whole number of blocks, from p, which may be unaligned. */
static void
convert(float *out, enum dtype type, const uint8_t *p, int64_t n)
{
    TRV_ASSERT((int)type >= 0 && type < DT_COUNT);
    if (type == DT_F32) {
        memcpy(out, p, (size_t)n * 4);
    } else if (type == DT_F16) {
        for (int64_t i = 0; i < n; i++)
            out[i] = f16_to_f32(load_u16(p + 2 * i));
    } else if (type == DT_BF16) {
        for (int64_t i = 0; i < n; i++)
            out[i] = bf16_to_f32(load_u16(p + 2 * i));
    } else {
        for (int64_t i = 0; i < n; i += types[type].values) {
            types[type].decode(out + i, p);
            p += types[type].bytes;
        }
    }
}

/* Where the file keeps row r of n, D = n / heads rows to a head: the rows of
 * a head's two halves alternate there, or its q, k and v stand apart. */
static int64_t
stored_row(const struct tensor *t, int64_t r, int64_t n)
{
    const int64_t heads = t->unpermute_heads, d = n / heads, i = r % d;

    if (t->unpermute_parts)
        return i / (d / 3) * (n / 3) + r / d * (d / 3) + i % (d / 3);
    return r - i + 2 * (i % (d / 2)) + i / (d / 2);
}

void
tensor_rows_f32(float *out, const struct tensor *t, int64_t row0, int64_t n)
{
    const int64_t rows = tensor_rows(t), cols = tensor_cols(t);
    const size_t row_bytes = dtype_row_bytes(t->type, cols);
    const int64_t heads = t->unpermute_heads;
    const uint8_t *p = t->data;

    TRV_ASSERT(row0 >= 0 && n >= 0 && n <= rows && row0 <= rows - n);
    TRV_ASSERT(heads == 0 || (t->n_dims > 1 ? rows : cols) %
                                     ((t->unpermute_parts ? 3 : 2) * heads) ==
                                 0);
    if (heads == 0) {
        for (int64_t r = 0; r < n; r++)
            convert(out + r * cols, t->type, p + (size_t)(row0 + r) * row_bytes,
                    cols);
    } else if (t->n_dims > 1) {
        for (int64_t r = 0; r < n; r++) {
            const int64_t at = stored_row(t, row0 + r, rows);

            convert(out + r * cols, t->type, p + (size_t)at * row_bytes, cols);
        }
    } else if (n > 0) { // a bias: its values are permuted, and not quantised
        TRV_ASSERT(types[t->type].values == 1);
        for (int64_t i = 0; i < cols; i++)
            convert(out + i, t->type,
                    p + (size_t)stored_row(t, i, cols) * types[t->type].bytes,
                    1);
    }
    for (int64_t i = 0; t->plus != 0.0f && i < n * cols; i++)
        out[i] += t->plus;
}
