/* cross_model.c -- cross-model transfer of adaptations. */
#include "adapt/cross_model.h"

#include <string.h>

#include "adapt/reward/reward.h"
#include "base/mem.h"

int
cross_model_check(enum kind kind, const char *spec, trv_err *err)
{
    const char *is = kind == KIND_BASE                ? "the base"
                     : kind == KIND_MIX               ? "a mix"
                     : kind_form(kind) == FORM_REWARD ? "a reward"
                                                      : NULL;

    return is ? err_fail(err, TRV_EINVAL,
                         "'%.200s' is %s, which cannot be transferred from one "
                         "model to another; parameters and prompts can",
                         spec, is)
              : 0;
}

/* this + (A on base) - base; the part of weight -1 owns the other model. */
static int
cross_model_tokens(struct adaptation *a, struct adaptation **part,
                   struct adaptation **base, trv_err *err)
{
    a->kind = KIND_MIX;
    a->is_cross_model = true;
    a->mix = mem_calloc(2, sizeof(*a->mix));
    if (!a->mix)
        return err_nomem(err, "to carry an adaptation");
    if (!(*part)->full) { // else it is a model of its own
        (*part)->full = (*base)->full;
        (*part)->full_is_lent = true;
    }
    a->mix[0] = (struct mix_component){*part, 1.0};
    a->mix[1] = (struct mix_component){*base, -1.0};
    a->n_mix = 2;
    *part = *base = NULL;
    return 0;
}

/* A ratio that is scored in the other model's tokens. */
static int
cross_model_texts(struct adaptation *a, struct adaptation **part,
                  struct adaptation *base, trv_err *err)
{
    if ((*part)->kind == KIND_FULL)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%.200s' is a whole model with another tokenizer than "
                        "this one, which cannot be transferred yet",
                        a->spec);
    a->kind = KIND_RATIO;
    a->reward = mem_calloc(1, sizeof(*a->reward));
    if (!a->reward)
        return err_nomem(err, "to carry an adaptation");
    a->reward->conf = json_object();
    a->reward->beta = 1.0;
    a->reward->plus = *part;
    a->reward->home = base->full;
    *part = NULL;
    base->full = NULL;
    return a->reward->conf ? 0 : err_nomem(err, "to carry an adaptation");
}

int
cross_model_open(struct adaptation *a, struct kind_source *from, trv_err *err)
{
    struct adaptation **part = &from->parts[0].a, **base = &from->parts[1].a;
    const struct model *m = from->m, *other;
    char own[HASH_HEX], theirs[HASH_HEX];
    int rc;

    TRV_ASSERT(from->n_parts == 2);
    rc = cross_model_check((*part)->kind, (*part)->spec, err);
    if (rc)
        return rc;
    other = (*base)->full->model;
    tokenizer_hash(m->tokenizer, own);
    tokenizer_hash(other->tokenizer, theirs);
    return strcmp(own, theirs) == 0 ? cross_model_tokens(a, part, base, err)
                                    : cross_model_texts(a, part, *base, err);
}
