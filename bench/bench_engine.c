/* bench_engine.c -- how fast the engine trains, scores and samples, beside
 * oneDNN's bare products. bench.sh runs it in turn with bench_torch.py, which
 * does the same work on the same files.
 *
 *   bench_engine make DIR [--shape NAME]    a folder of random weights
 *   bench_engine train|score|sample DIR [--precision bf16|f32] [--threads N]
 *
 * One line of JSON a run. Work (the same in bench_torch.py):
 *   train   one row of 512 tokens, LoRA of rank 16 on every linear map:
 *           forward, cross-entropy of 511 targets, backward, AdamW
 *   score   4 rows of 512 tokens: log-probabilities of 511 targets each
 *   sample  32 rows go on from 32 tokens by 64, temperature 1
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "adapt/output.h"
#include "adapt/session.h"
#include "bare.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "learn/loop/optimiser.h"
#include "model/sample/engine.h"
#include "model/decoder/head.h"
#include "model/files/layout.h"
#include "model/files/safetensors.h"

#define T 512 // tokens of a row
#define SCORE_ROWS 4
#define SAMPLE_ROWS 32
#define PROMPT 32
#define NEW 64
#define RANK 16
#define STEPS 12 // at most so many are timed

static trv_err err;

static void
must(int rc)
{
    if (!rc)
        return;
    fprintf(stderr, "bench_engine: %s\n", err.msg);
    exit(1);
}

/* --- a model of random weights --- */

static const struct shape {
    const char *name;
    int width, layers, heads, kv_heads, mlp, vocab;
} shapes[] = {
    {"smollm2-135m", 576, 30, 9, 3, 1536, 49152},
    {"smollm2-360m", 960, 32, 15, 5, 2560, 49152},
    {"qwen2.5-0.5b", 896, 24, 14, 2, 4864, 151936}, // its sizes, no biases
    {"small", 128, 4, 2, 1, 384, 4096},
};

struct making {
    struct tensor *list;
    int64_t n;
    struct rng rng;
};

static int
make_tensor(const struct layout_item *item, trv_err *e, void *payload)
{
    struct making *m = payload;
    struct tensor *t = &m->list[m->n++];
    const int64_t n = item->dim[0] * (item->n_dims == 2 ? item->dim[1] : 1);
    bf16 *data = bench_need(mem_array((size_t)n, sizeof(bf16)));

    (void)e;
    for (int64_t i = 0; i < n; i++) // norms are ones
        data[i] = bf16_from_f32(
            item->n_dims == 1 ? 1.0f : 0.02f * (float)rng_normal(&m->rng));
    *t = (struct tensor){.name = bench_need(mem_strdup(item->name)),
                         .type = DT_BF16,
                         .n_dims = item->n_dims,
                         .dim = {item->dim[0], item->dim[1]},
                         .data = data,
                         .bytes = (size_t)n * sizeof(bf16)};
    return 0;
}

static int
count_tensor(const struct layout_item *item, trv_err *e, void *payload)
{
    (void)item;
    (void)e;
    ++*(int64_t *)payload;
    return 0;
}

