/* test_text_propose.c -- candidates of a step, in the world of six words
 * (golden/search) and over the vocabularies of tiny models.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "adapt/session.h"
#include "transform/search/text_propose.h"

enum { A, B, C, D, E, AB, BOS, END };

struct fixture {
    struct session *s;
    struct decoder *d;
    struct data data;
    struct prompt_place slot;
    unsigned char *allowed;
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
    static const char row[] = "{\"prompt\": \"dc\"}\n";
    const struct backend_options be = {.prec = PREC_F32, .threads = 1};
    trv_err err = {0};

    memset(f, 0, sizeof(*f));
    must(session_open(&f->s, test_source("golden/search/world"), &be, &err),
         &err);
    must(session_decoder(f->s, &f->d, &err), &err);
    must(data_parse(&f->data, "rows.jsonl", row, strlen(row), &err), &err);
    must(prompt_place_open(&f->slot, f->s->model, f->data.rows, 1, "", &err),
         &err);
    must(propose_allowed(&f->allowed, f->s->model, &err), &err);
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
test_propose_scores_are_products_with_every_embedding(void **state)
{
    static const char *const families[] = {"gpt2", "llama", "mistral"};

    (void)state;
    for (int m = 0; m < 3; m++) {
        const struct backend_options be = {.prec = PREC_F32};
        struct session *s;
        struct decoder *d;
        struct mat score;
        float g[3 * 64], e[64];
        char rel[64];
        trv_err err = {0};

        snprintf(rel, sizeof(rel), "golden/models/%s", families[m]);
        must(session_open(&s, test_source(rel), &be, &err), &err);
        must(session_decoder(s, &d, &err), &err);
        score = mat_new(&s->arena, DT_F32, 3, d->cfg->vocab);
        for (int64_t i = 0; i < 3 * d->cfg->width; i++)
            g[i] = (float)((i * 7) % 13) - 6.0f;
        must(propose_scores(score, d, &s->arena, g, 3, &err), &err);
        for (int64_t v = 0; v < d->cfg->vocab; v++) {
            tensor_rows_f32(e, d->model->embed, v, 1);
            for (int64_t i = 0; i < 3; i++) {
                double want = 0, size = 0;

                for (int64_t c = 0; c < d->cfg->width; c++) {
                    const double x =
                        (double)g[i * d->cfg->width + c] * (double)e[c];

                    want += x;
                    size += fabs(x);
                }
                /* Sums of 32 f32 products. */
                assert_close(((float *)score.data)[i * score.ld + v], want,
                             4e-6 * size);
            }
        }
        session_free(s);
    }
}

static void
test_propose_allows_no_special_tokens_and_no_control_characters(void **state)
{
    struct fixture f;
    struct model *m = NULL;
    unsigned char *allowed;
    trv_err err = {0};

    (void)state;
    open_fixture(&f);
    for (int v = 0; v < 8; v++)
        assert_int_equal(f.allowed[v], v < BOS);
    close_fixture(&f);
    must(model_open(&m, test_source("golden/tiny/one"), &err), &err);
    must(propose_allowed(&allowed, m, &err), &err);
    for (int32_t v = 0; v < 256; v++) {
        struct strbuf text = {0};

        must(tokenizer_decode(m->tokenizer, &text, &v, 1, false, &err), &err);
        if (text.len == 1 && (text.s[0] == 27 || text.s[0] == 0))
            assert_int_equal(allowed[v], 0);
        if (text.len == 1 && (text.s[0] == 'x' || text.s[0] == '\n'))
            assert_int_equal(allowed[v], 1);
        sb_release(&text);
    }
    mem_free(allowed);
    model_free(m);
}

#define WIDTH 40

static int64_t
draw(struct proposal *list, struct fixture *f, const struct ids *z,
     const float *g, int64_t top_k, int64_t most, uint64_t seed)
{
    struct propose_options opts = {
        .width = WIDTH, .top_k = top_k, .most = most, .allowed = f->allowed};
    struct rng rng;
    int64_t n;
    trv_err err = {0};

    rng_init(&rng, seed, 1);
    arena_reset(&f->s->arena);
    must(propose(list, &n, f->d, &f->s->arena, &f->slot, z, g, &opts, &rng,
                 &err),
         &err);
    return n;
}

