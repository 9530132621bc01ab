/* text_search.c -- restarts, steps, and what is kept between them. */
#include "transform/token_search/text_search.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "transform/search/place_pass.h"
#include "transform/search/place_sample.h"
#include "transform/token_search/text_screen.h"
#include "base/seal.h"
#include "base/streams.h"

struct search {
    struct session *s;
    struct decoder *d;
    struct prompt_place *slot;
    const struct search_goal *goal;
    const struct search_options *opts;
    struct propose_options propose;
    unsigned char *allowed; // [V]

    /* of one step: z, then its candidates */
    struct proposal *list; // [width + 1]
    struct ids *z;         // [width + 1] borrowed from list
    double *value, *told;  // [width + 1] loss; its part by fluency, length
    struct ordered *order; // [width + 1]
    float *g;              // [tokens, C]

    /* between steps: list[0] too */
    struct search_end held; // the best of this restart that was evaluated
    struct search_at at;
    int64_t stall, steps;
    int64_t look; // looks at texts before this restart's steps
    double loss;  // of the last step
    double base;  // NaN: not evaluated yet
    struct search_result *out;
    int64_t metrics_bytes;
    double tokens_before; // of the decoder when the search began
    double tokens_kept;   // of the part before a resume
    double began;
};

static int
search_open(struct search *q, struct search_result *out, struct session *s,
            struct prompt_place *slot, const struct search_goal *goal,
            const struct search_options *opts, trv_err *err)
{
    const size_t n = (size_t)opts->width + 1;
    int rc;

    TRV_ASSERT(opts->steps >= 1 && opts->restarts >= 1 && opts->tokens >= 1 &&
               opts->width >= 1 && opts->top_k >= 1 && opts->starts >= 1);
    *q = (struct search){.s = s,
                         .slot = slot,
                         .goal = goal,
                         .opts = opts,
                         .out = out,
                         .base = (double)NAN,
                         .began = clock_now()};
    *out = (struct search_result){0};
    rc = session_decoder(s, &q->d, err);
    if (!rc)
        rc = decoder_plan_input_backward(q->d, err);
    if (!rc)
        rc = propose_allowed(&q->allowed, s->model, err);
    if (rc)
        return rc;
    q->tokens_before = q->d->tokens;
    q->propose = (struct propose_options){.width = opts->width,
                                          .top_k = opts->top_k,
                                          .most = opts->tokens,
                                          .fluency = opts->fluency,
                                          .allowed = q->allowed,
                                          .teacher = opts->teacher};
    q->list = mem_calloc(n, sizeof(*q->list));
    q->z = mem_calloc(n, sizeof(*q->z));
    q->value = mem_calloc(n, sizeof(*q->value));
    q->told = mem_calloc(n, sizeof(*q->told));
    q->order = mem_calloc(n, sizeof(*q->order));
    q->g = mem_calloc((size_t)(opts->tokens * q->d->cfg->width), sizeof(*q->g));
    out->ends = mem_calloc((size_t)opts->restarts, sizeof(*out->ends));
    if (!q->list || !q->z || !q->value || !q->told || !q->order || !q->g ||
        !out->ends)
        return err_nomem(err, "for a search");
    return 0;
}

static void
search_release(struct search *q)
{
    for (int64_t i = 0; q->list && i <= q->opts->width; i++)
        proposal_release(&q->list[i]);
    proposal_release(&q->held.best);
    mem_free(q->list);
    mem_free(q->z);
    mem_free(q->value);
    mem_free(q->told);
    mem_free(q->order);
    mem_free(q->g);
    mem_free(q->allowed);
}

void
search_result_release(struct search_result *r)
{
    for (int64_t i = 0; r->ends && i < r->n_ends; i++)
        proposal_release(&r->ends[i].best);
    mem_free(r->ends);
    *r = (struct search_result){0};
}

static bool
report(const struct search *q)
{
    const trv_progress p = {.stage = "searching",
                            .done = q->at.restart * q->opts->steps + q->at.step,
                            .total = q->opts->restarts * q->opts->steps,
                            .unit = "steps",
                            .tokens = q->d->tokens - q->tokens_before,
                            .loss = q->loss,
                            .seconds = clock_now() - q->began};

    return !q->opts->progress || q->opts->progress(&p, q->opts->payload);
}

