
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/store_test.h"

#include <inttypes.h>
#include <time.h>


#define ADDS     400                      /* records of each adder */
#define GROUP    20
#define KILLS    50


static ngx_token_store_conf_t  conf;


static uint64_t
number_of(ngx_token_store_t *st, const char *name)
{
    uint64_t           n;
    ngx_token_str_t    s;
    ngx_token_atom_t   a;
    ngx_token_read_t  *r;

    r = begin(st);
    s = str(name);
    n = 0;

    if (ngx_token_read_atom(r, &s, &a) == NGX_TOKEN_OK) {
        assert_int_equal(ngx_token_json_uint(&a.value, &n), NGX_TOKEN_OK);
    }

    ngx_token_read_end(r);

    return n;
}


/* Two changes by a record: they must never part. */

static void
make_adds(ngx_token_effect_t *e)
{
    e[0] = make_effect(NGX_TOKEN_EFFECT_ADD, "count", "1");
    e[0].initial = str("0");
    e[1] = make_effect(NGX_TOKEN_EFFECT_APPEND, "log", "1");
}


/* Child: adds, in groups.  odd: 0 or 1: its ids are not the other's. */

static int
adder(const char *dir, uint64_t odd)
{
    uint64_t              n, i;
    ngx_token_store_t    *st;
    ngx_token_effect_t    e[2];
    ngx_token_commit_t    c[GROUP];
    ngx_token_verdict_t   v[GROUP];

    st = open_store(dir);
    make_adds(e);

    for (n = 0; n < ADDS; n += GROUP) {

        for (i = 0; i < GROUP; i++) {
            c[i] = make_commit(2 * (n + i) + odd, e, 2);
        }

        if (ngx_token_store_apply(st, c, GROUP, v) != NGX_TOKEN_OK) {
            return 1;
        }

        for (i = 0; i < GROUP; i++) {
            if (v[i].outcome != NGX_TOKEN_OUTCOME_OK || v[i].repeated) {
                return 1;
            }
        }
    }

    ngx_token_store_close(st);

    return 0;
}


static void
test_processes_add_up(void **state)
{
    pid_t               one, two;
    ngx_token_log_t     l;
    ngx_token_str_t     name;
    ngx_token_read_t   *r;
    ngx_token_store_t  *st;

    one = spawn("adder", *state, -1);
    two = spawn("adder odd", *state, -1);

    assert_int_equal(wait_for(one), 0);
    assert_int_equal(wait_for(two), 0);

    st = open_store(*state);

    assert_int_equal(number_of(st, "count"), 2 * ADDS);
    assert_int_equal(head(st), 4 * ADDS);

    r = begin(st);
    name = str("log");
    ngx_token_read_log(r, &name, &l);
    assert_int_equal(l.count, 2 * ADDS);
    ngx_token_read_end(r);

    ngx_token_store_close(st);
}


/*
 * Child: applies the ids from the first that nobody has answered, for ever,
 * and tells each that is.  Groups of all sizes.
 */

static int
writer(const char *dir)
{
    uint64_t              n, i, size;
    ngx_token_read_t     *r;
    ngx_token_store_t    *st;
    ngx_token_effect_t    e[2];
    ngx_token_commit_t    c[GROUP];
    ngx_token_ledger_t    l;
    ngx_token_verdict_t   v[GROUP];

    st = open_store_conf(dir, &conf);
    make_adds(e);

    r = begin(st);

    for (n = 1; /* void */ ; n++) {
        c[0] = make_commit(n, NULL, 0);

        if (ngx_token_read_ledger(r, c[0].id, &l) != NGX_TOKEN_OK) {
            break;
        }
    }

    ngx_token_read_end(r);

    /* a few again, as a client would that has had no answer */

    n = (n > 5) ? n - 5 : 1;

    for ( ;; ) {
        size = 1 + n % GROUP;

        for (i = 0; i < size; i++) {
            c[i] = make_commit(n + i, e, 2);
        }

        if (ngx_token_store_apply(st, c, size, v) != NGX_TOKEN_OK) {
            return 1;
        }

        for (i = 0; i < size; i++) {
            if (v[i].outcome != NGX_TOKEN_OUTCOME_OK) {
                return 1;
            }
        }

        n += size;

        /* n - 1 is the last that is answered */

        if (write(STDOUT_FILENO, &n, sizeof(n)) != sizeof(n)) {
            return 1;
        }
    }
}


/* Returns: how many ids the ledger has, of all up to some beyond n */

static uint64_t
count_ledger(ngx_token_store_t *st, uint64_t n)
{
    uint64_t             i, found;
    ngx_token_commit_t   c;
    ngx_token_ledger_t   l;
    ngx_token_read_t    *r;

    r = begin(st);

    for (i = 1, found = 0; i < n + 10 * GROUP; i++) {
        c = make_commit(i, NULL, 0);

        if (ngx_token_read_ledger(r, c.id, &l) == NGX_TOKEN_OK) {
            found++;
        }

        if (i < n) {
            /* it was answered, so it is there */
            assert_int_equal(found, i);
        }
    }

    ngx_token_read_end(r);

    return found;
}


