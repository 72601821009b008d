
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_result.h"
#include "http/ngx_http_token_service.h"


#define NGX_HTTP_TOKEN_RESULT_DEPTH  64   /* of its JSON */


static ngx_int_t ngx_http_token_result_add(ngx_http_token_run_t *run,
    const ngx_token_str_t *result);
static ngx_int_t ngx_http_token_result_complete(ngx_http_token_run_t *run,
    const ngx_token_str_t *result);
static void ngx_http_token_result_replace(ngx_http_token_run_t *run,
    u_char *record, size_t len);


ngx_token_rc_t
ngx_http_token_result_read(const ngx_token_str_t *s, ngx_token_buf_t *b)
{
    ngx_token_rc_t  rc;

    rc = ngx_token_json_check(s, NGX_HTTP_TOKEN_RESULT_DEPTH);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    ngx_token_json_minify(b, s);

    return b->failed ? NGX_TOKEN_NOMEM : NGX_TOKEN_OK;
}


void
ngx_http_token_result_put(ngx_http_token_run_t *run,
    const ngx_token_str_t *result)
{
    ngx_int_t  rc;

    if (run->late && run->outcome == NGX_TOKEN_OUTCOME_OK) {
        rc = ngx_http_token_result_complete(run, result);

    } else if (result->data) {
        rc = ngx_http_token_result_add(run, result);

    } else {
        return;
    }

    if (rc != NGX_OK) {
        run->outcome = NGX_TOKEN_OUTCOME_FAILED;
        run->error = NGX_TOKEN_ERR_SERVICE_FAILED;
    }
}


static ngx_int_t
ngx_http_token_result_add(ngx_http_token_run_t *run,
    const ngx_token_str_t *result)
{
    size_t               len;
    u_char              *record;
    ngx_token_effect_t   effects[NGX_TOKEN_MAX_EFFECTS];
    ngx_token_commit_t   commit;

    if (ngx_token_commit_decode(run->record, run->len, &commit, effects)
        != NGX_TOKEN_OK)
    {
        return NGX_ERROR;
    }

    commit.result = *result;

    len = ngx_token_commit_size(&commit);
    record = ngx_alloc(len, ngx_cycle->log);

    if (record == NULL) {
        return NGX_ERROR;
    }

    ngx_token_commit_encode(&commit, record);
    ngx_http_token_result_replace(run, record, len);

    return NGX_OK;
}


/* the effects that were left out, in their places among the others */

static ngx_int_t
ngx_http_token_result_complete(ngx_http_token_run_t *run,
    const ngx_token_str_t *result)
{
    u_char                      *record;
    ngx_str_t                    why;
    ngx_http_token_service_t   **sp;
    ngx_http_token_prepared_t    prepared;

    if (ngx_http_token_service_complete(run->late, &run->user, result,
                                        &prepared)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (prepared.error) {
        sp = run->late->mcf->services.elts;
        why = prepared.text;

        if (why.len == 0) {
            why.data = (u_char *) ngx_token_err_text(prepared.error);
            why.len = ngx_strlen(why.data);
        }

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "the result for the service \"%V\" does not do for its "
                      "effects: %V",
                      prepared.work ? &prepared.work->name
                                    : &sp[run->service]->name,
                      &why);
        return NGX_ERROR;
    }

    record = ngx_alloc(prepared.len, ngx_cycle->log);
    if (record == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(record, prepared.record, prepared.len);
    ngx_http_token_result_replace(run, record, prepared.len);
    run->neffects = prepared.neffects;

    return NGX_OK;
}


static void
ngx_http_token_result_replace(ngx_http_token_run_t *run, u_char *record,
    size_t len)
{
    if (run->own) {
        ngx_free(run->record);
    }

    run->own = 1;
    run->record = record;
    run->len = len;
}


void
ngx_http_token_result_give(ngx_token_verdict_t *verdict,
    const ngx_token_str_t *result)
{
    u_char  *p;

    if (result->len == 0) {
        return;
    }

    p = malloc(result->len);

    if (p == NULL) {
        verdict->outcome = NGX_TOKEN_OUTCOME_BUSY;
        verdict->error = NGX_TOKEN_ERR_NONE;
        return;
    }

    ngx_memcpy(p, result->data, result->len);
    verdict->result.data = p;
    verdict->result.len = result->len;
}
