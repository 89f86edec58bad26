/* SPDX-License-Identifier: Apache-2.0 */
/* kis_frame.h: the texts of Korea Investment & Securities' real-time feed, without any socket: data
 * frames cut into records, JSON messages read, subscriptions written. */
#ifndef NARU_PIPELINE_KIS_FRAME_H
#define NARU_PIPELINE_KIS_FRAME_H

#include "event/value.h"

#define KIS_TRADE_FIELDS      46u
#define KIS_RECORDS_MAX       999u /* the count has three digits */
#define KIS_RECORD_FIELDS_MAX 128u

/* `0|H0STCNT0|003|f^f^f…` */
struct kis_frame {
    bool is_encrypted;
    struct str tr_id;
    size_t record_count;
    size_t width;    /* fields of a record */
    struct str rest; /* the fields, joined by ^ */
};
/* -ERR_PARSE for anything that is no whole data frame: a count that does not divide the fields,
 * records shorter than the 46 known fields; -ERR_UNSUPPORTED when it is encrypted. Borrows from
 * text. */
int kis_frame_parse(struct str text, struct kis_frame *ret_frame, struct err *err) WARN_UNUSED;
/* Takes the fields of the next record off frame->rest; fields[width]. False at the end. */
bool kis_frame_next(struct kis_frame *frame, struct str *fields);

enum kis_field_kind { KIS_TEXT, KIS_INT, KIS_FLOAT };
struct kis_field {
    const char *name;
    enum kis_field_kind kind;
};
extern const struct kis_field kis_trade_fields[KIS_TRADE_FIELDS];
/* Number fields become numbers, except when they are empty or none. */
struct value kis_field_value(enum kis_field_kind kind, struct str text);
/* Moment of BSOP_DATE YYYYMMDD and STCK_CNTG_HOUR HHMMSS in Korea; false when they are none. */
bool kis_time_ns(struct str date, struct str hour, int64_t *ret_ns);

enum kis_message_kind { KIS_MESSAGE_PING, KIS_MESSAGE_ANSWER, KIS_MESSAGE_OTHER };
struct kis_message {
    enum kis_message_kind kind;
    struct str tr_key, rt_cd, msg_cd, msg;
};
int kis_message_parse(struct str text, struct arena *mem, struct kis_message *ret_message,
                      struct err *err) WARN_UNUSED;
void kis_subscribe_write(struct buf *out, struct str approval_key, struct str custtype,
                         struct str tr_id, struct str stock, bool is_release);

#endif
