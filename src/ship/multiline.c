/* SPDX-License-Identifier: Apache-2.0 */
/* multiline.c: lines joined to entries, with Filebeat's three ways:
 *
 *   pattern  negate  match     a line that (does not) match …
 *                    after     belongs to the entry before it; any other line begins one
 *                    before    belongs to the entry behind it; any other line ends one
 *   count    every count_lines lines are one entry
 *   while_pattern              lines that match belong together; any other line is an entry of its
 * own
 *
 * A half entry lies in memory and goes out when its time is over, or its file is closed. Its lines
 * are not acknowledged before, so that a crash loses nothing: they are read again. */
#include "ship/ship_int.h"

#include "base/opt.h"
#include "text/regex.h"

enum kind { KIND_PATTERN, KIND_COUNT, KIND_WHILE, KIND_WHILE_GO };
enum match { MATCH_AFTER, MATCH_BEFORE };

struct settings {
    int type, match;
    bool negate, skip_newline;
    struct str pattern, flush_pattern;
    int64_t max_lines, count_lines, timeout;
};

/* The manual and the source of Filebeat 7 write the last one differently. */
static const char *const kinds[] = {"pattern", "count", "while_pattern", "while-pattern", NULL};
static const char *const matches[] = {"after", "before", NULL};
static const struct opt multiline_opts[] = {
    OPT_ENUM(struct settings, type, .dflt = "pattern", .choices = kinds,
             .help = "How lines are joined."),
    OPT_ENUM(struct settings, match, .dflt = "after", .choices = matches,
             .help = "What a line that matches belongs to."),
    OPT_BOOL(struct settings, negate, .dflt = "false", .help = "Lines that do not match count."),
    OPT_BOOL(struct settings, skip_newline, .dflt = "false",
             .help = "Joins without a newline between."),
    OPT_STR(struct settings, pattern, .help = "The regular expression."),
    OPT_STR(struct settings, flush_pattern, .help = "A line that matches ends the entry."),
    OPT_INT(struct settings, max_lines, .dflt = "500", .min = 0, .max = 1000000,
            .help = "Further lines of an entry are dropped; 0: none."),
    OPT_INT(struct settings, count_lines, .dflt = "0", .min = 0, .max = 1000000,
            .help = "Lines of an entry, for type count."),
    OPT_DURATION(struct settings, timeout, .dflt = "5s",
                 .help = "A half entry goes out after so long; 0: never."),
    OPT_END};

struct ship__multiline {
    struct settings settings;
    struct regex *pattern, *flush_pattern;
    size_t bytes_max;
};

struct ship__entry {
    struct buf text;
    uint64_t off, end_off;
    size_t line_count;
    int64_t last_ns;
    bool is_truncated;
    bool is_ended; /* given out, not cleared yet */
};

static int compile(struct ship *ship, struct str text, const struct value *at,
                   struct regex **ret_re, struct err *err)
{
    struct err why;
    if (text.n == 0)
        return 0;
    if (regex_compile(text, 0, ret_re, &why) < 0)
        return ship__fail(ship, at, err, ERR_CONFIG, "the pattern \"%.*s\": %s", STR_ARG(text),
                          why.text);
    return 0;
}

static int check(struct ship *ship, const struct ship__multiline *multiline,
                 const struct value *map, struct err *err)
{
    const struct settings *s = &multiline->settings;
    if (s->type == KIND_COUNT && s->count_lines < 1)
        return ship__fail(ship, map, err, ERR_CONFIG, "multiline of type count needs count_lines");
    if (s->type != KIND_COUNT && s->pattern.n == 0)
        return ship__fail(ship, map, err, ERR_CONFIG, "multiline needs a pattern");
    if (s->timeout < 0)
        return ship__fail(ship, value_map_get_lit(map, "timeout"), err, ERR_CONFIG,
                          "timeout must not be less than 0");
    if (s->type == KIND_PATTERN && !value_map_get_lit(map, "match"))
        return ship__fail(ship, map, err, ERR_CONFIG,
                          "multiline needs match: after or match: before");
    return 0;
}

int ship__multiline_new(struct ship *ship, const struct value *map, size_t bytes_max,
                        struct ship__multiline **ret_multiline, struct err *err)
{
    if (map->kind != VALUE_MAP)
        return ship__fail(ship, map, err, ERR_CONFIG, "multiline must be a map of options");
    struct ship__multiline *multiline = MEM_NEW(struct ship__multiline);
    *ret_multiline = multiline; /* half built: the owner frees it */
    multiline->bytes_max = bytes_max;
    struct settings *s = &multiline->settings;
    TRY(ship__fill(ship, multiline_opts, s, map, NULL, err));
    TRY(check(ship, multiline, map, err));
    TRY(compile(ship, s->pattern, value_map_get_lit(map, "pattern"), &multiline->pattern, err));
    return compile(ship, s->flush_pattern, value_map_get_lit(map, "flush_pattern"),
                   &multiline->flush_pattern, err);
}

