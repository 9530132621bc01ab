/* api.c -- the public calls: a thin wall around session, adaptation, convert
 * and measure. Generation, which also handles text, is in api_generate.c.
 */
#include <stdlib.h>
#include <string.h>

#include "adapt/output.h"
#include "adapt/adaptation.h"
#include "adapt/reward/reward_conf.h"
#include "adapt/reward/verifier.h"
#include "api/api.h"
#include "api/api_note.h"
#include "measure/measure.h"
#include "measure/score.h"
#include "model/files/hub.h"
#include "model/files/writer.h"
#include "transform/chain.h"
#include "transform/convert.h"

const char *
trv_version(void)
{
    return TRIVIUM_VERSION;
}

void
trv_free(void *p)
{
    mem_free(p);
}

static int
backend_wish(struct backend_options *out, const trv_model_options *opts,
             trv_err *err)
{
    static const trv_model_options defaults = TRV_MODEL_OPTIONS_INIT;
    static const char *const names[] = {"auto", "f32", "bf16"};

    opts = opts ? opts : &defaults;
    if (opts->version != 1)
        return err_fail(err, TRV_EINVAL, "model options have version %u, not 1",
                        opts->version);
    *out = (struct backend_options){.threads = opts->threads, .isa = opts->isa};
    if (opts->threads < 0 || opts->threads > 4096)
        return err_fail(err, TRV_ERANGE, "threads is %d, outside 0 to 4096",
                        opts->threads);
    for (int i = 0; i < 3; i++)
        if (!opts->precision || strcmp(opts->precision, names[i]) == 0) {
            out->prec = opts->precision ? (enum precision)i : PREC_AUTO;
            return 0;
        }
    return err_fail(err, TRV_EINVAL,
                    "precision '%s' is unknown; there are auto, f32, bf16",
                    opts->precision);
}

int
trv_model_open(trv_model **out, const char *path, const trv_model_options *opts,
               trv_err *err)
{
    struct backend_options wish;
    trv_model *m;
    int rc;

    *out = NULL;
    rc = backend_wish(&wish, opts, err);
    if (rc)
        return rc;
    m = mem_calloc(1, sizeof(*m));
    if (!m)
        return err_fail(err, TRV_ENOMEM, "no memory to open '%s'", path);
    rc = session_open(&m->s, path, &wish, err);
    if (!rc && opts && opts->chat_template)
        rc = model_open_chat(m->s->model, opts->chat_template, err);
    if (!rc && opts)
        rc = model_set_layout(m->s->model, opts->layout, err);
    if (!rc && opts && opts->base_name)
        rc = model_set_origin(m->s->model, opts->base_name, err);
    if (rc) {
        trv_model_free(m);
        return rc;
    }
    *out = m;
    return 0;
}

void
trv_model_free(trv_model *m)
{
    if (!m)
        return;
    session_free(m->s);
    mem_free(m);
}

int64_t
trv_model_context(const trv_model *m)
{
    return m->s->model->cfg.context;
}

const char *
trv_model_notes(const trv_model *m)
{
    const struct strbuf *notes = &m->s->model->notes;

    return notes->s ? notes->s : "";
}

bool
trv_model_has_chat(const trv_model *m)
{
    return m->s->model->chat != NULL;
}

int
api_need_tokenizer(const trv_model *m, trv_err *err)
{
    if (m->s->model->tokenizer)
        return 0;
    return err_fail(err, TRV_EFORMAT, "'%s' has no tokenizer",
                    m->s->model->path);
}

int
api_need_model(const trv_model *m, trv_err *err)
{
    const int rc = model_need_weights(m->s->model, err);

    return rc ? rc : api_need_tokenizer(m, err);
}

int
trv_tokenize(const trv_model *m, int32_t **ids, int64_t *n_ids,
             const char *text, size_t n, bool special, trv_err *err)
{
    struct ids list = {0};
    int rc = api_need_tokenizer(m, err);

    *ids = NULL;
    *n_ids = 0;
    if (!rc)
        rc = tokenizer_encode(m->s->model->tokenizer, &list, text, n, special,
                              err);
    if (rc) {
        ids_release(&list);
        return rc;
    }
    *ids = list.v;
    *n_ids = list.n;
    return 0;
}

