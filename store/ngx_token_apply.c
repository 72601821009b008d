
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <stdlib.h>

#include "store/ngx_token_store_int.h"


/*
 * Groups of commit records, and the transactions that they become.
 */


static ngx_token_rc_t ngx_token_apply_split(ngx_token_store_t *st,
    const ngx_token_commit_t *commits, size_t n,
    ngx_token_verdict_t *verdicts);
static ngx_token_rc_t ngx_token_apply_group(ngx_token_store_t *st,
    const ngx_token_commit_t *commits, size_t n,
    ngx_token_verdict_t *verdicts);
static ngx_token_rc_t ngx_token_apply_begin(ngx_token_store_t *st);
static ngx_token_rc_t ngx_token_apply_end(ngx_token_store_t *st, size_t extra,
    const ngx_token_commit_t *commits, size_t n);
static void ngx_token_apply_make_room(ngx_token_store_t *st,
    uint64_t horizon);
static ngx_token_rc_t ngx_token_apply_trim(ngx_token_store_t *st,
    uint64_t horizon);


ngx_token_rc_t
ngx_token_store_apply(ngx_token_store_t *st, const ngx_token_commit_t *commits,
    size_t n, ngx_token_verdict_t *verdicts)
{
    ngx_token_rc_t  rc;

    if (n == 0) {
        return NGX_TOKEN_OK;
    }

    (void) pthread_mutex_lock(&st->mutex);

    rc = ngx_token_apply_group(st, commits, n, verdicts);

    if (rc == NGX_TOKEN_ERROR) {

        /*
         * A disk that is full writes a part first, which LMDB reports as an
         * I/O error, and then says what is the matter; and after a failed
         * write of its meta page LMDB wants to be opened anew.  To try again
         * is safe: the ledger knows what has been committed.
         */

        rc = ngx_token_apply_group(st, commits, n, verdicts);
    }

    if (rc == NGX_TOKEN_FULL) {
        ngx_token_apply_make_room(st, st->write.horizon);
        rc = ngx_token_apply_split(st, commits, n, verdicts);

    } else if (rc != NGX_TOKEN_OK) {
        ngx_token_verdict_failed(verdicts, n, rc);
    }

    (void) pthread_mutex_unlock(&st->mutex);

    return rc;
}


/*
 * Halves what does not fit until it does: in the end every record that has no
 * room was tried in a transaction of its own.
 */

static ngx_token_rc_t
ngx_token_apply_split(ngx_token_store_t *st, const ngx_token_commit_t *commits,
    size_t n, ngx_token_verdict_t *verdicts)
{
    size_t          half;
    ngx_token_rc_t  rc, rc2;

    rc = ngx_token_apply_group(st, commits, n, verdicts);

    if (rc == NGX_TOKEN_FULL && n > 1) {

        half = n / 2;

        rc = ngx_token_apply_split(st, commits, half, verdicts);
        rc2 = ngx_token_apply_split(st, commits + half, n - half,
                                    verdicts + half);

        /* where a part is committed, the verdicts tell */

        return (rc == NGX_TOKEN_OK) ? rc : rc2;
    }

    if (rc != NGX_TOKEN_OK) {
        ngx_token_verdict_failed(verdicts, n, rc);
    }

    return rc;
}


/* One transaction.  When it fails, the verdicts hold nothing. */

static ngx_token_rc_t
ngx_token_apply_group(ngx_token_store_t *st, const ngx_token_commit_t *commits,
    size_t n, ngx_token_verdict_t *verdicts)
{
    size_t              i;
    ngx_token_rc_t      rc;
    ngx_token_write_t  *w;

    w = &st->write;

    memset(verdicts, 0, n * sizeof(ngx_token_verdict_t));

    rc = ngx_token_apply_begin(st);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    for (i = 0; i < n && rc == NGX_TOKEN_OK; i++) {
        rc = ngx_token_verdict_give(w, &commits[i], &verdicts[i]);
        ngx_token_stage_clear(w);
    }

    if (rc != NGX_TOKEN_OK || w->nentries == 0) {
        /* only repeats: there is nothing to write, so nothing to sync */
        ngx_token_env_abort(&st->env, w->txn);

    } else {
        rc = ngx_token_apply_end(st, NGX_TOKEN_STORE_TRIM, commits, n);
    }

    for (i = 0; i < n && rc != NGX_TOKEN_OK; i++) {
        free((void *) verdicts[i].result.data);
        memset(&verdicts[i], 0, sizeof(ngx_token_verdict_t));
    }

    return rc;
}


