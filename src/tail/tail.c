/* SPDX-License-Identifier: Apache-2.0 */
/* tail.c: the set of files of one tail, and whose turn it is. */
#include "tail/tail_int.h"

#include <stdarg.h>
#include <stdio.h>

const char *tail_close_reason_name(enum tail_close_reason reason)
{
    static const char *const names[] = {"inactive",    "removed",  "renamed",
                                        "end of file", "replaced", "too many open files",
                                        "error",       "stop"};
    return names[reason];
}

void tail__report(struct tail *tail, enum log_level level, const char *format, ...)
{
    char text[1024];
    if (!tail->sink->report)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tail->sink->report(tail->owner, level, text);
}

struct tail *tail_new(const struct tail_config *config, const struct tail_sink *sink, void *owner)
{
    ASSERT(sink->line && sink->keep && sink->generation);
    struct tail *tail = MEM_NEW(struct tail);
    tail->config = *config;
    if (tail->config.delimiter.n == 0)
        tail->config.delimiter = STR("\n");
    ASSERT(tail->config.delimiter.n <= TAIL_DELIMITER_BYTES_MAX);
    if (tail->config.open_files_max == 0)
        tail->config.open_files_max = TAIL_OPEN_FILES_MAX;
    if (tail->config.line_bytes_max == 0)
        tail->config.line_bytes_max = TAIL_LINE_BYTES_MAX_DEFAULT;
    tail->sink = sink;
    tail->owner = owner;
    strmap_init(&tail->files);
    tail->scan_mem = arena_new(0);
    tail->chunk = mem_alloc(TAIL__CHUNK_BYTES);
    tail->scan_at_ns = INT64_MIN;
    return tail;
}

static void file_free(struct tail_file *file)
{
    struct tail *tail = file->tail;
    if (tail->sink->release)
        tail->sink->release(tail->owner, file);
    if (file->is_dirty)
        tail->dirty_count--;
    vfs_close(file->file);
    mem_free((void *)(uintptr_t)file->path.p);
    mem_free((void *)(uintptr_t)file->key.p);
    mem_free(file);
}

void tail_free(struct tail *tail)
{
    if (!tail)
        return;
    size_t at = 0;
    struct tail_file *file;
    while ((file = tail_next(tail, &at)) != NULL)
        file_free(file);
    strmap_deinit(&tail->files);
    arena_free(tail->scan_mem);
    mem_free(tail->chunk);
    mem_free(tail->long_line);
    mem_free(tail);
}

/* ---- one file's life ---- */

static struct str heap_str(struct str s)
{
    return (struct str){mem_cstr(s), s.n};
}

struct tail_file *tail__file_new(struct tail *tail, struct str key, struct str path,
                                 uint64_t device, uint64_t inode)
{
    struct tail_file *file = MEM_NEW(struct tail_file);
    file->tail = tail;
    file->key = heap_str(key);
    file->path = heap_str(path);
    file->device = device;
    file->inode = inode;
    file->updated_ns = clock_wall_ns(tail->config.clock);
    file->is_verified = true;
    (void)strmap_put(&tail->files, file->key, file);
    return file;
}

struct tail_file *tail_restore(struct tail *tail, const struct tail_saved *saved)
{
    char key[TAIL__KEY_BYTES];
    size_t n;
    struct err err;
    struct vfs_stat st = {.device = saved->device, .inode = saved->inode};
    struct str print = {key, 0};
    if (tail->config.identity == TAIL_IDENTITY_FINGERPRINT) {
        n = (size_t)snprintf(key, sizeof(key), "print-%016llx",
                             (unsigned long long)saved->print_hash);
        if (saved->print_len != TAIL_FINGERPRINT_BYTES)
            return NULL;
    } else if (!tail__key(tail, saved->path, &st, key, &n, &err)) {
        return NULL;
    }
    print.n = n;
    if (strmap_has(&tail->files, print) || tail->files.count >= TAIL_FILES_MAX)
        return NULL;
    struct tail_file *file = tail__file_new(tail, print, saved->path, saved->device, saved->inode);
    file->off = file->acked_off = saved->off;
    file->generation = saved->generation;
    if (saved->id.n == TAIL_ID_LEN)
        memcpy(file->id, saved->id.p, TAIL_ID_LEN);
    file->print_len = MIN_OF(saved->print_len, TAIL_FINGERPRINT_BYTES);
    file->print_hash = saved->print_hash;
    file->updated_ns = saved->updated_ns;
    file->is_kept = file->id[0] != '\0';
    file->is_verified = false;
    return file;
}

void tail__dirty(struct tail_file *file)
{
    if (!file->is_dirty)
        file->tail->dirty_count++;
    file->is_dirty = true;
}

void tail__file_path(struct tail_file *file, struct str path)
{
    struct str old = file->path;
    file->path = heap_str(path);
    mem_free((void *)(uintptr_t)old.p);
    tail__look_now(file);
    tail__dirty(file);
}

/* Something happened to it: what it said about its end counts no more. */
void tail__look_now(struct tail_file *file)
{
    file->is_at_end = false;
    file->next_ns = 0;
}

