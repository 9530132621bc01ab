/* tensor.c -- stored numbers and how they become f32.
 *
 * Owns the table of types and the layouts of quantised blocks, which are
 * those of GGUF. All scales d and m are f16.
 *
 *   Q8_0  32 values   d | 32 x int8                          x = d*q
 *   Q4_0  32 values   d | 16 bytes; value j is the low nibble of byte j,
 *                     value 16+j the high one                x = d*(q-8)
 *   Q4_K  256 values  d m | 12 bytes: eight 6-bit scales s and mins n |
 *                     128 bytes; each 32 bytes hold 64 values, low nibbles
 *                     first                                  x = d*s*q - m*n
 *   Q6_K  256 values  128 bytes of low nibbles | 64 bytes of upper bit pairs |
 *                     16 x int8 scales s, one for 16 values | d
 *                                                            x = d*s*(q-32)
 */
#include "backend/tensor.h"

#include <string.h>

#include "base/err.h"

static const struct {
    const char *name;
    size_t bytes;
    int64_t values;
} types[DT_COUNT] = {
#define DTYPE_ROW(name, bytes, values) {#name, bytes, values},
    DTYPE_LIST(DTYPE_ROW)
#undef DTYPE_ROW
};

const char *
dtype_name(enum dtype t)
{
    return (int)t >= 0 && t < DT_COUNT ? types[t].name : "unknown";
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

static void
dequant_q8_0(float *out, const uint8_t *b)
{
    const float d = f16_to_f32(load_u16(b));

    for (int j = 0; j < 32; j++)
        out[j] = d * (float)(int8_t)b[2 + j];
}

static void
dequant_q4_0(float *out, const uint8_t *b)
{
    const float d = f16_to_f32(load_u16(b));

    for (int j = 0; j < 16; j++) {
        out[j] = d * (float)((int)(b[2 + j] & 15) - 8);
        out[16 + j] = d * (float)((int)(b[2 + j] >> 4) - 8);
    }
}

/* The j-th 6-bit scale and min of Q4_K's 12 bytes: the first four of each lie
 * in the low 6 bits of bytes 0..3 and 4..7; the upper four have their low
 * nibbles in bytes 8..11 and their top bits in the top bits of the others. */
static void
q4_k_scale(uint8_t *scale, uint8_t *min, const uint8_t *s, int j)
{
    if (j < 4) {
        *scale = s[j] & 63;
        *min = s[j + 4] & 63;
    } else {
        *scale = (uint8_t)((s[j + 4] & 15) | (s[j - 4] >> 6) << 4);
        *min = (uint8_t)((s[j + 4] >> 4) | (s[j] >> 6) << 4);
    }
}

static void
dequant_q4_k(float *out, const uint8_t *b)
{
    const float d = f16_to_f32(load_u16(b));
    const float m = f16_to_f32(load_u16(b + 2));

    for (int j = 0; j < 8; j++) {
        const uint8_t *q = b + 16 + 32 * (j / 2);
        const int shift = 4 * (j % 2);
        uint8_t scale, min;
        float ds, mn;

        q4_k_scale(&scale, &min, b + 4, j);
        ds = d * (float)scale;
        mn = m * (float)min;
        for (int i = 0; i < 32; i++) {
            const float x = ds * (float)((q[i] >> shift) & 15);

            out[32 * j + i] = x - mn;
        }
    }
}

static void
dequant_q6_k(float *out, const uint8_t *b)
{
    const uint8_t *low = b, *high = b + 128, *scale = b + 192;
    const float d = f16_to_f32(load_u16(b + 208));

    /* Each half of the block, 128 values, is four runs of 32: runs 0 and 1
     * are the low nibbles of 64 bytes, 2 and 3 their high nibbles; run k has
     * its upper bits at 2k of 32 bytes of `high`. */
    for (int j = 0; j < 256; j++) {
        const int half = j / 128, run = j / 32 % 4, i = j % 32;
        const int lo = low[64 * half + 32 * (run % 2) + i] >> 4 * (run / 2);
        const int hi = high[32 * half + i] >> 2 * run;
        const int q = (lo & 15) | (hi & 3) << 4;
        const float ds = d * (float)(int8_t)scale[j / 16];

        out[j] = ds * (float)(q - 32);
    }
}

/* n values, a whole number of blocks, from p, which may be unaligned. */
static void
convert(float *out, enum dtype type, const uint8_t *p, int64_t n)
{
    switch (type) {
    case DT_F32:
        memcpy(out, p, (size_t)n * 4);
        break;
    case DT_F16:
        for (int64_t i = 0; i < n; i++)
            out[i] = f16_to_f32(load_u16(p + 2 * i));
        break;
    case DT_BF16:
        for (int64_t i = 0; i < n; i++)
            out[i] = bf16_to_f32(load_u16(p + 2 * i));
        break;
    case DT_Q8_0:
        for (int64_t i = 0; i < n; i += 32, p += 34)
            dequant_q8_0(out + i, p);
        break;
    case DT_Q4_0:
        for (int64_t i = 0; i < n; i += 32, p += 18)
            dequant_q4_0(out + i, p);
        break;
    case DT_Q4_K:
        for (int64_t i = 0; i < n; i += 256, p += 144)
            dequant_q4_k(out + i, p);
        break;
    case DT_Q6_K:
        for (int64_t i = 0; i < n; i += 256, p += 210)
            dequant_q6_k(out + i, p);
        break;
    case DT_COUNT:
    default:
        TRV_ASSERT(false && "a type that tensors can have");
    }
}

/* Where the file keeps row r of n, D = n / heads rows to a head: the rows of
 * a head's two halves alternate there. */
static int64_t
stored_row(int64_t r, int64_t n, int64_t heads)
{
    const int64_t d = n / heads, i = r % d;

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
    TRV_ASSERT(heads == 0 || (t->n_dims > 1 ? rows : cols) % (2 * heads) == 0);
    if (heads == 0) {
        for (int64_t r = 0; r < n; r++)
            convert(out + r * cols, t->type, p + (size_t)(row0 + r) * row_bytes,
                    cols);
    } else if (t->n_dims > 1) {
        for (int64_t r = 0; r < n; r++) {
            const int64_t at = stored_row(row0 + r, rows, heads);

            convert(out + r * cols, t->type, p + (size_t)at * row_bytes, cols);
        }
    } else if (n > 0) { // a bias: its values are permuted, and not quantised
        TRV_ASSERT(types[t->type].values == 1);
        for (int64_t i = 0; i < cols; i++)
            convert(out + i, t->type,
                    p + (size_t)stored_row(i, cols, heads) *
                            types[t->type].bytes,
                    1);
    }
    for (int64_t i = 0; t->plus != 0.0f && i < n * cols; i++)
        out[i] += t->plus;
}
