/* lora.h -- low-rank adapters as the decoder uses them: numbers, no files.
 *
 *   y += scale * (x A^T) B^T,  A [rank, in], B [out, rank]
 *
 * All pairs of an adapter lie in one flat vector of parameters, with one of
 * gradients beside it while it is trained: the optimiser, clipping and
 * checkpoints see vectors only.
 */
#ifndef MODEL_LORA_H
#define MODEL_LORA_H

#include "base/rng.h"
#include "model/config.h"

struct lora_pair {
    float *a, *b;        // [rank, in], [out, rank]; NULL: not adapted
    float *d_a, *d_b;    // gradients; NULL when not trained
    void *a_act, *b_act; // copies in the backend's act_type, or a, b
    int64_t in, out, rank;
    float scale;
};

struct lora {
    int64_t layers;
    struct lora_pair *pairs; // [layers * PART_COUNT]
    float dropout;           // of x, in training passes only
    int64_t n;               // parameters
    float *w, *g;            // [n]; g NULL when not trained
    void *act;               // storage of the act_type copies
    enum dtype act_type;
};

/** What to adapt: `rank[p]` 0 leaves part p alone. */
struct lora_spec {
    int64_t rank, layers_only; // layers_only: 0 = all
    bool parts[PART_COUNT];
    float alpha;
    bool rslora;
    float dropout;
};

/** "all-linear", or a comma list of module names as PEFT matches them (a name
 * matches where the module's path ends in it). TRV_EINVAL names what matches
 * nothing and lists what there is. */
int lora_targets(bool parts[PART_COUNT], const struct model_config *cfg,
                 const char *targets, trv_err *err);

/** Allocate: A uniform as PEFT starts it (Kaiming with a = sqrt 5: bound
 * 1/sqrt(in)), B zero. `trained` makes gradients. */
int lora_init(struct lora *l, const struct model_config *cfg,
              const struct lora_spec *spec, bool trained, struct rng *rng,
              trv_err *err);
/** The same with a rank and a scale for each pair ([layers * PART_COUNT],
 * rank 0: none); all values zero. */
int lora_init_shaped(struct lora *l, const struct model_config *cfg,
                     const int64_t *ranks, const float *scales, bool trained,
                     trv_err *err);
struct lora_pair *lora_at(const struct lora *l, int64_t layer, enum part p);
/** Bring the act_type copies up to date; call after every change of w. */
int lora_refresh(struct lora *l, enum dtype act_type, trv_err *err);
void lora_release(struct lora *l); // accepts zeros

#endif
