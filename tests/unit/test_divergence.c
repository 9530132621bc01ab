/* test_divergence.c -- divergences along answers that were drawn, again by sums
 * over the world where all answers are counted.
 */
#include "support/test.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "measure/answers_drawn.h"
#include "measure/divergence.h"
#include "measure/plan.h"
#include "measure/stats.h"
#include "support/ruler.h"

#define INPUTS 800 // several passes

static struct ruler r;

static int
set_up(void **state)
{
    (void)state;
    ruler_open(&r, "divergence_world", INPUTS);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    ruler_close(&r);
    return 0;
}

/* Of f32: each log-probability is right to about 3e-7, and a sum over 6 tokens
 * of a few of them to ten times that. */
#define F32 5e-6

/* What the figures along the answers of p must be. */
static void
recompute(double *kl, double *base, double *agree, const struct measure *m,
          enum side p, enum side q)
{
    for (int64_t i = 0; i < m->n; i++) {
        const struct drawn *y = &m->items[i].from[p][0];
        const int64_t at = ruler_find(&r, i % WORLD_INPUTS, y->ids, y->n);

        kl[i] = ruler_kl(&r, at, p, q);
        base[i] = ruler_kl(&r, at, p, SIDE_BASE);
        agree[i] = ruler_agree(&r, at, p, q);
    }
}

static void
check(const trv_figure *got, trv_figure want)
{
    assert_int_equal(got->n, INPUTS);
    assert_close(got->mean, want.mean, F32);
    assert_close(got->stderr_, want.stderr_, F32);
}

static void
test_divergence_figures_are_sums_over_the_vocabulary(void **state)
{
    static double kl[INPUTS], base[INPUTS], agree[INPUTS], other[INPUTS];
    struct measure m;
    trv_measurement out = {0};
    trv_err err = {0};

    (void)state;
    ruler_begin(&r, &m, "prompt:bdb", "lora:%/moved");
    m.per_side[SIDE_A] = m.per_side[SIDE_B] = 1;
    ruler_draw(&m);
    if (divergence_kl(&m, &out, &err))
        fail_msg("%s", err.msg);
    recompute(kl, base, agree, &m, SIDE_A, SIDE_B);
    check(&out.kl_forward, stats_mean(kl, INPUTS));
    check(&out.kl_base, stats_mean(base, INPUTS));
    check(&out.gap_closed, stats_gap(kl, base, INPUTS));
    check(&out.top1_agreement, stats_mean(agree, INPUTS));
    recompute(kl, base, other, &m, SIDE_B, SIDE_A);
    check(&out.kl_reverse, stats_mean(kl, INPUTS));
    assert_true(fabs(out.kl_forward.mean - out.kl_reverse.mean) > 0.05);
    divergence_release(&out);
    ruler_end(&m);
}

