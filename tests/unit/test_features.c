/* test_features.c -- facts about which layers are matched, and their distance. */
#include "support/test.h"

#include <string.h>

#include "backend/ref/ref.h"
#include "transform/imitate/features.h"

static const struct model_config cfg = {.layers = 4, .width = 2};

/* The chosen layers as a row of 0 and 1. */
static void
check_layers(const char *names, const char *want)
{
    struct features f;

    assert_int_equal(features_init(&f, names, 1.0, &cfg, NULL), 0);
    for (int64_t l = 0; l < cfg.layers; l++)
        assert_int_equal(f.layer[l], want[l] == '1');
    features_release(&f);
}

static void
test_features_are_matched_after_the_layers_that_are_named(void **state)
{
    (void)state;
    check_layers("all", "1111");
    check_layers("upper", "0011");
    check_layers("last", "0001");
    check_layers("1,3", "1010");
    check_layers("4", "0001");
}

static void
test_features_refuse_layers_that_are_not_there(void **state)
{
    static const char *const bad[] = {
        "",   "some", "1,",   "0",   "5",
        "-1", "2 3",  "1,,2", "1;2", "99999999999999999999"};
    struct features f;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_not_equal(features_init(&f, bad[i], 1.0, &cfg, NULL), 0);
        features_release(&f);
    }
}

/* Streams of two places in four layers; the student's is what `save` holds. */
struct fixture {
    struct features f;
    struct features_batch x;
    struct arena a;
    struct saved save;
    struct saved_layer layers[4];
    float teacher[4], student[4];
};

static double
compare(struct fixture *f, const float *teacher, const float *student)
{
    static const int64_t at[2] = {1, 0};
    static struct backend be = {.ops = &ref_ops};
    const struct decoder_tap tap = features_tap(&f->x);

    memcpy(f->teacher, teacher, sizeof(f->teacher));
    memcpy(f->student, student, sizeof(f->student));
    assert_int_equal(features_begin(&f->x, &be, &f->a, &f->f, 2, 2, NULL), 0);
    f->x.at = at;
    for (int64_t l = 0; l < 4; l++)
        tap.see(tap.payload, l, mat_f32(f->teacher, 2, 2));
    f->save.layers = f->layers;
    for (int l = 0; l < 4; l++)
        f->layers[l].x_in = f->student;
    f->save.x_out = f->student;
    return features_compare(&f->x, &f->save);
}

static void
test_features_distance_is_a_share_of_the_teachers_square(void **state)
{
    static const float t[4] = {3, 4, 1, 0}, zero[4] = {0},
                       big[4] = {300, 400, 100, 0};
    static const float s[4] = {3, 3, 1, 1}, big_s[4] = {300, 300, 100, 100};
    struct fixture f = {0};

    (void)state;
    assert_int_equal(features_init(&f.f, "all", 1.0, &cfg, NULL), 0);
    assert_close(compare(&f, t, t), 0.0, 0.0);
    assert_close(compare(&f, t, zero), 2.0, 1e-12); // 1 for each place
    assert_close(compare(&f, t, s), 1.0 / 25 + 1.0, 1e-12);
    assert_close(compare(&f, big, big_s), 1.0 / 25 + 1.0, 1e-12);
    assert_close(compare(&f, zero, s), 0.0, 0.0); // it says nothing
    arena_release(&f.a);
    features_release(&f.f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_features_are_matched_after_the_layers_that_are_named),
        cmocka_unit_test(test_features_refuse_layers_that_are_not_there),
        cmocka_unit_test(
            test_features_distance_is_a_share_of_the_teachers_square),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
