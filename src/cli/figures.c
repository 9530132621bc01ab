/* figures.c -- a measurement for people: the table and the page.
 *
 * The page is one HTML file with its plot as inline SVG:
 *
 *     name  |----------bar------|<--low..high-->         value
 *
 * one panel for nats per token (scaled to the largest), one for shares
 * (0 to 1; what lies outside is cut at the edge and still said in figures).
 */
#include "cli/figures.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/human.h"
#include "cli/term.h"

const struct figure_row figure_rows[] = {
#define FIGURE(field, group_, scale_, needs, cost_, says_)                     \
    {.name = #field,                                                           \
     .group = group_,                                                          \
     .cost = cost_,                                                            \
     .says = says_,                                                            \
     .scale = FIGURE_##scale_,                                                 \
     .offset = offsetof(trv_measurement, field)},
#include <trivium/measure_figures.def>
    {.name = NULL},
};

const trv_figure *
figure_of(const trv_measurement *r, const struct figure_row *row)
{
    return (const trv_figure *)(const void *)((const char *)r + row->offset);
}

bool
figure_shown(const trv_measurement *r, const struct figure_row *row)
{
    return (r->asked >> (row - figure_rows) & 1u) || figure_of(r, row)->n > 0;
}

/* Columns that a UTF-8 text takes: the sign for plus or minus is two bytes. */
static int
columns_of(const char *s)
{
    int n = 0;

    for (; *s; s++)
        n += (*s & 0xC0) != 0x80;
    return n;
}

static void
print_padded(FILE *f, const char *s, int width)
{
    const int n = columns_of(s);

    fputs(s, f);
    fprintf(f, "%*s", width > n ? width - n : 0, "");
}

static void
print_name(FILE *f, const char *name)
{
    for (; *name; name++)
        fputc(*name == '_' ? ' ' : *name, f);
}

/* A name as given, quoted; long prompts are cut between characters. */
static void
print_who(FILE *f, const char *name, void (*print)(FILE *f, const char *s))
{
    char text[64];
    size_t n = strlen(name);

    if (n >= sizeof(text)) {
        n = sizeof(text) - 4;
        while (n > 0 && (name[n] & 0xC0) == 0x80)
            n--;
        snprintf(text, sizeof(text), "%.*s...", (int)n, name);
        name = text;
    }
    fputc('\'', f);
    print(f, name);
    fputc('\'', f);
}

static const struct figure_row *
row_of(const trv_figure *fig, const trv_measurement *r)
{
    const struct figure_row *row = figure_rows;

    while (row->name && figure_of(r, row) != fig)
        row++;
    return row;
}

/* "(95 % interval 0.30 to 0.55, 40 inputs)" */
static void
print_known(FILE *f, const trv_figure *fig)
{
    char text[HUMAN_MAX], count[HUMAN_MAX];

    if (*human_interval(text, fig))
        fprintf(f, " (95 %% interval %s, %s)", text,
                human_counted(count, (double)fig->n, "inputs"));
}

/* How much of the task's reward is got; nothing where that was not asked. */
static void
print_evaluation(FILE *f, const trv_measurement *r,
                 const struct figures_of *who,
                 void (*print)(FILE *f, const char *s))
{
    const trv_figure *got = who->target ? &r->task_target : &r->task_source;
    const trv_figure *gain = &r->task_gain;
    char text[HUMAN_MAX];
    trv_figure size = *gain;

    if (got->n <= 0)
        return;
    print_who(f, who->target ? who->target : who->source, print);
    fprintf(f, " gets %s of the task's reward", human_figure(text, got));
    print_known(f, got);
    if (gain->n > 0) {
        size.mean = fabs(gain->mean);
        fprintf(f, ", %s %s than the base", human_figure(text, &size),
                gain->mean < 0 ? "less" : "more");
        print_known(f, gain);
    }
    fputs(".\n", f);
}

