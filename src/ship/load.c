/* SPDX-License-Identifier: Apache-2.0 */
/* load.c: filebeat.yml into a shipper. Everything a Filebeat 7 knows is either done, accepted with
 * a warning that it has no effect here, or refused by name with its position. */
#include "ship/ship_int.h"

#include <stdio.h>

#include <stdarg.h>

#include "base/opt.h"
#include "event/options.h"
#include "os/os.h"

int ship__fail(const struct ship *ship, const struct value *at, struct err *err, enum err_code code,
               const char *format, ...)
{
    char text[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)err_set(err, code, "%s", text);
    return yaml_err_at(&ship->source, at ? at->pos : 0, err);
}

void ship__warn(const struct ship *ship, const struct value *at, const char *format, ...)
{
    char text[ERR_TEXT_BYTES];
    struct err place;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)err_set(&place, ERR_CONFIG, "%s", text);
    (void)yaml_err_at(&ship->source, at ? at->pos : 0, &place);
    log_line(LOG_WARN, "ship.config", "%s:%u:%u: %s", place.file, place.line, place.column, text);
}

static void warn_option(void *owner, uint32_t pos, const char *text)
{
    struct value at = {.pos = pos};
    ship__warn(owner, &at, "%s", text);
}

int ship__fill(struct ship *ship, const struct opt *opts, void *instance, const struct value *map,
               const char *const *skip, struct err *err)
{
    struct err why;
    int rc =
        options_fill(opts, instance, map, OPTIONS_BEATS, ship->mem, skip, warn_option, ship, &why);
    if (rc == 0)
        return 0;
    struct value at = {.pos = why.off >= 0 ? (uint32_t)why.off + 1 : map->pos};
    return ship__fail(ship, &at, err, ERR_CONFIG, "%s", why.text);
}

void ship__merge(struct arena *mem, struct value *map, const struct value *from)
{
    for (size_t i = 0; from->kind == VALUE_MAP && i < from->map->count; i++) {
        struct value *old = value_map_get(map, from->map->keys[i]);
        const struct value *v = &from->map->values[i];
        if (old && old->kind == VALUE_MAP && v->kind == VALUE_MAP) {
            struct value copy = value_copy(mem, old);
            ship__merge(mem, &copy, v);
            *value_map_get(map, from->map->keys[i]) = copy;
        } else {
            value_map_set(mem, map, from->map->keys[i], *v);
        }
    }
}

static bool is_range(const struct value *v)
{
    for (size_t i = 0; i < v->map->count; i++) {
        struct str key = v->map->keys[i];
        if (!str_is(key, "gt") && !str_is(key, "gte") && !str_is(key, "lt") && !str_is(key, "lte"))
            return false;
    }
    return true;
}

static void flatten(struct arena *mem, const struct value *map, struct str prefix,
                    bool keeps_ranges, struct value *out)
{
    for (size_t i = 0; i < map->map->count; i++) {
        const struct value *v = &map->map->values[i];
        struct str key = map->map->keys[i];
        if (prefix.n)
            key = arena_printf(mem, "%.*s.%.*s", (int)prefix.n, prefix.p, (int)key.n, key.p);
        if (v->kind == VALUE_MAP && !(keeps_ranges && is_range(v)))
            flatten(mem, v, key, keeps_ranges, out);
        else
            value_map_set(mem, out, key, *v);
    }
}

struct value ship__flat(struct arena *mem, const struct value *map, bool keeps_ranges)
{
    if (map->kind != VALUE_MAP)
        return *map;
    struct value out = value_map(mem, 4);
    out.pos = map->pos;
    flatten(mem, map, STR_NONE, keeps_ranges, &out);
    return out;
}

/* ---- the file ---- */

static struct str env_of_process(void *owner, struct str name)
{
    char text[256];
    (void)owner;
    if (name.n >= sizeof(text))
        return STR_NONE;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return os_env(text);
}

