/* quant.c -- blocks of quantised values, decoded.
 *
 * Scales d and mins m are f16; q is an integer of the value's own; s and n are
 * integers of a group of 16 or 32 values.
 *
 *   Q8_0    32  d | 32 x int8                                  d*q
 *   Q4_0    32  d | 16 bytes of nibbles                        d*(q-8)
 *   Q4_1    32  d m | 16 bytes of nibbles                      d*q + m
 *   Q5_0    32  d | 32 fifth bits | 16 bytes of nibbles        d*(q-16)
 *   Q5_1    32  d m | 32 fifth bits | 16 bytes of nibbles      d*q + m
 *   IQ4_NL  32  d | 16 bytes of nibbles                        d*K[q]
 *   MXFP4   32  exponent e | 16 bytes of nibbles               2^(e-128)*F[q]
 *   Q2_K   256  16 bytes of s, n | 64 bytes of bit pairs | d m d*s*q - m*n
 *   Q3_K   256  32 bytes of third bits | 64 bytes of bit pairs |
 *               12 bytes of s | d                              d*(s-32)*(q-4)
 *   Q4_K   256  d m | 12 bytes of s, n | 128 bytes of nibbles  d*s*q - m*n
 *   Q5_K   256  d m | 12 bytes of s, n | 32 bytes of fifth bits |
 *               128 bytes of nibbles                           d*s*q - m*n
 *   Q6_K   256  128 bytes of nibbles | 64 bytes of upper bit pairs |
 *               16 x int8 s | d                                d*s*(q-32)
 *   IQ4_XS 256  d | upper bits of s | 4 bytes of lower bits of s |
 *               128 bytes of nibbles                           d*(s-32)*K[q]
 *
 * In blocks of 32, value j is the low nibble of byte j, value 16+j the high
 * one. Blocks of 256 do the same by runs of 32 values: a byte holds a value of
 * each of two runs (nibbles), four (bit pairs) or eight (bits).
 */
#include "backend/quant.h"

#include <string.h>

#include "backend/tensor.h"

static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};
/* Twice the values of FP4 (E2M1): so all are whole. */
static const int8_t fp4_values[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                      0, -1, -2, -3, -4, -6, -8, -12};

static float
load_f16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return f16_to_f32(v);
}

static uint32_t
load_u32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

/* Value j of a block of 32 nibbles. */
static int
nibble(const uint8_t *q, int j)
{
    return q[j % 16] >> 4 * (j / 16) & 15;
}

void
quant_q8_0(float *out, const uint8_t *b)
{
    const float d = load_f16(b);

    for (int j = 0; j < 32; j++)
        out[j] = d * (float)(int8_t)b[2 + j];
}

void
quant_q4_0(float *out, const uint8_t *b)
{
    const float d = load_f16(b);

    for (int j = 0; j < 32; j++)
        out[j] = d * (float)(nibble(b + 2, j) - 8);
}

void
quant_q4_1(float *out, const uint8_t *b)
{
    const float d = load_f16(b), m = load_f16(b + 2);

    for (int j = 0; j < 32; j++) {
        const float x = d * (float)nibble(b + 4, j);

        out[j] = x + m;
    }
}

void
quant_q5_0(float *out, const uint8_t *b)
{
    const float d = load_f16(b);
    const uint32_t high = load_u32(b + 2);

    for (int j = 0; j < 32; j++) {
        const int q = nibble(b + 6, j) | (int)(high >> j & 1) << 4;

        out[j] = d * (float)(q - 16);
    }
}

void
quant_q5_1(float *out, const uint8_t *b)
{
    const float d = load_f16(b), m = load_f16(b + 2);
    const uint32_t high = load_u32(b + 4);

    for (int j = 0; j < 32; j++) {
        const int q = nibble(b + 8, j) | (int)(high >> j & 1) << 4;
        const float x = d * (float)q;

        out[j] = x + m;
    }
}

void
quant_iq4_nl(float *out, const uint8_t *b)
{
    const float d = load_f16(b);

    for (int j = 0; j < 32; j++)
        out[j] = d * (float)iq4_values[nibble(b + 2, j)];
}

void
quant_mxfp4(float *out, const uint8_t *b)
{
    /* 2^(e-128) by its bits; the two smallest are subnormal. */
    const uint32_t e = b[0];
    const uint32_t bits = e < 2 ? 0x200000u << e : (e - 1) << 23;
    float d;

    memcpy(&d, &bits, sizeof(d));
    for (int j = 0; j < 32; j++)
        out[j] = d * (float)fp4_values[nibble(b + 1, j)];
}

