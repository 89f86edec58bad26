/* SPDX-License-Identifier: Apache-2.0 */
/* template.h: texts and field names from settings, compiled at load: constant ones, which nearly
 * all are, cost nothing at run time; the others are sprintf templates. */
#ifndef NARU_PIPELINE_TEMPLATE_H
#define NARU_PIPELINE_TEMPLATE_H

#include "pipeline/plugin.h"

struct text_template {
    struct str constant;
    struct sprintf_template *t; /* NULL: constant */
};
/* Errors have the value's place. */
int text_template_compile(struct plugin *plugin, const struct value *v, struct text_template *text,
                          struct err *err) WARN_UNUSED;
/* In ev->mem, or borrowed. */
struct str text_template_get(const struct text_template *text, const struct event *ev);

struct field_ref {
    struct field_path path;     /* when the name is constant */
    struct sprintf_template *t; /* NULL: constant */
};
int field_ref_compile(struct plugin *plugin, struct str name, uint32_t pos, struct field_ref *field,
                      struct err *err) WARN_UNUSED;
/* The path to use for this event; a name from a template that is no reference gives NULL. */
const struct field_path *field_ref_get(const struct field_ref *field, const struct event *ev,
                                       struct field_path *tmp);

/* The items of a list, or the scalar itself as the only one; none for VALUE_NONE and null. */
size_t setting_items(const struct value *v, const struct value **ret_items);
/* A list of field references; what a list option or a scalar holds. */
int field_refs_compile(struct plugin *plugin, const struct value *v, struct field_ref **ret_fields,
                       size_t *ret_count, struct err *err) WARN_UNUSED;

#endif
