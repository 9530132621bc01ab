/* test_evolve.c -- the search in a world where all is known: every instruction
 * that can be made of a few phrases, and every answer that the model can give.
 */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "adapt/reward/reward.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/sample/engine.h"
#include "base/seal.h"
#include "support/server.h"
#include "transform/evolve/evolve_guide.h"
#include "transform/evolve/evolve_propose.h"

#define V 8         // tokens of the world's vocabulary
#define EOS 7       // its last
#define L 3         // longest answer
#define ANSWERS 512 // more than there are: V^3
#define INPUTS 4
#define TEXTS 400     // more than there are
#define PROMPT_MOST 7 // tokens
#define BETA 0.01
#define LAMBDA 0.004

static const char *const inputs[INPUTS] = {"a", "cb", "d", "bd"};
static const char *const phrases[] = {"a", "b", "c", "d"};
#define PHRASES (sizeof(phrases) / sizeof(*phrases))
static const char reward_spec[] = "verifier:regex,pattern=^d";

struct world {
    struct session *s;
    struct adaptation *reward;
    struct data_row rows[INPUTS];
    const struct data_row *list[INPUTS];
    /* every answer */
    int32_t ids[ANSWERS][L];
    int64_t len[ANSWERS], n;
    char *text[ANSWERS];
    double r[INPUTS][ANSWERS];
};

/* ---- all answers -------------------------------------------------------- */

static void
add_answer(struct world *w, const int32_t *ids, int64_t n)
{
    struct strbuf b = {0};
    trv_err err = {0};

    memcpy(w->ids[w->n], ids, (size_t)n * sizeof(*ids));
    w->len[w->n] = n;
    if (tokenizer_decode(w->s->model->tokenizer, &b, ids, n, true, &err) ||
        sb_puts(&b, ""))
        fail_msg("%s", err.msg);
    w->text[w->n++] = sb_take(&b);
}

static void
add_answers(struct world *w)
{
    for (int32_t i = 0; i < V; i++) {
        if (i == EOS)
            add_answer(w, (int32_t[]){i}, 1);
        for (int32_t j = 0; j < V && i != EOS; j++) {
            if (j == EOS)
                add_answer(w, (int32_t[]){i, j}, 2);
            for (int32_t k = 0; k < V && j != EOS; k++)
                add_answer(w, (int32_t[]){i, j, k}, 3);
        }
    }
    assert_int_equal(w->n, 1 + 7 + 7 * 7 * 8);
}

static void
world_open(struct world *w)
{
    const struct backend_options be = {.prec = PREC_F32, .threads = 1};
    struct reward_item items[ANSWERS];
    trv_err err = {0};

    *w = (struct world){0};
    if (session_open(&w->s, test_source("golden/world"), &be, &err) ||
        adaptation_open(&w->reward, w->s->model, NULL, reward_spec, false,
                        &err))
        fail_msg("%s", err.msg);
    add_answers(w);
    for (int i = 0; i < INPUTS; i++) {
        if (data_row_set(&w->rows[i], json_pack("{s:s}", "prompt", inputs[i]),
                         &err))
            fail_msg("%s", err.msg);
        w->list[i] = &w->rows[i];
        for (int64_t y = 0; y < w->n; y++)
            items[y] = (struct reward_item){.row = &w->rows[i],
                                            .text = w->text[y],
                                            .n_text = strlen(w->text[y]),
                                            .ids = w->ids[y],
                                            .n_ids = w->len[y]};
        if (reward_score(w->s, w->reward, w->r[i], NULL, items, w->n, NULL,
                         &err))
            fail_msg("%s", err.msg);
    }
}

static void
world_close(struct world *w)
{
    for (int64_t y = 0; y < w->n; y++)
        mem_free(w->text[y]);
    for (int i = 0; i < INPUTS; i++)
        json_decref(w->rows[i].json);
    adaptation_free(w->reward);
    session_free(w->s);
}

