/* data_table.h -- a table of comma- or tab-separated values as rows of data:
 * its first record names the columns, each further one is an object of texts.
 *
 * An empty field is a column that is absent. What other columns hold no text is
 * read as what it is: `label` as true or false, `margin` and `weight` as
 * numbers, `messages` and the like from their JSON. A first column without a
 * name, the index that pandas writes, is left out.
 */
#ifndef TEXT_DATA_TABLE_H
#define TEXT_DATA_TABLE_H

#include <jansson.h>

#include "text/csv.h"

struct table {
    struct csv csv;    // its line is that of the last record
    char *names;       // one after the other, each ended by a zero
    const char **name; // [csv fields] in there; "": left out
    int n;
};

/** Both return 0, TRV_EFORMAT with *what saying what is wrong at
 * csv.line, or TRV_ENOMEM. *what may be `text` [size]. */
int table_begin(struct table *t, const char *s, size_t n, char comma,
                size_t record_max, const char **what, char *text, size_t size);
/** *row is the next row, the caller's; NULL at the end. */
int table_next(json_t **row, struct table *t, const char **what, char *text,
               size_t size);
void table_release(struct table *t); // accepts zeros

#endif
