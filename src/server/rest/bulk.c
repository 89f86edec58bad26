/* SPDX-License-Identifier: Apache-2.0 */
/* bulk.c: POST /_bulk: pairs of lines, an action and its document. Action lines are read with the
 * pull reader; the documents are not looked at here, the engine parses each of them once. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "server/bulk_reply.h"
#include "server/doc_reply.h"

#define BULK_ITEMS_MAX 1000000u

struct bulk_params {
    struct str refresh, routing, pipeline, timeout, wait_for_active_shards, type;
    bool require_alias;
};

static const struct opt bulk_opts[] = {
    OPT_STR(struct bulk_params, refresh, .help = "true, false or wait_for"),
    OPT_STR(struct bulk_params, routing, .help = "for items without one"),
    OPT_STR(struct bulk_params, pipeline, .help = "ingest pipeline; only _none is there"),
    OPT_STR(struct bulk_params, timeout, .help = "accepted"),
    OPT_STR(struct bulk_params, wait_for_active_shards, .help = "accepted"),
    OPT_BOOL(struct bulk_params, require_alias, .dflt = "false", .help = "targets must be aliases"),
    OPT_END};

struct bulk {
    struct rest_call *call;
    const struct bulk_params *params;
    struct str rest; /* unread lines */
    size_t line;     /* 1-based */
    struct doc_write *writes;
    size_t count, capacity;
    struct str action;            /* the last action line */
    struct doc_write action_says; /* what it says */
};

static int next_line(struct bulk *b, struct str *ret_line, struct err *err)
{
    ptrdiff_t at = str_find_char(b->rest, '\n');
    if (at < 0)
        return err_set(err, ERR_INVALID, "The bulk request must be terminated by a newline [\\n]");
    *ret_line = str_sub(b->rest, 0, (size_t)at);
    if (ret_line->n && ret_line->p[ret_line->n - 1] == '\r')
        ret_line->n--;
    b->rest = str_from_off(b->rest, (size_t)at + 1);
    b->line++;
    return 0;
}

static const char *token_name(enum json_token token)
{
    switch (token) {
    case JSON_OBJECT_BEGIN:
        return "START_OBJECT";
    case JSON_OBJECT_END:
        return "END_OBJECT";
    case JSON_ARRAY_BEGIN:
        return "START_ARRAY";
    case JSON_STRING:
        return "VALUE_STRING";
    case JSON_INT:
    case JSON_FLOAT:
    case JSON_BIG_INT:
        return "VALUE_NUMBER";
    case JSON_TRUE:
    case JSON_FALSE:
        return "VALUE_BOOLEAN";
    case JSON_NULL:
        return "VALUE_NULL";
    case JSON_END:
    case JSON_ARRAY_END:
    case JSON_KEY:
    case JSON_ERROR:
    default:
        return "END";
    }
}

static int malformed(const struct bulk *b, const char *wanted, const char *found, struct err *err)
{
    return err_set(err, ERR_INVALID,
                   "Malformed action/metadata line [%zu], expected %s but found [%s]", b->line,
                   wanted, found);
}

static bool op_from_name(struct str name, enum doc_op *ret_op)
{
    static const struct {
        const char *name;
        enum doc_op op;
    } ops[] = {{"index", DOC_INDEX},
               {"create", DOC_CREATE},
               {"update", DOC_UPDATE},
               {"delete", DOC_DELETE}};
    for (size_t i = 0; i < ARRAY_COUNT(ops); i++) {
        if (str_eq(name, str_from(ops[i].name))) {
            *ret_op = ops[i].op;
            return true;
        }
    }
    return false;
}

static int version_type(struct str text, struct doc_write *write, struct err *err)
{
    struct write_params params = {.version_type = text,
                                  .version = -1,
                                  .if_seq_no = write->if_seq_no,
                                  .if_primary_term = write->if_primary_term};
    struct doc_write scratch = *write;
    TRY(write_params_apply(&params, &scratch, err));
    write->version_type = scratch.version_type;
    return 0;
}

