
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
#include "ws/ngx_token_ws_utf8.h"


#define BYTES(s)  s, sizeof(s) - 1

#define CLOSE_MAX  (2 + NGX_TOKEN_WS_MAX_CONTROL)


/* RFC 6455, 5.2 and 5.7 */

static const struct {
    ngx_token_ws_opcode_e  opcode;
    unsigned               fin;
    uint64_t               len;
    const char            *bytes;
    size_t                 size;
} headers[] = {
    { NGX_TOKEN_WS_TEXT, 1, 0, BYTES("\x81\x00") },
    { NGX_TOKEN_WS_TEXT, 1, 5, BYTES("\x81\x05") },
    { NGX_TOKEN_WS_TEXT, 0, 3, BYTES("\x01\x03") },
    { NGX_TOKEN_WS_TEXT, 2, 3, BYTES("\x81\x03") },
    { NGX_TOKEN_WS_CONTINUATION, 1, 2, BYTES("\x80\x02") },
    { NGX_TOKEN_WS_CONTINUATION, 0, 2, BYTES("\x00\x02") },
    { NGX_TOKEN_WS_CLOSE, 1, 2, BYTES("\x88\x02") },
    { NGX_TOKEN_WS_PING, 1, 5, BYTES("\x89\x05") },
    { NGX_TOKEN_WS_PONG, 1, 125, BYTES("\x8a\x7d") },
    { NGX_TOKEN_WS_BINARY, 1, 1, BYTES("\x82\x01") },
    { NGX_TOKEN_WS_BINARY, 1, 125, BYTES("\x82\x7d") },
    { NGX_TOKEN_WS_BINARY, 1, 126, BYTES("\x82\x7e\x00\x7e") },
    { NGX_TOKEN_WS_BINARY, 1, 127, BYTES("\x82\x7e\x00\x7f") },
    { NGX_TOKEN_WS_BINARY, 1, 256, BYTES("\x82\x7e\x01\x00") },
    { NGX_TOKEN_WS_BINARY, 1, 65535, BYTES("\x82\x7e\xff\xff") },
    { NGX_TOKEN_WS_BINARY, 1, 65536,
      BYTES("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00") },
    { NGX_TOKEN_WS_BINARY, 0, 1048576,
      BYTES("\x02\x7f\x00\x00\x00\x00\x00\x10\x00\x00") },
    { NGX_TOKEN_WS_BINARY, 1, UINT64_C(0x0123456789abcdef),
      BYTES("\x82\x7f\x01\x23\x45\x67\x89\xab\xcd\xef") },
    { NGX_TOKEN_WS_BINARY, 1, UINT64_C(0x7fffffffffffffff),
      BYTES("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff") }
};


static void
headers_have_the_shortest_length_form(void **state)
{
    size_t         i, j, size;
    unsigned char  buf[NGX_TOKEN_WS_MAX_HEADER + 1];

    (void) state;

    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        memset(buf, 0xa5, sizeof(buf));

        size = ngx_token_ws_header(buf, headers[i].opcode, headers[i].len,
                                   headers[i].fin);

        assert_int_equal(size, headers[i].size);
        assert_memory_equal(buf, headers[i].bytes, size);

        for (j = size; j < sizeof(buf); j++) {
            assert_int_equal(buf[j], 0xa5);
        }
    }
}


/* RFC 6455, 5.5.1 */

static void
check_close(uint16_t code, const char *reason, const char *bytes, size_t size)
{
    unsigned char  *buf;

    buf = malloc(CLOSE_MAX);
    assert_non_null(buf);

    assert_int_equal(ngx_token_ws_close_frame(buf, code, reason), size);
    assert_memory_equal(buf, bytes, size);

    free(buf);
}


static void
a_close_frame_carries_code_and_reason(void **state)
{
    (void) state;

    check_close(1000, "bye", BYTES("\x88\x05\x03\xe8" "bye"));
    check_close(4503, "kicked", BYTES("\x88\x08\x11\x97" "kicked"));
    check_close(1000, "", BYTES("\x88\x02\x03\xe8"));
    check_close(1012, NULL, BYTES("\x88\x02\x03\xf4"));
}


static void
codes_that_are_never_on_the_wire_give_an_empty_close_frame(void **state)
{
    (void) state;

    check_close(NGX_TOKEN_WS_NO_STATUS, NULL, BYTES("\x88\x00"));
    check_close(NGX_TOKEN_WS_NO_STATUS, "reason", BYTES("\x88\x00"));
    check_close(NGX_TOKEN_WS_ABNORMAL, "reason", BYTES("\x88\x00"));
}


static void
a_reason_is_cut_at_123_bytes_but_not_inside_a_character(void **state)
{
    static const char *const  characters[] = {
        "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"
    };

    char            reason[256];
    size_t          i, n, len, pad, size, whole;
    uint32_t        utf8;
    unsigned char  *buf;

    (void) state;

    buf = malloc(CLOSE_MAX);
    assert_non_null(buf);

    for (i = 0; i < 4; i++) {
        for (pad = 0; pad < 130; pad++) {

            n = strlen(characters[i]);

            memset(reason, 'x', pad);

            for (len = pad + n; len < sizeof(reason); len += n) {
                memcpy(reason + len - n, characters[i], n);
                reason[len] = '\0';

                size = ngx_token_ws_close_frame(buf, 1000, reason);

                whole = len;

                if (len > 123) {
                    whole = pad >= 123 ? 123 : pad + (123 - pad) / n * n;
                }

                assert_int_equal(size, whole + 4);
                assert_int_equal(buf[1], whole + 2);
                assert_memory_equal(buf + 4, reason, whole);

                utf8 = 0;
                assert_true(ngx_token_ws_utf8(&utf8, buf + 4, whole));
                assert_int_equal(utf8, 0);
            }
        }
    }

    free(buf);
}


static void
a_reason_of_nothing_but_continuation_bytes_is_dropped(void **state)
{
    char  reason[200];

    (void) state;

    memset(reason, 0x80, sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';

    check_close(1000, reason, BYTES("\x88\x02\x03\xe8"));
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(headers_have_the_shortest_length_form),
        cmocka_unit_test(a_close_frame_carries_code_and_reason),
        cmocka_unit_test(
            codes_that_are_never_on_the_wire_give_an_empty_close_frame),
        cmocka_unit_test(
            a_reason_is_cut_at_123_bytes_but_not_inside_a_character),
        cmocka_unit_test(a_reason_of_nothing_but_continuation_bytes_is_dropped)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
