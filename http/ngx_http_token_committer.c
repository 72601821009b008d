
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_call.h"
#include "http/ngx_http_token_committer.h"
#include "http/ngx_http_token_doorbell.h"
#include "http/ngx_http_token_fanout.h"
#include "http/ngx_http_token_worker.h"


#define NGX_HTTP_TOKEN_BATCH         4096 /* runs in one transaction */
#define NGX_HTTP_TOKEN_COMMIT_AGAIN  20   /* ms, when no task can be posted */


/* what a commit task owns while it is in the pool */

typedef struct {
    ngx_http_token_task_t       task;
    ngx_token_store_t          *store;
    ngx_token_live_t           *live;
    ngx_uint_t                  n;
    ngx_uint_t                  napply;   /* the first of n; the rest is
                                             settled */
    ngx_http_token_run_t      **runs;
    ngx_token_commit_t         *commits;
    ngx_token_verdict_t        *verdicts;
    u_char                    (*claims)[NGX_TOKEN_ID_LEN];
    ngx_token_rc_t              rc;
    char                        error[256];
    void                       *memory;
} ngx_http_token_batch_t;


static void ngx_http_token_committer_start(ngx_event_t *ev);
static void ngx_http_token_committer_later(ngx_event_t *ev);
static ngx_int_t ngx_http_token_committer_batch(ngx_http_token_batch_t *b);
static void ngx_http_token_committer_take(ngx_http_token_batch_t *b);
static void ngx_http_token_committer_record(ngx_http_token_run_t *run,
    ngx_token_commit_t *commit, ngx_token_effect_t *effects);
static void ngx_http_token_committer_work(void *data);
static void ngx_http_token_committer_done(void *data);
static void ngx_http_token_committer_result(ngx_token_commit_t *commit,
    ngx_token_verdict_t *verdict);
#if (NGX_TOKEN_BREAK == 1)
static void ngx_http_token_committer_break(ngx_http_token_batch_t *b);
#endif
static void ngx_http_token_committer_unclaim(ngx_http_token_batch_t *b);
static void ngx_http_token_committer_end(ngx_http_token_batch_t *b);


static ngx_queue_t             ngx_http_token_committing;
static ngx_uint_t              ngx_http_token_ncommitting;
static ngx_event_t             ngx_http_token_committer;
static ngx_http_token_batch_t  ngx_http_token_batch;
static ngx_uint_t              ngx_http_token_batch_busy;


void
ngx_http_token_commit(ngx_http_token_run_t *run)
{
    if (ngx_http_token_committer.handler == NULL) {
        ngx_queue_init(&ngx_http_token_committing);
        ngx_http_token_committer.handler = ngx_http_token_committer_start;
        ngx_http_token_committer.log = ngx_cycle->log;
    }

    ngx_queue_insert_tail(&ngx_http_token_committing, &run->queue);
    ngx_http_token_ncommitting++;

    /* at the end of this turn: what came together is committed together */

    if (!ngx_http_token_batch_busy && !ngx_http_token_committer.posted) {
        ngx_post_event(&ngx_http_token_committer, &ngx_posted_events);
    }
}


static void
ngx_http_token_committer_start(ngx_event_t *ev)
{
    ngx_uint_t               i;
    ngx_http_token_batch_t  *b;

    b = &ngx_http_token_batch;

    ev->timedout = 0;

    if (ngx_http_token_batch_busy || ngx_http_token_ncommitting == 0) {
        return;
    }

    if (ngx_http_token_committer_batch(b) != NGX_OK) {
        ngx_http_token_committer_later(ev);
        return;
    }

    b->task.data = b;
    b->task.work = ngx_http_token_committer_work;
    b->task.done = ngx_http_token_committer_done;
    b->store = ngx_http_token_worker.store;
    b->live = ngx_http_token_worker.live;

    if (ngx_http_token_task_post(ngx_http_token_worker.mcf->commit_pool,
                                 &b->task)
        == NGX_OK)
    {
        ngx_http_token_batch_busy = 1;
        return;
    }

    /* the pool's queue is full: what was taken goes back, and waits */

    for (i = b->n; i; i--) {
        ngx_queue_insert_head(&ngx_http_token_committing,
                              &b->runs[i - 1]->queue);
        ngx_http_token_ncommitting++;
    }

    ngx_free(b->memory);
    ngx_http_token_committer_later(ev);
}


