
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_presence.h"
#include "http/ngx_http_token_session.h"
#include "http/ngx_http_token_stat.h"
#include "http/ngx_http_token_wait.h"
#include "http/ngx_http_token_watch.h"
#include "http/ngx_http_token_worker.h"


#define NGX_HTTP_TOKEN_FLUSH_MAX   16     /* rounds of a session in one turn */
#define NGX_HTTP_TOKEN_FLUSH_PIECES  64   /* of all that catch up, likewise */


static void ngx_http_token_session_hello(ngx_http_token_session_t *s);
static void ngx_http_token_session_go_on(ngx_event_t *ev);
static ngx_int_t ngx_http_token_session_flush(ngx_http_token_session_t *s);
static ngx_int_t ngx_http_token_session_more(ngx_http_token_session_t *s);
static void ngx_http_token_session_blocked(ngx_http_token_session_t *s);
static void ngx_http_token_session_flushed(ngx_http_token_session_t *s);
static void ngx_http_token_session_closing(ngx_http_token_session_t *s);
static void ngx_http_token_session_destroy(ngx_http_token_session_t *s);


void
ngx_http_token_session_start(ngx_http_token_session_t *s)
{
    ngx_msec_t                next;
    ngx_connection_t         *c;
    ngx_http_token_worker_t  *w;

    c = s->connection;
    w = &ngx_http_token_worker;

    c->log->action = "serving a websocket";

    s->opened = ngx_current_msec;
    s->received = ngx_current_msec;
    s->sent = ngx_current_msec;
    s->progress = ngx_current_msec;
    s->filled = ngx_current_msec;
    s->bucket = (ngx_int_t) s->lcf->burst * 1000;

    s->event.handler = ngx_http_token_session_go_on;
    s->event.data = s;
    s->event.log = c->log;
    s->event.cancelable = 1;

    ngx_queue_init(&s->watches);
    ngx_queue_init(&s->behind);
    ngx_queue_init(&s->waits);
    ngx_queue_insert_tail(&w->sessions, &s->queue);
    w->nsessions++;
    ngx_http_token_stat->sessions++;
    ngx_http_token_stat->opened++;

    next = ngx_http_token_session_check(s);
    ngx_http_token_worker_schedule(&s->slot,
                                   ngx_min(next, s->lcf->stall_timeout));

    c->read->handler = ngx_http_token_read_handler;
    c->write->handler = ngx_http_token_write_handler;

    /* so nginx's core tells the session when the worker is to exit */
    c->idle = 1;

    if (!s->echo && (w->store == NULL || w->moved)) {
        ngx_http_token_session_close(s, NGX_TOKEN_WS_RESTART,
                                     ngx_http_token_worker_delay());

    } else if (!s->echo) {
        ngx_http_token_session_hello(s);
    }

    if (ngx_exiting || ngx_terminate || ngx_quit) {
        s->leaving = 1;
        s->left = ngx_current_msec;
        ngx_add_timer(c->read, 1000);
        ngx_http_token_session_dirty(s);
    }

    ngx_http_token_read_handler(c->read);
}


static void
ngx_http_token_session_hello(ngx_http_token_session_t *s)
{
    ngx_token_hello_t         h;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    h.session.data = s->id;
    h.session.len = sizeof(s->id);
    h.epoch.data = (u_char *) ngx_token_store_epoch(w->store);
    h.epoch.len = NGX_TOKEN_EPOCH_LEN;
    h.seq = w->head;
    h.time = ngx_http_token_now();
    h.heartbeat = s->lcf->heartbeat;
    h.ledger = s->mcf->ledger;
    h.max_message = s->lcf->max_message;
    h.max_depth = s->lcf->max_depth;
    h.max_inflight = s->lcf->max_inflight;
    h.max_watches = s->lcf->max_watches;
    ngx_http_token_str(&h.user, &s->user);

    ngx_token_encode_hello(&w->text, &h);
    ngx_http_token_out_text(s, &w->text);
}


