/* test_html.c -- facts about foreign text on a page. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "cli/html.h"

enum how { TEXT, LINE, EXCERPT };

static void
check(enum how how, const char *s, size_t n, const char *want)
{
    char *got = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&got, &size);

    assert_non_null(f);
    if (how == TEXT)
        html_text(f, s, n);
    else if (how == LINE)
        html_line(f, s, n);
    else
        html_excerpt(f, s, n, 12);
    fclose(f);
    assert_string_equal(got, want);
    free(got);
}

#define CHECK(how, s, want) check(how, s, sizeof(s) - 1, want)

static void
test_html_escapes_what_would_end_a_tag(void **state)
{
    (void)state;
    CHECK(TEXT, "</script><b a=\"x\" b='y'>&amp;",
          "&lt;/script&gt;&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
    CHECK(LINE, "</title>", "&lt;/title&gt;");
}

static void
test_html_keeps_lines_and_tabs_of_a_text(void **state)
{
    (void)state;
    CHECK(TEXT, "a\n\tb  c", "a\n\tb  c");
    CHECK(LINE, "a\n\tb\r\nc", "a  b  c");
}

static void
test_html_writes_out_what_is_not_seen(void **state)
{
    (void)state;
    CHECK(TEXT, "a\x1b[2Jb\0c",
          "a<b class=\"u\">U+001B</b>[2Jb<b class=\"u\">U+0000</b>c");
    CHECK(TEXT, "\r", "<b class=\"u\">U+000D</b>");
    CHECK(TEXT,
          "\xe2\x80\xae"
          "evil",
          "<b class=\"u\">U+202E</b>evil");
    CHECK(TEXT, "\xe2\x81\xa6", "<b class=\"u\">U+2066</b>");
    CHECK(TEXT, "\xc2\x85", "<b class=\"u\">U+0085</b>");
    CHECK(TEXT, "\xf3\xa0\x81\x81", "<b class=\"u\">U+E0041</b>");
    CHECK(TEXT, "\xef\xbf\xbf", "<b class=\"u\">U+FFFF</b>");
    CHECK(LINE,
          "\xe2\x80\xae"
          "evil",
          "[U+202E]evil");
}

static void
test_html_replaces_what_is_no_utf_8(void **state)
{
    (void)state;
    CHECK(TEXT,
          "a\xff"
          "b\xc3",
          "a\xef\xbf\xbd"
          "b\xef\xbf\xbd");
    CHECK(TEXT, "\xed\xa0\x80", // half of a surrogate pair
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    CHECK(TEXT, "\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd"); // '<', overlong
}

static void
test_html_leaves_letters_of_all_scripts(void **state)
{
    (void)state;
    CHECK(TEXT,
          "\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 \xe2\x98\xa0\xef\xb8\x8f",
          "\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 \xe2\x98\xa0\xef\xb8\x8f");
    CHECK(TEXT, "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80", // a joiner
          "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80");
}

static void
test_html_excerpt_ends_at_a_word(void **state)
{
    (void)state;
    CHECK(EXCERPT, "Say it.\n", "Say it.");
    CHECK(EXCERPT, "Say it like a pirate", "Say it like\xe2\x80\xa6");
    CHECK(EXCERPT, "Donaudampfschiff", "Donaudampfsc\xe2\x80\xa6");
    CHECK(EXCERPT,
          "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
          "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
          "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
          "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html_escapes_what_would_end_a_tag),
        cmocka_unit_test(test_html_keeps_lines_and_tabs_of_a_text),
        cmocka_unit_test(test_html_writes_out_what_is_not_seen),
        cmocka_unit_test(test_html_replaces_what_is_no_utf_8),
        cmocka_unit_test(test_html_leaves_letters_of_all_scripts),
        cmocka_unit_test(test_html_excerpt_ends_at_a_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
