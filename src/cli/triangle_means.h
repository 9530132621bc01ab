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

/** What is measured of a node. _BASE: the same of the base. */
enum means_what {
    MEANS_KEPT, // fidelity, of the root
    MEANS_STEP, // of the parent
    MEANS_KL_BASE,
    MEANS_DRIFT,
    MEANS_DRIFT_SOURCE,
    MEANS_HELD_BASE, // the task's metric on held-out rows
    MEANS_HELD,
    MEANS_UNSEEN_BASE, // on rows that nothing learned from
    MEANS_UNSEEN,
    MEANS_REWARD_BASE,
    MEANS_REWARD,
    MEANS_SECOND_BASE, // a reward that nothing was optimised for
    MEANS_SECOND,
    MEANS_TOKENS_BASE, // of an answer
    MEANS_TOKENS,
    MEANS_RANK_TAU,
    MEANS_PAIRS,
    MEANS_FIGURES
};

/* Nodes that differ in their seed alone. */
struct means_group {
    const char *task, *role, *method, *kind, *form; // "" where there is none
    const char *path[MEANS_FORMS_MAX];
    int length;                                  // conversions
    bool chosen;                                 // the edge's default method
    const char *fidelity;                        // its name: "gap closed"
    trv_figure f[MEANS_FIGURES];                 // n: seeds that have it
    double seconds, whole_seconds, bytes, added; // means; NaN: none
    const json_t *first; // a node that is done, for its examples; NULL: none
    int done, failed, cut, waiting;
    const char *sentence; // of one that failed or was left out; or NULL
};

struct means {
    struct means_group *groups; // [n]
    int n;
    int *of; // [nodes of the report] the group of each
};

/** Group the nodes of a report, in its order. Returns -1 without memory. */
int means_of(struct means *out, const json_t *report);
void means_release(struct means *m); // accepts zeros

/**
 * The mean of several figures (of seeds, of tasks), each with the error of its
 * inputs. n: how many. The error is the larger of what their spread says and
 * what their own errors say, for both are estimates of the same and the spread
 * of few is often small by chance. The 95 % interval is the wider of Student's,
 * of the spread, and the normal one, of their own. One figure keeps its own.
 */
trv_figure means_combine(const trv_figure *list, int n);

/** A measured figure of a node; n 0 where it is none. */
trv_figure means_node(const json_t *node, enum means_what what);
/** A field of its cost; NaN: none. */
double means_cost(const json_t *node, const char *field);

/** The text of object[key], "" where there is none. */
const char *means_text(const json_t *object, const char *key);

/** How well an arrow holds, 0 to 1, for its colour: chance is 0 where pairs are
 * ordered. NaN: not measured. */
double means_strength(const struct means_group *g);

#endif
