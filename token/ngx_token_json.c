
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "token/ngx_token_json.h"
#include "token/ngx_token_json_scan.h"


static const unsigned char *ngx_token_json_skip_space(const unsigned char *p,
    const unsigned char *last);
static const unsigned char *ngx_token_json_skip_value(const unsigned char *p,
    const unsigned char *last);
static const unsigned char *ngx_token_json_skip_nested(const unsigned char *p,
    const unsigned char *last);
static const unsigned char *ngx_token_json_skip_word(const unsigned char *p,
    const unsigned char *last);


ngx_token_json_e
ngx_token_json_type(const ngx_token_str_t *value)
{
    ngx_token_str_t  v;

    v = ngx_token_json_trim(value);

    if (v.len == 0) {
        return NGX_TOKEN_JSON_NULL;
    }

    switch (v.data[0]) {

    case 'n':
        return NGX_TOKEN_JSON_NULL;

    case 'f':
        return NGX_TOKEN_JSON_FALSE;

    case 't':
        return NGX_TOKEN_JSON_TRUE;

    case '"':
        return NGX_TOKEN_JSON_STRING;

    case '[':
        return NGX_TOKEN_JSON_ARRAY;

    case '{':
        return NGX_TOKEN_JSON_OBJECT;

    default:
        return NGX_TOKEN_JSON_NUMBER;
    }
}


void
ngx_token_json_minify(ngx_token_buf_t *b, const ngx_token_str_t *value)
{
    const unsigned char  *p, *last, *run;

    if (value->len == 0) {
        return;
    }

    p = value->data;
    last = p + value->len;
    run = p;

    while (p < last) {

        if (*p == '"') {
            p = ngx_token_json_skip_value(p, last);
            continue;
        }

        if (!ngx_token_json_space(*p)) {
            p++;
            continue;
        }

        ngx_token_buf_append(b, run, (size_t) (p - run));

        p = ngx_token_json_skip_space(p, last);
        run = p;
    }

    ngx_token_buf_append(b, run, (size_t) (p - run));
}


void
ngx_token_json_iter(ngx_token_json_iter_t *it, const ngx_token_str_t *value)
{
    ngx_token_str_t  v;

    v = ngx_token_json_trim(value);

    if (v.len < 2 || (v.data[0] != '{' && v.data[0] != '[')) {
        it->pos = v.data;
        it->last = v.data;
        return;
    }

    /* last is at the closing bracket: it tells an object from an array */

    it->last = v.data + v.len - 1;
    it->pos = ngx_token_json_skip_space(v.data + 1, it->last);
}


ngx_token_rc_t
ngx_token_json_next(ngx_token_json_iter_t *it, ngx_token_str_t *name,
    ngx_token_str_t *value)
{
    const unsigned char  *p, *last;

    p = it->pos;
    last = it->last;

    if (p >= last) {
        return NGX_TOKEN_DONE;
    }

    if (*last == '}') {

        if (name != NULL) {
            name->data = p;
        }

        p = ngx_token_json_skip_value(p, last);

        if (name != NULL) {
            name->len = (size_t) (p - name->data);
        }

        p = ngx_token_json_skip_space(p, last);

        if (p < last) {
            /* the colon */
            p = ngx_token_json_skip_space(p + 1, last);
        }
    }

    value->data = p;
    p = ngx_token_json_skip_value(p, last);
    value->len = (size_t) (p - value->data);

    p = ngx_token_json_skip_space(p, last);

    if (p < last) {
        /* the comma */
        p = ngx_token_json_skip_space(p + 1, last);
    }

    it->pos = p;

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_json_member(const ngx_token_str_t *object,
    const ngx_token_str_t *name, ngx_token_str_t *value)
{
    ngx_token_rc_t         rc;
    ngx_token_str_t        n, v;
    ngx_token_json_iter_t  it;

    if (ngx_token_json_type(object) != NGX_TOKEN_JSON_OBJECT) {
        return NGX_TOKEN_DECLINED;
    }

    rc = NGX_TOKEN_DECLINED;
    n.len = 0;
    n.data = NULL;

    ngx_token_json_iter(&it, object);

    while (ngx_token_json_next(&it, &n, &v) == NGX_TOKEN_OK) {

        if (ngx_token_json_string_is(&n, name)) {
            *value = v;
            rc = NGX_TOKEN_OK;
        }
    }

    return rc;
}


static const unsigned char *
ngx_token_json_skip_space(const unsigned char *p, const unsigned char *last)
{
    while (p < last && ngx_token_json_space(*p)) {
        p++;
    }

    return p;
}


static const unsigned char *
ngx_token_json_skip_value(const unsigned char *p, const unsigned char *last)
{
    if (p == last) {
        return p;
    }

    switch (*p) {

    case '"':
        p = ngx_token_json_skip_string(p, last);
        return p == NULL ? last : p;

    case '{':
    case '[':
        return ngx_token_json_skip_nested(p, last);

    default:
        return ngx_token_json_skip_word(p, last);
    }
}


static const unsigned char *
ngx_token_json_skip_nested(const unsigned char *p, const unsigned char *last)
{
    size_t  depth;

    depth = 0;

    while (p < last) {

        switch (*p) {

        case '"':
            p = ngx_token_json_skip_value(p, last);
            continue;

        case '{':
        case '[':
            depth++;
            break;

        case '}':
        case ']':
            if (--depth == 0) {
                return p + 1;
            }
        }

        p++;
    }

    return last;
}


/* a number, or true, false, null */

static const unsigned char *
ngx_token_json_skip_word(const unsigned char *p, const unsigned char *last)
{
    while (p < last && *p != ',' && *p != ':' && *p != ']' && *p != '}'
           && !ngx_token_json_space(*p))
    {
        p++;
    }

    return p;
}
