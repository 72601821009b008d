
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <errno.h>
#include <stdlib.h>

#include "store/ngx_token_live_int.h"


static ngx_token_rc_t ngx_token_live_gone(ngx_token_live_t *live,
    unsigned char (**procs)[NGX_TOKEN_PROC_LEN], size_t *n);
static int ngx_token_live_linger_rows(ngx_token_live_t *live, MDB_txn *txn,
    MDB_cursor *cursor, const unsigned char *proc);
static int ngx_token_live_drop_rows(MDB_cursor *cursor,
    unsigned char (*procs)[NGX_TOKEN_PROC_LEN], size_t n,
    size_t *dropped);


ngx_token_rc_t
ngx_token_live_sweep(ngx_token_live_t *live, size_t *swept)
{
    size_t           n;
    ngx_token_rc_t   rc;
    unsigned char  (*procs)[NGX_TOKEN_PROC_LEN];

    *swept = 0;

    ngx_token_env_reader_check(&live->env);

    rc = ngx_token_live_gone(live, &procs, &n);

    if (rc == NGX_TOKEN_OK && n != 0) {
        rc = ngx_token_live_drop(live, procs, n, swept);
    }

    free(procs);

    return rc;
}


unsigned
ngx_token_live_is_stale(ngx_token_live_t *live)
{
    size_t           n;
    ngx_token_rc_t   rc;
    unsigned char  (*procs)[NGX_TOKEN_PROC_LEN];

    rc = ngx_token_live_gone(live, &procs, &n);

    free(procs);

    /* where it cannot be told, the sweep is to find out */

    return rc != NGX_TOKEN_OK || n != 0;
}


/*
 * The processes that have rows and have ended.
 *
 *     procs  out: malloc()ed; NULL on failure, too
 */

static ngx_token_rc_t
ngx_token_live_gone(ngx_token_live_t *live,
    unsigned char (**procs)[NGX_TOKEN_PROC_LEN], size_t *n)
{
    int                rc;
    MDB_val            key, data;
    MDB_stat           st;
    MDB_cursor        *cursor;
    ngx_token_rc_t     result;
    ngx_token_read_t  *r;

    *n = 0;
    *procs = NULL;

    result = ngx_token_env_read_begin(&live->env, &r);

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    cursor = ngx_token_env_cursor(r, NGX_TOKEN_LIVE_DB_PROC);

    if (cursor == NULL
        || mdb_stat(r->txn, live->env.dbi[NGX_TOKEN_LIVE_DB_PROC], &st)
           != MDB_SUCCESS)
    {
        result = NGX_TOKEN_ERROR;
        goto done;
    }

    *procs = malloc((st.ms_entries + 1) * NGX_TOKEN_PROC_LEN);

    if (*procs == NULL) {
        result = ngx_token_env_rc(ENOMEM, "sweeping live.mdb");
        goto done;
    }

    for (rc = mdb_cursor_get(cursor, &key, &data, MDB_FIRST);
         rc == MDB_SUCCESS && *n < st.ms_entries;
         rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT))
    {
        if (key.mv_size == NGX_TOKEN_PROC_LEN
            && memcmp(key.mv_data, live->proc, NGX_TOKEN_PROC_LEN) != 0
            && ngx_token_proc_is_gone(key.mv_data))
        {
            memcpy((*procs)[*n], key.mv_data, NGX_TOKEN_PROC_LEN);
            (*n)++;
        }
    }

    if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND) {
        result = ngx_token_env_rc(rc, "sweeping live.mdb");
    }

done:

    ngx_token_env_read_end(r);

    return result;
}


ngx_token_rc_t
ngx_token_live_linger(ngx_token_live_t *live, uint64_t until)
{
    int                    rc;
    MDB_txn               *txn;
    MDB_val                key, data;
    MDB_cursor            *cursor;
    ngx_token_rc_t         result;
    unsigned char          proc[NGX_TOKEN_PROC_LEN];

    cursor = NULL;
    result = ngx_token_env_write(&live->env, &txn);

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    ngx_token_put_u64(proc, 0);
    ngx_token_put_u64(proc + 8, until);

    key.mv_size = NGX_TOKEN_PROC_LEN;
    key.mv_data = proc;
    data.mv_size = 1;
    data.mv_data = (void *) "";

    rc = mdb_put(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_PROC], &key, &data, 0);

    if (rc == MDB_SUCCESS) {
        rc = mdb_cursor_open(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_ROW],
                             &cursor);
    }

    if (rc == MDB_SUCCESS) {
        rc = ngx_token_live_linger_rows(live, txn, cursor, proc);
    }

    if (rc != MDB_SUCCESS) {
        ngx_token_env_abort(&live->env, txn);
        return ngx_token_env_rc(rc, "leaving live.mdb");
    }

    return ngx_token_env_commit(&live->env, txn, 0);
}


