/* solve.c -- all samples climb the layers together, in packed chunks.
 *
 * Each chunk keeps both residual streams [T,C]; a step takes every chunk
 * through one half of a layer, gathers the normal equations at the answer
 * positions, solves, and adds the correction to the student's streams. What
 * entered the map is kept for that, so nothing is computed twice.
 */
#include "transform/imitate/solve.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "learn/answer_pass.h"
#include "transform/imitate/lowrank.h"
#include "transform/imitate/fisher.h"

/* Tokens of a chunk on the student's side: enough to fill the products. */
#define CHUNK_TOKENS 2048

/* Answer positions that the metric is estimated from, and what is added to its
 * mean diagonal of 1: less was measured to change nothing. */
#define METRIC_POSITIONS 4096
#define METRIC_FLOOR 0.1

/* Of so many inputs the answers of the last are held out: not solved from, but
 * for the length of each direction. With fewer held inputs than HELD_LEAST
 * that length would be noise itself, so all are solved from. */
#define HELD_EVERY 4
#define HELD_LEAST 8

/* Where inputs are held out, ridges up to so many times the least are tried. */
#define RIDGES 4
#define RIDGE_FACTOR 6.0

/* The norm of a row of A as PEFT starts it: in values of variance 1/(3 in). */
#define ROW_NORM 0.57735026918962576

/* One side of a chunk. */
struct stream {
    struct answer_pass p;
    struct mat x; // [T,C] f32, as far as it has climbed
};

/* Answer positions of both sides: where[k] is a packed token. */
struct places {
    int64_t *teacher, *student; // [n]
    int64_t n;
};

struct chunk {
    struct stream teacher, student;
    struct mat entered; // [T,in] of the student, what entered the last map
    struct places fit, held;
};

struct solve {
    struct session *s;
    struct decoder *d;
    struct adapter_weights *student;
    const struct solve_options *opts;
    struct arena keep; // chunks and their streams
    struct chunk *chunks;
    int64_t n_chunks, solved;
    struct lowrank sums, work, held;
    bool holds; // are there inputs enough to hold some out?
    struct fisher fisher;
    double began, tokens;
};

bool
solve_writes(enum part p)
{
    return p == PART_O || p == PART_DOWN;
}

int
solve_check(const struct model_config *cfg, trv_err *err)
{
    for (int64_t i = 0; i < cfg->layers; i++) {
        const struct layer_desc *desc = config_layer(cfg, i);

        if (desc->norm_out)
            return err_fail(err, TRV_EUNSUPPORTED,
                            "solve corrects what maps write into the residual "
                            "stream, and layer %lld of this %s model norms "
                            "that first",
                            (long long)i, family_name(cfg->family));
        if (desc->parallel)
            return err_fail(err, TRV_EUNSUPPORTED,
                            "solve corrects one half of a layer before the "
                            "next, and in layer %lld of this %s model neither "
                            "comes before the other",
                            (long long)i, family_name(cfg->family));
    }
    return 0;
}

/* --- chunks --- */

/* Pack contexts and answers, and embed them. */
static int
stream_open(struct solve *v, struct stream *st, const struct answers *answers,
            int64_t from, int64_t n, bool teacher, trv_err *err)
{
    struct answer_row *rows = arena_alloc(&v->keep, (size_t)n * sizeof(*rows));
    int rc;

    if (!rows)
        return err_nomem(err, "to solve layer by layer");
    for (int64_t i = 0; i < n; i++) {
        const struct answer *y = &answers->list[from + i];
        const struct paired_row *c = &answers->contexts[y->context];
        const struct component *part = &c->teacher.parts[0];

        if (c->teacher.n != 1 || part->d != v->d)
            return err_fail(err, TRV_EUNSUPPORTED,
                            "solve matches one stream of this model, and the "
                            "source mixes several");
        rows[i] = answer_row_of(&c->student, y->ids, y->n, NULL);
        if (teacher)
            rows[i] = (struct answer_row){part->ids, part->n_ids, y->ids, y->n,
                                          part->adapter_weights};
    }
    rc = answer_pack(&st->p, v->d, &v->keep, rows, n, err);
    if (rc)
        return rc;
    st->x = mat_new(&v->keep, DT_F32, st->p.b.T, v->d->cfg->width);
    if (!st->x.data)
        return err_nomem(err, "to solve layer by layer");
    v->tokens += (double)st->p.b.T;
    v->s->be->done.scored += (double)st->p.b.T;
    arena_reset(&v->s->arena);
    return decoder_embed(v->d, &v->s->arena, st->x, &st->p.b, err);
}

