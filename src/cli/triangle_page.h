/* triangle_page.h -- a triangle's report as one HTML file that needs nothing
 * else: no font, no picture and no script from elsewhere. A short script of its
 * own sorts the table; without it the page says the same.
 */
#ifndef CLI_TRIANGLE_PAGE_H
#define CLI_TRIANGLE_PAGE_H

#include <jansson.h>
#include <stdio.h>

/** `report` is foreign: what it lacks is left out, and all its text is escaped.
 * Returns -1 without memory. */
int triangle_page_write(FILE *f, const json_t *report);

#endif