static int
ngx_token_live_linger_rows(ngx_token_live_t *live, MDB_txn *txn,
    MDB_cursor *cursor, const unsigned char *proc)
{
    int                    rc;
    MDB_val                key, data;
    const unsigned char   *who;
    unsigned char          channel[NGX_TOKEN_MAX_CHANNEL];
    unsigned char          user[NGX_TOKEN_MAX_USER];
    ngx_token_live_row_t   row;

    for (rc = mdb_cursor_get(cursor, &key, &data, MDB_FIRST);
         rc == MDB_SUCCESS;
         rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT))
    {
        who = ngx_token_live_key_proc(key.mv_data, key.mv_size);

        if (who == NULL
            || memcmp(who, live->proc, NGX_TOKEN_PROC_LEN) != 0
            || ngx_token_live_decode(data.mv_data, data.mv_size, &row)
               != NGX_TOKEN_OK
            || row.user.len == 0)
        {
            continue;
        }

        /* copies: the page may move under a write */

        row.channel.len = *(unsigned char *) key.mv_data;
        memcpy(channel, (unsigned char *) key.mv_data + 1, row.channel.len);
        row.channel.data = channel;
        memcpy(user, row.user.data, row.user.len);
        row.user.data = user;
        row.tabs = 0;
        row.linger = 1;

        rc = ngx_token_live_put(live, txn, proc, &row);

        if (rc != MDB_SUCCESS) {
            return rc;
        }
    }

    return (rc == MDB_NOTFOUND) ? MDB_SUCCESS : rc;
}


ngx_token_rc_t
ngx_token_live_drop(ngx_token_live_t *live,
    unsigned char (*procs)[NGX_TOKEN_PROC_LEN], size_t n,
    size_t *dropped)
{
    int              rc;
    size_t           i;
    MDB_txn         *txn;
    MDB_val          key;
    MDB_cursor      *cursor;
    ngx_token_rc_t   result;

    *dropped = 0;

    result = ngx_token_env_write(&live->env, &txn);

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    rc = mdb_cursor_open(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_ROW], &cursor);

    if (rc == MDB_SUCCESS) {
        rc = ngx_token_live_drop_rows(cursor, procs, n, dropped);
    }

    if (rc == MDB_SUCCESS) {
        rc = mdb_cursor_open(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_CLAIM],
                             &cursor);
    }

    if (rc == MDB_SUCCESS) {
        rc = ngx_token_claim_drop(live, cursor, procs, n);
    }

    for (i = 0; i < n && rc == MDB_SUCCESS; i++) {

        key.mv_size = NGX_TOKEN_PROC_LEN;
        key.mv_data = procs[i];

        rc = mdb_del(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_PROC], &key, NULL);

        if (rc == MDB_NOTFOUND) {
            /* another process has swept it meanwhile */
            rc = MDB_SUCCESS;
        }
    }

    if (rc != MDB_SUCCESS) {
        *dropped = 0;
        ngx_token_env_abort(&live->env, txn);
        return ngx_token_env_rc(rc, "sweeping live.mdb");
    }

    return ngx_token_env_commit(&live->env, txn, 0);
}


static int
ngx_token_live_drop_rows(MDB_cursor *cursor,
    unsigned char (*procs)[NGX_TOKEN_PROC_LEN], size_t n,
    size_t *dropped)
{
    int                   rc;
    size_t                i;
    MDB_val               key, data;
    const unsigned char  *who;

    for (rc = mdb_cursor_get(cursor, &key, &data, MDB_FIRST);
         rc == MDB_SUCCESS;
         rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT))
    {
        who = ngx_token_live_key_proc(key.mv_data, key.mv_size);

        for (i = 0; who != NULL && i < n; i++) {
            if (memcmp(who, procs[i], NGX_TOKEN_PROC_LEN) == 0) {
                break;
            }
        }

        if (i == n) {
            continue;
        }

        rc = mdb_cursor_del(cursor, 0);

        if (rc != MDB_SUCCESS) {
            return rc;
        }

        (*dropped)++;
    }

    return (rc == MDB_NOTFOUND) ? MDB_SUCCESS : rc;
}
