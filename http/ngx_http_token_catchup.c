
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_fanout.h"
#include "http/ngx_http_token_watch.h"
#include "http/ngx_http_token_worker.h"


/*
 * Watches that are behind read what follows their cursor, in pieces: a read
 * transaction never outlives a turn of the event loop.
 */


#define NGX_HTTP_TOKEN_PIECE  65536       /* bytes queued in one go */
#define NGX_HTTP_TOKEN_TRIES  100         /* to get a snapshot at the head */
#define NGX_HTTP_TOKEN_AGAIN  10          /* ms, when no snapshot can be had */
#define NGX_HTTP_TOKEN_STEPS  4096        /* rows looked at in one go */


typedef struct {
    ngx_token_read_t        *r;
    ngx_http_token_blob_t   *blob;
    ngx_uint_t               steps;
    unsigned                 deflate:1;
    unsigned                 failed:1;
} ngx_http_token_piece_t;


static ngx_token_rc_t ngx_http_token_catchup_begin(
    ngx_http_token_piece_t *p);
static ngx_int_t ngx_http_token_catchup_watch(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p);
static ngx_int_t ngx_http_token_catchup_atom(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p);
static ngx_int_t ngx_http_token_catchup_deleted(
    ngx_http_token_watch_t *watch, ngx_http_token_piece_t *p);
static ngx_int_t ngx_http_token_catchup_log(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p);
static ngx_int_t ngx_http_token_catchup_family(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p);
static ngx_int_t ngx_http_token_catchup_walk(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p);
static ngx_int_t ngx_http_token_catchup_position(
    ngx_http_token_watch_t *watch, ngx_token_str_t *name);
static void ngx_http_token_catchup_reset(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p);
static void ngx_http_token_catchup_synced(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p);
static void ngx_http_token_catchup_add(ngx_http_token_piece_t *p);
static ngx_uint_t ngx_http_token_catchup_full(ngx_http_token_piece_t *p);


ngx_int_t
ngx_http_token_watch_catch_up(ngx_http_token_session_t *s)
{
    ngx_uint_t                n;
    ngx_queue_t              *q;
    ngx_token_rc_t            rc;
    ngx_http_token_piece_t    p;
    ngx_http_token_watch_t   *watch;

    ngx_memzero(&p, sizeof(ngx_http_token_piece_t));

    p.blob = ngx_http_token_blob(1024);
    p.deflate = s->deflate;

    rc = p.blob ? ngx_http_token_catchup_begin(&p) : NGX_TOKEN_NOMEM;

    if (rc != NGX_TOKEN_OK) {
        ngx_http_token_blob_unref(p.blob);

        if (rc != NGX_TOKEN_BUSY) {
            ngx_http_token_session_close(s, NGX_TOKEN_WS_INTERNAL,
                                         "the store cannot be read");

        } else if (!s->event.timer_set) {
            ngx_add_timer(&s->event, NGX_HTTP_TOKEN_AGAIN);
        }

        return NGX_DONE;
    }

    ngx_http_token_worker.pieces++;

    for (n = s->nbehind; n && s->nbehind; n--) {

        if (ngx_http_token_catchup_full(&p)) {
            break;
        }

        /* each in turn, so that a long one does not hold up the others */

        q = ngx_queue_head(&s->behind);
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&s->behind, q);

        watch = ngx_queue_data(q, ngx_http_token_watch_t, session_queue);

        if (ngx_http_token_catchup_watch(watch, &p) == NGX_OK) {
            watch->state = NGX_HTTP_TOKEN_WATCH_LIVE;
            s->nbehind--;

            ngx_queue_remove(q);
            ngx_queue_insert_tail(&s->watches, q);
        }
    }

    if (p.blob->len) {
        ngx_http_token_out_blob(s, p.blob);
    }

    ngx_http_token_blob_unref(p.blob);

    if (p.failed) {
        ngx_http_token_session_end(s, NGX_TOKEN_WS_INTERNAL, "no memory");
        return NGX_DONE;
    }

    return NGX_OK;
}


/*
 * A snapshot that is where the worker's head is: what is newer would have to be
 * left out, and what it has replaced is not there any more; so a watch that
 * became live would be behind its outcomes (G3).
 *
 * All sessions that catch up in a turn have the same one.  With one for each,
 * in a store that others write, each would have what is new fanned out before
 * it, to all who watch.
 */

static ngx_token_rc_t
ngx_http_token_catchup_begin(ngx_http_token_piece_t *p)
{
    ngx_uint_t                i;
    ngx_token_rc_t            rc;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    if (w->snapshot) {

        if (ngx_token_read_head(w->snapshot) == w->head) {
            p->r = w->snapshot;
            return NGX_TOKEN_OK;
        }

        ngx_http_token_watch_caught_up();
    }

    for (i = 0; i < NGX_HTTP_TOKEN_TRIES; i++) {

        rc = ngx_token_read_begin(w->store, &p->r);

        if (rc != NGX_TOKEN_OK) {
            return rc;
        }

        if (ngx_token_read_head(p->r) == w->head) {
            w->snapshot = p->r;

            ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ngx_cycle->log, 0,
                           "token catch-up begins a snapshot");
            return NGX_TOKEN_OK;
        }

        ngx_token_read_end(p->r);
        ngx_http_token_fanout_round();
    }

    return NGX_TOKEN_BUSY;
}


