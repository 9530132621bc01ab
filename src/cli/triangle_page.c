/* triangle_page.c -- the page of a triangle: what holds, what does not and why,
 * and only then the numbers.
 *
 *     header    what was measured, and which arrows hold
 *     triangles one for each task
 *     trouble   what looks wrong, by its sentence, and where
 *     map       from what into what, the mean of all tasks   triangle_ways.c
 *     ways      chains beside their direct arrows, round trips
 *     reach     reward against distance from the base        triangle_plots.c
 *     drift     what was forgotten                           triangle_ways.c
 *     cost      fidelity against time, and against serving   triangle_plots.c
 *     curves    of the trainings
 *     answers   side by side                                 triangle_answers.c
 *     rows      every node once, sortable                    triangle_rows.c
 *     run       sources, budget, what was cut, the command
 */
#include "cli/triangle_page.h"

#include <math.h>
#include <stdlib.h>

#include "cli/human.h"
#include "cli/page_style.h"
#include "cli/triangle_draw.h"
#include "cli/triangle_parts.h"

#define WHERE_MAX 4 // places of a sentence that are named

static const json_t *
task_at(const struct triangle_page *p, size_t i)
{
    return json_array_get(p->tasks, i);
}

/* ---- header -------------------------------------------------------------- */

/* An arrow over all tasks. */
struct verdict {
    int tasks, held, failed; // measured; of those; not made
};

static struct verdict
verdict_of(const struct triangle_page *p, int a, int b)
{
    struct verdict v = {0, 0, 0};

    for (size_t t = 0; t < json_array_size(p->tasks); t++) {
        const struct means_group *g =
            triangle_arrow(&p->m, means_text(task_at(p, t), "name"),
                           tpage_forms[a], tpage_forms[b]);
        const double s = g ? means_strength(g) : (double)NAN;

        v.tasks += isfinite(s);
        v.held += isfinite(s) && s >= TPAGE_HOLDS;
        v.failed += g && !g->done && g->failed;
    }
    return v;
}

static struct verdict
count_arrows(const struct triangle_page *p)
{
    struct verdict all = {0, 0, 0};

    for (int a = 0; a < TPAGE_FORMS; a++)
        for (int b = 0; b < TPAGE_FORMS; b++) {
            const struct verdict v =
                a == b ? (struct verdict){0, 0, 0} : verdict_of(p, a, b);

            all.tasks += v.tasks;
            all.held += v.held;
            all.failed += v.failed;
        }
    return all;
}

static void
put_title(const struct triangle_page *p)
{
    const char *model = means_text(json_object_get(p->report, "model"), "name");
    const struct verdict v = count_arrows(p);

    fputs("The triangle of ", p->f);
    tpage_line(p, *model ? model : "a model");
    if (v.tasks)
        fprintf(p->f, ": %d of %d arrows keep %.2f or more", v.held, v.tasks,
                TPAGE_HOLDS);
    else
        fputs(": nothing is measured yet", p->f);
}

/* The arrows that hold on every task, or on none, as words. */
static void
put_arrows(const struct triangle_page *p, bool held)
{
    int n = 0;

    for (int a = 0; a < TPAGE_FORMS; a++)
        for (int b = 0; b < TPAGE_FORMS; b++) {
            const struct verdict v =
                a == b ? (struct verdict){0, 0, 0} : verdict_of(p, a, b);

            if (!v.tasks || v.held != (held ? v.tasks : 0))
                continue;
            fprintf(p->f, "%s%s \342\206\222 %s",
                    n++    ? ", "
                    : held ? " On every task this holds for "
                           : " On none it holds for ",
                    tpage_forms[a], tpage_forms[b]);
        }
    if (n)
        fputs(".", p->f);
}

