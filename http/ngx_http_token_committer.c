
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_committer.h"
#include "http/ngx_http_token_doorbell.h"
#include "http/ngx_http_token_fanout.h"
#include "http/ngx_http_token_result.h"
#include "http/ngx_http_token_worker.h"

#include "store/ngx_token_queue.h"


#define NGX_HTTP_TOKEN_COMMIT_HOLD   1000 /* ms */
#define NGX_HTTP_TOKEN_COMMIT_AGAIN  20   /* ms, when no task can be posted */


static void ngx_http_token_committer_init(void);
static void ngx_http_token_committer_start(ngx_event_t *ev);
static ngx_int_t ngx_http_token_committer_put(ngx_http_token_run_t *run);
static void ngx_http_token_committer_taken(ngx_http_token_run_t *run);
static void ngx_http_token_committer_post(void);
static void ngx_http_token_committer_work(void *data);
static void ngx_http_token_committer_bell(void);
static void ngx_http_token_committer_done(void *data);
static void ngx_http_token_committer_hold(ngx_event_t *ev);
static void ngx_http_token_committer_end(ngx_http_token_run_t *run,
    ngx_token_queue_answer_t *a);
static void ngx_http_token_committer_result(ngx_http_token_run_t *run,
    ngx_token_queue_answer_t *a, ngx_token_verdict_t *verdict);
static void ngx_http_token_committer_ledger(ngx_http_token_run_t *run,
    ngx_token_verdict_t *verdict);
static void ngx_http_token_committer_own(ngx_http_token_run_t *run,
    ngx_token_verdict_t *verdict);
static void ngx_http_token_committer_alone(ngx_http_token_run_t *run);
static void ngx_http_token_committer_alone_work(void *data);
static void ngx_http_token_committer_alone_done(void *data);


typedef struct {
    ngx_queue_t                 waiting;  /* runs, to be put */
    ngx_queue_t                 put;      /* runs, in the queue's order */
    ngx_event_t                 event;    /* posted to put them */
    ngx_event_t                 hold;     /* while some are in the queue */
    ngx_http_token_task_t       task;
    ngx_http_token_run_t       *alone;    /* too large for the queue */
    ngx_http_token_task_t       alone_task;
    ngx_token_verdict_t         verdict;  /* of the one that is alone */
    u_char                      error[256];
    unsigned                    ready:1;
    unsigned                    busy:1;   /* the task is posted */
} ngx_http_token_committer_t;


static ngx_http_token_committer_t  ngx_http_token_committer;


static void
ngx_http_token_committer_init(void)
{
    ngx_http_token_committer_t  *cm;

    cm = &ngx_http_token_committer;

    if (cm->ready) {
        return;
    }

    ngx_queue_init(&cm->waiting);
    ngx_queue_init(&cm->put);

    cm->event.handler = ngx_http_token_committer_start;
    cm->event.log = ngx_cycle->log;

    /* nginx's debug log reads a timer's data as a connection's */

    cm->hold.handler = ngx_http_token_committer_hold;
    cm->hold.data = cm;
    cm->hold.log = ngx_cycle->log;

    cm->task.work = ngx_http_token_committer_work;
    cm->task.done = ngx_http_token_committer_done;

    cm->alone_task.work = ngx_http_token_committer_alone_work;
    cm->alone_task.done = ngx_http_token_committer_alone_done;

    cm->ready = 1;
}


void
ngx_http_token_commit(ngx_http_token_run_t *run)
{
    ngx_http_token_committer_t  *cm;

    cm = &ngx_http_token_committer;

    ngx_http_token_committer_init();

    ngx_queue_insert_tail(&cm->waiting, &run->queue);

    /* at the end of this turn: what came together is put together */

    if (!cm->event.posted) {
        ngx_post_event(&cm->event, &ngx_posted_events);
    }
}


