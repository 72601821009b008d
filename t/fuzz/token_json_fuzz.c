
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "token/ngx_token_json.h"


/*
 * Input: a limit of depth, then one text, or two behind a byte ff:
 *
 *     +-----------+----------- - - -+----+---------- - - -
 *     | max_depth | text            | ff | patch
 *     |  1 byte   |                 |    |
 *     +-----------+----------- - - -+----+---------- - - -
 *
 * The check is compared with a parser that is RFC 8259 and nothing else;
 * what it accepts must keep its meaning in everything that is done with it,
 * and on what it refuses no function may leave the bytes.
 */


typedef struct {
    const unsigned char     *pos;
    const unsigned char     *last;
} reader_t;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned parse_value(reader_t *r, unsigned depth);


static void
require(int ok)
{
    if (!ok) {
        abort();
    }
}


static ngx_token_str_t
slice(const ngx_token_buf_t *b)
{
    ngx_token_str_t  s;

    require(!b->failed);

    s.data = b->data;
    s.len = b->len;

    return s;
}


static int
equal(const ngx_token_str_t *a, const ngx_token_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


/* the oracle: RFC 8259, 2 to 8, rule by rule */

static unsigned
take(reader_t *r, unsigned char ch)
{
    if (r->pos < r->last && *r->pos == ch) {
        r->pos++;
        return 1;
    }

    return 0;
}


static void
parse_space(reader_t *r)
{
    while (take(r, ' ') || take(r, '\t') || take(r, '\n') || take(r, '\r')) {
        /* void */
    }
}


static unsigned
parse_word(reader_t *r, const char *word)
{
    for ( /* void */ ; *word; word++) {
        if (!take(r, (unsigned char) *word)) {
            return 0;
        }
    }

    return 1;
}


static unsigned
parse_digits(reader_t *r)
{
    unsigned  n;

    for (n = 0; r->pos < r->last && *r->pos >= '0' && *r->pos <= '9'; n++) {
        r->pos++;
    }

    return n;
}


static unsigned
parse_number(reader_t *r)
{
    const unsigned char  *start;

    start = r->pos;
    (void) take(r, '-');

    if (!take(r, '0') && parse_digits(r) == 0) {
        return 0;
    }

    if (take(r, '.') && parse_digits(r) == 0) {
        return 0;
    }

    if (take(r, 'e') || take(r, 'E')) {

        if (!take(r, '+')) {
            (void) take(r, '-');
        }

        if (parse_digits(r) == 0) {
            return 0;
        }
    }

    return r->pos - start <= NGX_TOKEN_JSON_MAX_NUMBER;
}


static unsigned
parse_escape(reader_t *r)
{
    int  i;

    if (take(r, 'u')) {

        for (i = 0; i < 4; i++) {
            if (r->pos == r->last || *r->pos == '\0'
                || strchr("0123456789abcdefABCDEF", *r->pos) == NULL)
            {
                return 0;
            }

            r->pos++;
        }

        return 1;
    }

    if (r->pos == r->last || *r->pos == '\0'
        || strchr("\"\\/bfnrt", *r->pos) == NULL)
    {
        return 0;
    }

    r->pos++;

    return 1;
}


/* decodes to a code point, and asks whether it needed that many bytes */

static unsigned
parse_character(reader_t *r)
{
    size_t         i, n;
    unsigned       ch;
    unsigned long  code;

    static const unsigned long  least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    ch = *r->pos++;

    if (ch < 0x80) {
        return ch >= 0x20;
    }

    n = (ch & 0xe0) == 0xc0 ? 2
        : (ch & 0xf0) == 0xe0 ? 3
        : (ch & 0xf8) == 0xf0 ? 4 : 0;

    if (n == 0 || (size_t) (r->last - r->pos) < n - 1) {
        return 0;
    }

    code = ch & (0x7fu >> n);

    for (i = 1; i < n; i++) {
        ch = *r->pos++;

        if ((ch & 0xc0) != 0x80) {
            return 0;
        }

        code = code << 6 | (ch & 0x3f);
    }

    return code >= least[n] && code <= 0x10ffff
           && (code < 0xd800 || code > 0xdfff);
}


static unsigned
parse_string(reader_t *r)
{
    if (!take(r, '"')) {
        return 0;
    }

    while (!take(r, '"')) {

        if (r->pos == r->last) {
            return 0;
        }

        if (take(r, '\\') ? !parse_escape(r) : !parse_character(r)) {
            return 0;
        }
    }

    return 1;
}


static unsigned
parse_members(reader_t *r, unsigned char last, unsigned depth)
{
    parse_space(r);

    if (take(r, last)) {
        return 1;
    }

    do {
        parse_space(r);

        if (last == '}') {

            if (!parse_string(r)) {
                return 0;
            }

            parse_space(r);

            if (!take(r, ':')) {
                return 0;
            }
        }

        if (!parse_value(r, depth)) {
            return 0;
        }

    } while (take(r, ','));

    return take(r, last);
}


static unsigned
parse_value(reader_t *r, unsigned depth)
{
    unsigned  ok;

    parse_space(r);

    if (r->pos == r->last) {
        return 0;
    }

    switch (*r->pos) {

    case '{':
    case '[':
        if (depth == 0) {
            return 0;
        }

        ok = parse_members(r, *r->pos++ == '{' ? '}' : ']', depth - 1);
        break;

    case '"':
        ok = parse_string(r);
        break;

    case 't':
        ok = parse_word(r, "true");
        break;

    case 'f':
        ok = parse_word(r, "false");
        break;

    case 'n':
        ok = parse_word(r, "null");
        break;

    default:
        ok = parse_number(r);
    }

    parse_space(r);

    return ok;
}


static int
oracle(const ngx_token_str_t *text, unsigned depth)
{
    reader_t  r;

    r.pos = text->data;
    r.last = text->data + text->len;

    return parse_value(&r, depth) && r.pos == r.last;
}


/* what is written back is read as the same text */

static void
test_string(const ngx_token_str_t *value)
{
    ngx_token_buf_t  a, b, c;
    ngx_token_str_t  text, again, encoded;

    memset(&a, 0, sizeof(ngx_token_buf_t));
    memset(&b, 0, sizeof(ngx_token_buf_t));
    memset(&c, 0, sizeof(ngx_token_buf_t));

    ngx_token_json_decode(&a, value);
    text = slice(&a);
    require(text.len + 2 <= value->len);

    ngx_token_buf_json_string(&b, &text);
    encoded = slice(&b);
    require(ngx_token_json_check(&encoded, 0) == NGX_TOKEN_OK);

    ngx_token_json_decode(&c, &encoded);
    again = slice(&c);
    require(equal(&text, &again));

    ngx_token_buf_free(&a);
    ngx_token_buf_free(&b);
    ngx_token_buf_free(&c);
}


static void
test_member(const ngx_token_str_t *object, const ngx_token_str_t *name,
    const ngx_token_str_t *value)
{
    ngx_token_buf_t  b;
    ngx_token_str_t  text, found;

    require(ngx_token_json_check(name, 0) == NGX_TOKEN_OK);
    require(ngx_token_json_type(name) == NGX_TOKEN_JSON_STRING);

    test_string(name);

    memset(&b, 0, sizeof(ngx_token_buf_t));
    ngx_token_json_decode(&b, name);
    text = slice(&b);

    /* this one, or a later one of the same name */

    require(ngx_token_json_member(object, &text, &found) == NGX_TOKEN_OK);
    require(found.data >= value->data);

    ngx_token_buf_free(&b);
}


static void
test_uint(const ngx_token_str_t *value)
{
    uint64_t         n;
    ngx_token_buf_t  b;
    ngx_token_str_t  text;

    if (ngx_token_json_uint(value, &n) != NGX_TOKEN_OK) {
        return;
    }

    require(n < UINT64_C(1) << 53);

    memset(&b, 0, sizeof(ngx_token_buf_t));
    ngx_token_buf_uint(&b, n);
    text = slice(&b);
    require(equal(&text, value));

    ngx_token_buf_free(&b);
}


static void
test_value(const ngx_token_str_t *value, unsigned depth)
{
    ngx_token_str_t        name, member;
    ngx_token_json_iter_t  it;

    require(ngx_token_json_check(value, depth) == NGX_TOKEN_OK);

    name.len = 0;
    name.data = NULL;

    switch (ngx_token_json_type(value)) {

    case NGX_TOKEN_JSON_STRING:
        test_string(value);
        break;

    case NGX_TOKEN_JSON_NUMBER:
        test_uint(value);
        break;

    case NGX_TOKEN_JSON_ARRAY:
    case NGX_TOKEN_JSON_OBJECT:
        ngx_token_json_iter(&it, value);

        while (ngx_token_json_next(&it, &name, &member) == NGX_TOKEN_OK) {

            if (ngx_token_json_type(value) == NGX_TOKEN_JSON_OBJECT) {
                test_member(value, &name, &member);
            }

            test_value(&member, depth - 1);
        }

        break;

    default:
        break;
    }
}


static void
test_minify(const ngx_token_str_t *text, unsigned depth)
{
    size_t           i;
    ngx_token_buf_t  a, b;
    ngx_token_str_t  one, two;

    memset(&a, 0, sizeof(ngx_token_buf_t));
    memset(&b, 0, sizeof(ngx_token_buf_t));

    ngx_token_json_minify(&a, text);
    one = slice(&a);
    require(one.len <= text->len);
    require(oracle(&one, depth));

    for (i = 0; i < one.len; i++) {
        require(one.data[i] >= 0x20);
    }

    ngx_token_json_minify(&b, &one);
    two = slice(&b);
    require(equal(&one, &two));

    test_value(&one, depth);

    ngx_token_buf_free(&a);
    ngx_token_buf_free(&b);
}


static void
test_add(const ngx_token_str_t *a, const ngx_token_str_t *b)
{
    ngx_token_rc_t   rc;
    ngx_token_buf_t  one, two;
    ngx_token_str_t  s, t;

    memset(&one, 0, sizeof(ngx_token_buf_t));
    memset(&two, 0, sizeof(ngx_token_buf_t));

    rc = ngx_token_json_add(&one, a, b);
    require(ngx_token_json_add(&two, b, a) == rc);

    s = slice(&one);
    t = slice(&two);
    require(equal(&s, &t));

    if (rc == NGX_TOKEN_OK) {
        require(oracle(&s, 0));
    }

    ngx_token_buf_free(&one);
    ngx_token_buf_free(&two);
}


/* a patch applied again changes nothing */

static void
test_merge(const ngx_token_str_t *target, const ngx_token_str_t *patch,
    unsigned depth)
{
    ngx_token_buf_t  a, b;
    ngx_token_str_t  one, two;

    memset(&a, 0, sizeof(ngx_token_buf_t));
    memset(&b, 0, sizeof(ngx_token_buf_t));

    require(ngx_token_json_merge(&a, target, patch, depth) == NGX_TOKEN_OK);
    one = slice(&a);
    require(oracle(&one, depth));
    require(one.len <= target->len + patch->len);

    require(ngx_token_json_merge(&b, &one, patch, depth) == NGX_TOKEN_OK);
    two = slice(&b);
    require(equal(&one, &two));

    ngx_token_buf_free(&a);
    ngx_token_buf_free(&b);
}


/* nothing to compare: only the sanitizers judge */

static void
test_unchecked(const ngx_token_str_t *text, const ngx_token_str_t *patch,
    unsigned depth)
{
    uint64_t               n;
    ngx_token_buf_t        b;
    ngx_token_str_t        name, value;
    ngx_token_json_iter_t  it;

    memset(&b, 0, sizeof(ngx_token_buf_t));

    ngx_token_json_minify(&b, text);
    ngx_token_json_decode(&b, text);
    ngx_token_buf_json_string(&b, text);
    (void) ngx_token_json_uint(text, &n);
    (void) ngx_token_json_add(&b, text, patch);
    (void) ngx_token_json_merge(&b, text, patch, depth);

    ngx_token_json_iter(&it, text);

    while (ngx_token_json_next(&it, &name, &value) == NGX_TOKEN_OK) {
        require(value.data + value.len <= text->data + text->len);
    }

    ngx_token_buf_free(&b);
}


static void
test_texts(const ngx_token_str_t *text, const ngx_token_str_t *patch,
    unsigned depth)
{
    int  a, b;

    test_unchecked(text, patch, depth);

    a = oracle(text, depth);
    b = oracle(patch, depth);

    require(ngx_token_json_check(text, depth)
            == (a ? NGX_TOKEN_OK : NGX_TOKEN_INVALID));
    require(ngx_token_json_check(patch, depth)
            == (b ? NGX_TOKEN_OK : NGX_TOKEN_INVALID));

    if (a) {
        test_minify(text, depth);
    }

    if (a && b) {
        test_add(text, patch);
        test_merge(text, patch, depth);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char    *p, *q;
    const uint8_t    *ff;
    ngx_token_str_t   text, patch;

    if (size < 1) {
        return 0;
    }

    ff = memchr(data + 1, 0xff, size - 1);

    text.len = ff == NULL ? size - 1 : (size_t) (ff - data - 1);
    patch.len = ff == NULL ? 0 : size - text.len - 2;

    /* in memory of their own size */

    p = malloc(text.len + 1);
    q = malloc(patch.len + 1);
    require(p != NULL && q != NULL);

    text.data = p + 1;
    patch.data = q + 1;
    memcpy(p + 1, data + 1, text.len);
    memcpy(q + 1, data + size - patch.len, patch.len);

    test_texts(&text, &patch, data[0] % 16);

    free(p);
    free(q);

    return 0;
}
