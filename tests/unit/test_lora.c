/* test_lora.c -- facts about the vectors of a LoRA. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "backend/ref/ref.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/decoder/lora.h"

static struct model_config
config(const char *type)
{
    struct model_config cfg;
    json_t *obj = json_pack("{s:s}", "model_type", type);

    assert_int_equal(config_from_json(&cfg, obj, "c", NULL), 0);
    json_decref(obj);
    cfg.layers = 3;
    cfg.width = 48;
    cfg.mlp_width = 80;
    cfg.heads = 4;
    cfg.kv_heads = strcmp(type, "gpt2") ? 2 : 4;
    cfg.head_dim = 12;
    return cfg;
}

static void
test_lora_targets_match_the_ends_of_paths(void **state)
{
    const struct model_config gpt2 = config("gpt2"), llama = config("llama");
    bool p[PART_COUNT];
    trv_err err;

    (void)state;
    assert_int_equal(lora_targets(p, &gpt2, "c_proj", &err), 0);
    assert_true(p[PART_O] && p[PART_DOWN] && !p[PART_QKV] && !p[PART_UP]);
    assert_int_equal(lora_targets(p, &gpt2, "mlp.c_proj", &err), 0);
    assert_true(!p[PART_O] && p[PART_DOWN]);
    assert_int_equal(lora_targets(p, &llama, " q_proj , v_proj ", &err), 0);
    assert_true(p[PART_Q] && !p[PART_K] && p[PART_V] && !p[PART_O]);
    assert_int_equal(lora_targets(p, &llama, "all-linear", &err), 0);
    assert_true(p[PART_Q] && p[PART_DOWN] && !p[PART_QKV]);
    assert_int_equal(lora_targets(p, &llama, "proj", &err), TRV_EINVAL);
    assert_non_null(strstr(err.msg, "'proj'"));
    assert_non_null(strstr(err.msg, "self_attn.q_proj"));
    assert_int_equal(lora_targets(p, &llama, "q_proj,,v_proj", &err),
                     TRV_EINVAL);
    assert_int_equal(lora_targets(p, &llama, "q_proj,", &err), TRV_EINVAL);
    assert_int_equal(lora_targets(p, &llama, "", &err), TRV_EINVAL);
}

static void
test_lora_starts_as_peft_starts_it(void **state)
{
    const struct model_config cfg = config("llama");
    struct lora_spec spec = {.rank = 6};
    struct rng rng;
    struct lora l;
    double sum = 0.0, squares = 0.0, most = 0.0;
    int64_t n = 0;

    (void)state;
    rng_init(&rng, 1, 2);
    assert_int_equal(lora_targets(spec.parts, &cfg, "all-linear", NULL), 0);
    assert_int_equal(lora_init(&l, &cfg, &spec, true, &rng, NULL), 0);
    assert_int_equal(
        l.n,
        3 * 6 * (48 + 48 + 2 * (48 + 24) + 48 + 48 + 2 * (48 + 80) + 80 + 48));
    for (int64_t i = 0; i < 3 * PART_COUNT; i++) {
        const struct lora_pair *p = &l.pairs[i];

        for (int64_t j = 0; j < p->rank * p->in; j++, n++) {
            const double u = (double)p->a[j] * sqrt((double)p->in);

            sum += u;
            squares += u * u;
            most = fmax(most, fabs(u));
        }
        for (int64_t j = 0; j < p->rank * p->out; j++)
            assert_true(p->b[j] == 0.0f);
        if (p->rank) {
            assert_close(p->scale, 2.0, 0.0); // alpha 0: 2 * rank
            assert_close(p->alpha, 12.0, 0.0);
        }
    }
    /* Uniform on -1..1: mean 0, variance 1/3; about 6,000 draws, so three
     * standard errors are 0.022 and 0.012. */
    assert_true(n > 5000 && most <= 1.0 + 1e-6 && most > 0.99);
    assert_close(sum / (double)n, 0.0, 0.022);
    assert_close(squares / (double)n, 1.0 / 3.0, 0.012);
    lora_release(&l);
}

static void
test_lora_scale_follows_alpha_and_rslora(void **state)
{
    const struct model_config cfg = config("gpt2");
    struct lora_spec spec = {
        .rank = 9, .alpha = 18.0, .rslora = true, .layers_only = 2};
    struct rng rng;
    struct lora l;

    (void)state;
    rng_init(&rng, 1, 2);
    assert_int_equal(lora_targets(spec.parts, &cfg, "c_attn", NULL), 0);
    assert_int_equal(lora_init(&l, &cfg, &spec, false, &rng, NULL), 0);
    assert_null(lora_at(&l, 0, PART_QKV)->a); // the uppermost two only
    assert_close(lora_at(&l, 1, PART_QKV)->scale, 6.0, 1e-6);
    assert_null(lora_at(&l, 1, PART_QKV)->d_a);
    lora_release(&l);
}