/* --- where a restart begins --- */

/* Any one token that survives; the last resort. */
static int
any_token(struct proposal *best, struct search *q, trv_err *err)
{
    struct rng rng;
    int rc = 0;

    /* STREAM_TOKEN, which begins at its end. */
    rng_init(&rng, q->opts->seed, STREAM_START - 1 - (uint64_t)q->at.restart);
    for (int i = 0; i < 4096 && best->z.n == 0 && !rc; i++) {
        const int32_t id = (int32_t)rng_below(&rng, (uint32_t)q->d->cfg->vocab);

        if (q->allowed[id])
            rc = place_sample_keep(best, q->slot, &id, 1, err);
    }
    if (!rc && best->z.n == 0)
        rc = err_fail(err, TRV_EINVAL,
                      "no token survives re-tokenising where the prompt "
                      "stands: a search has nowhere to begin");
    return rc;
}

/* Texts of the base, or half of them the teacher's; stream of the first. */
static int
draw_words(struct proposal *list, int64_t *n, struct search *q,
           const struct ids *begin, int64_t want, uint64_t stream, trv_err *err)
{
    struct place_sample w = {.s = q->s,
                             .slot = q->slot,
                             .allowed = q->allowed,
                             .most = q->opts->tokens,
                             .seed = q->opts->seed,
                             .stream = stream};
    const int64_t own = q->opts->teacher ? (want + 1) / 2 : want;
    int64_t more = 0;
    int rc = place_sample_draw(list, n, &w, begin, own, err);

    if (rc || own == want)
        return rc;
    w.voice = q->opts->teacher;
    w.stream += (uint64_t)own;
    rc = place_sample_draw(list + *n, &more, &w, begin ? begin + own : NULL,
                           want - own, err);
    *n += more;
    return rc;
}

/* Put the best of n texts in the place of list[0], and release the rest. */
static int
go_on_from(struct search *q, struct proposal *list, int64_t n, trv_err *err)
{
    const struct text_chooser c = {q->s,   q->slot,          q->goal,
                                   &q->at, q->opts->fluency, q->opts->length};
    int64_t best = 0;
    int rc = n > 0 ? text_screen(&best, &c, list, n, err) : 0;

    if (!rc && n > 0) {
        proposal_release(&q->list[0]);
        q->list[0] = list[best];
        list[best] = (struct proposal){0};
    }
    for (int64_t i = 0; i < n; i++)
        proposal_release(&list[i]);
    return rc;
}

static int
drawn_start(struct search *q, trv_err *err)
{
    struct proposal *list = mem_calloc((size_t)q->opts->starts, sizeof(*list));
    const uint64_t stream =
        STREAM_START +
        (uint64_t)((q->at.restart * SEARCH_LOOKS + q->look) * q->opts->starts);
    int64_t n = 0;
    int rc = list ? draw_words(list, &n, q, NULL, q->opts->starts, stream, err)
                  : err_nomem(err, "for a search");

    if (!rc)
        rc = go_on_from(q, list, n, err);
    for (int64_t i = 0; list && rc && i < n; i++)
        proposal_release(&list[i]);
    mem_free(list);
    if (!rc && q->list[0].z.n == 0)
        rc = any_token(&q->list[0], q, err);
    return rc;
}

/* The best so far, its end written anew from somewhere on. */
static int
kick(struct search *q, trv_err *err)
{
    const struct ids *z = &q->held.best.z;
    struct ids begin[SEARCH_KICKS] = {{0}}; // borrowed
    struct proposal list[SEARCH_KICKS] = {{{0}, NULL}};
    struct rng rng;
    int64_t n = 0;
    int rc;

    rng_init(&rng, q->opts->seed, STREAM_CUT + (uint64_t)q->at.step_of_all);
    for (int i = 0; i < SEARCH_KICKS; i++)
        begin[i] =
            (struct ids){.v = z->v, .n = rng_below(&rng, (uint32_t)z->n)};
    rc = draw_words(list, &n, q, begin, SEARCH_KICKS,
                    STREAM_KICK + (uint64_t)(q->at.step_of_all * SEARCH_KICKS),
                    err);
    if (!rc)
        rc = go_on_from(q, list, n, err);
    for (int64_t i = 0; rc && i < n; i++)
        proposal_release(&list[i]);
    q->stall = 0;
    return rc;
}

