/* SPDX-License-Identifier: Apache-2.0 */
/* unit.c: from the configuration's tree to plugin instances: finds the type, fills the options,
 * compiles the common ones, makes the codec, and calls init. All of it happens at load, so that -t
 * finds every mistake. */
#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "event/options.h"
#include "pipeline/pipeline_int.h"

#define WARN_INTERVAL_NS (10 * NS_PER_S)
#define SKIP_MAX         16u

static const struct opt no_opts[] = {OPT_END};

int plugin_err_at(const struct plugin *plugin, uint32_t pos, struct err *err)
{
    if (!err)
        return -ERR_CONFIG;
    if (plugin->source && pos > 0)
        return source_err_at(plugin->source, pos - 1, err);
    return err_at(err, plugin->file, plugin->line, plugin->column);
}

void plugin_warn(struct plugin *plugin, const char *format, ...)
{
    uint64_t skipped = 0;
    int64_t now_ns = plugin->env && plugin->env->clock ? clock_monotonic_ns(plugin->env->clock) : 0;
    if (!log_limit_pass(&plugin->warn_limit, now_ns, WARN_INTERVAL_NS, &skipped))
        return;
    char text[1024], who[128];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)snprintf(who, sizeof(who), "pipeline." STR_FMT "." STR_FMT,
                   STR_ARG(plugin->env ? plugin->env->pipeline_id : STR("main")),
                   STR_ARG(plugin->id));
    if (skipped)
        log_line(LOG_WARN, who, "%s (%llu more like it were left out)", text,
                 (unsigned long long)skipped);
    else
        log_line(LOG_WARN, who, "%s", text);
}

struct unit *unit__of(struct plugin *plugin)
{
    return (struct unit *)((char *)plugin - offsetof(struct unit, plugin));
}

/* ---- type, size and callbacks by kind ---- */

struct type_info {
    const struct opt *opts;
    size_t size;
    int (*init)(void *self, struct plugin *plugin, struct err *err);
    void (*deinit)(void *self);
    const char *default_codec;
};

static bool type_find(struct unit *unit, struct str name, struct type_info *info)
{
    if (unit->kind == PLUGIN_INPUT) {
        const struct input_type *t = unit__input(unit)->type = input_type_find(name);
        if (t)
            *info = (struct type_info){t->opts, t->size, t->init, t->deinit, t->default_codec};
        return t != NULL;
    }
    if (unit->kind == PLUGIN_FILTER) {
        const struct filter_type *t = unit__filter(unit)->type = filter_type_find(name);
        if (t)
            *info = (struct type_info){t->opts, t->size, t->init, t->deinit, NULL};
        return t != NULL;
    }
    if (unit->kind == PLUGIN_OUTPUT) {
        const struct output_type *t = unit__output(unit)->type = output_type_find(name);
        if (t)
            *info = (struct type_info){t->opts, t->size, t->init, t->deinit, t->default_codec};
        return t != NULL;
    }
    const struct codec_type *t = unit__codec(unit)->type = codec_type_find(name);
    if (t)
        *info = (struct type_info){t->opts, t->size, t->init, t->deinit, NULL};
    return t != NULL;
}

static void (*unit_deinit_fn(const struct unit *unit))(void *)
{
    switch (unit->kind) {
    case PLUGIN_INPUT:
        return ((const struct input *)unit)->type->deinit;
    case PLUGIN_FILTER:
        return ((const struct filter *)unit)->type->deinit;
    case PLUGIN_OUTPUT:
        return ((const struct output *)unit)->type->deinit;
    case PLUGIN_CODEC:
        break;
    }
    return ((const struct codec *)unit)->type->deinit;
}

static size_t unit_struct_size(enum plugin_kind kind)
{
    static const size_t sizes[] = {sizeof(struct input), sizeof(struct filter),
                                   sizeof(struct output), sizeof(struct codec)};
    return sizes[kind];
}

/* Options that the core handles, by kind. */
static const char *const *common_options(enum plugin_kind kind)
{
    static const char *const input[] = {"add_field", "codec", "enable_metric", "id", "tags",
                                        "type",      NULL};
    static const char *const filter[] = {"add_field",      "add_tag",      "enable_metric", "id",
                                         "periodic_flush", "remove_field", "remove_tag",    NULL};
    static const char *const output[] = {"codec", "enable_metric", "id", "workers", NULL};
    static const char *const codec[] = {"enable_metric", "id", NULL};
    static const char *const *const all[] = {input, filter, output, codec};
    return all[kind];
}

