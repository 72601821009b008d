
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/token_test.h"
#include "token/ngx_token.h"


/* the flat form begins so; see ngx_token_commit.c */

#define AT_VERSION   0
#define AT_OUTCOME   1
#define AT_ERROR     2
#define AT_USER_LEN  52


static ngx_token_effect_t  effects[NGX_TOKEN_MAX_EFFECTS + 1];


/* one effect of each kind, with every member in use */

static ngx_token_commit_t
sample(void)
{
    unsigned            i;
    ngx_token_commit_t  c;

    memset(&c, 0, sizeof(ngx_token_commit_t));
    memset(effects, 0, sizeof(effects));

    for (i = 0; i < NGX_TOKEN_ID_LEN; i++) {
        c.id[i] = (unsigned char) (i + 1);
        c.hash[i] = (unsigned char) (0xf0 + i);
    }

    c.outcome = NGX_TOKEN_OUTCOME_OK;
    c.time = 1763683200000;
    c.horizon = UINT64_MAX - 1;
    c.user = str("alice");
    c.result = str("{\"n\":1}");
    c.effects = effects;
    c.neffects = NGX_TOKEN_EFFECT_APPEND;

    for (i = 0; i < c.neffects; i++) {
        effects[i].type = (ngx_token_effect_e) (NGX_TOKEN_EFFECT_SET + i);
        effects[i].channel = str("votes/7");
        effects[i].value = str("[1,2.50]");
        effects[i].initial = str("0");
        effects[i].version = UINT64_MAX - i;
        effects[i].keep = 100000 + i;
        effects[i].since = 1763683200000 - i;
    }

    return c;
}


static unsigned char *
flat(const ngx_token_commit_t *c, size_t *len)
{
    unsigned char  *buf;

    *len = ngx_token_commit_size(c);
    buf = malloc(*len);
    assert_non_null(buf);

    ngx_token_commit_encode(c, buf);

    return buf;
}


static ngx_token_rc_t
decode(const unsigned char *buf, size_t len)
{
    ngx_token_rc_t      rc;
    ngx_token_str_t     s, t;
    ngx_token_commit_t  c;
    ngx_token_effect_t  out[NGX_TOKEN_MAX_EFFECTS];

    s.data = buf;
    s.len = len;
    t = tight(&s);

    rc = ngx_token_commit_decode(t.data, t.len, &c, out);

    release(&t);

    return rc;
}


/* encodes c with a change made to one byte of its flat form */

static ngx_token_rc_t
decode_with(const ngx_token_commit_t *c, size_t at, unsigned char byte)
{
    size_t           len;
    unsigned char   *buf;
    ngx_token_rc_t   rc;

    buf = flat(c, &len);
    buf[at] = byte;

    rc = decode(buf, len);

    free(buf);

    return rc;
}


static void
assert_str_equal(const ngx_token_str_t *a, const ngx_token_str_t *b)
{
    assert_int_equal(a->len, b->len);

    if (a->len) {
        assert_memory_equal(a->data, b->data, a->len);
    }
}


static void
assert_commit_equal(const ngx_token_commit_t *a, const ngx_token_commit_t *b)
{
    unsigned                   i;
    const ngx_token_effect_t  *x, *y;

    assert_memory_equal(a->id, b->id, NGX_TOKEN_ID_LEN);
    assert_memory_equal(a->hash, b->hash, NGX_TOKEN_HASH_LEN);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->error, b->error);
    assert_true(a->time == b->time);
    assert_true(a->horizon == b->horizon);
    assert_str_equal(&a->user, &b->user);
    assert_str_equal(&a->result, &b->result);
    assert_int_equal(a->neffects, b->neffects);

    for (i = 0; i < a->neffects; i++) {
        x = &a->effects[i];
        y = &b->effects[i];

        assert_int_equal(x->type, y->type);
        assert_str_equal(&x->channel, &y->channel);
        assert_str_equal(&x->value, &y->value);
        assert_str_equal(&x->initial, &y->initial);
        assert_true(x->version == y->version);
        assert_true(x->keep == y->keep);
        assert_true(x->since == y->since);
    }
}


static void
assert_round_trip(const ngx_token_commit_t *c)
{
    size_t               len;
    unsigned char       *buf;
    ngx_token_commit_t   d;
    ngx_token_effect_t   out[NGX_TOKEN_MAX_EFFECTS];

    buf = flat(c, &len);

    assert_int_equal(ngx_token_commit_decode(buf, len, &d, out), NGX_TOKEN_OK);
    assert_ptr_equal(d.effects, out);
    assert_commit_equal(c, &d);

    free(buf);
}


