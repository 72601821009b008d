
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_RESOURCE_H_INCLUDED_
#define _NGX_HTTP_TOKEN_RESOURCE_H_INCLUDED_


#include "http/ngx_http_token.h"


/*
 * token_resource: channels as HTTP resources, as they are at the moment.  What
 * is long is answered in pieces of a bounded size, as it is read here, on the
 * event loop (DESIGN G8).
 */


/* A content handler. */
ngx_int_t ngx_http_token_resource_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_TOKEN_RESOURCE_H_INCLUDED_ */
