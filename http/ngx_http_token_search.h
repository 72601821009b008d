
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_SEARCH_H_INCLUDED_
#define _NGX_HTTP_TOKEN_SEARCH_H_INCLUDED_


#include "http/ngx_http_token_handler.h"


/* bytes of a search: every record is compared with it */

#define NGX_HTTP_TOKEN_SEARCH_MAX  1024


/*
 * The handler of a `find` service.  Its value is the text, or an object with
 * the text as "q" and the number of records as "limit".
 *
 *     log  its name; is not copied
 *
 * Returns: a handler of cf->pool, or NULL: no memory
 */
ngx_http_token_handler_t *ngx_http_token_search(ngx_conf_t *cf,
    ngx_str_t *log);


#endif /* _NGX_HTTP_TOKEN_SEARCH_H_INCLUDED_ */
