
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <errno.h>
#include <stdlib.h>

#include "store/ngx_token_live_int.h"
#include "token/ngx_token_siphash.h"


static size_t ngx_token_live_key(unsigned char *key,
    const unsigned char *proc, const ngx_token_live_row_t *row);
static ngx_token_rc_t ngx_token_live_collect(ngx_token_read_t *r,
    const ngx_token_str_t *channel, ngx_token_present_t **users,
    size_t *nusers, uint64_t *anonymous);
static int ngx_token_live_compare(const void *one, const void *two);
static size_t ngx_token_live_sum(ngx_token_present_t *users, size_t n);
static ngx_token_rc_t ngx_token_live_keep(ngx_token_buf_t *b,
    ngx_token_present_t *users, size_t n);


/* not a secret: the names were verified, and all processes need the same */

static const unsigned char  ngx_token_live_hash_key[NGX_TOKEN_SIPHASH_KEY] =
    "ngx_token live";


ngx_token_rc_t
ngx_token_live_decode(const unsigned char *data, size_t len,
    ngx_token_live_row_t *row)
{
    if (len < NGX_TOKEN_LIVE_ROW_HEAD
        || len > NGX_TOKEN_LIVE_ROW_HEAD + NGX_TOKEN_MAX_USER
        || data[8] > 1)
    {
        return NGX_TOKEN_INVALID;
    }

    row->tabs = ngx_token_get_u64(data);
    row->linger = data[8] ? 1 : 0;
    row->user.data = data + NGX_TOKEN_LIVE_ROW_HEAD;
    row->user.len = len - NGX_TOKEN_LIVE_ROW_HEAD;

    return NGX_TOKEN_OK;
}


const unsigned char *
ngx_token_live_key_proc(const unsigned char *key, size_t len)
{
    if (len == 0 || len < (size_t) 1 + key[0] + NGX_TOKEN_PROC_LEN) {
        return NULL;
    }

    return key + 1 + key[0];
}


ngx_token_rc_t
ngx_token_live_write(ngx_token_live_t *live, const ngx_token_live_row_t *rows,
    size_t n)
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

    rc = ngx_token_live_enrol(live, txn);

    for (i = 0; i < n && rc == MDB_SUCCESS; i++) {
        rc = ngx_token_live_put(live, txn, live->proc, &rows[i]);
    }

    if (rc != MDB_SUCCESS) {
        ngx_token_env_abort(&live->env, txn);
        return ngx_token_env_rc(rc, "writing live.mdb");
    }

    return ngx_token_env_commit(&live->env, txn, 0);
}


int
ngx_token_live_enrol(ngx_token_live_t *live, MDB_txn *txn)
{
    int      rc;
    MDB_val  key, data;

    /* another version of the module may have emptied the file meanwhile */

    key.mv_size = NGX_TOKEN_PROC_LEN;
    key.mv_data = live->proc;
    data.mv_size = 1;
    data.mv_data = (void *) "";

    rc = mdb_put(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_PROC], &key, &data,
                 MDB_NOOVERWRITE);

    return (rc == MDB_KEYEXIST) ? MDB_SUCCESS : rc;
}


int
ngx_token_live_put(ngx_token_live_t *live, MDB_txn *txn,
    const unsigned char *proc, const ngx_token_live_row_t *row)
{
    int            rc;
    MDB_val        key, data;
    unsigned char  place[NGX_TOKEN_LIVE_KEY];
    unsigned char  value[NGX_TOKEN_LIVE_ROW_HEAD + NGX_TOKEN_MAX_USER];

    if (row->channel.len == 0 || row->channel.len > NGX_TOKEN_MAX_CHANNEL
        || row->user.len > NGX_TOKEN_MAX_USER)
    {
        return EINVAL;
    }

    key.mv_size = ngx_token_live_key(place, proc, row);
    key.mv_data = place;

    if (row->tabs == 0 && !row->linger) {
        rc = mdb_del(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_ROW], &key, NULL);

        return (rc == MDB_NOTFOUND) ? MDB_SUCCESS : rc;
    }

    ngx_token_put_u64(value, row->tabs);
    value[8] = row->linger;

    if (row->user.len) {
        memcpy(value + NGX_TOKEN_LIVE_ROW_HEAD, row->user.data,
               row->user.len);
    }

    data.mv_size = NGX_TOKEN_LIVE_ROW_HEAD + row->user.len;
    data.mv_data = value;

    return mdb_put(txn, live->env.dbi[NGX_TOKEN_LIVE_DB_ROW], &key, &data, 0);
}


