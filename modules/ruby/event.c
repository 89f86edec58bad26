/* SPDX-License-Identifier: Apache-2.0 */
/* event.c: LogStash::Event. The object holds only a pointer to the program's event; fields are
 * converted when they are asked for. At the end of a turn the pointers are cleared, so that an
 * event kept in a variable raises instead of reading memory of a batch that is gone. */
#include "ruby_int.h"

#include "base/hash.h"

#define PATHS_MAX 4096u /* field references kept parsed; more are parsed each time */

static VALUE event_class;
static const rb_data_type_t event_type = {
    .wrap_struct_name = "LogStash::Event",
    .flags = RUBY_TYPED_FREE_IMMEDIATELY,
};

static struct {
    struct strmap map; /* text -> struct field_path */
    struct arena *mem;
} paths;

VALUE ruby__event_wrap(struct event *ev)
{
    VALUE v = rb_data_typed_object_wrap(event_class, ev, &event_type);
    rb_ary_push(ruby_turn.wrappers, v);
    return v;
}

struct event *ruby__event_unwrap(VALUE v)
{
    if (!rb_typeddata_is_kind_of(v, &event_type))
        return NULL;
    struct event *ev = DATA_PTR(v);
    if (!ev)
        rb_raise(
            rb_eRuntimeError,
            "this event belongs to an earlier batch: keep what you need of it (clone, to_hash)");
    return ev;
}

static struct event *self_event(VALUE self)
{
    struct event *ev = DATA_PTR(self);
    if (!ev)
        return ruby__event_unwrap(self);
    return ev;
}

void ruby__turn_end(void)
{
    for (long i = 0; i < RARRAY_LEN(ruby_turn.wrappers); i++)
        DATA_PTR(rb_ary_entry(ruby_turn.wrappers, i)) = NULL;
    rb_ary_clear(ruby_turn.wrappers);
}

/* ---- field references ---- */

/* A plain name: no brackets, and not the metadata. */
static bool is_plain(struct str name)
{
    return name.n > 0 && !memchr(name.p, '[', name.n) && !memchr(name.p, ']', name.n) &&
           !str_is(name, "@metadata");
}

static struct str ref_str(VALUE *ref)
{
    if (SYMBOL_P(*ref))
        *ref = rb_sym2str(*ref);
    StringValue(*ref);
    return (struct str){RSTRING_PTR(*ref), (size_t)RSTRING_LEN(*ref)};
}

static const struct field_path *path_of(const struct event *ev, struct str text,
                                        struct field_path *tmp)
{
    struct field_path *path = strmap_get(&paths.map, text);
    if (path)
        return path;
    struct err err;
    bool is_kept = paths.map.count < PATHS_MAX;
    struct arena *mem = is_kept ? paths.mem : ev->mem;
    if (field_path_parse(mem, arena_str(mem, text), tmp, &err) < 0)
        rb_raise(rb_eRuntimeError, "Invalid FieldReference: `%.*s` (%s)", STR_ARG(text), err.text);
    if (!is_kept)
        return tmp;
    path = ARENA_NEW(mem, struct field_path);
    *path = *tmp;
    (void)strmap_put(&paths.map, text, path);
    return path;
}

static struct value *field_get(const struct event *ev, VALUE *ref)
{
    struct field_path tmp;
    struct str name = ref_str(ref);
    if (is_plain(name))
        return value_map_get(&ev->fields, name);
    return event_get(ev, path_of(ev, name, &tmp));
}

/* ---- methods ---- */

static VALUE event_m_get(VALUE self, VALUE ref)
{
    VALUE v = ruby__from_value(field_get(self_event(self), &ref));
    RB_GC_GUARD(ref);
    return v;
}

static void timestamp_check(struct str name, const struct value *v)
{
    if ((str_is(name, "@timestamp") || str_is(name, "[@timestamp]")) && v->kind != VALUE_TIME)
        rb_raise(rb_eTypeError,
                 "wrong argument type for @timestamp (expected LogStash::Timestamp)");
}

