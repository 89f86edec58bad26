/* SPDX-License-Identifier: Apache-2.0 */
/* elasticsearch.c: reads documents out of Elasticsearch, or out of the engine of this very process
 * when a host is its address (no HTTP then). Three ways:
 *
 *   once or by `schedule`   the query's hits, all of them by scroll. A `size` in the query's body
 * limits the total; in Logstash it is only overridden by the page size (DEVIATES: what its users
 * meant). tracking => "_seq_no"   follows one index: every document written or changed since the
 * last one delivered, in the order of writing, for ever. The position is kept over restarts and
 * moves only over batches that every output has. Events carry their origin (index, sequence
 * number), so that windows and stable ids count a document once however often it is delivered. An
 * extension of naru. */
#include "pipeline/inputs/elasticsearch_int.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "codec/json.h"
#include "os/os.h"
#include "pipeline/registry.h"
#include "text/timezone.h"

#define DEFAULT_PORT   9200u
#define RETRY_FIRST_NS (1 * NS_PER_S)
#define RETRY_MAX_NS   (30 * NS_PER_S)
#define SAVE_NS        (1 * NS_PER_S)
#define FLIGHT_WAIT_NS (10 * NS_PER_MS)
#define PAGE_BYTES_MAX (1 * GIB)
#define TRACKING_PAGE                                                                              \
    5000 /* documents, when size is not given: each page is one search over the index */

static const struct opt es_in_opts[] = {
    OPT_LIST(struct es_input, hosts,
             .help =
                 "Addresses, as [\"http://localhost:9200\"]; this process's own means its engine."),
    OPT_STR(struct es_input, index, .dflt = "logstash-*", .help = "Index, list or pattern."),
    OPT_STR(struct es_input, query, .dflt = "{\"sort\": [\"_doc\"]}",
            .help = "Body of the search; a size in it limits the total."),
    OPT_INT(struct es_input, size, .dflt = "1000", .min = 1, .max = ES_IN_PAGE_MAX,
            .help = "Hits a page."),
    OPT_INT(struct es_input, limit, .dflt = "0", .min = 0, .max = INT64_MAX,
            .help = "Most events a run; 0: all."),
    OPT_STR(struct es_input, scroll, .dflt = "1m",
            .help = "How long a scroll is kept between pages."),
    OPT_INT(struct es_input, slices, .dflt = "1", .min = 1, .max = 1024, .flags = OPT_OBSOLETE,
            .help = "One thread reads."),
    OPT_STR(struct es_input, schedule,
            .help = "Cron line, \"every 10m\" or \"in 30s\"; without it the query runs once."),
    OPT_STR(struct es_input, tracking,
            .help = "\"_seq_no\": follow the index on, with a position kept over restarts."),
    OPT_DURATION(struct es_input, interval, .dflt = "1s", .min = NS_PER_MS, .max = 3600 * NS_PER_S,
                 .help = "tracking: wait between looks when there is nothing new."),
    OPT_BOOL(struct es_input, docinfo, .dflt = "false",
             .help = "Adds index, type and id of the document."),
    OPT_STR(struct es_input, docinfo_target, .dflt = "@metadata", .help = "Where docinfo goes."),
    OPT_LIST(struct es_input, docinfo_fields, .help = "Which: _index, _type, _id."),
    OPT_STR(struct es_input, target,
            .help = "Field for the document; else its fields are the event's."),
    OPT_STR(struct es_input, user, .help = "User name for HTTP."),
    OPT_STR(struct es_input, password, .flags = OPT_SECRET, .help = "Password for HTTP."),
    OPT_BOOL(struct es_input, ssl, .dflt = "false", .help = "https for hosts that do not say."),
    OPT_STR(struct es_input, ca_file, .help = "File with the certificate authority."),
    OPT_INT(struct es_input, connect_timeout_seconds, .dflt = "10", .min = 1, .max = 3600,
            .flags = OPT_OBSOLETE, .help = "10 s."),
    OPT_INT(struct es_input, request_timeout_seconds, .dflt = "60", .min = 1, .max = 3600,
            .help = "Longest request."),
    OPT_INT(struct es_input, socket_timeout_seconds, .dflt = "60", .min = 1, .max = 3600,
            .flags = OPT_OBSOLETE, .help = "See request_timeout_seconds."),
    OPT_END,
};

