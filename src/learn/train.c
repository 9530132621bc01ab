/* train.c -- from a file of rows to adapter weights or a model, as an
 * artefact. */
#include "learn/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "learn/options.h"
#include "learn/student.h"
#include "learn/supervised.h"
#include "learn/train_cost.h"
#include "learn/train_head.h"
#include "learn/work.h"

/* The options with every zero replaced. */
struct plan {
    struct work w;
    const trv_train_options *o;
    enum kind kind;
    struct student_options student;
    int64_t max_length;
    enum example_loss loss_on;
    trv_learn_options learn; // every zero replaced
    struct learned_rows rows, held_out;
    struct train_cost cost;
};

/* Texts that virtual tokens may start from: rows of the data, spread over
 * it. */
#define STARTS 8
#define STARTS_ROWS 16 // that each is evaluated on

static int
check_options(const trv_train_options *o, trv_err *err)
{
    const struct bounded list[] = {
        {"max-length", o->max_length, 0, 1e7},
        {"epochs", o->epochs, 0, 1e6},
        {"centre", o->centre, 0, 1e6},
    };
    int rc;

    if (o->version != 1)
        return err_fail(err, TRV_EINVAL, "train options have version %u, not 1",
                        o->version);
    if (!o->data)
        return err_fail(err, TRV_EINVAL, "training needs a file of data");
    if (!o->precision ||
        (strcmp(o->precision, "f32") != 0 && strcmp(o->precision, "bf16") != 0))
        return err_fail(err, TRV_EINVAL,
                        "weights cannot be saved as '%s'; there are f32, bf16",
                        o->precision ? o->precision : "");
    rc = options_check_learn(&o->learn, err);
    return rc ? rc : options_within(list, sizeof(list) / sizeof(*list), err);
}

/* The options for trivium.json and the fingerprint. */
static int
options_to_json(struct plan *p, trv_err *err)
{
    int rc;

    p->w.options = json_pack("{s:I}", "max_length", (json_int_t)p->max_length);
    if (!p->w.options ||
        (p->loss_on != LOSS_LAST &&
         json_object_set_new(p->w.options, "loss_on",
                             json_string(example_loss_name(p->loss_on)))))
        return err_nomem(err, "to plan a training");
    rc = options_learn_to_json(p->w.options, &p->learn, err);
    return rc ? rc : student_to_json(p->w.options, &p->student, err);
}

static int
open_rows(struct plan *p, trv_err *err)
{
    const trv_train_options *o = p->o;
    int rc = learned_rows_open(&p->rows, p->w.s->model, o->data, p->loss_on,
                               p->max_length, err);

    if (!rc && o->eval)
        rc = learned_rows_open(&p->held_out, p->w.s->model, o->eval, p->loss_on,
                               p->max_length, err);
    if (rc)
        return rc;
    p->w.layout = p->rows.layout.name;
    work_log(&p->w, "%s", p->rows.layout.line);
    if (p->rows.unused)
        work_log(&p->w, "warning: %s", p->rows.unused);
    if (p->held_out.unused)
        work_log(&p->w, "warning: %s", p->held_out.unused);
    if (p->rows.n_joined > 0)
        work_log(&p->w,
                 "note: the chat template lays given answers out in another "
                 "way than its generation prompt begins them (as with "
                 "<think>); %lld rows are learned as generation prompt, answer "
                 "and end of turn",
                 (long long)p->rows.n_joined);
    if (p->rows.n_cut > 0)
        work_log(
            &p->w,
            "warning: %lld of %lld rows are longer than %lld tokens and are "
            "cut at their end",
            (long long)p->rows.n_cut,
            (long long)(p->rows.n + p->rows.n_dropped),
            (long long)p->max_length);
    if (p->rows.n_dropped > 0)
        work_log(&p->w,
                 "warning: %lld rows have no answer left and are left out",
                 (long long)p->rows.n_dropped);
    return 0;
}

/* How many parameters learn. */
static int
count_params(int64_t *params, const struct plan *p, trv_err *err)
{
    struct adapter_weights weights = {0};
    int rc = 0;

    *params = model_params(p->w.s->model);
    if (p->kind == KIND_FULL)
        return 0;
    rc = student_begin(&weights, p->w.s->model, &p->student, err);
    *params = adapter_weights_flat(&weights).n;
    adapter_weights_release(&weights);
    return rc;
}

