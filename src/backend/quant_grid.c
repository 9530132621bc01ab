/* quant_grid.c -- blocks of 256 values that point into a list of vectors.
 *
 * The lists are sorted, without a rule behind them: quant_grids.inc holds them
 * as tools/gen_quant_grids.py packed them. A vector of IQ2 has eight values of
 * {8, 25, 43}, one of IQ1 eight of {-1, 0, 1}, one of IQ3 four of eight
 * values. Signs stand apart, a bit for each value, or as 7 bits for eight
 * values: then their number is even, which gives the eighth. The scale d is
 * f16, s is an integer of 16 or 32 values, e is +-1/8.
 *
 *   IQ2_XXS  d | 8 x (4 x u8 vectors | u32: 4 x 7 signs, s)   d*(s+1/2)/4*v
 *   IQ2_XS   d | 32 x u16: vector, 7 signs | 8 bytes of s     d*(s+1/2)/4*v
 *   IQ2_S    d | 32 x u8 vectors | 32 bytes of signs |
 *            8 bytes of upper bits of vectors | 8 bytes of s  d*(s+1/2)/4*v
 *   IQ3_XXS  d | 64 x u8 vectors | 8 x u32: 4 x 7 signs, s    d*(s+1/2)/2*v
 *   IQ3_S    d | 64 x u8 vectors | 8 bytes of upper bits |
 *            32 bytes of signs | 4 bytes of s                 d*(2s+1)*v
 *   IQ1_S    d | 32 x u8 vectors | 8 x u16: 4 x 3 upper bits,
 *            s, the sign of e                                 d*(2s+1)*(v+e)
 *   IQ1_M    32 x u8 vectors | 16 bytes: 2 x 3 upper bits and
 *            signs of e | 4 x u16: 4 x s, 4 bits of d         d*(2s+1)*(v+e)
 */
#include <stdbool.h>
#include <string.h>

#include "backend/quant.h"
#include "backend/tensor.h"

#include "backend/quant_grids.inc"

static const int8_t iq2_values[4] = {8, 25, 43, 0}; // no vector has the last
static const int8_t iq1_values[4] = {-1, 0, 1, 0};
static const int8_t iq3_xxs_values[8] = {4, 12, 20, 28, 36, 44, 52, 62};
static const int8_t iq3_s_values[8] = {1, 3, 5, 7, 9, 11, 13, 15};

static uint16_t
load_u16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static uint32_t
load_u32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

/* Eight signs of the 7 bits that are stored: an even number is negative. */
static unsigned
eight_signs(unsigned seven)
{
    return seven | (unsigned)__builtin_parity(seven) << 7;
}

/* Eight values of IQ2. */
static void
put_iq2(float *out, float scale, uint16_t vector, unsigned signs)
{
    for (int i = 0; i < 8; i++) {
        const float v = (float)iq2_values[vector >> 2 * i & 3];

        out[i] = scale * (signs >> i & 1 ? -v : v);
    }
}

/* Four values of IQ3. */
static void
put_iq3(float *out, float scale, uint16_t vector, const int8_t values[8],
        unsigned signs)
{
    for (int i = 0; i < 4; i++) {
        const float v = (float)values[vector >> 4 * i & 7];

        out[i] = scale * (signs >> i & 1 ? -v : v);
    }
}

static void
put_iq1(float *out, float scale, uint16_t vector, bool below)
{
    for (int i = 0; i < 8; i++) {
        const float v = (float)iq1_values[vector >> 2 * i & 3];

        out[i] = scale * (v + (below ? -0.125f : 0.125f));
    }
}

/* The scale of IQ2 and IQ3_XXS, whose integers count halves. */
static float
half_scale(float d, unsigned s, float part)
{
    return d * (0.5f + (float)s) * part;
}

void
quant_iq2_xxs(float *out, const uint8_t *b)
{
    const float d = f16_to_f32(load_u16(b));

    for (int g = 0; g < 8; g++) {
        const uint8_t *q = b + 2 + 8 * g;
        const uint32_t rest = load_u32(q + 4);
        const float scale = half_scale(d, rest >> 28, 0.25f);

        for (int k = 0; k < 4; k++)
            put_iq2(out + 32 * g + 8 * k, scale, grid_iq2_xxs[q[k]],
                    eight_signs(rest >> 7 * k & 127));
    }
}

