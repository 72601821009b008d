
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/store_test.h"

#include <lmdb.h>

#include "store/ngx_token_find.h"
#include "store/ngx_token_live.h"
#include "store/ngx_token_queue.h"


/*
 * What the store calls fails, each call in turn: of LMDB, of malloc(), of the
 * system.  Whatever it is, an operation goes well or says that it does not,
 * loses nothing, and goes well the next time.  (store_fault_test.c has the
 * disk below LMDB fail.)  The linker puts __wrap_NAME in the place of NAME:
 * tools/unit.mk.
 */


#define CALLS  2000                       /* more than an operation makes */
#define GROUP  3


static unsigned  calls;                   /* so far */
static unsigned  fail_at;                 /* the one that fails; 0: none */
static int       fail_with;               /* of LMDB */


/* Returns: 1: this call is to fail */

static int
fails(void)
{
    if (fail_at == 0 || ++calls != fail_at) {
        return 0;
    }

    errno = EIO;

    return 1;
}


#define wrap(type, name, bad, params, args)                                   \
    type __real_##name params;                                                \
    type __wrap_##name params;                                                \
                                                                              \
    type                                                                      \
    __wrap_##name params                                                      \
    {                                                                         \
        return fails() ? bad : __real_##name args;                            \
    }


wrap(void *, malloc, NULL, (size_t size), (size))
wrap(void *, calloc, NULL, (size_t n, size_t size), (n, size))
wrap(void *, realloc, NULL, (void *p, size_t size), (p, size))
wrap(char *, strdup, NULL, (const char *s), (s))

wrap(int, stat, -1, (const char *path, struct stat *sb), (path, sb))
wrap(int, fstat, -1, (int fd, struct stat *sb), (fd, sb))
wrap(int, rename, -1, (const char *from, const char *to), (from, to))
wrap(int, ftruncate, -1, (int fd, off_t size), (fd, size))
wrap(ssize_t, getrandom, -1, (void *buf, size_t n, unsigned flags),
     (buf, n, flags))
wrap(ssize_t, pread, -1, (int fd, void *buf, size_t n, off_t offset),
     (fd, buf, n, offset))

wrap(int, mdb_env_create, fail_with, (MDB_env **env), (env))
wrap(int, mdb_env_open, fail_with,
     (MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode),
     (env, path, flags, mode))
wrap(int, mdb_env_set_mapsize, fail_with, (MDB_env *env, size_t size),
     (env, size))
wrap(int, mdb_env_set_maxdbs, fail_with, (MDB_env *env, MDB_dbi n), (env, n))
wrap(int, mdb_env_set_maxreaders, fail_with, (MDB_env *env, unsigned n),
     (env, n))
wrap(int, mdb_env_get_fd, fail_with, (MDB_env *env, mdb_filehandle_t *fd),
     (env, fd))
wrap(int, mdb_env_info, fail_with, (MDB_env *env, MDB_envinfo *info),
     (env, info))
wrap(int, mdb_reader_check, fail_with, (MDB_env *env, int *dead), (env, dead))
wrap(int, mdb_txn_begin, fail_with,
     (MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
     (env, parent, flags, txn))
wrap(int, mdb_txn_renew, fail_with, (MDB_txn *txn), (txn))
wrap(int, mdb_dbi_open, fail_with,
     (MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi),
     (txn, name, flags, dbi))
wrap(int, mdb_stat, fail_with, (MDB_txn *txn, MDB_dbi dbi, MDB_stat *stat),
     (txn, dbi, stat))
wrap(int, mdb_drop, fail_with, (MDB_txn *txn, MDB_dbi dbi, int del),
     (txn, dbi, del))
wrap(int, mdb_get, fail_with,
     (MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data),
     (txn, dbi, key, data))
wrap(int, mdb_put, fail_with,
     (MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags),
     (txn, dbi, key, data, flags))
wrap(int, mdb_del, fail_with,
     (MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data),
     (txn, dbi, key, data))
wrap(int, mdb_cursor_open, fail_with,
     (MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor), (txn, dbi, cursor))
wrap(int, mdb_cursor_renew, fail_with, (MDB_txn *txn, MDB_cursor *cursor),
     (txn, cursor))
wrap(int, mdb_cursor_get, fail_with,
     (MDB_cursor *cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op),
     (cursor, key, data, op))
wrap(int, mdb_cursor_put, fail_with,
     (MDB_cursor *cursor, MDB_val *key, MDB_val *data, unsigned flags),
     (cursor, key, data, flags))
wrap(int, mdb_cursor_del, fail_with, (MDB_cursor *cursor, unsigned flags),
     (cursor, flags))


int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);


