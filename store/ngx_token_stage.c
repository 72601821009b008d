
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "store/ngx_token_store_int.h"


/*
 * What the effects of one record would write, each seeing those before it.
 * Nothing is written here, so a record that is rejected leaves nothing to be
 * undone.
 */


static ngx_token_rc_t ngx_token_stage_check(ngx_token_stage_t *s,
    ngx_token_verdict_t *v);
static ngx_token_rc_t ngx_token_stage_value(const ngx_token_effect_t *e,
    const ngx_token_atom_t *a, ngx_token_stage_t *s, ngx_token_verdict_t *v);
static ngx_token_rc_t ngx_token_stage_toggle(const ngx_token_str_t *value,
    ngx_token_stage_t *s, ngx_token_verdict_t *v);
static ngx_token_rc_t ngx_token_stage_add(const ngx_token_effect_t *e,
    const ngx_token_str_t *value, ngx_token_stage_t *s,
    ngx_token_verdict_t *v);
static ngx_token_rc_t ngx_token_stage_merge(const ngx_token_effect_t *e,
    const ngx_token_str_t *value, ngx_token_stage_t *s,
    ngx_token_verdict_t *v);
static ngx_token_rc_t ngx_token_stage_current(ngx_token_write_t *w,
    const ngx_token_str_t *name, ngx_token_atom_t *a);


static const ngx_token_str_t  ngx_token_stage_true = ngx_token_string("true");
static const ngx_token_str_t  ngx_token_stage_false = ngx_token_string("false");
static const ngx_token_str_t  ngx_token_stage_null = ngx_token_string("null");


ngx_token_rc_t
ngx_token_stage_effect(ngx_token_write_t *w, const ngx_token_effect_t *e,
    ngx_token_verdict_t *v)
{
    ngx_token_rc_t       rc;
    ngx_token_atom_t     a;
    ngx_token_stage_t   *s;
    ngx_token_append_t  *log;

    if (e->channel.len == 0 || e->channel.len > NGX_TOKEN_MAX_CHANNEL) {
        return ngx_token_stage_reject(v, NGX_TOKEN_ERR_UNKNOWN_CHANNEL);
    }

    s = &w->stages[w->nstages];
    memset(s, 0, sizeof(ngx_token_stage_t));
    s->effect = e;

    if (e->type == NGX_TOKEN_EFFECT_APPEND) {
        s->value = e->value;
        rc = ngx_token_log_load(w, &e->channel, &log);

    } else {
        rc = ngx_token_stage_current(w, &e->channel, &a);

        if (rc == NGX_TOKEN_DECLINED && e->type == NGX_TOKEN_EFFECT_DELETE) {
            return NGX_TOKEN_OK;
        }

        if (rc == NGX_TOKEN_OK || rc == NGX_TOKEN_DECLINED) {
            rc = ngx_token_stage_value(e, &a, s, v);
        }
    }

    if (rc == NGX_TOKEN_OK && e->type != NGX_TOKEN_EFFECT_DELETE) {
        rc = ngx_token_stage_check(s, v);
    }

    if (rc != NGX_TOKEN_OK) {
        ngx_token_buf_free(&s->buf);
        return rc;
    }

    s->seq = ++w->state.seq;
    w->nstages++;

    return NGX_TOKEN_OK;
}


/* Takes a value that was computed, and looks at its size */

static ngx_token_rc_t
ngx_token_stage_check(ngx_token_stage_t *s, ngx_token_verdict_t *v)
{
    if (s->buf.failed) {
        return NGX_TOKEN_NOMEM;
    }

    if (s->buf.len != 0) {
        s->value.data = s->buf.data;
        s->value.len = s->buf.len;
    }

    if (s->value.len > NGX_TOKEN_STORE_MAX_VALUE) {
        return ngx_token_stage_reject(v, NGX_TOKEN_ERR_TOO_LARGE);
    }

    if (s->value.len == 0) {
        return ngx_token_stage_reject(v, NGX_TOKEN_ERR_BAD_VALUE);
    }

    return NGX_TOKEN_OK;
}


/* a->value.data is NULL: absent */

