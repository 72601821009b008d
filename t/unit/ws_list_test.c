
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

#include "ws/ngx_token_ws.h"


/* the list without its NUL, in memory of its size, for the sanitizers */

static unsigned char *
exact(const char *s, size_t *len)
{
    unsigned char  *p;

    *len = strlen(s);
    p = malloc(*len + !*len);

    if (p == NULL) {
        abort();
    }

    memcpy(p, s, *len);

    return p;
}


static unsigned
has_token(const char *list, const char *token)
{
    size_t          len;
    unsigned        found;
    unsigned char  *p;

    p = exact(list, &len);
    found = ngx_token_ws_has_token(p, len, token);
    free(p);

    return found;
}


static unsigned
has_protocol(const char *list, const char *protocol)
{
    size_t          len;
    unsigned        found;
    unsigned char  *p;

    p = exact(list, &len);
    found = ngx_token_ws_has_protocol(p, len, protocol);
    free(p);

    return found;
}


static unsigned
key_valid(const char *key)
{
    size_t          len;
    unsigned        valid;
    unsigned char  *p;

    p = exact(key, &len);
    valid = ngx_token_ws_key_valid(p, len);
    free(p);

    return valid;
}


/* RFC 9110, 5.6.1 */

static const char *const  lists[] = {
    "upgrade",
    "Upgrade",
    "UPGRADE",
    "keep-alive, Upgrade",
    "Upgrade, keep-alive",
    "keep-alive,Upgrade,close",
    "keep-alive ,\t Upgrade \t,close",
    " upgrade",
    "upgrade\t",
    ",upgrade",
    "upgrade,",
    ", ,\t,, upgrade ,,",
    "upgrad, upgradee, upgrade"
};

static const char *const  other_lists[] = {
    "",
    " ",
    ",",
    " ,\t, ",
    "upgrad",
    "upgrade2",
    "xupgrade",
    "up grade",
    "keep-alive upgrade",
    "upgrade;q=1",
    "\"upgrade\"",
    "keep-alive",
    "u,pgrade",
    "upgrade x",
    "upgrade\n",
    "upgrad\x05",
    "5pgrade"
};


static void
a_token_is_found_anywhere_in_a_list_in_any_case(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (!has_token(lists[i], "upgrade")
            || !has_token(lists[i], "Upgrade"))
        {
            fail_msg("\"%s\"", lists[i]);
        }
    }
}


static void
part_of_an_item_is_not_a_token(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(other_lists) / sizeof(other_lists[0]); i++) {
        if (has_token(other_lists[i], "upgrade")) {
            fail_msg("\"%s\"", other_lists[i]);
        }
    }
}


static void
only_ascii_letters_lose_their_case(void **state)
{
    char      a[2], b[2];
    unsigned  i, j, equal;

    (void) state;

    a[1] = '\0';
    b[1] = '\0';

    for (i = 0x21; i < 0x100; i++) {
        for (j = 0x21; j < 0x100; j++) {

            if (i == ',') {
                continue;
            }

            a[0] = (char) i;
            b[0] = (char) j;

            equal = i == j || (i >= 'a' && i <= 'z' && j == i - 32)
                    || (i >= 'A' && i <= 'Z' && j == i + 32);

            if (has_token(a, b) != equal) {
                fail_msg("%02x %02x", i, j);
            }
        }
    }
}


static void
an_empty_token_is_in_no_list(void **state)
{
    (void) state;

    assert_false(has_token("", ""));
    assert_false(has_token("a,,b", ""));
    assert_false(has_protocol(" , ", ""));
    assert_false(ngx_token_ws_has_token(NULL, 0, "a"));
}


static void
a_list_ends_where_its_length_says(void **state)
{
    const unsigned char  list[] = "a, upgrade, token.v1";

    (void) state;

    assert_true(ngx_token_ws_has_token(list, 10, "upgrade"));
    assert_true(ngx_token_ws_has_token(list, 9, "upgrad"));
    assert_false(ngx_token_ws_has_token(list, 9, "upgrade"));
    assert_false(ngx_token_ws_has_protocol(list, 19, "token.v1"));
    assert_true(ngx_token_ws_has_protocol(list, 20, "token.v1"));
}


