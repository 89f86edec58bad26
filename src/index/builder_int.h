/* SPDX-License-Identifier: Apache-2.0 */
/* builder_int.h: the builder's arrays, filled by builder.c and builder_values.c, drained by seal.c.
 */
#ifndef NARU_INDEX_BUILDER_INT_H
#define NARU_INDEX_BUILDER_INT_H

#include "base/buf.h"
#include "codec/json.h"
#include "index/analyze.h"
#include "index/builder.h"
#include "index/format.h"
#include "index/ip.h"
#include "index/template.h"

#define TOKEN_GAP UINT32_MAX /* a position without a token (a removed stop word) */

/* Distinct texts of one field, numbered in order of arrival. A slot holds what a look-up needs, so
 * that a hit costs two cache lines: the slot and the text. */
struct term_slot {
    uint32_t hash;
    uint32_t term; /* + 1; 0: empty */
    uint32_t off;  /* of the text in pool */
    uint32_t bytes;
};
struct term_table {
    struct term_slot *slots; /* open addressing */
    size_t slot_count;
    uint32_t *ends; /* per term: end in pool */
    size_t count, end_capacity;
    struct buf pool;
};
uint32_t term_table_add(struct term_table *table, struct str text, bool *ret_is_new);
void term_table_deinit(struct term_table *table);
size_t term_table_bytes(const struct term_table *table);
static inline struct str term_table_text(const struct term_table *table, uint32_t term)
{
    uint32_t from = term ? table->ends[term - 1] : 0;
    const char *pool = table->pool.p ? table->pool.p : ""; /* none yet: the only term is empty */
    return (struct str){pool + from, table->ends[term] - from};
}

struct text_run { /* one value of a text field */
    uint32_t doc;
    uint32_t first_token;
    uint32_t token_count; /* gaps count */
    uint32_t first_position;
};

/* Values of a text field that were seen before: they are not cut into tokens again, their run
 * points to the tokens of the first. When the field has a keyword beside it (the usual x and
 * x.keyword), the keyword's term is the value's number, and one look-up serves both. Else the
 * values have a table of their own, which is given up when too few come again. */
#define MEMO_VALUE_BYTES_MAX 256u  /* longer values seldom come again */
#define MEMO_TRIAL_VALUES    4096u /* so many are looked up before it is judged */
struct memo_tokens {
    uint32_t first, count;
};
struct text_memo {
    struct term_table values;
    uint64_t
        keyword_serial; /* of the keyword's field_build that numbers the values; 0: `values` does */
    struct memo_tokens *tokens; /* per value */
    size_t token_count, token_capacity;
    uint32_t lookups, hits;
    bool is_off;
};

struct field_build {
    uint32_t id;
    uint64_t serial; /* its own in the builder */
    enum field_type type;
    struct str path; /* owned */
    bool has_terms, has_column, has_norms, has_freqs, has_positions, is_text;
    enum analyzer analyzer;
    /* Values: longs, bits of doubles, or terms of `terms`. */
    uint32_t *docs;
    int64_t *values;
    size_t count, doc_capacity, value_capacity;
    struct term_table terms;
    /* Text. */
    uint32_t *tokens;
    struct text_run *runs;
    size_t token_count, token_capacity, run_count, run_capacity;
    struct text_memo memo;
    /* For rolling back: sizes at the begin of document touch_doc - 1. Tokens, like terms, may stay:
     * what no run points to is not there. */
    uint32_t touch_doc;
    uint32_t noted_doc; /* + 1: the document whose source has a hole for it */
    /* What came last: its table entry is seldom in the processor's cache any more. */
    struct str pushed; /* keywords: where the text lay */
    uint8_t pushed_address[IP_BYTES];
    size_t saved_count, saved_run_count;
};

/* A value in the source of the document at hand (builder_source.c): [from, to), of which the hole
 * fills [fill_from, fill_to), less when quotes or a zone stay literals. */
struct source_note {
    uint32_t from, to, fill_from, fill_to;
    struct template_hole hole;
};
struct source_notes {
    struct source_note *notes;
    size_t count, capacity;
};

