/* goal_reward.c -- answers drawn, scored and weighted for a search. */
#include "transform/token_search/goal_reward.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/streams.h"
#include "learn/loss/loss_tilt.h"
#include "model/sample/engine.h"
#include "model/decoder/pass.h"

/* Of an input's answers those of least weight are left out, as long as their
 * weights sum to no more than this: they cost as much as the others. */
#define NEGLIGIBLE 0.02

/* --- drawing and scoring --- */

static void
drawn_release(struct drawn *list, int64_t n)
{
    for (int64_t i = 0; list && i < n; i++) {
        mem_free(list[i].ids);
        list[i] = (struct drawn){0};
    }
}

/* What is drawn together: prompts z [n_z] before inputs [n], each answered
 * `samples` times. */
struct draw {
    struct text_reward *t;
    const struct ids *z;
    int64_t n_z;
    const int64_t *inputs;
    int64_t n, samples;
    uint64_t stream; // of the first answer of every prompt
    bool bare;       // no KL is wanted
};

static int64_t
draw_count(const struct draw *w)
{
    return w->n_z * w->n * w->samples;
}

/* Contexts of all prompts and inputs, [n_z, n], in the arena. */
static struct context *
draw_contexts(const struct draw *w)
{
    struct arena *a = &w->t->s->arena;
    const int64_t n = w->n_z * w->n;
    struct context *c = arena_alloc(a, (size_t)n * sizeof(*c));
    struct component *parts = arena_alloc(a, (size_t)n * sizeof(*parts));

    for (int64_t i = 0; c && parts && i < n; i++) {
        const struct paired_row *pair =
            &w->t->answers->contexts[w->inputs[i % w->n]];
        const struct place_row *at = &w->t->slot->at[pair->input];
        const struct ids *z = &w->z[i / w->n];
        const int64_t all = at->head.n + z->n + at->tail.n;
        int32_t *ids = arena_alloc(a, (size_t)all * sizeof(*ids));

        if (!ids)
            return NULL;
        parts[i] = (struct component){w->t->d, NULL, ids, all, 1.0};
        c[i] = (struct context){.parts = &parts[i], .n = 1};
        for (int64_t k = 0; k < at->head.n; k++)
            *ids++ = at->head.v[k];
        for (int64_t k = 0; k < z->n; k++)
            *ids++ = z->v[k];
        for (int64_t k = 0; k < at->tail.n; k++)
            *ids++ = at->tail.v[k];
    }
    return parts ? c : NULL;
}

static int
draw_answers(struct drawn *out, const struct draw *w, trv_err *err)
{
    struct text_reward *t = w->t;
    struct arena *a = &t->s->arena;
    const int64_t n = draw_count(w), per = w->n * w->samples;
    struct sample_options so = {.sampling = SAMPLING_INIT,
                                .max_tokens = t->max_tokens,
                                .seed = t->seed};
    struct sampled_row *rows;
    struct sample_out *outs;
    struct context *c;
    int rc;

    arena_reset(a);
    c = draw_contexts(w);
    rows = arena_alloc(a, (size_t)n * sizeof(*rows));
    outs = arena_alloc(a, (size_t)n * sizeof(*outs));
    if (!c || !rows || !outs)
        return err_nomem(err, "to search by a reward");
    so.sampling.vocab = tokenizer_size(t->s->model->tokenizer);
    for (int64_t i = 0; i < n; i++)
        rows[i] = (struct sampled_row){&c[i / w->samples],
                                       w->stream + (uint64_t)(i % per)};
    rc = engine_sample_contexts(a, outs, rows, n, &so, err);
    for (int64_t i = 0; i < n && !rc; i++)
        out[i] = (struct drawn){
            .ids = outs[i].ids, .n = outs[i].n, .own = outs[i].logp};
    return rc;
}

