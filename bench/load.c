
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "load.h"

#include <signal.h>
#include <sys/resource.h>


/*
 *     load MODE --port=PORT [--OPTION=VALUE ...]
 *
 * makes one measurement and prints it as one line of JSON.  The exit code is 1
 * when something was lost, came twice, or out of order.
 */


static void parse(int argc, char *const *argv);
static void option(const char *name, const char *value);
static void pids(const char *list);


conf_t    conf = {
    .proto = "token", .path = "/live", .pub = "/live", .value = "feed",
    .n = 1, .w = 1, .size = 128, .forks = 1, .secs = 2000000000,
    .warm = 500000000
};
uint64_t  errors;


static const struct {
    const char  *name;
    void       (*run)(void);
} modes[] = {
    { "fanout", fanout }, { "tokens", tokens }, { "echo", echo },
    { "idle", idle }, { "slow", slow }, { "fill", fill }, { "join", join },
    { "watches", watches }, { NULL, NULL }
};


int
main(int argc, char *const *argv)
{
    unsigned       i;
    struct rlimit  rl;

    parse(argc, argv);

    (void) signal(SIGPIPE, SIG_IGN);

    if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
        rl.rlim_cur = rl.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &rl);
    }

    for (i = 0; modes[i].name; i++) {
        if (strcmp(conf.mode, modes[i].name) == 0) {
            modes[i].run();
            return errors ? 1 : 0;
        }
    }

    fail("no mode %s", conf.mode);
}


static void
parse(int argc, char *const *argv)
{
    int    i;
    char  *p, name[MAX_NAME];

    if (argc < 2) {
        fail("usage: load MODE --port=PORT [--OPTION=VALUE ...]");
    }

    conf.mode = argv[1];

    for (i = 2; i < argc; i++) {
        p = strchr(argv[i], '=');

        if (p == NULL || strncmp(argv[i], "--", 2) != 0
            || p - argv[i] >= MAX_NAME)
        {
            fail("what is %s?", argv[i]);
        }

        (void) snprintf(name, sizeof(name), "%.*s", (int) (p - argv[i] - 2),
                        argv[i] + 2);
        option(name, p + 1);
    }

    conf.token = strcmp(conf.proto, "token") == 0;
}


static void
option(const char *name, const char *value)
{
    unsigned  i;
    const struct {
        const char   *name;
        uint32_t     *number;
        const char  **text;
        uint64_t     *time;
    } options[] = {
        { "port", &conf.port, NULL, NULL },
        { "n", &conf.n, NULL, NULL },
        { "w", &conf.w, NULL, NULL },
        { "size", &conf.size, NULL, NULL },
        { "rate", &conf.rate, NULL, NULL },
        { "count", &conf.count, NULL, NULL },
        { "stuck", &conf.stuck, NULL, NULL },
        { "forks", &conf.forks, NULL, NULL },
        { "last", &conf.last, NULL, NULL },
        { "deflate", &conf.deflate, NULL, NULL },
        { "tls", &conf.tls, NULL, NULL },
        { "poll", &conf.poll, NULL, NULL },
        { "proto", NULL, &conf.proto, NULL },
        { "path", NULL, &conf.path, NULL },
        { "pub", NULL, &conf.pub, NULL },
        { "value", NULL, &conf.value, NULL },
        { "secs", NULL, NULL, &conf.secs },
        { "warm", NULL, NULL, &conf.warm },
    };

    if (strcmp(name, "pids") == 0) {
        pids(value);
        return;
    }

    if (strcmp(name, "ids") == 0) {
        conf.random = strcmp(value, "random") == 0;
        return;
    }

    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(name, options[i].name) != 0) {
            continue;
        }

        if (options[i].number) {
            *options[i].number = (uint32_t) strtoul(value, NULL, 10);

        } else if (options[i].time) {
            *options[i].time = (uint64_t) (strtod(value, NULL) * 1e9);

        } else {
            *options[i].text = value;
        }

        return;
    }

    fail("no option --%s", name);
}


static void
pids(const char *list)
{
    char  *end;

    while (*list && conf.npids < MAX_PIDS) {
        conf.pids[conf.npids++] = (int) strtol(list, &end, 10);
        list = (*end == ',') ? end + 1 : end;
    }
}
