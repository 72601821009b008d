
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_deflate.h"
#include "http/ngx_http_token_run.h"
#include "http/ngx_http_token_session.h"
#include "http/ngx_http_token_stat.h"
#include "http/ngx_http_token_worker.h"


#define NGX_HTTP_TOKEN_READ_SIZE  65536
#define NGX_HTTP_TOKEN_READ_UNIT  4096    /* inflated bytes that count as one
                                             message of the rate */
#define NGX_HTTP_TOKEN_READ_MAX   8       /* reads of a session in one turn */


static ngx_int_t ngx_http_token_read_some(ngx_http_token_session_t *s);
static void ngx_http_token_read_input(ngx_http_token_session_t *s,
    u_char **pos, u_char *last);
static void ngx_http_token_read_leave(ngx_http_token_session_t *s);
static ngx_uint_t ngx_http_token_read_pause(ngx_http_token_session_t *s);
static ngx_uint_t ngx_http_token_read_rate(ngx_http_token_session_t *s);
static void ngx_http_token_read_data(ngx_http_token_session_t *s,
    ngx_token_ws_event_t *ev);
static void ngx_http_token_read_message(ngx_http_token_session_t *s,
    ngx_token_ws_event_t *ev, u_char *data, size_t len);
static void ngx_http_token_read_failed(ngx_http_token_session_t *s,
    ngx_token_ws_event_t *ev);
static void ngx_http_token_read_control(ngx_http_token_session_t *s,
    ngx_token_ws_event_t *ev);


/* one for the worker: a session has no buffer of its own */

static u_char  ngx_http_token_read_buf[NGX_HTTP_TOKEN_READ_SIZE];


void
ngx_http_token_read_handler(ngx_event_t *rev)
{
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_connection_t          *c;
    ngx_http_token_session_t  *s;

    c = rev->data;
    s = c->data;

    if (s->ended) {
        return;
    }

    if (c->close && !s->leaving) {
        ngx_http_token_read_leave(s);

        if (s->ended) {
            return;
        }
    }

    if (c->close && c->error) {
        ngx_http_token_session_end(s, NGX_TOKEN_WS_GOING_AWAY,
                                   "worker_shutdown_timeout");
        return;
    }

    if (rev->timedout) {
        rev->timedout = 0;

        if (s->close_queued || c->error
            || (s->nwaits == 0
                && ngx_current_msec - s->left >= NGX_HTTP_TOKEN_LINGER))
        {
            ngx_http_token_session_end(s, NGX_TOKEN_WS_ABNORMAL,
                                       "the peer does not close");
            return;
        }

        /* an exiting worker waits for running tokens, and for the output */
        ngx_add_timer(rev, 1000);
    }

    for (i = 0; i < NGX_HTTP_TOKEN_READ_MAX; i++) {

        if (ngx_http_token_read_pause(s)) {
            return;
        }

        rc = ngx_http_token_read_some(s);

        if (rc == NGX_AGAIN) {
            if (ngx_handle_read_event(rev, 0) != NGX_OK) {
                ngx_http_token_session_end(s, NGX_TOKEN_WS_ABNORMAL,
                                           "the connection is broken");
            }

            return;
        }

        if (rc == NGX_ERROR) {
            ngx_http_token_session_end(s, NGX_TOKEN_WS_ABNORMAL,
                                       "the peer is gone");
            return;
        }

        if (s->ended) {
            return;
        }
    }

    /* there is more: after the others have had their turn */
    ngx_post_event(&s->event, &ngx_posted_next_events);
}


/* what was kept comes before what is new; NGX_AGAIN: there is neither */

