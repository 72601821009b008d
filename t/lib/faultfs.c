/*
 * Makes writing a store fail, for tests: with LD_PRELOAD, while the file named
 * by FAULTFS exists, what it tells fails on every "data.mdb":
 *
 *     sync 5       fsync(), fdatasync(), msync() with EIO
 *     write 28     pwrite(), pwritev(), write(), writev() with ENOSPC
 *
 * With 0 it does not fail: the thread stays in it for ever, and the file
 * FAULTFS.PID says so.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>


static char  control[4096];


static void __attribute__((constructor))
faultfs_init(void)
{
    const char  *name;

    /* nginx changes its environment later */

    name = getenv("FAULTFS");

    if (name != NULL && strlen(name) < sizeof(control)) {
        strcpy(control, name);
    }
}


static void
faultfs_stay(void)
{
    int   file;
    char  name[4200];

    (void) snprintf(name, sizeof(name), "%s.%d", control, (int) getpid());

    file = open(name, O_WRONLY|O_CREAT|O_CLOEXEC, 0600);

    if (file != -1) {
        (void) close(file);
    }

    for ( ;; ) {
        (void) pause();
    }
}


static int
faultfs_fails(const char *what, int fd)
{
    int      file, err;
    char     text[64], name[64], path[4096];
    ssize_t  n;

    if (control[0] == '\0') {
        return 0;
    }

    file = open(control, O_RDONLY|O_CLOEXEC);
    if (file == -1) {
        return 0;
    }

    n = read(file, text, sizeof(text) - 1);
    (void) close(file);

    if (n <= 0) {
        return 0;
    }

    text[n] = '\0';

    if (sscanf(text, "%63s %d", name, &err) != 2 || strcmp(name, what) != 0) {
        return 0;
    }

    if (fd == -1 && err == 0) {
        return 0;
    }

    if (fd != -1) {
        (void) snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        n = readlink(name, path, sizeof(path));

        if (n < 9 || memcmp(path + n - 9, "/data.mdb", 9) != 0) {
            return 0;
        }
    }

    if (err == 0) {
        faultfs_stay();
    }

    errno = err;
    return 1;
}


#define FAULTFS(what, fd, type, name, params, args)                           \
                                                                              \
    type name params;                                                         \
                                                                              \
    type                                                                      \
    name params                                                               \
    {                                                                         \
        static type (*next) params;                                           \
                                                                              \
        if (faultfs_fails(what, fd)) {                                        \
            return -1;                                                        \
        }                                                                     \
                                                                              \
        if (next == NULL) {                                                   \
            *(void **) &next = dlsym(RTLD_NEXT, #name);                       \
        }                                                                     \
                                                                              \
        return next args;                                                     \
    }


FAULTFS("sync", fd, int, fsync, (int fd), (fd))
FAULTFS("sync", fd, int, fdatasync, (int fd), (fd))
FAULTFS("sync", -1, int, msync, (void *p, size_t n, int flags), (p, n, flags))

FAULTFS("write", fd, ssize_t, write, (int fd, const void *p, size_t n),
    (fd, p, n))
FAULTFS("write", fd, ssize_t, writev,
    (int fd, const struct iovec *v, int n), (fd, v, n))
FAULTFS("write", fd, ssize_t, pwrite,
    (int fd, const void *p, size_t n, off_t o), (fd, p, n, o))
FAULTFS("write", fd, ssize_t, pwrite64,
    (int fd, const void *p, size_t n, off64_t o), (fd, p, n, o))
FAULTFS("write", fd, ssize_t, pwritev,
    (int fd, const struct iovec *v, int n, off_t o), (fd, v, n, o))
FAULTFS("write", fd, ssize_t, pwritev64,
    (int fd, const struct iovec *v, int n, off64_t o), (fd, v, n, o))
