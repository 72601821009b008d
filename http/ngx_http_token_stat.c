
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_service.h"
#include "http/ngx_http_token_stat.h"
#include "store/ngx_token_proc.h"
#include "ws/ngx_token_ws.h"


#define NGX_HTTP_TOKEN_STAT_SLOTS  256    /* processes */
#define NGX_HTTP_TOKEN_STAT_NAME   "token_status_"


static ngx_int_t ngx_http_token_stat_zone_init(ngx_shm_zone_t *zone,
    void *data);
static ngx_http_token_stat_t *ngx_http_token_stat_slot(ngx_shm_zone_t *zone,
    ngx_uint_t n);
static ngx_http_token_stat_t *ngx_http_token_stat_take(ngx_shm_zone_t *zone);
static void ngx_http_token_stat_add(ngx_http_token_stat_t *sum,
    ngx_http_token_stat_t *slot, size_t size);
static ngx_uint_t ngx_http_token_stat_alive(ngx_http_token_stat_t *slot);


ngx_http_token_stat_t  *ngx_http_token_stat;


static uint16_t  ngx_http_token_stat_codes[NGX_HTTP_TOKEN_STAT_CODES] = {
    NGX_TOKEN_WS_NORMAL,
    NGX_TOKEN_WS_GOING_AWAY,
    NGX_TOKEN_WS_PROTOCOL,
    NGX_TOKEN_WS_UNSUPPORTED,
    NGX_TOKEN_WS_NO_STATUS,
    NGX_TOKEN_WS_ABNORMAL,
    NGX_TOKEN_WS_BAD_DATA,
    NGX_TOKEN_WS_POLICY,
    NGX_TOKEN_WS_TOO_BIG,
    NGX_TOKEN_WS_INTERNAL,
    NGX_TOKEN_WS_RESTART,
    NGX_TOKEN_WS_SLOW,
    NGX_TOKEN_WS_NO_HEARTBEAT,
    NGX_TOKEN_WS_EXPIRED,
    NGX_TOKEN_WS_NOT_ALLOWED,
    0
};


size_t
ngx_http_token_stat_size(ngx_http_token_main_conf_t *mcf)
{
    size_t  size;

    size = offsetof(ngx_http_token_stat_t, outcomes)
           + mcf->services.nelts * NGX_HTTP_TOKEN_STAT_OUTCOMES
             * sizeof(uint64_t);

    /* two processes do not write to the same line */
    return ngx_align(size, 128);
}


