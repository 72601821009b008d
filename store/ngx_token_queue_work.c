
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* pthread_mutex_consistent() */
#endif

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "store/ngx_token_queue_int.h"


/*
 * The committer.
 */


#define NGX_TOKEN_QUEUE_GROUP  8192       /* records in a transaction */
#define NGX_TOKEN_QUEUE_FEW    16         /* records */


/* a way through the entries of a batch */

typedef struct {
    ngx_token_queue_batch_t  *batch;
    size_t                   pos;         /* of the next one */
    size_t                   n;           /* gone by */
    ngx_token_queue_entry_t  entry;       /* the last one */
} ngx_token_queue_walk_t;


static void ngx_token_queue_serve(ngx_token_queue_t *q,
    ngx_token_store_t *st, ngx_token_live_t *live, void (*bell)(void));
static unsigned ngx_token_queue_lock(ngx_token_queue_t *q);
static unsigned ngx_token_queue_is_stopped(ngx_token_queue_t *q);
static void ngx_token_queue_gather(ngx_token_queue_t *q);
static unsigned ngx_token_queue_linger(ngx_token_queue_t *q);
static uint32_t ngx_token_queue_published(ngx_token_queue_t *q);
static void ngx_token_queue_sleep(ngx_token_queue_t *q, uint32_t published,
    uint64_t ns);
static uint64_t ngx_token_queue_now(void);
static unsigned ngx_token_queue_collect(ngx_token_queue_t *q);
static void ngx_token_queue_collect_slot(ngx_token_queue_t *q,
    ngx_token_queue_slot_t *slot, unsigned left, size_t *n);
static ngx_token_rc_t ngx_token_queue_reserve(ngx_token_queue_t *q);
static void *ngx_token_queue_grow(void *p, size_t n, size_t size,
    ngx_token_rc_t *rc);
static void ngx_token_queue_commit(ngx_token_queue_t *q,
    ngx_token_store_t *st, ngx_token_live_t *live);
static size_t ngx_token_queue_read(ngx_token_queue_t *q,
    ngx_token_queue_batch_t *b, size_t n);
static unsigned ngx_token_queue_decode(ngx_token_queue_t *q,
    const ngx_token_queue_entry_t *e, const unsigned char *record, size_t n);
static void ngx_token_queue_answer(ngx_token_queue_verdict_t *to,
    ngx_token_verdict_t *from);
static void ngx_token_queue_count(uint64_t *count, uint64_t n);
static ngx_token_rc_t ngx_token_queue_unclaim(ngx_token_queue_t *q,
    ngx_token_live_t *live, ngx_token_claim_t *claims, size_t max);
static void ngx_token_queue_begin(ngx_token_queue_walk_t *w,
    ngx_token_queue_batch_t *b);
static unsigned char *ngx_token_queue_next(ngx_token_queue_walk_t *w);
static void ngx_token_queue_fail(ngx_token_queue_t *q, const char *text);
static void ngx_token_queue_tell(ngx_token_queue_t *q, const char *text);
#if (NGX_TOKEN_BREAK == 1)
static void ngx_token_queue_break(ngx_token_queue_t *q, void (*bell)(void));
#endif


