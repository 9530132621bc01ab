/* evolve.c -- rounds of proposals and evaluations. */
#include "transform/evolve/evolve.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/streams.h"
#include "transform/evolve/evolve_guide.h"
#include "transform/evolve/evolve_add.h"
#include "transform/evolve/evolve_propose.h"
#include "transform/evolve/pareto.h"
#include "transform/search/text_propose.h"

#define CHUNK 256     // answers of one call
#define POOL_MOST 512 // phrases
#define IDLE_MOST 4   // rounds without a child before the search ends

static bool
go_on(void *payload)
{
    struct evolve *e = payload;

    return !e->o.progress ||
           e->o.progress(e->o.payload, e->pool.rounds, e->pool.drawn);
}

static int
check_stop(struct evolve *e, trv_err *err)
{
    return go_on(e) ? 0 : err_fail(err, TRV_ECANCELED, "stopped");
}

/* ---- evaluations -------------------------------------------------------- */

/* The requests: every candidate on every input, `answers` times. */
struct job {
    struct candidate *const *list;
    int64_t n;
    const int64_t *at; // inputs [m]; NULL: 0..m-1
    int64_t m, answers;
    const struct data_row **rows;
    uint64_t stream;
    bool search; // scores and answers are noted at the candidates
};

/* Sums over the answers of candidate c to input i of the job: [n * m]. */
struct sums {
    double *reward, *kl;
};

static void
sums_release(struct sums *s)
{
    mem_free(s->reward);
    mem_free(s->kl);
}

static int
run_chunk(struct evolve *e, const struct job *job, int64_t from, int64_t to,
          struct sums *sums, trv_err *err)
{
    struct prompt_value list[CHUNK];
    int rc;

    memset(list, 0, sizeof(list));
    for (int64_t k = from; k < to; k++) {
        const int64_t cell = k / job->answers, i = cell % job->m;
        const int64_t input = job->at ? job->at[i] : i;

        list[k - from] = (struct prompt_value){
            .z = job->list[cell / job->m]->z,
            .row = job->rows[input],
            .stream = job->stream + ((uint64_t)input << 20) +
                      (uint64_t)(k % job->answers)};
    }
    rc = prompt_value_run(list, to - from, &e->prompt_value, &e->pool.drawn,
                          err);
    e->pool.answers += rc ? 0 : to - from;
    for (int64_t k = from; k < to && !rc; k++) {
        const struct prompt_value *t = &list[k - from];
        const int64_t cell = k / job->answers, i = cell % job->m;

        if (!t->fits)
            rc = data_row_fail(t->row, err, TRV_ETOOLONG,
                               "a prompt of %lld tokens leaves no room for an "
                               "answer of %lld",
                               (long long)job->list[cell / job->m]->tokens,
                               (long long)e->prompt_value.max_tokens);
        sums->reward[cell] += t->reward;
        sums->kl[cell] += t->kl;
        if (rc || !job->search)
            continue;
        e->lowest = fmin(e->lowest, t->reward);
        e->highest = fmax(e->highest, t->reward);
        rc = candidates_show(job->list[cell / job->m], job->at ? job->at[i] : i,
                             t->reward, t->text, t->ids, t->tokens, err);
    }
    prompt_value_release(list, to - from);
    return rc;
}

static int
run_job(struct evolve *e, const struct job *job, struct sums *sums,
        trv_err *err)
{
    const int64_t cells = job->n * job->m, all = cells * job->answers;
    int rc = 0;

    sums->reward = mem_calloc((size_t)cells + 1, sizeof(double));
    sums->kl = mem_calloc((size_t)cells + 1, sizeof(double));
    if (!sums->reward || !sums->kl)
        return err_nomem(err, "to search for a prompt");
    for (int64_t k = 0; k < all && !rc; k += CHUNK)
        rc = run_chunk(e, job, k, k + CHUNK < all ? k + CHUNK : all, sums, err);
    for (int64_t c = 0; c < cells && !rc; c++) {
        sums->reward[c] /= (double)job->answers;
        sums->kl[c] /= (double)job->answers;
    }
    return rc;
}

