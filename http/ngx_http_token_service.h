
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_SERVICE_H_INCLUDED_
#define _NGX_HTTP_TOKEN_SERVICE_H_INCLUDED_


#include "http/ngx_http_token_handler.h"
#include "http/ngx_http_token_template.h"


/*
 * Services: what a token may ask for, declared by token_service blocks.
 */


typedef struct {
    ngx_token_effect_e         type;
    ngx_http_token_template_t  channel;
    ngx_http_token_template_t  value;     /* all but toggle and delete */
    ngx_http_token_template_t  version;   /* put */
    u_char                    *file;
    ngx_uint_t                 line;
    unsigned                   late:1;    /* needs the result of pass or a
                                             handler */
} ngx_http_token_effect_conf_t;


struct ngx_http_token_service_s {
    ngx_str_t                  name;
    ngx_uint_t                 index;     /* among all services */
    ngx_array_t                effects;   /* ngx_http_token_effect_conf_t */
    ngx_msec_t                 delay;     /* slept in the thread pool */
    ngx_uint_t                 fail;      /* per cent */
    size_t                     max_size;  /* bytes of the value, 0 = any */
    ngx_flag_t                 require_user;
    ngx_str_t                  pass;      /* an internal location, or empty */
    ngx_http_token_handler_t  *handler;   /* of a module, or a search */
    ngx_str_t                  find;      /* a log, or empty */
    ngx_msec_t                 timeout;   /* of pass or handler, 0: default */
    ngx_flag_t                 idempotent;
    u_char                    *file;
    ngx_uint_t                 line;
};


/*
 * A token's requests, made ready to leave the event loop: everything is
 * evaluated, nothing points to the session or the configuration.
 */

typedef struct {
    ngx_token_err_e            error;     /* why it is refused, or NONE */
    ngx_str_t                  text;      /* a sentence for error, or empty */
    ngx_uint_t                 service;   /* of the first request: its index */
    ngx_msec_t                 delay;     /* of all requests */
    unsigned                   fail:1;    /* the tutorial's failure */
    unsigned                   late:1;    /* lacks effects that need a result:
                                             ngx_http_token_service_complete()
                                             */
    ngx_http_token_service_t  *work;      /* or NULL: the one that has pass or
                                             a handler */
    ngx_token_str_t            value;     /* of its request, JSON; points into
                                             the message */
    u_char                    *record;    /* flat commit */
    ngx_uint_t                 neffects;
    size_t                     len;
} ngx_http_token_prepared_t;


/* The token_service block. */
char *ngx_http_token_service_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* Checks constant channel names once all channels are known. */
ngx_int_t ngx_http_token_service_resolve(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf);

ngx_http_token_service_t *ngx_http_token_service_exact(
    ngx_http_token_main_conf_t *mcf, ngx_str_t *name);

/*
 * A token that is kept to be evaluated once more.
 */

struct ngx_http_token_late_s {
    ngx_http_token_main_conf_t  *mcf;
    ngx_http_token_loc_conf_t   *lcf;
    ngx_token_message_t          message;
    ngx_str_t                   *variables;
};


/*
 * Evaluates the requests of a token into one commit record.
 *
 *     lcf    which services are allowed
 *     m      a token message, with its hash
 *     user   empty: anonymous
 *     vars   the session's variables
 *     out    error is set and record is NULL where the token is refused;
 *            text and record are valid until the next call
 *
 * Returns: NGX_OK, or NGX_ERROR: no memory
 */
ngx_int_t ngx_http_token_service_prepare(ngx_http_token_main_conf_t *mcf,
    ngx_http_token_loc_conf_t *lcf, ngx_token_message_t *m, ngx_str_t *user,
    ngx_str_t *vars, ngx_http_token_prepared_t *out);

/*
 * Keeps what the requests of a token are evaluated from; everything is copied.
 *
 * Returns: to be released with ngx_free(), or NULL: no memory
 */
ngx_http_token_late_t *ngx_http_token_service_keep(
    ngx_http_token_main_conf_t *mcf, ngx_http_token_loc_conf_t *lcf,
    ngx_token_message_t *m, ngx_str_t *vars);

/*
 * Evaluates them again, now that there is a result, which the record then has,
 * too.  As ngx_http_token_service_prepare().
 *
 *     result  JSON; data is NULL: there is none
 */
ngx_int_t ngx_http_token_service_complete(ngx_http_token_late_t *late,
    ngx_str_t *user, const ngx_token_str_t *result,
    ngx_http_token_prepared_t *out);


#endif /* _NGX_HTTP_TOKEN_SERVICE_H_INCLUDED_ */
