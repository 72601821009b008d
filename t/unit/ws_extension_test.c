
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

#include "ws/ngx_token_ws_deflate.h"


/*
 * Headers, and the answer to them; "-": none, "!": the handshake has to fail.
 */

typedef struct {
    const char  *name;
    const char  *headers[3];
    const char  *answer;
} vector_t;


#define D        "permessage-deflate"
#define ANSWER   D "; server_no_context_takeover; client_no_context_takeover"
#define NONE     "-"
#define FAIL     "!"


static const ngx_token_ws_deflate_conf_t  usual = { 6, 12, 15, 6 };
static const ngx_token_ws_deflate_conf_t  widest = { 6, 15, 15, 6 };
static const ngx_token_ws_deflate_conf_t  narrow = { 6, 9, 9, 6 };
static const ngx_token_ws_deflate_conf_t  off = { 0, 12, 15, 6 };


/* RFC 7692, 5 and RFC 6455, 9.1: which offer */

static const vector_t  offers[] = {

    { "no header", { NULL }, NONE },

    { "an empty header", { "" }, NONE },

    { "spaces", { " \t " }, NONE },

    { "5.1, the simplest offer", { D }, ANSWER },

    { "spaces around", { " \t" D "\t " }, ANSWER },

    { "7.1, two offers, the second for clients that cannot do the first",
      { D "; client_max_window_bits; server_max_window_bits=10, "
        D "; client_max_window_bits" }, ANSWER },

    { "two offers without a space", { D ";x=1," D }, ANSWER },

    { "the first of two that can be accepted",
      { D "; server_max_window_bits=14, " D "; server_max_window_bits=15, "
        D }, ANSWER "; server_max_window_bits=12" },

    { "offers in two headers", { D "; x", D }, ANSWER },

    { "the first header first", { D, D "; server_max_window_bits=15" },
      ANSWER },

    { "another extension", { "x-webkit-deflate-frame" }, NONE },

    { "another extension before it", { "bbf-usp-protocol; a=b; c=\"d\", " D },
      ANSWER },

    { "another extension in another header", { "x", D, "y; z" }, ANSWER },

    { "a longer name", { D "2" }, NONE },

    { "a shorter name", { "permessage-deflat" }, NONE },

    { "a name in capitals", { "Permessage-Deflate" }, NONE },

    { "all may be declined", { D "; x, " D "; y" }, NONE },

    { "empty elements", { ", ," D " , ,\t," }, ANSWER },

    { "nothing but empty elements", { ",, ,", "," }, NONE },

    { "spaces wherever they may be",
      { D " ;  client_max_window_bits  =\t12  ,  x ; y = \"z\" " },
      ANSWER "; client_max_window_bits=12" },

    { "no space at all",
      { D ";server_max_window_bits=12;client_max_window_bits=10,x;y=z" },
      ANSWER "; server_max_window_bits=12; client_max_window_bits=10" },

    { NULL, { NULL }, NULL }
};


/* RFC 7692, 7.1: parameters */

