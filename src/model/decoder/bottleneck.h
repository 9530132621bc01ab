/* bottleneck.h -- bottleneck adapters: a small map after a sublayer, before
 * its output m is added to the residual stream.
 *
 *   m + U f(D m + d) + u,   D [S,C], U [C,S]
 *
 * U and u start at zero, so an adapter that learned nothing changes nothing.
 * The places are those of Houlsby et al. (after the attention and after the
 * MLP) or of Pfeiffer et al. (after the MLP alone).
 *
 * Source   Houlsby et al. 2019, arXiv:1902.00751; Pfeiffer et al. 2021,
 *          arXiv:2005.00247.
 */
#ifndef MODEL_BOTTLENECK_H
#define MODEL_BOTTLENECK_H

#include "base/mem.h"
#include "base/rng.h"
#include "model/files/config.h"

enum bottleneck_place {
    BOTTLENECK_ATTENTION,
    BOTTLENECK_MLP,
    BOTTLENECK_PLACES
};

struct bottleneck {
    int64_t layers, size, width; // L, S, C; size 0: none
    bool places[BOTTLENECK_PLACES];
    enum activation f;
    /* One flat vector: site by site (layer by layer, place by place) D, d, U,
     * u. */
    int64_t n, n_site;
    float *w, *g; // [n]; g NULL when not trained
    void *act;    // copies of w in the backend's act_type; NULL: w itself
    enum dtype act_type;
    struct backend *be; // whose memory w, g and act are; NULL: the host's
};

/* The adapter of one place; gradients NULL when not trained. */
struct bottleneck_site {
    int64_t size, width;
    enum activation f;
    struct mat down, up;  // in act_type
    float *down_b, *up_b; // f32
    float *d_down, *d_down_b, *d_up, *d_up_b;
};

struct bottleneck_spec {
    int64_t size;
    bool places[BOTTLENECK_PLACES];
    enum activation f;
};

/** Allocate: D uniform in 1/sqrt(C), drawn site by site; the rest zero. `rng`
 * NULL: all zero. TRV_ERANGE (the size), TRV_EINVAL (no place), TRV_ENOMEM. */
int bottleneck_init(struct bottleneck *b, const struct model_config *cfg,
                    const struct bottleneck_spec *spec, bool trained,
                    struct rng *rng, trv_err *err);
void bottleneck_release(struct bottleneck *b); // accepts zeros
/** False where there is none at this place. */
bool bottleneck_at(struct bottleneck_site *out, const struct bottleneck *b,
                   int64_t layer, enum bottleneck_place place);
/** As lora_refresh(). */
int bottleneck_refresh(struct bottleneck *b, struct backend *be, trv_err *err);
void bottleneck_locate(char *buf, size_t size, const struct bottleneck *b,
                       int64_t index);
const char *bottleneck_place_name(enum bottleneck_place p); // "attention"

/** y [M,C] f32 += U f(D m + d) + u; m [M,C] act_type; z [M,S] f32 takes
 * D m + d. TRV_ENOMEM. */
int bottleneck_forward(struct backend *be, struct arena *a, struct mat y,
                       struct mat m, const struct bottleneck_site *s,
                       struct mat z, trv_err *err);
/** dm [M,C] f32 comes as the gradient of the adapter's output and leaves as
 * that of m; gradients are added. TRV_ENOMEM. */
int bottleneck_backward(struct backend *be, struct arena *a, struct mat dm,
                        struct mat m, const struct bottleneck_site *s,
                        struct mat z, trv_err *err);

#endif
