/* SPDX-License-Identifier: Apache-2.0 */
/* doc_reader.c: columns for who reads documents one after the other. A value alone costs almost as
 * much as a hundred in a row (finding zone and block, starting to unpack), so each column that is
 * asked for has a window of unpacked values. How far it goes is learned: a document that lies far
 * from the last one is read alone, neighbours make the window longer. */
#include "base/hash.h"
#include "index/doc_reader.h"

#define SLOTS          (2u * DOC_READER_COLUMNS) /* a power of two */
#define GAP_DOCS       16u /* two documents so close are neighbours: a window over both pays */
#define GROW_TIMES     8u  /* as long as the one before */
#define NEIGHBOURS_MIN 64u /* a window so long: many documents are read in order */

struct column_window {
    const struct column *column;
    uint32_t first, count; /* documents */
    uint64_t exists[DOC_READER_WINDOW / 64];
    int64_t values[DOC_READER_WINDOW];
};

/* One cache line. terms NULL: free. */
#define TEXT_BYTES 51u
struct reader_text {
    const struct terms *terms;
    uint32_t ordinal;
    uint8_t n;
    char text[TEXT_BYTES];
};

struct doc_reader {
    const struct segment *segment; /* that the windows are of; borrowed */
    size_t used, made;
    struct column_window *windows[DOC_READER_COLUMNS];
    struct column_window *slots[SLOTS]; /* by column, NULL: free; never full */
    struct reader_text *texts;          /* NULL: no column was read for neighbours yet */
    struct buf text;
};

_Static_assert((SLOTS & (SLOTS - 1)) == 0, "slots are found with a mask");
_Static_assert(sizeof(struct column_window) * DOC_READER_COLUMNS +
                       sizeof(struct reader_text) * DOC_READER_TEXTS + sizeof(struct doc_reader) <=
                   DOC_READER_BYTES_MAX,
               "a reader stays within its bound");

struct doc_reader *doc_reader_new(void)
{
    struct doc_reader *reader = MEM_NEW(struct doc_reader);
    buf_init(&reader->text, STORED_RAW_BYTES_MAX);
    return reader;
}

void doc_reader_free(struct doc_reader *reader)
{
    if (!reader)
        return;
    for (size_t i = 0; i < reader->made; i++)
        mem_free(reader->windows[i]);
    mem_free(reader->texts);
    buf_deinit(&reader->text);
    mem_free(reader);
}

struct buf *doc_reader__text(struct doc_reader *reader)
{
    if (reader->text.capacity > DOC_READER_TEXT_BYTES) {
        buf_deinit(&reader->text);
        buf_init(&reader->text, STORED_RAW_BYTES_MAX);
    }
    buf_clear(&reader->text);
    return &reader->text;
}

/* Another segment: the windows' memory stays, what they hold does not. */
static void segment_enter(struct doc_reader *reader, const struct segment *seg)
{
    reader->segment = seg;
    reader->used = 0;
    memset(reader->slots, 0, sizeof(reader->slots));
    mem_free(reader->texts);
    reader->texts = NULL;
}

/* NULL: there are as many as there may be. */
static struct column_window *window_of(struct doc_reader *reader, const struct column *column)
{
    if (reader->segment != column->seg)
        segment_enter(reader, column->seg);
    uint64_t at = hash_u64((uint64_t)(uintptr_t)column) & (SLOTS - 1);
    for (; reader->slots[at]; at = (at + 1) & (SLOTS - 1)) {
        if (reader->slots[at]->column == column)
            return reader->slots[at];
    }
    if (reader->used == DOC_READER_COLUMNS)
        return NULL;
    if (reader->used == reader->made)
        reader->windows[reader->made++] = mem_alloc(sizeof(struct column_window));
    struct column_window *w = reader->windows[reader->used++];
    w->column = column;
    w->first = w->count = 0;
    reader->slots[at] = w;
    return w;
}

/* From `doc` on, longer when it is a neighbour of what was there before. */
static void window_move(struct column_window *w, uint32_t doc)
{
    uint32_t end = w->first + w->count, docs = w->column->seg->doc_count, n = 1;
    if (w->count > 0 && doc >= end && doc - end <= GAP_DOCS)
        n = MIN_OF(w->count * GROW_TIMES, DOC_READER_WINDOW);
    w->first = doc;
    w->count = MIN_OF(n, docs - doc);
    column__read_window(w->column, w->first, w->count, w->values, w->exists);
}

size_t doc_reader__value(struct doc_reader *reader, const struct column *column, uint32_t doc,
                         int64_t *ret_value)
{
    struct column_window *w = reader && !column_is_multi(column) ? window_of(reader, column) : NULL;
    if (!w)
        return column_doc_longs(column, doc, ret_value, 1);
    ASSERT(doc < column->seg->doc_count);
    if (doc < w->first || doc - w->first >= w->count)
        window_move(w, doc);
    if (!reader->texts && w->count >= NEIGHBOURS_MIN)
        reader->texts = MEM_ARRAY(struct reader_text, DOC_READER_TEXTS);
    uint32_t i = doc - w->first;
    if (!bitset_get(w->exists, i))
        return 0;
    *ret_value = w->values[i];
    return 1;
}

struct str doc_reader__term(struct doc_reader *reader, const struct terms *terms, uint32_t ordinal,
                            char *room)
{
    if (!reader || !reader->texts)
        return terms__text(terms, ordinal, room);
    uint64_t hash = hash_u64((uint64_t)(uintptr_t)terms + ordinal);
    struct reader_text *kept = &reader->texts[hash & (DOC_READER_TEXTS - 1)];
    if (kept->terms == terms && kept->ordinal == ordinal)
        return (struct str){kept->text, kept->n};
    struct str text = terms__text(terms, ordinal, room);
    if (text.p && text.n <= TEXT_BYTES) {
        kept->terms = terms;
        kept->ordinal = ordinal;
        kept->n = (uint8_t)text.n;
        memcpy(kept->text, text.p, text.n);
    }
    return text;
}

size_t doc_reader__bytes(const struct doc_reader *reader)
{
    return sizeof(*reader) + reader->made * sizeof(struct column_window) +
           (reader->texts ? DOC_READER_TEXTS * sizeof(struct reader_text) : 0);
}
