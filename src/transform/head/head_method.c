/* head_method.c -- plan, run and result of learning a scalar head.
 *
 * Everything on the way lies in OUT.run:
 *   run.json, checkpoint.safetensors, metrics.jsonl   of learn/
 *   answers.jsonl, against.jsonl                      whole blocks of answers
 *   memo.jsonl                                        inputs, scores
 */
#include "transform/head/head_method.h"

#include <math.h>
#include <string.h>

#include "adapt/fingerprint.h"
#include "learn/options.h"
#include "learn/head_run.h"

#define FELLOWS 2                          // answers of a side to one input
#define HELD_OUT 10                        // one input of so many
#define AGAINST_SEED 0x616761696e737400ull // its answers are drawn apart

enum { PLUS, MINUS, SIDES };
static const char *const kept[SIDES] = {"answers.jsonl", "against.jsonl"};

struct plan {
    const struct convert_job *job;
    bool match;                     // regress
    bool ranked;                    // by the scores of both sides
    struct adaptation *side[SIDES]; // MINUS NULL: the base
    struct adaptation *against;     // owned; NULL: the base
    int64_t pairs, max_tokens;
    double beta;
    trv_learn_options learn; // every zero replaced
    struct work w;           // it keeps answers.jsonl
    /* what is made on the way */
    struct inputs in;
    struct answers answers[SIDES];
    struct pair_rows rows, held_out;
};

/* ---- the plan ----------------------------------------------------------- */

static int
plan_sides(struct plan *p, trv_err *err)
{
    const struct convert_job *job = p->job;
    const char *against = job->opts->against;
    int rc = 0;

    p->side[PLUS] = job->from;
    if (!against || strcmp(against, "base") == 0)
        return 0;
    rc = adaptation_open(&p->against, job->s->model,
                         job->s->identified ? &job->s->id : NULL, against,
                         false, err);
    if (!rc)
        job_log_notes(job, p->against);
    if (!rc && p->against->form != FORM_PROMPT)
        rc = err_fail(err, TRV_EINVAL,
                      "a prompt is compared with another, and '%.200s' is %s",
                      against, form_name(p->against->form));
    if (!rc)
        rc = view_ready(p->against, job->s->be, err);
    p->side[MINUS] = p->against;
    return rc;
}

/* The options for trivium.json and the fingerprint. */
static int
options_to_json(struct plan *p, trv_err *err)
{
    const trv_convert_options *o = p->job->opts;
    int rc;

    p->w.options = json_pack(
        "{s:I,s:I,s:f,s:f,s:s*}", "samples", (json_int_t)(2 * p->pairs),
        "max_tokens", (json_int_t)p->max_tokens, "temperature", o->temperature,
        "beta", p->beta, "against", p->against ? p->against->spec : NULL);
    if (!p->w.options)
        return err_nomem(err, "to learn a reward");
    rc = options_lora_to_json(p->w.options, &o->lora, err);
    return rc ? rc : options_learn_to_json(p->w.options, &p->learn, err);
}

static int
plan_make(struct plan *p, trv_err *err)
{
    const struct convert_job *job = p->job;
    const trv_convert_options *o = job->opts;
    int rc = plan_sides(p, err);

    p->match = job->method->variant == HEAD_REGRESS;
    p->ranked = p->match || job->from->form == FORM_PARAMS;
    if (rc)
        return rc;
    p->learn = o->learn;
    rc = options_complete(
        &p->learn,
        &(struct learn_defaults){.lr = head_run_lr(&job->s->model->cfg, false),
                                 .rows = "pairs"},
        err);
    if (rc)
        return rc;
    if (o->samples == 1)
        return err_fail(err, TRV_EINVAL, "a pair is two samples, not 1");
    p->pairs = o->samples / 2;
    p->max_tokens = o->max_tokens;
    p->beta = o->beta;
    rc = job_begin(&p->w, job, kept[PLUS], err);
    return rc ? rc : options_to_json(p, err);
}

static void
plan_release(struct plan *p)
{
    for (int k = 0; k < SIDES; k++)
        answers_release(&p->answers[k]);
    pair_rows_release(&p->rows);
    pair_rows_release(&p->held_out);
    inputs_release(&p->in);
    adaptation_free(p->against);
    work_release(&p->w);
}

static int
write_run(struct plan *p, trv_err *err)
{
    char minus[HASH_HEX];
    const int rc = source_hash(minus, p->side[MINUS], err);

    return rc ? rc
              : job_write_run(&p->w, p->job, p->job->method->info.name, &p->in,
                              json_pack("{s:s}", "against", minus), err);
}

/* ---- answers ------------------------------------------------------------ */

/* Keep only the contexts of inputs that both sides have: there are fewer where
 * a prompt is long. Both lists are in the order of the inputs. */
