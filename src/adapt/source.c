/* source.c -- one hash of all that an adaptation says. */
#include "adapt/source.h"

#include <stdlib.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "adapt/view.h"

static int
add_json(struct hash *h, const json_t *value, trv_err *err)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

    if (!text)
        return err_fail(err, TRV_ENOMEM, "no memory to plan a conversion");
    hash_add(h, text, strlen(text));
    free(text);
    return 0;
}

static int
add_source(struct hash *h, struct adaptation *a, trv_err *err)
{
    const struct model_identity *id;
    int rc = 0;

    if (a->kind == KIND_TEXT) {
        hash_add(h, a->text, strlen(a->text));
    } else if (view_terms(a)) {
        const struct terms_flat flat = terms_flat(&a->terms);

        hash_add(h, flat.w, (size_t)flat.n * sizeof(float));
    } else if (a->messages) {
        rc = add_json(h, a->messages, err);
    } else if (a->kind == KIND_DEMOS || a->kind == KIND_RETRIEVE) {
        char hex[HASH_HEX];

        rc = adaptation_hash_prompt(hex, a, err);
        if (!rc)
            hash_add(h, hex, sizeof(hex) - 1);
    } else if (a->full) {
        rc = session_identity(a->full, &id, err);
        if (!rc)
            hash_add(h, id->weights, strlen(id->weights));
    }
    if (!rc && a->reward)
        rc = add_json(h, a->reward->conf, err);
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