int
text_search_start(struct ids *z, struct prompt_place *slot, const char *text,
                  int64_t most, trv_err *err)
{
    bool stands;
    int rc = prompt_place_ids(z, &stands, slot, text, err);

    if (rc)
        return rc;
    if (!stands)
        return err_fail(err, TRV_EINVAL,
                        "the text to start from has no tokens of its own where "
                        "it stands: part it from what follows by another end");
    if (z->n > most)
        return err_fail(err, TRV_EINVAL,
                        "the text to start from has %lld tokens, more than the "
                        "%lld that a prompt may have",
                        (long long)z->n, (long long)most);
    rc = prompt_place_check(&stands, slot, text, z->v, z->n, err);
    if (!rc && !stands)
        rc = err_fail(err, TRV_EINVAL,
                      "the text to start from does not survive re-tokenising "
                      "in every input");
    return rc;
}

static int
given_start(struct proposal *best, struct search *q, trv_err *err)
{
    int rc = text_search_start(&best->z, q->slot, q->opts->start,
                               q->opts->tokens, err);

    if (!rc && !(best->text = mem_strdup(q->opts->start)))
        rc = err_nomem(err, "for a search");
    return rc;
}

/* Judge list[0], and hold it where it is the best of its restart. */
static int
judge(struct search *q, trv_err *err)
{
    const struct proposal *z = &q->list[0];
    struct search_end e = {0};
    double nats;
    int64_t n_told;
    int rc = q->goal->judge(q->goal->self, &e.goal, &z->z, err);

    if (!rc)
        rc = place_surprise(&nats, &n_told, q->d, &q->s->arena, q->slot, &z->z,
                            1, err);
    if (rc)
        return rc;
    e.perplexity = n_told ? exp(nats / (double)n_told) : 0.0;
    e.loss = e.goal + q->opts->length * (double)z->z.n +
             (n_told ? q->opts->fluency * nats / (double)n_told : 0.0);
    if (!isfinite(e.loss))
        return err_fail(err, TRV_ENONFINITE,
                        "the prompt of restart %lld has a loss that is not "
                        "finite",
                        (long long)q->at.restart + 1);
    if (q->held.best.z.n > 0 && !(e.loss < q->held.loss))
        return 0;
    e.best.text = mem_strdup(z->text);
    if (!e.best.text || ids_append(&e.best.z, z->z.v, z->z.n)) {
        proposal_release(&e.best);
        return err_nomem(err, "for a search");
    }
    proposal_release(&q->held.best);
    q->held = e;
    return 0;
}

/* Is the best so far far better than no prompt? It only decides whether to look
 * further, so a share of the figures themselves will do. */
static bool
found_something(const struct search *q)
{
    return q->base - q->held.goal >
           0.5 * fmax(fabs(q->base), fabs(q->held.goal));
}

/* Begin with the best of what was held. */
static int
take_held(struct search *q, trv_err *err)
{
    struct proposal *z = &q->list[0];

    proposal_release(z);
    z->text = mem_strdup(q->held.best.text);
    if (!z->text || ids_append(&z->z, q->held.best.z.v, q->held.best.z.n))
        return err_nomem(err, "for a search");
    return 0;
}

/* --- the state on disk --- */

static json_t *
end_json(const struct search_end *e)
{
    return json_pack("{s:o,s:f,s:f,s:f}", "z",
                     json_ids(e->best.z.v, e->best.z.n), "goal", e->goal,
                     "loss", e->loss, "perplexity", e->perplexity);
}

static int
state_path(char **path, const struct search *q, const char *name, trv_err *err)
{
    *path = path_join(q->opts->dir, name);
    return *path ? 0 : err_nomem(err, "for a search");
}

