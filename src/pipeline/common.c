/* SPDX-License-Identifier: Apache-2.0 */
/* common.c: the options that every filter or input has, applied in Logstash's order: add_field,
 * remove_field, add_tag, remove_tag (filters); type, add_field, tags (inputs). Names and texts are
 * compiled once; constant ones, which nearly all are, cost no template at run time. */
#include "base/arena.h"
#include "base/str.h"
#include "pipeline/pipeline_int.h"
#include "pipeline/template.h"

struct field_add {
    struct field_ref field;
    struct text_template *texts;
    size_t text_count;
};

struct plugin_common {
    struct field_add *add_fields;
    size_t add_field_count;
    struct field_ref *remove_fields;
    size_t remove_field_count;
    struct text_template *add_tags;
    size_t add_tag_count;
    struct text_template *remove_tags;
    size_t remove_tag_count;
    struct str type;
};

static int texts_compile(struct plugin *plugin, const struct value *v,
                         struct text_template **ret_texts, size_t *ret_count, struct err *err)
{
    const struct value *items;
    size_t count = setting_items(v, &items);
    struct text_template *texts = ARENA_ARRAY(plugin->mem, struct text_template, count);
    for (size_t i = 0; i < count; i++)
        TRY(text_template_compile(plugin, &items[i], &texts[i], err));
    *ret_texts = texts;
    *ret_count = count;
    return 0;
}

/* A list of pairs is taken as a hash, as Logstash does. */
static int pairs_to_map(struct plugin *plugin, struct value *v, struct err *err)
{
    if (v->kind == VALUE_MAP)
        return 0;
    if (v->kind != VALUE_LIST || v->list->count % 2 != 0) {
        err_set(err, ERR_CONFIG, "\"add_field\" must be a hash, as { \"name\" => \"text\" }");
        return plugin_err_at(plugin, v->pos, err);
    }
    struct value map = value_map(plugin->mem, v->list->count / 2);
    map.pos = v->pos;
    for (size_t i = 0; i < v->list->count; i += 2)
        value_map_set(plugin->mem, &map, value_to_str(plugin->mem, &v->list->items[i]),
                      v->list->items[i + 1]);
    *v = map;
    return 0;
}

static int add_fields_compile(struct plugin *plugin, struct value *v, struct plugin_common *common,
                              struct err *err)
{
    TRY(pairs_to_map(plugin, v, err));
    common->add_fields = ARENA_ARRAY(plugin->mem, struct field_add, v->map->count);
    for (size_t i = 0; i < v->map->count; i++) {
        struct field_add *add = &common->add_fields[i];
        TRY(field_ref_compile(plugin, v->map->keys[i], v->map->values[i].pos, &add->field, err));
        TRY(texts_compile(plugin, &v->map->values[i], &add->texts, &add->text_count, err));
    }
    common->add_field_count = v->map->count;
    return 0;
}

int plugin__common_compile(struct plugin *plugin, enum plugin_kind kind, struct err *err)
{
    const struct value *s = &plugin->settings;
    struct value *add_field = value_map_get_lit(s, "add_field");
    struct value *tags = value_map_get(s, kind == PLUGIN_INPUT ? STR("tags") : STR("add_tag"));
    struct value *remove_field = value_map_get_lit(s, "remove_field");
    struct value *remove_tag = value_map_get_lit(s, "remove_tag");
    struct value *type = kind == PLUGIN_INPUT ? value_map_get_lit(s, "type") : NULL;
    if (!add_field && !tags && !remove_field && !remove_tag && !type)
        return 0;
    const struct value *lists[] = {tags, remove_field, remove_tag};
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        if (lists[i] && lists[i]->kind == VALUE_MAP) {
            err_set(err, ERR_CONFIG, "must be an array, as [ \"name\" ], not a hash");
            return plugin_err_at(plugin, lists[i]->pos, err);
        }
    }
    struct plugin_common *common = ARENA_NEW(plugin->mem, struct plugin_common);
    if (add_field)
        TRY(add_fields_compile(plugin, add_field, common, err));
    if (tags)
        TRY(texts_compile(plugin, tags, &common->add_tags, &common->add_tag_count, err));
    if (remove_field && kind == PLUGIN_FILTER)
        TRY(field_refs_compile(plugin, remove_field, &common->remove_fields,
                               &common->remove_field_count, err));
    if (remove_tag && kind == PLUGIN_FILTER)
        TRY(texts_compile(plugin, remove_tag, &common->remove_tags, &common->remove_tag_count,
                          err));
    if (type)
        common->type = value_to_str(plugin->mem, type);
    plugin->common = common;
    return 0;
}

