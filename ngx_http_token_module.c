
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_channel.h"
#include "http/ngx_http_token_handshake.h"
#include "http/ngx_http_token_identity.h"
#include "http/ngx_http_token_login.h"
#include "http/ngx_http_token_resource.h"
#include "http/ngx_http_token_service.h"
#include "http/ngx_http_token_stat.h"
#include "http/ngx_http_token_status.h"
#include "http/ngx_http_token_storage.h"
#include "http/ngx_http_token_worker.h"


/*
 * Directives, their configuration and its merging, the start and the end of
 * processes.  Nothing here does I/O.
 */


#define NGX_HTTP_TOKEN_OFFLOAD_POOL  "token"
#define NGX_HTTP_TOKEN_OFFLOAD_MAX   1024
#define NGX_HTTP_TOKEN_RATE          1000


static void *ngx_http_token_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_token_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_http_token_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_token_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_token_bounds(ngx_conf_t *cf,
    ngx_http_token_loc_conf_t *conf);
static ngx_int_t ngx_http_token_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_token_resolve(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf);
static ngx_int_t ngx_http_token_resolve_resources(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf);
static ngx_int_t ngx_http_token_pools(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf);
static char *ngx_http_token_store(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_token_store_parameter(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_token_main_conf_t *mcf);
static char *ngx_http_token_thread_pool(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_token_handler(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_token_status_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_token_resource_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_token_names(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_token_deflate_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_token_rate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_token_limit_sessions(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_token_user(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_token_origins(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_uint_t ngx_http_token_cookie_name(ngx_str_t *name);
static char *ngx_http_token_cookie(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_token_init_process(ngx_cycle_t *cycle);
static void ngx_http_token_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_token_commands[] = {

    { ngx_string("token_store"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_token_store,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("token_atom"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_token_atom_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("token_log"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE123,
      ngx_http_token_log_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("token_presence"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_token_presence_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("token_service"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_token_service_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("token_thread_pool"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_token_thread_pool,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("token_login_key"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_token_main_conf_t, login_key_file),
      NULL },

    { ngx_string("token_websocket"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_token_handler,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_TOKEN_WEBSOCKET,
      NULL },

    { ngx_string("token_echo"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_token_handler,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_TOKEN_ECHO,
      NULL },

    { ngx_string("token_login"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_token_handler,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_TOKEN_LOGIN,
      NULL },

    { ngx_string("token_logout"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_token_handler,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_TOKEN_LOGOUT,
      NULL },

    { ngx_string("token_resource"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_token_resource_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_TOKEN_RESOURCE,
      NULL },

    { ngx_string("token_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_token_status_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_TOKEN_STATUS,
      NULL },

    { ngx_string("token_allow"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_token_names,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_token_loc_conf_t, allow),
      NULL },

    { ngx_string("token_watch"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_token_names,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_token_loc_conf_t, watch),
      NULL },

    { ngx_string("token_origin"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_token_origins,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("token_user"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_token_user,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_token_loc_conf_t, user),
      NULL },

    { ngx_string("token_cookie"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE123,
      ngx_http_token_cookie,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("token_max_message"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_token_loc_conf_t, max_message),
      NULL },

    { ngx_string("token_max_frames"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_token_loc_conf_t, max_frames),
      NULL },

    { ngx_string("token_max_ratio"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_token_loc_conf_t, max_ratio),
      NULL },

    { ngx_string("token_max_depth"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_token_loc_conf_t, max_depth),
      NULL },

    { ngx_string("token_max_inflight"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_token_loc_conf_t, max_inflight),
      NULL },

    { ngx_string("token_max_watches"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_token_loc_conf_t, max_watches),
      NULL },

    { ngx_string("token_deflate"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_token_deflate_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("token_rate"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_token_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("token_limit_sessions"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE2,
      ngx_http_token_limit_sessions,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("token_session_time"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_token_loc_conf_t, session_time),
      NULL },

    { ngx_string("token_heartbeat"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_token_loc_conf_t, heartbeat),
      NULL },

    { ngx_string("token_stall_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_token_loc_conf_t, stall_timeout),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_token_module_ctx = {
    ngx_http_token_identity_variables,     /* preconfiguration */
    ngx_http_token_init,                   /* postconfiguration */

    ngx_http_token_create_main_conf,       /* create main configuration */
    ngx_http_token_init_main_conf,         /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_token_create_loc_conf,        /* create location configuration */
    ngx_http_token_merge_loc_conf          /* merge location configuration */
};


ngx_module_t  ngx_http_token_module = {
    NGX_MODULE_V1,
    &ngx_http_token_module_ctx,            /* module context */
    ngx_http_token_commands,               /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_token_init_process,           /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_token_exit_process,           /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_token_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_token_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_token_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&mcf->channels, cf->pool, 8, sizeof(void *)) != NGX_OK
        || ngx_array_init(&mcf->services, cf->pool, 8, sizeof(void *))
           != NGX_OK
        || ngx_array_init(&mcf->names, cf->pool, 8, sizeof(void *)) != NGX_OK
        || ngx_array_init(&mcf->resources, cf->pool, 4,
                          sizeof(ngx_http_token_name_t))
           != NGX_OK
        || ngx_array_init(&mcf->variables, cf->pool, 4, sizeof(ngx_int_t))
           != NGX_OK
        || ngx_array_init(&mcf->variable_names, cf->pool, 4,
                          sizeof(ngx_http_token_name_t))
           != NGX_OK)
    {
        return NULL;
    }

    mcf->sync = NGX_CONF_UNSET;

    return mcf;
}


static char *
ngx_http_token_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_token_main_conf_t *mcf = conf;

    ngx_conf_init_value(mcf->sync, 1);

    if (mcf->size == 0) {
        mcf->size = (size_t) 1024 * 1024 * 1024;
    }

    if (mcf->ledger == 0) {
        mcf->ledger = (uint64_t) 7 * 24 * 60 * 60 * 1000;
    }

    if (mcf->offload_name.len == 0) {
        ngx_str_set(&mcf->offload_name, NGX_HTTP_TOKEN_OFFLOAD_POOL);
    }

    if (mcf->offload_max == 0) {
        mcf->offload_max = NGX_HTTP_TOKEN_OFFLOAD_MAX;
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_token_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_token_loc_conf_t  *lcf;

    lcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_token_loc_conf_t));
    if (lcf == NULL) {
        return NULL;
    }

    lcf->allow = NGX_CONF_UNSET_PTR;
    lcf->watch = NGX_CONF_UNSET_PTR;
    lcf->origins = NGX_CONF_UNSET_PTR;
    lcf->max_message = NGX_CONF_UNSET_SIZE;
    lcf->max_frames = NGX_CONF_UNSET_UINT;
    lcf->max_ratio = NGX_CONF_UNSET_UINT;
    lcf->max_depth = NGX_CONF_UNSET_UINT;
    lcf->max_inflight = NGX_CONF_UNSET_UINT;
    lcf->max_watches = NGX_CONF_UNSET_UINT;
    lcf->deflate = NGX_CONF_UNSET_UINT;
    lcf->rate = NGX_CONF_UNSET_UINT;
    lcf->session_time = NGX_CONF_UNSET_MSEC;
    lcf->limit_sessions = NGX_CONF_UNSET_UINT;
    lcf->heartbeat = NGX_CONF_UNSET_MSEC;
    lcf->stall_timeout = NGX_CONF_UNSET_MSEC;
    lcf->cookie_time = NGX_CONF_UNSET;
    lcf->cookie_secure = NGX_CONF_UNSET;

    return lcf;
}


static char *
ngx_http_token_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_token_loc_conf_t *prev = parent;
    ngx_http_token_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname && conf->mode == NGX_HTTP_TOKEN_NONE) {
        /* an "if" inside the location keeps its handler */
        conf->mode = prev->mode;
        conf->status = prev->status;
        conf->resource = prev->resource;
    }

    ngx_conf_merge_ptr_value(conf->allow, prev->allow, NULL);
    ngx_conf_merge_ptr_value(conf->watch, prev->watch, NULL);
    ngx_conf_merge_ptr_value(conf->origins, prev->origins, NULL);

    if (conf->user == NULL) {
        conf->user = prev->user;
    }

    ngx_conf_merge_size_value(conf->max_message, prev->max_message, 65536);
    ngx_conf_merge_uint_value(conf->max_frames, prev->max_frames, 1024);
    ngx_conf_merge_uint_value(conf->max_ratio, prev->max_ratio, 200);
    ngx_conf_merge_uint_value(conf->max_depth, prev->max_depth, 32);
    ngx_conf_merge_uint_value(conf->max_inflight, prev->max_inflight, 64);
    ngx_conf_merge_uint_value(conf->max_watches, prev->max_watches, 64);
    ngx_conf_merge_uint_value(conf->deflate, prev->deflate, 0);
    ngx_conf_merge_msec_value(conf->session_time, prev->session_time, 0);

    if (conf->rate == NGX_CONF_UNSET_UINT) {
        conf->rate = prev->rate;
        conf->burst = prev->burst;
    }

    if (conf->rate == NGX_CONF_UNSET_UINT) {
        conf->rate = conf->mode == NGX_HTTP_TOKEN_ECHO
                     ? 0 : NGX_HTTP_TOKEN_RATE;
        conf->burst = 2 * conf->rate;
    }

    if (conf->limit_sessions == NGX_CONF_UNSET_UINT) {
        conf->limit_sessions = prev->limit_sessions;
        conf->limit_key = prev->limit_key;
    }

    if (conf->limit_sessions == NGX_CONF_UNSET_UINT) {
        conf->limit_sessions = 0;
    }

    ngx_conf_merge_msec_value(conf->heartbeat, prev->heartbeat, 25000);
    ngx_conf_merge_msec_value(conf->stall_timeout, prev->stall_timeout,
                              30000);

    ngx_conf_merge_str_value(conf->cookie_name, prev->cookie_name,
                             "token_user");
    ngx_conf_merge_value(conf->cookie_time, prev->cookie_time,
                         (time_t) 30 * 24 * 60 * 60);
    ngx_conf_merge_value(conf->cookie_secure, prev->cookie_secure, 2);

    return ngx_http_token_bounds(cf, conf);
}


static char *
ngx_http_token_bounds(ngx_conf_t *cf, ngx_http_token_loc_conf_t *conf)
{
    if (conf->max_frames == 0 || conf->max_frames > 0xffffffff
        || conf->max_message == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"token_max_frames\" and \"token_max_message\" "
                           "must be from 1 to 4294967295");
        return NGX_CONF_ERROR;
    }

    if (conf->max_ratio > 0xffffffff) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"token_max_ratio\" must be at most 4294967295");
        return NGX_CONF_ERROR;
    }

    if (conf->max_depth == 0 || conf->max_depth > NGX_TOKEN_JSON_MAX_DEPTH) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"token_max_depth\" must be from 1 to %d",
                           NGX_TOKEN_JSON_MAX_DEPTH);
        return NGX_CONF_ERROR;
    }

    if (conf->stall_timeout < 1000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"token_stall_timeout\" must be at least 1s");
        return NGX_CONF_ERROR;
    }

    if (conf->heartbeat < 1000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"token_heartbeat\" must be at least 1s");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* what can only be checked when the whole http block is known */

static ngx_int_t
ngx_http_token_init(ngx_conf_t *cf)
{
    ngx_http_token_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_token_module);

    if (ngx_http_token_template_resolve(cf, mcf) != NGX_OK
        || ngx_http_token_resolve(cf, mcf) != NGX_OK
        || ngx_http_token_resolve_resources(cf, mcf) != NGX_OK
        || ngx_http_token_service_resolve(cf, mcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (mcf->used && mcf->login_key_file.len) {
        /* cookies that another nginx has signed are read */
        mcf->login = 1;
    }

    if (mcf->status && ngx_http_token_stat_zone(cf, mcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!mcf->used && !mcf->login) {
        /* loaded, but without need of anything */
        return NGX_OK;
    }

    if (ngx_http_token_identity_init(cf) != NGX_OK
        || ngx_http_token_storage_init(cf, mcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (mcf->used && ngx_http_token_pools(cf, mcf) != NGX_OK) {
        return NGX_ERROR;
    }

    return mcf->login ? ngx_http_token_login_init(cf, mcf) : NGX_OK;
}


/* finds what the names in token_allow and token_watch stand for */

static ngx_int_t
ngx_http_token_resolve(ngx_conf_t *cf, ngx_http_token_main_conf_t *mcf)
{
    ngx_uint_t              i, j, service;
    ngx_array_t           **names;
    ngx_http_token_name_t  *name;

    names = mcf->names.elts;

    for (i = 0; i < mcf->names.nelts; i++) {
        name = names[i]->elts;

        for (j = 0; j < names[i]->nelts; j++) {
            service = (name[j].target != NULL);

            name[j].target = service
                       ? (void *) ngx_http_token_service_exact(mcf,
                                                               &name[j].name)
                       : (void *) ngx_http_token_channel_exact(mcf,
                                                               &name[j].name);

            if (name[j].target == NULL && !service) {
                name[j].target = ngx_http_token_channel_find(mcf,
                                                             &name[j].name);
            }

            if (name[j].target == NULL) {
                ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                              "unknown %s \"%V\" in %s:%ui",
                              service ? "service" : "channel", &name[j].name,
                              name[j].file, name[j].line);
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* a resource that would be 404 whoever asks */

static ngx_int_t
ngx_http_token_resolve_resources(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf)
{
    ngx_uint_t              i;
    ngx_token_kind_e        kind;
    ngx_http_token_name_t  *name;

    name = mcf->resources.elts;

    for (i = 0; i < mcf->resources.nelts; i++) {
        if (ngx_http_token_channel_allowed(mcf, name[i].target, &name[i].name,
                                           &kind)
            == NULL)
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"token_watch\" does not allow the channel \"%V\" "
                          "of \"token_resource\" in %s:%ui",
                          &name[i].name, name[i].file, name[i].line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Commits run in nginx's default pool: in a pool of their own they never wait
 * behind slow services.
 */

static ngx_int_t
ngx_http_token_pools(ngx_conf_t *cf, ngx_http_token_main_conf_t *mcf)
{
    ngx_uint_t                  i;
    ngx_http_token_service_t  **sp;

    mcf->commit_pool = ngx_thread_pool_add(cf, NULL);
    if (mcf->commit_pool == NULL) {
        return NGX_ERROR;
    }

    sp = mcf->services.elts;

    for (i = 0; i < mcf->services.nelts; i++) {

        if (sp[i]->delay == 0 && sp[i]->pass.len == 0
            && sp[i]->handler == NULL)
        {
            continue;
        }

        mcf->offload_pool = ngx_thread_pool_get((ngx_cycle_t *) cf->cycle,
                                                &mcf->offload_name);

        if (mcf->offload_pool == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "service \"%V\" needs the thread pool \"%V\", which "
                          "is not defined before the \"http\" block, in "
                          "%s:%ui",
                          &sp[i]->name, &mcf->offload_name, sp[i]->file,
                          sp[i]->line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static char *
ngx_http_token_store(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_token_main_conf_t *mcf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    if (mcf->path.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len > 1 && value[1].data[value[1].len - 1] == '/') {
        value[1].len--;
        value[1].data[value[1].len] = '\0';
    }

    mcf->path = value[1];
    mcf->file = cf->conf_file->file.name.data;
    mcf->line = cf->conf_file->line;

    if (mcf->path.len == 0
        || ngx_conf_full_name(cf->cycle, &mcf->path, 0) != NGX_OK)
    {
        return "has an invalid path";
    }

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_token_store_parameter(cf, &value[i], mcf)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_token_store_parameter(ngx_conf_t *cf, ngx_str_t *value,
    ngx_http_token_main_conf_t *mcf)
{
    off_t       size;
    time_t      ledger;
    ngx_str_t   s;

    if (ngx_strncmp(value->data, "size=", 5) == 0) {
        s.data = value->data + 5;
        s.len = value->len - 5;
        size = ngx_parse_offset(&s);

        if (size != NGX_ERROR && size >= (off_t) 1024 * 1024) {
            mcf->size = size;
            return NGX_CONF_OK;
        }
    }

    if (ngx_strncmp(value->data, "ledger=", 7) == 0) {
        s.data = value->data + 7;
        s.len = value->len - 7;
        ledger = ngx_parse_time(&s, 1);

        if (ledger > 0) {
            mcf->ledger = (uint64_t) ledger * 1000;
            return NGX_CONF_OK;
        }
    }

    if (ngx_strcmp(value->data, "sync=on") == 0) {
        mcf->sync = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "sync=off") == 0) {
        mcf->sync = 0;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\"", value);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_token_thread_pool(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_token_main_conf_t *mcf = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    if (mcf->offload_name.len) {
        return "is duplicate";
    }

    value = cf->args->elts;
    mcf->offload_name = value[1];

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value[2].data, "max_tasks=", 10) == 0) {
        n = ngx_atoi(value[2].data + 10, value[2].len - 10);

        if (n > 0) {
            mcf->offload_max = n;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\"", &value[2]);

    return NGX_CONF_ERROR;
}


/* each directive that makes a location's handler */

static char *
ngx_http_token_handler(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_token_loc_conf_t *lcf = conf;

    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_token_main_conf_t  *mcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_token_module);

    if (lcf->mode == cmd->offset) {
        return "is duplicate";
    }

    if (lcf->mode != NGX_HTTP_TOKEN_NONE) {
        return "is with another handler of this module in one location";
    }

    lcf->mode = cmd->offset;

    if (mcf->file == NULL && lcf->mode != NGX_HTTP_TOKEN_ECHO
        && lcf->mode != NGX_HTTP_TOKEN_STATUS)
    {
        /* until a token_store comes: who asks for one */
        mcf->file = cf->conf_file->file.name.data;
        mcf->line = cf->conf_file->line;
    }

    switch (lcf->mode) {

    case NGX_HTTP_TOKEN_WEBSOCKET:
        mcf->used = 1;
        mcf->serves = 1;
        clcf->handler = ngx_http_token_handshake_handler;
        break;

    case NGX_HTTP_TOKEN_ECHO:
        mcf->serves = 1;
        clcf->handler = ngx_http_token_handshake_handler;
        break;

    case NGX_HTTP_TOKEN_LOGIN:
        mcf->login = 1;
        clcf->handler = ngx_http_token_login_handler;
        break;

    case NGX_HTTP_TOKEN_RESOURCE:
        mcf->used = 1;
        mcf->serves = 1;
        clcf->handler = ngx_http_token_resource_handler;
        break;

    case NGX_HTTP_TOKEN_STATUS:
        mcf->status = 1;
        mcf->serves = 1;
        clcf->handler = ngx_http_token_status_handler;
        break;

    default: /* NGX_HTTP_TOKEN_LOGOUT */
        mcf->login = 1;
        clcf->handler = ngx_http_token_logout_handler;
        break;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_token_resource_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_token_loc_conf_t *lcf = conf;

    char                              *rv;
    ngx_str_t                         *value;
    ngx_http_token_name_t             *name;
    ngx_http_core_loc_conf_t          *clcf;
    ngx_http_token_main_conf_t        *mcf;
    ngx_http_compile_complex_value_t   ccv;

    rv = ngx_http_token_handler(cf, cmd, conf);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (cf->args->nelts == 1) {
        clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

        if (clcf->exact_match || clcf->named
#if (NGX_PCRE)
            || clcf->regex
#endif
           )
        {
            return "needs a channel, as the location is no prefix";
        }

        return NGX_CONF_OK;
    }

    value = cf->args->elts;

    lcf->resource = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (lcf->resource == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));
    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = lcf->resource;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (lcf->resource->lengths) {
        return NGX_CONF_OK;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_token_module);

    name = ngx_array_push(&mcf->resources);
    if (name == NULL) {
        return NGX_CONF_ERROR;
    }

    name->name = value[1];
    name->target = lcf;
    name->file = cf->conf_file->file.name.data;
    name->line = cf->conf_file->line;

    return NGX_CONF_OK;
}


static char *
ngx_http_token_status_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_token_loc_conf_t *lcf = conf;

    char       *rv;
    ngx_str_t  *value;

    rv = ngx_http_token_handler(cf, cmd, conf);

    if (rv != NGX_CONF_OK || cf->args->nelts == 1) {
        return rv;
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "prometheus") == 0) {
        lcf->status = NGX_HTTP_TOKEN_STATUS_PROMETHEUS;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value[1].data, "json") == 0) {
        lcf->status = NGX_HTTP_TOKEN_STATUS_JSON;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\"", &value[1]);

    return NGX_CONF_ERROR;
}


/* token_allow, token_watch */

static char *
ngx_http_token_names(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t                   *value;
    ngx_uint_t                   i;
    ngx_array_t                **names, **np;
    ngx_http_token_name_t       *name;
    ngx_http_token_main_conf_t  *mcf;

    names = (ngx_array_t **) (p + cmd->offset);

    if (*names == NGX_CONF_UNSET_PTR) {
        *names = ngx_array_create(cf->pool, 4, sizeof(ngx_http_token_name_t));
        if (*names == NULL) {
            return NGX_CONF_ERROR;
        }

        mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_token_module);

        np = ngx_array_push(&mcf->names);
        if (np == NULL) {
            return NGX_CONF_ERROR;
        }

        *np = *names;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        name = ngx_array_push(*names);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }

        name->name = value[i];
        name->file = cf->conf_file->file.name.data;
        name->line = cf->conf_file->line;

        /* a mark, until it is resolved: services are looked for */
        name->target = cmd->offset == offsetof(ngx_http_token_loc_conf_t,
                                               allow)
                       ? name : NULL;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_token_deflate_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_token_loc_conf_t *lcf = conf;

    ngx_int_t                    level;
    ngx_str_t                   *value;
    ngx_http_token_main_conf_t  *mcf;

    if (lcf->deflate != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        level = 0;

    } else if (ngx_strcmp(value[1].data, "on") == 0) {
        level = 1;

    } else {
        level = ngx_atoi(value[1].data, value[1].len);

        if (level < 1 || level > 9) {
            return "must be \"off\", \"on\", or a level from 1 to 9";
        }
    }

    lcf->deflate = level;

    /* one deflater serves all locations of a worker */

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_token_module);
    mcf->deflate = ngx_max(mcf->deflate, (ngx_uint_t) level);

    return NGX_CONF_OK;
}


static char *
ngx_http_token_rate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_token_loc_conf_t *lcf = conf;

    ngx_int_t   rate, burst;
    ngx_str_t  *value;

    if (lcf->rate != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0 && cf->args->nelts == 2) {
        lcf->rate = 0;
        return NGX_CONF_OK;
    }

    rate = NGX_ERROR;

    if (value[1].len > 3
        && ngx_strcmp(value[1].data + value[1].len - 3, "r/s") == 0)
    {
        rate = ngx_atoi(value[1].data, value[1].len - 3);
    }

    if (rate < 1 || rate > 1000000) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid rate \"%V\", it must be \"off\" or like "
                           "\"100r/s\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    burst = 2 * rate;

    if (cf->args->nelts == 3) {
        burst = ngx_strncmp(value[2].data, "burst=", 6) == 0
                ? ngx_atoi(value[2].data + 6, value[2].len - 6) : NGX_ERROR;

        if (burst < 1 || burst > 1000000) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[2]);
            return NGX_CONF_ERROR;
        }
    }

    lcf->rate = rate;
    lcf->burst = burst;

    return NGX_CONF_OK;
}


static char *
ngx_http_token_limit_sessions(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_token_loc_conf_t *lcf = conf;

    ngx_int_t                          n;
    ngx_str_t                         *value;
    ngx_http_compile_complex_value_t   ccv;

    if (lcf->limit_sessions != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    n = ngx_atoi(value[2].data, value[2].len);

    if (n < 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid number of sessions \"%V\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    lcf->limit_sessions = n;

    lcf->limit_key = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (lcf->limit_key == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = lcf->limit_key;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


static char *
ngx_http_token_user(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strstr(value[1].data, "$token_user")
        || ngx_strstr(value[1].data, "${token_user}"))
    {
        return "cannot be made of \"$token_user\", which it sets";
    }

    if (ngx_strstr(value[1].data, "$remote_user")
        || ngx_strstr(value[1].data, "${remote_user}"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"$remote_user\" is what the client typed, checked "
                           "or not; a user of \"auth_basic\" in the same "
                           "location is known without this directive");
        return NGX_CONF_ERROR;
    }

    return ngx_http_set_complex_value_slot(cf, cmd, conf);
}


static char *
ngx_http_token_origins(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_token_loc_conf_t *lcf = conf;

    u_char      *p;
    ngx_str_t   *value, *origin;
    ngx_uint_t   i;

    if (lcf->origins == NGX_CONF_UNSET_PTR) {
        lcf->origins = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));
        if (lcf->origins == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        p = (u_char *) ngx_strstr(value[i].data, "://");

        if (ngx_strcmp(value[i].data, "any") != 0
            && ngx_strcmp(value[i].data, "null") != 0
            && (p == NULL || p[3] == '\0' || ngx_strchr(p + 3, '/')))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid origin \"%V\", it must be \"any\" or "
                               "like \"https://example.com\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        origin = ngx_array_push(lcf->origins);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        *origin = value[i];
    }

    return NGX_CONF_OK;
}


/* a token, RFC 6265, 4.1.1 */

static ngx_uint_t
ngx_http_token_cookie_name(ngx_str_t *name)
{
    size_t  i;

    for (i = 0; i < name->len; i++) {
        if (name->data[i] <= 0x20 || name->data[i] >= 0x7f
            || ngx_strchr("()<>@,;:\\\"/[]?={}", name->data[i]))
        {
            return 0;
        }
    }

    return name->len != 0;
}


static char *
ngx_http_token_cookie(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_token_loc_conf_t *lcf = conf;

    time_t       time;
    ngx_str_t   *value, s;
    ngx_uint_t   i;

    if (lcf->cookie_name.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (!ngx_http_token_cookie_name(&value[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid cookie name \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    lcf->cookie_name = value[1];

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "time=", 5) == 0) {
            s.data = value[i].data + 5;
            s.len = value[i].len - 5;
            time = ngx_parse_time(&s, 1);

            if (time > 0) {
                lcf->cookie_time = time;
                continue;
            }
        }

        if (ngx_strcmp(value[i].data, "secure=on") == 0) {
            lcf->cookie_secure = 1;
            continue;
        }

        if (ngx_strcmp(value[i].data, "secure=off") == 0) {
            lcf->cookie_secure = 0;
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\"", &value[i]);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_token_init_process(ngx_cycle_t *cycle)
{
    ngx_http_token_main_conf_t  *mcf;

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_token_module);

    if (mcf == NULL || !mcf->serves) {
        return NGX_OK;
    }

    return ngx_http_token_worker_init(cycle, mcf);
}


static void
ngx_http_token_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_token_worker_exit(cycle);
}
