
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_channel.h"
#include "http/ngx_http_token_committer.h"
#include "http/ngx_http_token_fanout.h"
#include "http/ngx_http_token_presence.h"
#include "http/ngx_http_token_run.h"
#include "http/ngx_http_token_stat.h"
#include "http/ngx_http_token_worker.h"


#define NGX_HTTP_TOKEN_ROUND_CHANGES  1024   /* in one delivery */
#define NGX_HTTP_TOKEN_ROUND_BYTES    262144
#define NGX_HTTP_TOKEN_ROUND_BLOB     512    /* bytes, at first */


static void ngx_http_token_topic_init(void);
static ngx_uint_t ngx_http_token_fanout_wait(ngx_http_token_worker_t *w);
static void ngx_http_token_fanout_release(ngx_http_token_worker_t *w);
static ngx_int_t ngx_http_token_fanout_piece(ngx_http_token_worker_t *w);
static ngx_int_t ngx_http_token_fanout_collect(ngx_http_token_worker_t *w,
    ngx_token_read_t *r, uint64_t *head);
static void ngx_http_token_fanout_change(ngx_http_token_worker_t *w,
    ngx_token_read_t *r, ngx_token_feed_t *f);
static void ngx_http_token_fanout_log(ngx_http_token_worker_t *w,
    ngx_token_read_t *r, ngx_token_feed_t *f);
static void ngx_http_token_fanout_families(ngx_http_token_worker_t *w,
    ngx_token_read_t *r, ngx_token_feed_t *f);
static void ngx_http_token_fanout_add(ngx_http_token_worker_t *w,
    ngx_http_token_topic_t *topic);
static void ngx_http_token_fanout_resync(ngx_http_token_topic_t *topic);


static ngx_rbtree_t       ngx_http_token_topics;
static ngx_rbtree_node_t  ngx_http_token_topics_sentinel;
static ngx_queue_t        ngx_http_token_touched;
static size_t             ngx_http_token_round_bytes;
static ngx_uint_t         ngx_http_token_topics_ready;


static void
ngx_http_token_topic_init(void)
{
    if (ngx_http_token_topics_ready) {
        return;
    }

    ngx_rbtree_init(&ngx_http_token_topics, &ngx_http_token_topics_sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&ngx_http_token_touched);

    ngx_http_token_topics_ready = 1;
}


ngx_http_token_topic_t *
ngx_http_token_topic_find(ngx_str_t *name)
{
    ngx_str_node_t  *node;

    ngx_http_token_topic_init();

    node = ngx_str_rbtree_lookup(&ngx_http_token_topics, name,
                                 ngx_crc32_short(name->data, name->len));

    return (ngx_http_token_topic_t *) node;
}


ngx_http_token_topic_t *
ngx_http_token_topic(ngx_str_t *name, ngx_http_token_channel_t *channel,
    ngx_token_kind_e kind)
{
    ngx_http_token_topic_t  *topic;

    topic = ngx_http_token_topic_find(name);
    if (topic) {
        return topic;
    }

    topic = ngx_calloc(sizeof(ngx_http_token_topic_t) + name->len,
                       ngx_cycle->log);
    if (topic == NULL) {
        return NULL;
    }

    topic->node.str.data = (u_char *) topic + sizeof(ngx_http_token_topic_t);
    topic->node.str.len = name->len;
    ngx_memcpy(topic->node.str.data, name->data, name->len);
    topic->node.node.key = ngx_crc32_short(name->data, name->len);

    topic->channel = channel;
    topic->kind = kind;
    ngx_queue_init(&topic->watches);

    ngx_rbtree_insert(&ngx_http_token_topics, &topic->node.node);

    return topic;
}


void
ngx_http_token_topic_release(ngx_http_token_topic_t *topic)
{
    if (!ngx_queue_empty(&topic->watches)) {
        return;
    }

    ngx_rbtree_delete(&ngx_http_token_topics, &topic->node.node);
    ngx_http_token_frames_free(&topic->state);
    ngx_free(topic);
}


void
ngx_http_token_topic_each(ngx_token_kind_e kind,
    void (*fn)(ngx_http_token_topic_t *topic))
{
    ngx_rbtree_node_t       *node, *sentinel;
    ngx_http_token_topic_t  *topic;

    ngx_http_token_topic_init();

    sentinel = ngx_http_token_topics.sentinel;

    if (ngx_http_token_topics.root == sentinel) {
        return;
    }

    for (node = ngx_rbtree_min(ngx_http_token_topics.root, sentinel);
         node;
         node = ngx_rbtree_next(&ngx_http_token_topics, node))
    {
        topic = (ngx_http_token_topic_t *) node;

        if (topic->kind == kind) {
            fn(topic);
        }
    }
}


