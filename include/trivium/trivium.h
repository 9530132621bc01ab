/* trivium.h -- the whole public interface of Trivium: models, adaptations,
 * generation, conversion, scores, measurement.
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
    double left;         // of the whole call, about; 0: not known
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
    /* a name among the model's own chat templates, or else a file; NULL: the
     * model's default */
    const char *chat_template;
    /* how plain prompts are laid out, everywhere: "chat", as what a user says,
     * "raw", as text; NULL: as a chat where there is a chat template that can
     * be used. Rows of messages are always chats, rows of text always raw. */
    const char *layout;
    /* what the adapter_config.json of an artefact calls this model, so that
     * others find it; NULL: its name on the Hub, or its absolute path */
    const char *base_name;
} trv_model_options;

#define TRV_MODEL_OPTIONS_INIT                                                 \
    {                                                                          \
        1, "auto", 0, NULL, NULL, NULL, NULL                                   \
    }

/**
 * Open a Hugging Face folder or a GGUF file and check all of it. Weights stay
 * mapped; the working form is made by the first call that computes.
 *
 * From then on threads of OpenMP sleep in this process while they wait, and do
 * not spin, unless OMP_WAIT_POLICY, GOMP_SPINCOUNT or KMP_BLOCKTIME is set in
 * the environment: idle threads are started for that, which stay.
 *
 * @param out   [out] the model; free with trv_model_free(); NULL on failure.
 * @param path  a folder or a .gguf file; or where there is none of that name,
 *              ORG/NAME[@REVISION][:FILE], a model in the cache of
 *              huggingface_hub. Nothing is fetched.
 * @param opts  borrowed; NULL means the defaults.
 * @param err   takes the message of a failure; may be NULL.
 * @return 0, TRV_EIO, TRV_EFORMAT, TRV_EUNSUPPORTED, TRV_EINVAL (also: the
 *         layout chat, and there is no chat template), TRV_ENOMEM.
 */
TRV_API TRV_MUST_USE int trv_model_open(trv_model **out, const char *path,
                                        const trv_model_options *opts,
                                        trv_err *err);
TRV_API void trv_model_free(trv_model *m);
/** @return how many tokens prompt and answer may have together. */
TRV_API int64_t trv_model_context(const trv_model *m);
/** @return where the model's files contradict each other and which of them
 * won, or what of them is not used: one sentence a line; "" if nothing is to
 * be said. The model's. */
TRV_API const char *trv_model_notes(const trv_model *m);
/** @return whether the model came with a chat template that can be used. */
TRV_API bool trv_model_has_chat(const trv_model *m);

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

/** A row of data as training and scoring see it. */
typedef struct {
    int64_t line; // of the file, where it begins
    int32_t *ids; // [n]
    bool *loss;   // [n] which ids carry loss: none where there is no answer
    int64_t n;
    bool joined; // the answer is joined to a generation prompt that the chat
                 // template does not continue
} trv_layout_row;

typedef struct {
    trv_layout_row *rows;
    int64_t n;
} trv_layout;

/**
 * Lay rows out: a file of data, or a .json file of one conversation, a list of
 * messages. A row without an answer ends with the template's generation prompt;
 * of a pair there are two rows, chosen and rejected.
 *
 * @param out      [out] free with trv_layout_release(); zeros on failure.
 * @param tools    a .json file, a list of tools for the chat template in place
 *                 of the rows' own; NULL: none.
 * @param loss_on  "last" (NULL), "assistant", "all", as in trv_train_options.
 * @return TRV_EIO, TRV_EFORMAT, TRV_EINVAL (no chat template; the template
 *         refuses the messages), TRV_EUNSUPPORTED, TRV_ENOMEM.
 */
TRV_API TRV_MUST_USE int trv_lay_out(const trv_model *m, trv_layout *out,
                                     const char *path, const char *tools,
                                     const char *loss_on, trv_err *err);
TRV_API void trv_layout_release(trv_layout *l);

/* ---- adaptations ---------------------------------------------------- */

/** A parameter update, a prompt, a mix of these or a reward, ready to act on and
 * score with one model. It borrows the model, which must outlive it. */
typedef struct trv_adaptation trv_adaptation;

/**
 * @param spec  `prompt:TEXT`, `prompt:@FILE`, `messages:FILE`,
 *              `demos:FILE[,form=F][,template=T]` (examples before the input),
 *              `retrieve:FILE[,k=K][,template=T]` (documents), `lora:DIR`,
 *              `adapter:DIR`, `soft:DIR`, `prefix:DIR`,
 *              `full:DIR` (another model with the same tokenizer),
 *              `mix:W*A+W*B` (several, weighted), `on:DIR,A` (what A changes
 *              in the model in DIR, carried to this one: a mix, or a reward
 *              where the tokenizers differ), a reward (below), or the path of
 *              an artefact's folder; "base" adapts nothing.
 *
 *     head:DIR                            a reward model: a folder of
 *                                         sequence classification with one
 *                                         label, or a LoRA with a score
 *     verifier:CHECK[,key=value]...       number, math, exact, regex,
 *                                         contains, length, json, command
 *     ratio:[beta=B,]A                    beta (log pA - log p0)
 *     contrast:[beta=B,]Z[,minus=Z]       beta (log pz+ - log pz-)
 *     judge:[key=value,]PRINCIPLE|@FILE   the model's own yes or no
 *     endo:[alpha=B,][A]                  alpha log p + V(s) - V(s') summed
 *                                         over tokens, V = alpha logsumexp of
 *                                         logits / alpha: of A or the base
 *     sum:W*REWARD+W*REWARD...
 *
 * @param any_base  accept an artefact made for another base model.
 * @return TRV_EMISMATCH names the part (weights, tokenizer, chat template)
 *         that differs; TRV_EINVAL, TRV_EIO, TRV_EFORMAT, TRV_EUNSUPPORTED.
 */
