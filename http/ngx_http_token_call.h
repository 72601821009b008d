
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_CALL_H_INCLUDED_
#define _NGX_HTTP_TOKEN_CALL_H_INCLUDED_


#include "http/ngx_http_token_run.h"
#include "http/ngx_http_token_service.h"


/*
 * A call of a backend: a POST of the token's value to an internal location,
 * by a request of its own that belongs to no client connection.  The token's
 * id goes along as Idempotency-Key, the user as X-Token-User, the service as
 * X-Token-Service.
 *
 *     2xx             ok; a JSON body is the token's result
 *     408, 429, 5xx   failed, and so is a call that takes longer than the
 *                     service's timeout
 *     any other       rejected; a JSON body is the token's result
 */


/*
 * Makes a call ready, while the session and its message are there.
 *
 * Returns: a call that belongs to the run, or NULL: no memory
 */
ngx_http_token_call_t *ngx_http_token_call(ngx_http_token_session_t *s,
    ngx_http_token_run_t *run, ngx_http_token_prepared_t *prepared);

/*
 * Starts it.  When it has ended, run->outcome and run->error are set, the
 * result is put into the record, and the run goes to the committer; never
 * before this returns.
 */
void ngx_http_token_call_start(ngx_http_token_run_t *run);

/*
 * Cuts a call that is under way, or that is yet to be started: its work may
 * have been done, so the run's outcome is INTERRUPTED; where it is idempotent,
 * the mark stays and the outcome is BUSY: the next run calls again.
 */
void ngx_http_token_call_abort(ngx_http_token_call_t *call);

/* call: may be NULL; it must not be under way */
void ngx_http_token_call_free(ngx_http_token_call_t *call);


#endif /* _NGX_HTTP_TOKEN_CALL_H_INCLUDED_ */
