/* test_answers_drawn.c -- answers of a measurement are independent draws, and
 * end where no side could score more of them.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "measure/answers_drawn.h"
#include "support/ruler.h"

#define INPUTS 1000

static struct ruler r;

static int
set_up(void **state)
{
    (void)state;
    ruler_open(&r, "drawn_world", INPUTS);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    ruler_close(&r);
    return 0;
}

static bool
equal(const struct drawn *x, const struct drawn *y)
{
    return x->n == y->n &&
           memcmp(x->ids, y->ids, (size_t)x->n * sizeof(*x->ids)) == 0;
}

/* Two independent draws from p are equal with probability sum of p^2. */
static double
chance_of_equal(void)
{
    double sum = 0.0;

    for (int64_t y = 0; y < WORLD_ALL; y++)
        sum += exp(2.0 * r.logp[SIDE_BASE][y]);
    return sum / WORLD_INPUTS;
}

/* All sides are the base here, so any two answers to an input, of one side or
 * of two, must be equal as often as independent ones; within four errors. */
static void
test_drawn_answers_of_all_sides_are_independent(void **state)
{
    const double p = chance_of_equal();
    const double bound = 4.0 * sqrt(p * (1.0 - p) / INPUTS);
    struct measure m;

    (void)state;
    assert_true(p + bound < 0.5); // equal streams would give 1
    ruler_begin(&r, &m, "base", "base");
    for (int s = 0; s < SIDES; s++)
        m.per_side[s] = 2;
    ruler_draw(&m);
    for (int i = 0; i < 2 * SIDES; i++)
        for (int j = 0; j < i; j++) {
            double same = 0.0;

            for (int64_t k = 0; k < m.n; k++)
                same += equal(&m.items[k].from[i / 2][i % 2],
                              &m.items[k].from[j / 2][j % 2]);
            assert_close(same / INPUTS, p, bound);
        }
    ruler_end(&m);
}

/* The first answer to one input and to the next of the same kind, and again
 * under another seed. */
static void
test_drawn_answers_to_equal_inputs_are_independent(void **state)
{
    const double p = chance_of_equal();
    const double bound = 4.0 * sqrt(p * (1.0 - p) / INPUTS);
    double same = 0.0, again = 0.0, tokens = 0.0;
    struct measure m, other;
    trv_measure_options o;

    (void)state;
    ruler_begin(&r, &m, "base", "base");
    m.per_side[SIDE_BASE] = 1;
    ruler_draw(&m);
    ruler_begin(&r, &other, "base", "base");
    other.per_side[SIDE_BASE] = 1;
    o = *other.opts;
    o.seed++;
    other.opts = &o;
    ruler_draw(&other);
    for (int64_t k = 2; k < m.n; k++)
        same +=
            equal(m.items[k].from[SIDE_BASE], m.items[k - 2].from[SIDE_BASE]);
    for (int64_t k = 0; k < m.n; k++) {
        again +=
            equal(m.items[k].from[SIDE_BASE], other.items[k].from[SIDE_BASE]);
        tokens += (double)m.items[k].from[SIDE_BASE]->n;
    }
    assert_close(same / INPUTS, p, bound);
    assert_close(again / INPUTS, p, bound);
    assert_true(tokens > 1.5 * INPUTS);
    assert_close(m.drawn_tokens[SIDE_BASE], tokens, 0);
    ruler_end(&other);
    ruler_end(&m);
}

/* The world's context is 16. The source puts <s> and 12 letters before the
 * input of one or two: two tokens are left, or one. */
static void
test_drawn_answers_end_where_any_side_is_full(void **state)
{
    struct measure m;
    trv_measure_options o;
    int64_t longest[WORLD_INPUTS] = {0};

    (void)state;
    ruler_begin(&r, &m, "prompt:bdbdbdbdbdbd", "base");
    o = *m.opts;
    o.max_tokens = 8;
    m.opts = &o;
    m.per_side[SIDE_BASE] = 4;
    ruler_draw(&m);
    for (int64_t i = 0; i < m.n; i++) {
        int64_t room = INT64_MAX;

        for (int s = 0; s < SIDES; s++)
            if (conditioning_left(&m.items[i].context[s]) < room)
                room = conditioning_left(&m.items[i].context[s]);
        for (int k = 0; k < 4; k++) {
            const struct drawn *y = &m.items[i].from[SIDE_BASE][k];

            assert_true(y->n >= 1 && y->n <= room);
            if (y->n > longest[i % 2])
                longest[i % 2] = y->n;
        }
        assert_int_equal(room, conditioning_left(&m.items[i].context[SIDE_A]));
    }
    assert_int_equal(longest[0],
                     conditioning_left(&m.items[0].context[SIDE_A]));
    assert_int_equal(longest[1], longest[0] - 1); // a letter more in the input
    ruler_end(&m);
}

/* One letter more, and the second input leaves no room at all. */
static void
test_drawn_inputs_without_room_are_left_out_and_counted(void **state)
{
    struct measure m;

    (void)state;
    ruler_begin(&r, &m, "prompt:bdbdbdbdbdbdb", "base");
    m.per_side[SIDE_BASE] = 1;
    ruler_draw(&m);
    assert_int_equal(m.n, INPUTS / 2);
    assert_int_equal(m.dropped, INPUTS / 2);
    for (int64_t i = 0; i < m.n; i++)
        assert_ptr_equal(m.items[i].row, &m.in.data.rows[2 * i]);
    ruler_end(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drawn_answers_of_all_sides_are_independent),
        cmocka_unit_test(test_drawn_answers_to_equal_inputs_are_independent),
        cmocka_unit_test(test_drawn_answers_end_where_any_side_is_full),
        cmocka_unit_test(
            test_drawn_inputs_without_room_are_left_out_and_counted),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
