/* plot.c -- plots as inline SVG.
 *
 *     <figure class="plot">
 *       heading, sentence, legend
 *       <div class="area">            as wide as the page lets it
 *         <svg>                       SIDE x SIDE units, stretched over it
 *         <span class="tick y">       labels, placed in per cent
 *         <span class="tick x">
 *       </div>
 *       the x axis's label
 */
#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/html.h"
#include "cli/human.h"

#define SIDE 1000.0 // the SVG's units, either way
#define TICKS_MAX 12
#define DOTS_MAX 1000 // of a strip; further ones would only hide each other

static void
put_line(FILE *f, const char *s)
{
    html_line(f, s, strlen(s));
}

/* ---- axes ---------------------------------------------------------------- */

void
plot_fit(struct plot_axis *a, const double *v, int64_t n, double floor_)
{
    for (int64_t i = 0; i < n; i++) {
        const double x = a->log && v[i] < floor_ ? floor_ : v[i];

        if (!isfinite(x))
            continue;
        if (!a->fitted)
            a->low = a->high = x;
        a->fitted = true;
        a->low = x < a->low ? x : a->low;
        a->high = x > a->high ? x : a->high;
    }
}

/* 1, 2 or 5 times a power of ten, so that about four steps fill the span. */
static double
step_of(double span)
{
    const double rough = span / 4, power = pow(10, floor(log10(rough)));
    const double share = rough / power;

    return power * (share <= 1.2 ? 1 : share <= 2.5 ? 2 : share <= 6 ? 5 : 10);
}

/* Make it begin and end at ticks; a linear one of values that are not below 0
 * begins there. `exact` leaves the ends as they are. */
static void
settle(struct plot_axis *a, bool exact)
{
    if (a->log) {
        a->low = pow(10, floor(log10(a->low) + 1e-9));
        a->high = pow(10, ceil(log10(a->high) - 1e-9));
        if (!(a->high > a->low))
            a->high = 10 * a->low;
        return;
    }
    if (!exact && a->low > 0)
        a->low = 0;
    if (!(a->high > a->low))
        a->high = a->low + 1;
    if (!exact) {
        const double step = step_of(a->high - a->low);

        a->low = step * floor(a->low / step + 1e-9);
        a->high = step * ceil(a->high / step - 1e-9);
    }
}

/* 0 to 1; what lies outside is at the edge. */
static double
share_of(const struct plot_axis *a, double v)
{
    double x;

    if (a->log)
        x = v > a->low ? log(v / a->low) / log(a->high / a->low) : 0;
    else
        x = (v - a->low) / (a->high - a->low);
    return x > 0 ? x < 1 ? x : 1 : 0;
}

static int
ticks_of(double *out, const struct plot_axis *a)
{
    int n = 0;

    if (a->log) {
        const double decades = round(log10(a->high / a->low));
        const double skip = decades > 5 ? 100 : 10;

        for (double v = a->low; v < a->high * 1.01 && n < TICKS_MAX; v *= skip)
            out[n++] = v;
    } else {
        const double step = step_of(a->high - a->low);

        for (double k = ceil(a->low / step - 1e-9);
             k * step <= a->high + 1e-9 * step && n < TICKS_MAX; k++)
            out[n++] = k * step;
    }
    return n;
}

static const char *
tick_text(char out[HUMAN_MAX], double v)
{
    if (fabs(v) >= 1000 && v == round(v))
        return human_count(out, v);
    snprintf(out, HUMAN_MAX, "%.4g", fabs(v) < 1e-12 ? 0 : v);
    return out;
}

static void
put_ticks(FILE *f, const struct plot_axis *a, bool upright)
{
    double at[TICKS_MAX];
    const int n = ticks_of(at, a);
    char text[HUMAN_MAX];

    for (int i = 0; i < n; i++)
        fprintf(f,
                "<span class=\"tick %s\" aria-hidden=\"true\" "
                "style=\"%s:%.2f%%\">%s</span>\n",
                upright ? "y" : "x", upright ? "bottom" : "left",
                100 * share_of(a, at[i]), tick_text(text, at[i]));
}

