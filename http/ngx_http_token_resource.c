
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_channel.h"
#include "http/ngx_http_token_reply.h"
#include "http/ngx_http_token_resource.h"
#include "http/ngx_http_token_worker.h"


#define NGX_HTTP_TOKEN_RESOURCE_LAST   50       /* records, by default */
#define NGX_HTTP_TOKEN_RESOURCE_MAX    1000     /* records or members */
#define NGX_HTTP_TOKEN_RESOURCE_BYTES  1048576  /* after which none begins */
#define NGX_HTTP_TOKEN_RESOURCE_SEQ    ((uint64_t) 1 << 62)

#define NGX_HTTP_TOKEN_RESOURCE_GONE   410      /* RFC 9110, 15.5.11 */


typedef struct {
    ngx_http_request_t        *request;
    ngx_token_read_t          *read;
    ngx_http_token_channel_t  *channel;
    ngx_token_kind_e           kind;
    ngx_token_str_t            name;
    ngx_token_buf_t           *body;
    uint64_t                   version;   /* for the ETag */
    uint64_t                   limit;     /* records or members */
    uint64_t                   n;         /* so far */
} ngx_http_token_resource_t;


static ngx_int_t ngx_http_token_resource_name(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_int_t ngx_http_token_resource_read(ngx_http_token_resource_t *rs);
static ngx_int_t ngx_http_token_resource_body(ngx_http_token_resource_t *rs);
static ngx_int_t ngx_http_token_resource_atom(ngx_http_token_resource_t *rs);
static ngx_int_t ngx_http_token_resource_family(
    ngx_http_token_resource_t *rs);
static ngx_int_t ngx_http_token_resource_log(ngx_http_token_resource_t *rs);
static ngx_int_t ngx_http_token_resource_cursor(
    ngx_http_token_resource_t *rs, ngx_token_log_t *log, uint64_t *cursor);
static ngx_int_t ngx_http_token_resource_presence(
    ngx_http_token_resource_t *rs);
static ngx_uint_t ngx_http_token_resource_more(
    ngx_http_token_resource_t *rs);
static ngx_int_t ngx_http_token_resource_number(ngx_http_request_t *r,
    const char *name, uint64_t least, uint64_t most, uint64_t *n);
static ngx_int_t ngx_http_token_resource_next(ngx_http_token_resource_t *rs,
    const ngx_token_str_t *after);
static u_char *ngx_http_token_resource_args(u_char *p, ngx_str_t *args);
static ngx_uint_t ngx_http_token_resource_is_own(u_char *arg, u_char *last);
static ngx_int_t ngx_http_token_resource_etag(ngx_http_token_resource_t *rs);


ngx_int_t
ngx_http_token_resource_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_str_t                    name, no_cache = ngx_string("no-cache");
    ngx_http_token_loc_conf_t   *lcf;
    ngx_http_token_resource_t    rs;
    ngx_http_token_main_conf_t  *mcf;

    rc = ngx_http_token_reply_begin(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_token_resource_name(r, &name) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_token_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_token_module);

    ngx_memzero(&rs, sizeof(ngx_http_token_resource_t));

    rs.request = r;
    rs.limit = NGX_HTTP_TOKEN_RESOURCE_MAX;
    ngx_http_token_str(&rs.name, &name);

    rs.channel = ngx_http_token_channel_allowed(mcf, lcf, &name, &rs.kind);

    if (rs.channel == NULL) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "token_resource: there is no channel \"%V\" here",
                      &name);
        return NGX_HTTP_NOT_FOUND;
    }

    rs.body = ngx_http_token_reply_buf(r);

    if (rs.body == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_token_resource_read(&rs);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_token_reply_header(r, "Cache-Control", &no_cache) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_token_reply_send(r, "application/json", rs.body);
}


