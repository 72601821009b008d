
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/token_test.h"
#include "token/ngx_token_message.h"
#include "token/ngx_token_siphash.h"


#define DEPTH  8

#define ID     "0198a2b4-79b0-7cc3-98c4-dc0c0c07398f"
#define ID2    "0198a2b5-79b0-7cc3-98c4-dc0c0c07398f"

#define TOKEN  "{\"type\":\"token\",\"id\":\"" ID "\","


static const unsigned char  id[NGX_TOKEN_ID_LEN] = {
    0x01, 0x98, 0xa2, 0xb4, 0x79, 0xb0, 0x7c, 0xc3,
    0x98, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f
};


static ngx_token_buf_t            scratch;
static ngx_token_message_t        m;
static ngx_token_message_error_t  err;


/* the text stays where it is: the slices of m may point into it */

static ngx_token_rc_t
decode(const char *s)
{
    ngx_token_str_t  t;

    t = str(s);
    ngx_token_buf_reset(&scratch);

    return ngx_token_message_decode(&t, DEPTH, &scratch, &m, &err);
}


static void
assert_slice(const ngx_token_str_t *s, const char *expected)
{
    assert_int_equal(s->len, strlen(expected));

    if (s->len) {
        assert_memory_equal(s->data, expected, s->len);
    }
}


static void
assert_bad(const char *s, const char *code, const char *reason)
{
    if (decode(s) != NGX_TOKEN_INVALID || strcmp(err.code, code) != 0
        || strcmp(err.text, reason) != 0)
    {
        print_error("%s: %s: %s\n", s, err.code ? err.code : "accepted",
                    err.text ? err.text : "");
        fail();
    }
}


static void
a_first_watch_has_no_cursor(void **state)
{
    (void) state;

    assert_int_equal(decode("{\"type\":\"watch\",\"channel\":\"chat\"}"),
                     NGX_TOKEN_OK);

    assert_int_equal(m.type, NGX_TOKEN_MSG_WATCH);
    assert_slice(&m.channel, "chat");
    assert_int_equal(m.epoch.len, 0);
    assert_int_equal(m.seq, 0);
    assert_int_equal(m.tail, 0);
}


static void
a_watch_has_a_cursor_and_a_number_of_records(void **state)
{
    (void) state;

    assert_int_equal(decode("{\"type\":\"watch\",\"channel\":\"votes/*\","
                            "\"epoch\":\"9f3c\",\"seq\":9007199254740991,"
                            "\"last\":50}"),
                     NGX_TOKEN_OK);

    assert_slice(&m.channel, "votes/*");
    assert_slice(&m.epoch, "9f3c");
    assert_true(m.seq == 9007199254740991);
    assert_int_equal(m.tail, 50);
}


static void
an_unwatch_has_a_channel(void **state)
{
    (void) state;

    assert_int_equal(decode("{\"channel\":\"ch\\u00e9\\ud83d\\ude00t\","
                            "\"type\":\"unwatch\"}"),
                     NGX_TOKEN_OK);

    assert_int_equal(m.type, NGX_TOKEN_MSG_UNWATCH);
    assert_slice(&m.channel, "ch\xc3\xa9\xf0\x9f\x98\x80t");
}


static void
a_token_has_a_service_and_a_minified_value(void **state)
{
    (void) state;

    assert_int_equal(decode(TOKEN "\"service\":\"send\","
                            "\"value\": { \"text\" : \"a  b\", \"n\":1.50 }}"),
                     NGX_TOKEN_OK);

    assert_int_equal(m.type, NGX_TOKEN_MSG_TOKEN);
    assert_memory_equal(m.id, id, NGX_TOKEN_ID_LEN);
    assert_int_equal(m.nrequests, 1);
    assert_slice(&m.requests[0].service, "send");
    assert_slice(&m.requests[0].value, "{\"text\":\"a  b\",\"n\":1.50}");
}


static void
a_value_that_is_absent_is_null(void **state)
{
    (void) state;

    assert_int_equal(decode(TOKEN "\"service\":\"toggle\"}"), NGX_TOKEN_OK);
    assert_slice(&m.requests[0].value, "null");

    assert_int_equal(decode(TOKEN "\"service\":\"toggle\",\"value\":null}"),
                     NGX_TOKEN_OK);
    assert_slice(&m.requests[0].value, "null");
}


