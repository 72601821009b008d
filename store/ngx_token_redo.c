
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* pread(), pwrite() */
#endif

#include <stdlib.h>
#include <unistd.h>

#include "store/ngx_token_store_int.h"
#include "token/ngx_token_siphash.h"


/*
 * A commit that is durable after one flush instead of two.
 *
 * LMDB flushes the pages of a transaction, then the meta page that makes them
 * the store.  Without the second flush a power cut can take back the last
 * commit, but no more, and what is found is whole: the first flush of the next
 * commit brings the meta page along before anything that it replaces is
 * written over.  So the records of a group are written before its commit into
 * the data file; the first flush makes them durable with the pages, and who
 * opens the store next, and finds the commit missing, applies them again.
 *
 * They have a place in the data file that LMDB looks after but does not write
 * to: the pages of a large value, which are its own and stay where they are
 * (copied on write is only the leaf that says where).  A flush of the file is
 * a flush of both, and a copy of the file has both.  The place has two slots,
 * used in turn: while one is written, the other has the commit whose meta page
 * may not be on the disk yet.
 *
 * A slot, integers big-endian:
 *
 *      0   8  "ngxredo1"
 *      8   8  the transaction that writes the records
 *     16   8  seq before it
 *     24   4  number of records
 *     28   4  bytes of records
 *     32  16  SipHash of all of that and of the records
 *     48      the records: each its length, u32, and its flat form
 *
 * It counts when all of it is there and the transaction is the one after what
 * the file has: one that was committed, and one that was not finished when
 * another took its place, are of the past.  The key of the hash is the
 * store's epoch, so that no value of a user is taken for a slot.
 */

#define NGX_TOKEN_REDO_HASHED  32         /* bytes of the head */
#define NGX_TOKEN_REDO_HEAD    48
#define NGX_TOKEN_REDO_SLOT    ((size_t) 64 << 10)  /* bytes, at most: what is
                                             longer is written faster once */
#define NGX_TOKEN_REDO_SHARE   64         /* of the map is one slot */
#define NGX_TOKEN_REDO_MIN     4          /* pages of a slot */

/* what LMDB 0.9 has before a large value, on machines with 64 bits */
#define NGX_TOKEN_REDO_PAGE    16         /* bytes */
#define NGX_TOKEN_REDO_LARGE   0x04       /* the flag of such pages */


typedef struct {
    const unsigned char     *data;        /* in the map */
    off_t                    offset;      /* in the file */
    size_t                   len;
    int                      fd;
    uint64_t                 txnid;
} ngx_token_redo_slot_t;


static unsigned ngx_token_redo_slot(ngx_token_store_t *st, MDB_txn *txn,
    ngx_token_redo_slot_t *slot);
static ngx_token_rc_t ngx_token_redo_make(ngx_token_store_t *st,
    MDB_txn *txn);
static size_t ngx_token_redo_size(const ngx_token_commit_t *commits, size_t n,
    size_t max);
static unsigned ngx_token_redo_reserve(ngx_token_store_t *st, size_t size);
static unsigned ngx_token_redo_is_sound(const ngx_token_redo_slot_t *slot,
    const char *epoch);
static void ngx_token_redo_hash(const unsigned char *head, const char *epoch,
    unsigned char *hash);
static ngx_token_rc_t ngx_token_redo_apply(ngx_token_store_t *st,
    MDB_txn *txn, const unsigned char *head);
static ngx_token_rc_t ngx_token_redo_records(ngx_token_write_t *w,
    const unsigned char *head);
static void ngx_token_redo_clear(const ngx_token_redo_slot_t *slot);


static const unsigned char  ngx_token_redo_magic[8] = {
    'n', 'g', 'x', 'r', 'e', 'd', 'o', '1'
};


