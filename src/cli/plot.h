/* plot.h -- plots that need no script: inline SVG under labels of the page.
 *
 * The SVG is stretched over its area, whose width is the page's matter; lines
 * and dots keep their width (vector-effect), and all words are HTML, so no text
 * is ever scaled. */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <trivium/trivium.h>

struct plot_axis {
    const char *label;
    double low, high; // plot_fit() sets both, from values
    bool log, fitted;
};

/** Points of one colour; `kind` is the class: base, source or target. */
struct plot_series {
    const char *kind;
    const char *name;    // in the legend; NULL: not there
    const double *x, *y; // [n]; of dots x alone
    int64_t n;
};

struct plot {
    const char *title, *says; // heading, and a sentence under it
    const char *alt;          // what it shows, for those who do not see it
    struct plot_axis x, y;
    struct plot_series series[4];
    int n;
    bool front; // of a scatter: join the dots that none to the left tops
};

/** Widen an axis so that it holds the values. A logarithmic one leaves out what
 * is below `floor`. */
void plot_fit(struct plot_axis *a, const double *v, int64_t n, double floor);

/** A line for each series. All foreign text in a plot is escaped. */
void plot_lines(FILE *f, const struct plot *p);
/** A strip of dots for each series, one above another, with the median; -1
 * without memory. */
int plot_dots(FILE *f, const struct plot *p);

/** Dots at x and y, a colour and a shape for each series: a disk, a square, a
 * ring. */
void plot_scatter(FILE *f, const struct plot *p);

/** A bar from 0 to the mean on a scale of 0 to `top`, with its interval. */
void plot_bar(FILE *f, const char *kind, const trv_figure *fig, double top);

#endif