static void
ngx_http_token_committer_start(ngx_event_t *ev)
{
    ngx_int_t                    rc;
    ngx_queue_t                 *q;
    ngx_http_token_run_t        *run;
    ngx_http_token_committer_t  *cm;

    cm = &ngx_http_token_committer;

    while (!ngx_queue_empty(&cm->waiting) && cm->alone == NULL) {

        q = ngx_queue_head(&cm->waiting);
        run = ngx_queue_data(q, ngx_http_token_run_t, queue);

        if (run->settled && !run->claimed) {
            /* there is nothing to be written */
            ngx_queue_remove(q);
            ngx_http_token_committer_end(run, NULL);
            continue;
        }

        rc = ngx_http_token_committer_put(run);

        if (rc == NGX_OK) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(&cm->put, q);
            continue;
        }

        if (rc == NGX_DECLINED && ngx_queue_empty(&cm->put)) {
            /* the order is kept: nothing is before it, and nothing passes */
            ngx_queue_remove(q);
            ngx_http_token_committer_alone(run);
        }

        break;
    }

    if (ngx_queue_empty(&cm->put)) {
        return;
    }

    if (!cm->hold.timer_set) {
        ngx_add_timer(&cm->hold, NGX_HTTP_TOKEN_COMMIT_HOLD);
    }

    if (ngx_token_queue_publish(ngx_http_token_worker.commits)) {
        ngx_http_token_committer_post();
    }
}


/*
 * NGX_AGAIN: there is no room now; NGX_DECLINED: nor will there ever be
 */

static ngx_int_t
ngx_http_token_committer_put(ngx_http_token_run_t *run)
{
    ngx_token_queue_item_t  item;

    if (run->cancelled && !run->taken && !run->settled) {
        ngx_http_token_run_cancelled(run);
    }

    item.id = run->id;
    item.record = run->settled ? NULL : run->record;
    item.len = run->len;
    item.outcome = run->outcome;
    item.error = run->error;
    item.claimed = run->claimed;

    switch (ngx_token_queue_put(ngx_http_token_worker.commits, &item)) {

    case NGX_TOKEN_OK:
        ngx_http_token_committer_taken(run);
        return NGX_OK;

    case NGX_TOKEN_INVALID:
        return NGX_DECLINED;

    default:
        return NGX_AGAIN;
    }
}


/*
 * Too late for a cancel, unless it is the mark of a handler: that one is told,
 * also when it has begun.
 */

static void
ngx_http_token_committer_taken(ngx_http_token_run_t *run)
{
    run->taken = !run->settled
                 && !(run->job && run->outcome == NGX_TOKEN_OUTCOME_RUNNING);
}


/* a pool that takes no more is asked again by the hold's timer */

static void
ngx_http_token_committer_post(void)
{
    ngx_http_token_committer_t  *cm;

    cm = &ngx_http_token_committer;

    if (!cm->busy
        && ngx_http_token_task_post(ngx_http_token_worker.mcf->commit_pool,
                                    &cm->task)
           == NGX_OK)
    {
        cm->busy = 1;
    }
}


/* pool */

static void
ngx_http_token_committer_work(void *data)
{
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    ngx_token_queue_work(w->commits, w->store, w->live,
                         ngx_http_token_committer_bell);
}


/* pool; a fast shutdown waits for the threads, however much there is to do */

static void
ngx_http_token_committer_bell(void)
{
    if (ngx_terminate) {
        ngx_token_queue_stop(ngx_http_token_worker.commits);
    }

    ngx_http_token_doorbell_ring();
}


static void
ngx_http_token_committer_done(void *data)
{
    ngx_http_token_committer.busy = 0;

    ngx_http_token_committer_poll();
}


/*
 * While runs are under way an exiting worker waits for them; and a committer
 * that was killed, or a bell that was not heard, is found out.
 */

static void
ngx_http_token_committer_hold(ngx_event_t *ev)
{
    ngx_http_token_committer_t  *cm;

    cm = &ngx_http_token_committer;

    ngx_http_token_fanout_poll();
    ngx_http_token_committer_poll();

    if (!ngx_queue_empty(&cm->put)) {
        ngx_http_token_committer_post();
    }

    if (!ngx_queue_empty(&cm->put) || !ngx_queue_empty(&cm->waiting)) {

        if (!ev->timer_set) {
            ngx_add_timer(ev, NGX_HTTP_TOKEN_COMMIT_HOLD);
        }
    }
}


