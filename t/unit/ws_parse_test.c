
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "t/unit/ws_trace.h"
#include "ws/ngx_token_ws.h"
#include "ws/ngx_token_ws_utf8.h"


#define FIN       0x80
#define CONT      NGX_TOKEN_WS_CONTINUATION
#define TEXT      NGX_TOKEN_WS_TEXT
#define BINARY    NGX_TOKEN_WS_BINARY
#define CLOSE     (FIN | NGX_TOKEN_WS_CLOSE)
#define PING      (FIN | NGX_TOKEN_WS_PING)
#define PONG      (FIN | NGX_TOKEN_WS_PONG)

#define HEAD      14      /* the longest header */
#define MIB       ((size_t) 1024 * 1024)

#define BYTES(s)  s, sizeof(s) - 1


/* bytes as they come, or frames to be masked and joined; and the events */

typedef struct {
    const char     *name;
    const char     *bytes;
    size_t          len;
    const char     *events;
} raw_vector_t;


typedef struct {
    unsigned        start;       /* first byte of the frame */
    const char     *payload;
    size_t          len;
} frame_t;


typedef struct {
    const char     *name;
    frame_t         frames[6];
    const char     *events;
} vector_t;


static const ngx_token_ws_conf_t  roomy = { 2 * MIB, 1000 };

static const unsigned char  chops[] = { 1, 2, 3, 5, 7, 13 };


/* RFC 6455, 5.2: the header */

static const raw_vector_t  raw_5_2[] = {

    { "nothing", BYTES(""), "" },

    { "a header without payload", BYTES("\x81\x85\1\2\3\4"), "" },

    { "RSV1", BYTES("\xc1\x80\0\0\0\0"),
      "[error(1002 reserved bit is set)]" },

    { "RSV2", BYTES("\xa1\x80\0\0\0\0"),
      "[error(1002 reserved bit is set)]" },

    { "RSV3", BYTES("\x91\x80\0\0\0\0"),
      "[error(1002 reserved bit is set)]" },

    { "RSV1 of a control frame", BYTES("\xc9\x80\0\0\0\0"),
      "[error(1002 reserved bit is set)]" },

    { "opcode 3", BYTES("\x83\x80\0\0\0\0"),
      "[error(1002 reserved opcode)]" },

    { "opcode 4", BYTES("\x84\x80\0\0\0\0"),
      "[error(1002 reserved opcode)]" },

    { "opcode 5", BYTES("\x85\x80\0\0\0\0"),
      "[error(1002 reserved opcode)]" },

    { "opcode 6", BYTES("\x86\x80\0\0\0\0"),
      "[error(1002 reserved opcode)]" },

    { "opcode 7", BYTES("\x87\x80\0\0\0\0"),
      "[error(1002 reserved opcode)]" },

    { "opcode b", BYTES("\x8b\x80\0\0\0\0"),
      "[error(1002 reserved opcode)]" },

    { "opcode c", BYTES("\x8c\x80\0\0\0\0"),
      "[error(1002 reserved opcode)]" },

    { "opcode d", BYTES("\x8d\x80\0\0\0\0"),
      "[error(1002 reserved opcode)]" },

    { "opcode e", BYTES("\x8e\x80\0\0\0\0"),
      "[error(1002 reserved opcode)]" },

    { "opcode f", BYTES("\x8f\x80\0\0\0\0"),
      "[error(1002 reserved opcode)]" },

    { "125 in two bytes", BYTES("\x82\xfe\x00\x7d\0\0\0\0"),
      "[error(1002 length is not in its shortest form)]" },

    { "0 in two bytes", BYTES("\x82\xfe\x00\x00\0\0\0\0"),
      "[error(1002 length is not in its shortest form)]" },

    { "65535 in eight bytes",
      BYTES("\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0"),
      "[error(1002 length is not in its shortest form)]" },

    { "0 in eight bytes", BYTES("\x82\xff\0\0\0\0\0\0\0\0\0\0\0\0"),
      "[error(1002 length is not in its shortest form)]" },

    { "the top bit of a length",
      BYTES("\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0"),
      "[error(1002 length has its top bit set)]" },

    { "the longest length",
      BYTES("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0"),
      "[error(1009 message is too big)]" },

    { "a wrong frame after a right one",
      BYTES("\x81\x81\0\0\0\0a\x83\x80\0\0\0\0"),
      "text(a)[error(1002 reserved opcode)]" },

    { "frames after a wrong one",
      BYTES("\x83\x80\0\0\0\0\x81\x81\0\0\0\0a\x89\x80\0\0\0\0"),
      "[error(1002 reserved opcode)]" },

    { NULL, NULL, 0, NULL }
};


