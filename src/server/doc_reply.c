/* SPDX-License-Identifier: Apache-2.0 */
#include "server/doc_reply.h"

#include "base/arena.h"
#include "base/str.h"
#include "index/format.h"

/* Of an id that is too long, so that the message has room for the rest. */
#define ID_SHOWN_BYTES 64u

int refresh_parse(struct str text, enum write_refresh *ret_refresh, struct err *err)
{
    if (!text.p || str_is(text, "false"))
        *ret_refresh = REFRESH_NONE;
    else if (text.n == 0 || str_is(text, "true"))
        *ret_refresh = REFRESH_NOW;
    else if (str_is(text, "wait_for"))
        *ret_refresh = REFRESH_WAIT;
    else
        return err_set(err, ERR_INVALID, "Unknown value for refresh: [" STR_FMT "].",
                       STR_ARG(text));
    return 0;
}

int write_params_apply(const struct write_params *params, struct doc_write *write, struct err *err)
{
    if (params->pipeline.n > 0 && !str_is(params->pipeline, "_none"))
        return err_set(err, ERR_INVALID, "pipeline with id [" STR_FMT "] does not exist",
                       STR_ARG(params->pipeline));
    write->routing = params->routing;
    write->if_seq_no = params->if_seq_no;
    write->if_primary_term = params->if_primary_term;
    write->version = params->version;
    write->is_alias_required = params->require_alias;
    return version_type_parse(params->version_type.p ? params->version_type : STR("internal"),
                              &write->version_type, err);
}

int version_type_parse(struct str text, enum version_type *ret, struct err *err)
{
    if (str_is(text, "internal"))
        *ret = VERSION_INTERNAL;
    else if (str_is(text, "external") || str_is(text, "external_gt"))
        *ret = VERSION_EXTERNAL;
    else if (str_is(text, "external_gte"))
        *ret = VERSION_EXTERNAL_GTE;
    else
        return err_set(err, ERR_INVALID, "No version type match [" STR_FMT "]", STR_ARG(text));
    return 0;
}

static const char *version_type_name(enum version_type type)
{
    return type == VERSION_INTERNAL   ? "INTERNAL"
           : type == VERSION_EXTERNAL ? "EXTERNAL"
                                      : "EXTERNAL_GTE";
}

int read_version_parse(int64_t version, struct str type, struct read_version *ret, struct err *err)
{
    *ret = (struct read_version){.version = version};
    if (type.p)
        TRY(version_type_parse(type, &ret->type, err));
    int64_t least = ret->type == VERSION_INTERNAL ? 1 : 0;
    if (version != VERSION_NONE && version < least)
        return err_set(err, ERR_VALIDATION,
                       "Validation Failed: 1: illegal version value [%lld] for version type [%s];",
                       (long long)version, version_type_name(ret->type));
    return 0;
}

int read_version_check(const struct doc_get *doc, const struct read_version *wanted,
                       struct err *err)
{
    if (!doc->is_found || wanted->version == VERSION_NONE || wanted->version == doc->version)
        return 0;
    return err_set(
        err, ERR_VERSION_CONFLICT,
        "[" STR_FMT
        "]: version conflict, current version [%lld] is different than the one provided [%lld]",
        STR_ARG(doc->id), (long long)doc->version, (long long)wanted->version);
}

int read_refresh_parse(struct str text, bool *ret, struct err *err)
{
    *ret = text.p && (text.n == 0 || str_is(text, "true"));
    if (!text.p || *ret || str_is(text, "false"))
        return 0;
    return err_set(err, ERR_INVALID,
                   "Failed to parse value [" STR_FMT "] as only [true] or [false] are allowed.",
                   STR_ARG(text));
}

int doc_write_numbers_check(const struct doc_write *write, struct err *err)
{
    if (write->if_seq_no != SEQ_NO_NONE && write->if_seq_no < 0)
        return err_set(err, ERR_INVALID, "sequence numbers must be non negative. got [%lld].",
                       (long long)write->if_seq_no);
    if (write->if_primary_term < 0)
        return err_set(err, ERR_INVALID, "primary term must be non-negative. got [%lld]",
                       (long long)write->if_primary_term);
    return 0;
}

static const char *create_check(const struct doc_write *write)
{
    if (write->version_type != VERSION_INTERNAL)
        return "create operations only support internal versioning. use index instead";
    if (write->version != VERSION_NONE)
        return "create operations do not support explicit versions. use index instead";
    if (write->if_seq_no != SEQ_NO_NONE)
        return "create operations do not support compare and set. use index instead";
    return NULL;
}

