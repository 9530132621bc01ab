/* cmd_chat.c -- `trivium chat`: a conversation, turn by turn.
 *
 * A line of standard input is a turn, or a command where it begins with '/'.
 * At a terminal a person is there who can mend what goes wrong, so the
 * conversation goes on after a failure and Ctrl-C stops an answer alone; on a
 * pipe the first failure ends the program with its status.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/choosing.h"
#include "cli/conversation.h"
#include "cli/textio.h"

struct chat_args {
    const char *model, *system;
    bool any_base, json, forget;
    struct opt_list adaptations, stops;
    trv_generate_options o;
};

static const struct chat_args chat_defaults = {
    .o = TRV_GENERATE_OPTIONS_INIT,
};

static const struct opt_spec chat_opts[] = {
    OPT_TEXT(struct chat_args, model, 'm', "model", .value = "PATH",
             .required = true, .help = CMD_MODEL_HELP),
    CHOOSING_ADAPTATIONS(struct chat_args),
    OPT_FLAG(struct chat_args, any_base, 0, "any-base",
             "take an artefact that was made for another model"),
    OPT_TEXT(struct chat_args, system, 0, "system", .value = "TEXT",
             .shown = "none", .help = "the system message; @FILE reads a file"),
    OPT_FLAG(struct chat_args, forget, 0, "forget",
             "where the context is full, drop the oldest turns"),
    OPT_GROUP("How to choose"),
    CHOOSING_NUMBERS(struct chat_args),
    CHOOSING_END(struct chat_args),
    OPT_GROUP("What to print"),
    OPT_FLAG(struct chat_args, json, 'j', "json",
             "print one JSON object for each answer, when it is whole"),
    OPT_END,
};

/* What /set may change. */
static const struct opt_spec chat_numbers[] = {
    CHOOSING_NUMBERS(struct chat_args),
    OPT_END,
};

struct chat {
    struct cli *cli;
    struct chat_args a; // as given, and as /set left it
    trv_model *m;
    trv_adaptation *adaptation; // NULL: the base
    char *under;                // its name; NULL for the base
    struct conversation said;
    int32_t forgotten; // turns that were dropped for want of room
    uint64_t drawn;    // answers so far: each has its own random numbers
    bool live;         // a person types
    bool mid_line;     // an answer stands on stdout without its line end
    char bytes[4096];  // of standard input, read but not yet taken
    size_t at, n_bytes;
    bool over;
};

