/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h: all plugins that are built in, as NULL-terminated tables, for validation ("did you
 * mean"), `naru schema` and the compliance tests. To add a plugin: write `filters/foo.c` with
 * `const struct filter_type filter_foo`, and add the line FILTER(foo) to filters/filters.tbl; the
 * same for inputs, outputs and codecs. */
#ifndef NARU_PIPELINE_REGISTRY_H
#define NARU_PIPELINE_REGISTRY_H

#include "pipeline/plugin.h"

#define INPUT(name) extern const struct input_type input_##name;
#include "pipeline/inputs/inputs.tbl"
#undef INPUT
#define FILTER(name) extern const struct filter_type filter_##name;
#include "pipeline/filters/filters.tbl"
#undef FILTER
#define OUTPUT(name) extern const struct output_type output_##name;
#include "pipeline/outputs/outputs.tbl"
#undef OUTPUT
#define CODEC(name) extern const struct codec_type codec_##name;
#include "pipeline/codecs/codecs.tbl"
#undef CODEC

extern const struct input_type *const input_types[];
extern const struct filter_type *const filter_types[];
extern const struct output_type *const output_types[];
extern const struct codec_type *const codec_types[];

/* A test may define these, with plugins of its own, NULL-terminated. */
extern const struct input_type *const test_input_types[] __attribute__((weak));
extern const struct filter_type *const test_filter_types[] __attribute__((weak));
extern const struct output_type *const test_output_types[] __attribute__((weak));

enum plugin_kind { PLUGIN_INPUT, PLUGIN_FILTER, PLUGIN_OUTPUT, PLUGIN_CODEC };
/* "input", "filter" … */
const char *plugin_kind_name(enum plugin_kind kind);
/* The name nearest to a mistyped one, or NULL. */
const char *plugin_nearest(enum plugin_kind kind, struct str name);
/* True when a plugin of this name exists in the original product, so that the message can say "not
 * there yet". */
bool plugin_is_known_elsewhere(enum plugin_kind kind, struct str name);

#endif
