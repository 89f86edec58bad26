/* SPDX-License-Identifier: Apache-2.0 */
/* value.c: values of events as Ruby objects and back. Only what the code asks for is converted.
 * Integers are exact at any size, texts are UTF-8, times are LogStash::Timestamp. */
#include "ruby_int.h"

#include <time.h>

static VALUE timestamp_class;
static ID ns_ivar, to_s_id, to_f_id;

void ruby__value_init(void)
{
    rb_gc_register_address(&timestamp_class);
    timestamp_class = rb_path2class("LogStash::Timestamp");
    ns_ivar = rb_intern("@ns");
    to_s_id = rb_intern("to_s");
    to_f_id = rb_intern("to_f");
}

VALUE ruby__str(struct str s)
{
    return rb_utf8_str_new(s.p ? s.p : "", (long)s.n);
}

VALUE ruby__timestamp(int64_t ns)
{
    VALUE v = rb_obj_alloc(timestamp_class);
    rb_ivar_set(v, ns_ivar, LL2NUM(ns));
    return v;
}

VALUE ruby__from_value(const struct value *v)
{
    VALUE out;
    if (!v)
        return Qnil;
    switch ((enum value_kind)v->kind) {
    case VALUE_NONE:
    case VALUE_NULL:
        return Qnil;
    case VALUE_BOOL:
        return v->b ? Qtrue : Qfalse;
    case VALUE_INT:
        return LL2NUM(v->i);
    case VALUE_FLOAT:
        return DBL2NUM(v->f);
    case VALUE_BIG:
        return rb_str_to_inum(ruby__str(v->s), 10, 0);
    case VALUE_TIME:
        return ruby__timestamp(v->time_ns);
    case VALUE_STR:
        return ruby__str(v->s);
    case VALUE_LIST:
        out = rb_ary_new_capa((long)v->list->count);
        for (size_t i = 0; i < v->list->count; i++)
            rb_ary_push(out, ruby__from_value(&v->list->items[i]));
        return out;
    case VALUE_MAP:
        out = rb_hash_new();
        for (size_t i = 0; i < v->map->count; i++)
            rb_hash_aset(out, ruby__str(v->map->keys[i]), ruby__from_value(&v->map->values[i]));
        return out;
    }
    return Qnil;
}

static struct str str_copy(struct arena *mem, VALUE v)
{
    rb_encoding *enc = rb_enc_get(v);
    if (enc != rb_utf8_encoding() && enc != rb_usascii_encoding() && enc != rb_ascii8bit_encoding())
        v = rb_str_export_to_enc(v, rb_utf8_encoding());
    return arena_str(mem, (struct str){RSTRING_PTR(v), (size_t)RSTRING_LEN(v)});
}

static struct value to_value(struct arena *mem, VALUE v, int depth);

struct map_fill {
    struct arena *mem;
    struct value *map;
    int depth;
};

static int map_entry(VALUE key, VALUE v, VALUE arg)
{
    const struct map_fill *fill = (const struct map_fill *)arg;
    VALUE name = rb_funcall(key, to_s_id, 0);
    value_map_set(fill->mem, fill->map, str_copy(fill->mem, name),
                  to_value(fill->mem, v, fill->depth));
    return ST_CONTINUE;
}

static struct value from_bignum(struct arena *mem, VALUE v)
{
    VALUE text = rb_big2str(v, 10);
    struct str s = arena_str(mem, (struct str){RSTRING_PTR(text), (size_t)RSTRING_LEN(text)});
    int64_t i;
    return str_to_i64(s, &i) ? value_int(i) : (struct value){.kind = VALUE_BIG, .s = s};
}

/* Times, decimals; anything else is refused with the words of Logstash. */
static struct value from_object(struct arena *mem, VALUE v)
{
    (void)mem;
    if (rb_obj_is_kind_of(v, timestamp_class))
        return value_time(NUM2LL(rb_ivar_get(v, ns_ivar)));
    if (rb_obj_is_kind_of(v, rb_cTime)) {
        struct timespec t = rb_time_timespec(v);
        return value_time((int64_t)t.tv_sec * NS_PER_S + t.tv_nsec);
    }
    const char *name = rb_obj_classname(v);
    if (strcmp(name, "BigDecimal") == 0)
        return value_float(NUM2DBL(rb_funcall(v, to_f_id, 0)));
    rb_raise(rb_eTypeError, "Missing Converter handling for full class name=%s", name);
}

static struct value to_value(struct arena *mem, VALUE v, int depth)
{
    struct value out;
    if (depth > RUBY_VALUE_DEPTH_MAX)
        rb_raise(rb_eArgError, "nested deeper than %d levels", RUBY_VALUE_DEPTH_MAX);
    switch ((int)rb_type(v)) {
    case T_NIL:
        return value_null();
    case T_TRUE:
        return value_bool(true);
    case T_FALSE:
        return value_bool(false);
    case T_FIXNUM:
        return value_int(FIX2LONG(v));
    case T_BIGNUM:
        return from_bignum(mem, v);
    case T_FLOAT:
        return value_float(RFLOAT_VALUE(v));
    case T_STRING:
        return value_str(str_copy(mem, v));
    case T_SYMBOL:
        return value_str(str_copy(mem, rb_sym2str(v)));
    case T_ARRAY:
        out = value_list(mem, (size_t)RARRAY_LEN(v));
        for (long i = 0; i < RARRAY_LEN(v); i++)
            value_list_add(mem, &out, to_value(mem, rb_ary_entry(v, i), depth + 1));
        return out;
    case T_HASH:
        out = value_map(mem, (size_t)RHASH_SIZE(v));
        rb_hash_foreach(v, map_entry, (VALUE) & (struct map_fill){mem, &out, depth + 1});
        return out;
    default:
        return from_object(mem, v);
    }
}

struct value ruby__to_value(struct arena *mem, VALUE v)
{
    return to_value(mem, v, 0);
}
