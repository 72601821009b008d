
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <stdlib.h>
#include <string.h>

#include "token/ngx_token_buf.h"
#include "token/ngx_token_utf8.h"


#define NGX_TOKEN_BUF_MIN  256

/* that byte eight times */
#define NGX_TOKEN_BUF_ALL(ch)  (UINT64_C(0x0101010101010101) * (ch))


static const unsigned char *ngx_token_buf_plain(const unsigned char *p,
    const unsigned char *last);
static void ngx_token_buf_json_escape(ngx_token_buf_t *b, unsigned char ch);


unsigned char *
ngx_token_buf_reserve(ngx_token_buf_t *b, size_t n)
{
    size_t          size;
    unsigned char  *data;

    if (b->failed) {
        return NULL;
    }

    if (b->data != NULL && n <= b->size - b->len) {
        return b->data + b->len;
    }

    if (n > SIZE_MAX / 2 - b->len) {
        b->failed = 1;
        return NULL;
    }

    size = b->size < NGX_TOKEN_BUF_MIN ? NGX_TOKEN_BUF_MIN : b->size;

    while (size < b->len + n) {
        size *= 2;
    }

    data = realloc(b->data, size);

    if (data == NULL) {
        b->failed = 1;
        return NULL;
    }

    b->data = data;
    b->size = size;

    return data + b->len;
}


void
ngx_token_buf_uint(ngx_token_buf_t *b, uint64_t n)
{
    char   text[20];
    char  *p;

    p = text + sizeof(text);

    do {
        *--p = (char) ('0' + n % 10);
        n /= 10;
    } while (n);

    ngx_token_buf_append(b, p, (size_t) (text + sizeof(text) - p));
}


void
ngx_token_buf_json_string(ngx_token_buf_t *b, const ngx_token_str_t *s)
{
    size_t                len;
    const unsigned char  *p, *last, *run;

    ngx_token_buf_append(b, "\"", 1);

    p = s->data;
    last = s->len ? p + s->len : p;
    run = p;

    for ( ;; ) {

        p = ngx_token_buf_plain(p, last);

        if (p == last) {
            break;
        }

        len = ngx_token_utf8_len(p, last);

        if (len > 1) {
            p += len;
            continue;
        }

        ngx_token_buf_append(b, run, (size_t) (p - run));

        if (len) {
            ngx_token_buf_json_escape(b, *p);

        } else {
            ngx_token_buf_str(b, "\xef\xbf\xbd");
        }

        run = ++p;
    }

    ngx_token_buf_append(b, run, (size_t) (p - run));
    ngx_token_buf_append(b, "\"", 1);
}


/*
 * Skips ASCII that stands for itself, eight bytes at a time: the highest bit
 * of a byte of "other" is set where it is below 0x20, '"', '\\' or not ASCII
 * (and perhaps in bytes after such a one).
 */

static const unsigned char *
ngx_token_buf_plain(const unsigned char *p, const unsigned char *last)
{
    uint64_t  word, quote, slash, other;

    while (last - p >= 8) {
        memcpy(&word, p, 8);

        quote = word ^ NGX_TOKEN_BUF_ALL('"');
        slash = word ^ NGX_TOKEN_BUF_ALL('\\');

        other = word
                | (word - NGX_TOKEN_BUF_ALL(0x20))
                | (quote - NGX_TOKEN_BUF_ALL(1))
                | (slash - NGX_TOKEN_BUF_ALL(1));

        if (other & NGX_TOKEN_BUF_ALL(0x80)) {
            break;
        }

        p += 8;
    }

    while (p < last && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }

    return p;
}


static void
ngx_token_buf_json_escape(ngx_token_buf_t *b, unsigned char ch)
{
    char         text[] = "\\u0000";
    const char  *p;

    static const char  plain[] = "\"\\\b\f\n\r\t";
    static const char  names[] = "\"\\bfnrt";

    p = ch ? strchr(plain, ch) : NULL;

    if (p != NULL) {
        text[1] = names[p - plain];
        ngx_token_buf_append(b, text, 2);
        return;
    }

    text[4] = "0123456789abcdef"[ch >> 4];
    text[5] = "0123456789abcdef"[ch & 0xf];

    ngx_token_buf_append(b, text, 6);
}


void
ngx_token_buf_reset(ngx_token_buf_t *b)
{
    b->len = 0;
    b->failed = 0;
}


void
ngx_token_buf_free(ngx_token_buf_t *b)
{
    free(b->data);
    memset(b, 0, sizeof(ngx_token_buf_t));
}
