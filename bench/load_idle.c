
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "load.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>


/*
 * Opens N connections, by --forks processes, as fast as they are taken: the
 * rate of handshakes.  Then what a connection costs in the server's memory,
 * what it costs once it watches, and what CPU all of them take for --secs in
 * which there is nothing but the heartbeat.
 */


typedef struct {
    pid_t     pid;
    int       fd;
} child_t;


static void child(int fd, uint32_t n);
static void on_idle(conn_t *c, unsigned char *data, size_t len);
static void tell_all(child_t *list);
static void wait_all(child_t *list);
static void tell(int fd);
static void hear(int fd);


static uint64_t  waiting;


void
idle(void)
{
    int       pair[2];
    long      before, open, watching;
    double    cpu, secs, quiet;
    child_t   list[64];
    uint32_t  i;
    uint64_t  from;

    if (conf.forks == 0 || conf.forks > 64) {
        fail("--forks is from 1 to 64");
    }

    before = server_memory();
    cpu = server_cpu();

    for (i = 0; i < conf.forks; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1) {
            fail("no socket pair");
        }

        list[i].fd = pair[0];
        list[i].pid = fork();

        if (list[i].pid == 0) {
            (void) close(pair[0]);
            child(pair[1], conf.n / conf.forks);
        }

        (void) close(pair[1]);
    }

    from = now();
    tell_all(list);
    wait_all(list);
    secs = (double) (now() - from) / 1e9;

    /* what is still on its way, and the pages that are given back */
    (void) sleep(1);

    cpu = server_cpu() - cpu;
    open = server_memory();

    tell_all(list);
    wait_all(list);
    (void) sleep(1);
    watching = server_memory();

    from = now();
    quiet = server_cpu();
    tell_all(list);
    (void) usleep((useconds_t) (conf.secs / 1000));
    quiet = (server_cpu() - quiet) / ((double) (now() - from) / 1e9);
    tell_all(list);

    for (i = 0; i < conf.forks; i++) {
        (void) waitpid(list[i].pid, NULL, 0);
    }

    printf("{\"rate\":%.1f,\"cpu_us\":%.3f,\"bytes\":%.1f,"
           "\"watch_bytes\":%.1f,\"base_kb\":%ld,\"quiet_cpu\":%.4f,"
           "\"errors\":%lu}\n",
           (double) conf.n / secs, cpu * 1e6 / (double) conf.n,
           (double) (open - before) * 1024 / (double) conf.n,
           (double) (watching - before) * 1024 / (double) conf.n, before,
           quiet, errors);
}


static void
child(int fd, uint32_t n)
{
    conn_t         *all;
    uint32_t        i;
    uint64_t        until;
    struct pollfd   pfd;

    hear(fd);
    all = open_all(n, conf.path, on_idle, 0);
    tell(fd);

    hear(fd);

    for (i = 0; i < n; i++) {
        watch(&all[i], "feed");
    }

    waiting = conf.token ? n : 0;

    for (until = now() + 60000000000; waiting; turn(100)) {
        if (now() > until) {
            fail("%lu watches are not answered", waiting);
        }
    }

    tell(fd);
    hear(fd);

    /* pings are answered until the parent has measured */

    for (pfd.fd = fd, pfd.events = POLLIN; poll(&pfd, 1, 0) == 0; turn(20)) {
        /* void */
    }

    hear(fd);

    for (i = 0; i < n; i++) {
        if (all[i].fd == -1) {
            fail("a connection was closed");
        }

        close_conn(&all[i]);
    }

    _exit(0);
}


static void
on_idle(conn_t *c, unsigned char *data, size_t len)
{
    if (conf.token && memmem(data, len, "\"type\":\"ping\"", 13)) {
        send_text(c, "{\"type\":\"pong\"}", 15);
    }

    if (waiting && memmem(data, len, "\"type\":\"synced\"", 15)) {
        waiting--;
    }
}


static void
tell_all(child_t *list)
{
    uint32_t  i;

    for (i = 0; i < conf.forks; i++) {
        tell(list[i].fd);
    }
}


static void
wait_all(child_t *list)
{
    uint32_t  i;

    for (i = 0; i < conf.forks; i++) {
        hear(list[i].fd);
    }
}


static void
tell(int fd)
{
    if (write(fd, "x", 1) != 1) {
        fail("a process of the generator is gone");
    }
}


static void
hear(int fd)
{
    char  byte;

    if (read(fd, &byte, 1) != 1) {
        fail("a process of the generator is gone");
    }
}