static void
a_token_has_several_requests_in_their_order(void **state)
{
    (void) state;

    assert_int_equal(decode(TOKEN "\"requests\":[{\"service\":\"a\","
                            "\"value\":[ 1 ]},{\"service\":\"b\"},"
                            "{\"value\":\"x\",\"service\":\"a\"}]}"),
                     NGX_TOKEN_OK);

    assert_int_equal(m.nrequests, 3);
    assert_slice(&m.requests[0].service, "a");
    assert_slice(&m.requests[0].value, "[1]");
    assert_slice(&m.requests[1].service, "b");
    assert_slice(&m.requests[1].value, "null");
    assert_slice(&m.requests[2].service, "a");
    assert_slice(&m.requests[2].value, "\"x\"");
}


static void
a_cancel_has_an_id(void **state)
{
    (void) state;

    assert_int_equal(decode("{\"type\":\"cancel\",\"id\":\"" ID "\"}"),
                     NGX_TOKEN_OK);

    assert_int_equal(m.type, NGX_TOKEN_MSG_CANCEL);
    assert_memory_equal(m.id, id, NGX_TOKEN_ID_LEN);
}


static void
an_id_may_be_written_with_escapes_and_large_letters(void **state)
{
    (void) state;

    assert_int_equal(decode("{\"type\":\"cancel\",\"id\":\"\\u0030198A2B4"
                            "\\u002d79b0-7cc3-98c4-dc0c0c07398f\"}"),
                     NGX_TOKEN_OK);
    assert_memory_equal(m.id, id, NGX_TOKEN_ID_LEN);
}


static void
a_resume_has_ids(void **state)
{
    (void) state;

    assert_int_equal(decode("{\"type\":\"resume\",\"ids\":[\"" ID "\",\"" ID2
                            "\",\"" ID "\"]}"),
                     NGX_TOKEN_OK);

    assert_int_equal(m.type, NGX_TOKEN_MSG_RESUME);
    assert_int_equal(m.nids, 3);
    assert_memory_equal(m.ids[0], id, NGX_TOKEN_ID_LEN);
    assert_memory_equal(m.ids[2], id, NGX_TOKEN_ID_LEN);
    assert_int_equal(m.ids[1][3], 0xb5);

    assert_int_equal(decode("{\"type\":\"resume\",\"ids\":[]}"), NGX_TOKEN_OK);
    assert_int_equal(m.nids, 0);
}


static void
ping_and_pong_need_nothing(void **state)
{
    (void) state;

    assert_int_equal(decode("{\"type\":\"ping\"}"), NGX_TOKEN_OK);
    assert_int_equal(m.type, NGX_TOKEN_MSG_PING);

    assert_int_equal(decode(" { \"type\" : \"p\\u006fng\" } "), NGX_TOKEN_OK);
    assert_int_equal(m.type, NGX_TOKEN_MSG_PONG);
}


static void
unknown_members_are_ignored(void **state)
{
    (void) state;

    assert_int_equal(decode("{\"x\":[{}],\"type\":\"ping\",\"id\":7,"
                            "\"channel\":null,\"types\":1,\"\":2}"),
                     NGX_TOKEN_OK);
    assert_int_equal(decode(TOKEN "\"requests\":[{\"service\":\"a\",\"x\":1}],"
                            "\"ids\":0}"),
                     NGX_TOKEN_OK);
}


static void
of_members_of_one_name_the_last_counts(void **state)
{
    (void) state;

    assert_int_equal(decode("{\"type\":\"token\",\"type\":\"watch\","
                            "\"channel\":1,\"\\u0063hannel\":\"b\"}"),
                     NGX_TOKEN_OK);
    assert_int_equal(m.type, NGX_TOKEN_MSG_WATCH);
    assert_slice(&m.channel, "b");
}


