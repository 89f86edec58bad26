/* SPDX-License-Identifier: Apache-2.0 */
/* windows.h: event-time windows over keyed values: assigns, accumulates (agg/), closes by the
 * watermark, keeps closed windows for late values, knows what was handed out and delivered, and
 * turns into bytes and back. Pure: no clock, no files.
 *
 * Watermark = highest event time seen - lateness: values older than it are not expected. A window
 * whose end is at or below it is closed and handed out (windows_due). A value for a closed window
 * that is still kept changes it, and the window is handed out again: a destination that replaces
 * rows ends with the same table for any order of arrival. At watermark - retain a delivered window
 * is forgotten; values for forgotten windows are refused.
 *
 * Exactly once: each value may name its source and position; one at or below the source's known
 * position is refused as already counted. Positions are part of the encoded state, so state and
 * positions never disagree. */
#ifndef NARU_STREAM_WINDOWS_H
#define NARU_STREAM_WINDOWS_H

#include "agg/agg.h"
#include "base/err.h"

#define WINDOWS_AGGS_MAX 64u
#define WINDOWS_COUNT_MAX                                                                          \
    200000u /* kept at once; above: the oldest delivered goes, else the value is refused */
#define WINDOWS_PER_VALUE_MAX 1024u  /* size / every of overlapping windows */
#define WINDOWS_SOURCES_MAX   65536u /* positions; above: the one not heard of for longest goes */

struct windows_config {
    int64_t every_ns;  /* a window begins at each multiple … */
    int64_t size_ns;   /* … and is so long; equal: tumbling, longer: overlapping */
    int64_t offset_ns; /* of the multiples from 1970-01-01 UTC */
    int64_t lateness_ns;
    int64_t retain_ns;
    const struct agg_spec *specs; /* borrowed for the object's life */
    size_t spec_count;
};

struct windows;
struct windows *windows_new(const struct windows_config *config);
void windows_free(struct windows *windows);
DEFINE_CLEANUP(windows_free, struct windows)

enum windows_added {
    WINDOWS_ADDED,
    WINDOWS_ADDED_LATE, /* into a window that was closed */
    WINDOWS_SEEN,       /* at or below the source's position: counted before */
    WINDOWS_TOO_LATE,   /* its window is forgotten */
    WINDOWS_FULL,       /* WINDOWS_COUNT_MAX */
};
struct windows_value {
    int64_t time_ns;
    struct str key;                    /* bytes that tell groups apart */
    const struct value *const *inputs; /* [spec_count], NULL: nothing for this one */
    int64_t tie;                       /* order among equal times, for first and last */
    uint64_t source, position;         /* source 0: not known */
};
/* Counts the value in each of its windows. Numbers that an input cannot use are left out. */
enum windows_added windows_add(struct windows *windows, const struct windows_value *value);

/* INT64_MIN before the first value. */
int64_t windows_watermark(const struct windows *windows);
size_t windows_count(const struct windows *windows);
uint64_t
windows_changes(const struct windows *windows); /* grows with everything that encode would show */

/* A window to be handed out. */
struct window_row {
    struct str key;
    int64_t start_ns, end_ns;
    const struct agg *aggs; /* [spec_count]; good until the next call */
    uint64_t id, version;   /* for windows_delivered */
};
/* The next window that is closed (or, with `all`, any) and changed since it was handed out last; it
 * counts as handed out then. False: none. In no particular order. Cost: the open windows. */
bool windows_next_due(struct windows *windows, bool all, struct window_row *ret_row);
/* What was handed out has arrived (or, not is_ok, has to be handed out again). */
void windows_delivered(struct windows *windows, uint64_t id, uint64_t version, bool is_ok);
/* Forgets delivered windows behind the retention. */
void windows_forget(struct windows *windows);

/* All of the state. */
void windows_encode(const struct windows *windows, struct buf *out);
/* What changed since the last encode or encode_changes; the same bytes that decode takes one behind
 * the other. */
void windows_encode_changes(struct windows *windows, struct buf *out);
/* Nothing is pending for encode_changes any more. */
void windows_encoded(struct windows *windows);
/* Applies bytes of encode or encode_changes. -ERR_CORRUPT. */
int windows_decode(struct windows *windows, struct str bytes, struct err *err) WARN_UNUSED;

#endif
