/* SPDX-License-Identifier: Apache-2.0 */
/* grok.c: takes fields out of a text by patterns made of named patterns. Each pattern becomes one
 * regular expression at load; a match gives its groups to fields. The match is bounded by steps,
 * not by time: a pattern that explodes gets the tag _groktimeout after milliseconds. */
#include "base/arena.h"
#include "base/str.h"
#include "pipeline/filters/convert.h"
#include "pipeline/filters/grok_expand.h"
#include "pipeline/template.h"
#include "text/regex.h"

#define GROK_PATTERN_FILE_BYTES_MAX (4 * MIB)

struct group {
    struct field_path path;
    enum grok_type type;
    size_t number; /* in the expression */
    bool overwrites;
};

struct pattern {
    struct regex *re;
    struct group *groups;
    size_t group_count;
};

struct subject { /* one field and its patterns */
    struct field_path path;
    struct pattern *patterns;
    size_t count;
};

struct grok {
    struct value match, patterns_dir, pattern_definitions, overwrite, tag_on_failure;
    struct str patterns_files_glob, tag_on_timeout, timeout_scope, target;
    bool break_on_match, named_captures_only, keep_empty_captures;
    int64_t timeout_millis;
    int ecs_compatibility;
    struct subject *subjects;
    size_t subject_count;
};

static const char *const ecs_choices[] = {"disabled", NULL};
static const struct opt grok_opts[] = {
    OPT_MAP(struct grok, match, .help = "Field => pattern, or patterns to try in turn."),
    OPT_LIST(struct grok, patterns_dir, .help = "Folders or files with patterns of your own."),
    OPT_STR(struct grok, patterns_files_glob, .dflt = "*", .help = "Which files of the folders."),
    OPT_MAP(struct grok, pattern_definitions,
            .help = "Name => expression: patterns of this filter only."),
    OPT_LIST(struct grok, overwrite, .help = "Fields that a match replaces; others become arrays."),
    OPT_BOOL(struct grok, break_on_match, .dflt = "true",
             .help = "Stops at the first pattern that matches."),
    OPT_BOOL(struct grok, named_captures_only, .dflt = "true",
             .help = "Keeps only patterns with a field's name."),
    OPT_BOOL(struct grok, keep_empty_captures, .dflt = "false",
             .help = "Keeps captures that are empty."),
    OPT_FIELD(struct grok, target, .help = "Field to put the captures under."),
    OPT_LIST(struct grok, tag_on_failure,
             .help = "Tags when nothing matches; else _grokparsefailure."),
    OPT_STR(struct grok, tag_on_timeout, .dflt = "_groktimeout",
            .help = "Tag when a match takes too many steps."),
    OPT_INT(struct grok, timeout_millis, .dflt = "30000", .flags = OPT_OBSOLETE,
            .help = "Matches are bounded by steps."),
    OPT_STR(struct grok, timeout_scope, .dflt = "pattern", .flags = OPT_OBSOLETE,
            .help = "Matches are bounded by steps."),
    OPT_ENUM(struct grok, ecs_compatibility, .choices = ecs_choices, .dflt = "disabled",
             .help = "disabled"),
    OPT_END,
};

/* ---- init ---- */

static int dict_add_file(struct plugin *plugin, struct grok_dict *dict, struct str path,
                         struct err *err)
{
    struct str text;
    TRY(vfs_read_file(plugin->env->fs, path, GROK_PATTERN_FILE_BYTES_MAX, plugin->mem, &text, err));
    grok_dict_add_lines(dict, text);
    return 0;
}

