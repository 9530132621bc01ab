/* help.c -- the pages of the help, all from the option tables. */
#include "cli/help.h"

#include <string.h>

#include "cli/help_method.h"
#include "cli/help_text.h"
#include "cli/topics.h"

#define NAMES_COLUMN 14 // what stands behind a command or a topic

static bool
is_group(const struct opt_spec *s, const char *title)
{
    return s->type == OPT_TYPE_GROUP && title && strcmp(s->help, title) == 0;
}

static void
print_arguments(FILE *f, const struct opt_spec *specs, bool color)
{
    bool titled = false;

    for (const struct opt_spec *s = specs; s->type; s++) {
        if (s->type != OPT_TYPE_ARG)
            continue;
        if (!titled)
            help_heading(f, "Arguments", color);
        titled = true;
        help_option(f, s, NULL);
    }
}

/* Options to the end of the table; or up to a group, and then in few words, so
 * that the page fits a screen. */
static void
print_options(FILE *f, const struct opt_spec *specs, const void *defaults,
              const char *title, const char *end, bool color)
{
    bool titled = false;

    for (const struct opt_spec *s = specs; s->type && !is_group(s, end); s++) {
        if (s->type == OPT_TYPE_ARG)
            continue;
        if (s->type == OPT_TYPE_GROUP || !titled)
            help_heading(f, s->type == OPT_TYPE_GROUP ? s->help : title, color);
        titled = true;
        if (s->type != OPT_TYPE_GROUP && end)
            help_option_brief(f, s, defaults);
        else if (s->type != OPT_TYPE_GROUP)
            help_option(f, s, defaults);
    }
}

void
help_command(FILE *f, const struct cmd_entry *cmd, bool color)
{
    fputs("Usage: ", f);
    help_usage(f, cmd);
    fputc('\n', f);
    help_wrap(f, cmd->description ? cmd->description : cmd->summary, 0, 0);
    if (cmd->print_table)
        cmd->print_table(f, color);
    print_arguments(f, cmd->opts, color);
    print_options(f, cmd->opts, cmd->defaults, "Options", cmd->fold_at, color);
    if (!cmd->fold_at)
        print_options(f, cli_global_opts, &cli_global_defaults,
                      "Options of every command", NULL, color);
    if (cmd->examples) {
        help_heading(f, "Examples", color);
        help_examples(f, cmd->examples);
    }
    if (cmd->more) {
        fputc('\n', f);
        help_wrap(f, cmd->more, 0, 0);
    }
}

static void
print_line(FILE *f, enum topic_line what, const char *term, const char *text)
{
    char inner[100];

    if (what == TOPIC_EXAMPLE) {
        fprintf(f, "    as in %s\n", term);
        return;
    }
    snprintf(inner, sizeof(inner), "%s%s", what == TOPIC_OPTION ? "  " : "",
             term);
    help_item(f, inner, text, HELP_COLUMN);
}

static void
print_part(FILE *f, const struct topic_part *p, bool color)
{
    help_heading(f, p->title, color);
    if (p->text) {
        fputs("  ", f);
        help_wrap(f, p->text, 2, 2);
    }
    topic_lines(f, p, print_line);
    for (const char *c = p->code; c && *c;) {
        const size_t n = strcspn(c, "\n");

        fprintf(f, n ? "    %.*s\n" : "%.*s\n", (int)n, c);
        c += n + (c[n] == '\n');
    }
}

static void
help_topic(FILE *f, const struct topic *t, bool color)
{
    fprintf(f, "%s: %s\n\n", t->name, t->summary);
    help_wrap(f, t->text, 0, 0);
    for (const struct topic_part *p = t->parts; p && p->title; p++)
        print_part(f, p, color);
    if (t->folded) {
        const struct opt_spec *s = t->folded->opts;

        while (s->type && !is_group(s, t->folded->fold_at))
            s++;
        print_options(f, s, t->folded->defaults, NULL, NULL, color);
    }
    help_heading(f, "Examples", color);
    help_examples(f, t->examples);
}

bool
help_about(FILE *f, const char *word, bool color)
{
    const struct cmd_entry *const cmd = cmd_find(word);

    if (cmd) {
        help_command(f, cmd, color);
        return true;
    }
    for (const struct topic *t = topics; t->name; t++)
        if (strcmp(t->name, word) == 0) {
            help_topic(f, t, color);
            return true;
        }
    return help_method(f, word, color);
}

const char *
help_nearest(const char *word)
{
    const char *names[HELP_NAMES_MAX + 1];

    names[help_names(names, HELP_NAMES_MAX)] = NULL;
    return opt_nearest(word, names);
}

int
help_names(const char **names, int max)
{
    const char *name;
    int n = 0;

    for (const struct cmd_entry *const *c = cmd_all; *c && n < max; c++)
        names[n++] = (*c)->name;
    for (int i = 0; (name = help_method_name(i)) && n < max; i++)
        names[n++] = name;
    for (const struct topic *t = topics; t->name && n < max; t++)
        names[n++] = t->name;
    return n;
}

void
help_program(FILE *f, bool color)
{
    fputs("Usage: trivium COMMAND [OPTIONS]\n\n", f);
    help_wrap(f,
              "Trivium turns one form of a language model's adaptation into "
              "another and measures what was kept.",
              0, 0);
    help_heading(f, "Commands", color);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        help_item(f, (*c)->name, (*c)->summary, NAMES_COLUMN);
    help_heading(f, "Topics", color);
    for (const struct topic *t = topics; t->name; t++)
        help_item(f, t->name, t->summary, NAMES_COLUMN);
    print_options(f, cli_global_opts, &cli_global_defaults,
                  "Options of every command", NULL, color);
    help_heading(f, "Exit status", color);
#define EXIT_LINE(name, value, word, text)                                     \
    fprintf(f, "  %3d  %s\n", value, text);
    CLI_EXIT_LIST(EXIT_LINE)
#undef EXIT_LINE
    fputs("\n'trivium help WORD' explains a command, a topic or a method of "
          "convert.\n",
          f);
}