static ngx_token_rc_t
ngx_token_apply_begin(ngx_token_store_t *st)
{
    MDB_txn         *txn;
    ngx_token_rc_t   rc;

    st->write.horizon = 0;

    rc = ngx_token_env_write(&st->env, &txn);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    rc = ngx_token_apply_load(&st->write, &st->env, txn);

    if (rc != NGX_TOKEN_OK) {
        ngx_token_env_abort(&st->env, txn);
    }

    return rc;
}


ngx_token_rc_t
ngx_token_apply_load(ngx_token_write_t *w, ngx_token_env_t *env, MDB_txn *txn)
{
    int             rc;
    unsigned        i;
    ngx_token_rc_t  result;

    w->env = env;
    w->txn = txn;
    w->horizon = 0;
    w->nentries = 0;
    w->nchanges = 0;
    w->known = 0;
    w->nlogs = 0;

    for (i = 0, rc = MDB_SUCCESS; i < NGX_TOKEN_DB_LAST; i++) {

        rc = mdb_cursor_open(txn, env->dbi[i], &w->cursors[i]);

        if (rc != MDB_SUCCESS) {
            break;
        }
    }

    result = ngx_token_env_rc(rc, "beginning a write");

    if (result == NGX_TOKEN_OK) {
        result = ngx_token_state_read(txn, env->dbi[NGX_TOKEN_DB_MAIN],
                                      &w->state);
    }

    if (result == NGX_TOKEN_INVALID) {
        result = ngx_token_env_error(NGX_TOKEN_ERROR, "\"%s\" is damaged: its "
                                     "state cannot be read", env->path);
    }

    w->before = w->state.seq;

    return result;
}


ngx_token_rc_t
ngx_token_apply_finish(ngx_token_write_t *w, uint64_t feed, size_t extra)
{
    ngx_token_rc_t  rc;

    rc = ngx_token_log_flush(w);

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_feed_trim(w, feed, 2 * w->nchanges + extra);
    }

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_ledger_trim(w, 2 * w->nentries + extra);
    }

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_state_write(w->txn, w->env->dbi[NGX_TOKEN_DB_MAIN],
                                   &w->state);
    }

    return rc;
}


/*
 * Commits.
 *
 *     commits, n  what was applied; 0: it is only trimmed
 */

static ngx_token_rc_t
ngx_token_apply_end(ngx_token_store_t *st, size_t extra,
    const ngx_token_commit_t *commits, size_t n)
{
    unsigned            redo;
    ngx_token_rc_t      rc;
    ngx_token_write_t  *w;

    w = &st->write;

    rc = ngx_token_apply_finish(w, st->feed, extra);

    if (rc != NGX_TOKEN_OK) {
        ngx_token_env_abort(&st->env, w->txn);
        return rc;
    }

    redo = ngx_token_redo_write(st, w, commits, n);

    rc = ngx_token_env_commit(&st->env, w->txn, redo);

    if (rc == NGX_TOKEN_OK) {
        ngx_token_seen_update(st, w->state.seq);

    } else if (redo) {
        ngx_token_redo_drop(st);
    }

    return rc;
}


/*
 * Makes room in a full store, where every transaction that would trim fails
 * by what else it writes.  LMDB needs pages to free pages, and cannot use
 * these before the transaction after the next: when there are none, the map is
 * larger for that long.  When all that fails, nothing is lost.
 */

static void
ngx_token_apply_make_room(ngx_token_store_t *st, uint64_t horizon)
{
    size_t  size;

    if (ngx_token_apply_trim(st, horizon) != NGX_TOKEN_FULL) {
        return;
    }

    size = st->env.size;

    if (ngx_token_env_resize(&st->env, size + NGX_TOKEN_STORE_RESERVE)
        != NGX_TOKEN_OK)
    {
        return;
    }

    (void) ngx_token_apply_trim(st, horizon);
    (void) ngx_token_apply_trim(st, horizon);
    (void) ngx_token_env_resize(&st->env, size);
}


/* Returns: NGX_TOKEN_DONE: there is nothing to trim; otherwise as _end() */

static ngx_token_rc_t
ngx_token_apply_trim(ngx_token_store_t *st, uint64_t horizon)
{
    ngx_token_rc_t      rc;
    ngx_token_write_t  *w;

    w = &st->write;

    rc = ngx_token_apply_begin(st);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    w->horizon = horizon;

    if (!ngx_token_ledger_is_old(w) && !ngx_token_feed_is_long(w, st->feed)) {
        ngx_token_env_abort(&st->env, w->txn);
        return NGX_TOKEN_DONE;
    }

    return ngx_token_apply_end(st, NGX_TOKEN_STORE_TRIM_FULL, NULL, 0);
}