static const char *version_check(const struct doc_write *write, struct arena *mem)
{
    bool is_internal = write->version_type == VERSION_INTERNAL;
    if (is_internal ? write->version != VERSION_NONE : write->op == DOC_UPDATE)
        return "internal versioning can not be used for optimistic concurrency control. Please use "
               "`if_seq_no` and `if_primary_term` instead";
    if (!is_internal && write->version < 0)
        return arena_printf(mem, "illegal version value [%lld] for version type [%s]",
                            (long long)write->version, version_type_name(write->version_type))
            .p;
    if (!is_internal && write->if_seq_no != SEQ_NO_NONE)
        return "compare and write operations can not use versioning";
    return NULL;
}

const char *doc_write_check(const struct doc_write *write, struct arena *mem)
{
    bool is_conditional = write->if_seq_no != SEQ_NO_NONE;
    /* One without an id is made under a new one. */
    bool is_create = write->op == DOC_CREATE || (write->op == DOC_INDEX && write->id.n == 0);
    const char *what = is_create ? create_check(write) : version_check(write, mem);
    if (what)
        return what;
    if (is_conditional != (write->if_primary_term != 0))
        return arena_printf(mem, "ifSeqNo is %s, but primary term is [%lld]",
                            is_conditional ? "set" : "unassigned",
                            (long long)write->if_primary_term)
            .p;
    if (write->id.n > ID_BYTES_MAX)
        return arena_printf(
                   mem,
                   "id [" STR_FMT "...] is too long, must be no longer than %u bytes but was: %zu",
                   STR_ARG(str_sub(write->id, 0, ID_SHOWN_BYTES)), ID_BYTES_MAX, write->id.n)
            .p;
    return NULL;
}

static int write_check(const struct doc_write *write, struct arena *mem, struct err *err)
{
    TRY(doc_write_numbers_check(write, err));
    const char *what = doc_write_check(write, mem);
    return what ? err_set(err, ERR_VALIDATION, "Validation Failed: 1: %s;", what) : 0;
}

static struct str outcome_name(enum doc_outcome outcome)
{
    switch (outcome) {
    case DOC_CREATED:
        return STR("created");
    case DOC_UPDATED:
        return STR("updated");
    case DOC_DELETED:
        return STR("deleted");
    case DOC_NOT_FOUND:
        return STR("not_found");
    case DOC_NOOP:
    case DOC_FAILED:
    default:
        return STR("noop");
    }
}

static void write_identity(struct str index, struct str id, struct json_writer *w)
{
    json_key_lit(w, "_index");
    json_str(w, index);
    json_key_lit(w, "_type");
    json_str(w, STR("_doc"));
    json_key_lit(w, "_id");
    json_str(w, id);
}

void doc_result_write(const struct doc_result *result, struct json_writer *w)
{
    write_identity(result->index, result->id, w);
    json_key_lit(w, "_version");
    json_i64(w, result->version);
    json_key_lit(w, "result");
    json_str(w, outcome_name(result->outcome));
    if (result->forced_refresh) {
        json_key_lit(w, "forced_refresh");
        json_bool(w, true);
    }
    json_key_lit(w, "_shards");
    json_object_begin(w);
    json_key_lit(w, "total");
    json_i64(w, result->outcome == DOC_NOOP ? 0 : 2);
    json_key_lit(w, "successful");
    json_i64(w, result->outcome == DOC_NOOP ? 0 : 1);
    json_key_lit(w, "failed");
    json_i64(w, 0);
    json_object_end(w);
    json_key_lit(w, "_seq_no");
    json_i64(w, result->seq_no);
    json_key_lit(w, "_primary_term");
    json_i64(w, result->primary_term);
}

void doc_get_write(const struct doc_get *doc, struct str index, struct str id, struct str source,
                   struct json_writer *w)
{
    write_identity(doc->is_found ? doc->index : index, id, w);
    if (doc->is_found) {
        json_key_lit(w, "_version");
        json_i64(w, doc->version);
        json_key_lit(w, "_seq_no");
        json_i64(w, doc->seq_no);
        json_key_lit(w, "_primary_term");
        json_i64(w, doc->primary_term);
        if (doc->routing.n > 0) {
            json_key_lit(w, "_routing");
            json_str(w, doc->routing);
        }
    }
    json_key_lit(w, "found");
    json_bool(w, doc->is_found);
    if (doc->is_found && source.p) {
        json_key_lit(w, "_source");
        json_raw(w, source);
    }
}

int doc_write_run(struct rest_call *call, const struct doc_write *write, struct str refresh,
                  struct err *err)
{
    enum write_refresh mode;
    struct doc_result result;
    TRY(refresh_parse(refresh, &mode, err));
    TRY(write_check(write, call->mem, err));
    TRY(engine_write(call->context->engine, write, 1, mode, call->mem, &result, err));
    if (result.outcome == DOC_FAILED) {
        if (err)
            *err = *result.err;
        call->place = (struct rest_place){result.index, result.index_uuid};
        return -(int)result.err->code;
    }
    call->status = result.status;
    json_object_begin(&call->w);
    doc_result_write(&result, &call->w);
    json_object_end(&call->w);
    return 0;
}