/* ---- at run time ---- */

/* A new field, or one more item of the list that it becomes. */
static void field_add_text(struct event *ev, const struct field_path *path, struct str text)
{
    struct value v = value_str(text);
    struct value *old = event_get(ev, path);
    if (!old) {
        (void)event_set(ev, path, v,
                        NULL); /* a way through a scalar: Logstash leaves the event as it is too */
    } else if (old->kind == VALUE_LIST) {
        value_list_add(ev->mem, old, v);
    } else {
        struct value list = value_list(ev->mem, 2);
        value_list_add(ev->mem, &list, *old);
        value_list_add(ev->mem, &list, v);
        *old = list;
    }
}

static void add_fields(const struct plugin_common *common, struct event *ev)
{
    for (size_t i = 0; i < common->add_field_count; i++) {
        const struct field_add *add = &common->add_fields[i];
        struct field_path tmp;
        const struct field_path *path = field_ref_get(&add->field, ev, &tmp);
        for (size_t k = 0; path && k < add->text_count; k++)
            field_add_text(ev, path, text_template_get(&add->texts[k], ev));
    }
}

/* Unlike event_tag: a tag that is there already is added again, as Logstash's decorators do. */
static void add_tags(const struct plugin_common *common, struct event *ev)
{
    static struct str tags_part = {"tags", 4};
    static const struct field_path tags_path = {
        .parts = &tags_part, .count = 1, .text = {"tags", 4}};
    for (size_t i = 0; i < common->add_tag_count; i++) {
        struct value *old = event_get(ev, &tags_path);
        struct value tag = value_str(text_template_get(&common->add_tags[i], ev));
        if (old && old->kind == VALUE_LIST) {
            value_list_add(ev->mem, old, tag);
            continue;
        }
        struct value list = value_list(ev->mem, 2);
        if (old && old->kind != VALUE_NULL)
            value_list_add(ev->mem, &list, *old);
        value_list_add(ev->mem, &list, tag);
        (void)event_set(ev, &tags_path, list, NULL);
    }
}

static void remove_tags(const struct plugin_common *common, struct event *ev)
{
    for (size_t i = 0; i < common->remove_tag_count; i++) {
        struct value *tags = event_get_lit(ev, "tags");
        if (!tags || tags->kind != VALUE_LIST)
            return;
        struct str tag = text_template_get(&common->remove_tags[i], ev);
        size_t kept = 0;
        for (size_t k = 0; k < tags->list->count; k++) {
            const struct value *item = &tags->list->items[k];
            if (item->kind != VALUE_STR || !str_eq(item->s, tag))
                tags->list->items[kept++] = *item;
        }
        tags->list->count = kept;
    }
}

void plugin__common_apply(const struct plugin_common *common, struct event *ev)
{
    if (common->type.n && !event_get_lit(ev, "type"))
        (void)event_set_text(ev, STR("type"), value_str(common->type), NULL);
    add_fields(common, ev);
    for (size_t i = 0; i < common->remove_field_count; i++) {
        struct field_path tmp;
        const struct field_path *path = field_ref_get(&common->remove_fields[i], ev, &tmp);
        if (path)
            (void)event_remove(ev, path, NULL);
    }
    add_tags(common, ev);
    remove_tags(common, ev);
}
