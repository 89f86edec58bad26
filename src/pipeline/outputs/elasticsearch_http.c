/* SPDX-License-Identifier: Apache-2.0 */
/* elasticsearch_http.c: the elasticsearch output's way to another process: POST _bulk, the reply's
 * items matched to the actions by their order. A host that cannot be reached gives way to the next.
 */
#include "pipeline/outputs/elasticsearch_int.h"

#include "base/buf.h"
#include "base/str.h"
#include "codec/compress.h"
#include "codec/json.h"

#define REPLY_BYTES_MAX (256 * MIB)
#define GZIP_LEVEL      3 /* as Logstash's client: most of the gain for little time */

static const char *op_name(enum doc_op op)
{
    static const char *const names[] = {"index", "create", "update", "delete"};
    return names[op];
}

static void member(struct json_writer *w, const char *key, struct str v)
{
    if (v.n == 0)
        return;
    json_key(w, str_from(key));
    json_str(w, v);
}

static void action_line(const struct es_output *es, const struct es_action *a, struct buf *out)
{
    static const char *const types[] = {"internal", "external", "external_gte"};
    struct json_writer w;
    json_writer_init(&w, out, false);
    json_object_begin(&w);
    json_key(&w, str_from(op_name(a->op)));
    json_object_begin(&w);
    member(&w, "_index", a->index);
    member(&w, "_id", a->id);
    member(&w, "routing", a->routing);
    member(&w, "pipeline", a->ingest_pipeline);
    if (a->has_version) {
        json_key_lit(&w, "version");
        json_i64(&w, a->version);
        json_key_lit(&w, "version_type");
        json_str(&w, str_from(types[a->version_type]));
    }
    if (a->op == DOC_UPDATE && es->retry_on_conflict) {
        json_key_lit(&w, "retry_on_conflict");
        json_i64(&w, es->retry_on_conflict);
    }
    json_object_end(&w);
    json_object_end(&w);
    buf_add_char(out, '\n');
}

static int item_read(const struct value *item, struct es_action *action, struct arena *mem,
                     struct err *err)
{
    bool is_item =
        item->kind == VALUE_MAP && item->map->count == 1 && item->map->values[0].kind == VALUE_MAP;
    const struct value *status =
        is_item ? value_map_get_lit(&item->map->values[0], "status") : NULL;
    if (!status || status->kind != VALUE_INT)
        return err_set(err, ERR_NET, "the reply to _bulk has an item without status");
    action->status = (int)status->i;
    const struct value *error = value_map_get_lit(&item->map->values[0], "error");
    if (error && error->kind == VALUE_MAP) {
        const struct value *type = value_map_get_lit(error, "type"),
                           *reason = value_map_get_lit(error, "reason");
        struct str type_text = type ? value_to_str(mem, type) : STR(""),
                   text = reason ? value_to_str(mem, reason) : STR("");
        action->reason = arena_printf(mem, STR_FMT ": " STR_FMT, STR_ARG(type_text), STR_ARG(text));
    } else {
        action->reason = error ? value_to_str(mem, error) : STR("no reason given");
    }
    return 0;
}

static int reply_read(struct str body, struct es_action *const *actions, size_t count,
                      struct arena *mem, struct err *err)
{
    struct value root;
    TRY(value_from_json(body, mem, &root, err));
    const struct value *items = value_map_get_lit(&root, "items");
    if (!items || items->kind != VALUE_LIST || items->list->count != count)
        return err_set(err, ERR_NET, "the reply to _bulk has %zu items, not %zu",
                       items && items->kind == VALUE_LIST ? items->list->count : 0, count);
    for (size_t i = 0; i < count; i++)
        TRY(item_read(&items->list->items[i], actions[i], mem, err));
    return 0;
}

static int bulk_post(struct es_output *es, struct str body, struct buf *reply, struct arena *mem,
                     struct err *err)
{
    const struct http_host *host = &es->hosts_parsed[es->host_now];
    struct str path = es->bulk_path.n ? es->bulk_path : STR("/_bulk");
    struct http_request request = {
        .method = "POST",
        .url = arena_printf(mem, STR_FMT STR_FMT STR_FMT, STR_ARG(host->base), STR_ARG(es->path),
                            STR_ARG(path)),
        .body = body,
        .content_type = STR("application/x-ndjson"),
        .is_gzip = es->http_compression,
    };
    int status = 0;
    int rc = http_client_do(es->http, &request, reply, &status, err);
    if (rc == 0 && status != 200)
        rc = err_set(err, status == 401 || status == 403 ? ERR_AUTH : ERR_NET,
                     STR_FMT " answered HTTP %d: " STR_FMT, STR_ARG(request.url), status,
                     STR_ARG(str_sub(buf_str(reply), 0, 300)));
    if (rc < 0)
        es->host_now = (es->host_now + 1) % es->host_count;
    return rc;
}

int es__send_http(struct es_output *es, struct es_action *const *actions, size_t count,
                  const struct buf *bodies, struct arena *mem, struct err *err)
{
    struct buf body, packed, reply;
    buf_init(&body, 0);
    buf_init(&packed, 0);
    buf_init(&reply, REPLY_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        action_line(es, actions[i], &body);
        if (actions[i]->op == DOC_DELETE)
            continue;
        buf_add(&body, bodies->p + actions[i]->source_off, actions[i]->source_n);
        buf_add_char(&body, '\n');
    }
    int rc = 0;
    if (es->http_compression)
        rc = deflate_bytes(buf_str(&body), DEFLATE_GZIP, GZIP_LEVEL, &packed, err);
    if (rc == 0)
        rc = bulk_post(es, es->http_compression ? buf_str(&packed) : buf_str(&body), &reply, mem,
                       err);
    if (rc == 0)
        rc = reply_read(buf_str(&reply), actions, count, mem, err);
    buf_deinit(&body);
    buf_deinit(&packed);
    buf_deinit(&reply);
    return rc;
}
