
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/store_test.h"
#include "store/ngx_token_live.h"

#include <lmdb.h>
#include <time.h>


static ngx_token_buf_t  names;


static ngx_token_live_t *
open_live(const char *dir)
{
    char               err[512];
    ngx_token_live_t  *live;

    if (ngx_token_live_open(dir, 0, &live, err, sizeof(err))
        != NGX_TOKEN_OK)
    {
        fail_msg("open: %s", err);
    }

    return live;
}


static void
put(ngx_token_live_t *live, const char *channel, const char *user,
    uint64_t tabs, unsigned linger)
{
    ngx_token_live_row_t  row;

    row.channel = str(channel);
    row.user = str(user);
    row.tabs = tabs;
    row.linger = linger ? 1 : 0;

    assert_int_equal(ngx_token_live_write(live, &row, 1), NGX_TOKEN_OK);
}


static const char *
path(const char *dir, const char *name)
{
    static char  buf[4096];

    (void) snprintf(buf, sizeof(buf), "%s/%s", dir, name);

    return buf;
}


/* expected: "alice 2, bob 1; 3": users with tabs; anonymous */

static void
assert_present(ngx_token_live_t *live, const char *channel,
    const char *expected)
{
    char                  text[4096];
    size_t                i, n, len;
    uint64_t              anonymous;
    ngx_token_str_t       name;
    ngx_token_present_t  *users;

    name = str(channel);
    assert_int_equal(ngx_token_live_read(live, &name, &names, &users, &n,
                                         &anonymous),
                     NGX_TOKEN_OK);

    for (i = 0, len = 0; i < n; i++) {
        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s%.*s %u",
                                 i ? ", " : "", (int) users[i].user.len,
                                 (const char *) users[i].user.data,
                                 (unsigned) users[i].tabs);
    }

    (void) snprintf(text + len, sizeof(text) - len, "; %u",
                    (unsigned) anonymous);

    assert_string_equal(text, expected);

    free(users);
}


static size_t
sweep(ngx_token_live_t *live)
{
    size_t    swept;
    unsigned  stale;

    stale = ngx_token_live_is_stale(live);

    assert_int_equal(ngx_token_live_sweep(live, &swept), NGX_TOKEN_OK);

    /* it was known before, and nothing is left now */

    assert_int_equal(stale, swept != 0);
    assert_int_equal(ngx_token_live_is_stale(live), 0);

    return swept;
}


static void
test_rows_come_and_go(void **state)
{
    uint64_t           txnid;
    ngx_token_live_t  *live;

    live = open_live(*state);
    assert_present(live, "room", "; 0");

    txnid = ngx_token_live_txnid(live);
    put(live, "room", "bob", 1, 0);
    assert_true(ngx_token_live_txnid(live) > txnid);

    put(live, "room", "alice", 2, 0);
    put(live, "room", "al", 1, 0);
    put(live, "room", "", 3, 0);
    put(live, "roo", "carol", 1, 0);
    put(live, "room2", "dave", 1, 0);

    assert_present(live, "room", "al 1, alice 2, bob 1; 3");
    assert_present(live, "roo", "carol 1; 0");
    assert_present(live, "none", "; 0");
    assert_present(live, "", "; 0");

    /* the last word of each row */

    put(live, "room", "bob", 4, 0);
    put(live, "room", "alice", 0, 0);
    put(live, "room", "nobody", 0, 0);
    put(live, "room", "", 0, 0);
    assert_present(live, "room", "al 1, bob 4; 0");

    ngx_token_live_close(live, 0);
}


static void
test_a_user_lingers(void **state)
{
    ngx_token_live_t  *live;

    live = open_live(*state);

    put(live, "room", "alice", 0, 1);
    assert_present(live, "room", "alice 1; 0");

    put(live, "room", "alice", 2, 0);
    assert_present(live, "room", "alice 2; 0");

    put(live, "room", "alice", 0, 1);
    put(live, "room", "alice", 0, 0);
    assert_present(live, "room", "; 0");

    ngx_token_live_close(live, 0);
}


