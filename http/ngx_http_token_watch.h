
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_WATCH_H_INCLUDED_
#define _NGX_HTTP_TOKEN_WATCH_H_INCLUDED_


#include "http/ngx_http_token_session.h"
#include "store/ngx_token_store.h"


/*
 * A watch: one session's interest in one channel.  Live, it is given what a
 * round of the fan-out brings.  Behind, it has a cursor, and reads what
 * follows it from the store, in pieces, whenever its socket is writable; it
 * never reads beyond what the worker has fanned out (the worker's head), so it
 * becomes live again without a gap and without a duplicate.
 */


typedef struct ngx_http_token_topic_s  ngx_http_token_topic_t;


typedef enum {
    NGX_HTTP_TOKEN_WATCH_LIVE = 0,
    NGX_HTTP_TOKEN_WATCH_BEHIND,          /* has all up to cursor */
    NGX_HTTP_TOKEN_WATCH_WALK             /* a family: is being listed */
} ngx_http_token_watch_e;


typedef struct {
    ngx_queue_t                 queue;    /* of the topic */
    ngx_queue_t                 session_queue;
    ngx_http_token_topic_t     *topic;
    ngx_http_token_session_t   *session;
    ngx_http_token_watch_e      state;
    uint64_t                    cursor;
    uint64_t                    owed;     /* a change at or before the cursor
                                             was left out, for a later one
                                             that is no later than this */
    uint64_t                    tail;     /* records wanted at a reset */
    ngx_str_t                   after;    /* walk: the last member sent;
                                             ngx_alloc()ed */
    unsigned                    fresh:1;  /* atom: not sent yet; log: its
                                             snapshot has not ended */
} ngx_http_token_watch_t;


/* Answers watch and unwatch. */
void ngx_http_token_watch(ngx_http_token_session_t *s,
    ngx_token_message_t *m);
void ngx_http_token_unwatch(ngx_http_token_session_t *s,
    ngx_token_message_t *m);

/* Lets a live watch fall behind; everything up to cursor has been queued. */
void ngx_http_token_watch_fall_behind(ngx_http_token_watch_t *watch,
    uint64_t cursor);

/*
 * Queues the next piece for the watches that are behind; to be called while
 * the session's output is empty.
 *
 * Returns: NGX_OK    something was queued, or a watch has become live
 *          NGX_DONE  nothing can be done now
 */
ngx_int_t ngx_http_token_watch_catch_up(ngx_http_token_session_t *s);

/* Ends the snapshot that all catch-ups of a turn have in common. */
void ngx_http_token_watch_caught_up(void);

/*
 * Encodes what a change of the feed means for the watch of a family.
 *
 * Returns: NGX_OK, or NGX_DECLINED: a later change in the feed supersedes it
 */
ngx_int_t ngx_http_token_watch_encode_member(ngx_token_buf_t *b,
    ngx_token_read_t *r, ngx_token_feed_t *f, ngx_token_str_t *family);

/* The seq up to which a session has been sent everything on its watches. */
uint64_t ngx_http_token_watch_reached(ngx_http_token_session_t *s);

/* Ends all watches of a session. */
void ngx_http_token_watch_forget(ngx_http_token_session_t *s);


#endif /* _NGX_HTTP_TOKEN_WATCH_H_INCLUDED_ */