/* RFC 6455, 5.3 and 5.1: masking */

static const raw_vector_t  raw_5_3[] = {

    { "5.7, a masked text", BYTES("\x81\x85\x37\xfa\x21\x3d"
      "\x7f\x9f\x4d\x51\x58"), "text(Hello)" },

    { "a mask of zero", BYTES("\x81\x83\0\0\0\0abc"), "text(abc)" },

    { "a mask of ones", BYTES("\x82\x85\xff\xff\xff\xff\xff\xfe\xfd\xfc\xfb"),
      "binary(\\x00\\x01\\x02\\x03\\x04)" },

    { "another mask for each frame",
      BYTES("\x81\x81\1\2\3\4`\x81\x82\5\6\7\x08" "dd"), "text(a)text(ab)" },

    { "5.7, a text without a mask", BYTES("\x81\x05Hello"),
      "[error(1002 frame is not masked)]" },

    { "an empty text without a mask", BYTES("\x81\x00"),
      "[error(1002 frame is not masked)]" },

    { "a ping without a mask", BYTES("\x89\x05Hello"),
      "[error(1002 frame is not masked)]" },

    { "a close without a mask", BYTES("\x88\x02\x03\xe8"),
      "[error(1002 frame is not masked)]" },

    { NULL, NULL, 0, NULL }
};


/* RFC 6455, 5.4: fragmentation */

static const vector_t  frames_5_4[] = {

    { "a text in two", { { TEXT, BYTES("Hel") }, { FIN | CONT, BYTES("lo") } },
      "text(Hello)" },

    { "a binary in three", { { BINARY, BYTES("\0") }, { CONT, BYTES("\1") },
      { FIN | CONT, BYTES("\2") } }, "binary(\\x00\\x01\\x02)" },

    { "no end", { { TEXT, BYTES("Hel") }, { CONT, BYTES("lo") } },
      "text(Hello" },

    { "nothing but empty fragments", { { TEXT, BYTES("") },
      { CONT, BYTES("") }, { CONT, BYTES("") }, { FIN | CONT, BYTES("") } },
      "text()" },

    { "empty fragments around", { { BINARY, BYTES("") }, { CONT, BYTES("a") },
      { CONT, BYTES("") }, { FIN | CONT, BYTES("") } }, "binary(a)" },

    { "a ping between", { { TEXT, BYTES("Hel") }, { PING, BYTES("x") },
      { FIN | CONT, BYTES("lo") } }, "text(Hel[ping(x)]lo)" },

    { "pings before and after empty fragments", { { TEXT, BYTES("") },
      { PING, BYTES("") }, { CONT, BYTES("") }, { PONG, BYTES("") },
      { FIN | CONT, BYTES("a") } }, "[ping()][pong()]text(a)" },

    { "a close between", { { TEXT, BYTES("Hel") }, { CLOSE, BYTES("") },
      { FIN | CONT, BYTES("lo") } }, "text(Hel[close(1005 )]" },

    { "a message after a fragmented one", { { TEXT, BYTES("a") },
      { FIN | CONT, BYTES("b") }, { FIN | BINARY, BYTES("c") },
      { FIN | TEXT, BYTES("d") } }, "text(ab)binary(c)text(d)" },

    { "a continuation of nothing", { { FIN | CONT, BYTES("a") } },
      "[error(1002 continuation without a message)]" },

    { "a first continuation", { { CONT, BYTES("a") } },
      "[error(1002 continuation without a message)]" },

    { "a continuation of a whole message", { { FIN | TEXT, BYTES("a") },
      { FIN | CONT, BYTES("b") } },
      "text(a)[error(1002 continuation without a message)]" },

    { "a continuation after the end", { { TEXT, BYTES("a") },
      { FIN | CONT, BYTES("b") }, { FIN | CONT, BYTES("c") } },
      "text(ab)[error(1002 continuation without a message)]" },

    { "a continuation after a ping", { { PING, BYTES("a") },
      { FIN | CONT, BYTES("b") } },
      "[ping(a)][error(1002 continuation without a message)]" },

    { "a text inside a text", { { TEXT, BYTES("a") },
      { FIN | TEXT, BYTES("b") } },
      "[error(1002 new message inside a fragmented one)]" },

    { "a binary inside a text", { { TEXT, BYTES("") },
      { BINARY, BYTES("b") } },
      "[error(1002 new message inside a fragmented one)]" },

    { "a text inside a binary, after a ping", { { BINARY, BYTES("a") },
      { PING, BYTES("") }, { TEXT, BYTES("b") } },
      "binary(a[ping()][error(1002 new message inside a fragmented one)]" },

    { NULL, { { 0, NULL, 0 } }, NULL }
};