void
ngx_http_token_fanout_poll(void)
{
    uint64_t                  txnid;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    if (w->store == NULL || ngx_http_token_fanout_wait(w)) {
        return;
    }

    /*
     * NGX_TOKEN_BREAK is never 4 but to show that t/faults notices: neither
     * the doorbell nor the slow poll, which both come here, makes a worker
     * look.
     */

#if !(NGX_TOKEN_BREAK == 4)
    ngx_http_token_fanout_round();
#endif

    ngx_http_token_committer_poll();

    txnid = ngx_token_live_txnid(w->live);

    if (txnid != w->live_txnid) {
        w->live_txnid = txnid;
        ngx_http_token_presence_changed();
        ngx_http_token_run_poll();
    }
}


/*
 * Whether it is better to look when more has been committed.  The bell is heard
 * then; should a committer be killed meanwhile, the slow poll looks.
 */

static ngx_uint_t
ngx_http_token_fanout_wait(ngx_http_token_worker_t *w)
{
    uint64_t  took;
    unsigned  pending;

    if (w->commits == NULL || w->round.took == 0) {
        return 0;
    }

    pending = ngx_token_queue_pending(w->commits, &took);

    if (!ngx_token_round_wait(&w->round, ngx_http_token_clock(), pending,
                              took))
    {
        return 0;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, ngx_cycle->log, 0,
                   "token round waits for a commit of about %uLns", took);

    return 1;
}


void
ngx_http_token_fanout_round(void)
{
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    if (w->store == NULL) {
        return;
    }

    ngx_http_token_topic_init();

    while (ngx_http_token_fanout_piece(w) == NGX_AGAIN) { /* void */ }

    if (w->held) {
        w->held = 0;
        ngx_http_token_fanout_release(w);
    }
}


/* outcomes that waited for a feed that could not be read */

static void
ngx_http_token_fanout_release(ngx_http_token_worker_t *w)
{
    ngx_queue_t               *q;
    ngx_http_token_session_t  *s;

    for (q = ngx_queue_head(&w->sessions);
         q != ngx_queue_sentinel(&w->sessions);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_token_session_t, queue);

        if (s->ndone) {
            ngx_http_token_session_dirty(s);
        }
    }
}


/*
 * One piece of the feed: read, encode, deliver; NGX_AGAIN: there is more, and
 * perhaps what stands for changes that this piece has left out.
 */

static ngx_int_t
ngx_http_token_fanout_piece(ngx_http_token_worker_t *w)
{
    uint64_t                 head, owed, txnid;
    ngx_int_t                rc;
    ngx_queue_t             *q;
    ngx_token_read_t        *r;
    ngx_http_token_topic_t  *topic;

    if (ngx_token_read_begin(w->store, &r) != NGX_TOKEN_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "the token store cannot be read: %s",
                      ngx_token_store_error());

        /* the next poll tries again */
        return NGX_ERROR;
    }

    txnid = ngx_token_read_txnid(r);

    if (txnid == w->txnid) {
        /* nothing was written since the last look */
        ngx_token_read_end(r);
        return NGX_OK;
    }

    rc = ngx_http_token_fanout_collect(w, r, &head);
    owed = (rc == NGX_OK) ? 0 : ngx_token_read_head(r);

    ngx_token_read_end(r);

    if (rc == NGX_OK) {
        w->txnid = txnid;
    }

    while (!ngx_queue_empty(&ngx_http_token_touched)) {
        q = ngx_queue_head(&ngx_http_token_touched);
        topic = ngx_queue_data(q, ngx_http_token_topic_t, touched);

        ngx_queue_remove(q);
        ngx_http_token_fanout_deliver(topic, &topic->round);
        ngx_http_token_frames_free(&topic->round);
    }

    w->head = head;
    w->owed = owed;

    return rc;
}


