/* test_gguf_split.c -- facts about models in several GGUF files. */
#include "support/test.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/files/checkpoint.h"
#include "model/files/model.h"

enum { SHARDS = 3 };

static char *
shard_path(const char *dir, int no)
{
    char name[64];
    char *path;

    snprintf(name, sizeof(name), "split-0000%d-of-0000%d.gguf", no, SHARDS);
    path = path_join(dir, name);
    assert_non_null(path);
    return path;
}

/* Copy shard `from` of the golden files into dir as shard `to`; 0 writes it as
 * "other.gguf". Where `find` is given, the bytes behind it and `skip` more
 * become `value`. */
static void
copy_shard(const char *dir, int from, int to, const char *find, size_t skip,
           uint16_t value)
{
    char *source = shard_path(test_source("golden/model"), from);
    char *target = to ? shard_path(dir, to) : path_join(dir, "other.gguf");
    struct strbuf b = {0};

    assert_int_equal(file_read(&b, source, SIZE_MAX, NULL), 0);
    if (find) {
        char *at = memmem(b.s, b.len, find, strlen(find));

        assert_non_null(at);
        memcpy(at + strlen(find) + skip, &value, sizeof(value));
    }
    assert_int_equal(file_write_atomic(target, b.s, b.len, NULL), 0);
    sb_release(&b);
    mem_free(source);
    mem_free(target);
}

/* A new folder of all three; to be freed. */
static char *
all_shards(void)
{
    char *dir = mem_strdup(test_tmpdir("gguf_split"));

    assert_non_null(dir);

    for (int i = 1; i <= SHARDS; i++)
        copy_shard(dir, i, i, NULL, 0, 0);
    return dir;
}

static void
refuse(const char *dir, int open, const char *says)
{
    char *path = open ? shard_path(dir, open) : path_join(dir, "other.gguf");
    struct model *m;
    trv_err err = {0};

    if (!model_open(&m, path, &err) || !strstr(err.msg, says))
        fail_msg("'%s' does not say '%s'", err.msg, says);
    assert_null(m);
    mem_free(path);
}

static void
test_gguf_split_opens_by_any_of_its_files(void **state)
{
    struct model_identity want, got;
    struct model *m;
    trv_err err = {0};

    (void)state;
    assert_int_equal(
        model_open(&m, test_source("golden/model/qwen2.gguf"), &err), 0);
    assert_int_equal(model_identify(&want, m, &err), 0);
    model_free(m);
    for (int i = 1; i <= SHARDS; i++) {
        char *path = shard_path(test_source("golden/model"), i);
        char *last = shard_path(test_source("golden/model"), SHARDS);

        if (model_open(&m, path, &err))
            fail_msg("%s", err.msg);
        assert_int_equal(model_identify(&got, m, &err), 0);
        assert_string_equal(got.weights, want.weights);
        assert_string_equal(checkpoint_file(m->ckpt, m->layers[1].w[PART_DOWN]),
                            last);
        model_free(m);
        mem_free(path);
        mem_free(last);
    }
}

static void
test_gguf_split_names_a_missing_or_misplaced_file(void **state)
{
    char *dir = all_shards();
    char *third = shard_path(dir, 3);

    (void)state;
    assert_int_equal(remove(third), 0);
    refuse(dir, 1, "file 3 of 3: cannot open");
    refuse(dir, 1, "split-00003-of-00003.gguf");
    copy_shard(dir, 2, 3, NULL, 0, 0);
    refuse(dir, 1, "00003-of-00003.gguf' says that it is file 2 of 3");
    refuse(dir, 3, "file 2 of 3, so its name must end in '-00002-of-00003");
    copy_shard(dir, 3, 0, NULL, 0, 0);
    refuse(dir, 0, "file 3 of 3, so its name must end in '-00003-of-00003");
    mem_free(third);
    mem_free(dir);
}

/* Skipped: 4 bytes of the key's type. */
static void
test_gguf_split_refuses_files_that_do_not_belong_together(void **state)
{
    char *dir = all_shards();

    (void)state;
    copy_shard(dir, 2, 2, "split.count", 4, 4);
    refuse(dir, 1, "says that it is file 2 of 4");
    copy_shard(dir, 2, 2, "split.tensors.count", 4, 30);
    refuse(dir, 1, "is of another model: its split.tensors.count is 30, not");
    copy_shard(dir, 2, 2, "split.no", 4, 3);
    refuse(dir, 2, "key 'split.no'");
    for (int i = 1; i <= SHARDS; i++)
        copy_shard(dir, i, i, "split.tensors.count", 4, 30);
    refuse(dir, 1, "tensors, not 30 as split.tensors.count says");
    mem_free(dir);
}

static void
test_gguf_split_refuses_a_tensor_in_two_files(void **state)
{
    char *dir = all_shards();

    (void)state;
    copy_shard(dir, 3, 3, "blk.1.attn_", 0, 0x2e71); // v becomes a second q
    refuse(dir, 1, "tensor 'blk.1.attn_q.weight' lies in");
    mem_free(dir);
}

static void
test_gguf_split_failing_memory_leaks_nothing(void **state)
{
    const int64_t before = mem_stats_get().live_bytes;
    char *path = shard_path(test_source("golden/model"), 2);
    struct gguf_file f;
    int rc = TRV_ENOMEM;

    (void)state;
    for (int n = 0; rc; n++) {
        mem_fail_after(n);
        rc = gguf_open(&f, path, NULL);
        mem_fail_after(-1);
        assert_true(rc == 0 || rc == TRV_ENOMEM);
        assert_true(n < 100);
    }
    gguf_release(&f);
    mem_free(path);
    assert_int_equal(mem_stats_get().live_bytes, before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gguf_split_opens_by_any_of_its_files),
        cmocka_unit_test(test_gguf_split_names_a_missing_or_misplaced_file),
        cmocka_unit_test(
            test_gguf_split_refuses_files_that_do_not_belong_together),
        cmocka_unit_test(test_gguf_split_refuses_a_tensor_in_two_files),
        cmocka_unit_test(test_gguf_split_failing_memory_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
