
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_H_INCLUDED_
#define _NGX_HTTP_TOKEN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "token/ngx_token.h"
#include "token/ngx_token_message.h"


/*
 * The nginx-bound layer: what nginx.conf says, shared by the nouns of this
 * folder.  Everything here runs on the event loop, in the worker that owns
 * the connection, unless its contract says "pool".
 */


typedef struct ngx_http_token_session_s  ngx_http_token_session_t;
typedef struct ngx_http_token_service_s  ngx_http_token_service_t;
typedef struct ngx_http_token_late_s     ngx_http_token_late_t;


/* a configured channel: token_atom, token_log, token_presence */

typedef struct {
    ngx_str_t                 name;       /* of a family: with its '*' */
    ngx_token_kind_e          kind;
    ngx_str_t                 initial;    /* atom, family: JSON */
    uint64_t                  keep;       /* log: records, 0 = all */
    uint64_t                  age;        /* log: ms, 0 = no limit */
    ngx_msec_t                grace;      /* presence */
} ngx_http_token_channel_t;


/* a name in token_allow or token_watch, resolved after the whole http block */

typedef struct {
    ngx_str_t                 name;
    void                     *target;     /* channel or service */
    u_char                   *file;       /* where it stands */
    ngx_uint_t                line;
} ngx_http_token_name_t;


typedef struct {
    ngx_str_t                 path;       /* empty: no token_store */
    size_t                    size;       /* bytes */
    ngx_flag_t                sync;
    uint64_t                  ledger;     /* ms */
    u_char                   *file;       /* of token_store; where there is
                                             none, of what needs it first */
    ngx_uint_t                line;

    ngx_array_t               channels;   /* ngx_http_token_channel_t * */
    ngx_array_t               services;   /* ngx_http_token_service_t * */
    ngx_array_t              *handlers;   /* of other modules, or NULL:
                                             ngx_http_token_handler_t * */
    ngx_array_t               names;      /* ngx_array_t *, to be resolved */
    ngx_array_t               resources;  /* ngx_http_token_name_t, of the
                                             location in target: channels
                                             without variables */
    ngx_array_t               variables;  /* ngx_int_t: indexes that services
                                             use; a session keeps a copy of
                                             each, in this order */
    ngx_array_t               variable_names; /* ngx_http_token_name_t: where
                                             each was asked for first */

    ngx_thread_pool_t        *commit_pool;
    ngx_thread_pool_t        *offload_pool;
    ngx_str_t                 offload_name;
    ngx_int_t                 offload_max;

    ngx_shm_zone_t           *stat;       /* NULL: no token_status */

    ngx_str_t                 login_key_file;
    ngx_array_t              *login_keys; /* private to login */

    ngx_uint_t                deflate;    /* the highest level of a location */

    unsigned                  serves:1;   /* some location is a websocket,
                                             reads the store, or counts */
    unsigned                  used:1;     /* some location needs the store */
    unsigned                  login:1;    /* some location signs cookies */
    unsigned                  status:1;   /* some location has token_status */
} ngx_http_token_main_conf_t;


typedef enum {
    NGX_HTTP_TOKEN_NONE = 0,
    NGX_HTTP_TOKEN_WEBSOCKET,
    NGX_HTTP_TOKEN_ECHO,
    NGX_HTTP_TOKEN_LOGIN,
    NGX_HTTP_TOKEN_LOGOUT,
    NGX_HTTP_TOKEN_STATUS,
    NGX_HTTP_TOKEN_RESOURCE
} ngx_http_token_mode_e;


typedef struct {
    ngx_uint_t                mode;       /* ngx_http_token_mode_e */

    ngx_array_t              *allow;      /* ngx_http_token_name_t */
    ngx_array_t              *watch;      /* ngx_http_token_name_t */
    ngx_array_t              *origins;    /* ngx_str_t, or NULL */
    ngx_uint_t                status;     /* ngx_http_token_status_e */
    ngx_http_complex_value_t *resource;   /* a channel; NULL: what the URI has
                                             after the location's name */

    ngx_http_complex_value_t *user;       /* token_user, or NULL */

    size_t                    max_message;    /* bytes */
    ngx_uint_t                max_frames;     /* fragments of a message */
    ngx_uint_t                max_ratio;      /* of inflated to compressed
                                                 bytes; 0: any */
    ngx_uint_t                max_depth;      /* of JSON */
    ngx_uint_t                max_inflight;   /* tokens of a session */
    ngx_uint_t                max_watches;    /* of a session */
    ngx_uint_t                deflate;    /* level, 0: off */
    ngx_uint_t                rate;       /* messages and control frames of a
                                             session, in a second; 0: any */
    ngx_uint_t                burst;      /* at once */
    ngx_msec_t                heartbeat;
    ngx_msec_t                stall_timeout;
    ngx_msec_t                session_time; /* 0: any */
    ngx_http_complex_value_t *limit_key;  /* sessions are counted by it */
    ngx_uint_t                limit_sessions;

    ngx_str_t                 cookie_name;
    time_t                    cookie_time;    /* s that a login lasts */
    ngx_flag_t                cookie_secure;  /* on, off, or by scheme (2) */
} ngx_http_token_loc_conf_t;


/* what the module keeps of an HTTP request */

typedef struct {
    ngx_http_token_session_t *session;        /* once the 101 is sent */
    unsigned                  auth_basic:1;   /* verified in this location */
} ngx_http_token_ctx_t;


extern ngx_module_t  ngx_http_token_module;


#define ngx_http_token_str(to, from)                                         \
    (to)->len = (from)->len;                                                 \
    (to)->data = (from)->data


/* Milliseconds since the Unix epoch, by nginx's cached time. */
static ngx_inline uint64_t
ngx_http_token_now(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}


#endif /* _NGX_HTTP_TOKEN_H_INCLUDED_ */
