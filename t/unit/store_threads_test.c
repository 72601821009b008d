
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/store_test.h"

#include <pthread.h>
#include <stdatomic.h>


#define READERS  4
#define GROUPS   200
#define GROUP    10


typedef struct {
    ngx_token_store_t  *st;
    atomic_int          done;
    uint64_t            reads;
    const char         *wrong;
} shared_t;


static ngx_token_store_conf_t  conf;


/*
 * What a snapshot says must agree: the counter, the head and the log move
 * together.
 */

static const char *
look(ngx_token_store_t *st, uint64_t *seen)
{
    uint64_t             n, seq;
    const char          *wrong;
    ngx_token_log_t      l;
    ngx_token_str_t      count, log;
    ngx_token_atom_t     a;
    ngx_token_feed_t     f;
    ngx_token_read_t    *r;
    ngx_token_record_t   rec;

    if (ngx_token_read_begin(st, &r) != NGX_TOKEN_OK) {
        return "begin";
    }

    count = str("count");
    log = str("log");
    wrong = NULL;
    n = 0;

    if (ngx_token_read_atom(r, &count, &a) == NGX_TOKEN_OK
        && ngx_token_json_uint(&a.value, &n) != NGX_TOKEN_OK)
    {
        wrong = "count";
    }

    seq = ngx_token_read_head(r);
    ngx_token_read_log(r, &log, &l);

    if (seq != 2 * n || l.last != seq) {
        wrong = "head";
    }

    if (seq < *seen) {
        wrong = "back";
    }

    if (seq != 0
        && (ngx_token_read_feed(r, seq - 1, &f) != NGX_TOKEN_OK
            || f.type != NGX_TOKEN_EFFECT_APPEND))
    {
        wrong = "feed";
    }

    if (seq != 0
        && (ngx_token_read_record(r, &log, seq - 2, &rec) != NGX_TOKEN_OK
            || rec.seq != seq))
    {
        wrong = "record";
    }

    *seen = seq;
    ngx_token_read_end(r);

    return wrong;
}


static void *
read_on(void *data)
{
    uint64_t     seen;
    shared_t    *s;
    const char  *wrong;

    s = data;
    seen = 0;

    while (!atomic_load(&s->done)) {
        wrong = look(s->st, &seen);

        if (wrong != NULL) {
            return (void *) (uintptr_t) wrong;
        }

        (void) ngx_token_store_txnid(s->st);
    }

    return (void *) (uintptr_t) look(s->st, &seen);
}


/* 0: well */

static int
write_on(ngx_token_store_t *st, uint64_t from)
{
    uint64_t              n, i;
    ngx_token_effect_t    e[2];
    ngx_token_commit_t    c[GROUP];
    ngx_token_verdict_t   v[GROUP];

    e[0] = make_effect(NGX_TOKEN_EFFECT_ADD, "count", "1");
    e[0].initial = str("0");
    e[1] = make_effect(NGX_TOKEN_EFFECT_APPEND, "log", "1");
    e[1].keep = 50;

    for (n = 0; n < GROUPS; n++) {

        for (i = 0; i < GROUP; i++) {
            c[i] = make_commit(from + n * GROUP + i, e, 2);
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

    return 0;
}


static void
test_readers_beside_an_applier(void **state)
{
    void       *wrong;
    size_t      i;
    shared_t    s;
    pthread_t   threads[READERS];

    memset(&s, 0, sizeof(shared_t));
    conf.feed = 100;
    s.st = open_store_conf(*state, &conf);

    for (i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &s), 0);
    }

    assert_int_equal(write_on(s.st, 0), 0);
    atomic_store(&s.done, 1);

    for (i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);

        if (wrong != NULL) {
            fail_msg("%s", (char *) wrong);
        }
    }

    ngx_token_store_close(s.st);
}


static void *
apply_on(void *data)
{
    static atomic_int   from;

    shared_t           *s;

    s = data;

    /* ids of its own */

    return (void *) (uintptr_t)
               write_on(s->st,
                        1000000 * (uint64_t) atomic_fetch_add(&from, 1));
}


/* one at a time is what is asked for; more must do no harm */

static void
test_appliers_wait_for_each_other(void **state)
{
    void       *failed;
    size_t      i;
    shared_t    s;
    pthread_t   threads[READERS];

    memset(&s, 0, sizeof(shared_t));
    s.st = open_store(*state);

    for (i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, apply_on, &s), 0);
    }

    for (i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }

    assert_int_equal(head(s.st), 2 * READERS * GROUPS * GROUP);

    ngx_token_store_close(s.st);
}


/* Child: lets the store outgrow the parent's map */

static int
grow(const char *dir)
{
    ngx_token_store_t  *st;

    conf.size = (size_t) 64 << 20;
    st = open_store_conf(dir, &conf);

    return write_on(st, 0);
}


/* the map moves while other threads read: they are asked to wait, no more */

static void *
read_patiently(void *data)
{
    shared_t          *s;
    ngx_token_rc_t     rc;
    ngx_token_read_t  *r;

    s = data;

    while (!atomic_load(&s->done)) {
        rc = ngx_token_read_begin(s->st, &r);

        if (rc == NGX_TOKEN_BUSY) {
            (void) sched_yield();
            continue;
        }

        if (rc != NGX_TOKEN_OK) {
            return (void *) (uintptr_t) ngx_token_store_error();
        }

        (void) ngx_token_read_head(r);
        ngx_token_read_end(r);
    }

    return NULL;
}


static void
test_the_map_moves_between_reads(void **state)
{
    void       *wrong;
    size_t      i;
    shared_t    s;
    pthread_t   threads[READERS];

    memset(&s, 0, sizeof(shared_t));

    memset(&conf, 0, sizeof(ngx_token_store_conf_t));
    conf.size = (size_t) 256 << 10;

    s.st = open_store_conf(*state, &conf);

    for (i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_patiently, &s),
                         0);
    }

    assert_int_equal(wait_for(spawn("grow", *state, -1)), 0);
    assert_int_equal(write_on(s.st, 1000000), 0);

    atomic_store(&s.done, 1);

    for (i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }

    assert_int_equal(head(s.st), 4 * GROUPS * GROUP);

    ngx_token_store_close(s.st);
}


int
main(int argc, char **argv)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_readers_beside_an_applier,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_appliers_wait_for_each_other,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_the_map_moves_between_reads,
                                        make_dir, remove_dir)
    };

    if (argc == 3) {
        return grow(argv[2]);
    }

    return cmocka_run_group_tests_name("store_threads", tests, NULL, NULL);
}
