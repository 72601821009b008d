
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "store/ngx_token_live_int.h"


/*
 * Claims: which process is running the handler of which token.
 */


static int ngx_token_claim_give(ngx_token_live_t *live, MDB_txn *txn,
    const ngx_token_claim_t *claim);


const unsigned char *
ngx_token_live_proc(const ngx_token_live_t *live)
{
    return live->proc;
}


ngx_token_rc_t
ngx_token_live_claim(ngx_token_live_t *live,
    const unsigned char id[NGX_TOKEN_ID_LEN])
{
    int              rc;
    MDB_txn         *txn;
    MDB_val          key, data;
    ngx_token_rc_t   result;

    result = ngx_token_env_write(&live->env, &txn);

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    key.mv_size = NGX_TOKEN_ID_LEN;
    key.mv_data = (void *) id;

    rc = mdb_get(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_CLAIM], &key, &data);

    if (rc == MDB_SUCCESS && data.mv_size == NGX_TOKEN_PROC_LEN
        && memcmp(data.mv_data, live->proc, NGX_TOKEN_PROC_LEN) != 0
        && !ngx_token_proc_is_gone(data.mv_data))
    {
        ngx_token_env_abort(&live->env, txn);
        return NGX_TOKEN_DECLINED;
    }

    if (rc == MDB_SUCCESS || rc == MDB_NOTFOUND) {

        rc = ngx_token_live_enrol(live, txn);

        data.mv_size = NGX_TOKEN_PROC_LEN;
        data.mv_data = live->proc;

        if (rc == MDB_SUCCESS) {
            rc = mdb_put(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_CLAIM], &key,
                         &data, 0);
        }
    }

    if (rc != MDB_SUCCESS) {
        ngx_token_env_abort(&live->env, txn);
        return ngx_token_env_rc(rc, "writing live.mdb");
    }

    return ngx_token_env_commit(&live->env, txn, 0);
}


ngx_token_rc_t
ngx_token_live_unclaim(ngx_token_live_t *live,
    const ngx_token_claim_t *claims, size_t n)
{
    int              rc;
    size_t           i;
    MDB_txn         *txn;
    ngx_token_rc_t   result;

    if (n == 0) {
        return NGX_TOKEN_OK;
    }

    result = ngx_token_env_write(&live->env, &txn);

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    for (i = 0; i < n; i++) {

        rc = ngx_token_claim_give(live, txn, &claims[i]);

        if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND) {
            ngx_token_env_abort(&live->env, txn);
            return ngx_token_env_rc(rc, "writing live.mdb");
        }
    }

    return ngx_token_env_commit(&live->env, txn, 0);
}


/* LMDB's codes; MDB_NOTFOUND: the process does not have it */

static int
ngx_token_claim_give(ngx_token_live_t *live, MDB_txn *txn,
    const ngx_token_claim_t *claim)
{
    int      rc;
    MDB_val  key, data;

    key.mv_size = NGX_TOKEN_ID_LEN;
    key.mv_data = (void *) claim->id;

    rc = mdb_get(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_CLAIM], &key, &data);

    if (rc != MDB_SUCCESS) {
        return rc;
    }

    if (data.mv_size != NGX_TOKEN_PROC_LEN
        || memcmp(data.mv_data, claim->proc, NGX_TOKEN_PROC_LEN) != 0)
    {
        return MDB_NOTFOUND;
    }

    rc = mdb_del(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_CLAIM], &key, NULL);

    return (rc == MDB_SUCCESS)
           ? mdb_del(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_CANCEL], &key, NULL)
           : rc;
}


