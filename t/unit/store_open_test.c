
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/store_test.h"

#include <lmdb.h>


#define OPENERS  8
#define NOBODY   65534                    /* user and group */


static char                    err[512];
static ngx_token_store_t      *store;
static ngx_token_store_conf_t  conf;      /* all defaults, unsynced */


static const char *
path(void **state, const char *name)
{
    static char  buf[4096];

    (void) snprintf(buf, sizeof(buf), "%s/%s", (char *) *state, name);

    return buf;
}


static void
write_file(const char *name, const void *data, size_t len)
{
    FILE  *f;

    f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}


/* how many files there are in the directory */

static unsigned
count_files(const char *dir)
{
    DIR       *d;
    unsigned   n;

    d = opendir(dir);
    assert_non_null(d);

    for (n = 0; readdir(d) != NULL; n++) { /* void */ }

    (void) closedir(d);

    return n - 2;
}


static void
assert_refused(const char *dir, ngx_token_rc_t rc, const char *file,
    const char *reason)
{
    err[0] = '\0';
    assert_int_equal(ngx_token_store_open(dir, &conf, &store, err,
                                          sizeof(err)), rc);
    assert_non_null(strstr(err, file));
    assert_non_null(strstr(err, reason));
    assert_string_equal(err, ngx_token_store_error());
}


static void
assert_probe(const char *dir, ngx_token_rc_t rc, const char *reason)
{
    unsigned  n;

    n = count_files(dir);
    err[0] = '\0';

    assert_int_equal(ngx_token_store_probe(dir, err, sizeof(err)), rc);
    assert_non_null(strstr(err, reason));
    assert_int_equal(count_files(dir), n);
}


/* an LMDB file, with one row in the database (NULL: the main one) */

static void
make_lmdb(const char *dir, const char *db, const char *name,
    const void *data, size_t len)
{
    MDB_env  *env;
    MDB_txn  *txn;
    MDB_dbi   dbi;
    MDB_val   k, v;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, db, MDB_CREATE, &dbi), 0);

    k.mv_data = (void *) (uintptr_t) name;
    k.mv_size = strlen(name);
    v.mv_data = (void *) (uintptr_t) data;
    v.mv_size = len;

    assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}


static void
test_a_new_store_is_empty(void **state)
{
    char                epoch[NGX_TOKEN_EPOCH_LEN + 1];
    size_t              i;
    ngx_token_store_t  *st;

    st = open_store(*state);

    (void) strcpy(epoch, ngx_token_store_epoch(st));
    assert_int_equal(strlen(epoch), NGX_TOKEN_EPOCH_LEN);

    for (i = 0; epoch[i] != '\0'; i++) {
        assert_non_null(strchr("0123456789abcdef", epoch[i]));
    }

    assert_int_equal(head(st), 0);
    assert_int_equal(ngx_token_store_txnid(st), 1);

    ngx_token_store_close(st);

    /* the epoch stays with the store, and no other has it */

    st = open_store(*state);
    assert_string_equal(ngx_token_store_epoch(st), epoch);
    assert_int_equal(ngx_token_store_txnid(st), 1);
    ngx_token_store_close(st);

    assert_int_equal(unlink(path(state, "data.mdb")), 0);

    st = open_store(*state);
    assert_string_not_equal(ngx_token_store_epoch(st), epoch);
    ngx_token_store_close(st);
}


static void
test_what_is_no_directory_is_refused(void **state)
{
    char  dir[4096];

    (void) strcpy(dir, path(state, "none"));
    assert_refused(dir, NGX_TOKEN_ERROR, dir, "No such file or directory");
    assert_int_equal(ngx_token_store_probe(dir, err, sizeof(err)),
                     NGX_TOKEN_ERROR);

    write_file(dir, "x", 1);
    assert_refused(dir, NGX_TOKEN_ERROR, dir, "is not a directory");
    assert_int_equal(ngx_token_store_probe(dir, err, sizeof(err)),
                     NGX_TOKEN_ERROR);
}


