/* trouble.c -- the warnings of a measurement, as text.
 *
 * A figure is doubted where its whole interval is on the wrong side, so that no
 * warning comes of chance, and only where it was asked for: what was not
 * measured is no trouble. tests/unit/test_trouble.c provokes each, and each
 * that would be a false alarm.
 */
#include "measure/trouble.h"

#include "base/strbuf.h"
#include "measure/plan.h"

/* Nats a token. Below the first a source is as good as the base; a target may
 * move other texts by the second before it counts as drift: about a tenth of
 * what one token says in running text. */
#define HARDLY 0.01
#define DRIFT 0.1
/* A target is near enough to its source where it is within this; a gap is known
 * where its interval is not wider than that. */
#define NEAR 0.02
#define WIDE 0.2

/* Is a above b, beyond chance? Without a measurement of b: above 0. */
static bool
is_above(const trv_figure *a, const trv_figure *b, double factor)
{
    return a->n > 0 && a->low > (b->n > 0 ? factor * b->high : 0.0);
}

static int
name_gap(struct strbuf *b, const trv_measurement *out)
{
    const trv_figure *gap = &out->gap_closed;

    if (out->kl_base.n > 0 && out->kl_base.mean < HARDLY)
        return sb_puts(b, "the source hardly differs from the base on these "
                          "inputs, so gap_closed says little\n");
    if (gap->n > 0 && gap->high < 0.0)
        return sb_puts(b, "the target is farther from the source than the "
                          "base is\n");
    if (gap->n > 0 && gap->high - gap->low > WIDE)
        return sb_puts(b, "the interval of gap_closed is wide: measure on "
                          "more inputs\n");
    return 0;
}

int
trouble_name(struct measure *m, trv_measurement *out, trv_err *err)
{
    struct strbuf b = {0};
    int bad = 0;

    if (m->dropped > 0)
        bad |= sb_printf(
            &b,
            "%lld input%s no room in the context of %lld and %s "
            "left out\n",
            (long long)m->dropped, m->dropped == 1 ? " leaves" : "s leave",
            (long long)m->d->cfg->context, m->dropped == 1 ? "was" : "were");
    if (m->asked & ASKED(pair_accuracy) && out->pair_accuracy.n == 0)
        bad |= sb_puts(&b, "one of the two scores all candidates alike: there "
                           "is nothing to compare\n");
    bad |= name_gap(&b, out);
    if (m->target_moves && out->kl_forward.n > 0 &&
        out->kl_forward.mean > NEAR &&
        is_above(&out->kl_reverse, &out->kl_forward, 3.0))
        bad |= sb_puts(&b, "the target says things that the source would not "
                           "(kl_reverse is far above kl_forward)\n");
    if (out->task_gain.n > 0 && m->has_target && out->task_gain.high < 0.0)
        bad |= sb_puts(&b, "the target gets less of the task's reward than the "
                           "base does\n");
    if (m->acts[SIDE_A] && out->drift.n > 0 && out->drift.low > DRIFT &&
        is_above(&out->drift, &out->drift_source, 1.0))
        bad |= sb_puts(&b, "the target moves the control inputs more than the "
                           "source does: drift is high\n");
    if (bad) {
        sb_release(&b);
        return err_fail(err, TRV_ENOMEM, "no memory for the report");
    }
    if (b.len) {
        b.s[b.len - 1] = '\0'; // the last line ends here
        out->trouble = sb_take(&b);
    }
    return 0;
}
