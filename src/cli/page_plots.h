/* page_plots.h -- the page's plots: from measured values to points.
 *
 * `source` and `target` are what people call the two. Each returns 0, or -1
 * without memory. */
#ifndef CLI_PAGE_PLOTS_H
#define CLI_PAGE_PLOTS_H

#include <stdio.h>

#include <trivium/trivium.h>

#include "cli/curves.h"

/** Divergence by the token's place in the answer; there is at least one. */
int page_plot_positions(FILE *f, const trv_measurement *r, const char *source,
                        const char *target);
/** Divergence of each input; there is at least one. */
int page_plot_inputs(FILE *f, const trv_measurement *r, const char *source,
                     const char *target);
/** A curve of the training; nothing where it has no two steps. `what` it shows
 * begins the sentence under the title. */
int page_plot_curve(FILE *f, const struct curve *c, const char *title,
                    const char *what);

#endif
