
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <string.h>

#include "ws/ngx_token_ws_deflate.h"


#define NGX_TOKEN_WS_DEFLATE  "permessage-deflate"


typedef struct {
    const unsigned char  *p;
    const unsigned char  *last;
} ngx_token_ws_scan_t;


typedef struct {
    const unsigned char  *data;
    size_t                len;
} ngx_token_ws_name_t;


typedef struct {
    ngx_token_ws_name_t   name;
    unsigned char         text[2];    /* the value, as far as any is needed */
    size_t                len;        /* of the value; 0: there is none */
} ngx_token_ws_param_t;


typedef struct {
    unsigned char         server_bits;
    unsigned char         client_bits;
    unsigned              seen;       /* bits by ngx_token_ws_param_e */
    unsigned              declined;
} ngx_token_ws_offer_t;


typedef enum {
    ngx_token_ws_server_takeover = 0,
    ngx_token_ws_client_takeover,
    ngx_token_ws_server_bits,
    ngx_token_ws_client_bits,
    ngx_token_ws_unknown
} ngx_token_ws_param_e;


/* in the order of ngx_token_ws_param_e */

static const char *const  ngx_token_ws_params[] = {
    "server_no_context_takeover",
    "client_no_context_takeover",
    "server_max_window_bits",
    "client_max_window_bits"
};


static unsigned ngx_token_ws_extension(ngx_token_ws_scan_t *s,
    const ngx_token_ws_deflate_conf_t *conf, ngx_token_ws_offer_t *offer);
static unsigned ngx_token_ws_param(ngx_token_ws_scan_t *s,
    ngx_token_ws_param_t *param);
static unsigned ngx_token_ws_value(ngx_token_ws_scan_t *s,
    ngx_token_ws_param_t *param);
static unsigned ngx_token_ws_quoted(ngx_token_ws_scan_t *s,
    ngx_token_ws_param_t *param);
static void ngx_token_ws_value_add(ngx_token_ws_param_t *param,
    unsigned char c);
static unsigned ngx_token_ws_name(ngx_token_ws_scan_t *s,
    ngx_token_ws_name_t *name);
static unsigned ngx_token_ws_char(ngx_token_ws_scan_t *s, unsigned char c);
static void ngx_token_ws_spaces(ngx_token_ws_scan_t *s);
static unsigned ngx_token_ws_token_char(unsigned char c);
static unsigned ngx_token_ws_accepts(const ngx_token_ws_deflate_conf_t *conf,
    const ngx_token_ws_param_t *param, ngx_token_ws_offer_t *offer);
static ngx_token_ws_param_e ngx_token_ws_which(
    const ngx_token_ws_name_t *name);
static unsigned ngx_token_ws_is(const ngx_token_ws_name_t *name,
    const char *text);
static unsigned char ngx_token_ws_bits(const ngx_token_ws_param_t *param);
static unsigned char *ngx_token_ws_answer(unsigned char *p, const char *text,
    unsigned bits);


unsigned
ngx_token_ws_extensions(const ngx_token_ws_deflate_conf_t *conf,
    const unsigned char *value, size_t len, ngx_token_ws_agreement_t *a)
{
    ngx_token_ws_scan_t   s;
    ngx_token_ws_offer_t  offer;

    if (len == 0) {
        return 1;
    }

    s.p = value;
    s.last = value + len;

    for ( ;; ) {

        /* elements of a list may be empty: RFC 9110, 5.6.1.2 */

        do {
            ngx_token_ws_spaces(&s);
        } while (ngx_token_ws_char(&s, ','));

        if (s.p == s.last) {
            return 1;
        }

        if (!ngx_token_ws_extension(&s, conf, &offer)) {
            return 0;
        }

        if (s.p < s.last && !ngx_token_ws_char(&s, ',')) {
            return 0;
        }

        if (!a->agreed && !offer.declined) {
            a->agreed = 1;
            a->server_bits = offer.server_bits;
            a->client_bits = offer.client_bits;
        }
    }
}


