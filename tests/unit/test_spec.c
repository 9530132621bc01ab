/* test_spec.c -- specs as trees, before anything is opened; and that the rows of
 * the registry fit each other.
 */
#include "support/test.h"

#include <string.h>
#include <trivium/trivium.h>

#include "adapt/adaptation.h"
#include "adapt/reward/reward_conf.h"
#include "adapt/spec.h"
#include "base/file.h"

static struct spec *
read_spec(const char *text)
{
    int left = SPEC_REWARDS_MAX;
    struct spec *s;
    trv_err err = {0};

    if (spec_read(&s, text, 0, &left, &err))
        fail_msg("%s: %s", text, err.msg);
    return s;
}

static void
test_spec_of_a_sum_is_a_tree_of_its_parts(void **state)
{
    struct spec *s = read_spec("sum:0.7*verifier:number,strict=1-2*contrast:"
                               "beta=3,prompt:a, b,minus=base");
    const struct spec *of;

    (void)state;
    assert_int_equal(s->row->kind, KIND_SUM);
    assert_int_equal(s->n_parts, 2);
    assert_close(s->parts[0].weight, 0.7, 0);
    of = s->parts[0].of;
    assert_int_equal(of->row->kind, KIND_VERIFIER);
    assert_int_equal(of->depth, 1);
    assert_string_equal(json_string_value(json_object_get(of->conf, "strict")),
                        "1");
    assert_close(s->parts[1].weight, -2, 0);
    of = s->parts[1].of;
    assert_int_equal(of->row->kind, KIND_CONTRAST);
    assert_string_equal(json_string_value(json_object_get(of->conf, "beta")),
                        "3");
    assert_int_equal(of->n_parts, 2);
    assert_string_equal(of->parts[0].of->words, "a, b");
    assert_int_equal(of->parts[0].of->depth, 2);
    assert_null(of->parts[1].of); // the base
    spec_free(s);
}

static void
test_spec_of_a_listed_file_ends_where_a_known_key_begins(void **state)
{
    struct spec *s = read_spec("demos:a,b=c.jsonl,form=text,template=x,y=z");

    (void)state;
    assert_string_equal(s->path, "a,b=c.jsonl");
    assert_false(s->is_folder);
    assert_string_equal(json_string_value(json_object_get(s->conf, "template")),
                        "x,y=z");
    spec_free(s);
}

static void
test_spec_list_takes_weights_before_and_behind(void **state)
{
    static const char *const two[] = {"2*prompt:a=1", "messages:m.json=-0.5"};
    static const char *const one[] = {"prompt:a=1"};
    int left = SPEC_REWARDS_MAX;
    struct spec *s;

    (void)state;
    assert_int_equal(spec_read_list(&s, two, 2, &left, NULL), 0);
    assert_int_equal(s->row->kind, KIND_MIX);
    assert_string_equal(s->text, "mix:2*prompt:a=1-0.5*messages:m.json");
    assert_string_equal(s->parts[0].of->words, "a=1");
    assert_close(s->parts[1].weight, -0.5, 0);
    assert_string_equal(s->parts[1].of->path, "m.json");
    spec_free(s);
    assert_int_equal(spec_read_list(&s, one, 1, &left, NULL), 0);
    assert_int_equal(s->row->kind, KIND_TEXT);
    spec_free(s);
}

static void
repeat(char *out, size_t size, const char *piece, int n, const char *end)
{
    size_t at = 0;

    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(out + at, size - at, "%s", piece);
    snprintf(out + at, size - at, "%s", end);
}

