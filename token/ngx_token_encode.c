
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <string.h>

#include "token/ngx_token_message.h"


static void ngx_token_encode_type(ngx_token_buf_t *b, const char *type);
static void ngx_token_encode_end(ngx_token_buf_t *b);
static void ngx_token_encode_name(ngx_token_buf_t *b, const char *name);
static void ngx_token_encode_str(ngx_token_buf_t *b, const char *name,
    const ngx_token_str_t *value);
static void ngx_token_encode_text(ngx_token_buf_t *b, const char *name,
    const char *value);
static void ngx_token_encode_user(ngx_token_buf_t *b,
    const ngx_token_str_t *user);
static void ngx_token_encode_uint(ngx_token_buf_t *b, const char *name,
    uint64_t value);
static void ngx_token_encode_id(ngx_token_buf_t *b, const char *name,
    const unsigned char id[NGX_TOKEN_ID_LEN]);
static void ngx_token_encode_json(ngx_token_buf_t *b, const char *name,
    const ngx_token_str_t *value);
static void ngx_token_encode_reason(ngx_token_buf_t *b,
    const ngx_token_verdict_t *v, const ngx_token_str_t *result,
    const ngx_token_str_t *text);
static const char *ngx_token_kind_name(ngx_token_kind_e kind);


void
ngx_token_encode_hello(ngx_token_buf_t *b, const ngx_token_hello_t *h)
{
    ngx_token_encode_type(b, "hello");
    ngx_token_encode_text(b, "protocol", "token.v1");
    ngx_token_encode_str(b, "session", &h->session);
    ngx_token_encode_str(b, "epoch", &h->epoch);
    ngx_token_encode_uint(b, "seq", h->seq);
    ngx_token_encode_user(b, &h->user);
    ngx_token_encode_uint(b, "time", h->time);
    ngx_token_encode_uint(b, "heartbeat", h->heartbeat);

    ngx_token_encode_name(b, "limits");
    ngx_token_buf_str(b, "{\"message\":");
    ngx_token_buf_uint(b, h->max_message);
    ngx_token_encode_uint(b, "depth", h->max_depth);
    ngx_token_encode_uint(b, "inflight", h->max_inflight);
    ngx_token_encode_uint(b, "watches", h->max_watches);
    ngx_token_encode_end(b);

    ngx_token_encode_uint(b, "ledger", h->ledger);
    ngx_token_encode_end(b);
}


void
ngx_token_encode_watching(ngx_token_buf_t *b, const ngx_token_str_t *channel,
    ngx_token_kind_e kind, const ngx_token_str_t *epoch, uint64_t seq,
    unsigned recovered, const char *reset)
{
    ngx_token_encode_type(b, "watching");
    ngx_token_encode_str(b, "channel", channel);
    ngx_token_encode_text(b, "kind", ngx_token_kind_name(kind));
    ngx_token_encode_str(b, "epoch", epoch);

    ngx_token_encode_name(b, "recovered");
    ngx_token_buf_str(b, recovered ? "true" : "false");

    if (reset != NULL) {
        ngx_token_encode_text(b, "reset", reset);
    }

    ngx_token_encode_uint(b, "seq", seq);
    ngx_token_encode_end(b);
}


void
ngx_token_encode_unwatched(ngx_token_buf_t *b, const ngx_token_str_t *channel)
{
    ngx_token_encode_type(b, "unwatched");
    ngx_token_encode_str(b, "channel", channel);
    ngx_token_encode_end(b);
}


void
ngx_token_encode_atom(ngx_token_buf_t *b, const ngx_token_str_t *channel,
    const ngx_token_str_t *watch, uint64_t seq, const ngx_token_str_t *value)
{
    ngx_token_encode_type(b, "atom");
    ngx_token_encode_str(b, "channel", channel);

    if (watch != NULL) {
        ngx_token_encode_str(b, "watch", watch);
    }

    ngx_token_encode_uint(b, "seq", seq);

    if (value != NULL) {
        ngx_token_encode_json(b, "value", value);

    } else {
        ngx_token_encode_name(b, "deleted");
        ngx_token_buf_str(b, "true");
    }

    ngx_token_encode_end(b);
}


