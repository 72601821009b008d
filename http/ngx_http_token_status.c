
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_reply.h"
#include "http/ngx_http_token_service.h"
#include "http/ngx_http_token_stat.h"
#include "http/ngx_http_token_status.h"
#include "http/ngx_http_token_worker.h"

#include "store/ngx_token_queue.h"


/* bits: outcomes */

#define NGX_HTTP_TOKEN_STATUS_ALL                                            \
    ((1 << NGX_HTTP_TOKEN_STAT_OUTCOMES) - 1)
#define NGX_HTTP_TOKEN_STATUS_REFUSALS                                       \
    (1 << NGX_TOKEN_OUTCOME_REJECTED | 1 << NGX_TOKEN_OUTCOME_BUSY)


/*
 * One description of what there is to tell, for both formats: a metric is a
 * member of a JSON object, or a family of Prometheus's.
 */

typedef struct {
    const char              *key;
    const char              *name;
    const char              *type;
    const char              *help;
    size_t                   offset;      /* in what it is a member of */
} ngx_http_token_metric_t;


typedef struct {
    const char              *name;
    ngx_token_str_t          value;
} ngx_http_token_label_t;


typedef struct {
    ngx_token_buf_t         *text;
    ngx_http_token_status_e  format;
    ngx_uint_t               comma;       /* JSON: before what comes next */
} ngx_http_token_status_t;


static void ngx_http_token_status_sessions(ngx_http_token_status_t *st,
    ngx_http_token_stat_t *sum);
static void ngx_http_token_status_tokens(ngx_http_token_status_t *st,
    ngx_http_token_main_conf_t *mcf, ngx_http_token_stat_t *sum);
static void ngx_http_token_status_commits(ngx_http_token_status_t *st);
static void ngx_http_token_status_store(ngx_http_token_status_t *st,
    ngx_http_token_main_conf_t *mcf);
static void ngx_http_token_status_logs(ngx_http_token_status_t *st,
    ngx_http_token_main_conf_t *mcf, ngx_token_read_t *r);
static void ngx_http_token_status_outcomes(ngx_http_token_status_t *st,
    const ngx_http_token_metric_t *m, ngx_http_token_label_t *labels,
    ngx_uint_t n, ngx_uint_t which, uint64_t *counts);
static void ngx_http_token_status_key(ngx_http_token_status_t *st,
    const ngx_token_str_t *key);
static void ngx_http_token_status_open(ngx_http_token_status_t *st,
    const char *key);
static void ngx_http_token_status_close(ngx_http_token_status_t *st);
static void ngx_http_token_status_head(ngx_http_token_status_t *st,
    const ngx_http_token_metric_t *m);
static void ngx_http_token_status_numbers(ngx_http_token_status_t *st,
    const ngx_http_token_metric_t *m, const void *base);
static void ngx_http_token_status_number(ngx_http_token_status_t *st,
    const ngx_http_token_metric_t *m, uint64_t n);
static void ngx_http_token_status_item(ngx_http_token_status_t *st,
    const ngx_http_token_metric_t *m, ngx_http_token_label_t *labels,
    ngx_uint_t n, uint64_t value);
static void ngx_http_token_status_label(ngx_token_buf_t *b,
    ngx_token_str_t *value);


static const ngx_http_token_metric_t  ngx_http_token_status_workers = {
    "workers", "nginx_token_workers", "gauge",
    "Worker processes that are alive.", 0
};

static const ngx_http_token_metric_t  ngx_http_token_status_session[] = {
    { "open", "nginx_token_sessions", "gauge",
      "Open WebSocket sessions.",
      offsetof(ngx_http_token_stat_t, sessions) },
    { "opened", "nginx_token_sessions_opened_total", "counter",
      "Sessions that were opened.",
      offsetof(ngx_http_token_stat_t, opened) },
    { NULL, NULL, NULL, NULL, 0 }
};

static const ngx_http_token_metric_t  ngx_http_token_status_closed = {
    "closed", "nginx_token_sessions_closed_total", "counter",
    "Sessions that ended, by close code.", 0
};

