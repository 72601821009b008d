
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_committer.h"
#include "http/ngx_http_token_job.h"
#include "http/ngx_http_token_result.h"
#include "http/ngx_http_token_worker.h"


static void ngx_http_token_job_outcome(ngx_http_token_run_t *run);
static void ngx_http_token_job_bad_result(ngx_http_token_run_t *run);
static void ngx_http_token_job_stopped(ngx_http_token_run_t *run);
static void ngx_http_token_job_answer(ngx_http_token_run_t *run);


ngx_http_token_job_ctx_t *
ngx_http_token_job(ngx_http_token_run_t *run,
    ngx_http_token_prepared_t *prepared)
{
    ngx_http_token_job_ctx_t  *ctx;

    ctx = ngx_calloc(sizeof(ngx_http_token_job_ctx_t) + prepared->value.len,
                     ngx_cycle->log);
    if (ctx == NULL) {
        return NULL;
    }

    ctx->run = run;
    ctx->handler = prepared->work->handler;
    ctx->timeout = prepared->work->timeout;
    ctx->rc = NGX_HTTP_TOKEN_JOB_FAILED;
    ctx->error = NGX_TOKEN_ERR_SERVICE_FAILED;

    ngx_token_id_format(run->id, ctx->id);

    ctx->job.value.data = (u_char *) ctx + sizeof(ngx_http_token_job_ctx_t);
    ctx->job.value.len = prepared->value.len;
    ngx_memcpy(ctx->job.value.data, prepared->value.data,
               prepared->value.len);

    ctx->job.user = run->user;
    ctx->job.id.data = ctx->id;
    ctx->job.id.len = NGX_TOKEN_ID_TEXT_LEN;
    ctx->job.service = prepared->work->name;
    ctx->job.data = ctx->handler->data;
    ctx->job.log = ngx_cycle->log;

    return ctx;
}


ngx_uint_t
ngx_http_token_job_is_marked(ngx_http_token_job_ctx_t *job)
{
    return job && (job->handler->flags & (NGX_HTTP_TOKEN_HANDLER_PURE
                                          |NGX_HTTP_TOKEN_HANDLER_ASKS)) == 0;
}


ngx_uint_t
ngx_http_token_job_asks(ngx_http_token_job_ctx_t *job)
{
    return job && (job->handler->flags & NGX_HTTP_TOKEN_HANDLER_ASKS);
}


/* pool */

void
ngx_http_token_job_work(ngx_http_token_job_ctx_t *job)
{
    if (job->timeout) {
        job->deadline = ngx_http_token_clock()
                        + (uint64_t) job->timeout * 1000000;
    }

    job->rc = ngx_http_token_job_stop(&job->job)
              ? NGX_HTTP_TOKEN_JOB_STOPPED
              : job->handler->work(&job->job);
}


void
ngx_http_token_job_end(ngx_http_token_run_t *run)
{
    ngx_token_str_t  result;

    ngx_http_token_job_outcome(run);

    if (ngx_http_token_job_asks(run->job) && !run->settled) {
        ngx_http_token_job_answer(run);
        return;
    }

    if (!run->settled) {
        ngx_memzero(&result, sizeof(ngx_token_str_t));

        if (run->job->result.len && !run->job->result.failed) {
            ngx_http_token_str(&result, &run->job->result);
        }

        ngx_http_token_result_put(run, &result);
    }

    ngx_http_token_commit(run);
}


