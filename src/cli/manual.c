/* manual.c -- the manual page, from the option tables. */
#include <string.h>

#include "cli/help.h"
#include "cli/help_method.h"
#include "cli/help_text.h"
#include "cli/topics.h"

/* roff reads '\' and '-' and a dot or quote that opens a line. */
static void
roff(FILE *f, const char *text)
{
    bool line_start = true;

    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", f);
        if (*text == '\\')
            fputs("\\e", f);
        else if (*text == '-')
            fputs("\\-", f);
        else
            fputc(*text, f);
        line_start = *text == '\n';
    }
}

static void
roff_paragraphs(FILE *f, const char *text)
{
    for (const char *gap; (gap = strstr(text, "\n\n")); text = gap + 2) {
        char part[2048];

        snprintf(part, sizeof(part), "%.*s", (int)(gap - text), text);
        roff(f, part);
        fputs("\n.PP\n", f);
    }
    roff(f, text);
    fputc('\n', f);
}

static void
roff_options(FILE *f, const struct opt_spec *specs, const void *defaults)
{
    for (const struct opt_spec *s = specs; s->type; s++) {
        char help[1024], notes[400];

        if (s->type == OPT_TYPE_GROUP) {
            fputs(".PP\n.I ", f);
            roff(f, s->help);
            fputc('\n', f);
            continue;
        }
        fputs(".TP\n", f);
        if (s->type == OPT_TYPE_ARG) {
            fprintf(f, ".I %s\n", s->name);
        } else {
            if (s->letter)
                fprintf(f, "\\fB\\-%c\\fR, ", s->letter);
            fputs("\\fB\\-\\-", f);
            roff(f, s->name);
            fputs("\\fR", f);
            if (s->type != OPT_TYPE_FLAG)
                fprintf(f, " \\fI%s\\fR", s->value);
            fputc('\n', f);
        }
        help_explain(help, sizeof(help), s);
        roff(f, help);
        help_notes(notes, sizeof(notes), s, defaults);
        if (notes[0]) {
            fputs(" (", f);
            roff(f, notes);
            fputc(')', f);
        }
        fputs(".\n", f);
    }
}

static void
roff_example(FILE *f, const char *lines)
{
    fputs(".PP\n.nf\n", f);
    roff(f, lines);
    fputs("\n.fi\n", f);
}

static void
roff_item(FILE *f, const char *term, const char *text)
{
    fputs(".TP\n.I ", f);
    roff(f, term);
    fputc('\n', f);
    roff(f, text);
    fputs(".\n", f);
}

static bool
alike(const trv_method *a, const trv_method *b)
{
    return strcmp(a->summary, b->summary) == 0 &&
           strcmp(a->makes, b->makes) == 0 &&
           strcmp(a->options, b->options) == 0 &&
           strcmp(a->defaults, b->defaults) == 0;
}

/* The k-th row of a method, unless an earlier one says the same. */
static void
roff_use(FILE *f, const struct help_uses *u, int k)
{
    const trv_method *const m = u->v[k].m;
    struct help_list edges = {.n = 0};
    char text[1024];

    for (int i = 0; i < u->n; i++) {
        if (!alike(u->v[i].m, m))
            continue;
        if (i < k)
            return;
        help_list_add(&edges, "%s", u->v[i].edge);
    }
    snprintf(text, sizeof(text), "%s. Makes: %s. Reads: %s%s%s%s%s", m->summary,
             m->makes, *m->options ? m->options : "nothing",
             *m->defaults ? ". Defaults: " : "", m->defaults,
             m->source ? ". Source: " : "", m->source ? m->source : "");
    roff_item(f, edges.text, text);
}

static void
roff_methods(FILE *f)
{
    const char *name;

    for (int i = 0; (name = help_method_name(i)); i++) {
        struct help_uses u;

        help_method_find(&u, name);
        fprintf(f, ".SS %s\n", name);
        for (int k = 0; k < u.n; k++)
            roff_use(f, &u, k);
        roff_example(f, u.v[0].m->example);
    }
}

static void
roff_line(FILE *f, enum topic_line what, const char *term, const char *text)
{
    if (what == TOPIC_EXAMPLE)
        roff_item(f, "as in", term);
    else
        roff_item(f, term, text);
}

static void
roff_topics(FILE *f)
{
    for (const struct topic *t = topics; t->name; t++) {
        fprintf(f, ".SS %s\n", t->name);
        roff_paragraphs(f, t->text);
        for (const struct topic_part *p = t->parts; p && p->title; p++) {
            fputs(".PP\n.B ", f);
            roff(f, p->title);
            fputs("\n.PP\n", f);
            if (p->text)
                roff_paragraphs(f, p->text);
            topic_lines(f, p, roff_line);
            if (p->code)
                roff_example(f, p->code);
        }
        roff_example(f, t->examples);
    }
}

void
help_man(FILE *f)
{
    fprintf(f, ".TH TRIVIUM 1 \"\" \"trivium %s\" \"User commands\"\n",
            trv_version());
    fputs(".SH NAME\ntrivium \\- convert and measure adaptations of language "
          "models\n.SH SYNOPSIS\n",
          f);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++) {
        fprintf(f, ".B trivium %s\n", (*c)->name);
        for (const struct opt_spec *s = (*c)->opts; s->type; s++)
            if (opt_is_option(s) && s->required) {
                fputs("\\fB\\-\\-", f);
                roff(f, s->name);
                fprintf(f, "\\fR \\fI%s\\fR\n", s->value);
            }
        if (help_has_optional((*c)->opts))
            fputs("[OPTIONS]\n", f);
        for (const struct opt_spec *s = (*c)->opts; s->type; s++)
            if (s->type == OPT_TYPE_ARG)
                fprintf(f, s->required ? "\\fI%s\\fR\n" : "[\\fI%s\\fR]\n",
                        s->name);
        fputs(".br\n", f);
    }
    fputs(".SH DESCRIPTION\n", f);
    fputs("Trivium turns one form of a language model's adaptation into "
          "another and measures what was kept.\nThe result goes to standard "
          "output, everything else to standard error.\nProgress is drawn only "
          "on a terminal.\n",
          f);
    fputs(".SH OPTIONS OF EVERY COMMAND\n", f);
    roff_options(f, cli_global_opts, &cli_global_defaults);
    fputs(".SH COMMANDS\n", f);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++) {
        fprintf(f, ".SS trivium %s\n", (*c)->name);
        if ((*c)->description) {
            roff_paragraphs(f, (*c)->description);
        } else {
            roff(f, (*c)->summary);
            fputs(".\n", f);
        }
        roff_options(f, (*c)->opts, (*c)->defaults);
        if ((*c)->examples)
            roff_example(f, (*c)->examples);
    }
    fputs(".SH METHODS OF CONVERT\nWhere a method reads @learn, it reads all "
          "options of the optimiser.\n",
          f);
    roff_methods(f);
    fputs(".SH TOPICS\n", f);
    roff_topics(f);
    fputs(".SH EXIT STATUS\n", f);
#define EXIT_MAN(name, value, word, text)                                      \
    fprintf(f, ".TP\n%d\n%s.\n", value, text);
    CLI_EXIT_LIST(EXIT_MAN)
#undef EXIT_MAN
    fputs(".SH ENVIRONMENT\n.TP\n.B TRV_ISA\nthe instruction set to use where "
          "\\fB\\-\\-isa\\fR is not given.\n.TP\n.B NO_COLOR\nset to anything, "
          "no colours are used.\n",
          f);
}