/* RFC 6455, 5.5: control frames */

#define S25  "0123456789abcdefghijklmno"
#define S123 S25 S25 S25 S25 "0123456789abcdefghijklm"

static const vector_t  frames_5_5[] = {

    { "a ping", { { PING, BYTES("Hello") } }, "[ping(Hello)]" },

    { "an empty ping", { { PING, BYTES("") } }, "[ping()]" },

    { "a pong nobody asked for", { { PONG, BYTES("\xff\0") } },
      "[pong(\\xff\\x00)]" },

    { "a ping of 125 bytes", { { PING, BYTES(S123 "no") } },
      "[ping(" S123 "no)]" },

    { "pings one after another", { { PING, BYTES("a") }, { PING, BYTES("") },
      { PONG, BYTES("bc") } }, "[ping(a)][ping()][pong(bc)]" },

    { "a ping of 126 bytes", { { PING, BYTES(S123 "nop") } },
      "[error(1002 control frame is too long)]" },

    { "a close of 126 bytes", { { CLOSE, BYTES("\x03\xe8" S123 "n") } },
      "[error(1002 control frame is too long)]" },

    { "a ping of 126 bytes inside a message", { { TEXT, BYTES("a") },
      { PING, BYTES(S123 "nop") } },
      "[error(1002 control frame is too long)]" },

    { "a fragmented ping", { { PING & ~FIN, BYTES("a") } },
      "[error(1002 fragmented control frame)]" },

    { "a fragmented pong", { { PONG & ~FIN, BYTES("") } },
      "[error(1002 fragmented control frame)]" },

    { "a fragmented close", { { CLOSE & ~FIN, BYTES("\x03\xe8") } },
      "[error(1002 fragmented control frame)]" },

    { "an empty close", { { CLOSE, BYTES("") } }, "[close(1005 )]" },

    { "a close with a code", { { CLOSE, BYTES("\x03\xe8") } },
      "[close(1000 )]" },

    { "a close with a reason", { { CLOSE, BYTES("\x03\xe9" "bye") } },
      "[close(1001 bye)]" },

    { "a close with the longest reason", { { CLOSE, BYTES("\x0f\xa0" S123) } },
      "[close(4000 " S123 ")]" },

    { "a close with half a code", { { CLOSE, BYTES("\x03") } },
      "[error(1002 close frame with half a code)]" },

    { "anything after a close", { { CLOSE, BYTES("\x03\xe8") },
      { FIN | TEXT, BYTES("a") }, { PING, BYTES("") }, { 0xff, BYTES("") } },
      "[close(1000 )]" },

    { NULL, { { 0, NULL, 0 } }, NULL }
};


/* RFC 6455, 5.6: data frames */

static const vector_t  frames_5_6[] = {

    { "a text", { { FIN | TEXT, BYTES("Hello") } }, "text(Hello)" },

    { "an empty text", { { FIN | TEXT, BYTES("") } }, "text()" },

    { "an empty binary", { { FIN | BINARY, BYTES("") } }, "binary()" },

    { "a binary of any bytes", { { FIN | BINARY, BYTES("\xff\xc0\x80\0") } },
      "binary(\\xff\\xc0\\x80\\x00)" },

    { "texts one after another", { { FIN | TEXT, BYTES("a") },
      { FIN | TEXT, BYTES("") }, { FIN | BINARY, BYTES("bc") } },
      "text(a)text()binary(bc)" },

    { "longer than a word", { { FIN | TEXT, BYTES("0123456789abcdef012") } },
      "text(0123456789abcdef012)" },

    { NULL, { { 0, NULL, 0 } }, NULL }
};


