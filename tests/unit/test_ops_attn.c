/* test_ops_attn.c -- facts about attention, against the oracle and against
 * slopes.
 *
 * Bounds. Scores here are sums of D <= 128 products of normal values times
 * 1/sqrt(D): about 4 at most, with an error of some 20 eps; exp makes that a
 * relative error of the probabilities, so outputs of size 1 err by less than
 * 1e-5, and gradients, sums over up to 300 queries, by less than 1e-4. The
 * backward pass takes delta from `out`, which bf16 rounds by 2^-9.
 */
#include "support/ops.h"

#include <math.h>

#include "base/mem.h"

#define MAX_SEGS 8
struct world {
    struct attn_plan plan;
    struct attn_seg segs[MAX_SEGS];
    struct attn_span spans[MAX_SEGS][3];
    int64_t T, slots;
};

static void
world_init(struct world *w, int64_t heads, int64_t kv_heads, int64_t D,
           int64_t window)
{
    memset(w, 0, sizeof(*w));
    w->plan = (struct attn_plan){.segs = w->segs,
                                 .heads = heads,
                                 .kv_heads = kv_heads,
                                 .head_dim = D,
                                 .window = window,
                                 .scale = 1.0f / sqrtf((float)D)};
}

/* n queries that see `before` keys of the given older spans and themselves,
 * `past` of their own run lying before them. A row between segments stays
 * free, and so does a slot. */
static void
world_add(struct world *w, int64_t n, int64_t past, int n_older,
          const struct attn_span *older)
{
    const int64_t s = w->plan.n_segs++;
    struct attn_seg *seg = &w->segs[s];

    for (int i = 0; i < n_older; i++)
        w->spans[s][i] = older[i];
    w->spans[s][n_older] = (struct attn_span){w->slots, past + n};
    *seg = (struct attn_seg){w->T, n, n_older + 1, w->spans[s]};
    w->T += n + 1;
    w->slots += past + n + 1;
}

/* One plain causal run, one behind it that shares its start, one that shares
 * two spans, a lonely query. */
static void
world_fill(struct world *w, int64_t n)
{
    const struct attn_span first = {0, n},
                           part[2] = {{0, n / 2 + 1}, {n / 3, 1}};

    world_add(w, n, 0, 0, NULL);
    world_add(w, n / 2 + 1, 0, 1, &first);
    world_add(w, 3, 5, 2, part);
    world_add(w, 1, 2 * n, 1, &first);
    world_add(w, 1, 0, 0, NULL);
}

struct tensors {
    struct mat q, k, v, out, dout, dq, dk, dv, lse;
};

static struct tensors
tensors_make(const struct world *w, enum dtype out_type)
{
    const int64_t C = w->plan.heads * w->plan.head_dim;
    const int64_t KC = w->plan.kv_heads * w->plan.head_dim;

    return (struct tensors){
        .q = ops_mat(w->T, C, 3, DT_F32, 1, 1),
        .k = ops_mat(w->slots, KC, 5, DT_F32, 2, 1),
        .v = ops_mat(w->slots, KC, 7, DT_F32, 3, 1),
        .out = ops_mat(w->T, C, 1, out_type, 4, 1),
        .dout = ops_mat(w->T, C, 2, DT_F32, 5, 1),
        .dq = ops_mat(w->T, C, 4, DT_F32, 6, 1),
        .dk = ops_mat(w->slots, KC, 2, DT_F32, 7, 1),
        .dv = ops_mat(w->slots, KC, 2, DT_F32, 8, 1),
        .lse = ops_mat(w->T, w->plan.heads, 0, DT_F32, 9, 1),
    };
}

static void
tensors_free(struct tensors *x)
{
    ops_free(x->q);
    ops_free(x->k);
    ops_free(x->v);
    ops_free(x->out);
    ops_free(x->dout);
    ops_free(x->dq);
    ops_free(x->dk);
    ops_free(x->dv);
    ops_free(x->lse);
}

static void
tensors_run(struct backend *be, const struct world *w, struct tensors *x)
{
    be->ops->attn_forward(be, x->out, x->lse.data, x->q, x->k, x->v, &w->plan);
    be->ops->attn_backward(be, x->dq, x->dk, x->dv, x->dout, x->out,
                           x->lse.data, x->q, x->k, x->v, &w->plan);
}

