
/*
 * Copyright (C) ngx_http_token_module authors
 */


#include "http/ngx_http_token_storage.h"
#include "store/ngx_token_store.h"


#define NGX_HTTP_TOKEN_LOGIN_KEY  "/login.key"


static ngx_int_t ngx_http_token_storage_directory(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf, ngx_uid_t uid, ngx_gid_t gid);
static ngx_int_t ngx_http_token_storage_file(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf, const char *name, ngx_uid_t uid,
    ngx_gid_t gid);
static ngx_int_t ngx_http_token_storage_user(ngx_conf_t *cf, ngx_uid_t *uid,
    ngx_gid_t *gid);
static ngx_uint_t ngx_http_token_storage_writable(ngx_file_info_t *fi,
    ngx_uid_t uid, ngx_gid_t gid);
static ngx_int_t ngx_http_token_storage_key(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf);


ngx_int_t
ngx_http_token_storage_init(ngx_conf_t *cf, ngx_http_token_main_conf_t *mcf)
{
    char        err[NGX_MAX_CONF_ERRSTR];
    ngx_uid_t   uid;
    ngx_gid_t   gid;
    ngx_uint_t  i;

    static const char  *files[] = {
        "data.mdb", "lock.mdb", "live.mdb", "live.mdb-lock", "bell",
        "queue", NULL
    };

    if (mcf->path.len == 0) {

        if (!mcf->used && mcf->login_key_file.len) {
            return ngx_http_token_storage_key(cf, mcf);
        }

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "no \"token_store\" is defined, which "
                      "\"token_websocket\" and \"token_login\" need, "
                      "in %s:%ui", mcf->file, mcf->line);
        return NGX_ERROR;
    }

    if (ngx_http_token_storage_user(cf, &uid, &gid) != NGX_OK
        || ngx_http_token_storage_directory(cf, mcf, uid, gid) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; files[i]; i++) {
        if (ngx_http_token_storage_file(cf, mcf, files[i], uid, gid)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_token_store_probe((char *) mcf->path.data, err, sizeof(err))
        != NGX_TOKEN_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "the token store cannot be opened: %s in %s:%ui",
                      err, mcf->file, mcf->line);
        return NGX_ERROR;
    }

    return ngx_http_token_storage_key(cf, mcf);
}


static ngx_int_t
ngx_http_token_storage_directory(ngx_conf_t *cf,
    ngx_http_token_main_conf_t *mcf, ngx_uid_t uid, ngx_gid_t gid)
{
    u_char           *path;
    ngx_uint_t        made;
    ngx_file_info_t   fi;

    path = mcf->path.data;
    made = 1;

    if (ngx_create_dir(path, 0700) == NGX_FILE_ERROR) {
        made = 0;

        if (ngx_errno != NGX_EEXIST) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                          "the token store's directory \"%s\" cannot be made "
                          "in %s:%ui", path, mcf->file, mcf->line);
            return NGX_ERROR;
        }
    }

    if (made && geteuid() == 0 && chown((char *) path, uid, gid) == -1) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      "chown(\"%s\") failed in %s:%ui",
                      path, mcf->file, mcf->line);
        return NGX_ERROR;
    }

    if (ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      "the token store's directory \"%s\" cannot be read "
                      "in %s:%ui", path, mcf->file, mcf->line);
        return NGX_ERROR;
    }

    if (!ngx_is_dir(&fi)) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%s\" is not a directory in %s:%ui",
                      path, mcf->file, mcf->line);
        return NGX_ERROR;
    }

    if (!ngx_http_token_storage_writable(&fi, uid, gid)) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "the token store's directory \"%s\" belongs to user id "
                      "%ui and cannot be written by the worker processes, "
                      "which run as user id %ui, in %s:%ui",
                      path, (ngx_uint_t) fi.st_uid, (ngx_uint_t) uid,
                      mcf->file, mcf->line);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_token_storage_file(ngx_conf_t *cf, ngx_http_token_main_conf_t *mcf,
    const char *name, ngx_uid_t uid, ngx_gid_t gid)
{
    u_char           path[NGX_MAX_PATH];
    ngx_file_info_t  fi;

    (void) ngx_snprintf(path, sizeof(path), "%V/%s%Z", &mcf->path, name);
    path[sizeof(path) - 1] = '\0';

    if (ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
        return NGX_OK;
    }

    if (ngx_http_token_storage_writable(&fi, uid, gid)) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"%s\" of the token store belongs to user id %ui and "
                  "cannot be written by the worker processes, which run as "
                  "user id %ui, in %s:%ui",
                  path, (ngx_uint_t) fi.st_uid, (ngx_uint_t) uid,
                  mcf->file, mcf->line);

    return NGX_ERROR;
}


/* who the workers will be */

static ngx_int_t
ngx_http_token_storage_user(ngx_conf_t *cf, ngx_uid_t *uid, ngx_gid_t *gid)
{
    struct passwd    *pwd;
    ngx_core_conf_t  *ccf;

    *uid = geteuid();
    *gid = getegid();

    if (*uid != 0) {
        return NGX_OK;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);

    if (ccf->user != (ngx_uid_t) NGX_CONF_UNSET_UINT) {
        *uid = ccf->user;
        *gid = ccf->group;
        return NGX_OK;
    }

    /* the core sets its default after the http block is read */

    ngx_set_errno(0);
    pwd = getpwnam(NGX_USER);

    if (pwd == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      "getpwnam(\"" NGX_USER "\") failed");
        return NGX_ERROR;
    }

    *uid = pwd->pw_uid;
    *gid = pwd->pw_gid;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_token_storage_writable(ngx_file_info_t *fi, ngx_uid_t uid,
    ngx_gid_t gid)
{
    mode_t  need;

    if (uid == 0) {
        return 1;
    }

    need = ngx_is_dir(fi) ? 07 : 06;

    if (fi->st_uid == uid) {
        return (fi->st_mode & (need << 6)) == (need << 6);
    }

    if (fi->st_gid == gid) {
        return (fi->st_mode & (need << 3)) == (need << 3);
    }

    return (fi->st_mode & need) == need;
}


static ngx_int_t
ngx_http_token_storage_key(ngx_conf_t *cf, ngx_http_token_main_conf_t *mcf)
{
    u_char  *p;

    if (mcf->login_key_file.len) {
        return ngx_conf_full_name(cf->cycle, &mcf->login_key_file, 1);
    }

    p = ngx_pnalloc(cf->pool, mcf->path.len
                              + sizeof(NGX_HTTP_TOKEN_LOGIN_KEY));
    if (p == NULL) {
        return NGX_ERROR;
    }

    mcf->login_key_file.data = p;
    p = ngx_sprintf(p, "%V" NGX_HTTP_TOKEN_LOGIN_KEY "%Z", &mcf->path);
    mcf->login_key_file.len = p - mcf->login_key_file.data - 1;

    return NGX_OK;
}
