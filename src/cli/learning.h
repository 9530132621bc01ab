/* learning.h -- options and reports that all commands share which learn
 * parameters: a struct of arguments T has the fields in `o`.
 */
#ifndef CLI_LEARNING_H
#define CLI_LEARNING_H

#include "cli/cmd.h"

#define LEARNING_LORA(T)                                                       \
    OPT_GROUP("What is trained"),                                              \
        OPT_INT(T, o.lora.rank, 'r', "rank", .lo = 1, .hi = 512,               \
                .help = "rank of each pair of matrices"),                      \
        OPT_NUM(T, o.lora.alpha, 0, "alpha", .lo = 0, .hi = 1e6,               \
                .shown = "0, twice the rank",                                  \
                .help = "the update counts alpha / rank times"),               \
        OPT_FLAG(T, o.lora.rslora, 0, "rslora",                                \
                 "count the update alpha / sqrt(rank) times"),                 \
        OPT_NUM(T, o.lora.dropout, 0, "dropout", .lo = 0, .hi = 0.99,          \
                .help = "share of the adapter's inputs set to 0 in training"), \
        OPT_TEXT(T, o.lora.targets, 0, "targets", .value = "NAMES",            \
                 .help =                                                       \
                     "layers to adapt: all-linear, or names parted by commas")
#define LEARNING_VIRTUAL(T)                                                    \
    OPT_INT(T, o.virtual_tokens.tokens, 0, "virtual-tokens", .lo = 1,          \
            .hi = 100000, .unit = "tokens",                                    \
            .help = "of soft and prefix: how many stand before the text"),     \
        OPT_TEXT(T, o.virtual_tokens.start, 0, "start", .value = "FROM",       \
                 .shown = "the text that serves best",                         \
                 .help = "text that virtual tokens start from: text:TEXT, "    \
                         "@FILE, or sampled (only what the source or the "     \
                         "data says)")
#define LEARNING_BOTTLENECK(T)                                                 \
    OPT_INT(T, o.bottleneck.size, 0, "bottleneck", .lo = 1, .hi = 65536,       \
            .unit = "values", .help = "of adapter: width of each bottleneck"), \
        OPT_CHOICE(T, o.bottleneck.places, 0, "places", .value = "PLACES",     \
                   .choices = "both|mlp",                                      \
                   .help = "of adapter: after attention and MLP, or after "    \
                           "the MLP alone")

#define LEARNING_OPTIMISER(T)                                                  \
    OPT_INT(T, o.learn.accumulate, 0, "accumulate", .lo = 1, .hi = 65536,      \
            .help = "micro-batches of a step"),                                \
        OPT_NUM(T, o.learn.lr, 0, "lr", .lo = 0, .hi = 10,                     \
                .shown = "by what is trained",                                 \
                .help = "learning rate; 0 leaves it to the kind and the "      \
                        "model's width (dpo: a tenth of that)"),               \
        OPT_CHOICE(T, o.learn.schedule, 0, "schedule", .value = "NAME",        \
                   .choices = "cosine|linear|constant",                        \
                   .help = "how the rate falls"),                              \
        OPT_NUM(T, o.learn.warmup, 0, "warmup", .lo = 0, .hi = 1,              \
                .help = "share of the steps in which the rate rises"),         \
        OPT_NUM(T, o.learn.weight_decay, 0, "weight-decay", .lo = 0, .hi = 10, \
                .help = "pull towards 0, decoupled as in AdamW"),              \
        OPT_NUM(T, o.learn.clip, 0, "clip", .lo = 0, .hi = 1e6,                \
                .help = "largest norm of a gradient; 0 clips none"),           \
        OPT_INT(T, o.learn.checkpoint_every, 0, "checkpoint-every", .lo = 0,   \
                .hi = INT32_MAX, .unit = "steps",                              \
                .help =                                                        \
                    "save what --resume needs so often; 0 only when stopped"), \
        OPT_FLAG(T, o.allow_diverged, 0, "allow-diverged",                     \
                 "save a run whose loss rose or whose reward fell")

/** "lora:out/z" has a form and a place; a plain path is the usual mistake. */
enum cli_exit learning_check_to(const struct cli *cli, const char *to);
const char *learning_path(const char *to); // after the form; checked before

/** What was made and what it took: as JSON ("from" is left out where NULL), or
 * for people. */
void learning_json(FILE *f, const char *model, const char *from, const char *to,
                   const trv_cost *c);
void learning_report(FILE *f, const char *to, const char *what,
                     const trv_cost *c);

#endif
