
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_DEFLATE_H_INCLUDED_
#define _NGX_HTTP_TOKEN_DEFLATE_H_INCLUDED_


#include "http/ngx_http_token_session.h"
#include "ws/ngx_token_ws_deflate.h"


/*
 * permessage-deflate (RFC 7692) in a worker: one deflater and one inflater for
 * all sessions, since no context is taken over in either direction.
 */


/*
 * Makes them, with the highest level that some location has.
 *
 * Returns: NGX_OK, or NGX_ERROR: no memory
 */
ngx_int_t ngx_http_token_deflate_init(ngx_uint_t level);
void ngx_http_token_deflate_exit(void);

/*
 * Compresses one message.
 *
 *     out  out: valid until the next call
 *
 * Returns: the length, or 0: send it as it is
 */
size_t ngx_http_token_deflate(const u_char *data, size_t len, u_char **out);

/*
 * Inflates one whole message.
 *
 *     data, len  in/out: the message; then its contents, valid until the next
 *                call
 *     ev         out: code and reason, for NGX_DECLINED
 *
 * Returns: NGX_OK, NGX_DECLINED: the peer broke a rule
 */
ngx_int_t ngx_http_token_inflate(ngx_http_token_session_t *s,
    ngx_token_ws_opcode_e opcode, u_char **data, size_t *len,
    ngx_token_ws_event_t *ev);


#endif /* _NGX_HTTP_TOKEN_DEFLATE_H_INCLUDED_ */
