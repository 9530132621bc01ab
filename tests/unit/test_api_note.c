/* test_api_note.c -- `measured` in a manifest holds the figures that were
 * measured and what they depend on.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>
#include <trivium/trivium.h>

#include "adapt/artefact.h"
#include "adapt/output.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

static struct {
    trv_model *m;
    trv_adaptation *source, *target;
    char dir[600];
} f;

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

/* A prompt's folder with a manifest that says another thing was measured. */
static int
set_up(void **state)
{
    static const char text[] = "Say it.";
    struct artefact a = {0};
    struct outdir d = {0};
    trv_err err = {0};

    (void)state;
    snprintf(f.dir, sizeof(f.dir), "%s/z", test_tmpdir("api_note"));
    must(artefact_init(&a, KIND_TEXT, "", NULL, &err), &err);
    must(outdir_init(&d, f.dir, &err), &err);
    must(output_lock(&d, KIND_TEXT, true, &err), &err);
    must(artefact_put(&a, &d, "prompt.txt", text, strlen(text), &err), &err);
    assert_int_equal(
        json_object_set_new(a.root, "measured", json_pack("{s:i}", "value", 7)),
        0);
    must(artefact_finish(&a, &d, &err), &err);
    must(outdir_commit(&d, &err), &err);
    outdir_release(&d);
    artefact_release(&a);
    must(trv_model_open(&f.m, test_source("golden/tiny/one"), NULL, &err),
         &err);
    must(trv_adaptation_open(&f.source, f.m, "prompt:No.", false, &err), &err);
    must(trv_adaptation_open(&f.target, f.m, f.dir, false, &err), &err);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    trv_adaptation_free(f.source);
    trv_adaptation_free(f.target);
    trv_model_free(f.m);
    return 0;
}

static trv_measure_options
small(void)
{
    trv_measure_options o = TRV_MEASURE_OPTIONS_INIT;

    o.max_inputs = 3;
    o.max_tokens = 4;
    o.candidates = 2;
    o.seed = UINT64_MAX;
    o.note = true;
    return o;
}

static void
equals(const json_t *figures, const char *name, const trv_figure *want)
{
    const json_t *got = json_object_get(figures, name);

    assert_int_equal(json_object_size(got), 3);
    /* A manifest has 15 digits. */
    assert_close(json_number_value(json_object_get(got, "mean")), want->mean,
                 1e-13 * fabs(want->mean));
    assert_close(json_number_value(json_object_get(got, "stderr")),
                 want->stderr_, 1e-13 * want->stderr_);
    assert_int_equal(json_integer_value(json_object_get(got, "n")), want->n);
}

static void
test_api_note_holds_the_figures_and_what_they_depend_on(void **state)
{
    const trv_measure_options o = small();
    struct artefact a = {0};
    const json_t *figures, *source;
    trv_measurement r;
    trv_err err = {0};

    (void)state;
    must(trv_measure(f.m, &r, f.source, f.target, &o, NULL, NULL, &err), &err);
    must(artefact_read(&a, f.dir, &err), &err);
    must(artefact_check_files(&a, f.dir, &err), &err);
    figures = json_object_get(a.measured, "figures");
    equals(figures, "kl_forward", &r.kl_forward);
    equals(figures, "kl_reverse", &r.kl_reverse);
    equals(figures, "gap_closed", &r.gap_closed);
    equals(figures, "drift", &r.drift);
    assert_null(json_object_get(figures, "cost")); // seconds differ each time
    assert_null(json_object_get(figures, "examples"));
    source = json_object_get(a.measured, "source");
    assert_string_equal(json_string_value(json_object_get(source, "spec")),
                        "prompt:No.");
    assert_int_equal(json_string_length(json_object_get(source, "sha256")), 64);
    assert_string_equal(json_string_value(json_object_get(a.measured, "seed")),
                        "18446744073709551615");
    assert_int_equal(
        json_integer_value(json_object_get(a.measured, "max_tokens")), 4);
    assert_int_equal(json_integer_value(json_object_get(a.measured, "value")),
                     7); // what another noted stays
    artefact_release(&a);
    trv_measurement_release(&r);
}

/* What `measured` says of the inputs; free the artefact. */
static const json_t *
measured_inputs(struct artefact *a, const trv_measure_options *o)
{
    trv_measurement r;
    trv_err err = {0};

    must(trv_measure(f.m, &r, f.source, f.target, o, NULL, NULL, &err), &err);
    trv_measurement_release(&r);
    must(artefact_read(a, f.dir, &err), &err);
    return json_object_get(a->measured, "inputs");
}

static void
test_api_note_says_which_inputs_were_sampled(void **state)
{
    trv_measure_options o = small();
    struct artefact a = {0}, again = {0}, other = {0};
    const json_t *in = measured_inputs(&a, &o), *control;

    (void)state;
    control = json_object_get(a.measured, "control");
    assert_int_equal(json_integer_value(json_object_get(in, "sampled")), 3);
    assert_string_equal(json_string_value(json_object_get(in, "seed")),
                        "18446744073709551615");
    assert_int_equal(json_string_length(json_object_get(in, "sha256")), 64);
    assert_int_equal(json_integer_value(json_object_get(control, "sampled")),
                     3);
    assert_false(json_equal(in, control));
    assert_true(json_equal(in, measured_inputs(&again, &o)));
    o.seed = 1;
    assert_string_not_equal(json_string_value(json_object_get(in, "sha256")),
                            json_string_value(json_object_get(
                                measured_inputs(&other, &o), "sha256")));
    artefact_release(&a);
    artefact_release(&again);
    artefact_release(&other);
}

static void
test_api_note_keeps_the_hash_of_a_file_of_inputs(void **state)
{
    trv_measure_options o = small();
    struct artefact a = {0};
    char path[700], hex[HASH_HEX];
    trv_err err = {0};

    (void)state;
    snprintf(path, sizeof(path), "%s.jsonl", f.dir);
    must(file_write_atomic(path, "{\"prompt\": \"Once\"}\n", 19, &err), &err);
    must(hash_file(hex, path, &err), &err);
    o.inputs = path;
    assert_string_equal(json_string_value(measured_inputs(&a, &o)), hex);
    artefact_release(&a);
}

static void
test_api_note_needs_a_manifest_to_write_to(void **state)
{
    const trv_measure_options o = small();
    trv_measurement r;
    trv_err err = {0};

    (void)state;
    assert_int_equal(
        trv_measure(f.m, &r, f.target, f.source, &o, NULL, NULL, &err),
        TRV_EINVAL);
    assert_string_equal(err.msg, "'prompt:No.' is no folder with a "
                                 "trivium.json, so a measurement cannot be "
                                 "noted in it");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_api_note_holds_the_figures_and_what_they_depend_on),
        cmocka_unit_test(test_api_note_says_which_inputs_were_sampled),
        cmocka_unit_test(test_api_note_keeps_the_hash_of_a_file_of_inputs),
        cmocka_unit_test(test_api_note_needs_a_manifest_to_write_to),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
