
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_WS_UTF8_H_INCLUDED_
#define _NGX_TOKEN_WS_UTF8_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/*
 * Incremental UTF-8 check (RFC 3629): no overlong forms, no surrogates,
 * nothing above U+10FFFF.
 *
 *     state  in/out: start with 0; 0 again means that text may end here
 *
 * Returns: 1, or 0 at the first byte that cannot become valid, and ever after
 * with that state
 */
unsigned ngx_token_ws_utf8(uint32_t *state, const unsigned char *data,
    size_t len);


#endif /* _NGX_TOKEN_WS_UTF8_H_INCLUDED_ */
