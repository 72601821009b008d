
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/token_test.h"
#include "token/ngx_token_message.h"


#define ID  "0198a2b4-79b0-7cc3-98c4-dc0c0c07398f"


static const unsigned char  id[NGX_TOKEN_ID_LEN] = {
    0x01, 0x98, 0xa2, 0xb4, 0x79, 0xb0, 0x7c, 0xc3,
    0x98, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f
};

static const ngx_token_str_t  chat = text("chat");
static const ngx_token_str_t  epoch = text("9f3c");

/* what no name should be, and any may be */
static const ngx_token_str_t  hostile = text("\"}\n{\\\0\x1f\xff\r");

#define HOSTILE  "\"\\\"}\\n{\\\\\\u0000\\u001f\xef\xbf\xbd\\r\""


static ngx_token_buf_t  out;


/* compares, looks for what no message may have, and empties the buffer */

static void
assert_encoded(const char *expected)
{
    ngx_token_str_t  s;

    assert_string_equal(contents(&out), expected);

    s.data = out.data;
    s.len = out.len;

    assert_int_equal(strlen(expected), out.len);
    assert_int_equal(ngx_token_json_check(&s, 8), NGX_TOKEN_OK);
    assert_int_equal(ngx_token_json_type(&s), NGX_TOKEN_JSON_OBJECT);
    assert_null(strpbrk(expected, "\n\r\t"));

    ngx_token_buf_reset(&out);
}


static ngx_token_hello_t
hello(void)
{
    ngx_token_hello_t  h;

    memset(&h, 0, sizeof(ngx_token_hello_t));

    h.session = str("0b7e");
    h.epoch = epoch;
    h.seq = 4711;
    h.user = str("alice");
    h.time = 1763683200000;
    h.heartbeat = 25000;
    h.ledger = 604800000;
    h.max_message = 65536;
    h.max_depth = 32;
    h.max_inflight = 64;
    h.max_watches = 63;

    return h;
}


static void
a_hello_is_as_in_the_protocol(void **state)
{
    ngx_token_hello_t  h;

    (void) state;

    h = hello();
    ngx_token_encode_hello(&out, &h);

    assert_encoded("{\"type\":\"hello\",\"protocol\":\"token.v1\","
                   "\"session\":\"0b7e\",\"epoch\":\"9f3c\",\"seq\":4711,"
                   "\"user\":\"alice\",\"time\":1763683200000,"
                   "\"heartbeat\":25000,\"limits\":{\"message\":65536,"
                   "\"depth\":32,\"inflight\":64,\"watches\":63},"
                   "\"ledger\":604800000}");
}


static void
an_anonymous_user_is_null(void **state)
{
    ngx_token_hello_t  h;

    (void) state;

    h = hello();
    h.user.len = 0;
    ngx_token_encode_hello(&out, &h);

    assert_non_null(strstr(contents(&out), ",\"user\":null,"));
    ngx_token_buf_reset(&out);
}


static void
watching_tells_the_kind_and_whether_it_recovered(void **state)
{
    (void) state;

    ngx_token_encode_watching(&out, &chat, NGX_TOKEN_KIND_LOG, &epoch, 4711,
                              1, NULL);
    assert_encoded("{\"type\":\"watching\",\"channel\":\"chat\","
                   "\"kind\":\"log\",\"epoch\":\"9f3c\",\"recovered\":true,"
                   "\"seq\":4711}");

    ngx_token_encode_watching(&out, &chat, NGX_TOKEN_KIND_ATOM, &epoch, 0,
                              0, "retention");
    assert_encoded("{\"type\":\"watching\",\"channel\":\"chat\","
                   "\"kind\":\"atom\",\"epoch\":\"9f3c\",\"recovered\":false,"
                   "\"reset\":\"retention\",\"seq\":0}");
}


