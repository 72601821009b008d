
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_SIPHASH_H_INCLUDED_
#define _NGX_TOKEN_SIPHASH_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/*
 * SipHash-2-4 with 128 bits (Aumasson, Bernstein).  The bytes may come in any
 * pieces.
 */


#define NGX_TOKEN_SIPHASH_KEY  16
#define NGX_TOKEN_SIPHASH_LEN  16


typedef struct {
    uint64_t                 v[4];
    uint64_t                 word;        /* the bytes of the last word */
    uint64_t                 len;         /* of all, bytes */
} ngx_token_siphash_t;


void ngx_token_siphash_init(ngx_token_siphash_t *h,
    const unsigned char key[NGX_TOKEN_SIPHASH_KEY]);
void ngx_token_siphash_update(ngx_token_siphash_t *h,
    const unsigned char *data, size_t len);
void ngx_token_siphash_final(ngx_token_siphash_t *h,
    unsigned char out[NGX_TOKEN_SIPHASH_LEN]);


#endif /* _NGX_TOKEN_SIPHASH_H_INCLUDED_ */
