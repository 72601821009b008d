
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <string.h>

#include "store/ngx_token_find.h"


#define NGX_TOKEN_FIND_STEP   4096        /* records read in one snapshot */
#define NGX_TOKEN_FIND_DEPTH  32          /* of values that are looked into */


/* a ring of the newest records that were found */

typedef struct {
    ngx_token_str_t          text;
    ngx_token_buf_t          scratch;
    size_t                   limit;
    size_t                   n;           /* found in all */
    ngx_token_buf_t          found[NGX_TOKEN_FIND_MAX];
} ngx_token_find_t;


static ngx_token_rc_t ngx_token_find_step(ngx_token_find_t *f,
    ngx_token_store_t *st, const ngx_token_str_t *log, uint64_t *after);
static unsigned ngx_token_find_value(ngx_token_find_t *f,
    const ngx_token_str_t *value, unsigned depth);
static unsigned ngx_token_find_string(ngx_token_find_t *f,
    const ngx_token_str_t *value);
static unsigned char ngx_token_find_lower(unsigned char ch);
static void ngx_token_find_result(ngx_token_find_t *f, ngx_token_buf_t *out);


ngx_token_rc_t
ngx_token_store_find(ngx_token_store_t *st, const ngx_token_str_t *log,
    const ngx_token_str_t *text, size_t limit, const volatile unsigned *stop,
    ngx_token_buf_t *out)
{
    size_t            i;
    uint64_t          after;
    ngx_token_rc_t    rc;
    ngx_token_find_t  f;

    memset(&f, 0, sizeof(ngx_token_find_t));

    f.text = *text;
    f.limit = (limit == 0) ? 1 : limit;

    if (f.limit > NGX_TOKEN_FIND_MAX) {
        f.limit = NGX_TOKEN_FIND_MAX;
    }

    after = 0;
    rc = (text->len == 0) ? NGX_TOKEN_DONE : NGX_TOKEN_OK;

    while (rc == NGX_TOKEN_OK) {
        rc = *stop ? NGX_TOKEN_DECLINED
                   : ngx_token_find_step(&f, st, log, &after);
    }

    if (rc == NGX_TOKEN_DONE) {
        ngx_token_find_result(&f, out);
        rc = out->failed ? NGX_TOKEN_NOMEM : NGX_TOKEN_OK;
    }

    ngx_token_buf_free(&f.scratch);

    for (i = 0; i < f.limit; i++) {
        ngx_token_buf_free(&f.found[i]);
    }

    return rc;
}


/* Returns: NGX_TOKEN_OK: there may be more; NGX_TOKEN_DONE */

static ngx_token_rc_t
ngx_token_find_step(ngx_token_find_t *f, ngx_token_store_t *st,
    const ngx_token_str_t *log, uint64_t *after)
{
    unsigned             i;
    ngx_token_rc_t       rc;
    ngx_token_buf_t     *b;
    ngx_token_read_t    *r;
    ngx_token_record_t   rec;

    rc = ngx_token_read_begin(st, &r);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    for (i = 0; i < NGX_TOKEN_FIND_STEP && rc == NGX_TOKEN_OK; i++) {

        rc = ngx_token_read_record(r, log, *after, &rec);

        if (rc != NGX_TOKEN_OK) {
            break;
        }

        *after = rec.seq;

        if (ngx_token_find_value(f, &rec.value, 0)) {
            b = &f->found[f->n++ % f->limit];
            ngx_token_buf_reset(b);
            ngx_token_encode_record(b, log, &rec);

            if (b->failed) {
                rc = NGX_TOKEN_NOMEM;
            }
        }
    }

    ngx_token_read_end(r);

    return rc;
}


static unsigned
ngx_token_find_value(ngx_token_find_t *f, const ngx_token_str_t *value,
    unsigned depth)
{
    ngx_token_str_t        name, member;
    ngx_token_json_iter_t  it;

    if (value->len == 0) {
        return 0;
    }

    switch (ngx_token_json_type(value)) {

    case NGX_TOKEN_JSON_STRING:
        return ngx_token_find_string(f, value);

    case NGX_TOKEN_JSON_ARRAY:
    case NGX_TOKEN_JSON_OBJECT:
        break;

    default:
        return 0;
    }

    if (depth == NGX_TOKEN_FIND_DEPTH) {
        return 0;
    }

    ngx_token_json_iter(&it, value);

    while (ngx_token_json_next(&it, &name, &member) == NGX_TOKEN_OK) {
        if (ngx_token_find_value(f, &member, depth + 1)) {
            return 1;
        }
    }

    return 0;
}


static unsigned
ngx_token_find_string(ngx_token_find_t *f, const ngx_token_str_t *value)
{
    size_t                i, k;
    const unsigned char  *p;

    ngx_token_buf_reset(&f->scratch);
    ngx_token_json_decode(&f->scratch, value);

    p = f->scratch.data;

    for (i = 0; i + f->text.len <= f->scratch.len; i++) {

        for (k = 0; k < f->text.len; k++) {
            if (ngx_token_find_lower(p[i + k])
                != ngx_token_find_lower(f->text.data[k]))
            {
                break;
            }
        }

        if (k == f->text.len) {
            return 1;
        }
    }

    return 0;
}


static unsigned char
ngx_token_find_lower(unsigned char ch)
{
    return (ch >= 'A' && ch <= 'Z') ? (unsigned char) (ch | 0x20) : ch;
}


static void
ngx_token_find_result(ngx_token_find_t *f, ngx_token_buf_t *out)
{
    size_t            i, n;
    ngx_token_buf_t  *b;

    n = (f->n < f->limit) ? f->n : f->limit;

    ngx_token_buf_append(out, "[", 1);

    for (i = 1; i <= n; i++) {
        b = &f->found[(f->n - i) % f->limit];

        if (i > 1) {

            if (out->len + b->len > NGX_TOKEN_FIND_BYTES) {
                break;
            }

            ngx_token_buf_append(out, ",", 1);
        }

        ngx_token_buf_append(out, b->data, b->len);
    }

    ngx_token_buf_append(out, "]", 1);
}
