/* node_make.c -- from a node to a conversion. */
#include "triangle/node_make.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "transform/chain.h"

/* ---- options ------------------------------------------------------------- */

/* "--steps 300 --beta 0.1" of the task, cut apart in `words`. */
static int
take_words(struct node_options *out, trv_err *err)
{
    char *p = out->words;
    int rc = 0;

    while (!rc) {
        char *name, *value;

        p += strspn(p, " ");
        if (!*p)
            break;
        if (strncmp(p, "--", 2) != 0)
            return err_fail(err, TRV_EINVAL,
                            "'%.60s' is no option: it begins with --", p);
        name = p + 2;
        p += strcspn(p, " ");
        if (*p)
            *p++ = '\0';
        p += strspn(p, " ");
        value = *p && strncmp(p, "--", 2) != 0 ? p : NULL;
        if (value) {
            p += strcspn(p, " ");
            if (*p)
                *p++ = '\0';
        }
        rc = method_set_option(&out->o, name, value, err);
        if (!rc && sb_printf(&out->typed, " --%s%s%s", name, value ? " " : "",
                             value ? value : ""))
            rc = err_nomem(err, "for options");
    }
    return rc;
}

/* The options that every node has, where its method reads them. */
static int
take_task(struct node_options *out, const struct triangle *t,
          const struct tree_node *v, trv_err *err)
{
    const struct task *task = &t->tasks[v->task];
    const struct method_use *use = &out->choice.use;
    trv_convert_options *o = &out->o;
    int rc = 0;

    if (method_use_reads(use, "inputs")) {
        o->inputs = task->file[SPLIT_TRAIN];
        rc = sb_printf(&out->typed, " --inputs %s", task->file[SPLIT_TRAIN]);
    }
    if (!rc && method_use_reads(use, "max-tokens")) {
        o->max_tokens = task->max_tokens;
        rc = sb_printf(&out->typed, " --max-tokens %d", task->max_tokens);
    }
    return rc ? err_nomem(err, "for options") : 0;
}

int
node_options(struct node_options *out, const struct triangle *t,
             const struct tree_node *v, const char *cap, trv_err *err)
{
    const enum form from = v->forms[v->depth - 1], to = v->forms[v->depth];
    const char *words = task_options(&t->tasks[v->task], from, to, v->method);
    char *folder = triangle_folder(t, v);
    struct strbuf b = {0};
    int rc;

    *out = (struct node_options){.o = TRV_CONVERT_OPTIONS_INIT};
    rc = !folder || sb_printf(&b, "%s:%s", kind_name(v->kind), folder)
             ? err_nomem(err, "for options")
             : 0;
    mem_free(folder);
    out->to = sb_take(&b);
    if (!rc)
        rc = convert_choose(&out->choice, from, v->kind, v->method, false, err);
    if (rc)
        return rc;
    out->o.method = v->method;
    out->o.seed = v->seed;
    out->o.budget = cap;
    rc = take_task(out, t, v, err);
    if (!rc && words) {
        out->words = mem_strdup(words);
        rc = out->words ? take_words(out, err) : err_nomem(err, "for options");
    }
    return rc;
}

void
node_options_release(struct node_options *o)
{
    sb_release(&o->typed);
    mem_free(o->to);
    mem_free(o->words);
}

/* ---- before it ----------------------------------------------------------- */

static enum kind
kind_before(const struct triangle *t, const struct tree_node *v)
{
    const struct tree_node *p = &t->tree.nodes[v->parent];

    return p->role != ROLE_SOURCE ? p->kind
                                  : t->tasks[p->task].kinds[p->forms[0]];
}

int
node_plan(double *seconds, const struct triangle *t, const struct tree_node *v,
          struct adaptation *from, const char *cap, trv_err *err)
{
    struct node_options n = {0};
    struct budget_link link;
    struct budget b = {.s = t->s, .links = &link};
    trv_cost cost = {0};
    int rc = node_options(&n, t, v, cap, err);

    *seconds = 0.0;
    n.o.dry_run = true; // so that a rate is measured
    b.given = &n.o;
    if (!rc)
        rc = convert_add(&b, from, kind_before(t, v), n.to, &n.choice, &n.o,
                         err);
    if (!rc)
        rc = budget_fit(&b, NULL, err);
    if (!rc) {
        budget_to_cost(&cost, &b);
        *seconds = cost.planned_seconds;
    }
    budget_release(&b);
    node_options_release(&n);
    return rc;
}

/* ---- the work ------------------------------------------------------------ */

/* Has an earlier try left something to go on from? */
static int
is_stopped(bool *out, const char *to, trv_err *err)
{
    struct strbuf b = {0};

    if (sb_printf(&b, "%s.run", strchr(to, ':') + 1))
        return err_nomem(err, "for a node");
    *out = file_is_dir(b.s);
    sb_release(&b);
    return 0;
}

int
node_make(trv_cost *cost, const struct triangle *t, const struct tree_node *v,
          struct adaptation *from, trv_progress_fn progress, void *payload,
          trv_err *err)
{
    struct node_options n = {0};
    int rc = node_options(&n, t, v, t->cap, err);

    *cost = (trv_cost){0};
    n.o.replace = true;
    if (!rc)
        rc = is_stopped(&n.o.resume, n.to, err);
    if (!rc)
        rc = chain_run(t->s, cost, from, n.to, &n.o, progress, payload, err);
    if (rc == TRV_EMISMATCH && n.o.resume) { // of other sizes: begun anew
        n.o.resume = false;
        rc = chain_run(t->s, cost, from, n.to, &n.o, progress, payload, err);
    }
    node_options_release(&n);
    return rc;
}

/* ---- in words ------------------------------------------------------------ */

int
node_command(char **out, const struct triangle *t, int node, trv_err *err)
{
    const struct tree_node *v = &t->tree.nodes[node];
    char *from = triangle_spec_from(t, v);
    struct node_options n = {0};
    struct strbuf b = {0};
    int rc = from ? node_options(&n, t, v, t->cap, err)
                  : err_nomem(err, "for a command");

    *out = NULL;
    if (!rc && (sb_printf(&b,
                          "trivium convert --model %s --from '%s' --to %s "
                          "--method %s --seed %" PRIu64 "%s --budget %s",
                          t->s->model->path, from, n.to, v->method, v->seed,
                          n.typed.s ? n.typed.s : "", t->cap)))
        rc = err_nomem(err, "for a command");
    if (!rc && t->tasks[v->task].layout &&
        sb_printf(&b, " --layout %s", t->tasks[v->task].layout))
        rc = err_nomem(err, "for a command");
    if (!rc)
        *out = sb_take(&b);
    node_options_release(&n);
    mem_free(from);
    sb_release(&b);
    return rc == TRV_EINVAL ? 0 : rc; // the node's own row says what is wrong
}
