/* trivium.h -- the whole public interface of Trivium: models, adaptations,
 * generation, conversion, measurement.
 *
 * A trv_model holds a model and the working memory of one thread of work: calls
 * that take it non-const must not overlap; open it twice to work in parallel
 * (the files are mapped, so the weights are shared).
 * Strings handed out are freed with trv_free().
 */
#ifndef TRIVIUM_TRIVIUM_H
#define TRIVIUM_TRIVIUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <trivium/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @return the library's version, "0.1.0". */
TRV_API const char *trv_version(void);
/** Free a string or an array that a call handed out. NULL is allowed. */
TRV_API void trv_free(void *p);

/* ---- progress ------------------------------------------------------- */

/** Where a long call stands. */
typedef struct {
    const char *stage;   // "sampling", "training", "measuring", ...
    int64_t done, total; // in units of the stage
    const char *unit;    // "samples", "steps", "inputs"
    double tokens;       // tokens processed in this stage so far
    double loss;         // latest loss in nats per token; NaN where none
    double seconds;      // since the stage began
} trv_progress;

/** Called often, from the calling thread. Return false to stop: the call then
 * saves what can be resumed and returns TRV_ECANCELED. */
typedef bool (*trv_progress_fn)(const trv_progress *p, void *payload);

/** Called for each message to people ("warning: ...", one line, no newline). */
typedef void (*trv_message_fn)(const char *line, void *payload);

/* ---- models --------------------------------------------------------- */

typedef struct trv_model trv_model;

typedef struct {
    uint32_t version;      // 1
    const char *precision; // "auto", "f32", "bf16"
    int32_t threads;       // 0: as many as there are cores
    const char *isa;       // NULL: TRV_ISA, or the best the processor has
} trv_model_options;

#define TRV_MODEL_OPTIONS_INIT                                                 \
    {                                                                          \
        1, "auto", 0, NULL                                                     \
    }

/**
 * Open a Hugging Face folder or a GGUF file and check all of it. Weights stay
 * mapped; the working form is made by the first call that computes.
 *
 * @param out   [out] the model; free with trv_model_free(); NULL on failure.
 * @param path  a folder or a .gguf file.
 * @param opts  borrowed; NULL means the defaults.
 * @param err   takes the message of a failure; may be NULL.
 * @return 0, TRV_EIO, TRV_EFORMAT, TRV_EUNSUPPORTED, TRV_EINVAL, TRV_ENOMEM.
 */
TRV_API TRV_MUST_USE int trv_model_open(trv_model **out, const char *path,
                                        const trv_model_options *opts,
                                        trv_err *err);
TRV_API void trv_model_free(trv_model *m);

/**
 * Say what a path holds, as one JSON object: a model, or an artefact (what it
 * is, where it came from, whether its files are whole).
 * @param json [out] free with trv_free().
 */
TRV_API TRV_MUST_USE int trv_inspect(char **json, const char *path,
                                     const trv_model_options *opts,
                                     trv_err *err);

/** Token ids of `n` bytes of text. `special` adds what the tokenizer adds (BOS,
 * EOS). @param ids [out] free with trv_free(). */
TRV_API TRV_MUST_USE int trv_tokenize(const trv_model *m, int32_t **ids,
                                      int64_t *n_ids, const char *text,
                                      size_t n, bool special, trv_err *err);
/** Text of ids. @param text [out] NUL-terminated, its length in *n. */
TRV_API TRV_MUST_USE int trv_detokenize(const trv_model *m, char **text,
                                        size_t *n, const int32_t *ids,
                                        int64_t n_ids, bool skip_special,
                                        trv_err *err);

/* ---- adaptations ---------------------------------------------------- */

/** A parameter update or a prompt, ready to act on and score with one model.
 * It borrows the model, which must outlive it. */
typedef struct trv_adaptation trv_adaptation;

/**
 * @param spec  `prompt:TEXT`, `prompt:@FILE`, `messages:FILE`, `lora:DIR`, or
 *              the path of an artefact's folder; "base" adapts nothing.
 * @param any_base  accept an artefact made for another base model.
 * @return TRV_EMISMATCH names the part (weights, tokenizer, chat template)
 *         that differs; TRV_EINVAL, TRV_EIO, TRV_EFORMAT, TRV_EUNSUPPORTED.
 */
TRV_API TRV_MUST_USE int trv_adaptation_open(trv_adaptation **out, trv_model *m,
                                             const char *spec, bool any_base,
                                             trv_err *err);
TRV_API void trv_adaptation_free(trv_adaptation *a);

/* ---- generation ----------------------------------------------------- */

typedef struct {
    uint32_t version;   // 1
    int32_t max_tokens; // at most so many new tokens; 256
    int32_t samples;    // independent answers to the same prompt; 1
    double temperature; // 0 is greedy; 1; NaN: the model's own default or 1
    int32_t top_k;      // 0: off; -1: the model's own default or off
    double top_p;       // 1: off; NaN: the model's own default or 1
    double min_p;       // 0: off
    double repetition_penalty; // 1: off; NaN: the model's default or 1
    uint64_t seed;
    const char *const *stops; // strings that end the text (not included)
    int32_t n_stops;
    bool chat; // the prompt is a user's message: use the chat template
    bool ignore_eos;
} trv_generate_options;

