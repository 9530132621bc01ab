/* config_field.h -- the fields of a config.json, read with transformers' own
 * defaults where one is absent. What a field may say but the decoder cannot do
 * is refused by name here, so that no model is ever run as something that it
 * is not.
 */
#ifndef MODEL_CONFIG_FIELD_H
#define MODEL_CONFIG_FIELD_H

#include "model/files/config.h"

/* Bounds beyond any model that fits a machine, so that products of two sizes
 * never overflow. */
enum {
    MAX_WIDTH = 1 << 20,
    MAX_LAYERS = LAYERS_MAX,
    MAX_HEADS = 1 << 16,
    MAX_HEAD_DIM = 1 << 13,
    MAX_VOCAB = 1 << 26,
    MAX_CONTEXT = 1 << 30
};

/* A reader of fields: the first failure stays, later reads do nothing. */
struct fields {
    const json_t *obj;
    const char *file;
    trv_err *err;
    int rc;
};

/** A whole number from 1 to hi. */
int64_t field_int(struct fields *r, const char *key, int64_t dflt, int64_t hi);
double field_num(struct fields *r, const char *key, double dflt, double lo,
                 double hi);
bool field_flag(struct fields *r, const char *key, bool dflt);
const char *field_str(struct fields *r, const char *key, const char *dflt);
/** A switch that changes the model in a way that is not written here. */
void field_refuse_flag(struct fields *r, const char *key, bool dflt);
void field_activation(struct fields *r, struct model_config *c, const char *key,
                      const char *dflt);
/** A soft cap: 0 where it is null. */
double field_cap(struct fields *r, const char *key, double dflt);
/** The first table of rotary positions: beside the others with "rope_scaling" (transformers 4),
 * or all in "rope_parameters" (5). Null, absent or empty is the plain form. The
 * default of theta is the table's own, or 10000. */
void field_rope(struct fields *r, struct model_config *c);
/** LongRoPE has two sets of factors, and which one holds depends on how long a
 * text is. This decoder has one table, so the context ends where the long set
 * would begin, and within it everything is as in transformers. */
void config_cut_context(struct model_config *c);
/** The same where only the first part of each head turns: a share of it, which
 * lies beside the others, as theta does, by a name of the family's. */
void field_rope_shared(struct fields *r, struct model_config *c,
                       const char *theta, const char *share, double part);
/** The object of rotary positions: as in transformers the first that says
 * something. NULL: none does. */
const json_t *field_rope_object(struct fields *r);
/** Two tables: ropes[0] of full attention, ropes[1] of sliding attention. In
 * transformers 4 the second has the theta of the field `local`, and is never
 * scaled. Defaults of theta are the tables'
 * own; the second's is the first's where that is 0. */
void field_ropes(struct fields *r, struct model_config *c, const char *local);
/** Layers of kind 0 that attend to a window become kind 1: those that
 * "layer_types" names, or, where it is absent, those from `first` on but for
 * each `every`-th (0: none). */
void field_windows(struct fields *r, struct model_config *c, int64_t window,
                   int64_t first, int64_t every);
/** The window, `dflt` where it is absent; 0 where it is null. */
int64_t field_window(struct fields *r, int64_t dflt);
/** bos and eos. A family's default holds for its published vocabulary only:
 * outside of this one it counts as not said. */
void field_special(struct fields *r, struct model_config *c, int64_t bos,
                   int64_t eos);

#endif
