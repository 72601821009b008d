
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_reply.h"


static void ngx_http_token_reply_free(void *data);


ngx_int_t
ngx_http_token_reply_begin(ngx_http_request_t *r)
{
    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    return ngx_http_discard_request_body(r);
}


ngx_token_buf_t *
ngx_http_token_reply_buf(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_token_buf_t));
    if (cln == NULL) {
        return NULL;
    }

    ngx_memzero(cln->data, sizeof(ngx_token_buf_t));
    cln->handler = ngx_http_token_reply_free;

    return cln->data;
}


static void
ngx_http_token_reply_free(void *data)
{
    ngx_token_buf_free(data);
}


ngx_table_elt_t *
ngx_http_token_reply_header(ngx_http_request_t *r, const char *key,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NULL;
    }

    h->hash = 1;
    h->key.len = ngx_strlen(key);
    h->key.data = (u_char *) key;
    h->value = *value;

#if (nginx_version >= 1023000)
    h->next = NULL;
#endif

    return h;
}


ngx_int_t
ngx_http_token_reply_send(ngx_http_request_t *r, const char *type,
    ngx_token_buf_t *b)
{
    ngx_int_t     rc;
    ngx_buf_t    *buf;
    ngx_chain_t   out;

    buf = ngx_calloc_buf(r->pool);

    if (buf == NULL || b->failed) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_length_n = (off_t) b->len;
    r->headers_out.status = NGX_HTTP_OK;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    buf->pos = b->data;
    buf->last = b->data + b->len;
    buf->memory = (b->len != 0);
    buf->last_buf = (r == r->main);
    buf->last_in_chain = 1;

    out.buf = buf;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
