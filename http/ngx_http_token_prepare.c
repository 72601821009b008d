
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_channel.h"
#include "http/ngx_http_token_service.h"


/*
 * From a token's requests to its commit record: the last moment at which
 * configuration, session and clock are read.
 */


typedef struct {
    size_t                      pos;      /* in the scratch buffer */
    size_t                      len;
} ngx_http_token_range_t;


/* what is being put together; the buffer may move, so ranges, not pointers */

typedef struct {
    ngx_http_token_main_conf_t  *mcf;
    ngx_http_token_scope_t       scope;
    ngx_http_token_prepared_t   *out;
    ngx_token_request_t         *first;
    ngx_uint_t                   n;
    ngx_uint_t                   nlate;   /* effects that are left out */
    unsigned                     again;   /* none is: the result is there */
    ngx_token_effect_t           effects[NGX_TOKEN_MAX_EFFECTS];
    ngx_http_token_range_t       channels[NGX_TOKEN_MAX_EFFECTS];
    ngx_http_token_range_t       values[NGX_TOKEN_MAX_EFFECTS];
} ngx_http_token_prepare_t;


static ngx_int_t ngx_http_token_prepare(ngx_http_token_prepare_t *p,
    ngx_http_token_loc_conf_t *lcf, ngx_token_message_t *m);
static ngx_int_t ngx_http_token_prepare_request(ngx_http_token_prepare_t *p,
    ngx_http_token_loc_conf_t *lcf, ngx_token_request_t *request);
static ngx_int_t ngx_http_token_prepare_effect(ngx_http_token_prepare_t *p,
    ngx_http_token_effect_conf_t *conf);
static ngx_int_t ngx_http_token_prepare_channel(ngx_http_token_prepare_t *p,
    ngx_http_token_effect_conf_t *conf);
static ngx_int_t ngx_http_token_prepare_eval(ngx_http_token_prepare_t *p,
    ngx_http_token_template_t *t, ngx_http_token_range_t *range);
static ngx_int_t ngx_http_token_prepare_version(ngx_http_token_prepare_t *p,
    ngx_http_token_effect_conf_t *conf);
static ngx_int_t ngx_http_token_prepare_record(ngx_http_token_prepare_t *p,
    ngx_token_message_t *m);
static ngx_http_token_service_t *ngx_http_token_prepare_service(
    ngx_http_token_loc_conf_t *lcf, ngx_token_str_t *name);
static ngx_int_t ngx_http_token_refuse(ngx_http_token_prepare_t *p,
    ngx_token_err_e error, const char *fmt, ngx_str_t *arg);


/* the event loop is one thread: one token is prepared at a time */

static ngx_token_buf_t            ngx_http_token_scratch;
static ngx_http_token_prepare_t   ngx_http_token_preparing;
static u_char                     ngx_http_token_refusal[256];


ngx_int_t
ngx_http_token_service_prepare(ngx_http_token_main_conf_t *mcf,
    ngx_http_token_loc_conf_t *lcf, ngx_token_message_t *m, ngx_str_t *user,
    ngx_str_t *vars, ngx_http_token_prepared_t *out)
{
    ngx_http_token_prepare_t  *p;

    p = &ngx_http_token_preparing;

    p->mcf = mcf;
    p->out = out;
    p->scope.user = *user;
    p->scope.variables = vars;
    ngx_memzero(&p->scope.result, sizeof(ngx_token_str_t));

    return ngx_http_token_prepare(p, lcf, m);
}