static void
every_member_comes_back(void **state)
{
    ngx_token_commit_t  c;

    (void) state;

    c = sample();
    assert_round_trip(&c);
}


static void
the_flat_form_is_the_same_on_every_machine(void **state)
{
    size_t               len;
    unsigned char       *buf;
    ngx_token_commit_t   c;

    static const unsigned char  expected[] =
        "\x01\x00\x00\x01"
        "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
        "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff"
        "\x00\xec\xb5\xa3\x9a\x01\x00\x00"
        "\xfe\xff\xff\xff\xff\xff\xff\xff"
        "\x05\x00\x00\x00\x00\x00\x00\x00" "alice"
        "\x01\x04\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"
        "\xff\xff\xff\xff\xff\xff\xff\xff"
        "\xa0\x86\x01\x00\x00\x00\x00\x00"
        "\x00\xec\xb5\xa3\x9a\x01\x00\x00" "chat42";

    (void) state;

    c = sample();
    c.result.len = 0;
    c.neffects = 1;
    c.effects[0].channel = str("chat");
    c.effects[0].value = str("42");
    c.effects[0].initial.len = 0;

    buf = flat(&c, &len);

    assert_int_equal(len, sizeof(expected) - 1);
    assert_memory_equal(buf, expected, len);

    free(buf);
}


static void
empty_texts_and_no_effects_come_back(void **state)
{
    ngx_token_commit_t  c;

    (void) state;

    c = sample();
    memset(&c.user, 0, sizeof(ngx_token_str_t));
    memset(&c.result, 0, sizeof(ngx_token_str_t));
    memset(&c.effects[0].value, 0, sizeof(ngx_token_str_t));
    memset(&c.effects[0].initial, 0, sizeof(ngx_token_str_t));
    assert_round_trip(&c);

    c.neffects = 0;
    assert_round_trip(&c);
}


static void
as_many_effects_as_there_may_be_come_back_and_one_more_does_not(void **state)
{
    unsigned             i;
    ngx_token_commit_t   c;

    (void) state;

    c = sample();

    for (i = 0; i < count(effects); i++) {
        effects[i] = effects[0];
    }

    c.neffects = NGX_TOKEN_MAX_EFFECTS;
    assert_round_trip(&c);

    c.neffects = NGX_TOKEN_MAX_EFFECTS + 1;
    assert_int_equal(decode_with(&c, AT_VERSION, 1), NGX_TOKEN_INVALID);
}


static void
outcomes_that_are_kept_are_read_and_others_refused(void **state)
{
    unsigned             i;
    ngx_token_rc_t       rc;
    ngx_token_commit_t   c;

    (void) state;

    c = sample();
    c.neffects = 0;

    for (i = 0; i < 256; i++) {
        rc = decode_with(&c, AT_OUTCOME, (unsigned char) i);

        switch (i) {

        case NGX_TOKEN_OUTCOME_OK:
        case NGX_TOKEN_OUTCOME_REJECTED:
        case NGX_TOKEN_OUTCOME_INTERRUPTED:
        case NGX_TOKEN_OUTCOME_SUPERSEDED:
        case NGX_TOKEN_OUTCOME_RUNNING:
        case NGX_TOKEN_OUTCOME_FAILED:
            assert_int_equal(rc, NGX_TOKEN_OK);
            break;

        default:
            assert_int_equal(rc, NGX_TOKEN_INVALID);
        }
    }
}


static void
effects_come_only_with_the_outcome_ok(void **state)
{
    ngx_token_commit_t  c;

    (void) state;

    c = sample();
    c.outcome = NGX_TOKEN_OUTCOME_REJECTED;
    assert_int_equal(decode_with(&c, AT_VERSION, 1), NGX_TOKEN_INVALID);
}


static void
errors_are_known_and_come_only_with_other_outcomes(void **state)
{
    ngx_token_commit_t  c;

    (void) state;

    c = sample();
    assert_int_equal(decode_with(&c, AT_ERROR, NGX_TOKEN_ERR_VERSION),
                     NGX_TOKEN_INVALID);

    c.outcome = NGX_TOKEN_OUTCOME_REJECTED;
    c.neffects = 0;
    assert_int_equal(decode_with(&c, AT_ERROR, NGX_TOKEN_ERR_VERSION),
                     NGX_TOKEN_OK);
    assert_int_equal(decode_with(&c, AT_ERROR, NGX_TOKEN_ERR_LAST),
                     NGX_TOKEN_INVALID);
}


static void
another_version_is_refused(void **state)
{
    ngx_token_commit_t  c;

    (void) state;

    c = sample();
    assert_int_equal(decode_with(&c, AT_VERSION, 0), NGX_TOKEN_INVALID);
    assert_int_equal(decode_with(&c, AT_VERSION, 1), NGX_TOKEN_OK);
    assert_int_equal(decode_with(&c, AT_VERSION, 2), NGX_TOKEN_INVALID);
}


