
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>


#define GUID    "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define INPUT   (1024 * 1024)
#define EVENTS  1024


static void take(int ep, int listener);
static void readable(int fd);
static void handshake(int fd, client_t *c, unsigned char *p, size_t len);
static size_t frames(int fd, client_t *c, unsigned char *p, size_t len);
static void drop(int fd);


static client_t        clients[MAX_CLIENTS];
static unsigned char   in[INPUT];


int
serve(const char *port)
{
    int                        i, n, ep, listener, one = 1;
    struct rlimit              rl;
    struct sockaddr_in         sin;
    struct epoll_event         ee;
    static struct epoll_event  list[EVENTS];

    (void) signal(SIGPIPE, SIG_IGN);

    if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
        rl.rlim_cur = rl.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &rl);
    }

    memset(&sin, 0, sizeof(struct sockaddr_in));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(0x7f000001);
    sin.sin_port = htons((uint16_t) strtoul(port, NULL, 10));

    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void) setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(int));

    if (bind(listener, (struct sockaddr *) &sin, sizeof(sin)) == -1
        || listen(listener, 4096) == -1)
    {
        die("listen");
    }

    ep = epoll_create1(EPOLL_CLOEXEC);
    ee.events = EPOLLIN;
    ee.data.fd = listener;
    (void) epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ee);

    for ( ;; ) {
        n = epoll_wait(ep, list, EVENTS, -1);

        for (i = 0; i < n; i++) {
            if (list[i].data.fd == listener) {
                take(ep, listener);

            } else {
                readable(list[i].data.fd);
            }
        }

        on_round();
    }
}


static void
take(int ep, int listener)
{
    int                 fd, one = 1;
    struct epoll_event  ee;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC))
           != -1)
    {
        if (fd >= MAX_CLIENTS) {
            (void) close(fd);
            continue;
        }

        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(int));

        memset(&clients[fd], 0, sizeof(client_t));
        ee.events = EPOLLIN;
        ee.data.fd = fd;
        (void) epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ee);
    }
}


static void
readable(int fd)
{
    size_t     len, used;
    ssize_t    n;
    client_t  *c = &clients[fd];

    if (c->len) {
        memcpy(in, c->buf, c->len);
    }

    n = recv(fd, in + c->len, INPUT - c->len, 0);

    if (n == -1 && errno == EAGAIN) {
        return;
    }

    if (n <= 0) {
        drop(fd);
        return;
    }

    len = c->len + (size_t) n;

    if (!c->role) {
        handshake(fd, c, in, len);
        return;
    }

    used = frames(fd, c, in, len);

    free(c->buf);
    c->buf = NULL;
    c->len = (uint32_t) (len - used);

    if (c->len) {
        c->buf = malloc(c->len);
        if (c->buf == NULL) {
            die("malloc");
        }

        memcpy(c->buf, in + used, c->len);
    }
}


static void
handshake(int fd, client_t *c, unsigned char *p, size_t len)
{
    int             n;
    char           *key, accept[32], buf[256];
    unsigned        size;
    unsigned char   sha[EVP_MAX_MD_SIZE];

    /* the clients are ours: a handshake comes in one piece, the key has 24
       characters */
    key = memmem(p, len, "Sec-WebSocket-Key: ", 19);

    if (key == NULL || memcmp(p + len - 4, "\r\n\r\n", 4) != 0) {
        drop(fd);
        return;
    }

    (void) snprintf(buf, sizeof(buf), "%.24s" GUID, key + 19);
    (void) EVP_Digest(buf, strlen(buf), sha, &size, EVP_sha1(), NULL);
    (void) EVP_EncodeBlock((unsigned char *) accept, sha, 20);

    n = snprintf(buf, sizeof(buf),
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                 accept, memmem(p, len, "token.v1", 8)
                         ? "Sec-WebSocket-Protocol: token.v1\r\n" : "");

    c->role = (char) p[5];
    put(fd, buf, (size_t) n);
    on_open(fd, c);
}


static size_t
frames(int fd, client_t *c, unsigned char *p, size_t len)
{
    size_t          i, size, head;
    unsigned char  *start = p, *last = p + len, *mask;

    while (last - p >= 6) {
        size = p[1] & 0x7f;
        head = 6;

        if (size == 126) {
            head = 8;
            size = (size_t) p[2] << 8 | p[3];
        }

        if ((size_t) (last - p) < head + size) {
            break;
        }

        mask = p + head - 4;

        for (i = 0; i < size; i++) {
            p[head + i] ^= mask[i & 3];
        }

        on_message(fd, c, p + head, size);
        p += head + size;
    }

    return (size_t) (p - start);
}


static void
drop(int fd)
{
    client_t  *c = &clients[fd];

    on_close(fd, c);
    free(c->buf);
    memset(c, 0, sizeof(client_t));
    (void) close(fd);
}


void
put(int fd, const void *data, size_t len)
{
    /* shut down here, closed by the loop: the descriptor stays taken */
    if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t) len) {
        (void) shutdown(fd, SHUT_RDWR);
    }
}


size_t
frame_header(unsigned char *p, size_t len)
{
    p[0] = 0x81;

    if (len < 126) {
        p[1] = (unsigned char) len;
        return 2;
    }

    p[1] = 126;
    p[2] = (unsigned char) (len >> 8);
    p[3] = (unsigned char) len;

    return 4;
}


void
die(const char *what)
{
    perror(what);
    exit(1);
}
