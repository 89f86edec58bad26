/* SPDX-License-Identifier: Apache-2.0 */
/* value_json.c: JSON text to trees and back. Reading recurses at most JSON_DEPTH_MAX deep, since
 * the reader refuses deeper texts; trees are as deep as what they were made from. */
#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"
#include "event/value.h"

static bool read_value(struct json_reader *json, enum json_token token, struct value *ret_v);

static uint32_t position(const struct json_reader *json)
{
    return (uint32_t)MIN_OF(json->token_off + 1, (size_t)UINT32_MAX);
}

static bool read_list(struct json_reader *json, struct value *ret_v)
{
    *ret_v = value_list(json->mem, 4);
    for (;;) {
        enum json_token token = json_next(json);
        if (token == JSON_ARRAY_END)
            return true;
        struct value item;
        if (!read_value(json, token, &item))
            return false;
        value_list_add(json->mem, ret_v, item);
    }
}

static bool read_map(struct json_reader *json, struct value *ret_v)
{
    *ret_v = value_map(json->mem, 8);
    for (;;) {
        enum json_token token = json_next(json);
        if (token == JSON_OBJECT_END)
            return true;
        if (token != JSON_KEY)
            return false;
        struct str key = json->text;
        struct value item;
        if (!read_value(json, json_next(json), &item))
            return false;
        value_map_set(json->mem, ret_v, key, item);
    }
}

static bool read_value(struct json_reader *json, enum json_token token, struct value *ret_v)
{
    uint32_t pos = position(json);
    switch (token) {
    case JSON_OBJECT_BEGIN:
        if (!read_map(json, ret_v))
            return false;
        break;
    case JSON_ARRAY_BEGIN:
        if (!read_list(json, ret_v))
            return false;
        break;
    case JSON_STRING:
        *ret_v = value_str(json->text);
        break;
    case JSON_INT:
        *ret_v = value_int(json->i);
        break;
    case JSON_FLOAT:
        *ret_v = value_float(json->f);
        break;
    case JSON_BIG_INT:
        *ret_v = (struct value){.kind = VALUE_BIG, .s = json->text};
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        *ret_v = value_bool(token == JSON_TRUE);
        break;
    case JSON_NULL:
        *ret_v = value_null();
        break;
    case JSON_END:
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
    case JSON_KEY:
    case JSON_ERROR:
    default:
        return false;
    }
    ret_v->pos = pos;
    return true;
}

int value_from_json(struct str text, struct arena *mem, struct value *ret_v, struct err *err)
{
    struct json_reader json;
    struct value v;
    json_reader_init(&json, text, mem, JSON_REPLACE_UTF8);
    if (!read_value(&json, json_next(&json), &v) || json_next(&json) != JSON_END) {
        ASSERT(json.err.code != ERR_NONE);
        if (err)
            *err = json.err;
        return -(int)json.err.code;
    }
    *ret_v = v;
    return 0;
}

void value_write_json(const struct value *v, struct json_writer *w)
{
    char text[48];
    switch ((enum value_kind)v->kind) {
    case VALUE_BOOL:
        json_bool(w, v->b);
        return;
    case VALUE_INT:
        json_i64(w, v->i);
        return;
    case VALUE_FLOAT:
        json_f64(w, v->f);
        return;
    case VALUE_BIG:
        json_raw(w, v->s);
        return;
    case VALUE_TIME:
        json_str(w, (struct str){text, time_to_iso8601(v->time_ns, text)});
        return;
    case VALUE_STR:
        json_str(w, v->s);
        return;
    case VALUE_LIST:
        json_array_begin(w);
        for (size_t i = 0; i < v->list->count; i++)
            value_write_json(&v->list->items[i], w);
        json_array_end(w);
        return;
    case VALUE_MAP:
        json_object_begin(w);
        for (size_t i = 0; i < v->map->count; i++) {
            json_key(w, v->map->keys[i]);
            value_write_json(&v->map->values[i], w);
        }
        json_object_end(w);
        return;
    case VALUE_NONE:
    case VALUE_NULL:
    default:
        json_null(w);
        return;
    }
}

void value_to_json(const struct value *v, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out, false);
    value_write_json(v, &w);
}
