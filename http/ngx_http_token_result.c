
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_result.h"


#define NGX_HTTP_TOKEN_RESULT_DEPTH  64   /* of its JSON */


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
    size_t               len;
    u_char              *record;
    ngx_token_effect_t   effects[NGX_TOKEN_MAX_EFFECTS];
    ngx_token_commit_t   commit;

    if (ngx_token_commit_decode(run->record, run->len, &commit, effects)
        != NGX_TOKEN_OK)
    {
        return;
    }

    commit.result = *result;

    len = ngx_token_commit_size(&commit);
    record = ngx_alloc(len, ngx_cycle->log);

    if (record == NULL) {
        return;
    }

    ngx_token_commit_encode(&commit, record);

    if (run->own) {
        ngx_free(run->record);
    }

    run->own = 1;
    run->record = record;
    run->len = len;
}