/* ---- settings ---- */

static int option_err(struct es_input *es, const char *name, struct err *err)
{
    const struct value *v = value_map_get(&es->plugin->settings, str_from(name));
    (void)err_wrap(err, "%s", name);
    return v ? plugin_err_at(es->plugin, v->pos, err) : -(int)err->code;
}

static int query_parse(struct es_input *es, struct err *err)
{
    if (value_from_json(es->query, es->plugin->mem, &es->body, err) < 0)
        return option_err(es, "query", err);
    if (es->body.kind != VALUE_MAP) {
        (void)err_set(err, ERR_CONFIG, "a JSON object is wanted");
        return option_err(es, "query", err);
    }
    const struct value *size = value_map_get_lit(&es->body, "size");
    es->has_body_size = size != NULL;
    if (size && (size->kind != VALUE_INT || size->i < 0 || size->i > ES_IN_PAGE_MAX)) {
        (void)err_set(err, ERR_CONFIG, "size must be 0 to %d", ES_IN_PAGE_MAX);
        return option_err(es, "query", err);
    }
    if (size && es->tracking.n) {
        (void)err_set(err, ERR_CONFIG, "size has no place beside tracking, which reads all");
        return option_err(es, "query", err);
    }
    return 0;
}

static int docinfo_parse(struct es_input *es, struct err *err)
{
    struct arena *mem = es->plugin->mem;
    es->doc_index = es->doc_type = es->doc_id = es->docinfo_fields.kind != VALUE_LIST;
    for (size_t i = 0; es->docinfo_fields.kind == VALUE_LIST && i < es->docinfo_fields.list->count;
         i++) {
        struct str name = value_to_str(mem, &es->docinfo_fields.list->items[i]);
        es->doc_index |= str_is(name, "_index");
        es->doc_type |= str_is(name, "_type");
        es->doc_id |= str_is(name, "_id");
    }
    es->has_docinfo_target =
        !str_is(es->docinfo_target, "@metadata") && !str_is(es->docinfo_target, "[@metadata]");
    if (es->has_docinfo_target &&
        field_path_parse(mem, es->docinfo_target, &es->docinfo_path, err) < 0)
        return option_err(es, "docinfo_target", err);
    es->has_target = es->target.n > 0;
    if (es->has_target && field_path_parse(mem, es->target, &es->target_path, err) < 0)
        return option_err(es, "target", err);
    return 0;
}

static int hosts_parse(struct es_input *es, struct err *err)
{
    struct arena *mem = es->plugin->mem;
    const struct plugin_env *env = es->plugin->env;
    if (es->hosts.kind != VALUE_LIST || es->hosts.list->count == 0) {
        es->hosts = value_list(mem, 1);
        value_list_add(mem, &es->hosts, value_str(STR("localhost")));
    }
    es->source = &es__in_http;
    es->hosts_parsed = ARENA_ARRAY(mem, struct http_host, es->hosts.list->count);
    for (size_t i = 0; i < es->hosts.list->count; i++) {
        const struct value *v = &es->hosts.list->items[i];
        struct http_host *host = &es->hosts_parsed[es->host_count++];
        if (http_host_parse(value_to_str(mem, v), DEFAULT_PORT, es->ssl, mem, host, err) < 0)
            return plugin_err_at(es->plugin, v->pos, err);
        if (env->engine && host->is_loopback && host->port == env->engine_http_port)
            es->source = &es__in_engine;
    }
    return 0;
}

