
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_deflate.h"
#include "http/ngx_http_token_session.h"
#include "http/ngx_http_token_spare.h"
#include "http/ngx_http_token_stat.h"


#define NGX_HTTP_TOKEN_OUT_BUFS   64      /* in one writev() */
#define NGX_HTTP_TOKEN_OUT_SMALL  512     /* bytes of a private blob */
#define NGX_HTTP_TOKEN_OUT_RECORD 16384   /* bytes: the most of TLS */


static ngx_http_token_out_t *ngx_http_token_out_link(
    ngx_http_token_session_t *s, ngx_http_token_blob_t *blob);
static void ngx_http_token_out_unlink(ngx_http_token_session_t *s);
static void ngx_http_token_out_moved(ngx_http_token_session_t *s, off_t n);
static ngx_uint_t ngx_http_token_out_is_simple(ngx_http_token_session_t *s);
static ngx_int_t ngx_http_token_out_send(ngx_http_token_session_t *s);
#if (NGX_HTTP_SSL)
static ngx_int_t ngx_http_token_out_seal(ngx_http_token_session_t *s);
static size_t ngx_http_token_out_gather(ngx_http_token_session_t *s,
    u_char *record);
#endif
static ngx_chain_t *ngx_http_token_out_chain(ngx_http_token_session_t *s);
static void ngx_http_token_out_sent(ngx_http_token_session_t *s,
    ngx_chain_t *rest);


/* a delivery allocates nothing, and an answer seldom */

static ngx_http_token_spare_t  ngx_http_token_out_links = {
    sizeof(ngx_http_token_out_t), 0, NULL, NULL, 0
};

static ngx_http_token_spare_t  ngx_http_token_out_blobs = {
    offsetof(ngx_http_token_blob_t, data) + NGX_HTTP_TOKEN_OUT_SMALL,
    0, NULL, NULL, 0
};


static ngx_inline size_t
ngx_http_token_blob_room(size_t size)
{
    return offsetof(ngx_http_token_blob_t, data) + size;
}


ngx_http_token_blob_t *
ngx_http_token_blob(size_t size)
{
    ngx_http_token_blob_t  *blob;

    blob = ngx_http_token_spare_take(&ngx_http_token_out_blobs,
                                     ngx_http_token_blob_room(size));
    if (blob == NULL) {
        return NULL;
    }

    blob->refs = 1;
    blob->len = 0;
    blob->size = size;

    return blob;
}


void
ngx_http_token_blob_unref(ngx_http_token_blob_t *blob)
{
    if (blob && --blob->refs == 0) {
        ngx_http_token_spare_give(&ngx_http_token_out_blobs, blob,
                                  ngx_http_token_blob_room(blob->size));
    }
}


ngx_http_token_blob_t *
ngx_http_token_blob_frame(ngx_http_token_blob_t *blob,
    ngx_token_ws_opcode_e opcode, const u_char *data, size_t len)
{
    size_t                  size;
    ngx_http_token_blob_t  *grown;

    if (blob->size - blob->len < len + NGX_TOKEN_WS_MAX_HEADER) {
        size = ngx_max(blob->size * 2,
                       blob->len + len + NGX_TOKEN_WS_MAX_HEADER);

        grown = ngx_http_token_blob(size);
        if (grown == NULL) {
            return NULL;
        }

        grown->len = blob->len;
        ngx_memcpy(grown->data, blob->data, blob->len);
        ngx_http_token_blob_unref(blob);
        blob = grown;
    }

    blob->len += ngx_token_ws_header(blob->data + blob->len, opcode, len, 1);

    if (len) {
        ngx_memcpy(blob->data + blob->len, data, len);
    }

    blob->len += len;

    return blob;
}


ngx_http_token_blob_t *
ngx_http_token_blob_deflated(ngx_http_token_blob_t *blob,
    ngx_token_ws_opcode_e opcode, const u_char *data, size_t len)
{
    size_t   n, start;
    u_char  *packed;

    n = ngx_http_token_deflate(data, len, &packed);

    if (n == 0) {
        return ngx_http_token_blob_frame(blob, opcode, data, len);
    }

    start = blob->len;
    blob = ngx_http_token_blob_frame(blob, opcode, packed, n);

    if (blob) {
        blob->data[start] |= NGX_TOKEN_WS_RSV1;
    }

    return blob;
}


void
ngx_http_token_out_blob(ngx_http_token_session_t *s,
    ngx_http_token_blob_t *blob)
{
    if (s->close_queued || s->ended) {
        return;
    }

    if (ngx_http_token_out_link(s, blob)) {
        blob->refs++;
        s->queued += blob->len;
    }
}


