
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* kill(), O_CLOEXEC */
#endif

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "store/ngx_token_live_int.h"


static unsigned ngx_token_proc_stat(uint64_t pid, char *state,
    uint64_t *start);


void
ngx_token_proc_self(unsigned char who[NGX_TOKEN_PROC_LEN])
{
    char      state;
    uint64_t  pid, start;

    pid = (uint64_t) getpid();

    /* without /proc the pid alone has to do */

    if (!ngx_token_proc_stat(pid, &state, &start)) {
        start = 0;
    }

    ngx_token_put_u64(who, pid);
    ngx_token_put_u64(who + 8, start);
}


unsigned
ngx_token_proc_is_gone(const unsigned char who[NGX_TOKEN_PROC_LEN])
{
    char             state;
    uint64_t         pid, start, since;
    struct timespec  ts;

    pid = ngx_token_get_u64(who);
    start = ngx_token_get_u64(who + 8);

    if (pid == 0) {
        /* what lingers after a process, until a time */
        return clock_gettime(CLOCK_REALTIME, &ts) == -1
               || (uint64_t) ts.tv_sec * 1000
                  + (uint64_t) ts.tv_nsec / 1000000 >= start;
    }

    if ((uint64_t) (pid_t) pid != pid) {
        return 1;
    }

    if (kill((pid_t) pid, 0) == -1 && errno == ESRCH) {
        return 1;
    }

    if (start == 0 || !ngx_token_proc_stat(pid, &state, &since)) {
        return 0;
    }

    return state == 'Z' || state == 'X' || since != start;
}


/* the first half of the kernel's boot id, in hexadecimal with hyphens */

uint64_t
ngx_token_proc_boot(void)
{
    char         buf[64];
    char        *p;
    uint64_t     boot;

    buf[ngx_token_proc_load(NGX_TOKEN_PROC_BOOT, buf, sizeof(buf) - 1)] = '\0';

    for (p = buf, boot = 0; *p != '\0' && boot >> 60 == 0; p++) {

        if (*p >= '0' && *p <= '9') {
            boot = boot << 4 | (uint64_t) (*p - '0');

        } else if (*p >= 'a' && *p <= 'f') {
            boot = boot << 4 | (uint64_t) (*p - 'a' + 10);
        }
    }

    return boot;
}


/*
 * The third and the 22nd field of proc(5) /proc/pid/stat.  The second is the
 * program's name in parentheses, and may hold anything.
 */

static unsigned
ngx_token_proc_stat(uint64_t pid, char *state, uint64_t *start)
{
    char         path[64], buf[1024];
    char        *p;
    unsigned     field;

    (void) snprintf(path, sizeof(path), "/proc/%llu/stat",
                    (unsigned long long) pid);

    buf[ngx_token_proc_load(path, buf, sizeof(buf) - 1)] = '\0';

    p = strrchr(buf, ')');

    if (p == NULL || p[1] != ' ' || p[2] == '\0') {
        return 0;
    }

    p += 2;
    *state = *p;

    for (field = 3; field < 22; field++) {
        p = strchr(p, ' ');

        if (p == NULL) {
            return 0;
        }

        p++;
    }

    for (*start = 0; *p >= '0' && *p <= '9'; p++) {
        *start = *start * 10 + (uint64_t) (*p - '0');
    }

    return 1;
}


size_t
ngx_token_proc_load(const char *path, char *buf, size_t size)
{
    int      fd;
    ssize_t  n;

    fd = open(path, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return 0;
    }

    n = read(fd, buf, size);

    (void) close(fd);

    return (n > 0) ? (size_t) n : 0;
}
