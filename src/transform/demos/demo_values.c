/* demo_values.c -- candidates for demonstrations, and their values. */
#include "transform/demos/demo_values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "model/decoder/pass.h"
#include "transform/demos/greedy_select.h"
#include "base/file.h"
#include "base/seal.h"
#include "base/streams.h"

#define TEMPLATE "{input}{output}\n\n" // an answer goes on right where x ends
#define IMPOSSIBLE (-(double)INFINITY)

bool
demo_values_of_reward(const struct demo_values *v)
{
    return v->job->from->form == FORM_REWARD;
}

static bool
go_on(void *payload)
{
    const struct demo_values *v = payload;
    const int64_t n = (int64_t)json_array_size(v->pool);
    const int64_t k = v->job->opts->evolve.demos;
    const trv_progress now = {.stage = "choosing",
                              .done = v->looked,
                              /* growing, and one repair: most end there */
                              .total = 2 * n * k + n * k + k * k,
                              .unit = "choices",
                              .tokens = v->drawn,
                              .loss = (double)NAN,
                              .seconds = clock_now() - v->began};

    return !v->job->progress || v->job->progress(&now, v->job->payload);
}

static bool
on_sampled(void *payload, int64_t rows_done, int64_t tokens)
{
    (void)rows_done;
    (void)tokens;
    return go_on(payload);
}

/* ---- answers of the adapted model --------------------------------------- */

void
demo_witness_release(struct demo_witness *w)
{
    for (int64_t i = 0; w->teacher && i < w->n; i++)
        conditioning_release(&w->teacher[i]);
    for (int64_t i = 0; w->answers && i < w->n; i++)
        mem_free(w->answers[i].ids);
    mem_free(w->teacher);
    mem_free(w->answers);
    *w = (struct demo_witness){0};
}

/* Every row's answer; it fits behind the input, as the plan checked. */
int
demo_witness_draw(struct demo_witness *w, struct demo_values *v,
                  const struct data_row **rows, int64_t n, uint64_t stream,
                  trv_err *err)
{
    struct session *s = v->job->s;
    struct sampled_row *list = mem_calloc((size_t)n + 1, sizeof(*list));
    struct sample_options so = {.sampling = SAMPLING_INIT,
                                .max_tokens = v->prompt_value.max_tokens,
                                .seed = v->job->opts->seed,
                                .memo = v->job->s->memo,
                                .on_progress = on_sampled,
                                .payload = v};
    int rc = 0;

    so.sampling.temperature = v->job->opts->temperature;
    so.sampling.vocab = tokenizer_size(s->model->tokenizer);
    *w = (struct demo_witness){
        .rows = rows,
        .teacher = mem_calloc((size_t)n + 1, sizeof(*w->teacher)),
        .answers = mem_calloc((size_t)n + 1, sizeof(*w->answers)),
        .n = n};
    if (!list || !w->teacher || !w->answers)
        rc = err_nomem(err, "to choose demonstrations");
    for (int64_t i = 0; i < n && !rc; i++) {
        rc = view_open(&w->teacher[i], s, v->job->from, rows[i], err);
        list[i] = (struct sampled_row){&w->teacher[i], stream + (uint64_t)i};
    }
    arena_reset(&s->arena);
    if (!rc && n > 0)
        rc = engine_sample_contexts(&s->arena, w->answers, list, n, &so, err);
    for (int64_t i = 0; i < n && !rc; i++)
        v->drawn += (double)w->answers[i].n;
    v->answers += rc ? 0 : n;
    mem_free(list);
    return rc;
}