static void
check(const struct world *w, enum precision prec)
{
    struct backend *be[2] = {ops_cpu(prec, 1), ops_cpu(prec, 2)};
    struct backend *ref = ops_ref();
    const bool half = prec == PREC_BF16;
    const double tol = half ? 0.02 : 1e-4;
    struct tensors want, got[2];

    if (be[0]) {
        want = tensors_make(w, DT_F32);
        tensors_run(ref, w, &want);
        for (int i = 0; i < 2; i++) {
            got[i] = tensors_make(w, be[i]->act_type);
            if (half) // the same start in the rows that are left alone
                ref->ops->cast(ref, got[i].out, want.out);
            tensors_run(be[i], w, &got[i]);
        }
        ops_assert_near(got[0].out, want.out, 1e-5, half ? OPS_BF16_EPS : 1e-5,
                        "attn out");
        ops_assert_near(got[0].lse, want.lse, 1e-5, 1e-6, "attn lse");
        ops_assert_near(got[0].dq, want.dq, tol, tol, "attn dq");
        ops_assert_near(got[0].dk, want.dk, tol, tol, "attn dk");
        ops_assert_near(got[0].dv, want.dv, 1e-4, 1e-4, "attn dv");
        ops_assert_same(got[0].out, got[1].out, "attn out");
        ops_assert_same(got[0].lse, got[1].lse, "attn lse");
        ops_assert_same(got[0].dq, got[1].dq, "attn dq");
        ops_assert_same(got[0].dk, got[1].dk, "attn dk");
        ops_assert_same(got[0].dv, got[1].dv, "attn dv");
        tensors_free(&want);
        tensors_free(&got[0]);
        tensors_free(&got[1]);
    }
    backend_free(be[0]);
    backend_free(be[1]);
    backend_free(ref);
}

static void
check_worlds(enum precision prec)
{
    static const struct {
        int64_t heads, kv_heads, D, window, n;
        float cap;
    } of[] = {
        {1, 1, 8, 0, 5, 0},        {2, 2, 16, 0, 64, 0},
        {9, 3, 64, 0, 70, 0},      {4, 1, 24, 0, 33, 0},
        {2, 1, 128, 7, 40, 0},     {3, 3, 80, 65, 130, 0},
        {2, 1, 20, 1, 9, 0},       {2, 1, 64, 7, 70, 1.5f},
        {3, 3, 24, 0, 130, 50.0f}, {4, 2, 20, 1, 9, 0.1f},
    };

    for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
        struct world w;

        world_init(&w, of[i].heads, of[i].kv_heads, of[i].D, of[i].window);
        w.plan.cap = of[i].cap;
        world_fill(&w, of[i].n);
        check(&w, prec);
    }
}

static void
test_ops_attn_f32_is_that_of_the_oracle(void **state)
{
    (void)state;
    check_worlds(PREC_F32);
}

static void
test_ops_attn_bf16_is_that_of_the_oracle(void **state)
{
    (void)state;
    check_worlds(PREC_BF16);
}

/* sum of dout * out over the rows of segments, as the oracle computes it */
struct slope {
    struct backend *ref;
    const struct world *w;
    struct tensors *x;
};

static double
functional(void *ctx)
{
    const struct slope *s = ctx;
    double sum = 0;

    s->ref->ops->attn_forward(s->ref, s->x->out, NULL, s->x->q, s->x->k,
                              s->x->v, &s->w->plan);
    for (int64_t g = 0; g < s->w->plan.n_segs; g++)
        for (int64_t i = 0; i < s->w->segs[g].n; i++)
            for (int64_t c = 0; c < s->x->out.cols; c++)
                sum += ops_at(s->x->dout, s->w->segs[g].t0 + i, c) *
                       ops_at(s->x->out, s->w->segs[g].t0 + i, c);
    return sum;
}

/* Outputs are rounded to f32: 1e-7 * sqrt(100 terms) / h errs by 1e-4 at
 * h = 0.01, and so does the curvature, h^2. */
