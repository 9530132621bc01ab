/* vec_layer_isa.c -- rows of norms, rotations, activations; conversions. */
#include "backend/cpu/vec_isa.h"

void
VEC(vec_to_bf16)(bf16 *out, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = vec_round(x[i]);
}

void
VEC(vec_to_f32)(float *out, const bf16 *x, int64_t n)
{
    vec_load(out, x, DT_BF16, 0, n);
}

float
VEC(vec_dot)(const float *a, const void *b, enum dtype t, int64_t n)
{
    float tmp[VEC_CHUNK], sum = 0;

    for (int64_t c = 0; c < n; c += VEC_CHUNK) {
        const int64_t m = n - c < VEC_CHUNK ? n - c : VEC_CHUNK;
        const float *y = vec_load(tmp, b, t, c, m);

        for (int64_t i = 0; i < m; i++)
            sum += a[c + i] * y[i];
    }
    return sum;
}

void
VEC(vec_add)(float *y, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] += x[i];
}

void
VEC(vec_scale)(float *x, int64_t n, float a)
{
    for (int64_t i = 0; i < n; i++)
        x[i] *= a;
}

void
VEC(vec_cap)(float *x, int64_t n, float a, float cap)
{
    const float in = a / cap;

    for (int64_t i = 0; i < n; i++)
        x[i] = cap * vec_tanh(x[i] * in);
}

void
VEC(vec_cap_back)(float *dy, const float *y, int64_t n, float a, float cap)
{
    const float in = 1.0f / cap;

    for (int64_t i = 0; i < n; i++) {
        const float t = y[i] * in;

        dy[i] *= a * (1.0f - t * t);
    }
}

/* y = (x - mean) * rstd * w + b; y may be x, so nothing is restrict. */
static inline void
norm_write(float *y, const float *x, const float *w, const float *b, float mean,
           float rstd, int64_t n)
{
    if (b)
        for (int64_t i = 0; i < n; i++)
            y[i] = (x[i] - mean) * rstd * w[i] + b[i];
    else
        for (int64_t i = 0; i < n; i++)
            y[i] = (x[i] - mean) * rstd * w[i];
}

void
VEC(vec_norm)(void *y, enum dtype ty, float *stats, const float *x,
              const float *w, const float *b, float eps, bool rms, int64_t n)
{
    float mean = 0, var = 0, rstd, tmp[VEC_CHUNK];

    if (!rms) {
        for (int64_t i = 0; i < n; i++)
            mean += x[i];
        mean /= (float)n;
    }
    for (int64_t i = 0; i < n; i++)
        var += (x[i] - mean) * (x[i] - mean);
    rstd = 1.0f / sqrtf(var / (float)n + eps);
    for (int64_t c = 0; c < n; c += VEC_CHUNK) {
        const int64_t m = n - c < VEC_CHUNK ? n - c : VEC_CHUNK;

        norm_write(tmp, x + c, w + c, b ? b + c : NULL, mean, rstd, m);
        vec_store(y, ty, c, tmp, m);
    }
    if (stats) {
        stats[0] = mean;
        stats[1] = rstd;
    }
}

void
VEC(vec_norm_back)(float *dx, const void *dy, enum dtype ty, const float *x,
                   const float *stats, const float *w, bool rms, int64_t n)
{
    const float mean = rms ? 0.0f : stats[0], rstd = stats[1];
    float sum_g = 0, sum_gh = 0, tmp[VEC_CHUNK];

    for (int64_t c = 0; c < n; c += VEC_CHUNK) {
        const int64_t m = n - c < VEC_CHUNK ? n - c : VEC_CHUNK;
        const float *d = vec_load(tmp, dy, ty, c, m);

        for (int64_t i = 0; i < m; i++) {
            const float g = d[i] * w[c + i];

            sum_g += g;
            sum_gh += g * (x[c + i] - mean);
        }
    }
    sum_g = rms ? 0.0f : sum_g / (float)n;
    sum_gh = sum_gh * rstd * rstd / (float)n;
    for (int64_t c = 0; c < n; c += VEC_CHUNK) {
        const int64_t m = n - c < VEC_CHUNK ? n - c : VEC_CHUNK;
        const float *d = vec_load(tmp, dy, ty, c, m);

        for (int64_t i = 0; i < m; i++)
            dx[c + i] +=
                rstd * (d[i] * w[c + i] - sum_g - (x[c + i] - mean) * sum_gh);
    }
}

