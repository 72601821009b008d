
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_cookie.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>


#define NGX_HTTP_TOKEN_COOKIE_VERSION    "v1."

/* of a signature in base64url: 43 characters, and room for padding */
#define NGX_HTTP_TOKEN_COOKIE_MAC        43
#define NGX_HTTP_TOKEN_COOKIE_MAC_ROOM                                       \
    ngx_base64_encoded_length(NGX_HTTP_TOKEN_KEY_LEN)

/* of a whole value; it bounds the work for what a client sends */
#define NGX_HTTP_TOKEN_COOKIE_MAX                                            \
    (sizeof(NGX_HTTP_TOKEN_COOKIE_VERSION "..") - 1 + NGX_TIME_T_LEN         \
     + ngx_base64_encoded_length(NGX_TOKEN_MAX_USER)                         \
     + NGX_HTTP_TOKEN_COOKIE_MAC_ROOM)


static ngx_int_t ngx_http_token_cookie_mac(ngx_http_token_key_t *key,
    ngx_http_token_cookie_scope_t *scope, ngx_str_t *text, u_char *mac);
static ngx_int_t ngx_http_token_cookie_parse(ngx_pool_t *pool,
    ngx_str_t *text, ngx_str_t *user);


ngx_int_t
ngx_http_token_cookie_sign(ngx_pool_t *pool, ngx_http_token_key_t *key,
    ngx_http_token_cookie_scope_t *scope, ngx_str_t *user, time_t expires,
    ngx_str_t *value)
{
    u_char     *p;
    ngx_str_t   raw, encoded;
    u_char      mac[NGX_HTTP_TOKEN_KEY_LEN];

    value->data = ngx_pnalloc(pool, NGX_HTTP_TOKEN_COOKIE_MAX);
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(value->data, NGX_HTTP_TOKEN_COOKIE_VERSION,
                   sizeof(NGX_HTTP_TOKEN_COOKIE_VERSION) - 1);

    encoded.data = p;
    ngx_encode_base64url(&encoded, user);

    p = ngx_sprintf(p + encoded.len, ".%T", expires);

    value->len = p - value->data;

    if (ngx_http_token_cookie_mac(key, scope, value, mac) != NGX_OK) {
        return NGX_ERROR;
    }

    *p++ = '.';

    raw.len = NGX_HTTP_TOKEN_KEY_LEN;
    raw.data = mac;
    encoded.data = p;
    ngx_encode_base64url(&encoded, &raw);

    value->len = p + encoded.len - value->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_token_cookie_verify(ngx_pool_t *pool, ngx_array_t *keys,
    ngx_http_token_cookie_scope_t *scope, ngx_str_t *value, ngx_str_t *user)
{
    u_char                *sent;
    ngx_str_t              text, raw, encoded;
    ngx_uint_t             i;
    ngx_http_token_key_t  *key;
    u_char                 mac[NGX_HTTP_TOKEN_KEY_LEN];
    u_char                 own[NGX_HTTP_TOKEN_COOKIE_MAC_ROOM];

    if (value->len > NGX_HTTP_TOKEN_COOKIE_MAX
        || value->len <= NGX_HTTP_TOKEN_COOKIE_MAC)
    {
        return NGX_DECLINED;
    }

    text.len = value->len - NGX_HTTP_TOKEN_COOKIE_MAC - 1;
    text.data = value->data;
    sent = text.data + text.len + 1;

    if (sent[-1] != '.') {
        return NGX_DECLINED;
    }

    key = keys->elts;

    raw.len = NGX_HTTP_TOKEN_KEY_LEN;
    raw.data = mac;
    encoded.data = own;

    for (i = 0; i < keys->nelts; i++) {

        if (ngx_http_token_cookie_mac(&key[i], scope, &text, mac) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_encode_base64url(&encoded, &raw);

        if (CRYPTO_memcmp(own, sent, NGX_HTTP_TOKEN_COOKIE_MAC) == 0) {
            return ngx_http_token_cookie_parse(pool, &text, user);
        }
    }

    return NGX_DECLINED;
}


/*
 * Chained, each result being the key for what follows: so no other name,
 * server and text can run together to the same input.
 */

static ngx_int_t
ngx_http_token_cookie_mac(ngx_http_token_key_t *key,
    ngx_http_token_cookie_scope_t *scope, ngx_str_t *text, u_char *mac)
{
    ngx_uint_t   i;
    ngx_str_t   *part[3];

    part[0] = &scope->name;
    part[1] = &scope->server;
    part[2] = text;

    ngx_memcpy(mac, key->data, NGX_HTTP_TOKEN_KEY_LEN);

    for (i = 0; i < 3; i++) {
        if (HMAC(EVP_sha256(), mac, NGX_HTTP_TOKEN_KEY_LEN, part[i]->data,
                 part[i]->len, mac, NULL)
            == NULL)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* The text is ours, the signature said so. */

static ngx_int_t
ngx_http_token_cookie_parse(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *user)
{
    u_char     *p, *dot, *last;
    time_t      expires;
    ngx_str_t   encoded;

    last = text->data + text->len;
    p = text->data + sizeof(NGX_HTTP_TOKEN_COOKIE_VERSION) - 1;

    if (p > last
        || ngx_strncmp(text->data, NGX_HTTP_TOKEN_COOKIE_VERSION,
                       sizeof(NGX_HTTP_TOKEN_COOKIE_VERSION) - 1)
           != 0)
    {
        return NGX_DECLINED;
    }

    dot = ngx_strlchr(p, last, '.');
    if (dot == NULL || dot == p) {
        return NGX_DECLINED;
    }

    expires = ngx_atotm(dot + 1, last - (dot + 1));

    if (expires == NGX_ERROR || expires <= ngx_time()) {
        return NGX_DECLINED;
    }

    encoded.len = dot - p;
    encoded.data = p;

    user->data = ngx_pnalloc(pool, ngx_base64_decoded_length(encoded.len));
    if (user->data == NULL) {
        return NGX_ERROR;
    }

    return (ngx_decode_base64url(user, &encoded) == NGX_OK) ? NGX_OK
                                                            : NGX_DECLINED;
}


ngx_uint_t
ngx_http_token_cookie_next(u_char **pos, u_char *last, ngx_str_t *name,
    ngx_str_t *value)
{
    u_char  *p, *eq, *end;

    p = *pos;

    while (p < last && (*p == ' ' || *p == '\t' || *p == ';')) {
        p++;
    }

    if (p == last) {
        return 0;
    }

    end = ngx_strlchr(p, last, ';');
    if (end == NULL) {
        end = last;
    }

    *pos = end;

    while (end[-1] == ' ' || end[-1] == '\t') {
        end--;
    }

    eq = ngx_strlchr(p, end, '=');

    ngx_str_null(name);
    value->data = p;

    if (eq) {
        name->len = eq - p;
        name->data = p;
        value->data = eq + 1;
    }

    value->len = end - value->data;

    return 1;
}
