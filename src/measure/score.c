/* score.c -- from a file of answers to their scores. */
#include "measure/score.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "measure/stats.h"
#include "text/row_layout.h"

struct scoring {
    struct session *s;
    struct adaptation *a;
    const trv_score_options *opts;
    trv_progress_fn progress;
    void *payload;
    double began, tokens;
    struct data data;
    int64_t n_rows, n; // rows taken; answers of all
    bool is_text;      // rows of text: log-probabilities
    trv_scores *out;
    struct reward_item *items; // [n]; they borrow from out and data
    double *score, **token;
};

/* ---- rows --------------------------------------------------------------- */

/* The words of an answer: a string, or the last message's content. */
static int
take_text(trv_scored_answer *y, const json_t *answer, trv_err *err)
{
    const size_t n = json_array_size(answer);

    if (n > 0)
        answer = json_object_get(json_array_get(answer, n - 1), "content");
    y->n = json_string_length(answer);
    y->text = mem_strndup(y->n ? json_string_value(answer) : "", y->n);
    return y->text ? 0 : err_nomem(err, "to score answers");
}

static int
take_ids(trv_scored_answer *y, const struct example *e, trv_err *err)
{
    const int64_t n = e->ids.n - e->n_context;

    y->ids = mem_array((size_t)n + 1, sizeof(*y->ids));
    if (!y->ids)
        return err_nomem(err, "to score answers");
    memcpy(y->ids, e->ids.v + e->n_context, (size_t)n * sizeof(*y->ids));
    y->n_tokens = n;
    return 0;
}

/* All of a row of text is its answer, to an input of no words: the tokens that
 * the tokenizer makes of it, less the BOS that it begins with. */
static int
take_text_row(struct scoring *sc, struct example *e, trv_scored_row *out,
              struct data_row *row, trv_err *err)
{
    const struct text_rules rules = model_text_rules(sc->s->model);
    const json_t *text = json_object_get(row->json, "text");
    json_t *empty;
    int rc = example_context(e, &rules, row, NULL, NULL, err);

    if (rc)
        return rc;
    e->n_context =
        e->ids.n > 0 && e->ids.v[0] == tokenizer_bos(rules.tokenizer);
    out->text = true;
    out->line = row->line;
    rc = take_ids(&out->answer, e, err);
    if (!rc)
        rc = take_text(&out->answer, text, err);
    empty = rc ? NULL : json_pack("{s:s}", "text", "");
    if (!rc && !empty)
        rc = err_nomem(err, "to score answers");
    if (!rc) {
        json_decref(row->json);
        row->json = empty;
        rc = data_row_set(row, empty, err);
    }
    return rc;
}

/* Tokens and words of a row's answer, or of its pair. */
static int
take_row(struct scoring *sc, struct example *e, trv_scored_row *out,
         struct data_row *row, trv_err *err)
{
    struct text_rules rules = model_text_rules(sc->s->model);
    const size_t n = json_array_size(row->messages);
    int rc = example_context(e, &rules, row, NULL, NULL, err);

    rules.no_end = sc->opts->no_eos;
    out->line = row->line;
    out->pair = row->chosen != NULL;
    if (rc)
        return rc;
    if (out->pair) {
        rc = example_append(e, &rules, row, row->chosen, err);
        if (!rc)
            rc = take_ids(&out->answer, e, err);
        if (!rc)
            rc = take_text(&out->answer, row->chosen, err);
        if (!rc)
            rc = example_append(e, &rules, row, row->rejected, err);
        if (!rc)
            rc = take_ids(&out->rejected, e, err);
        return rc ? rc : take_text(&out->rejected, row->rejected, err);
    }
    rc = example_answer(e, &rules, row, err);
    if (!rc)
        rc = take_ids(&out->answer, e, err);
    if (rc)
        return rc;
    if (row->prompt)
        return take_text(&out->answer, row->completion, err);
    return take_text(
        &out->answer,
        json_object_get(json_array_get(row->messages, n - 1), "content"), err);
}

static bool
is_text(const struct data_row *row)
{
    return row->text && !row->prompt && !row->messages && !row->chosen &&
           !row->completion;
}

/* Rows of text have no answer that a reward could judge, and what is asked of
 * them is the log-probability itself. */