static int
places_new(struct places *p, struct arena *a, int64_t n, trv_err *err)
{
    const size_t bytes = (size_t)n * sizeof(int64_t);

    *p = (struct places){arena_alloc(a, bytes), arena_alloc(a, bytes), 0};
    return p->teacher && p->student ? 0
                                    : err_nomem(err, "to solve layer by layer");
}

/* Whole inputs are held out: other answers to one would give it away. */
static int
split_places(struct solve *v, struct chunk *c, const struct answers *answers,
             int64_t from, trv_err *err)
{
    const struct answer_pass *t = &c->teacher.p, *s = &c->student.p;
    int rc = places_new(&c->fit, &v->keep, s->N, err);

    if (!rc)
        rc = places_new(&c->held, &v->keep, s->N, err);
    for (int64_t i = 0; i < s->S && !rc; i++) {
        const int64_t input = answers->list[from + i].context;
        struct places *p = v->holds && input % HELD_EVERY == HELD_EVERY - 1
                               ? &c->held
                               : &c->fit;

        for (int64_t k = s->first[i]; k < s->first[i + 1]; k++) {
            p->teacher[p->n] = t->where[k];
            p->student[p->n++] = s->where[k];
        }
    }
    return rc;
}

static int
chunk_open(struct solve *v, const struct answers *answers, int64_t from,
           int64_t n, trv_err *err)
{
    const struct model_config *cfg = v->d->cfg;
    const int64_t attn = cfg->heads * cfg->head_dim, mlp = cfg->mlp_width;
    struct chunk *c = &v->chunks[v->n_chunks++];
    int rc;

    rc = stream_open(v, &c->teacher, answers, from, n, true, err);
    if (!rc)
        rc = stream_open(v, &c->student, answers, from, n, false, err);
    if (!rc)
        rc = split_places(v, c, answers, from, err);
    if (rc)
        return rc;
    c->entered = mat_new(&v->keep, v->s->be->act_type, c->student.p.b.T,
                         attn > mlp ? attn : mlp);
    return c->entered.data ? 0 : err_nomem(err, "to solve layer by layer");
}

/* Answers go through the inputs in turn. */
static int64_t
inputs_of(const struct answers *answers, int64_t n)
{
    return n < answers->n_contexts ? n : answers->n_contexts;
}

static int
open_chunks(struct solve *v, const struct answers *answers, trv_err *err)
{
    const int64_t most = v->opts->answers;
    const int64_t n = most && most < answers->n ? most : answers->n;
    int64_t from = 0, tokens = 0;
    int rc = 0;

    TRV_ASSERT(n > 0);
    v->holds = inputs_of(answers, n) >= HELD_EVERY * HELD_LEAST;
    v->chunks = mem_calloc((size_t)n, sizeof(*v->chunks));
    if (!v->chunks)
        return err_nomem(err, "to solve layer by layer");
    for (int64_t i = 0; i < n && !rc; i++) {
        const struct answer *y = &answers->list[i];

        tokens += answers->contexts[y->context].student.n + y->n;
        if (tokens >= CHUNK_TOKENS || i + 1 == n) {
            rc = chunk_open(v, answers, from, i + 1 - from, err);
            from = i + 1;
            tokens = 0;
        }
    }
    return rc;
}

/* What an error in the teacher's stream costs, from the first chunks. */
static int
gather_metric(struct solve *v, trv_err *err)
{
    struct arena *a = &v->s->arena;
    int rc = fisher_init(&v->fisher, v->d->cfg, err);

    for (int64_t i = 0;
         i < v->n_chunks && v->fisher.n < METRIC_POSITIONS && !rc; i++) {
        const struct answer_pass *p = &v->chunks[i].teacher.p;

        arena_reset(a);
        rc = fisher_add(&v->fisher, v->d, a, &p->b, p->where, p->target, p->N,
                        err);
        v->tokens += (double)p->b.T;
    }
    return rc;
}

/* --- one map --- */

/* Add one chunk's equations at some positions: the student's inputs, and how
 * far its stream is from the teacher's. */
