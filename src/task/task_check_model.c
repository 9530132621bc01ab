/* task_check_model.c -- what a model makes of a task: does all of it fit, and do
 * the metric and the prompt say anything? Files are written as a run writes
 * them, into a folder that goes away again.
 */
#include "task/task_check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapt/view.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "measure/measure.h"
#include "measure/score.h"
#include "text/example.h"

struct look {
    trv_task_report *out;
    struct session *s;
    struct task *t;
    const trv_task_options *opts;
    trv_progress_fn progress;
    void *payload;
    trv_err *err;
    struct adaptation *prompt; // NULL: the task has none
};

/* ---- lengths ------------------------------------------------------------- */

/* Tokens of a row: of its context under the prompt, and of its own answer. */
struct length {
    int64_t context, answer; // answer 0: there is none
};

static int
measure_row(const struct look *l, struct length *out, const json_t *row)
{
    struct text_rules rules = model_text_rules(l->s->model);
    json_t *copy = json_deep_copy(row);
    const json_t *answer;
    struct data_row as = {0};
    struct example e = {0};
    struct ids ids = {0};
    int rc = copy ? data_row_set(&as, copy, l->err)
                  : err_nomem(l->err, "to check a task");

    *out = (struct length){0};
    if (!rc)
        rc = view_conditioning(&ids, l->s->model, l->prompt, &as, l->err);
    out->context = ids.n;
    answer = json_object_get(copy, "completion");
    if (!rc && answer)
        rc = example_context(&e, &rules, &as, NULL, NULL, l->err);
    if (!rc && answer)
        rc = example_append(&e, &rules, &as, answer, l->err);
    if (!rc && answer)
        out->answer = e.ids.n - e.n_context;
    example_release(&e);
    ids_release(&ids);
    json_decref(copy);
    return rc;
}

static int
check_lengths(struct look *l, enum task_split which)
{
    const int64_t room = l->s->model->cfg.context, want = l->t->max_tokens;
    const json_t *rows = l->t->sets[which].list, *row;
    int64_t over = 0, cut = 0, longest = 0, answer = 0;
    struct length n;
    size_t i;
    int rc = 0;

    json_array_foreach(rows, i, row)
    {
        rc = measure_row(l, &n, row);
        if (rc)
            return rc;
        over += n.context + want > room;
        cut += n.answer > want;
        longest = n.context > longest ? n.context : longest;
        answer = n.answer > answer ? n.answer : answer;
    }
    if (over)
        rc = task_problem(
            l->out, l->err, 2 * over > l->t->rows[which],
            "%lld of %lld rows of %s do not fit the model's context of %lld "
            "tokens: prompt and row take up to %lld, and max_tokens %lld",
            (long long)over, (long long)l->t->rows[which],
            task_split_name(which), (long long)room, (long long)longest,
            (long long)want);
    if (!rc && cut && which != SPLIT_TRAIN) // which is read whole
        rc = task_problem(
            l->out, l->err, l->t->is_greedy && 2 * cut > l->t->rows[which],
            "%lld of %lld answers of %s are longer than "
            "max_tokens, %lld; the longest has %lld tokens",
            (long long)cut, (long long)l->t->rows[which],
            task_split_name(which), (long long)want, (long long)answer);
    return rc;
}

/* ---- the metric ---------------------------------------------------------- */

#define INPUTS 32 // which a share is then known to 0.09 by

static int32_t
inputs_of(const struct look *l)
{
    return l->opts->max_inputs ? l->opts->max_inputs : INPUTS;
}

/* What base and prompt get of a reward. */
static int
measure_reward(struct look *l, struct adaptation *base, const char *spec)
{
    const trv_measure_options o = {.version = 1,
                                   .inputs = l->t->file[SPLIT_HELDOUT],
                                   .max_inputs = inputs_of(l),
                                   .max_tokens = l->t->max_tokens,
                                   .figures = "task",
                                   .temperature = l->t->is_greedy ? 0.0 : 1.0,
                                   .budget = "none"};
    struct adaptation *reward = NULL;
    trv_measurement m = {0};
    int rc = adaptation_open(&reward, l->s->model, NULL, spec, false, l->err);

    if (!rc)
        rc = measure_run(l->s, &m, NULL, l->prompt ? l->prompt : base, NULL,
                         false, reward, &o, l->progress, l->payload, l->err);
    if (!rc) {
        l->out->base = m.task_base;
        if (l->prompt) {
            l->out->prompt = m.task_source;
            l->out->gain = m.task_gain;
        }
    }
    measure_release(&m);
    adaptation_free(reward);
    return rc;
}

/* The share of pairs that base and prompt rank as labelled. */
static int
measure_pairs(struct look *l, struct adaptation *base)
{
    const trv_score_options o = {.version = 1,
                                 .data = l->t->file[SPLIT_PAIRS],
                                 .max_rows = inputs_of(l)};
    trv_scores scores = {0};
    int rc =
        score_run(l->s, &scores, base, &o, l->progress, l->payload, l->err);

    l->out->base = scores.accuracy;
    score_release(&scores);
    if (rc || !l->prompt)
        return rc;
    rc = score_run(l->s, &scores, l->prompt, &o, l->progress, l->payload,
                   l->err);
    l->out->prompt = scores.accuracy;
    score_release(&scores);
    return rc;
}