void
ngx_token_encode_synced(ngx_token_buf_t *b, const ngx_token_str_t *channel,
    uint64_t seq)
{
    ngx_token_encode_type(b, "synced");
    ngx_token_encode_str(b, "channel", channel);
    ngx_token_encode_uint(b, "seq", seq);
    ngx_token_encode_end(b);
}


void
ngx_token_encode_record(ngx_token_buf_t *b, const ngx_token_str_t *channel,
    const ngx_token_record_t *r)
{
    ngx_token_encode_type(b, "record");
    ngx_token_encode_str(b, "channel", channel);
    ngx_token_encode_uint(b, "seq", r->seq);
    ngx_token_encode_id(b, "token", r->token);
    ngx_token_encode_user(b, &r->user);
    ngx_token_encode_uint(b, "time", r->time);
    ngx_token_encode_json(b, "value", &r->value);
    ngx_token_encode_end(b);
}


void
ngx_token_encode_presence(ngx_token_buf_t *b, const ngx_token_str_t *channel,
    const ngx_token_present_t *users, size_t nusers, uint64_t anonymous)
{
    size_t  i;

    ngx_token_encode_type(b, "presence");
    ngx_token_encode_str(b, "channel", channel);
    ngx_token_encode_name(b, "users");
    ngx_token_buf_str(b, "[");

    for (i = 0; i < nusers; i++) {
        ngx_token_buf_str(b, i ? ",{\"user\":" : "{\"user\":");
        ngx_token_buf_json_string(b, &users[i].user);
        ngx_token_encode_uint(b, "tabs", users[i].tabs);
        ngx_token_encode_end(b);
    }

    ngx_token_buf_str(b, "]");
    ngx_token_encode_uint(b, "anonymous", anonymous);
    ngx_token_encode_end(b);
}


void
ngx_token_encode_outcome(ngx_token_buf_t *b,
    const unsigned char id[NGX_TOKEN_ID_LEN], const ngx_token_verdict_t *v,
    const ngx_token_str_t *result, const ngx_token_str_t *text,
    uint64_t retry)
{
    ngx_token_encode_type(b, "outcome");
    ngx_token_encode_id(b, "id", id);
    ngx_token_encode_text(b, "outcome", ngx_token_outcome_name(v->outcome));

    if (v->outcome == NGX_TOKEN_OUTCOME_OK) {
        ngx_token_encode_uint(b, "seq", v->seq);

        if (result != NULL && result->len) {
            ngx_token_encode_json(b, "result", result);
        }

        ngx_token_encode_end(b);
        return;
    }

    if (v->outcome == NGX_TOKEN_OUTCOME_BUSY) {
        ngx_token_encode_uint(b, "retry", retry);
    }

    if (v->error != NGX_TOKEN_ERR_NONE) {
        ngx_token_encode_reason(b, v, result, text);
    }

    if (v->outcome == NGX_TOKEN_OUTCOME_REJECTED
        && result != NULL && result->len)
    {
        ngx_token_encode_json(b, "result", result);
    }

    ngx_token_encode_end(b);
}


/* a service that says no in a string says why */

static void
ngx_token_encode_reason(ngx_token_buf_t *b, const ngx_token_verdict_t *v,
    const ngx_token_str_t *result, const ngx_token_str_t *text)
{
    ngx_token_encode_name(b, "error");
    ngx_token_buf_str(b, "{\"code\":\"");
    ngx_token_buf_str(b, ngx_token_err_name(v->error));
    ngx_token_buf_str(b, "\"");

    if (text != NULL && text->len) {
        ngx_token_encode_str(b, "message", text);

    } else if (result != NULL && result->len
               && ngx_token_json_type(result) == NGX_TOKEN_JSON_STRING)
    {
        ngx_token_encode_json(b, "message", result);

    } else {
        ngx_token_encode_text(b, "message", ngx_token_err_text(v->error));
    }

    if (v->error == NGX_TOKEN_ERR_VERSION) {
        ngx_token_encode_uint(b, "version", v->version);
    }

    ngx_token_encode_end(b);
}


