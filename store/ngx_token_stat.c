
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "store/ngx_token_store_int.h"


#define NGX_TOKEN_STAT_FREE_DBI   0       /* LMDB's own: the free pages */
#define NGX_TOKEN_STAT_FREE_ROWS  4096    /* of it, one for a transaction */


static ngx_token_rc_t ngx_token_stat_free(ngx_token_read_t *r,
    uint64_t *npages);


ngx_token_rc_t
ngx_token_read_stat(ngx_token_read_t *r, ngx_token_store_stat_t *stat)
{
    uint64_t        nfree;
    MDB_stat        ledger;
    MDB_envinfo     info;
    ngx_token_rc_t  rc;

    memset(stat, 0, sizeof(ngx_token_store_stat_t));

    rc = ngx_token_stat_free(r, &nfree);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    rc = ngx_token_env_rc(mdb_stat(r->txn, r->env->dbi[NGX_TOKEN_DB_LEDGER],
                                   &ledger),
                          "reading the store's state");
    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    rc = ngx_token_env_rc(mdb_env_info(r->env->mdb, &info),
                          "reading the store's state");
    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    /* the last page may be newer than the snapshot, but not older */

    stat->size = info.me_mapsize;
    stat->file = ((uint64_t) info.me_last_pgno + 1) * ledger.ms_psize;
    stat->used = stat->file - nfree * ledger.ms_psize;
    stat->ledger = ledger.ms_entries;
    stat->seq = ngx_token_read_head(r);

    return NGX_TOKEN_OK;
}


/* A row is the number of a transaction, and a list with its length before */

static ngx_token_rc_t
ngx_token_stat_free(ngx_token_read_t *r, uint64_t *npages)
{
    int             rc;
    size_t          n, len;
    MDB_val         key, data;
    MDB_cursor     *cursor;

    *npages = 0;

    rc = mdb_cursor_open(r->txn, NGX_TOKEN_STAT_FREE_DBI, &cursor);

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, "reading the list of free pages");
    }

    for (n = 0; n < NGX_TOKEN_STAT_FREE_ROWS; n++) {

        rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);

        if (rc != MDB_SUCCESS) {
            break;
        }

        if (data.mv_size >= sizeof(len)) {
            memcpy(&len, data.mv_data, sizeof(len));
            *npages += len;
        }
    }

    mdb_cursor_close(cursor);

    return (rc == MDB_NOTFOUND)
           ? NGX_TOKEN_OK
           : ngx_token_env_rc(rc, "reading the list of free pages");
}
