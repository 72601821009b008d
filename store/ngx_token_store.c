
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/ngx_token_store_int.h"


#define NGX_TOKEN_STORE_SIZE     ((size_t) 1 << 30)
#define NGX_TOKEN_STORE_READERS  512
#define NGX_TOKEN_STORE_FEED     65536


static ngx_token_rc_t ngx_token_store_setup(ngx_token_env_t *env,
    MDB_txn *txn);


ngx_token_rc_t
ngx_token_store_open(const char *path, const ngx_token_store_conf_t *conf,
    ngx_token_store_t **stp, char *err, size_t size)
{
    ngx_token_rc_t      rc;
    ngx_token_store_t  *st;

    st = calloc(1, sizeof(ngx_token_store_t));
    if (st == NULL) {
        rc = ngx_token_env_rc(ENOMEM, "opening the store");
        return ngx_token_env_failed(rc, err, size);
    }

    st->seen = -1;
    st->feed = conf->feed ? conf->feed : NGX_TOKEN_STORE_FEED;

    st->env.flags = conf->sync ? 0 : MDB_NOSYNC;
    st->env.size = conf->size ? conf->size : NGX_TOKEN_STORE_SIZE;
    st->env.max_readers = conf->max_readers ? conf->max_readers
                                            : NGX_TOKEN_STORE_READERS;
    st->env.setup = ngx_token_store_setup;

    rc = ngx_token_env_init(&st->env, path, "data.mdb", "lock.mdb");

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_env_open(&st->env);

        if (rc != NGX_TOKEN_OK) {
            ngx_token_env_free(&st->env);
        }
    }

    if (rc != NGX_TOKEN_OK) {

        if (st->seen != -1) {
            (void) close(st->seen);
        }

        free(st);
        return ngx_token_env_failed(rc, err, size);
    }

    (void) pthread_mutex_init(&st->mutex, NULL);

    *stp = st;

    return NGX_TOKEN_OK;
}


/*
 * In one write transaction, so that of several processes that find the
 * directory empty only one makes the store.
 */

static ngx_token_rc_t
ngx_token_store_setup(ngx_token_env_t *env, MDB_txn *txn)
{
    char                epoch[NGX_TOKEN_EPOCH_LEN + 1];
    ngx_token_rc_t      rc;
    ngx_token_store_t  *st;

    st = (ngx_token_store_t *) env;       /* its first member */

    rc = ngx_token_meta_open(env, txn, epoch);

    if (rc == NGX_TOKEN_OK) {
        /* what it brings back has been seen */
        rc = ngx_token_redo_setup(st, txn, epoch);
    }

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_seen_check(st, txn, epoch);
    }

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    /*
     * Opened anew after a failure, another store may be found here: cursors
     * of clients belong to the old one.
     */

    if (st->epoch[0] != '\0' && strcmp(st->epoch, epoch) != 0) {
        return ngx_token_env_error(NGX_TOKEN_ERROR, "\"%s\" has been replaced "
                                   "by another store", env->path);
    }

    memcpy(st->epoch, epoch, sizeof(epoch));

    return NGX_TOKEN_OK;
}


void
ngx_token_store_close(ngx_token_store_t *st)
{
    ngx_token_env_close(&st->env);
    ngx_token_env_free(&st->env);

    (void) pthread_mutex_destroy(&st->mutex);

    if (st->seen != -1) {
        (void) close(st->seen);
    }

    free(st->redo);
    free(st);
}


const char *
ngx_token_store_epoch(ngx_token_store_t *st)
{
    return st->epoch;
}


unsigned
ngx_token_store_moved(ngx_token_store_t *st)
{
    return ngx_token_env_moved(&st->env);
}


uint64_t
ngx_token_store_txnid(ngx_token_store_t *st)
{
    return ngx_token_env_txnid(&st->env);
}
