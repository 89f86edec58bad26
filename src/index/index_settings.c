/* SPDX-License-Identifier: Apache-2.0 */
/* index_settings.c: the settings of an index: flat ("index.refresh_interval") while they are
 * checked, kept and put to use, nested when somebody asks for them; and how a changed text, of
 * settings or aliases, gets into the index and its manifest. */
#include "base/str.h"
#include "event/value.h"
#include "index/index_int.h"
#include "index/index_sort.h"

#define SHARDS_MAX 1024

static bool is_wildcard(struct str key)
{
    return str_find_char(key, '*') >= 0;
}

/* Everything under "index": {"number_of_shards": 1}, {"index.number_of_shards": 1} and {"index":
 * {…}} come to the same. */
void index__settings_flatten(const struct value *v, struct str prefix, struct value *flat,
                             struct arena *mem)
{
    for (size_t i = 0; i < v->map->count; i++) {
        struct str key = v->map->keys[i];
        struct str path =
            prefix.n ? arena_printf(mem, "%.*s.%.*s", (int)prefix.n, prefix.p, (int)key.n, key.p)
                     : key;
        if (v->map->values[i].kind == VALUE_MAP) {
            index__settings_flatten(&v->map->values[i], path, flat, mem);
            continue;
        }
        if (!str_starts_with(path, STR("index.")) && !is_wildcard(path))
            path = arena_printf(mem, "index.%.*s", (int)path.n, path.p);
        value_map_set(mem, flat, path, v->map->values[i]);
    }
}

int index__setting_int(const struct value *flat, const char *key, int64_t min, int64_t max,
                       struct arena *mem, int64_t *ret, struct err *err)
{
    const struct value *v = value_map_get(flat, str_from(key));
    if (!v || v->kind == VALUE_NULL)
        return 0;
    if (!str_to_i64(value_to_str(mem, v), ret))
        return err_set(err, ERR_INVALID, "Failed to parse value [" STR_FMT "] for setting [%s]",
                       STR_ARG(value_to_str(mem, v)), key);
    if (*ret < min)
        return err_set(err, ERR_INVALID,
                       "Failed to parse value [%lld] for setting [%s] must be >= %lld",
                       (long long)*ret, key, (long long)min);
    if (*ret > max)
        return err_set(err, ERR_INVALID,
                       "Failed to parse value [%lld] for setting [%s] must be <= %lld",
                       (long long)*ret, key, (long long)max);
    return 0;
}

/* "5" of "5m", and what the unit is worth; 0: it has none. A month is no unit, whatever case others
 * may be in. */
static int64_t time_unit(struct str text, struct str *ret_number)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"nanos", 1},           {"micros", NS_PER_US}, {"ms", NS_PER_MS},
                 {"s", NS_PER_S},        {"m", 60 * NS_PER_S},  {"h", 3600 * NS_PER_S},
                 {"d", 86400 * NS_PER_S}};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        struct str unit = str_from(units[i].name);
        if (text.n < unit.n || !str_eq_nocase(str_from_off(text, text.n - unit.n), unit) ||
            str_is(str_from_off(text, text.n - unit.n), "M"))
            continue;
        *ret_number = str_trim(str_sub(text, 0, text.n - unit.n));
        return units[i].ns;
    }
    return 0;
}

/* -1: off, as "-1" without a unit says and "-1ms". */
static int time_parse(struct str given, const char *key, int64_t *ret_ns, struct err *err)
{
    struct str text = str_trim(given), number;
    int64_t unit_ns = time_unit(text, &number), v;
    double fraction;
    const char *why = NULL;
    if (unit_ns == 0) {
        if (!str_to_i64(text, &v) || v < -1 || v > 0)
            why = "unit is missing or unrecognized";
        unit_ns = NS_PER_MS;
    } else if (!str_to_i64(number, &v)) {
        bool is_fraction = str_to_f64(number, &fraction);
        return err_set(err, ERR_INVALID, "failed to parse [" STR_FMT "]%s", STR_ARG(given),
                       is_fraction ? ", fractional time values are not supported" : "");
    } else if (v < -1) {
        why = "negative durations are not supported";
    }
    if (!why && __builtin_mul_overflow(v, unit_ns, ret_ns))
        why = "it is longer than nanoseconds reach";
    return why ? err_set(err, ERR_INVALID,
                         "failed to parse setting [%s] with value [" STR_FMT
                         "] as a time value: %s",
                         key, STR_ARG(given), why)
               : 0;
}

