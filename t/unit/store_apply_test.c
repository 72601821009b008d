
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/store_test.h"


static void
assert_rejected(ngx_token_store_t *st, uint64_t n, ngx_token_effect_t e,
    ngx_token_err_e error)
{
    uint64_t             seq;
    ngx_token_commit_t   c;
    ngx_token_ledger_t   l;
    ngx_token_read_t    *r;
    ngx_token_verdict_t  v;

    seq = head(st);
    c = make_commit(n, &e, 1);
    v = apply(st, &c);

    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_REJECTED);
    assert_int_equal(v.error, error);
    assert_int_equal(v.seq, 0);
    assert_int_equal(v.repeated, 0);

    /* nothing but the ledger has changed */

    r = begin(st);
    assert_int_equal(ngx_token_read_head(r), seq);
    assert_int_equal(ngx_token_read_ledger(r, c.id, &l), NGX_TOKEN_OK);
    assert_int_equal(l.outcome, NGX_TOKEN_OUTCOME_REJECTED);
    assert_int_equal(l.error, error);
    ngx_token_read_end(r);

    /* and the repeat is answered from it */

    v = apply(st, &c);

    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_REJECTED);
    assert_int_equal(v.error, error);
    assert_int_equal(v.repeated, 1);
}


static void
test_set_keeps_the_text(void **state)
{
    uint64_t             seq;
    ngx_token_str_t      name;
    ngx_token_atom_t     a;
    ngx_token_read_t    *r;
    ngx_token_store_t   *st;
    ngx_token_effect_t   e;

    st = open_store(*state);

    e = make_effect(NGX_TOKEN_EFFECT_SET, "switch", "[1.50,1E3]");
    seq = apply_ok(st, 1, &e);
    assert_int_equal(seq, 1);

    r = begin(st);
    name = str("switch");
    assert_int_equal(ngx_token_read_atom(r, &name, &a), NGX_TOKEN_OK);
    assert_str(&a.name, "switch");
    assert_str(&a.value, "[1.50,1E3]");
    assert_int_equal(a.version, 1);
    ngx_token_read_end(r);

    e.value = str("");
    assert_rejected(st, 2, e, NGX_TOKEN_ERR_BAD_VALUE);

    ngx_token_store_close(st);
}


static void
test_toggle(void **state)
{
    ngx_token_store_t   *st;
    ngx_token_effect_t   e;

    st = open_store(*state);

    e = make_effect(NGX_TOKEN_EFFECT_TOGGLE, "switch", "");
    e.initial = str("false");

    apply_ok(st, 1, &e);
    assert_atom(st, "switch", "true");
    apply_ok(st, 2, &e);
    assert_atom(st, "switch", "false");

    e = make_effect(NGX_TOKEN_EFFECT_TOGGLE, "on", "");
    e.initial = str("true");

    apply_ok(st, 3, &e);
    assert_atom(st, "on", "false");

    e = make_effect(NGX_TOKEN_EFFECT_TOGGLE, "number", "");
    e.initial = str("0");
    assert_rejected(st, 4, e, NGX_TOKEN_ERR_NOT_BOOLEAN);

    e.initial = str("");
    assert_rejected(st, 5, e, NGX_TOKEN_ERR_NOT_BOOLEAN);

    ngx_token_store_close(st);
}


static void
test_add(void **state)
{
    ngx_token_store_t   *st;
    ngx_token_effect_t   e;

    st = open_store(*state);

    e = make_effect(NGX_TOKEN_EFFECT_ADD, "votes", "1");
    e.initial = str("41");
    apply_ok(st, 1, &e);
    assert_atom(st, "votes", "42");

    e.value = str("-44");
    apply_ok(st, 2, &e);
    assert_atom(st, "votes", "-2");

    e.value = str("0.5");
    apply_ok(st, 3, &e);
    assert_atom(st, "votes", "-1.5");

    e.value = str("\"1\"");
    assert_rejected(st, 4, e, NGX_TOKEN_ERR_NOT_NUMBER);
    e.value = str("");
    assert_rejected(st, 5, e, NGX_TOKEN_ERR_NOT_NUMBER);

    e = make_effect(NGX_TOKEN_EFFECT_ADD, "most", "1");
    e.initial = str("9007199254740991");
    assert_rejected(st, 6, e, NGX_TOKEN_ERR_NUMBER_RANGE);

    e.initial = str("null");
    assert_rejected(st, 7, e, NGX_TOKEN_ERR_NOT_NUMBER);

    ngx_token_store_close(st);
}


