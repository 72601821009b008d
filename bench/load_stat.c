
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "load.h"


static int compare(const void *a, const void *b);


void
stat_add(stat_t *s, uint64_t ns)
{
    if (s->n == s->size) {
        s->size = s->size ? s->size * 2 : 65536;
        s->us = realloc(s->us, s->size * sizeof(float));

        if (s->us == NULL) {
            fail("no memory");
        }
    }

    s->us[s->n++] = (float) ((double) ns / 1000);
}


double
stat_at(stat_t *s, double share)
{
    uint32_t  i;

    if (s->n == 0) {
        return 0;
    }

    qsort(s->us, s->n, sizeof(float), compare);

    i = (uint32_t) (share * (double) s->n);

    return (double) s->us[i < s->n ? i : s->n - 1];
}


static int
compare(const void *a, const void *b)
{
    float  x = *(const float *) a, y = *(const float *) b;

    return (x > y) - (x < y);
}