static void
ngx_http_token_job_outcome(ngx_http_token_run_t *run)
{
    switch (run->job->rc) {

    case NGX_HTTP_TOKEN_JOB_OK:
        run->outcome = NGX_TOKEN_OUTCOME_OK;
        run->error = NGX_TOKEN_ERR_NONE;
        break;

    case NGX_HTTP_TOKEN_JOB_REJECTED:
        run->outcome = NGX_TOKEN_OUTCOME_REJECTED;
        run->error = NGX_TOKEN_ERR_SERVICE_REJECTED;
        break;

    case NGX_HTTP_TOKEN_JOB_STOPPED:
        ngx_http_token_job_stopped(run);
        break;

    default: /* NGX_HTTP_TOKEN_JOB_FAILED */
        run->outcome = NGX_TOKEN_OUTCOME_FAILED;
        run->error = run->job->error;
        break;
    }

    if (run->job->given != NGX_TOKEN_OK) {
        ngx_http_token_job_bad_result(run);
    }

    /* work outside of the store is done: a cancel comes too late */

    run->taken = ngx_http_token_job_is_marked(run->job);
}


/* an ok without the result that belongs to it would be a lie */

static void
ngx_http_token_job_bad_result(ngx_http_token_run_t *run)
{
    ngx_http_token_job_ctx_t  *ctx;

    ctx = run->job;

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "the result of the handler \"%V\" for the service \"%V\" %s",
                  &ctx->handler->name, &ctx->job.service,
                  ctx->given == NGX_TOKEN_FULL ? "is too large"
                  : ctx->given == NGX_TOKEN_INVALID ? "is not JSON"
                  : "has no room in memory");

    ngx_token_buf_reset(&ctx->result);

    if (run->outcome != NGX_TOKEN_OUTCOME_OK) {
        return;
    }

    if (ctx->given == NGX_TOKEN_FULL) {
        run->outcome = NGX_TOKEN_OUTCOME_REJECTED;
        run->error = NGX_TOKEN_ERR_TOO_LARGE;
        return;
    }

    run->outcome = NGX_TOKEN_OUTCOME_FAILED;
    run->error = NGX_TOKEN_ERR_SERVICE_FAILED;
}


/* nothing is done; so nothing is said to be, whatever it was stopped for */

static void
ngx_http_token_job_stopped(ngx_http_token_run_t *run)
{
    ngx_token_buf_reset(&run->job->result);
    run->job->given = NGX_TOKEN_OK;

    run->outcome = NGX_TOKEN_OUTCOME_FAILED;
    run->error = NGX_TOKEN_ERR_SERVICE_FAILED;

    if (run->cancelled) {
        ngx_http_token_run_cancelled(run);
        return;
    }

    if (run->abandoned) {

        if (!ngx_http_token_job_is_marked(run->job) || run->idempotent) {
            /* it simply runs again, elsewhere; a mark stays */
            run->settled = 1;
            run->verdict.outcome = NGX_TOKEN_OUTCOME_BUSY;
            run->verdict.error = NGX_TOKEN_ERR_NONE;
        }

        return;
    }

    if (run->job->late) {
        run->error = NGX_TOKEN_ERR_TIMEOUT;
    }
}


/* what changes nothing needs neither a claim nor the ledger */

static void
ngx_http_token_job_answer(ngx_http_token_run_t *run)
{
    ngx_token_verdict_t        verdict;
    ngx_http_token_job_ctx_t  *ctx;

    ctx = run->job;

    ngx_memzero(&verdict, sizeof(ngx_token_verdict_t));

    verdict.outcome = run->outcome;
    verdict.error = run->error;

    if (run->outcome == NGX_TOKEN_OUTCOME_OK) {
        verdict.seq = ngx_http_token_worker.head;
        verdict.result.data = ctx->result.data;
        verdict.result.len = ctx->result.len;
        ngx_memzero(&ctx->result, sizeof(ngx_token_buf_t));
    }

    ngx_http_token_run_done(run, &verdict);
}


void
ngx_http_token_job_free(ngx_http_token_job_ctx_t *job)
{
    ngx_http_token_job_arg_t  *arg, *next;

    if (job == NULL) {
        return;
    }

    for (arg = job->args; arg; arg = next) {
        next = arg->next;
        ngx_token_buf_free(&arg->text);
        free(arg);
    }

    ngx_token_buf_free(&job->result);
    ngx_free(job);
}
