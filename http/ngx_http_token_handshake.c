
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_deflate.h"
#include "http/ngx_http_token_handshake.h"
#include "http/ngx_http_token_identity.h"
#include "http/ngx_http_token_presence.h"
#include "http/ngx_http_token_session.h"
#include "http/ngx_http_token_worker.h"

#include <ngx_sha1.h>
#include <netinet/tcp.h>


#define NGX_HTTP_TOKEN_PROTOCOL  "token.v1"
#define NGX_HTTP_TOKEN_LOWAT     131072   /* bytes unsent in the kernel */
#define NGX_HTTP_TOKEN_WAIT      10       /* ms, for a mirror */
#define NGX_HTTP_TOKEN_HELLO     512      /* bytes, for what follows the 101 */


typedef struct {
    ngx_str_t                  key;
    ngx_uint_t                 protocol;  /* token.v1 was offered */
    ngx_token_ws_agreement_t   deflate;
} ngx_http_token_handshake_t;


static ngx_int_t ngx_http_token_handshake_check(ngx_http_request_t *r,
    ngx_http_token_loc_conf_t *lcf, ngx_http_token_handshake_t *h);
static ngx_int_t ngx_http_token_handshake_headers(ngx_http_request_t *r,
    ngx_http_token_loc_conf_t *lcf, ngx_http_token_handshake_t *h);
static ngx_int_t ngx_http_token_handshake_extensions(
    ngx_http_token_loc_conf_t *lcf, ngx_str_t *value,
    ngx_http_token_handshake_t *h);
static ngx_int_t ngx_http_token_handshake_limit(ngx_http_request_t *r,
    ngx_http_token_loc_conf_t *lcf, ngx_http_token_session_t *s);
static void ngx_http_token_handshake_cleanup(void *data);
static ngx_int_t ngx_http_token_handshake_upgrade(ngx_http_request_t *r);
static ngx_http_token_session_t *ngx_http_token_handshake_session(
    ngx_http_request_t *r, ngx_http_token_loc_conf_t *lcf);
static ngx_int_t ngx_http_token_handshake_variables(ngx_http_request_t *r,
    ngx_http_token_session_t *s);
static ngx_int_t ngx_http_token_handshake_send(ngx_http_request_t *r,
    ngx_http_token_handshake_t *h);
static ngx_int_t ngx_http_token_handshake_header(ngx_http_request_t *r,
    const char *key, ngx_str_t *value);
static ngx_int_t ngx_http_token_handshake_accept(ngx_http_request_t *r,
    ngx_str_t *key, ngx_str_t *accept);
static ngx_uint_t ngx_http_token_handshake_is_kept(ngx_http_request_t *r);
static void ngx_http_token_handshake_flush(ngx_http_request_t *r);
static ngx_int_t ngx_http_token_handshake_keep(ngx_http_request_t *r,
    ngx_http_token_session_t *s);
static void ngx_http_token_handshake_takeover(ngx_event_t *ev);
static void ngx_http_token_handshake_free_buffers(ngx_connection_t *c,
    ngx_http_connection_t *hc);
static void ngx_http_token_handshake_free_chain(ngx_pool_t *pool,
    ngx_chain_t *cl);
static void ngx_http_token_handshake_socket(ngx_connection_t *c);


ngx_int_t
ngx_http_token_handshake_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_http_cleanup_t          *cln;
    ngx_http_token_ctx_t        *ctx;
    ngx_http_token_session_t    *s;
    ngx_http_token_loc_conf_t   *lcf;
    ngx_http_token_handshake_t   h;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_token_module);

    rc = ngx_http_token_handshake_check(r, lcf, &h);

    if (rc == NGX_DECLINED) {
        return ngx_http_token_handshake_upgrade(r);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (lcf->mode == NGX_HTTP_TOKEN_WEBSOCKET
        && ngx_http_token_worker_store(r->connection->log) != NGX_OK)
    {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    s = ngx_http_token_handshake_session(r, lcf);
    if (s == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    s->parser.deflate = h.deflate.agreed;
    s->deflate = s->parser.deflate;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_token_handshake_cleanup;
    cln->data = s;

    rc = ngx_http_token_handshake_limit(r, lcf, s);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_token_handshake_send(r, &h);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }

    /* auth_basic may have noted its answer there */
    ctx = ngx_http_get_module_ctx(r, ngx_http_token_module);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_token_ctx_t));
        if (ctx == NULL) {
            return NGX_ERROR;
        }

        ngx_http_set_ctx(r, ctx, ngx_http_token_module);
    }

    ctx->session = s;

    r->main->count++;
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_token_handshake_flush;

    ngx_http_token_handshake_flush(r);

    return NGX_DONE;
}


