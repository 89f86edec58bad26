/* SPDX-License-Identifier: Apache-2.0 */
/* console.c: :5601: the console's files out of the binary, and its small API (web/API.md): a door
 * to the REST API in process, the query bar's parser, status, the SQL archive, pipelines. */
#include "base/arena.h"
#include "base/str.h"
#include "index/engine.h"
#include "query/search.h"
#include "server/console_assets.h"
#include "server/server_int.h"

#define QUERY_TEXT_BYTES_MAX (64 * KIB)

static void json_begin(struct http_reply *reply, struct json_writer *w, int status)
{
    reply->status = status;
    reply->content_type = STR("application/json");
    http_reply_header(reply, STR("Cache-Control"), STR("no-store"));
    json_writer_init(w, &reply->body, false);
    json_object_begin(w);
}

static void fail(struct http_reply *reply, int status, struct str message)
{
    struct json_writer w;
    json_begin(reply, &w, status);
    json_key_lit(&w, "error");
    json_object_begin(&w);
    json_key_lit(&w, "message");
    json_str(&w, message);
    json_object_end(&w);
    json_object_end(&w);
}

/* ---- files ---- */

static const struct console_asset *asset_find(struct str path)
{
    for (size_t i = 0; i < console_asset_count; i++) {
        if (str_eq(path, str_from(console_assets[i].path)))
            return &console_assets[i];
    }
    return NULL;
}

static void not_built(struct http_reply *reply)
{
    reply->status = 503;
    reply->content_type = STR("text/plain; charset=utf-8");
    buf_add_str(&reply->body,
                STR("This binary was built without the console. Build it with: make build\n"));
}

static void send_asset(const struct http_request *req, const struct console_asset *asset,
                       struct http_reply *reply)
{
    http_reply_header(reply, STR("Cache-Control"),
                      asset->is_immutable ? STR("public, max-age=31536000, immutable")
                                          : STR("no-cache"));
    http_reply_header(reply, STR("ETag"), str_from(asset->etag));
    http_reply_header(reply, STR("X-Content-Type-Options"), STR("nosniff"));
    http_reply_header(reply, STR("Referrer-Policy"), STR("no-referrer"));
    http_reply_header(reply, STR("X-Frame-Options"), STR("SAMEORIGIN"));
    if (str_eq(http_header(req, "If-None-Match"), str_from(asset->etag))) {
        reply->status = 304;
        return;
    }
    reply->content_type = str_from(asset->content_type);
    reply->static_body =
        (struct str){(const char *)asset->gzip, (size_t)(asset->gzip_end - asset->gzip)};
    reply->is_gzip = true;
}

static void serve_file(const struct http_request *req, struct http_reply *reply)
{
    struct str path = str_is(req->path, "/") ? STR("/index.html") : req->path;
    const struct console_asset *asset = asset_find(path);
    if (asset)
        send_asset(req, asset, reply);
    else if (console_asset_count == 0 && str_is(path, "/index.html"))
        not_built(reply);
    else
        fail(reply, 404, STR("no such file"));
}

/* ---- /api/query/parse ---- */

/* The text with what the browser counts: UTF-16 units before a byte position. */
static int64_t utf16_units(struct str text, int64_t byte_off)
{
    int64_t units = 0;
    for (size_t i = 0; i < text.n && (int64_t)i < byte_off; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c & 0xC0) != 0x80)
            units += c >= 0xF0 ? 2 : 1;
    }
    return units;
}

static int lucene_to_dsl(struct str text, struct arena *mem, struct value *ret_query,
                         struct err *err)
{
    struct value inner = value_map(mem, 2), query = value_map(mem, 1), body = value_map(mem, 1);
    value_map_set(mem, &inner, STR("query"), value_str(text));
    value_map_set(mem, &inner, STR("analyze_wildcard"), value_bool(true));
    value_map_set(mem, &query, STR("query_string"), inner);
    value_map_set(mem, &body, STR("query"), query);
    struct search_request *request;
    TRY(search_parse(&body, 0, mem, &request, err));
    *ret_query = query;
    return 0;
}

static void parse_failed(struct http_reply *reply, struct str text, const struct err *err)
{
    struct json_writer w;
    json_begin(reply, &w, 400);
    json_key_lit(&w, "error");
    json_object_begin(&w);
    json_key_lit(&w, "message");
    json_str(&w, str_from(err->text));
    if (err->off >= 0) {
        json_key_lit(&w, "position");
        json_i64(&w, utf16_units(text, err->off));
        json_key_lit(&w, "length");
        json_i64(&w, 1);
    }
    json_object_end(&w);
    json_object_end(&w);
}

