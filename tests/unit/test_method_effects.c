/* test_method_effects.c -- an option that a method claims to read does something:
 * set to another value, what is made or the record of its steps changes. In a
 * world of six letters, so that a run takes milliseconds.
 */
#include "support/test.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <trivium/trivium.h>

#include "base/file.h"
#include "support/fit.h"
#include "transform/convert.h"

#define REWARD "verifier:length,by=chars,lo=2,hi=2"

static char dir[200], inputs[300], phrases[300];
static trv_model *model;

/* ---- values --------------------------------------------------------------- */

/* Another value of each option; % is the test's folder. */
static const struct {
    const char *name, *value;
} values[] = {
    {"inputs", "%/other.jsonl"},
    {"samples", "24"},
    {"max-tokens", "2"},
    {"temperature", "0.5"},
    {"divergence", "reverse"},
    {"on-policy", "0.5"},
    {"init", "solve"},
    {"beta", "0.7"},
    {"pairs", "%/pairs.jsonl"},
    {"pairing", "best"},
    {"margin", "0.6"},
    {"labels", "hard"},
    {"label-smoothing", "0.2"},
    {"sft-weight", "1"},
    {"group", "8"},
    {"advantage", "none"},
    {"clip-ratio", "0.0001"},
    {"ratio", "sequence"},
    {"updates", "3"},
    {"prompt-tokens", "2"},
    {"length-cost", "0.5"},
    {"width", "12"},
    {"top-k", "1"},
    {"restarts", "1"},
    {"patience", "1"},
    {"fluency", "1000"},
    {"search-from", "dd"},
    {"rounds", "1"},
    {"population", "6"},
    {"search-inputs", "2"},
    {"minibatch", "1"},
    {"answers", "2"},
    {"phrases", "%/others.txt"},
    {"propose", "edits"},
    {"steps", "3"},
    {"batch", "16"},
    {"accumulate", "2"},
    {"lr", "0.02"},
    {"schedule", "constant"},
    {"warmup", "0.5"},
    {"weight-decay", "0.5"},
    {"clip", "0.001"},
    {"rank", "1"},
    {"alpha", "1"},
    {"rslora", ""},
    {"dora", ""},
    {"dropout", "0.5"},
    {"targets", "q_proj"},
    {"seed", "6"},
};

/* What changes neither bytes nor steps, and why. */
static const struct {
    const char *name, *why;
} exempt[] = {
    {"method", "chooses the row"},
    {"via", "is of a chain"},
    {"replace", "is of the place"},
    {"resume", "is of the place"},
    {"eval", "only reports"},
    {"held-out", "only reports"},
    {"max-kl", "only warns"},
    {"checkpoint-every", "the bytes do not depend on it, by promise"},
    {"allow-diverged", "saves what would be refused"},
    {"proposer", "asks a server: test_evolve"},
    {"proposer-model", "asks a server: test_evolve"},
    {"proposer-calls", "asks a server: test_evolve"},
    {"proposer-tokens", "asks a server: test_evolve"},
    {"proposer-timeout", "asks a server: test_evolve"},
};

static const char *
value_of(const char *option)
{
    for (size_t i = 0; i < sizeof(exempt) / sizeof(exempt[0]); i++)
        if (strcmp(exempt[i].name, option) == 0)
            return NULL;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        if (strcmp(values[i].name, option) == 0)
            return values[i].value;
    fail_msg("'%s' is new: give it another value here, or say why not", option);
    return NULL;
}

/* ---- files ---------------------------------------------------------------- */

static const char *
place(const char *name)
{
    static char ring[8][300];
    static int turn;

    turn = (turn + 1) % 8;
    snprintf(ring[turn], sizeof(ring[turn]), "%s/%s", dir, name);
    return ring[turn];
}

static void
put(const char *name, const char *text)
{
    trv_err err = {0};

    assert_int_equal(file_write_atomic(place(name), text, strlen(text), &err),
                     0);
}