static void tell(const struct chat *c, bool on_pipe, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A sentence for the person at the terminal, or also where a pipe is read. */
static void
tell(const struct chat *c, bool on_pipe, const char *fmt, ...)
{
    va_list ap;

    if (c->cli->globals->quiet || !(c->live || on_pipe))
        return;
    va_start(ap, fmt);
    fputs("trivium: ", c->cli->err);
    vfprintf(c->cli->err, fmt, ap);
    fputc('\n', c->cli->err);
    va_end(ap);
}

static const char *
system_text(const struct chat *c)
{
    int32_t n;
    const trv_turn *turns = conversation_turns(&c->said, &n);

    return n && !strcmp(turns[0].role, "system") ? turns[0].content : NULL;
}

static enum cli_exit
no_memory(const struct chat *c)
{
    return cli_fail(c->cli, CLI_FAILURE, "no memory for the conversation");
}

/* ---- an answer --------------------------------------------------------- */

static bool
on_text(int32_t sample, const char *text, size_t n, void *payload)
{
    struct chat *c = payload;

    (void)sample;
    if (!c->a.json) {
        c->mid_line = true;
        fwrite(text, 1, n, c->cli->out);
        if (fflush(c->cli->out) != 0)
            return false;
    }
    return !term_interrupted();
}

/* Least room for an answer before turns are dropped: all that may be said, but
 * never so much that little of the conversation is left. */
static int32_t
wanted_room(const struct chat *c)
{
    const int64_t quarter = trv_model_context(c->m) / 4;

    return c->a.o.max_tokens < quarter ? c->a.o.max_tokens : (int32_t)quarter;
}

/* Ask the model; where there is no room, forget turns and ask again. */
static int
ask(struct chat *c, trv_completion *out, trv_err *err)
{
    trv_generate_options o = c->a.o;
    int32_t dropped = 0;
    int rc;

    o.stops = c->a.stops.items;
    o.n_stops = c->a.stops.n;
    o.first_stream = c->drawn;
    do {
        o.turns = conversation_turns(&c->said, &o.n_turns);
        o.room = c->a.forget && c->said.n > 1 ? wanted_room(c) : 1;
        rc = trv_generate(c->m, out, c->adaptation, NULL, &o, on_text, c, err);
    } while (rc == TRV_ETOOLONG && c->a.forget &&
             conversation_forget(&c->said) && ++dropped);
    c->forgotten += dropped;
    if (dropped)
        tell(c, true,
             "the conversation is longer than the context of %lld tokens: "
             "its %s forgotten",
             (long long)trv_model_context(c->m),
             dropped == 1 ? "oldest turn was" : "oldest turns were");
    return rc;
}

static void
end_line(struct chat *c)
{
    fputc('\n', c->cli->out);
    c->mid_line = false;
}

static enum cli_exit
print_object(const struct chat *c, const trv_completion *done, bool stopped)
{
    int32_t n;
    const trv_turn *turns = conversation_turns(&c->said, &n);
    json_t *o = json_pack(
        "{s:i, s:o?, s:s, s:o*, s:s, s:i, s:i, s:f}", "turn",
        (int)(conversation_questions(&c->said) + c->forgotten), "adaptation",
        c->under ? textio_json(c->under, strlen(c->under)) : NULL, "user",
        turns[n - 1].content, "text", textio_json(done->text, done->n),
        "finish", stopped ? "interrupted" : done->finish, "prompt_tokens",
        (int)done->prompt_tokens, "new_tokens", (int)done->new_tokens,
        "logprob", done->logprob);
    const int rc = o ? json_dumpf(o, c->cli->out, JSON_COMPACT) : -1;

    fputc('\n', c->cli->out);
    json_decref(o);
    if (rc && !ferror(c->cli->out))
        return cli_fail(c->cli, CLI_FAILURE, "no memory to print the answer");
    return cli_finish(c->cli);
}

/* What a reader cannot see: why the answer ends where it does. */
static void
note_end(const struct chat *c, const trv_completion *done)
{
    if (strcmp(done->finish, "length") != 0)
        return;
    if (done->new_tokens < c->a.o.max_tokens)
        tell(c, true,
             "the answer ends where the context of %lld tokens is full",
             (long long)trv_model_context(c->m));
    else
        tell(c, false,
             "the answer was cut at %d tokens; /set max-tokens N changes it",
             done->new_tokens);
}

static enum cli_exit
fail_answer(struct chat *c, const trv_err *err)
{
    if (c->mid_line) { // what was said stays to be read
        end_line(c);
        fflush(c->cli->out);
    }
    if (err->code != TRV_ETOOLONG)
        return cli_fail_err(c->cli, err);
    return cli_fail(c->cli, CLI_TOO_LONG, "%s; %s", err->msg,
                    c->a.forget || !c->said.n
                        ? "a shorter turn or system message helps"
                    : c->live ? "/undo takes a turn back, /reset all of "
                                "them, and --forget drops the oldest by "
                                "itself"
                              : "--forget drops the oldest turns by itself");
}

/* Answer the user's turn that stands last. It is taken back where there is no
 * answer, so that the conversation stays one that can go on. */
static enum cli_exit
answer(struct chat *c)
{
    trv_completion done = {0};
    trv_err err = {0};
    enum cli_exit status;
    bool stopped;

    if (c->live)
        (void)term_take_break(); // what was meant for the prompt
    if (ask(c, &done, &err)) {
        conversation_take_back(&c->said);
        return ferror(c->cli->out) ? cli_finish(c->cli) : fail_answer(c, &err);
    }
    stopped = c->live && term_take_break();
    c->drawn++;
    if (c->a.json) {
        status = print_object(c, &done, stopped);
    } else {
        end_line(c);
        status = cli_finish(c->cli);
    }
    if (!status && !stopped)
        note_end(c, &done);
    if (stopped && done.n == 0)
        conversation_take_back(&c->said);
    else if (!conversation_say(&c->said, done.text, done.n)) {
        conversation_take_back(&c->said);
        status = no_memory(c);
    }
    trv_free(done.text);
    return status;
}

/* ---- commands ---------------------------------------------------------- */

static enum cli_exit do_help(struct chat *c, char *rest);

static enum cli_exit
do_reset(struct chat *c, char *rest)
{
    (void)rest;
    conversation_reset(&c->said);
    c->forgotten = 0;
    c->drawn = 0;
    tell(c, false, "the conversation begins anew%s",
         system_text(c) ? "; the system message stays" : "");
    return CLI_OK;
}

static enum cli_exit
do_undo(struct chat *c, char *rest)
{
    (void)rest;
    if (c->said.n < 2)
        return cli_fail(c->cli, CLI_USAGE, "there is no turn to take back");
    conversation_take_back(&c->said);
    conversation_take_back(&c->said);
    tell(c, false, "the last turn was taken back");
    return CLI_OK;
}

static enum cli_exit
do_retry(struct chat *c, char *rest)
{
    (void)rest;
    if (c->said.n < 2)
        return cli_fail(c->cli, CLI_USAGE, "there is no answer to draw again");
    conversation_take_back(&c->said);
    return answer(c);
}

static enum cli_exit
do_system(struct chat *c, char *rest)
{
    const bool none = !strcmp(rest, "none");
    const char *now = system_text(c);

    if (!*rest) {
        fprintf(c->cli->err, "%s\n", now ? now : "there is no system message");
        return CLI_OK;
    }
    if (!conversation_system(&c->said, none ? NULL : rest))
        return no_memory(c);
    tell(c, false,
         none ? "there is no system message from here on"
              : "this is the system message from here on");
    return CLI_OK;
}

/* Answer under the adaptations from here on; where they cannot be opened, the
 * one before stays. */
static enum cli_exit
adapt(struct chat *c, const char *const *specs, int32_t n)
{
    trv_adaptation *next = NULL;
    trv_err err = {0};
    char *name = NULL;
    size_t size = 1, at = 0;

    for (int32_t i = 0; i < n; i++)
        size += strlen(specs[i]) + 3;
    if (n > 0 && !(name = malloc(size)))
        return no_memory(c);
    for (int32_t i = 0; i < n; i++)
        at += (size_t)snprintf(name + at, size - at, "%s%s", i ? " + " : "",
                               specs[i]);
    if (n > 0 && cli_adaptation_open_mix(c->cli, &next, c->m, specs, n,
                                         c->a.any_base, &err)) {
        free(name);
        return cli_fail_err(c->cli, &err);
    }
    cli_adaptation_close(c->cli, c->adaptation);
    free(c->under);
    c->adaptation = next;
    c->under = name;
    return CLI_OK;
}

static enum cli_exit
do_adaptation(struct chat *c, char *rest)
{
    const bool none = !strcmp(rest, "none");
    const char *const spec = rest;
    enum cli_exit status;

    if (!*rest) {
        fprintf(c->cli->err, "%s\n",
                c->under ? c->under : "none: this is the base model");
        return CLI_OK;
    }
    status = adapt(c, &spec, none ? 0 : 1);
    if (!status)
        tell(c, false,
             none ? "the base model answers from here on"
                  : "the model answers under it from here on");
    return status;
}

static enum cli_exit
do_save(struct chat *c, char *rest)
{
    json_t *list;
    char *text;
    size_t n;
    enum cli_exit status;

    if (!*rest)
        return cli_fail(c->cli, CLI_USAGE,
                        "/save needs the name of a file to write");
    list = conversation_json(&c->said);
    text = list ? json_dumps(list, JSON_INDENT(2)) : NULL;
    json_decref(list);
    if (!text)
        return no_memory(c);
    n = strlen(text);
    text[n] = '\n'; // stands where the zero was: a length is given
    status = textio_write(c->cli, rest, text, n + 1);
    free(text);
    if (!status)
        tell(c, false, "the messages are in '%s'", rest);
    return status;
}

static void
print_number(FILE *f, const struct opt_spec *s, const struct chat_args *a)
{
    const struct opt_spec plain = {.type = s->type, .offset = s->offset};
    const char *at = (const char *)a + s->offset;
    char text[80];

    if (s->shown &&
        !memcmp(at, (const char *)&chat_defaults + s->offset,
                s->type == OPT_TYPE_INT ? sizeof(int32_t) : sizeof(double))) {
        fprintf(f, "%-20s%s\n", s->name, s->shown);
        return;
    }
    opt_default_text(text, sizeof(text), &plain, a);
    fprintf(f, "%-20s%s\n", s->name, text + strlen("default "));
}

static enum cli_exit
do_set(struct chat *c, char *rest)
{
    const struct opt_table table = {chat_numbers, &c->a};
    const struct opt_spec *found = NULL;
    const char *names[32], *near;
    const size_t n = strcspn(rest, " \t=");
    char msg[OPT_MSG_MAX], *word[1];
    const uint64_t seed = c->a.o.seed;
    size_t k = 0, size;

    for (const struct opt_spec *s = chat_numbers; s->type; s++) {
        if (!*rest)
            print_number(c->cli->err, s, &c->a);
        if (strlen(s->name) == n && !memcmp(s->name, rest, n))
            found = s;
        if (k + 1 < sizeof(names) / sizeof(*names))
            names[k++] = s->name;
    }
    names[k] = NULL;
    if (!*rest)
        return CLI_OK;
    if (!found) {
        rest[n] = '\0';
        near = opt_nearest(rest, names);
        return cli_fail(c->cli, CLI_USAGE, "/set knows no '%.60s'%s%s%s", rest,
                        near ? "; did you mean '" : "; /set lists what it does",
                        near ? near : "", near ? "'?" : "");
    }
    rest += n + strspn(rest + n, " \t=");
    if (!*rest) {
        print_number(c->cli->err, found, &c->a);
        return CLI_OK;
    }
    size = strlen(found->name) + strlen(rest) + 4;
    word[0] = malloc(size);
    if (!word[0])
        return no_memory(c);
    snprintf(word[0], size, "--%s=%s", found->name, rest);
    if (opt_parse(&table, 1, 1, word, false, msg) < 0) {
        free(word[0]);
        return cli_fail(c->cli, CLI_USAGE, "%s", msg);
    }
    free(word[0]);
    if (c->a.o.seed != seed)
        c->drawn = 0; // a seed begins its random numbers anew
    tell(c, false, "%s is %s", found->name, rest);
    return CLI_OK;
}

static enum cli_exit
do_quit(struct chat *c, char *rest)
{
    (void)rest;
    c->over = true;
    return CLI_OK;
}

static const struct chat_command {
    const char *name, *takes, *help;
    enum cli_exit (*run)(struct chat *c, char *rest);
} commands[] = {
    {"help", "", "list the commands", do_help},
    {"reset", "", "begin anew; the system message stays", do_reset},
    {"undo", "", "take the last turn and its answer back", do_undo},
    {"retry", "", "draw another answer to the last turn", do_retry},
    {"system", "TEXT", "set the system message; none removes it", do_system},
    {"adaptation", "A", "answer under another adaptation; none: the base",
     do_adaptation},
    {"save", "FILE", "write the messages as JSON", do_save},
    {"set", "NAME VALUE", "change temperature, max-tokens, seed, ...", do_set},
    {"quit", "", "end; Ctrl-D does, too", do_quit},
    {NULL, NULL, NULL, NULL},
};

static enum cli_exit
do_help(struct chat *c, char *rest)
{
    (void)rest;
    for (const struct chat_command *k = commands; k->name; k++) {
        char head[40];

        snprintf(head, sizeof(head), "/%s %s", k->name, k->takes);
        fprintf(c->cli->err, "  %-18s%s\n", head, k->help);
    }
    fputs("Without its word a command says what is set. A turn that begins "
          "with '/' is\ntyped with '//'; at a terminal a line that ends in "
          "'\\' goes on in the next.\n",
          c->cli->err);
    return CLI_OK;
}

static enum cli_exit
run_command(struct chat *c, char *line)
{
    const char *names[sizeof(commands) / sizeof(*commands)], *near;
    const size_t n = strcspn(line, " \t");
    char *rest = line + n;
    size_t k = 0;

    rest += strspn(rest, " \t");
    for (size_t len = strlen(rest); len && strchr(" \t", rest[len - 1]); len--)
        rest[len - 1] = '\0';
    line[n] = '\0';
    for (; commands[k].name; k++) {
        if (strcmp(commands[k].name, line) != 0) {
            names[k] = commands[k].name;
            continue;
        }
        if (*rest && !*commands[k].takes)
            return cli_fail(c->cli, CLI_USAGE,
                            "/%s stands alone; '%.60s' means nothing to it",
                            line, rest);
        return commands[k].run(c, rest);
    }
    names[k] = NULL;
    near = opt_nearest(line, names);
    if (near)
        return cli_fail(c->cli, CLI_USAGE,
                        "unknown command '/%.60s'; did you mean '/%s'?", line,
                        near);
    return cli_fail(c->cli, CLI_USAGE,
                    "unknown command '/%.60s'; /help lists those there are",
                    line);
}

/* ---- lines ------------------------------------------------------------- */

struct line {
    char *s;
    size_t n, cap;
};

static bool
add_byte(struct line *l, char byte)
{
    if (l->n + 2 > l->cap) {
        const size_t cap = l->cap ? 2 * l->cap : 256;
        char *grown = realloc(l->s, cap);

        if (!grown)
            return false;
        l->s = grown;
        l->cap = cap;
    }
    l->s[l->n++] = byte;
    l->s[l->n] = '\0';
    return true;
}

enum read { READ_LINE, READ_END, READ_BREAK, READ_FAILED };

/* Bytes of standard input; stdio's would not end at Ctrl-C. */
static enum read
fill(struct chat *c)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    ssize_t got;

    do { // at Ctrl-C poll() ends, where a read is started anew
        if (c->live && poll(&in, 1, -1) < 0)
            return errno == EINTR ? READ_BREAK : READ_FAILED;
        got = read(STDIN_FILENO, c->bytes, sizeof(c->bytes));
    } while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got ? READ_FAILED : READ_END;
    c->n_bytes = (size_t)got;
    c->at = 0;
    return READ_LINE;
}