TRV_API TRV_MUST_USE int trv_adaptation_open(trv_adaptation **out, trv_model *m,
                                             const char *spec, bool any_base,
                                             trv_err *err);
/**
 * Open several at once: log p = log p0 + sum W (log p_A - log p0), normalised.
 * @param specs  [n] each `A`, `A=W` or `W*A`; W is 1 where it is not said, may
 *               be above 1 (guidance) and below 0 (move away from A). A text
 *               behind `prompt:` keeps its `=`.
 */
TRV_API TRV_MUST_USE int trv_adaptation_open_mix(trv_adaptation **out,
                                                 trv_model *m,
                                                 const char *const *specs,
                                                 int32_t n, bool any_base,
                                                 trv_err *err);
TRV_API void trv_adaptation_free(trv_adaptation *a);
/** @return what is to be told of the files that it was opened from, one line
 * each; "" where there is nothing: as trv_model_notes() of the models that it
 * opened beside its own, and columns of data that nothing reads. Lives as long
 * as it. */
TRV_API const char *trv_adaptation_notes(const trv_adaptation *a);
/** @return what its use has shown since it was opened, one line each; "" where
 * there is nothing to tell: inputs that no document of retrieve: matched. Lives
 * until the next call or the free. */
TRV_API const char *trv_adaptation_use_notes(trv_adaptation *a);

/** @return the specs that are known, `lora:DIR` and so on, one by one: i = 0, 1,
 * ..., NULL behind the last. @param form  "params", "prompt", "reward"; NULL:
 * all. */
TRV_API const char *trv_spec_usage(const char *form, int32_t i);
/** @return what spec i names, in one line without a full stop: "a LoRA: a PEFT
 * folder". NULL behind the last. */
TRV_API const char *trv_spec_summary(const char *form, int32_t i);
/** @return a spec of its kind that works as it stands, but for the names of
 * files in it; NULL where usage says it all, and behind the last. */
TRV_API const char *trv_spec_example(const char *form, int32_t i);

/** An option of a spec, written name=value. */
typedef struct {
    const char *name;
    const char *value;    // what may stand behind the '=': "1", "N", "a|b|c"
    const char *fallback; // what counts where it is not given; NULL: see help
    const char *help;     // one line, lower case, no full stop
    bool takes_rest;      // its value is all the rest of the spec, commas and
                          // all, so it stands last
} trv_spec_option;

/** @return option i of what a spec begins with: "judge", "demos", "ratio",
 * "verifier:number" and so on. NULL behind the last. These tables are what the
 * options are read by: what is not in them is refused. */
TRV_API const trv_spec_option *trv_spec_option_at(const char *of, int32_t i);

/** A check of verifier: what it is and a spec with it. */
typedef struct {
    const char *name, *summary, *example;
} trv_check;

/** @return check i, i = 0, 1, ...; NULL behind the last. */
TRV_API const trv_check *trv_check_at(int32_t i);

/** @return the adaptation's kind: "base", "text", "messages", "lora", ... */
TRV_API const char *trv_adaptation_kind(const trv_adaptation *a);

/**
 * What an adaptation is, as one JSON object: `kind`, `spec` (as it was given),
 * `path` (of its file or folder), `manifest` (its trivium.json) and `words` (of
 * a prompt: its messages, each with `content` and, but for a plain text, a
 * `role`); null where there is none.
 *
 * @param json  [out] free with trv_free(); NULL after a failure.
 * @return TRV_ENOMEM.
 */
TRV_API TRV_MUST_USE int
trv_adaptation_describe(char **json, const trv_adaptation *a, trv_err *err);

/* ---- generation ----------------------------------------------------- */

/** One message of a conversation. */
typedef struct {
    const char *role;    // "system", "user", "assistant"
    const char *content; // UTF-8
} trv_turn;

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
    bool ignore_eos;
    const trv_turn *turns; // a conversation to answer, in place of a prompt
    int32_t n_turns;       // 0: none
    int32_t room; // new tokens that must fit after the prompt, at least; 1
    uint64_t first_stream; // sample i takes stream first_stream + i of the
                           // seed's random numbers, so that the answers of a
                           // conversation differ under one seed; 0
    /* how a reward acts: "bon" takes the best of best_of answers of the base
     * model, "sir" one of them with weights exp(r / beta), "guided" draws each
     * token with these weights */
    const char *act;
    int32_t best_of; // 0: 8
    double beta;     // 1
} trv_generate_options;

#define TRV_GENERATE_OPTIONS_INIT                                              \
    {                                                                          \
        1, 256, 1, (0.0 / 0.0), -1, (0.0 / 0.0), 0.0, (0.0 / 0.0), 0, NULL, 0, \
            false, NULL, 0, 1, 0, "bon", 0, 1.0                                \
    }