static void
put_header(const struct triangle_page *p)
{
    const json_t *model = json_object_get(p->report, "model");
    const double size = json_number_value(json_object_get(model, "parameters"));
    const size_t seeds = json_array_size(json_object_get(p->report, "seeds"));
    const int failed = count_arrows(p).failed;
    char x[HUMAN_MAX], y[HUMAN_MAX];

    fputs("<header>\n<h1>", p->f);
    put_title(p);
    fprintf(p->f,
            "</h1>\n<p class=\"lead\">An adaptation of a language model can be "
            "parameters, a prompt or a reward. Each was converted into each "
            "other, for %s and %s",
            human_counted(x, (double)json_array_size(p->tasks), "tasks"),
            human_counted(y, (double)seeds, "seeds"));
    if (size >= 1e6)
        fprintf(p->f, ", on a model of %.0f million parameters", size / 1e6);
    fputs(".", p->f);
    put_arrows(p, true);
    put_arrows(p, false);
    if (failed)
        fprintf(p->f, " %s failed.",
                human_counted(x, (double)failed, "more arrows"));
    fputs("</p>\n</header>\n", p->f);
}

/* ---- triangles ----------------------------------------------------------- */

/* What the drawing does not say of an arrow: measure, method, why it failed. */
static void
put_arrow_row(const struct triangle_page *p, const char *task, const char *from,
              const char *to)
{
    const struct means_group *g = triangle_arrow(&p->m, task, from, to);

    if (!g)
        return;
    fprintf(p->f, "<li class=\"%s\"><span>%s \342\206\222 %s</span> by ",
            triangle_class(means_strength(g)), from, to);
    tpage_line(p, g->method);
    if (g->done && *g->fidelity) {
        fputs(": ", p->f);
        tpage_line(p, g->fidelity);
    } else if (g->sentence && !g->done && g->cut) {
        fputs(": ", p->f);
        tpage_line(p, g->sentence);
    }
    fputs("</li>\n", p->f);
}

static void
put_task(const struct triangle_page *p, const json_t *task)
{
    const char *name = means_text(task, "name");

    fputs("<article class=\"task\">\n<h3>", p->f);
    tpage_line(p, name);
    fputs("</h3>\n<p class=\"note\">", p->f);
    tpage_line(p, means_text(task, "says"));
    fputs("</p>\n", p->f);
    triangle_draw(p->f, &p->m, name);
    fputs("<ul class=\"arrows\">\n", p->f);
    for (int a = 0; a < TPAGE_FORMS; a++)
        for (int b = 0; b < TPAGE_FORMS; b++)
            if (a != b)
                put_arrow_row(p, name, tpage_forms[a], tpage_forms[b]);
    fputs("</ul>\n</article>\n", p->f);
}

static void
put_triangles(const struct triangle_page *p)
{
    if (json_array_size(p->tasks) == 0)
        return;
    tpage_begin(
        p, "triangles", "What each arrow kept",
        "Between parameters and prompts: the share of what the source does "
        "beyond the base; 1 is all, 0 is nothing. Into a reward: the share of "
        "pairs of answers that it orders as the source does; half is chance, "
        "so it is coloured, and holds, by how far it is above that. From a "
        "reward: the share of the reward that could be gained. Beside each "
        "stands its 95 % interval over seeds and inputs.");
    fputs("<ul class=\"key\" aria-hidden=\"true\"><li class=\"s4\">0.85 or "
          "more</li><li class=\"s3\">0.6</li><li class=\"s2\">0.3</li>"
          "<li class=\"s1\">0.1</li><li class=\"s0\">less</li>"
          "<li class=\"sx\">not measured</li></ul>\n<div class=\"tasks\">\n",
          p->f);
    for (size_t t = 0; t < json_array_size(p->tasks); t++)
        put_task(p, task_at(p, t));
    fputs("</div>\n", p->f);
    tpage_end(p);
}

/* ---- trouble ------------------------------------------------------------- */

/* Do two sentences say the same of two nodes? Digits aside, for figures make
 * two of a kind differ. */
static bool
says_alike(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strspn(a, "0123456789.");
        b += strspn(b, "0123456789.");
        if (*a != *b)
            return false;
        if (!*a)
            return true;
    }
}