/* `min`: "-1" (then it may be off) or "0m", as Elasticsearch writes it. */
static int setting_time(const struct value *flat, const char *key, const char *min,
                        struct arena *mem, int64_t *ret_ns, struct err *err)
{
    const struct value *v = value_map_get(flat, str_from(key));
    int64_t ns;
    if (!v || v->kind == VALUE_NULL)
        return 0;
    struct str text = value_to_str(mem, v);
    TRY(time_parse(text, key, &ns, err));
    if (ns < 0 && (min[0] != '-' || ns < -NS_PER_MS))
        return err_set(err, ERR_INVALID,
                       "failed to parse value [" STR_FMT "] for setting [%s], must be >= [%s]",
                       STR_ARG(text), key, min);
    *ret_ns = MAX_OF(ns, INT64_C(-1));
    return 0;
}

static int interval_of(const struct value *flat, struct arena *mem, int64_t *ret_ns,
                       struct err *err)
{
    return setting_time(flat, "index.refresh_interval", "-1", mem, ret_ns, err);
}

static int idle_of(const struct value *flat, struct arena *mem, int64_t *ret_ns, struct err *err)
{
    return setting_time(flat, "index.search.idle.after", "0m", mem, ret_ns, err);
}

static int setting_bool(const struct value *flat, const char *key, struct arena *mem, bool *ret,
                        struct err *err)
{
    const struct value *v = value_map_get(flat, str_from(key));
    if (!v || v->kind == VALUE_NULL)
        return 0;
    struct str text = value_to_str(mem, v);
    if (!str_is(text, "true") && !str_is(text, "false"))
        return err_set(err, ERR_INVALID,
                       "Failed to parse value [" STR_FMT "] as only [true] or [false] are allowed.",
                       STR_ARG(text));
    *ret = str_is(text, "true");
    return 0;
}

int index__settings_check(const struct value *flat, struct arena *mem, struct err *err)
{
    int64_t v = 0;
    TRY(index__setting_int(flat, "index.number_of_shards", 1, SHARDS_MAX, mem, &v, err));
    TRY(index__setting_int(flat, "index.number_of_replicas", 0, INT32_MAX, mem, &v, err));
    TRY(index__setting_int(flat, "index.mapping.total_fields.limit", 0, INT32_MAX, mem, &v, err));
    TRY(index__setting_int(flat, "index.mapping.depth.limit", 1, 100, mem, &v, err));
    TRY(interval_of(flat, mem, &v, err));
    TRY(idle_of(flat, mem, &v, err));
    bool is_throttled;
    TRY(setting_bool(flat, "index.merge.scheduler.auto_throttle", mem, &is_throttled, err));
    for (size_t i = 0; i < flat->map->count; i++) {
        struct str key = flat->map->keys[i];
        if (str_is(key, "index.uuid") || str_is(key, "index.creation_date") ||
            str_is(key, "index.provided_name") || str_starts_with(key, STR("index.version.")) ||
            (is_wildcard(key) && flat->map->values[i].kind != VALUE_NULL))
            return err_set(err, ERR_INVALID,
                           "unknown setting [" STR_FMT
                           "] please check that any required plugins are installed, or check the "
                           "breaking changes documentation for removed settings",
                           STR_ARG(key));
    }
    return 0;
}

static char *value_json(const struct value *v)
{
    struct buf out;
    buf_init(&out, 0);
    value_to_json(v, &out);
    char *json = mem_cstr(buf_str(&out));
    buf_deinit(&out);
    return json;
}

/* The tree may borrow from the old text: that goes last. */
void index__json_replace(char **json, const struct value *v)
{
    char *old = *json;
    *json = value_json(v);
    mem_free(old);
}

