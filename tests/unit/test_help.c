/* test_help.c -- help, manual page and completion name all that the tables do.
 */
#include "support/test.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/reward/judge.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/help_method.h"
#include "model/files/family.h"

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
    char *text[] = {written_by(completion_bash), written_by(completion_zsh)};

    (void)state;
    for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++) {
        assert_names_all(text[i], cli_global_opts);
        for (const struct cmd_entry *const *c = cmd_all; *c; c++) {
            assert_non_null(strstr(text[i], (*c)->name));
            assert_names_all(text[i], (*c)->opts);
        }
        free(text[i]);
    }
}

/* The page of a command, a method or a topic; free it. */
static char *
page_of(const char *word)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(f);
    if (!help_about(f, word, false))
        fail_msg("no help about '%s'", word);
    fclose(f);
    return text;
}

static void
test_help_lines_fit_eighty_columns(void **state)
{
    const char *names[HELP_NAMES_MAX];
    const int n = help_names(names, HELP_NAMES_MAX);

    (void)state;
    assert_true(n > 20 && n < HELP_NAMES_MAX);
    for (int i = 0; i < n; i++) {
        char *text = page_of(names[i]);

        for (const char *line = text; *line;) {
            const size_t len = strcspn(line, "\n");

            if (len > 80)
                fail_msg("'%s' %.*s", names[i], (int)len, line);
            line += len + 1;
        }
        free(text);
    }
}

static void
test_help_convert_is_one_screen(void **state)
{
    char *text = page_of("convert");
    int lines = 0;

    (void)state;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    if (lines > 45)
        fail_msg("%d lines", lines);
    free(text);
}

/* Where a page stops, another goes on. */
static void
test_help_folds_options_at_a_group(void **state)
{
    (void)state;
    for (const struct cmd_entry *const *c = cmd_all; *c; c++) {
        const struct opt_spec *s = (*c)->opts;

        if (!(*c)->fold_at)
            continue;
        while (s->type && (s->type != OPT_TYPE_GROUP ||
                           strcmp(s->help, (*c)->fold_at) != 0))
            s++;
        if (!s->type)
            fail_msg("'%s' has no group '%s'", (*c)->name, (*c)->fold_at);
    }
}

/* Does a text have a word, not only as a part of a longer one? */
static bool
has_word(const char *text, const char *word)
{
    const char *const more = "abcdefghijklmnopqrstuvwxyz-";
    const size_t n = strlen(word);

    for (const char *at = text; (at = strstr(at, word)); at++)
        if (!at[n] || !strchr(more, at[n]))
            return true;
    return false;
}

static void
assert_has_options(const char *page, const char *options)
{
    char each[64], name[80];

    while (sscanf(options, "%63s", each) == 1) {
        snprintf(name, sizeof(name), "--%s", each);
        if (each[0] != '@' && !has_word(page, name))
            fail_msg("'%s' is nowhere in: %s", name, page);
        options += strcspn(options, " ");
        options += strspn(options, " ");
    }
}

/* Each row of each edge is on the page of its name, with what it reads; and the
 * table and the manual page name it. */
static void
test_help_says_all_of_every_method(void **state)
{
    char *table = page_of("convert"), *man = written_by(help_man);
    const trv_method *m;

    (void)state;
    without_roff(man);
    for (int32_t e = 0; trv_edge_at(e); e++)
        for (int32_t i = 0; (m = trv_method_at(e, i)); i++) {
            char *page = page_of(m->name), kind[32];

            assert_non_null(strstr(page, trv_edge_at(e)));
            assert_has_options(page, m->options);
            assert_true(has_word(table, m->name));
            assert_non_null(strstr(man, trv_edge_at(e)));
            assert_non_null(strstr(man, m->summary));
            if (strstr(m->options, "@learn"))
                assert_has_options(page, "steps batch lr allow-diverged");
            for (const char *k = m->makes; sscanf(k, "%31s", kind) == 1;
                 k += strcspn(k, " "), k += strspn(k, " ")) {
                assert_true(has_word(table, kind));
                assert_has_options(page, trv_kind_options(kind));
            }
            free(page);
        }
    free(man);
    free(table);
}

/* A word has one meaning, and a near miss is told of. */
static void
test_help_names_are_unique_and_near(void **state)
{
    const char *names[HELP_NAMES_MAX];
    const int n = help_names(names, HELP_NAMES_MAX);

    (void)state;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(names[i], names[k]);
    assert_string_equal(help_nearest("grop"), "grpo");
    assert_string_equal(help_nearest("reward"), "rewards");
    assert_null(help_nearest("zzzz"));
    assert_false(help_about(stdout, "zzzz", false));
}

/* The page of training has what the pages of commands leave out. */
static void
test_help_training_goes_on_where_train_stops(void **state)
{
    char *text = page_of("training");

    (void)state;
    assert_has_options(text, "rank virtual-tokens bottleneck steps lr clip");
    free(text);
}