static const ngx_http_token_metric_t  ngx_http_token_status_traffic[] = {
    { "messages", "nginx_token_messages_total", "counter",
      "Messages and control frames received.",
      offsetof(ngx_http_token_stat_t, messages) },
    { "received", "nginx_token_received_bytes_total", "counter",
      "Bytes received in sessions, without TLS.",
      offsetof(ngx_http_token_stat_t, received) },
    { "sent", "nginx_token_sent_bytes_total", "counter",
      "Bytes sent in sessions, without TLS.",
      offsetof(ngx_http_token_stat_t, sent) },
    { "changes", "nginx_token_changes_total", "counter",
      "Changes of watched channels, by each worker that has watchers.",
      offsetof(ngx_http_token_stat_t, changes) },
    { "deliveries", "nginx_token_deliveries_total", "counter",
      "Changes that were given to sessions as they came.",
      offsetof(ngx_http_token_stat_t, deliveries) },
    { NULL, NULL, NULL, NULL, 0 }
};

static const ngx_http_token_metric_t  ngx_http_token_status_token[] = {
    { "running", "nginx_token_tokens_running", "gauge",
      "Tokens on their way to an outcome.",
      offsetof(ngx_http_token_stat_t, runs) },
    { "offloaded", "nginx_token_tokens_offloaded", "gauge",
      "Tokens of slow services in the thread pool.",
      offsetof(ngx_http_token_stat_t, offloaded) },
    { "repeated", "nginx_token_tokens_repeated_total", "counter",
      "Tokens that came again, and were not run again.",
      offsetof(ngx_http_token_stat_t, repeated) },
    { NULL, NULL, NULL, NULL, 0 }
};

static const ngx_http_token_metric_t  ngx_http_token_status_refused = {
    "refused", "nginx_token_tokens_refused_total", "counter",
    "Tokens that were answered before they began, by outcome.", 0
};

static const ngx_http_token_metric_t  ngx_http_token_status_services = {
    "services", "nginx_token_tokens_total", "counter",
    "Tokens that came to an outcome, by the service of their first request.",
    0
};

static const ngx_http_token_metric_t  ngx_http_token_status_commit[] = {
    { "transactions", "nginx_token_commits_total", "counter",
      "Transactions that committed tokens.",
      offsetof(ngx_token_queue_stat_t, commits) },
    { "records", "nginx_token_commit_records_total", "counter",
      "Tokens in these transactions.",
      offsetof(ngx_token_queue_stat_t, records) },
    { "nanoseconds", "nginx_token_commit_nanoseconds_total", "counter",
      "Time that these transactions took.",
      offsetof(ngx_token_queue_stat_t, ns) },
    { "waiting", "nginx_token_commit_waiting", "gauge",
      "Tokens that wait to be committed, or are just being.",
      offsetof(ngx_token_queue_stat_t, waiting) },
    { NULL, NULL, NULL, NULL, 0 }
};

static const ngx_http_token_metric_t  ngx_http_token_status_up = {
    "up", "nginx_token_store_up", "gauge",
    "Whether the worker that was asked can read the store.", 0
};

static const ngx_http_token_metric_t  ngx_http_token_status_fill[] = {
    { "seq", "nginx_token_store_seq", "gauge",
      "Number of the last change.",
      offsetof(ngx_token_store_stat_t, seq) },
    { "size", "nginx_token_store_size_bytes", "gauge",
      "What the store can hold at most.",
      offsetof(ngx_token_store_stat_t, size) },
    { "used", "nginx_token_store_used_bytes", "gauge",
      "Bytes of the store in use.",
      offsetof(ngx_token_store_stat_t, used) },
    { "file", "nginx_token_store_file_bytes", "gauge",
      "Bytes of the store's file, free ones included.",
      offsetof(ngx_token_store_stat_t, file) },
    { "ledger", "nginx_token_store_ledger_entries", "gauge",
      "Outcomes that are remembered.",
      offsetof(ngx_token_store_stat_t, ledger) },
    { NULL, NULL, NULL, NULL, 0 }
};

