/* completion.c -- completion scripts of bash, zsh and fish, from the option
 * tables: commands, options, and of each value what can stand there.
 */
#include "cli/completion.h"

#include <string.h>

#include "cli/help.h"
#include "cli/help_method.h"

#define WORDS_MAX 160
#define WORDS_BYTES 4096

/* What the value of an option, or an argument, is completed by. */
enum by {
    BY_NOTHING,
    BY_WORDS,
    BY_FILES,
    BY_SPECS, // words that end with a colon, files behind them, and files
};

struct words {
    const char *v[WORDS_MAX];
    int n;
    size_t used;
    char text[WORDS_BYTES];
};

static void
add_word(struct words *out, const char *s, size_t n, const char *end)
{
    char *at = out->text + out->used;
    const size_t left = sizeof(out->text) - out->used;

    if (n == 0 || out->n == WORDS_MAX || n + strlen(end) >= left)
        return;
    snprintf(at, left, "%.*s%s", (int)n, s, end);
    for (int i = 0; i < out->n; i++)
        if (strcmp(out->v[i], at) == 0)
            return;
    out->v[out->n++] = at;
    out->used += n + strlen(end) + 1;
}

/* Words parted by any of the bytes in `between`. */
static void
add_words(struct words *out, const char *s, const char *between,
          const char *end)
{
    while (*s) {
        const size_t n = strcspn(s, between);

        add_word(out, s, n, end);
        s += n + (s[n] != '\0');
    }
}

static void
add_specs(struct words *out, const char *form)
{
    const char *usage;

    for (int32_t i = 0; (usage = trv_spec_usage(form, i)); i++)
        if (strchr(usage, ':'))
            add_word(out, usage, strcspn(usage, ":"), ":");
    if (!form)
        add_word(out, "base", 4, "");
}

/* Every kind that a method makes. */
static void
add_kinds(struct words *out)
{
    const trv_method *m;

    for (int32_t edge = 0; trv_method_at(edge, 0); edge++)
        for (int32_t i = 0; (m = trv_method_at(edge, i)); i++)
            add_words(out, m->makes, " ", ":");
    add_word(out, "prompt", 6, ":");
}

/* "lora:OUT, adapter:OUT or ..." of a help. */
static void
add_kinds_named(struct words *out, const char *help)
{
    for (const char *at = help; (at = strstr(at, ":OUT")); at += 4) {
        const char *from = at;

        while (from > help && from[-1] >= 'a' && from[-1] <= 'z')
            from--;
        add_word(out, from, (size_t)(at - from), ":");
    }
}

static enum by
completed_by(struct words *out, const struct cmd_entry *cmd,
             const struct opt_spec *s)
{
    const char *value = s->type == OPT_TYPE_ARG ? s->name : s->value;
    const char *names[HELP_NAMES_MAX], *name;

    out->n = 0;
    out->used = 0;
    if (s->choices) {
        add_words(out, s->choices, "|", "");
    } else if (!value) {
        return BY_NOTHING;
    } else if (s->type == OPT_TYPE_ARG && !strcmp(cmd->name, "help")) {
        const int n = help_names(names, HELP_NAMES_MAX);

        for (int i = 0; i < n; i++)
            add_word(out, names[i], strlen(names[i]), "");
    } else if (s->type == OPT_TYPE_ARG && !strcmp(cmd->name, "completion")) {
        add_words(out, COMPLETION_SHELLS, "|", "");
    } else if (s->type != OPT_TYPE_ARG && !strcmp(s->name, "method")) {
        for (int i = 0; (name = help_method_name(i)); i++)
            add_word(out, name, strlen(name), "");
    } else if (!strcmp(value, "FILE") || !strcmp(value, "PATH")) {
        return BY_FILES;
    } else if (!strcmp(value, "KIND:OUT")) {
        add_kinds(out);
        return BY_SPECS;
    } else if (!strcmp(value, "FORM:OUT")) {
        add_kinds_named(out, s->help);
        return BY_SPECS;
    } else if (!strcmp(value, "A") || !strcmp(value, "B") ||
               !strcmp(value, "A[=W]") || !strcmp(value, "REWARD")) {
        add_specs(out, strcmp(value, "REWARD") ? NULL : "reward");
        return BY_SPECS;
    }
    return out->n > 0 ? BY_WORDS : BY_NOTHING;
}

