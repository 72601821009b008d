
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_channel.h"
#include "token/ngx_token_utf8.h"


#define NGX_HTTP_TOKEN_CHANNEL_DEPTH  64


static ngx_http_token_channel_t *ngx_http_token_channel_add(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf, ngx_token_kind_e kind);
static char *ngx_http_token_channel_name(ngx_conf_t *cf, ngx_str_t *name,
    ngx_token_kind_e kind);
static ngx_uint_t ngx_http_token_channel_text(ngx_str_t *name);
static char *ngx_http_token_log_parameter(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_token_channel_t *channel);


char *
ngx_http_token_atom_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_token_main_conf_t *mcf = conf;

    ngx_str_t                 *value;
    ngx_token_str_t            s;
    ngx_token_buf_t            b;
    ngx_token_kind_e           kind;
    ngx_http_token_channel_t  *channel;

    value = cf->args->elts;
    kind = NGX_TOKEN_KIND_ATOM;

    if (value[1].len > 1 && value[1].data[value[1].len - 1] == '*') {
        kind = NGX_TOKEN_KIND_FAMILY;
    }

    channel = ngx_http_token_channel_add(cf, mcf, kind);
    if (channel == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_str_set(&channel->initial, "null");

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    ngx_http_token_str(&s, &value[2]);

    if (ngx_token_json_check(&s, NGX_HTTP_TOKEN_CHANNEL_DEPTH)
        != NGX_TOKEN_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not JSON", &value[2]);
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&b, sizeof(ngx_token_buf_t));
    ngx_token_json_minify(&b, &s);

    if (b.failed) {
        ngx_token_buf_free(&b);
        return NGX_CONF_ERROR;
    }

    channel->initial.len = b.len;
    channel->initial.data = ngx_pnalloc(cf->pool, b.len);

    if (channel->initial.data == NULL) {
        ngx_token_buf_free(&b);
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(channel->initial.data, b.data, b.len);
    ngx_token_buf_free(&b);

    return NGX_CONF_OK;
}


char *
ngx_http_token_log_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_token_main_conf_t *mcf = conf;

    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_token_channel_t  *channel;

    channel = ngx_http_token_channel_add(cf, mcf, NGX_TOKEN_KIND_LOG);
    if (channel == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_token_log_parameter(cf, &value[i], channel)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_token_log_parameter(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_token_channel_t *channel)
{
    time_t     age;
    ngx_int_t  n;
    ngx_str_t  s;

    if (ngx_strncmp(value->data, "keep=", 5) == 0) {
        n = ngx_atoi(value->data + 5, value->len - 5);

        if (n > 0) {
            channel->keep = n;
            return NGX_CONF_OK;
        }
    }

    if (ngx_strncmp(value->data, "age=", 4) == 0) {
        s.data = value->data + 4;
        s.len = value->len - 4;
        age = ngx_parse_time(&s, 1);

        if (age > 0) {
            channel->age = (uint64_t) age * 1000;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\"", value);

    return NGX_CONF_ERROR;
}


char *
ngx_http_token_presence_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_token_main_conf_t *mcf = conf;

    ngx_int_t                  grace;
    ngx_str_t                 *value, s;
    ngx_http_token_channel_t  *channel;

    channel = ngx_http_token_channel_add(cf, mcf, NGX_TOKEN_KIND_PRESENCE);
    if (channel == NULL) {
        return NGX_CONF_ERROR;
    }

    channel->grace = 3000;

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    value = cf->args->elts;

    if (ngx_strncmp(value[2].data, "grace=", 6) == 0) {
        s.data = value[2].data + 6;
        s.len = value[2].len - 6;
        grace = ngx_parse_time(&s, 0);

        if (grace != NGX_ERROR) {
            channel->grace = grace;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\"", &value[2]);

    return NGX_CONF_ERROR;
}


static ngx_http_token_channel_t *
ngx_http_token_channel_add(ngx_conf_t *cf, ngx_http_token_main_conf_t *mcf,
    ngx_token_kind_e kind)
{
    ngx_str_t                 *value;
    ngx_http_token_channel_t  *channel, **chp;

    value = cf->args->elts;

    if (ngx_http_token_channel_name(cf, &value[1], kind) != NGX_CONF_OK) {
        return NULL;
    }

    if (ngx_http_token_channel_exact(mcf, &value[1]) != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate channel \"%V\"", &value[1]);
        return NULL;
    }

    channel = ngx_pcalloc(cf->pool, sizeof(ngx_http_token_channel_t));
    if (channel == NULL) {
        return NULL;
    }

    chp = ngx_array_push(&mcf->channels);
    if (chp == NULL) {
        return NULL;
    }

    *chp = channel;

    channel->name = value[1];
    channel->kind = kind;

    return channel;
}


static char *
ngx_http_token_channel_name(ngx_conf_t *cf, ngx_str_t *name,
    ngx_token_kind_e kind)
{
    u_char  *star;

    if (!ngx_http_token_channel_text(name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid channel name \"%V\": it must have 1 to "
                           "%d bytes of UTF-8 and no control characters",
                           name, NGX_TOKEN_MAX_CHANNEL);
        return NGX_CONF_ERROR;
    }

    star = ngx_strlchr(name->data, name->data + name->len, '*');

    if (star == NULL) {
        return NGX_CONF_OK;
    }

    if (kind == NGX_TOKEN_KIND_FAMILY
        && star == name->data + name->len - 1
        && name->len > 2 && star[-1] == '/')
    {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid channel name \"%V\": only a family of atoms "
                       "has a star, and it ends in \"/*\"", name);

    return NGX_CONF_ERROR;
}


static ngx_uint_t
ngx_http_token_channel_text(ngx_str_t *name)
{
    size_t  i;

    if (name->len == 0 || name->len > NGX_TOKEN_MAX_CHANNEL) {
        return 0;
    }

    for (i = 0; i < name->len; i++) {
        if (name->data[i] < 0x20 || name->data[i] == 0x7f) {
            return 0;
        }
    }

    /* a variable of the handshake may bring any bytes into a name: in JSON all
       that are no UTF-8 would look alike */

    return ngx_token_utf8_valid(name->data, name->data + name->len);
}


ngx_http_token_channel_t *
ngx_http_token_channel_exact(ngx_http_token_main_conf_t *mcf, ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_http_token_channel_t  **chp;

    chp = mcf->channels.elts;

    for (i = 0; i < mcf->channels.nelts; i++) {
        if (chp[i]->name.len == name->len
            && ngx_memcmp(chp[i]->name.data, name->data, name->len) == 0)
        {
            return chp[i];
        }
    }

    return NULL;
}


ngx_http_token_channel_t *
ngx_http_token_channel_find(ngx_http_token_main_conf_t *mcf, ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_http_token_channel_t  **chp, *best;

    if (!ngx_http_token_channel_text(name)
        || name->data[name->len - 1] == '*')
    {
        return NULL;
    }

    best = ngx_http_token_channel_exact(mcf, name);

    if (best) {
        return best;
    }

    chp = mcf->channels.elts;

    for (i = 0; i < mcf->channels.nelts; i++) {
        if (ngx_http_token_channel_member(chp[i], name)
            && (best == NULL || chp[i]->name.len > best->name.len))
        {
            best = chp[i];
        }
    }

    return best;
}


ngx_uint_t
ngx_http_token_channel_member(ngx_http_token_channel_t *family,
    ngx_str_t *name)
{
    size_t  len;

    len = family->name.len - 1;

    return family->kind == NGX_TOKEN_KIND_FAMILY
           && name->len > len
           && ngx_memcmp(family->name.data, name->data, len) == 0;
}


ngx_http_token_channel_t *
ngx_http_token_channel_allowed(ngx_http_token_main_conf_t *mcf,
    ngx_http_token_loc_conf_t *lcf, ngx_str_t *name, ngx_token_kind_e *kind)
{
    ngx_uint_t                 i;
    ngx_http_token_name_t     *watch;
    ngx_http_token_channel_t  *channel;

    if (lcf->watch == NULL || name->len == 0) {
        return NULL;
    }

    channel = ngx_http_token_channel_find(mcf, name);

    if (channel == NULL) {
        /* or a family itself */
        channel = ngx_http_token_channel_exact(mcf, name);
    }

    if (channel == NULL) {
        return NULL;
    }

    *kind = channel->kind;

    if (*kind == NGX_TOKEN_KIND_FAMILY && name->data[name->len - 1] != '*') {
        *kind = NGX_TOKEN_KIND_ATOM;
    }

    watch = lcf->watch->elts;

    for (i = 0; i < lcf->watch->nelts; i++) {

        if (watch[i].name.len == name->len
            && ngx_memcmp(watch[i].name.data, name->data, name->len) == 0)
        {
            return channel;
        }

        if (*kind == NGX_TOKEN_KIND_ATOM
            && watch[i].name.data[watch[i].name.len - 1] == '*'
            && ngx_http_token_channel_member(watch[i].target, name))
        {
            return channel;
        }
    }

    return NULL;
}
