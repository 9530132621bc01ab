/* fingerprint.c -- one hash of an adaptation. */
#include "adapt/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "adapt/reward/scorer.h"
#include "adapt/view.h"

static int
add_json(struct hash *h, const json_t *value, trv_err *err)
{
    char *text;

    TRV_ASSERT(value); // else it would pass for want of memory
    text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        return err_fail(err, TRV_ENOMEM, "no memory to plan a conversion");
    hash_add(h, text, strlen(text));
    free(text);
    return 0;
}

static void
add_floats(struct hash *h, const float *v, int64_t n)
{
    hash_add(h, v, (size_t)n * sizeof(*v));
}

static void
add_weights(struct hash *h, const struct adapter_weights *t)
{
    const struct adapter_weights_flat flat = adapter_weights_flat(t);

    add_floats(h, flat.w, flat.n);
}

static int
add_model(struct hash *h, struct session *s, trv_err *err)
{
    const struct model_identity *id;
    const int rc = session_identity(s, &id, err);

    if (!rc)
        hash_add(h, id->weights, strlen(id->weights));
    return rc;
}

static int add_source(struct hash *h, struct adaptation *a, trv_err *err);

/* A reward is its kind, its words, its numbers, and all that it is made of. */
static int
add_reward(struct hash *h, enum kind kind, const struct reward *r, trv_err *err)
{
    int rc = add_json(h, r->conf, err);

    hash_add(h, kind_name(kind), strlen(kind_name(kind)));
    hash_add(h, &r->beta, sizeof(r->beta));
    if (!rc && r->plus)
        rc = add_source(h, r->plus, err);
    if (!rc && r->minus)
        rc = add_source(h, r->minus, err);
    if (!rc && r->home)
        rc = add_model(h, r->home, err);
    if (!rc && r->scorer && r->scorer->whole) {
        rc = add_model(h, r->scorer->whole, err);
    } else if (!rc && r->scorer) {
        add_weights(h, &r->scorer->adapter_weights);
        add_floats(h, r->scorer->w, r->scorer->n);
    }
    for (int64_t i = 0; i < r->n_parts && !rc; i++) {
        hash_add(h, &r->parts[i].weight, sizeof(r->parts[i].weight));
        rc = add_source(h, r->parts[i].of, err);
    }
    return rc;
}

static int
add_source(struct hash *h, struct adaptation *a, trv_err *err)
{
    int rc = 0;

    if (a->kind == KIND_TEXT) {
        hash_add(h, a->text, strlen(a->text));
    } else if (view_weights(a)) {
        add_weights(h, &a->adapter_weights);
        if (a->full && !a->full_is_lent)
            rc = add_model(h, a->full, err); // what it changes in the base
    } else if (a->messages) {
        rc = add_json(h, a->messages, err);
    } else if (a->kind == KIND_DEMOS || a->kind == KIND_RETRIEVE) {
        char hex[HASH_HEX];

        rc = adaptation_hash_prompt(hex, a, err);
        if (!rc)
            hash_add(h, hex, sizeof(hex) - 1);
    } else if (a->full) {
        rc = add_model(h, a->full, err);
    }
    if (!rc && a->reward)
        rc = add_reward(h, a->kind, a->reward, err);
    for (int64_t i = 0; i < a->n_mix && !rc; i++) { // a mix holds no mix
        hash_add(h, &a->mix[i].weight, sizeof(a->mix[i].weight));
        rc = add_source(h, a->mix[i].a, err);
    }
    return rc;
}

int
source_hash(char hex[HASH_HEX], struct adaptation *a, trv_err *err)
{
    struct hash *h;
    int rc = hash_open(&h, err);

    if (rc)
        return rc;
    if (a)
        rc = add_source(h, a, err);
    else
        hash_add(h, "base", 4);
    hash_close(h, hex);
    return rc;
}