/* The machine's zone, as rufus takes it for cron lines without one; NULL: UTC. */
static const struct time_zone *local_zone(struct es_input *es)
{
    struct arena *mem = es->plugin->mem;
    const struct time_zone *zone = NULL;
    struct str name = os_env("TZ"), tzif;
    if (name.n && time_zone_open(NULL, name, mem, &zone, NULL) == 0)
        return zone;
    if (vfs_read_file(es->plugin->env->fs, STR("/etc/localtime"), MIB, mem, &tzif, NULL) == 0 &&
        time_zone_parse(STR("localtime"), tzif, mem, &zone, NULL) == 0)
        return zone;
    return NULL;
}

static int modes_check(struct es_input *es, struct err *err)
{
    if (es->schedule.n &&
        schedule_parse(es->schedule, local_zone(es), es->plugin->mem, &es->when, err) < 0)
        return option_err(es, "schedule", err);
    if (!str_to_duration(es->scroll, &es->scroll_ns) || es->scroll_ns < NS_PER_S) {
        (void)err_set(err, ERR_CONFIG, "a duration is wanted, as 5m");
        return option_err(es, "scroll", err);
    }
    if (es->tracking.n && !str_is(es->tracking, "_seq_no")) {
        (void)err_set(err, ERR_CONFIG, "\"" STR_FMT "\": only \"_seq_no\" is there",
                      STR_ARG(es->tracking));
        return option_err(es, "tracking", err);
    }
    if (es->tracking.n && es->schedule.n) {
        (void)err_set(
            err, ERR_CONFIG,
            "tracking follows the index on by itself; leave schedule out, or use interval");
        return option_err(es, "schedule", err);
    }
    return 0;
}

static bool es_is_stopping(void *owner)
{
    struct es_input *es = owner;
    return es->input && input_is_stopping(es->input);
}

static int es_init(void *self, struct plugin *plugin, struct err *err)
{
    struct es_input *es = self;
    es->plugin = plugin;
    plugin->wants_order = es->tracking.n > 0;
    buf_init(&es->scroll_id, MIB);
    TRY(query_parse(es, err));
    TRY(docinfo_parse(es, err));
    TRY(hosts_parse(es, err));
    TRY(modes_check(es, err));
    if (es->source == &es__in_http)
        es->http = http_client_new(
            &(struct http_client_config){.user = es->user,
                                         .password = es->password,
                                         .ca_file = es->ca_file,
                                         .timeout_ns = es->request_timeout_seconds * NS_PER_S,
                                         .is_stopping = es_is_stopping,
                                         .owner = es});
    else
        es->scrolls = scroll_table_new(plugin->env->clock, 4);
    return 0;
}

/* Runs when everything is drained: the last acknowledgements are in. */
static void es_deinit(void *self)
{
    struct es_input *es = self;
    position_close(es->position);
    http_client_free(es->http);
    if (es->scrolls)
        scroll_table_free(es->scrolls);
    buf_deinit(&es->scroll_id);
}

/* ---- hits to events ---- */

static void docinfo_add(struct es_input *es, struct event *ev, const struct es_in_hit *hit)
{
    struct value info = value_map(ev->mem, 4),
                 *into = es->has_docinfo_target ? &info : &ev->metadata;
    if (into->kind != VALUE_MAP)
        *into = value_map(ev->mem, 4);
    if (es->doc_index)
        value_map_set(ev->mem, into, STR("_index"), value_str_copy(ev->mem, hit->index));
    if (es->doc_type)
        value_map_set(ev->mem, into, STR("_type"), value_str(STR("_doc")));
    if (es->doc_id)
        value_map_set(ev->mem, into, STR("_id"), value_str_copy(ev->mem, hit->id));
    if (es->has_docinfo_target)
        (void)event_set(ev, &es->docinfo_path, info, NULL);
}

