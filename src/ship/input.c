/* SPDX-License-Identifier: Apache-2.0 */
/* input.c: what happens to a line between the file and the batch, for both kinds of input. Their
 * settings are in input_settings.c, what the registry knows of their files in input_registry.c. */
#include "ship/ship_int.h"

struct ship__file *ship__file_of(struct tail_file *file)
{
    if (!file->user) {
        struct ship__file *own = MEM_NEW(struct ship__file);
        own->mem = arena_new(0);
        own->entry = ship__entry_new();
        file->user = own;
    }
    return file->user;
}

static bool is_wanted(const struct ship__input *input, struct str text)
{
    if (input->include && !ship__patterns_match(input->include, text))
        return false;
    return !input->exclude || !ship__patterns_match(input->exclude, text);
}

/* One entry (a line, or several joined); the room was asked for. */
static void take_entry(struct ship__input *input, struct tail_file *file, struct str text,
                       uint64_t off, uint64_t end_off, unsigned flags)
{
    struct ship *ship = input->ship;
    if (text.n == 0 || !is_wanted(input, text)) {
        ship__skip(ship, file, end_off);
        return;
    }
    struct ship__event ev = {.time_ns = clock_wall_ns(ship->config.clock),
                             .file = file,
                             .off = off,
                             .message = text,
                             .flags = flags};
    ship__emit(input, file, &ev, end_off);
}

static void take_whole(struct ship__input *input, struct tail_file *file,
                       const struct ship__whole *whole)
{
    unsigned flags = (whole->line_count > 1 ? SHIP__FLAG_MULTILINE : 0u) |
                     (whole->is_truncated ? SHIP__FLAG_TRUNCATED : 0u);
    take_entry(input, file, whole->text, whole->off, whole->end_off, flags);
    ship__entry_clear(ship__file_of(file)->entry);
}

static bool on_line(void *owner, struct tail_file *file, const struct tail_line *line)
{
    struct ship__input *input = owner;
    struct ship *ship = input->ship;
    if (!ship__has_room(ship))
        return false;
    metric_add(&ship->stats.lines, 1);
    metric_add(&ship->stats.bytes, line->end_off - line->off);
    if (!input->multiline) {
        take_entry(input, file, line->text, line->off, line->end_off,
                   line->is_truncated ? SHIP__FLAG_TRUNCATED : 0u);
        return true;
    }
    struct ship__whole whole;
    bool is_again = false;
    int64_t now = clock_monotonic_ns(ship->config.clock);
    while (ship__multiline_add(input->multiline, ship__file_of(file)->entry, line, now, &whole,
                               &is_again)) {
        take_whole(input, file, &whole);
        if (!is_again)
            break;
        is_again = false;
    }
    return true;
}

/* Two entries may come of one line (the one before it and itself), so there is room for two. */
static bool on_flush(void *owner, struct tail_file *file, enum tail_close_reason reason)
{
    struct ship__input *input = owner;
    struct ship__whole whole;
    (void)reason;
    if (!input->multiline || !file->user)
        return true;
    if (!ship__has_room(input->ship))
        return false;
    if (ship__multiline_flush(input->multiline, ship__file_of(file)->entry, 0, true, &whole))
        take_whole(input, file, &whole);
    return true;
}

bool ship__input_flush_late(struct ship__input *input, int64_t now_ns)
{
    size_t at = 0;
    struct tail_file *file;
    struct ship__whole whole;
    while (input->multiline && (file = tail_next(input->tail, &at)) != NULL) {
        if (!file->user)
            continue;
        if (!ship__has_room(input->ship))
            return false;
        if (ship__multiline_flush(input->multiline, ship__file_of(file)->entry, now_ns, false,
                                  &whole))
            take_whole(input, file, &whole);
    }
    return true;
}

static void on_release(void *owner, struct tail_file *file)
{
    struct ship__file *own = file->user;
    (void)owner;
    if (!own)
        return;
    ship__entry_free(own->entry);
    arena_free(own->mem);
    mem_free(own);
}

static void on_report(void *owner, enum log_level level, const char *text)
{
    struct ship__input *input = owner;
    (void)input;
    log_line(level, "ship.input", "%s", text);
}

bool ship__input_excludes(const struct ship__input *input, struct str path)
{
    if (input->include_files && !ship__patterns_match(input->include_files, path))
        return true;
    return input->exclude_files && ship__patterns_match(input->exclude_files, path);
}

static bool is_file_excluded(void *owner, struct str path)
{
    return ship__input_excludes(owner, path);
}

int ship__input_start(struct ship__input *input, struct err *err)
{
    static const struct tail_sink sink = {.line = on_line,
                                          .keep = ship__input_keep,
                                          .generation = ship__input_generation,
                                          .forget = ship__input_forget,
                                          .flush = on_flush,
                                          .release = on_release,
                                          .report = on_report};
    (void)err;
    if (input->exclude_files || input->include_files)
        input->follow.is_excluded = is_file_excluded;
    input->is_static = ship__processors_are_static(input->processors) &&
                       ship__processors_are_static(input->ship->processors);
    input->tail = tail_new(&input->follow, &sink, input);
    ship__input_restore(input);
    return 0;
}

void ship__input_deinit(struct ship__input *input)
{
    tail_free(input->tail);
    ship__patterns_free(input->include);
    ship__patterns_free(input->exclude);
    ship__patterns_free(input->exclude_files);
    ship__patterns_free(input->include_files);
    ship__multiline_free(input->multiline);
    mem_free(input);
}
