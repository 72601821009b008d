
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <locale.h>

#include "t/unit/token_test.h"
#include "token/ngx_token_json.h"


#define DEPTH  32


static ngx_token_buf_t  out;


static ngx_token_rc_t
check(const ngx_token_str_t *s, unsigned max_depth)
{
    ngx_token_rc_t   rc;
    ngx_token_str_t  t;

    t = tight(s);

    rc = ngx_token_json_check(&t, max_depth);

    release(&t);

    return rc;
}


static void
assert_checked(const ngx_token_str_t *s, size_t n, ngx_token_rc_t rc)
{
    for ( /* void */ ; n; n--, s++) {

        if (check(s, DEPTH) != rc) {
            print_error("%s: \"%.*s\"\n", rc ? "accepted" : "refused",
                        (int) s->len, (const char *) s->data);
            fail();
        }
    }
}


static void
every_form_of_value_is_accepted(void **state)
{
    static const ngx_token_str_t  texts[] = {
        text("null"), text("true"), text("false"),
        text("0"), text("-0"), text("1"), text("-1"), text("10"),
        text("0.5"), text("-0.50"), text("0e0"), text("1E5"), text("1e+5"),
        text("1e-05"), text("0.0E-00"), text("1.5e300"),
        text("1e999999999999"), text("-1e-999999999999"),
        text("123456789012345678901234567890"),
        text("\"\""), text("\"a\""), text("\"\x7f\""),
        text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), text("\"\\u0000\""),
        text("\"\\uABCD\\uabcd\""), text("\"\\ud83d\\ude00\""),
        text("\"\\ud800\""), text("\"\\udc00\\ud800\""),
        text("\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""),
        text("\"\xef\xbb\xbf\""), text("\"\xf4\x8f\xbf\xbf\""),
        text("[]"), text("{}"), text("[[],{}]"), text("{\"\":\"\"}"),
        text("{\"a\":1,\"a\":2}"), text("[1,[2,{\"a\":[3]}],4]"),
        text(" [ 1 , 2 ] "), text("\t\r\n {\t\"a\"\r:\n1 }\n"),
        text(" 1 "), text("\n\"\"\t")
    };

    (void) state;

    assert_checked(texts, count(texts), NGX_TOKEN_OK);
}


static void
what_rfc_8259_does_not_allow_is_refused(void **state)
{
    static const ngx_token_str_t  texts[] = {
        /* nothing, and more than one */
        text(""), text(" "), text("\n\t \r"), text("1 2"), text("{}{}"),
        text("[] []"), text("1,"), text("[1],"), text("{}\"\""),
        text("null null"), text("1 x"), text("{} \0"),
        /* numbers */
        text("01"), text("-01"), text("00"), text("+1"), text("1."),
        text("-1."), text("1.e5"), text(".5"), text("-.5"), text("1e"),
        text("1e+"), text("1e-"), text("1E"), text("-"), text("--1"),
        text("1e5.5"), text("1.5.5"), text("0x1"), text("1_0"), text("1a"),
        text("1e1e1"), text("NaN"), text("nan"), text("Infinity"),
        text("-Infinity"), text("inf"), text("1 000"), text("1,5"),
        text("[01]"), text("[1.]"), text("[-]"), text("[1e]"), text("[+1]"),
        text("[.5]"), text("{\"a\":01}"),
        /* words */
        text("nul"), text("nulll"), text("tru"), text("truee"), text("fals"),
        text("falsee"), text("True"), text("NULL"), text("undefined"),
        text("a"), text("nulltrue"), text("null1"), text("1null"),
        text("[nul]"), text("[tru"), text("[truefalse]"), text("[1true]"),
        text("truetrue"), text("n"), text("t"), text("f"),
        /* strings */
        text("\""), text("\"a"), text("a\""), text("'a'"), text("\"\\\""),
        text("\"\\"), text("\"\\x\""), text("\"\\'\""), text("\"\\0\""),
        text("\"\\a\""), text("\"\\U0041\""), text("\"\\u\""),
        text("\"\\u1\""), text("\"\\u12\""), text("\"\\u123\""),
        text("\"\\u12g4\""), text("\"\\u 123\""), text("\"\\u12"),
        text("\"\\uD83D\\u12\""), text("\"a\tb\""), text("\"a\nb\""),
        text("\"\r\""), text("\"\0\""), text("\"\x1f\""), text("\"\v\""),
        text("\"a\"\"b\""), text("[\"a\n\"]"), text("{\"a\n\":1}"),
        /* brackets and commas */
        text("["), text("]"), text("{"), text("}"), text(","), text(":"),
        text("[1"), text("[1,"), text("[1,]"), text("[,1]"), text("[,]"),
        text("[1,,2]"), text("[1 2]"), text("[\"a\" \"b\"]"), text("[]]"),
        text("[[]"), text("[}"), text("{]"), text("[1}"), text("1]"),
        text("{\"a\":1]"), text("[1:2]"), text("[\"a\":1]"), text("{,}"),
        text("{\"a\"}"), text("{\"a\":}"), text("{\"a\" 1}"),
        text("{\"a\":1,}"), text("{,\"a\":1}"), text("{\"a\":1 \"b\":2}"),
        text("{\"a\":1,,\"b\":2}"), text("{\"a\"::1}"), text("{1:2}"),
        text("{a:1}"), text("{'a':1}"), text("{null:1}"), text("{\"a\":1"),
        text("{\"a\":"), text("{\"a\""), text("{\"a\",\"b\"}"),
        text("{[]:1}"), text("{\"a\":1}}"),
        /* comments, white space of others, a byte order mark */
        text("/**/1"), text("1/**/"), text("//\n1"), text("1//"),
        text("[1/**/]"), text("#\n1"), text("\v1"), text("1\v"), text("\f1"),
        text("1\f"), text("[\f]"), text("[1,\v2]"), text("{\f\"a\":1}"),
        text("\0"), text("\0" "1"), text("1\0"), text("[1\0]"),
        text("1\x1c"), text("1\x85"), text("\xc2\xa0" "1"),
        text("\xe2\x80\xa8" "1"), text("\xef\xbb\xbf" "1"),
        text("\xef\xbb\xbf[]"), text("\xff\xfe" "1\0"),
        /* not UTF-8 */
        text("\"\xff\""), text("\"\x80\""), text("\"\xc3\""),
        text("\"\xc3\x28\""), text("\"\xc0\x80\""), text("\"\xc1\xbf\""),
        text("\"\xe0\x80\x80\""), text("\"\xe0\x9f\xbf\""),
        text("\"\xed\xa0\x80\""), text("\"\xed\xbf\xbf\""),
        text("\"\xf0\x80\x80\x80\""), text("\"\xf0\x8f\xbf\xbf\""),
        text("\"\xf4\x90\x80\x80\""), text("\"\xf5\x80\x80\x80\""),
        text("\"\xe2\x82\""), text("\"\xf0\x9f\x98\""), text("\"\xe2"),
        text("{\"\xff\":1}")
    };

    (void) state;

    assert_checked(texts, count(texts), NGX_TOKEN_INVALID);
}


