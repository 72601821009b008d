
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>


/*
 *     ballast DIRECTORY GIB
 *
 * Makes a store big: values of 1 GiB in a database of their own, whose pages
 * are never written, so that the file is sparse.
 */


static void check(int rc);


int
main(int argc, char **argv)
{
    int        i, n;
    MDB_val    key, val;
    MDB_dbi    dbi;
    MDB_env   *env;
    MDB_txn   *txn;

    if (argc != 3) {
        (void) fputs("usage: ballast DIRECTORY GIB\n", stderr);
        return 2;
    }

    n = atoi(argv[2]);

    check(mdb_env_create(&env));
    check(mdb_env_set_mapsize(env, (size_t) (n + 2) << 30));
    check(mdb_env_set_maxdbs(env, 1));
    check(mdb_env_open(env, argv[1], MDB_WRITEMAP | MDB_NOSYNC, 0600));
    check(mdb_txn_begin(env, NULL, 0, &txn));
    check(mdb_dbi_open(txn, "ballast", MDB_CREATE | MDB_INTEGERKEY, &dbi));

    for (i = 0; i < n; i++) {
        key.mv_data = &i;
        key.mv_size = sizeof(int);
        val.mv_size = ((size_t) 1 << 30) - 4096;
        check(mdb_put(txn, dbi, &key, &val, MDB_RESERVE));
    }

    check(mdb_txn_commit(txn));
    mdb_env_close(env);

    return 0;
}


static void
check(int rc)
{
    if (rc != 0) {
        (void) fprintf(stderr, "ballast: %s\n", mdb_strerror(rc));
        exit(1);
    }
}
