/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: allow test: inputs/elasticsearch_test.c has the input and the output together */
/* elasticsearch.c: writes events as documents to Elasticsearch, or to the engine of this very
 * process when a host is its address: then the batch goes over in memory, without HTTP. Option
 * names and retry rules are those of Logstash's output 10.8: a refused request is tried again for
 * ever with growing waits; of an accepted one, 409 is done, 400 and 404 go to the dead letters,
 * everything else is tried again alone.
 *
 * Delivered once: where the configuration names no id, the document gets one that belongs to the
 * event: [@metadata][_id] as Filebeat and naru ship send it, or the event's origin (file and
 * offset, index and sequence number). It is written with op create, so a batch that comes a second
 * time finds its documents there (409) and changes nothing. */
#include "pipeline/outputs/elasticsearch_int.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"
#include "codec/json.h"
#include "os/os.h"
#include "pipeline/registry.h"

#define BULK_BYTES_MAX   (20 * MIB) /* one request, as Logstash cuts them */
#define BODIES_BYTES_MAX (2 * GIB)
#define ID_BYTES         22u
#define DEFAULT_PORT     9200u

static const char *const version_types[] = {"internal", "external", "external_gt", "external_gte",
                                            NULL};

#define IGNORED(option, why)                                                                       \
    OPT_VALUE(struct es_output, ignored, .name = option, .flags = OPT_OBSOLETE, .help = why)

static const struct opt es_opts[] = {
    OPT_LIST(struct es_output, hosts,
             .help =
                 "Addresses, as [\"http://localhost:9200\"]; this process's own means its engine."),
    OPT_STR(struct es_output, index, .dflt = "logstash-%{+yyyy.MM.dd}",
            .help = "Index; may hold fields and dates."),
    OPT_STR(struct es_output, document_id, .help = "Id of the document; may hold fields."),
    OPT_STR(struct es_output, action, .dflt = "index",
            .help = "index, create, update, delete, or a field that says so."),
    OPT_STR(struct es_output, routing, .help = "Routing value; may hold fields."),
    OPT_STR(struct es_output, pipeline,
            .help = "Ingest pipeline of an Elasticsearch; none when empty."),
    OPT_STR(struct es_output, version, .help = "Version of the document; may hold fields."),
    OPT_ENUM(struct es_output, version_type, .choices = version_types, .dflt = "internal",
             .help = "How versions compare."),
    OPT_BOOL(struct es_output, doc_as_upsert, .dflt = "false",
             .help = "update: the event is the new document when there is none."),
    OPT_STR(struct es_output, upsert,
            .help = "update: JSON of the new document when there is none."),
    OPT_INT(struct es_output, retry_on_conflict, .dflt = "1", .min = 0, .max = 1000,
            .help = "Tries of an update after a conflict."),
    OPT_INT(struct es_output, retry_initial_interval, .dflt = "2", .min = 1, .max = 3600,
            .help = "First wait, seconds."),
    OPT_INT(struct es_output, retry_max_interval, .dflt = "64", .min = 1, .max = 3600,
            .help = "Longest wait, seconds."),
    OPT_INT(struct es_output, timeout, .dflt = "60", .min = 1, .max = 3600,
            .help = "Longest request, seconds."),
    OPT_STR(struct es_output, user, .help = "User name for HTTP."),
    OPT_STR(struct es_output, password, .flags = OPT_SECRET, .help = "Password for HTTP."),
    OPT_BOOL(struct es_output, ssl, .dflt = "false", .help = "https for hosts that do not say."),
    OPT_BOOL(struct es_output, ssl_certificate_verification, .dflt = "true",
             .help = "false takes any certificate."),
    OPT_STR(struct es_output, cacert, .help = "File with the certificate authority."),
    OPT_STR(struct es_output, path, .help = "Path in front of /_bulk, for a proxy."),
    OPT_STR(struct es_output, bulk_path, .help = "Path instead of /_bulk."),
    OPT_BOOL(struct es_output, http_compression, .dflt = "false", .help = "gzip requests."),
    OPT_LIST(struct es_output, failure_type_logging_whitelist,
             .help = "Error types that are not logged."),
    IGNORED("manage_template", "Templates are not installed; naru's engine needs none."),
    IGNORED("template", "Templates are not installed: PUT it yourself."),
    IGNORED("template_name", "Templates are not installed."),
    IGNORED("template_overwrite", "Templates are not installed."),
    IGNORED("ilm_enabled", "No lifecycle policy is installed."),
    IGNORED("ilm_rollover_alias", "No lifecycle policy is installed; index is used."),
    IGNORED("ilm_pattern", "No lifecycle policy is installed."),
    IGNORED("ilm_policy", "No lifecycle policy is installed."),
    IGNORED("document_type", "Types went with Elasticsearch 7."),
    IGNORED("sniffing", "Only the configured hosts are used."),
    IGNORED("sniffing_delay", "Only the configured hosts are used."),
    IGNORED("sniffing_path", "Only the configured hosts are used."),
    IGNORED("resurrect_delay", "A host that failed is tried again at its turn."),
    IGNORED("pool_max", "One connection a host."),
    IGNORED("pool_max_per_route", "One connection a host."),
    IGNORED("validate_after_inactivity", "A stale connection is replaced by itself."),
    IGNORED("healthcheck_path", "Hosts are not probed."),
    IGNORED("ecs_compatibility", "Documents are written as they are."),
    OPT_END,
};

