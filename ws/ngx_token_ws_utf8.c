
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <string.h>

#include "ws/ngx_token_ws_utf8.h"


/*
 * A state says which byte may come next.  Only the byte after the first is
 * ever bound more tightly than 80..bf: that is what keeps out overlong forms
 * (after e0, f0), surrogates (after ed) and all above U+10FFFF (after f4).
 *
 *     start -- 00..7f ----------------------------------> start
 *           -- c2..df --> one ---- 80..bf --------------> start
 *           -- e0 ------> e0 ----- a0..bf --> one
 *           -- e1..ef --> two ---- 80..bf --> one
 *           -- ed ------> ed ----- 80..9f --> one
 *           -- f0 ------> f0 ----- 90..bf --> two
 *           -- f1..f3 --> three -- 80..bf --> two
 *           -- f4 ------> f4 ----- 80..8f --> two
 */

enum {
    ngx_token_ws_utf8_start = 0,
    ngx_token_ws_utf8_one,
    ngx_token_ws_utf8_two,
    ngx_token_ws_utf8_three,
    ngx_token_ws_utf8_e0,
    ngx_token_ws_utf8_ed,
    ngx_token_ws_utf8_f0,
    ngx_token_ws_utf8_f4,
    ngx_token_ws_utf8_bad
};


typedef struct {
    unsigned char  low;
    unsigned char  high;
    unsigned char  next;
} ngx_token_ws_utf8_rule_t;


/* what may follow in each state; of "start" and "bad": nothing */

static const ngx_token_ws_utf8_rule_t  ngx_token_ws_utf8_rules[] = {
    { 0xff, 0x00, ngx_token_ws_utf8_bad },
    { 0x80, 0xbf, ngx_token_ws_utf8_start },
    { 0x80, 0xbf, ngx_token_ws_utf8_one },
    { 0x80, 0xbf, ngx_token_ws_utf8_two },
    { 0xa0, 0xbf, ngx_token_ws_utf8_one },
    { 0x80, 0x9f, ngx_token_ws_utf8_one },
    { 0x90, 0xbf, ngx_token_ws_utf8_two },
    { 0x80, 0x8f, ngx_token_ws_utf8_two },
    { 0xff, 0x00, ngx_token_ws_utf8_bad }
};


/* the states after a first byte of c0..ff; 8 is "bad" */

static const unsigned char  ngx_token_ws_utf8_first[] = {
    8, 8, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,   /* c0..cf */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,   /* d0..df */
    4, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 5, 2, 2,   /* e0..ef */
    6, 3, 3, 3, 7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8    /* f0..ff */
};


static const unsigned char *ngx_token_ws_utf8_skip(const unsigned char *p,
    const unsigned char *last);
static const unsigned char *ngx_token_ws_utf8_ascii(const unsigned char *p,
    const unsigned char *last);
static size_t ngx_token_ws_utf8_char(const unsigned char *p);
static unsigned ngx_token_ws_utf8_tail(unsigned c);
static unsigned ngx_token_ws_utf8_next(unsigned state, unsigned char c);


unsigned
ngx_token_ws_utf8(uint32_t *state, const unsigned char *data, size_t len)
{
    unsigned              s;
    const unsigned char  *p, *last;

    s = *state;
    p = data;
    last = data + len;

    for ( ;; ) {

        if (s == ngx_token_ws_utf8_start) {
            p = ngx_token_ws_utf8_skip(p, last);
        }

        if (p == last || s == ngx_token_ws_utf8_bad) {
            break;
        }

        s = ngx_token_ws_utf8_next(s, *p++);
    }

    *state = s;

    return s != ngx_token_ws_utf8_bad;
}


/*
 * Skips whole characters that are right: the states are for those that are
 * cut, and to tell which byte is wrong.
 */

static const unsigned char *
ngx_token_ws_utf8_skip(const unsigned char *p, const unsigned char *last)
{
    size_t  n;

    for ( ;; ) {

        while (last - p >= 4) {
            n = ngx_token_ws_utf8_char(p);

            if (n == 0) {
                break;
            }

            p += n;
        }

        if (p == last || *p >= 0x80) {
            return p;
        }

        p = ngx_token_ws_utf8_ascii(p, last);
    }
}


/* skips a run of ASCII, 32 bytes at a time while they last */

static const unsigned char *
ngx_token_ws_utf8_ascii(const unsigned char *p, const unsigned char *last)
{
    uint64_t  word[4];

    while ((size_t) (last - p) >= sizeof(word)) {
        memcpy(word, p, sizeof(word));

        if ((word[0] | word[1] | word[2] | word[3])
            & UINT64_C(0x8080808080808080))
        {
            break;
        }

        p += sizeof(word);
    }

    while ((size_t) (last - p) >= sizeof(word[0])) {
        memcpy(word, p, sizeof(word[0]));

        if (word[0] & UINT64_C(0x8080808080808080)) {
            break;
        }

        p += sizeof(word[0]);
    }

    while (p < last && *p < 0x80) {
        p++;
    }

    return p;
}


/*
 * The length, 2 to 4, of the character that begins at p, where four bytes can
 * be read; 0: it is ASCII, or wrong.
 */

static size_t
ngx_token_ws_utf8_char(const unsigned char *p)
{
    unsigned  first, second;

    first = p[0];
    second = p[1];

    if (first < 0xe0) {
        return first >= 0xc2 && ngx_token_ws_utf8_tail(second) ? 2 : 0;
    }

    if (!ngx_token_ws_utf8_tail(second) || !ngx_token_ws_utf8_tail(p[2])) {
        return 0;
    }

    /* as the states have it: no longer form, no surrogate, no more */

    if (first < 0xf0) {
        return (first == 0xe0 && second < 0xa0)
               || (first == 0xed && second > 0x9f) ? 0 : 3;
    }

    if (!ngx_token_ws_utf8_tail(p[3]) || first > 0xf4) {
        return 0;
    }

    return (first == 0xf0 && second < 0x90)
           || (first == 0xf4 && second > 0x8f) ? 0 : 4;
}


static unsigned
ngx_token_ws_utf8_tail(unsigned c)
{
    return (c ^ 0x80) < 0x40;
}


static unsigned
ngx_token_ws_utf8_next(unsigned state, unsigned char c)
{
    const ngx_token_ws_utf8_rule_t  *rule;

    if (state == ngx_token_ws_utf8_start) {
        return c < 0xc0 ? ngx_token_ws_utf8_bad
                        : ngx_token_ws_utf8_first[c - 0xc0];
    }

    rule = &ngx_token_ws_utf8_rules[state];

    if (c < rule->low || c > rule->high) {
        return ngx_token_ws_utf8_bad;
    }

    return rule->next;
}