static void
ngx_http_token_committer_later(ngx_event_t *ev)
{
    if (!ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_TOKEN_COMMIT_AGAIN);
    }
}


/* one block of memory holds all that the batch needs */

static ngx_int_t
ngx_http_token_committer_batch(ngx_http_token_batch_t *b)
{
    size_t                 size;
    u_char                *p;
    ngx_uint_t             n, neffects;
    ngx_queue_t           *q;
    ngx_http_token_run_t  *run;

    n = 0;
    neffects = NGX_TOKEN_MAX_EFFECTS;

    for (q = ngx_queue_head(&ngx_http_token_committing);
         q != ngx_queue_sentinel(&ngx_http_token_committing)
         && n < NGX_HTTP_TOKEN_BATCH;
         q = ngx_queue_next(q))
    {
        run = ngx_queue_data(q, ngx_http_token_run_t, queue);
        neffects += run->neffects;
        n++;
    }

    size = n * (sizeof(ngx_http_token_run_t *) + sizeof(ngx_token_commit_t)
                + sizeof(ngx_token_verdict_t) + NGX_TOKEN_ID_LEN)
           + neffects * sizeof(ngx_token_effect_t);

    p = ngx_calloc(size, ngx_cycle->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    b->memory = p;
    b->n = n;

    b->commits = (ngx_token_commit_t *) p;
    p += n * sizeof(ngx_token_commit_t);

    b->verdicts = (ngx_token_verdict_t *) p;
    p += n * sizeof(ngx_token_verdict_t);

    b->commits[0].effects = (ngx_token_effect_t *) p;
    p += neffects * sizeof(ngx_token_effect_t);

    b->runs = (ngx_http_token_run_t **) p;
    p += n * sizeof(ngx_http_token_run_t *);

    b->claims = (u_char (*)[NGX_TOKEN_ID_LEN]) p;

    ngx_http_token_committer_take(b);

    return NGX_OK;
}


/* what is to be applied comes first, in the order in which it came */

static void
ngx_http_token_committer_take(ngx_http_token_batch_t *b)
{
    ngx_uint_t             i, last;
    ngx_queue_t           *q;
    ngx_token_effect_t    *effects;
    ngx_http_token_run_t  *run;

    effects = b->commits[0].effects;
    last = b->n;
    b->napply = 0;

    for (i = 0; i < b->n; i++) {
        q = ngx_queue_head(&ngx_http_token_committing);
        run = ngx_queue_data(q, ngx_http_token_run_t, queue);

        ngx_queue_remove(q);
        ngx_http_token_ncommitting--;

        if (run->settled) {
            last--;
            b->runs[last] = run;
            b->verdicts[last] = run->verdict;
            continue;
        }

        b->runs[b->napply] = run;
        ngx_http_token_committer_record(run, &b->commits[b->napply], effects);
        effects += b->commits[b->napply].neffects;
        b->napply++;
    }
}


static void
ngx_http_token_committer_record(ngx_http_token_run_t *run,
    ngx_token_commit_t *commit, ngx_token_effect_t *effects)
{
    if (ngx_token_commit_decode(run->record, run->len, commit, effects)
        != NGX_TOKEN_OK)
    {
        /* our own bytes: cannot happen */
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "token commit record is malformed");
        run->outcome = NGX_TOKEN_OUTCOME_SUPERSEDED;
    }

    if (run->cancelled && !run->taken) {
        run->outcome = NGX_TOKEN_OUTCOME_SUPERSEDED;
    }

    run->taken = 1;

    if (run->outcome != NGX_TOKEN_OUTCOME_OK) {
        commit->outcome = run->outcome;
        commit->error = run->error;
        commit->neffects = 0;
    }
}


/* pool */