/* a transaction is gone, also when its commit has failed */

int
__wrap_mdb_txn_commit(MDB_txn *txn)
{
    if (fails()) {
        mdb_txn_abort(txn);
        return fail_with;
    }

    return __real_mdb_txn_commit(txn);
}


static const char         *dir;
static ngx_token_store_t  *st;
static ngx_token_live_t   *live;
static ngx_token_queue_t  *queue;
static uint64_t            next;          /* record */


/*
 * Lets each call of an operation fail in turn, until it makes fewer calls.
 *
 *     op    returns 1, or 0: it has said that it has failed
 *     then  called after each, with nothing failing; NULL: op again, which
 *           must go well
 */

static void
each(unsigned (*op)(void), void (*then)(void))
{
    static const int  codes[] = { EIO, MDB_MAP_FULL, MDB_MAP_RESIZED };

    size_t    i;
    unsigned  at, good, failed;

    for (failed = 0, i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        fail_with = codes[i];

        for (at = 1; at < CALLS; at++) {
            calls = 0;
            fail_at = at;
            good = op();
            failed += !good;
            fail_at = 0;

            if (then != NULL) {
                then();

            } else {
                assert_int_equal(op(), 1);
            }

            if (calls < at) {
                assert_int_equal(good, 1);
                break;
            }
        }

        assert_true(at < CALLS);
    }

    assert_int_not_equal(failed, 0);
}


static void
empty_dir(void)
{
    DIR            *d;
    char            path[4096];
    struct dirent  *e;

    d = opendir(dir);
    assert_non_null(d);

    while ((e = readdir(d)) != NULL) {

        if (e->d_name[0] != '.') {
            (void) snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
            assert_int_equal(remove(path), 0);
        }
    }

    (void) closedir(d);
}


static unsigned
said(ngx_token_rc_t rc, const char *err)
{
    if (rc == NGX_TOKEN_OK) {
        return 1;
    }

    /* LMDB's own codes may say that the file is not what it should be */

    assert_true(rc == NGX_TOKEN_FULL || rc == NGX_TOKEN_NOMEM
                || rc == NGX_TOKEN_ERROR || rc == NGX_TOKEN_BUSY
                || (rc == NGX_TOKEN_FORMAT && fail_with < 0));
    assert_string_not_equal(err, "");

    return 0;
}


/* opening: files that are there, and new ones */

static unsigned
op_open(void)
{
    char                     err[512];
    unsigned                 good;
    ngx_token_store_conf_t   conf;

    memset(&conf, 0, sizeof(ngx_token_store_conf_t));
    conf.size = (size_t) 16 << 20;
    conf.feed = 8;

    st = NULL;
    err[0] = '\0';
    good = said(ngx_token_store_open(dir, &conf, &st, err, sizeof(err)), err);

    if (good) {
        assert_int_equal(strlen(ngx_token_store_epoch(st)),
                         NGX_TOKEN_EPOCH_LEN);
        ngx_token_store_close(st);
        st = NULL;
    }

    return good;
}


static unsigned
op_open_live(void)
{
    char      err[512];
    unsigned  good;

    err[0] = '\0';
    good = said(ngx_token_live_open(dir, 0, &live, err, sizeof(err)), err);

    if (good) {
        ngx_token_live_close(live, TIME);
    }

    return good;
}