static void query_parse(const struct http_request *req, struct http_reply *reply)
{
    struct err err;
    struct value body, query;
    if (value_from_json(req->body, req->mem, &body, &err) < 0) {
        fail(reply, 400, str_from(err.text));
        return;
    }
    const struct value *text = value_map_get_lit(&body, "text"),
                       *language = value_map_get_lit(&body, "language");
    if (!text || text->kind != VALUE_STR || text->s.n > QUERY_TEXT_BYTES_MAX) {
        fail(reply, 400, STR("\"text\" must be a string of at most 64 KiB"));
        return;
    }
    bool is_lucene = language && language->kind == VALUE_STR && str_is(language->s, "lucene");
    int rc = 0;
    if (str_trim(text->s).n == 0) {
        query = value_map(req->mem, 1);
        value_map_set(req->mem, &query, STR("match_all"), value_map(req->mem, 0));
    } else if (is_lucene) {
        rc = lucene_to_dsl(text->s, req->mem, &query, &err);
    } else {
        rc = kql_to_dsl(text->s, req->mem, &query, &err);
    }
    if (rc < 0) {
        parse_failed(reply, text->s, &err);
        return;
    }
    struct json_writer w;
    json_begin(reply, &w, 200);
    json_key_lit(&w, "query");
    value_write_json(&query, &w);
    json_object_end(&w);
}

/* ---- /api/status ---- */

static uint64_t document_count(struct server *server, struct arena *mem)
{
    struct str *names;
    size_t count;
    uint64_t documents = 0;
    if (!server->config.engine ||
        engine_resolve(server->config.engine, STR("_all"), true, mem, &names, &count, NULL) < 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        struct index_stats s;
        if (engine_index_stats(server->config.engine, names[i], mem, &s, NULL) == 0)
            documents += s.doc_count;
    }
    return documents;
}

static void number(struct json_writer *w, const char *key, int64_t v)
{
    json_key(w, str_from(key));
    json_i64(w, v);
}

static void status(struct server *server, struct arena *mem, struct http_reply *reply)
{
    struct json_writer w;
    struct clock *clock = server->config.clock;
    json_begin(reply, &w, 200);
    json_key_lit(&w, "name");
    json_str(&w, STR("naru"));
    json_key_lit(&w, "version");
    json_str(&w, STR(NARU_VERSION));
    number(&w, "uptime_ms", (clock_monotonic_ns(clock) - server->rest.started_ns) / NS_PER_MS);
    number(&w, "now_ms", clock_wall_ns(clock) / NS_PER_MS);
    number(&w, "documents", (int64_t)document_count(server, mem));
    if (server->config.archive_url.n) {
        int64_t windows = archive_row_count(server, true), ticks = archive_row_count(server, false);
        if (windows >= 0)
            number(&w, "windows", windows);
        if (windows >= 0 || ticks >= 0)
            number(&w, "archive_rows", MAX_OF(windows, (int64_t)0) + MAX_OF(ticks, (int64_t)0));
    }
    if (server->config.status_write)
        server->config.status_write(server->config.status_owner, &w);
    json_key_lit(&w, "archive");
    archive_status_write(server, &w);
    json_object_end(&w);
}

/* ---- doors ---- */

static void pass_to_rest(struct server *server, struct http_request *req, struct http_reply *reply)
{
    struct rest_reply result;
    if (!server->config.engine) {
        fail(reply, 404, STR("this process has no engine"));
        return;
    }
    struct str path = str_from_off(req->path, strlen("/api/es"));
    struct rest_client client = {.is_gone = http_client_is_gone, .owner = req};
    rest_run(&server->rest, req->method, path.n ? path : STR("/"), req->query, req->body, &client,
             req->mem, &reply->body, &result);
    reply->status = result.status;
    reply->content_type = result.content_type;
    http_reply_header(reply, STR("Cache-Control"), STR("no-store"));
}

static void pipelines(struct server *server, struct http_reply *reply)
{
    struct json_writer w;
    json_begin(reply, &w, 200);
    monitoring_pipelines_write(server, &w);
    json_object_end(&w);
}

/* A request that a foreign page sends carries that page's origin. */
static bool origin_is_ours(const struct http_request *req)
{
    struct str origin = http_header(req, "Origin"), host = http_header(req, "Host");
    if (!origin.p)
        return true;
    ptrdiff_t at = str_find(origin, STR("://"));
    return at > 0 && str_eq(str_from_off(origin, (size_t)at + 3), host);
}

void console_handle(void *owner, struct http_request *req, struct http_reply *reply)
{
    struct server *server = owner;
    bool is_get = str_is(req->method, "GET") || str_is(req->method, "HEAD");
    if (!server_host_is_ours(server, req) || !origin_is_ours(req))
        fail(reply, 403, STR("this server answers to its own name and pages only"));
    else if (!str_starts_with(req->path, STR("/api/")) && !is_get)
        fail(reply, 405, STR("files are read only: use GET"));
    else if (!str_starts_with(req->path, STR("/api/")))
        serve_file(req, reply);
    else if (str_starts_with(req->path, STR("/api/es/")))
        pass_to_rest(server, req, reply);
    else if (str_is(req->path, "/api/query/parse") && str_is(req->method, "POST"))
        query_parse(req, reply);
    else if (str_is(req->path, "/api/status") && is_get)
        status(server, req->mem, reply);
    else if (str_is(req->path, "/api/pipelines") && is_get)
        pipelines(server, reply);
    else if (str_starts_with(req->path, STR("/api/archive/")) && is_get)
        archive_reply(server, str_from_off(req->path, strlen("/api/archive/")), req->query,
                      req->mem, reply);
    else
        fail(reply, 404, STR("no such place"));
}
