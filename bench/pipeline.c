
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "server.h"

#include <lmdb.h>


/*
 *     pipeline PORT DIRECTORY sync|nosync
 *
 * The yardstick of durable commands: all that came in one round of the loop
 * goes into one LMDB commit (is the id new, put it, count, append to a log),
 * then all are answered.
 */


#define MAX_BATCH  4096


typedef struct {
    int                   fd;
    unsigned char         id[36];
    unsigned char         value[64];
    size_t                len;
    uint64_t              seq;
} command_t;


static void check(int rc);
static void apply(MDB_txn *txn, command_t *c);
static void answer(command_t *c);


static MDB_env    *env;
static MDB_dbi     ids, counter, records;
static command_t   batch[MAX_BATCH];
static unsigned    waiting;


int
main(int argc, char **argv)
{
    MDB_txn   *txn;
    unsigned   flags;

    if (argc != 4) {
        (void) fputs("usage: pipeline PORT DIRECTORY sync|nosync\n", stderr);
        return 2;
    }

    flags = (strcmp(argv[3], "nosync") == 0) ? MDB_NOSYNC : 0;

    check(mdb_env_create(&env));
    check(mdb_env_set_mapsize(env, (size_t) 8 << 30));
    check(mdb_env_set_maxdbs(env, 3));
    check(mdb_env_open(env, argv[2], flags, 0600));
    check(mdb_txn_begin(env, NULL, 0, &txn));
    check(mdb_dbi_open(txn, "ids", MDB_CREATE, &ids));
    check(mdb_dbi_open(txn, "counter", MDB_CREATE, &counter));
    check(mdb_dbi_open(txn, "records", MDB_CREATE | MDB_INTEGERKEY, &records));
    check(mdb_txn_commit(txn));

    return serve(argv[1]);
}


void
on_message(int fd, client_t *cl, unsigned char *data, size_t len)
{
    command_t      *c;
    unsigned char  *p, *v;

    (void) cl;

    p = memmem(data, len, "\"id\":\"", 6);
    v = memmem(data, len, "\"value\":", 8);

    if (p == NULL || v == NULL || data + len - p < 6 + 36) {
        return;
    }

    c = &batch[waiting++];
    c->fd = fd;
    memcpy(c->id, p + 6, 36);
    v += 8;
    c->len = (size_t) (data + len - v);
    c->len = c->len > sizeof(c->value) ? sizeof(c->value) : c->len;
    memcpy(c->value, v, c->len);

    if (waiting == MAX_BATCH) {
        on_round();
    }
}


void
on_round(void)
{
    unsigned   i;
    MDB_txn   *txn;

    if (waiting == 0) {
        return;
    }

    check(mdb_txn_begin(env, NULL, 0, &txn));

    for (i = 0; i < waiting; i++) {
        apply(txn, &batch[i]);
    }

    check(mdb_txn_commit(txn));

    for (i = 0; i < waiting; i++) {
        answer(&batch[i]);
    }

    waiting = 0;
}


static void
apply(MDB_txn *txn, command_t *c)
{
    int        rc;
    MDB_val    key, val;
    uint64_t   n = 0;

    key.mv_data = c->id;
    key.mv_size = sizeof(c->id);
    rc = mdb_get(txn, ids, &key, &val);

    if (rc == 0) {
        memcpy(&c->seq, val.mv_data, sizeof(uint64_t));
        return;
    }

    key.mv_data = "n";
    key.mv_size = 1;
    rc = mdb_get(txn, counter, &key, &val);

    if (rc == 0) {
        memcpy(&n, val.mv_data, sizeof(uint64_t));
    }

    n++;
    c->seq = n;
    val.mv_data = &n;
    val.mv_size = sizeof(uint64_t);
    check(mdb_put(txn, counter, &key, &val, 0));

    key.mv_data = c->id;
    key.mv_size = sizeof(c->id);
    check(mdb_put(txn, ids, &key, &val, 0));

    key.mv_data = &n;
    key.mv_size = sizeof(uint64_t);
    val.mv_data = c->value;
    val.mv_size = c->len;
    check(mdb_put(txn, records, &key, &val, MDB_APPEND));
}


static void
answer(command_t *c)
{
    int             n;
    char            text[128];
    size_t          head;
    unsigned char   frame[160];

    n = snprintf(text, sizeof(text),
                 "{\"type\":\"outcome\",\"id\":\"%.36s\",\"outcome\":\"ok\","
                 "\"seq\":%llu}", (char *) c->id,
                 (unsigned long long) c->seq);

    head = frame_header(frame, (size_t) n);
    memcpy(frame + head, text, (size_t) n);
    put(c->fd, frame, head + (size_t) n);
}


void
on_open(int fd, client_t *c)
{
    (void) fd;
    (void) c;
}


void
on_close(int fd, client_t *c)
{
    unsigned  i;

    (void) c;

    /* its tokens are committed, its answers go nowhere */
    for (i = 0; i < waiting; i++) {
        if (batch[i].fd == fd) {
            batch[i].fd = -1;
        }
    }
}


static void
check(int rc)
{
    if (rc != 0) {
        (void) fprintf(stderr, "lmdb: %s\n", mdb_strerror(rc));
        exit(1);
    }
}
