
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_template.h"


#define NGX_HTTP_TOKEN_TEMPLATE_DEPTH  64


typedef enum {
    NGX_HTTP_TOKEN_PART_TEXT = 0,
    NGX_HTTP_TOKEN_PART_VALUE,
    NGX_HTTP_TOKEN_PART_ARG,
    NGX_HTTP_TOKEN_PART_USER,
    NGX_HTTP_TOKEN_PART_ID,
    NGX_HTTP_TOKEN_PART_RESULT,
    NGX_HTTP_TOKEN_PART_RESULT_ARG,
    NGX_HTTP_TOKEN_PART_VARIABLE
} ngx_http_token_part_e;


typedef struct {
    ngx_http_token_part_e     type;
    ngx_str_t                 text;       /* TEXT: bytes; *ARG: NAME */
    ngx_uint_t                slot;       /* VARIABLE: of the session */
    unsigned                  quoted:1;   /* JSON: inside a string */
} ngx_http_token_part_t;


typedef struct {
    ngx_str_t                 name;
    ngx_uint_t                prefix;     /* a NAME follows */
    ngx_http_token_part_e     type;
} ngx_http_token_variable_t;


static ngx_int_t ngx_http_token_template_variable(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf, ngx_str_t *text, size_t *pos,
    ngx_http_token_part_t *part);
static ngx_int_t ngx_http_token_template_own(ngx_str_t *name,
    ngx_http_token_part_t *part);
static ngx_int_t ngx_http_token_template_slot(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf, ngx_str_t *name, ngx_uint_t *slot);
static ngx_uint_t ngx_http_token_template_exists(ngx_conf_t *cf,
    ngx_str_t *name);
static ngx_uint_t ngx_http_token_template_escapes(ngx_str_t *text);
static ngx_uint_t ngx_http_token_template_quoted(ngx_str_t *text, size_t from,
    size_t to, ngx_uint_t quoted);
static ngx_int_t ngx_http_token_template_check(ngx_conf_t *cf,
    ngx_http_token_template_t *t);
static ngx_int_t ngx_http_token_template_part(ngx_http_token_part_t *part,
    ngx_http_token_scope_t *scope, ngx_token_buf_t *b, ngx_uint_t json);
static ngx_int_t ngx_http_token_template_token(ngx_token_str_t *value,
    ngx_http_token_part_t *part, ngx_token_buf_t *b, ngx_uint_t json);
static void ngx_http_token_template_string(ngx_str_t *s,
    ngx_http_token_part_t *part, ngx_token_buf_t *b, ngx_uint_t json);
static void ngx_http_token_template_utf8(ngx_str_t *s, ngx_token_buf_t *b);


static ngx_http_token_variable_t  ngx_http_token_variables[] = {
    { ngx_string("token_value"), 0, NGX_HTTP_TOKEN_PART_VALUE },
    { ngx_string("token_arg_"), 1, NGX_HTTP_TOKEN_PART_ARG },
    { ngx_string("token_user"), 0, NGX_HTTP_TOKEN_PART_USER },
    { ngx_string("token_id"), 0, NGX_HTTP_TOKEN_PART_ID },
    { ngx_string("token_result"), 0, NGX_HTTP_TOKEN_PART_RESULT },
    { ngx_string("token_result_"), 1, NGX_HTTP_TOKEN_PART_RESULT_ARG },
    { ngx_null_string, 0, NGX_HTTP_TOKEN_PART_TEXT }
};


