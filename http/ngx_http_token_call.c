
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_call.h"
#include "http/ngx_http_token_committer.h"
#include "http/ngx_http_token_result.h"


#define NGX_HTTP_TOKEN_CALL_POOL     1024
#define NGX_HTTP_TOKEN_CALL_TIMEOUT  60000
#define NGX_HTTP_TOKEN_CALL_BLOCKED  100  /* ms */


struct ngx_http_token_call_s {
    ngx_http_token_run_t       *run;

    ngx_str_t                   uri;
    ngx_str_t                   args;
    ngx_str_t                   service;
    ngx_str_t                   body;     /* behind this structure */
    u_char                      id[NGX_TOKEN_ID_TEXT_LEN];
    ngx_msec_t                  timeout;

    /* the server that the session came to */
    ngx_http_addr_conf_t       *addr_conf;
    ngx_http_conf_ctx_t        *conf_ctx;
    ngx_listening_t            *listening;
    ngx_sockaddr_t              local;
    socklen_t                   local_len;

    /* the connection that there is not; nginx looks at it after the request
       has been freed, so it is not in its pool */
    ngx_connection_t            connection;
    ngx_event_t                 read;
    ngx_event_t                 write;
    ngx_log_t                   log;
    ngx_http_log_ctx_t          log_ctx;

    ngx_http_request_t         *request;  /* NULL: none is under way */
    ngx_event_t                 event;    /* the timeout; and the end */
    unsigned                    ended:1;
    unsigned                    aborted:1;
};


static void ngx_http_token_call_connection(ngx_http_token_call_t *call);
static ngx_int_t ngx_http_token_call_request(ngx_http_token_call_t *call);
static ngx_int_t ngx_http_token_call_subrequest(ngx_http_token_call_t *call);
static ngx_int_t ngx_http_token_call_headers(ngx_http_token_call_t *call,
    ngx_http_request_t *sr);
static ngx_int_t ngx_http_token_call_header(ngx_http_request_t *sr,
    const char *key, ngx_str_t *value);
static ngx_int_t ngx_http_token_call_body(ngx_http_token_call_t *call,
    ngx_http_request_t *sr);
static ngx_int_t ngx_http_token_call_answered(ngx_http_request_t *sr,
    void *data, ngx_int_t rc);
static ngx_uint_t ngx_http_token_call_whole(ngx_http_request_t *sr);
static void ngx_http_token_call_outcome(ngx_http_token_run_t *run,
    ngx_uint_t status);
static void ngx_http_token_call_result(ngx_http_token_run_t *run,
    ngx_buf_t *b);
static void ngx_http_token_call_done(ngx_http_request_t *fr);
static void ngx_http_token_call_end(ngx_event_t *ev);
static void ngx_http_token_call_unfinished(ngx_http_token_call_t *call);
static void ngx_http_token_call_quiet(ngx_event_t *ev);
static void ngx_http_token_call_write(ngx_event_t *ev);
static void ngx_http_token_call_dummy(ngx_event_t *ev);


ngx_http_token_call_t *
ngx_http_token_call(ngx_http_token_session_t *s, ngx_http_token_run_t *run,
    ngx_http_token_prepared_t *prepared)
{
    u_char                    *p;
    ngx_http_token_call_t     *call;
    ngx_http_token_service_t  *service;

    call = ngx_calloc(sizeof(ngx_http_token_call_t) + prepared->value.len,
                      ngx_cycle->log);
    if (call == NULL) {
        return NULL;
    }

    service = prepared->work;

    call->run = run;
    call->service = service->name;
    call->timeout = service->timeout ? service->timeout
                                     : NGX_HTTP_TOKEN_CALL_TIMEOUT;

    call->uri = service->pass;
    p = ngx_strlchr(call->uri.data, call->uri.data + call->uri.len, '?');

    if (p) {
        call->args.data = p + 1;
        call->args.len = call->uri.data + call->uri.len - (p + 1);
        call->uri.len = p - call->uri.data;
    }

    call->body.data = (u_char *) call + sizeof(ngx_http_token_call_t);
    call->body.len = prepared->value.len;
    ngx_memcpy(call->body.data, prepared->value.data, prepared->value.len);

    ngx_token_id_format(run->id, call->id);

    call->addr_conf = s->addr_conf;
    call->conf_ctx = s->conf_ctx;
    call->listening = s->connection->listening;
    call->local_len = ngx_min(s->connection->local_socklen,
                              sizeof(ngx_sockaddr_t));
    ngx_memcpy(&call->local, s->connection->local_sockaddr, call->local_len);

    return call;
}


