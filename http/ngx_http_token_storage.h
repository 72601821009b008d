
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_STORAGE_H_INCLUDED_
#define _NGX_HTTP_TOKEN_STORAGE_H_INCLUDED_


#include "http/ngx_http_token.h"


/*
 * The store's directory, seen by the master when it reads the configuration:
 * made, given to the user of the workers, and looked at, so that what would
 * fail in the workers is said by "nginx -t".  No file of the store is made or
 * changed here.
 *
 * Returns: NGX_OK, or NGX_ERROR: logged, with file and line of token_store
 */
ngx_int_t ngx_http_token_storage_init(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf);


#endif /* _NGX_HTTP_TOKEN_STORAGE_H_INCLUDED_ */
