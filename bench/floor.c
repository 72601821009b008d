
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "server.h"


/*
 *     floor PORT
 *
 * The least that a server can do: a message on /p is framed once and sent to
 * every connection on /s, one send for each; one on /e goes back as it came.
 */


static int        subs[MAX_CLIENTS];
static uint32_t   nsubs;
static client_t  *at[MAX_CLIENTS];


int
main(int argc, char **argv)
{
    if (argc != 2) {
        (void) fputs("usage: floor PORT\n", stderr);
        return 2;
    }

    return serve(argv[1]);
}


void
on_open(int fd, client_t *c)
{
    if (c->role == 's') {
        c->slot = nsubs;
        at[nsubs] = c;
        subs[nsubs++] = fd;
    }
}


void
on_close(int fd, client_t *c)
{
    (void) fd;

    if (c->role == 's') {
        nsubs--;
        subs[c->slot] = subs[nsubs];
        at[c->slot] = at[nsubs];
        at[c->slot]->slot = c->slot;
    }
}


void
on_message(int fd, client_t *c, unsigned char *data, size_t len)
{
    size_t                n;
    uint32_t              i;
    static unsigned char  frame[65536 + 16];

    n = frame_header(frame, len);
    memcpy(frame + n, data, len);
    n += len;

    if (c->role != 'p') {
        put(fd, frame, n);
        return;
    }

    for (i = 0; i < nsubs; i++) {
        put(subs[i], frame, n);
    }
}


void
on_round(void)
{
    /* void */
}
