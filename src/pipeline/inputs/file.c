/* SPDX-License-Identifier: Apache-2.0 */
/* file.c: follows files (mode tail) or reads them once (mode read), over tail/. Offsets are kept in
 * Logstash's sincedb,
 *
 *   inode major minor offset seconds.fraction path
 *
 * of acknowledged lines only, so that an existing one is taken over. What the sincedb has no place
 * for (generation, id and fingerprint of each file's life) is in a file of ours beside it,
 * `<sincedb>.lives`, written before a life's first line goes out; so a line that is read again
 * after a crash has the same origin. */
#include <stdio.h>
#include <sys/sysmacros.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "os/os.h"
#include "pipeline/plugin.h"
#include "tail/acks.h"
#include "tail/glob.h"
#include "tail/tail.h"

#define FILE_BATCH_EVENTS_MAX 500u
#define FILE_BATCH_BYTES_MAX  (4 * MIB)
#define FILE_TICKETS_MAX      64u /* batches under way */
#define FILE_BUSY_WAIT_NS     (2 * NS_PER_MS)
#define SINCEDB_BYTES_MAX     (256 * MIB)

enum mode { MODE_TAIL, MODE_READ };
enum completed { COMPLETED_DELETE, COMPLETED_LOG, COMPLETED_LOG_AND_DELETE };

struct file_input {
    struct value path, exclude;
    int mode, start_position, file_completed_action, sort_by, sort_direction;
    struct str sincedb_path, file_completed_log_path, delimiter;
    struct str stat_interval, close_older, ignore_older, sincedb_clean_after,
        sincedb_write_interval;
    int64_t discover_interval, max_open_files, file_chunk_count, file_chunk_size;
    bool exit_after_read, check_archive_validity;

    struct plugin *plugin;
    struct input *input;
    struct tail_config follow;
    struct tail *tail;
    struct tail_acks *acks;
    struct tail_marks marks; /* of the batch that is being filled */
    struct batch *batch;
    int64_t write_ns; /* sincedb_write_interval */
    uint64_t generation;
    bool keeps_sincedb; /* false: sincedb_path is /dev/null */
    bool is_changed;    /* offsets moved since the sincedb was written */
    struct str lives_path;
};

/* Per followed file. */
struct followed {
    struct codec_stream *stream;
    bool is_read;     /* mode read: at its end */
    bool is_finished; /* … and dealt with */
};

static const char *const modes[] = {"tail", "read", NULL};
static const char *const positions[] = {"beginning", "end", NULL};
static const char *const actions[] = {"delete", "log", "log_and_delete", NULL};
static const char *const sorts[] = {"last_modified", "path", NULL};
static const char *const directions[] = {"asc", "desc", NULL};

static const struct opt file_opts[] = {
    OPT_LIST(struct file_input, path, .flags = OPT_REQUIRED,
             .help = "Absolute paths, with * ? [] and **."),
    OPT_LIST(struct file_input, exclude, .help = "Patterns of file names to leave out."),
    OPT_ENUM(struct file_input, mode, .dflt = "tail", .choices = modes,
             .help = "tail: follow; read: once, to the end."),
    OPT_ENUM(
        struct file_input, start_position, .dflt = "end", .choices = positions,
        .help =
            "Where to begin in files that are there at the start and were never read (mode tail)."),
    OPT_STR(struct file_input, stat_interval, .dflt = "1 second",
            .help = "How often files are looked at."),
    OPT_INT(struct file_input, discover_interval, .dflt = "15", .min = 1, .max = 1000000,
            .help = "Patterns are looked up every so many stat_intervals."),
    OPT_STR(struct file_input, sincedb_path,
            .help = "File for the offsets; /dev/null: none are kept."),
    OPT_STR(struct file_input, sincedb_write_interval, .dflt = "15 seconds",
            .help = "How often offsets are written."),
    OPT_STR(struct file_input, sincedb_clean_after, .dflt = "14 days",
            .help = "Forgets a file that was not read for so long; a number is days."),
    OPT_STR(struct file_input, close_older, .dflt = "1 hour",
            .help = "Closes a file without new lines (mode tail)."),
    OPT_STR(struct file_input, ignore_older,
            .help = "Leaves files alone that did not change for so long."),
    OPT_STR(struct file_input, delimiter, .dflt = "\n", .help = "What ends a line."),
    OPT_INT(struct file_input, max_open_files, .dflt = "4095", .min = 1, .max = 1000000,
            .help = "Files open at once."),
    OPT_ENUM(struct file_input, file_completed_action, .dflt = "delete", .choices = actions,
             .help = "What to do with a file that was read (mode read)."),
    OPT_STR(struct file_input, file_completed_log_path,
            .help = "Where paths of read files are noted."),
    OPT_ENUM(struct file_input, sort_by, .name = "file_sort_by", .dflt = "last_modified",
             .choices = sorts, .flags = OPT_OBSOLETE, .help = "Files are read in turn here."),
    OPT_ENUM(struct file_input, sort_direction, .name = "file_sort_direction", .dflt = "asc",
             .choices = directions, .flags = OPT_OBSOLETE, .help = "Files are read in turn here."),
    OPT_INT(struct file_input, file_chunk_count, .flags = OPT_OBSOLETE,
            .help = "Files are read in turn here."),
    OPT_INT(struct file_input, file_chunk_size, .flags = OPT_OBSOLETE,
            .help = "Files are read in turn here."),
    OPT_BOOL(struct file_input, exit_after_read, .dflt = "false",
             .help = "Ends when everything was read (mode read)."),
    OPT_BOOL(struct file_input, check_archive_validity, .dflt = "false", .flags = OPT_OBSOLETE,
             .help = "Archives are not read."),
    OPT_END,
};

