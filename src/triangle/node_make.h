/* node_make.h -- the conversion of a node: its options, what it will take, and
 * the work itself.
 */
#ifndef TRIANGLE_NODE_MAKE_H
#define TRIANGLE_NODE_MAKE_H

#include "triangle/triangle.h"

/* The options of one conversion, with what they point to. */
struct node_options {
    trv_convert_options o;
    struct convert_choice choice;
    char *to;            // "lora:OUT/manner/0/..."
    char *words;         // of the task's own options
    struct strbuf typed; // as a command line would have them, each behind a
                         // blank: " --steps 300"
};

/** The options of node v; `cap`: the budget. TRV_EINVAL names the task's option
 * that is none. */
int node_options(struct node_options *out, const struct triangle *t,
                 const struct tree_node *v, const char *cap, trv_err *err);
void node_options_release(struct node_options *o); // accepts zeros

/** Seconds of the conversion, about, within the budget `cap`; its parent need
 * not be there. `from`: the parent, or NULL. What convert_add() and budget_fit()
 * return: what does not go together is refused here. */
int node_plan(double *seconds, const struct triangle *t,
              const struct tree_node *v, struct adaptation *from,
              const char *cap, trv_err *err);

/** Convert, going on from what an earlier try has left. */
int node_make(trv_cost *cost, const struct triangle *t,
              const struct tree_node *v, struct adaptation *from,
              trv_progress_fn progress, void *payload, trv_err *err);

/** "trivium convert --model M --from ...", which does the same; mem_free().
 * *out NULL: its options are none. TRV_ENOMEM. */
int node_command(char **out, const struct triangle *t, int node, trv_err *err);

#endif
