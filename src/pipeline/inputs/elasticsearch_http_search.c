/* SPDX-License-Identifier: Apache-2.0 */
/* elasticsearch_http_search.c: the elasticsearch input's searches in another process, by REST. */
#include "pipeline/inputs/elasticsearch_int.h"

#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"

#define REPLY_BYTES_MAX (512 * MIB)

static int reply_err(struct str body, int status, struct arena *mem, struct err *err)
{
    struct value root;
    const struct value *error = NULL, *reason = NULL;
    if (value_from_json(body, mem, &root, NULL) == 0)
        error = value_map_get_lit(&root, "error");
    if (error)
        reason = value_map_get_lit(error, "reason");
    struct str text = reason ? value_to_str(mem, reason) : str_sub(body, 0, 200);
    enum err_code code = status == 404                    ? ERR_INDEX_NOT_FOUND
                         : status == 401 || status == 403 ? ERR_AUTH
                                                          : ERR_NET;
    return err_set(err, code, "HTTP %d: " STR_FMT, status, STR_ARG(text));
}

/* One request to the host whose turn it is; its reply as a tree. */
static int request(struct es_input *es, const char *method, struct str path, struct str body,
                   struct arena *mem, struct value *ret_root, struct err *err)
{
    const struct http_host *host = &es->hosts_parsed[es->host_now];
    struct buf reply;
    int status = 0;
    buf_init(&reply, REPLY_BYTES_MAX);
    struct http_request http = {
        .method = method,
        .url = arena_printf(mem, STR_FMT STR_FMT, STR_ARG(host->base), STR_ARG(path)),
        .body = body,
        .content_type = STR("application/json"),
    };
    int rc = http_client_do(es->http, &http, &reply, &status, err);
    if (rc < 0)
        es->host_now = (es->host_now + 1) % es->host_count;
    else if (status < 200 || status > 299)
        rc = reply_err(buf_str(&reply), status, mem, err);
    else
        rc = value_from_json(arena_str(mem, buf_str(&reply)), mem, ret_root, err);
    buf_deinit(&reply);
    return rc;
}