static void
print_words(FILE *f, const struct words *w, const char *before)
{
    for (int i = 0; i < w->n; i++)
        fprintf(f, "%s%s", i ? " " : before, w->v[i]);
}

/* Text between single quotes; `also` is escaped by a backslash. */
static void
print_quoted(FILE *f, const char *s, const char *also, bool fish)
{
    for (; *s; s++)
        if (*s == '\'')
            fputs(fish ? "\\'" : "'\\''", f);
        else if (*s == '\\' || strchr(also, *s))
            fprintf(f, "\\%c", *s);
        else
            fputc(*s, f);
}

static const struct opt_spec *
argument_of(const struct cmd_entry *cmd)
{
    for (const struct opt_spec *s = cmd->opts; s->type; s++)
        if (s->type == OPT_TYPE_ARG)
            return s;
    return NULL;
}

/* ---- bash ---------------------------------------------------------------- */

static void
bash_call(FILE *f, enum by by, const struct words *w)
{
    static const char *const calls[] = {":", "_trivium_words", "_trivium_files",
                                        "_trivium_specs"};

    fputs(calls[by], f);
    if (by == BY_WORDS || by == BY_SPECS)
        print_words(f, w, " ");
}

static void
bash_values(FILE *f, const struct cmd_entry *cmd, const struct opt_spec *specs)
{
    struct words w;

    for (const struct opt_spec *s = specs; s->type; s++) {
        if (!opt_is_option(s) || s->type == OPT_TYPE_FLAG)
            continue;
        fprintf(f, "        --%s", s->name);
        if (s->letter)
            fprintf(f, "|-%c", s->letter);
        fputs(") ", f);
        bash_call(f, completed_by(&w, cmd, s), &w);
        fputs("; return ;;\n", f);
    }
}

static void
bash_options(FILE *f, const struct opt_spec *specs)
{
    for (const struct opt_spec *s = specs; s->type; s++)
        if (opt_is_option(s))
            fprintf(f, " --%s", s->name);
}

/* Words are parted by blanks, for bash's own list parts them at ':' and '=',
 * too, and replaces only what stands behind the last of these. */
static const char bash_begin[] =
    "_trivium_words() { _trivium_put \"$(compgen -W \"$*\" -- \"$cur\")\"; }\n"
    "_trivium_files() { compopt -o filenames 2>/dev/null\n"
    "    _trivium_put \"$(compgen -f -- \"$cur\")\"; }\n"
    "_trivium_specs() {\n"
    "    local head=\n"
    "    if [[ $cur =~ ^[a-z]+:@? ]]; then\n"
    "        head=${BASH_REMATCH[0]}\n"
    "        compopt -o filenames 2>/dev/null\n"
    "        _trivium_put \"$(compgen -P \"$head\" -f -- "
    "\"${cur#\"$head\"}\")\"\n"
    "    else\n"
    "        compopt -o nospace -o filenames 2>/dev/null\n"
    "        _trivium_put \"$(compgen -W \"$*\" -- \"$cur\"\n"
    "            compgen -f -- \"$cur\")\"\n"
    "    fi\n"
    "}\n"
    "_trivium_put() {\n"
    "    local one head=\n"
    "    case $COMP_WORDBREAKS in\n"
    "        *:*) head=${cur%\"${cur##*[:=]}\"} ;;\n"
    "        *) head=${cur%\"${cur##*=}\"} ;;\n"
    "    esac\n"
    "    while IFS= read -r one; do\n"
    "        [[ -z $one ]] || COMPREPLY+=(\"${one#\"$head\"}\")\n"
    "    done <<<\"$1\"\n"
    "}\n"
    "_trivium() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} cur= prev= cmd= i words options\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line == *[[:space:]] ]] && words+=('')\n"
    "    cur=${words[${#words[@]} - 1]}\n"
    "    ((${#words[@]} > 1)) && prev=${words[${#words[@]} - 2]}\n"
    "    [[ $cur == --*=* ]] && prev=${cur%%=*} cur=${cur#*=}\n"
    "    COMPREPLY=()\n"
    "    for ((i = 1; i < ${#words[@]} - 1; i++)); do\n"
    "        case ${words[i]} in\n            ";