#define TRV_GENERATE_OPTIONS_INIT                                              \
    {                                                                          \
        1, 256, 1, (0.0 / 0.0), -1, (0.0 / 0.0), 0.0, (0.0 / 0.0), 0, NULL, 0, \
            false, false                                                       \
    }

/** Takes text as it becomes final: whole UTF-8 characters. Return false to
 * stop that sample. */
typedef bool (*trv_text_fn)(int32_t sample, const char *text, size_t n,
                            void *payload);

typedef struct {
    char *text; // free with trv_free()
    size_t n;
    int32_t prompt_tokens, new_tokens;
    const char *finish; // "stop" (end of text or stop string), "length"
    double logprob;     // sum over new tokens, of the model at T = 1, nats
} trv_completion;

/**
 * Continue a prompt under an adaptation.
 *
 * @param out  [out] opts->samples completions, each text freed by the caller;
 *             NULL where only on_text is wanted.
 * @param a    NULL: the base model.
 * @return 0, TRV_ETOOLONG (prompt and adaptation leave no room in the
 *         context), TRV_ECANCELED, TRV_EINVAL, TRV_ENOMEM.
 */
TRV_API TRV_MUST_USE int
trv_generate(trv_model *m, trv_completion *out, const trv_adaptation *a,
             const char *prompt, const trv_generate_options *opts,
             trv_text_fn on_text, void *payload, trv_err *err);

/* ---- what learning takes -------------------------------------------- */

/** A LoRA to be trained. */
typedef struct {
    int32_t rank;        // 16
    double alpha;        // 0: 2 * rank
    bool rslora;         // scale alpha / sqrt(rank)
    double dropout;      // of the adapter's input; 0
    const char *targets; // "all-linear", or names: "q_proj,v_proj"
} trv_lora_options;

#define TRV_LORA_OPTIONS_INIT                                                  \
    {                                                                          \
        16, 0.0, false, 0.0, "all-linear"                                      \
    }

/** AdamW and its schedule. */
typedef struct {
    int32_t steps;            // 0: the method's default
    int32_t batch;            // rows of a step; 0: the method's default
    int32_t accumulate;       // micro-batches of a step; 1
    double lr;                // 0: the method's default
    const char *schedule;     // "cosine", "linear", "constant"
    double warmup;            // share of the steps; 0.03
    double weight_decay;      // 0
    double clip;              // of the gradient's norm; 1; 0: off
    int32_t checkpoint_every; // steps; 100; 0: only when stopped
} trv_learn_options;

#define TRV_LEARN_OPTIONS_INIT                                                 \
    {                                                                          \
        0, 0, 1, 0.0, "cosine", 0.03, 0.0, 1.0, 100                            \
    }

/* ---- conversion ----------------------------------------------------- */

typedef struct {
    uint32_t version;        // 1
    const char *method;      // NULL: the edge's default; "distill", "sft"
    const char *inputs;      // file of inputs x; NULL: sampled from the model
    bool replace;            // overwrite an artefact that is there
    bool resume;             // go on from the checkpoint beside the output;
                             // with replace: over what is there
    trv_lora_options lora;   // what is trained
    trv_learn_options learn; // lr 0: by the model's width
    /* teacher samples */
    int32_t samples;        // how many in all; 0: the method's default
    int32_t max_tokens;     // of each answer; 0: the method's default
    double temperature;     // of the teacher; 1
    const char *divergence; // "forward", "reverse", "jsd"
    double on_policy;       // share of batches on the student's own samples; 0
    uint64_t seed;
    trv_message_fn on_message; // NULL: none
    void *message_payload;
} trv_convert_options;

#define TRV_CONVERT_OPTIONS_INIT                                               \
    {                                                                          \
        1, NULL, NULL, false, false, TRV_LORA_OPTIONS_INIT,                    \
            TRV_LEARN_OPTIONS_INIT, 0, 0, 1.0, "forward", 0.0, 0, NULL, NULL   \
    }

/** What a conversion took. */
typedef struct {
    double seconds, tokens, flop, final_loss; // loss in nats per token
    int64_t peak_bytes, artefact_bytes, steps, samples;
} trv_cost;

/**
 * Convert an adaptation into another form and write it as an artefact.
 *
 * @param to  FORM:PATH, such as "lora:out/z".
 * @return TRV_EUNSUPPORTED (an edge or method that is not there, with those
 *         that are), TRV_EEXIST (replace removes an artefact, a PEFT folder or
 *         an empty folder, nothing else), TRV_EMISMATCH (resumed with another
 *         prompt, input, option or seed: names what), TRV_ECANCELED
 *         (resumable: the message says from where), TRV_ENONFINITE (nothing
 *         saved but the last good checkpoint), and what reading inputs and
 *         writing files may return.
 */
