/* triangle_draw.c -- where vertices, arrows and labels stand.
 *
 * All is laid out in units of 360 x 340, which is about a telephone's width, so
 * letters keep their size there.
 */
#include "cli/triangle_draw.h"

#include <math.h>
#include <string.h>

#include "cli/html.h"

#define APART 11.0 // between the two arrows of a side, from its middle
#define LABEL 17.0 // from an arrow to its figure
#define SHORT 46.0 // an arrow ends so far before a vertex

static const struct vertex {
    const char *form;
    double x, y;
} vertices[] = {{"params", 180, 34}, {"prompt", 46, 282}, {"reward", 314, 282}};
#define VERTICES 3

const char *
triangle_class(double s)
{
    return !isfinite(s) ? "sx"
           : s >= 0.85  ? "s4"
           : s >= 0.6   ? "s3"
           : s >= 0.3   ? "s2"
           : s >= 0.1   ? "s1"
                        : "s0";
}

const struct means_group *
triangle_arrow(const struct means *m, const char *task, const char *from,
               const char *to)
{
    const struct means_group *best = NULL;

    for (int i = 0; i < m->n; i++) {
        const struct means_group *g = &m->groups[i];

        if (strcmp(g->task, task) != 0 || g->length != 1 ||
            strcmp(g->path[0], from) != 0 || strcmp(g->path[1], to) != 0)
            continue;
        if (!best || (g->chosen && g->done) || (!best->done && g->done) ||
            (!best->chosen && g->done &&
             means_strength(g) > means_strength(best)))
            best = g;
        if (g->chosen && g->done)
            return g;
    }
    return best;
}

const char *
triangle_figure(char out[TRIANGLE_FIGURE_MAX], const struct means_group *g)
{
    if (g && g->f[MEANS_KEPT].n)
        snprintf(out, TRIANGLE_FIGURE_MAX, "%.2f", g->f[MEANS_KEPT].mean);
    else
        snprintf(out, TRIANGLE_FIGURE_MAX, "%s",
                 !g          ? "not run"
                 : g->failed ? "failed"
                 : g->done   ? "not measured"
                 : g->cut    ? "left out"
                             : "to be made");
    return out;
}

/* "0.87–0.91", and " to " where a dash would read as another sign; "" where it
 * has no interval. */
static const char *
interval(char out[TRIANGLE_FIGURE_MAX], const struct means_group *g,
         bool in_words)
{
    const trv_figure *f = g ? &g->f[MEANS_KEPT] : NULL;

    *out = '\0';
    if (f && f->n && isfinite(f->low) && isfinite(f->high))
        snprintf(out, TRIANGLE_FIGURE_MAX, "%.2f%s%.2f", f->low,
                 in_words || f->low < 0 ? " to " : "\342\200\223", f->high);
    return out;
}

/* The arrow of a side and the figure beside it. */
static void
put_arrow(FILE *f, const struct means *m, const char *task,
          const struct vertex *a, const struct vertex *b)
{
    const double dx = b->x - a->x, dy = b->y - a->y;
    const double len = sqrt(dx * dx + dy * dy);
    const double ux = dx / len, uy = dy / len;
    /* to the left of the way, so that there and back lie side by side */
    const double nx = uy, ny = -ux;
    const double x0 = a->x + SHORT * ux + APART * nx;
    const double y0 = a->y + SHORT * uy + APART * ny;
    const double x1 = b->x - SHORT * ux + APART * nx;
    const double y1 = b->y - SHORT * uy + APART * ny;
    /* inside, one figure stands above the other, for there is no room beside */
    const bool inside = ny > 0.2 && fabs(nx) > 0.2;
    const double at = !inside ? 0.5 : dy > 0 ? 0.48 : 0.3;
    const double mx = x0 + at * (x1 - x0) + LABEL * nx;
    const double my = y0 + at * (y1 - y0) + LABEL * ny;
    const struct means_group *g = triangle_arrow(m, task, a->form, b->form);
    const double s = g ? means_strength(g) : (double)NAN;
    const char *class = triangle_class(s);
    const double head = 7.0;
    const char *anchor;
    char text[TRIANGLE_FIGURE_MAX], ends[TRIANGLE_FIGURE_MAX];

    fprintf(f,
            "<path class=\"arrow %s\" d=\"M%.1f %.1fL%.1f %.1f\"/>"
            "<path class=\"tip %s\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fZ\"/>",
            class, x0, y0, x1 - head * ux, y1 - head * uy, class, x1, y1,
            x1 - 1.8 * head * ux + head * nx, y1 - 1.8 * head * uy + head * ny,
            x1 - 1.8 * head * ux - head * nx, y1 - 1.8 * head * uy - head * ny);
    anchor = nx > 0.3 ? "start" : nx < -0.3 ? "end" : "middle";
    triangle_figure(text, g);
    interval(ends, g, false);
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s", mx,
            *ends && ny < -0.5 ? my - 10 : my + 5, anchor, text);
    if (*ends)
        fprintf(f, "<tspan class=\"range\" x=\"%.1f\" dy=\"1.15em\">%s</tspan>",
                mx, ends);
    fputs("</text>\n", f);
}

static void
put_words(FILE *f, const struct means *m, const char *task)
{
    char text[TRIANGLE_FIGURE_MAX], ends[TRIANGLE_FIGURE_MAX];
    int n = 0;

    for (int a = 0; a < VERTICES; a++)
        for (int b = 0; b < VERTICES; b++) {
            const struct means_group *g =
                a == b ? NULL
                       : triangle_arrow(m, task, vertices[a].form,
                                        vertices[b].form);

            if (a == b)
                continue;
            fprintf(f, "%s%s to %s: %s", n++ ? "; " : "", vertices[a].form,
                    vertices[b].form, triangle_figure(text, g));
            if (*interval(ends, g, true))
                fprintf(f, ", from %s", ends);
        }
}

void
triangle_draw(FILE *f, const struct means *m, const char *task)
{
    fputs("<svg class=\"triangle\" viewBox=\"0 0 360 330\" role=\"img\" "
          "aria-label=\"",
          f);
    html_line(f, task, strlen(task));
    fputs(": ", f);
    put_words(f, m, task);
    fputs("\">\n", f);
    for (int a = 0; a < VERTICES; a++)
        for (int b = 0; b < VERTICES; b++)
            if (a != b)
                put_arrow(f, m, task, &vertices[a], &vertices[b]);
    for (int a = 0; a < VERTICES; a++)
        fprintf(f,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"84\" height=\"34\" "
                "rx=\"17\"/><text class=\"vertex\" x=\"%.1f\" y=\"%.1f\" "
                "text-anchor=\"middle\">%s</text>\n",
                vertices[a].x - 42, vertices[a].y - 17, vertices[a].x,
                vertices[a].y + 5, vertices[a].form);
    fputs("</svg>\n", f);
}
