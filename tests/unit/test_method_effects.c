/* test_method_effects.c -- an option that a method claims to read does something:
 * set to another value, what is made or the record of its steps changes. In a
 * world of six letters, so that a run takes milliseconds.
 */
#include "support/test.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <trivium/trivium.h>

#include "adapt/artefact.h"
#include "base/file.h"
#include "support/fit.h"
#include "transform/convert.h"
#include "transform/edges/edges.h"

#define REWARD "verifier:length,by=chars,lo=2,hi=2"

static char dir[200], inputs[300], phrases[300], pairs[300];
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
    {"pairs", "%/others.jsonl"},
    {"pairing", "best"},
    {"margin", "0.6"},
    {"labels", "hard"},
    {"label-smoothing", "0.2"},
    {"sft-weight", "1"},
    {"epochs", "20"},
    {"desirable-weight", "0.2"},
    {"undesirable-weight", "0.2"},
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
    {"against", "prompt:cd"},
    {"features-weight", "50"},
    {"features-layers", "last"},
    {"gae-lambda", "0.3"},
    {"demos", "1"},
    {"demos-template", "{input}{output}d"},
    {"virtual-tokens", "3"},
    {"start", "text:cd"},
    {"bottleneck", "2"},
    {"places", "mlp"},
    {"save-as", "f32"},
};