static unsigned
op_open_queue(void)
{
    char                     err[512];
    unsigned                 good;
    ngx_token_store_conf_t   conf;

    memset(&conf, 0, sizeof(ngx_token_store_conf_t));
    conf.size = (size_t) 16 << 20;

    st = NULL;
    err[0] = '\0';

    if (!said(ngx_token_store_open(dir, &conf, &st, err, sizeof(err)), err)) {
        return 0;
    }

    good = said(ngx_token_queue_open(dir, st, &queue, err, sizeof(err)), err);

    if (good) {
        ngx_token_queue_close(queue);
    }

    ngx_token_store_close(st);
    st = NULL;

    return good;
}


static unsigned
op_probe(void)
{
    char  err[512];

    err[0] = '\0';

    return said(ngx_token_store_probe(dir, err, sizeof(err)), err);
}


static void
open_again_and_begin_anew(void)
{
    assert_int_equal(op_open(), 1);
    assert_int_equal(op_open_live(), 1);
    assert_int_equal(op_open_queue(), 1);
    empty_dir();
}


static void
test_files_that_are_new(void **state)
{
    dir = *state;

    each(op_open, open_again_and_begin_anew);
    each(op_open_live, open_again_and_begin_anew);
    each(op_open_queue, open_again_and_begin_anew);
}


static void
test_files_that_are_there(void **state)
{
    dir = *state;

    assert_int_equal(op_open(), 1);
    assert_int_equal(op_open_live(), 1);
    assert_int_equal(op_open_queue(), 1);

    each(op_open, NULL);
    each(op_probe, NULL);
    each(op_open_live, NULL);
    each(op_open_queue, NULL);
}


/* commits */

static void
open_both(const char *path)
{
    char                     err[512];
    ngx_token_store_conf_t   conf;

    dir = path;
    next = 0;

    memset(&conf, 0, sizeof(ngx_token_store_conf_t));
    conf.size = (size_t) 16 << 20;
    conf.feed = 8;
    st = open_store_conf(dir, &conf);

    if (ngx_token_live_open(dir, 0, &live, err, sizeof(err)) != NGX_TOKEN_OK) {
        fail_msg("open: %s", err);
    }
}


static void
close_both(void)
{
    ngx_token_live_close(live, 0);
    ngx_token_store_close(st);
}


/* every effect, and what it brings about */

static unsigned
make_effects(ngx_token_effect_t *e, uint64_t n)
{
    unsigned  i;

    i = 0;

    e[i] = make_effect(NGX_TOKEN_EFFECT_ADD, "count", "1");
    e[i++].initial = str("0");
    e[i] = make_effect(NGX_TOKEN_EFFECT_TOGGLE, "switch", "");
    e[i++].initial = str("false");
    e[i] = make_effect(NGX_TOKEN_EFFECT_MERGE, "profile", "{\"a\":1}");
    e[i++].initial = str("{}");
    e[i++] = make_effect(NGX_TOKEN_EFFECT_SET, "family/x", "\"x\"");
    e[i++] = make_effect(NGX_TOKEN_EFFECT_DELETE, "family/x", "");
    e[i++] = make_effect(NGX_TOKEN_EFFECT_SET, "family/y", "\"y\"");
    e[i++] = make_effect(NGX_TOKEN_EFFECT_PUT, "family/x", "\"put\"");
    e[i] = make_effect(NGX_TOKEN_EFFECT_APPEND, "kept", "\"a needle\"");
    e[i++].keep = 3;
    e[i] = make_effect(NGX_TOKEN_EFFECT_APPEND, "aged", "[1]");
    e[i++].since = TIME + n;

    return i;
}


/*
 * The counter tells how many records were committed: as many as the ledger
 * has.
 */

static void
check_count(void)
{
    uint64_t             i, found, number;
    ngx_token_str_t      name;
    ngx_token_atom_t     a;
    ngx_token_read_t    *r;
    ngx_token_commit_t   c;
    ngx_token_ledger_t   l;

    r = begin(st);

    for (i = 0, found = 0; i < next; i++) {
        c = make_commit(i, NULL, 0);
        found += ngx_token_read_ledger(r, c.id, &l) == NGX_TOKEN_OK
                 && l.outcome == NGX_TOKEN_OUTCOME_OK;
    }

    name = str("count");
    number = 0;

    if (ngx_token_read_atom(r, &name, &a) == NGX_TOKEN_OK) {
        assert_int_equal(ngx_token_json_uint(&a.value, &number),
                         NGX_TOKEN_OK);
    }

    assert_int_equal(number, found);

    ngx_token_read_end(r);
}