static ngx_int_t
ngx_http_token_resource_name(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_token_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_token_module);

    if (lcf->resource) {
        return ngx_http_complex_value(r, lcf->resource, name);
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    name->len = r->uri.len - ngx_min(r->uri.len, clcf->name.len);
    name->data = r->uri.data + r->uri.len - name->len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_resource_read(ngx_http_token_resource_t *rs)
{
    ngx_int_t                 rc;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    if (ngx_http_token_worker_store(rs->request->connection->log) != NGX_OK
        || ngx_token_read_begin(w->store, &rs->read) != NGX_TOKEN_OK)
    {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    rc = ngx_http_token_resource_body(rs);

    ngx_token_read_end(rs->read);

    if (rc != NGX_OK || rs->kind == NGX_TOKEN_KIND_PRESENCE) {
        return rc;
    }

    return ngx_http_token_resource_etag(rs);
}


static ngx_int_t
ngx_http_token_resource_body(ngx_http_token_resource_t *rs)
{
    switch (rs->kind) {

    case NGX_TOKEN_KIND_LOG:
        return ngx_http_token_resource_log(rs);

    case NGX_TOKEN_KIND_FAMILY:
        return ngx_http_token_resource_family(rs);

    case NGX_TOKEN_KIND_PRESENCE:
        return ngx_http_token_resource_presence(rs);

    default: /* NGX_TOKEN_KIND_ATOM */
        return ngx_http_token_resource_atom(rs);
    }
}


/* the value as it is; its version is in the ETag */

static ngx_int_t
ngx_http_token_resource_atom(ngx_http_token_resource_t *rs)
{
    ngx_token_rc_t    rc;
    ngx_token_atom_t  a;

    rc = ngx_token_read_atom(rs->read, &rs->name, &a);

    if (rc == NGX_TOKEN_DECLINED) {
        a.version = 0;
        ngx_http_token_str(&a.value, &rs->channel->initial);

    } else if (rc != NGX_TOKEN_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rs->version = a.version;
    ngx_token_buf_append(rs->body, a.value.data, a.value.len);

    return NGX_OK;
}


/* any change of the store may be one of a member: the snapshot's seq counts */

static ngx_int_t
ngx_http_token_resource_family(ngx_http_token_resource_t *rs)
{
    u_char              *src, *dst;
    ngx_str_t            after;
    ngx_token_str_t      prefix, last;
    ngx_token_atom_t     a;
    ngx_http_request_t  *r;

    r = rs->request;

    if (ngx_http_token_resource_number(r, "limit", 1, rs->limit, &rs->limit)
        == NGX_ERROR)
    {
        return NGX_HTTP_BAD_REQUEST;
    }

    if (ngx_http_arg(r, (u_char *) "after", 5, &after) != NGX_OK) {
        ngx_str_set(&after, "");
    }

    src = after.data;
    dst = ngx_pnalloc(r->pool, after.len + 1);

    if (dst == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    last.data = dst;
    ngx_unescape_uri(&dst, &src, after.len, 0);
    last.len = dst - last.data;

    prefix.data = rs->name.data;
    prefix.len = rs->name.len - 1;

    rs->version = ngx_token_read_head(rs->read);

    ngx_token_buf_str(rs->body, "[");

    while (ngx_token_read_family(rs->read, &prefix, &last, &a)
           == NGX_TOKEN_OK)
    {
        if (!ngx_http_token_resource_more(rs)) {
            return ngx_http_token_resource_next(rs, &last);
        }

        ngx_token_encode_atom(rs->body, &a.name, NULL, a.version, &a.value);
        last = a.name;
    }

    ngx_token_buf_str(rs->body, "]");

    return NGX_OK;
}


/* records do not change: they only come at the one end, and go at the other */

static ngx_int_t
ngx_http_token_resource_log(ngx_http_token_resource_t *rs)
{
    u_char              text[NGX_INT64_LEN];
    uint64_t            cursor;
    ngx_int_t           rc;
    ngx_token_str_t     after;
    ngx_token_log_t     log;
    ngx_token_record_t  rec;

    ngx_token_read_log(rs->read, &rs->name, &log);

    rc = ngx_http_token_resource_cursor(rs, &log, &cursor);

    if (rc != NGX_OK) {
        return rc;
    }

    rs->version = log.last + log.trimmed;

    ngx_token_buf_str(rs->body, "[");

    while (ngx_token_read_record(rs->read, &rs->name, cursor, &rec)
           == NGX_TOKEN_OK)
    {
        if (!ngx_http_token_resource_more(rs)) {
            after.data = text;
            after.len = ngx_sprintf(text, "%uL", cursor) - text;
            return ngx_http_token_resource_next(rs, &after);
        }

        ngx_token_encode_record(rs->body, &rs->name, &rec);
        cursor = rec.seq;
    }

    ngx_token_buf_str(rs->body, "]");

    return NGX_OK;
}


/* what the answer begins after; no record is left out without a word */

static ngx_int_t
ngx_http_token_resource_cursor(ngx_http_token_resource_t *rs,
    ngx_token_log_t *log, uint64_t *cursor)
{
    uint64_t             last;
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = rs->request;

    rc = ngx_http_token_resource_number(r, "after", 0,
                                        NGX_HTTP_TOKEN_RESOURCE_SEQ, cursor);

    if (rc == NGX_ERROR
        || ngx_http_token_resource_number(r, "limit", 1, rs->limit,
                                          &rs->limit)
           == NGX_ERROR)
    {
        return NGX_HTTP_BAD_REQUEST;
    }

    last = ngx_min(rs->limit, NGX_HTTP_TOKEN_RESOURCE_LAST);

    if (ngx_http_token_resource_number(r, "last", 1, rs->limit, &last)
        == NGX_ERROR)
    {
        return NGX_HTTP_BAD_REQUEST;
    }

    if (rc == NGX_DECLINED) {
        *cursor = ngx_token_read_tail(rs->read, &rs->name, last);
        return NGX_OK;
    }

    if (*cursor == 0) {
        /* all that there is */
        *cursor = log->trimmed;
    }

    /* nor of a store that had been another one: it was ahead of this */

    return *cursor < log->trimmed || *cursor > ngx_token_read_head(rs->read)
           ? NGX_HTTP_TOKEN_RESOURCE_GONE : NGX_OK;
}


static ngx_int_t
ngx_http_token_resource_presence(ngx_http_token_resource_t *rs)
{
    size_t                n;
    uint64_t              anonymous;
    ngx_token_rc_t        rc;
    ngx_token_present_t  *users;

    static ngx_token_buf_t  scratch;

    rc = ngx_token_live_read(ngx_http_token_worker.live, &rs->name, &scratch,
                             &users, &n, &anonymous);
    if (rc != NGX_TOKEN_OK) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    ngx_token_encode_presence(rs->body, &rs->name, users, n, anonymous);
    free(users);

    return NGX_OK;
}


/* whether one more may be added; then its comma is */

static ngx_uint_t
ngx_http_token_resource_more(ngx_http_token_resource_t *rs)
{
    if (rs->n == rs->limit || rs->body->len > NGX_HTTP_TOKEN_RESOURCE_BYTES) {
        return 0;
    }

    if (rs->n++) {
        ngx_token_buf_str(rs->body, ",");
    }

    return 1;
}


/*
 * NGX_OK, NGX_DECLINED: there is no such argument, NGX_ERROR: it is no number
 * in this range; n is changed by OK only
 */

static ngx_int_t
ngx_http_token_resource_number(ngx_http_request_t *r, const char *name,
    uint64_t least, uint64_t most, uint64_t *n)
{
    off_t      value;
    ngx_str_t  text;

    if (ngx_http_arg(r, (u_char *) name, ngx_strlen(name), &text) != NGX_OK) {
        return NGX_DECLINED;
    }

    value = ngx_atoof(text.data, text.len);

    if (value == NGX_ERROR || (uint64_t) value < least
        || (uint64_t) value > most)
    {
        return NGX_ERROR;
    }

    *n = (uint64_t) value;

    return NGX_OK;
}


/* ends the list, and says where the next one begins (RFC 8288) */

static ngx_int_t
ngx_http_token_resource_next(ngx_http_token_resource_t *rs,
    const ngx_token_str_t *after)
{
    size_t      len;
    u_char     *p;
    ngx_str_t   link;

    ngx_token_buf_str(rs->body, "]");

    len = after->len + 2 * ngx_escape_uri(NULL, (u_char *) after->data,
                                          after->len,
                                          NGX_ESCAPE_URI_COMPONENT);

    link.data = ngx_pnalloc(rs->request->pool,
                            sizeof("<?&after=&limit=>; rel=\"next\"") - 1
                            + 3 * rs->request->args.len + len
                            + NGX_INT64_LEN);
    if (link.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_cpymem(link.data, "<?", sizeof("<?") - 1);
    p = ngx_http_token_resource_args(p, &rs->request->args);
    p = ngx_cpymem(p, "after=", sizeof("after=") - 1);
    p = (u_char *) ngx_escape_uri(p, (u_char *) after->data, after->len,
                                  NGX_ESCAPE_URI_COMPONENT);
    p = ngx_sprintf(p, "&limit=%uL>; rel=\"next\"", rs->limit);

    link.len = p - link.data;

    return ngx_http_token_reply_header(rs->request, "Link", &link)
           ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/* the others, each with its "&": the channel's name may be made of one */

static u_char *
ngx_http_token_resource_args(u_char *p, ngx_str_t *args)
{
    u_char  *arg, *end, *last;

    last = args->data + args->len;

    for (arg = args->data; arg < last; arg = end + 1) {

        end = ngx_strlchr(arg, last, '&');

        if (end == NULL) {
            end = last;
        }

        if (arg == end || ngx_http_token_resource_is_own(arg, end)) {
            continue;
        }

        for ( /* void */ ; arg < end; arg++) {

            if (*arg <= ' ' || *arg >= 0x7f || ngx_strchr("<>\"", *arg)) {
                p = ngx_sprintf(p, "%%%02Xd", (ngx_uint_t) *arg);

            } else {
                *p++ = *arg;
            }
        }

        *p++ = '&';
    }

    return p;
}


static ngx_uint_t
ngx_http_token_resource_is_own(u_char *arg, u_char *last)
{
    ngx_uint_t  i;

    static ngx_str_t  names[] = {
        ngx_string("after"),
        ngx_string("limit"),
        ngx_string("last")
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((size_t) (last - arg) >= names[i].len
            && (arg + names[i].len == last || arg[names[i].len] == '=')
            && ngx_strncasecmp(arg, names[i].data, names[i].len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * nginx's own filter answers 304 by it.  What was never set, or is deleted, is
 * what nginx.conf says at the moment.
 */

static ngx_int_t
ngx_http_token_resource_etag(ngx_http_token_resource_t *rs)
{
    u_char              *p;
    ngx_str_t            value;
    ngx_http_request_t  *r;

    r = rs->request;

    value.data = ngx_pnalloc(r->pool, sizeof("\"--01234567\"") - 1
                                      + NGX_INT64_LEN + NGX_TOKEN_EPOCH_LEN);
    if (value.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_sprintf(value.data, "\"%uL-%s", rs->version,
                    ngx_token_store_epoch(ngx_http_token_worker.store));

    if (rs->kind == NGX_TOKEN_KIND_ATOM && rs->version == 0) {
        p = ngx_sprintf(p, "-%08xD", ngx_crc32_long(rs->body->data,
                                                    rs->body->len));
    }

    *p++ = '"';
    value.len = p - value.data;

    r->headers_out.etag = ngx_http_token_reply_header(r, "ETag", &value);

    return r->headers_out.etag ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}
