/* SPDX-License-Identifier: Apache-2.0 */
/* processors.c: Beats' processors over an event as a tree. Each kind is a row of a table: a loader
 * that reads its options and a function that changes the event. Those that do not look at a line's
 * text or place run once per file, on the template (ship__processors_are_static); with one that
 * does, every event is built as a tree. */
#include "ship/ship_int.h"

#include "base/opt.h"
#include "text/regex.h"

#define PROCESSORS_MAX      256u
#define CONDITION_DEPTH_MAX 16u

enum condition_kind {
    CONDITION_EQUALS,
    CONDITION_CONTAINS,
    CONDITION_REGEXP,
    CONDITION_RANGE,
    CONDITION_HAS_FIELDS,
    CONDITION_AND,
    CONDITION_OR,
    CONDITION_NOT
};

struct condition {
    enum condition_kind kind;
    struct value fields;      /* map field -> operand; has_fields: list of names */
    struct regex **patterns;  /* regexp: one per entry of `fields` */
    struct condition **parts; /* and, or, not */
    size_t part_count;
};

struct processor;
struct kind {
    const char *name;
    int (*load)(struct ship *ship, struct processor *processor, const struct value *conf,
                struct err *err);
    bool (*run)(const struct processor *processor, struct value *event,
                struct arena *mem); /* false: dropped */
    bool reads_lines;
};
struct processor {
    const struct kind *kind;
    struct condition *when;
    struct str target;
    bool has_target, ignore_missing, overwrite_keys, add_error_key;
    struct value fields; /* map or list, by kind */
};
struct ship__processors {
    struct processor *items;
    size_t count;
    bool is_static;
};

/* ---- fields by dotted names ---- */

static struct value *get(struct value *event, struct str name)
{
    struct str part;
    struct value *at = event;
    struct value *whole = value_map_get(event, name);
    if (whole)
        return whole;
    while (at && str_split_next(&name, '.', &part))
        at = value_map_get(at, part);
    return at;
}

static void put(struct value *event, struct str name, struct value v, struct arena *mem)
{
    struct value *at = event;
    ptrdiff_t dot;
    while ((dot = str_find_char(name, '.')) > 0) {
        struct str part = str_sub(name, 0, (size_t)dot);
        struct value *next = value_map_get(at, part);
        if (!next || next->kind != VALUE_MAP) {
            value_map_set(mem, at, part, value_map(mem, 2));
            next = value_map_get(at, part);
        }
        at = next;
        name = str_from_off(name, (size_t)dot + 1);
    }
    value_map_set(mem, at, name, v);
}

static bool drop(struct value *event, struct str name)
{
    struct value *at = event;
    ptrdiff_t dot;
    if (value_map_remove(event, name))
        return true;
    while (at && (dot = str_find_char(name, '.')) > 0) {
        at = value_map_get(at, str_sub(name, 0, (size_t)dot));
        name = str_from_off(name, (size_t)dot + 1);
    }
    return at && at->kind == VALUE_MAP && value_map_remove(at, name);
}

/* Differs from line to line. */
static bool is_of_line(struct str name)
{
    return str_is(name, "message") || str_is(name, "@timestamp") || str_is(name, "log.offset") ||
           str_starts_with(name, STR("@metadata"));
}

/* ---- conditions ---- */

static int condition_load(struct ship *ship, const struct value *conf, unsigned depth,
                          struct condition **ret_condition, struct err *err);

static int condition_parts(struct ship *ship, struct condition *c, const struct value *conf,
                           unsigned depth, struct err *err)
{
    size_t count = conf->kind == VALUE_LIST ? conf->list->count : 1;
    c->parts = ARENA_ARRAY(ship->mem, struct condition *, count);
    for (; c->part_count < count; c->part_count++) {
        const struct value *part =
            conf->kind == VALUE_LIST ? &conf->list->items[c->part_count] : conf;
        TRY(condition_load(ship, part, depth + 1, &c->parts[c->part_count], err));
    }
    return 0;
}

static int condition_patterns(struct ship *ship, struct condition *c, struct err *err)
{
    struct value_map *map = c->fields.map;
    c->patterns = ARENA_ARRAY(ship->mem, struct regex *, map->count);
    for (size_t i = 0; i < map->count; i++) {
        struct err why;
        struct str text = value_to_str(ship->mem, &map->values[i]);
        if (regex_compile(text, 0, &c->patterns[i], &why) < 0)
            return ship__fail(ship, &map->values[i], err, ERR_CONFIG, "the pattern \"%.*s\": %s",
                              STR_ARG(text), why.text);
        ship__own_regex(ship, c->patterns[i]);
    }
    return 0;
}