void
ngx_http_token_committer_wake(void)
{
    ngx_http_token_committer_init();
    ngx_http_token_committer_post();
}


void
ngx_http_token_committer_poll(void)
{
    u_char                      *error;
    ngx_queue_t                 *q;
    ngx_http_token_run_t        *run;
    ngx_http_token_worker_t     *w;
    ngx_token_queue_answer_t     a;
    ngx_http_token_committer_t  *cm;

    w = &ngx_http_token_worker;
    cm = &ngx_http_token_committer;

    ngx_http_token_committer_init();

    if (w->commits == NULL) {
        return;
    }

    while (!ngx_queue_empty(&cm->put)
           && ngx_token_queue_take(w->commits, &a) == NGX_TOKEN_OK)
    {
        q = ngx_queue_head(&cm->put);
        run = ngx_queue_data(q, ngx_http_token_run_t, queue);

        ngx_queue_remove(q);

#if (NGX_TOKEN_BREAK == 4)
        /* as if only the others had not heard the bell */
        ngx_http_token_fanout_round();
#endif

        error = (u_char *) ngx_token_queue_error(w->commits);

        if (error) {
            ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                          "the token store cannot be written: %s", error);
        }

        ngx_http_token_committer_end(run, &a);
    }

    if (ngx_queue_empty(&cm->put) && ngx_queue_empty(&cm->waiting)
        && cm->hold.timer_set)
    {
        ngx_del_timer(&cm->hold);
    }

    if (!ngx_queue_empty(&cm->waiting) && !cm->event.posted) {
        ngx_post_event(&cm->event, &ngx_posted_events);
    }

    if (ngx_exiting && ngx_http_token_run_idle()) {
        /* others commit what others ask for */
        ngx_token_queue_stop(w->commits);
        return;
    }

    if (ngx_token_queue_waits(w->commits)) {
        ngx_http_token_committer_post();
    }
}


/* a is not looked at where the run is settled */

static void
ngx_http_token_committer_end(ngx_http_token_run_t *run,
    ngx_token_queue_answer_t *a)
{
    ngx_token_verdict_t  verdict;

    if (run->settled) {
        verdict = run->verdict;
        ngx_memzero(&run->verdict, sizeof(ngx_token_verdict_t));
        ngx_http_token_run_done(run, &verdict);
        return;
    }

    /* it is NULL only where the run is settled */
    /* cppcheck-suppress nullPointer */
    verdict = a->verdict;

    if (verdict.outcome == NGX_TOKEN_OUTCOME_RUNNING) {
        ngx_http_token_run_begin(run);
        return;
    }

    ngx_http_token_committer_result(run, a, &verdict);
    ngx_http_token_run_done(run, &verdict);
}


static void
ngx_http_token_committer_result(ngx_http_token_run_t *run,
    ngx_token_queue_answer_t *a, ngx_token_verdict_t *verdict)
{
    if (a->result) {
        ngx_http_token_committer_ledger(run, verdict);

    } else if (!verdict->repeated) {
        ngx_http_token_committer_own(run, verdict);
    }
}


/* the token was there already, with its result */

static void
ngx_http_token_committer_ledger(ngx_http_token_run_t *run,
    ngx_token_verdict_t *verdict)
{
    ngx_token_read_t    *r;
    ngx_token_ledger_t   l;

    if (ngx_token_read_begin(ngx_http_token_worker.store, &r)
        != NGX_TOKEN_OK)
    {
        /* its answer is not complete without: it is to be asked for again */
        verdict->outcome = NGX_TOKEN_OUTCOME_BUSY;
        verdict->error = NGX_TOKEN_ERR_NONE;
        return;
    }

    if (ngx_token_read_ledger(r, run->id, &l) == NGX_TOKEN_OK) {
        ngx_http_token_result_give(verdict, &l.result);
    }

    ngx_token_read_end(r);
}


/* the result that the record itself has brought */