/* Letters and digits of a name, small. */
static void
plain(char *to, const char *s)
{
    for (; *s; s++)
        if (isalnum((unsigned char)*s))
            *to++ = (char)tolower((unsigned char)*s);
    *to = '\0';
}

static void
test_help_formats_names_every_family(void **state)
{
    char *text = page_of("formats");

    (void)state;
    plain(text, text);
    for (size_t i = 0; family_at(i); i++) {
        const char *name = family_at(i)->name;
        char want[64];

        plain(want, strcmp(name, "granitemoehybrid") == 0 ? "Granite 4" : name);
        if (!strstr(text, want))
            fail_msg("help formats lacks %s", name);
    }
    free(text);
}

/* Each option of what a form's specs begin with. */
static void
assert_tells(const char *page, const char *man, const char *of)
{
    const trv_spec_option *o;
    char want[128];

    for (int32_t i = 0; (o = trv_spec_option_at(of, i)); i++) {
        snprintf(want, sizeof(want), "%s=%s", o->name, o->value);
        if (!strstr(page, want) || !strstr(man, want))
            fail_msg("the help of %s lacks '%s'", of, want);
    }
}

static void
test_help_of_specs_tells_all_options_and_examples(void **state)
{
    static const struct {
        const char *form, *topic;
    } of[] = {{"reward", "rewards"}, {"prompt", "prompts"}};
    char *man = written_by(help_man), name[64];
    const trv_check *check;
    const char *usage, *example;

    (void)state;
    without_roff(man);
    for (int f = 0; f < 2; f++) {
        char *page = page_of(of[f].topic);

        for (int32_t i = 0; (usage = trv_spec_usage(of[f].form, i)); i++) {
            snprintf(name, sizeof(name), "%.*s", (int)strcspn(usage, ":"),
                     usage);
            example = trv_spec_example(of[f].form, i);
            assert_tells(page, man, name);
            assert_true(strstr(page, usage) && strstr(man, usage));
            assert_true(!example || strstr(page, example));
        }
        for (int32_t i = 0; f == 0 && (check = trv_check_at(i)); i++) {
            snprintf(name, sizeof(name), "verifier:%s", check->name);
            assert_tells(page, man, name);
            assert_non_null(strstr(page, check->example));
        }
        free(page);
    }
    assert_null(trv_spec_option_at("verifier:none", 0));
    assert_null(trv_spec_option_at("prompt", 0));
    assert_null(trv_check_at(-1));
    free(man);
}

/* The question that is shown is the one that is asked. */
static void
test_help_shows_the_question_of_a_judge(void **state)
{
    char *page = page_of("rewards"), line[100];
    const struct data_row row = {.text = "{question}"};
    const struct reward_item item = {
        .row = &row, .text = "{answer}", .n_text = strlen("{answer}")};
    struct strbuf asked = {0};
    struct judge *j;
    json_t *conf;

    (void)state;
    assert_int_equal(judge_parse(&conf, "{principle}", NULL), 0);
    assert_int_equal(judge_open(&j, conf, NULL), 0);
    assert_int_equal(judge_ask(&asked, j, &item, NULL), 0);
    for (const char *c = asked.s; *c; c += strcspn(c, "\n"), c += *c == '\n') {
        snprintf(line, sizeof(line), "    %.*s\n", (int)strcspn(c, "\n"), c);
        assert_non_null(strstr(page, line));
    }
    sb_release(&asked);
    judge_free(j);
    json_decref(conf);
    free(page);
}

/* A letter or a name that stands twice would hide its second meaning. */
static void
test_help_tables_use_each_name_once(void **state)
{
    (void)state;
    for (const struct cmd_entry *const *c = cmd_all; *c; c++) {
        const struct opt_spec *tables[2] = {(*c)->opts, cli_global_opts};
        const struct opt_spec *seen[128];
        int n = 0;

        for (int t = 0; t < 2; t++)
            for (const struct opt_spec *s = tables[t]; s->type; s++) {
                if (!opt_is_option(s))
                    continue;
                for (int i = 0; i < n; i++) {
                    assert_string_not_equal(seen[i]->name, s->name);
                    assert_true(!s->letter || seen[i]->letter != s->letter);
                }
                assert_true(n < 128);
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
        cmocka_unit_test(test_help_convert_is_one_screen),
        cmocka_unit_test(test_help_folds_options_at_a_group),
        cmocka_unit_test(test_help_says_all_of_every_method),
        cmocka_unit_test(test_help_names_are_unique_and_near),
        cmocka_unit_test(test_help_training_goes_on_where_train_stops),
        cmocka_unit_test(test_help_formats_names_every_family),
        cmocka_unit_test(test_help_of_specs_tells_all_options_and_examples),
        cmocka_unit_test(test_help_shows_the_question_of_a_judge),
        cmocka_unit_test(test_help_tables_use_each_name_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
