
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_cancel.h"
#include "http/ngx_http_token_doorbell.h"
#include "http/ngx_http_token_task.h"
#include "http/ngx_http_token_worker.h"


typedef struct {
    ngx_http_token_task_t       task;
    ngx_token_live_t           *live;
    u_char                      id[NGX_TOKEN_ID_LEN];
    ngx_str_t                   user;     /* behind this structure */
} ngx_http_token_cancel_t;


static void ngx_http_token_cancel_work(void *data);
static void ngx_http_token_cancel_done(void *data);


void
ngx_http_token_cancel_elsewhere(const u_char *id, ngx_str_t *user)
{
    ngx_http_token_cancel_t  *cancel;
    ngx_http_token_worker_t  *w;

    w = &ngx_http_token_worker;

    /* most cancels come too late for anybody */

    if (w->live == NULL
        || ngx_token_live_claimed(w->live, id) != NGX_TOKEN_OK)
    {
        return;
    }

    cancel = ngx_calloc(sizeof(ngx_http_token_cancel_t) + user->len,
                        ngx_cycle->log);
    if (cancel == NULL) {
        return;
    }

    cancel->live = w->live;
    ngx_memcpy(cancel->id, id, NGX_TOKEN_ID_LEN);

    cancel->user.data = (u_char *) cancel + sizeof(ngx_http_token_cancel_t);
    cancel->user.len = user->len;
    ngx_memcpy(cancel->user.data, user->data, user->len);

    cancel->task.data = cancel;
    cancel->task.work = ngx_http_token_cancel_work;
    cancel->task.done = ngx_http_token_cancel_done;

    if (ngx_http_token_task_post(w->mcf->commit_pool, &cancel->task)
        != NGX_OK)
    {
        ngx_free(cancel);
    }
}


/* pool */

static void
ngx_http_token_cancel_work(void *data)
{
    ngx_http_token_cancel_t *cancel = data;

    ngx_token_str_t  user;

    ngx_http_token_str(&user, &cancel->user);

    if (ngx_token_live_cancel(cancel->live, cancel->id, &user)
        == NGX_TOKEN_OK)
    {
        ngx_http_token_doorbell_ring();
    }
}


static void
ngx_http_token_cancel_done(void *data)
{
    ngx_free(data);
}