static int
save_state(const struct search *q, trv_err *err)
{
    const struct search_result *r = q->out;
    json_t *root, *own = NULL, *ends = json_array();
    char *path = NULL;
    bool bad = !ends;
    int rc = 0;

    if (!q->opts->dir) {
        json_decref(ends);
        return 0;
    }
    for (int64_t i = 0; i < r->n_ends && !bad; i++)
        bad = json_array_append_new(ends, end_json(&r->ends[i])) != 0;
    if (!bad && q->goal->save)
        rc = q->goal->save(q->goal->self, &own, err);
    root = json_pack(
        "{s:i,s:I,s:I,s:I,s:b,s:I,s:I,s:o,s:o,s:f,s:f,s:f,s:I,s:O,s:o?}",
        "format", 2, "restart", (json_int_t)q->at.restart, "step",
        (json_int_t)q->at.step, "look", (json_int_t)q->look, "guided",
        (int)q->at.guided, "stall", (json_int_t)q->stall, "steps",
        (json_int_t)q->steps, "z", json_ids(q->list[0].z.v, q->list[0].z.n),
        "held", end_json(&q->held), "loss", q->loss, "base", q->base, "tokens",
        q->tokens_kept + q->d->tokens - q->tokens_before, "metrics_bytes",
        (json_int_t)q->metrics_bytes, "ends", ends, "goal", own);
    json_decref(ends);
    if (!rc && (bad || !root))
        rc = err_nomem(err, "for a search");
    if (!rc)
        rc = state_path(&path, q, SEARCH_STATE_FILE, err);
    if (!rc)
        rc = seal_write(path, root, err);
    json_decref(root);
    mem_free(path);
    return rc;
}

/* Read back a prompt that was kept; it must survive as it did. */
static int
read_prompt(struct proposal *out, struct search *q, const json_t *list,
            const char *path, trv_err *err)
{
    const size_t n = json_array_size(list);
    struct ids z = {0};
    int rc = 0;

    if (n < 1 || n > (size_t)q->opts->tokens)
        rc = TRV_EFORMAT;
    for (size_t i = 0; i < n && !rc; i++) {
        const json_t *id = json_array_get(list, i);

        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >= q->d->cfg->vocab ||
            !q->allowed[json_integer_value(id)])
            rc = TRV_EFORMAT;
        else if (ids_push(&z, (int32_t)json_integer_value(id)))
            rc = err_nomem(err, "for a search");
    }
    proposal_release(out);
    if (!rc)
        rc = place_sample_keep(out, q->slot, z.v, z.n, err);
    if (!rc && out->z.n != z.n)
        rc = TRV_EFORMAT;
    ids_release(&z);
    return rc == TRV_EFORMAT
               ? err_fail(err, rc,
                          "'%s' holds no prompt of this search: start "
                          "it anew",
                          path)
               : rc;
}

static int
read_end(struct search_end *e, struct search *q, const json_t *obj,
         const char *path, trv_err *err)
{
    int rc = read_prompt(&e->best, q, json_object_get(obj, "z"), path, err);

    if (!rc)
        rc = json_num(&e->goal, obj, "goal", -1e300, 1e300, path, err);
    if (!rc)
        rc = json_num(&e->loss, obj, "loss", -1e300, 1e300, path, err);
    return rc ? rc
              : json_num(&e->perplexity, obj, "perplexity", 0, 1e300, path,
                         err);
}

static int
read_ends(struct search *q, const json_t *ends, const char *path, trv_err *err)
{
    int rc = 0;

    for (size_t i = 0; i < json_array_size(ends) && !rc; i++)
        rc = read_end(&q->out->ends[q->out->n_ends++], q,
                      json_array_get(ends, i), path, err);
    return rc;
}

