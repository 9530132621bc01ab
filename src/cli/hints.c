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
    {"model", "model", NULL, "the model's name is given as it is: no --model"},
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
    {"data", "inputs", NULL, NULL},
    {"inputs", "data", NULL, NULL},
    {"from", "source|adaptation", NULL, NULL},
    {"to", "target", NULL, NULL},
    {"source", "from|adaptation", NULL, NULL},
    {"target", "to", "as KIND:OUT", NULL},
    {"adaptation", "from|source", NULL, NULL},
    {"pairs", "data", "with --method dpo", NULL},
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
    {"reward", "from|task|adaptation", "as verifier:CHECK or any other reward",
     "'trivium convert --from REWARD' learns from a reward"},
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
    {"prompt", "from|source|system", "as prompt:TEXT or prompt:@FILE", NULL},
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
    {"metric", "task|figures", "as verifier:CHECK", NULL},
    {"metrics", "task|figures", "as verifier:CHECK", NULL},
    {"tasks", "task", "as verifier:CHECK", NULL},
    {"num-fewshot", "adaptation|source", "as demos:FILE", NULL},
    {NULL, NULL, NULL, NULL},
};

/* What was given, to which option ("" is none: a command), what does it. */
static const struct value_hint {
    const char *option, *word, *instead;
} value_hints[] = {
    /* commands: those of TRL, transformers, mlx-lm, llama.cpp and lm-eval */
    {"", "sft", "'trivium train' learns from rows"},
    {"", "finetune", "'trivium train' learns from rows"},
    {"", "lora", "'trivium train' learns from rows, as --to lora:OUT"},
    {"", "dpo", "'trivium train --method dpo' learns from pairs"},
    {"", "kto", "'trivium train --method kto' learns from labelled answers"},
    {"", "reward",
     "'trivium train --method reward --to head:OUT' makes a reward model"},
    {"", "grpo",
     "'trivium convert --from REWARD --method grpo' learns from a reward"},
    {"", "rloo",
     "'trivium convert --from REWARD --method rloo' learns from a reward"},
    {"", "ppo",
     "'trivium convert --from REWARD --method ppo' learns from a reward"},
    {"", "distill", "'trivium convert --method distill' does that"},
    {"", "merge", "'trivium convert --from lora:DIR --to full:OUT' does that"},
    {"", "fuse", "'trivium convert --from lora:DIR --to full:OUT' does that"},
    {"", "run", "'trivium chat' talks, 'trivium generate' continues a text"},
    {"", "eval", "'trivium measure' and 'trivium score' do that"},
    {"", "evaluate", "'trivium measure' and 'trivium score' do that"},
    {"", "perplexity", "'trivium score --adaptation base' has it"},
    /* values of train */
    {"method", "grpo",
     "it learns from a reward: 'trivium convert --from REWARD --method grpo'"},
    {"method", "rloo",
     "it learns from a reward: 'trivium convert --from REWARD --method rloo'"},
    {"method", "ppo",
     "it learns from a reward: 'trivium convert --from REWARD --method ppo'"},
    {"method", "bon",
     "it learns from a reward: 'trivium convert --from REWARD --method bon'"},
    {"method", "ipo", "that is a loss of dpo: --method dpo --loss ipo"},
    {"method", "hinge", "that is a loss of dpo: --method dpo --loss hinge"},
    {"method", "distill",
     "it learns from an adaptation: 'trivium convert --method distill'"},
    {"method", "lora", "--to lora:OUT says what is trained"},
    {"method", "rm", "a reward model is --method reward"},
    {NULL, NULL, NULL},
};

const char *
hint_of_value(const char *option, const char *word)
{
    for (const struct value_hint *h = value_hints; h->option; h++)
        if (strcmp(h->option, option) == 0 &&
            hint_same(word, strlen(word), h->word))
            return h->instead;
    return NULL;
}

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