/* Try candidates on training inputs, and note what they gave. */
static int
try_on(struct evolve *e, struct candidate *const *list, int64_t n,
       const int64_t *at, int64_t m, trv_err *err)
{
    const struct job job = {.list = list,
                            .n = n,
                            .at = at,
                            .m = m,
                            .answers = e->o.answers,
                            .rows = e->o.train,
                            .stream = STREAM_SEARCH,
                            .search = true};
    struct sums sums = {0};
    int rc = run_job(e, &job, &sums, err);

    for (int64_t c = 0; c < n * m && !rc; c++)
        candidates_score(&e->pool, list[c / m], at ? at[c % m] : c % m,
                         sums.reward[c], sums.kl[c]);
    sums_release(&sums);
    return rc;
}

/* Try on the inputs that are left, and keep. */
static int
keep(struct evolve *e, struct candidate *const *list, int64_t n, trv_err *err)
{
    int64_t *at = mem_array((size_t)e->o.n_train, sizeof(*at)), m = 0;
    int rc = at ? 0 : err_nomem(err, "to search for a prompt");

    /* All of a round were evaluated on the same inputs. */
    for (int64_t i = 0; i < e->o.n_train && n > 0 && !rc; i++)
        if (isnan(list[0]->value[i]))
            at[m++] = i;
    if (!rc && n > 0 && m > 0)
        rc = try_on(e, list, n, at, m, err);
    for (int64_t k = 0; k < n && !rc; k++)
        list[k]->kept = true;
    mem_free(at);
    return rc;
}

/* ---- a first look ------------------------------------------------------- */

/* Texts of the model in their place, each evaluated on a few inputs: the best
 * `most` are added to the list. */
static int
look_at_many(struct evolve *e, struct candidate **list, int64_t *n,
             int64_t want, int64_t most, const int64_t *at, trv_err *err)
{
    const int64_t m =
        EVOLVE_LOOKS < e->o.minibatch ? EVOLVE_LOOKS : e->o.minibatch;
    struct candidate **all = mem_calloc((size_t)want + 1, sizeof(*all));
    int64_t made = 0;
    int rc = all ? evolve_propose_words(e, all, &made, want, err)
                 : err_nomem(err, "to search for a prompt");

    if (!rc && made > 0)
        rc = try_on(e, all, made, at, m, err);
    for (int64_t k = 0; k < made && k < most && !rc; k++) {
        int64_t best = k;
        struct candidate *first = all[k];

        for (int64_t i = k + 1; i < made; i++)
            if (candidates_mean(&e->pool, all[i], at, m) >
                candidates_mean(&e->pool, all[best], at, m))
                best = i;
        all[k] = all[best];
        all[best] = first;
        list[(*n)++] = all[k];
    }
    mem_free(all);
    return rc;
}

/* ---- a round ------------------------------------------------------------ */

static void
front_release(struct front *f)
{
    mem_free(f->list);
    mem_free(f->value);
    mem_free(f->wins);
}

static int
front_make(struct front *f, const struct evolve *e, trv_err *err)
{
    const size_t n = (size_t)e->pool.n;

    *f = (struct front){.list = mem_calloc(n, sizeof(*f->list)),
                        .value = mem_calloc(n, sizeof(*f->value)),
                        .wins = mem_calloc(n, sizeof(*f->wins))};
    if (!f->list || !f->value || !f->wins)
        return err_nomem(err, "to search for a prompt");
    for (int64_t i = 0; i < e->pool.n; i++)
        if (e->pool.list[i]->kept) {
            f->list[f->n] = e->pool.list[i];
            f->value[f->n++] = e->pool.list[i]->value;
        }
    f->winners = pareto_wins(f->wins, f->value, f->n, e->o.n_train);
    for (int64_t i = 1; i < f->n; i++)
        if (candidates_mean(&e->pool, f->list[i], NULL, 0) >
            candidates_mean(&e->pool, f->list[f->best], NULL, 0))
            f->best = i;
    return 0;
}

/* The words of a good answer may be worth saying beforehand. */
static int
learn_phrases(struct evolve *e, struct candidate *const *list, int64_t n,
              trv_err *err)
{
    const double middle = (e->lowest + e->highest) / 2.0;

    for (int64_t i = 0; i < n && !e->o.closed; i++) {
        const struct shown *s = &list[i]->best;
        struct parts p = {0};
        int rc = 0;

        if (s->input >= 0 && s->reward > middle)
            rc = parts_split(&p, s->text);
        for (int64_t k = 0; k < p.n && e->pool.phrases.n < POOL_MOST && !rc;
             k++)
            if (strlen(p.v[k]) <= 100 && !parts_has(&e->pool.phrases, p.v[k]))
                rc = parts_add(&e->pool.phrases, p.v[k], strlen(p.v[k]));
        parts_release(&p);
        if (rc)
            return err_nomem(err, "to search for a prompt");
    }
    return 0;
}