static void
what_is_not_json_is_bad_json(void **state)
{
    size_t  i;

    static const char  *const texts[] = {
        "", " ", "{", "x", "{\"type\":\"ping\"}{}", "{\"type\":\"ping\",}",
        "{\"type\":\"ping\",\"x\":[[[[[[[[]]]]]]]]}", "{'type':'ping'}"
    };

    (void) state;

    for (i = 0; i < count(texts); i++) {
        assert_bad(texts[i], "bad_json",
                   "the text is not JSON, or nested too deeply");
        assert_false(err.has_id);
    }

    assert_int_equal(decode("{\"type\":\"ping\",\"x\":[[[[[[[]]]]]]]}"),
                     NGX_TOKEN_OK);
}


#define SERVICE  "\"service\" is not a string of 1 to 255 bytes "             \
                 "without control characters"
#define CHANNEL  "\"channel\" is not a string of 1 to 255 bytes "             \
                 "without control characters"
#define EPOCH    "\"epoch\" is not a string of 1 to 64 bytes"
#define SEQ      "\"seq\" is not a whole number below 2^53"
#define CURSOR   "a cursor has both \"epoch\" and \"seq\""
#define LAST     "\"last\" is not a whole number from 1"
#define WATCH    "{\"type\":\"watch\",\"channel\":\"c\","


static void
what_is_not_a_message_is_answered_with_the_reason(void **state)
{
    size_t  i;

    static const struct {
        const char  *text;
        const char  *reason;
    } v[] = {
        { "[]", "the message is not an object" },
        { "\"ping\"", "the message is not an object" },
        { "null", "the message is not an object" },
        { "{}", "\"type\" is missing" },
        { "{\"Type\":\"ping\"}", "\"type\" is missing" },
        { "{\"type\":1}", "\"type\" is not a string" },
        { "{\"type\":null}", "\"type\" is not a string" },
        { "{\"type\":[\"ping\"]}", "\"type\" is not a string" },

        { "{\"type\":\"watch\"}", "\"channel\" is missing" },
        { "{\"type\":\"unwatch\"}", "\"channel\" is missing" },
        { "{\"type\":\"watch\",\"channel\":1}", CHANNEL },
        { "{\"type\":\"watch\",\"channel\":\"\"}", CHANNEL },
        { "{\"type\":\"watch\",\"channel\":null}", CHANNEL },
        { "{\"type\":\"watch\",\"channel\":[\"a\"]}", CHANNEL },
        { "{\"type\":\"watch\",\"channel\":\"a\\nb\"}", CHANNEL },
        { "{\"type\":\"watch\",\"channel\":\"\\u0000\"}", CHANNEL },
        { "{\"type\":\"unwatch\",\"channel\":\"a\x7f\"}", CHANNEL },
        { WATCH "\"epoch\":\"e\"}", CURSOR },
        { WATCH "\"seq\":1}", CURSOR },
        { WATCH "\"epoch\":1,\"seq\":1}", EPOCH },
        { WATCH "\"epoch\":null,\"seq\":1}", EPOCH },
        { WATCH "\"epoch\":\"\",\"seq\":1}", EPOCH },
        { WATCH "\"epoch\":\"0123456789012345678901234567890123456789"
          "0123456789012345678901234\",\"seq\":1}", EPOCH },
        { WATCH "\"epoch\":\"e\",\"seq\":\"1\"}", SEQ },
        { WATCH "\"epoch\":\"e\",\"seq\":-1}", SEQ },
        { WATCH "\"epoch\":\"e\",\"seq\":1.5}", SEQ },
        { WATCH "\"epoch\":\"e\",\"seq\":9007199254740992}", SEQ },
        { WATCH "\"last\":0}", LAST },
        { WATCH "\"last\":-1}", LAST },
        { WATCH "\"last\":\"1\"}", LAST },
        { WATCH "\"last\":null}", LAST },

        { "{\"type\":\"token\",\"service\":\"a\"}", "\"id\" is missing" },
        { "{\"type\":\"cancel\"}", "\"id\" is missing" },
        { "{\"type\":\"cancel\",\"id\":1}", "\"id\" is not a UUIDv7" },
        { "{\"type\":\"cancel\",\"id\":\"\"}", "\"id\" is not a UUIDv7" },
        { "{\"type\":\"cancel\",\"id\":null}", "\"id\" is not a UUIDv7" },
        { "{\"type\":\"cancel\",\"id\":"
          "\"0198a2b4-79b0-4cc3-98c4-dc0c0c07398f\"}",
          "\"id\" is not a UUIDv7" },

        { "{\"type\":\"resume\"}", "\"ids\" is not an array" },
        { "{\"type\":\"resume\",\"ids\":\"" ID "\"}",
          "\"ids\" is not an array" },
        { "{\"type\":\"resume\",\"ids\":{\"a\":\"" ID "\"}}",
          "\"ids\" is not an array" },
        { "{\"type\":\"resume\",\"ids\":[\"" ID "\",1]}",
          "an item of \"ids\" is not a UUIDv7" },
        { "{\"type\":\"resume\",\"ids\":[\"x\"]}",
          "an item of \"ids\" is not a UUIDv7" }
    };

    (void) state;

    for (i = 0; i < count(v); i++) {
        assert_bad(v[i].text, "bad_message", v[i].reason);
        assert_false(err.has_id);
    }
}


