
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_PACE_H_INCLUDED_
#define _NGX_TOKEN_PACE_H_INCLUDED_


#include <stdint.h>


/*
 * When to commit.  Who has just been answered often asks again at once, and
 * with it is better to wait that moment: otherwise two halves of the clients
 * take turns, and each waits for the other's commit.  Who comes alone, or does
 * not come back at once, is never waited for:
 *
 *     - not when as many wait as can be expected: those that the last commit
 *       answered and those that waited when it ended;
 *     - not longer than the last commit took, from its end, nor than
 *       NGX_TOKEN_PACE_MAX;
 *     - not for some time after waiting has not paid: what came then came no
 *       faster than during the commit.
 *
 * A pure function of what it is told: no clock in here, no lock.  All zero
 * bytes are a good beginning.
 */


#define NGX_TOKEN_PACE_MAX   UINT64_C(1000000)    /* ns */


typedef struct {
    uint64_t                 end;         /* ns, of the last commit */
    uint64_t                 took;        /* ns */
    uint32_t                 expected;    /* records */
    uint32_t                 arrived;     /* during the last commit */
    uint32_t                 skip;        /* commits not to wait for */
    uint32_t                 misses;      /* in a row */
    uint32_t                 began;       /* records, when waiting began */
    uint32_t                 waiting;     /* 0 or 1 */
    uint64_t                 since;       /* ns, when waiting began */
} ngx_token_pace_t;


/*
 * Tells whether to commit.
 *
 *     now      ns, of a monotonic clock
 *     waiting  records that wait
 *
 * Returns: ns after which to ask again, or when more have come; 0: commit
 */
uint64_t ngx_token_pace_wait(ngx_token_pace_t *p, uint64_t now,
    uint32_t waiting);

/*
 * A commit has ended.
 *
 *     began      ns, when it began
 *     committed  records in it
 *     waiting    records that have come meanwhile
 */
void ngx_token_pace_end(ngx_token_pace_t *p, uint64_t began, uint64_t now,
    uint32_t committed, uint32_t waiting);


#endif /* _NGX_TOKEN_PACE_H_INCLUDED_ */
