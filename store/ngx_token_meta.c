
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* getrandom() */
#endif

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "store/ngx_token_store_int.h"


#define NGX_TOKEN_META_MAGIC  "ngx_token"


static ngx_token_rc_t ngx_token_meta_main(ngx_token_env_t *env, MDB_txn *txn,
    unsigned *empty);
static ngx_token_rc_t ngx_token_meta_make(ngx_token_env_t *env, MDB_txn *txn);
static ngx_token_rc_t ngx_token_meta_check(ngx_token_env_t *env, MDB_txn *txn,
    char *epoch);
static ngx_token_rc_t ngx_token_meta_epoch(char *epoch);
static int ngx_token_meta_put(MDB_txn *txn, MDB_dbi dbi,
    const char *name, const void *p, size_t len);
static int ngx_token_meta_get(MDB_txn *txn, MDB_dbi dbi,
    const char *name, MDB_val *data);


static const char *const  ngx_token_meta_dbs[NGX_TOKEN_DB_LAST] = {
    NULL, "log", "feed", "ledger"
};


ngx_token_rc_t
ngx_token_meta_open(ngx_token_env_t *env, MDB_txn *txn, char *epoch)
{
    int             rc;
    unsigned        i, empty;
    ngx_token_rc_t  result;

    memset(env->dbi, 0, sizeof(env->dbi));

    result = ngx_token_meta_main(env, txn, &empty);

    if (result == NGX_TOKEN_OK && empty) {
        result = ngx_token_meta_make(env, txn);
    }

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    result = ngx_token_meta_check(env, txn, epoch);

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    for (i = NGX_TOKEN_DB_MAIN + 1; i < NGX_TOKEN_DB_LAST; i++) {

        rc = mdb_dbi_open(txn, ngx_token_meta_dbs[i], 0, &env->dbi[i]);

        if (rc > 0) {
            return ngx_token_env_rc(rc, env->path);
        }

        if (rc != MDB_SUCCESS) {
            return ngx_token_env_error(NGX_TOKEN_FORMAT,
                                       "\"%s\" lacks its database \"%s\": %s",
                                       env->path, ngx_token_meta_dbs[i],
                                       mdb_strerror(rc));
        }
    }

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_meta_probe(ngx_token_env_t *env, MDB_txn *txn)
{
    char            epoch[NGX_TOKEN_EPOCH_LEN + 1];
    unsigned        empty;
    ngx_token_rc_t  result;

    result = ngx_token_meta_main(env, txn, &empty);

    if (result != NGX_TOKEN_OK || empty) {
        return result;
    }

    return ngx_token_meta_check(env, txn, epoch);
}


/* Opens the main database */

static ngx_token_rc_t
ngx_token_meta_main(ngx_token_env_t *env, MDB_txn *txn, unsigned *empty)
{
    int       rc;
    MDB_stat  stat;

    *empty = 0;

    rc = mdb_dbi_open(txn, NULL, 0, &env->dbi[NGX_TOKEN_DB_MAIN]);

    if (rc == MDB_SUCCESS) {
        rc = mdb_stat(txn, env->dbi[NGX_TOKEN_DB_MAIN], &stat);
    }

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, env->path);
    }

    *empty = (stat.ms_entries == 0);

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_meta_renew(ngx_token_env_t *env, MDB_txn *txn, char *epoch)
{
    int             rc;
    ngx_token_rc_t  result;

    result = ngx_token_meta_epoch(epoch);

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    rc = ngx_token_meta_put(txn, env->dbi[NGX_TOKEN_DB_MAIN], "epoch", epoch,
                            NGX_TOKEN_EPOCH_LEN);

    return ngx_token_env_rc(rc, env->path);
}


void
ngx_token_meta_inode(ngx_token_env_t *env, MDB_txn *txn, uint64_t *inode)
{
    int      rc;
    MDB_val  data;

    rc = ngx_token_meta_get(txn, env->dbi[NGX_TOKEN_DB_MAIN], "inode", &data);

    *inode = (rc == MDB_SUCCESS && data.mv_size == 8)
             ? ngx_token_get_u64(data.mv_data) : 0;
}


