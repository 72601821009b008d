
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/token_test.h"

#include "store/ngx_token_round.h"


#define MS      UINT64_C(1000000)
#define COMMIT  (MS / 5)


/* A round of so many ms; returns when it has ended. */

static uint64_t
round_of(ngx_token_round_t *r, uint64_t now, uint64_t ms)
{
    ngx_token_round_begin(r, now);
    ngx_token_round_end(r, now + ms * MS);

    return now + ms * MS;
}


/* The first one. */

static uint64_t
first_of(ngx_token_round_t *r, uint64_t ms)
{
    memset(r, 0, sizeof(ngx_token_round_t));

    return round_of(r, MS, ms);
}


static void
test_the_first_does_not_wait(void **state)
{
    ngx_token_round_t  r;

    (void) state;

    memset(&r, 0, sizeof(r));

    assert_int_equal(ngx_token_round_wait(&r, MS, 1, COMMIT), 0);
    assert_int_equal(ngx_token_round_wait(&r, MS, 1, 1), 0);
}


static void
test_a_long_one_waits_for_a_commit(void **state)
{
    uint64_t           now;
    ngx_token_round_t  r;

    (void) state;
    now = first_of(&r, 64);

    assert_int_equal(ngx_token_round_wait(&r, now, 1, COMMIT), 1);
    assert_int_equal(ngx_token_round_wait(&r, now + MS, 1, COMMIT), 1);
    assert_int_equal(ngx_token_round_wait(&r, now + 2 * MS, 0, COMMIT), 0);

    /* that it has waited is over with the round */

    assert_int_equal(ngx_token_round_wait(&r, now + 9 * MS, 1, COMMIT), 1);
}


static void
test_where_nothing_is_committed_nothing_waits(void **state)
{
    uint64_t           now;
    ngx_token_round_t  r;

    (void) state;
    now = first_of(&r, 64);

    assert_int_equal(ngx_token_round_wait(&r, now, 0, COMMIT), 0);
}


static void
test_no_longer_than_a_part_of_it(void **state)
{
    uint64_t           now;
    ngx_token_round_t  r;

    (void) state;
    now = first_of(&r, 64);

    /* commits without an end */

    assert_int_equal(ngx_token_round_wait(&r, now, 1, COMMIT), 1);
    assert_int_equal(ngx_token_round_wait(&r, now + 4 * MS - 1, 1, COMMIT), 1);
    assert_int_equal(ngx_token_round_wait(&r, now + 4 * MS, 1, COMMIT), 0);

    /* and the next one can wait as long */

    now = round_of(&r, now + 4 * MS, 64);
    assert_int_equal(ngx_token_round_wait(&r, now, 1, COMMIT), 1);
}


static void
test_a_slow_commit_is_not_waited_for(void **state)
{
    uint64_t           now;
    ngx_token_round_t  r;

    (void) state;
    now = first_of(&r, 64);

    assert_int_equal(ngx_token_round_wait(&r, now, 1, 4 * MS + 1), 0);
    assert_int_equal(ngx_token_round_wait(&r, now, 1, 4 * MS), 1);
}


static void
test_a_short_one_does_not_wait(void **state)
{
    uint64_t           now;
    ngx_token_round_t  r;

    (void) state;
    now = first_of(&r, 1);

    assert_int_equal(ngx_token_round_wait(&r, now, 1, COMMIT), 0);
}


static void
test_rounds_of_few_come_between(void **state)
{
    uint64_t           now;
    unsigned           i;
    ngx_token_round_t  r;

    (void) state;
    now = first_of(&r, 64);

    now = round_of(&r, now, 0);
    assert_int_equal(ngx_token_round_wait(&r, now, 1, COMMIT), 1);

    /* but not for ever */

    for (i = 0; i < 100; i++) {
        now = round_of(&r, now, 0);
    }

    assert_int_equal(ngx_token_round_wait(&r, now, 1, COMMIT), 0);
}


static void
test_a_round_begins_once(void **state)
{
    ngx_token_round_t  r;

    (void) state;

    memset(&r, 0, sizeof(r));

    ngx_token_round_begin(&r, 10 * MS);
    ngx_token_round_begin(&r, 30 * MS);
    ngx_token_round_end(&r, 50 * MS);
    assert_int_equal(r.took, 40 * MS);

    /* what is flushed without a round says nothing */

    ngx_token_round_end(&r, 90 * MS);
    assert_int_equal(r.took, 40 * MS);
}


/* stopped in the middle of a round, as by SIGSTOP, for ten minutes */

static void
test_a_process_that_was_stopped_does_not_wait_for_long(void **state)
{
    uint64_t           now;
    ngx_token_round_t  r;

    (void) state;
    now = first_of(&r, 600000);

    assert_int_equal(ngx_token_round_wait(&r, now, 1, COMMIT), 1);
    assert_int_equal(ngx_token_round_wait(&r, now + 20 * MS, 1, COMMIT), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_the_first_does_not_wait),
        cmocka_unit_test(test_a_long_one_waits_for_a_commit),
        cmocka_unit_test(test_where_nothing_is_committed_nothing_waits),
        cmocka_unit_test(test_no_longer_than_a_part_of_it),
        cmocka_unit_test(test_a_slow_commit_is_not_waited_for),
        cmocka_unit_test(test_a_short_one_does_not_wait),
        cmocka_unit_test(test_rounds_of_few_come_between),
        cmocka_unit_test(test_a_round_begins_once),
        cmocka_unit_test(
            test_a_process_that_was_stopped_does_not_wait_for_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