void
ngx_http_token_session_close(ngx_http_token_session_t *s, uint16_t code,
    const char *reason)
{
    size_t                  n;
    u_char                  frame[2 + NGX_TOKEN_WS_MAX_CONTROL];
    ngx_http_token_out_t   *last;
    ngx_http_token_blob_t  *blob;

    if (s->close_queued || s->ended) {
        return;
    }

    /* the text of 1012 is not there to stay */

    s->code = code;
    s->reason = code == NGX_TOKEN_WS_RESTART ? "restart" : reason;

    n = ngx_token_ws_close_frame(frame, code, reason);

    blob = ngx_http_token_blob(n);
    if (blob == NULL) {
        ngx_http_token_session_end(s, code, reason);
        return;
    }

    ngx_memcpy(blob->data, frame, n);
    blob->len = n;

    last = s->out_last;
    ngx_http_token_out_blob(s, blob);
    ngx_http_token_blob_unref(blob);

    if (s->out_last == last) {
        return;
    }

    s->close_queued = 1;
    s->progress = ngx_current_msec;

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, s->connection->log, 0,
                   "token session close: %ui \"%s\"",
                   (ngx_uint_t) code, reason);
}


void
ngx_http_token_session_end(ngx_http_token_session_t *s, uint16_t code,
    const char *reason)
{
    if (s->code == 0) {
        s->code = code;
        s->reason = reason;
    }

    s->ended = 1;
    ngx_http_token_session_dirty(s);
}


void
ngx_http_token_session_dirty(ngx_http_token_session_t *s)
{
    ngx_http_token_worker_t  *w;

    if (s->flushing) {
        return;
    }

    w = &ngx_http_token_worker;

    s->flushing = 1;
    ngx_queue_insert_tail(&w->dirty, &s->dirty);

    if (!w->flush.posted) {
        ngx_post_event(&w->flush, &ngx_posted_events);
    }
}


/*
 * Those who are behind, and had no turn in the last one, come first; to them
 * and to all others that are behind only so many pieces are sent.  What they
 * are is not looked at before: they may be all that there are.
 */

void
ngx_http_token_session_flush_all(ngx_event_t *ev)
{
    ngx_queue_t               *q;
    ngx_http_token_worker_t   *w;
    ngx_http_token_session_t  *s;

    w = ev->data;
    w->pieces = 0;

    for ( ;; ) {

        if (!ngx_queue_empty(&w->later)
            && w->pieces < NGX_HTTP_TOKEN_FLUSH_PIECES)
        {
            q = ngx_queue_head(&w->later);

        } else if (!ngx_queue_empty(&w->dirty)) {
            q = ngx_queue_head(&w->dirty);

        } else {
            break;
        }

        s = ngx_queue_data(q, ngx_http_token_session_t, dirty);

        ngx_queue_remove(q);

        if (!s->ended && ngx_http_token_session_flush(s) == NGX_AGAIN) {
            ngx_queue_insert_tail(&w->later, q);
            continue;
        }

        /* not before: what it queues for itself is flushed in there */
        s->flushing = 0;

        if (s->ended) {
            ngx_http_token_session_destroy(s);

        } else if (s->out && !s->blocked && !s->event.posted) {
            ngx_http_token_session_dirty(s);
        }
    }

    ngx_http_token_watch_caught_up();

    if (w->round.began) {
        ngx_token_round_end(&w->round, ngx_http_token_clock());
    }

    if (!ngx_queue_empty(&w->later)) {

        if (w->flush.posted) {
            ngx_delete_posted_event(&w->flush);
        }

        ngx_post_event(&w->flush, &ngx_posted_next_events);

        ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ev->log, 0,
                       "token sessions go on in the next turn");
    }
}


void
ngx_http_token_session_drop_all(void)
{
    ngx_queue_t               *q;
    ngx_http_token_session_t  *s;

    while (!ngx_queue_empty(&ngx_http_token_worker.sessions)) {
        q = ngx_queue_head(&ngx_http_token_worker.sessions);
        s = ngx_queue_data(q, ngx_http_token_session_t, queue);

        ngx_http_token_session_destroy(s);
    }
}


