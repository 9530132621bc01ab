/* evolve_propose.c -- instructions from edits, the model and an endpoint. */
#include "transform/evolve/evolve_propose.h"

#include <string.h>

#include "base/mem.h"
#include "base/streams.h"
#include "text/utf8.h"
#include "transform/evolve/evolve_add.h"
#include "transform/evolve/evolve_guide.h"
#include "transform/evolve/pareto.h"
#include "transform/search/place_sample.h"

#define TRIES 24 // draws of an edit until one is new

/* ---- words of the model ------------------------------------------------- */

/* Add n bytes without the quotes and marks around them, as parts. */
static int
take_trimmed(struct parts *out, const char *text, size_t n)
{
    static const char around[] = " \t\r\n\"'`*-";
    struct strbuf b = {0};
    int rc;

    while (n > 0 && strchr(around, *text)) {
        text++;
        n--;
    }
    while (n > 0 && strchr(" \t\r\n\"'`*", text[n - 1]))
        n--;
    rc = sb_add(&b, text, n) || sb_puts(&b, "") ? TRV_ENOMEM : 0;
    if (!rc)
        rc = parts_split(out, b.s);
    sb_release(&b);
    return rc;
}

/* The first line that is not empty: a small model may not stop. */
static int
take_line(struct parts *out, const char *text)
{
    text += strspn(text, " \t\r\n");
    return take_trimmed(out, text, strcspn(text, "\n"));
}

/* What an endpoint writes: what stands between fences, or all of it. */
static int
take_reply(struct parts *out, const char *text)
{
    const char *fence = strstr(text, "```"), *end;

    if (!fence)
        return take_trimmed(out, text, strlen(text));
    text = fence + 3;
    text += strcspn(text, "\n"); // the name of a language
    end = strstr(text, "```");
    return take_trimmed(out, text, end ? (size_t)(end - text) : strlen(text));
}

/* Leave words at the end out until the text fits. */
static int
shorten(struct evolve *e, struct parts *p, trv_err *err)
{
    const struct tokenizer *t = e->prompt_value.s->model->tokenizer;

    for (;;) {
        struct strbuf b = {0};
        struct ids ids = {0};
        char *last, *blank;
        int64_t n;
        int rc =
            parts_join(&b, p) ? err_nomem(err, "to propose instructions") : 0;

        if (!rc)
            rc = tokenizer_encode(t, &ids, b.s ? b.s : "", b.len, false, err);
        n = ids.n;
        ids_release(&ids);
        sb_release(&b);
        if (rc || n <= e->o.max_prompt_tokens || p->n == 0)
            return rc;
        last = p->v[p->n - 1];
        blank = strrchr(last, ' ');
        if (blank)
            *blank = '\0';
        else
            mem_free(p->v[--p->n]);
    }
}

/* A text that was written by the model (`how`), or by an endpoint, made a
 * candidate. */
static int
add_words(struct evolve *e, struct candidate **out, const char *text,
          const char *how, int64_t parent, trv_err *err)
{
    struct parts parts = {0};
    int rc = strcmp(how, "proposer") == 0 ? take_reply(&parts, text)
                                          : take_line(&parts, text);

    *out = NULL;
    rc = rc ? err_nomem(err, "to propose instructions") : 0;
    if (!rc)
        rc = shorten(e, &parts, err);
    if (!rc && parts.n > 0 && parts.n <= PARTS_MOST)
        rc = evolve_add_parts(out, e, &parts, how, parent, -1, err);
    parts_release(&parts);
    return rc;
}

static int
ask_text(struct strbuf *out, const struct evolve *e,
         const struct candidate *parent)
{
    const bool chat = model_is_chat(e->prompt_value.s->model);
    const bool any = parent && *parent->text;

    if (chat && any)
        return sb_printf(out,
                         "Here is an instruction for an assistant: %s\n\nWrite "
                         "another instruction that works better. Write only "
                         "the instruction, in one sentence.",
                         parent->text);
    if (chat)
        return sb_puts(out, "Write a short instruction for an assistant. "
                            "Write only the instruction, in one sentence.");
    return any ? sb_printf(out,
                           "Instruction: %s\nBetter instruction:", parent->text)
               : sb_puts(out, "Instruction:");
}

