
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <stdlib.h>
#include <string.h>

#include "token/ngx_token_json.h"
#include "token/ngx_token_json_scan.h"


/*
 * RFC 7396.  The members of a patch object are sorted by their decoded names
 * first: looking each of them up in the text would take time quadratic in
 * what a client may send.
 *
 *     target  {"a":1, "b":2, "c":3}        members, in the order of the patch
 *                      |                       +-------+-------+
 *                      | lookup                | d: 4  | b: {} |
 *                      |                       +-------+-------+
 *                      v                           ^       ^
 *     sorted  [ b, d ] ---------------------------------------
 */

typedef struct {
    ngx_token_str_t          key;         /* decoded name */
    ngx_token_str_t          name;        /* as it came, with its quotes */
    ngx_token_str_t          value;
    const unsigned char     *target;      /* the value of that name in the
                                             target; NULL: there is none */
    unsigned                 hidden:1;    /* the same name comes again */
} ngx_token_json_patch_t;


typedef struct {
    size_t                    n;
    ngx_token_json_patch_t   *members;
    size_t                    nsorted;    /* without the hidden ones */
    ngx_token_json_patch_t  **sorted;
    ngx_token_buf_t           keys;       /* decoded names of the patch */
    ngx_token_buf_t           key;        /* of the one looked up */
    unsigned                  failed:1;   /* a lookup had no memory */
} ngx_token_json_index_t;


static const ngx_token_str_t  ngx_token_json_empty = ngx_token_string("{}");


static ngx_token_rc_t ngx_token_json_merge_objects(ngx_token_buf_t *out,
    const ngx_token_str_t *target, const ngx_token_str_t *patch,
    unsigned max_depth);
static ngx_token_rc_t ngx_token_json_merge_old(ngx_token_buf_t *out,
    ngx_token_json_index_t *x, const ngx_token_str_t *target,
    unsigned max_depth);
static ngx_token_rc_t ngx_token_json_merge_new(ngx_token_buf_t *out,
    const ngx_token_json_index_t *x, unsigned max_depth);
static ngx_token_rc_t ngx_token_json_merge_member(ngx_token_buf_t *out,
    const ngx_token_str_t *name, const ngx_token_str_t *target,
    const ngx_token_json_patch_t *m, unsigned max_depth);
static void ngx_token_json_merge_name(ngx_token_buf_t *out,
    const ngx_token_str_t *name);
static ngx_token_rc_t ngx_token_json_index(ngx_token_json_index_t *x,
    const ngx_token_str_t *patch);
static void ngx_token_json_index_sort(ngx_token_json_index_t *x);
static void ngx_token_json_index_target(ngx_token_json_index_t *x,
    const ngx_token_str_t *target);
static ngx_token_json_patch_t *ngx_token_json_index_find(
    ngx_token_json_index_t *x, const ngx_token_str_t *name);
static void ngx_token_json_index_free(ngx_token_json_index_t *x);
static int ngx_token_json_patch_cmp(const void *one, const void *two);
static int ngx_token_json_key_cmp(const ngx_token_str_t *a,
    const ngx_token_str_t *b);


ngx_token_rc_t
ngx_token_json_merge(ngx_token_buf_t *out, const ngx_token_str_t *target,
    const ngx_token_str_t *patch, unsigned max_depth)
{
    if (ngx_token_json_type(patch) != NGX_TOKEN_JSON_OBJECT) {
        ngx_token_json_minify(out, patch);
        return NGX_TOKEN_OK;
    }

    if (max_depth == 0) {
        return NGX_TOKEN_INVALID;
    }

    if (ngx_token_json_type(target) != NGX_TOKEN_JSON_OBJECT) {
        target = &ngx_token_json_empty;
    }

    return ngx_token_json_merge_objects(out, target, patch, max_depth);
}