static ngx_int_t
ngx_http_token_read_some(ngx_http_token_session_t *s)
{
    u_char            *pos;
    ssize_t            n;
    ngx_connection_t  *c;

    if (s->input) {
        ngx_http_token_read_input(s, &s->input_pos, s->input_last);

        if (s->input_pos == s->input_last) {
            ngx_free(s->input);
            s->input = NULL;
        }

        return NGX_OK;
    }

    c = s->connection;

    n = c->recv(c, ngx_http_token_read_buf, NGX_HTTP_TOKEN_READ_SIZE);

    if (n == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (n == 0 || n == NGX_ERROR) {
        return NGX_ERROR;
    }

    pos = ngx_http_token_read_buf;
    ngx_http_token_read_input(s, &pos, pos + n);

    if (ngx_http_token_read_keep(s, pos, ngx_http_token_read_buf + n)
        != NGX_OK)
    {
        ngx_http_token_session_end(s, NGX_TOKEN_WS_INTERNAL, "no memory");
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_token_read_keep(ngx_http_token_session_t *s, u_char *pos,
    u_char *last)
{
    size_t  size;

    size = last - pos;

    if (size == 0 || s->ended) {
        return NGX_OK;
    }

    s->input = ngx_alloc(size, s->connection->log);
    if (s->input == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(s->input, pos, size);
    s->input_pos = s->input;
    s->input_last = s->input + size;

    return NGX_OK;
}


/* the worker is to exit: nginx's core calls the handler once, with c->close */

static void
ngx_http_token_read_leave(ngx_http_token_session_t *s)
{
    ngx_connection_t         *c;
    ngx_http_token_worker_t  *w;

    c = s->connection;

    c->idle = 0;
    s->leaving = 1;

    if (c->error) {
        return;
    }

    /* holds the worker until the session is closed */

    s->left = ngx_current_msec;

    if (!c->read->timer_set) {
        ngx_add_timer(c->read, 1000);
    }

    /* nginx's core calls between two turns: do not wait for an event */

    w = &ngx_http_token_worker;

    if (!w->flush.posted) {
        ngx_post_event(&w->flush, &ngx_posted_next_events);
    }

    ngx_http_token_session_dirty(s);
}


/*
 * While the peer does not take what it is sent, nothing more is read from it:
 * so the answers to its own input are bounded.
 */

static ngx_uint_t
ngx_http_token_read_pause(ngx_http_token_session_t *s)
{
    if (s->blocked && !s->failed) {
        s->paused = 1;
        return 1;
    }

    if (s->answers >= NGX_HTTP_TOKEN_MAX_ANSWERS && !s->close_queued) {
        /* first they are sent: they are not bounded by what asks for them */
        s->paused = 1;
        ngx_http_token_session_dirty(s);
        return 1;
    }

    return s->slowed || ngx_http_token_read_rate(s);
}


/*
 * A bucket of messages: while it is empty nothing more is read, and TCP tells
 * the peer to slow down.  So a flood costs its sender, and nobody is cut off.
 */

static ngx_uint_t
ngx_http_token_read_rate(ngx_http_token_session_t *s)
{
    ngx_int_t   rate;
    ngx_msec_t  elapsed;

    rate = (ngx_int_t) s->lcf->rate;

    if (rate == 0 || s->close_queued) {
        return 0;
    }

    elapsed = ngx_min(ngx_current_msec - s->filled, 60000);

    s->filled = ngx_current_msec;
    s->bucket = ngx_min(s->bucket + (ngx_int_t) elapsed * rate,
                        (ngx_int_t) s->lcf->burst * 1000);

    if (s->bucket >= 1000) {
        return 0;
    }

    s->slowed = 1;
    ngx_add_timer(&s->event, 1 + (1000 - s->bucket) / rate);

    return 1;
}


void
ngx_http_token_read_count(ngx_http_token_session_t *s, ngx_uint_t n)
{
    s->received = ngx_current_msec;
    ngx_http_token_stat->messages += n;

    if (s->lcf->rate) {
        s->bucket -= (ngx_int_t) n * 1000;
    }
}


/* feeds the parser, which changes the bytes in place, until it must wait */

static void
ngx_http_token_read_input(ngx_http_token_session_t *s, u_char **pos,
    u_char *last)
{
    u_char               *from;
    ngx_token_ws_rc_t     rc;
    ngx_token_ws_conf_t   conf;
    ngx_token_ws_event_t  ev;

    conf.max_message = s->lcf->max_message;
    conf.max_frames = s->lcf->max_frames;

    while (!s->ended) {
        from = *pos;
        rc = ngx_token_ws_parse(&s->parser, &conf, pos, last, &ev);

        s->nreceived += *pos - from;
        ngx_http_token_stat->received += *pos - from;

        switch (rc) {

        case NGX_TOKEN_WS_AGAIN:
            return;

        case NGX_TOKEN_WS_DATA:
            ngx_http_token_read_data(s, &ev);
            break;

        case NGX_TOKEN_WS_CONTROL:
            ngx_http_token_read_control(s, &ev);
            break;

        default: /* NGX_TOKEN_WS_ERROR */
            ngx_http_token_read_failed(s, &ev);
            break;
        }

        /* a read may hold thousands of messages */

        if (*pos != last && ngx_http_token_read_pause(s)) {
            return;
        }
    }
}


static void
ngx_http_token_read_failed(ngx_http_token_session_t *s,
    ngx_token_ws_event_t *ev)
{
    ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                  "client sent invalid websocket data: %s", ev->reason);

    s->failed = 1;
    ngx_http_token_session_close(s, ev->code, ev->reason);
}


/* gathers the pieces of a message; one that came whole is not copied */

static void
ngx_http_token_read_data(ngx_http_token_session_t *s,
    ngx_token_ws_event_t *ev)
{
    if (s->close_queued) {
        return;
    }

    if (ev->first && ev->last) {
        ngx_http_token_read_message(s, ev, ev->data, ev->len);
        return;
    }

    ngx_token_buf_append(&s->message, ev->data, ev->len);

    if (s->message.failed) {
        ngx_http_token_session_end(s, NGX_TOKEN_WS_INTERNAL, "no memory");
        return;
    }

    if (ev->last) {
        ngx_http_token_read_message(s, ev, s->message.data, s->message.len);
        ngx_token_buf_free(&s->message);
    }
}


static void
ngx_http_token_read_message(ngx_http_token_session_t *s,
    ngx_token_ws_event_t *ev, u_char *data, size_t len)
{
    ngx_token_ws_event_t   failure;
    ngx_token_ws_opcode_e  opcode;

    opcode = ev->opcode;

    if (ev->compressed
        && ngx_http_token_inflate(s, opcode, &data, &len, &failure) != NGX_OK)
    {
        ngx_http_token_read_failed(s, &failure);
        return;
    }

    if (ev->compressed && s->lcf->rate) {
        /* inflating costs by what comes out */
        s->bucket -= (ngx_int_t) (len / NGX_HTTP_TOKEN_READ_UNIT) * 1000;
    }

    if (s->echo) {
        ngx_http_token_read_count(s, 1);
        ngx_http_token_out_frame(s, opcode, data, len);
        return;
    }

    if (opcode == NGX_TOKEN_WS_BINARY) {
        ngx_http_token_session_close(s, NGX_TOKEN_WS_UNSUPPORTED,
                                     "binary messages are not understood");
        return;
    }

    ngx_http_token_dispatch(s, data, len);
}


static void
ngx_http_token_read_control(ngx_http_token_session_t *s,
    ngx_token_ws_event_t *ev)
{
    ngx_http_token_read_count(s, 1);

    switch (ev->opcode) {

    case NGX_TOKEN_WS_PING:
        ngx_http_token_out_frame(s, NGX_TOKEN_WS_PONG, ev->data, ev->len);
        return;

    case NGX_TOKEN_WS_CLOSE:
        s->close_received = 1;

        /* RFC 6455, 5.5.1: answered with the code that came */
        ngx_http_token_session_close(s, ev->code, "");
        ngx_http_token_session_dirty(s);
        return;

    default: /* NGX_TOKEN_WS_PONG: s->received is enough */
        return;
    }
}
