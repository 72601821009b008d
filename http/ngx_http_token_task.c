
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_task.h"


#define NGX_HTTP_TOKEN_TASK_HOLD  1000    /* ms */


static void ngx_http_token_task_work(void *data, ngx_log_t *log);
static void ngx_http_token_task_handler(ngx_event_t *ev);


ngx_uint_t  ngx_http_token_tasks;


ngx_int_t
ngx_http_token_task_post(ngx_thread_pool_t *pool, ngx_http_token_task_t *task)
{
    ngx_memzero(&task->task, sizeof(ngx_thread_task_t));

    task->task.ctx = task;
    task->task.handler = ngx_http_token_task_work;
    task->task.event.data = task;
    task->task.event.handler = ngx_http_token_task_handler;
    task->task.event.log = ngx_cycle->log;

    if (ngx_thread_task_post(pool, &task->task) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_token_tasks++;
    ngx_add_timer(&task->task.event, NGX_HTTP_TOKEN_TASK_HOLD);

    return NGX_OK;
}


static void
ngx_http_token_task_work(void *data, ngx_log_t *log)
{
    ngx_http_token_task_t *task = data;

    task->work(task->data);
}


static void
ngx_http_token_task_handler(ngx_event_t *ev)
{
    ngx_http_token_task_t *task = ev->data;

    if (!ev->complete) {
        ev->timedout = 0;
        ngx_add_timer(ev, NGX_HTTP_TOKEN_TASK_HOLD);
        return;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    ngx_http_token_tasks--;
    task->done(task->data);
}
