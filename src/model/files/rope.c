/* rope.c -- the table of rotary positions. */
#include "model/files/rope.h"

#include <math.h>

#include "model/files/config.h"

/* The i-th of D/2 frequencies, with the roundings that transformers makes:
 * everything in f32 but the power, which is rounded to f32 once. */
static float
rope_frequency(const struct model_config *c, int64_t i)
{
    const float exponent = (float)(2 * i) / (float)c->head_dim;
    const float freq = 1.0f / (float)pow(c->rope_theta, (double)exponent);
    const double pi = 3.14159265358979323846;

    switch (c->rope_scaling) {
    case ROPE_PLAIN:
        return freq;
    case ROPE_LINEAR:
        return freq / (float)c->rope_factor;
    case ROPE_FACTORS:
        return freq / c->rope_factors[i];
    case ROPE_LLAMA3: {
        const double original = (double)c->rope_original;
        const float wavelength = (float)(2 * pi) / freq;
        const float slow = freq / (float)c->rope_factor;
        float smooth;

        if ((double)wavelength > original / c->rope_low)
            return slow;
        if ((double)wavelength < original / c->rope_high)
            return freq;
        smooth = ((float)original / wavelength - (float)c->rope_low) /
                 (float)(c->rope_high - c->rope_low);
        return (1.0f - smooth) * freq / (float)c->rope_factor + smooth * freq;
    }
    }
    return freq;
}

void
config_rope_table(float *cos_sin, const struct model_config *c, int64_t n_pos)
{
    const int64_t half = c->head_dim / 2;

    TRV_ASSERT(c->rope_scaling != ROPE_FACTORS || half <= ROPE_FREQS_MAX);
    for (int64_t i = 0; i < half; i++) {
        const float freq = rope_frequency(c, i);

        for (int64_t p = 0; p < n_pos; p++) {
            const float angle = (float)p * freq;

            cos_sin[p * 2 * half + i] = (float)cos((double)angle);
            cos_sin[p * 2 * half + half + i] = (float)sin((double)angle);
        }
    }
}
