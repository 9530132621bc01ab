/* node_measure.c -- measurements of a node, as fields of its row. */
#include "triangle/node_measure.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "learn/cost_plan.h"
#include "measure/measure.h"
#include "measure/score.h"
#include "triangle/verdict.h"

#define EXAMPLES 4

/* A source against itself draws with other random numbers than all else. */
#define FLOOR_SEED 1000003

/* A node as it is measured. */
struct look {
    const struct triangle *t;
    const struct tree_node *v, *root, *parent;
    const struct task *task;
    struct adaptation *a, *of_root, *of_parent; // opened; of a source the same
    struct adaptation *reward, *second, *metric, *base;
    json_t *row;
    trv_progress_fn progress;
    void *payload;
    trv_err *err;
};

/* ---- JSON ---------------------------------------------------------------- */

/* Add a value (taken; NULL: no memory). */
static int
put(struct look *l, json_t *to, const char *name, json_t *value)
{
    return json_object_set_new(to, name, value)
               ? err_nomem(l->err, "for a row of the triangle")
               : 0;
}

/* The figure that an arrow is about: a share of which 1 is perfect. */
static int
put_fidelity(struct look *l, const char *name, const char *of,
             const trv_figure *f)
{
    json_t *own = json_object_get(l->row, "fidelity");
    int rc = 0;

    if (!own) {
        rc = put(l, l->row, "fidelity", json_object());
        own = json_object_get(l->row, "fidelity");
    }
    if (!rc)
        rc = put(l, own, "name", json_string(name));
    return rc ? rc : put(l, own, of, measure_figure(f));
}

/* {"base":, "source":, "target":}; absent where nothing was measured. */
static int
put_sides(struct look *l, json_t *to, const char *name, const trv_figure *base,
          const trv_figure *source, const trv_figure *target)
{
    if (!base->n && !source->n && !target->n)
        return 0;
    return put(l, to, name,
               json_pack("{s:o,s:o,s:o}", "base", measure_figure(base),
                         "source", measure_figure(source), "target",
                         measure_figure(target)));
}

static int
put_trouble(struct look *l, const char *lines)
{
    json_t *list = json_object_get(l->row, "trouble");

    for (const char *p = lines; p && *p;) {
        const size_t n = strcspn(p, "\n");

        if (n && json_array_append_new(list, json_stringn(p, n)))
            return err_nomem(l->err, "for a row of the triangle");
        p += n + (p[n] == '\n');
    }
    return 0;
}

/* Of what was made of a reward, the result stands at the source's place, and
 * there is no source that could answer. */
static int
put_examples(struct look *l, const trv_measurement *m, bool of_source)
{
    json_t *list = json_array();

    for (int32_t i = 0; i < m->n_examples; i++) {
        const trv_example *e = &m->examples[i];
        json_t *said =
            json_pack("{s:s,s:s,s:s*,s:s?}", "input", e->input, "base", e->base,
                      "source", of_source ? NULL : e->source, "target",
                      of_source ? e->source : e->target);

        if (json_array_append_new(list, said)) {
            json_decref(list);
            list = NULL;
            break;
        }
    }
    return put(l, l->row, "examples", list);
}

/* ---- measurements -------------------------------------------------------- */

/* What is asked for in one measurement. */
struct question {
    struct adaptation *a, *b, *task; // b, task NULL: none
    const char *figures;             // NULL: all that say something
    const char *inputs;
    double temperature;
    int32_t examples;
    uint64_t seed;
};

static int
ask(struct look *l, trv_measurement *out, const struct question *q)
{
    const trv_measure_options o = {.version = 1,
                                   .inputs = q->inputs,
                                   .max_inputs = l->t->inputs,
                                   .max_tokens = l->task->max_tokens,
                                   .seed = q->seed,
                                   .examples = q->examples,
                                   .figures = q->figures,
                                   .temperature = q->temperature,
                                   .budget = "none"};

    return measure_run(l->t->s, out, NULL, q->a, q->b, q->b != NULL, q->task,
                       &o, l->progress, l->payload, l->err);
}

static struct question
question_of(const struct look *l, struct adaptation *a, struct adaptation *b)
{
    return (struct question){
        .a = a,
        .b = b,
        .inputs = l->task->file[SPLIT_HELDOUT],
        .temperature = 1.0,
        .seed = l->v->seed + (l->v->role == ROLE_SOURCE ? FLOOR_SEED : 0)};
}

