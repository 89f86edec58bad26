/* SPDX-License-Identifier: Apache-2.0 */
#include "index/wal_record.h"

#include "base/bits.h"

static uint8_t *text_put(uint8_t *p, struct str text)
{
    p += put_varint(p, text.n);
    if (text.n)
        memcpy(p, text.p, text.n);
    return p + text.n;
}

void wal_record_add(struct buf *out, enum wal_doc_op op, unsigned flags, struct str id,
                    struct str routing, struct str source, int64_t seq_no, int64_t version)
{
    uint8_t *begin = (uint8_t *)buf_reserve(out, WAL_RECORD_OVERHEAD_BYTES_MAX + id.n + routing.n +
                                                     source.n),
            *p = begin;
    if (!p)
        return;
    *p++ = (uint8_t)op;
    *p++ = (uint8_t)(flags | (routing.n ? WAL_DOC_FLAG_ROUTING : 0u));
    p = text_put(p, id);
    p += put_varint(p, (uint64_t)seq_no);
    p += put_varint(p, (uint64_t)version);
    if (routing.n)
        p = text_put(p, routing);
    if (op == WAL_DOC_INDEX)
        p = text_put(p, source);
    buf_added(out, (size_t)(p - begin));
}

static bool text_take(const uint8_t **p, const uint8_t *end, struct str *ret)
{
    uint64_t n;
    if (!get_varint(p, end, &n) || n > (uint64_t)(end - *p))
        return false;
    *ret = (struct str){(const char *)*p, n};
    *p += n;
    return true;
}

bool wal_record_take(const uint8_t **p, const uint8_t *end, struct wal_record *ret_record)
{
    if (end - *p < 2)
        return false;
    *ret_record = (struct wal_record){.op = (*p)[0], .flags = (*p)[1]};
    *p += 2;
    return text_take(p, end, &ret_record->id) && ret_record->id.n > 0 &&
           ret_record->id.n <= ID_BYTES_MAX && get_varint(p, end, &ret_record->seq_no) &&
           get_varint(p, end, &ret_record->version) &&
           (!(ret_record->flags & WAL_DOC_FLAG_ROUTING) ||
            text_take(p, end, &ret_record->routing)) &&
           (ret_record->op != WAL_DOC_INDEX || text_take(p, end, &ret_record->source)) &&
           (ret_record->op == WAL_DOC_INDEX || ret_record->op == WAL_DOC_DELETE);
}