/* Append one line without its end. */
static enum read
read_line(struct chat *c, struct line *l)
{
    const size_t from = l->n;

    for (;;) {
        if (c->at == c->n_bytes) {
            const enum read got = fill(c);

            if (got == READ_END && l->n > from)
                break; // a last line without its end
            if (got != READ_LINE)
                return got;
        }
        if (c->bytes[c->at] == '\n') {
            c->at++;
            break;
        }
        if (!add_byte(l, c->bytes[c->at++])) {
            errno = ENOMEM;
            return READ_FAILED;
        }
    }
    if (l->n > from && l->s[l->n - 1] == '\r')
        l->s[--l->n] = '\0';
    return READ_LINE;
}

static void
prompt_sign(const struct chat *c, bool more)
{
    const bool color = c->cli->term.color_err;

    if (!c->live)
        return;
    fprintf(c->cli->err, "%s%s%s ", term_bold(color), more ? "." : ">",
            term_plain(color));
    fflush(c->cli->err);
}

/* A turn of one line, or at a terminal of several that end in '\'. */
static enum read
read_turn(struct chat *c, struct line *turn)
{
    bool more = false;
    enum read got;

    turn->n = 0;
    do {
        prompt_sign(c, more);
        got = read_line(c, turn);
        if (got == READ_END && more)
            return READ_LINE;
        more = got == READ_LINE && c->live && turn->n &&
               turn->s[turn->n - 1] == '\\';
        if (more)
            turn->s[turn->n - 1] = '\n';
    } while (more);
    return got;
}