static int read_file(struct ship *ship, struct err *err)
{
    const struct ship_config *config = &ship->config;
    ship->source.file = arena_str(ship->mem, config->file.n ? config->file : STR("filebeat.yml"));
    if (config->text.p) {
        ship->source.text = arena_str(ship->mem, config->text);
        return 0;
    }
    return vfs_read_file(config->fs, ship->source.file, YAML_BYTES_MAX, ship->mem,
                         &ship->source.text, err);
}

/* -E a.b=value: the value is YAML. */
static int override(struct ship *ship, struct str text, struct err *err)
{
    ptrdiff_t eq = str_find_char(text, '=');
    if (eq <= 0)
        return err_set(err, ERR_INVALID, "-E wants key=value, not \"%.*s\"", STR_ARG(text));
    struct str key = str_trim(str_sub(text, 0, (size_t)eq));
    struct yaml_source source = {.file = STR("-E"), .text = str_from_off(text, (size_t)eq + 1)};
    struct value v, map = value_map(ship->mem, 1);
    source.text = arena_str(ship->mem, source.text);
    TRY(yaml_parse(&source, ship->mem, &v, err));
    if (str_trim(source.text).n == 0)
        v = value_null();
    v.pos = 0;
    value_map_set(ship->mem, &map, arena_str(ship->mem, key), v);
    TRY(yaml_expand_keys(&source, ship->mem, &map, err));
    ship__merge(ship->mem, &ship->conf, &map);
    return 0;
}

static int parse(struct ship *ship, struct err *err)
{
    const struct ship_config *config = &ship->config;
    TRY(read_file(ship, err));
    TRY(yaml_parse(&ship->source, ship->mem, &ship->conf, err));
    if (ship->conf.kind != VALUE_MAP)
        return ship__fail(ship, &ship->conf, err, ERR_CONFIG, "the file must be a map of settings");
    TRY(yaml_expand_keys(&ship->source, ship->mem, &ship->conf, err));
    for (size_t i = 0; i < config->override_count; i++)
        TRY(override(ship, config->overrides[i], err));
    return yaml_expand_env(&ship->source, ship->mem, &ship->conf,
                           config->env_get ? config->env_get : env_of_process, config->env_owner,
                           err);
}

/* ---- sections ---- */

struct top {
    struct value filebeat, output, queue, path, fields, tags, processors;
    struct str name;
    bool fields_under_root;
    int64_t max_procs;
    struct value setup, logging, monitoring, http, cloud, xpack, keystore, instrumentation, seccomp,
        timestamp, management, features;
};
static const struct opt top_opts[] = {
    OPT_MAP(struct top, filebeat, .help = "Inputs and registry."),
    OPT_MAP(struct top, output, .help = "Where to."),
    OPT_MAP(struct top, queue, .help = "mem: how many events are under way."),
    OPT_MAP(struct top, path, .help = "home, data."),
    OPT_MAP(struct top, fields, .help = "Fields for each event."),
    OPT_LIST(struct top, tags, .help = "Words for the field tags."),
    OPT_LIST(struct top, processors, .help = "What to do with each event."),
    OPT_STR(struct top, name, .help = "This shipper's name; default: the host's."),
    OPT_BOOL(struct top, fields_under_root, .dflt = "false", .help = "Puts `fields` at the top."),
    OPT_INT(struct top, max_procs, .flags = OPT_OBSOLETE, .help = "Threads of Go."),
    OPT_VALUE(struct top, setup,
              .help = "Templates and dashboards: not the shipper's business here."),
    OPT_VALUE(struct top, logging, .help = "Use --log.level."),
    OPT_VALUE(struct top, monitoring, .flags = OPT_OBSOLETE, .help = "Elastic's monitoring."),
    OPT_VALUE(struct top, http, .flags = OPT_OBSOLETE, .help = "Statistics over HTTP."),
    OPT_VALUE(struct top, cloud, .help = "Elastic Cloud."),
    OPT_VALUE(struct top, xpack, .flags = OPT_OBSOLETE, .help = "Elastic's monitoring."),
    OPT_VALUE(struct top, keystore, .flags = OPT_OBSOLETE, .help = "Secrets."),
    OPT_VALUE(struct top, instrumentation, .flags = OPT_OBSOLETE, .help = "Elastic APM."),
    OPT_VALUE(struct top, seccomp, .flags = OPT_OBSOLETE, .help = "System call filter."),
    OPT_VALUE(struct top, timestamp, .flags = OPT_OBSOLETE, .help = "Precision."),
    OPT_VALUE(struct top, management, .flags = OPT_OBSOLETE, .help = "Elastic Fleet."),
    OPT_VALUE(struct top, features, .flags = OPT_OBSOLETE, .help = "Feature flags."),
    OPT_END};

