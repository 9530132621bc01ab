/* retrieve.h -- a prompt that is looked up: the k documents of a corpus that
 * are nearest to the input stand before it, the best first.
 *
 *   score(d, q) = sum over words w of q of
 *       idf(w) f(w,d) (k1 + 1) / (f(w,d) + k1 (1 - b + b |d| / avg|d|))
 *   idf(w) = max(1e-6, log((N - n(w) + 0.5) / (n(w) + 0.5)))
 *   k1 = 1.2, b = 0.75; N documents, n(w) of them with w, f its count in d
 *
 * The corpus is what data.h reads: `text` (or prompt and completion) is a
 * document, and `title`, where it is there, is searched with it. Words are
 * stems: "running" finds "run" (Porter's, of English; words of other languages
 * are mostly left as they are). The index is SQLite's FTS5, in memory, made
 * when the corpus is opened, so an artefact holds none. In a chat the documents
 * become the system message. An artefact is the corpus and, in trivium.json, an
 * object `prompt` with the options:
 *
 *   k         documents, 3
 *   template  shows {text}, and {title} where it is wanted; one a document
 *
 * Source   Robertson and Zaragoza 2009, "The probabilistic relevance
 *          framework: BM25 and beyond"; as FTS5 defines bm25().
 */
#ifndef ADAPT_PROMPT_RETRIEVE_H
#define ADAPT_PROMPT_RETRIEVE_H

#include <jansson.h>

#include "adapt/reward/reward_conf.h"
#include "base/strbuf.h"
#include "text/data.h"

#define RETRIEVE_FILE "corpus.jsonl"
#define RETRIEVE_K_MAX 1000
#define RETRIEVE_TEMPLATE "{text}\n\n"

extern const struct conf_option retrieve_options[];

struct retrieve {
    struct data corpus; // with its hash
    json_t *conf;       // the options, as they were given
    int64_t k;
    const char *template; // of conf, or the default
    struct sqlite3 *db;
    struct sqlite3_stmt *find;
    int64_t looked_up, missed; // views, and those that found nothing
};

/** Read and index a corpus. `conf` as in demos_open(). TRV_EINVAL (an option; a
 * row without text), and what data_open() returns. */
int retrieve_open(struct retrieve **out, const char *path, const json_t *conf,
                  trv_err *err);
void retrieve_free(struct retrieve *r); // NULL is allowed

/** The rows of the corpus that match some words best, best first, the earlier
 * row first among equals. Any text is a query: it is taken apart into words,
 * and FTS5's own syntax means nothing in it.
 * @param doc  [k]; @param n  takes how many there are, 0 to k. */
int retrieve_find(int64_t *doc, int64_t *n, struct retrieve *r,
                  const char *query, trv_err *err);
/** Append what its use has shown: a line about inputs that found nothing. */
int retrieve_note(struct strbuf *out, const struct retrieve *r, trv_err *err);
/** Append what stands before a row. */
int retrieve_view(struct strbuf *out, struct retrieve *r,
                  const struct data_row *row, trv_err *err);

/** Text as a query in FTS5's syntax: its words in quotes, joined by OR; ""
 * where it has none. At most RETRIEVE_WORDS words count. */
#define RETRIEVE_WORDS 256
int retrieve_query(struct strbuf *out, const char *text, trv_err *err);

#endif