/* ---- errors ---- */

static int unknown_plugin(struct unit *unit, struct str name, struct err *err)
{
    const char *kind = plugin_kind_name(unit->kind), *nearest = plugin_nearest(unit->kind, name);
    if (plugin_is_known_elsewhere(unit->kind, name))
        err_set(err, ERR_UNSUPPORTED, "the %s \"" STR_FMT "\" of Logstash is not there yet", kind,
                STR_ARG(name));
    else if (nearest)
        err_set(err, ERR_CONFIG, "there is no %s \"" STR_FMT "\": did you mean \"%s\"?", kind,
                STR_ARG(name), nearest);
    else
        err_set(err, ERR_CONFIG, "there is no %s \"" STR_FMT "\"", kind, STR_ARG(name));
    return err_at(err, unit->plugin.file, unit->plugin.line, unit->plugin.column);
}

/* Where the name of a setting stands, from the place of its value: back over blanks and "=>". */
static size_t setting_name_off(struct str text, size_t value_off)
{
    size_t i = value_off;
    while (i > 0 && strchr(" \t\r\n", text.p[i - 1]))
        i--;
    if (i < 2 || text.p[i - 1] != '>' || text.p[i - 2] != '=')
        return value_off;
    i -= 2;
    while (i > 0 && strchr(" \t\r\n", text.p[i - 1]))
        i--;
    while (i > 0 && !strchr(" \t\r\n{}", text.p[i - 1]))
        i--;
    return i;
}

/* Gives an error of a plugin its place: its own position, else that of the option (when `off` is
 * one of the file, and not of a pattern or text the plugin read), else that of the plugin. */
static int place(const struct unit *unit, int rc, bool is_file_off, struct err *err)
{
    const struct plugin *plugin = &unit->plugin;
    if (!err || err->line > 0)
        return rc;
    err_wrap(err, STR_FMT, STR_ARG(plugin->name));
    if (is_file_off && err->off >= 0 && plugin->source) {
        size_t off = (size_t)err->off;
        if (strstr(err->text, "unknown") || strstr(err->text, "did you mean"))
            off = setting_name_off(plugin->source->text, off);
        source_err_at(plugin->source, off, err);
    } else {
        err_at(err, plugin->file, plugin->line, plugin->column);
    }
    return rc;
}

static void warn_option(void *owner, uint32_t pos, const char *text)
{
    const struct unit *unit = owner;
    const struct plugin *plugin = &unit->plugin;
    uint32_t line = plugin->line, column = plugin->column;
    if (pos > 0 && plugin->source)
        source_position(plugin->source->text, pos - 1, &line, &column);
    char who[96];
    (void)snprintf(who, sizeof(who), "pipeline." STR_FMT, STR_ARG(plugin->env->pipeline_id));
    log_line(LOG_WARN, who, STR_FMT ":%u:%u: " STR_FMT ": %s", STR_ARG(plugin->file), line, column,
             STR_ARG(plugin->name), text);
}

/* ---- making one ---- */

/* The `id` setting, or name-<hash of the settings>: the same as long as the plugin's text is the
 * same, wherever it stands, so that state kept under it is found again. */
static bool id_is_taken(const struct pipeline *pipeline, struct str id)
{
    for (size_t kind = 0; kind <= PLUGIN_CODEC; kind++) {
        for (const struct unit *other = pipeline->units[kind]; other; other = other->next) {
            if (str_eq(other->plugin.id, id))
                return true;
        }
    }
    return false;
}

static int unit_id(struct pipeline *pipeline, struct unit *unit, struct err *err)
{
    struct plugin *plugin = &unit->plugin;
    const struct value *id = value_map_get_lit(&plugin->settings, "id");
    if (id) {
        plugin->id = value_to_str(pipeline->mem, id);
        if (plugin->id.n > 0 && !id_is_taken(pipeline, plugin->id))
            return 0;
        err_set(err, ERR_CONFIG, "the id \"" STR_FMT "\" %s", STR_ARG(plugin->id),
                plugin->id.n ? "is another plugin's already" : "is empty");
        return plugin_err_at(plugin, id->pos, err);
    }
    struct buf text;
    buf_init(&text, 0);
    value_to_json(&plugin->settings, &text);
    uint64_t hash = hash_bytes(text.p, text.n) ^ hash_str(plugin->name) ^ hash_u64(unit->kind + 1u);
    buf_deinit(&text);
    struct str base =
        arena_printf(pipeline->mem, STR_FMT "-%08x", STR_ARG(plugin->name), (uint32_t)hash);
    plugin->id = base;
    for (unsigned n = 2; id_is_taken(pipeline, plugin->id); n++)
        plugin->id = arena_printf(pipeline->mem, STR_FMT "-%u", STR_ARG(base), n);
    return 0;
}

