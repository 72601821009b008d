
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_channel.h"
#include "http/ngx_http_token_job.h"
#include "http/ngx_http_token_search.h"
#include "http/ngx_http_token_service.h"
#include "token/ngx_token_utf8.h"


typedef struct {
    ngx_str_t            name;
    ngx_token_effect_e   type;
    ngx_uint_t           args;            /* at most, with the channel */
    const char          *value;           /* default templates */
    const char          *version;
} ngx_http_token_effect_form_t;


static char *ngx_http_token_service_directive(ngx_conf_t *cf,
    ngx_command_t *dummy, void *conf);
static char *ngx_http_token_service_option(ngx_conf_t *cf,
    ngx_http_token_service_t *service);
static char *ngx_http_token_service_effect(ngx_conf_t *cf,
    ngx_http_token_service_t *service, ngx_http_token_effect_form_t *form);
static char *ngx_http_token_service_work(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_token_service_t *service);
static char *ngx_http_token_service_find(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_token_service_t *service);
static char *ngx_http_token_service_fail(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_token_service_t *service);
static ngx_int_t ngx_http_token_service_log(ngx_http_token_main_conf_t *mcf,
    ngx_http_token_service_t *service, ngx_log_t *log);
static ngx_int_t ngx_http_token_service_channel(
    ngx_http_token_effect_conf_t *effect, ngx_http_token_channel_t *channel,
    ngx_log_t *log);


static ngx_http_token_effect_form_t  ngx_http_token_effect_forms[] = {

    { ngx_string("set"), NGX_TOKEN_EFFECT_SET, 2, "$token_value", NULL },
    { ngx_string("toggle"), NGX_TOKEN_EFFECT_TOGGLE, 1, NULL, NULL },
    { ngx_string("add"), NGX_TOKEN_EFFECT_ADD, 2, "$token_value", NULL },
    { ngx_string("merge"), NGX_TOKEN_EFFECT_MERGE, 2, "$token_value", NULL },
    { ngx_string("put"), NGX_TOKEN_EFFECT_PUT, 3, "$token_arg_value",
      "$token_arg_version" },
    { ngx_string("delete"), NGX_TOKEN_EFFECT_DELETE, 1, NULL, NULL },
    { ngx_string("append"), NGX_TOKEN_EFFECT_APPEND, 2, "$token_value",
      NULL },

    { ngx_null_string, 0, 0, NULL, NULL }
};


char *
ngx_http_token_service_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_token_main_conf_t *mcf = conf;

    char                       *rv;
    ngx_str_t                  *value;
    ngx_conf_t                  save;
    ngx_http_token_service_t   *service, **sp;

    value = cf->args->elts;

    if (!ngx_token_utf8_valid(value[1].data, value[1].data + value[1].len)) {
        /* no token could ask for it */
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the name of service \"%V\" is not UTF-8",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_token_service_exact(mcf, &value[1]) != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate service \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    service = ngx_pcalloc(cf->pool, sizeof(ngx_http_token_service_t));
    if (service == NULL) {
        return NGX_CONF_ERROR;
    }

    service->name = value[1];
    service->index = mcf->services.nelts;
    service->file = cf->conf_file->file.name.data;
    service->line = cf->conf_file->line;

    if (ngx_array_init(&service->effects, cf->pool, 2,
                       sizeof(ngx_http_token_effect_conf_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    sp = ngx_array_push(&mcf->services);
    if (sp == NULL) {
        return NGX_CONF_ERROR;
    }

    *sp = service;

    save = *cf;
    cf->handler = ngx_http_token_service_directive;
    cf->handler_conf = (void *) service;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv;
}


static char *
ngx_http_token_service_directive(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf)
{
    ngx_http_token_service_t *service = conf;

    ngx_str_t                     *value;
    ngx_http_token_effect_form_t  *form;

    value = cf->args->elts;

    for (form = ngx_http_token_effect_forms; form->name.len; form++) {
        if (form->name.len == value[0].len
            && ngx_strcmp(form->name.data, value[0].data) == 0)
        {
            return ngx_http_token_service_effect(cf, service, form);
        }
    }

    return ngx_http_token_service_option(cf, service);
}


static char *
ngx_http_token_service_option(ngx_conf_t *cf,
    ngx_http_token_service_t *service)
{
    ssize_t     size;
    ngx_int_t   delay;
    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[0].data, "require_user") == 0) {
        if (cf->args->nelts != 1) {
            goto arguments;
        }

        service->require_user = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[0].data, "idempotent") == 0) {
        if (cf->args->nelts != 1) {
            goto arguments;
        }

        service->idempotent = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[0].data, "max_size") != 0
        && ngx_strcmp(value[0].data, "delay") != 0
        && ngx_strcmp(value[0].data, "fail") != 0
        && ngx_strcmp(value[0].data, "find") != 0
        && ngx_strcmp(value[0].data, "handler") != 0
        && ngx_strcmp(value[0].data, "pass") != 0
        && ngx_strcmp(value[0].data, "timeout") != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown directive \"%V\" in token_service",
                           &value[0]);
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts != 2) {
        goto arguments;
    }

    /* by the first letter, all being known and different */

    switch (value[0].data[0]) {

    case 'm':
        size = ngx_parse_size(&value[1]);
        if (size == NGX_ERROR || size == 0) {
            goto invalid;
        }

        service->max_size = size;
        return NGX_CONF_OK;

    case 'd':
        delay = ngx_parse_time(&value[1], 0);
        if (delay == NGX_ERROR) {
            goto invalid;
        }

        service->delay = delay;
        return NGX_CONF_OK;

    case 't':
        delay = ngx_parse_time(&value[1], 0);
        if (delay == NGX_ERROR || delay == 0) {
            goto invalid;
        }

        service->timeout = delay;
        return NGX_CONF_OK;

    default:
        if (ngx_strcmp(value[0].data, "fail") == 0) {
            return ngx_http_token_service_fail(cf, &value[1], service);
        }

        return ngx_http_token_service_work(cf, value, service);
    }

