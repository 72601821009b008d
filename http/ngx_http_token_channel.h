
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_CHANNEL_H_INCLUDED_
#define _NGX_HTTP_TOKEN_CHANNEL_H_INCLUDED_


#include "http/ngx_http_token.h"


/*
 * Configured channels: token_atom, token_log, token_presence, and the names
 * in token_watch.
 */


/* Handlers of the directives; NGX_CONF_ERROR is logged with file and line. */
char *ngx_http_token_atom_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_token_log_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_token_presence_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* The channel configured under exactly this name, or NULL. */
ngx_http_token_channel_t *ngx_http_token_channel_exact(
    ngx_http_token_main_conf_t *mcf, ngx_str_t *name);

/*
 * The channel that a name belongs to: of this very name, or else the family
 * with the longest prefix; NULL where there is none, and for names that no
 * channel can have (empty, too long, control characters, ending in a star).
 */
ngx_http_token_channel_t *ngx_http_token_channel_find(
    ngx_http_token_main_conf_t *mcf, ngx_str_t *name);

/* Whether a family has a member of this name. */
ngx_uint_t ngx_http_token_channel_member(ngx_http_token_channel_t *family,
    ngx_str_t *name);

/*
 * What token_watch of a location allows: the very name, or a member of a
 * family.
 *
 *     kind  out: of what is watched, a family's member being an ATOM
 *
 * Returns: the channel that the name belongs to, or NULL
 */
ngx_http_token_channel_t *ngx_http_token_channel_allowed(
    ngx_http_token_main_conf_t *mcf, ngx_http_token_loc_conf_t *lcf,
    ngx_str_t *name, ngx_token_kind_e *kind);


#endif /* _NGX_HTTP_TOKEN_CHANNEL_H_INCLUDED_ */
