
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* posix_fallocate() */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/ngx_token_queue_int.h"


#define NGX_TOKEN_QUEUE_PAGE    ((size_t) 4096)
#define NGX_TOKEN_QUEUE_LINGER  2000000   /* ns */


static ngx_token_rc_t ngx_token_queue_lock_dir(ngx_token_queue_t *q,
    const char *path);
static ngx_token_rc_t ngx_token_queue_attach(ngx_token_queue_t *q, int *fd);
static ngx_token_rc_t ngx_token_queue_map(ngx_token_queue_t *q, int *fd);
static ngx_token_rc_t ngx_token_queue_enrol(ngx_token_queue_t *q, int fd);
static ngx_token_rc_t ngx_token_queue_make(ngx_token_queue_t *q, int fd);
static unsigned ngx_token_queue_is_used(ngx_token_queue_t *q);
static unsigned ngx_token_queue_is_ours(ngx_token_queue_t *q);
static unsigned ngx_token_queue_is_free(ngx_token_queue_slot_t *slot);
static ngx_token_rc_t ngx_token_queue_allocate(ngx_token_queue_t *q, int fd,
    size_t offset, size_t len);
static void ngx_token_queue_free(ngx_token_queue_t *q);
static ngx_token_queue_batch_t *ngx_token_queue_room(ngx_token_queue_t *q,
    size_t space);
static unsigned ngx_token_queue_is_waiting(ngx_token_queue_t *q);


ngx_token_rc_t
ngx_token_queue_open(const char *path, ngx_token_store_t *st,
    ngx_token_queue_t **qp, char *err, size_t size)
{
    size_t              len;
    ngx_token_rc_t      rc;
    ngx_token_queue_t  *q;

    len = strlen(path) + sizeof("/" NGX_TOKEN_QUEUE_FILE);

    q = calloc(1, sizeof(ngx_token_queue_t));

    if (q == NULL || (q->path = malloc(len)) == NULL) {
        free(q);
        rc = ngx_token_env_rc(ENOMEM, "opening the commit queue");
        return ngx_token_env_failed(rc, err, size);
    }

    (void) snprintf(q->path, len, "%s/" NGX_TOKEN_QUEUE_FILE, path);

    q->linger = NGX_TOKEN_QUEUE_LINGER;

    q->common[NGX_TOKEN_QUEUE_LAYOUT] =
                              (uint64_t) sizeof(ngx_token_queue_head_t) << 32
                              | sizeof(ngx_token_queue_slot_t);
    q->common[NGX_TOKEN_QUEUE_BOOT] = ngx_token_proc_boot();
    q->common[NGX_TOKEN_QUEUE_SIZE] = st->env.size;
    q->common[NGX_TOKEN_QUEUE_FLAGS] = st->env.flags;

    rc = ngx_token_env_file(&st->env, &q->common[NGX_TOKEN_QUEUE_DEVICE]);

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_queue_lock_dir(q, path);
    }

    if (rc != NGX_TOKEN_OK) {
        ngx_token_queue_free(q);
        return ngx_token_env_failed(rc, err, size);
    }

    *qp = q;

    return NGX_TOKEN_OK;
}


void
ngx_token_queue_close(ngx_token_queue_t *q)
{
    /* what is published, whoever commits it, is not filled up any more */
    (void) ngx_token_queue_publish(q);

    memset(q->slot->who, 0, sizeof(q->slot->who));

    ngx_token_queue_free(q);
}


static void
ngx_token_queue_free(ngx_token_queue_t *q)
{
    if (q->head != NULL) {
        (void) munmap(q->head, q->size);
    }

    free(q->commits);
    free(q->verdicts);
    free(q->answers);
    free(q->claims);
    free(q->effects);
    free(q->path);
    free(q);
}


/* One process at a time, under a lock on the directory */

static ngx_token_rc_t
ngx_token_queue_lock_dir(ngx_token_queue_t *q, const char *path)
{
    int             dir, fd;
    ngx_token_rc_t  rc;

    fd = -1;
    rc = ngx_token_env_lock_dir(path, &dir);

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_queue_attach(q, &fd);
    }

    if (rc == NGX_TOKEN_OK) {
        rc = ngx_token_queue_enrol(q, fd);
    }

    if (fd != -1) {
        (void) close(fd);
    }

    if (dir != -1) {
        (void) close(dir);
    }

    return rc;
}


/*
 * Processes that have another store open, which was here before, would commit
 * to that one what this process hands over; those of an older configuration not
 * as durably, or with less room; and those of another version cannot read it.
 * They keep their queue, and a new one takes its place.
 */

