
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_FANOUT_H_INCLUDED_
#define _NGX_HTTP_TOKEN_FANOUT_H_INCLUDED_


#include "http/ngx_http_token_session.h"
#include "http/ngx_http_token_watch.h"


/*
 * From changes to sockets.  A worker has a topic for each channel that some
 * session of it watches.  A round reads the change feed from where this worker
 * stands, encodes each change once, and gives the same frames to every watch
 * that is live and whose socket is free; the others fall behind, with a
 * cursor.
 */


/*
 * The same messages twice: as they are, and compressed, once for all sessions
 * that have agreed to it; deflated is NULL where there is none.
 */

typedef struct {
    ngx_http_token_blob_t      *plain;
    ngx_http_token_blob_t      *deflated;
    ngx_uint_t                  n;        /* messages */
} ngx_http_token_frames_t;


struct ngx_http_token_topic_s {
    ngx_str_node_t              node;     /* by name */
    ngx_http_token_channel_t   *channel;
    ngx_token_kind_e            kind;     /* a family's member is an ATOM */
    ngx_queue_t                 watches;
    ngx_uint_t                  nwatches;
    ngx_queue_t                 touched;  /* of the round */
    ngx_uint_t                  ndeflate; /* watches of sessions that have
                                             agreed to permessage-deflate */
    ngx_http_token_frames_t     round;    /* frames of the round */
    ngx_http_token_frames_t     state;    /* presence: the latest */
};


/* NULL: nobody here watches a channel of that name. */
ngx_http_token_topic_t *ngx_http_token_topic_find(ngx_str_t *name);

/* Finds or makes; NULL: no memory. */
ngx_http_token_topic_t *ngx_http_token_topic(ngx_str_t *name,
    ngx_http_token_channel_t *channel, ngx_token_kind_e kind);

/* Frees a topic that nobody watches. */
void ngx_http_token_topic_release(ngx_http_token_topic_t *topic);

/* Calls fn for every topic of a kind; fn must not release topics. */
void ngx_http_token_topic_each(ngx_token_kind_e kind,
    void (*fn)(ngx_http_token_topic_t *topic));

/*
 * Looks whether anybody wrote the store, or the ephemeral one, and deals with
 * it.  For the doorbell and the slow poll.
 */
void ngx_http_token_fanout_poll(void);

/* Reads the feed to its end and hands out what is new. */
void ngx_http_token_fanout_round(void);

/*
 * Gives frames to all watches of a topic that are live; those whose socket is
 * full fall behind.
 */
void ngx_http_token_fanout_deliver(ngx_http_token_topic_t *topic,
    ngx_http_token_frames_t *frames);

/*
 * Appends a message to frames, compressed as well where that is wanted.
 *
 * Returns: NGX_OK, or NGX_ERROR: no memory
 */
ngx_int_t ngx_http_token_frames_add(ngx_http_token_frames_t *frames,
    ngx_token_buf_t *text, ngx_uint_t deflate);
void ngx_http_token_frames_free(ngx_http_token_frames_t *frames);

/* What a session is to be sent of frames. */
ngx_http_token_blob_t *ngx_http_token_frames_of(
    ngx_http_token_frames_t *frames, ngx_http_token_session_t *s);


#endif /* _NGX_HTTP_TOKEN_FANOUT_H_INCLUDED_ */
