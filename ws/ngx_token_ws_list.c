
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <string.h>

#include "ws/ngx_token_ws.h"


#define NGX_TOKEN_WS_KEY_LEN     24     /* 16 bytes in base64 */
#define NGX_TOKEN_WS_KEY_DIGITS  22     /* of them, the rest is padding */


typedef unsigned (*ngx_token_ws_equal_pt)(const unsigned char *a,
    const unsigned char *b, size_t len);


static unsigned ngx_token_ws_list(const unsigned char *list, size_t len,
    const char *item, ngx_token_ws_equal_pt equal);
static unsigned ngx_token_ws_equal(const unsigned char *a,
    const unsigned char *b, size_t len);
static unsigned ngx_token_ws_equal_nocase(const unsigned char *a,
    const unsigned char *b, size_t len);
static unsigned char ngx_token_ws_lower(unsigned char c);
static unsigned ngx_token_ws_space(unsigned char c);
static unsigned ngx_token_ws_base64(unsigned char c);


unsigned
ngx_token_ws_has_token(const unsigned char *list, size_t len,
    const char *token)
{
    return ngx_token_ws_list(list, len, token, ngx_token_ws_equal_nocase);
}


unsigned
ngx_token_ws_has_protocol(const unsigned char *list, size_t len,
    const char *protocol)
{
    return ngx_token_ws_list(list, len, protocol, ngx_token_ws_equal);
}


unsigned
ngx_token_ws_key_valid(const unsigned char *key, size_t len)
{
    size_t  i;

    if (len != NGX_TOKEN_WS_KEY_LEN) {
        return 0;
    }

    for (i = 0; i < NGX_TOKEN_WS_KEY_DIGITS; i++) {
        if (!ngx_token_ws_base64(key[i])) {
            return 0;
        }
    }

    /*
     * The last digit holds four bits that belong to no byte.  They are not
     * checked: the RFC's own example, 4.1, has them set.
     */

    return key[22] == '=' && key[23] == '=';
}


/* items are separated by commas, may be empty and padded with spaces, tabs */

static unsigned
ngx_token_ws_list(const unsigned char *list, size_t len, const char *item,
    ngx_token_ws_equal_pt equal)
{
    size_t                n;
    const unsigned char  *p, *end, *next, *last;

    n = strlen(item);

    if (len == 0 || n == 0) {
        return 0;
    }

    last = list + len;

    for (p = list; p < last; p = next + 1) {

        next = memchr(p, ',', (size_t) (last - p));

        if (next == NULL) {
            next = last;
        }

        end = next;

        while (p < end && ngx_token_ws_space(*p)) {
            p++;
        }

        while (p < end && ngx_token_ws_space(end[-1])) {
            end--;
        }

        if ((size_t) (end - p) == n
            && equal(p, (const unsigned char *) item, n))
        {
            return 1;
        }

        if (next == last) {
            break;
        }
    }

    return 0;
}


static unsigned
ngx_token_ws_equal(const unsigned char *a, const unsigned char *b, size_t len)
{
    return memcmp(a, b, len) == 0;
}


static unsigned
ngx_token_ws_equal_nocase(const unsigned char *a, const unsigned char *b,
    size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (ngx_token_ws_lower(a[i]) != ngx_token_ws_lower(b[i])) {
            return 0;
        }
    }

    return 1;
}


/* libc's functions follow the locale */

static unsigned char
ngx_token_ws_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char) (c | 0x20) : c;
}


static unsigned
ngx_token_ws_space(unsigned char c)
{
    return c == ' ' || c == '\t';
}


static unsigned
ngx_token_ws_base64(unsigned char c)
{
    return (c >= 'A' && c <= 'Z')
           || (c >= 'a' && c <= 'z')
           || (c >= '0' && c <= '9')
           || c == '+'
           || c == '/';
}
