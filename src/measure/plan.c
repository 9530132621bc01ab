/* plan.c -- which figures, of which answers. */
#include "measure/plan.h"

#include <string.h>

#include "base/nearest.h"

/* What a figure needs of the sides: measure_figures.def. */
enum {
    A_ACTS = 1,
    B_ACTS = 2,
    A_MOVES = 4,
    B_MOVES = 8,
    ONE_MOVES = 16,
    BOTH_SCORE = 32,
    TASK = 64,
    ANSWERS = 128
};

static const struct {
    unsigned need;
    const char *lack; // why there is none without it
} needs[] = {
    {TASK, "there is no task: give one by --task REWARD"},
    {A_ACTS, "the source is a reward, which gives no answers"},
    {B_ACTS, "there is no target that gives answers"},
    {A_MOVES, "the source is the base, or a reward"},
    {B_MOVES, "there is no target that acts and is not the base"},
    {ONE_MOVES, "source and target are both the base"},
    {BOTH_SCORE, "there are not two sides that score answers, as the base does "
                 "not"},
    {ANSWERS, "what is evaluated is the base, or gives no answers"},
};

static const struct {
    const char *name, *group;
    unsigned needs;
} figures[FIGURE_COUNT] = {
#define FIGURE(field, group, scale, needs, cost, says) {#field, group, needs},
#include <trivium/measure_figures.def>
};

static bool
is_base(const struct adaptation *a)
{
    return !a || a->kind == KIND_BASE;
}

/* All that these sides are. */
static unsigned
traits(const struct measure *m)
{
    const struct adaptation *a = m->side[SIDE_A], *b = m->side[SIDE_B];
    const bool a_moves = m->acts[SIDE_A] && !is_base(a);
    const bool b_moves = m->acts[SIDE_B] && !is_base(b);
    unsigned has = 0;

    if (m->acts[SIDE_A])
        has |= A_ACTS;
    if (m->acts[SIDE_B])
        has |= B_ACTS;
    if (a_moves)
        has |= A_MOVES;
    if (b_moves)
        has |= B_MOVES;
    if (a_moves || b_moves)
        has |= ONE_MOVES;
    if (m->has_target && !is_base(a) && !is_base(b))
        has |= BOTH_SCORE;
    if (m->task)
        has |= TASK;
    if (m->has_target ? b_moves : a_moves)
        has |= ANSWERS;
    return has;
}

/* Are both the same by what was written? */
static bool
is_same(const struct adaptation *a, const struct adaptation *b)
{
    return a == b || (a && b && a->kind == b->kind && a->spec && b->spec &&
                      strcmp(a->spec, b->spec) == 0);
}

/* What is not measured unless it is named: drift of what is meant to move, or
 * is its own source; the base beside itself. */
static unsigned
left_out(const struct measure *m)
{
    unsigned bits = 0;

    if (!m->acts[SIDE_A] || is_same(m->side[SIDE_A], m->side[SIDE_B]))
        bits |= ASKED_DRIFT;
    if (!m->has_target)
        bits |= is_base(m->side[SIDE_A]) ? ~ASKED(task_source) : ~ASKED_TASK;
    return bits;
}

static const char *
nearest_figure(const char *word, size_t n)
{
    size_t best = SIZE_MAX;
    const char *found = NULL;

    for (int i = 0; i < FIGURE_COUNT; i++) {
        const char *const names[] = {figures[i].name, figures[i].group};

        for (int k = 0; k < 2; k++) {
            const size_t d = nearest_distance(word, n, names[k]);

            if (nearest_is_near(d, n, names[k]) && d < best) {
                best = d;
                found = names[k];
            }
        }
    }
    return found;
}

static int
unknown_figure(const char *word, size_t n, trv_err *err)
{
    const char *near = nearest_figure(word, n);

    if (near)
        return err_option(err, TRV_EINVAL, "figures",
                          "knows no figure '%.*s'; did you mean '%s'?",
                          n < 40 ? (int)n : 40, word, near);
    return err_option(err, TRV_EINVAL, "figures",
                      "knows no figure '%.*s'; there are task, gap_closed, kl, "
                      "drift, top1_agreement, ranks and the single ones of "
                      "'trivium help measure'",
                      n < 40 ? (int)n : 40, word);
}