static int condition_load(struct ship *ship, const struct value *conf, unsigned depth,
                          struct condition **ret_condition, struct err *err)
{
    static const char *const names[] = {"equals", "contains", "regexp", "range", "has_fields",
                                        "and",    "or",       "not",    NULL};
    if (depth > CONDITION_DEPTH_MAX)
        return ship__fail(ship, conf, err, ERR_TOO_LARGE, "a condition nested deeper than %u",
                          CONDITION_DEPTH_MAX);
    if (conf->kind != VALUE_MAP || conf->map->count != 1)
        return ship__fail(ship, conf, err, ERR_CONFIG,
                          "a condition is a map with one key, as \"equals\"");
    struct condition *c = ARENA_NEW(ship->mem, struct condition);
    struct str name = conf->map->keys[0];
    const struct value *v = &conf->map->values[0];
    int kind = 0;
    while (names[kind] && !str_eq(name, str_from(names[kind])))
        kind++;
    if (!names[kind])
        return ship__fail(ship, v, err, ERR_UNSUPPORTED,
                          "the condition \"%.*s\" is not supported: equals, contains, regexp, "
                          "range, has_fields, and, or, not are",
                          STR_ARG(name));
    c->kind = (enum condition_kind)kind;
    *ret_condition = c;
    if (c->kind >= CONDITION_AND)
        return condition_parts(ship, c, v, depth, err);
    if (v->kind != (c->kind == CONDITION_HAS_FIELDS ? VALUE_LIST : VALUE_MAP))
        return ship__fail(ship, v, err, ERR_CONFIG, "\"%.*s\" wants a %s", STR_ARG(name),
                          c->kind == CONDITION_HAS_FIELDS ? "list of fields" : "map of fields");
    c->fields = ship__flat(ship->mem, v, c->kind == CONDITION_RANGE);
    return c->kind == CONDITION_REGEXP ? condition_patterns(ship, c, err) : 0;
}

static bool contains(const struct value *v, struct str part, struct arena *mem)
{
    if (v->kind == VALUE_LIST) {
        for (size_t i = 0; i < v->list->count; i++) {
            if (str_eq(value_to_str(mem, &v->list->items[i]), part))
                return true;
        }
        return false;
    }
    return v->kind == VALUE_STR && str_find(v->s, part) >= 0;
}

static bool in_range(const struct value *v, const struct value *bounds)
{
    double f, bound;
    if (!value_to_f64(v, &f) || bounds->kind != VALUE_MAP)
        return false;
    for (size_t i = 0; i < bounds->map->count; i++) {
        struct str op = bounds->map->keys[i];
        if (!value_to_f64(&bounds->map->values[i], &bound))
            return false;
        bool is_in = str_is(op, "gte")   ? f >= bound
                     : str_is(op, "gt")  ? f > bound
                     : str_is(op, "lte") ? f <= bound
                                         : f < bound;
        if (!is_in)
            return false;
    }
    return true;
}

static bool field_holds(const struct condition *c, size_t i, struct value *event, struct arena *mem)
{
    const struct value *want = &c->fields.map->values[i];
    const struct value *v = get(event, c->fields.map->keys[i]);
    if (!v)
        return false;
    switch (c->kind) {
    case CONDITION_EQUALS:
        return str_eq(value_to_str(mem, v), value_to_str(mem, want));
    case CONDITION_CONTAINS:
        return contains(v, value_to_str(mem, want), mem);
    case CONDITION_REGEXP:
        return regex_find(c->patterns[i], value_to_str(mem, v), 0, NULL) > 0;
    case CONDITION_RANGE:
        return in_range(v, want);
    case CONDITION_HAS_FIELDS:
    case CONDITION_AND:
    case CONDITION_OR:
    case CONDITION_NOT:
        break;
    }
    return false;
}

static bool condition_holds(const struct condition *c, struct value *event, struct arena *mem)
{
    if (c->kind == CONDITION_AND || c->kind == CONDITION_OR) {
        for (size_t i = 0; i < c->part_count; i++) {
            if (condition_holds(c->parts[i], event, mem) == (c->kind == CONDITION_OR))
                return c->kind == CONDITION_OR;
        }
        return c->kind == CONDITION_AND;
    }
    if (c->kind == CONDITION_NOT)
        return !condition_holds(c->parts[0], event, mem);
    if (c->kind == CONDITION_HAS_FIELDS) {
        for (size_t i = 0; i < c->fields.list->count; i++) {
            if (!get(event, value_to_str(mem, &c->fields.list->items[i])))
                return false;
        }
        return true;
    }
    for (size_t i = 0; i < c->fields.map->count; i++) {
        if (!field_holds(c, i, event, mem))
            return false;
    }
    return true;
}