static const ngx_http_token_metric_t  ngx_http_token_status_records = {
    "logs", "nginx_token_log_records", "gauge",
    "Records that a log has.", 0
};


ngx_int_t
ngx_http_token_status_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_str_t                    no_store = ngx_string("no-store");
    ngx_uint_t                   workers;
    ngx_http_token_stat_t       *sum;
    ngx_http_token_status_t      st;
    ngx_http_token_loc_conf_t   *lcf;
    ngx_http_token_main_conf_t  *mcf;

    rc = ngx_http_token_reply_begin(r);
    if (rc != NGX_OK) {
        return rc;
    }

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_token_module);
    mcf = ngx_http_get_module_main_conf(r, ngx_http_token_module);

    st.format = lcf->status;
    st.text = ngx_http_token_reply_buf(r);
    sum = ngx_palloc(r->pool, ngx_http_token_stat_size(mcf));

    if (st.text == NULL || sum == NULL
        || ngx_http_token_reply_header(r, "Cache-Control", &no_store) == NULL)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_token_stat_sum(mcf, sum, &workers);

    ngx_http_token_status_open(&st, NULL);
    ngx_http_token_status_number(&st, &ngx_http_token_status_workers, workers);
    ngx_http_token_status_sessions(&st, sum);
    ngx_http_token_status_tokens(&st, mcf, sum);
    ngx_http_token_status_commits(&st);
    ngx_http_token_status_store(&st, mcf);
    ngx_http_token_status_close(&st);

    if (st.format == NGX_HTTP_TOKEN_STATUS_PROMETHEUS) {
        return ngx_http_token_reply_send(r, "text/plain; version=0.0.4",
                                         st.text);
    }

    ngx_token_buf_str(st.text, "\n");

    return ngx_http_token_reply_send(r, "application/json", st.text);
}


static void
ngx_http_token_status_sessions(ngx_http_token_status_t *st,
    ngx_http_token_stat_t *sum)
{
    u_char                   text[NGX_INT_T_LEN];
    ngx_uint_t               i, code;
    ngx_http_token_label_t   label;

    ngx_http_token_status_open(st, "sessions");
    ngx_http_token_status_numbers(st, ngx_http_token_status_session, sum);

    ngx_http_token_status_head(st, &ngx_http_token_status_closed);
    ngx_http_token_status_open(st, NULL);

    label.name = "code";

    for (i = 0; i < NGX_HTTP_TOKEN_STAT_CODES; i++) {
        code = ngx_http_token_stat_code(i);

        label.value.data = text;
        label.value.len = (code ? ngx_sprintf(text, "%ui", code)
                                : ngx_sprintf(text, "other")) - text;

        ngx_http_token_status_item(st, &ngx_http_token_status_closed, &label,
                                   1, sum->closed[i]);
    }

    ngx_http_token_status_close(st);
    ngx_http_token_status_close(st);

    ngx_http_token_status_open(st, "traffic");
    ngx_http_token_status_numbers(st, ngx_http_token_status_traffic, sum);
    ngx_http_token_status_close(st);
}


static void
ngx_http_token_status_tokens(ngx_http_token_status_t *st,
    ngx_http_token_main_conf_t *mcf, ngx_http_token_stat_t *sum)
{
    ngx_uint_t                  i;
    ngx_http_token_label_t      labels[2];
    ngx_http_token_service_t  **sp;

    ngx_http_token_status_open(st, "tokens");
    ngx_http_token_status_numbers(st, ngx_http_token_status_token, sum);

    ngx_http_token_status_head(st, &ngx_http_token_status_refused);
    ngx_http_token_status_outcomes(st, &ngx_http_token_status_refused, labels,
                                   0, NGX_HTTP_TOKEN_STATUS_REFUSALS,
                                   sum->refused);

    ngx_http_token_status_head(st, &ngx_http_token_status_services);
    ngx_http_token_status_open(st, NULL);

    sp = mcf->services.elts;
    labels[0].name = "service";

    for (i = 0; i < mcf->services.nelts; i++) {
        ngx_http_token_str(&labels[0].value, &sp[i]->name);

        ngx_http_token_status_key(st, &labels[0].value);
        ngx_http_token_status_outcomes(st, &ngx_http_token_status_services,
                                       labels, 1, NGX_HTTP_TOKEN_STATUS_ALL,
                                       sum->outcomes[i]);
    }

    ngx_http_token_status_close(st);
    ngx_http_token_status_close(st);
}


