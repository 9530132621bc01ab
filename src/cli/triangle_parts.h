/* triangle_parts.h -- the parts of a triangle's page, and what they share.
 *
 * A part that has nothing to say writes nothing. Those that return int return
 * -1 without memory. */
#ifndef CLI_TRIANGLE_PARTS_H
#define CLI_TRIANGLE_PARTS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/triangle_means.h"

#define TPAGE_FORMS 3
extern const char *const tpage_forms[TPAGE_FORMS];

#define TPAGE_HOLDS 0.85 // of an arrow's strength, from which on it holds

struct triangle_page {
    FILE *f;
    const json_t *report, *tasks, *nodes;
    struct means m;
};

/** Foreign text in one line. */
void tpage_line(const struct triangle_page *p, const char *s);
void tpage_begin(const struct triangle_page *p, const char *id,
                 const char *title, const char *note);
void tpage_end(const struct triangle_page *p);
/** A table that scrolls where it must, named by the section `id`. */
void tpage_begin_table(const struct triangle_page *p, const char *id,
                       const char *class, const char *const *heads);
void tpage_end_table(const struct triangle_page *p);

/** "params → prompt → params" */
void tpage_path(const struct triangle_page *p, const struct means_group *g);
/** "0.89" and "0.87 to 0.91" on lines of a cell; words where it is none. */
void tpage_figure(const struct triangle_page *p, const trv_figure *f);
/** A number of any size; `digits` behind the point. */
void tpage_number(FILE *f, double x, int digits);

static inline bool
tpage_is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/** From what into what, and what longer paths leave: triangle_ways.c. */
int tpage_map(const struct triangle_page *p);
int tpage_ways(const struct triangle_page *p);
int tpage_drift(const struct triangle_page *p);
/** Plots: triangle_plots.c. */
int tpage_cost(const struct triangle_page *p);
int tpage_reach(const struct triangle_page *p);
int tpage_curves(const struct triangle_page *p);
/** Answers side by side: triangle_answers.c. */
int tpage_answers(const struct triangle_page *p);
/** Every node, and the script that sorts them: triangle_rows.c. */
void tpage_rows(const struct triangle_page *p);

#endif
