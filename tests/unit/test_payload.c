/* test_payload.c -- a config and its tensors, from a folder and from memory. */
#include "support/test.h"

#include <string.h>

#include "adapt/payload.h"
#include "base/mem.h"

static const float values[] = {1, 2, 3, 4, 5, 6};

/* The bytes of one tensor "t" [2, 3] and a vector "v" [3]. */
static void
encode(struct payload_files *f, const char *config)
{
    const struct tensor t[] = {
        {.name = "t",
         .type = DT_F32,
         .n_dims = 2,
         .dim = {2, 3},
         .data = values,
         .bytes = 24},
        {.name = "v",
         .type = DT_F32,
         .n_dims = 1,
         .dim = {3},
         .data = values,
         .bytes = 12},
    };
    json_t *obj = json_loads(config, 0, NULL);

    assert_int_equal(payload_encode(f, obj, "c.json", t, 2, NULL), 0);
    json_decref(obj);
}

static void
test_payload_reads_what_it_wrote(void **state)
{
    struct payload_files f;
    struct payload p;
    float out[6];
    trv_err err = {0};

    (void)state;
    encode(&f, "{\"b\": 1, \"a\": null}");
    assert_non_null(strstr(f.config, "\"a\": null"));
    assert_true(strstr(f.config, "\"a\"") < strstr(f.config, "\"b\""));
    assert_int_equal(payload_parse(&p, "dir", "c.json", "t.safetensors",
                                   f.config, f.n_config, f.weights, f.n_weights,
                                   &err),
                     0);
    assert_string_equal(p.config_file, "dir/c.json");
    assert_int_equal(payload_tensor(out, &p, "t", 2, 3, &err), 0);
    assert_memory_equal(out, values, sizeof(values));
    assert_int_equal(payload_tensor(out, &p, "v", 0, 3, &err), 0);
    assert_int_equal(payload_check(&p, "t", 3, 2, &err), TRV_EMISMATCH);
    assert_non_null(strstr(err.msg, "[2, 3]"));
    assert_non_null(strstr(err.msg, "[3, 2]"));
    assert_int_equal(payload_check(&p, "v", 1, 3, &err), TRV_EMISMATCH);
    assert_int_equal(payload_check(&p, "t", 0, 6, &err), TRV_EMISMATCH);
    assert_int_equal(payload_check(&p, "x", 2, 3, &err), TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "lacks the tensor 'x'"));
    payload_release(&p);
    payload_files_release(&f);
}

static void
test_payload_names_the_file_that_is_wrong(void **state)
{
    char dir[300], path[400];
    struct payload_files f;
    struct payload p;
    trv_err err = {0};

    (void)state;
    encode(&f, "{}");
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("payload"));
    assert_int_equal(payload_open(&p, dir, "c.json", "t.safetensors", &err),
                     TRV_EIO);
    assert_non_null(strstr(err.msg, "c.json"));
    snprintf(path, sizeof(path), "%s/c.json", dir);
    assert_int_equal(file_write_atomic(path, f.config, f.n_config, NULL), 0);
    assert_int_equal(payload_open(&p, dir, "c.json", "t.safetensors", &err),
                     TRV_EIO);
    assert_non_null(strstr(err.msg, "lacks the file 't.safetensors'"));
    snprintf(path, sizeof(path), "%s/adapter_model.bin", dir);
    assert_int_equal(file_write_atomic(path, "x", 1, NULL), 0);
    assert_int_equal(payload_open(&p, dir, "c.json", "t.safetensors", &err),
                     TRV_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "pickle"));
    snprintf(path, sizeof(path), "%s/t.safetensors", dir);
    assert_int_equal(file_write_atomic(path, f.weights, f.n_weights, NULL), 0);
    assert_int_equal(payload_open(&p, dir, "c.json", "t.safetensors", &err), 0);
    payload_release(&p);
    snprintf(path, sizeof(path), "%s/c.json", dir);
    assert_int_equal(file_write_atomic(path, "[]", 2, NULL), 0);
    assert_int_equal(payload_open(&p, dir, "c.json", "t.safetensors", &err),
                     TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "no JSON object"));
    payload_files_release(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payload_reads_what_it_wrote),
        cmocka_unit_test(test_payload_names_the_file_that_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
