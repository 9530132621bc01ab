/* test_task.c -- facts about tasks: what is refused and how, what is written,
 * and what a check finds.
 */
#include "support/test.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "task/task.h"
#include "task/task_check.h"

#define ROWS                                                                   \
    "\"data\":{\"train\":{\"file\":\"r.jsonl\"},"                              \
    "\"heldout\":{\"file\":\"r.jsonl\"}}"
#define HEAD "\"format\":1,\"name\":\"a\","
#define PLAIN HEAD ROWS ",\"reward\":\"verifier:exact\""

static void
put(const char *dir, const char *name, const char *text)
{
    char *path = path_join(dir, name);
    trv_err err = {0};

    if (file_write_atomic(path, text, strlen(text), &err))
        fail_msg("%s", err.msg);
    mem_free(path);
}

/* A folder with rows of two labels and this task.json. */
static const char *
folder(const char *json)
{
    const char *dir = test_tmpdir("task");

    put(dir, "r.jsonl",
        "{\"prompt\":\"p\",\"answer\":\"yes\",\"wrong\":\"no\"}\n"
        "{\"prompt\":\"q\",\"answer\":\"no\",\"wrong\":\"yes\"}\n");
    put(dir, "l.csv", "sentence,label\ngood,1\nbad,0\n");
    put(dir, "packed.jsonl.gz", "x");
    put(dir, "task.json", json);
    return dir;
}

