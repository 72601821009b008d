
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _TOKEN_TEST_H_INCLUDED_
#define _TOKEN_TEST_H_INCLUDED_


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "token/ngx_token_buf.h"


#define count(a)  (sizeof(a) / sizeof((a)[0]))

/* a literal that may hold null bytes */
#define text(s)  { sizeof(s) - 1, (const unsigned char *) s }


static inline ngx_token_str_t
str(const char *s)
{
    ngx_token_str_t  t;

    t.len = strlen(s);
    t.data = (const unsigned char *) s;

    return t;
}


/*
 * A copy in memory of its own size: the sanitizers see every read beyond it.
 * Nothing is at NULL.  The caller releases it.
 */

static inline ngx_token_str_t
tight(const ngx_token_str_t *s)
{
    void             *p;
    ngx_token_str_t   t;

    if (s->len == 0) {
        t.len = 0;
        t.data = NULL;
        return t;
    }

    p = malloc(s->len);
    assert_non_null(p);

    memcpy(p, s->data, s->len);

    t.len = s->len;
    t.data = p;

    return t;
}


static inline void
release(ngx_token_str_t *t)
{
    free((void *) (uintptr_t) t->data);
}


/* what is in a buffer, as a string; valid until it changes */

static inline const char *
contents(ngx_token_buf_t *b)
{
    unsigned char  *p;

    p = ngx_token_buf_reserve(b, 1);
    assert_non_null(p);

    *p = '\0';

    return (const char *) b->data;
}


#endif /* _TOKEN_TEST_H_INCLUDED_ */
