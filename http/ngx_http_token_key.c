
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_key.h"

#include <openssl/rand.h>


#define NGX_HTTP_TOKEN_KEYS_MAX       8
#define NGX_HTTP_TOKEN_KEYS_FILE_MAX  4096    /* bytes */


static ngx_int_t ngx_http_token_key_read_fd(ngx_fd_t fd, ngx_str_t *file,
    u_char *buf, size_t *size, ngx_log_t *log);
static ngx_int_t ngx_http_token_key_parse_file(ngx_str_t *file, u_char *p,
    u_char *last, ngx_array_t *keys, ngx_log_t *log);
static ngx_int_t ngx_http_token_key_parse(u_char *p, size_t len,
    ngx_http_token_key_t *key);
static ngx_int_t ngx_http_token_key_write(ngx_fd_t fd, u_char *name,
    ngx_log_t *log);
static ngx_int_t ngx_http_token_key_own(ngx_fd_t fd, u_char *name,
    ngx_log_t *log);


ngx_int_t
ngx_http_token_key_read(ngx_str_t *file, ngx_array_t *keys,
    ngx_log_t *log)
{
    size_t     size;
    ngx_fd_t   fd;
    ngx_int_t  rc;
    u_char     buf[NGX_HTTP_TOKEN_KEYS_FILE_MAX];

    /* nonblocking: a FIFO must not stop the start of nginx */

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY | NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        if (ngx_errno == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_open_file_n " login key file \"%V\" failed", file);
        return NGX_ERROR;
    }

    rc = ngx_http_token_key_read_fd(fd, file, buf, &size, log);

    if (rc == NGX_OK) {
        rc = ngx_http_token_key_parse_file(file, buf, buf + size, keys, log);
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", file);
    }

    return rc;
}