/* ---- settings ---- */

/* "1 hour", "2.5m", "45 s", "14" (of `bare_ns` each). */
static bool friendly_duration(struct str s, int64_t bare_ns, int64_t *ret_ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"second", NS_PER_S},
                 {"sec", NS_PER_S},
                 {"s", NS_PER_S},
                 {"minute", 60 * NS_PER_S},
                 {"min", 60 * NS_PER_S},
                 {"m", 60 * NS_PER_S},
                 {"hour", 3600 * NS_PER_S},
                 {"h", 3600 * NS_PER_S},
                 {"day", 86400 * NS_PER_S},
                 {"d", 86400 * NS_PER_S},
                 {"week", 7 * 86400 * NS_PER_S},
                 {"w", 7 * 86400 * NS_PER_S},
                 {"millisecond", NS_PER_MS},
                 {"msec", NS_PER_MS},
                 {"ms", NS_PER_MS},
                 {"microsecond", NS_PER_US},
                 {"usec", NS_PER_US},
                 {"us", NS_PER_US}};
    size_t n = 0;
    double v;
    s = str_trim(s);
    while (n < s.n && (s.p[n] == '.' || (s.p[n] >= '0' && s.p[n] <= '9')))
        n++;
    struct str unit = str_trim(str_from_off(s, n));
    if (!str_to_f64(str_sub(s, 0, n), &v) || v > 1e9)
        return false;
    if (unit.n > 2 && unit.p[unit.n - 1] == 's' && !str_is(unit, "ms") && !str_is(unit, "us"))
        unit.n--;
    int64_t ns = unit.n == 0 ? bare_ns : 0;
    for (size_t i = 0; i < ARRAY_COUNT(units) && ns == 0; i++)
        ns = str_eq_nocase(unit, str_from(units[i].name)) ? units[i].ns : 0;
    *ret_ns = (int64_t)(v * (double)ns);
    return ns != 0;
}

static int fail_option(struct file_input *self, const char *option, enum err_code code,
                       struct err *err, const char *text)
{
    const struct value *at = value_map_get(&self->plugin->settings, str_from(option));
    (void)err_set(err, code, "file: %s", text);
    return plugin_err_at(self->plugin, at ? at->pos : 0, err);
}

static int duration(struct file_input *self, const char *option, struct str text, int64_t bare_ns,
                    int64_t *ret_ns, struct err *err)
{
    if (text.n == 0 || friendly_duration(text, bare_ns, ret_ns))
        return 0;
    char what[200];
    (void)snprintf(what, sizeof(what),
                   "%s must be a duration like \"1 hour\" or 3600, not \"%.*s\"", option,
                   STR_ARG(text));
    return fail_option(self, option, ERR_CONFIG, err, what);
}

