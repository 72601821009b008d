
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/store_test.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/uio.h>


/*
 * The disk fails, at each of its operations in turn.  What is defined here
 * stands in for the system's functions, for LMDB too.
 */


#define GROUP   5
#define CALLS   200                       /* more than a commit makes */
#define META    512                       /* bytes: less than any page */


ssize_t pwrite(int fd, const void *buf, size_t n, off_t offset);
ssize_t writev(int fd, const struct iovec *iov, int n);
int fdatasync(int fd);
int fsync(int fd);


static unsigned  calls;                   /* so far */
static unsigned  fail_from;               /* the first that fails; 0: none */
static unsigned  fail_to;                 /* the first after that works */
static int       fail_with;               /* 0: a part is written */
static int       fail_meta;               /* the next write of a meta page,
                                             the only one so small */


/* Returns: 1: this call is to fail */

static int
fails(void)
{
    calls++;

    return fail_from != 0 && calls >= fail_from && calls < fail_to;
}


ssize_t
pwrite(int fd, const void *buf, size_t n, off_t offset)
{
    if (fail_meta && n < META) {
        fail_meta = 0;
        errno = EIO;
        return -1;
    }

    if (fails()) {

        if (fail_with == 0) {
            n /= 2;

        } else {
            errno = fail_with;
            return -1;
        }
    }

    return syscall(SYS_pwrite64, fd, buf, n, offset);
}


ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    if (fails()) {

        if (fail_with == 0) {
            n = 1;

        } else {
            errno = fail_with;
            return -1;
        }
    }

    return syscall(SYS_writev, fd, iov, n);
}


int
fdatasync(int fd)
{
    if (fails()) {
        errno = fail_with ? fail_with : EIO;
        return -1;
    }

    return (int) syscall(SYS_fdatasync, fd);
}


int
fsync(int fd)
{
    if (fails()) {
        errno = fail_with ? fail_with : EIO;
        return -1;
    }

    return (int) syscall(SYS_fsync, fd);
}


static void
make_group(ngx_token_commit_t *c, ngx_token_effect_t *e, uint64_t from)
{
    uint64_t  i;

    e[0] = make_effect(NGX_TOKEN_EFFECT_ADD, "count", "1");
    e[0].initial = str("0");
    e[1] = make_effect(NGX_TOKEN_EFFECT_APPEND, "log", "1");

    for (i = 0; i < GROUP; i++) {
        c[i] = make_commit(from + i, e, 2);
    }
}


/* the counter, the head and the ledger agree */

static uint64_t
check(ngx_token_store_t *st, uint64_t n)
{
    uint64_t             i, found, number;
    ngx_token_str_t      name;
    ngx_token_atom_t     a;
    ngx_token_read_t    *r;
    ngx_token_commit_t   c;
    ngx_token_ledger_t   l;

    r = begin(st);

    for (i = 0, found = 0; i < n; i++) {
        c = make_commit(i, NULL, 0);

        if (ngx_token_read_ledger(r, c.id, &l) == NGX_TOKEN_OK) {
            found++;
        }
    }

    name = str("count");
    number = 0;

    if (ngx_token_read_atom(r, &name, &a) == NGX_TOKEN_OK) {
        assert_int_equal(ngx_token_json_uint(&a.value, &number),
                         NGX_TOKEN_OK);
    }

    assert_int_equal(number, found);
    assert_int_equal(ngx_token_read_head(r), 2 * found);

    ngx_token_read_end(r);

    return found;
}


/*
 * Commits with one operation of the disk failing, and so many after it, until
 * a commit makes fewer operations than that.
 */

