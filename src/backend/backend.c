/* backend.c -- which backend, which instruction set, which precision. */
#include "backend/backend.h"

#include <omp.h>

#include "backend/cpu/cpu.h"
#include "backend/ref/ref.h"
#include "backend/waiting.h"
#include "base/mem.h"

const char *
activation_name(enum activation f)
{
#define ACTIVATION_NAME(id, name) name,
    static const char *const names[] = {ACTIVATION_LIST(ACTIVATION_NAME)};
#undef ACTIVATION_NAME

    TRV_ASSERT((int)f >= 0 && (int)f < ACT_COUNT);
    return names[f];
}

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
    waiting_be_polite(be->threads);
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

/* --- memory --- */

struct mat
backend_fetch(struct backend *be, struct arena *a, struct mat x)
{
    const size_t row = (size_t)x.cols * mat_value_bytes(x);
    struct mat y = x;

    if (be->ops->is_host)
        return x;
    y.ld = x.cols;
    y.data = arena_alloc(a, (size_t)x.rows * row);
    if (y.data && x.ld == x.cols)
        be->ops->download(be, y.data, x.data, (size_t)x.rows * row);
    for (int64_t i = 0; y.data && x.ld != x.cols && i < x.rows; i++)
        be->ops->download(be, (char *)y.data + (size_t)i * row,
                          mat_part(x, i, 1, 0, x.cols).data, row);
    return y;
}

void
backend_store(struct backend *be, struct mat to, struct mat fetched)
{
    const size_t row = (size_t)to.cols * mat_value_bytes(to);

    for (int64_t i = 0; to.data != fetched.data && i < to.rows; i++)
        be->ops->upload(be, mat_part(to, i, 1, 0, to.cols).data,
                        mat_part(fetched, i, 1, 0, to.cols).data, row);
}

void
backend_drop(struct backend *be, void *p)
{
    if (be)
        be->ops->mem_free(be, p);
    else
        mem_free(p);
}

int
backend_take(struct backend *be, float **w, float **g, int64_t n, trv_err *err)
{
    const size_t bytes = (size_t)n * sizeof(float);
    float **const from[2] = {w, g};
    float *to[2] = {0};

    if (be->ops->is_host)
        return 0;
    for (int i = 0; i < 2; i++) {
        if (!*from[i])
            continue;
        to[i] = be->ops->mem_alloc(be, bytes);
        if (!to[i]) {
            be->ops->mem_free(be, to[0]);
            return err_fail(err, TRV_ENOMEM,
                            "no memory of the backend for %lld parameters",
                            (long long)n);
        }
        be->ops->upload(be, to[i], *from[i], bytes);
    }
    for (int i = 0; i < 2; i++) {
        mem_free(*from[i]);
        *from[i] = to[i];
    }
    return 0;
}

static void *
source_alloc(void *of, size_t bytes)
{
    struct backend *be = of;

    return be->ops->mem_alloc(be, bytes);
}

static void
source_free(void *of, void *p)
{
    struct backend *be = of;

    be->ops->mem_free(be, p);
}

int
backend_arena(struct arena *a, struct backend *be, trv_err *err)
{
    const struct arena_source source = {source_alloc, source_free, be};

    if (be->ops->is_host || arena_part(a, &source))
        return 0;
    return err_fail(err, TRV_ENOMEM, "no memory for an arena");
}
