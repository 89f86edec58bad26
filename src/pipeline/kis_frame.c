/* SPDX-License-Identifier: Apache-2.0 */
/* kis_frame.c: see kis_frame.h. The feed adds fields at the end of its records from time to time,
 * so a record's width is the number of fields divided by the count; a count that does not divide is
 * a broken frame and is never guessed at. */
#include "pipeline/kis_frame.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"

#define KST_OFFSET_NS (9 * 3600 * NS_PER_S) /* Korea has no summer time */

const struct kis_field kis_trade_fields[KIS_TRADE_FIELDS] = {
    {"MKSC_SHRN_ISCD", KIS_TEXT},
    {"STCK_CNTG_HOUR", KIS_TEXT},
    {"STCK_PRPR", KIS_INT},
    {"PRDY_VRSS_SIGN", KIS_TEXT},
    {"PRDY_VRSS", KIS_INT},
    {"PRDY_CTRT", KIS_FLOAT},
    {"WGHN_AVRG_STCK_PRC", KIS_FLOAT},
    {"STCK_OPRC", KIS_INT},
    {"STCK_HGPR", KIS_INT},
    {"STCK_LWPR", KIS_INT},
    {"ASKP1", KIS_INT},
    {"BIDP1", KIS_INT},
    {"CNTG_VOL", KIS_INT},
    {"ACML_VOL", KIS_INT},
    {"ACML_TR_PBMN", KIS_INT},
    {"SELN_CNTG_CSNU", KIS_INT},
    {"SHNU_CNTG_CSNU", KIS_INT},
    {"NTBY_CNTG_CSNU", KIS_INT},
    {"CTTR", KIS_FLOAT},
    {"SELN_CNTG_SMTN", KIS_INT},
    {"SHNU_CNTG_SMTN", KIS_INT},
    {"CCLD_DVSN", KIS_TEXT},
    {"SHNU_RATE", KIS_FLOAT},
    {"PRDY_VOL_VRSS_ACML_VOL_RATE", KIS_FLOAT},
    {"OPRC_HOUR", KIS_TEXT},
    {"OPRC_VRSS_PRPR_SIGN", KIS_TEXT},
    {"OPRC_VRSS_PRPR", KIS_INT},
    {"HGPR_HOUR", KIS_TEXT},
    {"HGPR_VRSS_PRPR_SIGN", KIS_TEXT},
    {"HGPR_VRSS_PRPR", KIS_INT},
    {"LWPR_HOUR", KIS_TEXT},
    {"LWPR_VRSS_PRPR_SIGN", KIS_TEXT},
    {"LWPR_VRSS_PRPR", KIS_INT},
    {"BSOP_DATE", KIS_TEXT},
    {"NEW_MKOP_CLS_CODE", KIS_TEXT},
    {"TRHT_YN", KIS_TEXT},
    {"ASKP_RSQN1", KIS_INT},
    {"BIDP_RSQN1", KIS_INT},
    {"TOTAL_ASKP_RSQN", KIS_INT},
    {"TOTAL_BIDP_RSQN", KIS_INT},
    {"VOL_TNRT", KIS_FLOAT},
    {"PRDY_SMNS_HOUR_ACML_VOL", KIS_INT},
    {"PRDY_SMNS_HOUR_ACML_VOL_RATE", KIS_FLOAT},
    {"HOUR_CLS_CODE", KIS_TEXT},
    {"MRKT_TRTM_CLS_CODE", KIS_TEXT},
    {"VI_STND_PRC", KIS_INT},
};

static size_t fields_count(struct str fields)
{
    size_t n = 1;
    for (size_t i = 0; i < fields.n; i++)
        n += fields.p[i] == '^';
    return n;
}

static int frame_check_width(struct kis_frame *frame, struct err *err)
{
    size_t fields = fields_count(frame->rest);
    if (fields % frame->record_count != 0)
        return err_set(err, ERR_PARSE, "broken frame: %zu fields are not %zu records", fields,
                       frame->record_count);
    frame->width = fields / frame->record_count;
    if (frame->width < KIS_TRADE_FIELDS)
        return err_set(err, ERR_PARSE, "broken frame: records of %zu fields, %u are needed",
                       frame->width, KIS_TRADE_FIELDS);
    if (frame->width > KIS_RECORD_FIELDS_MAX)
        return err_set(err, ERR_PARSE, "broken frame: records of %zu fields, at most %u are taken",
                       frame->width, KIS_RECORD_FIELDS_MAX);
    return 0;
}