/** Takes text as it becomes final: whole UTF-8 characters. Return false to
 * stop that sample. While a reward chooses, it is called with n 0, only to ask
 * whether to go on, and then once with the whole text. */
typedef bool (*trv_text_fn)(int32_t sample, const char *text, size_t n,
                            void *payload);

typedef struct {
    char *text; // free with trv_free()
    size_t n;
    int32_t prompt_tokens, new_tokens;
    const char *finish; // "stop" (end of text or stop string), "length"
    double logprob;     // sum over new tokens, of the model at T = 1, nats
    double reward;      // that of the answer that was taken; else NaN
} trv_completion;

/**
 * Continue a prompt, or answer a conversation, under an adaptation.
 *
 * @param out  [out] opts->samples completions, each text freed by the caller;
 *             NULL where only on_text is wanted.
 * @param a    NULL: the base model. A reward chooses among the base's answers.
 * @param prompt  NULL where opts->turns are given, and only there. A prompt is
 *             laid out as the model's layout says, turns always by its chat
 *             template; in a chat a prompt's adaptation becomes or joins the
 *             system message.
 * @return 0, TRV_ETOOLONG (prompt and adaptation leave less than opts->room in
 *         the context), TRV_ECANCELED, TRV_EINVAL (also: no chat template, a
 *         role that is none, text that is not UTF-8), TRV_ENOMEM; what
 *         trv_score() returns where a reward acts.
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
    bool dora;           // and a magnitude for each row of the weights
} trv_lora_options;

#define TRV_LORA_OPTIONS_INIT                                                  \
    {                                                                          \
        16, 0.0, false, 0.0, "all-linear", false                               \
    }

/** Virtual tokens to be trained: soft (embeddings) or a prefix (keys and values
 * of every layer). */
typedef struct {
    int32_t tokens; // 32
    /* The text that they start from: "text:TEXT", "@FILE", or "sampled" (what
     * the teacher or the data says). NULL: as sampled, but a conversion also
     * tries the prompt that its source is, or was made from. */
    const char *start;
} trv_virtual_options;

#define TRV_VIRTUAL_OPTIONS_INIT                                               \
    {                                                                          \
        32, NULL                                                               \
    }

/** Bottleneck adapters to be trained. */
typedef struct {
    int32_t size;       // values of each bottleneck; 64
    const char *places; // "both" (after attention and MLP), "mlp"
} trv_bottleneck_options;

