
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "t/unit/token_test.h"
#include "token/ngx_token.h"


/* RFC 9562, A.6: of 2022-02-22 19:22:22 UTC */
#define RFC_ID    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
#define RFC_TIME  1645557742000u


static const unsigned char  rfc_id[NGX_TOKEN_ID_LEN] = {
    0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0, 0x7c, 0xc3,
    0x98, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f
};


static ngx_token_rc_t
parse(const char *s, unsigned char id[NGX_TOKEN_ID_LEN])
{
    ngx_token_rc_t   rc;
    ngx_token_str_t  in, t;

    in = str(s);
    t = tight(&in);

    rc = ngx_token_id_parse(&t, id);

    release(&t);

    return rc;
}


static void
the_example_of_the_rfc_is_read(void **state)
{
    unsigned char  id[NGX_TOKEN_ID_LEN];

    (void) state;

    assert_int_equal(parse(RFC_ID, id), NGX_TOKEN_OK);
    assert_memory_equal(id, rfc_id, NGX_TOKEN_ID_LEN);
    assert_int_equal(ngx_token_id_time(id), RFC_TIME);
}


static void
large_letters_are_read_and_written_small(void **state)
{
    unsigned char  id[NGX_TOKEN_ID_LEN], out[NGX_TOKEN_ID_TEXT_LEN];

    (void) state;

    assert_int_equal(parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F", id),
                     NGX_TOKEN_OK);

    ngx_token_id_format(id, out);

    assert_memory_equal(out, RFC_ID, NGX_TOKEN_ID_TEXT_LEN);
}


static void
what_is_not_a_uuid_of_version_7_is_refused(void **state)
{
    size_t         i;
    unsigned char  id[NGX_TOKEN_ID_LEN];

    static const char  *const texts[] = {
        "",
        "-",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f ",
        "017f22e279b07cc398c4dc0c0c07398f",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c073980}",
        "017f22e279b0-7cc3-98c4-dc0c-0c07398f",
        /* versions 4, 1, 6, 8, 0 */
        "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-1cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-6cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-8cc3-98c4-dc0c0c07398f",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        /* other variants */
        "017f22e2-79b0-7cc3-08c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-78c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-c8c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-f8c4-dc0c0c07398f"
    };

    (void) state;

    for (i = 0; i < count(texts); i++) {
        assert_int_equal(parse(texts[i], id), NGX_TOKEN_INVALID);
    }
}


static void
each_of_the_four_letters_of_the_variant_is_read(void **state)
{
    char           s[] = RFC_ID;
    unsigned char  id[NGX_TOKEN_ID_LEN];
    const char    *p;

    (void) state;

    for (p = "89abAB"; *p; p++) {
        s[19] = *p;
        assert_int_equal(parse(s, id), NGX_TOKEN_OK);
    }
}


static void
no_other_character_may_stand_anywhere(void **state)
{
    char           s[] = RFC_ID;
    size_t         i;
    unsigned       ch;
    unsigned char  id[NGX_TOKEN_ID_LEN];

    (void) state;

    for (i = 0; i < NGX_TOKEN_ID_TEXT_LEN; i++) {

        for (ch = 1; ch < 256; ch++) {

            if (RFC_ID[i] == '-'
                ? ch == '-'
                : strchr("0123456789abcdefABCDEF", (int) ch) != NULL)
            {
                continue;
            }

            s[i] = (char) ch;
            assert_int_equal(parse(s, id), NGX_TOKEN_INVALID);
        }

        s[i] = RFC_ID[i];
    }
}


static void
the_largest_time_is_read(void **state)
{
    unsigned char  id[NGX_TOKEN_ID_LEN];

    (void) state;

    assert_int_equal(parse("ffffffff-ffff-7000-8000-000000000000", id),
                     NGX_TOKEN_OK);
    assert_true(ngx_token_id_time(id) == UINT64_C(0xffffffffffff));
}


static void
outcomes_have_the_names_of_the_protocol(void **state)
{
    unsigned  i;

    static const char  *const names[] = {
        "ok", "rejected", "failed", "busy", "interrupted", "superseded",
        "running", "unknown"
    };

    (void) state;

    for (i = 0; i < count(names); i++) {
        assert_string_equal(ngx_token_outcome_name((ngx_token_outcome_e) i),
                            names[i]);
    }

    assert_int_equal(count(names), NGX_TOKEN_OUTCOME_UNKNOWN + 1);
    assert_non_null(ngx_token_outcome_name((ngx_token_outcome_e) 99));
}


static void
errors_have_the_names_of_the_protocol(void **state)
{
    unsigned  i;

    static const char  *const names[] = {
        "none", "unknown_service", "user_required", "bad_value", "too_large",
        "version", "not_boolean", "not_number", "number_range",
        "unknown_channel", "id_reused", "id_expired", "id_future",
        "service_failed", "timeout", "store_full", "store_error",
        "service_rejected"
    };

    (void) state;

    assert_int_equal(count(names), NGX_TOKEN_ERR_LAST);

    for (i = 0; i < NGX_TOKEN_ERR_LAST; i++) {
        assert_string_equal(ngx_token_err_name((ngx_token_err_e) i), names[i]);
    }

    assert_non_null(ngx_token_err_name(NGX_TOKEN_ERR_LAST));
}


static void
every_error_has_a_sentence_without_a_full_stop(void **state)
{
    unsigned     i;
    const char  *s;

    (void) state;

    for (i = 0; i <= NGX_TOKEN_ERR_LAST; i++) {
        s = ngx_token_err_text((ngx_token_err_e) i);

        assert_non_null(s);
        assert_true(strlen(s) > 5);
        assert_null(strpbrk(s, ".\n\""));
    }
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_is_read),
        cmocka_unit_test(large_letters_are_read_and_written_small),
        cmocka_unit_test(what_is_not_a_uuid_of_version_7_is_refused),
        cmocka_unit_test(each_of_the_four_letters_of_the_variant_is_read),
        cmocka_unit_test(no_other_character_may_stand_anywhere),
        cmocka_unit_test(the_largest_time_is_read),
        cmocka_unit_test(outcomes_have_the_names_of_the_protocol),
        cmocka_unit_test(errors_have_the_names_of_the_protocol),
        cmocka_unit_test(every_error_has_a_sentence_without_a_full_stop)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
