/* test_figures.c -- facts about a measurement at a terminal. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "cli/figures.h"

static char trouble[] = "the drift is <high>\nno inputs were held out";

static const trv_measurement measured = {
    .gap_closed = {0.91, 0.011, 0.888, 0.932, 200},
    .kl_forward = {0.0312, 0.0021, 0.027, 0.0353, 200},
    .kl_base = {0.412, 0.02, 0.37, 0.45, 200},
    .cost = {.seconds = 12, .tokens = 12345, .peak_bytes = 300000000},
    .trouble = trouble,
    .asked = 0x3ff, // all but those of a task
};
static const struct figures_of who = {"M", "prompt:You are <b>", "out/z",
                                      "text", "lora"};

static char *
table_of(const trv_measurement *r)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(f);
    figures_table(f, r, &who, false);
    fclose(f);
    return text;
}

static void
test_figures_table_says_the_gap_in_words(void **state)
{
    char *text = table_of(&measured);

    (void)state;
    assert_non_null(strstr(
        text, "'out/z' closes 0.910 \302\261 0.011 of the gap between the base "
              "model and 'prompt:You are <b>' (95 % interval 0.888 to 0.932, "
              "200 inputs).\n"));
    assert_non_null(strstr(text, "  the drift is <high>\n  no inputs"));
    free(text);
}

static void
test_figures_table_says_when_it_got_worse(void **state)
{
    trv_measurement worse = measured;
    char *text;

    (void)state;
    worse.gap_closed.mean = -0.2;
    text = table_of(&worse);
    assert_non_null(strstr(text, "'out/z' is farther from 'prompt:You are <b>' "
                                 "than the base model is: it closes -0.200"));
    free(text);
}

static void
test_figures_table_names_what_was_not_measured(void **state)
{
    const trv_measurement none = {.cost = {.seconds = 1}, .asked = 1};
    char *text = table_of(&none);

    (void)state;
    assert_non_null(strstr(text, "gap closed      not measured"));
    assert_null(strstr(text, "kl forward")); // nobody asked
    assert_non_null(strstr(text, "How much of the gap is closed was not "
                                 "measured."));
    assert_null(strstr(text, "Trouble"));
    free(text);
}

static char *
examples_of(const trv_measurement *r, const struct figures_of *of)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(f);
    figures_examples(f, r, of, 60, false);
    fclose(f);
    return text;
}

static void
test_figures_say_the_distance_in_words(void **state)
{
    static char input[] = "Hi", said[] = "Ho";
    trv_example e = {
        .input = input, .base = said, .source = said, .target = said};
    trv_measurement r = measured;
    char *text;

    (void)state;
    r.examples = &e;
    r.n_examples = 1;
    r.top1_agreement = (trv_figure){0.907, 0.01, 0.89, 0.92, 200};
    text = examples_of(&r, &who);
    assert_non_null(strstr(text,
                           "\nThe LoRA closes 0.91 of the gap between the "
                           "base model and the prompt; it picks the same next "
                           "token as the prompt in 91 % of places.\n"));
    free(text);
    r.gap_closed.mean = -0.2;
    text = examples_of(&r, &who);
    assert_non_null(strstr(text, "\nThe LoRA is farther from the prompt than "
                                 "the base model is; it picks"));
    free(text);
    r.gap_closed.n = 0;
    text = examples_of(&r, &who);
    assert_non_null(strstr(text, "\nThere is no gap between the base model "
                                 "and the prompt; the LoRA picks"));
    free(text);
}

static void
test_figures_examples_stand_side_by_side(void **state)
{
    static char input[] = "What is a <fox>?", base[] = "An animal.";
    static char source[] = "Arr! It be an animal.", target[] = "Arr! <b>";
    static const char want[] =
        "> What is a <fox>?\n\n"
        "BASE                PROMPT              LORA\n"
        "An animal.          Arr! It be an       Arr! <b>\n"
        "                    animal.\n\n"
        "The LoRA closes 0.91";
    trv_example e = {
        .input = input, .base = base, .source = source, .target = target};
    const struct figures_of twins = {"M", "prompt:a", "prompt:b", "text",
                                     "messages"};
    trv_measurement r = measured;
    char *text;

    (void)state;
    text = examples_of(&r, &who);
    assert_string_equal(text, ""); // none were asked for
    free(text);
    r.examples = &e;
    r.n_examples = 1;
    text = examples_of(&r, &who);
    assert_memory_equal(text, want, sizeof(want) - 1);
    free(text);
    text = examples_of(&r, &twins);
    assert_non_null(strstr(text, "SOURCE              TARGET\n"));
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_table_says_the_gap_in_words),
        cmocka_unit_test(test_figures_table_says_when_it_got_worse),
        cmocka_unit_test(test_figures_table_names_what_was_not_measured),
        cmocka_unit_test(test_figures_say_the_distance_in_words),
        cmocka_unit_test(test_figures_examples_stand_side_by_side),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
