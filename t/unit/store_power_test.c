
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/store_test.h"

#include <sys/syscall.h>
#include <sys/uio.h>


/*
 * The power fails.  What is defined here stands in for the system's functions,
 * for LMDB too: every write to the data file is kept beside what a disk would
 * have after the last flush, and at some operation the disk is drawn as it
 * might be found: what was flushed, and of what was not, any sectors.
 */


#define SECTOR   512
#define PENDING  4096                     /* writes between two flushes */
#define ROUNDS   300                      /* groups of records */
#define LARGEST  40                       /* records of a group */
#define HEAD     48                       /* bytes of a redo record's head,
                                             and of what drops one */
#define KEPT     100                      /* records that must be in the
                                             ledger */


ssize_t pwrite(int fd, const void *buf, size_t n, off_t offset);
ssize_t writev(int fd, const struct iovec *iov, int n);
int fdatasync(int fd);
int fsync(int fd);


typedef struct {
    size_t           offset;
    size_t           len;
    unsigned         synced;              /* it was on disk when it returned */
    unsigned char   *bytes;
} written_t;


typedef struct {
    struct stat      file;                /* the one that is watched */
    unsigned char   *bytes;               /* of it, that are flushed */
    size_t           len;
    written_t        pending[PENDING];    /* in their order */
    size_t           npending;

    unsigned         watching;
    unsigned         calls;
    unsigned         cut_at;              /* call; 0: never */
    char             image[4096];         /* directory */
    unsigned         flushes;
    unsigned         lose;                /* 1: no redo record is written */
    unsigned         fail;                /* flushes that are to fail */
    unsigned         fail_meta;           /* writes of a meta page that are,
                                             others so small are of redo
                                             records */
} disk_t;


static disk_t    disk;
static uint64_t  seed = 20261127;


static uint64_t
draw(uint64_t n)
{
    /* xorshift64 (Marsaglia) */

    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;

    return seed % n;
}


static unsigned
watched(int fd)
{
    struct stat  sb;

    return disk.watching && fstat(fd, &sb) == 0
           && sb.st_ino == disk.file.st_ino && sb.st_dev == disk.file.st_dev;
}


static void
put(unsigned char **bytes, size_t *len, size_t offset, const void *p, size_t n)
{
    if (offset + n > *len) {
        *bytes = realloc(*bytes, offset + n);
        assert_non_null(*bytes);
        memset(*bytes + *len, 0, offset + n - *len);
        *len = offset + n;
    }

    memcpy(*bytes + offset, p, n);
}


static void
write_image(const unsigned char *bytes, size_t len)
{
    int   fd;
    char  path[4200];

    (void) snprintf(path, sizeof(path), "%s/data.mdb", disk.image);

    fd = open(path, O_WRONLY|O_CREAT|O_TRUNC, 0600);
    assert_int_not_equal(fd, -1);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(close(fd), 0);
}


/* The disk as it might be found */

static void
cut(void)
{
    size_t          i, len, at, n;
    unsigned        likely;
    written_t      *w;
    unsigned char  *bytes;

    bytes = malloc(disk.len);
    assert_non_null(bytes);

    len = disk.len;
    memcpy(bytes, disk.bytes, len);

    likely = (unsigned) draw(4);          /* 0: nothing; 3: all of it */

    for (i = 0; i < disk.npending; i++) {
        w = &disk.pending[i];

        for (at = 0; at < w->len; at += n) {
            n = SECTOR - (w->offset + at) % SECTOR;
            n = (n < w->len - at) ? n : w->len - at;

            if (w->synced || draw(3) < likely) {
                put(&bytes, &len, w->offset + at, w->bytes + at, n);
            }
        }
    }

    write_image(bytes, len);
    free(bytes);
}


static void
call(void)
{
    if (++disk.calls == disk.cut_at) {
        cut();
    }
}


static void
flush(void)
{
    size_t      i;
    written_t  *w;

    for (i = 0; i < disk.npending; i++) {
        w = &disk.pending[i];
        put(&disk.bytes, &disk.len, w->offset, w->bytes, w->len);
        free(w->bytes);
    }

    disk.npending = 0;
    disk.flushes++;
}


static void
record(int fd, const void *buf, size_t n, size_t offset)
{
    written_t  *w;

    assert_true(disk.npending < PENDING);

    w = &disk.pending[disk.npending++];

    w->offset = offset;
    w->len = n;
    w->synced = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
    w->bytes = malloc(n);
    assert_non_null(w->bytes);
    memcpy(w->bytes, buf, n);

    disk.flushes += w->synced;
}


