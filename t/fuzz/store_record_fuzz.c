
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/ngx_token_live_int.h"
#include "store/ngx_token_store_int.h"


/*
 * Input: a byte that chooses the kind of row, and the row, as it may be found
 * in a file.  What is taken from it must lie in it, and within its bounds.
 */


enum {
    ROW_STATE = 0,
    ROW_ATOM,
    ROW_LOGS,
    ROW_RECORD,
    ROW_FEED,
    ROW_LEDGER,
    ROW_LIVE,
    ROW_LIVE_KEY,
    ROW_LAST
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
require(int ok)
{
    if (!ok) {
        abort();
    }
}


static void
require_inside(const ngx_token_str_t *s, const uint8_t *data, size_t size)
{
    require(s->data >= data && s->data <= data + size);
    require(s->len <= (size_t) (data + size - s->data));
}


static void
test_record(const uint8_t *data, size_t size)
{
    ngx_token_record_t  r;

    if (ngx_token_record_decode(data, size, &r) == NGX_TOKEN_OK) {
        require_inside(&r.user, data, size);
        require_inside(&r.value, data, size);
        require(r.user.len <= NGX_TOKEN_MAX_USER);
        require(r.value.len != 0);
        require(r.value.data + r.value.len == data + size);
    }
}


static void
test_ledger(const uint8_t *data, size_t size)
{
    ngx_token_ledger_t  l;

    if (ngx_token_ledger_decode(data, size, &l) == NGX_TOKEN_OK) {
        require_inside(&l.user, data, size);
        require_inside(&l.result, data, size);
        require(l.user.len <= NGX_TOKEN_MAX_USER);
        require(l.result.data + l.result.len == data + size);
        require((unsigned) l.outcome <= NGX_TOKEN_OUTCOME_UNKNOWN);
        require((unsigned) l.error < NGX_TOKEN_ERR_LAST);
    }
}


static void
test_atom(const uint8_t *data, size_t size)
{
    ngx_token_atom_t  a;

    if (ngx_token_atom_decode(data, size, &a) == NGX_TOKEN_OK) {
        require_inside(&a.value, data, size);
        require(a.value.len != 0);
    }
}


static void
test_feed(const uint8_t *data, size_t size)
{
    ngx_token_feed_t  f;

    if (ngx_token_feed_decode(data, size, &f) == NGX_TOKEN_OK) {
        require_inside(&f.channel, data, size);
        require(f.channel.len != 0);
        require(f.channel.len <= NGX_TOKEN_MAX_CHANNEL);
        require(f.type >= NGX_TOKEN_EFFECT_SET
                && f.type <= NGX_TOKEN_EFFECT_APPEND);
    }
}


static void
test_live(const uint8_t *data, size_t size)
{
    ngx_token_live_row_t  row;

    memset(&row, 0, sizeof(ngx_token_live_row_t));

    if (ngx_token_live_decode(data, size, &row) == NGX_TOKEN_OK) {
        require_inside(&row.user, data, size);
        require(row.user.len <= NGX_TOKEN_MAX_USER);
    }
}


static void
test_live_key(const uint8_t *data, size_t size)
{
    const unsigned char  *who;

    who = ngx_token_live_key_proc(data, size);

    if (who != NULL) {
        require(who > data);
        require(who + NGX_TOKEN_PROC_LEN <= data + size);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned            kind;
    ngx_token_logs_t    logs;
    ngx_token_state_t   state;

    if (size == 0) {
        return 0;
    }

    kind = data[0] % ROW_LAST;
    data++;
    size--;

    switch (kind) {

    case ROW_STATE:
        (void) ngx_token_state_decode(data, size, &state);
        break;

    case ROW_LOGS:
        if (ngx_token_logs_decode(data, size, &logs) == NGX_TOKEN_OK) {
            require(logs.id != 0);
        }

        break;

    case ROW_ATOM:
        test_atom(data, size);
        break;

    case ROW_RECORD:
        test_record(data, size);
        break;

    case ROW_FEED:
        test_feed(data, size);
        break;

    case ROW_LEDGER:
        test_ledger(data, size);
        break;

    case ROW_LIVE:
        test_live(data, size);
        break;

    default:
        test_live_key(data, size);
        break;
    }

    return 0;
}