static void
test_rows_are_written_together(void **state)
{
    char                   channels[500][8];
    size_t                 i;
    uint64_t               txnid;
    ngx_token_live_t      *live;
    ngx_token_live_row_t   rows[500];

    live = open_live(*state);

    for (i = 0; i < 500; i++) {
        (void) snprintf(channels[i], sizeof(channels[i]), "c%u", (unsigned) i);
        memset(&rows[i], 0, sizeof(ngx_token_live_row_t));
        rows[i].channel = str(channels[i]);
        rows[i].user = str("alice");
        rows[i].tabs = i + 1;
    }

    txnid = ngx_token_live_txnid(live);
    assert_int_equal(ngx_token_live_write(live, rows, 500), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_live_txnid(live), txnid + 1);
    assert_int_equal(ngx_token_live_write(live, rows, 0), NGX_TOKEN_OK);
    assert_present(live, "c499", "alice 500; 0");

    /* one that cannot be: none is written */

    rows[1].channel.len = 256;
    rows[0].tabs = 7;
    assert_int_equal(ngx_token_live_write(live, rows, 2), NGX_TOKEN_ERROR);
    assert_present(live, "c0", "alice 1; 0");

    ngx_token_live_close(live, 0);
}


/* LMDB's keys are shorter than a channel's name and a user's together */

static void
test_the_longest_names(void **state)
{
    char                  channel[256], one[256], two[256];
    size_t                n;
    uint64_t              anonymous;
    ngx_token_str_t       name;
    ngx_token_live_t     *live;
    ngx_token_present_t  *users;

    memset(channel, 'c', 255);
    memset(one, 'u', 255);
    memset(two, 'u', 255);
    channel[255] = one[255] = two[255] = '\0';
    two[254] = 'v';

    live = open_live(*state);

    put(live, channel, one, 1, 0);
    put(live, channel, two, 2, 0);
    put(live, channel, one, 3, 0);

    name = str(channel);
    assert_int_equal(ngx_token_live_read(live, &name, &names, &users, &n,
                                         &anonymous),
                     NGX_TOKEN_OK);
    assert_int_equal(n, 2);
    assert_str(&users[0].user, one);
    assert_int_equal(users[0].tabs, 3);
    assert_str(&users[1].user, two);
    assert_int_equal(users[1].tabs, 2);
    free(users);

    put(live, channel, one, 0, 0);
    put(live, channel, two, 0, 0);
    assert_present(live, channel, "; 0");

    ngx_token_live_close(live, 0);
}


/* Child: is there until its standard input ends */

static int
tab(const char *dir)
{
    char               c;
    ngx_token_live_t  *live;

    live = open_live(dir);

    put(live, "room", "alice", 2, 0);
    put(live, "room", "bob", 0, 1);
    put(live, "room", "", 1, 0);
    put(live, "other", "alice", 1, 0);

    c = 'r';

    if (write(STDOUT_FILENO, &c, 1) != 1 || read(STDIN_FILENO, &c, 1) != 0) {
        return 1;
    }

    ngx_token_live_close(live, 0);

    return 0;
}


/* in: out: closing it ends the child */

static pid_t
spawn_tab(const char *what, const char *dir, int *in)
{
    int    to[2], from[2], saved;
    char   c;
    pid_t  pid;

    assert_int_equal(pipe(to), 0);
    assert_int_equal(pipe(from), 0);
    assert_int_not_equal(fcntl(to[1], F_SETFD, FD_CLOEXEC), -1);

    saved = dup(STDIN_FILENO);
    assert_int_equal(dup2(to[0], STDIN_FILENO), STDIN_FILENO);

    pid = spawn(what, dir, from[1]);

    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    (void) close(saved);
    (void) close(to[0]);
    (void) close(from[1]);

    assert_int_equal(read(from[0], &c, 1), 1);
    (void) close(from[0]);

    *in = to[1];

    return pid;
}


static void
test_processes_are_summed(void **state)
{
    int                in[2];
    pid_t              pids[2];
    ngx_token_live_t  *live;

    live = open_live(*state);

    pids[0] = spawn_tab("tab", *state, &in[0]);
    assert_present(live, "room", "alice 2, bob 1; 1");

    pids[1] = spawn_tab("tab", *state, &in[1]);
    put(live, "room", "bob", 1, 0);
    put(live, "room", "carol", 1, 0);
    assert_present(live, "room", "alice 4, bob 1, carol 1; 2");
    assert_present(live, "other", "alice 2; 0");

    /* all are alive */

    assert_int_equal(sweep(live), 0);

    /* one closes: its rows are gone with it */

    (void) close(in[0]);
    assert_int_equal(wait_for(pids[0]), 0);
    assert_present(live, "room", "alice 2, bob 1, carol 1; 1");

    (void) close(in[1]);
    assert_int_equal(wait_for(pids[1]), 0);
    assert_present(live, "room", "bob 1, carol 1; 0");
    assert_int_equal(sweep(live), 0);

    ngx_token_live_close(live, 0);
}