/* One member of the metadata object. */
static int take_member(struct bulk *b, struct str key, enum json_token token,
                       struct json_reader *json, struct doc_write *write, struct err *err)
{
    bool is_text = token == JSON_STRING || token == JSON_INT || token == JSON_BIG_INT;
    if (token == JSON_NULL)
        return 0;
    if (str_is(key, "_index") && token == JSON_STRING)
        write->index = json->text;
    else if (str_is(key, "_id") && is_text)
        write->id = json->text;
    else if ((str_is(key, "routing") || str_is(key, "_routing")) && is_text)
        write->routing = json->text;
    else if (str_is(key, "version") && token == JSON_INT)
        write->version = json->i;
    else if (str_is(key, "version_type") && token == JSON_STRING)
        return version_type(json->text, write, err);
    else if (str_is(key, "if_seq_no") && token == JSON_INT)
        write->if_seq_no = json->i;
    else if (str_is(key, "if_primary_term") && token == JSON_INT)
        write->if_primary_term = json->i;
    else if (str_is(key, "require_alias") && (token == JSON_TRUE || token == JSON_FALSE))
        write->is_index_auto_create_off = token == JSON_TRUE;
    else if (str_is(key, "pipeline") && token == JSON_STRING && str_is(json->text, "_none"))
        ;
    else if (str_is(key, "pipeline") && token == JSON_STRING)
        return err_set(err, ERR_INVALID, "pipeline with id [" STR_FMT "] does not exist",
                       STR_ARG(json->text));
    else if (str_is(key, "_type") || str_is(key, "retry_on_conflict"))
        ; /* one type, and writers of one document wait for each other: no conflict to retry */
    else
        return err_set(err, ERR_INVALID,
                       "Action/metadata line [%zu] contains an unknown parameter [" STR_FMT "]",
                       b->line, STR_ARG(key));
    return 0;
}

static int parse_action(struct bulk *b, struct str line, struct doc_write *write, struct err *err)
{
    struct json_reader json;
    json_reader_init(&json, line, b->call->mem, JSON_REPLACE_UTF8);
    enum json_token token = json_next(&json);
    if (token != JSON_OBJECT_BEGIN)
        return malformed(b, "START_OBJECT", token_name(token), err);
    token = json_next(&json);
    if (token != JSON_KEY)
        return malformed(b, "FIELD_NAME", token_name(token), err);
    if (!op_from_name(json.text, &write->op)) {
        struct str name = arena_str(b->call->mem, json.text);
        return malformed(b, "field [create], [delete], [index] or [update]", name.p, err);
    }
    token = json_next(&json);
    if (token != JSON_OBJECT_BEGIN)
        return malformed(b, "START_OBJECT", token_name(token), err);
    for (token = json_next(&json); token == JSON_KEY; token = json_next(&json)) {
        struct str key = json.text;
        token = json_next(&json);
        TRY(take_member(b, key, token, &json, write, err));
    }
    if (token == JSON_ERROR || json_next(&json) != JSON_OBJECT_END || json_next(&json) != JSON_END)
        return err_set(err, ERR_INVALID, "Malformed action/metadata line [%zu], %s", b->line,
                       json.err.code != ERR_NONE ? json.err.text : "expected END_OBJECT");
    return 0;
}

/* Room for one more write. The first few tell how many there will be. */
static void writes_grow(struct bulk *b)
{
    if (b->count < b->capacity)
        return;
    size_t read = b->call->body.n - b->rest.n;
    size_t guess = b->count ? b->count + b->rest.n / (read / b->count) + 1 : 0;
    size_t capacity = MAX_OF(b->capacity ? b->capacity * 2 : 256, MIN_OF(guess, BULK_ITEMS_MAX));
    b->writes = arena_realloc(b->call->mem, b->writes, b->capacity * sizeof(*b->writes),
                              capacity * sizeof(*b->writes));
    b->capacity = capacity;
}

