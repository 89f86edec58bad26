/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "codec/url.h"
#include "event/options.h"
#include "server/filter_path.h"

#define ENDPOINT(name) extern const struct endpoint endpoint_##name;
#include "server/rest/endpoints.tbl"
#undef ENDPOINT

const struct endpoint *const endpoints[] = {
#define ENDPOINT(name) &endpoint_##name,
#include "server/rest/endpoints.tbl"
#undef ENDPOINT
    NULL};

#define CONTENT_JSON STR("application/json; charset=UTF-8")
#define CONTENT_TEXT STR("text/plain; charset=UTF-8")

/* Parameters that every endpoint has. */
struct common {
    bool pretty, human, error_trace;
    struct str filter_path;
};

static bool is_common(struct str name)
{
    static const char *const names[] = {"pretty", "human",  "error_trace",         "filter_path",
                                        "format", "source", "source_content_type", NULL};
    return rest_is_one_of(name, names);
}

struct str rest_part(const struct rest_call *call, const char *name)
{
    for (size_t i = 0; i < call->part_count; i++) {
        if (str_eq(call->parts[i].name, str_from(name)))
            return call->parts[i].value;
    }
    return STR_NONE;
}

bool rest_is_one_of(struct str text, const char *const *names)
{
    for (; *names; names++) {
        if (str_eq(text, str_from(*names)))
            return true;
    }
    return false;
}

int rest_body(struct rest_call *call, struct value *ret_body, struct err *err)
{
    struct str body = call->body;
    const struct value *source = value_map_get_lit(&call->query, "source");
    if (body.n == 0 && source)
        body = source->s;
    if (str_trim(body).n == 0) {
        *ret_body = (struct value){.kind = VALUE_NONE};
        return 0;
    }
    TRY(value_from_json(body, call->mem, ret_body, err));
    if (ret_body->kind != VALUE_MAP)
        return err_set(err, ERR_PARSE, "Expected [START_OBJECT] but found [%s]",
                       ret_body->kind == VALUE_LIST ? "START_ARRAY" : "VALUE");
    return 0;
}

int rest_body_required(struct rest_call *call, struct value *ret_body, struct err *err)
{
    TRY(rest_body(call, ret_body, err));
    if (ret_body->kind == VALUE_NONE)
        return err_set(err, ERR_BODY, "request body is required");
    return 0;
}

/* "no such index [x]" -> "x" */
static struct str name_in_brackets(const char *text)
{
    struct str s = str_from(text);
    ptrdiff_t open = str_find_char(s, '[');
    if (open < 0)
        return STR_NONE;
    s = str_from_off(s, (size_t)open + 1);
    ptrdiff_t close = str_find_char(s, ']');
    return close < 0 ? STR_NONE : str_sub(s, 0, (size_t)close);
}

static void failed_shard_write(const struct err *err, struct json_writer *w)
{
    json_object_begin(w);
    json_key_lit(w, "shard");
    json_u64(w, 0);
    json_key_lit(w, "index");
    json_str(w, name_in_brackets(err->text));
    json_key_lit(w, "node");
    json_null(w);
    json_key_lit(w, "reason");
    json_object_begin(w);
    json_key_lit(w, "type");
    json_str(w, str_from(err_es_type(ERR_NO_SHARD)));
    json_key_lit(w, "reason");
    json_str(w, str_from(err->text));
    json_object_end(w);
    json_object_end(w);
}

/* A search that no index could answer: the reason stands with the shard, as in Elasticsearch. */
static void shards_failed_write(const struct err *err, struct json_writer *w)
{
    json_key_lit(w, "type");
    json_str(w, str_from(err_es_type(err->code)));
    json_key_lit(w, "reason");
    bool is_rejected = str_starts_with(str_from(err->text), STR("Search rejected"));
    json_str(w, is_rejected ? str_from(err->text) : STR("all shards failed"));
    json_key_lit(w, "phase");
    json_str(w, STR("query"));
    json_key_lit(w, "grouped");
    json_bool(w, true);
    json_key_lit(w, "failed_shards");
    json_array_begin(w);
    if (!is_rejected)
        failed_shard_write(err, w);
    json_array_end(w);
}