static ngx_int_t
ngx_http_token_fanout_collect(ngx_http_token_worker_t *w, ngx_token_read_t *r,
    uint64_t *head)
{
    ngx_uint_t        n;
    ngx_token_rc_t    rc;
    ngx_token_feed_t  f;

    *head = w->head;
    ngx_http_token_round_bytes = 0;

    for (n = 0;
         n < NGX_HTTP_TOKEN_ROUND_CHANGES
         && ngx_http_token_round_bytes < NGX_HTTP_TOKEN_ROUND_BYTES;
         n++)
    {

        rc = ngx_token_read_feed(r, *head, &f);

        if (rc == NGX_TOKEN_DONE) {
            return NGX_OK;
        }

        if (rc == NGX_TOKEN_DECLINED) {
            /*
             * This worker has slept longer than the feed remembers: every
             * watch goes on from its own cursor.
             */
            ngx_http_token_topic_each(NGX_TOKEN_KIND_ATOM,
                                      ngx_http_token_fanout_resync);
            ngx_http_token_topic_each(NGX_TOKEN_KIND_FAMILY,
                                      ngx_http_token_fanout_resync);
            ngx_http_token_topic_each(NGX_TOKEN_KIND_LOG,
                                      ngx_http_token_fanout_resync);
            *head = ngx_token_read_head(r);
            return NGX_OK;
        }

        if (rc != NGX_TOKEN_OK) {
            return NGX_ERROR;
        }

        *head = f.seq;

#if (NGX_TOKEN_BREAK == 3)
        /* never built but to show that t/faults notices */
        if (f.seq % 50 == 0) {
            continue;
        }
#endif

        ngx_http_token_fanout_change(w, r, &f);
    }

    return NGX_AGAIN;
}


static void
ngx_http_token_fanout_change(ngx_http_token_worker_t *w, ngx_token_read_t *r,
    ngx_token_feed_t *f)
{
    ngx_str_t                name;
    ngx_token_rc_t           rc;
    ngx_token_str_t          initial;
    ngx_token_atom_t         a;
    ngx_http_token_topic_t  *topic;

    if (f->type == NGX_TOKEN_EFFECT_APPEND) {
        ngx_http_token_fanout_log(w, r, f);
        return;
    }

    name.len = f->channel.len;
    name.data = (u_char *) f->channel.data;

    topic = ngx_http_token_topic_find(&name);

    if (topic && topic->kind == NGX_TOKEN_KIND_ATOM) {
        rc = ngx_token_read_atom(r, &f->channel, &a);

        if (rc == NGX_TOKEN_OK && a.version == f->seq) {
            ngx_token_encode_atom(&w->text, &f->channel, NULL, f->seq,
                                  &a.value);
            ngx_http_token_fanout_add(w, topic);

        } else if (rc == NGX_TOKEN_DECLINED
                   && f->type == NGX_TOKEN_EFFECT_DELETE)
        {
            ngx_http_token_str(&initial, &topic->channel->initial);
            ngx_token_encode_atom(&w->text, &f->channel, NULL, f->seq,
                                  &initial);
            ngx_http_token_fanout_add(w, topic);
        }
    }

    ngx_http_token_fanout_families(w, r, f);
}


static void
ngx_http_token_fanout_log(ngx_http_token_worker_t *w, ngx_token_read_t *r,
    ngx_token_feed_t *f)
{
    ngx_str_t                name;
    ngx_token_record_t       rec;
    ngx_http_token_topic_t  *topic;

    name.len = f->channel.len;
    name.data = (u_char *) f->channel.data;

    topic = ngx_http_token_topic_find(&name);

    if (topic == NULL || topic->kind != NGX_TOKEN_KIND_LOG) {
        return;
    }

    if (ngx_token_read_record(r, &f->channel, f->seq - 1, &rec)
        != NGX_TOKEN_OK
        || rec.seq != f->seq)
    {
        /* retention was faster: each watch finds out, and is told */
        ngx_http_token_fanout_resync(topic);
        return;
    }

    ngx_token_encode_record(&w->text, &f->channel, &rec);
    ngx_http_token_fanout_add(w, topic);
}


static void
ngx_http_token_fanout_families(ngx_http_token_worker_t *w,
    ngx_token_read_t *r, ngx_token_feed_t *f)
{
    ngx_str_t                   name;
    ngx_uint_t                  i;
    ngx_token_str_t             family;
    ngx_http_token_topic_t     *topic;
    ngx_http_token_channel_t  **chp;

    name.len = f->channel.len;
    name.data = (u_char *) f->channel.data;

    chp = w->mcf->channels.elts;

    for (i = 0; i < w->mcf->channels.nelts; i++) {

        if (!ngx_http_token_channel_member(chp[i], &name)) {
            continue;
        }

        topic = ngx_http_token_topic_find(&chp[i]->name);
        if (topic == NULL) {
            continue;
        }

        ngx_http_token_str(&family, &chp[i]->name);

        if (ngx_http_token_watch_encode_member(&w->text, r, f, &family)
            == NGX_OK)
        {
            ngx_http_token_fanout_add(w, topic);
        }
    }
}


