
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/store_test.h"

#include <pthread.h>
#include <sys/file.h>
#include <sys/time.h>
#include <time.h>

#include "store/ngx_token_queue_int.h"


#define ADDS   600                        /* records of each adder */
#define KILLS  40
#define RANGE  1000000                    /* of numbers of an adder */


typedef struct {
    ngx_token_store_t       *st;
    ngx_token_live_t        *live;
    ngx_token_queue_t       *q;
} side_t;


static unsigned  unsynced = 1;            /* as most tests do not look at the
                                             disk */
static unsigned  rung;
static unsigned  stop_at;
static side_t   *stopped;


/*
 * The linker puts this in the place of pthread_mutex_unlock(): tools/unit.mk.
 */

static unsigned  killed_at;               /* 1: before the committer gives the
                                             mutex back, 2: after it has */

int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);


int
__wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int  rc;

    if (stopped == NULL || mutex != &stopped->q->head->mutex) {
        return __real_pthread_mutex_unlock(mutex);
    }

    if (killed_at == 1) {
        (void) raise(SIGKILL);
    }

    rc = __real_pthread_mutex_unlock(mutex);

    if (killed_at == 2) {
        (void) raise(SIGKILL);
    }

    return rc;
}


static side_t
open_side(const char *dir)
{
    char                     err[512];
    side_t                   s;
    ngx_token_store_conf_t   conf;

    memset(&conf, 0, sizeof(ngx_token_store_conf_t));
    conf.size = (size_t) 64 << 20;
    conf.sync = !unsynced;

    s.st = open_store_conf(dir, &conf);

    if (ngx_token_live_open(dir, 0, &s.live, err, sizeof(err)) != NGX_TOKEN_OK
        || ngx_token_queue_open(dir, s.st, &s.q, err, sizeof(err))
           != NGX_TOKEN_OK)
    {
        fail_msg("open: %s", err);
    }

    /* who commits here is mostly the one who puts */
    s.q->linger = 0;

    return s;
}


static void
close_side(side_t *s)
{
    ngx_token_queue_close(s->q);
    ngx_token_live_close(s->live, 0);
    ngx_token_store_close(s->st);
}


static void
bell(void)
{
    __atomic_add_fetch(&rung, 1, __ATOMIC_SEQ_CST);

    if (stopped && rung == stop_at) {
        ngx_token_queue_stop(stopped->q);
    }
}


static void
work(side_t *s)
{
    ngx_token_queue_work(s->q, s->st, s->live, bell);
}


/* n is the record's id; id: made of it */

static ngx_token_rc_t
put_commit(ngx_token_queue_t *q, const ngx_token_commit_t *c,
    ngx_token_outcome_e outcome, unsigned claimed)
{
    size_t                   size;
    unsigned char           *buf;
    ngx_token_rc_t           rc;
    ngx_token_queue_item_t   item;

    size = ngx_token_commit_size(c);
    buf = malloc(size);
    assert_non_null(buf);
    ngx_token_commit_encode(c, buf);

    item.id = c->id;
    item.record = buf;
    item.len = size;
    item.outcome = outcome;
    item.error = NGX_TOKEN_ERR_NONE;
    item.claimed = (claimed != 0);

    rc = ngx_token_queue_put(q, &item);

    free(buf);

    return rc;
}


static ngx_token_rc_t
put_append(ngx_token_queue_t *q, uint64_t n)
{
    char                 value[32];
    ngx_token_effect_t   e[2];
    ngx_token_commit_t   c;

    (void) snprintf(value, sizeof(value), "%llu", (unsigned long long) n);

    e[0] = make_effect(NGX_TOKEN_EFFECT_APPEND, "log", value);
    e[1] = make_effect(NGX_TOKEN_EFFECT_ADD, "count", "1");
    e[1].initial = str("0");

    c = make_commit(n, e, 2);

    return put_commit(q, &c, NGX_TOKEN_OUTCOME_OK, 0);
}


static ngx_token_verdict_t
take(ngx_token_queue_t *q)
{
    ngx_token_queue_answer_t  a;

    assert_int_equal(ngx_token_queue_take(q, &a), NGX_TOKEN_OK);

    return a.verdict;
}


static void
assert_nothing(ngx_token_queue_t *q)
{
    ngx_token_queue_answer_t  a;

    assert_int_equal(ngx_token_queue_take(q, &a), NGX_TOKEN_DONE);
}


/* the values of the log, in order, are 1 to n */

static void
assert_log(ngx_token_store_t *st, uint64_t n)
{
    uint64_t             i, after, value;
    ngx_token_str_t      name;
    ngx_token_read_t    *r;
    ngx_token_record_t   rec;

    r = begin(st);
    name = str("log");

    for (i = 1, after = 0; i <= n; i++) {
        assert_int_equal(ngx_token_read_record(r, &name, after, &rec),
                         NGX_TOKEN_OK);
        assert_int_equal(ngx_token_json_uint(&rec.value, &value),
                         NGX_TOKEN_OK);
        assert_int_equal(value, i);
        after = rec.seq;
    }

    assert_int_equal(ngx_token_read_record(r, &name, after, &rec),
                     NGX_TOKEN_DONE);

    ngx_token_read_end(r);
}


