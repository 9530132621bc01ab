/* quant.h -- how one block of each quantised type becomes f32.
 *
 * Each function writes the values of one block at `b`, which may be unaligned.
 * The layouts, and the order of the roundings, are ggml's; the sizes are those
 * of DTYPE_LIST (tensor.h), whose table names these functions.
 */
#ifndef BACKEND_QUANT_H
#define BACKEND_QUANT_H

#include <stdint.h>

void quant_q4_0(float *out, const uint8_t *b);
void quant_q4_1(float *out, const uint8_t *b);
void quant_q5_0(float *out, const uint8_t *b);
void quant_q5_1(float *out, const uint8_t *b);
void quant_q8_0(float *out, const uint8_t *b);
void quant_q2_k(float *out, const uint8_t *b);
void quant_q3_k(float *out, const uint8_t *b);
void quant_q4_k(float *out, const uint8_t *b);
void quant_q5_k(float *out, const uint8_t *b);
void quant_q6_k(float *out, const uint8_t *b);
void quant_iq4_nl(float *out, const uint8_t *b);
void quant_iq4_xs(float *out, const uint8_t *b);
void quant_mxfp4(float *out, const uint8_t *b);

/* Types whose blocks point into a list of vectors (quant_grid.c). */
void quant_iq1_s(float *out, const uint8_t *b);
void quant_iq1_m(float *out, const uint8_t *b);
void quant_iq2_xxs(float *out, const uint8_t *b);
void quant_iq2_xs(float *out, const uint8_t *b);
void quant_iq2_s(float *out, const uint8_t *b);
void quant_iq3_xxs(float *out, const uint8_t *b);
void quant_iq3_s(float *out, const uint8_t *b);

#endif