static void
each_kind_has_its_name(void **state)
{
    unsigned  i;
    char      member[32];

    static const char  *const names[] = {
        "atom", "family", "log", "presence"
    };

    (void) state;

    for (i = 0; i < count(names); i++) {
        ngx_token_encode_watching(&out, &chat,
                                  (ngx_token_kind_e) (NGX_TOKEN_KIND_ATOM + i),
                                  &epoch, 1, 0, NULL);

        (void) snprintf(member, sizeof(member), "\"kind\":\"%s\",", names[i]);
        assert_non_null(strstr(contents(&out), member));

        ngx_token_buf_reset(&out);
    }
}


static void
unwatched_and_synced_name_their_channel(void **state)
{
    (void) state;

    ngx_token_encode_unwatched(&out, &chat);
    assert_encoded("{\"type\":\"unwatched\",\"channel\":\"chat\"}");

    ngx_token_encode_synced(&out, &chat, 4711);
    assert_encoded("{\"type\":\"synced\",\"channel\":\"chat\",\"seq\":4711}");
}


static void
an_atom_has_a_value_or_is_deleted(void **state)
{
    ngx_token_str_t  channel, watch, value;

    (void) state;

    channel = str("votes/7");
    watch = str("votes/*");
    value = str("{\"n\":1.50}");

    ngx_token_encode_atom(&out, &channel, NULL, 4711, &value);
    assert_encoded("{\"type\":\"atom\",\"channel\":\"votes/7\",\"seq\":4711,"
                   "\"value\":{\"n\":1.50}}");

    ngx_token_encode_atom(&out, &channel, &watch, 4712, &value);
    assert_encoded("{\"type\":\"atom\",\"channel\":\"votes/7\","
                   "\"watch\":\"votes/*\",\"seq\":4712,"
                   "\"value\":{\"n\":1.50}}");

    ngx_token_encode_atom(&out, &channel, &watch, UINT64_MAX, NULL);
    assert_encoded("{\"type\":\"atom\",\"channel\":\"votes/7\","
                   "\"watch\":\"votes/*\",\"seq\":18446744073709551615,"
                   "\"deleted\":true}");
}


static void
a_record_has_the_word_of_the_server(void **state)
{
    ngx_token_record_t  r;

    (void) state;

    memset(&r, 0, sizeof(ngx_token_record_t));
    memcpy(r.token, id, NGX_TOKEN_ID_LEN);
    r.seq = 4711;
    r.time = 1763683200000;
    r.user = str("alice");
    r.value = str("{\"text\":\"hello\"}");

    ngx_token_encode_record(&out, &chat, &r);
    assert_encoded("{\"type\":\"record\",\"channel\":\"chat\",\"seq\":4711,"
                   "\"token\":\"" ID "\",\"user\":\"alice\","
                   "\"time\":1763683200000,\"value\":{\"text\":\"hello\"}}");

    r.user.len = 0;
    ngx_token_encode_record(&out, &chat, &r);
    assert_encoded("{\"type\":\"record\",\"channel\":\"chat\",\"seq\":4711,"
                   "\"token\":\"" ID "\",\"user\":null,"
                   "\"time\":1763683200000,\"value\":{\"text\":\"hello\"}}");
}


static void
presence_lists_users_with_their_tabs(void **state)
{
    ngx_token_present_t  users[2];

    (void) state;

    users[0].user = str("alice");
    users[0].tabs = 2;
    users[1].user = hostile;
    users[1].tabs = 1;

    ngx_token_encode_presence(&out, &chat, users, 2, 3);
    assert_encoded("{\"type\":\"presence\",\"channel\":\"chat\",\"users\":["
                   "{\"user\":\"alice\",\"tabs\":2},"
                   "{\"user\":" HOSTILE ",\"tabs\":1}],\"anonymous\":3}");

    ngx_token_encode_presence(&out, &chat, NULL, 0, 0);
    assert_encoded("{\"type\":\"presence\",\"channel\":\"chat\",\"users\":[],"
                   "\"anonymous\":0}");
}