static void
test_merge(void **state)
{
    char                *deep;
    ngx_token_store_t   *st;
    ngx_token_effect_t   e;

    st = open_store(*state);

    e = make_effect(NGX_TOKEN_EFFECT_MERGE, "form",
                    "{\"a\":1,\"b\":{\"c\":2}}");
    apply_ok(st, 1, &e);
    assert_atom(st, "form", "{\"a\":1,\"b\":{\"c\":2}}");

    e.value = str("{\"a\":null,\"b\":{\"d\":[3]}}");
    apply_ok(st, 2, &e);
    assert_atom(st, "form", "{\"b\":{\"c\":2,\"d\":[3]}}");

    e = make_effect(NGX_TOKEN_EFFECT_MERGE, "other", "{\"b\":2}");
    e.initial = str("{\"a\":1}");
    apply_ok(st, 3, &e);
    assert_atom(st, "other", "{\"a\":1,\"b\":2}");

    e.value = str("{\"b\":");
    assert_rejected(st, 4, e, NGX_TOKEN_ERR_BAD_VALUE);

    deep = malloc(2 * 129 + 1);
    assert_non_null(deep);
    memset(deep, '[', 129);
    memset(deep + 129, ']', 129);
    deep[2 * 129] = '\0';

    e.value = str(deep);
    assert_rejected(st, 5, e, NGX_TOKEN_ERR_BAD_VALUE);

    free(deep);

    ngx_token_store_close(st);
}


static void
test_put_wants_the_present_version(void **state)
{
    ngx_token_commit_t    c;
    ngx_token_store_t    *st;
    ngx_token_effect_t    e;
    ngx_token_verdict_t   v;

    st = open_store(*state);

    e = make_effect(NGX_TOKEN_EFFECT_PUT, "doc", "\"one\"");
    assert_int_equal(apply_ok(st, 1, &e), 1);

    e.value = str("\"two\"");
    assert_rejected(st, 2, e, NGX_TOKEN_ERR_VERSION);

    e.version = 1;
    assert_int_equal(apply_ok(st, 3, &e), 2);
    assert_atom(st, "doc", "\"two\"");

    e.version = 1;
    c = make_commit(4, &e, 1);
    v = apply(st, &c);
    assert_int_equal(v.error, NGX_TOKEN_ERR_VERSION);
    assert_int_equal(v.version, 2);

    /* also when the ledger answers, and the atom has gone on */

    e.version = 2;
    apply_ok(st, 5, &e);

    v = apply(st, &c);
    assert_int_equal(v.error, NGX_TOKEN_ERR_VERSION);
    assert_int_equal(v.version, 2);
    assert_int_equal(v.repeated, 1);

    ngx_token_store_close(st);
}


static void
test_delete(void **state)
{
    ngx_token_store_t   *st;
    ngx_token_effect_t   e;

    st = open_store(*state);

    /* an absent atom: that is fine, and no change */

    e = make_effect(NGX_TOKEN_EFFECT_DELETE, "doc", "");
    assert_int_equal(apply_ok(st, 1, &e), 0);
    assert_int_equal(head(st), 0);

    e = make_effect(NGX_TOKEN_EFFECT_SET, "doc", "1");
    assert_int_equal(apply_ok(st, 2, &e), 1);

    e = make_effect(NGX_TOKEN_EFFECT_DELETE, "doc", "");
    assert_int_equal(apply_ok(st, 3, &e), 2);
    assert_atom(st, "doc", NULL);

    e = make_effect(NGX_TOKEN_EFFECT_PUT, "doc", "2");
    assert_int_equal(apply_ok(st, 4, &e), 3);

    ngx_token_store_close(st);
}


