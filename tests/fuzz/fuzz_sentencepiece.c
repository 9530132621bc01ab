/* fuzz_sentencepiece.c -- tokenizer.model of any bytes: it opens or says why
 * not; what opens encodes and decodes a text with something of everything.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/tokenizer/tokenizer_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
use(struct tokenizer *t)
{
    static const char text[] =
        "  Hello  world, <s>[X]<usr> 12 caf\xC3\xA9 e\xCC\x81\n\t\xE2\x96\x81"
        "\xE6\x97\xA5\xE6\x9C\xAC \xF0\x9F\x98\x80\xFF\xE2\x82 Q\xEF\xAC\x81 "
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct ids ids = {0};
    struct strbuf whole = {0};
    trv_err err;

    if (tokenizer_encode(t, &ids, text, sizeof(text) - 1, true, &err) == 0) {
        for (int64_t i = 0; i < ids.n; i++)
            if (ids.v[i] < 0 || ids.v[i] >= tokenizer_size(t))
                abort();
        (void)!tokenizer_decode(t, &whole, ids.v, ids.n, false, &err);
    }
    sb_release(&whole);
    ids_release(&ids);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int llama = 0; llama < 2; llama++) {
        const struct spm_rules rules = {.llama = llama != 0,
                                        .prefix = llama ? SPM_PREFIX_FIRST
                                                        : SPM_PREFIX_ALWAYS};
        struct spm_names names;
        struct tokenizer *t;
        trv_err err;
        int rc =
            tokenizer_read_spm(&t, &names, &rules, "fuzz", data, size, &err);

        if (!rc)
            rc = tokenizer_finish(t, "fuzz", &err);
        if (!rc)
            use(t);
        else if (err.code >= 0 || !err.msg[0])
            abort(); // a failure without a sentence
        spm_names_release(&names);
        tokenizer_free(t);
    }
    return 0;
}