static ngx_token_verdict_t
verdict(ngx_token_outcome_e outcome, ngx_token_err_e error)
{
    ngx_token_verdict_t  v;

    memset(&v, 0, sizeof(ngx_token_verdict_t));

    v.outcome = outcome;
    v.error = error;
    v.seq = 4711;
    v.version = 17;

    return v;
}


#define OUTCOME  "{\"type\":\"outcome\",\"id\":\"" ID "\",\"outcome\":"


static void
ok_has_a_seq_and_may_have_a_result(void **state)
{
    ngx_token_str_t      result;
    ngx_token_verdict_t  v;

    (void) state;

    v = verdict(NGX_TOKEN_OUTCOME_OK, NGX_TOKEN_ERR_NONE);

    ngx_token_encode_outcome(&out, id, &v, NULL, NULL, 500);
    assert_encoded(OUTCOME "\"ok\",\"seq\":4711}");

    result = str("");
    ngx_token_encode_outcome(&out, id, &v, &result, NULL, 500);
    assert_encoded(OUTCOME "\"ok\",\"seq\":4711}");

    /* as a backend may have sent it */
    result = str("{\n\t\"order\": [ 1.0 ]\r\n}\n");
    ngx_token_encode_outcome(&out, id, &v, &result, NULL, 500);
    assert_encoded(OUTCOME "\"ok\",\"seq\":4711,"
                   "\"result\":{\"order\":[1.0]}}");
}


static void
other_outcomes_have_their_error_with_a_sentence(void **state)
{
    char                 expected[256];
    size_t               i;
    const char          *name;
    ngx_token_verdict_t  v;
    ngx_token_str_t      result;

    static const ngx_token_outcome_e  outcomes[] = {
        NGX_TOKEN_OUTCOME_REJECTED, NGX_TOKEN_OUTCOME_FAILED,
        NGX_TOKEN_OUTCOME_INTERRUPTED, NGX_TOKEN_OUTCOME_SUPERSEDED
    };

    (void) state;

    for (i = 0; i < count(outcomes); i++) {
        name = ngx_token_outcome_name(outcomes[i]);

        v = verdict(outcomes[i], NGX_TOKEN_ERR_NONE);
        ngx_token_encode_outcome(&out, id, &v, NULL, NULL, 500);
        (void) snprintf(expected, sizeof(expected), OUTCOME "\"%s\"}", name);
        assert_encoded(expected);

        v = verdict(outcomes[i], NGX_TOKEN_ERR_TIMEOUT);
        result = str("{ \"why\": 1 }");
        ngx_token_encode_outcome(&out, id, &v, &result, NULL, 500);
        (void) snprintf(expected, sizeof(expected), OUTCOME "\"%s\","
                        "\"error\":{\"code\":\"timeout\",\"message\":"
                        "\"the service took too long\"}%s}", name,
                        outcomes[i] == NGX_TOKEN_OUTCOME_REJECTED
                        ? ",\"result\":{\"why\":1}" : "");
        assert_encoded(expected);
    }
}


static void
the_sentence_of_an_error_may_be_given(void **state)
{
    ngx_token_str_t      sentence;
    ngx_token_verdict_t  v;

    (void) state;

    v = verdict(NGX_TOKEN_OUTCOME_REJECTED, NGX_TOKEN_ERR_BAD_VALUE);

    ngx_token_encode_outcome(&out, id, &v, NULL, &hostile, 0);
    assert_encoded(OUTCOME "\"rejected\",\"error\":{\"code\":\"bad_value\","
                   "\"message\":" HOSTILE "}}");

    sentence = str("");
    ngx_token_encode_outcome(&out, id, &v, NULL, &sentence, 0);
    assert_encoded(OUTCOME "\"rejected\",\"error\":{\"code\":\"bad_value\","
                   "\"message\":"
                   "\"the value is not what the service expects\"}}");
}


