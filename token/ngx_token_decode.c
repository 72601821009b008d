
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <string.h>

#include "token/ngx_token_message.h"
#include "token/ngx_token_json_scan.h"


#define NGX_TOKEN_MAX_EPOCH  64           /* bytes */


/* the members that a message, or one of its requests, may have */

typedef enum {
    NGX_TOKEN_FIELD_TYPE = 0,
    NGX_TOKEN_FIELD_ID,
    NGX_TOKEN_FIELD_SERVICE,
    NGX_TOKEN_FIELD_VALUE,
    NGX_TOKEN_FIELD_REQUESTS,
    NGX_TOKEN_FIELD_IDS,
    NGX_TOKEN_FIELD_CHANNEL,
    NGX_TOKEN_FIELD_EPOCH,
    NGX_TOKEN_FIELD_SEQ,
    NGX_TOKEN_FIELD_TAIL,
    NGX_TOKEN_FIELD_N
} ngx_token_field_e;


typedef struct {
    ngx_token_buf_t             *scratch;
    ngx_token_message_t         *m;
    ngx_token_message_error_t   *err;

    /* slices of the text; data is NULL where there is no such member */
    ngx_token_str_t              fields[NGX_TOKEN_FIELD_N];
} ngx_token_decoder_t;


typedef ngx_token_rc_t (*ngx_token_decode_pt)(ngx_token_decoder_t *d);


typedef struct {
    ngx_token_str_t          name;
    ngx_token_msg_e          type;
    ngx_token_decode_pt      decode;      /* NULL: there is nothing else */
} ngx_token_decode_type_t;


static void ngx_token_decode_fields(const ngx_token_str_t *object,
    ngx_token_str_t *fields);
static ngx_token_rc_t ngx_token_decode_type(ngx_token_decoder_t *d);
static ngx_token_rc_t ngx_token_decode_watch(ngx_token_decoder_t *d);
static ngx_token_rc_t ngx_token_decode_cursor(ngx_token_decoder_t *d);
static ngx_token_rc_t ngx_token_decode_channel(ngx_token_decoder_t *d);
static ngx_token_rc_t ngx_token_decode_token(ngx_token_decoder_t *d);
static ngx_token_rc_t ngx_token_decode_requests(ngx_token_decoder_t *d);
static ngx_token_rc_t ngx_token_decode_request(ngx_token_decoder_t *d,
    const ngx_token_str_t *fields);
static ngx_token_rc_t ngx_token_decode_cancel(ngx_token_decoder_t *d);
static ngx_token_rc_t ngx_token_decode_resume(ngx_token_decoder_t *d);
static ngx_token_rc_t ngx_token_decode_id(ngx_token_decoder_t *d,
    const ngx_token_str_t *value, unsigned char id[NGX_TOKEN_ID_LEN]);
static ngx_token_rc_t ngx_token_decode_name(ngx_token_decoder_t *d,
    const ngx_token_str_t *value, size_t max, ngx_token_str_t *name);
static ngx_token_rc_t ngx_token_decode_bad(ngx_token_decoder_t *d,
    const char *text);
static ngx_token_rc_t ngx_token_decode_fail(ngx_token_message_error_t *err,
    const char *code, const char *text);


/* indexed by ngx_token_field_e */

static const ngx_token_str_t  ngx_token_decode_names[] = {
    ngx_token_string("type"),
    ngx_token_string("id"),
    ngx_token_string("service"),
    ngx_token_string("value"),
    ngx_token_string("requests"),
    ngx_token_string("ids"),
    ngx_token_string("channel"),
    ngx_token_string("epoch"),
    ngx_token_string("seq"),
    ngx_token_string("last")
};


static const ngx_token_decode_type_t  ngx_token_decode_types[] = {
    { ngx_token_string("token"), NGX_TOKEN_MSG_TOKEN, ngx_token_decode_token },
    { ngx_token_string("pong"), NGX_TOKEN_MSG_PONG, NULL },
    { ngx_token_string("ping"), NGX_TOKEN_MSG_PING, NULL },
    { ngx_token_string("watch"), NGX_TOKEN_MSG_WATCH, ngx_token_decode_watch },
    { ngx_token_string("unwatch"), NGX_TOKEN_MSG_UNWATCH,
      ngx_token_decode_channel },
    { ngx_token_string("cancel"), NGX_TOKEN_MSG_CANCEL,
      ngx_token_decode_cancel },
    { ngx_token_string("resume"), NGX_TOKEN_MSG_RESUME,
      ngx_token_decode_resume },
    { { 0, NULL }, NGX_TOKEN_MSG_PING, NULL }
};