void
ngx_http_token_call_free(ngx_http_token_call_t *call)
{
    if (call) {
        ngx_free(call);
    }
}


void
ngx_http_token_call_start(ngx_http_token_run_t *run)
{
    ngx_http_token_call_t  *call;

    call = run->call;

    run->outcome = NGX_TOKEN_OUTCOME_FAILED;
    run->error = NGX_TOKEN_ERR_SERVICE_FAILED;

    call->event.handler = ngx_http_token_call_end;
    call->event.data = call;
    call->event.log = ngx_cycle->log;

    if (run->abandoned) {
        ngx_http_token_call_abort(call);
        return;
    }

    if (ngx_http_token_call_request(call) != NGX_OK
        || ngx_http_token_call_subrequest(call) != NGX_OK)
    {
        call->ended = 1;
        ngx_post_event(&call->event, &ngx_posted_events);
        return;
    }

    ngx_add_timer(&call->event, call->timeout);

    ngx_http_run_posted_requests(&call->connection);
}


void
ngx_http_token_call_abort(ngx_http_token_call_t *call)
{
    if (call->event.handler == NULL || call->ended || call->aborted) {
        return;
    }

    call->aborted = 1;

    if (call->event.timer_set) {
        ngx_del_timer(&call->event);
    }

    ngx_post_event(&call->event, &ngx_posted_events);
}


static void
ngx_http_token_call_connection(ngx_http_token_call_t *call)
{
    ngx_connection_t  *fc;

    fc = &call->connection;

    call->log = *ngx_cycle->log;
    call->log.connection = 0;
    call->log.handler = NULL;
    call->log.data = &call->log_ctx;
    call->log.action = "calling a backend for a token";
    call->log_ctx.connection = fc;

    fc->fd = (ngx_socket_t) -1;
    fc->log = &call->log;
    fc->listening = call->listening;
    fc->read = &call->read;
    fc->write = &call->write;
    fc->sockaddr = call->listening->sockaddr;
    fc->socklen = call->listening->socklen;
    fc->local_sockaddr = &call->local.sockaddr;
    fc->local_socklen = call->local_len;
    fc->addr_text = call->listening->addr_text;

    /* "active", so that nobody gives the descriptor -1 to epoll */

    call->read.data = fc;
    call->read.active = 1;
    call->read.handler = ngx_http_token_call_dummy;
    call->read.log = &call->log;

    call->write.data = fc;
    call->write.active = 1;
    call->write.ready = 1;
    call->write.write = 1;
    call->write.handler = ngx_http_token_call_write;
    call->write.log = &call->log;
}