static int
score_drawn(struct drawn *list, const struct draw *w, trv_err *err)
{
    struct text_reward *t = w->t;
    const int64_t n = draw_count(w);
    struct completion *trials = mem_calloc((size_t)n, sizeof(*trials));
    double *score = mem_array((size_t)n, sizeof(*score));
    int rc = trials && score ? 0 : err_nomem(err, "to search by a reward");

    for (int64_t i = 0; i < n && !rc; i++) {
        const int64_t input = w->inputs[i / w->samples % w->n];

        trials[i] = (struct completion){
            &t->in->data.rows[t->answers->contexts[input].input], list[i].ids,
            list[i].n};
    }
    if (!rc)
        rc = answer_rewards_score(score, t->s, t->reward, trials, n, NULL, err);
    for (int64_t i = 0; i < n && !rc; i++)
        list[i].reward = score[i];
    mem_free(trials);
    mem_free(score);
    return rc;
}

/* One prompt's answers from both sides: kl takes the mean over answers of the
 * KL to the base along each, summed over its tokens; and what the base gives
 * each answer is noted. */
static int
compare_prompt(double *kl, struct drawn *list, const struct draw *w,
               const struct context *c, trv_err *err)
{
    struct text_reward *t = w->t;
    struct arena *a = &t->s->arena;
    const struct arena_mark mark = arena_mark(a);
    const int64_t n = w->n * w->samples;
    struct answered *rows = arena_alloc(a, 2 * (size_t)n * sizeof(*rows));
    struct head_side sides[2] = {{0}};
    int64_t places = 0, k = 0;
    int32_t *target;
    float *div, *logp;
    int rc;

    if (!rows)
        return err_nomem(err, "to search by a reward");
    for (int64_t i = 0; i < n; i++) {
        const int64_t input = w->inputs[i / w->samples];

        rows[i] = (struct answered){&c[i / w->samples], list[i].ids, list[i].n};
        rows[n + i] = (struct answered){&t->answers->contexts[input].teacher,
                                        list[i].ids, list[i].n};
        places += list[i].n;
    }
    target = arena_alloc(a, (size_t)places * sizeof(*target));
    div = arena_f32(a, places, 1);
    logp = arena_f32(a, places, 1);
    if (!target || !div || !logp)
        return err_nomem(err, "to search by a reward");
    rc = pass_forward(sides, target, a, 2, rows, n, err);
    if (!rc)
        rc = head_compare(a, div, NULL, &sides[0], &sides[1], places,
                          DIV_FORWARD, err);
    if (!rc)
        rc = head_score(a, logp, NULL, &sides[1], target, places, err);
    *kl = 0.0;
    for (int64_t i = 0; i < n && !rc; i++) {
        list[i].base = 0.0;
        for (int64_t j = 0; j < list[i].n; j++, k++) {
            list[i].base += (double)logp[k];
            *kl += (double)div[k] / (double)n;
        }
    }
    arena_rewind(a, mark);
    return rc;
}

/* Answers to all prompts; reward and kl [n_z] take their means. */
static int
draw_all(struct drawn *list, double *reward, double *kl, const struct draw *w,
         trv_err *err)
{
    const int64_t per = w->n * w->samples;
    struct context *c;
    int rc = draw_answers(list, w, err);

    arena_reset(&w->t->s->arena);
    c = rc ? NULL : draw_contexts(w);
    if (!rc && !c)
        rc = err_nomem(err, "to search by a reward");
    for (int64_t p = 0; p < w->n_z && !w->bare && !rc; p++)
        rc = compare_prompt(&kl[p], list + p * per, w, c + p * w->n, err);
    if (!rc)
        rc = score_drawn(list, w, err); // resets the arena
    for (int64_t p = 0; p < w->n_z && !rc; p++) {
        int64_t scored = 0;

        reward[p] = 0.0;
        for (int64_t i = p * per; i < (p + 1) * per; i++)
            if (!isnan(list[i].reward)) {
                reward[p] += list[i].reward;
                scored++;
            }
        reward[p] /= scored ? (double)scored : 1.0;
    }
    return rc;
}

/* --- the guide --- */

/* All answers that are known to an input: at most base + own. Fills answers and
 * rewards, those of others' answers corrected for where they come from. */
