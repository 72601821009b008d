
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <stdlib.h>

#include "store/ngx_token_store_int.h"


/*
 * The one place where a commit record becomes writes.  Nothing here may look
 * at a clock, a random number or the configuration: records that come from
 * elsewhere in the same order must give the same store.
 */


static unsigned ngx_token_verdict_is_expired(const ngx_token_write_t *w,
    const ngx_token_commit_t *c);
static ngx_token_rc_t ngx_token_verdict_remember(ngx_token_write_t *w,
    const ngx_token_commit_t *c, const ngx_token_verdict_t *v);
static unsigned ngx_token_verdict_is_same(const ngx_token_commit_t *c,
    const ngx_token_ledger_t *l);
static unsigned ngx_token_verdict_is_open(const ngx_token_commit_t *c,
    const ngx_token_ledger_t *l);
static ngx_token_rc_t ngx_token_verdict_repeat(const ngx_token_commit_t *c,
    const ngx_token_ledger_t *l, ngx_token_verdict_t *v);
static ngx_token_rc_t ngx_token_verdict_effects(ngx_token_write_t *w,
    const ngx_token_commit_t *c, ngx_token_verdict_t *v);
static unsigned ngx_token_verdict_is_sound(const ngx_token_commit_t *c);
static ngx_token_rc_t ngx_token_verdict_write(ngx_token_write_t *w,
    const ngx_token_commit_t *c, const ngx_token_stage_t *s);


ngx_token_rc_t
ngx_token_verdict_give(ngx_token_write_t *w, const ngx_token_commit_t *c,
    ngx_token_verdict_t *v)
{
    ngx_token_rc_t      rc;
    ngx_token_ledger_t  l;

    if (c->horizon > w->horizon) {
        w->horizon = c->horizon;
    }

    rc = ngx_token_ledger_find(w, c->id, &l);

#if (NGX_TOKEN_BREAK == 2)
    /* never built but to show that t/faults notices */
    rc = NGX_TOKEN_DECLINED;
#endif

    if (rc == NGX_TOKEN_OK && !ngx_token_verdict_is_open(c, &l)) {
        return ngx_token_verdict_repeat(c, &l, v);
    }

    if (rc == NGX_TOKEN_DECLINED && ngx_token_verdict_is_expired(w, c)) {
        (void) ngx_token_stage_reject(v, NGX_TOKEN_ERR_ID_EXPIRED);
        return NGX_TOKEN_OK;
    }

    if (rc == NGX_TOKEN_OK || rc == NGX_TOKEN_DECLINED) {
        rc = ngx_token_verdict_effects(w, c, v);
    }

    if (rc == NGX_TOKEN_OK) {
        return ngx_token_verdict_remember(w, c, v);
    }

    if (rc == NGX_TOKEN_INVALID) {
        /*
         * A record that the ledger cannot hold, or a row that is damaged: the
         * misfortune of this record alone.  What the ledger cannot tell must
         * not run again.
         */

        ngx_token_verdict_failed(v, 1, rc);
        return NGX_TOKEN_OK;
    }

    return rc;
}


/*
 * What is older than the floor may have been dropped, though the record says
 * otherwise: by a clock ahead of its own, or when the ledger was kept for a
 * shorter time.
 */

static unsigned
ngx_token_verdict_is_expired(const ngx_token_write_t *w,
    const ngx_token_commit_t *c)
{
    uint64_t  time;

    time = ngx_token_id_time(c->id);

    return time < c->horizon || time < w->state.floor;
}


static ngx_token_rc_t
ngx_token_verdict_remember(ngx_token_write_t *w, const ngx_token_commit_t *c,
    const ngx_token_verdict_t *v)
{
    ngx_token_ledger_t  l;

    memset(&l, 0, sizeof(ngx_token_ledger_t));

    l.outcome = v->outcome;
    l.error = v->error;
    l.seq = v->seq;
    l.version = v->version;
    l.time = c->time;
    l.user = c->user;
    memcpy(l.hash, c->hash, NGX_TOKEN_HASH_LEN);

    if (v->outcome == c->outcome && v->error == c->error) {
        l.result = c->result;
    }

    return ngx_token_ledger_write(w, c->id, &l);
}


/*
 * Whether the record is for the request that the ledger has; one that was made
 * anonymously may be repeated by anybody.
 */

static unsigned
ngx_token_verdict_is_same(const ngx_token_commit_t *c,
    const ngx_token_ledger_t *l)
{
    return memcmp(c->hash, l->hash, NGX_TOKEN_HASH_LEN) == 0
           && (l->user.len == 0 || ngx_token_str_equal(&c->user, &l->user));
}


/*
 * Whether what the ledger has is not the last word: work outside the store had
 * begun, or has failed and may be tried again.
 */