/* Puts what acts into the index. REQUIRES(index.mu) or nobody else knows the index. */
void index__settings_apply(struct index *index)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct value flat;
    int64_t v;
    if (value_from_json(str_from(index->settings_json), mem, &flat, NULL) < 0 ||
        flat.kind != VALUE_MAP)
        return;
    index->refresh_interval_ns = REFRESH_INTERVAL_DEFAULT;
    (void)!interval_of(&flat, mem, &index->refresh_interval_ns, NULL);
    const struct value *interval = value_map_get_lit(&flat, "index.refresh_interval");
    index->is_interval_set = interval && interval->kind != VALUE_NULL;
    index->search_idle_ns = SEARCH_IDLE_DEFAULT;
    (void)!idle_of(&flat, mem, &index->search_idle_ns, NULL);
    bool is_throttled = true;
    (void)!setting_bool(&flat, "index.merge.scheduler.auto_throttle", mem, &is_throttled, NULL);
    index->is_merge_free = !is_throttled;
    mem_free(index->sort_path);
    index->sort_path = mem_cstr(index_sort_path(&flat, mem));
    v = MAPPING_FIELDS_MAX_DEFAULT;
    (void)!index__setting_int(&flat, "index.mapping.total_fields.limit", 0, INT32_MAX, mem, &v,
                              NULL);
    /* The mapping may be shared with searches, which do not look at the limits. */
    __atomic_store_n(&index->mapping->fields_max, (uint32_t)v, __ATOMIC_RELAXED);
    v = MAPPING_DEPTH_MAX_DEFAULT;
    (void)!index__setting_int(&flat, "index.mapping.depth.limit", 1, 100, mem, &v, NULL);
    __atomic_store_n(&index->mapping->depth_max, (uint32_t)v, __ATOMIC_RELAXED);
}

int index__manifest_now(struct index *index, struct err *err)
{
    mutex_lock(&index->flush_mu);
    mutex_lock(&index->mu);
    bool is_deleted = index->is_deleted;
    mutex_unlock(&index->mu);
    int rc = is_deleted ? err_set(err, ERR_INDEX_NOT_FOUND, "no such index [" STR_FMT "]",
                                  STR_ARG(index->name))
                        : index__manifest_write(index, err);
    mutex_unlock(&index->flush_mu);
    return rc;
}

/* What only a new index can be given. */
static bool is_static(struct str key)
{
    static const char *const keys[] = {"index.number_of_shards",
                                       "index.number_of_routing_shards",
                                       "index.routing_partition_size",
                                       "index.codec",
                                       "index.load_fixed_bitset_filters_eagerly",
                                       "index.mapping.coerce",
                                       "index.mapping.ignore_malformed",
                                       "index.shard.check_on_startup",
                                       "index.soft_deletes.enabled"};
    static const char *const groups[] = {"index.analysis.", "index.similarity.", "index.store."};
    bool is = index_sort_is_setting(key);
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
        is |= str_eq(key, str_from(keys[i]));
    for (size_t i = 0; i < ARRAY_COUNT(groups); i++)
        is |= str_starts_with(key, str_from(groups[i]));
    return is;
}

static int static_check(const struct index *index, const struct value *flat, struct arena *mem,
                        struct err *err)
{
    struct str list = STR("");
    for (size_t i = 0; i < flat->map->count; i++) {
        struct str key = flat->map->keys[i];
        if (is_static(key) && !is_wildcard(key))
            list = arena_printf(mem, STR_FMT "%s" STR_FMT, STR_ARG(list), list.n ? ", " : "",
                                STR_ARG(key));
    }
    return list.n ? err_set(err, ERR_INVALID,
                            "Can't update non dynamic settings [[" STR_FMT
                            "]] for open indices [[" STR_FMT "/" STR_FMT "]]",
                            STR_ARG(list), STR_ARG(index->name), STR_ARG(index->uuid))
                  : 0;
}

/* A null takes away, by a wildcard everything that may be changed; replicas have a number always.
 */