static void
bash_command(FILE *f, const struct cmd_entry *cmd)
{
    const struct opt_spec *argument = argument_of(cmd);
    struct words w;

    fprintf(f, "    %s)\n        case $prev in\n", cmd->name);
    bash_values(f, cmd, cmd->opts);
    fputs("        esac\n        options=\"", f);
    bash_options(f, cmd->opts);
    fputs("\"\n        [[ $cur == -* ]] || { ", f);
    bash_call(f, argument ? completed_by(&w, cmd, argument) : BY_NOTHING, &w);
    fputs("; return; }\n        ;;\n", f);
}

void
completion_bash(FILE *f)
{
    fputs("# bash completion of trivium; made by 'trivium completion bash'\n",
          f);
    fputs(bash_begin, f);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        fprintf(f, "%s%s", c == cmd_all ? "" : "|", (*c)->name);
    fputs(") cmd=${words[i]}; break ;;\n"
          "        esac\n    done\n    case $prev in\n",
          f);
    bash_values(f, NULL, cli_global_opts);
    fputs("    esac\n    case $cmd in\n    '')\n        options=\"", f);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        fprintf(f, "%s%s", c == cmd_all ? "" : " ", (*c)->name);
    fputs("\" ;;\n", f);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        bash_command(f, *c);
    fputs("    esac\n    _trivium_words \"$options", f);
    bash_options(f, cli_global_opts);
    fputs("\"\n}\ncomplete -F _trivium trivium\n", f);
}

/* ---- zsh ----------------------------------------------------------------- */

static void
zsh_action(FILE *f, enum by by, const struct words *w)
{
    static const char *const actions[] = {" ", "(", "_files", "_trivium_specs"};

    fputs(actions[by], f);
    if (by == BY_WORDS)
        print_words(f, w, "");
    for (int i = 0; by == BY_SPECS && i < w->n; i++) {
        fputc(' ', f);
        print_quoted(f, w->v[i], ":", false);
    }
    if (by == BY_WORDS)
        fputc(')', f);
}

static void
zsh_option(FILE *f, const struct cmd_entry *cmd, const struct opt_spec *s)
{
    const bool flag = s->type == OPT_TYPE_FLAG, many = s->type == OPT_TYPE_LIST;
    struct words w;

    fputs("        ", f);
    if (many)
        fputs("'*'", f);
    else if (s->letter)
        fprintf(f, "'(-%c --%s)'", s->letter, s->name);
    if (s->letter)
        fprintf(f, "{-%c%s,--%s%s}", s->letter, flag ? "" : "+", s->name,
                flag ? "" : "=");
    else
        fprintf(f, "--%s%s", s->name, flag ? "" : "=");
    fputs("'[", f);
    print_quoted(f, s->help, "[]", false);
    fputc(']', f);
    if (!flag) {
        fputc(':', f);
        print_quoted(f, s->value, ":", false);
        fputc(':', f);
        zsh_action(f, completed_by(&w, cmd, s), &w);
    }
    fputs("' \\\n", f);
}

static void
zsh_options(FILE *f, const struct cmd_entry *cmd, const struct opt_spec *specs)
{
    for (const struct opt_spec *s = specs; s->type; s++)
        if (opt_is_option(s))
            zsh_option(f, cmd, s);
}

static void
zsh_command(FILE *f, const struct cmd_entry *cmd)
{
    const struct opt_spec *argument = argument_of(cmd);
    struct words w;

    fprintf(f, "    %s)\n        _arguments -s -S \\\n", cmd->name);
    zsh_options(f, cmd, cmd->opts);
    zsh_options(f, cmd, cli_global_opts);
    fputs("        ", f);
    if (argument) {
        fprintf(f, "'1:%s:", argument->name);
        zsh_action(f, completed_by(&w, cmd, argument), &w);
        fputc('\'', f);
    }
    fputs("\n        ;;\n", f);
}

