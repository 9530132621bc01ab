/* lora.h -- low-rank adapters as the decoder uses them: numbers, no files.
 *
 *   y += scale * ((x A^T) B^T + bias),  A [rank, in], B [out, rank]
 *
 * With DoRA each row of the merged weight is brought to a trained magnitude
 * (dora.h). All pairs of an adapter lie in one flat vector of parameters (layer
 * by layer all A in the order of the parts, then all B, then what pairs may
 * have beside: magnitudes, biases), with one of gradients beside it while it is
 * trained: the optimiser, clipping and checkpoints see vectors only.
 */
#ifndef MODEL_LORA_H
#define MODEL_LORA_H

#include "base/rng.h"
#include "model/files/config.h"

#define LORA_MAX_RANK 512

struct dora;

struct lora_pair {
    float *a, *b;         // [rank, in], [out, rank]; NULL: not adapted
    float *d_a, *d_b;     // gradients; NULL when not trained
    float *m, *d_m;       // [out] magnitudes; NULL without DoRA
    float *bias, *d_bias; // [out] of B; NULL where the adapter has none
    void *a_act, *b_act;  // copies in the backend's act_type, or a, b
    int64_t in, out, rank;
    double alpha;
    float scale; // alpha / rank, or alpha / sqrt(rank) with rsLoRA
};

struct lora {
    int64_t layers;
    struct lora_pair *pairs; // [layers * PART_COUNT]
    bool rslora, dora;
    bool bias;          // pairs have biases
    float dropout;      // of x, in training passes only
    int64_t n;          // parameters
    float *w, *g;       // [n]; g NULL when not trained
    void *act;          // storage of the act_type copies
    struct backend *be; // whose memory w, g and act are; NULL: the host's
    enum dtype act_type;
    struct dora *norms; // of the weights that w makes; NULL without DoRA
};

/** What to adapt. */
struct lora_spec {
    int64_t rank;        // 1..LORA_MAX_RANK
    int64_t layers_only; // the uppermost so many layers; 0: all
    bool parts[PART_COUNT];
    double alpha; // 0: 2 * rank
    bool rslora, dora;
    float dropout; // 0 <= dropout < 1
};

/** The same for each pair: [layers * PART_COUNT] at layer * PART_COUNT + part;
 * rank 0: none. */
struct lora_shape {
    const int64_t *ranks;
    const double *alphas;
    bool rslora, dora, bias;
};

/** Mark the parts that `targets` names: "all-linear", or a comma list of module
 * names as PEFT matches them (a name matches a part where the module's path
 * ends in it: "q_proj", "self_attn.q_proj"). TRV_EINVAL names what matches
 * nothing and lists what there is. */
int lora_targets(bool parts[PART_COUNT], const struct model_config *cfg,
                 const char *targets, trv_err *err);

/** Allocate: A uniform as PEFT starts it (Kaiming with a = sqrt 5: bound
 * 1/sqrt(in)), drawn layer by layer, part by part; B zero. `trained` makes
 * gradients, zero. TRV_EINVAL (a spec that adapts nothing, a bad rank, alpha or
 * dropout), TRV_ENOMEM. */
int lora_init(struct lora *l, const struct model_config *cfg,
              const struct lora_spec *spec, bool trained, struct rng *rng,
              trv_err *err);
/** lora_init() from options, of which `parts` is set here from targets as
 * lora_targets() reads them; trained; its random start is a stream of the seed.
 * Magnitudes are zero until dora_start(). */
int lora_begin(struct lora *l, const struct model_config *cfg,
               const char *targets, const struct lora_spec *spec, uint64_t seed,
               trv_err *err);
/** A learning rate that falls with the root of the width: 5e-4 at 2048, the
 * region that sweeps of LoRA on models of that size agree on. */
double lora_default_lr(const struct model_config *cfg);

/** Allocate with all values zero. */
int lora_init_shaped(struct lora *l, const struct model_config *cfg,
                     const struct lora_shape *shape, bool trained,
                     trv_err *err);
struct lora_pair *lora_at(const struct lora *l, int64_t layer, enum part p);
/** Bring what the decoder reads up to date; call after every change of w. The
 * first call moves w and g into the backend's memory; that, and a call with
 * another type, allocates. */
int lora_refresh(struct lora *l, struct backend *be, trv_err *err);
/** Where parameter `index` of w lives, for messages:
 * "model.layers.1.self_attn.q_proj.lora_A". */
void lora_locate(char *buf, size_t size, const struct lora *l,
                 const struct model_config *cfg, int64_t index);
void lora_release(struct lora *l); // accepts zeros

#endif
