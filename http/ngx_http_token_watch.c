
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_channel.h"
#include "http/ngx_http_token_fanout.h"
#include "http/ngx_http_token_presence.h"
#include "http/ngx_http_token_watch.h"
#include "http/ngx_http_token_worker.h"


/* what "last" may ask for: the store counts them one by one */

#define NGX_HTTP_TOKEN_MAX_TAIL  1000


static void ngx_http_token_watch_error(ngx_http_token_session_t *s,
    const char *code, const char *text, ngx_token_str_t *channel);
static ngx_http_token_watch_t *ngx_http_token_watch_find(
    ngx_http_token_session_t *s, ngx_token_str_t *name);
static ngx_http_token_watch_t *ngx_http_token_watch_of(ngx_queue_t *list,
    ngx_http_token_topic_t *topic);
static ngx_http_token_watch_t *ngx_http_token_watch_add(
    ngx_http_token_session_t *s, ngx_str_t *name,
    ngx_http_token_channel_t *channel, ngx_token_kind_e kind);
static void ngx_http_token_watch_begin(ngx_http_token_session_t *s,
    ngx_http_token_watch_t *watch, ngx_token_message_t *m,
    ngx_token_read_t *r);
static const char *ngx_http_token_watch_position(
    ngx_http_token_watch_t *watch, ngx_token_message_t *m,
    ngx_token_read_t *r);
static void ngx_http_token_watch_snapshot(ngx_http_token_watch_t *watch,
    ngx_token_read_t *r);
static void ngx_http_token_watch_remove(ngx_http_token_watch_t *watch);


static void
ngx_http_token_watch_error(ngx_http_token_session_t *s, const char *code,
    const char *text, ngx_token_str_t *channel)
{
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    ngx_token_encode_error(&w->text, code, text, NULL, channel);
    ngx_http_token_out_text(s, &w->text);
}


void
ngx_http_token_watch(ngx_http_token_session_t *s, ngx_token_message_t *m)
{
    ngx_str_t                  name;
    ngx_token_kind_e           kind;
    ngx_token_read_t          *r;
    ngx_http_token_watch_t    *watch;
    ngx_http_token_worker_t   *w;
    ngx_http_token_channel_t  *channel;

    w = &ngx_http_token_worker;

    name.len = m->channel.len;
    name.data = (u_char *) m->channel.data;

    channel = ngx_http_token_channel_allowed(s->mcf, s->lcf, &name, &kind);

    if (channel == NULL) {
        ngx_http_token_watch_error(s, "unknown_channel",
                                   "there is no such channel here",
                                   &m->channel);
        return;
    }

    if (ngx_http_token_watch_find(s, &m->channel)) {
        ngx_http_token_watch_error(s, "bad_message",
                                   "the channel is being watched",
                                   &m->channel);
        return;
    }

    if (s->nwatches >= s->lcf->max_watches) {
        ngx_http_token_watch_error(s, "too_many_watches",
                                   "the session has too many watches",
                                   &m->channel);
        return;
    }

    /* the client may come from a worker that has read on */
    ngx_http_token_fanout_round();

    if (ngx_token_read_begin(w->store, &r) != NGX_TOKEN_OK) {
        ngx_http_token_watch_error(s, "store_error",
                                   "the store cannot be read", &m->channel);
        return;
    }

    watch = ngx_http_token_watch_add(s, &name, channel, kind);

    if (watch) {
        ngx_http_token_watch_begin(s, watch, m, r);

    } else {
        ngx_http_token_session_end(s, NGX_TOKEN_WS_INTERNAL, "no memory");
    }

    ngx_token_read_end(r);

    if (watch && kind == NGX_TOKEN_KIND_PRESENCE) {
        ngx_http_token_presence_join(watch->topic, &s->user);
    }
}


void
ngx_http_token_unwatch(ngx_http_token_session_t *s, ngx_token_message_t *m)
{
    ngx_http_token_watch_t   *watch;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    watch = ngx_http_token_watch_find(s, &m->channel);

    if (watch == NULL) {
        ngx_http_token_watch_error(s, "unknown_channel",
                                   "the channel is not being watched",
                                   &m->channel);
        return;
    }

    ngx_http_token_watch_remove(watch);

    ngx_token_encode_unwatched(&w->text, &m->channel);
    ngx_http_token_out_text(s, &w->text);
}


