/* SPDX-License-Identifier: Apache-2.0 */
/* translate.c: looks a field's text up in a dictionary: an exact text, a part of it (exact =>
 * false), or patterns (regex). The dictionary stands in the configuration, or in a JSON or CSV file
 * that is read again every `refresh_interval`. */
#include <pthread.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "codec/csv.h"
#include "pipeline/template.h"
#include "text/regex.h"

#define TRANSLATE_FILE_BYTES_MAX (64 * MIB)

struct entry {
    struct str key;
    struct value v;
    struct regex *re;
};

/* Immutable once it is in place; the last user frees it. */
struct dictionary {
    struct arena *mem;
    struct value map;
    struct entry *entries; /* for regex and parts, in order */
    size_t count;
    uint32_t refs; /* atomic */
};

struct translate {
    struct str field, source, destination, target, dictionary_path, fallback;
    struct value dictionary;
    bool exact, regex, override;
    int64_t refresh_interval;
    struct field_path source_path, target_path;
    struct text_template fallback_t;
    bool overrides;
    struct plugin *plugin;
    pthread_mutex_t mu;
    struct dictionary *current;           /* guarded by mu */
    int64_t next_refresh_ns, modified_ns; /* guarded by mu */
};

static const struct opt translate_opts[] = {
    OPT_FIELD(struct translate, source, .help = "Field to look up."),
    OPT_FIELD(struct translate, field, .flags = OPT_DEPRECATED, .help = "Old name of `source`."),
    OPT_FIELD(struct translate, target, .help = "Field for what was found; else translation."),
    OPT_FIELD(struct translate, destination, .flags = OPT_DEPRECATED,
              .help = "Old name of `target`."),
    OPT_MAP(struct translate, dictionary, .help = "Text => what it means."),
    OPT_STR(struct translate, dictionary_path, .help = "A .json or .csv file with the dictionary."),
    OPT_STR(struct translate, fallback,
            .help = "What to set when nothing is found; may hold %{field}."),
    OPT_BOOL(struct translate, exact, .dflt = "true",
             .help = "The whole text must be the key; else a part of it."),
    OPT_BOOL(struct translate, regex, .dflt = "false", .help = "Keys are patterns."),
    OPT_BOOL(struct translate, override, .dflt = "false",
             .help = "Replaces a target that is there already."),
    OPT_INT(struct translate, refresh_interval, .dflt = "300", .min = 0, .max = 1000000000,
            .help = "Seconds between looks at the file."),
    OPT_END,
};

/* ---- dictionaries ---- */

