
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_COMMITTER_H_INCLUDED_
#define _NGX_HTTP_TOKEN_COMMITTER_H_INCLUDED_


#include "http/ngx_http_token_run.h"


/*
 * The committer: one task at a time takes all runs that wait into one
 * transaction (group commit).  Alone, a token is committed at once; under
 * load, what comes during one commit makes up the next.
 */


/*
 * Hands a run over; it ends with ngx_http_token_run_done() after the changes
 * have been fanned out.  A run that was cancelled before it is taken is
 * committed as SUPERSEDED, without effects.
 */
void ngx_http_token_commit(ngx_http_token_run_t *run);


#endif /* _NGX_HTTP_TOKEN_COMMITTER_H_INCLUDED_ */
