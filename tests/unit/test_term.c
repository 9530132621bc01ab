/* test_term.c -- facts about the progress line. */
#include "support/test.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/term.h"

static double fake_time;

static double
fake_now(void)
{
    return fake_time;
}

/* A term on a memory stream; `live` stands for a terminal. */
struct page {
    struct term t;
    FILE *f;
    char *text;
    size_t n;
};

static void
page_open(struct page *p, bool live, bool quiet)
{
    fake_time = 100;
    p->f = open_memstream(&p->text, &p->n);
    assert_non_null(p->f);
    term_init(&p->t, p->f, p->f, quiet, fake_now);
    p->t.live = live;
}

static void
page_close(struct page *p)
{
    fclose(p->f);
    free(p->text);
}

/* One report after `seconds` of work. */
static bool
report(struct page *p, const char *stage, int64_t done, double seconds)
{
    const trv_progress now = {.stage = stage,
                              .done = done,
                              .total = 100,
                              .unit = "steps",
                              .tokens = 50.0 * (double)done,
                              .loss = (double)NAN,
                              .seconds = seconds};

    fake_time = 100 + seconds;
    return term_progress(&now, &p->t);
}

static int
redraws(const struct page *p)
{
    int n = 0;

    fflush(p->f);
    for (const char *c = p->text; (c = strstr(c, "\r")); c++)
        n++;
    return n;
}

static void
test_term_draws_nothing_in_the_first_second(void **state)
{
    struct page p;

    (void)state;
    page_open(&p, true, false);
    for (int i = 1; i < 10; i++)
        assert_true(report(&p, "training", i, 0.1 * i));
    assert_int_equal(redraws(&p), 0);
    page_close(&p);
}

static void
test_term_draws_at_most_five_times_a_second(void **state)
{
    struct page p;

    (void)state;
    page_open(&p, true, false);
    for (int i = 0; i <= 100; i++) // 1.0 s to 2.0 s
        report(&p, "training", i, 1 + 0.01 * i);
    assert_in_range(redraws(&p), 4, 6); // both ends may be drawn
    page_close(&p);
}

static void
test_term_line_has_rate_and_time_left(void **state)
{
    struct page p;

    (void)state;
    page_open(&p, true, false);
    report(&p, "training", 25, 10);
    fflush(p.f);
    assert_string_equal(p.text, "\rtraining [#####...............] 25/100  125 "
                                "tokens/s  30s left\033[K");
    page_close(&p);
}

/* 80 columns, of which the last stays free. */
static void
test_term_line_keeps_the_time_left_when_numbers_are_long(void **state)
{
    const trv_progress long_one = {.stage = "sampling control inputs",
                                   .done = 500000,
                                   .total = 1000000,
                                   .unit = "inputs",
                                   .tokens = 1e9,
                                   .loss = 10.25,
                                   .seconds = 7200};
    struct page p;

    (void)state;
    page_open(&p, true, false);
    fake_time = 7300;
    term_progress(&long_one, &p.t);
    fflush(p.f);
    assert_string_equal(p.text, "\rsampling control inputs [####....] "
                                "500000/1000000  138,889 tokens/s  2h00m "
                                "left\033[K"); // 79 columns, without the loss
    page_close(&p);
}

static void
test_term_logs_a_line_every_30_seconds_where_nothing_is_live(void **state)
{
    struct page p;

    (void)state;
    page_open(&p, false, false);
    for (int i = 1; i <= 70; i++) // a second each
        report(&p, "training", i, i);
    fflush(p.f);
    assert_string_equal(p.text,
                        "training: 30 of 100 steps, 50 tokens/s, 1m10s left\n"
                        "training: 60 of 100 steps, 50 tokens/s, 40s left\n");
    page_close(&p);
    page_open(&p, false, true);
    for (int i = 1; i <= 70; i++)
        report(&p, "training", i, i);
    fflush(p.f);
    assert_string_equal(p.text, "");
    page_close(&p);
}

static void
test_term_ends_each_stage_with_a_line_where_nothing_is_live(void **state)
{
    struct page p;

    (void)state;
    page_open(&p, false, false);
    report(&p, "sampling", 100, 4);
    report(&p, "training", 50, 5);
    term_done(&p.t);
    term_done(&p.t); // says it once
    fflush(p.f);
    assert_string_equal(p.text,
                        "sampling: 100 steps in 4.0 s, 1,250 tokens/s\n"
                        "training: 50 of 100 steps in 5.0 s, 500 tokens/s\n");
    page_close(&p);
}

static void
test_term_ends_a_whole_stage_before_a_message(void **state)
{
    struct page p;

    (void)state;
    page_open(&p, false, false);
    report(&p, "sampling", 99, 4);
    term_message(&p.t); // it goes on
    fputs("a warning\n", p.f);
    report(&p, "sampling", 100, 4);
    term_message(&p.t);
    fputs("the next\n", p.f);
    report(&p, "training", 1, 5);
    fflush(p.f);
    assert_string_equal(p.text, "a warning\n"
                                "sampling: 100 steps in 4.0 s, 1,250 tokens/s\n"
                                "the next\n");
    page_close(&p);
}

static void
test_term_quiet_says_nothing(void **state)
{
    struct page p;

    (void)state;
    page_open(&p, false, true);
    report(&p, "sampling", 100, 4);
    term_done(&p.t);
    fflush(p.f);
    assert_int_equal(p.n, 0);
    page_close(&p);
}

static void
test_term_uses_no_colour_where_there_is_no_terminal(void **state)
{
    struct term t;
    FILE *f = tmpfile();

    (void)state;
    assert_non_null(f);
    term_init(&t, f, f, false, NULL);
    assert_false(t.color_out || t.color_err || t.live);
    assert_string_equal(term_bold(t.color_out), "");
    fclose(f);
}

static void
test_term_progress_is_false_after_an_interrupt(void **state)
{
    struct page p;

    (void)state;
    page_open(&p, false, true);
    assert_true(report(&p, "training", 1, 0.1));
    term_catch_interrupt();
    raise(SIGINT);
    assert_false(report(&p, "training", 2, 0.2));
    assert_true(term_interrupted());
    page_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_term_draws_nothing_in_the_first_second),
        cmocka_unit_test(test_term_draws_at_most_five_times_a_second),
        cmocka_unit_test(test_term_line_has_rate_and_time_left),
        cmocka_unit_test(
            test_term_line_keeps_the_time_left_when_numbers_are_long),
        cmocka_unit_test(
            test_term_logs_a_line_every_30_seconds_where_nothing_is_live),
        cmocka_unit_test(
            test_term_ends_each_stage_with_a_line_where_nothing_is_live),
        cmocka_unit_test(test_term_ends_a_whole_stage_before_a_message),
        cmocka_unit_test(test_term_quiet_says_nothing),
        cmocka_unit_test(test_term_uses_no_colour_where_there_is_no_terminal),
        cmocka_unit_test(test_term_progress_is_false_after_an_interrupt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
