
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <stdint.h>
#include <string.h>

#include "token/ngx_token_utf8.h"


#define NGX_TOKEN_UTF8_HIGH  UINT64_C(0x8080808080808080)


/*
 * What may begin a sequence of more than one byte: its length, and the range
 * of the second byte, which excludes overlong forms, surrogates and what is
 * above U+10FFFF (RFC 3629, 4).  Further bytes are 80 to BF.
 */

typedef struct {
    unsigned char            first;       /* lead bytes from */
    unsigned char            end;         /* to, inclusive */
    unsigned char            len;
    unsigned char            lo;          /* second byte from */
    unsigned char            hi;          /* to, inclusive */
} ngx_token_utf8_lead_t;


static const unsigned char *ngx_token_utf8_ascii(const unsigned char *p,
    const unsigned char *last);


static const ngx_token_utf8_lead_t  ngx_token_utf8_leads[] = {
    { 0xc2, 0xdf, 2, 0x80, 0xbf },
    { 0xe0, 0xe0, 3, 0xa0, 0xbf },
    { 0xe1, 0xec, 3, 0x80, 0xbf },
    { 0xed, 0xed, 3, 0x80, 0x9f },
    { 0xee, 0xef, 3, 0x80, 0xbf },
    { 0xf0, 0xf0, 4, 0x90, 0xbf },
    { 0xf1, 0xf3, 4, 0x80, 0xbf },
    { 0xf4, 0xf4, 4, 0x80, 0x8f },
    { 0, 0, 0, 0, 0 }
};


size_t
ngx_token_utf8_len(const unsigned char *p, const unsigned char *last)
{
    size_t                        i;
    const ngx_token_utf8_lead_t  *l;

    if (*p < 0x80) {
        return 1;
    }

    for (l = ngx_token_utf8_leads; l->len; l++) {
        if (*p >= l->first && *p <= l->end) {
            break;
        }
    }

    if (l->len == 0 || (size_t) (last - p) < l->len) {
        return 0;
    }

    if (p[1] < l->lo || p[1] > l->hi) {
        return 0;
    }

    for (i = 2; i < l->len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    return l->len;
}


unsigned
ngx_token_utf8_valid(const unsigned char *p, const unsigned char *last)
{
    size_t  len;

    for ( ;; ) {
        p = ngx_token_utf8_ascii(p, last);

        if (p == last) {
            return 1;
        }

        len = ngx_token_utf8_len(p, last);

        if (len == 0) {
            return 0;
        }

        p += len;
    }
}


/* skips it, eight bytes at a time */

static const unsigned char *
ngx_token_utf8_ascii(const unsigned char *p, const unsigned char *last)
{
    uint64_t  word;

    while (last - p >= 8) {
        memcpy(&word, p, 8);

        if (word & NGX_TOKEN_UTF8_HIGH) {
            break;
        }

        p += 8;
    }

    while (p < last && *p < 0x80) {
        p++;
    }

    return p;
}


size_t
ngx_token_utf8_put(unsigned char out[4], unsigned long code)
{
    if (code < 0x80) {
        out[0] = (unsigned char) code;
        return 1;
    }

    if (code < 0x800) {
        out[0] = (unsigned char) (0xc0 | code >> 6);
        out[1] = (unsigned char) (0x80 | (code & 0x3f));
        return 2;
    }

    if (code < 0x10000) {
        out[0] = (unsigned char) (0xe0 | code >> 12);
        out[1] = (unsigned char) (0x80 | (code >> 6 & 0x3f));
        out[2] = (unsigned char) (0x80 | (code & 0x3f));
        return 3;
    }

    out[0] = (unsigned char) (0xf0 | code >> 18);
    out[1] = (unsigned char) (0x80 | (code >> 12 & 0x3f));
    out[2] = (unsigned char) (0x80 | (code >> 6 & 0x3f));
    out[3] = (unsigned char) (0x80 | (code & 0x3f));

    return 4;
}
