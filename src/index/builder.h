/* SPDX-License-Identifier: Apache-2.0 */
/* builder.h: the mutable segment of a lane. A document's JSON is read once, straight into append
 * arrays per field (values, dictionary numbers, tokens) and the stored source; builder_seal turns
 * the arrays into the bytes of a segment. A document that fails half-way is rolled back whole.
 * Owned by one thread at a time (the lane's lock). */
#ifndef NARU_INDEX_BUILDER_H
#define NARU_INDEX_BUILDER_H

#include "base/arena.h"
#include "base/base.h"
#include "base/err.h"
#include "index/mapping.h"

struct builder;

struct builder *builder_new(void);
void builder_free(struct builder *builder);
DEFINE_CLEANUP(builder_free, struct builder)

struct builder_doc {
    struct str id, routing, source;
    int64_t seq_no, version;
};

/* Adds a document under `mapping`. When the document needs a new field, *ret_mapping is a changed
 * clone (owned by the caller) that must be published, with its WAL record, before the document
 * counts; else NULL. Errors are the item's own: MAPPER_PARSING, STRICT_MAPPING, INVALID (limits),
 * JSON. */
int builder_add(struct builder *builder, const struct mapping *mapping,
                const struct builder_doc *doc, struct mapping **ret_mapping,
                struct err *err) WARN_UNUSED;
/* Takes back the document added last, before anybody looked for an id. */
void builder_undo(struct builder *builder);

uint32_t builder_doc_count(const struct builder *builder);
size_t builder_bytes(const struct builder *builder);
/* The newest live document with the id, DOC_NONE. Documents enter the id table when somebody first
 * asks: a lane that only gets generated ids never builds one. */
uint32_t builder_find(struct builder *builder, struct str id);
void builder_kill(struct builder *builder, uint32_t doc);
bool builder_is_dead(const struct builder *builder, uint32_t doc);
uint32_t builder_dead_count(const struct builder *builder);
int64_t builder_seq_no(const struct builder *builder, uint32_t doc);
int64_t builder_version(const struct builder *builder, uint32_t doc);
struct str builder_source(const struct builder *builder,
                          uint32_t doc); /* borrowed until the next add */
struct str builder_routing(const struct builder *builder, uint32_t doc);
struct str builder_id(const struct builder *builder, uint32_t doc);

/* Makes the segment's bytes (heap, the caller frees or hands to segment_open_bytes) of the live
 * documents; none: *ret_bytes NULL. Dead ones are left out. Documents are ordered by the field with
 * the id `sort_field`, a date or an integer, when each has one value of it; else, and with
 * BUILDER_SORT_NONE, they keep their order. The builder stays as it is. */
#define BUILDER_SORT_NONE UINT32_MAX
int builder_seal(struct builder *builder, uint32_t sort_field, void **ret_bytes, size_t *ret_size,
                 struct err *err) WARN_UNUSED;

/* Lucene's SmallFloat.intToByte4: a field length in one byte. */
uint8_t norm_encode(uint32_t length);

#endif
