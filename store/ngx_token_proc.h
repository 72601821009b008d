
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_PROC_H_INCLUDED_
#define _NGX_TOKEN_PROC_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/*
 * What names a process on this machine, so that what it has left behind can be
 * told: its pid, and when it was started.
 *
 * Thread: any.  They read a file in /proc; without it the pid alone counts.
 */

#define NGX_TOKEN_PROC_LEN  16            /* bytes */


/* who: out */
void ngx_token_proc_self(unsigned char who[NGX_TOKEN_PROC_LEN]);

/*
 * Whether the process has ended; one that is not reaped yet has.
 *
 *     who  with the pid 0 it is what lingers after a process: the rest is the
 *          time at which that ends, in ms since the Unix epoch
 */
unsigned ngx_token_proc_is_gone(const unsigned char who[NGX_TOKEN_PROC_LEN]);

/* Which start of the machine this is, a text that differs for each. */
#define NGX_TOKEN_PROC_BOOT  "/proc/sys/kernel/random/boot_id"

/* The same as a number; 0: not known. */
uint64_t ngx_token_proc_boot(void);

/*
 * Reads a small file at once.
 *
 *     buf  out: not null terminated
 *
 * Returns: bytes; 0: it is empty, or cannot be read
 */
size_t ngx_token_proc_load(const char *path, char *buf, size_t size);


#endif /* _NGX_TOKEN_PROC_H_INCLUDED_ */
