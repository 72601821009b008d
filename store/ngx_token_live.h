
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_LIVE_H_INCLUDED_
#define _NGX_TOKEN_LIVE_H_INCLUDED_


#include "store/ngx_token_proc.h"
#include "token/ngx_token_message.h"


/*
 * Ephemeral facts: who is present, through which process.  A second, unsynced
 * LMDB environment beside the store.  Every row names the process that wrote
 * it (pid and start time), and is swept when that process is gone, so a crash
 * leaves nothing behind.  The environment is emptied when its format differs:
 * it holds nothing that must outlive the processes.
 *
 * Free of nginx; opened after fork(); any thread may use it.
 */

typedef struct ngx_token_live_s  ngx_token_live_t;


/* As ngx_token_store_open(); path is the store's, the files are live.mdb. */
ngx_token_rc_t ngx_token_live_open(const char *path, size_t size,
    ngx_token_live_t **live, char *err, size_t errsize);

/*
 * Closes, and drops what this process has written, but for its users, who
 * linger until a time: so a user whose sessions move to another worker by a
 * reload does not leave for a moment.
 *
 *     until  ms since the Unix epoch; 0: nobody lingers
 */
void ngx_token_live_close(ngx_token_live_t *live, uint64_t until);

uint64_t ngx_token_live_txnid(ngx_token_live_t *live);


/*
 * One fact: how many sessions of a user are in a presence channel through
 * this process.
 */

typedef struct {
    ngx_token_str_t          channel;
    ngx_token_str_t          user;        /* empty: anonymous sessions */
    uint64_t                 tabs;        /* 0 and no linger: drop the row */
    unsigned                 linger:1;    /* tabs is 0, but the user counts
                                             as present: the grace */
} ngx_token_live_row_t;

/*
 * Writes rows of this process, in one transaction.
 *
 * Thread:  pool only; waits for the environment's writer lock.
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_FULL, NGX_TOKEN_ERROR
 */
ngx_token_rc_t ngx_token_live_write(ngx_token_live_t *live,
    const ngx_token_live_row_t *rows, size_t n);

/*
 * Claims a token: only one process at a time may run its handler.
 *
 * Thread:  pool only.
 *
 * Returns: NGX_TOKEN_OK        it is this process's
 *          NGX_TOKEN_DECLINED  a process that is alive has it
 *          NGX_TOKEN_FULL, NGX_TOKEN_ERROR
 */
ngx_token_rc_t ngx_token_live_claim(ngx_token_live_t *live,
    const unsigned char id[NGX_TOKEN_ID_LEN]);

typedef struct {
    unsigned char            id[NGX_TOKEN_ID_LEN];
    unsigned char            proc[NGX_TOKEN_PROC_LEN];  /* who has it */
} ngx_token_claim_t;

/* What names this process. */
const unsigned char *ngx_token_live_proc(const ngx_token_live_t *live);

/*
 * Gives claims back, in one transaction; those that another process has by now
 * stay.
 *
 * Thread:  pool only.
 */
ngx_token_rc_t ngx_token_live_unclaim(ngx_token_live_t *live,
    const ngx_token_claim_t *claims, size_t n);

/*
 * Whether a process that is alive has claimed a token.
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_DECLINED: nobody; or an error
 */
ngx_token_rc_t ngx_token_live_claimed(ngx_token_live_t *live,
    const unsigned char id[NGX_TOKEN_ID_LEN]);

/*
 * Asks the process that has a token's claim to cancel it; forgotten when the
 * claim is given back.
 *
 * Thread:  pool only.
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_DECLINED: nobody has a claim;
 *          NGX_TOKEN_FULL, NGX_TOKEN_ERROR
 */
ngx_token_rc_t ngx_token_live_cancel(ngx_token_live_t *live,
    const unsigned char id[NGX_TOKEN_ID_LEN], const ngx_token_str_t *user);

typedef void (*ngx_token_live_cancel_pt)(const unsigned char *id,
    const ngx_token_str_t *user);

/* Calls fn for each cancel that has been asked for.  Thread: any. */
ngx_token_rc_t ngx_token_live_cancels(ngx_token_live_t *live,
    ngx_token_live_cancel_pt fn);

/*
 * Whether there is something for ngx_token_live_sweep() to drop: a process with
 * rows has ended.
 *
 * Thread:  any; asks the kernel about each process with rows but this one, and
 *          does not wait
 */
unsigned ngx_token_live_is_stale(ngx_token_live_t *live);

/*
 * Drops the rows and claims of processes that are gone, and LMDB's stale reader
 * slots.
 *
 *     swept  out: how many rows were dropped
 *
 * Thread:  pool only.
 */
ngx_token_rc_t ngx_token_live_sweep(ngx_token_live_t *live, size_t *swept);

/*
 * How many sessions a user has in a channel through other processes.
 *
 * Thread:  any; does not wait.
 */
ngx_token_rc_t ngx_token_live_others(ngx_token_live_t *live,
    const ngx_token_str_t *channel, const ngx_token_str_t *user,
    uint64_t *tabs);

/*
 * Who is in a channel: users in byte order with the sum of their tabs over
 * all processes (a user who only lingers has 1).
 *
 *     b          scratch; reset first; the users' names lie in it
 *     users      out: malloc()ed, the caller releases it with free()
 *     nusers     out
 *     anonymous  out: sum of anonymous sessions
 *
 * Thread:  any; does not wait.
 */
ngx_token_rc_t ngx_token_live_read(ngx_token_live_t *live,
    const ngx_token_str_t *channel, ngx_token_buf_t *b,
    ngx_token_present_t **users, size_t *nusers, uint64_t *anonymous);


#endif /* _NGX_TOKEN_LIVE_H_INCLUDED_ */
