
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_doorbell.h"
#include "http/ngx_http_token_fanout.h"

#include <sys/inotify.h>


static ngx_int_t ngx_http_token_doorbell_watch(ngx_log_t *log);
static void ngx_http_token_doorbell_handler(ngx_event_t *rev);


static u_char            *ngx_http_token_bell_path;
static ngx_fd_t           ngx_http_token_bell_fd = NGX_INVALID_FILE;
static ngx_connection_t  *ngx_http_token_bell;


ngx_int_t
ngx_http_token_doorbell_open(ngx_http_token_main_conf_t *mcf, ngx_log_t *log)
{
    int                fd;
    u_char            *p;
    ngx_connection_t  *c;

    if (ngx_http_token_bell) {
        return NGX_OK;
    }

    p = ngx_alloc(mcf->path.len + sizeof("/bell"), log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(p, "%V/bell%Z", &mcf->path);
    ngx_http_token_bell_path = p;

    ngx_http_token_bell_fd = ngx_open_file(p, NGX_FILE_WRONLY,
                                           NGX_FILE_CREATE_OR_OPEN, 0600);

    if (ngx_http_token_bell_fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      ngx_open_file_n " \"%s\" failed", p);
        goto failed;
    }

    fd = inotify_init1(IN_NONBLOCK|IN_CLOEXEC);

    if (fd == -1) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno, "inotify_init1() failed");
        goto failed;
    }

    c = ngx_get_connection(fd, (ngx_log_t *) ngx_cycle->log);

    if (c == NULL) {
        (void) close(fd);
        goto failed;
    }

    c->log = (ngx_log_t *) ngx_cycle->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_http_token_doorbell_handler;

    /* not a client's: nginx's core does not miss it when the worker exits */
    c->read->channel = 1;
    c->write->channel = 1;

    ngx_http_token_bell = c;

    if (ngx_http_token_doorbell_watch(log) != NGX_OK
        || ngx_add_event(c->read, NGX_READ_EVENT,
                         (ngx_event_flags & NGX_USE_CLEAR_EVENT)
                         ? NGX_CLEAR_EVENT : NGX_LEVEL_EVENT)
           != NGX_OK)
    {
        goto failed;
    }

    return NGX_OK;

failed:

    ngx_http_token_doorbell_close((ngx_cycle_t *) ngx_cycle);

    return NGX_ERROR;
}


void
ngx_http_token_doorbell_close(ngx_cycle_t *cycle)
{
    if (ngx_http_token_bell) {
        ngx_close_connection(ngx_http_token_bell);
        ngx_http_token_bell = NULL;
    }

    if (ngx_http_token_bell_fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(ngx_http_token_bell_fd);
        ngx_http_token_bell_fd = NGX_INVALID_FILE;
    }

    if (ngx_http_token_bell_path) {
        ngx_free(ngx_http_token_bell_path);
        ngx_http_token_bell_path = NULL;
    }
}


void
ngx_http_token_doorbell_ring(void)
{
    /* the byte stays in the page cache; a failure costs latency only */

    if (pwrite(ngx_http_token_bell_fd, "!", 1, 0) == -1) {
        return;
    }
}


static ngx_int_t
ngx_http_token_doorbell_watch(ngx_log_t *log)
{
    if (inotify_add_watch(ngx_http_token_bell->fd,
                          (char *) ngx_http_token_bell_path, IN_MODIFY)
        == -1)
    {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      "inotify_add_watch(\"%s\") failed",
                      ngx_http_token_bell_path);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_token_doorbell_handler(ngx_event_t *rev)
{
    ssize_t            n;
    ngx_connection_t  *c;

    /* what rang does not matter: look where the feed stands */

    u_char             buf[4096]
                       __attribute__((aligned(__alignof__(
                                          struct inotify_event))));

    c = rev->data;

    /* as many events as there was room for: there may be more */

    do {
        n = read(c->fd, buf, sizeof(buf));
    } while (n > (ssize_t) sizeof(buf) / 2);

    rev->ready = 0;

    ngx_http_token_fanout_poll();
}
