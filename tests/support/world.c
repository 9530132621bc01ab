/* world.c -- the world that can be counted. */
#include "support/world.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "learn/loop/run.h"
#include "model/sample/engine.h"
#include "model/files/layout.h"
#include "model/files/writer.h"
#include "support/test.h"

#define END 5 // </s>

static const char config[] =
    "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\","
    " \"bos_token_id\": 4, \"eos_token_id\": 5, \"hidden_act\": \"silu\","
    " \"hidden_size\": 16, \"intermediate_size\": 32, \"vocab_size\": 6,"
    " \"max_position_embeddings\": 16, \"num_attention_heads\": 4,"
    " \"num_hidden_layers\": 2, \"num_key_value_heads\": 2,"
    " \"rms_norm_eps\": 1e-06, \"rope_theta\": 10000.0,"
    " \"tie_word_embeddings\": false, \"torch_dtype\": \"float32\"}\n";

static const char tokenizer[] =
    "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null,"
    " \"added_tokens\": ["
    "{\"id\": 4, \"content\": \"<s>\", \"single_word\": false,"
    " \"lstrip\": false, \"rstrip\": false, \"normalized\": false,"
    " \"special\": true},"
    "{\"id\": 5, \"content\": \"</s>\", \"single_word\": false,"
    " \"lstrip\": false, \"rstrip\": false, \"normalized\": false,"
    " \"special\": true}],"
    " \"normalizer\": null,"
    " \"pre_tokenizer\": {\"type\": \"ByteLevel\","
    " \"add_prefix_space\": false, \"trim_offsets\": true,"
    " \"use_regex\": true},"
    " \"post_processor\": {\"type\": \"TemplateProcessing\","
    " \"single\": [{\"SpecialToken\": {\"id\": \"<s>\", \"type_id\": 0}},"
    " {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}],"
    " \"pair\": [{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}],"
    " \"special_tokens\": {\"<s>\": {\"id\": \"<s>\", \"ids\": [4],"
    " \"tokens\": [\"<s>\"]}}},"
    " \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true,"
    " \"trim_offsets\": true, \"use_regex\": true},"
    " \"model\": {\"type\": \"BPE\", \"dropout\": null,"
    " \"vocab\": {\"%c\": 0, \"%c\": 1, \"%c\": 2, \"%c\": 3,"
    " \"<s>\": 4, \"</s>\": 5}, \"merges\": []}}\n";

static const char tokenizer_config[] =
    "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\"}\n";

static const char rows[] = "{\"prompt\": \"%c\", \"answer\": \"%c\"}\n"
                           "{\"prompt\": \"%c%c\", \"answer\": \"%c%c\"}\n";

static void
must(int rc, const trv_err *err)
{
    if (rc)
        fail_msg("%s", err->msg);
}

/* The model's tokenizer, and the inputs, in the world's letters. */
static void
write_texts(const struct world *w, struct outdir *out)
{
    const char *l = w->letters;
    char text[2048], path[600];
    trv_err err = {0};

    snprintf(text, sizeof(text), tokenizer, l[0], l[1], l[2], l[3]);
    must(outdir_write(out, "tokenizer.json", text, strlen(text), &err), &err);
    snprintf(text, sizeof(text), rows, l[0], l[1], l[3], l[2], l[2], l[0]);
    snprintf(path, sizeof(path), "%s/in.jsonl", w->dir);
    must(file_write_atomic(path, text, strlen(text), &err), &err);
}

/* Large enough that the base prefers some answers by far. */
static int
random_weights(float *out, const struct layout_item *item, void *payload,
               trv_err *err)
{
    struct rng *r = payload;
    const int64_t n =
        item->n_dims > 1 ? item->dim[0] * item->dim[1] : item->dim[0];

    (void)err;
    for (int64_t i = 0; i < n; i++)
        out[i] = item->n_dims > 1 ? (float)(0.3 * rng_normal(r)) : 1.0f;
    return 0;
}

static void
write_model(struct world *w, const char *name, uint64_t seed)
{
    struct model_config cfg;
    struct outdir out;
    json_t *json = NULL;
    struct rng r;
    char from[600];
    trv_err err = {0};

    snprintf(w->dir, sizeof(w->dir), "%s", test_tmpdir(name));
    snprintf(from, sizeof(from), "%s/from", w->dir);
    snprintf(w->path, sizeof(w->path), "%s/model", w->dir);
    must(outdir_init(&out, from, &err), &err);
    must(outdir_lock(&out, NULL, false, &err), &err);
    must(outdir_write(&out, "config.json", config, strlen(config), &err), &err);
    write_texts(w, &out);
    must(outdir_write(&out, "tokenizer_config.json", tokenizer_config,
                      strlen(tokenizer_config), &err),
         &err);
    must(outdir_commit(&out, &err), &err);
    outdir_release(&out);
    must(json_parse(&json, "config", config, strlen(config), &err), &err);
    must(config_from_json(&cfg, json, "config", &err), &err);
    json_decref(json);
    rng_init(&r, seed, 1);
    must(outdir_init(&out, w->path, &err), &err);
    must(outdir_lock(&out, NULL, false, &err), &err);
    must(writer_folder(writer_to(&out), from, &cfg, DT_F32, random_weights, &r,
                       &err),
         &err);
    must(outdir_commit(&out, &err), &err);
    outdir_release(&out);
}