/* Append a file, if it is there. */
static void
add_file(struct strbuf *to, const char *name)
{
    struct strbuf bytes = {0};
    trv_err err = {0};

    if (file_read(&bytes, place(name), (size_t)1 << 24, &err) == 0)
        assert_int_equal(sb_add(to, bytes.s, bytes.len), 0);
    sb_release(&bytes);
}

/* What was made, but for trivium.json, which writes the options down. A text is
 * too coarse to show all, so a search's steps count, too; those of training
 * have times in them. */
static struct strbuf
made(void)
{
    struct strbuf all = {0};

    add_file(&all, "out/adapter_model.safetensors");
    add_file(&all, "out/adapter_config.json");
    if (all.len)
        return all;
    add_file(&all, "out/prompt.txt");
    add_file(&all, "out.run/metrics.jsonl");
    add_file(&all, "out.run/candidates.jsonl");
    assert_true(all.len > 0);
    return all;
}

/* ---- runs ----------------------------------------------------------------- */

static void
keep_quiet(const char *text, void *payload)
{
    (void)text;
    (void)payload;
}

/* Small, and so that options matter: two updates of a batch can be clipped. */
static trv_convert_options
small(const char *method)
{
    trv_convert_options o = TRV_CONVERT_OPTIONS_INIT;

    o.method = method;
    o.inputs = inputs;
    o.samples = 40;
    o.group = 4;
    o.max_tokens = 3;
    o.updates = 2;
    o.learn.steps = 6;
    o.learn.batch = 8;
    o.lora.rank = 2;
    o.prompt_tokens = 3;
    o.search.width = 6;
    o.search.top_k = 4;
    o.search.patience = 3;
    o.evolve.rounds = 3;
    o.evolve.population = 4;
    o.evolve.inputs = 3;
    o.evolve.held_out = 2;
    o.evolve.minibatch = 2;
    o.evolve.phrases = phrases;
    o.seed = 5;
    o.allow_diverged = true;
    o.replace = true;
    o.on_message = keep_quiet;
    return o;
}

static struct strbuf
run(const char *from, const char *kind, const trv_convert_options *o,
    const char *what)
{
    trv_adaptation *a = NULL;
    trv_err err = {0};
    trv_cost cost;
    char to[300];

    snprintf(to, sizeof(to), "%s:%s", kind, place("out"));
    if (trv_adaptation_open(&a, model, from, false, &err) ||
        trv_convert(model, &cost, a, to, o, NULL, NULL, &err))
        fail_msg("%s of %s: %s", what, o->method, err.msg);
    trv_adaptation_free(a);
    return made();
}

/* The losses that a method knows beside its first. */
static const char *
other_value(const char *method, const char *option)
{
    if (strcmp(option, "loss") == 0)
        return strcmp(method, "dpo") == 0 ? "ipo" : "dr_grpo";
    return value_of(option);
}

/* Does another value of an option change what is made? */
static bool
matters(const char *from, const char *kind, const trv_convert_options *o,
        const struct fit_option *option, const char *value)
{
    trv_convert_options one = *o, other;
    struct strbuf a, b;
    bool same;

    if (strcmp(option->name, "samples") == 0)
        one.inputs = NULL; // a policy draws as many inputs
    if (strcmp(option->name, "pairs") == 0) {
        /* What decides how pairs are made does not go with given ones. */
        one.inputs = one.pairing = one.labels = NULL;
        one.samples = one.group = 0;
        one.temperature = 1.0;
        one.margin = 0.0;
    }
    other = one;
    fit_set(&other, option, value);
    assert_false(fit_equal(&one, &other, option));
    a = run(from, kind, &one, option->name);
    b = run(from, kind, &other, option->name);
    same = a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
    sb_release(&a);
    sb_release(&b);
    return !same;
}

/* Each option that is read, by the method or by what is made, alone set to
 * another value. */
