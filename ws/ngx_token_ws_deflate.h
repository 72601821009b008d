
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_WS_DEFLATE_H_INCLUDED_
#define _NGX_TOKEN_WS_DEFLATE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "ws/ngx_token_ws.h"


/*
 * permessage-deflate (RFC 7692), server side: what is agreed upon in the
 * handshake, and messages deflated and inflated with zlib.  No I/O, no nginx;
 * memory is allocated when a deflater or an inflater is made and with its
 * first message, never by a peer's word, and none for a session:
 *
 *   - every answer has server_no_context_takeover: a message is compressed by
 *     itself, once, and the same bytes serve all its readers;
 *   - every answer has client_no_context_takeover, offered or not, as 7.1.1.2
 *     allows: one inflater serves all sessions, message by message;
 *   - all that is sent is made with one window size, server_bits.  A client
 *     that accepts only less has its offer declined, and is sent plain
 *     messages.  8 is never agreed upon: zlib's deflate does not work with a
 *     window of 256 bytes, and would take 512, which such a client may refuse.
 *
 * Thread:  any; one at a time for one object.  Nothing blocks.
 */


#define NGX_TOKEN_WS_MIN_BITS     9
#define NGX_TOKEN_WS_MAX_BITS     15

/*
 * 4 KiB hold any usual message whole (and even 64 KiB of JSON lines became no
 * smaller with 15, measured), and some clients accept no more: "websockets",
 * of Python, if not told otherwise.
 */
#define NGX_TOKEN_WS_SERVER_BITS  12

/*
 * zlib clears 16 KB of tables for each message then; with its own default, 8,
 * 64 KB: small messages took a tenth longer, and became no smaller, measured.
 */
#define NGX_TOKEN_WS_MEM_LEVEL    6

/* Messages below this many bytes hardly shrink. */
#define NGX_TOKEN_WS_MIN_DEFLATE  256

/* The longest answer in the handshake. */
#define NGX_TOKEN_WS_MAX_ANSWER                                               \
    (sizeof("permessage-deflate"                                              \
            "; server_no_context_takeover"                                    \
            "; client_no_context_takeover"                                    \
            "; server_max_window_bits=15"                                     \
            "; client_max_window_bits=15") - 1)


typedef struct {
    unsigned char            level;       /* 1 (fast) .. 9; 0: no offer is
                                             accepted */
    unsigned char            server_bits; /* 9..15: log2 of our window */
    unsigned char            client_bits; /* 9..15: the largest window of
                                             clients that let us choose */
    unsigned char            mem_level;   /* 1..9, of zlib */
} ngx_token_ws_deflate_conf_t;


/* zlib's hooks.  alloc gives memory for items times size bytes, or NULL */

typedef struct {
    void                    *(*alloc)(void *ctx, unsigned items,
                                 unsigned size);
    void                     (*free)(void *ctx, void *p);
    void                    *ctx;
} ngx_token_ws_memory_t;


/* negotiation: ws/ngx_token_ws_extension.c */


/* What has been agreed upon; start with all zero bytes. */

typedef struct {
    unsigned char            agreed;
    unsigned char            server_bits; /* to be answered; 0: not a word */
    unsigned char            client_bits; /* likewise: else it may be 15 */
} ngx_token_ws_agreement_t;


/*
 * Reads one Sec-WebSocket-Extensions header; call for each, in order (RFC
 * 6455, 9.1).  The first acceptable offer of permessage-deflate is accepted:
 * one without parameters that are unknown, doubled, or have a value that RFC
 * 7692, 7.1 does not allow.  Other extensions are ignored.
 *
 *     value  may be NULL when len is 0; an empty header offers nothing
 *     a      in/out: not changed once an offer has been accepted
 *
 * Returns: 1, or 0: the header breaks the grammar, and the handshake has to
 * fail (RFC 6455, 9.1)
 */
unsigned ngx_token_ws_extensions(const ngx_token_ws_deflate_conf_t *conf,
    const unsigned char *value, size_t len, ngx_token_ws_agreement_t *a);

/*
 * Writes the value of the Sec-WebSocket-Extensions header of the response.
 *
 *     a    agreed must be set
 *     buf  out: room for NGX_TOKEN_WS_MAX_ANSWER bytes
 *
 * Returns: its length
 */
