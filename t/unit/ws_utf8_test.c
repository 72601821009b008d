
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ws/ngx_token_ws_utf8.h"


#define MAX_CODEPOINT  0x10ffff


/*
 * The oracle is made from the encoder alone: these hold every character of
 * one to three bytes, and what characters begin with.  One bit for each byte
 * sequence.
 */

static unsigned char  whole1[1 << 5], whole2[1 << 13], whole3[1 << 21];
static unsigned char  begin1[1 << 5], begin2[1 << 13], begin3[1 << 21];


static void
mark(unsigned char *set, uint32_t i)
{
    set[i >> 3] = (unsigned char) (set[i >> 3] | 1u << (i & 7));
}


static unsigned
marked(const unsigned char *set, uint32_t i)
{
    return (unsigned) set[i >> 3] >> (i & 7) & 1;
}


/* RFC 3629, 3, for any 21 bits: the caller knows what a character is */

static size_t
encode(unsigned char *p, uint32_t c)
{
    if (c < 0x80) {
        p[0] = (unsigned char) c;
        return 1;
    }

    if (c < 0x800) {
        p[0] = (unsigned char) (0xc0 | c >> 6);
        p[1] = (unsigned char) (0x80 | (c & 0x3f));
        return 2;
    }

    if (c < 0x10000) {
        p[0] = (unsigned char) (0xe0 | c >> 12);
        p[1] = (unsigned char) (0x80 | (c >> 6 & 0x3f));
        p[2] = (unsigned char) (0x80 | (c & 0x3f));
        return 3;
    }

    p[0] = (unsigned char) (0xf0 | c >> 18);
    p[1] = (unsigned char) (0x80 | (c >> 12 & 0x3f));
    p[2] = (unsigned char) (0x80 | (c >> 6 & 0x3f));
    p[3] = (unsigned char) (0x80 | (c & 0x3f));

    return 4;
}


static unsigned
is_character(uint32_t c)
{
    return c <= MAX_CODEPOINT && (c < 0xd800 || c > 0xdfff);
}


static uint32_t
bytes(const unsigned char *p, size_t n)
{
    uint32_t  v;

    for (v = 0; n; n--) {
        v = v << 8 | *p++;
    }

    return v;
}


static int
make_oracle(void **state)
{
    size_t         n;
    uint32_t       c;
    unsigned char  p[4];

    (void) state;

    for (c = 0; c <= MAX_CODEPOINT; c++) {

        if (!is_character(c)) {
            continue;
        }

        n = encode(p, c);

        mark(n == 1 ? whole1 : begin1, bytes(p, 1));

        if (n > 1) {
            mark(n == 2 ? whole2 : begin2, bytes(p, 2));
        }

        if (n > 2) {
            mark(n == 3 ? whole3 : begin3, bytes(p, 3));
        }
    }

    return 0;
}


/* whether four bytes are one character: decodes, encodes and compares */

