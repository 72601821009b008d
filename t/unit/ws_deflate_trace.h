
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _WS_DEFLATE_TRACE_H_INCLUDED_
#define _WS_DEFLATE_TRACE_H_INCLUDED_


#include "t/unit/ws_trace.h"
#include "ws/ngx_token_ws_deflate.h"


/*
 * The same as ws_trace(), for a connection with permessage-deflate: what is
 * compressed is inflated as it arrives, by one inflater.
 */


typedef struct {
    ngx_token_ws_conf_t          ws;
    ngx_token_ws_inflate_conf_t  inflate;
} ws_deflate_conf_t;


typedef struct {
    const ws_deflate_conf_t     *conf;
    ngx_token_ws_parser_t        parser;
    ngx_token_ws_inflater_t     *inflater;
    ws_trace_t                   trace;
} ws_deflate_trace_t;


static inline void
ws_deflate_trace_data(ws_deflate_trace_t *t, ngx_token_ws_event_t *in)
{
    ngx_token_ws_rc_t     rc;
    ngx_token_ws_event_t  ev;

    if (!in->compressed) {
        ws_trace_data(&t->trace, in);
        return;
    }

    for ( ;; ) {
        rc = ngx_token_ws_inflate(t->inflater, &t->conf->inflate, in, &ev);

        if (rc == NGX_TOKEN_WS_AGAIN) {
            ws_trace_check(in->len == 0);
            return;
        }

        if (rc == NGX_TOKEN_WS_ERROR) {
            ws_trace_error(&t->trace, &ev);
            return;
        }

        ws_trace_check(rc == NGX_TOKEN_WS_DATA && !ev.compressed);
        ws_trace_data(&t->trace, &ev);
    }
}


static inline void
ws_deflate_trace_piece(ws_deflate_trace_t *t, const unsigned char *in,
    size_t len)
{
    unsigned char         *piece, *pos;
    ngx_token_ws_rc_t      rc;
    ngx_token_ws_event_t   ev;

    piece = malloc(len + !len);
    ws_trace_check(piece);

    memcpy(piece, in, len);
    pos = piece;

    while (!t->trace.ended) {
        rc = ngx_token_ws_parse(&t->parser, &t->conf->ws, &pos, piece + len,
                                &ev);

        if (rc == NGX_TOKEN_WS_AGAIN) {
            ws_trace_check(pos == piece + len);
            break;
        }

        if (rc == NGX_TOKEN_WS_DATA) {
            ws_deflate_trace_data(t, &ev);

        } else if (rc == NGX_TOKEN_WS_CONTROL) {
            ws_trace_check(!ev.compressed);
            ws_trace_control(&t->trace, &ev);

        } else {
            ws_trace_check(rc == NGX_TOKEN_WS_ERROR && !ev.compressed);
            ws_trace_error(&t->trace, &ev);
        }
    }

    free(piece);
}


/*
 * Cuts the input in pieces, as ws_trace() does.
 *
 * Returns: the events, to be freed
 */

static inline char *
ws_deflate_trace(const ws_deflate_conf_t *conf, const unsigned char *in,
    size_t len, const unsigned char *chops, size_t nchops)
{
    size_t              i, n;
    ws_deflate_trace_t  t;

    memset(&t, 0, sizeof(ws_deflate_trace_t));

    t.conf = conf;
    t.parser.deflate = 1;
    t.inflater = ngx_token_ws_inflater_create(NULL);
    ws_trace_check(t.inflater);

    ws_trace_say(&t.trace, "");

    for (i = 0; len; i++) {
        n = nchops ? chops[i % nchops] : len;

        if (n > len) {
            n = len;
        }

        ws_deflate_trace_piece(&t, in, n);

        in += n;
        len -= n;
    }

    ngx_token_ws_inflater_destroy(t.inflater);

    return t.trace.text;
}


#endif /* _WS_DEFLATE_TRACE_H_INCLUDED_ */