/* each byte alone between what is good: white space, and nothing else */

static void
only_four_bytes_are_white_space(void **state)
{
    unsigned         ch;
    unsigned char    s[] = "[1?]";
    ngx_token_str_t  t;

    (void) state;

    t.data = s;
    t.len = 4;

    for (ch = 0; ch < 256; ch++) {

        if (ch >= '0' && ch <= '9') {
            continue;
        }

        s[2] = (unsigned char) ch;

        assert_int_equal(check(&t, DEPTH),
                         ch && strchr(" \t\r\n", (int) ch) != NULL
                         ? NGX_TOKEN_OK : NGX_TOKEN_INVALID);
    }
}


static void
depth_is_limited_exactly(void **state)
{
    size_t           i;
    ngx_token_str_t  s;

    static const ngx_token_str_t  three[] = {
        text("[[[]]]"), text("{\"a\":{\"b\":{}}}"), text("[1,{\"a\":[2]},[]]"),
        text("[[],[[],[]],[]]")
    };

    (void) state;

    for (i = 0; i < count(three); i++) {
        assert_int_equal(check(&three[i], 2), NGX_TOKEN_INVALID);
        assert_int_equal(check(&three[i], 3), NGX_TOKEN_OK);
    }

    s = str("1");
    assert_int_equal(check(&s, 0), NGX_TOKEN_OK);

    s = str("[]");
    assert_int_equal(check(&s, 0), NGX_TOKEN_INVALID);
}


/* n brackets open, n close */

static ngx_token_str_t
nested(size_t n)
{
    unsigned char    *p;
    ngx_token_str_t   s;

    p = malloc(2 * n);
    assert_non_null(p);

    memset(p, '[', n);
    memset(p + n, ']', n);

    s.data = p;
    s.len = 2 * n;

    return s;
}


static void
depth_is_never_beyond_the_largest(void **state)
{
    ngx_token_str_t  s;

    (void) state;

    s = nested(NGX_TOKEN_JSON_MAX_DEPTH);
    assert_int_equal(ngx_token_json_check(&s, UINT32_MAX), NGX_TOKEN_OK);
    release(&s);

    s = nested(NGX_TOKEN_JSON_MAX_DEPTH + 1);
    assert_int_equal(ngx_token_json_check(&s, UINT32_MAX), NGX_TOKEN_INVALID);
    release(&s);

    s = nested(1000000);
    assert_int_equal(ngx_token_json_check(&s, UINT32_MAX), NGX_TOKEN_INVALID);
    release(&s);
}