static int hit_to_event(struct es_input *es, struct batch *batch, const struct es_in_hit *hit,
                        int64_t now_ns, struct err *err)
{
    struct event *ev;
    if (es->has_target) {
        struct value doc;
        TRY(value_from_json(arena_str(batch->mem, hit->source), batch->mem, &doc, err));
        ev = batch_add_stamped(batch, now_ns);
        TRY(event_set(ev, &es->target_path, doc, err));
    } else {
        /* The page goes before the batch does: the event's strings must lie in the batch. */
        TRY(event_from_json(batch, arena_str(batch->mem, hit->source), now_ns, &ev, err));
    }
    if (es->docinfo)
        docinfo_add(es, ev, hit);
    if (es->origin)
        ev->origin = (struct event_origin){es->origin, (uint64_t)hit->seq_no};
    batch->bytes += hit->source.n;
    input_decorate(es->input, ev);
    return 0;
}

static void batch_fill(struct es_input *es, struct batch *batch, const struct es_in_hit *hits,
                       size_t count)
{
    int64_t now = clock_wall_ns(es->plugin->env->clock);
    for (size_t i = 0; i < count; i++) {
        struct err err;
        if (hit_to_event(es, batch, &hits[i], now, &err) < 0) {
            metric_add(&es->plugin->failures, 1);
            plugin_warn(es->plugin, "document \"" STR_FMT "\" cannot be an event: %s",
                        STR_ARG(hits[i].id), err.text);
        }
    }
}

/* ---- once, or by schedule ---- */

static int push_page(struct es_input *es, const struct es_in_page *page)
{
    struct batch *batch = input_batch_new(es->input, NULL, NULL, 0);
    batch_fill(es, batch, page->hits, page->count);
    int rc = input_push(es->input, batch, -1);
    if (rc < 0)
        batch_unref(batch);
    return rc;
}

/* Page by page to the end, or to `limit` events. */
static int run_scroll(struct es_input *es, struct arena *mem, struct err *err)
{
    struct es_in_page page;
    int64_t left = es->limit ? es->limit : INT64_MAX;
    int rc = es->source->scroll_begin(es, &es->body, mem, &page, err);
    while (rc == 0 && page.count && left > 0 && !input_is_stopping(es->input)) {
        page.count = (size_t)MIN_OF((int64_t)page.count, left);
        left -= (int64_t)page.count;
        rc = push_page(es, &page);
        arena_reset(mem);
        if (rc == 0)
            rc = es->source->scroll_next(es, mem, &page, err);
    }
    es->source->scroll_end(es);
    return rc;
}

static int run_query(struct es_input *es, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(PAGE_BYTES_MAX);
    if (!es->has_body_size)
        return run_scroll(es, mem, err);
    if (!es->has_told_size)
        log_line(LOG_INFO, "pipeline",
                 STR_FMT ": the size in the query's body limits each run to %lld documents",
                 STR_ARG(es->plugin->id), (long long)value_map_get_lit(&es->body, "size")->i);
    es->has_told_size = true;
    struct es_in_page page;
    TRY(es->source->search(es, &es->body, mem, &page, err));
    return page.count ? push_page(es, &page) : 0;
}

/* The index may come later: told once. All else is told each time (plugin_warn limits it). */
static void tell_failure(struct es_input *es, const struct err *err)
{
    if (err->code == ERR_SHUTDOWN || (err->code == ERR_INDEX_NOT_FOUND && es->has_told_missing))
        return;
    es->has_told_missing |= err->code == ERR_INDEX_NOT_FOUND;
    plugin_warn(es->plugin, "%s%s", err->text,
                err->code == ERR_INDEX_NOT_FOUND ? "; waiting for it" : "");
}

static int run_once(struct es_input *es)
{
    for (unsigned attempt = 0;; attempt++) {
        struct err err;
        err_clear(&err);
        int rc = run_query(es, &err);
        if (rc == 0 || rc == -ERR_SHUTDOWN)
            return 0;
        tell_failure(es, &err);
        int64_t wait = attempt > 5 ? RETRY_MAX_NS : MIN_OF(RETRY_FIRST_NS << attempt, RETRY_MAX_NS);
        if (!input_wait(es->input, wait))
            return 0;
    }
}

