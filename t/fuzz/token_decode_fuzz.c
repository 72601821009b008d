
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "token/ngx_token_message.h"


/*
 * Input: a message, as a client may send it.  What is read of it, written as
 * a client would write it, must be read as the same.
 */


#define DEPTH  8


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
require(int ok)
{
    if (!ok) {
        abort();
    }
}


static void
put_string(ngx_token_buf_t *b, const char *name, const ngx_token_str_t *value)
{
    ngx_token_buf_str(b, name);
    ngx_token_buf_json_string(b, value);
}


static void
put_uint(ngx_token_buf_t *b, const char *name, uint64_t n)
{
    ngx_token_buf_str(b, name);
    ngx_token_buf_uint(b, n);
}


static void
put_id(ngx_token_buf_t *b, const unsigned char id[NGX_TOKEN_ID_LEN])
{
    unsigned char  text[NGX_TOKEN_ID_TEXT_LEN];

    ngx_token_id_format(id, text);

    ngx_token_buf_str(b, "\"");
    ngx_token_buf_append(b, text, NGX_TOKEN_ID_TEXT_LEN);
    ngx_token_buf_str(b, "\"");
}


static void
put_watch(ngx_token_buf_t *b, const ngx_token_message_t *m)
{
    put_string(b, ",\"channel\":", &m->channel);

    if (m->epoch.len) {
        put_string(b, ",\"epoch\":", &m->epoch);
        put_uint(b, ",\"seq\":", m->seq);
    }

    if (m->tail) {
        put_uint(b, ",\"last\":", m->tail);
    }
}


static void
put_token(ngx_token_buf_t *b, const ngx_token_message_t *m)
{
    unsigned  i;

    ngx_token_buf_str(b, ",\"id\":");
    put_id(b, m->id);
    ngx_token_buf_str(b, ",\"requests\":[");

    for (i = 0; i < m->nrequests; i++) {
        ngx_token_buf_str(b, i ? ",{" : "{");
        put_string(b, "\"service\":", &m->requests[i].service);
        ngx_token_buf_str(b, ",\"value\":");
        ngx_token_buf_append(b, m->requests[i].value.data,
                             m->requests[i].value.len);
        ngx_token_buf_str(b, "}");
    }

    ngx_token_buf_str(b, "]");
}


static void
put_resume(ngx_token_buf_t *b, const ngx_token_message_t *m)
{
    unsigned  i;

    ngx_token_buf_str(b, ",\"ids\":[");

    for (i = 0; i < m->nids; i++) {
        ngx_token_buf_str(b, i ? "," : "");
        put_id(b, m->ids[i]);
    }

    ngx_token_buf_str(b, "]");
}


static void
encode(ngx_token_buf_t *b, const ngx_token_message_t *m)
{
    static const char  *const types[] = {
        "", "watch", "unwatch", "token", "cancel", "resume", "ping", "pong"
    };

    require(m->type >= NGX_TOKEN_MSG_WATCH && m->type <= NGX_TOKEN_MSG_PONG);

    ngx_token_buf_str(b, "{\"type\":\"");
    ngx_token_buf_str(b, types[m->type]);
    ngx_token_buf_str(b, "\"");

    switch (m->type) {

    case NGX_TOKEN_MSG_WATCH:
    case NGX_TOKEN_MSG_UNWATCH:
        put_watch(b, m);
        break;

    case NGX_TOKEN_MSG_TOKEN:
        put_token(b, m);
        break;

    case NGX_TOKEN_MSG_CANCEL:
        ngx_token_buf_str(b, ",\"id\":");
        put_id(b, m->id);
        break;

    case NGX_TOKEN_MSG_RESUME:
        put_resume(b, m);
        break;

    default:
        break;
    }

    ngx_token_buf_str(b, "}");

    require(!b->failed);
}


static void
test_str(const ngx_token_str_t *a, const ngx_token_str_t *b)
{
    require(a->len == b->len);
    require(a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


static void
test_equal(const ngx_token_message_t *a, const ngx_token_message_t *b)
{
    unsigned       i;
    unsigned char  one[NGX_TOKEN_HASH_LEN], two[NGX_TOKEN_HASH_LEN];

    require(a->type == b->type);
    require(a->seq == b->seq);
    require(a->tail == b->tail);
    require(a->nrequests == b->nrequests);
    require(a->nids == b->nids);

    test_str(&a->channel, &b->channel);
    test_str(&a->epoch, &b->epoch);

    if (a->type == NGX_TOKEN_MSG_TOKEN || a->type == NGX_TOKEN_MSG_CANCEL) {
        require(memcmp(a->id, b->id, NGX_TOKEN_ID_LEN) == 0);
    }

    for (i = 0; i < a->nrequests; i++) {
        test_str(&a->requests[i].service, &b->requests[i].service);
        test_str(&a->requests[i].value, &b->requests[i].value);
    }

    for (i = 0; i < a->nids; i++) {
        require(memcmp(a->ids[i], b->ids[i], NGX_TOKEN_ID_LEN) == 0);
    }

    ngx_token_message_hash(a, one);
    ngx_token_message_hash(b, two);
    require(memcmp(one, two, NGX_TOKEN_HASH_LEN) == 0);
}


/* what the limits promise, whatever was sent */

static void
test_limits(const ngx_token_message_t *m)
{
    unsigned  i;

    require(m->channel.len <= NGX_TOKEN_MAX_CHANNEL);
    require(m->nrequests <= NGX_TOKEN_MAX_REQUESTS);
    require(m->nids <= NGX_TOKEN_MAX_RESUME);
    require((m->type == NGX_TOKEN_MSG_TOKEN) == (m->nrequests != 0));

    for (i = 0; i < m->nrequests; i++) {
        require(m->requests[i].service.len != 0);
        require(m->requests[i].service.len <= NGX_TOKEN_MAX_CHANNEL);
        require(ngx_token_json_check(&m->requests[i].value, DEPTH)
                == NGX_TOKEN_OK);
    }
}


static void
test_error(const ngx_token_message_error_t *err)
{
    ngx_token_buf_t  b;
    ngx_token_str_t  s;

    memset(&b, 0, sizeof(ngx_token_buf_t));

    require(err->code != NULL && err->text != NULL);

    ngx_token_encode_error(&b, err->code, err->text,
                           err->has_id ? err->id : NULL, NULL);

    s.data = b.data;
    s.len = b.len;
    require(ngx_token_json_check(&s, 1) == NGX_TOKEN_OK);

    ngx_token_buf_free(&b);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_token_rc_t             rc;
    ngx_token_buf_t            one, two, b;
    ngx_token_str_t            text;
    ngx_token_message_t        m, again;
    ngx_token_message_error_t  err;

    memset(&one, 0, sizeof(ngx_token_buf_t));
    memset(&two, 0, sizeof(ngx_token_buf_t));
    memset(&b, 0, sizeof(ngx_token_buf_t));

    text.data = data;
    text.len = size;

    rc = ngx_token_message_decode(&text, DEPTH, &one, &m, &err);

    if (rc == NGX_TOKEN_OK) {
        test_limits(&m);
        encode(&b, &m);

        text.data = b.data;
        text.len = b.len;

        /* one request alone comes back as a list: two levels more */

        require(ngx_token_message_decode(&text, DEPTH + 2, &two, &again, &err)
                == NGX_TOKEN_OK);
        test_equal(&m, &again);

    } else {
        require(rc == NGX_TOKEN_INVALID);
        test_error(&err);
    }

    ngx_token_buf_free(&one);
    ngx_token_buf_free(&two);
    ngx_token_buf_free(&b);

    return 0;
}
