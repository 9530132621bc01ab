/* cmd.h -- what every command is given, and how it ends. A command is a table
 * of options, a function and an entry; main.c lists the entries.
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include <stdbool.h>
#include <stdio.h>

#include <trivium/trivium.h>

#include "cli/opt.h"
#include "cli/term.h"

/** Every exit status: name, value, the word that --json says it by, what it
 * means. Help, manual page and README list it. */
#define CLI_EXIT_LIST(X)                                                       \
    X(CLI_OK, 0, "ok", "the work is done")                                     \
    X(CLI_FAILURE, 1, "failure",                                               \
      "something else failed: no memory, a failed write")                      \
    X(CLI_USAGE, 2, "usage", "the command line is wrong")                      \
    X(CLI_BAD_FILE, 3, "bad-file",                                             \
      "a file cannot be read or written, or is broken")                        \
    X(CLI_MISMATCH, 4, "mismatch", "two parts do not belong together")         \
    X(CLI_TOO_LONG, 5, "too-long", "longer than the model's context")          \
    X(CLI_EXISTS, 6, "exists", "the output is already there")                  \
    X(CLI_UNSUPPORTED, 7, "unsupported", "known, but not supported")           \
    X(CLI_DIVERGED, 8, "diverged",                                             \
      "a run diverged, or a number became infinite")                           \
    X(CLI_INTERRUPTED, 130, "interrupted",                                     \
      "stopped by Ctrl-C, SIGTERM or SIGHUP")

/** The exit status of each code that the library returns. */
#define CLI_CODE_LIST(X)                                                       \
    X(TRV_EIO, CLI_BAD_FILE)                                                   \
    X(TRV_EFORMAT, CLI_BAD_FILE)                                               \
    X(TRV_ERANGE, CLI_USAGE)                                                   \
    X(TRV_ENOMEM, CLI_FAILURE)                                                 \
    X(TRV_EINVAL, CLI_USAGE)                                                   \
    X(TRV_EUNSUPPORTED, CLI_UNSUPPORTED)                                       \
    X(TRV_EMISMATCH, CLI_MISMATCH)                                             \
    X(TRV_ECANCELED, CLI_INTERRUPTED)                                          \
    X(TRV_ENONFINITE, CLI_DIVERGED)                                            \
    X(TRV_ETOOLONG, CLI_TOO_LONG)                                              \
    X(TRV_EEXIST, CLI_EXISTS)                                                  \
    X(TRV_EDIVERGED, CLI_DIVERGED)

enum cli_exit {
#define CLI_EXIT_ENUM(name, value, word, text) name = value,
    CLI_EXIT_LIST(CLI_EXIT_ENUM)
#undef CLI_EXIT_ENUM
};

/** Options that every command takes. */
struct cli_globals {
    trv_model_options model;
    bool raw, chat; // --layout in a word
    bool quiet, help, version;
};
extern const struct opt_spec cli_global_opts[];
extern const struct cli_globals cli_global_defaults;

struct cli {
    FILE *out, *err; // the result; all else
    struct term term;
    const struct cli_globals *globals;
    const struct cmd_entry *cmd;
    char *const *words; // [n_words], as typed, behind the program's name
    int n_words;
    bool json; // the command's --json: a failure is said in JSON, too
    int argc;  // the command's own words
    char *const *argv;
};

struct cmd_entry {
    const char *name;
    const char *summary;     // lower case, no full stop
    const char *description; // paragraphs, parted by "\n\n"; or NULL
    const char *examples;    // lines; or NULL
    const struct opt_spec *opts;
    /* where the help is to fit a screen */
    const char *fold_at; // the group from which on options are left to topics
                         // and to the manual page; NULL: all are shown
    void (*print_table)(FILE *f, bool color); // before the options; or NULL
    const char *more;                         // where to read on; or NULL
    size_t args_size;
    const void *defaults; // args start as a copy of it
    enum cli_exit (*run)(struct cli *cli, const void *args);
};

/** All commands in the order of the help; ends in NULL. */
extern const struct cmd_entry *const cmd_all[];
const struct cmd_entry *cmd_find(const char *name); // or NULL

/** Print "trivium: sentence" on stderr, and under --json on stdout, too, as
 * {"error": {"code":, "status":, "message":}}; hands the status back. */
enum cli_exit cli_fail(const struct cli *cli, enum cli_exit status,
                       const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** The same for a failure of the library: its sentence, its status. After
 * Ctrl-C the status is CLI_INTERRUPTED, whatever else went wrong. */
enum cli_exit cli_fail_err(const struct cli *cli, const trv_err *err);
/** A failure of the command line, with a pointer to the command's help. */
enum cli_exit cli_usage(const struct cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** The last call of a command that wrote to stdout: a full disk fails it. */
enum cli_exit cli_finish(const struct cli *cli);

/** What trv_layout_row.joined means, for a note. */
#define LAYOUT_JOINED                                                          \
    "the chat template lays given answers out in another way than its "        \
    "generation prompt begins them (as with <think>); they stand behind the "  \
    "generation prompt, with the template's end of turn"

#define CMD_MODEL_HELP "a model's folder, .gguf file or Hub name"

/** Open the model with the global options, and warn of what its files
 * contradict each other in. */
int cli_model_open(struct cli *cli, trv_model **m, const char *path,
                   trv_err *err);
/** The same; artefacts call the model `base_name` (NULL: see
 * trv_model_options). */
int cli_model_open_as(struct cli *cli, trv_model **m, const char *path,
                      const char *base_name, trv_err *err);
/** Open an adaptation and warn of what is to be told of its files; as
 * trv_adaptation_open() and trv_adaptation_open_mix(). */
int cli_adaptation_open(struct cli *cli, trv_adaptation **a, trv_model *m,
                        const char *spec, bool any_base, trv_err *err);
int cli_adaptation_open_mix(struct cli *cli, trv_adaptation **a, trv_model *m,
                            const char *const *specs, int32_t n, bool any_base,
                            trv_err *err);
/** Warn of what its use has shown, and free it. NULL is allowed. */
void cli_adaptation_close(struct cli *cli, trv_adaptation *a);
/** A trv_message_fn: print a line on stderr, clear of the progress line.
 * payload is the struct cli. */
void cli_message(const char *line, void *payload);

#endif
