
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_doorbell.h"
#include "http/ngx_http_token_presence.h"
#include "http/ngx_http_token_task.h"
#include "http/ngx_http_token_worker.h"


#define NGX_HTTP_TOKEN_PRESENCE_PACE  100 /* ms */


/* the sessions of one user in one channel, in this worker */

typedef struct {
    ngx_str_node_t              node;     /* channel, a null, user */
    ngx_queue_t                 queue;    /* of those to be written */
    ngx_queue_t                 lingering;
    ngx_str_t                   channel;
    ngx_str_t                   user;
    ngx_uint_t                  tabs;
    ngx_msec_t                  until;    /* ngx_current_msec: the grace */
    unsigned                    dirty:1;
    unsigned                    writing:1;
    unsigned                    linger:1;
} ngx_http_token_present_t;


/* what the writing task owns while it is in the pool */

typedef struct {
    ngx_http_token_task_t       task;
    ngx_token_live_t           *live;
    ngx_token_live_row_t       *rows;     /* and the bytes they point to */
    ngx_uint_t                  n;
    ngx_uint_t                  sweep;
    ngx_token_rc_t              rc;
} ngx_http_token_presence_write_t;


static void ngx_http_token_presence_init(void);
static ngx_http_token_present_t *ngx_http_token_presence_get(
    ngx_str_t *channel, ngx_str_t *user);
static void ngx_http_token_presence_mark(ngx_http_token_present_t *p);
static void ngx_http_token_presence_write(ngx_event_t *ev);
static ngx_int_t ngx_http_token_presence_rows(
    ngx_http_token_presence_write_t *t);
static void ngx_http_token_presence_work(void *data);
static void ngx_http_token_presence_done(void *data);
static void ngx_http_token_presence_written(ngx_uint_t ok);
static void ngx_http_token_presence_drop(ngx_http_token_present_t *p);
static void ngx_http_token_presence_paced(ngx_event_t *ev);
static void ngx_http_token_presence_refresh(ngx_http_token_topic_t *topic);


/* no channel that can be configured has this name */
static ngx_str_t          ngx_http_token_presence_limit =
    ngx_string("\001limit");

static ngx_rbtree_t       ngx_http_token_present;
static ngx_rbtree_node_t  ngx_http_token_present_sentinel;
static ngx_queue_t        ngx_http_token_present_dirty;
static ngx_queue_t        ngx_http_token_present_writing;
static ngx_queue_t        ngx_http_token_present_lingering;
static ngx_event_t        ngx_http_token_presence_event;
static ngx_uint_t         ngx_http_token_presence_busy;
static ngx_event_t        ngx_http_token_presence_later;
static ngx_msec_t         ngx_http_token_presence_refreshed;

static ngx_http_token_presence_write_t  ngx_http_token_presence_task;


static void
ngx_http_token_presence_init(void)
{
    ngx_event_t  *ev;

    ev = &ngx_http_token_presence_event;

    if (ev->handler) {
        return;
    }

    ngx_rbtree_init(&ngx_http_token_present, &ngx_http_token_present_sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&ngx_http_token_present_dirty);
    ngx_queue_init(&ngx_http_token_present_writing);
    ngx_queue_init(&ngx_http_token_present_lingering);

    ev->handler = ngx_http_token_presence_write;
    ev->log = ngx_cycle->log;
}


ngx_int_t
ngx_http_token_presence_take(ngx_str_t *key, ngx_uint_t max)
{
    uint64_t                   others;
    ngx_token_str_t            channel, user;
    ngx_http_token_present_t  *p;

    p = ngx_http_token_presence_get(&ngx_http_token_presence_limit, key);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_http_token_str(&channel, &ngx_http_token_presence_limit);
    ngx_http_token_str(&user, key);

    if (p->tabs < max
        && ngx_token_live_others(ngx_http_token_worker.live, &channel, &user,
                                 &others)
           == NGX_TOKEN_OK
        && p->tabs + others < max)
    {
        p->tabs++;
        ngx_http_token_presence_mark(p);
        return NGX_OK;
    }

    ngx_http_token_presence_drop(p);

    return NGX_BUSY;
}


