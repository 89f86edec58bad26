/* SPDX-License-Identifier: Apache-2.0 */
/* bulk_lines.c: pairs of lines, an action and its document. Texts of an action point into the body
 * where they have no escapes; a body that grows may move, so they are moved with it.
 *
 * What refuses the whole request is what Elasticsearch 7.10 refuses as a whole: malformed action
 * lines at once, then what its validation of all items finds, in one message.
 * DEVIATES: an action that is not known, an action without its document at the end and what stands
 * behind an action are refused; Elasticsearch 7.10 drops them without a word, which loses
 * documents. An empty _id refuses the request, not only its item. */
#include "server/bulk_lines.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"
#include "codec/json.h"
#include "server/doc_reply.h"

#define ITEMS_FIRST 256u

struct bulk_lines {
    struct arena *mem;
    const char *base; /* where the body lay at the last call */
    size_t taken;     /* bytes of complete lines */
    size_t scanned;   /* bytes in which no further line ends: a long line is not searched again */
    size_t line;      /* lines behind us */
    bool wants_source;
    struct doc_write *writes;
    size_t count, capacity;
    struct str action;            /* the last action line, while the body lies where it lay */
    struct doc_write action_says; /* what it says */
};

struct bulk_lines *bulk_lines_new(struct arena *mem)
{
    struct bulk_lines *lines = arena_zalloc(mem, sizeof(*lines));
    lines->mem = mem;
    return lines;
}

size_t bulk_lines_bytes(const struct bulk_lines *lines)
{
    return lines->capacity * (sizeof(struct doc_write) + sizeof(struct doc_result));
}

/* ---- One action line ---- */

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

struct action {
    struct bulk_lines *lines;
    struct json_reader json;
    struct doc_write *write;
};