static enum cli_exit
take_turn(struct chat *c, struct line *turn)
{
    const char *text = turn->s;
    json_t *valid;

    if (turn->n == 0 || strspn(text, " \t\n") == turn->n)
        return CLI_OK; // nothing was said
    if (text[0] == '/' && text[1] != '/')
        return run_command(c, turn->s + 1);
    valid = json_stringn(text, turn->n);
    json_decref(valid);
    if (!valid || strlen(text) != turn->n)
        return cli_fail(c->cli, CLI_BAD_FILE,
                        "the turn is not text: it holds %s",
                        valid ? "a zero byte" : "bytes that are not UTF-8");
    text += text[0] == '/';
    if (!conversation_say(&c->said, text, strlen(text)))
        return no_memory(c);
    return answer(c);
}

static enum cli_exit
talk(struct chat *c)
{
    struct line turn = {0};
    enum cli_exit status = CLI_OK;

    tell(c, false,
         "/help lists the commands, Ctrl-C stops an answer, Ctrl-D ends");
    while (!c->over) {
        const enum read got = read_turn(c, &turn);
        const int why = errno;

        if (got != READ_LINE && c->live)
            fputc('\n', c->cli->err);
        if (got == READ_END)
            break;
        if (got == READ_BREAK) {
            (void)term_take_break();
            tell(c, false, "Ctrl-D or /quit ends the conversation");
            continue;
        }
        if (got == READ_FAILED) {
            status = cli_fail(c->cli, CLI_BAD_FILE,
                              "cannot read standard input: %s", strerror(why));
            break;
        }
        status = take_turn(c, &turn);
        if (status && (!c->live || ferror(c->cli->out)))
            break;
        status = CLI_OK; // who types has seen what went wrong
    }
    free(turn.s);
    return status ? status : cli_finish(c->cli);
}

