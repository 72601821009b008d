
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "http/ngx_http_token_handler.h"


/*
 * Handlers that do what the token says, for t/handler.t: "test", and the pure
 * "test_pure".
 *
 *     {"do": "ok", "result": TEXT}    TEXT is the result, JSON or not
 *     {"do": "large", "n": BYTES}     a string of that size is
 *     {"do": "twice"}                 a bad result, and then a good one
 *     {"do": "who"}                   what the job says of itself is
 *     {"do": "reject", "text": TEXT}  also with "result", instead
 *     {"do": "fail", "text": TEXT}
 *     {"do": "strange"}               returns what is no code
 *     {"do": "sleep", "ms": N}        ok after that time, or stopped
 *     {"do": "finish", "ms": N}       ok, though it was to stop
 *     {"do": "deaf", "ms": N}         does not look whether to stop
 *
 * Each beginning and end is logged.
 */


static ngx_int_t ngx_http_token_test_add(ngx_conf_t *cf);
static char *ngx_http_token_test_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_http_token_job_rc_e ngx_http_token_test_work(
    ngx_http_token_job_t *job);
static ngx_http_token_job_rc_e ngx_http_token_test_result(
    ngx_http_token_job_t *job, ngx_str_t *what);
static ngx_http_token_job_rc_e ngx_http_token_test_large(
    ngx_http_token_job_t *job);
static ngx_http_token_job_rc_e ngx_http_token_test_who(
    ngx_http_token_job_t *job);
static ngx_http_token_job_rc_e ngx_http_token_test_no(
    ngx_http_token_job_t *job, ngx_str_t *what);
static ngx_http_token_job_rc_e ngx_http_token_test_sleep(
    ngx_http_token_job_t *job, ngx_str_t *what);
static ngx_uint_t ngx_http_token_test_is(ngx_str_t *what, const char *name);
static ngx_uint_t ngx_http_token_test_number(ngx_http_token_job_t *job,
    const char *name);


