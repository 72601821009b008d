
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_DOORBELL_H_INCLUDED_
#define _NGX_HTTP_TOKEN_DOORBELL_H_INCLUDED_


#include "http/ngx_http_token.h"


/*
 * The doorbell: after a commit, whoever wrote the store wakes every other
 * worker.  It is a file, "bell", in the store's directory, which every worker
 * watches with inotify: writing to it rings all of them at once, needs to know
 * nobody, and works across reload, binary upgrade, any number of workers and
 * from any other program.  It carries no data; a lost ring costs latency only.
 */


/* Returns: NGX_OK, or NGX_ERROR: logged */
ngx_int_t ngx_http_token_doorbell_open(ngx_http_token_main_conf_t *mcf,
    ngx_log_t *log);

void ngx_http_token_doorbell_close(ngx_cycle_t *cycle);

/* Thread: any; does not wait for the disk. */
void ngx_http_token_doorbell_ring(void);


#endif /* _NGX_HTTP_TOKEN_DOORBELL_H_INCLUDED_ */