/* The figures of one name; of a group those that the sides have. */
static int
add_named(unsigned *bits, const char *word, size_t n, unsigned has,
          unsigned possible, trv_err *err)
{
    const char *lack = NULL, *named = NULL;
    unsigned found = 0;

    for (int i = 0; i < FIGURE_COUNT; i++) {
        const bool alone = strlen(figures[i].name) == n &&
                           memcmp(figures[i].name, word, n) == 0;
        const bool grouped = strlen(figures[i].group) == n &&
                             memcmp(figures[i].group, word, n) == 0;

        if (!alone && !grouped)
            continue;
        named = named ? named : alone ? figures[i].name : figures[i].group;
        found |= possible & 1u << i;
        for (size_t k = 0; k < sizeof(needs) / sizeof(needs[0]); k++)
            if (!lack && (figures[i].needs & ~has & needs[k].need))
                lack = needs[k].lack;
    }
    if (!named)
        return unknown_figure(word, n, err);
    if (!found)
        return err_option(err, TRV_EINVAL, "figures", "cannot be '%s' here: %s",
                          named,
                          lack ? lack
                               : "the source is a prompt of messages, which "
                                 "says nothing to a text");
    *bits |= found;
    return 0;
}

static int
named_figures(unsigned *bits, const char *names, unsigned has,
              unsigned possible, trv_err *err)
{
    int rc = 0;

    *bits = 0;
    for (const char *s = names; !rc;) {
        const size_t n = strcspn(s, ",");

        rc = add_named(bits, s, n, has, possible, err);
        if (!s[n])
            break;
        s += n + 1;
    }
    return rc;
}

int
plan_figures(struct measure *m, trv_err *err)
{
    const trv_measure_options *o = m->opts;
    unsigned has, possible = 0;
    int rc = 0;

    m->acts[SIDE_BASE] = true;
    m->acts[SIDE_A] =
        is_base(m->side[SIDE_A]) || m->side[SIDE_A]->form != FORM_REWARD;
    m->acts[SIDE_B] = m->has_target && (is_base(m->side[SIDE_B]) ||
                                        m->side[SIDE_B]->form != FORM_REWARD);
    has = traits(m);
    m->target_moves = has & B_MOVES;
    for (int i = 0; i < FIGURE_COUNT; i++)
        if (!(figures[i].needs & ~has))
            possible |= 1u << i;
    if (adaptation_is_chat(m->side[SIDE_A]) &&
        !adaptation_is_chat(m->side[SIDE_B]))
        possible &= ~ASKED(drift_source);
    if (!m->has_target && !(m->task && m->acts[SIDE_A]))
        return err_fail(err, TRV_EINVAL,
                        "there is nothing to compare with: give --target B, or "
                        "--task REWARD to evaluate a source that answers");
    if (o->figures)
        rc = named_figures(&m->asked, o->figures, has, possible, err);
    else if (o->temperature != 1.0)
        m->asked = possible & ~left_out(m) & ASKED_TASK;
    else
        m->asked = possible & ~left_out(m);
    if (!rc && o->temperature != 1.0 && (m->asked & ~ASKED_TASK || !m->asked))
        rc = err_option(err, TRV_EINVAL, "temperature",
                        "is for the figures of a task; the others are of "
                        "answers at temperature 1");
    if (!rc && !m->asked)
        rc = err_fail(err, TRV_EINVAL,
                      "there is nothing to measure between the base and "
                      "itself: give --task REWARD to evaluate its answers");
    return rc;
}

bool
plan_has_task(const struct measure *m, enum side side)
{
    const bool gain = m->asked & ASKED(task_gain);

    if (side == SIDE_BASE)
        return gain || m->asked & ASKED(task_base) ||
               (m->asked & ASKED(task_source) && is_base(m->side[SIDE_A])) ||
               (m->asked & ASKED(task_target) && is_base(m->side[SIDE_B]));
    if (is_base(m->side[side])) // its answers are the base's
        return false;
    if (side == SIDE_A)
        return m->asked & ASKED(task_source) || (gain && !m->has_target);
    return m->asked & ASKED(task_target) || (gain && m->has_target);
}

static void
need(struct measure *m, enum side side, int64_t n)
{
    if (m->per_side[side] < n)
        m->per_side[side] = n;
}

void
plan_answers(struct measure *m)
{
    const trv_measure_options *o = m->opts;
    const int64_t k = o->candidates > 0 ? o->candidates : 4;
    const int64_t of_task = o->temperature == 0.0 ? 1 : k / 2;

    m->max_inputs = o->max_inputs > 0 ? o->max_inputs : 200;
    m->max_tokens = o->max_tokens > 0 ? o->max_tokens : 64;
    m->candidates = k;
    memset(m->per_side, 0, sizeof(m->per_side));
    m->second = m->acts[SIDE_A] ? SIDE_A : m->acts[SIDE_B] ? SIDE_B : SIDE_BASE;
    if (m->asked & ASKED_RANKS) {
        need(m, m->second, k / 2);
        need(m, SIDE_BASE, m->second == SIDE_BASE ? k : k - k / 2);
    }
    if (m->asked & ASKED_ALONG_SOURCE)
        need(m, SIDE_A, 1);
    if (m->asked & ASKED(kl_reverse))
        need(m, SIDE_B, 1);
    for (int s = 0; s < SIDES; s++)
        if (plan_has_task(m, (enum side)s))
            need(m, (enum side)s, of_task);
}
