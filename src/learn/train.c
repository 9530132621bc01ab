/* train.c -- from a file of rows to a LoRA or a model, as an artefact. */
#include "learn/train.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "adapt/adaptation.h"
#include "base/clock.h"
#include "learn/options.h"
#include "learn/run_place.h"
#include "learn/supervised.h"
#include "model/writer.h"

/* Defaults, where options are 0. */
#define DEFAULT_BATCH 16
#define DEFAULT_LENGTH 1024 // tokens of a row, or the context where shorter
#define FULL_LR 2e-5        // of all weights; users of TRL expect it

/* The options with every zero replaced. */
struct plan {
    struct session *s;
    const trv_train_options *o;
    enum kind kind;
    struct run_place place;
    bool claimed; // the place is ours to tidy
    int64_t max_length;
    trv_learn_options learn; // every zero replaced
    json_t *options, *fingerprint;
    struct learned_rows rows, held_out;
};

static void say(const struct plan *p, const char *fmt, ...) TRV_PRINTF(2, 3);

static void
say(const struct plan *p, const char *fmt, ...)
{
    char line[512];
    va_list ap;

    if (!p->o->on_message)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    p->o->on_message(line, p->o->message_payload);
}

static int
check_options(const trv_train_options *o, trv_err *err)
{
    const struct bounded list[] = {
        {"max-length", o->max_length, 0, 1e7},
        {"epochs", o->epochs, 0, 1e6},
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
    rc = options_check_lora(&o->lora, err);
    if (!rc)
        rc = options_check_learn(&o->learn, err);
    return rc ? rc : options_within(list, sizeof(list) / sizeof(*list), err);
}

/* What trivium.json and the fingerprint say. */
static int
tell_options(struct plan *p, trv_err *err)
{
    int rc;

    p->options = json_pack("{s:I}", "max_length", (json_int_t)p->max_length);
    if (!p->options)
        return err_fail(err, TRV_ENOMEM, "no memory to plan a training");
    rc = options_tell_learn(p->options, &p->learn, err);
    if (!rc && p->kind == KIND_LORA)
        return options_tell_lora(p->options, &p->o->lora, err);
    if (!rc && json_object_set_new(p->options, "saved_as",
                                   json_string(p->o->precision)) != 0)
        rc = err_fail(err, TRV_ENOMEM, "no memory to plan a training");
    return rc;
}

static int
make_fingerprint(struct plan *p, trv_err *err)
{
    const struct model_identity *id;
    char seed[24];
    int rc = session_identity(p->s, &id, err);

    if (rc)
        return rc;
    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)p->o->seed);
    p->fingerprint = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:O}", "to", kind_name(p->kind),
        "weights", id->weights, "tokenizer", id->tokenizer, "chat", id->chat,
        "data", p->rows.hash, "seed", seed, "precision",
        p->s->be->prec == PREC_BF16 ? "bf16" : "f32", "options", p->options);
    return p->fingerprint
               ? 0
               : err_fail(err, TRV_ENOMEM, "no memory to plan a training");
}

static int
open_rows(struct plan *p, trv_err *err)
{
    const trv_train_options *o = p->o;
    int rc =
        learned_rows_open(&p->rows, p->s->model, o->data, p->max_length, err);

    if (!rc && o->eval)
        rc = learned_rows_open(&p->held_out, p->s->model, o->eval,
                               p->max_length, err);
    if (rc)
        return rc;
    if (p->rows.n_cut > 0)
        say(p,
            "warning: %lld of %lld rows are longer than %lld tokens and are "
            "cut at their end",
            (long long)p->rows.n_cut,
            (long long)(p->rows.n + p->rows.n_dropped),
            (long long)p->max_length);
    if (p->rows.n_dropped > 0)
        say(p, "warning: %lld rows have no answer left and are left out",
            (long long)p->rows.n_dropped);
    return 0;
}

static int
plan_steps(struct plan *p, trv_err *err)
{
    const double epochs = p->o->epochs > 0 ? p->o->epochs : 1.0;
    const double steps =
        ceil(epochs * (double)p->rows.n / (double)p->learn.batch);

    if (p->learn.steps)
        return 0;
    if (steps > INT32_MAX)
        return err_fail(err, TRV_ERANGE,
                        "epochs is %g: %.0f steps are more than %d", epochs,
                        steps, INT32_MAX);
    p->learn.steps = (int32_t)steps;
    return 0;
}

