/* chain.c -- several conversions in a row; each is an edge of convert.c. */
#include "transform/chain.h"

#include <stdlib.h>
#include <string.h>

#include "adapt/output.h"
#include "base/json.h"
#include "base/seal.h"
#include "learn/options.h"
#include "learn/loop/run_state.h"
#include "transform/job.h"

#define CHAIN_FILE "chain.json"
#define DONE_FILE "done.json" // {"done": links that are whole}

/* One conversion: what it makes and where. */
struct link {
    char *path, *to; // "OUT.via/1-lora", "lora:OUT.via/1-lora"
    char *method;    // NULL: the default
    enum kind makes;
    bool takes_pairs; // those that were given: the first link that reads them
    struct convert_choice choice;
};

struct chain {
    struct outdir out;            // the result, held from the first link on
    char *dir, *file, *done_file; // OUT.via; the fingerprint, what is done
    struct link links[CONVERT_LINKS_MAX];
    int64_t n;      // the last link is the result
    enum kind kind; // of the result
    json_t *fingerprint;
    struct budget_link budget[CONVERT_LINKS_MAX];
};

static void
chain_release(struct chain *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        mem_free(c->links[i].path);
        mem_free(c->links[i].to);
        mem_free(c->links[i].method);
    }
    json_decref(c->fingerprint);
    outdir_release(&c->out);
    mem_free(c->file);
    mem_free(c->done_file);
    mem_free(c->dir);
}

/* What a form stands for behind another. */
static enum kind
usual_kind(enum form form, enum form before)
{
    switch (form) {
    case FORM_PARAMS:
        return KIND_LORA;
    case FORM_PROMPT:
        return before == FORM_REWARD ? KIND_TEXT : KIND_PREFIX;
    default:
        return before == FORM_PROMPT ? KIND_CONTRAST : KIND_RATIO;
    }
}

static int
name_kind(enum kind *out, const char *name, size_t n, enum form before,
          trv_err *err)
{
    for (int f = FORM_PARAMS; f < FORM_COUNT; f++)
        if (strlen(form_name((enum form)f)) == n &&
            strncmp(form_name((enum form)f), name, n) == 0) {
            *out = usual_kind((enum form)f, before);
            return 0;
        }
    for (int k = KIND_BASE + 1; k < KIND_COUNT; k++)
        if (strlen(kind_name((enum kind)k)) == n &&
            strncmp(kind_name((enum kind)k), name, n) == 0) {
            *out = (enum kind)k;
            return 0;
        }
    if (kind_nearest(name, n))
        return err_fail(err, TRV_EINVAL,
                        "'%.*s' is no kind; did you mean '%s'?", (int)n, name,
                        kind_nearest(name, n));
    return err_fail(err, TRV_EINVAL,
                    "'%.*s' is no form to go through: give params, reward, "
                    "prompt, or a kind such as lora",
                    (int)(n < 100 ? n : 100), name);
}

static int
add_link(struct chain *c, enum kind kind, const char *prefix, const char *path,
         trv_err *err)
{
    struct link *l = &c->links[c->n];
    struct strbuf b = {0};

    if (c->n == CONVERT_LINKS_MAX)
        return err_fail(err, TRV_EINVAL, "a chain has more than %d links",
                        CONVERT_LINKS_MAX);
    c->n++;
    if (path ? sb_puts(&b, path)
             : sb_printf(&b, "%s/%lld-%s", c->dir, (long long)c->n,
                         kind_name(kind)))
        return err_nomem(err, "to plan a chain");
    l->path = sb_take(&b);
    if (!l->path || sb_printf(&b, "%s:%s", prefix, l->path) != 0)
        return err_nomem(err, "to plan a chain");
    l->to = sb_take(&b);
    l->makes = kind;
    return l->to ? 0 : err_nomem(err, "to plan a chain");
}