#define TRV_BOTTLENECK_OPTIONS_INIT                                            \
    {                                                                          \
        64, "both"                                                             \
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

/** How instructions evolve (method "evolve"), and how demonstrations are chosen:
 * max over z of E[r] - beta KL(pz, p0) - length_cost len(z). */
typedef struct {
    int32_t rounds;      // of proposals; 24
    int32_t population;  // proposals of a round; 8
    int32_t inputs;      // that candidates are compared on; 48
    int32_t held_out;    // that are only reported on at the end; 32
    int32_t minibatch;   // inputs of a first trial; 12
    int32_t answers;     // to an input, under each candidate; 1
    const char *phrases; // file, one a line, or rows of text; NULL: none
    const char *propose; // "all", "edits", "model"; with phrases, edits
                         // alone make instructions of these alone
    /* an OpenAI-compatible endpoint; its key is in TRIVIUM_PROPOSER_KEY */
    const char *proposer, *proposer_model; // its address; NULL: none
    int32_t proposer_calls;                // at most; 200
    int32_t proposer_tokens;               // at most, in all; 200000
    double proposer_timeout;               // seconds of a call; 60
    int32_t demos;                         // demonstrations to choose; 4
    const char *demos_template; // of a text; NULL: "{input}{output}\n\n"
} trv_evolve_options;

#define TRV_EVOLVE_OPTIONS_INIT                                                \
    {                                                                          \
        24, 8, 48, 32, 12, 1, NULL, "all", NULL, NULL, 200, 200000, 60.0, 4,   \
            NULL                                                               \
    }

/** A search over prompts of text, token by token (method "text"). */
typedef struct {
    int32_t width;     // candidates of a step; 0: by their cost, 32 to 512
    int32_t top_k;     // tokens that are candidates of a place; 256
    int32_t restarts;  // searches from different texts; 2
    int32_t patience;  // steps without gain before another beginning; 25
    double fluency;    // weight of the prompt's mean -log p0, nats; 0.01
    const char *start; // text to start from; NULL: the model's own
} trv_search_options;

#define TRV_SEARCH_OPTIONS_INIT                                                \
    {                                                                          \
        0, 256, 2, 25, 0.01, NULL                                              \
    }

/** Bounds and help of each are in convert_options.def and learn_options.def. An
 * option that is set, and that neither the method nor what is made reads, is
 * refused. */
typedef struct {
    uint32_t version;   // 1
    const char *method; // of trv_method_at(); NULL: the default
    const char *inputs; // file of inputs x; NULL: sampled from the model
    bool replace;       // overwrite an artefact that is there
    bool resume;        // go on from the checkpoint beside the output;
                        // with replace: over what is there
    /* what is trained: `to` says which of the four counts */
    trv_lora_options lora;
    trv_virtual_options virtual_tokens;
    trv_bottleneck_options bottleneck;
    const char *save_as;     // all weights, as "bf16" or "f32"
    trv_learn_options learn; // lr 0: by what is trained
    /* teacher samples */
    int32_t samples;        // how many in all; 0: the method's default
    int32_t max_tokens;     // of each answer; 0: the method's default
    double temperature;     // of the teacher; 1
    const char *divergence; // "forward", "reverse", "jsd"
    double on_policy;       // share of batches on the student's own samples; 0
    /* of "features": hidden states are matched beside the divergence */
    double features_weight;      // of their distance, against a nat; 1
    const char *features_layers; // "all", "upper" (half), "last", or "4,8"
    uint64_t seed;
    trv_message_fn on_message; // NULL: none
    void *message_payload;
    /* rewards */
    double beta;         // of a ratio, a contrast or what regress learns, and
                         // where a reward of tokens becomes a text; 0: 1. From
                         // another reward: the reward that a nat of KL from
                         // the base costs; 0: the method's
    const char *against; // z- of a contrast or a head, as a spec; NULL: base
    /* forms or kinds to go through, parted by commas; NULL: none. `method` is
     * then the last conversion's, or one for each, parted by commas. */
    const char *via;
    const char *init; // where training starts: "zero", or "solve", the closed
                      // form
    /* from a reward, or from given pairs */
    int32_t group;       // answers drawn for each input; 0: 8
    const char *loss;    // dpo: "sigmoid", "ipo", "hinge", "kto"; grpo, rloo:
                         // "dapo", "grpo", "bnpo", "dr_grpo"; NULL: sigmoid,
                         // dapo, and grpo of rloo
    const char *pairs;   // file of given preferences: `prompt`, `chosen`,
                         // `rejected`, or for kto `prompt`, `completion`,
                         // `label`; NULL: made by the reward
    const char *pairing; // "best" answer with the worst, or "all"; NULL: all
                         // where labels are soft
    double margin;       // rewards of a pair differ by more; 0
    const char *labels;  // "soft": a pair counts by the difference of its
                         // rewards, or "hard"; NULL: soft where it can be
    double label_smoothing; // share of pairs taken to be labelled wrong; 0
    double sft_weight;      // dpo: of the chosen answers' own likelihood; 0
    const char *advantage;  // "group", "batch", "none", "rloo"
    double clip_ratio;      // of grpo, rloo and ppo; 0.2
    int32_t updates;        // of each batch of the student's answers; 1
    double gae_lambda;      // of ppo; 0.95
    const char *eval;       // held-out inputs; NULL: none
    double max_kl;          // nats a token from the base that need a warning; 1
    /* prompts of words, by "text" and "evolve" */
    int32_t prompt_tokens; // of the prompt at most; 24
    double length_cost;    // reward, or loss, that a token of it costs; 0.001
    trv_search_options search; // of the method "text"
    trv_evolve_options evolve; // of "evolve" and "demos"
    bool allow_diverged; // save a run whose loss rose or whose reward fell
    const char *ratio;   // grpo: of each "token", or of the "sequence" (GSPO)
    /* What sizes that are not given may take: "90s", "10m", "2h"; "none": the
     * method's full sizes. NULL: 10m for models above 32 million parameters,
     * else none. `fixed` names options, parted by blanks, that count as given
     * though they stand at their default; NULL: none. */
    const char *budget, *fixed;
    bool dry_run;  // fill the plan of the cost, and do no work
    double epochs; // passes over given preferences, where steps are 0;
                   // 0: 3
    double desirable_weight;   // kto: of each good answer's loss; 1
    double undesirable_weight; // kto: of each bad one's; 1
} trv_convert_options;

/** The options at their defaults, for languages that have no macros of C. */
TRV_API trv_convert_options trv_convert_options_init(void);

#ifdef __cplusplus
#define TRV_CONVERT_OPTIONS_INIT trv_convert_options_init()
#else
#define TRV_CONVERT_OPTIONS_INIT                                               \
    {                                                                          \
        .version = 1, .lora = TRV_LORA_OPTIONS_INIT,                           \
        .virtual_tokens = TRV_VIRTUAL_OPTIONS_INIT,                            \
        .bottleneck = TRV_BOTTLENECK_OPTIONS_INIT, .save_as = "bf16",          \
        .learn = TRV_LEARN_OPTIONS_INIT, .temperature = 1.0,                   \
        .divergence = "forward", .features_weight = 1.0,                       \
        .features_layers = "all", .init = "zero", .advantage = "group",        \
        .clip_ratio = 0.2, .updates = 1, .gae_lambda = 0.95, .max_kl = 1.0,    \
        .prompt_tokens = 24, .length_cost = 0.001,                             \
        .search = TRV_SEARCH_OPTIONS_INIT, .evolve = TRV_EVOLVE_OPTIONS_INIT,  \
        .ratio = "token", .desirable_weight = 1.0, .undesirable_weight = 1.0   \
    }
#endif

/** A method of a conversion: a row of the table that dispatch, defaults, checks
 * and help are made from. Names in lists are parted by blanks. */
typedef struct {
    const char *name;    // "dpo"
    const char *makes;   // the kinds that it can make: "lora adapter full"
    const char *summary; // one line, lower case
    const char
        *options; // that it reads, by the names of convert_options.def and
                  // learn_options.def; "@learn": the group Optimisation
    const char *defaults; // where an option is left at 0: "steps=200 beta=0.1"
    const char *example;  // a command
    const char *source;   // paper, or NULL
} trv_method;

/** The edges: "prompt->params" and so on; NULL behind the last. */
TRV_API const char *trv_edge_at(int32_t edge);
/** The methods of an edge; the first that makes a kind is the default for it or,
 * where pairs are given, the first that reads those. NULL behind the last, and for an edge that is none. */
TRV_API const trv_method *trv_method_at(int32_t edge, int32_t i);
/** The options that a conversion reads because it makes a kind, by whatever
 * method: "rank alpha ..." of "lora". "" where there are none. */
TRV_API const char *trv_kind_options(const char *kind);

/** What a conversion took. */
typedef struct {
    double seconds, tokens, flop;
    double final_loss; // nats per token; NaN where the loss has no unit
    int64_t peak_bytes, artefact_bytes, steps, samples;
    /* of parameters made from a reward: what fresh answers show */
    int64_t judged;                     // answers; 0: not looked at
    double reward_before, reward_after; // means; NaN without a reward
    double kl_base;                     // from the base, nats a token
    /* where a reward was learned: its loss is in nats per pair */
    int64_t pairs, held_out; // pairs learned from, and those it is tried on
    double accuracy;         // share of the latter ranked right; held_out 0: 0
    /* what was planned before: tokens, answers and steps at most, about how
     * many seconds (0: not measured) and bytes beside the model */
    double planned_tokens, planned_seconds, planned_bytes;
    double planned_answers, planned_steps;
    /* options that give the sizes a budget has cut, as "--samples 256 --steps
     * 60": the same run on any machine; "" where nothing was cut */
    char sizes[160];
    double drawn_tokens; // of `tokens`: drawn, one after the other
} trv_cost;

/**
 * Convert an adaptation into another form and write it as an artefact; with
 * `via`, step by step, the artefacts on the way in OUT.via.
 *
 * @param to  FORM:PATH, such as "lora:out/z", "ratio:out/r", or "full:out/m" for
 *            all weights, which learn in a second copy; of a reward
 *            "prompt:out/z" makes messages where the inputs are a chat's, else
 *            a text.
 * @return TRV_EUNSUPPORTED (an edge or method that is not there, with those
 *         that are), TRV_EINVAL (an option that nothing here reads, with the
 *         methods that do; OUT is the current folder), TRV_ERANGE, TRV_EEXIST
 *         (OUT is there, or another run writes it; replace is for an artefact,
 *         a PEFT folder or an empty folder, and removes only the files that the
 *         manifest lists, or PEFT's own; what appeared meanwhile stays: the
 *         message says where the result lies), TRV_EMISMATCH (resumed with
 *         another prompt, input, option or seed: names what), TRV_ECANCELED
 *         (resumable: the message says from where), TRV_ENONFINITE (nothing
 *         saved but the last good checkpoint), TRV_EDIVERGED (the loss rose
 *         or the reward of grpo and ppo fell; resumed with allow_diverged it
 *         is saved), and what reading inputs and writing files may return.
 */
TRV_API TRV_MUST_USE int trv_convert(trv_model *m, trv_cost *cost,
                                     const trv_adaptation *from, const char *to,
                                     const trv_convert_options *opts,
                                     trv_progress_fn progress, void *payload,
                                     trv_err *err);

/* ---- training ------------------------------------------------------- */

/** Random weights that a training begins with; see trv_scratch_open(). */
typedef struct trv_scratch trv_scratch;

typedef struct {
    uint32_t version;      // 1
    const char *data;      // rows: `text`, `prompt`+`completion`, `messages`;
                           // of pairs `prompt`+`chosen`+`rejected`, of kto
                           // `prompt`+`completion`+`label`
    const char *eval;      // held-out rows; NULL: none
    bool replace;          // overwrite an artefact that is there
    bool resume;           // go on from the checkpoint beside the output
    int32_t max_length;    // tokens of a row; 0: 1024, or the context
    const char *precision; // in which all weights are saved: "bf16", "f32"
    double epochs;         // passes over the data; 0: 1, of dpo, orpo, kto 3
    /* what is trained, where `to` is not "full" */
    trv_lora_options lora;
    trv_virtual_options virtual_tokens;
    trv_bottleneck_options bottleneck;
    /* steps 0: by the epochs; batch 0: 16; lr 0: for all weights 2e-5 at a
     * width of 2048 and more where it is less, else by what is trained; for a
     * reward half and a fifth of it */
    trv_learn_options learn;
    uint64_t seed;
    trv_message_fn on_message; // NULL: none
    void *message_payload;
    /* a reward */
    bool full;            // all weights learn, in place of a LoRA
    double centre;        // pull of (r_chosen + r_rejected)^2 towards 0; 0
    bool allow_diverged;  // save a run whose loss rose
    trv_scratch *scratch; // borrowed: what `m` was opened from, and the lock on
                          // the output; NULL: the training takes the lock
    /* tokens of a conversation that carry loss: "last", "assistant", "all" */
    const char *loss_on;
    /* what steps that are not given may take, as of trv_convert_options */
    const char *budget;
    bool dry_run; // fill the plan of the cost, and do no work
    /* "sft", "dpo", "orpo", "kto", "reward"; NULL: reward for a head, else
     * sft. dpo, orpo and kto are trv_convert() of the base with the data as its
     * pairs, and read, besides what is above but max_length, loss_on and what
     * is of a reward, the same options with the same defaults: */
    const char *method;
    double beta;
    const char *loss;
    double label_smoothing, sft_weight, desirable_weight, undesirable_weight;
} trv_train_options;

#define TRV_TRAIN_OPTIONS_INIT                                                 \
    {                                                                          \
        1, NULL, NULL, false, false, 0, "bf16", 0.0, TRV_LORA_OPTIONS_INIT,    \
            TRV_VIRTUAL_OPTIONS_INIT, TRV_BOTTLENECK_OPTIONS_INIT,             \
            TRV_LEARN_OPTIONS_INIT, 0, NULL, NULL, false, 0.0, false, NULL,    \
            "last", NULL, false, NULL, 0.0, NULL, 0.0, 0.0, 1.0, 1.0           \
    }

/**
 * Learn from given data: answers only, EOS included. `m` itself stays what its
 * file says, also where all weights are trained.
 *
 * @param to  "lora:PATH", "adapter:PATH", "soft:PATH", "prefix:PATH", or
 *            "full:PATH" for all weights, written as a Hugging Face folder;
 *            "head:PATH" for a reward model, learned from pairs by
 *            Bradley-Terry: a LoRA and a score (PEFT), or with opts->full a
 *            folder of sequence classification.
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
 *            nothing else; files that are none of a model's stay.
 * @return TRV_EEXIST, TRV_EIO, TRV_EFORMAT, TRV_EUNSUPPORTED, TRV_ENOMEM.
 */
TRV_API TRV_MUST_USE int trv_model_create(const char *path, const char *from,
                                          uint64_t seed, bool replace,
                                          trv_err *err);

/**
 * Begin a training from scratch: lock the output, as trv_train() does, and only
 * then write random weights to OUT.run/start by trv_model_create(). A run that
 * goes on makes them anew, to the same bytes.
 *
 * @param out   [out] holds the lock; open trv_scratch_path(), train with
 *              opts->scratch, then free it. NULL after a failure.
 * @param to    as in trv_train(), which must be given the same.
 * @param from  as in trv_model_create().
 * @param opts  its seed, replace and resume are read; NULL: the defaults.
 * @return as trv_train() and trv_model_create().
 */
TRV_API TRV_MUST_USE int trv_scratch_open(trv_scratch **out, const char *to,
                                          const char *from,
                                          const trv_train_options *opts,
                                          trv_err *err);
/** The folder of the weights; stays valid until the free. */
TRV_API const char *trv_scratch_path(const trv_scratch *s);
/** Give back the lock; the weights stay. NULL is allowed. */
TRV_API void trv_scratch_free(trv_scratch *s);

/* ---- scores --------------------------------------------------------- */

/** A mean over inputs with its standard error; n 0 where not measured. */
typedef struct {
    double mean, stderr_, low, high; // low, high: 95 % interval
    int64_t n;
} trv_figure;

typedef struct {
    uint32_t version; // 1
    const char *data; // rows: `prompt`+`completion`, `messages`, `text`, or
                      // pairs: `prompt`+`chosen`+`rejected`
    bool tokens;      // a value for each token, too
    int32_t max_rows; // 0: all
    bool no_eos;      // of log-probabilities: leave out the end of an answer,
                      // EOS or what a template puts behind it
    bool logp;        // of parameters and prompts: log pA, and no ratio
    trv_message_fn on_message; // how rows are laid out; NULL: none
    void *message_payload;
} trv_score_options;

#define TRV_SCORE_OPTIONS_INIT                                                 \
    {                                                                          \
        1, NULL, false, 0, false, false, NULL, NULL                            \
    }

typedef struct {
    char *text; // NUL-terminated
    size_t n;
    double score;
    int64_t n_tokens;     // its end included, but for no_eos
    int32_t *ids;         // [n_tokens]
    double *token_scores; // [n_tokens], their sum is the score; NULL unless
                          // asked for
} trv_scored_answer;

typedef struct {
    int64_t line; // of the file, where the row begins
    bool pair;
    bool text; // a row of text, all of whose tokens are scored
    trv_scored_answer answer, rejected; // of a pair: chosen and rejected
} trv_scored_row;

typedef struct {
    trv_scored_row *rows;
    int64_t n;
    trv_figure score; // of all answers
    double deviation; // the standard deviation of one; NaN for one alone
    trv_figure chosen, rejected, margin, accuracy; // of pairs; a tie is a half
    /* of rows of text: the sum of all log-probabilities, in nats */
    double text_logp;
    int64_t text_rows, text_tokens, text_bytes;
    double seconds;
    char *unused;   // a line that names columns of the file that nothing reads
                    // but a check that names them, or NULL
    int64_t joined; // rows that are trv_layout_row.joined
} trv_scores;

/**
 * Score the answers of a file. A reward gives its own value; parameters and
 * prompts the log-ratio log pA - log p0, in nats, or with opts->logp log pA; the
 * base log p0 itself. Of a row of text all tokens are the answer, the first
 * behind BOS, or EOS where there is none, and the score is log pA always.
 *
 * @param out  [out] free with trv_scores_release(); zeros after a failure.
 * @return what reading data may return; TRV_EUNSUPPORTED (a value for each
 *         token, no_eos or logp is asked of a reward that has none), TRV_EINVAL
 *         (a row lacks what the reward needs; with no_eos, a chat template that
 *         does not show where an answer ends; an outside program failed),
 *         TRV_ETOOLONG, TRV_ECANCELED, TRV_ENONFINITE.
 */
TRV_API TRV_MUST_USE int trv_score(trv_model *m, trv_scores *out,
                                   const trv_adaptation *a,
                                   const trv_score_options *opts,
                                   trv_progress_fn progress, void *payload,
                                   trv_err *err);
TRV_API void trv_scores_release(trv_scores *s);

/* ---- measurement ---------------------------------------------------- */

typedef struct {
    uint32_t version;    // 1
    const char *inputs;  // held-out inputs; NULL: sampled from the model, and
                         // never those that a conversion samples
    const char *control; // inputs to leave alone; NULL: the base's own text
    int32_t max_inputs;  // 0: 200, or what the budget leaves of them
    int32_t max_tokens;  // of each sample; 0: 64, likewise
    int32_t candidates;  // answers per input for the score figures; 0: 4
    uint64_t seed;
    int32_t examples;           // inputs to be shown with their answers; 0
    const trv_adaptation *task; // a reward, borrowed: how much of it the
                                // answers of each side get; NULL: the source
                                // where that is a reward, or else none
    bool note; // write the figures, and what they depend on, to `measured` in
               // the target's trivium.json; TRV_EINVAL: it has none
    trv_message_fn on_message; // warnings, and what it will take; NULL: none
    void *message_payload;
    const char *figures; // those to be measured, by the names and groups of
                         // measure_figures.def: "task,gap_closed"; NULL: all
                         // that say something of these two
    double temperature;  // 1; another is for the figures of a task alone. 0:
                         // the likeliest tokens, one answer to each input
    const char *budget;  // what the sizes left at 0 may take: "90s", "2m";
                         // "none": those sizes in full. NULL: 1m for models
                         // above 32 million parameters, else none
    bool dry_run;        // say what it will take, and measure nothing
} trv_measure_options;

#define TRV_MEASURE_OPTIONS_INIT                                               \
    {                                                                          \
        1, NULL, NULL, 0, 0, 0, 0, 0, NULL, false, NULL, NULL, NULL, 1.0,      \
            NULL, false                                                        \
    }

/** An input and what each side answers to it, all three drawn with the same
 * random numbers: where two sides agree, so do their words. UTF-8. Drawn for
 * people, at TRV_EXAMPLE_TEMPERATURE; figures are of answers at 1. */
typedef struct {
    char *input, *base, *source, *target;
    struct {
        int64_t *ends; // [n] bytes of the answer before each token's end,
        int64_t n;     // rising, and never inside a character
    } base_tokens, source_tokens, target_tokens;
} trv_example;
#define TRV_EXAMPLE_TEMPERATURE 0.7

/** One input: means over the tokens of the source's answer to it. */
typedef struct {
    double kl_forward, kl_base; // nats per token, as below
} trv_measured_input;

/** The n-th token of the source's answers: means over those that have one. */
typedef struct {
    double kl_forward, kl_base;
    int64_t answers; // that have one
} trv_measured_position;

/** Distances between A (source) and B (target). */
typedef struct {
    trv_figure kl_forward, kl_reverse; // nats per token
    trv_figure kl_base;                // KL(A, base), along A's samples
    trv_figure gap_closed;             // 1 - kl_forward / kl_base
    trv_figure top1_agreement;
    trv_figure rank_tau, pair_accuracy, pearson;
    trv_figure drift;        // KL(base, B) on control inputs
    trv_figure drift_source; // KL(base, A), along the same answers
    trv_figure task_base, task_source, task_target; // the task's mean reward
    /* The target's, or without one the source's, less the base's to the same
     * input. */
    trv_figure task_gain;
    /* Tokens of an answer, its end included, of those that a side drew for
     * other figures, at most max_tokens; n 0 where it drew none. */
    trv_figure tokens_base, tokens_source, tokens_target;
    uint32_t asked; // bit i: figure i of measure_figures.def was to be measured
    int32_t max_inputs, max_tokens, candidates; // the sizes that it had
    char *cut; // a line: what the budget has cut, and the options that give the
               // same figures anywhere; NULL: nothing
    struct {
        double seconds, tokens, flop;
        int64_t peak_bytes, artefact_bytes;
        double added_seconds_per_token, added_bytes_per_token; // B over base
        double planned_seconds, planned_tokens; // about, at most; 0: unknown
    } cost;
    char *trouble;         // lines that name what looks wrong, or NULL
    trv_example *examples; // [n_examples], or NULL
    int32_t n_examples;    // as asked for, or all inputs there are
    /* What kl_forward and kl_base are the means of; NULL where these were not
     * measured. */
    trv_measured_input *inputs; // [n_inputs]
    int64_t n_inputs;
    trv_measured_position *positions; // [n_positions]
    int64_t n_positions;
} trv_measurement;

/**
 * Measure how near a target is to a source; without a target, what reward of a
 * task the source's answers get.
 *
 * @param out     [out] free with trv_measurement_release(); zeros after a
 *                failure.
 * @param target  NULL: opts->task says what the source's answers are worth.
 * @return TRV_EINVAL (a figure that is none, or that these two do not have;
 *         neither target nor task), TRV_ERANGE, TRV_ETOOLONG (no input leaves
 *         room for an answer), TRV_ECANCELED, TRV_ENONFINITE, TRV_ENOMEM, and
 *         what reading inputs and scoring may return.
 */
TRV_API TRV_MUST_USE int
trv_measure(trv_model *m, trv_measurement *out, const trv_adaptation *source,
            const trv_adaptation *target, const trv_measure_options *opts,
            trv_progress_fn progress, void *payload, trv_err *err);
/** Free what a measurement holds. */
TRV_API void trv_measurement_release(trv_measurement *r);
/** One JSON object; each figure under its name as {"mean":, "stderr":, "n":}
 * (null where not measured), lists under `per_input` and `per_position`. Free
 * with trv_free(). */
TRV_API TRV_MUST_USE int
trv_measurement_json(char **json, const trv_measurement *r, trv_err *err);

/* ---- tasks ---------------------------------------------------------- */

/** One thing that is wrong with a task. */
typedef struct {
    bool useless; // no figure of the task would mean anything
    char *text;   // one sentence
} trv_task_problem;

/** What a check of a task found. */
typedef struct {
    char *name, *says;             // says NULL: it says nothing
    int64_t rows[5];               // train, heldout, unseen, pairs, train_pairs
    char *metric;                  // its kind
    trv_figure base, prompt, gain; // the metric of the base and under the
                                   // prompt; n 0: not measured
    trv_task_problem *problems;    // [n_problems]
    int32_t n_problems;
    bool useless; // one of them is
} trv_task_report;

typedef struct {
    uint32_t version;   // 1
    const char *data;   // where files that the task names are looked for, too
    int32_t max_inputs; // held-out rows that the metric is measured on; 0: 32
    bool run_programs;  // start the outside programs that its rewards name
} trv_task_options;

#define TRV_TASK_OPTIONS_INIT                                                  \
    {                                                                          \
        1, NULL, 0, false                                                      \
    }

/**
 * Say what is wrong with a task before hours are spent on it: a folder with
 * task.json (docs/tasks.md).
 *
 * @param m    measures what the base and the prompt get, and finds what does
 *             not fit it; NULL: only what needs no model is checked.
 * @param out  [out] free with trv_task_report_release(); zeros after a failure.
 * @return 0, also where problems were found; what cannot be read is a failure:
 *         TRV_EIO, TRV_EFORMAT (task.json, or a row), TRV_EUNSUPPORTED,
 *         TRV_EINVAL, TRV_ERANGE, TRV_ECANCELED, TRV_ENOMEM.
 */
TRV_API TRV_MUST_USE int trv_task_check(trv_model *m, trv_task_report *out,
                                        const char *dir,
                                        const trv_task_options *opts,
                                        trv_progress_fn progress, void *payload,
                                        trv_err *err);
TRV_API void trv_task_report_release(trv_task_report *r);
/** The name of rows[i], "train" and so on; NULL behind the last. */
TRV_API const char *trv_task_split(int32_t i);

/* ---- the triangle --------------------------------------------------- */

typedef struct {
    uint32_t version;         // 1
    const char *const *tasks; // [n_tasks] folders, each with a task.json
    int32_t n_tasks;
    const char *data;    // where files that tasks name are looked for, too
    int32_t seeds;       // of each task; 3
    uint64_t seed;       // the first of them; 0
    const char *budget;  // of the whole: "45m", "12h"; "none"; NULL: 1h
    const char *edges;   // those to be run, parted by commas: "prompt-params",
                         // "params-prompt:prefix+soft"; NULL: all
    int32_t depth;       // conversions of the longest chain, 1 to 4; 4
    bool default_method; // of each edge only the method that it takes by
                         // default; false: each that fits
    int32_t inputs;      // held-out inputs of a measurement; 0: 48 of models up
                         // to 32 million parameters, else 32
    bool run_programs;   // start the outside programs that tasks name
    bool retry;          // make again what has failed
    bool dry_run;        // plan, and make nothing
    trv_message_fn on_message; // NULL: none
    void *message_payload;
} trv_triangle_options;

#define TRV_TRIANGLE_OPTIONS_INIT                                              \
    {                                                                          \
        1, NULL, 0, NULL, 3, 0, NULL, NULL, 4, false, 0, false, false, false,  \
            NULL, NULL                                                         \
    }

/**
 * Run every edge of the triangle for each task and seed, measure what each kept,
 * and keep it in a folder: sources at the vertices, the six edges by each method
 * that fits, round trips, chains of up to four conversions. What is done already
 * is not done again, so a stopped run goes on when it is called again. A
 * conversion that fails is a row with its sentence.
 *
 * @param dir  the folder; made where it is absent.
 * @return 0; TRV_EINVAL (no task; an edge or method that is none), TRV_EEXIST
 *         (another run is at work there), TRV_EMISMATCH (the folder is of
 *         another model), TRV_ECANCELED, TRV_ENOMEM, and what reading tasks and
 *         writing files may return.
 */
TRV_API TRV_MUST_USE int trv_triangle(trv_model *m, const char *dir,
                                      const trv_triangle_options *opts,
                                      trv_progress_fn progress, void *payload,
                                      trv_err *err);
/** What a triangle's folder holds, as one JSON object (docs/triangle.md), also
 * while a run is at work there. @param json [out] free with trv_free(). */
TRV_API TRV_MUST_USE int trv_triangle_report(char **json, const char *dir,
                                             trv_err *err);

#ifdef __cplusplus
}
#endif
#endif
