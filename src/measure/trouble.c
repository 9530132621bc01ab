/* trouble.c -- the warnings of a measurement, as text. */
#include "measure/trouble.h"

#include "base/strbuf.h"

int
trouble_name(struct measure *m, trv_measurement *out, trv_err *err)
{
    struct strbuf b = {0};
    int bad = 0;

    if (m->in.data.unused)
        bad |= sb_printf(&b, "%s\n", m->in.data.unused);
    if (m->dropped > 0)
        bad |= sb_printf(&b,
                         "%lld inputs leave no room in the context of %lld and "
                         "were left out\n",
                         (long long)m->dropped, (long long)m->d->cfg->context);
    if (out->pair_accuracy.n == 0)
        bad |= sb_puts(&b, "one of the two scores all candidates alike: there "
                           "is nothing to compare\n");
    if (out->kl_base.n > 0 && out->kl_base.mean < 0.01)
        bad |= sb_puts(&b, "the source hardly differs from the base on these "
                           "inputs, so gap_closed says little\n");
    else if (out->gap_closed.n > 0 && out->gap_closed.mean < 0.0)
        bad |= sb_puts(&b, "the target is farther from the source than the "
                           "base is\n");
    else if (out->gap_closed.n > 0 &&
             out->gap_closed.high - out->gap_closed.low > 0.2)
        bad |= sb_puts(&b, "the interval of gap_closed is wide: measure on "
                           "more inputs\n");
    if (out->kl_forward.mean > 0.02 &&
        out->kl_reverse.mean > 3.0 * out->kl_forward.mean)
        bad |= sb_puts(&b, "the target says things that the source would not "
                           "(kl_reverse is far above kl_forward)\n");
    if (out->task_target.n > 0 && out->task_target.high < out->task_base.low)
        bad |= sb_puts(&b, "the target gets less of the task's reward than the "
                           "base does\n");
    if (out->drift.n > 0 && out->drift.mean > out->kl_base.mean)
        bad |= sb_puts(&b, "the target moves the control inputs more than the "
                           "source moves its own: drift is high\n");
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
