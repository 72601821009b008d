
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <string.h>

#include "ws/ngx_token_ws.h"
#include "ws/ngx_token_ws_utf8.h"


#define NGX_TOKEN_WS_FIN      0x80    /* first byte of a frame */
#define NGX_TOKEN_WS_RSV      0x70
#define NGX_TOKEN_WS_OPCODE   0x0f
#define NGX_TOKEN_WS_CTL      0x08

#define NGX_TOKEN_WS_MASKED   0x80    /* second byte */
#define NGX_TOKEN_WS_LEN      0x7f
#define NGX_TOKEN_WS_LEN16    126
#define NGX_TOKEN_WS_LEN64    127

#define NGX_TOKEN_WS_SLACK    64      /* bytes, and an eighth of a message:
                                         what deflate may add to it */

#define NGX_TOKEN_WS_START    2       /* these two bytes */
#define NGX_TOKEN_WS_MASK     4       /* size of the masking key */


typedef enum {
    ngx_token_ws_ok = 0,
    ngx_token_ws_bad_rsv,
    ngx_token_ws_bad_opcode,
    ngx_token_ws_not_masked,
    ngx_token_ws_control_fragment,
    ngx_token_ws_control_long,
    ngx_token_ws_no_message,
    ngx_token_ws_message_open,
    ngx_token_ws_len_not_shortest,
    ngx_token_ws_len_top_bit,
    ngx_token_ws_close_short,
    ngx_token_ws_close_code,
    ngx_token_ws_close_utf8,
    ngx_token_ws_text_utf8,
    ngx_token_ws_message_big,
    ngx_token_ws_message_frames
} ngx_token_ws_fault_e;


typedef struct {
    uint16_t     code;
    const char  *reason;
} ngx_token_ws_fault_t;


/* in the order of ngx_token_ws_fault_e */

static const ngx_token_ws_fault_t  ngx_token_ws_faults[] = {
    { 0, NULL },
    { NGX_TOKEN_WS_PROTOCOL, "reserved bit is set" },
    { NGX_TOKEN_WS_PROTOCOL, "reserved opcode" },
    { NGX_TOKEN_WS_PROTOCOL, "frame is not masked" },
    { NGX_TOKEN_WS_PROTOCOL, "fragmented control frame" },
    { NGX_TOKEN_WS_PROTOCOL, "control frame is too long" },
    { NGX_TOKEN_WS_PROTOCOL, "continuation without a message" },
    { NGX_TOKEN_WS_PROTOCOL, "new message inside a fragmented one" },
    { NGX_TOKEN_WS_PROTOCOL, "length is not in its shortest form" },
    { NGX_TOKEN_WS_PROTOCOL, "length has its top bit set" },
    { NGX_TOKEN_WS_PROTOCOL, "close frame with half a code" },
    { NGX_TOKEN_WS_PROTOCOL, "close code is not allowed" },
    { NGX_TOKEN_WS_BAD_DATA, "close reason is not UTF-8" },
    { NGX_TOKEN_WS_BAD_DATA, "text is not UTF-8" },
    { NGX_TOKEN_WS_TOO_BIG, "message is too big" },
    { NGX_TOKEN_WS_POLICY, "message has too many fragments" }
};


static ngx_token_ws_fault_e ngx_token_ws_head(ngx_token_ws_parser_t *p,
    const ngx_token_ws_conf_t *conf, unsigned char **pos,
    const unsigned char *last);
static size_t ngx_token_ws_head_size(const ngx_token_ws_parser_t *p);
static size_t ngx_token_ws_collect(ngx_token_ws_parser_t *p, size_t want,
    unsigned char **pos, const unsigned char *last);
static ngx_token_ws_fault_e ngx_token_ws_start(ngx_token_ws_parser_t *p);
static unsigned ngx_token_ws_start_compressed(const ngx_token_ws_parser_t *p);
static ngx_token_ws_fault_e ngx_token_ws_start_control(
    const ngx_token_ws_parser_t *p);
static ngx_token_ws_fault_e ngx_token_ws_length(ngx_token_ws_parser_t *p);
static ngx_token_ws_fault_e ngx_token_ws_limit(ngx_token_ws_parser_t *p,
    const ngx_token_ws_conf_t *conf);
static ngx_token_ws_rc_t ngx_token_ws_data(ngx_token_ws_parser_t *p,
    unsigned char **pos, const unsigned char *last, ngx_token_ws_event_t *ev);
static unsigned ngx_token_ws_text(ngx_token_ws_parser_t *p,
    const unsigned char *data, size_t len, unsigned end);
static ngx_token_ws_rc_t ngx_token_ws_control(ngx_token_ws_parser_t *p,
    unsigned char **pos, const unsigned char *last, ngx_token_ws_event_t *ev);