/* log p of every answer to an input under a prompt. */
static void
all_logps(double *logp, struct world *w, struct adaptation *z, int input)
{
    struct answered rows[ANSWERS];
    float store[ANSWERS][L], *out[ANSWERS];
    struct context c;
    trv_err err = {0};
    double total = 0.0;

    if (view_open(&c, w->s, z, &w->rows[input], &err))
        fail_msg("%s", err.msg);
    for (int64_t y = 0; y < w->n; y++) {
        rows[y] = (struct answered){&c, w->ids[y], w->len[y]};
        out[y] = store[y];
    }
    arena_reset(&w->s->arena);
    if (engine_score_contexts(&w->s->arena, out, rows, w->n, &err))
        fail_msg("%s", err.msg);
    for (int64_t y = 0; y < w->n; y++) {
        logp[y] = 0.0;
        for (int64_t t = 0; t < w->len[y]; t++)
            logp[y] += (double)store[y][t];
        total += exp(logp[y]);
    }
    assert_close(total, 1.0, 1e-4); // they are all the answers there are
    conditioning_release(&c);
}

/* The objective itself. */
static double
exact(struct world *w, const char *text, double beta, double lambda)
{
    struct adaptation *z = NULL;
    struct ids ids = {0};
    struct strbuf b = {0};
    double sum = 0.0, p[ANSWERS], q[ANSWERS];
    trv_err err = {0};

    if (*text) {
        sb_printf(&b, "%s\n", text);
        if (adaptation_of_text(&z, b.s, b.len, &err) ||
            tokenizer_encode(w->s->model->tokenizer, &ids, text, strlen(text),
                             false, &err))
            fail_msg("%s", err.msg);
    }
    for (int i = 0; i < INPUTS; i++) {
        all_logps(p, w, z, i);
        all_logps(q, w, NULL, i);
        for (int64_t y = 0; y < w->n; y++)
            sum += exp(p[y]) * (w->r[i][y] - beta * (p[y] - q[y])) / INPUTS;
    }
    sum -= lambda * (double)ids.n;
    ids_release(&ids);
    sb_release(&b);
    adaptation_free(z);
    return sum;
}

/* ---- all instructions --------------------------------------------------- */

static int
all_texts(char texts[TEXTS][8])
{
    int n = 0, from = 0;

    for (size_t i = 0; i < PHRASES; i++)
        snprintf(texts[n++], 8, "%s", phrases[i]);
    for (int parts = 2; parts <= 4; parts++) {
        const int until = n;

        for (int t = from; t < until; t++)
            for (size_t i = 0; i < PHRASES; i++) {
                char next[16];
                bool known = false;

                snprintf(next, sizeof(next), "%.7s %s", texts[t], phrases[i]);
                for (int k = 0; k < n; k++)
                    known = known || strcmp(texts[k], next) == 0;
                if (strlen(next) <= PROMPT_MOST && !known) // a byte a token
                    snprintf(texts[n++], 8, "%.7s", next);
            }
        from = until;
    }
    return n;
}

static void
search(struct evolve *e, struct world *w, const struct parts *pool,
       const char *file, bool resume, int64_t rounds, uint64_t seed)
{
    trv_err err = {0};

    *e = (struct evolve){.o = {.train = w->list,
                               .n_train = INPUTS,
                               .rounds = rounds,
                               .population = 8,
                               .minibatch = 3,
                               .finalists = 8,
                               .answers = 64,
                               .final_answers = 256,
                               .max_prompt_tokens = PROMPT_MOST,
                               .beta = BETA,
                               .lambda = LAMBDA,
                               .end = "\n",
                               .phrases = pool,
                               .closed = true,
                               .by_edits = true,
                               .file = file,
                               .resume = resume},
                         .prompt_value = {.s = w->s,
                                          .reward = w->reward,
                                          .max_tokens = L,
                                          .temperature = 1.0,
                                          .kl = true,
                                          .seed = seed}};
    if (evolve_run(e, &err))
        fail_msg("%s", err.msg);
}

static void
make_pool(struct parts *pool)
{
    *pool = (struct parts){0};
    for (size_t i = 0; i < PHRASES; i++)
        assert_int_equal(parts_add(pool, phrases[i], strlen(phrases[i])), 0);
}

