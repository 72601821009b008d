
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "store/ngx_token_store_int.h"


ngx_token_rc_t
ngx_token_feed_decode(const unsigned char *data, size_t len,
    ngx_token_feed_t *f)
{
    if (len < 2 || len > 1 + NGX_TOKEN_MAX_CHANNEL) {
        return NGX_TOKEN_INVALID;
    }

    if (data[0] < NGX_TOKEN_EFFECT_SET || data[0] > NGX_TOKEN_EFFECT_APPEND) {
        return NGX_TOKEN_INVALID;
    }

    f->type = (ngx_token_effect_e) data[0];
    f->channel.data = data + 1;
    f->channel.len = len - 1;

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_feed_write(ngx_token_write_t *w, const ngx_token_feed_t *f)
{
    int             rc;
    MDB_val         key, data;
    unsigned char  *p, seq[NGX_TOKEN_SEQ_LEN];

    ngx_token_put_u64(seq, f->seq);

    key.mv_size = sizeof(seq);
    key.mv_data = seq;
    data.mv_size = 1 + f->channel.len;

    rc = mdb_cursor_put(w->cursors[NGX_TOKEN_DB_FEED], &key, &data,
                        MDB_RESERVE|MDB_APPEND);

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, "writing the feed");
    }

    p = data.mv_data;

    p[0] = (unsigned char) f->type;
    memcpy(p + 1, f->channel.data, f->channel.len);

    w->nchanges++;

    return NGX_TOKEN_OK;
}


/* Leaves the cursor at the oldest row */

unsigned
ngx_token_feed_is_long(ngx_token_write_t *w, uint64_t keep)
{
    MDB_val  key, data;

    return mdb_cursor_get(w->cursors[NGX_TOKEN_DB_FEED], &key, &data,
                          MDB_FIRST) == MDB_SUCCESS
           && (key.mv_size != NGX_TOKEN_SEQ_LEN
               || w->state.seq - ngx_token_get_u64(key.mv_data) >= keep);
}


ngx_token_rc_t
ngx_token_feed_trim(ngx_token_write_t *w, uint64_t keep, size_t n)
{
    int  rc;

    while (n-- && ngx_token_feed_is_long(w, keep)) {

        rc = mdb_cursor_del(w->cursors[NGX_TOKEN_DB_FEED], 0);

        if (rc != MDB_SUCCESS) {
            return ngx_token_env_rc(rc, "trimming the feed");
        }
    }

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_read_feed(ngx_token_read_t *r, uint64_t after, ngx_token_feed_t *f)
{
    int            rc;
    MDB_val        key, data;
    MDB_cursor    *cursor;
    unsigned char  seq[NGX_TOKEN_SEQ_LEN];

    if (after >= ngx_token_read_head(r)) {
        return NGX_TOKEN_DONE;
    }

    cursor = ngx_token_env_cursor(r, NGX_TOKEN_DB_FEED);
    if (cursor == NULL) {
        return NGX_TOKEN_ERROR;
    }

    ngx_token_put_u64(seq, after + 1);

    key.mv_size = sizeof(seq);
    key.mv_data = seq;

    rc = mdb_cursor_get(cursor, &key, &data,
                        (r->feed != 0 && r->feed == after) ? MDB_NEXT
                                                           : MDB_SET_RANGE);

    r->feed = 0;

    /* every seq has its row: where the next has none, it was trimmed */

    if (rc == MDB_NOTFOUND) {
        return NGX_TOKEN_DECLINED;
    }

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, "reading the feed");
    }

    if (key.mv_size != sizeof(seq)
        || ngx_token_feed_decode(data.mv_data, data.mv_size, f)
           != NGX_TOKEN_OK)
    {
        return ngx_token_env_error(NGX_TOKEN_ERROR, "the feed is damaged");
    }

    f->seq = ngx_token_get_u64(key.mv_data);

    if (f->seq != after + 1) {
        return NGX_TOKEN_DECLINED;
    }

    r->feed = f->seq;

    return NGX_TOKEN_OK;
}
