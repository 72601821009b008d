
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <string.h>

#include "ws/ngx_token_ws.h"


#define NGX_TOKEN_WS_FIN  0x80


static size_t ngx_token_ws_cut(const char *text, size_t max);


size_t
ngx_token_ws_header(unsigned char *buf, ngx_token_ws_opcode_e opcode,
    uint64_t len, unsigned fin)
{
    unsigned        shift;
    unsigned char  *p;

    p = buf;

    *p++ = (unsigned char) (opcode | (fin ? NGX_TOKEN_WS_FIN : 0));

    if (len < 126) {
        *p++ = (unsigned char) len;
        return 2;
    }

    if (len <= 0xffff) {
        *p++ = 126;
        shift = 16;

    } else {
        *p++ = 127;
        shift = 64;
    }

    while (shift) {
        shift -= 8;
        *p++ = (unsigned char) (len >> shift & 0xff);
    }

    return (size_t) (p - buf);
}


size_t
ngx_token_ws_close_frame(unsigned char *buf, uint16_t code, const char *reason)
{
    size_t          n;
    unsigned char  *p;

    /* RFC 6455, 7.4.1: these two must not be sent */

    if (code == NGX_TOKEN_WS_NO_STATUS || code == NGX_TOKEN_WS_ABNORMAL) {
        return ngx_token_ws_header(buf, NGX_TOKEN_WS_CLOSE, 0, 1);
    }

    n = reason ? ngx_token_ws_cut(reason, NGX_TOKEN_WS_MAX_CONTROL - 2) : 0;

    p = buf + ngx_token_ws_header(buf, NGX_TOKEN_WS_CLOSE, n + 2, 1);

    *p++ = (unsigned char) (code >> 8);
    *p++ = (unsigned char) (code & 0xff);

    if (n) {
        memcpy(p, reason, n);
        p += n;
    }

    return (size_t) (p - buf);
}


/* the length of as many whole characters as fit in max bytes */

static size_t
ngx_token_ws_cut(const char *text, size_t max)
{
    size_t  n;

    n = strlen(text);

    if (n <= max) {
        return n;
    }

    n = max;

    while (n && ((unsigned char) text[n] & 0xc0) == 0x80) {
        n--;
    }

    return n;
}
