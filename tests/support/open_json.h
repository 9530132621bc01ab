/* open_json.h -- a tokenizer.json alone, without the files beside it. */
#ifndef TESTS_SUPPORT_OPEN_JSON_H
#define TESTS_SUPPORT_OPEN_JSON_H

#include "text/tokenizer/tokenizer_inside.h"

static inline int
test_open_json(struct tokenizer **out, const char *name, const char *bytes,
               size_t n, trv_err *err)
{
    int rc = tokenizer_read_json(out, name, bytes, n, err);

    if (!rc)
        rc = tokenizer_finish(*out, name, err);
    if (rc) {
        tokenizer_free(*out);
        *out = NULL;
    }
    return rc;
}

#endif