/* RFC 6455, 8.1: UTF-8 */

static const vector_t  frames_8_1[] = {

    { "characters of all lengths",
      { { FIN | TEXT, BYTES("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") } },
      "text(a\\xc3\\xa9\\xe2\\x82\\xac\\xf0\\x9f\\x98\\x80)" },

    { "a character over fragments", { { TEXT, BYTES("\xf0") },
      { CONT, BYTES("\x9f") }, { PING, BYTES("\xff") },
      { CONT, BYTES("\x98") }, { FIN | CONT, BYTES("\x80") } },
      "text(\\xf0\\x9f[ping(\\xff)]\\x98\\x80)" },

    { "no character, complete",
      { { FIN | TEXT, BYTES("\xff") } }, "[error(1007 text is not UTF-8)]" },

    { "a byte of a character, in a second message",
      { { FIN | TEXT, BYTES("a") }, { FIN | TEXT, BYTES("b\x80") } },
      "text(a)[error(1007 text is not UTF-8)]" },

    { "half a character",
      { { FIN | TEXT, BYTES("ab\xe2\x82") } },
      "[error(1007 text is not UTF-8)]" },

    { "half a character before an empty fragment",
      { { TEXT, BYTES("\xe2\x82") }, { FIN | CONT, BYTES("") } },
      "[error(1007 text is not UTF-8)]" },

    { "half a character before a fragment that does not go on",
      { { TEXT, BYTES("\xe2\x82") }, { CONT, BYTES("a") } },
      "[error(1007 text is not UTF-8)]" },

    { "half a character after a ping", { { TEXT, BYTES("a") },
      { PING, BYTES("") }, { FIN | CONT, BYTES("b\xc3") } },
      "text(a[ping()][error(1007 text is not UTF-8)]" },

    { "half a character that may go on",
      { { TEXT, BYTES("\xe2\x82") } }, "text(\\xe2\\x82" },

    { "a surrogate", { { FIN | TEXT, BYTES("\xed\xa0\x80") } },
      "[error(1007 text is not UTF-8)]" },

    { "an overlong slash", { { FIN | TEXT, BYTES("\xc0\xaf") } },
      "[error(1007 text is not UTF-8)]" },

    { "text after binary that is none", { { FIN | BINARY, BYTES("\xe2\x82") },
      { FIN | TEXT, BYTES("a") } }, "binary(\\xe2\\x82)text(a)" },

    { "a reason", { { CLOSE, BYTES("\x03\xe8\xc3\xa9") } },
      "[close(1000 \\xc3\\xa9)]" },

    { "a reason that is none", { { CLOSE, BYTES("\x03\xe8\xff") } },
      "[error(1007 close reason is not UTF-8)]" },

    { "a reason with half a character",
      { { CLOSE, BYTES("\x03\xe8" "a\xc3") } },
      "[error(1007 close reason is not UTF-8)]" },

    { "a reason inside a character of a text", { { TEXT, BYTES("\xc3") },
      { CLOSE, BYTES("\x03\xe8" "a") } }, "text(\\xc3[close(1000 a)]" },

    { NULL, { { 0, NULL, 0 } }, NULL }
};


static size_t
frame(unsigned char *out, unsigned start, const void *payload, size_t len)
{
    static const unsigned char  mask[] = { 0x37, 0xfa, 0x21, 0x3d };

    size_t                i, n;
    unsigned              shift;
    const unsigned char  *p;

    out[0] = (unsigned char) start;
    n = 2;
    p = payload;

    if (len < 126) {
        shift = 0;
        out[1] = (unsigned char) (0x80 | len);

    } else if (len < 65536) {
        shift = 16;
        out[1] = 0x80 | 126;

    } else {
        shift = 64;
        out[1] = 0x80 | 127;
    }

    while (shift) {
        shift -= 8;
        out[n++] = (unsigned char) ((uint64_t) len >> shift & 0xff);
    }

    memcpy(&out[n], mask, sizeof(mask));
    n += sizeof(mask);

    for (i = 0; i < len; i++) {
        out[n++] = (unsigned char) (p[i] ^ mask[i % sizeof(mask)]);
    }

    return n;
}


