
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _BENCH_LOAD_H_INCLUDED_
#define _BENCH_LOAD_H_INCLUDED_


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* memmem(), accept4() */
#endif

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>


/*
 * The load generator: WebSocket clients on one epoll loop.  Everything is
 * non-blocking; what a server sends is taken apart frame by frame, and every
 * message is checked, not only counted.
 *
 * Thread:  one.  Errors that make a measurement worthless end the process
 * with a message (fail()): a result is right, or there is none.
 */


#define DIGITS     10                     /* of a sequence number */
#define MAX_NAME   128
#define MAX_PIDS   64


typedef struct conn_s  conn_t;

/* a message of a server: payload of a frame, without the header */
typedef void (*message_pt)(conn_t *c, unsigned char *data, size_t len);


struct conn_s {
    int             fd;                   /* -1: closed */
    uint32_t        index;
    message_pt      message;              /* what to do with what comes */
    uint64_t        next;                 /* the sequence number expected */
    uint64_t        sent;                 /* ns: of the request under way */
    uint64_t        got;                  /* messages */
    uint32_t        len;                  /* of buf: an unfinished frame */
    uint32_t        out_len;              /* of out: not yet taken by the
                                             kernel */
    uint32_t        hint;                 /* where a value was found last */
    unsigned        asked:1;              /* the handshake is sent */
    unsigned        open:1;               /* the handshake is done */
    unsigned        told:1;               /* a reset was announced */
    unsigned        closed:1;             /* by the server */
    unsigned char  *buf;
    unsigned char  *out;
    void           *tls;                  /* NULL: plain TCP */
    char            id[37];               /* of the token under way */
};


typedef struct {
    const char     *mode;
    const char     *proto;                /* token or raw */
    const char     *path;                 /* of watchers and clients */
    const char     *pub;                  /* of the publisher */
    const char     *value;                /* of a fill; watch of a join */
    uint32_t        port;
    uint32_t        n;                    /* connections */
    uint32_t        w;                    /* outstanding */
    uint32_t        size;                 /* bytes of a message */
    uint32_t        rate;                 /* per second; 0: by w */
    uint32_t        count;                /* of messages; 0: by time */
    uint32_t        stuck;                /* readers that do not read */
    uint32_t        forks;
    uint32_t        last;
    uint32_t        deflate;              /* is offered */
    uint32_t        tls;                  /* is spoken */
    uint32_t        poll;                 /* never sleep: no server pays for
                                             waking this process */
    uint64_t        secs;                 /* ns */
    uint64_t        warm;                 /* ns */
    unsigned        random:1;             /* ids */
    unsigned        token:1;              /* proto is token.v1 */
    int             npids;
    int             pids[MAX_PIDS];       /* of the server */
} conf_t;


extern conf_t    conf;
extern uint64_t  errors;                  /* gaps, doubles, wrong answers */


/* the engine: load_engine.c */


/* Ends the process with a message, as printf(). */
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2),
    noreturn));

/* Monotonic time, in ns. */
uint64_t now(void);

/*
 * Opens n connections to path, at most 128 handshakes at a time, and returns
 * when all are open.
 *
 *     path    a # in it becomes the connection's number
 *     rcvbuf  SO_RCVBUF in bytes, 0: the kernel's own
 */
conn_t *open_all(uint32_t n, const char *path, message_pt message, int rcvbuf);

/* Waits for events once, at most ms, and handles them. */
void turn(int ms);

/* Reads nothing from a connection, or reads again. */
void pause_reading(conn_t *c, unsigned paused);

/* Sends a masked text frame, now or when the kernel takes it. */
void send_text(conn_t *c, const char *data, size_t len);

/* Closes at once: no TIME_WAIT is left. */
void close_conn(conn_t *c);

/* User and system time of the server's processes, in s. */
double server_cpu(void);

/* The same of this process. */
double own_cpu(void);

/*
 * PSS of the server's processes, in KiB: memory of their own and shared
 * memory, but no pages of files, which are the kernel's cache.
 */
long server_memory(void);

/* xorshift: masks and ids need no more. */
uint64_t random64(void);


/* TLS, for --tls=1: load_tls.c; no certificate is verified */


/*
 * Goes on with a handshake.  A broken one ends the process.
 *
 * Returns: the events to wait for, or 0 when it is done
 */
uint32_t tls_handshake(conn_t *c);

/* As recv() and send(). */
ssize_t tls_recv(conn_t *c, void *data, size_t len);
ssize_t tls_send(conn_t *c, const void *data, size_t len);

/* c->tls may be NULL. */
void tls_free(conn_t *c);


/* what is said: load_talk.c */


/* Writes a UUIDv7; time-ordered, or of a random time of the last days. */
void make_id(char id[37], unsigned ordered);

/*
 * Finds the sequence numbers in a message of either protocol.
 *
 *     fn  is called for each, in order
 *
 * Returns: how many
 */
unsigned each_value(conn_t *c, unsigned char *data, size_t len,
    void (*fn)(conn_t *c, uint64_t seq));

/* Publishes message seq on a connection. */
void publish(conn_t *c, uint64_t seq);

/* Watches a channel, and its --last messages, where the protocol asks for it. */
void watch(conn_t *c, const char *channel);

/* The text behind "name": in a JSON object, or NULL. */
const char *member(const unsigned char *data, size_t len, const char *name);


/* latencies: load_stat.c */


typedef struct {
    uint32_t  n;
    uint32_t  size;
    float    *us;
} stat_t;


void stat_add(stat_t *s, uint64_t ns);
/* Sorts. */
double stat_at(stat_t *s, double share);


/* the modes: load_*.c */


void fanout(void);
void slow(void);
void echo(void);
void tokens(void);
void idle(void);
void fill(void);
void join(void);
void watches(void);


#endif /* _BENCH_LOAD_H_INCLUDED_ */
