/* api_note.c -- what of a measurement goes into a manifest:
 *
 *   "measured": {
 *     "source": {"spec":, "sha256":},          what it was compared with
 *     "task": "verifier:number" or null,
 *     "inputs":, "control":                    SHA-256 of the file; where they
 *                                              were sampled {"sampled": COUNT,
 *                                              "seed":, "sha256": of the
 *                                              tokens}; null: none were read
 *     "seed": "0", "max_inputs":, "max_tokens":, "candidates":, "version":,
 *     "figures": {"kl_forward": {"mean":, "stderr":, "n":}, ...}
 *   }
 */
#include "api/api_note.h"

#include <inttypes.h>
#include <string.h>

#include "adapt/fingerprint.h"
#include "base/json.h"
#include "measure/measure.h"

int
api_note_check(const struct adaptation *target, trv_err *err)
{
    if (target && target->path && target->artefact.root &&
        artefact_is(target->path))
        return 0;
    return err_fail(err, TRV_EINVAL,
                    "'%.200s' is no folder with a %s, so a measurement cannot "
                    "be noted in it",
                    target ? target->spec : "base", ARTEFACT_MANIFEST);
}

/* Keep the mean, its error and the count of each figure that was measured; a
 * task has three figures of its own. */
static void
strip_figures(json_t *figures)
{
    const char *key;
    json_t *f;
    void *next;

    json_object_foreach_safe(figures, next, key, f)
    {
        if (!json_object_get(f, "n")) {
            strip_figures(f);
        } else if (json_integer_value(json_object_get(f, "n")) == 0) {
            (void)json_object_del(figures, key);
        } else {
            (void)json_object_del(f, "low");
            (void)json_object_del(f, "high");
        }
    }
}

static int
read_figures(json_t **out, const trv_measurement *m, trv_err *err)
{
    static const char *const others[] = {
        "cost", "trouble",   "examples",     "sizes",
        "cut",  "per_input", "per_position", "answer_tokens"};
    char *text;
    int rc = measure_json(&text, m, err);

    *out = NULL;
    if (rc)
        return rc;
    rc = json_parse(out, "the figures", text, strlen(text), err);
    trv_free(text);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        (void)json_object_del(*out, others[i]);
    if (!rc)
        strip_figures(*out);
    return rc;
}

static json_t *
inputs_to_json(const struct measured_inputs *in, const char *path,
               const char *seed)
{
    if (in->n == 0)
        return json_null();
    if (path)
        return json_string(in->hash);
    return json_pack("{s:I,s:s,s:s}", "sampled", (json_int_t)in->n, "seed",
                     seed, "sha256", in->hash);
}

int
api_note(const trv_measurement *m, const struct measured_on *on,
         struct adaptation *source, const struct adaptation *target,
         const trv_measure_options *opts, trv_err *err)
{
    char from[HASH_HEX], seed[24];
    json_t *figures = NULL, *note = NULL;
    int rc = source_hash(from, source, err);

    if (!rc)
        rc = read_figures(&figures, m, err);
    if (rc)
        goto done;
    snprintf(seed, sizeof(seed), "%" PRIu64, opts->seed);
    note =
        json_pack("{s:{s:s,s:s},s:s?,s:o,s:o,s:s,s:i,s:i,s:i,s:s,s:O}",
                  "source", "spec", source ? source->spec : "base", "sha256",
                  from, "task", opts->task ? opts->task->inner->spec : NULL,
                  "inputs", inputs_to_json(&on->inputs, opts->inputs, seed),
                  "control", inputs_to_json(&on->control, opts->control, seed),
                  "seed", seed, "max_inputs", (int)m->max_inputs, "max_tokens",
                  (int)m->max_tokens, "candidates", (int)m->candidates,
                  "version", TRIVIUM_VERSION, "figures", figures);
    rc = note ? artefact_note_measured(target->path, note, err)
              : err_nomem(err, "to note a measurement");
done:
    json_decref(note);
    json_decref(figures);
    return rc;
}
