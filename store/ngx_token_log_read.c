
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "store/ngx_token_store_int.h"


static unsigned ngx_token_log_position(ngx_token_read_t *r,
    const ngx_token_str_t *name);


void
ngx_token_read_log(ngx_token_read_t *r, const ngx_token_str_t *name,
    ngx_token_log_t *l)
{
    MDB_val           key, data;
    unsigned char     buf[NGX_TOKEN_NAME_KEY];
    ngx_token_logs_t  row;

    memset(l, 0, sizeof(ngx_token_log_t));

    if (name->len == 0 || name->len > NGX_TOKEN_MAX_CHANNEL) {
        return;
    }

    ngx_token_name_key(NGX_TOKEN_LOGS_KIND, name, buf, &key);

    if (mdb_get(r->txn, r->env->dbi[NGX_TOKEN_DB_MAIN], &key, &data)
        == MDB_SUCCESS
        && ngx_token_logs_decode(data.mv_data, data.mv_size, &row)
           == NGX_TOKEN_OK)
    {
        *l = row.log;
    }
}


/*
 * Makes r->id the log of that name.  A reader asks for one record after the
 * other, so the last name is remembered.
 */

static unsigned
ngx_token_log_position(ngx_token_read_t *r, const ngx_token_str_t *name)
{
    MDB_val           key, data;
    unsigned char     buf[NGX_TOKEN_NAME_KEY];
    ngx_token_logs_t  row;

    if (name->len == 0 || name->len > NGX_TOKEN_MAX_CHANNEL) {
        return 0;
    }

    if (r->len == name->len && memcmp(r->name, name->data, name->len) == 0) {
        return 1;
    }

    r->len = 0;
    r->record = 0;

    ngx_token_name_key(NGX_TOKEN_LOGS_KIND, name, buf, &key);

    if (mdb_get(r->txn, r->env->dbi[NGX_TOKEN_DB_MAIN], &key, &data)
        != MDB_SUCCESS
        || ngx_token_logs_decode(data.mv_data, data.mv_size, &row)
           != NGX_TOKEN_OK)
    {
        return 0;
    }

    r->id = row.id;
    r->len = name->len;
    memcpy(r->name, name->data, name->len);

    return 1;
}


ngx_token_rc_t
ngx_token_read_record(ngx_token_read_t *r, const ngx_token_str_t *name,
    uint64_t after, ngx_token_record_t *rec)
{
    int             rc;
    MDB_val         key, data;
    MDB_cursor     *cursor;
    unsigned char   place[NGX_TOKEN_RECORD_KEY];
    ngx_token_rc_t  result;

    if (after == UINT64_MAX || !ngx_token_log_position(r, name)) {
        return NGX_TOKEN_DONE;
    }

    cursor = ngx_token_env_cursor(r, NGX_TOKEN_DB_LOG);
    if (cursor == NULL) {
        return NGX_TOKEN_ERROR;
    }

    ngx_token_log_key(place, r->id, after + 1);

    key.mv_size = sizeof(place);
    key.mv_data = place;

    rc = mdb_cursor_get(cursor, &key, &data,
                        (r->record != 0 && r->record == after)
                            ? MDB_NEXT : MDB_SET_RANGE);

    r->record = 0;

    for ( ;; ) {

        if (rc == MDB_NOTFOUND
            || (rc == MDB_SUCCESS && !ngx_token_log_is(&key, r->id)))
        {
            return NGX_TOKEN_DONE;
        }

        if (rc != MDB_SUCCESS) {
            return ngx_token_env_rc(rc, "reading a log");
        }

        result = ngx_token_record_decode(data.mv_data, data.mv_size, rec);

        if (result == NGX_TOKEN_OK) {
            break;
        }

        /* a damaged row is not there */

        rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }

    rec->seq = ngx_token_get_u64((unsigned char *) key.mv_data + 4);
    r->record = rec->seq;

    return NGX_TOKEN_OK;
}


uint64_t
ngx_token_read_tail(ngx_token_read_t *r, const ngx_token_str_t *name,
    uint64_t n)
{
    int              rc;
    MDB_val          key, data;
    MDB_cursor      *cursor;
    unsigned char    place[NGX_TOKEN_RECORD_KEY];
    ngx_token_log_t  log;

    ngx_token_read_log(r, name, &log);

    if (n == 0) {
        return log.last;
    }

    cursor = ngx_token_env_cursor(r, NGX_TOKEN_DB_LOG);

    if (n >= log.count || cursor == NULL || !ngx_token_log_position(r, name)) {
        return log.trimmed;
    }

    r->record = 0;

    ngx_token_log_key(place, r->id, log.last);

    key.mv_size = sizeof(place);
    key.mv_data = place;

    rc = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);

    while (rc == MDB_SUCCESS && ngx_token_log_is(&key, r->id)) {

        if (n-- == 0) {
            r->record = ngx_token_get_u64((unsigned char *) key.mv_data + 4);
            return r->record;
        }

        rc = mdb_cursor_get(cursor, &key, &data, MDB_PREV);
    }

    return log.trimmed;
}