static void
test_task_names_what_is_wrong_in_one_sentence(void **state)
{
    static const struct {
        const char *json, *say;
    } bad[] = {
        {"", "task.json"},
        {"[]", "is not a JSON object"},
        {"{\"format\":1,}", "is no JSON"},
        {"{\"format\":1,\"format\":1}", "is no JSON"},
        {"{\"name\":\"a\"}", "format is missing; it is 1"},
        {"{\"format\":2,\"name\":\"a\"}", "format is 2; this program reads 1"},
        {"{\"format\":\"1\"}", "field 'format'"},
        {"{\"format\":1}", "name is missing"},
        {"{\"format\":1,\"name\":\"\"}", "name is empty"},
        {"{\"format\":1,\"name\":\"../x\"}", "name is '../x'; a name is"},
        {"{\"format\":1,\"name\":\"a b\"}", "name is 'a b'; a name is"},
        {"{\"format\":1,\"name\":3}", "field 'name'"},
        {"{" HEAD "\"says\":[]}", "field 'says'"},
        {"{" HEAD "\"layuot\":\"raw\"}",
         "the task has the unknown key 'layuot'; did you mean 'layout'?"},
        {"{" HEAD "\"layout\":\"chats\"}", "layout is 'chats', neither"},
        {"{" HEAD "\"max_tokens\":0}", "field 'max_tokens'"},
        {"{" HEAD "\"max_tokens\":1.5}", "field 'max_tokens'"},
        {"{\"format\":1,\"name\":\"a\"}", "data is missing"},
        {"{" HEAD "\"data\":[]}", "data is not an object"},
        {"{" HEAD "\"data\":{}}", "data.train is missing"},
        {"{" HEAD "\"data\":{\"tain\":{}}}", "did you mean 'train'?"},
        {"{" HEAD "\"data\":{\"train\":\"r.jsonl\"}}",
         "data.train is not an object"},
        {"{" HEAD "\"data\":{\"train\":{}}}", "data.train names no file"},
        {"{" HEAD "\"data\":{\"train\":{\"file\":\"s.jsonl\"}}}",
         "'s.jsonl' is not in"},
        {"{" HEAD "\"data\":{\"train\":{\"file\":\"/dev/zero\",\"loader\":"
         "\"sst2\"}}}",
         "'/dev/zero' is no regular file"},
        {"{" HEAD "\"data\":{\"train\":{\"file\":\"packed.jsonl\"}}}",
         "this unpacks it: mkdir -p"},
        {"{" HEAD "\"data\":{\"train\":{\"file\":\"r.jsonl\",\"limt\":1}}}",
         "data.train has the unknown key 'limt'; did you mean 'limit'?"},
        {"{" HEAD "\"data\":{\"train\":{\"file\":\"r.jsonl\",\"limit\":0}}}",
         "field 'limit'"},
        {"{" HEAD "\"data\":{\"train\":{\"file\":\"r.jsonl\",\"skip\":2}}}",
         "has 2 rows, and 2 are skipped"},
        {"{" HEAD "\"data\":{\"train\":{\"file\":\"r.jsonl\",\"loader\":"
         "\"gsm8\"}}}",
         "there is no loader 'gsm8' (rows, sst2, gsm8k, hh, persona, "
         "toxicity); did you mean 'gsm8k'?"},
        {"{" HEAD "\"data\":{\"train\":{\"file\":\"r.jsonl\",\"loader\":"
         "\"gsm8k\"}}}",
         "as loader 'gsm8k' needs"},
        {"{" HEAD "\"data\":{\"train\":{\"file\":\"r.jsonl\",\"ask\":"
         "\"{promt}?\"}}}",
         "line 1 has no text in the column 'promt', which ask names; did you "
         "mean 'prompt'?"},
        {"{" HEAD "\"data\":{\"train\":{\"file\":\"r.jsonl\",\"ask\":\"{\"}}}",
         "ask has a '{' without a column"},
        {"{" HEAD "\"data\":{\"train\":{\"file\":\"r.jsonl\",\"answers\":"
         "{\"yes\":\"good\"}}}}",
         "has the wrong 'no', which answers has no word for"},
        {"{" HEAD "\"data\":{\"train\":{\"file\":\"r.jsonl\",\"answers\":"
         "{\"yes\":1}}}}",
         "data.train.answers has no word for 'yes'"},
        {"{" HEAD "\"data\":{\"train\":{\"file\":\"r.jsonl\"},\"heldout\":"
         "{\"file\":\"r.jsonl\"},\"pairs\":{\"file\":\"l.csv\",\"ask\":"
         "\"{sentence}\"}}}",
         "line 2 of 'l.csv' is no pair"},
        {"{" HEAD ROWS "}", "nothing can be converted"},
        {"{" HEAD ROWS ",\"reward\":\"verifer:exact\"}", "reward"},
        {"{" HEAD ROWS ",\"reward\":\"verifier:exat\"}", "exact"},
        {"{" HEAD ROWS ",\"reward\":\"prompt:x\"}",
         "reward is 'prompt:x', which is no spec of a reward"},
        {"{" PLAIN ",\"second_reward\":\"x:\"}", "second_reward"},
        {"{" PLAIN ",\"metric\":{\"kind\":\"acuracy\"}}",
         "metric.kind is 'acuracy', none of accuracy, number, pairs, reward, "
         "head, command; did you mean 'accuracy'?"},
        {"{" PLAIN ",\"metric\":{\"kind\":\"head\"}}", "needs a spec head:DIR"},
        {"{" PLAIN ",\"metric\":{\"kind\":\"command\"}}",
         "needs a spec verifier:command"},
        {"{" PLAIN ",\"metric\":{\"kind\":\"pairs\",\"spec\":\"judge:x\"}}",
         "of pairs, which take no spec"},
        {"{" PLAIN ",\"sources\":{\"reward\":{}}}",
         "sources has the unknown key 'reward'"},
        {"{" PLAIN ",\"sources\":{\"prompt\":{}}}",
         "needs exactly one of text"},
        {"{" PLAIN ",\"sources\":{\"prompt\":{\"text\":\"\"}}}",
         "text is empty"},
        {"{" PLAIN ",\"sources\":{\"prompt\":{\"text\":\"a\",\"demos\":1}}}",
         "needs exactly one of text"},
        {"{" PLAIN ",\"sources\":{\"prompt\":{\"demos\":3}}}",
         "wants 3 demonstrations of 2 rows"},
        {"{" PLAIN ",\"sources\":{\"prompt\":{\"messages\":[{}]}}}",
         "sources.prompt.messages has entry 1"},
        {"{\"layout\":\"raw\"," PLAIN ",\"sources\":{\"prompt\":{\"messages\":"
         "[{\"role\":\"user\",\"content\":\"x\"}]}}}",
         "has messages, and layout is raw"},
        {"{" PLAIN ",\"sources\":{\"params\":{}}}",
         "needs exactly one of from, train and spec"},
        {"{" PLAIN ",\"sources\":{\"params\":{\"from\":\"prompt\"}}}",
         "is the prompt, and the task has no such source"},
        {"{" PLAIN ",\"sources\":{\"params\":{\"from\":\"params\"}}}",
         "neither \"prompt\" nor \"reward\""},
        {"{" PLAIN ",\"sources\":{\"params\":{\"from\":\"reward\",\"method\":"
         "\"grop\"}}}",
         "names the method 'grop'; reward to params has"},
        {"{" PLAIN ",\"sources\":{\"params\":{\"train\":\"heldout\"}}}",
         "the set to train on is \"train\""},
        {"{" PLAIN ",\"sources\":{\"params\":{\"spec\":\"judge:x\"}}}",
         "no spec of a params"},
        {"{" PLAIN ",\"edges\":{\"prompt-params\":{}}}", "is no edge; edges"},
        {"{" PLAIN ",\"edges\":{\"reward->reward\":{}}}", "is no edge; edges"},
        {"{" PLAIN ",\"edges\":{\"reward->params\":{\"method\":[]}}}",
         "unknown key 'method'; did you mean 'methods'?"},
        {"{" PLAIN
         ",\"edges\":{\"reward->params\":{\"methods\":[\"distil\"]}}}",
         "names the method 'distil'"},
        {"{" PLAIN ",\"edges\":{\"reward->params\":{\"methods\":\"dpo\"}}}",
         "not an array of names"},
        {"{" PLAIN ",\"edges\":{\"reward->params\":{\"options\":[]}}}",
         "has options that are neither"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *dir = folder(bad[i].json);
        struct task t;
        trv_err err = {0};
        const int rc = task_open(&t, dir, NULL, &err);

        if (!rc || !strstr(err.msg, bad[i].say) || strchr(err.msg, '\n'))
            fail_msg("'%s' gave %d '%s', not '%s'", bad[i].json, rc, err.msg,
                     bad[i].say);
    }
}

static char *
text_of(const char *path)
{
    struct strbuf b = {0};
    trv_err err = {0};

    if (file_read(&b, path, 1 << 20, &err))
        fail_msg("%s", err.msg);
    return sb_take(&b);
}

static void
expect_file(const char *path, const char *want)
{
    char *got = text_of(path);

    assert_string_equal(got, want);
    mem_free(got);
}

static void
test_task_writes_what_a_run_reads(void **state)
{
    const char *dir = folder(
        "{" HEAD "\"layout\":\"chat\",\"data\":{\"train\":{\"file\":\"l.csv\","
        "\"answer\":\"{label}\",\"answers\":{\"0\":\"no\",\"1\":\"yes\"}},"
        "\"heldout\":{\"file\":\"r.jsonl\",\"ask\":\"{{{prompt}?\"}},"
        "\"ask\":\"Good? {sentence}\",\"metric\":{\"kind\":\"accuracy\"},"
        "\"reward\":\"verifier:exact\",\"second_reward\":\"head:{dir}/h\","
        "\"sources\":{\"prompt\":{\"messages\":[{\"role\":\"system\","
        "\"content\":\"s\"}],\"demos\":2},\"params\":{\"train\":\"train\"}},"
        "\"edges\":{\"prompt->params\":{\"methods\":[\"distill\",\"solve\"],"
        "\"options\":{\"solve\":\"--rank 4\"}}}}");
    char out[300], want[400];
    struct task t;
    trv_err err = {0};

    (void)state;
    put(dir, "h", "a head");
    snprintf(out, sizeof(out), "%s/out", dir);
    if (task_open(&t, dir, NULL, &err) || task_write(&t, out, &err))
        fail_msg("%s", err.msg);
    expect_file(t.file[SPLIT_TRAIN],
                "{\"sentence\":\"good\",\"label\":true,\"prompt\":[{\"role\":"
                "\"user\",\"content\":\"Good? good\"}],\"answer\":\"yes\","
                "\"wrong\":\"no\",\"completion\":\"yes\"}\n"
                "{\"sentence\":\"bad\",\"label\":false,\"prompt\":[{\"role\":"
                "\"user\",\"content\":\"Good? bad\"}],\"answer\":\"no\","
                "\"wrong\":\"yes\",\"completion\":\"no\"}\n");
    expect_file(t.file[SPLIT_PAIRS],
                "{\"prompt\":[{\"role\":\"user\",\"content\":\"{p?\"}],"
                "\"answer\":\"yes\",\"wrong\":\"no\",\"chosen\":[{\"role\":"
                "\"assistant\",\"content\":\"yes\"}],\"rejected\":[{\"role\":"
                "\"assistant\",\"content\":\"no\"}]}\n"
                "{\"prompt\":[{\"role\":\"user\",\"content\":\"{q?\"}],"
                "\"answer\":\"no\",\"wrong\":\"yes\",\"chosen\":[{\"role\":"
                "\"assistant\",\"content\":\"no\"}],\"rejected\":[{\"role\":"
                "\"assistant\",\"content\":\"yes\"}]}\n");
    assert_null(t.file[SPLIT_UNSEEN]);
    snprintf(want, sizeof(want), "messages:%s/prompt.json", out);
    assert_string_equal(t.source[FORM_PROMPT], want);
    snprintf(want, sizeof(want), "head:%s/h", dir);
    assert_string_equal(t.second_reward, want);
    assert_string_equal(t.metric, "verifier:exact");
    assert_true(t.is_greedy && t.params.trained && !t.runs);
    assert_string_equal(t.edges[FORM_PROMPT][FORM_PARAMS].methods,
                        "distill solve");
    assert_string_equal(task_options(&t, FORM_PROMPT, FORM_PARAMS, "solve"),
                        "--rank 4");
    assert_null(task_options(&t, FORM_PROMPT, FORM_PARAMS, "distill"));
    task_release(&t);
}

/* Rows that were written are read as they are: a second task over them writes
 * the same bytes. */
static void
test_task_rows_are_canonical(void **state)
{
    static const char *const rows =
        "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":"
        "\"user\",\"content\":\"u\"},{\"role\":\"assistant\",\"content\":"
        "\"a\"}]}\n"
        "{\"conversations\":[{\"from\":\"human\",\"value\":\"h\"},{\"from\":"
        "\"gpt\",\"value\":\"g\"}],\"system\":\"s\"}\n"
        "{\"instruction\":\"i\",\"input\":\"j\",\"output\":\"o\"}\n"
        "{\"question\":\"q\",\"answer\":\"a\",\"history\":[[\"x\",\"y\"]]}\n"
        "{\"text\":\"t\"}\n"
        "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\"}\n";
    const char *dir = folder("{\"layout\":\"chat\"," PLAIN "}");
    char first[300], second[300];
    char *bytes[2];
    struct task t;
    trv_err err = {0};

    (void)state;
    put(dir, "r.jsonl", rows);
    snprintf(first, sizeof(first), "%s/first", dir);
    snprintf(second, sizeof(second), "%s/second", dir);
    for (int i = 0; i < 2; i++) {
        if (task_open(&t, dir, NULL, &err) ||
            task_write(&t, i ? second : first, &err))
            fail_msg("%s", err.msg);
        bytes[i] = text_of(t.file[SPLIT_TRAIN]);
        task_release(&t);
        put(dir, "r.jsonl", bytes[i]);
    }
    assert_string_equal(bytes[0], bytes[1]);
    assert_non_null(strstr(bytes[0], "\"content\":\"i\\n\\nj\""));
    assert_non_null(strstr(bytes[0], "\"completion\":\"c\""));
    mem_free(bytes[0]);
    mem_free(bytes[1]);
}

static void
test_task_knows_a_reward_that_runs_a_program(void **state)
{
    const char *dir =
        folder("{" HEAD ROWS ",\"reward\":\"sum:1*verifier:exact+1*verifier:"
               "command,cmd=touch ran\"}");
    struct task t;
    trv_err err = {0};

    (void)state;
    if (task_open(&t, dir, NULL, &err))
        fail_msg("%s", err.msg);
    assert_non_null(t.runs);
    task_release(&t);
}

/* ---- the check ----------------------------------------------------------- */

static void
test_task_check_says_what_is_wrong(void **state)
{
    static const struct {
        const char *rows, *more, *say;
        bool useless;
    } bad[] = {
        {"", ",\"reward\":\"verifier:exact\"",
         "2 of 2 rows of heldout ask what a row of train asks, as row 1 does: "
         "'p'",
         true},
        {"", ",\"reward\":\"verifier:exact\"", "train has 2 rows", false},
        {"{\"prompt\":\"x\",\"answer\":\"a\"}\n"
         "{\"prompt\":\"y\",\"answer\":\"a\"}\n",
         ",\"metric\":{\"kind\":\"accuracy\"},\"reward\":\"verifier:exact\"",
         "2 of 2 rows of heldout have the answer 'a'", true},
        {"{\"prompt\":\"x\",\"answer\":\"a\"}\n"
         "{\"prompt\":\"y\",\"answer\":\"b\"}\n",
         ",\"reward\":\"verifier:contains,words=b\"",
         "reward rates 1 of 2 answers of heldout below 0.5, as that of row 1: "
         "0 for 'a'",
         false},
        {"{\"prompt\":\"x\",\"answer\":\"a\"}\n"
         "{\"prompt\":\"y\",\"answer\":\"b\"}\n",
         ",\"reward\":\"verifier:contains,words=c\"",
         "reward rates 2 of 2 answers", true},
        {"{\"prompt\":\"x\",\"answer\":\"a\"}\n"
         "{\"prompt\":\"y\",\"answer\":\"b\"}\n",
         ",\"reward\":\"verifier:exact,column=label\"", "'label'", true},
        {"{\"prompt\":\"x\",\"answer\":\"a\",\"wrong\":\"b\"}\n"
         "{\"prompt\":\"y\",\"answer\":\"b\",\"wrong\":\"a\"}\n",
         ",\"reward\":\"verifier:contains,words=a\"",
         "reward rates the rejected answer above the chosen one in 1 of 2 "
         "pairs, as in row 2: 1 for 'a', 0 for 'b'",
         false},
        {"{\"prompt\":\"x\",\"answer\":\"a\",\"wrong\":\"b\"}\n"
         "{\"prompt\":\"y\",\"answer\":\"b\",\"wrong\":\"a\"}\n",
         ",\"reward\":\"verifier:length,hi=5\"",
         "reward rates both answers of each of 2 pairs alike", false},
        {"",
         ",\"reward\":\"verifier:exact\",\"second_reward\":"
         "\"verifier:exact\"",
         "second_reward is the same as reward", false},
        {"{\"prompt\":\"x\",\"answer\":\"a\"}\n"
         "{\"prompt\":\"y\",\"answer\":\"b b\"}\n",
         ",\"reward\":\"verifier:length,lo=2\",\"second_reward\":"
         "\"verifier:length,lo=2,by=words\"",
         "second_reward rates all 2 answers as reward does", false},
        {"", ",\"reward\":\"verifier:command,cmd=touch ran\"",
         "runs an outside program, which was not started here", false},
    };
    const trv_task_options o = TRV_TASK_OPTIONS_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char json[1000];
        const char *dir;
        trv_task_report r;
        trv_err err = {0};
        bool found = false;

        snprintf(json, sizeof(json), "{" HEAD ROWS "%s}", bad[i].more);
        dir = folder(json);
        if (*bad[i].rows)
            put(dir, "r.jsonl", bad[i].rows);
        if (task_check(&r, NULL, dir, &o, NULL, NULL, &err))
            fail_msg("%s", err.msg);
        for (int32_t k = 0; k < r.n_problems && !found; k++)
            found = strstr(r.problems[k].text, bad[i].say) &&
                    r.problems[k].useless == bad[i].useless;
        for (int32_t k = 0; k < r.n_problems && !found; k++)
            print_message("%s\n", r.problems[k].text);
        if (!found)
            fail_msg("case %zu did not say '%s'", i, bad[i].say);
        task_report_release(&r);
    }
}

