
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE                       /* pread() */
#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/ngx_token_env.h"


/*
 * A data file that has been cut short kills the process that reads it through
 * the map: SIGBUS.  LMDB does not look, so it is done here, with pread().
 *
 * A good file may be shorter than its pages, too: pages that a transaction has
 * made and freed again are not written, and when they are the last ones the
 * file ends before them.  But then all that is not there is in the list of
 * free pages, and nothing else may be missing.
 *
 * What is read here is the layout of LMDB 0.9 on machines with 64 bits, where
 * files have the number 1.  Others are left to LMDB.
 */

#define NGX_TOKEN_PAGE_HEAD    16         /* bytes before the nodes */
#define NGX_TOKEN_PAGE_BRANCH  0x01
#define NGX_TOKEN_PAGE_LEAF    0x02
#define NGX_TOKEN_NODE_HEAD    8          /* bytes before the key */
#define NGX_TOKEN_NODE_BIG     0x01       /* the value has its own pages */
#define NGX_TOKEN_META_MAGIC   0xbeefc0deU
#define NGX_TOKEN_META_FORMAT  1
#define NGX_TOKEN_META_MAX     65536      /* bytes of a page */
#define NGX_TOKEN_META_DEPTH   32
#define NGX_TOKEN_NO_PAGE      UINT64_MAX


typedef struct {
    uint32_t                 pad;         /* of the first: bytes of a page */
    uint16_t                 flags;
    uint16_t                 depth;
    uint64_t                 pages[3];
    uint64_t                 entries;
    uint64_t                 root;
} ngx_token_page_db_t;


typedef struct {
    unsigned char            head[NGX_TOKEN_PAGE_HEAD];
    uint32_t                 magic;
    uint32_t                 format;
    uint64_t                 address;
    uint64_t                 mapsize;
    ngx_token_page_db_t      dbs[2];      /* free pages, main */
    uint64_t                 last;        /* page */
    uint64_t                 txnid;
} ngx_token_page_meta_t;


typedef struct {
    int                      fd;
    size_t                   size;        /* bytes of a page */
    uint64_t                 npages;      /* whole pages in the file */
    uint64_t                 last;
    uint64_t                 nfree;       /* found, of those that it lacks */
} ngx_token_pages_t;


static unsigned ngx_token_pages_meta(ngx_token_pages_t *ps,
    ngx_token_page_meta_t *meta);
static unsigned ngx_token_pages_walk(ngx_token_pages_t *ps, uint64_t pgno,
    unsigned depth);
static unsigned ngx_token_pages_nodes(ngx_token_pages_t *ps,
    const unsigned char *page, unsigned depth);
static unsigned ngx_token_pages_count(ngx_token_pages_t *ps,
    const unsigned char *node, size_t space);


ngx_token_rc_t
ngx_token_env_check_size(const char *path, MDB_env *mdb)
{
    struct stat            sb;
    mdb_filehandle_t       fd;
    ngx_token_pages_t      ps;
    ngx_token_page_meta_t  meta;

    if (mdb_env_get_fd(mdb, &fd) != MDB_SUCCESS || fstat(fd, &sb) == -1) {
        return ngx_token_env_error(NGX_TOKEN_ERROR, "\"%s\" cannot be used: "
                                   "%s", path, strerror(errno));
    }

    memset(&ps, 0, sizeof(ngx_token_pages_t));

    ps.fd = fd;

    if (!ngx_token_pages_meta(&ps, &meta)) {
        return NGX_TOKEN_OK;
    }

    ps.npages = (uint64_t) sb.st_size / ps.size;
    ps.last = meta.last;

    if (ps.npages > ps.last) {
        return NGX_TOKEN_OK;
    }

    if ((meta.dbs[1].root == NGX_TOKEN_NO_PAGE
         || meta.dbs[1].root < ps.npages)
        && (meta.dbs[0].root == NGX_TOKEN_NO_PAGE
            || ngx_token_pages_walk(&ps, meta.dbs[0].root, 0))
        && ps.nfree == ps.last + 1 - ps.npages)
    {
        return NGX_TOKEN_OK;
    }

    return ngx_token_env_error(NGX_TOKEN_FORMAT, "\"%s\" is truncated: it has "
                               "%llu bytes, and its pages need %llu", path,
                               (unsigned long long) sb.st_size,
                               (unsigned long long) (ps.last + 1) * ps.size);
}


/* The newer of the two; zero: it is not known how to read it */

