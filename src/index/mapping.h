/* SPDX-License-Identifier: Apache-2.0 */
/* mapping.h: which fields an index has and what becomes of a JSON value that arrives under a name.
 *
 * A mapping is a tree of nodes, one per name ("a", "a.b"); a node may be an object, a field, or
 * both: a name that arrived as an object today and as text tomorrow keeps both. Fields of one name
 * with different types hang together as variants (segment.h). A mapping is immutable once it is
 * published and reference-counted; a change clones it, edits the clone and publishes that.
 * Everything of a mapping lies in its own arena.
 *
 * Two JSON forms: Elasticsearch's (mapping_put, mapping_to_value) and the internal one
 * (mapping_encode, mapping_decode), which keeps field ids, variants and the declared/dynamic
 * difference; it goes into the log and the manifest. */
#ifndef NARU_INDEX_MAPPING_H
#define NARU_INDEX_MAPPING_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "event/value.h"
#include "index/segment.h"

#define MAPPING_FIELDS_MAX_DEFAULT 1000u /* index.mapping.total_fields.limit */
#define MAPPING_DEPTH_MAX_DEFAULT  20u   /* index.mapping.depth.limit */
#define KEYWORD_IGNORE_ABOVE       256u  /* of the dynamic ".keyword" */

enum dynamic { DYNAMIC_INHERIT = 0, DYNAMIC_TRUE, DYNAMIC_FALSE, DYNAMIC_STRICT };

struct date_format;

/* A field with what the writer needs; `pub` is what searches see and must stay the first member. */
struct field_def {
    struct field pub;
    uint32_t node_id;
    bool is_declared; /* by an explicit mapping: values that do not fit are errors, not variants */
    bool is_multi_field; /* lies under "fields" of another */
    bool ignore_malformed;
    bool coerce;
    bool has_norms;
    bool has_freqs;
    bool has_positions;
    bool is_stored_setting; /* "store": accepted and printed */
    bool has_null_value;
    struct str search_analyzer, normalizer, similarity, index_options, copy_to_json, meta_json,
        alias_path, const_value;
    double boost;
    uint32_t position_gap;          /* position_increment_gap, 100 */
    const struct date_format *date; /* compiled `format` */
    struct field_def *multi;        /* first multi-field */
    struct field_def *multi_next;
    struct field_def *variant_next; /* same object as pub.next_variant */
    struct str *copy_to;
    size_t copy_to_count;
};

struct mapping_node {
    struct str key; /* last part of the path */
    struct str path;
    uint64_t hash; /* of (parent, key) */
    uint32_t id, parent;
    uint32_t depth;
    bool is_object;
    bool is_declared;        /* as an object, by an explicit mapping */
    bool is_enabled;         /* "enabled": false keeps the bytes in the source only */
    uint8_t dynamic;         /* enum dynamic */
    struct field_def *field; /* first variant, NULL */
    struct field_def *alias;
};

struct dynamic_date {
    struct str format; /* of the fields it finds; "": the default one */
    const struct date_format *date;
};

struct mapping {
    struct arena *mem;
    uint32_t refs;
    struct mapping_node **nodes; /* [0] is the root */
    size_t node_count, node_capacity;
    uint32_t *slots; /* open addressing over nodes: id + 1 */
    size_t slot_count;
    struct field_def **fields; /* all, in order of creation: a field's id is its position */
    size_t field_count, field_capacity;
    struct strmap *by_path; /* path -> first variant */
    uint32_t field_id_next;
    uint32_t fields_max, depth_max;
    bool date_detection, numeric_detection;
    bool has_source; /* _source.enabled; false is refused */
    struct str dynamic_date_formats_json, meta_json;
    const struct dynamic_date *dynamic_dates; /* for date detection, in the order they are tried */
    size_t dynamic_date_count;
    const struct date_format *date_default;
    struct value dynamic_templates; /* list of maps, or none */
    struct str routing_json;
};

struct mapping *mapping_new(void);
struct mapping *
mapping_clone(const struct mapping *mapping); /* private to the caller until it is published */
struct mapping *mapping_ref(struct mapping *mapping);
void mapping_unref(struct mapping *mapping);
DEFINE_CLEANUP(mapping_unref, struct mapping)

/* Merges a body as Elasticsearch takes it ({"properties": …, "dynamic": …}) into a clone. Errors as
 * it words them. */
int mapping_put(struct mapping *mapping, const struct value *body, struct err *err) WARN_UNUSED;
/* {"properties":{…}} as Elasticsearch prints it; empty map for an empty mapping. Strings may borrow
 * from mapping. */
struct value mapping_to_value(const struct mapping *mapping, struct arena *mem);
void mapping_encode(const struct mapping *mapping, struct buf *out);
int mapping_decode(struct str json, struct mapping **ret_mapping, struct err *err) WARN_UNUSED;

const struct mapping_node *mapping_root(const struct mapping *mapping);
/* NULL: no such child. `hash` = mapping_child_hash. */
static inline uint64_t mapping_child_hash(uint32_t parent, uint64_t key_hash)
{
    return key_hash ^ ((uint64_t)parent * UINT64_C(0x9E3779B97F4A7C15));
}
struct mapping_node *mapping_child(const struct mapping *mapping, uint32_t parent, struct str key);
enum dynamic mapping_dynamic(const struct mapping *mapping, const struct mapping_node *node);
/* A field by the id that segments carry, NULL when there is none. */
const struct field_def *mapping_field_by_id(const struct mapping *mapping, uint32_t id);
static inline const struct field_def *field_def_of(const struct field *field)
{
    return (const struct field_def *)(const void *)field;
}

/* What a dynamic value looks like. */
enum dynamic_kind {
    DYNAMIC_KIND_STRING,
    DYNAMIC_KIND_LONG,
    DYNAMIC_KIND_DOUBLE,
    DYNAMIC_KIND_BOOLEAN,
    DYNAMIC_KIND_BIG
};
/* Adds to a clone: an object node, a field for a value seen first, another type for a name that has
 * one. `text`: the value's text (strings), for date and number detection. */
int mapping_add_object(struct mapping *mapping, uint32_t parent, struct str key,
                       struct mapping_node **ret_node, struct err *err) WARN_UNUSED;
int mapping_add_dynamic(struct mapping *mapping, uint32_t parent, struct str key,
                        enum dynamic_kind kind, struct str text, struct mapping_node **ret_node,
                        struct err *err) WARN_UNUSED;
int mapping_add_variant(struct mapping *mapping, uint32_t node_id, enum dynamic_kind kind,
                        struct field_def **ret_field, struct err *err) WARN_UNUSED;

#endif
