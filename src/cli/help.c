/* help.c -- help, manual page and completion, all from the option tables. */
#include "cli/help.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 78
#define HELP_COLUMN 26 // where an option's explanation begins

/* ---- plain text -------------------------------------------------------- */

/* Print text wrapped at WIDTH, further lines indented; "\n\n" parts
 * paragraphs. The caller has already printed `column` columns. */
static void
wrap(FILE *f, const char *text, int indent, int column)
{
    while (*text) {
        size_t n = strcspn(text, " \n");

        if (column > indent && column + 1 + (int)n > WIDTH) {
            fprintf(f, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', f);
            column++;
        }
        fwrite(text, 1, n, f);
        column += (int)n;
        text += n;
        if (!strncmp(text, "\n\n", 2)) {
            fprintf(f, "\n\n%*s", indent, "");
            column = indent;
        }
        text += strspn(text, " \n");
    }
    fputc('\n', f);
}

/* "--model PATH", "PATH" of an argument. */
static void
print_use(FILE *f, const struct opt_spec *s)
{
    if (s->type == OPT_TYPE_ARG)
        fprintf(f, "%s", s->name);
    else if (s->type == OPT_TYPE_FLAG)
        fprintf(f, "--%s", s->name);
    else
        fprintf(f, "--%s %s", s->name, s->value);
}

static bool
has_optional(const struct opt_spec *specs)
{
    for (const struct opt_spec *s = specs; s->type; s++)
        if (opt_is_option(s) && !s->required)
            return true;
    return false;
}

static void
print_usage(FILE *f, const struct cmd_entry *cmd)
{

    fprintf(f, "trivium %s", cmd->name);
    for (const struct opt_spec *s = cmd->opts; s->type; s++) {
        if (opt_is_option(s) && s->required) {
            fputc(' ', f);
            print_use(f, s);
        }
    }
    if (has_optional(cmd->opts))
        fputs(" [OPTIONS]", f);
    for (const struct opt_spec *s = cmd->opts; s->type; s++)
        if (s->type == OPT_TYPE_ARG)
            fprintf(f, s->required ? " %s" : " [%s]", s->name);
    fputc('\n', f);
}

/* What stands behind the help: choices, range and unit, default. */
static void
notes_of(char *out, size_t size, const struct opt_spec *s, const void *defaults)
{
    char parts[4][160] = {"", "", "", ""};
    size_t at = 0;

    if (s->choices) {
        const char *c = s->choices;
        size_t n = 0;

        for (; *c && n + 3 < sizeof(parts[0]); c++) {
            parts[0][n++] = *c == '|' ? ',' : *c;
            if (*c == '|')
                parts[0][n++] = ' ';
        }
        parts[0][n] = '\0';
    } else {
        opt_range_text(parts[0], sizeof(parts[0]), s);
    }
    if (s->unit && parts[0][0])
        snprintf(parts[0] + strlen(parts[0]),
                 sizeof(parts[0]) - strlen(parts[0]), ", in %s", s->unit);
    if (s->type == OPT_TYPE_LIST)
        snprintf(parts[1], sizeof(parts[1]), "may be repeated");
    if (s->required && opt_is_option(s))
        snprintf(parts[2], sizeof(parts[2]), "needed");
    else if (opt_is_option(s) && defaults)
        opt_default_text(parts[3], sizeof(parts[3]), s, defaults);
    out[0] = '\0';
    for (int i = 0; i < 4; i++)
        if (parts[i][0] && at < size)
            at += (size_t)snprintf(out + at, size - at, "%s%s", at ? "; " : "",
                                   parts[i]);
}

/* The help of an option, behind the specs that it takes. */
static void
help_of(char *out, size_t size, const struct opt_spec *s)
{
    const char *usage;
    size_t at = 0;

    for (int32_t i = 0;
         s->specs && (usage = trv_spec_usage(s->specs, i)) && at < size; i++)
        at +=
            (size_t)snprintf(out + at, size - at, "%s%s", i ? ", " : "", usage);
    if (at < size)
        snprintf(out + at, size - at, "%s%s", at ? "; " : "", s->help);
}

static void
print_option(FILE *f, const struct opt_spec *s, const void *defaults)
{
    char head[96], help[800], notes[400], text[1280];
    int n;

    if (s->type == OPT_TYPE_ARG)
        n = snprintf(head, sizeof(head), "  %s", s->name);
    else
        n = snprintf(head, sizeof(head), "  %c%c%c --%s%s%s",
                     s->letter ? '-' : ' ', s->letter ? s->letter : ' ',
                     s->letter ? ',' : ' ', s->name,
                     s->type == OPT_TYPE_FLAG ? "" : " ",
                     s->type == OPT_TYPE_FLAG ? "" : s->value);
    notes_of(notes, sizeof(notes), s, defaults);
    help_of(help, sizeof(help), s);
    snprintf(text, sizeof(text), notes[0] ? "%s (%s)" : "%s%s", help, notes);
    fputs(head, f);
    if (n > HELP_COLUMN - 2)
        fprintf(f, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(f, "%*s", HELP_COLUMN - n, "");
    wrap(f, text, HELP_COLUMN, HELP_COLUMN);
}

static void
heading(FILE *f, const char *title, bool color)
{
    fprintf(f, "\n%s%s%s\n", term_bold(color), title, term_plain(color));
}

static void
print_options(FILE *f, const struct opt_spec *specs, const void *defaults,
              const char *title, bool color)
{
    bool titled = false;

    for (const struct opt_spec *s = specs; s->type; s++) {
        if (s->type != OPT_TYPE_ARG)
            continue;
        if (!titled)
            heading(f, "Arguments", color);
        titled = true;
        print_option(f, s, defaults);
    }
    titled = false;
    for (const struct opt_spec *s = specs; s->type; s++) {
        if (s->type == OPT_TYPE_ARG)
            continue;
        if (s->type == OPT_TYPE_GROUP || !titled)
            heading(f, s->type == OPT_TYPE_GROUP ? s->help : title, color);
        titled = true;
        if (s->type != OPT_TYPE_GROUP)
            print_option(f, s, defaults);
    }
}

void
help_command(FILE *f, const struct cmd_entry *cmd, bool color)
{
    fputs("Usage: ", f);
    print_usage(f, cmd);
    fputc('\n', f);
    wrap(f, cmd->description ? cmd->description : cmd->summary, 0, 0);
    print_options(f, cmd->opts, cmd->defaults, "Options", color);
    print_options(f, cli_global_opts, &cli_global_defaults,
                  "Options of every command", color);
    if (cmd->examples) {
        heading(f, "Examples", color);
        for (const char *c = cmd->examples; *c;) {
            const size_t n = strcspn(c, "\n");

            fprintf(f, "  %.*s\n", (int)n, c);
            c += n + (c[n] == '\n');
        }
    }
}

void
help_program(FILE *f, bool color)
{
    fputs("Usage: trivium COMMAND [OPTIONS]\n\n", f);
    wrap(f,
         "Trivium turns one form of a language model's adaptation into "
         "another and measures what was kept.",
         0, 0);
    heading(f, "Commands", color);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        fprintf(f, "  %-12s%s\n", (*c)->name, (*c)->summary);
    print_options(f, cli_global_opts, &cli_global_defaults,
                  "Options of every command", color);
    heading(f, "Exit status", color);
#define EXIT_LINE(name, value, text) fprintf(f, "  %3d  %s\n", value, text);
    CLI_EXIT_LIST(EXIT_LINE)
#undef EXIT_LINE
    fputs("\n'trivium help COMMAND' explains a command.\n", f);
}

/* ---- manual page ------------------------------------------------------- */

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
        char help[800], notes[400];

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
        help_of(help, sizeof(help), s);
        roff(f, help);
        notes_of(notes, sizeof(notes), s, defaults);
        if (notes[0]) {
            fputs(" (", f);
            roff(f, notes);
            fputc(')', f);
        }
        fputs(".\n", f);
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
        if (has_optional((*c)->opts))
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
        if ((*c)->examples) {
            fputs(".PP\n.nf\n", f);
            roff(f, (*c)->examples);
            fputs("\n.fi\n", f);
        }
    }
    fputs(".SH EXIT STATUS\n", f);
#define EXIT_MAN(name, value, text) fprintf(f, ".TP\n%d\n%s.\n", value, text);
    CLI_EXIT_LIST(EXIT_MAN)
#undef EXIT_MAN
    fputs(".SH ENVIRONMENT\n.TP\n.B TRV_ISA\nthe instruction set to use where "
          "\\fB\\-\\-isa\\fR is not given.\n.TP\n.B NO_COLOR\nset to anything, "
          "no colours are used.\n",
          f);
}