static void
test_a_record_goes_the_whole_way(void **state)
{
    side_t               s;
    ngx_token_verdict_t  v;

    s = open_side(*state);
    rung = 0;

    assert_int_equal(put_append(s.q, 1), NGX_TOKEN_OK);

    /* not published: no committer sees it */
    work(&s);
    assert_nothing(s.q);
    assert_int_equal(rung, 0);

    assert_int_equal(ngx_token_queue_publish(s.q), 1);
    assert_nothing(s.q);
    assert_int_equal(ngx_token_queue_waits(s.q), 1);

    work(&s);
    assert_int_equal(rung, 1);
    assert_int_equal(ngx_token_queue_waits(s.q), 0);

    v = take(s.q);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(v.seq, 2);
    assert_int_equal(v.repeated, 0);
    assert_nothing(s.q);
    assert_null(ngx_token_queue_error(s.q));

    assert_log(s.st, 1);

    /* the same again is the ledger's */

    assert_int_equal(put_append(s.q, 1), NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);
    work(&s);

    v = take(s.q);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(v.seq, 2);
    assert_int_equal(v.repeated, 1);
    assert_log(s.st, 1);

    close_side(&s);
}


static void
test_it_is_counted(void **state)
{
    side_t                  a;
    ngx_token_queue_stat_t  stat;

    a = open_side(*state);

    ngx_token_queue_stat(a.q, &stat);
    assert_int_equal(stat.commits + stat.records + stat.ns + stat.waiting, 0);

    assert_int_equal(put_append(a.q, 1), NGX_TOKEN_OK);
    assert_int_equal(put_append(a.q, 2), NGX_TOKEN_OK);

    ngx_token_queue_stat(a.q, &stat);
    assert_int_equal(stat.waiting, 0);

    (void) ngx_token_queue_publish(a.q);

    ngx_token_queue_stat(a.q, &stat);
    assert_int_equal(stat.waiting, 2);
    assert_int_equal(stat.commits, 0);

    work(&a);

    assert_int_equal(put_append(a.q, 3), NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(a.q);
    work(&a);

    ngx_token_queue_stat(a.q, &stat);
    assert_int_equal(stat.commits, 2);
    assert_int_equal(stat.records, 3);
    assert_int_equal(stat.waiting, 0);
    assert_true(stat.ns > 0);

    close_side(&a);
}


/* during the first commit another record comes, during the second none */

static void
bell_of_two(void)
{
    uint64_t  took;

    if (rung++ != 0) {
        assert_int_equal(ngx_token_queue_pending(stopped->q, &took), 0);
        return;
    }

    assert_int_equal(ngx_token_queue_pending(stopped->q, &took), 0);
    assert_true(took > 0);

    assert_int_equal(put_append(stopped->q, 2), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_queue_pending(stopped->q, &took), 0);

    assert_int_equal(ngx_token_queue_publish(stopped->q), 0);
    assert_int_equal(ngx_token_queue_pending(stopped->q, &took), 1);
}


static void
test_what_is_pending(void **state)
{
    side_t    s;
    uint64_t  took;

    s = open_side(*state);
    rung = 0;

    assert_int_equal(ngx_token_queue_pending(s.q, &took), 0);
    assert_int_equal(took, 0);

    /* published, but nobody commits: no bell will ring */

    assert_int_equal(put_append(s.q, 1), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_queue_publish(s.q), 1);
    assert_int_equal(ngx_token_queue_pending(s.q, &took), 0);

    stopped = &s;
    ngx_token_queue_work(s.q, s.st, s.live, bell_of_two);
    stopped = NULL;

    assert_int_equal(rung, 2);
    (void) take(s.q);
    (void) take(s.q);
    assert_nothing(s.q);

    close_side(&s);
}


static void
test_what_is_put_later_joins_what_waits(void **state)
{
    side_t    s;
    uint64_t  n;

    s = open_side(*state);
    rung = 0;

    for (n = 1; n <= 500; n++) {
        assert_int_equal(put_append(s.q, n), NGX_TOKEN_OK);
        (void) ngx_token_queue_publish(s.q);
    }

    work(&s);
    assert_int_equal(rung, 1);

    for (n = 1; n <= 500; n++) {
        assert_int_equal(take(s.q).seq, 2 * n);
    }

    assert_nothing(s.q);
    assert_log(s.st, 500);

    close_side(&s);
}


static void
test_a_full_queue_says_so_and_goes_on(void **state)
{
    side_t    s;
    uint64_t  n, taken;

    s = open_side(*state);

    for (n = 1, taken = 0; taken < 20000; /* void */ ) {

        if (n <= 20000 && put_append(s.q, n) == NGX_TOKEN_OK) {
            n++;
            continue;
        }

        assert_true(n > 20000 || put_append(s.q, n) == NGX_TOKEN_BUSY);

        (void) ngx_token_queue_publish(s.q);
        work(&s);

        /* not all that there is: the places are used in turn */

        do {
            assert_int_equal(take(s.q).seq, 2 * ++taken);
        } while (taken < n - 1 && taken % 1777 != 0);
    }

    assert_nothing(s.q);
    assert_log(s.st, 20000);

    close_side(&s);
}


/* until somebody has committed and waits for more, or is about to */

static void
until_asleep(side_t *s)
{
    while (!__atomic_load_n(&s->q->head->sleeping, __ATOMIC_SEQ_CST)) {
        (void) usleep(100);
    }
}


static void *
linger_once(void *data)
{
    work(data);

    return NULL;
}


/* of a length that has a batch for itself */

static ngx_token_rc_t
put_long(ngx_token_queue_t *q, uint64_t n)
{
    ngx_token_rc_t       rc;
    unsigned char       *value;
    ngx_token_effect_t   e;
    ngx_token_commit_t   c;

    value = malloc(NGX_TOKEN_QUEUE_BYTES / 2);
    assert_non_null(value);
    memset(value, '7', NGX_TOKEN_QUEUE_BYTES / 2);

    e = make_effect(NGX_TOKEN_EFFECT_SET, "atom", "");
    e.value.data = value;
    e.value.len = NGX_TOKEN_QUEUE_BYTES / 2;
    c = make_commit(n, &e, 1);

    rc = put_commit(q, &c, NGX_TOKEN_OUTCOME_OK, 0);

    free(value);

    return rc;
}


/* a committer that sleeps is waked also for what has filled the last place */

static void
test_the_last_place_wakes_a_committer(void **state)
{
    side_t                    s;
    uint64_t                  n;
    unsigned                  i;
    pthread_t                 thread;
    ngx_token_queue_batch_t  *b;

    s = open_side(*state);
    s.q->linger = UINT64_C(5000000000);

    assert_int_equal(put_long(s.q, 1), NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);
    assert_int_equal(pthread_create(&thread, NULL, linger_once, &s), 0);

    for (n = 2; n <= NGX_TOKEN_QUEUE_BATCHES; n++) {
        until_asleep(&s);
        assert_int_equal(put_long(s.q, n), NGX_TOKEN_OK);

        if (n == NGX_TOKEN_QUEUE_BATCHES) {
            assert_int_equal(put_long(s.q, n + 1), NGX_TOKEN_BUSY);
        }

        (void) ngx_token_queue_publish(s.q);

        b = ngx_token_queue_batch(s.q->slot, n - 1);

        for (i = 0; i < 2000; i++) {
            if (ngx_token_queue_state(b) == NGX_TOKEN_QUEUE_DONE) {
                break;
            }

            (void) usleep(1000);
        }

        assert_int_equal(ngx_token_queue_state(b), NGX_TOKEN_QUEUE_DONE);
    }

    ngx_token_queue_stop(s.q);
    assert_int_equal(pthread_join(thread, NULL), 0);

    close_side(&s);
}


static void
test_sizes(void **state)
{
    char                *value;
    size_t               len, size;
    side_t               s;
    uint64_t             n;
    ngx_token_effect_t   e;
    ngx_token_commit_t   c;

    s = open_side(*state);
    value = malloc(NGX_TOKEN_QUEUE_MAX_RECORD);
    assert_non_null(value);
    memset(value, '7', NGX_TOKEN_QUEUE_MAX_RECORD);

    e = make_effect(NGX_TOKEN_EFFECT_SET, "atom", "");
    e.value.data = (unsigned char *) value;
    e.value.len = 1;
    c = make_commit(1, &e, 1);
    size = ngx_token_commit_size(&c) - 1;

    for (n = 1, len = NGX_TOKEN_QUEUE_MAX_RECORD - size; n < 10; n++, len--) {
        e.value.len = len;
        c = make_commit(n, &e, 1);
        assert_int_equal(put_commit(s.q, &c, NGX_TOKEN_OUTCOME_OK, 0),
                         NGX_TOKEN_OK);
        (void) ngx_token_queue_publish(s.q);
        work(&s);
        assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);
    }

    e.value.len = NGX_TOKEN_QUEUE_MAX_RECORD - size + 1;
    c = make_commit(n, &e, 1);
    assert_int_equal(put_commit(s.q, &c, NGX_TOKEN_OUTCOME_OK, 0),
                     NGX_TOKEN_INVALID);
    assert_nothing(s.q);

    free(value);
    close_side(&s);
}


