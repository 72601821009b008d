
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_OFFLOAD_H_INCLUDED_
#define _NGX_HTTP_TOKEN_OFFLOAD_H_INCLUDED_


#include "http/ngx_http_token_run.h"


/*
 * Runs the slow part of a token in the offload pool; then the run goes on to
 * the committer, or ends.
 *
 * Returns: NGX_OK, or NGX_BUSY: as many are under way as token_thread_pool
 *          allows, or the pool's queue is full; nothing was begun
 */
ngx_int_t ngx_http_token_offload(ngx_http_token_run_t *run);


#endif /* _NGX_HTTP_TOKEN_OFFLOAD_H_INCLUDED_ */
