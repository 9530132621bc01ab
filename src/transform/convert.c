/* convert.c -- from two forms to an edge, and to the method that makes it. */
#include "transform/convert.h"

#include <string.h>

#include "adapt/reward/reward.h"
#include "base/nearest.h"
#include "base/strbuf.h"
#include "text/utf8.h"
#include "transform/edges/edges.h"
#include "transform/job.h"

static const struct edge *const edges[] = {
    &edge_prompt_to_params,
    &edge_params_to_params,
    &edge_params_to_prompt,
    &edge_prompt_to_prompt,
    &edge_params_to_reward,
    &edge_prompt_to_reward,
    &edge_reward_to_params,
    &edge_base_to_params,
    &edge_reward_to_prompt,
    &edge_base_to_prompt,
    NULL,
};

const struct edge *
convert_edge_at(int64_t i)
{
    const int64_t n = (int64_t)(sizeof(edges) / sizeof(*edges)) - 1;

    return i >= 0 && i < n ? edges[i] : NULL;
}

/* ---- which edge, which method ------------------------------------------- */

/* Add a name [n] to "lora, adapter", once. */
static int
add_once(struct strbuf *b, const char *name, size_t n)
{
    for (size_t at = 0; at < b->len;) {
        const size_t len = strcspn(b->s + at, ",");

        if (len == n && memcmp(b->s + at, name, n) == 0)
            return 0;
        at += len + strspn(b->s + at + len, ", ");
    }
    return sb_printf(b, "%s%.*s", b->len ? ", " : "", (int)n, name);
}

/* All kinds that an edge makes. */
static int
add_kinds(struct strbuf *b, const struct edge *e)
{
    int bad = 0;

    for (int i = 0; i < e->n; i++)
        for (const char *p = e->methods[i].info.makes; *p;) {
            const size_t n = strcspn(p, " ");

            bad |= add_once(b, p, n);
            p += n + strspn(p + n, " ");
        }
    return bad;
}

/* The methods of an edge that make a kind; BASE: all of them. */
static int
add_methods(struct strbuf *b, const struct edge *e, enum kind makes)
{
    int bad = 0;

    for (int i = 0; i < e->n; i++)
        if (makes == KIND_BASE || method_makes(&e->methods[i], makes))
            bad |= add_once(b, e->methods[i].info.name,
                            strlen(e->methods[i].info.name));
    return bad;
}

static int
find_edge(const struct edge **out, enum form from, enum form to, trv_err *err)
{
    struct strbuf known = {0};
    int bad = 0, rc;

    for (const struct edge *const *e = edges; *e; e++)
        if ((*e)->from == from && (*e)->to == to) {
            *out = *e;
            return 0;
        }
    for (const struct edge *const *e = edges; *e; e++) {
        struct strbuf kinds = {0};

        bad |= add_kinds(&kinds, *e);
        bad |= sb_printf(&known, "%s%s to %s (%s)", e == edges ? "" : ", ",
                         form_name((*e)->from), form_name((*e)->to),
                         kinds.s ? kinds.s : "");
        sb_release(&kinds);
    }
    rc = bad ? err_nomem(err, "to plan a conversion")
             : err_fail(err, TRV_EUNSUPPORTED,
                        "there is no conversion from %s to %s; there are %s",
                        form_name(from), form_name(to), known.s);
    sb_release(&known);
    return rc;
}

/* The first edge that has a method of this name; NULL: none has. */
static const char *
find_title(const char *name)
{
    for (const struct edge *const *e = edges; *e; e++)
        for (int i = 0; i < (*e)->n; i++)
            if (strcmp((*e)->methods[i].info.name, name) == 0)
                return (*e)->title;
    return NULL;
}

