
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_QUEUE_H_INCLUDED_
#define _NGX_TOKEN_QUEUE_H_INCLUDED_


#include "store/ngx_token_live.h"
#include "store/ngx_token_store.h"


/*
 * The commit queue: commit records on their way to the store, in memory that
 * all processes share (the file "queue" beside the store).  One process at a
 * time is the committer, and takes the records of all of them into one
 * transaction: LMDB has one writer, and two that take turns gain nothing.
 *
 *   a process       put() ... publish()                       take() ...
 *                        \                                   /
 *   its batches    [ being filled ] [ published ] [ has verdicts ]
 *                                        \           /
 *   the committer                         work(): commit
 *
 * The records of one process are committed in the order in which they were
 * put.  When the committer dies, the next one takes the same records up, and
 * the ledger keeps them single.  When their process dies, what it published
 * is committed all the same, and nobody is told.
 *
 * Free of nginx.  Opened once per process, after fork().  put(), publish(),
 * take() and the looks belong to one thread, the event loop, and never wait;
 * work() to another one.
 */

typedef struct ngx_token_queue_s  ngx_token_queue_t;


#define NGX_TOKEN_QUEUE_MAX_RECORD  ((size_t) 120 * 1024)   /* bytes */


/*
 * Opens the queue in the store's directory, and makes it when it is not there
 * or when no process that is alive has it open, or those that have are
 * committing to another store.
 *
 *     st  the store in that directory, which work() will be given
 *
 * Thread:  any; waits for other processes that open it.
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_FULL, NGX_TOKEN_NOMEM, NGX_TOKEN_ERROR
 *          (err is set, as by ngx_token_store_open())
 */
ngx_token_rc_t ngx_token_queue_open(const char *path, ngx_token_store_t *st,
    ngx_token_queue_t **q, char *err, size_t size);

/* No work() may be under way.  What is published stays so. */
void ngx_token_queue_close(ngx_token_queue_t *q);


typedef struct {
    const unsigned char     *id;
    const unsigned char     *record;      /* flat commit record; NULL: nothing
                                             is to be committed, only the
                                             claim given back */
    size_t                   len;
    ngx_token_outcome_e      outcome;     /* other than OK: instead of the
                                             record's, without its effects */
    ngx_token_err_e          error;
    unsigned                 claimed:1;   /* gives its claim back, unless the
                                             outcome is RUNNING */
} ngx_token_queue_item_t;

/*
 * Puts a copy of a record behind those of this process.
 *
 * Returns: NGX_TOKEN_OK
 *          NGX_TOKEN_BUSY     no room before some of them have been taken
 *          NGX_TOKEN_INVALID  longer than NGX_TOKEN_QUEUE_MAX_RECORD
 */
ngx_token_rc_t ngx_token_queue_put(ngx_token_queue_t *q,
    const ngx_token_queue_item_t *item);

/*
 * Shows a committer what has been put.
 *
 * Returns: 1: nobody commits, as far as can be seen: call work()
 */
unsigned ngx_token_queue_publish(ngx_token_queue_t *q);

/*
 * Whether somebody's records wait and nobody commits, as far as can be seen.
 * A committer that was killed is still seen.
 */
unsigned ngx_token_queue_waits(ngx_token_queue_t *q);


/*
 * Whether somebody commits, and published records, of whichever process, are on
 * their way to the store.  Then the bell will ring, unless he is killed.
 *
 *     took  out: ns that the last commit took
 */
unsigned ngx_token_queue_pending(ngx_token_queue_t *q, uint64_t *took);


/*
 * What the committers of all processes have done since the memory was made.
 */

typedef struct {
    uint64_t                 commits;     /* transactions */
    uint64_t                 records;     /* in them */
    uint64_t                 ns;          /* that they took */
    uint64_t                 waiting;     /* records that wait now, about */
} ngx_token_queue_stat_t;

void ngx_token_queue_stat(ngx_token_queue_t *q, ngx_token_queue_stat_t *stat);


typedef struct {
    ngx_token_verdict_t      verdict;     /* without a result */
    unsigned                 result:1;    /* the ledger has one */
} ngx_token_queue_answer_t;

/*
 * Takes the verdict of the first record, in the order in which they were put.
 *
 *     a  out; of an item without a record only that it is done
 *
 * Returns: NGX_TOKEN_OK, or NGX_TOKEN_DONE: there is none yet
 */
ngx_token_rc_t ngx_token_queue_take(ngx_token_queue_t *q,
    ngx_token_queue_answer_t *a);

/*
 * Why the last verdict that was taken is FAILED, where the store could not be
 * written: said once for all records of a transaction, else NULL.  Valid until
 * the next take().
 */
const char *ngx_token_queue_error(ngx_token_queue_t *q);


/*
 * Becomes the committer, unless some process is, and commits what all
 * processes have published until nothing waits, or until stop().
 *
 *     bell  called after each commit
 *
 * Thread:  pool; one at a time in a process.  Waits for locks and the disk.
 */
void ngx_token_queue_work(ngx_token_queue_t *q, ngx_token_store_t *st,
    ngx_token_live_t *live, void (*bell)(void));

/*
 * Makes the work() that is under way return after its present commit; the bell
 * is rung once more, for another process to go on.
 */
void ngx_token_queue_stop(ngx_token_queue_t *q);


#endif /* _NGX_TOKEN_QUEUE_H_INCLUDED_ */