/* The one line that most people came for. */
static void
print_verdict(FILE *f, const trv_measurement *r, const struct figures_of *who,
              void (*print)(FILE *f, const char *s))
{
    const trv_figure *gap = &r->gap_closed;
    char text[HUMAN_MAX];

    if (!who->target || !figure_shown(r, row_of(gap, r))) {
        print_evaluation(f, r, who, print);
        return;
    }
    if (gap->n <= 0) {
        fputs("How much of the gap is closed was not measured.\n", f);
        return;
    }
    print_who(f, who->target, print);
    if (gap->mean < 0) {
        fputs(" is farther from ", f);
        print_who(f, who->source, print);
        fprintf(f, " than the base model is: it closes %s of the gap",
                human_figure(text, gap));
    } else {
        fprintf(f, " closes %s of the gap between the base model and ",
                human_figure(text, gap));
        print_who(f, who->source, print);
    }
    print_known(f, gap);
    fputs(".\n", f);
}

static void
print_plain(FILE *f, const char *s)
{
    fputs(s, f);
}

/* What people call an adaptation of a kind. */
static const char *
word_of(const char *kind)
{
    static const char *const words[][2] = {
        {"base", "base model"},  {"lora", "LoRA"},       {"full", "fine-tune"},
        {"adapter", "adapter"},  {"text", "prompt"},     {"messages", "prompt"},
        {"demos", "prompt"},     {"retrieve", "prompt"}, {"mix", "mix"},
        {"soft", "soft prompt"}, {"prefix", "prefix"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (!strcmp(kind, words[i][0]))
            return words[i][1];
    return "reward";
}

/* The two by their kinds, or by their roles where these are the same. */
static void
name_both(const char **source, const char **target,
          const struct figures_of *who)
{
    *source = word_of(who->source_kind);
    *target = who->target ? word_of(who->target_kind) : "";
    if (!strcmp(*source, *target)) {
        *source = "source";
        *target = "target";
    }
}

/* The distance in one sentence, without its error. */
static void
print_words(FILE *f, const trv_measurement *r, const struct figures_of *who)
{
    const trv_figure *gap = &r->gap_closed, *same = &r->top1_agreement;
    const char *source, *target;

    if (!who->target || (gap->n <= 0 && same->n <= 0))
        return;
    name_both(&source, &target, who);
    if (gap->n > 0 && gap->mean < 0)
        fprintf(f, "The %s is farther from the %s than the base model is",
                target, source);
    else if (gap->n > 0)
        fprintf(f,
                "The %s closes %.2f of the gap between the base model and "
                "the %s",
                target, gap->mean, source);
    else
        fprintf(f, "There is no gap between the base model and the %s", source);
    if (same->n > 0)
        fprintf(f,
                "; %s%s picks the same next token as the %s in %.0f %% of "
                "places",
                gap->n > 0 ? "it" : "the ", gap->n > 0 ? "" : target, source,
                100 * same->mean);
    fputs(".\n", f);
}

void
figures_examples(FILE *f, const trv_measurement *r,
                 const struct figures_of *who, int width, bool color)
{
    const char *names[3] = {"base"};
    char titles[3][24];

    if (!r->n_examples)
        return;
    name_both(&names[1], &names[2], who);
    for (int i = 0; i < 3; i++) {
        size_t n = 0;

        for (; names[i][n] && n + 1 < sizeof(titles[i]); n++)
            titles[i][n] = (char)toupper((unsigned char)names[i][n]);
        titles[i][n] = '\0';
    }
    for (int32_t i = 0; i < r->n_examples; i++) {
        const trv_example *e = &r->examples[i];

        columns_wrap(f, width, "> ", e->input);
        fputc('\n', f);
        columns_print(f, width,
                      (const char *const[]){titles[0], titles[1], titles[2]},
                      (const char *const[]){e->base, e->source, e->target},
                      who->target ? 3 : 2, color);
        fputc('\n', f);
    }
    print_words(f, r, who);
    fputc('\n', f);
}

static void
print_cost(FILE *f, const trv_measurement *r, const struct figures_of *who)
{
    const double seconds = r->cost.added_seconds_per_token;
    const double bytes = r->cost.added_bytes_per_token;
    char x[HUMAN_MAX], y[HUMAN_MAX], z[HUMAN_MAX], peak[HUMAN_MAX];

    fprintf(f,
            "Measuring took %s: %s tokens, about %s, at most %s of memory.\n",
            human_seconds(x, r->cost.seconds), human_count(y, r->cost.tokens),
            human_flop(z, r->cost.flop),
            human_bytes(peak, (double)r->cost.peak_bytes));
    if (r->cost.artefact_bytes > 0)
        fprintf(f, "The %s takes %s on disk.\n",
                who->target ? "target" : "source",
                human_bytes(x, (double)r->cost.artefact_bytes));
    if (isfinite(seconds) && isfinite(bytes))
        fprintf(f, "A token under it takes %s %s than the base, and %s %s.\n",
                human_seconds(x, fabs(seconds)), seconds < 0 ? "less" : "more",
                human_bytes(y, fabs(bytes)), bytes < 0 ? "less" : "more");
}

/* A group has one line: its first figure stands for it. */
void
figures_choices(FILE *f, bool color)
{
    fprintf(f, "%sFigures%s\n", term_bold(color), term_plain(color));
    for (const struct figure_row *row = figure_rows; row->name; row++) {
        const struct figure_row *one = row;

        if (row > figure_rows && !strcmp(row[-1].group, row->group))
            continue;
        fprintf(f, "  %-16s%s for each input\n", row->group, row->cost);
        if (!strcmp(row->group, row->name) &&
            (!row[1].name || strcmp(row[1].group, row->group)))
            continue;
        fprintf(f, "  %-16sholds", "");
        for (; one->name && !strcmp(one->group, row->group); one++)
            fprintf(f, "%s %s", one == row ? "" : ",", one->name);
        fputc('\n', f);
    }
    fputc('\n', f);
}

void
figures_table(FILE *f, const trv_measurement *r, const struct figures_of *who,
              bool color)
{
    fprintf(f, "%s%-16s%-20s%-20s%s%s\n", term_bold(color), "figure", "mean",
            "95 % interval", "what it says", term_plain(color));
    for (const struct figure_row *row = figure_rows; row->name; row++) {
        const trv_figure *fig = figure_of(r, row);
        char text[HUMAN_MAX];

        if (!figure_shown(r, row))
            continue;
        print_name(f, row->name);
        fprintf(f, "%*s", 16 - (int)strlen(row->name), "");
        print_padded(f, human_figure(text, fig), 20);
        print_padded(f, human_interval(text, fig), 20);
        fprintf(f, "%s\n", row->says);
    }
    fputc('\n', f);
    print_verdict(f, r, who, print_plain);
    if (r->cut)
        fprintf(f, "%s\n", r->cut);
    print_cost(f, r, who);
    if (r->trouble && *r->trouble) {
        fprintf(f, "\n%sTrouble%s\n", term_red(color), term_plain(color));
        for (const char *line = r->trouble; *line;) {
            const size_t n = strcspn(line, "\n");

            fprintf(f, "  %.*s\n", (int)n, line);
            line += n + (line[n] == '\n');
        }
    }
}

/* ---- the page ---------------------------------------------------------- */

static void
print_html(FILE *f, const char *s)
{
    for (; *s; s++)
        switch (*s) {
        case '&':
            fputs("&amp;", f);
            break;
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            fputc(*s, f);
        }
}

/* The plot's places, in SVG units. */
#define PLOT_NAME 130.0 // the bars begin here
#define PLOT_BAR 360.0  // a full bar
#define PLOT_ROW 26.0
#define PLOT_WIDTH 640.0

static double
clip(double x, double top)
{
    const double share = isfinite(x) ? x / top : 0;

    return PLOT_NAME + PLOT_BAR * (share < 0 ? 0 : share > 1 ? 1 : share);
}

static void
plot_row(FILE *f, const struct figure_row *row, const trv_figure *fig,
         double top, double y)
{
    char text[HUMAN_MAX];
    const double mid = y + PLOT_ROW / 2;

    fprintf(f, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">", PLOT_NAME - 8,
            mid + 4);
    print_name(f, row->name);
    fputs("</text>\n", f);
    if (fig->n > 0) {
        const double x = clip(fig->mean, top);

        fprintf(f,
                "<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                "height=\"14\" rx=\"2\"/>\n",
                PLOT_NAME, mid - 7, x - PLOT_NAME);
        if (fig->n > 1 && isfinite(fig->low) && isfinite(fig->high)) {
            const double lo = clip(fig->low, top), hi = clip(fig->high, top);

            fprintf(f,
                    "<path class=\"err\" d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f "
                    "%.1fv8\"/>\n",
                    lo, mid, hi, lo, mid - 4, hi, mid - 4);
        }
    }
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n",
            PLOT_NAME + PLOT_BAR + 12, mid + 4, human_figure(text, fig));
}

static void
plot(FILE *f, const trv_measurement *r, enum figure_scale scale,
     const char *title)
{
    double top = scale == FIGURE_SHARE ? 1 : 0, y = 22;
    int n = 0;

    for (const struct figure_row *row = figure_rows; row->name; row++) {
        const trv_figure *fig = figure_of(r, row);

        n += row->scale == scale && figure_shown(r, row);
        if (row->scale == scale && scale != FIGURE_SHARE && fig->n > 0) {
            if (fig->mean > top)
                top = fig->mean;
            if (fig->n > 1 && isfinite(fig->high) && fig->high > top)
                top = fig->high;
        }
    }
    if (n == 0)
        return;
    top = top > 0 ? top : 1;
    fprintf(f,
            "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">\n"
            "<text class=\"title\" x=\"0\" y=\"14\">%s</text>\n",
            PLOT_WIDTH, 22 + PLOT_ROW * n + 22, title, title);
    for (const struct figure_row *row = figure_rows; row->name; row++)
        if (row->scale == scale && figure_shown(r, row)) {
            plot_row(f, row, figure_of(r, row), top, y);
            y += PLOT_ROW;
        }
    fprintf(f,
            "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/>\n"
            "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\">0</text>\n"
            "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\">%.3g</text>\n</svg>\n",
            PLOT_NAME, y + 2, PLOT_NAME + PLOT_BAR, PLOT_NAME, y + 16,
            PLOT_NAME + PLOT_BAR, y + 16, top);
}

static const char page_head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
    "<title>Trivium: what was kept</title>\n<style>\n"
    ":root{color-scheme:light dark;--ink:#1b1e23;--soft:#5c6470;"
    "--page:#fdfdfb;--bar:#3b6ea8;--line:#c9ced6;--bad:#a03123}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa3af;"
    "--page:#16181c;--bar:#6f9fd8;--line:#3a404a;--bad:#ef8a7b}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);"
    "background:var(--page);max-width:46rem;margin:2rem auto;"
    "padding:0 1rem}\n"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}\n"
    "svg{width:100%;height:auto;display:block;margin:1.5rem 0}\n"
    "svg text{font-size:12px;fill:var(--ink)}\n"
    "svg .name{text-anchor:end}svg .title{font-weight:600}\n"
    "svg .tick{fill:var(--soft);text-anchor:middle}\n"
    ".bar{fill:var(--bar)}.err{stroke:var(--ink);stroke-width:1.5;fill:none}\n"
    ".axis{stroke:var(--line);fill:none}\n"
    "table{border-collapse:collapse;width:100%;font-size:.9rem}\n"
    "th,td{text-align:left;padding:.3rem .6rem .3rem 0;"
    "border-bottom:1px solid var(--line);vertical-align:top}\n"
    "td.n{white-space:nowrap;font-variant-numeric:tabular-nums}\n"
    ".said{table-layout:fixed}.said td{white-space:pre-wrap;"
    "overflow-wrap:anywhere}.asked{white-space:pre-wrap;"
    "font-weight:400;color:var(--soft)}\n"
    "code{overflow-wrap:anywhere}.soft{color:var(--soft)}"
    ".trouble{color:var(--bad)}\n</style>\n</head>\n<body>\n";