/* Where a document was refused. */
static void place_write(const struct rest_place *place, struct json_writer *w)
{
    json_key_lit(w, "index_uuid");
    json_str(w, place->uuid);
    json_key_lit(w, "shard");
    json_str(w, STR("0"));
    json_key_lit(w, "index");
    json_str(w, place->index);
}

static bool has_place(const struct err *err, const struct rest_place *place)
{
    return place && place->uuid.p &&
           (err->code == ERR_VERSION_CONFLICT || err->code == ERR_DOC_MISSING);
}

static void error_members_write(const struct err *err, const struct rest_place *place,
                                struct json_writer *w)
{
    if (err->code == ERR_SHARDS_FAILED) {
        shards_failed_write(err, w);
        return;
    }
    json_key_lit(w, "type");
    json_str(w, str_from(err_es_type(err->code)));
    json_key_lit(w, "reason");
    json_str(w, str_from(err->text));
    struct str index = name_in_brackets(err->text);
    if (err->code == ERR_INDEX_NOT_FOUND && index.p) {
        json_key_lit(w, "resource.type");
        json_str(w, STR("index_or_alias"));
        json_key_lit(w, "resource.id");
        json_str(w, index);
    }
    if ((err->code == ERR_INDEX_NOT_FOUND || err->code == ERR_INDEX_EXISTS) && index.p) {
        json_key_lit(w, "index_uuid");
        json_str(w, STR("_na_"));
        json_key_lit(w, "index");
        json_str(w, index);
    }
    if (has_place(err, place))
        place_write(place, w);
    if (err->bytes_limit > 0) {
        json_key_lit(w, "bytes_wanted");
        json_u64(w, err->bytes_wanted);
        json_key_lit(w, "bytes_limit");
        json_u64(w, err->bytes_limit);
        json_key_lit(w, "durability");
        json_str(w, STR("TRANSIENT"));
    }
    if (err->line > 0) {
        json_key_lit(w, "line");
        json_u64(w, err->line);
        json_key_lit(w, "col");
        json_u64(w, err->column);
    }
}

void rest_error_object_write(const struct err *err, const struct rest_place *place,
                             struct json_writer *w)
{
    json_object_begin(w);
    error_members_write(err, place, w);
    json_object_end(w);
}

void rest_error_caused_write(const struct err *err, const struct rest_place *place,
                             struct json_writer *w)
{
    json_object_begin(w);
    json_key_lit(w, "root_cause");
    json_array_begin(w);
    if (err->code != ERR_SHARDS_FAILED)
        rest_error_object_write(err, place, w);
    json_array_end(w);
    error_members_write(err, place, w);
    json_object_end(w);
}

void rest_error_write(const struct err *err, const struct rest_place *place, struct json_writer *w)
{
    json_object_begin(w);
    json_key_lit(w, "error");
    rest_error_caused_write(err, place, w);
    json_key_lit(w, "status");
    json_i64(w, err_http_status(err->code));
    json_object_end(w);
}

void rest_shards_write(struct json_writer *w, size_t total)
{
    json_key_lit(w, "_shards");
    json_object_begin(w);
    json_key_lit(w, "total");
    json_u64(w, total);
    json_key_lit(w, "successful");
    json_u64(w, total);
    json_key_lit(w, "failed");
    json_u64(w, 0);
    json_object_end(w);
}

/* ---- routing ---- */

struct match {
    const struct endpoint *endpoint;
    size_t literal_count;
    bool has_method;
};

static struct str next_part(struct str *path)
{
    while (path->n && path->p[0] == '/')
        *path = str_from_off(*path, 1);
    ptrdiff_t slash = str_find_char(*path, '/');
    struct str part = slash < 0 ? *path : str_sub(*path, 0, (size_t)slash);
    *path = str_from_off(*path, part.n);
    return part;
}