static ngx_int_t
ngx_http_token_call_request(ngx_http_token_call_t *call)
{
    ngx_connection_t       *fc;
    ngx_http_request_t     *fr;
    ngx_http_connection_t  *hc;

    fc = &call->connection;

    ngx_http_token_call_connection(call);

    fc->pool = ngx_create_pool(NGX_HTTP_TOKEN_CALL_POOL, &call->log);
    if (fc->pool == NULL) {
        return NGX_ERROR;
    }

    hc = ngx_pcalloc(fc->pool, sizeof(ngx_http_connection_t));
    if (hc == NULL) {
        return NGX_ERROR;
    }

    hc->addr_conf = call->addr_conf;
    hc->conf_ctx = call->conf_ctx;
    fc->data = hc;

    fr = ngx_http_create_request(fc);
    if (fr == NULL) {
        return NGX_ERROR;
    }

    call->request = fr;
    fc->data = fr;

    fr->main_conf = call->conf_ctx->main_conf;
    fr->srv_conf = call->conf_ctx->srv_conf;
    fr->loc_conf = call->conf_ctx->loc_conf;

    fr->logged = 1;
    fr->method = NGX_HTTP_POST;
    ngx_str_set(&fr->method_name, "POST");
    fr->http_version = NGX_HTTP_VERSION_11;
    ngx_str_set(&fr->http_protocol, "HTTP/1.1");
    fr->uri = call->uri;
    fr->unparsed_uri = call->uri;
    fr->valid_location = 1;
    fr->internal = 1;
    fr->headers_in.content_length_n = -1;
    fr->headers_in.keep_alive_n = -1;
    fr->write_event_handler = ngx_http_token_call_done;
    fr->read_event_handler = ngx_http_block_reading;

    return ngx_list_init(&fr->headers_in.headers, fr->pool, 1,
                         sizeof(ngx_table_elt_t));
}