static void
the_id_is_known_whatever_else_is_wrong(void **state)
{
    size_t  i;

    static const struct {
        const char  *text;
        const char  *code;
        const char  *reason;
    } v[] = {
        { "{\"id\":\"" ID "\"}", "bad_message", "\"type\" is missing" },
        { "{\"type\":\"nope\",\"id\":\"" ID "\"}", "unknown_type",
          "there is no such type of message" },
        { "{\"type\":\"watch\",\"id\":\"" ID "\"}", "bad_message",
          "\"channel\" is missing" },
        { TOKEN "\"value\":1}", "bad_message",
          "neither \"service\" nor \"requests\" is there" },
        { TOKEN "\"service\":\"a\",\"requests\":[{\"service\":\"a\"}]}",
          "bad_message", "both \"service\" and \"requests\" are there" },
        { TOKEN "\"service\":1}", "bad_message", SERVICE },
        { TOKEN "\"service\":\"\"}", "bad_message", SERVICE },
        { TOKEN "\"service\":null}", "bad_message", SERVICE },
        { TOKEN "\"service\":\"a\\u001fb\"}", "bad_message", SERVICE },
        { TOKEN "\"requests\":{}}", "bad_message",
          "\"requests\" is not an array" },
        { TOKEN "\"requests\":null}", "bad_message",
          "\"requests\" is not an array" },
        { TOKEN "\"requests\":[]}", "bad_message", "\"requests\" is empty" },
        { TOKEN "\"requests\":[1]}", "bad_message",
          "an item of \"requests\" is not an object" },
        { TOKEN "\"requests\":[{}]}", "bad_message",
          "\"service\" of a request is missing" },
        { TOKEN "\"requests\":[{\"service\":\"a\"},{\"value\":1}]}",
          "bad_message", "\"service\" of a request is missing" },
        { TOKEN "\"requests\":[{\"service\":[]}]}", "bad_message", SERVICE }
    };

    (void) state;

    for (i = 0; i < count(v); i++) {
        assert_bad(v[i].text, v[i].code, v[i].reason);
        assert_true(err.has_id);
        assert_memory_equal(err.id, id, NGX_TOKEN_ID_LEN);
    }
}


static void
a_message_of_an_unknown_type_is_said_to_be(void **state)
{
    size_t  i;

    static const char  *const texts[] = {
        "{\"type\":\"\"}", "{\"type\":\"Ping\"}", "{\"type\":\"pin\"}",
        "{\"type\":\"pings\"}", "{\"type\":\"ping\\u0000\"}",
        "{\"type\":\"hello\"}", "{\"type\":\"outcome\"}"
    };

    (void) state;

    for (i = 0; i < count(texts); i++) {
        assert_bad(texts[i], "unknown_type",
                   "there is no such type of message");
    }
}


/* what, n times, between head and tail; only counts of m are valid then */

static ngx_token_rc_t
decode_list(const char *head, const char *what, unsigned n, const char *tail)
{
    ngx_token_rc_t   rc;
    ngx_token_buf_t  b;

    memset(&b, 0, sizeof(ngx_token_buf_t));
    ngx_token_buf_str(&b, head);

    while (n--) {
        ngx_token_buf_str(&b, what);
        ngx_token_buf_str(&b, n ? "," : "");
    }

    ngx_token_buf_str(&b, tail);

    rc = decode(contents(&b));

    ngx_token_buf_free(&b);

    return rc;
}


