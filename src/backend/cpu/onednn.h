/* onednn.h -- every call of oneDNN lies behind this page.
 *
 * Products are matmul primitives, kept in a bounded table by shape, types,
 * strides and factors; making one takes 0.2 to 0.5 ms, running one 2 us and
 * up. Which implementation multiplies is a matter of the shape, types and
 * strides alone, never of the threads or of what was made before. Only the
 * `brg` implementations are run by many threads, and only as many as leave
 * their sums in one order; a row's result does not depend on how many rows
 * come with it (test_ops_steady.c checks both bit for bit). The gemm
 * implementations split K between threads, so they run on one thread, or as
 * tiles of fixed size that the caller spreads (onednn_sgemm); there a row's
 * last bits may depend on the rows beside it.
 */
#ifndef BACKEND_CPU_ONEDNN_H
#define BACKEND_CPU_ONEDNN_H

#include "backend/backend.h"
#include "backend/cpu/cpu.h"

struct onednn;
/* A right-hand matrix [K,N] in the layout that the products like best. */
struct onednn_weights;

/** One for each backend; calls on one are not to meet. *note is set where
 * the library cannot be held to `isa`. */
int onednn_open(struct onednn **out, enum cpu_isa isa, int threads,
                const char **note, trv_err *err);
void onednn_free(struct onednn *od);

/** Do matmul primitives run fast and in one order here? In f32 from avx512
 * on, in bf16 from avx512_bf16 on. */
bool onednn_has_products(const struct onednn *od);

/** Room for [K,N] of type F32 or BF16, zeros. TRV_ENOMEM. */
int onednn_weights_open(struct onednn_weights **out, struct onednn *od,
                        int64_t K, int64_t N, enum dtype type, trv_err *err);
/** Rows k0.., columns n0.. of w = src[k*stride_k + n*stride_n], f32.
 * false where the layout cannot be filled at this place alone: fill all. */
bool onednn_weights_fill(struct onednn *od, struct onednn_weights *w,
                         int64_t k0, int64_t nk, int64_t n0, int64_t nn,
                         const float *src, int64_t stride_k, int64_t stride_n);
void onednn_weights_free(struct onednn_weights *w);

/** y [M,N] = beta*y + alpha * (op(a) b + bias), b either `packed` or the mat
 * with tb. Both operands of one type. bias is NULL where alpha is not 1.
 * false, and nothing done, where f32 by plain b is better left to tiles. */
bool onednn_product(struct onednn *od, struct mat y, struct mat a, bool ta,
                    struct mat b, bool tb, const struct onednn_weights *packed,
                    const float *bias, float alpha, float beta);

/** The same in f32 on the calling thread, without bias. */
void onednn_sgemm(struct mat y, struct mat a, bool ta, struct mat b, bool tb,
                  float alpha, float beta);

#endif
