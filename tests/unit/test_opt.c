/* test_opt.c -- facts about option tables. */
#include "support/test.h"

#include <string.h>

#include "cli/opt.h"

struct args {
    const char *model, *kind, *first, *second;
    bool json, quiet;
    int32_t rank;
    uint64_t seed;
    double share;
    struct opt_list stops;
};

static const struct opt_spec specs[] = {
    OPT_TEXT(struct args, model, 'm', "model", .value = "PATH",
             .required = true, .help = "a model"),
    OPT_CHOICE(struct args, kind, 0, "kind", .value = "NAME",
               .choices = "cosine|linear", .help = "a kind"),
    OPT_GROUP("Others"),
    OPT_FLAG(struct args, json, 'j', "json", "JSON"),
    OPT_FLAG(struct args, quiet, 'q', "quiet", "quiet"),
    OPT_INT(struct args, rank, 'r', "rank", .lo = 1, .hi = 64,
            .help = "a rank"),
    OPT_SEED(struct args, seed, 0, "seed", .help = "a seed"),
    OPT_NUM(struct args, share, 0, "share", .lo = 0, .hi = 1, .above = true,
            .help = "a share"),
    OPT_LIST(struct args, stops, 0, "stop", .value = "TEXT", .help = "a stop"),
    OPT_ARG(struct args, first, "FIRST", "a word"),
    OPT_ARG(struct args, second, "SECOND", "a word"),
    OPT_END,
};

#define MAX_WORDS 16

/* Parse words up to a NULL into a, with the sentence of a failure into msg.
 * Values point into a room that the next call writes over. */
static int
parse(struct args *a, char *msg, const char *const *words)
{
    static char room[1024];
    const struct opt_table table = {specs, a};
    char *argv[MAX_WORDS];
    size_t used = 0;
    int argc = 0;

    for (; words[argc]; argc++) {
        const size_t n = strlen(words[argc]) + 1;

        assert_true(argc < MAX_WORDS && used + n <= sizeof(room));
        argv[argc] = memcpy(room + used, words[argc], n);
        used += n;
    }
    memset(a, 0, sizeof(*a));
    msg[0] = '\0';
    return opt_parse(&table, 1, argc, argv, false, msg);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The words fail with exactly this sentence. */
static void
assert_refused(const char *const *words, const char *sentence)
{
    struct args a;
    char msg[OPT_MSG_MAX];

    assert_int_equal(parse(&a, msg, words), -1);
    assert_string_equal(msg, sentence);
    opt_release(&(struct opt_table){specs, &a});
}

static void
test_opt_reads_a_value_after_a_sign_or_as_the_next_word(void **state)
{
    struct args a;
    char msg[OPT_MSG_MAX];

    (void)state;
    assert_int_equal(parse(&a, msg, WORDS("--model=a=b", "--rank", "7")), 3);
    assert_string_equal(a.model, "a=b");
    assert_int_equal(a.rank, 7);
    assert_int_equal(parse(&a, msg, WORDS("-m", "x", "-r9", "-qj")), 4);
    assert_string_equal(a.model, "x");
    assert_int_equal(a.rank, 9);
    assert_true(a.quiet && a.json);
}

static void
test_opt_fills_arguments_in_order_and_refuses_a_third(void **state)
{
    struct args a;
    char msg[OPT_MSG_MAX];

    (void)state;
    assert_int_equal(parse(&a, msg, WORDS("one", "-j", "two")), 3);
    assert_string_equal(a.first, "one");
    assert_string_equal(a.second, "two");
    assert_refused(WORDS("1", "2", "3"), "unexpected argument '3'");
}

static void
test_opt_takes_every_word_after_two_dashes_as_an_argument(void **state)
{
    struct args a;
    char msg[OPT_MSG_MAX];

    (void)state;
    assert_int_equal(parse(&a, msg, WORDS("--", "--json", "-")), 3);
    assert_string_equal(a.first, "--json");
    assert_string_equal(a.second, "-");
    assert_false(a.json);
}

static void
test_opt_keeps_each_value_of_a_list_in_order(void **state)
{
    struct args a;
    char msg[OPT_MSG_MAX];

    (void)state;
    assert_int_equal(
        parse(&a, msg, WORDS("--stop", "a", "--stop=", "--stop", "-x")), 5);
    assert_int_equal(a.stops.n, 3);
    assert_string_equal(a.stops.items[0], "a");
    assert_string_equal(a.stops.items[1], "");
    assert_string_equal(a.stops.items[2], "-x");
    opt_release(&(struct opt_table){specs, &a});
    assert_null(a.stops.items);
}

static void
test_opt_names_the_nearest_of_an_unknown_option(void **state)
{
    (void)state;
    assert_refused(WORDS("--modle", "x"),
                   "unknown option '--modle'; did you mean '--model'?");
    assert_refused(WORDS("--zebra=1"), "unknown option '--zebra'");
    assert_refused(WORDS("-jx"), "unknown option '-x' in '-jx'");
}

static void
test_opt_refuses_numbers_outside_their_range_by_name(void **state)
{
    static const char *const ranks[] = {"0", "-3",  "8x",
                                        "",  "3.5", "99999999999999999999"};
    static const char *const shares[] = {"0", "-1", "1.5", "nan", "inf", "x"};
    static const char *const seeds[] = {"-1", "18446744073709551616", "1e3"};
    char want[200];

    (void)state;
    for (size_t i = 0; i < sizeof(ranks) / sizeof(*ranks); i++) {
        snprintf(want, sizeof(want),
                 "option '--rank' takes a whole number from 1 to 64, not '%s'",
                 ranks[i]);
        assert_refused(WORDS("--rank", ranks[i]), want);
    }
    for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
        snprintf(want, sizeof(want),
                 "option '--share' takes a number above 0, up to 1, not '%s'",
                 shares[i]);
        assert_refused(WORDS("--share", shares[i]), want);
    }
    for (size_t i = 0; i < sizeof(seeds) / sizeof(*seeds); i++) {
        snprintf(want, sizeof(want),
                 "option '--seed' takes a whole number from 0 to "
                 "18446744073709551615, not '%s'",
                 seeds[i]);
        assert_refused(WORDS("--seed", seeds[i]), want);
    }
}