static void
test_outcomes_and_claims(void **state)
{
    side_t                  s;
    unsigned char           id[NGX_TOKEN_ID_LEN];
    ngx_token_effect_t      e;
    ngx_token_commit_t      c;
    ngx_token_queue_item_t  item;

    s = open_side(*state);
    e = make_effect(NGX_TOKEN_EFFECT_SET, "atom", "1");
    c = make_commit(1, &e, 1);

    /* the mark that work outside the store begins keeps the claim */

    assert_int_equal(ngx_token_live_claim(s.live, c.id), NGX_TOKEN_OK);
    assert_int_equal(put_commit(s.q, &c, NGX_TOKEN_OUTCOME_RUNNING, 1),
                     NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);
    work(&s);
    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_RUNNING);
    assert_int_equal(ngx_token_live_claimed(s.live, c.id), NGX_TOKEN_OK);
    assert_atom(s.st, "atom", NULL);

    /* its end gives it back */

    assert_int_equal(put_commit(s.q, &c, NGX_TOKEN_OUTCOME_OK, 1),
                     NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);
    work(&s);
    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(ngx_token_live_claimed(s.live, c.id),
                     NGX_TOKEN_DECLINED);
    assert_atom(s.st, "atom", "1");

    /* cancelled: only the ledger has it */

    c = make_commit(2, &e, 1);
    e.value = str("2");
    assert_int_equal(put_commit(s.q, &c, NGX_TOKEN_OUTCOME_SUPERSEDED, 0),
                     NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);
    work(&s);
    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_SUPERSEDED);
    assert_atom(s.st, "atom", "1");

    /* nothing to commit but a claim to give back */

    make_id(id, TIME, 77);
    assert_int_equal(ngx_token_live_claim(s.live, id), NGX_TOKEN_OK);

    memset(&item, 0, sizeof(item));
    item.id = id;
    item.claimed = 1;
    assert_int_equal(ngx_token_queue_put(s.q, &item), NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);
    work(&s);
    (void) take(s.q);
    assert_nothing(s.q);
    assert_int_equal(ngx_token_live_claimed(s.live, id), NGX_TOKEN_DECLINED);

    close_side(&s);
}


