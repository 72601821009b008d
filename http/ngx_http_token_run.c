
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_call.h"
#include "http/ngx_http_token_cancel.h"
#include "http/ngx_http_token_committer.h"
#include "http/ngx_http_token_fanout.h"
#include "http/ngx_http_token_job.h"
#include "http/ngx_http_token_offload.h"
#include "http/ngx_http_token_run.h"
#include "http/ngx_http_token_service.h"
#include "http/ngx_http_token_spare.h"
#include "http/ngx_http_token_stat.h"
#include "http/ngx_http_token_wait.h"
#include "http/ngx_http_token_worker.h"


#define NGX_HTTP_TOKEN_FUTURE  300000     /* ms that a client's clock may be
                                             ahead */
#define NGX_HTTP_TOKEN_RUN_TAIL  384      /* bytes of user and record: of most
                                             tokens */


static ngx_int_t ngx_http_token_run_attach(ngx_http_token_session_t *s,
    const u_char *id, const u_char *hash);
static ngx_token_err_e ngx_http_token_run_time(ngx_http_token_session_t *s,
    const u_char *id);
static ngx_int_t ngx_http_token_run_ledger(ngx_http_token_session_t *s,
    const u_char *id, const u_char *hash);
static ngx_uint_t ngx_http_token_run_open(ngx_token_ledger_t *l,
    const u_char *hash);
static ngx_http_token_run_t *ngx_http_token_run_create(
    ngx_http_token_session_t *s, ngx_token_message_t *m,
    ngx_http_token_prepared_t *prepared);
static ngx_int_t ngx_http_token_run_work(ngx_http_token_session_t *s,
    ngx_http_token_run_t *run, ngx_http_token_prepared_t *prepared);
static void ngx_http_token_run_start(ngx_http_token_session_t *s,
    ngx_http_token_run_t *run);
static void ngx_http_token_run_offload(ngx_http_token_run_t *run);
static void ngx_http_token_run_end(ngx_http_token_run_t *run,
    ngx_token_outcome_e outcome, ngx_token_err_e error);
static ngx_queue_t *ngx_http_token_run_foreign(void);
static void ngx_http_token_run_asked(const unsigned char *id,
    const ngx_token_str_t *user);
static void ngx_http_token_run_stop(ngx_http_token_run_t *run,
    ngx_str_t *user);
static void ngx_http_token_run_wake(ngx_http_token_run_t *run,
    ngx_http_token_job_stop_e why);
static void ngx_http_token_run_count(ngx_http_token_run_t *run,
    ngx_token_verdict_t *verdict);
static void ngx_http_token_run_free(ngx_http_token_run_t *run);
static void ngx_http_token_run_discard(ngx_http_token_run_t *run);
static ngx_uint_t ngx_http_token_run_key(const u_char *id);
static ngx_http_token_run_t *ngx_http_token_run_find(const u_char *id);
static void ngx_http_token_run_refuse(ngx_http_token_session_t *s,
    const u_char *id, ngx_token_outcome_e outcome, ngx_token_err_e error,
    ngx_str_t *text);
static ngx_uint_t ngx_http_token_run_same_user(const ngx_str_t *owner,
    const ngx_str_t *user);


static ngx_rbtree_t       ngx_http_token_runs;
static ngx_rbtree_node_t  ngx_http_token_runs_sentinel;
static ngx_uint_t         ngx_http_token_runs_ready;

static ngx_http_token_spare_t  ngx_http_token_run_spare = {
    sizeof(ngx_http_token_run_t) + NGX_HTTP_TOKEN_RUN_TAIL, 0, NULL, NULL, 0
};


