
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_SEARCH_H_INCLUDED_
#define _NGX_HTTP_TOKEN_SEARCH_H_INCLUDED_


#include "http/ngx_http_token_run.h"
#include "http/ngx_http_token_service.h"
#include "store/ngx_token_find.h"


/*
 * The search of a `find` service.  Its value is the text, or an object with
 * the text as "q" and the number of records as "limit".
 *
 * Returns: a search that belongs to the run, or NULL: no memory
 */
ngx_http_token_search_t *ngx_http_token_search(
    ngx_http_token_prepared_t *prepared);

/* Thread: pool. */
void ngx_http_token_search_work(ngx_http_token_search_t *search,
    ngx_token_store_t *store);

/* search: may be NULL */
void ngx_http_token_search_free(ngx_http_token_search_t *search);


#endif /* _NGX_HTTP_TOKEN_SEARCH_H_INCLUDED_ */