static void
add_answer(struct world *w, int64_t input, const int32_t *ids, int64_t n)
{
    struct answer *y = &w->answers.list[w->answers.n++];

    y->ids = mem_array((size_t)n, sizeof(*ids));
    memcpy(y->ids, ids, (size_t)n * sizeof(*ids));
    y->context = input;
    y->n = n;
    w->answers.tokens += n;
}

static void
add_all(struct world *w, int64_t input)
{
    int32_t ids[WORLD_LENGTH];

    for (ids[0] = 0; ids[0] < WORLD_TOKENS; ids[0]++) {
        if (ids[0] == END) {
            add_answer(w, input, ids, 1);
            continue;
        }
        for (ids[1] = 0; ids[1] < WORLD_TOKENS; ids[1]++) {
            if (ids[1] == END) {
                add_answer(w, input, ids, 2);
                continue;
            }
            for (ids[2] = 0; ids[2] < WORLD_TOKENS; ids[2]++)
                add_answer(w, input, ids, 3);
        }
    }
}

/* Likes the letter a, another first letter for each input, and an end. */
double
world_reward_of(const struct world *w, const struct data_row *row,
                const int32_t *ids, int64_t n)
{
    double r = ids[0] == (row == &w->in.data.rows[1] ? 2 : 1) ? 0.6 : 0.0;

    for (int64_t i = 0; i < n; i++)
        r += ids[i] == 0 ? 0.4 : ids[i] == END ? 0.3 : 0.0;
    return r;
}

static void
set_optimum(struct world *w)
{
    for (int64_t x = 0; x < WORLD_INPUTS; x++) {
        const int64_t from = x * WORLD_EACH;
        double Z = 0.0;

        for (int64_t i = from; i < from + WORLD_EACH; i++)
            Z += exp(w->base[i] + w->reward[i] / w->beta);
        for (int64_t i = from; i < from + WORLD_EACH; i++)
            w->best[i] = w->base[i] + w->reward[i] / w->beta - log(Z);
    }
}

void
world_reset_student(struct world *w)
{
    trv_err err = {0};

    adapter_weights_release(&w->student);
    must(lora_begin(&w->student.lora, &w->s->model->cfg, "all-linear",
                    &(struct lora_spec){.rank = 16, .alpha = 16}, 3, &err),
         &err);
    must(adapter_weights_refresh(&w->student, w->s->be, &err), &err);
}

void
world_open(struct world *w, const char *name, double beta)
{
    world_open_as(w, name, beta, "abcd", 5);
}

void
world_open_as(struct world *w, const char *name, double beta,
              const char *letters, uint64_t seed)
{
    const struct backend_options be = {.prec = PREC_F32, .threads = 1};
    char path[600];
    trv_err err = {0};
    double sum = 0.0;

    memset(w, 0, sizeof(*w));
    w->beta = beta;
    w->letters = letters;
    write_model(w, name, seed);
    must(session_open(&w->s, w->path, &be, &err), &err);
    snprintf(path, sizeof(path), "%s/in.jsonl", w->dir);
    must(data_open(&w->in.data, path, &err), &err);
    must(answers_contexts(&w->answers, w->s, NULL, NULL, &w->in, WORLD_LENGTH,
                          &err),
         &err);
    assert_int_equal(w->answers.n_contexts, WORLD_INPUTS);
    w->answers.list = mem_calloc(WORLD_ALL, sizeof(*w->answers.list));
    for (int64_t x = 0; x < WORLD_INPUTS; x++)
        add_all(w, x);
    assert_int_equal(w->answers.n, WORLD_ALL);
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const struct answer *y = &w->answers.list[i];

        w->reward[i] =
            world_reward_of(w, &w->in.data.rows[y->context], y->ids, y->n);
    }
    world_logp(w, w->base, NULL);
    for (int64_t i = 0; i < WORLD_EACH; i++)
        sum += exp(w->base[i]);
    /* All answers are there, and none twice: f32 softmax sums to 1 - 1e-6. */
    assert_close(sum, 1.0, 1e-5);
    set_optimum(w);
    world_reset_student(w);
}

void
world_close(struct world *w)
{
    adapter_weights_release(&w->student);
    answers_release(&w->answers);
    inputs_release(&w->in);
    session_free(w->s);
}

