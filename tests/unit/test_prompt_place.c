/* test_prompt_place.c -- where a prompt stands among tokens, in the world of six
 * words (golden/search) and on real tokenizers.
 */
#include "support/test.h"

#include <string.h>

#include "adapt/view.h"
#include "transform/search/prompt_place.h"

enum { A, B, C, D, E, AB, BOS };

static const char rows[] =
    "{\"prompt\": \"dc\"}\n"
    "{\"prompt\": [{\"role\": \"user\", \"content\": \"ca\"}]}\n"
    "{\"prompt\": [{\"role\": \"system\", \"content\": \"ee\"},"
    " {\"role\": \"user\", \"content\": \"c\"}]}\n";

struct fixture {
    struct model *m;
    struct data data;
    struct prompt_place slot;
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
open_fixture(struct fixture *f, const char *model, const char *text,
             enum text_layout layout)
{
    trv_err err = {0};

    memset(f, 0, sizeof(*f));
    must(model_open(&f->m, model, &err), &err);
    f->m->layout = layout;
    must(data_parse(&f->data, "rows.jsonl", text, strlen(text), &err), &err);
    must(prompt_place_open(&f->slot, f->m, f->data.rows, f->data.n, "", &err),
         &err);
}

static void
close_fixture(struct fixture *f)
{
    prompt_place_release(&f->slot);
    data_release(&f->data);
    model_free(f->m);
}

static void
same_ids(const struct ids *got, const int32_t *want, int64_t n)
{
    assert_int_equal(got->n, n);
    if (n > 0)
        assert_memory_equal(got->v, want, (size_t)n * sizeof(*want));
}

static bool
survives(struct fixture *f, const int32_t *z, int64_t n, const char *want)
{
    struct strbuf text = {0};
    bool stands;
    trv_err err = {0};

    must(prompt_place_text(&text, &stands, &f->slot, z, n, &err), &err);
    if (stands && want)
        assert_string_equal(text.s, want);
    sb_release(&text);
    return stands;
}

static void
test_prompt_slot_of_a_text_is_between_bos_and_the_input(void **state)
{
    static const int32_t bos[] = {BOS}, dc[] = {D, C};
    struct fixture f;

    (void)state;
    open_fixture(&f, test_source("golden/search/world"), rows, TEXT_RAW);
    same_ids(&f.slot.at[0].head, bos, 1);
    same_ids(&f.slot.at[0].tail, dc, 2);
    close_fixture(&f);
}

static void
test_prompt_slot_of_a_chat_is_the_words_of_the_system(void **state)
{
    /* "<s>d" z "<s>eca<s>c"; and of the row with a system message of its own
     * "ee" follows, behind a blank line, which is no token here. */
    static const int32_t head[] = {BOS, D};
    static const int32_t tail[] = {BOS, E, C, A, BOS, C};
    static const int32_t own[] = {E, E, BOS, E, C, BOS, C};
    struct fixture f;

    (void)state;
    for (int raw = 0; raw < 2; raw++) {
        open_fixture(&f, test_source("golden/search/world"), rows,
                     raw ? TEXT_RAW : TEXT_CHAT);
        same_ids(&f.slot.at[1].head, head, 2);
        same_ids(&f.slot.at[1].tail, tail, 6);
        same_ids(&f.slot.at[2].head, head, 2);
        same_ids(&f.slot.at[2].tail, own, 7);
        if (!raw) // a plain prompt is the user's turn
            same_ids(&f.slot.at[0].head, head, 2);
        close_fixture(&f);
    }
}

static void
test_prompt_slot_refuses_what_does_not_come_back(void **state)
{
    static const int32_t good[] = {B, A, C, AB}, merged[] = {C, A, B};
    struct fixture f;

    (void)state;
    open_fixture(&f, test_source("golden/search/world"), rows, TEXT_RAW);
    assert_true(survives(&f, good, 4, "bacab"));
    assert_false(survives(&f, merged, 3, NULL));
    close_fixture(&f);
}

static void
test_prompt_slot_ids_of_a_text_are_those_in_its_place(void **state)
{
    static const int32_t want[] = {C, AB};
    struct fixture f;
    struct ids z = {0};
    bool stands;
    trv_err err = {0};

    (void)state;
    open_fixture(&f, test_source("golden/search/world"), rows, TEXT_CHAT);
    must(prompt_place_ids(&z, &stands, &f.slot, "cab", &err), &err);
    assert_true(stands);
    same_ids(&z, want, 2);
    must(prompt_place_check(&stands, &f.slot, "cab", want, 2, &err), &err);
    assert_true(stands);
    must(prompt_place_check(&stands, &f.slot, "cba", want, 2, &err), &err);
    assert_false(stands);
    ids_release(&z);
    close_fixture(&f);
}

/* What an adaptation of the text gives is head, z and tail, for every row. */
static void
same_as_adaptation(struct fixture *f, const char *text, bool messages)
{
    struct adaptation *a = NULL;
    struct ids z = {0};
    bool stands;
    trv_err err = {0};

    must(prompt_place_ids(&z, &stands, &f->slot, text, &err), &err);
    assert_true(stands);
    if (messages) {
        json_t *list =
            json_pack("[{s:s,s:s}]", "role", "system", "content", text);

        must(adaptation_of_messages(&a, list, "test", &err), &err);
        json_decref(list);
    } else {
        must(adaptation_of_text(&a, text, strlen(text), &err), &err);
    }
    for (int64_t i = 0; i < f->slot.n; i++) {
        const struct place_row *at = &f->slot.at[i];
        struct ids c = {0};

        must(view_conditioning(&c, f->m, a, &f->data.rows[i], &err), &err);
        assert_int_equal(c.n, at->head.n + z.n + at->tail.n);
        if (at->head.n > 0)
            assert_memory_equal(c.v, at->head.v, (size_t)at->head.n * 4);
        assert_memory_equal(c.v + at->head.n, z.v, (size_t)z.n * 4);
        if (at->tail.n > 0)
            assert_memory_equal(c.v + at->head.n + z.n, at->tail.v,
                                (size_t)at->tail.n * 4);
        ids_release(&c);
    }
    ids_release(&z);
    adaptation_free(a);
}

static void
test_prompt_slot_is_where_the_adaptation_puts_it(void **state)
{
    static const char *const texts[] = {"{\"prompt\": \"Once upon a time\"}\n"};
    static const char *const assets[] = {"models/tinystories-656k",
                                         "models/tinystories-instruct-3m-chat"};
    struct fixture f;

    (void)state;
    for (int raw = 0; raw < 2; raw++) {
        open_fixture(&f, test_source("golden/tiny/one"), rows,
                     raw ? TEXT_RAW : TEXT_CHAT);
        for (int messages = 0; messages + raw < 2; messages++) {
            same_as_adaptation(&f, "Be brief.", messages);
            same_as_adaptation(&f, "x", messages);
        }
        close_fixture(&f);
    }
    for (int i = 0; i < 2; i++) {
        const char *path = test_asset(assets[i]);

        if (!path)
            continue;
        open_fixture(&f, path, texts[0], TEXT_RAW);
        same_as_adaptation(&f, "The cat was very happy", false);
        same_as_adaptation(&f, "Summary: a dog.\nStory:", false);
        close_fixture(&f);
    }
}

/* SentencePiece takes the blank off a text's beginning, and puts one there. */
static void
test_prompt_slot_holds_words_that_begin_with_a_blank(void **state)
{
    const char *path = test_asset("models/tinystories-656k");
    struct fixture f;
    struct ids z = {0};
    struct strbuf text = {0};
    bool stands;
    trv_err err = {0};

    (void)state;
    if (!path)
        skip();
    open_fixture(&f, path, "{\"prompt\": \"Once\"}\n", false);
    must(prompt_place_ids(&z, &stands, &f.slot, "The cat sat", &err), &err);
    assert_true(stands);
    must(prompt_place_text(&text, &stands, &f.slot, z.v, z.n, &err), &err);
    assert_true(stands);
    assert_string_equal(text.s, "The cat sat");
    ids_release(&z);
    sb_release(&text);
    close_fixture(&f);
}

static void
test_prompt_slot_wants_a_template_that_shows_the_system(void **state)
{
    struct model *m = NULL;
    struct data data = {0};
    struct prompt_place slot = {0};
    trv_err err = {0};

    (void)state;
    must(model_open(&m, test_source("golden/search/world"), &err), &err);
    must(data_parse(&data, "rows.jsonl", rows, strlen(rows), &err), &err);
    chat_template_free(m->chat);
    must(chat_template_parse(&m->chat, "test",
                             "{% for m in messages %}{% if m['role'] == 'user'"
                             " %}e{{ m['content'] }}{% endif %}{% endfor %}c",
                             strlen("{% for m in messages %}{% if m['role'] == "
                                    "'user' %}e{{ m['content'] }}{% endif %}"
                                    "{% endfor %}c"),
                             &err),
         &err);
    assert_int_equal(prompt_place_open(&slot, m, data.rows, data.n, "", &err),
                     TRV_EINVAL);
    assert_non_null(strstr(err.msg, "does not show a system message"));
    data_release(&data);
    model_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_prompt_slot_of_a_text_is_between_bos_and_the_input),
        cmocka_unit_test(test_prompt_slot_of_a_chat_is_the_words_of_the_system),
        cmocka_unit_test(test_prompt_slot_refuses_what_does_not_come_back),
        cmocka_unit_test(test_prompt_slot_ids_of_a_text_are_those_in_its_place),
        cmocka_unit_test(test_prompt_slot_is_where_the_adaptation_puts_it),
        cmocka_unit_test(test_prompt_slot_holds_words_that_begin_with_a_blank),
        cmocka_unit_test(
            test_prompt_slot_wants_a_template_that_shows_the_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
