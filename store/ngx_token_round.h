
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_ROUND_H_INCLUDED_
#define _NGX_TOKEN_ROUND_H_INCLUDED_


#include <stdint.h>


/*
 * When to hand changes to those who watch.  With thousands of watchers a round
 * costs much more than a commit, and about the same for many changes as for
 * one.  So while more is being committed it is better to wait for that: else
 * two halves of those who publish take turns, and each waits for the other's
 * round.  But not when it takes more than a small part of a round.
 *
 * Pure functions of what they are told: no clock in here, no lock.  Times are
 * ns of a monotonic clock.  All zero bytes are a good beginning.
 */


#define NGX_TOKEN_ROUND_PART  16          /* a round waits for one part of what
                                             it takes, at most */
#define NGX_TOKEN_ROUND_MAX   UINT64_C(320000000)  /* ns of a round that
                                             count: in a longer one the
                                             process was stopped */


typedef struct {
    uint64_t                 took;        /* by a round, about */
    uint64_t                 began;       /* what was handed over and is not
                                             all sent yet; 0: nothing */
    uint64_t                 since;       /* the next one waits; 0: not */
} ngx_token_round_t;


/*
 * Tells whether to wait until the commit that is under way has ended.
 *
 *     pending  whether one is
 *     commit   what the last one took
 *
 * Returns: 1: yes, and then ask again
 */
unsigned ngx_token_round_wait(ngx_token_round_t *r, uint64_t now,
    unsigned pending, uint64_t commit);

/* Changes are handed over since now; until _end() more of them may be. */
void ngx_token_round_begin(ngx_token_round_t *r, uint64_t now);

/* All that was handed over is sent; without a _begin() it does nothing. */
void ngx_token_round_end(ngx_token_round_t *r, uint64_t now);


#endif /* _NGX_TOKEN_ROUND_H_INCLUDED_ */
