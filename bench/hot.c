
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "token/ngx_token_message.h"
#include "ws/ngx_token_ws.h"


/*
 *     hot PATH COUNT
 *
 * Walks a hot path COUNT times.  Run under callgrind with two counts: the
 * difference is what one time costs, in instructions, the same every time.
 */


#define TOKEN  "{\"type\":\"token\","                                         \
               "\"id\":\"0198a2b4-0000-7000-8000-000000000001\","             \
               "\"service\":\"send\","                                        \
               "\"value\":{\"text\":\"hello, this is a line of a chat\"}}"
#define DEPTH  32


static void parse(unsigned long count);
static void header(unsigned long count);
static void decode(unsigned long count);
static void record(unsigned long count);
static void outcome(unsigned long count);
static void require(int condition);


static const struct {
    const char  *name;
    void       (*run)(unsigned long count);
} paths[] = {
    { "parse", parse }, { "header", header }, { "decode", decode },
    { "record", record }, { "outcome", outcome }
};


int
main(int argc, char **argv)
{
    size_t  i;

    for (i = 0; argc == 3 && i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (strcmp(argv[1], paths[i].name) == 0) {
            paths[i].run(strtoul(argv[2], NULL, 10));
            return 0;
        }
    }

    (void) fputs("usage: hot PATH COUNT\n", stderr);
    return 2;
}


/* A masked text frame of 128 bytes. */

static void
parse(unsigned long count)
{
    unsigned char           *pos, frame[2 + 2 + 4 + 128];
    ngx_token_ws_conf_t      conf = { 65536, 16 };
    ngx_token_ws_event_t     ev;
    ngx_token_ws_parser_t    p;

    memset(&p, 0, sizeof(ngx_token_ws_parser_t));

    while (count--) {
        memcpy(frame, "\x81\xfe\0\x80\1\2\3\4", 8);
        memset(frame + 8, 'a', 128);
        pos = frame;

        require(ngx_token_ws_parse(&p, &conf, &pos, frame + sizeof(frame),
                                   &ev) == NGX_TOKEN_WS_DATA);
        require(ev.last && ev.len == 128);
    }
}


/* The header of a frame of 300 bytes. */

static void
header(unsigned long count)
{
    unsigned char  buf[NGX_TOKEN_WS_MAX_HEADER];

    while (count--) {
        require(ngx_token_ws_header(buf, NGX_TOKEN_WS_TEXT, 300, 1) == 4);
    }
}


/* A token of a chat. */

static void
decode(unsigned long count)
{
    ngx_token_buf_t            scratch;
    ngx_token_str_t            text;
    ngx_token_message_t        m;
    ngx_token_message_error_t  err;

    memset(&scratch, 0, sizeof(ngx_token_buf_t));
    text.data = (const unsigned char *) TOKEN;
    text.len = sizeof(TOKEN) - 1;

    while (count--) {
        ngx_token_buf_reset(&scratch);
        require(ngx_token_message_decode(&text, DEPTH, &scratch, &m, &err)
                == NGX_TOKEN_OK);
    }

    ngx_token_buf_free(&scratch);
}


/* A record of a log, as all its watchers get it. */

static void
record(unsigned long count)
{
    ngx_token_buf_t      b;
    ngx_token_str_t      channel;
    ngx_token_record_t   r;

    memset(&b, 0, sizeof(ngx_token_buf_t));
    memset(&r, 0, sizeof(ngx_token_record_t));

    channel.data = (const unsigned char *) "chat";
    channel.len = 4;
    r.seq = 4711;
    r.time = UINT64_C(1763683200000);
    r.user.data = (const unsigned char *) "alice";
    r.user.len = 5;
    r.value.data = (const unsigned char *)
                   "{\"text\":\"hello, this is a line of a chat\"}";
    r.value.len = strlen((const char *) r.value.data);

    while (count--) {
        ngx_token_buf_reset(&b);
        ngx_token_encode_record(&b, &channel, &r);
        require(!b.failed && b.len != 0);
    }

    ngx_token_buf_free(&b);
}


/* The answer to a token. */

static void
outcome(unsigned long count)
{
    unsigned char         id[NGX_TOKEN_ID_LEN];
    ngx_token_buf_t       b;
    ngx_token_verdict_t   v;

    memset(&b, 0, sizeof(ngx_token_buf_t));
    memset(&v, 0, sizeof(ngx_token_verdict_t));
    memset(id, 7, sizeof(id));

    v.outcome = NGX_TOKEN_OUTCOME_OK;
    v.seq = 4711;

    while (count--) {
        ngx_token_buf_reset(&b);
        ngx_token_encode_outcome(&b, id, &v, NULL, NULL, 0);
        require(!b.failed && b.len != 0);
    }

    ngx_token_buf_free(&b);
}


static void
require(int condition)
{
    if (!condition) {
        (void) fputs("hot: a path went wrong\n", stderr);
        exit(1);
    }
}
