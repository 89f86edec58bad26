/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c: see the header. After a failed or torn write the log is not appended to any more: the
 * next flush writes a checkpoint, which does not depend on what the log holds. */
#include "ship/registry.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"
#include "codec/json.h"

struct entry {
    struct str value; /* heap */
};

struct registry {
    struct vfs *fs;
    struct str dir; /* heap */
    struct strmap entries;
    struct buf pending; /* for the log */
    struct vfs_file *log;
    uint64_t log_bytes;
    uint64_t next_id;
    uint64_t checkpoint_id; /* 0: none */
    bool needs_checkpoint;
};

static struct str in_dir(const struct registry *registry, struct arena *mem, const char *name)
{
    return path_join(mem, registry->dir, str_from(name));
}

static void entry_set(struct registry *registry, struct str key, struct str value)
{
    struct entry *entry = strmap_get(&registry->entries, key);
    if (!entry) {
        entry = MEM_NEW(struct entry);
        (void)strmap_put(&registry->entries, key, entry);
    }
    mem_free((void *)(uintptr_t)entry->value.p);
    entry->value = (struct str){mem_cstr(value), value.n};
}

static bool entry_remove(struct registry *registry, struct str key)
{
    struct entry *entry = strmap_remove(&registry->entries, key);
    if (!entry)
        return false;
    mem_free((void *)(uintptr_t)entry->value.p);
    mem_free(entry);
    return true;
}

/* ---- loading ---- */

/* One "set" or "remove" record's second line. */
static bool take_data(struct registry *registry, struct str line, bool is_set, struct arena *mem)
{
    struct json_reader json;
    struct str key = STR_NONE, value = STR_NONE;
    json_reader_init(&json, line, mem, 0);
    enum json_token token = json_next(&json);
    if (token != JSON_OBJECT_BEGIN)
        return false;
    while ((token = json_next(&json)) == JSON_KEY) {
        struct str name = json.text;
        if (str_eq_nocase(name, STR("k"))) {
            if (json_next(&json) != JSON_STRING)
                return false;
            key = arena_str(mem, json.text);
        } else if (!json_skip_raw(&json, JSON_KEY,
                                  str_eq_nocase(name, STR("v")) ? &value : &name)) {
            return false;
        }
    }
    if (token != JSON_OBJECT_END || json_next(&json) != JSON_END || !key.p)
        return false;
    if (!is_set) {
        (void)entry_remove(registry, key);
        return true;
    }
    if (!value.p || value.n == 0 || value.p[0] != '{')
        return false;
    entry_set(registry, key, value);
    return true;
}

/* {"op":"set","id":1} */
static bool parse_action(struct str line, struct arena *mem, bool *ret_is_set, uint64_t *ret_id)
{
    struct json_reader json;
    bool has_op = false, has_id = false;
    json_reader_init(&json, line, mem, 0);
    enum json_token token = json_next(&json);
    if (token != JSON_OBJECT_BEGIN)
        return false;
    while ((token = json_next(&json)) == JSON_KEY) {
        bool is_op = str_eq_nocase(json.text, STR("op")),
             is_id = str_eq_nocase(json.text, STR("id"));
        token = json_next(&json);
        if (is_op && token == JSON_STRING) {
            *ret_is_set = str_is(json.text, "set");
            has_op = *ret_is_set || str_is(json.text, "remove");
        } else if (is_id && token == JSON_INT && json.i > 0) {
            *ret_id = (uint64_t)json.i;
            has_id = true;
        } else {
            return false;
        }
    }
    return token == JSON_OBJECT_END && has_op && has_id;
}

/* Only whole lines count: a line without its newline was torn off. */
static bool take_line(struct str *text, struct str *ret_line)
{
    ptrdiff_t end = str_find_char(*text, '\n');
    if (end < 0)
        return false;
    *ret_line = str_sub(*text, 0, (size_t)end);
    *text = str_from_off(*text, (size_t)end + 1);
    return true;
}