static int
plan_make(struct plan *p, const char *to, trv_err *err)
{
    const struct model_config *cfg = &p->s->model->cfg;
    const trv_train_options *o = p->o;
    const char *out;
    int rc = adaptation_target(&p->kind, &out, to, err);

    if (!rc)
        rc = check_options(o, err);
    if (rc)
        return rc;
    if (p->kind != KIND_LORA && p->kind != KIND_FULL)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "training cannot make '%s' yet; it can make lora, full",
                        kind_name(p->kind));
    if (p->kind == KIND_FULL && p->s->model->gguf)
        return err_fail(err, TRV_EUNSUPPORTED,
                        "all weights of '%s' cannot be trained: a GGUF file "
                        "has no config.json to carry over",
                        p->s->model->path);
    p->learn = o->learn;
    if (!p->learn.batch)
        p->learn.batch = DEFAULT_BATCH;
    if (p->learn.accumulate > p->learn.batch)
        return err_fail(err, TRV_EINVAL,
                        "%d micro-batches of a batch of %d rows would be "
                        "empty",
                        p->learn.accumulate, p->learn.batch);
    p->max_length = o->max_length ? o->max_length : DEFAULT_LENGTH;
    if (p->max_length > cfg->context && o->max_length)
        return err_fail(err, TRV_ETOOLONG,
                        "max-length is %lld, but the model's context is %lld",
                        (long long)p->max_length, (long long)cfg->context);
    if (p->max_length > cfg->context)
        p->max_length = cfg->context;
    if (!(p->learn.lr > 0))
        p->learn.lr = p->kind == KIND_FULL ? FULL_LR : lora_default_lr(cfg);
    rc = run_place_init(&p->place, out, NULL, err);
    if (!rc)
        rc = run_place_claim(&p->place, o->replace, o->resume, err);
    p->claimed = !rc;
    if (!rc && o->resume && !run_place_is_stopped(&p->place))
        say(p, "nothing to resume in '%s': starting anew", p->place.dir);
    if (!rc)
        rc = open_rows(p, err);
    if (!rc && !o->learn.batch && p->learn.batch > p->rows.n &&
        p->rows.n >= p->learn.accumulate)
        p->learn.batch = (int32_t)p->rows.n; // so that an epoch is one pass
    if (!rc)
        rc = plan_steps(p, err);
    if (!rc)
        rc = tell_options(p, err);
    if (rc)
        return rc;
    return make_fingerprint(p, err);
}

static void
plan_release(struct plan *p)
{
    run_place_release(&p->place);
    learned_rows_release(&p->rows);
    learned_rows_release(&p->held_out);
    json_decref(p->options);
    json_decref(p->fingerprint);
}

static int
begin_lora(struct lora *l, const struct plan *p, trv_err *err)
{
    const trv_train_options *o = p->o;
    int rc = lora_begin(l, &p->s->model->cfg, o->lora.targets, o->lora.rank,
                        o->lora.alpha, o->lora.rslora, o->lora.dropout, o->seed,
                        err);

    return rc ? rc : lora_refresh(l, p->s->be->act_type, err);
}

static int
say_loss(const struct plan *p, const char *when, const struct lora *lora,
         trv_err *err)
{
    double loss;
    int rc;

    if (!p->o->eval)
        return 0;
    rc = supervised_loss(&loss, p->s, &p->held_out, lora, err);
    if (!rc && !isfinite(loss))
        rc = err_fail(err, TRV_ENONFINITE, "the loss on '%s' is not finite",
                      p->o->eval);
    if (!rc)
        say(p, "held-out loss %s training: %.4f nats per token", when, loss);
    return rc;
}

static int
train(struct run_result *result, struct plan *p, struct lora *lora,
      trv_progress_fn progress, void *payload, trv_err *err)
{
    const trv_train_options *o = p->o;
    struct supervised t = {.s = p->s,
                           .rows = &p->rows,
                           .lora = p->kind == KIND_LORA ? lora : NULL,
                           .batch = p->learn.batch,
                           .accumulate = p->learn.accumulate,
                           .seed = o->seed};
    struct run_options run = options_run(&p->learn);
    struct run_task task;
    int rc = supervised_init(&t, &task, err);

    if (!rc) {
        run.dir = p->place.dir;
        run.resume = o->resume && run_is_stopped(p->place.dir);
        run.replace = true; // run_place_claim() asked before
        run.fingerprint = p->fingerprint;
        rc = run_train(result, &task, &run, p->s->be, progress, payload, err);
    }
    supervised_release(&t);
    return rc;
}