static void
lists_have_their_limits(void **state)
{
    (void) state;

    assert_int_equal(decode_list(TOKEN "\"requests\":[",
                                 "{\"service\":\"a\",\"value\":1}",
                                 NGX_TOKEN_MAX_REQUESTS, "]}"),
                     NGX_TOKEN_OK);
    assert_int_equal(m.nrequests, NGX_TOKEN_MAX_REQUESTS);

    assert_int_equal(decode_list(TOKEN "\"requests\":[", "{\"service\":\"a\"}",
                                 NGX_TOKEN_MAX_REQUESTS + 1, "]}"),
                     NGX_TOKEN_INVALID);
    assert_string_equal(err.text, "\"requests\" has more than 16 items");

    assert_int_equal(decode_list("{\"type\":\"resume\",\"ids\":[",
                                 "\"" ID "\"", NGX_TOKEN_MAX_RESUME, "]}"),
                     NGX_TOKEN_OK);
    assert_int_equal(m.nids, NGX_TOKEN_MAX_RESUME);
    assert_memory_equal(m.ids[NGX_TOKEN_MAX_RESUME - 1], id,
                        NGX_TOKEN_ID_LEN);

    assert_int_equal(decode_list("{\"type\":\"resume\",\"ids\":[",
                                 "\"" ID "\"", NGX_TOKEN_MAX_RESUME + 1, "]}"),
                     NGX_TOKEN_INVALID);
    assert_string_equal(err.text, "\"ids\" has more than 256 items");
}


static void
names_have_their_limits(void **state)
{
    char  name[NGX_TOKEN_MAX_CHANNEL + 2];
    char  s[512];

    (void) state;

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';

    (void) snprintf(s, sizeof(s), TOKEN "\"service\":\"%s\"}", name);
    assert_bad(s, "bad_message", SERVICE);

    (void) snprintf(s, sizeof(s), TOKEN "\"service\":\"%s\"}", name + 1);
    assert_int_equal(decode(s), NGX_TOKEN_OK);
    assert_slice(&m.requests[0].service, name + 1);

    (void) snprintf(s, sizeof(s), "{\"type\":\"watch\",\"channel\":\"%s\"}",
                    name);
    assert_bad(s, "bad_message", CHANNEL);

    (void) snprintf(s, sizeof(s), "{\"type\":\"watch\",\"channel\":\"%s\"}",
                    name + 1);
    assert_int_equal(decode(s), NGX_TOKEN_OK);
    assert_slice(&m.channel, name + 1);
}


/* else the slices that were taken before it moved would dangle */

static void
the_scratch_does_not_move_while_a_message_is_decoded(void **state)
{
    unsigned              i;
    ngx_token_buf_t       b;
    ngx_token_str_t       t;
    const unsigned char  *data;

    (void) state;

    memset(&b, 0, sizeof(ngx_token_buf_t));
    ngx_token_buf_str(&b, TOKEN "\"requests\":[");

    for (i = 0; i < NGX_TOKEN_MAX_REQUESTS; i++) {
        ngx_token_buf_str(&b, i ? ",{" : "{");
        ngx_token_buf_str(&b, "\"service\":\"s\\u0065rvice\",\"value\":[");
        ngx_token_buf_str(&b, "\"0123456789012345678901234567890123456789\"");
        ngx_token_buf_str(&b, "]}");
    }

    ngx_token_buf_str(&b, "]}");

    t.data = b.data;
    t.len = b.len;

    /* the scratch of the other tests may be large enough already */

    ngx_token_buf_free(&scratch);

    assert_int_equal(ngx_token_message_decode(&t, DEPTH, &scratch, &m, &err),
                     NGX_TOKEN_OK);

    data = scratch.data;

    for (i = 0; i < NGX_TOKEN_MAX_REQUESTS; i++) {
        assert_slice(&m.requests[i].service, "service");
        assert_true(m.requests[i].service.data >= data);
        assert_true(m.requests[i].value.data < data + scratch.len);
    }

    ngx_token_buf_free(&b);
}