static void
make(const char *dir, const char *shape)
{
    const struct shape *s = shapes;
    struct making m = {0};
    struct model_config cfg;
    struct outdir out;
    json_t *config, *meta;
    char *text, *bytes;
    int64_t n = 0;
    size_t size;

    while (s < shapes + 4 && strcmp(s->name, shape) != 0)
        s++;
    if (s == shapes + 4) {
        fprintf(stderr, "bench_engine: no shape '%s'; there are", shape);
        for (int i = 0; i < 4; i++)
            fprintf(stderr, " %s", shapes[i].name);
        fprintf(stderr, "\n");
        exit(2);
    }
    config = bench_need(json_pack(
        "{s:s, s:[s], s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:s, "
        "s:b, s:i, s:i, s:f, s:s}",
        "model_type", "llama", "architectures", "LlamaForCausalLM",
        "hidden_size", s->width, "num_hidden_layers", s->layers,
        "num_attention_heads", s->heads, "num_key_value_heads", s->kv_heads,
        "head_dim", s->width / s->heads, "intermediate_size", s->mlp,
        "vocab_size", s->vocab, "max_position_embeddings", 8192, "rope_theta",
        100000.0, "rms_norm_eps", 1e-5, "hidden_act", "silu",
        "tie_word_embeddings", 1, "bos_token_id", 0, "eos_token_id", 0,
        "initializer_range", 0.02, "torch_dtype", "bfloat16"));
    must(config_from_json(&cfg, config, "config.json", &err));
    must(layout_each(&cfg, count_tensor, &err, &n));
    m.list = bench_need(mem_calloc((size_t)n, sizeof(*m.list)));
    rng_init(&m.rng, 7, 0);
    must(layout_each(&cfg, make_tensor, &err, &m));
    meta = bench_need(json_pack("{s:s}", "format", "pt"));
    must(st_serialise(&bytes, &size, m.list, m.n, meta, &err));
    text = bench_need(json_dumps(config, JSON_INDENT(2)));
    must(outdir_init(&out, dir, &err));
    must(output_lock_model(&out, true, &err));
    must(outdir_write(&out, "config.json", text, strlen(text), &err));
    must(outdir_write(&out, "model.safetensors", bytes, size, &err));
    must(outdir_commit(&out, &err));
    outdir_release(&out);
    for (int64_t i = 0; i < m.n; i++) {
        mem_free((void *)(uintptr_t)m.list[i].name);
        mem_free((void *)(uintptr_t)m.list[i].data);
    }
    mem_free(m.list);
    mem_free(bytes);
    free(text); // jansson's
    json_decref(meta);
    json_decref(config);
}

/* --- the machine's side --- */

/* A line of /proc/self/status in MiB, such as "VmHWM:". */
static double
status_mib(const char *field)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    double kib = 0;

    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtod(line + strlen(field), NULL);
    if (f)
        fclose(f);
    return kib / 1024;
}

/* Seconds of processor time of all threads, the system's included. */
static double
cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* oneDNN's rate over the decoder's own forward products of M rows: the work
 * of all over the time of all. */
static double
bare_of_model(const struct model_config *cfg, int64_t M, enum dtype type)
{
    const int64_t C = cfg->width, Q = cfg->heads * cfg->head_dim;
    const int64_t KV = cfg->kv_heads * cfg->head_dim, F = cfg->mlp_width;
    const struct {
        int64_t in, out, times;
    } map[] = {
        {C, Q + 2 * KV, cfg->layers}, {Q, C, cfg->layers},
        {C, 2 * F, cfg->layers},      {F, C, cfg->layers},
        {C, cfg->vocab, 1},
    };
    double work = 0, time = 0;

    for (int i = 0; i < 5; i++) {
        const double w =
            2e-9 * (double)(M * map[i].in * map[i].out) * (double)map[i].times;

        work += w;
        time += w / bare_rate(M, map[i].in, map[i].out, type);
    }
    return work / time;
}

/* --- the tasks --- */

struct work {
    struct session *s;
    struct decoder *d;
    int32_t *ids;
    int64_t tokens; // counted of a step
    /* train */
    struct adapter_weights adapter_weights;
    struct optimiser adam;
    double loss;
};

static void
random_ids(struct work *w, int64_t n)
{
    struct rng r;

    rng_init(&r, 11, 0);
    w->ids = bench_need(mem_array((size_t)n, sizeof(*w->ids)));
    for (int64_t i = 0; i < n; i++)
        w->ids[i] = 1 + (int32_t)rng_below(&r, (uint32_t)w->d->cfg->vocab - 1);
}

static void
train_begin(struct work *w)
{
    struct lora_spec spec = {.rank = RANK};
    struct rng r;

    rng_init(&r, 3, 0);
    must(lora_targets(spec.parts, w->d->cfg, "all-linear", &err));
    must(lora_init(&w->adapter_weights.lora, w->d->cfg, &spec, true, &r, &err));
    must(lora_refresh(&w->adapter_weights.lora, w->s->be, &err));
    must(optimiser_init(&w->adam, w->s->be, w->adapter_weights.lora.n, 0.01,
                        &err));
    random_ids(w, T);
    w->tokens = T;
}