void tail__file_restart(struct tail_file *file)
{
    struct tail *tail = file->tail;
    file->off = file->acked_off = file->scanned = 0;
    file->size_seen = 0;
    file->epoch++;
    file->generation = tail->sink->generation(tail->owner, true);
    file->id[0] = '\0';
    file->print_len = 0;
    file->is_kept = file->is_at_end = false;
    tail__dirty(file);
}

/* Descriptors are scarce: the file that is silent for longest gives its own away. */
static bool make_room(struct tail *tail)
{
    struct tail_file *oldest = NULL;
    if (tail->open_count < tail->config.open_files_max)
        return true;
    for (struct tail_file *file = tail->open_first; file; file = file->next_open) {
        if (file->is_at_end && (!oldest || file->read_ns < oldest->read_ns))
            oldest = file;
    }
    return oldest && tail__file_close(oldest, TAIL_CLOSE_LIMIT);
}

static void link_open(struct tail_file *file)
{
    struct tail *tail = file->tail;
    file->prev_open = NULL;
    file->next_open = tail->open_first;
    if (tail->open_first)
        tail->open_first->prev_open = file;
    tail->open_first = file;
    tail->open_count++;
}

static void unlink_open(struct tail_file *file)
{
    struct tail *tail = file->tail;
    if (tail->turn == file)
        tail->turn = file->next_open;
    if (file->prev_open)
        file->prev_open->next_open = file->next_open;
    else
        tail->open_first = file->next_open;
    if (file->next_open)
        file->next_open->prev_open = file->prev_open;
    file->next_open = file->prev_open = NULL;
    file->after = NULL;
    tail->open_count--;
    for (struct tail_file *other = tail->open_first; other; other = other->next_open) {
        if (other->after == file)
            other->after = NULL;
    }
}

/* Is what the store remembers about this file what the file is? Sets off to 0 when it is not. */
static int verify(struct tail_file *file, struct vfs_file *handle, struct err *err)
{
    struct tail *tail = file->tail;
    struct vfs_stat st;
    TRY(vfs_file_stat(handle, &st, err));
    int same = tail__print_matches(file, handle, err);
    if (same < 0)
        return same;
    file->is_verified = true;
    if (same && st.size_bytes >= file->off)
        return 0;
    tail__report(tail, LOG_INFO, "\"%.*s\" %s: reads it from the beginning", STR_ARG(file->path),
                 same ? "was emptied" : "has other content than before");
    tail__file_restart(file);
    return 0;
}

int tail__file_open(struct tail_file *file, struct err *err)
{
    struct tail *tail = file->tail;
    CLEANUP(vfs_close_ptr) struct vfs_file *handle = NULL;
    if (!make_room(tail))
        return err_set(err, ERR_QUEUE_FULL, "%zu files are open, which is the limit",
                       tail->open_count);
    TRY(vfs_open(tail->config.fs, file->path, VFS_READ, &handle, err));
    TRY(verify(file, handle, err));
    file->file = TAKE(handle);
    file->is_at_end = file->is_ignored = file->is_moved = false;
    file->next_ns = 0;
    file->backoff_ns = tail->config.backoff_ns;
    file->opened_ns = file->read_ns = clock_monotonic_ns(tail->config.clock);
    link_open(file);
    return 0;
}

bool tail__file_close(struct tail_file *file, enum tail_close_reason reason)
{
    struct tail *tail = file->tail;
    if (tail->sink->flush && !tail->sink->flush(tail->owner, file, reason))
        return false;
    vfs_close(file->file);
    file->file = NULL;
    if (!file->is_at_end) { /* there may be more: the next scan opens it again even when nothing
                               changes */
        file->size_seen = 0;
        file->modified_seen = 0;
    }
    unlink_open(file);
    if (reason != TAIL_CLOSE_INACTIVE && reason != TAIL_CLOSE_LIMIT && reason != TAIL_CLOSE_EOF)
        tail__report(tail, LOG_DEBUG, "closes \"%.*s\": %s", STR_ARG(file->path),
                     tail_close_reason_name(reason));
    return true;
}

void tail__file_forget(struct tail_file *file)
{
    struct tail *tail = file->tail;
    if (file->mark_count > 0) /* its last lines are under way: at a later scan */
        return;
    if (tail->sink->forget)
        tail->sink->forget(tail->owner, file);
    (void)strmap_remove(&tail->files, file->key);
    file_free(file);
}

void tail_file_acked(struct tail_file *file, uint64_t off, uint64_t epoch)
{
    if (epoch != file->epoch || off <= file->acked_off)
        return;
    ASSERT(off <= file->off);
    file->acked_off = off;
    tail__dirty(file);
}

void tail_file_unmark(struct tail_file *file)
{
    ASSERT(file->mark_count > 0);
    file->mark_count--;
}

/* ---- the round ---- */

static void back_off(struct tail_file *file, int64_t now)
{
    const struct tail_config *config = &file->tail->config;
    file->next_ns = now + file->backoff_ns;
    file->backoff_ns =
        MIN_OF(file->backoff_ns * 2, MAX_OF(config->backoff_max_ns, config->backoff_ns));
}

