/* stage.c -- the stages of a measurement, as they are reported. */
#include "measure/stage.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

void
stage_say(const struct measure *m, const char *fmt, ...)
{
    char line[1024];
    va_list ap;

    if (!m->opts->on_message)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    m->opts->on_message(line, m->opts->message_payload);
}

void
stage_note_inputs(struct measured_inputs *to, const struct data *rows)
{
    to->n = rows->n;
    memcpy(to->hash, rows->hash, sizeof(to->hash));
}

void
stage_begin(struct measure *m, const char *stage, const char *unit,
            int64_t total)
{
    m->stage = stage;
    m->unit = unit;
    m->stage_done = 0;
    m->stage_total = total;
    m->stage_began = clock_now();
    m->stage_tokens = m->d->tokens;
}

bool
stage_report(const struct measure *m, int64_t done)
{
    const trv_progress p = {.stage = m->stage,
                            .done = done,
                            .total = m->stage_total,
                            .unit = m->unit,
                            .tokens = m->d->tokens - m->stage_tokens,
                            .loss = (double)NAN,
                            .seconds = clock_now() - m->stage_began};

    if (!m->progress)
        return true;
    if (!m->is_rated)
        return m->progress(&p, m->payload);
    return cost_report(&p, &(struct cost_progress){.plan = &m->plan,
                                                   .rate = &m->rate,
                                                   .progress = m->progress,
                                                   .payload = m->payload});
}

bool
stage_on_inputs(void *payload, int64_t done, double tokens)
{
    (void)tokens;
    return stage_report(payload, done);
}

bool
stage_on_drawn(void *payload, int64_t rows_done, int64_t tokens)
{
    const struct measure *m = payload;

    (void)tokens;
    return stage_report(m, m->stage_done + rows_done);
}

int
stage_canceled(trv_err *err)
{
    return err_fail(err, TRV_ECANCELED, "the measurement was stopped");
}