static VALUE event_m_set(VALUE self, VALUE ref, VALUE content)
{
    struct event *ev = self_event(self);
    struct str name = ref_str(&ref);
    struct value v = ruby__to_value(ev->mem, content);
    timestamp_check(name, &v);
    struct value *old;
    if (is_plain(name) && (old = value_map_get(&ev->fields, name))) {
        *old = v;
    } else if (is_plain(name) && ev->fields.kind == VALUE_MAP) {
        value_map_set(ev->mem, &ev->fields, arena_str(ev->mem, name), v);
    } else {
        struct field_path tmp;
        struct err err;
        if (event_set(ev, path_of(ev, name, &tmp), v, &err) < 0)
            rb_raise(rb_eRuntimeError, "Could not set field '%.*s': %s", STR_ARG(name), err.text);
    }
    RB_GC_GUARD(ref);
    return content;
}

static VALUE event_m_remove(VALUE self, VALUE ref)
{
    struct event *ev = self_event(self);
    struct field_path tmp;
    struct value old = value_null();
    struct str name = ref_str(&ref);
    bool is_there = event_remove(ev, path_of(ev, name, &tmp), &old);
    RB_GC_GUARD(ref);
    return is_there ? ruby__from_value(&old) : Qnil;
}

static VALUE event_m_include(VALUE self, VALUE ref)
{
    bool is_there = field_get(self_event(self), &ref) != NULL;
    RB_GC_GUARD(ref);
    return is_there ? Qtrue : Qfalse;
}

static VALUE event_m_to_hash(VALUE self)
{
    return ruby__from_value(&self_event(self)->fields);
}

static VALUE event_m_to_hash_with_metadata(VALUE self)
{
    const struct event *ev = self_event(self);
    VALUE hash = ruby__from_value(&ev->fields);
    if (ev->metadata.kind == VALUE_MAP && ev->metadata.map->count > 0)
        rb_hash_aset(hash, rb_utf8_str_new_cstr("@metadata"), ruby__from_value(&ev->metadata));
    return hash;
}

static VALUE event_m_to_json(int argc, VALUE *argv, VALUE self)
{
    (void)argc;
    (void)argv;
    struct buf out;
    buf_init(&out, 0);
    event_to_json(self_event(self), &out);
    VALUE v = ruby__str(buf_str(
        &out)); /* an allocation that fails raises and leaks the text: the process ends then */
    buf_deinit(&out);
    return v;
}

static VALUE event_m_sprintf(VALUE self, VALUE format)
{
    struct event *ev = self_event(self);
    VALUE text = rb_obj_as_string(format);
    struct sprintf_template *t;
    struct err err;
    struct str copy =
        arena_str(ev->mem, (struct str){RSTRING_PTR(text), (size_t)RSTRING_LEN(text)});
    if (sprintf_compile(ev->mem, copy, &t, &err) < 0)
        rb_raise(rb_eRuntimeError, "%s", err.text);
    return ruby__str(sprintf_text(t, ev, ev->mem));
}

static VALUE event_m_to_s(VALUE self)
{
    return event_m_sprintf(self, rb_utf8_str_new_cstr("%{@timestamp} %{host} %{message}"));
}

static VALUE event_m_tag(VALUE self, VALUE tag)
{
    struct event *ev = self_event(self);
    VALUE text = rb_obj_as_string(tag);
    event_tag(ev, arena_str(ev->mem, (struct str){RSTRING_PTR(text), (size_t)RSTRING_LEN(text)}));
    return Qnil;
}

static VALUE event_m_cancel(VALUE self)
{
    self_event(self)->is_cancelled = true;
    return Qtrue;
}

static VALUE event_m_uncancel(VALUE self)
{
    self_event(self)->is_cancelled = false;
    return Qfalse;
}

