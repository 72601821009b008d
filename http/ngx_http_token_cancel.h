
/*
 * Copyright (C) ngx_http_token_module authors
 */


#ifndef _NGX_HTTP_TOKEN_CANCEL_H_INCLUDED_
#define _NGX_HTTP_TOKEN_CANCEL_H_INCLUDED_


#include "http/ngx_http_token.h"


/*
 * Asks the worker that runs a token, if one does, to cancel it: by a row beside
 * its claim, and the doorbell.  When it cannot be asked, the token goes on, and
 * its true outcome is the answer.
 *
 *     user  who asks; the other worker compares it with the owner
 */
void ngx_http_token_cancel_elsewhere(const u_char *id, ngx_str_t *user);


#endif /* _NGX_HTTP_TOKEN_CANCEL_H_INCLUDED_ */
