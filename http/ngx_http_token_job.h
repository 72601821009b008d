
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_JOB_H_INCLUDED_
#define _NGX_HTTP_TOKEN_JOB_H_INCLUDED_


#include "http/ngx_http_token_run.h"
#include "http/ngx_http_token_service.h"


/*
 * A job: one token in the hands of a handler, in the offload pool.  What the
 * handler sees of it, and what it may do with it, is in
 * http/ngx_http_token_handler.h; the rest of it is here.
 *
 *     OK        ok, with the result
 *     REJECTED  rejected, with the result, or a text
 *     FAILED    failed, with a text
 *     STOPPED   superseded where the token was cancelled; failed where its time
 *               was over; where the worker leaves, busy if the token can simply
 *               run again, else failed
 */


/*
 * Of our own handlers only: nothing is committed, not even the outcome.  The
 * token is asked anew when it comes again, and goes alone.
 */
#define NGX_HTTP_TOKEN_HANDLER_ASKS  0x0100


/* a text that a handler has asked for */

typedef struct ngx_http_token_job_arg_s  ngx_http_token_job_arg_t;

struct ngx_http_token_job_arg_s {
    ngx_http_token_job_arg_t   *next;
    ngx_token_buf_t             text;
};


struct ngx_http_token_job_ctx_s {
    ngx_http_token_job_t        job;      /* first: what the handler sees */
    ngx_http_token_handler_t   *handler;
    ngx_http_token_run_t       *run;
    u_char                      id[NGX_TOKEN_ID_TEXT_LEN];
    ngx_msec_t                  timeout;  /* 0: none */

    volatile unsigned           stop;     /* ngx_http_token_job_stop_e, set by
                                             the event loop */

    /* set in the pool, while the task has the run */
    uint64_t                    deadline; /* ns, 0: none */
    ngx_http_token_job_rc_e     rc;       /* what the handler has said */
    ngx_token_err_e             error;    /* of FAILED */
    ngx_token_rc_t              given;    /* what became of the last result */
    ngx_token_buf_t             result;   /* JSON, or empty */
    ngx_http_token_job_arg_t   *args;
    unsigned                    late:1;   /* the deadline was seen */
};


/*
 * Makes a job ready, while the session and its message are there.
 *
 * Returns: a job that belongs to the run, or NULL: no memory
 */
ngx_http_token_job_ctx_t *ngx_http_token_job(ngx_http_token_run_t *run,
    ngx_http_token_prepared_t *prepared);

/* Whether the store is to know before the handler begins; job: may be NULL. */
ngx_uint_t ngx_http_token_job_is_marked(ngx_http_token_job_ctx_t *job);

/* Whether it changes nothing at all; job: may be NULL. */
ngx_uint_t ngx_http_token_job_asks(ngx_http_token_job_ctx_t *job);

/*
 * Calls the handler, unless it is to stop before it has begun.
 *
 * Thread:  pool.
 */
void ngx_http_token_job_work(ngx_http_token_job_ctx_t *job);

/*
 * The handler has ended: run->outcome and run->error are set, the result is
 * put into the record, and the run goes to the committer, or ends.
 */
void ngx_http_token_job_end(ngx_http_token_run_t *run);

/* job: may be NULL; its handler must not be at work */
void ngx_http_token_job_free(ngx_http_token_job_ctx_t *job);

/* A handler of that name, or NULL. */
ngx_http_token_handler_t *ngx_http_token_handler_find(
    ngx_http_token_main_conf_t *mcf, ngx_str_t *name);


#endif /* _NGX_HTTP_TOKEN_JOB_H_INCLUDED_ */
