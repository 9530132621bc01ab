/* answers_drawn.c -- inputs under every side, and the answers drawn for
 * them. */
#include "measure/answers_drawn.h"

#include "adapt/fingerprint.h"
#include "base/streams.h"

void
drawn_release(struct measure *m)
{
    for (int64_t i = 0; m->items && i < m->n; i++)
        for (int s = 0; s < SIDES; s++) {
            conditioning_release(&m->items[i].context[s]);
            for (int64_t k = 0; m->items[i].from[s] && k < m->per_side[s]; k++)
                mem_free(m->items[i].from[s][k].ids);
            mem_free(m->items[i].from[s]);
        }
    mem_free(m->items);
    m->items = NULL;
    m->n = 0;
}

int
drawn_fill(struct measure *m, int64_t *dropped, const struct inputs *in,
           trv_err *err)
{
    const int64_t most = m->max_inputs;
    int64_t shortest = INT64_MAX, shortest_alone = 0; // for the message
    int rc = 0;

    m->items = mem_calloc((size_t)(in->data.n < most ? in->data.n : most),
                          sizeof(*m->items));
    if (!m->items)
        return err_fail(err, TRV_ENOMEM, "no memory for %lld inputs",
                        (long long)in->data.n);
    m->n = *dropped = 0;
    for (int64_t i = 0; i < in->data.n && m->n < most && !rc; i++) {
        struct item *it = &m->items[m->n];
        bool fits = true;
        int64_t longest = 0;

        m->n++; // its parts are released with the rest
        it->row = &in->data.rows[i];
        for (int s = 0; s < SIDES && !rc; s++) {
            rc = view_open(&it->context[s], m->s, m->side[s], &in->data.rows[i],
                           err);
            if (rc)
                break;
            fits = fits && conditioning_left(&it->context[s]) >= 1;
            if (conditioning_length(&it->context[s]) > longest)
                longest = conditioning_length(&it->context[s]);
        }
        if (!rc && longest < shortest) {
            shortest = longest;
            shortest_alone = conditioning_length(&it->context[SIDE_BASE]);
        }
        if (rc || fits)
            continue;
        for (int s = 0; s < SIDES; s++)
            conditioning_release(&it->context[s]);
        m->n--;
        (*dropped)++;
    }
    if (!rc && m->n == 0)
        rc = err_fail(err, TRV_ETOOLONG,
                      "no input of '%s' leaves room for an answer in the "
                      "context of %lld: the shortest takes %lld tokens with "
                      "the prompt and %lld without",
                      in->data.path, (long long)m->d->cfg->context,
                      (long long)shortest, (long long)shortest_alone);
    return rc;
}

int
drawn_share(struct sample_options *so, char of[HASH_HEX], struct session *s,
            struct adaptation *a, trv_err *err)
{
    int rc;

    if (!s->draws || (a && a != s->draws_of))
        return 0;
    rc = source_hash(of, a, err);
    so->memo = s->draws;
    so->of = of;
    return rc;
}

/* Answers of one side to every input. An answer stops where any side's context
 * would be full, so that all three can score it. */
int
drawn_by(struct measure *m, enum side side, trv_err *err)
{
    const int64_t k = m->per_side[side], total = m->n * k;
    struct sampled_row *rows = mem_calloc((size_t)total, sizeof(*rows));
    struct sample_out *outs = mem_calloc((size_t)total, sizeof(*outs));
    struct sample_options so = {.sampling = SAMPLING_INIT,
                                .max_tokens = m->max_tokens,
                                .seed = m->opts->seed,
                                .seconds = &m->seconds[side],
                                .on_progress = stage_on_drawn,
                                .payload = m};
    char of[HASH_HEX];
    int rc = drawn_share(&so, of, m->s, m->side[side], err);

    if (rc)
        goto done;
    if (!rows || !outs) {
        rc = err_fail(err, TRV_ENOMEM, "no memory for %lld answers",
                      (long long)total);
        goto done;
    }
    so.sampling.vocab = tokenizer_size(m->s->model->tokenizer);
    so.sampling.temperature = m->opts->temperature;
    for (int64_t i = 0; i < total; i++)
        rows[i] = (struct sampled_row){&m->items[i / k].context[side],
                                       STREAM_SIDES + ((uint64_t)side << 40) +
                                           (uint64_t)i};
    arena_reset(&m->s->arena);
    rc = engine_sample_contexts(&m->s->arena, outs, rows, total, &so, err);
    for (int64_t i = 0; i < m->n && !rc; i++) {
        struct item *it = &m->items[i];
        int64_t fit = INT64_MAX;

        for (int s = 0; s < SIDES; s++)
            if (conditioning_left(&it->context[s]) < fit)
                fit = conditioning_left(&it->context[s]);
        it->from[side] = mem_calloc((size_t)k, sizeof(struct drawn));
        if (!it->from[side]) {
            rc = err_fail(err, TRV_ENOMEM, "no memory for answers");
            break;
        }
        for (int64_t j = 0; j < k; j++) {
            struct sample_out *o = &outs[i * k + j];

            m->drawn_tokens[side] += (double)o->n;
            it->from[side][j] = (struct drawn){o->ids, o->n < fit ? o->n : fit};
            o->ids = NULL;
        }
    }
    m->stage_done += total;
done:
    for (int64_t i = 0; outs && i < total; i++)
        mem_free(outs[i].ids);
    mem_free(rows);
    mem_free(outs);
    return rc;
}
