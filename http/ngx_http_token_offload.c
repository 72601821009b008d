
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_job.h"
#include "http/ngx_http_token_offload.h"
#include "http/ngx_http_token_result.h"
#include "http/ngx_http_token_stat.h"
#include "http/ngx_http_token_worker.h"

#include <linux/futex.h>
#include <sys/syscall.h>


#define NGX_HTTP_TOKEN_OFFLOAD_STEP  250  /* ms of sleep at a time */


static void ngx_http_token_offload_work(void *data);
static ngx_token_rc_t ngx_http_token_offload_claim(ngx_http_token_run_t *run);
static void ngx_http_token_offload_ledger(ngx_http_token_run_t *run);
static void ngx_http_token_offload_done(void *data);
static void ngx_http_token_offload_job_work(void *data);
static void ngx_http_token_offload_job_done(void *data);


/*
 * Runs of this worker in the pool.  The count is ours because nginx does not
 * tell it, logs an error for each refusal, and at exit loses what runs when
 * its queue is full.
 */

static ngx_int_t  ngx_http_token_offloaded;


ngx_int_t
ngx_http_token_offload(ngx_http_token_run_t *run)
{
    ngx_http_token_main_conf_t  *mcf;

    mcf = ngx_http_token_worker.mcf;

    if (!run->slot && ngx_http_token_offloaded >= mcf->offload_max) {
        return NGX_BUSY;
    }

    run->task.data = run;
    run->task.work = ngx_http_token_offload_work;
    run->task.done = ngx_http_token_offload_done;

    if (ngx_http_token_task_post(mcf->offload_pool, &run->task) != NGX_OK) {
        return NGX_BUSY;
    }

    if (!run->slot) {
        run->slot = 1;
        ngx_http_token_offloaded++;
        ngx_http_token_stat->offloaded++;
    }

    return NGX_OK;
}


void
ngx_http_token_offload_end(ngx_http_token_run_t *run)
{
    if (run->slot) {
        run->slot = 0;
        ngx_http_token_offloaded--;
        ngx_http_token_stat->offloaded--;
    }
}


/* pool */

static void
ngx_http_token_offload_work(void *data)
{
    ngx_http_token_run_t *run = data;

    if (ngx_http_token_job_asks(run->job)) {
        ngx_http_token_offload_sleep(run, run->delay);
        ngx_http_token_job_work(run->job);
        return;
    }

    if (ngx_http_token_offload_claim(run) != NGX_TOKEN_OK) {
        return;
    }

    /* its last run may have ended between the session's look and the claim */

    ngx_http_token_offload_ledger(run);

    if (run->known && run->verdict.outcome != NGX_TOKEN_OUTCOME_FAILED
        && !(run->verdict.outcome == NGX_TOKEN_OUTCOME_RUNNING
             && run->idempotent))
    {
        return;
    }

    ngx_http_token_offload_sleep(run, run->delay);

    if (run->job && !ngx_http_token_job_is_marked(run->job) && !run->fail) {
        ngx_http_token_job_work(run->job);
    }
}


static ngx_token_rc_t
ngx_http_token_offload_claim(ngx_http_token_run_t *run)
{
    ngx_token_rc_t  rc;

    rc = ngx_token_live_claim(ngx_http_token_worker.live, run->id);

    switch (rc) {

    case NGX_TOKEN_OK:
        run->claimed = 1;
        break;

    case NGX_TOKEN_DECLINED:
        run->foreign = 1;
        break;

    default:
        /* without a claim it must not run */
        run->known = 1;
        run->verdict.outcome = NGX_TOKEN_OUTCOME_BUSY;
        break;
    }

    return rc;
}


static void
ngx_http_token_offload_ledger(ngx_http_token_run_t *run)
{
    ngx_token_read_t    *r;
    ngx_token_ledger_t   l;

    if (ngx_token_read_begin(ngx_http_token_worker.store, &r)
        != NGX_TOKEN_OK)
    {
        run->known = 1;
        run->verdict.outcome = NGX_TOKEN_OUTCOME_BUSY;
        return;
    }

    if (ngx_token_read_ledger(r, run->id, &l) != NGX_TOKEN_OK) {
        ngx_token_read_end(r);
        return;
    }

    run->known = 1;

    if (ngx_memcmp(l.hash, run->hash, NGX_TOKEN_HASH_LEN) != 0
        || (l.user.len != 0
            && (l.user.len != run->user.len
                || ngx_memcmp(l.user.data, run->user.data, l.user.len)
                   != 0)))
    {
        run->verdict.outcome = NGX_TOKEN_OUTCOME_REJECTED;
        run->verdict.error = NGX_TOKEN_ERR_ID_REUSED;
        ngx_token_read_end(r);
        return;
    }

    run->verdict.outcome = l.outcome;
    run->verdict.error = l.error;
    run->verdict.seq = l.seq;
    run->verdict.version = l.version;

    /* what was said of a failure is not the answer: it runs again */

    if (l.outcome != NGX_TOKEN_OUTCOME_FAILED) {
        ngx_http_token_result_give(&run->verdict, &l.result);
    }

    ngx_token_read_end(r);
}


/*
 * A fast shutdown waits for the threads of the pool, and does not wake them.
 * The clock is one that nobody sets.
 */

void
ngx_http_token_offload_sleep(ngx_http_token_run_t *run, ngx_msec_t ms)
{
    ngx_msec_t       left, step;
    struct timespec  ts;

    for (left = ms; left && !ngx_terminate; left -= step) {

        step = ngx_min(left, NGX_HTTP_TOKEN_OFFLOAD_STEP);

        ts.tv_sec = (time_t) (step / 1000);
        ts.tv_nsec = (long) (step % 1000) * 1000000;

        while (syscall(SYS_futex, &run->wake, FUTEX_WAIT_PRIVATE, 0, &ts, NULL,
                       0)
               == -1
               && errno == EINTR)
        {
            /* void */
        }

        if (__atomic_load_n(&run->wake, __ATOMIC_ACQUIRE)) {
            return;
        }
    }
}


void
ngx_http_token_offload_wake(ngx_http_token_run_t *run)
{
    __atomic_store_n(&run->wake, 1, __ATOMIC_RELEASE);

    (void) syscall(SYS_futex, &run->wake, FUTEX_WAKE_PRIVATE, 1, NULL, NULL,
                   0);
}


static void
ngx_http_token_offload_done(void *data)
{
    ngx_http_token_run_t *run = data;

    /*
     * A handler whose mark is to be committed first will be back, and a call
     * has not begun: both are counted until their end.
     */

    if (run->foreign
        || (run->call == NULL && !ngx_http_token_job_is_marked(run->job)))
    {
        ngx_http_token_offload_end(run);
    }

    ngx_http_token_run_next(run);
}


void
ngx_http_token_offload_job(ngx_http_token_run_t *run)
{
    run->task.work = ngx_http_token_offload_job_work;
    run->task.done = ngx_http_token_offload_job_done;

    if (ngx_http_token_task_post(ngx_http_token_worker.mcf->offload_pool,
                                 &run->task)
        != NGX_OK)
    {
        /* the pool's queue is full: failed, before it has begun */
        ngx_http_token_job_end(run);
    }
}


/* pool */

static void
ngx_http_token_offload_job_work(void *data)
{
    ngx_http_token_run_t *run = data;

    ngx_http_token_job_work(run->job);
}


static void
ngx_http_token_offload_job_done(void *data)
{
    ngx_http_token_offload_end(data);
    ngx_http_token_job_end(data);
}