struct said {
    const char *sentence;
    size_t node;
    bool is_told; // with an earlier one
};

/* Every sentence of trouble [n], in the order of the nodes; NULL: no memory. */
static struct said *
list_said(const json_t *nodes, size_t *n)
{
    size_t most = 1;
    struct said *list;

    for (size_t i = 0; i < json_array_size(nodes); i++)
        most += 1 + json_array_size(
                        json_object_get(json_array_get(nodes, i), "trouble"));
    list = calloc(most, sizeof(*list));
    *n = 0;
    for (size_t i = 0; i < json_array_size(nodes) && list; i++) {
        const json_t *node = json_array_get(nodes, i);
        const json_t *trouble = json_object_get(node, "trouble");
        const char *why = means_text(node, "sentence");

        if (tpage_is(means_text(node, "status"), "failed") && *why)
            list[(*n)++] = (struct said){.sentence = why, .node = i};
        for (size_t k = 0; k < json_array_size(trouble); k++) {
            why = json_string_value(json_array_get(trouble, k));
            if (why && *why)
                list[(*n)++] = (struct said){.sentence = why, .node = i};
        }
    }
    return list;
}

/* Where it was said: "manner: reward → params by grpo", each group once. `told`
 * [groups] is scratch. */
static void
put_where(const struct triangle_page *p, struct said *list, size_t n,
          size_t first, int *told)
{
    int places = 0;

    for (size_t i = first; i < n; i++) {
        const int group = p->m.of[list[i].node];
        const struct means_group *g = &p->m.groups[group];

        if (list[i].is_told ||
            !says_alike(list[first].sentence, list[i].sentence))
            continue;
        list[i].is_told = true;
        if (told[group] == (int)first + 1)
            continue;
        told[group] = (int)first + 1;
        if (places++ >= WHERE_MAX)
            continue;
        fputs(places > 1 ? "; " : " <span class=\"where\">", p->f);
        tpage_line(p, g->task);
        fputs(": ", p->f);
        tpage_path(p, g);
        if (*g->method)
            fputs(" by ", p->f);
        tpage_line(p, g->method);
    }
    if (places > WHERE_MAX)
        fprintf(p->f, "; and %d more", places - WHERE_MAX);
    fputs("</span>", p->f);
}

static int
put_trouble(const struct triangle_page *p)
{
    size_t n = 0;
    struct said *list = list_said(p->nodes, &n);
    int *told = calloc((size_t)p->m.n + 1, sizeof(*told));
    const bool bad = !list || !told;

    if (!bad && n)
        fputs("<section class=\"trouble\" aria-labelledby=\"trouble\">\n"
              "<h2 id=\"trouble\">What looks wrong</h2>\n<ul>\n",
              p->f);
    for (size_t i = 0; i < n && !bad; i++) {
        if (list[i].is_told)
            continue;
        fputs("<li>", p->f);
        tpage_line(p, list[i].sentence);
        put_where(p, list, n, i, told);
        fputs("</li>\n", p->f);
    }
    if (!bad && n)
        fputs("</ul>\n</section>\n", p->f);
    free(list);
    free(told);
    return bad ? -1 : 0;
}

/* ---- how it was run ------------------------------------------------------ */

/* "prompt: messages:p.json" of a task's source. */
static void
put_source(const struct triangle_page *p, const json_t *task, const char *form,
           const char *head)
{
    const json_t *source =
        json_object_get(json_object_get(task, "sources"), form);
    const char *how = means_text(source, "how");

    fprintf(p->f, "<td data-h=\"%s\">", head);
    tpage_line(p, *how ? how : means_text(source, "spec"));
    fputs("</td>", p->f);
}