static unsigned
apply_group(uint64_t from, unsigned old)
{
    unsigned              i, done;
    ngx_token_rc_t        rc;
    ngx_token_effect_t    e[GROUP][16];
    ngx_token_commit_t    c[GROUP];
    ngx_token_verdict_t   v[GROUP];

    for (i = 0; i < GROUP; i++) {
        c[i] = make_commit(from + i, e[i], make_effects(e[i], from + i));
        c[i].result = str("{\"r\":1}");
        c[i].horizon = old ? TIME + from - 2 : 0;
    }

    rc = ngx_token_store_apply(st, c, GROUP, v);

    for (i = 0, done = 0; i < GROUP; i++) {

        if (rc != NGX_TOKEN_OK) {
            assert_int_equal(v[i].outcome, NGX_TOKEN_OUTCOME_FAILED);
        }

        assert_true(v[i].outcome == NGX_TOKEN_OUTCOME_OK
                    || v[i].outcome == NGX_TOKEN_OUTCOME_FAILED);

        done += v[i].outcome == NGX_TOKEN_OUTCOME_OK;
        free((void *) (uintptr_t) v[i].result.data);
    }

    return done == GROUP;
}


static unsigned
op_apply(void)
{
    next += GROUP;

    return apply_group(next - GROUP, 0);
}


/* the same records: those that were committed are not committed again */

static unsigned
op_repeat(void)
{
    return apply_group(next - GROUP, 0);
}


static void
repeat_and_check(void)
{
    check_count();
    assert_int_equal(op_repeat(), 1);
    check_count();
}


/* entries of the ledger are dropped */

static unsigned
op_apply_trim(void)
{
    next += GROUP;

    return apply_group(next - GROUP, 1);
}


static void
apply_trim(void)
{
    assert_int_equal(apply_group(next - GROUP, 1), 1);
}


static void
test_commits(void **state)
{
    open_both(*state);

    each(op_apply, repeat_and_check);
    each(op_repeat, repeat_and_check);
    each(op_apply_trim, apply_trim);

    close_both();
}


/* reading: what is not said to fail is right, or not there */

static unsigned
op_read(void)
{
    unsigned              good;
    ngx_token_rc_t        rc;
    ngx_token_str_t       name, prefix;
    ngx_token_log_t       log;
    ngx_token_atom_t      a;
    ngx_token_feed_t      f;
    ngx_token_read_t     *r;
    ngx_token_commit_t    c;
    ngx_token_ledger_t    l;
    ngx_token_record_t    rec;

    rc = ngx_token_read_begin(st, &r);

    if (rc != NGX_TOKEN_OK) {
        return said(rc, ngx_token_store_error());
    }

    good = ngx_token_read_head(r) != 0;

    name = str("family/y");
    rc = ngx_token_read_atom(r, &name, &a);
    good &= rc == NGX_TOKEN_OK;

    if (rc == NGX_TOKEN_OK) {
        assert_str(&a.value, "\"y\"");
    }

    prefix = str("family/");
    name = str("");
    rc = ngx_token_read_family(r, &prefix, &name, &a);
    good &= rc == NGX_TOKEN_OK;

    if (rc == NGX_TOKEN_OK) {
        assert_str(&a.name, "family/x");
        rc = ngx_token_read_family(r, &prefix, &a.name, &a);
        good &= rc == NGX_TOKEN_OK;
    }

    name = str("kept");
    ngx_token_read_log(r, &name, &log);
    good &= log.count == 3;

    rc = ngx_token_read_record(r, &name, ngx_token_read_tail(r, &name, 2),
                               &rec);
    good &= rc == NGX_TOKEN_OK;

    if (rc == NGX_TOKEN_OK) {
        assert_str(&rec.value, "\"a needle\"");
        rc = ngx_token_read_record(r, &name, rec.seq, &rec);
        good &= rc == NGX_TOKEN_OK;
    }

    rc = ngx_token_read_feed(r, ngx_token_read_head(r) - 1, &f);
    good &= rc == NGX_TOKEN_OK;

    c = make_commit(next - 1, NULL, 0);
    rc = ngx_token_read_ledger(r, c.id, &l);
    good &= rc == NGX_TOKEN_OK;

    ngx_token_read_end(r);

    return good;
}


