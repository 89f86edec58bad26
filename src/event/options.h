/* SPDX-License-Identifier: Apache-2.0 */
/* options.h: fills an instance from a tree of values by its option table (base/opt.h). */
#ifndef NARU_EVENT_OPTIONS_H
#define NARU_EVENT_OPTIONS_H

#include "base/opt.h"
#include "event/value.h"

enum options_dialect {
    OPTIONS_LOGSTASH, /* booleans may be "true", numbers "5"; sizes: kb = 1000; list/hash coercions
                         of Logstash */
    OPTIONS_JSON,     /* Elasticsearch bodies and YAML: booleans true or "true"; sizes: kb = 1024 */
    OPTIONS_BEATS,    /* filebeat.yml: as JSON, but a map is one entry of a list, a list is no map,
                         and durations may be Go's "1h30m" */
};

/* Called for each problem that is not an error: deprecated or obsolete options. May be NULL. */
typedef void options_warn_fn(void *owner, uint32_t pos, const char *text);

/* Applies defaults, then each entry of `map` (kind VALUE_MAP or VALUE_NONE). Strings are borrowed
 * from the tree; what has to be made (a list from a scalar, text from a number) lies in mem.
 * Unknown option: -ERR_INVALID naming it, with "did you mean" and, err.off = the entry's pos - 1
 * (the caller turns it into file:line:column). Required options that are missing are named. In JSON
 * and Beats null means "not given". `skip` (NULL-terminated, may be NULL): names of common options
 * the caller handles itself. */
int options_fill(const struct opt *opts, void *instance, const struct value *map,
                 enum options_dialect dialect, struct arena *mem, const char *const *skip,
                 options_warn_fn *warn, void *warn_owner, struct err *err) WARN_UNUSED;

#endif