static ngx_command_t  ngx_http_token_test_commands[] = {

    /* registers one more: its name, its version, its flags */

    { ngx_string("test_handler"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE3,
      ngx_http_token_test_directive,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_token_test_module_ctx = {
    ngx_http_token_test_add,               /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_token_test_module = {
    NGX_MODULE_V1,
    &ngx_http_token_test_module_ctx,       /* module context */
    ngx_http_token_test_commands,          /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_token_handler_t  ngx_http_token_test_handlers[] = {

    { NGX_HTTP_TOKEN_HANDLER_V1, ngx_string("test"),
      ngx_http_token_test_work, (void *) "marked", 0 },

    { NGX_HTTP_TOKEN_HANDLER_V1, ngx_string("test_pure"),
      ngx_http_token_test_work, (void *) "pure",
      NGX_HTTP_TOKEN_HANDLER_PURE },
};


static ngx_int_t
ngx_http_token_test_add(ngx_conf_t *cf)
{
    if (ngx_http_token_handler_add(cf, &ngx_http_token_test_handlers[0])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_token_handler_add(cf, &ngx_http_token_test_handlers[1]);
}


static char *
ngx_http_token_test_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                 *value;
    ngx_http_token_handler_t  *handler;

    value = cf->args->elts;

    handler = ngx_pcalloc(cf->pool, sizeof(ngx_http_token_handler_t));
    if (handler == NULL) {
        return NGX_CONF_ERROR;
    }

    handler->name = value[1];
    handler->version = ngx_atoi(value[2].data, value[2].len);
    handler->work = ngx_http_token_test_work;
    handler->flags = ngx_atoi(value[3].data, value[3].len);

    return ngx_http_token_handler_add(cf, handler) == NGX_OK ? NGX_CONF_OK
                                                             : NGX_CONF_ERROR;
}


static ngx_http_token_job_rc_e
ngx_http_token_test_work(ngx_http_token_job_t *job)
{
    ngx_str_t                what;
    ngx_http_token_job_rc_e  rc;

    ngx_log_error(NGX_LOG_INFO, job->log, 0, "test handler begins %V",
                  &job->id);

    ngx_str_set(&what, "nothing");
    (void) ngx_http_token_job_arg(job, "do", &what);

    if (ngx_http_token_test_is(&what, "large")) {
        rc = ngx_http_token_test_large(job);

    } else if (ngx_http_token_test_is(&what, "who")) {
        rc = ngx_http_token_test_who(job);

    } else if (ngx_http_token_test_is(&what, "reject")
               || ngx_http_token_test_is(&what, "fail"))
    {
        rc = ngx_http_token_test_no(job, &what);

    } else if (ngx_http_token_test_is(&what, "strange")) {
        rc = (ngx_http_token_job_rc_e) 99;

    } else if (ngx_http_token_test_is(&what, "ok")
               || ngx_http_token_test_is(&what, "twice"))
    {
        rc = ngx_http_token_test_result(job, &what);

    } else {
        rc = ngx_http_token_test_sleep(job, &what);
    }

    ngx_log_error(NGX_LOG_INFO, job->log, 0, "test handler ends %V: %ui",
                  &job->id, (ngx_uint_t) rc);

    return rc;
}


static ngx_http_token_job_rc_e
ngx_http_token_test_result(ngx_http_token_job_t *job, ngx_str_t *what)
{
    ngx_str_t  text;

    if (ngx_http_token_test_is(what, "twice")) {
        (void) ngx_http_token_job_result(job, (u_char *) "{", 1);
        (void) ngx_http_token_job_result(job, (u_char *) "[2]", 3);

    } else if (ngx_http_token_job_arg(job, "result", &text) == NGX_OK) {
        (void) ngx_http_token_job_result(job, text.data, text.len);
    }

    return NGX_HTTP_TOKEN_JOB_OK;
}


static ngx_http_token_job_rc_e
ngx_http_token_test_large(ngx_http_token_job_t *job)
{
    u_char      *p;
    ngx_uint_t   n;

    n = ngx_http_token_test_number(job, "n");

    p = n < 2 ? NULL : malloc(n);
    if (p == NULL) {
        return ngx_http_token_job_fail(job, NULL);
    }

    ngx_memset(p, 'x', n);
    p[0] = '"';
    p[n - 1] = '"';

    (void) ngx_http_token_job_result(job, p, n);
    free(p);

    return NGX_HTTP_TOKEN_JOB_OK;
}


static ngx_http_token_job_rc_e
ngx_http_token_test_who(ngx_http_token_job_t *job)
{
    u_char      *p, buf[1024];
    ngx_str_t    s;
    ngx_uint_t   i;

    static const char  *names[] = { "string", "number", "true", "null", "array",
                                    "none" };

    p = ngx_snprintf(buf, sizeof(buf), "{\"user\":\"%V\",\"id\":\"%V\","
                     "\"service\":\"%V\",\"data\":\"%s\",\"value\":%V,"
                     "\"args\":[",
                     &job->user, &job->id, &job->service, (char *) job->data,
                     &job->value);

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (ngx_http_token_job_arg(job, names[i], &s) == NGX_OK) {
            p = ngx_slprintf(p, buf + sizeof(buf), "\"%V\",", &s);
        }
    }

    p = ngx_slprintf(p, buf + sizeof(buf), "%s]}",
                     ngx_http_token_job_arg(job, NULL, &s) == NGX_OK
                     ? "true" : "false");

    (void) ngx_http_token_job_result(job, buf, p - buf);

    return NGX_HTTP_TOKEN_JOB_OK;
}


static ngx_http_token_job_rc_e
ngx_http_token_test_no(ngx_http_token_job_t *job, ngx_str_t *what)
{
    char       text[2048];
    ngx_str_t  s;

    if (ngx_http_token_job_arg(job, "result", &s) == NGX_OK) {
        (void) ngx_http_token_job_result(job, s.data, s.len);
        return NGX_HTTP_TOKEN_JOB_REJECTED;
    }

    if (ngx_http_token_job_arg(job, "text", &s) == NGX_OK) {
        (void) ngx_cpystrn((u_char *) text, s.data,
                           ngx_min(s.len + 1, sizeof(text)));
    } else {
        text[0] = '\0';
    }

    return ngx_http_token_test_is(what, "fail")
           ? ngx_http_token_job_fail(job, text[0] ? text : NULL)
           : ngx_http_token_job_reject(job, text[0] ? text : NULL);
}


static ngx_http_token_job_rc_e
ngx_http_token_test_sleep(ngx_http_token_job_t *job, ngx_str_t *what)
{
    ngx_uint_t                 ms;
    ngx_http_token_job_stop_e  stop;

    ms = ngx_http_token_test_number(job, "ms");

    if (ngx_http_token_test_is(what, "deaf")) {
        ngx_msleep(ms);
        return NGX_HTTP_TOKEN_JOB_OK;
    }

    stop = ngx_http_token_job_sleep(job, ms);

    if (stop != ngx_http_token_job_stop(job)) {
        return ngx_http_token_job_fail(job, "of two minds");
    }

    ngx_log_error(NGX_LOG_INFO, job->log, 0, "test handler was told %ui",
                  (ngx_uint_t) stop);

    return stop && ngx_http_token_test_is(what, "sleep")
           ? NGX_HTTP_TOKEN_JOB_STOPPED : NGX_HTTP_TOKEN_JOB_OK;
}


static ngx_uint_t
ngx_http_token_test_is(ngx_str_t *what, const char *name)
{
    return what->len == ngx_strlen(name)
           && ngx_memcmp(what->data, name, what->len) == 0;
}


static ngx_uint_t
ngx_http_token_test_number(ngx_http_token_job_t *job, const char *name)
{
    ngx_int_t  n;
    ngx_str_t  s;

    if (ngx_http_token_job_arg(job, name, &s) != NGX_OK) {
        return 0;
    }

    n = ngx_atoi(s.data, s.len);

    return n == NGX_ERROR ? 0 : n;
}