ngx_token_rc_t
ngx_token_meta_set_inode(ngx_token_env_t *env, MDB_txn *txn, uint64_t inode)
{
    int            rc;
    unsigned char  row[8];

    ngx_token_put_u64(row, inode);

    rc = ngx_token_meta_put(txn, env->dbi[NGX_TOKEN_DB_MAIN], "inode", row,
                            sizeof(row));

    return ngx_token_env_rc(rc, env->path);
}


static ngx_token_rc_t
ngx_token_meta_make(ngx_token_env_t *env, MDB_txn *txn)
{
    int                rc;
    char               epoch[NGX_TOKEN_EPOCH_LEN + 1];
    MDB_dbi            main;
    unsigned           i;
    unsigned char      format[sizeof(NGX_TOKEN_META_MAGIC) - 1 + 4];
    unsigned char      created[8];
    struct timespec    ts;
    ngx_token_rc_t     result;
    ngx_token_state_t  state;

    result = ngx_token_meta_epoch(epoch);

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    for (i = NGX_TOKEN_DB_MAIN + 1; i < NGX_TOKEN_DB_LAST; i++) {

        rc = mdb_dbi_open(txn, ngx_token_meta_dbs[i], MDB_CREATE,
                          &env->dbi[i]);

        if (rc != MDB_SUCCESS) {
            return ngx_token_env_rc(rc, env->path);
        }
    }

    main = env->dbi[NGX_TOKEN_DB_MAIN];

    memcpy(format, NGX_TOKEN_META_MAGIC, sizeof(NGX_TOKEN_META_MAGIC) - 1);
    ngx_token_put_u32(format + sizeof(NGX_TOKEN_META_MAGIC) - 1,
                      NGX_TOKEN_STORE_FORMAT);

    (void) clock_gettime(CLOCK_REALTIME, &ts);
    ngx_token_put_u64(created, (uint64_t) ts.tv_sec * 1000
                               + (uint64_t) ts.tv_nsec / 1000000);

    rc = ngx_token_meta_put(txn, main, "format", format, sizeof(format));

    if (rc == MDB_SUCCESS) {
        rc = ngx_token_meta_put(txn, main, "epoch", epoch,
                                      NGX_TOKEN_EPOCH_LEN);
    }

    if (rc == MDB_SUCCESS) {
        rc = ngx_token_meta_put(txn, main, "created", created,
                                      sizeof(created));
    }

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, env->path);
    }

    memset(&state, 0, sizeof(ngx_token_state_t));

    return ngx_token_state_write(txn, main, &state);
}


unsigned
ngx_token_meta_redo(ngx_token_env_t *env, MDB_txn *txn, MDB_val *data)
{
    return ngx_token_meta_get(txn, env->dbi[NGX_TOKEN_DB_MAIN], "redo", data)
           == MDB_SUCCESS;
}


ngx_token_rc_t
ngx_token_meta_make_redo(ngx_token_env_t *env, MDB_txn *txn, size_t len)
{
    int      rc;
    MDB_val  key, data;

    key.mv_size = sizeof("redo") - 1;
    key.mv_data = (void *) "redo";
    data.mv_size = len;

    rc = mdb_put(txn, env->dbi[NGX_TOKEN_DB_MAIN], &key, &data, MDB_RESERVE);

    if (rc == MDB_SUCCESS) {
        memset(data.mv_data, 0, len);
    }

    return ngx_token_env_rc(rc, env->path);
}


/*
 * epoch: out, null terminated.  LMDB's own codes are negative: a file that
 * cannot be read is not one of another program.
 */

