/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.c: accumulator states as bytes. Integers are LEB128 (zigzag when signed), doubles and
 * hashes eight bytes little endian, values a kind byte and their content. */
#include "agg/agg_int.h"

void agg__put_i64(struct buf *out, int64_t v)
{
    buf_add_varint(out, zigzag_encode(v));
}

void agg__put_f64(struct buf *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    buf_add_u64_le(out, bits);
}

void agg__put_u64(struct buf *out, uint64_t v)
{
    buf_add_u64_le(out, v);
}

bool agg__get_varint(struct str *in, uint64_t *ret_v)
{
    if (in->n == 0)
        return false;
    const uint8_t *p = (const uint8_t *)in->p;
    if (!get_varint(&p, p + in->n, ret_v))
        return false;
    size_t used = (size_t)((const char *)p - in->p);
    *in = (struct str){in->p + used, in->n - used};
    return true;
}

bool agg__get_i64(struct str *in, int64_t *ret_v)
{
    uint64_t v;
    if (!agg__get_varint(in, &v))
        return false;
    *ret_v = zigzag_decode(v);
    return true;
}

bool agg__get_bytes(struct str *in, size_t n, struct str *ret_bytes)
{
    if (in->n < n)
        return false;
    *ret_bytes = (struct str){in->p, n};
    *in = (struct str){in->p + n, in->n - n};
    return true;
}

bool agg__get_u64(struct str *in, uint64_t *ret_v)
{
    struct str bytes;
    if (!agg__get_bytes(in, 8, &bytes))
        return false;
    *ret_v = get_u64_le(bytes.p);
    return true;
}

bool agg__get_f64(struct str *in, double *ret_v)
{
    uint64_t bits;
    if (!agg__get_u64(in, &bits))
        return false;
    memcpy(ret_v, &bits, sizeof(bits));
    return true;
}

void agg__put_value(struct buf *out, const struct value *v)
{
    buf_add_u8(out, v->kind);
    switch ((enum value_kind)v->kind) {
    case VALUE_NONE:
    case VALUE_NULL:
        break;
    case VALUE_BOOL:
        buf_add_u8(out, v->b ? 1 : 0);
        break;
    case VALUE_INT:
    case VALUE_TIME:
        agg__put_i64(out, v->i);
        break;
    case VALUE_FLOAT:
        agg__put_f64(out, v->f);
        break;
    case VALUE_BIG:
    case VALUE_STR:
        buf_add_varint(out, v->s.n);
        buf_add_str(out, v->s);
        break;
    case VALUE_LIST:
    case VALUE_MAP: {
        struct buf json;
        buf_init(&json, 0);
        value_to_json(v, &json);
        buf_add_varint(out, json.n);
        buf_add_str(out, buf_str(&json));
        buf_deinit(&json);
        break;
    }
    }
}

static bool get_text(struct str *in, struct arena *mem, struct str *ret_text)
{
    uint64_t n;
    struct str bytes;
    if (!agg__get_varint(in, &n) || !agg__get_bytes(in, n, &bytes))
        return false;
    *ret_text = arena_str(mem, bytes);
    return true;
}

bool agg__get_value(struct str *in, struct arena *mem, struct value *ret_v)
{
    struct str byte, text;
    if (!agg__get_bytes(in, 1, &byte))
        return false;
    struct value v = {.kind = (uint8_t)byte.p[0]};
    switch ((enum value_kind)v.kind) {
    case VALUE_NONE:
    case VALUE_NULL:
        break;
    case VALUE_BOOL:
        if (!agg__get_bytes(in, 1, &byte))
            return false;
        v.b = byte.p[0] != 0;
        break;
    case VALUE_INT:
    case VALUE_TIME:
        if (!agg__get_i64(in, &v.i))
            return false;
        break;
    case VALUE_FLOAT:
        if (!agg__get_f64(in, &v.f))
            return false;
        break;
    case VALUE_BIG:
    case VALUE_STR:
        if (!get_text(in, mem, &v.s))
            return false;
        break;
    case VALUE_LIST:
    case VALUE_MAP:
        if (!get_text(in, mem, &text) || value_from_json(text, mem, &v, NULL) < 0)
            return false;
        break;
    default:
        return false;
    }
    *ret_v = v;
    return true;
}