static bool condition_reads_lines(const struct condition *c)
{
    for (size_t i = 0; i < c->part_count; i++) {
        if (condition_reads_lines(c->parts[i]))
            return true;
    }
    for (size_t i = 0; c->fields.kind == VALUE_MAP && i < c->fields.map->count; i++) {
        if (is_of_line(c->fields.map->keys[i]))
            return true;
    }
    return false;
}

/* ---- the kinds ---- */

struct options {
    struct value when, fields, tags, labels;
    struct str target;
    bool ignore_missing, fail_on_error, process_array, overwrite_keys, add_error_key;
    int64_t max_depth;
    struct value rest;
};
#define WHEN OPT_VALUE(struct options, when, .help = "A condition.")
static const struct opt add_fields_opts[] = {
    WHEN,
    OPT_STR(struct options, target,
            .help = "Below which field; default \"fields\", \"\": the top."),
    OPT_MAP(struct options, fields, .flags = OPT_REQUIRED, .help = "What to add."), OPT_END};
static const struct opt add_tags_opts[] = {
    WHEN, OPT_STR(struct options, target, .dflt = "tags", .help = "The list's name."),
    OPT_LIST(struct options, tags, .flags = OPT_REQUIRED, .help = "Words."), OPT_END};
static const struct opt add_labels_opts[] = {
    WHEN,
    OPT_MAP(struct options, labels, .flags = OPT_REQUIRED, .help = "What to add below `labels`."),
    OPT_END};
static const struct opt field_list_opts[] = {
    WHEN, OPT_LIST(struct options, fields, .flags = OPT_REQUIRED, .help = "Names of fields."),
    OPT_BOOL(struct options, ignore_missing, .dflt = "false",
             .help = "A field that is not there is no matter."),
    OPT_END};
static const struct opt pairs_opts[] = {
    WHEN, OPT_LIST(struct options, fields, .flags = OPT_REQUIRED, .help = "from, to."),
    OPT_BOOL(struct options, ignore_missing, .dflt = "false",
             .help = "A field that is not there is no matter."),
    OPT_BOOL(struct options, fail_on_error, .dflt = "true",
             .help = "Leaves the event as it was when one pair cannot be done."),
    OPT_END};
static const struct opt when_opts[] = {WHEN, OPT_END};
static const struct opt json_opts[] = {
    WHEN,
    OPT_LIST(struct options, fields, .flags = OPT_REQUIRED, .help = "Fields that hold JSON."),
    OPT_STR(struct options, target,
            .help = "Where to; default: over the field itself; \"\": the top."),
    OPT_BOOL(struct options, process_array, .dflt = "false", .help = "Arrays too."),
    OPT_BOOL(struct options, overwrite_keys, .dflt = "false",
             .help = "Replaces fields that are there."),
    OPT_BOOL(struct options, add_error_key, .dflt = "false",
             .help = "Notes what went wrong in `error`."),
    OPT_INT(struct options, max_depth, .dflt = "1", .min = 1, .max = 1,
            .help = "Only 1 is supported."),
    OPT_END};
static const struct opt host_opts[] = {
    WHEN,
    OPT_VALUE(struct options, rest, .name = "netinfo", .flags = OPT_OBSOLETE,
              .help = "Addresses are left out here."),
    OPT_VALUE(struct options, rest, .name = "cache", .flags = OPT_OBSOLETE, .help = "Read once."),
    OPT_VALUE(struct options, rest, .name = "geo", .flags = OPT_OBSOLETE, .help = "Left out here."),
    OPT_END};

static int load_with(struct ship *ship, struct processor *p, const struct value *conf,
                     const struct opt *opts, struct options *o, struct err *err)
{
    static const struct value none = {.kind = VALUE_NONE};
    *o = (struct options){0};
    if (conf->kind != VALUE_MAP && conf->kind != VALUE_NULL)
        return ship__fail(ship, conf, err, ERR_CONFIG, "a processor's options are a map");
    const struct value *map = conf->kind == VALUE_MAP ? conf : &none;
    TRY(ship__fill(ship, opts, o, map, NULL, err));
    p->fields = o->fields;
    p->target = o->target;
    p->has_target = value_map_get_lit(map, "target") != NULL;
    p->ignore_missing = o->ignore_missing;
    p->overwrite_keys = o->overwrite_keys;
    p->add_error_key = o->add_error_key;
    return o->when.kind == VALUE_MAP ? condition_load(ship, &o->when, 0, &p->when, err) : 0;
}