/* what is no record fails alone */

static void
test_garbage_fails_alone(void **state)
{
    side_t                  s;
    unsigned char           id[NGX_TOKEN_ID_LEN];
    ngx_token_verdict_t     v;
    ngx_token_queue_item_t  item;

    s = open_side(*state);
    make_id(id, TIME, 5);

    assert_int_equal(put_append(s.q, 1), NGX_TOKEN_OK);

    memset(&item, 0, sizeof(item));
    item.id = id;
    item.record = (const unsigned char *) "\1\0\0\377 no record";
    item.len = 14;
    assert_int_equal(ngx_token_queue_put(s.q, &item), NGX_TOKEN_OK);

    assert_int_equal(put_append(s.q, 2), NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);
    work(&s);

    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);
    v = take(s.q);
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_FAILED);
    assert_int_equal(v.error, NGX_TOKEN_ERR_STORE_ERROR);
    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);
    assert_log(s.st, 2);

    close_side(&s);
}


/* two sides in this process: one commits for both, in one transaction */

static void
test_one_commits_for_all(void **state)
{
    char                err[512];
    side_t              s;
    uint64_t            txnid;
    ngx_token_queue_t  *other;

    s = open_side(*state);
    assert_int_equal(ngx_token_queue_open(*state, s.st, &other, err,
                                          sizeof(err)), NGX_TOKEN_OK);

    assert_int_equal(put_append(s.q, 1), NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);
    assert_int_equal(put_append(other, 2), NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(other);

    txnid = ngx_token_store_txnid(s.st);
    work(&s);
    assert_int_equal(ngx_token_store_txnid(s.st), txnid + 1);

    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(take(other).outcome, NGX_TOKEN_OUTCOME_OK);
    assert_nothing(s.q);
    assert_nothing(other);
    assert_log(s.st, 2);

    /* what was published by one that has left is committed, too */

    assert_int_equal(put_append(other, 3), NGX_TOKEN_OK);
    ngx_token_queue_close(other);
    assert_int_equal(ngx_token_queue_waits(s.q), 1);
    work(&s);
    assert_log(s.st, 3);

    close_side(&s);
}


static void
test_stop(void **state)
{
    side_t  s;

    s = open_side(*state);

    assert_int_equal(put_append(s.q, 1), NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);

    /* in the bell of its first commit; it is rung once more */

    rung = 0;
    stop_at = 1;
    stopped = &s;
    work(&s);
    stopped = NULL;

    assert_int_equal(rung, 2);
    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);

    /* it is not for ever */

    assert_int_equal(put_append(s.q, 2), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_queue_publish(s.q), 1);
    work(&s);
    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);

    close_side(&s);
}


static void
test_a_store_that_cannot_be_written(void **state)
{
    char                     err[512];
    side_t                   s;
    uint64_t                 n;
    ngx_token_verdict_t      v;
    ngx_token_store_conf_t   conf;
    const char              *error;

    memset(&conf, 0, sizeof(conf));
    conf.size = (size_t) 1 << 20;

    s.st = open_store_conf(*state, &conf);
    assert_int_equal(ngx_token_live_open(*state, 0, &s.live, err,
                                         sizeof(err)), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_queue_open(*state, s.st, &s.q, err,
                                          sizeof(err)), NGX_TOKEN_OK);

    for (n = 1, error = NULL; error == NULL && n < 100000; n++) {
        assert_int_equal(put_append(s.q, n), NGX_TOKEN_OK);
        (void) ngx_token_queue_publish(s.q);
        work(&s);
        v = take(s.q);
        error = ngx_token_queue_error(s.q);
    }

    assert_non_null(error);
    assert_non_null(strstr(error, "MDB_MAP_FULL"));
    assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_FAILED);
    assert_int_equal(v.error, NGX_TOKEN_ERR_STORE_FULL);

    close_side(&s);
}


static void *
committer(void *data)
{
    side_t  *s = data;

    while (!__atomic_load_n(&stop_at, __ATOMIC_SEQ_CST)) {
        work(s);
    }

    return NULL;
}


/* the event loop puts and takes while its own thread commits */

static void
test_threads(void **state)
{
    side_t                    s;
    uint64_t                  n, taken;
    pthread_t                 thread;
    ngx_token_queue_answer_t  a;

    s = open_side(*state);
    s.q->linger = 1000000;
    stop_at = 0;

    assert_int_equal(pthread_create(&thread, NULL, committer, &s), 0);

    for (n = 1, taken = 0; taken < 30000; /* void */ ) {

        if (n <= 30000 && put_append(s.q, n) == NGX_TOKEN_OK) {
            n++;
        }

        if (n % 7 == 0 || n > 30000) {
            (void) ngx_token_queue_publish(s.q);
        }

        while (ngx_token_queue_take(s.q, &a) == NGX_TOKEN_OK) {
            taken++;
            assert_int_equal(a.verdict.outcome, NGX_TOKEN_OUTCOME_OK);
            assert_int_equal(a.verdict.seq, 2 * taken);
        }
    }

    __atomic_store_n(&stop_at, 1, __ATOMIC_SEQ_CST);
    assert_int_equal(pthread_join(thread, NULL), 0);

    assert_log(s.st, 30000);

    close_side(&s);
}


