/* fingerprint.h -- an adaptation as one hash: what lies behind a spec may
 * change, and a resumed run must learn from what the stopped one did.
 */
#ifndef ADAPT_FINGERPRINT_H
#define ADAPT_FINGERPRINT_H

#include "adapt/adaptation.h"

/** SHA-256 of its text, its adapter weights, or the weights of the model that
 * it is; of a mix or a reward, of its components and their weights, too. `a`
 * NULL: the base. TRV_ENOMEM, TRV_EIO. */
int source_hash(char hex[HASH_HEX], struct adaptation *a, trv_err *err);

#endif