/* Does a child beat its parent on the inputs at[0..m)? One that is worse by
 * less than half a standard error is not known to be worse, and stays. */
static bool
beats(const struct candidate *child, const struct candidate *parent,
      const int64_t *at, int64_t m)
{
    double sum = 0.0, squares = 0.0, error;

    for (int64_t i = 0; i < m; i++) {
        const double gain = child->value[at[i]] - parent->value[at[i]];

        sum += gain;
        squares += gain * gain;
    }
    error = m > 1 ? sqrt((squares - sum * sum / (double)m) / (double)(m - 1) /
                         (double)m)
                  : 0.0;
    return sum / (double)m + (error > 0 ? 0.5 * error : 0.0) > 0;
}

/* Are both rewards equal on every input, and in the lower half of the range
 * seen? Then evaluations cannot show which is nearer to a higher one. */
static bool
both_earn_nothing(const struct evolve *e, const struct candidate *a,
                  const struct candidate *b, const int64_t *at, int64_t m)
{
    const double middle = (e->lowest + e->highest) / 2.0;

    for (int64_t i = 0; i < m; i++)
        if (a->reward[at[i]] != b->reward[at[i]] || a->reward[at[i]] >= middle)
            return false;
    return true;
}

/* Those of the children that beat their parent come to the front of the
 * list. */
static int
better_than_parents(int64_t *good, struct evolve *e,
                    const struct evolve_guide *g, struct candidate **list,
                    int64_t n, const int64_t *at, int64_t m, trv_err *err)
{
    struct candidate **both = mem_calloc((size_t)(2 * n) + 1, sizeof(*both));
    double *hint = mem_calloc((size_t)(2 * n) + 1, sizeof(*hint));
    int rc = both && hint ? 0 : err_nomem(err, "to search for a prompt");

    *good = 0;
    for (int64_t i = 0; i < n && !rc; i++) {
        both[i] = list[i];
        both[n + i] = e->pool.list[list[i]->parents[0]];
        hint[i] = hint[n + i] = (double)NAN;
    }
    if (!rc && g->n > 0)
        rc = evolve_guide_hints(hint, g, both, 2 * n, err);
    for (int64_t i = 0; i < n && !rc; i++) {
        const struct candidate *child = both[i], *parent = both[n + i];
        const bool told = !isnan(hint[i]) && !isnan(hint[n + i]) &&
                          both_earn_nothing(e, child, parent, at, m);

        if (told ? hint[i] > hint[n + i] : beats(child, parent, at, m))
            list[(*good)++] = list[i];
    }
    mem_free(both);
    mem_free(hint);
    return rc;
}

/* Is the best so far no better than no prompt at all? */
static bool
found_nothing(const struct evolve *e, const struct front *f)
{
    const struct candidate *none = e->pool.list[0];
    double gain = 0.0, squares = 0.0, error;
    const double n = (double)e->o.n_train;

    for (int64_t i = 0; i < e->o.n_train; i++) {
        const double more = f->list[f->best]->reward[i] - none->reward[i];

        gain += more / n;
        squares += more * more / n;
    }
    error = sqrt((squares - gain * gain) / n);
    return !(gain > 2.0 * error);
}

static int
run_round(struct evolve *e, trv_err *err)
{
    const int64_t P = e->o.population, m = e->o.minibatch;
    struct candidate **children =
        mem_calloc((size_t)P + EVOLVE_AGAIN, sizeof(*children));
    int64_t *at = mem_array((size_t)e->o.n_train, sizeof(*at));
    int64_t made = 0, good = 0;
    struct evolve_guide g = {0};
    struct front f = {0};
    struct rng rng;
    int rc = children && at ? 0 : err_nomem(err, "to search for a prompt");

    rng_init(&rng, e->prompt_value.seed,
             STREAM_ROUND + (uint64_t)e->pool.rounds);
    if (!rc)
        rc = front_make(&f, e, err);
    if (!rc)
        rc = evolve_guide_open(&g, e, err);
    if (!rc)
        rng_some(&rng, at, m, e->o.n_train);
    if (!rc)
        rc = evolve_propose_round(e, children, &made, &f, &g, &rng, err);
    if (!rc && e->o.screen_again > 0 && found_nothing(e, &f))
        rc = look_at_many(e, children, &made, e->o.screen_again, EVOLVE_AGAIN,
                          at, err);
    if (!rc && made > 0)
        rc = try_on(e, children, made, at, m, err);
    if (!rc)
        rc = better_than_parents(&good, e, &g, children, made, at, m, err);
    if (!rc)
        rc = keep(e, children, good, err);
    if (!rc)
        rc = learn_phrases(e, children, good, err);
    if (!rc)
        rc = check_stop(e, err);
    if (!rc)
        rc = candidates_write(&e->pool, e->o.file, err);
    evolve_guide_release(&g);
    front_release(&f);
    mem_free(children);
    mem_free(at);
    return rc;
}