static int64_t
known(const struct text_reward *t, int64_t input, struct place_answer *y,
      double *r)
{
    const int64_t inputs = t->answers->n_contexts;
    const int64_t row = t->answers->contexts[input].input;
    int64_t n = 0;

    for (int64_t i = input; i < t->answers->n; i += inputs) {
        const struct answer *base = &t->answers->list[i];

        y[n] = (struct place_answer){row, base->ids, base->n};
        r[n++] = t->score[i];
    }
    for (int64_t k = 0; k < t->samples; k++) {
        const struct drawn *own = &t->own[input * t->samples + k];

        if (own->n == 0)
            continue;
        y[n] = (struct place_answer){row, own->ids, own->n};
        r[n++] = own->reward + t->beta * (own->base - own->own);
    }
    return n;
}

/* Keep those of positive weight, best first; weights again sum to 1. */
static int64_t
keep_heavy(struct place_answer *y, double *w, int64_t n)
{
    double rest = 1.0;
    int64_t kept = 0;

    for (; kept < n && rest > NEGLIGIBLE; kept++) {
        int64_t best = kept;
        struct place_answer was = y[kept];
        double w_was = w[kept];

        for (int64_t i = kept + 1; i < n; i++)
            if (w[i] > w[best])
                best = i;
        if (!(w[best] > 0.0))
            break;
        y[kept] = y[best];
        w[kept] = w[best];
        y[best] = was;
        w[best] = w_was;
        rest -= w[kept];
    }
    for (int64_t i = 0; i < kept; i++)
        w[i] /= 1.0 - rest;
    return kept;
}

static int64_t
most_known(const struct text_reward *t)
{
    const int64_t inputs = t->answers->n_contexts;

    return (t->answers->n + inputs - 1) / inputs + t->samples;
}

/* Do any two known answers to an input differ in what they earn? */
static bool
teaches(const struct text_reward *t, int64_t input)
{
    double lo = (double)INFINITY, hi = -(double)INFINITY;

    for (int64_t i = input; i < t->answers->n; i += t->answers->n_contexts) {
        lo = fmin(lo, t->score[i]);
        hi = fmax(hi, t->score[i]);
    }
    for (int64_t k = 0; k < t->samples; k++) {
        const struct drawn *own = &t->own[input * t->samples + k];

        lo = own->n ? fmin(lo, own->reward) : lo;
        hi = own->n ? fmax(hi, own->reward) : hi;
    }
    return hi > lo;
}

static void
lay_out_input(struct text_reward *t, int64_t input, double *r)
{
    struct place_answer *y = t->y + t->n;
    double *w = t->w + t->n;
    const int64_t n = known(t, input, y, r);

    loss_tilt_weights(w, NULL, r, n, t->beta);
    t->n += keep_heavy(y, w, n);
    t->n_guides++;
}

/* The inputs of a step. While the guide decides, those that can guide, where
 * there are any: an input whose answers have equal rewards gives no
 * direction. */
static void
choose_inputs(struct text_reward *t, const struct search_at *at)
{
    const int64_t all = t->answers->n_contexts;
    const int64_t most = t->batch < all ? t->batch : all;

    t->n_inputs = 0;
    for (int64_t i = 0; at->guided && i < all && t->n_inputs < most; i++) {
        const int64_t input =
            most == all ? i
                        : shuffle_at(&t->shuffle, at->step_of_all * most + i);
        bool taken = !teaches(t, input);

        for (int64_t k = 0; k < t->n_inputs; k++) // of the epoch before
            taken = taken || t->inputs[k] == input;
        if (!taken)
            t->inputs[t->n_inputs++] = input;
    }
    for (int64_t i = 0; t->n_inputs == 0 && i < most; i++)
        t->inputs[i] =
            most == all ? i
                        : shuffle_at(&t->shuffle, at->step_of_all * most + i);
    t->n_inputs = t->n_inputs ? t->n_inputs : most;
}