static void
ngx_http_token_committer_own(ngx_http_token_run_t *run,
    ngx_token_verdict_t *verdict)
{
    ngx_token_commit_t  c;

    static ngx_token_effect_t  effects[NGX_TOKEN_MAX_EFFECTS];

    if ((run->call == NULL && run->job == NULL)
        || verdict->outcome != run->outcome || verdict->error != run->error
        || ngx_token_commit_decode(run->record, run->len, &c, effects)
           != NGX_TOKEN_OK)
    {
        return;
    }

    ngx_http_token_result_give(verdict, &c.result);
}


/* A record that is larger than the queue's memory has its own transaction. */

static void
ngx_http_token_committer_alone(ngx_http_token_run_t *run)
{
    ngx_http_token_committer_t  *cm;

    cm = &ngx_http_token_committer;

    cm->alone = run;
    cm->alone_task.data = run;

    if (ngx_http_token_task_post(ngx_http_token_worker.mcf->commit_pool,
                                 &cm->alone_task)
        == NGX_OK)
    {
        ngx_http_token_committer_taken(run);
        return;
    }

    /* the pool's queue is full */

    cm->alone = NULL;
    ngx_queue_insert_head(&cm->waiting, &run->queue);

    if (!cm->hold.timer_set) {
        ngx_add_timer(&cm->hold, NGX_HTTP_TOKEN_COMMIT_AGAIN);
    }
}


/* pool */

static void
ngx_http_token_committer_alone_work(void *data)
{
    ngx_http_token_run_t *run = data;

    ngx_token_rc_t               rc;
    ngx_token_commit_t           c;
    ngx_http_token_worker_t     *w;
    ngx_http_token_committer_t  *cm;
    ngx_token_claim_t            claim;

    static ngx_token_effect_t    effects[NGX_TOKEN_MAX_EFFECTS];

    w = &ngx_http_token_worker;
    cm = &ngx_http_token_committer;

    ngx_memzero(&cm->verdict, sizeof(ngx_token_verdict_t));
    cm->verdict.outcome = NGX_TOKEN_OUTCOME_FAILED;
    cm->verdict.error = NGX_TOKEN_ERR_STORE_ERROR;

    rc = ngx_token_commit_decode(run->record, run->len, &c, effects);

    if (rc == NGX_TOKEN_OK) {

        if (run->outcome != NGX_TOKEN_OUTCOME_OK) {
            c.outcome = run->outcome;
            c.error = run->error;
            c.neffects = 0;
        }

        rc = ngx_token_store_apply(w->store, &c, 1, &cm->verdict);
    }

    cm->error[0] = '\0';

    if (rc != NGX_TOKEN_OK) {
        ngx_cpystrn(cm->error, (u_char *) ngx_token_store_error(),
                    sizeof(cm->error));
    }

    if (run->claimed && cm->verdict.outcome != NGX_TOKEN_OUTCOME_RUNNING) {
        ngx_memcpy(claim.id, run->id, NGX_TOKEN_ID_LEN);
        ngx_memcpy(claim.proc, ngx_token_live_proc(w->live),
                   NGX_TOKEN_PROC_LEN);
        (void) ngx_token_live_unclaim(w->live, &claim, 1);
    }

    ngx_http_token_doorbell_ring();
}


static void
ngx_http_token_committer_alone_done(void *data)
{
    ngx_http_token_run_t *run = data;

    ngx_token_queue_answer_t     a;
    ngx_http_token_committer_t  *cm;

    cm = &ngx_http_token_committer;

    if (cm->error[0] != '\0') {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "the token store cannot be written: %s", cm->error);
    }

    ngx_http_token_fanout_round();

    cm->alone = NULL;

    ngx_memzero(&a, sizeof(ngx_token_queue_answer_t));
    a.verdict = cm->verdict;
    a.result = (a.verdict.result.len != 0);

    ngx_free((u_char *) a.verdict.result.data);
    ngx_memzero(&a.verdict.result, sizeof(ngx_token_str_t));

    ngx_http_token_committer_end(run, &a);
    ngx_http_token_committer_poll();
}