static void
every_truncation_of_a_message_is_read_within_its_bytes(void **state)
{
    size_t           i;
    ngx_token_str_t  s, t;

    static const char  message[] =
        TOKEN "\"requests\":[{\"service\":\"\\u0061\",\"value\":{\"a\":[1]}},"
        "{\"service\":\"b\",\"value\":\"\\ud83d\\ude00\"}]}";

    (void) state;

    for (i = 0; i < sizeof(message); i++) {
        s.data = (const unsigned char *) message;
        s.len = i;
        t = tight(&s);

        ngx_token_buf_reset(&scratch);
        assert_int_equal(ngx_token_message_decode(&t, DEPTH, &scratch, &m,
                                                  &err),
                         i == sizeof(message) - 1 ? NGX_TOKEN_OK
                                                  : NGX_TOKEN_INVALID);
        release(&t);
    }
}


static void
no_memory_is_said_to_be(void **state)
{
    ngx_token_buf_t  none;
    ngx_token_str_t  t;

    (void) state;

    memset(&none, 0, sizeof(ngx_token_buf_t));
    none.failed = 1;
    t = str("{\"type\":\"ping\"}");

    assert_int_equal(ngx_token_message_decode(&t, DEPTH, &none, &m, &err),
                     NGX_TOKEN_NOMEM);
}


static void
hash_of(const char *s, unsigned char hash[NGX_TOKEN_HASH_LEN])
{
    assert_int_equal(decode(s), NGX_TOKEN_OK);
    ngx_token_message_hash(&m, hash);
}


static void
equal_requests_have_equal_hashes(void **state)
{
    size_t         i;
    unsigned char  one[NGX_TOKEN_HASH_LEN], other[NGX_TOKEN_HASH_LEN];

    static const char  *const v[][2] = {
        { TOKEN "\"service\":\"a\",\"value\":{\"b\":1}}",
          TOKEN "\"value\" : { \"b\": 1 }, \"service\":\"\\u0061\"}" },
        { TOKEN "\"service\":\"a\",\"value\":{\"b\":1}}",
          TOKEN "\"requests\":[{\"service\":\"a\",\"value\":{\"b\":1}}]}" },
        { TOKEN "\"service\":\"a\"}",
          TOKEN "\"service\":\"a\",\"value\":null}" },
        { TOKEN "\"service\":\"a\"}",
          "{\"type\":\"token\",\"id\":\"" ID2 "\",\"service\":\"a\"}" }
    };

    (void) state;

    for (i = 0; i < count(v); i++) {
        hash_of(v[i][0], one);
        hash_of(v[i][1], other);
        assert_memory_equal(one, other, NGX_TOKEN_HASH_LEN);
    }
}


static void
other_requests_have_other_hashes(void **state)
{
    size_t         i, j;
    unsigned char  hash[16][NGX_TOKEN_HASH_LEN];

    static const char  *const v[] = {
        TOKEN "\"service\":\"a\"}",
        TOKEN "\"service\":\"a\",\"value\":1}",
        TOKEN "\"service\":\"a\",\"value\":1.0}",
        TOKEN "\"service\":\"a\",\"value\":\"1\"}",
        TOKEN "\"service\":\"a1\"}",
        TOKEN "\"service\":\"an\"}",
        TOKEN "\"service\":\"b\",\"value\":1}",
        TOKEN "\"requests\":[{\"service\":\"a\"},{\"service\":\"a\"}]}",
        TOKEN "\"requests\":[{\"service\":\"a\"},{\"service\":\"b\"}]}",
        TOKEN "\"requests\":[{\"service\":\"b\"},{\"service\":\"a\"}]}",
        TOKEN "\"requests\":[{\"service\":\"a\",\"value\":1},"
              "{\"service\":\"b\"}]}",
        TOKEN "\"service\":\"ping\"}"
    };

    (void) state;

    for (i = 0; i < count(v); i++) {
        hash_of(v[i], hash[i]);

        for (j = 0; j < i; j++) {
            assert_memory_not_equal(hash[i], hash[j], NGX_TOKEN_HASH_LEN);
        }
    }
}


/* the vectors of the authors: key and bytes are 00 01 02 ... */

