/* tree.h -- what a triangle makes: a tree of adaptations for each task and seed.
 *
 * The roots are the sources at the vertices. Each other node is made from its
 * parent by one conversion. So a direct edge is a node of depth 1, and round
 * trips and chains are deeper ones that share their beginnings:
 *
 *   prompt ─► lora ─► prefix            a round trip
 *                └──► ratio ─► lora     a chain of three, beside prompt ─► lora
 *
 * Chains go on from the method that an edge takes by default, and behind two
 * conversions only around the triangle. Nodes stand in the order in which they
 * are made: what says most comes first, and a parent before its children.
 */
#ifndef TRIANGLE_TREE_H
#define TRIANGLE_TREE_H

#include "adapt/kind.h"
#include "transform/convert.h"

#define TREE_DEPTH_MAX 4 // conversions from a root
#define TREE_NAME 240    // bytes of a node's id

enum tree_role { ROLE_SOURCE, ROLE_EDGE, ROLE_ROUND_TRIP, ROLE_CHAIN };
const char *tree_role_name(enum tree_role r); // "source", "edge", ...

struct tree_node {
    char id[TREE_NAME]; // "manner/0/prompt+distill-lora+prefix-prefix"
    int task;           // of the list that tree_build() was given
    uint64_t seed;
    int parent, root; // among the nodes; of a root: -1, and itself
    int twin;         // the root that this conversion is what made it; -1: none
    enum tree_role role;
    int depth;
    enum form forms[TREE_DEPTH_MAX + 1]; // [depth + 1], from the root's on
    enum kind kind;     // what it makes; of a root KIND_BASE: as it is
    const char *method; // its row's; NULL: a root
    bool chosen;        // by the method that the edge takes by default
    int rank;           // the place of its group in the order
};

/* The greatest rank of a source, or of an edge by its default method. */
#define TREE_RANK_CORE 2

struct tree {
    struct tree_node *nodes; // [n]
    int n, cap;
};

/* What the nodes of a task are made of. */
struct tree_of {
    const char *name;
    bool has[FORM_COUNT]; // a source at this vertex
    bool is_chat;         // words are messages, and no text
    /* methods of an edge, parted by blanks; "": none; NULL: all. By the forms
     * from and to. */
    const char *methods[FORM_COUNT][FORM_COUNT];
    /* the form and method by which its params are made of another source, so
     * that this one is no news; method NULL: they are given */
    enum form made_of;
    const char *made_by;
};

struct tree_limits {
    int depth;          // at most so many conversions from a root
    bool default_alone; // only the method that an edge takes by default
};

/** Build the nodes of all tasks and seeds. TRV_ENOMEM; TRV_EINVAL (a method of
 * `methods` that the edge does not have, or a name that is too long). */
int tree_build(struct tree *t, const struct tree_of *tasks, int n_tasks,
               const uint64_t *seeds, int n_seeds,
               const struct tree_limits *limits, trv_err *err);
void tree_release(struct tree *t); // accepts zeros

/** The edge between two forms; NULL: there is none. */
const struct edge *tree_edge(enum form from, enum form to);

#endif
