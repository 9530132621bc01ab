/* onednn.c -- oneDNN v2: primitives, their table, packed weights. */
#include "backend/cpu/onednn.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

/* A linear map meets at most 33 sizes of M (cpu_linear.c) in each direction,
 * and a decoder has about ten shapes; a primitive holds some 25 KB of code. */
#define SLOTS 2048 // of the table; a power of two
#define MOST 1024  // products held; then the least recently used goes

struct key {
    int64_t M, N, K, lda, ldb, ldy;
    dnnl_memory_desc_t const *packed; // identity of a layout; NULL: plain
    float alpha, beta;
    uint8_t type, ta, tb, bias;
    uint8_t pad[4];
};

struct product {
    struct key key;
    dnnl_primitive_t prim;
    dnnl_memory_t src, weights, bias, dst, scratch;
    size_t scratch_bytes;
    int threads;
    bool is_brg; // else gemm, which runs on one thread
    struct product *next;
    struct product *newer, *older; // by last use
};

/* Layouts are few and shared by all weights of one shape. */
struct layout {
    dnnl_memory_desc_t md;
    int64_t K, N;
    enum dtype type;
    struct layout *next;
};

struct onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    int threads;
    enum cpu_isa isa;
    struct product *slot[SLOTS];
    struct product *newest, *oldest;
    int64_t n_products;
    struct layout *layouts;
    void *scratch;
    size_t scratch_bytes;
};

struct onednn_weights {
    const struct layout *layout;
    void *data;
    dnnl_memory_t mem;
};

static dnnl_data_type_t
type_of(enum dtype t)
{
    return t == DT_F32 ? dnnl_f32 : dnnl_bf16;
}

/* Rows and columns with any strides. The stride of a lonely row or column
 * says nothing, yet oneDNN chooses an implementation by it, keeps what it made
 * and hands it out for any other such stride. So all of them are made one, or
 * the choice would hang on what was made before. */
static bool
plain_desc(dnnl_memory_desc_t *md, int64_t rows, int64_t cols, enum dtype t,
           int64_t row_stride, int64_t col_stride)
{
    const dnnl_dims_t dims = {rows, cols};
    const dnnl_dims_t strides = {rows == 1 ? cols * col_stride : row_stride,
                                 cols == 1 ? 1 : col_stride};

    return dnnl_memory_desc_init_by_strides(md, 2, dims, type_of(t), strides) ==
           dnnl_success;
}

/* The tile registers must be asked for, once for each process (Linux 5.16). */
static bool
ask_for_tiles(void)
{
    const long arch_req_xcomp_perm = 0x1023, tile_data = 18;

    return syscall(SYS_arch_prctl, arch_req_xcomp_perm, tile_data) == 0;
}

static dnnl_cpu_isa_t
dnnl_isa(enum cpu_isa isa)
{
    static const dnnl_cpu_isa_t of[CPU_ISA_COUNT] = {
        [CPU_base] = dnnl_cpu_isa_sse41,
        [CPU_avx2] = dnnl_cpu_isa_avx2,
        [CPU_avx512] = dnnl_cpu_isa_avx512_core,
        [CPU_avx512_bf16] = dnnl_cpu_isa_avx512_core_bf16,
        [CPU_amx] = dnnl_cpu_isa_avx512_core_amx,
    };

    return of[isa];
}

int
onednn_open(struct onednn **out, enum cpu_isa isa, int threads,
            const char **note, trv_err *err)
{
    struct onednn *od;
    int rc = 0;

    *out = NULL;
    if (isa == CPU_amx && !ask_for_tiles())
        return err_fail(err, TRV_EUNSUPPORTED,
                        "the system does not give out the AMX tile registers");
    od = mem_calloc(1, sizeof(*od));
    if (!od)
        return err_fail(err, TRV_ENOMEM, "no memory for oneDNN");
    od->threads = threads;
    od->isa = isa;
    /* Refused once the library has chosen for itself or for another backend
     * of this process. */
    if (dnnl_set_max_cpu_isa(dnnl_isa(isa)) != dnnl_success &&
        dnnl_get_effective_cpu_isa() != dnnl_isa(isa))
        *note = "oneDNN keeps the instruction set that was chosen first in "
                "this process";
    if (dnnl_engine_create(&od->engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&od->stream, od->engine,
                           dnnl_stream_default_flags) != dnnl_success) {
        rc = err_fail(err, TRV_EUNSUPPORTED, "oneDNN gives no engine");
        onednn_free(od);
        return rc;
    }
    *out = od;
    return 0;
}

static void
product_free(struct product *p)
{
    if (!p)
        return;
    dnnl_memory_destroy(p->src);
    dnnl_memory_destroy(p->weights);
    dnnl_memory_destroy(p->bias);
    dnnl_memory_destroy(p->dst);
    dnnl_memory_destroy(p->scratch);
    dnnl_primitive_destroy(p->prim);
    mem_free(p);
}