static int
reward_begin(void *self, const struct search_at *at, trv_err *err)
{
    struct text_reward *t = self;
    double *r = mem_array((size_t)most_known(t), sizeof(*r));

    if (!r)
        return err_nomem(err, "to search by a reward");
    arena_reset(&t->s->arena);
    t->n = t->n_guides = 0;
    choose_inputs(t, at);
    for (int64_t i = 0; i < t->n_inputs; i++)
        if (teaches(t, t->inputs[i]))
            lay_out_input(t, t->inputs[i], r);
    for (int64_t i = 0; t->n == 0 && i < t->n_inputs; i++)
        lay_out_input(t, t->inputs[i], r);
    mem_free(r);
    for (int64_t i = 0; i < t->n; i++)
        t->w[i] *= t->beta / (double)t->n_guides;
    if (t->n == 0)
        return err_fail(err, TRV_EINVAL,
                        "the reward scored no answer: there is nothing to "
                        "search by");
    return 0;
}

/* The loss is the sum of -w log p. */
static struct place_likelihood
guide(const struct text_reward *t)
{
    return (struct place_likelihood){t->s, t->slot, t->y, t->w, t->n};
}

static int
reward_gradient(void *self, float *g, const struct ids *z, double fluency,
                trv_err *err)
{
    const struct place_likelihood l = guide(self);

    return place_likelihood_gradient(g, &l, z, fluency, err);
}

static int
reward_evaluate(void *self, double *value, const struct ids *z, int64_t n,
                trv_err *err)
{
    const struct place_likelihood l = guide(self);

    return place_likelihood_evaluate(value, &l, z, n, err);
}

/* --- the goal itself --- */

static bool
all_equal(const struct drawn *list, int64_t n)
{
    for (int64_t i = 1; i < n; i++)
        if (list[i].reward != list[0].reward)
            return false;
    return true;
}

static int
reward_confirm(void *self, double *value, const struct search_at *at,
               const struct ids *z, int64_t n, trv_err *err)
{
    struct text_reward *t = self;
    const int64_t per = t->n_inputs * t->samples;
    const struct draw w = {.t = t,
                           .z = z,
                           .n_z = n,
                           .inputs = t->inputs,
                           .n = t->n_inputs,
                           .samples = t->samples,
                           // candidates of one step share theirs
                           .stream =
                               STREAM_DRAW + (uint64_t)(at->step_of_all * per)};
    double *reward = mem_array((size_t)n, sizeof(*reward));
    double *kl = mem_array((size_t)n, sizeof(*kl));
    int rc = reward && kl ? 0 : err_nomem(err, "to search by a reward");

    drawn_release(t->completion, t->n_tried);
    t->n_tried = n * per;
    if (!rc)
        rc = draw_all(t->completion, reward, kl, &w, err);
    for (int64_t p = 0; p < n && !rc; p++)
        value[p] = -(reward[p] - t->beta * kl[p]);
    if (!rc && n > 1 && all_equal(t->completion, t->n_tried))
        rc = reward_evaluate(t, value, z, n, err);
    mem_free(reward);
    mem_free(kl);
    return rc;
}

/* The reward alone, on a few inputs that are different ones in each restart. */
static int
reward_screen(void *self, double *value, const struct search_at *at,
              const struct ids *z, int64_t n, trv_err *err)
{
    struct text_reward *t = self;
    const int64_t all = t->answers->n_contexts;
    const int64_t m = REWARD_SCREENED < all ? REWARD_SCREENED : all;
    int64_t inputs[REWARD_SCREENED];
    struct drawn *list = mem_calloc((size_t)(n * m), sizeof(*list));
    const struct draw w = {.t = t,
                           .z = z,
                           .n_z = n,
                           .inputs = inputs,
                           .n = m,
                           .samples = 1,
                           .stream =
                               STREAM_SCREEN + (uint64_t)(at->step_of_all * m),
                           .bare = true};
    int rc = list ? 0 : err_nomem(err, "to search by a reward");

    for (int64_t i = 0; i < m; i++)
        inputs[i] = shuffle_at(&t->shuffle, at->step_of_all * m + i);
    if (!rc)
        rc = draw_all(list, value, NULL, &w, err);
    for (int64_t i = 0; i < n && !rc; i++)
        value[i] = -value[i];
    drawn_release(list, list ? n * m : 0);
    mem_free(list);
    return rc;
}

