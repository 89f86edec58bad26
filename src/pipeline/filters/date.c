/* SPDX-License-Identifier: Apache-2.0 */
/* date.c: parses a text field into a time, by the first pattern that fits. Patterns are Joda's, or
 * ISO8601, UNIX, UNIX_MS, TAI64N. A field that is not there: nothing happens. None fits: the tag
 * _dateparsefailure.
 *
 * DEVIATES: digits below a millisecond are kept (Logstash cuts them). */
#include "base/arena.h"
#include "base/str.h"
#include "pipeline/template.h"
#include "os/os.h"
#include "text/date_format.h"

#define LOCALTIME_BYTES_MAX (1 * MIB)

struct date {
    struct value match, tag_on_failure;
    struct str timezone, target, locale;
    struct field_path source, target_path;
    const struct date_pattern **patterns;
    size_t pattern_count;
    const struct time_zone *zone; /* when timezone is constant; NULL: the machine's */
    struct text_template zone_text;
    const struct value *tags;
    size_t tag_count;
};

static const struct opt date_opts[] = {
    OPT_LIST(struct date, match, .flags = OPT_REQUIRED,
             .help = "Field, then the patterns to try in turn."),
    OPT_FIELD(struct date, target, .dflt = "@timestamp", .help = "Where the time goes."),
    OPT_STR(struct date, timezone,
            .help = "Zone of texts that name none, as \"Asia/Seoul\"; may be \"%{field}\"."),
    OPT_STR(struct date, locale,
            .help = "Language of month and day names: en, or one whose names are English."),
    OPT_LIST(struct date, tag_on_failure,
             .help = "Tags when no pattern fits; else _dateparsefailure."),
    OPT_END,
};

static int patterns_compile(struct date *date, struct plugin *plugin, struct err *err)
{
    const struct value *items;
    size_t count = setting_items(&date->match, &items);
    if (count < 2) {
        err_set(
            err, ERR_CONFIG,
            "\"match\" wants a field and at least one pattern, as [ \"logdate\", \"ISO8601\" ]");
        return plugin_err_at(plugin, date->match.pos, err);
    }
    if (field_path_parse(plugin->mem, value_to_str(plugin->mem, &items[0]), &date->source, err) < 0)
        return plugin_err_at(plugin, items[0].pos, err);
    date->patterns = ARENA_ARRAY(plugin->mem, const struct date_pattern *, count - 1);
    for (size_t i = 1; i < count; i++) {
        struct str text = value_to_str(plugin->mem, &items[i]);
        if (date_pattern_compile(text, DATE_LOGSTASH, plugin->mem, &date->patterns[i - 1], err) <
            0) {
            uint32_t inside = err && err->off >= 0 ? (uint32_t)err->off + 1 : 0;
            err_wrap(err, "date pattern \"" STR_FMT "\"", STR_ARG(text));
            return plugin_err_at(plugin, items[i].pos + inside, err);
        }
    }
    date->pattern_count = count - 1;
    return 0;
}

/* The machine's zone: TZ, else /etc/localtime, else UTC. */
static const struct time_zone *local_zone(struct plugin *plugin)
{
    const struct time_zone *zone;
    struct str name = os_env("TZ"), bytes;
    if (name.n > 1 && name.p[0] == ':')
        name = str_from_off(name, 1);
    if (name.n && time_zone_open(NULL, name, plugin->mem, &zone, NULL) == 0)
        return zone;
    if (!name.p &&
        vfs_read_file(vfs_posix(), STR("/etc/localtime"), LOCALTIME_BYTES_MAX, plugin->mem, &bytes,
                      NULL) == 0 &&
        time_zone_parse(STR("local"), bytes, plugin->mem, &zone, NULL) == 0)
        return zone;
    return time_zone_utc();
}

static int zone_compile(struct date *date, struct plugin *plugin, struct err *err)
{
    if (!date->timezone.p) {
        date->zone = local_zone(plugin);
        return 0;
    }
    const struct value *setting = value_map_get_lit(&plugin->settings, "timezone");
    TRY(text_template_compile(plugin, setting, &date->zone_text, err));
    if (date->zone_text.t)
        return 0;
    if (time_zone_open(NULL, date->timezone, plugin->mem, &date->zone, err) < 0)
        return plugin_err_at(plugin, setting->pos, err);
    return 0;
}

