/* SPDX-License-Identifier: Apache-2.0 */
/* split.c: one event becomes several: one for each line of a text, or for each element of an array.
 */
#include "base/arena.h"
#include "base/str.h"
#include "pipeline/plugin.h"

struct split {
    struct str field, terminator, target;
    struct field_path field_path, target_path;
};

static const struct opt split_opts[] = {
    OPT_FIELD(struct split, field, .dflt = "message", .help = "Text or array to split."),
    OPT_STR(struct split, terminator, .dflt = "\n",
            .help = "What stands between two parts of a text."),
    OPT_FIELD(struct split, target, .help = "Field for the part; else the field itself."),
    OPT_END,
};

static int split_init(void *self, struct plugin *plugin, struct err *err)
{
    struct split *split = self;
    if (split->terminator.n == 0)
        return err_set(err, ERR_CONFIG, "\"terminator\" cannot be empty");
    TRY(field_path_parse(plugin->mem, split->field, &split->field_path, err));
    return field_path_parse(plugin->mem, split->target.p ? split->target : split->field,
                            &split->target_path, err);
}

static void add_part(const struct split *split, struct filter_run *run, const struct event *ev,
                     const struct value *part)
{
    if (part->kind == VALUE_NULL || (part->kind == VALUE_STR && part->s.n == 0))
        return;
    struct event *one = event_clone(run->batch, ev);
    if (event_set(one, &split->target_path, value_copy(one->mem, part), NULL) >= 0) {
        filter_matched(run, one);
        filter_emit(run, one);
    } else {
        one->is_cancelled = true;
    }
}

static struct value text_parts(const struct split *split, struct arena *mem, struct str text)
{
    struct value list = value_list(mem, 8);
    ptrdiff_t at;
    while ((at = str_find(text, split->terminator)) >= 0) {
        value_list_add(mem, &list, value_str(str_sub(text, 0, (size_t)at)));
        text = str_from_off(text, (size_t)at + split->terminator.n);
    }
    value_list_add(mem, &list, value_str(text));
    return list;
}

static void one(const struct split *split, struct filter_run *run, struct event *ev)
{
    const struct value *v = event_get(ev, &split->field_path);
    if (!v || (v->kind != VALUE_STR && v->kind != VALUE_LIST)) {
        plugin_warn(run->plugin, "only texts and arrays can be split: \"" STR_FMT "\" is %s",
                    STR_ARG(split->field), v ? value_kind_name(v) : "not there");
        filter_failed(run, ev, STR("_split_type_failure"));
        return;
    }
    struct value parts = v->kind == VALUE_LIST ? *v : text_parts(split, ev->mem, v->s);
    if (parts.list->count == 1 && v->kind == VALUE_STR)
        return;
    /* The whole is not copied into every part when the part takes its place. */
    if (!split->target.p)
        (void)event_set(ev, &split->field_path, value_null(), NULL);
    for (size_t i = 0; i < parts.list->count; i++)
        add_part(split, run, ev, &parts.list->items[i]);
    ev->is_cancelled = true;
}

static void split_process(void *self, struct filter_run *run, struct event **events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        one(self, run, events[i]);
}

const struct filter_type filter_split = {
    .name = "split",
    .summary = "One event for each line of a text or element of an array.",
    .since = "0.1",
    .opts = split_opts,
    .size = sizeof(struct split),
    .init = split_init,
    .process = split_process,
};