static void
test_a_file_of_something_else_is_refused(void **state)
{
    char  page[8192];

    memset(page, 'x', sizeof(page));
    write_file(path(state, "data.mdb"), page, sizeof(page));

    assert_refused(*state, NGX_TOKEN_FORMAT, "data.mdb",
                   "is not an LMDB file");
    assert_probe(*state, NGX_TOKEN_FORMAT, "is not an LMDB file");

    /* shorter than a page */

    write_file(path(state, "data.mdb"), "x", 1);
    assert_refused(*state, NGX_TOKEN_FORMAT, "data.mdb",
                   "is not an LMDB file");
    assert_probe(*state, NGX_TOKEN_FORMAT, "is not an LMDB file");

    assert_int_equal(unlink(path(state, "data.mdb")), 0);
    assert_int_equal(mkdir(path(state, "data.mdb"), 0700), 0);
    assert_refused(*state, NGX_TOKEN_FORMAT, "data.mdb",
                   "is not a regular file");
}


static void
test_a_database_of_another_program_is_refused(void **state)
{
    make_lmdb(*state, NULL, "name", "value", 5);
    assert_refused(*state, NGX_TOKEN_FORMAT, "data.mdb",
                   "LMDB file of another program");
    assert_probe(*state, NGX_TOKEN_FORMAT, "LMDB file of another program");
}


static void
test_a_row_with_our_name_is_refused(void **state)
{
    make_lmdb(*state, NULL, "format", "other", 5);
    assert_refused(*state, NGX_TOKEN_FORMAT, "data.mdb",
                   "LMDB file of another program");
    assert_probe(*state, NGX_TOKEN_FORMAT, "LMDB file of another program");
}


static void
test_a_database_with_the_name_of_a_row_is_refused(void **state)
{
    make_lmdb(*state, "format", "name", "value", 5);
    assert_refused(*state, NGX_TOKEN_FORMAT, "data.mdb",
                   "LMDB file of another program");
    assert_probe(*state, NGX_TOKEN_FORMAT, "LMDB file of another program");
}


static void
test_another_format_is_refused(void **state)
{
    ngx_token_store_close(open_store(*state));

    make_lmdb(*state, NULL, "format", "ngx_token\0\0\0\3", 13);

    assert_refused(*state, NGX_TOKEN_FORMAT, "data.mdb", "of format 3");
    assert_probe(*state, NGX_TOKEN_FORMAT, "of format 3");
}


static void
test_the_first_format_is_refused(void **state)
{
    make_lmdb(*state, "meta", "format", "ngx_token\0\0\0\1", 13);

    assert_refused(*state, NGX_TOKEN_FORMAT, "data.mdb", "of format 1");
    assert_probe(*state, NGX_TOKEN_FORMAT, "of format 1");
}


static void
test_a_damaged_store_is_refused(void **state)
{
    ngx_token_store_close(open_store(*state));

    make_lmdb(*state, NULL, "state", "short", 5);

    assert_refused(*state, NGX_TOKEN_FORMAT, "data.mdb", "damaged");
    assert_probe(*state, NGX_TOKEN_FORMAT, "damaged");
}


static void
test_a_truncated_store_is_refused(void **state)
{
    off_t                i, n;
    char                *value, name[32];
    struct stat          sb;
    ngx_token_store_t   *st;
    ngx_token_effect_t   e;

    value = malloc(20001);
    assert_non_null(value);
    memset(value, '1', 20000);
    value[20000] = '\0';

    st = open_store(*state);

    for (i = 0; i < 40; i++) {
        (void) snprintf(name, sizeof(name), "a/%d", (int) i);
        e = make_effect(NGX_TOKEN_EFFECT_SET, name, value);
        apply_ok(st, (uint64_t) i + 1, &e);
    }

    ngx_token_store_close(st);
    free(value);

    assert_int_equal(stat(path(state, "data.mdb"), &sb), 0);
    n = sb.st_size / 4096;

    for (i = n - 1; i > 1; i--) {
        assert_int_equal(truncate(path(state, "data.mdb"), i * 4096), 0);
        assert_refused(*state, NGX_TOKEN_FORMAT, "data.mdb", "is truncated");
        assert_probe(*state, NGX_TOKEN_FORMAT, "is truncated");
    }
}


/* Returns: 1: it is refused, and the sentence says so */

static int
is_refused(const char *dir, const char *file)
{
    return ngx_token_store_open(dir, &conf, &store, err, sizeof(err))
           == NGX_TOKEN_ERROR
           && strstr(err, file) != NULL
           && strstr(err, "Permission denied") != NULL;
}


/* Child: as a user to whom files can be closed */

