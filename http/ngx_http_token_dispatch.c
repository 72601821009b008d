
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_run.h"
#include "http/ngx_http_token_session.h"
#include "http/ngx_http_token_watch.h"
#include "http/ngx_http_token_worker.h"


static void ngx_http_token_dispatch_one(ngx_http_token_session_t *s,
    ngx_token_str_t *text);


/* the event loop is one thread: one message is dealt with at a time */

static ngx_token_buf_t      ngx_http_token_decoded;
static ngx_token_message_t  ngx_http_token_message;


void
ngx_http_token_dispatch(ngx_http_token_session_t *s, u_char *data, size_t len)
{
    size_t            before;
    u_char           *last, *end;
    ngx_token_str_t   text;

    last = data + len;
    before = s->answers;

    if (len == 0) {
        /* says nothing, but is a message */
        ngx_http_token_read_count(s, 1);
    }

    while (data < last && !s->ended && !s->close_queued) {

        ngx_http_token_read_count(s, 1);

        end = memchr(data, '\n', last - data);
        if (end == NULL) {
            end = last;
        }

        text.data = data;
        text.len = end - data;
        data = end + 1;

        /* an empty line is no message */

        if (text.len) {
            ngx_http_token_dispatch_one(s, &text);
        }

        if (data < last
            && (s->answers - before) / NGX_HTTP_TOKEN_MAX_ASKED
               > s->lcf->max_message)
        {
            ngx_http_token_session_close(s, NGX_TOKEN_WS_POLICY,
                                         "one message asks for too much");
        }
    }
}


static void
ngx_http_token_dispatch_one(ngx_http_token_session_t *s,
    ngx_token_str_t *text)
{
    ngx_token_rc_t              rc;
    ngx_token_message_t        *m;
    ngx_http_token_worker_t    *w;
    ngx_token_message_error_t   err;

    w = &ngx_http_token_worker;
    m = &ngx_http_token_message;

    ngx_token_buf_reset(&ngx_http_token_decoded);

    rc = ngx_token_message_decode(text, s->lcf->max_depth,
                                  &ngx_http_token_decoded, m, &err);

    if (rc == NGX_TOKEN_NOMEM) {
        ngx_http_token_session_end(s, NGX_TOKEN_WS_INTERNAL, "no memory");
        return;
    }

    if (rc != NGX_TOKEN_OK) {
        ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                      "client sent invalid token message: %s", err.text);

        ngx_token_encode_error(&w->text, err.code, err.text,
                               err.has_id ? err.id : NULL, NULL);
        ngx_http_token_out_text(s, &w->text);
        return;
    }

    switch (m->type) {

    case NGX_TOKEN_MSG_WATCH:
        ngx_http_token_watch(s, m);
        return;

    case NGX_TOKEN_MSG_UNWATCH:
        ngx_http_token_unwatch(s, m);
        return;

    case NGX_TOKEN_MSG_TOKEN:
        ngx_http_token_run(s, m);
        return;

    case NGX_TOKEN_MSG_CANCEL:
        ngx_http_token_run_cancel(s, m->id);
        return;

    case NGX_TOKEN_MSG_RESUME:
        /* each id is looked up, and answered */
        ngx_http_token_read_count(s, m->nids);
        ngx_http_token_run_resume(s, m);
        return;

    case NGX_TOKEN_MSG_PING:
        ngx_token_encode_pong(&w->text);
        ngx_http_token_out_text(s, &w->text);
        return;

    default: /* NGX_TOKEN_MSG_PONG: s->received is enough */
        return;
    }
}