static ngx_http_token_watch_t *
ngx_http_token_watch_find(ngx_http_token_session_t *s, ngx_token_str_t *name)
{
    ngx_str_t                str;
    ngx_queue_t             *q;
    ngx_http_token_topic_t  *topic;
    ngx_http_token_watch_t  *watch;

    str.len = name->len;
    str.data = (u_char *) name->data;

    topic = ngx_http_token_topic_find(&str);

    if (topic == NULL) {
        return NULL;
    }

    /* many watch one channel, or one watches many: the shorter list */

    if (s->nwatches < topic->nwatches) {
        watch = ngx_http_token_watch_of(&s->watches, topic);

        return watch ? watch : ngx_http_token_watch_of(&s->behind, topic);
    }

    for (q = ngx_queue_head(&topic->watches);
         q != ngx_queue_sentinel(&topic->watches);
         q = ngx_queue_next(q))
    {
        watch = ngx_queue_data(q, ngx_http_token_watch_t, queue);

        if (watch->session == s) {
            return watch;
        }
    }

    return NULL;
}


static ngx_http_token_watch_t *
ngx_http_token_watch_of(ngx_queue_t *list, ngx_http_token_topic_t *topic)
{
    ngx_queue_t             *q;
    ngx_http_token_watch_t  *watch;

    for (q = ngx_queue_head(list);
         q != ngx_queue_sentinel(list);
         q = ngx_queue_next(q))
    {
        watch = ngx_queue_data(q, ngx_http_token_watch_t, session_queue);

        if (watch->topic == topic) {
            return watch;
        }
    }

    return NULL;
}


static ngx_http_token_watch_t *
ngx_http_token_watch_add(ngx_http_token_session_t *s, ngx_str_t *name,
    ngx_http_token_channel_t *channel, ngx_token_kind_e kind)
{
    ngx_http_token_topic_t  *topic;
    ngx_http_token_watch_t  *watch;

    watch = ngx_calloc(sizeof(ngx_http_token_watch_t), ngx_cycle->log);
    if (watch == NULL) {
        return NULL;
    }

    topic = ngx_http_token_topic(name, channel, kind);
    if (topic == NULL) {
        ngx_free(watch);
        return NULL;
    }

    watch->topic = topic;
    watch->session = s;

    topic->ndeflate += s->deflate;
    ngx_queue_insert_tail(&topic->watches, &watch->queue);
    topic->nwatches++;
    ngx_queue_insert_tail(&s->watches, &watch->session_queue);
    s->nwatches++;

    ngx_http_token_watch_fall_behind(watch, 0);

    return watch;
}


/* answers a watch; what follows comes by the catch-up */

static void
ngx_http_token_watch_begin(ngx_http_token_session_t *s,
    ngx_http_token_watch_t *watch, ngx_token_message_t *m,
    ngx_token_read_t *r)
{
    const char               *reset;
    ngx_token_str_t           epoch;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    epoch.data = (u_char *) ngx_token_store_epoch(w->store);
    epoch.len = NGX_TOKEN_EPOCH_LEN;

    watch->tail = ngx_min(m->tail, NGX_HTTP_TOKEN_MAX_TAIL);
    watch->cursor = m->seq;

    reset = NULL;

    if (m->epoch.len && watch->topic->kind != NGX_TOKEN_KIND_PRESENCE) {
        reset = ngx_http_token_watch_position(watch, m, r);
    }

    if (m->epoch.len == 0 || reset) {
        ngx_http_token_watch_snapshot(watch, r);
    }

    ngx_token_encode_watching(&w->text, &m->channel, watch->topic->kind,
                              &epoch, w->head,
                              m->epoch.len && reset == NULL
                              && watch->topic->kind
                                 != NGX_TOKEN_KIND_PRESENCE,
                              reset);
    ngx_http_token_out_text(s, &w->text);
}


/* why the client's cursor cannot be used; NULL: it can */

static const char *
ngx_http_token_watch_position(ngx_http_token_watch_t *watch,
    ngx_token_message_t *m, ngx_token_read_t *r)
{
    ngx_token_str_t           name;
    ngx_token_log_t           l;
    ngx_token_feed_t          f;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    if (m->epoch.len != NGX_TOKEN_EPOCH_LEN
        || ngx_memcmp(m->epoch.data, ngx_token_store_epoch(w->store),
                      NGX_TOKEN_EPOCH_LEN)
           != 0)
    {
        return "epoch";
    }

    if (m->seq > w->head) {
        return "future";
    }

    ngx_http_token_str(&name, &watch->topic->node.str);

    switch (watch->topic->kind) {

    case NGX_TOKEN_KIND_LOG:
        ngx_token_read_log(r, &name, &l);
        return m->seq < l.trimmed ? "retention" : NULL;

    case NGX_TOKEN_KIND_FAMILY:
        return ngx_token_read_feed(r, m->seq, &f) == NGX_TOKEN_DECLINED
               ? "retention" : NULL;

    default:
        return NULL;
    }
}


