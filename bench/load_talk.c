
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "load.h"

#include <time.h>


#define VALUE  "\"value\":\""


static unsigned value_at(unsigned char *p, uint64_t *seq);


void
make_id(char id[37], unsigned ordered)
{
    uint64_t         ms, a, b;
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    ms = (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
    a = (uint64_t) ts.tv_nsec % 1000000 / 245;       /* 12 bits of a ms */
    b = random64() & UINT64_C(0x3fffffffffffffff);

    if (!ordered) {
        /* within the ledger's seven days */
        ms -= random64() % UINT64_C(600000000);
        a = random64() & 0xfff;
    }

    (void) snprintf(id, 37, "%08x-%04x-7%03x-%04x-%04x%08x",
                    (unsigned) (ms >> 16), (unsigned) (ms & 0xffff),
                    (unsigned) (a & 0xfff),
                    (unsigned) (0x8000 | (b >> 48)),
                    (unsigned) (b >> 32 & 0xffff),
                    (unsigned) (b & 0xffffffff));
}


unsigned
each_value(conn_t *c, unsigned char *data, size_t len,
    void (*fn)(conn_t *c, uint64_t seq))
{
    uint64_t        seq;
    unsigned        n = 0;
    const size_t    tag = sizeof(VALUE) - 1;
    unsigned char  *p, *last = data + len;

    if (!conf.token) {
        if (len < DIGITS || !value_at(data, &seq)) {
            return 0;
        }

        fn(c, seq);
        return 1;
    }

    /* many messages in one frame; the envelope hardly changes its length */

    while ((size_t) (last - data) > tag + DIGITS) {
        p = data + c->hint;

        if ((size_t) (last - data) < c->hint + tag + DIGITS
            || memcmp(p, VALUE, tag) != 0)
        {
            p = memmem(data, (size_t) (last - data), VALUE, tag);

            if (p == NULL || last - p < (long) (tag + DIGITS)) {
                break;
            }

            c->hint = (uint32_t) (p - data);
        }

        if (value_at(p + tag, &seq)) {
            fn(c, seq);
            n++;
        }

        p = memchr(p, '\n', (size_t) (last - p));
        if (p == NULL) {
            break;
        }

        data = p + 1;
    }

    return n;
}


static unsigned
value_at(unsigned char *p, uint64_t *seq)
{
    unsigned  i;
    uint64_t  v;

    for (v = 0, i = 0; i < DIGITS; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return 0;
        }

        v = v * 10 + (uint64_t) (p[i] - '0');
    }

    *seq = v;
    return 1;
}


void
publish(conn_t *c, uint64_t seq)
{
    int          n;
    char         id[37], buf[16384 + 256];
    static char  pad[16384];

    if (pad[0] == '\0') {
        memset(pad, 'x', sizeof(pad));
    }

    if (conf.size < DIGITS || conf.size > sizeof(pad)) {
        fail("--size is from %d to %zu", DIGITS, sizeof(pad));
    }

    if (conf.token) {
        make_id(id, 1);
        n = snprintf(buf, sizeof(buf),
                     "{\"type\":\"token\",\"id\":\"%s\",\"service\":\"send\","
                     "\"value\":\"%0*llu%.*s\"}",
                     id, DIGITS, (unsigned long long) seq,
                     (int) conf.size - DIGITS, pad);

    } else {
        n = snprintf(buf, sizeof(buf), "%0*llu%.*s", DIGITS,
                     (unsigned long long) seq, (int) conf.size - DIGITS, pad);
    }

    send_text(c, buf, (size_t) n);
}


void
watch(conn_t *c, const char *channel)
{
    int   n;
    char  buf[MAX_NAME + 64];

    if (!conf.token) {
        return;
    }

    n = snprintf(buf, sizeof(buf),
                 "{\"type\":\"watch\",\"channel\":\"%s\",\"last\":%u}",
                 channel, conf.last ? conf.last : 1);
    send_text(c, buf, (size_t) n);
}


const char *
member(const unsigned char *data, size_t len, const char *name)
{
    int          n;
    char         tag[MAX_NAME + 8];
    const char  *p;

    n = snprintf(tag, sizeof(tag), "\"%s\":", name);
    p = memmem(data, len, tag, (size_t) n);

    return p ? p + n : NULL;
}