static void
drop(struct proposal *list, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        proposal_release(&list[i]);
}

static bool
same(const struct ids *a, const struct ids *b)
{
    return a->n == b->n && memcmp(a->v, b->v, (size_t)a->n * 4) == 0;
}

static void
test_propose_gives_different_prompts_that_survive(void **state)
{
    int32_t v[] = {C, A, D, B};
    const struct ids z = {v, 4, 4};
    const float g[4 * 16] = {0};
    struct proposal list[WIDTH] = {0};
    struct fixture f;
    int shorter = 0, longer = 0;
    int64_t n;
    trv_err err = {0};

    (void)state;
    open_fixture(&f);
    n = draw(list, &f, &z, g, 256, 5, 1);
    assert_int_equal(n, WIDTH);
    for (int64_t i = 0; i < n; i++) {
        struct ids again = {0};
        bool stands;

        assert_in_range(list[i].z.n, 3, 5);
        shorter += list[i].z.n == 3;
        longer += list[i].z.n == 5;
        assert_false(same(&list[i].z, &z));
        for (int64_t k = 0; k < i; k++)
            assert_false(same(&list[i].z, &list[k].z));
        for (int64_t k = 0; k + 1 < list[i].z.n; k++)
            assert_false(list[i].z.v[k] == A && list[i].z.v[k + 1] == B);
        must(prompt_place_ids(&again, &stands, &f.slot, list[i].text, &err),
             &err);
        assert_true(stands && same(&again, &list[i].z));
        ids_release(&again);
    }
    assert_true(shorter > 0 && longer > 0);
    drop(list, n);
    n = draw(list, &f, &z, g, 256, 4, 1); // no longer than it is
    for (int64_t i = 0; i < n; i++)
        assert_in_range(list[i].z.n, 3, 4);
    drop(list, n);
    close_fixture(&f);
}

static void
test_propose_is_a_function_of_its_random_numbers(void **state)
{
    int32_t v[] = {C, D, E};
    const struct ids z = {v, 3, 3};
    const float g[3 * 16] = {0};
    struct proposal a[WIDTH] = {0}, b[WIDTH] = {0}, c[WIDTH] = {0};
    struct fixture f;
    int64_t n_a, n_b, n_c, differ = 0;

    (void)state;
    open_fixture(&f);
    n_a = draw(a, &f, &z, g, 256, 3, 1);
    n_b = draw(b, &f, &z, g, 256, 3, 1);
    n_c = draw(c, &f, &z, g, 256, 3, 2);
    assert_int_equal(n_a, n_b);
    for (int64_t i = 0; i < n_a; i++) {
        assert_true(same(&a[i].z, &b[i].z));
        differ += i >= n_c || !same(&a[i].z, &c[i].z);
    }
    assert_true(differ > 0);
    drop(a, n_a);
    drop(b, n_b);
    drop(c, n_c);
    close_fixture(&f);
}

/* A gradient that points away from the embedding of c puts c first; with
 * top-k 1 gradient swaps are swaps for c, whatever else there is. */
static void
test_propose_follows_the_gradient(void **state)
{
    int32_t v[] = {D, E, D};
    const struct ids z = {v, 3, 3};
    struct proposal list[WIDTH] = {0};
    struct fixture f;
    float g[3 * 16], e[16];
    int64_t n;
    int with = 0;

    (void)state;
    open_fixture(&f);
    tensor_rows_f32(e, f.d->model->embed, C, 1);
    for (int i = 0; i < 3 * 16; i++)
        g[i] = -1000.0f * e[i % 16]; // far above what the model would say
    n = draw(list, &f, &z, g, 1, 3, 1);
    for (int64_t i = 0; i < n; i++) {
        bool has = false;

        for (int64_t k = 0; k < list[i].z.n; k++)
            has |= list[i].z.v[k] == C;
        with += has;
    }
    assert_true(with >= 6); // each swap for c alone, and two at once
    drop(list, n);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_propose_scores_are_products_with_every_embedding),
        cmocka_unit_test(
            test_propose_allows_no_special_tokens_and_no_control_characters),
        cmocka_unit_test(test_propose_gives_different_prompts_that_survive),
        cmocka_unit_test(test_propose_is_a_function_of_its_random_numbers),
        cmocka_unit_test(test_propose_follows_the_gradient),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