static int dict_add_path(const struct grok *grok, struct plugin *plugin, struct grok_dict *dict,
                         struct str path, struct err *err)
{
    struct vfs_stat stat;
    struct vfs_entry *entries;
    size_t count;
    TRY(vfs_stat(plugin->env->fs, path, true, &stat, err));
    if (stat.kind != VFS_KIND_DIR)
        return dict_add_file(plugin, dict, path, err);
    TRY(vfs_list(plugin->env->fs, path, plugin->mem, &entries, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct str name = entries[i].name;
        if (entries[i].kind != VFS_KIND_DIR && str_glob(grok->patterns_files_glob, name) &&
            !str_ends_with(name, STR("~")) && !str_starts_with(name, STR(".")))
            TRY(dict_add_file(plugin, dict, path_join(plugin->mem, path, name), err));
    }
    return 0;
}

static int dict_build(const struct grok *grok, struct plugin *plugin, struct grok_dict *dict,
                      struct err *err)
{
    const struct value *paths;
    size_t count = setting_items(&grok->patterns_dir, &paths);
    for (size_t i = 0; i < count; i++) {
        if (dict_add_path(grok, plugin, dict, value_to_str(plugin->mem, &paths[i]), err) < 0)
            return plugin_err_at(plugin, paths[i].pos, err);
    }
    const struct value_map *own =
        grok->pattern_definitions.kind == VALUE_MAP ? grok->pattern_definitions.map : NULL;
    for (size_t i = 0; own && i < own->count; i++)
        grok_dict_add(dict, own->keys[i], value_to_str(plugin->mem, &own->values[i]));
    return 0;
}

static bool is_overwritten(const struct grok *grok, struct plugin *plugin, struct str name)
{
    const struct value *names;
    size_t count = setting_items(&grok->overwrite, &names);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(value_to_str(plugin->mem, &names[i]), name))
            return true;
    }
    return false;
}

static struct str field_name(const struct grok *grok, struct plugin *plugin, struct str name)
{
    if (!grok->target.n)
        return name;
    struct arena *mem = plugin->mem;
    struct str target = grok->target.p[0] == '['
                            ? grok->target
                            : arena_printf(mem, "[" STR_FMT "]", STR_ARG(grok->target));
    return arena_printf(mem, name.n && name.p[0] == '[' ? STR_FMT STR_FMT : STR_FMT "[" STR_FMT "]",
                        STR_ARG(target), STR_ARG(name));
}

static int pattern_build(const struct grok *grok, struct plugin *plugin, struct grok_dict *dict,
                         struct str text, struct pattern *pattern, struct err *err)
{
    struct grok_expanded x;
    TRY(grok_expand(dict, text, !grok->named_captures_only, &x, err));
    TRY(regex_compile(x.expression, REGEX_RUBY | REGEX_DOT_ALL, &pattern->re, err));
    pattern->groups = ARENA_ARRAY(plugin->mem, struct group, x.count);
    for (size_t i = 0; i < x.count; i++) {
        int found = regex_group_find(pattern->re, arena_printf(plugin->mem, "g%zu", i));
        if (found < 0)
            return err_set(err, ERR_CONFIG, "the group \"" STR_FMT "\" got lost in the pattern",
                           STR_ARG(x.captures[i].name));
        struct group *group = &pattern->groups[pattern->group_count++];
        group->number = (size_t)found;
        group->type = x.captures[i].type;
        group->overwrites = is_overwritten(grok, plugin, x.captures[i].name);
        TRY(field_path_parse(plugin->mem, field_name(grok, plugin, x.captures[i].name),
                             &group->path, err));
    }
    return 0;
}

static int subject_build(const struct grok *grok, struct plugin *plugin, struct grok_dict *dict,
                         struct str field, const struct value *v, struct subject *subject,
                         struct err *err)
{
    const struct value *texts;
    size_t count = setting_items(v, &texts);
    if (field_path_parse(plugin->mem, field, &subject->path, err) < 0)
        return plugin_err_at(plugin, v->pos, err);
    subject->patterns = ARENA_ARRAY(plugin->mem, struct pattern, count);
    for (size_t i = 0; i < count; i++) {
        struct pattern *pattern = &subject->patterns[subject->count++];
        struct str text = value_to_str(plugin->mem, &texts[i]);
        if (pattern_build(grok, plugin, dict, text, pattern, err) < 0)
            return plugin_err_at(plugin, texts[i].pos, err);
    }
    return 0;
}

static int grok_init(void *self, struct plugin *plugin, struct err *err)
{
    struct grok *grok = self;
    struct grok_dict dict;
    const struct value_map *match = grok->match.kind == VALUE_MAP ? grok->match.map : NULL;
    grok_dict_init(&dict, plugin->mem);
    int rc = dict_build(grok, plugin, &dict, err);
    grok->subjects = ARENA_ARRAY(plugin->mem, struct subject, match ? match->count : 0);
    for (size_t i = 0; match && i < match->count && rc == 0; i++)
        rc = subject_build(grok, plugin, &dict, match->keys[i], &match->values[i],
                           &grok->subjects[grok->subject_count++], err);
    grok_dict_deinit(&dict);
    return rc;
}

static void grok_deinit(void *self)
{
    struct grok *grok = self;
    for (size_t i = 0; i < grok->subject_count; i++) {
        for (size_t k = 0; k < grok->subjects[i].count; k++)
            regex_free(grok->subjects[i].patterns[k].re);
    }
}

