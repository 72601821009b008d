
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/token_test.h"

#include "store/ngx_token_pace.h"


#define US  UINT64_C(1000)


/* A commit of n records from 1000 us on, that takes 300 us. */

static uint64_t
commit(ngx_token_pace_t *p, uint32_t n, uint32_t waiting)
{
    ngx_token_pace_end(p, 1000 * US, 1300 * US, n, waiting);

    return 1300 * US;
}


static void
test_the_first_is_not_waited_for(void **state)
{
    ngx_token_pace_t  p;

    (void) state;

    memset(&p, 0, sizeof(p));

    assert_int_equal(ngx_token_pace_wait(&p, 5000 * US, 1), 0);
    assert_int_equal(ngx_token_pace_wait(&p, 5000 * US, 7), 0);
}


static void
test_who_is_alone_is_not_waited_for(void **state)
{
    uint64_t          now;
    ngx_token_pace_t  p;

    (void) state;

    memset(&p, 0, sizeof(p));
    now = commit(&p, 1, 0);

    assert_int_equal(ngx_token_pace_wait(&p, now + 50 * US, 1), 0);
}


static void
test_those_who_come_back_are_waited_for(void **state)
{
    uint64_t          now;
    ngx_token_pace_t  p;

    (void) state;

    memset(&p, 0, sizeof(p));

    /* five answered, five wait: ten are expected, and eight are enough */

    now = commit(&p, 5, 5);

    assert_int_equal(ngx_token_pace_wait(&p, now, 5), 300 * US);
    assert_int_equal(ngx_token_pace_wait(&p, now + 40 * US, 7), 260 * US);
    assert_int_equal(ngx_token_pace_wait(&p, now + 60 * US, 8), 0);
    assert_int_equal(p.misses, 0);

    /* all at once, and the next time likewise */

    now = commit(&p, 10, 0);
    assert_int_equal(ngx_token_pace_wait(&p, now + 20 * US, 1), 280 * US);
    assert_int_equal(ngx_token_pace_wait(&p, now + 60 * US, 9), 0);
    assert_int_equal(p.misses, 0);
}


static void
test_nobody_is_waited_for_long(void **state)
{
    uint64_t          now;
    ngx_token_pace_t  p;

    (void) state;

    /* not after the time of a commit */

    memset(&p, 0, sizeof(p));
    now = commit(&p, 5, 5);
    assert_int_equal(ngx_token_pace_wait(&p, now, 5), 300 * US);
    assert_int_equal(ngx_token_pace_wait(&p, now + 299 * US, 6), US);
    assert_int_equal(ngx_token_pace_wait(&p, now + 300 * US, 6), 0);

    /* nor after NGX_TOKEN_PACE_MAX, of a slow disk */

    memset(&p, 0, sizeof(p));
    ngx_token_pace_end(&p, 1000 * US, 21000 * US, 5, 5);
    now = 21000 * US;
    assert_int_equal(ngx_token_pace_wait(&p, now, 5), NGX_TOKEN_PACE_MAX);
    assert_int_equal(ngx_token_pace_wait(&p, now + NGX_TOKEN_PACE_MAX, 6), 0);

    /* nor at all, some time after the last commit */

    memset(&p, 0, sizeof(p));
    now = commit(&p, 5, 5);
    assert_int_equal(ngx_token_pace_wait(&p, now + 400 * US, 1), 0);
    assert_int_equal(p.misses, 0);
}


static void
test_waiting_that_does_not_pay_is_left_out(void **state)
{
    unsigned          i, n, waits;
    uint64_t          now;
    ngx_token_pace_t  p;

    (void) state;

    memset(&p, 0, sizeof(p));
    now = 0;

    /* a steady stream: as many in 300 us as during the commit before */

    for (i = 0, waits = 0; i < 1000; i++) {
        ngx_token_pace_end(&p, now, now + 300 * US, 30, 30);
        now += 300 * US;

        if (ngx_token_pace_wait(&p, now, 30) == 0) {
            continue;
        }

        waits++;

        for (n = 31; ngx_token_pace_wait(&p, now += 20 * US, n) != 0; n += 2) {
            assert_true(n < 60);
        }
    }

    /* after 2, 4, 8, ... 64 commits, and then every 64 */

    assert_in_range(waits, 16, 22);
    assert_int_equal(p.misses, 6);

    /* until it pays again */

    while (p.skip) {
        assert_int_equal(ngx_token_pace_wait(&p, now, 30), 0);
    }

    ngx_token_pace_end(&p, now, now + 300 * US, 30, 1);
    now += 300 * US;
    assert_int_equal(ngx_token_pace_wait(&p, now, 1), 300 * US);
    assert_int_equal(ngx_token_pace_wait(&p, now + 50 * US, 28), 0);
    assert_int_equal(p.misses, 0);
}


/* a batch that its process fills up again is not seen for a moment */

static void
test_a_number_that_falls_is_no_gain(void **state)
{
    uint64_t          now;
    ngx_token_pace_t  p;

    (void) state;

    memset(&p, 0, sizeof(p));
    now = commit(&p, 50, 20);

    assert_int_equal(ngx_token_pace_wait(&p, now, 20), 300 * US);
    assert_int_equal(ngx_token_pace_wait(&p, now + 300 * US, 3), 0);
    assert_int_equal(p.misses, 1);
    assert_int_equal(p.skip, 2);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_the_first_is_not_waited_for),
        cmocka_unit_test(test_who_is_alone_is_not_waited_for),
        cmocka_unit_test(test_those_who_come_back_are_waited_for),
        cmocka_unit_test(test_nobody_is_waited_for_long),
        cmocka_unit_test(test_waiting_that_does_not_pay_is_left_out),
        cmocka_unit_test(test_a_number_that_falls_is_no_gain)
    };

    return cmocka_run_group_tests_name("store_pace", tests, NULL, NULL);
}