static struct str json_text(const struct value *v, struct arena *mem)
{
    struct buf out;
    buf_init(&out, 0);
    value_to_json(v, &out);
    struct str text = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static struct str text_of(const struct value *hit, const char *key)
{
    const struct value *v = value_map_get(hit, str_from(key));
    return v && v->kind == VALUE_STR ? v->s : STR_NONE;
}

static int page_read(const struct value *root, struct arena *mem, struct es_in_page *ret_page,
                     struct err *err)
{
    const struct value *outer = value_map_get_lit(root, "hits"),
                       *hits = outer ? value_map_get_lit(outer, "hits") : NULL;
    if (!hits || hits->kind != VALUE_LIST)
        return err_set(err, ERR_NET, "the reply has no hits");
    ret_page->count = hits->list->count;
    ret_page->hits = ARENA_ARRAY(mem, struct es_in_hit, ret_page->count + 1);
    for (size_t i = 0; i < ret_page->count; i++) {
        const struct value *hit = &hits->list->items[i],
                           *source = value_map_get_lit(hit, "_source");
        const struct value *seq_no = value_map_get_lit(hit, "_seq_no");
        ret_page->hits[i] =
            (struct es_in_hit){text_of(hit, "_index"), text_of(hit, "_id"),
                               source ? json_text(source, mem) : STR("{}"),
                               seq_no && seq_no->kind == VALUE_INT ? seq_no->i : SEQ_NO_NONE};
    }
    return 0;
}

static int http_search(struct es_input *es, const struct value *body, struct arena *mem,
                       struct es_in_page *ret_page, struct err *err)
{
    struct value root;
    struct str path = arena_printf(mem, "/" STR_FMT "/_search", STR_ARG(es->index));
    TRY(request(es, "POST", path, json_text(body, mem), mem, &root, err));
    return page_read(&root, mem, ret_page, err);
}

static int scroll_read(struct es_input *es, const struct value *root, struct arena *mem,
                       struct es_in_page *ret_page, struct err *err)
{
    struct str id = text_of(root, "_scroll_id");
    if (id.n == 0)
        return err_set(err, ERR_NET, "the reply has no _scroll_id");
    buf_clear(&es->scroll_id);
    buf_add_str(&es->scroll_id, id);
    return page_read(root, mem, ret_page, err);
}

static int http_scroll_begin(struct es_input *es, const struct value *body, struct arena *mem,
                             struct es_in_page *ret_page, struct err *err)
{
    struct value root;
    struct str path = arena_printf(mem, "/" STR_FMT "/_search?scroll=" STR_FMT "&size=%lld",
                                   STR_ARG(es->index), STR_ARG(es->scroll), (long long)es->size);
    TRY(request(es, "POST", path, json_text(body, mem), mem, &root, err));
    return scroll_read(es, &root, mem, ret_page, err);
}

static struct str scroll_body(struct es_input *es, bool is_end, struct arena *mem)
{
    struct buf out;
    struct json_writer w;
    buf_init(&out, 0);
    json_writer_init(&w, &out, false);
    json_object_begin(&w);
    if (!is_end) {
        json_key_lit(&w, "scroll");
        json_str(&w, es->scroll);
    }
    json_key_lit(&w, "scroll_id");
    json_str(&w, buf_str(&es->scroll_id));
    json_object_end(&w);
    struct str text = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return text;
}

static int http_scroll_next(struct es_input *es, struct arena *mem, struct es_in_page *ret_page,
                            struct err *err)
{
    struct value root;
    TRY(request(es, "POST", STR("/_search/scroll"), scroll_body(es, false, mem), mem, &root, err));
    return scroll_read(es, &root, mem, ret_page, err);
}

static void http_scroll_end(struct es_input *es)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(MIB);
    struct value root;
    if (es->scroll_id.n) /* it expires by itself when this fails */
        (void)!request(es, "DELETE", STR("/_search/scroll"), scroll_body(es, true, mem), mem, &root,
                       NULL);
    buf_clear(&es->scroll_id);
}

/* The one index behind the name; sequence numbers of several shards have no common order. */
static int http_identity(struct es_input *es, struct arena *mem,
                         struct es_in_identity *ret_identity, struct err *err)
{
    struct value root;
    struct str path = arena_printf(mem, "/" STR_FMT "/_settings", STR_ARG(es->index));
    TRY(request(es, "GET", path, STR_NONE, mem, &root, err));
    if (root.kind != VALUE_MAP || root.map->count == 0)
        return err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]", STR_ARG(es->index));
    if (root.map->count > 1)
        return err_set(err, ERR_UNSUPPORTED,
                       "tracking follows one index, \"" STR_FMT "\" means %zu", STR_ARG(es->index),
                       root.map->count);
    const struct value *settings = value_map_get_lit(&root.map->values[0], "settings");
    const struct value *index = settings ? value_map_get_lit(settings, "index") : NULL;
    if (!index || index->kind != VALUE_MAP || text_of(index, "uuid").n == 0)
        return err_set(err, ERR_NET, "the settings of \"" STR_FMT "\" have no uuid",
                       STR_ARG(es->index));
    const struct value *shards = value_map_get_lit(index, "number_of_shards");
    if (shards && !str_is(value_to_str(mem, shards), "1"))
        return err_set(err, ERR_UNSUPPORTED,
                       "tracking needs an index of one shard, \"" STR_FMT "\" has " STR_FMT,
                       STR_ARG(es->index), STR_ARG(value_to_str(mem, shards)));
    *ret_identity = (struct es_in_identity){text_of(index, "uuid"), INT64_MAX};
    return 0;
}

const struct es_in_source es__in_http = {
    .search = http_search,
    .scroll_begin = http_scroll_begin,
    .scroll_next = http_scroll_next,
    .scroll_end = http_scroll_end,
    .identity = http_identity,
};