static const vector_t  params[] = {

    { "7.1.1.1, server_no_context_takeover",
      { D "; server_no_context_takeover" }, ANSWER },

    { "7.1.1.2, client_no_context_takeover",
      { D "; client_no_context_takeover" }, ANSWER },

    { "7.1.1, both",
      { D "; client_no_context_takeover; server_no_context_takeover" },
      ANSWER },

    { "7.1.1.1, a value", { D "; server_no_context_takeover=1" }, NONE },

    { "7.1.1.2, a value", { D "; client_no_context_takeover=true" }, NONE },

    { "7.1.1.2, a quoted value",
      { D "; client_no_context_takeover=\"10\"" }, NONE },

    { "7.1.2.1, 15", { D "; server_max_window_bits=15" },
      ANSWER "; server_max_window_bits=12" },

    { "7.1.2.1, what we have", { D "; server_max_window_bits=12" },
      ANSWER "; server_max_window_bits=12" },

    { "7.1.2.1, less than we have", { D "; server_max_window_bits=11" },
      NONE },

    { "7.1.2.1, 8", { D "; server_max_window_bits=8" }, NONE },

    { "7.1.2.1, less, or anything", { D "; server_max_window_bits=9, " D },
      ANSWER },

    { "7.1.2.1, no value", { D "; server_max_window_bits" }, NONE },

    { "7.1.2.1, 7", { D "; server_max_window_bits=7" }, NONE },

    { "7.1.2.1, 16", { D "; server_max_window_bits=16" }, NONE },

    { "7.1.2.1, 0", { D "; server_max_window_bits=0" }, NONE },

    { "7.1.2.1, 1", { D "; server_max_window_bits=1" }, NONE },

    { "7.1.2.1, a leading zero", { D "; server_max_window_bits=015" }, NONE },

    { "7.1.2.1, zero and a digit", { D "; server_max_window_bits=09" }, NONE },

    { "7.1.2.1, three digits", { D "; server_max_window_bits=150" }, NONE },

    { "7.1.2.1, 25", { D "; server_max_window_bits=25" }, NONE },

    { "7.1.2.1, letters", { D "; server_max_window_bits=1a" }, NONE },

    { "7.1.2.1, no digits", { D "; server_max_window_bits=1-" }, NONE },

    { "7.1.2.1, a sign", { D "; server_max_window_bits=+9" }, NONE },

    { "7.1.2.1, a letter", { D "; server_max_window_bits=a" }, NONE },

    { "RFC 6455, 9.1, a quoted value",
      { D "; server_max_window_bits=\"13\"" },
      ANSWER "; server_max_window_bits=12" },

    { "RFC 6455, 9.1, a quoted value with escapes",
      { D "; server_max_window_bits=\"\\1\\3\"" },
      ANSWER "; server_max_window_bits=12" },

    { "7.1.2.2, no value", { D "; client_max_window_bits" }, ANSWER },

    { "7.1.2.2, 15", { D "; client_max_window_bits=15" }, ANSWER },

    { "7.1.2.2, 10", { D "; client_max_window_bits=10" },
      ANSWER "; client_max_window_bits=10" },

    { "7.1.2.2, 9", { D "; client_max_window_bits=9" },
      ANSWER "; client_max_window_bits=9" },

    { "7.1.2.2, 8 is taken, and not repeated",
      { D "; client_max_window_bits=8" }, ANSWER },

    { "7.1.2.2, 7", { D "; client_max_window_bits=7" }, NONE },

    { "7.1.2.2, 16", { D "; client_max_window_bits=16" }, NONE },

    { "7.1.2.2, letters", { D "; client_max_window_bits=ten" }, NONE },

    { "7.1, an unknown parameter", { D "; window_bits=10" }, NONE },

    { "7.1, an unknown parameter without a value", { D "; x" }, NONE },

    { "7.1, capitals", { D "; Client_Max_Window_Bits" }, NONE },

    { "7.1, the same parameter twice",
      { D "; client_max_window_bits; client_max_window_bits" }, NONE },

    { "7.1, the same parameter twice, with another value",
      { D "; server_max_window_bits=15; server_max_window_bits=14" }, NONE },

    { "7.1, the same parameter without a value twice",
      { D "; client_no_context_takeover; client_no_context_takeover" },
      NONE },

    { "7.1, a declined offer leaves nothing behind",
      { D "; server_max_window_bits=15; client_max_window_bits=9; x, " D },
      ANSWER },

    { "all four", { D "; server_no_context_takeover; "
      "client_no_context_takeover; server_max_window_bits=12; "
      "client_max_window_bits=11" },
      ANSWER "; server_max_window_bits=12; client_max_window_bits=11" },

    { NULL, { NULL }, NULL }
};


/* RFC 6455, 9.1: what breaks the grammar */

static const vector_t  broken[] = {

    { "a parameter without a name", { D ";" }, FAIL },

    { "a parameter without a name between", { D "; ; x" }, FAIL },

    { "a parameter without a name before a comma", { D ";, " D }, FAIL },

    { "an extension without a name", { "; x" }, FAIL },

    { "a value without a name", { D "; =1" }, FAIL },

    { "no value", { D "; x=" }, FAIL },

    { "no value before a semicolon", { D "; x=; y" }, FAIL },

    { "an empty quoted value", { D "; x=\"\"" }, FAIL },

    { "an open quote", { D "; x=\"1" }, FAIL },

    { "an open empty quote", { D "; x=\"" }, FAIL },

    { "an escape at the end", { D "; x=\"1\\" }, FAIL },

    { "an escaped quote is no token", { D "; x=\"1\\\"\"" }, FAIL },

    { "a quoted space", { D "; x=\"1 2\"" }, FAIL },

    { "a quoted comma", { D "; x=\"1,2\"" }, FAIL },

    { "something behind the quote", { D "; x=\"1\"2" }, FAIL },

    { "two names", { D " " D }, FAIL },

    { "two values", { D "; x=1 2" }, FAIL },

    { "a name with a value", { D "=1" }, FAIL },

    { "a character that is in no token", { D "; x=1@2" }, FAIL },

    { "a control character", { D "; x\001" }, FAIL },

    { "a byte that is not ASCII", { "\xc3\xa9" }, FAIL },

    { "DEL", { "\x7f" }, FAIL },

    { "after an offer that was accepted", { D ", =" }, FAIL },

    { "in a second header", { D, "x;" }, FAIL },

    { "of another extension", { D ", x; y=\"" }, FAIL },

    { NULL, { NULL }, NULL }
};