static uint64_t replay(struct registry *registry, struct str text)
{
    struct arena *mem = arena_new(0);
    struct str action, data, left = text;
    bool is_first = true;
    while (take_line(&left, &action)) {
        bool is_set = false;
        uint64_t id = 0;
        if (!parse_action(action, mem, &is_set, &id) || !take_line(&left, &data))
            break;
        if (id >= registry->next_id) { /* else: from before the checkpoint */
            bool is_gap = id != registry->next_id && !(is_first && registry->checkpoint_id == 0);
            if (is_gap || !take_data(registry, data, is_set, mem))
                break;
            registry->next_id = id + 1;
            is_first = false;
        }
        text = left;
        arena_reset(mem);
    }
    arena_free(mem);
    return text.n;
}

/* A checkpoint's object without its "_key". */
static int take_object(struct registry *registry, struct json_reader *json, struct arena *mem,
                       struct buf *value)
{
    struct str key = STR_NONE;
    struct json_writer w;
    buf_clear(value);
    json_writer_init(&w, value, false);
    json_object_begin(&w);
    enum json_token token;
    while ((token = json_next(json)) == JSON_KEY) {
        struct str name = arena_str(mem, json->text), raw;
        if (str_is(name, "_key")) {
            if (json_next(json) != JSON_STRING)
                return -ERR_CORRUPT;
            key = arena_str(mem, json->text);
            continue;
        }
        if (!json_skip_raw(json, JSON_KEY, &raw))
            return -ERR_CORRUPT;
        json_key(&w, name);
        json_raw(&w, raw);
    }
    json_object_end(&w);
    if (token != JSON_OBJECT_END || !key.p)
        return -ERR_CORRUPT;
    entry_set(registry, key, buf_str(value));
    return 0;
}

static int take_checkpoint(struct registry *registry, struct str text, struct arena *mem)
{
    struct json_reader json;
    struct buf value;
    json_reader_init(&json, text, mem, 0);
    if (json_next(&json) != JSON_ARRAY_BEGIN)
        return -ERR_CORRUPT;
    buf_init(&value, REGISTRY_BYTES_MAX);
    enum json_token token;
    int rc = 0;
    while (rc == 0 && (token = json_next(&json)) == JSON_OBJECT_BEGIN)
        rc = take_object(registry, &json, mem, &value);
    buf_deinit(&value);
    return rc == 0 && token == JSON_ARRAY_END && json_next(&json) == JSON_END ? 0 : -ERR_CORRUPT;
}

/* "<number>.json": its number, else 0. */
static uint64_t checkpoint_number(struct str name)
{
    uint64_t id;
    if (!str_ends_with(name, STR(".json")) || !str_to_u64(str_sub(name, 0, name.n - 5), &id))
        return 0;
    return id;
}

static int load_checkpoint(struct registry *registry, struct arena *mem, struct err *err)
{
    struct vfs_entry *entries;
    size_t count;
    TRY(vfs_list(registry->fs, registry->dir, mem, &entries, &count, err));
    for (size_t i = 0; i < count; i++)
        registry->checkpoint_id =
            MAX_OF(registry->checkpoint_id, checkpoint_number(entries[i].name));
    if (registry->checkpoint_id == 0)
        return 0;
    struct str text,
        path =
            in_dir(registry, mem,
                   arena_printf(mem, "%llu.json", (unsigned long long)registry->checkpoint_id).p);
    TRY(vfs_read_file(registry->fs, path, REGISTRY_BYTES_MAX, mem, &text, err));
    if (take_checkpoint(registry, text, mem) < 0)
        return err_set(
            err, ERR_CORRUPT,
            "the registry's checkpoint \"%.*s\" is damaged: move it away to begin anew (all "
            "lines are sent again) or restore it",
            STR_ARG(path));
    registry->next_id = registry->checkpoint_id + 1;
    return 0;
}