static ngx_token_rc_t
ngx_token_meta_check(ngx_token_env_t *env, MDB_txn *txn, char *epoch)
{
    int                rc;
    size_t             len;
    MDB_dbi            main, meta;
    MDB_val            data, row;
    uint32_t           version;
    ngx_token_state_t  state;

    len = sizeof(NGX_TOKEN_META_MAGIC) - 1;
    main = env->dbi[NGX_TOKEN_DB_MAIN];

    rc = ngx_token_meta_get(txn, main, "format", &data);

    /* format 1 had these rows in a database of their own */

    if (rc == MDB_NOTFOUND
        && mdb_dbi_open(txn, "meta", 0, &meta) == MDB_SUCCESS)
    {
        rc = ngx_token_meta_get(txn, meta, "format", &data);
    }

    if (rc > 0) {
        return ngx_token_env_rc(rc, env->path);
    }

    if (rc != MDB_SUCCESS || data.mv_size != len + 4
        || memcmp(data.mv_data, NGX_TOKEN_META_MAGIC, len) != 0)
    {
        return ngx_token_env_error(NGX_TOKEN_FORMAT,
                                   "\"%s\" is an LMDB file of another program",
                                   env->path);
    }

    version = ngx_token_get_u32((unsigned char *) data.mv_data + len);

    if (version != NGX_TOKEN_STORE_FORMAT) {
        return ngx_token_env_error(NGX_TOKEN_FORMAT, "\"%s\" is a store of "
                                   "format %lu, but this is a module for "
                                   "format %d", env->path,
                                   (unsigned long) version,
                                   NGX_TOKEN_STORE_FORMAT);
    }

    rc = ngx_token_meta_get(txn, main, "epoch", &data);

    if (rc == MDB_SUCCESS) {
        rc = ngx_token_meta_get(txn, main, "state", &row);
    }

    if (rc > 0) {
        return ngx_token_env_rc(rc, env->path);
    }

    if (rc != MDB_SUCCESS || data.mv_size != NGX_TOKEN_EPOCH_LEN
        || ngx_token_state_decode(row.mv_data, row.mv_size, &state)
           != NGX_TOKEN_OK)
    {
        return ngx_token_env_error(NGX_TOKEN_FORMAT,
                                   "\"%s\" is a damaged store", env->path);
    }

    memcpy(epoch, data.mv_data, NGX_TOKEN_EPOCH_LEN);
    epoch[NGX_TOKEN_EPOCH_LEN] = '\0';

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_meta_epoch(char *epoch)
{
    size_t                i;
    unsigned char         bytes[NGX_TOKEN_EPOCH_LEN / 2];
    static const char     hex[] = "0123456789abcdef";

    /* up to 256 bytes come whole, and are not interrupted */

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t) sizeof(bytes)) {
        return ngx_token_env_rc(errno, "getrandom()");
    }

    for (i = 0; i < sizeof(bytes); i++) {
        epoch[2 * i] = hex[bytes[i] >> 4];
        epoch[2 * i + 1] = hex[bytes[i] & 0xf];
    }

    return NGX_TOKEN_OK;
}


static int
ngx_token_meta_put(MDB_txn *txn, MDB_dbi dbi, const char *name,
    const void *p, size_t len)
{
    MDB_val  key, data;

    key.mv_size = strlen(name);
    key.mv_data = (void *) name;
    data.mv_size = len;
    data.mv_data = (void *) p;

    return mdb_put(txn, dbi, &key, &data, 0);
}


static int
ngx_token_meta_get(MDB_txn *txn, MDB_dbi dbi, const char *name,
    MDB_val *data)
{
    MDB_val  key;

    key.mv_size = strlen(name);
    key.mv_data = (void *) name;

    return mdb_get(txn, dbi, &key, data);
}


ngx_token_rc_t
ngx_token_state_decode(const unsigned char *data, size_t len,
    ngx_token_state_t *s)
{
    if (len != NGX_TOKEN_STATE_LEN) {
        return NGX_TOKEN_INVALID;
    }

    s->seq = ngx_token_get_u64(data);
    s->floor = ngx_token_get_u64(data + 8);
    s->nlogs = ngx_token_get_u32(data + 16);

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_state_read(MDB_txn *txn, MDB_dbi dbi, ngx_token_state_t *s)
{
    int      rc;
    MDB_val  data;

    rc = ngx_token_meta_get(txn, dbi, "state", &data);

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, "reading the store's state");
    }

    return ngx_token_state_decode(data.mv_data, data.mv_size, s);
}


ngx_token_rc_t
ngx_token_state_write(MDB_txn *txn, MDB_dbi dbi, const ngx_token_state_t *s)
{
    unsigned char  row[NGX_TOKEN_STATE_LEN];

    ngx_token_put_u64(row, s->seq);
    ngx_token_put_u64(row + 8, s->floor);
    ngx_token_put_u32(row + 16, s->nlogs);

    return ngx_token_env_rc(ngx_token_meta_put(txn, dbi, "state", row,
                                                     sizeof(row)),
                            "writing the store's state");
}
