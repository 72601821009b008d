
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "load.h"


/*
 * N connections, each with one message under way: it must come back as it was
 * sent, then the next is sent.
 */


static void on_echo(conn_t *c, unsigned char *data, size_t len);
static void send_next(conn_t *c);
static void run(uint64_t ns);


static uint64_t  trips;
static unsigned  stopped;
static uint32_t  under_way;
static stat_t    latency;


void
echo(void)
{
    conn_t   *all;
    double    cpu, own, secs;
    uint64_t  from, count, until;
    uint32_t  i;

    conf.token = 0;
    all = open_all(conf.n, conf.path, on_echo, 0);

    for (i = 0; i < conf.n; i++) {
        send_next(&all[i]);
    }

    run(conf.warm);

    latency.n = 0;
    cpu = server_cpu();
    own = own_cpu();
    from = now();
    count = trips;

    run(conf.secs);

    secs = (double) (now() - from) / 1e9;
    cpu = server_cpu() - cpu;
    own = own_cpu() - own;
    count = trips - count;
    stopped = 1;

    for (until = now() + 5000000000; under_way && now() < until; turn(100)) {
        /* void */
    }

    errors += under_way;

    printf("{\"rate\":%.1f,\"cpu_us\":%.4f,\"server_cpu\":%.3f,"
           "\"own_cpu\":%.3f,\"p50\":%.1f,\"p99\":%.1f,\"errors\":%lu}\n",
           (double) count / secs, count ? cpu * 1e6 / (double) count : 0,
           cpu / secs, own / secs, stat_at(&latency, 0.5),
           stat_at(&latency, 0.99), errors);
}


static void
run(uint64_t ns)
{
    uint64_t  until;

    for (until = now() + ns; now() < until; turn(100)) {
        /* void */
    }
}


static void
send_next(conn_t *c)
{
    c->sent = now();
    under_way++;
    publish(c, c->next);
}


static void
on_echo(conn_t *c, unsigned char *data, size_t len)
{
    char  want[DIGITS + 1];

    (void) snprintf(want, sizeof(want), "%0*lu", DIGITS, c->next);

    if (len != conf.size || memcmp(data, want, DIGITS) != 0
        || data[len - 1] != (len == DIGITS ? data[len - 1] : 'x'))
    {
        fail("%.*s came back for %s", (int) len, (char *) data, want);
    }

    stat_add(&latency, now() - c->sent);
    trips++;
    under_way--;
    c->next++;

    if (!stopped) {
        send_next(c);
    }
}
