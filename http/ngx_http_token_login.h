
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_LOGIN_H_INCLUDED_
#define _NGX_HTTP_TOKEN_LOGIN_H_INCLUDED_


#include "http/ngx_http_token.h"


/*
 * The signed login cookie: made by token_login for the user that the
 * location's own authentication verified, read at the handshake.
 */


/*
 * Reads the key file, and makes it (mode 0600, owned as the store) when it is
 * missing.  Called in postconfiguration where some location logs in or may
 * read a cookie (mcf->login).
 *
 * Returns: NGX_OK, or NGX_ERROR: logged, with the file's name
 */
ngx_int_t ngx_http_token_login_init(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf);

/* Content handlers of token_login and token_logout. */
ngx_int_t ngx_http_token_login_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_token_logout_handler(ngx_http_request_t *r);

/*
 * The user of a valid, unexpired cookie of this request.
 *
 *     user  out: allocated from r->pool
 *
 * Returns: NGX_OK, NGX_DECLINED (no cookie, or not a valid one), NGX_ERROR
 */
ngx_int_t ngx_http_token_login_user(ngx_http_request_t *r, ngx_str_t *user);


#endif /* _NGX_HTTP_TOKEN_LOGIN_H_INCLUDED_ */
