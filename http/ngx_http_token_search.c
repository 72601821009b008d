
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_job.h"
#include "http/ngx_http_token_search.h"
#include "http/ngx_http_token_worker.h"
#include "store/ngx_token_find.h"


#define NGX_HTTP_TOKEN_SEARCH_LIMIT  10


static ngx_http_token_job_rc_e ngx_http_token_search_work(
    ngx_http_token_job_t *job);
static ngx_int_t ngx_http_token_search_text(ngx_http_token_job_t *job,
    ngx_token_str_t *text);
static uint64_t ngx_http_token_search_limit(ngx_http_token_job_t *job);


ngx_http_token_handler_t *
ngx_http_token_search(ngx_conf_t *cf, ngx_str_t *log)
{
    ngx_http_token_handler_t  *handler;

    handler = ngx_pcalloc(cf->pool, sizeof(ngx_http_token_handler_t));
    if (handler == NULL) {
        return NULL;
    }

    handler->version = NGX_HTTP_TOKEN_HANDLER_V1;
    ngx_str_set(&handler->name, "find");
    handler->work = ngx_http_token_search_work;
    handler->data = log;
    handler->flags = NGX_HTTP_TOKEN_HANDLER_ASKS;

    return handler;
}


/* pool */

static ngx_http_token_job_rc_e
ngx_http_token_search_work(ngx_http_token_job_t *job)
{
    ngx_str_t                 *name;
    ngx_token_rc_t             rc;
    ngx_token_str_t            log, text;
    ngx_http_token_job_ctx_t  *ctx;

    ctx = (ngx_http_token_job_ctx_t *) job;
    name = job->data;

    if (ngx_http_token_search_text(job, &text) != NGX_OK) {
        return NGX_HTTP_TOKEN_JOB_FAILED;
    }

    ngx_http_token_str(&log, name);

    rc = ngx_token_store_find(ngx_http_token_worker.store, &log, &text,
                              ngx_http_token_search_limit(job), &ctx->stop,
                              &ctx->result);

    switch (rc) {

    case NGX_TOKEN_OK:
        return NGX_HTTP_TOKEN_JOB_OK;

    case NGX_TOKEN_DECLINED:
        return NGX_HTTP_TOKEN_JOB_STOPPED;

    default:
        ctx->error = NGX_TOKEN_ERR_STORE_ERROR;
        return NGX_HTTP_TOKEN_JOB_FAILED;
    }
}


/* what is no text finds nothing */

static ngx_int_t
ngx_http_token_search_text(ngx_http_token_job_t *job, ngx_token_str_t *text)
{
    ngx_int_t  rc;
    ngx_str_t  query;

    ngx_str_null(&query);

    rc = ngx_http_token_job_arg(job, "q", &query);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_token_job_arg(job, NULL, &query);
    }

    ngx_http_token_str(text, &query);

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


static uint64_t
ngx_http_token_search_limit(ngx_http_token_job_t *job)
{
    uint64_t         limit;
    ngx_token_str_t  value, member;

    static ngx_token_str_t  name = ngx_token_string("limit");

    limit = NGX_HTTP_TOKEN_SEARCH_LIMIT;

    ngx_http_token_str(&value, &job->value);

    if (ngx_token_json_member(&value, &name, &member) == NGX_TOKEN_OK) {
        (void) ngx_token_json_uint(&member, &limit);
    }

    return ngx_min(limit, NGX_TOKEN_FIND_MAX);
}