ngx_http_token_late_t *
ngx_http_token_service_keep(ngx_http_token_main_conf_t *mcf,
    ngx_http_token_loc_conf_t *lcf, ngx_token_message_t *m, ngx_str_t *vars)
{
    size_t                  size;
    u_char                 *p;
    ngx_uint_t              i, n;
    ngx_http_token_late_t  *late;

    n = mcf->variables.nelts;
    size = sizeof(ngx_http_token_late_t) + n * sizeof(ngx_str_t);

    for (i = 0; i < n; i++) {
        size += vars[i].len;
    }

    for (i = 0; i < m->nrequests; i++) {
        size += m->requests[i].service.len + m->requests[i].value.len;
    }

    late = ngx_alloc(size, ngx_cycle->log);
    if (late == NULL) {
        return NULL;
    }

    late->mcf = mcf;
    late->lcf = lcf;
    late->message = *m;
    late->variables = (ngx_str_t *) (late + 1);

    p = (u_char *) (late->variables + n);

    for (i = 0; i < n; i++) {
        late->variables[i].data = p;
        late->variables[i].len = vars[i].len;
        p = ngx_cpymem(p, vars[i].data, vars[i].len);
    }

    for (i = 0; i < m->nrequests; i++) {
        late->message.requests[i].service.data = p;
        p = ngx_cpymem(p, m->requests[i].service.data,
                       m->requests[i].service.len);

        late->message.requests[i].value.data = p;
        p = ngx_cpymem(p, m->requests[i].value.data,
                       m->requests[i].value.len);
    }

    return late;
}


ngx_int_t
ngx_http_token_service_complete(ngx_http_token_late_t *late, ngx_str_t *user,
    const ngx_token_str_t *result, ngx_http_token_prepared_t *out)
{
    ngx_int_t                  rc;
    ngx_http_token_prepare_t  *p;

    p = &ngx_http_token_preparing;

    p->mcf = late->mcf;
    p->out = out;
    p->scope.user = *user;
    p->scope.variables = late->variables;
    p->scope.result = *result;
    p->again = 1;

    rc = ngx_http_token_prepare(p, late->lcf, &late->message);

    p->again = 0;

    return rc;
}


/* out, user, variables and result are set */

