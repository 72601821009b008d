
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "store/ngx_token_store_int.h"


ngx_token_rc_t
ngx_token_atom_decode(const unsigned char *data, size_t len,
    ngx_token_atom_t *a)
{
    if (len <= NGX_TOKEN_ATOM_HEAD) {
        return NGX_TOKEN_INVALID;
    }

    a->version = ngx_token_get_u64(data);
    a->value.data = data + NGX_TOKEN_ATOM_HEAD;
    a->value.len = len - NGX_TOKEN_ATOM_HEAD;

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_atom_find(ngx_token_write_t *w, const ngx_token_str_t *name,
    ngx_token_atom_t *a)
{
    int            rc;
    MDB_val        key, data;
    unsigned char  buf[NGX_TOKEN_NAME_KEY];

    ngx_token_name_key(NGX_TOKEN_ATOM_KIND, name, buf, &key);

    rc = mdb_cursor_get(w->cursors[NGX_TOKEN_DB_MAIN], &key, &data, MDB_SET);

    if (rc == MDB_NOTFOUND) {
        return NGX_TOKEN_DECLINED;
    }

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, "reading an atom");
    }

    a->name = *name;

    return ngx_token_atom_decode(data.mv_data, data.mv_size, a);
}


ngx_token_rc_t
ngx_token_atom_write(ngx_token_write_t *w, const ngx_token_atom_t *a)
{
    int             rc;
    MDB_val         key, data;
    unsigned char  *p, buf[NGX_TOKEN_NAME_KEY];

    ngx_token_name_key(NGX_TOKEN_ATOM_KIND, &a->name, buf, &key);
    data.mv_size = NGX_TOKEN_ATOM_HEAD + a->value.len;

    rc = mdb_cursor_put(w->cursors[NGX_TOKEN_DB_MAIN], &key, &data,
                        MDB_RESERVE);

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, "writing an atom");
    }

    p = data.mv_data;

    ngx_token_put_u64(p, a->version);
    memcpy(p + NGX_TOKEN_ATOM_HEAD, a->value.data, a->value.len);

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_atom_delete(ngx_token_write_t *w, const ngx_token_str_t *name)
{
    int            rc;
    MDB_val        key, data;
    unsigned char  buf[NGX_TOKEN_NAME_KEY];

    ngx_token_name_key(NGX_TOKEN_ATOM_KIND, name, buf, &key);

    rc = mdb_cursor_get(w->cursors[NGX_TOKEN_DB_MAIN], &key, &data, MDB_SET);

    if (rc == MDB_SUCCESS) {
        rc = mdb_cursor_del(w->cursors[NGX_TOKEN_DB_MAIN], 0);
    }

    /* set by an earlier effect, deleted by another one: nothing is there */

    if (rc == MDB_NOTFOUND) {
        return NGX_TOKEN_OK;
    }

    return ngx_token_env_rc(rc, "deleting an atom");
}


ngx_token_rc_t
ngx_token_read_atom(ngx_token_read_t *r, const ngx_token_str_t *name,
    ngx_token_atom_t *a)
{
    int            rc;
    MDB_val        key, data;
    unsigned char  buf[NGX_TOKEN_NAME_KEY];

    if (name->len == 0 || name->len > NGX_TOKEN_MAX_CHANNEL) {
        return NGX_TOKEN_DECLINED;
    }

    ngx_token_name_key(NGX_TOKEN_ATOM_KIND, name, buf, &key);

    rc = mdb_get(r->txn, r->env->dbi[NGX_TOKEN_DB_MAIN], &key, &data);

    if (rc == MDB_NOTFOUND) {
        return NGX_TOKEN_DECLINED;
    }

    if (rc != MDB_SUCCESS) {
        return ngx_token_env_rc(rc, "reading an atom");
    }

    a->name = *name;

    if (ngx_token_atom_decode(data.mv_data, data.mv_size, a) != NGX_TOKEN_OK) {
        return NGX_TOKEN_DECLINED;
    }

    return NGX_TOKEN_OK;
}


ngx_token_rc_t
ngx_token_read_family(ngx_token_read_t *r, const ngx_token_str_t *prefix,
    const ngx_token_str_t *after, ngx_token_atom_t *a)
{
    int                     rc, cmp;
    size_t                  n;
    MDB_val                 first, at, key, data;
    MDB_cursor             *cursor;
    unsigned                inside;
    ngx_token_str_t         from;
    unsigned char           family[NGX_TOKEN_NAME_KEY];
    unsigned char           buf[NGX_TOKEN_NAME_KEY];

    cursor = ngx_token_env_cursor(r, NGX_TOKEN_DB_MAIN);
    if (cursor == NULL) {
        return NGX_TOKEN_ERROR;
    }

    n = (after->len < prefix->len) ? after->len : prefix->len;
    cmp = (n == 0) ? 0 : memcmp(after->data, prefix->data, n);

    /* a name before the prefix is no position in the family */

    inside = (cmp > 0 || (cmp == 0 && n == prefix->len));
    from = inside ? *after : *prefix;

    /* no name comes between one that is too long and its beginning */

    if (from.len > NGX_TOKEN_MAX_CHANNEL) {
        from.len = NGX_TOKEN_MAX_CHANNEL;
    }

    ngx_token_name_key(NGX_TOKEN_ATOM_KIND, prefix, family, &first);
    ngx_token_name_key(NGX_TOKEN_ATOM_KIND, &from, buf, &at);

    key = at;
    rc = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);

    if (rc == MDB_SUCCESS && inside && key.mv_size == at.mv_size
        && memcmp(key.mv_data, at.mv_data, at.mv_size) == 0)
    {
        rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }

    while (rc == MDB_SUCCESS && key.mv_size >= first.mv_size
           && memcmp(key.mv_data, first.mv_data, first.mv_size) == 0)
    {
        if (ngx_token_atom_decode(data.mv_data, data.mv_size, a)
            == NGX_TOKEN_OK)
        {
            n = sizeof(NGX_TOKEN_ATOM_KIND) - 1;

            a->name.data = (unsigned char *) key.mv_data + n;
            a->name.len = key.mv_size - n;

            return NGX_TOKEN_OK;
        }

        /* a damaged row is not there */

        rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }

    return (rc == MDB_SUCCESS || rc == MDB_NOTFOUND)
           ? NGX_TOKEN_DONE : ngx_token_env_rc(rc, "reading atoms");
}
