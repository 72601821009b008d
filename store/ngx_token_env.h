
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_ENV_H_INCLUDED_
#define _NGX_TOKEN_ENV_H_INCLUDED_


#include <pthread.h>
#include <sys/types.h>

#include <lmdb.h>

#include "store/ngx_token_store.h"


/*
 * Private to store/: one LMDB environment and its transactions, for the store
 * and for the ephemeral facts beside it.  LMDB leaves to its user what is done
 * here: never to open an environment twice in a process, to map it anew when
 * another process has made it larger, to open it anew after a failed write of
 * its meta page, and to keep reader slots for the next reader.
 *
 * The map moves only while no transaction of this process is open.  Readers
 * never wait for that: they are answered BUSY; a writer waits for them.
 */

#define NGX_TOKEN_ENV_DBS     6           /* databases, at most */
#define NGX_TOKEN_ENV_IDLE    8           /* reader slots kept by a process */


typedef struct ngx_token_env_s  ngx_token_env_t;

/*
 * Opens or makes the databases; called in a write transaction, whenever the
 * environment is opened.  Sets the error text.
 */
typedef ngx_token_rc_t (*ngx_token_env_setup_pt)(ngx_token_env_t *env,
    MDB_txn *txn);


struct ngx_token_env_s {
    /* set by the caller, before ngx_token_env_open() */
    char                    *dir;         /* malloc()ed */
    char                    *path;        /* of the data file, malloc()ed */
    char                    *lock;        /* of the lock file, malloc()ed */
    unsigned                 flags;       /* LMDB's */
    size_t                   size;
    unsigned                 max_readers;
    ngx_token_env_setup_pt   setup;

    /* private; all but dbi and id is guarded by mutex */
    MDB_env                 *mdb;         /* NULL: to be opened anew */
    MDB_dbi                  dbi[NGX_TOKEN_ENV_DBS];
    dev_t                    dev;         /* of dir: its identity */
    ino_t                    ino;
    pthread_mutex_t          mutex;
    pthread_cond_t           ended;       /* the last reader has */
    pthread_mutex_t          write;       /* held by the writer */
    unsigned                 readers;     /* open snapshots */
    unsigned                 writers;     /* 1: in a transaction, or about
                                             to be */
    unsigned                 moving:1;    /* a writer waits for the readers */
    unsigned                 nidle;
    ngx_token_read_t        *idle;
    ngx_token_env_t         *next;        /* the process's environments */
};


/*
 * A snapshot and its cursors.
 */

struct ngx_token_read_s {
    ngx_token_env_t         *env;
    MDB_txn                 *txn;
    MDB_cursor              *cursors[NGX_TOKEN_ENV_DBS];
    unsigned                 bound;       /* bits: the cursor is of this
                                             snapshot, not of an older one */
    ngx_token_read_t        *next;        /* idle */

    uint64_t                 head;        /* the store's, where known */
    unsigned                 known:1;

    /* what was asked last, so that the next question is a step */
    uint64_t                 feed;        /* seq under the cursor; 0: none */
    uint64_t                 record;      /* likewise, of the log */
    uint32_t                 id;          /* of the log named so */
    size_t                   len;         /* of its name; 0: none */
    unsigned char            name[NGX_TOKEN_MAX_CHANNEL];
};


/*
 * Fills dir, path and lock.
 *
 *     file, lock  names in the directory
 *
 * Returns: NGX_TOKEN_OK, or NGX_TOKEN_NOMEM
 */
ngx_token_rc_t ngx_token_env_init(ngx_token_env_t *env, const char *dir,
    const char *file, const char *lock);

/* Frees what _init() made. */
void ngx_token_env_free(ngx_token_env_t *env);

/* Opens what _init() has named.  On failure the error text is set. */
ngx_token_rc_t ngx_token_env_open(ngx_token_env_t *env);

/* No transaction may be open. */
void ngx_token_env_close(ngx_token_env_t *env);

/*
 * Closes and opens LMDB's environment.  The mutex is held, and no transaction
 * of this process is open.
 */