static ngx_token_rc_t
ngx_token_queue_attach(ngx_token_queue_t *q, int *fd)
{
    ngx_token_rc_t  rc;

    rc = ngx_token_queue_map(q, fd);

    if (rc != NGX_TOKEN_OK || ngx_token_queue_is_ours(q)) {
        return rc;
    }

    (void) munmap(q->head, q->size);
    q->head = NULL;

    (void) close(*fd);
    *fd = -1;

    if (unlink(q->path) == -1 && errno != ENOENT) {
        return ngx_token_env_rc(errno, q->path);
    }

    return ngx_token_queue_map(q, fd);
}


static ngx_token_rc_t
ngx_token_queue_map(ngx_token_queue_t *q, int *fd)
{
    void           *p;
    struct stat     sb;
    ngx_token_rc_t  rc;

    q->size = NGX_TOKEN_QUEUE_PAGE
              + NGX_TOKEN_QUEUE_SLOTS * sizeof(ngx_token_queue_slot_t);

    *fd = open(q->path, O_RDWR|O_CREAT|O_CLOEXEC, S_IRUSR|S_IWUSR);

    if (*fd == -1 || fstat(*fd, &sb) == -1) {
        return ngx_token_env_rc(errno, q->path);
    }

    /* never shorter: somebody may have more of it mapped */

    if (sb.st_size < (off_t) q->size
        && ftruncate(*fd, (off_t) q->size) == -1)
    {
        return ngx_token_env_rc(errno, q->path);
    }

    /* a page that the disk has no room for would be a SIGBUS */

    rc = ngx_token_queue_allocate(q, *fd, 0, NGX_TOKEN_QUEUE_PAGE);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    p = mmap(NULL, q->size, PROT_READ|PROT_WRITE, MAP_SHARED, *fd, 0);

    if (p == MAP_FAILED) {
        return ngx_token_env_rc(errno, q->path);
    }

    q->head = p;
    q->slots = (void *) ((unsigned char *) p + NGX_TOKEN_QUEUE_PAGE);

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_queue_enrol(ngx_token_queue_t *q, int fd)
{
    uint32_t                 i;
    ngx_token_rc_t           rc;
    ngx_token_queue_slot_t  *slot;

    if (!ngx_token_queue_is_used(q)) {
        rc = ngx_token_queue_make(q, fd);

        if (rc != NGX_TOKEN_OK) {
            return rc;
        }
    }

    for (i = 0; i < NGX_TOKEN_QUEUE_SLOTS; i++) {
        slot = &q->slots[i];

        if (i < q->head->nslots && !ngx_token_queue_is_free(slot)) {
            continue;
        }

        rc = ngx_token_queue_allocate(q, fd, (size_t) ((unsigned char *) slot
                                      - (unsigned char *) q->head),
                                      sizeof(ngx_token_queue_slot_t));
        if (rc != NGX_TOKEN_OK) {
            return rc;
        }

        memset(slot, 0, sizeof(ngx_token_queue_slot_t));
        ngx_token_proc_self(slot->who);
        q->slot = slot;

        if (i >= q->head->nslots) {
            __atomic_store_n(&q->head->nslots, i + 1, __ATOMIC_SEQ_CST);
        }

        return NGX_TOKEN_OK;
    }

    return ngx_token_env_error(NGX_TOKEN_ERROR, "\"%s\" has no room for "
                               "another process", q->path);
}


/* What a machine's crash, or another file, has left is not looked at. */

static ngx_token_rc_t
ngx_token_queue_make(ngx_token_queue_t *q, int fd)
{
    int                  err;
    ngx_token_rc_t       rc;
    pthread_mutexattr_t  attr;

    /* zeroes, and no blocks but those that are in use */

    if (ftruncate(fd, 0) == -1 || ftruncate(fd, (off_t) q->size) == -1) {
        return ngx_token_env_rc(errno, q->path);
    }

    rc = ngx_token_queue_allocate(q, fd, 0, NGX_TOKEN_QUEUE_PAGE);

    if (rc != NGX_TOKEN_OK) {
        return rc;
    }

    memcpy(q->head->common, q->common, sizeof(q->common));

    (void) pthread_mutexattr_init(&attr);
    (void) pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    (void) pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);

    err = pthread_mutex_init(&q->head->mutex, &attr);

    (void) pthread_mutexattr_destroy(&attr);

    return ngx_token_env_rc(err, q->path);
}


/* Whether a process that is alive has it open */