/* --- what comes out --- */

struct noted {
    struct artefact *head;
    struct outdir *dir;
};

static int
put_noted(void *self, const char *name, const void *bytes, size_t n,
          trv_err *err)
{
    struct noted *to = self;

    return artefact_put(to->head, to->dir, name, bytes, n, err);
}

static int
save_full(struct artefact *head, const struct plan *p, trv_err *err)
{
    const enum dtype type =
        strcmp(p->o->precision, "bf16") == 0 ? DT_BF16 : DT_F32;
    struct outdir dir;
    struct noted to = {head, &dir};
    int rc = outdir_begin(&dir, p->place.out, p->o->replace, err);

    if (rc)
        return rc;
    rc = writer_trained((struct writer_sink){put_noted, &to}, p->s->decoder,
                        type, err);
    if (!rc)
        rc = artefact_finish(head, &dir, err);
    if (!rc)
        rc = outdir_commit(&dir, err);
    outdir_release(&dir);
    return rc;
}

static int
save(const struct plan *p, const struct lora *lora,
     const struct run_result *result, trv_cost *cost, trv_err *err)
{
    const struct model_identity *id;
    struct artefact head = {0};
    json_t *counts =
        json_pack("{s:I,s:I,s:f}", "steps", (json_int_t)result->steps, "rows",
                  (json_int_t)p->rows.n, "tokens", result->tokens);
    int rc = session_identity(p->s, &id, err);

    if (!rc && !counts)
        rc = err_fail(err, TRV_ENOMEM, "no memory to save '%s'", p->place.out);
    if (!rc)
        rc = artefact_init(&head, p->kind, p->s->model->name, id, err);
    if (!rc)
        rc = artefact_add_step(&head,
                               &(struct artefact_step){.from = "data",
                                                       .edge = "data->params",
                                                       .method = "sft",
                                                       .options = p->options,
                                                       .seed = p->o->seed,
                                                       .data = p->rows.hash,
                                                       .cost = counts},
                               err);
    if (!rc)
        rc = p->kind == KIND_LORA
                 ? adaptation_save_lora(&head, lora, &p->s->model->cfg,
                                        p->place.out, p->o->replace, err)
                 : save_full(&head, p, err);
    if (!rc)
        cost->artefact_bytes = artefact_bytes(&head);
    artefact_release(&head);
    json_decref(counts);
    return rc;
}

int
train_run(struct session *s, trv_cost *cost, const char *to,
          const trv_train_options *opts, trv_progress_fn progress,
          void *payload, trv_err *err)
{
    const double began = clock_now();
    const double flop = s->decoder ? s->decoder->flop : 0.0;
    struct plan p = {.s = s, .o = opts};
    struct lora lora = {0};
    struct run_result result = {0};
    int rc;

    *cost = (trv_cost){0};
    mem_stats_reset_peak();
    rc = plan_make(&p, to, err);
    if (!rc && p.kind == KIND_LORA)
        rc = begin_lora(&lora, &p, err);
    if (!rc)
        rc = run_place_begin(&p.place, opts->resume, p.fingerprint, err);
    if (!rc)
        rc = say_loss(&p, "before", NULL, err);
    if (!rc)
        rc = train(&result, &p, &lora, progress, payload, err);
    if (!rc)
        rc = say_loss(&p, "after", p.kind == KIND_LORA ? &lora : NULL, err);
    if (!rc)
        rc = save(&p, &lora, &result, cost, err);
    if (!rc) {
        run_place_finish(&p.place);
        cost->seconds = clock_now() - began;
        cost->tokens = result.tokens;
        cost->flop = s->decoder->flop - flop;
        cost->final_loss = result.mean_loss;
        cost->steps = result.steps;
        cost->samples = p.rows.n;
        cost->peak_bytes = mem_stats_get().peak_bytes;
    } else if (p.claimed) {
        run_place_leave(&p.place);
    }
    if (p.kind == KIND_FULL) { // the model is again what its file says
        decoder_free(s->decoder);
        s->decoder = NULL;
    }
    lora_release(&lora);
    plan_release(&p);
    return rc;
}