static int codec_build(struct pipeline *pipeline, const struct unit *owner,
                       const char *default_name, struct codec **ret_codec, struct err *err);

static int options_build(struct unit *unit, const struct type_info *info, struct err *err)
{
    const char *skip[SKIP_MAX];
    size_t n = 0;
    for (const char *const *name = common_options(unit->kind); *name; name++) {
        if (!opt_find(info->opts, str_from(*name)))
            skip[n++] = *name;
    }
    skip[n] = NULL;
    int rc = options_fill(info->opts ? info->opts : no_opts, unit->self, &unit->plugin.settings,
                          OPTIONS_LOGSTASH, unit->plugin.mem, skip, warn_option, unit, err);
    return rc < 0 ? place(unit, rc, true, err) : 0;
}

static int codec_of(struct pipeline *pipeline, struct unit *unit, const struct type_info *info,
                    struct err *err)
{
    bool has_setting = value_map_get_lit(&unit->plugin.settings, "codec") != NULL;
    if (!info->default_codec && !has_setting)
        return 0;
    if (unit->kind == PLUGIN_INPUT)
        return codec_build(pipeline, unit, info->default_codec, &unit__input(unit)->codec, err);
    if (unit->kind == PLUGIN_OUTPUT)
        return codec_build(pipeline, unit, info->default_codec, &unit__output(unit)->codec, err);
    return 0;
}

/* Makes the unit of a plugin that stands at `pos` of `source`. It is in the pipeline's list at
 * once, so that a failure further on is cleaned up by pipeline__units_free. */
static int unit_build(struct pipeline *pipeline, enum plugin_kind kind,
                      const struct config_plugin *node, struct unit **ret_unit, struct err *err)
{
    struct unit *unit = arena_zalloc(pipeline->mem, unit_struct_size(kind));
    struct plugin *plugin = &unit->plugin;
    unit->kind = kind;
    plugin->env = &pipeline->env;
    plugin->name = node->name;
    plugin->source = node->source;
    plugin->file = node->source->name;
    source_position(node->source->text, node->pos - 1, &plugin->line, &plugin->column);
    plugin->mem = pipeline->mem;
    plugin->settings = node->settings;
    struct type_info info = {0};
    if (!type_find(unit, node->name, &info))
        return unknown_plugin(unit, node->name, err);
    TRY(unit_id(pipeline, unit, err));
    unit->number = pipeline->unit_count[kind]++;
    unit->self = mem_zalloc(info.size ? info.size : 1);
    if (pipeline->last_unit[kind])
        pipeline->last_unit[kind]->next = unit;
    else
        pipeline->units[kind] = unit;
    pipeline->last_unit[kind] = unit;
    if (kind == PLUGIN_INPUT)
        unit__input(unit)->pipeline = pipeline;
    if (kind == PLUGIN_OUTPUT)
        unit__output(unit)->pipeline = pipeline;
    TRY(options_build(unit, &info, err));
    int rc = plugin__common_compile(plugin, kind, err);
    if (rc == 0)
        rc = codec_of(pipeline, unit, &info, err);
    if (rc == 0 && info.init)
        rc = info.init(unit->self, plugin, err);
    if (rc < 0)
        return place(unit, rc, false, err);
    unit->is_inited = true;
    *ret_unit = unit;
    return 0;
}

/* An input that reads a stream has no borders of messages: plain means lines there, json one text a
 * line. */
static struct str stream_codec(const struct unit *owner, struct str name)
{
    if (owner->kind != PLUGIN_INPUT ||
        !(str_is(owner->plugin.name, "stdin") || str_is(owner->plugin.name, "tcp")))
        return name;
    return str_is(name, "plain") ? STR("line") : str_is(name, "json") ? STR("json_lines") : name;
}