ngx_token_rc_t
ngx_token_message_decode(const ngx_token_str_t *text, unsigned max_depth,
    ngx_token_buf_t *scratch, ngx_token_message_t *m,
    ngx_token_message_error_t *err)
{
    ngx_token_rc_t       rc;
    ngx_token_decoder_t  d;

    memset(m, 0, sizeof(ngx_token_message_t));
    memset(err, 0, sizeof(ngx_token_message_error_t));
    memset(&d, 0, sizeof(ngx_token_decoder_t));

    rc = ngx_token_json_check(text, max_depth);

    if (rc == NGX_TOKEN_INVALID) {
        return ngx_token_decode_fail(err, "bad_json",
                                  "the text is not JSON, or nested too deeply");
    }

    /*
     * Decoded and minified forms are not longer than the text, ids need 16
     * bytes of 38: from here on the scratch does not move.
     */

    if (rc != NGX_TOKEN_OK
        || ngx_token_buf_reserve(scratch, text->len) == NULL)
    {
        return NGX_TOKEN_NOMEM;
    }

    d.scratch = scratch;
    d.m = m;
    d.err = err;

    if (ngx_token_json_type(text) != NGX_TOKEN_JSON_OBJECT) {
        return ngx_token_decode_bad(&d, "the message is not an object");
    }

    ngx_token_decode_fields(text, d.fields);

    /* first, for the answer to whatever else is wrong */

    if (ngx_token_decode_id(&d, &d.fields[NGX_TOKEN_FIELD_ID], m->id)
        == NGX_TOKEN_OK)
    {
        err->has_id = 1;
        memcpy(err->id, m->id, NGX_TOKEN_ID_LEN);
    }

    return ngx_token_decode_type(&d);
}


static void
ngx_token_decode_fields(const ngx_token_str_t *object, ngx_token_str_t *fields)
{
    unsigned               i;
    ngx_token_str_t        name, value;
    ngx_token_json_iter_t  it;

    memset(fields, 0, NGX_TOKEN_FIELD_N * sizeof(ngx_token_str_t));

    name.len = 0;
    name.data = NULL;

    ngx_token_json_iter(&it, object);

    while (ngx_token_json_next(&it, &name, &value) == NGX_TOKEN_OK) {

        for (i = 0; i < NGX_TOKEN_FIELD_N; i++) {

            if (ngx_token_json_string_is(&name, &ngx_token_decode_names[i])) {
                fields[i] = value;
                break;
            }
        }
    }
}


static ngx_token_rc_t
ngx_token_decode_type(ngx_token_decoder_t *d)
{
    const ngx_token_str_t          *type;
    const ngx_token_decode_type_t  *t;

    type = &d->fields[NGX_TOKEN_FIELD_TYPE];

    if (type->data == NULL) {
        return ngx_token_decode_bad(d, "\"type\" is missing");
    }

    if (ngx_token_json_type(type) != NGX_TOKEN_JSON_STRING) {
        return ngx_token_decode_bad(d, "\"type\" is not a string");
    }

    for (t = ngx_token_decode_types; t->name.len; t++) {

        if (!ngx_token_json_string_is(type, &t->name)) {
            continue;
        }

        d->m->type = t->type;

        return t->decode == NULL ? NGX_TOKEN_OK : t->decode(d);
    }

    return ngx_token_decode_fail(d->err, "unknown_type",
                                 "there is no such type of message");
}


