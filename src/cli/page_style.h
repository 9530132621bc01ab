/* page_style.h -- the look of the page. */
#ifndef CLI_PAGE_STYLE_H
#define CLI_PAGE_STYLE_H

/** Its rules, in parts; NULL behind the last. */
extern const char *const page_style[];
/** What the page of a triangle has beside them. */
extern const char *const page_style_triangle[];

#endif