ssize_t
pwrite(int fd, const void *buf, size_t n, off_t offset)
{
    int  redo;

    if (watched(fd)) {

        redo = (n >= HEAD && memcmp(buf, "ngxredo1", 8) == 0);

        if (disk.lose && redo) {
            return (ssize_t) n;
        }

        if (disk.fail_meta && n < SECTOR && n > HEAD && !redo) {
            disk.fail_meta--;
            errno = EIO;
            return -1;
        }

        record(fd, buf, n, (size_t) offset);
        call();
    }

    return syscall(SYS_pwrite64, fd, buf, n, offset);
}


ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    int     i;
    size_t  offset;

    if (watched(fd)) {
        offset = (size_t) lseek(fd, 0, SEEK_CUR);

        for (i = 0; i < n; i++) {
            record(fd, iov[i].iov_base, iov[i].iov_len, offset);
            offset += iov[i].iov_len;
        }

        call();
    }

    return syscall(SYS_writev, fd, iov, n);
}


int
fdatasync(int fd)
{
    if (watched(fd)) {
        call();

        if (disk.fail) {
            disk.fail--;
            errno = EIO;
            return -1;
        }

        flush();
        call();
    }

    /* this machine's disk is not what is looked at */
    return 0;
}


int
fsync(int fd)
{
    return fdatasync(fd);
}


/* What is in the directory's data file now, is on disk. */

static void
watch(const char *dir, const char *image)
{
    int   fd;
    char  path[4200];

    (void) snprintf(path, sizeof(path), "%s/data.mdb", dir);
    (void) snprintf(disk.image, sizeof(disk.image), "%s", image);

    fd = open(path, O_RDONLY);
    assert_int_not_equal(fd, -1);
    assert_int_equal(fstat(fd, &disk.file), 0);

    disk.len = (size_t) disk.file.st_size;
    disk.bytes = malloc(disk.len);
    assert_non_null(disk.bytes);
    assert_int_equal(read(fd, disk.bytes, disk.len), disk.len);
    assert_int_equal(close(fd), 0);

    disk.npending = 0;
    disk.calls = 0;
    disk.cut_at = 0;
    disk.flushes = 0;
    disk.watching = 1;
}


static void
unwatch(void)
{
    flush();
    free(disk.bytes);

    disk.watching = 0;
    disk.lose = 0;
    disk.fail = 0;
    disk.fail_meta = 0;
}


static void
make_group(ngx_token_commit_t *c, ngx_token_effect_t *e, uint64_t from,
    size_t n, const char *value)
{
    size_t  i;

    e[0] = make_effect(NGX_TOKEN_EFFECT_ADD, "count", "1");
    e[0].initial = str("0");
    e[1] = make_effect(NGX_TOKEN_EFFECT_APPEND, "log", value);
    e[1].keep = 50;

    for (i = 0; i < n; i++) {
        c[i] = make_commit(from + i, e, 2);

        if (from + i > 2 * KEPT) {
            c[i].horizon = TIME + from + i - 2 * KEPT;
        }
    }
}


/* a JSON string of n characters */

static const char *
letters(size_t n)
{
    static char  s[2000];

    assert_true(n + 3 <= sizeof(s));

    memset(s, 'x', n + 2);
    s[0] = '"';
    s[n + 1] = '"';
    s[n + 2] = '\0';

    return s;
}


/* The records in a store, which agree with one another */

static uint64_t
records(ngx_token_store_t *st)
{
    uint64_t             i, n;
    ngx_token_str_t      name;
    ngx_token_atom_t     a;
    ngx_token_read_t    *r;
    ngx_token_commit_t   c;
    ngx_token_ledger_t   l;

    r = begin(st);

    name = str("count");
    n = 0;

    if (ngx_token_read_atom(r, &name, &a) == NGX_TOKEN_OK) {
        assert_int_equal(ngx_token_json_uint(&a.value, &n), NGX_TOKEN_OK);
    }

    assert_int_equal(ngx_token_read_head(r), 2 * n);

    for (i = (n < KEPT) ? 0 : n - KEPT; i < n; i++) {
        c = make_commit(i, NULL, 0);
        assert_int_equal(ngx_token_read_ledger(r, c.id, &l), NGX_TOKEN_OK);
        assert_int_equal(l.outcome, NGX_TOKEN_OUTCOME_OK);
        assert_int_equal(l.seq, 2 * (i + 1));
    }

    c = make_commit(n, NULL, 0);
    assert_int_equal(ngx_token_read_ledger(r, c.id, &l), NGX_TOKEN_DECLINED);

    ngx_token_read_end(r);

    return n;
}


static ngx_token_store_t *
open_synced(const char *dir)
{
    ngx_token_store_conf_t  conf;

    memset(&conf, 0, sizeof(ngx_token_store_conf_t));
    conf.sync = 1;
    conf.size = (size_t) 4 << 20;
    conf.feed = 500;

    return open_store_conf(dir, &conf);
}


