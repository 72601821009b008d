
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_committer.h"
#include "http/ngx_http_token_deflate.h"
#include "http/ngx_http_token_doorbell.h"
#include "http/ngx_http_token_fanout.h"
#include "http/ngx_http_token_presence.h"
#include "http/ngx_http_token_run.h"
#include "http/ngx_http_token_session.h"
#include "http/ngx_http_token_spare.h"
#include "http/ngx_http_token_stat.h"
#include "http/ngx_http_token_task.h"
#include "http/ngx_http_token_worker.h"


#define NGX_HTTP_TOKEN_TICK       1000    /* ms */
#define NGX_HTTP_TOKEN_LIVE_SIZE  ((size_t) 64 * 1024 * 1024)


static void ngx_http_token_worker_close(uint64_t until);
static ngx_msec_t ngx_http_token_worker_grace(ngx_http_token_worker_t *w);
static void ngx_http_token_worker_tick(ngx_event_t *ev);
static void ngx_http_token_worker_leave(ngx_http_token_worker_t *w);
static void ngx_http_token_worker_moved(ngx_http_token_worker_t *w,
    ngx_log_t *log);
static void ngx_http_token_worker_wheel(ngx_http_token_worker_t *w);


ngx_http_token_worker_t  ngx_http_token_worker;


uint64_t
ngx_http_token_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


ngx_int_t
ngx_http_token_worker_init(ngx_cycle_t *cycle,
    ngx_http_token_main_conf_t *mcf)
{
    ngx_uint_t                i;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    ngx_memzero(w, sizeof(ngx_http_token_worker_t));

    w->mcf = mcf;

    ngx_queue_init(&w->sessions);
    ngx_queue_init(&w->dirty);
    ngx_queue_init(&w->later);

    for (i = 0; i < NGX_HTTP_TOKEN_WHEEL_SLOTS; i++) {
        ngx_queue_init(&w->wheel[i]);
    }

    w->flush.handler = ngx_http_token_session_flush_all;
    w->flush.data = w;
    w->flush.log = cycle->log;

    w->tick.handler = ngx_http_token_worker_tick;
    w->tick.data = w;
    w->tick.log = cycle->log;
    w->tick.cancelable = 1;

    w->started = 1;

    if (ngx_http_token_stat_init(cycle, mcf) != NGX_OK
        || ngx_http_token_deflate_init(mcf->deflate) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (mcf->used) {
        /* a store that cannot be opened is tried again later */
        (void) ngx_http_token_worker_store(cycle->log);
    }

    ngx_add_timer(&w->tick, NGX_HTTP_TOKEN_TICK);

    return NGX_OK;
}


void
ngx_http_token_worker_exit(ngx_cycle_t *cycle)
{
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    if (!w->started) {
        return;
    }

    w->started = 0;

    if (ngx_exiting && ngx_terminate) {
        /* nginx would take what is open now for a leak of a graceful exit */
        ngx_http_token_session_drop_all();
    }

    ngx_http_token_deflate_exit();

    ngx_http_token_doorbell_close(cycle);

    if (w->tick.timer_set) {
        ngx_del_timer(&w->tick);
    }

    ngx_http_token_stat_exit();

    ngx_http_token_worker_close(ngx_exiting ? ngx_http_token_now()
                                              + ngx_http_token_worker_grace(w)
                                            : 0);

    ngx_http_token_spare_exit();
}


static void
ngx_http_token_worker_close(uint64_t until)
{
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    if (w->commits) {
        ngx_token_queue_close(w->commits);
        w->commits = NULL;
    }

    if (w->live) {
        ngx_token_live_close(w->live, until);
        w->live = NULL;
    }

    if (w->store) {
        ngx_token_store_close(w->store);
        w->store = NULL;
    }
}


/* the longest grace: users who move to another worker meanwhile stay */

static ngx_msec_t
ngx_http_token_worker_grace(ngx_http_token_worker_t *w)
{
    ngx_msec_t                  grace;
    ngx_uint_t                  i;
    ngx_http_token_channel_t  **chp;

    grace = 0;
    chp = w->mcf->channels.elts;

    for (i = 0; i < w->mcf->channels.nelts; i++) {
        if (chp[i]->kind == NGX_TOKEN_KIND_PRESENCE) {
            grace = ngx_max(grace, chp[i]->grace);
        }
    }

    return grace;
}


ngx_int_t
ngx_http_token_worker_store(ngx_log_t *log)
{
    char                     *path, err[NGX_MAX_CONF_ERRSTR];
    ngx_token_read_t         *r;
    ngx_token_store_conf_t    conf;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    if (w->store) {
        return w->moved ? NGX_ERROR : NGX_OK;
    }

    path = (char *) w->mcf->path.data;

    ngx_memzero(&conf, sizeof(ngx_token_store_conf_t));
    conf.size = w->mcf->size;
    conf.sync = w->mcf->sync;

    if (ngx_token_store_open(path, &conf, &w->store, err, sizeof(err))
        != NGX_TOKEN_OK)
    {
        w->store = NULL;
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "the token store cannot be opened: %s", err);
        return NGX_ERROR;
    }

    if (ngx_token_live_open(path, NGX_HTTP_TOKEN_LIVE_SIZE, &w->live, err,
                            sizeof(err))
        != NGX_TOKEN_OK)
    {
        w->live = NULL;
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "the token store cannot be opened: %s", err);
        goto failed;
    }

    if (ngx_token_queue_open(path, w->store, &w->commits, err, sizeof(err))
        != NGX_TOKEN_OK)
    {
        w->commits = NULL;
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "the token store cannot be opened: %s", err);
        goto failed;
    }

    if (ngx_http_token_doorbell_open(w->mcf, log) != NGX_OK) {
        goto failed;
    }

    if (ngx_token_read_begin(w->store, &r) != NGX_TOKEN_OK) {
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "the token store cannot be read: %s",
                      ngx_token_store_error());
        goto failed;
    }

    w->head = ngx_token_read_head(r);
    w->txnid = ngx_token_read_txnid(r);
    ngx_token_read_end(r);

    w->moved = 0;

    ngx_http_token_committer_wake();

    return NGX_OK;

