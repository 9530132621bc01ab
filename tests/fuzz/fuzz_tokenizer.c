/* fuzz_tokenizer.c -- tokenizer.json of any bytes: it opens or says why not;
 * what opens encodes and decodes a text with something of everything.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "support/open_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] =
        " Hello  world, it's <s>[X] 12 caf\xC3\xA9 e\xCC\x81\n\t\xE2\x96\x81"
        "\xE6\x97\xA5\xE6\x9C\xAC \xF0\x9F\x98\x80\xFF\xE2\x82 aaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaa abababababababababab";
    struct tokenizer *t;
    struct ids ids = {0};
    struct strbuf whole = {0}, streamed = {0};
    struct token_stream s = {.skip_special = false};
    trv_err err;

    if (test_open_json(&t, "fuzz", (const char *)data, size, &err)) {
        if (err.code >= 0 || !err.msg[0])
            abort(); // a failure without a sentence
        return 0;
    }
    if (tokenizer_encode(t, &ids, text, sizeof(text) - 1, true, &err) == 0) {
        for (int64_t i = 0; i < ids.n; i++)
            if (ids.v[i] < 0 || ids.v[i] >= tokenizer_size(t))
                abort();
        if (tokenizer_decode(t, &whole, ids.v, ids.n, false, &err) == 0) {
            for (int64_t i = 0; i < ids.n; i++)
                if (token_stream_feed(t, &s, ids.v[i], &streamed, &err))
                    abort();
            if (token_stream_finish(t, &s, &streamed, &err) ||
                whole.len != streamed.len ||
                (whole.len && memcmp(whole.s, streamed.s, whole.len) != 0))
                abort();
        }
    }
    token_stream_release(&s);
    sb_release(&whole);
    sb_release(&streamed);
    ids_release(&ids);
    tokenizer_free(t);
    return 0;
}
