/* api_describe.c -- what an open adaptation is, as JSON. */
#include <jansson.h>
#include <stdlib.h>

#include "adapt/prompt/demos.h"
#include "api/api.h"

/* A prompt's messages; NULL for what says nothing in words of its own. */
static json_t *
words_of(const struct adaptation *a)
{
    if (a->kind == KIND_TEXT)
        return json_pack("[{s:s}]", "content", a->text);
    if (a->kind == KIND_MESSAGES)
        return json_incref(a->messages);
    return a->kind == KIND_DEMOS ? json_incref(a->demos->turns) : NULL;
}

int
trv_adaptation_describe(char **json, const trv_adaptation *a, trv_err *err)
{
    const struct adaptation *in = a->inner;
    /* json_string() is NULL for a name that is no UTF-8: it cannot be said. */
    json_t *root =
        json_pack("{s:s,s:o?,s:o?,s:O?,s:o?}", "kind", kind_name(in->kind),
                  "spec", json_string(in->spec), "path", json_string(in->path),
                  "manifest", in->artefact.root, "words", words_of(in));
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;

    json_decref(root);
    *json = text ? mem_strdup(text) : NULL;
    free(text);
    return *json ? 0 : err_nomem(err, "to describe an adaptation");
}