static unsigned
ngx_token_pages_meta(ngx_token_pages_t *ps, ngx_token_page_meta_t *meta)
{
    ngx_token_page_meta_t  other;

    if (sizeof(size_t) != sizeof(uint64_t)
        || pread(ps->fd, meta, sizeof(*meta), 0) != (ssize_t) sizeof(*meta)
        || meta->magic != NGX_TOKEN_META_MAGIC
        || meta->format != NGX_TOKEN_META_FORMAT
        || meta->dbs[0].pad < sizeof(*meta)
        || meta->dbs[0].pad > NGX_TOKEN_META_MAX)
    {
        return 0;
    }

    ps->size = meta->dbs[0].pad;

    if (pread(ps->fd, &other, sizeof(other), (off_t) ps->size)
        == (ssize_t) sizeof(other)
        && other.txnid > meta->txnid)
    {
        *meta = other;
    }

    return 1;
}


/* Zero: a page of the list of free pages is missing, or damaged */

static unsigned
ngx_token_pages_walk(ngx_token_pages_t *ps, uint64_t pgno, unsigned depth)
{
    unsigned        ok;
    unsigned char  *page;

    if (pgno >= ps->npages || depth == NGX_TOKEN_META_DEPTH) {
        return 0;
    }

    page = malloc(ps->size);
    if (page == NULL) {
        return 0;
    }

    ok = pread(ps->fd, page, ps->size, (off_t) (pgno * ps->size))
         == (ssize_t) ps->size
         && ngx_token_pages_nodes(ps, page, depth);

    free(page);

    return ok;
}


static unsigned
ngx_token_pages_nodes(ngx_token_pages_t *ps, const unsigned char *page,
    unsigned depth)
{
    size_t                i, n;
    uint16_t              flags, lower, offset, part[3];
    const unsigned char  *node;

    memcpy(&flags, page + 10, sizeof(flags));
    memcpy(&lower, page + 12, sizeof(lower));

    if (lower < NGX_TOKEN_PAGE_HEAD || lower > ps->size) {
        return 0;
    }

    n = (lower - NGX_TOKEN_PAGE_HEAD) / sizeof(offset);

    for (i = 0; i < n; i++) {
        memcpy(&offset, page + NGX_TOKEN_PAGE_HEAD + i * sizeof(offset),
               sizeof(offset));

        if (offset > ps->size - NGX_TOKEN_NODE_HEAD) {
            return 0;
        }

        node = page + offset;

        if (flags & NGX_TOKEN_PAGE_LEAF) {
            if (!ngx_token_pages_count(ps, node, ps->size - offset)) {
                return 0;
            }

            continue;
        }

        /* a branch's node has the number of a page in its first 6 bytes */

        memcpy(part, node, sizeof(part));

        if (!(flags & NGX_TOKEN_PAGE_BRANCH)
            || !ngx_token_pages_walk(ps, (uint64_t) part[2] << 32
                                         | (uint64_t) part[1] << 16 | part[0],
                                     depth + 1))
        {
            return 0;
        }
    }

    return 1;
}


/*
 * One row of the list: a count, and that many page numbers.
 *
 *     space  bytes from the node to the end of its page
 */

static unsigned
ngx_token_pages_count(ngx_token_pages_t *ps, const unsigned char *node,
    size_t space)
{
    size_t      len, head, i;
    uint16_t    part[4];              /* length, low and high; flags; key's */
    uint64_t   *list, pgno;
    unsigned    ok;

    memcpy(part, node, sizeof(part));

    len = (size_t) part[1] << 16 | part[0];
    head = NGX_TOKEN_NODE_HEAD + part[3];

    if (space < head + sizeof(pgno) || len < sizeof(pgno)) {
        return 0;
    }

    list = malloc(len);
    if (list == NULL) {
        return 0;
    }

    if (part[2] & NGX_TOKEN_NODE_BIG) {
        memcpy(&pgno, node + head, sizeof(pgno));

        ok = pgno < ps->npages
             && pread(ps->fd, list, len,
                      (off_t) (pgno * ps->size + NGX_TOKEN_PAGE_HEAD))
                == (ssize_t) len;

    } else {
        ok = len <= space - head;

        if (ok) {
            memcpy(list, node + head, len);
        }
    }

    ok = ok && list[0] < len / sizeof(pgno);

    for (i = 1; ok && i <= list[0]; i++) {
        if (list[i] >= ps->npages && list[i] <= ps->last) {
            ps->nfree++;
        }
    }

    free(list);

    return ok;
}