/* ---- settings ---- */

static int template_of(struct es_output *es, struct str text, struct sprintf_template **ret_t,
                       struct err *err)
{
    *ret_t = NULL;
    return text.n ? sprintf_compile(es->plugin->mem, text, ret_t, err) : 0;
}

static int hosts_parse(struct es_output *es, struct err *err)
{
    struct arena *mem = es->plugin->mem;
    const struct plugin_env *env = es->plugin->env;
    if (es->hosts.kind != VALUE_LIST || es->hosts.list->count == 0) {
        es->hosts = value_list(mem, 1);
        value_list_add(mem, &es->hosts, value_str(STR("127.0.0.1")));
    }
    es->hosts_parsed = ARENA_ARRAY(mem, struct http_host, es->hosts.list->count);
    for (size_t i = 0; i < es->hosts.list->count; i++) {
        const struct value *v = &es->hosts.list->items[i];
        struct http_host *host = &es->hosts_parsed[es->host_count];
        if (http_host_parse(value_to_str(mem, v), DEFAULT_PORT, es->ssl, mem, host, err) < 0)
            return plugin_err_at(es->plugin, v->pos, err);
        es->is_engine |= env->engine && host->is_loopback && host->port == env->engine_http_port;
        es->host_count++;
    }
    return 0;
}

static bool es_is_stopping(void *owner)
{
    struct es_output *es = owner;
    return es->output && output_is_stopping(es->output);
}

