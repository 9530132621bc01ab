/* choosing.h -- options that all commands share which draw text: a struct of
 * arguments T has the fields in `o`, and the lists `adaptations` and `stops`.
 */
#ifndef CLI_CHOOSING_H
#define CLI_CHOOSING_H

#include "cli/cmd.h"

#define CHOOSING_OWN "the model's own, or off"

#define CHOOSING_ADAPTATIONS(T)                                                \
    OPT_LIST(T, adaptations, 'a', "adaptation", .value = "A[=W]",              \
             .shown = "none",                                                  \
             .help = "prompt:TEXT, prompt:@FILE, messages:FILE, lora:DIR, "    \
                     "full:DIR, an artefact's folder or a reward (see score);" \
                     " several but rewards are mixed, each by its weight "     \
                     "(W*A is the same as A=W)")

/* Numbers alone: a conversation may set each of them anew. */
#define CHOOSING_NUMBERS(T)                                                    \
    OPT_INT(T, o.max_tokens, 'n', "max-tokens", .lo = 1, .hi = INT32_MAX,      \
            .unit = "tokens", .help = "at most so many new tokens"),           \
        OPT_NUM(T, o.temperature, 't', "temperature", .lo = 0, .hi = 100,      \
                .shown = "the model's own, or 1",                              \
                .help = "spread of the choices; 0 takes the likeliest"),       \
        OPT_INT(T, o.top_k, 0, "top-k", .lo = 0, .hi = INT32_MAX,              \
                .shown = CHOOSING_OWN,                                         \
                .help = "keep the K likeliest tokens; 0 keeps all"),           \
        OPT_NUM(T, o.top_p, 0, "top-p", .lo = 0, .hi = 1, .above = true,       \
                .shown = CHOOSING_OWN,                                         \
                .help = "keep the likeliest tokens that make up this share; "  \
                        "1 keeps all"),                                        \
        OPT_NUM(T, o.min_p, 0, "min-p", .lo = 0, .hi = 1,                      \
                .help = "drop tokens less likely than this share of the "      \
                        "likeliest; 0 drops none"),                            \
        OPT_NUM(T, o.repetition_penalty, 0, "repetition-penalty", .lo = 0,     \
                .above = true, .hi = 100, .shown = CHOOSING_OWN,               \
                .help = "above 1 makes tokens that were there less likely"),   \
        OPT_SEED(T, o.seed, 's', "seed",                                       \
                 .help = "the same seed gives the same text")

#define CHOOSING_END(T)                                                        \
    OPT_GROUP("When to end"),                                                  \
        OPT_LIST(T, stops, 0, "stop", .value = "TEXT",                         \
                 .help = "end before this text"),                              \
        OPT_FLAG(T, o.ignore_eos, 0, "ignore-eos",                             \
                 "go on after the end of the text, up to --max-tokens")

#endif