static int
put_distances(struct look *l, const trv_measurement *m)
{
    const struct {
        const char *name;
        const trv_figure *f;
    } list[] = {
        {"kl_forward", &m->kl_forward},
        {"kl_reverse", &m->kl_reverse},
        {"kl_base", &m->kl_base},
        {"drift", &m->drift},
        {"drift_source", &m->drift_source},
        {"top1_agreement", &m->top1_agreement},
        {"rank_tau", &m->rank_tau},
        {"pair_accuracy", &m->pair_accuracy},
    };
    int rc = 0;

    for (size_t i = 0; i < sizeof(list) / sizeof(*list) && !rc; i++)
        if (list[i].f->n)
            rc = put(l, l->row, list[i].name, measure_figure(list[i].f));
    return rc;
}

static bool
acts(const struct adaptation *a)
{
    return a->form != FORM_REWARD;
}

/* A number and its interval, both linear in another. */
static trv_figure
scaled(const trv_figure *f, double by)
{
    return (trv_figure){f->mean * by, f->stderr_ * fabs(by), f->low * by,
                        f->high * by, f->n};
}

/* What of the reward that could be gained was gained. A check of right and
 * wrong ends at 1, and so do its shares; another reward has no known end, and
 * its gain stands as it is. */
static int
put_gain(struct look *l, const trv_measurement *m)
{
    const bool bounded = l->of_root->kind == KIND_VERIFIER;
    const double room = 1.0 - m->task_base.mean;
    trv_figure f;

    if (!m->task_gain.n)
        return 0;
    f = bounded && room > 1e-9 ? scaled(&m->task_gain, 1.0 / room)
                               : m->task_gain;
    return put_fidelity(l, bounded ? "reward gained" : "gain of reward",
                        "of_root", &f);
}

/* Against the root, and with it the task's reward of all sides. */
static int
measure_root(struct look *l)
{
    struct question q = question_of(l, l->of_root, l->a);
    trv_measurement m = {0};
    int rc;

    q.task = l->reward;
    q.examples = acts(l->a) && acts(l->of_root) ? EXAMPLES : 0;
    rc = ask(l, &m, &q);
    if (!rc)
        rc = put_distances(l, &m);
    if (!rc)
        rc = put_sides(l, l->row, "reward", &m.task_base, &m.task_source,
                       &m.task_target);
    if (!rc && acts(l->a))
        rc = put_sides(l, l->row, "answer_tokens", &m.tokens_base,
                       &m.tokens_source, &m.tokens_target);
    if (!rc && acts(l->a) && acts(l->of_root))
        rc = put_fidelity(l, "gap closed", "of_root", &m.gap_closed);
    if (!rc && acts(l->a) && !acts(l->of_root))
        rc = put_gain(l, &m);
    if (!rc && !acts(l->a))
        rc =
            put_fidelity(l, "pairs ordered alike", "of_root", &m.pair_accuracy);
    if (!rc)
        rc = put_trouble(l, m.trouble);
    if (!rc && q.examples)
        rc = put_examples(l, &m, false);
    if (!rc)
        rc = put(l, json_object_get(l->row, "cost"), "added_seconds_per_token",
                 json_finite(m.cost.added_seconds_per_token));
    if (!rc)
        rc = put(l, json_object_get(l->row, "cost"), "added_bytes_per_token",
                 json_finite(m.cost.added_bytes_per_token));
    measure_release(&m);
    return rc;
}

/* How far what came of a reward went from the base. */
static int
measure_reach(struct look *l)
{
    struct question q = question_of(l, l->a, l->base);
    trv_measurement m = {0};
    int rc;

    if (acts(l->of_root) || !acts(l->a) || l->a->form == FORM_BASE)
        return 0;
    q.figures = "kl_base";
    q.examples = EXAMPLES;
    rc = ask(l, &m, &q);
    if (!rc)
        rc = put_distances(l, &m);
    if (!rc)
        rc = put_examples(l, &m, true);
    measure_release(&m);
    return rc;
}

static int
measure_parent(struct look *l)
{
    struct question q = question_of(l, l->of_parent, l->a);
    trv_measurement m = {0};
    int rc = 0;

    if (l->v->depth < 2 || (acts(l->a) && !acts(l->of_parent)))
        return 0;
    q.figures = acts(l->a) ? "gap_closed" : "pair_accuracy";
    rc = ask(l, &m, &q);
    if (!rc)
        rc = put_fidelity(l, acts(l->a) ? "gap closed" : "pairs ordered alike",
                          "of_parent",
                          acts(l->a) ? &m.gap_closed : &m.pair_accuracy);
    measure_release(&m);
    return rc;
}

/* What answers of its own get, where the row already has nothing better. */
static int
measure_worth(struct look *l, json_t *to, const char *name,
              struct adaptation *task, const char *inputs, double temperature)
{
    struct question q = question_of(l, l->a, NULL);
    trv_measurement m = {0};
    int rc;