int
trv_detokenize(const trv_model *m, char **text, size_t *n, const int32_t *ids,
               int64_t n_ids, bool skip_special, trv_err *err)
{
    struct strbuf b = {0};
    int rc = api_need_tokenizer(m, err);

    *text = NULL;
    *n = 0;
    if (!rc)
        rc = tokenizer_decode(m->s->model->tokenizer, &b, ids, n_ids,
                              skip_special, err);
    if (rc) {
        sb_release(&b);
        return rc;
    }
    *n = b.len;
    *text = sb_take(&b);
    return *text ? 0 : err_fail(err, TRV_ENOMEM, "no memory for the text");
}

/* --- adaptations --- */

int
trv_adaptation_open(trv_adaptation **out, trv_model *m, const char *spec,
                    bool any_base, trv_err *err)
{
    trv_adaptation *a;
    int rc = model_need_weights(m->s->model, err);

    *out = NULL;
    if (rc)
        return rc;
    a = mem_calloc(1, sizeof(*a));
    if (!a)
        return err_fail(err, TRV_ENOMEM, "no memory to open '%s'", spec);
    rc = adaptation_open(&a->inner, m->s->model,
                         m->s->identified ? &m->s->id : NULL, spec, any_base,
                         err);
    if (rc) {
        mem_free(a);
        return rc;
    }
    *out = a;
    return 0;
}

int
trv_adaptation_open_mix(trv_adaptation **out, trv_model *m,
                        const char *const *specs, int32_t n, bool any_base,
                        trv_err *err)
{
    trv_adaptation *a;
    int rc = model_need_weights(m->s->model, err);

    *out = NULL;
    if (rc)
        return rc;
    if (n < 1)
        return err_fail(err, TRV_EINVAL, "a mix of no adaptation");
    a = mem_calloc(1, sizeof(*a));
    if (!a)
        return err_fail(err, TRV_ENOMEM, "no memory for a mix");
    rc = adaptation_open_mix(&a->inner, m->s->model,
                             m->s->identified ? &m->s->id : NULL, specs, n,
                             any_base, err);
    if (rc) {
        mem_free(a);
        return rc;
    }
    *out = a;
    return 0;
}

void
trv_adaptation_free(trv_adaptation *a)
{
    if (!a)
        return;
    adaptation_free(a->inner);
    sb_release(&a->use_notes);
    mem_free(a);
}

const char *
trv_adaptation_kind(const trv_adaptation *a)
{
    return kind_name(a->inner->kind);
}

const char *
trv_adaptation_notes(const trv_adaptation *a)
{
    const struct strbuf *notes = &a->inner->notes;

    return notes->s ? notes->s : "";
}

const char *
trv_adaptation_use_notes(trv_adaptation *a)
{
    sb_reset(&a->use_notes);
    if (adaptation_use_notes(&a->use_notes, a->inner, NULL))
        return "";
    return a->use_notes.s ? a->use_notes.s : "";
}

static const struct kind_row *
spec_at(const char *form, int32_t i)
{
    const struct kind_row *row;

    for (int k = 0; (row = kind_row_at(k)); k++)
        if (row->usage &&
            (!form || !strcmp(form, form_name(kind_form(row->kind)))) &&
            i-- == 0)
            return row;
    return NULL;
}

const char *
trv_spec_usage(const char *form, int32_t i)
{
    const struct kind_row *row = spec_at(form, i);

    return row ? row->usage : NULL;
}

const char *
trv_spec_summary(const char *form, int32_t i)
{
    const struct kind_row *row = spec_at(form, i);

    return row ? row->summary : NULL;
}

const char *
trv_spec_example(const char *form, int32_t i)
{
    const struct kind_row *row = spec_at(form, i);

    return row ? row->example : NULL;
}

static const struct conf_option *
options_of(const char *of)
{
    const struct kind_row *row;

    if (strncmp(of, "verifier:", 9) == 0)
        return verifier_options(of + 9);
    for (int k = 0; (row = kind_row_at(k)); k++)
        if (row->prefix && strcmp(row->prefix, of) == 0)
            return row->options;
    return NULL;
}

