
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_STAT_H_INCLUDED_
#define _NGX_HTTP_TOKEN_STAT_H_INCLUDED_


#include "http/ngx_http_token.h"
#include "store/ngx_token_proc.h"


/*
 * What the workers count, in memory that they share where some location has
 * token_status.  Each process counts in a slot of its own, without locks; who
 * is asked adds the slots up.  A slot outlives its process, and the next one
 * goes on counting in it; what a process has (sessions, runs) is there only
 * while it lives.
 *
 * The memory belongs to a list of services.  A reload with another list begins
 * anew, as does another nginx.
 */


#define NGX_HTTP_TOKEN_STAT_OUTCOMES  NGX_TOKEN_OUTCOME_RUNNING
#define NGX_HTTP_TOKEN_STAT_CODES     16  /* of closes; the last: any other */


typedef struct {
    u_char                    who[NGX_TOKEN_PROC_LEN];  /* zero: nobody */

    /* what the process has */
    uint64_t                  sessions;
    uint64_t                  runs;
    uint64_t                  offloaded;

    /* what it and those before it have done */
    uint64_t                  opened;     /* sessions */
    uint64_t                  closed[NGX_HTTP_TOKEN_STAT_CODES];
    uint64_t                  messages;   /* received, and control frames */
    uint64_t                  received;   /* bytes */
    uint64_t                  sent;       /* bytes */
    uint64_t                  changes;    /* of watched channels, encoded */
    uint64_t                  deliveries; /* of changes, to sessions */
    uint64_t                  repeated;   /* tokens that came again */
    uint64_t                  refused[NGX_HTTP_TOKEN_STAT_OUTCOMES];

    uint64_t                  outcomes[1][NGX_HTTP_TOKEN_STAT_OUTCOMES];
                                          /* of each service */
} ngx_http_token_stat_t;


/* This process's; never NULL after ngx_http_token_stat_init(). */
extern ngx_http_token_stat_t  *ngx_http_token_stat;


/* Postconfiguration: asks for the shared memory. */
ngx_int_t ngx_http_token_stat_zone(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf);

/* A worker begins, and ends. */
ngx_int_t ngx_http_token_stat_init(ngx_cycle_t *cycle,
    ngx_http_token_main_conf_t *mcf);
void ngx_http_token_stat_exit(void);

/*
 * Adds up all slots.
 *
 *     sum      out: room as of ngx_http_token_stat_size()
 *     workers  out: processes that are alive
 */
void ngx_http_token_stat_sum(ngx_http_token_main_conf_t *mcf,
    ngx_http_token_stat_t *sum, ngx_uint_t *workers);

/* Bytes of one slot. */
size_t ngx_http_token_stat_size(ngx_http_token_main_conf_t *mcf);

/* Counts a session's end. */
void ngx_http_token_stat_close(ngx_uint_t code);

/* The code that closed[i] counts; 0: any other. */
ngx_uint_t ngx_http_token_stat_code(ngx_uint_t i);


#endif /* _NGX_HTTP_TOKEN_STAT_H_INCLUDED_ */
