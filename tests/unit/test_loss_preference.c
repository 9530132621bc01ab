/* test_loss_preference.c -- DPO, IPO, hinge, KTO and ORPO are TRL's, to
 * rounding.
 */
#include "support/golden.h"

#include <math.h>
#include <string.h>

#include "learn/loss/loss_preference.h"

/* Against TRL in f64 a few roundings are between us; its logged accuracy alone
 * is f32. Against TRL in f32: each of its values is a sum or product of a
 * handful of numbers rounded to 6e-8, none far larger than the result. */
#define F64_BOUND 1e-13
#define F64_LOG_BOUND 1e-7
#define F32_BOUND 1e-6

static enum preference_loss
loss_of(const char *name)
{
    for (int i = 0; i < PREFERENCE_LOSSES; i++) {
        const enum preference_loss loss = (enum preference_loss)i;

        if (strcmp(name, preference_traits(loss)->name) == 0)
            return loss;
    }
    fail_msg("no loss '%s'", name);
    return PREFERENCE_SIGMOID;
}

struct pairs {
    struct golden pc, pr, qc, qr, nc, nr;
    struct preference_pairs x;
};

static void
pairs_read(struct pairs *p, const json_t *root)
{
    const json_t *obj = json_object_get(root, "pairs");

    p->pc = golden_array(obj, "pc");
    p->pr = golden_array(obj, "pr");
    p->qc = golden_array(obj, "qc");
    p->qr = golden_array(obj, "qr");
    p->nc = golden_array(obj, "nc");
    p->nr = golden_array(obj, "nr");
    p->x = (struct preference_pairs){p->pc.v, p->pr.v, p->qc.v, p->qr.v,
                                     p->nc.i, p->nr.i, p->pc.n};
}

static void
check_pairs(const struct pairs *p, const struct preference_options *o,
            const json_t *want, double bound, double log_bound)
{
    const int64_t logged =
        (int64_t)json_array_size(json_object_get(want, "rewards"));
    double d_pc[GOLDEN_MAX] = {0}, d_pr[GOLDEN_MAX] = {0};
    struct preference_rewards r;
    const double loss = loss_preference(d_pc, d_pr, &r, &p->x, o);
    const double figures[] = {r.chosen, r.rejected, r.margin, r.accuracy};

    assert_close(loss, golden_number(want, "loss"), bound * fabs(loss));
    golden_assert(d_pc, p->x.B, want, "d_pc", bound);
    golden_assert(d_pr, p->x.B, want, "d_pr", bound);
    golden_assert(figures, logged, want, "rewards", log_bound);
}

static void
test_loss_preference_equals_trl(void **state)
{
    json_t *root = golden_open("losses/preference.json");
    const json_t *c;
    struct pairs p;
    size_t i;

    (void)state;
    pairs_read(&p, root);
    json_array_foreach(json_object_get(root, "cases"), i, c)
    {
        const struct preference_options o = {
            .loss = loss_of(golden_string(c, "kind")),
            .beta = golden_number(c, "beta"),
            .smoothing = golden_number(c, "smoothing")};

        check_pairs(&p, &o, json_object_get(c, "f64"), F64_BOUND,
                    F64_LOG_BOUND);
        check_pairs(&p, &o, json_object_get(c, "f32"), F32_BOUND, F32_BOUND);
    }
    assert_int_equal(i, 10);
    json_decref(root);
}

static void
check_with_sft(const struct pairs *p, const struct preference_options *o,
               double weight, const json_t *want, double bound)
{
    double d_pc[GOLDEN_MAX] = {0}, d_pr[GOLDEN_MAX] = {0};
    const double loss = loss_preference(d_pc, d_pr, NULL, &p->x, o) +
                        loss_chosen(d_pc, p->x.pc, p->x.nc, p->x.B, weight);

    assert_close(loss, golden_number(want, "loss"), bound * fabs(loss));
    golden_assert(d_pc, p->x.B, want, "d_pc", bound);
    golden_assert(d_pr, p->x.B, want, "d_pr", bound);
    assert_close(loss_chosen(NULL, p->x.pc, p->x.nc, p->x.B, 0.0), 0.0, 0.0);
}

