
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_PRESENCE_H_INCLUDED_
#define _NGX_HTTP_TOKEN_PRESENCE_H_INCLUDED_


#include "http/ngx_http_token_fanout.h"


/*
 * Presence follows the sessions: one is present in a presence channel while it
 * watches it.  A worker counts its own sessions, and writes the counts to the
 * ephemeral environment, in a pool task; every worker adds up the rows of all.
 */


/*
 * Sessions counted by a key, over all workers (token_limit_sessions): takes a
 * place, unless max are taken.  Crash-safe, as presence is; handshakes at the
 * same instant in different workers may pass together.
 *
 * Returns: NGX_OK, NGX_BUSY, or NGX_ERROR: no memory
 */
ngx_int_t ngx_http_token_presence_take(ngx_str_t *key, ngx_uint_t max);
void ngx_http_token_presence_give(ngx_str_t *key);

/* A session begins, or ends, to watch a presence topic. */
void ngx_http_token_presence_join(ngx_http_token_topic_t *topic,
    ngx_str_t *user);
void ngx_http_token_presence_leave(ngx_http_token_topic_t *topic,
    ngx_str_t *user);

/* The ephemeral environment has changed: tells the watchers what is new. */
void ngx_http_token_presence_changed(void);

/* Once a second: ends graces, and sweeps after dead processes. */
void ngx_http_token_presence_tick(void);


#endif /* _NGX_HTTP_TOKEN_PRESENCE_H_INCLUDED_ */
