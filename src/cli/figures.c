/* figures.c -- a measurement for people at a terminal. */
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

void
figures_print_name(FILE *f, const struct figure_row *row)
{
    for (const char *s = row->name; *s; s++)
        fputc(*s == '_' ? ' ' : *s, f);
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

/* A name as given, quoted; long prompts are cut between characters. */
static void
print_who(FILE *f, const char *name)
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
    fprintf(f, "'%s'", name);
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
                 const struct figures_of *who)
{
    const trv_figure *got = who->target ? &r->task_target : &r->task_source;
    const trv_figure *gain = &r->task_gain;
    char text[HUMAN_MAX];
    trv_figure size = *gain;

    if (got->n <= 0)
        return;
    print_who(f, who->target ? who->target : who->source);
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
print_verdict(FILE *f, const trv_measurement *r, const struct figures_of *who)
{
    const trv_figure *gap = &r->gap_closed;
    char text[HUMAN_MAX];

    if (!who->target || !figure_shown(r, row_of(gap, r))) {
        print_evaluation(f, r, who);
        return;
    }
    if (gap->n <= 0) {
        fputs("How much of the gap is closed was not measured.\n", f);
        return;
    }
    print_who(f, who->target);
    if (gap->mean < 0) {
        fputs(" is farther from ", f);
        print_who(f, who->source);
        fprintf(f, " than the base model is: it closes %s of the gap",
                human_figure(text, gap));
    } else {
        fprintf(f, " closes %s of the gap between the base model and ",
                human_figure(text, gap));
        print_who(f, who->source);
    }
    print_known(f, gap);
    fputs(".\n", f);
}

const char *
figures_word(const char *kind)
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

void
figures_names(const char **source, const char **target,
              const struct figures_of *who)
{
    *source = figures_word(who->source_kind);
    *target = who->target ? figures_word(who->target_kind) : "";
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
    figures_names(&source, &target, who);
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
    figures_names(&names[1], &names[2], who);
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

void
figures_cost(FILE *f, const trv_measurement *r)
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
        fprintf(f, "The adaptation takes %s on disk.\n",
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
        figures_print_name(f, row);
        fprintf(f, "%*s", 16 - (int)strlen(row->name), "");
        print_padded(f, human_figure(text, fig), 20);
        print_padded(f, human_interval(text, fig), 20);
        fprintf(f, "%s\n", row->says);
    }
    fputc('\n', f);
    print_verdict(f, r, who);
    if (r->cut)
        fprintf(f, "%s\n", r->cut);
    figures_cost(f, r);
    if (r->trouble && *r->trouble) {
        fprintf(f, "\n%sTrouble%s\n", term_red(color), term_plain(color));
        for (const char *line = r->trouble; *line;) {
            const size_t n = strcspn(line, "\n");

            fprintf(f, "  %.*s\n", (int)n, line);
            line += n + (line[n] == '\n');
        }
    }
}
