/* world.h -- a world so small that all answers can be counted: six tokens,
 * answers of at most three, two inputs. So whatever is said of a distribution
 * over answers is a sum here, and optima are known exactly.
 *
 *   tokens    a b c d <s> </s>; an answer ends with </s> or is three long
 *   answers   1 + 5 + 150 = 156 to each input
 *   model     a Llama of width 16 and two layers, random, far from uniform
 *   student   a LoRA of full rank on every linear map, so that the optimum of
 *             any objective is within reach
 */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include "transform/answers.h"

#define WORLD_TOKENS 6
#define WORLD_LENGTH 3
#define WORLD_INPUTS 2
#define WORLD_EACH 156 // answers to an input
#define WORLD_ALL (WORLD_INPUTS * WORLD_EACH)

struct world {
    struct session *s;
    const char *letters; // of tokens 0 to 3: "abcd"
    char dir[540];       // a folder of its own, with in.jsonl, the inputs
    char path[600];      // the model's folder in it
    struct inputs in;
    struct answers answers; // all, those of an input side by side
    struct adapter_weights student;
    double reward[WORLD_ALL];
    double base[WORLD_ALL]; // log p0
    double best[WORLD_ALL]; // log of p0 exp(r / beta) / Z
    double beta;
};

/** Fails the test where anything fails. `name`: of a folder of its own. */
void world_open(struct world *w, const char *name, double beta);
/** The same with four other letters, which are borrowed, and other weights than
 * those of seed 5. */
void world_open_as(struct world *w, const char *name, double beta,
                   const char *letters, uint64_t seed);
void world_close(struct world *w);
/** The student as it begins: A random, B zero. */
void world_reset_student(struct world *w);

/** log p [WORLD_ALL] of every answer under terms (NULL: the base). */
void world_logp(struct world *w, double *logp,
                const struct adapter_weights *adapter_weights);
/** Mean over the inputs of sum p (log p - log q). */
double world_kl(const double *p, const double *q);
/** Mean over the inputs of the expected reward. */
double world_reward(const struct world *w, const double *p);

/** The reward of an answer to a row of the inputs. */
double world_reward_of(const struct world *w, const struct data_row *row,
                       const int32_t *ids, int64_t n);

/** The slope of a task's loss in its parameters, by its gradient and by central
 * differences of fourth order; micro-batches are added. */
struct run_task;
void world_check_slope(const struct run_task *task, int64_t step,
                       int64_t accumulate, double tolerance);

#endif