ngx_int_t
ngx_http_token_template_compile(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf, ngx_str_t *text, ngx_uint_t json,
    ngx_http_token_template_t *t)
{
    size_t                  i, start;
    ngx_uint_t              quoted;
    ngx_http_token_part_t  *part;

    t->text = *text;
    t->json = json;
    t->constant = 1;

    if (ngx_array_init(&t->parts, cf->pool, 2, sizeof(ngx_http_token_part_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    quoted = 0;
    i = 0;

    while (i < text->len) {
        part = ngx_array_push(&t->parts);
        if (part == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(part, sizeof(ngx_http_token_part_t));

        if (text->data[i] == '$') {
            t->constant = 0;
            part->quoted = quoted;

            if (ngx_http_token_template_variable(cf, mcf, text, &i, part)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            if (part->type == NGX_HTTP_TOKEN_PART_RESULT
                || part->type == NGX_HTTP_TOKEN_PART_RESULT_ARG)
            {
                t->late = 1;
            }

            continue;
        }

        start = i;

        while (i < text->len && text->data[i] != '$') {
            i++;
        }

        part->text.data = text->data + start;
        part->text.len = i - start;

        if (json && i < text->len
            && ngx_http_token_template_escapes(&part->text))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "a backslash before a variable in \"%V\"",
                               text);
            return NGX_ERROR;
        }

        quoted = ngx_http_token_template_quoted(text, start, i, quoted);
    }

    return json ? ngx_http_token_template_check(cf, t) : NGX_OK;
}


/* reads "$name" or "${name}" at *pos */

static ngx_int_t
ngx_http_token_template_variable(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf, ngx_str_t *text, size_t *pos,
    ngx_http_token_part_t *part)
{
    u_char      ch;
    size_t      i;
    ngx_str_t   name;
    ngx_uint_t  braces;

    i = *pos + 1;
    braces = (i < text->len && text->data[i] == '{');
    i += braces;
    name.data = text->data + i;

    for ( /* void */ ; i < text->len; i++) {
        ch = text->data[i];

        if ((ch < '0' || ch > '9') && (ch < 'a' || ch > 'z')
            && (ch < 'A' || ch > 'Z') && ch != '_')
        {
            break;
        }
    }

    name.len = text->data + i - name.data;

    if (name.len == 0
        || (braces && (i == text->len || text->data[i++] != '}')))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid variable name in \"%V\"", text);
        return NGX_ERROR;
    }

    *pos = i;

    if (ngx_strncmp(name.data, "token_", 6) != 0 || name.len < 7) {
        part->type = NGX_HTTP_TOKEN_PART_VARIABLE;
        return ngx_http_token_template_slot(cf, mcf, &name, &part->slot);
    }

    if (ngx_http_token_template_own(&name, part) == NGX_OK) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "unknown variable \"$%V\"",
                       &name);
    return NGX_ERROR;
}


/* a variable of this module; NGX_DECLINED: there is none of that name */

static ngx_int_t
ngx_http_token_template_own(ngx_str_t *name, ngx_http_token_part_t *part)
{
    ngx_http_token_variable_t  *v;

    for (v = ngx_http_token_variables; v->name.len; v++) {

        if (ngx_strncmp(name->data, v->name.data, v->name.len) != 0
            || (v->prefix ? name->len == v->name.len
                          : name->len != v->name.len))
        {
            continue;
        }

        part->type = v->type;

        if (v->prefix) {
            part->text.data = name->data + v->name.len;
            part->text.len = name->len - v->name.len;
        }

        return NGX_OK;
    }

    return NGX_DECLINED;
}


/* the place of a variable in what a session keeps of its handshake */

static ngx_int_t
ngx_http_token_template_slot(ngx_conf_t *cf, ngx_http_token_main_conf_t *mcf,
    ngx_str_t *name, ngx_uint_t *slot)
{
    ngx_int_t               index, *indexes;
    ngx_uint_t              i;
    ngx_http_token_name_t  *where;

    index = ngx_http_get_variable_index(cf, name);
    if (index == NGX_ERROR) {
        return NGX_ERROR;
    }

    indexes = mcf->variables.elts;

    for (i = 0; i < mcf->variables.nelts; i++) {
        if (indexes[i] == index) {
            *slot = i;
            return NGX_OK;
        }
    }

    indexes = ngx_array_push(&mcf->variables);
    where = ngx_array_push(&mcf->variable_names);

    if (indexes == NULL || where == NULL) {
        return NGX_ERROR;
    }

    *indexes = index;
    *slot = i;

    where->name = *name;
    where->target = NULL;
    where->file = cf->conf_file->file.name.data;
    where->line = cf->conf_file->line;

    return NGX_OK;
}