TRV_API TRV_MUST_USE int trv_convert(trv_model *m, trv_cost *cost,
                                     const trv_adaptation *from, const char *to,
                                     const trv_convert_options *opts,
                                     trv_progress_fn progress, void *payload,
                                     trv_err *err);

/* ---- training ------------------------------------------------------- */

typedef struct {
    uint32_t version;      // 1
    const char *data;      // rows: `text`, `prompt`+`completion`, `messages`
    const char *eval;      // held-out rows; NULL: none
    bool replace;          // overwrite an artefact that is there
    bool resume;           // go on from the checkpoint beside the output
    int32_t max_length;    // tokens of a row; 0: 1024, or the context
    const char *precision; // in which all weights are saved: "bf16", "f32"
    double epochs;         // passes over the data; 0: 1
    trv_lora_options lora; // where a LoRA is made
    /* steps 0: by the epochs; batch 0: 16; lr 0: 2e-5 for all weights, by the
     * model's width for a LoRA */
    trv_learn_options learn;
    uint64_t seed;
    trv_message_fn on_message; // NULL: none
    void *message_payload;
} trv_train_options;

#define TRV_TRAIN_OPTIONS_INIT                                                 \
    {                                                                          \
        1, NULL, NULL, false, false, 0, "bf16", 0.0, TRV_LORA_OPTIONS_INIT,    \
            TRV_LEARN_OPTIONS_INIT, 0, NULL, NULL                              \
    }

/**
 * Learn from given data: answers only, EOS included. `m` itself stays what its
 * file says, also where all weights are trained.
 *
 * @param to  "lora:PATH", or "full:PATH" for all weights, written as a Hugging
 *            Face folder.
 * @return as trv_convert().
 */
TRV_API TRV_MUST_USE int trv_train(trv_model *m, trv_cost *cost, const char *to,
                                   const trv_train_options *opts,
                                   trv_progress_fn progress, void *payload,
                                   trv_err *err);

/**
 * Write a model that knows nothing yet, to be trained from scratch: weights
 * normal with deviation 0.02, as GPT-2 begins.
 *
 * @param path  the folder to make.
 * @param from  a folder with config.json and a tokenizer; needs no weights.
 * @param seed  decides every weight: the same one gives the same bytes.
 * @param replace  a model or an empty folder that is there is overwritten,
 *            nothing else.
 * @return TRV_EEXIST, TRV_EIO, TRV_EFORMAT, TRV_EUNSUPPORTED, TRV_ENOMEM.
 */
TRV_API TRV_MUST_USE int trv_model_create(const char *path, const char *from,
                                          uint64_t seed, bool replace,
                                          trv_err *err);

/* ---- measurement ---------------------------------------------------- */

/** A mean over inputs with its standard error; n 0 where not measured. */
typedef struct {
    double mean, stderr_, low, high; // low, high: 95 % interval
    int64_t n;
} trv_figure;

typedef struct {
    uint32_t version;    // 1
    const char *inputs;  // held-out inputs; NULL: sampled from the model, and
                         // never those that a conversion samples
    const char *control; // inputs to leave alone; NULL: the base's own text
    int32_t max_inputs;  // 200
    int32_t max_tokens;  // of each sample; 64
    int32_t candidates;  // answers per input for the score figures; 4
    uint64_t seed;
} trv_measure_options;

#define TRV_MEASURE_OPTIONS_INIT                                               \
    {                                                                          \
        1, NULL, NULL, 200, 64, 4, 0                                           \
    }

/** DESIGN's table of distances between A (source) and B (target). */
typedef struct {
    trv_figure kl_forward, kl_reverse; // nats per token
    trv_figure kl_base;                // KL(A, base), along A's samples
    trv_figure gap_closed;             // 1 - kl_forward / kl_base
    trv_figure top1_agreement;
    trv_figure rank_tau, pair_accuracy, pearson;
    trv_figure drift; // KL(base, B) on control inputs
    struct {
        double seconds, tokens, flop;
        int64_t peak_bytes, artefact_bytes;
        double added_seconds_per_token, added_bytes_per_token; // B over base
    } cost;
    char *trouble; // lines that name what looks wrong, or NULL; trv_free()
} trv_measurement;

TRV_API TRV_MUST_USE int
trv_measure(trv_model *m, trv_measurement *out, const trv_adaptation *source,
            const trv_adaptation *target, const trv_measure_options *opts,
            trv_progress_fn progress, void *payload, trv_err *err);
TRV_API void trv_measurement_release(trv_measurement *r);
/** One JSON object; each figure under its name as {"mean":, "stderr":, "n":}
 * (null where not measured). Free with trv_free(). */
TRV_API TRV_MUST_USE int
trv_measurement_json(char **json, const trv_measurement *r, trv_err *err);

#ifdef __cplusplus
}
#endif
#endif