void
completion_zsh(FILE *f)
{
    fputs("#compdef trivium\n"
          "# zsh completion of trivium; made by 'trivium completion zsh'\n"
          "_trivium_specs() {\n"
          "    if compset -P '[a-z]##:'; then\n"
          "        compset -P '@'\n"
          "        _files\n"
          "    else\n"
          "        compadd -S '' -- ${(M)@:#*:}\n"
          "        compadd -- ${@:#*:}\n"
          "        _files\n"
          "    fi\n"
          "}\n"
          "_trivium() {\n"
          "    setopt localoptions extendedglob\n"
          "    local curcontext=$curcontext state line\n"
          "    local -a commands=(\n",
          f);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++) {
        fprintf(f, "        '%s:", (*c)->name);
        print_quoted(f, (*c)->summary, "", false);
        fputs("'\n", f);
    }
    fputs("    )\n    _arguments -C \\\n", f);
    zsh_options(f, NULL, cli_global_opts);
    fputs("        '1:command:->command' '*::argument:->argument'\n"
          "    case $state in\n"
          "    command)\n        _describe command commands\n        return\n"
          "        ;;\n"
          "    argument) ;;\n"
          "    *) return ;;\n"
          "    esac\n"
          "    case $words[1] in\n",
          f);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        zsh_command(f, *c);
    fputs("    esac\n}\n"
          "if [[ $funcstack[1] = _trivium ]]; then\n"
          "    _trivium \"$@\"\nelse\n    compdef _trivium trivium\nfi\n",
          f);
}

/* ---- fish ---------------------------------------------------------------- */

static void
fish_value(FILE *f, enum by by, const struct words *w)
{
    if (by == BY_FILES) {
        fputs(" -r -F", f);
    } else if (by == BY_NOTHING) {
        fputs(" -x", f);
    } else {
        fputs(by == BY_SPECS ? " -x -a '(__trivium_specs" : " -x -a '", f);
        print_words(f, w, by == BY_SPECS ? " " : "");
        fputs(by == BY_SPECS ? ")'" : "'", f);
    }
}

static void
fish_options(FILE *f, const struct cmd_entry *cmd, const struct opt_spec *specs)
{
    struct words w;

    for (const struct opt_spec *s = specs; s->type; s++) {
        if (!opt_is_option(s))
            continue;
        fputs("complete -c trivium", f);
        if (cmd)
            fprintf(f, " -n '__fish_seen_subcommand_from %s'", cmd->name);
        if (s->letter)
            fprintf(f, " -s %c", s->letter);
        fprintf(f, " -l %s", s->name);
        if (s->type != OPT_TYPE_FLAG)
            fish_value(f, completed_by(&w, cmd, s), &w);
        fputs(" -d '", f);
        print_quoted(f, s->help, "", true);
        fputs("'\n", f);
    }
}

void
completion_fish(FILE *f)
{
    struct words w;

    fputs("# fish completion of trivium; made by 'trivium completion fish'\n"
          "function __trivium_specs\n"
          "    set -l word (commandline -ct | string replace -r "
          "'^--[a-z-]+=' '')\n"
          "    set -l head (string match -r '^[a-z]+:@?' -- $word)\n"
          "    if test -n \"$head\"\n"
          "        set -l rest (string replace -- $head '' $word)\n"
          "        for path in (__fish_complete_path $rest)\n"
          "            printf '%s%s\\n' $head $path\n"
          "        end\n"
          "    else\n"
          "        printf '%s\\n' $argv\n"
          "        __fish_complete_path $word\n"
          "    end\n"
          "end\n"
          "complete -c trivium -f\n",
          f);
    fish_options(f, NULL, cli_global_opts);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++) {
        const struct opt_spec *argument = argument_of(*c);

        fprintf(f, "complete -c trivium -n __fish_use_subcommand -a %s -d '",
                (*c)->name);
        print_quoted(f, (*c)->summary, "", true);
        fputs("'\n", f);
        fish_options(f, *c, (*c)->opts);
        if (!argument)
            continue;
        fprintf(f, "complete -c trivium -n '__fish_seen_subcommand_from %s'",
                (*c)->name);
        switch (completed_by(&w, *c, argument)) {
        case BY_FILES:
            fputs(" -F", f);
            break;
        case BY_WORDS:
            print_words(f, &w, " -a '");
            fputc('\'', f);
            break;
        default:
            break;
        }
        fputc('\n', f);
    }
}
