
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_STATUS_H_INCLUDED_
#define _NGX_HTTP_TOKEN_STATUS_H_INCLUDED_


#include "http/ngx_http_token.h"


/*
 * token_status: what all workers together have and have done, and how full
 * the store is.
 */


typedef enum {
    NGX_HTTP_TOKEN_STATUS_JSON = 0,
    NGX_HTTP_TOKEN_STATUS_PROMETHEUS      /* its text format 0.0.4 */
} ngx_http_token_status_e;


/* A content handler. */
ngx_int_t ngx_http_token_status_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_TOKEN_STATUS_H_INCLUDED_ */