/*
 *     labels  n of them, and room for one more
 *     which   bits: of the outcomes that there can be
 */

static void
ngx_http_token_status_outcomes(ngx_http_token_status_t *st,
    const ngx_http_token_metric_t *m, ngx_http_token_label_t *labels,
    ngx_uint_t n, ngx_uint_t which, uint64_t *counts)
{
    ngx_uint_t        i;
    ngx_token_str_t  *value;

    ngx_http_token_status_open(st, NULL);

    labels[n].name = "outcome";
    value = &labels[n].value;

    for (i = 0; i < NGX_HTTP_TOKEN_STAT_OUTCOMES; i++) {

        if (!(which & ((ngx_uint_t) 1 << i))) {
            continue;
        }

        value->data = (u_char *) ngx_token_outcome_name(i);
        value->len = ngx_strlen(value->data);

        ngx_http_token_status_item(st, m, labels, n + 1, counts[i]);
    }

    ngx_http_token_status_close(st);
}


static void
ngx_http_token_status_commits(ngx_http_token_status_t *st)
{
    ngx_token_queue_stat_t  stat;

    if (ngx_http_token_worker.commits == NULL) {
        return;
    }

    ngx_token_queue_stat(ngx_http_token_worker.commits, &stat);

    ngx_http_token_status_open(st, "commits");
    ngx_http_token_status_numbers(st, ngx_http_token_status_commit, &stat);
    ngx_http_token_status_close(st);
}


static void
ngx_http_token_status_store(ngx_http_token_status_t *st,
    ngx_http_token_main_conf_t *mcf)
{
    ngx_token_read_t        *r;
    ngx_token_store_stat_t   stat;

    if (ngx_http_token_worker.store == NULL
        || ngx_token_read_begin(ngx_http_token_worker.store, &r)
           != NGX_TOKEN_OK)
    {
        r = NULL;
    }

    ngx_http_token_status_open(st, "store");
    ngx_http_token_status_number(st, &ngx_http_token_status_up, r != NULL);

    if (r && ngx_token_read_stat(r, &stat) == NGX_TOKEN_OK) {
        ngx_http_token_status_numbers(st, ngx_http_token_status_fill, &stat);
    }

    ngx_http_token_status_close(st);

    if (r) {
        ngx_http_token_status_logs(st, mcf, r);
        ngx_token_read_end(r);
    }
}


static void
ngx_http_token_status_logs(ngx_http_token_status_t *st,
    ngx_http_token_main_conf_t *mcf, ngx_token_read_t *r)
{
    ngx_uint_t                  i;
    ngx_token_log_t             log;
    ngx_http_token_label_t      label;
    ngx_http_token_channel_t  **chp;

    ngx_http_token_status_head(st, &ngx_http_token_status_records);
    ngx_http_token_status_open(st, NULL);

    chp = mcf->channels.elts;
    label.name = "log";

    for (i = 0; i < mcf->channels.nelts; i++) {

        if (chp[i]->kind != NGX_TOKEN_KIND_LOG) {
            continue;
        }

        ngx_http_token_str(&label.value, &chp[i]->name);
        ngx_token_read_log(r, &label.value, &log);

        ngx_http_token_status_item(st, &ngx_http_token_status_records, &label,
                                   1, log.count);
    }

    ngx_http_token_status_close(st);
}


/* JSON's braces, with a key before them or without; nothing in Prometheus's */

static void
ngx_http_token_status_open(ngx_http_token_status_t *st, const char *key)
{
    ngx_token_str_t  s;

    if (st->format != NGX_HTTP_TOKEN_STATUS_JSON) {
        return;
    }

    if (key) {
        s.data = (u_char *) key;
        s.len = ngx_strlen(key);
        ngx_http_token_status_key(st, &s);
    }

    ngx_token_buf_str(st->text, "{");
    st->comma = 0;
}


