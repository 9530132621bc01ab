/* artefact.h -- trivium.json: what an artefact is, which base it belongs to,
 * how it came to be, and whether its files are whole.
 *
 *   {
 *     "trivium": 1,
 *     "form": "params", "kind": "lora",
 *     "base": {"name":, "weights":, "tokenizer":, "chat":},     SHA-256 or ""
 *     "layout": "chat", "raw" or "mixed", of the inputs or rows that it was
 *               made from; absent where there were none: row_layout.h
 *     "chain": [{"from":, "edge":, "method":, "options": {}, "seed":,
 *                "data":, "version":, "cost": {}}],
 *     "measured": {} or absent: api/api_note.c, and the reports of prompt
 *                 searches,
 *     "files": [{"name":, "sha256":, "bytes":}]
 *   }
 *
 * The bytes depend on these fields and on nothing else: no time, no host. So
 * `cost` holds counts that a seed decides (steps, samples, tokens, FLOP);
 * seconds and peak memory belong to the caller's report.
 */
#ifndef ADAPT_ARTEFACT_H
#define ADAPT_ARTEFACT_H

#include <jansson.h>

#include "adapt/kind.h"
#include "base/file.h"
#include "base/outdir.h"
#include "base/hash.h"
#include "model/files/model.h"

#define ARTEFACT_MANIFEST "trivium.json"
#define ARTEFACT_VERSION 1

/** One conversion. */
struct artefact_step {
    const char *from;    // the source's spec, "prompt:@z.txt"
    const char *edge;    // "prompt->params"
    const char *method;  // "distill"
    json_t *options;     // object
    uint64_t seed;       // stored as a string: JSON has no such integer
    const char *data;    // SHA-256 of the inputs, or ""
    const char *version; // the program's; NULL: this one's
    json_t *cost;        // object of counts, or NULL
};

/* The manifest, read or to be written, as JSON: `root` owns it. */
struct artefact {
    enum form form;
    enum kind kind;
    json_t *root;
    /* borrowed from root; "" where absent */
    const char *base_name, *base_weights, *base_tokenizer, *base_chat;
    const char *layout;
    /* what finds the base again, for the files of other programs; borrowed
     * from whoever writes one, NULL where it is read */
    const char *base_origin;
    const json_t *chain;    // array
    const json_t *measured; // object or NULL
    const json_t *files;    // array
};

/** Is there a trivium.json in the folder? */
bool artefact_is(const char *dir);

/** Read and check trivium.json: format, types, file names that stay inside the
 * folder. TRV_EUNSUPPORTED for a later format version or an unknown kind. */
int artefact_read(struct artefact *out, const char *dir, trv_err *err);
int artefact_parse(struct artefact *out, const char *name, const char *bytes,
                   size_t n, trv_err *err);
/** Are the payload files there, with the size and SHA-256 that trivium.json
 * gives? TRV_EFORMAT (TRV_EIO) names the first that is not. */
int artefact_check_files(const struct artefact *a, const char *dir,
                         trv_err *err);
/** Is it of this base? TRV_EMISMATCH names the part (weights, tokenizer, chat
 * template) that differs and both bases. Fields that the artefact lacks are not
 * compared. */
int artefact_check_base(const struct artefact *a, const char *dir,
                        const char *name, const struct model_identity *id,
                        trv_err *err);

/** Begin one to be written. `id` NULL: unknown base. */
int artefact_init(struct artefact *a, enum kind kind, const char *base_name,
                  const struct model_identity *id, trv_err *err);
/** Take over the chain of the artefact that was converted. */
int artefact_inherit(struct artefact *a, const struct artefact *from,
                     trv_err *err);
/** Append a conversion; all is copied. */
int artefact_add_step(struct artefact *a, const struct artefact_step *step,
                      trv_err *err);
/** Write a payload file and note its hash. */
int artefact_put(struct artefact *a, struct outdir *d, const char *name,
                 const void *bytes, size_t n, trv_err *err);
/** Write trivium.json; the caller commits the folder. */
int artefact_finish(struct artefact *a, struct outdir *d, trv_err *err);
/** Put keys into `measured` in the trivium.json of a folder, atomically; the
 * payload is not touched. */
int artefact_note_measured(const char *dir, const json_t *measured,
                           trv_err *err);
int64_t artefact_bytes(const struct artefact *a); // of the payload files
void artefact_release(struct artefact *a);        // accepts zeros

#endif