static void
test_the_dead_are_swept(void **state)
{
    int                in[2];
    pid_t              pids[2];
    ngx_token_live_t  *live;

    live = open_live(*state);
    put(live, "room", "carol", 1, 0);

    pids[0] = spawn_tab("tab", *state, &in[0]);
    pids[1] = spawn_tab("tab", *state, &in[1]);

    assert_int_equal(kill(pids[0], SIGKILL), 0);
    assert_int_equal(wait_for(pids[0]), -1);

    assert_present(live, "room", "alice 4, bob 1, carol 1; 2");
    assert_int_equal(sweep(live), 4);
    assert_present(live, "room", "alice 2, bob 1, carol 1; 1");
    assert_int_equal(sweep(live), 0);

    /* one that nobody has waited for yet has ended, too */

    assert_int_equal(kill(pids[1], SIGKILL), 0);

    while (waitid(P_PID, (id_t) pids[1], &(siginfo_t) { 0 },
                  WEXITED|WNOWAIT) == -1)
    {
        assert_int_equal(errno, EINTR);
    }

    assert_int_equal(sweep(live), 4);
    assert_present(live, "room", "carol 1; 0");

    assert_int_equal(wait_for(pids[1]), -1);
    (void) close(in[0]);
    (void) close(in[1]);

    ngx_token_live_close(live, 0);
}


static void
test_a_crash_of_all_is_swept_by_the_next(void **state)
{
    int                in;
    pid_t              pid;
    ngx_token_live_t  *live;

    pid = spawn_tab("tab", *state, &in);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(wait_for(pid), -1);
    (void) close(in);

    live = open_live(*state);
    assert_present(live, "room", "alice 2, bob 1; 1");
    assert_int_equal(sweep(live), 4);
    assert_present(live, "room", "; 0");
    ngx_token_live_close(live, 0);
}


static void
test_many_rows_are_swept(void **state)
{
    int                in;
    pid_t              pid;
    ngx_token_live_t  *live;

    live = open_live(*state);

    put(live, "c00007", "carol", 1, 0);
    pid = spawn_tab("many tabs", *state, &in);
    assert_present(live, "c00007", "alice 1, carol 1; 0");

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(wait_for(pid), -1);
    (void) close(in);

    assert_int_equal(sweep(live), 20000);
    assert_present(live, "c00007", "carol 1; 0");
    assert_present(live, "c19999", "; 0");

    ngx_token_live_close(live, 0);
}


/* a user whose sessions move to another worker does not leave for a moment */

static void
test_users_linger_after_their_process(void **state)
{
    int                in;
    pid_t              pid;
    struct timespec    ts;
    ngx_token_live_t  *live;

    live = open_live(*state);
    (void) clock_gettime(CLOCK_REALTIME, &ts);

    put(live, "room", "alice", 2, 0);
    put(live, "room", "", 2, 0);

    pid = spawn_tab("tab", *state, &in);
    assert_present(live, "room", "alice 4, bob 1; 3");

    ngx_token_live_close(live, ((uint64_t) ts.tv_sec + 3600) * 1000);
    (void) close(in);
    assert_int_equal(wait_for(pid), 0);

    live = open_live(*state);
    assert_present(live, "room", "alice 1; 0");
    assert_int_equal(sweep(live), 0);
    put(live, "room", "alice", 1, 0);
    assert_present(live, "room", "alice 1; 0");

    /* a time that has passed already */

    ngx_token_live_close(live, 1);

    live = open_live(*state);
    put(live, "room", "carol", 1, 0);
    assert_int_equal(sweep(live), 1);
    assert_present(live, "room", "alice 1, carol 1; 0");
    ngx_token_live_close(live, 0);
}


