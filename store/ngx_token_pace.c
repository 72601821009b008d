
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "store/ngx_token_pace.h"


#define NGX_TOKEN_PACE_MISSES  6          /* waits are left out up to 2^6
                                             times */


static uint64_t ngx_token_pace_go(ngx_token_pace_t *p, uint64_t now,
    uint32_t waiting);


uint64_t
ngx_token_pace_wait(ngx_token_pace_t *p, uint64_t now, uint32_t waiting)
{
    uint64_t  most;

    if (!p->waiting) {

        if (p->skip) {
            p->skip--;
            return 0;
        }

        p->waiting = 1;
        p->began = waiting;
        p->since = now;
    }

    /* some may have gone, or have nothing more to ask */

    if ((uint64_t) waiting * 5 >= (uint64_t) p->expected * 4) {
        return ngx_token_pace_go(p, now, waiting);
    }

    most = (p->took < NGX_TOKEN_PACE_MAX) ? p->took : NGX_TOKEN_PACE_MAX;

    if (now - p->end >= most) {
        return ngx_token_pace_go(p, now, waiting);
    }

    return most - (now - p->end);
}


/* Learns from what came while it waited, if it has */

static uint64_t
ngx_token_pace_go(ngx_token_pace_t *p, uint64_t now, uint32_t waiting)
{
    uint64_t  came, before;

    p->waiting = 0;

    if (now == p->since) {
        return 0;
    }

    if (waiting > p->began) {

        /* rates: came / (now - since), 1.5 times arrived / took */

        came = (uint64_t) (waiting - p->began) * 2 * p->took;
        before = (uint64_t) p->arrived * 3 * (now - p->since);

        if (came >= before) {
            p->misses = 0;
            return 0;
        }
    }

    if (p->misses < NGX_TOKEN_PACE_MISSES) {
        p->misses++;
    }

    p->skip = 1U << p->misses;

    return 0;
}


void
ngx_token_pace_end(ngx_token_pace_t *p, uint64_t began, uint64_t now,
    uint32_t committed, uint32_t waiting)
{
    p->end = now;
    p->took = now - began;
    p->expected = committed + waiting;
    p->arrived = waiting;
}