/* One method is the last link's; several are one for each. */
static int
take_methods(struct chain *c, const char *methods, trv_err *err)
{
    int64_t names = 1, at;

    if (!methods)
        return 0;
    for (const char *p = methods; *p; p++)
        names += *p == ',';
    if (names != 1 && names != c->n)
        return err_fail(err, TRV_EINVAL,
                        "%lld methods for a chain of %lld conversions: give "
                        "one, or one for each",
                        (long long)names, (long long)c->n);
    at = names == 1 ? c->n - 1 : 0;
    for (const char *p = methods; at < c->n; at++) {
        const size_t n = strcspn(p, ",");

        if (n > 0) {
            c->links[at].method = mem_strndup(p, n);
            if (!c->links[at].method)
                return err_nomem(err, "to plan a chain");
        }
        p += n + (p[n] == ',');
    }
    return 0;
}

/* Choose the method of each link; every option must be read by one of them.
 * Given pairs go to the first link that reads such. */
static int
choose_methods(struct chain *c, enum form from, const trv_convert_options *o,
               trv_err *err)
{
    struct convert_choice list[CONVERT_LINKS_MAX];
    bool has_pairs = o->pairs != NULL;
    int rc = 0;

    for (int64_t i = 0; i < c->n && !rc; i++) {
        struct link *l = &c->links[i];

        rc = convert_choose(&l->choice, from, l->makes, l->method, has_pairs,
                            err);
        if (rc)
            break;
        l->takes_pairs =
            has_pairs && method_reads(l->choice.use.method, "pairs");
        has_pairs = has_pairs && !l->takes_pairs;
        list[i] = l->choice;
        from = kind_form(l->makes);
    }
    return rc ? rc : convert_check_read(list, (int)c->n, o, err);
}

/* What a chain that goes on must agree on; what a link learns with is in the
 * fingerprint of its own run, too, but that is gone when it is done. */
static int
chain_to_json(struct chain *c, const struct session *s,
              const struct adaptation *from, const trv_convert_options *o,
              const struct model_identity *id, trv_err *err)
{
    char seed[24];

    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)o->seed);
    c->fingerprint = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "from", from->spec, "via", o->via,
        "weights", id->weights, "inputs", o->inputs ? o->inputs : "", "seed",
        seed, "precision", s->be->prec == PREC_BF16 ? "bf16" : "f32", "method",
        o->method ? o->method : "");
    if (!c->fingerprint)
        return err_nomem(err, "to plan a chain");
    return method_set_options_to_json(c->fingerprint, o, err);
}

static int
plan(struct chain *c, struct session *s, const struct adaptation *from,
     const char *to, const trv_convert_options *o, trv_err *err)
{
    const struct model_identity *id;
    struct strbuf b = {0};
    enum form before = from->form;
    const char *out = NULL;
    enum kind kind = KIND_BASE;
    int rc = adaptation_target(&kind, &out, to, err);

    if (!rc)
        rc = outdir_init(&c->out, out, err);
    if (rc)
        return rc;
    if (sb_printf(&b, "%s.via", c->out.name)) {
        sb_release(&b);
        return err_nomem(err, "to plan a chain");
    }
    c->dir = sb_take(&b);
    c->file = c->dir ? path_join(c->dir, CHAIN_FILE) : NULL;
    c->done_file = c->dir ? path_join(c->dir, DONE_FILE) : NULL;
    if (!c->file || !c->done_file)
        return err_nomem(err, "to plan a chain");
    for (const char *p = o->via; !rc;) {
        const size_t n = strcspn(p, ",");
        enum kind step = KIND_BASE;

        /* What is a reward already goes through that form as it stands. */
        if (from->form == FORM_REWARD && p == o->via && n == 6 &&
            strncmp(p, "reward", 6) == 0) {
            if (!p[n])
                break;
            p += n + 1;
            continue;
        }
        rc = name_kind(&step, p, n, before, err);
        if (!rc)
            rc = add_link(c, step, kind_name(step), NULL, err);
        before = kind_form(step);
        if (!p[n])
            break;
        p += n + 1;
    }
    if (!rc)
        rc = add_link(c, kind,
                      strncmp(to, "prompt:", 7) == 0 ? "prompt" // as asked for
                                                     : kind_name(kind),
                      c->out.name, err);
    c->kind = kind;
    if (!rc)
        rc = take_methods(c, o->method, err);
    if (!rc)
        rc = choose_methods(c, from->form, o, err);
    if (!rc)
        rc = session_identity(s, &id, err);
    return rc ? rc : chain_to_json(c, s, from, o, id, err);
}