void
ngx_token_queue_work(ngx_token_queue_t *q, ngx_token_store_t *st,
    ngx_token_live_t *live, void (*bell)(void))
{
    __atomic_store_n(&q->stopped, 0, __ATOMIC_SEQ_CST);

    do {
        if (!ngx_token_queue_lock(q)) {
            /* whoever has it looks again after he has given it back */
            return;
        }

        /* one that was killed in its sleep would be waked for ever */
        __atomic_store_n(&q->head->sleeping, 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(&q->head->active, 1, __ATOMIC_SEQ_CST);

        q->heir = 1;

        ngx_token_queue_serve(q, st, live, bell);

        /*
         * In this order: once it is given back, this is what the next one says
         * of himself; and killed between the two, this process is not taken
         * for the committer.  Who finds it locked meanwhile is seen below.
         */

        __atomic_store_n(&q->head->active, 0, __ATOMIC_SEQ_CST);

        (void) pthread_mutex_unlock(&q->head->mutex);

        if (ngx_token_queue_is_stopped(q)) {
            /* somebody else is to go on */
            bell();
            return;
        }

    } while (ngx_token_queue_waits(q));
}


/* Commits until nothing comes any more, or it is to stop */

static void
ngx_token_queue_serve(ngx_token_queue_t *q, ngx_token_store_t *st,
    ngx_token_live_t *live, void (*bell)(void))
{
    do {
        ngx_token_queue_gather(q);

        while (!ngx_token_queue_is_stopped(q) && ngx_token_queue_collect(q)) {
#if (NGX_TOKEN_BREAK == 1)
            ngx_token_queue_break(q, bell);
#endif
            ngx_token_queue_commit(q, st, live);
            bell();

            ngx_token_queue_gather(q);
        }

    } while (ngx_token_queue_linger(q));
}


static unsigned
ngx_token_queue_lock(ngx_token_queue_t *q)
{
    int  rc;

    rc = pthread_mutex_trylock(&q->head->mutex);

    if (rc == EOWNERDEAD) {
        /* what it had taken is taken up again; the ledger knows the rest */
        rc = pthread_mutex_consistent(&q->head->mutex);
    }

    return rc == 0;
}


static unsigned
ngx_token_queue_is_stopped(ngx_token_queue_t *q)
{
    return __atomic_load_n(&q->stopped, __ATOMIC_SEQ_CST) != 0;
}


/* Waits for more, where that is worth it */

static void
ngx_token_queue_gather(ngx_token_queue_t *q)
{
    uint32_t  n, published;
    uint64_t  ns;

    for ( ;; ) {
        published = ngx_token_queue_published(q);

        n = ngx_token_queue_waiting(q);

        if (n == 0) {
            return;
        }

        ns = ngx_token_pace_wait(&q->head->pace, ngx_token_queue_now(), n);

        if (ns == 0) {
            return;
        }

        ngx_token_queue_sleep(q, published, ns);
    }
}


/*
 * Waits for what comes next; returns whether anything may have come.  Who is
 * answered often asks again, and then no thread must be found.  Where they are
 * many that is nothing beside the commit, and the time that it takes fills the
 * next one.
 */

static unsigned
ngx_token_queue_linger(ngx_token_queue_t *q)
{
    uint32_t  published;

    published = ngx_token_queue_published(q);

    if (q->head->pace.expected <= NGX_TOKEN_QUEUE_FEW
        && ngx_token_queue_waiting(q) == 0 && !ngx_token_queue_is_stopped(q))
    {
        ngx_token_queue_sleep(q, published, q->linger);
    }

    return !ngx_token_queue_is_stopped(q)
           && (ngx_token_queue_published(q) != published
               || ngx_token_queue_waiting(q) != 0);
}


static uint32_t
ngx_token_queue_published(ngx_token_queue_t *q)
{
    return __atomic_load_n(&q->head->published, __ATOMIC_SEQ_CST);
}


/*
 * Sleeps until something is published.
 *
 *     published  as it was before the look at what there is
 *     ns         at most
 */

static void
ngx_token_queue_sleep(ngx_token_queue_t *q, uint32_t published, uint64_t ns)
{
    struct timespec  ts;

    ts.tv_sec = (time_t) (ns / 1000000000);
    ts.tv_nsec = (long) (ns % 1000000000);

    __atomic_store_n(&q->head->sleeping, 1, __ATOMIC_SEQ_CST);

    (void) syscall(SYS_futex, &q->head->published, FUTEX_WAIT, published, &ts,
                   NULL, 0);

    __atomic_store_n(&q->head->sleeping, 0, __ATOMIC_SEQ_CST);
}


unsigned
ngx_token_queue_wake(ngx_token_queue_t *q)
{
    (void) __atomic_add_fetch(&q->head->published, 1, __ATOMIC_SEQ_CST);

    if (!__atomic_load_n(&q->head->sleeping, __ATOMIC_SEQ_CST)) {
        return 0;
    }

    return syscall(SYS_futex, &q->head->published, FUTEX_WAKE, INT_MAX, NULL,
                   NULL, 0) == 0;
}


uint32_t
ngx_token_queue_waiting(ngx_token_queue_t *q)
{
    uint32_t                  i, j, n, nslots, state;
    ngx_token_queue_batch_t  *b;

    nslots = __atomic_load_n(&q->head->nslots, __ATOMIC_SEQ_CST);
    n = 0;

    for (i = 0; i < nslots && i < NGX_TOKEN_QUEUE_SLOTS; i++) {
        for (j = 0; j < NGX_TOKEN_QUEUE_BATCHES; j++) {
            b = &q->slots[i].batches[j];
            state = ngx_token_queue_state(b);

            if (state == NGX_TOKEN_QUEUE_READY
                || state == NGX_TOKEN_QUEUE_TAKEN)
            {
                n += __atomic_load_n(&b->n, __ATOMIC_RELAXED);
            }
        }
    }

    return n;
}


static uint64_t
ngx_token_queue_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


/*
 * Takes what is published, each process in its turn; returns whether any is.
 * What a committer that has died had taken comes first, and alone: it may be
 * committed already, and what was asked for since then is not to be followed by
 * what was before it.
 */

static unsigned
ngx_token_queue_collect(ngx_token_queue_t *q)
{
    size_t    i, n;
    uint32_t  nslots;

    q->nbatches = 0;
    n = 0;

    nslots = __atomic_load_n(&q->head->nslots, __ATOMIC_SEQ_CST);

    if (nslots > NGX_TOKEN_QUEUE_SLOTS) {
        nslots = NGX_TOKEN_QUEUE_SLOTS;
    }

    if (q->heir) {
        q->heir = 0;

        for (i = 0; i < nslots; i++) {
            ngx_token_queue_collect_slot(q, &q->slots[i], 1, &n);
        }

        if (q->nbatches != 0) {
            return 1;
        }
    }

    for (i = 0; i < nslots && n < NGX_TOKEN_QUEUE_GROUP; i++) {
        ngx_token_queue_collect_slot(q, &q->slots[(q->turn + i) % nslots], 0,
                                     &n);
    }

    q->turn += i;

    return q->nbatches != 0;
}


/*
 * In the order of their numbers, without a gap: a batch that its process has
 * taken back to fill it up holds back those behind it.
 *
 *     left  1: only those that a committer has taken that has died
 *     n     in, out: records
 */

static void
ngx_token_queue_collect_slot(ngx_token_queue_t *q,
    ngx_token_queue_slot_t *slot, unsigned left, size_t *n)
{
    uint32_t                  i;
    uint64_t                  number;
    ngx_token_queue_batch_t  *b;

    number = __atomic_load_n(&slot->first, __ATOMIC_SEQ_CST);

    for (i = 0; i < NGX_TOKEN_QUEUE_BATCHES; i++, number++) {

        b = ngx_token_queue_batch(slot, number);

        switch (ngx_token_queue_state(b)) {

        case NGX_TOKEN_QUEUE_DONE:
            continue;

        case NGX_TOKEN_QUEUE_READY:

            if (left || !ngx_token_queue_swap(b, NGX_TOKEN_QUEUE_READY,
                                              NGX_TOKEN_QUEUE_TAKEN))
            {
                return;
            }

            break;

        case NGX_TOKEN_QUEUE_TAKEN:
            break;

        default:
            return;
        }

        if (b->number != number) {
            /* the place has been used anew since the look at the first one */
            ngx_token_queue_set_state(b, NGX_TOKEN_QUEUE_READY);
            return;
        }

        q->owners[q->nbatches] = slot;
        q->batches[q->nbatches++] = b;
        *n += b->n;
    }
}


/* Room for all that has been taken */

static ngx_token_rc_t
ngx_token_queue_reserve(ngx_token_queue_t *q)
{
    size_t                   i, n, neffects;
    unsigned char           *p;
    ngx_token_rc_t           rc;
    ngx_token_queue_walk_t   w;

    n = 0;
    neffects = NGX_TOKEN_MAX_EFFECTS;     /* what decoding may write */

    for (i = 0; i < q->nbatches; i++) {
        ngx_token_queue_begin(&w, q->batches[i]);

        while ((p = ngx_token_queue_next(&w)) != NULL) {
            neffects += ngx_token_commit_neffects(p, w.entry.len);
            n++;
        }
    }

    rc = NGX_TOKEN_OK;

    if (n > q->nrecords) {
        q->nrecords = 0;
        n += n / 2;

        q->commits = ngx_token_queue_grow(q->commits, n,
                                          sizeof(ngx_token_commit_t), &rc);
        q->verdicts = ngx_token_queue_grow(q->verdicts, n,
                                           sizeof(ngx_token_verdict_t), &rc);
        q->answers = ngx_token_queue_grow(q->answers, n,
                                          sizeof(ngx_token_queue_verdict_t *),
                                          &rc);
        q->claims = ngx_token_queue_grow(q->claims, n,
                                         sizeof(ngx_token_claim_t), &rc);

        if (rc == NGX_TOKEN_OK) {
            q->nrecords = n;
        }
    }

    if (neffects > q->neffects) {
        q->neffects = 0;
        neffects += neffects / 2;

        q->effects = ngx_token_queue_grow(q->effects, neffects,
                                          sizeof(ngx_token_effect_t), &rc);
        if (rc == NGX_TOKEN_OK) {
            q->neffects = neffects;
        }
    }

    return rc;
}


/* Without its contents; frees p in any case */

static void *
ngx_token_queue_grow(void *p, size_t n, size_t size, ngx_token_rc_t *rc)
{
    free(p);

    p = malloc(n * size);

    if (p == NULL) {
        *rc = ngx_token_env_rc(ENOMEM, "committing");
    }

    return p;
}


static void
ngx_token_queue_commit(ngx_token_queue_t *q, ngx_token_store_t *st,
    ngx_token_live_t *live)
{
    size_t              i, n;
    uint64_t            began, now;
    const char         *text;
    ngx_token_rc_t      rc, rc2;
    ngx_token_claim_t   claim;

    began = ngx_token_queue_now();

    rc = ngx_token_queue_reserve(q);

    if (rc != NGX_TOKEN_OK) {
        ngx_token_queue_fail(q, ngx_token_store_error());
        (void) ngx_token_queue_unclaim(q, live, &claim, 1);
        ngx_token_queue_tell(q, NULL);
        return;
    }

    for (i = 0, n = 0; i < q->nbatches; i++) {
        n = ngx_token_queue_read(q, q->batches[i], n);
    }

    rc = ngx_token_store_apply(st, q->commits, n, q->verdicts);

    /* kept apart: the next call writes over the text */
    text = (rc == NGX_TOKEN_OK) ? "" : ngx_token_store_error();

    for (i = 0; i < n; i++) {
        ngx_token_queue_answer(q->answers[i], &q->verdicts[i]);
    }

    for (i = 0; i < q->nbatches; i++) {
        (void) snprintf(q->batches[i]->text, sizeof(q->batches[i]->text),
                        "%s", text);
    }

    /* others may have the tokens whose handlers have ended */

    rc2 = ngx_token_queue_unclaim(q, live, q->claims, q->nrecords);

    ngx_token_queue_tell(q, (rc2 == NGX_TOKEN_OK || rc != NGX_TOKEN_OK)
                            ? NULL : ngx_token_store_error());

    now = ngx_token_queue_now();

    __atomic_store_n(&q->head->took, now - began, __ATOMIC_RELAXED);
    ngx_token_queue_count(&q->head->commits, 1);
    ngx_token_queue_count(&q->head->records, n);
    ngx_token_queue_count(&q->head->busy, now - began);

    ngx_token_pace_end(&q->head->pace, began, now, (uint32_t) n,
                       ngx_token_queue_waiting(q));
}


/* for those who look on; there is one committer */

static void
ngx_token_queue_count(uint64_t *count, uint64_t n)
{
    __atomic_store_n(count, *count + n, __ATOMIC_RELAXED);
}


/*
 * Decodes a batch.  What cannot be decoded has its answer at once.
 *
 *     n  commits so far
 *
 * Returns: commits now
 */

static size_t
ngx_token_queue_read(ngx_token_queue_t *q, ngx_token_queue_batch_t *b,
    size_t n)
{
    unsigned char              *p;
    ngx_token_queue_walk_t      w;
    ngx_token_queue_verdict_t  *v;

    ngx_token_queue_begin(&w, b);

    while ((p = ngx_token_queue_next(&w)) != NULL) {

        v = &b->verdicts[w.n - 1];
        memset(v, 0, sizeof(ngx_token_queue_verdict_t));

        if (w.entry.flags & NGX_TOKEN_QUEUE_SETTLED) {
            continue;
        }

        if (!ngx_token_queue_decode(q, &w.entry, p, n)) {
            v->outcome = NGX_TOKEN_OUTCOME_FAILED;
            v->error = NGX_TOKEN_ERR_STORE_ERROR;
            continue;
        }

        q->answers[n++] = v;
    }

    return n;
}


static unsigned
ngx_token_queue_decode(ngx_token_queue_t *q, const ngx_token_queue_entry_t *e,
    const unsigned char *record, size_t n)
{
    ngx_token_commit_t  *c;
    ngx_token_effect_t  *effects;

    effects = (n == 0) ? q->effects
                       : q->commits[n - 1].effects
                         + q->commits[n - 1].neffects;
    c = &q->commits[n];

    if (ngx_token_commit_decode(record, e->len, c, effects) != NGX_TOKEN_OK) {
        return 0;
    }

    if (e->outcome != NGX_TOKEN_OUTCOME_OK) {
        c->outcome = (ngx_token_outcome_e) e->outcome;
        c->error = (ngx_token_err_e) e->error;
        c->neffects = 0;
    }

    return 1;
}


static void
ngx_token_queue_answer(ngx_token_queue_verdict_t *to,
    ngx_token_verdict_t *from)
{
    to->outcome = (unsigned char) from->outcome;
    to->error = (unsigned char) from->error;
    to->seq = from->seq;
    to->version = from->version;
    to->repeated = (unsigned char) from->repeated;
    to->result = (from->result.len != 0);

    /* its owner reads it from the ledger */
    free((void *) from->result.data);
}


/*
 * Gives back the claims of what was taken, so many at a time.
 *
 *     claims  room for max, which is not 0 where there is one
 */

static ngx_token_rc_t
ngx_token_queue_unclaim(ngx_token_queue_t *q, ngx_token_live_t *live,
    ngx_token_claim_t *claims, size_t max)
{
    size_t                   i, n;
    ngx_token_rc_t           rc, rc2;
    ngx_token_queue_walk_t   w;

    n = 0;
    rc = NGX_TOKEN_OK;

    for (i = 0; i < q->nbatches; i++) {

        ngx_token_queue_begin(&w, q->batches[i]);

        while (ngx_token_queue_next(&w) != NULL) {

            if ((w.entry.flags & NGX_TOKEN_QUEUE_CLAIMED)
                && w.batch->verdicts[w.n - 1].outcome
                   != NGX_TOKEN_OUTCOME_RUNNING)
            {
                memcpy(claims[n].id, w.entry.id, NGX_TOKEN_ID_LEN);
                memcpy(claims[n].proc, q->owners[i]->who,
                       NGX_TOKEN_PROC_LEN);
                n++;
            }

            if (n == max) {
                rc2 = ngx_token_live_unclaim(live, claims, n);
                rc = (rc == NGX_TOKEN_OK) ? rc2 : rc;
                n = 0;
            }
        }
    }

    rc2 = ngx_token_live_unclaim(live, claims, n);

    return (rc == NGX_TOKEN_OK) ? rc2 : rc;
}


static void
ngx_token_queue_begin(ngx_token_queue_walk_t *w, ngx_token_queue_batch_t *b)
{
    w->batch = b;
    w->pos = 0;
    w->n = 0;
}


/*
 * The next entry of a batch.  Nothing in it is trusted.
 *
 * Returns: its record, or NULL: there is none
 */

static unsigned char *
ngx_token_queue_next(ngx_token_queue_walk_t *w)
{
    size_t          left;
    unsigned char  *p;

    if (w->n == NGX_TOKEN_QUEUE_RECORDS || w->n >= w->batch->n
        || w->batch->len > NGX_TOKEN_QUEUE_BYTES || w->pos >= w->batch->len)
    {
        return NULL;
    }

    left = w->batch->len - w->pos;

    if (left < sizeof(ngx_token_queue_entry_t)) {
        return NULL;
    }

    p = w->batch->bytes + w->pos;
    memcpy(&w->entry, p, sizeof(ngx_token_queue_entry_t));

    if (w->entry.len > left - sizeof(ngx_token_queue_entry_t)) {
        return NULL;
    }

    w->pos += ngx_token_queue_space(w->entry.len);
    w->n++;

    return p + sizeof(ngx_token_queue_entry_t);
}


/* Nothing of what was taken is committed */

static void
ngx_token_queue_fail(ngx_token_queue_t *q, const char *text)
{
    size_t                     i;
    ngx_token_queue_walk_t     w;
    ngx_token_queue_verdict_t  *v;

    for (i = 0; i < q->nbatches; i++) {
        (void) snprintf(q->batches[i]->text, sizeof(q->batches[i]->text),
                        "%s", text);

        ngx_token_queue_begin(&w, q->batches[i]);

        while (ngx_token_queue_next(&w) != NULL) {
            v = &w.batch->verdicts[w.n - 1];

            memset(v, 0, sizeof(ngx_token_queue_verdict_t));
            v->outcome = NGX_TOKEN_OUTCOME_FAILED;
            v->error = NGX_TOKEN_ERR_STORE_ERROR;
        }
    }
}


/*
 * Gives the batches back to their processes.
 *
 *     text  what went wrong; NULL: they have a text already
 */

static void
ngx_token_queue_tell(ngx_token_queue_t *q, const char *text)
{
    size_t                    i;
    ngx_token_queue_batch_t  *b;

    for (i = 0; i < q->nbatches; i++) {
        b = q->batches[i];

        if (text != NULL) {
            (void) snprintf(b->text, sizeof(b->text), "%s", text);
        }

        ngx_token_queue_set_state(b, NGX_TOKEN_QUEUE_DONE);
    }

    q->nbatches = 0;
}


#if (NGX_TOKEN_BREAK == 1)

#include <unistd.h>

/*
 * Never built but to show that t/faults notices: what was taken is answered
 * now, and a copy of it committed a moment later.
 */

static void
ngx_token_queue_break(ngx_token_queue_t *q, void (*bell)(void))
{
    size_t                   i, n;
    ngx_token_queue_walk_t   w;
    ngx_token_queue_batch_t  *copy;

    n = q->nbatches;
    copy = malloc(n * sizeof(ngx_token_queue_batch_t));

    for (i = 0; copy && i < n; i++) {
        copy[i] = *q->batches[i];
        ngx_token_queue_begin(&w, q->batches[i]);

        while (ngx_token_queue_next(&w) != NULL) {
            memset(&w.batch->verdicts[w.n - 1], 0,
                   sizeof(ngx_token_queue_verdict_t));
            w.batch->verdicts[w.n - 1].outcome = w.entry.outcome;
        }
    }

    ngx_token_queue_tell(q, "");
    bell();

    (void) usleep(30000);

    for (i = 0; copy && i < n; i++) {
        q->batches[i] = &copy[i];
    }

    q->nbatches = copy ? n : 0;
}

#endif