static void
check_slopes(struct slope *s, struct mat x, struct mat d, struct mat before,
             const char *what)
{
    for (int64_t i = 0; i < 12; i++) {
        const int64_t r = i * 7 % x.rows, c = i * 5 % x.cols;
        const double want =
            ops_slope(functional, s, (float *)x.data + r * x.ld + c, 0.01f);
        const double got =
            ops_at(d, r, c) - (before.data ? ops_at(before, r, c) : 0);

        if (fabs(got - want) > 1e-3 + 1e-3 * fabs(want))
            fail_msg("%s at %lld,%lld: %g, but the slope is %g", what,
                     (long long)r, (long long)c, got, want);
    }
}

static void
test_ops_attn_gradients_are_slopes_of_the_oracle(void **state)
{
    struct backend *ref = ops_ref(), *cpu = ops_cpu(PREC_F32, 2);
    struct backend *both[2] = {ref, cpu};
    struct world w;

    (void)state;
    world_init(&w, 4, 2, 6, 5);
    world_add(&w, 7, 0, 0, NULL);
    world_add(&w, 4, 0, 1, &(struct attn_span){0, 6});
    for (int b = 0; b < 4; b++) {
        struct tensors x = tensors_make(&w, DT_F32);
        struct mat dk = ops_same(x.dk), dv = ops_same(x.dv);
        struct mat none = {0};
        struct slope s = {ref, &w, &x};

        w.plan.cap = b < 2 ? 0.0f : 1.5f;
        tensors_run(both[b % 2], &w, &x);
        x.dq.rows = 7; // row 7 belongs to no segment
        x.q.rows = 7;
        check_slopes(&s, x.q, x.dq, none, "dq");
        check_slopes(&s, x.k, x.dk, dk, "dk");
        check_slopes(&s, x.v, x.dv, dv, "dv");
        tensors_free(&x);
        ops_free(dk);
        ops_free(dv);
    }
    backend_free(ref);
    backend_free(cpu);
}

static void
test_ops_attn_stays_finite_for_scores_of_ten_thousand(void **state)
{
    struct backend *be = ops_cpu(PREC_F32, 2), *ref = ops_ref();
    struct world w;
    struct tensors x, want;

    (void)state;
    world_init(&w, 2, 1, 16, 0);
    world_fill(&w, 70);
    w.plan.scale = 3000;
    x = tensors_make(&w, DT_F32);
    want = tensors_make(&w, DT_F32);
    tensors_run(be, &w, &x);
    tensors_run(ref, &w, &want);
    for (int64_t r = 0; r < 70; r++)
        for (int64_t c = 0; c < x.out.cols; c++)
            assert_true(isfinite(ops_at(x.out, r, c)) &&
                        isfinite(ops_at(x.dq, r, c)));
    /* Scores of 5e4 round by 4e-3. */
    ops_assert_near(x.lse, want.lse, 0.02, 1e-6, "lse");
    tensors_free(&x);
    tensors_free(&want);
    backend_free(be);
    backend_free(ref);
}

static void
test_ops_attn_passes_nan_on_to_those_who_see_it(void **state)
{
    struct backend *be = ops_cpu(PREC_F32, 2);
    struct world w;
    struct tensors x;

    (void)state;
    world_init(&w, 1, 1, 16, 0);
    world_add(&w, 80, 0, 0, NULL);
    x = tensors_make(&w, DT_F32);
    ((float *)x.k.data)[40 * x.k.ld + 3] = NAN;
    be->ops->attn_forward(be, x.out, x.lse.data, x.q, x.k, x.v, &w.plan);
    for (int64_t r = 0; r < 80; r++)
        assert_int_equal(!isfinite(ops_at(x.out, r, 0)), r >= 40);
    tensors_free(&x);
    backend_free(be);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ops_attn_f32_is_that_of_the_oracle),
        cmocka_unit_test(test_ops_attn_bf16_is_that_of_the_oracle),
        cmocka_unit_test(test_ops_attn_gradients_are_slopes_of_the_oracle),
        cmocka_unit_test(test_ops_attn_stays_finite_for_scores_of_ten_thousand),
        cmocka_unit_test(test_ops_attn_passes_nan_on_to_those_who_see_it),
    };

    if (!ops_has_isa())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