static int run_scheduled(struct es_input *es)
{
    struct clock *clock = es->plugin->env->clock;
    int64_t start = clock_wall_ns(clock), last = start;
    for (;;) {
        int64_t next = schedule_next(es->when, start, last), now;
        if (next == INT64_MAX)
            return 0;
        while ((now = clock_wall_ns(clock)) < next)
            if (!input_wait(es->input, next - now))
                return 0;
        struct err err;
        err_clear(&err);
        if (run_query(es, &err) < 0)
            tell_failure(es, &err);
        last = MAX_OF(
            next,
            clock_wall_ns(clock)); /* marks that passed meanwhile are left out, as rufus does */
    }
}

/* ---- tracking ---- */

static struct value range_of(struct arena *mem, const char *op1, int64_t v1, const char *op2,
                             int64_t v2)
{
    struct value limits = value_map(mem, 2), field = value_map(mem, 1), range = value_map(mem, 1);
    value_map_set(mem, &limits, str_from(op1), value_int(v1));
    if (v2 != INT64_MAX)
        value_map_set(mem, &limits, str_from(op2), value_int(v2));
    value_map_set(mem, &field, STR("_seq_no"), limits);
    value_map_set(mem, &range, STR("range"), field);
    return range;
}

/* {"size":N,"query":{"bool":{"must":[query],
 *  "filter":[{"range":{"_seq_no":{"gt":last,"lte":max}}}]}},
 *  "sort":[{"_seq_no":"asc"}],"seq_no_primary_term":true,"track_total_hits":false} */
static struct value tracking_body(struct es_input *es, int64_t last, int64_t max, struct arena *mem)
{
    struct value body = value_map(mem, 8), boolean = value_map(mem, 2), query = value_map(mem, 1);
    struct value filter = value_list(mem, 1), sort = value_list(mem, 1), order = value_map(mem, 1);
    const struct value *own = value_map_get_lit(&es->body, "query"),
                       *fields = value_map_get_lit(&es->body, "_source");
    value_list_add(mem, &filter, range_of(mem, "gt", last, "lte", max));
    value_map_set(mem, &boolean, STR("filter"), filter);
    if (own)
        value_map_set(mem, &boolean, STR("must"), *own);
    value_map_set(mem, &query, STR("bool"), boolean);
    value_map_set(mem, &order, STR("_seq_no"), value_str(STR("asc")));
    value_list_add(mem, &sort, order);
    value_map_set(mem, &body, STR("size"), value_int(es->size));
    value_map_set(mem, &body, STR("query"), query);
    value_map_set(mem, &body, STR("sort"), sort);
    value_map_set(mem, &body, STR("seq_no_primary_term"), value_bool(true));
    value_map_set(mem, &body, STR("track_total_hits"), value_bool(false));
    if (fields)
        value_map_set(mem, &body, STR("_source"), *fields);
    return body;
}

/* Waits until a batch may be announced. False: stopping. */
static bool flight_begin(struct es_input *es, int64_t last, uint64_t *ret_cookie)
{
    while (!position_begin(es->position, last, ret_cookie))
        if (!input_wait(es->input, FLIGHT_WAIT_NS))
            return false;
    return true;
}

static int tracking_push(struct es_input *es, const struct es_in_page *page)
{
    uint64_t cookie;
    if (!flight_begin(es, page->hits[page->count - 1].seq_no, &cookie))
        return -ERR_SHUTDOWN;
    struct batch *batch = input_batch_new(es->input, position_ack, es->position, cookie);
    batch_fill(es, batch, page->hits, page->count);
    int rc = input_push(es->input, batch, -1);
    if (rc < 0) {
        ack_fail(batch->ack);
        batch_unref(batch);
    }
    return rc;
}

/* An index that was made anew has a new uuid: its documents begin again. */
static void tracking_identify(struct es_input *es, const struct es_in_identity *identity)
{
    struct str known = position_identity(es->position);
    if (!str_eq(known, identity->uuid)) {
        if (known.n)
            plugin_warn(es->plugin,
                        "index \"" STR_FMT "\" was made anew: reading it from its beginning",
                        STR_ARG(es->index));
        position_reset(es->position, identity->uuid, -1);
        es->last_read = -1;
    }
    uint64_t origin = hash_u64(hash_str(identity->uuid) ^ 0x65735f696e);
    es->origin = origin ? origin : 1;
}

