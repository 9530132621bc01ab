/* hash.c -- SHA-256 over OpenSSL's EVP calls. */
#include "base/hash.h"

#include <openssl/evp.h>
#include <stdint.h>

#include "base/file.h"
#include "base/mem.h"

struct hash {
    EVP_MD_CTX *ctx;
};

int
hash_open(struct hash **out, trv_err *err)
{
    struct hash *h = mem_calloc(1, sizeof(*h));

    *out = NULL;
    if (h)
        h->ctx = EVP_MD_CTX_new();
    if (!h || !h->ctx || EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1) {
        if (h)
            EVP_MD_CTX_free(h->ctx);
        mem_free(h);
        return err_fail(err, TRV_ENOMEM, "no memory for a checksum");
    }
    *out = h;
    return 0;
}

void
hash_add(struct hash *h, const void *bytes, size_t n)
{
    TRV_ASSERT(EVP_DigestUpdate(h->ctx, bytes, n) == 1);
}

void
hash_close(struct hash *h, char hex[HASH_HEX])
{
    static const char digit[] = "0123456789abcdef";
    unsigned char md[EVP_MAX_MD_SIZE];

    TRV_ASSERT(EVP_DigestFinal_ex(h->ctx, md, NULL) == 1);
    for (int i = 0; i < 32; i++) {
        hex[2 * i] = digit[md[i] >> 4];
        hex[2 * i + 1] = digit[md[i] & 15];
    }
    hex[64] = '\0';
    EVP_MD_CTX_free(h->ctx);
    mem_free(h);
}

int
hash_bytes(char hex[HASH_HEX], const void *bytes, size_t n, trv_err *err)
{
    struct hash *h;
    const int rc = hash_open(&h, err);

    if (rc)
        return rc;
    hash_add(h, bytes, n);
    hash_close(h, hex);
    return 0;
}

int
hash_file(char hex[HASH_HEX], const char *path, trv_err *err)
{
    struct filemap map;
    int rc = filemap_open(&map, path, err);

    if (rc)
        return rc;
    rc = hash_bytes(hex, map.data, map.size, err);
    filemap_release(&map);
    return rc;
}