/* Returns: the length of the key */

static size_t
ngx_token_live_key(unsigned char *key, const unsigned char *proc,
    const ngx_token_live_row_t *row)
{
    size_t                n;
    unsigned char        *p;
    ngx_token_siphash_t   hash;

    p = key;

    *p++ = (unsigned char) row->channel.len;
    memcpy(p, row->channel.data, row->channel.len);
    p += row->channel.len;

    memcpy(p, proc, NGX_TOKEN_PROC_LEN);
    p += NGX_TOKEN_PROC_LEN;

    n = row->user.len;

    if (n > NGX_TOKEN_LIVE_USER) {
        n = NGX_TOKEN_LIVE_USER - NGX_TOKEN_SIPHASH_LEN;
    }

    if (n != 0) {
        memcpy(p, row->user.data, n);
        p += n;
    }

    if (n != row->user.len) {
        ngx_token_siphash_init(&hash, ngx_token_live_hash_key);
        ngx_token_siphash_update(&hash, row->user.data, row->user.len);
        ngx_token_siphash_final(&hash, p);
        p += NGX_TOKEN_SIPHASH_LEN;
    }

    return (size_t) (p - key);
}


ngx_token_rc_t
ngx_token_live_others(ngx_token_live_t *live, const ngx_token_str_t *channel,
    const ngx_token_str_t *user, uint64_t *tabs)
{
    int                    rc;
    MDB_val                proc, none, key, data;
    MDB_cursor            *cursor;
    ngx_token_rc_t         result;
    unsigned char          place[NGX_TOKEN_LIVE_KEY];
    ngx_token_read_t      *r;
    ngx_token_live_row_t   row;

    *tabs = 0;

    result = ngx_token_env_read_begin(&live->env, &r);

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    cursor = ngx_token_env_cursor(r, NGX_TOKEN_LIVE_DB_PROC);

    for (rc = cursor ? mdb_cursor_get(cursor, &proc, &none, MDB_FIRST)
                     : MDB_NOTFOUND;
         rc == MDB_SUCCESS;
         rc = mdb_cursor_get(cursor, &proc, &none, MDB_NEXT))
    {
        if (proc.mv_size != NGX_TOKEN_PROC_LEN
            || memcmp(proc.mv_data, live->proc, NGX_TOKEN_PROC_LEN) == 0)
        {
            continue;
        }

        row.channel = *channel;
        row.user = *user;

        key.mv_size = ngx_token_live_key(place, proc.mv_data, &row);
        key.mv_data = place;

        if (mdb_get(r->txn, live->env.dbi[NGX_TOKEN_LIVE_DB_ROW], &key,
                    &data) == MDB_SUCCESS
            && ngx_token_live_decode(data.mv_data, data.mv_size, &row)
               == NGX_TOKEN_OK)
        {
            *tabs += row.tabs;
        }
    }

    ngx_token_env_read_end(r);

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_live_read(ngx_token_live_t *live, const ngx_token_str_t *channel,
    ngx_token_buf_t *b, ngx_token_present_t **users, size_t *nusers,
    uint64_t *anonymous)
{
    ngx_token_rc_t     rc;
    ngx_token_read_t  *r;

    *users = NULL;
    *nusers = 0;
    *anonymous = 0;

    ngx_token_buf_reset(b);

    if (channel->len == 0 || channel->len > NGX_TOKEN_MAX_CHANNEL) {
        return NGX_TOKEN_OK;
    }

    rc = ngx_token_env_read_begin(&live->env, &r);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    rc = ngx_token_live_collect(r, channel, users, nusers, anonymous);

    if (rc == NGX_TOKEN_OK && *nusers != 0) {
        *nusers = ngx_token_live_sum(*users, *nusers);
        rc = ngx_token_live_keep(b, *users, *nusers);
    }

    ngx_token_env_read_end(r);

    if (rc != NGX_TOKEN_OK) {
        free(*users);
        *users = NULL;
        *nusers = 0;
    }

    return rc;
}


/* The rows of a channel, as they come; the names lie in the map */

static ngx_token_rc_t
ngx_token_live_collect(ngx_token_read_t *r, const ngx_token_str_t *channel,
    ngx_token_present_t **users, size_t *nusers, uint64_t *anonymous)
{
    int                    rc;
    size_t                 size;
    MDB_val                key, data;
    MDB_cursor            *cursor;
    unsigned char          prefix[1 + NGX_TOKEN_MAX_CHANNEL];
    ngx_token_present_t   *p;
    ngx_token_live_row_t   row;

    cursor = ngx_token_env_cursor(r, NGX_TOKEN_LIVE_DB_ROW);
    if (cursor == NULL) {
        return NGX_TOKEN_ERROR;
    }

    prefix[0] = (unsigned char) channel->len;
    memcpy(prefix + 1, channel->data, channel->len);

    key.mv_size = 1 + channel->len;
    key.mv_data = prefix;
    size = 0;

    for (rc = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
         rc == MDB_SUCCESS && key.mv_size > channel->len
         && memcmp(key.mv_data, prefix, 1 + channel->len) == 0;
         rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT))
    {
        if (ngx_token_live_decode(data.mv_data, data.mv_size, &row)
            != NGX_TOKEN_OK)
        {
            continue;
        }

        if (row.user.len == 0) {
            *anonymous += row.tabs;
            continue;
        }

        if (*nusers == size) {
            size = size ? 2 * size : 16;

            p = realloc(*users, size * sizeof(ngx_token_present_t));
            if (p == NULL) {
                return ngx_token_env_rc(ENOMEM, "reading live.mdb");
            }

            *users = p;
        }

        p = &(*users)[(*nusers)++];
        p->user = row.user;
        p->tabs = row.tabs;
    }

    if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND) {
        return ngx_token_env_rc(rc, "reading live.mdb");
    }

    return NGX_TOKEN_OK;
}