static void
a_number_has_a_largest_length(void **state)
{
    unsigned char    s[NGX_TOKEN_JSON_MAX_NUMBER + 1];
    ngx_token_str_t  t;

    (void) state;

    memset(s, '1', sizeof(s));

    t.data = s;
    t.len = NGX_TOKEN_JSON_MAX_NUMBER;
    assert_int_equal(check(&t, DEPTH), NGX_TOKEN_OK);

    t.len++;
    assert_int_equal(check(&t, DEPTH), NGX_TOKEN_INVALID);
}


static void
a_long_string_is_accepted_and_one_without_end_refused(void **state)
{
    size_t           n;
    unsigned char   *p;
    ngx_token_str_t  s;

    (void) state;

    n = (size_t) 1024 * 1024;
    p = malloc(n);
    assert_non_null(p);

    memset(p, 'x', n);
    p[0] = '"';
    p[n - 1] = '"';

    s.data = p;
    s.len = n;
    assert_int_equal(ngx_token_json_check(&s, 0), NGX_TOKEN_OK);

    p[n - 1] = 'x';
    assert_int_equal(ngx_token_json_check(&s, 0), NGX_TOKEN_INVALID);

    free(p);
}


static void
the_type_is_seen_behind_white_space(void **state)
{
    size_t  i;

    static const struct {
        ngx_token_str_t   value;
        ngx_token_json_e  type;
    } v[] = {
        { text("null"), NGX_TOKEN_JSON_NULL },
        { text("false"), NGX_TOKEN_JSON_FALSE },
        { text("true"), NGX_TOKEN_JSON_TRUE },
        { text("0"), NGX_TOKEN_JSON_NUMBER },
        { text("-1"), NGX_TOKEN_JSON_NUMBER },
        { text("\"1\""), NGX_TOKEN_JSON_STRING },
        { text("[1]"), NGX_TOKEN_JSON_ARRAY },
        { text("{}"), NGX_TOKEN_JSON_OBJECT },
        { text(" \n\t\r{}"), NGX_TOKEN_JSON_OBJECT }
    };

    (void) state;

    for (i = 0; i < count(v); i++) {
        assert_int_equal(ngx_token_json_type(&v[i].value), v[i].type);
    }
}


static void
only_white_space_between_tokens_is_removed(void **state)
{
    size_t           i;
    ngx_token_str_t  s, t;

    static const char  *const v[][2] = {
        { "1", "1" },
        { " 1.50e+0 ", "1.50e+0" },
        { "\n{ \"a b\" : [ 1 , 2\t] ,\r\n\"c\":{ } }",
          "{\"a b\":[1,2],\"c\":{}}" },
        { "\" \\\" \\\\\"", "\" \\\" \\\\\"" },
        { "[ \"\\\\\" , \" \" ]", "[\"\\\\\",\" \"]" },
        { "[1,2]", "[1,2]" },
        { "true ", "true" }
    };

    (void) state;

    for (i = 0; i < count(v); i++) {
        s = str(v[i][0]);
        t = tight(&s);

        ngx_token_buf_reset(&out);
        ngx_token_json_minify(&out, &t);
        assert_string_equal(contents(&out), v[i][1]);

        release(&t);
    }
}


/* "name=value;" of each member, as the iterator gives them */

static const char *
members(const char *s)
{
    ngx_token_str_t        in, t, name, value;
    ngx_token_json_iter_t  it;

    in = str(s);
    t = tight(&in);
    name.len = 0;
    name.data = NULL;

    ngx_token_buf_reset(&out);
    ngx_token_json_iter(&it, &t);

    while (ngx_token_json_next(&it, &name, &value) == NGX_TOKEN_OK) {
        ngx_token_buf_append(&out, name.data, name.len);
        ngx_token_buf_str(&out, "=");
        ngx_token_buf_append(&out, value.data, value.len);
        ngx_token_buf_str(&out, ";");
    }

    assert_int_equal(ngx_token_json_next(&it, NULL, &value), NGX_TOKEN_DONE);

    release(&t);

    return contents(&out);
}


static void
members_are_iterated_as_they_stand(void **state)
{
    (void) state;

    assert_string_equal(members("{\"a\":1,\"b\\n\":[1,{\"c\":2}],\"a\":null}"),
                        "\"a\"=1;\"b\\n\"=[1,{\"c\":2}];\"a\"=null;");
    assert_string_equal(members(" { \"a\" : { } , \"]\" : \"},\" } "),
                        "\"a\"={ };\"]\"=\"},\";");
    assert_string_equal(members("[1,\"a,\\\"]\",[[]],{\"b\":[]}]"),
                        "=1;=\"a,\\\"]\";=[[]];={\"b\":[]};");
    assert_string_equal(members("[ -1.5e3\t,true\n]"), "=-1.5e3;=true;");
}


