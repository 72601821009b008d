
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* clock_gettime() */
#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "store/ngx_token_env.h"


#define NGX_TOKEN_ENV_TRIES  3
#define NGX_TOKEN_ENV_WAIT   10           /* s: for this process's readers to
                                             end, before the map moves */
#define NGX_TOKEN_ENV_DISK   (64UL << 20) /* bytes: a disk with less is full,
                                             when it could not be written */


static ngx_token_rc_t ngx_token_env_move(ngx_token_env_t *env, int rc);
static ngx_token_rc_t ngx_token_env_move_writer(ngx_token_env_t *env, int rc);
static unsigned ngx_token_env_wait(ngx_token_env_t *env);
static unsigned ngx_token_env_disk_is_full(ngx_token_env_t *env);
static int ngx_token_env_renew(ngx_token_env_t *env, ngx_token_read_t *r);
static int ngx_token_env_renew_txn(ngx_token_env_t *env, ngx_token_read_t *r);
static void ngx_token_env_read_clear(ngx_token_read_t *r);


uint64_t
ngx_token_env_txnid(ngx_token_env_t *env)
{
    uint64_t           id;
    MDB_envinfo        info;
    ngx_token_read_t  *r;

    /*
     * Not from the meta pages: where a writer has died between its last write
     * and its unlock, they are ahead of what readers are given, until the
     * next writer has looked.  Whoever had seen that number already would
     * take the commit for known when it appears.
     */

    if (ngx_token_env_read_begin(env, &r) == NGX_TOKEN_OK) {
        /* no error code is OK
           NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        id = (uint64_t) mdb_txn_id(r->txn);
        ngx_token_env_read_end(r);
        return id;
    }

    id = 0;

    (void) pthread_mutex_lock(&env->mutex);

    if (env->mdb != NULL && mdb_env_info(env->mdb, &info) == MDB_SUCCESS) {
        id = (uint64_t) info.me_last_txnid;
    }

    (void) pthread_mutex_unlock(&env->mutex);

    return id;
}


void
ngx_token_env_reader_check(ngx_token_env_t *env)
{
    int  dead;

    (void) pthread_mutex_lock(&env->mutex);

    if (env->mdb != NULL) {
        (void) mdb_reader_check(env->mdb, &dead);
    }

    (void) pthread_mutex_unlock(&env->mutex);
}


ngx_token_rc_t
ngx_token_env_read_begin(ngx_token_env_t *env, ngx_token_read_t **rp)
{
    int                rc;
    ngx_token_read_t  *r;

    (void) pthread_mutex_lock(&env->mutex);

    r = env->idle;

    if (r != NULL) {
        env->idle = r->next;
        env->nidle--;

    } else {
        r = calloc(1, sizeof(ngx_token_read_t));
        if (r == NULL) {
            (void) pthread_mutex_unlock(&env->mutex);
            return ngx_token_env_error(NGX_TOKEN_NOMEM, "no memory to read");
        }

        r->env = env;
    }

    rc = ngx_token_env_renew(env, r);

    if (rc == MDB_SUCCESS) {
        env->readers++;

    } else {
        ngx_token_env_read_free(r);
    }

    (void) pthread_mutex_unlock(&env->mutex);

    if (rc != MDB_SUCCESS) {
        /* r is gone */
        return ngx_token_env_rc(rc, "beginning a read");
    }

    r->bound = 0;
    r->known = 0;
    r->feed = 0;
    r->record = 0;
    r->len = 0;

    *rp = r;

    return NGX_TOKEN_OK;
}


static int
ngx_token_env_renew(ngx_token_env_t *env, ngx_token_read_t *r)
{
    int  rc, dead;

    if (env->moving) {
        return MDB_READERS_FULL;
    }

    rc = ngx_token_env_renew_txn(env, r);

    if (rc == MDB_READERS_FULL) {
        /* processes that were killed leave their slots */
        (void) mdb_reader_check(env->mdb, &dead);

        return ngx_token_env_renew_txn(env, r);
    }

    if (rc != MDB_MAP_RESIZED && rc != MDB_PANIC) {
        return rc;
    }

    if (env->readers != 0 || env->writers != 0) {
        return MDB_READERS_FULL;
    }

    ngx_token_env_read_clear(r);

    if (ngx_token_env_move(env, rc) != NGX_TOKEN_OK) {
        return MDB_PANIC;
    }

    return ngx_token_env_renew_txn(env, r);
}


