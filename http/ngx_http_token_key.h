
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_KEY_H_INCLUDED_
#define _NGX_HTTP_TOKEN_KEY_H_INCLUDED_


#include "http/ngx_http_token.h"


/*
 * The keys that sign login cookies, in a file.
 *
 * At configuration time only: the master, often root, reads them, and the
 * workers get them by fork() without any right to the file.
 */


#define NGX_HTTP_TOKEN_KEY_LEN  ((size_t) 32)  /* bytes, of SHA-256 too */


typedef struct {
    u_char                    data[NGX_HTTP_TOKEN_KEY_LEN];
} ngx_http_token_key_t;


/*
 * Reads the keys of a file: a line of 64 hexadecimal digits each; empty lines
 * and those that begin with '#' are skipped.  The first key signs, all verify.
 *
 *     file  null terminated
 *     keys  out: ngx_http_token_key_t, appended
 *
 * Returns: NGX_OK
 *          NGX_DECLINED  there is no such file; nothing is logged
 *          NGX_ERROR     logged, with the file's name: malformed, accessible
 *                        by group or others, or not readable
 */
ngx_int_t ngx_http_token_key_read(ngx_str_t *file, ngx_array_t *keys,
    ngx_log_t *log);

/*
 * Makes a key file with one random key, mode 0600, owned as its folder.  It
 * appears complete or not at all; one that another process has made meanwhile
 * is left alone.
 *
 *     file  null terminated, with its folder
 *
 * Returns: NGX_OK, or NGX_ERROR: logged, with the file's name
 */
ngx_int_t ngx_http_token_key_make(ngx_str_t *file, ngx_pool_t *pool,
    ngx_log_t *log);


#endif /* _NGX_HTTP_TOKEN_KEY_H_INCLUDED_ */
