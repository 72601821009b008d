
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_BUF_H_INCLUDED_
#define _NGX_TOKEN_BUF_H_INCLUDED_


#include "token/ngx_token.h"


/*
 * A growing byte buffer, for what is encoded.  Start with all zero bytes.
 * A failed allocation is remembered in failed, and every later append does
 * nothing: callers check once, at the end.
 */

typedef struct {
    unsigned char           *data;        /* malloc()ed */
    size_t                   len;
    size_t                   size;
    unsigned                 failed:1;
} ngx_token_buf_t;


/* Makes room for n more bytes; NULL when there is no memory. */
unsigned char *ngx_token_buf_reserve(ngx_token_buf_t *b, size_t n);

void ngx_token_buf_append(ngx_token_buf_t *b, const void *data, size_t len);
void ngx_token_buf_str(ngx_token_buf_t *b, const char *s);
void ngx_token_buf_uint(ngx_token_buf_t *b, uint64_t n);

/*
 * Appends a JSON string with its quotes (RFC 8259, 7), without control
 * characters; bytes that are not UTF-8 become U+FFFD.
 */
void ngx_token_buf_json_string(ngx_token_buf_t *b, const ngx_token_str_t *s);

/* Empties the buffer and forgets a failure; keeps the memory. */
void ngx_token_buf_reset(ngx_token_buf_t *b);
void ngx_token_buf_free(ngx_token_buf_t *b);


#endif /* _NGX_TOKEN_BUF_H_INCLUDED_ */
