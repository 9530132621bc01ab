/* hints.c -- options of other programs, and what takes their place. */
#include "cli/hints.h"

#include <ctype.h>
#include <string.h>

#define NOT_FETCHED                                                            \
    "nothing is fetched here: 'hf download' does that, and the model's name "  \
    "is then found in its cache"
#define BY_ITSELF "this is done by itself"
#define ON_CPU "all is computed on the processor"
#define A_LORA "--to lora:OUT says what is trained"

const struct hint hints[] = {
    /* transformers' TrainingArguments, and what its scripts take */
    {"learning-rate", "lr", NULL, NULL},
    {"per-device-train-batch-size", "batch", NULL, NULL},
    {"per-device-eval-batch-size", NULL, NULL, BY_ITSELF},
    {"train-batch-size", "batch", NULL, NULL},
    {"batch-size", "batch", NULL, BY_ITSELF},
    {"gradient-accumulation-steps", "accumulate", NULL, NULL},
    {"grad-accumulation-steps", "accumulate", NULL, NULL},
    {"num-train-epochs", "epochs|steps", NULL, NULL},
    {"num-epochs", "epochs|steps", NULL, NULL},
    {"max-steps", "steps", NULL, NULL},
    {"iters", "steps", NULL, NULL},
    {"warmup-ratio", "warmup", NULL, NULL},
    {"warmup-steps", "warmup", "a share of the steps", NULL},
    {"lr-scheduler-type", "schedule", NULL, NULL},
    {"lr-schedule", "schedule", NULL, NULL},
    {"max-grad-norm", "clip", NULL, NULL},
    {"optim", NULL, NULL, "the optimiser is AdamW"},
    {"optimizer", NULL, NULL, "the optimiser is AdamW"},
    {"logging-steps", NULL, NULL, "metrics.jsonl gets a line for each step"},
    {"logging-dir", NULL, NULL, "metrics.jsonl gets a line for each step"},
    {"report-to", NULL, NULL, "metrics.jsonl gets a line for each step"},
    {"save-steps", "checkpoint-every", NULL, NULL},
    {"save-every", "checkpoint-every", NULL, NULL},
    {"output-dir", "to", "as KIND:OUT", NULL},
    {"output", "to", "as KIND:OUT", NULL},
    {"save-dir", "to", "as KIND:OUT", NULL},
    {"overwrite-output-dir", "replace", NULL, NULL},
    {"overwrite", "replace", NULL, NULL},
    {"force", "replace", NULL, NULL},
    {"resume-from-checkpoint", "resume", NULL, NULL},
    {"do-train", NULL, NULL, "'trivium train' trains"},
    {"bf16", "precision", "as --precision bf16", NULL},
    {"fp16", "precision", "which knows f32 and bf16", NULL},
    {"dtype", "precision", NULL, NULL},
    {"torch-dtype", "precision", NULL, NULL},
    {"gradient-checkpointing", "accumulate", "which saves memory, too", NULL},
    {"model-name-or-path", "model", NULL, NULL},
    {"model-name", "model", NULL, NULL},
    {"model-path", "model", NULL, NULL},
    {"base-model", "model|base", NULL, NULL},
    {"pretrained-model-name-or-path", "model", NULL, NULL},
    {"tokenizer-name", NULL, NULL, "a model brings its own tokenizer"},
    {"tokenizer", NULL, NULL, "a model brings its own tokenizer"},
    {"dataset-name", "data|inputs", NULL, NULL},
    {"dataset", "data|inputs", NULL, NULL},
    {"train-file", "data|inputs", NULL, NULL},
    {"train-data", "data|inputs", NULL, NULL},
    {"dataset-path", "data|inputs", NULL, NULL},
    {"validation-file", "eval|data", NULL, NULL},
    {"eval-dataset", "eval|data", NULL, NULL},
    {"eval-file", "eval|data", NULL, NULL},
    {"revision", "model", "as ORG/NAME@REVISION", NULL},
    {"trust-remote-code", NULL, NULL, "no code of a model is ever run"},
    {"hf-token", NULL, NULL, NOT_FETCHED},
    {"cache-dir", NULL, NULL, "HF_HUB_CACHE names the cache"},
    {"push-to-hub", NULL, NULL, "'hf upload ORG/NAME OUT' does that"},
    {"load-in-4bit", NULL, NULL,
     "a quantised model is a GGUF file: --model FILE.gguf"},
    {"load-in-8bit", NULL, NULL,
     "a quantised model is a GGUF file: --model FILE.gguf"},
    /* PEFT */
    {"lora-r", "rank", NULL, NULL},
    {"lora-rank", "rank", NULL, NULL},
    {"r", "rank", NULL, NULL},
    {"lora-alpha", "alpha", NULL, NULL},
    {"lora-dropout", "dropout", NULL, NULL},
    {"lora-target-modules", "targets", NULL, NULL},
    {"target-modules", "targets", NULL, NULL},
    {"use-rslora", "rslora", NULL, NULL},
    {"use-dora", "dora", NULL, NULL},
    {"use-peft", NULL, NULL, A_LORA},
    {"use-lora", NULL, NULL, A_LORA},
    {"peft-type", NULL, NULL, A_LORA},
    {"num-virtual-tokens", "virtual-tokens", NULL, NULL},
    {"prompt-tuning-init-text", "start", "as text:TEXT", NULL},
    {"adapter-name-or-path", "adaptation|from|source", NULL, NULL},
    {"adapter-path", "adaptation|from|source", NULL, NULL},
    {"adapter", "adaptation|from|source", NULL, NULL},
    {"peft-model", "adaptation|from|source", NULL, NULL},
    /* TRL */
    {"max-seq-length", "max-length", NULL, NULL},
    {"max-prompt-length", "max-length", "of prompt and answer", NULL},
    {"max-completion-length", "max-tokens", NULL, NULL},
    {"response-length", "max-tokens", NULL, NULL},
    {"loss-type", "loss", NULL, NULL},
    {"rpo-alpha", "sft-weight", NULL, NULL},
    {"ref-model", NULL, NULL, "the reference is the base"},
    {"reference-model", NULL, NULL, "the reference is the base"},
    {"reward-funcs", "from", "as verifier:CHECK or any other reward", NULL},
    {"reward-model-path", "from|task|adaptation", "as head:DIR", NULL},
    {"reward-model", "from|task|adaptation", "as head:DIR", NULL},
    {"num-generations", "group", NULL, NULL},
    {"group-size", "group", NULL, NULL},
    {"num-iterations", "updates", NULL, NULL},
    {"num-ppo-epochs", "updates", NULL, NULL},
    {"epsilon", "clip-ratio", NULL, NULL},
    {"cliprange", "clip-ratio", NULL, NULL},
    {"kl-coef", "beta", NULL, NULL},
    {"init-kl-coef", "beta", NULL, NULL},
    {"lam", "gae-lambda", NULL, NULL},
    {"scale-rewards", "advantage", NULL, NULL},
    {"importance-sampling-level", "ratio", NULL, NULL},
    {"center-rewards-coefficient", "centre", NULL, NULL},
    {"assistant-only-loss", "loss-on", "as --loss-on assistant", NULL},
    {"completion-only-loss", "loss-on", "as --loss-on last", NULL},
    {"packing", NULL, NULL, "rows are always packed, and never see each other"},
    {"lmbda", "on-policy", NULL, NULL},
    /* generation, in transformers and llama.cpp */
    {"max-new-tokens", "max-tokens", NULL, NULL},
    {"n-predict", "max-tokens", NULL, NULL},
    {"predict", "max-tokens", NULL, NULL},
    {"max-length", "max-length|max-tokens", NULL, NULL},
    {"temp", "temperature", NULL, NULL},
    {"do-sample", "temperature", "and 0 is greedy", NULL},
    {"num-return-sequences", "samples", NULL, NULL},
    {"num-beams", NULL, NULL,
     "there is no beam search: --best-of N takes the best by a reward"},
    {"repeat-penalty", "repetition-penalty", NULL, NULL},
    {"stop-strings", "stop", NULL, NULL},
    {"stop-sequences", "stop", NULL, NULL},
    {"reverse-prompt", "stop", NULL, NULL},
    {"system-prompt", "system", NULL, "write --adaptation prompt:TEXT"},
    {"system", "system", NULL, "write --adaptation prompt:TEXT"},
    {"sys", "system", NULL, "write --adaptation prompt:TEXT"},
    {"file", "prompt|data", "and @FILE reads a file", NULL},
    {"interactive", "chat", NULL, "'trivium chat' is a conversation"},
    {"conversation", "chat", NULL, "'trivium chat' is a conversation"},
    {"chat", "chat", NULL, "'trivium chat' is a conversation"},
    {"chat-template-file", "chat-template", NULL, NULL},
    {"stream", NULL, NULL, "text is printed as it comes"},
    {"lora", "adaptation|from|source", "as lora:DIR", NULL},
    {"lora-scaled", "adaptation|from|source", "as lora:DIR=W", NULL},
    {"ctx-size", NULL, NULL, "the context is the model's own"},
    {"context-length", NULL, NULL, "the context is the model's own"},
    {"n-gpu-layers", NULL, NULL, ON_CPU},
    {"gpu-layers", NULL, NULL, ON_CPU},
    {"-ngl", NULL, NULL, ON_CPU},
    {"device", NULL, NULL, ON_CPU},
    {"device-map", NULL, NULL, ON_CPU},
    {"flash-attn", NULL, NULL, BY_ITSELF},
    {"-fa", NULL, NULL, BY_ITSELF},
    {"attn-implementation", NULL, NULL, BY_ITSELF},
    {"hf-repo", "model", "as ORG/NAME", NULL},
    {"-hf", "model", "as ORG/NAME:Q4_K_M", NULL},
    {"hf-file", "model", "as ORG/NAME:FILE", NULL},
    {"n-threads", "threads", NULL, NULL},
    {"log-disable", "quiet", NULL, NULL},
    {"silent", "quiet", NULL, NULL},
    {"verbose", NULL, NULL, "all is said unless --quiet is given"},
    /* lm-eval */
    {"pretrained", "model", NULL, NULL},
    {"limit", "max-rows|max-inputs|samples", NULL, NULL},
    {"output-path", "to|note", NULL, NULL},
    {"num-fewshot", "adaptation|source", "as demos:FILE", NULL},
    {NULL, NULL, NULL, NULL},
};

static bool
is_dash(char c)
{
    return c == '-' || c == '_';
}

bool
hint_same(const char *a, size_t n_a, const char *b)
{
    const char *const end = a + n_a;

    for (;;) {
        while (a < end && is_dash(*a))
            a++;
        while (is_dash(*b))
            b++;
        if (a == end || !*b)
            return a == end && !*b;
        if (tolower((unsigned char)*a++) != tolower((unsigned char)*b++))
            return false;
    }
}