static int init_paths(struct file_input *self, struct err *err)
{
    size_t count = self->path.list->count;
    struct str *globs = ARENA_ARRAY(self->plugin->mem, struct str, count);
    for (size_t i = 0; i < count; i++) {
        const struct value *path = &self->path.list->items[i];
        struct err why;
        if (path->kind != VALUE_STR || path->s.n == 0 || path->s.p[0] != '/')
            return fail_option(self, "path", ERR_CONFIG, err, "paths must be absolute");
        if (tail_glob_check(path->s, &why) < 0)
            return fail_option(self, "path", ERR_CONFIG, err, why.text);
        globs[i] = path->s;
    }
    self->follow.globs = globs;
    self->follow.glob_count = count;
    return count ? 0 : fail_option(self, "path", ERR_CONFIG, err, "no path is given");
}

static int init_times(struct file_input *self, struct err *err)
{
    int64_t stat_ns = NS_PER_S;
    struct tail_config *follow = &self->follow;
    TRY(duration(self, "stat_interval", self->stat_interval, NS_PER_S, &stat_ns, err));
    TRY(duration(self, "close_older", self->close_older, NS_PER_S, &follow->close_inactive_ns,
                 err));
    TRY(duration(self, "ignore_older", self->ignore_older, NS_PER_S, &follow->ignore_older_ns,
                 err));
    TRY(duration(self, "sincedb_write_interval", self->sincedb_write_interval, NS_PER_S,
                 &self->write_ns, err));
    TRY(duration(self, "sincedb_clean_after", self->sincedb_clean_after, 86400 * NS_PER_S,
                 &follow->clean_inactive_ns, err));
    follow->backoff_ns = follow->backoff_max_ns = MAX_OF(stat_ns, NS_PER_MS);
    follow->scan_ns = follow->backoff_ns * self->discover_interval;
    return 0;
}

static void init_sincedb(struct file_input *self)
{
    struct arena *mem = self->plugin->mem;
    uint64_t hash = 0;
    for (size_t i = 0; i < self->follow.glob_count; i++)
        hash = hash_u64(hash ^ hash_str(self->follow.globs[i]));
    self->keeps_sincedb = !str_is(self->sincedb_path, "/dev/null");
    if (self->sincedb_path.n == 0)
        self->sincedb_path =
            path_join(mem, self->plugin->env->data_dir,
                      arena_printf(mem, "sincedb_%016llx", (unsigned long long)hash));
    self->lives_path =
        arena_printf(mem, "%.*s.lives", (int)self->sincedb_path.n, self->sincedb_path.p);
}

static int file_init(void *instance, struct plugin *plugin, struct err *err)
{
    struct file_input *self = instance;
    self->plugin = plugin;
    TRY(init_paths(self, err));
    TRY(init_times(self, err));
    bool logs = self->file_completed_action != COMPLETED_DELETE;
    if (self->mode == MODE_READ && logs && self->file_completed_log_path.n == 0)
        return fail_option(self, "file_completed_action", ERR_CONFIG, err,
                           "file_completed_log_path is missing");
    if (self->delimiter.n == 0 || self->delimiter.n > TAIL_DELIMITER_BYTES_MAX)
        return fail_option(self, "delimiter", ERR_CONFIG, err, "delimiter must have 1 to 8 bytes");
    init_sincedb(self);
    struct tail_config *follow = &self->follow;
    follow->fs = plugin->env->fs;
    follow->clock = plugin->env->clock;
    follow->delimiter = self->delimiter;
    follow->open_files_max = (size_t)self->max_open_files;
    follow->is_recursive = follow->follows_links = true;
    follow->close_removed = true;
    follow->clean_removed = false; /* the sincedb keeps it for sincedb_clean_after, as Logstash's */
    follow->close_eof = follow->reads_last_line = self->mode == MODE_READ;
    follow->starts_at_end = self->mode == MODE_TAIL && self->start_position == 1;
    return 0;
}

/* ---- the sincedb ---- */

static bool next_number(struct str *line, uint64_t *ret_v)
{
    struct str part;
    return str_split_next(line, ' ', &part) && str_to_u64(part, ret_v);
}

/* "inode device generation id print_len print_hash" of a file. */
static void find_life(struct str lives, struct tail_saved *saved)
{
    struct str line;
    while (str_split_next(&lives, '\n', &line)) {
        uint64_t inode, device, generation, len, hash;
        struct str id;
        if (next_number(&line, &inode) && next_number(&line, &device) && inode == saved->inode &&
            device == saved->device && next_number(&line, &generation) &&
            str_split_next(&line, ' ', &id) && next_number(&line, &len) &&
            next_number(&line, &hash) && id.n == TAIL_ID_LEN) {
            saved->generation = generation;
            saved->id = id;
            saved->print_len = (uint32_t)len;
            saved->print_hash = hash;
        }
    }
}

