/* SPDX-License-Identifier: Apache-2.0 */
/* update.c: the body of an update, {doc, upsert, doc_as_upsert, detect_noop}, over a document:
 * objects are merged, everything else is replaced. */
#include "base/str.h"
#include "event/value.h"
#include "index/index_int.h"

static bool flag_of(const struct value *body, const char *key, bool dflt)
{
    const struct value *v = value_map_get(body, str_from(key));
    return v && v->kind == VALUE_BOOL ? v->b : dflt;
}

/* Depth is bounded by the JSON reader's. True: something changed. */
static bool merge(struct arena *mem, struct value *into, const struct value *from)
{
    bool is_changed = false;
    for (size_t i = 0; i < from->map->count; i++) {
        struct str key = from->map->keys[i];
        const struct value *v = &from->map->values[i];
        struct value *old = value_map_get(into, key);
        if (old && old->kind == VALUE_MAP && v->kind == VALUE_MAP) {
            is_changed |= merge(mem, old, v);
        } else if (!old || !value_eq(old, v) || old->kind != v->kind) {
            value_map_set(mem, into, key, *v);
            is_changed = true;
        }
    }
    return is_changed;
}

static struct str print(struct arena *mem, const struct value *v)
{
    struct buf out;
    buf_init(&out, 0);
    value_to_json(v, &out);
    struct str s = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static int body_check(const struct value *body, struct err *err)
{
    static const char *const known[] = {"doc",     "upsert",    "doc_as_upsert",  "detect_noop",
                                        "_source", "if_seq_no", "if_primary_term"};
    if (body->kind != VALUE_MAP)
        return err_set(err, ERR_INVALID,
                       "failed to parse update request: the body must be an object");
    for (size_t i = 0; i < body->map->count; i++) {
        bool is_known = false;
        for (size_t k = 0; k < ARRAY_COUNT(known); k++)
            is_known |= str_eq(body->map->keys[i], str_from(known[k]));
        if (str_is(body->map->keys[i], "script") || str_is(body->map->keys[i], "scripted_upsert"))
            return err_set(err, ERR_UNSUPPORTED, "[script] in an update is not supported yet");
        if (!is_known)
            return err_set(err, ERR_INVALID, "[UpdateRequest] unknown field [" STR_FMT "]",
                           STR_ARG(body->map->keys[i]));
    }
    return 0;
}

int update_apply(struct str json, struct str source, struct str id, struct arena *mem,
                 struct str *ret_source, bool *ret_noop, struct err *err)
{
    struct value body, current;
    TRY(value_from_json(json, mem, &body, err));
    TRY(body_check(&body, err));
    const struct value *doc = value_map_get_lit(&body, "doc"),
                       *upsert = value_map_get_lit(&body, "upsert");
    if ((doc && doc->kind != VALUE_MAP) || (upsert && upsert->kind != VALUE_MAP))
        return err_set(err, ERR_INVALID,
                       "failed to parse update request: [doc] and [upsert] must be objects");
    *ret_noop = false;
    if (!source.p) {
        if (flag_of(&body, "doc_as_upsert", false))
            upsert = doc;
        if (!upsert)
            return err_set(err, ERR_DOC_MISSING, "[_doc][" STR_FMT "]: document missing",
                           STR_ARG(id));
        *ret_source = print(mem, upsert);
        return 0;
    }
    if (!doc)
        return err_set(err, ERR_INVALID, "Validation Failed: 1: script or doc is missing;");
    TRY(value_from_json(source, mem, &current, err));
    bool is_changed = merge(mem, &current, doc);
    *ret_noop = !is_changed && flag_of(&body, "detect_noop", true);
    *ret_source = print(mem, &current);
    return 0;
}
