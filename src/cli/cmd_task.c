/* cmd_task.c -- `trivium task check`: what is wrong with a task. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/human.h"

struct task_args {
    const char *action, *dir, *model;
    bool json;
    trv_task_options o;
};

static const struct task_args task_defaults = {
    .o = TRV_TASK_OPTIONS_INIT,
};

static const struct opt_spec task_opts[] = {
    OPT_NEED_ARG(struct task_args, action, "check", .help = "what to do"),
    OPT_NEED_ARG(struct task_args, dir, "TASK",
                 .help = "the task: a folder with task.json"),
    OPT_TEXT(struct task_args, model, 'm', "model", .value = "PATH",
             .shown = "none: only what needs no model is checked",
             .help = CMD_MODEL_HELP),
    OPT_TEXT(struct task_args, o.data, 0, "data", .value = "DIR",
             .shown = "the task's folder",
             .help = "where files that the task names are looked for, too"),
    OPT_INT(struct task_args, o.max_inputs, 0, "max-inputs", .lo = 0,
            .hi = 100000, .unit = "inputs", .shown = "32",
            .help = "held-out rows that the metric is measured on"),
    OPT_FLAG(struct task_args, o.run_programs, 0, "run-programs",
             "start the outside programs that the task's rewards name"),
    OPT_FLAG(struct task_args, json, 'j', "json", "print one JSON object"),
    OPT_END,
};

/* ---- JSON ---------------------------------------------------------------- */

static json_t *
json_figure(const trv_figure *f)
{
    if (f->n <= 0 || !isfinite(f->mean))
        return json_null();
    return json_pack("{s:f,s:o,s:I}", "mean", f->mean, "stderr",
                     isfinite(f->stderr_) ? json_real(f->stderr_) : json_null(),
                     "n", (json_int_t)f->n);
}

static json_t *
json_rows(const trv_task_report *r)
{
    json_t *rows = json_object();

    for (int32_t i = 0; rows && trv_task_split(i); i++)
        if (json_object_set_new(rows, trv_task_split(i),
                                json_integer((json_int_t)r->rows[i]))) {
            json_decref(rows);
            rows = NULL;
        }
    return rows;
}

static json_t *
json_problems(const trv_task_report *r)
{
    json_t *list = json_array();

    for (int32_t i = 0; list && i < r->n_problems; i++)
        if (json_array_append_new(list,
                                  json_pack("{s:b,s:s}", "useless",
                                            (int)r->problems[i].useless, "text",
                                            r->problems[i].text))) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static bool
print_json(FILE *f, const trv_task_report *r)
{
    json_t *o =
        json_pack("{s:s,s:s?,s:o,s:s,s:o,s:o,s:o,s:b,s:o}", "name", r->name,
                  "says", r->says, "rows", json_rows(r), "metric", r->metric,
                  "base", json_figure(&r->base), "prompt",
                  json_figure(&r->prompt), "gain", json_figure(&r->gain),
                  "useless", (int)r->useless, "problems", json_problems(r));
    const bool good =
        o && json_dumpf(o, f, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0;

    json_decref(o);
    if (good)
        fputc('\n', f);
    return good;
}

/* ---- words --------------------------------------------------------------- */

static void
print_figure(FILE *f, const char *name, const trv_figure *v)
{
    char text[HUMAN_MAX];

    if (v->n > 0)
        fprintf(f, "%-8s %s\n", name, human_figure(text, v));
}

static void
print_words(FILE *f, const trv_task_report *r, bool color)
{
    fprintf(f, "%s%s%s%s%s\n", term_bold(color), r->name, term_plain(color),
            r->says ? ": " : "", r->says ? r->says : "");
    for (int32_t i = 0; trv_task_split(i); i++)
        if (r->rows[i])
            fprintf(f, "%s%s %lld", i ? ", " : "rows     ", trv_task_split(i),
                    (long long)r->rows[i]);
    fprintf(f, "\nmetric   %s\n", r->metric);
    print_figure(f, "base", &r->base);
    print_figure(f, "prompt", &r->prompt);
    for (int32_t i = 0; i < r->n_problems; i++)
        fprintf(f, "%s %s\n", r->problems[i].useless ? "useless:" : "warning:",
                r->problems[i].text);
    if (r->n_problems == 0)
        fputs("nothing is wrong with it\n", f);
}

static enum cli_exit
task_run(struct cli *cli, const void *args)
{
    const struct task_args *a = args;
    trv_task_report report = {0};
    trv_model *m = NULL;
    trv_err err = {0};
    enum cli_exit status;

    if (strcmp(a->action, "check") != 0)
        return cli_usage(cli, "'%.60s' is nothing to do with a task: check is",
                         a->action);
    if (a->model && cli_model_open(cli, &m, a->model, &err)) {
        status = cli_fail_err(cli, &err);
        goto done;
    }
    term_catch_interrupt();
    if (trv_task_check(m, &report, a->dir, &a->o, term_progress, &cli->term,
                       &err)) {
        term_done(&cli->term);
        status = cli_fail_err(cli, &err);
        goto done;
    }
    term_done(&cli->term);
    if (!a->json)
        print_words(cli->out, &report, cli->term.color_out);
    else if (!print_json(cli->out, &report) && !ferror(cli->out)) {
        status = cli_fail(cli, CLI_FAILURE, "no memory to print the report");
        goto done;
    }
    status = cli_finish(cli);
    if (!status && report.useless)
        status = CLI_BAD_FILE;
done:
    trv_task_report_release(&report);
    trv_model_free(m);
    return status;
}

const struct cmd_entry cmd_task = {
    .name = "task",
    .summary = "say what is wrong with a task before it is run",
    .description =
        "A task is a folder with task.json: rows of data, a metric, a reward, "
        "and what the sources at the vertices of the triangle are made from. "
        "docs/tasks.md says how to write one.\n\n"
        "The check reads all of it, compares its sets of rows with each other, "
        "and asks its checks about its own answers and pairs. With --model it "
        "also finds what does not fit the model, and measures the metric of "
        "the base and under the prompt. Each problem is one sentence. The exit "
        "status is that of a broken file where one makes the task useless.",
    .examples = "trivium task check tasks/manner\n"
                "trivium task check tasks/sst2 --data DATA --model MODEL",
    .opts = task_opts,
    .args_size = sizeof(struct task_args),
    .defaults = &task_defaults,
    .run = task_run,
};
