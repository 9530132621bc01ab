/* data_columns.h -- which columns of a file are read, and what the file has
 * beside them. The table is include/trivium/data_columns.def.
 */
#ifndef TEXT_DATA_COLUMNS_H
#define TEXT_DATA_COLUMNS_H

#include "text/data.h"

/** Note the columns of a row, as the file has it, that nothing reads, in the
 * object *unused (made at the first); "weight" and "train" of messages among
 * them. TRV_EFORMAT: a column that no model here can read; TRV_ENOMEM. */
int data_columns_note(json_t **unused, const struct data_row *row,
                      const json_t *json, trv_err *err);

/* Who learns from rows. */
enum data_use { DATA_SFT, DATA_PAIRS, DATA_LABELS, DATA_REWARD };

/** TRV_EFORMAT where a row has a column that means something and that whoever
 * learns from it would drop: says what reads it. */
int data_columns_check(const struct data_row *row, enum data_use use,
                       trv_err *err);

/** One line that names what was noted, or NULL where that is nothing; the
 * caller frees it with mem_free(). TRV_ENOMEM. */
int data_columns_line(char **line, const json_t *unused, const char *path,
                      trv_err *err);

#endif
