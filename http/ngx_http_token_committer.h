
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_COMMITTER_H_INCLUDED_
#define _NGX_HTTP_TOKEN_COMMITTER_H_INCLUDED_


#include "http/ngx_http_token_run.h"


/*
 * Commits: runs go into the commit queue that all workers share
 * (store/ngx_token_queue.h), and come back with their verdicts.  Whichever
 * worker finds nobody committing does so for all, in a task of its own.  Alone,
 * a token is committed at once; under load, what comes from all workers during
 * one commit makes up the next.
 */


/*
 * Hands a run over; it ends with ngx_http_token_run_done() after the changes
 * have been fanned out.  A run that was cancelled before it is put into the
 * queue is committed as such, without effects.  One that is settled
 * passes through only to give its claim back.
 */
void ngx_http_token_commit(ngx_http_token_run_t *run);

/*
 * Commits what others have left: a worker that starts may do so in the place of
 * one that was killed.
 */
void ngx_http_token_committer_wake(void);

/* Looks for verdicts, and whether somebody must commit; after the feed. */
void ngx_http_token_committer_poll(void);


#endif /* _NGX_HTTP_TOKEN_COMMITTER_H_INCLUDED_ */
