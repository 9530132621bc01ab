/* cmd_triangle.c -- `trivium triangle`, `trivium runs`, `trivium report`. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/textio.h"
#include "cli/triangle_page.h"
#include "cli/triangle_read.h"
#include "cli/triangle_table.h"

#define RUNS_DIR "out/triangle"

/* ---- triangle ------------------------------------------------------------ */

struct triangle_args {
    const char *model, *out;
    struct opt_list tasks;
    bool json;
    trv_triangle_options o;
};

static const struct triangle_args triangle_defaults = {
    .out = RUNS_DIR,
    .o = TRV_TRIANGLE_OPTIONS_INIT,
};

static const struct opt_spec triangle_opts[] = {
    OPT_TEXT(struct triangle_args, model, 'm', "model", .value = "PATH",
             .required = true, .help = CMD_MODEL_HELP),
    OPT_LIST(struct triangle_args, tasks, 0, "task", .value = "DIR",
             .required = true,
             .help = "a task: a folder with task.json; may be repeated"),
    OPT_TEXT(struct triangle_args, out, 'o', "out", .value = "DIR",
             .help = "the folder of the run: artefacts, figures, report"),
    OPT_TEXT(struct triangle_args, o.data, 0, "data", .value = "DIR",
             .shown = "the task's folder",
             .help = "where files that tasks name are looked for, too"),
    OPT_FLAG(struct triangle_args, json, 'j', "json",
             "print the report as one JSON object"),
    OPT_GROUP("What to run"),
    OPT_TEXT(struct triangle_args, o.budget, 0, "budget", .value = "TIME",
             .shown = "1h",
             .help = "of the whole, as in 45m or 12h: sizes are cut to fit, "
                     "and then what says least is left out; none takes all"),
    OPT_INT(struct triangle_args, o.seeds, 0, "seeds", .lo = 1, .hi = 100,
            .help = "runs of each task, each by a seed of its own"),
    OPT_SEED(struct triangle_args, o.seed, 's', "seed",
             .help = "the first of them"),
    OPT_TEXT(struct triangle_args, o.edges, 0, "edges", .value = "EDGES",
             .shown = "all six",
             .help = "only these, parted by commas: prompt-params, or "
                     "params-prompt:prefix+soft with methods"),
    OPT_INT(struct triangle_args, o.depth, 0, "depth", .lo = 1, .hi = 4,
            .unit = "conversions",
            .help = "length of the longest chain; 1 runs edges alone"),
    OPT_FLAG(struct triangle_args, o.default_method, 0, "default-method",
             "run an edge by the method that it takes by default alone"),
    OPT_INT(struct triangle_args, o.inputs, 0, "max-inputs", .lo = 0,
            .hi = 100000, .unit = "inputs",
            .shown = "48 of models up to 32 million parameters, else 32",
            .help = "held-out inputs that are measured on"),
    OPT_FLAG(struct triangle_args, o.run_programs, 0, "run-programs",
             "start the outside programs that tasks name as rewards"),
    OPT_FLAG(struct triangle_args, o.retry, 0, "retry",
             "make again what has failed"),
    OPT_FLAG(struct triangle_args, o.dry_run, 0, "dry-run",
             "say what it would take, and stop before it"),
    OPT_END,
};

/* DIR/report.html, or the file that was named. */
static enum cli_exit
write_page(const struct cli *cli, const json_t *report, const char *dir,
           const char *file)
{
    char *page = NULL, *path = NULL;
    size_t n = 0, m = 0;
    FILE *f = open_memstream(&page, &n);
    int bad = f ? triangle_page_write(f, report) : -1;
    enum cli_exit status;

    if (f && fclose(f) != 0)
        bad = -1;
    f = bad ? NULL : open_memstream(&path, &m);
    if (f) {
        fprintf(f, "%s%s", file ? file : dir, file ? "" : "/report.html");
        bad = fclose(f);
    }
    status = bad || !path ? cli_fail(cli, CLI_FAILURE, "no memory for the page")
                          : textio_write(cli, path, page, n);
    if (!status && !cli->globals->quiet)
        fprintf(cli->err, "page    %s\n", path);
    free(page);
    free(path);
    return status;
}

static enum cli_exit
triangle_run(struct cli *cli, const void *args)
{
    const struct triangle_args *a = args;
    trv_triangle_options o = a->o;
    trv_model *m = NULL;
    json_t *report = NULL;
    char *text = NULL;
    trv_err err = {0};
    enum cli_exit status = CLI_OK;

    o.tasks = a->tasks.items;
    o.n_tasks = a->tasks.n;
    o.on_message = cli_message;
    o.message_payload = cli;
    if (cli_model_open(cli, &m, a->model, &err)) {
        status = cli_fail_err(cli, &err);
        goto done;
    }
    term_catch_interrupt();
    if (trv_triangle(m, a->out, &o, term_progress, &cli->term, &err)) {
        term_done(&cli->term);
        status = cli_fail_err(cli, &err);
        goto done;
    }
    term_done(&cli->term);
    status = triangle_read(cli, &text, &report, a->out);
    if (!status && !o.dry_run)
        status = write_page(cli, report, a->out, NULL);
    if (status)
        goto done;
    if (a->json) {
        fprintf(cli->out, "%s\n", text);
    } else {
        triangle_table_nodes(cli->out, report,
                             &(struct triangle_filter){.role = "edge"});
        triangle_table_counts(cli->out, report);
    }
    status = cli_finish(cli);
done:
    json_decref(report);
    free(text);
    trv_model_free(m);
    return status;
}

