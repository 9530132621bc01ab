/* kind.h -- the forms of an adaptation and the kinds of each, by name.
 */
#ifndef ADAPT_KIND_H
#define ADAPT_KIND_H

enum form { FORM_BASE, FORM_PARAMS, FORM_PROMPT, FORM_REWARD, FORM_COUNT };
const char *form_name(enum form f); // "base", "params", "prompt", "reward"

/* Every kind: its form and name. */
#define KIND_LIST(X)                                                           \
    X(BASE, BASE, "base")                                                      \
    X(LORA, PARAMS, "lora")                                                    \
    X(FULL, PARAMS, "full")                                                    \
    X(ADAPTER, PARAMS, "adapter")                                              \
    X(MIX, PARAMS, "mix")                                                      \
    X(TEXT, PROMPT, "text")                                                    \
    X(MESSAGES, PROMPT, "messages")                                            \
    X(DEMOS, PROMPT, "demos")                                                  \
    X(RETRIEVE, PROMPT, "retrieve")                                            \
    X(SOFT, PROMPT, "soft")                                                    \
    X(PREFIX, PROMPT, "prefix")                                                \
    X(HEAD, REWARD, "head")                                                    \
    X(RATIO, REWARD, "ratio")                                                  \
    X(CONTRAST, REWARD, "contrast")                                            \
    X(JUDGE, REWARD, "judge")                                                  \
    X(VERIFIER, REWARD, "verifier")                                            \
    X(SUM, REWARD, "sum")

enum kind {
#define KIND_ENUM(id, form, name) KIND_##id,
    KIND_LIST(KIND_ENUM)
#undef KIND_ENUM
        KIND_COUNT
};
const char *kind_name(enum kind k);
enum form kind_form(enum kind k);

#endif