void
VEC(vec_norm_grad)(float *d_w, float *d_b, struct mat dy, struct mat x,
                   const float *stats, bool rms, int64_t c0, int64_t n)
{
    float sum_w[64] = {0}, sum_b[64] = {0}, tmp[64];

    for (int64_t t = 0; t < x.rows; t++) {
        const float mean = rms ? 0.0f : stats[2 * t], rstd = stats[2 * t + 1];
        const float *xr = (const float *)x.data + t * x.ld + c0;
        const float *d = vec_load(tmp, dy.data, dy.type, t * dy.ld + c0, n);

        for (int64_t i = 0; i < n; i++) {
            sum_w[i] += d[i] * (xr[i] - mean) * rstd;
            sum_b[i] += d[i];
        }
    }
    if (d_w)
        VEC(vec_add)(d_w + c0, sum_w, n);
    if (d_b)
        VEC(vec_add)(d_b + c0, sum_b, n);
}

void
VEC(vec_col_sum)(float *d_b, struct mat dy, int64_t c0, int64_t n)
{
    float sum[64] = {0}, tmp[64];

    for (int64_t t = 0; t < dy.rows; t++)
        VEC(vec_add)
    (sum, vec_load(tmp, dy.data, dy.type, t * dy.ld + c0, n), n);
    VEC(vec_add)(d_b + c0, sum, n);
}

void
VEC(vec_rope)(float *x, int64_t heads, int64_t head_dim, int64_t rot,
              const float *cos_sin, bool interleaved, bool inverse)
{
    const int64_t half = rot / 2;
    const float sign = inverse ? -1.0f : 1.0f;
    const float *restrict c = cos_sin, *restrict s = cos_sin + half;

    for (int64_t h = 0; h < heads && interleaved; h++) {
        float *restrict pair = x + h * head_dim;

        for (int64_t i = 0; i < half; i++) {
            const float a = pair[2 * i], b = pair[2 * i + 1], si = sign * s[i];

            pair[2 * i] = a * c[i] - b * si;
            pair[2 * i + 1] = b * c[i] + a * si;
        }
    }
    for (int64_t h = 0; h < heads && !interleaved; h++) {
        float *restrict lo = x + h * head_dim, *restrict hi = lo + half;

        for (int64_t i = 0; i < half; i++) {
            const float a = lo[i], b = hi[i], si = sign * s[i];

            lo[i] = a * c[i] - b * si;
            hi[i] = b * c[i] + a * si;
        }
    }
}

#define GELU_C 0.797884561f // sqrt(2/pi)
#define GELU_A 0.044715f
#define INV_SQRT_2PI 0.398942280f

/* gelu_tanh(x) = x/2 (1 + tanh z) = x sigmoid(2z), z = c (x + a x^3); 2z is
 * kept from overflowing to infinity minus infinity by the sign of x. */
static inline float
gelu_z2(float x)
{
    return 2.0f * GELU_C * x * (1.0f + GELU_A * x * x);
}

static inline float
act_value(float x, enum activation f)
{
    switch (f) {
    case ACT_GELU_TANH:
        return x * vec_sigmoid(gelu_z2(x));
    case ACT_GELU_ERF:
        return x * vec_normal(x);
    case ACT_SILU:
        return x * vec_sigmoid(x);
    case ACT_RELU:
        break;
    }
    return x <= 0 ? 0.0f : x;
}

