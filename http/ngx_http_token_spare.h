
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_SPARE_H_INCLUDED_
#define _NGX_HTTP_TOKEN_SPARE_H_INCLUDED_


#include "http/ngx_http_token.h"


/*
 * Memory of what comes and goes by the thousand: what one token or delivery
 * needs is kept for the next one.  malloc() keeps a handful of each size, and
 * with hundreds of tokens under way its long way is most of the cost.
 *
 * A static one is all zero but for its size.  Of the event loop only.
 */

typedef struct ngx_http_token_spare_s  ngx_http_token_spare_t;

struct ngx_http_token_spare_s {
    size_t                      size;     /* of a piece, in bytes */
    ngx_uint_t                  n;
    void                       *first;    /* each begins with the next */
    ngx_http_token_spare_t     *next;     /* of those that have had a piece */
    unsigned                    listed:1;
};


/*
 * Returns: memory of at least size bytes, not zeroed; NULL: there is none, and
 * it is logged
 */
void *ngx_http_token_spare_take(ngx_http_token_spare_t *spare, size_t size);

/*
 * Gives it back.
 *
 *     size  as it was taken
 */
void ngx_http_token_spare_give(ngx_http_token_spare_t *spare, void *p,
    size_t size);

/* The process ends: all that is kept is freed. */
void ngx_http_token_spare_exit(void);


#endif /* _NGX_HTTP_TOKEN_SPARE_H_INCLUDED_ */