static void settings_change(struct value *current, const struct value *flat, struct arena *mem)
{
    for (size_t i = 0; i < flat->map->count; i++) {
        struct str key = flat->map->keys[i];
        if (flat->map->values[i].kind != VALUE_NULL) {
            value_map_set(mem, current, key, flat->map->values[i]);
            continue;
        }
        for (size_t k = current->map->count; k-- > 0;) {
            struct str old = current->map->keys[k];
            if (is_wildcard(key) ? str_glob(key, old) && !is_static(old) : str_eq(key, old))
                (void)value_map_remove(current, old);
        }
    }
    if (!value_map_get_lit(current, "index.number_of_replicas"))
        value_map_set(mem, current, STR("index.number_of_replicas"), value_str(STR("1")));
}

int engine_settings_put(struct engine *engine, struct str name, const struct value *settings,
                        struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    TRY(index__await(index, USE_CHANGE, err));
    if (settings->kind != VALUE_MAP)
        return err_set(err, ERR_PARSE, "the body of a settings update must be an object");
    struct value flat = value_map(mem, 4), current;
    const struct value *inner =
        settings->map->count == 1 ? value_map_get_lit(settings, "settings") : NULL;
    index__settings_flatten(inner && inner->kind == VALUE_MAP ? inner : settings, STR_NONE, &flat,
                            mem);
    TRY(index__settings_check(&flat, mem, err));
    TRY(static_check(index, &flat, mem, err));
    mutex_lock(&index->mu);
    int rc = value_from_json(str_from(index->settings_json), mem, &current, err);
    if (rc == 0) {
        settings_change(&current, &flat, mem);
        index__json_replace(&index->settings_json, &current);
        index__settings_apply(index);
    }
    mutex_unlock(&index->mu);
    TRY(rc);
    return index__manifest_now(index, err);
}

/* "index.mapping.total_fields.limit" into nested maps; what lies below a name that is a setting
 * itself keeps its dots. */
static void setting_nest(struct value *root, const struct value *flat, struct str path,
                         struct value v, struct arena *mem)
{
    struct value *at = root;
    struct str rest = path;
    for (ptrdiff_t dot; (dot = str_find_char(rest, '.')) > 0;
         rest = str_from_off(rest, (size_t)dot + 1)) {
        struct str part = str_sub(rest, 0, (size_t)dot);
        if (value_map_get(flat, str_sub(path, 0, path.n - rest.n + part.n)))
            break;
        struct value *next = value_map_get(at, part);
        if (!next) {
            value_map_set(mem, at, part, value_map(mem, 2));
            next = value_map_get(at, part);
        }
        at = next;
    }
    value_map_set(mem, at, rest, v);
}

/* Values as text, as Elasticsearch prints them. */
static struct value setting_text(const struct value *v, struct arena *mem)
{
    if (v->kind != VALUE_LIST)
        return value_str(value_to_str(mem, v));
    struct value list = value_list(mem, v->list->count);
    for (size_t i = 0; i < v->list->count; i++)
        value_list_add(mem, &list, value_str(value_to_str(mem, &v->list->items[i])));
    return list;
}

int engine_settings_get(struct engine *engine, struct str name, struct arena *mem,
                        struct value *ret_settings, struct err *err)
{
    CLEANUP(index__unref_ptr) struct index *index = NULL;
    TRY(engine__index_get(engine, name, &index, err));
    struct value flat, root = value_map(mem, 1);
    mutex_lock(&index->mu);
    struct str json = arena_str(mem, str_from(index->settings_json));
    mutex_unlock(&index->mu);
    TRY(value_from_json(json, mem, &flat, err));
    struct str created = arena_printf(mem, "%lld", (long long)(index->created_ns / NS_PER_MS));
    value_map_set(mem, &flat, STR("index.creation_date"), value_str(created));
    value_map_set(mem, &flat, STR("index.provided_name"), value_str(arena_str(mem, index->name)));
    value_map_set(mem, &flat, STR("index.uuid"), value_str(arena_str(mem, index->uuid)));
    value_map_set(mem, &flat, STR("index.version.created"), value_str(STR("7100299")));
    for (size_t i = 0; i < flat.map->count; i++)
        setting_nest(&root, &flat, flat.map->keys[i], setting_text(&flat.map->values[i], mem), mem);
    *ret_settings = root;
    return 0;
}