static int
gather(struct solve *v, struct lowrank *sums, const struct chunk *c,
       const struct places *at, trv_err *err)
{
    struct backend *be = v->s->be;
    struct arena *a = &v->s->arena;
    const int64_t C = v->d->cfg->width;
    struct mat in, d, own;

    if (at->n == 0)
        return 0;
    arena_reset(a);
    in = mat_new(a, be->act_type, at->n, c->entered.cols);
    d = mat_new(a, DT_F32, at->n, C);
    own = mat_new(a, DT_F32, at->n, C);
    if (!in.data || !d.data || !own.data)
        return err_nomem(err, "to solve layer by layer");
    be->ops->gather(be, in, c->entered, at->student);
    be->ops->gather(be, d, c->teacher.x, at->teacher);
    be->ops->gather(be, own, c->student.x, at->student);
    be->ops->mix(be, d, 1.0f, own, -1.0f);
    lowrank_add(sums, be, in, d);
    v->d->flop += 2.0 * (double)(at->n * in.cols * (in.cols + d.cols));
    return 0;
}

/* Take one chunk through a half layer and add its equations to the sums. */
static int
advance(struct solve *v, struct chunk *c, int64_t layer, enum dec_map map,
        bool add, trv_err *err)
{
    struct arena *a = &v->s->arena;
    struct mat entered;
    int rc;

    arena_reset(a);
    rc = decoder_half(v->d, a, c->teacher.x, &entered, layer, map,
                      &c->teacher.p.b, err);
    arena_reset(a);
    if (!rc)
        rc = decoder_half(v->d, a, c->student.x, &entered, layer, map,
                          &c->student.p.b, err);
    if (rc || !add)
        return rc;
    c->entered.cols = c->entered.ld = entered.cols;
    v->s->be->ops->cast(v->s->be, c->entered, entered);
    rc = gather(v, &v->sums, c, &c->fit, err);
    return rc ? rc : gather(v, &v->held, c, &c->held, err);
}

/* Add the solved pair's term to a student's stream. */
static int
correct(struct solve *v, struct chunk *c, const struct lora_stack *pair,
        trv_err *err)
{
    struct arena *a = &v->s->arena;
    struct mat xa;

    arena_reset(a);
    xa = mat_new(a, v->s->be->act_type, c->student.p.b.T, pair->rank);
    if (!xa.data)
        return err_nomem(err, "to solve layer by layer");
    return lora_forward(v->s->be, a, c->student.x, c->entered, pair,
                        (struct lora_drop){0}, xa, err);
}

static int
want_sums(struct lowrank *sums, const struct linear *lin, trv_err *err)
{
    if (sums->in == lin->in && sums->out == lin->out) {
        lowrank_reset(sums);
        return 0;
    }
    lowrank_release(sums);
    return lowrank_init(sums, lin->in, lin->out, err);
}

/* Empty sums of what is solved from, and of what is held out. */
static int
want_all_sums(struct solve *v, const struct linear *lin, trv_err *err)
{
    int rc = want_sums(&v->sums, lin, err);

    if (!rc && v->holds)
        rc = want_sums(&v->work, lin, err);
    if (!rc && v->holds)
        rc = want_sums(&v->held, lin, err);
    return rc;
}

static int
divide(struct solve *v, const struct lora_pair *p, float by, trv_err *err)
{
    for (int64_t i = 0; i < p->out * p->rank; i++)
        p->b[i] /= by;
    return adapter_weights_refresh(v->student, v->s->be, err);
}

/* Of several ridges keep the one that brings the held positions nearest, each
 * direction at its best length there. A larger one is tried while it helps. */
static int
solve_held(struct solve *v, struct lora_pair *p, struct lowrank_options o,
           trv_err *err)
{
    const size_t n_a = (size_t)(p->rank * p->in);
    const size_t n_b = (size_t)(p->out * p->rank);
    float *a = mem_array(n_a + n_b, sizeof(float)), *b;
    struct lowrank_fit fit;
    double best = 0.0, gain = 0.0;
    int rc = 0;

    if (!a)
        return err_nomem(err, "to solve layer by layer");
    b = a + n_a;
    for (int k = 0; k < RIDGES && !rc; k++, o.ridge *= RIDGE_FACTOR) {
        memcpy(a, p->a, n_a * sizeof(float));
        lowrank_copy(&v->work, &v->sums);
        rc = lowrank_solve(&v->work, a, b, &fit, &o, ROW_NORM, err);
        if (!rc)
            rc = lowrank_shorten(&v->held, a, b, &gain, &o, err);
        if (rc || gain <= best) {
            if (best > 0.0)
                break;
            continue; // p->b is zero until something gains
        }
        best = gain;
        memcpy(p->a, a, n_a * sizeof(float));
        memcpy(p->b, b, n_b * sizeof(float));
    }
    mem_free(a);
    return rc;
}

