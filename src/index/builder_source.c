/* SPDX-License-Identifier: Apache-2.0 */
/* What of a document's source its columns will know. How: while the document is walked, each value
 * outside arrays leaves a note: where it stands and, when a field took it and the field's value
 * prints as the same bytes, which field (template.h). An array is one note, as are objects that
 * nobody walks. At the end the notes are the holes, what lies between them the literals. Documents
 * come in runs of one shape, so they are compared with the template of the document before, then
 * with the one that followed that last time; only then is a template encoded and looked up. */
#include "base/str.h"
#include "index/builder_int.h"
#include "index/format.h"
#include "index/ip.h"

static struct source_note *note_push(struct source_notes *n, size_t from, size_t to)
{
    if (UNLIKELY(n->count == n->capacity)) {
        void *p = n->notes;
        mem_grow(&p, &n->capacity, n->count + 1, sizeof(struct source_note));
        n->notes = p;
    }
    struct source_note *note = &n->notes[n->count++];
    *note = (struct source_note){.from = (uint32_t)from, .to = (uint32_t)to};
    note->fill_from = note->from;
    note->fill_to = note->to;
    return note;
}

void source_note_raw(struct ingest *in, size_t from)
{
    if (in->array_depth == 0)
        (void)note_push(&in->builder->notes, from, in->json.token_end);
}

/* The hole of the document before at this place, when it is of this field. */
static const struct template_hole *hint_of(const struct builder *b, uint32_t field_id)
{
    size_t at = b->notes.count - 1;
    if (b->last_template == 0)
        return NULL;
    const struct source_template *t = template_table_get(&b->templates, b->last_template);
    const struct template_hole *hole = at < t->hole_count ? &t->holes[at] : NULL;
    return hole && hole->field_id == field_id && hole->kind != HOLE_STORED ? hole : NULL;
}

/* The field's value gives text's first *ret_n bytes, and what follows is a literal. */
static bool value_fit(const struct ingest *in, const struct field_build *f, enum json_token token,
                      struct str text, struct template_hole *hole, size_t *ret_n)
{
    int64_t value = f->values[f->count - 1];
    char address[IP_TEXT_BYTES];
    *ret_n = text.n;
    switch ((int)f->type) {
    case FIELD_KEYWORD:
    case FIELD_CONSTANT_KEYWORD:
    case FIELD_WILDCARD:
        hole->kind = HOLE_TERM;
        /* The very bytes, mostly: then there is nothing to compare. */
        return (f->pushed.p == text.p && f->pushed.n == text.n) ||
               str_eq(term_table_text(&f->terms, (uint32_t)value), text);
    case FIELD_IP:
        hole->kind = HOLE_IP;
        return str_eq((struct str){address, ip_format(f->pushed_address, address)}, text);
    default:
        if (token == JSON_INT && template_integer_fit(f->type, value, in->json.i, text, hole))
            return true;
        *ret_n = template_hole_fit(f->type, value, text, hint_of(in->builder, f->id), hole);
        return *ret_n > 0;
    }
}

static struct field_build *field_met(const struct builder *b, uint32_t id)
{
    return id < b->field_count ? b->fields[id] : NULL;
}

static bool has_one_value(const struct field_build *f, uint32_t doc)
{
    return f->touch_doc == doc + 1 && f->count == f->saved_count + 1;
}

static bool field_note(struct ingest *in, const struct field_def *def, enum json_token token,
                       struct source_note *note, struct str text)
{
    struct field_build *f = field_met(in->builder, def->pub.id);
    struct template_hole hole = {.field_id = def->pub.id};
    if (!f || !f->has_column || f->noted_doc == in->doc + 1 || !has_one_value(f, in->doc))
        return false;
    size_t n;
    if (!value_fit(in, f, token, text, &hole, &n))
        return false;
    f->noted_doc = in->doc + 1;
    note->hole = hole;
    note->fill_from = note->from + (token == JSON_STRING); /* the quotes are literals */
    note->fill_to = note->fill_from + (uint32_t)n;
    return true;
}