static void
test_lora_refuses_bad_specs(void **state)
{
    const struct model_config cfg = config("gpt2");
    struct lora_spec spec = {.rank = 4};
    struct rng rng;
    struct lora l;
    trv_err err;

    (void)state;
    rng_init(&rng, 1, 2);
    assert_int_equal(lora_init(&l, &cfg, &spec, false, &rng, &err), TRV_EINVAL);
    assert_non_null(strstr(err.msg, "adapts no layer"));
    spec.parts[PART_QKV] = true;
    spec.rank = 513;
    assert_int_equal(lora_init(&l, &cfg, &spec, false, &rng, &err), TRV_EINVAL);
    spec.rank = 0;
    assert_int_equal(lora_init(&l, &cfg, &spec, false, &rng, &err), TRV_EINVAL);
    spec.rank = 4;
    spec.dropout = 1.0f;
    assert_int_equal(lora_init(&l, &cfg, &spec, false, &rng, &err), TRV_EINVAL);
    spec.dropout = 0.0f;
    spec.layers_only = 4;
    assert_int_equal(lora_init(&l, &cfg, &spec, false, &rng, &err), TRV_EINVAL);
    spec.layers_only = 0;
    spec.alpha = (double)INFINITY;
    assert_int_equal(lora_init(&l, &cfg, &spec, false, &rng, &err), TRV_EINVAL);
}

static void
test_lora_refresh_rounds_copies_and_allocates_once(void **state)
{
    const struct model_config cfg = config("gpt2");
    struct lora_spec spec = {.rank = 4};
    struct backend be = {.ops = &ref_ops, .act_type = DT_BF16};
    struct rng rng;
    struct lora l;
    const struct lora_pair *p;
    int64_t calls;

    (void)state;
    rng_init(&rng, 1, 2);
    assert_int_equal(lora_targets(spec.parts, &cfg, "all-linear", NULL), 0);
    assert_int_equal(lora_init(&l, &cfg, &spec, true, &rng, NULL), 0);
    p = lora_at(&l, 2, PART_DOWN);
    assert_ptr_equal(p->a_act, p->a);
    assert_int_equal(lora_refresh(&l, &be, NULL), 0);
    calls = mem_stats_get().calls;
    p->b[5] = 1.00390625f; // 1 + 2^-8: between two bf16, rounds to even
    assert_int_equal(lora_refresh(&l, &be, NULL), 0);
    assert_int_equal(mem_stats_get().calls, calls);
    assert_close(bf16_to_f32(((bf16 *)p->b_act)[5]), 1.0, 0.0);
    assert_close(bf16_to_f32(((bf16 *)p->a_act)[3]), p->a[3],
                 fabs((double)p->a[3]) / 256);
    be.act_type = DT_F32;
    assert_int_equal(lora_refresh(&l, &be, NULL), 0);
    assert_ptr_equal(p->b_act, p->b);
    lora_release(&l);
}

static void
test_lora_locate_names_the_tensor_of_a_parameter(void **state)
{
    const struct model_config cfg = config("llama");
    struct lora_spec spec = {.rank = 2};
    struct rng rng;
    struct lora l;
    char name[256];

    (void)state;
    rng_init(&rng, 1, 2);
    assert_int_equal(lora_targets(spec.parts, &cfg, "q_proj,down_proj", NULL),
                     0);
    assert_int_equal(lora_init(&l, &cfg, &spec, true, &rng, NULL), 0);
    lora_locate(name, sizeof(name), &l, &cfg, 0);
    assert_string_equal(name, "model.layers.0.self_attn.q_proj.lora_A");
    lora_locate(name, sizeof(name), &l, &cfg, lora_at(&l, 1, PART_Q)->b - l.w);
    assert_string_equal(name, "model.layers.1.self_attn.q_proj.lora_B");
    lora_locate(name, sizeof(name), &l, &cfg, l.n - 1);
    assert_string_equal(name, "model.layers.2.mlp.down_proj.lora_B");
    lora_release(&l);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lora_targets_match_the_ends_of_paths),
        cmocka_unit_test(test_lora_starts_as_peft_starts_it),
        cmocka_unit_test(test_lora_scale_follows_alpha_and_rslora),
        cmocka_unit_test(test_lora_refuses_bad_specs),
        cmocka_unit_test(test_lora_refresh_rounds_copies_and_allocates_once),
        cmocka_unit_test(test_lora_locate_names_the_tensor_of_a_parameter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
