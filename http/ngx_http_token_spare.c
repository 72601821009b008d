
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_spare.h"


/* a sanitizer is to see when each piece is used, and freed */

#if defined(__SANITIZE_ADDRESS__)
#define NGX_HTTP_TOKEN_SPARE_MAX  0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NGX_HTTP_TOKEN_SPARE_MAX  0
#endif
#endif

#ifndef NGX_HTTP_TOKEN_SPARE_MAX
#define NGX_HTTP_TOKEN_SPARE_MAX  1024    /* pieces */
#endif


static ngx_http_token_spare_t  *ngx_http_token_spares;


void *
ngx_http_token_spare_take(ngx_http_token_spare_t *spare, size_t size)
{
    void  *p;

    if (size > spare->size) {
        return ngx_alloc(size, ngx_cycle->log);
    }

    p = spare->first;

    if (p == NULL) {
        return ngx_alloc(spare->size, ngx_cycle->log);
    }

    spare->first = *(void **) p;
    spare->n--;

    return p;
}


void
ngx_http_token_spare_give(ngx_http_token_spare_t *spare, void *p, size_t size)
{
    if (size > spare->size || spare->n == NGX_HTTP_TOKEN_SPARE_MAX) {
        ngx_free(p);
        return;
    }

    if (!spare->listed) {
        spare->listed = 1;
        spare->next = ngx_http_token_spares;
        ngx_http_token_spares = spare;
    }

    *(void **) p = spare->first;
    spare->first = p;
    spare->n++;
}


void
ngx_http_token_spare_exit(void)
{
    void                    *p;
    ngx_http_token_spare_t  *spare;

    for (spare = ngx_http_token_spares; spare; spare = spare->next) {

        while (spare->first) {
            p = spare->first;
            spare->first = *(void **) p;
            spare->n--;
            ngx_free(p);
        }
    }
}
