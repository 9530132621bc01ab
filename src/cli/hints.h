/* hints.h -- what an option of other programs is called here: those of
 * transformers, TRL, PEFT, mlx-lm, llama.cpp and lm-eval that people type from
 * habit.
 */
#ifndef CLI_HINTS_H
#define CLI_HINTS_H

#include <stdbool.h>
#include <stddef.h>

struct hint {
    const char *theirs; // without dashes; of one dash and several letters: -ngl
    const char *ours;   // names, the first that a command has: "epochs|steps";
                        // NULL: none
    const char *note;   // more about that one, or NULL
    const char *instead; // said where the command has none of them, or NULL
};

extern const struct hint hints[]; // ends with theirs NULL

/** What does what `word` as a value of `option`, or with option "" as a
 * command, means to other programs; NULL: nothing is known. */
const char *hint_of_value(const char *option, const char *word);

/** Are two names of options the same but for '-', '_' and capitals? */
bool hint_same(const char *a, size_t n_a, const char *b);

#endif