/* A spec of a megabyte must not fill the stack, nor a folder the memory. */
static void
test_spec_that_is_hostile_is_bounded(void **state)
{
    static char text[1 << 20];
    static const struct {
        const char *piece, *end, *says;
        int n;
    } bad[] = {
        {"ratio:", "prompt:a", "more than 8 deep", 100000},
        {"contrast:beta=1,", "prompt:a", "more than 8 deep", 50000},
        {"sum:1*ratio:", "prompt:a", "more than 8 deep", 50000},
        {"mix:1*on:m,", "prompt:a", "cannot be transferred", 50000},
        {"on:m,mix:1*", "prompt:a", "cannot be transferred", 50000},
        {"on:m,ratio:", "prompt:a", "cannot be transferred", 50000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int left = SPEC_REWARDS_MAX;
        struct spec *s;
        trv_err err = {0};

        repeat(text, sizeof(text), bad[i].piece, bad[i].n, bad[i].end);
        if (!spec_read(&s, text, 0, &left, &err) ||
            !strstr(err.msg, bad[i].says))
            fail_msg("'%.40s...' should say '%s', not '%s'", text, bad[i].says,
                     err.msg);
        assert_null(s);
    }
}

static void
test_spec_of_too_many_rewards_is_refused(void **state)
{
    static char text[1 << 16];
    struct spec *s;
    trv_err err = {0};
    int left = SPEC_REWARDS_MAX;

    (void)state;
    repeat(text, sizeof(text), "+1*verifier:json", SPEC_SUM_MAX + 1, "");
    memmove(text + 4, text + 1, strlen(text));
    memcpy(text, "sum:", 4);
    assert_true(spec_read(&s, text, 0, &left, &err) < 0);
    assert_non_null(strstr(err.msg, "more than 64 components"));
    left = 3;
    assert_true(spec_read(&s, text, 0, &left, &err) < 0);
    assert_non_null(strstr(err.msg, "too many rewards stand in one"));
}

static void
says(const char *text, const char *want)
{
    int left = SPEC_REWARDS_MAX;
    struct spec *s;
    trv_err err = {0};

    assert_int_equal(spec_read(&s, text, 0, &left, &err), TRV_EINVAL);
    if (!strstr(err.msg, want))
        fail_msg("'%s' should say '%s', not '%s'", text, want, err.msg);
}

/* Each prefix with two letters swapped, and each alone. */
static void
test_spec_that_is_mistyped_is_told_the_nearest_name(void **state)
{
    const struct kind_row *row;
    char text[60], want[200];

    (void)state;
    for (int i = 0; (row = kind_row_at(i)); i++) {
        const size_t n = row->prefix ? strlen(row->prefix) : 0;

        if (n < 3)
            continue;
        snprintf(text, sizeof(text), "%s:x", row->prefix);
        text[n - 1] = row->prefix[n - 2];
        text[n - 2] = row->prefix[n - 1];
        if (text[n - 1] != text[n - 2]) {
            snprintf(want, sizeof(want),
                     "'%.*s' is no kind; did you mean '%s'?", (int)n, text,
                     row->prefix);
            says(text, want);
        }
        snprintf(want, sizeof(want), "write %s", row->usage);
        says(row->prefix, want);
    }
    says("text:x", "write prompt:TEXT");
    says("promt:@z.txt", "'promt' is no kind; did you mean 'prompt'?");
    says("sum:1*verifer:json", "did you mean 'verifier'?");
}

static void
test_spec_that_is_unknown_is_told_every_row(void **state)
{
    int left = SPEC_REWARDS_MAX;
    const struct kind_row *row;
    struct spec *s;
    trv_err err = {0};

    (void)state;
    assert_int_equal(spec_read(&s, "no:such", 0, &left, &err), TRV_EINVAL);
    for (int i = 0; (row = kind_row_at(i)); i++) {
        if (i < KIND_COUNT)
            assert_ptr_equal(row, kind_row((enum kind)i));
        assert_int_equal(row->prefix == NULL, row->usage == NULL);
        if (!row->prefix)
            continue;
        assert_non_null(strstr(err.msg, row->usage));
        assert_int_equal(strncmp(row->usage, row->prefix, strlen(row->prefix)),
                         0);
        assert_int_equal(row->usage[strlen(row->prefix)], ':');
    }
}

/* The figure of the triangle in the README has every kind, by its name. */
static void
test_spec_kinds_stand_in_the_readme(void **state)
{
    struct strbuf text = {0};
    trv_err err = {0};

    (void)state;
    if (file_read(&text, test_source("../README.md"), 1 << 20, &err))
        fail_msg("%s", err.msg);
    for (int k = 1; k < KIND_COUNT; k++) {
        char mark[40], *line, *end;

        snprintf(mark, sizeof(mark), "\n| **%s** (",
                 form_name(kind_form((enum kind)k)));
        line = strstr(text.s, mark);
        assert_non_null(line);
        end = strchr(line, ')');
        assert_non_null(end);
        snprintf(mark, sizeof(mark), "`%s`", kind_name((enum kind)k));
        line = strstr(line, mark);
        if (k != KIND_MIX && (!line || line > end)) // a mix is a paragraph
            fail_msg("the README does not name %s", mark);
    }
    sb_release(&text);
}

/* What a caller of the library, and so the help, is told. */
static void
test_spec_usage_is_public_by_form(void **state)
{
    const struct kind_row *row;
    int32_t n[FORM_COUNT] = {0}, all = 0;

    (void)state;
    for (int i = 0; (row = kind_row_at(i)); i++) {
        const enum form form = kind_form(row->kind);

        if (!row->usage)
            continue;
        assert_string_equal(trv_spec_usage(NULL, all++), row->usage);
        assert_non_null(row->summary);
        assert_string_equal(trv_spec_summary(form_name(form), n[form]),
                            row->summary);
        assert_string_equal(trv_spec_usage(form_name(form), n[form]++),
                            row->usage);
    }
    assert_null(trv_spec_usage(NULL, all));
    assert_null(trv_spec_summary(NULL, all));
    assert_null(trv_spec_usage("reward", n[FORM_REWARD]));
}

/* What is written can be read: a row that encodes has its file and opens. */
static void
test_spec_rows_are_whole(void **state)
{
    const struct kind_row *row;

    (void)state;
    for (int i = 1; (row = kind_row_at(i)); i++) {
        assert_non_null(row->open);
        assert_int_equal(row->encode_weights != NULL, row->config != NULL);
        if (row->encode_weights || row->encode_prompt)
            assert_non_null(row->payload);
        if (row->subject == SUBJECT_SIDES) {
            assert_non_null(row->sides[0]);
            assert_non_null(row->factor);
            assert_true(row->options[0].lo < row->options[0].hi);
        }
        assert_int_equal(row->parse != NULL, row->subject == SUBJECT_RULE);
        if (i < KIND_COUNT && kind_form(row->kind) != FORM_BASE)
            assert_true(row->score || row->subject == SUBJECT_SUM);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_of_a_sum_is_a_tree_of_its_parts),
        cmocka_unit_test(
            test_spec_of_a_listed_file_ends_where_a_known_key_begins),
        cmocka_unit_test(test_spec_list_takes_weights_before_and_behind),
        cmocka_unit_test(test_spec_that_is_hostile_is_bounded),
        cmocka_unit_test(test_spec_of_too_many_rewards_is_refused),
        cmocka_unit_test(test_spec_that_is_mistyped_is_told_the_nearest_name),
        cmocka_unit_test(test_spec_that_is_unknown_is_told_every_row),
        cmocka_unit_test(test_spec_kinds_stand_in_the_readme),
        cmocka_unit_test(test_spec_usage_is_public_by_form),
        cmocka_unit_test(test_spec_rows_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
