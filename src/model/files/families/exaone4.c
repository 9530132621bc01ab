/* exaone4.c -- EXAONE 4: norms after each sublayer instead of before it, norms
 * of each head's q and k. Where some layers have a window, three of four, only
 * these rotate.
 */
#include "model/files/families/olmo2.h"

#include <string.h>

static void
shape(struct model_config *c)
{
    olmo2_shape(c);
    c->kinds[0].qk_norm = QK_NORM_HEAD;
}

/* "sliding_window_pattern": each so many-th layer is full, or a text such as
 * LLLG, of which only its length is told here. */
static int64_t
get_pattern(struct fields *r)
{
    const json_t *v = json_object_get(r->obj, "sliding_window_pattern");

    if (json_is_null(v) || (json_is_integer(v) && !json_integer_value(v)))
        return 4; // no layer has a window then
    if (json_is_string(v)) {
        const char *s = json_string_value(v);
        const size_t n = json_string_length(v);

        if (n > 0 && strspn(s, "L") == n - 1 && s[n - 1] == 'G')
            return (int64_t)n;
        r->rc = err_fail(r->err, TRV_EUNSUPPORTED,
                         "'%s': the sliding_window_pattern '%.80s' is not "
                         "supported",
                         r->file, s);
    }
    return field_int(r, "sliding_window_pattern", 4, MAX_LAYERS);
}

/* Where some layers have a window, the others do not rotate. */
static void
still_the_rest(struct model_config *c)
{
    if (c->kinds[1].window)
        c->kinds[0].rope = -1;
}

static int
read_gguf(struct model_config *c, const struct gguf_file *f, trv_err *err)
{
    (void)f;
    (void)err;
    still_the_rest(c);
    return 0;
}

static void
read(struct fields *r, struct model_config *c)
{
    static const struct llama_defaults defaults = {.vocab = 102400,
                                                   .mlp_width = 16384,
                                                   .kv_heads = 32,
                                                   .context = 2048,
                                                   .bos = 0,
                                                   .eos = 2};

    llama_read(r, c, &defaults);
    field_windows(r, c, field_window(r, 4096), 0, get_pattern(r));
    still_the_rest(c);
}

const struct family family_exaone4 = {
    .name = "exaone4",
    .scorer = "Exaone4ForSequenceClassification",
    .gguf = true,
    .gguf_every = 4,
    .names = &olmo2_names,
    .shape = shape,
    .read = read,
    .read_gguf = read_gguf,
};