void
ngx_http_token_presence_give(ngx_str_t *key)
{
    ngx_http_token_present_t  *p;

    p = ngx_http_token_presence_get(&ngx_http_token_presence_limit, key);

    if (p && p->tabs) {
        p->tabs--;
        ngx_http_token_presence_mark(p);
    }
}


void
ngx_http_token_presence_join(ngx_http_token_topic_t *topic, ngx_str_t *user)
{
    ngx_http_token_present_t  *p;

    p = ngx_http_token_presence_get(&topic->node.str, user);
    if (p == NULL) {
        return;
    }

    p->tabs++;

    if (p->linger) {
        p->linger = 0;
        ngx_queue_remove(&p->lingering);
    }

    ngx_http_token_presence_mark(p);
}


void
ngx_http_token_presence_leave(ngx_http_token_topic_t *topic, ngx_str_t *user)
{
    ngx_http_token_present_t  *p;

    p = ngx_http_token_presence_get(&topic->node.str, user);
    if (p == NULL || p->tabs == 0) {
        return;
    }

    p->tabs--;

    /* a user who comes back within the grace has never left */

    if (p->tabs == 0 && p->user.len && topic->channel->grace) {
        p->linger = 1;
        p->until = ngx_current_msec + topic->channel->grace;
        ngx_queue_insert_tail(&ngx_http_token_present_lingering,
                              &p->lingering);
    }

    ngx_http_token_presence_mark(p);
}


static ngx_http_token_present_t *
ngx_http_token_presence_get(ngx_str_t *channel, ngx_str_t *user)
{
    size_t                     len;
    uint32_t                   hash;
    ngx_str_t                  key;
    ngx_http_token_present_t  *p;

    u_char  text[NGX_TOKEN_MAX_CHANNEL + 1 + NGX_TOKEN_MAX_USER];

    ngx_http_token_presence_init();

    len = channel->len;
    ngx_memcpy(text, channel->data, len);
    text[len] = '\0';
    ngx_memcpy(text + len + 1, user->data, user->len);

    key.data = text;
    key.len = len + 1 + user->len;
    hash = ngx_crc32_short(key.data, key.len);

    p = (ngx_http_token_present_t *)
            ngx_str_rbtree_lookup(&ngx_http_token_present, &key, hash);
    if (p) {
        return p;
    }

    p = ngx_calloc(sizeof(ngx_http_token_present_t) + key.len,
                   ngx_cycle->log);
    if (p == NULL) {
        return NULL;
    }

    p->node.str.data = (u_char *) p + sizeof(ngx_http_token_present_t);
    p->node.str.len = key.len;
    p->node.node.key = hash;
    ngx_memcpy(p->node.str.data, key.data, key.len);

    p->channel.data = p->node.str.data;
    p->channel.len = len;
    p->user.data = p->node.str.data + len + 1;
    p->user.len = user->len;

    ngx_rbtree_insert(&ngx_http_token_present, &p->node.node);

    return p;
}


static void
ngx_http_token_presence_mark(ngx_http_token_present_t *p)
{
    if (!p->dirty) {
        p->dirty = 1;

        /* what is being written joins them afterwards */

        if (!p->writing) {
            ngx_queue_insert_tail(&ngx_http_token_present_dirty, &p->queue);
        }
    }

    if (!ngx_http_token_presence_busy
        && !ngx_http_token_presence_event.posted)
    {
        ngx_post_event(&ngx_http_token_presence_event, &ngx_posted_events);
    }
}


static void
ngx_http_token_presence_write(ngx_event_t *ev)
{
    ngx_http_token_worker_t          *w;
    ngx_http_token_presence_write_t  *t;

    w = &ngx_http_token_worker;
    t = &ngx_http_token_presence_task;

    if (ngx_http_token_presence_busy || w->live == NULL) {
        return;
    }

    if (ngx_http_token_presence_rows(t) != NGX_OK) {
        /* no memory: the next tick tries again */
        return;
    }

    if (t->n == 0 && !t->sweep) {
        return;
    }

    t->live = w->live;
    t->task.data = t;
    t->task.work = ngx_http_token_presence_work;
    t->task.done = ngx_http_token_presence_done;

    if (ngx_http_token_task_post(w->mcf->commit_pool, &t->task) != NGX_OK) {
        t->rc = NGX_TOKEN_ERROR;
        ngx_http_token_presence_done(t);
        return;
    }

    ngx_http_token_presence_busy = 1;
}