static int
plan_cost(struct plan *p, trv_err *err)
{
    const double before =
        student_is_virtual(p->kind) ? p->student.virtual.tokens : 0.0;
    const double n = (double)p->rows.n;
    struct train_rows rows = {.n = n,
                              .mean = (double)p->rows.tokens / n + before,
                              .held_out = (double)p->held_out.tokens +
                                          before * (double)p->held_out.n};
    int64_t params = 0;
    int rc = count_params(&params, p, err);

    for (int64_t i = 0; i < p->rows.n; i++)
        rows.most = fmax(rows.most, (double)p->rows.list[i].n + before);
    if (student_is_virtual(p->kind))
        rows.starts = STARTS * (fmin(STARTS_ROWS, n) * rows.most + 2 * before);
    return rc ? rc
              : train_cost_fit(&p->cost, &p->w, &rows, &p->learn, p->o, params,
                               err);
}

static int
plan_make(struct plan *p, const char *out, trv_err *err)
{
    const struct model_config *cfg = &p->w.s->model->cfg;
    const trv_train_options *o = p->o;
    int64_t room = cfg->context;
    int rc = 0;

    TRV_ASSERT(student_can_be(p->kind)); // see trv_train()
    p->student = (struct student_options){.kind = p->kind,
                                          .lora = o->lora,
                                          .virtual = o->virtual_tokens,
                                          .bottleneck = o->bottleneck,
                                          .save_as = o->precision,
                                          .seed = o->seed};
    rc = example_loss_named(&p->loss_on, o->loss_on, err);
    if (!rc)
        rc = student_check(&p->student, err);
    if (!rc && p->kind == KIND_FULL)
        rc = student_check_full(p->w.s->model, err);
    if (rc)
        return rc;
    if (o->full || o->centre > 0)
        return err_option(err, TRV_EINVAL, o->full ? "full" : "centre",
                          "goes with a reward only, head:OUT");
    p->learn = o->learn;
    rc = options_complete(
        &p->learn,
        &(struct learn_defaults){.batch = GIVEN_BATCH,
                                 .lr = student_default_lr(p->kind, cfg),
                                 .rows = "rows"},
        err);
    if (rc)
        return rc;
    if (student_is_virtual(p->kind)) // they stand before every row
        room -= o->virtual_tokens.tokens;
    if (room < 2)
        return err_fail(err, TRV_ETOOLONG,
                        "%d virtual tokens leave no room for a row in the "
                        "context of %lld",
                        o->virtual_tokens.tokens, (long long)cfg->context);
    rc = options_length(&p->max_length, o->max_length, room, err);
    if (!rc)
        rc = work_begin(&p->w, out, NULL, err);
    if (!rc && !o->dry_run)
        rc = work_lock(&p->w, err);
    if (!rc)
        rc = open_rows(p, err);
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
    learned_rows_release(&p->rows);
    learned_rows_release(&p->held_out);
    train_cost_release(&p->cost);
}

/* Start from the rows that make the others likeliest. */
static int
start_from_rows(struct adapter_weights *adapter_weights, const struct plan *p,
                trv_err *err)
{
    const int64_t n = p->rows.n, k = adapter_weights->virtual.k;
    const int64_t starts = n < STARTS ? n : STARTS;
    struct learned_rows probe = p->rows;
    struct ids text[STARTS] = {{0}};
    double best = (double)INFINITY;
    int64_t chosen = 0;
    int rc = 0;

    probe.n = n < STARTS_ROWS ? n : STARTS_ROWS;
    probe.list += n - probe.n;
    for (int64_t i = 0; i < starts && !rc; i++) {
        double loss = best;

        for (int64_t j = 0; j < n && text[i].n < k && !rc; j++) {
            const struct learned_row *r =
                &p->rows.list[(i * n / starts + j) % n];

            if (ids_append(&text[i], r->ids + k, r->n - k))
                rc = err_nomem(err, "to start a student");
        }
        if (!rc)
            rc = student_start(adapter_weights, p->w.s, text[i].v, text[i].n,
                               NULL, err);
        if (!rc)
            rc = supervised_loss(&loss, p->w.s, &probe, adapter_weights, err);
        if (!rc && loss < best) {
            best = loss;
            chosen = i;
        }
    }
    if (!rc)
        rc = student_start(adapter_weights, p->w.s, text[chosen].v,
                           text[chosen].n, NULL, err);
    for (int64_t i = 0; i < starts; i++)
        ids_release(&text[i]);
    return rc;
}

static int
begin_student(struct adapter_weights *adapter_weights, struct plan *p,
              trv_err *err)
{
    struct ids text = {0};
    int rc = student_begin(adapter_weights, p->w.s->model, &p->student, err);

    if (!rc)
        rc = learned_rows_under(&p->rows, adapter_weights, err);
    if (!rc)
        rc = learned_rows_under(&p->held_out, adapter_weights, err);
    if (!rc && student_is_virtual(p->kind))
        rc = student_text(&text, p->w.s, &p->student.virtual, err);
    if (!rc && text.n > 0)
        rc = student_start(adapter_weights, p->w.s, text.v, text.n, NULL, err);
    else if (!rc && student_is_virtual(p->kind))
        rc = start_from_rows(adapter_weights, p, err);
    ids_release(&text);
    return rc ? rc : adapter_weights_refresh(adapter_weights, p->w.s->be, err);
}

