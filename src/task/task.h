/* task.h -- a task: data, not code. A folder with task.json and JSON lines, from
 * which all edges of the triangle can be run and measured.
 *
 *   task.json, rows of any loader ─► task_open(): checked, in memory
 *     ─► task_write(): OUT/train.jsonl, heldout.jsonl, ..., prompt.json
 *
 * What is written is all that a run reads, so that it stands alone and every
 * command in it can be typed again. docs/tasks.md has the format.
 */
#ifndef TASK_TASK_H
#define TASK_TASK_H

#include <jansson.h>

#include "adapt/kind.h"
#include "base/hash.h"
#include "task/task_rows.h"

/** The sets of rows: name. */
#define TASK_SPLIT_LIST(X)                                                     \
    X(TRAIN, "train")                                                          \
    X(HELDOUT, "heldout")                                                      \
    X(UNSEEN, "unseen")                                                        \
    X(PAIRS, "pairs")                                                          \
    X(TRAIN_PAIRS, "train_pairs")
enum task_split {
#define TASK_SPLIT_ENUM(id, name) SPLIT_##id,
    TASK_SPLIT_LIST(TASK_SPLIT_ENUM)
#undef TASK_SPLIT_ENUM
        SPLIT_COUNT
};

/** "train", ... */
const char *task_split_name(enum task_split s);

/* The metrics: name, what it is a mean of. */
#define TASK_METRIC_LIST(X)                                                    \
    X(ACCURACY, "accuracy", "verifier:exact")                                  \
    X(NUMBER, "number", "verifier:number")                                     \
    X(PAIRS, "pairs", NULL)                                                    \
    X(REWARD, "reward", NULL)                                                  \
    X(HEAD, "head", NULL)                                                      \
    X(COMMAND, "command", NULL)

enum task_metric {
#define TASK_METRIC_ENUM(id, name, spec) METRIC_##id,
    TASK_METRIC_LIST(TASK_METRIC_ENUM)
#undef TASK_METRIC_ENUM
};

/* How the source of params comes about. */
struct task_params {
    enum form made_of;  // FORM_PROMPT or FORM_REWARD: by a conversion of that
                        // source; FORM_BASE: as below
    const char *method; // of that conversion
    bool trained;       // by plain training on the rows of `train`
    const char *spec;   // given as it is
};

/* What task.json says of an edge. */
struct task_edge {
    char *methods;         // parted by blanks; NULL: all
    const json_t *options; // a text, "--steps 300 --beta 0.1", or an object of
                           // such by method; NULL: none
};

struct task {
    char *dir;                                    // its folder
    const char *name, *says, *layout, *principle; // layout NULL: the model's
    int32_t max_tokens;                           // of an answer
    struct task_params params;
    struct task_edge edges[FORM_COUNT][FORM_COUNT]; // [from][to]
    bool has[FORM_COUNT];                           // a source at this vertex
    enum kind kinds[FORM_COUNT]; // its kind, as far as it is known before; of
                                 // a source that is made: what will be
    enum task_metric measures;
    const char *metric_kind; // its name: "accuracy", "pairs", ...
    bool is_greedy;          // the metric is of the likeliest answer
    const char *runs;        // a spec of its that runs an outside program;
                             // NULL: none does
    int64_t rows[SPLIT_COUNT];
    char hash[HASH_HEX]; // of task.json and of all rows

    /* after task_write(): what opens them; NULL: there is none */
    char *file[SPLIT_COUNT];      // OUT/train.jsonl, ...
    char *source[FORM_COUNT];     // the specs of prompt and reward, and of
                                  // params that are given
    char *metric;                 // a reward; NULL where it is of pairs
    char *reward, *second_reward; // specs
    /* --- */
    json_t *conf; // task.json
    struct rows sets[SPLIT_COUNT];
};

/** Read a task and check all of it that needs no model: keys, rows, specs, names
 * of methods. `data` (NULL: none): a second folder in which the files that it
 * names are looked for. TRV_EIO, TRV_EFORMAT (names the file, the key or the
 * row, and what is wrong), TRV_EUNSUPPORTED, TRV_ENOMEM. */
int task_open(struct task *out, const char *dir, const char *data,
              trv_err *err);
/** Write what a run reads into a folder, which is made, and set the paths and
 * specs by which it is opened. A file with the same bytes is left alone. */
int task_write(struct task *t, const char *dir, trv_err *err);
/** The options of a method of an edge, as a command line has them; NULL: none.
 */
const char *task_options(const struct task *t, enum form from, enum form to,
                         const char *method);
void task_release(struct task *t); // accepts zeros

#endif