/* Go on from what the folder holds; *found is false where there is none. */
static int
load_state(bool *found, struct search *q, trv_err *err)
{
    const struct search_options *o = q->opts;
    json_t *root = NULL;
    char *path = NULL;
    int64_t format = 0, n_ends;
    int rc;

    *found = false;
    if (!o->dir || !o->resume)
        return 0;
    rc = state_path(&path, q, SEARCH_STATE_FILE, err);
    if (rc || !file_exists(path)) {
        mem_free(path);
        return rc;
    }
    rc = seal_open(&root, path, err);
    if (!rc)
        rc = json_int(&format, root, "format", 2, 2, path, err);
    if (!rc)
        rc = json_int(&q->at.restart, root, "restart", 0, o->restarts - 1, path,
                      err);
    if (!rc)
        rc = json_int(&q->at.step, root, "step", 0, o->steps, path, err);
    if (!rc)
        rc = json_int(&q->look, root, "look", 0, SEARCH_LOOKS, path, err);
    if (!rc)
        rc = json_flag(&q->at.guided, root, "guided", path, err);
    if (!rc)
        rc = json_int(&q->stall, root, "stall", 0, o->steps, path, err);
    if (!rc)
        rc = json_int(&q->steps, root, "steps", 0, INT64_MAX, path, err);
    if (!rc)
        rc = json_int(&q->metrics_bytes, root, "metrics_bytes", 0, INT64_MAX,
                      path, err);
    if (!rc)
        rc = json_num(&q->loss, root, "loss", -1e300, 1e300, path, err);
    if (!rc)
        rc = json_num(&q->base, root, "base", -1e300, 1e300, path, err);
    if (!rc)
        rc = json_num(&q->tokens_kept, root, "tokens", 0, 1e300, path, err);
    if (!rc)
        rc = read_prompt(&q->list[0], q, json_object_get(root, "z"), path, err);
    if (!rc)
        rc = read_end(&q->held, q, json_object_get(root, "held"), path, err);
    n_ends = (int64_t)json_array_size(json_object_get(root, "ends"));
    if (!rc && (format != 2 || n_ends != q->at.restart))
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s' is no state of this search: start it anew", path);
    if (!rc)
        rc = read_ends(q, json_object_get(root, "ends"), path, err);
    if (!rc && q->goal->load)
        rc = q->goal->load(q->goal->self, json_object_get(root, "goal"), err);
    *found = !rc;
    json_decref(root);
    mem_free(path);
    return rc;
}

/* Lines after the last state are of a step that will be done again. */
static int
cut_metrics(struct search *q, trv_err *err)
{
    char *path = NULL;
    int rc;

    if (!q->opts->dir)
        return 0;
    rc = state_path(&path, q, SEARCH_METRICS_FILE, err);
    if (!rc && file_exists(path) &&
        truncate(path, (off_t)q->metrics_bytes) != 0)
        rc = err_fail(err, TRV_EIO, "cannot cut '%s': %s", path,
                      strerror(errno));
    mem_free(path);
    return rc;
}

static int
write_metrics(struct search *q, int64_t completion, trv_err *err)
{
    json_t *line;
    char *path = NULL, *text = NULL;
    FILE *f = NULL;
    int rc;

    if (!q->opts->dir)
        return 0;
    line = json_pack("{s:I,s:I,s:f,s:I,s:I,s:s}", "step",
                     (json_int_t)(q->at.step_of_all + 1), "restart",
                     (json_int_t)(q->at.restart + 1), "loss", q->loss,
                     "prompt_tokens", (json_int_t)q->list[0].z.n, "tried",
                     (json_int_t)completion, "prompt", q->list[0].text);
    text =
        line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(line);
    rc = text ? state_path(&path, q, SEARCH_METRICS_FILE, err)
              : err_nomem(err, "for a search");
    if (!rc) {
        f = fopen(path, "ab");
        if (!f || fprintf(f, "%s\n", text) < 0)
            rc = TRV_EIO;
        if (f && fclose(f) != 0)
            rc = TRV_EIO;
        if (rc)
            rc = err_fail(err, TRV_EIO, "cannot write '%s': %s", path,
                          strerror(errno));
        q->metrics_bytes += (int64_t)strlen(text) + 1;
    }
    free(text);
    mem_free(path);
    return rc;
}

/* --- a step --- */

/* q->value and q->order of z and its n candidates; the rest of the loss goes
 * into q->told. */
