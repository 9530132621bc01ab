/* completion.c -- the completion script of bash, from the option tables. */
#include <string.h>

#include "cli/help.h"
#include "cli/help_method.h"

extern const struct cmd_entry cmd_help;

static void
bash_words(FILE *f, const struct opt_spec *specs)
{
    for (const struct opt_spec *s = specs; s->type; s++)
        if (opt_is_option(s))
            fprintf(f, " --%s", s->name);
}

/* After an option of few values, offer these; after any other that takes a
 * value, file names. */
static void
bash_values(FILE *f, const struct opt_spec *specs)
{
    const char *name;

    for (const struct opt_spec *s = specs; s->type; s++) {
        if (!opt_is_option(s) || s->type == OPT_TYPE_FLAG)
            continue;
        fprintf(f, "        --%s", s->name);
        if (s->letter)
            fprintf(f, "|-%c", s->letter);
        if (strcmp(s->name, "method") == 0) {
            fputs(") COMPREPLY=($(compgen -W '", f);
            for (int i = 0; (name = help_method_name(i)); i++)
                fprintf(f, "%s%s", i ? " " : "", name);
            fputs("' -- \"$cur\")); return ;;\n", f);
        } else if (s->choices) {
            fputs(") COMPREPLY=($(compgen -W '", f);
            for (const char *c = s->choices; *c; c++)
                fputc(*c == '|' ? ' ' : *c, f);
            fputs("' -- \"$cur\")); return ;;\n", f);
        } else {
            fputs(") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", f);
        }
    }
}

void
help_bash_completion(FILE *f)
{
    const char *names[HELP_NAMES_MAX];
    const int n = help_names(names, HELP_NAMES_MAX);

    fputs("# bash completion of trivium; made by 'trivium completion bash'\n"
          "_trivium() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev= cmd= i words\n"
          "    ((COMP_CWORD > 0)) && prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        case ${COMP_WORDS[i]} in\n        ",
          f);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        fprintf(f, "%s%s", c == cmd_all ? "" : "|", (*c)->name);
    fputs(") cmd=${COMP_WORDS[i]}; break ;;\n"
          "        esac\n    done\n    COMPREPLY=()\n    case $prev in\n",
          f);
    bash_values(f, cli_global_opts);
    fputs("    esac\n    case $cmd in\n    '') words=\"", f);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        fprintf(f, "%s%s", c == cmd_all ? "" : " ", (*c)->name);
    fputs("\" ;;\n", f);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++) {
        fprintf(f, "    %s)\n        case $prev in\n", (*c)->name);
        bash_values(f, (*c)->opts);
        fputs("        esac\n        words=\"", f);
        bash_words(f, (*c)->opts);
        for (int i = 0; *c == &cmd_help && i < n; i++)
            fprintf(f, " %s", names[i]);
        fputs("\" ;;\n", f);
    }
    fputs("    esac\n    words=\"$words", f);
    bash_words(f, cli_global_opts);
    fputs("\"\n    if [[ $cur == -* || -z $cmd || $cmd == help ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
          "    else\n        COMPREPLY=($(compgen -f -- \"$cur\"))\n    fi\n}\n"
          "complete -o filenames -F _trivium trivium\n",
          f);
}