struct filebeat {
    struct value inputs, prospectors, registry, config, modules, autodiscover;
    bool overwrite_pipelines, clean_removed;
    int64_t shutdown_timeout;
    struct str registry_file;
};
static const struct opt filebeat_opts[] = {
    OPT_LIST(struct filebeat, inputs, .help = "What to follow."),
    OPT_VALUE(struct filebeat, prospectors, .help = "The name of `inputs` in Filebeat 6."),
    OPT_MAP(struct filebeat, registry, .help = "path, flush."),
    OPT_MAP(struct filebeat, config, .help = "inputs and modules in files of their own."),
    OPT_LIST(struct filebeat, modules, .help = "Modules."),
    OPT_VALUE(struct filebeat, autodiscover, .help = "Containers."),
    OPT_BOOL(struct filebeat, overwrite_pipelines, .flags = OPT_OBSOLETE, .help = "For modules."),
    OPT_DURATION(struct filebeat, shutdown_timeout, .dflt = "5s",
                 .help = "How long a stop waits for acknowledgements."),
    OPT_END};

struct registry_conf {
    struct str path, file_permissions, migrate_file;
    int64_t flush;
};
static const struct opt registry_opts[] = {
    OPT_STR(struct registry_conf, path, .dflt = "registry",
            .help = "Folder, below the data folder."),
    OPT_DURATION(struct registry_conf, flush, .dflt = "1s",
                 .help = "How often offsets are written."),
    OPT_STR(struct registry_conf, file_permissions, .flags = OPT_OBSOLETE, .help = "Always 0640."),
    OPT_STR(struct registry_conf, migrate_file, .flags = OPT_OBSOLETE,
            .help = "Registry of Filebeat 6."),
    OPT_END};

struct queue {
    struct value mem, disk, spool;
};
static const struct opt queue_opts[] = {
    OPT_MAP(struct queue, mem, .help = "events, flush."),
    OPT_VALUE(struct queue, disk, .help = "Not supported: the files are the queue."),
    OPT_VALUE(struct queue, spool, .help = "Not supported: the files are the queue."), OPT_END};
struct queue_mem {
    int64_t events;
    struct value flush;
};
static const struct opt queue_mem_opts[] = {
    OPT_INT(struct queue_mem, events, .dflt = "8192", .min = 32, .max = 10000000,
            .help = "Events under way."),
    OPT_VALUE(struct queue_mem, flush, .flags = OPT_OBSOLETE,
              .help = "A batch is never waited for here."),
    OPT_END};

struct path {
    struct str home, config, data, logs;
};
static const struct opt path_opts[] = {
    OPT_STR(struct path, home, .help = "Folder of the data folder."),
    OPT_STR(struct path, config, .help = "Folder of configuration files."),
    OPT_STR(struct path, data, .help = "Folder for the registry."),
    OPT_STR(struct path, logs, .flags = OPT_OBSOLETE, .help = "Log lines go to stderr."), OPT_END};

static bool is_given(const struct value *v)
{
    return v->kind != VALUE_NONE && v->kind != VALUE_NULL;
}

static bool is_disabled(const struct value *v)
{
    const struct value *enabled = v->kind == VALUE_MAP ? value_map_get_lit(v, "enabled") : NULL;
    return enabled && enabled->kind == VALUE_BOOL && !enabled->b;
}

