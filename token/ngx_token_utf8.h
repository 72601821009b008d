
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_UTF8_H_INCLUDED_
#define _NGX_TOKEN_UTF8_H_INCLUDED_


#include <stddef.h>


/*
 * The length of the UTF-8 sequence (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF) at p, p < last.
 *
 * Returns: 1 to 4, or 0: there is none
 */
size_t ngx_token_utf8_len(const unsigned char *p, const unsigned char *last);

/* Whether all the bytes from p to last are UTF-8. */
unsigned ngx_token_utf8_valid(const unsigned char *p,
    const unsigned char *last);

/*
 * Writes a code point that is not a surrogate, up to U+10FFFF.
 *
 * Returns: the number of bytes, 1 to 4
 */
size_t ngx_token_utf8_put(unsigned char out[4], unsigned long code);


#endif /* _NGX_TOKEN_UTF8_H_INCLUDED_ */
