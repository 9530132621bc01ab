/* vec_table_isa.c -- the table of this instruction set. */
#include "backend/cpu/vec_isa.h"

const struct vec_ops VEC(vec_ops) = {
    .to_bf16 = VEC(vec_to_bf16),
    .to_f32 = VEC(vec_to_f32),
    .norm = VEC(vec_norm),
    .norm_back = VEC(vec_norm_back),
    .norm_grad = VEC(vec_norm_grad),
    .col_sum = VEC(vec_col_sum),
    .rope = VEC(vec_rope),
    .act = VEC(vec_act),
    .act_back = VEC(vec_act_back),
    .lse = VEC(vec_lse),
    .exp_row = VEC(vec_exp_row),
    .scale = VEC(vec_scale),
    .cap = VEC(vec_cap),
    .cap_back = VEC(vec_cap_back),
    .div = VEC(vec_div),
    .div_grad = VEC(vec_div_grad),
    .adamw = VEC(vec_adamw),
    .sum_squares = VEC(vec_sum_squares),
    .attn = VEC(vec_attn),
    .attn_one = VEC(vec_attn_one),
    .attn_back = VEC(vec_attn_back),
    .dot = VEC(vec_dot),
    .add = VEC(vec_add),
};
