/* main.c -- `trivium`: find the command, read its options, run it. */
#include "cli/cmd.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/help.h"
#include "cli/hints.h"

/* Do words ask for JSON that no command has understood yet? A --json counts
 * also where there is none, so that a program reads every failure alike. */
static bool
ask_json(int argc, char *const *argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (!strcmp(argv[i], "--json") || !strcmp(argv[i], "-j"))
            return true;
    return false;
}

/* Does the command print JSON, by the words that it has understood? */
static bool
prints_json(const struct cmd_entry *cmd, const void *args)
{
    for (const struct opt_spec *s = cmd->opts; s->type; s++)
        if (s->type == OPT_TYPE_FLAG && !strcmp(s->name, "json"))
            return *(const bool *)((const char *)args + s->offset);
    return false;
}

/* Read the words after the command's name into its own struct. */
static enum cli_exit
run_command(struct cli *cli, struct cli_globals *globals, int argc,
            char *const *argv)
{
    const struct cmd_entry *cmd = cli->cmd;
    void *args = calloc(1, cmd->args_size);
    const struct opt_table tables[] = {
        {cmd->opts, args},
        {cli_global_opts, globals},
    };
    const struct opt_spec *missing;
    char msg[OPT_MSG_MAX];
    enum cli_exit status;

    if (!args)
        return cli_fail(cli, CLI_FAILURE, "no memory to start");
    if (cmd->defaults)
        memcpy(args, cmd->defaults, cmd->args_size);
    if (opt_parse(tables, 2, argc, argv, false, msg) < 0) {
        status = cli_usage(cli, "%s", msg);
        goto done;
    }
    cli->json = prints_json(cmd, args);
    term_init(&cli->term, cli->out, cli->err, globals->quiet, NULL);
    if (globals->help) {
        help_command(cli->out, cmd, cli->term.color_out);
        status = cli_finish(cli);
        goto done;
    }
    if (globals->version) {
        fprintf(cli->out, "trivium %s\n", trv_version());
        status = cli_finish(cli);
        goto done;
    }
    if (globals->raw + globals->chat + (globals->model.layout != NULL) > 1) {
        status = cli_usage(cli, "--raw, --chat and --layout say the same: give "
                                "one of them");
        goto done;
    }
    if (globals->raw || globals->chat)
        globals->model.layout = globals->raw ? "raw" : "chat";
    missing = opt_missing(&tables[0]);
    if (missing) {
        status = missing->type == OPT_TYPE_ARG
                     ? cli_usage(cli, "'%s' needs %s: %s", cmd->name,
                                 missing->name, missing->help)
                     : cli_usage(cli, "'%s' needs --%s %s: %s", cmd->name,
                                 missing->name, missing->value, missing->help);
        goto done;
    }
    status = cmd->run(cli, args);
done:
    opt_release(&tables[0]);
    free(args);
    return status;
}

static const struct cmd_entry *
nearest_command(const char *word)
{
    const char *names[32];
    const char *near;
    size_t n = 0;

    for (; cmd_all[n] && n + 1 < sizeof(names) / sizeof(*names); n++)
        names[n] = cmd_all[n]->name;
    names[n] = NULL;
    near = opt_nearest(word, names);
    return near ? cmd_find(near) : NULL;
}

/* Waiting threads of OpenMP spin by default, which on a machine that others use
 * too takes the time slices of the threads that are waited for: ten times
 * slower and worse. libgomp reads its policy once, before main(), so the
 * program starts itself again with a short spin. What the user set stands;
 * where the second start fails, the first goes on. */
static void
wait_politely(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    if (setenv("GOMP_SPINCOUNT", "1000", 1) == 0)
        (void)execv("/proc/self/exe", argv);
}

static enum cli_exit
run_program(int argc, char **argv)
{
    struct cli_globals globals = cli_global_defaults;
    const struct opt_table table = {cli_global_opts, &globals};
    struct cli cli = {.out = stdout, .err = stderr, .globals = &globals};
    char msg[OPT_MSG_MAX];
    int n;

    /* A sentence is one write: what a person types meanwhile is echoed before
     * it or after it. */
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
    signal(SIGXFSZ, SIG_IGN); // a file size limit is an error like a full disk
    if (argc > 0) {
        argc--;
        argv++;
        cli.words = argv;
        cli.n_words = argc;
    }
    term_init(&cli.term, cli.out, cli.err, false, NULL);
    cli.json = ask_json(argc, argv); // until a command has read its own
    n = opt_parse(&table, 1, argc, argv, true, msg);
    if (n < 0) // often an option of a command that stands too early
        return cli_usage(&cli, "%s%s", msg,
                         strstr(msg, "unknown option")
                             ? "; a command's own options follow its name"
                             : "");
    if (globals.version) {
        fprintf(cli.out, "trivium %s\n", trv_version());
        return cli_finish(&cli);
    }
    if (n == argc) { // no command
        help_program(globals.help ? cli.out : cli.err,
                     globals.help ? cli.term.color_out : cli.term.color_err);
        if (globals.help)
            return cli_finish(&cli);
        return CLI_USAGE;
    }
    cli.cmd = cmd_find(argv[n]);
    if (!cli.cmd) {
        const struct cmd_entry *near = nearest_command(argv[n]);
        const char *hint = hint_of_value("", argv[n]);

        if (hint)
            return cli_usage(&cli, "unknown command '%.100s'; %s", argv[n],
                             hint);
        if (near)
            return cli_usage(&cli,
                             "unknown command '%.100s'; did you mean '%s'?",
                             argv[n], near->name);
        return cli_usage(&cli, "unknown command '%.100s'", argv[n]);
    }
    return run_command(&cli, &globals, argc - n - 1, argv + n + 1);
}

int
main(int argc, char **argv)
{
    wait_politely(argv);
    return (int)run_program(argc, argv);
}
