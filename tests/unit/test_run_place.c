/* test_run_place.c -- facts about a run's folder. */
#include "support/test.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/loop/run_place.h"
#include "learn/loop/run_state.h"

static void
put(const char *dir, const char *name, const char *text)
{
    char *path = path_join(dir, name);

    assert_int_equal(file_write_atomic(path, text, strlen(text), NULL), 0);
    mem_free(path);
}

static bool
has(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    const bool is = file_exists(path);

    mem_free(path);
    return is;
}

/* OUT below a fresh folder. */
static void
open_place(struct run_place *p, const char *kept)
{
    char *out = path_join(test_tmpdir("run_place"), "z");

    assert_int_equal(run_place_init(p, out, NULL, kept, NULL), 0);
    mem_free(out);
}

static void
test_run_place_keeps_a_checkpoint_whose_fingerprint_is_gone(void **state)
{
    json_t *print = json_pack("{s:i}", "seed", 1);
    struct run_place p;

    (void)state;
    open_place(&p, "answers.jsonl");
    assert_int_equal(run_place_lock(&p, KIND_LORA, false, true, NULL), 0);
    put(p.dir, RUN_STATE_FILE, "x");
    put(p.dir, "answers.jsonl", "x");
    assert_int_equal(run_place_begin(&p, true, print, NULL), 0);
    assert_true(has(p.dir, RUN_STATE_FILE));
    assert_true(has(p.dir, "answers.jsonl"));
    assert_true(has(p.dir, "run.json"));
    assert_int_equal(run_place_begin(&p, false, print, NULL), 0);
    assert_false(has(p.dir, RUN_STATE_FILE));
    assert_false(has(p.dir, "answers.jsonl"));
    run_place_release(&p);
    json_decref(print);
}

static void
test_run_place_goes_on_over_an_artefact_only_with_replace(void **state)
{
    struct run_place p;
    trv_err err;

    (void)state;
    open_place(&p, NULL);
    assert_int_equal(dir_make(p.out, NULL), 0);
    put(p.out, "adapter_config.json", "{}");
    assert_int_equal(run_place_lock(&p, KIND_LORA, true, false, NULL), 0);
    put(p.dir, RUN_STATE_FILE, "x");
    assert_int_equal(run_place_lock(&p, KIND_LORA, false, true, &err),
                     TRV_EEXIST);
    assert_non_null(strstr(err.msg, "--replace"));
    assert_int_equal(run_place_lock(&p, KIND_LORA, true, true, NULL), 0);
    assert_true(has(p.dir, RUN_STATE_FILE));
    run_place_release(&p);
}

static void
test_run_place_is_held_by_one_run_until_its_release(void **state)
{
    struct run_place p, other;
    trv_err err;

    (void)state;
    open_place(&p, NULL);
    assert_int_equal(run_place_init(&other, p.out, NULL, NULL, NULL), 0);
    assert_int_equal(run_place_lock(&p, KIND_LORA, false, false, NULL), 0);
    assert_int_equal(run_place_lock(&other, KIND_LORA, true, false, &err),
                     TRV_EEXIST);
    assert_non_null(strstr(err.msg, "is being written by another run"));
    run_place_release(&p);
    assert_int_equal(run_place_lock(&other, KIND_LORA, false, false, NULL), 0);
    run_place_release(&other);
}

static void
test_run_place_never_replaces_a_folder_of_other_things(void **state)
{
    struct run_place p;
    trv_err err;

    (void)state;
    open_place(&p, NULL);
    assert_int_equal(dir_make(p.out, NULL), 0);
    put(p.out, "letter.txt", "dear");
    assert_int_equal(run_place_lock(&p, KIND_LORA, true, false, &err),
                     TRV_EEXIST);
    assert_non_null(strstr(err.msg, "no artefact"));
    assert_true(has(p.out, "letter.txt"));
    run_place_release(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_run_place_keeps_a_checkpoint_whose_fingerprint_is_gone),
        cmocka_unit_test(
            test_run_place_goes_on_over_an_artefact_only_with_replace),
        cmocka_unit_test(test_run_place_is_held_by_one_run_until_its_release),
        cmocka_unit_test(
            test_run_place_never_replaces_a_folder_of_other_things),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