static ngx_token_rc_t
ngx_token_json_merge_objects(ngx_token_buf_t *out,
    const ngx_token_str_t *target, const ngx_token_str_t *patch,
    unsigned max_depth)
{
    ngx_token_rc_t          rc;
    ngx_token_json_index_t  x;

    if (ngx_token_json_index(&x, patch) != NGX_TOKEN_OK) {
        ngx_token_json_index_free(&x);
        out->failed = 1;
        return NGX_TOKEN_OK;
    }

    ngx_token_json_index_target(&x, target);

    ngx_token_buf_append(out, "{", 1);

    rc = ngx_token_json_merge_old(out, &x, target, max_depth - 1);

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_json_merge_new(out, &x, max_depth - 1);
    }

    ngx_token_buf_append(out, "}", 1);

    if (x.failed) {
        out->failed = 1;
    }

    ngx_token_json_index_free(&x);

    return rc;
}


/* the target's members, in their order */

static ngx_token_rc_t
ngx_token_json_merge_old(ngx_token_buf_t *out, ngx_token_json_index_t *x,
    const ngx_token_str_t *target, unsigned max_depth)
{
    ngx_token_rc_t           rc;
    ngx_token_str_t          name, value;
    ngx_token_json_iter_t    it;
    ngx_token_json_patch_t  *m;

    name.len = 0;
    name.data = NULL;

    ngx_token_json_iter(&it, target);

    while (ngx_token_json_next(&it, &name, &value) == NGX_TOKEN_OK) {

        m = ngx_token_json_index_find(x, &name);

        if (m == NULL) {
            ngx_token_json_merge_name(out, &name);
            ngx_token_json_minify(out, &value);
            continue;
        }

        if (m->target != value.data) {
            /* a later one of the same name hides it */
            continue;
        }

        rc = ngx_token_json_merge_member(out, &name, &value, m, max_depth);

        if (rc != NGX_TOKEN_OK) {
            return rc;
        }
    }

    return NGX_TOKEN_OK;
}


/* what only the patch has, in its order */