static void
test_append_stamps_user_time_and_token(void **state)
{
    ngx_token_str_t       name;
    ngx_token_read_t     *r;
    ngx_token_store_t    *st;
    ngx_token_effect_t    e;
    ngx_token_commit_t    c;
    ngx_token_record_t    rec;
    ngx_token_verdict_t   v;

    st = open_store(*state);

    e = make_effect(NGX_TOKEN_EFFECT_APPEND, "chat", "{\"user\":\"eve\"}");
    c = make_commit(7, &e, 1);
    v = apply(st, &c);
    assert_int_equal(v.seq, 1);

    r = begin(st);
    name = str("chat");
    assert_int_equal(ngx_token_read_record(r, &name, 0, &rec), NGX_TOKEN_OK);
    assert_int_equal(rec.seq, 1);
    assert_int_equal(rec.time, TIME + 7);
    assert_str(&rec.user, "alice");
    assert_str(&rec.value, "{\"user\":\"eve\"}");
    assert_memory_equal(rec.token, c.id, NGX_TOKEN_ID_LEN);
    ngx_token_read_end(r);

    e.value = str("");
    assert_rejected(st, 8, e, NGX_TOKEN_ERR_BAD_VALUE);

    ngx_token_store_close(st);
}


static void
test_channel_and_size_are_bounded(void **state)
{
    char                *name, *value;
    ngx_token_store_t   *st;
    ngx_token_effect_t   e;

    st = open_store(*state);

    name = malloc(257);
    value = malloc(1024 * 1024 + 2);
    assert_non_null(name);
    assert_non_null(value);

    memset(name, 'n', 256);
    name[255] = '\0';

    e = make_effect(NGX_TOKEN_EFFECT_SET, name, "1");
    apply_ok(st, 1, &e);
    assert_atom(st, name, "1");

    e.type = NGX_TOKEN_EFFECT_APPEND;
    apply_ok(st, 2, &e);

    name[255] = 'n';
    name[256] = '\0';
    e = make_effect(NGX_TOKEN_EFFECT_SET, name, "1");
    assert_rejected(st, 3, e, NGX_TOKEN_ERR_UNKNOWN_CHANNEL);

    e.type = NGX_TOKEN_EFFECT_APPEND;
    assert_rejected(st, 4, e, NGX_TOKEN_ERR_UNKNOWN_CHANNEL);

    e = make_effect(NGX_TOKEN_EFFECT_SET, "", "1");
    assert_rejected(st, 5, e, NGX_TOKEN_ERR_UNKNOWN_CHANNEL);

    memset(value, '1', 1024 * 1024);
    value[1024 * 1024] = '\0';

    e = make_effect(NGX_TOKEN_EFFECT_SET, "large", value);
    apply_ok(st, 6, &e);

    value[1024 * 1024] = '1';
    value[1024 * 1024 + 1] = '\0';

    e = make_effect(NGX_TOKEN_EFFECT_SET, "large", value);
    assert_rejected(st, 7, e, NGX_TOKEN_ERR_TOO_LARGE);

    e.type = NGX_TOKEN_EFFECT_APPEND;
    assert_rejected(st, 8, e, NGX_TOKEN_ERR_TOO_LARGE);

    free(name);
    free(value);

    ngx_token_store_close(st);
}


