
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "token/ngx_token.h"


typedef struct {
    const char              *name;
    const char              *text;
} ngx_token_err_word_t;


/* RFC 9562, 4: where the two digits of each byte stand, between dashes */

static const unsigned char  ngx_token_id_places[NGX_TOKEN_ID_LEN] = {
    0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34
};


/* one more than the digit's value; 0: it is none */

static const unsigned char  ngx_token_id_digits[256] = {
    ['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5,
    ['5'] = 6, ['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
    ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16
};


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
    size_t                i;
    unsigned char         hi, lo, bad;
    const unsigned char  *p;

    if (text->len != NGX_TOKEN_ID_TEXT_LEN
        || text->data[8] != '-' || text->data[13] != '-'
        || text->data[18] != '-' || text->data[23] != '-')
    {
        return NGX_TOKEN_INVALID;
    }

    bad = 0;

    for (i = 0; i < NGX_TOKEN_ID_LEN; i++) {
        p = text->data + ngx_token_id_places[i];

        hi = (unsigned char) (ngx_token_id_digits[p[0]] - 1);
        lo = (unsigned char) (ngx_token_id_digits[p[1]] - 1);

        bad |= hi | lo;
        id[i] = (unsigned char) (hi << 4 | lo);
    }

    if (bad > 0xf) {
        return NGX_TOKEN_INVALID;
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
    size_t          i;
    unsigned char  *p;

    static const char  hex[] = "0123456789abcdef";

    text[8] = '-';
    text[13] = '-';
    text[18] = '-';
    text[23] = '-';

    for (i = 0; i < NGX_TOKEN_ID_LEN; i++) {
        p = text + ngx_token_id_places[i];

        p[0] = (unsigned char) hex[id[i] >> 4];
        p[1] = (unsigned char) hex[id[i] & 0xf];
    }
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
