
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_STORE_H_INCLUDED_
#define _NGX_TOKEN_STORE_H_INCLUDED_


#include "token/ngx_token_message.h"


/*
 * State shared by all workers, kept in one LMDB environment: atoms, logs,
 * the token ledger and the change feed.
 *
 * This layer is free of nginx: it allocates with malloc(), reports by return
 * code and never logs.  A store is opened once per process, after fork(), and
 * may then be used by any thread of that process.
 *
 * seq is one 64-bit counter for the whole store: every change takes the next.
 * It is the version of an atom, the id of a log record, and the cursor of a
 * session.  epoch is random and made with the store.
 *
 * Readers never wait for the writer, nor it for them.  A read transaction
 * must be short: LMDB cannot reuse pages while it is open (G8).
 */

typedef struct ngx_token_store_s  ngx_token_store_t;
typedef struct ngx_token_read_s   ngx_token_read_t;


#define NGX_TOKEN_EPOCH_LEN  32           /* hexadecimal characters */

#define NGX_TOKEN_STORE_MAX_VALUE  ((size_t) 1 << 20)   /* bytes */


typedef struct {
    size_t                   size;        /* bytes: the map, and so the most
                                             that the store can hold */
    unsigned                 sync:1;      /* every commit is on disk when
                                             apply() returns */
    unsigned                 max_readers; /* over all processes; 0 = 512 */
    uint64_t                 feed;        /* changes kept in the feed;
                                             0 = 65536 */
} ngx_token_store_conf_t;


/*
 * Opens the store in the directory path, and makes it when it is empty.
 *
 * A process opens a store once: a second open is an error while the first is
 * open (closing either would drop the other's locks).
 *
 *     path   null terminated; must exist; data.mdb and lock.mdb are put there
 *     err    out: on failure, a null terminated sentence that names the file
 *            and the reason; may be cut at size bytes
 *
 * Thread:  any; reads and may write the disk.
 *
 * Returns: NGX_TOKEN_OK      *st is open
 *          NGX_TOKEN_FORMAT  there is a file, but it is no store of this
 *                            version
 *          NGX_TOKEN_FULL, NGX_TOKEN_NOMEM, NGX_TOKEN_ERROR
 */
ngx_token_rc_t ngx_token_store_open(const char *path,
    const ngx_token_store_conf_t *conf, ngx_token_store_t **st,
    char *err, size_t size);

/*
 * Looks whether a store could be opened here, without making or changing any
 * file (and without LMDB's lock file): for a configuration test by the
 * master process while workers use the store.  An empty directory is fine.
 *
 * A store that some process has open is not read: it is taken for good.
 *
 * Returns: as ngx_token_store_open()
 */
ngx_token_rc_t ngx_token_store_probe(const char *path, char *err,
    size_t size);

/* No read or apply may be under way. */
void ngx_token_store_close(ngx_token_store_t *st);

/* NGX_TOKEN_EPOCH_LEN characters and a null. */
const char *ngx_token_store_epoch(ngx_token_store_t *st);

/*
 * The id of the last committed LMDB transaction, by whatever process, that a
 * read begun now would see: a cheap look that tells whether anything was
 * written.
 *
 * Thread:  any; does not wait.
 *
 * Returns: 0 when it is not known (then look again later)
 */
uint64_t ngx_token_store_txnid(ngx_token_store_t *st);

/*
 * Whether the store's file is no longer the one in its directory: it was
 * removed, or another put in its place.  What is written now would be lost.
 */
unsigned ngx_token_store_moved(ngx_token_store_t *st);

/* What LMDB or the system said last in this thread; never NULL. */
const char *ngx_token_store_error(void);


/*
 * Applies n commit records in one write transaction (group commit).  Each has
 * its own verdict: a rejected one leaves nothing behind but its ledger entry.
 * For every record the ledger is looked up first, in that transaction: an id
 * that is there is not applied again, and its verdict is the ledger's (or
 * REJECTED with ERR_ID_REUSED where the hash, or the user, differs; a record
 * that was asked for anonymously may be asked for by anybody).  Effects of
 * one record see those before them.  When the transaction cannot be written
 * as a whole (map full), the records are tried one by one, so that only those
 * that do not fit are FAILED with ERR_STORE_FULL.
 *
 * OK and REJECTED (from preconditions), and the outcomes that the records
 * bring, are written to the ledger; FAILED for want of room is not.  A ledger
 * entry that is RUNNING or FAILED is not the last word: a record of the same
 * request writes over it (but RUNNING not over RUNNING: that is a repeat).
 *
 * An id whose ledger entry may have been dropped already is REJECTED with
 * ERR_ID_EXPIRED, also when the record's own horizon would let it pass: the
 * store remembers how far its ledger has been trimmed.
 *
 *     verdicts  out: n, in the order of the records
 *
 * Thread:  pool only; waits for LMDB's writer lock and for fsync.  The calling
 *          thread must have no read open.
 *
 * Returns: NGX_TOKEN_OK     the verdicts hold, and what they say is committed
 *                           (with sync: on disk)
 *          NGX_TOKEN_FULL, NGX_TOKEN_ERROR, NGX_TOKEN_NOMEM
 *                           nothing was written; every verdict is FAILED
 */
