
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* strdup(), sysconf() */
#endif

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/ngx_token_env.h"


#define NGX_TOKEN_ENV_TRIES  3


static ngx_token_rc_t ngx_token_env_start(ngx_token_env_t *env);
static int ngx_token_env_start_mdb(ngx_token_env_t *env, MDB_env **mdb);
static ngx_token_rc_t ngx_token_env_start_error(ngx_token_env_t *env, int rc);
static ngx_token_rc_t ngx_token_env_setup(ngx_token_env_t *env);
static void ngx_token_env_stop(ngx_token_env_t *env);


static __thread char  ngx_token_env_text[512];


ngx_token_rc_t
ngx_token_env_init(ngx_token_env_t *env, const char *dir, const char *file,
    const char *lock)
{
    size_t  size;

    size = strlen(dir) + strlen(file) + strlen(lock) + 2;

    env->dir = strdup(dir);
    env->path = malloc(size);
    env->lock = malloc(size);

    if (env->dir == NULL || env->path == NULL || env->lock == NULL) {
        ngx_token_env_free(env);
        return ngx_token_env_rc(ENOMEM, "opening the store");
    }

    (void) snprintf(env->path, size, "%s/%s", dir, file);
    (void) snprintf(env->lock, size, "%s/%s", dir, lock);

    return NGX_TOKEN_OK;
}


void
ngx_token_env_free(ngx_token_env_t *env)
{
    free(env->dir);
    free(env->path);
    free(env->lock);
}


ngx_token_rc_t
ngx_token_env_open(ngx_token_env_t *env)
{
    ngx_token_rc_t      rc;
    pthread_condattr_t  attr;

    rc = ngx_token_env_check_dir(env, 1);

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_env_check_file(env->path);
    }

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_env_check_file(env->lock);
    }

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_env_register(env);
    }

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    (void) pthread_condattr_init(&attr);
    (void) pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&env->ended, &attr);
    (void) pthread_condattr_destroy(&attr);
    (void) pthread_mutex_init(&env->mutex, NULL);
    (void) pthread_mutex_init(&env->write, NULL);

    rc = ngx_token_env_start(env);

    if (rc != NGX_TOKEN_OK) {
        ngx_token_env_close(env);
    }

    return rc;
}


void
ngx_token_env_close(ngx_token_env_t *env)
{
    ngx_token_env_stop(env);
    ngx_token_env_unregister(env);

    (void) pthread_cond_destroy(&env->ended);
    (void) pthread_mutex_destroy(&env->mutex);
    (void) pthread_mutex_destroy(&env->write);
}


static ngx_token_rc_t
ngx_token_env_start(ngx_token_env_t *env)
{
    int             rc, i;
    ngx_token_rc_t  result;

    /*
     * A process that finds the lock file just made, by one that has then
     * gone, sees a file without contents; the next try makes it.
     */

    for (i = 0, rc = EINVAL; i < NGX_TOKEN_ENV_TRIES; i++) {

        rc = ngx_token_env_start_mdb(env, &env->mdb);

        if (rc != EINVAL && rc != MDB_INVALID) {
            break;
        }
    }

    if (rc != MDB_SUCCESS) {
        env->mdb = NULL;
        return ngx_token_env_start_error(env, rc);
    }

    result = ngx_token_env_setup(env);

    if (result != NGX_TOKEN_OK) {
        mdb_env_close(env->mdb);
        env->mdb = NULL;
    }

    return result;
}


static int
ngx_token_env_start_mdb(ngx_token_env_t *env, MDB_env **mdb)
{
    int     rc, dead;
    size_t  page;

    rc = mdb_env_create(mdb);
    if (rc != MDB_SUCCESS) {
        return rc;
    }

    page = (size_t) sysconf(_SC_PAGESIZE);

    rc = mdb_env_set_maxdbs(*mdb, NGX_TOKEN_ENV_DBS);

    if (rc == MDB_SUCCESS) {
        rc = mdb_env_set_maxreaders(*mdb, env->max_readers);
    }

    if (rc == MDB_SUCCESS) {
        rc = mdb_env_set_mapsize(*mdb, (env->size + page - 1) / page * page);
    }

    if (rc == MDB_SUCCESS) {
        rc = mdb_env_open(*mdb,
                          (env->flags & MDB_NOSUBDIR) ? env->path : env->dir,
                          env->flags | MDB_NOTLS, S_IRUSR|S_IWUSR);
    }

    if (rc == MDB_SUCCESS) {
        rc = mdb_reader_check(*mdb, &dead);
    }

    if (rc != MDB_SUCCESS) {
        mdb_env_close(*mdb);
    }

    return rc;
}