/* One page. *ret_count: its hits; last_read moves behind them. */
static int tracking_round(struct es_input *es, size_t *ret_count, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(PAGE_BYTES_MAX);
    struct es_in_identity identity;
    struct es_in_page page;
    *ret_count = 0;
    TRY(es->source->identity(es, mem, &identity, err));
    tracking_identify(es, &identity);
    if (identity.seq_no_max <= es->last_read)
        return 0;
    struct value body = tracking_body(es, es->last_read, identity.seq_no_max, mem);
    TRY(es->source->search(es, &body, mem, &page, err));
    if (page.count) {
        TRY(tracking_push(es, &page));
        es->last_read = page.hits[page.count - 1].seq_no;
    }
    if ((int64_t)page.count < es->size && identity.seq_no_max != INT64_MAX)
        es->last_read =
            identity
                .seq_no_max; /* there is no more up to here: overwritten, deleted or filtered out */
    *ret_count = page.count;
    return 0;
}

static void tracking_save(struct es_input *es, int64_t *next_save_ns)
{
    int64_t now = clock_monotonic_ns(es->plugin->env->clock);
    struct err err;
    if (now < *next_save_ns)
        return;
    *next_save_ns = now + SAVE_NS;
    if (position_save(es->position, &err) < 0)
        plugin_warn(es->plugin, "cannot save the position: %s", err.text);
}

static int run_tracking(struct es_input *es, struct err *err)
{
    const struct plugin_env *env = es->plugin->env;
    struct str name = arena_printf(es->plugin->mem, "elasticsearch-" STR_FMT ".position",
                                   STR_ARG(es->plugin->id));
    TRY(position_open(env->fs, path_join(es->plugin->mem, env->data_dir, name), &es->position,
                      err));
    int64_t next_save_ns = 0;
    es->last_read = es->visible_to = position_value(es->position);
    if (!value_map_get_lit(&es->plugin->settings, "size"))
        es->size = TRACKING_PAGE;
    unsigned attempt = 0;
    while (!input_is_stopping(es->input)) {
        struct err why;
        size_t count;
        err_clear(&why);
        if (position_take_rewind(es->position))
            es->last_read = position_value(es->position);
        int rc = tracking_round(es, &count, &why);
        if (rc == -ERR_UNSUPPORTED) {
            *err = why;
            return rc;
        }
        if (rc < 0 && rc != -ERR_SHUTDOWN)
            tell_failure(es, &why);
        attempt = rc < 0 ? attempt + 1 : 0;
        es->has_told_missing &= rc < 0;
        tracking_save(es, &next_save_ns);
        int64_t retry = MIN_OF(RETRY_FIRST_NS << MIN_OF(attempt, 5u), RETRY_MAX_NS);
        bool is_missing = rc == -ERR_INDEX_NOT_FOUND;
        if (rc < 0 && !input_wait(es->input, is_missing ? es->interval : retry))
            break;
        if (rc == 0 && (int64_t)count < es->size && es->last_read >= es->visible_to &&
            !input_wait(es->input, es->interval))
            break;
    }
    return 0;
}

static int es_run(void *self, struct input *input, struct err *err)
{
    struct es_input *es = self;
    es->input = input;
    if (es->tracking.n)
        return run_tracking(es, err);
    return es->when ? run_scheduled(es) : run_once(es);
}

const struct input_type input_elasticsearch = {
    .name = "elasticsearch",
    .summary = "Read documents by a query, once, by schedule, or as they are written.",
    .since = "0.1",
    .opts = es_in_opts,
    .size = sizeof(struct es_input),
    .default_codec = "json",
    .init = es_init,
    .run = es_run,
    .deinit = es_deinit,
};
