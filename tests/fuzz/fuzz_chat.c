/* fuzz_chat.c -- any bytes as a chat template, over one fixed conversation.
 * What {% generation %} says are pieces of the rendering, one behind the other.
 */
#include <jansson.h>
#include <stdint.h>

#include "text/chat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char chat[] =
        "[{\"role\": \"system\", \"content\": \"be brief\"},"
        " {\"role\": \"user\", \"content\": \"h\\u00e9llo w\\u00f6rld\"},"
        " {\"role\": \"assistant\", \"content\": \"\", \"tool_calls\":"
        "  [{\"id\": \"x\", \"n\": 1.5, \"ok\": true, \"a\": [1, null]}]}]";
    static json_t *messages;
    struct chat_spans spans = {0};
    struct chat_options opts = {
        .bos_token = "<s>", .eos_token = "</s>", .spans = &spans};
    struct chat_template *t = NULL;
    struct strbuf out = {0};
    size_t at = 0;

    if (!messages)
        messages = json_loads(chat, 0, NULL);
    if (chat_template_parse(&t, "fuzz", (const char *)data, size, NULL) == 0 &&
        chat_render(t, &out, messages, &opts, NULL) == 0) {
        opts.add_generation_prompt = true;
        (void)chat_render(t, &out, messages, &opts, NULL);
    }
    for (int64_t i = 0; i < spans.n; at = spans.v[i++].to)
        TRV_ASSERT(at <= spans.v[i].from && spans.v[i].from <= spans.v[i].to);
    TRV_ASSERT(at <= out.len);
    chat_spans_release(&spans);
    sb_release(&out);
    chat_template_free(t);
    return 0;
}
