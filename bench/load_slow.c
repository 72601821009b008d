
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "load.h"

#include <arpa/inet.h>
#include <sys/socket.h>


/*
 * N healthy readers and --stuck others that read nothing, while messages are
 * published at --rate.  Afterwards the stuck ones read what there is for them:
 * a gap that nobody told them of is silent.
 */


#define RING  65536


static void on_reader(conn_t *c, unsigned char *data, size_t len);
static void on_healthy(conn_t *c, uint64_t seq);
static void on_stuck(conn_t *c, uint64_t seq);
static void on_other(conn_t *c, unsigned char *data, size_t len);
static void run(uint64_t ns);
static void drain(void);
static double kernel_bytes(void);


static conn_t    *healthy, *stuck, *publisher;
static uint64_t   at[RING];
static uint64_t   published, deliveries, gaps, silent, resets, waiting;
static unsigned   reading;
static stat_t     latency;


void
slow(void)
{
    long      memory;
    double    cpu, secs, kernel;
    uint32_t  i, closed = 0, behind = 0;
    uint64_t  from, count, until, lost = 0;

    if (conf.rate == 0) {
        fail("--rate is needed");
    }

    healthy = open_all(conf.n, conf.path, on_reader, 0);
    stuck = open_all(conf.stuck, conf.path, on_reader, 0);
    publisher = open_all(1, conf.pub, on_other, 0);

    waiting = conf.token ? conf.n + conf.stuck : 0;

    for (i = 0; i < conf.n + conf.stuck; i++) {
        watch(i < conf.n ? &healthy[i] : &stuck[i - conf.n], "feed");
    }

    for (until = now() + 20000000000; waiting; turn(100)) {
        if (now() > until) {
            fail("%lu watchers are not answered", waiting);
        }
    }

    for (i = 0; i < conf.stuck; i++) {
        pause_reading(&stuck[i], 1);
    }

    memory = server_memory();
    run(conf.warm);

    latency.n = 0;
    cpu = server_cpu();
    from = now();
    count = deliveries;

    run(conf.secs);

    secs = (double) (now() - from) / 1e9;
    cpu = server_cpu() - cpu;
    count = deliveries - count;
    memory = server_memory() - memory;
    kernel = kernel_bytes();

    reading = 1;
    drain();

    for (i = 0; i < conf.n; i++) {
        lost += published + 1 - healthy[i].next;
    }

    for (i = 0; i < conf.stuck; i++) {
        closed += stuck[i].closed;
        behind += !stuck[i].closed && stuck[i].next <= published;
    }

    errors += gaps + lost + silent + behind;

    printf("{\"rate\":%.1f,\"cpu_us\":%.4f,\"p50\":%.1f,\"p99\":%.1f,"
           "\"memory_kb\":%ld,\"kernel_kb\":%.1f,\"lost\":%lu,\"gaps\":%lu,"
           "\"silent\":%lu,\"told\":%lu,\"closed\":%u,\"behind\":%u,"
           "\"errors\":%lu}\n",
           (double) count / secs, count ? cpu * 1e6 / (double) count : 0,
           stat_at(&latency, 0.5), stat_at(&latency, 0.99), memory,
           kernel / 1024, lost, gaps, silent, resets, closed, behind, errors);
}


static void
run(uint64_t ns)
{
    uint64_t  t, next, until, gap = 1000000000 / conf.rate;

    t = now();
    until = t + ns;
    next = t;

    while (t < until) {
        while (t >= next) {
            published++;
            at[published % RING] = now();
            publish(publisher, published);
            next += gap;
        }

        turn(next > t ? (int) ((next - t) / 1000000) : 0);
        t = now();
    }
}


/*
 * Until all have all, have got nothing for two seconds, or thirty are over.
 */

static void
drain(void)
{
    uint32_t  i, missing;
    uint64_t  last, seen, count, until;

    for (i = 0; i < conf.stuck; i++) {
        pause_reading(&stuck[i], 0);
    }

    last = now();
    until = last + 30000000000;
    seen = 0;

    do {
        turn(100);

        missing = 0;
        count = deliveries;

        for (i = 0; i < conf.n; i++) {
            missing += healthy[i].fd != -1 && healthy[i].next <= published;
        }

        for (i = 0; i < conf.stuck; i++) {
            missing += stuck[i].fd != -1 && stuck[i].next <= published;
            count += stuck[i].got;
        }

        if (count != seen) {
            seen = count;
            last = now();
        }

    } while (missing && now() - last < 2000000000
             && now() < until);
}


static void
on_reader(conn_t *c, unsigned char *data, size_t len)
{
    if (published == 0) {
        if (memmem(data, len, "\"type\":\"synced\"", 15)) {
            waiting--;
        }

        return;
    }

    if (conf.token && memmem(data, len, "\"reset\":\"", 9)) {
        c->told = 1;
        resets++;
    }

    (void) each_value(c, data, len,
                      (c >= healthy && c < healthy + conf.n) ? on_healthy
                                                             : on_stuck);
}


static void
on_healthy(conn_t *c, uint64_t seq)
{
    if (seq != c->next) {
        gaps++;
    }

    c->next = seq + 1;
    deliveries++;

    /* what is drained was late only because nothing was read meanwhile */
    if (!reading) {
        stat_add(&latency, now() - at[seq % RING]);
    }
}


static void
on_stuck(conn_t *c, uint64_t seq)
{
    if (seq != c->next && !c->told) {
        silent++;
    }

    c->told = 0;
    c->next = seq + 1;
    c->got++;
}


static void
on_other(conn_t *c, unsigned char *data, size_t len)
{
    (void) c;
    (void) data;
    (void) len;
}


/* What the kernel holds for a stuck reader on the server's side: /proc. */

static double
kernel_bytes(void)
{
    char                 line[512];
    FILE                *f;
    double               sum = 0;
    unsigned             i, lport, rport, tx;
    socklen_t            len;
    struct sockaddr_in   sin;

    f = fopen("/proc/net/tcp", "r");
    if (f == NULL || conf.stuck == 0) {
        return 0;
    }

    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, " %*d: %*8x:%4x %*8x:%4x %*x %8x", &lport, &rport,
                   &tx) != 3
            || lport != conf.port)
        {
            continue;
        }

        for (i = 0; i < conf.stuck; i++) {
            len = sizeof(sin);

            if (stuck[i].fd != -1
                && getsockname(stuck[i].fd, (struct sockaddr *) &sin, &len)
                   == 0
                && ntohs(sin.sin_port) == rport)
            {
                sum += tx;
                break;
            }
        }
    }

    (void) fclose(f);

    return sum / conf.stuck;
}
