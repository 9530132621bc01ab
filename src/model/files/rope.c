/* rope.c -- the table of rotary positions. */
#include "model/files/rope.h"

#include <math.h>

#include "base/err.h"

static const double pi = 3.14159265358979323846;

/* Llama 3's: long wavelengths are stretched, short ones kept. */
static float
llama3_frequency(const struct rope *r, float freq)
{
    const double original = (double)r->original;
    const float wavelength = (float)(2 * pi) / freq;
    const float slow = freq / (float)r->factor;
    float smooth;

    if ((double)wavelength > original / r->low)
        return slow;
    if ((double)wavelength < original / r->high)
        return freq;
    smooth = ((float)original / wavelength - (float)r->low) /
             (float)(r->high - r->low);
    return (1.0f - smooth) * freq / (float)r->factor + smooth * freq;
}

/* The dimension whose wavelength goes `turns` times into the original
 * context. */
static double
yarn_dimension(const struct rope *r, double dim, double turns)
{
    return dim * log((double)r->original / (turns * 2 * pi)) /
           (2 * log(r->theta));
}

/* YaRN: from the stretched frequency to the plain one, by a ramp over the
 * dimensions (arXiv:2309.00071, section 3.2). */
static float
yarn_frequency(const struct rope *r, int64_t dim, int64_t i, float power)
{
    double low = yarn_dimension(r, (double)dim, r->high);
    double high = yarn_dimension(r, (double)dim, r->low);
    float ramp;

    if (r->whole_dims) {
        low = floor(low);
        high = ceil(high);
    }
    low = low < 0.0 ? 0.0 : low;
    high = high > (double)(dim - 1) ? (double)(dim - 1) : high;
    if (low == high)
        high += 0.001; // as transformers keeps the ramp from dividing by 0
    ramp = ((float)i - (float)low) / (float)(high - low);
    ramp = ramp < 0.0f ? 0.0f : ramp > 1.0f ? 1.0f : ramp;
    return 1.0f / ((float)r->factor * power) * (1.0f - (1.0f - ramp)) +
           1.0f / power * (1.0f - ramp);
}

/* The i-th of dim/2 frequencies, with the roundings that transformers makes:
 * everything in f32 but the power, which is rounded to f32 once. */
static float
rope_frequency(const struct rope *r, int64_t dim, int64_t i)
{
    const float exponent = (float)(2 * i) / (float)dim;
    const float power = (float)pow(r->theta, (double)exponent);
    const float freq = 1.0f / power;

    switch (r->scaling) {
    case ROPE_PLAIN:
    case ROPE_DYNAMIC:
        return freq;
    case ROPE_LINEAR:
        return freq / (float)r->factor;
    case ROPE_FACTORS:
        return freq / r->factors[i];
    case ROPE_LLAMA3:
        return llama3_frequency(r, freq);
    case ROPE_YARN:
        return yarn_frequency(r, dim, i, power);
    case ROPE_LONGROPE:
        return 1.0f / (r->factors[i] * power);
    }
    return freq;
}

int64_t
rope_dim(const struct rope *r, int64_t head_dim)
{
    return r->dim > 0 ? r->dim : head_dim;
}

void
rope_table(float *cos_sin, const struct rope *r, int64_t head_dim,
           int64_t n_pos)
{
    const int64_t dim = rope_dim(r, head_dim), half = dim / 2;
    const float gain = r->gain > 0.0 ? (float)r->gain : 1.0f;

    TRV_ASSERT((r->scaling != ROPE_FACTORS && r->scaling != ROPE_LONGROPE) ||
               half <= ROPE_FREQS_MAX);
    for (int64_t i = 0; i < half; i++) {
        const float freq = rope_frequency(r, dim, i);

        for (int64_t p = 0; p < n_pos; p++) {
            const float angle = (float)p * freq;

            cos_sin[p * dim + i] = (float)cos((double)angle) * gain;
            cos_sin[p * dim + half + i] = (float)sin((double)angle) * gain;
        }
    }
}

void
rope_grow(float *cos_sin, const struct rope *r, int64_t head_dim, int64_t n_pos)
{
    const int64_t dim = rope_dim(r, head_dim);

    for (int64_t p = 0; p < n_pos; p++) {
        const float scale =
            1.0f + (float)r->growth * logf(1.0f + (float)(p / r->original));

        for (int64_t i = 0; i < dim; i++)
            cos_sin[p * dim + i] *= scale;
    }
}

const char *
rope_scaling_name(enum rope_scaling s)
{
#define ROPE_SCALING_NAME(id, name) name,
    static const char *const names[] = {ROPE_SCALING_LIST(ROPE_SCALING_NAME)};
#undef ROPE_SCALING_NAME

    return names[s];
}