void ship__multiline_free(struct ship__multiline *multiline)
{
    if (!multiline)
        return;
    regex_free(multiline->pattern);
    regex_free(multiline->flush_pattern);
    mem_free(multiline);
}

struct ship__entry *ship__entry_new(void)
{
    struct ship__entry *entry = MEM_NEW(struct ship__entry);
    buf_init(&entry->text, 0);
    return entry;
}

void ship__entry_free(struct ship__entry *entry)
{
    if (!entry)
        return;
    buf_deinit(&entry->text);
    mem_free(entry);
}

void ship__entry_clear(struct ship__entry *entry)
{
    if (!entry->is_ended)
        return;
    if (entry->text.capacity > MIB) /* one long entry should not stay in memory for each file */
        buf_deinit(&entry->text), buf_init(&entry->text, 0);
    buf_clear(&entry->text);
    entry->line_count = 0;
    entry->is_truncated = entry->is_ended = false;
}

static bool give(struct ship__entry *entry, struct ship__whole *ret_whole)
{
    entry->is_ended = true;
    *ret_whole = (struct ship__whole){.text = buf_str(&entry->text),
                                      .off = entry->off,
                                      .end_off = entry->end_off,
                                      .line_count = entry->line_count,
                                      .is_truncated = entry->is_truncated};
    return true;
}

static void append(const struct ship__multiline *multiline, struct ship__entry *entry,
                   const struct tail_line *line, int64_t now_ns)
{
    const struct settings *s = &multiline->settings;
    if (entry->line_count == 0)
        entry->off = line->off;
    entry->end_off = line->end_off;
    entry->last_ns = now_ns;
    entry->line_count++;
    entry->is_truncated |= line->is_truncated;
    if (s->max_lines > 0 && entry->line_count > (size_t)s->max_lines) {
        entry->is_truncated = true;
        return;
    }
    size_t room = multiline->bytes_max - MIN_OF(multiline->bytes_max, entry->text.n);
    if (entry->line_count > 1 && !s->skip_newline && room > 0) {
        buf_add_char(&entry->text, '\n');
        room--;
    }
    entry->is_truncated |= line->text.n > room;
    buf_add(&entry->text, line->text.p, MIN_OF(line->text.n, room));
}

static bool fits(const struct ship__multiline *multiline, struct str text)
{
    return (regex_find(multiline->pattern, text, 0, NULL) > 0) != multiline->settings.negate;
}

static bool ends_entry(const struct ship__multiline *multiline, struct str text)
{
    return multiline->flush_pattern && regex_find(multiline->flush_pattern, text, 0, NULL) > 0;
}

static bool add_counted(const struct ship__multiline *multiline, struct ship__entry *entry,
                        const struct tail_line *line, int64_t now_ns, struct ship__whole *ret_whole)
{
    append(multiline, entry, line, now_ns);
    return entry->line_count >= (size_t)multiline->settings.count_lines && give(entry, ret_whole);
}

static bool add_while(const struct ship__multiline *multiline, struct ship__entry *entry,
                      const struct tail_line *line, int64_t now_ns, struct ship__whole *ret_whole,
                      bool *ret_again)
{
    if (fits(multiline, line->text)) {
        append(multiline, entry, line, now_ns);
        return false;
    }
    if (entry->line_count > 0) {
        *ret_again = true;
        return give(entry, ret_whole);
    }
    append(multiline, entry, line, now_ns);
    return give(entry, ret_whole);
}

static bool add_matched(const struct ship__multiline *multiline, struct ship__entry *entry,
                        const struct tail_line *line, int64_t now_ns, struct ship__whole *ret_whole,
                        bool *ret_again)
{
    bool does_fit = fits(multiline, line->text);
    if (multiline->settings.match == MATCH_AFTER && !does_fit && entry->line_count > 0) {
        *ret_again = true;
        return give(entry, ret_whole);
    }
    append(multiline, entry, line, now_ns);
    bool is_end = ends_entry(multiline, line->text) ||
                  (multiline->settings.match == MATCH_BEFORE && !does_fit);
    return is_end && give(entry, ret_whole);
}

bool ship__multiline_add(const struct ship__multiline *multiline, struct ship__entry *entry,
                         const struct tail_line *line, int64_t now_ns,
                         struct ship__whole *ret_whole, bool *ret_again)
{
    switch ((enum kind)multiline->settings.type) {
    case KIND_COUNT:
        return add_counted(multiline, entry, line, now_ns, ret_whole);
    case KIND_WHILE:
    case KIND_WHILE_GO:
        return add_while(multiline, entry, line, now_ns, ret_whole, ret_again);
    case KIND_PATTERN:
        break;
    }
    return add_matched(multiline, entry, line, now_ns, ret_whole, ret_again);
}

bool ship__multiline_flush(const struct ship__multiline *multiline, struct ship__entry *entry,
                           int64_t now_ns, bool is_forced, struct ship__whole *ret_whole)
{
    if (entry->line_count == 0)
        return false;
    int64_t timeout = multiline->settings.timeout;
    if (!is_forced && (timeout == 0 || now_ns - entry->last_ns < timeout))
        return false;
    return give(entry, ret_whole);
}