/* ---- memory -------------------------------------------------------------- */

static int
open_write_check(const char *dir)
{
    const trv_task_options o = TRV_TASK_OPTIONS_INIT;
    trv_task_report r;
    struct task t;
    char out[300];
    trv_err err = {0};
    int rc = task_open(&t, dir, NULL, &err);

    snprintf(out, sizeof(out), "%s/out", dir);
    if (!rc) {
        rc = task_write(&t, out, &err);
        task_release(&t);
    }
    if (!rc) {
        rc = task_check(&r, NULL, dir, &o, NULL, NULL, &err);
        task_report_release(&r);
    }
    if (rc && rc != TRV_ENOMEM)
        fail_msg("%d '%s'", rc, err.msg);
    return rc;
}

/* Each allocation fails once: nothing is lost, and nothing is done by half. */
static void
test_task_survives_each_failing_allocation(void **state)
{
    const char *dir = folder(
        "{\"layout\":\"chat\"," PLAIN ",\"ask\":\"{prompt}?\",\"answers\":"
        "{\"yes\":\"1\",\"no\":\"0\"},\"second_reward\":\"verifier:exact\","
        "\"sources\":{\"prompt\":{\"demos\":2,\"seed\":1}},\"edges\":"
        "{\"prompt->params\":{\"methods\":[\"solve\"]}}}");
    const int64_t before = mem_stats_get().live_bytes;
    int64_t n = 0;

    (void)state;
    for (;; n++) {
        int rc;

        mem_fail_after(n);
        rc = open_write_check(dir);
        mem_fail_after(-1);
        assert_int_equal(mem_stats_get().live_bytes, before);
        if (!rc)
            break;
    }
    assert_true(n > 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_task_names_what_is_wrong_in_one_sentence),
        cmocka_unit_test(test_task_writes_what_a_run_reads),
        cmocka_unit_test(test_task_rows_are_canonical),
        cmocka_unit_test(test_task_knows_a_reward_that_runs_a_program),
        cmocka_unit_test(test_task_check_says_what_is_wrong),
        cmocka_unit_test(test_task_survives_each_failing_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
