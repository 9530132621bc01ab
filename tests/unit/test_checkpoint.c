/* test_checkpoint.c -- facts about finding tensors in folders and files. */
#include "support/test.h"

#include <string.h>

#include "base/mem.h"
#include "model/files/checkpoint.h"

static void
put(const char *dir, const char *name, const void *bytes, size_t n)
{
    char path[256];
    trv_err err = {0};

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (file_write_atomic(path, bytes, n, &err))
        fail_msg("%s", err.msg);
}

/* A shard with one F32 tensor of shape [2, 3]. */
static void
put_shard(const char *dir, const char *file, const char *tensor)
{
    const float data[6] = {1, 2, 3, 4, 5, 6};
    const struct tensor t = {.name = tensor,
                             .type = DT_F32,
                             .n_dims = 2,
                             .dim = {2, 3},
                             .data = data,
                             .bytes = sizeof(data)};
    char *bytes;
    size_t size;

    assert_int_equal(st_serialise(&bytes, &size, &t, 1, NULL, NULL), 0);
    put(dir, file, bytes, size);
    mem_free(bytes);
}

static void
put_index(const char *dir, const char *text)
{
    put(dir, "model.safetensors.index.json", text, strlen(text));
}

static void
refuse(const char *dir, int code, const char *says)
{
    struct checkpoint *ck;
    trv_err err = {0};
    const int rc = checkpoint_open(&ck, dir, &err);

    if (rc != code || !strstr(err.msg, says))
        fail_msg("%d '%s' does not say '%s'", rc, err.msg, says);
    assert_null(ck);
}

static void
test_checkpoint_finds_tensors_with_and_without_their_prefix(void **state)
{
    const char *dir = test_tmpdir("ckpt-prefix");
    struct checkpoint *ck;
    trv_err err;

    (void)state;
    put_shard(dir, "model.safetensors", "h.0.attn.c_attn.weight");
    assert_int_equal(checkpoint_open(&ck, dir, &err), 0);
    assert_non_null(checkpoint_find(ck, "h.0.attn.c_attn.weight"));
    assert_non_null(checkpoint_find(ck, "transformer.h.0.attn.c_attn.weight"));
    assert_null(checkpoint_find(ck, "h.1.attn.c_attn.weight"));
    assert_int_equal(checkpoint_count(ck), 1);
    checkpoint_free(ck);

    put_shard(dir, "model.safetensors", "model.norm.weight");
    assert_int_equal(checkpoint_open(&ck, dir, &err), 0);
    assert_non_null(checkpoint_find(ck, "norm.weight"));
    checkpoint_free(ck);
}

static void
test_checkpoint_opens_shards_by_their_index(void **state)
{
    const char *dir = test_tmpdir("ckpt-shards");
    struct checkpoint *ck;
    const struct tensor *t;
    trv_err err;

    (void)state;
    put_shard(dir, "a.safetensors", "x");
    put_shard(dir, "b.safetensors", "y");
    put_index(dir, "{\"metadata\":{},\"weight_map\":{\"x\":\"a.safetensors\","
                   "\"y\":\"b.safetensors\"}}");
    assert_int_equal(checkpoint_open(&ck, dir, &err), 0);
    t = checkpoint_find(ck, "y");
    assert_non_null(t);
    assert_non_null(strstr(checkpoint_file(ck, t), "/b.safetensors"));
    assert_string_equal(checkpoint_at(ck, 0)->name, "x");
    checkpoint_free(ck);
}

static void
test_checkpoint_refuses_a_lying_index(void **state)
{
    const char *dir = test_tmpdir("ckpt-lying");

    (void)state;
    put_shard(dir, "a.safetensors", "x");
    put_shard(dir, "b.safetensors", "x");
    put_index(dir, "{\"weight_map\":{\"x\":\"c.safetensors\"}}");
    refuse(dir, TRV_EIO, "c.safetensors");
    put_index(dir, "{\"weight_map\":{\"x\":\"../a.safetensors\"}}");
    refuse(dir, TRV_EFORMAT, "'../a.safetensors', which is no plain file name");
    put_index(dir, "{\"weight_map\":{\"x\":\"/etc/passwd\"}}");
    refuse(dir, TRV_EFORMAT, "no plain file name");
    put_index(dir, "{\"weight_map\":{\"x\":\"..\"}}");
    refuse(dir, TRV_EFORMAT, "no plain file name");
    put_index(dir, "{\"weight_map\":{\"x\":7}}");
    refuse(dir, TRV_EFORMAT, "no plain file name");
    put_index(dir, "{\"weight_map\":{}}");
    refuse(dir, TRV_EFORMAT, "'weight_map'");
    put_index(dir, "{}");
    refuse(dir, TRV_EFORMAT, "lacks the field 'weight_map'");
    put_index(dir, "{\"weight_map\":{\"x\":\"a.safetensors\","
                   "\"x\":\"b.safetensors\"}}");
    refuse(dir, TRV_EFORMAT, "duplicate");
}

