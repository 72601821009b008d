
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "load.h"


/*
 * What it costs as it grows.  fill makes --n entries by the service --value,
 * 16 in a token; join watches the channel --value --n times, each on a
 * connection of its own, and waits for the end of the snapshot; watches has
 * one session watch --n members of the family --value.
 */


#define REQUESTS  16                      /* of a token: PROTOCOL.md, 5 */
#define WINDOW    64


static void on_fill(conn_t *c, unsigned char *data, size_t len);
static void send_fill(conn_t *c);
static void on_join(conn_t *c, unsigned char *data, size_t len);
static void on_joined(conn_t *c, uint64_t seq);
static void on_watches(conn_t *c, unsigned char *data, size_t len);


static uint64_t  sent, answered, synced, watching, bytes, values;


void
fill(void)
{
    double     secs;
    conn_t    *c;
    unsigned   i;
    uint64_t   from;

    c = open_all(1, conf.path, on_fill, 0);
    from = now();

    /* --last is what is there already */
    sent = conf.last;
    answered = conf.last;

    for (i = 0; i < WINDOW; i++) {
        send_fill(c);
    }

    while (answered < conf.n && c->fd != -1) {
        turn(1000);
    }

    if (answered < conf.n) {
        fail("closed after %lu", answered);
    }

    secs = (double) (now() - from) / 1e9;

    printf("{\"rate\":%.1f,\"n\":%u,\"errors\":%lu}\n",
           (double) (conf.n - conf.last) / secs, conf.n, errors);
}


static void
send_fill(conn_t *c)
{
    int       n, i;
    char      id[37], buf[REQUESTS * (2048 + 64) + 128], pad[2048];
    uint64_t  count;

    if (sent >= conf.n) {
        return;
    }

    if (conf.size < DIGITS || conf.size > sizeof(pad)) {
        fail("--size is from %d to %zu", DIGITS, sizeof(pad));
    }

    memset(pad, 'x', sizeof(pad));

    make_id(id, 1);
    n = snprintf(buf, sizeof(buf), "{\"type\":\"token\",\"id\":\"%s\","
                 "\"requests\":[", id);

    count = conf.n - sent < REQUESTS ? conf.n - sent : REQUESTS;

    for (i = 0; i < (int) count; i++) {
        sent++;
        n += snprintf(buf + n, sizeof(buf) - (size_t) n,
                      "%s{\"service\":\"%s\",\"value\":\"%0*lu%.*s\"}",
                      i ? "," : "", conf.value, DIGITS, sent,
                      (int) conf.size - DIGITS, pad);
    }

    n += snprintf(buf + n, sizeof(buf) - (size_t) n, "]}");
    send_text(c, buf, (size_t) n);
}


static void
on_fill(conn_t *c, unsigned char *data, size_t len)
{
    unsigned char  *p, *last = data + len;

    while (data < last) {
        p = memchr(data, '\n', (size_t) (last - data));
        p = p ? p : last;

        if (memmem(data, (size_t) (p - data), "\"outcome\":\"ok\"", 14)) {
            answered += conf.n - answered < REQUESTS ? conf.n - answered
                                                     : REQUESTS;
            send_fill(c);

        } else if (memmem(data, (size_t) (p - data), "\"error\"", 7)) {
            fail("%.*s", (int) (p - data), (char *) data);
        }

        data = p + 1;
    }
}


void
join(void)
{
    int        n;
    char       buf[MAX_NAME + 64];
    conn_t    *c;
    double     cpu;
    uint64_t   from, until;
    uint32_t   i;
    stat_t     latency = { 0, 0, NULL };

    n = snprintf(buf, sizeof(buf), "{\"type\":\"watch\",\"channel\":\"%s\"",
                 conf.value);
    if (conf.last) {
        n += snprintf(buf + n, sizeof(buf) - (size_t) n, ",\"last\":%u",
                      conf.last);
    }

    n += snprintf(buf + n, sizeof(buf) - (size_t) n, "}");
    cpu = server_cpu();

    for (i = 0; i < conf.n; i++) {
        c = open_all(1, conf.path, on_join, 0);
        c->next = 0;
        synced = 0;
        values = 0;
        bytes = 0;
        from = now();
        send_text(c, buf, (size_t) n);

        for (until = from + 120000000000; !synced && c->fd != -1;
             turn(1000))
        {
            if (now() > until) {
                fail("no snapshot of %s", conf.value);
            }
        }

        if (!synced) {
            fail("closed before the snapshot's end");
        }

        stat_add(&latency, now() - from);
        close_conn(c);
    }

    cpu = server_cpu() - cpu;

    printf("{\"p50\":%.1f,\"p99\":%.1f,\"values\":%lu,\"bytes\":%lu,"
           "\"cpu_us\":%.1f,\"errors\":%lu}\n",
           stat_at(&latency, 0.5), stat_at(&latency, 0.99), values, bytes,
           cpu * 1e6 / conf.n, errors);
}


static void
on_join(conn_t *c, unsigned char *data, size_t len)
{
    bytes += len;
    (void) each_value(c, data, len, on_joined);

    if (memmem(data, len, "\"type\":\"synced\"", 15)) {
        synced = 1;

    } else if (memmem(data, len, "\"type\":\"error\"", 14)) {
        fail("%.*s", (int) len, (char *) data);
    }
}


static void
on_joined(conn_t *c, uint64_t seq)
{
    /* the first is wherever the snapshot begins; names sort as numbers do */
    if (c->next && seq != c->next) {
        errors++;
    }

    c->next = seq + 1;
    values++;
}


void
watches(void)
{
    int       n;
    char      buf[MAX_NAME + 64];
    conn_t   *c;
    uint32_t  i;
    uint64_t  from, until;

    c = open_all(1, conf.path, on_watches, 0);
    from = now();

    for (i = 1; i <= conf.n; i++) {
        n = snprintf(buf, sizeof(buf),
                     "{\"type\":\"watch\",\"channel\":\"%s/%0*u\"}",
                     conf.value, DIGITS, i);
        send_text(c, buf, (size_t) n);
    }

    for (until = now() + 60000000000; watching < conf.n; turn(1000)) {
        if (now() > until || c->fd == -1) {
            fail("%lu of %u watches are answered", watching, conf.n);
        }
    }

    printf("{\"p50\":%.1f,\"n\":%u,\"errors\":%lu}\n",
           (double) (now() - from) / 1e3, conf.n, errors);
}


static void
on_watches(conn_t *c, unsigned char *data, size_t len)
{
    unsigned char  *p, *last = data + len;

    (void) c;

    for (p = data; p != NULL && p < last; /* void */) {
        p = memmem(p, (size_t) (last - p), "\"type\":\"watching\"", 17);

        if (p != NULL) {
            watching++;
            p += 17;
        }
    }
}
