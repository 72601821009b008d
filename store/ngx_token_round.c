
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "store/ngx_token_round.h"


unsigned
ngx_token_round_wait(ngx_token_round_t *r, uint64_t now, unsigned pending,
    uint64_t commit)
{
    uint64_t  most;

    most = r->took / NGX_TOKEN_ROUND_PART;

    if (!pending || commit > most) {
        r->since = 0;
        return 0;
    }

    if (r->since == 0) {
        r->since = now;
        return 1;
    }

    if (now - r->since < most) {
        return 1;
    }

    r->since = 0;

    return 0;
}


void
ngx_token_round_begin(ngx_token_round_t *r, uint64_t now)
{
    if (r->began == 0) {
        r->began = now;
    }
}


void
ngx_token_round_end(ngx_token_round_t *r, uint64_t now)
{
    uint64_t  took, before;

    if (r->began == 0) {
        return;
    }

    /* that of many watchers counts, also where rounds of few come between */

    took = now - r->began;

    if (took > NGX_TOKEN_ROUND_MAX) {
        took = NGX_TOKEN_ROUND_MAX;
    }

    before = r->took - r->took / 8;

    r->took = (took > before) ? took : before;
    r->began = 0;
}
