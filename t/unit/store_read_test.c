
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/store_test.h"


static uint64_t
append(ngx_token_store_t *st, uint64_t n, const char *channel, uint64_t keep)
{
    char                value[32];
    ngx_token_effect_t  e;

    (void) snprintf(value, sizeof(value), "%u", (unsigned) n);

    e = make_effect(NGX_TOKEN_EFFECT_APPEND, channel, value);
    e.keep = keep;

    return apply_ok(st, n, &e);
}


static uint64_t
set(ngx_token_store_t *st, uint64_t n, const char *channel)
{
    ngx_token_effect_t  e;

    e = make_effect(NGX_TOKEN_EFFECT_SET, channel, "1");

    return apply_ok(st, n, &e);
}


static ngx_token_log_t
log_of(ngx_token_store_t *st, const char *channel)
{
    ngx_token_log_t    l;
    ngx_token_str_t    name;
    ngx_token_read_t  *r;

    r = begin(st);
    name = str(channel);
    ngx_token_read_log(r, &name, &l);
    ngx_token_read_end(r);

    return l;
}


/* all records after a seq, and their number */

static unsigned
count_records(ngx_token_store_t *st, const char *channel, uint64_t after)
{
    unsigned             n;
    ngx_token_str_t      name;
    ngx_token_read_t    *r;
    ngx_token_record_t   rec;

    r = begin(st);
    name = str(channel);

    for (n = 0;
         ngx_token_read_record(r, &name, after, &rec) == NGX_TOKEN_OK;
         n++)
    {
        assert_true(rec.seq > after);
        after = rec.seq;
    }

    ngx_token_read_end(r);

    return n;
}


static uint64_t
tail(ngx_token_store_t *st, const char *channel, uint64_t n)
{
    uint64_t           seq;
    ngx_token_str_t    name;
    ngx_token_read_t  *r;

    r = begin(st);
    name = str(channel);
    seq = ngx_token_read_tail(r, &name, n);
    ngx_token_read_end(r);

    return seq;
}


static void
test_the_feed_has_every_change_in_order(void **state)
{
    uint64_t             seq;
    ngx_token_feed_t     f;
    ngx_token_read_t    *r;
    ngx_token_store_t   *st;
    ngx_token_effect_t   e;

    st = open_store(*state);

    r = begin(st);
    assert_int_equal(ngx_token_read_feed(r, 0, &f), NGX_TOKEN_DONE);
    assert_int_equal(ngx_token_read_feed(r, 100, &f), NGX_TOKEN_DONE);
    ngx_token_read_end(r);

    set(st, 1, "a");
    append(st, 2, "log", 0);
    e = make_effect(NGX_TOKEN_EFFECT_DELETE, "a", "");
    apply_ok(st, 3, &e);

    r = begin(st);

    assert_int_equal(ngx_token_read_feed(r, 0, &f), NGX_TOKEN_OK);
    assert_int_equal(f.seq, 1);
    assert_int_equal(f.type, NGX_TOKEN_EFFECT_SET);
    assert_str(&f.channel, "a");

    assert_int_equal(ngx_token_read_feed(r, 1, &f), NGX_TOKEN_OK);
    assert_int_equal(f.seq, 2);
    assert_int_equal(f.type, NGX_TOKEN_EFFECT_APPEND);
    assert_str(&f.channel, "log");

    assert_int_equal(ngx_token_read_feed(r, 2, &f), NGX_TOKEN_OK);
    assert_int_equal(f.type, NGX_TOKEN_EFFECT_DELETE);
    assert_int_equal(ngx_token_read_feed(r, 3, &f), NGX_TOKEN_DONE);

    /* any order of questions */

    assert_int_equal(ngx_token_read_feed(r, 0, &f), NGX_TOKEN_OK);
    assert_int_equal(f.seq, 1);
    assert_int_equal(ngx_token_read_feed(r, 0, &f), NGX_TOKEN_OK);
    assert_int_equal(f.seq, 1);
    assert_int_equal(ngx_token_read_feed(r, 99, &f), NGX_TOKEN_DONE);
    assert_int_equal(ngx_token_read_feed(r, UINT64_MAX, &f), NGX_TOKEN_DONE);
    assert_int_equal(ngx_token_read_feed(r, 1, &f), NGX_TOKEN_OK);
    assert_int_equal(f.seq, 2);

    ngx_token_read_end(r);

    for (seq = 4; seq < 1000; seq++) {
        set(st, seq, "b");
    }

    r = begin(st);

    for (seq = 0; seq < 999; seq++) {
        assert_int_equal(ngx_token_read_feed(r, seq, &f), NGX_TOKEN_OK);
        assert_int_equal(f.seq, seq + 1);
    }

    ngx_token_read_end(r);

    ngx_token_store_close(st);
}


