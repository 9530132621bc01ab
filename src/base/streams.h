/* streams.h -- the register of random streams.
 *
 * A stream is the number that rng_init() takes beside a seed; two streams of
 * one seed never meet. All that a run draws is under its seed, so two uses that
 * one run may have must not share a stream: each use has a range here, and
 * test_streams checks that no two ranges of one kind of run overlap. Ranges of
 * runs of different kinds may. A stream counts below 2^63 (base/rng.c).
 *
 * A range decides what is drawn: to move one changes the bytes of artefacts.
 * Whoever needs a new stream adds a row here and nowhere else.
 */
#ifndef BASE_STREAMS_H
#define BASE_STREAMS_H

#include <stdint.h>

/* Kinds of run, by what one command with one seed does. */
enum stream_run {
    STREAM_IN_IMITATE = 1, // a LoRA or the like, from a teacher's answers
    STREAM_IN_POLICY = 2,  // the same, from a reward
    STREAM_IN_HEAD = 4,    // a scalar head, from an adaptation
    STREAM_IN_TRAIN = 8,   // `trivium train`
    STREAM_IN_TOKENS = 16, // a prompt, by a search over tokens
    STREAM_IN_EVOLVE = 32, // a prompt, by evolution of instructions
    STREAM_IN_DEMOS = 64,  // a prompt of demonstrations
    STREAM_IN_MEASURE = 128,
    STREAM_IN_GENERATE = 256,

    STREAM_IN_STUDENT =
        STREAM_IN_IMITATE | STREAM_IN_POLICY | STREAM_IN_HEAD | STREAM_IN_TRAIN,
    STREAM_IN_PROMPT = STREAM_IN_TOKENS | STREAM_IN_EVOLVE | STREAM_IN_DEMOS,
    STREAM_IN_CONVERT =
        STREAM_IN_IMITATE | STREAM_IN_POLICY | STREAM_IN_HEAD | STREAM_IN_PROMPT
};

#define STREAM_BIT(n) ((uint64_t)1 << (n))

