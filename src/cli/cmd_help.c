/* cmd_help.c -- `trivium help`, `trivium man`, `trivium completion`. */
#include "cli/cmd.h"
#include "cli/completion.h"
#include "cli/help.h"

#include <string.h>

extern const struct cmd_entry cmd_inspect, cmd_tokenize, cmd_generate, cmd_chat,
    cmd_convert, cmd_measure, cmd_score, cmd_train, cmd_task, cmd_triangle,
    cmd_runs, cmd_report, cmd_help, cmd_man, cmd_completion;

const struct cmd_entry *const cmd_all[] = {
    &cmd_inspect, &cmd_tokenize, &cmd_generate, &cmd_chat,     &cmd_convert,
    &cmd_measure, &cmd_score,    &cmd_train,    &cmd_task,     &cmd_triangle,
    &cmd_runs,    &cmd_report,   &cmd_help,     &cmd_man,      &cmd_completion,
    NULL,
};

const struct cmd_entry *
cmd_find(const char *name)
{
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        if (!strcmp((*c)->name, name))
            return *c;
    return NULL;
}

struct help_args {
    const char *word;
};

static const struct opt_spec help_opts[] = {
    OPT_ARG(struct help_args, word, "WORD",
            "a command, a method of convert, or a topic: rewards, prompts, "
            "data, specs, formats, training or exit-codes"),
    OPT_END,
};

static enum cli_exit
help_run(struct cli *cli, const void *args)
{
    const struct help_args *a = args;
    const char *near;

    if (!a->word) {
        help_program(cli->out, cli->term.color_out);
        return cli_finish(cli);
    }
    if (help_about(cli->out, a->word, cli->term.color_out))
        return cli_finish(cli);
    near = help_nearest(a->word);
    return cli_fail(cli, CLI_USAGE,
                    near ? "unknown command, method or topic '%.100s'; did you "
                           "mean '%s'?"
                         : "unknown command, method or topic '%.100s'; "
                           "'trivium help' lists them",
                    a->word, near);
}

const struct cmd_entry cmd_help = {
    .name = "help",
    .summary = "explain a command, a method or a topic",
    .examples = "trivium help convert\n"
                "trivium help dpo\n"
                "trivium help rewards",
    .opts = help_opts,
    .args_size = sizeof(struct help_args),
    .run = help_run,
};

struct no_args {
    char none;
};

static const struct opt_spec no_opts[] = {OPT_END};

static enum cli_exit
man_run(struct cli *cli, const void *args)
{
    (void)args;
    help_man(cli->out);
    return cli_finish(cli);
}

const struct cmd_entry cmd_man = {
    .name = "man",
    .summary = "print the manual page",
    .description = "Print the manual page in roff, made from the same tables "
                   "as this help.",
    .examples = "trivium man | man -l -",
    .opts = no_opts,
    .args_size = sizeof(struct no_args),
    .run = man_run,
};

struct completion_args {
    const char *shell;
};

static const struct opt_spec completion_opts[] = {
    OPT_NEED_ARG(struct completion_args, shell, "SHELL",
                 .help = "bash, zsh or fish"),
    OPT_END,
};

static enum cli_exit
completion_run(struct cli *cli, const void *args)
{
    static const char *const shells[] = {"bash", "zsh", "fish", NULL};
    static void (*const print[])(FILE * f) = {completion_bash, completion_zsh,
                                              completion_fish};
    const struct completion_args *a = args;

    for (int i = 0; shells[i]; i++)
        if (strcmp(a->shell, shells[i]) == 0) {
            print[i](cli->out);
            return cli_finish(cli);
        }
    return cli_fail(cli, CLI_USAGE,
                    "no completion for the shell '%.100s'; there are bash, zsh "
                    "and fish",
                    a->shell);
}

const struct cmd_entry cmd_completion = {
    .name = "completion",
    .summary = "print the completion script of a shell",
    .description = "Print a script that makes the shell complete commands, "
                   "options and their values.",
    .examples = "source <(trivium completion bash)\n"
                "trivium completion zsh >_trivium\n"
                "trivium completion fish >trivium.fish",
    .opts = completion_opts,
    .args_size = sizeof(struct completion_args),
    .run = completion_run,
};
