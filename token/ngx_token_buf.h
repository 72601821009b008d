
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_BUF_H_INCLUDED_
#define _NGX_TOKEN_BUF_H_INCLUDED_


#include <string.h>

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

/* in the header: an encoder appends many short pieces */

static inline void
ngx_token_buf_append(ngx_token_buf_t *b, const void *data, size_t len)
{
    unsigned char  *p;

    if (len == 0) {
        /* memcpy() from NULL would be undefined */
        return;
    }

    p = (!b->failed && len <= b->size - b->len) ? b->data + b->len
                                                : ngx_token_buf_reserve(b, len);

    if (p != NULL) {
        memcpy(p, data, len);
        b->len += len;
    }
}


static inline void
ngx_token_buf_str(ngx_token_buf_t *b, const char *s)
{
    ngx_token_buf_append(b, s, strlen(s));
}


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