/* Compares a path to a route's pattern; *ret_literals: how many parts were literal, plus one for
 * each that matched. */
static bool pattern_matches(struct str pattern, struct str path, size_t *ret_literals)
{
    size_t literals = 0;
    for (;;) {
        struct str want = next_part(&pattern), got = next_part(&path);
        if (want.n == 0 || got.n == 0) {
            *ret_literals = literals;
            return want.n == got.n;
        }
        if (want.p[0] != '{') {
            if (!str_eq(want, got))
                return false;
            literals++;
            continue;
        }
        /* An index never begins with '_', but for _all; other parts may. */
        bool is_index = str_is(want, "{index}");
        if (is_index && got.p[0] == '_' && !str_is(got, "_all"))
            return false;
    }
}

static void take_parts(struct rest_call *call, struct str pattern)
{
    struct str path = call->path;
    for (;;) {
        struct str want = next_part(&pattern), got = next_part(&path);
        if (want.n == 0)
            return;
        if (want.p[0] != '{')
            continue;
        ASSERT(call->part_count < REST_PATH_PARTS_MAX);
        call->parts[call->part_count].name = str_sub(want, 1, want.n - 2);
        call->parts[call->part_count].value = url_decode(call->mem, got, false);
        call->part_count++;
    }
}

static struct str route_method(struct str route)
{
    return str_sub(route, 0, (size_t)str_find_char(route, ' '));
}

static struct str route_pattern(struct str route)
{
    return str_from_off(route, (size_t)str_find_char(route, ' ') + 1);
}

/* Finds the route with the most literal parts. `allowed` collects the methods of matching paths. */
static struct str find_route(struct rest_call *call, struct buf *allowed)
{
    struct str best = STR_NONE;
    size_t best_literals = 0;
    for (const struct endpoint *const *e = endpoints; *e; e++) {
        for (const char *const *r = (*e)->routes; *r; r++) {
            struct str route = str_from(*r);
            size_t literals;
            if (!pattern_matches(route_pattern(route), call->path, &literals))
                continue;
            bool fits = str_eq(route_method(route), call->method) ||
                        (call->is_head && str_is(route_method(route), "GET"));
            if (!fits) {
                if (str_find(buf_str(allowed), route_method(route)) < 0)
                    buf_printf(allowed, "%s" STR_FMT, allowed->n ? ", " : "",
                               STR_ARG(route_method(route)));
            } else if (!best.p || literals > best_literals) {
                best = route;
                best_literals = literals;
                call->endpoint = *e;
            }
        }
    }
    return best;
}

static int no_route(struct rest_call *call, const struct buf *allowed)
{
    json_object_begin(&call->w);
    json_key_lit(&call->w, "error");
    if (allowed->n == 0) {
        json_str(&call->w,
                 arena_printf(call->mem,
                              "no handler found for uri [" STR_FMT "] and method [" STR_FMT "]",
                              STR_ARG(call->path), STR_ARG(call->method)));
        json_object_end(&call->w);
        return 400;
    }
    json_str(&call->w,
             arena_printf(call->mem,
                          "Incorrect HTTP method for uri [" STR_FMT "] and method [" STR_FMT
                          "], allowed: [" STR_FMT "]",
                          STR_ARG(call->path), STR_ARG(call->method), STR_ARG(buf_str(allowed))));
    json_key_lit(&call->w, "status");
    json_i64(&call->w, 405);
    json_object_end(&call->w);
    return 405;
}

/* ---- parameters ---- */

static bool is_truthy(struct str text)
{
    return text.n == 0 || str_is(text, "true");
}

static void take_common(struct rest_call *call, struct common *common, struct str name,
                        struct str value)
{
    if (str_is(name, "pretty"))
        common->pretty = is_truthy(value);
    else if (str_is(name, "human"))
        common->human = is_truthy(value);
    else if (str_is(name, "error_trace"))
        common->error_trace = is_truthy(value);
    else if (str_is(name, "filter_path"))
        common->filter_path = value;
    else if (str_is(name, "format"))
        call->format = value;
}

