
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_identity.h"
#include "http/ngx_http_token_login.h"
#include "token/ngx_token_utf8.h"


static ngx_http_module_t *ngx_http_token_auth_basic_module(ngx_conf_t *cf);
static ngx_int_t ngx_http_token_auth_basic_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_token_identity_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_token_identity_check(ngx_http_request_t *r,
    ngx_str_t *user);
static ngx_uint_t ngx_http_token_identity_text(ngx_str_t *user);


/* auth_basic's own handler, the same in every cycle of this binary */
static ngx_http_handler_pt  ngx_http_token_auth_basic;


ngx_int_t
ngx_http_token_identity_init(ngx_conf_t *cf)
{
    ngx_uint_t                  i, n;
    ngx_array_t                *handlers;
    ngx_http_module_t          *module;
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    module = ngx_http_token_auth_basic_module(cf);

    if (module == NULL || module->postconfiguration == NULL) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    handlers = &cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers;
    n = handlers->nelts;

    /*
     * The handler is static, and nothing in a request tells afterwards
     * whether it has run: auth_basic may be off, even by a variable, or
     * skipped by "satisfy any".  So auth_basic is asked to register once
     * more; what it adds is what to look for among the handlers.
     */

    if (module->postconfiguration(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (handlers->nelts == n + 1) {
        handlers->nelts = n;

        h = handlers->elts;
        ngx_http_token_auth_basic = h[n];

        for (i = 0; i < n; i++) {
            if (h[i] == ngx_http_token_auth_basic) {
                h[i] = ngx_http_token_auth_basic_handler;
                return NGX_OK;
            }
        }
    }

    handlers->nelts = n;

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "the handler of auth_basic was not found, "
                  "its users will be anonymous here");

    return NGX_OK;
}


static ngx_http_module_t *
ngx_http_token_auth_basic_module(ngx_conf_t *cf)
{
    ngx_uint_t     i;
    ngx_module_t  *module;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        if (module->type == NGX_HTTP_MODULE
            && ngx_strcmp(module->name, "ngx_http_auth_basic_module") == 0)
        {
            return module->ctx;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_token_auth_basic_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_http_token_ctx_t  *ctx;

    rc = ngx_http_token_auth_basic(r);

    ctx = ngx_http_get_module_ctx(r, ngx_http_token_module);

    if (rc != NGX_OK) {
        if (ctx) {
            ctx->auth_basic = 0;
        }

        return rc;
    }

    if (ctx == NULL) {
        ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_token_ctx_t));
        if (ctx == NULL) {
            return NGX_ERROR;
        }

        /*
         * nginx drops it on every internal redirect, and that is right:
         * another location has checks of its own.
         */

        ngx_http_set_ctx(r, ctx, ngx_http_token_module);
    }

    ctx->auth_basic = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_token_identity_variables(ngx_conf_t *cf)
{
    ngx_str_t             name = ngx_string("token_user");
    ngx_http_variable_t  *var;

    /* not to be kept: auth_basic may say yes after it was asked for */

    var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_token_identity_variable;

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_identity_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_int_t  rc;
    ngx_str_t  user;

    rc = ngx_http_token_identity(r, &user);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED || user.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->valid = 1;
    v->no_cacheable = 1;
    v->not_found = 0;
    v->len = user.len;
    v->data = user.data;

    return NGX_OK;
}


ngx_int_t
ngx_http_token_identity(ngx_http_request_t *r, ngx_str_t *user)
{
    ngx_int_t  rc;

    rc = ngx_http_token_identity_verified(r, user);

    if (rc != NGX_OK || user->len) {
        return rc;
    }

    rc = ngx_http_token_login_user(r, user);

    if (rc == NGX_OK) {
        return ngx_http_token_identity_check(r, user);
    }

    ngx_str_null(user);

    return (rc == NGX_DECLINED) ? NGX_OK : rc;
}


ngx_int_t
ngx_http_token_identity_verified(ngx_http_request_t *r, ngx_str_t *user)
{
    ngx_http_token_ctx_t       *ctx;
    ngx_http_token_loc_conf_t  *lcf;

    ngx_str_null(user);

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_token_module);

    if (lcf->user) {
        if (ngx_http_complex_value(r, lcf->user, user) != NGX_OK) {
            return NGX_ERROR;
        }

        if (user->len) {
            return ngx_http_token_identity_check(r, user);
        }
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_token_module);

    if (ctx == NULL || !ctx->auth_basic) {
        return NGX_OK;
    }

    *user = r->headers_in.user;

    return ngx_http_token_identity_check(r, user);
}


static ngx_int_t
ngx_http_token_identity_check(ngx_http_request_t *r, ngx_str_t *user)
{
    if (user->len <= NGX_TOKEN_MAX_USER && ngx_http_token_identity_text(user))
    {
        return NGX_OK;
    }

    /* the name itself is not logged: it may hold line feeds */

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "the user's name is longer than %d bytes, not UTF-8, "
                  "or has control characters", NGX_TOKEN_MAX_USER);

    ngx_str_null(user);

    return NGX_DECLINED;
}


/* UTF-8 without the control characters of ASCII (C0, DEL) and of C1. */

static ngx_uint_t
ngx_http_token_identity_text(ngx_str_t *user)
{
    size_t   n;
    u_char  *p, *last;

    p = user->data;
    last = p + user->len;

    while (p < last) {
        n = ngx_token_utf8_len(p, last);

        if (n == 0 || p[0] < 0x20 || p[0] == 0x7f
            || (p[0] == 0xc2 && p[1] < 0xa0))
        {
            return 0;
        }

        p += n;
    }

    return 1;
}
