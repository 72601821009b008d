
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_RUN_H_INCLUDED_
#define _NGX_HTTP_TOKEN_RUN_H_INCLUDED_


#include "http/ngx_http_token_session.h"
#include "http/ngx_http_token_task.h"


/*
 * A run: one token on its way through this worker, from its request to its
 * outcome.  It belongs to no session: closing the tab does not take back what
 * was asked for.  Sessions wait for it; an id that comes again meanwhile, in
 * whichever session, waits for the same run.
 */


typedef struct ngx_http_token_call_s     ngx_http_token_call_t;
typedef struct ngx_http_token_job_ctx_s  ngx_http_token_job_ctx_t;


typedef struct {
    ngx_str_node_t              node;     /* by id */
    ngx_queue_t                 queue;    /* of the committer, or of those
                                             that wait for other workers */
    ngx_queue_t                 waits;    /* ngx_http_token_wait_t */

    u_char                      id[NGX_TOKEN_ID_LEN];
    u_char                      hash[NGX_TOKEN_HASH_LEN];
    ngx_str_t                   user;

    size_t                      size;     /* of this memory, in bytes */
    u_char                     *record;   /* flat commit record, behind this
                                             structure unless own */
    size_t                      len;
    ngx_uint_t                  neffects;
    ngx_uint_t                  service;  /* the first request's: index */

    ngx_token_outcome_e         outcome;  /* to be committed; RUNNING: the
                                             mark that work outside the
                                             store begins */
    ngx_token_err_e             error;
    ngx_token_verdict_t         verdict;  /* where settled */

    ngx_http_token_task_t       task;
    ngx_msec_t                  delay;
    uint32_t                    wake;     /* 1: a sleep is over; a futex */
    ngx_http_token_call_t      *call;     /* of a backend, or NULL */
    ngx_http_token_job_ctx_t   *job;      /* of a handler, or NULL */
    ngx_http_token_late_t      *late;     /* to be evaluated once more when
                                             there is a result, or NULL */

    unsigned                    slow:1;   /* goes through the offload */
    unsigned                    slot:1;   /* is counted there */
    unsigned                    fail:1;
    unsigned                    own:1;    /* the record is ngx_alloc()ed */
    unsigned                    idempotent:1;
    unsigned                    cancelled:1;
    unsigned                    abandoned:1; /* the worker cannot wait */
    unsigned                    taken:1;  /* too late to be cancelled */
    unsigned                    settled:1; /* verdict holds: nothing is left
                                              to be committed */

    /* set in the pool, while the task has the run */
    unsigned                    claimed;  /* this process has the claim */
    unsigned                    foreign;  /* another process has it */
    unsigned                    known;    /* verdict is the ledger's */
} ngx_http_token_run_t;


/* Deals with token, cancel and resume messages. */
void ngx_http_token_run(ngx_http_token_session_t *s, ngx_token_message_t *m);
void ngx_http_token_run_cancel(ngx_http_token_session_t *s,
    const u_char *id);
void ngx_http_token_run_resume(ngx_http_token_session_t *s,
    ngx_token_message_t *m);

/*
 * Ends a run: every session that waits for it will be told.  The run is
 * freed; verdict->result is taken over.
 */
void ngx_http_token_run_done(ngx_http_token_run_t *run,
    ngx_token_verdict_t *verdict);

/*
 * What to do next: called when the offload's task has ended, and when a run
 * without one is made.
 */
void ngx_http_token_run_next(ngx_http_token_run_t *run);

/*
 * The run has been cancelled in time: sets its outcome.  Where the work outside
 * the store of an earlier one was interrupted, that is what is known (G11).
 */
void ngx_http_token_run_cancelled(ngx_http_token_run_t *run);

/* The mark is committed: the work outside the store begins. */
void ngx_http_token_run_begin(ngx_http_token_run_t *run);

/*
 * The worker's time to exit is up: delays end without effect, calls are cut,
 * and handlers are told to stop.  Who asked for them asks again, in another
 * worker.
 */
void ngx_http_token_run_abandon(void);

/* Looks after runs whose handler runs in another worker. */
void ngx_http_token_run_poll(void);

/* Whether no run is under way. */
ngx_uint_t ngx_http_token_run_idle(void);


#endif /* _NGX_HTTP_TOKEN_RUN_H_INCLUDED_ */
