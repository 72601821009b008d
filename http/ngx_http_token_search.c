
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_search.h"


#define NGX_HTTP_TOKEN_SEARCH_LIMIT  10


ngx_http_token_search_t *
ngx_http_token_search(ngx_http_token_prepared_t *prepared)
{
    uint64_t                  limit;
    ngx_token_buf_t           text;
    ngx_token_str_t           query, member;
    ngx_http_token_search_t  *search;

    static ngx_token_str_t    q = ngx_token_string("q");
    static ngx_token_str_t    l = ngx_token_string("limit");

    query = prepared->query;
    limit = NGX_HTTP_TOKEN_SEARCH_LIMIT;

    if (ngx_token_json_member(&query, &l, &member) == NGX_TOKEN_OK) {
        (void) ngx_token_json_uint(&member, &limit);
    }

    if (ngx_token_json_member(&query, &q, &member) == NGX_TOKEN_OK) {
        query = member;
    }

    ngx_memzero(&text, sizeof(ngx_token_buf_t));

    if (ngx_token_json_type(&query) == NGX_TOKEN_JSON_STRING) {
        ngx_token_json_decode(&text, &query);
    }

    search = ngx_calloc(sizeof(ngx_http_token_search_t) + text.len,
                        ngx_cycle->log);

    if (search && !text.failed) {
        search->text.data = (u_char *) search
                            + sizeof(ngx_http_token_search_t);
        search->text.len = text.len;

        if (text.len) {
            ngx_memcpy(search->text.data, text.data, text.len);
        }

        search->limit = ngx_min(limit, NGX_TOKEN_FIND_MAX);
        ngx_http_token_str(&search->log, &prepared->find->find.text);
    }

    ngx_token_buf_free(&text);

    return search;
}


void
ngx_http_token_search_work(ngx_http_token_search_t *search,
    ngx_token_store_t *store)
{
    ngx_token_str_t  text;

    ngx_http_token_str(&text, &search->text);

    search->rc = ngx_token_store_find(store, &search->log, &text,
                                      search->limit, &search->stop,
                                      &search->result);
}


void
ngx_http_token_search_free(ngx_http_token_search_t *search)
{
    if (search) {
        ngx_token_buf_free(&search->result);
        ngx_free(search);
    }
}