/* ---- completion -------------------------------------------------------- */

static void
bash_words(FILE *f, const struct opt_spec *specs)
{
    for (const struct opt_spec *s = specs; s->type; s++)
        if (opt_is_option(s))
            fprintf(f, " --%s", s->name);
}

/* After an option of few values, offer these; after any other that takes a
 * value, file names. */
static void
bash_values(FILE *f, const struct opt_spec *specs)
{
    for (const struct opt_spec *s = specs; s->type; s++) {
        if (!opt_is_option(s) || s->type == OPT_TYPE_FLAG)
            continue;
        fprintf(f, "        --%s", s->name);
        if (s->letter)
            fprintf(f, "|-%c", s->letter);
        if (s->choices) {
            fputs(") COMPREPLY=($(compgen -W '", f);
            for (const char *c = s->choices; *c; c++)
                fputc(*c == '|' ? ' ' : *c, f);
            fputs("' -- \"$cur\")); return ;;\n", f);
        } else {
            fputs(") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", f);
        }
    }
}

void
help_bash_completion(FILE *f)
{
    fputs("# bash completion of trivium; made by 'trivium completion bash'\n"
          "_trivium() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev= cmd= i words\n"
          "    ((COMP_CWORD > 0)) && prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        case ${COMP_WORDS[i]} in\n        ",
          f);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        fprintf(f, "%s%s", c == cmd_all ? "" : "|", (*c)->name);
    fputs(") cmd=${COMP_WORDS[i]}; break ;;\n"
          "        esac\n    done\n    COMPREPLY=()\n    case $prev in\n",
          f);
    bash_values(f, cli_global_opts);
    fputs("    esac\n    case $cmd in\n    '') words=\"", f);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        fprintf(f, "%s%s", c == cmd_all ? "" : " ", (*c)->name);
    fputs("\" ;;\n", f);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++) {
        fprintf(f, "    %s)\n        case $prev in\n", (*c)->name);
        bash_values(f, (*c)->opts);
        fputs("        esac\n        words=\"", f);
        bash_words(f, (*c)->opts);
        fputs("\" ;;\n", f);
    }
    fputs("    esac\n    words=\"$words", f);
    bash_words(f, cli_global_opts);
    fputs("\"\n    if [[ $cur == -* || -z $cmd ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
          "    else\n        COMPREPLY=($(compgen -f -- \"$cur\"))\n    fi\n}\n"
          "complete -o filenames -F _trivium trivium\n",
          f);
}
