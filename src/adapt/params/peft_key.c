/* peft_key.c -- names of tensors in an adapter's file. */
#include "adapt/params/peft_key.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *end;
    enum peft_role role;
    const char *keeps; // what of the end stays with the path
} ends[] = {
    {".lora_A.weight", ROLE_A, ""},
    {".lora_B.weight", ROLE_B, ""},
    {".lora_A.bias", ROLE_A_BIAS, ""},
    {".lora_B.bias", ROLE_BIAS, ""},
    {".lora_magnitude_vector", ROLE_MAGNITUDE, ""},
    {".lora_magnitude_vector.weight", ROLE_MAGNITUDE, ""},
    {".lora_embedding_A", ROLE_EMBED_A, ""},
    {".lora_embedding_B", ROLE_EMBED_B, ""},
    {".token_adapter.trainable_tokens_delta", ROLE_ROWS, ""},
    {".modules_to_save.weight", ROLE_WHOLE, ".weight"},
    {".modules_to_save.bias", ROLE_WHOLE, ".bias"},
    {".base_layer.weight", ROLE_WHOLE, ".weight"},
    {".base_layer.bias", ROLE_WHOLE, ".bias"},
    {".weight", ROLE_WHOLE, ".weight"},
    {".bias", ROLE_WHOLE, ".bias"},
};

/* Take the adapter's name out: the last ".default" that is a whole part. */
static void
drop_adapter(char *name)
{
    static const char part[] = ".default";
    const size_t n = sizeof(part) - 1;
    char *at = NULL;

    for (char *s = strstr(name, part); s; s = strstr(s + 1, part))
        if (s[n] == '.' || s[n] == '\0')
            at = s;
    if (at)
        memmove(at, at + n, strlen(at + n) + 1);
}

/* Paths of a text part, in transformers 5 and 4, as those of a text model. */
static void
leave_home(char *path)
{
    static const struct {
        const char *from, *to;
    } prefixes[] = {
        {"model.language_model.", "model."},
        {"language_model.model.", "model."},
        {"language_model.lm_head", "lm_head"},
    };

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        const size_t n = strlen(prefixes[i].from), k = strlen(prefixes[i].to);

        if (strncmp(path, prefixes[i].from, n) != 0)
            continue;
        memcpy(path, prefixes[i].to, k);
        memmove(path + k, path + n, strlen(path + n) + 1);
        return;
    }
}

bool
peft_key_elsewhere(char *buf, size_t size, const char *path)
{
    static const char alone[] = "model.", part[] = "model.language_model.";
    const size_t n = sizeof(alone) - 1, m = sizeof(part) - 1;
    int len = -1;

    if (strncmp(path, part, m) == 0)
        len = snprintf(buf, size, "%s%s", alone, path + m);
    else if (strncmp(path, alone, n) == 0)
        len = snprintf(buf, size, "%s%s", part, path + n);
    return len >= 0 && (size_t)len < size;
}

bool
peft_key_parse(struct peft_key *out, const char *name)
{
    static const char prefix[] = "base_model.model.";
    size_t len;

    if (!strncmp(name, prefix, sizeof(prefix) - 1))
        name += sizeof(prefix) - 1;
    len = strlen(name);
    if (len >= sizeof(out->path))
        return false;
    memcpy(out->path, name, len + 1);
    drop_adapter(out->path);
    leave_home(out->path);
    len = strlen(out->path);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const size_t n = strlen(ends[i].end);

        if (len <= n || strcmp(out->path + len - n, ends[i].end) != 0)
            continue;
        out->role = ends[i].role;
        memcpy(out->path + len - n, ends[i].keeps, strlen(ends[i].keeps) + 1);
        return true;
    }
    return false;
}

const char *
peft_key_foreign(const char *name)
{
    static const struct {
        const char *part, *means;
    } foreign[] = {
        {".original_module.", "a module of the base"},
        {".hada_", "LoHa"},
        {".lokr_", "LoKr"},
        {".ia3_", "IA3"},
        {".vera_", "VeRA"},
        {".oft_", "OFT"},
        {".boft_", "BOFT"},
        {".lora_E", "AdaLoRA"},
        {".ranknum", "AdaLoRA"},
    };

    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        if (strstr(name, foreign[i].part))
            return foreign[i].means;
    return NULL;
}
