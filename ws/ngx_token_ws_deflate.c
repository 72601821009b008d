
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "ws/ngx_token_ws_deflate.h"
#include "ws/ngx_token_ws_utf8.h"


#define NGX_TOKEN_WS_TAIL      4        /* RFC 7692, 7.2.1: what is cut off */
#define NGX_TOKEN_WS_PIECE     16384    /* of output, in one event */
#define NGX_TOKEN_WS_STEP      1024     /* of input, between two looks at the
                                           ratio */
#define NGX_TOKEN_WS_FREE      16384    /* inflated bytes of any ratio */

#define NGX_TOKEN_WS_BOUNDARY  128      /* bits of z_stream.data_type */
#define NGX_TOKEN_WS_UNUSED    63


struct ngx_token_ws_deflater_s {
    z_stream                 z;
    ngx_token_ws_memory_t    memory;
};


struct ngx_token_ws_inflater_s {
    z_stream                 z;
    ngx_token_ws_memory_t    memory;

    uint64_t                 in;          /* of this message, so far */
    uint64_t                 out;
    uint32_t                 utf8;        /* decoder state */
    ngx_token_ws_opcode_e    opcode;
    unsigned                 tail;        /* bytes of it still to be fed */
    unsigned                 open:1;      /* a message is */
    unsigned                 first:1;     /* no event of it yet */
    unsigned                 full:1;      /* zlib may hold more output */
    unsigned                 ending:1;    /* all is fed but the tail */
    unsigned                 boundary:1;  /* it may end here */

    unsigned char            buf[NGX_TOKEN_WS_PIECE];
};


typedef enum {
    ngx_token_ws_inflate_more = 0,
    ngx_token_ws_inflate_again,
    ngx_token_ws_inflate_done,
    ngx_token_ws_inflate_bad,
    ngx_token_ws_inflate_utf8,
    ngx_token_ws_inflate_big,
    ngx_token_ws_inflate_ratio,
    ngx_token_ws_inflate_memory
} ngx_token_ws_inflate_e;


typedef struct {
    uint16_t     code;
    const char  *reason;
} ngx_token_ws_inflate_fault_t;


/* from ngx_token_ws_inflate_bad on */

static const ngx_token_ws_inflate_fault_t  ngx_token_ws_inflate_faults[] = {
    { NGX_TOKEN_WS_BAD_DATA, "compressed data is invalid" },
    { NGX_TOKEN_WS_BAD_DATA, "text is not UTF-8" },
    { NGX_TOKEN_WS_TOO_BIG, "inflated message is too big" },
    { NGX_TOKEN_WS_TOO_BIG, "message is compressed too much" },
    { NGX_TOKEN_WS_INTERNAL, "no memory" }
};


/* RFC 7692, 7.2.2: to be put back before a message is inflated */

static const unsigned char  ngx_token_ws_tail[NGX_TOKEN_WS_TAIL] = {
    0x00, 0x00, 0xff, 0xff
};


static void *ngx_token_ws_alloc(void *ctx, unsigned items, unsigned size);
static void ngx_token_ws_free(void *ctx, void *p);

static void ngx_token_ws_inflate_start(ngx_token_ws_inflater_t *inf,
    const ngx_token_ws_inflate_conf_t *conf, const ngx_token_ws_event_t *in);
static ngx_token_ws_inflate_e ngx_token_ws_inflate_step(
    ngx_token_ws_inflater_t *inf, const ngx_token_ws_inflate_conf_t *conf,
    ngx_token_ws_event_t *in);
static int ngx_token_ws_inflate_run(ngx_token_ws_inflater_t *inf,
    ngx_token_ws_event_t *in);
static ngx_token_ws_inflate_e ngx_token_ws_inflate_output(
    ngx_token_ws_inflater_t *inf, const ngx_token_ws_inflate_conf_t *conf,
    const unsigned char *data, size_t len);
static ngx_token_ws_inflate_e ngx_token_ws_inflate_state(
    ngx_token_ws_inflater_t *inf, int rc, unsigned moved);
static ngx_token_ws_inflate_e ngx_token_ws_inflate_end(
    const ngx_token_ws_inflater_t *inf,
    const ngx_token_ws_inflate_conf_t *conf);
