
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <zlib.h>

#include "t/unit/ws_deflate_trace.h"
#include "ws/ngx_token_ws.h"
#include "ws/ngx_token_ws_deflate.h"


#define FIN       0x80
#define RSV1      NGX_TOKEN_WS_RSV1
#define CONT      NGX_TOKEN_WS_CONTINUATION
#define TEXT      NGX_TOKEN_WS_TEXT
#define BINARY    NGX_TOKEN_WS_BINARY
#define CLOSE     (FIN | NGX_TOKEN_WS_CLOSE)
#define PING      (FIN | NGX_TOKEN_WS_PING)
#define PONG      (FIN | NGX_TOKEN_WS_PONG)

#define HEAD      14      /* the longest header */
#define FRAMES    6
#define KIB       ((size_t) 1024)
#define MIB       (KIB * KIB)

#define BYTES(s)  s, sizeof(s) - 1

#define HELLO     "\xf2\x48\xcd\xc9\xc9\x07\x00"
#define BAD       "[error(1007 compressed data is invalid)]"
#define RSV       "[error(1002 reserved bit is set)]"
#define NOT_UTF8  "[error(1007 text is not UTF-8)]"


typedef struct {
    unsigned        start;       /* first byte of the frame */
    const char     *payload;
    size_t          len;
} frame_t;


typedef struct {
    const char     *name;
    frame_t         frames[FRAMES];
    const char     *events;
} vector_t;


static const ws_deflate_conf_t  alone = {
    { 64 * 1024, 1000 }, { 1024 * 1024, 0, 0 }
};

static const ws_deflate_conf_t  shared = {
    { 64 * 1024, 1000 }, { 1024 * 1024, 0, 1 }
};

static const unsigned char  chops[] = { 1, 2, 3, 5, 7, 13 };


/* RFC 7692, 6 and 6.1: the "Per-Message Compressed" bit */

static const vector_t  frames_6[] = {

    { "a message that is not compressed", { { FIN | TEXT, BYTES("Hello") } },
      "text(Hello)" },

    { "one that is", { { FIN | RSV1 | TEXT, BYTES(HELLO) } }, "text(Hello)" },

    { "both in turn", { { FIN | RSV1 | TEXT, BYTES(HELLO) },
      { FIN | TEXT, BYTES("abc") }, { FIN | RSV1 | BINARY, BYTES(HELLO) },
      { FIN | BINARY, BYTES("\xff") } },
      "text(Hello)text(abc)binary(Hello)binary(\\xff)" },

    { "a ping", { { PING | RSV1, BYTES("") } }, RSV },

    { "a pong", { { PONG | RSV1, BYTES("") } }, RSV },

    { "a close", { { CLOSE | RSV1, BYTES("\x03\xe8") } }, RSV },

    { "a reserved opcode", { { FIN | RSV1 | 0x3, BYTES("") } }, RSV },

    { "a continuation of nothing", { { FIN | RSV1 | CONT, BYTES("") } }, RSV },

    { "the continuation of a compressed message",
      { { RSV1 | TEXT, BYTES("\xf2\x48\xcd") },
        { FIN | RSV1 | CONT, BYTES("\xc9\xc9\x07\x00") } }, RSV },

    { "the continuation of another",
      { { TEXT, BYTES("ab") }, { FIN | RSV1 | CONT, BYTES("c") } }, RSV },

    { "a message inside another", { { TEXT, BYTES("ab") },
      { FIN | RSV1 | TEXT, BYTES(HELLO) } },
      "[error(1002 new message inside a fragmented one)]" },

    { "RSV2", { { FIN | TEXT | 0x20, BYTES("") } }, RSV },

    { "RSV3", { { FIN | TEXT | 0x10, BYTES("") } }, RSV },

    { "RSV1 and RSV2", { { FIN | TEXT | 0x60, BYTES(HELLO) } }, RSV },

    { "all three", { { FIN | TEXT | 0x70, BYTES(HELLO) } }, RSV },

    { "a compressed message, and a continuation after it",
      { { FIN | RSV1 | TEXT, BYTES(HELLO) }, { FIN | CONT, BYTES("a") } },
      "text(Hello)[error(1002 continuation without a message)]" },

    { NULL, { { 0, NULL, 0 } }, NULL }
};


/* RFC 7692, 7.2.3: its examples */