static void
test_a_snapshot_does_not_move(void **state)
{
    ngx_token_str_t      name;
    ngx_token_atom_t     a;
    ngx_token_feed_t     f;
    ngx_token_read_t    *old, *new;
    ngx_token_store_t   *st;

    st = open_store(*state);

    set(st, 1, "a");
    old = begin(st);
    set(st, 2, "a");
    new = begin(st);

    name = str("a");
    assert_int_equal(ngx_token_read_head(old), 1);
    assert_int_equal(ngx_token_read_head(new), 2);
    assert_int_equal(ngx_token_read_feed(old, 1, &f), NGX_TOKEN_DONE);
    assert_int_equal(ngx_token_read_feed(new, 1, &f), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_read_atom(old, &name, &a), NGX_TOKEN_OK);
    assert_int_equal(a.version, 1);
    assert_int_equal(ngx_token_read_atom(new, &name, &a), NGX_TOKEN_OK);
    assert_int_equal(a.version, 2);

    ngx_token_read_end(old);
    ngx_token_read_end(new);

    ngx_token_store_close(st);
}


static void
test_the_feed_tells_what_is_trimmed(void **state)
{
    uint64_t                 n;
    ngx_token_feed_t         f;
    ngx_token_read_t        *r;
    ngx_token_store_t       *st;
    ngx_token_store_conf_t   conf;

    memset(&conf, 0, sizeof(ngx_token_store_conf_t));
    conf.feed = 10;

    st = open_store_conf(*state, &conf);

    for (n = 1; n <= 100; n++) {
        set(st, n, "a");
    }

    r = begin(st);
    assert_int_equal(ngx_token_read_feed(r, 0, &f), NGX_TOKEN_DECLINED);
    assert_int_equal(ngx_token_read_feed(r, 89, &f), NGX_TOKEN_DECLINED);
    assert_int_equal(ngx_token_read_feed(r, 90, &f), NGX_TOKEN_OK);
    assert_int_equal(f.seq, 91);
    assert_int_equal(ngx_token_read_feed(r, 99, &f), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_read_feed(r, 100, &f), NGX_TOKEN_DONE);
    ngx_token_read_end(r);

    ngx_token_store_close(st);
}


static void
test_a_family_is_read_in_order(void **state)
{
    size_t               i;
    ngx_token_rc_t       rc;
    ngx_token_str_t      prefix, after;
    ngx_token_atom_t     a;
    ngx_token_read_t    *r;
    ngx_token_store_t   *st;
    unsigned char        text[4096];

    static const char *const  names[] = {
        "votes/10", "vote", "votes", "votes/", "votes/2", "votesX", "a",
        "votes/1/x", "votes0"
    };

    static const char *const  sorted[] = {
        "votes/", "votes/1/x", "votes/10", "votes/2"
    };

    st = open_store(*state);

    prefix = str("votes/");
    after = str("");

    r = begin(st);
    assert_int_equal(ngx_token_read_family(r, &prefix, &after, &a),
                     NGX_TOKEN_DONE);
    ngx_token_read_end(r);

    for (i = 0; i < count(names); i++) {
        set(st, i, names[i]);
    }

    r = begin(st);

    for (i = 0; i < count(sorted); i++) {
        rc = ngx_token_read_family(r, &prefix, &after, &a);
        assert_int_equal(rc, NGX_TOKEN_OK);
        assert_str(&a.name, sorted[i]);
        assert_str(&a.value, "1");
        after = a.name;
    }

    assert_int_equal(ngx_token_read_family(r, &prefix, &after, &a),
                     NGX_TOKEN_DONE);

    /* between two names, before the family, and behind it */

    after = str("votes/1");
    assert_int_equal(ngx_token_read_family(r, &prefix, &after, &a),
                     NGX_TOKEN_OK);
    assert_str(&a.name, "votes/1/x");

    after = str("a");
    assert_int_equal(ngx_token_read_family(r, &prefix, &after, &a),
                     NGX_TOKEN_OK);
    assert_str(&a.name, "votes/");

    after = str("votes");
    assert_int_equal(ngx_token_read_family(r, &prefix, &after, &a),
                     NGX_TOKEN_OK);
    assert_str(&a.name, "votes/");

    after = str("w");
    assert_int_equal(ngx_token_read_family(r, &prefix, &after, &a),
                     NGX_TOKEN_DONE);

    /* what is too long for a name: a query of HTTP brings it */

    memset(text, 'x', sizeof(text));
    after.data = text;
    after.len = sizeof(text);
    assert_int_equal(ngx_token_read_family(r, &prefix, &after, &a),
                     NGX_TOKEN_DONE);

    memcpy(text, "votes/1xx", 8);
    assert_int_equal(ngx_token_read_family(r, &prefix, &after, &a),
                     NGX_TOKEN_OK);
    assert_str(&a.name, "votes/2");

    /* all atoms */

    prefix = str("");
    after = str("");

    for (i = 0;
         ngx_token_read_family(r, &prefix, &after, &a) == NGX_TOKEN_OK;
         i++)
    {
        after = a.name;
    }

    assert_int_equal(i, count(names));

    ngx_token_read_end(r);
    ngx_token_store_close(st);
}


