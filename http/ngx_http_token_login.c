
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_login.h"
#include "http/ngx_http_token_cookie.h"
#include "http/ngx_http_token_identity.h"
#include "http/ngx_http_token_reply.h"


/* cookies of our name in one request that are verified, at most */
#define NGX_HTTP_TOKEN_LOGIN_COOKIES     16

/* lcf->cookie_secure, where it is neither on nor off */
#define NGX_HTTP_TOKEN_LOGIN_BY_SCHEME   2

/* what follows the cookie's "name=value" and Max-Age */
#define NGX_HTTP_TOKEN_LOGIN_ATTRIBUTES  "; Path=/; HttpOnly; SameSite=Lax"


static ngx_int_t ngx_http_token_login_set(ngx_http_request_t *r,
    ngx_str_t *value, time_t age);
static ngx_uint_t ngx_http_token_login_secure(ngx_http_request_t *r);
static ngx_int_t ngx_http_token_login_redirect(ngx_http_request_t *r);
static ngx_int_t ngx_http_token_login_target(ngx_http_request_t *r,
    ngx_str_t *target);
static ngx_uint_t ngx_http_token_login_local(ngx_str_t *target);
static void ngx_http_token_login_scope(ngx_http_request_t *r,
    ngx_http_token_cookie_scope_t *scope);
static ngx_int_t ngx_http_token_login_find(ngx_http_request_t *r,
    ngx_str_t *header, ngx_uint_t *tries, ngx_str_t *user);


ngx_int_t
ngx_http_token_login_init(ngx_conf_t *cf, ngx_http_token_main_conf_t *mcf)
{
    ngx_int_t   rc;
    ngx_str_t  *file;

    mcf->login_keys = ngx_array_create(cf->pool, 1,
                                       sizeof(ngx_http_token_key_t));
    if (mcf->login_keys == NULL) {
        return NGX_ERROR;
    }

    file = &mcf->login_key_file;

    rc = ngx_http_token_key_read(file, mcf->login_keys, cf->log);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (ngx_http_token_key_make(file, cf->temp_pool, cf->log) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_token_key_read(file, mcf->login_keys, cf->log);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "login key file \"%V\" is gone", file);
        return NGX_ERROR;
    }

    return rc;
}


ngx_int_t
ngx_http_token_login_handler(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_str_t                       user, value;
    ngx_http_token_loc_conf_t      *lcf;
    ngx_http_token_main_conf_t     *mcf;
    ngx_http_token_cookie_scope_t   scope;

    rc = ngx_http_token_reply_begin(r);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_token_identity_verified(r, &user);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (user.len == 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "token_login: neither auth_basic nor token_user "
                      "gave a user here");
        return NGX_HTTP_FORBIDDEN;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_token_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_token_module);

    /*
     * A new value at every login, whatever cookie came with the request:
     * there is no session on the server that could be fixed beforehand.
     */

    ngx_http_token_login_scope(r, &scope);

    if (ngx_http_token_cookie_sign(r->pool, mcf->login_keys->elts, &scope,
                                   &user, ngx_time() + lcf->cookie_time,
                                   &value)
        != NGX_OK
        || ngx_http_token_login_set(r, &value, lcf->cookie_time) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_token_login_redirect(r);
}


/*
 * GET is allowed for the sake of plain links.  Another site can make a
 * browser come here, but only by leaving the page: a cookie with SameSite is
 * not set, nor cleared, by what a foreign page merely embeds.
 */

ngx_int_t
ngx_http_token_logout_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;
    ngx_str_t  value;

    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD | NGX_HTTP_POST))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_str_null(&value);

    if (ngx_http_token_login_set(r, &value, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_token_login_redirect(r);
}


static ngx_int_t
ngx_http_token_login_set(ngx_http_request_t *r, ngx_str_t *value, time_t age)
{
    u_char                     *p;
    size_t                      len;
    ngx_str_t                   header;
    ngx_http_token_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_token_module);

    len = lcf->cookie_name.len + sizeof("=; Max-Age=") - 1 + value->len
          + NGX_TIME_T_LEN + sizeof(NGX_HTTP_TOKEN_LOGIN_ATTRIBUTES) - 1
          + sizeof("; Secure") - 1;

    header.data = ngx_pnalloc(r->pool, len);
    if (header.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(header.data, "%V=%V; Max-Age=%T"
                    NGX_HTTP_TOKEN_LOGIN_ATTRIBUTES "%s",
                    &lcf->cookie_name, value, age,
                    ngx_http_token_login_secure(r) ? "; Secure" : "");

    header.len = p - header.data;

    return ngx_http_token_reply_header(r, "Set-Cookie", &header)
           ? NGX_OK : NGX_ERROR;
}


static ngx_uint_t
ngx_http_token_login_secure(ngx_http_request_t *r)
{
    ngx_http_token_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_token_module);

    if (lcf->cookie_secure != NGX_HTTP_TOKEN_LOGIN_BY_SCHEME) {
        return lcf->cookie_secure == 1;
    }

#if (NGX_HTTP_SSL)
    return r->connection->ssl != NULL;
#else
    return 0;
#endif
}