void
onednn_free(struct onednn *od)
{
    if (!od)
        return;
    for (struct product *p = od->newest; p;) {
        struct product *older = p->older;

        product_free(p);
        p = older;
    }
    for (struct layout *l = od->layouts; l;) {
        struct layout *next = l->next;

        mem_free(l);
        l = next;
    }
    dnnl_stream_destroy(od->stream);
    dnnl_engine_destroy(od->engine);
    mem_free(od->scratch);
    mem_free(od);
}

bool
onednn_has_products(const struct onednn *od)
{
    return od->isa >= CPU_avx512;
}

/* Ask a product of 256 rows which layout it wants; others take it as well. */
static const struct layout *
layout_for(struct onednn *od, int64_t K, int64_t N, enum dtype type)
{
    const dnnl_dims_t dims = {K, N};
    dnnl_memory_desc_t src, any, dst;
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    struct layout *l;

    for (l = od->layouts; l; l = l->next)
        if (l->K == K && l->N == N && l->type == type)
            return l;
    l = mem_calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    l->K = K;
    l->N = N;
    l->type = type;
    if (!plain_desc(&src, 256, K, type, K, 1) ||
        !plain_desc(&dst, 256, N, DT_F32, N, 1) ||
        dnnl_memory_desc_init_by_tag(&any, 2, dims, type_of(type),
                                     dnnl_format_tag_any) != dnnl_success ||
        dnnl_matmul_desc_init(&desc, &src, &any, NULL, &dst) != dnnl_success ||
        dnnl_primitive_desc_create(&pd, &desc, NULL, od->engine, NULL) !=
            dnnl_success) {
        mem_free(l);
        return NULL;
    }
    l->md = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    dnnl_primitive_desc_destroy(pd);
    l->next = od->layouts;
    od->layouts = l;
    return l;
}

int
onednn_weights_open(struct onednn_weights **out, struct onednn *od, int64_t K,
                    int64_t N, enum dtype type, trv_err *err)
{
    struct onednn_weights *w = mem_calloc(1, sizeof(*w));

    *out = NULL;
    if (!w)
        return err_fail(err, TRV_ENOMEM, "no memory for weights");
    omp_set_num_threads(1); // the layout is a matter of the shape
    w->layout = layout_for(od, K, N, type);
    if (w->layout)
        w->data = mem_calloc(1, dnnl_memory_desc_get_size(&w->layout->md));
    if (!w->data || dnnl_memory_create(&w->mem, &w->layout->md, od->engine,
                                       w->data) != dnnl_success) {
        onednn_weights_free(w);
        return err_fail(err, TRV_ENOMEM,
                        "no memory for weights of %lld by %lld", (long long)N,
                        (long long)K);
    }
    *out = w;
    return 0;
}

void
onednn_weights_free(struct onednn_weights *w)
{
    if (!w)
        return;
    dnnl_memory_destroy(w->mem);
    mem_free(w->data);
    mem_free(w);
}

bool
onednn_weights_fill(struct onednn *od, struct onednn_weights *w, int64_t k0,
                    int64_t nk, int64_t n0, int64_t nn, const float *src,
                    int64_t stride_k, int64_t stride_n)
{
    const dnnl_dims_t dims = {nk, nn}, at = {k0, n0};
    union {
        const float *in;
        void *out;
    } from = {src}; // the library reads it only
    dnnl_memory_desc_t src_md, part_md;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t prim = NULL;
    dnnl_memory_t a = NULL, b = NULL;
    bool ok;

    if (!plain_desc(&src_md, nk, nn, DT_F32, stride_k, stride_n) ||
        dnnl_memory_desc_init_submemory(&part_md, &w->layout->md, dims, at) !=
            dnnl_success)
        return false;
    omp_set_num_threads(od->threads);
    ok =
        dnnl_reorder_primitive_desc_create(&pd, &src_md, od->engine, &part_md,
                                           od->engine, NULL) == dnnl_success &&
        dnnl_primitive_create(&prim, pd) == dnnl_success &&
        dnnl_memory_create(&a, &src_md, od->engine, from.out) == dnnl_success &&
        dnnl_memory_create(&b, &part_md, od->engine, DNNL_MEMORY_NONE) ==
            dnnl_success &&
        /* without writing zeros to the padding, which is there already */
        dnnl_memory_set_data_handle_v2(b, w->data, od->stream) == dnnl_success;
    if (ok) {
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, a}, {DNNL_ARG_TO, b}};

        ok =
            dnnl_primitive_execute(prim, od->stream, 2, args) == dnnl_success &&
            dnnl_stream_wait(od->stream) == dnnl_success;
    }
    dnnl_memory_destroy(a);
    dnnl_memory_destroy(b);
    dnnl_primitive_destroy(prim);
    dnnl_primitive_desc_destroy(pd);
    return ok;
}

