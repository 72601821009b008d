
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_IDENTITY_H_INCLUDED_
#define _NGX_HTTP_TOKEN_IDENTITY_H_INCLUDED_


#include "http/ngx_http_token.h"


/*
 * Who a request is (DESIGN G9): a name exists only if a check verified it.
 */


/*
 * Puts a wrapper around auth_basic's access handler that notes, in the
 * request's ctx, that it said yes.  Called in postconfiguration.
 *
 * Returns: NGX_OK (also where nginx has no auth_basic), NGX_ERROR
 */
ngx_int_t ngx_http_token_identity_init(ngx_conf_t *cf);

/*
 * Adds the variable $token_user: the user of a request, as below, or empty.
 * Called in preconfiguration.
 *
 * Returns: NGX_OK, NGX_ERROR
 */
ngx_int_t ngx_http_token_identity_variables(ngx_conf_t *cf);

/*
 * The user of a request: token_user where it is configured; else what
 * auth_basic verified in this very location; else the login cookie; else
 * empty (anonymous).
 *
 *     user  out: allocated from r->pool, or empty; at most
 *           NGX_TOKEN_MAX_USER bytes of UTF-8 without control characters
 *
 * Returns: NGX_OK, NGX_ERROR, or NGX_DECLINED: there is a name, but it is
 *          too long or not such text (logged)
 */
ngx_int_t ngx_http_token_identity(ngx_http_request_t *r, ngx_str_t *user);

/* The same without the cookie: for token_login itself. */
ngx_int_t ngx_http_token_identity_verified(ngx_http_request_t *r,
    ngx_str_t *user);

/*
 * Whether the request's Origin is absent, the request's own host, or one of
 * token_origin.
 */
ngx_uint_t ngx_http_token_origin_allowed(ngx_http_request_t *r);


#endif /* _NGX_HTTP_TOKEN_IDENTITY_H_INCLUDED_ */