/* Is there something to gain, and does the prompt gain it? */
static int
judge_metric(struct look *l)
{
    const trv_figure *base = &l->out->base, *prompt = &l->out->prompt;
    const bool bounded = l->t->measures != METRIC_REWARD ||
                         l->t->kinds[FORM_REWARD] == KIND_VERIFIER;
    int rc = 0;

    if (bounded && base->n && base->mean > 0.95 &&
        l->t->measures != METRIC_PAIRS)
        rc = task_problem(l->out, l->err, false,
                          "the base gets %.3g of the metric already, so there "
                          "is next to nothing to gain",
                          base->mean);
    if (!rc && base->n && prompt->n && prompt->mean <= base->mean)
        rc = task_problem(l->out, l->err, false,
                          "the prompt does not help: the metric is %.3g with "
                          "it and %.3g without, over %lld inputs",
                          prompt->mean, base->mean, (long long)prompt->n);
    return rc;
}

/* ---- files that go away again -------------------------------------------- */

static int
begin_folder(char **dir, trv_err *err)
{
    const char *tmp = getenv("TMPDIR");
    struct strbuf b = {0};

    *dir = NULL;
    if (sb_printf(&b, "%s/trivium-task-XXXXXX", tmp && *tmp ? tmp : "/tmp"))
        return err_nomem(err, "to check a task");
    if (!mkdtemp(b.s)) {
        const int rc =
            err_fail(err, TRV_EIO, "cannot make the folder '%s'", b.s);

        sb_release(&b);
        return rc;
    }
    *dir = sb_take(&b);
    return 0;
}

static void
remove_file(const char *dir, const char *name)
{
    char *path = path_join(dir, name);

    if (path)
        unlink(path);
    mem_free(path);
}

static void
end_folder(char *dir)
{
    static const char *const prompts[] = {"prompt.json", "prompt.txt",
                                          "prompt.jsonl"};

    if (!dir)
        return;
    for (int s = 0; s < SPLIT_COUNT; s++) {
        char name[40];

        snprintf(name, sizeof(name), "%s.jsonl",
                 task_split_name((enum task_split)s));
        remove_file(dir, name);
    }
    for (size_t i = 0; i < sizeof(prompts) / sizeof(*prompts); i++)
        remove_file(dir, prompts[i]);
    rmdir(dir);
    mem_free(dir);
}

/* ---- the whole ----------------------------------------------------------- */

static int
check_metric(struct look *l)
{
    struct adaptation *base = NULL;
    int rc;

    if (l->out->useless || (l->t->runs && !l->opts->run_programs))
        return 0;
    rc = adaptation_open(&base, l->s->model, NULL, "base", false, l->err);
    if (!rc)
        rc = l->t->measures == METRIC_PAIRS
                 ? measure_pairs(l, base)
                 : measure_reward(l, base, l->t->metric);
    adaptation_free(base);
    return rc ? rc : judge_metric(l);
}

/* What was found out of one part that failed is a problem; the rest goes on. */
static int
as_problem(struct look *l, int rc, const trv_err *why)
{
    if (rc == TRV_ENOMEM || rc == TRV_ECANCELED)
        return err_fail(l->err, rc, "%s", why->msg);
    return rc ? task_problem(l->out, l->err, true, "%s", why->msg) : 0;
}

static int
check_written(struct look *l)
{
    const struct task *t = l->t;
    trv_err why = {0}, *err = l->err;
    int rc = 0;

    l->err = &why;
    if (t->source[FORM_PROMPT])
        rc = adaptation_open(&l->prompt, l->s->model, NULL,
                             t->source[FORM_PROMPT], false, &why);
    for (int s = 0; s <= SPLIT_UNSEEN && !rc; s++)
        rc = check_lengths(l, (enum task_split)s);
    if (!rc)
        rc = check_metric(l);
    l->err = err;
    adaptation_free(l->prompt);
    return as_problem(l, rc, &why);
}

int
task_check_model(trv_task_report *out, struct session *s, struct task *t,
                 const trv_task_options *opts, trv_progress_fn progress,
                 void *payload, trv_err *err)
{
    struct look l = {.out = out,
                     .s = s,
                     .t = t,
                     .opts = opts,
                     .progress = progress,
                     .payload = payload,
                     .err = err};
    const enum text_layout layout = s->model->layout;
    char *dir = NULL;
    int rc;

    if (t->layout && strcmp(t->layout, "chat") == 0 && !model_is_chat(s->model))
        return task_problem(out, err, true,
                            "layout is chat, and '%s' has no chat template in "
                            "use",
                            s->model->path);
    rc = begin_folder(&dir, err);
    if (!rc)
        rc = task_write(t, dir, err);
    if (t->layout && strcmp(t->layout, "raw") == 0)
        s->model->layout = TEXT_RAW;
    if (!rc)
        rc = check_written(&l);
    s->model->layout = layout;
    end_folder(dir);
    return rc;
}