/* NGX_AGAIN: there is more for it, in a later turn */

static ngx_int_t
ngx_http_token_session_flush(ngx_http_token_session_t *s)
{
    ngx_int_t   rc;
    ngx_uint_t  n;

    for (n = 0; n < NGX_HTTP_TOKEN_FLUSH_MAX; n++) {

        rc = ngx_http_token_out_flush(s);

        if (rc == NGX_ERROR) {
            ngx_http_token_session_end(s, NGX_TOKEN_WS_ABNORMAL,
                                       "the connection is broken");
            return NGX_OK;
        }

        if (rc == NGX_AGAIN) {
            ngx_http_token_session_blocked(s);
            return NGX_OK;
        }

        s->blocked = 0;

        rc = ngx_http_token_session_more(s);

        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        if (rc == NGX_DONE) {
            ngx_http_token_session_flushed(s);
            return NGX_OK;
        }
    }

    /* a long catch-up: let others have their turn */
    ngx_post_event(&s->event, &ngx_posted_next_events);

    return NGX_OK;
}


/*
 * What was held back while the socket was full; NGX_DONE: nothing; NGX_AGAIN:
 * nothing more in this turn
 */

static ngx_int_t
ngx_http_token_session_more(ngx_http_token_session_t *s)
{
    ngx_int_t  rc;

    if (s->close_queued || s->ended) {
        return NGX_DONE;
    }

    if (s->leaving && s->nwaits == 0) {
        /* the next worker goes on from the client's cursors */
        return NGX_DONE;
    }

    rc = NGX_DONE;

    if (s->nbehind) {
        rc = NGX_AGAIN;

        if (ngx_http_token_worker.pieces < NGX_HTTP_TOKEN_FLUSH_PIECES) {
            rc = ngx_http_token_watch_catch_up(s);
        }
    }

    if (s->ndone) {
        ngx_http_token_wait_settle(s);
    }

    return s->out ? NGX_OK : rc;
}


static void
ngx_http_token_session_blocked(ngx_http_token_session_t *s)
{
    ngx_event_t  *wev;

    wev = s->connection->write;

    if (!s->blocked) {
        s->blocked = 1;
        s->progress = ngx_current_msec;
    }

    if (ngx_handle_write_event(wev, 0) != NGX_OK) {
        ngx_http_token_session_end(s, NGX_TOKEN_WS_ABNORMAL,
                                   "the connection is broken");
    }
}


static void
ngx_http_token_session_flushed(ngx_http_token_session_t *s)
{
    if (s->close_queued) {
        ngx_http_token_session_closing(s);
        return;
    }

    if (s->leaving && s->nwaits == 0) {
        ngx_http_token_session_close(s, NGX_TOKEN_WS_RESTART,
                                     ngx_http_token_worker_delay());
        return;
    }

    if (s->paused) {
        s->paused = 0;
        ngx_post_event(&s->event, &ngx_posted_next_events);
    }
}


/* our close frame is sent */

static void
ngx_http_token_session_closing(ngx_http_token_session_t *s)
{
    ngx_connection_t  *c;

    c = s->connection;

    if (s->close_received) {
        s->ended = 1;
        return;
    }

    /*
     * Wait for the peer's answer, or after a broken rule for the end of what
     * it sends: closing with unread input would reset the connection and
     * could destroy the close frame on its way.  The timer is not cancelable:
     * an exiting worker waits for it.
     */

    if (s->failed && !s->shut) {
        s->shut = 1;

#if (NGX_HTTP_SSL)
        if (c->ssl == NULL)
#endif
        {
            (void) ngx_shutdown_socket(c->fd, NGX_WRITE_SHUTDOWN);
        }
    }

    if (!s->lingering) {
        s->lingering = 1;
        ngx_add_timer(c->read, NGX_HTTP_TOKEN_LINGER);
    }

    if (s->paused) {
        s->paused = 0;
        ngx_post_event(&s->event, &ngx_posted_next_events);
    }
}


