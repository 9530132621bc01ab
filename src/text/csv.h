/* csv.h -- records of comma-separated values, by RFC 4180: a field in quotes
 * may hold commas, line ends and doubled quotes. What Python's csv module reads
 * with strict=True is read alike.
 */
#ifndef TEXT_CSV_H
#define TEXT_CSV_H

#include <stdint.h>

#include "base/strbuf.h"

#define CSV_FIELDS_MAX 512

/* A reader and its last record. The caller sets the first four. */
struct csv {
    const char *s; // [n] borrowed
    size_t n;
    char comma;                 // ',', or '\t'
    size_t record_max;          // bytes of a record that are accepted
    size_t at;                  // where the next record begins
    int64_t lines;              // that end before it
    int64_t line;               // where the last record begins, from 1
    struct strbuf text;         // its fields, end to end
    size_t end[CSV_FIELDS_MAX]; // of each, in `text`
    int n_fields;
};

/** Read the next record; empty lines are passed over. Returns 1; 0 at the end;
 * TRV_EFORMAT, and *what says what is wrong at c->line; TRV_ENOMEM. */
int csv_next(struct csv *c, const char **what);
/** Field i of the record, and its bytes in *n. Followed by no zero. */
const char *csv_field(const struct csv *c, int i, size_t *n);
void csv_release(struct csv *c); // accepts zeros

#endif