static int
check_permissions(const char *dir, const char *data)
{
    if (geteuid() == 0
        && (setgid(NOBODY) == -1 || setuid(NOBODY) == -1))
    {
        return 1;
    }

    if (ngx_token_store_open(dir, &conf, &store, err, sizeof(err))
        != NGX_TOKEN_OK)
    {
        return 2;
    }

    ngx_token_store_close(store);

    if (chmod(data, 0400) == -1 || !is_refused(dir, "data.mdb")) {
        return 3;
    }

    if (chmod(dir, 0500) == -1 || !is_refused(dir, dir)
        || ngx_token_store_probe(dir, err, sizeof(err)) != NGX_TOKEN_ERROR)
    {
        return 4;
    }

    return (chmod(dir, 0700) == -1) ? 5 : 0;
}


static void
test_permissions_are_named(void **state)
{
    pid_t  pid;

    if (geteuid() == 0) {
        assert_int_equal(chown(*state, NOBODY, NOBODY), 0);
    }

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {
        _exit(check_permissions(*state, path(state, "data.mdb")));
    }

    assert_int_equal(wait_for(pid), 0);
}


static void
test_a_second_open_in_a_process_is_refused(void **state)
{
    ngx_token_store_t  *st;

    st = open_store(*state);

    assert_refused(*state, NGX_TOKEN_ERROR, "data.mdb", "already open");
    assert_probe(*state, NGX_TOKEN_OK, "");

    ngx_token_store_close(st);
    ngx_token_store_close(open_store(*state));
}


static void
test_a_probe_leaves_no_trace(void **state)
{
    int                  go[2], done[2];
    char                 c;
    pid_t                pid;
    ngx_token_store_t   *st;

    assert_probe(*state, NGX_TOKEN_OK, "");
    assert_int_equal(count_files(*state), 0);

    write_file(path(state, "data.mdb"), "", 0);
    assert_probe(*state, NGX_TOKEN_OK, "");
    assert_int_equal(count_files(*state), 1);

    ngx_token_store_close(open_store(*state));
    assert_probe(*state, NGX_TOKEN_OK, "");

    /* while another process has it open */

    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(done), 0);

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {
        st = open_store(*state);
        c = 'o';
        _exit(write(done[1], &c, 1) != 1 || read(go[0], &c, 1) != 1
              || head(st) != 0);
    }

    assert_int_equal(read(done[0], &c, 1), 1);
    assert_probe(*state, NGX_TOKEN_OK, "");
    assert_int_equal(write(go[1], &c, 1), 1);
    assert_int_equal(wait_for(pid), 0);

    (void) close(go[0]);
    (void) close(go[1]);
    (void) close(done[0]);
    (void) close(done[1]);
}


/* many find an empty directory at once: one store, one epoch */

static void
test_many_make_one_store(void **state)
{
    int                  go[2], done[2], i;
    char                 epochs[OPENERS][NGX_TOKEN_EPOCH_LEN], c;
    pid_t                pids[OPENERS];
    ngx_token_store_t   *st;

    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(done), 0);

    for (i = 0; i < OPENERS; i++) {
        pids[i] = fork();
        assert_int_not_equal(pids[i], -1);

        if (pids[i] == 0) {
            (void) close(go[1]);

            /* all start when the pipe is closed */

            if (read(go[0], &c, 1) != 0) {
                _exit(1);
            }

            st = open_store(*state);

            _exit(write(done[1], ngx_token_store_epoch(st),
                        NGX_TOKEN_EPOCH_LEN)
                  != NGX_TOKEN_EPOCH_LEN);
        }
    }

    (void) close(go[0]);
    (void) close(go[1]);

    for (i = 0; i < OPENERS; i++) {
        assert_int_equal(wait_for(pids[i]), 0);
        assert_int_equal(read(done[0], epochs[i], NGX_TOKEN_EPOCH_LEN),
                         NGX_TOKEN_EPOCH_LEN);
        assert_memory_equal(epochs[i], epochs[0], NGX_TOKEN_EPOCH_LEN);
    }

    (void) close(done[0]);
    (void) close(done[1]);
}


/* writes a file over, or makes it */