static int
weigh(struct search *q, int64_t n, trv_err *err)
{
    int rc;

    for (int64_t i = 0; i <= n; i++)
        q->z[i] = q->list[i].z;
    rc = q->goal->evaluate(q->goal->self, q->value, q->z, n + 1, err);
    if (!rc)
        rc = text_rest(q->told, q->s, q->slot, q->opts->fluency,
                       q->opts->length, q->z, n + 1, err);
    for (int64_t i = 0; i <= n && !rc; i++) {
        q->value[i] += q->told[i];
        if (!isfinite(q->value[i]) && i > 0)
            q->value[i] = (double)INFINITY;
        q->order[i] = (struct ordered){q->value[i], i};
    }
    if (!rc && !isfinite(q->value[0]))
        rc = err_fail(err, TRV_ENONFINITE,
                      "the loss of the prompt is not finite in step %lld",
                      (long long)q->at.step_of_all + 1);
    return rc;
}

/* Ask for the truth about z and the best of its candidates; afterwards order
 * [0..*n] are these, with their confirmed values. */
static int
confirm(struct search *q, int64_t *n, trv_err *err)
{
    const int64_t most = q->goal->confirms < *n ? q->goal->confirms : *n;
    int rc;

    qsort(q->order + 1, (size_t)*n, sizeof(*q->order), ordered_by_value);
    for (int64_t i = 0; i <= most; i++)
        q->z[i] = q->list[q->order[i].at].z;
    rc = q->goal->confirm(q->goal->self, q->value, &q->at, q->z, most + 1, err);
    for (int64_t i = 0; i <= most && !rc; i++) {
        q->order[i].value = q->value[i] + q->told[q->order[i].at];
        if (!isfinite(q->order[i].value))
            q->order[i].value = (double)INFINITY;
    }
    *n = most;
    return rc;
}

/* Let the best go on where it beats z and survives in every input. */
static int
choose(struct search *q, int64_t n, trv_err *err)
{
    const double now = q->order[0].value; // z's
    int64_t chosen = 0;
    int rc = 0;

    q->loss = now;
    if (!isfinite(now))
        return err_fail(err, TRV_ENONFINITE,
                        "the loss of the prompt is not finite in step %lld",
                        (long long)q->at.step_of_all + 1);
    /* The best of those not yet refused; there are few tries, so no sort that
     * would lose their places. */
    while (chosen == 0 && !rc) {
        bool stands;
        int64_t best = 0;

        for (int64_t i = 1; i <= n; i++)
            if (q->order[i].value < q->order[best].value)
                best = i;
        if (best == 0)
            break;
        rc = prompt_place_check(&stands, q->slot,
                                q->list[q->order[best].at].text,
                                q->list[q->order[best].at].z.v,
                                q->list[q->order[best].at].z.n, err);
        if (!stands)
            q->order[best].value = (double)INFINITY;
        else
            chosen = best;
    }
    if (!rc && chosen > 0) {
        struct proposal *to = &q->list[q->order[chosen].at];
        const struct proposal was = q->list[0];

        q->loss = q->order[chosen].value;
        q->told[0] = q->told[q->order[chosen].at];
        q->list[0] = *to;
        *to = was;
    }
    q->stall = chosen > 0 ? 0 : q->stall + 1;
    if (!rc && q->at.guided) {
        rc = q->goal->confirm(q->goal->self, &q->loss, &q->at, &q->list[0].z, 1,
                              err);
        q->loss += q->told[0];
        chosen = 0;
    }
    if (!rc && q->goal->accept)
        rc = q->goal->accept(q->goal->self, chosen, err);
    return rc;
}

static int
take_step(struct search *q, trv_err *err)
{
    const struct search_goal *goal = q->goal;
    struct rng rng;
    int64_t n = 0, completion;
    int rc;

    q->at.step_of_all = q->at.restart * q->opts->steps + q->at.step;
    rng_init(&rng, q->opts->seed, STREAM_STEP + (uint64_t)q->at.step_of_all);
    rc = goal->begin(goal->self, &q->at, err);
    if (!rc)
        rc = goal->gradient(goal->self, q->g, &q->list[0].z, q->opts->fluency,
                            err);
    if (!rc)
        rc = propose(q->list + 1, &n, q->d, &q->s->arena, q->slot,
                     &q->list[0].z, q->g, &q->propose, &rng, err);
    completion = n;
    if (!rc)
        rc = weigh(q, n, err);
    if (!rc && goal->confirm && !q->at.guided)
        rc = confirm(q, &n, err);
    if (!rc)
        rc = choose(q, n, err);
    for (int64_t i = 1; i <= q->opts->width; i++)
        proposal_release(&q->list[i]);
    if (rc)
        return rc;
    rc = write_metrics(q, completion, err);
    q->at.step++;
    q->steps++;
    if (q->at.guided &&
        (2 * q->at.step >= q->opts->steps || q->stall >= q->opts->patience)) {
        q->at.guided = false;
        q->stall = 0;
    }
    return rc;
}