/*
 * Child: puts its adds, one after the other, commits whenever nobody seems
 * to, and tells of each verdict.
 */

static int
adder(const char *dir, uint64_t first, uint64_t adds)
{
    side_t                    s;
    uint64_t                  n, taken, i;
    ngx_token_queue_answer_t  a;

    s = open_side(dir);

    for (n = 0, taken = 0, i = 0; taken < adds; i++) {

        if (n < adds && put_append(s.q, first + n) == NGX_TOKEN_OK) {
            n++;
        }

        /* a committer that was killed is found out in time */

        if (ngx_token_queue_publish(s.q) || i % 1000 == 0) {
            work(&s);
        }

        while (ngx_token_queue_take(s.q, &a) == NGX_TOKEN_OK) {
            taken++;

            if (a.verdict.outcome != NGX_TOKEN_OUTCOME_OK) {
                return 1;
            }

            if (write(STDOUT_FILENO, ".", 1) != 1) {
                return 1;
            }
        }
    }

    close_side(&s);

    return 0;
}


static uint64_t
count_of(ngx_token_store_t *st, uint64_t *appended)
{
    uint64_t             n;
    ngx_token_str_t      name;
    ngx_token_log_t      l;
    ngx_token_atom_t     a;
    ngx_token_read_t    *r;

    r = begin(st);
    n = 0;

    name = str("count");

    if (ngx_token_read_atom(r, &name, &a) == NGX_TOKEN_OK) {
        assert_int_equal(ngx_token_json_uint(&a.value, &n), NGX_TOKEN_OK);
    }

    name = str("log");
    ngx_token_read_log(r, &name, &l);
    *appended = l.count;

    ngx_token_read_end(r);

    return n;
}


static void
test_processes_add_up(void **state)
{
    int                  null;
    pid_t                one, two;
    uint64_t             appended;
    ngx_token_store_t   *st;

    null = open("/dev/null", O_WRONLY|O_CLOEXEC);
    assert_int_not_equal(null, -1);

    one = spawn("adder 1", *state, null);
    two = spawn("adder 100001", *state, null);

    (void) close(null);

    assert_int_equal(wait_for(one), 0);
    assert_int_equal(wait_for(two), 0);

    st = open_store(*state);
    assert_int_equal(count_of(st, &appended), 2 * ADDS);
    assert_int_equal(appended, 2 * ADDS);
    ngx_token_store_close(st);
}


/*
 * Counts what two adders have added after a seq: each its numbers in order,
 * every one of them once.
 *
 *     added  out
 *     first  of the one; the other's is a RANGE greater
 */

static uint64_t
read_adds(ngx_token_store_t *st, uint64_t after, uint64_t *added,
    uint64_t first)
{
    uint64_t             value, side;
    ngx_token_str_t      name;
    ngx_token_read_t    *r;
    ngx_token_record_t   rec;

    r = begin(st);
    name = str("log");
    added[0] = 0;
    added[1] = 0;

    while (ngx_token_read_record(r, &name, after, &rec) == NGX_TOKEN_OK) {
        assert_int_equal(ngx_token_json_uint(&rec.value, &value),
                         NGX_TOKEN_OK);

        side = (value - first) / RANGE;
        assert_true(side < 2);
        assert_int_equal(value, first + side * RANGE + added[side]);

        added[side]++;
        after = rec.seq;
    }

    ngx_token_read_end(r);

    return after;
}


/*
 * One of two is killed, most likely while it commits, also what the other has
 * put: the other goes on, and nothing is lost or done twice.
 */

static void
test_a_killed_committer_is_replaced(void **state)
{
    int                  one[2], two[2], i;
    char                 c, name[32];
    pid_t                victim, other;
    uint64_t             wait, told, after, added[2];
    unsigned             seed;
    ngx_token_store_t   *st;

    seed = (unsigned) time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);

    after = 0;

    for (i = 0; i < KILLS; i++) {

        assert_int_equal(pipe(one), 0);
        assert_int_equal(pipe(two), 0);

        (void) snprintf(name, sizeof(name), "endless %d", 2 * i * RANGE);
        victim = spawn(name, *state, one[1]);
        (void) close(one[1]);
        (void) snprintf(name, sizeof(name), "adder %d", (2 * i + 1) * RANGE);
        other = spawn(name, *state, two[1]);
        (void) close(two[1]);

        told = 0;

        for (wait = (uint64_t) rand() % ADDS; wait; wait--) {
            assert_int_equal(read(one[0], &c, 1), 1);
            told++;
        }

        assert_int_equal(kill(victim, SIGKILL), 0);
        assert_int_equal(wait_for(victim), -1);
        assert_int_equal(wait_for(other), 0);

        while (read(one[0], &c, 1) == 1) {
            told++;
        }

        (void) close(one[0]);
        (void) close(two[0]);

        st = open_store(*state);

        after = read_adds(st, after, added, (uint64_t) (2 * i) * RANGE);
        assert_true(added[0] >= told);
        assert_int_equal(added[1], ADDS);

        ngx_token_store_close(st);
    }
}


/* Child: commits one record, and then waits for what others publish. */

static int
lingerer(const char *dir)
{
    side_t  s;

    s = open_side(dir);
    s.q->linger = UINT64_C(600000000000);

    if (put_append(s.q, 1) != NGX_TOKEN_OK || !ngx_token_queue_publish(s.q)) {
        return 1;
    }

    work(&s);

    return 0;
}