ngx_int_t
ngx_http_token_stat_zone(ngx_conf_t *cf, ngx_http_token_main_conf_t *mcf)
{
    size_t                      size;
    uint32_t                    crc;
    ngx_str_t                   name;
    ngx_uint_t                  i;
    ngx_http_token_service_t  **sp;

    /* the slots of another list of services have another name */

    ngx_crc32_init(crc);
    sp = mcf->services.elts;

    for (i = 0; i < mcf->services.nelts; i++) {
        ngx_crc32_update(&crc, sp[i]->name.data, sp[i]->name.len);
        ngx_crc32_update(&crc, (u_char *) " ", 1);
    }

    ngx_crc32_final(crc);

    name.data = ngx_pnalloc(cf->pool,
                            sizeof(NGX_HTTP_TOKEN_STAT_NAME) - 1 + 8);
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    name.len = ngx_sprintf(name.data, NGX_HTTP_TOKEN_STAT_NAME "%08xD", crc)
               - name.data;

    /* and what the allocator needs for each page, and before the first */

    size = NGX_HTTP_TOKEN_STAT_SLOTS * ngx_http_token_stat_size(mcf);
    size += size / 64 + 8 * ngx_pagesize;

    mcf->stat = ngx_shared_memory_add(cf, &name, size,
                                      &ngx_http_token_module);
    if (mcf->stat == NULL) {
        return NGX_ERROR;
    }

    mcf->stat->init = ngx_http_token_stat_zone_init;
    mcf->stat->data = mcf;

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_stat_zone_init(ngx_shm_zone_t *zone, void *data)
{
    ngx_slab_pool_t             *pool;
    ngx_http_token_main_conf_t  *mcf;

    pool = (ngx_slab_pool_t *) zone->shm.addr;
    mcf = zone->data;

    if (data || zone->shm.exists) {
        return NGX_OK;
    }

    pool->data = ngx_slab_calloc(pool, NGX_HTTP_TOKEN_STAT_SLOTS
                                       * ngx_http_token_stat_size(mcf));

    return pool->data ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_http_token_stat_init(ngx_cycle_t *cycle, ngx_http_token_main_conf_t *mcf)
{
    if (mcf->stat) {
        ngx_http_token_stat = ngx_http_token_stat_take(mcf->stat);

        if (ngx_http_token_stat) {
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "token_status does not know this worker process: more "
                      "than %d are running", NGX_HTTP_TOKEN_STAT_SLOTS);
    }

    /* counted for nobody */

    ngx_http_token_stat = ngx_pcalloc(cycle->pool,
                                      ngx_http_token_stat_size(mcf));

    return ngx_http_token_stat ? NGX_OK : NGX_ERROR;
}


static ngx_http_token_stat_t *
ngx_http_token_stat_take(ngx_shm_zone_t *zone)
{
    u_char                  who[NGX_TOKEN_PROC_LEN];
    ngx_uint_t              i;
    ngx_slab_pool_t        *pool;
    ngx_http_token_stat_t  *slot;

    ngx_token_proc_self(who);

    pool = (ngx_slab_pool_t *) zone->shm.addr;

    ngx_shmtx_lock(&pool->mutex);

    for (i = 0; i < NGX_HTTP_TOKEN_STAT_SLOTS; i++) {
        slot = ngx_http_token_stat_slot(zone, i);

        if (ngx_http_token_stat_alive(slot)) {
            continue;
        }

        slot->sessions = 0;
        slot->runs = 0;
        slot->offloaded = 0;

        ngx_memory_barrier();

        ngx_memcpy(slot->who, who, NGX_TOKEN_PROC_LEN);

        ngx_shmtx_unlock(&pool->mutex);

        return slot;
    }

    ngx_shmtx_unlock(&pool->mutex);

    return NULL;
}


void
ngx_http_token_stat_exit(void)
{
    if (ngx_http_token_stat) {
        ngx_memzero(ngx_http_token_stat->who, NGX_TOKEN_PROC_LEN);
    }
}


static ngx_http_token_stat_t *
ngx_http_token_stat_slot(ngx_shm_zone_t *zone, ngx_uint_t n)
{
    u_char  *slots;

    slots = ((ngx_slab_pool_t *) zone->shm.addr)->data;

    return (ngx_http_token_stat_t *)
               (void *) (slots + n * ngx_http_token_stat_size(zone->data));
}


static ngx_uint_t
ngx_http_token_stat_alive(ngx_http_token_stat_t *slot)
{
    static u_char  nobody[NGX_TOKEN_PROC_LEN];

    return ngx_memcmp(slot->who, nobody, NGX_TOKEN_PROC_LEN) != 0
           && !ngx_token_proc_is_gone(slot->who);
}


void
ngx_http_token_stat_sum(ngx_http_token_main_conf_t *mcf,
    ngx_http_token_stat_t *sum, ngx_uint_t *workers)
{
    size_t                  size;
    ngx_uint_t              i;
    ngx_http_token_stat_t  *slot;

    size = ngx_http_token_stat_size(mcf);

    ngx_memzero(sum, size);
    *workers = 0;

    for (i = 0; i < NGX_HTTP_TOKEN_STAT_SLOTS; i++) {
        slot = ngx_http_token_stat_slot(mcf->stat, i);

        ngx_http_token_stat_add(sum, slot, size);

        if (ngx_http_token_stat_alive(slot)) {
            sum->sessions += slot->sessions;
            sum->runs += slot->runs;
            sum->offloaded += slot->offloaded;
            (*workers)++;
        }
    }
}


/* all that follows "opened" is counters */

static void
ngx_http_token_stat_add(ngx_http_token_stat_t *sum,
    ngx_http_token_stat_t *slot, size_t size)
{
    size_t     i, n;
    uint64_t  *to, *from;

    to = &sum->opened;
    from = &slot->opened;

    n = (size - offsetof(ngx_http_token_stat_t, opened)) / sizeof(uint64_t);

    for (i = 0; i < n; i++) {
        to[i] += from[i];
    }
}


void
ngx_http_token_stat_close(ngx_uint_t code)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TOKEN_STAT_CODES - 1; i++) {
        if (ngx_http_token_stat_codes[i] == code) {
            break;
        }
    }

    ngx_http_token_stat->closed[i]++;
}


ngx_uint_t
ngx_http_token_stat_code(ngx_uint_t i)
{
    return ngx_http_token_stat_codes[i];
}
