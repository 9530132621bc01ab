/* cpu.c -- the fast backend: opening it, its table, its scratch. */
#include "backend/cpu/cpu.h"

#include "backend/cpu/cpu_attn.h"
#include "backend/cpu/cpu_layer.h"
#include "backend/cpu/cpu_state.h"
#include "backend/host.h"
#include "base/mem.h"

static enum cpu_isa
isa_of(const char *name)
{
    int i = CPU_ISA_COUNT - 1;

    while (i > 0 && strcmp(name, cpu_isa_names[i]) != 0)
        i--;
    return (enum cpu_isa)i;
}

static const struct vec_ops *
vec_of(enum cpu_isa isa)
{
    if (isa >= CPU_avx512)
        return &vec_ops_avx512;
    return isa == CPU_avx2 ? &vec_ops_avx2 : &vec_ops_base;
}

static void
cpu_close(struct backend *be)
{
    struct cpu_state *st = be->state;

    if (!st)
        return;
    onednn_free(st->od);
    mem_free(st->scratch);
    mem_free(st);
    be->state = NULL;
}

static int
cpu_open(struct backend *be, trv_err *err)
{
    const enum cpu_isa isa = isa_of(be->isa);
    struct cpu_state *st = mem_calloc(1, sizeof(*st));
    int rc;

    if (!st)
        return err_fail(err, TRV_ENOMEM, "no memory for a backend");
    be->state = st;
    st->vec = vec_of(isa);
    if (be->prec == PREC_AUTO)
        be->prec = isa >= CPU_avx512_bf16 ? PREC_BF16 : PREC_F32;
    if (be->prec == PREC_BF16 && isa < CPU_avx512_bf16) {
        /* oneDNN emulates bf16 on avx512, at a third of the speed of f32. */
        be->prec = PREC_F32;
        be->note = "this instruction set does not multiply bf16: f32 is used";
    }
    be->act_type = be->prec == PREC_BF16 ? DT_BF16 : DT_F32;
    rc = onednn_open(&st->od, isa, be->threads, &be->note, err);
    if (rc)
        cpu_close(be);
    return rc;
}

void *
cpu_scratch(struct backend *be, size_t bytes)
{
    struct cpu_state *st = cpu_state(be);
    void *p;

    if (bytes <= st->scratch_bytes)
        return st->scratch;
    p = mem_alloc(bytes);
    if (!p)
        return NULL;
    mem_free(st->scratch);
    st->scratch = p;
    st->scratch_bytes = bytes;
    return p;
}

const struct backend_ops cpu_ops = {
    .name = "cpu",
    HOST_SLOTS,
    .open = cpu_open,
    .close = cpu_close,
    .linear_open = cpu_linear_open,
    .linear_refresh = cpu_linear_refresh,
    .linear_open_backward = cpu_linear_open_backward,
    .linear_close = cpu_linear_close,
    .linear_forward = cpu_linear_forward,
    .linear_backward = cpu_linear_backward,
    .matmul = cpu_matmul,
    .norm_forward = cpu_norm_forward,
    .norm_backward = cpu_norm_backward,
    .rope = cpu_rope,
    .act_forward = cpu_act_forward,
    .act_backward = cpu_act_backward,
    .attn_forward = cpu_attn_forward,
    .attn_backward = cpu_attn_backward,
    .xent = cpu_xent,
    .divergence = cpu_divergence,
    .softmax = cpu_softmax,
    .scale = cpu_scale,
    .scale_backward = cpu_scale_backward,
    .cast = cpu_cast,
    .col_sum = cpu_col_sum,
    .adamw = cpu_adamw,
    .sum_squares = cpu_sum_squares,
};
