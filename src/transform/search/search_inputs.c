/* search_inputs.c -- inputs to search on, and inputs to report on. */
#include "transform/search/search_inputs.h"

#include "base/streams.h"

/* The rows that fit, in `all`. */
static int
take_rows(struct search_inputs *s, const struct data_row **all, int64_t *n,
          const struct convert_job *job, int64_t room, trv_err *err)
{
    const struct text_rules rules = model_text_rules(job->s->model);
    int64_t shortest = INT64_MAX;
    int rc = 0;

    *n = 0;
    s->chats = true;
    for (int64_t i = 0; i < s->in.data.n && !rc; i++) {
        const struct data_row *row = &s->in.data.rows[i];
        struct context c;

        rc = view_open(&c, job->s, NULL, row, err);
        if (rc)
            break;
        if (conditioning_length(&c) < shortest)
            shortest = conditioning_length(&c);
        if (conditioning_left(&c) >= room) {
            all[(*n)++] = row;
            s->chats = s->chats && example_is_chat(&rules, row);
        }
        conditioning_release(&c);
    }
    s->n_dropped = s->in.data.n - *n;
    if (!rc && *n == 0)
        rc = err_fail(err, TRV_ETOOLONG,
                      "no input of '%s' leaves room for %lld tokens of prompt "
                      "and answer in the context of %lld: the shortest takes "
                      "%lld",
                      s->in.data.path, (long long)room,
                      (long long)job->s->model->cfg.context,
                      (long long)shortest);
    return rc;
}

static void
shuffle(const struct data_row **all, int64_t n, uint64_t seed)
{
    struct rng rng;

    rng_init(&rng, seed, STREAM_SPLIT);
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t j = rng_below(&rng, (uint32_t)(i + 1));
        const struct data_row *other = all[i];

        all[i] = all[j];
        all[j] = other;
    }
}

static bool
same_input(const struct data_row *a, const struct data_row *b)
{
    return a->prompt && b->prompt       ? json_equal(a->prompt, b->prompt)
           : a->messages && b->messages ? json_equal(a->messages, b->messages)
           : a->text && b->text         ? json_equal(a->json, b->json)
                                        : false;
}

static bool
is_among(const struct data_row **list, int64_t n, const struct data_row *row)
{
    for (int64_t i = 0; i < n; i++)
        if (same_input(list[i], row))
            return true;
    return false;
}

int
search_inputs_open(struct search_inputs *out, const struct convert_job *job,
                   const struct work *w, int64_t train, int64_t held,
                   int64_t room, trv_err *err)
{
    int64_t n = 0;
    int rc;

    *out = (struct search_inputs){0};
    rc = job_inputs(&out->in, job, w, job->opts->inputs, train + held, err);

    if (rc)
        return rc;
    out->train = mem_calloc((size_t)out->in.data.n, sizeof(*out->train));
    out->held = mem_calloc((size_t)held + 1, sizeof(*out->held));
    if (!out->train || !out->held)
        rc = err_fail(err, TRV_ENOMEM, "no memory for inputs");
    if (!rc)
        rc = take_rows(out, out->train, &n, job, room, err);
    if (!rc && n < 2)
        rc = err_fail(err, TRV_EINVAL,
                      "'%s' holds one input that can be used: a search needs "
                      "several",
                      out->in.data.path);
    if (!rc) {
        shuffle(out->train, n, job->opts->seed);
        if (held > n / 3)
            held = n / 3;
        out->n_train = train < n - held ? train : n - held;
        for (int64_t i = out->n_train; i < n && out->n_held < held; i++)
            if (!is_among(out->train, out->n_train, out->train[i]))
                out->held[out->n_held++] = out->train[i];
    }
    if (rc)
        search_inputs_release(out);
    return rc;
}

void
search_inputs_release(struct search_inputs *s)
{
    mem_free(s->train);
    mem_free(s->held);
    inputs_release(&s->in);
    *s = (struct search_inputs){0};
}
