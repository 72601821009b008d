
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "store/ngx_token_store_int.h"


static ngx_token_rc_t ngx_token_log_trim(ngx_token_write_t *w,
    ngx_token_append_t *entry);
static ngx_token_rc_t ngx_token_log_oldest(ngx_token_write_t *w,
    ngx_token_append_t *entry, uint64_t *time);
static ngx_token_rc_t ngx_token_log_write(ngx_token_write_t *w,
    const ngx_token_append_t *entry);


ngx_token_rc_t
ngx_token_logs_decode(const unsigned char *data, size_t len,
    ngx_token_logs_t *l)
{
    if (len != NGX_TOKEN_LOGS_LEN) {
        return NGX_TOKEN_INVALID;
    }

    l->id = ngx_token_get_u32(data);
    l->log.first = ngx_token_get_u64(data + 4);
    l->log.last = ngx_token_get_u64(data + 12);
    l->log.trimmed = ngx_token_get_u64(data + 20);
    l->log.count = ngx_token_get_u64(data + 28);

    return (l->id == 0) ? NGX_TOKEN_INVALID : NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_record_decode(const unsigned char *data, size_t len,
    ngx_token_record_t *r)
{
    size_t  user;

    if (len <= NGX_TOKEN_RECORD_HEAD) {
        return NGX_TOKEN_INVALID;
    }

    user = data[24];

    if (user >= len - NGX_TOKEN_RECORD_HEAD) {
        return NGX_TOKEN_INVALID;
    }

    r->time = ngx_token_get_u64(data);
    memcpy(r->token, data + 8, NGX_TOKEN_ID_LEN);

    r->user.data = data + NGX_TOKEN_RECORD_HEAD;
    r->user.len = user;
    r->value.data = r->user.data + user;
    r->value.len = len - NGX_TOKEN_RECORD_HEAD - user;

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_log_load(ngx_token_write_t *w, const ngx_token_str_t *name,
    ngx_token_append_t **ep)
{
    int                  rc;
    MDB_val              key, data;
    unsigned             i;
    unsigned char        buf[NGX_TOKEN_NAME_KEY];
    ngx_token_rc_t       result;
    ngx_token_append_t  *entry;

    for (i = 0; i < w->nlogs; i++) {
        entry = &w->logs[i];

        if (entry->len == name->len
            && memcmp(entry->name, name->data, name->len) == 0)
        {
            *ep = entry;
            return NGX_TOKEN_OK;
        }
    }

    if (w->nlogs == NGX_TOKEN_STORE_MAX_LOGS) {
        result = ngx_token_log_flush(w);

        if (result != NGX_TOKEN_OK) {
            return result;
        }
    }

    entry = &w->logs[w->nlogs];

    memset(entry, 0, sizeof(ngx_token_append_t));
    memcpy(entry->name, name->data, name->len);
    entry->len = name->len;

    ngx_token_name_key(NGX_TOKEN_LOGS_KIND, name, buf, &key);

    rc = mdb_cursor_get(w->cursors[NGX_TOKEN_DB_MAIN], &key, &data, MDB_SET);

    if (rc == MDB_SUCCESS) {
        result = ngx_token_logs_decode(data.mv_data, data.mv_size,
                                       &entry->row);
        if (result != NGX_TOKEN_OK) {
            return result;
        }

    } else if (rc != MDB_NOTFOUND) {
        return ngx_token_env_rc(rc, "reading a log");
    }

    w->nlogs++;
    *ep = entry;

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_log_append(ngx_token_write_t *w, const ngx_token_effect_t *e,
    const ngx_token_record_t *r)
{
    int                  rc;
    MDB_val              key, data;
    unsigned             flags;
    unsigned char       *p, place[NGX_TOKEN_RECORD_KEY];
    ngx_token_rc_t       result;
    ngx_token_append_t  *entry;

    result = ngx_token_log_load(w, &e->channel, &entry);

    if (result != NGX_TOKEN_OK) {
        return result;
    }

    /* no error code is OK
       NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    if (entry->row.id == 0) {
        entry->row.id = ++w->state.nlogs;
    }

    ngx_token_log_key(place, entry->row.id, r->seq);

    key.mv_size = sizeof(place);
    key.mv_data = place;
    data.mv_size = NGX_TOKEN_RECORD_HEAD + r->user.len + r->value.len;

    /* the records of the last log lie at the end: pages fill up there */
    flags = MDB_RESERVE | (entry->row.id == w->state.nlogs ? MDB_APPEND : 0);

    rc = mdb_cursor_put(w->cursors[NGX_TOKEN_DB_LOG], &key, &data, flags);

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, "writing a log");
    }

    p = data.mv_data;

    ngx_token_put_u64(p, r->time);
    memcpy(p + 8, r->token, NGX_TOKEN_ID_LEN);
    p[24] = (unsigned char) r->user.len;

    p += NGX_TOKEN_RECORD_HEAD;

    if (r->user.len) {
        memcpy(p, r->user.data, r->user.len);
    }

    memcpy(p + r->user.len, r->value.data, r->value.len);

    if (entry->row.log.count++ == 0) {
        entry->row.log.first = r->seq;
    }

    entry->row.log.last = r->seq;
    entry->keep = e->keep;
    entry->since = e->since;
    entry->appended++;

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_log_flush(ngx_token_write_t *w)
{
    unsigned        i;
    ngx_token_rc_t  rc;

    for (i = 0; i < w->nlogs; i++) {

        if (w->logs[i].appended == 0) {
            continue;
        }

        rc = ngx_token_log_trim(w, &w->logs[i]);

        if (rc == NGX_TOKEN_OK) {
            rc = ngx_token_log_write(w, &w->logs[i]);
        }

        if (rc != NGX_TOKEN_OK) {
            return rc;
        }
    }

    w->nlogs = 0;

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_log_trim(ngx_token_write_t *w, ngx_token_append_t *entry)
{
    int                  rc;
    size_t               n;
    uint64_t             time;
    unsigned             full;
    ngx_token_rc_t       result;
    ngx_token_log_t     *log;

    log = &entry->row.log;
    time = 0;

    for (n = NGX_TOKEN_STORE_TRIM + 4 * entry->appended; log->count; n--) {

        full = (entry->keep != 0 && log->count > entry->keep);

        if (!full && entry->since == 0 && log->first > log->trimmed) {
            /* there is no need to look at the oldest */
            return NGX_TOKEN_OK;
        }

        result = ngx_token_log_oldest(w, entry, &time);

        if (result == NGX_TOKEN_DECLINED) {
            log->count = 0;
            break;
        }

        if (result != NGX_TOKEN_OK) {
            return result;
        }

        if (n == 0 || (!full && time >= entry->since)) {
            return NGX_TOKEN_OK;
        }

        rc = mdb_cursor_del(w->cursors[NGX_TOKEN_DB_LOG], 0);

        if (rc != MDB_SUCCESS) {
            return ngx_token_env_rc(rc, "trimming a log");
        }

        log->trimmed = log->first;
        log->count--;
    }

    log->first = 0;

    return NGX_TOKEN_OK;
}


/*
 * Leaves the cursor at the oldest record, and sets the log's first.
 *
 *     time  out: ms, of it; 0: it is damaged
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_DECLINED: there is none; other codes: the
 *          transaction cannot go on
 */

static ngx_token_rc_t
ngx_token_log_oldest(ngx_token_write_t *w, ngx_token_append_t *entry,
    uint64_t *time)
{
    int                  rc;
    MDB_val              key, data;
    unsigned char        place[NGX_TOKEN_RECORD_KEY];
    ngx_token_record_t   r;

    ngx_token_log_key(place, entry->row.id, entry->row.log.trimmed + 1);

    key.mv_size = sizeof(place);
    key.mv_data = place;

    rc = mdb_cursor_get(w->cursors[NGX_TOKEN_DB_LOG], &key, &data,
                        MDB_SET_RANGE);

    if (rc == MDB_NOTFOUND
        || (rc == MDB_SUCCESS && !ngx_token_log_is(&key, entry->row.id)))
    {
        return NGX_TOKEN_DECLINED;
    }

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, "trimming a log");
    }

    entry->row.log.first = ngx_token_get_u64((unsigned char *) key.mv_data + 4);

    *time = (ngx_token_record_decode(data.mv_data, data.mv_size, &r)
             == NGX_TOKEN_OK)
            ? r.time : 0;

    return NGX_TOKEN_OK;
}


static ngx_token_rc_t
ngx_token_log_write(ngx_token_write_t *w, const ngx_token_append_t *entry)
{
    int              rc;
    MDB_val          key, data;
    unsigned char    buf[NGX_TOKEN_NAME_KEY], row[NGX_TOKEN_LOGS_LEN];
    ngx_token_str_t  name;

    ngx_token_put_u32(row, entry->row.id);
    ngx_token_put_u64(row + 4, entry->row.log.first);
    ngx_token_put_u64(row + 12, entry->row.log.last);
    ngx_token_put_u64(row + 20, entry->row.log.trimmed);
    ngx_token_put_u64(row + 28, entry->row.log.count);

    name.data = entry->name;
    name.len = entry->len;

    ngx_token_name_key(NGX_TOKEN_LOGS_KIND, &name, buf, &key);
    data.mv_size = sizeof(row);
    data.mv_data = row;

    rc = mdb_cursor_put(w->cursors[NGX_TOKEN_DB_MAIN], &key, &data, 0);

    return ngx_token_env_rc(rc, "writing a log");
}


void
ngx_token_log_key(unsigned char key[NGX_TOKEN_RECORD_KEY], uint32_t id,
    uint64_t seq)
{
    ngx_token_put_u32(key, id);
    ngx_token_put_u64(key + 4, seq);
}


unsigned
ngx_token_log_is(const MDB_val *key, uint32_t id)
{
    return key->mv_size == NGX_TOKEN_RECORD_KEY
           && ngx_token_get_u32(key->mv_data) == id;
}
