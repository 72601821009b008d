
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* O_CLOEXEC, pwrite() */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/ngx_token_store_int.h"


/*
 * Whether the store is what the clients know.  A file that was copied has
 * another inode than it says.  One that was written over in place has not, so
 * a file beside it, data.mdb-seen, has the epoch and the last seq committed:
 * another epoch, or a lower seq in the store, is an older copy.
 *
 * That file is looked at and replaced in the store's write transaction, so
 * that processes agree; it is written after each commit, in place, and never
 * synced: it can be behind the store, but ahead of it only when the store has
 * lost commits.  A process whose store was replaced under it has the old file
 * open, and does no harm to the new one.
 */

#define NGX_TOKEN_SEEN_LEN  (NGX_TOKEN_EPOCH_LEN + 8)   /* epoch, seq u64 */


static ngx_token_rc_t ngx_token_seen_renew(ngx_token_store_t *st,
    MDB_txn *txn, uint64_t inode, char *epoch);
static ngx_token_rc_t ngx_token_seen_make(ngx_token_store_t *st,
    const char *path, const char *epoch, uint64_t seq);
static char *ngx_token_seen_path(ngx_token_store_t *st, const char *suffix);


ngx_token_rc_t
ngx_token_seen_check(ngx_token_store_t *st, MDB_txn *txn, char *epoch)
{
    int                 fd, found, copy;
    char               *path;
    uint64_t            inode;
    struct stat         sb;
    unsigned char       seen[NGX_TOKEN_SEEN_LEN];
    ngx_token_rc_t      rc;
    mdb_filehandle_t    data;
    ngx_token_state_t   state;

    rc = ngx_token_state_read(txn, st->env.dbi[NGX_TOKEN_DB_MAIN], &state);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    if (mdb_env_get_fd(st->env.mdb, &data) != MDB_SUCCESS
        || fstat(data, &sb) == -1)
    {
        return ngx_token_env_rc(errno, st->env.path);
    }

    path = ngx_token_seen_path(st, "-seen");
    if (path == NULL) {
        return ngx_token_env_rc(ENOMEM, "opening the store");
    }

    fd = open(path, O_RDWR|O_CLOEXEC);

    found = fd != -1
            && pread(fd, seen, sizeof(seen), 0) == (ssize_t) sizeof(seen);

    ngx_token_meta_inode(&st->env, txn, &inode);

    /* without an inode it is new here, or from before there was one */

    copy = inode != 0
           && (inode != (uint64_t) sb.st_ino
               || (found
                   && (memcmp(seen, epoch, NGX_TOKEN_EPOCH_LEN) != 0
                       || ngx_token_get_u64(seen + NGX_TOKEN_EPOCH_LEN)
                          > state.seq)));

    if (st->epoch[0] != '\0') {

        /* opened anew: clients have been told of what it was */

        if (copy) {
            rc = ngx_token_env_error(NGX_TOKEN_ERROR, "\"%s\" has been "
                                     "replaced by a copy", st->env.path);
        }

    } else {

        if (inode == 0 || copy) {
            rc = ngx_token_seen_renew(st, txn, (uint64_t) sb.st_ino,
                                      copy ? epoch : NULL);
            found = 0;
        }

        if (rc == NGX_TOKEN_OK && !found) {
            rc = ngx_token_seen_make(st, path, epoch, state.seq);

        } else if (rc == NGX_TOKEN_OK) {
            st->seen = fd;
            fd = -1;
        }
    }

    if (fd != -1) {
        (void) close(fd);
    }

    free(path);

    return rc;
}


/* epoch: out; NULL: it stays */

static ngx_token_rc_t
ngx_token_seen_renew(ngx_token_store_t *st, MDB_txn *txn, uint64_t inode,
    char *epoch)
{
    ngx_token_rc_t  rc;

    rc = ngx_token_meta_set_inode(&st->env, txn, inode);

    if (rc == NGX_TOKEN_OK && epoch != NULL) {
        rc = ngx_token_meta_renew(&st->env, txn, epoch);
    }

    return rc;
}


/*
 * Before the commit: when there is none, the store that is found next differs
 * from what is here, and gets an epoch then.
 */

static ngx_token_rc_t
ngx_token_seen_make(ngx_token_store_t *st, const char *path,
    const char *epoch, uint64_t seq)
{
    int             fd;
    char           *temp;
    ngx_token_rc_t  rc;
    unsigned char   seen[NGX_TOKEN_SEEN_LEN];

    temp = ngx_token_seen_path(st, "-seen.new");
    if (temp == NULL) {
        return ngx_token_env_rc(ENOMEM, "opening the store");
    }

    memcpy(seen, epoch, NGX_TOKEN_EPOCH_LEN);
    ngx_token_put_u64(seen + NGX_TOKEN_EPOCH_LEN, seq);

    rc = NGX_TOKEN_OK;

    fd = open(temp, O_RDWR|O_CREAT|O_TRUNC|O_CLOEXEC, S_IRUSR|S_IWUSR);

    if (fd == -1
        || pwrite(fd, seen, sizeof(seen), 0) != (ssize_t) sizeof(seen)
        || rename(temp, path) == -1)
    {
        rc = ngx_token_env_error(ngx_token_env_rc(errno, path), "\"%s\" "
                                 "cannot be written: %s", path,
                                 strerror(errno));

        if (fd != -1) {
            (void) unlink(temp);
            (void) close(fd);
        }

        fd = -1;
    }

    st->seen = fd;

    free(temp);

    return rc;
}


/* Returns: malloc()ed */

static char *
ngx_token_seen_path(ngx_token_store_t *st, const char *suffix)
{
    char    *path;
    size_t   size;

    size = strlen(st->env.path) + strlen(suffix) + 1;

    path = malloc(size);

    if (path != NULL) {
        (void) snprintf(path, size, "%s%s", st->env.path, suffix);
    }

    return path;
}


void
ngx_token_seen_update(ngx_token_store_t *st, uint64_t seq)
{
    unsigned char  seen[NGX_TOKEN_SEEN_LEN];

    if (st->seen == -1) {
        return;
    }

    memcpy(seen, st->epoch, NGX_TOKEN_EPOCH_LEN);
    ngx_token_put_u64(seen + NGX_TOKEN_EPOCH_LEN, seq);

    if (pwrite(st->seen, seen, sizeof(seen), 0) != (ssize_t) sizeof(seen)) {
        /* it remembers less, until the next one */
        return;
    }
}