/* while this one commits another record comes: nobody else is needed */

static void
bell_of_another(void)
{
    if (rung++ == 0) {
        assert_int_equal(put_append(stopped->q, 4), NGX_TOKEN_OK);
        assert_int_equal(ngx_token_queue_publish(stopped->q), 0);
    }
}


static void
test_who_lingers_commits_or_is_found_dead(void **state)
{
    side_t                    s;
    pid_t                     child;
    ngx_token_queue_answer_t  a;

    s = open_side(*state);
    child = spawn("lingerer", *state, -1);

    until_asleep(&s);

    /* what is published wakes it */

    assert_int_equal(put_append(s.q, 2), NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);

    while (ngx_token_queue_take(s.q, &a) != NGX_TOKEN_OK) {
        (void) usleep(100);
    }

    assert_int_equal(a.verdict.outcome, NGX_TOKEN_OUTCOME_OK);

    until_asleep(&s);

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(wait_for(child), -1);

    /* nobody is there to be woken: another one goes on at once */

    assert_int_equal(put_append(s.q, 3), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_queue_publish(s.q), 1);

    rung = 0;
    stopped = &s;
    ngx_token_queue_work(s.q, s.st, s.live, bell_of_another);
    stopped = NULL;

    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);
    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);
    assert_log(s.st, 4);

    /* of its own accord it ends after a while */

    assert_int_equal(ngx_token_queue_waits(s.q), 0);
    assert_int_equal(s.q->head->active, 0);

    close_side(&s);
}


/* Child: commits one record, and is killed when it has nothing more to do. */

static int
leaver(const char *dir, unsigned at)
{
    side_t  s;

    s = open_side(dir);
    stopped = &s;
    killed_at = at;

    if (put_append(s.q, 2 * at - 1) != NGX_TOKEN_OK
        || !ngx_token_queue_publish(s.q))
    {
        return 1;
    }

    work(&s);

    return 0;
}


/* nobody is taken for the committer who has gone */

static void
test_a_committer_is_killed_as_it_ends(void **state)
{
    char      name[32];
    pid_t     child;
    side_t    s;
    unsigned  at;

    s = open_side(*state);

    for (at = 1; at <= 2; at++) {

        (void) snprintf(name, sizeof(name), "leaver %u", at);
        child = spawn(name, *state, -1);
        assert_int_equal(wait_for(child), -1);

        assert_log(s.st, 2 * at - 1);

        assert_int_equal(put_append(s.q, 2 * at), NGX_TOKEN_OK);
        assert_int_equal(ngx_token_queue_publish(s.q), 1);
        work(&s);
        assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);
    }

    close_side(&s);
}


/* a file that is no queue is nobody's, and made anew */

static void
test_a_foreign_file_is_made_anew(void **state)
{
    int     fd;
    char    path[4096];
    side_t  s;

    (void) snprintf(path, sizeof(path), "%s/" NGX_TOKEN_QUEUE_FILE,
                    (char *) *state);

    fd = open(path, O_WRONLY|O_CREAT, 0600);
    assert_int_not_equal(fd, -1);

    while (lseek(fd, 0, SEEK_CUR) < 100000) {
        assert_int_equal(write(fd, "garbage", 7), 7);
    }

    (void) close(fd);

    s = open_side(*state);
    assert_int_equal(put_append(s.q, 1), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_queue_publish(s.q), 1);
    work(&s);
    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);
    close_side(&s);
}


/* Child: hands over a record, and commits it when it is told to */

static int
newcomer(const char *dir)
{
    char                      path[4096];
    side_t                    s;
    ngx_token_queue_answer_t  a;

    s = open_side(dir);

    if (put_append(s.q, 1) != NGX_TOKEN_OK
        || !ngx_token_queue_publish(s.q)
        || write(STDOUT_FILENO, ".", 1) != 1)
    {
        return 1;
    }

    (void) snprintf(path, sizeof(path), "%s/go", dir);

    while (access(path, F_OK) == -1) {
        (void) usleep(1000);
    }

    if (ngx_token_queue_take(s.q, &a) != NGX_TOKEN_DONE) {
        /* whoever has committed it has another store */
        return 2;
    }

    work(&s);

    if (ngx_token_queue_take(s.q, &a) != NGX_TOKEN_OK) {
        return 3;
    }

    assert_log(s.st, 1);
    close_side(&s);

    return 0;
}


/*
 * Child: has the store open with another configuration, as workers of before a
 * reload do.
 */

static int
elder(const char *dir)
{
    char    path[4096];
    side_t  s;

    unsynced = 0;
    s = open_side(dir);

    if (write(STDOUT_FILENO, ".", 1) != 1) {
        return 1;
    }

    (void) snprintf(path, sizeof(path), "%s/go", dir);

    while (access(path, F_OK) == -1) {
        (void) usleep(1000);
    }

    close_side(&s);

    return 0;
}


static ino_t
queue_of(const char *dir)
{
    char         path[4096];
    struct stat  sb;

    (void) snprintf(path, sizeof(path), "%s/" NGX_TOKEN_QUEUE_FILE, dir);
    assert_int_equal(stat(path, &sb), 0);

    return sb.st_ino;
}


/*
 * Who commits for all does it as all want it: with sync=on nobody may hand his
 * records to a process that has sync=off.
 */