void
ngx_http_token_watch_caught_up(void)
{
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    if (w->snapshot) {
        ngx_token_read_end(w->snapshot);
        w->snapshot = NULL;
    }
}


/* NGX_OK: the watch is live; NGX_AGAIN: there is more */

static ngx_int_t
ngx_http_token_catchup_watch(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p)
{
    ngx_http_token_topic_t  *topic;

    topic = watch->topic;

    switch (topic->kind) {

    case NGX_TOKEN_KIND_ATOM:
        return ngx_http_token_catchup_atom(watch, p);

    case NGX_TOKEN_KIND_LOG:
        return ngx_http_token_catchup_log(watch, p);

    case NGX_TOKEN_KIND_FAMILY:

        if (watch->state == NGX_HTTP_TOKEN_WATCH_WALK) {
            return ngx_http_token_catchup_walk(watch, p);
        }

        return ngx_http_token_catchup_family(watch, p);

    default: /* NGX_TOKEN_KIND_PRESENCE */

        if (topic->state.plain) {
            ngx_http_token_out_blob(watch->session,
                                    ngx_http_token_frames_of(&topic->state,
                                                             watch->session));
        }

        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_token_catchup_atom(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p)
{
    uint64_t                  head;
    ngx_token_str_t           name, initial;
    ngx_token_atom_t          a;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;
    head = w->head;

    ngx_http_token_str(&name, &watch->topic->node.str);

    if (ngx_token_read_atom(p->r, &name, &a) == NGX_TOKEN_OK) {

        /* what is newer than the head comes with the next round */

        if (a.version <= head
            && (watch->fresh || a.version > watch->cursor))
        {
            ngx_token_encode_atom(&w->text, &name, NULL, a.version,
                                  &a.value);
            ngx_http_token_catchup_add(p);
        }

    } else if (watch->fresh) {
        ngx_http_token_str(&initial, &watch->topic->channel->initial);
        ngx_token_encode_atom(&w->text, &name, NULL, 0, &initial);
        ngx_http_token_catchup_add(p);

    } else if (watch->cursor
               && watch->topic->channel->kind == NGX_TOKEN_KIND_FAMILY)
    {
        /* only members are ever deleted */
        return ngx_http_token_catchup_deleted(watch, p);
    }

    watch->fresh = 0;

    return NGX_OK;
}


/* an atom that is not there: whether it was deleted after the cursor */

static ngx_int_t
ngx_http_token_catchup_deleted(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p)
{
    uint64_t                  seq;
    ngx_token_rc_t            rc;
    ngx_token_str_t           name, initial;
    ngx_token_feed_t          f;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    ngx_http_token_str(&name, &watch->topic->node.str);

    while (!ngx_http_token_catchup_full(p)) {

        rc = ngx_token_read_feed(p->r, watch->cursor, &f);

        if (rc == NGX_TOKEN_DECLINED) {
            /* nobody knows any more: its state is said again */
            seq = w->head;

        } else if (rc != NGX_TOKEN_OK || f.seq > w->head) {
            return NGX_OK;

        } else if (f.channel.len == name.len
                   && ngx_memcmp(f.channel.data, name.data, name.len) == 0)
        {
            seq = f.seq;

        } else {
            watch->cursor = f.seq;
            continue;
        }

        ngx_http_token_str(&initial, &watch->topic->channel->initial);
        ngx_token_encode_atom(&w->text, &name, NULL, seq, &initial);
        ngx_http_token_catchup_add(p);

        if (rc == NGX_TOKEN_DECLINED) {
            return NGX_OK;
        }

        watch->cursor = f.seq;
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_token_catchup_log(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p)
{
    ngx_token_log_t           l;
    ngx_token_str_t           name;
    ngx_token_record_t        rec;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    ngx_http_token_str(&name, &watch->topic->node.str);
    ngx_token_read_log(p->r, &name, &l);

    if (watch->cursor < l.trimmed) {
        ngx_http_token_catchup_reset(watch, p);

        watch->cursor = watch->tail
                        ? ngx_token_read_tail(p->r, &name, watch->tail)
                        : l.trimmed;
    }

    while (!ngx_http_token_catchup_full(p)) {

        if (ngx_token_read_record(p->r, &name, watch->cursor, &rec)
            != NGX_TOKEN_OK
            || rec.seq > w->head)
        {
            ngx_http_token_catchup_synced(watch, p);
            return NGX_OK;
        }

        ngx_token_encode_record(&w->text, &name, &rec);
        ngx_http_token_catchup_add(p);

        watch->cursor = rec.seq;
    }

    return NGX_AGAIN;
}


/* the changes of a family since the cursor, by the feed */

static ngx_int_t
ngx_http_token_catchup_family(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p)
{
    size_t                    len;
    ngx_token_rc_t            rc;
    ngx_token_str_t           family;
    ngx_token_feed_t          f;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    ngx_http_token_str(&family, &watch->topic->node.str);
    len = family.len - 1;

    while (!ngx_http_token_catchup_full(p)) {

        rc = ngx_token_read_feed(p->r, watch->cursor, &f);

        if (rc == NGX_TOKEN_DECLINED) {
            ngx_http_token_catchup_reset(watch, p);
            watch->state = NGX_HTTP_TOKEN_WATCH_WALK;
            watch->cursor = w->head;
            return NGX_AGAIN;
        }

        if (rc != NGX_TOKEN_OK || f.seq > w->head) {
            return NGX_OK;
        }

        if (f.type != NGX_TOKEN_EFFECT_APPEND
            && f.channel.len > len
            && ngx_memcmp(f.channel.data, family.data, len) == 0)
        {
            if (ngx_http_token_watch_encode_member(&w->text, p->r, &f,
                                                   &family)
                == NGX_OK)
            {
                ngx_http_token_catchup_add(p);

            } else {
                watch->owed = w->head;
            }
        }

        watch->cursor = f.seq;
    }

    return NGX_AGAIN;
}


/* all members of a family in byte order, and then what changed meanwhile */

static ngx_int_t
ngx_http_token_catchup_walk(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p)
{
    ngx_token_str_t           family, prefix, after;
    ngx_token_atom_t          a;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    ngx_http_token_str(&family, &watch->topic->node.str);
    prefix.data = family.data;
    prefix.len = family.len - 1;

    while (!ngx_http_token_catchup_full(p)) {

        ngx_http_token_str(&after, &watch->after);

        if (ngx_token_read_family(p->r, &prefix, &after, &a)
            != NGX_TOKEN_OK)
        {
            watch->state = NGX_HTTP_TOKEN_WATCH_BEHIND;
            watch->after.len = 0;

            ngx_token_encode_synced(&w->text, &family, watch->cursor);
            ngx_http_token_catchup_add(p);

            return ngx_http_token_catchup_family(watch, p);
        }

        ngx_token_encode_atom(&w->text, &a.name, &family, a.version,
                              &a.value);
        ngx_http_token_catchup_add(p);

        if (ngx_http_token_catchup_position(watch, &a.name) != NGX_OK) {
            p->failed = 1;
            return NGX_AGAIN;
        }
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_token_catchup_position(ngx_http_token_watch_t *watch,
    ngx_token_str_t *name)
{
    if (watch->after.data == NULL) {
        watch->after.data = ngx_alloc(NGX_TOKEN_MAX_CHANNEL, ngx_cycle->log);
        if (watch->after.data == NULL) {
            return NGX_ERROR;
        }
    }

    watch->after.len = ngx_min(name->len, NGX_TOKEN_MAX_CHANNEL);
    ngx_memcpy(watch->after.data, name->data, watch->after.len);

    return NGX_OK;
}


/* what follows the cursor is gone: the client is told (G4) */

static void
ngx_http_token_catchup_reset(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p)
{
    ngx_token_str_t           name, epoch;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    ngx_http_token_str(&name, &watch->topic->node.str);
    epoch.data = (u_char *) ngx_token_store_epoch(w->store);
    epoch.len = NGX_TOKEN_EPOCH_LEN;

    ngx_token_encode_watching(&w->text, &name, watch->topic->kind, &epoch,
                              w->head, 0, "retention");
    ngx_http_token_catchup_add(p);

    watch->fresh = 1;
}


/* the end of a log's snapshot: the client has all of it */

static void
ngx_http_token_catchup_synced(ngx_http_token_watch_t *watch,
    ngx_http_token_piece_t *p)
{
    ngx_token_str_t           name;
    ngx_http_token_worker_t  *w;

    if (!watch->fresh) {
        return;
    }

    w = &ngx_http_token_worker;
    watch->fresh = 0;

    ngx_http_token_str(&name, &watch->topic->node.str);
    ngx_token_encode_synced(&w->text, &name, w->head);
    ngx_http_token_catchup_add(p);
}


static void
ngx_http_token_catchup_add(ngx_http_token_piece_t *p)
{
    ngx_token_buf_t        *b;
    ngx_http_token_blob_t  *blob;

    b = &ngx_http_token_worker.text;

    if (b->failed) {
        blob = NULL;

    } else if (p->deflate) {
        blob = ngx_http_token_blob_deflated(p->blob, NGX_TOKEN_WS_TEXT,
                                            b->data, b->len);

    } else {
        blob = ngx_http_token_blob_frame(p->blob, NGX_TOKEN_WS_TEXT, b->data,
                                         b->len);
    }

    if (blob) {
        p->blob = blob;

    } else {
        p->failed = 1;
    }

    p->steps++;
    ngx_token_buf_reset(b);
}


static ngx_uint_t
ngx_http_token_catchup_full(ngx_http_token_piece_t *p)
{
    return p->failed
           || p->blob->len >= NGX_HTTP_TOKEN_PIECE
           || p->steps++ >= NGX_HTTP_TOKEN_STEPS;
}