/* What an action line says. Most lines of a bulk without ids are the one before again. */
static int action_take(struct bulk *b, struct str line, struct doc_write *write, struct err *err)
{
    if (str_eq(line, b->action)) {
        *write = b->action_says;
        return 0;
    }
    *write = DOC_WRITE_INIT;
    write->version = -1;
    write->index = rest_part(b->call, "index");
    write->routing = b->params->routing;
    write->is_index_auto_create_off = b->params->require_alias;
    TRY(parse_action(b, line, write, err));
    if (!write->index.p)
        return err_set(err, ERR_INVALID, "Validation Failed: 1: index is missing;");
    b->action = line;
    b->action_says = *write;
    return 0;
}

static int parse_item(struct bulk *b, struct str line, struct err *err)
{
    if (b->count == BULK_ITEMS_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %u items in one bulk request",
                       BULK_ITEMS_MAX);
    writes_grow(b);
    struct doc_write *write = &b->writes[b->count];
    TRY(action_take(b, line, write, err));
    if (write->op != DOC_DELETE) {
        if (b->rest.n == 0)
            return err_set(err, ERR_INVALID,
                           "Validation Failed: 1: source is missing for action of line %zu;",
                           b->line);
        TRY(next_line(b, &write->source, err));
    } else if (write->id.n == 0) {
        return err_set(err, ERR_INVALID, "Validation Failed: 1: id is missing;");
    }
    if (write->op == DOC_UPDATE && write->id.n == 0)
        return err_set(err, ERR_INVALID, "Validation Failed: 1: id is missing;");
    b->count++;
    return 0;
}

static int parse_body(struct bulk *b, struct err *err)
{
    if (b->rest.n == 0)
        return err_set(err, ERR_PARSE, "request body is required");
    if (b->rest.p[b->rest.n - 1] != '\n')
        return err_set(err, ERR_INVALID, "The bulk request must be terminated by a newline [\\n]");
    while (b->rest.n > 0) {
        struct str line;
        TRY(next_line(b, &line, err));
        if (str_trim(line).n > 0)
            TRY(parse_item(b, line, err));
    }
    if (b->count == 0)
        return err_set(err, ERR_INVALID, "Validation Failed: 1: no requests added;");
    return 0;
}

static int bulk_run(struct rest_call *call, struct err *err)
{
    int64_t begin = clock_monotonic_ns(call->context->clock);
    struct bulk b = {.call = call, .params = call->params, .rest = call->body};
    enum write_refresh refresh;
    TRY(refresh_parse(b.params->refresh, &refresh, err));
    if (b.params->pipeline.n > 0 && !str_is(b.params->pipeline, "_none"))
        return err_set(err, ERR_INVALID, "pipeline with id [" STR_FMT "] does not exist",
                       STR_ARG(b.params->pipeline));
    TRY(parse_body(&b, err));
    struct doc_result *results = ARENA_ARRAY(call->mem, struct doc_result, b.count);
    TRY(engine_write(call->context->engine, b.writes, b.count, refresh, call->mem, results, err));
    bool has_errors = false;
    for (size_t i = 0; i < b.count; i++)
        has_errors |= results[i].outcome == DOC_FAILED;
    struct json_writer *w = &call->w;
    json_object_begin(w);
    json_key_lit(w, "took");
    json_i64(w, (clock_monotonic_ns(call->context->clock) - begin) / NS_PER_MS);
    json_key_lit(w, "errors");
    json_bool(w, has_errors);
    json_key_lit(w, "items");
    json_array_begin(w);
    bulk_items_write(b.writes, results, b.count, call->mem, w);
    json_array_end(w);
    json_object_end(w);
    return 0;
}

static const char *const bulk_routes[] = {"POST /_bulk",
                                          "PUT /_bulk",
                                          "POST /{index}/_bulk",
                                          "PUT /{index}/_bulk",
                                          "POST /{index}/_doc/_bulk",
                                          NULL};
const struct endpoint endpoint_bulk = {.name = "bulk",
                                       .summary =
                                           "Many writes in one request, answered one by one.",
                                       .routes = bulk_routes,
                                       .params = bulk_opts,
                                       .size = sizeof(struct bulk_params),
                                       .privilege = "index",
                                       .run = bulk_run};