static void
check(const char *from, enum form form, enum kind kind, const char *method)
{
    const struct fit_option *option;
    struct convert_choice c;
    trv_err err = {0};
    trv_convert_options o = small(method);
    int n = 0;

    fit_options(&o, form, kind_name(kind));
    assert_int_equal(convert_choose(&c, form, kind, method, false, &err), 0);
    for (size_t i = 0; (option = fit_option_at(i)); i++) {
        const char *const value = method_use_reads(&c.use, option->name)
                                      ? other_value(method, option->name)
                                      : NULL;
        char path[300];

        if (!value)
            continue;
        snprintf(path, sizeof(path), "%s%s", value[0] == '%' ? dir : "",
                 value + (value[0] == '%'));
        n++;
        if (!matters(from, kind_name(kind), &o, option, path))
            fail_msg("%s to %s: '%s' changes nothing", method, kind_name(kind),
                     option->name);
    }
    assert_true(n > 10);
}

/* The measure is none where runs differ by themselves. */
static void
test_method_effects_are_not_of_chance(void **state)
{
    trv_convert_options o = small("dpo");
    struct strbuf a, b;

    (void)state;
    fit_options(&o, FORM_REWARD, "lora");
    a = run(REWARD, "lora", &o, "once");
    b = run(REWARD, "lora", &o, "again");
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.s, b.s, a.len);
    sb_release(&a);
    sb_release(&b);
}

static void
test_method_effects_of_distill(void **state)
{
    (void)state;
    check("prompt:ab", FORM_PROMPT, KIND_LORA, "distill");
}

static void
test_method_effects_of_dpo(void **state)
{
    (void)state;
    check(REWARD, FORM_REWARD, KIND_LORA, "dpo");
}

static void
test_method_effects_of_grpo(void **state)
{
    (void)state;
    check(REWARD, FORM_REWARD, KIND_LORA, "grpo");
}

static void
test_method_effects_of_text(void **state)
{
    trv_convert_options o = small("sft");
    struct strbuf lora;
    char from[300];

    (void)state;
    fit_options(&o, FORM_PROMPT, "lora");
    o.learn.lr = 0.05;
    lora = run("prompt:ab", "lora", &o, "a LoRA");
    sb_release(&lora);
    assert_int_equal(rename(place("out"), place("lora")), 0);
    snprintf(from, sizeof(from), "lora:%s", place("lora"));
    check(from, FORM_PARAMS, KIND_TEXT, "text");
}

static void
test_method_effects_of_evolve(void **state)
{
    (void)state;
    check(REWARD, FORM_REWARD, KIND_TEXT, "evolve");
}

static int
set_up(void **state)
{
    trv_model_options mo = TRV_MODEL_OPTIONS_INIT;
    trv_err err = {0};

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("method_effects"));
    snprintf(inputs, sizeof(inputs), "%s/in.jsonl", dir);
    snprintf(phrases, sizeof(phrases), "%s/phrases.txt", dir);
    put("in.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": \"cb\"}\n"
                    "{\"prompt\": \"d\"}\n{\"prompt\": \"bd\"}\n"
                    "{\"prompt\": \"ac\"}\n");
    put("other.jsonl", "{\"prompt\": \"b\"}\n{\"prompt\": \"ca\"}\n"
                       "{\"prompt\": \"dd\"}\n{\"prompt\": \"ab\"}\n"
                       "{\"prompt\": \"c\"}\n");
    put("pairs.jsonl",
        "{\"prompt\": \"a\", \"chosen\": \"bc\", \"rejected\": \"d\"}\n"
        "{\"prompt\": \"c\", \"chosen\": \"dd\", \"rejected\": \"a\"}\n");
    put("phrases.txt", "ab\ncd\nba\n");
    put("others.txt", "d\nda\n");
    mo.precision = "f32";
    mo.threads = 1;
    if (trv_model_open(&model, test_source("golden/world"), &mo, &err))
        fail_msg("%s", err.msg);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    trv_model_free(model);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_method_effects_are_not_of_chance),
        cmocka_unit_test(test_method_effects_of_distill),
        cmocka_unit_test(test_method_effects_of_dpo),
        cmocka_unit_test(test_method_effects_of_grpo),
        cmocka_unit_test(test_method_effects_of_text),
        cmocka_unit_test(test_method_effects_of_evolve),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