static void
put_grid(FILE *f, const struct plot_axis *a, bool upright)
{
    double at[TICKS_MAX];
    const int n = ticks_of(at, a);

    fputs("<path class=\"grid\" d=\"", f);
    for (int i = 0; i < n; i++)
        if (upright)
            fprintf(f, "M0 %.1fH%.0f", SIDE * (1 - share_of(a, at[i])), SIDE);
        else
            fprintf(f, "M%.1f 0V%.0f", SIDE * share_of(a, at[i]), SIDE);
    fputs("\"/>\n", f);
}

/* ---- figures ------------------------------------------------------------- */

/* `legend` is its class; NULL: there is none. */
static void
begin_figure(FILE *f, const struct plot *p, const char *legend, int height)
{
    fputs("<figure class=\"plot\">\n<figcaption><h3>", f);
    put_line(f, p->title);
    fputs("</h3>\n<p>", f);
    put_line(f, p->says);
    fputs("</p></figcaption>\n", f);
    if (legend) {
        fprintf(f, "<ul class=\"%s\">", legend);
        for (int i = 0; i < p->n; i++)
            if (p->series[i].name) {
                fprintf(f, "<li class=\"%s\">", p->series[i].kind);
                put_line(f, p->series[i].name);
                fputs("</li>", f);
            }
        fputs("</ul>\n", f);
    }
    fprintf(f,
            "<div class=\"area%s\" style=\"height:%drem\">\n"
            "<svg viewBox=\"0 0 %.0f %.0f\" preserveAspectRatio=\"none\" "
            "role=\"img\" aria-label=\"",
            legend ? "" : " strips", height, SIDE, SIDE);
    put_line(f, p->alt);
    fputs("\">\n", f);
}

static void
end_figure(FILE *f, const struct plot *p)
{
    put_ticks(f, &p->x, false);
    fputs("</div>\n<p class=\"axis\">", f);
    put_line(f, p->x.label);
    fputs("</p>\n</figure>\n", f);
}

void
plot_lines(FILE *f, const struct plot *plot)
{
    struct plot p = *plot;

    settle(&p.x, true);
    settle(&p.y, false);
    begin_figure(f, &p, "legend", 13);
    put_grid(f, &p.y, true);
    for (int s = 0; s < p.n; s++) {
        const struct plot_series *l = &p.series[s];
        bool pen = false;

        fprintf(f, "<path class=\"line %s%s\" d=\"", l->kind,
                l->name ? "" : " faint");
        for (int64_t i = 0; i < l->n; i++) {
            if (isfinite(l->y[i]))
                fprintf(f, "%c%.1f %.1f", pen ? 'L' : 'M',
                        SIDE * share_of(&p.x, l->x[i]),
                        SIDE * (1 - share_of(&p.y, l->y[i])));
            pen = isfinite(l->y[i]);
        }
        fputs("\"/>\n", f);
    }
    fputs("</svg>\n", f);
    put_ticks(f, &p.y, true);
    end_figure(f, &p);
}

/* Dots as a path of points. */
static void
put_dots(FILE *f, const struct plot *p, const struct plot_series *s,
         const char *class)
{
    fprintf(f, "<path class=\"dots %s %s\" d=\"", class, s->kind);
    for (int64_t i = 0; i < s->n; i++)
        if (isfinite(s->x[i]) && isfinite(s->y[i]))
            fprintf(f, "M%.1f %.1fh0", SIDE * share_of(&p->x, s->x[i]),
                    SIDE * (1 - share_of(&p->y, s->y[i])));
    fputs("\"/>\n", f);
}

/* The next dot of the front: right of *x and above *y, the leftmost there and
 * the highest of those. */
static bool
next_of_front(const struct plot *p, double *x, double *y)
{
    double left = (double)INFINITY, top = *y;

    for (int s = 0; s < p->n; s++)
        for (int64_t i = 0; i < p->series[s].n; i++) {
            const double a = p->series[s].x[i], b = p->series[s].y[i];

            if (b > *y && (a < left || (!(a > left) && b > top))) {
                left = a;
                top = b;
            }
        }
    *x = left;
    *y = top;
    return isfinite(left);
}