static void
test_divergence_drift_is_along_answers_of_the_base(void **state)
{
    static double kl[INPUTS], base[INPUTS], agree[INPUTS];
    trv_measure_options o;
    struct measure m;
    trv_measurement out = {0};
    trv_err err = {0};

    (void)state;
    ruler_begin(&r, &m, "prompt:bdb", "lora:%/moved");
    o = *m.opts;
    o.inputs = "nowhere"; // they are not what it is measured on
    m.opts = &o;
    if (divergence_drift(&m, &out, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(m.n, INPUTS); // its own items
    recompute(kl, base, agree, &m, SIDE_BASE, SIDE_B);
    check(&out.drift, stats_mean(kl, INPUTS));
    recompute(kl, base, agree, &m, SIDE_BASE, SIDE_A);
    check(&out.drift_source, stats_mean(kl, INPUTS));
    assert_true(out.drift.mean > 0.05);
    ruler_end(&m);
}

/* Where there is no file, other inputs are drawn than those that are held out
 * to measure on. */
static void
test_divergence_drift_draws_inputs_of_its_own(void **state)
{
    trv_measure_options o;
    struct measure m, held;
    trv_measurement out = {0};
    int64_t n, same = 0;
    trv_err err = {0};

    (void)state;
    ruler_begin(&r, &m, "base", "lora:%/moved");
    ruler_begin(&r, &held, "base", "lora:%/moved");
    o = *m.opts;
    o.inputs = o.control = NULL;
    m.n = held.max_inputs = 40;
    m.opts = held.opts = &o;
    if (divergence_drift(&m, &out, &err) ||
        inputs_open(&held.in, held.s,
                    &(struct inputs_options){.use = INPUTS_HELD_OUT,
                                             .want = held.max_inputs,
                                             .seed = o.seed},
                    &err) ||
        drawn_fill(&held, &held.dropped, &held.in, &err))
        fail_msg("%s", err.msg);
    n = m.n < held.n ? m.n : held.n;
    for (int64_t i = 0; i < n; i++) {
        const struct component *a = m.items[i].context[SIDE_BASE].parts;
        const struct component *b = held.items[i].context[SIDE_BASE].parts;

        same += a->n_ids == b->n_ids &&
                memcmp(a->ids, b->ids, (size_t)a->n_ids * sizeof(*a->ids)) == 0;
    }
    assert_true(n > 20);
    assert_true(same < n / 4); // of few letters, some are equal by chance
    ruler_end(&held);
    ruler_end(&m);
}

/* Logits overflow under parameters of this size. */
static void
test_divergence_that_is_not_finite_is_an_error(void **state)
{
    struct measure m;
    trv_measurement out = {0};
    trv_err err = {0};

    (void)state;
    exact_save(&r.w, "huge", KIND_LORA, 0, 1e18, 31);
    ruler_begin(&r, &m, "base", "lora:%/huge");
    assert_int_equal(divergence_drift(&m, &out, &err), TRV_ENONFINITE);
    assert_non_null(strstr(err.msg, "not finite at input 1 of 800"));
    ruler_end(&m);
}

static const trv_figure *
figure_at(const trv_measurement *m, size_t offset)
{
    return (const trv_figure *)(const void *)((const char *)m + offset);
}

/* A figure that was not asked for is not computed; what was is the same with
 * the others and without. */
static void
test_divergence_computes_what_was_asked_for(void **state)
{
    static const size_t at[] = {offsetof(trv_measurement, gap_closed),
                                offsetof(trv_measurement, kl_forward),
                                offsetof(trv_measurement, kl_reverse),
                                offsetof(trv_measurement, kl_base),
                                offsetof(trv_measurement, top1_agreement)};
    static const unsigned bits[] = {ASKED(gap_closed), ASKED(kl_forward),
                                    ASKED(kl_reverse), ASKED(kl_base),
                                    ASKED(top1_agreement)};
    struct measure m;
    trv_measurement all = {0};
    trv_err err = {0};

    (void)state;
    ruler_begin(&r, &m, "prompt:bdb", "lora:%/moved");
    m.per_side[SIDE_A] = m.per_side[SIDE_B] = 1;
    ruler_draw(&m);
    if (divergence_kl(&m, &all, &err))
        fail_msg("%s", err.msg);
    for (int i = 0; i < 5; i++) {
        trv_measurement out = {0};

        m.asked = bits[i];
        if (divergence_kl(&m, &out, &err))
            fail_msg("%s", err.msg);
        for (int k = 0; k < 5; k++) {
            const trv_figure *one = figure_at(&out, at[k]);

            if (k == i) // the sides of a pass differ, and so the last bits
                check(one, *figure_at(&all, at[k]));
            else
                assert_int_equal(one->n, 0);
        }
        divergence_release(&out);
    }
    divergence_release(&all);
    ruler_end(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_divergence_figures_are_sums_over_the_vocabulary),
        cmocka_unit_test(test_divergence_drift_is_along_answers_of_the_base),
        cmocka_unit_test(test_divergence_drift_draws_inputs_of_its_own),
        cmocka_unit_test(test_divergence_that_is_not_finite_is_an_error),
        cmocka_unit_test(test_divergence_computes_what_was_asked_for),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
