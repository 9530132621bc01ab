/* test_help.c -- help, manual page and completion name all that the tables do.
 */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "cli/help.h"

/* What a printing function writes; free it. */
static char *
written_by(void (*print)(FILE *f))
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(f);
    print(f);
    fclose(f);
    return text;
}

/* The manual page as it reads: "\-" is '-', "\e" a backslash. */
static void
without_roff(char *text)
{
    char *to = text;

    for (const char *c = text; *c; c++) {
        if (c[0] == '\\' && c[1] == '-')
            c++;
        *to++ = *c;
    }
    *to = '\0';
}

static void
assert_names_all(const char *text, const struct opt_spec *specs)
{
    for (const struct opt_spec *s = specs; s->type; s++) {
        char name[64];

        if (!opt_is_option(s))
            continue;
        snprintf(name, sizeof(name), "--%s", s->name);
        if (!strstr(text, name))
            fail_msg("'%s' is nowhere", name);
    }
}

static void
test_help_man_names_every_option(void **state)
{
    char *text = written_by(help_man);

    (void)state;
    without_roff(text);
    assert_names_all(text, cli_global_opts);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++) {
        assert_non_null(strstr(text, (*c)->name));
        assert_names_all(text, (*c)->opts);
    }
    free(text);
}

static void
test_help_completion_names_every_option(void **state)
{
    char *text = written_by(help_bash_completion);

    (void)state;
    assert_names_all(text, cli_global_opts);
    for (const struct cmd_entry *const *c = cmd_all; *c; c++) {
        assert_non_null(strstr(text, (*c)->name));
        assert_names_all(text, (*c)->opts);
    }
    free(text);
}

static void
test_help_lines_fit_eighty_columns(void **state)
{
    (void)state;
    for (const struct cmd_entry *const *c = cmd_all; *c; c++) {
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);

        assert_non_null(f);
        help_command(f, *c, false);
        fclose(f);
        for (const char *line = text; *line;) {
            const size_t len = strcspn(line, "\n");

            if (len > 80)
                fail_msg("'%s' %.*s", (*c)->name, (int)len, line);
            line += len + 1;
        }
        free(text);
    }
}

/* A letter or a name that stands twice would hide its second meaning. */
static void
test_help_tables_use_each_name_once(void **state)
{
    (void)state;
    for (const struct cmd_entry *const *c = cmd_all; *c; c++) {
        const struct opt_spec *tables[2] = {(*c)->opts, cli_global_opts};
        const struct opt_spec *seen[96];
        int n = 0;

        for (int t = 0; t < 2; t++)
            for (const struct opt_spec *s = tables[t]; s->type; s++) {
                if (!opt_is_option(s))
                    continue;
                for (int i = 0; i < n; i++) {
                    assert_string_not_equal(seen[i]->name, s->name);
                    assert_true(!s->letter || seen[i]->letter != s->letter);
                }
                assert_true(n < 96);
                seen[n++] = s;
            }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_man_names_every_option),
        cmocka_unit_test(test_help_completion_names_every_option),
        cmocka_unit_test(test_help_lines_fit_eighty_columns),
        cmocka_unit_test(test_help_tables_use_each_name_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