static void
test_another_configuration_has_another_queue(void **state)
{
    int     fds[2];
    char    c, path[4096];
    pid_t   pid;
    ino_t   old;
    side_t  s;

    assert_int_equal(pipe(fds), 0);
    pid = spawn("elder", *state, fds[1]);
    (void) close(fds[1]);
    assert_int_equal(read(fds[0], &c, 1), 1);
    (void) close(fds[0]);

    old = queue_of(*state);

    s = open_side(*state);
    assert_int_not_equal(queue_of(*state), old);
    assert_int_equal(put_append(s.q, 1), NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);
    work(&s);
    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);
    close_side(&s);

    (void) snprintf(path, sizeof(path), "%s/go", (char *) *state);
    (void) close(open(path, O_WRONLY|O_CREAT, 0600));
    assert_int_equal(wait_for(pid), 0);

    /* the same again has the same one */

    old = queue_of(*state);
    s = open_side(*state);
    assert_int_equal(queue_of(*state), old);
    close_side(&s);
}


/*
 * What a machine's crash has left is nobody's, even if there are processes with
 * the numbers of those that were in it: its mutex may be locked for ever.
 */

static void
test_a_queue_of_before_the_last_start(void **state)
{
    char                err[512];
    ino_t               old;
    side_t              s;
    ngx_token_queue_t  *before;

    s = open_side(*state);
    before = s.q;
    old = queue_of(*state);

    before->head->common[NGX_TOKEN_QUEUE_BOOT]++;

    assert_int_equal(ngx_token_queue_open(*state, s.st, &s.q, err,
                                          sizeof(err)), NGX_TOKEN_OK);
    assert_int_not_equal(queue_of(*state), old);

    assert_int_equal(put_append(s.q, 1), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_queue_publish(s.q), 1);
    work(&s);
    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);

    ngx_token_queue_close(before);
    close_side(&s);
}


/*
 * The store is removed while a process has it open; another process makes a
 * new one there.
 */

static void
test_another_store_has_another_queue(void **state)
{
    int     fds[2];
    char    c, path[4096];
    pid_t   pid;
    side_t  s;

    s = open_side(*state);
    assert_int_equal(put_append(s.q, 1), NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);
    work(&s);
    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);

    (void) snprintf(path, sizeof(path), "%s/data.mdb", (char *) *state);
    assert_int_equal(unlink(path), 0);
    (void) snprintf(path, sizeof(path), "%s/lock.mdb", (char *) *state);
    assert_int_equal(unlink(path), 0);

    assert_int_equal(pipe(fds), 0);
    pid = spawn("newcomer", *state, fds[1]);
    (void) close(fds[1]);
    assert_int_equal(read(fds[0], &c, 1), 1);
    (void) close(fds[0]);

    /* the old one goes on, with what is its own */

    assert_int_equal(put_append(s.q, 2), NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);
    work(&s);
    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_OK);
    assert_log(s.st, 2);

    (void) snprintf(path, sizeof(path), "%s/go", (char *) *state);
    (void) close(open(path, O_WRONLY|O_CREAT, 0600));

    assert_int_equal(wait_for(pid), 0);

    close_side(&s);
}


/*
 * The steps of take() in which a process may be killed: whatever it has done
 * of them, what it had published behind is committed.
 */

