
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_QUEUE_INT_H_INCLUDED_
#define _NGX_TOKEN_QUEUE_INT_H_INCLUDED_


#include "store/ngx_token_live_int.h"
#include "store/ngx_token_pace.h"
#include "store/ngx_token_queue.h"


/*
 * Private to store/: what the shared memory looks like.
 *
 *   head                     one page
 *   slot, slot, ...          one for each process: its ring of batches
 *
 * Batches are numbered; number n is in the ring's place n % BATCHES.  A batch
 * is the owner's while it is OPEN or DONE, the committer's while it is TAKEN.
 * From READY either may take it, by compare and swap: the owner to put more
 * into it, the committer to commit it.  Whoever has it may write all of it.
 *
 *   OPEN --owner--> READY --committer--> TAKEN --committer--> DONE
 *     ^               |                                        |
 *     +-----owner-----+----------------owner-------------------+
 *
 * The file is made anew when its processes are gone; where they are not, and it
 * is not as this process needs it, another file takes its place.
 */


#define NGX_TOKEN_QUEUE_FILE     "queue"
#define NGX_TOKEN_QUEUE_SLOTS    512      /* processes */
#define NGX_TOKEN_QUEUE_BATCHES  3        /* of a process: one is committed,
                                             one is told of, one is filled */
#define NGX_TOKEN_QUEUE_RECORDS  1024     /* in a batch */
#define NGX_TOKEN_QUEUE_BYTES    ((size_t) 128 * 1024)   /* of them */


enum {
    NGX_TOKEN_QUEUE_OPEN = 0,
    NGX_TOKEN_QUEUE_READY,
    NGX_TOKEN_QUEUE_TAKEN,
    NGX_TOKEN_QUEUE_DONE
};


#define NGX_TOKEN_QUEUE_CLAIMED  0x01
#define NGX_TOKEN_QUEUE_SETTLED  0x02     /* there is no record */


/* before each record; at a multiple of 8 */

typedef struct {
    uint32_t                 len;         /* of the record */
    unsigned char            flags;
    unsigned char            outcome;
    unsigned char            error;
    unsigned char            unused;
    unsigned char            id[NGX_TOKEN_ID_LEN];
} ngx_token_queue_entry_t;


typedef struct {
    uint64_t                 seq;
    uint64_t                 version;
    unsigned char            outcome;
    unsigned char            error;
    unsigned char            repeated;
    unsigned char            result;      /* in the ledger */
    unsigned char            unused[4];
} ngx_token_queue_verdict_t;


typedef struct {
    uint32_t                 state;       /* atomic */
    uint32_t                 n;           /* records */
    uint64_t                 number;
    uint64_t                 len;         /* of bytes, in use */
    char                     text[256];   /* what went wrong, or empty */
    ngx_token_queue_verdict_t  verdicts[NGX_TOKEN_QUEUE_RECORDS];
    unsigned char            bytes[NGX_TOKEN_QUEUE_BYTES];
} ngx_token_queue_batch_t;


typedef struct {
    unsigned char            who[NGX_TOKEN_PROC_LEN];  /* zero: nobody */
    uint64_t                 first;       /* atomic: the number of the oldest
                                             batch that is not taken back */
    ngx_token_queue_batch_t  batches[NGX_TOKEN_QUEUE_BATCHES];
} ngx_token_queue_slot_t;


/*
 * What all processes of a queue have in common: whoever commits does it to the
 * same file, as durably, and with as much room.
 */

enum {
    NGX_TOKEN_QUEUE_LAYOUT = 0,           /* of this memory */
    NGX_TOKEN_QUEUE_BOOT,                 /* of the machine: who is named in it
                                             is not another one after the next
                                             start, with the same number */
    NGX_TOKEN_QUEUE_DEVICE,
    NGX_TOKEN_QUEUE_INODE,                /* of the store */
    NGX_TOKEN_QUEUE_SIZE,
    NGX_TOKEN_QUEUE_FLAGS,
    NGX_TOKEN_QUEUE_COMMON
};


