
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/store_test.h"

#include <sys/resource.h>


#define GROUP   64
#define LARGE   (100 * 1000)


static char  value[LARGE + 1];
static char  names[GROUP][16];


static ngx_token_store_t *
open_small(const char *dir, size_t size)
{
    ngx_token_store_conf_t  conf;

    memset(&conf, 0, sizeof(ngx_token_store_conf_t));
    conf.size = size;

    memset(value, '1', LARGE);

    return open_store_conf(dir, &conf);
}


/*
 * A group of which every fourth record is large: two changes each, so that a
 * half could be seen.
 */

static void
make_group(ngx_token_commit_t *c, ngx_token_effect_t *e, uint64_t from)
{
    size_t  i;

    for (i = 0; i < GROUP; i++) {
        (void) snprintf(names[i], sizeof(names[i]), "n/%u",
                        (unsigned) (from + i));

        e[2 * i] = make_effect(NGX_TOKEN_EFFECT_ADD, "count", "1");
        e[2 * i].initial = str("0");
        e[2 * i + 1] = make_effect(NGX_TOKEN_EFFECT_SET, names[i],
                                   (i % 4 == 0) ? value : "1");
        c[i] = make_commit(from + i, &e[2 * i], 2);
    }
}


/* what was said is what is there */

static unsigned
assert_verdicts(ngx_token_store_t *st, const ngx_token_commit_t *c,
    const ngx_token_verdict_t *v)
{
    size_t               i;
    unsigned             done;
    ngx_token_str_t      name;
    ngx_token_atom_t     a;
    ngx_token_read_t    *r;
    ngx_token_ledger_t   l;

    r = begin(st);

    for (i = 0, done = 0; i < GROUP; i++) {
        name = str(names[i]);

        if (v[i].outcome == NGX_TOKEN_OUTCOME_OK) {
            assert_int_equal(ngx_token_read_ledger(r, c[i].id, &l),
                             NGX_TOKEN_OK);
            assert_int_equal(l.seq, v[i].seq);
            assert_int_equal(ngx_token_read_atom(r, &name, &a), NGX_TOKEN_OK);
            assert_int_equal(a.version, v[i].seq);
            done++;

        } else {
            assert_int_equal(v[i].outcome, NGX_TOKEN_OUTCOME_FAILED);
            assert_int_equal(v[i].error, NGX_TOKEN_ERR_STORE_FULL);
            assert_int_equal(ngx_token_read_ledger(r, c[i].id, &l),
                             NGX_TOKEN_DECLINED);
            assert_int_equal(ngx_token_read_atom(r, &name, &a),
                             NGX_TOKEN_DECLINED);
        }
    }

    ngx_token_read_end(r);

    return done;
}


static void
test_only_what_does_not_fit_fails(void **state)
{
    char                  number[16];
    size_t                i;
    unsigned              done;
    ngx_token_store_t    *st;
    ngx_token_commit_t    c[GROUP];
    ngx_token_effect_t    e[2 * GROUP];
    ngx_token_verdict_t   v[GROUP];

    st = open_small(*state, 1 << 20);

    make_group(c, e, 0);
    assert_int_equal(ngx_token_store_apply(st, c, GROUP, v), NGX_TOKEN_OK);

    done = assert_verdicts(st, c, v);
    assert_true(done >= GROUP / 2);
    assert_true(done < GROUP);

    for (i = 0; i < GROUP; i++) {
        if (i % 4) {
            /* there was room for each that is small */
            assert_int_equal(v[i].outcome, NGX_TOKEN_OUTCOME_OK);
        }
    }

    assert_int_equal(head(st), 2 * done);
    (void) snprintf(number, sizeof(number), "%u", done);
    assert_atom(st, "count", number);

    /* what failed may be tried again: it does, in a larger store */

    ngx_token_store_close(st);
    st = open_small(*state, 16 << 20);

    assert_int_equal(ngx_token_store_apply(st, c, GROUP, v), NGX_TOKEN_OK);
    assert_int_equal(assert_verdicts(st, c, v), GROUP);
    assert_atom(st, "count", "64");

    ngx_token_store_close(st);
}


static void
test_a_full_store_says_so_and_works(void **state)
{
    uint64_t              n;
    ngx_token_rc_t        rc;
    ngx_token_store_t    *st;
    ngx_token_effect_t    e;
    ngx_token_commit_t    c;
    ngx_token_verdict_t   v;

    st = open_small(*state, 1 << 20);

    e = make_effect(NGX_TOKEN_EFFECT_APPEND, "chat", value);

    for (n = 1; /* void */ ; n++) {
        c = make_commit(n, &e, 1);
        rc = ngx_token_store_apply(st, &c, 1, &v);

        if (rc != NGX_TOKEN_OK) {
            break;
        }

        assert_true(n < 100);
    }

    assert_int_equal(rc, NGX_TOKEN_FULL);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_FAILED);
    assert_int_equal(v.error, NGX_TOKEN_ERR_STORE_FULL);
    assert_int_equal(head(st), n - 1);

    /* what is small has room, and what was said before is known */

    e.value = str("1");
    c = make_commit(n + 1, &e, 1);
    assert_int_equal(apply(st, &c).seq, n);

    c = make_commit(1, &e, 1);
    assert_int_equal(apply(st, &c).repeated, 1);

    /* less is kept: there is room again */

    e.keep = 1;

    for (n += 2; n < 40; n++) {
        apply_ok(st, n, &e);
    }

    e.value = str(value);
    apply_ok(st, n, &e);

    ngx_token_store_close(st);
}