static ngx_int_t
ngx_http_token_call_subrequest(ngx_http_token_call_t *call)
{
    ngx_http_request_t          *fr, *sr;
    ngx_http_post_subrequest_t  *psr;

    fr = call->request;

    psr = ngx_palloc(fr->pool, sizeof(ngx_http_post_subrequest_t));
    if (psr == NULL) {
        return NGX_ERROR;
    }

    psr->handler = ngx_http_token_call_answered;
    psr->data = call;

    if (ngx_http_subrequest(fr, &call->uri, call->args.len ? &call->args
                                                           : NULL,
                            &sr, psr, NGX_HTTP_SUBREQUEST_IN_MEMORY)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    sr->method = NGX_HTTP_POST;
    ngx_str_set(&sr->method_name, "POST");

    if (ngx_http_token_call_headers(call, sr) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_token_call_body(call, sr);
}


static ngx_int_t
ngx_http_token_call_headers(ngx_http_token_call_t *call,
    ngx_http_request_t *sr)
{
    ngx_str_t  type = ngx_string("application/json");
    ngx_str_t  id;

    /* the list is the parent's: a new one */

    ngx_memzero(&sr->headers_in, sizeof(ngx_http_headers_in_t));
    sr->headers_in.content_length_n = (off_t) call->body.len;
    sr->headers_in.keep_alive_n = -1;

    if (ngx_list_init(&sr->headers_in.headers, sr->pool, 4,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    id.data = call->id;
    id.len = NGX_TOKEN_ID_TEXT_LEN;

    if (ngx_http_token_call_header(sr, "Content-Type", &type) != NGX_OK
        || ngx_http_token_call_header(sr, "Idempotency-Key", &id) != NGX_OK
        || ngx_http_token_call_header(sr, "X-Token-Service", &call->service)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (call->run->user.len == 0) {
        return NGX_OK;
    }

    return ngx_http_token_call_header(sr, "X-Token-User", &call->run->user);
}


static ngx_int_t
ngx_http_token_call_header(ngx_http_request_t *sr, const char *key,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&sr->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->key.data = (u_char *) key;
    h->key.len = ngx_strlen(key);
    h->value = *value;

    h->lowcase_key = ngx_pnalloc(sr->pool, h->key.len);
    if (h->lowcase_key == NULL) {
        return NGX_ERROR;
    }

    h->hash = ngx_hash_strlow(h->lowcase_key, h->key.data, h->key.len);

    if (value->len == sizeof("application/json") - 1
        && ngx_strncmp(key, "Content-Type", 13) == 0)
    {
        sr->headers_in.content_type = h;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_call_body(ngx_http_token_call_t *call, ngx_http_request_t *sr)
{
    ngx_buf_t                *b;
    ngx_http_request_body_t  *rb;

    rb = ngx_pcalloc(sr->pool, sizeof(ngx_http_request_body_t));
    b = ngx_calloc_buf(sr->pool);

    if (rb == NULL || b == NULL) {
        return NGX_ERROR;
    }

    b->pos = call->body.data;
    b->last = b->pos + call->body.len;
    b->start = b->pos;
    b->end = b->last;
    b->memory = 1;
    b->last_buf = 1;

    rb->bufs = ngx_alloc_chain_link(sr->pool);
    if (rb->bufs == NULL) {
        return NGX_ERROR;
    }

    rb->bufs->buf = b;
    rb->bufs->next = NULL;
    rb->rest = 0;

    sr->request_body = rb;

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_call_answered(ngx_http_request_t *sr, void *data,
    ngx_int_t rc)
{
    ngx_http_token_call_t *call = data;

    ngx_uint_t         status;
    ngx_connection_t  *fc;

    fc = &call->connection;
    status = sr->headers_out.status;

    /* a body that is not whole, after headers that were fine, is no answer */

    if (status == 0 || rc == NGX_ERROR || rc >= NGX_HTTP_SPECIAL_RESPONSE
        || !ngx_http_token_call_whole(sr))
    {
        status = rc >= NGX_HTTP_SPECIAL_RESPONSE
                 ? (ngx_uint_t) rc : NGX_HTTP_BAD_GATEWAY;
    }

    if (fc->error) {
        ngx_log_error(NGX_LOG_ERR, &call->log, 0,
                      "the answer of a backend to a token is larger than "
                      "\"subrequest_output_buffer_size\"");
        status = NGX_HTTP_BAD_GATEWAY;
        fc->error = 0;
    }

    ngx_http_token_call_outcome(call->run, status);

    if (call->run->outcome != NGX_TOKEN_OUTCOME_FAILED) {
        ngx_http_token_call_result(call->run, sr->out ? sr->out->buf : NULL);
    }

    /* another code would end the parent by an error page */
    return NGX_OK;
}


/* nginx logs an answer that ends too early, and passes on what it has */

static ngx_uint_t
ngx_http_token_call_whole(ngx_http_request_t *sr)
{
    ngx_event_pipe_t     *p;
    ngx_http_upstream_t  *u;

    u = sr->upstream;

    if (u == NULL) {
        return 1;
    }

#if (NGX_HTTP_CACHE)
    if (sr->cached) {
        return 1;
    }
#endif

    if (!u->buffering) {
        return u->length <= 0;
    }

    p = u->pipe;

    return p == NULL || p->upstream_done || p->length == 0
           || (p->upstream_eof && p->length == -1);
}


static void
ngx_http_token_call_outcome(ngx_http_token_run_t *run, ngx_uint_t status)
{
    if (status >= 200 && status < 300) {
        run->outcome = NGX_TOKEN_OUTCOME_OK;
        run->error = NGX_TOKEN_ERR_NONE;
        return;
    }

    if (status == NGX_HTTP_REQUEST_TIME_OUT
        || status == NGX_HTTP_TOO_MANY_REQUESTS
        || status >= 500)
    {
        run->outcome = NGX_TOKEN_OUTCOME_FAILED;
        run->error = status == NGX_HTTP_GATEWAY_TIME_OUT
                     ? NGX_TOKEN_ERR_TIMEOUT : NGX_TOKEN_ERR_SERVICE_FAILED;
        return;
    }

    run->outcome = NGX_TOKEN_OUTCOME_REJECTED;
    run->error = NGX_TOKEN_ERR_SERVICE_REJECTED;
}


/*
 * Puts the backend's JSON into the commit record; other bodies are dropped.
 *
 *     b  NULL: there is none
 */

static void
ngx_http_token_call_result(ngx_http_token_run_t *run, ngx_buf_t *b)
{
    ngx_token_rc_t   rc;
    ngx_token_buf_t  text;
    ngx_token_str_t  s, result;

    ngx_memzero(&text, sizeof(ngx_token_buf_t));
    ngx_memzero(&result, sizeof(ngx_token_str_t));

    if (b) {
        s.data = b->pos;
        s.len = b->last - b->pos;

        rc = ngx_http_token_result_read(&s, &text);

        if (rc == NGX_TOKEN_OK) {
            ngx_http_token_str(&result, &text);

        } else if (rc == NGX_TOKEN_NOMEM) {
            /* an ok without what belongs to it would be a lie */
            run->outcome = NGX_TOKEN_OUTCOME_FAILED;
            run->error = NGX_TOKEN_ERR_SERVICE_FAILED;
        }
    }

    ngx_http_token_result_put(run, &result);
    ngx_token_buf_free(&text);
}


/* the subrequest has ended; nginx's loop over posted requests goes on */

static void
ngx_http_token_call_done(ngx_http_request_t *fr)
{
    ngx_http_token_call_t  *call;

    call = (ngx_http_token_call_t *)
               ((u_char *) fr->connection
                - offsetof(ngx_http_token_call_t, connection));

    if (call->ended) {
        return;
    }

    call->ended = 1;

    if (call->event.timer_set) {
        ngx_del_timer(&call->event);
    }

    ngx_post_event(&call->event, &ngx_posted_events);
}


static void
ngx_http_token_call_end(ngx_event_t *ev)
{
    ngx_http_token_run_t   *run;
    ngx_http_token_call_t  *call;

    call = ev->data;
    run = call->run;

    if (!call->ended) {
        /* closes the connection to the backend, too */
        ngx_http_token_call_unfinished(call);
        call->ended = 1;
    }

    if (call->request && call->request->blocked) {
        /* a thread is reading a file for it */
        ngx_add_timer(&call->event, NGX_HTTP_TOKEN_CALL_BLOCKED);
        return;
    }

    if (call->request) {
        ngx_http_free_request(call->request, 0);
        call->request = NULL;
    }

    ngx_http_token_call_quiet(&call->read);
    ngx_http_token_call_quiet(&call->write);

    if (call->connection.pool) {
        ngx_destroy_pool(call->connection.pool);
        call->connection.pool = NULL;
    }

    ngx_http_token_commit(run);
}


/* modules put timers on a connection: limit_req, for one */

static void
ngx_http_token_call_quiet(ngx_event_t *ev)
{
    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    if (ev->posted) {
        ngx_delete_posted_event(ev);
    }
}


static void
ngx_http_token_call_unfinished(ngx_http_token_call_t *call)
{
    ngx_http_token_run_t  *run;

    run = call->run;

    if (!call->aborted) {
        run->outcome = NGX_TOKEN_OUTCOME_FAILED;
        run->error = NGX_TOKEN_ERR_TIMEOUT;
        return;
    }

    run->outcome = NGX_TOKEN_OUTCOME_INTERRUPTED;
    run->error = NGX_TOKEN_ERR_NONE;

    if (run->idempotent) {
        run->settled = 1;
        run->verdict.outcome = NGX_TOKEN_OUTCOME_BUSY;
        run->verdict.error = NGX_TOKEN_ERR_NONE;
    }
}


/* as nginx's own handler of a request: a delay is over */

static void
ngx_http_token_call_write(ngx_event_t *ev)
{
    ngx_connection_t    *fc;
    ngx_http_request_t  *r;

    fc = ev->data;
    r = fc->data;

    if (ev->delayed && ev->timedout) {
        ev->delayed = 0;
        ev->timedout = 0;
    }

    r->write_event_handler(r);

    ngx_http_run_posted_requests(fc);
}


static void
ngx_http_token_call_dummy(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ev->log, 0, "token call: no event");
}
