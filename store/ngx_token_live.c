
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* O_CLOEXEC */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/ngx_token_live_int.h"


#define NGX_TOKEN_LIVE_SIZE     ((size_t) 64 << 20)
#define NGX_TOKEN_LIVE_READERS  512
#define NGX_TOKEN_LIVE_MAGIC    "ngx_token live"
#define NGX_TOKEN_LIVE_BOOT     64        /* bytes of the kernel's boot id */


static ngx_token_rc_t ngx_token_live_open_env(ngx_token_live_t *live);
static void ngx_token_live_check_boot(ngx_token_live_t *live);
static void ngx_token_live_unlink(ngx_token_live_t *live);
static ngx_token_rc_t ngx_token_live_setup(ngx_token_env_t *env,
    MDB_txn *txn);
static int ngx_token_live_make(ngx_token_env_t *env, MDB_txn *txn);


static const char *const  ngx_token_live_dbs[NGX_TOKEN_LIVE_DB_LAST] = {
    "meta", "proc", "row", "claim", "cancel"
};


ngx_token_rc_t
ngx_token_live_open(const char *path, size_t size, ngx_token_live_t **lp,
    char *err, size_t errsize)
{
    ngx_token_rc_t     rc;
    ngx_token_live_t  *live;

    live = calloc(1, sizeof(ngx_token_live_t));

    if (live == NULL) {
        rc = ngx_token_env_rc(ENOMEM, "opening live.mdb");

    } else {
        live->env.flags = MDB_NOSUBDIR|MDB_NOSYNC|MDB_NOMETASYNC;
        live->env.size = size ? size : NGX_TOKEN_LIVE_SIZE;
        live->env.max_readers = NGX_TOKEN_LIVE_READERS;
        live->env.setup = ngx_token_live_setup;

        ngx_token_proc_self(live->proc);

        rc = ngx_token_env_init(&live->env, path, "live.mdb", "live.mdb-lock");

        if (rc == NGX_TOKEN_OK) {
            rc = ngx_token_live_open_env(live);

            if (rc != NGX_TOKEN_OK) {
                ngx_token_env_free(&live->env);
            }
        }
    }

    if (rc != NGX_TOKEN_OK) {
        free(live);
        return ngx_token_env_failed(rc, err, errsize);
    }

    *lp = live;

    return NGX_TOKEN_OK;
}


/*
 * Nothing here is synced, so a file from before the machine's last start may
 * be anything, and LMDB would not find out before it falls over it.  One
 * process at a time looks, under a lock on the directory.
 */

static ngx_token_rc_t
ngx_token_live_open_env(ngx_token_live_t *live)
{
    int             fd;
    ngx_token_rc_t  rc;

    rc = ngx_token_env_check_dir(&live->env, 1);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    rc = ngx_token_env_lock_dir(live->env.dir, &fd);

    if (rc != NGX_TOKEN_OK) {
        goto done;
    }

    if (!ngx_token_env_is_open(&live->env)) {
        ngx_token_live_check_boot(live);
    }

    rc = ngx_token_env_open(&live->env);

    if (rc == NGX_TOKEN_FORMAT) {
        /* not LMDB's, or not this version's: nobody can be using it */
        ngx_token_live_unlink(live);
        rc = ngx_token_env_open(&live->env);
    }

done:

    if (fd != -1) {
        (void) close(fd);
    }

    return rc;
}


static void
ngx_token_live_check_boot(ngx_token_live_t *live)
{
    int     fd;
    char    now[NGX_TOKEN_LIVE_BOOT], then[NGX_TOKEN_LIVE_BOOT];
    char   *path;
    size_t  n, size;

    n = ngx_token_proc_load(NGX_TOKEN_PROC_BOOT, now, sizeof(now));

    size = strlen(live->env.path) + sizeof("-boot");
    path = malloc(size);

    if (n == 0 || path == NULL) {
        free(path);
        return;
    }

    (void) snprintf(path, size, "%s-boot", live->env.path);

    if (ngx_token_proc_load(path, then, sizeof(then)) == n
        && memcmp(now, then, n) == 0)
    {
        free(path);
        return;
    }

    ngx_token_live_unlink(live);

    fd = open(path, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, S_IRUSR|S_IWUSR);

    if (fd != -1) {
        if (write(fd, now, n) != (ssize_t) n) {
            /* then the next process starts with an empty file as well */
            (void) unlink(path);
        }

        (void) close(fd);
    }

    free(path);
}