static void load_line(struct file_input *self, struct str line, struct str lives)
{
    uint64_t inode, high, low, off;
    struct str time;
    double seconds = 0;
    if (!next_number(&line, &inode) || !next_number(&line, &high) || !next_number(&line, &low) ||
        !next_number(&line, &off))
        return;
    if (str_split_next(&line, ' ', &time))
        (void)str_to_f64(time, &seconds);
    if (!line.p || line.n == 0)
        return; /* older than Logstash 5: without path */
    struct tail_saved saved = {.path = line,
                               .inode = inode,
                               .device = makedev((unsigned)high, (unsigned)low),
                               .off = off,
                               .updated_ns = (int64_t)(seconds * 1e9)};
    find_life(lives, &saved);
    (void)tail_restore(self->tail, &saved);
}

static int load_text(struct file_input *self, struct str path, struct arena *mem,
                     struct str *ret_text, struct err *err)
{
    int rc = vfs_read_file(self->plugin->env->fs, path, SINCEDB_BYTES_MAX, mem, ret_text, err);
    return rc == -ERR_NOT_FOUND ? 0 : rc;
}

static int load(struct file_input *self, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct str text = STR(""), lives = STR(""), line;
    if (!self->keeps_sincedb)
        return 0;
    TRY(load_text(self, self->sincedb_path, mem, &text, err));
    TRY(load_text(self, self->lives_path, mem, &lives, err));
    if (str_split_next(&lives, '\n', &line))
        (void)str_to_u64(line, &self->generation);
    while (str_split_next(&text, '\n', &line))
        load_line(self, line, lives);
    return 0;
}

static int save_lives(struct file_input *self, struct err *err)
{
    struct buf out;
    size_t at = 0;
    const struct tail_file *file;
    if (!self->keeps_sincedb)
        return 0;
    buf_init(&out, SINCEDB_BYTES_MAX);
    buf_printf(&out, "%llu\n", (unsigned long long)self->generation);
    while ((file = tail_next(self->tail, &at)) != NULL) {
        if (file->id[0])
            buf_printf(&out, "%llu %llu %llu %s %u %llu\n", (unsigned long long)file->inode,
                       (unsigned long long)file->device, (unsigned long long)file->generation,
                       file->id, file->print_len, (unsigned long long)file->print_hash);
    }
    int rc = vfs_write_file(self->plugin->env->fs, self->lives_path, buf_str(&out), err);
    buf_deinit(&out);
    return rc;
}

static int save(struct file_input *self, struct err *err)
{
    struct buf out;
    size_t at = 0;
    const struct tail_file *file;
    if (!self->keeps_sincedb || !self->is_changed)
        return 0;
    TRY(save_lives(self, err));
    buf_init(&out, SINCEDB_BYTES_MAX);
    while ((file = tail_next(self->tail, &at)) != NULL)
        buf_printf(&out, "%llu %u %u %llu %lld.%06lld %.*s\n", (unsigned long long)file->inode,
                   major(file->device), minor(file->device), (unsigned long long)file->acked_off,
                   (long long)(file->updated_ns / NS_PER_S),
                   (long long)(file->updated_ns % NS_PER_S / 1000), (int)file->path.n,
                   file->path.p);
    int rc = vfs_write_file(self->plugin->env->fs, self->sincedb_path, buf_str(&out), err);
    buf_deinit(&out);
    if (rc == 0)
        self->is_changed = false;
    return rc;
}

static void save_reported(struct file_input *self)
{
    struct err err;
    if (save(self, &err) < 0)
        plugin_warn(self->plugin, "cannot write the sincedb: %s", err.text);
}

/* ---- lines ---- */

static void on_delivered(void *owner, uint64_t cookie, bool is_ok)
{
    struct file_input *self = owner;
    if (is_ok) /* else: the offset stays, and the next start reads it again */
        tail_acks_done(self->acks, cookie);
}

/* Hands the batch on; false: the pipeline stops. */
static bool push(struct file_input *self)
{
    struct batch *batch = TAKE(self->batch);
    if (!batch)
        return true;
    uint64_t ticket = tail_acks_add(self->acks, &self->marks);
    if (batch->count == 0) {
        batch_unref(batch);
        tail_acks_done(self->acks, ticket);
        return true;
    }
    batch->ack = ack_new(on_delivered, self, ticket);
    if (input_push(self->input, batch, -1) == 0)
        return true;
    ack_fail(batch->ack);
    batch_unref(batch);
    return false;
}