static size_t
slot_of(const struct key *k)
{
    const unsigned char *bytes = (const unsigned char *)k;
    uint64_t h = 0x9e3779b97f4a7c15u;

    for (size_t i = 0; i < sizeof(*k); i += 8) {
        uint64_t word;

        memcpy(&word, bytes + i, 8);
        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    return (size_t)h & (SLOTS - 1);
}

static void
unlink_use(struct onednn *od, struct product *p)
{
    *(p->newer ? &p->newer->older : &od->newest) = p->older;
    *(p->older ? &p->older->newer : &od->oldest) = p->newer;
}

static void
link_newest(struct onednn *od, struct product *p)
{
    p->newer = NULL;
    p->older = od->newest;
    *(od->newest ? &od->newest->newer : &od->oldest) = p;
    od->newest = p;
}

static void
drop_oldest(struct onednn *od)
{
    struct product *p = od->oldest;
    struct product **at = &od->slot[slot_of(&p->key)];

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    unlink_use(od, p);
    product_free(p);
    od->n_products--;
}

static bool
product_attr(dnnl_primitive_attr_t *out, const struct key *k)
{
    dnnl_post_ops_t ops = NULL;
    bool ok = dnnl_primitive_attr_create(out) == dnnl_success &&
              dnnl_primitive_attr_set_scratchpad_mode(
                  *out, dnnl_scratchpad_mode_user) == dnnl_success &&
              dnnl_post_ops_create(&ops) == dnnl_success;

    if (ok && k->alpha != 1)
        ok = dnnl_primitive_attr_set_output_scales(*out, 1, 0, &k->alpha) ==
             dnnl_success;
    if (ok && k->beta != 0)
        ok = dnnl_post_ops_append_sum(ops, k->beta) == dnnl_success &&
             dnnl_primitive_attr_set_post_ops(*out, ops) == dnnl_success;
    dnnl_post_ops_destroy(ops);
    return ok;
}

static dnnl_primitive_desc_t
product_desc(struct onednn *od, struct product *p, dnnl_memory_desc_t md[4])
{
    const struct key *k = &p->key;
    const enum dtype type = (enum dtype)k->type;
    dnnl_matmul_desc_t desc;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;

    if (plain_desc(&md[0], k->M, k->K, type, k->ta ? 1 : k->lda,
                   k->ta ? k->lda : 1) &&
        plain_desc(&md[1], k->K, k->N, type, k->tb ? 1 : k->ldb,
                   k->tb ? k->ldb : 1) &&
        plain_desc(&md[2], 1, k->N, DT_F32, k->N, 1) &&
        plain_desc(&md[3], k->M, k->N, DT_F32, k->ldy, 1) &&
        dnnl_matmul_desc_init(&desc, &md[0], k->packed ? k->packed : &md[1],
                              k->bias ? &md[2] : NULL,
                              &md[3]) == dnnl_success &&
        product_attr(&attr, k) &&
        dnnl_primitive_desc_create(&pd, &desc, attr, od->engine, NULL) !=
            dnnl_success)
        pd = NULL;
    dnnl_primitive_attr_destroy(attr);
    return pd;
}

static bool
is_brg(dnnl_primitive_desc_t pd)
{
    const char *name = NULL;

    return dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name) ==
               dnnl_success &&
           strncmp(name, "brg", 3) == 0;
}

/* Where A is transposed and K is at least 2048, `brg` shares K among threads
 * that find no block of 64 columns of their own, and so adds in another order:
 * there are no such threads. (oneDNN 2.6, compute_blocking_heuristic.) */
static int
brg_threads(const struct onednn *od, const struct key *k)
{
    const int64_t blocks = (k->N + 63) / 64;

    return k->ta && k->K >= 2048 && od->threads > blocks ? (int)blocks
                                                         : od->threads;
}

/* The shape alone chooses the implementation: it is asked for with one thread,
 * and `brg` asked for again with as many as will run it. */
static dnnl_primitive_desc_t
product_choose(struct onednn *od, struct product *p, dnnl_memory_desc_t md[4])
{
    dnnl_primitive_desc_t pd, many;

    p->threads = 1;
    omp_set_num_threads(1);
    pd = product_desc(od, p, md);
    p->is_brg = pd && is_brg(pd);
    if (!p->is_brg || brg_threads(od, &p->key) == 1)
        return pd;
    omp_set_num_threads(brg_threads(od, &p->key));
    many = product_desc(od, p, md);
    if (!many || !is_brg(many)) {
        dnnl_primitive_desc_destroy(many);
        omp_set_num_threads(1); // for dnnl_primitive_create()
        return pd;
    }
    dnnl_primitive_desc_destroy(pd);
    p->threads = brg_threads(od, &p->key);
    return many;
}

