/* hash.h -- SHA-256, by OpenSSL's libcrypto. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>

#include "base/err.h"

#define HASH_HEX 65 // 64 digits and a NUL

struct hash;
int hash_open(struct hash **out, trv_err *err);
void hash_add(struct hash *h, const void *bytes, size_t n);
/** Write the digest as lower-case hex and free h. */
void hash_close(struct hash *h, char hex[HASH_HEX]);

int hash_bytes(char hex[HASH_HEX], const void *bytes, size_t n, trv_err *err);
int hash_file(char hex[HASH_HEX], const char *path, trv_err *err);

#endif