/* The answers of the prompt that goes on take the place of its forerunner's. */
static int
reward_accept(void *self, int64_t chosen, trv_err *err)
{
    struct text_reward *t = self;
    const int64_t per = t->n_inputs * t->samples;

    (void)err;
    for (int64_t i = 0; i < per; i++) {
        struct drawn *from = &t->completion[chosen * per + i];
        struct drawn *to =
            &t->own[t->inputs[i / t->samples] * t->samples + i % t->samples];

        mem_free(to->ids);
        *to = *from;
        *from = (struct drawn){0};
    }
    return 0;
}

int
text_reward_measure(struct text_reward *t, double *reward, double *kl,
                    const struct ids *z, trv_err *err)
{
    const int64_t all = t->answers->n_contexts;
    const int64_t n = t->most < all ? t->most : all;
    const int64_t part = t->batch < n ? t->batch : n;
    struct drawn *list = mem_calloc((size_t)(part * t->samples), sizeof(*list));
    int64_t *inputs = mem_array((size_t)n, sizeof(*inputs));
    int rc = list && inputs ? 0 : err_nomem(err, "to search by a reward");

    *reward = *kl = 0.0;
    for (int64_t i = 0; i < n && !rc; i++)
        inputs[i] = i;
    for (int64_t from = 0; from < n && !rc; from += part) {
        const int64_t here = n - from < part ? n - from : part;
        const struct draw w = {.t = t,
                               .z = z,
                               .n_z = 1,
                               .inputs = inputs + from,
                               .n = here,
                               .samples = t->samples,
                               .stream = STREAM_JUDGE +
                                         (uint64_t)(from * t->samples)};
        double r, k;

        rc = draw_all(list, &r, &k, &w, err);
        drawn_release(list, here * t->samples);
        if (!rc) {
            *reward += r * (double)here / (double)n;
            *kl += k * (double)here / (double)n;
        }
    }
    mem_free(list);
    mem_free(inputs);
    return rc;
}

static int
reward_score_end(void *self, double *value, const struct ids *z, trv_err *err)
{
    struct text_reward *t = self;
    double reward = t->base_reward, kl = 0.0;
    int rc = z ? text_reward_measure(t, &reward, &kl, z, err) : 0;

    *value = -(reward - t->beta * kl);
    return rc;
}

/* --- the state --- */

static json_t *
drawn_json(const struct drawn *x, int64_t at)
{
    return json_pack("{s:I,s:o,s:f,s:f,s:f}", "at", (json_int_t)at, "ids",
                     json_ids(x->ids, x->n), "reward", x->reward, "base",
                     x->base, "own", x->own);
}

static int
pool_save(void *self, json_t **out, trv_err *err)
{
    const struct text_reward *t = self;
    const int64_t n = t->answers->n_contexts * t->samples;
    json_t *list = json_array();

    for (int64_t i = 0; list && i < n; i++)
        if (t->own[i].n > 0 && !isnan(t->own[i].reward) &&
            json_array_append_new(list, drawn_json(&t->own[i], i))) {
            json_decref(list);
            list = NULL;
        }
    *out = list;
    return list ? 0 : err_nomem(err, "to search by a reward");
}

