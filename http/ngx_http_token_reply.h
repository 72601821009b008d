
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_REPLY_H_INCLUDED_
#define _NGX_HTTP_TOKEN_REPLY_H_INCLUDED_


#include "http/ngx_http_token.h"
#include "token/ngx_token_buf.h"


/*
 * Answers of content handlers to plain HTTP requests.
 */


/*
 * Begins an answer to GET or HEAD.
 *
 * Returns: NGX_OK, or what the handler is to return
 */
ngx_int_t ngx_http_token_reply_begin(ngx_http_request_t *r);

/* A buffer that is freed with the request; NULL: no memory. */
ngx_token_buf_t *ngx_http_token_reply_buf(ngx_http_request_t *r);

/*
 * Adds a header to the answer.
 *
 *     key    static text
 *     value  must live as long as the request
 *
 * Returns: NULL: no memory
 */
ngx_table_elt_t *ngx_http_token_reply_header(ngx_http_request_t *r,
    const char *key, ngx_str_t *value);

/*
 * Sends 200 and a text.
 *
 *     type  static text: the Content-Type
 *     b     of ngx_http_token_reply_buf()
 *
 * Returns: what the handler is to return
 */
ngx_int_t ngx_http_token_reply_send(ngx_http_request_t *r, const char *type,
    ngx_token_buf_t *b);


#endif /* _NGX_HTTP_TOKEN_REPLY_H_INCLUDED_ */
