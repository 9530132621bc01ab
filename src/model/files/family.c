/* family.c -- the table of the families. */
#include "model/files/family.h"

#include <stdio.h>
#include <string.h>

#define FAMILY_ROW(name) &family_##name,
static const struct family *const families[] = {FAMILIES(FAMILY_ROW)};
#undef FAMILY_ROW

#define N_FAMILIES (sizeof(families) / sizeof(families[0]))

const struct family *
family_at(size_t i)
{
    return i < N_FAMILIES ? families[i] : NULL;
}

static bool
is_name(const char *name, const char *given, size_t n)
{
    return name && strlen(name) == n && memcmp(name, given, n) == 0;
}

const struct family *
family_find(const char *name, size_t n)
{
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (is_name(families[i]->name, name, n) ||
            is_name(families[i]->text, name, n))
            return families[i];
    return NULL;
}

/* Of the published models that are not read: what each is. */
static const struct {
    const char *what, *names; // each between spaces
} unread[] = {
    {"a mixture of experts",
     " mixtral qwen2_moe qwen3_moe gpt_oss olmoe granitemoe granitemoeshared "
     "deepseek_v2 deepseek_v3 deepseek_v32 deepseek_v4 phimoe dbrx jetmoe "
     "glm4_moe glm4_moe_lite ernie4_5_moe hunyuan_v1_moe minimax minimax_m2 "
     "bailing_moe longcat_flash dots1 flex_olmo arctic llama4 llama4_text "
     "mistral4 nemotron_h_moe afmoe gemma4_moe "},
    {"a hybrid of short convolutions and attention", " lfm2 lfm2_vl lfm3 "},
    {"a mixture of experts over short convolutions and attention",
     " lfm2_moe "},
    {"a hybrid of gated delta nets and attention",
     " qwen3_5 qwen3_5_text olmo_hybrid "},
    {"a mixture of experts over gated delta nets and attention",
     " qwen3_next qwen3_5_moe qwen3_5_moe_text kimi_linear "},
    {"a hybrid of state spaces and attention",
     " jamba bamba falcon_h1 nemotron_h zamba zamba2 "},
    {"a state-space model", " mamba mamba2 falcon_mamba "},
    {"a recurrent network", " rwkv rwkv7 recurrent_gemma xlstm "},
    {"an encoder, which writes no text",
     " bert roberta distilbert deberta deberta-v2 xlm-roberta modernbert "
     "electra albert mpnet nomic_bert "},
    {"an encoder with a decoder",
     " t5 mt5 umt5 t5gemma t5gemma2 bart mbart pegasus whisper m2m_100 marian "
     "led "},
    {"Gemma with embeddings for each layer, shared keys and values",
     " gemma3n gemma3n_text gemma4 gemma4_text "},
};

const char *
family_unread(const char *name)
{
    char key[64];
    const int n = snprintf(key, sizeof(key), " %s ", name);

    if (n < 3 || n >= (int)sizeof(key) || strchr(name, ' '))
        return NULL;
    for (size_t i = 0; i < sizeof(unread) / sizeof(unread[0]); i++)
        if (strstr(unread[i].names, key))
            return unread[i].what;
    return NULL;
}

const struct family *
family_find_gguf(const char *arch, size_t n)
{
    for (size_t i = 0; i < N_FAMILIES; i++) {
        const char *name = family_gguf(families[i]);

        if (families[i]->gguf && strlen(name) == n &&
            memcmp(name, arch, n) == 0)
            return families[i];
    }
    return NULL;
}

const char *
family_gguf(const struct family *f)
{
    return f->gguf_name ? f->gguf_name : f->name;
}

const char *
family_list(char *buf, size_t size, bool gguf)
{
    size_t at = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < N_FAMILIES && at < size; i++)
        if (!gguf || families[i]->gguf)
            at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? ", " : "",
                                   gguf ? family_gguf(families[i])
                                        : families[i]->name);
    return buf;
}

const char *
family_name(const struct family *f)
{
    return f->name;
}

const char *
family_scorer(const struct family *f)
{
    return f->scorer;
}
