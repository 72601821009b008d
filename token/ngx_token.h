
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_TOKEN_H_INCLUDED_
#define _NGX_TOKEN_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/*
 * The nouns of the module: ids, outcomes, effects and the commit record.
 *
 * This layer is free of nginx and of LMDB.  It holds no state, does no I/O
 * and never logs; every function may be called from any thread.
 */


#define NGX_TOKEN_ID_LEN         16       /* bytes, binary */
#define NGX_TOKEN_ID_TEXT_LEN    36
#define NGX_TOKEN_HASH_LEN       16
#define NGX_TOKEN_MAX_CHANNEL    255      /* bytes of a channel's name */
#define NGX_TOKEN_MAX_USER       255      /* bytes of a user's name */
#define NGX_TOKEN_MAX_EFFECTS    64       /* in one commit record */


typedef struct {
    size_t                   len;
    const unsigned char     *data;        /* not null terminated */
} ngx_token_str_t;


#define ngx_token_string(s)  { sizeof(s) - 1, (const unsigned char *) (s) }


/* what the functions of the nginx-free layers return; 0 is success */

typedef enum {
    NGX_TOKEN_OK = 0,
    NGX_TOKEN_DONE,          /* an iteration has ended */
    NGX_TOKEN_DECLINED,      /* not there, or a precondition failed */
    NGX_TOKEN_INVALID,       /* the input is malformed */
    NGX_TOKEN_NOMEM,
    NGX_TOKEN_FULL,          /* the map, or the disk, is full */
    NGX_TOKEN_FORMAT,        /* not a store of this format version */
    NGX_TOKEN_BUSY,          /* no free reader slot */
    NGX_TOKEN_ERROR          /* the system or LMDB failed */
} ngx_token_rc_t;


typedef enum {
    NGX_TOKEN_OUTCOME_OK = 0,
    NGX_TOKEN_OUTCOME_REJECTED,
    NGX_TOKEN_OUTCOME_FAILED,
    NGX_TOKEN_OUTCOME_BUSY,
    NGX_TOKEN_OUTCOME_INTERRUPTED,
    NGX_TOKEN_OUTCOME_SUPERSEDED,
    NGX_TOKEN_OUTCOME_RUNNING,
    NGX_TOKEN_OUTCOME_UNKNOWN
} ngx_token_outcome_e;


/* why; PROTOCOL.md, 5.  The ledger holds these numbers: new ones go last */

typedef enum {
    NGX_TOKEN_ERR_NONE = 0,
    NGX_TOKEN_ERR_UNKNOWN_SERVICE,
    NGX_TOKEN_ERR_USER_REQUIRED,
    NGX_TOKEN_ERR_BAD_VALUE,
    NGX_TOKEN_ERR_TOO_LARGE,
    NGX_TOKEN_ERR_VERSION,
    NGX_TOKEN_ERR_NOT_BOOLEAN,
    NGX_TOKEN_ERR_NOT_NUMBER,
    NGX_TOKEN_ERR_NUMBER_RANGE,
    NGX_TOKEN_ERR_UNKNOWN_CHANNEL,
    NGX_TOKEN_ERR_ID_REUSED,
    NGX_TOKEN_ERR_ID_EXPIRED,
    NGX_TOKEN_ERR_ID_FUTURE,
    NGX_TOKEN_ERR_SERVICE_FAILED,
    NGX_TOKEN_ERR_TIMEOUT,
    NGX_TOKEN_ERR_STORE_FULL,
    NGX_TOKEN_ERR_STORE_ERROR,
    NGX_TOKEN_ERR_SERVICE_REJECTED,
    NGX_TOKEN_ERR_LAST
} ngx_token_err_e;


typedef enum {
    NGX_TOKEN_EFFECT_SET = 1,
    NGX_TOKEN_EFFECT_TOGGLE,
    NGX_TOKEN_EFFECT_ADD,
    NGX_TOKEN_EFFECT_MERGE,
    NGX_TOKEN_EFFECT_PUT,
    NGX_TOKEN_EFFECT_DELETE,
    NGX_TOKEN_EFFECT_APPEND
} ngx_token_effect_e;


/*
 * One effect.  All that applying it needs is in it: configuration (initial
 * value, retention) travels with the record, so that a record has the same
 * result wherever and whenever it is applied.
 */

typedef struct {
    ngx_token_effect_e       type;
    ngx_token_str_t          channel;
    ngx_token_str_t          value;       /* JSON without white space */
    ngx_token_str_t          initial;     /* JSON: of an atom that is absent */
    uint64_t                 version;     /* put: the expected version */
    uint64_t                 keep;        /* append: records, 0 = no limit */
    uint64_t                 since;       /* append: ms, drop older records;
                                             0 = no limit */
} ngx_token_effect_t;