static const vector_t  frames_7_2_3[] = {

    { "7.2.3.1, one compressed block", { { FIN | RSV1 | TEXT, BYTES(HELLO) } },
      "text(Hello)" },

    { "7.2.3.1, fragmented", { { RSV1 | TEXT, BYTES("\xf2\x48\xcd") },
      { FIN | CONT, BYTES("\xc9\xc9\x07\x00") } }, "text(Hello)" },

    { "7.2.3.2, nothing is shared", { { FIN | RSV1 | TEXT, BYTES(HELLO) },
      { FIN | RSV1 | TEXT, BYTES(HELLO) } }, "text(Hello)text(Hello)" },

    { "7.2.3.3, a block that is not compressed", { { FIN | RSV1 | TEXT,
      BYTES("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00") } },
      "text(Hello)" },

    { "7.2.3.4, a block with BFINAL", { { FIN | RSV1 | TEXT,
      BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00") } }, "text(Hello)" },

    { "7.2.3.5, two blocks", { { FIN | RSV1 | TEXT,
      BYTES("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00") } },
      "text(Hello)" },

    { "7.2.3.6, an empty message", { { FIN | RSV1 | TEXT, BYTES("\x00") } },
      "text()" },

    { "7.2.3.6, an empty last fragment", { { RSV1 | TEXT,
      BYTES("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff") },
      { FIN | CONT, BYTES("\x00") } }, "text(Hello)" },

    { NULL, { { 0, NULL, 0 } }, NULL }
};


/* the same with a window that is kept: the client takes its context over */

static const vector_t  frames_7_2_3_2[] = {

    { "7.2.3.2, the second refers to the first",
      { { FIN | RSV1 | TEXT, BYTES(HELLO) },
        { FIN | RSV1 | TEXT, BYTES("\xf2\x00\x11\x00\x00") } },
      "text(Hello)text(Hello)" },

    { "a third, after one that is not compressed",
      { { FIN | RSV1 | TEXT, BYTES(HELLO) }, { FIN | TEXT, BYTES("abc") },
        { FIN | RSV1 | TEXT, BYTES("\xf2\x00\x11\x00\x00") },
        { FIN | RSV1 | TEXT, BYTES("\xf2\x00\x11\x00\x00") } },
      "text(Hello)text(abc)text(Hello)text(Hello)" },

    { "after a block with BFINAL", { { FIN | RSV1 | TEXT,
      BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\x00") },
      { FIN | RSV1 | TEXT, BYTES("\xf2\x00\x11\x00\x00") } },
      "text(Hello)text(Hello)" },

    { "after an empty last block with BFINAL",
      { { FIN | RSV1 | TEXT, BYTES("\xf2\x48\xcd\xc9\xc9\x07\x04") },
        { FIN | RSV1 | TEXT, BYTES("\xf2\x00\x11\x00\x00") } },
      "text(Hello)text(Hello)" },

    { "after messages that are empty",
      { { FIN | RSV1 | TEXT, BYTES(HELLO) },
        { FIN | RSV1 | TEXT, BYTES("\x00") }, { FIN | RSV1 | TEXT, BYTES("") },
        { FIN | RSV1 | TEXT, BYTES("\xf2\x00\x11\x00\x00") } },
      "text(Hello)text()text()text(Hello)" },

    { NULL, { { 0, NULL, 0 } }, NULL }
};


/* fragments, and what may stand between them: RFC 7692, 6.2 */

static const vector_t  frames_6_2[] = {

    { "a byte in each, and control frames between",
      { { RSV1 | TEXT, BYTES("\xf2") }, { PING, BYTES("a") },
        { CONT, BYTES("\x48\xcd\xc9") }, { PONG, BYTES("b") },
        { CONT, BYTES("\xc9\x07") }, { FIN | CONT, BYTES("\x00") } },
      "[ping(a)]text(Hel[pong(b)]lo)" },

    { "empty fragments", { { RSV1 | TEXT, BYTES("") }, { CONT, BYTES("") },
      { CONT, BYTES(HELLO) }, { CONT, BYTES("") }, { FIN | CONT, BYTES("") } },
      "text(Hello)" },

    { "no end", { { RSV1 | TEXT, BYTES(HELLO) }, { PING, BYTES("") } },
      "text(Hello[ping()]" },

    { "a close in the middle", { { RSV1 | TEXT, BYTES("\xf2\x48\xcd\xc9") },
      { CLOSE, BYTES("\x03\xe8") }, { FIN | CONT, BYTES("\xc9\x07\x00") } },
      "text(Hel[close(1000 )]" },

    { NULL, { { 0, NULL, 0 } }, NULL }
};


/* RFC 7692, 7.2.2: blocks of all kinds, good and bad */

static const vector_t  frames_7_2_2[] = {

    { "blocks with BFINAL, one after another", { { FIN | RSV1 | TEXT,
      BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00") } },
      "text(HelloHello)" },

    { "a block that refers to what was before one with BFINAL",
      { { FIN | RSV1 | TEXT,
      BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x00\x11\x00\x00") } },
      "text(HelloHello)" },

    { "nothing behind a block with BFINAL", { { FIN | RSV1 | TEXT,
      BYTES("\xf3\x48\xcd\xc9\xc9\x07\x00") } }, "text(Hello)" },

    { "the last block has BFINAL", { { FIN | RSV1 | TEXT,
      BYTES("\x01") } }, "text()" },

    { "no bytes at all", { { FIN | RSV1 | TEXT, BYTES("") } }, "text()" },

    { "no bytes at all in fragments",
      { { RSV1 | BINARY, BYTES("") }, { FIN | CONT, BYTES("") } },
      "binary()" },

    { "empty blocks", { { FIN | RSV1 | TEXT,
      BYTES("\x02\x00\x00\x00\xff\xff\x00\x00\x00\xff\xff\x00") } },
      "text()" },

    { "a reserved type of block", { { FIN | RSV1 | TEXT, BYTES("\x06\x00") } },
      BAD },

    { "a length and its complement that differ", { { FIN | RSV1 | TEXT,
      BYTES("\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f\x00") } }, BAD },

    { "a distance beyond the start", { { FIN | RSV1 | TEXT,
      BYTES("\xf2\x00\x11\x00\x00") } }, BAD },

    { "nothing of an earlier message", { { FIN | RSV1 | TEXT, BYTES(HELLO) },
      { FIN | RSV1 | TEXT, BYTES("\xf2\x00\x11\x00\x00") } },
      "text(Hello)" BAD },

    { "a bad table of codes", { { FIN | RSV1 | TEXT,
      BYTES("\xfc\xff\xff\xff\xff\xff\xff\xff\xff\x00") } }, BAD },

    { "text that is not compressed",
      { { FIN | RSV1 | TEXT, BYTES("Hello, hello, hello") } }, BAD },

    { "a good beginning", { { RSV1 | TEXT, BYTES(HELLO "\x00\x00\xff\xff") },
      { PING, BYTES("") }, { CONT, BYTES("\x06") } },
      "text(Hello[ping()]" BAD },

    { "the end is missing", { { FIN | RSV1 | TEXT,
      BYTES("\xf2\x48\xcd\xc9\xc9\x07") } }, BAD },

    { "the middle is missing", { { FIN | RSV1 | TEXT, BYTES("\xf2\x48") } },
      BAD },

    { "the end of a stored block is missing", { { FIN | RSV1 | BINARY,
      BYTES("\x00\x09\x00\xf6\xff" "abc") } }, BAD },

    { "a stored block that ends with what is cut off", { { FIN | RSV1 | BINARY,
      BYTES("\x00\x05\x00\xfa\xff" "a") } },
      "binary(a\\x00\\x00\\xff\\xff)" },

    { "a block that ends inside what is cut off", { { FIN | RSV1 | BINARY,
      BYTES("\x9a\x30\x61\xc2\x84\x09\x13") } }, BAD },

    { "a block that ends one bit before its end", { { FIN | RSV1 | BINARY,
      BYTES("\x04\xe0\xd1\x82\x24\x49\x92\x24\x49\x7e\x2b\x20\xb1\xa8\x79"
            "\x64\xf5\xec\xfd\xff\xdb\x01") } }, BAD },

    { "the end that should have been cut off", { { FIN | RSV1 | TEXT,
      BYTES(HELLO "\x00\x00\xff\xff") } }, BAD },

    { "the bad end of a message, before another", { { FIN | RSV1 | TEXT,
      BYTES("\xf2\x48") }, { FIN | TEXT, BYTES("abc") } }, BAD },

    { NULL, { { 0, NULL, 0 } }, NULL }
};


/* RFC 6455, 8.1, of what is inflated; here of stored blocks */

static const vector_t  frames_utf8[] = {

    { "compressed bytes are no text", { { FIN | RSV1 | TEXT,
      BYTES("\x02\x80\x00") } }, BAD },

    { "a character over blocks and fragments",
      { { RSV1 | TEXT, BYTES("\x00\x02\x00\xfd\xff\xe2\x82") },
        { PING, BYTES("") },
        { FIN | CONT, BYTES("\x00\x01\x00\xfe\xff\xac\x00") } },
      "text(\\xe2\\x82[ping()]\\xac)" },

    { "no character", { { FIN | RSV1 | TEXT,
      BYTES("\x00\x02\x00\xfd\xff" "a\xff\x00") } }, NOT_UTF8 },

    { "no character, long before the end", { { RSV1 | TEXT,
      BYTES("\x00\x20\x00\xdf\xff" "a\xff") }, { PING, BYTES("") } },
      NOT_UTF8 },

    { "half a character", { { FIN | RSV1 | TEXT,
      BYTES("\x00\x02\x00\xfd\xff\xe2\x82\x00") } }, NOT_UTF8 },

    { "half a character, and BFINAL", { { FIN | RSV1 | TEXT,
      BYTES("\x01\x02\x00\xfd\xff\xe2\x82") } }, NOT_UTF8 },

    { "half a character before a bad block", { { FIN | RSV1 | TEXT,
      BYTES("\x00\x02\x00\xfd\xff\xe2\x82\x06\x00") } }, BAD },

    { "no character before a bad block", { { FIN | RSV1 | TEXT,
      BYTES("\x00\x02\x00\xfd\xff" "a\x80\x06\x00") } }, NOT_UTF8 },

    { "binary", { { FIN | RSV1 | BINARY,
      BYTES("\x00\x02\x00\xfd\xff\xe2\x82\x00") } }, "binary(\\xe2\\x82)" },

    { "a whole one after half of one in binary", { { FIN | RSV1 | BINARY,
      BYTES("\x00\x02\x00\xfd\xff\xe2\x82\x00") },
      { FIN | RSV1 | TEXT, BYTES(HELLO) } },
      "binary(\\xe2\\x82)text(Hello)" },

    { "text that is not compressed is checked as ever",
      { { FIN | RSV1 | TEXT, BYTES(HELLO) }, { FIN | TEXT, BYTES("\xff") } },
      "text(Hello)" NOT_UTF8 },

    { NULL, { { 0, NULL, 0 } }, NULL }
};


static size_t
frame(unsigned char *out, unsigned start, const void *payload, size_t len)
{
    static const unsigned char  mask[] = { 0x37, 0xfa, 0x21, 0x3d };

    size_t                i, n;
    const unsigned char  *p;

    p = payload;

    n = ngx_token_ws_header(out, (ngx_token_ws_opcode_e) (start & 0xf), len,
                            0);
    out[0] = (unsigned char) start;
    out[1] |= 0x80;

    memcpy(&out[n], mask, sizeof(mask));
    n += sizeof(mask);

    for (i = 0; i < len; i++) {
        out[n++] = (unsigned char) (p[i] ^ mask[i % sizeof(mask)]);
    }

    return n;
}


static void
check_split(const ws_deflate_conf_t *conf, const char *name, const void *in,
    size_t len, const unsigned char *split, size_t n, const char *events)
{
    char  *got;

    got = ws_deflate_trace(conf, in, len, split, n);

    if (strcmp(got, events) != 0) {
        print_error("%s, in pieces of %u:\n", name, n ? split[0] : 0);
        print_error("     got: %.500s\nexpected: %.500s\n", got, events);
        fail();
    }

    free(got);
}


static void
check(const ws_deflate_conf_t *conf, const char *name, const void *in,
    size_t len, const char *events)
{
    size_t         i;
    unsigned char  two[2];

    check_split(conf, name, in, len, NULL, 0, events);

    for (i = 0; i < sizeof(chops); i++) {
        check_split(conf, name, in, len, &chops[i], 1, events);
    }

    check_split(conf, name, in, len, chops, sizeof(chops), events);

    /* every way to cut it once */

    for (i = 1; i < len && i < 256; i++) {
        two[0] = (unsigned char) i;
        two[1] = 255;

        check_split(conf, name, in, len, two, 2, events);
    }
}


static void
check_frames(const ws_deflate_conf_t *conf, const vector_t *v)
{
    size_t          i, n;
    unsigned char   in[4096];
    const frame_t  *f;

    for (/* void */; v->name; v++) {
        n = 0;

        for (i = 0; i < FRAMES && v->frames[i].payload; i++) {
            f = &v->frames[i];
            n += frame(in + n, f->start, f->payload, f->len);
        }

        check(conf, v->name, in, n, v->events);
    }
}


static void
rsv1_is_for_the_first_frame_of_a_message(void **state)
{
    (void) state;

    check_frames(&alone, frames_6);
    check_frames(&shared, frames_6);
}


static void
every_event_of_a_compressed_message_says_so(void **state)
{
    size_t                 i, n;
    unsigned char         *pos, in[64];
    ngx_token_ws_event_t   ev;
    ngx_token_ws_parser_t  p;

    (void) state;

    n = frame(in, RSV1 | TEXT, "\xff\xff", 2);
    n += frame(in + n, PING, "", 0);
    n += frame(in + n, FIN | CONT, "\xff", 1);
    n += frame(in + n, FIN | TEXT, "a", 1);

    memset(&p, 0, sizeof(ngx_token_ws_parser_t));
    p.deflate = 1;
    pos = in;

    for (i = 0; i < 4; i++) {
        assert_int_equal(
            ngx_token_ws_parse(&p, &alone.ws, &pos, in + n, &ev),
            i == 1 ? NGX_TOKEN_WS_CONTROL : NGX_TOKEN_WS_DATA);
        assert_int_equal(ev.compressed, i == 0 || i == 2);
        assert_int_equal(ev.first, i == 0 || i == 3);
    }

    assert_true(sizeof(ngx_token_ws_parser_t) <= 152);
}


static void
rsv1_is_an_error_when_nothing_was_agreed_upon(void **state)
{
    size_t          n;
    char           *got;
    unsigned char   in[64];

    (void) state;

    n = frame(in, FIN | RSV1 | TEXT, HELLO, sizeof(HELLO) - 1);
    got = ws_trace(&alone.ws, in, n, NULL, 0);

    assert_string_equal(got, RSV);

    free(got);
}


static void
the_examples_of_7692_7_2_3_are_inflated(void **state)
{
    (void) state;

    check_frames(&alone, frames_7_2_3);
    check_frames(&shared, frames_7_2_3);
    check_frames(&shared, frames_7_2_3_2);
}


static void
fragments_and_control_frames_go_together(void **state)
{
    (void) state;

    check_frames(&alone, frames_6_2);
    check_frames(&shared, frames_6_2);
}


static void
blocks_are_whole_and_valid(void **state)
{
    (void) state;

    check_frames(&alone, frames_7_2_2);
}


static void
inflated_text_must_be_utf8(void **state)
{
    (void) state;

    check_frames(&alone, frames_utf8);
}


/* without the four bytes at the end; to be freed */

static unsigned char *
compress_with_zlib(const void *data, size_t len, int level, int flush,
    size_t *size)
{
    z_stream        z;
    unsigned char  *out;

    memset(&z, 0, sizeof(z_stream));
    assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, -15, 9,
                                  Z_DEFAULT_STRATEGY), Z_OK);

    *size = len + len / 8 + 64;
    out = malloc(*size);
    assert_non_null(out);

    z.next_in = (unsigned char *) data;
    z.avail_in = (unsigned) len / 2;
    z.next_out = out;
    z.avail_out = (unsigned) *size;

    assert_int_not_equal(deflate(&z, flush), Z_STREAM_ERROR);

    z.avail_in = (unsigned) (len - len / 2);

    (void) deflate(&z, Z_SYNC_FLUSH);

    *size = (size_t) (z.next_out - out);

    /* a second flush with nothing new adds nothing */

    assert_memory_equal(out + *size - 4, "\0\0\xff\xff", 4);
    *size -= 4;

    assert_int_equal(deflateEnd(&z), Z_DATA_ERROR);

    return out;
}


/* len bytes of one value, compressed; to be freed */

static unsigned char *
squeeze(size_t len, size_t *size)
{
    unsigned char  *data, *out;

    data = malloc(len);
    assert_non_null(data);
    memset(data, 'a', len);

    out = compress_with_zlib(data, len, 9, Z_NO_FLUSH, size);

    free(data);

    return out;
}


/* the same in one frame */

static unsigned char *
bomb(unsigned start, size_t len, size_t *size)
{
    size_t          n;
    unsigned char  *out, *in;

    out = squeeze(len, &n);

    in = malloc(n + HEAD);
    assert_non_null(in);

    *size = frame(in, start, out, n);

    free(out);

    return in;
}


static void
a_message_over_the_limit_fails_as_it_grows(void **state)
{
    size_t              i, n;
    unsigned char      *in;
    ws_deflate_conf_t   conf;

    static const size_t  over[] = { 1, 2, 16383, 16384, 16385, 20000, MIB };

    (void) state;

    for (i = 0; i < sizeof(over) / sizeof(over[0]); i++) {
        conf = alone;
        conf.inflate.max_message = over[i] - 1;

        in = bomb(FIN | RSV1 | TEXT, over[i], &n);
        check(&conf, "one byte too many", in, n,
              "[error(1009 inflated message is too big)]");
        free(in);
    }
}


static void
a_message_at_the_limit_is_taken(void **state)
{
    size_t              i, n;
    char               *events;
    unsigned char      *in;
    ws_deflate_conf_t   conf;

    static const size_t  sizes[] = { 1, 16383, 16384, 16385, 32768, 100000 };

    (void) state;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        conf = alone;
        conf.inflate.max_message = sizes[i];

        events = malloc(sizes[i] + 16);
        assert_non_null(events);
        memset(events, 'a', sizes[i] + 5);
        memcpy(events, "text(", 5);
        strcpy(events + 5 + sizes[i], ")");

        in = bomb(FIN | RSV1 | TEXT, sizes[i], &n);
        check(&conf, "at the limit", in, n, events);

        free(in);
        free(events);
    }
}


static void
of_two_faults_the_first_byte_counts(void **state)
{
    static const vector_t  utf8[] = {

        { "text, and then too long", { { FIN | RSV1 | TEXT,
          BYTES("\x00\x06\x00\xf9\xff" "abc\xff" "ef\x00") } }, NOT_UTF8 },

        { "too long, and then no text", { { FIN | RSV1 | TEXT,
          BYTES("\x00\x06\x00\xf9\xff" "abcd\xff" "f\x00") } },
          "[error(1009 inflated message is too big)]" },

        { "too long, and then a bad block", { { FIN | RSV1 | TEXT,
          BYTES("\x00\x06\x00\xf9\xff" "abcdef\x06") } },
          "[error(1009 inflated message is too big)]" },

        { "a bad block, and then too long", { { FIN | RSV1 | TEXT,
          BYTES("\x00\x04\x00\xfb\xff" "abcd\x06" "abcdef") } }, BAD },

        { NULL, { { 0, NULL, 0 } }, NULL }
    };

    ws_deflate_conf_t  conf;

    (void) state;

    conf = alone;
    conf.inflate.max_message = 4;

    check_frames(&conf, utf8);
}


static void
the_compressed_size_is_limited_too(void **state)
{
    size_t              n;
    unsigned char       in[128], zeros[80];
    ws_deflate_conf_t   conf;

    (void) state;

    memset(zeros, 0, sizeof(zeros));

    /* 8 + 8 / 8 + 64 bytes; a block of nothing but zeros is a bad one */

    conf = alone;
    conf.ws.max_message = 8;

    n = frame(in, FIN | RSV1 | TEXT, zeros, 74);
    check(&conf, "wire", in, n, "[error(1009 message is too big)]");

    n = frame(in, FIN | RSV1 | TEXT, zeros, 73);
    check(&conf, "in the slack", in, n,
          "[error(1007 compressed data is invalid)]");

    n = frame(in, FIN | TEXT, "123456789", 9);
    check(&conf, "there is none for what is plain", in, n,
          "[error(1009 message is too big)]");

    conf.ws.max_message = UINT64_MAX - 8;

    n = frame(in, FIN | RSV1 | TEXT, HELLO, 7);
    check(&conf, "no limit", in, n, "text(Hello)");

    check(&conf, "nor does the sum go round",
          (const unsigned char *) "\xc1\xff\x40\0\0\0\0\0\0\0mask", 14, "");
}


static void
a_ratio_above_the_limit_fails(void **state)
{
    size_t              n;
    unsigned char      *in;
    ws_deflate_conf_t   conf;

    (void) state;

    conf = alone;
    conf.inflate.max_ratio = 100;

    in = bomb(FIN | RSV1 | TEXT, MIB, &n);
    check(&conf, "1:1000", in, n,
          "[error(1009 message is compressed too much)]");
    free(in);

    /* found at the end of a message that is shorter than a step */

    in = bomb(FIN | RSV1 | TEXT, 20000, &n);
    check(&conf, "a short one", in, n,
          "[error(1009 message is compressed too much)]");
    free(in);

    /* found before the end of one that is never finished */

    conf.inflate.max_message = 3 * MIB;
    in = bomb(RSV1 | TEXT, 2 * MIB, &n);
    check(&conf, "no end", in, n,
          "[error(1009 message is compressed too much)]");
    free(in);
}


static void
a_ratio_at_the_limit_or_of_little_is_taken(void **state)
{
    size_t              n;
    char               *got;
    unsigned char      *in;
    ws_deflate_conf_t   conf;

    (void) state;

    conf = alone;
    conf.inflate.max_ratio = 1;

    in = bomb(FIN | RSV1 | TEXT, 16384, &n);
    got = ws_deflate_trace(&conf, in, n, NULL, 0);
    assert_int_equal(strlen(got), 16384 + 6);
    free(got);
    free(in);

    conf.inflate.max_ratio = 1100;

    in = bomb(FIN | RSV1 | TEXT, MIB, &n);
    got = ws_deflate_trace(&conf, in, n, NULL, 0);
    assert_int_equal(strlen(got), MIB + 6);
    free(got);
    free(in);
}


/* whole and byte by byte; returns the events, to be freed */

static char *
both(const ws_deflate_conf_t *conf, const unsigned char *in, size_t n)
{
    char  *whole, *bytewise;

    whole = ws_deflate_trace(conf, in, n, NULL, 0);
    bytewise = ws_deflate_trace(conf, in, n, (const unsigned char *) "\1", 1);

    assert_string_equal(whole, bytewise);

    free(bytewise);

    return whole;
}


static size_t
stored(unsigned char *out, size_t len)
{
    size_t  i;

    out[0] = 0;
    out[1] = (unsigned char) (len & 0xff);
    out[2] = (unsigned char) (len >> 8);
    out[3] = (unsigned char) ~out[1];
    out[4] = (unsigned char) ~out[2];

    for (i = 5; i < len + 5; i++) {
        out[i] = 'b';
    }

    return i;
}


/*
 * Some stored bytes, then a run, then as many stored bytes as make up for it.
 * The first ones shift what is in a piece of output when the first kilobyte of
 * input ends.
 */

static void
check_run(size_t before, size_t run, unsigned ratio, const char *begins)
{
    size_t              n, size;
    char               *got;
    unsigned char      *data, *in;
    ws_deflate_conf_t   conf;

    data = squeeze(run, &size);
    in = malloc(64 * KIB);
    assert_non_null(in);

    n = stored(in + HEAD, before);
    memcpy(in + HEAD + n, data, size);
    n += size;
    memcpy(in + HEAD + n, "\0\0\xff\xff", 4);
    n += 4;
    n += stored(in + HEAD + n, 30000);
    in[HEAD + n++] = 0;

    free(data);

    data = malloc(n + HEAD);
    assert_non_null(data);
    n = frame(data, FIN | RSV1 | BINARY, in + HEAD, n);

    conf = alone;
    conf.inflate.max_message = 2 * MIB;
    conf.inflate.max_ratio = ratio;

    got = both(&conf, data, n);
    got[strlen(begins)] = '\0';
    assert_string_equal(got, begins);

    free(got);
    free(data);
    free(in);
}


static void
the_ratio_is_taken_at_the_same_bytes(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < 20; i++) {

        /* too much at 1024 bytes, but at no other */
        check_run(i, 1100000, 900, "[error(1009 message is compressed");

        /* too much at 500 bytes, but that is not looked at */
        check_run(i, 500000, 600, "binary(");
    }
}


static void
what_a_fragment_holds_comes_before_what_follows_it(void **state)
{
    size_t          i, n, size;
    char           *got;
    unsigned char  *data, in[1024];

    (void) state;

    data = squeeze(40000, &size);
    assert_true(size < 900);

    for (i = 0; i <= size; i++) {
        n = frame(in, RSV1 | TEXT, data, i);
        n += frame(in + n, PING, "", 0);
        n += frame(in + n, FIN | CONT, data + i, size - i);

        got = both(&alone, in, n);
        assert_int_equal(strlen(got), 40000 + 6 + 8);
        free(got);
    }

    free(data);
}


static void
a_message_may_end_where_a_piece_does(void **state)
{
    size_t          n;
    char           *got;
    unsigned char  *data, *in;

    (void) state;

    data = malloc(20 * KIB);
    in = malloc(20 * KIB);
    assert_true(data && in);

    /* of which the last four bytes are what was cut off */

    n = stored(data, 16384) - 4;
    n = frame(in, FIN | RSV1 | BINARY, data, n);

    got = both(&alone, in, n);
    assert_int_equal(strlen(got), 7 + 16380 + 17);
    assert_string_equal(got + 7 + 16380, "\\x00\\x00\\xff\\xff)");
    free(got);

    free(in);
    free(data);
}


/* as much as deflate can do, 1:1030, and any length of it */

static void
a_bomb_stops_at_the_bound(void **state)
{
    size_t                        i, n, got;
    clock_t                       start;
    unsigned char                *in;
    ngx_token_ws_rc_t             rc;
    ngx_token_ws_event_t          data, ev;
    ngx_token_ws_inflater_t      *inf;
    ngx_token_ws_inflate_conf_t   conf;

    (void) state;

    in = squeeze(64 * MIB, &n);
    assert_true(n < 64 * MIB / 1000);

    inf = ngx_token_ws_inflater_create(NULL);
    assert_non_null(inf);

    memset(&conf, 0, sizeof(ngx_token_ws_inflate_conf_t));
    conf.max_message = 65536;

    start = clock();

    for (i = 0; i < 1000; i++) {
        memset(&data, 0, sizeof(ngx_token_ws_event_t));
        data.opcode = BINARY;
        data.first = 1;
        data.last = 1;
        data.data = in;
        data.len = n;
        got = 0;

        while ((rc = ngx_token_ws_inflate(inf, &conf, &data, &ev))
               == NGX_TOKEN_WS_DATA)
        {
            got += ev.len;
        }

        assert_int_equal(rc, NGX_TOKEN_WS_ERROR);
        assert_int_equal(ev.code, 1009);
        assert_true(got <= 65536);

        /* at most the kilobyte that was fed to zlib has been looked at */

        assert_true(n - data.len <= 1024);
    }

    /* 80 KB each, not 64 MB: a thousand bombs are nothing */

    assert_true((clock() - start) / CLOCKS_PER_SEC < 5);

    ngx_token_ws_inflater_destroy(inf);
    free(in);
}


static uint32_t
rnd(void)
{
    static uint32_t  x = 2463534242u;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;

    return x;
}


/* of which some is compressible */

static void
fill(unsigned char *p, size_t len)
{
    size_t  i, n, at;

    for (i = 0; i < len; i += n) {
        n = 1 + rnd() % 300;
        n = n < len - i ? n : len - i;
        at = i ? rnd() % i : 0;

        if (rnd() % 3) {
            memmove(p + i, p + at, n < i - at ? n : i - at);

        } else {
            for (at = 0; at < n; at++) {
                p[i + at] = (unsigned char) rnd();
            }
        }
    }
}


/* feeds random pieces; returns how much came out */

static size_t
inflate_all(ngx_token_ws_inflater_t *inf,
    const ngx_token_ws_inflate_conf_t *conf, unsigned char *in, size_t len,
    unsigned char *out, size_t size)
{
    size_t                 n, got;
    unsigned               first, last;
    ngx_token_ws_rc_t      rc;
    ngx_token_ws_event_t   data, ev;

    first = 1;
    last = 0;
    got = 0;

    do {
        n = rnd() % (len + 1);

        memset(&data, 0, sizeof(ngx_token_ws_event_t));
        data.opcode = BINARY;
        data.first = first & 1;
        data.last = n == len;
        data.data = in;
        data.len = n;

        in += n;
        len -= n;
        first = 0;

        while ((rc = ngx_token_ws_inflate(inf, conf, &data, &ev))
               == NGX_TOKEN_WS_DATA)
        {
            assert_false(last);
            assert_int_equal(ev.first, got == 0);
            assert_true(size - got >= ev.len);

            memcpy(out + got, ev.data, ev.len);
            got += ev.len;
            last = ev.last;
        }

        assert_int_equal(rc, NGX_TOKEN_WS_AGAIN);

    } while (!last);

    assert_int_equal(len, 0);

    return got;
}


static void
what_zlib_compresses_is_inflated(void **state)
{
    static const int  flushes[] = {
        Z_NO_FLUSH, Z_PARTIAL_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_BLOCK
    };

    size_t                        i, len, size;
    unsigned char                *data, *in, *out;
    ngx_token_ws_inflater_t      *inf;
    ngx_token_ws_inflate_conf_t   conf;

    (void) state;

    data = malloc(200 * KIB);
    out = malloc(200 * KIB);
    inf = ngx_token_ws_inflater_create(NULL);

    assert_true(data && out && inf);

    memset(&conf, 0, sizeof(ngx_token_ws_inflate_conf_t));

    for (i = 0; i < 300; i++) {
        len = 2 + rnd() % (i % 10 ? 5000 : 200 * KIB - 2);
        fill(data, len);
        conf.max_message = len;

        in = compress_with_zlib(data, len, (int) (i % 10), flushes[i % 5],
                                &size);

        assert_int_equal(inflate_all(inf, &conf, in, size, out, len), len);
        assert_memory_equal(out, data, len);

        free(in);
    }

    ngx_token_ws_inflater_destroy(inf);
    free(out);
    free(data);
}


/* a client that takes its context over, and closes its stream now and then */

static void
a_window_is_kept_over_messages(void **state)
{
    size_t                        i, n, len;
    z_stream                      z;
    unsigned char                *data, *in, *out;
    ngx_token_ws_inflater_t      *inf;
    ngx_token_ws_inflate_conf_t   conf;

    (void) state;

    data = malloc(KIB);
    in = malloc(8 * KIB);
    out = malloc(KIB);
    inf = ngx_token_ws_inflater_create(NULL);

    assert_true(data && in && out && inf);

    memset(&conf, 0, sizeof(ngx_token_ws_inflate_conf_t));
    conf.max_message = KIB;
    conf.keep = 1;

    memset(&z, 0, sizeof(z_stream));
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8,
                                  Z_DEFAULT_STRATEGY), Z_OK);

    fill(data, KIB);

    for (i = 0; i < 1000; i++) {
        len = 1 + rnd() % KIB;
        data[rnd() % KIB] ^= 1;

        z.next_in = data;
        z.avail_in = (unsigned) len;
        z.next_out = in;
        z.avail_out = 8 * KIB;

        assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
        n = (size_t) (z.next_out - in) - 4;

        assert_int_equal(inflate_all(inf, &conf, in, n, out, len), len);
        assert_memory_equal(out, data, len);

        /* it pays */
        assert_true(i == 0 || len < 100 || n < len);
    }

    (void) deflateEnd(&z);
    ngx_token_ws_inflater_destroy(inf);
    free(out);
    free(in);
    free(data);
}


/* out of a payload as we send it, with a window as agreed upon */

static void
inflate_with_zlib(const unsigned char *in, size_t n, unsigned bits,
    unsigned char *out, size_t len)
{
    z_stream        z;
    unsigned char   end[4] = { 0x00, 0x00, 0xff, 0xff };

    memset(&z, 0, sizeof(z_stream));
    assert_int_equal(inflateInit2(&z, -(int) bits), Z_OK);

    z.next_in = (unsigned char *) in;
    z.avail_in = (unsigned) n;
    z.next_out = out;
    z.avail_out = (unsigned) len;

    if (n) {
        (void) inflate(&z, Z_SYNC_FLUSH);
    }

    assert_int_equal(z.avail_in, 0);

    z.next_in = end;
    z.avail_in = 4;

    (void) inflate(&z, Z_SYNC_FLUSH);

    assert_int_equal(z.avail_in, 0);
    assert_int_equal(z.avail_out, 0);
    assert_null(z.msg);
    assert_int_equal(inflateEnd(&z), Z_OK);
}


static void
what_we_compress_zlib_inflates(void **state)
{
    size_t                        i, len, n, room;
    unsigned char                *data, *in, *out;
    ngx_token_ws_deflater_t      *d;
    ngx_token_ws_inflater_t      *inf;
    ngx_token_ws_deflate_conf_t   conf;
    ngx_token_ws_inflate_conf_t   limits;

    (void) state;

    room = 100 * KIB + 100 * KIB / 8 + 64;
    data = malloc(100 * KIB);
    out = malloc(100 * KIB + 1);
    in = malloc(room);
    inf = ngx_token_ws_inflater_create(NULL);

    assert_true(data && in && out && inf);

    memset(&limits, 0, sizeof(ngx_token_ws_inflate_conf_t));
    limits.max_message = MIB;

    for (i = 0; i < 9 * 7; i++) {
        conf.level = (unsigned char) (1 + i % 9);
        conf.server_bits = (unsigned char) (9 + i % 7);
        conf.client_bits = 15;
        conf.mem_level = (unsigned char) (1 + i % 8);

        d = ngx_token_ws_deflater_create(&conf, NULL);
        assert_non_null(d);

        /* one after another, as if each were the only one */

        for (len = 1; len < 100 * KIB; len = len * 3 + 1) {
            fill(data, len);

            n = ngx_token_ws_deflate(d, data, len, in, len + len / 8 + 64);
            assert_true(n);

            inflate_with_zlib(in, n, conf.server_bits, out, len);
            assert_memory_equal(out, data, len);

            assert_int_equal(inflate_all(inf, &limits, in, n, out, len), len);
            assert_memory_equal(out, data, len);
        }

        ngx_token_ws_deflater_destroy(d);
    }

    ngx_token_ws_inflater_destroy(inf);
    free(in);
    free(out);
    free(data);
}


static const ngx_token_ws_deflate_conf_t  usual = { 6, 12, 15, 6 };


static void
the_examples_of_7692_7_2_3_are_made(void **state)
{
    unsigned                  i;
    unsigned char             out[64];
    ngx_token_ws_deflater_t  *d;

    (void) state;

    d = ngx_token_ws_deflater_create(&usual, NULL);
    assert_non_null(d);

    /* nothing is taken over from one to the next */

    for (i = 0; i < 2; i++) {
        assert_int_equal(
            ngx_token_ws_deflate(d, (const unsigned char *) "Hello", 5, out,
                                 sizeof(out)), 7);
        assert_memory_equal(out, HELLO, 7);
    }

    assert_int_equal(
        ngx_token_ws_deflate(d, (const unsigned char *) "", 0, out,
                             sizeof(out)), 1);
    assert_int_equal(out[0], 0);

    ngx_token_ws_deflater_destroy(d);
}


static void
what_does_not_shrink_is_not_compressed(void **state)
{
    size_t                    i, n, fits;
    unsigned char             data[1000], out[1000];
    ngx_token_ws_deflater_t  *d;

    (void) state;

    d = ngx_token_ws_deflater_create(&usual, NULL);
    assert_non_null(d);

    for (i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char) rnd();
    }

    assert_int_equal(ngx_token_ws_deflate(d, data, sizeof(data), out,
                                          sizeof(data)), 0);

    /* it writes nothing behind the room it has */

    memset(data, 'a', 500);
    fits = ngx_token_ws_deflate(d, data, sizeof(data), out, sizeof(out));
    assert_in_range(fits, 500, 600);

    for (i = 0; i < sizeof(out); i++) {
        memset(out, 0xa5, sizeof(out));
        n = ngx_token_ws_deflate(d, data, sizeof(data), out, i);

        assert_int_equal(n, i >= fits + 5 ? fits : 0);
        assert_int_equal(out[i], 0xa5);
    }

    ngx_token_ws_deflater_destroy(d);
}


static void
sizes_beyond_zlib_are_not_compressed(void **state)
{
    unsigned char             out[64];
    ngx_token_ws_deflater_t  *d;

    (void) state;

    d = ngx_token_ws_deflater_create(&usual, NULL);
    assert_non_null(d);

    assert_int_equal(
        ngx_token_ws_deflate(d, out, (size_t) UINT_MAX + 1, out, 1), 0);

    /* room that is more than zlib can count is room */

    assert_int_equal(
        ngx_token_ws_deflate(d, (const unsigned char *) "Hello", 5, out,
                             (size_t) UINT_MAX + 1), 7);

    ngx_token_ws_deflater_destroy(d);
}


typedef struct {
    unsigned  given;
    unsigned  calls;
    unsigned  fail;       /* the call that fails, from 1 */
} heap_t;


static void *
heap_alloc(void *ctx, unsigned items, unsigned size)
{
    heap_t  *h;

    h = ctx;

    if (++h->calls == h->fail) {
        return NULL;
    }

    h->given++;

    return calloc(items, size);
}


static void
heap_free(void *ctx, void *p)
{
    heap_t  *h;

    h = ctx;
    h->given--;

    free(p);
}


static void
a_deflater_needs_its_memory_once(void **state)
{
    heap_t                    h;
    unsigned                  i, calls;
    unsigned char             out[64];
    ngx_token_ws_memory_t     memory = { heap_alloc, heap_free, &h };
    ngx_token_ws_deflater_t  *d;

    (void) state;

    memset(&h, 0, sizeof(heap_t));

    d = ngx_token_ws_deflater_create(&usual, &memory);
    assert_non_null(d);
    calls = h.calls;

    for (i = 0; i < 10; i++) {
        (void) ngx_token_ws_deflate(d, (const unsigned char *) "Hello", 5, out,
                                    sizeof(out));
    }

    assert_int_equal(h.calls, calls);
    assert_true(h.given);

    ngx_token_ws_deflater_destroy(d);
    ngx_token_ws_deflater_destroy(NULL);

    assert_int_equal(h.given, 0);

    for (i = 1; i <= calls; i++) {
        h.calls = 0;
        h.fail = i;

        assert_null(ngx_token_ws_deflater_create(&usual, &memory));
        assert_int_equal(h.given, 0);
    }
}


static ngx_token_ws_rc_t
inflate_hello(ngx_token_ws_inflater_t *inf, ngx_token_ws_event_t *ev)
{
    unsigned char         in[] = HELLO;
    ngx_token_ws_event_t  data;

    memset(&data, 0, sizeof(ngx_token_ws_event_t));
    data.opcode = TEXT;
    data.first = 1;
    data.last = 1;
    data.data = in;
    data.len = sizeof(in) - 1;

    return ngx_token_ws_inflate(inf, &alone.inflate, &data, ev);
}


static void
an_inflater_needs_its_memory_once(void **state)
{
    heap_t                    h;
    unsigned                  i, calls;
    ngx_token_ws_event_t      ev;
    ngx_token_ws_memory_t     memory = { heap_alloc, heap_free, &h };
    ngx_token_ws_inflater_t  *inf;

    (void) state;

    memset(&h, 0, sizeof(heap_t));

    inf = ngx_token_ws_inflater_create(&memory);
    assert_non_null(inf);
    calls = h.calls;

    for (i = 0; i < 10; i++) {
        assert_int_equal(inflate_hello(inf, &ev), NGX_TOKEN_WS_DATA);
    }

    /* the window */
    assert_int_equal(h.calls, calls + 1);

    ngx_token_ws_inflater_destroy(inf);
    ngx_token_ws_inflater_destroy(NULL);

    assert_int_equal(h.given, 0);

    for (i = 1; i <= calls; i++) {
        h.calls = 0;
        h.fail = i;

        assert_null(ngx_token_ws_inflater_create(&memory));
        assert_int_equal(h.given, 0);
    }

    /* no window: the message fails, the inflater does not */

    h.calls = 0;
    h.fail = calls + 1;

    inf = ngx_token_ws_inflater_create(&memory);
    assert_non_null(inf);

    assert_int_equal(inflate_hello(inf, &ev), NGX_TOKEN_WS_ERROR);
    assert_int_equal(ev.code, 1011);
    assert_string_equal(ev.reason, "no memory");

    assert_int_equal(inflate_hello(inf, &ev), NGX_TOKEN_WS_DATA);
    assert_int_equal(ev.len, 5);

    ngx_token_ws_inflater_destroy(inf);
    assert_int_equal(h.given, 0);
}


static void
a_deflater_is_not_made_out_of_bounds(void **state)
{
    size_t                       i;
    static const unsigned char   bad[][3] = {
        { 0, 12, 6 }, { 10, 12, 6 }, { 6, 8, 6 }, { 6, 0, 6 }, { 6, 16, 6 },
        { 6, 12, 0 }, { 6, 12, 10 }
    };
    ngx_token_ws_deflate_conf_t  conf;

    (void) state;

    memset(&conf, 0, sizeof(ngx_token_ws_deflate_conf_t));

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        conf.level = bad[i][0];
        conf.server_bits = bad[i][1];
        conf.mem_level = bad[i][2];

        assert_null(ngx_token_ws_deflater_create(&conf, NULL));
    }
}