/* Ask the model itself for a rewriting of each parent (NULL: for a new one). */
static int
ask_model(struct evolve *e, char **text, struct candidate *const *parents,
          int64_t n, int64_t first, trv_err *err)
{
    struct prompt_value_options o = e->prompt_value;
    char **ask = mem_calloc((size_t)n + 1, sizeof(*ask));
    int rc = ask ? 0 : err_nomem(err, "to propose instructions");

    o.max_tokens = e->o.max_prompt_tokens + EVOLVE_ASKED_MORE;
    o.temperature = 1.0;
    for (int64_t i = 0; i < n && !rc; i++) {
        struct strbuf b = {0};

        rc = ask_text(&b, e, parents[i])
                 ? err_nomem(err, "to propose instructions")
                 : 0;
        ask[i] = sb_take(&b);
        sb_release(&b);
    }
    if (!rc && n > 0)
        rc = prompt_value_sample(
            text, (const char *const *)ask, n,
            STREAM_ASKED + ((uint64_t)e->pool.rounds << 20) + (uint64_t)first,
            &o, &e->pool.drawn, err);
    for (int64_t i = 0; ask && i < n; i++)
        mem_free(ask[i]);
    mem_free(ask);
    return rc;
}

/* ---- words of an endpoint ----------------------------------------------- */

static int
add_shown(struct strbuf *b, const struct evolve *e, const struct shown *s,
          const char *what)
{
    if (s->input < 0)
        return 0;
    return sb_printf(b,
                     "An answer with %s reward (%.3g):\nInput: %.600s\n"
                     "Answer: %.600s\n\n",
                     what, s->reward, data_row_words(e->o.train[s->input]),
                     s->text);
}

static int
ask_endpoint(struct evolve *e, struct candidate **out,
             const struct candidate *parent, trv_err *err)
{
    static const char system[] =
        "You improve the instruction that stands before the inputs of a "
        "language model, so that a reward of its answers rises. Reply with "
        "the new instruction only.";
    struct strbuf user = {0}, clean = {0};
    char *reply = NULL;
    size_t used;
    int rc = 0;

    *out = NULL;
    if (sb_printf(&user,
                  "The instruction now:\n%s\n\nIts mean reward is %.4g; "
                  "rewards lie between %.4g and %.4g so far.\n\n",
                  *parent->text ? parent->text : "(none)",
                  candidates_mean(&e->pool, parent, NULL, 0), e->lowest,
                  e->highest) ||
        add_shown(&user, e, &parent->best, "a high") ||
        add_shown(&user, e, &parent->worst, "a low") ||
        sb_printf(&user,
                  "Find out what makes the difference, and write a better "
                  "instruction of at most %lld words.",
                  (long long)(e->o.max_prompt_tokens * 3 / 4 + 1)) ||
        utf8_repair(&clean, &used, user.s, user.len, false))
        rc = err_nomem(err, "to propose instructions");
    if (!rc)
        rc = proposer_ask(e->o.proposer, &reply, system, clean.s, err);
    e->pool.asked = proposer_asked(e->o.proposer);
    if (!rc && reply)
        rc = add_words(e, out, reply, "proposer", parent->id, err);
    mem_free(reply);
    sb_release(&user);
    sb_release(&clean);
    return rc;
}

/* ---- words in their place ----------------------------------------------- */

/* n texts, each after its beginning (NULL: after none), as candidates;
 * parent[i] (NULL: no prompt at all) is whose beginning it is. */
static int
draw_words(struct evolve *e, struct candidate **list, int64_t *made,
           const struct ids *begin, int64_t n, uint64_t stream, const char *how,
           const int64_t *parent, trv_err *err)
{
    const struct place_sample w = {.s = e->prompt_value.s,
                                   .slot = e->o.slot,
                                   .allowed = e->allowed,
                                   .most = e->o.max_prompt_tokens,
                                   .seed = e->prompt_value.seed,
                                   .stream = stream};
    struct proposal *text = mem_calloc((size_t)n + 1, sizeof(*text));
    int64_t got = 0;
    int rc = text ? place_sample_draw(text, &got, &w, begin, n, err)
                  : err_nomem(err, "to propose instructions");

    for (int64_t i = 0; i < got && !rc; i++) {
        struct candidate *a;

        rc = evolve_add_text(&a, e, text[i].text, how, parent ? parent[i] : 0,
                             err);
        e->pool.drawn += (double)text[i].z.n;
        if (a)
            list[(*made)++] = a;
    }
    for (int64_t i = 0; i < got; i++)
        proposal_release(&text[i]);
    mem_free(text);
    return rc;
}