static void
test_loss_chosen_beside_a_preference_equals_trls_sft(void **state)
{
    json_t *root = golden_open("losses/preference.json");
    const json_t *c;
    struct pairs p;
    size_t i;

    (void)state;
    pairs_read(&p, root);
    json_array_foreach(json_object_get(root, "with_sft"), i, c)
    {
        const struct preference_options o = {
            .loss = loss_of(golden_string(c, "kind")),
            .beta = golden_number(c, "beta")};
        const double weight = golden_number(c, "weight");

        check_with_sft(&p, &o, weight, json_object_get(c, "f64"), F64_BOUND);
        check_with_sft(&p, &o, weight, json_object_get(c, "f32"), F32_BOUND);
    }
    assert_int_equal(i, 3);
    json_decref(root);
}

static void
check_orpo(const struct pairs *p, const json_t *c, const char *precision,
           double bound)
{
    const json_t *want = json_object_get(c, precision);
    const struct preference_options o = {.loss = PREFERENCE_ORPO,
                                         .beta = golden_number(c, "beta")};
    const double weight = preference_traits(o.loss)->likelihood;
    double d_pc[GOLDEN_MAX] = {0}, d_pr[GOLDEN_MAX] = {0};
    struct preference_rewards r;
    const double odds = loss_preference(d_pc, d_pr, &r, &p->x, &o);
    const double nll = loss_chosen(d_pc, p->x.pc, p->x.nc, p->x.B, weight);
    const double figures[] = {r.chosen, r.rejected, r.margin, r.accuracy};

    assert_close(odds + nll, golden_number(want, "loss"), bound * (odds + nll));
    /* All that is logged is f32. */
    assert_close(nll, golden_number(want, "nll"), F32_BOUND * nll);
    golden_assert(d_pc, p->x.B, want, "d_pc", bound);
    golden_assert(d_pr, p->x.B, want, "d_pr", bound);
    golden_assert(figures, 4, want, "rewards", F32_BOUND);
}

static void
test_loss_orpo_equals_trl(void **state)
{
    json_t *root = golden_open("losses/preference.json"), *orpo;
    const json_t *c;
    struct pairs p;
    size_t i;

    (void)state;
    orpo = json_object_get(root, "orpo");
    pairs_read(&p, orpo);
    p.x.qc = p.x.qr = NULL; // no reference is read
    json_array_foreach(json_object_get(orpo, "cases"), i, c)
    {
        check_orpo(&p, c, "f64", F64_BOUND);
        check_orpo(&p, c, "f32", F32_BOUND);
    }
    assert_int_equal(i, 2);
    json_decref(root);
}

static void
check_kto(const json_t *answers, const json_t *c, const json_t *want,
          double bound)
{
    const struct golden p = golden_array(answers, "p");
    const struct golden q = golden_array(answers, "q");
    const struct golden good = golden_array(c, "good");
    const struct golden kl_p = golden_array(c, "kl_p");
    const struct golden kl_q = golden_array(c, "kl_q");
    const struct golden weights = golden_array(c, "weights");
    const struct kto_answers x = {p.v, q.v, good.b, p.n};
    const struct kto_options o = {golden_number(c, "beta"), weights.v[0],
                                  weights.v[1]};
    const double kl = loss_kto_baseline(kl_p.v, kl_q.v, kl_p.n);
    double d_p[GOLDEN_MAX] = {0}, figures[2];
    struct kto_rewards r;
    const double loss = loss_kto(d_p, &r, &x, kl, &o);

    assert_close(kl, golden_number(want, "kl"), bound);
    assert_close(loss, golden_number(want, "loss"), bound * loss);
    golden_assert(d_p, p.n, want, "d_p", bound);
    figures[0] = r.good;
    figures[1] = r.bad;
    golden_assert(figures, 2, want, "rewards", bound);
    assert_close(r.margin, r.n_good && r.n_bad ? r.good - r.bad : 0.0, 0.0);
    assert_int_equal(r.n_good + r.n_bad, p.n);
}