static ngx_token_rc_t
ngx_token_stage_value(const ngx_token_effect_t *e, const ngx_token_atom_t *a,
    ngx_token_stage_t *s, ngx_token_verdict_t *v)
{
    const ngx_token_str_t  *value;

    /* what a watcher of an absent atom is shown */

    value = a->value.data ? &a->value
                          : e->initial.len ? &e->initial
                                           : &ngx_token_stage_null;

    switch (e->type) {

    case NGX_TOKEN_EFFECT_PUT:

        if (e->version != a->version) {
            v->version = a->version;
            return ngx_token_stage_reject(v, NGX_TOKEN_ERR_VERSION);
        }

        s->value = e->value;
        return NGX_TOKEN_OK;

    case NGX_TOKEN_EFFECT_SET:
        s->value = e->value;
        return NGX_TOKEN_OK;

    case NGX_TOKEN_EFFECT_TOGGLE:
        return ngx_token_stage_toggle(value, s, v);

    case NGX_TOKEN_EFFECT_ADD:
        return ngx_token_stage_add(e, value, s, v);

    case NGX_TOKEN_EFFECT_MERGE:
        return ngx_token_stage_merge(e, value, s, v);

    case NGX_TOKEN_EFFECT_DELETE:
        return NGX_TOKEN_OK;

    default:
        return ngx_token_stage_reject(v, NGX_TOKEN_ERR_BAD_VALUE);
    }
}


static ngx_token_rc_t
ngx_token_stage_toggle(const ngx_token_str_t *value, ngx_token_stage_t *s,
    ngx_token_verdict_t *v)
{
    if (ngx_token_str_equal(value, &ngx_token_stage_true)) {
        s->value = ngx_token_stage_false;
        return NGX_TOKEN_OK;
    }

    if (ngx_token_str_equal(value, &ngx_token_stage_false)) {
        s->value = ngx_token_stage_true;
        return NGX_TOKEN_OK;
    }

    return ngx_token_stage_reject(v, NGX_TOKEN_ERR_NOT_BOOLEAN);
}


static ngx_token_rc_t
ngx_token_stage_add(const ngx_token_effect_t *e, const ngx_token_str_t *value,
    ngx_token_stage_t *s, ngx_token_verdict_t *v)
{
    if (e->value.len == 0) {
        return ngx_token_stage_reject(v, NGX_TOKEN_ERR_NOT_NUMBER);
    }

    switch (ngx_token_json_add(&s->buf, value, &e->value)) {

    case NGX_TOKEN_OK:
        return NGX_TOKEN_OK;

    case NGX_TOKEN_DECLINED:
        return ngx_token_stage_reject(v, NGX_TOKEN_ERR_NUMBER_RANGE);

    default:
        return ngx_token_stage_reject(v, NGX_TOKEN_ERR_NOT_NUMBER);
    }
}


static ngx_token_rc_t
ngx_token_stage_merge(const ngx_token_effect_t *e,
    const ngx_token_str_t *value, ngx_token_stage_t *s,
    ngx_token_verdict_t *v)
{
    ngx_token_rc_t  rc;

    /* a patch from elsewhere may not have been checked */

    rc = ngx_token_json_check(&e->value, NGX_TOKEN_STORE_MAX_DEPTH);

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_json_check(value, NGX_TOKEN_STORE_MAX_DEPTH);
    }

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_json_merge(&s->buf, value, &e->value,
                                  NGX_TOKEN_STORE_MAX_DEPTH);
    }

    return (rc == NGX_TOKEN_INVALID)
           ? ngx_token_stage_reject(v, NGX_TOKEN_ERR_BAD_VALUE) : rc;
}


/*
 * The atom as the effects so far leave it.  An absent one has version 0 and
 * no value.
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_DECLINED: absent, or as _find()
 */

static ngx_token_rc_t
ngx_token_stage_current(ngx_token_write_t *w, const ngx_token_str_t *name,
    ngx_token_atom_t *a)
{
    unsigned            i;
    ngx_token_stage_t  *s;

    memset(a, 0, sizeof(ngx_token_atom_t));

    for (i = w->nstages; i > 0; i--) {
        s = &w->stages[i - 1];

        if (s->effect->type == NGX_TOKEN_EFFECT_APPEND
            || !ngx_token_str_equal(&s->effect->channel, name))
        {
            continue;
        }

        if (s->effect->type == NGX_TOKEN_EFFECT_DELETE) {
            return NGX_TOKEN_DECLINED;
        }

        a->version = s->seq;
        a->value = s->value;

        return NGX_TOKEN_OK;
    }

    return ngx_token_atom_find(w, name, a);
}


ngx_token_rc_t
ngx_token_stage_reject(ngx_token_verdict_t *v, ngx_token_err_e error)
{
    v->outcome = NGX_TOKEN_OUTCOME_REJECTED;
    v->error = error;

    return NGX_TOKEN_DECLINED;
}


void
ngx_token_stage_clear(ngx_token_write_t *w)
{
    unsigned  i;

    for (i = 0; i < w->nstages; i++) {
        ngx_token_buf_free(&w->stages[i].buf);
    }

    w->nstages = 0;
}