void
ngx_http_token_out_frame(ngx_http_token_session_t *s,
    ngx_token_ws_opcode_e opcode, const u_char *data, size_t len)
{
    size_t                  n, size, start;
    u_char                 *packed;
    ngx_http_token_out_t   *out;
    ngx_http_token_blob_t  *blob;

    if (s->close_queued || s->ended) {
        return;
    }

    s->answers += len;
    n = 0;

    if (s->deflate && opcode < NGX_TOKEN_WS_CLOSE) {
        n = ngx_http_token_deflate(data, len, &packed);

        if (n) {
            data = packed;
            len = n;
        }
    }

    size = len + NGX_TOKEN_WS_MAX_HEADER;
    out = s->out_last;

    /* nobody else has the last blob: there may be room in it */

    if (out && out->blob->refs == 1
        && out->blob->size - out->blob->len >= size)
    {
        start = out->blob->len;
        (void) ngx_http_token_blob_frame(out->blob, opcode, data, len);

        if (n) {
            out->blob->data[start] |= NGX_TOKEN_WS_RSV1;
        }

        return;
    }

    blob = ngx_http_token_blob(ngx_max(size, NGX_HTTP_TOKEN_OUT_SMALL));

    if (blob == NULL || ngx_http_token_out_link(s, blob) == NULL) {
        ngx_http_token_blob_unref(blob);
        ngx_http_token_session_end(s, NGX_TOKEN_WS_INTERNAL, "no memory");
        return;
    }

    (void) ngx_http_token_blob_frame(blob, opcode, data, len);

    if (n) {
        /* there was room, it has not moved
           NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        blob->data[0] |= NGX_TOKEN_WS_RSV1;
    }
}


void
ngx_http_token_out_text(ngx_http_token_session_t *s, ngx_token_buf_t *b)
{
    if (b->failed) {
        ngx_http_token_session_end(s, NGX_TOKEN_WS_INTERNAL, "no memory");

    } else {
        ngx_http_token_out_frame(s, NGX_TOKEN_WS_TEXT, b->data, b->len);
    }

    ngx_token_buf_reset(b);
}


static ngx_http_token_out_t *
ngx_http_token_out_link(ngx_http_token_session_t *s,
    ngx_http_token_blob_t *blob)
{
    ngx_http_token_out_t  *out;

    if (s->out == NULL) {
        out = &s->one;

    } else {
        out = ngx_http_token_spare_take(&ngx_http_token_out_links,
                                        sizeof(ngx_http_token_out_t));
        if (out == NULL) {
            ngx_http_token_session_end(s, NGX_TOKEN_WS_INTERNAL, "no memory");
            return NULL;
        }
    }

    out->next = NULL;
    out->blob = blob;
    out->pos = 0;

    if (s->out_last) {
        s->out_last->next = out;

    } else {
        s->out = out;
    }

    s->out_last = out;

    ngx_http_token_session_dirty(s);

    return out;
}


static void
ngx_http_token_out_unlink(ngx_http_token_session_t *s)
{
    ngx_http_token_out_t  *out;

    out = s->out;
    s->out = out->next;

    if (s->out == NULL) {
        s->out_last = NULL;
        s->queued = 0;
        s->answers = 0;
    }

    ngx_http_token_blob_unref(out->blob);

    if (out != &s->one) {
        ngx_http_token_spare_give(&ngx_http_token_out_links, out,
                                  sizeof(ngx_http_token_out_t));
    }
}


ngx_int_t
ngx_http_token_out_flush(ngx_http_token_session_t *s)
{
    off_t              sent;
    ngx_int_t          rc;
    ngx_chain_t       *chain, *rest;
    ngx_connection_t  *c;

    c = s->connection;

    while (s->out || c->buffered) {

        if (!c->write->ready) {
            return NGX_AGAIN;
        }

#if (NGX_HTTP_SSL)
        if (c->ssl && s->out) {
            rc = ngx_http_token_out_seal(s);

            if (rc != NGX_OK) {
                return rc;
            }

            continue;
        }
#endif

        if (ngx_http_token_out_is_simple(s)) {
            rc = ngx_http_token_out_send(s);

            if (rc != NGX_OK) {
                return rc;
            }

            continue;
        }

        chain = ngx_http_token_out_chain(s);
        sent = c->sent;

        rest = c->send_chain(c, chain, 0);

        if (rest == NGX_CHAIN_ERROR) {
            return NGX_ERROR;
        }

        ngx_http_token_out_sent(s, rest);

        if (c->sent != sent) {
            ngx_http_token_out_moved(s, c->sent - sent);
        }

        if (rest || c->buffered) {
            return NGX_AGAIN;
        }
    }

    return NGX_OK;
}


/* the socket, or OpenSSL, has taken n bytes */

static void
ngx_http_token_out_moved(ngx_http_token_session_t *s, off_t n)
{
    s->sent = ngx_current_msec;
    s->progress = ngx_current_msec;

    ngx_http_token_stat->sent += n;
}


/* one piece, and nothing between it and the socket */

static ngx_uint_t
ngx_http_token_out_is_simple(ngx_http_token_session_t *s)
{
    return s->out && s->out == s->out_last && !s->connection->buffered;
}


static ngx_int_t
ngx_http_token_out_send(ngx_http_token_session_t *s)
{
    ssize_t                n;
    ngx_http_token_out_t  *out;

    out = s->out;

    n = s->connection->send(s->connection, out->blob->data + out->pos,
                            out->blob->len - out->pos);

    if (n == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (n <= 0) {
        return NGX_ERROR;
    }

    ngx_http_token_out_moved(s, n);
    out->pos += n;

    if (out->pos < out->blob->len) {
        return NGX_AGAIN;
    }

    ngx_http_token_out_unlink(s);

    return NGX_OK;
}


#if (NGX_HTTP_SSL)

/*
 * TLS: what is queued, a record at a time.  nginx's own way of gathering has a
 * buffer of ssl_buffer_size for each connection, and keeps it.  A record that
 * the socket has not taken is said again: OpenSSL wants to see at least as much
 * of the same, and the queue only grows.
 */

static ngx_int_t
ngx_http_token_out_seal(ngx_http_token_session_t *s)
{
    size_t                 len, left;
    u_char                *data;
    ssize_t                n;
    ngx_http_token_out_t  *out;

    static u_char          record[NGX_HTTP_TOKEN_OUT_RECORD];

    out = s->out;
    data = out->blob->data + out->pos;
    len = ngx_min(out->blob->len - out->pos, NGX_HTTP_TOKEN_OUT_RECORD);

    if (out->next && len < NGX_HTTP_TOKEN_OUT_RECORD) {
        len = ngx_http_token_out_gather(s, record);
        data = record;
    }

    n = s->connection->send(s->connection, data, len);

    if (n == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (n <= 0) {
        return NGX_ERROR;
    }

    ngx_http_token_out_moved(s, n);

    len = n;

    for (out = s->out; out; out = s->out) {
        left = out->blob->len - out->pos;

        if (len < left) {
            out->pos += len;
            break;
        }

        len -= left;
        ngx_http_token_out_unlink(s);
    }

    return NGX_OK;
}


static size_t
ngx_http_token_out_gather(ngx_http_token_session_t *s, u_char *record)
{
    size_t                 len, n;
    ngx_http_token_out_t  *out;

    len = 0;

    for (out = s->out; out && len < NGX_HTTP_TOKEN_OUT_RECORD; out = out->next)
    {
        n = ngx_min(out->blob->len - out->pos, NGX_HTTP_TOKEN_OUT_RECORD - len);

        ngx_memcpy(record + len, out->blob->data + out->pos, n);
        len += n;
    }

    return len;
}

#endif


static ngx_chain_t *
ngx_http_token_out_chain(ngx_http_token_session_t *s)
{
    ngx_uint_t             i;
    ngx_http_token_out_t  *out;

    static ngx_buf_t       bufs[NGX_HTTP_TOKEN_OUT_BUFS];
    static ngx_chain_t     links[NGX_HTTP_TOKEN_OUT_BUFS];

    if (s->out == NULL) {
        return NULL;
    }

    i = 0;

    for (out = s->out; out && i < NGX_HTTP_TOKEN_OUT_BUFS; out = out->next) {
        ngx_memzero(&bufs[i], sizeof(ngx_buf_t));

        bufs[i].pos = out->blob->data + out->pos;
        bufs[i].last = out->blob->data + out->blob->len;
        bufs[i].start = bufs[i].pos;
        bufs[i].end = bufs[i].last;
        bufs[i].memory = 1;

        links[i].buf = &bufs[i];
        links[i].next = &links[i + 1];
        i++;
    }

    links[i - 1].next = NULL;

    return links;
}


/* send_chain() has moved the bufs' positions; rest is the first not sent */

static void
ngx_http_token_out_sent(ngx_http_token_session_t *s, ngx_chain_t *rest)
{
    ngx_uint_t   n;
    u_char      *pos;

    if (rest) {
        pos = rest->buf->pos;

        /* it points into one of them
           NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        while (pos < s->out->blob->data
               || pos >= s->out->blob->data + s->out->blob->len)
        {
            ngx_http_token_out_unlink(s);
        }

        s->out->pos = pos - s->out->blob->data;
        return;
    }

    for (n = 0; s->out && n < NGX_HTTP_TOKEN_OUT_BUFS; n++) {
        ngx_http_token_out_unlink(s);
    }
}


void
ngx_http_token_out_free(ngx_http_token_session_t *s)
{
    while (s->out) {
        ngx_http_token_out_unlink(s);
    }
}