/* Lock OUT, and write OUT.via for this chain, or check that it is this
 * chain's. */
static int
lock_output(struct chain *c, const trv_convert_options *o, bool *goes_on,
            trv_err *err)
{
    json_t *was = NULL;
    int rc = output_lock(&c->out, c->kind, o->replace, err);

    if (rc)
        return rc;
    *goes_on = o->resume && file_exists(c->file);
    if (*goes_on) {
        rc = seal_open(&was, c->file, err);
        if (!rc)
            rc = run_state_compare(was, c->fingerprint, c->file, err);
        json_decref(was);
        return rc;
    }
    if (file_exists(c->dir) && !file_exists(c->file) && !dir_is_empty(c->dir))
        return err_fail(err, TRV_EEXIST,
                        "'%s' holds something else: the chain's links would "
                        "lie there",
                        c->dir);
    (void)remove(c->done_file); // of a chain before this one
    rc = dir_make(c->dir, err);
    return rc ? rc : seal_write(c->file, c->fingerprint, err);
}

/* How many links this chain has finished: a folder alone may be of another. */
static int
read_done(int64_t *done, const struct chain *c, trv_err *err)
{
    json_t *obj = NULL;
    int rc = 0;

    *done = 0;
    if (file_exists(c->done_file))
        rc = seal_open(&obj, c->done_file, err);
    if (obj)
        *done = json_integer_value(json_object_get(obj, "done"));
    json_decref(obj);
    return rc;
}

static int
write_done(const struct chain *c, int64_t done, trv_err *err)
{
    json_t *obj = json_pack("{s:I}", "done", (json_int_t)done);
    const int rc = obj ? seal_write(c->done_file, obj, err)
                       : err_nomem(err, "to go on with a chain");

    json_decref(obj);
    return rc;
}

static void
add_cost(trv_cost *sum, const trv_cost *one)
{
    sum->seconds += one->seconds;
    sum->tokens += one->tokens;
    sum->flop += one->flop;
    sum->drawn_tokens += one->drawn_tokens;
    sum->final_loss = one->final_loss;
    if (one->peak_bytes > sum->peak_bytes)
        sum->peak_bytes = one->peak_bytes;
    sum->artefact_bytes = one->artefact_bytes;
    sum->steps += one->steps;
    sum->samples += one->samples;
}

/* The options of link i: those that are of the whole chain go. */
static trv_convert_options
options_of(const struct chain *c, int64_t i, const trv_convert_options *opts)
{
    trv_convert_options o = *opts;

    o.via = NULL;
    o.replace = opts->replace || i < c->n - 1;
    if (c->links[i].takes_pairs)
        o.inputs = NULL; // those of the other links
    else
        o.pairs = NULL;
    return o;
}

/* Cuts of a chain that goes on: those of its links, in its fingerprint. */
static int
read_kept(json_t **kept, const struct chain *c, trv_err *err)
{
    json_t *was = NULL;
    int rc = 0;

    *kept = NULL;
    if (file_exists(c->file))
        rc = seal_open(&was, c->file, err);
    if (!rc && was) {
        const json_t *cut = json_object_get(was, JOB_CUT);

        *kept = cut ? json_incref((json_t *)(uintptr_t)cut) : json_array();
        rc = *kept ? 0 : err_nomem(err, "to plan a chain");
    }
    json_decref(was);
    return rc;
}