static void
a_result_that_is_a_string_is_the_sentence_of_an_error(void **state)
{
    ngx_token_str_t      result, sentence;
    ngx_token_verdict_t  v;

    (void) state;

    result = str("\"sold \\u006fut\"");
    sentence = str("x");

    v = verdict(NGX_TOKEN_OUTCOME_REJECTED, NGX_TOKEN_ERR_SERVICE_REJECTED);
    ngx_token_encode_outcome(&out, id, &v, &result, NULL, 0);
    assert_encoded(OUTCOME "\"rejected\",\"error\":{\"code\":"
                   "\"service_rejected\",\"message\":\"sold \\u006fut\"},"
                   "\"result\":\"sold \\u006fut\"}");

    ngx_token_encode_outcome(&out, id, &v, &result, &sentence, 0);
    assert_encoded(OUTCOME "\"rejected\",\"error\":{\"code\":"
                   "\"service_rejected\",\"message\":\"x\"},"
                   "\"result\":\"sold \\u006fut\"}");

    v = verdict(NGX_TOKEN_OUTCOME_FAILED, NGX_TOKEN_ERR_SERVICE_FAILED);
    ngx_token_encode_outcome(&out, id, &v, &result, NULL, 0);
    assert_encoded(OUTCOME "\"failed\",\"error\":{\"code\":"
                   "\"service_failed\",\"message\":\"sold \\u006fut\"}}");
}


static void
only_the_error_version_tells_the_present_one(void **state)
{
    ngx_token_str_t      sentence;
    ngx_token_verdict_t  v;

    (void) state;

    sentence = str("x");

    v = verdict(NGX_TOKEN_OUTCOME_REJECTED, NGX_TOKEN_ERR_VERSION);
    ngx_token_encode_outcome(&out, id, &v, NULL, &sentence, 0);
    assert_encoded(OUTCOME "\"rejected\",\"error\":{\"code\":\"version\","
                   "\"message\":\"x\",\"version\":17}}");

    v = verdict(NGX_TOKEN_OUTCOME_REJECTED, NGX_TOKEN_ERR_ID_REUSED);
    ngx_token_encode_outcome(&out, id, &v, NULL, &sentence, 0);
    assert_encoded(OUTCOME "\"rejected\",\"error\":{\"code\":\"id_reused\","
                   "\"message\":\"x\"}}");
}


static void
busy_tells_when_to_retry(void **state)
{
    ngx_token_verdict_t  v;

    (void) state;

    v = verdict(NGX_TOKEN_OUTCOME_BUSY, NGX_TOKEN_ERR_NONE);
    ngx_token_encode_outcome(&out, id, &v, NULL, NULL, 500);
    assert_encoded(OUTCOME "\"busy\",\"retry\":500}");
}


static void
running_and_unknown_have_nothing_more(void **state)
{
    ngx_token_verdict_t  v;

    (void) state;

    v = verdict(NGX_TOKEN_OUTCOME_RUNNING, NGX_TOKEN_ERR_NONE);
    ngx_token_encode_outcome(&out, id, &v, NULL, NULL, 500);
    assert_encoded(OUTCOME "\"running\"}");

    v = verdict(NGX_TOKEN_OUTCOME_UNKNOWN, NGX_TOKEN_ERR_NONE);
    ngx_token_encode_outcome(&out, id, &v, NULL, NULL, 500);
    assert_encoded(OUTCOME "\"unknown\"}");
}


static void
an_error_carries_what_is_known_of_the_message(void **state)
{
    (void) state;

    ngx_token_encode_error(&out, "bad_message", "\"id\" is not a UUIDv7", NULL,
                           NULL);
    assert_encoded("{\"type\":\"error\",\"code\":\"bad_message\","
                   "\"message\":\"\\\"id\\\" is not a UUIDv7\"}");

    ngx_token_encode_error(&out, "bad_message", "x", id, NULL);
    assert_encoded("{\"type\":\"error\",\"code\":\"bad_message\","
                   "\"message\":\"x\",\"id\":\"" ID "\"}");

    ngx_token_encode_error(&out, "unknown_channel", "x", NULL, &hostile);
    assert_encoded("{\"type\":\"error\",\"code\":\"unknown_channel\","
                   "\"message\":\"x\",\"channel\":" HOSTILE "}");
}


