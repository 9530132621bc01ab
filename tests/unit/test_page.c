/* test_page.c -- facts about the page of a measurement. How it looks in a
 * browser is tests/house/page.sh's. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/human.h"
#include "cli/page.h"

static char trouble[] = "the drift is <high>\nno inputs were held out";
static trv_measured_input inputs[] = {{0.02, 0.4}, {0.05, 0.5}, {0.0, 0.3}};
static trv_measured_position positions[] = {{0.03, 0.9, 3}, {0.01, 0.1, 2}};

static const trv_measurement measured = {
    .gap_closed = {0.91, 0.011, 0.888, 0.932, 3},
    .kl_forward = {0.0312, 0.0021, 0.027, 0.0353, 3},
    .kl_base = {0.412, 0.02, 0.37, 0.45, 3},
    .top1_agreement = {0.907, 0.01, 0.89, 0.92, 3},
    .asked = 0x3DF, // all but the source's drift and a task's
    .drift = {0.02, 0.002, 0.016, 0.024, 200},
    .cost = {.seconds = 12, .tokens = 12345, .peak_bytes = 300000000},
    .trouble = trouble,
    .inputs = inputs,
    .n_inputs = 3,
    .positions = positions,
    .n_positions = 2,
};
static const struct figures_of who = {"models/nano.gguf", "prompt:You are <b>",
                                      "out/z", "text", "lora"};
static char *const words[] = {"measure", "--source", "prompt:You're <b>",
                              "--json"};

/* Of a description; `made` says that there is a conversion. */
static struct origin
origin_of(const char *kind, const char *says, bool made)
{
    static const char chain[] =
        "{\"chain\": [{\"from\": \"prompt:@z.txt\", \"edge\": "
        "\"prompt->params\", \"method\": \"distill\", \"options\": "
        "{\"on_policy\": 0.5, \"rank\": 16, \"rslora\": true, \"shuffle\": "
        "true, \"targets\": \"all linear\", \"ridge\": 0.1, \"init\": \"\"}, "
        "\"seed\": \"7\", \"data\": "
        "\"abc\", \"cost\": {\"steps\": 1, \"answers\": 2048}}]}";
    struct origin o = {.said =
                           json_pack("{s:s,s:s,s:o?}", "kind", kind, "path",
                                     "out/z", "manifest",
                                     made ? json_loads(chain, 0, NULL) : NULL)};

    assert_non_null(o.said);
    if (says)
        json_object_set_new(
            o.said, "words",
            json_pack("[{s:s,s:s}]", "role", "system", "content", says));
    return o;
}

static char *
page_with(const trv_measurement *r, const struct figures_of *of,
          const char *says, bool made)
{
    struct origin source = origin_of("text", says, false);
    struct origin target = origin_of("lora", NULL, made);
    const struct page_of page = {of,    &source, &target, "in/held.jsonl",
                                 words, 4};
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(f);
    assert_int_equal(page_write(f, r, &page), 0);
    fclose(f);
    assert_int_equal(strlen(text), n);
    origin_release(&source);
    origin_release(&target);
    return text;
}

static void
holds(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no '%s' in %s", part, strstr(text, "<body>"));
}

static int
count(const char *text, const char *part)
{
    int n = 0;

    for (; (text = strstr(text, part)); text++)
        n++;
    return n;
}