static VALUE event_m_cancelled(VALUE self)
{
    return self_event(self)->is_cancelled ? Qtrue : Qfalse;
}

static VALUE event_m_clone(VALUE self)
{
    return ruby__event_wrap(event_clone(ruby_turn.batch, self_event(self)));
}

static VALUE event_m_timestamp(VALUE self)
{
    int64_t ns;
    return event_timestamp_ns(self_event(self), &ns) ? ruby__timestamp(ns) : Qnil;
}

static VALUE event_m_set_timestamp(VALUE self, VALUE v)
{
    return event_m_set(self, rb_utf8_str_new_cstr("@timestamp"), v);
}

static VALUE event_m_overwrite(VALUE self, VALUE other)
{
    struct event *ev = self_event(self), *from = ruby__event_unwrap(other);
    if (!from)
        rb_raise(rb_eTypeError, "wrong argument type %s (expected LogStash::Event)",
                 rb_obj_classname(other));
    ev->fields = value_copy(ev->mem, &from->fields);
    return self;
}

static bool list_has(const struct value *list, const struct value *item)
{
    for (size_t i = 0; i < list->list->count; i++) {
        if (value_eq(&list->list->items[i], item))
            return true;
    }
    return false;
}

static void list_unite(struct arena *mem, struct value *list, const struct value *v)
{
    if (v->kind != VALUE_LIST) {
        if (!list_has(list, v))
            value_list_add(mem, list, value_copy(mem, v));
        return;
    }
    for (size_t i = 0; i < v->list->count; i++)
        list_unite(mem, list, &v->list->items[i]);
}

/* Maps are united, everything else that is on both sides becomes one list without doubles. */
static void map_append(struct arena *mem, struct value *to, const struct value *from, int depth)
{
    for (size_t i = 0; i < from->map->count && depth < RUBY_VALUE_DEPTH_MAX; i++) {
        struct str key = from->map->keys[i];
        const struct value *v = &from->map->values[i];
        struct value *old = value_map_get(to, key);
        if (!old) {
            value_map_set(mem, to, arena_str(mem, key), value_copy(mem, v));
        } else if (old->kind == VALUE_MAP && v->kind == VALUE_MAP) {
            map_append(mem, old, v, depth + 1);
        } else if (!value_eq(old, v) && !str_is(key, "@timestamp") && !str_is(key, "@version")) {
            struct value list = value_list(mem, 4);
            list_unite(mem, &list, old);
            list_unite(mem, &list, v);
            *old = list;
        }
    }
}

static VALUE event_m_append(VALUE self, VALUE other)
{
    struct event *ev = self_event(self), *from = ruby__event_unwrap(other);
    if (!from)
        rb_raise(rb_eTypeError, "wrong argument type %s (expected LogStash::Event)",
                 rb_obj_classname(other));
    map_append(ev->mem, &ev->fields, &from->fields, 0);
    return self;
}

static VALUE event_m_index(int argc, VALUE *argv, VALUE self)
{
    (void)argc;
    (void)argv;
    (void)self;
    rb_raise(rb_eNoMethodError,
             "Direct event field references (i.e. event['field']) have been disabled in favor of "
             "using event get and set methods (e.g. event.get('field')).");
}

/* ---- new events ---- */

static int64_t now_ns(void)
{
    return clock_wall_ns(ruby_turn.script->clock);
}

static void fields_from(struct event *ev, const struct value *hash)
{
    for (size_t i = 0; i < hash->map->count; i++) {
        struct str key = hash->map->keys[i];
        struct value v = hash->map->values[i];
        struct str text = v.kind == VALUE_STR ? v.s : STR_NONE;
        if (str_is(key, "@timestamp") && v.kind != VALUE_TIME) {
            VALUE t = text.p ? rb_funcall(rb_path2class("LogStash::Timestamp"), rb_intern("coerce"),
                                          1, ruby__str(text))
                             : Qnil;
            if (NIL_P(t)) { /* as Logstash: kept aside, with a tag */
                (void)event_set_text(ev, STR("_@timestamp"), v, NULL);
                event_tag(ev, STR("_timestampparsefailure"));
                continue;
            }
            v = ruby__to_value(ev->mem, t);
        }
        if (str_is(key, "@metadata") && v.kind == VALUE_MAP)
            ev->metadata = v;
        else
            value_map_set(ev->mem, &ev->fields, key, v);
    }
}

