/* triangle_means.h -- a triangle's report, grouped: the same conversion over its
 * seeds as one figure.
 *
 * The report is foreign: a field that is absent or of another type counts as
 * not measured.
 */
#ifndef CLI_TRIANGLE_MEANS_H
#define CLI_TRIANGLE_MEANS_H

#include <jansson.h>
#include <stdbool.h>

#include <trivium/trivium.h>

#define MEANS_FORMS_MAX 8 // forms of a path

/* Nodes that differ in their seed alone. */
struct means_group {
    const char *task, *role, *method, *kind, *form; // "" where there is none
    const char *path[MEANS_FORMS_MAX];
    int length;           // conversions
    bool chosen;          // the edge's default method
    const char *fidelity; // its name: "gap closed"
    trv_figure kept;      // of the root; n: seeds that have it
    trv_figure step;      // of the parent
    double seconds, whole_seconds, bytes, added; // means; NaN: none
    const json_t *first; // a node that is done, for its examples; NULL: none
    int done, failed, cut, waiting;
    const char *sentence; // of one that failed or was left out; or NULL
};

struct means {
    struct means_group *groups; // [n]
    int n;
};

/** Group the nodes of a report, in its order. Returns -1 without memory. */
int means_of(struct means *out, const json_t *report);
void means_release(struct means *m); // accepts zeros

/** One figure of several, each with the error of its inputs: the error of their
 * mean is the larger of their spread's and their own. n: how many. */
trv_figure means_combine(const trv_figure *list, int n);

/** A figure of JSON; n 0 where it is none. */
trv_figure means_figure(const json_t *f);
/** The same of object[key]. */
trv_figure means_field(const json_t *object, const char *key);
/** The text of object[key], "" where there is none. */
const char *means_text(const json_t *object, const char *key);

/** How well an arrow holds, 0 to 1, for its colour: chance is 0 where pairs are
 * ordered. NaN: not measured. */
double means_strength(const struct means_group *g);

#endif