static ngx_int_t
ngx_http_token_key_read_fd(ngx_fd_t fd, ngx_str_t *file, u_char *buf,
    size_t *size, ngx_log_t *log)
{
    ssize_t          n;
    ngx_file_info_t  fi;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_fd_info_n " login key file \"%V\" failed", file);
        return NGX_ERROR;
    }

    if (!ngx_is_file(&fi)) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "login key file \"%V\" is not a regular file", file);
        return NGX_ERROR;
    }

    if (ngx_file_access(&fi) & (S_IRWXG | S_IRWXO)) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "login key file \"%V\" is accessible by group or "
                      "others, its mode must be 0600", file);
        return NGX_ERROR;
    }

    if (ngx_file_size(&fi) > NGX_HTTP_TOKEN_KEYS_FILE_MAX) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "login key file \"%V\" is larger than %d bytes", file,
                      NGX_HTTP_TOKEN_KEYS_FILE_MAX);
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, buf, NGX_HTTP_TOKEN_KEYS_FILE_MAX);

    if (n == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_read_fd_n " login key file \"%V\" failed", file);
        return NGX_ERROR;
    }

    *size = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_key_parse_file(ngx_str_t *file, u_char *p, u_char *last,
    ngx_array_t *keys, ngx_log_t *log)
{
    u_char                *eol;
    ngx_uint_t             line;
    ngx_http_token_key_t  *key;

    for (line = 1; p < last; line++, p = eol + 1) {

        eol = ngx_strlchr(p, last, LF);
        if (eol == NULL) {
            eol = last;
        }

        if (eol == p || *p == '#') {
            continue;
        }

        if (keys->nelts == NGX_HTTP_TOKEN_KEYS_MAX) {
            ngx_log_error(NGX_LOG_EMERG, log, 0,
                          "more than %d keys in login key file \"%V\"",
                          NGX_HTTP_TOKEN_KEYS_MAX, file);
            return NGX_ERROR;
        }

        key = ngx_array_push(keys);
        if (key == NULL) {
            return NGX_ERROR;
        }

        if (ngx_http_token_key_parse(p, eol - p, key) != NGX_OK) {
            ngx_log_error(NGX_LOG_EMERG, log, 0,
                          "line %ui of login key file \"%V\" is not a key of "
                          "64 hexadecimal digits", line, file);
            return NGX_ERROR;
        }
    }

    if (keys->nelts == 0) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "no key in login key file \"%V\"", file);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_key_parse(u_char *p, size_t len,
    ngx_http_token_key_t *key)
{
    ngx_int_t   n;
    ngx_uint_t  i;

    if (len != 2 * NGX_HTTP_TOKEN_KEY_LEN) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_TOKEN_KEY_LEN; i++) {
        n = ngx_hextoi(p + 2 * i, 2);
        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        key->data[i] = (u_char) n;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_token_key_make(ngx_str_t *file, ngx_pool_t *pool, ngx_log_t *log)
{
    u_char     *name;
    ngx_fd_t    fd;
    ngx_int_t   rc;

    name = ngx_pnalloc(pool, file->len + sizeof(".ffffffff.tmp"));
    if (name == NULL) {
        return NGX_ERROR;
    }

    /* not the pid: in a container that is always the same */

    ngx_sprintf(name, "%V.%08xD.tmp%Z", file, (uint32_t) ngx_random());

    fd = ngx_open_file(name, NGX_FILE_WRONLY, O_CREAT | O_EXCL,
                       NGX_FILE_OWNER_ACCESS);
    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_open_file_n " \"%s\" failed", name);
        return NGX_ERROR;
    }

    rc = ngx_http_token_key_write(fd, name, log);

    if (rc == NGX_OK) {
        rc = ngx_http_token_key_own(fd, name, log);
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_close_file_n " \"%s\" failed", name);
        rc = NGX_ERROR;
    }

    /* link(), not rename(): the key of another start of nginx stays */

    if (rc == NGX_OK
        && link((char *) name, (char *) file->data) == -1
        && ngx_errno != NGX_EEXIST)
    {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "link() login key file \"%V\" failed", file);
        rc = NGX_ERROR;
    }

    if (ngx_delete_file(name) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_delete_file_n " \"%s\" failed", name);
        rc = NGX_ERROR;
    }

    return rc;
}


static ngx_int_t
ngx_http_token_key_write(ngx_fd_t fd, u_char *name, ngx_log_t *log)
{
    ssize_t               n;
    ngx_int_t             rc;
    ngx_http_token_key_t  key;
    u_char                text[2 * NGX_HTTP_TOKEN_KEY_LEN + 1];

    if (RAND_bytes(key.data, NGX_HTTP_TOKEN_KEY_LEN) != 1) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "RAND_bytes() failed");
        return NGX_ERROR;
    }

    *ngx_hex_dump(text, key.data, NGX_HTTP_TOKEN_KEY_LEN) = LF;

    rc = NGX_OK;
    n = ngx_write_fd(fd, text, sizeof(text));

    if (n != sizeof(text) || fsync(fd) == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_write_fd_n " \"%s\" failed", name);
        rc = NGX_ERROR;
    }

    ngx_explicit_memzero(text, sizeof(text));
    ngx_explicit_memzero(&key, sizeof(key));

    return rc;
}


/* Root gives the file to the owner of its folder: the store, usually. */

static ngx_int_t
ngx_http_token_key_own(ngx_fd_t fd, u_char *name, ngx_log_t *log)
{
    int               rc;
    char             *p;
    ngx_file_info_t   fi;

    p = strrchr((char *) name, '/');

    if (geteuid() != 0 || p == NULL) {
        return NGX_OK;
    }

    *p = '\0';
    rc = ngx_file_info(name, &fi);
    *p = '/';

    if (rc == NGX_FILE_ERROR || fchown(fd, fi.st_uid, -1) == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "fchown(\"%s\") failed", name);
        return NGX_ERROR;
    }

    return NGX_OK;
}
