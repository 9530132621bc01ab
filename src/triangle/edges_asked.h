/* edges_asked.h -- which edges of the triangle are to be run, as a user writes
 * it: "prompt-params, params-prompt:prefix+soft".
 */
#ifndef TRIANGLE_EDGES_ASKED_H
#define TRIANGLE_EDGES_ASKED_H

#include "adapt/kind.h"

struct edges_asked {
    /* parted by blanks; "": the edge is not asked for; NULL: as the task says.
     * By the forms from and to. */
    char *methods[FORM_COUNT][FORM_COUNT];
};

/** `text` NULL: all edges. TRV_EINVAL names the word that is no edge. */
int edges_asked_read(struct edges_asked *out, const char *text, trv_err *err);
void edges_asked_release(struct edges_asked *e); // accepts zeros

#endif
