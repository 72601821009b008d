
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <string.h>

#include "token/ngx_token.h"


/*
 * The flat form of a commit record, little-endian, without padding:
 *
 *      0   1  version of this format
 *      1   1  outcome
 *      2   1  error
 *      3   1  number of effects
 *      4  16  id
 *     20  16  hash
 *     36   8  time
 *     44   8  horizon
 *     52   4  length of user
 *     56   4  length of result
 *     60      user, result
 *
 * and each effect:
 *
 *      0   1  type
 *      1   4  length of channel
 *      5   4  length of value
 *      9   4  length of initial
 *     13   8  version
 *     21   8  keep
 *     29   8  since
 *     37      channel, value, initial
 */

#define NGX_TOKEN_COMMIT_VERSION  1
#define NGX_TOKEN_COMMIT_HEAD     60
#define NGX_TOKEN_COMMIT_EFFECT   37


typedef struct {
    const unsigned char     *pos;
    const unsigned char     *last;
    unsigned                 failed:1;    /* truncated; zeroes are returned */
} ngx_token_commit_reader_t;


static unsigned char *ngx_token_commit_put_effect(unsigned char *p,
    const ngx_token_effect_t *e);
static unsigned char *ngx_token_commit_put_u32(unsigned char *p, size_t n);
static unsigned char *ngx_token_commit_put_u64(unsigned char *p, uint64_t n);
static unsigned char *ngx_token_commit_put_str(unsigned char *p,
    const ngx_token_str_t *s);
static unsigned ngx_token_commit_valid_head(const ngx_token_commit_t *c);
static unsigned ngx_token_commit_valid_effect(const ngx_token_effect_t *e);
static ngx_token_rc_t ngx_token_commit_get_effect(ngx_token_commit_reader_t *r,
    ngx_token_effect_t *e);
static unsigned ngx_token_commit_get_u8(ngx_token_commit_reader_t *r);
static size_t ngx_token_commit_get_u32(ngx_token_commit_reader_t *r);
static uint64_t ngx_token_commit_get_u64(ngx_token_commit_reader_t *r);
static void ngx_token_commit_get_bytes(ngx_token_commit_reader_t *r,
    unsigned char *out, size_t len);
static void ngx_token_commit_get_str(ngx_token_commit_reader_t *r,
    ngx_token_str_t *s);
static const unsigned char *ngx_token_commit_take(
    ngx_token_commit_reader_t *r, size_t len);


size_t
ngx_token_commit_size(const ngx_token_commit_t *c)
{
    size_t                     size;
    unsigned                   i;
    const ngx_token_effect_t  *e;

    size = NGX_TOKEN_COMMIT_HEAD + c->user.len + c->result.len;

    for (i = 0; i < c->neffects; i++) {
        e = &c->effects[i];
        size += NGX_TOKEN_COMMIT_EFFECT + e->channel.len + e->value.len
                + e->initial.len;
    }

    return size;
}


void
ngx_token_commit_encode(const ngx_token_commit_t *c, unsigned char *buf)
{
    unsigned        i;
    unsigned char  *p;

    p = buf;

    *p++ = NGX_TOKEN_COMMIT_VERSION;
    *p++ = (unsigned char) c->outcome;
    *p++ = (unsigned char) c->error;
    *p++ = (unsigned char) c->neffects;

    memcpy(p, c->id, NGX_TOKEN_ID_LEN);
    p += NGX_TOKEN_ID_LEN;

    memcpy(p, c->hash, NGX_TOKEN_HASH_LEN);
    p += NGX_TOKEN_HASH_LEN;

    p = ngx_token_commit_put_u64(p, c->time);
    p = ngx_token_commit_put_u64(p, c->horizon);
    p = ngx_token_commit_put_u32(p, c->user.len);
    p = ngx_token_commit_put_u32(p, c->result.len);

    p = ngx_token_commit_put_str(p, &c->user);
    p = ngx_token_commit_put_str(p, &c->result);

    for (i = 0; i < c->neffects; i++) {
        p = ngx_token_commit_put_effect(p, &c->effects[i]);
    }
}


