
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_sha1.h>

#include "http/ngx_http_token_handler.h"


/*
 * A handler for ngx_http_token_module, to be copied: it stamps a text with a
 * proof of work.  For {"text": "hello", "bits": 16} it looks for a number that,
 * put behind the text, gives it a SHA-1 that begins with 16 zero bits.  Each
 * bit more doubles the time.
 *
 *     stamp_max_bits  24;
 *     token_log       stamps;
 *     token_service   stamp  { handler stamp; timeout 1m; append stamps; }
 */


#define NGX_HTTP_TOKEN_STAMP_STEP  4096   /* tries between two looks */


typedef struct {
    ngx_uint_t                 max_bits;
} ngx_http_token_stamp_conf_t;


static ngx_int_t ngx_http_token_stamp_add(ngx_conf_t *cf);
static void *ngx_http_token_stamp_create_conf(ngx_conf_t *cf);
static char *ngx_http_token_stamp_init_conf(ngx_conf_t *cf, void *conf);
static ngx_http_token_job_rc_e ngx_http_token_stamp_work(
    ngx_http_token_job_t *job);
static ngx_uint_t ngx_http_token_stamp_zeros(u_char *hash);
static ngx_http_token_job_rc_e ngx_http_token_stamp_done(
    ngx_http_token_job_t *job, ngx_uint_t number, u_char *hash);


static ngx_command_t  ngx_http_token_stamp_commands[] = {

    { ngx_string("stamp_max_bits"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_token_stamp_conf_t, max_bits),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_token_stamp_module_ctx = {
    ngx_http_token_stamp_add,              /* preconfiguration */
    NULL,                                  /* postconfiguration */

    ngx_http_token_stamp_create_conf,      /* create main configuration */
    ngx_http_token_stamp_init_conf,        /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_token_stamp_module = {
    NGX_MODULE_V1,
    &ngx_http_token_stamp_module_ctx,      /* module context */
    ngx_http_token_stamp_commands,         /* module directives */
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


/* it changes nothing outside of the store: it may run again after a crash */

static ngx_http_token_handler_t  ngx_http_token_stamp_handler = {
    NGX_HTTP_TOKEN_HANDLER_V1,
    ngx_string("stamp"),
    ngx_http_token_stamp_work,
    NULL,
    NGX_HTTP_TOKEN_HANDLER_PURE
};


static ngx_int_t
ngx_http_token_stamp_add(ngx_conf_t *cf)
{
    /* what nginx.conf will say; it is there by the time of the first token */

    ngx_http_token_stamp_handler.data =
           ngx_http_conf_get_module_main_conf(cf, ngx_http_token_stamp_module);

    return ngx_http_token_handler_add(cf, &ngx_http_token_stamp_handler);
}


static void *
ngx_http_token_stamp_create_conf(ngx_conf_t *cf)
{
    ngx_http_token_stamp_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_token_stamp_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->max_bits = NGX_CONF_UNSET_UINT;

    return conf;
}


static char *
ngx_http_token_stamp_init_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_token_stamp_conf_t *scf = conf;

    ngx_conf_init_uint_value(scf->max_bits, 24);

    return NGX_CONF_OK;
}


/* in a thread of the pool: nothing of nginx's event loop, and no waiting
   without a look at whether to stop */

static ngx_http_token_job_rc_e
ngx_http_token_stamp_work(ngx_http_token_job_t *job)
{
    ngx_http_token_stamp_conf_t *scf = job->data;

    u_char       number[NGX_INT_T_LEN], hash[20], *last;
    ngx_int_t    bits;
    ngx_str_t    text, s;
    ngx_uint_t   i;
    ngx_sha1_t   start, sha1;

    if (ngx_http_token_job_arg(job, "text", &text) != NGX_OK
        || ngx_http_token_job_arg(job, "bits", &s) != NGX_OK)
    {
        return ngx_http_token_job_reject(job, "a text and bits are needed");
    }

    bits = ngx_atoi(s.data, s.len);

    if (bits == NGX_ERROR || (ngx_uint_t) bits > scf->max_bits) {
        return ngx_http_token_job_reject(job, "too many bits");
    }

    ngx_sha1_init(&start);
    ngx_sha1_update(&start, text.data, text.len);

    for (i = 0; /* void */ ; i++) {

        if (i % NGX_HTTP_TOKEN_STAMP_STEP == 0
            && ngx_http_token_job_stop(job))
        {
            return NGX_HTTP_TOKEN_JOB_STOPPED;
        }

        last = ngx_sprintf(number, "%ui", i);

        sha1 = start;
        ngx_sha1_update(&sha1, number, last - number);
        ngx_sha1_final(hash, &sha1);

        if (ngx_http_token_stamp_zeros(hash) >= (ngx_uint_t) bits) {
            return ngx_http_token_stamp_done(job, i, hash);
        }
    }
}


static ngx_uint_t
ngx_http_token_stamp_zeros(u_char *hash)
{
    ngx_uint_t  n;

    for (n = 0; n < 160; n++) {
        if (hash[n / 8] & (0x80 >> n % 8)) {
            break;
        }
    }

    return n;
}


static ngx_http_token_job_rc_e
ngx_http_token_stamp_done(ngx_http_token_job_t *job, ngx_uint_t number,
    u_char *hash)
{
    u_char  *p, hex[40], json[128];

    ngx_hex_dump(hex, hash, 20);

    p = ngx_snprintf(json, sizeof(json), "{\"number\":%ui,\"hash\":\"%*s\"}",
                     number, sizeof(hex), hex);

    (void) ngx_http_token_job_result(job, json, p - json);

    return NGX_HTTP_TOKEN_JOB_OK;
}