static void
test_page_title_says_what_was_made_of_what(void **state)
{
    trv_measurement r = measured;
    struct figures_of reward = who;
    char *text = page_with(&r, &who, "You are\n<b>.\n", true);

    (void)state;
    holds(text, "<title>The prompt \342\200\234You are &lt;b&gt;.\342\200\235 "
                "as a LoRA of nano: 91\302\240% of the gap closed</title>");
    holds(text, "<h1>The prompt \342\200\234You are &lt;b&gt;.\342\200\235 as");
    free(text);
    r.gap_closed.mean = 0.9961; // 100 % would be another thing
    text = page_with(&r, &who, "A", false);
    holds(text, "\342\200\235 and a LoRA of nano: 99.6\302\240% of the gap");
    free(text);
    r.gap_closed.mean = -0.2;
    text = page_with(&r, &who, "A", true);
    holds(text, "of nano: farther away than the base model</title>");
    holds(text, "is farther from what it does with the prompt than without.");
    free(text);
    r.gap_closed.n = 0;
    r.task_base = (trv_figure){0.12, 0.02, 0.08, 0.16, 3};
    r.task_target = (trv_figure){0.43, 0.02, 0.39, 0.47, 3};
    reward.source_kind = "verifier";
    reward.source = "verifier:number";
    text = page_with(&r, &reward, NULL, true);
    holds(text, "<title>The reward verifier:number as a LoRA of nano: reward "
                "0.430, from 0.120</title>");
    holds(text, "nano gets more of the task");
    free(text);
}

static void
test_page_stands_alone_and_escapes_what_it_is_given(void **state)
{
    char *text = page_with(&measured, &who, "</script><b>\x1b\n\nend", true);

    (void)state;
    assert_null(strstr(text, "<b>"));
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "http")); // fetches nothing
    assert_null(strstr(text, "url("));
    holds(text, "&lt;/script&gt;&lt;b&gt;<b class=\"u\">U+001B</b>\n\nend</p>");
    holds(text, "the drift is &lt;high&gt;</li>");
    holds(text, "prefers-color-scheme:dark");
    holds(text, "<html lang=\"en\">");
    free(text);
}

static void
test_page_shows_all_of_a_long_prompt(void **state)
{
    const size_t n = 100000;
    char *says = malloc(n + 1), *text;

    (void)state;
    memset(says, 'x', n);
    memcpy(says + n - 4, "done", 5);
    text = page_with(&measured, &who, says, true);
    holds(text, "xdone</p>");
    holds(text, "tabindex=\"0\" role=\"region\"");
    assert_true(strlen(text) > n && strlen(text) < 2 * n);
    free(text);
    free(says);
}

static void
test_page_shows_the_commands(void **state)
{
    char *text = page_with(&measured, &who, "A", true);

    (void)state;
    holds(text, "<pre class=\"words\">\ntrivium convert \\\n"
                "    --model models/nano.gguf \\\n"
                "    --from prompt:@z.txt \\\n"
                "    --to lora:out/z \\\n"
                "    --method distill \\\n"
                "    --on-policy 0.5 \\\n"
                "    --rank 16 \\\n"
                "    --rslora \\\n"
                "    --targets &#39;all linear&#39; \\\n"
                "    --seed 7\n# its inputs have the SHA-256 abc\n</pre>");
    holds(text, "<pre class=\"words\">\ntrivium measure \\\n"
                "    --source &#39;prompt:You&#39;\\&#39;&#39;re "
                "&lt;b&gt;&#39; \\\n"
                "    --json\n</pre>");
    holds(text, "Made by distill: 1 step, 2,048 answers.");
    free(text);
}

/* Each figure of the JSON stands in its row, with the same digits. */
static void
test_page_has_the_numbers_of_the_json(void **state)
{
    char *text = page_with(&measured, &who, "A", true), *json = NULL;
    char want[HUMAN_MAX];
    json_t *root = NULL;
    trv_err err = {0};
    int rows = 0;

    (void)state;
    assert_int_equal(trv_measurement_json(&json, &measured, &err), 0);
    assert_int_equal(json_parse(&root, "figures", json, strlen(json), &err), 0);
    for (const struct figure_row *row = figure_rows; row->name; row++) {
        const json_t *v = json_object_get(root, row->name);
        char id[80];
        const char *at;
        trv_figure f;

        snprintf(id, sizeof(id), "<tr id=\"%s\">", row->name);
        at = strstr(text, id);
        assert_int_equal(!at, json_integer_value(json_object_get(v, "n")) == 0);
        if (!at)
            continue;
        f.mean = json_number_value(json_object_get(v, "mean"));
        f.stderr_ = json_number_value(json_object_get(v, "stderr"));
        f.low = json_number_value(json_object_get(v, "low"));
        f.high = json_number_value(json_object_get(v, "high"));
        f.n = json_integer_value(json_object_get(v, "n"));
        at = strstr(at, "<td>") + 4;
        human_figure(want, &f);
        assert_memory_equal(at, want, strlen(want));
        assert_non_null(strstr(at, human_interval(want, &f)));
        assert_true(strstr(at, want) < strstr(at, "</tr>"));
        rows++;
    }
    assert_int_equal(rows, 5);
    holds(text, "Not measured: kl reverse, rank tau, pair accuracy, pearson.");
    holds(text, "interval, 3 inputs</span>");
    holds(text, "<span>0.0160 to 0.0240, 200 inputs</span>");
    json_decref(root);
    trv_free(json);
    free(text);
}

