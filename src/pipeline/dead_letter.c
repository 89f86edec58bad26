/* SPDX-License-Identifier: Apache-2.0 */
/* dead_letter.c: events that can never be delivered, one JSON line each, in
 * <data>/dead_letter/<plugin id>.ndjson:
 *
 *     {"@timestamp":"…","pipeline":"main","plugin":"jdbc","plugin_id":"jdbc-1f…",
 *      "reason":{"code":"SQL","text":"…"},"event":{…},"metadata":{…}}
 *
 * Lines are collected and written and synced once per write of the output, before the batch is
 * acknowledged. At DEAD_LETTER_BYTES_MAX the file is renamed to .1, the ones before move up, and
 * the last one goes. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"
#include "pipeline/pipeline_int.h"

#define DEAD_LETTER_BYTES_MAX (64 * MIB)
#define DEAD_LETTER_FILES_MAX 4u /* the current one and three old ones */
#define DEAD_LETTER_FLUSH     (1 * MIB)

struct dead_letter {
    const struct plugin_env *env;
    struct arena *mem;
    struct str dir, path, plugin_id, plugin_name;
    struct vfs_file *file;
    uint64_t size;
    struct buf pending;
    bool is_dirty;
    struct err failure; /* code != 0: of a write in dead_letter_add */
};

/* An id that the user gave may hold anything: only what is safe in a file's name is kept. */
static struct str file_name(struct arena *mem, struct str id)
{
    struct str name = arena_printf(mem, STR_FMT ".ndjson", STR_ARG(str_sub(id, 0, 100)));
    char *p = arena_cstr(mem, name);
    for (size_t i = 0; i < name.n; i++) {
        if (p[i] == '/' || p[i] == '\0' || (p[i] == '.' && i == 0))
            p[i] = '_';
    }
    return (struct str){p, name.n};
}

struct dead_letter *dead_letter_new(const struct plugin_env *env, struct str plugin_id,
                                    struct str plugin_name)
{
    struct dead_letter *letters = MEM_NEW(struct dead_letter);
    letters->env = env;
    letters->mem = arena_new(0);
    letters->dir = path_join(letters->mem, env->data_dir, STR("dead_letter"));
    letters->path = path_join(letters->mem, letters->dir, file_name(letters->mem, plugin_id));
    letters->plugin_id = plugin_id;
    letters->plugin_name = plugin_name;
    buf_init(&letters->pending, 0);
    return letters;
}

void dead_letter_free(struct dead_letter *letters)
{
    if (!letters)
        return;
    vfs_close(letters->file);
    buf_deinit(&letters->pending);
    arena_free(letters->mem);
    mem_free(letters);
}

static int file_open(struct dead_letter *letters, struct err *err)
{
    if (letters->file)
        return 0;
    struct vfs *fs = letters->env->fs;
    struct vfs_stat stat;
    char last = '\n';
    size_t n = 0;
    TRY(vfs_make_dir(fs, letters->dir, err));
    TRY(vfs_open(fs, letters->path, VFS_READ | VFS_WRITE | VFS_CREATE | VFS_APPEND, &letters->file,
                 err));
    TRY(vfs_file_stat(letters->file, &stat, err));
    letters->size = stat.size_bytes;
    if (letters->size > 0)
        TRY(vfs_read_at(letters->file, letters->size - 1, &last, 1, &n, err));
    if (last != '\n') { /* a crash cut the last line: the next one begins on a line of its own */
        TRY(vfs_write_at(letters->file, letters->size, "\n", 1, err));
        letters->size++;
    }
    return vfs_sync_dir(fs, letters->dir, err);
}

static struct str old_path(struct dead_letter *letters, struct arena *mem, unsigned number)
{
    return number == 0 ? letters->path
                       : arena_printf(mem, STR_FMT ".%u", STR_ARG(letters->path), number);
}

static int rotate(struct dead_letter *letters, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct vfs *fs = letters->env->fs;
    TRY(vfs_sync(letters->file, err));
    vfs_close(letters->file);
    letters->file = NULL;
    for (unsigned n = DEAD_LETTER_FILES_MAX - 1; n > 0; n--) {
        int rc = vfs_rename(fs, old_path(letters, mem, n - 1), old_path(letters, mem, n), err);
        if (rc < 0 && rc != -ERR_NOT_FOUND)
            return rc;
    }
    return file_open(letters, err);
}

static int pending_write(struct dead_letter *letters, struct err *err)
{
    if (letters->pending.n == 0)
        return 0;
    TRY(file_open(letters, err));
    if (letters->size > 0 && letters->size + letters->pending.n > DEAD_LETTER_BYTES_MAX)
        TRY(rotate(letters, err));
    TRY(vfs_write_at(letters->file, letters->size, letters->pending.p, letters->pending.n, err));
    letters->size += letters->pending.n;
    letters->is_dirty = true;
    buf_clear(&letters->pending);
    return 0;
}

static void line_write(struct dead_letter *letters, const struct event *ev,
                       const struct err *reason)
{
    struct json_writer w;
    char time[40];
    size_t time_len = time_to_iso8601(clock_wall_ns(letters->env->clock), time);
    json_writer_init(&w, &letters->pending, false);
    json_object_begin(&w);
    json_key_lit(&w, "@timestamp");
    json_str(&w, (struct str){time, time_len});
    json_key_lit(&w, "pipeline");
    json_str(&w, letters->env->pipeline_id);
    json_key_lit(&w, "plugin");
    json_str(&w, letters->plugin_name);
    json_key_lit(&w, "plugin_id");
    json_str(&w, letters->plugin_id);
    json_key_lit(&w, "reason");
    json_object_begin(&w);
    json_key_lit(&w, "code");
    json_str(&w, str_from(err_name(reason->code)));
    json_key_lit(&w, "text");
    json_str(&w, str_from(reason->text));
    json_object_end(&w);
    json_key_lit(&w, "event");
    value_write_json(&ev->fields, &w);
    json_key_lit(&w, "metadata");
    value_write_json(&ev->metadata, &w);
    json_object_end(&w);
    buf_add_char(&letters->pending, '\n');
}

int dead_letter_add(struct dead_letter *letters, const struct event *ev, const struct err *reason,
                    struct err *err)
{
    line_write(letters, ev, reason);
    if (letters->pending.n < DEAD_LETTER_FLUSH && !letters->pending.is_over)
        return 0;
    int rc = pending_write(letters, &letters->failure);
    if (rc < 0 && err)
        *err = letters->failure;
    return rc;
}

int dead_letter_sync(struct dead_letter *letters, struct err *err)
{
    if (letters->failure.code != ERR_NONE) {
        if (err)
            *err = letters->failure;
        int rc = -(int)letters->failure.code;
        err_clear(&letters->failure);
        return rc;
    }
    if (letters->pending.n == 0 && !letters->is_dirty)
        return 0;
    TRY(pending_write(letters, err));
    TRY(vfs_sync(letters->file, err));
    letters->is_dirty = false;
    return 0;
}

uint64_t dead_letter_bytes(const struct dead_letter *letters)
{
    return letters ? __atomic_load_n(&letters->size, __ATOMIC_RELAXED) : 0;
}