/* Empties a directory and leaves it there */

static void
empty(const char *dir)
{
    void  *state;

    state = strdup(dir);
    assert_non_null(state);
    assert_int_equal(remove_dir(&state), 0);
    assert_int_equal(mkdir(dir, 0700), 0);
}


/*
 * Opens what a power cut has left, while the power fails again; returns how
 * many records there are.
 */

static uint64_t
recover(const char *dir, const char *again)
{
    uint64_t            n, n2;
    ngx_token_store_t  *st;

    watch(dir, again);
    disk.cut_at = 1 + (unsigned) draw(6);

    st = open_synced(dir);
    n = records(st);
    ngx_token_store_close(st);

    if (disk.calls >= disk.cut_at) {
        unwatch();

        st = open_synced(again);
        n2 = records(st);
        ngx_token_store_close(st);

        /* the second time finds what the first one found */
        assert_int_equal(n2, n);

        empty(again);

    } else {
        unwatch();
    }

    return n;
}


/* It goes on: what is there is a repeat, and what is not can be written */

static void
go_on(const char *dir, uint64_t n)
{
    ngx_token_store_t    *st;
    ngx_token_effect_t    e[2];
    ngx_token_commit_t    c[2];
    ngx_token_verdict_t   v;

    st = open_synced(dir);

    if (n > 0) {
        make_group(c, e, n - 1, 2, "1");

        v = apply(st, &c[0]);
        assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_OK);
        assert_int_equal(v.repeated, 1);
        assert_int_equal(v.seq, 2 * n);

        v = apply(st, &c[1]);
        assert_int_equal(v.outcome, NGX_TOKEN_OUTCOME_OK);
        assert_int_equal(v.repeated, 0);
        assert_int_equal(v.seq, 2 * n + 2);

        assert_int_equal(records(st), n + 1);
    }

    ngx_token_store_close(st);
}


/*
 * Commits groups with a power cut in each.
 *
 *     lose  without the records that bring a commit back
 *
 * Returns: power cuts after which records were missing that had been answered
 */

static unsigned
cut_each(const char *dir, unsigned lose)
{
    size_t                n;
    uint64_t              from, found;
    unsigned              i, missing, cuts, more;
    ngx_token_store_t    *st;
    ngx_token_effect_t    e[2];
    ngx_token_commit_t    c[LARGEST];
    ngx_token_verdict_t   v[LARGEST];
    char                  image[4096], again[4096];
    static const size_t   sizes[] = { 1, 1, 2, 5, 10, LARGEST };

    (void) snprintf(image, sizeof(image), "%s/image", dir);
    (void) snprintf(again, sizeof(again), "%s/again", dir);
    assert_int_equal(mkdir(image, 0700), 0);
    assert_int_equal(mkdir(again, 0700), 0);

    st = open_synced(dir);

    from = 0;
    missing = 0;
    cuts = 0;
    more = 0;

    for (i = 0; i < ROUNDS; i++) {

        watch(dir, image);
        disk.lose = lose;

        /* the first group is answered before the second is cut */

        n = sizes[draw(6)];
        make_group(c, e, from, n, letters((size_t) draw(1500)));
        assert_int_equal(ngx_token_store_apply(st, c, n, v), NGX_TOKEN_OK);
        from += n;

        disk.cut_at = disk.calls + 1 + (unsigned) draw(12);

        n = sizes[draw(6)];
        make_group(c, e, from, n, letters((size_t) draw(1500)));
        assert_int_equal(ngx_token_store_apply(st, c, n, v), NGX_TOKEN_OK);

        if (disk.calls < disk.cut_at) {
            /* after the answer */
            from += n;
            n = 0;
            cut();
        }

        cuts++;
        unwatch();

        found = recover(image, again);

        if (found < from) {
            missing++;

        } else {
            /* all of the second group, or nothing */
            assert_true(found == from || found == from + n);
            more += (n != 0 && found != from);
            go_on(image, found);
        }

        from += n;
        empty(image);
    }

    assert_int_equal(cuts, ROUNDS);
    assert_true(lose || more > ROUNDS / 20);
    assert_int_equal(records(st), from);

    ngx_token_store_close(st);

    assert_int_equal(rmdir(image), 0);
    assert_int_equal(rmdir(again), 0);

    return missing;
}


static void
test_what_was_answered_is_there_after_a_power_cut(void **state)
{
    assert_int_equal(cut_each(*state, 0), 0);
}


/* it is the records that do it, and the test would notice */

static void
test_without_the_records_something_is_missing(void **state)
{
    assert_true(cut_each(*state, 1) > ROUNDS / 20);
}


/* flushes that a commit of n records makes */