static unsigned
ngx_token_queue_is_used(ngx_token_queue_t *q)
{
    uint32_t                    i;
    static const unsigned char  nobody[NGX_TOKEN_PROC_LEN];

    /* it is mapped: no error code is OK
       NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    if (q->head->nslots > NGX_TOKEN_QUEUE_SLOTS) {
        return 0;
    }

    for (i = 0; i < q->head->nslots; i++) {

        if (memcmp(q->slots[i].who, nobody, sizeof(nobody)) != 0
            && !ngx_token_proc_is_gone(q->slots[i].who))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Whether this process can use it: it is new, or as it should be, or at least
 * of this layout and nobody's.
 */

static unsigned
ngx_token_queue_is_ours(ngx_token_queue_t *q)
{
    uint64_t  layout;

    layout = q->head->common[NGX_TOKEN_QUEUE_LAYOUT];

    if (layout != q->common[NGX_TOKEN_QUEUE_LAYOUT]) {
        return layout == 0;
    }

    return memcmp(q->head->common, q->common, sizeof(q->common)) == 0
           || !ngx_token_queue_is_used(q);
}


/* Whether nobody has it, and nothing in it waits to be committed */

static unsigned
ngx_token_queue_is_free(ngx_token_queue_slot_t *slot)
{
    unsigned  i;
    uint32_t  state;

    if (!ngx_token_proc_is_gone(slot->who)) {
        return 0;
    }

    for (i = 0; i < NGX_TOKEN_QUEUE_BATCHES; i++) {
        state = ngx_token_queue_state(&slot->batches[i]);

        if (state == NGX_TOKEN_QUEUE_READY || state == NGX_TOKEN_QUEUE_TAKEN) {
            return 0;
        }
    }

    return 1;
}


static ngx_token_rc_t
ngx_token_queue_allocate(ngx_token_queue_t *q, int fd, size_t offset,
    size_t len)
{
    int  err;

    do {
        err = posix_fallocate(fd, (off_t) offset, (off_t) len);
    } while (err == EINTR);

    return ngx_token_env_rc(err, q->path);
}


ngx_token_rc_t
ngx_token_queue_put(ngx_token_queue_t *q, const ngx_token_queue_item_t *item)
{
    size_t                    len;
    unsigned char            *p;
    ngx_token_queue_entry_t   e;
    ngx_token_queue_batch_t  *b;

    len = item->record ? item->len : 0;

    if (len > NGX_TOKEN_QUEUE_MAX_RECORD) {
        return NGX_TOKEN_INVALID;
    }

    b = ngx_token_queue_room(q, ngx_token_queue_space(len));

    if (b == NULL) {
        return NGX_TOKEN_BUSY;
    }

    memset(&e, 0, sizeof(ngx_token_queue_entry_t));

    e.len = (uint32_t) len;
    e.flags = (unsigned char) ((item->claimed ? NGX_TOKEN_QUEUE_CLAIMED : 0)
                               | (item->record ? 0
                                               : NGX_TOKEN_QUEUE_SETTLED));
    e.outcome = (unsigned char) item->outcome;
    e.error = (unsigned char) item->error;
    memcpy(e.id, item->id, NGX_TOKEN_ID_LEN);

    p = b->bytes + b->len;

    memcpy(p, &e, sizeof(ngx_token_queue_entry_t));

    if (len) {
        memcpy(p + sizeof(ngx_token_queue_entry_t), item->record, len);
    }

    b->len += ngx_token_queue_space(len);
    __atomic_store_n(&b->n, b->n + 1, __ATOMIC_RELAXED);

    return NGX_TOKEN_OK;
}


/*
 * The batch to be filled, with room for one more record: the last one, where
 * no committer has it yet, or the next.
 */

static ngx_token_queue_batch_t *
ngx_token_queue_room(ngx_token_queue_t *q, size_t space)
{
    ngx_token_queue_batch_t  *b;

    b = ngx_token_queue_batch(q->slot, q->last);

    if (!q->open && ngx_token_queue_state(b) == NGX_TOKEN_QUEUE_OPEN) {
        /* it is empty */
        b->n = 0;
        b->len = 0;
        b->number = q->last;
        q->open = 1;
    }

    if (!q->open && ngx_token_queue_swap(b, NGX_TOKEN_QUEUE_READY,
                                         NGX_TOKEN_QUEUE_OPEN))
    {
        q->open = 1;
    }

    if (q->open) {

        if (b->n < NGX_TOKEN_QUEUE_RECORDS
            && b->len + space <= NGX_TOKEN_QUEUE_BYTES)
        {
            return b;
        }

        ngx_token_queue_set_state(b, NGX_TOKEN_QUEUE_READY);
        q->open = 0;
        q->ready = 1;
    }

    if (q->last + 1 - q->first == NGX_TOKEN_QUEUE_BATCHES) {
        return NULL;
    }

    q->last++;

    return ngx_token_queue_room(q, space);
}


unsigned
ngx_token_queue_publish(ngx_token_queue_t *q)
{
    unsigned  gone;

    gone = 0;

    if (q->open) {
        ngx_token_queue_set_state(ngx_token_queue_batch(q->slot, q->last),
                                  NGX_TOKEN_QUEUE_READY);
        q->open = 0;
        q->ready = 1;
    }

    if (q->ready) {
        q->ready = 0;
        gone = ngx_token_queue_wake(q);
    }

    /*
     * Sequentially consistent, both here and in work(): either the committer
     * sees the batch after it has said that it ends, or this is seen here.
     */

    return gone || !__atomic_load_n(&q->head->active, __ATOMIC_SEQ_CST);
}


unsigned
ngx_token_queue_waits(ngx_token_queue_t *q)
{
    if (__atomic_load_n(&q->head->active, __ATOMIC_SEQ_CST)) {
        return 0;
    }

    return ngx_token_queue_is_waiting(q);
}


unsigned
ngx_token_queue_pending(ngx_token_queue_t *q, uint64_t *took)
{
    *took = __atomic_load_n(&q->head->took, __ATOMIC_RELAXED);

    if (!__atomic_load_n(&q->head->active, __ATOMIC_SEQ_CST)) {
        return 0;
    }

    return ngx_token_queue_is_waiting(q);
}


/* Whether something is published, or was taken by one who may have died */

static unsigned
ngx_token_queue_is_waiting(ngx_token_queue_t *q)
{
    uint32_t  i, j, nslots, state;

    nslots = __atomic_load_n(&q->head->nslots, __ATOMIC_SEQ_CST);

    for (i = 0; i < nslots && i < NGX_TOKEN_QUEUE_SLOTS; i++) {
        for (j = 0; j < NGX_TOKEN_QUEUE_BATCHES; j++) {
            state = ngx_token_queue_state(&q->slots[i].batches[j]);

            if (state == NGX_TOKEN_QUEUE_READY
                || state == NGX_TOKEN_QUEUE_TAKEN)
            {
                return 1;
            }
        }
    }

    return 0;
}


ngx_token_rc_t
ngx_token_queue_take(ngx_token_queue_t *q, ngx_token_queue_answer_t *a)
{
    ngx_token_queue_batch_t    *b;
    ngx_token_queue_verdict_t  *v;

    b = ngx_token_queue_batch(q->slot, q->first);
    q->error = NULL;

    if (ngx_token_queue_state(b) != NGX_TOKEN_QUEUE_DONE) {
        return NGX_TOKEN_DONE;
    }

    v = &b->verdicts[q->taken];

    memset(a, 0, sizeof(ngx_token_queue_answer_t));

    a->verdict.outcome = (ngx_token_outcome_e) v->outcome;
    a->verdict.error = (ngx_token_err_e) v->error;
    a->verdict.seq = v->seq;
    a->verdict.version = v->version;
    a->verdict.repeated = (v->repeated != 0);
    a->result = (v->result != 0);

    if (q->taken == 0 && b->text[0] != '\0') {
        q->error = b->text;
    }

    if (++q->taken < b->n) {
        return NGX_TOKEN_OK;
    }

    /* the whole batch has been told of; its text stays until it is filled */

    q->taken = 0;
    q->first++;

    if (q->last < q->first) {
        q->last = q->first;
    }

    /*
     * In this order: a place that is open is the end of what a committer looks
     * at, and killed between the two this process would leave batches behind
     * it that wait for ever.
     */

    __atomic_store_n(&q->slot->first, q->first, __ATOMIC_SEQ_CST);
    ngx_token_queue_set_state(b, NGX_TOKEN_QUEUE_OPEN);

    return NGX_TOKEN_OK;
}


const char *
ngx_token_queue_error(ngx_token_queue_t *q)
{
    return q->error;
}


void
ngx_token_queue_stop(ngx_token_queue_t *q)
{
    __atomic_store_n(&q->stopped, 1, __ATOMIC_SEQ_CST);

    (void) ngx_token_queue_wake(q);
}


void
ngx_token_queue_stat(ngx_token_queue_t *q, ngx_token_queue_stat_t *stat)
{
    stat->commits = __atomic_load_n(&q->head->commits, __ATOMIC_RELAXED);
    stat->records = __atomic_load_n(&q->head->records, __ATOMIC_RELAXED);
    stat->ns = __atomic_load_n(&q->head->busy, __ATOMIC_RELAXED);
    stat->waiting = ngx_token_queue_waiting(q);
}