/*
 * The ledger and the feed of a store that never ends: in a steady state it
 * uses the pages that trimming frees.
 */

static void
test_a_trimmed_store_does_not_grow(void **state)
{
    size_t                    i;
    uint64_t                  n;
    ngx_token_store_t        *st;
    ngx_token_commit_t        c[GROUP];
    ngx_token_effect_t        e;
    ngx_token_verdict_t       v[GROUP];
    ngx_token_store_conf_t    conf;

    memset(&conf, 0, sizeof(ngx_token_store_conf_t));
    conf.size = 1 << 20;
    conf.feed = 100;

    st = open_store_conf(*state, &conf);

    e = make_effect(NGX_TOKEN_EFFECT_APPEND, "chat",
                    "\"some bytes for each record of the log\"");
    e.keep = 100;

    for (n = 0; n < 500 * GROUP; n += GROUP) {

        for (i = 0; i < GROUP; i++) {
            c[i] = make_commit(n + i, &e, 1);
            c[i].horizon = (n < 500) ? TIME : TIME + n - 500;
        }

        assert_int_equal(ngx_token_store_apply(st, c, GROUP, v),
                         NGX_TOKEN_OK);

        for (i = 0; i < GROUP; i++) {
            assert_int_equal(v[i].outcome, NGX_TOKEN_OUTCOME_OK);
        }
    }

    assert_int_equal(head(st), 500 * GROUP);

    ngx_token_store_close(st);
}


/*
 * A store that is full of entries which may go by now, though no transaction
 * has had the room to drop them.
 */

static void
test_a_full_store_frees_itself(void **state)
{
    uint64_t              n, last;
    ngx_token_rc_t        rc;
    ngx_token_store_t    *st;
    ngx_token_commit_t    c;
    ngx_token_verdict_t   v;

    st = open_small(*state, 1 << 20);

    value[1000] = '\0';

    for (n = 1, rc = NGX_TOKEN_OK; rc == NGX_TOKEN_OK; n++) {
        c = make_commit(n, NULL, 0);
        c.result = str(value);
        rc = ngx_token_store_apply(st, &c, 1, &v);
        assert_true(n < 2000);
    }

    assert_int_equal(rc, NGX_TOKEN_FULL);

    for (last = n + 10, rc = NGX_TOKEN_FULL; n < last; n++) {
        c = make_commit(n, NULL, 0);
        c.horizon = c.time - 10;
        c.result = str(value);
        rc = ngx_token_store_apply(st, &c, 1, &v);
    }

    assert_int_equal(rc, NGX_TOKEN_OK);

    value[1000] = '1';

    ngx_token_store_close(st);
}


/* The disk is full, rather than the map */

static int
fill_disk(const char *dir)
{
    struct rlimit         rl;
    uint64_t              n, failed;
    ngx_token_store_t    *st;
    ngx_token_effect_t    e;
    ngx_token_commit_t    c;
    ngx_token_verdict_t   v;

    (void) signal(SIGXFSZ, SIG_IGN);

    rl.rlim_cur = 500 * 1000;
    rl.rlim_max = RLIM_INFINITY;

    if (setrlimit(RLIMIT_FSIZE, &rl) == -1) {
        return 1;
    }

    st = open_small(dir, 64 << 20);
    e = make_effect(NGX_TOKEN_EFFECT_SET, "a", value);

    for (n = 1, failed = 0; n <= 20; n++) {
        names[n][0] = (char) ('a' + (int) n);
        names[n][1] = '\0';
        e.channel = str(names[n]);
        c = make_commit(n, &e, 1);

        if (ngx_token_store_apply(st, &c, 1, &v) != NGX_TOKEN_OK) {

            /* which error it is depends on how many pages could be written */

            if (v.outcome != NGX_TOKEN_OUTCOME_FAILED
                || (v.error != NGX_TOKEN_ERR_STORE_FULL
                    && v.error != NGX_TOKEN_ERR_STORE_ERROR))
            {
                return 2;
            }

            failed++;
        }
    }

    if (failed == 0 || head(st) != 20 - failed) {
        return 3;
    }

    /* there is room again */

    rl.rlim_cur = RLIM_INFINITY;

    if (setrlimit(RLIMIT_FSIZE, &rl) == -1) {
        return 4;
    }

    if (ngx_token_store_apply(st, &c, 1, &v) != NGX_TOKEN_OK
        || v.outcome != NGX_TOKEN_OUTCOME_OK || v.repeated)
    {
        return 5;
    }

    ngx_token_store_close(st);

    return 0;
}


static void
test_a_full_disk(void **state)
{
    pid_t  pid;

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {
        _exit(fill_disk(*state));
    }

    assert_int_equal(wait_for(pid), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_only_what_does_not_fit_fails,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_full_store_says_so_and_works,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_trimmed_store_does_not_grow,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_full_store_frees_itself,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_full_disk,
                                        make_dir, remove_dir)
    };

    return cmocka_run_group_tests_name("store_full", tests, NULL, NULL);
}