static void
fail_each(const char *dir, unsigned sync, unsigned n)
{
    uint64_t                 from, i;
    unsigned                 at, failed;
    ngx_token_rc_t           rc;
    ngx_token_read_t        *r;
    ngx_token_store_t       *st;
    ngx_token_effect_t       e[2];
    ngx_token_commit_t       c[GROUP];
    ngx_token_verdict_t      v[GROUP];
    ngx_token_store_conf_t   conf;

    memset(&conf, 0, sizeof(ngx_token_store_conf_t));
    conf.sync = sync ? 1 : 0;

    st = open_store_conf(dir, &conf);

    for (at = 1, from = 0, failed = 0; at < CALLS; at++, from += GROUP) {

        make_group(c, e, from);

        calls = 0;
        fail_from = at;
        fail_to = at + n;

        rc = ngx_token_store_apply(st, c, GROUP, v);

        fail_from = 0;

        if (rc != NGX_TOKEN_OK) {
            failed++;
            assert_string_not_equal(ngx_token_store_error(), "");

            for (i = 0; i < GROUP; i++) {
                assert_int_equal(v[i].outcome, NGX_TOKEN_OUTCOME_FAILED);
            }

            /* the store can be read, and the same records be tried again */

            (void) check(st, from + GROUP);

            rc = ngx_token_store_apply(st, c, GROUP, v);
            assert_int_equal(rc, NGX_TOKEN_OK);
        }

        for (i = 0; i < GROUP; i++) {
            assert_int_equal(v[i].outcome, NGX_TOKEN_OUTCOME_OK);
        }

        assert_int_equal(check(st, from + GROUP), from + GROUP);

        /* as a reader that comes later, too */

        r = begin(st);
        assert_int_equal(ngx_token_read_head(r), 2 * (from + GROUP));
        ngx_token_read_end(r);

        if (calls < at) {
            break;
        }
    }

    assert_true(at < CALLS);
    assert_true(n < 10 || failed != 0);

    ngx_token_store_close(st);

    st = open_store_conf(dir, &conf);
    assert_int_equal(check(st, from + GROUP), from + GROUP);
    ngx_token_store_close(st);
}


static void
test_one_operation_fails(void **state)
{
    fail_with = EIO;
    fail_each(*state, 1, 1);
}


static void
test_a_few_operations_fail(void **state)
{
    fail_with = EIO;
    fail_each(*state, 1, 3);
}


static void
test_the_disk_fails_for_a_while(void **state)
{
    fail_with = EIO;
    fail_each(*state, 1, 100);
}


static void
test_an_unsynced_disk_fails(void **state)
{
    fail_with = EIO;
    fail_each(*state, 0, 2);
}


static void
test_there_is_no_space_for_a_while(void **state)
{
    fail_with = ENOSPC;
    fail_each(*state, 1, 100);
}


static void
test_a_part_is_written(void **state)
{
    fail_with = 0;
    fail_each(*state, 1, 2);
}


typedef struct {
    ngx_token_store_t    *st;
    ngx_token_commit_t    c[GROUP];
    ngx_token_verdict_t   v[GROUP];
} group_t;


static void *
apply_group(void *data)
{
    group_t         *g;
    ngx_token_rc_t   rc;

    g = data;
    rc = ngx_token_store_apply(g->st, g->c, GROUP, g->v);

    return (void *) (uintptr_t) (unsigned) rc;
}


/*
 * LMDB wants to be opened anew after the write of its meta page has failed;
 * that waits for a snapshot that is open, and new ones are put off.
 */

static void
test_a_snapshot_survives_a_failure(void **state)
{
    void                    *result;
    group_t                  g;
    pthread_t                thread;
    ngx_token_rc_t           rc;
    ngx_token_str_t          name;
    ngx_token_atom_t         a;
    ngx_token_read_t        *r, *r2;
    ngx_token_effect_t       e[2];
    ngx_token_store_conf_t   conf;

    memset(&conf, 0, sizeof(ngx_token_store_conf_t));
    conf.sync = 1;

    g.st = open_store_conf(*state, &conf);

    make_group(g.c, e, 0);
    assert_null(apply_group(&g));

    r = begin(g.st);

    make_group(g.c, e, GROUP);
    fail_meta = 1;
    assert_int_equal(pthread_create(&thread, NULL, apply_group, &g), 0);

    do {
        rc = ngx_token_read_begin(g.st, &r2);

        if (rc == NGX_TOKEN_OK) {
            ngx_token_read_end(r2);
        }

    } while (rc == NGX_TOKEN_OK);

    assert_int_equal(rc, NGX_TOKEN_BUSY);

    name = str("count");
    assert_int_equal(ngx_token_read_atom(r, &name, &a), NGX_TOKEN_OK);
    assert_str(&a.value, "5");
    ngx_token_read_end(r);

    assert_int_equal(pthread_join(thread, &result), 0);
    assert_null(result);
    assert_int_equal(g.v[0].outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(check(g.st, 2 * GROUP), 2 * GROUP);

    ngx_token_store_close(g.st);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_one_operation_fails,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_few_operations_fail,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_the_disk_fails_for_a_while,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_an_unsynced_disk_fails,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_there_is_no_space_for_a_while,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_part_is_written,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_snapshot_survives_a_failure,
                                        make_dir, remove_dir)
    };

    return cmocka_run_group_tests_name("store_fault", tests, NULL, NULL);
}