static void
test_evolve_reaches_the_optimum_of_all_instructions(void **state)
{
    static char texts[TEXTS][8];
    static struct world w;
    struct parts pool;
    double best = -1e9, worst = 1e9, base;
    int n, top = 0;

    (void)state;
    world_open(&w);
    make_pool(&pool);
    n = all_texts(texts);
    base = exact(&w, "", BETA, LAMBDA);
    for (int t = 0; t < n; t++) {
        const double v = exact(&w, texts[t], BETA, LAMBDA);

        top = v > best ? t : top;
        best = v > best ? v : best;
        worst = v < worst ? v : worst;
    }
    print_message("%d instructions from %.4f to %.4f ('%s'); none %.4f\n", n,
                  worst, best, texts[top], base);
    assert_true(best > base + 0.1); // there is something to find
    for (uint64_t seed = 0; seed < 2; seed++) {
        struct evolve e;
        double got;

        search(&e, &w, &pool, NULL, false, 26, seed);
        got = exact(&w, e.best->text, BETA, LAMBDA);
        print_message("seed %d: '%s' %.4f, believed %.4f +- %.4f, %lld tried\n",
                      (int)seed, e.best->text, got, e.best_value.mean,
                      e.best_value.error, (long long)e.pool.n);
        assert_true(e.pool.n < 2 * n / 3); // it did not try them all
        assert_true(got >= best - 0.02 * fabs(best));
        /* What it believes of the winner is what is true: the answers that
         * chose among eight are fresh, so four standard errors of 4 * 256
         * answers, of deviation 0.5, hold it and what choosing adds. */
        assert_close(e.best_value.mean, got, 0.08);
        evolve_release(&e);
    }
    parts_release(&pool);
    world_close(&w);
}

static void
test_evolve_that_was_stopped_goes_on_as_if_it_had_not_been(void **state)
{
    static struct world w;
    struct parts pool;
    struct strbuf whole = {0}, again = {0};
    struct evolve e;
    char a[600], b[600];
    trv_err err = {0};
    double value;

    (void)state;
    world_open(&w);
    make_pool(&pool);
    snprintf(a, sizeof(a), "%s/a.jsonl", test_tmpdir("evolve_whole"));
    snprintf(b, sizeof(b), "%s/b.jsonl", test_tmpdir("evolve_again"));
    search(&e, &w, &pool, a, false, 5, 3);
    value = e.best_value.mean;
    evolve_release(&e);
    search(&e, &w, &pool, b, false, 2, 3);
    evolve_release(&e);
    assert_int_equal(file_read(&again, b, 1 << 20, &err), 0);
    sb_puts(&again, "{\"id\":99,\"round\":3,\"how\":\"dr"); // half a line
    assert_int_equal(file_write_atomic(b, again.s, again.len, &err), 0);
    sb_reset(&again);
    search(&e, &w, &pool, b, true, 5, 3);
    assert_close(e.best_value.mean, value, 0.0);
    evolve_release(&e);
    assert_int_equal(file_read(&whole, a, 1 << 20, &err), 0);
    assert_int_equal(file_read(&again, b, 1 << 20, &err), 0);
    assert_string_equal(again.s, whole.s);
    sb_release(&whole);
    sb_release(&again);
    parts_release(&pool);
    world_close(&w);
}

/* ---- instructions that nobody named ------------------------------------- */

#define SHORT 3 // tokens of an instruction: there are 100 that can be made

/* Every text of up to three tokens, as an instruction is written: letters, with
 * a single blank between two of them. */
static int
all_short_texts(char texts[TEXTS][8])
{
    int n = 0;

    for (int i = 0; i < 4; i++)
        snprintf(texts[n++], 8, "%c", 'a' + i);
    for (int i = 0; i < 16; i++) {
        snprintf(texts[n++], 8, "%c%c", 'a' + i / 4, 'a' + i % 4);
        snprintf(texts[n++], 8, "%c %c", 'a' + i / 4, 'a' + i % 4);
    }
    for (int i = 0; i < 64; i++)
        snprintf(texts[n++], 8, "%c%c%c", 'a' + i / 16, 'a' + i / 4 % 4,
                 'a' + i % 4);
    return n;
}