static int
solve_pair(struct solve *v, int64_t layer, enum dec_map map, trv_err *err)
{
    struct lora_pair *p = lora_at(&v->student->lora, layer,
                                  decoder_map(v->d, layer, map)->parts[0]);
    const struct lowrank_options o = {
        .rank = p->rank,
        .ridge = v->opts->ridge,
        .metric = fisher_metric(&v->fisher, layer, map, METRIC_FLOOR)};
    struct lowrank_fit fit;
    int rc = v->holds
                 ? solve_held(v, p, o, err)
                 : lowrank_solve(&v->sums, p->a, p->b, &fit, &o, ROW_NORM, err);

    v->solved += !rc;
    return rc ? rc : divide(v, p, p->scale, err);
}

/* What the pair adds to the stream goes through the residual scale. */
static int
before_scale(struct solve *v, int64_t layer, enum dec_map map, trv_err *err)
{
    const float scale = config_factor(v->d->cfg->residual_scale);
    struct lora_pair *p = lora_at(&v->student->lora, layer,
                                  decoder_map(v->d, layer, map)->parts[0]);

    return scale == 1.0f ? 0 : divide(v, p, scale, err);
}

/* --- all maps --- */

static int
tell(const struct solve *v, int64_t done, int64_t total, trv_err *err)
{
    const trv_progress p = {.stage = "solving",
                            .done = done,
                            .total = total,
                            .unit = "maps",
                            .tokens = v->tokens * (double)done / (double)total,
                            .loss = (double)NAN,
                            .seconds = clock_now() - v->began};

    if (!v->opts->progress || v->opts->progress(&p, v->opts->payload))
        return 0;
    return err_fail(err, TRV_ECANCELED, "stopped while solving");
}

static int
climb_half(struct solve *v, int64_t half, int64_t halves, trv_err *err)
{
    const int64_t layer = half / 2;
    const enum dec_map map = half % 2 ? MAP_DOWN : MAP_O;
    const struct dec_linear *l = decoder_map(v->d, layer, map);
    const struct lora_stack pair =
        lora_stack_of(&v->student->lora, v->d->cfg, layer, l->parts, 1);
    int rc = pair.n ? want_all_sums(v, &l->lin, err) : 0;

    for (int64_t i = 0; i < v->n_chunks && !rc; i++) {
        rc = advance(v, &v->chunks[i], layer, map, pair.n > 0, err);
        if (!rc)
            rc = tell(v, half, halves, err);
    }
    if (!rc && pair.n)
        rc = solve_pair(v, layer, map, err);
    for (int64_t i = 0; i < v->n_chunks && !rc && pair.n; i++)
        rc = correct(v, &v->chunks[i], &pair, err);
    if (!rc && pair.n)
        rc = before_scale(v, layer, map, err);
    return rc ? rc : tell(v, half + 1, halves, err);
}

static int
check_pairs(const struct solve *v, trv_err *err)
{
    const struct lora *l = &v->student->lora;

    for (int64_t i = 0; i < l->layers * PART_COUNT; i++)
        if (l->pairs[i].rank > 0 && solve_writes((enum part)(i % PART_COUNT)))
            return 0;
    return err_fail(
        err, TRV_EINVAL, "solve writes %s and %s, and the targets name neither",
        part_name(v->d->cfg, PART_O), part_name(v->d->cfg, PART_DOWN));
}

int
solve_run(struct session *s, struct solve_result *out,
          struct adapter_weights *student, const struct answers *answers,
          const struct solve_options *opts, trv_err *err)
{
    struct solve v = {
        .s = s, .student = student, .opts = opts, .began = clock_now()};
    int64_t halves;
    int rc = session_decoder(s, &v.d, err);

    *out = (struct solve_result){0};
    if (!rc)
        rc = check_pairs(&v, err);
    if (rc)
        return rc;
    halves = 2 * v.d->cfg->layers;
    rc = backend_arena(&v.keep, s->be, err);
    if (!rc)
        rc = adapter_weights_refresh(student, s->be, err);
    if (!rc)
        rc = open_chunks(&v, answers, err);
    if (!rc)
        rc = gather_metric(&v, err);
    for (int64_t i = 0; i < halves && !rc; i++)
        rc = climb_half(&v, i, halves, err);
    v.d->tokens += v.tokens;
    *out = (struct solve_result){v.solved, v.tokens};
    lowrank_release(&v.sums);
    lowrank_release(&v.work);
    lowrank_release(&v.held);
    fisher_release(&v.fisher);
    arena_release(&v.keep);
    mem_free(v.chunks);
    return rc;
}
