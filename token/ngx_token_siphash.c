
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "token/ngx_token_siphash.h"


#define ngx_token_siphash_rotl(x, n)  ((x) << (n) | (x) >> (64 - (n)))


static void ngx_token_siphash_word(ngx_token_siphash_t *h, uint64_t word);
static void ngx_token_siphash_rounds(uint64_t v[4], unsigned n);
static uint64_t ngx_token_siphash_get(const unsigned char *p);
static void ngx_token_siphash_put(unsigned char *p, uint64_t n);


void
ngx_token_siphash_init(ngx_token_siphash_t *h,
    const unsigned char key[NGX_TOKEN_SIPHASH_KEY])
{
    uint64_t  k0, k1;

    k0 = ngx_token_siphash_get(key);
    k1 = ngx_token_siphash_get(key + 8);

    /* "somepseudorandomlygeneratedbytes"; 0xee: 128 bits */

    h->v[0] = k0 ^ UINT64_C(0x736f6d6570736575);
    h->v[1] = k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee;
    h->v[2] = k0 ^ UINT64_C(0x6c7967656e657261);
    h->v[3] = k1 ^ UINT64_C(0x7465646279746573);

    h->word = 0;
    h->len = 0;
}


void
ngx_token_siphash_update(ngx_token_siphash_t *h, const unsigned char *data,
    size_t len)
{
    unsigned              shift;
    uint64_t              word;
    const unsigned char  *last;

    last = len ? data + len : data;
    shift = (unsigned) (h->len & 7) * 8;
    h->len += len;

    for ( /* void */ ; last - data >= 8; data += 8) {
        word = ngx_token_siphash_get(data);

        ngx_token_siphash_word(h, h->word | word << shift);
        h->word = (shift == 0) ? 0 : word >> (64 - shift);
    }

    while (data < last) {
        h->word |= (uint64_t) *data++ << shift;
        shift += 8;

        if (shift == 64) {
            ngx_token_siphash_word(h, h->word);
            h->word = 0;
            shift = 0;
        }
    }
}


void
ngx_token_siphash_final(ngx_token_siphash_t *h,
    unsigned char out[NGX_TOKEN_SIPHASH_LEN])
{
    uint64_t  *v;

    v = h->v;

    ngx_token_siphash_word(h, h->len << 56 | h->word);

    v[2] ^= 0xee;
    ngx_token_siphash_rounds(v, 4);
    ngx_token_siphash_put(out, v[0] ^ v[1] ^ v[2] ^ v[3]);

    v[1] ^= 0xdd;
    ngx_token_siphash_rounds(v, 4);
    ngx_token_siphash_put(out + 8, v[0] ^ v[1] ^ v[2] ^ v[3]);
}


static void
ngx_token_siphash_word(ngx_token_siphash_t *h, uint64_t word)
{
    h->v[3] ^= word;
    ngx_token_siphash_rounds(h->v, 2);
    h->v[0] ^= word;
}


static void
ngx_token_siphash_rounds(uint64_t v[4], unsigned n)
{
    uint64_t  v0, v1, v2, v3;

    /* in registers, while it lasts */

    v0 = v[0];
    v1 = v[1];
    v2 = v[2];
    v3 = v[3];

    while (n--) {
        v0 += v1;
        v1 = ngx_token_siphash_rotl(v1, 13) ^ v0;
        v0 = ngx_token_siphash_rotl(v0, 32);

        v2 += v3;
        v3 = ngx_token_siphash_rotl(v3, 16) ^ v2;

        v0 += v3;
        v3 = ngx_token_siphash_rotl(v3, 21) ^ v0;

        v2 += v1;
        v1 = ngx_token_siphash_rotl(v1, 17) ^ v2;
        v2 = ngx_token_siphash_rotl(v2, 32);
    }

    v[0] = v0;
    v[1] = v1;
    v[2] = v2;
    v[3] = v3;
}


/* compilers make one load of this, and one store of _put() */

static uint64_t
ngx_token_siphash_get(const unsigned char *p)
{
    return (uint64_t) p[0] | (uint64_t) p[1] << 8
           | (uint64_t) p[2] << 16 | (uint64_t) p[3] << 24
           | (uint64_t) p[4] << 32 | (uint64_t) p[5] << 40
           | (uint64_t) p[6] << 48 | (uint64_t) p[7] << 56;
}


static void
ngx_token_siphash_put(unsigned char *p, uint64_t n)
{
    p[0] = (unsigned char) n;
    p[1] = (unsigned char) (n >> 8);
    p[2] = (unsigned char) (n >> 16);
    p[3] = (unsigned char) (n >> 24);
    p[4] = (unsigned char) (n >> 32);
    p[5] = (unsigned char) (n >> 40);
    p[6] = (unsigned char) (n >> 48);
    p[7] = (unsigned char) (n >> 56);
}
