
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <string.h>

#include "token/ngx_token_json.h"
#include "token/ngx_token_json_scan.h"
#include "token/ngx_token_utf8.h"


#define NGX_TOKEN_JSON_LONE  0xfffdul     /* for half a surrogate pair */


static ngx_token_str_t ngx_token_json_inside(const ngx_token_str_t *value);
static unsigned long ngx_token_json_code(const unsigned char **p,
    const unsigned char *last, long hi);
static long ngx_token_json_hex4(const unsigned char *p,
    const unsigned char *last);


const unsigned char *
ngx_token_json_skip_string(const unsigned char *p, const unsigned char *last)
{
    const unsigned char  *q;

    p++;
    q = memchr(p, '"', (size_t) (last - p));

    if (q == NULL) {
        return NULL;
    }

    /* most strings have no escaped quote */

    if (q[-1] != '\\') {
        return q + 1;
    }

    for ( /* void */ ; p < last; p++) {

        if (*p == '"') {
            return p + 1;
        }

        if (*p == '\\' && ++p == last) {
            break;
        }
    }

    return NULL;
}


void
ngx_token_json_decode(ngx_token_buf_t *b, const ngx_token_str_t *value)
{
    size_t                len;
    ngx_token_str_t       s;
    unsigned char         utf8[4];
    const unsigned char  *p, *q, *last;

    s = ngx_token_json_inside(value);

    if (s.len == 0) {
        return;
    }

    p = s.data;
    last = p + s.len;

    while (p < last) {

        q = memchr(p, '\\', (size_t) (last - p));

        if (q == NULL) {
            ngx_token_buf_append(b, p, (size_t) (last - p));
            return;
        }

        ngx_token_buf_append(b, p, (size_t) (q - p));

        p = q;
        len = ngx_token_json_unescape(&p, last, utf8);
        ngx_token_buf_append(b, utf8, len);
    }
}


unsigned
ngx_token_json_string_is(const ngx_token_str_t *value,
    const ngx_token_str_t *text)
{
    size_t                i, len;
    ngx_token_str_t       s;
    unsigned char         utf8[4];
    const unsigned char  *p, *last;

    s = ngx_token_json_inside(value);

    /* an escape is longer than what it stands for */

    if (s.len == text->len) {
        return s.len == 0 || memcmp(s.data, text->data, s.len) == 0;
    }

    if (s.len < text->len || memchr(s.data, '\\', s.len) == NULL) {
        return 0;
    }

    p = s.data;
    last = p + s.len;
    i = 0;

    while (p < last) {

        len = ngx_token_json_unescape(&p, last, utf8);

        if (len > text->len - i || memcmp(text->data + i, utf8, len) != 0) {
            return 0;
        }

        i += len;
    }

    return i == text->len;
}


/* the bytes between the quotes */

static ngx_token_str_t
ngx_token_json_inside(const ngx_token_str_t *value)
{
    ngx_token_str_t  s;

    s = ngx_token_json_trim(value);

    if (s.len < 2 || s.data[0] != '"') {
        s.len = 0;
        return s;
    }

    s.data++;
    s.len -= 2;

    return s;
}


size_t
ngx_token_json_unescape(const unsigned char **p, const unsigned char *last,
    unsigned char out[4])
{
    long         code;
    const char  *name;

    static const char  names[] = "\"\\/bfnrt";
    static const char  plain[] = "\"\\/\b\f\n\r\t";

    if (**p != '\\' || last - *p < 2) {
        out[0] = *(*p)++;
        return 1;
    }

    code = ngx_token_json_hex4(*p, last);

    if (code >= 0) {
        return ngx_token_utf8_put(out, ngx_token_json_code(p, last, code));
    }

    name = memchr(names, (*p)[1], sizeof(names) - 1);

    out[0] = name != NULL ? (unsigned char) plain[name - names] : (*p)[1];
    *p += 2;

    return 1;
}


/* hi is the \uXXXX at *p; two may be a surrogate pair: RFC 8259, 7 */

static unsigned long
ngx_token_json_code(const unsigned char **p, const unsigned char *last,
    long hi)
{
    long  lo;

    *p += 6;

    if (hi < 0xd800 || hi > 0xdfff) {
        return (unsigned long) hi;
    }

    lo = ngx_token_json_hex4(*p, last);

    if (hi > 0xdbff || lo < 0xdc00 || lo > 0xdfff) {
        return NGX_TOKEN_JSON_LONE;
    }

    *p += 6;

    return (unsigned long) (0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00));
}


/* the number in \uXXXX, or -1: that is not what stands there */

static long
ngx_token_json_hex4(const unsigned char *p, const unsigned char *last)
{
    int          i;
    long         n;
    const char  *digit;

    static const char  hex[] = "0123456789abcdef";

    if (last - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return -1;
    }

    n = 0;

    for (i = 2; i < 6; i++) {

        /* 0x20 makes letters small, and leaves digits as they are */

        digit = memchr(hex, p[i] | 0x20, sizeof(hex) - 1);

        if (digit == NULL) {
            return -1;
        }

        n = n << 4 | (digit - hex);
    }

    return n;
}