ngx_token_rc_t ngx_token_env_restart(ngx_token_env_t *env);

/*
 * Maps another size, at least what is in use.
 *
 * Thread:  pool only; waits until no read of this process is open.  The
 *          calling thread has no transaction.
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_BUSY: a read does not end, or as _open()
 */
ngx_token_rc_t ngx_token_env_resize(ngx_token_env_t *env, size_t size);

/* Whether this process has it open (then no file of it may be closed). */
unsigned ngx_token_env_is_open(const ngx_token_env_t *env);

/* Checks the directory: it is there, is one, and with write is writable. */
ngx_token_rc_t ngx_token_env_check_dir(ngx_token_env_t *env, unsigned write);

/*
 * Locks the directory, for one process at a time.
 *
 *     fd  out: to be closed, also on failure, unless it is -1
 *
 * Thread:  any; waits for other processes, whatever signals come.
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_ERROR
 */
ngx_token_rc_t ngx_token_env_lock_dir(const char *dir, int *fd);

/* Checks a file: it is regular, and can be read and written, or is not. */
ngx_token_rc_t ngx_token_env_check_file(const char *path);

/*
 * Checks that the data file has all pages that LMDB would read.
 *
 *     path  for the error text
 *     mdb   open; a transaction has begun, which is the writer's or in which
 *           nothing was read yet: no other process commits meanwhile
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_FORMAT: it is truncated, NGX_TOKEN_ERROR
 */
ngx_token_rc_t ngx_token_env_check_size(const char *path, MDB_env *mdb);

/* Adds it to the process's environments, unless it is there. */
ngx_token_rc_t ngx_token_env_register(ngx_token_env_t *env);
void ngx_token_env_unregister(ngx_token_env_t *env);

/*
 * Which file is open.
 *
 *     file  out: device and inode
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_ERROR
 */
ngx_token_rc_t ngx_token_env_file(ngx_token_env_t *env, uint64_t file[2]);

/* Whether another file, or none, is where the open one was. */
unsigned ngx_token_env_moved(ngx_token_env_t *env);

/* The last commit that a reader could see now; 0 when that is not known. */
uint64_t ngx_token_env_txnid(ngx_token_env_t *env);


/* Frees the reader slots of processes that are gone. */
void ngx_token_env_reader_check(ngx_token_env_t *env);


ngx_token_rc_t ngx_token_env_read_begin(ngx_token_env_t *env,
    ngx_token_read_t **r);
void ngx_token_env_read_end(ngx_token_read_t *r);
/* the mutex is held, and r is not in the idle list */
void ngx_token_env_read_free(ngx_token_read_t *r);

/* The snapshot's cursor in a database; NULL when it cannot be had. */
MDB_cursor *ngx_token_env_cursor(ngx_token_read_t *r, unsigned db);


/*
 * One write transaction at a time.  Every _write() that returns OK is followed
 * by _commit() or _abort() in the same thread.
 *
 *     late  the meta page is left to the next flush: after a power cut the
 *           store can be as it was before this commit, but not before the
 *           one before it
 */
ngx_token_rc_t ngx_token_env_write(ngx_token_env_t *env, MDB_txn **txn);
ngx_token_rc_t ngx_token_env_commit(ngx_token_env_t *env, MDB_txn *txn,
    unsigned late);
void ngx_token_env_abort(ngx_token_env_t *env, MDB_txn *txn);


/*
 * Maps what LMDB or the system returned, and keeps the text of it.
 *
 *     what  what was tried, for the text
 */
ngx_token_rc_t ngx_token_env_rc(int rc, const char *what);

/* Sets the error text of this thread; returns rc. */
ngx_token_rc_t ngx_token_env_error(ngx_token_rc_t rc, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Copies this thread's error text, unless rc is OK; returns rc. */
ngx_token_rc_t ngx_token_env_failed(ngx_token_rc_t rc, char *err,
    size_t size);


#endif /* _NGX_TOKEN_ENV_H_INCLUDED_ */