/* ---- the first round ---------------------------------------------------- */

/* No prompt at all, and single instructions. Where none of them is
 * better than nothing the best is kept, so that there is a result. */
static int
begin(struct evolve *e, trv_err *err)
{
    const int64_t m = e->o.minibatch;
    struct candidate *list[3 * EVOLVE_SEEDS] = {NULL}, *none = NULL;
    int64_t *at = mem_array((size_t)e->o.n_train, sizeof(*at));
    int64_t n = 0, good = 0, best = 0;
    const struct evolve_guide unguided = {0};
    struct parts empty = {0};
    struct rng rng;
    int rc = at ? 0 : err_nomem(err, "to search for a prompt");

    rng_init(&rng, e->prompt_value.seed, STREAM_ROUND);
    if (!rc)
        rng_some(&rng, at, m, e->o.n_train);
    if (!rc)
        rc = evolve_add_parts(&none, e, &empty, "none", -1, -1, err);
    if (!rc && e->o.phrases)
        rc = parts_copy(&e->pool.phrases, e->o.phrases)
                 ? err_nomem(err, "to search for a prompt")
                 : 0;
    if (!rc)
        rc = evolve_propose_phrases(e, list, &n, EVOLVE_SEEDS, &rng, err);
    if (!rc && e->o.by_model)
        rc = evolve_propose_asked(e, list, &n, EVOLVE_SEEDS, err);
    if (!rc && e->o.screen > 0)
        rc = look_at_many(e, list, &n, e->o.screen, EVOLVE_SEEDS, at, err);
    if (!rc && n == 0 && !e->o.proposer)
        rc = err_fail(err, TRV_EINVAL,
                      "there is no instruction to begin with: give phrases, or "
                      "let the model or an endpoint propose");
    if (!rc)
        rc = keep(e, &none, 1, err);
    if (!rc && n > 0)
        rc = try_on(e, list, n, at, m, err);
    for (int64_t i = 1; i < n && !rc; i++)
        if (candidates_mean(&e->pool, list[i], at, m) >
            candidates_mean(&e->pool, list[best], at, m))
            best = i;
    if (!rc && n > 0) {
        struct candidate *first = list[best];

        rc = better_than_parents(&good, e, &unguided, list, n, at, m, err);
        if (!rc && good == 0)
            list[good++] = first;
        if (!rc)
            rc = keep(e, list, good, err);
    }
    if (!rc)
        rc = learn_phrases(e, list, good, err);
    if (!rc)
        rc = candidates_write(&e->pool, e->o.file, err);
    mem_free(at);
    return rc;
}

/* ---- the result --------------------------------------------------------- */

int64_t
evolve_ranking(const struct evolve *e, struct candidate **list, int64_t most)
{
    int64_t n = 0;

    for (int64_t i = 0; i < e->pool.n; i++) {
        struct candidate *a = e->pool.list[i];
        int64_t at = n;

        if (!a->kept)
            continue;
        while (at > 0 && candidates_mean(&e->pool, a, NULL, 0) >
                             candidates_mean(&e->pool, list[at - 1], NULL, 0))
            at--;
        if (at >= most)
            continue;
        n += n < most;
        memmove(list + at + 1, list + at, (size_t)(n - 1 - at) * sizeof(*list));
        list[at] = a;
    }
    return n;
}

/* Values of fresh answers in place of rewards. */
static void
make_values(const struct evolve *e, const struct job *job, struct sums *s)
{
    for (int64_t c = 0; c < job->n * job->m; c++)
        s->reward[c] += -e->o.beta * s->kl[c] -
                        e->o.lambda * (double)job->list[c / job->m]->tokens;
}