const trv_spec_option *
trv_spec_option_at(const char *of, int32_t i)
{
    const struct conf_option *o = options_of(of);

    for (; o && o->info.name; o++)
        if (i-- == 0)
            return &o->info;
    return NULL;
}

const trv_check *
trv_check_at(int32_t i)
{
    return verifier_check_at(i);
}

/* --- conversion and measurement --- */

trv_convert_options
trv_convert_options_init(void)
{
    return (trv_convert_options)TRV_CONVERT_OPTIONS_INIT;
}

const char *
trv_edge_at(int32_t edge)
{
    const struct edge *e = convert_edge_at(edge);

    return e ? e->title : NULL;
}

const trv_method *
trv_method_at(int32_t edge, int32_t i)
{
    const struct edge *e = convert_edge_at(edge);

    return e && i >= 0 && i < e->n ? &e->methods[i].info : NULL;
}

const char *
trv_kind_options(const char *kind)
{
    return method_kind_options(kind);
}

int
api_check_out(const char *to, bool replace, trv_err *err)
{
    const char *out;
    enum kind kind;
    int rc = adaptation_target(&kind, &out, to, err);

    return rc ? rc : outdir_check(out, replace, err);
}

int
trv_convert(trv_model *m, trv_cost *cost, const trv_adaptation *from,
            const char *to, const trv_convert_options *opts,
            trv_progress_fn progress, void *payload, trv_err *err)
{
    static const trv_convert_options defaults = TRV_CONVERT_OPTIONS_INIT;
    trv_cost unused;
    int rc = api_need_model(m, err);

    opts = opts ? opts : &defaults;
    if (!rc && opts->dry_run && !opts->resume)
        rc = api_check_out(to, opts->replace, err);
    return rc ? rc
              : chain_run(m->s, cost ? cost : &unused, from->inner, to, opts,
                          progress, payload, err);
}

int
trv_model_create(const char *path, const char *from, uint64_t seed,
                 bool replace, trv_err *err)
{
    struct hub_place place;
    struct outdir dir;
    int rc = hub_find(&place, from, HUB_CONFIG, err);

    if (rc)
        return rc;
    rc = outdir_init(&dir, path, err);
    if (rc)
        goto done;
    rc = output_lock_model(&dir, replace, err);
    if (!rc)
        rc = writer_scratch(writer_to(&dir), place.path, seed, err);
    if (!rc)
        rc = outdir_commit(&dir, err);
    outdir_release(&dir);
done:
    hub_release(&place);
    return rc;
}

int
trv_score(trv_model *m, trv_scores *out, const trv_adaptation *a,
          const trv_score_options *opts, trv_progress_fn progress,
          void *payload, trv_err *err)
{
    static const trv_score_options defaults = TRV_SCORE_OPTIONS_INIT;
    int rc = api_need_model(m, err);

    *out = (trv_scores){0};
    return rc ? rc
              : score_run(m->s, out, a ? a->inner : NULL,
                          opts ? opts : &defaults, progress, payload, err);
}

void
trv_scores_release(trv_scores *s)
{
    score_release(s);
}

int
trv_measure(trv_model *m, trv_measurement *out, const trv_adaptation *source,
            const trv_adaptation *target, const trv_measure_options *opts,
            trv_progress_fn progress, void *payload, trv_err *err)
{
    static const trv_measure_options defaults = TRV_MEASURE_OPTIONS_INIT;
    struct measured_on on;
    int rc = api_need_model(m, err);

    memset(out, 0, sizeof(*out));
    opts = opts ? opts : &defaults;
    if (!rc && opts->note)
        rc = api_note_check(target ? target->inner : NULL, err);
    if (!rc)
        rc = measure_run(m->s, out, &on, source->inner,
                         target ? target->inner : NULL, target != NULL,
                         opts->task ? opts->task->inner : NULL, opts, progress,
                         payload, err);
    if (rc || !opts->note)
        return rc;
    rc = api_note(out, &on, source->inner, target->inner, opts, err);
    if (rc) {
        trv_measurement_release(out);
        memset(out, 0, sizeof(*out));
    }
    return rc;
}

void
trv_measurement_release(trv_measurement *r)
{
    measure_release(r);
}

int
trv_measurement_json(char **json, const trv_measurement *r, trv_err *err)
{
    return measure_json(json, r, err);
}