/* KL(p_D, p_z) summed over the answers from..to, each into kl[i]. */
static int
compare_pass(double *kl, const struct demo_witness *w, const struct context *z,
             int64_t from, int64_t to, struct arena *a, trv_err *err)
{
    const int64_t m = to - from;
    struct answered *rows;

    arena_reset(a);
    rows = arena_alloc(a, (size_t)(2 * m) * sizeof(*rows));
    if (!rows)
        return err_nomem(err, "to choose demonstrations");
    for (int64_t i = 0; i < m; i++) {
        const struct sample_out *y = &w->answers[from + i];

        rows[i] = (struct answered){&w->teacher[from + i], y->ids, y->n};
        rows[m + i] = (struct answered){&z[from + i], y->ids, y->n};
    }
    return pass_kl(kl + from, a, rows, m, err);
}

/* kl [n] of every answer under z; *fits: all fit the context. */
int
demo_witness_compare(double *kl, bool *fits, const struct demo_witness *w,
                     struct session *s, struct adaptation *z, trv_err *err)
{
    struct context *c = mem_calloc((size_t)w->n + 1, sizeof(*c));
    int64_t from = 0, tokens = 0;
    int rc = c ? 0 : err_nomem(err, "to choose demonstrations");

    *fits = true;
    for (int64_t i = 0; i < w->n && !rc; i++) {
        rc = view_open(&c[i], s, z, w->rows[i], err);
        *fits = *fits && !rc && conditioning_left(&c[i]) >= w->answers[i].n;
    }
    for (int64_t i = 0; i < w->n && *fits && !rc; i++) {
        const int64_t more = conditioning_length(&c[i]) +
                             conditioning_length(&w->teacher[i]) +
                             2 * w->answers[i].n;

        /* What begins alike is computed once: the demonstrations, as it is. */
        if (i > from && tokens + more > 8 * ENGINE_TOKENS) {
            rc = compare_pass(kl, w, c, from, i, &s->arena, err);
            from = i;
            tokens = 0;
        }
        tokens += more;
    }
    if (!rc && *fits && w->n > 0)
        rc = compare_pass(kl, w, c, from, w->n, &s->arena, err);
    for (int64_t i = 0; c && i < w->n; i++)
        conditioning_release(&c[i]);
    mem_free(c);
    return rc;
}

/* ---- candidates --------------------------------------------------------- */

static bool
is_blank(const char *s)
{
    return !s || s[strspn(s, " \t\r\n")] == '\0';
}

/* An input and its answer as a demonstration; an empty answer gives none. */
static int
add_pair(json_t *pool, const struct data_row *row, const char *answer,
         trv_err *err)
{
    const json_t *x = row->prompt     ? row->prompt
                      : row->messages ? row->messages
                                      : NULL;
    json_t *pair;

    if (is_blank(answer))
        return 0;
    pair =
        x ? json_pack("{s:O,s:s}", "prompt", x, "completion", answer)
          : json_pack("{s:s,s:s}", "prompt", row->text, "completion", answer);
    if (!pair) // the answer is no UTF-8: it shows nothing
        return 0;
    return json_array_append_new(pool, pair)
               ? err_nomem(err, "to choose demonstrations")
               : 0;
}

static int
pool_of_params(struct demo_values *v, int64_t n, trv_err *err)
{
    struct demo_witness w = {0};
    int rc = demo_witness_draw(&w, v, v->inputs.train, n, STREAM_POOL, err);

    for (int64_t i = 0; i < n && !rc; i++) {
        struct strbuf text = {0};

        rc = tokenizer_decode(v->job->s->model->tokenizer, &text,
                              w.answers[i].ids, w.answers[i].n, true, err);
        if (!rc)
            rc = add_pair(v->pool, w.rows[i], text.s, err);
        sb_release(&text);
    }
    demo_witness_release(&w);
    return rc;
}