/* token_limit_sessions: takes a place, which the session gives back */

static ngx_int_t
ngx_http_token_handshake_limit(ngx_http_request_t *r,
    ngx_http_token_loc_conf_t *lcf, ngx_http_token_session_t *s)
{
    ngx_int_t  rc;
    ngx_str_t  key;

    if (s->echo || lcf->limit_sessions == 0) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, lcf->limit_key, &key) != NGX_OK) {
        return NGX_ERROR;
    }

    if (key.len == 0) {
        /* as limit_conn: such requests are not counted */
        return NGX_OK;
    }

    key.len = ngx_min(key.len, NGX_TOKEN_MAX_USER);

    s->limit.data = ngx_pstrdup(s->connection->pool, &key);
    if (s->limit.data == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_token_presence_take(&key, lcf->limit_sessions);

    if (rc == NGX_BUSY) {
        /* not the key: it may be a secret, or any bytes */
        ngx_log_error(NGX_LOG_WARN, s->connection->log, 0,
                      "too many sessions with one key of "
                      "\"token_limit_sessions\"");
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    s->limit.len = key.len;

    return NGX_OK;
}


/* the request ends before the session has taken the connection over */

static void
ngx_http_token_handshake_cleanup(void *data)
{
    ngx_http_token_session_t *s = data;

    if (s->started) {
        return;
    }

    if (s->event.posted) {
        ngx_delete_posted_event(&s->event);
    }

    if (s->event.timer_set) {
        ngx_del_timer(&s->event);
    }

    if (s->limit.len) {
        ngx_http_token_presence_give(&s->limit);
    }
}


static ngx_int_t
ngx_http_token_handshake_check(ngx_http_request_t *r,
    ngx_http_token_loc_conf_t *lcf, ngx_http_token_handshake_t *h)
{
    ngx_int_t  rc;

    if (r->method != NGX_HTTP_GET) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    if (r != r->main) {
        return NGX_HTTP_BAD_REQUEST;
    }

    /* over HTTP/2 the bytes behind the headers are not ours to frame */

    if (r->http_version != NGX_HTTP_VERSION_11
        || r->headers_in.content_length_n > 0
        || r->headers_in.chunked)
    {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client sent no websocket handshake: "
                      "not HTTP/1.1, or with a body");
        return NGX_HTTP_BAD_REQUEST;
    }

    rc = ngx_http_token_handshake_headers(r, lcf, h);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!h->protocol && lcf->mode == NGX_HTTP_TOKEN_WEBSOCKET) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client did not offer the websocket subprotocol "
                      "\"" NGX_HTTP_TOKEN_PROTOCOL "\"");
        return NGX_HTTP_BAD_REQUEST;
    }

    return ngx_http_token_origin_allowed(r) ? NGX_OK : NGX_HTTP_FORBIDDEN;
}


/* RFC 6455, 4.2.1 */

static ngx_int_t
ngx_http_token_handshake_headers(ngx_http_request_t *r,
    ngx_http_token_loc_conf_t *lcf, ngx_http_token_handshake_t *h)
{
    ngx_str_t         version;
    ngx_uint_t        i, upgrade, connection, nkeys, nversions;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    ngx_memzero(h, sizeof(ngx_http_token_handshake_t));
    ngx_str_null(&version);

    upgrade = 0;
    connection = 0;
    nkeys = 0;
    nversions = 0;

    part = &r->headers_in.headers.part;
    header = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            header = part->elts;
            i = 0;
        }