/* The value, and the slope in *d. */
static inline float
act_slope(float x, enum activation f, float *d)
{
    float s;

    switch (f) {
    case ACT_GELU_TANH:
        s = vec_sigmoid(gelu_z2(x));
        /* Beyond 10 the second term is 0 but for overflow. */
        *d = s + (x * x < 100.0f ? x * s * (1.0f - s) * 2.0f * GELU_C *
                                       (1.0f + 3.0f * GELU_A * x * x)
                                 : x - x);
        return x * s;
    case ACT_GELU_ERF:
        s = vec_normal(x);
        *d = s + x * INV_SQRT_2PI * vec_exp(-0.5f * x * x);
        return x * s;
    case ACT_SILU:
        s = vec_sigmoid(x);
        *d = s + x * s * (1.0f - s);
        return x * s;
    case ACT_RELU:
        break;
    }
    *d = x <= 0 ? 0.0f : 1.0f;
    return x <= 0 ? 0.0f : x;
}

/* The switch over f is taken outside of the loop: each case is inlined with f
 * constant. */
static inline __attribute__((always_inline)) void
act_loop(float *h, const float *u, const float *up, enum activation f,
         int64_t n)
{
    if (up)
        for (int64_t i = 0; i < n; i++)
            h[i] = act_value(u[i], f) * up[i];
    else
        for (int64_t i = 0; i < n; i++)
            h[i] = act_value(u[i], f);
}

static inline __attribute__((always_inline)) void
act_back_loop(float *du, float *d_up, const float *dh, const float *u,
              const float *up, enum activation f, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float d;
        const float y = act_slope(u[i], f, &d);

        du[i] = dh[i] * up[i] * d;
        d_up[i] = dh[i] * y;
    }
}

void
VEC(vec_act)(void *h, enum dtype th, const void *u, const void *up,
             enum dtype tu, enum activation f, int64_t n)
{
    float a[VEC_CHUNK], b[VEC_CHUNK], out[VEC_CHUNK];

    for (int64_t c = 0; c < n; c += VEC_CHUNK) {
        const int64_t m = n - c < VEC_CHUNK ? n - c : VEC_CHUNK;
        const float *x = vec_load(a, u, tu, c, m);
        const float *y = up ? vec_load(b, up, tu, c, m) : NULL;

        switch (f) {
        case ACT_GELU_TANH:
            act_loop(out, x, y, ACT_GELU_TANH, m);
            break;
        case ACT_GELU_ERF:
            act_loop(out, x, y, ACT_GELU_ERF, m);
            break;
        case ACT_SILU:
            act_loop(out, x, y, ACT_SILU, m);
            break;
        case ACT_RELU:
            act_loop(out, x, y, ACT_RELU, m);
            break;
        }
        vec_store(h, th, c, out, m);
    }
}

void
VEC(vec_act_back)(void *du, void *d_up, enum dtype td, const void *dh,
                  enum dtype th, const void *u, const void *up, enum dtype tu,
                  enum activation f, int64_t n)
{
    float a[VEC_CHUNK], b[VEC_CHUNK], d[VEC_CHUNK];
    float out[VEC_CHUNK], out_up[VEC_CHUNK], one[VEC_CHUNK];

    for (int64_t i = 0; i < VEC_CHUNK && !up; i++)
        one[i] = 1.0f;
    for (int64_t c = 0; c < n; c += VEC_CHUNK) {
        const int64_t m = n - c < VEC_CHUNK ? n - c : VEC_CHUNK;
        const float *x = vec_load(a, u, tu, c, m);
        const float *y = up ? vec_load(b, up, tu, c, m) : one;
        const float *g = vec_load(d, dh, th, c, m);

        switch (f) {
        case ACT_GELU_TANH:
            act_back_loop(out, out_up, g, x, y, ACT_GELU_TANH, m);
            break;
        case ACT_GELU_ERF:
            act_back_loop(out, out_up, g, x, y, ACT_GELU_ERF, m);
            break;
        case ACT_SILU:
            act_back_loop(out, out_up, g, x, y, ACT_SILU, m);
            break;
        case ACT_RELU:
            act_back_loop(out, out_up, g, x, y, ACT_RELU, m);
            break;
        }
        vec_store(du, td, c, out, m);
        if (up)
            vec_store(d_up, td, c, out_up, m);
    }
}
