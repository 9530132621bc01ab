/* test_api_generate.c -- facts about prompts and conversations, through the
 * public interface. Greedy or sampled on f32, so equal contexts give equal
 * bytes.
 */
#include "support/test.h"

#include <string.h>
#include <trivium/trivium.h>
#include <unistd.h>

struct place {
    trv_model *m;
    trv_adaptation *a;
};

static struct place
open_in(const char *layout, const char *path, const char *adaptation)
{
    const trv_model_options opts = {
        .version = 1, .precision = "f32", .layout = layout};
    struct place p = {0};
    trv_err err = {0};

    if (trv_model_open(&p.m, path, &opts, &err) ||
        (adaptation && trv_adaptation_open(&p.a, p.m, adaptation, false, &err)))
        fail_msg("%s", err.msg);
    return p;
}

static struct place
open_place(const char *path, const char *adaptation)
{
    return open_in(NULL, path, adaptation);
}

static void
close_place(struct place *p)
{
    trv_adaptation_free(p->a);
    trv_model_free(p->m);
}

static trv_generate_options
twelve(void)
{
    trv_generate_options o = TRV_GENERATE_OPTIONS_INIT;

    o.max_tokens = 12;
    o.seed = 5;
    o.ignore_eos = true;
    return o;
}

static trv_generate_options
with_turns(const trv_turn *turns, int32_t n)
{
    trv_generate_options o = twelve();

    o.turns = turns;
    o.n_turns = n;
    return o;
}

/* out[opts->samples]; the caller frees each text. */
static void
generate(const struct place *p, trv_completion *out, const char *prompt,
         const trv_generate_options *o)
{
    trv_err err = {0};

    if (trv_generate(p->m, out, p->a, prompt, o, NULL, NULL, &err))
        fail_msg("%s", err.msg);
}

static void
assert_same_and_free(trv_completion *x, trv_completion *y)
{
    assert_int_equal(x->prompt_tokens, y->prompt_tokens);
    assert_int_equal(x->n, y->n);
    assert_memory_equal(x->text, y->text, x->n);
    assert_close(x->logprob, y->logprob, 0);
    trv_free(x->text);
    trv_free(y->text);
}

static void
test_api_generate_one_turn_is_a_prompt_in_a_chat(void **state)
{
    struct place p = open_place(test_source("golden/tiny/one"), NULL);
    const trv_turn said[] = {{"user", "Hello"}};
    trv_generate_options o = with_turns(said, 1);
    trv_completion turn, prompt;

    (void)state;
    generate(&p, &turn, NULL, &o);
    o = twelve();
    generate(&p, &prompt, "Hello", &o);
    assert_same_and_free(&turn, &prompt);
    close_place(&p);
}

/* The template writes "<s>role: content" and a line end for each message, so
 * what the model reads is known byte for byte. (The tokenizer adds the <s>.) */
static void
test_api_generate_turns_are_laid_out_by_the_template(void **state)
{
    struct place p = open_place(test_source("golden/tiny/one"), NULL);
    struct place raw = open_in("raw", test_source("golden/tiny/one"), NULL);
    const trv_turn said[] = {{"system", "Say it."},
                             {"user", "One"},
                             {"assistant", "1"},
                             {"user", "Two"}};
    trv_generate_options o = with_turns(said, 4);
    trv_completion turns, text;

    (void)state;
    generate(&p, &turns, NULL, &o);
    o = twelve();
    generate(
        &raw, &text,
        "system: Say it.\nuser: One\nassistant: 1\nuser: Two\nassistant:", &o);
    assert_same_and_free(&turns, &text);
    close_place(&p);
    close_place(&raw);
}

static void
test_api_generate_a_prompt_becomes_the_system_message(void **state)
{
    struct place bare = open_place(test_source("golden/tiny/one"), NULL);
    struct place under =
        open_place(test_source("golden/tiny/one"), "prompt:Say it.");
    const trv_turn said[] = {{"system", "Say it."}, {"user", "One"}};
    trv_generate_options o = with_turns(said, 2);
    trv_completion x, y;

    (void)state;
    generate(&bare, &x, NULL, &o);
    o = with_turns(said + 1, 1);
    generate(&under, &y, NULL, &o);
    assert_same_and_free(&x, &y);
    close_place(&bare);
    close_place(&under);
}

static void
test_api_generate_stream_k_is_sample_k(void **state)
{
    struct place p = open_place(test_source("golden/tiny/one"), NULL);
    trv_generate_options o = twelve();
    trv_completion three[3], one;

    (void)state;
    o.samples = 3;
    generate(&p, three, "Once", &o);
    o.samples = 1;
    for (int i = 0; i < 3; i++) {
        o.first_stream = (uint64_t)i;
        generate(&p, &one, "Once", &o);
        assert_int_equal(one.n, three[i].n); // one row or three: same bytes
        assert_memory_equal(one.text, three[i].text, one.n);
        trv_free(one.text);
    }
    assert_true(three[0].n != three[1].n ||
                memcmp(three[0].text, three[1].text, three[0].n) != 0);
    for (int i = 0; i < 3; i++)
        trv_free(three[i].text);
    close_place(&p);
}

