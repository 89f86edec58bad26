/* SPDX-License-Identifier: Apache-2.0 */
/* How: most items of a bulk differ from the one before in nothing but id and sequence number. The
 * first is written member by member, as any document's reply is; from that text the pieces around
 * the two are cut, and the items like it are copies of the pieces. */
#include "server/bulk_reply.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "server/doc_reply.h"
#include "server/rest.h"

#define ITEM_BYTES_TYPICAL 256u /* for the first reservation */

/* An item's text without its id and sequence number. */
struct item_shape {
    enum doc_op op;
    struct doc_result like; /* id and seq_no do not count */
    struct str to_id, to_seq_no, tail;
};

static struct str op_name(enum doc_op op)
{
    return op == DOC_INDEX    ? STR("index")
           : op == DOC_CREATE ? STR("create")
           : op == DOC_UPDATE ? STR("update")
                              : STR("delete");
}

static void failure_write(const struct doc_write *write, const struct doc_result *result,
                          struct json_writer *w)
{
    json_key_lit(w, "_index");
    json_str(w, write->index);
    json_key_lit(w, "_type");
    json_str(w, STR("_doc"));
    json_key_lit(w, "_id");
    if (write->id.n)
        json_str(w, write->id);
    else
        json_null(w);
    json_key_lit(w, "status");
    json_i64(w, result->status);
    json_key_lit(w, "error");
    struct rest_place place = {result->index, result->index_uuid};
    rest_error_object_write(result->err, &place, w);
}

static void item_write(const struct doc_write *write, const struct doc_result *result,
                       struct json_writer *w)
{
    json_object_begin(w);
    json_key(w, op_name(write->op));
    json_object_begin(w);
    if (result->outcome == DOC_FAILED) {
        failure_write(write, result, w);
    } else {
        doc_result_write(result, w);
        json_key_lit(w, "status");
        json_i64(w, result->status);
    }
    json_object_end(w);
    json_object_end(w);
}

/* Cuts *rest behind `mark`; returns what is before, the first `keep` bytes of the mark included. */
static struct str cut(struct str *rest, struct str mark, size_t keep)
{
    ptrdiff_t at = str_find(*rest, mark);
    ASSERT(at >= 0); /* a quote in a name is escaped, so only the member itself looks like it */
    struct str piece = str_sub(*rest, 0, (size_t)at + keep);
    *rest = str_from_off(*rest, (size_t)at + mark.n);
    return piece;
}

static void shape_make(struct item_shape *shape, const struct doc_write *write,
                       const struct doc_result *result, struct arena *mem)
{
    struct str id = STR("\"_id\":\"\""), seq_no = STR("\"_seq_no\":0");
    struct json_writer w;
    struct buf text;
    buf_init(&text, 0);
    json_writer_init(&w, &text, false);
    shape->op = write->op;
    shape->like = *result;
    shape->like.id = STR("");
    shape->like.seq_no = 0;
    item_write(write, &shape->like, &w);
    struct str rest = arena_str(mem, buf_str(&text));
    buf_deinit(&text);
    shape->to_id = cut(&rest, id, id.n - 2); /* the quotes come with the id */
    shape->to_seq_no = cut(&rest, seq_no, seq_no.n - 1);
    shape->tail = rest;
}

static bool shape_fits(const struct item_shape *shape, const struct doc_write *write,
                       const struct doc_result *result)
{
    const struct doc_result *like = &shape->like;
    return shape->tail.n > 0 && write->op == shape->op && result->outcome == like->outcome &&
           result->status == like->status && result->version == like->version &&
           result->primary_term == like->primary_term &&
           result->forced_refresh == like->forced_refresh && str_eq(result->index, like->index);
}

void bulk_items_write(const struct doc_write *writes, const struct doc_result *results,
                      size_t count, struct arena *mem, struct json_writer *w)
{
    struct item_shape shape = {0};
    (void)buf_reserve(w->out, count * ITEM_BYTES_TYPICAL);
    for (size_t i = 0; i < count; i++) {
        if (w->is_pretty || results[i].outcome == DOC_FAILED) {
            item_write(&writes[i], &results[i], w);
            continue;
        }
        if (!shape_fits(&shape, &writes[i], &results[i]))
            shape_make(&shape, &writes[i], &results[i], mem);
        json_raw(w, shape.to_id);
        json_write_str(w->out, results[i].id);
        buf_add_str(w->out, shape.to_seq_no);
        buf_add_i64(w->out, results[i].seq_no);
        buf_add_str(w->out, shape.tail);
    }
}