static void
test_effects_see_those_before_them(void **state)
{
    ngx_token_feed_t      f;
    ngx_token_read_t     *r;
    ngx_token_store_t    *st;
    ngx_token_effect_t    e[7];
    ngx_token_commit_t    c;
    ngx_token_verdict_t   v;

    st = open_store(*state);

    e[0] = make_effect(NGX_TOKEN_EFFECT_ADD, "n", "1");
    e[0].initial = str("0");
    e[1] = e[0];
    e[2] = make_effect(NGX_TOKEN_EFFECT_PUT, "n", "10");
    e[2].version = 2;
    e[3] = make_effect(NGX_TOKEN_EFFECT_DELETE, "n", "");
    e[4] = make_effect(NGX_TOKEN_EFFECT_DELETE, "n", "");
    e[5] = make_effect(NGX_TOKEN_EFFECT_PUT, "n", "5");
    e[6] = make_effect(NGX_TOKEN_EFFECT_APPEND, "n", "6");

    c = make_commit(1, e, 7);
    v = apply(st, &c);

    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(v.seq, 6);
    assert_atom(st, "n", "5");

    r = begin(st);
    assert_int_equal(ngx_token_read_feed(r, 3, &f), NGX_TOKEN_OK);
    assert_int_equal(f.type, NGX_TOKEN_EFFECT_DELETE);
    assert_int_equal(ngx_token_read_feed(r, 4, &f), NGX_TOKEN_OK);
    assert_int_equal(f.type, NGX_TOKEN_EFFECT_PUT);
    assert_int_equal(ngx_token_read_feed(r, 5, &f), NGX_TOKEN_OK);
    assert_int_equal(f.type, NGX_TOKEN_EFFECT_APPEND);
    assert_int_equal(ngx_token_read_feed(r, 6, &f), NGX_TOKEN_DONE);
    ngx_token_read_end(r);

    ngx_token_store_close(st);
}


static void
test_effects_are_all_or_none(void **state)
{
    ngx_token_log_t       l;
    ngx_token_str_t       name;
    ngx_token_read_t     *r;
    ngx_token_store_t    *st;
    ngx_token_effect_t    e[4];
    ngx_token_commit_t    c;
    ngx_token_verdict_t   v;

    st = open_store(*state);

    e[0] = make_effect(NGX_TOKEN_EFFECT_SET, "a", "1");
    e[1] = make_effect(NGX_TOKEN_EFFECT_APPEND, "log", "1");
    e[2] = make_effect(NGX_TOKEN_EFFECT_MERGE, "b", "{\"a\":1}");
    e[3] = make_effect(NGX_TOKEN_EFFECT_ADD, "b", "1");

    c = make_commit(1, e, 4);
    v = apply(st, &c);

    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_REJECTED);
    assert_int_equal(v.error, NGX_TOKEN_ERR_NOT_NUMBER);
    assert_int_equal(v.seq, 0);

    assert_atom(st, "a", NULL);
    assert_atom(st, "b", NULL);
    assert_int_equal(head(st), 0);

    r = begin(st);
    name = str("log");
    ngx_token_read_log(r, &name, &l);
    assert_int_equal(l.count, 0);
    ngx_token_read_end(r);

    c = make_commit(2, e, 3);
    v = apply(st, &c);
    assert_int_equal(v.seq, 3);

    ngx_token_store_close(st);
}


static void
test_a_record_without_effects_is_remembered(void **state)
{
    ngx_token_store_t    *st;
    ngx_token_commit_t    c;
    ngx_token_verdict_t   v;

    st = open_store(*state);

    c = make_commit(1, NULL, 0);
    c.result = str("{\"found\":3}");

    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(v.seq, 0);
    assert_int_equal(v.repeated, 0);
    assert_int_equal(v.result.len, 0);

    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(v.seq, 0);
    assert_int_equal(v.repeated, 1);
    assert_str(&v.result, "{\"found\":3}");
    release(&v.result);

    c = make_commit(2, NULL, 0);
    c.outcome = NGX_TOKEN_OUTCOME_INTERRUPTED;
    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_INTERRUPTED);

    c = make_commit(3, NULL, 0);
    c.outcome = NGX_TOKEN_OUTCOME_SUPERSEDED;
    (void) apply(st, &c);
    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_SUPERSEDED);
    assert_int_equal(v.repeated, 1);

    c = make_commit(4, NULL, 0);
    c.outcome = NGX_TOKEN_OUTCOME_REJECTED;
    c.error = NGX_TOKEN_ERR_TOO_LARGE;
    (void) apply(st, &c);
    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_REJECTED);
    assert_int_equal(v.error, NGX_TOKEN_ERR_TOO_LARGE);

    assert_int_equal(head(st), 0);

    ngx_token_store_close(st);
}