static int
check_text(struct scoring *sc, trv_err *err)
{
    int64_t n = 0;

    for (int64_t i = 0; i < sc->n_rows; i++)
        n += is_text(&sc->data.rows[i]);
    if (n == 0)
        return 0;
    if (sc->a && sc->a->form == FORM_REWARD)
        return data_row_fail(&sc->data.rows[0], err, TRV_EINVAL,
                             "a row of text has no answer for a reward: give "
                             "`prompt` and `completion`");
    if (n < sc->n_rows)
        return err_fail(err, TRV_EINVAL,
                        "'%s' mixes rows of text with answers to prompts: "
                        "score them apart",
                        sc->opts->data);
    sc->is_text = true;
    return 0;
}

static int
open_rows(struct scoring *sc, trv_err *err)
{
    const int32_t most = sc->opts->max_rows;
    const struct text_rules rules = model_text_rules(sc->s->model);
    struct row_layout layout;
    struct example e = {0};
    int rc = data_open(&sc->data, sc->opts->data, err);

    if (rc)
        return rc;
    sc->out->unused = sc->data.unused;
    sc->data.unused = NULL;
    sc->n_rows = most > 0 && sc->data.n > most ? most : sc->data.n;
    rc = check_text(sc, err);
    if (rc)
        return rc;
    sc->out->rows = mem_calloc((size_t)sc->n_rows, sizeof(*sc->out->rows));
    if (!sc->out->rows)
        return err_nomem(err, "to score answers");
    sc->out->n = sc->n_rows; // from here on they are released with it
    row_layout_of(&layout, &rules, sc->data.rows, sc->n_rows,
                  adaptation_has_text(sc->a));
    if (sc->opts->on_message)
        sc->opts->on_message(layout.line, sc->opts->message_payload);
    for (int64_t i = 0; i < sc->n_rows && !rc; i++) {
        rc = (is_text(&sc->data.rows[i]) ? take_text_row : take_row)(
            sc, &e, &sc->out->rows[i], &sc->data.rows[i], err);
        sc->out->joined += e.joined;
        sc->n += rc ? 0 : 1 + sc->out->rows[i].pair;
    }
    example_release(&e);
    return rc;
}

/* ---- scores ------------------------------------------------------------- */

static void
add_item(struct scoring *sc, int64_t *at, trv_scored_answer *y, int64_t row)
{
    const struct data_row *x = &sc->data.rows[row];

    sc->items[*at] = (struct reward_item){.row = x,
                                          .text = y->text,
                                          .n_text = y->n,
                                          .ids = y->ids,
                                          .n_ids = y->n_tokens,
                                          .own = !x->chosen};
    if (sc->token)
        sc->token[*at] = y->token_scores;
    ++*at;
}

static bool
on_progress(void *payload, int64_t done, int64_t total)
{
    const struct scoring *sc = payload;
    const struct decoder *d = sc->s->decoder;
    const trv_progress p = {.stage = "scoring",
                            .done = done,
                            .total = total,
                            .unit = "answers",
                            .tokens = d ? d->tokens - sc->tokens : 0.0,
                            .loss = (double)NAN,
                            .seconds = clock_now() - sc->began};

    return !sc->progress || sc->progress(&p, sc->payload);
}

static int
score_items(struct scoring *sc, trv_err *err)
{
    const struct reward_watch watch = {.progress = on_progress, .payload = sc};
    int64_t at = 0;

    sc->items = mem_calloc((size_t)sc->n, sizeof(*sc->items));
    sc->score = mem_calloc((size_t)sc->n, sizeof(*sc->score));
    if (sc->opts->tokens)
        sc->token = mem_calloc((size_t)sc->n, sizeof(*sc->token));
    if (!sc->items || !sc->score || (sc->opts->tokens && !sc->token))
        return err_nomem(err, "to score answers");
    for (int64_t i = 0; i < sc->n_rows; i++) {
        trv_scored_row *r = &sc->out->rows[i];
        trv_scored_answer *const both[2] = {&r->answer, &r->rejected};

        for (int k = 0; k < 1 + r->pair; k++) {
            if (sc->token) {
                both[k]->token_scores =
                    mem_calloc((size_t)both[k]->n_tokens + 1, sizeof(double));
                if (!both[k]->token_scores)
                    return err_nomem(err, "to score answers");
            }
            add_item(sc, &at, both[k], i);
        }
    }
    return (sc->opts->logp || sc->is_text ? reward_logp : reward_score)(
        sc->s, sc->a, sc->score, sc->token, sc->items, sc->n, &watch, err);
}