static void
test_loss_kto_equals_trl(void **state)
{
    json_t *root = golden_open("losses/preference.json");
    const json_t *answers = json_object_get(root, "answers"), *c;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(root, "kto"), i, c)
    {
        check_kto(answers, c, json_object_get(c, "f64"), F64_BOUND);
        check_kto(answers, c, json_object_get(c, "f32"), F32_BOUND);
    }
    assert_int_equal(i, 5);
    json_decref(root);
}

static void
test_loss_preference_is_log_2_where_policy_is_reference(void **state)
{
    const double c[] = {-12.5, -3.0}, r[] = {-40.0, -7.0};
    const struct preference_pairs x = {c, r, c, r, NULL, NULL, 2};
    const struct preference_options o = {PREFERENCE_SIGMOID, 0.1, 0.0};
    const struct preference_options e = {PREFERENCE_SIGMOID, 0.1, 0.3};
    const struct preference_options h = {PREFERENCE_HINGE, 0.1, 0.0};
    const struct preference_options k = {PREFERENCE_KTO, 0.1, 0.0};
    struct preference_rewards f;

    (void)state;
    assert_close(loss_preference(NULL, NULL, &f, &x, &o), log(2.0), 1e-15);
    assert_close(f.accuracy + fabs(f.margin) + fabs(f.chosen), 0.0, 0.0);
    assert_close(loss_preference(NULL, NULL, NULL, &x, &e), log(2.0), 1e-15);
    assert_close(loss_preference(NULL, NULL, NULL, &x, &h), 1.0, 0.0);
    assert_close(loss_preference(NULL, NULL, NULL, &x, &k), 0.5, 0.0);
}

static void
test_loss_preference_ipo_is_0_at_its_target_margin_per_token(void **state)
{
    /* 1 / (2 beta) = 0.5 = 3/6 + 1/4 - 1/4 nats per token. */
    const double pc[] = {-7.0}, qc[] = {-10.0}, pr[] = {-9.0}, qr[] = {-9.0};
    const int64_t nc[] = {6}, nr[] = {4};
    const struct preference_pairs x = {pc, pr, qc, qr, nc, nr, 1};
    const struct preference_options o = {PREFERENCE_IPO, 1.0, 0.0};
    double d_pc[] = {0.0}, d_pr[] = {0.0};

    (void)state;
    assert_close(loss_preference(d_pc, d_pr, NULL, &x, &o), 0.0, 1e-30);
    assert_close(fabs(d_pc[0]) + fabs(d_pr[0]), 0.0, 1e-16);
}

/* Each of 3 pairs' two arguments, moved by +-h; gradients are added to 1. */
static void
check_slopes(enum preference_loss loss)
{
    static const double h = 1e-5;
    double pc[] = {-6.0, -9.5, -3.0}, pr[] = {-9.0, -4.0, -3.5};
    const double qc[] = {-8.0, -9.0, -3.25}, qr[] = {-7.5, -6.0, -3.0};
    const int64_t nc[] = {3, 5, 2}, nr[] = {4, 1, 2};
    const struct preference_pairs x = {pc, pr, qc, qr, nc, nr, 3};
    const struct preference_options o = {
        loss, 0.3, loss == PREFERENCE_SIGMOID ? 0.1 : 0.0};
    double d_pc[] = {1.0, 1.0, 1.0}, d_pr[] = {1.0, 1.0, 1.0};

    loss_preference(d_pc, d_pr, NULL, &x, &o);
    for (int i = 0; i < 6; i++) {
        double *v = i < 3 ? &pc[i] : &pr[i - 3];
        const double at = *v, d = i < 3 ? d_pc[i] : d_pr[i - 3];
        double slope;

        *v = at + h;
        slope = loss_preference(NULL, NULL, NULL, &x, &o);
        *v = at - h;
        slope -= loss_preference(NULL, NULL, NULL, &x, &o);
        *v = at;
        /* h^2 of the third derivative, and rounding 1e-16 / h. */
        assert_close(d, 1.0 + slope / (2 * h), 1e-10);
    }
}