static void
test_page_marks_the_tokens_that_differ(void **state)
{
    static char input[] = "What is a <fox>?", base[] = "An animal.";
    static char source[] = "Arr! An animal.", target[] = "Arr! A <b>\nor";
    static int64_t base_ends[] = {2, 9, 10}, source_ends[] = {4, 7, 14, 15};
    static int64_t target_ends[] = {4, 6, 10, 13};
    trv_example e = {input,           base,           source,
                     target,          {base_ends, 3}, {source_ends, 4},
                     {target_ends, 4}};
    trv_measurement r = measured;
    char *text;

    (void)state;
    r.examples = &e;
    r.n_examples = 1;
    text = page_with(&r, &who, "A", true);
    holds(text, ">What is a &lt;fox&gt;?</h3>");
    holds(text, "<p dir=\"auto\"><mark>An</mark> animal.</p>");
    holds(text, "<p dir=\"auto\">Arr!<mark><i class=\"sp\"> </i>An "
                "animal.</mark></p>");
    holds(text, "<p dir=\"auto\">Arr!<mark><i class=\"sp\"> </i>A "
                "&lt;b&gt;<i class=\"nl\"></i>\nor</mark></p>");
    holds(text, "at temperature 0.7");
    free(text);
}

static void
test_page_has_each_part_once_and_only_where_there_is_something(void **state)
{
    const trv_measurement none = {.cost = {.seconds = 1}};
    char *text = page_with(&measured, &who, "A", true);

    (void)state;
    assert_int_equal(count(text, "<h1>"), 1);
    assert_int_equal(count(text, "<main>"), 1);
    assert_int_equal(count(text, "<figure class=\"plot\">"), 2);
    assert_int_equal(count(text, "role=\"img\""), 2);
    assert_int_equal(count(text, "You are"), 0); // it is told by its words
    free(text);
    text = page_with(&none, &who, NULL, false);
    assert_int_equal(count(text, "<figure"), 0);
    assert_int_equal(count(text, "What looks wrong"), 0);
    assert_int_equal(count(text, "words</h3>"), 0);
    free(text);
}

/* Two strips of three dots; two lines of two points. */
static void
test_page_plots_what_was_measured(void **state)
{
    char *text = page_with(&measured, &who, "A", true);

    (void)state;
    holds(text, "<path class=\"line base\" d=\"M0.0 ");
    holds(text, "L1000.0 ");
    holds(text, "The LoRA is nearer than the base model on 3 of 3 inputs.");
    assert_int_equal(count(text, "h0"), 6);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_title_says_what_was_made_of_what),
        cmocka_unit_test(test_page_stands_alone_and_escapes_what_it_is_given),
        cmocka_unit_test(test_page_shows_all_of_a_long_prompt),
        cmocka_unit_test(test_page_shows_the_commands),
        cmocka_unit_test(test_page_has_the_numbers_of_the_json),
        cmocka_unit_test(test_page_marks_the_tokens_that_differ),
        cmocka_unit_test(
            test_page_has_each_part_once_and_only_where_there_is_something),
        cmocka_unit_test(test_page_plots_what_was_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