const struct cmd_entry cmd_triangle = {
    .name = "triangle",
    .summary = "run and measure all six edges for a model and tasks",
    .description =
        "Make a source at each vertex of the triangle (parameters, reward, "
        "prompt), run the six edges by each method that fits, round trips and "
        "chains, and measure what each kept and cost.\n\n"
        "The work is planned under --budget. A run that was stopped goes on "
        "when the same command is given again. What fails is a row with its "
        "reason; the others go on.",
    .examples = "trivium triangle --model MODEL --task tasks/manner\n"
                "trivium triangle --model MODEL --task tasks/sst2 --data DATA "
                "--budget 12h",
    .opts = triangle_opts,
    .args_size = sizeof(struct triangle_args),
    .defaults = &triangle_defaults,
    .run = triangle_run,
};

/* ---- runs ---------------------------------------------------------------- */

struct runs_args {
    const char *dir, *status, *role;
    bool json;
};

static const struct runs_args runs_defaults = {0};

static const struct opt_spec runs_opts[] = {
    OPT_ARG(struct runs_args, dir, "DIR",
            "the folder of a triangle; " RUNS_DIR " where none is named"),
    OPT_CHOICE(struct runs_args, status, 0, "status", .value = "STATUS",
               .choices = "done|failed|cut|waiting|begun", .shown = "all",
               .help = "only runs that stand so"),
    OPT_CHOICE(struct runs_args, role, 0, "role", .value = "ROLE",
               .choices = "source|edge|round trip|chain", .shown = "all",
               .help = "only runs of this part"),
    OPT_FLAG(struct runs_args, json, 'j', "json",
             "print the report as one JSON object"),
    OPT_END,
};

static enum cli_exit
runs_run(struct cli *cli, const void *args)
{
    const struct runs_args *a = args;
    const struct triangle_filter of = {a->status, a->role};
    json_t *report = NULL;
    char *text = NULL;
    enum cli_exit status =
        triangle_read(cli, &text, &report, a->dir ? a->dir : RUNS_DIR);

    if (!status && a->json) {
        fprintf(cli->out, "%s\n", text);
    } else if (!status) {
        triangle_table_nodes(cli->out, report, &of);
        triangle_table_counts(cli->out, report);
    }
    json_decref(report);
    free(text);
    return status ? status : cli_finish(cli);
}

const struct cmd_entry cmd_runs = {
    .name = "runs",
    .summary = "list the runs of a triangle",
    .description = "List what a triangle has made, is at and will make, with "
                   "figures, times and the reasons of what failed or was left "
                   "out; also while it is at work.",
    .examples = "trivium runs out/triangle --status failed",
    .opts = runs_opts,
    .args_size = sizeof(struct runs_args),
    .defaults = &runs_defaults,
    .run = runs_run,
};

/* ---- report -------------------------------------------------------------- */

struct report_args {
    const char *dir, *html;
    bool json;
};

static const struct report_args report_defaults = {0};

static const struct opt_spec report_opts[] = {
    OPT_ARG(struct report_args, dir, "DIR",
            "the folder of a triangle; " RUNS_DIR " where none is named"),
    OPT_TEXT(struct report_args, html, 0, "html", .value = "FILE",
             .shown = "DIR/report.html", .help = "where to write the page"),
    OPT_FLAG(struct report_args, json, 'j', "json",
             "print the report as one JSON object, and write no page"),
    OPT_END,
};

static enum cli_exit
report_run(struct cli *cli, const void *args)
{
    const struct report_args *a = args;
    const char *dir = a->dir ? a->dir : RUNS_DIR;
    json_t *report = NULL;
    char *text = NULL;
    enum cli_exit status = triangle_read(cli, &text, &report, dir);

    if (!status && a->json)
        fprintf(cli->out, "%s\n", text);
    else if (!status)
        status = write_page(cli, report, dir, a->html);
    json_decref(report);
    free(text);
    return status ? status : cli_finish(cli);
}

const struct cmd_entry cmd_report = {
    .name = "report",
    .summary = "write the page of a triangle",
    .description =
        "Write one HTML file of what a triangle has measured so far: the "
        "triangles, what looks wrong, every figure. It opens from disk and "
        "needs nothing else. A folder that has report.json alone will do.",
    .examples = "trivium report out/triangle --html triangle.html",
    .opts = report_opts,
    .args_size = sizeof(struct report_args),
    .defaults = &report_defaults,
    .run = report_run,
};