static int check_meta(struct registry *registry, struct arena *mem, struct err *err)
{
    struct str text, path = in_dir(registry, mem, "meta.json");
    int rc = vfs_read_file(registry->fs, path, 64 * KIB, mem, &text, err);
    if (rc == -ERR_NOT_FOUND)
        return vfs_write_file(registry->fs, path, STR("{\"version\":\"1\"}"), err);
    TRY(rc);
    if (str_find(text, STR("\"1\"")) < 0)
        return err_set(err, ERR_CORRUPT, "the registry \"%.*s\" has another version than 1: %.*s",
                       STR_ARG(registry->dir), STR_ARG(text));
    return 0;
}

static int load(struct registry *registry, struct arena *mem, uint64_t *ret_torn, struct err *err)
{
    TRY(vfs_make_dir(registry->fs, registry->dir, err));
    TRY(check_meta(registry, mem, err));
    TRY(load_checkpoint(registry, mem, err));
    struct str text = STR_NONE, path = in_dir(registry, mem, "log.json");
    int rc = vfs_read_file(registry->fs, path, REGISTRY_BYTES_MAX, mem, &text, err);
    if (rc < 0 && rc != -ERR_NOT_FOUND)
        return rc;
    *ret_torn = text.n ? replay(registry, text) : 0;
    registry->needs_checkpoint = *ret_torn > 0;
    registry->log_bytes = text.n;
    TRY(vfs_open(registry->fs, path, VFS_READ | VFS_WRITE | VFS_CREATE, &registry->log, err));
    return vfs_sync_dir(registry->fs, registry->dir, err);
}

int registry_open(struct vfs *fs, struct str dir, struct registry **ret_registry,
                  uint64_t *ret_torn, struct err *err)
{
    CLEANUP(registry_close_ptr) struct registry *registry = MEM_NEW(struct registry);
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    uint64_t torn = 0;
    registry->fs = fs;
    registry->dir = (struct str){mem_cstr(dir), dir.n};
    registry->next_id = 1;
    strmap_init(&registry->entries);
    buf_init(&registry->pending, REGISTRY_BYTES_MAX);
    TRY(load(registry, mem, &torn, err));
    *ret_torn = torn;
    *ret_registry = TAKE(registry);
    return 0;
}

void registry_close(struct registry *registry)
{
    if (!registry)
        return;
    size_t at = 0;
    struct str key;
    void *p;
    while (strmap_next(&registry->entries, &at, &key, &p)) {
        struct entry *entry = p;
        mem_free((void *)(uintptr_t)entry->value.p);
        mem_free(entry);
    }
    strmap_deinit(&registry->entries);
    buf_deinit(&registry->pending);
    vfs_close(registry->log);
    mem_free((void *)(uintptr_t)registry->dir.p);
    mem_free(registry);
}

/* ---- changing ---- */

static void log_action(struct registry *registry, const char *op)
{
    buf_printf(&registry->pending, "{\"op\":\"%s\",\"id\":%llu}\n", op,
               (unsigned long long)registry->next_id++);
}

void registry_set(struct registry *registry, struct str key, struct str value)
{
    const struct entry *old = strmap_get(&registry->entries, key);
    if (old && str_eq(old->value, value))
        return;
    ASSERT(value.n <= REGISTRY_VALUE_BYTES_MAX);
    entry_set(registry, key, value);
    log_action(registry, "set");
    buf_add_lit(&registry->pending, "{\"k\":");
    json_write_str(&registry->pending, key);
    buf_add_lit(&registry->pending, ",\"v\":");
    buf_add_str(&registry->pending, value);
    buf_add_lit(&registry->pending, "}\n");
}

void registry_remove(struct registry *registry, struct str key)
{
    if (!entry_remove(registry, key))
        return;
    log_action(registry, "remove");
    buf_add_lit(&registry->pending, "{\"k\":");
    json_write_str(&registry->pending, key);
    buf_add_lit(&registry->pending, "}\n");
}

