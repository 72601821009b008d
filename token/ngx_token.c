
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "token/ngx_token.h"


static unsigned ngx_token_id_dash(size_t i);
static int ngx_token_id_hex(unsigned char ch);


typedef struct {
    const char              *name;
    const char              *text;
} ngx_token_err_word_t;


/* indexed by ngx_token_outcome_e */

static const char  *const ngx_token_outcome_names[] = {
    "ok",
    "rejected",
    "failed",
    "busy",
    "interrupted",
    "superseded",
    "running",
    "unknown"
};


/* indexed by ngx_token_err_e */

static const ngx_token_err_word_t  ngx_token_err_words[] = {
    { "none", "no error" },
    { "unknown_service", "there is no such service here" },
    { "user_required", "this service is for users who have logged in" },
    { "bad_value", "the value is not what the service expects" },
    { "too_large", "the value is too large" },
    { "version", "somebody else has changed it in the meantime" },
    { "not_boolean", "the present value is neither true nor false" },
    { "not_number", "only a number can be added to a number" },
    { "number_range", "the sum is beyond the range of exact numbers" },
    { "unknown_channel", "there is no such atom or log" },
    { "id_reused", "this id was used for another request" },
    { "id_expired", "this id is too old to be accepted" },
    { "id_future", "this id is from the future, check the clock" },
    { "service_failed", "the service could not do its work" },
    { "timeout", "the service took too long" },
    { "store_full", "the store has no room" },
    { "store_error", "the store could not be written" },
    { "service_rejected", "the service refused the request" }
};


ngx_token_rc_t
ngx_token_id_parse(const ngx_token_str_t *text,
    unsigned char id[NGX_TOKEN_ID_LEN])
{
    int             hi, lo;
    size_t          i, n;
    unsigned char  *p;

    if (text->len != NGX_TOKEN_ID_TEXT_LEN) {
        return NGX_TOKEN_INVALID;
    }

    p = id;
    n = 0;

    for (i = 0; i < NGX_TOKEN_ID_LEN; i++) {

        if (ngx_token_id_dash(i) && text->data[n++] != '-') {
            return NGX_TOKEN_INVALID;
        }

        hi = ngx_token_id_hex(text->data[n++]);
        lo = ngx_token_id_hex(text->data[n++]);

        if (hi < 0 || lo < 0) {
            return NGX_TOKEN_INVALID;
        }

        *p++ = (unsigned char) (hi << 4 | lo);
    }

    /* RFC 9562, 5.7: version 7, variant 10 */

    if (id[6] >> 4 != 7 || id[8] >> 6 != 2) {
        return NGX_TOKEN_INVALID;
    }

    return NGX_TOKEN_OK;
}


void
ngx_token_id_format(const unsigned char id[NGX_TOKEN_ID_LEN],
    unsigned char text[NGX_TOKEN_ID_TEXT_LEN])
{
    size_t  i;

    static const char  hex[] = "0123456789abcdef";

    for (i = 0; i < NGX_TOKEN_ID_LEN; i++) {

        if (ngx_token_id_dash(i)) {
            *text++ = '-';
        }

        *text++ = (unsigned char) hex[id[i] >> 4];
        *text++ = (unsigned char) hex[id[i] & 0xf];
    }
}


/* RFC 9562, 4: dashes stand before the bytes 4, 6, 8 and 10 */

static unsigned
ngx_token_id_dash(size_t i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}


static int
ngx_token_id_hex(unsigned char ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    ch |= 0x20;

    if (ch >= 'a' && ch <= 'f') {
        return ch - 'a' + 10;
    }

    return -1;
}


uint64_t
ngx_token_id_time(const unsigned char id[NGX_TOKEN_ID_LEN])
{
    size_t    i;
    uint64_t  ms;

    ms = 0;

    for (i = 0; i < 6; i++) {
        ms = ms << 8 | id[i];
    }

    return ms;
}


const char *
ngx_token_outcome_name(ngx_token_outcome_e outcome)
{
    if ((unsigned) outcome > NGX_TOKEN_OUTCOME_UNKNOWN) {
        return "unknown";
    }

    return ngx_token_outcome_names[outcome];
}


const char *
ngx_token_err_name(ngx_token_err_e err)
{
    if ((unsigned) err >= NGX_TOKEN_ERR_LAST) {
        return "store_error";
    }

    return ngx_token_err_words[err].name;
}


const char *
ngx_token_err_text(ngx_token_err_e err)
{
    if ((unsigned) err >= NGX_TOKEN_ERR_LAST) {
        return ngx_token_err_words[NGX_TOKEN_ERR_STORE_ERROR].text;
    }

    return ngx_token_err_words[err].text;
}
