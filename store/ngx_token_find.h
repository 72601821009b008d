
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_FIND_H_INCLUDED_
#define _NGX_TOKEN_FIND_H_INCLUDED_


#include "store/ngx_token_store.h"


#define NGX_TOKEN_FIND_MAX    50          /* records in a result */
#define NGX_TOKEN_FIND_BYTES  1048576     /* of them, beyond the newest */


/*
 * Finds the newest records of a log in which some string contains a text;
 * ASCII letters are compared without case.
 *
 *     text   UTF-8; empty finds nothing
 *     limit  records, 1 to NGX_TOKEN_FIND_MAX
 *     out    a JSON array of records as in PROTOCOL.md, newest first, is
 *            appended; it ends early where the next one would make it larger
 *            than NGX_TOKEN_FIND_BYTES
 *     stop   looked at now and then: when it is not 0 the search ends
 *
 * Thread:  pool only: reads all of the log, in several snapshots, so that
 *          none is held for long.
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_DECLINED: stopped; NGX_TOKEN_NOMEM,
 *          NGX_TOKEN_BUSY, NGX_TOKEN_ERROR
 */
ngx_token_rc_t ngx_token_store_find(ngx_token_store_t *st,
    const ngx_token_str_t *log, const ngx_token_str_t *text, size_t limit,
    const volatile unsigned *stop, ngx_token_buf_t *out);


#endif /* _NGX_TOKEN_FIND_H_INCLUDED_ */