/*
 * A token that a handler runs: one process has it, until it gives it back or
 * is gone.
 */

static void
test_a_token_is_claimed_by_one(void **state)
{
    int                in;
    pid_t              pid;
    unsigned           i;
    unsigned char      id[3][NGX_TOKEN_ID_LEN];
    ngx_token_live_t  *live;
    ngx_token_claim_t  claims[3];

    make_id(id[0], TIME, 1);
    make_id(id[1], TIME, 2);
    make_id(id[2], TIME, 3);

    live = open_live(*state);
    assert_int_equal(ngx_token_live_claimed(live, id[0]), NGX_TOKEN_DECLINED);

    pid = spawn_tab("claim", *state, &in);

    assert_int_equal(ngx_token_live_claimed(live, id[0]), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_live_claim(live, id[0]), NGX_TOKEN_DECLINED);
    assert_int_equal(ngx_token_live_claimed(live, id[1]), NGX_TOKEN_DECLINED);
    assert_int_equal(ngx_token_live_claim(live, id[1]), NGX_TOKEN_OK);

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(wait_for(pid), -1);
    (void) close(in);

    /* before any sweep */

    assert_int_equal(ngx_token_live_claimed(live, id[0]), NGX_TOKEN_DECLINED);
    assert_int_equal(ngx_token_live_claim(live, id[0]), NGX_TOKEN_OK);

    /* given back by who had it before: it is another's by now */

    for (i = 0; i < 3; i++) {
        memcpy(claims[i].id, id[i], NGX_TOKEN_ID_LEN);
        memset(claims[i].proc, 0x77, NGX_TOKEN_PROC_LEN);
    }

    assert_int_equal(ngx_token_live_unclaim(live, claims, 3), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_live_claimed(live, id[0]), NGX_TOKEN_OK);

    for (i = 0; i < 3; i++) {
        memcpy(claims[i].proc, ngx_token_live_proc(live), NGX_TOKEN_PROC_LEN);
    }

    assert_int_equal(ngx_token_live_unclaim(live, claims, 3), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_live_claimed(live, id[0]), NGX_TOKEN_DECLINED);
    assert_int_equal(ngx_token_live_claimed(live, id[1]), NGX_TOKEN_DECLINED);

    ngx_token_live_close(live, 0);
}


/* Child */

static int
claim(const char *dir)
{
    char               c;
    unsigned char      id[NGX_TOKEN_ID_LEN];
    ngx_token_live_t  *live;

    live = open_live(dir);
    make_id(id, TIME, 1);
    c = 'r';

    return ngx_token_live_claim(live, id) != NGX_TOKEN_OK
           || write(STDOUT_FILENO, &c, 1) != 1
           || read(STDIN_FILENO, &c, 1) != 0;
}


static int
many_tabs(const char *dir)
{
    char                   c, (*channels)[16];
    size_t                 i;
    ngx_token_live_t      *live;
    ngx_token_live_row_t  *rows;

    live = open_live(dir);
    rows = calloc(20000, sizeof(ngx_token_live_row_t));
    channels = calloc(20000, sizeof(*channels));

    if (rows == NULL || channels == NULL) {
        return 1;
    }

    for (i = 0; i < 20000; i++) {
        (void) snprintf(channels[i], 16, "c%05u", (unsigned) i);
        rows[i].channel = str(channels[i]);
        rows[i].user = str("alice");
        rows[i].tabs = 1;
    }

    if (ngx_token_live_write(live, rows, 20000) != NGX_TOKEN_OK) {
        return 1;
    }

    free(rows);
    free(channels);

    c = 'r';

    return write(STDOUT_FILENO, &c, 1) != 1 || read(STDIN_FILENO, &c, 1) != 0;
}


static void
test_a_file_of_something_else_is_replaced(void **state)
{
    FILE              *f;
    char               page[8192];
    ngx_token_live_t  *live;

    memset(page, 'x', sizeof(page));

    f = fopen(path(*state, "live.mdb"), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(page, 1, sizeof(page), f), sizeof(page));
    assert_int_equal(fclose(f), 0);

    live = open_live(*state);
    put(live, "room", "alice", 1, 0);
    assert_present(live, "room", "alice 1; 0");
    ngx_token_live_close(live, 0);
}


