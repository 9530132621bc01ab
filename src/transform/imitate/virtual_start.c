/* virtual_start.c -- texts to start from, evaluated one after the other. */
#include "transform/imitate/virtual_start.h"

#include <math.h>
#include <string.h>

#include "transform/imitate/imitate_cost.h"

struct candidate {
    struct ids ids;
    const char *what; // for people
};

struct candidates {
    struct candidate list[START_DEMOS + START_TEXTS];
    int n;
};

static struct candidate *
next(struct candidates *c, const char *what)
{
    TRV_ASSERT(c->n < START_DEMOS + START_TEXTS);
    c->list[c->n].what = what;
    return &c->list[c->n++];
}

/* What all contexts of an adaptation begin with: its prompt, as the tokens that
 * the model sees. */
static int
common_beginning(struct ids *out, const struct model *m,
                 const struct adaptation *a, const struct inputs *in,
                 trv_err *err)
{
    struct ids other = {0};
    int rc = view_conditioning(out, m, a, &in->data.rows[0], err);

    for (int64_t i = 1; i < in->data.n && i < 64 && !rc; i++) {
        int64_t same = 0;

        other.n = 0;
        rc = view_conditioning(&other, m, a, &in->data.rows[i], err);
        while (same < out->n && same < other.n && out->v[same] == other.v[same])
            same++;
        out->n = same;
    }
    ids_release(&other);
    return rc;
}

/* The prompt that an artefact's last conversion began with, where it can still
 * be opened. */
static int
made_from(struct candidates *c, const struct convert_job *job,
          const struct inputs *in, trv_err *err)
{
    const json_t *chain = job->from->artefact.chain;
    const size_t n = json_array_size(chain);
    const char *spec = n ? json_string_value(json_object_get(
                               json_array_get(chain, n - 1), "from"))
                         : NULL;
    struct adaptation *a;
    trv_err unused;
    int rc = 0;

    if (!spec || (strncmp(spec, "prompt:", 7) && strncmp(spec, "messages:", 9)))
        return 0;
    if (adaptation_open(&a, job->s->model, NULL, spec, true, &unused))
        return 0;
    rc = common_beginning(
        &next(c, "the prompt that the source was made from")->ids,
        job->s->model, a, in, err);
    adaptation_free(a);
    return rc;
}

/* The teacher's answers after their inputs, from the i-th on, until there are
 * as many tokens as are to start. */
static int
demonstration(struct candidates *c, const struct distill *t, int64_t i,
              trv_err *err)
{
    const int64_t k = t->student->virtual.k;
    struct ids *ids = &next(c, "an answer of the source")->ids;
    int rc = 0;

    for (int64_t j = 0; j < t->answers->n && ids->n < k && !rc; j++) {
        const struct answer *y = &t->answers->list[(i + j) % t->answers->n];
        const struct ids *x = &t->answers->contexts[y->context].student;

        if (ids_append(ids, x->v + k, x->n - k) ||
            ids_append(ids, y->ids, y->n))
            rc = err_fail(err, TRV_ENOMEM, "no memory to start a student");
    }
    return rc;
}

static int
gather(struct candidates *c, const struct distill *t,
       const struct convert_job *job, const struct inputs *in,
       const trv_virtual_options *o, trv_err *err)
{
    const bool sampled = student_start_is_sampled(o);
    const enum kind kind = job->from->kind;
    const int64_t demos =
        t->answers->n < START_DEMOS ? t->answers->n : START_DEMOS;
    int rc;

    if (o->start && !sampled)
        return student_text(&next(c, "the text that was given")->ids, job->s, o,
                            err);
    rc = 0;
    if (!sampled && (kind == KIND_TEXT || kind == KIND_MESSAGES))
        rc = common_beginning(&next(c, "the prompt itself")->ids, job->s->model,
                              job->from, in, err);
    if (!rc && !sampled)
        rc = made_from(c, job, in, err);
    for (int64_t i = 0; i < demos && !rc; i++)
        rc = demonstration(c, t, i * t->answers->n / demos, err);
    return rc;
}

static int
log_choice(const struct convert_job *job, const struct candidate *c, int64_t k,
           double loss, trv_err *err)
{
    struct strbuf text = {0};
    const int64_t n = c->ids.n < k ? c->ids.n : k;
    int rc = tokenizer_decode(job->s->model->tokenizer, &text, c->ids.v, n,
                              true, err);

    for (size_t i = 0; i < text.len; i++)
        if (strchr("\r\n\t", text.s[i]))
            text.s[i] = ' ';
    if (!rc)
        job_log(job,
                "virtual tokens start from %s, at %.3f nats per token: "
                "%.240s",
                c->what, loss, text.s ? text.s : "");
    sb_release(&text);
    return rc;
}

static int
put(const struct distill *t, const struct candidate *c, trv_err *err)
{
    int rc = student_start(t->student, t->s, c->ids.v, c->ids.n, NULL, err);

    return rc ? rc : adapter_weights_refresh(t->student, t->s->be, err);
}

int
start_virtual(struct distill *t, const struct convert_job *job,
              const struct inputs *in, const trv_virtual_options *o,
              trv_err *err)
{
    struct candidates c = {0};
    double best = (double)INFINITY;
    int chosen = 0;
    int rc;

    if (t->student->virtual.kind == VIRTUAL_NONE)
        return 0;
    rc = gather(&c, t, job, in, o, err);
    for (int i = 0; i < c.n && !rc; i++) {
        double loss = best;

        if (c.list[i].ids.n == 0)
            continue;
        rc = put(t, &c.list[i], err);
        if (!rc)
            rc = distill_loss(t, &loss, START_PROBE, err);
        if (!rc && loss < best) {
            best = loss;
            chosen = i;
        }
    }
    if (!rc && !isfinite(best))
        rc = err_fail(err, TRV_ENONFINITE,
                      "no start of the virtual tokens gives a finite loss");
    if (!rc)
        rc = put(t, &c.list[chosen], err);
    if (!rc)
        rc = log_choice(job, &c.list[chosen], t->student->virtual.k, best, err);
    for (int i = 0; i < c.n; i++)
        ids_release(&c.list[i].ids);
    return rc;
}
