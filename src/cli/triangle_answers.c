/* triangle_answers.c -- what base, source and result say to the same inputs,
 * with the tokens marked that the result makes more or less likely than its
 * source: by the log-ratios of the report, else by the words that differ.
 */
#include <math.h>
#include <stdlib.h>

#include "cli/html.h"
#include "cli/tokendiff.h"
#include "cli/triangle_parts.h"

#define ANSWERS_MAX 2   // of an arrow
#define ARROWS_MAX 18   // three tasks of six arrows
#define MARKED_FROM 0.5 // nats, from which on a log-ratio is marked
#define STRONG_FROM 2.0 // and marked strongly

/* Ends of the words of a text [n of them in *out]; NULL without memory. */
static int64_t *
words_of(const char *s, int64_t *out)
{
    const size_t len = strlen(s);
    int64_t *ends = calloc(len + 1, sizeof(*ends));

    *out = 0;
    for (size_t i = 0; i < len && ends; i++)
        if (i + 1 == len || (s[i] == ' ' && s[i + 1] != ' ') || s[i] == '\n')
            ends[(*out)++] = (int64_t)i + 1;
    return ends;
}

/* A text with the words marked that another does not have. */
static int
put_marked(FILE *f, const char *s, const char *other)
{
    struct tokens a = {.text = s}, b = {.text = other};
    int64_t *x = words_of(s, &a.n), *y = words_of(other, &b.n);
    bool *differ = NULL;
    int64_t from = 0;

    a.ends = x;
    b.ends = y;
    if (x && y)
        differ = tokens_differ(&a, &b);
    for (int64_t i = 0; i < a.n && differ; i++) {
        fputs(differ[i] ? "<mark>" : "", f);
        html_text(f, s + from, (size_t)(a.ends[i] - from));
        fputs(differ[i] ? "</mark>" : "", f);
        from = a.ends[i];
    }
    free(x);
    free(y);
    free(differ);
    return differ ? 0 : -1;
}

/* ---- marks by log-ratio -------------------------------------------------- */

struct mark {
    size_t from, to; // bytes of the answer
    double ratio;    // log-ratio of the result to its source, in nats
};

/* Is a byte the beginning of a character, or the end of the text? */
static bool
is_edge(const char *s, size_t at)
{
    return ((unsigned char)s[at] & 0xC0) != 0x80;
}

/* A mark that lies within the text and behind `behind`; those of a foreign
 * report need not. */
static bool
read_mark(struct mark *m, const json_t *x, const char *s, size_t behind)
{
    const json_t *ratio = json_array_get(x, 2);
    const json_int_t from = json_integer_value(json_array_get(x, 0));
    const json_int_t to = json_integer_value(json_array_get(x, 1));
    const size_t len = strlen(s);

    if (!json_is_number(ratio) || from < 0 || to <= from || (size_t)to > len ||
        (size_t)from < behind || !is_edge(s, (size_t)from) ||
        !is_edge(s, (size_t)to))
        return false;
    *m = (struct mark){(size_t)from, (size_t)to, json_number_value(ratio)};
    return fabs(m->ratio) >= MARKED_FROM;
}

static void
put_ratios(FILE *f, const char *s, const json_t *marks)
{
    size_t at = 0;

    for (size_t i = 0; i < json_array_size(marks); i++) {
        struct mark m;

        if (!read_mark(&m, json_array_get(marks, i), s, at))
            continue;
        html_text(f, s + at, m.from - at);
        fprintf(f, "<mark class=\"%s%s\" title=\"%+.2f nats\">",
                m.ratio > 0 ? "more" : "less",
                fabs(m.ratio) >= STRONG_FROM ? " strong" : "", m.ratio);
        html_text(f, s + m.from, m.to - m.from);
        fputs("</mark>", f);
        at = m.to;
    }
    html_text(f, s + at, strlen(s) - at);
}

/* ---- side by side -------------------------------------------------------- */

static int
put_said(const struct triangle_page *p, const char *class, const char *text,
         const char *other, const json_t *marks)
{
    int bad = 0;

    fprintf(p->f, "<div class=\"said %s\"><h4>%s</h4><p>", class,
            tpage_is(class, "target") ? "result" : class);
    if (json_array_size(marks))
        put_ratios(p->f, text, marks);
    else
        bad = put_marked(p->f, text, other);
    fputs("</p></div>\n", p->f);
    return bad;
}

static int
put_example(const struct triangle_page *p, const struct means_group *g,
            const json_t *e)
{
    const char *base = means_text(e, "base"), *source = means_text(e, "source");
    const char *target = means_text(e, "target"),
               *asked = means_text(e, "input");
    int bad;

    fputs("<article>\n<h3 class=\"note\">", p->f);
    tpage_line(p, g->task);
    fputs(": ", p->f);
    tpage_path(p, g);
    fputs(" by ", p->f);
    tpage_line(p, g->method);
    fputs("</h3>\n<p class=\"asked\">", p->f);
    html_text(p->f, asked, strlen(asked));
    fputs("</p>\n<div class=\"three\">\n", p->f);
    bad = put_said(p, "base", base, target, NULL);
    if (!bad && *source)
        bad = put_said(p, "source", source, target, NULL);
    if (!bad)
        bad = put_said(p, "target", target, *source ? source : base,
                       json_object_get(e, "marks"));
    fputs("</div>\n</article>\n", p->f);
    return bad;
}

int
tpage_answers(const struct triangle_page *p)
{
    int arrows = 0, bad = 0;

    for (int i = 0; i < p->m.n && !bad && arrows < ARROWS_MAX; i++) {
        const struct means_group *g = &p->m.groups[i];
        const json_t *list =
            g->first ? json_object_get(g->first, "examples") : NULL;

        if (!g->chosen || g->length != 1 || !json_array_size(list))
            continue;
        if (arrows++ == 0)
            tpage_begin(
                p, "answers", "What they say",
                "Drawn with the same random numbers. Marked is what the "
                "result and its source do not share; where the report "
                "has log-ratios, tokens that the result makes likelier "
                "are underlined, less likely ones dotted, from half a "
                "nat on, and stronger from two.");
        for (size_t k = 0; k < json_array_size(list) && k < ANSWERS_MAX && !bad;
             k++)
            bad = put_example(p, g, json_array_get(list, k));
    }
    if (arrows)
        tpage_end(p);
    return bad;
}