static void
siphash_gives_the_published_vectors_whole_and_in_pieces(void **state)
{
    size_t               i, n;
    unsigned char        key[NGX_TOKEN_SIPHASH_KEY], in[64];
    unsigned char        hash[NGX_TOKEN_SIPHASH_LEN];
    ngx_token_siphash_t  h;

    static const struct {
        size_t       len;
        const char  *hash;
    } v[] = {
        { 0, "\xa3\x81\x7f\x04\xba\x25\xa8\xe6"
             "\x6d\xf6\x72\x14\xc7\x55\x02\x93" },
        { 1, "\xda\x87\xc1\xd8\x6b\x99\xaf\x44"
             "\x34\x76\x59\x11\x9b\x22\xfc\x45" },
        { 7, "\xa1\xf1\xeb\xbe\xd8\xdb\xc1\x53"
             "\xc0\xb8\x4a\xa6\x1f\xf0\x82\x39" },
        { 8, "\x3b\x62\xa9\xba\x62\x58\xf5\x61"
             "\x0f\x83\xe2\x64\xf3\x14\x97\xb4" },
        { 9, "\x26\x44\x99\x06\x0a\xd9\xba\xab"
             "\xc4\x7f\x8b\x02\xbb\x6d\x71\xed" },
        { 15, "\x54\x93\xe9\x99\x33\xb0\xa8\x11"
              "\x7e\x08\xec\x0f\x97\xcf\xc3\xd9" },
        { 16, "\x6e\xe2\xa4\xca\x67\xb0\x54\xbb"
              "\xfd\x33\x15\xbf\x85\x23\x05\x77" },
        { 63, "\x51\x50\xd1\x77\x2f\x50\x83\x4a"
              "\x50\x3e\x06\x9a\x97\x3f\xbd\x7c" }
    };

    (void) state;

    for (i = 0; i < sizeof(in); i++) {
        in[i] = (unsigned char) i;
        key[i % NGX_TOKEN_SIPHASH_KEY] =
            (unsigned char) (i % NGX_TOKEN_SIPHASH_KEY);
    }

    for (i = 0; i < count(v); i++) {

        for (n = 0; n <= v[i].len; n++) {
            ngx_token_siphash_init(&h, key);
            ngx_token_siphash_update(&h, in, n);
            ngx_token_siphash_update(&h, in + n, v[i].len - n);
            ngx_token_siphash_final(&h, hash);
            assert_memory_equal(hash, v[i].hash, NGX_TOKEN_SIPHASH_LEN);
        }
    }
}


static int
free_scratch(void **state)
{
    (void) state;

    ngx_token_buf_free(&scratch);

    return 0;
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_first_watch_has_no_cursor),
        cmocka_unit_test(a_watch_has_a_cursor_and_a_number_of_records),
        cmocka_unit_test(an_unwatch_has_a_channel),
        cmocka_unit_test(a_token_has_a_service_and_a_minified_value),
        cmocka_unit_test(a_value_that_is_absent_is_null),
        cmocka_unit_test(a_token_has_several_requests_in_their_order),
        cmocka_unit_test(a_cancel_has_an_id),
        cmocka_unit_test(an_id_may_be_written_with_escapes_and_large_letters),
        cmocka_unit_test(a_resume_has_ids),
        cmocka_unit_test(ping_and_pong_need_nothing),
        cmocka_unit_test(unknown_members_are_ignored),
        cmocka_unit_test(of_members_of_one_name_the_last_counts),
        cmocka_unit_test(what_is_not_json_is_bad_json),
        cmocka_unit_test(what_is_not_a_message_is_answered_with_the_reason),
        cmocka_unit_test(the_id_is_known_whatever_else_is_wrong),
        cmocka_unit_test(a_message_of_an_unknown_type_is_said_to_be),
        cmocka_unit_test(lists_have_their_limits),
        cmocka_unit_test(names_have_their_limits),
        cmocka_unit_test(the_scratch_does_not_move_while_a_message_is_decoded),
        cmocka_unit_test(
            every_truncation_of_a_message_is_read_within_its_bytes),
        cmocka_unit_test(no_memory_is_said_to_be),
        cmocka_unit_test(equal_requests_have_equal_hashes),
        cmocka_unit_test(other_requests_have_other_hashes),
        cmocka_unit_test(
            siphash_gives_the_published_vectors_whole_and_in_pieces)
    };

    return cmocka_run_group_tests(tests, NULL, free_scratch);
}
