
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _STORE_TEST_H_INCLUDED_
#define _STORE_TEST_H_INCLUDED_


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* mkdtemp(), fork() */
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/unit/token_test.h"
#include "store/ngx_token_store.h"


#define TIME  UINT64_C(1763683200000)     /* ms: when the tests take place */


/* a directory of its own for each test: cmocka's state */

static inline int
make_dir(void **state)
{
    char        *dir;
    size_t       size;
    const char  *tmp;

    tmp = getenv("TMPDIR");
    tmp = (tmp != NULL && *tmp != '\0') ? tmp : "/tmp";

    size = strlen(tmp) + sizeof("/token-XXXXXX");
    dir = malloc(size);

    if (dir == NULL) {
        return -1;
    }

    (void) snprintf(dir, size, "%s/token-XXXXXX", tmp);

    *state = mkdtemp(dir);

    return (*state == NULL) ? -1 : 0;
}


static inline int
remove_dir(void **state)
{
    int             rc;
    DIR            *d;
    char            path[4096];
    struct dirent  *e;

    d = opendir(*state);

    if (d == NULL) {
        return -1;
    }

    while ((e = readdir(d)) != NULL) {
        (void) snprintf(path, sizeof(path), "%s/%s", (char *) *state,
                        e->d_name);

        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            (void) remove(path);
        }
    }

    (void) closedir(d);

    rc = rmdir(*state);
    free(*state);

    return rc;
}


static inline ngx_token_store_t *
open_store_conf(const char *dir, const ngx_token_store_conf_t *conf)
{
    char                err[512];
    ngx_token_rc_t      rc;
    ngx_token_store_t  *st;

    rc = ngx_token_store_open(dir, conf, &st, err, sizeof(err));

    if (rc != NGX_TOKEN_OK) {
        fail_msg("open: %s", err);
    }

    return st;
}


/* unsynced, as most tests do not look at the disk */

static inline ngx_token_store_t *
open_store(const char *dir)
{
    ngx_token_store_conf_t  conf;

    memset(&conf, 0, sizeof(ngx_token_store_conf_t));
    conf.size = (size_t) 64 << 20;

    return open_store_conf(dir, &conf);
}


static inline ngx_token_read_t *
begin(ngx_token_store_t *st)
{
    ngx_token_read_t  *r;

    assert_int_equal(ngx_token_read_begin(st, &r), NGX_TOKEN_OK);

    return r;
}


/* a UUIDv7 of that time */

static inline void
make_id(unsigned char *id, uint64_t time, uint64_t n)
{
    unsigned  i;

    for (i = 0; i < 6; i++) {
        id[i] = (unsigned char) (time >> (40 - 8 * i));
    }

    id[6] = 0x70;
    id[7] = 0;

    for (i = 0; i < 8; i++) {
        id[8 + i] = (unsigned char) (n >> (56 - 8 * i));
    }

    id[8] = (unsigned char) (0x80 | (id[8] & 0x3f));
}


/* a record by alice, n milliseconds after TIME */

static inline ngx_token_commit_t
make_commit(uint64_t n, ngx_token_effect_t *effects, unsigned neffects)
{
    ngx_token_commit_t  c;

    memset(&c, 0, sizeof(ngx_token_commit_t));

    make_id(c.id, TIME + n, n);
    memset(c.hash, 0x11, NGX_TOKEN_HASH_LEN);

    c.time = TIME + n;
    c.user = str("alice");
    c.effects = effects;
    c.neffects = neffects;

    return c;
}


static inline ngx_token_effect_t
make_effect(ngx_token_effect_e type, const char *channel, const char *value)
{
    ngx_token_effect_t  e;

    memset(&e, 0, sizeof(ngx_token_effect_t));

    e.type = type;
    e.channel = str(channel);
    e.value = str(value);

    return e;
}


static inline ngx_token_verdict_t
apply(ngx_token_store_t *st, const ngx_token_commit_t *c)
{
    ngx_token_verdict_t  v;

    assert_int_equal(ngx_token_store_apply(st, c, 1, &v), NGX_TOKEN_OK);

    return v;
}


/* one effect as one record, that must go well; returns its seq */

static inline uint64_t
apply_ok(ngx_token_store_t *st, uint64_t n, const ngx_token_effect_t *e)
{
    ngx_token_effect_t   effect;
    ngx_token_commit_t   c;
    ngx_token_verdict_t  v;

    effect = *e;
    c = make_commit(n, &effect, 1);
    v = apply(st, &c);

    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(v.error, NGX_TOKEN_ERR_NONE);
    assert_int_equal(v.repeated, 0);

    return v.seq;
}


static inline void
assert_str(const ngx_token_str_t *s, const char *expected)
{
    assert_int_equal(s->len, strlen(expected));
    assert_memory_equal(s->data, expected, s->len);
}


/* value: NULL: the atom is absent */

static inline void
assert_atom(ngx_token_store_t *st, const char *name, const char *value)
{
    ngx_token_rc_t     rc;
    ngx_token_str_t    n;
    ngx_token_atom_t   a;
    ngx_token_read_t  *r;

    r = begin(st);
    n = str(name);
    rc = ngx_token_read_atom(r, &n, &a);

    if (value == NULL) {
        assert_int_equal(rc, NGX_TOKEN_DECLINED);

    } else {
        assert_int_equal(rc, NGX_TOKEN_OK);
        assert_str(&a.value, value);
    }

    ngx_token_read_end(r);
}


static inline uint64_t
head(ngx_token_store_t *st)
{
    uint64_t           seq;
    ngx_token_read_t  *r;

    r = begin(st);
    seq = ngx_token_read_head(r);
    ngx_token_read_end(r);

    return seq;
}


/*
 * Runs this program with two arguments: a store that is open must not be used
 * in a child of fork() alone.
 *
 *     out  what becomes the standard output; -1: none
 */

static inline pid_t
spawn(const char *what, const char *dir, int out)
{
    pid_t  pid;

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {

        if (out != -1 && dup2(out, STDOUT_FILENO) == -1) {
            _exit(1);
        }

        (void) execl("/proc/self/exe", what, what, dir, (char *) NULL);
        _exit(1);
    }

    return pid;
}


/* the child's exit status; -1: it was killed by a signal */

static inline int
wait_for(pid_t pid)
{
    int  status;

    while (waitpid(pid, &status, 0) == -1) {
        assert_int_equal(errno, EINTR);
    }

    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}


#endif /* _STORE_TEST_H_INCLUDED_ */