static void
check_split(const ngx_token_ws_conf_t *conf, const char *name, const void *in,
    size_t len, const unsigned char *split, size_t n, const char *events)
{
    char  *got;

    got = ws_trace(conf, in, len, split, n);

    if (strcmp(got, events) != 0) {
        print_error("%s, in pieces of %u:\n", name, n ? split[0] : 0);
        print_error("     got: %.500s\nexpected: %.500s\n", got, events);
        fail();
    }

    free(got);
}


static void
check(const ngx_token_ws_conf_t *conf, const char *name, const void *in,
    size_t len, const char *events)
{
    size_t         i;
    unsigned char  two[2];

    check_split(conf, name, in, len, NULL, 0, events);

    for (i = 0; i < sizeof(chops); i++) {
        check_split(conf, name, in, len, &chops[i], 1, events);
    }

    check_split(conf, name, in, len, chops, sizeof(chops), events);

    /* an empty read is no event */

    two[0] = 0;
    two[1] = 1;

    check_split(conf, name, in, len, two, 2, events);

    /* every way to cut it once */

    for (i = 1; i < len && i < 256; i++) {
        two[0] = (unsigned char) i;
        two[1] = 255;

        check_split(conf, name, in, len, two, 2, events);
    }
}


static void
check_raw(const raw_vector_t *v)
{
    for (/* void */; v->name; v++) {
        check(&roomy, v->name, v->bytes, v->len, v->events);
    }
}


static void
check_frames(const vector_t *v)
{
    size_t          i, n;
    unsigned char   in[4096];
    const frame_t  *f;

    for (/* void */; v->name; v++) {
        n = 0;

        for (i = 0; i < 6 && v->frames[i].payload; i++) {
            f = &v->frames[i];
            n += frame(in + n, f->start, f->payload, f->len);
        }

        check(&roomy, v->name, in, n, v->events);
    }
}


static void
headers_are_checked_as_5_2_demands(void **state)
{
    (void) state;

    check_raw(raw_5_2);
}


static void
frames_are_unmasked_and_must_be_masked(void **state)
{
    (void) state;

    check_raw(raw_5_3);
}


static void
fragments_are_joined_by_the_rules_of_5_4(void **state)
{
    (void) state;

    check_frames(frames_5_4);
}


static void
control_frames_are_whole_and_short(void **state)
{
    (void) state;

    check_frames(frames_5_5);
}


static void
data_frames_become_messages(void **state)
{
    (void) state;

    check_frames(frames_5_6);
}


static void
text_and_reasons_must_be_utf8(void **state)
{
    (void) state;

    check_frames(frames_8_1);
}


/* RFC 6455, 7.4.1 and 7.4.2, and IANA's registry */

static unsigned
may_be_sent(unsigned code)
{
    if (code >= 3000) {
        return code < 5000;
    }

    switch (code) {

    case 1000:
    case 1001:
    case 1002:
    case 1003:
    case 1007:
    case 1008:
    case 1009:
    case 1010:
    case 1011:
    case 1012:
    case 1013:
    case 1014:
        return 1;

    default:
        return 0;
    }
}


static void
only_close_codes_that_may_be_sent_are_taken(void **state)
{
    char           events[64];
    size_t         n;
    unsigned       code;
    unsigned char  in[HEAD + 8], payload[4];

    (void) state;

    for (code = 0; code <= 0xffff; code++) {

        payload[0] = (unsigned char) (code >> 8);
        payload[1] = (unsigned char) (code & 0xff);
        payload[2] = 'o';
        payload[3] = 'k';

        (void) snprintf(events, sizeof(events), "[close(%u ok)]", code);

        if (!may_be_sent(code)) {
            strcpy(events, "[error(1002 close code is not allowed)]");
        }

        n = frame(in, CLOSE, payload, sizeof(payload));

        if (code <= 5100) {
            check(&roomy, "close code", in, n, events);

        } else {
            check_split(&roomy, "close code", in, n, NULL, 0, events);
        }
    }
}


