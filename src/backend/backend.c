/* backend.c -- which backend, which instruction set, which precision. */
#include "backend/backend.h"

#include <omp.h>

#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "base/mem.h"

/* Instruction sets from the plainest to the widest. */
static int
choose_isa(struct backend *be, const char *wish, trv_err *err)
{
    const char *best = cpu_best_isa();

    if (!wish || !*wish) {
        be->isa = best;
        return 0;
    }
    for (size_t i = 0; i < CPU_ISA_COUNT; i++) {
        if (strcmp(wish, cpu_isa_names[i]) != 0)
            continue;
        if (!cpu_has_isa(wish))
            return err_fail(err, TRV_EUNSUPPORTED,
                            "instruction set '%s' is asked for, but this "
                            "processor has at most '%s'",
                            wish, best);
        be->isa = cpu_isa_names[i];
        return 0;
    }
    return err_fail(err, TRV_EINVAL,
                    "unknown instruction set '%s': ref, avx2, avx512, "
                    "avx512_bf16 or amx",
                    wish);
}

int
backend_open(struct backend **out, const struct backend_options *opts,
             trv_err *err)
{
    static const struct backend_options defaults = {PREC_AUTO, 0, NULL};
    struct backend *be;
    const char *isa;
    int rc = 0;

    *out = NULL;
    opts = opts ? opts : &defaults;
    if (opts->threads < 0)
        return err_fail(err, TRV_EINVAL, "%d threads", opts->threads);
    be = mem_calloc(1, sizeof(*be));
    if (!be)
        return err_fail(err, TRV_ENOMEM, "no memory for a backend");
    isa = opts->isa ? opts->isa : getenv("TRV_ISA");
    be->prec = opts->prec;
    be->threads = opts->threads ? opts->threads : omp_get_max_threads();
    if (isa && strcmp(isa, "ref") == 0) {
        be->ops = &ref_ops;
        if (opts->prec == PREC_BF16)
            be->note = "the reference backend computes in f32";
    } else {
        rc = choose_isa(be, isa, err);
        be->ops = &cpu_ops;
    }
    if (!rc)
        rc = be->ops->open(be, err);
    if (rc) {
        mem_free(be);
        return rc;
    }
    *out = be;
    return 0;
}

void
backend_free(struct backend *be)
{
    if (!be)
        return;
    be->ops->close(be);
    mem_free(be);
}
