
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "token/ngx_token_json.h"
#include "token/ngx_token_json_scan.h"


#define NGX_TOKEN_JSON_MAX_INTEGER  9007199254740991LL    /* 2^53 - 1 */
#define NGX_TOKEN_JSON_MAX_POINT    8     /* bytes of a decimal point */


typedef struct {
    int64_t                  n;
    unsigned                 integer:1;   /* no fraction, no exponent */
    unsigned                 exact:1;     /* n is set: within +-(2^53 - 1) */
} ngx_token_json_integer_t;


static ngx_token_json_integer_t ngx_token_json_integer(
    const ngx_token_str_t *v);
static ngx_token_rc_t ngx_token_json_add_integers(ngx_token_buf_t *out,
    int64_t sum);
static ngx_token_rc_t ngx_token_json_add_doubles(ngx_token_buf_t *out,
    const ngx_token_str_t *a, const ngx_token_str_t *b);
static double ngx_token_json_double(const ngx_token_str_t *v,
    const char *point);
static void ngx_token_json_point(char point[NGX_TOKEN_JSON_MAX_POINT]);


ngx_token_rc_t
ngx_token_json_uint(const ngx_token_str_t *value, uint64_t *n)
{
    ngx_token_str_t           v;
    ngx_token_json_integer_t  i;

    v = ngx_token_json_trim(value);

    if (v.len == 0 || v.data[0] == '-') {
        return NGX_TOKEN_INVALID;
    }

    i = ngx_token_json_integer(&v);

    if (!i.exact) {
        return NGX_TOKEN_INVALID;
    }

    *n = (uint64_t) i.n;

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_json_add(ngx_token_buf_t *out, const ngx_token_str_t *a,
    const ngx_token_str_t *b)
{
    ngx_token_str_t           va, vb;
    ngx_token_json_integer_t  ia, ib;

    if (ngx_token_json_type(a) != NGX_TOKEN_JSON_NUMBER
        || ngx_token_json_type(b) != NGX_TOKEN_JSON_NUMBER)
    {
        return NGX_TOKEN_INVALID;
    }

    va = ngx_token_json_trim(a);
    vb = ngx_token_json_trim(b);

    if (va.len > NGX_TOKEN_JSON_MAX_NUMBER
        || vb.len > NGX_TOKEN_JSON_MAX_NUMBER)
    {
        return NGX_TOKEN_INVALID;
    }

    ia = ngx_token_json_integer(&va);
    ib = ngx_token_json_integer(&vb);

    if (!ia.integer || !ib.integer) {
        return ngx_token_json_add_doubles(out, &va, &vb);
    }

    if (!ia.exact || !ib.exact) {
        return NGX_TOKEN_DECLINED;
    }

    return ngx_token_json_add_integers(out, ia.n + ib.n);
}


static ngx_token_json_integer_t
ngx_token_json_integer(const ngx_token_str_t *v)
{
    size_t                    i;
    ngx_token_json_integer_t  r;

    r.n = 0;
    r.integer = 0;
    r.exact = 0;

    i = v->len && v->data[0] == '-';

    if (i == v->len) {
        return r;
    }

    r.exact = 1;

    for ( /* void */ ; i < v->len; i++) {

        if (v->data[i] < '0' || v->data[i] > '9') {
            r.exact = 0;
            return r;
        }

        if (r.exact) {
            r.n = r.n * 10 + (v->data[i] - '0');
            r.exact = r.n <= NGX_TOKEN_JSON_MAX_INTEGER;
        }
    }

    r.integer = 1;

    if (v->data[0] == '-') {
        r.n = -r.n;
    }

    return r;
}


static ngx_token_rc_t
ngx_token_json_add_integers(ngx_token_buf_t *out, int64_t sum)
{
    if (sum > NGX_TOKEN_JSON_MAX_INTEGER
        || sum < -NGX_TOKEN_JSON_MAX_INTEGER)
    {
        return NGX_TOKEN_DECLINED;
    }

    if (sum < 0) {
        ngx_token_buf_append(out, "-", 1);
        sum = -sum;
    }

    ngx_token_buf_uint(out, (uint64_t) sum);

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_json_add_doubles(ngx_token_buf_t *out, const ngx_token_str_t *a,
    const ngx_token_str_t *b)
{
    int     digits;
    char   *p;
    char    text[64], point[NGX_TOKEN_JSON_MAX_POINT];
    double  sum;

    ngx_token_json_point(point);

    sum = ngx_token_json_double(a, point) + ngx_token_json_double(b, point);

    if (!isfinite(sum)) {
        return NGX_TOKEN_DECLINED;
    }

    if (sum == 0) {
        /* not -0 */
        ngx_token_buf_append(out, "0", 1);
        return NGX_TOKEN_OK;
    }

    /*
     * A decimal of 15 digits survives a double, unless that is subnormal;
     * 17 digits always read back.
     */

    for (digits = isnormal(sum) ? DBL_DIG : 1; digits < 17; digits++) {
        (void) snprintf(text, sizeof(text), "%.*g", digits, sum);

        if (strtod(text, NULL) == sum) {
            break;
        }
    }

    (void) snprintf(text, sizeof(text), "%.*g", digits, sum);

    p = strstr(text, point);

    if (p == NULL) {
        ngx_token_buf_str(out, text);
        return NGX_TOKEN_OK;
    }

    ngx_token_buf_append(out, text, (size_t) (p - text));
    ngx_token_buf_append(out, ".", 1);
    ngx_token_buf_str(out, p + strlen(point));

    return NGX_TOKEN_OK;
}


/* strtod() wants a null, and the locale's decimal point */

static double
ngx_token_json_double(const ngx_token_str_t *v, const char *point)
{
    char                 *p;
    char                  text[NGX_TOKEN_JSON_MAX_NUMBER
                               + NGX_TOKEN_JSON_MAX_POINT + 1];
    size_t                len;
    const unsigned char  *dot;

    dot = memchr(v->data, '.', v->len);
    len = dot == NULL ? v->len : (size_t) (dot - v->data);
    p = text;

    memcpy(p, v->data, len);
    p += len;

    if (dot != NULL) {
        memcpy(p, point, strlen(point));
        p += strlen(point);

        memcpy(p, dot + 1, v->len - len - 1);
        p += v->len - len - 1;
    }

    *p = '\0';

    return strtod(text, NULL);
}


/*
 * The decimal point of the locale that another part of the process may have
 * set: what stands between the digits of 0.5.  localeconv() is not safe in
 * threads.
 */

static void
ngx_token_json_point(char point[NGX_TOKEN_JSON_MAX_POINT])
{
    int   n;
    char  text[NGX_TOKEN_JSON_MAX_POINT + 2];

    n = snprintf(text, sizeof(text), "%.1f", 0.5);

    if (n < 3 || n >= (int) sizeof(text)) {
        memcpy(point, ".", 2);
        return;
    }

    memcpy(point, text + 1, (size_t) n - 2);
    point[n - 2] = '\0';
}