typedef struct {
    uint64_t                 common[NGX_TOKEN_QUEUE_COMMON];
    pthread_mutex_t          mutex;       /* robust: the committer's */
    uint32_t                 active;      /* atomic: the committer is at work;
                                             a hint */
    uint32_t                 nslots;      /* atomic: in use, at most */
    ngx_token_pace_t         pace;        /* the committer's */
    uint64_t                 took;        /* atomic: ns of the last commit */
    uint64_t                 commits;     /* atomic: since this was made */
    uint64_t                 records;     /* atomic: in them */
    uint64_t                 busy;        /* atomic: ns that they took */
    uint32_t                 published;   /* atomic: how often; a futex */
    uint32_t                 sleeping;    /* atomic: the committer waits for
                                             it to change */
} ngx_token_queue_head_t;


struct ngx_token_queue_s {
    char                    *path;
    uint64_t                 common[NGX_TOKEN_QUEUE_COMMON];
    ngx_token_queue_head_t  *head;
    ngx_token_queue_slot_t  *slots;
    ngx_token_queue_slot_t  *slot;        /* of this process */
    size_t                   size;        /* bytes of the map */
    uint32_t                 stopped;     /* atomic */

    /* the event loop's */
    uint64_t                 first;       /* as in the slot */
    uint64_t                 last;        /* the batch that is filled */
    unsigned                 open:1;      /* it is ours to fill */
    unsigned                 ready:1;     /* one is, and no committer was
                                             waked for it yet */
    size_t                   taken;       /* verdicts, of the first */
    const char              *error;

    /* the committer's: grown as needed, kept for the next time */
    size_t                   nbatches;
    ngx_token_queue_batch_t  *batches[NGX_TOKEN_QUEUE_SLOTS
                                      * NGX_TOKEN_QUEUE_BATCHES];
    ngx_token_queue_slot_t  *owners[NGX_TOKEN_QUEUE_SLOTS
                                    * NGX_TOKEN_QUEUE_BATCHES];
    size_t                   turn;        /* the slot to begin with */
    unsigned                 heir;        /* what one who died has taken is
                                             not looked for yet */
    uint64_t                 linger;      /* ns to wait for what comes next */
    size_t                   nrecords;    /* room for so many */
    ngx_token_commit_t      *commits;
    ngx_token_verdict_t     *verdicts;
    ngx_token_queue_verdict_t  **answers; /* of the commits */
    ngx_token_claim_t       *claims;
    size_t                   neffects;
    ngx_token_effect_t      *effects;
};


/* Records of all processes that are published, about */
uint32_t ngx_token_queue_waiting(ngx_token_queue_t *q);

/*
 * Says that something has been published, or is to be looked at.
 *
 * Returns: 1: the committer was to be woken, and nobody was there
 */
unsigned ngx_token_queue_wake(ngx_token_queue_t *q);


static inline ngx_token_queue_batch_t *
ngx_token_queue_batch(ngx_token_queue_slot_t *slot, uint64_t number)
{
    return &slot->batches[number % NGX_TOKEN_QUEUE_BATCHES];
}


static inline uint32_t
ngx_token_queue_state(ngx_token_queue_batch_t *b)
{
    return __atomic_load_n(&b->state, __ATOMIC_SEQ_CST);
}


static inline void
ngx_token_queue_set_state(ngx_token_queue_batch_t *b, uint32_t state)
{
    __atomic_store_n(&b->state, state, __ATOMIC_SEQ_CST);
}


static inline unsigned
ngx_token_queue_swap(ngx_token_queue_batch_t *b, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(&b->state, &from, to, 0,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}


/* bytes that an entry with its record takes */

static inline size_t
ngx_token_queue_space(size_t len)
{
    return (sizeof(ngx_token_queue_entry_t) + len + 7) & ~(size_t) 7;
}


#endif /* _NGX_TOKEN_QUEUE_INT_H_INCLUDED_ */
