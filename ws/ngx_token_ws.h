
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_WS_H_INCLUDED_
#define _NGX_TOKEN_WS_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/*
 * The WebSocket codec, server side: RFC 6455 framing; RFC 7692 is in
 * ws/ngx_token_ws_deflate.h.  Pure functions over bytes: no I/O, no
 * allocation, no nginx.  The parser is incremental: any split of the input
 * gives the same events, but for where the pieces of a payload are cut, and
 * for how much of an unfinished message comes before the ERROR that ends it.
 *
 * Thread:  any; one at a time for one parser.
 */


#define NGX_TOKEN_WS_MAX_CONTROL  125     /* RFC 6455, 5.5 */
#define NGX_TOKEN_WS_MAX_HEADER   10      /* of a server's frame */

#define NGX_TOKEN_WS_RSV1         0x40    /* in the first byte of the first
                                             frame of a compressed message:
                                             RFC 7692, 6 */


typedef enum {
    NGX_TOKEN_WS_CONTINUATION = 0x0,
    NGX_TOKEN_WS_TEXT = 0x1,
    NGX_TOKEN_WS_BINARY = 0x2,
    NGX_TOKEN_WS_CLOSE = 0x8,
    NGX_TOKEN_WS_PING = 0x9,
    NGX_TOKEN_WS_PONG = 0xa
} ngx_token_ws_opcode_e;


/* close codes, RFC 6455, 7.4.1, and those of PROTOCOL.md */

#define NGX_TOKEN_WS_NORMAL          1000
#define NGX_TOKEN_WS_GOING_AWAY      1001
#define NGX_TOKEN_WS_PROTOCOL        1002
#define NGX_TOKEN_WS_UNSUPPORTED     1003
#define NGX_TOKEN_WS_NO_STATUS       1005   /* never on the wire */
#define NGX_TOKEN_WS_ABNORMAL        1006   /* never on the wire */
#define NGX_TOKEN_WS_BAD_DATA        1007
#define NGX_TOKEN_WS_POLICY          1008
#define NGX_TOKEN_WS_TOO_BIG         1009
#define NGX_TOKEN_WS_INTERNAL        1011
#define NGX_TOKEN_WS_RESTART         1012
#define NGX_TOKEN_WS_SLOW            4008
#define NGX_TOKEN_WS_NO_HEARTBEAT    4012
#define NGX_TOKEN_WS_EXPIRED         4014
#define NGX_TOKEN_WS_NOT_ALLOWED     4500
#define NGX_TOKEN_WS_KICKED          4503


typedef struct {
    uint64_t                 max_message; /* bytes of payload of one message,
                                             over all its fragments */
    uint32_t                 max_frames;  /* fragments of one message */
} ngx_token_ws_conf_t;


typedef enum {
    NGX_TOKEN_WS_AGAIN = 0,    /* all input is consumed */
    NGX_TOKEN_WS_DATA,         /* a piece of a message */
    NGX_TOKEN_WS_CONTROL,      /* a whole ping, pong or close */
    NGX_TOKEN_WS_ERROR         /* the peer broke a rule: send a close frame
                                  with the code and stop reading */
} ngx_token_ws_rc_t;


/*
 * One event.  Order and completeness: DATA events come in order; the first
 * of a message has first set, the last has last set (data may be empty: an
 * empty message is one event with first and last and len 0).  CONTROL events
 * may come between the DATA events of a fragmented message, but never carry
 * part of it.  Members that an event has no use for are 0.
 */

typedef struct {
    ngx_token_ws_opcode_e    opcode;      /* DATA: TEXT or BINARY, also for
                                             continuation frames */
    unsigned                 first:1;
    unsigned                 last:1;
    unsigned                 compressed:1; /* in all DATA events of a message
                                             that came with RSV1: data is for
                                             ngx_token_ws_inflate(), and TEXT
                                             is not yet checked */
    unsigned char           *data;        /* DATA: unmasked in place, inside
                                             the input; CONTROL: inside the
                                             parser, until the next call;
                                             for CLOSE: the reason, without
                                             the code */
    size_t                   len;
    uint16_t                 code;        /* CLOSE: what the peer sent, or
                                             1005; ERROR: the code to send */
    const char              *reason;      /* ERROR: static text for the close
                                             frame and the log */
} ngx_token_ws_event_t;


