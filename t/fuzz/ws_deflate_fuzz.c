
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/ws_deflate_trace.h"
#include "ws/ngx_token_ws.h"
#include "ws/ngx_token_ws_deflate.h"


/*
 * permessage-deflate.  Input:
 *
 *     +--------+--------+--------+----------+-------- - - -
 *     | what   | limit  | ratio  | sizes    | bytes
 *     | 1 byte | 1 byte | 1 byte | 4 bytes  |
 *     +--------+--------+--------+----------+-------- - - -
 *
 * The lowest two bits of "what" say what the bytes are:
 *
 *     0  frames that a client sends: whole, cut to the four sizes or byte by
 *        byte, they give the same events.  Bit 2: the window is kept
 *     1  the payload of one compressed message; likewise.  Bit 3: of text
 *     2  a message that we compress and inflate; sizes are level, windows and
 *        memory
 *     3  two headers of offers, each the size of a half: joined with a comma,
 *        they give the same answer
 */


#define HEAD    7


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
frames(const uint8_t *data, const uint8_t *in, size_t len)
{
    char               *whole, *split, *bytewise;
    uint8_t             sizes[4];
    ws_deflate_conf_t   conf;

    memset(&conf, 0, sizeof(ws_deflate_conf_t));

    conf.ws.max_message = UINT64_MAX;
    conf.ws.max_frames = 1000;
    conf.inflate.max_message = (uint64_t) data[1] * data[1] * 2;
    conf.inflate.max_ratio = data[2];
    conf.inflate.keep = (data[0] & 4) != 0;

    memcpy(sizes, &data[3], sizeof(sizes));
    sizes[0] |= 1;

    whole = ws_deflate_trace(&conf, in, len, NULL, 0);
    split = ws_deflate_trace(&conf, in, len, sizes, sizeof(sizes));
    bytewise = ws_deflate_trace(&conf, in, len, (const uint8_t *) "\1", 1);

    if (strcmp(whole, split) != 0 || strcmp(whole, bytewise) != 0) {
        fprintf(stderr, "whole:    %s\nsplit:    %s\nbytewise: %s\n",
                whole, split, bytewise);
        abort();
    }

    free(whole);
    free(split);
    free(bytewise);
}


static void
payload(const uint8_t *data, const uint8_t *in, size_t len)
{
    size_t    n;
    uint8_t  *frame;

    frame = malloc(len + NGX_TOKEN_WS_MAX_HEADER + 4);
    ws_trace_check(frame);

    n = ngx_token_ws_header(frame, data[0] & 8 ? NGX_TOKEN_WS_TEXT
                                               : NGX_TOKEN_WS_BINARY, len, 1);
    frame[0] |= NGX_TOKEN_WS_RSV1;
    frame[1] |= 0x80;

    memset(frame + n, 0, 4);
    memcpy(frame + n + 4, in, len);

    frames(data, frame, n + 4 + len);

    free(frame);
}


static void
round_trip(const uint8_t *data, const uint8_t *in, size_t len)
{
    size_t                        n, got, size;
    uint8_t                      *out;
    ngx_token_ws_rc_t             rc;
    ngx_token_ws_event_t          ev, piece;
    ngx_token_ws_deflater_t      *d;
    ngx_token_ws_inflater_t      *inf;
    ngx_token_ws_deflate_conf_t   conf;
    ngx_token_ws_inflate_conf_t   limits;

    conf.level = (unsigned char) (1 + data[3] % 9);
    conf.server_bits = (unsigned char) (9 + data[4] % 7);
    conf.client_bits = 15;
    conf.mem_level = (unsigned char) (1 + data[5] % 9);

    size = len + len / 8 + 64;
    out = malloc(size);
    d = ngx_token_ws_deflater_create(&conf, NULL);
    inf = ngx_token_ws_inflater_create(NULL);
    ws_trace_check(out && d && inf);

    n = ngx_token_ws_deflate(d, in, len, out, size);
    ws_trace_check(n);

    memset(&limits, 0, sizeof(ngx_token_ws_inflate_conf_t));
    limits.max_message = len;

    memset(&piece, 0, sizeof(ngx_token_ws_event_t));
    piece.opcode = NGX_TOKEN_WS_BINARY;
    piece.first = 1;
    piece.last = 1;
    piece.data = out;
    piece.len = n;
    got = 0;

    while ((rc = ngx_token_ws_inflate(inf, &limits, &piece, &ev))
           == NGX_TOKEN_WS_DATA)
    {
        ws_trace_check(ev.len <= len - got);
        ws_trace_check(memcmp(ev.data, in + got, ev.len) == 0);
        got += ev.len;
    }

    ws_trace_check(rc == NGX_TOKEN_WS_AGAIN && got == len);

    ngx_token_ws_inflater_destroy(inf);
    ngx_token_ws_deflater_destroy(d);
    free(out);
}


static void
offers(const uint8_t *data, const uint8_t *in, size_t len)
{
    size_t                        n;
    uint8_t                      *joined, answer[NGX_TOKEN_WS_MAX_ANSWER];
    unsigned                      ok;
    ngx_token_ws_agreement_t      a, b;
    ngx_token_ws_deflate_conf_t   conf;

    conf.level = data[1] & 1;
    conf.server_bits = (unsigned char) (9 + data[2] % 7);
    conf.client_bits = (unsigned char) (9 + data[3] % 7);
    conf.mem_level = 6;

    memset(&a, 0, sizeof(ngx_token_ws_agreement_t));
    memset(&b, 0, sizeof(ngx_token_ws_agreement_t));

    n = len / 2;

    joined = malloc(len + 1);
    ws_trace_check(joined);

    memcpy(joined, in, n);
    joined[n] = ',';
    memcpy(joined + n + 1, in + n, len - n);

    ok = ngx_token_ws_extensions(&conf, joined, n, &a);
    ok &= ngx_token_ws_extensions(&conf, in + n, len - n, &a);

    /* the joined one may also be whole where the halves are not */

    if (ok) {
        ws_trace_check(ngx_token_ws_extensions(&conf, joined, len + 1, &b));
        ws_trace_check(memcmp(&a, &b, sizeof(ngx_token_ws_agreement_t)) == 0);
    }

    if (a.agreed) {
        ws_trace_check(conf.level);
        ws_trace_check(a.server_bits == 0
                       || a.server_bits == conf.server_bits);
        ws_trace_check(a.client_bits <= conf.client_bits);
        ws_trace_check(ngx_token_ws_extensions_answer(&a, answer)
                       <= sizeof(answer));
    }

    free(joined);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t  *in;

    if (size < HEAD) {
        return 0;
    }

    size -= HEAD;

    in = malloc(size + !size);
    ws_trace_check(in);
    memcpy(in, data + HEAD, size);

    switch (data[0] & 3) {

    case 0:
        frames(data, in, size);
        break;

    case 1:
        payload(data, in, size);
        break;

    case 2:
        round_trip(data, in, size);
        break;

    default:
        offers(data, in, size);
    }

    free(in);

    return 0;
}