/* ---- matching ---- */

static void capture_set(const struct group *group, struct event *ev, struct value v)
{
    struct value *old = event_get(ev, &group->path);
    if (!old || old->kind == VALUE_NULL || group->overwrites) {
        (void)event_set(ev, &group->path, v, NULL);
    } else if (old->kind == VALUE_LIST) {
        value_list_add(ev->mem, old, v);
    } else if (old->kind == VALUE_STR) {
        struct value list = value_list(ev->mem, 2);
        value_list_add(ev->mem, &list, *old);
        value_list_add(ev->mem, &list, v);
        *old = list;
    }
}

static void captures_set(const struct grok *grok, const struct pattern *pattern,
                         const struct regex_match *match, struct event *ev)
{
    for (size_t i = 0; i < pattern->group_count; i++) {
        const struct group *group = &pattern->groups[i];
        struct str text = regex_group(match, group->number);
        if (!text.p || (text.n == 0 && !grok->keep_empty_captures))
            continue;
        struct value v = value_str(text);
        if (group->type == GROK_INT)
            v = ruby_to_i(ev->mem, text);
        else if (group->type == GROK_FLOAT)
            v = value_float(ruby_to_f(text));
        capture_set(group, ev, v);
    }
}

/* 1: matched; 0: not; -ERR_TIMEOUT. With break_on_match off the last pattern decides, as in
 * Logstash. */
static int match_text(const struct grok *grok, const struct subject *subject, struct str text,
                      struct regex_match *match, struct event *ev)
{
    int result = 0;
    for (size_t i = 0; i < subject->count; i++) {
        result = regex_find(subject->patterns[i].re, text, 0, match);
        if (result < 0)
            return result;
        if (result > 0)
            captures_set(grok, &subject->patterns[i], match, ev);
        if (result > 0 && grok->break_on_match)
            break;
    }
    return result;
}

static int match_field(const struct grok *grok, const struct subject *subject,
                       struct regex_match *match, struct event *ev)
{
    const struct value *v = event_get(ev, &subject->path);
    if (!v || v->kind == VALUE_NULL)
        return 0;
    if (v->kind != VALUE_LIST)
        return match_text(grok, subject, value_to_str(ev->mem, v), match, ev);
    struct value copy = *v; /* a capture may change the field itself */
    size_t count = copy.list->count;
    const struct value *items = copy.list->items;
    int result = 0;
    for (size_t i = 0; i < count && result >= 0; i++) {
        int one = match_text(grok, subject, value_to_str(ev->mem, &items[i]), match, ev);
        result = one < 0 ? one : (result | one);
    }
    return result;
}

static void fail(const struct grok *grok, struct filter_run *run, struct event *ev)
{
    const struct value *tags;
    size_t count = setting_items(&grok->tag_on_failure, &tags);
    bool is_default =
        grok->tag_on_failure.kind == VALUE_NONE || grok->tag_on_failure.kind == VALUE_NULL;
    filter_failed(run, ev, is_default ? STR("_grokparsefailure") : STR_NONE);
    for (size_t i = 0; i < count; i++)
        event_tag(ev, value_to_str(ev->mem, &tags[i]));
}

static void grok_process(void *self, struct filter_run *run, struct event **events, size_t count)
{
    const struct grok *grok = self;
    CLEANUP(regex_match_free_ptr) struct regex_match *match = regex_match_new();
    for (size_t i = 0; i < count; i++) {
        struct event *ev = events[i];
        bool is_matched = false, is_over = false;
        for (size_t k = 0; k < grok->subject_count && !is_over; k++) {
            int result = match_field(grok, &grok->subjects[k], match, ev);
            is_over = result < 0;
            is_matched = is_matched || result > 0;
            if (is_matched && grok->break_on_match)
                break;
        }
        if (is_over) {
            plugin_warn(run->plugin,
                        "a match took more than %u steps: the pattern explodes on this text",
                        REGEX_STEPS_MAX);
            filter_failed(run, ev, grok->tag_on_timeout);
        } else if (is_matched) {
            filter_matched(run, ev);
        } else {
            fail(grok, run, ev);
        }
    }
}

const struct filter_type filter_grok = {
    .name = "grok",
    .summary = "Takes fields out of a text by named patterns.",
    .since = "0.1",
    .opts = grok_opts,
    .size = sizeof(struct grok),
    .init = grok_init,
    .process = grok_process,
    .deinit = grok_deinit,
};