/* puts the message in the worker's buffer into the topic's frames */

static void
ngx_http_token_fanout_add(ngx_http_token_worker_t *w,
    ngx_http_token_topic_t *topic)
{
    ngx_uint_t  first;

    ngx_http_token_round_bytes += w->text.len;
    ngx_http_token_stat->changes++;

    first = (topic->round.plain == NULL);

    if (ngx_http_token_frames_add(&topic->round, &w->text, topic->ndeflate)
        != NGX_OK)
    {
        /* no memory for the shared frames: each watch reads for itself */
        ngx_http_token_fanout_resync(topic);
    }

    if (first && topic->round.plain) {
        ngx_queue_insert_tail(&ngx_http_token_touched, &topic->touched);
    }

    ngx_token_buf_reset(&w->text);
}


ngx_int_t
ngx_http_token_frames_add(ngx_http_token_frames_t *frames,
    ngx_token_buf_t *text, ngx_uint_t deflate)
{
    ngx_http_token_blob_t  *blob;

    if (text->failed) {
        return NGX_ERROR;
    }

    if (frames->plain == NULL) {
        frames->plain = ngx_http_token_blob(NGX_HTTP_TOKEN_ROUND_BLOB);
    }

    if (frames->deflated == NULL && deflate) {
        frames->deflated = ngx_http_token_blob(NGX_HTTP_TOKEN_ROUND_BLOB);
    }

    if (frames->plain == NULL || (deflate && frames->deflated == NULL)) {
        return NGX_ERROR;
    }

    blob = ngx_http_token_blob_frame(frames->plain, NGX_TOKEN_WS_TEXT,
                                     text->data, text->len);
    if (blob == NULL) {
        return NGX_ERROR;
    }

    frames->plain = blob;
    frames->n++;

    if (!deflate) {
        return NGX_OK;
    }

    blob = ngx_http_token_blob_deflated(frames->deflated, NGX_TOKEN_WS_TEXT,
                                        text->data, text->len);
    if (blob == NULL) {
        return NGX_ERROR;
    }

    frames->deflated = blob;

    return NGX_OK;
}


void
ngx_http_token_frames_free(ngx_http_token_frames_t *frames)
{
    ngx_http_token_blob_unref(frames->plain);
    ngx_http_token_blob_unref(frames->deflated);

    frames->plain = NULL;
    frames->deflated = NULL;
    frames->n = 0;
}


ngx_http_token_blob_t *
ngx_http_token_frames_of(ngx_http_token_frames_t *frames,
    ngx_http_token_session_t *s)
{
    return s->deflate && frames->deflated ? frames->deflated
                                                 : frames->plain;
}


void
ngx_http_token_fanout_deliver(ngx_http_token_topic_t *topic,
    ngx_http_token_frames_t *frames)
{
    uint64_t                   head, began, given;
    ngx_queue_t               *q;
    ngx_http_token_watch_t    *watch;
    ngx_http_token_worker_t   *w;
    ngx_http_token_session_t  *s;

    w = &ngx_http_token_worker;

    head = w->head;
    began = ngx_http_token_clock();
    given = 0;

    for (q = ngx_queue_head(&topic->watches);
         q != ngx_queue_sentinel(&topic->watches);
         q = ngx_queue_next(q))
    {
        watch = ngx_queue_data(q, ngx_http_token_watch_t, queue);

        if (watch->state != NGX_HTTP_TOKEN_WATCH_LIVE) {
            continue;
        }

        s = watch->session;

        if (s->blocked || s->queued > NGX_HTTP_TOKEN_MAX_QUEUED) {
            ngx_http_token_watch_fall_behind(watch, head);
            continue;
        }

        ngx_http_token_out_blob(s, ngx_http_token_frames_of(frames, s));
        given++;
    }

    ngx_http_token_stat->deliveries += given * frames->n;

    if (w->flush.posted) {
        ngx_token_round_begin(&w->round, began);
    }
}


static void
ngx_http_token_fanout_resync(ngx_http_token_topic_t *topic)
{
    ngx_queue_t             *q;
    ngx_http_token_watch_t  *watch;

    for (q = ngx_queue_head(&topic->watches);
         q != ngx_queue_sentinel(&topic->watches);
         q = ngx_queue_next(q))
    {
        watch = ngx_queue_data(q, ngx_http_token_watch_t, queue);

        if (watch->state == NGX_HTTP_TOKEN_WATCH_LIVE) {
            ngx_http_token_watch_fall_behind(watch,
                                             ngx_http_token_worker.head);
        }
    }
}