static void
keep_common(struct answers *a, const struct answers *b)
{
    int64_t n = 0, j = 0;

    for (int64_t i = 0; i < a->n_contexts; i++) {
        while (j < b->n_contexts && b->contexts[j].input < a->contexts[i].input)
            j++;
        if (j < b->n_contexts && b->contexts[j].input == a->contexts[i].input) {
            const struct paired_row both = a->contexts[i];

            a->contexts[i] = a->contexts[n];
            a->contexts[n++] = both;
        }
    }
    for (int64_t i = n; i < a->n_contexts; i++) {
        conditioning_release(&a->contexts[i].teacher);
        ids_release(&a->contexts[i].student);
        a->n_dropped++;
    }
    a->n_contexts = n;
}

static int
open_contexts(struct plan *p, trv_err *err)
{
    const struct convert_job *job = p->job;
    int rc = job_inputs(&p->in, job, &p->w, job->opts->inputs, p->pairs, err);

    for (int k = 0; k < SIDES && !rc; k++)
        rc = answers_contexts(&p->answers[k], job->s, p->side[k], NULL, &p->in,
                              p->max_tokens, err);
    if (rc)
        return rc;
    keep_common(&p->answers[PLUS], &p->answers[MINUS]);
    keep_common(&p->answers[MINUS], &p->answers[PLUS]);
    if (p->answers[PLUS].n_contexts == 0)
        return err_fail(err, TRV_ETOOLONG,
                        "no input of '%s' leaves room for %lld answer tokens "
                        "on both sides",
                        p->in.data.path, (long long)p->max_tokens);
    job_log_dropped(job, p->answers[PLUS].n_dropped, p->in.data.n, 0,
                    p->max_tokens);
    return 0;
}

static int
draw(struct plan *p, int k, trv_err *err)
{
    const trv_convert_options *o = p->job->opts;
    char *file = path_join(p->w.place.dir, kept[k]);
    int rc = file ? 0 : err_nomem(err, "to learn a reward");

    if (!rc)
        rc = job_draw(&p->answers[k], &p->w,
                      (struct answers_options){
                          .samples = p->pairs,
                          .max_tokens = p->max_tokens,
                          .group = p->ranked ? FELLOWS : 1,
                          .temperature = o->temperature,
                          .seed = k == PLUS ? o->seed : o->seed ^ AGAINST_SEED,
                          .file = file,
                          .teacher = p->side[k]},
                      err);
    mem_free(file);
    return rc;
}

/* ---- pairs -------------------------------------------------------------- */

static bool
is_same(const struct answer *a, const struct answer *b)
{
    return a->n == b->n &&
           memcmp(a->ids, b->ids, (size_t)a->n * sizeof(*a->ids)) == 0;
}

/* score [2 pairs] = log p+ - log p- of all answers, side by side. */
static int
score_answers(double *score, struct plan *p, trv_err *err)
{
    const struct convert_job *job = p->job;
    const struct reward_watch watch = work_watch(&p->w, "scoring");
    struct reward r = {
        .beta = p->beta, .plus = p->side[PLUS], .minus = p->side[MINUS]};
    struct adaptation contrast = {.form = FORM_REWARD,
                                  .kind = KIND_CONTRAST,
                                  .spec = job->from->spec,
                                  .reward = &r};
    struct reward_item *items =
        mem_calloc((size_t)(2 * p->pairs), sizeof(*items));
    int rc = items ? 0 : err_nomem(err, "to learn a reward");

    for (int64_t i = 0; i < 2 * p->pairs && !rc; i++) {
        const struct answers *from = &p->answers[i % 2];
        const struct answer *y = &from->list[i / 2];

        items[i] = (struct reward_item){
            .row = &p->in.data.rows[from->contexts[y->context].input],
            .ids = y->ids,
            .n_ids = y->n};
    }
    if (!rc)
        rc = reward_score(job->s, &contrast, score, NULL, items, 2 * p->pairs,
                          &watch, err);
    mem_free(items);
    return work_stopped(&p->w, rc, "while scoring", err);
}

/* Answer i of a side, and its score. */
struct scored {
    const struct answer *y;
    double score;
};

static struct scored
scored_of(const struct plan *p, int side, int64_t i, const double *score)
{
    return (struct scored){&p->answers[side].list[i],
                           score ? score[2 * i + side] : (double)NAN};
}

static bool
holds_out(const struct plan *p, int64_t context, int64_t i)
{
    if (p->answers[PLUS].n_contexts < HELD_OUT)
        return i % HELD_OUT == HELD_OUT - 1;
    return context % HELD_OUT == HELD_OUT - 1;
}

/* The i-th answers as a pair, unless both answers or both scores are equal.
 * Where the scores are known the higher is chosen, else the first. */
static int
add_pair(struct plan *p, int64_t i, struct scored chosen,
         struct scored rejected, trv_err *err)
{
    const int64_t context = chosen.y->context;
    const struct ids *x = &p->answers[PLUS].contexts[context].student;
    const struct scored first = chosen;
    struct ids row[SIDES] = {0};
    int rc = 0;