unsigned
ngx_token_redo_write(ngx_token_store_t *st, ngx_token_write_t *w,
    const ngx_token_commit_t *commits, size_t n)
{
    size_t                  i, len, size;
    unsigned char          *p;
    ngx_token_redo_slot_t   slot;

    if (n == 0 || (st->env.flags & MDB_NOSYNC)
        || !ngx_token_redo_slot(st, w->txn, &slot))
    {
        return 0;
    }

    size = ngx_token_redo_size(commits, n, slot.len);

    if (size == 0 || !ngx_token_redo_reserve(st, size)) {
        return 0;
    }

    p = st->redo;

    memcpy(p, ngx_token_redo_magic, sizeof(ngx_token_redo_magic));
    ngx_token_put_u64(p + 8, slot.txnid);
    ngx_token_put_u64(p + 16, w->before);
    ngx_token_put_u32(p + 24, (uint32_t) n);
    ngx_token_put_u32(p + 28, (uint32_t) (size - NGX_TOKEN_REDO_HEAD));

    p += NGX_TOKEN_REDO_HEAD;

    for (i = 0; i < n; i++) {
        len = ngx_token_commit_size(&commits[i]);

        ngx_token_put_u32(p, (uint32_t) len);
        ngx_token_commit_encode(&commits[i], p + 4);

        p += 4 + len;
    }

    ngx_token_redo_hash(st->redo, st->epoch,
                        st->redo + NGX_TOKEN_REDO_HASHED);

    return pwrite(slot.fd, st->redo, size, slot.offset) == (ssize_t) size;
}


/*
 * The bytes of a slot with these records; 0: it is too small for them, or one
 * could not be read again.
 */

static size_t
ngx_token_redo_size(const ngx_token_commit_t *commits, size_t n, size_t max)
{
    size_t  i, size;

    size = NGX_TOKEN_REDO_HEAD;

    for (i = 0; i < n && size <= max; i++) {

        if (!ngx_token_commit_valid(&commits[i])) {
            return 0;
        }

        size += 4 + ngx_token_commit_size(&commits[i]);
    }

    return (size <= max) ? size : 0;
}


static unsigned
ngx_token_redo_reserve(ngx_token_store_t *st, size_t size)
{
    unsigned char  *p;

    if (size <= st->redo_size) {
        return 1;
    }

    size += size / 2;

    p = realloc(st->redo, size);
    if (p == NULL) {
        return 0;
    }

    st->redo = p;
    st->redo_size = size;

    return 1;
}


void
ngx_token_redo_drop(ngx_token_store_t *st)
{
    MDB_txn                *txn;
    ngx_token_redo_slot_t   slot;

    /* an environment that is opened anew for this looks itself: see _setup() */

    if (ngx_token_env_write(&st->env, &txn) == NGX_TOKEN_OK) {

        if (ngx_token_redo_slot(st, txn, &slot)
            && memcmp(slot.data, st->redo, NGX_TOKEN_REDO_HEAD) == 0)
        {
            ngx_token_redo_clear(&slot);
        }

        ngx_token_env_abort(&st->env, txn);
    }
}


/* Where that fails, the disk may come back with the record, or without it. */

static void
ngx_token_redo_clear(const ngx_token_redo_slot_t *slot)
{
    unsigned char  zero[NGX_TOKEN_REDO_HEAD];

    memset(zero, 0, sizeof(zero));

    if (pwrite(slot->fd, zero, sizeof(zero), slot->offset)
        == (ssize_t) sizeof(zero))
    {
        (void) fdatasync(slot->fd);
    }
}


ngx_token_rc_t
ngx_token_redo_setup(ngx_token_store_t *st, MDB_txn *txn, const char *epoch)
{
    ngx_token_redo_slot_t  slot;

    if (!ngx_token_redo_slot(st, txn, &slot)) {
        return ngx_token_redo_make(st, txn);
    }

    if (!ngx_token_redo_is_sound(&slot, epoch)) {
        return NGX_TOKEN_OK;
    }

    if (st->redo != NULL
        && memcmp(slot.data, st->redo, NGX_TOKEN_REDO_HEAD) == 0)
    {
        /* opened anew because that commit has failed; it is tried again */
        ngx_token_redo_clear(&slot);
        return NGX_TOKEN_OK;
    }

    return ngx_token_redo_apply(st, txn, slot.data);
}