/* The kind is none of the edge, or the method makes another or is unknown. */
static int
no_method(const struct edge *e, enum kind makes, const char *name,
          bool is_known, trv_err *err)
{
    struct strbuf all = {0}, fit = {0}, kinds = {0};
    char hint[NEAREST_HINT];
    int rc;

    if (add_methods(&all, e, KIND_BASE) || add_methods(&fit, e, makes) ||
        add_kinds(&kinds, e))
        rc = err_nomem(err, "to plan a conversion");
    else if (!fit.len)
        rc = err_fail(err, TRV_EUNSUPPORTED,
                      "%s cannot become '%s'; it can become %s",
                      form_name(e->from), kind_name(makes), kinds.s);
    else if (is_known)
        rc = err_option(err, TRV_EUNSUPPORTED, "method",
                        "'%s' of %s to %s does not make '%s', which is "
                        "made by %s",
                        name, form_name(e->from), form_name(e->to),
                        kind_name(makes), fit.s);
    else if (find_title(name))
        rc = err_option(err, TRV_EUNSUPPORTED, "method",
                        "'%s' is one of %s; for %s to %s there are %s", name,
                        find_title(name), form_name(e->from), form_name(e->to),
                        all.s);
    else
        rc = err_option(err, TRV_EUNSUPPORTED, "method",
                        "'%.60s' is unknown for %s to %s; there are %s%s", name,
                        form_name(e->from), form_name(e->to), all.s,
                        nearest_hint(hint, name, strlen(name), all.s));
    sb_release(&all);
    sb_release(&fit);
    sb_release(&kinds);
    return rc;
}

int
convert_choose(struct convert_choice *out, enum form from, enum kind to,
               const char *method, bool has_pairs, trv_err *err)
{
    const struct method *usual = NULL, *named = NULL;
    bool is_known = false;
    int rc = find_edge(&out->edge, from, kind_form(to), err);

    for (int i = 0; !rc && i < out->edge->n; i++) {
        const struct method *m = &out->edge->methods[i];
        const bool is_it = method && strcmp(method, m->info.name) == 0;

        is_known |= is_it;
        if (!method_makes(m, to))
            continue;
        if (is_it)
            named = m;
        if (!usual || (has_pairs && !method_reads(usual, "pairs") &&
                       method_reads(m, "pairs")))
            usual = m;
    }
    if (rc)
        return rc;
    out->use = (struct method_use){method ? named : usual, to};
    return out->use.method
               ? 0
               : no_method(out->edge, to, method ? method : "", is_known, err);
}

/* ---- the door ----------------------------------------------------------- */

