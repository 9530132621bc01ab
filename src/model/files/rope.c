/* rope.c -- the table of rotary positions. */
#include "model/files/rope.h"

#include <math.h>

#include "base/err.h"

/* The i-th of D/2 frequencies, with the roundings that transformers makes:
 * everything in f32 but the power, which is rounded to f32 once. */
static float
rope_frequency(const struct rope *r, int64_t head_dim, int64_t i)
{
    const float exponent = (float)(2 * i) / (float)head_dim;
    const float freq = 1.0f / (float)pow(r->theta, (double)exponent);
    const double pi = 3.14159265358979323846;

    switch (r->scaling) {
    case ROPE_PLAIN:
        return freq;
    case ROPE_LINEAR:
        return freq / (float)r->factor;
    case ROPE_FACTORS:
        return freq / r->factors[i];
    case ROPE_LLAMA3: {
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
    }
    return freq;
}

void
rope_table(float *cos_sin, const struct rope *r, int64_t head_dim,
           int64_t n_pos)
{
    const int64_t half = head_dim / 2;

    TRV_ASSERT(r->scaling != ROPE_FACTORS || half <= ROPE_FREQS_MAX);
    for (int64_t i = 0; i < half; i++) {
        const float freq = rope_frequency(r, head_dim, i);

        for (int64_t p = 0; p < n_pos; p++) {
            const float angle = (float)p * freq;

            cos_sin[p * 2 * half + i] = (float)cos((double)angle);
            cos_sin[p * 2 * half + half + i] = (float)sin((double)angle);
        }
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