static void
test_loss_preference_gradient_equals_central_difference(void **state)
{
    (void)state;
    check_slopes(PREFERENCE_SIGMOID);
    check_slopes(PREFERENCE_IPO);
    check_slopes(PREFERENCE_HINGE);
    check_slopes(PREFERENCE_ORPO);
}

/* Where probabilities come near 1, on both sides of where the odds go on as a
 * tangent, and at 1 itself. */
static void
test_loss_orpo_of_certain_answers_has_the_slope_of_its_differences(void **state)
{
    static const double at[] = {-1e-3, -1e-6, -0x1p-23, -0x1p-25, 0.0};
    static const struct preference_options o = {PREFERENCE_ORPO, 0.3, 0.0};
    static const int64_t one[] = {1};

    (void)state;
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 2; k++) {
            const double sure = at[i];
            const double h = 1e-3 * fmax(-sure, 0x1p-25);
            double p[2] = {-0.7, -0.7}, d[2] = {0.0, 0.0}, slope;
            const struct preference_pairs x = {&p[0], &p[1], NULL, NULL,
                                               one,   one,   1};

            p[k] = sure; // chosen, or rejected
            assert_true(isfinite(loss_preference(&d[0], &d[1], NULL, &x, &o)));
            assert_true(k ? d[k] > 0.0 : d[k] < 0.0);
            p[k] = sure + h;
            slope = loss_preference(NULL, NULL, NULL, &x, &o);
            p[k] = sure - h;
            slope -= loss_preference(NULL, NULL, NULL, &x, &o);
            /* h^2 of the third derivative is 1e-6 of the first; a loss of
             * about 1 is rounded to 1e-16, divided by h. */
            assert_close(d[k], slope / (2.0 * h),
                         1e-6 * fabs(d[k]) + 1e-15 / h);
        }
}

static void
test_loss_orpo_odds_ratio_is_that_of_mean_probabilities(void **state)
{
    /* Probabilities 1/2 and 1/4 a token: odds 1 and 1/3. */
    const double pc[] = {-3 * log(2.0)}, pr[] = {-2 * log(4.0)};
    const int64_t nc[] = {3}, nr[] = {2};
    const struct preference_pairs x = {pc, pr, NULL, NULL, nc, nr, 1};
    const struct preference_options o = {PREFERENCE_ORPO, 0.5, 0.0};
    struct preference_rewards f;

    (void)state;
    /* -log s(log 3) = log 4/3 */
    assert_close(loss_preference(NULL, NULL, &f, &x, &o), 0.5 * log(4.0 / 3.0),
                 1e-15);
    assert_close(f.chosen, -0.5 * log(2.0), 1e-15);
    assert_close(f.margin, 0.5 * log(2.0), 1e-15);
}

static void
test_loss_kto_gradient_holds_the_baseline_still(void **state)
{
    const double h = 1e-5, q[] = {-8.0, -5.0};
    const unsigned char good[] = {1, 0};
    const struct kto_options o = {0.5, 2.0, 0.7};

    (void)state;
    for (int i = 0; i < 2; i++) {
        double p[] = {-7.0, -6.5}, d_p[] = {1.0, 1.0}, slope;
        const struct kto_answers x = {p, q, good, 2};

        loss_kto(d_p, NULL, &x, 0.4, &o);
        p[i] += h;
        slope = loss_kto(NULL, NULL, &x, 0.4, &o);
        p[i] -= 2 * h;
        slope -= loss_kto(NULL, NULL, &x, 0.4, &o);
        assert_close(d_p[i], 1.0 + slope / (2 * h), 1e-10);
    }
}

