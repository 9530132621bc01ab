/* batch.c -- packing rows, sharing their common beginnings. */
#include "model/decoder/batch.h"

#include <string.h>

struct sort_key {
    const struct row *row;
    int64_t index;
    int64_t group; // order in which adaptations first appear
};

static int
compare_keys(const void *pa, const void *pb)
{
    const struct sort_key *a = pa, *b = pb;
    const int64_t n = a->row->n < b->row->n ? a->row->n : b->row->n;

    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    for (int64_t i = 0; i < n; i++)
        if (a->row->ids[i] != b->row->ids[i])
            return a->row->ids[i] < b->row->ids[i] ? -1 : 1;
    if (a->row->n != b->row->n)
        return a->row->n < b->row->n ? -1 : 1;
    return a->index < b->index ? -1 : 1; // a stable order
}

static int64_t
common_prefix(const struct row *a, const struct row *b)
{
    int64_t i = 0;

    while (i < a->n && i < b->n && a->ids[i] == b->ids[i])
        i++;
    return i;
}

int64_t
batch_count_spans(const int64_t *path, int64_t n)
{
    int64_t spans = n > 0;

    for (int64_t i = 1; i < n; i++)
        spans += path[i] != path[i - 1] + 1;
    return spans;
}

void
batch_fill_spans(struct attn_span *spans, const int64_t *path, int64_t n)
{
    int64_t s = -1;

    for (int64_t i = 0; i < n; i++) {
        if (i == 0 || path[i] != path[i - 1] + 1)
            spans[++s] = (struct attn_span){path[i], 0};
        spans[s].n++;
    }
}

int
batch_pack(struct batch *b, const int64_t *const **at, struct arena *a,
           const struct row *rows, int64_t n_rows, trv_err *err)
{
    struct sort_key *keys =
        arena_alloc(a, (size_t)n_rows * sizeof(struct sort_key));
    int64_t **paths = arena_alloc(a, (size_t)n_rows * sizeof(*paths));
    struct attn_seg *segs = arena_alloc(a, (size_t)n_rows * sizeof(*segs));
    struct batch_group *groups =
        arena_alloc(a, (size_t)n_rows * sizeof(*groups));
    int64_t total = 0, n_groups = 0, n_segs = 0, T = 0;
    int32_t *ids, *pos;

    if (!keys || !paths || !segs || !groups)
        goto no_memory;
    for (int64_t r = 0; r < n_rows; r++) {
        int64_t g = 0;

        TRV_ASSERT(rows[r].n >= 1);
        while (g < n_groups &&
               groups[g].adapter_weights != rows[r].adapter_weights)
            g++;
        if (g == n_groups)
            groups[n_groups++] =
                (struct batch_group){0, 0, rows[r].adapter_weights};
        keys[r] = (struct sort_key){&rows[r], r, g};
        paths[r] = arena_alloc(a, (size_t)rows[r].n * sizeof(int64_t));
        if (!paths[r])
            goto no_memory;
        total += rows[r].n;
    }
    ids = arena_alloc(a, (size_t)total * sizeof(*ids));
    pos = arena_alloc(a, (size_t)total * sizeof(*pos));
    if (!ids || !pos)
        goto no_memory;
    qsort(keys, (size_t)n_rows, sizeof(*keys), compare_keys);

    for (int64_t k = 0; k < n_rows; k++) {
        const struct row *row = keys[k].row;
        int64_t *path = paths[keys[k].index];
        struct batch_group *group = &groups[keys[k].group];
        struct attn_span *spans;
        int64_t shared = 0;

        if (k > 0 && keys[k - 1].group == keys[k].group) {
            shared = common_prefix(keys[k - 1].row, row);
            memcpy(path, paths[keys[k - 1].index],
                   (size_t)shared * sizeof(*path));
        } else {
            group->t0 = T;
        }
        if (shared == row->n)
            continue; // a row seen before: nothing new to compute
        segs[n_segs] = (struct attn_seg){.t0 = T, .n = row->n - shared};
        for (int64_t i = shared; i < row->n; i++) {
            path[i] = T;
            ids[T] = row->ids[i];
            pos[T] = (int32_t)i;
            T++;
        }
        group->n = T - group->t0;

        /* The last span must end with the run itself: it may begin earlier,
         * where the prefix lies just before it: neighbours are one span. */
        segs[n_segs].n_spans = batch_count_spans(path, row->n);
        spans = arena_alloc(a, (size_t)segs[n_segs].n_spans * sizeof(*spans));
        if (!spans)
            goto no_memory;
        batch_fill_spans(spans, path, row->n);
        segs[n_segs++].spans = spans;
    }
    *b = (struct batch){.T = T,
                        .ids = ids,
                        .pos = pos,
                        .n_segs = n_segs,
                        .segs = segs,
                        .n_groups = n_groups,
                        .groups = groups};
    *at = (const int64_t *const *)paths;
    return 0;
no_memory:
    return err_fail(err, TRV_ENOMEM, "no memory to pack %lld rows",
                    (long long)n_rows);
}
