/* test_llm_client.c -- a client against a server of our own that answers as it is
 * told: well, late, with errors, with garbage.
 */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "support/server.h"
#include "transform/evolve/llm_client.h"

#define GOOD                                                                   \
    "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":"          \
    "\"Be kind.\"}}],\"usage\":{\"total_tokens\":37}}"
#define PLAIN "{\"choices\":[{\"message\":{\"content\":\"Be brief.\"}}]}"

static struct proposer_options
options_for(const struct server *s, char *url, size_t size)
{
    snprintf(url, size, "http://127.0.0.1:%d/v1/", s->port);
    return (struct proposer_options){.url = url,
                                     .model = "m",
                                     .max_calls = 100,
                                     .max_tokens = 100000,
                                     .reply_tokens = 99,
                                     .temperature = 0.5,
                                     .timeout_s = 5,
                                     .retries = 2,
                                     .wait_s = 0.01};
}

static struct proposer *
open_at(const struct proposer_options *o)
{
    struct proposer *p;
    trv_err err = {0};

    if (proposer_open(&p, o, &err))
        fail_msg("%s", err.msg);
    return p;
}

static void
asks(struct proposer *p, const char *want)
{
    char *text;
    trv_err err = {0};

    if (proposer_ask(p, &text, "You are.", "Say \"it\".", &err))
        fail_msg("%s", err.msg);
    if (want)
        assert_string_equal(text, want);
    else
        assert_null(text);
    mem_free(text);
}

/* ---- what goes well ----------------------------------------------------- */

static void
test_proposer_sends_a_chat_completion_and_reads_the_reply(void **state)
{
    static const struct server_says script[] = {{200, NULL, GOOD}};
    struct server s;
    struct proposer_options o;
    struct proposer *p;
    char url[64];

    (void)state;
    server_start(&s, script, 1);
    o = options_for(&s, url, sizeof(url));
    o.key = "secret";
    p = open_at(&o);
    asks(p, "Be kind.");
    assert_non_null(strstr(s.seen, "POST /v1/chat/completions HTTP"));
    assert_non_null(strstr(s.seen, "Authorization: Bearer secret\r\n"));
    assert_non_null(strstr(s.seen, "\"model\":\"m\""));
    assert_non_null(strstr(s.seen, "\"content\":\"Say \\\"it\\\".\""));
    assert_non_null(strstr(s.seen, "\"max_tokens\":99"));
    assert_int_equal(proposer_calls(p), 1);
    assert_int_equal(proposer_tokens(p), 37);
    assert_string_equal(proposer_why(p), "");
    proposer_free(p);
    server_stop(&s);
}

static void
test_proposer_tries_again_after_what_passes(void **state)
{
    static const struct server_says script[] = {
        {429, "Retry-After: 0\r\n", "slow down"},
        {500, NULL, "oops"},
        {200, NULL, GOOD},
        {200, NULL, "<html>garbage"},
        {200, NULL, "{\"choices\":[]}"},
        {200, NULL, PLAIN}};
    struct server s;
    struct proposer_options o;
    struct proposer *p;
    char url[64];

    (void)state;
    server_start(&s, script, 6);
    o = options_for(&s, url, sizeof(url));
    p = open_at(&o);
    asks(p, "Be kind.");
    assert_int_equal(proposer_calls(p), 3);
    asks(p, "Be brief.");
    assert_int_equal(proposer_calls(p), 6);
    assert_true(proposer_tokens(p) > 37); // without usage: by bytes
    proposer_free(p);
    server_stop(&s);
}

static void
test_proposer_waits_longer_each_time_and_as_long_as_it_is_told(void **state)
{
    static const struct server_says script[] = {
        {503, NULL, ""}, {429, "Retry-After: 1\r\n", ""}, {200, NULL, GOOD}};
    struct server s;
    struct proposer_options o;
    struct proposer *p;
    char url[64];
    double began;

    (void)state;
    server_start(&s, script, 3);
    o = options_for(&s, url, sizeof(url));
    o.wait_s = 0.1;
    p = open_at(&o);
    began = clock_now();
    asks(p, "Be kind.");
    assert_true(clock_now() - began >= 1.1);
    proposer_free(p);
    server_stop(&s);
}

/* ---- what does not ------------------------------------------------------ */

