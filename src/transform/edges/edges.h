/* edges.h -- the edges between params, prompt and reward: each has a table of
 * methods, in the file of its name. The six edges are six files. The two that
 * stay within a form, params -> params and prompt -> prompt, use the methods of
 * a neighbouring edge and are in its file.
 */
#ifndef TRANSFORM_EDGES_H
#define TRANSFORM_EDGES_H

#include "transform/method.h"

extern const struct edge edge_prompt_to_params, edge_params_to_params;
extern const struct edge edge_params_to_prompt, edge_prompt_to_prompt;
extern const struct edge edge_params_to_reward;
extern const struct edge edge_prompt_to_reward;
extern const struct edge edge_reward_to_params, edge_base_to_params;
extern const struct edge edge_reward_to_prompt, edge_base_to_prompt;

/* Number of rows of a table. */
#define EDGE_ROWS(methods) ((int)(sizeof(methods) / sizeof(*(methods))))

#endif