static ngx_int_t
ngx_http_token_login_redirect(ngx_http_request_t *r)
{
    ngx_int_t  rc;
    ngx_str_t  target, no_store = ngx_string("no-store");

    if (ngx_http_token_login_target(r, &target) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /*
     * r->headers_out.location stays NULL: nginx would put its own scheme and
     * port before the path, which are wrong behind a proxy or a mapped port.
     */

    if (ngx_http_token_reply_header(r, "Location", &target) == NULL
        || ngx_http_token_reply_header(r, "Cache-Control", &no_store) == NULL)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_SEE_OTHER;
    r->headers_out.content_length_n = 0;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_send_special(r, NGX_HTTP_LAST);
}


/* Where to go: the "return" argument, if that is a place of this site. */

static ngx_int_t
ngx_http_token_login_target(ngx_http_request_t *r, ngx_str_t *target)
{
    u_char     *src, *dst;
    ngx_str_t   value;

    ngx_str_set(target, "/");

    if (ngx_http_arg(r, (u_char *) "return", 6, &value) != NGX_OK
        || value.len == 0)
    {
        return NGX_OK;
    }

    dst = ngx_pnalloc(r->pool, value.len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    src = value.data;
    value.data = dst;

    ngx_unescape_uri(&dst, &src, value.len, 0);
    value.len = dst - value.data;

    if (ngx_http_token_login_local(&value)) {
        *target = value;
    }

    return NGX_OK;
}


/*
 * An absolute path, and nothing that a browser would take for another host:
 * not "//host", nor "/\host", nor "/<tab>/host", whose tab browsers remove.
 * The rest of an URL is ASCII.
 */

static ngx_uint_t
ngx_http_token_login_local(ngx_str_t *target)
{
    ngx_uint_t  i;

    if (target->len == 0 || target->data[0] != '/'
        || (target->len > 1 && target->data[1] == '/'))
    {
        return 0;
    }

    for (i = 0; i < target->len; i++) {
        if (target->data[i] <= 0x20 || target->data[i] >= 0x7f
            || target->data[i] == '\\')
        {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_http_token_login_user(ngx_http_request_t *r, ngx_str_t *user)
{
    ngx_int_t                    rc;
    ngx_uint_t                   tries;
    ngx_table_elt_t             *h;
    ngx_http_token_main_conf_t  *mcf;
#if (nginx_version < 1023000)
    ngx_uint_t                   i;
    ngx_table_elt_t            **cookies;
#endif

    mcf = ngx_http_get_module_main_conf(r, ngx_http_token_module);

    if (mcf->login_keys == NULL) {
        return NGX_DECLINED;
    }

    tries = 0;
    rc = NGX_DECLINED;

#if (nginx_version >= 1023000)
    for (h = r->headers_in.cookie; h && rc == NGX_DECLINED; h = h->next) {
#else
    cookies = r->headers_in.cookies.elts;

    for (i = 0; i < r->headers_in.cookies.nelts && rc == NGX_DECLINED; i++) {
        h = cookies[i];
#endif
        rc = ngx_http_token_login_find(r, &h->value, &tries, user);
    }

    return rc;
}


/*
 * The first valid cookie of a header.  There may be several of the name, as
 * a cookie of the parent domain comes too: one that is not ours must not hide
 * the one that is.
 */

static ngx_int_t
ngx_http_token_login_find(ngx_http_request_t *r, ngx_str_t *header,
    ngx_uint_t *tries, ngx_str_t *user)
{
    u_char                         *p, *last;
    ngx_int_t                       rc;
    ngx_str_t                       name, value;
    ngx_http_token_main_conf_t     *mcf;
    ngx_http_token_cookie_scope_t   scope;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_token_module);
    ngx_http_token_login_scope(r, &scope);

    p = header->data;
    last = p + header->len;

    while (ngx_http_token_cookie_next(&p, last, &name, &value)) {

        if (name.len != scope.name.len
            || ngx_memcmp(name.data, scope.name.data, name.len) != 0)
        {
            continue;
        }

        if (*tries == NGX_HTTP_TOKEN_LOGIN_COOKIES) {
            return NGX_DECLINED;
        }

        (*tries)++;

        rc = ngx_http_token_cookie_verify(r->pool, mcf->login_keys, &scope,
                                          &value, user);
        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return NGX_DECLINED;
}


static void
ngx_http_token_login_scope(ngx_http_request_t *r,
    ngx_http_token_cookie_scope_t *scope)
{
    ngx_http_core_srv_conf_t   *cscf;
    ngx_http_token_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_token_module);
    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    scope->name = lcf->cookie_name;
    scope->server = cscf->server_name;
}
