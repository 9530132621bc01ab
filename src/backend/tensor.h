/* tensor.h -- stored numbers: types, blocks, and how they become f32.
 *
 * A tensor borrows its bytes from a mapped file. Rows are read through
 * tensor_rows_f32() alone, so that every type (and the row order of GGUF's
 * rotary weights) is known in one place.
 */
#ifndef BACKEND_TENSOR_H
#define BACKEND_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* name, ggml's number, values in a block, bytes of a block, decoder of a block
 * (NULL: plain numbers) */
#define DTYPE_LIST(X)                                                          \
    X(F32, 0, 1, 4, NULL)                                                      \
    X(F16, 1, 1, 2, NULL)                                                      \
    X(BF16, 30, 1, 2, NULL)                                                    \
    X(Q8_0, 8, 32, 34, quant_q8_0)                                             \
    X(Q4_0, 2, 32, 18, quant_q4_0)                                             \
    X(Q4_1, 3, 32, 20, quant_q4_1)                                             \
    X(Q5_0, 6, 32, 22, quant_q5_0)                                             \
    X(Q5_1, 7, 32, 24, quant_q5_1)                                             \
    X(Q2_K, 10, 256, 84, quant_q2_k)                                           \
    X(Q3_K, 11, 256, 110, quant_q3_k)                                          \
    X(Q4_K, 12, 256, 144, quant_q4_k)                                          \
    X(Q5_K, 13, 256, 176, quant_q5_k)                                          \
    X(Q6_K, 14, 256, 210, quant_q6_k)                                          \
    X(IQ4_NL, 20, 32, 18, quant_iq4_nl)                                        \
    X(IQ4_XS, 23, 256, 136, quant_iq4_xs)                                      \
    X(MXFP4, 39, 32, 17, quant_mxfp4)                                          \
    X(IQ3_S, 21, 256, 110, quant_iq3_s)                                        \
    X(IQ3_XXS, 18, 256, 98, quant_iq3_xxs)                                     \
    X(IQ2_S, 22, 256, 82, quant_iq2_s)                                         \
    X(IQ2_XS, 17, 256, 74, quant_iq2_xs)                                       \
    X(IQ2_XXS, 16, 256, 66, quant_iq2_xxs)                                     \
    X(IQ1_M, 29, 256, 56, quant_iq1_m)                                         \
    X(IQ1_S, 19, 256, 50, quant_iq1_s)

enum dtype {
#define DTYPE_ENUM(name, ...) DT_##name,
    DTYPE_LIST(DTYPE_ENUM)
#undef DTYPE_ENUM
        DT_COUNT
};

const char *dtype_name(enum dtype t);      // "F32", ...
enum dtype dtype_of_ggml(uint32_t number); // DT_COUNT where it is not read
int64_t dtype_block_values(enum dtype t);  // 1 where it is not quantised
/** Bytes of n values in a row; 0 where n is no whole number of blocks or the
 * size overflows. */
size_t dtype_row_bytes(enum dtype t, int64_t n);

struct tensor {
    const char *name; // as in the file
    enum dtype type;
    int n_dims;
    int64_t dim[4]; // outermost first, as Hugging Face writes shapes
    const void *data;
    size_t bytes;
    /* GGUF stores the rows of rotary q and k weights of some families with
     * the two halves of each head interleaved; with unpermute_heads = number
     * of heads, row r is read from where the file keeps it. 0: as stored. Or
     * the rows of q, of k and of v lie one after the other, and are read head
     * by head: q, k and v of the first, and so on. */
    int32_t unpermute_heads;
    bool unpermute_parts;
    float plus; // added to each value: Gemma's norms are stored less 1
};

/** out [n, cols] = rows row0.. of a matrix [rows, cols] (a vector is one row).
 * The range must lie inside. */
void tensor_rows_f32(float *out, const struct tensor *t, int64_t row0,
                     int64_t n);
int64_t tensor_rows(const struct tensor *t); // 1 for a vector
int64_t tensor_cols(const struct tensor *t);

/* bfloat16: the upper half of a float, rounded to nearest even. */
typedef uint16_t bf16;
static inline float
bf16_to_f32(bf16 x)
{
    union {
        uint32_t u;
        float f;
    } v = {(uint32_t)x << 16};

    return v.f;
}
static inline bf16
bf16_from_f32(float x)
{
    union {
        float f;
        uint32_t u;
    } v = {x};

    if ((v.u & 0x7fffffffu) > 0x7f800000u) // NaN stays NaN
        return (bf16)((v.u >> 16) | 0x40u);
    return (bf16)((v.u + 0x7fffu + ((v.u >> 16) & 1u)) >> 16);
}
float f16_to_f32(uint16_t x);
uint16_t f16_from_f32(float x);

#endif