    if (!task || !inputs || !acts(l->a))
        return 0;
    q.task = task;
    q.inputs = inputs;
    q.temperature = temperature;
    q.figures = "task_source,task_base";
    rc = ask(l, &m, &q);
    if (!rc) // what is looked at is the target of a row
        rc = put_sides(l, to, name, &m.task_base, &m.task_target,
                       &m.task_source);
    measure_release(&m);
    return rc;
}

static int
measure_metric(struct look *l)
{
    const double temperature = l->task->is_greedy ? 0.0 : 1.0;
    json_t *metric = json_object();
    int rc = metric ? 0 : err_nomem(l->err, "for a row of the triangle");

    if (!rc)
        rc = measure_worth(l, metric, "heldout", l->metric,
                           l->task->file[SPLIT_HELDOUT], temperature);
    if (!rc)
        rc = measure_worth(l, metric, "unseen", l->metric,
                           l->task->file[SPLIT_UNSEEN], temperature);
    if (!rc && json_object_size(metric))
        rc = put(l, l->row, "metric", json_incref(metric));
    json_decref(metric);
    return rc;
}

/* The share of given pairs that it ranks as they are labelled. */
static int
measure_pairs(struct look *l)
{
    const trv_score_options o = {.version = 1,
                                 .data = l->task->file[SPLIT_PAIRS],
                                 .max_rows = l->t->inputs};
    const trv_figure none = {0};
    trv_scores scores = {0};
    int rc;

    if (!l->task->file[SPLIT_PAIRS])
        return 0;
    rc = score_run(l->t->s, &scores, l->a, &o, l->progress, l->payload, l->err);
    if (!rc)
        rc = put_sides(l, l->row, "pairs", &none, &none, &scores.accuracy);
    score_release(&scores);
    return rc;
}

/* ---- the whole ----------------------------------------------------------- */

static int
open_spec(struct look *l, struct adaptation **out, const char *spec)
{
    return spec
               ? adaptation_open(out, l->t->s->model, NULL, spec, false, l->err)
               : 0;
}

static int
open_node(struct look *l, struct adaptation **out, int node)
{
    char *spec = triangle_spec(l->t, node);
    int rc =
        spec ? open_spec(l, out, spec) : err_nomem(l->err, "to open a node");

    mem_free(spec);
    return rc;
}

static int
open_all(struct look *l, int node)
{
    int rc = open_node(l, &l->a, node);

    if (!rc)
        rc = open_node(l, &l->of_root, l->v->root);
    if (!rc && l->v->depth > 1)
        rc = open_node(l, &l->of_parent, l->v->parent);
    if (!rc)
        rc = open_spec(l, &l->base, "base");
    if (!rc)
        rc = open_spec(l, &l->reward, l->task->reward);
    if (!rc)
        rc = open_spec(l, &l->second, l->task->second_reward);
    return rc ? rc : open_spec(l, &l->metric, l->task->metric);
}

int
node_measure(json_t *row, const struct triangle *t, int node,
             trv_progress_fn progress, void *payload, trv_err *err)
{
    const struct tree_node *v = &t->tree.nodes[node];
    struct look l = {.t = t,
                     .v = v,
                     .task = &t->tasks[v->task],
                     .row = row,
                     .progress = progress,
                     .payload = payload,
                     .err = err};
    int rc = open_all(&l, node);

    t->s->draws_of = l.of_root;
    if (!rc)
        rc = put(&l, row, "trouble", json_array());
    if (!rc)
        rc = measure_root(&l);
    if (!rc)
        rc = measure_reach(&l);
    if (!rc)
        rc = measure_parent(&l);
    if (!rc)
        rc = measure_metric(&l);
    if (!rc)
        rc = measure_worth(&l, row, "second_reward", l.second,
                           l.task->file[SPLIT_HELDOUT], 1.0);
    if (!rc)
        rc = measure_pairs(&l);
    if (!rc && v->role != ROLE_SOURCE)
        rc = verdict_add(row, v->forms[0] == FORM_REWARD, err);
    t->s->draws_of = NULL;
    adaptation_free(l.a);
    adaptation_free(l.of_root);
    adaptation_free(l.of_parent);
    adaptation_free(l.base);
    adaptation_free(l.reward);
    adaptation_free(l.second);
    adaptation_free(l.metric);
    return rc;
}

/* Tokens that one input costs: the answers of three sides, each read a few times
 * over. It is an estimate, for the time left alone. */
double
node_measure_seconds(const struct triangle *t, const struct tree_node *v)
{
    const struct task *task = &t->tasks[v->task];
    const struct rate *r = &t->s->rate;
    const double T = task->max_tokens, n = t->inputs;
    const double drawn = 3.0 * T, read = 6.0 * (64.0 + T);

    return n * (drawn * (r->draw + r->step / COST_BLOCK) + read * r->score) *
           (v->depth > 1 ? 1.5 : 1.0);
}
