
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define RAMP    128                       /* handshakes at a time */
#define INPUT   (4 * 1024 * 1024)
#define EVENTS  512


static void connect_one(conn_t *c, const char *path, int rcvbuf);
static void upgrade(conn_t *c);
static void handle(conn_t *c, uint32_t events);
static void input(conn_t *c);
static size_t frames(conn_t *c, unsigned char *p, size_t len);
static void output(conn_t *c);
static ssize_t take(conn_t *c, void *data, size_t len);
static ssize_t give(conn_t *c, const void *data, size_t len);
static void listen_for(conn_t *c, uint32_t events, int op);


static int             ep = -1;
static uint32_t        opened;            /* since the start */
static const char     *upgrade_path;
static unsigned char   in[INPUT];


conn_t *
open_all(uint32_t n, const char *path, message_pt message, int rcvbuf)
{
    uint32_t   i, before;
    conn_t    *all;

    if (ep == -1) {
        ep = epoll_create1(EPOLL_CLOEXEC);
    }

    all = calloc(n, sizeof(conn_t));
    if (all == NULL) {
        fail("no memory");
    }

    before = opened;

    for (i = 0; i < n; i++) {
        all[i].index = i;
        all[i].message = message;
        all[i].next = 1;
        connect_one(&all[i], path, rcvbuf);

        while (i + 1 - (opened - before) >= RAMP) {
            turn(1000);
        }
    }

    while (opened - before < n) {
        turn(1000);
    }

    return all;
}


static void
connect_one(conn_t *c, const char *path, int rcvbuf)
{
    int                 one = 1;
    struct sockaddr_in  sin;
    static uint32_t     address;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd == -1) {
        fail("socket: %s", strerror(errno));
    }

    (void) setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(int));
    (void) setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
                      sizeof(int));

    if (rcvbuf) {
        (void) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(int));
    }

    /* an address has 28,000 ports */
    memset(&sin, 0, sizeof(struct sockaddr_in));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(0x7f000002 + (address++ % 64));

    if (bind(c->fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        fail("bind: %s", strerror(errno));
    }

    sin.sin_addr.s_addr = htonl(0x7f000001);
    sin.sin_port = htons((uint16_t) conf.port);
    upgrade_path = path;

    if (connect(c->fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        && errno != EINPROGRESS)
    {
        fail("connect: %s", strerror(errno));
    }

    listen_for(c, EPOLLOUT, EPOLL_CTL_ADD);
}


static void
upgrade(conn_t *c)
{
    int          len, err = 0;
    char         buf[512], path[MAX_NAME];
    const char  *mark, *extension = "";
    socklen_t    size = sizeof(int);

    (void) getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &size);
    if (err) {
        fail("connect to port %u: %s", conf.port, strerror(err));
    }

    mark = strchr(upgrade_path, '#');
    (void) snprintf(path, sizeof(path), mark ? "%.*s%u%s" : "%.*s",
                    mark ? (int) (mark - upgrade_path) : MAX_NAME,
                    upgrade_path, c->index, mark ? mark + 1 : "");

    if (conf.deflate) {
        extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    }

    len = snprintf(buf, sizeof(buf),
                   "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s\r\n",
                   path, conf.port, extension,
                   conf.token ? "Sec-WebSocket-Protocol: token.v1\r\n" : "");

    if (give(c, buf, (size_t) len) != len) {
        fail("handshake: %s", strerror(errno));
    }

    c->asked = 1;
    listen_for(c, EPOLLIN, EPOLL_CTL_MOD);
}


void
turn(int ms)
{
    int                        i, n;
    uint64_t                   until;
    static struct epoll_event  list[EVENTS];

    if (conf.poll) {
        until = now() + (uint64_t) ms * 1000000;

        do {
            n = epoll_wait(ep, list, EVENTS, 0);
        } while (n == 0 && now() < until);

    } else {
        n = epoll_wait(ep, list, EVENTS, ms);
    }

    for (i = 0; i < n; i++) {
        handle(list[i].data.ptr, list[i].events);
    }
}


