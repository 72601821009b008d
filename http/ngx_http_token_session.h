
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_SESSION_H_INCLUDED_
#define _NGX_HTTP_TOKEN_SESSION_H_INCLUDED_


#include "http/ngx_http_token.h"
#include "ws/ngx_token_ws.h"


/*
 * A session: one WebSocket.  It hangs off the connection's own pool; the
 * request that opened it has been freed.  It holds cursors, never a queue of
 * messages: what waits for its socket (out) is bounded: answers by
 * NGX_HTTP_TOKEN_MAX_ANSWERS and what one message asks for, after which neither
 * input is read nor outcomes are queued; shared frames by one batch, after
 * which its watches fall behind and read from the store when the socket is
 * writable (DESIGN G7).
 *
 * A session is destroyed in one place, ngx_http_token_session_flush_all(),
 * at the end of a turn of the event loop (and when there is no event loop any
 * more): whoever finds that it must end marks it, and may go on using it until
 * he returns.
 */


#define NGX_HTTP_TOKEN_MAX_QUEUED  262144  /* bytes of shared frames that may
                                              wait for a session's flush */


#define NGX_HTTP_TOKEN_MAX_ANSWERS  262144  /* bytes of a session's own frames
                                               that may wait, before its next
                                               message is looked at, or its
                                               next outcome is queued */
#define NGX_HTTP_TOKEN_MAX_ASKED    4     /* by how much the answers to one
                                             message may exceed the largest
                                             message */


#define NGX_HTTP_TOKEN_LINGER  5000       /* ms for the peer's close frame */


/* immutable frames, shared by all sessions that are sent them */

typedef struct {
    ngx_uint_t                  refs;
    size_t                      len;
    size_t                      size;     /* of data */
    u_char                      data[1];
} ngx_http_token_blob_t;


typedef struct ngx_http_token_out_s  ngx_http_token_out_t;

struct ngx_http_token_out_s {
    ngx_http_token_out_t       *next;
    ngx_http_token_blob_t      *blob;
    size_t                      pos;      /* sent so far */
};


struct ngx_http_token_session_s {

    /*
     * What a delivery looks at comes first, in as few cache lines as can be:
     * with many sessions the time goes into fetching them.
     */

    ngx_connection_t           *connection;
    ngx_http_token_out_t       *out;
    ngx_http_token_out_t       *out_last;
    ngx_http_token_out_t        one;      /* the first of out, when there was
                                             none: most have no other */
    size_t                      queued;   /* bytes of shared frames in out */
    size_t                      answers;  /* bytes of its own ones */
    ngx_queue_t                 dirty;    /* of those to be flushed */

    unsigned                    deflate:1;  /* has agreed to it */
    unsigned                    echo:1;
    unsigned                    started:1; /* the request is freed */
    unsigned                    binary:1; /* type of the open message */
    unsigned                    flushing:1; /* is in the dirty queue */
    unsigned                    blocked:1;  /* the socket takes no more */
    unsigned                    paused:1; /* input waits for the output */
    unsigned                    slowed:1; /* input waits for the rate */
    unsigned                    leaving:1;  /* the worker exits */
    unsigned                    close_queued:1;
    unsigned                    close_received:1;
    unsigned                    failed:1; /* the peer broke the protocol */
    unsigned                    shut:1;   /* our side is shut down */
    unsigned                    lingering:1; /* our close frame is sent */
    unsigned                    ended:1;  /* to be destroyed */
    uint16_t                    code;     /* of the close */

    uint32_t                    nwatches;
    uint32_t                    nbehind;  /* watches that are not live */
    uint32_t                    nwaits;
    uint32_t                    ndone;    /* waits that have an outcome */
    ngx_msec_t                  sent;     /* of the last output */
    ngx_msec_t                  progress; /* of the last byte that a blocked
                                             socket took */

    ngx_queue_t                 watches;  /* ngx_http_token_watch_t: those that
                                             are live */
    ngx_queue_t                 behind;   /* and those that are not */
    ngx_queue_t                 waits;    /* ngx_http_token_wait_t */
    ngx_queue_t                 queue;    /* of the worker's sessions */
    ngx_queue_t                 slot;     /* of the timer wheel */

    ngx_http_token_main_conf_t *mcf;
    ngx_http_token_loc_conf_t  *lcf;
    ngx_http_addr_conf_t       *addr_conf;  /* of the server, for calls */
    ngx_http_conf_ctx_t        *conf_ctx;

    ngx_token_buf_t             message;  /* of which not all has come */
    ngx_token_ws_parser_t       parser;

    ngx_event_t                 event;    /* posted to go on with work */

