
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_STORE_INT_H_INCLUDED_
#define _NGX_TOKEN_STORE_INT_H_INCLUDED_


#include <string.h>

#include "store/ngx_token_env.h"


/*
 * Private to store/: the databases of a store, and what one row of each looks
 * like.  Integers are big-endian, so that their byte order is their order.
 *
 *   (main)  "format"                   "ngx_token", version u32
 *           "epoch"                    32 hexadecimal characters
 *           "created"                  ms u64
 *           "inode"                    of data.mdb, u64
 *           "state"                    seq u64, floor u64, number of logs u32
 *           "redo"                     see ngx_token_redo.c; may be missing
 *           "atom:" name               version u64, value
 *           "log:" name                id u32, first, last, trimmed, count u64
 *   log     id u32, seq u64            time u64, token id 16, user length u8,
 *                                      user, value
 *   feed    seq u64                    effect u8, channel
 *   ledger  token id 16                outcome u8, error u8, user length u8,
 *                                      number u64, time u64, hash 16, user,
 *                                      result
 *
 * A commit writes every page on the way to what it changes, and for a flush it
 * counts how many places they are in (measured: 90 us for one page, 9 more for
 * each one elsewhere).  So what is small and changes is in LMDB's main
 * database, which every commit writes for the roots of the others, and only
 * what grows at its end has a database of its own, where pages fill up.
 *
 * Token ids begin with their time, so ledger rows lie in the order in which
 * they may go, and new ones come at the end.
 *
 * The decoders are pure functions of bytes: a row that is damaged is
 * INVALID, whatever it holds.
 */


#define NGX_TOKEN_STORE_FORMAT     2
#define NGX_TOKEN_STORE_MAX_DEPTH  128
#define NGX_TOKEN_STORE_MAX_LOGS   64     /* of one transaction, at a time */

/* rows dropped by one commit, over those that it wrote: bounded steps */
#define NGX_TOKEN_STORE_TRIM       64
#define NGX_TOKEN_STORE_TRIM_FULL  512
#define NGX_TOKEN_STORE_RESERVE    ((size_t) 4 << 20)   /* bytes */


#define NGX_TOKEN_STATE_LEN        20     /* bytes of a row */
#define NGX_TOKEN_LOGS_LEN         36
#define NGX_TOKEN_ATOM_HEAD        8      /* bytes before the value */
#define NGX_TOKEN_RECORD_HEAD      25
#define NGX_TOKEN_LEDGER_HEAD      35
#define NGX_TOKEN_RECORD_KEY       12
#define NGX_TOKEN_SEQ_LEN          8

/* before the names of rows in the main database */
#define NGX_TOKEN_ATOM_KIND        "atom:"
#define NGX_TOKEN_LOGS_KIND        "log:"
#define NGX_TOKEN_NAME_KEY         (5 + NGX_TOKEN_MAX_CHANNEL)   /* bytes */


enum {
    NGX_TOKEN_DB_MAIN = 0,
    NGX_TOKEN_DB_LOG,
    NGX_TOKEN_DB_FEED,
    NGX_TOKEN_DB_LEDGER,
    NGX_TOKEN_DB_LAST
};


typedef struct {
    uint64_t                 seq;         /* the last one given */
    uint64_t                 floor;       /* ms: ids older than this may have
                                             been dropped from the ledger */
    uint32_t                 nlogs;       /* and so the last log's id */
} ngx_token_state_t;


typedef struct {
    uint32_t                 id;
    ngx_token_log_t          log;
} ngx_token_logs_t;


/*
 * A log that the transaction has appended to; its row is written, and it is
 * trimmed, when the transaction is complete.
 */

typedef struct {
    size_t                   len;
    unsigned char            name[NGX_TOKEN_MAX_CHANNEL];
    ngx_token_logs_t         row;
    uint64_t                 keep;
    uint64_t                 since;
    size_t                   appended;
} ngx_token_append_t;


/*
 * What an effect will write, when all effects of its record can.
 */

typedef struct {
    const ngx_token_effect_t  *effect;
    uint64_t                 seq;
    ngx_token_str_t          value;       /* data is NULL: deleted */
    ngx_token_buf_t          buf;         /* of a value that was computed */
} ngx_token_stage_t;


