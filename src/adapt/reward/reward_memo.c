/* reward_memo.c -- scores by reward and items. */
#include "adapt/reward/reward_memo.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"

#define EVERY 1.0 // seconds between two writes

/* The scores of one call, while they come in. */
struct keeper {
    const struct reward_watch *watch;
    const double *score;
    char key[HASH_HEX];
    int64_t from, kept, done, total; // of the list: where the rest begins, ...
    double written;                  // when
    int rc;                          // of writing
    trv_err why;
};

static void
add_text(struct hash *h, const char *text, size_t n)
{
    hash_add(h, &n, sizeof(n));
    hash_add(h, text ? text : "", n);
}

static int
make_key(struct keeper *k, const struct adaptation *a,
         const struct reward_item *items, int64_t n, trv_err *err)
{
    const int kind = a ? (int)a->kind : (int)KIND_BASE;
    const char *spec = a && a->spec ? a->spec : "";
    struct hash *h;
    const int rc = hash_open(&h, err);
    bool bad = false;

    if (rc)
        return rc;
    hash_add(h, &kind, sizeof(kind));
    hash_add(h, &k->watch->part, sizeof(k->watch->part));
    add_text(h, spec, strlen(spec));
    for (int64_t i = 0; i < n; i++) {
        const struct reward_item *x = &items[i];
        char *row = json_dumps(x->row->json, JSON_COMPACT | JSON_SORT_KEYS);

        bad |= x->row->json && !row;
        add_text(h, row, row ? strlen(row) : 0);
        free(row);
        hash_add(h, &x->own, sizeof(x->own));
        hash_add(h, &x->n_ids, sizeof(x->n_ids));
        hash_add(h, x->ids, (size_t)x->n_ids * sizeof(*x->ids));
        add_text(h, x->text, x->n_text);
    }
    hash_close(h, k->key);
    return bad ? err_nomem(err, "to score answers") : 0;
}

static void
name_block(char name[HASH_HEX + 24], const struct keeper *k, int64_t from)
{
    snprintf(name, HASH_HEX + 24, "%s:%lld", k->key, (long long)from);
}

/* Fill in what is kept; k->from takes where the rest begins. */
static int
take_kept(struct keeper *k, double *score, trv_err *err)
{
    char name[HASH_HEX + 24];
    const json_t *block;

    name_block(name, k, 0);
    while ((block = memo_find(k->watch->memo, name))) {
        const size_t n = json_array_size(block);

        if (n < 1 || n > (size_t)(k->total - k->from))
            return memo_broken(k->watch->memo, err);
        for (size_t i = 0; i < n; i++) {
            const json_t *x = json_array_get(block, i);

            if (!json_is_number(x))
                return memo_broken(k->watch->memo, err);
            score[k->from++] = json_number_value(x);
        }
        name_block(name, k, k->from);
    }
    k->kept = k->done = k->from;
    return 0;
}

/* Keep what was scored since the last time. */
static int
keep(struct keeper *k, trv_err *err)
{
    char name[HASH_HEX + 24];
    json_t *block;
    int bad, rc;

    k->written = clock_now();
    if (k->done == k->kept)
        return 0;
    block = json_array();
    bad = !block;
    for (int64_t i = k->kept; i < k->done && !bad; i++)
        bad = json_array_append_new(block, json_real(k->score[i]));
    if (bad) {
        json_decref(block);
        block = NULL;
    }
    name_block(name, k, k->kept);
    rc = memo_add(k->watch->memo, name, block, err);
    if (!rc)
        k->kept = k->done;
    return rc;
}

static bool
on_scored(void *payload, int64_t done, int64_t total)
{
    struct keeper *k = payload;

    (void)total;
    k->done = k->from + done;
    if (clock_now() - k->written >= EVERY)
        k->rc = keep(k, &k->why);
    return !k->rc && (!k->watch->progress ||
                      k->watch->progress(k->watch->payload, k->done, k->total));
}

int
reward_memo_score(struct session *s, struct adaptation *a, double *score,
                  const struct reward_item *items, int64_t n,
                  const struct reward_watch *watch, trv_err *err)
{
    struct keeper k = {
        .watch = watch, .score = score, .total = n, .written = clock_now()};
    const struct reward_watch relay = {.progress = on_scored, .payload = &k};
    int rc = make_key(&k, a, items, n, err);

    if (!rc)
        rc = take_kept(&k, score, err);
    if (!rc && k.from < n) {
        rc = kind_row(a ? a->kind : KIND_BASE)
                 ->score(s, a, score + k.from, NULL, items + k.from, n - k.from,
                         &relay, err);
        if (!rc)
            k.done = n;
        if (!k.rc && keep(&k, &k.why) && !rc) // a failure to score goes first
            k.rc = k.why.code;
    }
    if (k.rc && err)
        *err = k.why;
    return k.rc ? k.rc : rc;
}
