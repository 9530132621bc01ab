/* guarded.h -- a backend whose memory no one else can touch: `ref`, with every
 * allocation on pages of its own that are readable and writable within an
 * operator's call alone. Whoever reads or writes behind a pointer of the
 * backend elsewhere crashes, as on a device he would.
 */
#ifndef TESTS_SUPPORT_GUARDED_H
#define TESTS_SUPPORT_GUARDED_H

#include "backend/backend.h"

/** To be freed with backend_free(). Fails the test where anything fails. */
struct backend *guarded_open(void);
/** Allocations that live now. */
int64_t guarded_live(const struct backend *be);

#endif
