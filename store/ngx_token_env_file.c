
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* AT_EACCESS, flock() */
#endif

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/ngx_token_env.h"


static unsigned ngx_token_env_find(const ngx_token_env_t *env);


static pthread_mutex_t   ngx_token_envs_mutex = PTHREAD_MUTEX_INITIALIZER;
static ngx_token_env_t  *ngx_token_envs;


ngx_token_rc_t
ngx_token_env_check_dir(ngx_token_env_t *env, unsigned write)
{
    struct stat  sb;

    if (stat(env->dir, &sb) == -1) {
        return ngx_token_env_error(NGX_TOKEN_ERROR,
                                   "directory \"%s\" cannot be used: %s",
                                   env->dir, strerror(errno));
    }

    if (!S_ISDIR(sb.st_mode)) {
        return ngx_token_env_error(NGX_TOKEN_ERROR,
                                   "\"%s\" is not a directory", env->dir);
    }

    if (write && faccessat(AT_FDCWD, env->dir, W_OK|X_OK, AT_EACCESS) == -1) {
        return ngx_token_env_error(NGX_TOKEN_ERROR,
                                   "directory \"%s\" is not writable for "
                                   "user id %lu: %s", env->dir,
                                   (unsigned long) geteuid(), strerror(errno));
    }

    env->dev = sb.st_dev;
    env->ino = sb.st_ino;

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_env_lock_dir(const char *dir, int *fd)
{
    int  rc;

    *fd = open(dir, O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    rc = *fd;

    if (rc != -1) {

        /* nginx's "timer_resolution" is a signal, too */

        do {
            rc = flock(*fd, LOCK_EX);
        } while (rc == -1 && errno == EINTR);
    }

    if (rc == -1) {
        return ngx_token_env_error(NGX_TOKEN_ERROR, "directory \"%s\" cannot "
                                   "be locked: %s", dir, strerror(errno));
    }

    return NGX_TOKEN_OK;
}


/* LMDB says EACCES, but not of which file */

ngx_token_rc_t
ngx_token_env_check_file(const char *path)
{
    struct stat  sb;

    if (stat(path, &sb) == -1) {

        if (errno == ENOENT) {
            return NGX_TOKEN_OK;
        }

        return ngx_token_env_error(NGX_TOKEN_ERROR,
                                   "\"%s\" cannot be used: %s",
                                   path, strerror(errno));
    }

    if (!S_ISREG(sb.st_mode)) {
        return ngx_token_env_error(NGX_TOKEN_FORMAT,
                                   "\"%s\" is not a regular file", path);
    }

    if (faccessat(AT_FDCWD, path, R_OK|W_OK, AT_EACCESS) == -1) {
        return ngx_token_env_error(NGX_TOKEN_ERROR,
                                   "\"%s\" is not readable and writable for "
                                   "user id %lu: %s", path,
                                   (unsigned long) geteuid(), strerror(errno));
    }

    return NGX_TOKEN_OK;
}


/*
 * LMDB's locks are fcntl() locks: closing a second descriptor of the lock file
 * would drop those of the first, and with them everything that keeps pages in
 * use from being written over.
 */

ngx_token_rc_t
ngx_token_env_register(ngx_token_env_t *env)
{
    unsigned  found;

    (void) pthread_mutex_lock(&ngx_token_envs_mutex);

    found = ngx_token_env_find(env);

    if (!found) {
        env->next = ngx_token_envs;
        ngx_token_envs = env;
    }

    (void) pthread_mutex_unlock(&ngx_token_envs_mutex);

    if (found) {
        return ngx_token_env_error(NGX_TOKEN_ERROR,
                                   "\"%s\" is already open in this process",
                                   env->path);
    }

    return NGX_TOKEN_OK;
}


void
ngx_token_env_unregister(ngx_token_env_t *env)
{
    ngx_token_env_t  **p;

    (void) pthread_mutex_lock(&ngx_token_envs_mutex);

    for (p = &ngx_token_envs; *p != NULL; p = &(*p)->next) {
        if (*p == env) {
            *p = env->next;
            break;
        }
    }

    (void) pthread_mutex_unlock(&ngx_token_envs_mutex);
}


unsigned
ngx_token_env_is_open(const ngx_token_env_t *env)
{
    unsigned  found;

    (void) pthread_mutex_lock(&ngx_token_envs_mutex);
    found = ngx_token_env_find(env);
    (void) pthread_mutex_unlock(&ngx_token_envs_mutex);

    return found;
}


static unsigned
ngx_token_env_find(const ngx_token_env_t *env)
{
    const ngx_token_env_t  *e;

    for (e = ngx_token_envs; e != NULL; e = e->next) {
        if (e->dev == env->dev && e->ino == env->ino
            && (e->flags & MDB_NOSUBDIR) == (env->flags & MDB_NOSUBDIR))
        {
            return 1;
        }
    }

    return 0;
}


ngx_token_rc_t
ngx_token_env_file(ngx_token_env_t *env, uint64_t file[2])
{
    int               err;
    struct stat       st;
    mdb_filehandle_t  fd;

    fd = -1;

    (void) pthread_mutex_lock(&env->mutex);

    err = (env->mdb == NULL) ? MDB_PANIC : mdb_env_get_fd(env->mdb, &fd);

    if (err == MDB_SUCCESS && fstat(fd, &st) == -1) {
        err = errno;
    }

    (void) pthread_mutex_unlock(&env->mutex);

    if (err == MDB_SUCCESS) {
        file[0] = (uint64_t) st.st_dev;
        file[1] = (uint64_t) st.st_ino;
    }

    return ngx_token_env_rc(err, env->path);
}


unsigned
ngx_token_env_moved(ngx_token_env_t *env)
{
    unsigned          moved;
    struct stat       open, there;
    mdb_filehandle_t  fd;

    moved = 0;

    (void) pthread_mutex_lock(&env->mutex);

    if (env->mdb != NULL
        && mdb_env_get_fd(env->mdb, &fd) == MDB_SUCCESS
        && fstat(fd, &open) == 0)
    {
        if (stat(env->path, &there) == 0) {
            moved = open.st_ino != there.st_ino
                    || open.st_dev != there.st_dev;

        } else {
            moved = (errno == ENOENT);
        }
    }

    (void) pthread_mutex_unlock(&env->mutex);

    return moved;
}