/* English month names are what the patterns know: other locales would silently fail on every event.
 */
static int locale_check(const struct date *date, struct plugin *plugin, struct err *err)
{
    if (!date->locale.p || date->locale.n == 0 || str_starts_with(date->locale, STR("en")) ||
        str_is(date->locale, "POSIX") || str_is(date->locale, "C"))
        return 0;
    for (size_t i = 0; i < date->pattern_count; i++) {
        struct str text = date_pattern_text(date->patterns[i]);
        if (str_find(text, STR("MMM")) < 0 && str_find(text, STR("E")) < 0 &&
            str_find(text, STR("a")) < 0)
            continue;
        const struct value *setting = value_map_get_lit(&plugin->settings, "locale");
        err_set(err, ERR_UNSUPPORTED,
                "names of months and days are known in English only: locale \"" STR_FMT
                "\" with the pattern \"" STR_FMT "\"",
                STR_ARG(date->locale), STR_ARG(text));
        return plugin_err_at(plugin, setting ? setting->pos : 0, err);
    }
    return 0;
}

static int date_init(void *self, struct plugin *plugin, struct err *err)
{
    static const struct value default_tag = {.kind = VALUE_STR, .s = {"_dateparsefailure", 17}};
    struct date *date = self;
    TRY(patterns_compile(date, plugin, err));
    TRY(zone_compile(date, plugin, err));
    TRY(locale_check(date, plugin, err));
    date->tag_count = setting_items(&date->tag_on_failure, &date->tags);
    if (date->tag_on_failure.kind == VALUE_NONE || date->tag_on_failure.kind == VALUE_NULL) {
        date->tags = &default_tag;
        date->tag_count = 1;
    }
    return field_path_parse(plugin->mem, date->target, &date->target_path, err);
}

/* The zone for this event, or NULL when the text names none that exists. */
static const struct time_zone *event_zone(const struct date *date, const struct event *ev)
{
    if (!date->zone_text.t)
        return date->zone;
    const struct time_zone *zone;
    struct str name = text_template_get(&date->zone_text, ev);
    return time_zone_open(NULL, name, ev->mem, &zone, NULL) == 0 ? zone : NULL;
}

static bool parse_text(const struct date *date, struct str text,
                       const struct date_parse_options *options, int64_t *ret_ns)
{
    for (size_t i = 0; i < date->pattern_count; i++) {
        if (date_pattern_parse(date->patterns[i], text, options, ret_ns))
            return true;
    }
    return false;
}

/* The first element of an array, as Logstash; a time or number by its text. */
static bool parse_value(const struct date *date, const struct event *ev, const struct value *v,
                        const struct date_parse_options *options, int64_t *ret_ns)
{
    if (v->kind == VALUE_LIST) {
        if (v->list->count == 0)
            return false;
        v = &v->list->items[0];
    }
    if (v->kind == VALUE_TIME) {
        *ret_ns = v->time_ns;
        return true;
    }
    return parse_text(date, value_to_str(ev->mem, v), options, ret_ns);
}

static void fail(const struct date *date, struct filter_run *run, struct event *ev)
{
    filter_failed(run, ev, STR_NONE);
    for (size_t i = 0; i < date->tag_count; i++)
        event_tag(ev, value_to_str(ev->mem, &date->tags[i]));
}

static void date_process(void *self, struct filter_run *run, struct event **events, size_t count)
{
    const struct date *date = self;
    struct date_parse_options options = {.now_ns = run->now_ns};
    for (size_t i = 0; i < count; i++) {
        struct event *ev = events[i];
        const struct value *v = event_get(ev, &date->source);
        if (!v || v->kind == VALUE_NULL)
            continue;
        int64_t ns;
        options.zone = event_zone(date, ev);
        if (options.zone && parse_value(date, ev, v, &options, &ns) &&
            event_set(ev, &date->target_path, value_time(ns), NULL) >= 0)
            filter_matched(run, ev);
        else
            fail(date, run, ev);
    }
}

const struct filter_type filter_date = {
    .name = "date",
    .summary = "Parses a text field into a time.",
    .since = "0.1",
    .opts = date_opts,
    .size = sizeof(struct date),
    .init = date_init,
    .process = date_process,
};