void
world_logp(struct world *w, double *logp,
           const struct adapter_weights *adapter_weights)
{
    struct arena *a = &w->s->arena;
    struct component parts[WORLD_INPUTS];
    struct context contexts[WORLD_INPUTS];
    struct answered list[WORLD_ALL];
    float store[WORLD_ALL][WORLD_LENGTH], *to[WORLD_ALL];
    struct decoder *d;
    trv_err err = {0};

    must(session_decoder(w->s, &d, &err), &err);
    for (int64_t x = 0; x < WORLD_INPUTS; x++) {
        const struct ids *ids = &w->answers.contexts[x].student;

        parts[x] = (struct component){d, adapter_weights, ids->v, ids->n, 1.0};
        contexts[x] = (struct context){&parts[x], 1, NULL};
    }
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        const struct answer *y = &w->answers.list[i];

        list[i] = (struct answered){&contexts[y->context], y->ids, y->n};
        to[i] = store[i];
    }
    arena_reset(a);
    must(engine_score_contexts(a, to, list, WORLD_ALL, &err), &err);
    for (int64_t i = 0; i < WORLD_ALL; i++) {
        logp[i] = 0.0;
        for (int64_t k = 0; k < list[i].n; k++)
            logp[i] += (double)store[i][k];
    }
}

double
world_kl(const double *p, const double *q)
{
    double sum = 0.0;

    for (int64_t i = 0; i < WORLD_ALL; i++)
        sum += exp(p[i]) * (p[i] - q[i]);
    return sum / WORLD_INPUTS;
}

double
world_reward(const struct world *w, const double *p)
{
    double sum = 0.0;

    for (int64_t i = 0; i < WORLD_ALL; i++)
        sum += exp(p[i]) * w->reward[i];
    return sum / WORLD_INPUTS;
}

static double
task_loss(const struct run_task *task, int64_t step, int64_t accumulate)
{
    double loss = 0.0, weight = 0.0, tokens = 0.0;
    trv_err err = {0};

    memset(task->g, 0, (size_t)task->n * sizeof(float));
    if (task->begin_step)
        must(task->begin_step(task->self, step, &tokens, &err), &err);
    for (int64_t micro = 0; micro < accumulate; micro++)
        must(task->gradient(task->self, step, micro, &loss, &weight, &tokens,
                            &err),
             &err);
    if (task->end_step)
        task->end_step(task->self, step);
    return loss;
}

/* The loss at w0 + h v. */
static double
loss_moved(const struct run_task *task, const float *w0, const float *v,
           double h, int64_t step, int64_t accumulate)
{
    trv_err err = {0};

    for (int64_t i = 0; i < task->n; i++)
        task->w[i] = w0[i] + (float)h * v[i];
    must(task->after_update(task->of, &err), &err);
    return task_loss(task, step, accumulate);
}

/* A direction half along the gradient, half at random, each of length 1. */
static double
choose_direction(float *v, const struct run_task *task, struct rng *r)
{
    double norm = 0.0, noise = 0.0, slope = 0.0;

    for (int64_t i = 0; i < task->n; i++) {
        v[i] = (float)rng_normal(r);
        noise += (double)(v[i] * v[i]);
        norm += (double)(task->g[i] * task->g[i]);
    }
    for (int64_t i = 0; i < task->n; i++) {
        v[i] = v[i] / (float)sqrt(noise) + task->g[i] / (float)sqrt(norm);
        slope += (double)(task->g[i] * v[i]);
    }
    return slope;
}

void
world_check_slope(const struct run_task *task, int64_t step, int64_t accumulate,
                  double tolerance)
{
    const double h = 0.005;
    float *w0 = mem_array((size_t)task->n, sizeof(float));
    float *v = mem_array((size_t)task->n, sizeof(float));
    double by_gradient, near, far;
    struct rng r;

    rng_init(&r, 17, 4);
    for (int64_t i = 0; i < task->n; i++) // B is zero: away from there
        w0[i] = task->w[i] + 0.1f * (float)rng_normal(&r);
    memset(v, 0, (size_t)task->n * sizeof(float));
    (void)loss_moved(task, w0, v, 0.0, step, accumulate);
    by_gradient = choose_direction(v, task, &r);
    near = loss_moved(task, w0, v, h, step, accumulate) -
           loss_moved(task, w0, v, -h, step, accumulate);
    far = loss_moved(task, w0, v, 2.0 * h, step, accumulate) -
          loss_moved(task, w0, v, -2.0 * h, step, accumulate);
    (void)loss_moved(task, w0, v, 0.0, step, accumulate);
    assert_true(fabs(by_gradient) > 50.0 * tolerance); // it says something
    assert_close(by_gradient, (8.0 * near - far) / (12.0 * h), tolerance);
    mem_free(w0);
    mem_free(v);
}
