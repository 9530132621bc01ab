/* help_method.h -- the methods of a conversion, from the library's own tables.
 */
#ifndef CLI_HELP_METHOD_H
#define CLI_HELP_METHOD_H

#include <stdbool.h>
#include <stdio.h>

#include <trivium/trivium.h>

#define HELP_METHOD_USES 16

/** Edges at which a method of one name stands, and its row there. */
struct help_uses {
    struct {
        const char *edge;
        const trv_method *m;
    } v[HELP_METHOD_USES];
    int n; // 0: there is no such method
};
void help_method_find(struct help_uses *out, const char *name);

/** The i-th name of a method, in the order of the edges; each once. NULL behind
 * the last. */
const char *help_method_name(int i);

/** The kinds that a row makes, "lora*, adapter*", with a mark where the method
 * is the edge's default. */
void help_method_makes(char *out, size_t size, int32_t edge,
                       const trv_method *m);

/** All edges as a table. */
void help_method_table(FILE *f, bool color);
/** The page of a method. False: there is none of this name. */
bool help_method(FILE *f, const char *name, bool color);

#endif