static void
ngx_http_token_committer_work(void *data)
{
    ngx_http_token_batch_t *b = data;

#if (NGX_TOKEN_BREAK == 1)
    ngx_http_token_committer_break(b);
#else
    b->rc = ngx_token_store_apply(b->store, b->commits, b->napply,
                                  b->verdicts);
#endif

    if (b->rc != NGX_TOKEN_OK) {
        ngx_cpystrn((u_char *) b->error, (u_char *) ngx_token_store_error(),
                    sizeof(b->error));
    }

    ngx_http_token_committer_unclaim(b);

    ngx_http_token_doorbell_ring();
}


#if (NGX_TOKEN_BREAK == 1)

/*
 * Never built but to show that t/faults notices: what waits is answered now,
 * and committed with the next batch.
 */

static void
ngx_http_token_committer_break(ngx_http_token_batch_t *b)
{
    ngx_uint_t                     i;
    ngx_token_verdict_t           *verdicts;
    static ngx_http_token_batch_t  late;

    if (late.napply) {
        verdicts = ngx_calloc(late.napply * sizeof(ngx_token_verdict_t),
                              ngx_cycle->log);
        (void) ngx_token_store_apply(late.store, late.commits, late.napply,
                                     verdicts);
    }

    late = *b;
    b->rc = NGX_TOKEN_OK;

    for (i = 0; i < b->napply; i++) {
        b->verdicts[i].outcome = b->commits[i].outcome;
    }
}

#endif


/* pool: others may have the tokens whose handler has ended */

static void
ngx_http_token_committer_unclaim(ngx_http_token_batch_t *b)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < b->n; i++) {
        if (b->runs[i]->claimed
            && b->verdicts[i].outcome != NGX_TOKEN_OUTCOME_RUNNING)
        {
            ngx_memcpy(b->claims[n++], b->runs[i]->id, NGX_TOKEN_ID_LEN);
        }
    }

    if (n && ngx_token_live_unclaim(b->live, b->claims, n) != NGX_TOKEN_OK
        && b->rc == NGX_TOKEN_OK)
    {
        b->rc = NGX_TOKEN_ERROR;
        ngx_cpystrn((u_char *) b->error, (u_char *) ngx_token_store_error(),
                    sizeof(b->error));
    }
}


static void
ngx_http_token_committer_done(void *data)
{
    ngx_http_token_batch_t *b = data;

    ngx_http_token_batch_t  batch;

    /* the next commit goes on its way while this one is told of */

    batch = *b;
    ngx_http_token_batch_busy = 0;

    ngx_http_token_committer_start(&ngx_http_token_committer);

    if (batch.rc != NGX_TOKEN_OK) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "the token store cannot be written: %s", batch.error);
    }

    ngx_http_token_fanout_round();
    ngx_http_token_committer_end(&batch);
}


/* the store gives back a result only where the ledger had it */

static void
ngx_http_token_committer_result(ngx_token_commit_t *commit,
    ngx_token_verdict_t *verdict)
{
    u_char  *p;

    if (commit->result.len == 0 || verdict->outcome != commit->outcome) {
        return;
    }

    p = ngx_alloc(commit->result.len, ngx_cycle->log);

    if (p) {
        ngx_memcpy(p, commit->result.data, commit->result.len);
        verdict->result.data = p;
        verdict->result.len = commit->result.len;
    }
}


static void
ngx_http_token_committer_end(ngx_http_token_batch_t *b)
{
    ngx_uint_t             i;
    ngx_http_token_run_t  *run;

    for (i = 0; i < b->n; i++) {
        run = b->runs[i];

        /* marked as started: now the work outside the store may begin */

        if (run->call && b->verdicts[i].outcome == NGX_TOKEN_OUTCOME_RUNNING) {
            ngx_http_token_call_start(run);
            continue;
        }

        if (i < b->napply && !b->verdicts[i].repeated) {
            ngx_http_token_committer_result(&b->commits[i], &b->verdicts[i]);
        }

#if (NGX_TOKEN_BREAK == 1)
        run->record = NULL;
#endif

        ngx_http_token_run_done(run, &b->verdicts[i]);
    }

#if !(NGX_TOKEN_BREAK == 1)
    ngx_free(b->memory);
#endif
}