static int add_fields_load(struct ship *ship, struct processor *p, const struct value *conf,
                           struct err *err)
{
    struct options o;
    TRY(load_with(ship, p, conf, add_fields_opts, &o, err));
    if (!p->has_target)
        p->target = STR("fields");
    return 0;
}
static bool add_fields_run(const struct processor *p, struct value *event, struct arena *mem)
{
    struct value fields = value_copy(mem, &p->fields);
    if (p->target.n) {
        struct value below = value_map(mem, 1);
        put(&below, p->target, fields, mem);
        fields = below;
    }
    ship__merge(mem, event, &fields);
    return true;
}

static int add_tags_load(struct ship *ship, struct processor *p, const struct value *conf,
                         struct err *err)
{
    struct options o;
    TRY(load_with(ship, p, conf, add_tags_opts, &o, err));
    p->fields = o.tags;
    p->target = o.target;
    return 0;
}
static bool add_tags_run(const struct processor *p, struct value *event, struct arena *mem)
{
    const struct value *old = get(event, p->target);
    struct value all = value_list(mem, 4);
    for (size_t i = 0; old && old->kind == VALUE_LIST && i < old->list->count; i++)
        value_list_add(mem, &all, old->list->items[i]);
    for (size_t i = 0; i < p->fields.list->count; i++)
        value_list_add(mem, &all, p->fields.list->items[i]);
    put(event, p->target, all, mem);
    return true;
}

static int add_labels_load(struct ship *ship, struct processor *p, const struct value *conf,
                           struct err *err)
{
    struct options o;
    TRY(load_with(ship, p, conf, add_labels_opts, &o, err));
    p->fields = o.labels;
    p->target = STR("labels");
    return 0;
}

static int field_list_load(struct ship *ship, struct processor *p, const struct value *conf,
                           struct err *err)
{
    struct options o;
    return load_with(ship, p, conf, field_list_opts, &o, err);
}
static bool drop_fields_run(const struct processor *p, struct value *event, struct arena *mem)
{
    for (size_t i = 0; i < p->fields.list->count; i++) {
        struct str name = value_to_str(mem, &p->fields.list->items[i]);
        if (!str_is(name, "@timestamp") && !str_is(name, "@metadata"))
            (void)drop(event, name);
    }
    return true;
}
static bool include_fields_run(const struct processor *p, struct value *event, struct arena *mem)
{
    struct value kept = value_map(mem, 8);
    static const char *const always[] = {"@timestamp", "@metadata", "type"};
    for (size_t i = 0; i < ARRAY_COUNT(always); i++) {
        const struct value *v = value_map_get(event, str_from(always[i]));
        if (v)
            value_map_set(mem, &kept, str_from(always[i]), *v);
    }
    for (size_t i = 0; i < p->fields.list->count; i++) {
        struct str name = value_to_str(mem, &p->fields.list->items[i]);
        const struct value *v = get(event, name);
        if (v)
            put(&kept, name, *v, mem);
    }
    *event = kept;
    return true;
}

static int pairs_load(struct ship *ship, struct processor *p, const struct value *conf,
                      struct err *err)
{
    struct options o;
    TRY(load_with(ship, p, conf, pairs_opts, &o, err));
    for (size_t i = 0; i < p->fields.list->count; i++) {
        const struct value *pair = &p->fields.list->items[i];
        const struct value *from = value_map_get_lit(pair, "from"),
                           *to = value_map_get_lit(pair, "to");
        if (!from || !to || from->kind != VALUE_STR || to->kind != VALUE_STR)
            return ship__fail(ship, pair, err, ERR_CONFIG,
                              "each entry of fields wants \"from\" and \"to\"");
    }
    return 0;
}
static void move_pairs(const struct processor *p, struct value *event, struct arena *mem,
                       bool keeps)
{
    for (size_t i = 0; i < p->fields.list->count; i++) {
        const struct value *pair = &p->fields.list->items[i];
        struct str from = value_map_get_lit(pair, "from")->s, to = value_map_get_lit(pair, "to")->s;
        const struct value *v = get(event, from);
        if (!v || get(event, to)) /* Beats refuses to write over a field that is there */
            continue;
        struct value copy = value_copy(mem, v);
        if (!keeps)
            (void)drop(event, from);
        put(event, to, copy, mem);
    }
}
static bool rename_run(const struct processor *p, struct value *event, struct arena *mem)
{
    move_pairs(p, event, mem, false);
    return true;
}
static bool copy_fields_run(const struct processor *p, struct value *event, struct arena *mem)
{
    move_pairs(p, event, mem, true);
    return true;
}

