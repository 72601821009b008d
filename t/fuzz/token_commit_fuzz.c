
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "token/ngx_token.h"


/*
 * Input: the flat form of a commit record.  There is one form of a record:
 * what is accepted must be encoded to the same bytes.
 */


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
require(int ok)
{
    if (!ok) {
        abort();
    }
}


static void
test_inside(const ngx_token_str_t *s, const uint8_t *data, size_t size)
{
    require(s->data >= data && s->data <= data + size);
    require(s->len <= (size_t) (data + size - s->data));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned             i;
    unsigned char       *again;
    ngx_token_commit_t   c;
    ngx_token_effect_t   effects[NGX_TOKEN_MAX_EFFECTS];

    if (ngx_token_commit_decode(data, size, &c, effects) != NGX_TOKEN_OK) {
        return 0;
    }

    require(c.neffects <= NGX_TOKEN_MAX_EFFECTS);
    require(c.user.len <= NGX_TOKEN_MAX_USER);
    test_inside(&c.user, data, size);
    test_inside(&c.result, data, size);

    for (i = 0; i < c.neffects; i++) {
        require(effects[i].channel.len <= NGX_TOKEN_MAX_CHANNEL);
        test_inside(&effects[i].channel, data, size);
        test_inside(&effects[i].value, data, size);
        test_inside(&effects[i].initial, data, size);
    }

    require(ngx_token_commit_size(&c) == size);

    again = malloc(size);
    require(again != NULL);

    ngx_token_commit_encode(&c, again);
    require(memcmp(data, again, size) == 0);

    free(again);

    return 0;
}
