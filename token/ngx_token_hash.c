
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "token/ngx_token_message.h"
#include "token/ngx_token_siphash.h"


static void ngx_token_hash_part(ngx_token_siphash_t *h,
    const ngx_token_str_t *part);


void
ngx_token_message_hash(const ngx_token_message_t *m,
    unsigned char hash[NGX_TOKEN_HASH_LEN])
{
    unsigned             i;
    ngx_token_siphash_t  h;

    static const unsigned char  key[NGX_TOKEN_SIPHASH_KEY];

    ngx_token_siphash_init(&h, key);

    for (i = 0; i < m->nrequests; i++) {
        ngx_token_hash_part(&h, &m->requests[i].service);
        ngx_token_hash_part(&h, &m->requests[i].value);
    }

    ngx_token_siphash_final(&h, hash);
}


/* with its length before it: "a","bc" is not "ab","c" */

static void
ngx_token_hash_part(ngx_token_siphash_t *h, const ngx_token_str_t *part)
{
    unsigned       i;
    uint64_t       n;
    unsigned char  len[8];

    n = part->len;

    for (i = 0; i < 8; i++) {
        len[i] = (unsigned char) (n & 0xff);
        n >>= 8;
    }

    ngx_token_siphash_update(h, len, 8);
    ngx_token_siphash_update(h, part->data, part->len);
}