static void
test_another_format_is_emptied(void **state)
{
    int                in;
    pid_t              pid;
    MDB_env           *env;
    MDB_txn           *txn;
    MDB_dbi            dbi;
    MDB_val            key, data;
    ngx_token_live_t  *live;

    pid = spawn_tab("tab", *state, &in);

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, path(*state, "live.mdb"), MDB_NOSUBDIR,
                                  0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &dbi), 0);

    key.mv_data = (void *) (uintptr_t) "format";
    key.mv_size = 6;
    data.mv_data = (void *) (uintptr_t) "ngx_token live\0\0\0\377";
    data.mv_size = 18;

    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);

    live = open_live(*state);
    assert_present(live, "room", "; 0");
    put(live, "room", "carol", 1, 0);
    assert_present(live, "room", "carol 1; 0");

    (void) close(in);
    assert_int_equal(wait_for(pid), 0);
    assert_present(live, "room", "carol 1; 0");

    ngx_token_live_close(live, 0);
}


/* the machine has been started anew: what is in the file may be anything */

static void
test_a_file_from_before_the_boot_is_not_opened(void **state)
{
    int                in;
    FILE              *f;
    pid_t              pid;
    ngx_token_live_t  *live;

    pid = spawn_tab("tab", *state, &in);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(wait_for(pid), -1);
    (void) close(in);

    f = fopen(path(*state, "live.mdb-boot"), "r+b");

    assert_non_null(f);

    assert_int_equal(fwrite("another", 1, 7, f), 7);
    assert_int_equal(fclose(f), 0);

    live = open_live(*state);
    assert_present(live, "room", "; 0");
    put(live, "room", "carol", 1, 0);
    ngx_token_live_close(live, 0);

    /* once */

    pid = spawn_tab("tab", *state, &in);
    live = open_live(*state);
    assert_present(live, "room", "alice 2, bob 1; 1");
    ngx_token_live_close(live, 0);
    (void) close(in);
    assert_int_equal(wait_for(pid), 0);
}


static void
test_an_error_names_the_place(void **state)
{
    char               err[512];
    ngx_token_live_t  *live;

    assert_int_equal(ngx_token_live_open(path(*state, "none"), 0, &live, err,
                                         sizeof(err)),
                     NGX_TOKEN_ERROR);
    assert_non_null(strstr(err, path(*state, "none")));

    live = open_live(*state);
    assert_int_equal(ngx_token_live_open(*state, 0, &live, err, sizeof(err)),
                     NGX_TOKEN_ERROR);
    assert_non_null(strstr(err, "already open"));
    ngx_token_live_close(live, 0);
}


/* beside each other in one directory */

static void
test_a_store_and_its_live_file(void **state)
{
    ngx_token_live_t    *live;
    ngx_token_store_t   *st;
    ngx_token_effect_t   e;

    st = open_store(*state);
    live = open_live(*state);

    e = make_effect(NGX_TOKEN_EFFECT_SET, "a", "1");
    apply_ok(st, 1, &e);
    put(live, "room", "alice", 1, 0);

    assert_atom(st, "a", "1");
    assert_present(live, "room", "alice 1; 0");

    ngx_token_store_close(st);
    assert_present(live, "room", "alice 1; 0");
    ngx_token_live_close(live, 0);
}


static int
free_names(void **state)
{
    (void) state;

    ngx_token_buf_free(&names);

    return 0;
}


int
main(int argc, char **argv)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_come_and_go,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_user_lingers,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_rows_are_written_together,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_the_longest_names,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_processes_are_summed,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_the_dead_are_swept,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_crash_of_all_is_swept_by_the_next, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_users_linger_after_their_process,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_token_is_claimed_by_one,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_many_rows_are_swept,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_file_of_something_else_is_replaced, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_another_format_is_emptied,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_file_from_before_the_boot_is_not_opened,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_an_error_names_the_place,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_store_and_its_live_file,
                                        make_dir, remove_dir)
    };

    if (argc == 3) {

        if (strcmp(argv[1], "many tabs") == 0) {
            return many_tabs(argv[2]);
        }

        if (strcmp(argv[1], "claim") == 0) {
            return claim(argv[2]);
        }

        return tab(argv[2]);
    }

    return cmocka_run_group_tests_name("live", tests, NULL, free_names);
}