static void
ping_and_pong_are_only_their_type(void **state)
{
    (void) state;

    ngx_token_encode_ping(&out);
    assert_encoded("{\"type\":\"ping\"}");

    ngx_token_encode_pong(&out);
    assert_encoded("{\"type\":\"pong\"}");
}


static void
names_and_values_never_break_out_of_their_message(void **state)
{
    ngx_token_str_t     value;
    ngx_token_hello_t   h;
    ngx_token_record_t  r;

    (void) state;

    memset(&h, 0, sizeof(ngx_token_hello_t));
    h.session = hostile;
    h.epoch = hostile;
    h.user = hostile;
    ngx_token_encode_hello(&out, &h);
    assert_encoded("{\"type\":\"hello\",\"protocol\":\"token.v1\","
                   "\"session\":" HOSTILE ",\"epoch\":" HOSTILE ",\"seq\":0,"
                   "\"user\":" HOSTILE ",\"time\":0,\"heartbeat\":0,"
                   "\"limits\":{\"message\":0,\"depth\":0,\"inflight\":0,"
                   "\"watches\":0},\"ledger\":0}");

    ngx_token_encode_watching(&out, &hostile, NGX_TOKEN_KIND_FAMILY, &hostile,
                              0, 0, NULL);
    assert_encoded("{\"type\":\"watching\",\"channel\":" HOSTILE ","
                   "\"kind\":\"family\",\"epoch\":" HOSTILE ","
                   "\"recovered\":false,\"seq\":0}");

    value = str("[\n1\n]\n");
    ngx_token_encode_atom(&out, &hostile, &hostile, 0, &value);
    assert_encoded("{\"type\":\"atom\",\"channel\":" HOSTILE ","
                   "\"watch\":" HOSTILE ",\"seq\":0,\"value\":[1]}");

    memset(&r, 0, sizeof(ngx_token_record_t));
    r.user = hostile;
    ngx_token_encode_record(&out, &hostile, &r);
    assert_encoded("{\"type\":\"record\",\"channel\":" HOSTILE ",\"seq\":0,"
                   "\"token\":\"00000000-0000-0000-0000-000000000000\","
                   "\"user\":" HOSTILE ",\"time\":0,\"value\":null}");
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
        cmocka_unit_test(a_hello_is_as_in_the_protocol),
        cmocka_unit_test(an_anonymous_user_is_null),
        cmocka_unit_test(watching_tells_the_kind_and_whether_it_recovered),
        cmocka_unit_test(each_kind_has_its_name),
        cmocka_unit_test(unwatched_and_synced_name_their_channel),
        cmocka_unit_test(an_atom_has_a_value_or_is_deleted),
        cmocka_unit_test(a_record_has_the_word_of_the_server),
        cmocka_unit_test(presence_lists_users_with_their_tabs),
        cmocka_unit_test(ok_has_a_seq_and_may_have_a_result),
        cmocka_unit_test(other_outcomes_have_their_error_with_a_sentence),
        cmocka_unit_test(the_sentence_of_an_error_may_be_given),
        cmocka_unit_test(a_result_that_is_a_string_is_the_sentence_of_an_error),
        cmocka_unit_test(only_the_error_version_tells_the_present_one),
        cmocka_unit_test(busy_tells_when_to_retry),
        cmocka_unit_test(running_and_unknown_have_nothing_more),
        cmocka_unit_test(an_error_carries_what_is_known_of_the_message),
        cmocka_unit_test(ping_and_pong_are_only_their_type),
        cmocka_unit_test(names_and_values_never_break_out_of_their_message)
    };

    return cmocka_run_group_tests(tests, NULL, free_out);
}
