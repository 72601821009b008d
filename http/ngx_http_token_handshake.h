
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_HANDSHAKE_H_INCLUDED_
#define _NGX_HTTP_TOKEN_HANDSHAKE_H_INCLUDED_


#include "http/ngx_http_token.h"


/*
 * The opening handshake, server side: RFC 6455, 4.2.  The content handler of
 * token_websocket and token_echo.  When the 101 is flushed the request is
 * freed, and a session takes the connection over.
 */
ngx_int_t ngx_http_token_handshake_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_TOKEN_HANDSHAKE_H_INCLUDED_ */
