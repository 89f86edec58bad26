/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c: one turn at one open file: has it changed, is it still the same, which lines are new.
 *
 * The chunk belongs to the tail and is shared by all files. What stands behind the last delimiter
 * is left in the file and read again when more came; only a line that does not fit into a chunk is
 * treated apart: its delimiter is looked for from where the last search ended (`scanned`), so that
 * a line of 10 MB that is written slowly is not searched over and over, and it is copied together
 * when it is complete. */
#include "tail/tail_int.h"

/* Tells the store of the life that begins and makes its id, once, before its first line goes out.
 */
static bool is_prepared(struct tail_file *file)
{
    struct tail *tail = file->tail;
    struct err err;
    if (file->is_kept && file->id[0])
        return true;
    int rc = file->id[0] ? 0 : tail__id_make(file, &err);
    if (rc == 0)
        rc = tail->sink->keep(tail->owner, file, &err);
    if (rc < 0) {
        tail__report(tail, LOG_ERROR, "cannot begin with \"%.*s\" yet: %s", STR_ARG(file->path),
                     err.text);
        return false;
    }
    file->is_kept = true;
    return true;
}

static bool emit(struct tail_file *file, struct str text, uint64_t end_off, bool is_truncated,
                 struct tail_poll_result *result)
{
    struct tail *tail = file->tail;
    if (text.n && text.p[text.n - 1] == '\r' && str_is(tail->config.delimiter, "\n"))
        text.n--;
    struct tail_line line = {
        .text = text, .off = file->off, .end_off = end_off, .is_truncated = is_truncated};
    if (text.n > tail->config.line_bytes_max) {
        line.text.n = tail->config.line_bytes_max;
        line.is_truncated = true;
    }
    if (!tail->sink->line(tail->owner, file, &line)) {
        result->is_full = true;
        return false;
    }
    result->lines++;
    result->bytes += end_off - file->off;
    file->off = end_off;
    return true;
}

static const char *find_delimiter(const struct tail *tail, const char *p, size_t n)
{
    struct str delimiter = tail->config.delimiter;
    if (delimiter.n == 1)
        return memchr(p, delimiter.p[0], n);
    return memmem(p, n, delimiter.p, delimiter.n);
}

/* Hands out the whole lines of [p, p + n); false: the sink is full. *ret_used: how far. */
static bool emit_lines(struct tail_file *file, const char *p, size_t n, size_t *ret_used,
                       struct tail_poll_result *result)
{
    size_t delimiter = file->tail->config.delimiter.n, at = 0;
    bool is_ok = true;
    const char *end;
    while ((end = find_delimiter(file->tail, p + at, n - at)) != NULL) {
        size_t len = (size_t)(end - (p + at));
        if (!emit(file, (struct str){p + at, len}, file->off + len + delimiter, false, result)) {
            is_ok = false;
            break;
        }
        at += len + delimiter;
    }
    *ret_used = at;
    return is_ok;
}

/* ---- lines longer than a chunk ---- */

static int emit_long(struct tail_file *file, uint64_t end, uint64_t end_off,
                     struct tail_poll_result *result, bool *ret_is_full, struct err *err)
{
    struct tail *tail = file->tail;
    uint64_t len = end - file->off;
    if (!is_prepared(file))
        return -ERR_TIMEOUT;
    size_t want = (size_t)MIN_OF(len, (uint64_t)tail->config.line_bytes_max), n;
    if (tail->long_capacity < want) {
        tail->long_line = mem_realloc(tail->long_line, want);
        tail->long_capacity = want;
    }
    TRY(vfs_read_at(file->file, file->off, tail->long_line, want, &n, err));
    if (n < want)
        return err_set(err, ERR_IO, "the file became shorter while it was read");
    *ret_is_full = !emit(file, (struct str){tail->long_line, n}, end_off, len > want, result);
    return 0;
}

/* Looks on for the end of the long line that begins at `off`. *ret_is_end: the file has no more. */
static int read_long(struct tail_file *file, struct tail_poll_result *result, bool *ret_is_full,
                     bool *ret_is_end, struct err *err)
{
    struct tail *tail = file->tail;
    size_t overlap = tail->config.delimiter.n - 1;
    uint64_t at = MAX_OF(file->scanned, file->off);
    for (uint64_t turn = 0; turn < TAIL__TURN_BYTES; turn += TAIL__CHUNK_BYTES) {
        size_t n;
        TRY(vfs_read_at(file->file, at, tail->chunk, TAIL__CHUNK_BYTES, &n, err));
        const char *end = n ? find_delimiter(tail, tail->chunk, n) : NULL;
        if (end) {
            uint64_t end_at = at + (uint64_t)(end - tail->chunk);
            file->scanned = at;
            return emit_long(file, end_at, end_at + tail->config.delimiter.n, result, ret_is_full,
                             err);
        }
        if (n > overlap)
            at += n - overlap;
        file->scanned = at;
        if (n < TAIL__CHUNK_BYTES) {
            *ret_is_end = true;
            return 0;
        }
    }
    return 0;
}

/* ---- a turn ---- */