static void
check(const ngx_token_ws_deflate_conf_t *conf, const vector_t *v)
{
    size_t                     i, len;
    unsigned                   ok;
    unsigned char             *header, answer[NGX_TOKEN_WS_MAX_ANSWER + 1];
    ngx_token_ws_agreement_t   a;

    memset(&a, 0, sizeof(ngx_token_ws_agreement_t));
    ok = 1;

    for (i = 0; i < 3 && v->headers[i]; i++) {

        /* in memory of its size, for the sanitizers */

        len = strlen(v->headers[i]);
        header = malloc(len + !len);
        assert_non_null(header);
        memcpy(header, v->headers[i], len);

        ok &= ngx_token_ws_extensions(conf, header, len, &a);

        free(header);
    }

    strcpy((char *) answer, a.agreed ? "" : NONE);

    if (a.agreed) {
        len = ngx_token_ws_extensions_answer(&a, answer);
        assert_true(len <= NGX_TOKEN_WS_MAX_ANSWER);
        answer[len] = '\0';
    }

    if (!ok) {
        strcpy((char *) answer, FAIL);
    }

    if (strcmp((char *) answer, v->answer) != 0) {
        print_error("%s:\n     got: %s\nexpected: %s\n", v->name, answer,
                    v->answer);
        fail();
    }
}


static void
check_all(const ngx_token_ws_deflate_conf_t *conf, const vector_t *v)
{
    for (/* void */; v->name; v++) {
        check(conf, v);
    }
}


static void
the_first_acceptable_offer_is_accepted(void **state)
{
    (void) state;

    check_all(&usual, offers);
}


static void
parameters_are_as_7692_7_1_has_them(void **state)
{
    (void) state;

    check_all(&usual, params);
}


static void
what_breaks_the_grammar_fails_the_handshake(void **state)
{
    (void) state;

    check_all(&usual, broken);
    check_all(&off, broken);
}


static void
every_window_is_answered_with_one_that_is_not_larger(void **state)
{
    static const vector_t  wide[] = {
        { "15 of 15", { D "; server_max_window_bits=15" },
          ANSWER "; server_max_window_bits=15" },
        { "14 of 15", { D "; server_max_window_bits=14" }, NONE },
        { "a client of 14", { D "; client_max_window_bits=14" },
          ANSWER "; client_max_window_bits=14" },
        { NULL, { NULL }, NULL }
    };

    static const vector_t  small[] = {
        { "8 of 9", { D "; server_max_window_bits=8" }, NONE },
        { "9 of 9", { D "; server_max_window_bits=9" },
          ANSWER "; server_max_window_bits=9" },
        { "10 of 9", { D "; server_max_window_bits=10" },
          ANSWER "; server_max_window_bits=9" },
        { "nothing of 9", { D }, ANSWER },
        { "a client of any", { D "; client_max_window_bits" },
          ANSWER "; client_max_window_bits=9" },
        { "a client of 10", { D "; client_max_window_bits=10" },
          ANSWER "; client_max_window_bits=9" },
        { "a client of 8", { D "; client_max_window_bits=8" }, ANSWER },
        { "a client that does not say", { D }, ANSWER },
        { NULL, { NULL }, NULL }
    };

    (void) state;

    check_all(&widest, wide);
    check_all(&narrow, small);
}


static void
nothing_is_accepted_when_it_is_off(void **state)
{
    static const vector_t  v = {
        "off", { D, D "; client_max_window_bits", "x" }, NONE
    };

    (void) state;

    check(&off, &v);
}


static void
no_value_may_be_null(void **state)
{
    ngx_token_ws_agreement_t  a;

    (void) state;

    memset(&a, 0, sizeof(ngx_token_ws_agreement_t));

    assert_true(ngx_token_ws_extensions(&usual, NULL, 0, &a));
    assert_false(a.agreed);
}


static void
the_longest_answer_fits(void **state)
{
    unsigned char             answer[NGX_TOKEN_WS_MAX_ANSWER];
    ngx_token_ws_agreement_t  a;

    (void) state;

    a.agreed = 1;
    a.server_bits = 15;
    a.client_bits = 14;

    assert_int_equal(ngx_token_ws_extensions_answer(&a, answer),
                     NGX_TOKEN_WS_MAX_ANSWER);
}


/* RFC 9110, 5.6.2 */

static void
every_character_is_in_a_token_or_not(void **state)
{
    unsigned                  c;
    unsigned char             header[5] = { 'x', ';', 'y', 'c', 'z' };
    ngx_token_ws_agreement_t  a;

    static const char         tchar[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    (void) state;

    memset(&a, 0, sizeof(ngx_token_ws_agreement_t));

    for (c = 1; c <= 0xff; c++) {
        header[3] = (unsigned char) c;

        /* those that separate are no error here */

        if (c == ';' || c == '=' || c == ',') {
            continue;
        }

        assert_int_equal(ngx_token_ws_extensions(&usual, header, 5, &a),
                         strchr(tchar, (int) c) != NULL);
    }

    header[3] = 0;
    assert_false(ngx_token_ws_extensions(&usual, header, 5, &a));
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_first_acceptable_offer_is_accepted),
        cmocka_unit_test(parameters_are_as_7692_7_1_has_them),
        cmocka_unit_test(what_breaks_the_grammar_fails_the_handshake),
        cmocka_unit_test(every_window_is_answered_with_one_that_is_not_larger),
        cmocka_unit_test(nothing_is_accepted_when_it_is_off),
        cmocka_unit_test(no_value_may_be_null),
        cmocka_unit_test(the_longest_answer_fits),
        cmocka_unit_test(every_character_is_in_a_token_or_not)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