/* RFC 6455, 9.1: a name and its parameters, and the spaces behind them */

static unsigned
ngx_token_ws_extension(ngx_token_ws_scan_t *s,
    const ngx_token_ws_deflate_conf_t *conf, ngx_token_ws_offer_t *offer)
{
    ngx_token_ws_name_t   name;
    ngx_token_ws_param_t  param;

    memset(offer, 0, sizeof(ngx_token_ws_offer_t));

    if (!ngx_token_ws_name(s, &name)) {
        return 0;
    }

    offer->declined = conf->level == 0
                      || !ngx_token_ws_is(&name, NGX_TOKEN_WS_DEFLATE);

    ngx_token_ws_spaces(s);

    while (ngx_token_ws_char(s, ';')) {

        ngx_token_ws_spaces(s);

        if (!ngx_token_ws_param(s, &param)) {
            return 0;
        }

        if (!ngx_token_ws_accepts(conf, &param, offer)) {
            offer->declined = 1;
        }

        ngx_token_ws_spaces(s);
    }

    return 1;
}


static unsigned
ngx_token_ws_param(ngx_token_ws_scan_t *s, ngx_token_ws_param_t *param)
{
    memset(param, 0, sizeof(ngx_token_ws_param_t));

    if (!ngx_token_ws_name(s, &param->name)) {
        return 0;
    }

    ngx_token_ws_spaces(s);

    if (!ngx_token_ws_char(s, '=')) {
        return 1;
    }

    ngx_token_ws_spaces(s);

    return ngx_token_ws_value(s, param);
}


static unsigned
ngx_token_ws_value(ngx_token_ws_scan_t *s, ngx_token_ws_param_t *param)
{
    size_t               i;
    ngx_token_ws_name_t  token;

    if (ngx_token_ws_char(s, '"')) {
        return ngx_token_ws_quoted(s, param);
    }

    if (!ngx_token_ws_name(s, &token)) {
        return 0;
    }

    for (i = 0; i < token.len; i++) {
        ngx_token_ws_value_add(param, token.data[i]);
    }

    return 1;
}


/* what is quoted must be a token too, after it is unescaped */

static unsigned
ngx_token_ws_quoted(ngx_token_ws_scan_t *s, ngx_token_ws_param_t *param)
{
    while (!ngx_token_ws_char(s, '"')) {

        (void) ngx_token_ws_char(s, '\\');

        if (s->p == s->last || !ngx_token_ws_token_char(*s->p)) {
            return 0;
        }

        ngx_token_ws_value_add(param, *s->p++);
    }

    return param->len != 0;
}


static void
ngx_token_ws_value_add(ngx_token_ws_param_t *param, unsigned char c)
{
    if (param->len < sizeof(param->text)) {
        param->text[param->len] = c;
    }

    param->len++;
}


/* a token: at least one character */

static unsigned
ngx_token_ws_name(ngx_token_ws_scan_t *s, ngx_token_ws_name_t *name)
{
    name->data = s->p;

    while (s->p < s->last && ngx_token_ws_token_char(*s->p)) {
        s->p++;
    }

    name->len = (size_t) (s->p - name->data);

    return name->len != 0;
}


static unsigned
ngx_token_ws_char(ngx_token_ws_scan_t *s, unsigned char c)
{
    if (s->p == s->last || *s->p != c) {
        return 0;
    }

    s->p++;

    return 1;
}


static void
ngx_token_ws_spaces(ngx_token_ws_scan_t *s)
{
    while (s->p < s->last && (*s->p == ' ' || *s->p == '\t')) {
        s->p++;
    }
}


/* RFC 9110, 5.6.2 */