static void
train_step(struct work *w)
{
    struct arena *a = &w->s->arena;
    const struct row row = {w->ids, T, &w->adapter_weights};
    struct saved save = {.training = true};
    const int64_t *const *at;
    struct batch b;
    struct mat hidden, dh;
    int32_t target[T];
    float logp[T], coef[T];
    double sum = 0;

    arena_reset(a);
    memset(w->adapter_weights.lora.g, 0,
           (size_t)w->adapter_weights.lora.n * sizeof(float));
    must(batch_pack(&b, &at, a, &row, 1, &err));
    must(decoder_forward(w->d, a, &hidden, &b, NULL, &save, &err));
    dh = mat_new(a, DT_F32, T, w->d->cfg->width);
    bench_need(dh.data);
    memset(dh.data, 0, (size_t)(dh.rows * dh.cols) * sizeof(float));
    for (int i = 0; i < T - 1; i++) {
        target[i] = w->ids[i + 1];
        coef[i] = 1.0f / (T - 1);
    }
    must(head_logprobs(w->d, a, logp, NULL, (struct head_rows){hidden, at[0]},
                       target, T - 1, coef, dh, &err));
    must(decoder_backward(w->d, a, dh, &b, &save, &err));
    optimiser_step(&w->adam, w->s->be, w->adapter_weights.lora.w,
                   w->adapter_weights.lora.g, 1.0, 1e-4);
    must(lora_refresh(&w->adapter_weights.lora, w->s->be, &err));
    for (int i = 0; i < T - 1; i++)
        sum -= (double)logp[i] / (T - 1);
    w->loss = sum;
}

static void
score_begin(struct work *w)
{
    random_ids(w, SCORE_ROWS * T);
    w->tokens = SCORE_ROWS * T;
}

static void
score_step(struct work *w)
{
    static float logp[SCORE_ROWS][T];
    struct scored_row rows[SCORE_ROWS];
    float *out[SCORE_ROWS];

    for (int r = 0; r < SCORE_ROWS; r++) {
        rows[r] = (struct scored_row){w->ids + r * T, T, 1, NULL};
        out[r] = logp[r];
    }
    arena_reset(&w->s->arena);
    must(engine_score(w->d, &w->s->arena, out, rows, SCORE_ROWS, &err));
    w->loss = 0;
    for (int r = 0; r < SCORE_ROWS; r++)
        for (int i = 0; i < T - 1; i++)
            w->loss -= (double)logp[r][i] / (SCORE_ROWS * (T - 1));
}

static void
sample_begin(struct work *w)
{
    random_ids(w, SAMPLE_ROWS * PROMPT);
    w->tokens = SAMPLE_ROWS * NEW;
}

static void
sample_step(struct work *w)
{
    const struct sample_options opts = {.sampling = SAMPLING_INIT,
                                        .max_tokens = NEW,
                                        .batch = SAMPLE_ROWS,
                                        .seed = 5,
                                        .ignore_eos = true};
    struct sample_row rows[SAMPLE_ROWS];
    struct sample_out out[SAMPLE_ROWS];

    for (int r = 0; r < SAMPLE_ROWS; r++)
        rows[r] =
            (struct sample_row){w->ids + r * PROMPT, PROMPT, NULL, (uint64_t)r};
    arena_reset(&w->s->arena);
    must(
        engine_sample(w->d, &w->s->arena, out, rows, SAMPLE_ROWS, &opts, &err));
    w->loss = 0;
    for (int r = 0; r < SAMPLE_ROWS; r++) {
        w->loss -= out[r].logp / (SAMPLE_ROWS * NEW);
        mem_free(out[r].ids);
    }
}