static ngx_token_ws_rc_t ngx_token_ws_close(ngx_token_ws_parser_t *p,
    ngx_token_ws_event_t *ev);
static unsigned ngx_token_ws_close_allowed(unsigned code);
static ngx_token_ws_rc_t ngx_token_ws_error(ngx_token_ws_parser_t *p,
    ngx_token_ws_event_t *ev, ngx_token_ws_fault_e fault);
static void ngx_token_ws_unmask(ngx_token_ws_parser_t *p, unsigned char *data,
    size_t len);


ngx_token_ws_rc_t
ngx_token_ws_parse(ngx_token_ws_parser_t *p, const ngx_token_ws_conf_t *conf,
    unsigned char **pos, unsigned char *last, ngx_token_ws_event_t *ev)
{
    ngx_token_ws_rc_t     rc;
    ngx_token_ws_fault_e  fault;

    /* no event is ever due without input: a frame's last byte gives it */

    while (*pos < last) {

        if (p->closed) {
            *pos = last;
            break;
        }

        if (!p->payload) {
            fault = ngx_token_ws_head(p, conf, pos, last);

            if (fault != ngx_token_ws_ok) {
                return ngx_token_ws_error(p, ev, fault);
            }

            if (!p->payload) {
                break;
            }
        }

        if (p->opcode & NGX_TOKEN_WS_CTL) {
            rc = ngx_token_ws_control(p, pos, last, ev);

        } else {
            rc = ngx_token_ws_data(p, pos, last, ev);
        }

        if (rc != NGX_TOKEN_WS_AGAIN) {
            return rc;
        }
    }

    return NGX_TOKEN_WS_AGAIN;
}


/* sets p->payload when the header is complete */

static ngx_token_ws_fault_e
ngx_token_ws_head(ngx_token_ws_parser_t *p, const ngx_token_ws_conf_t *conf,
    unsigned char **pos, const unsigned char *last)
{
    size_t                size;
    ngx_token_ws_fault_e  fault;

    size = ngx_token_ws_head_size(p);

    if (ngx_token_ws_collect(p, size - p->n, pos, last) > 0) {
        return ngx_token_ws_ok;
    }

    if (size == NGX_TOKEN_WS_START) {

        fault = ngx_token_ws_start(p);

        if (fault != ngx_token_ws_ok) {
            return fault;
        }

        size = ngx_token_ws_head_size(p);

        if (ngx_token_ws_collect(p, size - p->n, pos, last) > 0) {
            return ngx_token_ws_ok;
        }
    }

    fault = ngx_token_ws_length(p);

    if (fault == ngx_token_ws_ok && !(p->opcode & NGX_TOKEN_WS_CTL)) {
        fault = ngx_token_ws_limit(p, conf);
    }

    memcpy(p->mask, &p->buf[size - NGX_TOKEN_WS_MASK], NGX_TOKEN_WS_MASK);

    p->payload = 1;
    p->n = 0;

    return fault;
}


/* as far as it is known: the second byte tells the rest */

static size_t
ngx_token_ws_head_size(const ngx_token_ws_parser_t *p)
{
    size_t  size;

    if (p->n < NGX_TOKEN_WS_START) {
        return NGX_TOKEN_WS_START;
    }

    size = NGX_TOKEN_WS_START + NGX_TOKEN_WS_MASK;

    switch (p->buf[1] & NGX_TOKEN_WS_LEN) {

    case NGX_TOKEN_WS_LEN16:
        return size + 2;

    case NGX_TOKEN_WS_LEN64:
        return size + 8;

    default:
        return size;
    }
}


/* returns how many of the wanted bytes are still missing */

static size_t
ngx_token_ws_collect(ngx_token_ws_parser_t *p, size_t want,
    unsigned char **pos, const unsigned char *last)
{
    size_t  n;

    n = (size_t) (last - *pos);

    if (n > want) {
        n = want;
    }

    memcpy(&p->buf[p->n], *pos, n);

    p->n = (unsigned char) (p->n + n);
    *pos += n;

    return want - n;
}