static unsigned char *
ngx_token_commit_put_effect(unsigned char *p, const ngx_token_effect_t *e)
{
    *p++ = (unsigned char) e->type;

    p = ngx_token_commit_put_u32(p, e->channel.len);
    p = ngx_token_commit_put_u32(p, e->value.len);
    p = ngx_token_commit_put_u32(p, e->initial.len);
    p = ngx_token_commit_put_u64(p, e->version);
    p = ngx_token_commit_put_u64(p, e->keep);
    p = ngx_token_commit_put_u64(p, e->since);

    p = ngx_token_commit_put_str(p, &e->channel);
    p = ngx_token_commit_put_str(p, &e->value);

    return ngx_token_commit_put_str(p, &e->initial);
}


/* compilers make one store of this, and one load of its counterparts */

static unsigned char *
ngx_token_commit_put_u32(unsigned char *p, size_t n)
{
    p[0] = (unsigned char) n;
    p[1] = (unsigned char) (n >> 8);
    p[2] = (unsigned char) (n >> 16);
    p[3] = (unsigned char) (n >> 24);

    return p + 4;
}


static unsigned char *
ngx_token_commit_put_u64(unsigned char *p, uint64_t n)
{
    p[0] = (unsigned char) n;
    p[1] = (unsigned char) (n >> 8);
    p[2] = (unsigned char) (n >> 16);
    p[3] = (unsigned char) (n >> 24);
    p[4] = (unsigned char) (n >> 32);
    p[5] = (unsigned char) (n >> 40);
    p[6] = (unsigned char) (n >> 48);
    p[7] = (unsigned char) (n >> 56);

    return p + 8;
}


static unsigned char *
ngx_token_commit_put_str(unsigned char *p, const ngx_token_str_t *s)
{
    if (s->len) {
        memcpy(p, s->data, s->len);
    }

    return p + s->len;
}


ngx_token_rc_t
ngx_token_commit_decode(const unsigned char *buf, size_t len,
    ngx_token_commit_t *c, ngx_token_effect_t *effects)
{
    unsigned                   i;
    ngx_token_commit_reader_t  r;

    if (len < NGX_TOKEN_COMMIT_HEAD || buf[0] != NGX_TOKEN_COMMIT_VERSION) {
        return NGX_TOKEN_INVALID;
    }

    r.pos = buf + 1;
    r.last = buf + len;
    r.failed = 0;

    c->outcome = (ngx_token_outcome_e) ngx_token_commit_get_u8(&r);
    c->error = (ngx_token_err_e) ngx_token_commit_get_u8(&r);
    c->neffects = ngx_token_commit_get_u8(&r);
    c->effects = effects;

    ngx_token_commit_get_bytes(&r, c->id, NGX_TOKEN_ID_LEN);
    ngx_token_commit_get_bytes(&r, c->hash, NGX_TOKEN_HASH_LEN);

    c->time = ngx_token_commit_get_u64(&r);
    c->horizon = ngx_token_commit_get_u64(&r);
    c->user.len = ngx_token_commit_get_u32(&r);
    c->result.len = ngx_token_commit_get_u32(&r);

    if (!ngx_token_commit_valid_head(c)) {
        return NGX_TOKEN_INVALID;
    }

    ngx_token_commit_get_str(&r, &c->user);
    ngx_token_commit_get_str(&r, &c->result);

    for (i = 0; i < c->neffects; i++) {
        if (ngx_token_commit_get_effect(&r, &effects[i]) != NGX_TOKEN_OK) {
            return NGX_TOKEN_INVALID;
        }
    }

    if (r.failed || r.pos != r.last) {
        return NGX_TOKEN_INVALID;
    }

    return NGX_TOKEN_OK;
}


unsigned
ngx_token_commit_neffects(const unsigned char *buf, size_t len)
{
    return (len < NGX_TOKEN_COMMIT_HEAD) ? 0 : buf[3];
}


unsigned
ngx_token_commit_valid(const ngx_token_commit_t *c)
{
    unsigned  i;

    if (!ngx_token_commit_valid_head(c)) {
        return 0;
    }

    for (i = 0; i < c->neffects; i++) {
        if (!ngx_token_commit_valid_effect(&c->effects[i])) {
            return 0;
        }
    }

    return 1;
}


