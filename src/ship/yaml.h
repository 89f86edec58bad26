/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h: YAML text into a tree of values with positions, as Beats reads its files: keys with dots
 * are nested maps
 * ("output.logstash.hosts"), `${VAR}` and `${VAR:default}` are replaced, aliases and `<<` work.
 * Parsing is libyaml's; it gets bytes in memory and does no I/O. */
#ifndef NARU_SHIP_YAML_H
#define NARU_SHIP_YAML_H

#include "event/value.h"

#define YAML_BYTES_MAX (16 * MIB)
#define YAML_DEPTH_MAX 64u
#define YAML_NODES_MAX 200000u

/* p == NULL: not set. */
typedef struct str yaml_env_fn(void *owner, struct str name);

struct yaml_source {
    struct str file; /* for messages */
    struct str text;
};

/* The tree of the one document; an empty text gives an empty map. `pos` of each value is its byte
 * offset + 1, of a map's entry the one of its key (the value's own is not kept). Errors have file,
 * line and column. Strings lie in mem. */
int yaml_parse(const struct yaml_source *source, struct arena *mem, struct value *ret_root,
               struct err *err) WARN_UNUSED;
/* Keys with dots become nested maps, merged where they meet; -ERR_CONFIG when a value is there
 * already. */
int yaml_expand_keys(const struct yaml_source *source, struct arena *mem, struct value *root,
                     struct err *err) WARN_UNUSED;
/* Replaces ${…} in all texts; a scalar that was only a reference gets its kind from the
 * replacement. */
int yaml_expand_env(const struct yaml_source *source, struct arena *mem, struct value *root,
                    yaml_env_fn *env, void *owner, struct err *err) WARN_UNUSED;
/* What a plain scalar means: null, true, 12, 1.5 or text. */
struct value yaml_scalar(struct arena *mem, struct str text);
/* Adds file:line:column of a value's pos. Returns -code. */
int yaml_err_at(const struct yaml_source *source, uint32_t pos, struct err *err);

#endif