static void
unknown_effects_are_refused(void **state)
{
    ngx_token_commit_t  c;

    (void) state;

    c = sample();
    effects[3].type = (ngx_token_effect_e) 0;
    assert_int_equal(decode_with(&c, AT_VERSION, 1), NGX_TOKEN_INVALID);

    effects[3].type = (ngx_token_effect_e) (NGX_TOKEN_EFFECT_APPEND + 1);
    assert_int_equal(decode_with(&c, AT_VERSION, 1), NGX_TOKEN_INVALID);
}


static void
names_have_their_limits(void **state)
{
    char                name[NGX_TOKEN_MAX_CHANNEL + 2];
    ngx_token_commit_t  c;

    (void) state;

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';

    c = sample();
    c.user = str(name);
    assert_int_equal(decode_with(&c, AT_VERSION, 1), NGX_TOKEN_INVALID);

    c.user.len = NGX_TOKEN_MAX_USER;
    effects[0].channel = str(name);
    assert_int_equal(decode_with(&c, AT_VERSION, 1), NGX_TOKEN_INVALID);

    effects[0].channel.len = NGX_TOKEN_MAX_CHANNEL;
    assert_int_equal(decode_with(&c, AT_VERSION, 1), NGX_TOKEN_OK);

    effects[0].channel.len = 0;
    assert_int_equal(decode_with(&c, AT_VERSION, 1), NGX_TOKEN_INVALID);
}


static void
every_truncation_is_refused(void **state)
{
    size_t               i, len;
    unsigned char       *buf;
    ngx_token_commit_t   c;

    (void) state;

    c = sample();
    buf = flat(&c, &len);

    for (i = 0; i < len; i++) {
        assert_int_equal(decode(buf, i), NGX_TOKEN_INVALID);
    }

    assert_int_equal(decode(buf, len), NGX_TOKEN_OK);

    free(buf);
}


static void
trailing_bytes_are_refused(void **state)
{
    size_t               len;
    unsigned char       *buf, *more;
    ngx_token_commit_t   c;

    (void) state;

    c = sample();
    buf = flat(&c, &len);
    more = realloc(buf, len + 1);
    assert_non_null(more);

    more[len] = 0;
    assert_int_equal(decode(more, len + 1), NGX_TOKEN_INVALID);

    free(more);
}


/* what is accepted must be encoded to the same bytes */

static void
no_corruption_of_a_byte_is_misread(void **state)
{
    size_t               i, n, len;
    unsigned             byte;
    unsigned char       *buf, *again;
    ngx_token_commit_t   c, d;
    ngx_token_effect_t   out[NGX_TOKEN_MAX_EFFECTS];

    (void) state;

    c = sample();
    buf = flat(&c, &len);

    for (i = 0; i < len * 256; i++) {
        byte = buf[i / 256];
        buf[i / 256] = (unsigned char) (i % 256);

        if (ngx_token_commit_decode(buf, len, &d, out) == NGX_TOKEN_OK) {
            again = flat(&d, &n);

            assert_int_equal(n, len);
            assert_memory_equal(buf, again, len);

            free(again);
        }

        buf[i / 256] = (unsigned char) byte;
    }

    free(buf);
}


static void
a_length_beyond_the_record_is_refused(void **state)
{
    size_t               i, len;
    unsigned char       *buf;
    ngx_token_commit_t   c;

    (void) state;

    c = sample();
    buf = flat(&c, &len);

    for (i = 0; i < 8; i += 4) {
        memset(buf + AT_USER_LEN + i, 0xff, 4);
        assert_int_equal(decode(buf, len), NGX_TOKEN_INVALID);
        ngx_token_commit_encode(&c, buf);
    }

    free(buf);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(every_member_comes_back),
        cmocka_unit_test(the_flat_form_is_the_same_on_every_machine),
        cmocka_unit_test(empty_texts_and_no_effects_come_back),
        cmocka_unit_test(
            as_many_effects_as_there_may_be_come_back_and_one_more_does_not),
        cmocka_unit_test(outcomes_that_are_kept_are_read_and_others_refused),
        cmocka_unit_test(effects_come_only_with_the_outcome_ok),
        cmocka_unit_test(errors_are_known_and_come_only_with_other_outcomes),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(unknown_effects_are_refused),
        cmocka_unit_test(names_have_their_limits),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(trailing_bytes_are_refused),
        cmocka_unit_test(no_corruption_of_a_byte_is_misread),
        cmocka_unit_test(a_length_beyond_the_record_is_refused)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