static ngx_int_t
ngx_http_token_prepare(ngx_http_token_prepare_t *p,
    ngx_http_token_loc_conf_t *lcf, ngx_token_message_t *m)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    ngx_memzero(p->out, sizeof(ngx_http_token_prepared_t));
    ngx_token_buf_reset(&ngx_http_token_scratch);

    p->first = m->requests;
    p->n = 0;
    p->nlate = 0;
    p->scope.id = m->id;

    for (i = 0; i < m->nrequests; i++) {
        rc = ngx_http_token_prepare_request(p, lcf, &m->requests[i]);

        if (rc == NGX_DECLINED) {
            return NGX_OK;
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (p->out->work && p->out->work->find.len && p->n) {
        (void) ngx_http_token_refuse(p, NGX_TOKEN_ERR_BAD_VALUE,
                                     "a search goes alone", NULL);
        return NGX_OK;
    }

    return ngx_http_token_prepare_record(p, m);
}


static ngx_int_t
ngx_http_token_prepare_request(ngx_http_token_prepare_t *p,
    ngx_http_token_loc_conf_t *lcf, ngx_token_request_t *request)
{
    ngx_int_t                      rc;
    ngx_str_t                      name;
    ngx_uint_t                     i;
    ngx_http_token_service_t      *service;
    ngx_http_token_effect_conf_t  *effect;

    service = ngx_http_token_prepare_service(lcf, &request->service);

    if (service == NULL) {
        name.len = ngx_min(request->service.len, 100);
        name.data = (u_char *) request->service.data;

        return ngx_http_token_refuse(p, NGX_TOKEN_ERR_UNKNOWN_SERVICE,
                                     "there is no service \"%V\" here",
                                     &name);
    }

    if (service->require_user && p->scope.user.len == 0) {
        return ngx_http_token_refuse(p, NGX_TOKEN_ERR_USER_REQUIRED, NULL,
                                     NULL);
    }

    if (service->max_size && request->value.len > service->max_size) {
        return ngx_http_token_refuse(p, NGX_TOKEN_ERR_TOO_LARGE, NULL, NULL);
    }

    if (request == p->first) {
        p->out->service = service->index;
    }

    p->scope.value = request->value;
    p->out->delay += service->delay;

    if (service->fail && (ngx_uint_t) ngx_random() % 100 < service->fail) {
        p->out->fail = 1;
    }

    if (service->pass.len || service->handler) {

        if (p->out->work) {
            return ngx_http_token_refuse(p, NGX_TOKEN_ERR_BAD_VALUE,
                                         "only one request of a token may go "
                                         "to a backend or a handler", NULL);
        }

        p->out->work = service;
        p->out->value = request->value;
    }

    effect = service->effects.elts;

    for (i = 0; i < service->effects.nelts; i++) {
        rc = ngx_http_token_prepare_effect(p, &effect[i]);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_http_token_service_t *
ngx_http_token_prepare_service(ngx_http_token_loc_conf_t *lcf,
    ngx_token_str_t *name)
{
    ngx_uint_t              i;
    ngx_http_token_name_t  *allow;

    if (lcf->allow == NULL) {
        return NULL;
    }

    allow = lcf->allow->elts;

    for (i = 0; i < lcf->allow->nelts; i++) {
        if (allow[i].name.len == name->len
            && ngx_memcmp(allow[i].name.data, name->data, name->len) == 0)
        {
            return allow[i].target;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_token_prepare_effect(ngx_http_token_prepare_t *p,
    ngx_http_token_effect_conf_t *conf)
{
    ngx_int_t            rc;
    ngx_token_effect_t  *effect;

    if (p->n + p->nlate == NGX_TOKEN_MAX_EFFECTS) {
        return ngx_http_token_refuse(p, NGX_TOKEN_ERR_TOO_LARGE,
                                     "too many effects in one token", NULL);
    }

    if (conf->late && !p->again) {
        p->out->late = 1;
        p->nlate++;
        return NGX_OK;
    }

    effect = &p->effects[p->n];
    ngx_memzero(effect, sizeof(ngx_token_effect_t));
    effect->type = conf->type;

    p->values[p->n].pos = 0;
    p->values[p->n].len = 0;

    rc = ngx_http_token_prepare_channel(p, conf);
    if (rc != NGX_OK) {
        return rc;
    }

    if (effect->type == NGX_TOKEN_EFFECT_SET
        && conf->type == NGX_TOKEN_EFFECT_DELETE)
    {
        p->values[p->n].pos = ngx_http_token_scratch.len;
        p->values[p->n].len = effect->initial.len;
        ngx_token_buf_append(&ngx_http_token_scratch, effect->initial.data,
                             effect->initial.len);
    }

    if (conf->value.text.len) {
        rc = ngx_http_token_prepare_eval(p, &conf->value, &p->values[p->n]);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (conf->type == NGX_TOKEN_EFFECT_PUT) {
        rc = ngx_http_token_prepare_version(p, conf);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    p->n++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_prepare_channel(ngx_http_token_prepare_t *p,
    ngx_http_token_effect_conf_t *conf)
{
    uint64_t                   now;
    ngx_int_t                  rc;
    ngx_str_t                  name;
    ngx_token_effect_t        *effect;
    ngx_http_token_channel_t  *channel;

    rc = ngx_http_token_prepare_eval(p, &conf->channel, &p->channels[p->n]);
    if (rc != NGX_OK) {
        return rc;
    }

    name.data = ngx_http_token_scratch.data + p->channels[p->n].pos;
    name.len = p->channels[p->n].len;

    channel = ngx_http_token_channel_find(p->mcf, &name);

    if (channel == NULL
        || channel->kind == NGX_TOKEN_KIND_PRESENCE
        || (channel->kind == NGX_TOKEN_KIND_LOG)
           != (conf->type == NGX_TOKEN_EFFECT_APPEND))
    {
        return ngx_http_token_refuse(p, NGX_TOKEN_ERR_UNKNOWN_CHANNEL, NULL,
                                     NULL);
    }

    effect = &p->effects[p->n];

    if (channel->kind == NGX_TOKEN_KIND_LOG) {
        effect->keep = channel->keep;

        if (channel->age) {
            now = ngx_http_token_now();
            effect->since = now > channel->age ? now - channel->age : 0;
        }

    } else {
        ngx_http_token_str(&effect->initial, &channel->initial);

        /* an atom by itself always has a value, and so a version */

        if (conf->type == NGX_TOKEN_EFFECT_DELETE
            && channel->kind == NGX_TOKEN_KIND_ATOM)
        {
            effect->type = NGX_TOKEN_EFFECT_SET;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_prepare_version(ngx_http_token_prepare_t *p,
    ngx_http_token_effect_conf_t *conf)
{
    ngx_int_t                rc;
    ngx_token_str_t          s;
    ngx_http_token_range_t   range;

    rc = ngx_http_token_prepare_eval(p, &conf->version, &range);
    if (rc != NGX_OK) {
        return rc;
    }

    s.data = ngx_http_token_scratch.data + range.pos;
    s.len = range.len;

    if (ngx_token_json_uint(&s, &p->effects[p->n].version) != NGX_TOKEN_OK) {
        return ngx_http_token_refuse(p, NGX_TOKEN_ERR_BAD_VALUE,
                                     "the version is not a whole number",
                                     NULL);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_prepare_eval(ngx_http_token_prepare_t *p,
    ngx_http_token_template_t *t, ngx_http_token_range_t *range)
{
    ngx_str_t  missing;

    range->pos = ngx_http_token_scratch.len;
    range->len = 0;

    if (ngx_http_token_template_eval(t, &p->scope, &ngx_http_token_scratch,
                                     &missing)
        != NGX_OK)
    {
        if (missing.len == 0) {
            return ngx_http_token_refuse(p, NGX_TOKEN_ERR_BAD_VALUE, NULL,
                                         NULL);
        }

        return ngx_http_token_refuse(p, NGX_TOKEN_ERR_BAD_VALUE,
                                     "the value has no usable member \"%V\"",
                                     &missing);
    }

    if (ngx_http_token_scratch.failed) {
        return NGX_ERROR;
    }

    range->len = ngx_http_token_scratch.len - range->pos;

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_prepare_record(ngx_http_token_prepare_t *p,
    ngx_token_message_t *m)
{
    ngx_uint_t           i;
    ngx_token_commit_t   commit;

    for (i = 0; i < p->n; i++) {
        p->effects[i].channel.len = p->channels[i].len;
        p->effects[i].value.len = p->values[i].len;
    }

    ngx_memzero(&commit, sizeof(ngx_token_commit_t));

    ngx_memcpy(commit.id, m->id, NGX_TOKEN_ID_LEN);
    ngx_memcpy(commit.hash, m->hash, NGX_TOKEN_HASH_LEN);

    commit.outcome = NGX_TOKEN_OUTCOME_OK;
    commit.time = ngx_http_token_now();
    commit.horizon = commit.time > p->mcf->ledger
                     ? commit.time - p->mcf->ledger : 0;
    commit.neffects = p->n;
    commit.effects = p->effects;
    commit.result = p->scope.result;
    ngx_http_token_str(&commit.user, &p->scope.user);

    p->out->neffects = p->n;
    p->out->len = ngx_token_commit_size(&commit);
    p->out->record = ngx_token_buf_reserve(&ngx_http_token_scratch,
                                           p->out->len);
    if (p->out->record == NULL) {
        return NGX_ERROR;
    }

    /* from here on the scratch does not move */

    for (i = 0; i < p->n; i++) {
        p->effects[i].channel.data = ngx_http_token_scratch.data
                                     + p->channels[i].pos;
        p->effects[i].value.data = ngx_http_token_scratch.data
                                   + p->values[i].pos;
    }

    ngx_token_commit_encode(&commit, p->out->record);

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_refuse(ngx_http_token_prepare_t *p, ngx_token_err_e error,
    const char *fmt, ngx_str_t *arg)
{
    u_char  *last;

    p->out->error = error;

    if (fmt) {
        last = ngx_snprintf(ngx_http_token_refusal,
                            sizeof(ngx_http_token_refusal), fmt, arg);
        p->out->text.data = ngx_http_token_refusal;
        p->out->text.len = last - ngx_http_token_refusal;
    }

    return NGX_DECLINED;
}