static void
test_opt_takes_the_bounds_themselves(void **state)
{
    struct args a;
    char msg[OPT_MSG_MAX];

    (void)state;
    assert_int_equal(
        parse(&a, msg,
              WORDS("--rank=64", "--share=1", "--seed=18446744073709551615")),
        3);
    assert_int_equal(a.rank, 64);
    assert_true(a.seed == UINT64_MAX);
    assert_close(a.share, 1, 0);
}

static void
test_opt_says_that_a_value_is_missing(void **state)
{
    (void)state;
    assert_refused(WORDS("--model"), "option '--model' needs a value (PATH)");
    assert_refused(WORDS("--model", "--rank", "3"),
                   "option '--model' needs a value (PATH)");
    assert_refused(WORDS("-m"), "option '-m' (--model) needs a value (PATH)");
    assert_refused(WORDS("--json=yes"),
                   "option '--json' takes no value, not 'yes'");
}

static void
test_opt_names_the_choices_and_the_nearest(void **state)
{
    (void)state;
    assert_refused(WORDS("--kind", "cosin"),
                   "option '--kind' takes one of cosine|linear, not 'cosin' "
                   "(did you mean 'cosine'?)");
}

static void
test_opt_missing_finds_what_is_required(void **state)
{
    struct args a;
    char msg[OPT_MSG_MAX];
    const struct opt_table table = {specs, &a};

    (void)state;
    assert_int_equal(parse(&a, msg, WORDS("-j")), 1);
    assert_string_equal(opt_missing(&table)->name, "model");
    assert_int_equal(parse(&a, msg, WORDS("-m", "x")), 2);
    assert_null(opt_missing(&table));
}

static void
test_opt_stops_at_the_first_word_when_asked(void **state)
{
    struct args a = {0};
    const struct opt_table table = {specs, &a};
    char words[3][8] = {"-j", "run", "-q"};
    char *argv[] = {words[0], words[1], words[2]};
    char msg[OPT_MSG_MAX];

    (void)state;
    assert_int_equal(opt_parse(&table, 1, 3, argv, true, msg), 1);
    assert_true(a.json);
    assert_false(a.quiet);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_opt_reads_a_value_after_a_sign_or_as_the_next_word),
        cmocka_unit_test(test_opt_fills_arguments_in_order_and_refuses_a_third),
        cmocka_unit_test(
            test_opt_takes_every_word_after_two_dashes_as_an_argument),
        cmocka_unit_test(test_opt_keeps_each_value_of_a_list_in_order),
        cmocka_unit_test(test_opt_names_the_nearest_of_an_unknown_option),
        cmocka_unit_test(test_opt_refuses_numbers_outside_their_range_by_name),
        cmocka_unit_test(test_opt_takes_the_bounds_themselves),
        cmocka_unit_test(test_opt_says_that_a_value_is_missing),
        cmocka_unit_test(test_opt_names_the_choices_and_the_nearest),
        cmocka_unit_test(test_opt_missing_finds_what_is_required),
        cmocka_unit_test(test_opt_stops_at_the_first_word_when_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