static void
a_code_that_may_not_be_sent_comes_before_a_reason_that_is_not_utf8(
    void **state)
{
    static const vector_t  v[] = {
        { "both", { { CLOSE, BYTES("\x03\xed\xff") } },
          "[error(1002 close code is not allowed)]" },
        { NULL, { { 0, NULL, 0 } }, NULL }
    };

    (void) state;

    check_frames(v);
}


static void
fill(unsigned char *p, size_t len, unsigned text)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        p[i] = (unsigned char) (i * 7 + i / 251);

        if (text) {
            p[i] &= 0x7f;
        }
    }
}


static void
take(unsigned char *in, size_t len, size_t chop, unsigned opcode,
    const unsigned char *payload, size_t size)
{
    size_t                 n, got;
    unsigned               last;
    unsigned char         *pos, *end;
    ngx_token_ws_event_t   ev;
    ngx_token_ws_parser_t  p;

    memset(&p, 0, sizeof(ngx_token_ws_parser_t));
    got = 0;
    last = 0;

    while (len) {
        n = chop && chop < len ? chop : len;
        pos = in;
        end = in + n;

        while (ngx_token_ws_parse(&p, &roomy, &pos, end, &ev)
               == NGX_TOKEN_WS_DATA)
        {
            assert_false(last);
            assert_int_equal(ev.opcode, opcode);
            assert_int_equal(ev.first, got == 0);
            assert_true(size - got >= ev.len);
            assert_memory_equal(ev.data, payload + got, ev.len);

            got += ev.len;
            last = ev.last;

            assert_int_equal(last, got == size);
        }

        assert_ptr_equal(pos, end);

        in += n;
        len -= n;
    }

    assert_true(last);
    assert_int_equal(got, size);
}


static void
messages_of_every_size_arrive_as_they_were(void **state)
{
    static const size_t  sizes[] = {
        0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 125, 126, 127, 128, 255, 256,
        65535, 65536, 65537, MIB
    };

    size_t          i, j, len, n;
    unsigned        text;
    unsigned char  *in, *copy, *payload;

    (void) state;

    in = malloc(MIB + HEAD);
    copy = malloc(MIB + HEAD);
    payload = malloc(MIB);

    assert_true(in && copy && payload);

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        len = sizes[i];

        for (text = 0; text < 2; text++) {
            fill(payload, len, text);
            n = frame(in, FIN | (text ? TEXT : BINARY), payload, len);

            memcpy(copy, in, n);
            take(copy, n, 0, text ? TEXT : BINARY, payload, len);

            for (j = 0; j < sizeof(chops); j++) {
                memcpy(copy, in, n);
                take(copy, n, chops[j], text ? TEXT : BINARY, payload, len);
            }
        }
    }

    free(payload);
    free(copy);
    free(in);
}


static void
only_payload_is_changed(void **state)
{
    size_t                 i, len, n, head, at;
    unsigned char         *pos, in[256], was[256];
    ngx_token_ws_event_t   ev;
    ngx_token_ws_parser_t  p;

    (void) state;

    for (len = 0; len < 40; len++) {
        for (at = 0; at < 8; at++) {
            memset(in, 0xa5, sizeof(in));
            memset(was, 'x', sizeof(was));

            n = frame(in + at, FIN | TEXT, was, len);
            head = at + n - len;

            memcpy(was, in, sizeof(was));
            memset(&p, 0, sizeof(ngx_token_ws_parser_t));
            pos = in + at;

            assert_int_equal(
                ngx_token_ws_parse(&p, &roomy, &pos, in + at + n, &ev),
                NGX_TOKEN_WS_DATA);

            assert_ptr_equal(ev.data, in + head);
            assert_int_equal(ev.len, len);

            for (i = 0; i < sizeof(in); i++) {
                assert_int_equal(in[i], i >= head && i < at + n ? 'x'
                                                                : was[i]);
            }
        }
    }
}


/* returns how many bytes the parser takes until it gives an error */