/*
 * Finds the slot of a transaction.  Nothing is kept between transactions: the
 * file may be another one.
 */

static unsigned
ngx_token_redo_slot(ngx_token_store_t *st, MDB_txn *txn,
    ngx_token_redo_slot_t *slot)
{
    size_t                size;
    uint16_t              flags;
    uint32_t              npages;
    uint64_t              page;
    MDB_val               data;
    MDB_stat              stat;
    unsigned char         found[NGX_TOKEN_REDO_PAGE];
    const unsigned char  *head;

    if (sizeof(size_t) != sizeof(uint64_t)
        || !ngx_token_meta_redo(&st->env, txn, &data)
        || data.mv_size < NGX_TOKEN_REDO_PAGE
        || mdb_stat(txn, st->env.dbi[NGX_TOKEN_DB_MAIN], &stat) != MDB_SUCCESS
        || mdb_env_get_fd(mdb_txn_env(txn), &slot->fd) != MDB_SUCCESS)
    {
        return 0;
    }

    head = (unsigned char *) data.mv_data - NGX_TOKEN_REDO_PAGE;

    memcpy(&page, head, sizeof(page));
    memcpy(&flags, head + 10, sizeof(flags));
    memcpy(&npages, head + 12, sizeof(npages));

    size = (data.mv_size + NGX_TOKEN_REDO_PAGE) / 2;

    if (flags != NGX_TOKEN_REDO_LARGE || size % stat.ms_psize != 0
        || npages != 2 * (size / stat.ms_psize))
    {
        return 0;
    }

    slot->offset = (off_t) (page * stat.ms_psize);

    /* in a file that is damaged, nothing is to be written to another page */

    if (pread(slot->fd, found, sizeof(found), slot->offset)
        != (ssize_t) sizeof(found)
        || memcmp(found, head, sizeof(found)) != 0)
    {
        return 0;
    }

    slot->txnid = (uint64_t) mdb_txn_id(txn);
    slot->data = data.mv_data;
    slot->offset += NGX_TOKEN_REDO_PAGE;
    slot->len = size - NGX_TOKEN_REDO_PAGE;

    if (slot->txnid & 1) {
        slot->data += size;
        slot->offset += (off_t) size;
    }

    return 1;
}


/* In a transaction of its own: a store without it is as good, but slower. */

static ngx_token_rc_t
ngx_token_redo_make(ngx_token_store_t *st, MDB_txn *txn)
{
    int              rc;
    size_t           size, page;
    MDB_txn         *child;
    MDB_envinfo      info;
    ngx_token_rc_t   result;

    if ((st->env.flags & MDB_NOSYNC) || sizeof(size_t) != sizeof(uint64_t)) {
        return NGX_TOKEN_OK;
    }

    page = (size_t) sysconf(_SC_PAGESIZE);

    rc = mdb_env_info(mdb_txn_env(txn), &info);

    size = (rc == MDB_SUCCESS) ? info.me_mapsize / NGX_TOKEN_REDO_SHARE : 0;

    if (size > NGX_TOKEN_REDO_SLOT) {
        size = NGX_TOKEN_REDO_SLOT;
    }

    size = size / page * page;

    if (size < NGX_TOKEN_REDO_MIN * page) {
        return NGX_TOKEN_OK;
    }

    rc = mdb_txn_begin(mdb_txn_env(txn), txn, 0, &child);

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, st->env.path);
    }

    result = ngx_token_meta_make_redo(&st->env, child,
                                      2 * size - NGX_TOKEN_REDO_PAGE);

    if (result == NGX_TOKEN_FULL) {
        mdb_txn_abort(child);
        return NGX_TOKEN_OK;
    }

    if (result != NGX_TOKEN_OK) {
        mdb_txn_abort(child);
        return result;
    }

    return ngx_token_env_rc(mdb_txn_commit(child), st->env.path);
}