static double
deviation(const double *x, int64_t n)
{
    const double mean = stats_mean(x, n).mean;
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return n > 1 ? sqrt(sum / (double)(n - 1)) : (double)NAN;
}

/* Store the scores in the result, with their statistics. */
static int
summarise(struct scoring *sc, trv_err *err)
{
    trv_scores *out = sc->out;
    double *x = mem_calloc((size_t)sc->n_rows * 4, sizeof(*x));
    double *chosen = x, *rejected = x + sc->n_rows,
           *margin = x + 2 * sc->n_rows, *right = x + 3 * sc->n_rows;
    int64_t at = 0, pairs = 0;

    if (!x)
        return err_nomem(err, "to score answers");
    for (int64_t i = 0; i < sc->n_rows; i++) {
        trv_scored_row *r = &out->rows[i];

        r->answer.score = sc->score[at++];
        if (r->text) {
            out->text_rows++;
            out->text_logp += r->answer.score;
            out->text_tokens += r->answer.n_tokens;
            out->text_bytes += (int64_t)r->answer.n;
        }
        if (!r->pair)
            continue;
        r->rejected.score = sc->score[at++];
        chosen[pairs] = r->answer.score;
        rejected[pairs] = r->rejected.score;
        margin[pairs] = chosen[pairs] - rejected[pairs];
        right[pairs] = margin[pairs] > 0 ? 1.0 : margin[pairs] < 0 ? 0.0 : 0.5;
        pairs++;
    }
    out->score = stats_mean(sc->score, sc->n);
    out->deviation = deviation(sc->score, sc->n);
    if (pairs > 0) {
        out->chosen = stats_mean(chosen, pairs);
        out->rejected = stats_mean(rejected, pairs);
        out->margin = stats_mean(margin, pairs);
        out->accuracy = stats_bounded(right, pairs, 0.0, 1.0);
    }
    mem_free(x);
    return 0;
}

static int
check_options(const trv_score_options *opts, const struct adaptation *a,
              trv_err *err)
{
    if (opts->version != 1)
        return err_fail(err, TRV_EINVAL, "score options have version %u, not 1",
                        opts->version);
    if (!opts->data)
        return err_fail(err, TRV_EINVAL, "there is no data to score");
    if (opts->max_rows < 0)
        return err_option(err, TRV_ERANGE, "max-rows", "is %d, below 0",
                          opts->max_rows);
    if (opts->tokens && !reward_has_tokens(a))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "a reward of kind '%s' has no value for each token",
                        kind_name(a->kind));
    if (opts->no_eos && !reward_has_tokens(a))
        return err_option(err, TRV_EUNSUPPORTED, "no-eos",
                          "is of log-probabilities, and a reward of kind '%s' "
                          "gives none",
                          kind_name(a->kind));
    if (opts->logp && a && a->form == FORM_REWARD)
        return err_option(err, TRV_EUNSUPPORTED, "logp",
                          "is of parameters and prompts, and '%s' is a reward",
                          kind_name(a->kind));
    return 0;
}

int
score_run(struct session *s, trv_scores *out, struct adaptation *a,
          const trv_score_options *opts, trv_progress_fn progress,
          void *payload, trv_err *err)
{
    struct scoring sc = {.s = s,
                         .a = a,
                         .opts = opts,
                         .progress = progress,
                         .payload = payload,
                         .began = clock_now(),
                         .tokens = s->decoder ? s->decoder->tokens : 0.0,
                         .out = out};
    int rc = check_options(opts, a, err);

    *out = (trv_scores){0};
    if (rc)
        return rc;
    rc = open_rows(&sc, err);
    if (!rc)
        rc = score_items(&sc, err);
    if (!rc)
        rc = summarise(&sc, err);
    out->seconds = clock_now() - sc.began;
    mem_free(sc.items);
    mem_free(sc.score);
    mem_free(sc.token);
    data_release(&sc.data);
    if (rc)
        score_release(out);
    return rc;
}

void
score_release(trv_scores *s)
{
    for (int64_t i = 0; i < s->n; i++) {
        trv_scored_answer *const both[2] = {&s->rows[i].answer,
                                            &s->rows[i].rejected};

        for (int k = 0; k < 2; k++) {
            mem_free(both[k]->text);
            mem_free(both[k]->ids);
            mem_free(both[k]->token_scores);
        }
    }
    mem_free(s->rows);
    mem_free(s->unused);
    *s = (trv_scores){0};
}