/* What changes neither bytes nor steps, and why. */
static const struct {
    const char *name, *why;
} exempt[] = {
    {"method", "chooses the row"},
    {"via", "is of a chain"},
    {"replace", "is of the place"},
    {"resume", "is of the place"},
    {"budget", "cuts nothing of small models: test_cost_plan"},
    {"dry-run", "makes nothing: test_cost_plan"},
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

/* Append what a reward is, which stands in its manifest. */
static void
add_reward(struct strbuf *to)
{
    struct artefact a = {0};
    trv_err err = {0};
    char *text;

    if (artefact_read(&a, place("out"), &err))
        return; // not made by Trivium's own manifest
    text = json_dumps(json_object_get(a.root, "reward"), JSON_COMPACT);
    if (text)
        assert_int_equal(sb_puts(to, text), 0);
    free(text);
    artefact_release(&a);
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
    add_file(&all, "out/bottleneck.safetensors");
    add_file(&all, "out/model.safetensors");
    add_reward(&all);
    if (all.len)
        return all;
    add_file(&all, "out/demos.jsonl");
    add_file(&all, "out/prompt.txt");
    add_file(&all, "out/metrics.jsonl");
    add_file(&all, "out/candidates.jsonl");
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
        return strcmp(method, "dpo") == 0    ? "ipo"
               : strcmp(method, "rloo") == 0 ? "dapo"
                                             : "grpo";
    if (strcmp(option, "pairing") == 0 && strcmp(method, "orpo") == 0)
        return "all"; // hard labels take the best by default
    if (strcmp(option, "targets") == 0 && strcmp(method, "solve") == 0)
        return "down_proj"; // it writes that and o_proj
    return value_of(option);
}

/* Given pairs; what decides how pairs are made does not go with them. */
static void
give_pairs(trv_convert_options *o)
{
    o->pairs = pairs;
    o->inputs = o->pairing = o->labels = NULL;
    o->samples = o->group = 0;
    o->temperature = 1.0;
    o->margin = 0.0;
}

static bool
decides_pairs(const trv_convert_options *o, const struct fit_option *option,
              const char *value)
{
    trv_convert_options other = *o;
    trv_err err = {0};

    fit_set(&other, option, value);
    return method_check_pairs(&other, &err) != 0;
}

/* Does another value of an option change what is made? */
static bool
matters(const char *from, const struct method_use *use,
        const trv_convert_options *o, const struct fit_option *option,
        const char *value)
{
    const char *const kind = kind_name(use->makes);
    trv_convert_options one = *o, other;
    struct strbuf a, b;
    bool same;

    if (!method_use_heeds(use, o, option->name))
        one.inputs = NULL; // it says how inputs are sampled
    if (strcmp(option->name, "pairs") == 0 && !one.pairs)
        give_pairs(&one);
    if (strcmp(option->name, "epochs") == 0)
        one.learn.steps = 0; // which say more
    if (strcmp(option->name, "loss") == 0 && !one.pairs)
        one.max_tokens = 8; // means over answers of one length are all one
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

static char lora[300]; // "lora:DIR", a source of parameters

static void
make_lora(void)
{
    trv_convert_options o = small("sft");
    struct strbuf bytes;

    fit_options(&o, FORM_PROMPT, "lora");
    o.learn.lr = 0.05;
    bytes = run("prompt:ab", "lora", &o, "a LoRA");
    sb_release(&bytes);
    assert_int_equal(rename(place("out"), place("lora")), 0);
    snprintf(lora, sizeof(lora), "lora:%s", place("lora"));
}

/* What an edge converts here. */
static const char *
source_of(const struct edge *e, const char *method)
{
    switch (e->from) {
    case FORM_PARAMS:
        return lora;
    case FORM_PROMPT:
        return "prompt:ab";
    case FORM_REWARD: // distill needs a value for each token
        return strcmp(method, "distill") == 0 ? "contrast:prompt:ab" : REWARD;
    default:
        return "base";
    }
}

/* The first kind of a list of names; *list is moved behind it. */
static bool
next_kind(enum kind *out, const char **list)
{
    const size_t n = strcspn(*list, " ");

    if (n == 0)
        return false;
    for (int k = 0; k < KIND_COUNT; k++)
        if (strlen(kind_name((enum kind)k)) == n &&
            strncmp(kind_name((enum kind)k), *list, n) == 0)
            *out = (enum kind)k;
    *list += n + strspn(*list + n, " ");
    return true;
}

/* Where an option of a row is left out, and why. */
static const struct {
    const char *edge, *method, *option, *why; // NULL: every one
} left_out[] = {
    {NULL, "ratio", "seed", "nothing is drawn"},
    {NULL, "contrast", "seed", "nothing is drawn"},
    {NULL, "judge", "seed", "nothing is drawn"},
    {"base->params", NULL, "max-tokens",
     "of the answers that a report on --eval draws"},
    {"base->prompt", NULL, "max-tokens",
     "of the answers that a report on --eval draws"},
    {"base->prompt", NULL, "seed", "a step takes all pairs, from one text"},
    {"reward->prompt", "text", "temperature", "refused: a value for the whole"},
    {"reward->prompt", "text", "divergence", "refused: a value for the whole"},
    {"reward->prompt", "text", "batch",
     "the winner is the same: test_text_search"},
    {NULL, "solve", "dora", "refused: its closed form is of plain pairs"},
    {NULL, "demos", "search-inputs", "chooses the same here: test_demo_values"},
    {NULL, "demos", "answers", "chooses the same here: test_demo_values"},
    {NULL, "demos", "beta", "chooses the same here: test_demo_values"},
    {NULL, "demos", "demos", "chooses the same here: test_greedy_select"},
    {NULL, "demos", "demos-template", "stands in the manifest: test_demos"},
};

static bool
is_left_out(const struct edge *e, const char *method, const char *option)
{
    for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++)
        if ((!left_out[i].edge || !strcmp(left_out[i].edge, e->title)) &&
            (!left_out[i].method || !strcmp(left_out[i].method, method)) &&
            !strcmp(left_out[i].option, option))
            return true;
    return false;
}

/* Each option that is read, by the method or by what is made, alone set to
 * another value. */
static void
check(const struct edge *e, const char *method, enum kind kind, bool of_kind)
{
    const char *const from = source_of(e, method);
    const struct fit_option *option;
    struct convert_choice c;
    trv_err err = {0};
    trv_convert_options o = small(method);

    if (e->from == FORM_BASE)
        give_pairs(&o);
    fit_options(&o, e->from, kind_name(kind));
    assert_int_equal(
        convert_choose(&c, e->from, kind, method, o.pairs != NULL, &err), 0);
    for (size_t i = 0; (option = fit_option_at(i)); i++) {
        const char *const value = method_use_reads(&c.use, option->name)
                                      ? other_value(method, option->name)
                                      : NULL;
        char path[300];

        if (!value || is_left_out(e, method, option->name) ||
            (of_kind && method_reads(c.use.method, option->name)))
            continue;
        if (e->from == FORM_BASE && decides_pairs(&o, option, value))
            continue;
        snprintf(path, sizeof(path), "%s%s", value[0] == '%' ? dir : "",
                 value + (value[0] == '%'));
        if (!matters(from, &c.use, &o, option, path))
            fail_msg("%s: %s to %s: '%s' changes nothing", e->title, method,
                     kind_name(kind), option->name);
    }
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

/* Every row of every table with the first kind that it makes, and every further
 * kind with the first row that makes it, where it has options of its own. */
static void
test_method_effects_of_every_row(void **state)
{
    bool seen[KIND_COUNT] = {false};
    const struct edge *e;

    (void)state;
    for (int i = 0; (e = convert_edge_at(i)); i++)
        for (int k = 0; k < e->n; k++) {
            const struct method *m = &e->methods[k];
            const char *kinds = m->info.makes;
            enum kind kind = KIND_BASE;
            bool first = true;

            for (; next_kind(&kind, &kinds); first = false) {
                if (first ||
                    (!seen[kind] && *method_kind_options(kind_name(kind))))
                    check(e, m->info.name, kind, !first);
                seen[kind] = true;
            }
        }
}

static int
set_up(void **state)
{
    trv_model_options mo = TRV_MODEL_OPTIONS_INIT;
    trv_err err = {0};

    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmpdir("method_effects"));
    snprintf(inputs, sizeof(inputs), "%s/in.jsonl", dir);
    snprintf(pairs, sizeof(pairs), "%s/pairs.jsonl", dir);
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
    put("others.jsonl",
        "{\"prompt\": \"b\", \"chosen\": \"a\", \"rejected\": \"cc\"}\n"
        "{\"prompt\": \"d\", \"chosen\": \"b\", \"rejected\": \"ad\"}\n");
    put("phrases.txt", "ab\ncd\nba\n");
    put("others.txt", "d\nda\n");
    mo.precision = "f32";
    mo.threads = 1;
    if (trv_model_open(&model, test_source("golden/world"), &mo, &err))
        fail_msg("%s", err.msg);
    make_lora();
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
        cmocka_unit_test(test_method_effects_of_every_row),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