/* copies what is to be written out of the entries */

static ngx_int_t
ngx_http_token_presence_rows(ngx_http_token_presence_write_t *t)
{
    size_t                     size;
    u_char                    *data;
    ngx_uint_t                 i;
    ngx_queue_t               *q;
    ngx_token_live_row_t      *row;
    ngx_http_token_present_t  *p;

    t->n = 0;
    t->rows = NULL;
    size = 0;

    for (q = ngx_queue_head(&ngx_http_token_present_dirty);
         q != ngx_queue_sentinel(&ngx_http_token_present_dirty);
         q = ngx_queue_next(q))
    {
        p = ngx_queue_data(q, ngx_http_token_present_t, queue);
        size += sizeof(ngx_token_live_row_t) + p->node.str.len;
        t->n++;
    }

    if (t->n == 0) {
        return NGX_OK;
    }

    t->rows = ngx_calloc(size, ngx_cycle->log);
    if (t->rows == NULL) {
        return NGX_ERROR;
    }

    data = (u_char *) &t->rows[t->n];

    for (i = 0; i < t->n; i++) {
        q = ngx_queue_head(&ngx_http_token_present_dirty);
        p = ngx_queue_data(q, ngx_http_token_present_t, queue);

        ngx_queue_remove(q);
        p->dirty = 0;

        ngx_memcpy(data, p->node.str.data, p->node.str.len);

        row = &t->rows[i];
        row->channel.data = data;
        row->channel.len = p->channel.len;
        row->user.data = data + p->channel.len + 1;
        row->user.len = p->user.len;
        row->tabs = p->tabs;
        row->linger = p->linger;

        data += p->node.str.len;

        /* kept until it is written */
        p->writing = 1;
        ngx_queue_insert_tail(&ngx_http_token_present_writing, &p->queue);
    }

    return NGX_OK;
}


/* what has been written is forgotten where nobody is there any more */

static void
ngx_http_token_presence_written(ngx_uint_t ok)
{
    ngx_queue_t               *q;
    ngx_http_token_present_t  *p;

    while (!ngx_queue_empty(&ngx_http_token_present_writing)) {
        q = ngx_queue_head(&ngx_http_token_present_writing);
        p = ngx_queue_data(q, ngx_http_token_present_t, queue);

        ngx_queue_remove(q);
        p->writing = 0;

        if (p->dirty || !ok) {
            p->dirty = 1;
            ngx_queue_insert_tail(&ngx_http_token_present_dirty, &p->queue);
            continue;
        }

        ngx_http_token_presence_drop(p);
    }
}


static void
ngx_http_token_presence_drop(ngx_http_token_present_t *p)
{
    if (p->tabs == 0 && !p->linger && !p->dirty && !p->writing) {
        ngx_rbtree_delete(&ngx_http_token_present, &p->node.node);
        ngx_free(p);
    }
}


/* pool */

static void
ngx_http_token_presence_work(void *data)
{
    ngx_http_token_presence_write_t *t = data;

    size_t  swept;

    t->rc = NGX_TOKEN_OK;
    swept = 0;

    if (t->sweep) {
        (void) ngx_token_live_sweep(t->live, &swept);
    }

    if (t->n) {
        t->rc = ngx_token_live_write(t->live, t->rows, t->n);
    }

    if (t->n || swept) {
        ngx_http_token_doorbell_ring();
    }
}


static void
ngx_http_token_presence_done(void *data)
{
    ngx_http_token_presence_write_t *t = data;

    ngx_http_token_presence_busy = 0;
    t->sweep = 0;

    if (t->rows) {
        ngx_free(t->rows);
        t->rows = NULL;
    }

    ngx_http_token_presence_written(t->rc == NGX_TOKEN_OK);

    if (t->rc != NGX_TOKEN_OK) {
        /* the next tick tries again */
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "presence cannot be written");
        return;
    }

    ngx_http_token_fanout_poll();

    if (!ngx_queue_empty(&ngx_http_token_present_dirty)) {
        ngx_http_token_presence_write(&ngx_http_token_presence_event);
    }
}