/* The best of several answers to each input, and the best of these. */
static int
pool_of_reward(struct demo_values *v, int64_t n, trv_err *err)
{
    struct prompt_value *list =
        mem_calloc((size_t)(n * DEMO_BEST_OF) + 1, sizeof(*list));
    struct prompt_value **best = mem_calloc((size_t)n + 1, sizeof(*best));
    int64_t kept = 0;
    int rc = list && best ? 0 : err_nomem(err, "to choose demonstrations");

    for (int64_t i = 0; i < n * DEMO_BEST_OF && !rc; i++)
        list[i] =
            (struct prompt_value){.row = v->inputs.train[i / DEMO_BEST_OF],
                                  .stream = STREAM_POOL + (uint64_t)i};
    if (!rc)
        rc = prompt_value_run(list, n * DEMO_BEST_OF, &v->prompt_value,
                              &v->drawn, err);
    v->answers += rc ? 0 : n * DEMO_BEST_OF;
    for (int64_t i = 0; i < n && !rc; i++) {
        struct prompt_value *top = NULL;
        int64_t at = kept;

        for (int64_t j = i * DEMO_BEST_OF; j < (i + 1) * DEMO_BEST_OF; j++)
            if (list[j].fits && !is_blank(list[j].text) &&
                (!top || list[j].reward > top->reward))
                top = &list[j];
        if (!top)
            continue;
        while (at > 0 && top->reward > best[at - 1]->reward)
            at--;
        memmove(best + at + 1, best + at, (size_t)(kept - at) * sizeof(*best));
        best[at] = top;
        kept++;
    }
    for (int64_t i = 0; i < kept && i < DEMO_POOL && !rc; i++)
        rc = add_pair(v->pool, best[i]->row, best[i]->text, err);
    if (list)
        prompt_value_release(list, n * DEMO_BEST_OF);
    mem_free(list);
    mem_free(best);
    return rc;
}

/* The first inputs give candidates; on the others these are evaluated. */
static int
make_pool(struct demo_values *v, trv_err *err)
{
    const int64_t half = (v->inputs.n_train + 1) / 2;
    const int64_t want = demo_values_of_reward(v) ? 2 * DEMO_POOL : DEMO_POOL;
    const int64_t n = want < half ? want : half;
    int rc = demo_values_of_reward(v) ? pool_of_reward(v, n, err)
                                      : pool_of_params(v, n, err);

    v->rows = v->inputs.train + n;
    v->n_rows = v->inputs.n_train - n;
    if (!rc && json_array_size(v->pool) == 0)
        rc = err_fail(err, TRV_EINVAL,
                      "no answer that was drawn can be a demonstration: all "
                      "are empty");
    if (!rc && !demo_values_of_reward(v))
        rc = demo_witness_draw(&v->witness, v, v->rows, v->n_rows, STREAM_VALUE,
                               err);
    return rc;
}

/* ---- values ------------------------------------------------------------- */

/* The demonstrations at[0..k) as a prompt; none: NULL, the base. */
int
demo_values_prompt(struct adaptation **out, const struct demo_values *v,
                   const int64_t *at, int64_t k, trv_err *err)
{
    json_t *list = json_array();
    int rc = list ? 0 : err_nomem(err, "to choose demonstrations");

    *out = NULL;
    for (int64_t i = 0; i < k && !rc; i++)
        if (json_array_append(list, json_array_get(v->pool, (size_t)at[i])))
            rc = err_nomem(err, "to choose demonstrations");
    if (!rc && k > 0)
        rc = adaptation_of_demos(out, list, v->conf, "the choice", err);
    json_decref(list);
    return rc;
}

static int
value_by_params(double *out, struct demo_values *v, struct adaptation *z,
                trv_err *err)
{
    const struct demo_witness *w = &v->witness;
    double *kl = mem_calloc((size_t)w->n + 1, sizeof(*kl)), sum = 0.0;
    int64_t tokens = 0;
    bool fits;
    int rc = kl ? demo_witness_compare(kl, &fits, w, v->job->s, z, err)
                : err_nomem(err, "to choose demonstrations");

    for (int64_t i = 0; i < w->n && !rc; i++) {
        sum += kl[i];
        tokens += w->answers[i].n;
    }
    *out = rc || !fits ? IMPOSSIBLE : -sum / (double)tokens;
    mem_free(kl);
    return rc;
}