static void
test_a_name_is_no_prefix_of_itself(void **state)
{
    ngx_token_str_t      name;
    ngx_token_atom_t     a;
    ngx_token_read_t    *r;
    ngx_token_store_t   *st;

    st = open_store(*state);
    set(st, 1, "votes/1");

    r = begin(st);
    name = str("votes/");
    assert_int_equal(ngx_token_read_atom(r, &name, &a), NGX_TOKEN_DECLINED);
    name = str("votes/11");
    assert_int_equal(ngx_token_read_atom(r, &name, &a), NGX_TOKEN_DECLINED);
    name = str("");
    assert_int_equal(ngx_token_read_atom(r, &name, &a), NGX_TOKEN_DECLINED);
    ngx_token_read_end(r);

    ngx_token_store_close(st);
}


static void
test_logs_do_not_mix(void **state)
{
    uint64_t             n, after;
    ngx_token_str_t      one, two;
    ngx_token_read_t    *r;
    ngx_token_store_t   *st;
    ngx_token_record_t   rec;

    st = open_store(*state);

    for (n = 1; n <= 300; n++) {
        append(st, n, (n % 3 == 0) ? "three" : (n % 2) ? "one" : "two", 0);
    }

    assert_int_equal(count_records(st, "one", 0), 100);
    assert_int_equal(count_records(st, "two", 0), 100);
    assert_int_equal(count_records(st, "three", 0), 100);
    assert_int_equal(count_records(st, "none", 0), 0);
    assert_int_equal(count_records(st, "three", 297), 1);
    assert_int_equal(count_records(st, "three", 300), 0);
    assert_int_equal(count_records(st, "three", UINT64_MAX), 0);

    /* one reader that asks in turn */

    r = begin(st);
    one = str("one");
    two = str("two");
    after = 0;

    while (ngx_token_read_record(r, &one, after, &rec) == NGX_TOKEN_OK) {
        assert_int_equal(rec.seq % 2, 1);
        after = rec.seq;

        if (ngx_token_read_record(r, &two, after, &rec) == NGX_TOKEN_OK) {
            assert_true(rec.seq > after);
            assert_int_equal(rec.seq % 2, 0);
        }
    }

    assert_int_equal(after, 299);

    ngx_token_read_end(r);
    ngx_token_store_close(st);
}


