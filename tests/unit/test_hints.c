/* test_hints.c -- options of other programs, in every command. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "cli/help.h"
#include "cli/hints.h"

static bool
has_option(const struct cmd_entry *cmd, const char *name, size_t n)
{
    const struct opt_spec *const tables[] = {cmd->opts, cli_global_opts};

    for (size_t t = 0; t < 2; t++)
        for (const struct opt_spec *s = tables[t]; s->type; s++)
            if (opt_is_option(s) && strlen(s->name) == n &&
                !memcmp(s->name, name, n))
                return true;
    return false;
}

static bool
is_somewhere(const char *name, size_t n)
{
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        if (has_option(*c, name, n))
            return true;
    return false;
}

/* The first of "a|b|c" that a command has; NULL: none. */
static const char *
first_there(const struct cmd_entry *cmd, const char *ours, size_t *n)
{
    for (; ours && *ours; ours += *n + (ours[*n] == '|')) {
        *n = strcspn(ours, "|");
        if (has_option(cmd, ours, *n))
            return ours;
    }
    return NULL;
}

static void
assert_words_are_options(const char *text)
{
    for (; text && (text = strstr(text, "--"));) {
        const size_t n =
            strspn(text + 2, "abcdefghijklmnopqrstuvwxyz0123456789-");

        if (!is_somewhere(text + 2, n))
            fail_msg("'%.*s' is no option", (int)n + 2, text);
        text += 2 + n;
    }
}

static void
test_hints_name_options_that_exist(void **state)
{
    size_t n_rows = 0;

    (void)state;
    for (const struct hint *h = hints; h->theirs; h++, n_rows++) {
        if (!h->ours && !h->instead)
            fail_msg("'%s' says nothing", h->theirs);
        if (h->note && !h->ours)
            fail_msg("'%s' has a note on nothing", h->theirs);
        for (const char *o = h->ours; o && *o;) {
            const size_t n = strcspn(o, "|");

            if (!is_somewhere(o, n))
                fail_msg("'%s': no command has --%.*s", h->theirs, (int)n, o);
            o += n + (o[n] == '|');
        }
        assert_words_are_options(h->note);
        assert_words_are_options(h->instead);
        for (const struct hint *g = hints; g < h; g++)
            if ((g->theirs[0] == '-') == (h->theirs[0] == '-') &&
                hint_same(g->theirs, strlen(g->theirs), h->theirs))
                fail_msg("'%s' stands twice", h->theirs);
    }
    assert_true(n_rows >= 40);
}

/* Names of methods where a command or another method is asked for. */
static void
test_hints_of_values_name_options_that_exist(void **state)
{
    static const char *const commands[] = {"sft", "dpo", "grpo", "merge",
                                           "run"};
    static const char *const methods[] = {"grpo", "rloo", "ppo", "ipo", "RM"};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_null(cmd_find(commands[i]));
        assert_non_null(hint_of_value("", commands[i]));
        assert_words_are_options(hint_of_value("", commands[i]));
        assert_non_null(hint_of_value("method", methods[i]));
        assert_words_are_options(hint_of_value("method", methods[i]));
    }
    assert_null(hint_of_value("method", "sft"));
    assert_null(hint_of_value("", "zebra"));
}

static void
assert_hint(const struct cmd_entry *cmd, const struct hint *h,
            const char *spelt)
{
    void *args = calloc(1, cmd->args_size);
    struct cli_globals globals = cli_global_defaults;
    const struct opt_table tables[] = {{cmd->opts, args},
                                       {cli_global_opts, &globals}};
    char word[80], msg[OPT_MSG_MAX] = "", want[200];
    char *argv[] = {word};
    size_t n = 0;
    const char *ours = first_there(cmd, h->ours, &n);

    assert_non_null(args);
    snprintf(word, sizeof(word), "%s%s", *h->theirs == '-' ? "" : "--", spelt);
    assert_int_equal(opt_parse(tables, 2, 1, argv, false, msg), -1);
    if (ours)
        snprintf(want, sizeof(want), "unknown option '%s'; here it is '--%.*s'",
                 word, (int)n, ours);
    else
        snprintf(want, sizeof(want), "unknown option '%s'%s%s", word,
                 h->instead ? "; " : "", h->instead ? h->instead : "");
    if (strncmp(msg, want, strlen(want)) != 0)
        fail_msg("%s: '%s' is not '%s'", cmd->name, msg, want);
    if (!ours && strstr(msg, "here it is"))
        fail_msg("%s: '%s' names no option of it", cmd->name, msg);
    opt_release(&tables[0]);
    free(args);
}

/* With dashes and with underscores, in every command that has no such option
 * of its own. */
static void
test_hints_are_of_the_command(void **state)
{
    (void)state;
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        for (const struct hint *h = hints; h->theirs; h++) {
            char spelt[64];

            if (has_option(*c, h->theirs, strlen(h->theirs)))
                continue;
            if (*h->theirs == '-') { // its letters may be options
                if (h->instead)
                    assert_hint(*c, h, h->theirs);
                continue;
            }
            assert_hint(*c, h, h->theirs);
            snprintf(spelt, sizeof(spelt), "%s", h->theirs);
            for (char *s = spelt; *s; s++)
                *s = *s == '-' ? '_' : *s;
            assert_hint(*c, h, spelt);
        }
}

/* Our own names with other dashes and capitals, or their beginning alone. */
static void
test_hints_guess_own_options(void **state)
{
    (void)state;
    for (const struct cmd_entry *const *c = cmd_all; *c; c++)
        for (const struct opt_spec *s = (*c)->opts; s->type; s++) {
            void *args = calloc(1, (*c)->args_size);
            const struct opt_table table = {(*c)->opts, args};
            char word[80], msg[OPT_MSG_MAX] = "", want[80];
            char *argv[] = {word};

            assert_non_null(args);
            if (opt_is_option(s) && strchr(s->name, '-')) {
                snprintf(word, sizeof(word), "--%s", s->name);
                for (char *w = word + 2; *w; w++)
                    *w = *w == '-' ? '_' : *w;
                snprintf(want, sizeof(want), "did you mean '--%s'?", s->name);
                assert_int_equal(opt_parse(&table, 1, 1, argv, false, msg), -1);
                if (!strstr(msg, want))
                    fail_msg("%s: '%s' is not '%s'", (*c)->name, msg, want);
            }
            free(args);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hints_name_options_that_exist),
        cmocka_unit_test(test_hints_of_values_name_options_that_exist),
        cmocka_unit_test(test_hints_are_of_the_command),
        cmocka_unit_test(test_hints_guess_own_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