static int
value_by_reward(double *out, struct demo_values *v, struct adaptation *z,
                trv_err *err)
{
    const trv_evolve_options *o = &v->job->opts->evolve;
    const int64_t n = v->n_rows * o->answers;
    struct prompt_value *list = mem_calloc((size_t)n + 1, sizeof(*list));
    int rc = list ? 0 : err_nomem(err, "to choose demonstrations");

    for (int64_t i = 0; i < n && !rc; i++)
        list[i] = (struct prompt_value){.z = z,
                                        .row = v->rows[i / o->answers],
                                        .stream = STREAM_VALUE + (uint64_t)i};
    if (!rc)
        rc = prompt_value_run(list, n, &v->prompt_value, &v->drawn, err);
    v->answers += rc ? 0 : n;
    *out = 0.0;
    for (int64_t i = 0; i < n && !rc; i++)
        *out = list[i].fits
                   ? *out + (list[i].reward - v->job->opts->beta * list[i].kl) /
                                (double)n
                   : IMPOSSIBLE;
    if (list)
        prompt_value_release(list, n);
    mem_free(list);
    return rc;
}

static int
remember(struct demo_values *v, const char *key, double value, trv_err *err)
{
    return json_object_set_new(v->memo, key,
                               isfinite(value) ? json_real(value) : json_null())
               ? err_nomem(err, "to choose demonstrations")
               : 0;
}

static int
write_value(const struct demo_values *v, const int64_t *at, int64_t k,
            double value, trv_err *err)
{
    json_t *list = json_array(), *obj;
    struct strbuf b = {0};
    bool bad = false;
    char *line;
    int rc;

    for (int64_t i = 0; i < k && !bad; i++)
        bad = json_array_append_new(list, json_integer((json_int_t)at[i])) != 0;
    obj = json_pack("{s:o,s:o,s:I,s:f}", "at", list, "value",
                    isfinite(value) ? json_real(value) : json_null(), "answers",
                    (json_int_t)v->answers, "drawn", v->drawn);
    line = obj && !bad ? json_dumps(obj, JSON_COMPACT | JSON_REAL_PRECISION(17))
                       : NULL;
    json_decref(obj);
    bad = !line || sb_puts(&b, line) || sb_putc(&b, '\n');
    rc = bad ? err_nomem(err, "to choose demonstrations")
             : journal_append(v->file, b.s, b.len, err);
    free(line);
    sb_release(&b);
    return rc;
}

static void
name_choice(char *key, size_t size, const int64_t *at, int64_t k)
{
    size_t n = 0;

    key[0] = '\0';
    for (int64_t i = 0; i < k && n < size; i++)
        n += (size_t)snprintf(key + n, size - n, "%lld ", (long long)at[i]);
}

int
demo_values_get(void *self, double *out, const int64_t *at, int64_t k,
                trv_err *err)
{
    struct demo_values *v = self;
    struct adaptation *z = NULL;
    char key[8 * GREEDY_SELECT_MAX];
    const json_t *known;
    int rc;

    name_choice(key, sizeof(key), at, k);
    v->looked++;
    known = json_object_get(v->memo, key);
    if (known) {
        *out = json_is_null(known) ? IMPOSSIBLE : json_number_value(known);
        return 0;
    }
    rc = demo_values_prompt(&z, v, at, k, err);
    if (!rc)
        rc = demo_values_of_reward(v) ? value_by_reward(out, v, z, err)
                                      : value_by_params(out, v, z, err);
    if (!rc)
        rc = remember(v, key, *out, err);
    if (!rc && v->file)
        rc = write_value(v, at, k, *out, err);
    if (!rc && !go_on(v))
        rc = err_fail(err, TRV_ECANCELED, "stopped");
    adaptation_free(z);
    return rc;
}