static unsigned
ngx_token_ws_token_char(unsigned char c)
{
    static const char  delimiters[] = "\"(),/:;<=>?@[\\]{}";

    return c > 0x20
           && c < 0x7f
           && memchr(delimiters, c, sizeof(delimiters) - 1) == NULL;
}


/* RFC 7692, 7.1: whether an offer with this parameter can be accepted */

static unsigned
ngx_token_ws_accepts(const ngx_token_ws_deflate_conf_t *conf,
    const ngx_token_ws_param_t *param, ngx_token_ws_offer_t *offer)
{
    unsigned char         bits;
    ngx_token_ws_param_e  which;

    which = ngx_token_ws_which(&param->name);

    if (offer->seen & 1u << which) {
        return 0;
    }

    offer->seen |= 1u << which;
    bits = ngx_token_ws_bits(param);

    switch (which) {

    case ngx_token_ws_server_takeover:
    case ngx_token_ws_client_takeover:
        return param->len == 0;

    case ngx_token_ws_server_bits:

        /* all that we send has one window size, and one buffer */

        offer->server_bits = conf->server_bits;

        return bits >= conf->server_bits;

    case ngx_token_ws_client_bits:

        if (param->len == 0) {
            bits = NGX_TOKEN_WS_MAX_BITS;
        }

        offer->client_bits = bits < conf->client_bits ? bits
                                                      : conf->client_bits;

        return bits != 0;

    default: /* ngx_token_ws_unknown */
        return 0;
    }
}


static ngx_token_ws_param_e
ngx_token_ws_which(const ngx_token_ws_name_t *name)
{
    unsigned  i;

    for (i = 0; i < ngx_token_ws_unknown; i++) {
        if (ngx_token_ws_is(name, ngx_token_ws_params[i])) {
            break;
        }
    }

    return (ngx_token_ws_param_e) i;
}


static unsigned
ngx_token_ws_is(const ngx_token_ws_name_t *name, const char *text)
{
    return name->len == strlen(text)
           && memcmp(name->data, text, name->len) == 0;
}


/* 8..15, in decimal without leading zeros; 0: anything else */

static unsigned char
ngx_token_ws_bits(const ngx_token_ws_param_t *param)
{
    const unsigned char  *t;

    t = param->text;

    if (param->len == 1 && (t[0] == '8' || t[0] == '9')) {
        return (unsigned char) (t[0] - '0');
    }

    if (param->len == 2 && t[0] == '1' && t[1] >= '0' && t[1] <= '5') {
        return (unsigned char) (10 + t[1] - '0');
    }

    return 0;
}


size_t
ngx_token_ws_extensions_answer(const ngx_token_ws_agreement_t *a,
    unsigned char *buf)
{
    unsigned char  *p;

    p = ngx_token_ws_answer(buf, NGX_TOKEN_WS_DEFLATE
                                 "; server_no_context_takeover"
                                 "; client_no_context_takeover", 0);

    if (a->server_bits) {
        p = ngx_token_ws_answer(p, "; server_max_window_bits=",
                                a->server_bits);
    }

    /*
     * May be left out, and then binds nobody: we inflate with 15 in any case.
     * So is 8, which zlib on the client's side would take for 9.
     */

    if (a->client_bits >= NGX_TOKEN_WS_MIN_BITS
        && a->client_bits < NGX_TOKEN_WS_MAX_BITS)
    {
        p = ngx_token_ws_answer(p, "; client_max_window_bits=",
                                a->client_bits);
    }

    return (size_t) (p - buf);
}


/* a text, and a number of one or two digits unless it is 0 */

static unsigned char *
ngx_token_ws_answer(unsigned char *p, const char *text, unsigned bits)
{
    size_t  n;

    n = strlen(text);

    memcpy(p, text, n);
    p += n;

    if (bits >= 10) {
        *p++ = (unsigned char) ('0' + bits / 10);
    }

    if (bits) {
        *p++ = (unsigned char) ('0' + bits % 10);
    }

    return p;
}
