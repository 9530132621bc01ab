/* test_decoder_gguf.c -- the decoder on GGUF files, against transformers.
 *
 * tests/golden/model holds a tiny file of each architecture with quantised
 * tensors, and the f32 logits of transformers, which dequantised them. Both
 * sides compute in f32: 2e-5 of the largest logit, as in test_decoder.c.
 */
#include "support/families.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "model/decoder/decoder.h"
#include "model/sample/engine.h"
#include "model/decoder/head.h"
#include "model/files/safetensors.h"

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
check_arch(const char *arch, const char *isa)
{
    const struct backend_options opts = {.isa = isa, .prec = PREC_F32};
    const struct tensor *ids, *want;
    const int64_t *const *at;
    struct st_file golden;
    struct backend *be;
    struct decoder *d;
    struct arena a = {0};
    struct model *m;
    struct batch b;
    struct mat hidden, logits;
    struct row row;
    int32_t id[12];
    double top = 0, worst = 0;
    trv_err err = {0};
    char rel[64];

    snprintf(rel, sizeof(rel), "golden/model/%s.gguf", arch);
    must(model_open(&m, test_source(rel), &err), &err);
    must(backend_open(&be, &opts, &err), &err);
    must(decoder_open(&d, m, be, &err), &err);
    snprintf(rel, sizeof(rel), "golden/model/%s.safetensors", arch);
    must(st_open(&golden, test_source(rel), &err), &err);
    ids = st_find(&golden, "ids");
    want = st_find(&golden, "logits");
    assert_int_equal(ids->dim[0], 12);
    assert_int_equal(want->dim[1], m->cfg.vocab);
    for (int t = 0; t < 12; t++)
        id[t] = (int32_t)((const float *)ids->data)[t];

    row = (struct row){id, 12, NULL};
    must(batch_pack(&b, &at, &a, &row, 1, &err), &err);
    must(decoder_forward(d, &a, &hidden, &b, NULL, NULL, &err), &err);
    logits = mat_new(&a, DT_F32, 12, m->cfg.vocab);
    must(
        head_logits(d, &a, logits, (struct head_rows){hidden, at[0]}, 12, &err),
        &err);
    for (int64_t k = 0; k < 12 * m->cfg.vocab; k++) {
        const double x = (double)((const float *)logits.data)[k];
        const double y = (double)((const float *)want->data)[k];

        assert_true(isfinite(x));
        top = fmax(top, fabs(y));
        worst = fmax(worst, fabs(x - y));
    }
    if (worst > 2e-5 * top)
        fail_msg("%s on %s: off by %g of %g", arch, isa ? isa : "the best",
                 worst, top);
    print_message("%s on %s: logits off by %.1e\n", arch, be->isa, worst / top);
    arena_release(&a);
    decoder_free(d);
    backend_free(be);
    model_free(m);
    st_release(&golden);
}

static void
test_decoder_runs_gguf_files_as_transformers_does(void **state)
{
    (void)state;
    for (size_t i = 0; test_gguf_family(i); i++) {
        check_arch(test_gguf_family(i), "ref");
        check_arch(test_gguf_family(i), NULL);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decoder_runs_gguf_files_as_transformers_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