static void
nothing_is_iterated_where_there_are_no_members(void **state)
{
    size_t  i;

    static const char  *const texts[] = {
        "{}", "[]", " { } ", "[ \n]", "1", "\"[1]\"", "null", ""
    };

    (void) state;

    for (i = 0; i < count(texts); i++) {
        assert_string_equal(members(texts[i]), "");
    }
}


static void
the_last_member_of_a_name_is_found(void **state)
{
    size_t           i;
    ngx_token_rc_t   rc;
    ngx_token_str_t  object, name, value;

    static const struct {
        const char  *object;
        const char  *name;
        const char  *value;               /* NULL: there is none */
    } v[] = {
        { "{\"a\":1}", "a", "1" },
        { "{\"a\":1,\"b\":2,\"a\":[3]}", "a", "[3]" },
        { "{\"a\":1,\"\\u0061\":2}", "a", "2" },
        { "{\"\\u00e9\":1}", "\xc3\xa9", "1" },
        { "{\"\xc3\xa9\":1}", "\xc3\xa9", "1" },
        { "{\"\\ud83d\\ude00\":1}", "\xf0\x9f\x98\x80", "1" },
        { "{\"a\\/b\":1}", "a/b", "1" },
        { "{\"\":1}", "", "1" },
        { "{\"a\":{\"b\":1}}", "b", NULL },
        { "{\"ab\":1}", "a", NULL },
        { "{\"a\":1}", "ab", NULL },
        { "{\"a\":1}", "A", NULL },
        { "{\"a\":1}", "", NULL },
        { "{\"a\\u0000\":1}", "a", NULL },
        { "{\"b\":\"a\"}", "a", NULL },
        { "{}", "a", NULL },
        { "[\"a\"]", "a", NULL },
        { "\"a\"", "a", NULL }
    };

    (void) state;

    for (i = 0; i < count(v); i++) {
        object = str(v[i].object);
        name = str(v[i].name);

        rc = ngx_token_json_member(&object, &name, &value);

        if (v[i].value == NULL) {
            assert_int_equal(rc, NGX_TOKEN_DECLINED);
            continue;
        }

        assert_int_equal(rc, NGX_TOKEN_OK);
        assert_int_equal(value.len, strlen(v[i].value));
        assert_memory_equal(value.data, v[i].value, value.len);
    }
}


static void
strings_are_decoded(void **state)
{
    size_t           i;
    ngx_token_str_t  s, t;

    static const struct {
        const char       *value;
        ngx_token_str_t   decoded;
    } v[] = {
        { "\"\"", text("") },
        { "\"abc\"", text("abc") },
        { " \"abc\"\n", text("abc") },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", text("\"\\/\b\f\n\r\t") },
        { "\"\\u0041\\u00e9\\u20AC\"", text("A\xc3\xa9\xe2\x82\xac") },
        { "\"\\ud83d\\uDE00!\"", text("\xf0\x9f\x98\x80!") },
        { "\"a\\u0000b\"", text("a\0b") },
        { "\"\\ud800\"", text("\xef\xbf\xbd") },
        { "\"\\ud800x\"", text("\xef\xbf\xbdx") },
        { "\"\\ud800\\n\"", text("\xef\xbf\xbd\n") },
        { "\"\\udc00\\ud800\"", text("\xef\xbf\xbd\xef\xbf\xbd") },
        { "\"\\ud800\\ud83d\\ude00\"",
          text("\xef\xbf\xbd\xf0\x9f\x98\x80") },
        { "\"\\ud800\\u0041\"", text("\xef\xbf\xbd" "A") },
        { "\"\\\\u0041\"", text("\\u0041") },
        { "\"\xc3\xa9\"", text("\xc3\xa9") }
    };

    (void) state;

    for (i = 0; i < count(v); i++) {
        s = str(v[i].value);
        t = tight(&s);

        ngx_token_buf_reset(&out);
        ngx_token_json_decode(&out, &t);

        assert_int_equal(out.len, v[i].decoded.len);
        assert_string_equal(contents(&out),
                            (const char *) v[i].decoded.data);

        release(&t);
    }
}