static int when_load(struct ship *ship, struct processor *p, const struct value *conf,
                     struct err *err)
{
    struct options o;
    return load_with(ship, p, conf, when_opts, &o, err);
}
static bool drop_event_run(const struct processor *p, struct value *event, struct arena *mem)
{
    (void)p;
    (void)event;
    (void)mem;
    return false;
}

static int decode_json_load(struct ship *ship, struct processor *p, const struct value *conf,
                            struct err *err)
{
    struct options o;
    return load_with(ship, p, conf, json_opts, &o, err);
}
static void decode_one(const struct processor *p, struct value *event, struct str name,
                       struct arena *mem)
{
    const struct value *v = get(event, name);
    struct value tree;
    struct err err;
    if (!v || v->kind != VALUE_STR)
        return;
    int rc = value_from_json(v->s, mem, &tree, &err);
    if (rc == 0 && tree.kind != VALUE_MAP)
        rc = err_set(&err, ERR_JSON, "no JSON object");
    if (rc < 0) {
        struct value what = value_map(mem, 1);
        value_map_set(mem, &what, STR("message"), value_str(arena_str(mem, str_from(err.text))));
        if (p->add_error_key)
            value_map_set(mem, event, STR("error"), what);
        return;
    }
    if (p->target.n || !p->has_target) {
        put(event, p->target.n ? p->target : name, tree, mem);
        return;
    }
    for (size_t i = 0; i < tree.map->count; i++) {
        if (p->overwrite_keys || !value_map_get(event, tree.map->keys[i]))
            value_map_set(mem, event, tree.map->keys[i], tree.map->values[i]);
    }
}
static bool decode_json_run(const struct processor *p, struct value *event, struct arena *mem)
{
    for (size_t i = 0; i < p->fields.list->count; i++)
        decode_one(p, event, value_to_str(mem, &p->fields.list->items[i]), mem);
    return true;
}

/* ---- add_host_metadata ---- */

static struct str file_line(struct ship *ship, const char *path)
{
    struct str text;
    if (vfs_read_file(ship->config.fs, str_from(path), 64 * KIB, ship->mem, &text, NULL) < 0)
        return STR_NONE;
    return str_trim(text);
}

/* KEY=value or KEY="value" of /etc/os-release. */
static struct str release_of(struct str text, const char *key)
{
    struct str line, name, value;
    while (str_split_next(&text, '\n', &line)) {
        value = line;
        if (!str_split_next(&value, '=', &name) || !str_eq(name, str_from(key)))
            continue;
        return value.n >= 2 && value.p[0] == '"' ? str_sub(value, 1, value.n - 2) : value;
    }
    return STR_NONE;
}

static void put_text(struct ship *ship, struct value *map, const char *key, struct str text)
{
    if (text.n)
        value_map_set(ship->mem, map, str_from(key), value_str(text));
}

static int host_load(struct ship *ship, struct processor *p, const struct value *conf,
                     struct err *err)
{
    struct options o;
    TRY(load_with(ship, p, conf, host_opts, &o, err));
    struct str release = file_line(ship, "/etc/os-release");
    struct value host = value_map(ship->mem, 8), os = value_map(ship->mem, 8);
    put_text(ship, &host, "hostname", ship->hostname);
    put_text(ship, &host, "name", ship->name);
#if defined(__x86_64__)
    put_text(ship, &host, "architecture", STR("x86_64"));
#elif defined(__aarch64__)
    put_text(ship, &host, "architecture", STR("aarch64"));
#endif
    put_text(ship, &os, "type", STR("linux"));
    put_text(ship, &os, "platform", release_of(release, "ID"));
    put_text(ship, &os, "version", release_of(release, "VERSION"));
    put_text(ship, &os, "name", release_of(release, "NAME"));
    put_text(ship, &os, "codename", release_of(release, "VERSION_CODENAME"));
    put_text(ship, &os, "kernel", file_line(ship, "/proc/sys/kernel/osrelease"));
    value_map_set(ship->mem, &host, STR("os"), os);
    put_text(ship, &host, "id", file_line(ship, "/etc/machine-id"));
    p->fields = value_map(ship->mem, 1);
    value_map_set(ship->mem, &p->fields, STR("host"), host);
    return 0;
}