/* The codec setting: a name, or name { settings }; else the default. */
static int codec_build(struct pipeline *pipeline, const struct unit *owner,
                       const char *default_name, struct codec **ret_codec, struct err *err)
{
    const struct value *v = value_map_get_lit(&owner->plugin.settings, "codec");
    struct config_plugin node = {.source = owner->plugin.source};
    node.settings = value_map(pipeline->mem, 0);
    if (v && v->kind == VALUE_MAP && v->extra == CONFIG_VALUE_PLUGIN) {
        node.name = v->map->keys[0];
        node.settings = v->map->values[0];
    } else if (v && v->kind == VALUE_STR) {
        node.name = v->s;
    } else if (v) {
        err_set(err, ERR_CONFIG, "\"codec\" must be a codec's name, as json or json { … }, not %s",
                value_kind_name(v));
        return plugin_err_at(&owner->plugin, v->pos, err);
    } else {
        node.name = str_from(default_name);
    }
    size_t off = v ? v->pos : 0;
    if (off == 0) {
        /* The default codec stands where its owner stands. */
        const struct str text = owner->plugin.source->text;
        uint32_t line = 1;
        for (off = 0; off < text.n && line < owner->plugin.line; off++)
            line += text.p[off] == '\n';
        off += owner->plugin.column;
    }
    node.pos = (uint32_t)off;
    node.name = stream_codec(owner, node.name);
    struct unit *unit;
    TRY(unit_build(pipeline, PLUGIN_CODEC, &node, &unit, err));
    *ret_codec = unit__codec(unit);
    const struct codec_type *type = (*ret_codec)->type;
    if (owner->kind == PLUGIN_INPUT ? !type->decode : !type->encode) {
        err_set(err, ERR_CONFIG, "the codec \"%s\" cannot be used by an %s: it only %s", type->name,
                plugin_kind_name(owner->kind), owner->kind == PLUGIN_INPUT ? "writes" : "reads");
        return err_at(err, unit->plugin.file, unit->plugin.line, unit->plugin.column);
    }
    return 0;
}

/* ---- the whole tree ---- */

static int nodes_build(struct pipeline *pipeline, enum plugin_kind kind, struct config_node *nodes,
                       struct err *err)
{
    for (struct config_node *node = nodes; node; node = node->next) {
        for (struct config_arm *arm = node->arms; arm; arm = arm->next)
            TRY(nodes_build(pipeline, kind, arm->nodes, err));
        if (node->plugin) {
            struct unit *unit;
            TRY(unit_build(pipeline, kind, node->plugin, &unit, err));
            node->plugin->unit = unit;
        } else if (kind == PLUGIN_INPUT) {
            err_set(
                err, ERR_CONFIG,
                "an input cannot stand inside an if: put the condition around filters or outputs");
            return source_err_at(node->arms->source, node->arms->pos - 1, err);
        }
    }
    return 0;
}

static void tick_filters_find(struct pipeline *pipeline)
{
    pipeline->tick_filters =
        ARENA_ARRAY(pipeline->mem, struct unit *, pipeline->unit_count[PLUGIN_FILTER]);
    for (struct unit *unit = pipeline->units[PLUGIN_FILTER]; unit; unit = unit->next) {
        const struct filter_type *type = unit__filter(unit)->type;
        if (type->tick || type->drain)
            pipeline->tick_filters[pipeline->tick_count++] = unit;
        if ((type->flags & FILTER_ORDERED) || unit->plugin.wants_order)
            pipeline->worker_count = 1;
    }
    for (struct unit *unit = pipeline->units[PLUGIN_INPUT]; unit; unit = unit->next)
        if (unit->plugin.wants_order) /* a feed whose lines must stay in order */
            pipeline->worker_count = 1;
}

int pipeline__units_build(struct pipeline *pipeline, struct err *err)
{
    static const enum plugin_kind kinds[] = {PLUGIN_INPUT, PLUGIN_FILTER, PLUGIN_OUTPUT};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
        TRY(nodes_build(pipeline, kinds[i], pipeline->tree.first[i], err));
    tick_filters_find(pipeline);
    return 0;
}

void pipeline__units_free(struct pipeline *pipeline)
{
    /* Filters before inputs: a filter may still hold acknowledgements, which lead to their input.
     */
    static const enum plugin_kind order[] = {PLUGIN_FILTER, PLUGIN_OUTPUT, PLUGIN_INPUT,
                                             PLUGIN_CODEC};
    for (size_t i = 0; i < ARRAY_COUNT(order); i++) {
        for (struct unit *unit = pipeline->units[order[i]]; unit; unit = unit->next) {
            void (*deinit)(void *) = unit_deinit_fn(unit);
            if (deinit && unit->self)
                deinit(unit->self);
            mem_free(unit->self);
            unit->self = NULL;
        }
    }
}
