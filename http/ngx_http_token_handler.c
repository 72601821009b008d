
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_job.h"
#include "http/ngx_http_token_offload.h"
#include "http/ngx_http_token_result.h"
#include "http/ngx_http_token_worker.h"


/*
 * What other modules call: while nginx.conf is read, and from their handlers.
 */


#define NGX_HTTP_TOKEN_JOB_MAX_TEXT  1024  /* bytes */


static void ngx_http_token_job_text(ngx_http_token_job_t *job,
    const char *text);


ngx_int_t
ngx_http_token_handler_add(ngx_conf_t *cf, ngx_http_token_handler_t *handler)
{
    ngx_http_token_handler_t     *copy, **hp;
    ngx_http_token_main_conf_t   *mcf;

    if (handler->version != NGX_HTTP_TOKEN_HANDLER_V1
        || handler->name.len == 0 || handler->work == NULL
        || (handler->flags & ~(ngx_uint_t) NGX_HTTP_TOKEN_HANDLER_PURE))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a module registers a handler that is none, or is "
                           "built with another ngx_http_token_handler.h");
        return NGX_ERROR;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_token_module);

    if (ngx_http_token_handler_find(mcf, &handler->name)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "two modules register a handler \"%V\"",
                           &handler->name);
        return NGX_ERROR;
    }

    if (mcf->handlers == NULL) {
        mcf->handlers = ngx_array_create(cf->pool, 4, sizeof(void *));
        if (mcf->handlers == NULL) {
            return NGX_ERROR;
        }
    }

    hp = ngx_array_push(mcf->handlers);
    copy = ngx_palloc(cf->pool, sizeof(ngx_http_token_handler_t));

    if (hp == NULL || copy == NULL) {
        return NGX_ERROR;
    }

    /*
     * The module's own may be of the next configuration by the time of a fork,
     * and that one not have been accepted.
     */

    *copy = *handler;
    *hp = copy;

    return NGX_OK;
}


ngx_http_token_handler_t *
ngx_http_token_handler_find(ngx_http_token_main_conf_t *mcf, ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_http_token_handler_t  **hp;

    if (mcf->handlers == NULL) {
        return NULL;
    }

    hp = mcf->handlers->elts;

    for (i = 0; i < mcf->handlers->nelts; i++) {
        if (hp[i]->name.len == name->len
            && ngx_memcmp(hp[i]->name.data, name->data, name->len) == 0)
        {
            return hp[i];
        }
    }

    return NULL;
}


/* pool, from here on */

ngx_int_t
ngx_http_token_job_arg(ngx_http_token_job_t *job, const char *name,
    ngx_str_t *text)
{
    ngx_token_buf_t            *b;
    ngx_token_str_t             value, key;
    ngx_http_token_job_ctx_t   *ctx;
    ngx_http_token_job_arg_t   *arg;

    ctx = (ngx_http_token_job_ctx_t *) job;

    ngx_http_token_str(&value, &job->value);

    if (name) {
        key.data = (u_char *) name;
        key.len = ngx_strlen(name);

        if (ngx_token_json_member(&value, &key, &value) != NGX_TOKEN_OK) {
            return NGX_DECLINED;
        }
    }

    arg = calloc(1, sizeof(ngx_http_token_job_arg_t));
    if (arg == NULL) {
        return NGX_ERROR;
    }

    arg->next = ctx->args;
    ctx->args = arg;

    b = &arg->text;

    if (ngx_http_token_template_text(&value, b) != NGX_OK) {
        return NGX_DECLINED;
    }

    text->data = b->data;
    text->len = b->len;

    return b->failed ? NGX_ERROR : NGX_OK;
}


ngx_http_token_job_stop_e
ngx_http_token_job_stop(ngx_http_token_job_t *job)
{
    ngx_http_token_job_ctx_t  *ctx;

    ctx = (ngx_http_token_job_ctx_t *) job;

    if (ctx->stop) {
        return (ngx_http_token_job_stop_e) ctx->stop;
    }

    if (ngx_terminate) {
        /* waits for the threads of the pool, and does not tell them */
        return NGX_HTTP_TOKEN_JOB_LEAVING;
    }

    if (ctx->deadline && ngx_http_token_clock() >= ctx->deadline) {
        ctx->late = 1;
        return NGX_HTTP_TOKEN_JOB_TIMEOUT;
    }

    return NGX_HTTP_TOKEN_JOB_GO_ON;
}


ngx_http_token_job_stop_e
ngx_http_token_job_sleep(ngx_http_token_job_t *job, ngx_msec_t ms)
{
    uint64_t                    left;
    ngx_http_token_job_ctx_t   *ctx;
    ngx_http_token_job_stop_e   stop;

    ctx = (ngx_http_token_job_ctx_t *) job;

    stop = ngx_http_token_job_stop(job);

    if (stop) {
        return stop;
    }

    if (ctx->deadline) {
        left = ctx->deadline - ngx_min(ngx_http_token_clock(), ctx->deadline);
        ms = ngx_min(ms, (ngx_msec_t) (left / 1000000 + 1));
    }

    ngx_http_token_offload_sleep(ctx->run, ms);

    return ngx_http_token_job_stop(job);
}


ngx_int_t
ngx_http_token_job_result(ngx_http_token_job_t *job, const u_char *json,
    size_t len)
{
    ngx_token_str_t            s;
    ngx_http_token_job_ctx_t  *ctx;

    ctx = (ngx_http_token_job_ctx_t *) job;

    ngx_token_buf_reset(&ctx->result);
    ctx->given = NGX_TOKEN_OK;

    if (len) {
        s.data = json;
        s.len = len;
        ctx->given = len > NGX_TOKEN_STORE_MAX_VALUE
                     ? NGX_TOKEN_FULL
                     : ngx_http_token_result_read(&s, &ctx->result);
    }

    return ctx->given == NGX_TOKEN_OK ? NGX_OK : NGX_ERROR;
}


ngx_http_token_job_rc_e
ngx_http_token_job_reject(ngx_http_token_job_t *job, const char *text)
{
    ngx_http_token_job_text(job, text);

    return NGX_HTTP_TOKEN_JOB_REJECTED;
}


ngx_http_token_job_rc_e
ngx_http_token_job_fail(ngx_http_token_job_t *job, const char *text)
{
    ngx_http_token_job_text(job, text);

    return NGX_HTTP_TOKEN_JOB_FAILED;
}


/* a result that is a string is the message of an error: PROTOCOL.md, 5 */

static void
ngx_http_token_job_text(ngx_http_token_job_t *job, const char *text)
{
    ngx_token_str_t            s;
    ngx_http_token_job_ctx_t  *ctx;

    ctx = (ngx_http_token_job_ctx_t *) job;

    ngx_token_buf_reset(&ctx->result);
    ctx->given = NGX_TOKEN_OK;

    if (text == NULL) {
        return;
    }

    s.data = (u_char *) text;
    s.len = ngx_min(ngx_strlen(text), NGX_HTTP_TOKEN_JOB_MAX_TEXT);

    ngx_token_buf_json_string(&ctx->result, &s);
}
