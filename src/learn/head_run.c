/* head_run.c -- a scalar head learned and written. */
#include "learn/head_run.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/scorer.h"
#include "base/json.h"
#include "learn/options.h"

double
head_run_lr(const struct model_config *cfg, bool full)
{
    /* A fifth of what a LoRA learns texts by: TRL's RewardTrainer begins with
     * 1e-4 where its other trainers' users take 5e-4. */
    return full ? student_default_lr(KIND_FULL, cfg) / 2.0
                : student_default_lr(KIND_LORA, cfg) / 5.0;
}

int
head_run_begin(struct head_run *r, const struct head_run_plan *plan,
               trv_err *err)
{
    const trv_lora_options *o = plan->lora;
    int rc;

    *r = (struct head_run){.plan = plan};
    if (!o)
        return 0;
    rc = options_begin_lora(&r->adapter_weights.lora, plan->w->s->model, o,
                            plan->w->seed, err);
    return rc ? rc
              : adapter_weights_refresh(&r->adapter_weights, plan->w->s->be,
                                        err);
}

/* The padding token of a whole folder is stored here: that of the base's
 * config, or else the tokenizer's, unless that ends a text, which is read. */
static int
find_pad(int32_t *pad, const struct model *m, trv_err *err)
{
    char *path = path_join(m->path, "tokenizer_config.json");
    const json_t *v;
    const char *token;
    json_t *doc = NULL;
    int rc = path ? 0 : err_nomem(err, "to plan a run");

    *pad = m->cfg.pad;
    if (!rc && *pad < 0 && m->tokenizer && file_exists(path)) {
        rc = json_open(&doc, path, err);
        v = json_object_get(doc, "pad_token");
        if (json_is_object(v))
            v = json_object_get(v, "content");
        token = json_string_value(v);
        if (!rc && token)
            *pad = tokenizer_id(m->tokenizer, token);
        if (model_ends_text(m, *pad))
            *pad = -1;
    }
    json_decref(doc);
    mem_free(path);
    return rc;
}

int
head_run_train(struct head_run *r, trv_err *err)
{
    const struct head_run_plan *p = r->plan;
    struct session *s = p->w->s;
    struct run_task task;
    int rc = 0;

    r->t = (struct head_task){.s = s,
                              .rows = p->rows,
                              .adapter_weights =
                                  p->lora ? &r->adapter_weights : NULL,
                              .batch = p->learn->batch,
                              .accumulate = p->learn->accumulate,
                              .centre = p->centre,
                              .match = p->match,
                              .seed = p->w->seed,
                              .pad = s->model->cfg.pad};
    if (!p->lora)
        rc = find_pad(&r->t.pad, s->model, err);
    if (!rc)
        rc = head_task_init(&r->t, &task, err);
    if (!rc)
        rc = work_train(&r->result, p->w, &task, p->learn, err);
    if (!rc && p->held_out && p->held_out->n > 0)
        rc = head_task_evaluate(&r->held_out, &r->t, p->held_out, err);
    return rc;
}

void
head_run_summary(char *buf, size_t size, const struct head_run *r)
{
    const double n = (double)r->plan->held_out->n;

    snprintf(buf, size,
             "held-out pairs: %.4g of %.0f ranked right (%.3f), by %.4g on "
             "average",
             r->held_out.accuracy * n, n, r->held_out.accuracy,
             r->held_out.margin);
}

int
head_run_save(struct work *w, const struct head_run *r, enum dtype type,
              trv_err *err)
{
    return r->plan->lora
               ? scorer_save(&w->head, &r->adapter_weights.lora, r->t.score,
                             r->t.d->cfg, run_place_out(&w->place), err)
               : work_save_scorer(w, r->t.d, r->t.pad, type, err);
}

void
head_run_release(struct head_run *r)
{
    if (!r->plan)
        return;
    head_task_release(&r->t);
    if (!r->plan->lora) {
        decoder_free(r->plan->w->s->decoder);
        r->plan->w->s->decoder = NULL;
    }
    adapter_weights_release(&r->adapter_weights);
}
