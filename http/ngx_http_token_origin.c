
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_identity.h"


/* an origin in its parts (RFC 6454, 6.2), or a Host: without the scheme */

typedef struct {
    ngx_str_t  scheme;
    ngx_str_t  host;    /* IPv6: with its brackets */
    ngx_str_t  port;    /* digits; empty: the scheme has no default */
} ngx_http_token_origin_t;


static ngx_uint_t ngx_http_token_origin_header(ngx_http_request_t *r,
    ngx_str_t *value);
static ngx_uint_t ngx_http_token_origin_own(ngx_http_request_t *r,
    ngx_http_token_origin_t *origin);
static ngx_uint_t ngx_http_token_origin_listed(ngx_http_request_t *r,
    ngx_str_t *value, ngx_http_token_origin_t *origin);
static void ngx_http_token_origin_parse(ngx_str_t *value,
    ngx_http_token_origin_t *origin);
static void ngx_http_token_origin_authority(ngx_str_t *value,
    ngx_http_token_origin_t *origin);
static ngx_str_t *ngx_http_token_origin_port(ngx_str_t *scheme);
static ngx_uint_t ngx_http_token_origin_equal(ngx_http_token_origin_t *a,
    ngx_http_token_origin_t *b);
static ngx_uint_t ngx_http_token_origin_same(ngx_str_t *a, ngx_str_t *b);


ngx_uint_t
ngx_http_token_origin_allowed(ngx_http_request_t *r)
{
    ngx_str_t                value;
    ngx_uint_t               n;
    ngx_http_token_origin_t  origin;

    n = ngx_http_token_origin_header(r, &value);

    if (n == 0) {
        /* not a browser: nobody lends it a user's credentials */
        return 1;
    }

    if (n > 1) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "several \"Origin\" headers");
        return 0;
    }

    ngx_http_token_origin_parse(&value, &origin);

    if (ngx_http_token_origin_own(r, &origin)
        || ngx_http_token_origin_listed(r, &value, &origin))
    {
        return 1;
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "origin \"%V\" is not allowed", &value);

    return 0;
}


/* Returns how many there are; value is that of the first. */

static ngx_uint_t
ngx_http_token_origin_header(ngx_http_request_t *r, ngx_str_t *value)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    n = 0;
    ngx_str_null(value);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len != sizeof("origin") - 1
                || ngx_strncmp(h[i].lowcase_key, "origin", h[i].key.len) != 0)
            {
                continue;
            }

            if (n++ == 0) {
                *value = h[i].value;
            }
        }
    }

    return n;
}


/*
 * The scheme is not compared: behind a proxy that ends TLS, nginx does not
 * know the one that the browser sees.  It only tells the default port.
 */

static ngx_uint_t
ngx_http_token_origin_own(ngx_http_request_t *r,
    ngx_http_token_origin_t *origin)
{
    ngx_str_t                value;
    ngx_http_token_origin_t  host;

    if (ngx_http_token_origin_port(&origin->scheme) == NULL) {
        return 0;
    }

    if (r->headers_in.host) {
        value = r->headers_in.host->value;

    } else if (r->host_start) {
        /* HTTP/3 may have ":authority" alone */
        value.len = r->host_end - r->host_start;
        value.data = r->host_start;

    } else {
        return 0;
    }

    host.scheme = origin->scheme;
    ngx_http_token_origin_authority(&value, &host);

    return host.host.len && ngx_http_token_origin_equal(&host, origin);
}


static ngx_uint_t
ngx_http_token_origin_listed(ngx_http_request_t *r, ngx_str_t *value,
    ngx_http_token_origin_t *origin)
{
    ngx_str_t                  *listed;
    ngx_uint_t                  i;
    ngx_http_token_origin_t     o;
    ngx_http_token_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_token_module);

    if (lcf->origins == NULL) {
        return 0;
    }

    listed = lcf->origins->elts;

    for (i = 0; i < lcf->origins->nelts; i++) {

        if (ngx_http_token_origin_same(&listed[i], value)
            || (listed[i].len == 3
                && ngx_strncmp(listed[i].data, "any", 3) == 0))
        {
            return 1;
        }

        /* with and without the default port is the same origin */

        ngx_http_token_origin_parse(&listed[i], &o);

        if (o.host.len && ngx_http_token_origin_equal(&o, origin)) {
            return 1;
        }
    }

    return 0;
}


/* The host is left empty where this is no scheme://host: "null". */

static void
ngx_http_token_origin_parse(ngx_str_t *value, ngx_http_token_origin_t *origin)
{
    u_char     *p, *last;
    ngx_str_t   authority;

    ngx_memzero(origin, sizeof(ngx_http_token_origin_t));

    last = value->data + value->len;
    p = ngx_strlchr(value->data, last, ':');

    if (p == NULL || last - p <= 3 || ngx_strncmp(p, "://", 3) != 0) {
        return;
    }

    origin->scheme.len = p - value->data;
    origin->scheme.data = value->data;

    authority.len = last - (p + 3);
    authority.data = p + 3;

    ngx_http_token_origin_authority(&authority, origin);
}


static void
ngx_http_token_origin_authority(ngx_str_t *value,
    ngx_http_token_origin_t *origin)
{
    u_char     *p, *last;
    ngx_str_t  *port;

    last = value->data + value->len;
    p = last;

    while (p > value->data && p[-1] >= '0' && p[-1] <= '9') {
        p--;
    }

    origin->host = *value;
    ngx_str_null(&origin->port);

    if (p > value->data && p[-1] == ':') {
        origin->host.len = p - 1 - value->data;
        origin->port.len = last - p;
        origin->port.data = p;
    }

    if (origin->port.len == 0) {
        port = ngx_http_token_origin_port(&origin->scheme);

        if (port) {
            origin->port = *port;
        }
    }
}


/* The default port of a scheme, or NULL. */

static ngx_str_t *
ngx_http_token_origin_port(ngx_str_t *scheme)
{
    ngx_uint_t  i;

    static struct {
        ngx_str_t  scheme;
        ngx_str_t  port;
    } ports[] = {
        { ngx_string("http"), ngx_string("80") },
        { ngx_string("https"), ngx_string("443") }
    };

    for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        if (ngx_http_token_origin_same(scheme, &ports[i].scheme)) {
            return &ports[i].port;
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_token_origin_equal(ngx_http_token_origin_t *a,
    ngx_http_token_origin_t *b)
{
    return ngx_http_token_origin_same(&a->scheme, &b->scheme)
           && ngx_http_token_origin_same(&a->host, &b->host)
           && ngx_http_token_origin_same(&a->port, &b->port);
}


static ngx_uint_t
ngx_http_token_origin_same(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len && ngx_strncasecmp(a->data, b->data, a->len) == 0;
}