static void
test_a_log_keeps_its_newest(void **state)
{
    uint64_t           n;
    ngx_token_log_t    l;
    ngx_token_store_t  *st;

    st = open_store(*state);

    l = log_of(st, "chat");
    assert_int_equal(l.count, 0);
    assert_int_equal(l.first, 0);
    assert_int_equal(l.last, 0);
    assert_int_equal(l.trimmed, 0);

    for (n = 1; n <= 50; n++) {
        append(st, n, "chat", 20);

        l = log_of(st, "chat");
        assert_int_equal(l.count, (n < 20) ? n : 20);
        assert_int_equal(l.last, n);
        assert_int_equal(l.first, (n < 20) ? 1 : n - 19);
        assert_int_equal(l.trimmed, (n < 20) ? 0 : n - 20);
    }

    assert_int_equal(count_records(st, "chat", 0), 20);

    /* without a limit it grows again */

    append(st, 51, "chat", 0);
    l = log_of(st, "chat");
    assert_int_equal(l.count, 21);
    assert_int_equal(l.trimmed, 30);

    /* a lower limit is reached in steps, when there is much to drop */

    append(st, 52, "chat", 1);
    l = log_of(st, "chat");
    assert_int_equal(l.count, 1);
    assert_int_equal(l.first, 52);
    assert_int_equal(l.trimmed, 51);
    assert_int_equal(count_records(st, "chat", 0), 1);

    ngx_token_store_close(st);
}


static void
test_a_long_log_is_trimmed_in_bounded_steps(void **state)
{
    uint64_t            n;
    ngx_token_log_t     l, before;
    ngx_token_store_t  *st;

    st = open_store(*state);

    for (n = 1; n <= 1000; n++) {
        append(st, n, "chat", 0);
    }

    for (before = log_of(st, "chat"); before.count > 10; n++) {
        append(st, n, "chat", 10);
        l = log_of(st, "chat");

        assert_in_range(before.count - l.count, 1, 100);
        assert_int_equal(l.first, l.trimmed + 1);
        assert_int_equal(l.count, l.last - l.first + 1);
        assert_int_equal(count_records(st, "chat", 0), l.count);
        before = l;
    }

    ngx_token_store_close(st);
}


static void
test_a_log_forgets_what_is_old(void **state)
{
    uint64_t             n;
    ngx_token_log_t      l;
    ngx_token_store_t   *st;
    ngx_token_effect_t   e;

    st = open_store(*state);

    e = make_effect(NGX_TOKEN_EFFECT_APPEND, "chat", "1");

    for (n = 1; n <= 30; n++) {
        e.since = TIME + n - 5;
        apply_ok(st, n, &e);
    }

    l = log_of(st, "chat");
    assert_int_equal(l.count, 6);
    assert_int_equal(l.first, 25);
    assert_int_equal(l.trimmed, 24);

    /* all of it, even the newest */

    e.since = TIME + 1000;
    apply_ok(st, 31, &e);

    l = log_of(st, "chat");
    assert_int_equal(l.count, 0);
    assert_int_equal(l.first, 0);
    assert_int_equal(l.last, 31);
    assert_int_equal(l.trimmed, 31);

    e.since = 0;
    apply_ok(st, 32, &e);
    l = log_of(st, "chat");
    assert_int_equal(l.count, 1);
    assert_int_equal(l.first, 32);

    ngx_token_store_close(st);
}


static void
test_a_tail_has_exactly_so_many(void **state)
{
    uint64_t            n;
    ngx_token_store_t  *st;

    st = open_store(*state);

    assert_int_equal(tail(st, "chat", 10), 0);

    for (n = 1; n <= 200; n++) {
        append(st, n, (n % 2) ? "chat" : "other", 50);
    }

    for (n = 0; n <= 50; n++) {
        assert_int_equal(count_records(st, "chat", tail(st, "chat", n)), n);
        assert_int_equal(count_records(st, "other", tail(st, "other", n)), n);
    }

    assert_int_equal(tail(st, "chat", 0), 199);
    assert_int_equal(tail(st, "chat", 1), 197);
    assert_int_equal(count_records(st, "chat", tail(st, "chat", 51)), 50);
    assert_int_equal(count_records(st, "chat", tail(st, "chat", UINT64_MAX)),
                     50);

    ngx_token_store_close(st);
}