static void
ngx_http_token_status_close(ngx_http_token_status_t *st)
{
    if (st->format == NGX_HTTP_TOKEN_STATUS_JSON) {
        ngx_token_buf_str(st->text, "}");
        st->comma = 1;
    }
}


static void
ngx_http_token_status_key(ngx_http_token_status_t *st,
    const ngx_token_str_t *key)
{
    if (st->format != NGX_HTTP_TOKEN_STATUS_JSON) {
        return;
    }

    if (st->comma) {
        ngx_token_buf_str(st->text, ",");
    }

    ngx_token_buf_json_string(st->text, key);
    ngx_token_buf_str(st->text, ":");
    st->comma = 1;
}


/* what stands before the values of a metric */

static void
ngx_http_token_status_head(ngx_http_token_status_t *st,
    const ngx_http_token_metric_t *m)
{
    ngx_token_str_t   key;
    ngx_token_buf_t  *b;

    if (st->format == NGX_HTTP_TOKEN_STATUS_JSON) {
        key.data = (u_char *) m->key;
        key.len = ngx_strlen(m->key);
        ngx_http_token_status_key(st, &key);
        return;
    }

    b = st->text;

    ngx_token_buf_str(b, "# HELP ");
    ngx_token_buf_str(b, m->name);
    ngx_token_buf_str(b, " ");
    ngx_token_buf_str(b, m->help);
    ngx_token_buf_str(b, "\n# TYPE ");
    ngx_token_buf_str(b, m->name);
    ngx_token_buf_str(b, " ");
    ngx_token_buf_str(b, m->type);
    ngx_token_buf_str(b, "\n");
}


static void
ngx_http_token_status_numbers(ngx_http_token_status_t *st,
    const ngx_http_token_metric_t *m, const void *base)
{
    uint64_t  n;

    for ( /* void */ ; m->key; m++) {
        ngx_memcpy(&n, (const u_char *) base + m->offset, sizeof(uint64_t));
        ngx_http_token_status_number(st, m, n);
    }
}


static void
ngx_http_token_status_number(ngx_http_token_status_t *st,
    const ngx_http_token_metric_t *m, uint64_t n)
{
    ngx_http_token_status_head(st, m);

    if (st->format == NGX_HTTP_TOKEN_STATUS_JSON) {
        ngx_token_buf_uint(st->text, n);
        return;
    }

    ngx_http_token_status_item(st, m, NULL, 0, n);
}


/* the last label is the key in JSON: the others have been opened */

static void
ngx_http_token_status_item(ngx_http_token_status_t *st,
    const ngx_http_token_metric_t *m, ngx_http_token_label_t *labels,
    ngx_uint_t n, uint64_t value)
{
    ngx_uint_t        i;
    ngx_token_buf_t  *b;

    b = st->text;

    if (st->format == NGX_HTTP_TOKEN_STATUS_JSON) {
        ngx_http_token_status_key(st, &labels[n - 1].value);
        ngx_token_buf_uint(b, value);
        return;
    }

    ngx_token_buf_str(b, m->name);

    for (i = 0; i < n; i++) {
        ngx_token_buf_str(b, i ? "," : "{");
        ngx_token_buf_str(b, labels[i].name);
        ngx_token_buf_str(b, "=\"");
        ngx_http_token_status_label(b, &labels[i].value);
        ngx_token_buf_str(b, "\"");
    }

    ngx_token_buf_str(b, n ? "} " : " ");
    ngx_token_buf_uint(b, value);
    ngx_token_buf_str(b, "\n");
}


/* Prometheus's escapes */

static void
ngx_http_token_status_label(ngx_token_buf_t *b, ngx_token_str_t *value)
{
    size_t  i;

    for (i = 0; i < value->len; i++) {

        if (value->data[i] == '\n') {
            ngx_token_buf_str(b, "\\n");
            continue;
        }

        if (value->data[i] == '"' || value->data[i] == '\\') {
            ngx_token_buf_str(b, "\\");
        }

        ngx_token_buf_append(b, &value->data[i], 1);
    }
}