static void
kill_writers(const char *dir, const char *what)
{
    int                 fds[2], i;
    pid_t               pid;
    uint64_t            n, told, wait;
    unsigned            seed;
    ngx_token_log_t     l;
    ngx_token_str_t     name;
    ngx_token_read_t   *r;
    ngx_token_store_t  *st;

    seed = (unsigned) time(NULL);
    print_message("seed %u\n", seed);

    srand(seed);
    told = 1;

    for (i = 0; i < KILLS; i++) {

        assert_int_equal(pipe(fds), 0);
        pid = spawn(what, dir, fds[1]);
        (void) close(fds[1]);

        /* at any instant: after some answers, and then some more work here */

        for (wait = (uint64_t) rand() % 20; wait; wait--) {
            assert_int_equal(read(fds[0], &told, sizeof(told)), sizeof(told));
        }

        for (wait = (uint64_t) rand() % 500000; wait; wait--) {
            __asm__ volatile ("" ::: "memory");
        }

        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(wait_for(pid), -1);

        while (read(fds[0], &n, sizeof(n)) == sizeof(n)) {
            told = n;
        }

        (void) close(fds[0]);

        st = open_store_conf(dir, &conf);

        n = count_ledger(st, told);
        assert_int_equal(number_of(st, "count"), n);
        assert_int_equal(head(st), 2 * n);

        r = begin(st);
        name = str("log");
        ngx_token_read_log(r, &name, &l);
        assert_int_equal(l.count, n);
        ngx_token_read_end(r);

        ngx_token_store_close(st);
    }

    assert_true(told > 1);
}


static void
test_a_killed_writer_loses_nothing(void **state)
{
    conf.sync = 0;
    kill_writers(*state, "writer");
}


static void
test_a_killed_synced_writer_loses_nothing(void **state)
{
    conf.sync = 1;
    kill_writers(*state, "synced writer");
    conf.sync = 0;
}


/* while another process has the store open, so that no lock is made anew */

static void
test_a_killed_writer_leaves_the_store_to_others(void **state)
{
    int                  fds[2], i;
    pid_t                pid;
    uint64_t             n, seq, txnid;
    ngx_token_store_t   *st;
    ngx_token_effect_t   e;

    st = open_store(*state);
    e = make_effect(NGX_TOKEN_EFFECT_SET, "mine", "1");

    for (i = 0; i < KILLS; i++) {

        assert_int_equal(pipe(fds), 0);
        pid = spawn("writer", *state, fds[1]);
        (void) close(fds[1]);

        for (n = 0; n < (uint64_t) i % 7 + 1; n++) {
            assert_int_equal(read(fds[0], &seq, sizeof(seq)), sizeof(seq));
        }

        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(wait_for(pid), -1);
        (void) close(fds[0]);

        /* ids apart from the writer's */

        seq = apply_ok(st, 1000000 + (uint64_t) i, &e);
        assert_int_equal(head(st), seq);
        assert_int_equal(number_of(st, "count") * 2 + (uint64_t) i + 1, seq);

        txnid = ngx_token_store_txnid(st);
        assert_int_equal(ngx_token_store_txnid(st), txnid);
    }

    ngx_token_store_close(st);
}


/* Child: keeps a snapshot open */

static int
reader(const char *dir)
{
    char                c;
    ngx_token_store_t  *st;

    conf.max_readers = 4;
    st = open_store_conf(dir, &conf);
    (void) begin(st);

    c = 'r';

    if (write(STDOUT_FILENO, &c, 1) != 1) {
        return 1;
    }

    for ( ;; ) {
        (void) pause();
    }
}


static void
test_killed_readers_leave_no_slots(void **state)
{
    int                 fds[2], i;
    char                c;
    pid_t               pid;
    ngx_token_read_t   *r[3];
    ngx_token_store_t  *st;

    conf.max_readers = 4;
    st = open_store_conf(*state, &conf);
    conf.max_readers = 0;

    for (i = 0; i < 10; i++) {
        assert_int_equal(pipe(fds), 0);
        pid = spawn("reader", *state, fds[1]);
        (void) close(fds[1]);

        assert_int_equal(read(fds[0], &c, 1), 1);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(wait_for(pid), -1);
        (void) close(fds[0]);
    }

    for (i = 0; i < 3; i++) {
        r[i] = begin(st);
    }

    for (i = 0; i < 3; i++) {
        ngx_token_read_end(r[i]);
    }

    ngx_token_store_close(st);
}


int
main(int argc, char **argv)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_processes_add_up,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_killed_writer_loses_nothing,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_killed_synced_writer_loses_nothing, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_killed_writer_leaves_the_store_to_others,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_killed_readers_leave_no_slots,
                                        make_dir, remove_dir)
    };

    if (argc == 3) {

        if (strncmp(argv[1], "adder", 5) == 0) {
            return adder(argv[2], strcmp(argv[1], "adder") != 0);
        }

        if (strcmp(argv[1], "reader") == 0) {
            return reader(argv[2]);
        }

        conf.sync = (strcmp(argv[1], "synced writer") == 0);

        return writer(argv[2]);
    }

    return cmocka_run_group_tests_name("store_process", tests, NULL, NULL);
}
