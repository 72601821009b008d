
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_LIVE_INT_H_INCLUDED_
#define _NGX_TOKEN_LIVE_INT_H_INCLUDED_


#include "store/ngx_token_live.h"
#include "store/ngx_token_store_int.h"


/*
 * Private to store/: the databases of the ephemeral facts.
 *
 *   meta    "format"                   "ngx_token live", version u32
 *   proc    pid u64, start u64         1 byte: processes with rows
 *   claim   token id 16                pid u64, start u64
 *   cancel  token id 16                user: who asks the claim's owner
 *   row     channel length u8,         tabs u64, linger u8, user
 *           channel, pid u64,
 *           start u64, user*
 *
 *   user*   the name; of a long one the beginning and a hash, as LMDB's keys
 *           have at most 511 bytes
 *
 * start is the process's start time, in the kernel's ticks since boot: with
 * it a pid that is used again is another process.  Rows of pid 0 linger after
 * a process that has left: their start is the time until which, in ms since
 * the Unix epoch.
 */


#define NGX_TOKEN_LIVE_FORMAT    3
#define NGX_TOKEN_LIVE_ROW_HEAD  9
#define NGX_TOKEN_LIVE_USER      192      /* bytes of user* */
#define NGX_TOKEN_LIVE_KEY                                                   \
    (1 + NGX_TOKEN_MAX_CHANNEL + NGX_TOKEN_PROC_LEN + NGX_TOKEN_LIVE_USER)


enum {
    NGX_TOKEN_LIVE_DB_META = 0,
    NGX_TOKEN_LIVE_DB_PROC,
    NGX_TOKEN_LIVE_DB_ROW,
    NGX_TOKEN_LIVE_DB_CLAIM,
    NGX_TOKEN_LIVE_DB_CANCEL,
    NGX_TOKEN_LIVE_DB_LAST
};


struct ngx_token_live_s {
    ngx_token_env_t          env;
    unsigned char            proc[NGX_TOKEN_PROC_LEN];   /* this one */
};


/* Strings point into data.  Returns: NGX_TOKEN_OK or NGX_TOKEN_INVALID. */
ngx_token_rc_t ngx_token_live_decode(const unsigned char *data, size_t len,
    ngx_token_live_row_t *row);

/* The process in a row's key; NULL: the key is damaged. */
const unsigned char *ngx_token_live_key_proc(const unsigned char *key,
    size_t len);


/*
 * Drops processes with their rows, in one transaction.
 *
 *     dropped  out: rows
 */
ngx_token_rc_t ngx_token_live_drop(ngx_token_live_t *live,
    unsigned char (*procs)[NGX_TOKEN_PROC_LEN], size_t n,
    size_t *dropped);


/* Makes this process known, so that it is swept; LMDB's codes. */
int ngx_token_live_enrol(ngx_token_live_t *live, MDB_txn *txn);

/*
 * Writes a row under another process's name; LMDB's codes.
 *
 *     proc  pid and start
 */
int ngx_token_live_put(ngx_token_live_t *live, MDB_txn *txn,
    const unsigned char *proc, const ngx_token_live_row_t *row);

/* Copies this process's users to rows that linger. */
ngx_token_rc_t ngx_token_live_linger(ngx_token_live_t *live, uint64_t until);

/* Drops the claims of processes, and their cancels; LMDB's codes. */
int ngx_token_claim_drop(ngx_token_live_t *live, MDB_cursor *cursor,
    unsigned char (*procs)[NGX_TOKEN_PROC_LEN], size_t n);


#endif /* _NGX_TOKEN_LIVE_INT_H_INCLUDED_ */