static ngx_token_rc_t
ngx_token_decode_watch(ngx_token_decoder_t *d)
{
    ngx_token_rc_t    rc;
    ngx_token_str_t  *tail;

    rc = ngx_token_decode_channel(d);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    rc = ngx_token_decode_cursor(d);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    tail = &d->fields[NGX_TOKEN_FIELD_TAIL];

    if (tail->data == NULL) {
        return NGX_TOKEN_OK;
    }

    /* 0 would mean nothing to the client, and everything to the server */

    if (ngx_token_json_uint(tail, &d->m->tail) != NGX_TOKEN_OK
        || d->m->tail == 0)
    {
        return ngx_token_decode_bad(d,
                                    "\"last\" is not a whole number from 1");
    }

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_decode_cursor(ngx_token_decoder_t *d)
{
    ngx_token_str_t  *epoch, *seq;

    epoch = &d->fields[NGX_TOKEN_FIELD_EPOCH];
    seq = &d->fields[NGX_TOKEN_FIELD_SEQ];

    if (epoch->data == NULL && seq->data == NULL) {
        return NGX_TOKEN_OK;
    }

    if (epoch->data == NULL || seq->data == NULL) {
        return ngx_token_decode_bad(d,
                              "a cursor has both \"epoch\" and \"seq\"");
    }

    if (ngx_token_decode_name(d, epoch, NGX_TOKEN_MAX_EPOCH, &d->m->epoch)
        != NGX_TOKEN_OK)
    {
        return ngx_token_decode_bad(d,
                              "\"epoch\" is not a string of 1 to 64 bytes");
    }

    if (ngx_token_json_uint(seq, &d->m->seq) != NGX_TOKEN_OK) {
        return ngx_token_decode_bad(d,
                              "\"seq\" is not a whole number below 2^53");
    }

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_decode_channel(ngx_token_decoder_t *d)
{
    ngx_token_str_t  *channel;

    channel = &d->fields[NGX_TOKEN_FIELD_CHANNEL];

    if (channel->data == NULL) {
        return ngx_token_decode_bad(d, "\"channel\" is missing");
    }

    if (ngx_token_decode_name(d, channel, NGX_TOKEN_MAX_CHANNEL,
                              &d->m->channel)
        != NGX_TOKEN_OK)
    {
        return ngx_token_decode_bad(d,
                              "\"channel\" is not a string of 1 to 255 bytes "
                              "without control characters");
    }

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_decode_token(ngx_token_decoder_t *d)
{
    ngx_token_rc_t    rc;
    ngx_token_str_t  *service, *requests;

    rc = ngx_token_decode_cancel(d);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    service = &d->fields[NGX_TOKEN_FIELD_SERVICE];
    requests = &d->fields[NGX_TOKEN_FIELD_REQUESTS];

    if (service->data == NULL && requests->data == NULL) {
        return ngx_token_decode_bad(d,
                              "neither \"service\" nor \"requests\" is there");
    }

    if (service->data != NULL && requests->data != NULL) {
        return ngx_token_decode_bad(d,
                              "both \"service\" and \"requests\" are there");
    }

    if (requests->data != NULL) {
        return ngx_token_decode_requests(d);
    }

    return ngx_token_decode_request(d, d->fields);
}


static ngx_token_rc_t
ngx_token_decode_requests(ngx_token_decoder_t *d)
{
    ngx_token_rc_t         rc;
    ngx_token_str_t        item, fields[NGX_TOKEN_FIELD_N];
    ngx_token_json_iter_t  it;

    if (ngx_token_json_type(&d->fields[NGX_TOKEN_FIELD_REQUESTS])
        != NGX_TOKEN_JSON_ARRAY)
    {
        return ngx_token_decode_bad(d, "\"requests\" is not an array");
    }

    ngx_token_json_iter(&it, &d->fields[NGX_TOKEN_FIELD_REQUESTS]);

    while (ngx_token_json_next(&it, NULL, &item) == NGX_TOKEN_OK) {

        if (d->m->nrequests == NGX_TOKEN_MAX_REQUESTS) {
            return ngx_token_decode_bad(d,
                                        "\"requests\" has more than 16 items");
        }

        if (ngx_token_json_type(&item) != NGX_TOKEN_JSON_OBJECT) {
            return ngx_token_decode_bad(d,
                                   "an item of \"requests\" is not an object");
        }

        ngx_token_decode_fields(&item, fields);

        rc = ngx_token_decode_request(d, fields);

        if (rc != NGX_TOKEN_OK) {
            return rc;
        }
    }

    if (d->m->nrequests == 0) {
        return ngx_token_decode_bad(d, "\"requests\" is empty");
    }

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_decode_request(ngx_token_decoder_t *d, const ngx_token_str_t *fields)
{
    ngx_token_request_t    *r;
    const ngx_token_str_t  *service, *value;

    static const ngx_token_str_t  null = ngx_token_string("null");

    service = &fields[NGX_TOKEN_FIELD_SERVICE];
    value = &fields[NGX_TOKEN_FIELD_VALUE];

    r = &d->m->requests[d->m->nrequests];

    if (service->data == NULL) {
        return ngx_token_decode_bad(d,
                              "\"service\" of a request is missing");
    }

    if (ngx_token_decode_name(d, service, NGX_TOKEN_MAX_CHANNEL, &r->service)
        != NGX_TOKEN_OK)
    {
        return ngx_token_decode_bad(d,
                              "\"service\" is not a string of 1 to 255 bytes "
                              "without control characters");
    }

    d->m->nrequests++;

    if (value->data == NULL) {
        r->value = null;
        return NGX_TOKEN_OK;
    }

    r->value.data = d->scratch->data + d->scratch->len;

    ngx_token_json_minify(d->scratch, value);

    r->value.len = (size_t) (d->scratch->data + d->scratch->len
                             - r->value.data);

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_decode_cancel(ngx_token_decoder_t *d)
{
    if (d->fields[NGX_TOKEN_FIELD_ID].data == NULL) {
        return ngx_token_decode_bad(d, "\"id\" is missing");
    }

    if (!d->err->has_id) {
        return ngx_token_decode_bad(d, "\"id\" is not a UUIDv7");
    }

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_decode_resume(ngx_token_decoder_t *d)
{
    unsigned char          id[NGX_TOKEN_ID_LEN];
    ngx_token_str_t        item, *ids;
    ngx_token_json_iter_t  it;

    ids = &d->fields[NGX_TOKEN_FIELD_IDS];

    if (ids->data == NULL
        || ngx_token_json_type(ids) != NGX_TOKEN_JSON_ARRAY)
    {
        return ngx_token_decode_bad(d, "\"ids\" is not an array");
    }

    ngx_token_json_iter(&it, ids);

    while (ngx_token_json_next(&it, NULL, &item) == NGX_TOKEN_OK) {

        if (d->m->nids == NGX_TOKEN_MAX_RESUME) {
            return ngx_token_decode_bad(d, "\"ids\" has more than 256 items");
        }

        if (ngx_token_decode_id(d, &item, id) != NGX_TOKEN_OK) {
            return ngx_token_decode_bad(d,
                                        "an item of \"ids\" is not a UUIDv7");
        }

        if (d->m->ids == NULL) {
            d->m->ids = (void *) (d->scratch->data + d->scratch->len);
        }

        ngx_token_buf_append(d->scratch, id, NGX_TOKEN_ID_LEN);
        d->m->nids++;
    }

    return NGX_TOKEN_OK;
}


/* value may be absent */

static ngx_token_rc_t
ngx_token_decode_id(ngx_token_decoder_t *d, const ngx_token_str_t *value,
    unsigned char id[NGX_TOKEN_ID_LEN])
{
    size_t           len;
    ngx_token_rc_t   rc;
    ngx_token_str_t  text;

    if (ngx_token_json_type(value) != NGX_TOKEN_JSON_STRING) {
        return NGX_TOKEN_INVALID;
    }

    len = d->scratch->len;

    ngx_token_json_decode(d->scratch, value);

    text.data = d->scratch->data + len;
    text.len = d->scratch->len - len;

    rc = ngx_token_id_parse(&text, id);

    /* the text of an id is not kept */

    d->scratch->len = len;

    return rc;
}


static ngx_token_rc_t
ngx_token_decode_name(ngx_token_decoder_t *d, const ngx_token_str_t *value,
    size_t max, ngx_token_str_t *name)
{
    size_t  i;

    if (ngx_token_json_type(value) != NGX_TOKEN_JSON_STRING) {
        return NGX_TOKEN_INVALID;
    }

    name->data = d->scratch->data + d->scratch->len;

    ngx_token_json_decode(d->scratch, value);

    name->len = (size_t) (d->scratch->data + d->scratch->len - name->data);

    if (name->len == 0 || name->len > max) {
        return NGX_TOKEN_INVALID;
    }

    for (i = 0; i < name->len; i++) {
        if (name->data[i] < 0x20 || name->data[i] == 0x7f) {
            return NGX_TOKEN_INVALID;
        }
    }

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_decode_bad(ngx_token_decoder_t *d, const char *text)
{
    return ngx_token_decode_fail(d->err, "bad_message", text);
}


static ngx_token_rc_t
ngx_token_decode_fail(ngx_token_message_error_t *err, const char *code,
    const char *text)
{
    err->code = code;
    err->text = text;

    return NGX_TOKEN_INVALID;
}
