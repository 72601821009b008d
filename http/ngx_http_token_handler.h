
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_HANDLER_H_INCLUDED_
#define _NGX_HTTP_TOKEN_HANDLER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Handlers: services written in C, by other modules.  This is the one header
 * of ngx_http_token_module that they include; examples/handler is a complete
 * one.
 *
 * A module names its handlers in its preconfiguration hook, and nginx.conf
 * gives them to services:
 *
 *     token_service  resize  { handler thumbnail;  append pictures; }
 *
 * For each token a handler is called once, in the thread pool of
 * token_thread_pool, with a job.  What it returns is the token's outcome; the
 * effects of the service are committed with an OK, in one transaction with the
 * result.  A token is never given to two handlers at a time, in whichever
 * worker process.
 *
 * A handler may block, and must look now and then whether it is to stop.  It
 * must not touch what belongs to nginx's event loop: pools, requests,
 * connections, timers, the cycle.  It allocates by malloc(), and may log to
 * job->log.
 */


typedef struct ngx_http_token_job_s      ngx_http_token_job_t;
typedef struct ngx_http_token_handler_s  ngx_http_token_handler_t;


/* what a handler returns: what became of its job */

typedef enum {
    NGX_HTTP_TOKEN_JOB_OK = 0,  /* done */
    NGX_HTTP_TOKEN_JOB_REJECTED, /* no, and that is final */
    NGX_HTTP_TOKEN_JOB_FAILED,  /* not now: the same token may come again */
    NGX_HTTP_TOKEN_JOB_STOPPED  /* it was to stop, and has: nothing is done,
                                   or all that was is undone */
} ngx_http_token_job_rc_e;


/* why a handler is to stop */

typedef enum {
    NGX_HTTP_TOKEN_JOB_GO_ON = 0, /* it is not */
    NGX_HTTP_TOKEN_JOB_CANCELLED, /* the user does not want it any more */
    NGX_HTTP_TOKEN_JOB_TIMEOUT, /* the service's timeout is over */
    NGX_HTTP_TOKEN_JOB_LEAVING  /* the worker process can wait no longer:
                                   worker_shutdown_timeout, a fast shutdown */
} ngx_http_token_job_stop_e;


/*
 * What a handler is given.  All of it is read only, and valid until the
 * handler returns; nothing is null terminated.
 */

struct ngx_http_token_job_s {
    ngx_str_t                  value;     /* the token's value: JSON, checked,
                                             without white space */
    ngx_str_t                  user;      /* verified; empty: anonymous */
    ngx_str_t                  id;        /* the token's, 36 characters: the
                                             same when it comes again */
    ngx_str_t                  service;   /* whose handler this is */
    void                      *data;      /* the handler's */
    ngx_log_t                 *log;
};


#define NGX_HTTP_TOKEN_HANDLER_V1  1


/*
 * The handler changes nothing outside of the store; to run it again is to run
 * it for the first time.  Without this flag the token is marked as begun, on
 * disk, before the handler is called, and when the worker process dies in the
 * middle the token is answered "interrupted" (or the handler is called again,
 * where the service is "idempotent").  With it there is no mark, and the token
 * runs again.
 */
#define NGX_HTTP_TOKEN_HANDLER_PURE  0x0001


struct ngx_http_token_handler_s {
    ngx_uint_t                 version;   /* NGX_HTTP_TOKEN_HANDLER_V1 */
    ngx_str_t                  name;      /* in nginx.conf */

    /* pool; may be called in several threads at once */
    ngx_http_token_job_rc_e  (*work)(ngx_http_token_job_t *job);

    void                      *data;      /* is job->data */
    ngx_uint_t                 flags;     /* NGX_HTTP_TOKEN_HANDLER_PURE or 0 */
};


/*
 * Registers a handler, for the configuration that is being read.
 *
 *     cf       as the module's preconfiguration hook has got it
 *     handler  is copied; what it points to lives as long as the configuration:
 *              it is static, or of cf->pool
 *
 * Thread:  event loop; while nginx.conf is read.
 *
 * Returns: NGX_OK, or NGX_ERROR: no memory; or, logged, another version of
 *          this header, no name or function, an unknown flag, a name that is
 *          taken
 */
ngx_int_t ngx_http_token_handler_add(ngx_conf_t *cf,
    ngx_http_token_handler_t *handler);


/*
 * The functions of a job are for its handler alone, in the thread in which it
 * was called, until it returns.
 */


/*
 * The token's argument of that name, as the variable $token_arg_NAME has it in
 * the name of a channel: the text of a string, a number or boolean as it is
 * written.
 *
 *     name  of a member of the token's value; NULL: the value itself
 *     text  out: UTF-8, may hold null bytes; valid until the handler returns
 *
 * Returns: NGX_OK; NGX_DECLINED: there is none, or it is null, an array or an
 *          object; NGX_ERROR: no memory
 */
ngx_int_t ngx_http_token_job_arg(ngx_http_token_job_t *job, const char *name,
    ngx_str_t *text);

/*
 * Whether to stop, and why.  It is cheap: a look at a flag, and at the clock
 * where the service has a timeout.  A handler that is told to stop cleans up
 * and returns STOPPED, or goes on when it has gone too far, and ends as it
 * would have.  One that does not look keeps an old worker process from exiting.
 */
ngx_http_token_job_stop_e ngx_http_token_job_stop(ngx_http_token_job_t *job);

/*
 * Sleeps for ms milliseconds, or until the handler is to stop.
 *
 * Returns: GO_ON: all of the time is over; else as ngx_http_token_job_stop()
 */
ngx_http_token_job_stop_e ngx_http_token_job_sleep(ngx_http_token_job_t *job,
    ngx_msec_t ms);

/*
 * Gives the token a result, which goes with OK and REJECTED, and is kept with
 * the outcome.  The last one holds.
 *
 *     json  is copied; one JSON value, at most 64 arrays and objects deep
 *     len   at most 1 MB; 0 takes back an earlier result
 *
 * Returns: NGX_OK, or NGX_ERROR: too large, not JSON, or no memory.  Then an OK
 *          of the handler becomes a rejection (too_large) or a failure
 *          (service_failed), unless it gives another result
 */
ngx_int_t ngx_http_token_job_result(ngx_http_token_job_t *job,
    const u_char *json, size_t len);

/*
 * For `return ngx_http_token_job_reject(job, "there is no such picture");`
 *
 *     text  for the user: UTF-8, null terminated, is copied; of more than 1 KB
 *           the rest is cut off.  NULL: a sentence of this module's.  It takes
 *           the place of a result
 *
 * Returns: REJECTED, FAILED
 */
ngx_http_token_job_rc_e ngx_http_token_job_reject(ngx_http_token_job_t *job,
    const char *text);
ngx_http_token_job_rc_e ngx_http_token_job_fail(ngx_http_token_job_t *job,
    const char *text);


#endif /* _NGX_HTTP_TOKEN_HANDLER_H_INCLUDED_ */