static struct followed *followed_of(struct file_input *self, struct tail_file *file)
{
    struct followed *own = file->user;
    if (!own) {
        own = MEM_NEW(struct followed);
        own->stream = codec_stream_new(input_codec(self->input));
        file->user = own;
    }
    return own;
}

static void set(struct event *ev, struct value *map, const char *key, struct value v)
{
    value_map_set(ev->mem, map, str_from(key), v);
}

static void finish(struct file_input *self, struct event *ev, const struct tail_file *file,
                   struct str path, uint64_t end_off)
{
    struct value host = value_str(os_hostname());
    if (ev->metadata.kind != VALUE_MAP)
        ev->metadata = value_map(ev->mem, 2);
    set(ev, &ev->metadata, "path", value_str(path));
    set(ev, &ev->metadata, "host", host);
    if (!value_map_get_lit(&ev->fields, "path"))
        set(ev, &ev->fields, "path", value_str(path));
    if (!value_map_get_lit(&ev->fields, "host"))
        set(ev, &ev->fields, "host", host);
    ev->origin =
        (struct event_origin){.source = hash_bytes(file->id, TAIL_ID_LEN), .position = end_off};
    input_decorate(self->input, ev);
}

static bool on_line(void *owner, struct tail_file *file, const struct tail_line *line)
{
    struct file_input *self = owner;
    if (input_is_stopping(self->input))
        return false;
    if (self->batch &&
        (self->batch->count >= FILE_BATCH_EVENTS_MAX ||
         self->batch->bytes >= FILE_BATCH_BYTES_MAX) &&
        !push(self))
        return false;
    if (!self->batch && tail_acks_open(self->acks) >= FILE_TICKETS_MAX)
        return false;
    if (!self->batch)
        self->batch = input_batch_new(self->input, NULL, NULL, 0);
    struct batch *batch = self->batch;
    struct followed *own = followed_of(self, file);
    size_t from = batch->count;
    own->is_read = false;
    codec_decode(own->stream, line->text, true, batch, clock_wall_ns(self->plugin->env->clock));
    struct str path = from < batch->count ? arena_str(batch->mem, file->path) : STR_NONE;
    for (size_t i = from; i < batch->count; i++)
        finish(self, batch->events[i], file, path, line->end_off);
    tail_marks_add(&self->marks, file, line->end_off);
    return true;
}

static int on_keep(void *owner, struct tail_file *file, struct err *err)
{
    (void)file;
    return save_lives(owner, err);
}

static uint64_t on_generation(void *owner, bool is_restart)
{
    struct file_input *self = owner;
    return is_restart ? ++self->generation : self->generation;
}

static void on_forget(void *owner, struct tail_file *file)
{
    struct file_input *self = owner;
    (void)file;
    self->generation++; /* who gets its inode next is somebody else */
    self->is_changed = true;
}

static bool on_flush(void *owner, struct tail_file *file, enum tail_close_reason reason)
{
    struct file_input *self = owner;
    if (self->mode == MODE_READ && reason == TAIL_CLOSE_EOF)
        followed_of(self, file)->is_read = true;
    return true;
}

static void on_release(void *owner, struct tail_file *file)
{
    struct followed *own = file->user;
    (void)owner;
    if (!own)
        return;
    codec_stream_free(own->stream);
    mem_free(own);
}

static void on_report(void *owner, enum log_level level, const char *text)
{
    struct file_input *self = owner;
    if (level >= LOG_WARN)
        plugin_warn(self->plugin, "%s", text);
    else
        log_line(level, "pipeline.input.file", "%s", text);
}

static bool is_excluded(void *owner, struct str path)
{
    struct file_input *self = owner;
    struct str name = path_name(path);
    for (size_t i = 0; self->exclude.kind == VALUE_LIST && i < self->exclude.list->count; i++) {
        const struct value *v = &self->exclude.list->items[i];
        if (v->kind == VALUE_STR && tail_glob_match(v->s, name))
            return true;
    }
    return self->mode == MODE_READ && str_ends_with(name, STR(".gz"));
}

/* ---- mode read ---- */