static unsigned
op_find(void)
{
    unsigned         good;
    ngx_token_rc_t   rc;
    ngx_token_buf_t  b;
    ngx_token_str_t  log, text;

    static const unsigned  stop;

    memset(&b, 0, sizeof(ngx_token_buf_t));
    log = str("kept");
    text = str("NEEDLE");

    rc = ngx_token_store_find(st, &log, &text, 10, &stop, &b);
    good = rc == NGX_TOKEN_OK && !b.failed && b.len > 100;
    ngx_token_buf_free(&b);

    return good;
}


static void
test_reading(void **state)
{
    open_both(*state);
    assert_int_equal(op_apply(), 1);

    each(op_read, NULL);
    each(op_find, NULL);

    close_both();
}


/* rows of processes, and claims */

static const unsigned char  claim_id[NGX_TOKEN_ID_LEN] = { 1, 2, 3 };


static unsigned
op_write(void)
{
    ngx_token_live_row_t  rows[2];

    memset(rows, 0, sizeof(rows));
    rows[0].channel = str("room");
    rows[0].user = str("alice");
    rows[0].tabs = 2;
    rows[1].channel = str("room");
    rows[1].tabs = 1;

    return said(ngx_token_live_write(live, rows, 2), ngx_token_store_error());
}


static unsigned
op_drop(void)
{
    ngx_token_live_row_t  row;

    if (!op_write()) {
        return 0;
    }

    memset(&row, 0, sizeof(row));
    row.channel = str("room");
    row.user = str("bob");

    return said(ngx_token_live_write(live, &row, 1), ngx_token_store_error());
}


static unsigned
op_who(void)
{
    size_t                n;
    uint64_t              tabs, anonymous;
    unsigned              good;
    ngx_token_rc_t        rc;
    ngx_token_str_t       room, alice;
    ngx_token_buf_t       b;
    ngx_token_present_t  *users;

    memset(&b, 0, sizeof(ngx_token_buf_t));
    room = str("room");
    alice = str("alice");

    rc = ngx_token_live_others(live, &room, &alice, &tabs);
    good = rc == NGX_TOKEN_OK;

    rc = ngx_token_live_read(live, &room, &b, &users, &n, &anonymous);

    if (rc == NGX_TOKEN_OK) {
        assert_int_equal(n, 1);
        assert_int_equal(users[0].tabs, 2);
        assert_int_equal(anonymous, 1);
        free(users);

    } else {
        good = 0;
    }

    ngx_token_buf_free(&b);

    return good;
}


static void
cancelled(const unsigned char *id, const ngx_token_str_t *user)
{
    assert_memory_equal(id, claim_id, NGX_TOKEN_ID_LEN);
    assert_str(user, "alice");
}


static unsigned
op_claim(void)
{
    unsigned           good;
    ngx_token_rc_t     rc;
    ngx_token_str_t    user;
    ngx_token_claim_t  claim;

    user = str("alice");

    rc = ngx_token_live_claim(live, claim_id);
    good = rc == NGX_TOKEN_OK || rc == NGX_TOKEN_DECLINED;

    rc = ngx_token_live_claimed(live, claim_id);
    good &= rc == NGX_TOKEN_OK;

    rc = ngx_token_live_cancel(live, claim_id, &user);
    good &= rc == NGX_TOKEN_OK;

    rc = ngx_token_live_cancels(live, cancelled);
    good &= rc == NGX_TOKEN_OK;

    memcpy(claim.id, claim_id, NGX_TOKEN_ID_LEN);
    memcpy(claim.proc, ngx_token_live_proc(live), NGX_TOKEN_PROC_LEN);

    rc = ngx_token_live_unclaim(live, &claim, 1);

    return good & (rc == NGX_TOKEN_OK);
}


static void
test_rows_and_claims(void **state)
{
    open_both(*state);

    each(op_write, NULL);
    each(op_drop, NULL);
    each(op_who, NULL);
    each(op_claim, NULL);

    close_both();
}