static void
a_protocol_is_compared_with_case(void **state)
{
    (void) state;

    assert_true(has_protocol("token.v1", "token.v1"));
    assert_true(has_protocol("chat, token.v1", "token.v1"));
    assert_true(has_protocol("token.v2,token.v1 ,chat", "token.v1"));

    assert_false(has_protocol("Token.v1", "token.v1"));
    assert_false(has_protocol("TOKEN.V1, token.v2", "token.v1"));
    assert_false(has_protocol("token.v11", "token.v1"));
    assert_false(has_protocol("token.v", "token.v1"));
    assert_false(has_protocol("", "token.v1"));
}


static void
a_key_is_base64_of_16_bytes(void **state)
{
    (void) state;

    /* RFC 6455, 1.3 and 4.1; the latter has bits to spare set */

    assert_true(key_valid("dGhlIHNhbXBsZSBub25jZQ=="));
    assert_true(key_valid("AQIDBAUGBwgJCgsMDQ4PEC=="));

    assert_true(key_valid("AAAAAAAAAAAAAAAAAAAAAA=="));
    assert_true(key_valid("//////////////////////=="));
    assert_true(key_valid("++++++++++++++++++++++=="));
    assert_true(key_valid("azAZ09azAZ09azAZ09azAw=="));
}


static void
a_key_of_other_length_or_alphabet_is_refused(void **state)
{
    (void) state;

    assert_false(key_valid(""));
    assert_false(key_valid("=="));
    assert_false(key_valid("dGhlIHNhbXBsZSBub25jZQ"));
    assert_false(key_valid("dGhlIHNhbXBsZSBub25jZQ="));
    assert_false(key_valid("dGhlIHNhbXBsZSBub25jZQ==="));
    assert_false(key_valid("GhlIHNhbXBsZSBub25jZQ=="));
    assert_false(key_valid("dGhlIHNhbXBsZSBub25jZWE="));
    assert_false(key_valid("dGhlIHNhbXBsZSBub25jZWFi"));
    assert_false(key_valid("dGhlIHNhbXBsZSBub25jZQ=A"));
    assert_false(key_valid("dGhlIHNhbXBsZSBub25jZQA="));
    assert_false(key_valid("dGhlIHNhbXBsZSBub25jZ==="));
    assert_false(key_valid(" dGhlIHNhbXBsZSBub25jZQ="));
    assert_false(key_valid("dGhlIHNhbXBsZSBub25jZQ== "));
}


static void
every_digit_of_a_key_is_looked_at(void **state)
{
    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+/";

    char      key[] = "dGhlIHNhbXBsZSBub25jZQ==";
    char      was;
    size_t    i;
    unsigned  c;

    (void) state;

    for (i = 0; i < 24; i++) {
        was = key[i];

        for (c = 1; c < 0x100; c++) {
            key[i] = (char) c;

            if (key_valid(key)
                != (i < 22 ? strchr(digits, key[i]) != NULL : c == '='))
            {
                fail_msg("%02x at %u", c, (unsigned) i);
            }
        }

        key[i] = was;
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_token_is_found_anywhere_in_a_list_in_any_case),
        cmocka_unit_test(part_of_an_item_is_not_a_token),
        cmocka_unit_test(only_ascii_letters_lose_their_case),
        cmocka_unit_test(an_empty_token_is_in_no_list),
        cmocka_unit_test(a_list_ends_where_its_length_says),
        cmocka_unit_test(a_protocol_is_compared_with_case),
        cmocka_unit_test(a_key_is_base64_of_16_bytes),
        cmocka_unit_test(a_key_of_other_length_or_alphabet_is_refused),
        cmocka_unit_test(every_digit_of_a_key_is_looked_at)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
