
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_deflate.h"


static ngx_token_ws_deflater_t  *ngx_http_token_deflater;
static ngx_token_ws_inflater_t  *ngx_http_token_inflater;
static ngx_token_buf_t           ngx_http_token_deflated;
static ngx_token_buf_t           ngx_http_token_inflated;


ngx_int_t
ngx_http_token_deflate_init(ngx_uint_t level)
{
    ngx_token_ws_deflate_conf_t  conf;

    if (level == 0 || ngx_http_token_deflater) {
        return NGX_OK;
    }

    conf.level = (unsigned char) level;
    conf.server_bits = NGX_TOKEN_WS_SERVER_BITS;
    conf.client_bits = NGX_TOKEN_WS_MAX_BITS;
    conf.mem_level = NGX_TOKEN_WS_MEM_LEVEL;

    ngx_http_token_deflater = ngx_token_ws_deflater_create(&conf, NULL);
    ngx_http_token_inflater = ngx_token_ws_inflater_create(NULL);

    if (ngx_http_token_deflater && ngx_http_token_inflater) {
        return NGX_OK;
    }

    ngx_http_token_deflate_exit();

    return NGX_ERROR;
}


void
ngx_http_token_deflate_exit(void)
{
    ngx_token_ws_deflater_destroy(ngx_http_token_deflater);
    ngx_token_ws_inflater_destroy(ngx_http_token_inflater);

    ngx_http_token_deflater = NULL;
    ngx_http_token_inflater = NULL;

    ngx_token_buf_free(&ngx_http_token_deflated);
    ngx_token_buf_free(&ngx_http_token_inflated);
}


size_t
ngx_http_token_deflate(const u_char *data, size_t len, u_char **out)
{
    if (len < NGX_TOKEN_WS_MIN_DEFLATE || ngx_http_token_deflater == NULL) {
        return 0;
    }

    ngx_token_buf_reset(&ngx_http_token_deflated);

    *out = ngx_token_buf_reserve(&ngx_http_token_deflated, len);
    if (*out == NULL) {
        return 0;
    }

    return ngx_token_ws_deflate(ngx_http_token_deflater, data, len, *out, len);
}


ngx_int_t
ngx_http_token_inflate(ngx_http_token_session_t *s,
    ngx_token_ws_opcode_e opcode, u_char **data, size_t *len,
    ngx_token_ws_event_t *ev)
{
    ngx_token_buf_t              *b;
    ngx_token_ws_rc_t             rc;
    ngx_token_ws_event_t          in;
    ngx_token_ws_inflate_conf_t   conf;

    ngx_memzero(&in, sizeof(ngx_token_ws_event_t));
    in.opcode = opcode;
    in.first = 1;
    in.last = 1;
    in.data = *data;
    in.len = *len;

    ngx_memzero(&conf, sizeof(ngx_token_ws_inflate_conf_t));
    conf.max_message = s->lcf->max_message;
    conf.max_ratio = (uint32_t) s->lcf->max_ratio;

    b = &ngx_http_token_inflated;
    ngx_token_buf_reset(b);

    for ( ;; ) {
        rc = ngx_token_ws_inflate(ngx_http_token_inflater, &conf, &in, ev);

        if (rc == NGX_TOKEN_WS_ERROR) {
            return NGX_DECLINED;
        }

        if (rc == NGX_TOKEN_WS_AGAIN) {
            break;
        }

        ngx_token_buf_append(b, ev->data, ev->len);

        if (ev->last) {
            break;
        }
    }

    if (b->failed) {
        ev->code = NGX_TOKEN_WS_INTERNAL;
        ev->reason = "no memory";
        return NGX_DECLINED;
    }

    *data = b->data;
    *len = b->len;

    return NGX_OK;
}
