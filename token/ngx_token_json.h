
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_JSON_H_INCLUDED_
#define _NGX_TOKEN_JSON_H_INCLUDED_


#include "token/ngx_token_buf.h"


#define NGX_TOKEN_JSON_MAX_DEPTH   1024
#define NGX_TOKEN_JSON_MAX_NUMBER  1024   /* bytes; RFC 8259, 9 */


/*
 * JSON as text.  The grammar is checked once, by YAJL; after that a value is
 * a slice of checked bytes, and is carried, compared and stored as it came:
 * no number is ever rewritten.  Every function but _check() expects a slice
 * that _check() has accepted; other bytes give a senseless result, but none
 * outside the slice is read.
 */


typedef enum {
    NGX_TOKEN_JSON_NULL = 1,
    NGX_TOKEN_JSON_FALSE,
    NGX_TOKEN_JSON_TRUE,
    NGX_TOKEN_JSON_NUMBER,
    NGX_TOKEN_JSON_STRING,
    NGX_TOKEN_JSON_ARRAY,
    NGX_TOKEN_JSON_OBJECT
} ngx_token_json_e;


typedef struct {
    const unsigned char     *pos;         /* private */
    const unsigned char     *last;
} ngx_token_json_iter_t;


/*
 * Checks that text is exactly one JSON value (RFC 8259) in UTF-8, no deeper
 * than max_depth arrays and objects; max_depth is taken as
 * NGX_TOKEN_JSON_MAX_DEPTH at most.
 *
 * Returns: NGX_TOKEN_OK, NGX_TOKEN_INVALID, NGX_TOKEN_NOMEM
 */
ngx_token_rc_t ngx_token_json_check(const ngx_token_str_t *text,
    unsigned max_depth);

ngx_token_json_e ngx_token_json_type(const ngx_token_str_t *value);

/* Appends the value without white space between tokens. */
void ngx_token_json_minify(ngx_token_buf_t *b, const ngx_token_str_t *value);

/* Starts an iteration over the members of an object or array. */
void ngx_token_json_iter(ngx_token_json_iter_t *it,
    const ngx_token_str_t *value);

/*
 * The next member.
 *
 *     name   out: the member's name with its quotes, escapes as they are;
 *            may be NULL, and is not set for arrays
 *     value  out: a slice
 *
 * Returns: NGX_TOKEN_OK or NGX_TOKEN_DONE
 */
ngx_token_rc_t ngx_token_json_next(ngx_token_json_iter_t *it,
    ngx_token_str_t *name, ngx_token_str_t *value);

/*
 * Finds the last member of that name (decoded names are compared).
 *
 * Returns: NGX_TOKEN_OK, or NGX_TOKEN_DECLINED: not an object, or no such
 *          member
 */
ngx_token_rc_t ngx_token_json_member(const ngx_token_str_t *object,
    const ngx_token_str_t *name, ngx_token_str_t *value);

/* Appends the decoded text of a JSON string (a lone surrogate: U+FFFD). */
void ngx_token_json_decode(ngx_token_buf_t *b, const ngx_token_str_t *value);

/*
 * Reads a JSON number that is a whole number from 0 to 2^53 - 1, written
 * without fraction and exponent.
 *
 * Returns: NGX_TOKEN_OK or NGX_TOKEN_INVALID
 */
ngx_token_rc_t ngx_token_json_uint(const ngx_token_str_t *value, uint64_t *n);

/*
 * Appends a + b of two JSON numbers.  Two integers give the exact integer;
 * otherwise the shortest decimal that reads back as the IEEE 754 sum.
 *
 * Returns: NGX_TOKEN_OK
 *          NGX_TOKEN_INVALID   one is not a number
 *          NGX_TOKEN_DECLINED  two integers, and one of them or their sum is
 *                              beyond +-(2^53 - 1); or a sum that is not
 *                              finite
 */
ngx_token_rc_t ngx_token_json_add(ngx_token_buf_t *out,
    const ngx_token_str_t *a, const ngx_token_str_t *b);

/*
 * Appends the result of applying a merge patch (RFC 7396) to a target; the
 * target may be empty (absent).  Members of the target keep their places, new
 * ones follow in the order of the patch.  Depth is bounded by max_depth.
 * Takes O(n log n) of the members of both.
 *
 * Returns: NGX_TOKEN_OK, or NGX_TOKEN_INVALID: deeper than max_depth.  Want
 *          of memory sets out->failed
 */
ngx_token_rc_t ngx_token_json_merge(ngx_token_buf_t *out,
    const ngx_token_str_t *target, const ngx_token_str_t *patch,
    unsigned max_depth);


#endif /* _NGX_TOKEN_JSON_H_INCLUDED_ */
