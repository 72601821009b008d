
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_TEMPLATE_H_INCLUDED_
#define _NGX_HTTP_TOKEN_TEMPLATE_H_INCLUDED_


#include "http/ngx_http_token.h"


/*
 * Arguments of a service's effects: text with variables, compiled when the
 * configuration is read and evaluated for each token, without a request.
 *
 *     $token_value         the token's whole value
 *     $token_arg_NAME      the member NAME of the token's value
 *     $token_user          the session's user, empty for an anonymous one
 *     $token_id            the token's id
 *     $token_result        what pass or a handler has given
 *     $token_result_NAME   the member NAME of that
 *     any other variable   as it was at the handshake
 *
 * There are two kinds.  A text template gives bytes: the name of a channel.
 * A JSON template gives JSON: a variable inside quotes is escaped, and one
 * that stands alone is a JSON value (what belongs to the token as it is, the
 * rest as a string); so no value can break out of its place.
 */


typedef struct {
    ngx_str_t                 text;       /* as configured */
    ngx_array_t               parts;      /* private */
    unsigned                  json:1;
    unsigned                  constant:1; /* no variables: text is its value */
    unsigned                  late:1;     /* has the result in it */
} ngx_http_token_template_t;


/* what a template is evaluated against; nothing is kept */

typedef struct {
    ngx_token_str_t           value;      /* JSON */
    ngx_str_t                 user;
    const u_char             *id;         /* NGX_TOKEN_ID_LEN bytes */
    ngx_token_str_t           result;     /* JSON; data is NULL: none */
    ngx_str_t                *variables;  /* in the order of
                                             main_conf.variables */
} ngx_http_token_scope_t;


/*
 * Appends a JSON value as text: a string decoded, a number or boolean as it is
 * written.
 *
 * Thread:  any.
 *
 * Returns: NGX_OK, or NGX_DECLINED: it is null, an array or an object
 */
ngx_int_t ngx_http_token_template_text(const ngx_token_str_t *value,
    ngx_token_buf_t *b);

/*
 * Compiles text.
 *
 * Returns: NGX_OK, or NGX_ERROR: logged with file and line (an unknown
 *          variable, or JSON that would not be JSON)
 */
ngx_int_t ngx_http_token_template_compile(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf, ngx_str_t *text, ngx_uint_t json,
    ngx_http_token_template_t *t);

/*
 * Checks, once the whole http block is known, that all variables exist: nginx
 * would say so too, but not where.
 *
 * Returns: NGX_OK, or NGX_ERROR: logged with file and line
 */
ngx_int_t ngx_http_token_template_resolve(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf);

/*
 * Appends the template's value to b.
 *
 *     missing  out, for NGX_DECLINED: the NAME of the argument that the
 *              token's value lacks, or that is not text
 *
 * Returns: NGX_OK, NGX_DECLINED
 */
ngx_int_t ngx_http_token_template_eval(ngx_http_token_template_t *t,
    ngx_http_token_scope_t *scope, ngx_token_buf_t *b, ngx_str_t *missing);


#endif /* _NGX_HTTP_TOKEN_TEMPLATE_H_INCLUDED_ */
