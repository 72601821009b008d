
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/store_test.h"
#include "store/ngx_token_live.h"

#include <pthread.h>
#include <stdatomic.h>


/* two of the pool's threads write and claim, while the event loop looks */

#define WRITERS  2
#define ROUNDS   200


typedef struct {
    ngx_token_live_t  *live;
    unsigned char      k;                 /* which of the writers */
    atomic_int         done;
} writer_t;


static atomic_int  ncancels;


static void
count_cancel(const unsigned char *id, const ngx_token_str_t *user)
{
    (void) id;

    if (user->len == 2 && user->data[0] == 'u') {
        (void) atomic_fetch_add(&ncancels, 1);
    }
}


/* one round of a writer; what went wrong, or NULL */

static const char *
write_round(writer_t *w, unsigned char n)
{
    size_t                swept;
    unsigned char         name[2], ids[1][NGX_TOKEN_ID_LEN];
    ngx_token_str_t       user;
    ngx_token_claim_t     claim;
    ngx_token_live_row_t  row;

    name[0] = 'u';
    name[1] = (unsigned char) ('0' + w->k);
    user.data = name;
    user.len = 2;

    memset(ids, w->k, sizeof(ids));
    ids[0][0] = n;

    row.channel = str("room");
    row.user = user;
    row.tabs = 1 + n % 3;
    row.linger = 0;

    if (ngx_token_live_write(w->live, &row, 1) != NGX_TOKEN_OK) {
        return "write";
    }

    if (ngx_token_live_claim(w->live, ids[0]) != NGX_TOKEN_OK
        || ngx_token_live_claimed(w->live, ids[0]) != NGX_TOKEN_OK)
    {
        return "claim";
    }

    if (ngx_token_live_cancel(w->live, ids[0], &user) != NGX_TOKEN_OK) {
        return "cancel";
    }

    /* the event loop has seen one, or it has been too fast for it */
    (void) ngx_token_live_cancels(w->live, count_cancel);

    memcpy(claim.id, ids[0], NGX_TOKEN_ID_LEN);
    memcpy(claim.proc, ngx_token_live_proc(w->live), NGX_TOKEN_PROC_LEN);

    if (ngx_token_live_unclaim(w->live, &claim, 1) != NGX_TOKEN_OK
        || ngx_token_live_claimed(w->live, ids[0]) != NGX_TOKEN_DECLINED)
    {
        return "unclaim";
    }

    if (ngx_token_live_sweep(w->live, &swept) != NGX_TOKEN_OK || swept) {
        return "sweep";
    }

    return NULL;
}


static void *
write_on(void *data)
{
    unsigned     n;
    writer_t    *w;
    const char  *wrong;

    w = data;
    wrong = NULL;

    for (n = 0; n < ROUNDS && wrong == NULL; n++) {
        wrong = write_round(w, (unsigned char) n);
    }

    atomic_store(&w->done, 1);

    return (void *) (uintptr_t) wrong;
}


/* as the event loop does; returns how many users there are */

static size_t
look(ngx_token_live_t *live, ngx_token_buf_t *names)
{
    size_t                i, n;
    uint64_t              anonymous, others;
    ngx_token_str_t       room;
    ngx_token_present_t  *users;

    room = str("room");

    assert_int_equal(ngx_token_live_read(live, &room, names, &users, &n,
                                         &anonymous),
                     NGX_TOKEN_OK);
    assert_int_equal(anonymous, 0);

    for (i = 0; i < n; i++) {
        assert_int_equal(users[i].user.len, 2);
        assert_in_range(users[i].tabs, 1, 3);

        assert_int_equal(ngx_token_live_others(live, &room, &users[i].user,
                                               &others),
                         NGX_TOKEN_OK);
        assert_int_equal(others, 0);
    }

    free(users);

    assert_int_equal(ngx_token_live_cancels(live, count_cancel),
                     NGX_TOKEN_OK);
    assert_false(ngx_token_live_is_stale(live));

    return n;
}


static void
test_pool_and_event_loop(void **state)
{
    char               err[512];
    void              *wrong;
    size_t             i;
    uint64_t           txnid, last;
    writer_t           writers[WRITERS];
    pthread_t          threads[WRITERS];
    ngx_token_buf_t    names;
    ngx_token_live_t  *live;

    assert_int_equal(ngx_token_live_open(*state, 0, &live, err, sizeof(err)),
                     NGX_TOKEN_OK);
    memset(&names, 0, sizeof(ngx_token_buf_t));
    memset(writers, 0, sizeof(writers));
    last = 0;

    for (i = 0; i < WRITERS; i++) {
        writers[i].live = live;
        writers[i].k = (unsigned char) i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_on,
                                        &writers[i]),
                         0);
    }

    while (!atomic_load(&writers[0].done) || !atomic_load(&writers[1].done)) {
        (void) look(live, &names);

        txnid = ngx_token_live_txnid(live);
        assert_true(txnid >= last);
        last = txnid;
    }

    for (i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);

        if (wrong != NULL) {
            fail_msg("%s", (char *) wrong);
        }
    }

    assert_int_equal(look(live, &names), WRITERS);
    assert_true(atomic_load(&ncancels) >= WRITERS * ROUNDS);

    ngx_token_buf_free(&names);
    ngx_token_live_close(live, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_pool_and_event_loop,
                                        make_dir, remove_dir)
    };

    return cmocka_run_group_tests_name("live_threads", tests, NULL, NULL);
}