/*
 * Parser state.  Start with all zero bytes; then, when permessage-deflate has
 * been agreed upon in the handshake, set deflate: it is a fact of the
 * connection, not of the configuration.  The rest is private but for its
 * size, which is part of what an idle session costs: 152 bytes.  A header and
 * the payload of a control frame are collected in the same place, one after
 * the other.
 */

typedef struct {
    uint64_t                 rest;        /* payload of this frame to come */
    uint64_t                 message;     /* payload of this message so far */
    uint32_t                 frames;      /* fragments of this message */
    unsigned char            mask[4];     /* from the next byte on */
    unsigned                 opcode:4;    /* of the frame */
    unsigned                 type:2;      /* of the message, TEXT or BINARY;
                                             0: none is open */
    unsigned                 utf8:4;      /* decoder state */
    unsigned                 fin:1;
    unsigned                 payload:1;   /* the header is complete */
    unsigned                 first:1;     /* no DATA event yet */
    unsigned                 closed:1;    /* CLOSE or ERROR was given: all
                                             later input is skipped */
    unsigned                 deflate:1;   /* in: RSV1 is allowed where RFC
                                             7692, 6 does */
    unsigned                 compressed:1; /* the message is */
    unsigned char            n;           /* bytes in buf */
    unsigned char            buf[NGX_TOKEN_WS_MAX_CONTROL];
} ngx_token_ws_parser_t;


/*
 * Takes the next event out of the input.  Checks every MUST of RFC 6455, 5.1
 * to 5.5, 7.4 and 8.1 that binds a server: mask, reserved bits, opcodes,
 * shortest length form and the 63-bit limit, control frames whole and at most
 * 125 bytes, continuation rules, close codes and UTF-8 (as it arrives, failing
 * at the first byte that cannot become valid; not of compressed text).
 * Lengths are compared with the limits before any payload is read.  Those of a
 * compressed message are of its compressed bytes: an eighth of the limit and 64
 * more, because what does not shrink grows (ngx_token_ws_inflate() is exact).
 *
 *     pos   in/out: the input; moved behind what was consumed
 *     last  one past the input; the payload in [*pos, last) is changed in
 *           place (unmasked)
 *     ev    out, for every result but AGAIN
 *
 * Call again until AGAIN.  An ERROR leaves *pos somewhere in the input; the
 * next call moves it to last, as does every call after it.
 */
ngx_token_ws_rc_t ngx_token_ws_parse(ngx_token_ws_parser_t *p,
    const ngx_token_ws_conf_t *conf, unsigned char **pos,
    unsigned char *last, ngx_token_ws_event_t *ev);

/*
 * Writes the header of an unmasked frame.
 *
 *     buf  out: room for NGX_TOKEN_WS_MAX_HEADER bytes
 *
 * Returns: the header's length, 2, 4 or 10
 */
size_t ngx_token_ws_header(unsigned char *buf, ngx_token_ws_opcode_e opcode,
    uint64_t len, unsigned fin);

/*
 * Writes a whole close frame: header, code, reason (cut at 123 bytes, never
 * inside a character); codes 1005 and 1006 give an empty payload.
 *
 *     buf     out: room for 2 + NGX_TOKEN_WS_MAX_CONTROL bytes
 *     reason  UTF-8, may be NULL
 *
 * Returns: the frame's length
 */
size_t ngx_token_ws_close_frame(unsigned char *buf, uint16_t code,
    const char *reason);

/*
 * Whether a comma separated header list (RFC 9110, 5.6.1) has a token; ASCII
 * letters are compared without case.  For Upgrade and Connection.  An empty
 * token is in no list.
 */
unsigned ngx_token_ws_has_token(const unsigned char *list, size_t len,
    const char *token);

/* The same, with case: for Sec-WebSocket-Protocol (RFC 6455, 4.1). */
unsigned ngx_token_ws_has_protocol(const unsigned char *list, size_t len,
    const char *protocol);

/*
 * Whether a Sec-WebSocket-Key is base64 of 16 bytes (RFC 6455, 4.2.1).  The
 * bits that the last digit has to spare may be set, as in the RFC's example.
 */
unsigned ngx_token_ws_key_valid(const unsigned char *key, size_t len);


#endif /* _NGX_TOKEN_WS_H_INCLUDED_ */