static void
ngx_http_token_watch_snapshot(ngx_http_token_watch_t *watch,
    ngx_token_read_t *r)
{
    ngx_token_str_t  name;
    ngx_token_log_t  l;

    ngx_http_token_str(&name, &watch->topic->node.str);

    switch (watch->topic->kind) {

    case NGX_TOKEN_KIND_LOG:
        watch->fresh = 1;

        if (watch->tail) {
            watch->cursor = ngx_token_read_tail(r, &name, watch->tail);

        } else {
            ngx_token_read_log(r, &name, &l);
            watch->cursor = l.trimmed;
        }

        break;

    case NGX_TOKEN_KIND_FAMILY:
        watch->state = NGX_HTTP_TOKEN_WATCH_WALK;
        watch->cursor = ngx_http_token_worker.head;
        break;

    default:
        watch->fresh = 1;
        watch->cursor = 0;
        break;
    }
}


void
ngx_http_token_watch_fall_behind(ngx_http_token_watch_t *watch,
    uint64_t cursor)
{
    watch->state = NGX_HTTP_TOKEN_WATCH_BEHIND;
    watch->cursor = cursor;
    watch->owed = ngx_http_token_worker.owed;
    watch->session->nbehind++;

    ngx_queue_remove(&watch->session_queue);
    ngx_queue_insert_tail(&watch->session->behind, &watch->session_queue);

    ngx_http_token_session_dirty(watch->session);
}


ngx_int_t
ngx_http_token_watch_encode_member(ngx_token_buf_t *b, ngx_token_read_t *r,
    ngx_token_feed_t *f, ngx_token_str_t *family)
{
    ngx_token_rc_t    rc;
    ngx_token_atom_t  a;

    rc = ngx_token_read_atom(r, &f->channel, &a);

    if (rc == NGX_TOKEN_OK && a.version == f->seq) {
        ngx_token_encode_atom(b, &f->channel, family, f->seq, &a.value);
        return NGX_OK;
    }

    if (rc == NGX_TOKEN_DECLINED && f->type == NGX_TOKEN_EFFECT_DELETE) {
        ngx_token_encode_atom(b, &f->channel, family, f->seq, NULL);
        return NGX_OK;
    }

    return NGX_DECLINED;
}


uint64_t
ngx_http_token_watch_reached(ngx_http_token_session_t *s)
{
    uint64_t                 reached;
    ngx_queue_t             *q;
    ngx_http_token_watch_t  *watch;

    if (ngx_http_token_worker.owed) {
        return 0;
    }

    reached = ngx_http_token_worker.head;

    for (q = ngx_queue_head(&s->behind);
         q != ngx_queue_sentinel(&s->behind);
         q = ngx_queue_next(q))
    {
        watch = ngx_queue_data(q, ngx_http_token_watch_t, session_queue);

        if (watch->state == NGX_HTTP_TOKEN_WATCH_WALK
            || watch->cursor < watch->owed)
        {
            return 0;
        }

        reached = ngx_min(reached, watch->cursor);
    }

    return reached;
}


static void
ngx_http_token_watch_remove(ngx_http_token_watch_t *watch)
{
    ngx_http_token_session_t  *s;

    /* the analyzer does not follow queues
       NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    s = watch->session;

    if (watch->state != NGX_HTTP_TOKEN_WATCH_LIVE) {
        s->nbehind--;
    }

    s->nwatches--;

    watch->topic->ndeflate -= s->deflate;
    watch->topic->nwatches--;
    ngx_queue_remove(&watch->queue);
    ngx_queue_remove(&watch->session_queue);

    if (watch->topic->kind == NGX_TOKEN_KIND_PRESENCE) {
        ngx_http_token_presence_leave(watch->topic, &s->user);
    }

    ngx_http_token_topic_release(watch->topic);

    if (watch->after.data) {
        ngx_free(watch->after.data);
    }

    ngx_free(watch);
}


void
ngx_http_token_watch_forget(ngx_http_token_session_t *s)
{
    ngx_queue_t  *q;

    while (s->nwatches) {
        q = ngx_queue_head(ngx_queue_empty(&s->watches) ? &s->behind
                                                        : &s->watches);

        ngx_http_token_watch_remove(ngx_queue_data(q, ngx_http_token_watch_t,
                                                   session_queue));
    }
}