static int
load_drawn(struct text_reward *t, const json_t *obj, trv_err *err)
{
    const char *file = SEARCH_STATE_FILE;
    const json_t *ids = json_object_get(obj, "ids");
    const int64_t n = (int64_t)json_array_size(ids);
    struct drawn x = {0};
    int64_t at = -1;
    int rc = json_int(&at, obj, "at", 0,
                      t->answers->n_contexts * t->samples - 1, file, err);

    if (!rc)
        rc = json_num(&x.reward, obj, "reward", -1e300, 1e300, file, err);
    if (!rc)
        rc = json_num(&x.base, obj, "base", -1e300, 0, file, err);
    if (!rc)
        rc = json_num(&x.own, obj, "own", -1e300, 0, file, err);
    if (!rc && (at < 0 || n < 1 || n > t->max_tokens || t->own[at].n > 0))
        rc = err_fail(err, TRV_EFORMAT,
                      "'%s' holds an answer that is not of this search", file);
    if (rc)
        return rc;
    x.ids = mem_array((size_t)n, sizeof(*x.ids));
    if (!x.ids)
        return err_nomem(err, "to search by a reward");
    t->own[at] = x; // released with the rest from here
    for (int64_t i = 0; i < n; i++) {
        const json_t *id = json_array_get(ids, (size_t)i);

        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >= t->d->cfg->vocab)
            return err_fail(err, TRV_EFORMAT,
                            "'%s' holds an answer of other tokens", file);
        x.ids[i] = (int32_t)json_integer_value(id);
    }
    t->own[at].n = n;
    return 0;
}

static int
pool_load(void *self, const json_t *state, trv_err *err)
{
    struct text_reward *t = self;
    int rc = 0;

    for (size_t i = 0; i < json_array_size(state) && !rc; i++)
        rc = load_drawn(t, json_array_get(state, i), err);
    return rc;
}

/* --- setting up --- */

static int
score_base(struct text_reward *t, trv_err *err)
{
    const int64_t all = t->answers->n;
    double sum = 0.0;
    int64_t n = 0;
    const struct reward_watch watch = {.memo = t->s->memo};
    int rc = answer_rewards_all(t->score, t->s, t->reward, t->answers, t->in,
                                &watch, err);

    for (int64_t i = 0; i < all && !rc; i++)
        if (!isnan(t->score[i])) {
            sum += t->score[i];
            n++;
        }
    t->base_reward = n ? sum / (double)n : 0.0;
    return rc;
}

int
text_reward_init(struct text_reward *t, struct search_goal *goal, trv_err *err)
{
    const size_t inputs = (size_t)t->answers->n_contexts;
    const size_t S = (size_t)t->samples, B = (size_t)t->batch;
    int rc = session_decoder(t->s, &t->d, err);

    TRV_ASSERT(t->answers->n >= t->answers->n_contexts && t->beta > 0);
    if (rc)
        return rc;
    t->score = mem_array((size_t)t->answers->n, sizeof(*t->score));
    t->own = mem_calloc(inputs * S, sizeof(*t->own));
    t->inputs = mem_array(B, sizeof(*t->inputs));
    t->y = mem_calloc(B * (size_t)most_known(t), sizeof(*t->y));
    t->w = mem_calloc(B * (size_t)most_known(t), sizeof(*t->w));
    t->completion =
        mem_calloc(((size_t)t->confirms + 1) * B * S, sizeof(*t->completion));
    if (!t->score || !t->own || !t->inputs || !t->y || !t->w || !t->completion)
        return err_nomem(err, "to search by a reward");
    rc = score_base(t, err);
    if (rc)
        return rc;
    t->all_alike = true;
    for (int64_t i = 0; i < t->answers->n_contexts; i++)
        t->all_alike = t->all_alike && !teaches(t, i);
    *goal = (struct search_goal){.self = t,
                                 .begin = reward_begin,
                                 .gradient = reward_gradient,
                                 .evaluate = reward_evaluate,
                                 .screen = reward_screen,
                                 .confirm = reward_confirm,
                                 .confirms = t->confirms,
                                 .accept = reward_accept,
                                 .judge = reward_score_end,
                                 .save = pool_save,
                                 .load = pool_load};
    return shuffle_init(&t->shuffle, t->answers->n_contexts, t->seed + 1, err);
}

void
text_reward_release(struct text_reward *t)
{
    drawn_release(t->own, t->own ? t->answers->n_contexts * t->samples : 0);
    drawn_release(t->completion, t->n_tried);
    shuffle_release(&t->shuffle);
    mem_free(t->score);
    mem_free(t->own);
    mem_free(t->inputs);
    mem_free(t->y);
    mem_free(t->w);
    mem_free(t->completion);
    *t = (struct text_reward){0};
}
