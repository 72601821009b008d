
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "store/ngx_token_store_int.h"


static ngx_token_rc_t ngx_token_ledger_last(ngx_token_write_t *w);
static unsigned ngx_token_ledger_oldest(ngx_token_write_t *w, uint64_t *time);


ngx_token_rc_t
ngx_token_ledger_decode(const unsigned char *data, size_t len,
    ngx_token_ledger_t *l)
{
    size_t    user;
    uint64_t  n;

    if (len < NGX_TOKEN_LEDGER_HEAD) {
        return NGX_TOKEN_INVALID;
    }

    user = data[2];

    if (data[0] > NGX_TOKEN_OUTCOME_UNKNOWN || data[1] >= NGX_TOKEN_ERR_LAST
        || user > len - NGX_TOKEN_LEDGER_HEAD)
    {
        return NGX_TOKEN_INVALID;
    }

    l->outcome = (ngx_token_outcome_e) data[0];
    l->error = (ngx_token_err_e) data[1];

    n = ngx_token_get_u64(data + 3);

    l->seq = (l->outcome == NGX_TOKEN_OUTCOME_OK) ? n : 0;
    l->version = (l->error == NGX_TOKEN_ERR_VERSION) ? n : 0;
    l->time = ngx_token_get_u64(data + 11);
    memcpy(l->hash, data + 19, NGX_TOKEN_HASH_LEN);

    l->user.data = data + NGX_TOKEN_LEDGER_HEAD;
    l->user.len = user;
    l->result.data = l->user.data + user;
    l->result.len = len - NGX_TOKEN_LEDGER_HEAD - user;

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_ledger_find(ngx_token_write_t *w,
    const unsigned char id[NGX_TOKEN_ID_LEN], ngx_token_ledger_t *l)
{
    int             rc;
    MDB_val         key, data;
    ngx_token_rc_t  result;

    if (!w->known) {
        result = ngx_token_ledger_last(w);

        if (result != NGX_TOKEN_OK) {
            return result;
        }
    }

    /* the common case, without a search: a new id is the greatest */

    if (memcmp(id, w->last_id, NGX_TOKEN_ID_LEN) > 0) {
        return NGX_TOKEN_DECLINED;
    }

    key.mv_size = NGX_TOKEN_ID_LEN;
    key.mv_data = (void *) id;

    rc = mdb_cursor_get(w->cursors[NGX_TOKEN_DB_LEDGER], &key, &data, MDB_SET);

    if (rc == MDB_NOTFOUND) {
        return NGX_TOKEN_DECLINED;
    }

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, "reading the ledger");
    }

    return ngx_token_ledger_decode(data.mv_data, data.mv_size, l);
}


/* sets last_id; all zero in an empty ledger */

static ngx_token_rc_t
ngx_token_ledger_last(ngx_token_write_t *w)
{
    int      rc;
    MDB_val  key, data;

    memset(w->last_id, 0, NGX_TOKEN_ID_LEN);

    rc = mdb_cursor_get(w->cursors[NGX_TOKEN_DB_LEDGER], &key, &data,
                        MDB_LAST);

    if (rc == MDB_SUCCESS && key.mv_size != NGX_TOKEN_ID_LEN) {
        return ngx_token_env_error(NGX_TOKEN_ERROR, "the ledger is damaged");
    }

    if (rc == MDB_SUCCESS) {
        memcpy(w->last_id, key.mv_data, NGX_TOKEN_ID_LEN);

    } else if (rc != MDB_NOTFOUND) {
        return ngx_token_env_rc(rc, "reading the ledger");
    }

    w->known = 1;

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_ledger_write(ngx_token_write_t *w,
    const unsigned char id[NGX_TOKEN_ID_LEN], const ngx_token_ledger_t *l)
{
    int             rc;
    MDB_val         key, data;
    unsigned        flags;
    unsigned char  *p;

    key.mv_size = NGX_TOKEN_ID_LEN;
    key.mv_data = (void *) id;
    data.mv_size = NGX_TOKEN_LEDGER_HEAD + l->user.len + l->result.len;

    flags = MDB_RESERVE;

    if (memcmp(id, w->last_id, NGX_TOKEN_ID_LEN) > 0) {
        /* fills pages, instead of leaving halves behind */
        flags |= MDB_APPEND;
        memcpy(w->last_id, id, NGX_TOKEN_ID_LEN);
    }

    rc = mdb_cursor_put(w->cursors[NGX_TOKEN_DB_LEDGER], &key, &data, flags);

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, "writing the ledger");
    }

    p = data.mv_data;

    p[0] = (unsigned char) l->outcome;
    p[1] = (unsigned char) l->error;
    p[2] = (unsigned char) l->user.len;
    ngx_token_put_u64(p + 3, (l->error == NGX_TOKEN_ERR_VERSION) ? l->version
                                                                 : l->seq);
    ngx_token_put_u64(p + 11, l->time);
    memcpy(p + 19, l->hash, NGX_TOKEN_HASH_LEN);

    p += NGX_TOKEN_LEDGER_HEAD;

    if (l->user.len) {
        memcpy(p, l->user.data, l->user.len);
    }

    if (l->result.len) {
        memcpy(p + l->user.len, l->result.data, l->result.len);
    }

    w->nentries++;

    return NGX_TOKEN_OK;
}


unsigned
ngx_token_ledger_is_old(ngx_token_write_t *w)
{
    uint64_t  time;

    return ngx_token_ledger_oldest(w, &time) && time < w->horizon;
}


ngx_token_rc_t
ngx_token_ledger_trim(ngx_token_write_t *w, size_t n)
{
    int       rc;
    uint64_t  time;

    while (n-- && ngx_token_ledger_oldest(w, &time) && time < w->horizon) {

        if (w->state.floor <= time) {
            w->state.floor = time + 1;
        }

        rc = mdb_cursor_del(w->cursors[NGX_TOKEN_DB_LEDGER], 0);

        if (rc != MDB_SUCCESS) {
            return ngx_token_env_rc(rc, "trimming the ledger");
        }
    }

    return NGX_TOKEN_OK;
}


/*
 * Leaves the cursor at the oldest row.
 *
 *     time  out: ms, of its id
 */

static unsigned
ngx_token_ledger_oldest(ngx_token_write_t *w, uint64_t *time)
{
    MDB_val  key, data;

    if (mdb_cursor_get(w->cursors[NGX_TOKEN_DB_LEDGER], &key, &data,
                       MDB_FIRST) != MDB_SUCCESS
        || key.mv_size != NGX_TOKEN_ID_LEN)
    {
        return 0;
    }

    *time = ngx_token_id_time(key.mv_data);

    return 1;
}


ngx_token_rc_t
ngx_token_read_ledger(ngx_token_read_t *r,
    const unsigned char id[NGX_TOKEN_ID_LEN], ngx_token_ledger_t *l)
{
    int      rc;
    MDB_val  key, data;

    key.mv_size = NGX_TOKEN_ID_LEN;
    key.mv_data = (void *) id;

    rc = mdb_get(r->txn, r->env->dbi[NGX_TOKEN_DB_LEDGER], &key, &data);

    if (rc == MDB_NOTFOUND) {
        return NGX_TOKEN_DECLINED;
    }

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, "reading the ledger");
    }

    if (ngx_token_ledger_decode(data.mv_data, data.mv_size, l)
        != NGX_TOKEN_OK)
    {
        return ngx_token_env_error(NGX_TOKEN_ERROR, "the ledger is damaged");
    }

    return NGX_TOKEN_OK;
}