void source_note_scalar(struct ingest *in, enum json_token token, size_t from, size_t to)
{
    if (in->array_depth > 0)
        return;
    struct source_note *note = note_push(&in->builder->notes, from, to);
    const struct field_def *def = in->taken;
    if (!def)
        return;
    /* Of a string what stands between the quotes; with escapes it is no field's value. */
    size_t quote = token == JSON_STRING;
    struct str text = {in->json.start + from + quote, to - from - 2 * quote};
    if (field_note(in, def, token, note, text))
        return;
    for (const struct field_def *m = def->multi; m; m = m->multi_next) {
        if (field_note(in, m, token, note, text))
            return;
    }
}

/* ---- The document's end ---- */

/* Holes whose field turned out to have other values too become stored ones. */
static void notes_settle(struct builder *b, uint32_t doc)
{
    for (size_t i = 0; i < b->notes.count; i++) {
        struct source_note *n = &b->notes.notes[i];
        if (n->hole.kind == HOLE_STORED || has_one_value(b->fields[n->hole.field_id], doc))
            continue;
        n->hole = (struct template_hole){.kind = HOLE_STORED};
        n->fill_from = n->from;
        n->fill_to = n->to;
    }
}

static bool matches(const struct source_template *t, const struct source_notes *notes,
                    struct str source)
{
    if (t->hole_count != notes->count)
        return false;
    const char *literal = t->literals;
    size_t at = 0;
    for (uint32_t i = 0; i < t->hole_count; i++) {
        const struct template_hole *hole = &t->holes[i], *own = &notes->notes[i].hole;
        if (hole->kind != own->kind || hole->field_id != own->field_id ||
            hole->param != own->param || notes->notes[i].fill_from - at != hole->literal_bytes ||
            memcmp(source.p + at, literal, hole->literal_bytes) != 0)
            return false;
        literal += hole->literal_bytes;
        at = notes->notes[i].fill_to;
    }
    return source.n - at == t->tail_bytes && memcmp(source.p + at, literal, t->tail_bytes) == 0;
}

static uint32_t look_up(struct builder *b, struct str source)
{
    struct source_notes *notes = &b->notes;
    size_t at = 0;
    buf_clear(&b->encoded);
    buf_add_varint(&b->encoded, notes->count);
    for (size_t i = 0; i < notes->count; i++) {
        notes->notes[i].hole.literal_bytes = (uint32_t)(notes->notes[i].fill_from - at);
        template_hole_encode(&b->encoded, &notes->notes[i].hole);
        at = notes->notes[i].fill_to;
    }
    buf_add_varint(&b->encoded, source.n - at);
    at = 0;
    for (size_t i = 0; i < notes->count; i++) {
        buf_add(&b->encoded, source.p + at, notes->notes[i].fill_from - at);
        at = notes->notes[i].fill_to;
    }
    buf_add(&b->encoded, source.p + at, source.n - at);
    return template_table_add(&b->templates, buf_str(&b->encoded));
}

static uint32_t number_of(struct builder *b, struct str source)
{
    struct template_table *t = &b->templates;
    uint32_t last = b->last_template, next = last ? b->next_template[last] : 0;
    if (last && matches(template_table_get(t, last), &b->notes, source))
        return last;
    if (next && matches(template_table_get(t, next), &b->notes, source))
        return next;
    if (b->notes.count > TEMPLATE_HOLES_MAX)
        return 0;
    return look_up(b, source);
}

/* What its template's stored holes hold, into b->stored. False: a byte of it would end a hole. */
static bool stored_append(struct builder *b, struct str source)
{
    bool is_first = true;
    for (size_t i = 0; i < b->notes.count; i++) {
        const struct source_note *n = &b->notes.notes[i];
        if (n->hole.kind != HOLE_STORED)
            continue;
        struct str raw = {source.p + n->from, n->to - n->from};
        if (memchr(raw.p, '\0', raw.n))
            return false;
        if (!is_first)
            buf_add_char(&b->stored, '\0');
        buf_add_str(&b->stored, raw);
        is_first = false;
    }
    return true;
}

uint32_t source_template(struct builder *b, uint32_t doc, struct str source)
{
    size_t before = b->stored.n;
    notes_settle(b, doc);
    uint32_t number = number_of(b, source);
    if (number && !stored_append(b, source)) {
        b->stored.n = before;
        number = 0;
    }
    if (number) {
        b->next_template[b->last_template] = (uint16_t)number;
        b->last_template = number;
    }
    return number;
}