static void
strings_are_encoded_without_control_characters(void **state)
{
    size_t  i;

    static const struct {
        ngx_token_str_t   value;
        const char       *encoded;
    } v[] = {
        { { 0, NULL }, "\"\"" },
        { text("abc"), "\"abc\"" },
        { text("\"\\/\b\f\n\r\t"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
        { text("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\"" },
        { text("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
        /* what is not UTF-8 */
        { text("a\xff" "b"), "\"a\xef\xbf\xbd" "b\"" },
        { text("\xe9t\xe9"), "\"\xef\xbf\xbdt\xef\xbf\xbd\"" },
        { text("\xc3"), "\"\xef\xbf\xbd\"" },
        { text("\xed\xa0\x80"),
          "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }
    };

    (void) state;

    for (i = 0; i < count(v); i++) {
        ngx_token_buf_reset(&out);
        ngx_token_buf_json_string(&out, &v[i].value);
        assert_string_equal(contents(&out), v[i].encoded);
    }
}


/* eight bytes are looked at at a time: any byte may stand anywhere */

static void
every_byte_is_encoded_alike_wherever_it_stands(void **state)
{
    char             want[64], byte[8];
    size_t           len, at, n;
    unsigned         ch;
    unsigned char    bytes[20];
    ngx_token_str_t  s;

    (void) state;

    for (len = 1; len <= sizeof(bytes); len++) {
        for (at = 0; at < len; at++) {
            for (ch = 0; ch < 256; ch++) {

                memset(bytes, 'z', len);
                bytes[at] = (unsigned char) ch;

                s.data = bytes + at;
                s.len = 1;

                ngx_token_buf_reset(&out);
                ngx_token_buf_json_string(&out, &s);

                n = out.len - 2;
                assert_true(n < sizeof(byte));
                memcpy(byte, out.data + 1, n);
                byte[n] = '\0';

                assert_int_equal(snprintf(want, sizeof(want),
                                          "\"%.*s%s%.*s\"",
                                          (int) at, "zzzzzzzzzzzzzzzzzzzz",
                                          byte, (int) (len - at - 1),
                                          "zzzzzzzzzzzzzzzzzzzz"),
                                 len + n + 1);

                s.data = bytes;
                s.len = len;

                ngx_token_buf_reset(&out);
                ngx_token_buf_json_string(&out, &s);
                assert_string_equal(contents(&out), want);
            }
        }
    }
}


static void
whole_numbers_below_2_to_53_are_read_and_others_refused(void **state)
{
    size_t           i;
    uint64_t         n;
    ngx_token_str_t  s;

    static const struct {
        const char  *value;
        uint64_t     n;
    } good[] = {
        { "0", 0 },
        { "7", 7 },
        { " 4711 ", 4711 },
        { "9007199254740991", 9007199254740991 }
    };

    static const char  *const bad[] = {
        "9007199254740992", "18446744073709551616", "99999999999999999999999",
        "-1", "-0", "1.0", "1e3", "0.5", "\"1\"", "true", "null", "[1]", "{}",
        "", "-"
    };

    (void) state;

    for (i = 0; i < count(good); i++) {
        s = str(good[i].value);
        assert_int_equal(ngx_token_json_uint(&s, &n), NGX_TOKEN_OK);
        assert_true(n == good[i].n);
    }

    for (i = 0; i < count(bad); i++) {
        s = str(bad[i]);
        assert_int_equal(ngx_token_json_uint(&s, &n), NGX_TOKEN_INVALID);
    }
}


typedef struct {
    const char  *a;
    const char  *b;
    const char  *sum;
} add_t;


static const add_t  sums[] = {
    { "1", "2", "3" },
    { "-5", "3", "-2" },
    { "5", "-5", "0" },
    { "-0", "0", "0" },
    { "-0", "-0", "0" },
    { " 1 ", "\n2", "3" },
    { "9007199254740990", "1", "9007199254740991" },
    { "-9007199254740990", "-1", "-9007199254740991" },
    { "9007199254740991", "-9007199254740991", "0" },
    /* one of them is not an integer by its text */
    { "1.0", "1", "2" },
    { "1.5", "1.5", "3" },
    { "1E2", "1", "101" },
    { "1e-2", "0", "0.01" },
    { "0.1", "0.2", "0.30000000000000004" },
    { "0.1", "0.7", "0.7999999999999999" },
    { "-0.5", "0.25", "-0.25" },
    { "-0.0", "-0.0", "0" },
    { "1e20", "1.5", "1e+20" },
    { "1e-7", "0", "1e-07" },
    { "123456789.125", "0.5", "123456789.625" },
    { "1.7976931348623157e308", "0", "1.7976931348623157e+308" },
    { "5e-324", "0", "5e-324" },
    { "2.2250738585072014e-308", "0", "2.2250738585072014e-308" },
    { "1e-999999999", "2", "2" },
    { "100000000000000000000000", "0.5", "1e+23" }
};


static void
assert_sum(const add_t *v)
{
    ngx_token_str_t  a, b, ta, tb;

    a = str(v->a);
    b = str(v->b);
    ta = tight(&a);
    tb = tight(&b);

    ngx_token_buf_reset(&out);
    assert_int_equal(ngx_token_json_add(&out, &ta, &tb), NGX_TOKEN_OK);
    assert_string_equal(contents(&out), v->sum);

    a.data = out.data;
    a.len = out.len;
    assert_int_equal(ngx_token_json_check(&a, 0), NGX_TOKEN_OK);

    release(&ta);
    release(&tb);
}


static void
numbers_are_added(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < count(sums); i++) {
        assert_sum(&sums[i]);
    }
}


/* runs only where the system has a locale with a decimal comma */

static void
numbers_are_added_under_a_locale_with_a_decimal_comma(void **state)
{
    size_t       i;
    const char  *name;

    static const char  *const names[] = {
        "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8", "ru_RU.UTF-8"
    };

    (void) state;

    name = NULL;

    for (i = 0; i < count(names) && name == NULL; i++) {
        name = setlocale(LC_NUMERIC, names[i]);
    }

    if (name == NULL) {
        print_message("no locale with a decimal comma is installed\n");
        return;
    }

    for (i = 0; i < count(sums); i++) {
        assert_sum(&sums[i]);
    }

    (void) setlocale(LC_NUMERIC, "C");
}


static ngx_token_rc_t
add(const char *one, const char *two)
{
    ngx_token_rc_t   rc;
    ngx_token_str_t  a, b;

    a = str(one);
    b = str(two);

    ngx_token_buf_reset(&out);

    rc = ngx_token_json_add(&out, &a, &b);

    /* nothing is appended but a sum */
    assert_int_equal(out.len, 0);

    return rc;
}


static void
sums_that_are_not_exact_or_not_finite_are_declined(void **state)
{
    (void) state;

    assert_int_equal(add("9007199254740991", "1"), NGX_TOKEN_DECLINED);
    assert_int_equal(add("-9007199254740991", "-1"), NGX_TOKEN_DECLINED);
    assert_int_equal(add("9007199254740992", "-1"), NGX_TOKEN_DECLINED);
    assert_int_equal(add("0", "99999999999999999999999"), NGX_TOKEN_DECLINED);
    assert_int_equal(add("1e400", "1"), NGX_TOKEN_DECLINED);
    assert_int_equal(add("1e400", "-1e400"), NGX_TOKEN_DECLINED);
    assert_int_equal(add("1e308", "1e308"), NGX_TOKEN_DECLINED);
}


static void
what_is_not_a_number_is_not_added(void **state)
{
    size_t  i;

    static const char  *const texts[] = {
        "\"1\"", "null", "true", "false", "[1]", "{}", ""
    };

    (void) state;

    for (i = 0; i < count(texts); i++) {
        assert_int_equal(add("1", texts[i]), NGX_TOKEN_INVALID);
        assert_int_equal(add(texts[i], "1"), NGX_TOKEN_INVALID);
    }
}


typedef struct {
    const char  *target;
    const char  *patch;
    const char  *result;
} merge_t;


static void
assert_merged(const merge_t *v, size_t n)
{
    ngx_token_str_t  a, b, target, patch;

    for ( /* void */ ; n; n--, v++) {
        a = str(v->target);
        b = str(v->patch);
        target = tight(&a);
        patch = tight(&b);

        ngx_token_buf_reset(&out);
        assert_int_equal(ngx_token_json_merge(&out, &target, &patch, DEPTH),
                         NGX_TOKEN_OK);
        assert_string_equal(contents(&out), v->result);

        release(&target);
        release(&patch);
    }
}


static void
the_examples_of_rfc_7396_are_merged(void **state)
{
    static const merge_t  v[] = {
        { "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
        { "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
        { "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
        { "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
        { "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
        { "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
        { "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
          "{\"a\":{\"b\":\"d\"}}" },
        { "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
        { "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
        { "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
        { "{\"a\":\"foo\"}", "null", "null" },
        { "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
        { "{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}" },
        { "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
        { "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
        /* 3 */
        { "{\"title\":\"Goodbye!\",\"author\":{\"givenName\":\"John\","
          "\"familyName\":\"Doe\"},\"tags\":[\"example\",\"sample\"],"
          "\"content\":\"This will be unchanged\"}",
          "{\"title\":\"Hello!\",\"phoneNumber\":\"+01-123-456-7890\","
          "\"author\":{\"familyName\":null},\"tags\":[\"example\"]}",
          "{\"title\":\"Hello!\",\"author\":{\"givenName\":\"John\"},"
          "\"tags\":[\"example\"],\"content\":\"This will be unchanged\","
          "\"phoneNumber\":\"+01-123-456-7890\"}" }
    };

    (void) state;

    assert_merged(v, count(v));
}


static void
merging_keeps_numbers_order_and_names_as_they_are(void **state)
{
    static const merge_t  v[] = {
        { "", "{\"a\":1}", "{\"a\":1}" },
        { "", "{ \"a\" : null }", "{}" },
        { "{ \"z\" : 1.50 , \"a\" : 1e2 }", "{ \"b\":[ 2.0 , null ] }",
          "{\"z\":1.50,\"a\":1e2,\"b\":[2.0,null]}" },
        { "{\"c\":1,\"b\":2,\"a\":3}", "{\"a\":4,\"d\":5,\"b\":6,\"0\":7}",
          "{\"c\":1,\"b\":6,\"a\":4,\"d\":5,\"0\":7}" },
        /* names are equal when they decode to the same */
        { "{\"a\":1,\"\\u00e9\":2}", "{\"\\u0061\":3,\"\xc3\xa9\":4}",
          "{\"a\":3,\"\\u00e9\":4}" },
        { "{\"\":1}", "{\"\":null}", "{}" },
        /* of members of one name the last counts */
        { "{\"a\":1}", "{\"a\":2,\"a\":3}", "{\"a\":3}" },
        { "{\"a\":1}", "{\"a\":2,\"\\u0061\":null}", "{}" },
        { "{}", "{\"b\":1,\"a\":2,\"b\":3}", "{\"a\":2,\"b\":3}" },
        { "{\"a\":{\"x\":1},\"b\":0,\"a\":{\"y\":2}}", "{\"a\":{\"z\":3}}",
          "{\"b\":0,\"a\":{\"y\":2,\"z\":3}}" },
        { "{\"a\":1,\"a\":2}", "{\"b\":3}", "{\"a\":1,\"a\":2,\"b\":3}" },
        { "{\"a\":1,\"a\":2}", "{\"a\":null}", "{}" },
        { "{\"a\":1}", "{}", "{\"a\":1}" },
        { "{\"a\":\"{\"}", "{\"b\":\"{\",\"c\":1}",
          "{\"a\":\"{\",\"b\":\"{\",\"c\":1}" }
    };

    (void) state;

    assert_merged(v, count(v));
}


static void
a_patch_may_be_as_deep_as_the_limit_and_no_deeper(void **state)
{
    ngx_token_str_t  target, patch;

    (void) state;

    target = str("{}");
    patch = str("{\"a\":{\"b\":{\"c\":1}}}");

    ngx_token_buf_reset(&out);
    assert_int_equal(ngx_token_json_merge(&out, &target, &patch, 3),
                     NGX_TOKEN_OK);
    assert_int_equal(ngx_token_json_merge(&out, &target, &patch, 2),
                     NGX_TOKEN_INVALID);
}


/* without an index this would take minutes */

static void
large_objects_are_merged_in_no_time(void **state)
{
    char             name[32];
    unsigned         i;
    ngx_token_buf_t  a, b;
    ngx_token_str_t  target, patch;

    (void) state;

    memset(&a, 0, sizeof(ngx_token_buf_t));
    memset(&b, 0, sizeof(ngx_token_buf_t));

    for (i = 0; i < 200000; i++) {
        (void) snprintf(name, sizeof(name), "%c\"m%u\":%u", i ? ',' : '{', i,
                        i);
        ngx_token_buf_str(&a, name);

        if (i % 2) {
            name[0] = i == 1 ? '{' : ',';
            ngx_token_buf_str(&b, name);
        }
    }

    ngx_token_buf_str(&a, "}");
    ngx_token_buf_str(&b, "}");

    target.data = a.data;
    target.len = a.len;
    patch.data = b.data;
    patch.len = b.len;

    ngx_token_buf_reset(&out);
    assert_int_equal(ngx_token_json_merge(&out, &target, &patch, DEPTH),
                     NGX_TOKEN_OK);

    /* nothing of it is new */
    assert_int_equal(out.len, a.len);
    assert_memory_equal(out.data, a.data, a.len);

    ngx_token_buf_free(&a);
    ngx_token_buf_free(&b);
}


/* the scanners on what nobody has checked: only the sanitizers judge */

static void
no_scanner_reads_beyond_bytes_that_are_not_json(void **state)
{
    size_t                 i, len;
    uint64_t               n;
    ngx_token_str_t        s, t, name, value;
    ngx_token_json_iter_t  it;

    static const char  *const texts[] = {
        "{\"a\":[1,\"b\\u00e9\\ud83d\\ude00\\n\"],\"c\":{\"d\":-1.5e+3}}",
        "[[{\"a\" : \"\\\\\" , \"b\" : null} , 12 ] , true ] ",
        "{]}[\"\\\"\\u\\ud8,:}}]]\"\\", "{\"a\"{\"b\":,,:]", "}}}]]]", "[}"
    };

    (void) state;

    for (i = 0; i < count(texts); i++) {

        for (len = 0; len <= strlen(texts[i]); len++) {
            s.data = (const unsigned char *) texts[i] + strlen(texts[i]) - len;
            s.len = len;
            t = tight(&s);

            ngx_token_buf_reset(&out);
            ngx_token_json_minify(&out, &t);
            ngx_token_json_decode(&out, &t);
            (void) ngx_token_json_uint(&t, &n);
            (void) ngx_token_json_add(&out, &t, &t);
            (void) ngx_token_json_member(&t, &s, &value);
            (void) ngx_token_json_merge(&out, &t, &t, 8);

            ngx_token_json_iter(&it, &t);

            while (ngx_token_json_next(&it, &name, &value) == NGX_TOKEN_OK) {
                (void) ngx_token_json_type(&value);
            }

            release(&t);
        }
    }
}


static void
a_buffer_grows_and_counts(void **state)
{
    size_t           i;
    ngx_token_buf_t  b;

    (void) state;

    memset(&b, 0, sizeof(ngx_token_buf_t));

    for (i = 0; i < 10000; i++) {
        ngx_token_buf_append(&b, "abc", 3);
    }

    assert_int_equal(b.len, 30000);
    assert_memory_equal(b.data + 29997, "abc", 3);

    ngx_token_buf_reset(&b);
    ngx_token_buf_uint(&b, 0);
    ngx_token_buf_str(&b, " ");
    ngx_token_buf_uint(&b, UINT64_MAX);
    assert_string_equal(contents(&b), "0 18446744073709551615");

    ngx_token_buf_free(&b);
    assert_null(b.data);
}


static void
a_buffer_that_has_failed_takes_nothing_more_until_reset(void **state)
{
    ngx_token_buf_t  b;

    (void) state;

    memset(&b, 0, sizeof(ngx_token_buf_t));

    ngx_token_buf_str(&b, "abc");
    assert_null(ngx_token_buf_reserve(&b, SIZE_MAX));
    assert_true(b.failed);

    ngx_token_buf_str(&b, "def");
    assert_int_equal(b.len, 3);

    ngx_token_buf_reset(&b);
    ngx_token_buf_str(&b, "def");
    assert_string_equal(contents(&b), "def");

    ngx_token_buf_free(&b);
}


static int
free_out(void **state)
{
    (void) state;

    ngx_token_buf_free(&out);

    return 0;
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(every_form_of_value_is_accepted),
        cmocka_unit_test(what_rfc_8259_does_not_allow_is_refused),
        cmocka_unit_test(only_four_bytes_are_white_space),
        cmocka_unit_test(depth_is_limited_exactly),
        cmocka_unit_test(depth_is_never_beyond_the_largest),
        cmocka_unit_test(a_number_has_a_largest_length),
        cmocka_unit_test(a_long_string_is_accepted_and_one_without_end_refused),
        cmocka_unit_test(the_type_is_seen_behind_white_space),
        cmocka_unit_test(only_white_space_between_tokens_is_removed),
        cmocka_unit_test(members_are_iterated_as_they_stand),
        cmocka_unit_test(nothing_is_iterated_where_there_are_no_members),
        cmocka_unit_test(the_last_member_of_a_name_is_found),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(strings_are_encoded_without_control_characters),
        cmocka_unit_test(every_byte_is_encoded_alike_wherever_it_stands),
        cmocka_unit_test(
            whole_numbers_below_2_to_53_are_read_and_others_refused),
        cmocka_unit_test(numbers_are_added),
        cmocka_unit_test(
            numbers_are_added_under_a_locale_with_a_decimal_comma),
        cmocka_unit_test(sums_that_are_not_exact_or_not_finite_are_declined),
        cmocka_unit_test(what_is_not_a_number_is_not_added),
        cmocka_unit_test(the_examples_of_rfc_7396_are_merged),
        cmocka_unit_test(merging_keeps_numbers_order_and_names_as_they_are),
        cmocka_unit_test(a_patch_may_be_as_deep_as_the_limit_and_no_deeper),
        cmocka_unit_test(large_objects_are_merged_in_no_time),
        cmocka_unit_test(no_scanner_reads_beyond_bytes_that_are_not_json),
        cmocka_unit_test(a_buffer_grows_and_counts),
        cmocka_unit_test(
            a_buffer_that_has_failed_takes_nothing_more_until_reset)
    };

    return cmocka_run_group_tests(tests, NULL, free_out);
}