static void
copy_file(const char *from, const char *to)
{
    FILE    *f;
    char    *data;
    size_t   n;

    data = malloc(1 << 20);
    assert_non_null(data);

    f = fopen(from, "rb");
    assert_non_null(f);
    n = fread(data, 1, 1 << 20, f);
    assert_in_range(n, 1, (1 << 20) - 1);
    assert_int_equal(fclose(f), 0);

    write_file(to, data, n);
    free(data);
}


/* opens, writes n changes, closes; epoch: out */

static void
use(const char *dir, uint64_t from, unsigned n, char *epoch)
{
    ngx_token_store_t   *st;
    ngx_token_effect_t   e;

    st = open_store(dir);
    (void) strcpy(epoch, ngx_token_store_epoch(st));

    for ( /* void */ ; n != 0; n--) {
        e = make_effect(NGX_TOKEN_EFFECT_SET, "a", (n % 2) ? "1" : "2");
        (void) apply_ok(st, from + n, &e);
    }

    ngx_token_store_close(st);
}


static void
test_a_copy_has_an_epoch_of_its_own(void **state)
{
    char  data[4096], older[4096], first[64], second[64], epoch[64];

    (void) strcpy(data, path(state, "data.mdb"));
    (void) strcpy(older, path(state, "older"));

    use(*state, 10, 3, first);

    /* renamed there and back: the same */

    assert_int_equal(rename(data, older), 0);
    assert_int_equal(rename(older, data), 0);
    use(*state, 20, 2, epoch);
    assert_string_equal(epoch, first);

    /* a copy in its place */

    copy_file(data, older);
    assert_int_equal(rename(older, data), 0);
    use(*state, 30, 2, second);
    assert_string_not_equal(second, first);
    use(*state, 40, 0, epoch);
    assert_string_equal(epoch, second);
}


static void
test_an_older_state_has_an_epoch_of_its_own(void **state)
{
    char  data[4096], older[4096], first[64], second[64], third[64], epoch[64];

    (void) strcpy(data, path(state, "data.mdb"));
    (void) strcpy(older, path(state, "older"));

    use(*state, 10, 3, first);
    copy_file(data, older);

    /* nothing has been lost */

    copy_file(older, data);
    use(*state, 20, 3, epoch);
    assert_string_equal(epoch, first);

    /* something has, and again when the new one is lost */

    copy_file(older, data);
    use(*state, 30, 5, second);
    assert_string_not_equal(second, first);
    use(*state, 40, 0, epoch);
    assert_string_equal(epoch, second);

    copy_file(older, data);
    use(*state, 50, 1, third);
    assert_string_not_equal(third, first);
    assert_string_not_equal(third, second);

    /* nothing is remembered: nothing is known */

    assert_int_equal(unlink(path(state, "data.mdb-seen")), 0);
    use(*state, 60, 1, epoch);
    assert_string_equal(epoch, third);
}


static void
test_many_open_an_older_state(void **state)
{
    char  data[4096], older[4096], first[64], epoch[64];

    (void) strcpy(data, path(state, "data.mdb"));
    (void) strcpy(older, path(state, "older"));

    use(*state, 10, 3, first);
    copy_file(data, older);
    use(*state, 20, 3, epoch);
    copy_file(older, data);

    /* they agree */

    test_many_make_one_store(state);

    use(*state, 30, 0, epoch);
    assert_string_not_equal(epoch, first);
}


/*
 * Another process has the store larger, and fills it beyond this one's map:
 * reads and writes here go on.
 */

static void
test_a_map_that_another_process_has_outgrown(void **state)
{
    char                    *value, name[32];
    unsigned                 i;
    ngx_token_rc_t           rc;
    ngx_token_read_t        *r, *r2;
    ngx_token_store_t       *st;
    ngx_token_effect_t       e;
    ngx_token_store_conf_t   small;

    memset(&small, 0, sizeof(ngx_token_store_conf_t));
    small.size = (size_t) 1 << 20;

    value = malloc(200001);
    assert_non_null(value);
    memset(value, '1', 200000);
    value[200000] = '\0';

    st = open_store_conf(*state, &small);

    e = make_effect(NGX_TOKEN_EFFECT_SET, "first", "1");
    apply_ok(st, 1, &e);

    r = begin(st);

    assert_int_equal(wait_for(spawn("outgrow", *state, -1)), 0);

    /* an older snapshot can still be read; no new one while it is open */

    assert_int_equal(ngx_token_read_head(r), 1);
    rc = ngx_token_read_begin(st, &r2);
    assert_int_equal(rc, NGX_TOKEN_BUSY);
    ngx_token_read_end(r);

    assert_int_equal(head(st), 21);

    /* likewise a writer */

    assert_int_equal(wait_for(spawn("outgrow more", *state, -1)), 0);

    for (i = 0; i < 10; i++) {
        (void) snprintf(name, sizeof(name), "here/%u", i);
        e = make_effect(NGX_TOKEN_EFFECT_SET, name, value);
        apply_ok(st, 5000 + i, &e);
    }

    assert_int_equal(head(st), 51);

    free(value);
    ngx_token_store_close(st);
}


