
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "load.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>


static SSL *start(conn_t *c);
static int wanted(conn_t *c, int n, const char *what);


uint32_t
tls_handshake(conn_t *c)
{
    int  n;

    if (c->tls == NULL) {
        c->tls = start(c);
    }

    n = SSL_connect(c->tls);

    return n == 1 ? 0 : (uint32_t) wanted(c, n, "TLS handshake");
}


static SSL *
start(conn_t *c)
{
    SSL             *ssl;
    static SSL_CTX  *ctx;

    if (ctx == NULL) {
        /* a client's context verifies nothing by itself */
        ctx = SSL_CTX_new(TLS_client_method());
        if (ctx == NULL) {
            fail("no TLS context");
        }

        (void) SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE
                                     | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                     | SSL_MODE_RELEASE_BUFFERS);
    }

    ssl = SSL_new(ctx);

    if (ssl == NULL || SSL_set_fd(ssl, c->fd) != 1) {
        fail("no memory");
    }

    return ssl;
}


ssize_t
tls_recv(conn_t *c, void *data, size_t len)
{
    int  n;

    n = SSL_read(c->tls, data, (int) len);

    if (n > 0) {
        return n;
    }

    return wanted(c, n, NULL) ? -1 : 0;
}


ssize_t
tls_send(conn_t *c, const void *data, size_t len)
{
    int  n;

    n = SSL_write(c->tls, data, (int) len);

    if (n > 0) {
        return n;
    }

    return wanted(c, n, NULL) ? -1 : 0;
}


/*
 * The event that a call waits for, errno is EAGAIN; 0: the connection is over,
 * which is an error in the midst of something.
 */

static int
wanted(conn_t *c, int n, const char *what)
{
    switch (SSL_get_error(c->tls, n)) {

    case SSL_ERROR_WANT_READ:
        errno = EAGAIN;
        return EPOLLIN;

    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return EPOLLOUT;
    }

    if (what) {
        fail("%s: %s", what, ERR_error_string(ERR_get_error(), NULL));
    }

    ERR_clear_error();
    return 0;
}


void
tls_free(conn_t *c)
{
    SSL_free(c->tls);
    c->tls = NULL;
}
