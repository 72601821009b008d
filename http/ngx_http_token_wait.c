
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_result.h"
#include "http/ngx_http_token_spare.h"
#include "http/ngx_http_token_wait.h"
#include "http/ngx_http_token_watch.h"
#include "http/ngx_http_token_worker.h"


#define NGX_HTTP_TOKEN_WAIT_SMALL  1024   /* bytes of a result that is held, as
                                             the ledger costs more */


static ngx_uint_t ngx_http_token_wait_reached(ngx_http_token_session_t *s,
    ngx_http_token_wait_t *wait);
static void ngx_http_token_wait_result(ngx_http_token_wait_t *wait);
static void ngx_http_token_wait_drop(ngx_http_token_wait_t *wait);


static ngx_http_token_spare_t  ngx_http_token_wait_spare = {
    sizeof(ngx_http_token_wait_t), 0, NULL, NULL, 0
};


ngx_http_token_wait_t *
ngx_http_token_wait(ngx_http_token_session_t *s, ngx_http_token_run_t *run,
    const u_char *id)
{
    ngx_http_token_wait_t  *wait;

    wait = ngx_http_token_spare_take(&ngx_http_token_wait_spare,
                                     sizeof(ngx_http_token_wait_t));
    if (wait == NULL) {
        ngx_http_token_session_end(s, NGX_TOKEN_WS_INTERNAL, "no memory");
        return NULL;
    }

    ngx_memzero(wait, sizeof(ngx_http_token_wait_t));
    ngx_memcpy(wait->id, id, NGX_TOKEN_ID_LEN);
    wait->session = s;
    wait->run = run;

    ngx_queue_insert_tail(&s->waits, &wait->queue);
    s->nwaits++;

    if (run) {
        ngx_queue_insert_tail(&run->waits, &wait->run_queue);

    } else {
        s->ndone++;
        ngx_http_token_session_dirty(s);
    }

    return wait;
}


ngx_http_token_wait_t *
ngx_http_token_wait_find(ngx_http_token_session_t *s, const u_char *id)
{
    ngx_queue_t            *q;
    ngx_http_token_wait_t  *wait;

    for (q = ngx_queue_head(&s->waits);
         q != ngx_queue_sentinel(&s->waits);
         q = ngx_queue_next(q))
    {
        wait = ngx_queue_data(q, ngx_http_token_wait_t, queue);

        if (ngx_memcmp(wait->id, id, NGX_TOKEN_ID_LEN) == 0) {
            return wait;
        }
    }

    return NULL;
}


void
ngx_http_token_wait_done(ngx_http_token_wait_t *wait,
    const ngx_token_verdict_t *verdict, ngx_uint_t ledger)
{
    wait->run = NULL;
    wait->verdict = *verdict;
    ngx_memzero(&wait->verdict.result, sizeof(ngx_token_str_t));

    if (ledger && verdict->result.len > NGX_HTTP_TOKEN_WAIT_SMALL) {
        wait->stored = 1;

    } else {
        ngx_http_token_result_give(&wait->verdict, &verdict->result);
    }

    wait->session->ndone++;
    ngx_http_token_session_dirty(wait->session);
}


void
ngx_http_token_wait_settle(ngx_http_token_session_t *s)
{
    ngx_queue_t              *q, *next;
    ngx_http_token_wait_t    *wait;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    for (q = ngx_queue_head(&s->waits);
         q != ngx_queue_sentinel(&s->waits) && s->ndone;
         q = next)
    {
        next = ngx_queue_next(q);
        wait = ngx_queue_data(q, ngx_http_token_wait_t, queue);

        if (wait->run || !ngx_http_token_wait_reached(s, wait)) {
            continue;
        }

        if (s->answers >= NGX_HTTP_TOKEN_MAX_ANSWERS) {
            /* the others when these are sent */
            break;
        }

        if (wait->stored) {
            ngx_http_token_wait_result(wait);
        }

        ngx_token_encode_outcome(&w->text, wait->id, &wait->verdict,
                                 wait->verdict.result.len
                                 ? &wait->verdict.result : NULL,
                                 NULL, 100 + ngx_random() % 400);
        ngx_http_token_out_text(s, &w->text);

        ngx_http_token_wait_drop(wait);
    }
}


/*
 * The change before the outcome (G3): an ok waits until the session has been
 * sent all that its commit changed.
 */

static ngx_uint_t
ngx_http_token_wait_reached(ngx_http_token_session_t *s,
    ngx_http_token_wait_t *wait)
{
    ngx_http_token_worker_t  *w;

    if (wait->verdict.outcome != NGX_TOKEN_OUTCOME_OK) {
        return 1;
    }

    w = &ngx_http_token_worker;

    if (wait->verdict.seq > w->head) {
        w->held = 1;
        return 0;
    }

    return wait->verdict.seq <= ngx_http_token_watch_reached(s);
}


/*
 * What was in the ledger may be there no more, or be another answer: a token
 * that has failed may have been asked for again.  Then the client asks again,
 * too.
 */

static void
ngx_http_token_wait_result(ngx_http_token_wait_t *wait)
{
    ngx_uint_t           same;
    ngx_token_read_t    *r;
    ngx_token_ledger_t   l;

    same = 0;

    if (ngx_token_read_begin(ngx_http_token_worker.store, &r) == NGX_TOKEN_OK)
    {
        if (ngx_token_read_ledger(r, wait->id, &l) == NGX_TOKEN_OK
            && l.outcome == wait->verdict.outcome)
        {
            same = 1;
            ngx_http_token_result_give(&wait->verdict, &l.result);
        }

        ngx_token_read_end(r);
    }

    if (!same) {
        wait->verdict.outcome = NGX_TOKEN_OUTCOME_BUSY;
        wait->verdict.error = NGX_TOKEN_ERR_NONE;
    }
}


static void
ngx_http_token_wait_drop(ngx_http_token_wait_t *wait)
{
    ngx_http_token_session_t  *s;

    s = wait->session;

    ngx_queue_remove(&wait->queue);
    s->nwaits--;

    if (wait->run) {
        ngx_queue_remove(&wait->run_queue);

    } else {
        s->ndone--;
    }

    if (wait->verdict.result.data) {
        ngx_free((u_char *) wait->verdict.result.data);
    }

    ngx_http_token_spare_give(&ngx_http_token_wait_spare, wait,
                              sizeof(ngx_http_token_wait_t));
}


void
ngx_http_token_wait_forget(ngx_http_token_session_t *s)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&s->waits)) {
        q = ngx_queue_head(&s->waits);

        /* the analyzer does not follow queues
           NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        ngx_http_token_wait_drop(ngx_queue_data(q, ngx_http_token_wait_t,
                                                queue));
    }
}