void
ngx_http_token_run(ngx_http_token_session_t *s, ngx_token_message_t *m)
{
    ngx_token_err_e             error;
    ngx_http_token_run_t       *run;
    ngx_http_token_prepared_t   prepared;

    if (s->nwaits >= s->lcf->max_inflight + NGX_TOKEN_MAX_RESUME) {
        /* nor may it wait for more answers that are known */
        ngx_http_token_run_refuse(s, m->id, NGX_TOKEN_OUTCOME_BUSY,
                                  NGX_TOKEN_ERR_NONE, NULL);
        return;
    }

    ngx_token_message_hash(m, m->hash);

    if (ngx_http_token_run_attach(s, m->id, m->hash) == NGX_OK) {
        return;
    }

    error = ngx_http_token_run_time(s, m->id);

    if (error || s->nwaits >= s->lcf->max_inflight || s->leaving) {

        if (ngx_http_token_run_ledger(s, m->id, m->hash) != NGX_OK) {
            ngx_http_token_run_refuse(s, m->id,
                                      error ? NGX_TOKEN_OUTCOME_REJECTED
                                            : NGX_TOKEN_OUTCOME_BUSY,
                                      error, NULL);
        }

        return;
    }

    if (ngx_http_token_service_prepare(s->mcf, s->lcf, m, &s->user,
                                       s->variables, &prepared)
        != NGX_OK)
    {
        ngx_http_token_run_refuse(s, m->id, NGX_TOKEN_OUTCOME_BUSY,
                                  NGX_TOKEN_ERR_NONE, NULL);
        return;
    }

    /*
     * What is in the ledger is the answer, whatever the service is now, and
     * is found before a handler runs again.  Without one the committer finds
     * it as soon.
     */

    if ((prepared.error || prepared.fail || prepared.delay || prepared.work)
        && ngx_http_token_run_ledger(s, m->id, m->hash) == NGX_OK)
    {
        return;
    }

    if (prepared.error) {
        ngx_http_token_run_refuse(s, m->id, NGX_TOKEN_OUTCOME_REJECTED,
                                  prepared.error, &prepared.text);
        return;
    }

    run = ngx_http_token_run_create(s, m, &prepared);

    if (run == NULL) {
        ngx_http_token_run_refuse(s, m->id, NGX_TOKEN_OUTCOME_BUSY,
                                  NGX_TOKEN_ERR_NONE, NULL);
        return;
    }

    ngx_http_token_run_start(s, run);
}


static ngx_token_err_e
ngx_http_token_run_time(ngx_http_token_session_t *s, const u_char *id)
{
    uint64_t  now, time;

    now = ngx_http_token_now();
    time = ngx_token_id_time(id);

    if (time + s->mcf->ledger < now) {
        return NGX_TOKEN_ERR_ID_EXPIRED;
    }

    if (time > now + NGX_HTTP_TOKEN_FUTURE) {
        return NGX_TOKEN_ERR_ID_FUTURE;
    }

    return NGX_TOKEN_ERR_NONE;
}


/* an id that is under way here is waited for; NGX_DECLINED: it is not */

static ngx_int_t
ngx_http_token_run_attach(ngx_http_token_session_t *s, const u_char *id,
    const u_char *hash)
{
    ngx_http_token_run_t  *run;

    run = ngx_http_token_run_find(id);

    if (run == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_memcmp(run->hash, hash, NGX_TOKEN_HASH_LEN) != 0
        || !ngx_http_token_run_same_user(&run->user, &s->user))
    {
        ngx_http_token_run_refuse(s, id, NGX_TOKEN_OUTCOME_REJECTED,
                                  NGX_TOKEN_ERR_ID_REUSED, NULL);
        return NGX_OK;
    }

    ngx_http_token_stat->repeated++;

    if (ngx_http_token_wait_find(s, id) == NULL) {
        (void) ngx_http_token_wait(s, run, id);
    }

    return NGX_OK;
}


/*
 * Answers from the ledger; hash is NULL where the request is not known (a
 * resume).  NGX_DECLINED: the ledger does not have the id.
 */