static void
test_killed_between_two_batches(void **state)
{
    side_t                    s;
    uint64_t                  n;
    ngx_token_queue_t        *other;
    ngx_token_queue_batch_t  *b;
    char                      err[512];

    s = open_side(*state);
    assert_int_equal(ngx_token_queue_open(*state, s.st, &other, err,
                                          sizeof(err)), NGX_TOKEN_OK);

    /* one batch has its verdicts, the next is published */

    for (n = 1; n <= NGX_TOKEN_QUEUE_RECORDS; n++) {
        assert_int_equal(put_append(other, n), NGX_TOKEN_OK);
    }

    (void) ngx_token_queue_publish(other);
    work(&s);

    assert_int_equal(put_append(other, n), NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(other);

    /* killed when the first is told of, but its place is not open yet */

    b = ngx_token_queue_batch(other->slot, other->first);
    assert_int_equal(ngx_token_queue_state(b), NGX_TOKEN_QUEUE_DONE);
    __atomic_store_n(&other->slot->first, other->first + 1, __ATOMIC_SEQ_CST);

    work(&s);
    assert_log(s.st, n);

    ngx_token_queue_close(other);
    close_side(&s);
}


/* Child: has the directory locked for a moment. */

static int
holder(const char *dir)
{
    int  fd;

    fd = open(dir, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == -1 || flock(fd, LOCK_EX) == -1
        || write(STDOUT_FILENO, ".", 1) != 1)
    {
        return 1;
    }

    (void) usleep(50000);

    return 0;
}


static pid_t
spawn_holder(const char *dir)
{
    int    fds[2];
    char   c;
    pid_t  pid;

    assert_int_equal(pipe(fds), 0);
    pid = spawn("holder", dir, fds[1]);
    (void) close(fds[1]);
    assert_int_equal(read(fds[0], &c, 1), 1);
    (void) close(fds[0]);

    return pid;
}


static void
ignore(int signo)
{
    (void) signo;
}


/* signals, as of nginx's "timer_resolution", while others are opening it */

/*
 * A committer is killed when it has committed that a call has failed, and has
 * not said so yet.  The token is tried again, by another process: that the new
 * call begins is not to be undone by the end of the old one (G11).
 */

static void
test_what_the_dead_had_taken_comes_first(void **state)
{
    char                      err[512];
    side_t                    s;
    ngx_token_read_t         *r;
    ngx_token_queue_t        *other;
    ngx_token_effect_t        e;
    ngx_token_commit_t        c;
    ngx_token_ledger_t        l;
    ngx_token_queue_batch_t  *b;

    s = open_side(*state);
    assert_int_equal(ngx_token_queue_open(*state, s.st, &other, err,
                                          sizeof(err)), NGX_TOKEN_OK);

    e = make_effect(NGX_TOKEN_EFFECT_SET, "atom", "1");
    c = make_commit(1, &e, 1);

    assert_int_equal(put_commit(other, &c, NGX_TOKEN_OUTCOME_RUNNING, 1),
                     NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(other);
    work(&s);
    assert_int_equal(take(other).outcome, NGX_TOKEN_OUTCOME_RUNNING);

    assert_int_equal(put_commit(other, &c, NGX_TOKEN_OUTCOME_FAILED, 1),
                     NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(other);
    work(&s);

    b = ngx_token_queue_batch(other->slot, other->first);
    assert_int_equal(ngx_token_queue_state(b), NGX_TOKEN_QUEUE_DONE);
    ngx_token_queue_set_state(b, NGX_TOKEN_QUEUE_TAKEN);

    /* somebody must, though nothing else is published */
    assert_int_equal(ngx_token_queue_waits(s.q), 1);

    assert_int_equal(put_commit(s.q, &c, NGX_TOKEN_OUTCOME_RUNNING, 1),
                     NGX_TOKEN_OK);
    (void) ngx_token_queue_publish(s.q);
    s.q->turn = 0;
    work(&s);

    assert_int_equal(take(s.q).outcome, NGX_TOKEN_OUTCOME_RUNNING);
    assert_int_equal(take(other).outcome, NGX_TOKEN_OUTCOME_FAILED);

    r = begin(s.st);
    assert_int_equal(ngx_token_read_ledger(r, c.id, &l), NGX_TOKEN_OK);
    assert_int_equal(l.outcome, NGX_TOKEN_OUTCOME_RUNNING);
    ngx_token_read_end(r);

    ngx_token_queue_close(other);
    close_side(&s);
}


static void
test_signals_while_it_is_opened(void **state)
{
    char              err[512];
    pid_t             child;
    side_t            s;
    struct sigaction  sa, before;
    struct itimerval  every, never;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = ignore;
    assert_int_equal(sigaction(SIGALRM, &sa, &before), 0);

    memset(&never, 0, sizeof(never));
    memset(&every, 0, sizeof(every));
    every.it_interval.tv_usec = 1000;
    every.it_value.tv_usec = 1000;

    s.st = open_store(*state);

    child = spawn_holder(*state);
    assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
    assert_int_equal(ngx_token_live_open(*state, 0, &s.live, err,
                                         sizeof(err)), NGX_TOKEN_OK);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(wait_for(child), 0);

    child = spawn_holder(*state);
    assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
    assert_int_equal(ngx_token_queue_open(*state, s.st, &s.q, err,
                                          sizeof(err)), NGX_TOKEN_OK);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(wait_for(child), 0);

    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);

    close_side(&s);
}


static void
test_a_directory_that_is_not_there(void **state)
{
    char                err[512];
    side_t              s;
    ngx_token_queue_t  *q;

    s = open_side(*state);

    assert_int_equal(ngx_token_queue_open("/nowhere/at all", s.st, &q, err,
                                          sizeof(err)), NGX_TOKEN_ERROR);
    assert_non_null(strstr(err, "/nowhere/at all"));
    assert_non_null(strstr(err, strerror(ENOENT)));

    close_side(&s);
}


int
main(int argc, char **argv)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_a_record_goes_the_whole_way,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_what_is_put_later_joins_what_waits, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_who_lingers_commits_or_is_found_dead, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_it_is_counted,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_what_is_pending,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_full_queue_says_so_and_goes_on,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_the_last_place_wakes_a_committer,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_sizes, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_outcomes_and_claims,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_garbage_fails_alone,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_one_commits_for_all,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_stop, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_store_that_cannot_be_written,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_threads, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_processes_add_up,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_killed_committer_is_replaced,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_committer_is_killed_as_it_ends,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_foreign_file_is_made_anew,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_queue_of_before_the_last_start, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_another_store_has_another_queue, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_another_configuration_has_another_queue,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_killed_between_two_batches, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_what_the_dead_had_taken_comes_first, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_signals_while_it_is_opened,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_directory_that_is_not_there,
                                        make_dir, remove_dir)
    };

    if (argc == 3) {

        if (strcmp(argv[1], "lingerer") == 0) {
            return lingerer(argv[2]);
        }

        if (strncmp(argv[1], "leaver", 6) == 0) {
            return leaver(argv[2], (unsigned) strtoul(argv[1] + 7, NULL, 10));
        }

        if (strcmp(argv[1], "holder") == 0) {
            return holder(argv[2]);
        }

        if (strcmp(argv[1], "elder") == 0) {
            return elder(argv[2]);
        }

        if (strcmp(argv[1], "newcomer") == 0) {
            return newcomer(argv[2]);
        }

        if (strncmp(argv[1], "endless", 7) == 0) {
            return adder(argv[2], strtoull(argv[1] + 8, NULL, 10), UINT64_MAX);
        }

        return adder(argv[2], strtoull(argv[1] + 6, NULL, 10), ADDS);
    }

    return cmocka_run_group_tests_name("store_queue", tests, NULL, NULL);
}
