/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/template.h"

#include "base/arena.h"

int text_template_compile(struct plugin *plugin, const struct value *v, struct text_template *text,
                          struct err *err)
{
    text->constant = value_to_str(plugin->mem, v);
    int rc = sprintf_compile(plugin->mem, text->constant, &text->t, err);
    if (rc < 0)
        return plugin_err_at(plugin, v->pos, err);
    if (sprintf_is_constant(text->t))
        text->t = NULL;
    return 0;
}

struct str text_template_get(const struct text_template *text, const struct event *ev)
{
    return text->t ? sprintf_text(text->t, ev, ev->mem) : text->constant;
}

int field_ref_compile(struct plugin *plugin, struct str name, uint32_t pos, struct field_ref *field,
                      struct err *err)
{
    int rc = sprintf_compile(plugin->mem, name, &field->t, err);
    if (rc == 0 && sprintf_is_constant(field->t)) {
        field->t = NULL;
        rc = field_path_parse(plugin->mem, name, &field->path, err);
    }
    return rc < 0 ? plugin_err_at(plugin, pos, err) : 0;
}

const struct field_path *field_ref_get(const struct field_ref *field, const struct event *ev,
                                       struct field_path *tmp)
{
    if (!field->t)
        return &field->path;
    return field_path_parse(ev->mem, sprintf_text(field->t, ev, ev->mem), tmp, NULL) == 0 ? tmp
                                                                                          : NULL;
}

size_t setting_items(const struct value *v, const struct value **ret_items)
{
    if (v->kind == VALUE_LIST) {
        *ret_items = v->list->items;
        return v->list->count;
    }
    *ret_items = v;
    return v->kind != VALUE_NONE && v->kind != VALUE_NULL;
}

int field_refs_compile(struct plugin *plugin, const struct value *v, struct field_ref **ret_fields,
                       size_t *ret_count, struct err *err)
{
    const struct value *items;
    size_t count = setting_items(v, &items);
    struct field_ref *fields = ARENA_ARRAY(plugin->mem, struct field_ref, count);
    for (size_t i = 0; i < count; i++)
        TRY(field_ref_compile(plugin, value_to_str(plugin->mem, &items[i]), items[i].pos,
                              &fields[i], err));
    *ret_fields = fields;
    *ret_count = count;
    return 0;
}