static int action_check(struct es_output *es, struct err *err)
{
    static const char *const known[] = {"index", "create", "update", "delete", NULL};
    if (!sprintf_is_constant(es->action_t))
        return 0;
    for (size_t i = 0; known[i]; i++)
        if (str_eq(es->action, str_from(known[i])))
            return 0;
    const char *near = name_nearest(known, es->action);
    return err_set(
        err, ERR_CONFIG, "action \"" STR_FMT "\" is none of index, create, update, delete%s%s%s",
        STR_ARG(es->action), near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int es_init(void *self, struct plugin *plugin, struct err *err)
{
    struct es_output *es = self;
    es->plugin = plugin;
    TRY(template_of(es, es->index, &es->index_t, err));
    TRY(template_of(es, es->document_id, &es->id_t, err));
    TRY(template_of(es, es->action, &es->action_t, err));
    TRY(template_of(es, es->routing, &es->routing_t, err));
    TRY(template_of(es, es->pipeline, &es->pipeline_t, err));
    TRY(template_of(es, es->version, &es->version_t, err));
    TRY(template_of(es, es->upsert, &es->upsert_t, err));
    if (!es->index_t || !es->action_t)
        return err_set(err, ERR_CONFIG, "index and action must not be empty");
    TRY(action_check(es, err));
    bool needs_id = sprintf_is_constant(es->action_t) &&
                    (str_is(es->action, "update") || str_is(es->action, "delete"));
    if (needs_id && !es->id_t)
        return err_set(err, ERR_CONFIG, "action \"" STR_FMT "\" needs document_id",
                       STR_ARG(es->action));
    TRY(hosts_parse(es, err));
    es->id_seed = os_entropy_u64();
    es->send = es->is_engine ? es__send_engine : es__send_http;
    if (!es->is_engine)
        es->http = http_client_new(
            &(struct http_client_config){.user = es->user,
                                         .password = es->password,
                                         .ca_file = es->cacert,
                                         .is_tls_unverified = !es->ssl_certificate_verification,
                                         .timeout_ns = es->timeout * NS_PER_S,
                                         .is_stopping = es_is_stopping,
                                         .owner = es});
    return 0;
}

static void es_deinit(void *self)
{
    struct es_output *es = self;
    http_client_free(es->http);
}

/* ---- events to actions ---- */

static struct str text_of(const struct sprintf_template *t, const struct event *ev,
                          struct arena *mem)
{
    return t ? sprintf_text(t, ev, mem) : STR_NONE;
}

/* 128 bits in 22 characters of the URL-safe base 64 alphabet. */
static struct str id_text(struct arena *mem, uint64_t high, uint64_t low)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *p = arena_alloc(mem, ID_BYTES);
    unsigned __int128 v = (unsigned __int128)high << 64 | low;
    for (size_t i = 0; i < ID_BYTES; i++, v >>= 6)
        p[i] = letters[(unsigned)v & 63];
    return (struct str){p, ID_BYTES};
}

/* The id that belongs to the event wherever it is delivered from again, or one made here that at
 * least a repeated request over HTTP keeps. The engine makes its own better ones. */
static void stable_id(struct es_output *es, struct es_action *action, struct arena *mem)
{
    const struct event *ev = action->ev;
    const struct value *id = value_map_get_lit(&ev->metadata, "_id");
    if (id && id->kind == VALUE_STR && id->s.n) {
        action->id = id->s;
    } else if (ev->origin.source) {
        action->id = id_text(mem, ev->origin.source, ev->origin.position);
    } else if (!es->is_engine) {
        es->id_next++;
        action->id =
            id_text(mem, hash_u64(es->id_seed + es->id_next), hash_u64(~es->id_seed ^ es->id_next));
    } else {
        return;
    }
    action->has_stable_id = true;
    action->op = DOC_CREATE;
}

static int op_parse(struct str text, enum doc_op *ret_op, struct err *err)
{
    if (str_is(text, "index"))
        *ret_op = DOC_INDEX;
    else if (str_is(text, "create"))
        *ret_op = DOC_CREATE;
    else if (str_is(text, "update"))
        *ret_op = DOC_UPDATE;
    else if (str_is(text, "delete"))
        *ret_op = DOC_DELETE;
    else
        return err_set(err, ERR_INVALID,
                       "action \"" STR_FMT "\" is none of index, create, update, delete",
                       STR_ARG(text));
    return 0;
}

static int version_parse(struct es_output *es, struct es_action *action, struct arena *mem,
                         struct err *err)
{
    static const enum version_type types[] = {VERSION_INTERNAL, VERSION_EXTERNAL, VERSION_EXTERNAL,
                                              VERSION_EXTERNAL_GTE};
    if (!es->version_t)
        return 0;
    struct str text = sprintf_text(es->version_t, action->ev, mem);
    if (!str_to_i64(text, &action->version))
        return err_set(err, ERR_INVALID, "version \"" STR_FMT "\" is no number", STR_ARG(text));
    action->version_type = types[es->version_type];
    action->has_version = true;
    return 0;
}

static int body_write(struct es_output *es, struct es_action *action, struct arena *mem,
                      struct buf *bodies, struct err *err)
{
    action->source_off = bodies->n;
    if (action->op == DOC_UPDATE) {
        buf_add_lit(bodies, "{\"doc\":");
        event_to_json(action->ev, bodies);
        if (es->doc_as_upsert)
            buf_add_lit(bodies, ",\"doc_as_upsert\":true");
        struct str upsert = text_of(es->upsert_t, action->ev, mem);
        if (upsert.n && json_validate(upsert, err) < 0)
            return err_wrap(err, "upsert");
        if (upsert.n) {
            buf_add_lit(bodies, ",\"upsert\":");
            TRY(json_minify(upsert, bodies, err));
        }
        buf_add_char(bodies, '}');
    } else if (action->op != DOC_DELETE) {
        event_to_json(action->ev, bodies);
    }
    action->source_n = bodies->n - action->source_off;
    return 0;
}

static int action_make(struct es_output *es, const struct event *ev, struct arena *mem,
                       struct buf *bodies, struct es_action *action, struct err *err)
{
    *action = (struct es_action){.ev = ev};
    TRY(op_parse(sprintf_is_constant(es->action_t) ? es->action
                                                   : sprintf_text(es->action_t, ev, mem),
                 &action->op, err));
    action->index =
        sprintf_is_constant(es->index_t) ? es->index : sprintf_text(es->index_t, ev, mem);
    action->id = text_of(es->id_t, ev, mem);
    action->routing = text_of(es->routing_t, ev, mem);
    action->ingest_pipeline = text_of(es->pipeline_t, ev, mem);
    if (!es->id_t && (action->op == DOC_INDEX || action->op == DOC_CREATE))
        stable_id(es, action, mem);
    if ((action->op == DOC_UPDATE || action->op == DOC_DELETE) && action->id.n == 0)
        return err_set(err, ERR_INVALID, "the document's id is empty, update and delete need one");
    TRY(version_parse(es, action, mem, err));
    return body_write(es, action, mem, bodies, err);
}

/* ---- the engine of this process ---- */

int es__send_engine(struct es_output *es, struct es_action *const *actions, size_t count,
                    const struct buf *bodies, struct arena *mem, struct err *err)
{
    struct doc_write *writes = ARENA_ARRAY(mem, struct doc_write, count);
    struct doc_result *results = ARENA_ARRAY(mem, struct doc_result, count);
    for (size_t i = 0; i < count; i++) {
        const struct es_action *a = actions[i];
        writes[i] = DOC_WRITE_INIT;
        writes[i].op = a->op;
        writes[i].index = a->index;
        writes[i].id = a->id;
        writes[i].routing = a->routing;
        writes[i].source = str_sub((struct str){bodies->p, bodies->n}, a->source_off, a->source_n);
        writes[i].version = a->version;
        writes[i].version_type = a->version_type;
    }
    TRY(engine_write(es->plugin->env->engine, writes, count, REFRESH_NONE, mem, results, err));
    for (size_t i = 0; i < count; i++) {
        actions[i]->status = results[i].status;
        if (results[i].err)
            actions[i]->reason = arena_printf(mem, "%s: %s", err_es_type(results[i].err->code),
                                              results[i].err->text);
        else if (results[i].status > 299)
            actions[i]->reason = STR("not_found");
    }
    return 0;
}

/* ---- batches ---- */

static bool is_whitelisted(const struct es_output *es, struct str reason)
{
    const struct value *list = &es->failure_type_logging_whitelist;
    for (size_t i = 0; list->kind == VALUE_LIST && i < list->list->count; i++)
        if (list->list->items[i].kind == VALUE_STR &&
            str_starts_with(reason, list->list->items[i].s))
            return true;
    return false;
}

/* True when the action is over: delivered, or in the dead letters. */
static bool action_is_done(struct es_output *es, struct output *output,
                           const struct es_action *action)
{
    struct err why;
    int status = action->status;
    if (status >= 200 && status < 300)
        return true;
    if (status == 409) {
        if (!action->has_stable_id && !is_whitelisted(es, action->reason))
            plugin_warn(es->plugin, "document \"" STR_FMT "\": " STR_FMT "; left as it is",
                        STR_ARG(action->id), STR_ARG(action->reason));
        return true;
    }
    if (status == 404 && action->op == DOC_DELETE)
        return true; /* DEVIATES: what should go is gone; Logstash makes it a dead letter */
    if (status == 400 || status == 404) {
        (void)err_set(&why, ERR_INVALID, "%d " STR_FMT, status, STR_ARG(action->reason));
        output_dead_letter(output, action->ev, &why);
        return true;
    }
    return false;
}

/* Sends until every action is over. */
static int actions_send(struct es_output *es, struct output *output, struct es_action **actions,
                        size_t count, const struct buf *bodies, struct arena *mem, struct err *err)
{
    for (unsigned attempt = 0; count; attempt++) {
        struct err why;
        int rc = es->send(es, actions, count, bodies, mem, &why);
        size_t left = 0;
        struct str reason = rc < 0 ? str_from(why.text) : STR_NONE;
        for (size_t i = 0; rc == 0 && i < count; i++) {
            if (action_is_done(es, output, actions[i]))
                continue;
            reason = actions[i]->reason;
            actions[left++] = actions[i];
        }
        if (rc == 0 && left == 0)
            return 0;
        count = rc < 0 ? count : left;
        if (rc != -ERR_SHUTDOWN)
            plugin_warn(es->plugin, "%zu documents were not taken: " STR_FMT "; trying again",
                        count, STR_ARG(reason));
        if (!output_backoff(output, attempt, es->retry_initial_interval * NS_PER_S,
                            es->retry_max_interval * NS_PER_S))
            return err_set(err, ERR_SHUTDOWN, "the pipeline stops");
    }
    return 0;
}

static int es_write(void *self, struct output *output, const struct output_batch *batch,
                    struct err *err)
{
    struct es_output *es = self;
    es->output = output;
    struct es_action *items = ARENA_ARRAY(batch->mem, struct es_action, batch->count);
    struct es_action **actions = ARENA_ARRAY(batch->mem, struct es_action *, batch->count);
    struct buf bodies;
    buf_init(&bodies, BODIES_BYTES_MAX);
    int rc = 0;
    size_t count = 0;
    for (size_t i = 0; i < batch->count && rc == 0; i++) {
        struct err why;
        if (action_make(es, batch->events[i], batch->mem, &bodies, &items[i], &why) < 0)
            output_dead_letter(output, batch->events[i], &why);
        else
            actions[count++] = &items[i];
        if (bodies.n < BULK_BYTES_MAX && i + 1 < batch->count)
            continue;
        rc = actions_send(es, output, actions, count, &bodies, batch->mem, err);
        count = 0;
        buf_clear(&bodies);
    }
    buf_deinit(&bodies);
    return rc;
}

const struct output_type output_elasticsearch = {
    .name = "elasticsearch",
    .summary = "Write events as documents, to this process's engine or to an Elasticsearch.",
    .since = "0.1",
    .opts = es_opts,
    .size = sizeof(struct es_output),
    .batch_count_max = 5000,
    .init = es_init,
    .write = es_write,
    .deinit = es_deinit,
};
