/* logits.c -- for check_llama_cpp.py: the logits of a model, in f32, at each
 * of a row of token ids.
 *
 *     parity_logits MODEL IDS OUT
 *
 * IDS is a file of decimal ids, OUT gets [ids, vocabulary] f32.
 */
#include <stdio.h>
#include <stdlib.h>

#include "model/decoder/decoder.h"
#include "model/decoder/head.h"

#define IDS_MAX 4096

struct run {
    struct model *m;
    struct backend *be;
    struct decoder *d;
    struct arena a;
    int32_t ids[IDS_MAX];
    int64_t n;
};

static int
read_ids(struct run *r, const char *path, trv_err *err)
{
    FILE *f = fopen(path, "r");
    int id;

    if (!f)
        return err_fail(err, TRV_EIO, "cannot open '%s'", path);
    while (r->n < IDS_MAX && fscanf(f, "%d", &id) == 1)
        r->ids[r->n++] = id;
    fclose(f);
    return r->n > 0 ? 0 : err_fail(err, TRV_EFORMAT, "no ids in '%s'", path);
}

static int
compute(struct mat *out, struct run *r, trv_err *err)
{
    const struct row row = {r->ids, r->n, NULL};
    const int64_t *const *at;
    struct mat hidden;
    struct batch b;
    int rc = batch_pack(&b, &at, &r->a, &row, 1, err);

    if (!rc)
        rc = decoder_forward(r->d, &r->a, &hidden, &b, NULL, NULL, err);
    if (rc)
        return rc;
    *out = mat_new(&r->a, DT_F32, r->n, r->m->cfg.vocab);
    return head_logits(r->d, &r->a, *out, (struct head_rows){hidden, at[0]},
                       r->n, err);
}

static int
write_all(const char *path, const struct mat *x, trv_err *err)
{
    const size_t n = (size_t)(x->rows * x->cols);
    FILE *f = fopen(path, "wb");
    size_t wrote = 0;

    if (f)
        wrote = fwrite(x->data, sizeof(float), n, f);
    if (!f || fclose(f) || wrote != n)
        return err_fail(err, TRV_EIO, "cannot write '%s'", path);
    return 0;
}

int
main(int argc, char **argv)
{
    const struct backend_options opts = {.prec = PREC_F32};
    struct run r = {0};
    struct mat logits;
    trv_err err = {0};
    int rc;

    if (argc != 4) {
        fputs("parity_logits MODEL IDS OUT\n", stderr);
        return 2;
    }
    rc = read_ids(&r, argv[2], &err);
    if (!rc)
        rc = model_open(&r.m, argv[1], &err);
    if (!rc)
        rc = backend_open(&r.be, &opts, &err);
    if (!rc)
        rc = decoder_open(&r.d, r.m, r.be, &err);
    if (!rc)
        rc = compute(&logits, &r, &err);
    if (!rc)
        rc = write_all(argv[3], &logits, &err);
    if (rc)
        fprintf(stderr, "parity_logits: %s\n", err.msg);
    arena_release(&r.a);
    decoder_free(r.d);
    backend_free(r.be);
    model_free(r.m);
    return rc ? 1 : 0;
}
