/* SPDX-License-Identifier: Apache-2.0 */
/* settings_file.c: walks the YAML tree; a path of keys joined by dots is a flag's name. */
#include "cli/settings_file.h"

#include "base/arena.h"
#include "base/str.h"
#include "ship/yaml.h"

#define SETTINGS_DEPTH_MAX 8u

struct reader {
    const struct command *command;
    struct yaml_source source;
    struct arena *mem;
    struct value *given;
    struct err *err;
};

static const struct flag *flag_of(const struct command *command, struct str name)
{
    for (const struct flag *f = command->flags; f && f->opt.kind != OPT_KIND_END; f++) {
        if (str_eq(str_from(f->opt.name), name))
            return f;
    }
    return NULL;
}

static int unknown(struct reader *r, struct str name, uint32_t pos)
{
    const char *names[64] = {0};
    size_t n = 0;
    for (const struct flag *f = r->command->flags; f && f->opt.kind != OPT_KIND_END; f++) {
        if (n < ARRAY_COUNT(names) - 1)
            names[n++] = f->opt.name;
    }
    const char *near = name_nearest(names, name);
    err_set(r->err, ERR_CONFIG, "unknown setting \"" STR_FMT "\"%s%s%s", STR_ARG(name),
            near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return yaml_err_at(&r->source, pos, r->err);
}

static int read_map(struct reader *r, struct str prefix, const struct value *map, unsigned depth)
{
    for (size_t i = 0; i < map->map->count; i++) {
        const struct value *v = &map->map->values[i];
        struct str name = prefix.n ? arena_printf(r->mem, STR_FMT "." STR_FMT, STR_ARG(prefix),
                                                  STR_ARG(map->map->keys[i]))
                                   : map->map->keys[i];
        if (flag_of(r->command, name)) {
            if (!value_map_get(r->given, name))
                value_map_set(r->mem, r->given, name, *v);
        } else if (v->kind == VALUE_MAP && depth < SETTINGS_DEPTH_MAX) {
            TRY(read_map(r, name, v, depth + 1));
        } else {
            return unknown(r, name, v->pos);
        }
    }
    return 0;
}

static struct str env_of(void *owner, struct str name)
{
    return os_env(arena_cstr(owner, name));
}

int settings_file_read(struct vfs *fs, const struct command *command, struct str path,
                       struct arena *mem, struct value *given, struct err *err)
{
    struct reader r = {command, {.file = path}, mem, given, err};
    struct value root;
    TRY(vfs_read_file(fs, path, YAML_BYTES_MAX, mem, &r.source.text, err));
    TRY(yaml_parse(&r.source, mem, &root, err));
    TRY(yaml_expand_env(&r.source, mem, &root, env_of, mem, err));
    if (root.kind != VALUE_MAP)
        return err_set(err, ERR_CONFIG, "\"" STR_FMT "\" must hold settings: http.port: 9200",
                       STR_ARG(path));
    return read_map(&r, STR_NONE, &root, 0);
}