static bool
product_make(struct onednn *od, struct product *p)
{
    dnnl_memory_desc_t md[4];
    const dnnl_memory_desc_t *scratch;
    dnnl_primitive_desc_t pd = product_choose(od, p, md);
    bool ok;

    if (!pd)
        return false;
    scratch = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    p->scratch_bytes = dnnl_memory_desc_get_size(scratch);
    ok = dnnl_primitive_create(&p->prim, pd) == dnnl_success &&
         dnnl_memory_create(&p->src, &md[0], od->engine, DNNL_MEMORY_NONE) ==
             dnnl_success &&
         dnnl_memory_create(&p->dst, &md[3], od->engine, DNNL_MEMORY_NONE) ==
             dnnl_success &&
         dnnl_memory_create(&p->scratch, scratch, od->engine,
                            DNNL_MEMORY_NONE) == dnnl_success;
    if (ok && !p->key.packed)
        ok = dnnl_memory_create(&p->weights, &md[1], od->engine,
                                DNNL_MEMORY_NONE) == dnnl_success;
    if (ok && p->key.bias)
        ok = dnnl_memory_create(&p->bias, &md[2], od->engine,
                                DNNL_MEMORY_NONE) == dnnl_success;
    dnnl_primitive_desc_destroy(pd);
    return ok;
}

static bool
reserve(struct onednn *od, size_t bytes)
{
    void *p;

    if (bytes <= od->scratch_bytes)
        return true;
    p = mem_alloc(bytes);
    if (!p)
        return false;
    mem_free(od->scratch);
    od->scratch = p;
    od->scratch_bytes = bytes;
    return true;
}

static struct product *
product_for(struct onednn *od, const struct key *key)
{
    struct product **slot = &od->slot[slot_of(key)];
    struct product *p;

    if (od->newest && memcmp(&od->newest->key, key, sizeof(*key)) == 0)
        return od->newest;
    for (p = *slot; p; p = p->next)
        if (memcmp(&p->key, key, sizeof(*key)) == 0) {
            unlink_use(od, p);
            link_newest(od, p);
            return p;
        }
    if (od->n_products >= MOST)
        drop_oldest(od);
    p = mem_calloc(1, sizeof(*p));
    TRV_ASSERT(p);
    memcpy(&p->key, key, sizeof(*key));
    TRV_ASSERT(product_make(od, p) && reserve(od, p->scratch_bytes));
    p->next = *slot;
    *slot = p;
    link_newest(od, p);
    od->n_products++;
    return p;
}

static void
set(dnnl_memory_t m, const void *data)
{
    union {
        const void *in;
        void *out;
    } p = {data};

    TRV_ASSERT(dnnl_memory_set_data_handle(m, p.out) == dnnl_success);
}

bool
onednn_product(struct onednn *od, struct mat y, struct mat a, bool ta,
               struct mat b, bool tb, const struct onednn_weights *packed,
               const float *bias, float alpha, float beta)
{
    struct key key;
    struct product *p;
    dnnl_exec_arg_t args[5];
    int n = 4;

    memset(&key, 0, sizeof(key)); // compared as bytes
    key.M = y.rows;
    key.N = y.cols;
    key.K = ta ? a.rows : a.cols;
    key.lda = a.ld;
    key.ldb = packed ? 0 : b.ld;
    key.ldy = y.ld;
    key.packed = packed ? &packed->layout->md : NULL;
    key.alpha = alpha;
    key.beta = beta;
    key.type = (uint8_t)a.type;
    key.ta = ta;
    key.tb = tb;
    key.bias = bias != NULL;
    p = product_for(od, &key);
    if (!p->is_brg && !packed && a.type == DT_F32)
        return false;

    set(p->src, a.data);
    set(p->dst, y.data);
    set(p->scratch, od->scratch);
    if (!packed)
        set(p->weights, b.data);
    args[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, p->src};
    args[1] =
        (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, packed ? packed->mem : p->weights};
    args[2] = (dnnl_exec_arg_t){DNNL_ARG_DST, p->dst};
    args[3] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, p->scratch};
    if (bias) {
        set(p->bias, bias);
        args[n++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, p->bias};
    }
    omp_set_num_threads(p->threads);
    TRV_ASSERT(dnnl_primitive_execute(p->prim, od->stream, n, args) ==
               dnnl_success);
    if (p->threads != od->threads)
        omp_set_num_threads(od->threads);
    return true;
}

void
onednn_sgemm(struct mat y, struct mat a, bool ta, struct mat b, bool tb,
             float alpha, float beta)
{
    const int64_t K = ta ? a.rows : a.cols;

    TRV_ASSERT(dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', y.rows, y.cols, K,
                          alpha, a.data, a.ld, b.data, b.ld, beta, y.data,
                          y.ld) == dnnl_success);
}