/* X(name, first, end, runs): the streams first..end-1. */
/* clang-format off */
#define STREAM_LIST(X)                                                         \
    /* answer i of a source (transform/answers), text i (api_generate) */      \
    X(ANSWERS, 0, STREAM_BIT(40), STREAM_IN_CONVERT | STREAM_IN_GENERATE)      \
    /* answer i of either side (measure): the second from 2^40 on */           \
    X(SIDES, 0, STREAM_BIT(41), STREAM_IN_MEASURE)                             \
    /* tensor i of a model from scratch (model/files/writer) */                \
    X(FRESH, 0, STREAM_BIT(40), STREAM_IN_TRAIN)                               \
                                                                               \
    /* evolve: answers to input i from i << 20 on; candidates of a round;      \
     * in round i what is asked for, words and endings from i << 20 on */      \
    X(SEARCH, 1 * STREAM_BIT(53), 2 * STREAM_BIT(53), STREAM_IN_EVOLVE)        \
    X(FINAL, 2 * STREAM_BIT(53), 3 * STREAM_BIT(53), STREAM_IN_EVOLVE)         \
    X(HELD, 3 * STREAM_BIT(53), 4 * STREAM_BIT(53), STREAM_IN_EVOLVE)          \
    X(ASKED, 4 * STREAM_BIT(53), 5 * STREAM_BIT(53), STREAM_IN_EVOLVE)         \
    X(ROUND, 5 * STREAM_BIT(53), 6 * STREAM_BIT(53), STREAM_IN_EVOLVE)         \
    X(WORDS, 7 * STREAM_BIT(53), 8 * STREAM_BIT(53), STREAM_IN_EVOLVE)         \
    X(ENDINGS, 8 * STREAM_BIT(53), 9 * STREAM_BIT(53), STREAM_IN_EVOLVE)       \
    /* which inputs are held out (search_inputs) */                            \
    X(SPLIT, 6 * STREAM_BIT(53), 7 * STREAM_BIT(53), STREAM_IN_PROMPT)         \
    /* demo_values: answers that become demonstrations, and those that value   \
     * them; choose_demos: answers of the report */                            \
    X(POOL, 7 * STREAM_BIT(53), 8 * STREAM_BIT(53), STREAM_IN_DEMOS)           \
    X(VALUE, 8 * STREAM_BIT(53), 9 * STREAM_BIT(53), STREAM_IN_DEMOS)          \
    X(REPORT, 9 * STREAM_BIT(53), 10 * STREAM_BIT(53), STREAM_IN_DEMOS)        \
                                                                               \
    /* goal_reward: answers of a step, of the last judgement, of a screen */   \
    X(DRAW, STREAM_BIT(57), STREAM_BIT(58), STREAM_IN_TOKENS)                  \
    X(JUDGE, STREAM_BIT(58), 3 * STREAM_BIT(57), STREAM_IN_TOKENS)             \
    X(SCREEN, 3 * STREAM_BIT(57), STREAM_BIT(59), STREAM_IN_TOKENS)            \
    /* answer i of the examples that a report shows (measure/examples) */      \
    X(EXAMPLES, STREAM_BIT(58), STREAM_BIT(59), STREAM_IN_MEASURE)             \
    /* the choice among answers to input i (api_generate) */                   \
    X(CHOICE, STREAM_BIT(58), STREAM_BIT(59), STREAM_IN_GENERATE)              \
    /* sampled inputs (adapt/view): use k from k << 40 on, their lengths       \
     * 2^39 behind */                                                          \
    X(INPUTS, STREAM_BIT(59), STREAM_BIT(60),                                  \
      STREAM_IN_CONVERT | STREAM_IN_MEASURE)                                   \
                                                                               \
    /* where a LoRA (model/decoder/lora) and bottlenecks (learn/student)       \
     * start */                                                                \
    X(LORA, STREAM_BIT(60), STREAM_BIT(60) + 1, STREAM_IN_STUDENT)             \
    X(BOTTLENECK, STREAM_BIT(60) + 1, STREAM_BIT(60) + 2, STREAM_IN_STUDENT)   \
    /* text_search: candidates of step i; where texts are cut after a stall,   \
     * and the texts; a single token, from the end down, at restart i; the     \
     * texts of a start */                                                     \
    X(STEP, STREAM_BIT(60), STREAM_BIT(60) + STREAM_BIT(57), STREAM_IN_TOKENS) \
    X(CUT, STREAM_BIT(60) + STREAM_BIT(57), STREAM_BIT(60) + STREAM_BIT(58),   \
      STREAM_IN_TOKENS)                                                        \
    X(KICK, STREAM_BIT(60) + STREAM_BIT(58),                                   \
      3 * STREAM_BIT(59) - STREAM_BIT(32), STREAM_IN_TOKENS)                   \
    X(TOKEN, 3 * STREAM_BIT(59) - STREAM_BIT(32), 3 * STREAM_BIT(59),          \
      STREAM_IN_TOKENS)                                                        \
    X(START, 3 * STREAM_BIT(59), STREAM_BIT(61), STREAM_IN_TOKENS)             \
    /* answer i of the student (distill) */                                    \
    X(STUDENT, STREAM_BIT(61), STREAM_BIT(62), STREAM_IN_IMITATE)              \
    /* answer i of the student while it learns (rollout), and when it is       \
     * evaluated (policy_eval) */                                              \
    X(ROLLOUT, STREAM_BIT(61), 3 * STREAM_BIT(60), STREAM_IN_POLICY)           \
    X(EVALUATION, 3 * STREAM_BIT(60), STREAM_BIT(62), STREAM_IN_POLICY)        \
    /* the order of rows in epoch i (learn/loop/shuffle) */                    \
    X(EPOCH, STREAM_BIT(62), STREAM_BIT(63), STREAM_IN_STUDENT)
/* clang-format on */

/* STREAM_NAME: the first of its range. */
#define STREAM_FIRST(name, first, end, runs)                                   \
    static const uint64_t STREAM_##name = first;
STREAM_LIST(STREAM_FIRST)
#undef STREAM_FIRST

#endif