static void
test_what_is_no_record_fails(void **state)
{
    char                 *user;
    ngx_token_store_t    *st;
    ngx_token_commit_t    c;
    ngx_token_ledger_t    l;
    ngx_token_read_t     *r;
    ngx_token_verdict_t   v;

    st = open_store(*state);

    c = make_commit(1, NULL, 0);
    c.outcome = NGX_TOKEN_OUTCOME_BUSY;
    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_FAILED);

    user = calloc(1, 257);
    assert_non_null(user);
    memset(user, 'u', 256);

    c = make_commit(1, NULL, 0);
    c.user = str(user);
    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_FAILED);

    c.outcome = NGX_TOKEN_OUTCOME_FAILED;
    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_FAILED);
    c.outcome = NGX_TOKEN_OUTCOME_OK;

    r = begin(st);
    assert_int_equal(ngx_token_read_ledger(r, c.id, &l), NGX_TOKEN_DECLINED);
    ngx_token_read_end(r);

    c.user.len = 255;
    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_OK);

    free(user);

    ngx_token_store_close(st);
}


/* work outside the store: marked, and then ended by another record */

static void
test_a_mark_is_not_the_last_word(void **state)
{
    ngx_token_store_t    *st;
    ngx_token_effect_t    e;
    ngx_token_commit_t    c, started;
    ngx_token_ledger_t    l;
    ngx_token_read_t     *r;
    ngx_token_verdict_t   v;

    st = open_store(*state);
    e = make_effect(NGX_TOKEN_EFFECT_SET, "a", "1");

    started = make_commit(1, NULL, 0);
    started.outcome = NGX_TOKEN_OUTCOME_RUNNING;

    v = apply(st, &started);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_RUNNING);
    assert_int_equal(v.repeated, 0);

    v = apply(st, &started);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_RUNNING);
    assert_int_equal(v.repeated, 1);

    /* it fails, and begins again */

    c = started;
    c.outcome = NGX_TOKEN_OUTCOME_FAILED;
    c.error = NGX_TOKEN_ERR_TIMEOUT;
    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_FAILED);
    assert_int_equal(v.error, NGX_TOKEN_ERR_TIMEOUT);

    r = begin(st);
    assert_int_equal(ngx_token_read_ledger(r, c.id, &l), NGX_TOKEN_OK);
    assert_int_equal(l.outcome, NGX_TOKEN_OUTCOME_FAILED);
    ngx_token_read_end(r);

    v = apply(st, &started);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_RUNNING);
    assert_int_equal(v.repeated, 0);

    /* nobody else may end it */

    c = make_commit(1, &e, 1);
    c.user = str("bob");
    assert_int_equal(apply(st, &c).error, NGX_TOKEN_ERR_ID_REUSED);

    c.user = str("alice");
    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(v.repeated, 0);
    assert_atom(st, "a", "1");

    /* and that is the last word */

    v = apply(st, &started);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(v.repeated, 1);

    ngx_token_store_close(st);
}


static void
test_a_repeat_runs_nothing(void **state)
{
    ngx_token_store_t    *st;
    ngx_token_effect_t    e;
    ngx_token_commit_t    c[3];
    ngx_token_verdict_t   v[3];

    st = open_store(*state);

    e = make_effect(NGX_TOKEN_EFFECT_ADD, "n", "1");
    e.initial = str("0");

    /* in one group */

    c[0] = c[1] = c[2] = make_commit(1, &e, 1);

    assert_int_equal(ngx_token_store_apply(st, c, 3, v), NGX_TOKEN_OK);
    assert_int_equal(v[0].repeated, 0);
    assert_int_equal(v[1].repeated, 1);
    assert_int_equal(v[2].repeated, 1);
    assert_int_equal(v[2].seq, 1);
    assert_atom(st, "n", "1");

    /* later; and nothing is written then */

    assert_int_equal(apply(st, &c[0]).repeated, 1);
    assert_atom(st, "n", "1");
    assert_int_equal(ngx_token_store_txnid(st), 2);

    /* opened again */

    ngx_token_store_close(st);
    st = open_store(*state);

    assert_int_equal(apply(st, &c[0]).repeated, 1);
    assert_atom(st, "n", "1");

    ngx_token_store_close(st);
}