struct doc_build {
    const char *texts;   /* id, routing and source behind one another, in builder->texts */
    uint64_t stored_off; /* of its template's stored holes; template 0: none */
    uint32_t stored_bytes;
    uint32_t source_bytes, routing_bytes;
    uint16_t template_number;
    uint16_t id_bytes;
    bool is_dead;
    int64_t seq_no, version;
};

/* Nodes of the names that came last time; 0: none. Only of names that were written without escapes.
 */
struct name_hint {
    uint32_t first; /* of an object: its first name */
    uint32_t next;  /* the name behind this one */
};

struct builder {
    struct field_build **fields; /* by field id, NULL: not met */
    size_t field_count, field_capacity;
    uint64_t field_serial;        /* of the last one made */
    struct field_build **touched; /* of the document at hand */
    size_t touched_count, touched_capacity;
    struct doc_build *docs;
    size_t doc_count, doc_capacity;
    uint32_t dead_count;
    struct arena *texts; /* in blocks: what they hold is never moved */
    struct buf stored;   /* per document: what its template's stored holes hold */
    struct source_notes notes;
    struct template_table templates;
    uint32_t last_template;                    /* of the last document that has one */
    uint16_t next_template[TEMPLATES_MAX + 1]; /* which followed it last time */
    struct buf encoded;
    uint32_t *id_slots; /* doc + 1 */
    size_t id_slot_count, id_used;
    uint32_t id_indexed;   /* documents below this are in the table */
    struct arena *scratch; /* of one document */
    struct analysis *analysis;
    struct name_hint *hints; /* per mapping node */
    size_t hint_count;
};

/* One document on its way in. */
struct ingest {
    struct builder *builder;
    const struct mapping *mapping; /* the published one or `draft` */
    struct mapping *draft;
    struct json_reader json;
    uint32_t doc;
    struct str id;
    const struct field_def *taken; /* the field that took the last scalar, NULL: none */
    /* The keyword whose term the text beside it has looked up already, NULL: none. */
    const struct field_def *looked_up;
    struct str looked_up_text; /* borrowed */
    uint32_t looked_up_term;
    uint32_t array_depth;
    struct err *err;
};
struct mapping *ingest_draft(struct ingest *in);
struct field_build *builder__field_slow(struct builder *builder, const struct field_def *field,
                                        uint32_t doc);
/* What the builder has of a field; the document touches it. */
static inline struct field_build *builder__field(struct builder *builder,
                                                 const struct field_def *field, uint32_t doc)
{
    uint32_t id = field->pub.id;
    struct field_build *f = id < builder->field_count ? builder->fields[id] : NULL;
    if (UNLIKELY(!f))
        return builder__field_slow(builder, field, doc);
    if (f->touch_doc == doc + 1)
        return f;
    if (UNLIKELY((f->count == 0 && f->run_count == 0) ||
                 builder->touched_count == builder->touched_capacity))
        return builder__field_slow(builder, field, doc);
    f->touch_doc = doc + 1;
    f->saved_count = f->count;
    f->saved_run_count = f->run_count;
    builder->touched[builder->touched_count++] = f;
    return f;
}

/* A scalar as the JSON reader gave it. */
struct scalar {
    enum json_token token; /* STRING, INT, FLOAT, BIG_INT, TRUE, FALSE */
    struct str text;
    int64_t i;
    double f;
};
/* Puts a scalar into every field of a node (variants, multi-fields, copy_to). */
int ingest_scalar(struct ingest *in, uint32_t node_id, const struct scalar *v) WARN_UNUSED;
/* The whole value of a geo_point field, which `token` begins. */
int ingest_geo(struct ingest *in, const struct field_def *def, enum json_token token) WARN_UNUSED;
void builder__value_push(struct field_build *f, uint32_t doc, int64_t v);
/* The value that was read last, [from, token_end), goes into the source as it is. */
void source_note_raw(struct ingest *in, size_t from);
/* A scalar that in->taken has, or nobody. */
void source_note_scalar(struct ingest *in, enum json_token token, size_t from, size_t to);
/* Number of the template of the document just read, its stored holes appended to builder->stored;
 * 0: the source is to be stored whole. */
uint32_t source_template(struct builder *builder, uint32_t doc, struct str source);
/* Into one field. 0: taken, 1: does not fit, <0: error. */
int field_take(struct ingest *in, const struct field_def *field,
               const struct scalar *v) WARN_UNUSED;

#endif