static const struct task {
    const char *name;
    int64_t M; // rows of most products
    void (*begin)(struct work *w);
    void (*step)(struct work *w);
} tasks[] = {
    {"train", T, train_begin, train_step},
    {"score", T, score_begin, score_step},
    {"sample", SAMPLE_ROWS, sample_begin, sample_step},
};

static void
run(const struct task *task, const char *dir, enum precision prec, int threads,
    double seconds)
{
    const struct backend_options opts = {prec, threads, NULL};
    struct work w = {0};
    double t[STEPS], cpu, flop, peak, before, after, rate, began;
    struct timing at;
    int n = 0;

    must(session_open(&w.s, dir, &opts, &err));
    omp_set_num_threads(w.s->be->threads);
    before = bare_of_model(&w.s->model->cfg, task->M, w.s->be->act_type);
    must(session_decoder(w.s, &w.d, &err));
    task->begin(&w);
    task->step(&w); // packs, grows the arena, makes the primitives
    task->step(&w);
    cpu = cpu_seconds();
    flop = w.d->flop;
    began = bench_now();
    while (n < STEPS && (n < 3 || bench_now() - began < seconds)) {
        const double start = bench_now();

        task->step(&w);
        t[n++] = bench_now() - start;
    }
    cpu = (cpu_seconds() - cpu) / n;
    flop = (w.d->flop - flop) / n;
    peak = status_mib("VmHWM:");
    omp_set_num_threads(w.s->be->threads);
    after = bare_of_model(&w.s->model->cfg, task->M, w.s->be->act_type);
    at = timing_of(t, n);
    rate = 1e-9 * flop / at.median;
    printf("{\"side\": \"trivium\", \"task\": \"%s\", \"precision\": \"%s\", "
           "\"isa\": \"%s\", \"threads\": %d, \"tokens_per_s\": %.1f, "
           "\"spread\": %.3f, \"cpu_us_per_token\": %.1f, \"peak_mib\": %.1f, "
           "\"gflops\": %.1f, \"bare_before\": %.1f, \"bare_after\": %.1f, "
           "\"share\": %.3f, \"steps\": %d, \"loss\": %.5f}\n",
           task->name, w.s->be->act_type == DT_F32 ? "f32" : "bf16",
           w.s->be->isa, w.s->be->threads, (double)w.tokens / at.median,
           at.spread, 1e6 * cpu / (double)w.tokens, peak, rate, before, after,
           2 * rate / (before + after), n, w.loss);
    lora_release(&w.adapter_weights.lora);
    optimiser_release(&w.adam);
    mem_free(w.ids);
    session_free(w.s);
}

static int
usage(void)
{
    fprintf(stderr,
            "usage: bench_engine make DIR [--shape NAME]\n"
            "       bench_engine train|score|sample DIR [--precision bf16|f32]"
            " [--threads N] [--seconds S]\n");
    return 2;
}

int
main(int argc, char **argv)
{
    const char *shape = "smollm2-135m";
    enum precision prec = PREC_AUTO;
    double seconds = 8;
    int threads = 0;

    if (argc < 3 || argc % 2 == 0)
        return usage();
    for (int i = 3; i < argc; i += 2) {
        const char *v = argv[i + 1];

        if (strcmp(argv[i], "--shape") == 0)
            shape = v;
        else if (strcmp(argv[i], "--threads") == 0)
            threads = (int)strtol(v, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtod(v, NULL);
        else if (strcmp(argv[i], "--precision") == 0 && strcmp(v, "f32") == 0)
            prec = PREC_F32;
        else if (strcmp(argv[i], "--precision") == 0 && strcmp(v, "bf16") == 0)
            prec = PREC_BF16;
        else
            return usage();
    }
    if (strcmp(argv[1], "make") == 0) {
        make(argv[2], shape);
        return 0;
    }
    for (int i = 0; i < 3; i++)
        if (strcmp(argv[1], tasks[i].name) == 0) {
            run(&tasks[i], argv[2], prec, threads, seconds);
            return 0;
        }
    return usage();
}