static int
choose_winner(struct evolve *e, trv_err *err)
{
    const int64_t m = e->o.n_train;
    struct candidate **list =
        mem_calloc((size_t)e->o.finalists + 2, sizeof(*list));
    struct job job = {.m = m,
                      .answers = e->o.final_answers,
                      .rows = e->o.train,
                      .stream = STREAM_FINAL};
    struct sums sums = {0};
    int64_t best = 1;
    int rc = list ? 0 : err_nomem(err, "to search for a prompt");

    if (!rc) { // the base stands first; it is no result
        job.list = list;
        job.n = 1 + evolve_ranking(e, list + 1, e->o.finalists + 1);
        list[0] = e->pool.list[0];
        for (int64_t i = 1; i < job.n; i++)
            if (list[i] == list[0]) {
                memmove(list + i, list + i + 1,
                        (size_t)(job.n - i - 1) * sizeof(*list));
                job.n--;
            }
        if (job.n > e->o.finalists + 1)
            job.n = e->o.finalists + 1;
    }
    if (!rc && job.n < 2)
        rc = err_fail(err, TRV_EINVAL, "no instruction was proposed at all");
    if (!rc)
        rc = run_job(e, &job, &sums, err);
    if (!rc) {
        make_values(e, &job, &sums);
        for (int64_t c = 1; c < job.n; c++)
            if (prompt_value_mean(sums.reward + c * m, m).mean >
                prompt_value_mean(sums.reward + best * m, m).mean)
                best = c;
        e->best = list[best];
        e->best_search = candidates_mean(&e->pool, e->best, NULL, 0);
        e->base_value = prompt_value_mean(sums.reward, m);
        e->best_value = prompt_value_mean(sums.reward + best * m, m);
    }
    sums_release(&sums);
    mem_free(list);
    return rc;
}

/* Inputs that nothing has seen so far. */
static int
report_held_out(struct evolve *e, trv_err *err)
{
    struct candidate *const list[2] = {e->pool.list[0], e->best};
    const int64_t m = e->o.n_held;
    const struct job job = {.list = list,
                            .n = 2,
                            .m = m,
                            .answers = e->o.final_answers,
                            .rows = e->o.held,
                            .stream = STREAM_HELD};
    struct sums sums = {0};
    const bool kl = e->prompt_value.kl;
    int rc;

    if (m == 0)
        return 0;
    e->prompt_value.kl = true; // it is reported, also where beta is 0
    rc = run_job(e, &job, &sums, err);
    e->prompt_value.kl = kl;
    if (!rc) {
        e->base_held = prompt_value_mean(sums.reward, m);
        e->best_held = prompt_value_mean(sums.reward + m, m);
        e->best_held_kl = prompt_value_mean(sums.kl + m, m);
    }
    sums_release(&sums);
    return rc;
}

/* Have the last rounds made nothing new? */
static bool
is_dry(const struct evolve *e)
{
    const int64_t last = e->pool.list[e->pool.n - 1]->round;

    return e->pool.rounds - 1 - last >= IDLE_MOST;
}

int
evolve_run(struct evolve *e, trv_err *err)
{
    int rc = 0;

    e->prompt_value.watch = go_on;
    e->prompt_value.payload = e;
    e->lowest = HUGE_VAL;
    e->highest = -HUGE_VAL;
    e->pool = (struct candidates){.n_inputs = e->o.n_train,
                                  .beta = e->o.beta,
                                  .lambda = e->o.lambda,
                                  .end = e->o.end};
    TRV_ASSERT(e->o.slot || (e->o.screen == 0 && e->o.screen_again == 0));
    if (e->o.slot)
        rc = propose_allowed(&e->allowed, e->prompt_value.s->model, err);
    if (!rc && e->o.resume)
        rc = candidates_read(&e->pool, e->o.file,
                             e->prompt_value.s->model->tokenizer, err);
    for (int64_t i = 0; i < e->pool.n && !rc; i++) {
        const struct candidate *a = e->pool.list[i];

        if (a->best.input >= 0)
            e->highest = fmax(e->highest, a->best.reward);
        if (a->worst.input >= 0)
            e->lowest = fmin(e->lowest, a->worst.reward);
    }
    if (!rc && e->o.proposer)
        proposer_seek(e->o.proposer, e->pool.asked);
    if (!rc && e->pool.rounds == 0)
        rc = begin(e, err);
    while (!rc && e->pool.rounds <= e->o.rounds && !is_dry(e))
        rc = run_round(e, err);
    if (!rc)
        rc = choose_winner(e, err);
    return rc ? rc : report_held_out(e, err);
}

void
evolve_release(struct evolve *e)
{
    candidates_release(&e->pool);
    mem_free(e->allowed);
}