static void
test_proposer_gives_up_after_its_attempts_and_says_why(void **state)
{
    static const struct server_says late[] = {{0, NULL, NULL}};
    static const struct server_says bad[] = {{502, NULL, ""}};
    struct server s;
    struct proposer_options o;
    struct proposer *p;
    char url[64];
    double began;

    (void)state;
    server_start(&s, late, 1);
    o = options_for(&s, url, sizeof(url));
    o.timeout_s = 0.15;
    o.retries = 1;
    p = open_at(&o);
    began = clock_now();
    asks(p, NULL);
    assert_true(clock_now() - began >= 0.3); // two time limits
    assert_non_null(strcasestr(proposer_why(p), "timed out"));
    proposer_free(p);
    server_stop(&s);

    server_start(&s, bad, 1);
    o = options_for(&s, url, sizeof(url));
    p = open_at(&o);
    asks(p, NULL);
    assert_int_equal(s.served, 3);
    assert_string_equal(proposer_why(p), "status 502");
    proposer_free(p);
    server_stop(&s);
    p = open_at(&o); // nobody listens there any more
    asks(p, NULL);
    assert_true(strlen(proposer_why(p)) > 0);
    proposer_free(p);
}

static void
test_proposer_refuses_for_good_with_the_endpoints_words(void **state)
{
    static const struct server_says script[] = {
        {401, NULL, "{\"error\":\"no key\"}"}};
    struct server s;
    struct proposer_options o;
    struct proposer *p;
    trv_err err = {0};
    char url[64], *text;

    (void)state;
    server_start(&s, script, 1);
    o = options_for(&s, url, sizeof(url));
    p = open_at(&o);
    assert_int_equal(proposer_ask(p, &text, "a", "b", &err), TRV_EIO);
    assert_null(text);
    assert_non_null(strstr(err.msg, "401"));
    assert_non_null(strstr(err.msg, "no key"));
    assert_int_equal(s.served, 1);
    proposer_free(p);
    server_stop(&s);
}

static void
test_proposer_follows_no_redirect(void **state)
{
    static const struct server_says script[] = {
        {302, "Location: http://127.0.0.1:1/\r\n", ""}};
    struct server s;
    struct proposer_options o;
    struct proposer *p;
    char url[64];

    (void)state;
    server_start(&s, script, 1);
    o = options_for(&s, url, sizeof(url));
    o.retries = 0;
    p = open_at(&o);
    asks(p, NULL);
    assert_string_equal(proposer_why(p), "status 302");
    proposer_free(p);
    server_stop(&s);
}

static void
test_proposer_keeps_to_its_budget(void **state)
{
    static const struct server_says script[] = {{200, NULL, GOOD}};
    struct server s;
    struct proposer_options o;
    struct proposer *p;
    char url[64];

    (void)state;
    server_start(&s, script, 1);
    o = options_for(&s, url, sizeof(url));
    o.max_calls = 2;
    p = open_at(&o);
    asks(p, "Be kind.");
    asks(p, "Be kind.");
    assert_true(proposer_is_spent(p));
    asks(p, NULL);
    assert_int_equal(s.served, 2);
    assert_non_null(strstr(proposer_why(p), "budget"));
    proposer_free(p);
    o.max_calls = 100;
    o.max_tokens = 70;
    p = open_at(&o);
    asks(p, "Be kind.");
    assert_false(proposer_is_spent(p));
    asks(p, "Be kind.");
    assert_true(proposer_is_spent(p));
    proposer_free(p);
    server_stop(&s);
}

static bool
stop(void *payload)
{
    int *left = payload;

    return (*left)-- > 0;
}

static void
test_proposer_stops_when_it_is_told_to(void **state)
{
    static const struct server_says script[] = {{0, NULL, NULL}};
    struct server s;
    struct proposer_options o;
    struct proposer *p;
    int left = 2;
    char url[64], *text;

    (void)state;
    server_start(&s, script, 1);
    o = options_for(&s, url, sizeof(url));
    o.watch = stop;
    o.payload = &left;
    p = open_at(&o);
    assert_int_equal(proposer_ask(p, &text, "a", "b", NULL), TRV_ECANCELED);
    assert_null(text);
    proposer_free(p);
    server_stop(&s);
}

/* ---- the transcript ----------------------------------------------------- */

