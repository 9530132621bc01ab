/* help_text.c -- lines, headings and options, as every page of the help has
 * them.
 */
#include "cli/help_text.h"

#include <stdarg.h>
#include <string.h>

void
help_wrap(FILE *f, const char *text, int indent, int column)
{
    while (*text) {
        size_t n = strcspn(text, " \n");

        if (column > indent && column + 1 + (int)n > HELP_WIDTH) {
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

bool
help_has_optional(const struct opt_spec *specs)
{
    for (const struct opt_spec *s = specs; s->type; s++)
        if (opt_is_option(s) && !s->required)
            return true;
    return false;
}

void
help_usage(FILE *f, const struct cmd_entry *cmd)
{
    fprintf(f, "trivium %s", cmd->name);
    for (const struct opt_spec *s = cmd->opts; s->type; s++) {
        if (opt_is_option(s) && s->required) {
            fputc(' ', f);
            print_use(f, s);
        }
    }
    if (help_has_optional(cmd->opts))
        fputs(" [OPTIONS]", f);
    for (const struct opt_spec *s = cmd->opts; s->type; s++)
        if (s->type == OPT_TYPE_ARG)
            fprintf(f, s->required ? " %s" : " [%s]", s->name);
    fputc('\n', f);
}

void
help_notes(char *out, size_t size, const struct opt_spec *s,
           const void *defaults)
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

void
help_explain(char *out, size_t size, const struct opt_spec *s)
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

/* "-m, --model PATH" */
static void
head_of(char *out, size_t size, const struct opt_spec *s)
{
    const bool flag = s->type == OPT_TYPE_FLAG;

    if (s->type == OPT_TYPE_ARG)
        snprintf(out, size, "%s", s->name);
    else
        snprintf(out, size, "%c%c%c --%s%s%s", s->letter ? '-' : ' ',
                 s->letter ? s->letter : ' ', s->letter ? ',' : ' ', s->name,
                 flag ? "" : " ", flag ? "" : s->value);
}

void
help_option(FILE *f, const struct opt_spec *s, const void *defaults)
{
    char head[96], help[1024], notes[400], text[1440];

    head_of(head, sizeof(head), s);
    help_notes(notes, sizeof(notes), s, defaults);
    help_explain(help, sizeof(help), s);
    snprintf(text, sizeof(text), notes[0] ? "%s (%s)" : "%s%s", help, notes);
    help_item(f, head, text, HELP_COLUMN);
}

void
help_option_brief(FILE *f, const struct opt_spec *s, const void *defaults)
{
    char head[96], help[1024], notes[400], text[1440];

    head_of(head, sizeof(head), s);
    help_notes(notes, sizeof(notes), s, defaults);
    help_explain(help, sizeof(help), s);
    help[strcspn(help, ";")] = '\0';
    if (strlen(help) + strlen(notes) + 3 > HELP_WIDTH - HELP_COLUMN)
        notes[0] = '\0';
    snprintf(text, sizeof(text), notes[0] ? "%s (%s)" : "%s%s", help, notes);
    help_item(f, head, text, HELP_COLUMN);
}

void
help_heading(FILE *f, const char *title, bool color)
{
    fprintf(f, "\n%s%s%s\n", term_bold(color), title, term_plain(color));
}

void
help_examples(FILE *f, const char *examples)
{
    for (const char *c = examples; *c;) {
        const size_t n = strcspn(c, "\n");

        fprintf(f, "  %.*s\n", (int)n, c);
        c += n + (c[n] == '\n');
    }
}

void
help_item(FILE *f, const char *term, const char *text, int column)
{
    const int n = fprintf(f, "  %s", term);

    if (n > column - 2)
        fprintf(f, "\n%*s", column, "");
    else
        fprintf(f, "%*s", column - n, "");
    help_wrap(f, text, column, column);
}

/* ---- lists of names ----------------------------------------------------- */

bool
help_next(char *out, size_t size, const char **list)
{
    const size_t n = strcspn(*list, " ");

    snprintf(out, size, "%.*s", (int)n, *list);
    *list += n + strspn(*list + n, " ");
    return n > 0;
}

bool
help_lists(const char *list, const char *name)
{
    char each[64];

    while (help_next(each, sizeof(each), &list))
        if (strcmp(each, name) == 0)
            return true;
    return false;
}

static void __attribute__((format(printf, 2, 0)))
append(struct help_list *list, const char *fmt, va_list ap)
{
    const int n =
        vsnprintf(list->text + list->n, sizeof(list->text) - list->n, fmt, ap);

    list->n += n > 0 ? (size_t)n : 0;
    if (list->n >= sizeof(list->text))
        list->n = sizeof(list->text) - 1;
}

void
help_list_append(struct help_list *list, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    append(list, fmt, ap);
    va_end(ap);
}

void
help_list_add(struct help_list *list, const char *fmt, ...)
{
    va_list ap;

    if (list->n)
        help_list_append(list, ", ");
    va_start(ap, fmt);
    append(list, fmt, ap);
    va_end(ap);
}

/* ---- commands ----------------------------------------------------------- */

void
help_command_line(FILE *f, const char *command)
{
    int column = 2;

    fputs("  ", f);
    for (const char *c = command; *c;) {
        const char *const next = strstr(c + 1, " --");
        const int n = next ? (int)(next - c) : (int)strlen(c);

        if (c != command && column + n > HELP_WIDTH - 2) {
            fputs(" \\\n     ", f);
            column = 5;
        }
        fwrite(c, 1, (size_t)n, f);
        column += n;
        c += n;
    }
    fputc('\n', f);
}