static unsigned
ngx_token_redo_is_sound(const ngx_token_redo_slot_t *slot, const char *epoch)
{
    unsigned char  hash[NGX_TOKEN_SIPHASH_LEN];

    if (memcmp(slot->data, ngx_token_redo_magic, sizeof(ngx_token_redo_magic))
           != 0
        || ngx_token_get_u64(slot->data + 8) != slot->txnid
        || ngx_token_get_u32(slot->data + 28) > slot->len - NGX_TOKEN_REDO_HEAD)
    {
        return 0;
    }

    ngx_token_redo_hash(slot->data, epoch, hash);

    return memcmp(hash, slot->data + NGX_TOKEN_REDO_HASHED, sizeof(hash)) == 0;
}


/* The length is in the head, and good. */

static void
ngx_token_redo_hash(const unsigned char *head, const char *epoch,
    unsigned char *hash)
{
    ngx_token_siphash_t  h;

    ngx_token_siphash_init(&h, (const unsigned char *) epoch);
    ngx_token_siphash_update(&h, head, NGX_TOKEN_REDO_HASHED);
    ngx_token_siphash_update(&h, head + NGX_TOKEN_REDO_HEAD,
                             ngx_token_get_u32(head + 28));
    ngx_token_siphash_final(&h, hash);
}


static ngx_token_rc_t
ngx_token_redo_apply(ngx_token_store_t *st, MDB_txn *txn,
    const unsigned char *head)
{
    ngx_token_rc_t      rc;
    ngx_token_write_t  *w;

    w = calloc(1, sizeof(ngx_token_write_t));
    if (w == NULL) {
        return ngx_token_env_error(NGX_TOKEN_NOMEM, "no memory to apply the "
                                   "last commit of \"%s\" again",
                                   st->env.path);
    }

    rc = ngx_token_apply_load(w, &st->env, txn);

    if (rc == NGX_TOKEN_OK && w->state.seq == ngx_token_get_u64(head + 16)) {

        rc = ngx_token_redo_records(w, head);

        if (rc == NGX_TOKEN_OK) {
            rc = ngx_token_apply_finish(w, st->feed, NGX_TOKEN_STORE_TRIM);
        }
    }

    free(w);

    return rc;
}


/*
 * Gives each record the verdict that it had: nothing but the store and the
 * record decides on it.
 */

static ngx_token_rc_t
ngx_token_redo_records(ngx_token_write_t *w, const unsigned char *head)
{
    size_t                i, n, len, left;
    ngx_token_rc_t        rc;
    ngx_token_commit_t    c;
    ngx_token_effect_t    effects[NGX_TOKEN_MAX_EFFECTS];
    ngx_token_verdict_t   v;
    const unsigned char  *p;

    p = head + NGX_TOKEN_REDO_HEAD;
    n = ngx_token_get_u32(head + 24);
    left = ngx_token_get_u32(head + 28);

    for (i = 0; i < n; i++) {

        if (left < 4 || ngx_token_get_u32(p) > left - 4) {
            break;
        }

        len = ngx_token_get_u32(p);

        if (ngx_token_commit_decode(p + 4, len, &c, effects) != NGX_TOKEN_OK) {
            break;
        }

        memset(&v, 0, sizeof(ngx_token_verdict_t));

        rc = ngx_token_verdict_give(w, &c, &v);

        ngx_token_stage_clear(w);
        free((void *) v.result.data);

        if (rc != NGX_TOKEN_OK) {
            return rc;
        }

        p += 4 + len;
        left -= 4 + len;
    }

    if (i == n && left == 0) {
        return NGX_TOKEN_OK;
    }

    return ngx_token_env_error(NGX_TOKEN_FORMAT, "\"%s\": the last commit "
                               "cannot be applied again: a record is damaged",
                               w->env->path);
}