static void
ngx_token_live_unlink(ngx_token_live_t *live)
{
    (void) unlink(live->env.path);
    (void) unlink(live->env.lock);
}


static ngx_token_rc_t
ngx_token_live_setup(ngx_token_env_t *env, MDB_txn *txn)
{
    int                rc;
    size_t             len;
    MDB_val            key, data;
    unsigned           i;
    ngx_token_live_t  *live;

    live = (ngx_token_live_t *) env;      /* its first member */
    len = sizeof(NGX_TOKEN_LIVE_MAGIC) - 1;

    for (i = 0; i < NGX_TOKEN_LIVE_DB_LAST; i++) {

        rc = mdb_dbi_open(txn, ngx_token_live_dbs[i], MDB_CREATE,
                          &env->dbi[i]);

        if (rc != MDB_SUCCESS) {
            return ngx_token_env_rc(rc, env->path);
        }
    }

    key.mv_size = sizeof("format") - 1;
    key.mv_data = (void *) "format";

    rc = mdb_get(txn, env->dbi[NGX_TOKEN_LIVE_DB_META], &key, &data);

    if (rc != MDB_SUCCESS || data.mv_size != len + 4
        || memcmp(data.mv_data, NGX_TOKEN_LIVE_MAGIC, len) != 0
        || ngx_token_get_u32((unsigned char *) data.mv_data + len)
           != NGX_TOKEN_LIVE_FORMAT)
    {
        rc = ngx_token_live_make(env, txn);

        if (rc != MDB_SUCCESS) {
            return ngx_token_env_rc(rc, env->path);
        }
    }

    key.mv_size = NGX_TOKEN_PROC_LEN;
    key.mv_data = live->proc;
    data.mv_size = 1;
    data.mv_data = (void *) "";

    rc = mdb_put(txn, env->dbi[NGX_TOKEN_LIVE_DB_PROC], &key, &data, 0);

    return ngx_token_env_rc(rc, env->path);
}


/* Another module's file, or a new one: whoever reads it finds it empty */

static int
ngx_token_live_make(ngx_token_env_t *env, MDB_txn *txn)
{
    int            rc;
    size_t         len;
    MDB_val        key, data;
    unsigned       i;
    unsigned char  format[sizeof(NGX_TOKEN_LIVE_MAGIC) - 1 + 4];

    for (i = 0; i < NGX_TOKEN_LIVE_DB_LAST; i++) {

        rc = mdb_drop(txn, env->dbi[i], 0);

        if (rc != MDB_SUCCESS) {
            return rc;
        }
    }

    len = sizeof(NGX_TOKEN_LIVE_MAGIC) - 1;

    memcpy(format, NGX_TOKEN_LIVE_MAGIC, len);
    ngx_token_put_u32(format + len, NGX_TOKEN_LIVE_FORMAT);

    key.mv_size = sizeof("format") - 1;
    key.mv_data = (void *) "format";
    data.mv_size = sizeof(format);
    data.mv_data = format;

    return mdb_put(txn, env->dbi[NGX_TOKEN_LIVE_DB_META], &key, &data, 0);
}


void
ngx_token_live_close(ngx_token_live_t *live, uint64_t until)
{
    size_t  dropped;

    /* what remains is swept by others, once this process is gone */

    if (until) {
        (void) ngx_token_live_linger(live, until);
    }

    (void) ngx_token_live_drop(live, &live->proc, 1, &dropped);

    ngx_token_env_close(&live->env);
    ngx_token_env_free(&live->env);

    free(live);
}


uint64_t
ngx_token_live_txnid(ngx_token_live_t *live)
{
    return ngx_token_env_txnid(&live->env);
}
