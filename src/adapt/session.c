/* session.c -- a loaded model. */
#include "adapt/session.h"

int
session_open(struct session **out, const char *path,
             const struct backend_options *opts, trv_err *err)
{
    struct session *s = mem_calloc(1, sizeof(*s));
    int rc;

    *out = NULL;
    if (!s)
        return err_fail(err, TRV_ENOMEM, "no memory to open '%s'", path);
    rc = backend_open(&s->be, opts, err);
    if (!rc)
        rc = model_open(&s->model, path, err);
    if (rc) {
        session_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

static int
open_beside(struct session **out, const char *path, const struct model *with,
            bool scorer, struct strbuf *notes, trv_err *err)
{
    struct session *s = mem_calloc(1, sizeof(*s));
    int rc;

    *out = NULL;
    if (!s)
        return err_fail(err, TRV_ENOMEM, "no memory to open '%s'", path);
    s->be_is_lent = true;
    rc = scorer ? model_open_scorer(&s->model, path, err)
                : model_open(&s->model, path, err);
    if (!rc && notes && sb_add(notes, s->model->notes.s, s->model->notes.len))
        rc = err_fail(err, TRV_ENOMEM, "no memory to open '%s'", path);
    if (rc) {
        session_free(s);
        return rc;
    }
    model_share_layout(s->model, with);
    *out = s;
    return 0;
}

int
session_open_beside(struct session **out, const char *path,
                    const struct model *with, struct strbuf *notes,
                    trv_err *err)
{
    return open_beside(out, path, with, false, notes, err);
}

int
session_open_scorer(struct session **out, const char *path,
                    const struct model *with, struct strbuf *notes,
                    trv_err *err)
{
    return open_beside(out, path, with, true, notes, err);
}

void
session_free(struct session *s)
{
    if (!s)
        return;
    decoder_free(s->decoder);
    arena_release(&s->arena);
    model_free(s->model);
    if (!s->be_is_lent)
        backend_free(s->be);
    mem_free(s);
}

int
session_decoder(struct session *s, struct decoder **out, trv_err *err)
{
    int rc = s->arena.tensors ? 0 : backend_arena(&s->arena, s->be, err);

    if (!rc && !s->decoder)
        rc = decoder_open(&s->decoder, s->model, s->be, err);
    *out = s->decoder;
    return rc;
}

int
session_identity(struct session *s, const struct model_identity **out,
                 trv_err *err)
{
    int rc = 0;

    if (!s->identified)
        rc = model_identify(&s->id, s->model, err);
    s->identified = !rc;
    *out = rc ? NULL : &s->id;
    return rc;
}
