
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "load.h"


/*
 * N watchers, one publisher.  With --w messages are outstanding: the next is
 * published when one has come to all watchers.  With --rate they are published
 * at that rate, and the time from the publish to the last watcher is taken.
 * With --count it is over after so many messages.  With --last the channel has
 * so many when the watchers come, and they ask for them.
 */


#define RING  65536                       /* messages under way at most */


static void on_watcher(conn_t *c, unsigned char *data, size_t len);
static void on_publisher(conn_t *c, unsigned char *data, size_t len);
static void on_value(conn_t *c, uint64_t seq);
static void publish_last(void);
static void publish_one(void);
static void run(uint64_t ns);
static void finish(void);


static conn_t    *watchers, *publisher;
static uint32_t   left[RING];             /* watchers that lack it */
static uint64_t   at[RING];               /* ns: when it was published */
static uint64_t   published, complete, deliveries, gaps, doubles;
static uint64_t   waiting, answered;
static unsigned   stopped;
static stat_t     latency;


void
fanout(void)
{
    double    cpu, own, secs;
    uint32_t  i;
    uint64_t  from, count, messages, until;

    publisher = open_all(1, conf.pub, on_publisher, 0);
    publish_last();
    watchers = open_all(conf.n, conf.path, on_watcher, 0);

    for (i = 0; i < conf.n; i++) {
        watch(&watchers[i], "feed");
    }

    waiting = conf.token ? conf.n : 0;

    for (until = now() + 20000000000; waiting; turn(100)) {
        if (now() > until) {
            fail("%lu watchers are not answered", waiting);
        }
    }

    for (i = 0; !conf.rate && i < conf.w; i++) {
        publish_one();
    }

    if (conf.count) {
        finish();
        printf("{\"deliveries\":%lu,\"errors\":%lu}\n", deliveries, errors);
        return;
    }

    run(conf.warm);

    latency.n = 0;
    cpu = server_cpu();
    own = own_cpu();
    from = now();
    count = deliveries;
    messages = complete;

    run(conf.secs);

    secs = (double) (now() - from) / 1e9;
    cpu = server_cpu() - cpu;
    own = own_cpu() - own;
    count = deliveries - count;
    messages = complete - messages;
    stopped = 1;
    finish();

    printf("{\"rate\":%.1f,\"messages\":%.1f,\"cpu_us\":%.4f,"
           "\"server_cpu\":%.3f,\"own_cpu\":%.3f,\"p50\":%.1f,\"p99\":%.1f,"
           "\"gaps\":%lu,\"doubles\":%lu,\"lost\":%lu,\"errors\":%lu}\n",
           (double) count / secs, (double) messages / secs,
           count ? cpu * 1e6 / (double) count : 0, cpu / secs, own / secs,
           stat_at(&latency, 0.5), stat_at(&latency, 0.99),
           gaps, doubles, published - complete, errors);
}


static void
run(uint64_t ns)
{
    uint64_t  t, gap, next, until;

    t = now();
    until = t + ns;
    gap = conf.rate ? 1000000000 / conf.rate : 0;
    next = t;

    while (t < until) {
        if (gap == 0) {
            turn(100);
            t = now();
            continue;
        }

        while (t >= next && published - complete < RING) {
            publish_one();
            next += gap;
        }

        turn(next > t ? (int) ((next - t) / 1000000) : 0);
        t = now();
    }
}


/* until all that was published has come */

static void
finish(void)
{
    uint32_t  i;
    uint64_t  until;

    for (until = now() + 30000000000; complete < published; turn(100)) {
        if (now() > until) {
            break;
        }
    }

    for (i = 0; i < conf.n; i++) {
        errors += watchers[i].closed;
    }

    errors += gaps + doubles + (published - complete);
}


/* a server of the other protocol keeps nothing */

static void
publish_last(void)
{
    uint32_t  i;
    uint64_t  until;

    until = now() + 20000000000;

    for (i = 0; conf.token && i < conf.last; i++) {

        for (publish(publisher, 0); answered == i; turn(100)) {
            if (now() > until) {
                fail("a publish is not answered");
            }
        }
    }
}


static void
publish_one(void)
{
    uint64_t  i;

    published++;
    i = published % RING;
    left[i] = conf.n;
    at[i] = now();
    publish(publisher, published);
}


static void
on_watcher(conn_t *c, unsigned char *data, size_t len)
{
    if (published) {
        (void) each_value(c, data, len, on_value);
        return;
    }

    /* what it got before is from another run, and over with this */

    if (memmem(data, len, "\"type\":\"synced\"", 15)) {
        waiting--;

    } else if (memmem(data, len, "\"type\":\"error\"", 14)) {
        fail("%.*s", (int) len, (char *) data);
    }
}


static void
on_value(conn_t *c, uint64_t seq)
{
    uint64_t  i;

    if (seq != c->next) {
        if (seq < c->next) {
            doubles++;
            return;
        }

        gaps += seq - c->next;
    }

    c->next = seq + 1;
    deliveries++;

    if (seq > published || published - seq >= RING) {
        fail("message %lu of %lu came", seq, published);
    }

    i = seq % RING;

    if (--left[i] == 0) {
        stat_add(&latency, now() - at[i]);
        complete++;

        if (!conf.rate && !stopped
            && (conf.count == 0 || published < conf.count))
        {
            publish_one();
        }
    }
}


static void
on_publisher(conn_t *c, unsigned char *data, size_t len)
{
    const char  *p;

    (void) c;

    if (!conf.token) {
        return;
    }

    p = member(data, len, "outcome");

    if (p != NULL && memcmp(p, "\"ok\"", 4) != 0) {
        fail("a publish was answered %.*s", (int) len, (char *) data);
    }

    answered += (p != NULL);
}