static int note_completed(struct file_input *self, struct str path, struct err *err)
{
    CLEANUP(vfs_close_ptr) struct vfs_file *log = NULL;
    struct vfs_stat st;
    struct buf line;
    TRY(vfs_open(self->plugin->env->fs, self->file_completed_log_path,
                 VFS_WRITE | VFS_CREATE | VFS_APPEND, &log, err));
    TRY(vfs_file_stat(log, &st, err));
    buf_init(&line, 64 * KIB);
    buf_add_str(&line, path);
    buf_add_char(&line, '\n');
    int rc = vfs_write_at(log, st.size_bytes, line.p, line.n, err);
    buf_deinit(&line);
    return rc;
}

static void complete(struct file_input *self, struct tail_file *file)
{
    struct err err;
    int rc = 0;
    if (self->file_completed_action != COMPLETED_DELETE)
        rc = note_completed(self, file->path, &err);
    if (rc == 0 && self->file_completed_action != COMPLETED_LOG)
        rc = vfs_remove(self->plugin->env->fs, file->path, &err);
    if (rc < 0)
        plugin_warn(self->plugin, "cannot finish \"%.*s\": %s", STR_ARG(file->path), err.text);
    ((struct followed *)file->user)->is_finished = true;
}

/* A file is dealt with when its last line was delivered, not when it was read. */
static bool complete_files(struct file_input *self)
{
    size_t at = 0;
    struct tail_file *file;
    bool are_all = true;
    while ((file = tail_next(self->tail, &at)) != NULL) {
        struct followed *own = file->user;
        if (!own || own->is_finished)
            continue;
        if (own->is_read && file->mark_count == 0 && file->acked_off == file->off)
            complete(self, file);
        are_all &= own->is_finished;
    }
    return are_all;
}

/* ---- life ---- */

static void apply_acks(struct file_input *self)
{
    size_t at = 0;
    (void)tail_acks_apply(self->acks);
    while (tail_next_dirty(self->tail, &at))
        self->is_changed = true;
}

static bool follow_once(struct file_input *self, struct tail_poll_result *result)
{
    apply_acks(self);
    tail_poll(self->tail, result);
    if (!push(self))
        return false;
    if (self->mode != MODE_READ)
        return true;
    bool are_all = complete_files(self);
    return !(self->exit_after_read && are_all && tail_is_idle(self->tail) &&
             tail_acks_open(self->acks) == 0);
}

static void wait(struct file_input *self, const struct tail_poll_result *result)
{
    int64_t ns = result->next_ns - clock_monotonic_ns(self->plugin->env->clock);
    if (result->is_full || (self->mode == MODE_READ && tail_acks_open(self->acks) > 0))
        ns = MIN_OF(ns, FILE_BUSY_WAIT_NS);
    if (result->is_full || (result->lines == 0 && ns > 0))
        (void)input_wait(self->input, MAX_OF(ns, FILE_BUSY_WAIT_NS));
}

static int file_run(void *instance, struct input *input, struct err *err)
{
    static const struct tail_sink sink = {.line = on_line,
                                          .keep = on_keep,
                                          .generation = on_generation,
                                          .forget = on_forget,
                                          .flush = on_flush,
                                          .release = on_release,
                                          .report = on_report};
    struct file_input *self = instance;
    struct clock *clock = self->plugin->env->clock;
    self->input = input;
    self->follow.is_excluded = is_excluded;
    self->acks = tail_acks_new();
    self->tail = tail_new(&self->follow, &sink, self);
    TRY(load(self, err));
    int64_t write_due = clock_monotonic_ns(clock) + self->write_ns;
    while (!input_is_stopping(input)) {
        struct tail_poll_result result;
        if (!follow_once(self, &result))
            break;
        if (clock_monotonic_ns(clock) >= write_due) {
            save_reported(self);
            write_due = clock_monotonic_ns(clock) + self->write_ns;
        }
        wait(self, &result);
    }
    return 0;
}

/* The pipeline is drained: acknowledgements that came after run ended count too. */
static void file_deinit(void *instance)
{
    struct file_input *self = instance;
    if (self->tail) {
        batch_unref(self->batch);
        tail_marks_deinit(&self->marks);
        apply_acks(self);
        save_reported(self);
    }
    tail_acks_free(self->acks);
    tail_free(self->tail);
}

const struct input_type input_file = {
    .name = "file",
    .summary = "Follows files, or reads them once.",
    .since = "0.1",
    .opts = file_opts,
    .size = sizeof(struct file_input),
    .default_codec = "plain",
    .init = file_init,
    .run = file_run,
    .deinit = file_deinit,
};