/* the other process: 20 large atoms in a larger map */

static int
outgrow(const char *dir, uint64_t from)
{
    char                    *value, name[32];
    uint64_t                 i;
    ngx_token_commit_t       c;
    ngx_token_effect_t       e;
    ngx_token_store_t       *st;
    ngx_token_verdict_t      v;
    ngx_token_store_conf_t   large;

    memset(&large, 0, sizeof(ngx_token_store_conf_t));
    large.size = from ? (size_t) 128 << 20 : (size_t) 64 << 20;

    value = malloc(200001);

    if (value == NULL
        || ngx_token_store_open(dir, &large, &st, err, sizeof(err))
           != NGX_TOKEN_OK)
    {
        return 1;
    }

    memset(value, '1', 200000);
    value[200000] = '\0';

    for (i = from; i < from + 20; i++) {
        (void) snprintf(name, sizeof(name), "there/%u", (unsigned) i);
        e = make_effect(NGX_TOKEN_EFFECT_SET, name, value);
        c = make_commit(100 + i, &e, 1);

        if (ngx_token_store_apply(st, &c, 1, &v) != NGX_TOKEN_OK
            || v.outcome != NGX_TOKEN_OUTCOME_OK)
        {
            return 1;
        }
    }

    free(value);
    ngx_token_store_close(st);

    return 0;
}


static void
test_a_small_map_is_no_obstacle(void **state)
{
    ngx_token_store_t       *st;
    ngx_token_store_conf_t   tiny;

    assert_int_equal(outgrow(*state, 0), 0);

    memset(&tiny, 0, sizeof(ngx_token_store_conf_t));
    tiny.size = 1;
    tiny.max_readers = 1;

    st = open_store_conf(*state, &tiny);
    assert_int_equal(head(st), 20);
    ngx_token_store_close(st);
}


static void
test_reader_slots_are_bounded(void **state)
{
    unsigned                 i;
    ngx_token_read_t        *r[4], *more;
    ngx_token_store_t       *st;
    ngx_token_store_conf_t   few;

    /* LMDB's lock file has room for what fits in its first page, at least */

    memset(&few, 0, sizeof(ngx_token_store_conf_t));
    few.max_readers = 4;

    st = open_store_conf(*state, &few);

    for (i = 0; i < 4; i++) {
        r[i] = begin(st);
    }

    assert_int_equal(ngx_token_read_begin(st, &more), NGX_TOKEN_BUSY);
    ngx_token_read_end(r[0]);
    r[0] = begin(st);

    for (i = 0; i < 4; i++) {
        ngx_token_read_end(r[i]);
    }

    ngx_token_store_close(st);
}


int
main(int argc, char **argv)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(test_a_new_store_is_empty,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_what_is_no_directory_is_refused,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_file_of_something_else_is_refused, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_database_of_another_program_is_refused,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_row_with_our_name_is_refused, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_database_with_the_name_of_a_row_is_refused,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_the_first_format_is_refused,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_another_format_is_refused,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_damaged_store_is_refused,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_truncated_store_is_refused,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_permissions_are_named,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_second_open_in_a_process_is_refused, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_probe_leaves_no_trace,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_many_make_one_store,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_copy_has_an_epoch_of_its_own,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_an_older_state_has_an_epoch_of_its_own,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_many_open_an_older_state,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_map_that_another_process_has_outgrown,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_small_map_is_no_obstacle,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_reader_slots_are_bounded,
                                        make_dir, remove_dir)
    };

    if (argc > 1) {
        return outgrow(argv[2], strcmp(argv[1], "outgrow") ? 20 : 0);
    }

    return cmocka_run_group_tests_name("store_open", tests, NULL, NULL);
}
