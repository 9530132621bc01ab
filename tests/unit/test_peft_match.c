/* test_peft_match.c -- the modules, ranks and scales that PEFT itself finds. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "adapt/params/peft_match.h"
#include "base/json.h"
#include "model/files/config.h"

static void
test_peft_match_finds_what_peft_finds(void **state)
{
    json_t *root;
    const json_t *c;
    size_t i;

    (void)state;
    assert_int_equal(
        json_open(&root, test_source("golden/peft/match.json"), NULL), 0);
    assert_int_equal(json_array_size(root), 13);
    json_array_foreach(root, i, c)
    {
        const json_t *modules = json_object_get(c, "modules");
        const json_t *config = json_object_get(c, "config");
        const bool rslora = json_is_true(json_object_get(config, "use_rslora"));
        struct model_config cfg;
        struct peft_rules *rules;
        size_t found = 0;

        assert_int_equal(config_from_json(&cfg, json_object_get(c, "model"),
                                          "config.json", NULL),
                         0);
        assert_int_equal(peft_rules_open(&rules, config, "x", NULL), 0);
        for (int64_t m = 0; m < cfg.layers * PART_COUNT; m++) {
            const json_t *want;
            int64_t rank;
            double alpha;
            char path[256];

            if (part_path(path, sizeof(path), &cfg, m / PART_COUNT,
                          (enum part)(m % PART_COUNT)))
                continue;
            assert_int_equal(peft_rules_match(rules, &rank, &alpha, path,
                                              m / PART_COUNT, NULL),
                             0);
            want = json_object_get(modules, path);
            assert_int_equal(rank, json_integer_value(json_array_get(want, 0)));
            if (!want)
                continue;
            found++;
            assert_close(alpha / (rslora ? sqrt((double)rank) : (double)rank),
                         json_number_value(json_array_get(want, 1)), 1e-12);
        }
        assert_int_equal(found, json_object_size(modules));
        peft_rules_free(rules);
    }
    json_decref(root);
}

static int
open_text(const char *text, trv_err *err)
{
    struct peft_rules *rules = NULL;
    json_t *config;
    int64_t rank;
    double alpha;
    int rc;

    assert_int_equal(json_parse(&config, "c", text, strlen(text), NULL), 0);
    rc = peft_rules_open(&rules, config, "c", err);
    if (!rc)
        rc = peft_rules_match(rules, &rank, &alpha,
                              "model.layers.0.self_attn.q_proj", 0, err);
    peft_rules_free(rules);
    json_decref(config);
    return rc;
}

static void
test_peft_match_names_the_field_that_is_broken(void **state)
{
    static const struct {
        const char *config;
        int code;
        const char *says;
    } cases[] = {
        {"{\"target_modules\": 3}", TRV_EFORMAT, "target_modules"},
        {"{\"target_modules\": [3]}", TRV_EFORMAT, "target_modules"},
        {"{\"target_modules\": \"(\"}", TRV_EFORMAT, "target_modules"},
        {"{\"target_modules\": [\"q_proj\"], \"r\": 0}", TRV_EFORMAT, "'r'"},
        {"{\"target_modules\": [\"q_proj\"], \"r\": 513}", TRV_ERANGE,
         "rank 513"},
        {"{\"target_modules\": [\"q_proj\"], \"rank_pattern\": {\"q_proj\": "
         "1.5}}",
         TRV_ERANGE, "rank 1.5"},
        {"{\"target_modules\": [\"q_proj\"], \"rank_pattern\": [4]}",
         TRV_EFORMAT, "rank_pattern"},
        {"{\"target_modules\": [\"q_proj\"], \"alpha_pattern\": {\"q_proj\": "
         "\"x\"}}",
         TRV_EFORMAT, "alpha_pattern"},
        {"{\"target_modules\": [\"q_proj\"], \"lora_alpha\": 0}", TRV_ERANGE,
         "alpha 0"},
        {"{\"target_modules\": [\"q_proj\"], \"layers_to_transform\": \"1\"}",
         TRV_EFORMAT, "layers_to_transform"},
        {"{\"target_modules\": [\"q_proj\"], \"layers_to_transform\": 1, "
         "\"layers_pattern\": [3]}",
         TRV_EFORMAT, "layers_pattern"},
        {"{\"target_modules\": \"(.*.*.*.*.*.*)*[0-9][0-9]j\"}", TRV_EFORMAT,
         "too much work"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        trv_err err = {0};

        assert_int_equal(open_text(cases[i].config, &err), cases[i].code);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("'%s' does not say '%s'", err.msg, cases[i].says);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peft_match_finds_what_peft_finds),
        cmocka_unit_test(test_peft_match_names_the_field_that_is_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