static void
test_an_id_belongs_to_its_request_and_user(void **state)
{
    ngx_token_store_t    *st;
    ngx_token_effect_t    e;
    ngx_token_commit_t    c;
    ngx_token_verdict_t   v;

    st = open_store(*state);

    e = make_effect(NGX_TOKEN_EFFECT_SET, "a", "1");
    c = make_commit(1, &e, 1);
    (void) apply(st, &c);

    c.hash[15] = 0;
    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_REJECTED);
    assert_int_equal(v.error, NGX_TOKEN_ERR_ID_REUSED);
    assert_int_equal(v.repeated, 0);

    c = make_commit(1, &e, 1);
    c.user = str("bob");
    assert_int_equal(apply(st, &c).error, NGX_TOKEN_ERR_ID_REUSED);
    c.user = str("");
    assert_int_equal(apply(st, &c).error, NGX_TOKEN_ERR_ID_REUSED);

    /* what was asked for anonymously, anybody may ask for */

    c = make_commit(2, &e, 1);
    c.user = str("");
    (void) apply(st, &c);

    c.user = str("bob");
    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(v.repeated, 1);

    c.hash[0] = 0;
    assert_int_equal(apply(st, &c).error, NGX_TOKEN_ERR_ID_REUSED);

    ngx_token_store_close(st);
}


static void
test_an_old_id_is_refused(void **state)
{
    ngx_token_store_t    *st;
    ngx_token_effect_t    e;
    ngx_token_commit_t    c;
    ngx_token_ledger_t    l;
    ngx_token_read_t     *r;
    ngx_token_verdict_t   v;

    st = open_store(*state);

    e = make_effect(NGX_TOKEN_EFFECT_SET, "a", "1");
    c = make_commit(10, &e, 1);
    c.horizon = TIME + 11;
    v = apply(st, &c);

    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_REJECTED);
    assert_int_equal(v.error, NGX_TOKEN_ERR_ID_EXPIRED);
    assert_atom(st, "a", NULL);

    r = begin(st);
    assert_int_equal(ngx_token_read_ledger(r, c.id, &l), NGX_TOKEN_DECLINED);
    ngx_token_read_end(r);

    c.horizon = TIME + 10;
    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_OK);

    ngx_token_store_close(st);
}


/*
 * The ledger was trimmed at a later horizon than the one that a record brings
 * (a clock was set back, or the retention made longer): its entry is gone, so
 * it must not run.
 */

static void
test_an_id_that_was_trimmed_never_runs_again(void **state)
{
    ngx_token_store_t    *st;
    ngx_token_effect_t    e;
    ngx_token_commit_t    c;
    ngx_token_ledger_t    l;
    ngx_token_read_t     *r;
    ngx_token_verdict_t   v;

    st = open_store(*state);

    e = make_effect(NGX_TOKEN_EFFECT_ADD, "n", "1");
    e.initial = str("0");

    apply_ok(st, 1, &e);

    c = make_commit(100, &e, 1);
    c.horizon = TIME + 50;
    (void) apply(st, &c);

    c = make_commit(1, &e, 1);

    r = begin(st);
    assert_int_equal(ngx_token_read_ledger(r, c.id, &l), NGX_TOKEN_DECLINED);
    ngx_token_read_end(r);

    ngx_token_store_close(st);
    st = open_store(*state);

    v = apply(st, &c);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_REJECTED);
    assert_int_equal(v.error, NGX_TOKEN_ERR_ID_EXPIRED);
    assert_atom(st, "n", "2");

    /* what came after it is not touched by that */

    apply_ok(st, 2, &e);

    ngx_token_store_close(st);
}


