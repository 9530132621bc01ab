/* triangle_parts.c -- what the parts of a triangle's page share. */
#include "cli/triangle_parts.h"

#include <math.h>

#include "cli/html.h"

const char *const tpage_forms[TPAGE_FORMS] = {"params", "prompt", "reward"};

void
tpage_line(const struct triangle_page *p, const char *s)
{
    html_line(p->f, s, strlen(s));
}

void
tpage_begin(const struct triangle_page *p, const char *id, const char *title,
            const char *note)
{
    fprintf(p->f, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n",
            id, id, title);
    if (note)
        fprintf(p->f, "<p class=\"note\">%s</p>\n", note);
}

void
tpage_end(const struct triangle_page *p)
{
    fputs("</section>\n", p->f);
}

void
tpage_begin_table(const struct triangle_page *p, const char *id,
                  const char *class, const char *const *heads)
{
    fprintf(p->f,
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
            "aria-labelledby=\"%s\"><table class=\"%s\">\n<thead><tr>",
            id, class);
    for (int i = 0; heads[i]; i++)
        fprintf(p->f, "<th scope=\"col\">%s</th>", heads[i]);
    fputs("</tr></thead>\n<tbody>\n", p->f);
}

void
tpage_end_table(const struct triangle_page *p)
{
    fputs("</tbody></table></div>\n", p->f);
}

void
tpage_path(const struct triangle_page *p, const struct means_group *g)
{
    for (int i = 0; i <= g->length; i++) {
        fputs(i ? " \342\206\222 " : "", p->f);
        tpage_line(p, g->path[i]);
    }
}

void
tpage_number(FILE *f, double x, int digits)
{
    if (fabs(x) >= 1e7)
        fprintf(f, "%.3g", x);
    else
        fprintf(f, "%.*f", digits, x);
}

void
tpage_figure(const struct triangle_page *p, const trv_figure *f)
{
    if (f->n == 0) {
        fputs("not measured", p->f);
        return;
    }
    tpage_number(p->f, f->mean, 2);
    if (!isfinite(f->low) || !isfinite(f->high))
        return;
    fputs(" <span>", p->f);
    tpage_number(p->f, f->low, 2);
    fputs(" to ", p->f);
    tpage_number(p->f, f->high, 2);
    fputs("</span>", p->f);
}