static int
ngx_token_env_renew_txn(ngx_token_env_t *env, ngx_token_read_t *r)
{
    int  rc;

    if (env->mdb == NULL) {
        return MDB_PANIC;
    }

    if (r->txn != NULL) {

        rc = mdb_txn_renew(r->txn);

        if (rc != MDB_BAD_RSLOT) {
            return rc;
        }

        /*
         * Somebody took this process for dead and cleared its slot, which
         * may be another's by now.  Aborting would clear it under the new
         * owner, so the transaction is leaked.
         */

        r->txn = NULL;
        ngx_token_env_read_clear(r);
    }

    rc = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &r->txn);

    if (rc != MDB_SUCCESS) {
        r->txn = NULL;
    }

    return rc;
}


void
ngx_token_env_read_end(ngx_token_read_t *r)
{
    ngx_token_env_t  *env;

    env = r->env;

    (void) pthread_mutex_lock(&env->mutex);

    mdb_txn_reset(r->txn);

    if (env->nidle < NGX_TOKEN_ENV_IDLE) {
        r->next = env->idle;
        env->idle = r;
        env->nidle++;

    } else {
        ngx_token_env_read_free(r);
    }

    env->readers--;

    if (env->readers == 0 && env->moving) {
        (void) pthread_cond_signal(&env->ended);
    }

    (void) pthread_mutex_unlock(&env->mutex);
}


void
ngx_token_env_read_free(ngx_token_read_t *r)
{
    ngx_token_env_read_clear(r);
    free(r);
}


static void
ngx_token_env_read_clear(ngx_token_read_t *r)
{
    unsigned  i;

    for (i = 0; i < NGX_TOKEN_ENV_DBS; i++) {
        if (r->cursors[i] != NULL) {
            mdb_cursor_close(r->cursors[i]);
            r->cursors[i] = NULL;
        }
    }

    if (r->txn != NULL) {
        mdb_txn_abort(r->txn);
        r->txn = NULL;
    }
}


MDB_cursor *
ngx_token_env_cursor(ngx_token_read_t *r, unsigned db)
{
    int  rc;

    if (r->bound & (1u << db)) {
        return r->cursors[db];
    }

    if (r->cursors[db] == NULL) {
        rc = mdb_cursor_open(r->txn, r->env->dbi[db], &r->cursors[db]);

        if (rc != MDB_SUCCESS) {
            r->cursors[db] = NULL;
        }

    } else {
        rc = mdb_cursor_renew(r->txn, r->cursors[db]);
    }

    if (rc != MDB_SUCCESS) {
        (void) ngx_token_env_rc(rc, "reading");
        return NULL;
    }

    r->bound |= 1u << db;

    return r->cursors[db];
}


ngx_token_rc_t
ngx_token_env_write(ngx_token_env_t *env, MDB_txn **txn)
{
    int             rc, i;
    MDB_env        *mdb;
    ngx_token_rc_t  result;

    (void) pthread_mutex_lock(&env->write);

    (void) pthread_mutex_lock(&env->mutex);
    env->writers = 1;
    mdb = env->mdb;
    (void) pthread_mutex_unlock(&env->mutex);

    result = NGX_TOKEN_OK;

    for (i = 0; i < NGX_TOKEN_ENV_TRIES; i++) {

        rc = (mdb == NULL) ? MDB_PANIC : mdb_txn_begin(mdb, NULL, 0, txn);

        if (rc != MDB_MAP_RESIZED && rc != MDB_PANIC) {
            result = ngx_token_env_rc(rc, "beginning a write");
            break;
        }

        result = ngx_token_env_move_writer(env, rc);

        if (result != NGX_TOKEN_OK) {
            break;
        }

        mdb = env->mdb;
        result = NGX_TOKEN_ERROR;
    }

    if (result != NGX_TOKEN_OK) {
        ngx_token_env_abort(env, NULL);
    }

    return result;
}


