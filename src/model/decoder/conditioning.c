/* conditioning.c -- plain contexts, and the sizes of all. */
#include "model/decoder/conditioning.h"

int
conditioning_plain(struct context *out, struct decoder *d,
                   const struct adapter_weights *adapter_weights,
                   struct ids *ids, trv_err *err)
{
    *out = (struct context){.parts = mem_calloc(1, sizeof(*out->parts)),
                            .store = mem_calloc(1, sizeof(*out->store))};
    if (!out->parts || !out->store) {
        conditioning_release(out);
        return err_fail(err, TRV_ENOMEM, "no memory for a context");
    }
    out->n = 1;
    out->parts[0] = (struct component){d, adapter_weights, ids->v, ids->n, 1.0};
    out->store[0] = *ids;
    *ids = (struct ids){0};
    return 0;
}

int64_t
conditioning_length(const struct context *c)
{
    int64_t most = 0;

    for (int64_t i = 0; i < c->n; i++)
        if (c->parts[i].n_ids > most)
            most = c->parts[i].n_ids;
    return most;
}

int64_t
conditioning_left(const struct context *c)
{
    int64_t least = INT64_MAX;

    for (int64_t i = 0; i < c->n; i++) {
        const int64_t room = c->parts[i].d->cfg->context - c->parts[i].n_ids;

        if (room < least)
            least = room;
    }
    return least;
}

void
conditioning_release(struct context *c)
{
    for (int64_t i = 0; c->store && i < c->n; i++)
        ids_release(&c->store[i]);
    mem_free(c->store);
    mem_free(c->parts);
    *c = (struct context){0};
}