int kis_frame_parse(struct str text, struct kis_frame *ret_frame, struct err *err)
{
    struct kis_frame frame = {.is_encrypted = false};
    struct str rest = text, flag, count_text;
    uint64_t count = 0;
    bool is_frame = str_split_next(&rest, '|', &flag) && str_split_next(&rest, '|', &frame.tr_id) &&
                    str_split_next(&rest, '|', &count_text) && rest.p;
    if (!is_frame)
        return err_set(err, ERR_PARSE,
                       "broken frame: it has not the four parts flag|tr_id|count|fields");
    if (!str_is(flag, "0") && !str_is(flag, "1"))
        return err_set(err, ERR_PARSE, "broken frame: flag \"" STR_FMT "\" is neither 0 nor 1",
                       STR_ARG(flag));
    if (!str_to_u64(count_text, &count) || count == 0 || count > KIS_RECORDS_MAX)
        return err_set(err, ERR_PARSE, "broken frame: count \"" STR_FMT "\" is not 001 to %u",
                       STR_ARG(count_text), KIS_RECORDS_MAX);
    if (str_is(flag, "1"))
        return err_set(err, ERR_UNSUPPORTED,
                       "encrypted frame of \"" STR_FMT "\": only account notices are encrypted",
                       STR_ARG(frame.tr_id));
    frame.record_count = count;
    frame.rest = rest;
    TRY(frame_check_width(&frame, err));
    *ret_frame = frame;
    return 0;
}

bool kis_frame_next(struct kis_frame *frame, struct str *fields)
{
    if (!frame->rest.p)
        return false;
    for (size_t i = 0; i < frame->width; i++)
        if (!str_split_next(&frame->rest, '^', &fields[i]))
            return false;
    return true;
}

struct value kis_field_value(enum kis_field_kind kind, struct str text)
{
    int64_t i;
    double f;
    if (kind == KIS_INT && str_to_i64(text, &i))
        return value_int(i);
    if (kind == KIS_FLOAT && str_to_f64(text, &f))
        return value_float(f);
    return value_str(text);
}

bool kis_time_ns(struct str date, struct str hour, int64_t *ret_ns)
{
    int64_t d, h;
    if (date.n != 8 || hour.n != 6 || !str_to_i64(date, &d) || !str_to_i64(hour, &h) || d < 0 ||
        h < 0)
        return false;
    struct civil civil = {.year = (int32_t)(d / 10000),
                          .month = (uint8_t)(d / 100 % 100),
                          .day = (uint8_t)(d % 100),
                          .hour = (uint8_t)(h / 10000),
                          .minute = (uint8_t)(h / 100 % 100),
                          .second = (uint8_t)(h % 100)};
    if (civil.month < 1 || civil.month > 12 || civil.day < 1 || civil.day > 31 || civil.hour > 23 ||
        civil.minute > 59 || civil.second > 59)
        return false;
    *ret_ns = civil_to_ns(&civil) - KST_OFFSET_NS;
    return true;
}

static struct str member_str(const struct value *map, const char *name)
{
    const struct value *v = map ? value_map_get(map, str_from(name)) : NULL;
    return v && v->kind == VALUE_STR ? v->s : STR_NONE;
}

int kis_message_parse(struct str text, struct arena *mem, struct kis_message *ret_message,
                      struct err *err)
{
    struct value root;
    TRY(value_from_json(text, mem, &root, err));
    const struct value *header = value_map_get_lit(&root, "header");
    const struct value *body = value_map_get_lit(&root, "body");
    *ret_message = (struct kis_message){.kind = KIS_MESSAGE_OTHER};
    if (str_is(member_str(header, "tr_id"), "PINGPONG"))
        ret_message->kind = KIS_MESSAGE_PING;
    else if (body && body->kind == VALUE_MAP)
        ret_message->kind = KIS_MESSAGE_ANSWER;
    ret_message->tr_key = member_str(header, "tr_key");
    ret_message->rt_cd = member_str(body, "rt_cd");
    ret_message->msg_cd = member_str(body, "msg_cd");
    ret_message->msg = member_str(body, "msg1");
    return 0;
}

static void pair(struct json_writer *w, const char *key, struct str v)
{
    json_key(w, str_from(key));
    json_str(w, v);
}

void kis_subscribe_write(struct buf *out, struct str approval_key, struct str custtype,
                         struct str tr_id, struct str stock, bool is_release)
{
    struct json_writer w;
    json_writer_init(&w, out, false);
    json_object_begin(&w);
    json_key_lit(&w, "header");
    json_object_begin(&w);
    pair(&w, "approval_key", approval_key);
    pair(&w, "custtype", custtype);
    pair(&w, "tr_type", is_release ? STR("2") : STR("1"));
    pair(&w, "content-type", STR("utf-8"));
    json_object_end(&w);
    json_key_lit(&w, "body");
    json_object_begin(&w);
    json_key_lit(&w, "input");
    json_object_begin(&w);
    pair(&w, "tr_id", tr_id);
    pair(&w, "tr_key", stock);
    json_object_end(&w);
    json_object_end(&w);
    json_object_end(&w);
}