static ngx_token_rc_t
ngx_token_json_merge_new(ngx_token_buf_t *out, const ngx_token_json_index_t *x,
    unsigned max_depth)
{
    size_t                   i;
    ngx_token_rc_t           rc;
    ngx_token_json_patch_t  *m;

    for (i = 0; i < x->n; i++) {
        m = &x->members[i];

        if (m->hidden || m->target != NULL) {
            continue;
        }

        rc = ngx_token_json_merge_member(out, &m->name, &ngx_token_json_empty,
                                         m, max_depth);
        if (rc != NGX_TOKEN_OK) {
            return rc;
        }
    }

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_json_merge_member(ngx_token_buf_t *out, const ngx_token_str_t *name,
    const ngx_token_str_t *target, const ngx_token_json_patch_t *m,
    unsigned max_depth)
{
    if (ngx_token_json_type(&m->value) == NGX_TOKEN_JSON_NULL) {
        return NGX_TOKEN_OK;
    }

    ngx_token_json_merge_name(out, name);

    return ngx_token_json_merge(out, target, &m->value, max_depth);
}


static void
ngx_token_json_merge_name(ngx_token_buf_t *out, const ngx_token_str_t *name)
{
    if (out->len && out->data[out->len - 1] != '{') {
        ngx_token_buf_append(out, ",", 1);
    }

    ngx_token_buf_append(out, name->data, name->len);
    ngx_token_buf_append(out, ":", 1);
}


static ngx_token_rc_t
ngx_token_json_index(ngx_token_json_index_t *x, const ngx_token_str_t *patch)
{
    size_t                   n;
    ngx_token_str_t          name, value;
    ngx_token_json_iter_t    it;
    ngx_token_json_patch_t  *m;

    memset(x, 0, sizeof(ngx_token_json_index_t));

    ngx_token_json_iter(&it, patch);

    for (n = 0; ngx_token_json_next(&it, NULL, &value) == NGX_TOKEN_OK; n++) {
        /* void */
    }

    if (n == 0) {
        return NGX_TOKEN_OK;
    }

    x->members = calloc(n, sizeof(ngx_token_json_patch_t));
    x->sorted = calloc(n, sizeof(ngx_token_json_patch_t *));

    /* decoded names are not longer: the keys do not move */

    if (x->members == NULL || x->sorted == NULL
        || ngx_token_buf_reserve(&x->keys, patch->len) == NULL)
    {
        return NGX_TOKEN_NOMEM;
    }

    name.len = 0;
    name.data = NULL;

    ngx_token_json_iter(&it, patch);

    while (x->n < n
           && ngx_token_json_next(&it, &name, &value) == NGX_TOKEN_OK)
    {
        m = &x->members[x->n];

        m->name = name;
        m->value = value;
        m->key.data = x->keys.data + x->keys.len;

        ngx_token_json_decode(&x->keys, &name);

        m->key.len = (size_t) (x->keys.data + x->keys.len - m->key.data);

        x->sorted[x->n++] = m;
    }

    ngx_token_json_index_sort(x);

    return NGX_TOKEN_OK;
}


static void
ngx_token_json_index_sort(ngx_token_json_index_t *x)
{
    size_t                   i, n;
    ngx_token_json_patch_t  *m;

    qsort(x->sorted, x->n, sizeof(ngx_token_json_patch_t *),
          ngx_token_json_patch_cmp);

    /* of equal names the last one counts */

    n = 0;

    for (i = 0; i < x->n; i++) {
        m = x->sorted[i];

        if (n && ngx_token_json_key_cmp(&x->sorted[n - 1]->key, &m->key) == 0)
        {
            x->sorted[n - 1]->hidden = 1;
            n--;
        }

        x->sorted[n++] = m;
    }

    x->nsorted = n;
}


/* notes which value of the target each member of the patch will meet */

static void
ngx_token_json_index_target(ngx_token_json_index_t *x,
    const ngx_token_str_t *target)
{
    ngx_token_str_t          name, value;
    ngx_token_json_iter_t    it;
    ngx_token_json_patch_t  *m;

    name.len = 0;
    name.data = NULL;

    ngx_token_json_iter(&it, target);

    while (ngx_token_json_next(&it, &name, &value) == NGX_TOKEN_OK) {

        m = ngx_token_json_index_find(x, &name);

        if (m != NULL) {
            m->target = value.data;
        }
    }
}


static ngx_token_json_patch_t *
ngx_token_json_index_find(ngx_token_json_index_t *x,
    const ngx_token_str_t *name)
{
    int              rc;
    size_t           lo, hi, mid;
    ngx_token_str_t  key;

    ngx_token_buf_reset(&x->key);
    ngx_token_json_decode(&x->key, name);

    if (x->key.failed) {
        x->failed = 1;
        return NULL;
    }

    key.data = x->key.data;
    key.len = x->key.len;

    lo = 0;
    hi = x->nsorted;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;
        rc = ngx_token_json_key_cmp(&key, &x->sorted[mid]->key);

        if (rc == 0) {
            return x->sorted[mid];
        }

        if (rc < 0) {
            hi = mid;

        } else {
            lo = mid + 1;
        }
    }

    return NULL;
}


static void
ngx_token_json_index_free(ngx_token_json_index_t *x)
{
    free(x->members);
    free(x->sorted);
    ngx_token_buf_free(&x->keys);
    ngx_token_buf_free(&x->key);
}


static int
ngx_token_json_patch_cmp(const void *one, const void *two)
{
    int                                   rc;
    const ngx_token_json_patch_t         *a, *b;
    const ngx_token_json_patch_t *const  *pa = one;
    const ngx_token_json_patch_t *const  *pb = two;

    a = *pa;
    b = *pb;

    rc = ngx_token_json_key_cmp(&a->key, &b->key);

    if (rc == 0) {
        /* both are in one array, in the order of the patch */
        rc = a < b ? -1 : 1;
    }

    return rc;
}


static int
ngx_token_json_key_cmp(const ngx_token_str_t *a, const ngx_token_str_t *b)
{
    int     rc;
    size_t  len;

    len = a->len < b->len ? a->len : b->len;
    rc = len ? memcmp(a->data, b->data, len) : 0;

    if (rc == 0 && a->len != b->len) {
        rc = a->len < b->len ? -1 : 1;
    }

    return rc;
}