static ngx_int_t
ngx_http_token_run_ledger(ngx_http_token_session_t *s, const u_char *id,
    const u_char *hash)
{
    ngx_str_t                 owner;
    ngx_token_read_t         *r;
    ngx_token_ledger_t        l;
    ngx_http_token_wait_t    *wait;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    if (ngx_token_read_begin(w->store, &r) != NGX_TOKEN_OK) {
        /* the committer will look again, and is the only arbiter */
        return NGX_DECLINED;
    }

    if (ngx_token_read_ledger(r, id, &l) != NGX_TOKEN_OK
        || ngx_http_token_run_open(&l, hash))
    {
        ngx_token_read_end(r);
        return NGX_DECLINED;
    }

    owner.data = (u_char *) l.user.data;
    owner.len = l.user.len;

    if ((hash && ngx_memcmp(l.hash, hash, NGX_TOKEN_HASH_LEN) != 0)
        || !ngx_http_token_run_same_user(&owner, &s->user))
    {
        ngx_token_read_end(r);
        ngx_http_token_run_refuse(s, id, NGX_TOKEN_OUTCOME_REJECTED,
                                  NGX_TOKEN_ERR_ID_REUSED, NULL);
        return NGX_OK;
    }

    wait = ngx_http_token_wait(s, NULL, id);

    if (wait) {
        ngx_http_token_stat->repeated++;

        wait->verdict.outcome = l.outcome;
        wait->verdict.error = l.error;
        wait->verdict.seq = l.seq;
        wait->verdict.version = l.version;
        wait->stored = (l.result.len != 0);
    }

    ngx_token_read_end(r);

    /* the change before the outcome, also when another worker made both */
    if (wait && wait->verdict.seq > w->head) {
        ngx_http_token_fanout_round();
    }

    return NGX_OK;
}


/*
 * An entry that is not the last word.  A token that comes again goes its way,
 * where the claim and the handler's task find out; a resume is told what is
 * known: a run that nobody has the claim of any more was interrupted, and the
 * client sends it again to have that settled.
 */

static ngx_uint_t
ngx_http_token_run_open(ngx_token_ledger_t *l, const u_char *hash)
{
    return l->outcome == NGX_TOKEN_OUTCOME_RUNNING
           || (l->outcome == NGX_TOKEN_OUTCOME_FAILED && hash);
}


static ngx_http_token_run_t *
ngx_http_token_run_create(ngx_http_token_session_t *s,
    ngx_token_message_t *m, ngx_http_token_prepared_t *prepared)
{
    size_t                 size;
    ngx_http_token_run_t  *run;

    size = sizeof(ngx_http_token_run_t) + s->user.len + prepared->len;

    run = ngx_http_token_spare_take(&ngx_http_token_run_spare, size);
    if (run == NULL) {
        return NULL;
    }

    ngx_memzero(run, sizeof(ngx_http_token_run_t));
    run->size = size;

    ngx_memcpy(run->id, m->id, NGX_TOKEN_ID_LEN);
    ngx_memcpy(run->hash, m->hash, NGX_TOKEN_HASH_LEN);

    run->user.data = (u_char *) run + sizeof(ngx_http_token_run_t);
    run->user.len = s->user.len;
    ngx_memcpy(run->user.data, s->user.data, s->user.len);

    run->record = run->user.data + run->user.len;
    run->len = prepared->len;
    ngx_memcpy(run->record, prepared->record, prepared->len);

    run->neffects = prepared->neffects;
    run->service = prepared->service;
    run->delay = prepared->delay;
    run->fail = prepared->fail;
    run->slow = (run->delay != 0);

    if (prepared->late) {
        run->late = ngx_http_token_service_keep(s->mcf, s->lcf, m,
                                                s->variables);
    }

    if ((prepared->late && run->late == NULL)
        || (prepared->work
            && ngx_http_token_run_work(s, run, prepared) != NGX_OK))
    {
        ngx_http_token_run_discard(run);
        return NULL;
    }

    ngx_queue_init(&run->waits);

    run->node.str.data = run->id;
    run->node.str.len = NGX_TOKEN_ID_LEN;
    run->node.node.key = ngx_http_token_run_key(run->id);
    ngx_rbtree_insert(&ngx_http_token_runs, &run->node.node);
    ngx_http_token_stat->runs++;

    return run;
}


/* by a backend, or by a handler */