/* What was cut becomes part of the fingerprint. */
static int
note_cuts(struct chain *c, const struct budget *b, trv_err *err)
{
    json_t *list = json_array();
    bool any = false, bad = !list;

    for (int i = 0; i < b->n && !bad; i++) {
        json_t *cut = b->links[i].cut;

        any = any || cut;
        bad = json_array_append_new(list,
                                    cut ? json_incref(cut) : json_null()) != 0;
    }
    if (!bad && any)
        bad = json_object_set(c->fingerprint, JOB_CUT, list) != 0;
    json_decref(list);
    return bad ? err_nomem(err, "to plan a chain") : 0;
}

/* Plan all links before the first, and say it. */
static int
plan_cost(struct budget *b, struct chain *c, struct adaptation *from,
          const trv_convert_options *opts, trv_err *err)
{
    json_t *kept = NULL;
    int rc = 0;

    for (int64_t i = 0; i < c->n && !rc; i++) {
        const trv_convert_options o = options_of(c, i, opts);

        rc = convert_add(b, i ? NULL : from,
                         i ? c->links[i - 1].makes : KIND_BASE, c->links[i].to,
                         &c->links[i].choice, &o, err);
    }
    if (!rc && opts->resume)
        rc = read_kept(&kept, c, err);
    if (!rc)
        rc = budget_fit(b, kept, err);
    json_decref(kept);
    if (!rc)
        rc = note_cuts(c, b, err);
    if (!rc)
        budget_tell(b);
    return rc;
}

/* The links that are not done, one after the other. */
static int
run_links(struct chain *c, struct budget *b, trv_cost *cost,
          struct adaptation *from, const struct model_identity *id,
          const trv_convert_options *opts, trv_progress_fn progress,
          void *payload, trv_err *err)
{
    const struct convert_job job = {.opts = opts};
    struct adaptation *at = NULL; // what the link before has made
    bool goes_on = false;
    int64_t done = 0;
    int rc = lock_output(c, opts, &goes_on, err);

    if (!rc && goes_on)
        rc = read_done(&done, c, err);
    for (int64_t i = 0; i < c->n && !rc; i++) {
        const struct link *l = &c->links[i];
        const bool last = i == c->n - 1;
        trv_cost one = {0};

        /* Those behind the one that was stopped have not begun. */
        b->links[i].o.resume = goes_on && i == done;
        if (last || i >= done || !artefact_is(l->path)) {
            job_log(&job, "link %lld of %lld: %s to %s", (long long)i + 1,
                    (long long)c->n, at ? at->spec : from->spec, l->to);
            rc = convert_link(b, (int)i, &one, at ? at : from,
                              last ? &c->out : NULL, progress, payload, err);
            add_cost(cost, &one);
        }
        if (rc || last)
            continue;
        adaptation_free(at);
        at = NULL;
        rc = i < done ? 0 : write_done(c, i + 1, err);
        if (!rc)
            rc = adaptation_open(&at, b->s->model, id, l->path, false, err);
    }
    adaptation_free(at);
    return rc;
}

int
chain_run(struct session *s, trv_cost *cost, struct adaptation *from,
          const char *to, const trv_convert_options *opts,
          trv_progress_fn progress, void *payload, trv_err *err)
{
    const struct model_identity *id = NULL;
    struct chain c = {0};
    struct budget b = {.s = s, .given = opts, .links = c.budget};
    int rc;

    *cost = (trv_cost){0};
    if (!opts->via || !*opts->via)
        return convert_run(s, cost, from, to, opts, progress, payload, err);
    rc = convert_check(from, opts, err); // before a fingerprint holds them
    if (!rc)
        rc = plan(&c, s, from, to, opts, err);
    if (!rc)
        rc = session_identity(s, &id, err);
    if (!rc)
        rc = plan_cost(&b, &c, from, opts, err);
    if (!rc && !opts->dry_run)
        rc = run_links(&c, &b, cost, from, id, opts, progress, payload, err);
    if (!rc)
        budget_to_cost(cost, &b);
    budget_release(&b);
    chain_release(&c);
    return rc;
}