static void
test_checkpoint_notes_a_tensor_in_two_shards_and_takes_the_last(void **state)
{
    const char *dir = test_tmpdir("ckpt-twice");
    const float data[2] = {1, 2};
    struct tensor t[2] = {{.name = "x", .data = data},
                          {.name = "y", .data = data + 1}};
    struct checkpoint *ck;
    char *bytes;
    size_t size;
    trv_err err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        t[i].type = DT_F32;
        t[i].n_dims = 1;
        t[i].dim[0] = 1;
        t[i].bytes = 4;
    }
    put_shard(dir, "a.safetensors", "x");
    assert_int_equal(st_serialise(&bytes, &size, t, 2, NULL, NULL), 0);
    put(dir, "b.safetensors", bytes, size);
    mem_free(bytes);
    put_index(dir, "{\"weight_map\":{\"x\":\"a.safetensors\","
                   "\"y\":\"b.safetensors\",\"z\":\"a.safetensors\"}}");
    assert_int_equal(checkpoint_open(&ck, dir, &err), 0);
    assert_int_equal(checkpoint_count(ck), 2);
    assert_int_equal(checkpoint_find(ck, "x")->n_dims, 1);
    assert_non_null(strstr(checkpoint_notes(ck), "tensor 'x' lies in"));
    assert_non_null(
        strstr(checkpoint_notes(ck),
               "names tensors that no file holds (1, such as 'z')"));
    checkpoint_free(ck);
}

static void
test_checkpoint_says_what_lies_there_instead_of_weights(void **state)
{
    const char *dir = test_tmpdir("ckpt-empty");

    (void)state;
    refuse(dir, TRV_EIO, "neither model.safetensors nor");
    put(dir, "pytorch_model.bin", "x", 1);
    refuse(dir, TRV_EUNSUPPORTED, "a Python pickle, which is not read");
    refuse("no/such/place", TRV_EIO, "cannot open 'no/such/place'");
}

static void
test_checkpoint_names_file_tensor_and_both_shapes(void **state)
{
    const char *dir = test_tmpdir("ckpt-shape");
    struct layout_item item = {.name = "x", .n_dims = 2, .dim = {3, 2}};
    const struct tensor *t;
    struct checkpoint *ck;
    trv_err err;

    (void)state;
    put_shard(dir, "model.safetensors", "x");
    assert_int_equal(checkpoint_open(&ck, dir, &err), 0);
    assert_int_equal(checkpoint_need(&t, ck, &item, &err), TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "model.safetensors': tensor 'x' has the "
                                    "shape [2, 3], not [3, 2]"));
    item.dim[0] = 2;
    item.dim[1] = 3;
    assert_int_equal(checkpoint_need(&t, ck, &item, &err), 0);
    assert_ptr_equal(t, checkpoint_find(ck, "x"));
    item.name[0] = 'z';
    assert_int_equal(checkpoint_need(&t, ck, &item, &err), TRV_EFORMAT);
    assert_non_null(strstr(err.msg, "lacks the tensor 'z'"));
    checkpoint_free(ck);
}

static void
test_checkpoint_names_a_type_that_it_cannot_compute_with(void **state)
{
    static const char header[] = "{\"x\":{\"dtype\":\"F64\",\"shape\":[1],"
                                 "\"data_offsets\":[0,8]}}";
    const uint64_t n = sizeof(header) - 1;
    struct layout_item item = {.name = "x", .n_dims = 1, .dim = {1}};
    const char *dir = test_tmpdir("ckpt-type");
    char bytes[8 + sizeof(header) - 1 + 8] = {0};
    const struct tensor *t;
    struct checkpoint *ck;
    trv_err err;

    (void)state;
    memcpy(bytes, &n, 8);
    memcpy(bytes + 8, header, n);
    put(dir, "model.safetensors", bytes, sizeof(bytes));
    assert_int_equal(checkpoint_open(&ck, dir, &err), 0);
    assert_int_equal(checkpoint_need(&t, ck, &item, &err), TRV_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "tensor 'x' is F64, which is not"));
    checkpoint_free(ck);
}

static void
test_checkpoint_failing_memory_leaks_nothing(void **state)
{
    const char *dir = test_tmpdir("ckpt-memory");
    const int64_t before = mem_stats_get().live_bytes;
    struct checkpoint *ck = NULL;
    int rc = TRV_ENOMEM;

    (void)state;
    put_shard(dir, "a.safetensors", "x");
    put_shard(dir, "b.safetensors", "y");
    put_index(dir, "{\"weight_map\":{\"x\":\"a.safetensors\","
                   "\"y\":\"b.safetensors\"}}");
    for (int n = 0; rc; n++) {
        mem_fail_after(n);
        rc = checkpoint_open(&ck, dir, NULL);
        mem_fail_after(-1);
        assert_true(rc == 0 || rc == TRV_ENOMEM);
        assert_true(n < 200);
    }
    checkpoint_free(ck);
    assert_int_equal(mem_stats_get().live_bytes, before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_checkpoint_finds_tensors_with_and_without_their_prefix),
        cmocka_unit_test(test_checkpoint_opens_shards_by_their_index),
        cmocka_unit_test(test_checkpoint_refuses_a_lying_index),
        cmocka_unit_test(
            test_checkpoint_notes_a_tensor_in_two_shards_and_takes_the_last),
        cmocka_unit_test(
            test_checkpoint_says_what_lies_there_instead_of_weights),
        cmocka_unit_test(test_checkpoint_names_file_tensor_and_both_shapes),
        cmocka_unit_test(
            test_checkpoint_names_a_type_that_it_cannot_compute_with),
        cmocka_unit_test(test_checkpoint_failing_memory_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
