
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_TASK_H_INCLUDED_
#define _NGX_HTTP_TOKEN_TASK_H_INCLUDED_


#include "http/ngx_http_token.h"


/*
 * A piece of work for a thread pool.  While it is under way a timer that is
 * not cancelable holds an exiting worker, because nginx's own thread pool
 * finishes tasks at exit but no longer delivers their completions.
 */

typedef struct {
    ngx_thread_task_t           task;

    /* pool; touches only what data owns */
    void                      (*work)(void *data);

    /* event loop, when work has returned */
    void                      (*done)(void *data);

    void                       *data;
} ngx_http_token_task_t;


/*
 * Posts a task, which its owner must keep until done() is called, and may use
 * again then.
 *
 * Returns: NGX_OK, or NGX_ERROR: the pool's queue is full (logged by nginx)
 */
ngx_int_t ngx_http_token_task_post(ngx_thread_pool_t *pool,
    ngx_http_token_task_t *task);


/* How many tasks of this worker are under way. */
extern ngx_uint_t  ngx_http_token_tasks;


#endif /* _NGX_HTTP_TOKEN_TASK_H_INCLUDED_ */
