/* triangle_read.h -- the report of a triangle's folder. */
#ifndef CLI_TRIANGLE_READ_H
#define CLI_TRIANGLE_READ_H

#include <jansson.h>

#include "cli/cmd.h"

/**
 * The report of a folder: of its store, or of its report.json where that is all
 * there is, as in a folder that somebody sent. Behind triangle_check().
 *
 * @param text    [out] as it is printed; free with free(). NULL: failed.
 * @param report  [out] the same, parsed; json_decref() it.
 */
enum cli_exit triangle_read(struct cli *cli, char **text, json_t **report,
                            const char *dir);

#endif