static void
put_tasks(const struct triangle_page *p)
{
    static const char *const heads[] = {
        "task",          "rows to learn from", "held out", "unseen",
        "prompt source", "params source",      "reward",   NULL};
    static const char *const counts[] = {"train", "heldout", "unseen"};

    tpage_begin_table(p, "run", "list", heads);
    for (size_t t = 0; t < json_array_size(p->tasks); t++) {
        const json_t *task = task_at(p, t);
        const json_t *rows = json_object_get(task, "rows");

        fputs("<tr><th scope=\"row\">", p->f);
        tpage_line(p, means_text(task, "name"));
        fputs("</th>", p->f);
        for (int i = 0; i < 3; i++)
            fprintf(p->f, "<td data-h=\"%s\">%lld</td>", heads[1 + i],
                    (long long)json_integer_value(
                        json_object_get(rows, counts[i])));
        put_source(p, task, "prompt", heads[4]);
        put_source(p, task, "params", heads[5]);
        fprintf(p->f, "<td data-h=\"%s\">", heads[6]);
        tpage_line(p, means_text(task, "reward"));
        fputs("</td></tr>\n", p->f);
    }
    tpage_end_table(p);
}

static void
put_run(const struct triangle_page *p)
{
    const json_t *b = json_object_get(p->report, "budget");
    const json_t *cut = json_object_get(b, "cut");
    const char *command = means_text(p->report, "command");
    const double asked = json_number_value(json_object_get(b, "seconds"));
    const double used = json_number_value(json_object_get(b, "used_seconds"));
    char x[HUMAN_MAX], y[HUMAN_MAX];

    tpage_begin(p, "run", "How it was run", NULL);
    if (json_array_size(p->tasks))
        put_tasks(p);
    fprintf(p->f, "<p class=\"used\">%s of work", human_seconds(x, used));
    if (asked > 0)
        fprintf(p->f, ", of a budget of %s", human_estimate(y, asked));
    fputs(json_array_size(cut) ? ", for which this was cut:</p>\n<ul>\n"
                               : ".</p>\n",
          p->f);
    for (size_t i = 0; i < json_array_size(cut); i++) {
        const char *s = json_string_value(json_array_get(cut, i));

        fputs("<li>", p->f);
        tpage_line(p, s ? s : "");
        fputs("</li>\n", p->f);
    }
    fputs(json_array_size(cut) ? "</ul>\n" : "", p->f);
    if (*command) {
        fputs("<pre class=\"words\">", p->f);
        tpage_line(p, command);
        fputs("</pre>\n", p->f);
    }
    tpage_end(p);
}

/* ---- the whole ----------------------------------------------------------- */

static void
put_style(const struct triangle_page *p)
{
    fputs("<style>\n", p->f);
    for (int i = 0; page_style[i]; i++)
        fputs(page_style[i], p->f);
    for (int i = 0; page_style_triangle[i]; i++)
        fputs(page_style_triangle[i], p->f);
    fputs("</style>\n", p->f);
}

int
triangle_page_write(FILE *f, const json_t *report)
{
    struct triangle_page p = {.f = f,
                              .report = report,
                              .tasks = json_object_get(report, "tasks"),
                              .nodes = json_object_get(report, "nodes")};
    int bad = means_of(&p.m, report);

    if (bad)
        return bad;
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n"
          "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
          "content=\"width=device-width,initial-scale=1\">\n<title>",
          f);
    put_title(&p);
    fputs("</title>\n", f);
    put_style(&p);
    fputs("</head>\n<body>\n<main>\n", f);
    put_header(&p);
    put_triangles(&p);
    bad = put_trouble(&p) || tpage_map(&p) || tpage_ways(&p) ||
          tpage_reach(&p) || tpage_drift(&p) || tpage_cost(&p) ||
          tpage_curves(&p) || tpage_answers(&p);
    tpage_rows(&p);
    put_run(&p);
    fprintf(f,
            "</main>\n<footer>\n<p>Made by trivium %s. report.json beside this "
            "file has all of it for programs.</p>\n</footer>\n"
            "</body>\n</html>\n",
            trv_version());
    means_release(&p.m);
    return bad ? -1 : 0;
}
