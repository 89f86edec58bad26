/* SPDX-License-Identifier: Apache-2.0 */
/* grok_expand.h: patterns made of named patterns: "%{IP:client} %{NUMBER:bytes:int} (?<rest>.*)" ->
 * one regular expression and the list of its groups with the fields they go to. */
#ifndef NARU_PIPELINE_FILTERS_GROK_EXPAND_H
#define NARU_PIPELINE_FILTERS_GROK_EXPAND_H

#include "base/hash.h"
#include "event/event.h"

#define GROK_EXPANSIONS_MAX 10000u
#define GROK_DEPTH_MAX      100u

struct grok_dict {
    struct arena *mem;
    struct strmap patterns; /* name -> struct str */
};
void grok_dict_init(struct grok_dict *dict, struct arena *mem); /* with the stock patterns */
void grok_dict_deinit(struct grok_dict *dict);
void grok_dict_add(struct grok_dict *dict, struct str name, struct str expression);
/* Lines of "NAME expression"; empty ones and those that begin with # are left out. */
void grok_dict_add_lines(struct grok_dict *dict, struct str text);

enum grok_type { GROK_TEXT, GROK_INT, GROK_FLOAT };
struct grok_capture {
    struct str name; /* field reference */
    enum grok_type type;
};
struct grok_expanded {
    struct str expression; /* groups are named g0, g1 … */
    struct grok_capture *captures;
    size_t count, capacity;
};
/* -ERR_CONFIG: a pattern that is not defined, or too many of them in each other. `all_names`:
 * patterns without a field name capture under their own (named_captures_only => false). */
int grok_expand(struct grok_dict *dict, struct str pattern, bool all_names,
                struct grok_expanded *ret_expanded, struct err *err) WARN_UNUSED;

#endif