size_t ngx_token_ws_extensions_answer(const ngx_token_ws_agreement_t *a,
    unsigned char *buf);


/* messages out and in: ws/ngx_token_ws_deflate.c */


typedef struct ngx_token_ws_deflater_s  ngx_token_ws_deflater_t;
typedef struct ngx_token_ws_inflater_s  ngx_token_ws_inflater_t;


/*
 * Makes a deflater; a worker needs one.
 *
 *     conf    not kept
 *     memory  copied; NULL: of libc
 *
 * Returns: NULL: no memory, or conf is out of its bounds
 */
ngx_token_ws_deflater_t *ngx_token_ws_deflater_create(
    const ngx_token_ws_deflate_conf_t *conf,
    const ngx_token_ws_memory_t *memory);

/* NULL is allowed. */
void ngx_token_ws_deflater_destroy(ngx_token_ws_deflater_t *d);

/*
 * Compresses a message, by itself, to the payload of a frame that is to have
 * NGX_TOKEN_WS_RSV1 set.  Allocates nothing.
 *
 *     size  room in out.  Give len, so that a message which does not shrink
 *           is given up early; for any message len + len / 8 + 64 is enough
 *
 * Returns: the length of the payload, at least 1 and at most size - 5 (zlib
 * also writes the end that is then cut off), or 0: no room, send it plain
 */
size_t ngx_token_ws_deflate(ngx_token_ws_deflater_t *d,
    const unsigned char *data, size_t len, unsigned char *out, size_t size);


typedef struct {
    uint64_t                 max_message; /* bytes of a message, inflated */
    uint32_t                 max_ratio;   /* of inflated to compressed bytes,
                                             once 16 KiB are inflated; 0: no
                                             limit (deflate itself: 1032) */
    unsigned                 keep:1;      /* client_no_context_takeover has not
                                             been agreed upon: the inflater is
                                             of one session */
} ngx_token_ws_inflate_conf_t;


/*
 * Makes an inflater; about 24 KB, and 32 KB more with the first message.
 * Without conf.keep one may serve all sessions, one message at a time: let
 * messages that come in pieces be gathered first, as they would be anyway.
 *
 *     memory  copied; NULL: of libc
 *
 * Returns: NULL: no memory
 */
ngx_token_ws_inflater_t *ngx_token_ws_inflater_create(
    const ngx_token_ws_memory_t *memory);

/* NULL is allowed. */
void ngx_token_ws_inflater_destroy(ngx_token_ws_inflater_t *inf);

/*
 * Turns DATA events with compressed set into DATA events without.  Any split
 * of a compressed message gives the same message or the same ERROR; what is
 * given of a message before its ERROR may differ.
 *
 *     conf  the same for all of a message
 *     in    in/out: a DATA event of the parser, or one made up with opcode,
 *           first, last, data and len; what is left of it
 *     ev    out, for every result but AGAIN; as of the parser, but data is
 *           inside the inflater, until the next call, and compressed is 0
 *
 * Call again with the same in until AGAIN (nothing is left of in) or ERROR.
 * A message begins with first set, whatever was before it.  After the end of
 * a message and after ERROR, input without first is skipped.
 *
 * Returns: NGX_TOKEN_WS_AGAIN, NGX_TOKEN_WS_DATA, or NGX_TOKEN_WS_ERROR with
 * one of these codes (RFC 7692 names none):
 *
 *     1007  data that cannot be inflated, or text that is not UTF-8: the
 *           frames are right, what they hold is not (RFC 6455, 7.4.1)
 *     1009  above max_message or max_ratio; found after at most 16 KiB of
 *           output beyond max_message, or 1 KiB of input beyond max_ratio
 *     1011  no memory
 */
ngx_token_ws_rc_t ngx_token_ws_inflate(ngx_token_ws_inflater_t *inf,
    const ngx_token_ws_inflate_conf_t *conf, ngx_token_ws_event_t *in,
    ngx_token_ws_event_t *ev);


#endif /* _NGX_TOKEN_WS_DEFLATE_H_INCLUDED_ */