static int load_paths(struct ship *ship, const struct value *conf, const struct value *registry,
                      struct err *err)
{
    struct path path = {0};
    struct registry_conf reg = {0};
    TRY(ship__fill(ship, path_opts, &path, conf, NULL, err));
    TRY(ship__fill(ship, registry_opts, &reg, registry, NULL, err));
    if (ship->config.data_path.n)
        ship->data_path = ship->config.data_path;
    else if (path.data.n)
        ship->data_path = path.data;
    else
        ship->data_path = path.home.n ? path_join(ship->mem, path.home, STR("data")) : STR("data");
    ship->registry_flush_ns = reg.flush;
    struct str below = path_join(ship->mem, reg.path, STR("filebeat"));
    ship->registry_path = below.p[0] == '/' ? below : path_join(ship->mem, ship->data_path, below);
    return 0;
}

static int load_queue(struct ship *ship, const struct value *conf, struct err *err)
{
    struct queue queue = {0};
    struct queue_mem mem = {0};
    TRY(ship__fill(ship, queue_opts, &queue, conf, NULL, err));
    if (is_given(&queue.disk) || is_given(&queue.spool))
        return ship__fail(ship, is_given(&queue.disk) ? &queue.disk : &queue.spool, err,
                          ERR_UNSUPPORTED,
                          "a queue on disk is not supported: lines stay in their files until they "
                          "are acknowledged");
    TRY(ship__fill(ship, queue_mem_opts, &mem, &queue.mem, NULL, err));
    ship->queue_events = (uint64_t)mem.events;
    return 0;
}

/* `filebeat.config.modules` stands in every default file and matters only when a module is switched
 * on. */
static int load_config_files(struct ship *ship, const struct value *conf, struct err *err)
{
    for (size_t i = 0; conf->kind == VALUE_MAP && i < conf->map->count; i++) {
        const struct value *v = &conf->map->values[i];
        const struct value *path = v->kind == VALUE_MAP ? value_map_get_lit(v, "path") : NULL;
        if (is_disabled(v))
            continue;
        if (str_is(conf->map->keys[i], "modules") && path && path->kind == VALUE_STR &&
            str_ends_with(path->s, STR("modules.d/*.yml"))) {
            ship__warn(ship, v,
                       "modules are not supported: what is switched on in \"%.*s\" is not read",
                       STR_ARG(path->s));
            continue;
        }
        return ship__fail(ship, v, err, ERR_UNSUPPORTED,
                          "filebeat.config.%.*s is not supported: write the inputs into %.*s",
                          STR_ARG(conf->map->keys[i]), STR_ARG(ship->source.file));
    }
    return 0;
}

static int load_inputs(struct ship *ship, const struct value *conf, const struct value *inputs,
                       struct err *err)
{
    for (size_t i = 0; inputs->kind == VALUE_LIST && i < inputs->list->count; i++)
        TRY(ship__input_load(ship, &inputs->list->items[i], err));
    if (ship->input_count == 0)
        return ship__fail(ship, conf, err, ERR_CONFIG, "no input is enabled below filebeat.inputs");
    return 0;
}

static int load_filebeat(struct ship *ship, const struct value *conf, const struct value *path,
                         struct err *err)
{
    struct filebeat filebeat = {0};
    TRY(ship__fill(ship, filebeat_opts, &filebeat, conf, NULL, err));
    const struct value *not_here = is_given(&filebeat.prospectors)    ? &filebeat.prospectors
                                   : is_given(&filebeat.autodiscover) ? &filebeat.autodiscover
                                                                      : NULL;
    if (not_here)
        return ship__fail(ship, not_here, err, ERR_UNSUPPORTED,
                          "filebeat.%s is not supported: filebeat.inputs is",
                          not_here == &filebeat.prospectors ? "prospectors" : "autodiscover");
    for (size_t i = 0; filebeat.modules.kind == VALUE_LIST && i < filebeat.modules.list->count;
         i++) {
        if (!is_disabled(&filebeat.modules.list->items[i]))
            return ship__fail(
                ship, &filebeat.modules.list->items[i], err, ERR_UNSUPPORTED,
                "modules are not supported: write their paths as an input of type log");
    }
    TRY(load_config_files(ship, &filebeat.config, err));
    TRY(load_paths(ship, path, &filebeat.registry, err));
    ship->shutdown_ns = filebeat.shutdown_timeout;
    return load_inputs(ship, conf, &filebeat.inputs, err);
}