static ngx_token_rc_t
ngx_token_env_start_error(ngx_token_env_t *env, int rc)
{
    ngx_token_rc_t  result;

    result = ngx_token_env_rc(rc, env->path);

    switch (rc) {

    case MDB_INVALID:
        return ngx_token_env_error(result, "\"%s\", or its lock file \"%s\", "
                                   "is not an LMDB file",
                                   env->path, env->lock);

    case MDB_VERSION_MISMATCH:
        return ngx_token_env_error(result, "\"%s\", or its lock file \"%s\", "
                                   "is of another version of LMDB",
                                   env->path, env->lock);

    case ENOMEM:
        return ngx_token_env_error(result, "\"%s\" cannot be mapped with a "
                                   "size of %zu bytes: %s",
                                   env->path, env->size, strerror(rc));

    default:
        return ngx_token_env_error(result, "\"%s\" cannot be opened: %s",
                                   env->path, mdb_strerror(rc));
    }
}


static ngx_token_rc_t
ngx_token_env_setup(ngx_token_env_t *env)
{
    int             rc;
    MDB_txn        *txn;
    ngx_token_rc_t  result;

    rc = mdb_txn_begin(env->mdb, NULL, 0, &txn);

    if (rc == MDB_MAP_RESIZED) {
        /* grown between mdb_env_open() and here */
        rc = mdb_env_set_mapsize(env->mdb, 0);

        if (rc == MDB_SUCCESS) {
            rc = mdb_txn_begin(env->mdb, NULL, 0, &txn);
        }
    }

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_start_error(env, rc);
    }

    /* nobody else writes now, and no page has been looked at */

    result = ngx_token_env_check_size(env->path, env->mdb);

    if (result == NGX_TOKEN_OK) {
        result = env->setup(env, txn);
    }

    if (result != NGX_TOKEN_OK) {
        mdb_txn_abort(txn);
        return result;
    }

    rc = mdb_txn_commit(txn);

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_error(ngx_token_env_rc(rc, env->path),
                                   "\"%s\" cannot be written: %s",
                                   env->path, mdb_strerror(rc));
    }

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_env_restart(ngx_token_env_t *env)
{
    ngx_token_env_stop(env);

    return ngx_token_env_start(env);
}


static void
ngx_token_env_stop(ngx_token_env_t *env)
{
    ngx_token_read_t  *r;

    while (env->idle != NULL) {
        r = env->idle;
        env->idle = r->next;
        ngx_token_env_read_free(r);
    }

    env->nidle = 0;

    if (env->mdb != NULL) {
        mdb_env_close(env->mdb);
        env->mdb = NULL;
    }
}


ngx_token_rc_t
ngx_token_env_rc(int rc, const char *what)
{
    ngx_token_rc_t  result;

    switch (rc) {

    case MDB_SUCCESS:
        return NGX_TOKEN_OK;

    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        result = NGX_TOKEN_FULL;
        break;

    case ENOMEM:
        result = NGX_TOKEN_NOMEM;
        break;

    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
        result = NGX_TOKEN_FORMAT;
        break;

    case MDB_READERS_FULL:
        result = NGX_TOKEN_BUSY;
        break;

    default:
        result = NGX_TOKEN_ERROR;
        break;
    }

    return ngx_token_env_error(result, "%s: %s", what, mdb_strerror(rc));
}


ngx_token_rc_t
ngx_token_env_error(ngx_token_rc_t rc, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(ngx_token_env_text, sizeof(ngx_token_env_text), fmt,
                     args);
    va_end(args);

    return rc;
}


ngx_token_rc_t
ngx_token_env_failed(ngx_token_rc_t rc, char *err, size_t size)
{
    if (rc != NGX_TOKEN_OK && size != 0) {
        (void) snprintf(err, size, "%s", ngx_token_env_text);
    }

    return rc;
}


const char *
ngx_token_store_error(void)
{
    return ngx_token_env_text;
}