static void
test_the_ledger_is_trimmed_at_the_horizon(void **state)
{
    uint64_t             n, kept;
    ngx_token_store_t   *st;
    ngx_token_commit_t   c;
    ngx_token_ledger_t   l;
    ngx_token_read_t    *r;

    st = open_store(*state);

    for (n = 1; n <= 300; n++) {
        c = make_commit(n, NULL, 0);
        c.result = str("1");
        (void) apply(st, &c);
    }

    r = begin(st);
    assert_int_equal(ngx_token_read_ledger(r, c.id, &l), NGX_TOKEN_OK);
    assert_int_equal(l.outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(l.time, TIME + 300);
    assert_str(&l.user, "alice");
    assert_str(&l.result, "1");
    assert_memory_equal(l.hash, c.hash, NGX_TOKEN_HASH_LEN);
    ngx_token_read_end(r);

    /* in bounded steps */

    for (n = 301; n <= 310; n++) {
        c = make_commit(n, NULL, 0);
        c.horizon = TIME + 251;
        (void) apply(st, &c);
    }

    r = begin(st);

    for (n = 1, kept = 0; n <= 310; n++) {
        c = make_commit(n, NULL, 0);

        if (ngx_token_read_ledger(r, c.id, &l) == NGX_TOKEN_OK) {
            assert_true(n >= 251);
            kept++;
        }
    }

    ngx_token_read_end(r);

    assert_int_equal(kept, 60);

    ngx_token_store_close(st);
}


/* ids come in any order, when clocks differ */

static void
test_the_ledger_takes_ids_in_any_order(void **state)
{
    uint64_t              n;
    ngx_token_store_t    *st;
    ngx_token_commit_t    c;
    ngx_token_verdict_t   v;

    st = open_store(*state);

    for (n = 0; n < 2000; n++) {
        c = make_commit((n * 769) % 2003, NULL, 0);
        v = apply(st, &c);
        assert_int_equal(v.repeated, 0);
    }

    for (n = 0; n < 2000; n++) {
        c = make_commit((n * 769) % 2003, NULL, 0);
        v = apply(st, &c);
        assert_int_equal(v.repeated, 1);
    }

    ngx_token_store_close(st);
}


static ngx_token_store_stat_t
stat_of(ngx_token_store_t *st)
{
    ngx_token_read_t        *r;
    ngx_token_store_stat_t   stat;

    r = begin(st);
    assert_int_equal(ngx_token_read_stat(r, &stat), NGX_TOKEN_OK);
    ngx_token_read_end(r);

    return stat;
}


static void
test_how_full_it_is(void **state)
{
    uint64_t                 n;
    ngx_token_store_t       *st;
    ngx_token_commit_t       c;
    ngx_token_effect_t       e;
    ngx_token_store_stat_t   empty, full, after;

    static char              big[100003];

    memset(big, 'x', sizeof(big) - 1);
    big[0] = '"';
    big[sizeof(big) - 2] = '"';

    st = open_store(*state);
    empty = stat_of(st);

    assert_int_equal(empty.size, 64 << 20);
    assert_int_equal(empty.ledger, 0);
    assert_int_equal(empty.seq, 0);
    assert_true(empty.used > 0);
    assert_true(empty.used <= empty.file);

    e = make_effect(NGX_TOKEN_EFFECT_SET, "atom", big);
    c = make_commit(1, &e, 1);
    assert_int_equal(apply(st, &c).outcome, NGX_TOKEN_OUTCOME_OK);
    full = stat_of(st);

    assert_int_equal(full.ledger, 1);
    assert_int_equal(full.seq, 1);
    assert_true(full.used >= empty.used + 100000);
    assert_true(full.used <= full.file && full.file < full.size);

    /* its pages are free again, and used again */

    for (n = 2; n < 20; n++) {
        e = make_effect(NGX_TOKEN_EFFECT_DELETE, "atom", "");
        c = make_commit(n, &e, 1);
        assert_int_equal(apply(st, &c).outcome, NGX_TOKEN_OUTCOME_OK);
    }

    after = stat_of(st);
    assert_int_equal(after.ledger, 19);
    assert_true(after.used + 80000 < full.used);
    assert_true(after.file >= full.file);

    ngx_token_store_close(st);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(
            test_the_feed_has_every_change_in_order, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_snapshot_does_not_move,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_the_feed_tells_what_is_trimmed,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_family_is_read_in_order,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_name_is_no_prefix_of_itself,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_logs_do_not_mix,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_log_keeps_its_newest,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_long_log_is_trimmed_in_bounded_steps,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_log_forgets_what_is_old,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_tail_has_exactly_so_many,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_the_ledger_is_trimmed_at_the_horizon, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_the_ledger_takes_ids_in_any_order, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_how_full_it_is,
                                        make_dir, remove_dir)
    };

    return cmocka_run_group_tests_name("store_read", tests, NULL, NULL);
}
