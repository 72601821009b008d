
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* O_CLOEXEC */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/ngx_token_store_int.h"


static unsigned ngx_token_store_in_use(ngx_token_env_t *env);
static ngx_token_rc_t ngx_token_store_probe_env(ngx_token_env_t *env);


ngx_token_rc_t
ngx_token_store_probe(const char *path, char *err, size_t size)
{
    struct stat      sb;
    ngx_token_rc_t   rc;
    ngx_token_env_t  env;

    memset(&env, 0, sizeof(ngx_token_env_t));

    rc = ngx_token_env_init(&env, path, "data.mdb", "lock.mdb");

    if (rc != NGX_TOKEN_OK) {
        return ngx_token_env_failed(rc, err, size);
    }

    rc = ngx_token_env_check_dir(&env, 1);

    if (rc == NGX_TOKEN_OK && stat(env.path, &sb) == -1) {

        if (errno != ENOENT) {
            rc = ngx_token_env_error(NGX_TOKEN_ERROR, "\"%s\" cannot be "
                                     "used: %s", env.path, strerror(errno));
        }

    } else if (rc == NGX_TOKEN_OK && sb.st_size != 0
               && !ngx_token_store_in_use(&env))
    {
        rc = ngx_token_store_probe_env(&env);
    }

    ngx_token_env_free(&env);

    return ngx_token_env_failed(rc, err, size);
}


/*
 * Whoever has the store open has looked at it, so it is one.  It must not be
 * read then: without a reader slot, the pages being read may be written over.
 */

static unsigned
ngx_token_store_in_use(ngx_token_env_t *env)
{
    int           fd;
    unsigned      used;
    struct flock  fl;

    if (ngx_token_env_is_open(env)) {
        return 1;
    }

    fd = open(env->lock, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return 0;
    }

    /* LMDB's users hold a read lock on the first byte */

    memset(&fl, 0, sizeof(struct flock));
    fl.l_type = F_WRLCK;
    fl.l_whence = SEEK_SET;
    fl.l_len = 1;

    used = (fcntl(fd, F_GETLK, &fl) == 0 && fl.l_type != F_UNLCK);

    (void) close(fd);

    return used;
}


static ngx_token_rc_t
ngx_token_store_probe_env(ngx_token_env_t *env)
{
    int             rc;
    MDB_env        *mdb;
    MDB_txn        *txn;
    ngx_token_rc_t  result;

    txn = NULL;
    rc = mdb_env_create(&mdb);

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, env->path);
    }

    rc = mdb_env_set_maxdbs(mdb, NGX_TOKEN_DB_LAST);

    if (rc == MDB_SUCCESS) {
        rc = mdb_env_open(mdb, env->dir, MDB_RDONLY|MDB_NOLOCK, 0);
    }

    if (rc == MDB_SUCCESS) {
        rc = mdb_txn_begin(mdb, NULL, MDB_RDONLY, &txn);
    }

    if (rc == MDB_INVALID) {
        result = ngx_token_env_error(NGX_TOKEN_FORMAT, "\"%s\" is not an LMDB "
                                     "file", env->path);

    } else if (rc != MDB_SUCCESS) {
        result = ngx_token_env_error(ngx_token_env_rc(rc, env->path),
                                     "\"%s\" cannot be opened: %s",
                                     env->path, mdb_strerror(rc));

    } else {
        result = ngx_token_env_check_size(env->path, mdb);

        if (result == NGX_TOKEN_OK) {
            result = ngx_token_meta_probe(env, txn);
        }

        mdb_txn_abort(txn);
    }

    mdb_env_close(mdb);

    return result;
}
