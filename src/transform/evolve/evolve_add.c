/* evolve_add.c -- texts become candidates of the pool. */
#include "transform/evolve/evolve_add.h"

#include "base/mem.h"

int
evolve_add_parts(struct candidate **out, struct evolve *e, struct parts *parts,
                 const char *how, int64_t parent, int64_t mate, trv_err *err)
{
    *out = NULL;
    return candidates_add(out, &e->pool, parts,
                          e->prompt_value.s->model->tokenizer,
                          e->o.max_prompt_tokens, how, parent, mate, err);
}

int
evolve_add_text(struct candidate **out, struct evolve *e, const char *text,
                const char *how, int64_t parent, trv_err *err)
{
    struct parts parts = {0};
    int rc = parts_split(&parts, text)
                 ? err_nomem(err, "to propose instructions")
                 : 0;

    *out = NULL;
    if (!rc && parts.n > 0 && parts.n <= PARTS_MOST)
        rc = evolve_add_parts(out, e, &parts, how, parent, -1, err);
    parts_release(&parts);
    return rc;
}

int
evolve_ids(struct ids *z, const struct evolve *e, const struct candidate *a,
           trv_err *err)
{
    bool stands;
    int rc;

    if (!*a->text)
        return 0;
    rc = prompt_place_ids(z, &stands, e->o.slot, a->text, err);
    if (!rc && !stands)
        z->n = 0;
    return rc;
}
