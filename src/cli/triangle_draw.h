/* triangle_draw.h -- the triangle of a task as inline SVG: three vertices, six
 * arrows, each coloured, weighted and labelled by what it kept.
 */
#ifndef CLI_TRIANGLE_DRAW_H
#define CLI_TRIANGLE_DRAW_H

#include <stdio.h>

#include "cli/triangle_means.h"

/** The class of a strength: "s4" holds, ..., "s0" does not, "sx" is not
 * known. */
const char *triangle_class(double strength);

/** The group of an arrow by its edge's default method, or the best that there
 * is; NULL: nothing is known of it. */
const struct means_group *triangle_arrow(const struct means *m,
                                         const char *task, const char *from,
                                         const char *to);

#define TRIANGLE_FIGURE_MAX 64

/** "0.93", or "not measured", "failed". */
const char *triangle_figure(char out[TRIANGLE_FIGURE_MAX],
                            const struct means_group *g);

/** The drawing. `title` is what a screen reader says first. */
void triangle_draw(FILE *f, const struct means *m, const char *task);

#endif