ngx_token_rc_t
ngx_token_live_claimed(ngx_token_live_t *live,
    const unsigned char id[NGX_TOKEN_ID_LEN])
{
    int                rc;
    MDB_val            key, data;
    ngx_token_rc_t     result;
    ngx_token_read_t  *r;

    result = ngx_token_env_read_begin(&live->env, &r);

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    key.mv_size = NGX_TOKEN_ID_LEN;
    key.mv_data = (void *) id;

    rc = mdb_get(r->txn, live->env.dbi[NGX_TOKEN_LIVE_DB_CLAIM], &key, &data);

    if (rc == MDB_SUCCESS && data.mv_size == NGX_TOKEN_PROC_LEN
        && !ngx_token_proc_is_gone(data.mv_data))
    {
        result = NGX_TOKEN_OK;

    } else if (rc == MDB_SUCCESS || rc == MDB_NOTFOUND) {
        result = NGX_TOKEN_DECLINED;

    } else {
        result = ngx_token_env_rc(rc, "reading live.mdb");
    }

    ngx_token_env_read_end(r);

    return result;
}


ngx_token_rc_t
ngx_token_live_cancel(ngx_token_live_t *live,
    const unsigned char id[NGX_TOKEN_ID_LEN], const ngx_token_str_t *user)
{
    int              rc;
    MDB_txn         *txn;
    MDB_val          key, data;
    ngx_token_rc_t   result;

    result = ngx_token_env_write(&live->env, &txn);

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    key.mv_size = NGX_TOKEN_ID_LEN;
    key.mv_data = (void *) id;

    rc = mdb_get(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_CLAIM], &key, &data);

    if (rc == MDB_NOTFOUND) {
        ngx_token_env_abort(&live->env, txn);
        return NGX_TOKEN_DECLINED;
    }

    if (rc == MDB_SUCCESS) {
        data.mv_size = user->len;
        data.mv_data = (void *) (user->len ? user->data
                                           : (const unsigned char *) "");

        rc = mdb_put(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_CANCEL], &key,
                     &data, 0);
    }

    if (rc != MDB_SUCCESS) {
        ngx_token_env_abort(&live->env, txn);
        return ngx_token_env_rc(rc, "writing live.mdb");
    }

    return ngx_token_env_commit(&live->env, txn, 0);
}


ngx_token_rc_t
ngx_token_live_cancels(ngx_token_live_t *live, ngx_token_live_cancel_pt fn)
{
    int                rc;
    MDB_val            key, data;
    MDB_cursor        *cursor;
    ngx_token_rc_t     result;
    ngx_token_str_t    user;
    ngx_token_read_t  *r;

    result = ngx_token_env_read_begin(&live->env, &r);

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    cursor = ngx_token_env_cursor(r, NGX_TOKEN_LIVE_DB_CANCEL);

    for (rc = cursor ? mdb_cursor_get(cursor, &key, &data, MDB_FIRST)
                     : MDB_NOTFOUND;
         rc == MDB_SUCCESS;
         rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT))
    {
        if (key.mv_size != NGX_TOKEN_ID_LEN) {
            continue;
        }

        user.len = data.mv_size;
        user.data = data.mv_data;

        fn(key.mv_data, &user);
    }

    ngx_token_env_read_end(r);

    return NGX_TOKEN_OK;
}


int
ngx_token_claim_drop(ngx_token_live_t *live, MDB_cursor *cursor,
    unsigned char (*procs)[NGX_TOKEN_PROC_LEN], size_t n)
{
    int      rc;
    size_t   i;
    MDB_val  key, data;

    for (rc = mdb_cursor_get(cursor, &key, &data, MDB_FIRST);
         rc == MDB_SUCCESS;
         rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT))
    {
        for (i = 0; i < n; i++) {
            if (data.mv_size == NGX_TOKEN_PROC_LEN
                && memcmp(data.mv_data, procs[i], NGX_TOKEN_PROC_LEN)
                   == 0)
            {
                break;
            }
        }

        if (i == n) {
            continue;
        }

        rc = mdb_del(mdb_cursor_txn(cursor),
                     live->env.dbi[NGX_TOKEN_LIVE_DB_CANCEL], &key, NULL);

        if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND) {
            return rc;
        }

        rc = mdb_cursor_del(cursor, 0);

        if (rc != MDB_SUCCESS) {
            return rc;
        }
    }

    return (rc == MDB_NOTFOUND) ? MDB_SUCCESS : rc;
}