/* ---- output ---- */

static int load_output(struct ship *ship, const struct value *conf, struct err *err)
{
    static const struct ship__output *const outputs[] = {&ship__output_logstash,
                                                         &ship__output_console};
    const struct value *found = NULL;
    struct str name = STR_NONE;
    for (size_t i = 0; conf->kind == VALUE_MAP && i < conf->map->count; i++) {
        const struct value *v = &conf->map->values[i];
        if (v->kind != VALUE_MAP || is_disabled(v))
            continue;
        if (found)
            return ship__fail(
                ship, v, err, ERR_CONFIG,
                "two outputs are enabled, output.%.*s and output.%.*s: one is possible",
                STR_ARG(name), STR_ARG(conf->map->keys[i]));
        found = v;
        name = conf->map->keys[i];
    }
    if (!found)
        return ship__fail(ship, conf->pos ? conf : &ship->conf, err, ERR_CONFIG,
                          "no output is enabled: output.logstash with hosts, or output.console");
    for (size_t i = 0; i < ARRAY_COUNT(outputs); i++) {
        if (str_eq(name, str_from(outputs[i]->name))) {
            ship->output = outputs[i];
            return ship->output->load(ship, found, err);
        }
    }
    return ship__fail(ship, found, err, ERR_UNSUPPORTED,
                      "output.%.*s is not supported: output.logstash and output.console are%s",
                      STR_ARG(name),
                      str_is(name, "elasticsearch")
                          ? " (naru's beats input feeds its own engine, or any Elasticsearch)"
                          : "");
}

static int load_top(struct ship *ship, struct err *err)
{
    struct top top = {0};
    TRY(ship__fill(ship, top_opts, &top, &ship->conf, NULL, err));
    if (is_given(&top.cloud))
        return ship__fail(ship, &top.cloud, err, ERR_UNSUPPORTED,
                          "cloud.* is not supported: use output.logstash");
    ship->hostname = arena_str(ship->mem, os_hostname());
    ship->name = top.name.n ? top.name : ship->hostname;
    ship->fields = top.fields;
    ship->tags = top.tags;
    ship->fields_under_root = top.fields_under_root;
    TRY(ship__processors_new(ship, &top.processors, &ship->processors, err));
    TRY(load_queue(ship, &top.queue, err));
    TRY(load_filebeat(ship, top.filebeat.kind == VALUE_MAP ? &top.filebeat : &ship->conf, &top.path,
                      err));
    return load_output(ship, &top.output, err);
}

int ship_load(const struct ship_config *config, struct ship **ret_ship, struct err *err)
{
    CLEANUP(ship_free_ptr) struct ship *ship = MEM_NEW(struct ship);
    ship->config = *config;
    ship->mem = arena_new(0);
    ship->scratch = arena_new(0);
    ship->acks = tail_acks_new();
    ship->beat_index = STR("filebeat");
    ship->bulk_events_max = 2048;
    rng_init(&ship->rng, config->seed);
    ship__uuid(&ship->rng, ship->ephemeral_id);
    ship->config.data_path = arena_str(ship->mem, config->data_path);
    TRY(parse(ship, err));
    TRY(load_top(ship, err));
    size_t batches = (size_t)(ship->queue_events / ship->bulk_events_max);
    ship__outbox_init(&ship->outbox,
                      MIN_OF(MAX_OF(batches, ship->batches_min + 1), SHIP__BATCHES_MAX));
    *ret_ship = TAKE(ship);
    return 0;
}