static int unexpected(const struct action *a, const char *wanted, enum json_token found,
                      struct err *err)
{
    if (found == JSON_ERROR)
        return err_set(err, ERR_JSON, "Malformed action/metadata line [%zu]: %s", a->lines->line,
                       a->json.err.text);
    return err_set(err, ERR_INVALID,
                   "Malformed action/metadata line [%zu], expected %s but found [%s]",
                   a->lines->line, wanted, token_name(found));
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

static int take_number(const struct json_reader *json, int64_t *ret, struct err *err)
{
    if (str_to_i64(json->text, ret))
        return 0;
    return err_set(err, ERR_INVALID, "For input string: \"" STR_FMT "\"", STR_ARG(json->text));
}

static int take_bool(enum json_token token, struct str text, bool *ret, struct err *err)
{
    *ret = token == JSON_TRUE || (token == JSON_STRING && str_is(text, "true"));
    if (*ret || token == JSON_FALSE || (token == JSON_STRING && str_is(text, "false")))
        return 0;
    return err_set(err, ERR_INVALID,
                   "Failed to parse value [" STR_FMT "] as only [true] or [false] are allowed.",
                   STR_ARG(text));
}

static int take_pipeline(struct str name, struct err *err)
{
    if (str_is(name, "_none"))
        return 0;
    return err_set(err, ERR_INVALID, "pipeline with id [" STR_FMT "] does not exist",
                   STR_ARG(name));
}

static int take_op_type(struct doc_write *write, struct str text, struct err *err)
{
    if (write->op == DOC_INDEX && str_is(text, "create"))
        write->op = DOC_CREATE;
    else if (!str_is(text, "index") && !str_is(text, "create"))
        return err_set(err, ERR_INVALID, "opType must be 'create' or 'index', found: [" STR_FMT "]",
                       STR_ARG(text));
    return 0;
}

/* One member of the metadata object, a simple value. */
static int take_member(struct action *a, struct str key, enum json_token token, struct err *err)
{
    struct doc_write *write = a->write;
    struct str text = a->json.text;
    if (str_is(key, "_index"))
        write->index = text;
    else if (str_is(key, "_id"))
        write->id = text;
    else if (str_is(key, "routing") || str_is(key, "_routing"))
        write->routing = text;
    else if (str_is(key, "version") || str_is(key, "_version"))
        return take_number(&a->json, &write->version, err);
    else if (str_is(key, "version_type") || str_is(key, "_version_type"))
        return version_type_parse(text, &write->version_type, err);
    else if (str_is(key, "if_seq_no"))
        return take_number(&a->json, &write->if_seq_no, err);
    else if (str_is(key, "if_primary_term"))
        return take_number(&a->json, &write->if_primary_term, err);
    else if (str_is(key, "op_type"))
        return take_op_type(write, text, err);
    else if (str_is(key, "require_alias"))
        return take_bool(token, text, &write->is_alias_required, err);
    else if (str_is(key, "pipeline"))
        return take_pipeline(text, err);
    else if (str_is(key, "_source"))
        return err_set(err, ERR_UNSUPPORTED,
                       "Action/metadata line [%zu]: [_source] in an action is not supported",
                       a->lines->line);
    else if (!str_is(key, "_type") && !str_is(key, "retry_on_conflict"))
        /* one type, and writers of one document wait for each other: no conflict to retry */
        return err_set(err, ERR_INVALID,
                       "Action/metadata line [%zu] contains an unknown parameter [" STR_FMT "]",
                       a->lines->line, STR_ARG(key));
    return 0;
}

static int take_metadata(struct action *a, struct err *err)
{
    enum json_token token = json_next(&a->json);
    for (; token == JSON_KEY; token = json_next(&a->json)) {
        struct str key = a->json.text;
        token = json_next(&a->json);
        if (token == JSON_OBJECT_BEGIN || token == JSON_ARRAY_BEGIN)
            return err_set(err, ERR_INVALID,
                           "Malformed action/metadata line [%zu], expected a simple value for "
                           "field [" STR_FMT "] but found [%s]",
                           a->lines->line, STR_ARG(key), token_name(token));
        if (token == JSON_ERROR)
            break;
        if (token != JSON_NULL)
            TRY(take_member(a, key, token, err));
    }
    if (token != JSON_OBJECT_END)
        return unexpected(a, "END_OBJECT", token, err);
    return doc_write_numbers_check(a->write, err);
}

static int parse_action(struct action *a, struct str line, struct err *err)
{
    json_reader_init(&a->json, line, a->lines->mem, JSON_REPLACE_UTF8);
    enum json_token token = json_next(&a->json);
    if (token != JSON_OBJECT_BEGIN)
        return unexpected(a, "START_OBJECT", token, err);
    token = json_next(&a->json);
    if (token != JSON_KEY)
        return unexpected(a, "FIELD_NAME", token, err);
    if (!op_from_name(a->json.text, &a->write->op))
        return err_set(err, ERR_INVALID,
                       "Malformed action/metadata line [%zu], expected field [create], [delete], "
                       "[index] or [update] but found [" STR_FMT "]",
                       a->lines->line, STR_ARG(a->json.text));
    token = json_next(&a->json);
    if (token != JSON_OBJECT_BEGIN)
        return unexpected(a, "START_OBJECT", token, err);
    TRY(take_metadata(a, err));
    token = json_next(&a->json);
    if (token != JSON_OBJECT_END)
        return unexpected(a, "END_OBJECT", token, err);
    token = json_next(&a->json);
    return token == JSON_END ? 0 : unexpected(a, "the end of the line", token, err);
}

/* What an action line says. Most lines of a bulk without ids are the one before again. */
static int action_take(struct bulk_lines *lines, struct str line, struct doc_write *write,
                       struct err *err)
{
    if (lines->action.n > 0 && str_eq(line, lines->action)) {
        *write = lines->action_says;
        return 0;
    }
    struct action a = {.lines = lines, .write = write};
    TRY(parse_action(&a, line, err));
    lines->action = line;
    lines->action_says = *write;
    return 0;
}

/* ---- Lines ---- */

static int write_new(struct bulk_lines *lines, struct doc_write **ret_write, struct err *err)
{
    if (lines->count == BULK_ITEMS_MAX)
        return err_set(err, ERR_TOO_LARGE,
                       "more than BULK_ITEMS_MAX (%u) items in one bulk request", BULK_ITEMS_MAX);
    if (lines->count == lines->capacity) {
        size_t capacity = lines->capacity ? lines->capacity * 2 : ITEMS_FIRST;
        lines->writes =
            arena_realloc(lines->mem, lines->writes, lines->capacity * sizeof(*lines->writes),
                          capacity * sizeof(*lines->writes));
        lines->capacity = capacity;
    }
    struct doc_write *write = &lines->writes[lines->count++];
    *write = DOC_WRITE_INIT;
    write->version = VERSION_NONE;
    *ret_write = write;
    return 0;
}

static int take_line(struct bulk_lines *lines, struct str line, struct err *err)
{
    lines->line++;
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (lines->wants_source) {
        lines->writes[lines->count - 1].source = line;
        lines->wants_source = false;
        return 0;
    }
    if (str_trim(line).n == 0)
        return 0;
    struct doc_write *write;
    TRY(write_new(lines, &write, err));
    TRY(action_take(lines, line, write, err));
    lines->wants_source = write->op != DOC_DELETE;
    return 0;
}

static void move(struct str *s, const struct bulk_lines *lines, const char *base)
{
    uintptr_t at = (uintptr_t)s->p, old = (uintptr_t)lines->base;
    if (s->p && at >= old && at - old <= lines->taken)
        s->p = base + (at - old);
}

static void move_all(struct bulk_lines *lines, const char *base)
{
    for (size_t i = 0; i < lines->count; i++) {
        struct doc_write *write = &lines->writes[i];
        move(&write->index, lines, base);
        move(&write->id, lines, base);
        move(&write->routing, lines, base);
        move(&write->source, lines, base);
    }
    lines->base = base;
    lines->action = STR_NONE;
}

int bulk_lines_take(struct bulk_lines *lines, struct str body, struct err *err)
{
    if (body.p != lines->base)
        move_all(lines, body.p);
    while (lines->taken < body.n) {
        size_t from = MAX_OF(lines->taken, lines->scanned);
        ptrdiff_t at = str_find_char(str_from_off(body, from), '\n');
        if (at < 0) {
            lines->scanned = body.n;
            return 0;
        }
        size_t end = from + (size_t)at;
        TRY(take_line(lines, str_sub(body, lines->taken, end - lines->taken), err));
        lines->taken = end + 1;
    }
    return 0;
}

/* ---- The whole ---- */

/* Numbers what is wrong, as Elasticsearch does, up to the room that an error's text has. */
struct problems {
    char text[ERR_TEXT_BYTES];
    size_t n;
    unsigned count;
};

static void problem_add(struct problems *p, const char *what)
{
    int n = snprintf(p->text + p->n, sizeof(p->text) - p->n, "%s%u: %s;", p->count ? "" : " ",
                     p->count + 1, what);
    p->n = MIN_OF(p->n + (size_t)MAX_OF(n, 0), sizeof(p->text) - 1);
    p->count++;
}

static void item_check(const struct doc_write *write, struct arena *mem, struct problems *p)
{
    if (!write->index.p || write->index.n == 0)
        problem_add(p, "index is missing");
    if (!write->id.p && (write->op == DOC_DELETE || write->op == DOC_UPDATE))
        problem_add(p, "id is missing");
    else if (write->id.p && write->id.n == 0)
        problem_add(p, "if _id is specified it must not be empty");
    const char *what = doc_write_check(write, mem);
    if (what)
        problem_add(p, what);
}

int bulk_lines_finish(struct bulk_lines *lines, struct str body,
                      const struct bulk_defaults *defaults, struct doc_write **ret_writes,
                      size_t *ret_count, struct err *err)
{
    struct problems problems = {.text = "Validation Failed:", .n = strlen("Validation Failed:")};
    if (body.n == 0)
        return err_set(err, ERR_BODY, "request body is required");
    if (lines->taken < body.n)
        return err_set(err, ERR_INVALID, "The bulk request must be terminated by a newline [\\n]");
    if (lines->wants_source)
        return err_set(err, ERR_VALIDATION,
                       "Validation Failed: 1: source is missing for the action of line %zu;",
                       lines->line);
    if (lines->count == 0)
        problem_add(&problems, "no requests added");
    for (size_t i = 0; i < lines->count && problems.n < sizeof(problems.text) - 1; i++) {
        struct doc_write *write = &lines->writes[i];
        if (!write->index.p)
            write->index = defaults->index;
        if (!write->routing.p)
            write->routing = defaults->routing;
        write->is_alias_required |= defaults->require_alias;
        item_check(write, lines->mem, &problems);
    }
    if (problems.count)
        return err_set(err, ERR_VALIDATION, "%s", problems.text);
    *ret_writes = lines->writes;
    *ret_count = lines->count;
    return 0;
}