static unsigned
ngx_token_verdict_is_open(const ngx_token_commit_t *c,
    const ngx_token_ledger_t *l)
{
    if (!ngx_token_verdict_is_same(c, l)) {
        return 0;
    }

    if (l->outcome == NGX_TOKEN_OUTCOME_RUNNING) {
        return c->outcome != NGX_TOKEN_OUTCOME_RUNNING;
    }

    return l->outcome == NGX_TOKEN_OUTCOME_FAILED;
}


static ngx_token_rc_t
ngx_token_verdict_repeat(const ngx_token_commit_t *c,
    const ngx_token_ledger_t *l, ngx_token_verdict_t *v)
{
    unsigned char  *p;

    if (!ngx_token_verdict_is_same(c, l)) {
        v->outcome = NGX_TOKEN_OUTCOME_REJECTED;
        v->error = NGX_TOKEN_ERR_ID_REUSED;
        return NGX_TOKEN_OK;
    }

    v->outcome = l->outcome;
    v->error = l->error;
    v->seq = l->seq;
    v->version = l->version;
    v->repeated = 1;

    if (l->result.len == 0) {
        return NGX_TOKEN_OK;
    }

    p = malloc(l->result.len);
    if (p == NULL) {
        return NGX_TOKEN_NOMEM;
    }

    memcpy(p, l->result.data, l->result.len);

    v->result.data = p;
    v->result.len = l->result.len;

    return NGX_TOKEN_OK;
}


/*
 * Returns: NGX_TOKEN_OK       v is the verdict, to be remembered
 *          NGX_TOKEN_INVALID  nothing is written
 *          other codes        the transaction cannot go on
 */

static ngx_token_rc_t
ngx_token_verdict_effects(ngx_token_write_t *w, const ngx_token_commit_t *c,
    ngx_token_verdict_t *v)
{
    unsigned        i;
    uint64_t        seq;
    ngx_token_rc_t  rc;

    if (!ngx_token_verdict_is_sound(c)) {
        return NGX_TOKEN_INVALID;
    }

    v->outcome = c->outcome;
    v->error = c->error;

    if (c->result.len > NGX_TOKEN_STORE_MAX_VALUE) {
        (void) ngx_token_stage_reject(v, NGX_TOKEN_ERR_TOO_LARGE);
        return NGX_TOKEN_OK;
    }

    if (c->outcome != NGX_TOKEN_OUTCOME_OK) {
        return NGX_TOKEN_OK;
    }

    seq = w->state.seq;

    for (i = 0; i < c->neffects; i++) {

        rc = ngx_token_stage_effect(w, &c->effects[i], v);

        if (rc == NGX_TOKEN_OK) {
            continue;
        }

        w->state.seq = seq;

        return (rc == NGX_TOKEN_DECLINED) ? NGX_TOKEN_OK : rc;
    }

    for (i = 0; i < w->nstages; i++) {

        rc = ngx_token_verdict_write(w, c, &w->stages[i]);

        if (rc != NGX_TOKEN_OK) {
            return rc;
        }
    }

    v->seq = (w->nstages == 0) ? 0 : w->state.seq;

    return NGX_TOKEN_OK;
}


/* Whether it is a record that the ledger can hold */

static unsigned
ngx_token_verdict_is_sound(const ngx_token_commit_t *c)
{
    if (c->user.len > NGX_TOKEN_MAX_USER
        || c->neffects > NGX_TOKEN_MAX_EFFECTS
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
    case NGX_TOKEN_OUTCOME_RUNNING:
    case NGX_TOKEN_OUTCOME_FAILED:
        return 1;

    default:
        return 0;
    }
}


static ngx_token_rc_t
ngx_token_verdict_write(ngx_token_write_t *w, const ngx_token_commit_t *c,
    const ngx_token_stage_t *s)
{
    ngx_token_rc_t             rc;
    ngx_token_atom_t           a;
    ngx_token_feed_t           f;
    ngx_token_record_t         r;
    const ngx_token_effect_t  *e;

    e = s->effect;

    switch (e->type) {

    case NGX_TOKEN_EFFECT_APPEND:
        r.seq = s->seq;
        r.time = c->time;
        memcpy(r.token, c->id, NGX_TOKEN_ID_LEN);
        r.user = c->user;
        r.value = s->value;

        rc = ngx_token_log_append(w, e, &r);
        break;

    case NGX_TOKEN_EFFECT_DELETE:
        rc = ngx_token_atom_delete(w, &e->channel);
        break;

    default:
        a.name = e->channel;
        a.version = s->seq;
        a.value = s->value;

        rc = ngx_token_atom_write(w, &a);
        break;
    }

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    f.seq = s->seq;
    f.type = e->type;
    f.channel = e->channel;

    return ngx_token_feed_write(w, &f);
}


void
ngx_token_verdict_failed(ngx_token_verdict_t *verdicts, size_t n,
    ngx_token_rc_t rc)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        verdicts[i].outcome = NGX_TOKEN_OUTCOME_FAILED;
        verdicts[i].error = (rc == NGX_TOKEN_FULL) ? NGX_TOKEN_ERR_STORE_FULL
                                                   : NGX_TOKEN_ERR_STORE_ERROR;
    }
}