/* By what the model writes in the prompt's place alone, and edits of it. */
static void
search_words(struct evolve *e, struct world *w, struct prompt_place *slot,
             int64_t most, const char *file, bool resume, int64_t rounds,
             uint64_t seed)
{
    trv_err err = {0};

    *e = (struct evolve){.o = {.train = w->list,
                               .n_train = INPUTS,
                               .rounds = rounds,
                               .population = 8,
                               .minibatch = 3,
                               .finalists = 8,
                               .answers = 32,
                               .final_answers = 128,
                               .max_prompt_tokens = most,
                               .beta = BETA,
                               .lambda = LAMBDA,
                               .end = "\n",
                               .by_edits = true,
                               .by_model = true,
                               .slot = slot,
                               .screen = 16,
                               .screen_again = 4,
                               .file = file,
                               .resume = resume},
                         .prompt_value = {.s = w->s,
                                          .reward = w->reward,
                                          .max_tokens = L,
                                          .temperature = 1.0,
                                          .kl = true,
                                          .seed = seed}};
    if (evolve_run(e, &err))
        fail_msg("%s", err.msg);
}

static void
open_place(struct prompt_place *slot, const struct world *w)
{
    trv_err err = {0};

    if (prompt_place_open(slot, w->s->model, w->rows, INPUTS, "\n", &err))
        fail_msg("%s", err.msg);
}

static void
test_evolve_finds_the_best_instruction_without_a_phrase(void **state)
{
    static char texts[TEXTS][8];
    static struct world w;
    struct prompt_place slot;
    struct evolve e;
    double best = -1e9, got;
    int n, top = 0;

    (void)state;
    world_open(&w);
    open_place(&slot, &w);
    n = all_short_texts(texts);
    for (int t = 0; t < n; t++) {
        const double v = exact(&w, texts[t], BETA, LAMBDA);

        top = v > best ? t : top;
        best = v > best ? v : best;
    }
    assert_true(best > exact(&w, "", BETA, LAMBDA) + 0.1);
    search_words(&e, &w, &slot, SHORT, NULL, false, 16, 1);
    got = exact(&w, e.best->text, BETA, LAMBDA);
    print_message("%d texts, best '%s' %.4f; found '%s' %.4f as %s, %lld "
                  "tried\n",
                  n, texts[top], best, e.best->text, got, e.best->how,
                  (long long)e.pool.n);
    assert_true(e.pool.n < n); // it did not try them all
    assert_true(got >= best - 0.02 * fabs(best));
    evolve_release(&e);
    prompt_place_release(&slot);
    world_close(&w);
}

static void
test_evolve_in_the_models_words_goes_on_as_if_it_had_not_stopped(void **state)
{
    static struct world w;
    struct prompt_place slot;
    struct strbuf whole = {0}, again = {0};
    struct evolve e;
    char a[600], b[600];
    bool guided = false, ending = false;
    trv_err err = {0};

    (void)state;
    world_open(&w);
    open_place(&slot, &w);
    snprintf(a, sizeof(a), "%s/a.jsonl", test_tmpdir("evolve_words"));
    snprintf(b, sizeof(b), "%s/b.jsonl", test_tmpdir("evolve_words_again"));
    search_words(&e, &w, &slot, PROMPT_MOST, a, false, 3, 5);
    evolve_release(&e);
    search_words(&e, &w, &slot, PROMPT_MOST, b, false, 1, 5);
    evolve_release(&e);
    search_words(&e, &w, &slot, PROMPT_MOST, b, true, 3, 5);
    for (int64_t i = 0; i < e.pool.n; i++) {
        guided = guided || strcmp(e.pool.list[i]->how, "guided") == 0;
        ending = ending || strcmp(e.pool.list[i]->how, "ending") == 0;
    }
    evolve_release(&e);
    assert_true(guided && ending); // so what they need was read back
    assert_int_equal(file_read(&whole, a, 1 << 20, &err), 0);
    assert_int_equal(file_read(&again, b, 1 << 20, &err), 0);
    assert_string_equal(again.s, whole.s);
    sb_release(&whole);
    sb_release(&again);
    prompt_place_release(&slot);
    world_close(&w);
}

/* Mean log-probability of a token of the guide's answers, from all answers. */
static double
exact_hint(struct world *w, const struct evolve_guide *g, struct adaptation *z)
{
    double sum = 0.0, p[ANSWERS];
    int64_t tokens = 0;

    for (int64_t i = 0; i < g->n; i++) {
        const struct place_answer *y = &g->y[i];

        all_logps(p, w, z, (int)y->row);
        for (int64_t k = 0; k < w->n; k++)
            if (w->len[k] == y->n &&
                memcmp(w->ids[k], y->ids, (size_t)y->n * sizeof(*y->ids)) ==
                    0) {
                assert_close(w->r[y->row][k], 1.0, 0.0); // it earned the most
                sum += p[k];
            }
        tokens += y->n;
    }
    return sum / (double)tokens;
}