/* ---- the command ------------------------------------------------------- */

static enum cli_exit
begin(struct chat *c)
{
    trv_err err = {0};
    struct text system = {NULL, 0};
    enum cli_exit status = CLI_OK;

    if (c->cli->globals->model.layout &&
        strcmp(c->cli->globals->model.layout, "raw") == 0)
        return cli_usage(c->cli, "a conversation is laid out by the chat "
                                 "template: leave --raw away; 'trivium "
                                 "generate --raw' continues plain text");
    if (cli_model_open(c->cli, &c->m, c->a.model, &err))
        return cli_fail_err(c->cli, &err);
    if (!trv_model_has_chat(c->m))
        return cli_fail(
            c->cli, CLI_UNSUPPORTED,
            "'%s' has no chat template, which a conversation "
            "needs; --chat-template FILE gives it one, and 'trivium "
            "generate' continues plain text",
            c->a.model);
    status = adapt(c, c->a.adaptations.items, c->a.adaptations.n);
    if (status || !c->a.system)
        return status;
    status = textio_read(c->cli, &system, c->a.system, true, "system message");
    if (!status && c->a.system[0] == '@')
        textio_chomp(&system);
    else if (!status)
        textio_hint_file(c->cli, c->a.system, "system message", "--system ");
    if (!status && !conversation_system(&c->said, system.s))
        status = no_memory(c);
    free(system.s);
    return status;
}