ngx_token_rc_t
ngx_token_env_commit(ngx_token_env_t *env, MDB_txn *txn, unsigned late)
{
    int       rc;
    MDB_env  *mdb;

    mdb = mdb_txn_env(txn);

    /* of all transactions, but there is only this one that writes */

    if (late) {
        (void) mdb_env_set_flags(mdb, MDB_NOMETASYNC, 1);
    }

    rc = mdb_txn_commit(txn);

    if (late) {
        (void) mdb_env_set_flags(mdb, MDB_NOMETASYNC, 0);
    }

    if (rc == EIO && ngx_token_env_disk_is_full(env)) {
        rc = ENOSPC;
    }

    ngx_token_env_abort(env, NULL);

    return ngx_token_env_rc(rc, "committing");
}


/*
 * On a full disk a part of the pages can be written, and LMDB calls that an
 * I/O error.
 */

static unsigned
ngx_token_env_disk_is_full(ngx_token_env_t *env)
{
    struct statvfs  vfs;

    return statvfs(env->dir, &vfs) == 0
           && vfs.f_bavail < NGX_TOKEN_ENV_DISK / vfs.f_frsize;
}


void
ngx_token_env_abort(ngx_token_env_t *env, MDB_txn *txn)
{
    if (txn != NULL) {
        mdb_txn_abort(txn);
    }

    (void) pthread_mutex_lock(&env->mutex);
    env->writers = 0;
    (void) pthread_mutex_unlock(&env->mutex);

    (void) pthread_mutex_unlock(&env->write);
}


ngx_token_rc_t
ngx_token_env_resize(ngx_token_env_t *env, size_t size)
{
    int             rc;
    ngx_token_rc_t  result;

    result = NGX_TOKEN_BUSY;

    (void) pthread_mutex_lock(&env->write);
    (void) pthread_mutex_lock(&env->mutex);

    if (env->mdb != NULL && ngx_token_env_wait(env)) {

        rc = mdb_env_set_mapsize(env->mdb, size);

        result = (rc == MDB_SUCCESS) ? NGX_TOKEN_OK
                                     : ngx_token_env_restart(env);
    }

    (void) pthread_mutex_unlock(&env->mutex);
    (void) pthread_mutex_unlock(&env->write);

    return result;
}


/*
 * Maps or opens anew.  The mutex is held, and no transaction of this process
 * is open.
 */

static ngx_token_rc_t
ngx_token_env_move(ngx_token_env_t *env, int rc)
{
    if (rc == MDB_MAP_RESIZED && env->mdb != NULL) {

        rc = mdb_env_set_mapsize(env->mdb, 0);

        if (rc == MDB_SUCCESS) {
            return NGX_TOKEN_OK;
        }

        /* LMDB has lost its map: the handle can only be closed */
    }

    return ngx_token_env_restart(env);
}


static ngx_token_rc_t
ngx_token_env_move_writer(ngx_token_env_t *env, int rc)
{
    ngx_token_rc_t  result;

    (void) pthread_mutex_lock(&env->mutex);

    if (ngx_token_env_wait(env)) {
        result = ngx_token_env_move(env, rc);

    } else {
        result = ngx_token_env_error(NGX_TOKEN_ERROR, "\"%s\" must be opened "
                                     "anew, but a read does not end: %s",
                                     env->path, mdb_strerror(rc));
    }

    (void) pthread_mutex_unlock(&env->mutex);

    return result;
}


/*
 * Waits until no snapshot is open; the mutex is held.  Those that are open end
 * soon, and none can begin, so there is an end to waiting, unless this thread
 * itself has one.
 */

static unsigned
ngx_token_env_wait(ngx_token_env_t *env)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += NGX_TOKEN_ENV_WAIT;

    env->moving = 1;

    while (env->readers != 0) {

        if (pthread_cond_timedwait(&env->ended, &env->mutex, &ts) == ETIMEDOUT)
        {
            break;
        }
    }

    env->moving = 0;

    return env->readers == 0;
}
