/* SPDX-License-Identifier: Apache-2.0 */
/* file.c: appends events to files, one a line, synced before they are acknowledged. The path may
 * hold fields and dates; a path that would leave its folder by "..", from a field's content, goes
 * to `filename_failure` instead.
 *
 * DEVIATES: an event whose codec ends without a newline gets one, so that a crash can be repaired
 * by whole lines. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"
#include "pipeline/append_file.h"
#include "pipeline/template.h"

#define FILE_RETRY_NS     NS_PER_S
#define FILE_RETRY_NS_MAX (60 * NS_PER_S)

enum write_behavior { BEHAVIOR_APPEND, BEHAVIOR_OVERWRITE };

struct file {
    struct str path, filename_failure;
    int write_behavior;
    bool create_if_deleted, gzip;
    int64_t flush_interval, dir_mode, file_mode, stale_cleanup_interval;
    struct text_template path_t;
    struct str root;
    struct append_files *files;
    struct plugin *plugin;
};

static const char *const behaviors[] = {"append", "overwrite", NULL};
static const struct opt file_opts[] = {
    OPT_STR(struct file, path, .flags = OPT_REQUIRED,
            .help = "File to write; may hold %{field} and %{+yyyy-MM-dd}."),
    OPT_BOOL(struct file, create_if_deleted, .dflt = "true",
             .help = "Makes the file anew when it was removed."),
    OPT_STR(struct file, filename_failure, .dflt = "_filepath_failures",
            .help = "File for events whose path would leave the folder."),
    OPT_ENUM(struct file, write_behavior, .choices = behaviors, .dflt = "append",
             .help = "append or overwrite"),
    OPT_INT(struct file, flush_interval, .dflt = "2", .flags = OPT_OBSOLETE,
            .help = "Every batch is flushed."),
    OPT_INT(struct file, stale_cleanup_interval, .dflt = "10", .flags = OPT_OBSOLETE,
            .help = "Files are closed as needed."),
    OPT_INT(struct file, dir_mode, .dflt = "-1", .flags = OPT_OBSOLETE,
            .help = "The process's umask decides."),
    OPT_INT(struct file, file_mode, .dflt = "-1", .flags = OPT_OBSOLETE,
            .help = "The process's umask decides."),
    OPT_BOOL(struct file, gzip, .dflt = "false", .help = "Not there yet."),
    OPT_END,
};

static void repaired(void *owner, struct str path, uint64_t bytes, struct str begin)
{
    struct file *file = owner;
    plugin_warn(file->plugin,
                "\"" STR_FMT "\" ended in half a line (" STR_FMT "...): %llu bytes were cut off",
                STR_ARG(path), STR_ARG(str_sub(begin, 0, 60)), (unsigned long long)bytes);
}

static int file_init(void *self, struct plugin *plugin, struct err *err)
{
    struct file *file = self;
    file->plugin = plugin;
    if (file->gzip)
        return err_set(err, ERR_UNSUPPORTED,
                       "\"gzip\" is not there yet: compress the files when they are closed");
    if (file->path.n == 0)
        return err_set(err, ERR_CONFIG, "\"path\" is empty");
    TRY(text_template_compile(plugin, value_map_get_lit(&plugin->settings, "path"), &file->path_t,
                              err));
    ptrdiff_t at = str_find(file->path, STR("%{"));
    file->root = path_dir(at < 0 ? file->path : str_sub(file->path, 0, (size_t)at + 1));
    struct append_files_config config = {
        .fs = plugin->env->fs,
        .line_end = '\n',
        .create_if_deleted = file->create_if_deleted,
        .is_overwrite = file->write_behavior == BEHAVIOR_OVERWRITE,
        .repaired = repaired,
        .owner = file,
    };
    file->files = append_files_new(&config);
    return 0;
}

static void file_deinit(void *self)
{
    struct file *file = self;
    append_files_free(file->files);
}

static bool leaves_root(struct str path, size_t fixed_bytes)
{
    struct str rest = str_from_off(path, fixed_bytes), part;
    while (str_split_next(&rest, '/', &part)) {
        if (str_is(part, "..") || memchr(part.p ? part.p : "", '\0', part.n))
            return true;
    }
    return false;
}

static struct str event_path(const struct file *file, const struct event *ev, struct arena *mem)
{
    if (!file->path_t.t)
        return file->path;
    struct str path = sprintf_text(file->path_t.t, ev, mem);
    ptrdiff_t fixed = str_find(file->path, STR("%{"));
    return leaves_root(path, fixed > 0 ? (size_t)fixed : 0)
               ? path_join(mem, file->root, file->filename_failure)
               : path;
}

/* Appends until it is on disk. */
static int append_until_done(struct file *file, struct output *output, struct str path,
                             struct str bytes, struct err *err)
{
    for (unsigned attempt = 0;; attempt++) {
        int rc = append_files_write(file->files, path, bytes, err);
        if (rc == -ERR_NOT_FOUND && vfs_make_dir(file->plugin->env->fs, path_dir(path), NULL) == 0)
            rc = append_files_write(file->files, path, bytes, err);
        if (rc >= 0)
            return 0;
        plugin_warn(file->plugin, "%s: trying again", err->text);
        if (!output_backoff(output, attempt, FILE_RETRY_NS, FILE_RETRY_NS_MAX))
            return err_set(err, ERR_SHUTDOWN, "the pipeline stops");
    }
}

static void encode(struct output *output, const struct event *ev, struct buf *out)
{
    size_t before = out->n;
    codec_encode(output_codec(output), ev, out);
    if (out->n == before || out->p[out->n - 1] != '\n')
        buf_add_char(out, '\n');
}

static int file_write(void *self, struct output *output, const struct output_batch *batch,
                      struct err *err)
{
    struct file *file = self;
    struct strmap texts; /* path -> struct buf */
    strmap_init(&texts);
    for (size_t i = 0; i < batch->count; i++) {
        struct str path = event_path(file, batch->events[i], batch->mem);
        struct buf *text = strmap_get(&texts, path);
        if (!text) {
            text = ARENA_NEW(batch->mem, struct buf);
            buf_init(text, 0);
            (void)strmap_put(&texts, path, text);
        }
        encode(output, batch->events[i], text);
    }
    int rc = 0;
    size_t at = 0;
    struct str path;
    void *text;
    while (strmap_next(&texts, &at, &path, &text)) {
        if (rc == 0)
            rc = append_until_done(file, output, path, buf_str(text), err);
        buf_deinit(text);
    }
    strmap_deinit(&texts);
    return rc;
}

const struct output_type output_file = {
    .name = "file",
    .summary = "Appends events to files.",
    .since = "0.1",
    .opts = file_opts,
    .size = sizeof(struct file),
    .default_codec = "json_lines",
    .init = file_init,
    .write = file_write,
    .deinit = file_deinit,
};