/*
 * The commit record: what a token asks the store to do.  With an outcome
 * other than OK it has no effects and only writes the ledger entry.
 */

typedef struct {
    unsigned char            id[NGX_TOKEN_ID_LEN];
    unsigned char            hash[NGX_TOKEN_HASH_LEN];   /* of the request */
    ngx_token_outcome_e      outcome;     /* OK, REJECTED, INTERRUPTED,
                                             SUPERSEDED; RUNNING: work outside
                                             the store begins; FAILED: it has
                                             ended, and may be tried again */
    ngx_token_err_e          error;       /* for REJECTED */
    uint64_t                 time;        /* ms, the server's clock */
    uint64_t                 horizon;     /* ms: ledger entries whose id is
                                             older may go; ids older than
                                             this are refused */
    ngx_token_str_t          user;        /* empty: anonymous */
    ngx_token_str_t          result;      /* JSON or empty, kept in the
                                             ledger and sent with the ok */
    unsigned                 neffects;
    ngx_token_effect_t      *effects;
} ngx_token_commit_t;


/*
 * What became of a commit record.
 */

typedef struct {
    ngx_token_outcome_e      outcome;     /* the record's or the ledger's;
                                             REJECTED; or FAILED: not
                                             written, may be tried again */
    ngx_token_err_e          error;
    uint64_t                 seq;         /* OK: the last seq it wrote;
                                             0: it wrote no change */
    uint64_t                 version;     /* ERR_VERSION: the present one */
    unsigned                 repeated:1;  /* the ledger had it already */
    ngx_token_str_t          result;      /* malloc()ed by the store when the
                                             ledger had it; else empty.  The
                                             caller releases it with free() */
} ngx_token_verdict_t;


/*
 * Reads the 36 character text of a UUIDv7 (RFC 9562, 5.7).
 *
 * Returns: NGX_TOKEN_OK       id is filled
 *          NGX_TOKEN_INVALID  not hexadecimal and dashes in their places,
 *                             or another version or variant
 */
ngx_token_rc_t ngx_token_id_parse(const ngx_token_str_t *text,
    unsigned char id[NGX_TOKEN_ID_LEN]);

/* Writes the 36 lower case characters of an id; no terminating null. */
void ngx_token_id_format(const unsigned char id[NGX_TOKEN_ID_LEN],
    unsigned char text[NGX_TOKEN_ID_TEXT_LEN]);

/* The time that an id begins with: ms since the Unix epoch. */
uint64_t ngx_token_id_time(const unsigned char id[NGX_TOKEN_ID_LEN]);

/* The wire's words; never NULL. */
const char *ngx_token_outcome_name(ngx_token_outcome_e outcome);
const char *ngx_token_err_name(ngx_token_err_e err);

/* One English sentence for a person, without a full stop; never NULL. */
const char *ngx_token_err_text(ngx_token_err_e err);


/*
 * The size in bytes of a commit record in its flat form.  What is encoded has
 * at most NGX_TOKEN_MAX_EFFECTS, and each text is below 4 GB.
 */
size_t ngx_token_commit_size(const ngx_token_commit_t *c);

/*
 * Writes the flat form of a commit record: self-contained bytes that can be
 * kept, handed to another thread or process, or sent (little-endian, with a
 * format version).
 *
 *     buf   out: ngx_token_commit_size(c) bytes
 */
void ngx_token_commit_encode(const ngx_token_commit_t *c, unsigned char *buf);

/*
 * Reads a flat commit record.  The bytes are checked: nothing in them is
 * trusted.  Not checked is whether value, initial and result are JSON; the
 * functions of ngx_token_json.h are safe on what is not.
 *
 *     c        out: points into buf, which must outlive it
 *     effects  out: room for NGX_TOKEN_MAX_EFFECTS; c->effects is set to it
 *
 * Returns: NGX_TOKEN_OK, or NGX_TOKEN_INVALID: truncated, trailing bytes,
 *          another version, an unknown effect, error or outcome, too many
 *          effects, effects without the outcome OK, a channel without a name,
 *          a name beyond NGX_TOKEN_MAX_CHANNEL or NGX_TOKEN_MAX_USER
 */
ngx_token_rc_t ngx_token_commit_decode(const unsigned char *buf, size_t len,
    ngx_token_commit_t *c, ngx_token_effect_t *effects);

/*
 * Whether a commit record is one that _decode() returns when it was encoded:
 * see there.
 */
unsigned ngx_token_commit_valid(const ngx_token_commit_t *c);

/*
 * How many effects a flat commit record says that it has: what decoding it
 * fills, at most.  0 where it is too short to say.
 */
unsigned ngx_token_commit_neffects(const unsigned char *buf, size_t len);


#endif /* _NGX_TOKEN_H_INCLUDED_ */