#define ngx_http_token_is(name)                                              \
        (header[i].key.len == sizeof(name) - 1                               \
         && ngx_strncasecmp(header[i].key.data, (u_char *) (name),           \
                            sizeof(name) - 1)                                \
            == 0)

        if (ngx_http_token_is("Upgrade")) {
            upgrade |= ngx_token_ws_has_token(header[i].value.data,
                                              header[i].value.len,
                                              "websocket");

        } else if (ngx_http_token_is("Connection")) {
            connection |= ngx_token_ws_has_token(header[i].value.data,
                                                 header[i].value.len,
                                                 "upgrade");

        } else if (ngx_http_token_is("Sec-WebSocket-Key")) {
            h->key = header[i].value;
            nkeys++;

        } else if (ngx_http_token_is("Sec-WebSocket-Version")) {
            version = header[i].value;
            nversions++;

        } else if (ngx_http_token_is("Sec-WebSocket-Protocol")) {
            h->protocol |= ngx_token_ws_has_protocol(header[i].value.data,
                                                 header[i].value.len,
                                                 NGX_HTTP_TOKEN_PROTOCOL);

        } else if (ngx_http_token_is("Sec-WebSocket-Extensions")) {
            if (ngx_http_token_handshake_extensions(lcf, &header[i].value, h)
                != NGX_OK)
            {
                ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                              "client sent invalid "
                              "\"Sec-WebSocket-Extensions\" header");
                return NGX_HTTP_BAD_REQUEST;
            }
        }

#undef ngx_http_token_is
    }

    if (!upgrade || !connection || nversions != 1
        || version.len != 2 || ngx_strncmp(version.data, "13", 2) != 0)
    {
        return NGX_DECLINED;
    }

    if (nkeys != 1 || !ngx_token_ws_key_valid(h->key.data, h->key.len)) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client sent invalid \"Sec-WebSocket-Key\" header");
        return NGX_HTTP_BAD_REQUEST;
    }

    return NGX_OK;
}


/* RFC 6455, 9.1, and RFC 7692, 5 */

static ngx_int_t
ngx_http_token_handshake_extensions(ngx_http_token_loc_conf_t *lcf,
    ngx_str_t *value, ngx_http_token_handshake_t *h)
{
    ngx_token_ws_deflate_conf_t  conf;

    conf.level = (unsigned char) lcf->deflate;
    conf.server_bits = NGX_TOKEN_WS_SERVER_BITS;
    conf.client_bits = NGX_TOKEN_WS_MAX_BITS;
    conf.mem_level = NGX_TOKEN_WS_MEM_LEVEL;

    return ngx_token_ws_extensions(&conf, value->data, value->len,
                                   &h->deflate)
           ? NGX_OK : NGX_DECLINED;
}


/*
 * 426: RFC 9110, 15.5.22 and 7.8, and RFC 6455, 4.4.  nginx's core adds its own
 * "Connection: close".
 */

