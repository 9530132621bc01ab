/* html.c -- foreign text on a page. */
#include "cli/html.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

#define REPLACEMENT 0xFFFD

/* The character at s, U+FFFD where there is none. Returns its bytes. */
static size_t
next_char(utf8proc_int32_t *cp, const char *s, size_t n)
{
    const utf8proc_ssize_t k = utf8proc_iterate(
        (const utf8proc_uint8_t *)s, (utf8proc_ssize_t)(n < 4 ? n : 4), cp);

    if (k > 0)
        return (size_t)k;
    *cp = REPLACEMENT;
    return 1;
}

/* Characters that nobody sees, or that change what is seen around them. Joiners
 * and variation selectors belong to emoji and to scripts. */
static bool
is_hidden(utf8proc_int32_t cp)
{
    static const utf8proc_int32_t ranges[][2] = {
        {0x00, 0x1F},     {0x7F, 0x9F}, // controls
        {0xAD, 0xAD},     {0x61C, 0x61C},     {0x180E, 0x180E},
        {0x200B, 0x200B}, {0x200E, 0x200F},   {0x2028, 0x202E},
        {0x2060, 0x206F}, {0xFEFF, 0xFEFF},   {0xFFF0, 0xFFFB},
        {0xFDD0, 0xFDEF}, {0xE0000, 0xE007F},
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (cp >= ranges[i][0] && cp <= ranges[i][1])
            return true;
    return (cp & 0xFFFE) == 0xFFFE; // never characters
}

/* Everything but what is written out; `s` are its bytes. */
static void
put_char(FILE *f, utf8proc_int32_t cp, const char *s, size_t n)
{
    switch (cp) {
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
    case '\'':
        fputs("&#39;", f);
        break;
    case REPLACEMENT:
        fputs("\357\277\275", f);
        break;
    default:
        fwrite(s, 1, n, f);
    }
}

void
html_text(FILE *f, const char *s, size_t n)
{
    for (size_t k; n > 0; s += k, n -= k) {
        utf8proc_int32_t cp;

        k = next_char(&cp, s, n);
        if (cp != '\n' && cp != '\t' && is_hidden(cp))
            fprintf(f, "<b class=\"u\">U+%04X</b>", (unsigned)cp);
        else
            put_char(f, cp, s, k);
    }
}

void
html_line(FILE *f, const char *s, size_t n)
{
    for (size_t k; n > 0; s += k, n -= k) {
        utf8proc_int32_t cp;

        k = next_char(&cp, s, n);
        if (cp == '\n' || cp == '\t' || cp == '\r')
            fputc(' ', f);
        else if (is_hidden(cp))
            fprintf(f, "[U+%04X]", (unsigned)cp);
        else
            put_char(f, cp, s, k);
    }
}

void
html_excerpt(FILE *f, const char *s, size_t n, int most)
{
    size_t at = 0, word = 0;

    while (n > 0 && strchr(" \n\t\r", s[n - 1]))
        n--;
    for (int i = 0; at < n && i < most; i++) {
        utf8proc_int32_t cp;

        if (i > most / 2 && (s[at] == ' ' || s[at] == '\n'))
            word = at;
        at += next_char(&cp, s + at, n - at);
    }
    if (at < n && word > 0)
        at = word;
    html_line(f, s, at);
    if (at < n)
        fputs("\342\200\246", f);
}
