
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_RESULT_H_INCLUDED_
#define _NGX_HTTP_TOKEN_RESULT_H_INCLUDED_


#include "http/ngx_http_token_run.h"


/*
 * The result of a token: JSON that a backend or a handler gives back, kept in
 * the ledger beside the outcome.
 */


/*
 * Reads what claims to be JSON.
 *
 *     b  out: without white space, appended; nothing of what is refused
 *
 * Thread:  any.
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_INVALID: not JSON, or nested too deeply;
 *          NGX_TOKEN_NOMEM
 */
ngx_token_rc_t ngx_http_token_result_read(const ngx_token_str_t *s,
    ngx_token_buf_t *b);

/*
 * Puts a result that was read into the run's commit record; where the token is
 * ok, effects that need it are evaluated.  When they cannot be, or there is no
 * memory, the token has failed: what is committed would not be what was asked
 * for.
 *
 *     result  data is NULL: there is none
 */
void ngx_http_token_result_put(ngx_http_token_run_t *run,
    const ngx_token_str_t *result);

/*
 * Gives a verdict a copy of a result, to be released with free().  Without
 * memory for it the verdict is BUSY, as an ok without what belongs to it would
 * be another answer; the ledger has it for the next time.
 *
 *     verdict  has no result yet
 *     result   may be empty: then it has none
 *
 * Thread:  any.
 */
void ngx_http_token_result_give(ngx_token_verdict_t *verdict,
    const ngx_token_str_t *result);


#endif /* _NGX_HTTP_TOKEN_RESULT_H_INCLUDED_ */