static void dictionary_unref(struct dictionary *dictionary)
{
    if (!dictionary || __atomic_sub_fetch(&dictionary->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < dictionary->count; i++)
        regex_free(dictionary->entries[i].re);
    arena_free(dictionary->mem);
    mem_free(dictionary);
}

static int csv_read(struct arena *mem, struct str text, struct value *map, struct err *err)
{
    const struct csv_dialect dialect = {0};
    while (text.n > 0) {
        struct csv_row row;
        size_t used;
        TRY(csv_parse(text, &dialect, mem, &row, &used, err));
        if (row.count >= 2)
            value_map_set(mem, map, row.fields[0].text, value_str(row.fields[1].text));
        if (used == 0)
            break;
        text = str_from_off(text, used);
    }
    return 0;
}

static int file_read(const struct translate *translate, struct arena *mem, struct value *map,
                     struct err *err)
{
    struct str path = translate->dictionary_path, text;
    TRY(vfs_read_file(translate->plugin->env->fs, path, TRANSLATE_FILE_BYTES_MAX, mem, &text, err));
    if (str_ends_with(path, STR(".csv")))
        return csv_read(mem, text, map, err);
    if (!str_ends_with(path, STR(".json")))
        return err_set(err, ERR_UNSUPPORTED,
                       "\"dictionary_path\" must end in .json or .csv; YAML is not there yet");
    TRY(value_from_json(text, mem, map, err));
    return map->kind == VALUE_MAP
               ? 0
               : err_set(err, ERR_CONFIG, "\"" STR_FMT "\" must hold a JSON object", STR_ARG(path));
}

static int dictionary_new(const struct translate *translate, struct dictionary **ret_dictionary,
                          struct err *err)
{
    struct dictionary *dictionary = MEM_NEW(struct dictionary);
    dictionary->refs = 1;
    dictionary->mem = arena_new(0);
    dictionary->map = value_map(dictionary->mem, 16);
    int rc = 0;
    if (translate->dictionary_path.p)
        rc = file_read(translate, dictionary->mem, &dictionary->map, err);
    else if (translate->dictionary.kind == VALUE_MAP)
        dictionary->map = value_copy(dictionary->mem, &translate->dictionary);
    const struct value_map *map = dictionary->map.kind == VALUE_MAP ? dictionary->map.map : NULL;
    if (rc == 0 && map && (translate->regex || !translate->exact)) {
        dictionary->entries = ARENA_ARRAY(dictionary->mem, struct entry, map->count);
        for (size_t i = 0; i < map->count && rc == 0; i++) {
            struct entry *entry = &dictionary->entries[dictionary->count++];
            *entry = (struct entry){.key = map->keys[i], .v = map->values[i]};
            if (translate->regex)
                rc = regex_compile(entry->key, REGEX_RUBY, &entry->re, err);
        }
    }
    if (rc < 0) {
        dictionary_unref(dictionary);
        return rc;
    }
    *ret_dictionary = dictionary;
    return 0;
}

/* The dictionary to use now, with a reference; looks at the file when it is time. */
static struct dictionary *dictionary_ref(struct translate *translate, int64_t now_ns)
{
    pthread_mutex_lock(&translate->mu);
    if (translate->dictionary_path.p && translate->refresh_interval > 0 &&
        now_ns >= translate->next_refresh_ns) {
        struct vfs_stat stat;
        translate->next_refresh_ns = now_ns + translate->refresh_interval * NS_PER_S;
        if (vfs_stat(translate->plugin->env->fs, translate->dictionary_path, true, &stat, NULL) ==
                0 &&
            stat.modified_ns != translate->modified_ns) {
            struct dictionary *fresh;
            struct err err;
            translate->modified_ns = stat.modified_ns;
            if (dictionary_new(translate, &fresh, &err) == 0) {
                dictionary_unref(translate->current);
                translate->current = fresh;
            } else {
                plugin_warn(translate->plugin, "the dictionary stays as it was: %s", err.text);
            }
        }
    }
    struct dictionary *dictionary = translate->current;
    __atomic_add_fetch(&dictionary->refs, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&translate->mu);
    return dictionary;
}

/* ---- init ---- */

static int translate_init(void *self, struct plugin *plugin, struct err *err)
{
    struct translate *translate = self;
    translate->plugin = plugin;
    ASSERT(pthread_mutex_init(&translate->mu, NULL) == 0);
    struct str source = translate->source.p ? translate->source : translate->field;
    struct str target = translate->target.p ? translate->target : translate->destination;
    if (!source.p)
        return err_set(err, ERR_CONFIG, "the required option \"source\" is missing");
    if (translate->dictionary.kind == VALUE_MAP && translate->dictionary_path.p)
        return err_set(err, ERR_CONFIG,
                       "\"dictionary\" and \"dictionary_path\" exclude each other");
    /* With `source` the default is to translate in place. */
    translate->overrides = translate->override || (translate->source.p && !target.p);
    if (!target.p)
        target = translate->source.p ? source : STR("translation");
    TRY(field_path_parse(plugin->mem, source, &translate->source_path, err));
    TRY(field_path_parse(plugin->mem, target, &translate->target_path, err));
    if (translate->fallback.p)
        TRY(text_template_compile(plugin, value_map_get_lit(&plugin->settings, "fallback"),
                                  &translate->fallback_t, err));
    struct vfs_stat stat;
    if (translate->dictionary_path.p &&
        vfs_stat(plugin->env->fs, translate->dictionary_path, true, &stat, NULL) == 0)
        translate->modified_ns = stat.modified_ns;
    translate->next_refresh_ns =
        clock_wall_ns(plugin->env->clock) + translate->refresh_interval * NS_PER_S;
    return dictionary_new(translate, &translate->current, err);
}

static void translate_deinit(void *self)
{
    struct translate *translate = self;
    dictionary_unref(translate->current);
    if (translate->plugin)
        (void)pthread_mutex_destroy(&translate->mu);
}

/* ---- looking up ---- */

/* exact => false: every key that is in the text is replaced by what it means; the first one, with
 * regex. */
static bool look_up_parts(const struct translate *translate, const struct dictionary *dictionary,
                          struct arena *mem, struct str text, struct value *ret_v)
{
    bool is_found = false;
    for (size_t i = 0; i < dictionary->count; i++) {
        const struct entry *entry = &dictionary->entries[i];
        struct buf out;
        buf_init(&out, 0);
        if (translate->regex && translate->exact) {
            is_found = regex_find(entry->re, text, 0, NULL) > 0;
            *ret_v = value_copy(mem, &entry->v);
        } else if (translate->regex) {
            is_found =
                regex_replace(entry->re, text, value_to_str(mem, &entry->v), true, NULL, &out) > 0;
        } else {
            struct str rest = text;
            ptrdiff_t at;
            while (entry->key.n && (at = str_find(rest, entry->key)) >= 0) {
                buf_add(&out, rest.p, (size_t)at);
                buf_add_str(&out, value_to_str(mem, &entry->v));
                rest = str_from_off(rest, (size_t)at + entry->key.n);
                is_found = true;
            }
            buf_add_str(&out, rest);
        }
        if (is_found && !(translate->regex && translate->exact))
            *ret_v = value_str(arena_str(mem, buf_str(&out)));
        buf_deinit(&out);
        if (is_found)
            return true;
    }
    return false;
}

static bool look_up(const struct translate *translate, const struct dictionary *dictionary,
                    struct arena *mem, struct str text, struct value *ret_v)
{
    if (translate->regex || !translate->exact)
        return look_up_parts(translate, dictionary, mem, text, ret_v);
    const struct value *v = value_map_get(&dictionary->map, text);
    if (v)
        *ret_v = value_copy(mem, v);
    return v != NULL;
}

static void translate_process(void *self, struct filter_run *run, struct event **events,
                              size_t count)
{
    struct translate *translate = self;
    struct dictionary *dictionary = dictionary_ref(translate, run->now_ns);
    for (size_t i = 0; i < count; i++) {
        struct event *ev = events[i];
        const struct value *source = event_get(ev, &translate->source_path);
        if (!source || (!translate->overrides && event_get(ev, &translate->target_path)))
            continue;
        if (source->kind == VALUE_LIST)
            source = source->list->count ? &source->list->items[0] : source;
        struct value v;
        bool is_found = look_up(translate, dictionary, ev->mem, value_to_str(ev->mem, source), &v);
        if (!is_found && translate->fallback.p) {
            v = value_str(text_template_get(&translate->fallback_t, ev));
            is_found = true;
        }
        if (is_found && event_set(ev, &translate->target_path, v, NULL) >= 0)
            filter_matched(run, ev);
    }
    dictionary_unref(dictionary);
}

const struct filter_type filter_translate = {
    .name = "translate",
    .summary = "Looks a field up in a dictionary.",
    .since = "0.1",
    .opts = translate_opts,
    .size = sizeof(struct translate),
    .init = translate_init,
    .process = translate_process,
    .deinit = translate_deinit,
};