static size_t
bytes_to_error(const ngx_token_ws_conf_t *conf, unsigned char *in, size_t len,
    uint16_t code)
{
    size_t                 i;
    unsigned char         *pos;
    ngx_token_ws_rc_t      rc;
    ngx_token_ws_event_t   ev;
    ngx_token_ws_parser_t  p;

    memset(&p, 0, sizeof(ngx_token_ws_parser_t));

    for (i = 0; i < len; i++) {
        pos = in + i;

        do {
            rc = ngx_token_ws_parse(&p, conf, &pos, in + i + 1, &ev);

            if (rc == NGX_TOKEN_WS_ERROR) {
                assert_int_equal(ev.code, code);
                return i + 1;
            }

        } while (rc != NGX_TOKEN_WS_AGAIN);
    }

    fail_msg("no error");

    return 0;
}


static void
text_fails_at_the_first_byte_that_cannot_become_valid(void **state)
{
    static const struct {
        const char  *text;
        size_t       at;
    } bad[] = {
        { "\x80", 1 },
        { "\xc0\x80", 1 },
        { "\xc1\x80", 1 },
        { "\xf5\x80\x80\x80", 1 },
        { "\xff", 1 },
        { "\xc3z", 2 },
        { "\xe0\x9f\x80", 2 },
        { "\xed\xa0\x80", 2 },
        { "\xf0\x8f\x80\x80", 2 },
        { "\xf4\x90\x80\x80", 2 },
        { "\xe2\x82z", 3 },
        { "\xf0\x9f\x98z", 4 },
        { "\xf0\x9f\x98\xc0", 4 },
        { "abc\xe2\x82\xacxy\xed\xbf\xbf", 10 }
    };

    size_t         i, n;
    unsigned char  in[HEAD + 200], payload[200];

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {

        /* the frame goes on, and so does the message */

        memset(payload, 'z', sizeof(payload));
        memcpy(payload, bad[i].text, strlen(bad[i].text));

        n = frame(in, TEXT, payload, 100);
        assert_int_equal(bytes_to_error(&roomy, in, n, 1007), 6 + bad[i].at);

        n = frame(in, FIN | TEXT, payload, 200);
        assert_int_equal(bytes_to_error(&roomy, in, n, 1007), 8 + bad[i].at);
    }
}


static void
a_message_over_the_limit_fails_at_its_header(void **state)
{
    size_t                i, n, frames;
    unsigned char         in[4096], payload[200];
    ngx_token_ws_conf_t   conf;

    (void) state;

    memset(payload, 'a', sizeof(payload));
    memset(&conf, 0, sizeof(ngx_token_ws_conf_t));

    conf.max_message = 150;
    conf.max_frames = 100;

    n = frame(in, FIN | TEXT, payload, 151);
    assert_int_equal(bytes_to_error(&conf, in, n, 1009), 8);

    /* over all fragments */

    n = frame(in, BINARY, payload, 150);
    frames = n;
    n += frame(in + n, FIN | CONT, payload, 1);
    assert_int_equal(bytes_to_error(&conf, in, n, 1009), frames + 6);

    for (n = 0, i = 0; i < 15; i++) {
        n += frame(in + n, i ? CONT : TEXT, payload, 10);
    }

    frames = n;
    n += frame(in + n, PING, payload, 125);
    n += frame(in + n, CONT, payload, 0);
    n += frame(in + n, FIN | CONT, payload, 1);
    assert_int_equal(bytes_to_error(&conf, in, n, 1009),
                     frames + 131 + 6 + 6);

    /* sums must not overflow */

    n = frame(in, TEXT, payload, 150);
    memcpy(in + n, "\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
           HEAD);
    assert_int_equal(bytes_to_error(&conf, in, n + HEAD, 1009), n + HEAD);

    conf.max_message = UINT64_MAX;
    n = frame(in, TEXT, "abc", 3);
    memcpy(in + n, "\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0d",
           15);
    check(&conf, "the longest of all", in, n + 15, "text(abcd");

    conf.max_message = 0;
    n = frame(in, FIN | TEXT, payload, 0);
    check(&conf, "nothing when nothing is allowed", in, n, "text()");
}


static void
a_message_at_the_limit_is_taken_and_so_is_the_next(void **state)
{
    size_t               i, n;
    unsigned char        in[4096];
    ngx_token_ws_conf_t  conf;

    (void) state;

    memset(&conf, 0, sizeof(ngx_token_ws_conf_t));

    conf.max_message = 4;
    conf.max_frames = 2;

    for (n = 0, i = 0; i < 3; i++) {
        n += frame(in + n, TEXT, "ab", 2);
        n += frame(in + n, PING, "12345", 5);
        n += frame(in + n, FIN | CONT, "cd", 2);
    }

    check(&conf, "at the limit", in, n, "text(ab[ping(12345)]cd)"
          "text(ab[ping(12345)]cd)text(ab[ping(12345)]cd)");
}