/* what a process leaves behind that ends without a word */

static int
leave(const char *path)
{
    char                  err[512];
    ngx_token_live_row_t  row;

    memset(&row, 0, sizeof(row));
    row.channel = str("room");
    row.user = str("zoe");
    row.tabs = 1;

    if (ngx_token_live_open(path, 0, &live, err, sizeof(err)) != NGX_TOKEN_OK
        || ngx_token_live_write(live, &row, 1) != NGX_TOKEN_OK
        || ngx_token_live_claim(live, claim_id) != NGX_TOKEN_OK)
    {
        return 1;
    }

    _exit(0);
}


static unsigned
op_sweep(void)
{
    size_t  n;

    return said(ngx_token_live_sweep(live, &n), ngx_token_store_error());
}


static void
sweep_and_leave(void)
{
    assert_int_equal(op_sweep(), 1);

    /* nobody has the claim any more */

    assert_int_equal(ngx_token_live_claimed(live, claim_id),
                     NGX_TOKEN_DECLINED);
    assert_int_equal(wait_for(spawn("leave", dir, -1)), 0);
}


static void
test_what_the_dead_have_left(void **state)
{
    open_both(*state);

    sweep_and_leave();
    each(op_sweep, sweep_and_leave);

    close_both();
}


static void
no_bell(void)
{
}


/* what is claimed is given back, also where nothing else can be done */

static void
test_claims_when_there_is_no_memory_to_commit(void **state)
{
    char                      err[512];
    uint64_t                  n;
    unsigned char             record[256];
    ngx_token_effect_t        e;
    ngx_token_commit_t        c;
    ngx_token_queue_item_t    item;
    ngx_token_queue_answer_t  a;

    dir = *state;
    st = open_store(dir);
    assert_int_equal(ngx_token_live_open(dir, 0, &live, err, sizeof(err)),
                     NGX_TOKEN_OK);
    assert_int_equal(ngx_token_queue_open(dir, st, &queue, err, sizeof(err)),
                     NGX_TOKEN_OK);

    for (n = 1; n <= 6; n++) {

        e = make_effect(NGX_TOKEN_EFFECT_SET, "atom", "1");
        c = make_commit(n, &e, 1);
        assert_true(ngx_token_commit_size(&c) <= sizeof(record));
        ngx_token_commit_encode(&c, record);

        memset(&item, 0, sizeof(item));
        item.id = c.id;
        item.record = record;
        item.len = ngx_token_commit_size(&c);
        item.claimed = 1;

        assert_int_equal(ngx_token_live_claim(live, c.id), NGX_TOKEN_OK);
        assert_int_equal(ngx_token_queue_put(queue, &item), NGX_TOKEN_OK);
        (void) ngx_token_queue_publish(queue);

        /* five pieces of memory are needed: the sixth time there are all */

        calls = 0;
        fail_at = (n <= 5) ? (unsigned) n : 0;
        ngx_token_queue_work(queue, st, live, no_bell);
        fail_at = 0;

        assert_int_equal(ngx_token_queue_take(queue, &a), NGX_TOKEN_OK);
        assert_int_equal(a.verdict.outcome, (n <= 5)
                                            ? NGX_TOKEN_OUTCOME_FAILED
                                            : NGX_TOKEN_OUTCOME_OK);
        assert_int_equal(ngx_token_queue_error(queue) != NULL, n <= 5);
        assert_int_equal(ngx_token_live_claimed(live, c.id),
                         NGX_TOKEN_DECLINED);
    }

    ngx_token_queue_close(queue);
    ngx_token_live_close(live, 0);
    ngx_token_store_close(st);
}


int
main(int argc, char **argv)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(
            test_claims_when_there_is_no_memory_to_commit,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_files_that_are_new,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_files_that_are_there,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_commits, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_reading, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_rows_and_claims,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_what_the_dead_have_left,
                                        make_dir, remove_dir)
    };

    if (argc == 3 && strcmp(argv[1], "leave") == 0) {
        return leave(argv[2]);
    }

    return cmocka_run_group_tests_name("store_call", tests, NULL, NULL);
}