static enum cli_exit
chat_run(struct cli *cli, const void *args)
{
    struct chat c = {.cli = cli, .a = *(const struct chat_args *)args};
    enum cli_exit status;

    c.live = isatty(STDIN_FILENO);
    status = begin(&c);
    if (!status) {
        if (c.live)
            term_catch_break();
        status = talk(&c);
    }
    conversation_release(&c.said);
    cli_adaptation_close(cli, c.adaptation);
    trv_model_free(c.m);
    free(c.under);
    return status;
}

const struct cmd_entry cmd_chat = {
    .name = "chat",
    .summary = "talk with a model, under an adaptation or without one",
    .description =
        "Talk with a model turn by turn; it needs a chat template. Each line "
        "of standard input is a turn, and its answer is printed as it comes. "
        "A prompt as an adaptation becomes the system message, before that of "
        "--system.\n\n"
        "A line that begins with '/' is a command: /help lists them. Among "
        "them are /undo, /retry, /save FILE, and /adaptation A, which goes on "
        "under another adaptation.\n\n"
        "At a terminal Ctrl-C stops an answer, Ctrl-D ends. On a pipe only "
        "answers are printed, and the first failure ends the program. With "
        "one seed the same lines give the same answers.",
    .examples =
        "trivium chat --model MODEL --system \"You are a pirate.\"\n"
        "trivium chat --model MODEL --adaptation out/z\n"
        "printf 'Hello!\\nWhat is a fox?\\n' | trivium chat --model MODEL",
    .opts = chat_opts,
    .args_size = sizeof(struct chat_args),
    .defaults = &chat_defaults,
    .run = chat_run,
};