static int
try(const struct place *p, const char *prompt, const trv_generate_options *o,
    const char *says)
{
    trv_completion out = {0};
    trv_err err = {0};
    const int rc = trv_generate(p->m, &out, p->a, prompt, o, NULL, NULL, &err);

    if (rc && !strstr(err.msg, says))
        fail_msg("'%s' does not say '%s'", err.msg, says);
    trv_free(out.text);
    return rc;
}

static void
test_api_generate_refuses_what_is_no_conversation(void **state)
{
    struct place p = open_place(test_source("golden/tiny/one"), NULL);
    const trv_turn good = {"user", "Hello"}, no_role = {NULL, "Hello"};
    const trv_turn no_text = {"user", NULL}, not_utf8 = {"user", "a\377"};
    const trv_turn bard = {"bard", "Hello"};
    trv_generate_options o = with_turns(&good, 1);

    (void)state;
    assert_int_equal(try(&p, "Once", &o, "both a prompt and turns"),
                     TRV_EINVAL);
    o = twelve();
    assert_int_equal(try(&p, NULL, &o, "neither a prompt nor"), TRV_EINVAL);
    o = with_turns(&no_role, 1);
    assert_int_equal(try(&p, NULL, &o, "turn 1 has no role"), TRV_EINVAL);
    o = with_turns(&no_text, 1);
    assert_int_equal(try(&p, NULL, &o, "turn 1 has no content"), TRV_EINVAL);
    o = with_turns(&not_utf8, 1);
    assert_int_equal(try(&p, NULL, &o, "a turn is not UTF-8"), TRV_EINVAL);
    o = with_turns(&bard, 1);
    assert_int_equal(try(&p, NULL, &o, "the role 'bard'"), TRV_EINVAL);
    close_place(&p);
}

/* "Once" is five tokens with BOS: 123 of 128 are left. */
static void
test_api_generate_asks_for_the_room_that_is_wanted(void **state)
{
    struct place p = open_in("raw", test_source("golden/tiny/one"), NULL);
    trv_generate_options o = twelve();

    (void)state;
    assert_int_equal(trv_model_context(p.m), 128);
    o.room = 123;
    assert_int_equal(try(&p, "Once", &o, ""), 0);
    o.room = 124;
    assert_int_equal(
        try(&p, "Once", &o, "5 tokens leaves no room for 124 in the context"),
        TRV_ETOOLONG);
    close_place(&p);
}

static void
test_api_generate_needs_a_template_for_turns_alone(void **state)
{
    static const char *const files[] = {"config.json", "model.safetensors",
                                        "tokenizer.json"};
    const trv_turn said = {"user", "Hello"};
    const char *dir = test_tmpdir("api_generate");
    trv_generate_options o = with_turns(&said, 1);
    struct place p;

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        char from[600], to[600];

        snprintf(from, sizeof(from), "%s/%s", test_source("golden/tiny/one"),
                 files[i]);
        snprintf(to, sizeof(to), "%s/%s", dir, files[i]);
        unlink(to);
        assert_int_equal(symlink(from, to), 0);
    }
    p = open_place(dir, NULL);
    assert_false(trv_model_has_chat(p.m));
    assert_int_equal(try(&p, NULL, &o, "the model has none"), TRV_EINVAL);
    o = twelve();
    assert_int_equal(try(&p, "Once", &o, ""), 0);
    close_place(&p);
}

static void
test_api_generate_adaptations_say_their_kind(void **state)
{
    struct place text =
        open_place(test_source("golden/tiny/one"), "prompt:Say it.");
    struct place base = open_place(test_source("golden/tiny/one"), "base");

    (void)state;
    assert_string_equal(trv_adaptation_kind(text.a), "text");
    assert_string_equal(trv_adaptation_kind(base.a), "base");
    assert_true(trv_model_has_chat(base.m));
    close_place(&text);
    close_place(&base);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_generate_one_turn_is_a_prompt_in_a_chat),
        cmocka_unit_test(test_api_generate_turns_are_laid_out_by_the_template),
        cmocka_unit_test(test_api_generate_a_prompt_becomes_the_system_message),
        cmocka_unit_test(test_api_generate_stream_k_is_sample_k),
        cmocka_unit_test(test_api_generate_refuses_what_is_no_conversation),
        cmocka_unit_test(test_api_generate_asks_for_the_room_that_is_wanted),
        cmocka_unit_test(test_api_generate_needs_a_template_for_turns_alone),
        cmocka_unit_test(test_api_generate_adaptations_say_their_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