static void
handle(conn_t *c, uint32_t events)
{
    uint32_t  wanted;

    if (c->fd == -1) {
        return;
    }

    if (!c->asked) {
        wanted = conf.tls ? tls_handshake(c) : 0;

        if (wanted) {
            listen_for(c, wanted, EPOLL_CTL_MOD);

        } else {
            upgrade(c);
        }

        return;
    }

    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
        input(c);
    }

    if (c->fd != -1 && (events & EPOLLOUT)) {
        output(c);
    }
}


static void
input(conn_t *c)
{
    char     *end;
    size_t    used, len, old;
    ssize_t   n;

    old = c->len;

    if (old) {
        memcpy(in, c->buf, old);
    }

    n = take(c, in + old, INPUT - old);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0) {
        c->closed = 1;
        close_conn(c);
        return;
    }

    len = old + (size_t) n;
    used = 0;

    if (!c->open) {
        end = memmem(in, len, "\r\n\r\n", 4);

        if (end != NULL) {
            if (memcmp(in, "HTTP/1.1 101", 12) != 0) {
                fail("handshake answered %.40s", (char *) in);
            }

            c->open = 1;
            opened++;
            used = (size_t) ((unsigned char *) end + 4 - in);
        }
    }

    if (c->open) {
        used += frames(c, in + used, len - used);
    }

    if (c->fd == -1) {
        return;
    }

    if (used == len) {
        if (old) {
            free(c->buf);
            c->buf = NULL;
            c->len = 0;
        }

        return;
    }

    c->buf = realloc(c->buf, len - used);
    if (c->buf == NULL) {
        fail("no memory");
    }

    memcpy(c->buf, in + used, len - used);
    c->len = (uint32_t) (len - used);
}


static size_t
frames(conn_t *c, unsigned char *p, size_t len)
{
    size_t          i, head, size;
    unsigned char  *start = p, *last = p + len;

    while (last - p >= 2 && c->fd != -1) {
        size = p[1];
        head = 2;

        if (size == 126 || size == 127) {
            head = (size == 126) ? 4 : 10;

            if ((size_t) (last - p) < head) {
                break;
            }

            for (size = 0, i = 2; i < head; i++) {
                size = size << 8 | p[i];
            }
        }

        if ((size_t) (last - p) < head + size) {
            break;
        }

        switch (p[0]) {

        case 0x81:
        case 0x82:
            c->message(c, p + head, size);
            break;

        case 0x88:
            c->closed = 1;
            close_conn(c);
            break;

        case 0x89:
            break;

        case 0xc1:
            /* only idle sessions negotiate compression: a hello */
            break;

        default:
            fail("a frame begins with %02x", p[0]);
        }

        p += head + size;
    }

    return (size_t) (p - start);
}