int
evolve_propose_words(struct evolve *e, struct candidate **list, int64_t *n,
                     int64_t want, trv_err *err)
{
    return draw_words(e, list, n, NULL, want,
                      STREAM_WORDS + ((uint64_t)e->pool.rounds << 20), "words",
                      NULL, err);
}

/* The end of a parent written anew from a token on; one at a time, for each has
 * its own parent. */
static int
child_by_ending(struct evolve *e, struct candidate **out,
                const struct candidate *parent, int64_t k, struct rng *rng,
                trv_err *err)
{
    struct ids z = {0};
    int64_t n = 0;
    int rc = evolve_ids(&z, e, parent, err);

    *out = NULL;
    if (!rc) {
        z.n = z.n > 0 ? rng_below(rng, (uint32_t)z.n) : 0;
        rc = draw_words(e, out, &n, &z, 1,
                        STREAM_ENDINGS + ((uint64_t)e->pool.rounds << 20) +
                            (uint64_t)k,
                        z.n > 0 ? "ending" : "words", &parent->id, err);
    }
    ids_release(&z);
    return rc;
}

/* ---- children ----------------------------------------------------------- */

/* Who is changed: a winner, by its wins; now and then the best on average,
 * whose neighbours are worth a look each; and where their children are all
 * known, any that was kept. */
static struct candidate *
draw_parent(const struct front *f, bool any, struct rng *rng)
{
    const uint32_t die = rng_below(rng, 3);

    if (any)
        return f->list[rng_below(rng, (uint32_t)f->n)];
    return f->list[die == 0 ? f->best : pareto_draw(f->wins, f->n, rng)];
}

/* One edit, and further ones now and then: a single one does not leave every
 * hill. */
static int
edit_some(struct parts *out, enum edit *how, const struct evolve *e,
          const struct candidate *a, const struct candidate *b, struct rng *rng)
{
    int rc = edit_draw(out, how, &a->parts, a == b ? NULL : &b->parts,
                       &e->pool.phrases, e->o.closed, rng);

    while (!rc && rng_below(rng, 3) == 0) {
        struct parts next;
        enum edit further;

        rc = edit_draw(&next, &further, out, NULL, &e->pool.phrases,
                       e->o.closed, rng);
        if (rc == 1)
            return 0; // the one that was made stands
        parts_release(out);
        *out = next;
    }
    return rc;
}

static int
child_by_edit(struct evolve *e, struct candidate **out, const struct front *f,
              struct rng *rng, trv_err *err)
{
    int rc = 0;

    *out = NULL;
    for (int k = 0; k < TRIES && !*out && !rc; k++) {
        const struct candidate *a = draw_parent(f, k >= TRIES / 2, rng);
        const struct candidate *b = draw_parent(f, k >= TRIES / 2, rng);
        struct parts parts;
        enum edit how;

        rc = edit_some(&parts, &how, e, a, b, rng);
        if (rc == 1) {
            rc = 0; // of no part, and no phrase is there
            continue;
        }
        if (rc)
            return err_nomem(err, "to propose instructions");
        rc = evolve_add_parts(out, e, &parts, edit_name(how), a->id,
                              how == EDIT_CROSS ? b->id : -1, err);
    }
    return rc;
}

enum source { BY_EDIT, BY_ENDING, BY_GUIDE, BY_MODEL, BY_PROPOSER };

/* Who makes child k: half of all the endpoint; the rest in turns, where they
 * can be had, who else the options let propose. */
static enum source
source_of(const struct evolve *e, const struct evolve_guide *g, int64_t k)
{
    static const enum source turns[] = {BY_EDIT, BY_ENDING, BY_GUIDE, BY_MODEL};
    const bool asked = e->o.proposer && !proposer_is_spent(e->o.proposer);
    const int64_t at = (asked ? k / 2 : k) + e->pool.rounds;

    if (asked && k % 2 == 0)
        return BY_PROPOSER;
    for (int64_t i = 0; i < 4; i++) {
        const enum source by = turns[(at + i) % 4];

        if ((by == BY_EDIT && e->o.by_edits) ||
            (by == BY_ENDING && e->o.by_model && e->o.slot) ||
            (by == BY_GUIDE && e->o.by_edits && !e->o.closed && g->n > 0) ||
            (by == BY_MODEL && e->o.by_model))
            return by;
    }
    return BY_PROPOSER;
}