static void
test_proposer_takes_what_was_answered_from_its_transcript(void **state)
{
    static const struct server_says script[] = {{500, NULL, ""},
                                                {200, NULL, GOOD}};
    struct server s;
    struct proposer_options o;
    struct proposer *p;
    struct strbuf text = {0};
    char url[64], file[600], *reply;
    trv_err err = {0};

    (void)state;
    snprintf(file, sizeof(file), "%s/transcript.jsonl",
             test_tmpdir("proposer"));
    server_start(&s, script, 2);
    o = options_for(&s, url, sizeof(url));
    o.key = "secret";
    o.file = file;
    p = open_at(&o);
    asks(p, "Be kind.");
    proposer_free(p);
    assert_int_equal(file_read(&text, file, 100000, &err), 0);
    assert_null(strstr(text.s, "secret"));
    assert_non_null(strstr(text.s, "\"failed\":\"status 500\""));
    assert_non_null(strstr(text.s, "\"reply\":\"Be kind.\""));
    sb_puts(&text, "{\"call\":2,\"half a li"); // as a killed run leaves it
    assert_int_equal(file_write_atomic(file, text.s, text.len, &err), 0);

    o.resume = true;
    p = open_at(&o);
    assert_int_equal(proposer_calls(p), 2); // what was spent stays spent
    asks(p, "Be kind.");
    assert_int_equal(s.served, 2);
    asks(p, "Be kind."); // the second call was never made
    assert_int_equal(s.served, 3);
    assert_int_equal(proposer_ask(p, &reply, "other", "words", &err), 0);
    mem_free(reply);
    proposer_free(p);

    o.resume = false;
    p = open_at(&o);
    assert_false(file_exists(file));
    proposer_free(p);
    server_stop(&s);
    sb_release(&text);
}

static void
test_proposer_bears_a_transcript_of_anything(void **state)
{
    static const char hostile[] =
        "\n[]\n{}\n{\"call\":\"1\"}\n{\"call\":1,\"request_sha256\":\"x\"}\n"
        "{\"call\":1,\"request_sha256\":"
        "\"0123456789012345678901234567890123456789012345678901234567890123\","
        "\"tokens\":-5,\"reply\":\"r\"}\n"
        "{\"call\":1,\"request_sha256\":"
        "\"0123456789012345678901234567890123456789012345678901234567890123\","
        "\"tokens\":9007199254740993,\"reply\":\"r\"}\nnot JSON\n";
    struct proposer_options o = {.url = "http://127.0.0.1:1",
                                 .model = "m",
                                 .max_calls = 5,
                                 .max_tokens = 100,
                                 .timeout_s = 1,
                                 .resume = true};
    struct proposer *p;
    char file[600];
    trv_err err = {0};

    (void)state;
    snprintf(file, sizeof(file), "%s/t.jsonl", test_tmpdir("proposer_bad"));
    assert_int_equal(
        file_write_atomic(file, hostile, sizeof(hostile) - 1, &err), 0);
    o.file = file;
    p = open_at(&o);
    assert_int_equal(proposer_calls(p), 0);
    assert_int_equal(proposer_tokens(p), 0);
    proposer_free(p);
}

static void
test_proposer_speaks_http_and_https_alone(void **state)
{
    static const char *const bad[] = {"file:///etc/passwd", "ftp://x", "x", "",
                                      "HTTP//x"};
    struct proposer_options o = {.model = "m", .timeout_s = 1};
    struct proposer *p;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        trv_err err = {0};

        o.url = bad[i];
        assert_int_equal(proposer_open(&p, &o, &err), TRV_EINVAL);
        assert_null(p);
    }
    o.url = "http://localhost:1/v1";
    o.key = "a\r\nX-Evil: 1";
    assert_int_equal(proposer_open(&p, &o, NULL), TRV_EINVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_proposer_sends_a_chat_completion_and_reads_the_reply),
        cmocka_unit_test(test_proposer_tries_again_after_what_passes),
        cmocka_unit_test(
            test_proposer_waits_longer_each_time_and_as_long_as_it_is_told),
        cmocka_unit_test(
            test_proposer_gives_up_after_its_attempts_and_says_why),
        cmocka_unit_test(
            test_proposer_refuses_for_good_with_the_endpoints_words),
        cmocka_unit_test(test_proposer_follows_no_redirect),
        cmocka_unit_test(test_proposer_keeps_to_its_budget),
        cmocka_unit_test(test_proposer_stops_when_it_is_told_to),
        cmocka_unit_test(
            test_proposer_takes_what_was_answered_from_its_transcript),
        cmocka_unit_test(test_proposer_bears_a_transcript_of_anything),
        cmocka_unit_test(test_proposer_speaks_http_and_https_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