static void
ngx_http_token_session_go_on(ngx_event_t *ev)
{
    ngx_http_token_session_t  *s;

    s = ev->data;

    if (ev->timedout) {
        ev->timedout = 0;
        s->slowed = 0;
    }

    ngx_http_token_session_dirty(s);

    if (s->input || s->connection->read->ready) {
        ngx_http_token_read_handler(s->connection->read);
    }
}


void
ngx_http_token_write_handler(ngx_event_t *wev)
{
    ngx_connection_t          *c;
    ngx_http_token_session_t  *s;

    c = wev->data;
    s = c->data;

    ngx_http_token_session_dirty(s);
}


ngx_msec_t
ngx_http_token_session_check(ngx_http_token_session_t *s)
{
    ngx_msec_t                beat, silent, quiet, stalled, next;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    beat = s->lcf->heartbeat;
    silent = ngx_current_msec - s->received;
    quiet = ngx_current_msec - s->sent;

    if (s->lcf->session_time
        && ngx_current_msec - s->opened >= s->lcf->session_time)
    {
        /* also where its reader is slow: nothing new is sent to it */
        ngx_http_token_session_close(s, NGX_TOKEN_WS_EXPIRED,
                                     "session time is over");
    }

    if (s->blocked) {
        stalled = ngx_current_msec - s->progress;

        if (stalled >= s->lcf->stall_timeout) {
            ngx_http_token_session_end(s, NGX_TOKEN_WS_SLOW, "too slow");
            return beat;
        }

        return ngx_min(s->lcf->stall_timeout - stalled, beat);
    }

    if (s->close_queued) {
        return beat;
    }

    if (silent >= beat * 2) {
        ngx_http_token_session_close(s, NGX_TOKEN_WS_NO_HEARTBEAT,
                                     "no heartbeat");
        return beat;
    }

    if (quiet >= beat) {
        if (s->echo) {
            ngx_http_token_out_frame(s, NGX_TOKEN_WS_PING, NULL, 0);

        } else {
            ngx_token_encode_ping(&w->text);
            ngx_http_token_out_text(s, &w->text);
        }

        quiet = 0;
    }

    next = ngx_min(beat - quiet, beat * 2 - silent);

    if (s->lcf->session_time) {
        next = ngx_min(next, s->lcf->session_time
                             - (ngx_current_msec - s->opened));
    }

    return next;
}


static void
ngx_http_token_session_destroy(ngx_http_token_session_t *s)
{
    ngx_connection_t         *c;
    ngx_http_token_worker_t  *w;

    c = s->connection;
    w = &ngx_http_token_worker;

    if (s->code == 0) {
        s->code = NGX_TOKEN_WS_ABNORMAL;
        s->reason = ngx_terminate ? "nginx is stopped" : "the peer is gone";
    }

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "token session %*s of \"%V\" ended: %ui \"%s\", %M ms, "
                  "received %O, sent %O bytes",
                  sizeof(s->id), s->id, &s->user, (ngx_uint_t) s->code,
                  s->reason, ngx_current_msec - s->opened, s->nreceived,
                  c->sent);

    ngx_http_token_wait_forget(s);
    ngx_http_token_watch_forget(s);
    ngx_http_token_out_free(s);
    ngx_token_buf_free(&s->message);

    if (s->limit.len) {
        ngx_http_token_presence_give(&s->limit);
    }

    if (s->input) {
        ngx_free(s->input);
    }

    if (s->event.posted) {
        ngx_delete_posted_event(&s->event);
    }

    if (s->event.timer_set) {
        ngx_del_timer(&s->event);
    }

    if (s->flushing) {
        ngx_queue_remove(&s->dirty);
    }

    ngx_queue_remove(&s->slot);
    ngx_queue_remove(&s->queue);
    w->nsessions--;
    ngx_http_token_stat->sessions--;
    ngx_http_token_stat_close(s->code);

    c->log->action = "closing a websocket";
    ngx_http_close_connection(c);
}
