
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _WS_TRACE_H_INCLUDED_
#define _WS_TRACE_H_INCLUDED_


#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ws/ngx_token_ws.h"


/*
 * Runs the parser over bytes cut in pieces and writes down the events as
 * text, in which the cuts no longer show:
 *
 *     text(Hel[ping()]lo) binary(\x00\xff) [close(1000 bye)]
 *     [error(1002 reserved opcode)]
 *
 * What an ERROR leaves of a message depends on the cuts: it is taken off back
 * to the last control frame inside the message, or to its beginning.
 *
 * Every piece lies in memory of its own size, for the sanitizers.  What no
 * event may do, aborts.
 */


typedef struct {
    char                    *text;
    size_t                   len;
    size_t                   size;
    size_t                   keep;        /* what an ERROR leaves */
    unsigned                 open;        /* a message is */
    unsigned                 ended;       /* CLOSE or ERROR was seen */
} ws_trace_t;


#define ws_trace_check(cond)                                                  \
    if (!(cond)) {                                                            \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);            \
        abort();                                                              \
    }


static inline void
ws_trace_room(ws_trace_t *t, size_t n)
{
    if (t->size - t->len > n) {
        return;
    }

    t->size = 2 * t->size + n + 256;
    t->text = realloc(t->text, t->size);

    ws_trace_check(t->text);
}


static inline void
ws_trace_say(ws_trace_t *t, const char *s)
{
    size_t  n;

    n = strlen(s);

    ws_trace_room(t, n);
    memcpy(t->text + t->len, s, n + 1);
    t->len += n;
}


static inline void
ws_trace_say_code(ws_trace_t *t, unsigned code, const char *s)
{
    char  buf[16];

    (void) snprintf(buf, sizeof(buf), "%u ", code);

    ws_trace_say(t, buf);
    ws_trace_say(t, s);
}


static inline void
ws_trace_say_bytes(ws_trace_t *t, const unsigned char *data, size_t len)
{
    static const char  hex[] = "0123456789abcdef";

    size_t  i;

    ws_trace_room(t, 4 * len);

    for (i = 0; i < len; i++) {

        if (data[i] >= 0x20 && data[i] < 0x7f && data[i] != '\\') {
            t->text[t->len++] = (char) data[i];
            continue;
        }

        t->text[t->len++] = '\\';
        t->text[t->len++] = 'x';
        t->text[t->len++] = hex[data[i] >> 4];
        t->text[t->len++] = hex[data[i] & 0xf];
    }

    t->text[t->len] = '\0';
}


static inline void
ws_trace_data(ws_trace_t *t, const ngx_token_ws_event_t *ev)
{
    ws_trace_check(ev->first == !t->open);
    ws_trace_check(ev->code == 0 && ev->reason == NULL && ev->data);
    ws_trace_check(ev->len || ev->last);

    if (ev->first) {
        t->keep = t->len;
        t->open = 1;

        ws_trace_check(ev->opcode == NGX_TOKEN_WS_TEXT
                       || ev->opcode == NGX_TOKEN_WS_BINARY);

        ws_trace_say(t, ev->opcode == NGX_TOKEN_WS_TEXT ? "text("
                                                        : "binary(");
    }

    ws_trace_say_bytes(t, ev->data, ev->len);

    if (ev->last) {
        ws_trace_say(t, ")");
        t->keep = t->len;
        t->open = 0;
    }
}


static inline void
ws_trace_control(ws_trace_t *t, const ngx_token_ws_event_t *ev)
{
    ws_trace_check(ev->reason == NULL && !ev->first && !ev->last);
    ws_trace_check(ev->len <= NGX_TOKEN_WS_MAX_CONTROL);

    switch (ev->opcode) {

    case NGX_TOKEN_WS_PING:
        ws_trace_check(ev->code == 0);
        ws_trace_say(t, "[ping(");
        break;

    case NGX_TOKEN_WS_PONG:
        ws_trace_check(ev->code == 0);
        ws_trace_say(t, "[pong(");
        break;

    default:
        ws_trace_check(ev->opcode == NGX_TOKEN_WS_CLOSE && ev->code);
        ws_trace_say(t, "[close(");
        ws_trace_say_code(t, ev->code, "");
        t->ended = 1;
    }

    ws_trace_say_bytes(t, ev->data, ev->len);
    ws_trace_say(t, ")]");

    t->keep = t->len;
}


static inline void
ws_trace_error(ws_trace_t *t, const ngx_token_ws_event_t *ev)
{
    ws_trace_check(ev->code && ev->reason && ev->data == NULL);
    ws_trace_check(ev->len == 0 && !ev->first && !ev->last);
    ws_trace_check(strlen(ev->reason) <= NGX_TOKEN_WS_MAX_CONTROL - 2);

    t->len = t->keep;
    t->ended = 1;

    ws_trace_say(t, "[error(");
    ws_trace_say_code(t, ev->code, ev->reason);
    ws_trace_say(t, ")]");
}


/* one piece of input, copied to memory of its size */

static inline void
ws_trace_piece(ws_trace_t *t, ngx_token_ws_parser_t *p,
    const ngx_token_ws_conf_t *conf, const unsigned char *in, size_t len)
{
    unsigned char         *piece, *pos, *before;
    ngx_token_ws_rc_t      rc;
    ngx_token_ws_event_t   ev;

    piece = malloc(len + !len);
    ws_trace_check(piece);

    memcpy(piece, in, len);
    pos = piece;

    for ( ;; ) {
        before = pos;
        rc = ngx_token_ws_parse(p, conf, &pos, piece + len, &ev);

        ws_trace_check(pos >= before && pos <= piece + len);

        if (rc == NGX_TOKEN_WS_AGAIN) {
            break;
        }

        ws_trace_check(!t->ended && pos > before);

        if (rc == NGX_TOKEN_WS_DATA) {
            ws_trace_check(ev.data >= before && ev.data + ev.len == pos);
            ws_trace_data(t, &ev);

        } else if (rc == NGX_TOKEN_WS_CONTROL) {
            ws_trace_check(ev.data >= p->buf
                           && ev.data + ev.len <= p->buf + sizeof(p->buf));
            ws_trace_control(t, &ev);

        } else {
            ws_trace_check(rc == NGX_TOKEN_WS_ERROR);
            ws_trace_error(t, &ev);
        }
    }

    ws_trace_check(pos == piece + len);

    free(piece);
}


/*
 * Cuts the input in pieces of chops[0], chops[1], ... bytes (not all 0), again
 * and again; without chops, leaves it whole.
 *
 * Returns: the events, to be freed
 */

static inline char *
ws_trace(const ngx_token_ws_conf_t *conf, const unsigned char *in, size_t len,
    const unsigned char *chops, size_t nchops)
{
    size_t                 i, n;
    ws_trace_t             t;
    ngx_token_ws_parser_t  p;

    memset(&t, 0, sizeof(ws_trace_t));
    memset(&p, 0, sizeof(ngx_token_ws_parser_t));

    ws_trace_say(&t, "");

    for (i = 0; len; i++) {
        n = nchops ? chops[i % nchops] : len;

        if (n > len) {
            n = len;
        }

        ws_trace_piece(&t, &p, conf, in, n);

        in += n;
        len -= n;
    }

    return t.text;
}


#endif /* _WS_TRACE_H_INCLUDED_ */