static void
too_many_fragments_fail_even_when_empty(void **state)
{
    size_t               n;
    unsigned char        in[256];
    ngx_token_ws_conf_t  conf;

    (void) state;

    memset(&conf, 0, sizeof(ngx_token_ws_conf_t));

    conf.max_message = 100;
    conf.max_frames = 3;

    n = frame(in, TEXT, "", 0);
    n += frame(in + n, CONT, "", 0);
    n += frame(in + n, PING, "", 0);
    n += frame(in + n, PING, "", 0);
    n += frame(in + n, CONT, "", 0);
    n += frame(in + n, FIN | CONT, "", 0);

    check(&conf, "four", in, n,
          "[ping()][ping()][error(1008 message has too many fragments)]");
}


static void
control_frames_count_for_no_limit(void **state)
{
    size_t               n;
    unsigned char        in[256];
    ngx_token_ws_conf_t  conf;

    (void) state;

    memset(&conf, 0, sizeof(ngx_token_ws_conf_t));

    n = frame(in, PING, "abc", 3);
    n += frame(in + n, CLOSE, "\x03\xe8" "abc", 5);

    check(&conf, "no limits at all", in, n, "[ping(abc)][close(1000 abc)]");
}


static void
after_an_error_all_input_is_skipped_and_left_as_it_is(void **state)
{
    size_t                 n;
    unsigned char         *pos, in[64], was[64];
    ngx_token_ws_event_t   ev;
    ngx_token_ws_parser_t  p;

    (void) state;

    memset(&p, 0, sizeof(ngx_token_ws_parser_t));

    n = frame(in, FIN | TEXT, "\xff", 1);
    n += frame(in + n, FIN | TEXT, "abc", 3);
    memcpy(was, in, n);
    pos = in;

    assert_int_equal(ngx_token_ws_parse(&p, &roomy, &pos, in + n, &ev),
                     NGX_TOKEN_WS_ERROR);
    assert_int_equal(ngx_token_ws_parse(&p, &roomy, &pos, in + n, &ev),
                     NGX_TOKEN_WS_AGAIN);
    assert_ptr_equal(pos, in + n);

    pos = in;

    assert_int_equal(ngx_token_ws_parse(&p, &roomy, &pos, in + n, &ev),
                     NGX_TOKEN_WS_AGAIN);
    assert_ptr_equal(pos, in + n);
    assert_memory_equal(in + 7, was + 7, n - 7);
}


static void
an_idle_session_costs_152_bytes(void **state)
{
    (void) state;

    assert_true(sizeof(ngx_token_ws_parser_t) <= 152);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(headers_are_checked_as_5_2_demands),
        cmocka_unit_test(frames_are_unmasked_and_must_be_masked),
        cmocka_unit_test(fragments_are_joined_by_the_rules_of_5_4),
        cmocka_unit_test(control_frames_are_whole_and_short),
        cmocka_unit_test(data_frames_become_messages),
        cmocka_unit_test(text_and_reasons_must_be_utf8),
        cmocka_unit_test(only_close_codes_that_may_be_sent_are_taken),
        cmocka_unit_test(
            a_code_that_may_not_be_sent_comes_before_a_reason_that_is_not_utf8),
        cmocka_unit_test(messages_of_every_size_arrive_as_they_were),
        cmocka_unit_test(only_payload_is_changed),
        cmocka_unit_test(text_fails_at_the_first_byte_that_cannot_become_valid),
        cmocka_unit_test(a_message_over_the_limit_fails_at_its_header),
        cmocka_unit_test(a_message_at_the_limit_is_taken_and_so_is_the_next),
        cmocka_unit_test(too_many_fragments_fail_even_when_empty),
        cmocka_unit_test(control_frames_count_for_no_limit),
        cmocka_unit_test(after_an_error_all_input_is_skipped_and_left_as_it_is),
        cmocka_unit_test(an_idle_session_costs_152_bytes)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