void
send_text(conn_t *c, const char *data, size_t len)
{
    size_t          i, head;
    ssize_t         n;
    unsigned char  *p, mask[4], small[2048];

    if (c->fd == -1) {
        return;
    }

    p = (len + 14 <= sizeof(small)) ? small : malloc(len + 14);
    if (p == NULL) {
        fail("no memory");
    }

    p[0] = 0x81;

    if (len < 126) {
        p[1] = (unsigned char) (0x80 | len);
        head = 2;

    } else if (len < 65536) {
        p[1] = 0xfe;
        p[2] = (unsigned char) (len >> 8);
        p[3] = (unsigned char) len;
        head = 4;

    } else {
        p[1] = 0xff;
        for (i = 0; i < 8; i++) {
            p[2 + i] = (unsigned char) ((uint64_t) len >> (56 - 8 * i));
        }
        head = 10;
    }

    *(uint32_t *) (void *) mask = (uint32_t) random64();
    memcpy(p + head, mask, 4);
    head += 4;

    for (i = 0; i < len; i++) {
        p[head + i] = (unsigned char) data[i] ^ mask[i & 3];
    }

    len += head;
    n = 0;

    if (c->out_len == 0) {
        n = give(c, p, len);
        n = (n == -1) ? 0 : n;
    }

    if ((size_t) n < len) {
        c->out = realloc(c->out, c->out_len + len - (size_t) n);
        if (c->out == NULL) {
            fail("no memory");
        }

        memcpy(c->out + c->out_len, p + n, len - (size_t) n);
        c->out_len += (uint32_t) (len - (size_t) n);
        listen_for(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }

    if (p != small) {
        free(p);
    }
}


static void
output(conn_t *c)
{
    ssize_t  n;

    if (c->out_len) {
        n = give(c, c->out, c->out_len);
        if (n <= 0) {
            return;
        }

        c->out_len -= (uint32_t) n;
        memmove(c->out, c->out + n, c->out_len);
    }

    if (c->out_len == 0) {
        free(c->out);
        c->out = NULL;
        listen_for(c, EPOLLIN, EPOLL_CTL_MOD);
    }
}


void
pause_reading(conn_t *c, unsigned paused)
{
    if (c->fd != -1) {
        listen_for(c, paused ? 0 : EPOLLIN, EPOLL_CTL_MOD);
    }
}


void
close_conn(conn_t *c)
{
    struct linger  l = { 1, 0 };

    if (c->fd != -1) {
        (void) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
        (void) close(c->fd);
        c->fd = -1;
        tls_free(c);
    }
}


static ssize_t
take(conn_t *c, void *data, size_t len)
{
    return c->tls ? tls_recv(c, data, len) : recv(c->fd, data, len, 0);
}


static ssize_t
give(conn_t *c, const void *data, size_t len)
{
    return c->tls ? tls_send(c, data, len)
                  : send(c->fd, data, len, MSG_NOSIGNAL);
}


static void
listen_for(conn_t *c, uint32_t events, int op)
{
    struct epoll_event  ee;

    ee.events = events;
    ee.data.ptr = c;

    if (epoll_ctl(ep, op, c->fd, &ee) == -1) {
        fail("epoll_ctl: %s", strerror(errno));
    }
}


double
server_cpu(void)
{
    int             i;
    char            name[64], line[1024], *p;
    FILE           *f;
    double          sum = 0;
    unsigned long   user, sys;

    for (i = 0; i < conf.npids; i++) {
        (void) snprintf(name, sizeof(name), "/proc/%d/stat", conf.pids[i]);

        f = fopen(name, "r");
        if (f == NULL) {
            fail("server process %d is gone", conf.pids[i]);
        }

        p = fgets(line, sizeof(line), f);
        (void) fclose(f);

        p = p ? strrchr(p, ')') : NULL;

        if (p == NULL
            || sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u"
                      " %lu %lu", &user, &sys) != 2)
        {
            fail("%s cannot be read", name);
        }

        sum += (double) (user + sys) / (double) sysconf(_SC_CLK_TCK);
    }

    return sum;
}


double
own_cpu(void)
{
    struct rusage  ru;

    (void) getrusage(RUSAGE_SELF, &ru);

    return (double) (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec)
           + (double) (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}


long
server_memory(void)
{
    int    i;
    char   name[64], line[256];
    long   kb, sum = 0;
    FILE  *f;

    for (i = 0; i < conf.npids; i++) {
        (void) snprintf(name, sizeof(name), "/proc/%d/smaps_rollup",
                        conf.pids[i]);

        f = fopen(name, "r");
        if (f == NULL) {
            fail("%s: %s", name, strerror(errno));
        }

        while (fgets(line, sizeof(line), f)) {
            if (sscanf(line, "Pss_Anon: %ld kB", &kb) == 1
                || sscanf(line, "Pss_Shmem: %ld kB", &kb) == 1)
            {
                sum += kb;
            }
        }

        (void) fclose(f);
    }

    return sum;
}


uint64_t
now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


uint64_t
random64(void)
{
    static uint64_t  x;

    if (x == 0) {
        x = now() ^ ((uint64_t) getpid() << 40);
    }

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;

    return x;
}


void
fail(const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    (void) fputs("load: ", stderr);
    (void) vfprintf(stderr, fmt, args);
    (void) fputc('\n', stderr);
    va_end(args);

    exit(1);
}
