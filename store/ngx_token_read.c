
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "store/ngx_token_store_int.h"


ngx_token_rc_t
ngx_token_read_begin(ngx_token_store_t *st, ngx_token_read_t **r)
{
    return ngx_token_env_read_begin(&st->env, r);
}


void
ngx_token_read_end(ngx_token_read_t *r)
{
    ngx_token_env_read_end(r);
}


uint64_t
ngx_token_read_txnid(ngx_token_read_t *r)
{
    return (uint64_t) mdb_txn_id(r->txn);
}


uint64_t
ngx_token_read_head(ngx_token_read_t *r)
{
    ngx_token_state_t  state;

    if (!r->known) {

        if (ngx_token_state_read(r->txn, r->env->dbi[NGX_TOKEN_DB_MAIN],
                                 &state)
            != NGX_TOKEN_OK)
        {
            return 0;
        }

        r->head = state.seq;
        r->known = 1;
    }

    return r->head;
}
