
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_WAIT_H_INCLUDED_
#define _NGX_HTTP_TOKEN_WAIT_H_INCLUDED_


#include "http/ngx_http_token_run.h"


/*
 * A wait: a session that is to be told the outcome of a token.  While the
 * token is under way the run has it in its list; then it holds the verdict
 * until the session may be told.
 *
 * A result of any length is not held for a session whose socket is full: it is
 * read from the ledger when there is room for it.
 */

typedef struct {
    ngx_queue_t                 queue;    /* of the session */
    ngx_queue_t                 run_queue;
    ngx_http_token_session_t   *session;
    ngx_http_token_run_t       *run;      /* NULL: it is done */
    u_char                      id[NGX_TOKEN_ID_LEN];
    ngx_token_verdict_t         verdict;  /* when done; its result is owned */
    unsigned                    stored:1; /* the result is in the ledger */
} ngx_http_token_wait_t;


/*
 * Lets a session wait for the outcome of an id.
 *
 *     run  NULL: it is done, and the caller sets verdict and stored
 *
 * Returns: NULL: no memory, and the session ends
 */
ngx_http_token_wait_t *ngx_http_token_wait(ngx_http_token_session_t *s,
    ngx_http_token_run_t *run, const u_char *id);

/* What waits in a session for that id, or NULL. */
ngx_http_token_wait_t *ngx_http_token_wait_find(ngx_http_token_session_t *s,
    const u_char *id);

/*
 * The run has ended, and has the wait in its list no more.
 *
 *     verdict  copied as far as it is needed
 *     ledger   whether the ledger has it, too
 */
void ngx_http_token_wait_done(ngx_http_token_wait_t *wait,
    const ngx_token_verdict_t *verdict, ngx_uint_t ledger);

/*
 * Queues the outcomes that have come, each after the changes that it made, and
 * as many as one flush may hold.
 */
void ngx_http_token_wait_settle(ngx_http_token_session_t *s);

/* The session ends; its runs go on. */
void ngx_http_token_wait_forget(ngx_http_token_session_t *s);


#endif /* _NGX_HTTP_TOKEN_WAIT_H_INCLUDED_ */