/* Stairs, for between two dots nothing is known to be better than the left. */
static void
put_front(FILE *f, const struct plot *p)
{
    double x, y = (double)-INFINITY;
    bool pen = false;

    fputs("<path class=\"line front\" d=\"", f);
    while (next_of_front(p, &x, &y)) {
        const double sx = SIDE * share_of(&p->x, x);
        const double sy = SIDE * (1 - share_of(&p->y, y));

        if (pen)
            fprintf(f, "H%.1fV%.1f", sx, sy);
        else
            fprintf(f, "M%.1f %.1f", sx, sy);
        pen = true;
    }
    fputs("\"/>\n", f);
}

void
plot_scatter(FILE *f, const struct plot *plot)
{
    static const char *const shapes[] = {"disk", "square", "ring", "disk"};
    struct plot p = *plot;

    settle(&p.x, p.x.log);
    settle(&p.y, false);
    begin_figure(f, &p, "legend shapes", 16);
    put_grid(f, &p.y, true);
    put_grid(f, &p.x, false);
    if (p.front)
        put_front(f, &p);
    for (int s = 0; s < p.n; s++) {
        put_dots(f, &p, &p.series[s], shapes[s]);
        if (!strcmp(shapes[s], "ring"))
            put_dots(f, &p, &p.series[s], "hole");
    }
    fputs("</svg>\n", f);
    put_ticks(f, &p.y, true);
    end_figure(f, &p);
}

static int
by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Dots in order of their values, each beside the last one's height: by the
 * golden section no two neighbours are near. Height `top` to `bottom`. */
static int
put_strip(FILE *f, const struct plot *p, const struct plot_series *s,
          double top, double bottom)
{
    double *x = malloc(((size_t)s->n + 1) * sizeof(*x));
    const int64_t shown = s->n < DOTS_MAX ? s->n : DOTS_MAX;

    if (!x)
        return -1;
    memcpy(x, s->x, (size_t)s->n * sizeof(*x));
    qsort(x, (size_t)s->n, sizeof(*x), by_value);
    fprintf(f, "<path class=\"dots %s\" d=\"", s->kind);
    for (int64_t i = 0; i < shown; i++)
        fprintf(f, "M%.1f %.1fh0", SIDE * share_of(&p->x, x[i * s->n / shown]),
                top + (bottom - top) * fmod((double)(i + 1) * 0.6180339887, 1));
    fputs("\"/>\n", f);
    if (s->n > 0)
        fprintf(f, "<path class=\"median\" d=\"M%.1f %.1fV%.1f\"/>\n",
                SIDE * share_of(&p->x, x[s->n / 2]), top - 20, bottom + 20);
    free(x);
    return 0;
}

int
plot_dots(FILE *f, const struct plot *plot)
{
    struct plot p = *plot;
    const double band = SIDE / (p.n > 0 ? p.n : 1);

    settle(&p.x, false);
    begin_figure(f, &p, NULL, 13);
    put_grid(f, &p.x, false);
    for (int s = 0; s < p.n; s++)
        if (put_strip(f, &p, &p.series[s], band * (s + 0.45), band * (s + 0.9)))
            return -1;
    fputs("</svg>\n", f);
    for (int s = 0; s < p.n; s++) {
        fprintf(f, "<span class=\"strip %s\" style=\"top:%.1f%%\">",
                p.series[s].kind, 100.0 * s / p.n + 2);
        put_line(f, p.series[s].name);
        fputs("</span>\n", f);
    }
    end_figure(f, &p);
    return 0;
}

void
plot_bar(FILE *f, const char *kind, const trv_figure *fig, double top)
{
    const struct plot_axis a = {.low = 0, .high = top};

    fprintf(f,
            "<svg class=\"bar\" viewBox=\"0 0 %.0f 10\" "
            "preserveAspectRatio=\"none\" aria-hidden=\"true\">"
            "<rect class=\"track\" width=\"%.0f\" height=\"10\"/>"
            "<rect class=\"%s\" width=\"%.1f\" height=\"10\"/>",
            SIDE, SIDE, kind, SIDE * share_of(&a, fig->mean));
    if (fig->n > 1 && isfinite(fig->low) && isfinite(fig->high))
        fprintf(f, "<path class=\"interval\" d=\"M%.1f 5H%.1f\"/>",
                SIDE * share_of(&a, fig->low), SIDE * share_of(&a, fig->high));
    fputs("</svg>", f);
}