static unsigned
flushes(ngx_token_store_t *st, uint64_t from, size_t n, size_t len)
{
    unsigned             before;
    ngx_token_effect_t   e[2];
    ngx_token_commit_t   c[LARGEST];
    ngx_token_verdict_t  v[LARGEST];

    before = disk.flushes;

    make_group(c, e, from, n, letters(len));
    assert_int_equal(ngx_token_store_apply(st, c, n, v), NGX_TOKEN_OK);

    return disk.flushes - before;
}


static void
test_a_commit_is_one_flush(void **state)
{
    ngx_token_store_t  *st;

    st = open_synced(*state);
    watch(*state, "");

    assert_int_equal(flushes(st, 0, 1, 10), 1);
    assert_int_equal(flushes(st, 1, 1, 1000), 1);
    assert_int_equal(flushes(st, 2, LARGEST, 10), 1);

    unwatch();
    ngx_token_store_close(st);
}


static void
test_a_group_that_is_too_long_is_two(void **state)
{
    ngx_token_store_t  *st;

    st = open_synced(*state);
    watch(*state, "");

    assert_int_equal(flushes(st, 0, LARGEST, 1900), 2);
    assert_int_equal(flushes(st, LARGEST, 1, 10), 1);

    unwatch();
    ngx_token_store_close(st);
}


static void
test_a_store_that_was_never_synced_is_given_a_place(void **state)
{
    ngx_token_store_t  *st;

    st = open_store(*state);
    (void) flushes(st, 0, 1, 10);
    ngx_token_store_close(st);

    st = open_synced(*state);
    watch(*state, "");
    assert_int_equal(flushes(st, 1, 1, 10), 1);
    unwatch();
    assert_int_equal(records(st), 2);
    ngx_token_store_close(st);
}


static void
test_a_small_store_goes_without(void **state)
{
    ngx_token_store_t       *st;
    ngx_token_store_conf_t   conf;

    memset(&conf, 0, sizeof(ngx_token_store_conf_t));
    conf.sync = 1;
    conf.size = (size_t) 512 << 10;

    st = open_store_conf(*state, &conf);
    watch(*state, "");
    assert_int_equal(flushes(st, 0, 1, 10), 2);
    unwatch();
    ngx_token_store_close(st);
}


/*
 * Who was told that his commit has failed does not find it later, though the
 * disk has all that was written.
 *
 *     fail, fail_meta  what fails in the commit, which is tried twice
 */

static void
commit_fails(const char *dir, unsigned fail, unsigned fail_meta)
{
    unsigned              i;
    ngx_token_store_t    *st;
    ngx_token_effect_t    e[2];
    ngx_token_commit_t    c[2];
    ngx_token_verdict_t   v[2];
    char                  image[4096];

    (void) snprintf(image, sizeof(image), "%s/image", dir);
    assert_int_equal(mkdir(image, 0700), 0);

    st = open_synced(dir);

    for (i = 0; i < 4; i++) {
        watch(dir, image);
        assert_int_equal(flushes(st, i, 1, 10), 1);

        make_group(c, e, i + 1, 2, "1");
        disk.fail = fail;
        disk.fail_meta = fail_meta;

        assert_int_equal(ngx_token_store_apply(st, c, 2, v), NGX_TOKEN_ERROR);
        assert_int_equal(v[0].outcome, NGX_TOKEN_OUTCOME_FAILED);
        assert_int_equal(v[1].outcome, NGX_TOKEN_OUTCOME_FAILED);

        flush();
        write_image(disk.bytes, disk.len);
        unwatch();

        assert_int_equal(records(st), i + 1);

        ngx_token_store_close(st);
        st = open_synced(image);
        assert_int_equal(records(st), i + 1);
        ngx_token_store_close(st);
        st = open_synced(dir);

        empty(image);
    }

    assert_int_equal(records(st), 4);
    ngx_token_store_close(st);
    assert_int_equal(rmdir(image), 0);
}


/* the flush between the two of the commits belongs to what drops the first */

static void
test_what_was_not_flushed_does_not_come_back(void **state)
{
    commit_fails(*state, 3, 0);
}


/* LMDB tries to write the old one, too, and wants to be opened anew */

static void
test_what_has_no_meta_page_does_not_come_back(void **state)
{
    commit_fails(*state, 0, 4);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(
            test_what_was_answered_is_there_after_a_power_cut,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_without_the_records_something_is_missing,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_commit_is_one_flush,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_group_that_is_too_long_is_two,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_a_store_that_was_never_synced_is_given_a_place,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_a_small_store_goes_without,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_what_was_not_flushed_does_not_come_back,
            make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(
            test_what_has_no_meta_page_does_not_come_back,
            make_dir, remove_dir)
    };

    return cmocka_run_group_tests_name("store_power", tests, NULL, NULL);
}