/*
 * A write transaction.
 */

typedef struct {
    ngx_token_env_t         *env;
    MDB_txn                 *txn;
    MDB_cursor              *cursors[NGX_TOKEN_DB_LAST];
    ngx_token_state_t        state;
    uint64_t                 before;      /* seq when it began */

    uint64_t                 horizon;     /* the records' latest */
    size_t                   nentries;    /* written to the ledger */
    size_t                   nchanges;    /* written to the feed */

    unsigned                 known:1;     /* last_id is set */
    unsigned char            last_id[NGX_TOKEN_ID_LEN];   /* in the ledger */

    unsigned                 nstages;
    ngx_token_stage_t        stages[NGX_TOKEN_MAX_EFFECTS];

    unsigned                 nlogs;
    ngx_token_append_t       logs[NGX_TOKEN_STORE_MAX_LOGS];
} ngx_token_write_t;


struct ngx_token_store_s {
    ngx_token_env_t          env;
    uint64_t                 feed;        /* changes kept */
    char                     epoch[NGX_TOKEN_EPOCH_LEN + 1];
    int                      seen;        /* file; -1: none */

    pthread_mutex_t          mutex;       /* of write and redo */
    ngx_token_write_t        write;

    unsigned char           *redo;        /* what was written last; malloc()ed
                                             when it is needed */
    size_t                   redo_size;   /* bytes, of the room there */
};


static inline void
ngx_token_put_u32(unsigned char *p, uint32_t n)
{
    /* compilers make one store of this */

    p[0] = (unsigned char) (n >> 24);
    p[1] = (unsigned char) (n >> 16);
    p[2] = (unsigned char) (n >> 8);
    p[3] = (unsigned char) n;
}


static inline void
ngx_token_put_u64(unsigned char *p, uint64_t n)
{
    ngx_token_put_u32(p, (uint32_t) (n >> 32));
    ngx_token_put_u32(p + 4, (uint32_t) n);
}


static inline uint32_t
ngx_token_get_u32(const unsigned char *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
           | (uint32_t) p[2] << 8 | (uint32_t) p[3];
}


static inline uint64_t
ngx_token_get_u64(const unsigned char *p)
{
    return (uint64_t) ngx_token_get_u32(p) << 32 | ngx_token_get_u32(p + 4);
}


/*
 * The key of a row in the main database.
 *
 *     kind  NGX_TOKEN_ATOM_KIND or NGX_TOKEN_LOGS_KIND
 *     name  at most NGX_TOKEN_MAX_CHANNEL bytes
 *     buf   out: what key points to
 */

static inline void
ngx_token_name_key(const char *kind, const ngx_token_str_t *name,
    unsigned char buf[NGX_TOKEN_NAME_KEY], MDB_val *key)
{
    size_t  n;

    n = strlen(kind);

    memcpy(buf, kind, n);

    if (name->len) {
        memcpy(buf + n, name->data, name->len);
    }

    key->mv_size = n + name->len;
    key->mv_data = buf;
}