static unsigned ngx_token_ws_inflate_ratio_ok(
    const ngx_token_ws_inflater_t *inf,
    const ngx_token_ws_inflate_conf_t *conf);
static ngx_token_ws_rc_t ngx_token_ws_inflate_event(
    ngx_token_ws_inflater_t *inf, ngx_token_ws_inflate_e what,
    ngx_token_ws_event_t *ev);


static const ngx_token_ws_memory_t  ngx_token_ws_libc = {
    ngx_token_ws_alloc, ngx_token_ws_free, NULL
};


ngx_token_ws_deflater_t *
ngx_token_ws_deflater_create(const ngx_token_ws_deflate_conf_t *conf,
    const ngx_token_ws_memory_t *memory)
{
    ngx_token_ws_deflater_t  *d;

    /* zlib has a level 0, but no use for it here; and would take 8 bits as 9 */

    if (conf->level == 0 || conf->server_bits < NGX_TOKEN_WS_MIN_BITS) {
        return NULL;
    }

    if (memory == NULL) {
        memory = &ngx_token_ws_libc;
    }

    d = memory->alloc(memory->ctx, 1, sizeof(ngx_token_ws_deflater_t));
    if (d == NULL) {
        return NULL;
    }

    memset(d, 0, sizeof(ngx_token_ws_deflater_t));

    d->memory = *memory;
    d->z.zalloc = memory->alloc;
    d->z.zfree = memory->free;
    d->z.opaque = memory->ctx;

    /* less than 0: raw data, RFC 1951, without a header of zlib */

    if (deflateInit2(&d->z, conf->level, Z_DEFLATED, -conf->server_bits,
                     conf->mem_level, Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        d->memory.free(d->memory.ctx, d);
        return NULL;
    }

    return d;
}


void
ngx_token_ws_deflater_destroy(ngx_token_ws_deflater_t *d)
{
    if (d) {
        (void) deflateEnd(&d->z);
        d->memory.free(d->memory.ctx, d);
    }
}


size_t
ngx_token_ws_deflate(ngx_token_ws_deflater_t *d, const unsigned char *data,
    size_t len, unsigned char *out, size_t size)
{
    int  rc;

    if (len > UINT_MAX) {
        return 0;
    }

    if (size > UINT_MAX) {
        size = UINT_MAX;
    }

    (void) deflateReset(&d->z);

    d->z.next_in = data;
    d->z.avail_in = (uInt) len;
    d->z.next_out = out;
    d->z.avail_out = (uInt) size;

    rc = deflate(&d->z, Z_SYNC_FLUSH);

    /* when there is no room left, it may have had more to write */

    if (rc != Z_OK || d->z.avail_out == 0) {
        return 0;
    }

    return size - d->z.avail_out - NGX_TOKEN_WS_TAIL;
}


ngx_token_ws_inflater_t *
ngx_token_ws_inflater_create(const ngx_token_ws_memory_t *memory)
{
    ngx_token_ws_inflater_t  *inf;

    if (memory == NULL) {
        memory = &ngx_token_ws_libc;
    }

    inf = memory->alloc(memory->ctx, 1, sizeof(ngx_token_ws_inflater_t));
    if (inf == NULL) {
        return NULL;
    }

    memset(inf, 0, offsetof(ngx_token_ws_inflater_t, buf));

    inf->memory = *memory;
    inf->z.zalloc = memory->alloc;
    inf->z.zfree = memory->free;
    inf->z.opaque = memory->ctx;

    if (inflateInit2(&inf->z, -NGX_TOKEN_WS_MAX_BITS) != Z_OK) {
        inf->memory.free(inf->memory.ctx, inf);
        return NULL;
    }

    return inf;
}


void
ngx_token_ws_inflater_destroy(ngx_token_ws_inflater_t *inf)
{
    if (inf) {
        (void) inflateEnd(&inf->z);
        inf->memory.free(inf->memory.ctx, inf);
    }
}


ngx_token_ws_rc_t
ngx_token_ws_inflate(ngx_token_ws_inflater_t *inf,
    const ngx_token_ws_inflate_conf_t *conf, ngx_token_ws_event_t *in,
    ngx_token_ws_event_t *ev)
{
    ngx_token_ws_inflate_e  rc;

    if (in->first) {
        ngx_token_ws_inflate_start(inf, conf, in);
        in->first = 0;
    }

    if (!inf->open) {
        in->len = 0;
        return NGX_TOKEN_WS_AGAIN;
    }

    inf->z.next_out = inf->buf;
    inf->z.avail_out = NGX_TOKEN_WS_PIECE;

    do {
        rc = ngx_token_ws_inflate_step(inf, conf, in);
    } while (rc == ngx_token_ws_inflate_more && inf->z.avail_out);

    return ngx_token_ws_inflate_event(inf, rc, ev);
}


static void
ngx_token_ws_inflate_start(ngx_token_ws_inflater_t *inf,
    const ngx_token_ws_inflate_conf_t *conf, const ngx_token_ws_event_t *in)
{
    if (!conf->keep) {
        (void) inflateReset(&inf->z);
    }

    inf->in = 0;
    inf->out = 0;
    inf->utf8 = 0;
    inf->opcode = in->opcode;
    inf->tail = NGX_TOKEN_WS_TAIL;
    inf->open = 1;
    inf->first = 1;
    inf->full = 0;
    inf->ending = 0;
    inf->boundary = 1;
}


/*
 * One call of zlib.  The order of the checks is the order of the bytes, so
 * that it does not show how the input was split: output first, then what zlib
 * says of the input behind it, then the ratio, at every 1024th byte of input
 * and at the end, and never while there may be more output.
 */

static ngx_token_ws_inflate_e
ngx_token_ws_inflate_step(ngx_token_ws_inflater_t *inf,
    const ngx_token_ws_inflate_conf_t *conf, ngx_token_ws_event_t *in)
{
    int                      rc;
    size_t                   n;
    uint64_t                 fed;
    unsigned char           *out;
    ngx_token_ws_inflate_e   what;

    if (!inf->full && !inf->ending && in->len == 0) {

        if (!in->last) {
            return ngx_token_ws_inflate_again;
        }

        /*
         * A message of no bytes at all, or one that stops behind a block with
         * BFINAL: RFC 7692, 7.2.3.4 has a 0x00 follow, but not all do that,
         * and nothing is missing.
         */

        if (inf->boundary) {
            return ngx_token_ws_inflate_end(inf, conf);
        }

        inf->ending = 1;
    }

    out = inf->z.next_out;
    fed = inf->in - inf->tail;

    rc = ngx_token_ws_inflate_run(inf, in);

    n = (size_t) (inf->z.next_out - out);

    what = ngx_token_ws_inflate_output(inf, conf, out, n);
    if (what != ngx_token_ws_inflate_more) {
        return what;
    }

    what = ngx_token_ws_inflate_state(inf, rc,
                                      n || fed != inf->in - inf->tail);
    if (what != ngx_token_ws_inflate_more || inf->full) {
        return what;
    }

    if (inf->ending) {
        return inf->tail ? ngx_token_ws_inflate_more
                         : ngx_token_ws_inflate_end(inf, conf);
    }

    if (inf->in % NGX_TOKEN_WS_STEP == 0
        && !ngx_token_ws_inflate_ratio_ok(inf, conf))
    {
        return ngx_token_ws_inflate_ratio;
    }

    return ngx_token_ws_inflate_more;
}


/*
 * Nothing more is fed while there may be more output.  With Z_BLOCK, zlib
 * stops at the end of a block, and says that it is there.
 */

static int
ngx_token_ws_inflate_run(ngx_token_ws_inflater_t *inf,
    ngx_token_ws_event_t *in)
{
    int       rc;
    unsigned  n;

    if (inf->full) {
        inf->z.next_in = ngx_token_ws_tail;
        n = 0;

    } else if (inf->ending) {
        inf->z.next_in = &ngx_token_ws_tail[NGX_TOKEN_WS_TAIL - inf->tail];
        n = inf->tail;

    } else {
        inf->z.next_in = in->data;
        n = NGX_TOKEN_WS_STEP - (unsigned) (inf->in % NGX_TOKEN_WS_STEP);

        if (n > in->len) {
            n = (unsigned) in->len;
        }
    }

    inf->z.avail_in = n;

    rc = inflate(&inf->z, inf->ending ? Z_BLOCK : Z_SYNC_FLUSH);

    n -= inf->z.avail_in;

    if (inf->ending) {
        inf->tail -= n;

    } else {
        in->data += n;
        in->len -= n;
        inf->in += n;
    }

    inf->full = inf->z.avail_out == 0;

    return rc;
}


static ngx_token_ws_inflate_e
ngx_token_ws_inflate_output(ngx_token_ws_inflater_t *inf,
    const ngx_token_ws_inflate_conf_t *conf, const unsigned char *data,
    size_t len)
{
    uint64_t  rest;

    rest = conf->max_message - inf->out;
    inf->out += len;

    if (inf->opcode == NGX_TOKEN_WS_TEXT
        && !ngx_token_ws_utf8(&inf->utf8, data,
                              len < rest ? len : (size_t) rest))
    {
        return ngx_token_ws_inflate_utf8;
    }

    return len > rest ? ngx_token_ws_inflate_big : ngx_token_ws_inflate_more;
}


static ngx_token_ws_inflate_e
ngx_token_ws_inflate_state(ngx_token_ws_inflater_t *inf, int rc,
    unsigned moved)
{
    if (moved) {
        inf->boundary = inf->ending
                        && (inf->z.data_type & NGX_TOKEN_WS_BOUNDARY)
                        && (inf->z.data_type & NGX_TOKEN_WS_UNUSED) == 0;
    }

    switch (rc) {

    case Z_OK:
    case Z_BUF_ERROR:
        return ngx_token_ws_inflate_more;

    case Z_STREAM_END:

        /*
         * A block with BFINAL.  Others may follow, and refer to what was
         * before it, so inflateReset() would drop too much.
         */

        (void) inflateResetKeep(&inf->z);
        inf->boundary = 1;

        return ngx_token_ws_inflate_more;

    case Z_MEM_ERROR:
        return ngx_token_ws_inflate_memory;

    default: /* Z_DATA_ERROR */
        return ngx_token_ws_inflate_bad;
    }
}


static ngx_token_ws_inflate_e
ngx_token_ws_inflate_end(const ngx_token_ws_inflater_t *inf,
    const ngx_token_ws_inflate_conf_t *conf)
{
    if (!inf->boundary) {
        return ngx_token_ws_inflate_bad;
    }

    if (inf->utf8) {
        return ngx_token_ws_inflate_utf8;
    }

    if (!ngx_token_ws_inflate_ratio_ok(inf, conf)) {
        return ngx_token_ws_inflate_ratio;
    }

    return ngx_token_ws_inflate_done;
}


static unsigned
ngx_token_ws_inflate_ratio_ok(const ngx_token_ws_inflater_t *inf,
    const ngx_token_ws_inflate_conf_t *conf)
{
    return conf->max_ratio == 0
           || inf->out <= NGX_TOKEN_WS_FREE
           || inf->out / conf->max_ratio <= inf->in;
}


static ngx_token_ws_rc_t
ngx_token_ws_inflate_event(ngx_token_ws_inflater_t *inf,
    ngx_token_ws_inflate_e what, ngx_token_ws_event_t *ev)
{
    size_t                               n;
    const ngx_token_ws_inflate_fault_t  *fault;

    n = NGX_TOKEN_WS_PIECE - inf->z.avail_out;

    if (what == ngx_token_ws_inflate_again && n == 0) {
        return NGX_TOKEN_WS_AGAIN;
    }

    memset(ev, 0, sizeof(ngx_token_ws_event_t));

    if (what >= ngx_token_ws_inflate_bad) {
        fault = &ngx_token_ws_inflate_faults[what - ngx_token_ws_inflate_bad];
        ev->code = fault->code;
        ev->reason = fault->reason;
        inf->open = 0;

        return NGX_TOKEN_WS_ERROR;
    }

    ev->opcode = inf->opcode;
    ev->first = inf->first;
    ev->last = what == ngx_token_ws_inflate_done;
    ev->data = inf->buf;
    ev->len = n;

    inf->first = 0;
    inf->open = !ev->last;

    return NGX_TOKEN_WS_DATA;
}


/* zlib's own would leave the memory as it finds it */

static void *
ngx_token_ws_alloc(void *ctx, unsigned items, unsigned size)
{
    (void) ctx;

    return calloc(items, size);
}


static void
ngx_token_ws_free(void *ctx, void *p)
{
    (void) ctx;

    free(p);
}