static ngx_int_t
ngx_http_token_run_work(ngx_http_token_session_t *s,
    ngx_http_token_run_t *run, ngx_http_token_prepared_t *prepared)
{
    run->slow = 1;
    run->idempotent = prepared->work->idempotent;

    if (prepared->work->handler) {
        run->job = ngx_http_token_job(run, prepared);
        return run->job ? NGX_OK : NGX_ERROR;
    }

    run->call = ngx_http_token_call(s, run, prepared);

    return run->call ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_token_run_start(ngx_http_token_session_t *s,
    ngx_http_token_run_t *run)
{
    if (ngx_http_token_wait(s, run, run->id) == NULL) {
        ngx_http_token_run_free(run);
        return;
    }

    if (run->slow) {
        ngx_http_token_run_offload(run);

    } else {
        ngx_http_token_run_next(run);
    }
}


static void
ngx_http_token_run_offload(ngx_http_token_run_t *run)
{
    if (ngx_http_token_offload(run) != NGX_OK) {
        ngx_http_token_run_end(run, NGX_TOKEN_OUTCOME_BUSY,
                               NGX_TOKEN_ERR_NONE);
    }
}


/* ends a run that has nothing to commit, but perhaps a claim to give back */

static void
ngx_http_token_run_end(ngx_http_token_run_t *run, ngx_token_outcome_e outcome,
    ngx_token_err_e error)
{
    run->settled = 1;
    run->verdict.outcome = outcome;
    run->verdict.error = error;

    ngx_http_token_commit(run);
}


void
ngx_http_token_run_next(ngx_http_token_run_t *run)
{
    if (run->foreign) {
        ngx_queue_insert_tail(ngx_http_token_run_foreign(), &run->queue);
        return;
    }

    if (run->known) {

        /* work outside the store had begun when its process died (G11) */

        if (run->verdict.outcome == NGX_TOKEN_OUTCOME_RUNNING) {

            if (!run->idempotent) {
                run->outcome = NGX_TOKEN_OUTCOME_INTERRUPTED;
                ngx_http_token_commit(run);
                return;
            }

        } else if (run->verdict.outcome != NGX_TOKEN_OUTCOME_FAILED) {
            run->settled = 1;
            run->verdict.repeated =
                         (run->verdict.outcome != NGX_TOKEN_OUTCOME_BUSY);
            ngx_http_token_commit(run);
            return;
        }
    }

    if (run->cancelled) {

        if (ngx_http_token_job_asks(run->job)) {
            ngx_http_token_run_end(run, NGX_TOKEN_OUTCOME_SUPERSEDED,
                                   NGX_TOKEN_ERR_NONE);
            return;
        }

        ngx_http_token_run_cancelled(run);
        ngx_http_token_commit(run);
        return;
    }

    if (run->fail) {
        ngx_http_token_run_end(run, NGX_TOKEN_OUTCOME_FAILED,
                               NGX_TOKEN_ERR_SERVICE_FAILED);
        return;
    }

    if (run->job && !ngx_http_token_job_is_marked(run->job)) {
        /* its handler has run with the delay, in one task */
        ngx_http_token_job_end(run);
        return;
    }

    if (run->abandoned) {
        ngx_http_token_run_end(run, NGX_TOKEN_OUTCOME_BUSY,
                               NGX_TOKEN_ERR_NONE);
        return;
    }

    run->outcome = (run->call || run->job) ? NGX_TOKEN_OUTCOME_RUNNING
                                           : NGX_TOKEN_OUTCOME_OK;
    ngx_http_token_commit(run);
}


void
ngx_http_token_run_cancelled(ngx_http_token_run_t *run)
{
    run->outcome = run->known
                   && run->verdict.outcome == NGX_TOKEN_OUTCOME_RUNNING
                   ? NGX_TOKEN_OUTCOME_INTERRUPTED
                   : NGX_TOKEN_OUTCOME_SUPERSEDED;
    run->error = NGX_TOKEN_ERR_NONE;
}


void
ngx_http_token_run_begin(ngx_http_token_run_t *run)
{
    if (run->call) {
        ngx_http_token_call_start(run);

    } else {
        ngx_http_token_offload_job(run);
    }
}


static ngx_queue_t *
ngx_http_token_run_foreign(void)
{
    static ngx_queue_t  queue;

    if (queue.next == NULL) {
        ngx_queue_init(&queue);
    }

    return &queue;
}


/*
 * The same id runs in another worker.  When that has ended, by an outcome or
 * by the process's death, its claim is gone: then the handler's task looks at
 * the ledger, and runs the token where it may.
 */

void
ngx_http_token_run_poll(void)
{
    ngx_queue_t              *q, *next, *foreign;
    ngx_http_token_run_t     *run;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;
    foreign = ngx_http_token_run_foreign();

    (void) ngx_token_live_cancels(w->live, ngx_http_token_run_asked);

    for (q = ngx_queue_head(foreign);
         q != ngx_queue_sentinel(foreign);
         q = next)
    {
        next = ngx_queue_next(q);
        run = ngx_queue_data(q, ngx_http_token_run_t, queue);

        if (ngx_token_live_claimed(w->live, run->id) != NGX_TOKEN_DECLINED) {
            continue;
        }

        ngx_queue_remove(q);
        run->foreign = 0;
        run->known = 0;

        ngx_http_token_run_offload(run);
    }
}


void
ngx_http_token_run_abandon(void)
{
    ngx_rbtree_node_t     *node;
    ngx_http_token_run_t  *run;

    if (!ngx_http_token_runs_ready
        || ngx_http_token_runs.root == &ngx_http_token_runs_sentinel)
    {
        return;
    }

    for (node = ngx_rbtree_min(ngx_http_token_runs.root,
                               &ngx_http_token_runs_sentinel);
         node;
         node = ngx_rbtree_next(&ngx_http_token_runs, node))
    {
        run = (ngx_http_token_run_t *) node;

        if (run->abandoned) {
            continue;
        }

        run->abandoned = 1;
        ngx_http_token_run_wake(run, NGX_HTTP_TOKEN_JOB_LEAVING);

        if (run->call) {
            ngx_http_token_call_abort(run->call);
        }
    }
}


void
ngx_http_token_run_done(ngx_http_token_run_t *run,
    ngx_token_verdict_t *verdict)
{
    ngx_queue_t            *q;
    ngx_http_token_wait_t  *wait;

    ngx_http_token_run_count(run, verdict);

    while (!ngx_queue_empty(&run->waits)) {
        q = ngx_queue_head(&run->waits);
        wait = ngx_queue_data(q, ngx_http_token_wait_t, run_queue);

        /* the analyzer does not follow queues
           NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        ngx_queue_remove(q);
        ngx_http_token_wait_done(wait, verdict,
                                 !ngx_http_token_job_asks(run->job));
    }

    if (verdict->result.data) {
        ngx_free((u_char *) verdict->result.data);
        ngx_memzero(&verdict->result, sizeof(ngx_token_str_t));
    }

    ngx_http_token_run_free(run);
}


static void
ngx_http_token_run_count(ngx_http_token_run_t *run,
    ngx_token_verdict_t *verdict)
{
    if (verdict->repeated) {
        ngx_http_token_stat->repeated++;

    } else if (verdict->outcome < NGX_HTTP_TOKEN_STAT_OUTCOMES) {
        ngx_http_token_stat->outcomes[run->service][verdict->outcome]++;
    }
}


static void
ngx_http_token_run_free(ngx_http_token_run_t *run)
{
    ngx_rbtree_delete(&ngx_http_token_runs, &run->node.node);
    ngx_http_token_stat->runs--;

    ngx_http_token_offload_end(run);
    ngx_http_token_call_free(run->call);
    ngx_http_token_job_free(run->job);

    if (run->own) {
        ngx_free(run->record);
    }

    ngx_http_token_run_discard(run);
}


static void
ngx_http_token_run_discard(ngx_http_token_run_t *run)
{
    if (run->late) {
        ngx_free(run->late);
    }

    ngx_http_token_spare_give(&ngx_http_token_run_spare, run, run->size);
}


ngx_uint_t
ngx_http_token_run_idle(void)
{
    (void) ngx_http_token_run_find((u_char *) "no token has it");

    return ngx_http_token_runs.root == ngx_http_token_runs.sentinel;
}


void
ngx_http_token_run_cancel(ngx_http_token_session_t *s, const u_char *id)
{
    ngx_http_token_run_t  *run;

    run = ngx_http_token_run_find(id);

    if (run == NULL || run->foreign) {
        ngx_http_token_cancel_elsewhere(id, &s->user);
    }

    if (run) {
        ngx_http_token_run_stop(run, &s->user);
    }
}


/* another worker asks: its look at who has the claim was a moment ago */

static void
ngx_http_token_run_asked(const unsigned char *id, const ngx_token_str_t *user)
{
    ngx_str_t              s;
    ngx_http_token_run_t  *run;

    run = ngx_http_token_run_find(id);

    if (run && run->claimed && !run->cancelled) {
        s.data = (u_char *) user->data;
        s.len = user->len;
        ngx_http_token_run_stop(run, &s);
    }
}


static void
ngx_http_token_run_stop(ngx_http_token_run_t *run, ngx_str_t *user)
{
    if (run->taken || !ngx_http_token_run_same_user(&run->user, user)) {
        return;
    }

    run->cancelled = 1;
    ngx_http_token_run_wake(run, NGX_HTTP_TOKEN_JOB_CANCELLED);
}


/* ends a delay, and tells a handler to stop */

static void
ngx_http_token_run_wake(ngx_http_token_run_t *run,
    ngx_http_token_job_stop_e why)
{
    if (run->job) {
        run->job->stop = why;
    }

    ngx_http_token_offload_wake(run);
}


void
ngx_http_token_run_resume(ngx_http_token_session_t *s, ngx_token_message_t *m)
{
    u_char                *id;
    ngx_uint_t             i;
    ngx_token_verdict_t    verdict;
    ngx_http_token_run_t  *run;

    for (i = 0; i < m->nids && !s->ended; i++) {
        id = m->ids[i];

        ngx_memzero(&verdict, sizeof(ngx_token_verdict_t));

        run = ngx_http_token_run_find(id);

        if (ngx_http_token_wait_find(s, id)) {
            verdict.outcome = NGX_TOKEN_OUTCOME_RUNNING;

        } else if (s->nwaits >= s->lcf->max_inflight + NGX_TOKEN_MAX_RESUME) {
            /* then it is sent again, and answered */
            verdict.outcome = NGX_TOKEN_OUTCOME_UNKNOWN;

        } else if (run == NULL) {
            if (ngx_http_token_run_ledger(s, id, NULL) == NGX_OK) {
                continue;
            }

            verdict.outcome = NGX_TOKEN_OUTCOME_UNKNOWN;

        } else if (ngx_http_token_run_same_user(&run->user, &s->user)) {
            (void) ngx_http_token_wait(s, run, id);
            verdict.outcome = NGX_TOKEN_OUTCOME_RUNNING;

        } else {
            verdict.outcome = NGX_TOKEN_OUTCOME_REJECTED;
            verdict.error = NGX_TOKEN_ERR_ID_REUSED;
        }

        ngx_token_encode_outcome(&ngx_http_token_worker.text, id, &verdict,
                                 NULL, NULL, 0);
        ngx_http_token_out_text(s, &ngx_http_token_worker.text);
    }
}


/*
 * The end of an id is random where its client is honest; where all are the
 * same, the tree compares the ids.
 */

static ngx_uint_t
ngx_http_token_run_key(const u_char *id)
{
    uint32_t  key;

    ngx_memcpy(&key, id + NGX_TOKEN_ID_LEN - sizeof(key), sizeof(key));

    return key;
}


static ngx_http_token_run_t *
ngx_http_token_run_find(const u_char *id)
{
    ngx_str_t        s;
    ngx_str_node_t  *node;

    if (!ngx_http_token_runs_ready) {
        ngx_rbtree_init(&ngx_http_token_runs, &ngx_http_token_runs_sentinel,
                        ngx_str_rbtree_insert_value);
        ngx_http_token_runs_ready = 1;
    }

    s.data = (u_char *) id;
    s.len = NGX_TOKEN_ID_LEN;

    node = ngx_str_rbtree_lookup(&ngx_http_token_runs, &s,
                                 ngx_http_token_run_key(id));

    return (ngx_http_token_run_t *) node;
}


static void
ngx_http_token_run_refuse(ngx_http_token_session_t *s, const u_char *id,
    ngx_token_outcome_e outcome, ngx_token_err_e error, ngx_str_t *text)
{
    ngx_token_str_t           str;
    ngx_token_verdict_t       verdict;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    ngx_http_token_stat->refused[outcome]++;

    ngx_memzero(&verdict, sizeof(ngx_token_verdict_t));
    verdict.outcome = outcome;
    verdict.error = error;

    if (text && text->len) {
        ngx_http_token_str(&str, text);
    }

    ngx_token_encode_outcome(&w->text, id, &verdict, NULL,
                             text && text->len ? &str : NULL,
                             100 + ngx_random() % 400);
    ngx_http_token_out_text(s, &w->text);
}


/* what was asked for anonymously may be asked after by anybody */

static ngx_uint_t
ngx_http_token_run_same_user(const ngx_str_t *owner, const ngx_str_t *user)
{
    return owner->len == 0
           || (owner->len == user->len
               && ngx_memcmp(owner->data, user->data, user->len) == 0);
}