/* What stands in every default file, and finds nothing where there is no cloud and no container
 * engine. */
static int nothing_load(struct ship *ship, struct processor *p, const struct value *conf,
                        struct err *err)
{
    (void)err;
    ship__warn(ship, conf, "%s adds nothing here: naru does not ask clouds or container engines",
               p->kind->name);
    return 0;
}
static bool nothing_run(const struct processor *p, struct value *event, struct arena *mem)
{
    (void)p;
    (void)event;
    (void)mem;
    return true;
}

static const struct kind kinds[] = {
    {"add_fields", add_fields_load, add_fields_run, false},
    {"add_tags", add_tags_load, add_tags_run, false},
    {"add_labels", add_labels_load, add_fields_run, false},
    {"drop_fields", field_list_load, drop_fields_run, false},
    {"include_fields", field_list_load, include_fields_run, false},
    {"rename", pairs_load, rename_run, false},
    {"copy_fields", pairs_load, copy_fields_run, false},
    {"drop_event", when_load, drop_event_run, false},
    {"decode_json_fields", decode_json_load, decode_json_run, true},
    {"add_host_metadata", host_load, add_fields_run, false},
    {"add_cloud_metadata", nothing_load, nothing_run, false},
    {"add_docker_metadata", nothing_load, nothing_run, false},
    {"add_kubernetes_metadata", nothing_load, nothing_run, false},
};

/* ---- lists ---- */

static const struct kind *kind_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (str_eq(name, str_from(kinds[i].name)))
            return &kinds[i];
    }
    return NULL;
}

static int load_one(struct ship *ship, struct processor *p, const struct value *conf,
                    struct err *err)
{
    if (conf->kind != VALUE_MAP || conf->map->count != 1)
        return ship__fail(ship, conf, err, ERR_CONFIG,
                          "a processor is a map with its name as the only key");
    p->kind = kind_find(conf->map->keys[0]);
    if (!p->kind)
        return ship__fail(
            ship, &conf->map->values[0], err, ERR_UNSUPPORTED,
            "the processor \"%.*s\" is not supported: do it with a filter of the pipeline",
            STR_ARG(conf->map->keys[0]));
    return p->kind->load(ship, p, &conf->map->values[0], err);
}

/* Does it put a line's own fields elsewhere, where a later condition would not know them? */
static bool moves_line(const struct processor *p)
{
    if (p->kind->load != pairs_load)
        return false;
    for (size_t i = 0; i < p->fields.list->count; i++) {
        struct str from = value_map_get_lit(&p->fields.list->items[i], "from")->s;
        if (is_of_line(from) || str_is(from, "log"))
            return true;
    }
    return false;
}

int ship__processors_new(struct ship *ship, const struct value *list,
                         struct ship__processors **ret_processors, struct err *err)
{
    if (list->kind != VALUE_LIST || list->list->count == 0)
        return 0;
    if (list->list->count > PROCESSORS_MAX)
        return ship__fail(ship, list, err, ERR_TOO_LARGE, "more than %u processors",
                          PROCESSORS_MAX);
    struct ship__processors *all = ARENA_NEW(ship->mem, struct ship__processors);
    bool moves = false, reads = false, has_condition = false;
    all->items = ARENA_ARRAY(ship->mem, struct processor, list->list->count);
    for (; all->count < list->list->count; all->count++) {
        struct processor *p = &all->items[all->count];
        TRY(load_one(ship, p, &list->list->items[all->count], err));
        reads |= p->kind->reads_lines || (p->when && condition_reads_lines(p->when));
        has_condition |= p->when != NULL;
        moves |= moves_line(p);
    }
    all->is_static = !reads && !(moves && has_condition);
    *ret_processors = all;
    return 0;
}

bool ship__processors_are_static(const struct ship__processors *processors)
{
    return !processors || processors->is_static;
}

bool ship__processors_run(const struct ship__processors *processors, struct value *event,
                          struct arena *mem)
{
    for (size_t i = 0; processors && i < processors->count; i++) {
        const struct processor *p = &processors->items[i];
        if (p->when && !condition_holds(p->when, event, mem))
            continue;
        if (!p->kind->run(p, event, mem))
            return false;
    }
    return true;
}