static VALUE event_s_new(int argc, VALUE *argv, VALUE klass)
{
    (void)klass;
    if (!ruby_turn.batch)
        rb_raise(rb_eRuntimeError, "no event can be made outside of a filter's code");
    struct event *ev = batch_add_stamped(ruby_turn.batch, now_ns());
    if (ruby_turn.current)
        ev->origin = ruby_turn.current->origin;
    VALUE v = ruby__event_wrap(ev);
    if (argc > 0 && !NIL_P(argv[0])) {
        Check_Type(argv[0], T_HASH);
        struct value hash = ruby__to_value(ev->mem, argv[0]);
        fields_from(ev, &hash);
    }
    return v;
}

static VALUE event_s_from_json(VALUE klass, VALUE text)
{
    (void)klass;
    StringValue(text);
    if (!ruby_turn.batch)
        rb_raise(rb_eRuntimeError, "no event can be made outside of a filter's code");
    struct event *ev;
    struct err err;
    struct str copy =
        arena_str(ruby_turn.batch->mem, (struct str){RSTRING_PTR(text), (size_t)RSTRING_LEN(text)});
    if (event_from_json(ruby_turn.batch, copy, now_ns(), &ev, &err) < 0)
        rb_raise(rb_eArgError, "%s", err.text);
    return rb_ary_new_from_args(1, ruby__event_wrap(ev));
}

void ruby__event_init(VALUE logstash)
{
    strmap_init(&paths.map);
    paths.mem = arena_new(0);
    rb_gc_register_address(&ruby_turn.wrappers);
    ruby_turn.wrappers = rb_ary_new();
    rb_gc_register_address(&event_class);
    event_class = rb_define_class_under(logstash, "Event", rb_cObject);
    rb_undef_alloc_func(event_class);
    rb_define_singleton_method(event_class, "new", event_s_new, -1);
    rb_define_singleton_method(event_class, "from_json", event_s_from_json, 1);
    rb_define_method(event_class, "get", event_m_get, 1);
    rb_define_method(event_class, "set", event_m_set, 2);
    rb_define_method(event_class, "remove", event_m_remove, 1);
    rb_define_method(event_class, "include?", event_m_include, 1);
    rb_define_method(event_class, "to_hash", event_m_to_hash, 0);
    rb_define_method(event_class, "to_hash_with_metadata", event_m_to_hash_with_metadata, 0);
    rb_define_method(event_class, "to_json", event_m_to_json, -1);
    rb_define_method(event_class, "sprintf", event_m_sprintf, 1);
    rb_define_method(event_class, "to_s", event_m_to_s, 0);
    rb_define_method(event_class, "tag", event_m_tag, 1);
    rb_define_method(event_class, "cancel", event_m_cancel, 0);
    rb_define_method(event_class, "uncancel", event_m_uncancel, 0);
    rb_define_method(event_class, "cancelled?", event_m_cancelled, 0);
    rb_define_method(event_class, "clone", event_m_clone, 0);
    rb_define_method(event_class, "dup", event_m_clone, 0);
    rb_define_method(event_class, "timestamp", event_m_timestamp, 0);
    rb_define_method(event_class, "timestamp=", event_m_set_timestamp, 1);
    rb_define_method(event_class, "append", event_m_append, 1);
    rb_define_method(event_class, "overwrite", event_m_overwrite, 1);
    rb_define_method(event_class, "[]", event_m_index, -1);
    rb_define_method(event_class, "[]=", event_m_index, -1);
}