static void
test_loss_kto_on_pairs_is_kto_on_each_half(void **state)
{
    const double pc[] = {-6.0, -9.5}, pr[] = {-9.0, -4.0};
    const double qc[] = {-8.0, -9.0}, qr[] = {-7.5, -5.0};
    const struct preference_pairs x = {pc, pr, qc, qr, NULL, NULL, 2};
    const struct preference_options o = {PREFERENCE_KTO, 0.3, 0.0};
    const unsigned char good[] = {1, 1}, bad[] = {0, 0};
    const struct kto_answers xc = {pc, qc, good, 2}, xr = {pr, qr, bad, 2};
    const struct kto_options k = {0.3, 1.0, 1.0};
    double d_pc[2] = {0}, d_pr[2] = {0}, d_c[2] = {0}, d_r[2] = {0}, sum;

    (void)state;
    sum = loss_kto(d_c, NULL, &xc, loss_kto_baseline(pr, qr, 2), &k) +
          loss_kto(d_r, NULL, &xr, loss_kto_baseline(pc, qc, 2), &k);
    assert_close(loss_preference(d_pc, d_pr, NULL, &x, &o), sum / 2, 1e-16);
    for (int i = 0; i < 2; i++) {
        assert_close(d_pc[i], d_c[i] / 2, 1e-17);
        assert_close(d_pr[i], d_r[i] / 2, 1e-17);
    }
}

static void
test_loss_kto_baseline_is_never_below_0(void **state)
{
    const double p[] = {-5.0, -2.0}, q[] = {-1.0, -3.0};

    (void)state;
    assert_close(loss_kto_baseline(p, q, 2), 0.0, 0.0);
    assert_close(loss_kto_baseline(q, p, 2), 1.5, 0.0);
}

static void
test_loss_preference_is_finite_at_the_ends_of_f32(void **state)
{
    static const double ends[] = {-3e38, -1000.0, 0.0, 1000.0, 3e38};
    static const int64_t one[] = {1};
    static const double zero[] = {0.0};

    (void)state;
    for (int i = 0; i < 5 * 5 * PREFERENCE_LOSSES; i++) {
        const double *pc = &ends[i % 5], *pr = &ends[i / 5 % 5];
        const struct preference_pairs x = {pc, pr, zero, zero, one, one, 1};
        const struct preference_options o = {(enum preference_loss)(i / 25),
                                             0.1, 0.0};
        const unsigned char good = *pr > 0.0;
        const struct kto_answers a = {pc, zero, &good, 1};
        const struct kto_options k = {0.1, 1.0, 1.0};
        struct preference_rewards f;
        double d_pc = 0.0, d_pr = 0.0, d_p = 0.0;

        assert_true(isfinite(loss_preference(&d_pc, &d_pr, &f, &x, &o)));
        assert_true(isfinite(d_pc) && isfinite(d_pr));
        assert_true(isfinite(f.margin) && isfinite(f.chosen));
        assert_true(isfinite(loss_kto(&d_p, NULL, &a, 3e38, &k)));
        assert_true(isfinite(d_p));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_preference_equals_trl),
        cmocka_unit_test(test_loss_chosen_beside_a_preference_equals_trls_sft),
        cmocka_unit_test(test_loss_orpo_equals_trl),
        cmocka_unit_test(test_loss_kto_equals_trl),
        cmocka_unit_test(
            test_loss_preference_is_log_2_where_policy_is_reference),
        cmocka_unit_test(
            test_loss_preference_ipo_is_0_at_its_target_margin_per_token),
        cmocka_unit_test(
            test_loss_preference_gradient_equals_central_difference),
        cmocka_unit_test(
            test_loss_orpo_of_certain_answers_has_the_slope_of_its_differences),
        cmocka_unit_test(
            test_loss_orpo_odds_ratio_is_that_of_mean_probabilities),
        cmocka_unit_test(test_loss_kto_gradient_holds_the_baseline_still),
        cmocka_unit_test(test_loss_kto_on_pairs_is_kto_on_each_half),
        cmocka_unit_test(test_loss_kto_baseline_is_never_below_0),
        cmocka_unit_test(test_loss_preference_is_finite_at_the_ends_of_f32),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