static void
test_a_group_has_a_verdict_for_each(void **state)
{
    size_t                i;
    ngx_token_store_t    *st;
    ngx_token_effect_t    add, toggle, append[2];
    ngx_token_commit_t   *c;
    ngx_token_verdict_t  *v;

    st = open_store(*state);

    c = calloc(1000, sizeof(ngx_token_commit_t));
    v = calloc(1000, sizeof(ngx_token_verdict_t));
    assert_non_null(c);
    assert_non_null(v);

    add = make_effect(NGX_TOKEN_EFFECT_ADD, "n", "1");
    add.initial = str("0");
    toggle = make_effect(NGX_TOKEN_EFFECT_TOGGLE, "n", "");
    append[0] = make_effect(NGX_TOKEN_EFFECT_APPEND, "log", "1");
    append[1] = make_effect(NGX_TOKEN_EFFECT_APPEND, "log", "2");

    for (i = 0; i < 1000; i++) {

        switch (i % 4) {

        case 0:
            c[i] = make_commit(i, &add, 1);
            break;

        case 1:
            c[i] = make_commit(i, &toggle, 1);
            break;

        case 2:
            c[i] = make_commit(i, append, 2);
            break;

        default:
            c[i] = c[i - 3];
            break;
        }
    }

    assert_int_equal(ngx_token_store_apply(st, c, 1000, v), NGX_TOKEN_OK);

    for (i = 0; i < 1000; i += 4) {
        assert_int_equal(v[i].outcome, NGX_TOKEN_OUTCOME_OK);
        assert_int_equal(v[i].seq, 3 * (i / 4) + 1);
        assert_int_equal(v[i + 1].outcome, NGX_TOKEN_OUTCOME_REJECTED);
        assert_int_equal(v[i + 1].error, NGX_TOKEN_ERR_NOT_BOOLEAN);
        assert_int_equal(v[i + 2].seq, v[i].seq + 2);
        assert_int_equal(v[i + 3].seq, v[i].seq);
        assert_int_equal(v[i + 3].repeated, 1);
    }

    assert_int_equal(head(st), 750);
    assert_atom(st, "n", "250");

    free(c);
    free(v);

    ngx_token_store_close(st);
}


/* more logs in one transaction than its table has room for */

static void
test_many_logs_in_a_group(void **state)
{
    char                  names[200][16];
    size_t                i, k;
    ngx_token_log_t       l;
    ngx_token_str_t       name;
    ngx_token_read_t     *r;
    ngx_token_store_t    *st;
    ngx_token_effect_t    e[200];
    ngx_token_commit_t    c[200];
    ngx_token_verdict_t   v[200];

    st = open_store(*state);

    for (k = 0; k < 3; k++) {

        for (i = 0; i < 200; i++) {
            (void) snprintf(names[i], sizeof(names[i]), "log/%zu", i);
            e[i] = make_effect(NGX_TOKEN_EFFECT_APPEND, names[i], "1");
            e[i].keep = 2;
            c[i] = make_commit(k * 200 + i, &e[i], 1);
        }

        assert_int_equal(ngx_token_store_apply(st, c, 200, v), NGX_TOKEN_OK);
    }

    r = begin(st);

    for (i = 0; i < 200; i++) {
        name = str(names[i]);
        ngx_token_read_log(r, &name, &l);
        assert_int_equal(l.count, 2);
        assert_int_equal(l.trimmed, i + 1);
        assert_int_equal(l.first, 200 + i + 1);
        assert_int_equal(l.last, 400 + i + 1);
    }

    ngx_token_read_end(r);

    /* 64 of them in one record */

    c[0] = make_commit(1000, e + 100, 64);
    (void) apply(st, &c[0]);

    /* and one too many */

    c[0] = make_commit(1001, e + 100, 65);
    v[0] = apply(st, &c[0]);
    assert_int_equal(v[0].outcome, NGX_TOKEN_OUTCOME_FAILED);

    ngx_token_store_close(st);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_set_keeps_the_text,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_toggle, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_add, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_merge, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_put_wants_the_present_version,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_delete, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_append_stamps_user_time_and_token,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_channel_and_size_are_bounded,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_effects_see_those_before_them,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_effects_are_all_or_none,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_record_without_effects_is_remembered, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_what_is_no_record_fails,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_mark_is_not_the_last_word,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_repeat_runs_nothing,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_an_id_belongs_to_its_request_and_user, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_an_old_id_is_refused,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_an_id_that_was_trimmed_never_runs_again,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_group_has_a_verdict_for_each,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_many_logs_in_a_group,
                                        make_dir, remove_dir)
    };

    return cmocka_run_group_tests_name("store_apply", tests, NULL, NULL);
}