static int
log_loss(const struct plan *p, const char *when,
         const struct adapter_weights *adapter_weights, trv_err *err)
{
    double loss;
    int rc;

    if (!p->o->eval)
        return 0;
    rc = supervised_loss(&loss, p->w.s, &p->held_out, adapter_weights, err);
    if (!rc && !isfinite(loss))
        rc = err_fail(err, TRV_ENONFINITE, "the loss on '%s' is not finite",
                      p->o->eval);
    if (!rc)
        work_log(&p->w, "held-out loss %s training: %.4f nats per token", when,
                 loss);
    return rc;
}

static int
train(struct run_result *result, struct plan *p,
      struct adapter_weights *adapter_weights, trv_err *err)
{
    struct supervised t = {.s = p->w.s,
                           .rows = &p->rows,
                           .adapter_weights =
                               p->kind != KIND_FULL ? adapter_weights : NULL,
                           .batch = p->learn.batch,
                           .accumulate = p->learn.accumulate,
                           .seed = p->o->seed};
    struct run_task task;
    int rc = supervised_init(&t, &task, err);

    if (!rc)
        rc = work_train(result, &p->w, &task, &p->learn, err);
    supervised_release(&t);
    return rc;
}

static int
save(struct plan *p, const struct adapter_weights *adapter_weights,
     const struct run_result *result, trv_err *err)
{
    const struct artefact_step step = {.edge = kind_form(p->kind) == FORM_PARAMS
                                                   ? "data->params"
                                                   : "data->prompt",
                                       .method = "sft",
                                       .data = p->rows.hash};
    const int rc = work_begin_manifest(
        &p->w, p->kind, NULL, &step,
        json_pack("{s:I,s:I,s:f}", "steps", (json_int_t)result->steps, "rows",
                  (json_int_t)p->rows.n, "tokens", result->tokens),
        err);

    if (rc)
        return rc;
    return work_save_student(&p->w, &p->student, adapter_weights,
                             p->kind == KIND_FULL ? p->w.s->decoder : NULL,
                             err);
}

int
train_run(struct session *s, trv_cost *cost, const char *to,
          struct outdir *held, const trv_train_options *opts,
          trv_progress_fn progress, void *payload, trv_err *err)
{
    struct plan p = {.o = opts,
                     .w = {.s = s,
                           .held = held,
                           .seed = opts->seed,
                           .replace = opts->replace,
                           .resume = opts->resume,
                           .allow_diverged = opts->allow_diverged,
                           .on_message = opts->on_message,
                           .message_payload = opts->message_payload,
                           .progress = progress,
                           .payload = payload}};
    struct adapter_weights adapter_weights = {0};
    struct run_result result = {0};
    const char *out;
    int rc;

    *cost = (trv_cost){0};
    rc = adaptation_target(&p.kind, &out, to, err);
    if (!rc)
        rc = check_options(opts, err);
    if (rc)
        return rc;
    p.w.kind = p.kind;
    if (p.kind == KIND_HEAD)
        return train_head_run(&p.w, cost, out, opts, err);
    rc = plan_make(&p, out, err);
    if (!rc)
        train_cost_tell(cost, &p.cost);
    if (rc || opts->dry_run)
        goto done;
    if (p.kind != KIND_FULL)
        rc = begin_student(&adapter_weights, &p, err);
    if (!rc)
        rc = work_write_run(
            &p.w,
            train_cost_note(json_pack("{s:s,s:s}", "to", kind_name(p.kind),
                                      "data", p.rows.hash),
                            &p.cost),
            err);
    if (!rc)
        rc = log_loss(&p, "before", NULL, err);
    if (!rc)
        rc = train(&result, &p, &adapter_weights, err);
    if (!rc)
        rc = log_loss(&p, "after",
                      p.kind != KIND_FULL ? &adapter_weights : NULL, err);
    if (!rc)
        rc = save(&p, &adapter_weights, &result, err);
done:
    if (rc || !opts->dry_run)
        work_end(&p.w, rc, cost);
    if (!rc && !opts->dry_run) {
        cost->final_loss = result.mean_loss;
        cost->steps = result.steps;
        cost->samples = p.rows.n;
    }
    if (p.kind == KIND_FULL) { // the model again has its file's weights
        decoder_free(s->decoder);
        s->decoder = NULL;
    }
    adapter_weights_release(&adapter_weights);
    plan_release(&p);
    return rc;
}