failed:

    ngx_http_token_worker_close(0);

    return NGX_ERROR;
}


void
ngx_http_token_worker_schedule(ngx_queue_t *slot, ngx_msec_t ms)
{
    ngx_uint_t                n;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    n = ms / NGX_HTTP_TOKEN_TICK + 1;
    n = ngx_min(n, NGX_HTTP_TOKEN_WHEEL_SLOTS - 1);
    n = (w->slot + n) % NGX_HTTP_TOKEN_WHEEL_SLOTS;

    ngx_queue_insert_tail(&w->wheel[n], slot);
}


/* the wheel, and the slow poll that makes a lost ring a matter of latency */

static void
ngx_http_token_worker_tick(ngx_event_t *ev)
{
    ngx_http_token_worker_t  *w;

    w = ev->data;

    ngx_http_token_worker_wheel(w);

    if (ngx_exiting) {
        ngx_http_token_worker_leave(w);
    }

    /* once gone, it is opened anew, though it may have come back */

    if (w->store && (w->moved || ngx_token_store_moved(w->store))) {
        ngx_http_token_worker_moved(w, ev->log);
    }

    if (w->store) {
        ngx_http_token_fanout_poll();
        ngx_http_token_run_poll();
        ngx_http_token_presence_tick();
    }

    ngx_add_timer(&w->tick, NGX_HTTP_TOKEN_TICK);
}


/*
 * worker_shutdown_timeout: nginx's core closes connections then, but neither
 * threads nor calls of backends are any.
 */

static void
ngx_http_token_worker_leave(ngx_http_token_worker_t *w)
{
    ngx_core_conf_t  *ccf;

    if (w->exiting == 0) {
        w->exiting = ngx_max(ngx_current_msec, 1);
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    if (ccf->shutdown_timeout
        && ngx_current_msec - w->exiting >= ccf->shutdown_timeout)
    {
        ngx_http_token_run_abandon();
    }
}


/*
 * Somebody removed or replaced the store under the running server.  The
 * sessions are sent away, to come back with their cursors; when they, and what
 * is under way, have ended, the store is opened anew.
 */

static void
ngx_http_token_worker_moved(ngx_http_token_worker_t *w, ngx_log_t *log)
{
    ngx_uint_t                 idle;
    ngx_queue_t               *q;
    ngx_http_token_session_t  *s;

    if (!w->moved) {
        w->moved = 1;
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "the token store in \"%V\" has been removed or "
                      "replaced, opening it anew", &w->mcf->path);
    }

    idle = 1;

    for (q = ngx_queue_head(&w->sessions);
         q != ngx_queue_sentinel(&w->sessions);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_http_token_session_t, queue);

        if (!s->echo) {
            ngx_http_token_session_close(s, NGX_TOKEN_WS_RESTART,
                                         ngx_http_token_worker_delay());
            idle = 0;
        }
    }

    if (idle && ngx_http_token_tasks == 0 && ngx_http_token_run_idle()) {
        ngx_http_token_doorbell_close((ngx_cycle_t *) ngx_cycle);
        ngx_http_token_worker_close(0);
        (void) ngx_http_token_worker_store(log);
    }
}


static void
ngx_http_token_worker_wheel(ngx_http_token_worker_t *w)
{
    ngx_msec_t                 next;
    ngx_queue_t               *q, due;
    ngx_http_token_session_t  *s;

    w->slot = (w->slot + 1) % NGX_HTTP_TOKEN_WHEEL_SLOTS;

    if (ngx_queue_empty(&w->wheel[w->slot])) {
        return;
    }

    ngx_queue_init(&due);
    ngx_queue_add(&due, &w->wheel[w->slot]);
    ngx_queue_init(&w->wheel[w->slot]);

    while (!ngx_queue_empty(&due)) {
        q = ngx_queue_head(&due);
        s = ngx_queue_data(q, ngx_http_token_session_t, slot);

        ngx_queue_remove(q);

        /* its socket may be full soon, and nobody looks before that time */

        next = ngx_http_token_session_check(s);
        ngx_http_token_worker_schedule(q, ngx_min(next,
                                                  s->lcf->stall_timeout));
    }
}


const char *
ngx_http_token_worker_delay(void)
{
    static u_char  text[NGX_INT_T_LEN + 1];

    ngx_sprintf(text, "%ui%Z",
                (ngx_uint_t) ngx_random()
                % (500 + ngx_http_token_worker.nsessions / 2));

    return (char *) text;
}