static ngx_token_ws_fault_e
ngx_token_ws_start(ngx_token_ws_parser_t *p)
{
    unsigned  compressed;

    compressed = ngx_token_ws_start_compressed(p);

    if ((p->buf[0] & NGX_TOKEN_WS_RSV)
        != (compressed ? NGX_TOKEN_WS_RSV1 : 0))
    {
        return ngx_token_ws_bad_rsv;
    }

    if (!(p->buf[1] & NGX_TOKEN_WS_MASKED)) {
        return ngx_token_ws_not_masked;
    }

    p->fin = (p->buf[0] & NGX_TOKEN_WS_FIN) != 0;
    p->opcode = (unsigned) p->buf[0] & NGX_TOKEN_WS_OPCODE;

    switch (p->opcode) {

    case NGX_TOKEN_WS_CONTINUATION:
        return p->type ? ngx_token_ws_ok : ngx_token_ws_no_message;

    case NGX_TOKEN_WS_TEXT:
    case NGX_TOKEN_WS_BINARY:

        if (p->type) {
            return ngx_token_ws_message_open;
        }

        p->type = (unsigned) p->opcode & 0x3;
        p->first = 1;
        p->compressed = compressed & 1;
        p->message = 0;
        p->frames = 0;

        return ngx_token_ws_ok;

    case NGX_TOKEN_WS_CLOSE:
    case NGX_TOKEN_WS_PING:
    case NGX_TOKEN_WS_PONG:
        return ngx_token_ws_start_control(p);

    default:
        return ngx_token_ws_bad_opcode;
    }
}


/* RFC 7692, 6: RSV1 is only for the first frame of a message of data */

static unsigned
ngx_token_ws_start_compressed(const ngx_token_ws_parser_t *p)
{
    unsigned  opcode;

    opcode = p->buf[0] & NGX_TOKEN_WS_OPCODE;

    return p->deflate
           && (p->buf[0] & NGX_TOKEN_WS_RSV1)
           && (opcode == NGX_TOKEN_WS_TEXT || opcode == NGX_TOKEN_WS_BINARY);
}


static ngx_token_ws_fault_e
ngx_token_ws_start_control(const ngx_token_ws_parser_t *p)
{
    if (!p->fin) {
        return ngx_token_ws_control_fragment;
    }

    if ((p->buf[1] & NGX_TOKEN_WS_LEN) > NGX_TOKEN_WS_MAX_CONTROL) {
        return ngx_token_ws_control_long;
    }

    return ngx_token_ws_ok;
}


static ngx_token_ws_fault_e
ngx_token_ws_length(ngx_token_ws_parser_t *p)
{
    size_t    i;
    uint64_t  len, shortest;

    len = p->buf[1] & NGX_TOKEN_WS_LEN;
    shortest = 0;

    if (len >= NGX_TOKEN_WS_LEN16) {

        shortest = len == NGX_TOKEN_WS_LEN16 ? NGX_TOKEN_WS_LEN16 : 0x10000;
        len = 0;

        for (i = NGX_TOKEN_WS_START; i + NGX_TOKEN_WS_MASK < p->n; i++) {
            len = len << 8 | p->buf[i];
        }
    }

    if (len < shortest) {
        return ngx_token_ws_len_not_shortest;
    }

    if (len >> 63) {
        return ngx_token_ws_len_top_bit;
    }

    p->rest = len;

    return ngx_token_ws_ok;
}


static ngx_token_ws_fault_e
ngx_token_ws_limit(ngx_token_ws_parser_t *p, const ngx_token_ws_conf_t *conf)
{
    uint64_t  max, slack;

    max = conf->max_message;

    /* what does not shrink grows, and its limit is of when it is inflated */

    if (p->compressed) {
        slack = max / 8 + NGX_TOKEN_WS_SLACK;
        max = max > UINT64_MAX - slack ? UINT64_MAX : max + slack;
    }

    /* in an order that no sum can overflow */

    if (p->rest > max || p->message > max - p->rest) {
        return ngx_token_ws_message_big;
    }

    if (p->frames >= conf->max_frames) {
        return ngx_token_ws_message_frames;
    }

    p->message += p->rest;
    p->frames++;

    return ngx_token_ws_ok;
}


static ngx_token_ws_rc_t
ngx_token_ws_data(ngx_token_ws_parser_t *p, unsigned char **pos,
    const unsigned char *last, ngx_token_ws_event_t *ev)
{
    size_t          n;
    unsigned        end;
    unsigned char  *data;

    data = *pos;
    n = (size_t) (last - data);

    if (n > p->rest) {
        n = (size_t) p->rest;
    }

    ngx_token_ws_unmask(p, data, n);

    *pos += n;
    p->rest -= n;
    p->payload = p->rest != 0;

    end = p->fin && !p->payload;

    if (p->type == NGX_TOKEN_WS_TEXT && !ngx_token_ws_text(p, data, n, end)) {
        return ngx_token_ws_error(p, ev, ngx_token_ws_text_utf8);
    }

    if (n == 0 && !end) {
        return NGX_TOKEN_WS_AGAIN;
    }

    memset(ev, 0, sizeof(ngx_token_ws_event_t));

    ev->opcode = (ngx_token_ws_opcode_e) p->type;
    ev->first = p->first;
    ev->last = end & 1;
    ev->compressed = p->compressed;
    ev->data = data;
    ev->len = n;

    p->first = 0;

    if (end) {
        p->type = 0;
    }

    return NGX_TOKEN_WS_DATA;
}


