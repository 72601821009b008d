
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "token/ngx_token_json.h"
#include "token/ngx_token_json_scan.h"
#include "token/ngx_token_utf8.h"


/*
 * YAJL does not check its allocations, and allocates for every parser.  So it
 * gets memory that cannot fail: an arena on the stack.  What it keeps there
 * (2.1.0) is about 400 bytes of state, one byte for each level of depth, and
 * at the end 2048 bytes for a token that the text ends with.  A text that
 * would make that buffer grow is refused before; see prescan.  malloc() is
 * there for a YAJL that needs more.
 */

#define NGX_TOKEN_JSON_ARENA  6144


typedef struct {
    union {
        void                *ptr;
        double               number;
        uint64_t             integer;
        unsigned char        bytes[NGX_TOKEN_JSON_ARENA];
    } u;

    size_t                   used;
    size_t                   block;       /* where the newest block begins */
} ngx_token_json_arena_t;


typedef struct {
    unsigned                 depth;
    unsigned                 max_depth;
} ngx_token_json_check_t;


static ngx_token_rc_t ngx_token_json_prescan(const ngx_token_str_t *text);
static ngx_token_rc_t ngx_token_json_parse(const ngx_token_str_t *text,
    ngx_token_json_check_t *ctx);
static int ngx_token_json_open(void *ctx);
static int ngx_token_json_close(void *ctx);
static void *ngx_token_json_malloc(void *ctx, size_t size);
static void *ngx_token_json_realloc(void *ctx, void *ptr, size_t size);
static void ngx_token_json_free(void *ctx, void *ptr);
static unsigned ngx_token_json_in_arena(const ngx_token_json_arena_t *a,
    const void *ptr);


/* without callbacks for strings and numbers YAJL does not convert them */

static yajl_callbacks  ngx_token_json_callbacks = {
    .yajl_start_map = ngx_token_json_open,
    .yajl_end_map = ngx_token_json_close,
    .yajl_start_array = ngx_token_json_open,
    .yajl_end_array = ngx_token_json_close
};


ngx_token_rc_t
ngx_token_json_check(const ngx_token_str_t *text, unsigned max_depth)
{
    ngx_token_json_check_t  ctx;

    if (text->len == 0 || ngx_token_json_prescan(text) != NGX_TOKEN_OK) {
        return NGX_TOKEN_INVALID;
    }

    ctx.depth = 0;
    ctx.max_depth = max_depth;

    if (ctx.max_depth > NGX_TOKEN_JSON_MAX_DEPTH) {
        ctx.max_depth = NGX_TOKEN_JSON_MAX_DEPTH;
    }

    return ngx_token_json_parse(text, &ctx);
}


/*
 * What YAJL lets pass, and RFC 8259 does not: vertical tabs and form feeds
 * as white space (2), overlong UTF-8 and surrogates (8.1).  And what would
 * make it buffer without a limit: a string that does not end, a number of
 * any length (9 allows a limit).
 */

static ngx_token_rc_t
ngx_token_json_prescan(const ngx_token_str_t *text)
{
    size_t                word;
    const unsigned char  *p, *last;

    p = text->data;
    last = p + text->len;
    word = 0;

    if (!ngx_token_utf8_valid(p, last)) {
        return NGX_TOKEN_INVALID;
    }

    while (p < last) {

        switch (*p) {

        case '"':
            p = ngx_token_json_skip_string(p, last);

            if (p == NULL) {
                return NGX_TOKEN_INVALID;
            }

            word = 0;
            continue;

        case '\v':
        case '\f':
            return NGX_TOKEN_INVALID;

        case ' ':
        case '\t':
        case '\n':
        case '\r':
        case ',':
        case ':':
        case '[':
        case ']':
        case '{':
        case '}':
            word = 0;
            break;

        default:
            if (++word > NGX_TOKEN_JSON_MAX_NUMBER) {
                return NGX_TOKEN_INVALID;
            }
        }

        p++;
    }

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_json_parse(const ngx_token_str_t *text, ngx_token_json_check_t *ctx)
{
    yajl_handle             h;
    yajl_status             status;
    yajl_alloc_funcs        alloc;
    ngx_token_json_arena_t  arena;

    arena.used = 0;
    arena.block = 0;

    alloc.malloc = ngx_token_json_malloc;
    alloc.realloc = ngx_token_json_realloc;
    alloc.free = ngx_token_json_free;
    alloc.ctx = &arena;

    h = yajl_alloc(&ngx_token_json_callbacks, &alloc, ctx);

    if (h == NULL) {
        return NGX_TOKEN_NOMEM;
    }

    /* done, and stricter, by prescan */
    yajl_config(h, yajl_dont_validate_strings, 1);

    status = yajl_parse(h, text->data, text->len);

    if (status == yajl_status_ok) {
        status = yajl_complete_parse(h);
    }

    yajl_free(h);

    return status == yajl_status_ok ? NGX_TOKEN_OK : NGX_TOKEN_INVALID;
}


static int
ngx_token_json_open(void *ctx)
{
    ngx_token_json_check_t  *c = ctx;

    return ++c->depth <= c->max_depth;
}


static int
ngx_token_json_close(void *ctx)
{
    ngx_token_json_check_t  *c = ctx;

    c->depth--;

    return 1;
}


static void *
ngx_token_json_malloc(void *ctx, size_t size)
{
    ngx_token_json_arena_t  *a = ctx;

    if (size > NGX_TOKEN_JSON_ARENA - a->used) {
        return malloc(size);
    }

    a->block = a->used;
    a->used += (size + 15) & ~(size_t) 15;

    if (a->used > NGX_TOKEN_JSON_ARENA) {
        a->used = NGX_TOKEN_JSON_ARENA;
    }

    return a->u.bytes + a->block;
}


static void *
ngx_token_json_realloc(void *ctx, void *ptr, size_t size)
{
    void                    *p;
    size_t                   old, have;
    ngx_token_json_arena_t  *a = ctx;

    if (ptr == NULL) {
        return ngx_token_json_malloc(ctx, size);
    }

    if (!ngx_token_json_in_arena(a, ptr)) {
        return realloc(ptr, size);
    }

    old = (size_t) ((unsigned char *) ptr - a->u.bytes);
    have = a->used - old;

    if (old == a->block) {
        /* the newest block grows in its place */
        a->used = old;
    }

    p = ngx_token_json_malloc(ctx, size);

    if (p == NULL || p == ptr) {
        return p;
    }

    return memcpy(p, ptr, have < size ? have : size);
}


static void
ngx_token_json_free(void *ctx, void *ptr)
{
    if (!ngx_token_json_in_arena(ctx, ptr)) {
        free(ptr);
    }
}


static unsigned
ngx_token_json_in_arena(const ngx_token_json_arena_t *a, const void *ptr)
{
    uintptr_t  p, first;

    p = (uintptr_t) ptr;
    first = (uintptr_t) a->u.bytes;

    return p >= first && p - first < NGX_TOKEN_JSON_ARENA;
}