struct str registry_get(const struct registry *registry, struct str key)
{
    const struct entry *entry = strmap_get(&registry->entries, key);
    return entry ? entry->value : STR_NONE;
}

bool registry_next(const struct registry *registry, size_t *at, struct str *ret_key,
                   struct str *ret_value)
{
    void *p;
    if (!strmap_next(&registry->entries, at, ret_key, &p))
        return false;
    *ret_value = ((const struct entry *)p)->value;
    return true;
}

size_t registry_count(const struct registry *registry)
{
    return registry->entries.count;
}

bool registry_is_changed(const struct registry *registry)
{
    return registry->pending.n > 0;
}

/* ---- writing ---- */

static void write_entries(const struct registry *registry, struct buf *out)
{
    size_t at = 0;
    struct str key, value;
    bool is_first = true;
    buf_add_char(out, '[');
    while (registry_next(registry, &at, &key, &value)) {
        buf_add_str(out, is_first ? STR("\n{\"_key\":") : STR(",\n{\"_key\":"));
        json_write_str(out, key);
        if (value.n > 2) {
            buf_add_char(out, ',');
            buf_add_str(out, str_from_off(value, 1)); /* members and the closing brace */
        } else {
            buf_add_char(out, '}');
        }
        is_first = false;
    }
    buf_add_lit(out, "\n]");
}

/* Older checkpoints are of no use any more; one that cannot be removed now is at the next time. */
static void remove_old(const struct registry *registry, struct arena *mem)
{
    struct vfs_entry *entries;
    size_t count;
    if (vfs_list(registry->fs, registry->dir, mem, &entries, &count, NULL) < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        uint64_t id = checkpoint_number(entries[i].name);
        if (id > 0 && id < registry->checkpoint_id) {
            int rc = vfs_remove(registry->fs, path_join(mem, registry->dir, entries[i].name), NULL);
            (void)rc;
        }
    }
}

static int write_checkpoint(struct registry *registry, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct buf out;
    uint64_t id = registry->next_id;
    struct str path =
        in_dir(registry, mem, arena_printf(mem, "%llu.json", (unsigned long long)id).p);
    buf_init(&out, REGISTRY_BYTES_MAX);
    write_entries(registry, &out);
    int rc = out.is_over ? err_set(err, ERR_TOO_LARGE, "the registry has more than %llu bytes",
                                   (unsigned long long)REGISTRY_BYTES_MAX)
                         : vfs_write_file(registry->fs, path, buf_str(&out), err);
    buf_deinit(&out);
    TRY(rc);
    registry->checkpoint_id = id;
    registry->next_id = id + 1;
    buf_clear(&registry->pending);
    registry->needs_checkpoint =
        true; /* until the log is empty: its entries are older than the checkpoint */
    TRY(vfs_truncate(registry->log, 0, err));
    TRY(vfs_sync(registry->log, err));
    registry->log_bytes = 0;
    registry->needs_checkpoint = false;
    rc = vfs_write_file(registry->fs, in_dir(registry, mem, "active.dat"), path, NULL);
    (void)rc; /* for people only */
    remove_old(registry, mem);
    return 0;
}

int registry_flush(struct registry *registry, struct err *err)
{
    if (registry->pending.n == 0 && !registry->needs_checkpoint)
        return 0;
    if (registry->needs_checkpoint || registry->pending.is_over ||
        registry->log_bytes + registry->pending.n > REGISTRY_LOG_BYTES_MAX)
        return write_checkpoint(registry, err);
    registry->needs_checkpoint = true; /* when this fails, nobody knows what the log ends with */
    TRY(vfs_write_at(registry->log, registry->log_bytes, registry->pending.p, registry->pending.n,
                     err));
    TRY(vfs_sync(registry->log, err));
    registry->needs_checkpoint = false;
    registry->log_bytes += registry->pending.n;
    buf_clear(&registry->pending);
    return 0;
}