static unsigned
ngx_token_ws_text(ngx_token_ws_parser_t *p, const unsigned char *data,
    size_t len, unsigned end)
{
    uint32_t  state;

    if (p->compressed) {
        return 1;
    }

    state = p->utf8;

    if (!ngx_token_ws_utf8(&state, data, len)) {
        return 0;
    }

    p->utf8 = state & 0xf;

    return !end || state == 0;
}


static ngx_token_ws_rc_t
ngx_token_ws_control(ngx_token_ws_parser_t *p, unsigned char **pos,
    const unsigned char *last, ngx_token_ws_event_t *ev)
{
    p->rest = ngx_token_ws_collect(p, (size_t) p->rest, pos, last);

    if (p->rest) {
        return NGX_TOKEN_WS_AGAIN;
    }

    ngx_token_ws_unmask(p, p->buf, p->n);

    memset(ev, 0, sizeof(ngx_token_ws_event_t));

    ev->opcode = (ngx_token_ws_opcode_e) p->opcode;
    ev->data = p->buf;
    ev->len = p->n;

    p->payload = 0;
    p->n = 0;

    if (ev->opcode == NGX_TOKEN_WS_CLOSE) {
        return ngx_token_ws_close(p, ev);
    }

    return NGX_TOKEN_WS_CONTROL;
}


/* takes the code off the payload in ev */

static ngx_token_ws_rc_t
ngx_token_ws_close(ngx_token_ws_parser_t *p, ngx_token_ws_event_t *ev)
{
    uint32_t  state;

    p->closed = 1;

    if (ev->len == 0) {
        ev->code = NGX_TOKEN_WS_NO_STATUS;
        return NGX_TOKEN_WS_CONTROL;
    }

    if (ev->len == 1) {
        return ngx_token_ws_error(p, ev, ngx_token_ws_close_short);
    }

    ev->code = (uint16_t) (ev->data[0] << 8 | ev->data[1]);
    ev->data += 2;
    ev->len -= 2;

    if (!ngx_token_ws_close_allowed(ev->code)) {
        return ngx_token_ws_error(p, ev, ngx_token_ws_close_code);
    }

    state = 0;

    if (!ngx_token_ws_utf8(&state, ev->data, ev->len) || state) {
        return ngx_token_ws_error(p, ev, ngx_token_ws_close_utf8);
    }

    return NGX_TOKEN_WS_CONTROL;
}


/* RFC 6455, 7.4, and the codes that IANA has registered since */

static unsigned
ngx_token_ws_close_allowed(unsigned code)
{
    return (code >= 1000 && code <= 1003)
           || (code >= 1007 && code <= 1014)
           || (code >= 3000 && code <= 4999);
}


static ngx_token_ws_rc_t
ngx_token_ws_error(ngx_token_ws_parser_t *p, ngx_token_ws_event_t *ev,
    ngx_token_ws_fault_e fault)
{
    p->closed = 1;

    memset(ev, 0, sizeof(ngx_token_ws_event_t));

    ev->code = ngx_token_ws_faults[fault].code;
    ev->reason = ngx_token_ws_faults[fault].reason;

    return NGX_TOKEN_WS_ERROR;
}


/* leaves the key turned so that it begins with the next byte's part */

static void
ngx_token_ws_unmask(ngx_token_ws_parser_t *p, unsigned char *data, size_t len)
{
    size_t         i, n;
    uint64_t       word[4], key;
    unsigned char  mask[8];

    memcpy(mask, p->mask, NGX_TOKEN_WS_MASK);
    memcpy(&mask[4], p->mask, NGX_TOKEN_WS_MASK);
    memcpy(&key, mask, sizeof(key));

    /* four words at once: compilers make vectors of them */

    for (n = len; n >= sizeof(word); n -= sizeof(word)) {
        memcpy(word, data, sizeof(word));
        word[0] ^= key;
        word[1] ^= key;
        word[2] ^= key;
        word[3] ^= key;
        memcpy(data, word, sizeof(word));
        data += sizeof(word);
    }

    for ( /* void */ ; n >= sizeof(key); n -= sizeof(key)) {
        memcpy(word, data, sizeof(key));
        word[0] ^= key;
        memcpy(data, word, sizeof(key));
        data += sizeof(key);
    }

    for (i = 0; i < n; i++) {
        data[i] ^= mask[i];
    }

    memcpy(p->mask, &mask[len & 3], NGX_TOKEN_WS_MASK);
}