/* as a worker uses it: many sessions, bad ones among them */

static void
one_inflater_serves_message_after_message(void **state)
{
    unsigned char             bad[] = "\x06\x00";
    ngx_token_ws_event_t      data, ev;
    ngx_token_ws_inflater_t  *inf;

    (void) state;

    inf = ngx_token_ws_inflater_create(NULL);
    assert_non_null(inf);

    memset(&data, 0, sizeof(ngx_token_ws_event_t));

    /* nothing is open yet */

    data.opcode = TEXT;
    data.data = bad;
    data.len = 2;

    assert_int_equal(ngx_token_ws_inflate(inf, &alone.inflate, &data, &ev),
                     NGX_TOKEN_WS_AGAIN);
    assert_int_equal(data.len, 0);

    /* left open */

    data.first = 1;
    data.data = (unsigned char *) "\x00\x02\x00\xfd\xff\xe2\x82";
    data.len = 7;

    assert_int_equal(ngx_token_ws_inflate(inf, &alone.inflate, &data, &ev),
                     NGX_TOKEN_WS_DATA);
    assert_int_equal(ngx_token_ws_inflate(inf, &alone.inflate, &data, &ev),
                     NGX_TOKEN_WS_AGAIN);

    assert_int_equal(inflate_hello(inf, &ev), NGX_TOKEN_WS_DATA);
    assert_memory_equal(ev.data, "Hello", 5);
    assert_true(ev.first && ev.last && ev.opcode == TEXT);

    /* bad */

    data.first = 1;
    data.last = 1;
    data.data = bad;
    data.len = 2;

    assert_int_equal(ngx_token_ws_inflate(inf, &alone.inflate, &data, &ev),
                     NGX_TOKEN_WS_ERROR);
    assert_int_equal(ev.code, 1007);
    assert_int_equal(ngx_token_ws_inflate(inf, &alone.inflate, &data, &ev),
                     NGX_TOKEN_WS_AGAIN);

    assert_int_equal(inflate_hello(inf, &ev), NGX_TOKEN_WS_DATA);
    assert_memory_equal(ev.data, "Hello", 5);
    assert_true(ev.first && ev.last);

    ngx_token_ws_inflater_destroy(inf);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(rsv1_is_for_the_first_frame_of_a_message),
        cmocka_unit_test(every_event_of_a_compressed_message_says_so),
        cmocka_unit_test(rsv1_is_an_error_when_nothing_was_agreed_upon),
        cmocka_unit_test(the_examples_of_7692_7_2_3_are_inflated),
        cmocka_unit_test(fragments_and_control_frames_go_together),
        cmocka_unit_test(blocks_are_whole_and_valid),
        cmocka_unit_test(inflated_text_must_be_utf8),
        cmocka_unit_test(a_message_over_the_limit_fails_as_it_grows),
        cmocka_unit_test(a_message_at_the_limit_is_taken),
        cmocka_unit_test(of_two_faults_the_first_byte_counts),
        cmocka_unit_test(the_compressed_size_is_limited_too),
        cmocka_unit_test(a_ratio_above_the_limit_fails),
        cmocka_unit_test(a_ratio_at_the_limit_or_of_little_is_taken),
        cmocka_unit_test(the_ratio_is_taken_at_the_same_bytes),
        cmocka_unit_test(what_a_fragment_holds_comes_before_what_follows_it),
        cmocka_unit_test(a_message_may_end_where_a_piece_does),
        cmocka_unit_test(a_bomb_stops_at_the_bound),
        cmocka_unit_test(what_zlib_compresses_is_inflated),
        cmocka_unit_test(a_window_is_kept_over_messages),
        cmocka_unit_test(what_we_compress_zlib_inflates),
        cmocka_unit_test(the_examples_of_7692_7_2_3_are_made),
        cmocka_unit_test(what_does_not_shrink_is_not_compressed),
        cmocka_unit_test(sizes_beyond_zlib_are_not_compressed),
        cmocka_unit_test(a_deflater_needs_its_memory_once),
        cmocka_unit_test(an_inflater_needs_its_memory_once),
        cmocka_unit_test(a_deflater_is_not_made_out_of_bounds),
        cmocka_unit_test(one_inflater_serves_message_after_message)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
