/* test_place_sample.c -- texts that a model of eight tokens writes where a prompt
 * stands (golden/search).
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "model/sample/engine.h"
#include "transform/search/place_sample.h"

#define V 8
#define MOST 3

static const char rows[] = "{\"prompt\": \"a\"}\n{\"prompt\": \"dc\"}\n";

struct fixture {
    struct session *s;
    struct decoder *d;
    struct data data;
    struct prompt_place slot;
    unsigned char *allowed;
    struct place_sample w;
};

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

static void
open_fixture(struct fixture *f)
{
    const struct backend_options be = {.prec = PREC_F32, .threads = 1};
    trv_err err = {0};

    memset(f, 0, sizeof(*f));
    must(session_open(&f->s, test_source("golden/search/world"), &be, &err),
         &err);
    must(session_decoder(f->s, &f->d, &err), &err);
    must(data_parse(&f->data, "rows.jsonl", rows, strlen(rows), &err), &err);
    must(prompt_place_open(&f->slot, f->s->model, f->data.rows, f->data.n, "",
                           &err),
         &err);
    must(propose_allowed(&f->allowed, f->s->model, &err), &err);
    f->w = (struct place_sample){.s = f->s,
                                 .slot = &f->slot,
                                 .allowed = f->allowed,
                                 .most = MOST,
                                 .seed = 3,
                                 .stream = 11};
}

static void
close_fixture(struct fixture *f)
{
    prompt_place_release(&f->slot);
    data_release(&f->data);
    mem_free(f->allowed);
    session_free(f->s);
}

static void
test_slot_words_survive_and_are_different(void **state)
{
    enum { N = 64 };
    struct proposal list[N] = {{{0}, NULL}};
    struct fixture f;
    int64_t made;
    trv_err err = {0};

    (void)state;
    open_fixture(&f);
    must(place_sample_draw(list, &made, &f.w, NULL, N, &err), &err);
    assert_in_range(made, 20, N - 1); // some were drawn twice
    for (int64_t i = 0; i < made; i++) {
        bool stands;

        assert_in_range(list[i].z.n, 1, MOST);
        must(prompt_place_check(&stands, &f.slot, list[i].text, list[i].z.v,
                                list[i].z.n, &err),
             &err);
        assert_true(stands);
        for (int64_t k = 0; k < i; k++)
            assert_string_not_equal(list[i].text, list[k].text);
    }
    for (int64_t i = 0; i < made; i++)
        proposal_release(&list[i]);
    close_fixture(&f);
}

static void
test_slot_words_are_drawn_as_the_model_would_go_on(void **state)
{
    enum { N = 1200 };
    struct fixture f;
    double p[V] = {0}, got[V] = {0};
    trv_err err = {0};

    (void)state;
    open_fixture(&f);
    for (int32_t v = 0; v < V; v++) { // p(v | head), by scoring each
        const struct ids *head = &f.slot.at[0].head;
        int32_t ids[8];
        float logp, *out = &logp;
        struct scored_row scored = {
            .ids = ids, .n = head->n + 1, .n_context = head->n};

        memcpy(ids, head->v, (size_t)head->n * sizeof(*ids));
        ids[head->n] = v;
        arena_reset(&f.s->arena);
        must(engine_score(f.d, &f.s->arena, &out, &scored, 1, &err), &err);
        p[v] = exp((double)logp);
    }
    for (int i = 0; i < N; i++) { // one at a time: none is left out as known
        struct proposal one = {{0}, NULL};
        int64_t made;

        f.w.stream = (uint64_t)i;
        must(place_sample_draw(&one, &made, &f.w, NULL, 1, &err), &err);
        if (made)
            got[one.z.v[0]] += 1.0 / N;
        proposal_release(&one);
    }
    for (int v = 0; v < 5; v++) { // "ab" takes the place of "a" before "b"
        const double want = v == 0 ? p[0] + p[5] : p[v];
        const double have = v == 0 ? got[0] + got[5] : got[v];

        /* four standard errors of a share of N draws */
        assert_close(have, want, 4.0 * sqrt(want * (1.0 - want) / N));
    }
    close_fixture(&f);
}

static void
test_slot_words_go_on_from_a_beginning(void **state)
{
    enum { N = 24 };
    struct proposal list[N] = {{{0}, NULL}};
    int32_t head[] = {2, 3};
    struct ids begin[N] = {{0}};
    struct fixture f;
    int64_t made;
    trv_err err = {0};

    (void)state;
    open_fixture(&f);
    for (int i = 0; i < N; i++)
        begin[i] = (struct ids){.v = head, .n = 2};
    must(place_sample_draw(list, &made, &f.w, begin, N, &err), &err);
    assert_in_range(made, 2, 6); // what may stand behind "cd"
    for (int64_t i = 0; i < made; i++) {
        assert_int_equal(list[i].z.n, 3);
        assert_memory_equal(list[i].text, "cd", 2);
        proposal_release(&list[i]);
    }
    close_fixture(&f);
}

static void
test_slot_words_that_run_out_of_memory_leak_nothing(void **state)
{
    enum { N = 4 };
    struct fixture f;
    int failed = 0, rc = TRV_ENOMEM;
    int64_t live;

    (void)state;
    open_fixture(&f);
    for (int64_t n = -1; rc; n += 1 + (n > 0 ? n / 16 : 0)) {
        struct proposal list[N] = {{{0}, NULL}};
        int64_t made;
        trv_err err = {0};

        arena_reset(&f.s->arena);
        live = mem_stats_get().live_bytes;
        mem_fail_after(n);
        rc = place_sample_draw(list, &made, &f.w, NULL, N, &err);
        mem_fail_after(-1);
        for (int64_t i = 0; i < made; i++)
            proposal_release(&list[i]);
        if (n < 0) { // without a failure: what is made once is made
            assert_int_equal(rc, 0);
            rc = TRV_ENOMEM;
            continue;
        }
        failed += rc != 0;
        arena_reset(&f.s->arena);
        assert_true(rc == 0 || rc == TRV_ENOMEM);
        assert_int_equal(mem_stats_get().live_bytes, live);
    }
    assert_true(failed > 10);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slot_words_survive_and_are_different),
        cmocka_unit_test(test_slot_words_are_drawn_as_the_model_would_go_on),
        cmocka_unit_test(test_slot_words_go_on_from_a_beginning),
        cmocka_unit_test(test_slot_words_that_run_out_of_memory_leak_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
