
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_WORKER_H_INCLUDED_
#define _NGX_HTTP_TOKEN_WORKER_H_INCLUDED_


#include "http/ngx_http_token.h"
#include "store/ngx_token_store.h"
#include "store/ngx_token_live.h"
#include "store/ngx_token_queue.h"
#include "store/ngx_token_round.h"


/*
 * What a worker process has: the open store, its sessions, the timer wheel,
 * and how far it has read the change feed.
 */


#define NGX_HTTP_TOKEN_WHEEL_SLOTS  64    /* of one second */


typedef struct {
    ngx_http_token_main_conf_t *mcf;

    ngx_token_store_t          *store;    /* NULL: could not be opened */
    ngx_token_live_t           *live;
    ngx_token_queue_t          *commits;

    uint64_t                    head;     /* the feed is fanned out to here */
    uint64_t                    owed;     /* while a round is not complete:
                                             where what stands for changes
                                             before the head may be */
    uint64_t                    txnid;    /* of the store, at the last look */
    uint64_t                    live_txnid;
    ngx_token_round_t           round;
    ngx_token_read_t           *snapshot; /* at the head, of what catches up in
                                             this turn; NULL: none yet */
    ngx_uint_t                  pieces;   /* that it was sent */

    ngx_queue_t                 sessions;
    ngx_uint_t                  nsessions;

    ngx_queue_t                 dirty;    /* sessions to be flushed */
    ngx_queue_t                 later;    /* likewise, in a later turn */
    ngx_event_t                 flush;

    ngx_event_t                 tick;     /* once a second, cancelable */
    ngx_uint_t                  slot;
    ngx_msec_t                  exiting;  /* since; 0: not yet */
    ngx_queue_t                 wheel[NGX_HTTP_TOKEN_WHEEL_SLOTS];

    ngx_token_buf_t             text;     /* to encode one message */

    unsigned                    started:1;
    unsigned                    held:1;   /* an outcome waits for the feed */
    unsigned                    moved:1;  /* the store's file has gone: it is
                                             to be opened anew */
} ngx_http_token_worker_t;


extern ngx_http_token_worker_t  ngx_http_token_worker;


/* ns, of a monotonic clock */
uint64_t ngx_http_token_clock(void);

/* init_process and exit_process. */
ngx_int_t ngx_http_token_worker_init(ngx_cycle_t *cycle,
    ngx_http_token_main_conf_t *mcf);
void ngx_http_token_worker_exit(ngx_cycle_t *cycle);

/*
 * Whether the store is open; tries to open it when it is not.
 *
 * Returns: NGX_OK, or NGX_ERROR: logged
 */
ngx_int_t ngx_http_token_worker_store(ngx_log_t *log);

/*
 * Puts a session into the wheel, to be checked in about ms; it must not be
 * in it.
 */
void ngx_http_token_worker_schedule(ngx_queue_t *slot, ngx_msec_t ms);

/*
 * The text of a close with 1012: the ms after which the client should come
 * back, random, over a time that grows with the number of sessions, so that
 * they do not come all at once.  Static; valid until the next call.
 */
const char *ngx_http_token_worker_delay(void);


#endif /* _NGX_HTTP_TOKEN_WORKER_H_INCLUDED_ */