/* --- restarts --- */

static int
end_restart(struct search *q, trv_err *err)
{
    const int rc = judge(q, err);

    if (rc)
        return rc;
    q->out->ends[q->out->n_ends++] = q->held;
    q->held = (struct search_end){0};
    return 0;
}

static void
sum_up(struct search *q)
{
    struct search_result *r = q->out;
    double lo = (double)INFINITY, hi = -(double)INFINITY;

    for (int64_t i = 0; i < r->n_ends; i++) {
        if (r->ends[i].loss < r->ends[r->best].loss)
            r->best = i;
        lo = fmin(lo, r->ends[i].goal);
        hi = fmax(hi, r->ends[i].goal);
    }
    r->base = q->base;
    r->steps = q->steps;
    r->tokens = q->tokens_kept + q->d->tokens - q->tokens_before;
    r->disagreement = hi > lo ? (hi - lo) / fmax(q->base - lo, hi - lo) : 0.0;
}

/* Screen texts until one is good, or up to the limit; then begin with the best.
 * A resumed search goes on with the next screening. */
static int
begin_restart(struct search *q, bool resumed, trv_err *err)
{
    const int64_t looks = q->goal->screen ? SEARCH_LOOKS : 1;
    const bool given = q->opts->start && q->at.restart == 0;
    int rc = 0;

    if (!resumed) {
        proposal_release(&q->list[0]);
        q->at.step = 0;
        q->at.guided = q->goal->confirm && q->at.restart % 2 == 0;
        q->stall = q->look = 0;
    }
    q->at.step_of_all = q->at.restart * q->opts->steps;
    while (q->look < (given ? 1 : looks) && !rc &&
           !(q->look > 0 && found_something(q))) {
        rc = given ? given_start(&q->list[0], q, err) : drawn_start(q, err);
        if (!rc)
            rc = judge(q, err);
        q->look++;
        q->loss = q->held.loss;
        if (!rc)
            rc = save_state(q, err);
        if (!rc && !report(q))
            rc = err_fail(err, TRV_ECANCELED, "the search was stopped");
    }
    return rc ? rc : take_held(q, err);
}

static int
run_restart(struct search *q, bool resumed, trv_err *err)
{
    int rc = resumed && q->at.step > 0 ? 0 : begin_restart(q, resumed, err);

    while (!rc && q->at.step < q->opts->steps) {
        rc = take_step(q, err);
        if (!rc && q->stall >= q->opts->patience &&
            q->at.step < q->opts->steps) {
            rc = judge(q, err);
            if (!rc)
                rc = kick(q, err);
        }
        if (!rc)
            rc = save_state(q, err);
        if (!rc && !report(q))
            rc = err_fail(err, TRV_ECANCELED, "the search was stopped");
    }
    return rc ? rc : end_restart(q, err);
}

int
text_search(struct search_result *out, struct session *s,
            struct prompt_place *slot, const struct search_goal *goal,
            const struct search_options *opts, trv_err *err)
{
    struct search q;
    bool resumed = false;
    int rc = search_open(&q, out, s, slot, goal, opts, err);

    if (!rc)
        rc = load_state(&resumed, &q, err);
    if (!rc)
        rc = cut_metrics(&q, err);
    if (!rc && !isfinite(q.base))
        rc = goal->judge(goal->self, &q.base, NULL, err);
    for (; q.at.restart < opts->restarts && !rc; q.at.restart++) {
        rc = run_restart(&q, resumed, err);
        resumed = false;
    }
    if (!rc)
        sum_up(&q);
    search_release(&q);
    if (rc)
        search_result_release(out);
    return rc;
}
