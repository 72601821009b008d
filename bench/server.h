
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _BENCH_SERVER_H_INCLUDED_
#define _BENCH_SERVER_H_INCLUDED_


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* accept4(), memmem() */
#endif

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


/*
 * What the floor and the pipeline have in common: a bare epoll loop that takes
 * connections, answers handshakes, and unmasks frames.  It trusts its clients,
 * checks little, and has no timers: what is left is what the kernel costs.
 *
 * Thread:  one.
 */


#define MAX_CLIENTS  65536


typedef struct {
    uint32_t         slot;
    char             role;                /* the letter after / in the path;
                                             0: the handshake is not done */
    uint32_t         len;                 /* of buf: an unfinished frame */
    unsigned char   *buf;
} client_t;


/* A message has come: its payload, unmasked. */
void on_message(int fd, client_t *c, unsigned char *data, size_t len);

/* One round of the loop is done: nothing else waits to be read. */
void on_round(void);

/* A connection is gone. */
void on_close(int fd, client_t *c);

/* A connection is open. */
void on_open(int fd, client_t *c);

/* Serves 127.0.0.1:port for ever. */
int serve(const char *port);

/* Sends all of it; a client that does not read is closed. */
void put(int fd, const void *data, size_t len);

/* Writes the header of a text frame; returns its length. */
size_t frame_header(unsigned char *p, size_t len);

void die(const char *what) __attribute__((noreturn));


#endif /* _BENCH_SERVER_H_INCLUDED_ */