static int
ngx_token_live_compare(const void *one, const void *two)
{
    int                     rc;
    size_t                  n;
    const ngx_token_str_t  *a, *b;

    a = &((const ngx_token_present_t *) one)->user;
    b = &((const ngx_token_present_t *) two)->user;

    n = (a->len < b->len) ? a->len : b->len;

    rc = memcmp(a->data, b->data, n);

    if (rc != 0) {
        return rc;
    }

    return (a->len > b->len) - (a->len < b->len);
}


/* Returns: how many users there are, of n rows */

static size_t
ngx_token_live_sum(ngx_token_present_t *users, size_t n)
{
    size_t  i, last;

    qsort(users, n, sizeof(ngx_token_present_t), ngx_token_live_compare);

    for (i = 1, last = 0; i < n; i++) {

        if (ngx_token_live_compare(&users[last], &users[i]) == 0) {
            users[last].tabs += users[i].tabs;

        } else {
            users[++last] = users[i];
        }
    }

    for (i = 0; i <= last; i++) {
        if (users[i].tabs == 0) {
            /* in the grace */
            users[i].tabs = 1;
        }
    }

    return last + 1;
}


/* Copies the names from the map */

static ngx_token_rc_t
ngx_token_live_keep(ngx_token_buf_t *b, ngx_token_present_t *users, size_t n)
{
    size_t                i, len;
    const unsigned char  *p;

    for (i = 0, len = 0; i < n; i++) {
        len += users[i].user.len;
    }

    if (ngx_token_buf_reserve(b, len) == NULL) {
        return ngx_token_env_rc(ENOMEM, "reading live.mdb");
    }

    for (i = 0; i < n; i++) {
        p = b->data + b->len;
        ngx_token_buf_append(b, users[i].user.data, users[i].user.len);
        users[i].user.data = p;
    }

    return NGX_TOKEN_OK;
}