static enum tail__read failed(struct tail_file *file, const struct err *err)
{
    file->is_at_end = false;
    tail__report(file->tail, LOG_ERROR, "cannot read \"%.*s\": %s", STR_ARG(file->path), err->text);
    return tail__file_close(file, TAIL_CLOSE_ERROR) ? TAIL__READ_CLOSED : TAIL__READ_FULL;
}

/* Other content at the same place: from the beginning, as a new life. */
static bool restarted(struct tail_file *file, const char *why)
{
    struct tail *tail = file->tail;
    if (tail->sink->flush && !tail->sink->flush(tail->owner, file, TAIL_CLOSE_REPLACED))
        return false;
    tail__report(tail, LOG_INFO, "\"%.*s\" %s: reads it from the beginning", STR_ARG(file->path),
                 why);
    tail__file_restart(file);
    return true;
}

/* What happened since the last look. *ret_has_more: something may be there to read. */
static int look(struct tail_file *file, bool *ret_has_more, bool *ret_is_full, struct err *err)
{
    struct vfs_stat st;
    TRY(vfs_file_stat(file->file, &st, err));
    bool has_changed = st.size_bytes != file->size_seen || st.modified_ns != file->modified_seen;
    *ret_has_more = has_changed || !file->is_at_end;
    if (st.size_bytes < MAX_OF(file->size_seen, file->off)) {
        *ret_is_full = !restarted(file, "was emptied");
    } else if (has_changed && file->is_at_end) {
        int same = tail__print_matches(file, file->file, err);
        if (same < 0)
            return same;
        if (!same)
            *ret_is_full = !restarted(file, "was written anew");
    }
    if (!*ret_is_full) {
        file->size_seen = st.size_bytes;
        file->modified_seen = st.modified_ns;
    }
    return 0;
}

/* In read mode a file that is complete may lack its last delimiter. */
static int emit_rest(struct tail_file *file, struct tail_poll_result *result, bool *ret_is_full,
                     struct err *err)
{
    const struct tail_config *config = &file->tail->config;
    if (!config->reads_last_line || !config->close_eof || file->off >= file->size_seen)
        return 0;
    return emit_long(file, file->size_seen, file->size_seen, result, ret_is_full, err);
}

/* One chunk. -ERR_TIMEOUT: the store cannot take the file yet. */
static int read_chunk(struct tail_file *file, struct tail_poll_result *result, bool *ret_is_full,
                      bool *ret_is_end, struct err *err)
{
    struct tail *tail = file->tail;
    size_t n, used = 0;
    if (file->scanned > file->off)
        return read_long(file, result, ret_is_full, ret_is_end, err);
    TRY(vfs_read_at(file->file, file->off, tail->chunk, TAIL__CHUNK_BYTES, &n, err));
    if (n == 0 || !find_delimiter(tail, tail->chunk, n)) {
        *ret_is_end = n < TAIL__CHUNK_BYTES;
        if (!*ret_is_end)
            file->scanned = file->off + n - (tail->config.delimiter.n - 1);
        return 0;
    }
    if (!is_prepared(file))
        return -ERR_TIMEOUT;
    *ret_is_full = !emit_lines(file, tail->chunk, n, &used, result);
    *ret_is_end = !*ret_is_full && n < TAIL__CHUNK_BYTES;
    return 0;
}

static enum tail__read read_turn(struct tail_file *file, struct tail_poll_result *result,
                                 struct err *err)
{
    uint64_t from = file->off;
    bool is_full = false, is_end = false;
    int rc = 0;
    while (rc == 0 && !is_full && !is_end && file->off - from < TAIL__TURN_BYTES) {
        uint64_t before = file->off, scanned = file->scanned;
        rc = read_chunk(file, result, &is_full, &is_end, err);
        if (file->off == before && file->scanned == scanned && !is_end)
            break;
    }
    if (rc == 0 && is_end && !is_full)
        rc = emit_rest(file, result, &is_full, err);
    if (file->off > from) {
        struct tail *tail = file->tail;
        file->read_ns = clock_monotonic_ns(tail->config.clock);
        file->updated_ns = clock_wall_ns(tail->config.clock);
        if (rc == 0 && file->print_len < TAIL_FINGERPRINT_BYTES)
            rc = tail__print_grow(file, err);
    }
    if (rc == -ERR_TIMEOUT)
        return TAIL__READ_WAIT;
    if (rc < 0)
        return failed(file, err);
    return is_full ? TAIL__READ_FULL : is_end ? TAIL__READ_END : TAIL__READ_MORE;
}

enum tail__read tail__file_read(struct tail_file *file, struct tail_poll_result *result)
{
    struct err err;
    bool has_more = false, is_full = false;
    if (look(file, &has_more, &is_full, &err) < 0)
        return failed(file, &err);
    if (is_full) {
        result->is_full = true;
        return TAIL__READ_FULL;
    }
    enum tail__read got = has_more ? read_turn(file, result, &err) : TAIL__READ_END;
    if (got == TAIL__READ_FULL)
        result->is_full = true;
    file->is_at_end = got == TAIL__READ_END;
    return got;
}