/* Manifests and fingerprints hold these as JSON, which is UTF-8. */
static int
check_words(const struct adaptation *from, const trv_convert_options *o,
            trv_err *err)
{
    const struct {
        const char *name, *words;
    } list[] = {
        {"from", from->spec},
        {"against", o->against},
        {"via", o->via},
        {"inputs", o->via ? o->inputs : NULL}, // a chain stores the path
        {"search-from", o->search.start},
        {"demos-template", o->evolve.demos_template},
        {"proposer-model", o->evolve.proposer_model},
        {"targets", o->lora.targets},
        {"pairs", o->via ? o->pairs : NULL},
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
        if (list[i].words &&
            !utf8_is_valid(list[i].words, strlen(list[i].words)))
            return err_option(err, TRV_EINVAL, list[i].name,
                              "is '%.200s', which is not UTF-8 and cannot be "
                              "written in '%s'",
                              list[i].words, ARTEFACT_MANIFEST);
    return 0;
}

int
convert_check(const struct adaptation *from, const trv_convert_options *opts,
              trv_err *err)
{
    const int rc = method_check_options(opts, err);

    return rc ? rc : check_words(from, opts, err);
}

int
convert_check_read(const struct convert_choice *list, int n,
                   const trv_convert_options *o, trv_err *err)
{
    struct method_use uses[CONVERT_LINKS_MAX];

    TRV_ASSERT(n <= CONVERT_LINKS_MAX);
    for (int i = 0; i < n; i++)
        uses[i] = list[i].use;
    return method_check_read(uses, n, o, edges, err);
}

/* Is an adaptation, or a part of it, of a mix or of weights of its own? */
static bool
has_one_stream(const struct adaptation *a)
{
    return a->kind != KIND_MIX && a->kind != KIND_FULL && !a->full;
}

/* The closed form follows one stream of this model. */
static bool
solves(const struct convert_job *job)
{
    return strcmp(job->method->info.name, "solve") == 0 ||
           (method_reads(job->method, "init") &&
            strcmp(job->opts->init, "solve") == 0);
}

int
convert_refuse(const struct convert_job *job, trv_err *err)
{
    const trv_convert_options *o = job->opts;
    static const char line[] = "{\"prompt\": \"what is sampled\"}\n";
    struct data sampled = {0};
    int rc;

    if (!job->from)
        return 0;
    if (solves(job) && !has_one_stream(job->from))
        return err_fail(err, TRV_EUNSUPPORTED,
                        "solve follows one stream of this model, and '%.200s' "
                        "is %s; --method distill learns from it",
                        job->from->spec,
                        job->from->kind == KIND_MIX ? "a mix of several"
                                                    : "another model");
    /* Distillation takes rewards of tokens alone, which need no column, and
     * says so. */
    if (job->from->form != FORM_REWARD || o->inputs || o->pairs ||
        method_reads(job->method, "on-policy"))
        return 0;
    rc = data_parse(&sampled, "sampled.jsonl", line, sizeof(line) - 1, err);
    if (!rc)
        rc = reward_check_rows(job->from, sampled.rows, sampled.n, err);
    if (rc && rc != TRV_ENOMEM)
        rc = err_fail(err, TRV_EINVAL,
                      "'%.200s' compares with a column of the inputs, and "
                      "inputs that the model samples have none: give a file "
                      "(--inputs)",
                      job->from->spec);
    data_release(&sampled);
    return rc;
}

int
convert_add(struct budget *b, struct adaptation *from, enum kind made,
            const char *to, const struct convert_choice *choice,
            const trv_convert_options *opts, trv_err *err)
{
    struct convert_job job = {.s = b->s,
                              .method = choice->use.method,
                              .edge = choice->edge->name,
                              .from = from,
                              .any_words = strncmp(to, "prompt:", 7) == 0,
                              .opts = opts};
    int rc = adaptation_target(&job.to, &job.out, to, err);

    if (!rc)
        rc = convert_refuse(&job, err);
    if (!rc)
        rc = view_ready(from, b->s->be, err);
    if (rc)
        return rc;
    budget_add(b, &job, made, opts);
    /* by the options with the method's defaults */
    return job.method->refuse ? job.method->refuse(&b->links[b->n - 1].job, err)
                              : 0;
}

int
convert_link(struct budget *b, int i, trv_cost *cost, struct adaptation *from,
             struct outdir *held, trv_progress_fn progress, void *payload,
             trv_err *err)
{
    struct cost_progress report = {.plan = &b->links[i].likely,
                                   .rate = b->is_measured ? &b->rate : NULL,
                                   .after = budget_after(b, i),
                                   .progress = progress,
                                   .payload = payload};
    struct convert_job job = b->links[i].job;
    int rc;

    *cost = (trv_cost){0};
    job.from = from;
    job.is_to_come = false;
    job.held = held;
    job.progress = progress ? cost_report : NULL;
    job.payload = &report;
    rc = view_ready(from, b->s->be, err);
    return rc ? rc : job.method->run(&job, cost, err);
}

int
convert_run(struct session *s, trv_cost *cost, struct adaptation *from,
            const char *to, const trv_convert_options *opts,
            trv_progress_fn progress, void *payload, trv_err *err)
{
    struct budget_link link;
    struct budget b = {.s = s, .given = opts, .links = &link};
    struct convert_choice choice;
    json_t *kept = NULL;
    const char *out;
    enum kind kind;
    int rc = adaptation_target(&kind, &out, to, err);

    *cost = (trv_cost){0};
    if (!rc)
        rc = convert_check(from, opts, err);
    if (!rc)
        rc = convert_choose(&choice, from->form, kind, opts->method,
                            opts->pairs != NULL, err);
    if (!rc)
        rc = convert_check_read(&choice, 1, opts, err);
    if (!rc)
        rc = method_check_pairs(opts, err);
    if (!rc)
        rc = convert_add(&b, from, kind, to, &choice, opts, err);
    if (!rc && opts->resume)
        rc = budget_read_kept(&kept, out, err);
    if (!rc)
        rc = budget_fit(&b, kept, err);
    if (!rc) {
        budget_tell(&b);
        if (!opts->dry_run)
            rc = convert_link(&b, 0, cost, from, NULL, progress, payload, err);
        budget_to_cost(cost, &b);
    }
    json_decref(kept);
    budget_release(&b);
    return rc;
}