arguments:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid number of arguments in \"%V\" directive",
                       &value[0]);
    return NGX_CONF_ERROR;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid value \"%V\"",
                       &value[1]);
    return NGX_CONF_ERROR;
}


/* pass, handler, find: who does the work of a service */

static char *
ngx_http_token_service_work(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_token_service_t *service)
{
    ngx_http_token_main_conf_t  *mcf;

    if (service->pass.len || service->handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not the only \"pass\", \"handler\" or "
                           "\"find\" of its service", &value[0]);
        return NGX_CONF_ERROR;
    }

    switch (value[0].data[0]) {

    case 'p':
        if (value[1].data[0] != '/' || ngx_strchr(value[1].data, '$')) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid value \"%V\"",
                               &value[1]);
            return NGX_CONF_ERROR;
        }

        service->pass = value[1];
        return NGX_CONF_OK;

    case 'f':
        return ngx_http_token_service_find(cf, &value[1], service);

    default: /* 'h' */
        break;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_token_module);

    service->handler = ngx_http_token_handler_find(mcf, &value[1]);

    if (service->handler == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown handler \"%V\": no module that is loaded "
                           "has it", &value[1]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_token_service_find(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_token_service_t *service)
{
    ngx_http_token_template_t    log;
    ngx_http_token_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_token_module);

    if (ngx_http_token_template_compile(cf, mcf, value, 0, &log) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (!log.constant) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid value \"%V\"",
                           value);
        return NGX_CONF_ERROR;
    }

    service->find = log.text;
    service->handler = ngx_http_token_search(cf, &service->find);

    return service->handler ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_token_service_fail(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_token_service_t *service)
{
    ngx_int_t  n;

    n = NGX_ERROR;

    if (value->len > 1 && value->data[value->len - 1] == '%') {
        n = ngx_atoi(value->data, value->len - 1);
    }

    if (n == NGX_ERROR || n > 100) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\", it must be \"0%%\" to "
                           "\"100%%\"", value);
        return NGX_CONF_ERROR;
    }

    service->fail = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_token_service_effect(ngx_conf_t *cf,
    ngx_http_token_service_t *service, ngx_http_token_effect_form_t *form)
{
    ngx_str_t                     *value, s;
    ngx_http_token_main_conf_t    *mcf;
    ngx_http_token_effect_conf_t  *effect;

    value = cf->args->elts;

    if (cf->args->nelts < 2 || cf->args->nelts > form->args + 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number of arguments in \"%V\" directive",
                           &value[0]);
        return NGX_CONF_ERROR;
    }

    effect = ngx_array_push(&service->effects);
    if (effect == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(effect, sizeof(ngx_http_token_effect_conf_t));

    effect->type = form->type;
    effect->file = cf->conf_file->file.name.data;
    effect->line = cf->conf_file->line;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_token_module);

    if (ngx_http_token_template_compile(cf, mcf, &value[1], 0,
                                        &effect->channel)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (form->value) {
        s.data = (u_char *) form->value;
        s.len = ngx_strlen(form->value);

        if (ngx_http_token_template_compile(cf, mcf,
                                  cf->args->nelts > 2 ? &value[2] : &s, 1,
                                  &effect->value)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (form->version) {
        s.data = (u_char *) form->version;
        s.len = ngx_strlen(form->version);

        if (ngx_http_token_template_compile(cf, mcf,
                                  cf->args->nelts > 3 ? &value[3] : &s, 1,
                                  &effect->version)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_token_service_resolve(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf)
{
    ngx_uint_t                      i, j;
    ngx_http_token_service_t      **sp;
    ngx_http_token_effect_conf_t   *effect;

    sp = mcf->services.elts;

    for (i = 0; i < mcf->services.nelts; i++) {
        if (sp[i]->find.len
            && ngx_http_token_service_log(mcf, sp[i], cf->log) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if ((sp[i]->timeout || sp[i]->idempotent) && sp[i]->pass.len == 0
            && (sp[i]->handler == NULL || sp[i]->find.len))
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "service \"%V\" has \"%s\", but neither \"pass\" "
                          "nor \"handler\", in %s:%ui",
                          &sp[i]->name,
                          sp[i]->timeout ? "timeout" : "idempotent",
                          sp[i]->file, sp[i]->line);
            return NGX_ERROR;
        }

        effect = sp[i]->effects.elts;

        for (j = 0; j < sp[i]->effects.nelts; j++) {
            effect[j].late = effect[j].channel.late || effect[j].value.late
                             || effect[j].version.late;

            if (effect[j].late && sp[i]->pass.len == 0
                && sp[i]->handler == NULL)
            {
                ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                              "there is no \"$token_result\" in the service "
                              "\"%V\", which has neither \"pass\" nor "
                              "\"handler\", in %s:%ui",
                              &sp[i]->name, effect[j].file, effect[j].line);
                return NGX_ERROR;
            }

            if (effect[j].channel.constant
                && ngx_http_token_service_channel(&effect[j],
                       ngx_http_token_channel_find(mcf,
                                                   &effect[j].channel.text),
                       cf->log)
                   != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_service_channel(ngx_http_token_effect_conf_t *effect,
    ngx_http_token_channel_t *channel, ngx_log_t *log)
{
    ngx_str_t  *name;

    name = &effect->channel.text;

    if (channel == NULL) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "unknown channel \"%V\" in %s:%ui",
                      name, effect->file, effect->line);
        return NGX_ERROR;
    }

    if (effect->type == NGX_TOKEN_EFFECT_APPEND) {
        if (channel->kind == NGX_TOKEN_KIND_LOG) {
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_EMERG, log, 0, "\"%V\" is not a log in %s:%ui",
                      name, effect->file, effect->line);
        return NGX_ERROR;
    }

    if (channel->kind != NGX_TOKEN_KIND_ATOM
        && channel->kind != NGX_TOKEN_KIND_FAMILY)
    {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "\"%V\" is not an atom in %s:%ui",
                      name, effect->file, effect->line);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* a search changes nothing: its service has no effects */

static ngx_int_t
ngx_http_token_service_log(ngx_http_token_main_conf_t *mcf,
    ngx_http_token_service_t *service, ngx_log_t *log)
{
    ngx_http_token_channel_t  *channel;

    channel = ngx_http_token_channel_exact(mcf, &service->find);

    if (channel == NULL || channel->kind != NGX_TOKEN_KIND_LOG) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "\"%V\" is not a log in %s:%ui",
                      &service->find, service->file, service->line);
        return NGX_ERROR;
    }

    if (service->effects.nelts) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "service \"%V\" has \"find\" and other effects "
                      "in %s:%ui",
                      &service->name, service->file, service->line);
        return NGX_ERROR;
    }

    if (service->max_size == 0
        || service->max_size > NGX_HTTP_TOKEN_SEARCH_MAX)
    {
        service->max_size = NGX_HTTP_TOKEN_SEARCH_MAX;
    }

    return NGX_OK;
}


ngx_http_token_service_t *
ngx_http_token_service_exact(ngx_http_token_main_conf_t *mcf, ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_http_token_service_t  **sp;

    sp = mcf->services.elts;

    for (i = 0; i < mcf->services.nelts; i++) {
        if (sp[i]->name.len == name->len
            && ngx_memcmp(sp[i]->name.data, name->data, name->len) == 0)
        {
            return sp[i];
        }
    }

    return NULL;
}
