/* train_head.c -- from a file of pairs to a reward `head`, as an artefact. */
#include "learn/train_head.h"

#include <math.h>
#include <string.h>

#include "learn/options.h"
#include "learn/train_cost.h"
#include "learn/head_run.h"
#include "learn/student.h"
#include "learn/train.h"

struct plan {
    struct work w;
    const trv_train_options *o;
    int64_t max_length;
    trv_learn_options learn; // every zero replaced
    struct pair_rows rows, held_out;
    struct train_cost cost;
};

/* The options for trivium.json and the fingerprint. */
static int
options_to_json(struct plan *p, trv_err *err)
{
    int rc;

    p->w.options = json_pack("{s:I,s:f,s:s}", "max_length",
                             (json_int_t)p->max_length, "centre", p->o->centre,
                             "trained", p->o->full ? "full" : "lora");
    if (!p->w.options)
        return err_nomem(err, "to plan a training");
    rc = options_learn_to_json(p->w.options, &p->learn, err);
    if (!rc && !p->o->full)
        return options_lora_to_json(p->w.options, &p->o->lora, err);
    if (!rc && json_object_set_new(p->w.options, "saved_as",
                                   json_string(p->o->precision)))
        rc = err_nomem(err, "to plan a training");
    return rc;
}

static int
open_pairs(struct plan *p, trv_err *err)
{
    const struct model *m = p->w.s->model;
    int rc = pair_rows_open(&p->rows, m, p->o->data, p->max_length, err);

    if (!rc && p->o->eval)
        rc = pair_rows_open(&p->held_out, m, p->o->eval, p->max_length, err);
    if (rc)
        return rc;
    p->w.layout = p->rows.layout.name;
    work_log(&p->w, "%s", p->rows.layout.line);
    if (p->rows.unused)
        work_log(&p->w, "warning: %s", p->rows.unused);
    if (p->held_out.unused)
        work_log(&p->w, "warning: %s", p->held_out.unused);
    if (p->rows.n_dropped > 0)
        work_log(&p->w,
                 "warning: %lld of %lld pairs have an answer longer than "
                 "%lld tokens with its prompt and are left out",
                 (long long)p->rows.n_dropped,
                 (long long)(p->rows.n + p->rows.n_dropped),
                 (long long)p->max_length);
    return 0;
}

static int
check_lengths(struct plan *p, trv_err *err)
{
    const trv_train_options *o = p->o;
    const int rc = o->full ? student_check_full(p->w.s->model, err) : 0;

    if (rc)
        return rc;
    if (o->loss_on && strcmp(o->loss_on, "last") != 0)
        return err_option(err, TRV_EINVAL, "loss-on",
                          "goes with given text, not with a reward");
    return options_length(&p->max_length, o->max_length,
                          p->w.s->model->cfg.context, err);
}

static double
pair_tokens(const struct pair_row *r)
{
    return (double)(r->n[CHOSEN] + r->n[REJECTED]);
}

static int
plan_cost(struct plan *p, trv_err *err)
{
    struct train_rows rows = {.n = (double)p->rows.n,
                              .mean =
                                  (double)p->rows.tokens / (double)p->rows.n};
    int64_t params = model_params(p->w.s->model);
    struct adapter_weights weights = {0};
    int rc = 0;

    for (int64_t i = 0; i < p->rows.n; i++)
        rows.most = fmax(rows.most, pair_tokens(&p->rows.list[i]));
    for (int64_t i = 0; i < p->held_out.n; i++)
        rows.held_out += pair_tokens(&p->held_out.list[i]);
    if (!p->o->full) {
        rc = options_begin_lora(&weights.lora, p->w.s->model, &p->o->lora,
                                p->o->seed, err);
        params = adapter_weights_flat(&weights).n;
        adapter_weights_release(&weights);
    }
    return rc ? rc
              : train_cost_fit(&p->cost, &p->w, &rows, &p->learn, p->o, params,
                               err);
}

static int
plan_make(struct plan *p, const char *out, trv_err *err)
{
    const trv_train_options *o = p->o;
    int rc = o->full ? 0 : options_check_lora(&o->lora, err);

    if (rc)
        return rc;
    p->learn = o->learn;
    rc = options_complete(&p->learn,
                          &(struct learn_defaults){
                              .batch = GIVEN_BATCH,
                              .lr = head_run_lr(&p->w.s->model->cfg, o->full),
                              .rows = "pairs"},
                          err);
    if (!rc)
        rc = check_lengths(p, err);
    if (!rc)
        rc = work_begin(&p->w, out, NULL, err);
    if (!rc && !o->dry_run)
        rc = work_lock(&p->w, err);
    if (!rc)
        rc = open_pairs(p, err);
    if (!rc)
        rc = options_epochs(&p->learn, o->learn.batch, o->epochs, p->rows.n,
                            err);
    if (!rc)
        rc = plan_cost(p, err);
    return rc ? rc : options_to_json(p, err);
}

static void
plan_release(struct plan *p)
{
    work_release(&p->w);
    pair_rows_release(&p->rows);
    pair_rows_release(&p->held_out);
    train_cost_release(&p->cost);
}

static int
save(struct plan *p, const struct head_run *r, trv_err *err)
{
    const enum dtype type =
        strcmp(p->o->precision, "bf16") == 0 ? DT_BF16 : DT_F32;
    const int rc = work_begin_manifest(
        &p->w, KIND_HEAD, NULL,
        &(struct artefact_step){.edge = "data->reward",
                                .method = "bradley-terry",
                                .data = p->rows.hash},
        json_pack("{s:I,s:I,s:f}", "steps", (json_int_t)r->result.steps,
                  "pairs", (json_int_t)p->rows.n, "tokens", r->result.tokens),
        err);

    return rc ? rc : head_run_save(&p->w, r, type, err);
}

int
train_head_run(const struct work *begun, trv_cost *cost, const char *out,
               const trv_train_options *opts, trv_err *err)
{
    struct plan p = {.w = *begun, .o = opts};
    struct head_run r = {0};
    char line[200];
    int rc = plan_make(&p, out, err);
    const struct head_run_plan how = {.w = &p.w,
                                      .rows = &p.rows,
                                      .held_out = &p.held_out,
                                      .lora = opts->full ? NULL : &opts->lora,
                                      .learn = &p.learn,
                                      .centre = opts->centre};

    if (!rc)
        train_cost_tell(cost, &p.cost);
    if (rc || opts->dry_run)
        goto done;
    rc = head_run_begin(&r, &how, err);
    if (!rc)
        rc = work_write_run(
            &p.w,
            train_cost_note(json_pack("{s:s,s:s}", "to", kind_name(KIND_HEAD),
                                      "data", p.rows.hash),
                            &p.cost),
            err);
    if (!rc)
        rc = head_run_train(&r, err);
    if (!rc)
        rc = save(&p, &r, err);
    if (!rc && p.held_out.n > 0) {
        head_run_summary(line, sizeof(line), &r);
        work_log(&p.w, "%s", line);
    }
done:
    if (rc || !opts->dry_run)
        work_end(&p.w, rc, cost);
    if (!rc && !opts->dry_run) {
        cost->final_loss = r.result.mean_loss;
        cost->steps = r.result.steps;
        cost->samples = cost->pairs = p.rows.n;
        cost->held_out = p.held_out.n;
        cost->accuracy = r.held_out.accuracy;
    }
    head_run_release(&r);
    plan_release(&p);
    return rc;
}
