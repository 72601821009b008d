
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "load.h"


/*
 * N clients, each with --w tokens outstanding (1 by default: the next is sent
 * when one is answered).  Every outcome must be ok and that of a token which
 * this client sent, once.
 */


#define OUTCOME  "\"type\":\"outcome\",\"id\":\""


typedef struct {
    char       id[37];
    uint64_t   sent;                      /* ns; 0: free */
} token_t;


static void on_client(conn_t *c, unsigned char *data, size_t len);
static void on_outcome(conn_t *c, unsigned char *data, size_t len);
static void spend(conn_t *c, token_t *t);
static void run(uint64_t ns);


static conn_t    *clients;
static token_t   *under;                  /* conf.w for each client */
static uint64_t   done, under_way, hellos;
static unsigned   stopped;
static stat_t     latency;


void
tokens(void)
{
    double    cpu, own, secs;
    uint64_t  from, count, until;
    uint32_t  i, j;

    under = calloc((size_t) conf.n * conf.w, sizeof(token_t));
    if (under == NULL) {
        fail("no memory");
    }

    clients = open_all(conf.n, conf.path, on_client, 0);

    for (i = 0; i < conf.n; i++) {
        for (j = 0; j < conf.w; j++) {
            spend(&clients[i], &under[i * conf.w + j]);
        }
    }

    run(conf.warm);

    latency.n = 0;
    cpu = server_cpu();
    own = own_cpu();
    from = now();
    count = done;

    run(conf.secs);

    secs = (double) (now() - from) / 1e9;
    cpu = server_cpu() - cpu;
    own = own_cpu() - own;
    count = done - count;
    stopped = 1;

    for (until = now() + 30000000000; under_way; turn(100)) {
        if (now() > until) {
            break;
        }
    }

    errors += under_way;

    printf("{\"rate\":%.1f,\"cpu_us\":%.4f,\"server_cpu\":%.3f,"
           "\"own_cpu\":%.3f,\"p50\":%.1f,\"p99\":%.1f,\"done\":%lu,"
           "\"lost\":%lu,\"errors\":%lu}\n",
           (double) count / secs, count ? cpu * 1e6 / (double) count : 0,
           cpu / secs, own / secs, stat_at(&latency, 0.5),
           stat_at(&latency, 0.99), done, under_way, errors);
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
spend(conn_t *c, token_t *t)
{
    int   n;
    char  buf[256];

    make_id(t->id, !conf.random);

    n = snprintf(buf, sizeof(buf),
                 "{\"type\":\"token\",\"id\":\"%s\",\"service\":\"spend\","
                 "\"value\":\"0123456789abcdef\"}", t->id);

    t->sent = now();
    under_way++;
    send_text(c, buf, (size_t) n);
}


static void
on_client(conn_t *c, unsigned char *data, size_t len)
{
    unsigned char  *p, *last = data + len;

    while (data < last) {
        p = memchr(data, '\n', (size_t) (last - data));
        p = p ? p : last;
        on_outcome(c, data, (size_t) (p - data));
        data = p + 1;
    }
}


static void
on_outcome(conn_t *c, unsigned char *data, size_t len)
{
    uint32_t        j;
    uint64_t        t;
    token_t        *token;
    const char     *p;
    const size_t    tag = sizeof(OUTCOME) - 1;

    if (len < 1 + tag + 36 || memcmp(data + 1, OUTCOME, tag) != 0) {
        if (len > 16 && memcmp(data, "{\"type\":\"error\"", 15) == 0) {
            fail("%.*s", (int) len, (char *) data);
        }

        hellos++;
        return;
    }

    p = (char *) data + 1 + tag;

    for (j = 0; j < conf.w; j++) {
        token = &under[c->index * conf.w + j];

        if (token->sent && memcmp(token->id, p, 36) == 0) {
            break;
        }
    }

    if (j == conf.w) {
        fail("an outcome of nothing: %.*s", (int) len, (char *) data);
    }

    p = member(data, len, "outcome");

    if (p == NULL || memcmp(p, "\"ok\"", 4) != 0) {
        fail("a token was answered %.*s", (int) len, (char *) data);
    }

    t = now();
    stat_add(&latency, t - token->sent);
    done++;
    under_way--;
    token->sent = 0;

    if (!stopped) {
        spend(c, token);
    }
}