void
quant_iq2_xs(float *out, const uint8_t *b)
{
    const float d = f16_to_f32(load_u16(b));

    for (int k = 0; k < 32; k++) {
        const unsigned q = load_u16(b + 2 + 2 * k);
        const unsigned s = (unsigned)b[66 + k / 4] >> 4 * (k / 2 % 2) & 15u;

        put_iq2(out + 8 * k, half_scale(d, s, 0.25f), grid_iq2_xs[q & 511],
                eight_signs(q >> 9));
    }
}

void
quant_iq2_s(float *out, const uint8_t *b)
{
    const uint8_t *q = b + 2, *signs = b + 34, *high = b + 66, *scales = b + 74;
    const float d = f16_to_f32(load_u16(b));

    for (int k = 0; k < 32; k++) {
        const unsigned upper = (unsigned)high[k / 4] >> 2 * (k % 4) & 3u;
        const unsigned s = (unsigned)scales[k / 4] >> 4 * (k / 2 % 2) & 15u;

        put_iq2(out + 8 * k, half_scale(d, s, 0.25f),
                grid_iq2_s[q[k] | upper << 8], signs[k]);
    }
}

void
quant_iq3_xxs(float *out, const uint8_t *b)
{
    const float d = f16_to_f32(load_u16(b));

    for (int k = 0; k < 64; k++) {
        const uint32_t rest = load_u32(b + 66 + 4 * (k / 8));
        const unsigned signs = eight_signs(rest >> 7 * (k / 2 % 4) & 127);

        put_iq3(out + 4 * k, half_scale(d, rest >> 28, 0.5f),
                grid_iq3_xxs[b[2 + k]], iq3_xxs_values, signs >> 4 * (k % 2));
    }
}

void
quant_iq3_s(float *out, const uint8_t *b)
{
    const uint8_t *q = b + 2, *high = b + 66, *signs = b + 74;
    const uint8_t *scales = b + 106;
    const float d = f16_to_f32(load_u16(b));

    for (int k = 0; k < 64; k++) {
        const unsigned upper = (unsigned)high[k / 8] >> k % 8 & 1u;
        const unsigned s = (unsigned)scales[k / 16] >> 4 * (k / 8 % 2) & 15u;

        put_iq3(out + 4 * k, d * (float)(2 * s + 1),
                grid_iq3_s[q[k] | upper << 8], iq3_s_values,
                (unsigned)signs[k / 2] >> 4 * (k % 2));
    }
}

void
quant_iq1_s(float *out, const uint8_t *b)
{
    const float d = f16_to_f32(load_u16(b));

    for (int k = 0; k < 32; k++) {
        const unsigned rest = load_u16(b + 34 + 2 * (k / 4));
        const unsigned upper = rest >> 3 * (k % 4) & 7;

        put_iq1(out + 8 * k, d * (float)(2 * (rest >> 12 & 7) + 1),
                grid_iq1_s[b[2 + k] | upper << 8], rest >> 15);
    }
}

void
quant_iq1_m(float *out, const uint8_t *b)
{
    const uint8_t *high = b + 32, *scales = b + 48;
    unsigned bits = 0; // of d: the upper four of each u16, lowest first
    float d;

    for (int i = 0; i < 4; i++)
        bits |= (unsigned)(load_u16(scales + 2 * i) >> 12) << 4 * i;
    d = f16_to_f32((uint16_t)bits);
    for (int k = 0; k < 32; k++) {
        const unsigned rest = (unsigned)high[k / 2] >> 4 * (k % 2);
        const unsigned s =
            (unsigned)load_u16(scales + 2 * (k / 8)) >> 3 * (k / 2 % 4);

        put_iq1(out + 8 * k, d * (float)(2 * (s & 7) + 1),
                grid_iq1_s[b[k] | (rest & 7) << 8], rest & 8);
    }
}