    ngx_str_t                   user;
    ngx_str_t                  *variables;
    ngx_str_t                   limit;    /* by what it is counted, or empty */
    u_char                     *input;    /* what came, and waits to be
                                             parsed, from pos to last */
    u_char                     *input_pos;
    u_char                     *input_last;
    u_char                      id[16];   /* hexadecimal */

    ngx_msec_t                  filled;   /* the rate's bucket: when */
    ngx_int_t                   bucket;   /* thousandths of a message; in
                                             debt after a read that held more */

    ngx_msec_t                  opened;
    ngx_msec_t                  left;     /* when leaving began */
    ngx_msec_t                  received; /* ngx_current_msec of the last
                                             message or control frame: half
                                             of one is no sign of life */
    off_t                       nreceived;  /* bytes */
    const char                 *reason;
};


/* Takes over a connection whose 101 has been sent. */
void ngx_http_token_session_start(ngx_http_token_session_t *s);

/*
 * Starts the close handshake: a close frame after what is queued.  Later
 * calls do nothing.
 *
 *     reason  static text, at most 123 bytes
 */
void ngx_http_token_session_close(ngx_http_token_session_t *s, uint16_t code,
    const char *reason);

/* Ends the session without a word at the end of this turn. */
void ngx_http_token_session_end(ngx_http_token_session_t *s, uint16_t code,
    const char *reason);

/* Puts the session among those to be flushed at the end of this turn. */
void ngx_http_token_session_dirty(ngx_http_token_session_t *s);

/*
 * Destroys every session, when the worker process is ended at once: nothing
 * is said to the peers.
 */
void ngx_http_token_session_drop_all(void);

/* Flushes all dirty sessions; the handler of the worker's flush event. */
void ngx_http_token_session_flush_all(ngx_event_t *ev);

/* Looks at deadlines; called by the timer wheel.  Returns ms to the next. */
ngx_msec_t ngx_http_token_session_check(ngx_http_token_session_t *s);

/* The connection's handlers. */
void ngx_http_token_read_handler(ngx_event_t *rev);
void ngx_http_token_write_handler(ngx_event_t *wev);

/*
 * Keeps a copy of input that the read handler deals with before it reads more.
 *
 * Returns: NGX_OK, NGX_ERROR: no memory
 */
ngx_int_t ngx_http_token_read_keep(ngx_http_token_session_t *s, u_char *pos,
    u_char *last);

/*
 * A message or a control frame has come: a sign of life, and of the rate.
 *
 *     n  by how much it counts
 */
void ngx_http_token_read_count(ngx_http_token_session_t *s, ngx_uint_t n);

/* One message of token.v1, or several with line feeds between. */
void ngx_http_token_dispatch(ngx_http_token_session_t *s, u_char *data,
    size_t len);


/* output: http/ngx_http_token_out.c */

/* NULL: no memory.  One reference is the caller's. */
ngx_http_token_blob_t *ngx_http_token_blob(size_t size);
/* blob: may be NULL */
void ngx_http_token_blob_unref(ngx_http_token_blob_t *blob);

/*
 * Appends one frame to a blob, which may move.
 *
 * Returns: the blob, or NULL: no memory, and the old one is as it was
 */
ngx_http_token_blob_t *ngx_http_token_blob_frame(ngx_http_token_blob_t *blob,
    ngx_token_ws_opcode_e opcode, const u_char *data, size_t len);

/*
 * The same, compressed where that makes it smaller (RFC 7692): for sessions
 * that have agreed to it.
 */
ngx_http_token_blob_t *ngx_http_token_blob_deflated(
    ngx_http_token_blob_t *blob, ngx_token_ws_opcode_e opcode,
    const u_char *data, size_t len);

/* Queues shared frames; takes a reference of its own. */
void ngx_http_token_out_blob(ngx_http_token_session_t *s,
    ngx_http_token_blob_t *blob);

/* Queues one frame of this session's own. */
void ngx_http_token_out_frame(ngx_http_token_session_t *s,
    ngx_token_ws_opcode_e opcode, const u_char *data, size_t len);

/* The same for the text in the worker's buffer, which is reset. */
void ngx_http_token_out_text(ngx_http_token_session_t *s,
    ngx_token_buf_t *b);

/*
 * Writes what is queued.
 *
 * Returns: NGX_OK     everything is sent
 *          NGX_AGAIN  the socket takes no more
 *          NGX_ERROR  the connection is broken
 */
ngx_int_t ngx_http_token_out_flush(ngx_http_token_session_t *s);

/* Drops what is queued. */
void ngx_http_token_out_free(ngx_http_token_session_t *s);


#endif /* _NGX_HTTP_TOKEN_SESSION_H_INCLUDED_ */