/* One line of a run that was stopped: a value, and what was drawn until then.
 */
static int
take_line(struct demo_values *v, const json_t *obj, trv_err *err)
{
    const json_t *list = json_object_get(obj, "at");
    json_t *value = json_object_get(obj, "value");
    const json_t *answers = json_object_get(obj, "answers");
    const json_t *drawn = json_object_get(obj, "drawn");
    const size_t k = json_array_size(list);
    int64_t at[GREEDY_SELECT_MAX];
    char key[8 * GREEDY_SELECT_MAX];

    if (!json_is_integer(answers) || json_integer_value(answers) < 0 ||
        !json_is_number(drawn) || json_number_value(drawn) < 0)
        return TRV_EFORMAT;
    if (!json_is_array(list) || k > GREEDY_SELECT_MAX ||
        !(json_is_number(value) || json_is_null(value)))
        return TRV_EFORMAT;
    for (size_t i = 0; i < k; i++) {
        const json_t *place = json_array_get(list, i);

        if (!json_is_integer(place) || json_integer_value(place) < 0 ||
            json_integer_value(place) >= DEMO_POOL)
            return TRV_EFORMAT;
        at[i] = (int64_t)json_integer_value(place);
    }
    v->answers = (int64_t)json_integer_value(answers);
    v->drawn = json_number_value(drawn);
    name_choice(key, sizeof(key), at, (int64_t)k);
    return json_object_set(v->memo, key, value)
               ? err_nomem(err, "to choose demonstrations")
               : 0;
}

static int
read_values(struct demo_values *v, trv_err *err)
{
    struct strbuf text = {0};
    size_t from = 0;
    int64_t line = 1;
    int rc;

    if (!v->resume || !v->file || !file_exists(v->file))
        return 0;
    rc = journal_read(&text, v->file, (size_t)1 << 30, err);
    for (size_t i = 0; i < text.len && !rc; i++) {
        json_t *obj = NULL;

        if (text.s[i] != '\n')
            continue;
        rc = json_parse(&obj, v->file, text.s + from, i - from, err);
        if (!rc)
            rc = take_line(v, obj, err);
        if (rc == TRV_EFORMAT)
            rc = err_fail(err, rc,
                          "'%s' line %lld is none of this run: start "
                          "it anew",
                          v->file, (long long)line);
        json_decref(obj);
        from = i + 1;
        line += 2; // each is followed by its sum
    }
    sb_release(&text);
    return rc;
}

/* ---- from the beginning to the end --------------------------------------- */

int
demo_values_open(struct demo_values *v, trv_err *err)
{
    const trv_convert_options *o = v->job->opts;

    v->prompt_value = (struct prompt_value_options){
        .s = v->job->s,
        .reward = demo_values_of_reward(v) ? v->job->from : NULL,
        .max_tokens = o->max_tokens,
        .temperature = o->temperature,
        .kl = o->beta > 0,
        .seed = o->seed,
        .watch = go_on,
        .payload = v};
    v->pool = json_array();
    v->memo = json_object();
    v->conf = json_pack("{s:s}", "template",
                        o->evolve.demos_template ? o->evolve.demos_template
                                                 : TEMPLATE);
    if (!v->pool || !v->memo || !v->conf)
        return err_nomem(err, "to choose demonstrations");
    return search_inputs_open(&v->inputs, v->job, v->work, o->evolve.inputs,
                              o->evolve.held_out, v->prompt_value.max_tokens,
                              err);
}

int
demo_values_begin(struct demo_values *v, trv_err *err)
{
    const int rc = make_pool(v, err);

    return rc ? rc : read_values(v, err);
}

void
demo_values_release(struct demo_values *v)
{
    demo_witness_release(&v->witness);
    search_inputs_release(&v->inputs);
    json_decref(v->conf);
    json_decref(v->pool);
    json_decref(v->memo);
}