/*
 * A state says it all, so many changes need only one: at most ten a second,
 * however often somebody comes and goes.
 */

void
ngx_http_token_presence_changed(void)
{
    ngx_msec_t    elapsed;
    ngx_event_t  *ev;

    ev = &ngx_http_token_presence_later;

    if (ev->timer_set) {
        return;
    }

    elapsed = ngx_current_msec - ngx_http_token_presence_refreshed;

    if (elapsed < NGX_HTTP_TOKEN_PRESENCE_PACE) {
        /* nginx's debug log reads a timer's data as a connection's */

        ev->handler = ngx_http_token_presence_paced;
        ev->data = &ngx_http_token_worker;
        ev->log = ngx_cycle->log;
        ev->cancelable = 1;
        ngx_add_timer(ev, NGX_HTTP_TOKEN_PRESENCE_PACE - elapsed);
        return;
    }

    ngx_http_token_presence_refreshed = ngx_current_msec;

    ngx_http_token_topic_each(NGX_TOKEN_KIND_PRESENCE,
                              ngx_http_token_presence_refresh);
}


static void
ngx_http_token_presence_paced(ngx_event_t *ev)
{
    ev->timedout = 0;

    if (ngx_http_token_worker.live) {
        ngx_http_token_presence_refreshed = ngx_current_msec
                                            - NGX_HTTP_TOKEN_PRESENCE_PACE;
        ngx_http_token_presence_changed();
    }
}


static void
ngx_http_token_presence_refresh(ngx_http_token_topic_t *topic)
{
    size_t                    n;
    uint64_t                  anonymous;
    ngx_token_rc_t            rc;
    ngx_token_str_t           name;
    ngx_token_present_t      *users;
    ngx_http_token_frames_t   frames;
    ngx_http_token_worker_t  *w;

    static ngx_token_buf_t    scratch;

    w = &ngx_http_token_worker;

    ngx_http_token_str(&name, &topic->node.str);

    rc = ngx_token_live_read(w->live, &name, &scratch, &users, &n,
                             &anonymous);
    if (rc != NGX_TOKEN_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "presence cannot be read");
        return;
    }

    ngx_token_encode_presence(&w->text, &name, users, n, anonymous);
    free(users);

    ngx_memzero(&frames, sizeof(ngx_http_token_frames_t));

    if (ngx_http_token_frames_add(&frames, &w->text, topic->ndeflate)
        != NGX_OK)
    {
        ngx_http_token_frames_free(&frames);
        ngx_token_buf_reset(&w->text);
        return;
    }

    ngx_token_buf_reset(&w->text);

    if (topic->state.plain && topic->state.plain->len == frames.plain->len
        && ngx_memcmp(topic->state.plain->data, frames.plain->data,
                      frames.plain->len) == 0)
    {
        ngx_http_token_frames_free(&frames);
        return;
    }

    ngx_http_token_frames_free(&topic->state);
    topic->state = frames;

    ngx_http_token_fanout_deliver(topic, &topic->state);
}


void
ngx_http_token_presence_tick(void)
{
    ngx_queue_t               *q, *next;
    ngx_http_token_present_t  *p;

    ngx_http_token_presence_init();

    for (q = ngx_queue_head(&ngx_http_token_present_lingering);
         q != ngx_queue_sentinel(&ngx_http_token_present_lingering);
         q = next)
    {
        next = ngx_queue_next(q);
        p = ngx_queue_data(q, ngx_http_token_present_t, lingering);

        if ((ngx_msec_int_t) (p->until - ngx_current_msec) > 0) {
            continue;
        }

        ngx_queue_remove(q);
        p->linger = 0;
        ngx_http_token_presence_mark(p);
    }

    if (!ngx_http_token_presence_busy) {
        ngx_http_token_presence_task.sweep =
                         ngx_token_live_is_stale(ngx_http_token_worker.live);
        ngx_http_token_presence_write(&ngx_http_token_presence_event);
    }
}
