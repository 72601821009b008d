
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/ws_trace.h"
#include "ws/ngx_token_ws.h"


/*
 * Whole or split, the same bytes must give the same events.  Input: limits,
 * the number of pieces, their sizes, then what a client sends:
 *
 *     +------------+-------------+--------+-----------+-------- - - -
 *     | max. bytes | max. frames | pieces | sizes ... | frames
 *     |   1 byte   |   1 byte    | 1 byte | 1..4      |
 *     +------------+-------------+--------+-----------+-------- - - -
 */


#define HEAD  3


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                 *whole, *split, *bytewise;
    size_t                i, n;
    unsigned              sum;
    ngx_token_ws_conf_t   conf;

    if (size < HEAD) {
        return 0;
    }

    memset(&conf, 0, sizeof(ngx_token_ws_conf_t));

    conf.max_message = data[0] == 0xff ? UINT64_MAX : (uint64_t) data[0] * 16;
    conf.max_frames = data[1];

    n = 1 + data[2] % 4u;

    if (size < HEAD + n) {
        return 0;
    }

    for (sum = 0, i = 0; i < n; i++) {
        sum += data[HEAD + i];
    }

    if (sum == 0) {
        return 0;
    }

    data += HEAD;
    size -= HEAD + n;

    whole = ws_trace(&conf, data + n, size, NULL, 0);
    split = ws_trace(&conf, data + n, size, data, n);
    bytewise = ws_trace(&conf, data + n, size, (const uint8_t *) "\1", 1);

    if (strcmp(whole, split) != 0 || strcmp(whole, bytewise) != 0) {
        fprintf(stderr, "whole:    %s\nsplit:    %s\nbytewise: %s\n",
                whole, split, bytewise);
        abort();
    }

    free(whole);
    free(split);
    free(bytewise);

    return 0;
}
