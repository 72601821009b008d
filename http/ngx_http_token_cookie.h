
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_COOKIE_H_INCLUDED_
#define _NGX_HTTP_TOKEN_COOKIE_H_INCLUDED_


#include "http/ngx_http_token_key.h"


/*
 * The value of the login cookie:
 *
 *     v1.<user>.<expiry>.<signature>
 *
 * user and signature are base64url (RFC 4648, 5) without padding, expiry is
 * in seconds since the Unix epoch.  The signature is HMAC-SHA-256 over what
 * precedes it, under a key made for the cookie's name and server: a login of
 * one server says nothing to another one.
 *
 * Knows no request, and never logs.
 */


/* where a cookie is good */

typedef struct {
    ngx_str_t                 name;          /* of the cookie */
    ngx_str_t                 server;        /* the first server_name */
} ngx_http_token_cookie_scope_t;


/*
 * Signs.
 *
 *     user     not empty, at most NGX_TOKEN_MAX_USER bytes
 *     expires  s since the Unix epoch
 *     value    out: from the pool
 *
 * Returns: NGX_OK, NGX_ERROR
 */
ngx_int_t ngx_http_token_cookie_sign(ngx_pool_t *pool,
    ngx_http_token_key_t *key, ngx_http_token_cookie_scope_t *scope,
    ngx_str_t *user, time_t expires, ngx_str_t *value);

/*
 * Verifies a value that anybody may have sent.
 *
 *     user  out: from the pool
 *
 * Returns: NGX_OK, NGX_ERROR, or NGX_DECLINED: malformed, signed by no key of
 *          ours for this scope, or expired
 */
ngx_int_t ngx_http_token_cookie_verify(ngx_pool_t *pool, ngx_array_t *keys,
    ngx_http_token_cookie_scope_t *scope, ngx_str_t *value, ngx_str_t *user);

/*
 * Takes the next "name=value" from a Cookie header.
 *
 *     pos    in/out: what is left of the header
 *     name   out: points into it; empty where there is no '='
 *     value  out: points into it, without the space around it
 *
 * Returns: 1, or 0 at the end
 */
ngx_uint_t ngx_http_token_cookie_next(u_char **pos, u_char *last,
    ngx_str_t *name, ngx_str_t *value);


#endif /* _NGX_HTTP_TOKEN_COOKIE_H_INCLUDED_ */