static inline unsigned
ngx_token_str_equal(const ngx_token_str_t *a, const ngx_token_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


/*
 * Rows: decoders.  Strings point into data.
 *
 * Returns: NGX_TOKEN_OK, or NGX_TOKEN_INVALID: damaged
 */

ngx_token_rc_t ngx_token_state_decode(const unsigned char *data, size_t len,
    ngx_token_state_t *s);
ngx_token_rc_t ngx_token_atom_decode(const unsigned char *data, size_t len,
    ngx_token_atom_t *a);
ngx_token_rc_t ngx_token_logs_decode(const unsigned char *data, size_t len,
    ngx_token_logs_t *l);
ngx_token_rc_t ngx_token_record_decode(const unsigned char *data, size_t len,
    ngx_token_record_t *r);
ngx_token_rc_t ngx_token_feed_decode(const unsigned char *data, size_t len,
    ngx_token_feed_t *f);
ngx_token_rc_t ngx_token_ledger_decode(const unsigned char *data, size_t len,
    ngx_token_ledger_t *l);


/*
 * Rows: reading and writing in a write transaction.
 *
 * Returns: NGX_TOKEN_OK
 *          NGX_TOKEN_DECLINED  _find(): not there
 *          NGX_TOKEN_INVALID   _find(), _log_load(): the row is damaged
 *          other codes         the transaction cannot go on
 */

ngx_token_rc_t ngx_token_state_read(MDB_txn *txn, MDB_dbi dbi,
    ngx_token_state_t *s);
ngx_token_rc_t ngx_token_state_write(MDB_txn *txn, MDB_dbi dbi,
    const ngx_token_state_t *s);

ngx_token_rc_t ngx_token_atom_find(ngx_token_write_t *w,
    const ngx_token_str_t *name, ngx_token_atom_t *a);
ngx_token_rc_t ngx_token_atom_write(ngx_token_write_t *w,
    const ngx_token_atom_t *a);
ngx_token_rc_t ngx_token_atom_delete(ngx_token_write_t *w,
    const ngx_token_str_t *name);

/*
 * The log's entry in the table of this transaction, which is flushed when it
 * is full.
 */
ngx_token_rc_t ngx_token_log_load(ngx_token_write_t *w,
    const ngx_token_str_t *name, ngx_token_append_t **entry);
/* r->seq is the record's place */
ngx_token_rc_t ngx_token_log_append(ngx_token_write_t *w,
    const ngx_token_effect_t *e, const ngx_token_record_t *r);
/* applies the retention of the logs appended to, and writes their rows */
ngx_token_rc_t ngx_token_log_flush(ngx_token_write_t *w);

/* the key of a record, and whether a key is of a record of that log */
void ngx_token_log_key(unsigned char key[NGX_TOKEN_RECORD_KEY], uint32_t id,
    uint64_t seq);
unsigned ngx_token_log_is(const MDB_val *key, uint32_t id);

ngx_token_rc_t ngx_token_feed_write(ngx_token_write_t *w,
    const ngx_token_feed_t *f);
/* whether there is more than the newest keep */
unsigned ngx_token_feed_is_long(ngx_token_write_t *w, uint64_t keep);
/* drops what is older than the newest keep, at most n */
ngx_token_rc_t ngx_token_feed_trim(ngx_token_write_t *w, uint64_t keep,
    size_t n);

ngx_token_rc_t ngx_token_ledger_find(ngx_token_write_t *w,
    const unsigned char id[NGX_TOKEN_ID_LEN], ngx_token_ledger_t *l);
ngx_token_rc_t ngx_token_ledger_write(ngx_token_write_t *w,
    const unsigned char id[NGX_TOKEN_ID_LEN], const ngx_token_ledger_t *l);
/* whether there is anything older than the horizon */
unsigned ngx_token_ledger_is_old(ngx_token_write_t *w);
/* drops what is older than the horizon, at most n, and raises the floor */
ngx_token_rc_t ngx_token_ledger_trim(ngx_token_write_t *w, size_t n);


/*
 * Applies one record in a write transaction.
 *
 *     v  in: zero; out: the verdict
 *
 * Returns: NGX_TOKEN_OK, or the transaction cannot go on
 */
ngx_token_rc_t ngx_token_verdict_give(ngx_token_write_t *w,
    const ngx_token_commit_t *c, ngx_token_verdict_t *v);

/* Says of n records that they are not written; rc: why */
void ngx_token_verdict_failed(ngx_token_verdict_t *verdicts, size_t n,
    ngx_token_rc_t rc);

/*
 * Computes what an effect writes, and gives it its seq.
 *
 * Returns: NGX_TOKEN_OK        staged, unless it changes nothing
 *          NGX_TOKEN_DECLINED  v says why it is not possible
 *          NGX_TOKEN_INVALID   a row that it needs is damaged
 *          other codes         the transaction cannot go on
 */
ngx_token_rc_t ngx_token_stage_effect(ngx_token_write_t *w,
    const ngx_token_effect_t *e, ngx_token_verdict_t *v);

/* Returns: NGX_TOKEN_DECLINED */
ngx_token_rc_t ngx_token_stage_reject(ngx_token_verdict_t *v,
    ngx_token_err_e error);

void ngx_token_stage_clear(ngx_token_write_t *w);


/*
 * Begins to apply records in a write transaction; w: out.
 *
 * Returns: NGX_TOKEN_OK, or the transaction cannot go on
 */
ngx_token_rc_t ngx_token_apply_load(ngx_token_write_t *w, ngx_token_env_t *env,
    MDB_txn *txn);

/*
 * Writes what is left when the records are applied, and trims: by a few rows
 * more than were written, as a backlog is worked off in bounded steps.
 *
 *     feed   changes to keep
 *     extra  rows to trim more than were written
 *
 * Returns: NGX_TOKEN_OK, or the transaction cannot go on
 */
ngx_token_rc_t ngx_token_apply_finish(ngx_token_write_t *w, uint64_t feed,
    size_t extra);


/*
 * Opens the databases, or makes them where LMDB's file is empty, in a write
 * transaction.
 *
 *     epoch  out: NGX_TOKEN_EPOCH_LEN characters and a null
 */
ngx_token_rc_t ngx_token_meta_open(ngx_token_env_t *env, MDB_txn *txn,
    char *epoch);

/* Gives the store another epoch; epoch: as above. */
ngx_token_rc_t ngx_token_meta_renew(ngx_token_env_t *env, MDB_txn *txn,
    char *epoch);

/*
 * The inode that data.mdb had when it was opened last.
 *
 *     inode  out; 0: not known
 */
void ngx_token_meta_inode(ngx_token_env_t *env, MDB_txn *txn,
    uint64_t *inode);
ngx_token_rc_t ngx_token_meta_set_inode(ngx_token_env_t *env, MDB_txn *txn,
    uint64_t inode);

/*
 * The place for records that are applied again after a power cut.
 *
 *     data  out: as LMDB has it, so its pages begin before it
 *
 * Returns: _redo(): whether there is one.  _make_redo(): NGX_TOKEN_OK, or the
 *          transaction cannot go on
 */
unsigned ngx_token_meta_redo(ngx_token_env_t *env, MDB_txn *txn,
    MDB_val *data);
ngx_token_rc_t ngx_token_meta_make_redo(ngx_token_env_t *env, MDB_txn *txn,
    size_t len);

/*
 * Writes the records of a group beside the pages of its transaction, just
 * before its commit.
 *
 *     w           all of the transaction is written
 *     commits, n  the group
 *
 * Returns: 1: whatever happens after LMDB's first flush, the records are
 *             applied when the store is opened
 *          0: not written; the commit needs both flushes
 */
unsigned ngx_token_redo_write(ngx_token_store_t *st, ngx_token_write_t *w,
    const ngx_token_commit_t *commits, size_t n);

/* The commit has failed: what was written last is not to be applied. */
void ngx_token_redo_drop(ngx_token_store_t *st);

/*
 * Applies what a power cut has taken back, in the write transaction in which
 * the store is opened, or makes the place for it.
 *
 *     epoch  the one in the store
 *
 * Returns: NGX_TOKEN_OK, or the store cannot be opened
 */
ngx_token_rc_t ngx_token_redo_setup(ngx_token_store_t *st, MDB_txn *txn,
    const char *epoch);

/*
 * Gives the store a new epoch where it is a copy, or an older state of what
 * was here: cursors of clients are ahead of it.  In a write transaction.
 *
 *     epoch  in: the one in the store; out: the one that it has now
 *
 * Returns: NGX_TOKEN_OK, or NGX_TOKEN_ERROR: it is one, and st has an epoch
 */
ngx_token_rc_t ngx_token_seen_check(ngx_token_store_t *st, MDB_txn *txn,
    char *epoch);

/* Remembers beside the store what it has committed; cheap, and never fails. */
void ngx_token_seen_update(ngx_token_store_t *st, uint64_t seq);

/* Whether _meta_open() would go well, in a read transaction. */
ngx_token_rc_t ngx_token_meta_probe(ngx_token_env_t *env, MDB_txn *txn);


#endif /* _NGX_TOKEN_STORE_INT_H_INCLUDED_ */