static unsigned
ngx_token_commit_valid_head(const ngx_token_commit_t *c)
{
    if (c->neffects > NGX_TOKEN_MAX_EFFECTS
        || c->user.len > NGX_TOKEN_MAX_USER
        || (unsigned) c->error >= NGX_TOKEN_ERR_LAST)
    {
        return 0;
    }

    switch (c->outcome) {

    case NGX_TOKEN_OUTCOME_OK:
        return c->error == NGX_TOKEN_ERR_NONE;

    case NGX_TOKEN_OUTCOME_REJECTED:
    case NGX_TOKEN_OUTCOME_INTERRUPTED:
    case NGX_TOKEN_OUTCOME_SUPERSEDED:
    case NGX_TOKEN_OUTCOME_FAILED:
    case NGX_TOKEN_OUTCOME_RUNNING:
        return c->neffects == 0;

    default:
        return 0;
    }
}


static unsigned
ngx_token_commit_valid_effect(const ngx_token_effect_t *e)
{
    return (unsigned) e->type >= NGX_TOKEN_EFFECT_SET
           && (unsigned) e->type <= NGX_TOKEN_EFFECT_APPEND
           && e->channel.len != 0
           && e->channel.len <= NGX_TOKEN_MAX_CHANNEL;
}


static ngx_token_rc_t
ngx_token_commit_get_effect(ngx_token_commit_reader_t *r,
    ngx_token_effect_t *e)
{
    e->type = (ngx_token_effect_e) ngx_token_commit_get_u8(r);
    e->channel.len = ngx_token_commit_get_u32(r);
    e->value.len = ngx_token_commit_get_u32(r);
    e->initial.len = ngx_token_commit_get_u32(r);
    e->version = ngx_token_commit_get_u64(r);
    e->keep = ngx_token_commit_get_u64(r);
    e->since = ngx_token_commit_get_u64(r);

    ngx_token_commit_get_str(r, &e->channel);
    ngx_token_commit_get_str(r, &e->value);
    ngx_token_commit_get_str(r, &e->initial);

    if (r->failed || !ngx_token_commit_valid_effect(e)) {
        return NGX_TOKEN_INVALID;
    }

    return NGX_TOKEN_OK;
}


static unsigned
ngx_token_commit_get_u8(ngx_token_commit_reader_t *r)
{
    const unsigned char  *p;

    p = ngx_token_commit_take(r, 1);

    return (p == NULL) ? 0 : p[0];
}


static size_t
ngx_token_commit_get_u32(ngx_token_commit_reader_t *r)
{
    const unsigned char  *p;

    p = ngx_token_commit_take(r, 4);

    return (p == NULL) ? 0
                       : (size_t) p[0] | (size_t) p[1] << 8
                         | (size_t) p[2] << 16 | (size_t) p[3] << 24;
}


static uint64_t
ngx_token_commit_get_u64(ngx_token_commit_reader_t *r)
{
    const unsigned char  *p;

    p = ngx_token_commit_take(r, 8);

    return (p == NULL) ? 0
                       : (uint64_t) p[0] | (uint64_t) p[1] << 8
                         | (uint64_t) p[2] << 16 | (uint64_t) p[3] << 24
                         | (uint64_t) p[4] << 32 | (uint64_t) p[5] << 40
                         | (uint64_t) p[6] << 48 | (uint64_t) p[7] << 56;
}


static void
ngx_token_commit_get_bytes(ngx_token_commit_reader_t *r, unsigned char *out,
    size_t len)
{
    const unsigned char  *p;

    p = ngx_token_commit_take(r, len);

    if (p != NULL) {
        memcpy(out, p, len);
    }
}


/* s->len is set already */

static void
ngx_token_commit_get_str(ngx_token_commit_reader_t *r, ngx_token_str_t *s)
{
    const unsigned char  *p;

    p = ngx_token_commit_take(r, s->len);

    if (p != NULL) {
        s->data = p;
    }
}


static const unsigned char *
ngx_token_commit_take(ngx_token_commit_reader_t *r, size_t len)
{
    const unsigned char  *p;

    if (r->failed || (size_t) (r->last - r->pos) < len) {
        r->failed = 1;
        return NULL;
    }

    p = r->pos;
    r->pos += len;

    return p;
}
