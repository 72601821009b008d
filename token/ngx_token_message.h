
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_MESSAGE_H_INCLUDED_
#define _NGX_TOKEN_MESSAGE_H_INCLUDED_


#include "token/ngx_token_json.h"


/*
 * The messages of token.v1 (PROTOCOL.md): decoding what a client sends,
 * encoding what the server sends.  No frames here: that is ws/.
 */


#define NGX_TOKEN_MAX_REQUESTS   16       /* in one token */
#define NGX_TOKEN_MAX_RESUME     256      /* ids in one resume */


typedef enum {
    NGX_TOKEN_MSG_WATCH = 1,
    NGX_TOKEN_MSG_UNWATCH,
    NGX_TOKEN_MSG_TOKEN,
    NGX_TOKEN_MSG_CANCEL,
    NGX_TOKEN_MSG_RESUME,
    NGX_TOKEN_MSG_PING,
    NGX_TOKEN_MSG_PONG
} ngx_token_msg_e;


typedef enum {
    NGX_TOKEN_KIND_ATOM = 1,
    NGX_TOKEN_KIND_FAMILY,
    NGX_TOKEN_KIND_LOG,
    NGX_TOKEN_KIND_PRESENCE
} ngx_token_kind_e;


typedef struct {
    ngx_token_str_t          service;     /* decoded */
    ngx_token_str_t          value;       /* JSON without white space; "null"
                                             when absent */
} ngx_token_request_t;


typedef struct {
    ngx_token_msg_e          type;

    /* token, cancel */
    unsigned char            id[NGX_TOKEN_ID_LEN];
    unsigned                 nrequests;
    ngx_token_request_t      requests[NGX_TOKEN_MAX_REQUESTS];
    unsigned char            hash[NGX_TOKEN_HASH_LEN];   /* not decoded: for
                                             ngx_token_message_hash() */

    /* resume */
    unsigned                 nids;
    unsigned char          (*ids)[NGX_TOKEN_ID_LEN];    /* NULL: none */

    /* watch, unwatch */
    ngx_token_str_t          channel;     /* decoded */
    ngx_token_str_t          epoch;       /* empty: no cursor */
    uint64_t                 seq;
    uint64_t                 tail;        /* "last"; 0: not given, all */
} ngx_token_message_t;


/*
 * Why a message could not be read; what is known of it goes into the answer.
 */

typedef struct {
    const char              *code;        /* PROTOCOL.md, 9 */
    const char              *text;
    unsigned                 has_id:1;
    unsigned char            id[NGX_TOKEN_ID_LEN];
} ngx_token_message_error_t;


/*
 * Decodes one message (one JSON object).  Members that the type of message
 * does not have are ignored; of members of the same name the last counts.
 *
 *     text       bytes of one message, UTF-8, without its line feed
 *     max_depth  of the whole message
 *     scratch    what had to be decoded or minified is appended here; the
 *                slices of m point into text or scratch and are valid until
 *                either changes.  (Reserved at once from text->len, so that
 *                it does not move while m is being filled.)
 *     m          out
 *     err        out, when INVALID; static strings, and the message's id
 *                where it could be read
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_INVALID (err is set), NGX_TOKEN_NOMEM
 */
ngx_token_rc_t ngx_token_message_decode(const ngx_token_str_t *text,
    unsigned max_depth, ngx_token_buf_t *scratch, ngx_token_message_t *m,
    ngx_token_message_error_t *err);

/*
 * A hash of what a token asks for (services and values, in order; not its
 * id): equal requests give equal hashes, and one request alone has the same
 * hash as a list of it.  SipHash-2-4 of 128 bits, not keyed; an id and its
 * user are compared too, so a collision only harms who makes it.
 */
void ngx_token_message_hash(const ngx_token_message_t *m,
    unsigned char hash[NGX_TOKEN_HASH_LEN]);


/*
 * Encoders: each appends exactly one JSON object, without a line feed.  Names
 * and texts are escaped; values and results are JSON, and lose their white
 * space.
 */

typedef struct {
    ngx_token_str_t          session;
    ngx_token_str_t          epoch;
    ngx_token_str_t          user;        /* empty: null */
    uint64_t                 seq;
    uint64_t                 time;        /* ms */
    uint64_t                 heartbeat;   /* ms */
    uint64_t                 ledger;      /* ms */
    uint64_t                 max_message; /* bytes */
    uint64_t                 max_depth;
    uint64_t                 max_inflight;
    uint64_t                 max_watches;
} ngx_token_hello_t;

void ngx_token_encode_hello(ngx_token_buf_t *b, const ngx_token_hello_t *h);

/* reset: NULL or one of the words of PROTOCOL.md, 4 */
void ngx_token_encode_watching(ngx_token_buf_t *b,
    const ngx_token_str_t *channel, ngx_token_kind_e kind,
    const ngx_token_str_t *epoch, uint64_t seq, unsigned recovered,
    const char *reset);

void ngx_token_encode_unwatched(ngx_token_buf_t *b,
    const ngx_token_str_t *channel);

/*
 * watch: NULL, or the family through which it is watched
 * value: NULL: the atom is deleted
 */
void ngx_token_encode_atom(ngx_token_buf_t *b, const ngx_token_str_t *channel,
    const ngx_token_str_t *watch, uint64_t seq, const ngx_token_str_t *value);

void ngx_token_encode_synced(ngx_token_buf_t *b,
    const ngx_token_str_t *channel, uint64_t seq);

typedef struct {
    uint64_t                 seq;
    uint64_t                 time;        /* ms */
    unsigned char            token[NGX_TOKEN_ID_LEN];
    ngx_token_str_t          user;        /* empty: anonymous */
    ngx_token_str_t          value;       /* JSON */
} ngx_token_record_t;

void ngx_token_encode_record(ngx_token_buf_t *b,
    const ngx_token_str_t *channel, const ngx_token_record_t *r);

typedef struct {
    ngx_token_str_t          user;
    uint64_t                 tabs;
} ngx_token_present_t;

void ngx_token_encode_presence(ngx_token_buf_t *b,
    const ngx_token_str_t *channel, const ngx_token_present_t *users,
    size_t nusers, uint64_t anonymous);

/*
 * v->error's name and text are added where the outcome is not OK and there
 * is one; text may be NULL or empty (then a result that is a string takes its
 * place, else the error's standard sentence); retry: ms for BUSY; result: NULL,
 * empty or JSON, for OK and REJECTED (v->result is not looked at).
 */
void ngx_token_encode_outcome(ngx_token_buf_t *b,
    const unsigned char id[NGX_TOKEN_ID_LEN], const ngx_token_verdict_t *v,
    const ngx_token_str_t *result, const ngx_token_str_t *text,
    uint64_t retry);

/* id, channel: may be NULL */
void ngx_token_encode_error(ngx_token_buf_t *b, const char *code,
    const char *text, const unsigned char *id,
    const ngx_token_str_t *channel);

void ngx_token_encode_ping(ngx_token_buf_t *b);
void ngx_token_encode_pong(ngx_token_buf_t *b);


#endif /* _NGX_TOKEN_MESSAGE_H_INCLUDED_ */