static unsigned
is_whole4(const unsigned char *p)
{
    uint32_t       c;
    unsigned char  again[4];

    c = (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6
        | (p[3] & 0x3fu);

    return is_character(c) && encode(again, c) == 4
           && memcmp(p, again, 4) == 0;
}


static unsigned
is_whole(const unsigned char *p, size_t n)
{
    switch (n) {

    case 1:
        return marked(whole1, bytes(p, 1));

    case 2:
        return marked(whole2, bytes(p, 2));

    case 3:
        return marked(whole3, bytes(p, 3));

    default:
        return is_whole4(p);
    }
}


static unsigned
is_begin(const unsigned char *p, size_t n)
{
    switch (n) {

    case 1:
        return marked(begin1, bytes(p, 1));

    case 2:
        return marked(begin2, bytes(p, 2));

    case 3:
        return marked(begin3, bytes(p, 3));

    default:
        return 0;
    }
}


/*
 * The naive checker.  Returns: 0 if the bytes are not the beginning of a text,
 * 1 if they are but may not end here, 2 if they are a text
 */

static unsigned
naive(const unsigned char *p, size_t len)
{
    size_t  n;

    while (len) {

        for (n = 1; n <= 4 && n <= len; n++) {
            if (is_whole(p, n)) {
                break;
            }
        }

        if (n > 4 || n > len) {
            return is_begin(p, len);
        }

        p += n;
        len -= n;
    }

    return 2;
}


static unsigned
check(const unsigned char *p, size_t len)
{
    uint32_t  state;

    state = 0;

    if (!ngx_token_ws_utf8(&state, p, len)) {
        return 0;
    }

    return state ? 1 : 2;
}


static unsigned
check_bytewise(const unsigned char *p, size_t len)
{
    size_t    i;
    uint32_t  state;

    state = 0;

    for (i = 0; i < len; i++) {
        if (!ngx_token_ws_utf8(&state, p + i, 1)) {
            return 0;
        }
    }

    return state ? 1 : 2;
}


static void
same(const unsigned char *p, size_t len)
{
    unsigned  expected, got, got_bytewise;

    expected = naive(p, len);
    got = check(p, len);
    got_bytewise = check_bytewise(p, len);

    if (got != expected || got_bytewise != expected) {
        fail_msg("%08x (%u bytes): %u, bytewise %u, expected %u",
                 bytes(p, len), (unsigned) len, got, got_bytewise, expected);
    }
}


static void
every_codepoint_but_surrogates_is_valid(void **state)
{
    size_t         n;
    uint32_t       c;
    unsigned char  p[4];

    (void) state;

    for (c = 0; c < 1 << 21; c++) {
        n = encode(p, c);

        if (check(p, n) != (is_character(c) ? 2 : 0)
            || check_bytewise(p, n) != (is_character(c) ? 2 : 0))
        {
            fail_msg("U+%X", c);
        }
    }
}


static void
codepoints_are_refused_when_longer_than_needed(void **state)
{
    uint32_t       c;
    unsigned char  p[4];

    (void) state;

    for (c = 0; c < 0x10000; c++) {

        p[0] = 0xf0;
        p[1] = (unsigned char) (0x80 | c >> 12);
        p[2] = (unsigned char) (0x80 | (c >> 6 & 0x3f));
        p[3] = (unsigned char) (0x80 | (c & 0x3f));
        assert_int_equal(check(p, 2), 0);
        assert_int_equal(check(p, 4), 0);

        if (c < 0x800) {
            p[1] = 0xe0;
            assert_int_equal(check(p + 1, 3), 0);
        }

        if (c < 0x80) {
            p[2] = (unsigned char) (0xc0 | c >> 6);
            assert_int_equal(check(p + 2, 1), 0);
        }
    }
}


static void
all_sequences_of_one_to_three_bytes_are_judged_as_by_the_oracle(void **state)
{
    uint32_t       i;
    unsigned char  p[3];

    (void) state;

    assert_int_equal(check((const unsigned char *) "", 0), 2);

    for (i = 0; i < 1 << 24; i++) {
        p[0] = (unsigned char) (i >> 16);
        p[1] = (unsigned char) (i >> 8 & 0xff);
        p[2] = (unsigned char) (i & 0xff);

        if (i < 1 << 8) {
            same(p + 2, 1);
        }

        if (i < 1 << 16) {
            same(p + 1, 2);
        }

        same(p, 3);
    }
}


static void
sequences_of_four_bytes_at_all_borders_are_judged_as_by_the_oracle(
    void **state)
{
    static const unsigned char  border[] = {
        0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
        0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
        0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff
    };

    size_t         i, j, n;
    unsigned char  p[4];

    (void) state;

    n = sizeof(border);

    for (i = 0; i < n * n * n * n; i++) {
        for (j = 0; j < 4; j++) {
            p[j] = border[i / (j == 0   ? 1
                               : j == 1 ? n
                               : j == 2 ? n * n
                                        : n * n * n)
                          % n];
        }

        same(p, 4);
    }
}


static void
a_bad_byte_is_found_anywhere_in_a_run_of_ascii(void **state)
{
    size_t          len, at, from;
    unsigned char  *p;

    (void) state;

    for (len = 1; len < 40; len++) {
        for (from = 0; from < 8; from++) {

            /* to its size, so that reading beyond is seen */

            p = malloc(from + len);
            assert_non_null(p);

            memset(p, 0xff, from);
            memset(p + from, 'a', len);
            assert_int_equal(check(p + from, len), 2);

            for (at = 0; at < len; at++) {
                p[from + at] = 0x80;
                assert_int_equal(check(p + from, len), 0);

                p[from + at] = 0xc3;
                assert_int_equal(check(p + from, len), at + 1 == len);
                p[from + at] = 'a';
            }

            free(p);
        }
    }
}


static void
texts_of_many_characters_are_judged_as_by_the_oracle(void **state)
{
    size_t         i, len;
    uint32_t       seed, c;
    unsigned char  p[256];

    (void) state;

    seed = 1;

    for (i = 0; i < 20000; i++) {

        for (len = 0; len < 200; /* void */) {
            seed = seed * 1664525 + 1013904223;
            c = seed >> 8 & 0xffff;

            if (c >= 0xd800 && c <= 0xdfff) {
                c += 0x10000;
            }

            /* of each length, with runs of ASCII */

            len += encode(p + len, seed >> 30 == 3 ? c << 3 & 0xfffff
                                   : seed >> 30    ? 'a'
                                                   : c);
        }

        seed = seed * 1664525 + 1013904223;

        if (seed >> 31) {
            p[(seed >> 8) % len] = (unsigned char) (seed >> 16 & 0xff);
        }

        assert_int_equal(check(p, len), naive(p, len));
        assert_int_equal(check_bytewise(p, len), naive(p, len));
    }
}


static void
a_state_once_bad_stays_bad(void **state)
{
    uint32_t  s;

    (void) state;

    s = 0;

    assert_false(ngx_token_ws_utf8(&s, (const unsigned char *) "a\xff" "b", 3));
    assert_false(ngx_token_ws_utf8(&s, (const unsigned char *) "b", 1));
    assert_false(ngx_token_ws_utf8(&s, (const unsigned char *) "", 0));
}


static void
states_fit_in_four_bits(void **state)
{
    uint32_t       s, i;
    unsigned char  p[2];

    (void) state;

    for (i = 0; i < 1 << 16; i++) {
        p[0] = (unsigned char) (i >> 8);
        p[1] = (unsigned char) (i & 0xff);
        s = 0;

        (void) ngx_token_ws_utf8(&s, p, 2);

        assert_true(s < 16);
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(every_codepoint_but_surrogates_is_valid),
        cmocka_unit_test(codepoints_are_refused_when_longer_than_needed),
        cmocka_unit_test(
            all_sequences_of_one_to_three_bytes_are_judged_as_by_the_oracle),
        cmocka_unit_test(
            sequences_of_four_bytes_at_all_borders_are_judged_as_by_the_oracle),
        cmocka_unit_test(a_bad_byte_is_found_anywhere_in_a_run_of_ascii),
        cmocka_unit_test(texts_of_many_characters_are_judged_as_by_the_oracle),
        cmocka_unit_test(a_state_once_bad_stays_bad),
        cmocka_unit_test(states_fit_in_four_bits)
    };

    return cmocka_run_group_tests(tests, make_oracle, NULL);
}