static void
page_who(FILE *f, const char *what, const char *name)
{
    fprintf(f, "<tr><th>%s</th><td><code>", what);
    print_html(f, name);
    fputs("</code></td></tr>\n", f);
}

static void
page_examples(FILE *f, const trv_measurement *r, const struct figures_of *who)
{
    const char *source, *target;

    if (!r->n_examples)
        return;
    name_both(&source, &target, who);
    fprintf(f,
            "<p>The same inputs, three ways, with the same random numbers.</p>"
            "\n<table class=\"said\">\n"
            "<tr><th>base</th><th>%s</th><th>%s</th></tr>\n",
            source, target);
    for (int32_t i = 0; i < r->n_examples; i++) {
        const trv_example *e = &r->examples[i];
        const char *const said[] = {e->base, e->source, e->target};

        fputs("<tr><th class=\"asked\" colspan=\"3\">", f);
        print_html(f, e->input);
        fputs("</th></tr>\n<tr>", f);
        for (int k = 0; k < 3; k++) {
            fputs("<td>", f);
            print_html(f, said[k]);
            fputs("</td>", f);
        }
        fputs("</tr>\n", f);
    }
    fputs("</table>\n", f);
}

void
figures_page(FILE *f, const trv_measurement *r, const struct figures_of *who)
{
    fputs(page_head, f);
    fputs("<h1>What was kept</h1>\n<p>", f);
    print_words(f, r, who);
    fputs("</p>\n", f);
    page_examples(f, r, who);
    fputs("<p>", f);
    print_verdict(f, r, who, print_html);
    fputs("</p>\n<table>\n", f);
    page_who(f, "model", who->model);
    page_who(f, "source", who->source);
    if (who->target)
        page_who(f, "target", who->target);
    fputs("</table>\n", f);
    if (r->trouble && *r->trouble) {
        fputs("<h2 class=\"trouble\">Trouble</h2>\n<ul>\n<li>", f);
        for (const char *c = r->trouble; *c; c++) {
            const char one[2] = {*c, '\0'};

            if (*c != '\n')
                print_html(f, one);
            else if (c[1])
                fputs("</li>\n<li>", f);
        }
        fputs("</li>\n</ul>\n", f);
    }
    plot(f, r, FIGURE_SHARE, "shares and correlations: 1 is perfect");
    plot(f, r, FIGURE_NATS, "nats per token: 0 is the same");
    plot(f, r, FIGURE_TASK, "the task's reward");
    fputs("<table>\n<tr><th>figure</th><th>mean</th><th>95 % interval</th>"
          "<th>inputs</th><th>what it says</th></tr>\n",
          f);
    for (const struct figure_row *row = figure_rows; row->name; row++) {
        const trv_figure *fig = figure_of(r, row);
        char mean[HUMAN_MAX], interval[HUMAN_MAX];

        if (!figure_shown(r, row))
            continue;
        fputs("<tr><td>", f);
        print_name(f, row->name);
        fprintf(f,
                "</td><td class=\"n\">%s</td><td class=\"n\">%s</td>"
                "<td class=\"n\">%lld</td><td>",
                human_figure(mean, fig), human_interval(interval, fig),
                (long long)fig->n);
        print_html(f, row->says);
        fputs("</td></tr>\n", f);
    }
    fputs("</table>\n<p class=\"soft\">Error bars and intervals: 95 %, over "
          "inputs.\n",
          f);
    print_cost(f, r, who);
    fprintf(f, "Made by trivium %s.</p>\n</body>\n</html>\n", trv_version());
}
