/* triangle_report.h -- report.json: all that a triangle has measured, for
 * programs and for the page. docs/triangle.md has its fields.
 */
#ifndef TRIANGLE_TRIANGLE_REPORT_H
#define TRIANGLE_TRIANGLE_REPORT_H

#include "triangle/store.h"

#define REPORT_FILE "report.json"

/** Read it off OUT, whose run may be at work. *out: to be released. TRV_EIO,
 * TRV_EFORMAT, TRV_ENOMEM. */
int triangle_report(json_t **out, const char *dir, trv_err *err);

#endif