/* A child that is made at once; NULL where that way gives none. */
static int
make_child(struct evolve *e, struct candidate **out, enum source by, int64_t k,
           const struct front *f, const struct evolve_guide *g, struct rng *rng,
           trv_err *err)
{
    int rc = 0;

    *out = NULL;
    if (by == BY_PROPOSER && e->o.proposer && !proposer_is_spent(e->o.proposer))
        rc =
            ask_endpoint(e, out, f->list[pareto_draw(f->wins, f->n, rng)], err);
    else if (by == BY_ENDING)
        rc = child_by_ending(e, out, draw_parent(f, false, rng), k, rng, err);
    else if (by == BY_GUIDE)
        rc = evolve_guide_child(out, g, draw_parent(f, false, rng), rng, err);
    if (!rc && !*out && e->o.by_edits)
        rc = child_by_edit(e, out, f, rng, err);
    return rc;
}

int
evolve_propose_round(struct evolve *e, struct candidate **children, int64_t *n,
                     const struct front *f, const struct evolve_guide *g,
                     struct rng *rng, trv_err *err)
{
    const int64_t P = e->o.population;
    struct candidate **parents = mem_calloc((size_t)P, sizeof(*parents));
    char **text = mem_calloc((size_t)P, sizeof(*text));
    struct candidate *child;
    int64_t asked = 0;
    int rc = parents && text ? 0 : err_nomem(err, "to propose instructions");

    for (int64_t k = 0; k < P && !rc; k++) {
        const enum source by = source_of(e, g, k);

        if (by == BY_MODEL) { // asked together, below
            parents[asked++] = f->list[pareto_draw(f->wins, f->n, rng)];
            continue;
        }
        rc = make_child(e, &child, by, k, f, g, rng, err);
        if (child)
            children[(*n)++] = child;
    }
    if (!rc && asked > 0)
        rc = ask_model(e, text, parents, asked, 0, err);
    for (int64_t i = 0; i < asked && !rc; i++) {
        if (!text[i])
            continue;
        rc = add_words(e, &child, text[i], "model", parents[i]->id, err);
        if (!rc && child)
            children[(*n)++] = child;
    }
    for (int64_t i = 0; text && i < P; i++)
        mem_free(text[i]);
    mem_free(text);
    mem_free(parents);
    return rc;
}

/* ---- to begin with ------------------------------------------------------ */

int
evolve_propose_phrases(struct evolve *e, struct candidate **list, int64_t *n,
                       int64_t most, struct rng *rng, trv_err *err)
{
    const int64_t all = e->pool.phrases.n;
    const int64_t m = all < most ? all : most;
    int64_t *at = mem_array((size_t)all + 1, sizeof(*at));
    int rc = at ? 0 : err_nomem(err, "to propose instructions");

    if (!rc)
        rng_some(rng, at, m, all);
    for (int64_t i = 0; i < m && !rc; i++) {
        struct parts p = {0};
        struct candidate *a = NULL;

        rc = parts_add(&p, e->pool.phrases.v[at[i]],
                       strlen(e->pool.phrases.v[at[i]]))
                 ? err_nomem(err, "to propose instructions")
                 : evolve_add_parts(&a, e, &p, "phrase", 0, -1, err);
        if (a)
            list[(*n)++] = a;
    }
    mem_free(at);
    return rc;
}

/* The parts of a candidate become phrases. */
static int
learn_parts(struct evolve *e, const struct candidate *a, trv_err *err)
{
    for (int64_t k = 0; k < a->parts.n && !e->o.closed; k++)
        if (!parts_has(&e->pool.phrases, a->parts.v[k]) &&
            parts_add(&e->pool.phrases, a->parts.v[k], strlen(a->parts.v[k])))
            return err_nomem(err, "to propose instructions");
    return 0;
}

int
evolve_propose_asked(struct evolve *e, struct candidate **list, int64_t *n,
                     int64_t want, trv_err *err)
{
    struct candidate **none = mem_calloc((size_t)want + 1, sizeof(*none));
    char **text = mem_calloc((size_t)want + 1, sizeof(*text));
    int rc = none && text ? ask_model(e, text, none, want, 0, err)
                          : err_nomem(err, "to propose instructions");

    for (int64_t i = 0; i < want && !rc; i++) {
        struct candidate *a = NULL;

        if (text[i])
            rc = add_words(e, &a, text[i], "model", 0, err);
        if (!rc && a) {
            list[(*n)++] = a;
            rc = learn_parts(e, a, err);
        }
    }
    for (int64_t i = 0; text && i < want; i++)
        mem_free(text[i]);
    mem_free(text);
    mem_free(none);
    return rc;
}