static int unknown_param(const struct rest_call *call, struct str name, struct err *err)
{
    const char *near = opt_nearest(call->endpoint->params, name);
    return err_set(err, ERR_INVALID,
                   "request [" STR_FMT "] contains unrecognized parameter: [" STR_FMT "]%s%s%s",
                   STR_ARG(call->path), STR_ARG(name), near ? " -> did you mean [" : "",
                   near ? near : "", near ? "]?" : "");
}

static int read_query(struct rest_call *call, struct str query, struct common *common)
{
    struct str name, value;
    call->query = value_map(call->mem, 8);
    while (url_query_next(&query, call->mem, &name, &value)) {
        if (is_common(name))
            take_common(call, common, name, value);
        value_map_set(call->mem, &call->query, name, value_str(value.p ? value : STR("")));
    }
    return 0;
}

/* Fills the endpoint's settings from those parameters that its table has; the rest must be common
 * or taken. */
static int fill_params(struct rest_call *call, struct err *err)
{
    const struct endpoint *e = call->endpoint;
    struct value known = value_map(call->mem, 8);
    call->params = arena_zalloc(call->mem, e->size ? e->size : 1);
    for (size_t i = 0; i < call->query.map->count; i++) {
        struct str name = call->query.map->keys[i];
        struct value v = call->query.map->values[i];
        const struct opt *opt = opt_find(e->params, name);
        if (opt && opt->kind == OPT_KIND_BOOL && v.s.n == 0)
            v = value_bool(true);
        if (opt)
            value_map_set(call->mem, &known, name, v);
        else if (!is_common(name) && !e->takes_any_param)
            return unknown_param(call, name, err);
    }
    return e->params ? options_fill(e->params, call->params, &known, OPTIONS_JSON, call->mem, NULL,
                                    NULL, NULL, err)
                     : 0;
}

/* ---- running ---- */

static int fail(struct rest_call *call, const struct err *err)
{
    buf_clear(call->out);
    json_writer_init(&call->w, call->out, call->w.is_pretty);
    call->is_text = false;
    rest_error_write(err, &call->place, &call->w);
    return err_http_status(err->code);
}

static void run_endpoint(struct rest_call *call, struct str query, struct common *common)
{
    struct err err;
    struct buf allowed;
    buf_init(&allowed, 4 * KIB);
    (void)read_query(call, query, common);
    json_writer_init(&call->w, call->out, common->pretty);
    struct str route = find_route(call, &allowed);
    if (!route.p) {
        call->status = no_route(call, &allowed);
        buf_deinit(&allowed);
        return;
    }
    buf_deinit(&allowed);
    take_parts(call, route_pattern(route));
    if (fill_params(call, &err) < 0 || call->endpoint->run(call, &err) < 0)
        call->status = fail(call, &err);
}

const struct body_reader *rest_body_reader(struct str method, struct str path)
{
    struct buf allowed;
    struct rest_call call = {.method = method, .path = path};
    buf_init(&allowed, 4 * KIB);
    struct str route = find_route(&call, &allowed);
    buf_deinit(&allowed);
    return route.p ? call.endpoint->body_reader : NULL;
}

void rest_run(struct rest_context *context, struct str method, struct str path, struct str query,
              struct str body, const struct rest_client *client, struct arena *mem, struct buf *out,
              struct rest_reply *ret_reply)
{
    struct common common = {0};
    struct rest_call call = {.context = context,
                             .method = method,
                             .path = path,
                             .body = body,
                             .mem = mem,
                             .status = 200,
                             .out = out,
                             .is_head = str_is(method, "HEAD")};
    if (client)
        call.client = *client;
    run_endpoint(&call, query, &common);
    if (common.filter_path.n && !call.is_text && !out->is_over)
        filter_path_apply(common.filter_path, common.pretty, mem, out);
    if (common.pretty && !call.is_text)
        buf_add_char(out, '\n');
    *ret_reply =
        (struct rest_reply){call.status, call.is_text ? CONTENT_TEXT : CONTENT_JSON, call.warning};
}
