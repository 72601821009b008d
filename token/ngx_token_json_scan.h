
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_JSON_SCAN_H_INCLUDED_
#define _NGX_TOKEN_JSON_SCAN_H_INCLUDED_


#include "token/ngx_token.h"


/*
 * What the json files share; private to token/.  All of it is safe on bytes
 * that nobody has checked.
 */


/* RFC 8259, 2 */

#define ngx_token_json_space(ch)                                              \
    ((ch) == ' ' || (ch) == '\t' || (ch) == '\n' || (ch) == '\r')


/* The slice without white space at its ends; most have none. */

static inline ngx_token_str_t
ngx_token_json_trim(const ngx_token_str_t *value)
{
    ngx_token_str_t  v;

    v = *value;

    while (v.len && ngx_token_json_space(v.data[0])) {
        v.data++;
        v.len--;
    }

    while (v.len && ngx_token_json_space(v.data[v.len - 1])) {
        v.len--;
    }

    return v;
}

/*
 * Skips a string.
 *
 *     p  its opening quote
 *
 * Returns: behind its closing quote, or NULL: there is none before last
 */
const unsigned char *ngx_token_json_skip_string(const unsigned char *p,
    const unsigned char *last);

/* Whether a JSON string, with its quotes, decodes to that text. */
unsigned ngx_token_json_string_is(const ngx_token_str_t *value,
    const ngx_token_str_t *text);

/*
 * Reads one byte or one escape sequence from inside a string.
 *
 *     p    in/out: *p < last
 *     out  its UTF-8, or the byte as it is
 *
 * Returns: the number of bytes written, 1 to 4; never more than were read
 */
size_t ngx_token_json_unescape(const unsigned char **p,
    const unsigned char *last, unsigned char out[4]);


#endif /* _NGX_TOKEN_JSON_SCAN_H_INCLUDED_ */