ngx_token_rc_t ngx_token_store_apply(ngx_token_store_t *st,
    const ngx_token_commit_t *commits, size_t n,
    ngx_token_verdict_t *verdicts);


/*
 * Begins reading a snapshot.  What the functions below return points into
 * the map and is valid until ngx_token_read_end().  Where they meet a row that
 * is damaged, or a page that cannot be read, they return NGX_TOKEN_ERROR, or
 * go on as if it were not there.
 *
 * Thread:  any; one thread at a time for one *r.  Does not wait.
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_NOMEM, NGX_TOKEN_ERROR
 *          NGX_TOKEN_BUSY  try again later: no reader slot, or the map must
 *                          move and this process has transactions open
 */
ngx_token_rc_t ngx_token_read_begin(ngx_token_store_t *st,
    ngx_token_read_t **r);

/* The object is kept for the next begin; cheap. */
void ngx_token_read_end(ngx_token_read_t *r);

/*
 * The id of the LMDB transaction that made this snapshot: it tells whether
 * anything was written since another one.
 */
uint64_t ngx_token_read_txnid(ngx_token_read_t *r);

/* The last seq of this snapshot; 0 in a new store. */
uint64_t ngx_token_read_head(ngx_token_read_t *r);


typedef struct {
    uint64_t                 seq;
    ngx_token_effect_e       type;        /* APPEND: a log record has this
                                             seq; DELETE; else an atom was
                                             given this version */
    ngx_token_str_t          channel;
} ngx_token_feed_t;

/*
 * The first change after a seq.
 *
 * Returns: NGX_TOKEN_OK        f is filled
 *          NGX_TOKEN_DONE      there is none
 *          NGX_TOKEN_DECLINED  changes right after seq have been trimmed
 */
ngx_token_rc_t ngx_token_read_feed(ngx_token_read_t *r, uint64_t after,
    ngx_token_feed_t *f);


typedef struct {
    ngx_token_str_t          name;
    uint64_t                 version;
    ngx_token_str_t          value;       /* JSON */
} ngx_token_atom_t;

/* Returns: NGX_TOKEN_OK, or NGX_TOKEN_DECLINED: never set, or deleted */
ngx_token_rc_t ngx_token_read_atom(ngx_token_read_t *r,
    const ngx_token_str_t *name, ngx_token_atom_t *a);

/*
 * The first atom, in byte order, whose name begins with prefix and is
 * greater than after (empty: from the first; it may be longer than a name).
 *
 * Returns: NGX_TOKEN_OK or NGX_TOKEN_DONE
 */
ngx_token_rc_t ngx_token_read_family(ngx_token_read_t *r,
    const ngx_token_str_t *prefix, const ngx_token_str_t *after,
    ngx_token_atom_t *a);


typedef struct {
    uint64_t                 first;       /* seq of the oldest record kept */
    uint64_t                 last;        /* seq of the newest; 0: none ever */
    uint64_t                 trimmed;     /* seq of the newest record dropped
                                             by retention; 0: none ever */
    uint64_t                 count;
} ngx_token_log_t;

/* A log that was never appended to is all zero. */
void ngx_token_read_log(ngx_token_read_t *r, const ngx_token_str_t *name,
    ngx_token_log_t *l);

/*
 * The first record of a log with a seq greater than after.
 *
 * Returns: NGX_TOKEN_OK or NGX_TOKEN_DONE
 */
ngx_token_rc_t ngx_token_read_record(ngx_token_read_t *r,
    const ngx_token_str_t *name, uint64_t after, ngx_token_record_t *rec);

/*
 * The seq after which exactly the n newest records of a log follow (all of
 * them, where there are fewer): a cursor for ngx_token_read_record().
 */
uint64_t ngx_token_read_tail(ngx_token_read_t *r, const ngx_token_str_t *name,
    uint64_t n);


typedef struct {
    ngx_token_outcome_e      outcome;
    ngx_token_err_e          error;
    uint64_t                 seq;
    uint64_t                 version;     /* ERR_VERSION: the present one,
                                             when it was written */
    uint64_t                 time;        /* ms, when it was written */
    unsigned char            hash[NGX_TOKEN_HASH_LEN];
    ngx_token_str_t          user;
    ngx_token_str_t          result;
} ngx_token_ledger_t;

/* Returns: NGX_TOKEN_OK, or NGX_TOKEN_DECLINED: not in the ledger */
ngx_token_rc_t ngx_token_read_ledger(ngx_token_read_t *r,
    const unsigned char id[NGX_TOKEN_ID_LEN], ngx_token_ledger_t *l);



typedef struct {
    uint64_t                 size;        /* bytes: at most */
    uint64_t                 used;        /* bytes of it that hold something */
    uint64_t                 file;        /* bytes of the file */
    uint64_t                 ledger;      /* outcomes that are remembered */
    uint64_t                 seq;
} ngx_token_store_stat_t;

/*
 * How full the store is.  The list of free pages is looked at up to a limit,
 * which it hardly reaches: what is beyond counts as used.
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_NOMEM, NGX_TOKEN_ERROR
 */
ngx_token_rc_t ngx_token_read_stat(ngx_token_read_t *r,
    ngx_token_store_stat_t *stat);

#endif /* _NGX_TOKEN_STORE_H_INCLUDED_ */