/* Q2_K and Q3_K: value j of 64 bytes of bit pairs. Each 128 values are four
 * runs of 32 over the same 32 bytes. */
static int
bit_pair(const uint8_t *q, int j)
{
    return q[32 * (j / 128) + j % 32] >> 2 * (j / 32 % 4) & 3;
}

/* Q4_K and Q5_K: value j of 128 bytes of nibbles. Each 64 values are two runs
 * of 32 over the same 32 bytes. */
static int
run_nibble(const uint8_t *q, int j)
{
    return q[32 * (j / 64) + j % 32] >> 4 * (j / 32 % 2) & 15;
}

void
quant_q2_k(float *out, const uint8_t *b)
{
    const float d = load_f16(b + 80), m = load_f16(b + 82);

    for (int j = 0; j < 256; j++) {
        const uint8_t sn = b[j / 16];
        const float ds = d * (float)(sn & 15), mn = m * (float)(sn >> 4);
        const float x = ds * (float)bit_pair(b + 16, j);

        out[j] = x - mn;
    }
}

void
quant_q3_k(float *out, const uint8_t *b)
{
    const uint8_t *scales = b + 96;
    const float d = load_f16(b + 108);

    /* Scale g has its low nibble in bytes 0..7, eight in the low halves and
     * eight in the high, and its upper bit pair in bytes 8..11. */
    for (int g = 0; g < 16; g++) {
        const int low = scales[g % 8] >> 4 * (g / 8) & 15;
        const int high = scales[8 + g % 4] >> 2 * (g / 4) & 3;
        const float ds = d * (float)((low | high << 4) - 32);

        for (int j = 16 * g; j < 16 * g + 16; j++) {
            const int third = b[j % 32] >> j / 32 & 1;

            out[j] = ds * (float)((bit_pair(b + 32, j) | third << 2) - 4);
        }
    }
}

/* The g-th 6-bit scale and min of Q4_K's and Q5_K's 12 bytes: the first four
 * of each lie in the low 6 bits of bytes 0..3 and 4..7; the upper four have
 * their low nibbles in bytes 8..11 and their top bits in the top bits of the
 * others. */
static void
scale_min(float *ds, float *mn, const uint8_t *b, int g)
{
    const uint8_t *s = b + 4;
    int scale, min;

    if (g < 4) {
        scale = s[g] & 63;
        min = s[g + 4] & 63;
    } else {
        scale = (s[g + 4] & 15) | s[g - 4] >> 6 << 4;
        min = s[g + 4] >> 4 | s[g] >> 6 << 4;
    }
    *ds = load_f16(b) * (float)scale;
    *mn = load_f16(b + 2) * (float)min;
}

void
quant_q4_k(float *out, const uint8_t *b)
{
    for (int g = 0; g < 8; g++) {
        float ds, mn;

        scale_min(&ds, &mn, b, g);
        for (int j = 32 * g; j < 32 * g + 32; j++) {
            const float x = ds * (float)run_nibble(b + 16, j);

            out[j] = x - mn;
        }
    }
}

void
quant_q5_k(float *out, const uint8_t *b)
{
    const uint8_t *high = b + 16;

    for (int g = 0; g < 8; g++) {
        float ds, mn;

        scale_min(&ds, &mn, b, g);
        for (int j = 32 * g; j < 32 * g + 32; j++) {
            const int fifth = high[j % 32] >> g & 1;
            const float x = ds * (float)(run_nibble(b + 48, j) | fifth << 4);

            out[j] = x - mn;
        }
    }
}

void
quant_q6_k(float *out, const uint8_t *b)
{
    const uint8_t *low = b, *high = b + 128, *scale = b + 192;
    const float d = load_f16(b + 208);

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

void
quant_iq4_xs(float *out, const uint8_t *b)
{
    const float d = load_f16(b);

    for (int g = 0; g < 8; g++) {
        const int low = b[4 + g / 2] >> 4 * (g % 2) & 15;
        const int high = b[2 + g / 4] >> 2 * (g % 4) & 3;
        const float ds = d * (float)((low | high << 4) - 32);
        const uint8_t *q = b + 8 + 16 * g;

        for (int j = 0; j < 32; j++)
            out[32 * g + j] = ds * (float)iq4_values[nibble(q, j)];
    }
}