/* The file has no more for now: keep it open, or close it? False: the sink is full. */
static bool at_end(struct tail_file *file, int64_t now)
{
    struct tail *tail = file->tail;
    const struct tail_config *config = &tail->config;
    if (config->close_eof)
        return tail__file_close(file, TAIL_CLOSE_EOF);
    if (file->is_removed && config->close_removed)
        return tail__file_close(file, TAIL_CLOSE_REMOVED);
    if (file->is_moved && config->close_renamed)
        return tail__file_close(file, TAIL_CLOSE_RENAMED);
    if (config->close_inactive_ns > 0 && now - file->read_ns > config->close_inactive_ns)
        return tail__file_close(file, TAIL_CLOSE_INACTIVE);
    back_off(file, now);
    return true;
}

static bool has_file_at_end(const struct tail *tail)
{
    const struct tail_file *file = tail->open_first;
    while (file && !file->is_at_end)
        file = file->next_open;
    return file != NULL;
}

static bool may_read(const struct tail_file *file, int64_t now)
{
    return file->next_ns <= now && !(file->after && file->after->file && !file->after->is_at_end);
}

/* One turn; false: the sink is full. */
static bool take_turn(struct tail_file *file, int64_t now, struct tail_poll_result *result,
                      bool *ret_has_more)
{
    uint64_t before = result->lines;
    file->after = file->after && file->after->file && !file->after->is_at_end ? file->after : NULL;
    enum tail__read got = tail__file_read(file, result);
    if (result->lines > before)
        file->backoff_ns = file->tail->config.backoff_ns;
    if (got == TAIL__READ_MORE)
        *ret_has_more = true;
    if (got == TAIL__READ_WAIT)
        back_off(file, now);
    if (got == TAIL__READ_END && !at_end(file, now)) {
        result->is_full = true;
        return false;
    }
    int64_t max = file->tail->config.close_after_ns;
    if (got != TAIL__READ_CLOSED && file->file && max > 0 && now - file->opened_ns > max &&
        !tail__file_close(file, TAIL_CLOSE_INACTIVE)) {
        result->is_full = true;
        return false;
    }
    return got != TAIL__READ_FULL;
}

/* Each open file once, beginning where the last round stopped. */
static bool take_turns(struct tail *tail, int64_t now, struct tail_poll_result *result)
{
    bool has_more = false, is_full = false;
    size_t left = tail->open_count;
    while (left-- > 0 && tail->open_first && !is_full) {
        struct tail_file *file = tail->turn ? tail->turn : tail->open_first;
        tail->turn = file->next_open;
        if (may_read(file, now) && !take_turn(file, now, result, &has_more)) {
            is_full = true;
            if (file->file)
                tail->turn = file; /* goes on with the same one */
        }
    }
    return has_more;
}

static int64_t next_time(const struct tail *tail)
{
    int64_t next = tail->scan_at_ns;
    for (const struct tail_file *file = tail->open_first; file; file = file->next_open) {
        if (!(file->after && file->after->file && !file->after->is_at_end))
            next = MIN_OF(next, file->next_ns);
    }
    return next;
}

void tail_poll(struct tail *tail, struct tail_poll_result *ret_result)
{
    struct tail_poll_result result = {0};
    int64_t now = clock_monotonic_ns(tail->config.clock);
    if (now >= tail->scan_at_ns) {
        tail__scan(tail);
        tail->scan_at_ns = now + tail->config.scan_ns;
    }
    bool has_more = take_turns(tail, now, &result);
    if (tail->is_pending && has_file_at_end(tail))
        tail->scan_at_ns = now; /* a descriptor can be had */
    result.next_ns = has_more ? now : next_time(tail);
    *ret_result = result;
}

void tail_scan_soon(struct tail *tail)
{
    tail->scan_at_ns = INT64_MIN;
}

bool tail_is_idle(const struct tail *tail)
{
    if (!tail->was_scanned || tail->is_pending)
        return false;
    for (const struct tail_file *file = tail->open_first; file; file = file->next_open) {
        if (!file->is_at_end)
            return false;
    }
    return true;
}

bool tail_close(struct tail *tail)
{
    while (tail->open_first) {
        if (!tail__file_close(tail->open_first, TAIL_CLOSE_STOP))
            return false;
    }
    return true;
}

size_t tail_file_count(const struct tail *tail)
{
    return tail->files.count;
}

size_t tail_open_count(const struct tail *tail)
{
    return tail->open_count;
}

struct tail_file *tail_next(struct tail *tail, size_t *at)
{
    struct str key;
    void *file;
    return strmap_next(&tail->files, at, &key, &file) ? file : NULL;
}

struct tail_file *tail_next_dirty(struct tail *tail, size_t *at)
{
    struct tail_file *file;
    while (tail->dirty_count > 0 && (file = tail_next(tail, at)) != NULL) {
        if (file->is_dirty) {
            file->is_dirty = false;
            tail->dirty_count--;
            return file;
        }
    }
    return NULL;
}