static void
test_evolve_is_guided_by_the_likelihood_of_rewarded_answers(void **state)
{
    static struct world w;
    struct prompt_place slot;
    struct evolve_guide g;
    struct evolve e;
    struct rng rng;
    double hint[TEXTS];
    int better = 0, worse = 0;
    int64_t n;
    trv_err err = {0};

    (void)state;
    world_open(&w);
    open_place(&slot, &w);
    search_words(&e, &w, &slot, PROMPT_MOST, NULL, false, 1, 7);
    assert_int_equal(evolve_guide_open(&g, &e, &err), 0);
    assert_true(g.n > 1);
    n = e.pool.n < TEXTS ? e.pool.n : TEXTS;
    assert_int_equal(evolve_guide_hints(hint, &g, e.pool.list, n, &err), 0);
    assert_true(isnan(hint[0])); // no prompt has no place
    rng_init(&rng, 1, 1);
    for (int64_t i = 1; i < n; i++) {
        struct candidate *child;
        double of_child;

        assert_close(hint[i], exact_hint(&w, &g, e.pool.list[i]->z), 1e-5);
        assert_int_equal(
            evolve_guide_child(&child, &g, e.pool.list[i], &rng, &err), 0);
        if (!child)
            continue; // all that is near is known
        assert_int_equal(child->parents[0], e.pool.list[i]->id);
        assert_int_equal(evolve_guide_hints(&of_child, &g, &child, 1, &err), 0);
        *(of_child > hint[i] ? &better : &worse) += 1;
    }
    print_message("%lld answers; guided children: %d likelier, %d not\n",
                  (long long)g.n, better, worse);
    /* Kept ones are near the best already, and some have no likelier neighbour;
     * along the wrong sign of the gradient almost none would be likelier. */
    assert_true(better > 2 * worse && better > 8);
    evolve_guide_release(&g);
    evolve_release(&e);
    prompt_place_release(&slot);
    world_close(&w);
}

#define REPLY(text) "{\"choices\":[{\"message\":{\"content\":\"" text "\"}}]}"

static void
test_evolve_tries_what_an_endpoint_proposes(void **state)
{
    static const struct server_says script[] = {
        {200, NULL, REPLY("Better:\\n```text\\nc. c\\n```")}, // a fence
        {500, NULL, ""},
        {200, NULL, REPLY("\\\"d c\\\"")},
        {200, NULL, REPLY("a b c d a b c d")}, // too long: cut
        {200, NULL, REPLY("</s>d")},           // a special token
        {200, NULL, REPLY("d c")}};            // known
    static struct world w;
    struct server server;
    struct parts pool;
    struct proposer *p;
    struct evolve e = {0};
    char url[64];
    bool seen[3] = {false};
    trv_err err = {0};

    (void)state;
    world_open(&w);
    make_pool(&pool);
    server_start(&server, script, 6);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", server.port);
    if (proposer_open(&p,
                      &(struct proposer_options){.url = url,
                                                 .model = "m",
                                                 .max_calls = 6,
                                                 .max_tokens = 100000,
                                                 .reply_tokens = 50,
                                                 .timeout_s = 5,
                                                 .retries = 1,
                                                 .wait_s = 0.01},
                      &err))
        fail_msg("%s", err.msg);
    e.o = (struct evolve_options){.train = w.list,
                                  .n_train = INPUTS,
                                  .rounds = 3,
                                  .population = 4,
                                  .minibatch = 2,
                                  .finalists = 2,
                                  .answers = 2,
                                  .final_answers = 2,
                                  .max_prompt_tokens = PROMPT_MOST,
                                  .end = "\n",
                                  .phrases = &pool,
                                  .by_edits = true,
                                  .proposer = p};
    e.prompt_value = (struct prompt_value_options){
        .s = w.s, .reward = w.reward, .max_tokens = L, .temperature = 1.0};
    if (evolve_run(&e, &err))
        fail_msg("%s", err.msg);
    assert_true(proposer_is_spent(p)); // the budget held
    assert_int_equal(server.served, 6);
    assert_non_null(strstr(server.seen, "The instruction now"));
    for (int64_t i = 0; i < e.pool.n; i++) {
        const struct candidate *a = e.pool.list[i];

        assert_null(strstr(a->text, "</s>"));
        if (strcmp(a->how, "proposer") != 0)
            continue;
        seen[0] = seen[0] || !strcmp(a->text, "c. c");
        seen[1] = seen[1] || !strcmp(a->text, "d c");
        seen[2] = seen[2] || !strcmp(a->text, "a b c d");
    }
    assert_true(seen[0]); // its full stops have no token, and cost none
    assert_true(seen[1]);
    assert_true(seen[2]);
    evolve_release(&e);
    proposer_free(p);
    server_stop(&server);
    parts_release(&pool);
    world_close(&w);
}

