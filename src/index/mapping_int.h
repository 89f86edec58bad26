/* SPDX-License-Identifier: Apache-2.0 */
/* mapping_int.h: what the three files of the mapping share. */
#ifndef NARU_INDEX_MAPPING_INT_H
#define NARU_INDEX_MAPPING_INT_H

#include "index/mapping.h"

/* A name that would be too long for a segment: -ERR_INVALID. Before mapping__node_add, when the
 * name comes from outside. */
int mapping__path_check(const struct mapping *mapping, uint32_t parent, struct str key,
                        struct err *err) WARN_UNUSED;
struct mapping_node *mapping__node_add(struct mapping *mapping, uint32_t parent, struct str key);
/* The new field has the type's defaults; it is not yet hung into a node. -ERR_INVALID at the field
 * limit. */
int mapping__field_add(struct mapping *mapping, struct mapping_node *node, struct str path,
                       enum field_type type, struct field_def **ret_field,
                       struct err *err) WARN_UNUSED;
/* Hangs it in as the node's first field or last variant. */
void mapping__field_hang(struct mapping *mapping, struct mapping_node *node,
                         struct field_def *field);
void mapping__multi_hang(struct mapping *mapping, struct field_def *parent,
                         struct field_def *field);
int mapping__date_set(struct mapping *mapping, struct field_def *field, struct str format,
                      struct err *err) WARN_UNUSED;
/* One property definition {"type": …} or {"properties": …} under a node that may be new. */
int mapping__property_put(struct mapping *mapping, uint32_t parent, struct str key,
                          const struct value *def, bool is_declared, struct err *err) WARN_UNUSED;
/* Root options other than properties. */
int mapping__root_put(struct mapping *mapping, struct str key, const struct value *v,
                      struct err *err) WARN_UNUSED;

#endif