    if (is_same(chosen.y, rejected.y) || chosen.score == rejected.score)
        return 0;
    if (chosen.score < rejected.score) {
        chosen = rejected;
        rejected = first;
    }
    for (int k = 0; k < SIDES && !rc; k++) {
        const struct answer *y = (k == CHOSEN ? chosen : rejected).y;

        if (ids_append(&row[k], x->v, x->n) ||
            ids_append(&row[k], y->ids, y->n))
            rc = err_nomem(err, "to learn a reward");
    }
    if (!rc)
        rc = pair_rows_add(holds_out(p, context, i) ? &p->held_out : &p->rows,
                           &row[CHOSEN], &row[REJECTED],
                           chosen.score - rejected.score, err);
    for (int k = 0; k < SIDES; k++)
        ids_release(&row[k]);
    return rc;
}

/* The pairs of the i-th answers: one side against the other, and where scores
 * rank them two answers of the same side. Without the latter a reward only
 * learns to distinguish the sides. */
static int
add_pairs(struct plan *p, int64_t i, const double *score, trv_err *err)
{
    int rc = add_pair(p, i, scored_of(p, PLUS, i, score),
                      scored_of(p, MINUS, i, score), err);

    for (int k = 0; k < SIDES && score && i % FELLOWS && !rc; k++)
        rc = add_pair(p, i, scored_of(p, k, i - 1, score),
                      scored_of(p, k, i, score), err);
    return rc;
}

static int
make_pairs(struct plan *p, trv_err *err)
{
    const int64_t most = p->ranked ? FELLOWS * p->pairs : p->pairs;
    double *score =
        p->ranked ? mem_calloc((size_t)(2 * p->pairs), sizeof(*score)) : NULL;
    int rc = p->ranked && !score ? err_nomem(err, "to learn a reward") : 0;

    if (!rc && p->ranked)
        rc = score_answers(score, p, err);
    if (!rc)
        rc = pair_rows_begin(&p->rows, most, err);
    if (!rc)
        rc = pair_rows_begin(&p->held_out, most, err);
    for (int64_t i = 0; i < p->pairs && !rc; i++)
        rc = add_pairs(p, i, score, err);
    if (!rc && p->rows.n == 0)
        rc = err_fail(err, TRV_EINVAL,
                      "there is nothing to learn: both sides gave the same "
                      "answers to all %lld inputs",
                      (long long)p->answers[PLUS].n_contexts);
    mem_free(score);
    return rc;
}

/* ---- the run ------------------------------------------------------------ */

static int
save(struct plan *p, const struct head_run *r, trv_err *err)
{
    const struct artefact_step step = {.edge = p->job->edge,
                                       .method = p->job->method->info.name,
                                       .data = p->in.data.hash};
    const int rc = work_begin_manifest(
        &p->w, KIND_HEAD, p->job->from, &step,
        json_pack("{s:I,s:I,s:I,s:f}", "steps", (json_int_t)r->result.steps,
                  "answers", (json_int_t)(2 * p->pairs), "pairs",
                  (json_int_t)p->rows.n, "tokens", r->result.tokens),
        err);

    return rc ? rc : head_run_save(&p->w, r, DT_F32, err);
}

/* With the output locked: contexts, answers of both sides, pairs. */
static int
prepare(struct plan *p, trv_err *err)
{
    int rc = open_contexts(p, err);

    if (!rc)
        rc = write_run(p, err);
    for (int k = 0; k < SIDES && !rc; k++)
        rc = draw(p, k, err);
    return rc ? rc : make_pairs(p, err);
}

static void
tell(const struct plan *p, const struct head_run *r)
{
    char line[200];

    if (p->held_out.n == 0)
        return;
    head_run_summary(line, sizeof(line), r);
    job_log(p->job, "%s", line);
    if (r->held_out.accuracy < 0.6)
        job_log(p->job, "warning: the reward hardly separates held-out "
                        "pairs");
}

int
head_method(const struct convert_job *job, trv_cost *cost, trv_err *err)
{
    struct plan p = {.job = job};
    struct head_run_plan how = {.w = &p.w,
                                .rows = &p.rows,
                                .held_out = &p.held_out,
                                .lora = &job->opts->lora,
                                .learn = &p.learn};
    struct head_run r = {0};
    int rc = plan_make(&p, err);

    if (!rc)
        rc = head_run_begin(&r, &how, err);
    if (!rc)
        rc = work_lock(&p.w, err);
    if (!rc)
        rc = prepare(&p, err);
    how.match = p.match;
    if (!rc)
        rc = head_run_train(&r, err);
    if (!rc)
        rc = save(&p, &r, err);
    if (!rc)
        tell(&p, &r);
    work_end(&p.w, rc, cost);
    if (!rc) {
        cost->final_loss = r.result.mean_loss;
        cost->steps = r.result.steps;
        cost->samples = 2 * p.pairs;
        cost->pairs = p.rows.n;
        cost->held_out = p.held_out.n;
        cost->accuracy = r.held_out.accuracy;
    }
    head_run_release(&r);
    plan_release(&p);
    return rc;
}