static void
refused(struct world *w, const char *bytes)
{
    struct candidates c = {.n_inputs = INPUTS, .end = "\n"};
    char path[600];
    trv_err err = {0};

    snprintf(path, sizeof(path), "%s/x.jsonl", test_tmpdir("evolve_bad"));
    assert_int_equal(journal_append(path, bytes, strlen(bytes), &err), 0);
    if (candidates_read(&c, path, w->s->model->tokenizer, &err) != TRV_EFORMAT)
        fail_msg("'%s' was read", bytes);
    assert_non_null(strstr(err.msg, "start it anew"));
    candidates_release(&c);
}

#define END                                                                    \
    "{\"round\":0,\"phrases\":[],\"asked\":0,\"answers\":0,\"drawn\":0}\n"

#define SHOWN(input, ids)                                                      \
    "{\"id\":0,\"how\":\"none\",\"parts\":[],\"parents\":[-1,-1],"             \
    "\"reward\":[1,2,3,4],\"kl\":[1,2,3,4],\"best\":{\"input\":" input         \
    ",\"reward\":1,\"text\":\"d\",\"ids\":" ids "}}\n" END

static void
test_evolve_refuses_what_no_search_wrote(void **state)
{
    static struct world w;
    struct candidates c = {.n_inputs = INPUTS, .end = "\n"};

    (void)state;
    world_open(&w);
    refused(&w, "{\"round\":1}\n");
    refused(&w, "{\"round\":0,\"phrases\":7,\"asked\":0}\n");
    refused(&w, "nonsense\n" END);
    refused(&w, "{\"id\":5,\"how\":\"drop\",\"parts\":[]}\n" END);
    refused(&w, "{\"id\":0,\"how\":\"magic\",\"parts\":[]}\n" END);
    refused(&w, "{\"id\":0,\"how\":\"none\",\"parts\":[1]}\n" END);
    refused(&w, "{\"id\":0,\"how\":\"none\",\"parts\":[],\"parents\":[-1,-1],"
                "\"reward\":[1,2],\"kl\":[]}\n" END);
    refused(&w, "{\"id\":0,\"how\":\"none\",\"parts\":[],\"parents\":[4,-1],"
                "\"reward\":[1,2,3,4],\"kl\":[1,2,3,4]}\n" END);
    refused(&w, "{\"id\":0,\"how\":\"none\",\"parts\":[],\"parents\":[-1,-1],"
                "\"kept\":true,"
                "\"reward\":[1,2,null,4],\"kl\":[1,2,3,4]}\n" END);
    refused(&w, SHOWN("0", "[3,99]")); // no such token
    refused(&w, SHOWN("0", "\"d\""));
    refused(&w, SHOWN("9", "[3]")); // no such input
    assert_int_equal(
        candidates_read(&c, "nowhere", w.s->model->tokenizer, NULL), 0);
    assert_int_equal(c.n, 0);
    world_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evolve_reaches_the_optimum_of_all_instructions),
        cmocka_unit_test(
            test_evolve_that_was_stopped_goes_on_as_if_it_had_not_been),
        cmocka_unit_test(
            test_evolve_finds_the_best_instruction_without_a_phrase),
        cmocka_unit_test(
            test_evolve_in_the_models_words_goes_on_as_if_it_had_not_stopped),
        cmocka_unit_test(
            test_evolve_is_guided_by_the_likelihood_of_rewarded_answers),
        cmocka_unit_test(test_evolve_tries_what_an_endpoint_proposes),
        cmocka_unit_test(test_evolve_refuses_what_no_search_wrote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