ngx_int_t
ngx_http_token_template_resolve(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf)
{
    ngx_uint_t              i;
    ngx_http_token_name_t  *where;

    where = mcf->variable_names.elts;

    for (i = 0; i < mcf->variable_names.nelts; i++) {
        if (!ngx_http_token_template_exists(cf, &where[i].name)) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "unknown variable \"$%V\" in %s:%ui",
                          &where[i].name, where[i].file, where[i].line);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* as ngx_http_variables_init_vars() looks: by the name, or by its beginning */

static ngx_uint_t
ngx_http_token_template_exists(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_hash_key_t             *key;
    ngx_http_variable_t        *prefix;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {
        if (key[i].key.len == name->len
            && ngx_strncasecmp(key[i].key.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    prefix = cmcf->prefix_variables.elts;

    for (i = 0; i < cmcf->prefix_variables.nelts; i++) {
        if (name->len > prefix[i].name.len
            && ngx_strncasecmp(prefix[i].name.data, name->data,
                               prefix[i].name.len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* whether a text ends in the beginning of an escape */

static ngx_uint_t
ngx_http_token_template_escapes(ngx_str_t *text)
{
    size_t  n;

    for (n = 0; n < text->len && text->data[text->len - 1 - n] == '\\'; n++) {
        /* void */
    }

    return n & 1;
}


/* whether text[to] stands inside a JSON string */

static ngx_uint_t
ngx_http_token_template_quoted(ngx_str_t *text, size_t from, size_t to,
    ngx_uint_t quoted)
{
    size_t  i;

    for (i = from; i < to; i++) {

        if (quoted && text->data[i] == '\\') {
            i++;
            continue;
        }

        if (text->data[i] == '"') {
            quoted = !quoted;
        }
    }

    return quoted;
}


/* with harmless values in the places of its variables, it must be JSON */

static ngx_int_t
ngx_http_token_template_check(ngx_conf_t *cf, ngx_http_token_template_t *t)
{
    ngx_uint_t              i;
    ngx_token_rc_t          rc;
    ngx_token_buf_t         b;
    ngx_token_str_t         s;
    ngx_http_token_part_t  *part;

    ngx_memzero(&b, sizeof(ngx_token_buf_t));

    part = t->parts.elts;

    for (i = 0; i < t->parts.nelts; i++) {
        if (part[i].type == NGX_HTTP_TOKEN_PART_TEXT) {
            ngx_token_buf_append(&b, part[i].text.data, part[i].text.len);

        } else if (!part[i].quoted) {
            ngx_token_buf_str(&b, "0");
        }
    }

    if (b.failed) {
        ngx_token_buf_free(&b);
        return NGX_ERROR;
    }

    s.data = b.data;
    s.len = b.len;

    rc = ngx_token_json_check(&s, NGX_HTTP_TOKEN_TEMPLATE_DEPTH);

    ngx_token_buf_free(&b);

    if (rc != NGX_TOKEN_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not JSON", &t->text);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_token_template_eval(ngx_http_token_template_t *t,
    ngx_http_token_scope_t *scope, ngx_token_buf_t *b, ngx_str_t *missing)
{
    ngx_uint_t              i;
    ngx_http_token_part_t  *part;

    part = t->parts.elts;

    for (i = 0; i < t->parts.nelts; i++) {
        if (ngx_http_token_template_part(&part[i], scope, b, t->json)
            != NGX_OK)
        {
            *missing = part[i].text;
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_template_part(ngx_http_token_part_t *part,
    ngx_http_token_scope_t *scope, ngx_token_buf_t *b, ngx_uint_t json)
{
    u_char           id[NGX_TOKEN_ID_TEXT_LEN];
    ngx_str_t        s;
    ngx_token_str_t  name, value;

    switch (part->type) {

    case NGX_HTTP_TOKEN_PART_TEXT:
        ngx_token_buf_append(b, part->text.data, part->text.len);
        return NGX_OK;

    case NGX_HTTP_TOKEN_PART_VALUE:
        return ngx_http_token_template_token(&scope->value, part, b, json);

    case NGX_HTTP_TOKEN_PART_RESULT:
        if (scope->result.data == NULL) {
            return NGX_DECLINED;
        }

        return ngx_http_token_template_token(&scope->result, part, b, json);

    case NGX_HTTP_TOKEN_PART_ARG:
    case NGX_HTTP_TOKEN_PART_RESULT_ARG:
        value = part->type == NGX_HTTP_TOKEN_PART_ARG ? scope->value
                                                      : scope->result;
        ngx_http_token_str(&name, &part->text);

        if (value.data == NULL
            || ngx_token_json_member(&value, &name, &value) != NGX_TOKEN_OK)
        {
            return NGX_DECLINED;
        }

        return ngx_http_token_template_token(&value, part, b, json);

    case NGX_HTTP_TOKEN_PART_USER:
        ngx_http_token_template_string(&scope->user, part, b, json);
        return NGX_OK;

    case NGX_HTTP_TOKEN_PART_ID:
        ngx_token_id_format(scope->id, id);
        s.data = id;
        s.len = NGX_TOKEN_ID_TEXT_LEN;
        ngx_http_token_template_string(&s, part, b, json);
        return NGX_OK;

    default: /* NGX_HTTP_TOKEN_PART_VARIABLE */
        ngx_http_token_template_string(&scope->variables[part->slot], part, b,
                                       json);
        return NGX_OK;
    }
}


/* a JSON value of the token: as it is, or as text where text is wanted */

static ngx_int_t
ngx_http_token_template_token(ngx_token_str_t *value,
    ngx_http_token_part_t *part, ngx_token_buf_t *b, ngx_uint_t json)
{
    if (json && !part->quoted) {
        ngx_token_json_minify(b, value);
        return NGX_OK;
    }

    if (json && ngx_token_json_type(value) == NGX_TOKEN_JSON_STRING) {
        /* its escapes fit into the string that it becomes a part of */
        ngx_token_buf_append(b, value->data + 1, value->len - 2);
        return NGX_OK;
    }

    return ngx_http_token_template_text(value, b);
}


ngx_int_t
ngx_http_token_template_text(const ngx_token_str_t *value, ngx_token_buf_t *b)
{
    switch (ngx_token_json_type(value)) {

    case NGX_TOKEN_JSON_STRING:
        ngx_token_json_decode(b, value);
        return NGX_OK;

    case NGX_TOKEN_JSON_NUMBER:
    case NGX_TOKEN_JSON_TRUE:
    case NGX_TOKEN_JSON_FALSE:
        ngx_token_buf_append(b, value->data, value->len);
        return NGX_OK;

    default:
        return NGX_DECLINED;
    }
}


static void
ngx_http_token_template_string(ngx_str_t *s, ngx_http_token_part_t *part,
    ngx_token_buf_t *b, ngx_uint_t json)
{
    if (!json) {
        ngx_token_buf_append(b, s->data, s->len);
        return;
    }

    if (!part->quoted) {
        ngx_token_buf_append(b, "\"", 1);
    }

    ngx_http_token_template_utf8(s, b);

    if (!part->quoted) {
        ngx_token_buf_append(b, "\"", 1);
    }
}


/*
 * The inside of a JSON string.  A request's header may hold any bytes; those
 * that are no UTF-8 become U+FFFD, so that what is stored is always JSON.
 */

static void
ngx_http_token_template_utf8(ngx_str_t *s, ngx_token_buf_t *b)
{
    u_char    *p, *start, *last, escape[6];
    uint32_t   cp;

    static u_char  hex[] = "0123456789abcdef";

    p = s->data;
    last = p + s->len;

    while (p < last) {
        start = p;
        cp = *p < 0x80 ? *p++ : ngx_utf8_decode(&p, last - p);

        if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) {
            ngx_token_buf_append(b, "\xef\xbf\xbd", 3);
            p = start + 1;
            continue;
        }

        if (cp < 0x20 || cp == '"' || cp == '\\') {
            ngx_memcpy(escape, "\\u00", 4);
            escape[4] = hex[cp >> 4];
            escape[5] = hex[cp & 0xf];
            ngx_token_buf_append(b, escape, 6);
            continue;
        }

        ngx_token_buf_append(b, start, p - start);
    }
}
