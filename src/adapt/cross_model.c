/* cross_model.c -- opening adaptations of other models. */
#include "adapt/cross_model.h"

#include <string.h>

#include "adapt/reward/reward.h"
#include "adapt/reward/reward_part.h"
#include "base/mem.h"

static int
no_memory(trv_err *err)
{
    return err_fail(err, TRV_ENOMEM, "no memory to carry an adaptation");
}

/* The part of weight -1, which owns the other model. */
static int
base_part(struct adaptation **out, struct session **base, const char *dir,
          trv_err *err)
{
    struct adaptation *a = mem_calloc(1, sizeof(*a));

    *out = NULL;
    if (!a)
        return no_memory(err);
    a->kind = KIND_FULL;
    a->form = kind_form(KIND_FULL);
    a->spec = mem_strdup(dir);
    a->path = mem_strdup(dir);
    if (!a->spec || !a->path) {
        adaptation_free(a);
        return no_memory(err);
    }
    a->full = *base;
    *base = NULL;
    *out = a;
    return 0;
}

/* this + (A on base) - base. */
static int
carry_tokens(struct adaptation *a, struct adaptation **part,
             struct session **base, const char *dir, trv_err *err)
{
    struct adaptation *minus = NULL;
    int rc;

    a->kind = KIND_MIX;
    a->is_carried = true;
    a->mix = mem_calloc(2, sizeof(*a->mix));
    if (!a->mix)
        return no_memory(err);
    if (!(*part)->full) { // else it is a model of its own
        (*part)->full = *base;
        (*part)->full_is_lent = true;
    }
    rc = base_part(&minus, base, dir, err);
    if (rc)
        return rc;
    a->mix[0] = (struct mix_part){*part, 1.0};
    a->mix[1] = (struct mix_part){minus, -1.0};
    a->n_mix = 2;
    *part = NULL;
    return 0;
}

/* A ratio that is scored in the other model's tokens. */
static int
carry_texts(struct adaptation *a, struct adaptation **part,
            struct session **base, trv_err *err)
{
    if ((*part)->kind == KIND_FULL)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "'%.200s' is a whole model with another tokenizer than "
                        "this one, which cannot be carried yet",
                        a->spec);
    a->kind = KIND_RATIO;
    a->reward = mem_calloc(1, sizeof(*a->reward));
    if (!a->reward)
        return no_memory(err);
    a->reward->conf = json_object();
    a->reward->beta = 1.0;
    a->reward->plus = *part;
    a->reward->home = *base;
    *part = NULL;
    *base = NULL;
    return a->reward->conf ? 0 : no_memory(err);
}

/* Which model, and what is to be carried from it: a spec, or a part of the
 * artefact in `dir`. */
struct carried {
    const char *base;
    const char *spec;
    const json_t *part;
    const char *dir;
};

static int
carry(struct adaptation *a, const struct adaptation_how *how,
      const struct carried *c, trv_err *err)
{
    struct adaptation_how inner = *how;
    char own[HASH_HEX], other[HASH_HEX];
    struct adaptation *part = NULL;
    struct session *base = NULL;
    int rc = session_open_beside(&base, c->base, err);

    if (!rc && (!base->model->tokenizer || !how->m->tokenizer))
        rc = err_fail(err, TRV_EFORMAT, "'%s' has no tokenizer",
                      how->m->tokenizer ? c->base : how->m->path);
    if (rc)
        goto done;
    inner.m = base->model;
    inner.id = NULL;
    rc = c->spec ? adaptation_open_how(&part, &inner, c->spec, err)
                 : part_open(&part, &inner, c->dir, c->part, err);
    if (!rc && (part->kind == KIND_BASE || part->kind == KIND_MIX ||
                part->form == FORM_REWARD))
        rc = err_fail(err, TRV_EINVAL,
                      "'%.200s' is %s, which cannot be carried from one model "
                      "to another; parameters and prompts can",
                      part->spec,
                      part->kind == KIND_BASE  ? "the base"
                      : part->kind == KIND_MIX ? "a mix"
                                               : "a reward");
    if (rc)
        goto done;
    tokenizer_hash(how->m->tokenizer, own);
    tokenizer_hash(base->model->tokenizer, other);
    rc = strcmp(own, other) == 0 ? carry_tokens(a, &part, &base, c->base, err)
                                 : carry_texts(a, &part, &base, err);
done:
    adaptation_free(part);
    session_free(base);
    return rc;
}

int
carry_open(struct adaptation *a, const struct adaptation_how *how,
           const char *rest, trv_err *err)
{
    const char *comma = strchr(rest, ',');
    char *dir;
    int rc;

    if (!comma || comma == rest || !comma[1] ||
        strncmp(comma + 1, "on:", 3) == 0)
        return err_fail(err, TRV_EINVAL,
                        "'%.200s' names no model and adaptation: it is "
                        "on:DIR,A, as in on:models/a,lora:out/z",
                        a->spec);
    dir = mem_strndup(rest, (size_t)(comma - rest));
    if (!dir)
        return no_memory(err);
    rc = carry(a, how, &(struct carried){.base = dir, .spec = comma + 1}, err);
    mem_free(dir);
    return rc;
}

int
carry_open_part(struct adaptation **out, const struct adaptation_how *how,
                const char *base, const char *dir, const json_t *part,
                trv_err *err)
{
    struct adaptation *a = mem_calloc(1, sizeof(*a));
    int rc;

    *out = NULL;
    if (!a)
        return no_memory(err);
    a->spec = mem_strdup(dir);
    rc = a->spec
             ? carry(a, how,
                     &(struct carried){.base = base, .part = part, .dir = dir},
                     err)
             : no_memory(err);
    a->form = kind_form(a->kind);
    if (rc)
        adaptation_free(a);
    else
        *out = a;
    return rc;
}