static ngx_int_t
ngx_http_token_handshake_upgrade(ngx_http_request_t *r)
{
    ngx_str_t  connection = ngx_string("upgrade");
    ngx_str_t  upgrade = ngx_string("websocket");
    ngx_str_t  version = ngx_string("13");

    if (ngx_http_token_handshake_header(r, "Upgrade", &upgrade) != NGX_OK
        || ngx_http_token_handshake_header(r, "Connection", &connection)
           != NGX_OK
        || ngx_http_token_handshake_header(r, "Sec-WebSocket-Version",
                                           &version)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->headers_out.status = 426;
    ngx_str_set(&r->headers_out.status_line, "426 Upgrade Required");
    r->headers_out.content_length_n = 0;
    r->header_only = 1;
    r->keepalive = 0;

    return ngx_http_send_header(r);
}


static ngx_http_token_session_t *
ngx_http_token_handshake_session(ngx_http_request_t *r,
    ngx_http_token_loc_conf_t *lcf)
{
    u_char                    *p;
    uint32_t                   n;
    ngx_int_t                  rc;
    ngx_str_t                  user;
    ngx_uint_t                 i;
    ngx_connection_t          *c;
    ngx_http_core_srv_conf_t  *cscf;
    ngx_http_token_session_t  *s;

    c = r->connection;

    /* the server that the request's Host has chosen */
    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    ngx_str_null(&user);

    if (lcf->mode == NGX_HTTP_TOKEN_WEBSOCKET) {
        rc = ngx_http_token_identity(r, &user);

        if (rc == NGX_ERROR) {
            return NULL;
        }

        if (rc == NGX_DECLINED) {
            user.len = 0;
        }
    }

    s = ngx_pcalloc(c->pool, sizeof(ngx_http_token_session_t));
    if (s == NULL) {
        return NULL;
    }

    s->connection = c;
    s->lcf = lcf;
    s->mcf = ngx_http_get_module_main_conf(r, ngx_http_token_module);
    s->addr_conf = r->http_connection->addr_conf;
    s->conf_ctx = cscf->ctx;

    /* for calls: kept in the connection's pool */

    if (ngx_connection_local_sockaddr(c, NULL, 0) != NGX_OK) {
        return NULL;
    }

    s->echo = (lcf->mode == NGX_HTTP_TOKEN_ECHO);

    p = s->id;

    for (i = 0; i < sizeof(s->id) / 8; i++) {
        n = ((uint32_t) ngx_random() << 16) ^ (uint32_t) ngx_random();
        p = ngx_sprintf(p, "%08xD", n);
    }

    if (s->echo) {
        return s;
    }

    s->user.data = ngx_pnalloc(c->pool, user.len + 1);
    if (s->user.data == NULL) {
        return NULL;
    }

    s->user.len = user.len;

    if (user.len) {
        ngx_memcpy(s->user.data, user.data, user.len);
    }

    return ngx_http_token_handshake_variables(r, s) == NGX_OK ? s : NULL;
}


/* what services may ask of this request, which will be gone by then */

static ngx_int_t
ngx_http_token_handshake_variables(ngx_http_request_t *r,
    ngx_http_token_session_t *s)
{
    ngx_int_t                  *index;
    ngx_uint_t                  i, n;
    ngx_connection_t           *c;
    ngx_http_variable_value_t  *vv;

    c = r->connection;
    n = s->mcf->variables.nelts;
    index = s->mcf->variables.elts;

    if (n == 0) {
        return NGX_OK;
    }

    s->variables = ngx_pcalloc(c->pool, n * sizeof(ngx_str_t));
    if (s->variables == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        vv = ngx_http_get_indexed_variable(r, index[i]);

        if (vv == NULL || vv->not_found || vv->len == 0) {
            continue;
        }

        s->variables[i].data = ngx_pnalloc(c->pool, vv->len);
        if (s->variables[i].data == NULL) {
            return NGX_ERROR;
        }

        s->variables[i].len = vv->len;
        ngx_memcpy(s->variables[i].data, vv->data, vv->len);
    }

    return NGX_OK;
}


/* RFC 6455, 4.2.2 */

static ngx_int_t
ngx_http_token_handshake_send(ngx_http_request_t *r,
    ngx_http_token_handshake_t *h)
{
    ngx_int_t  rc;
    ngx_str_t  upgrade = ngx_string("websocket");
    ngx_str_t  protocol = ngx_string(NGX_HTTP_TOKEN_PROTOCOL);
    ngx_str_t  accept, extensions;

    if (ngx_http_token_handshake_accept(r, &h->key, &accept) != NGX_OK
        || ngx_http_token_handshake_header(r, "Upgrade", &upgrade) != NGX_OK
        || ngx_http_token_handshake_header(r, "Sec-WebSocket-Accept", &accept)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (h->protocol
        && ngx_http_token_handshake_header(r, "Sec-WebSocket-Protocol",
                                           &protocol)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (h->deflate.agreed) {
        extensions.data = ngx_pnalloc(r->pool, NGX_TOKEN_WS_MAX_ANSWER);
        if (extensions.data == NULL) {
            return NGX_ERROR;
        }

        extensions.len = ngx_token_ws_extensions_answer(&h->deflate,
                                                        extensions.data);

        if (ngx_http_token_handshake_header(r, "Sec-WebSocket-Extensions",
                                            &extensions)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    ngx_str_set(&r->headers_out.status_line, "101 Switching Protocols");

    /* of an error_page that led here: it would go before the status */
    r->err_status = 0;

    /* the 101 is not paced, and the socket is not the request's for long */
    r->keepalive = 0;
    r->limit_rate = 0;
    r->limit_rate_set = 1;

#if (NGX_HTTP_SSL)
    if (r->connection->ssl) {
        /* no buffer for it, that would be in the connection's pool */
        r->connection->ssl->buffer = 0;

        /* and what the session sends is not at the same place twice */
        (void) SSL_set_mode(r->connection->ssl->connection,
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
#endif

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }

    if (ngx_http_token_handshake_is_kept(r)) {
        return NGX_OK;
    }

    return ngx_http_send_special(r, NGX_HTTP_FLUSH);
}


/*
 * Whether the 101 is in memory, and nothing of it sent: nginx postpones small
 * output.  Then the session sends it, together with its hello.
 */

static ngx_uint_t
ngx_http_token_handshake_is_kept(ngx_http_request_t *r)
{
    ngx_chain_t  *cl;

    if (r->out == NULL || r->connection->buffered || r->connection->sent) {
        return 0;
    }

    for (cl = r->out; cl; cl = cl->next) {
        if (ngx_buf_special(cl->buf) || !ngx_buf_in_memory(cl->buf)) {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_http_token_handshake_header(ngx_http_request_t *r, const char *key,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    h->key.data = (u_char *) key;
    h->key.len = ngx_strlen(key);
    h->value = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_handshake_accept(ngx_http_request_t *r, ngx_str_t *key,
    ngx_str_t *accept)
{
    u_char      digest[20];
    ngx_str_t   src;
    ngx_sha1_t  sha1;

    static u_char  guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, key->data, key->len);
    ngx_sha1_update(&sha1, guid, sizeof(guid) - 1);
    ngx_sha1_final(digest, &sha1);

    src.data = digest;
    src.len = sizeof(digest);

    accept->data = ngx_pnalloc(r->pool, ngx_base64_encoded_length(src.len));
    if (accept->data == NULL) {
        return NGX_ERROR;
    }

    ngx_encode_base64(accept, &src);

    return NGX_OK;
}


/*
 * Waits until the 101 has left, then frees the request and starts the session;
 * not here, because nginx's phases and posted requests still use the request
 * after the handler returns.
 */

static void
ngx_http_token_handshake_flush(ngx_http_request_t *r)
{
    ngx_connection_t          *c;
    ngx_http_token_ctx_t      *ctx;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_token_session_t  *s;

    c = r->connection;
    ctx = ngx_http_get_module_ctx(r, ngx_http_token_module);
    s = ctx->session;

    if (s->event.handler) {
        return;
    }

    if (c->write->timedout) {
        c->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if ((r->out || c->buffered) && !ngx_http_token_handshake_is_kept(r)) {

        if (ngx_http_output_filter(r, NULL) == NGX_ERROR) {
            ngx_http_finalize_request(r, NGX_ERROR);
            return;
        }

        if (r->out || c->buffered) {
            clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

            if (!c->write->timer_set) {
                ngx_add_timer(c->write, clcf->send_timeout);
            }

            if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
                ngx_http_finalize_request(r, NGX_ERROR);
            }

            return;
        }
    }

    s->event.handler = ngx_http_token_handshake_takeover;
    s->event.data = r;
    s->event.log = c->log;

    ngx_post_event(&s->event, &ngx_posted_events);
}


static void
ngx_http_token_handshake_takeover(ngx_event_t *ev)
{
    ngx_buf_t                 *b;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_token_ctx_t      *ctx;
    ngx_http_connection_t     *hc;
    ngx_http_token_session_t  *s;

    r = ev->data;
    c = r->connection;
    hc = r->http_connection;
    ctx = ngx_http_get_module_ctx(r, ngx_http_token_module);
    s = ctx->session;

    if (c->error) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    if (r->count > 1) {
        /*
         * A subrequest in the background (mirror) is part of this request,
         * would be cut with it, and tells nobody when it has ended.  The 101
         * need not wait for it.
         */

        if (ngx_http_token_handshake_is_kept(r)) {
            ev->handler = NULL;

            if (ngx_http_send_special(r, NGX_HTTP_FLUSH) == NGX_ERROR) {
                ngx_http_finalize_request(r, NGX_ERROR);
                return;
            }

            ngx_http_token_handshake_flush(r);
            return;
        }

        ev->timedout = 0;
        ngx_add_timer(ev, NGX_HTTP_TOKEN_WAIT);
        return;
    }

    /* frames may have come together with the handshake */

    b = r->header_in;

    if (ngx_http_token_read_keep(s, b->pos, b->last) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    if (ngx_http_token_handshake_keep(r, s) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    s->started = 1;

    /* for the access log it has been sent */

    c->sent += (off_t) s->queued;
    ngx_http_free_request(r, 0);
    c->sent -= (off_t) s->queued;

    c->data = s;
    c->destroyed = 0;

    ngx_http_token_handshake_free_buffers(c, hc);
    ngx_http_token_handshake_socket(c);

    ngx_http_token_session_start(s);
}


/* The 101, where it is kept, becomes what the session sends first. */

static ngx_int_t
ngx_http_token_handshake_keep(ngx_http_request_t *r,
    ngx_http_token_session_t *s)
{
    size_t                  len;
    ngx_chain_t            *cl;
    ngx_http_token_blob_t  *blob;

    if (!ngx_http_token_handshake_is_kept(r)) {
        return NGX_OK;
    }

    for (len = 0, cl = r->out; cl; cl = cl->next) {
        len += ngx_buf_size(cl->buf);
    }

    blob = ngx_http_token_blob(len + NGX_HTTP_TOKEN_HELLO);
    if (blob == NULL) {
        return NGX_ERROR;
    }

    for (cl = r->out; cl; cl = cl->next) {
        ngx_memcpy(blob->data + blob->len, cl->buf->pos,
                   ngx_buf_size(cl->buf));
        blob->len += ngx_buf_size(cl->buf);
    }

    ngx_http_token_out_blob(s, blob);
    ngx_http_token_blob_unref(blob);

    return NGX_OK;
}


/* as nginx does before it waits for a next request */

static void
ngx_http_token_handshake_free_buffers(ngx_connection_t *c,
    ngx_http_connection_t *hc)
{
    ngx_buf_t  *b;

    ngx_http_token_handshake_free_chain(c->pool, hc->free);
    hc->free = NULL;

    ngx_http_token_handshake_free_chain(c->pool, hc->busy);
    hc->busy = NULL;
    hc->nbusy = 0;

    b = c->buffer;

    if (b && ngx_pfree(c->pool, b->start) == NGX_OK) {
        b->pos = NULL;
        b->last = NULL;
        b->start = NULL;
        b->end = NULL;
    }

#if (NGX_HTTP_SSL)
    if (c->ssl) {
        ngx_ssl_free_buffer(c);
    }
#endif
}


static void
ngx_http_token_handshake_free_chain(ngx_pool_t *pool, ngx_chain_t *cl)
{
    ngx_chain_t  *ln;

    while (cl) {
        ln = cl;
        cl = cl->next;
        (void) ngx_pfree(pool, ln->buf->start);
        ngx_free_chain(pool, ln);
    }
}


static void
ngx_http_token_handshake_socket(ngx_connection_t *c)
{
    int  lowat;

    if (ngx_tcp_nodelay(c) != NGX_OK) {
        return;
    }

#ifdef TCP_NOTSENT_LOWAT

    /* what the kernel holds for a reader that does not read is bounded */

    lowat = NGX_HTTP_TOKEN_LOWAT;

    if (c->sockaddr->sa_family != AF_UNIX
        && setsockopt(c->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat,
                      sizeof(int))
           == -1)
    {
        ngx_log_error(NGX_LOG_ALERT, c->log, ngx_socket_errno,
                      "setsockopt(TCP_NOTSENT_LOWAT) failed");
    }

#endif
}
