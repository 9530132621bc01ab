/* columns.c -- texts side by side.
 *
 *     BASE             PROMPT           LORA
 *     It is an animal  Arr! It be an    Arr! It be an
 *     that lives in    animal.          animal, matey!
 *     the woods.
 *     `---- each ----'`-' GAP
 */
#include "cli/columns.h"

#include <string.h>
#include <utf8proc.h>

#include "cli/term.h"

#define GAP 2

/* One character: its bytes and the columns it takes. A control character is a
 * blank, and so is what is no UTF-8. */
struct cell {
    const char *s;
    int bytes, width;
};

static struct cell
next_cell(const char *s)
{
    utf8proc_int32_t cp;
    const utf8proc_ssize_t n =
        utf8proc_iterate((const utf8proc_uint8_t *)s, -1, &cp);

    if (n <= 0 || cp < 0x20 || (cp >= 0x7F && cp < 0xA0))
        return (struct cell){" ", n > 0 ? (int)n : 1, 1};
    return (struct cell){s, (int)n, utf8proc_charwidth(cp)};
}

static void
print_cell(FILE *f, const struct cell *c)
{
    if (*c->s == ' ')
        fputc(' ', f);
    else
        fwrite(c->s, 1, (size_t)c->bytes, f);
}

/* Print what fits of *text on one line and go on to the rest. Returns the
 * columns that were taken. */
static int
print_line(FILE *f, const char **text, int width)
{
    const char *const at = *text, *end = NULL; // end: after what fits
    int wide = 0;

    for (const char *c = at; !end;) {
        const struct cell cell = next_cell(c);

        if (!*c || *c == '\n')
            end = c; // all of it
        else if (wide + cell.width > width) {
            end = c;
            while (end > at && *end != ' ' && end[-1] != ' ')
                end--;
            if (end == at) // one long word is cut; one character always fits
                end = c > at ? c : c + cell.bytes;
            while (end > at && end[-1] == ' ')
                end--;
        } else {
            wide += cell.width;
            c += cell.bytes;
        }
    }
    wide = 0;
    for (const char *c = at; c < end;) {
        const struct cell cell = next_cell(c);

        print_cell(f, &cell);
        wide += cell.width;
        c += cell.bytes;
    }
    *text = end + (*end == '\n');
    if (*end != '\n')
        *text += strspn(end, " "); // the blank at which the line was parted
    return wide;
}

/* Blank lines around an answer say nothing. */
static const char *
start_of(const char *text)
{
    return text + strspn(text, " \n");
}

static bool
is_done(const char *text)
{
    return !*start_of(text);
}

/* One row of the screen; rest[i] go on. True while something is left. */
static bool
print_row(FILE *f, const char **rest, int n, int each)
{
    int owed = 0; // columns that stay blank before the next text
    bool more = false;

    for (int i = 0; i < n; i++) {
        if (!is_done(rest[i])) {
            fprintf(f, "%*s", owed, "");
            owed = -print_line(f, &rest[i], each);
        }
        owed += each + GAP;
        more = more || !is_done(rest[i]);
    }
    fputc('\n', f);
    return more;
}

static void
print_stacked(FILE *f, int width, const char *const *titles,
              const char *const *texts, int n, bool color)
{
    for (int i = 0; i < n; i++) {
        fprintf(f, "%s%s%s%s\n", i ? "\n" : "", term_bold(color), titles[i],
                term_plain(color));
        columns_wrap(f, width, "", texts[i]);
    }
}

void
columns_print(FILE *f, int width, const char *const *titles,
              const char *const *texts, int n, bool color)
{
    const char *head[COLUMNS_MOST], *rest[COLUMNS_MOST];
    const int each = (width - GAP * (n - 1)) / n;

    if (each < COLUMNS_NARROW) {
        print_stacked(f, width, titles, texts, n, color);
        return;
    }
    for (int i = 0; i < n; i++) {
        head[i] = titles[i];
        rest[i] = start_of(texts[i]);
    }
    fputs(term_bold(color), f);
    while (print_row(f, head, n, each))
        ;
    fputs(term_plain(color), f);
    while (print_row(f, rest, n, each))
        ;
}

void
columns_wrap(FILE *f, int width, const char *head, const char *text)
{
    const int indent = (int)strlen(head);
    const char *rest = start_of(text);

    fputs(head, f);
    for (;;) {
        (void)print_line(f, &rest, width > indent ? width - indent : 1);
        fputc('\n', f);
        if (is_done(rest))
            return;
        fprintf(f, "%*s", indent, "");
    }
}
