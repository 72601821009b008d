
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_OFFLOAD_H_INCLUDED_
#define _NGX_HTTP_TOKEN_OFFLOAD_H_INCLUDED_


#include "http/ngx_http_token_run.h"


/*
 * Runs the slow part of a token in the offload pool: the claim, the delay, and
 * a handler that needs no mark.  Then the run goes on to the committer, or
 * ends.
 *
 * Returns: NGX_OK, or NGX_BUSY: as many are under way as token_thread_pool
 *          allows, or the pool's queue is full; nothing was begun
 */
ngx_int_t ngx_http_token_offload(ngx_http_token_run_t *run);

/*
 * Calls the handler of a run that has been marked as begun; it is still counted
 * from before.  Ends with ngx_http_token_job_end().
 */
void ngx_http_token_offload_job(ngx_http_token_run_t *run);

/* The run is counted no longer, if it was. */
void ngx_http_token_offload_end(ngx_http_token_run_t *run);

/*
 * Sleeps for ms milliseconds, or until the run is woken by a cancel.
 *
 * Thread:  pool.
 */
void ngx_http_token_offload_sleep(ngx_http_token_run_t *run, ngx_msec_t ms);

/* Ends that sleep, and every later one of the run at once. */
void ngx_http_token_offload_wake(ngx_http_token_run_t *run);


#endif /* _NGX_HTTP_TOKEN_OFFLOAD_H_INCLUDED_ */