void
ngx_token_encode_error(ngx_token_buf_t *b, const char *code, const char *text,
    const unsigned char *id, const ngx_token_str_t *channel)
{
    ngx_token_encode_type(b, "error");
    ngx_token_encode_text(b, "code", code);
    ngx_token_encode_text(b, "message", text);

    if (id != NULL) {
        ngx_token_encode_id(b, "id", id);
    }

    if (channel != NULL) {
        ngx_token_encode_str(b, "channel", channel);
    }

    ngx_token_encode_end(b);
}


void
ngx_token_encode_ping(ngx_token_buf_t *b)
{
    ngx_token_encode_type(b, "ping");
    ngx_token_encode_end(b);
}


void
ngx_token_encode_pong(ngx_token_buf_t *b)
{
    ngx_token_encode_type(b, "pong");
    ngx_token_encode_end(b);
}


/* opens the object; what follows are members with a comma before them */

static void
ngx_token_encode_type(ngx_token_buf_t *b, const char *type)
{
    ngx_token_buf_str(b, "{\"type\":\"");
    ngx_token_buf_str(b, type);
    ngx_token_buf_str(b, "\"");
}


static void
ngx_token_encode_end(ngx_token_buf_t *b)
{
    ngx_token_buf_str(b, "}");
}


static void
ngx_token_encode_name(ngx_token_buf_t *b, const char *name)
{
    ngx_token_buf_str(b, ",\"");
    ngx_token_buf_str(b, name);
    ngx_token_buf_str(b, "\":");
}


static void
ngx_token_encode_str(ngx_token_buf_t *b, const char *name,
    const ngx_token_str_t *value)
{
    ngx_token_encode_name(b, name);
    ngx_token_buf_json_string(b, value);
}


static void
ngx_token_encode_text(ngx_token_buf_t *b, const char *name, const char *value)
{
    ngx_token_str_t  s;

    s.len = strlen(value);
    s.data = (const unsigned char *) value;

    ngx_token_encode_str(b, name, &s);
}


static void
ngx_token_encode_user(ngx_token_buf_t *b, const ngx_token_str_t *user)
{
    if (user->len) {
        ngx_token_encode_str(b, "user", user);
        return;
    }

    ngx_token_encode_name(b, "user");
    ngx_token_buf_str(b, "null");
}


static void
ngx_token_encode_uint(ngx_token_buf_t *b, const char *name, uint64_t value)
{
    ngx_token_encode_name(b, name);
    ngx_token_buf_uint(b, value);
}


static void
ngx_token_encode_id(ngx_token_buf_t *b, const char *name,
    const unsigned char id[NGX_TOKEN_ID_LEN])
{
    unsigned char  text[NGX_TOKEN_ID_TEXT_LEN];

    ngx_token_id_format(id, text);

    ngx_token_encode_name(b, name);
    ngx_token_buf_str(b, "\"");
    ngx_token_buf_append(b, text, NGX_TOKEN_ID_TEXT_LEN);
    ngx_token_buf_str(b, "\"");
}


static void
ngx_token_encode_json(ngx_token_buf_t *b, const char *name,
    const ngx_token_str_t *value)
{
    ngx_token_encode_name(b, name);

    if (value->len == 0) {
        ngx_token_buf_str(b, "null");
        return;
    }

    ngx_token_json_minify(b, value);
}


static const char *
ngx_token_kind_name(ngx_token_kind_e kind)
{
    switch (kind) {

    case NGX_TOKEN_KIND_ATOM:
        return "atom";

    case NGX_TOKEN_KIND_FAMILY:
        return "family";

    case NGX_TOKEN_KIND_LOG:
        return "log";

    default:
        return "presence";
    }
}
