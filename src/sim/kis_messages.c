/* SPDX-License-Identifier: Apache-2.0 */
/* kis_messages.c: the texts of the feed's protocol, without any socket: reading subscription
 * requests, writing their answers, keep-alives and data frames. */
#include "sim/kis_server_int.h"

#include "base/hash.h"
#include "base/str.h"
#include "codec/json.h"
#include "event/value.h"

static struct str member_str(const struct value *map, const char *name)
{
    const struct value *v = value_map_get(map, str_from(name));
    return v && v->kind == VALUE_STR ? v->s : STR_NONE;
}

void kis__request_parse(struct str text, struct arena *mem, struct kis_request *ret_request)
{
    *ret_request = (struct kis_request){.bad_code = NULL};
    struct value root;
    if (value_from_json(text, mem, &root, NULL) < 0 || root.kind != VALUE_MAP) {
        ret_request->bad_code = "OPSP8993";
        return;
    }
    const struct value *header = value_map_get_lit(&root, "header");
    if (!header || header->kind != VALUE_MAP) {
        ret_request->bad_code = "OPSP8994";
        return;
    }
    ret_request->tr_id = member_str(header, "tr_id");
    if (str_is(ret_request->tr_id, "PINGPONG")) {
        ret_request->is_pong = true;
        return;
    }
    const struct value *body = value_map_get_lit(&root, "body");
    const struct value *input = body ? value_map_get_lit(body, "input") : NULL;
    if (!input || input->kind != VALUE_MAP) {
        ret_request->bad_code = "OPSP8995";
        return;
    }
    ret_request->approval_key = member_str(header, "approval_key");
    ret_request->tr_type = member_str(header, "tr_type");
    ret_request->tr_id = member_str(input, "tr_id");
    ret_request->tr_key = member_str(input, "tr_key");
}

/* 16 or 32 characters from a hash, for the iv and key that nothing here is encrypted with. */
static void random_text(uint64_t seed, char *text, size_t n)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (size_t i = 0; i < n; i++) {
        seed = hash_u64(seed + i);
        text[i] = letters[seed % (sizeof(letters) - 1)];
    }
}

void kis__reply_write(struct buf *out, struct str tr_id, struct str tr_key, const char *rt_cd,
                      const char *msg_cd, const char *msg, bool with_keys, uint64_t seed)
{
    struct json_writer w;
    json_writer_init(&w, out, false);
    json_object_begin(&w);
    json_key_lit(&w, "header");
    json_object_begin(&w);
    json_key_lit(&w, "tr_id");
    json_str(&w, tr_id.n ? tr_id : STR("(null)"));
    json_key_lit(&w, "tr_key");
    json_str(&w, tr_key);
    json_key_lit(&w, "encrypt");
    json_str(&w, STR("N"));
    json_object_end(&w);
    json_key_lit(&w, "body");
    json_object_begin(&w);
    json_key_lit(&w, "rt_cd");
    json_str(&w, str_from(rt_cd));
    json_key_lit(&w, "msg_cd");
    json_str(&w, str_from(msg_cd));
    json_key_lit(&w, "msg1");
    json_str(&w, str_from(msg));
    if (with_keys) {
        char iv[16], key[32];
        random_text(seed, iv, sizeof(iv));
        random_text(~seed, key, sizeof(key));
        json_key_lit(&w, "output");
        json_object_begin(&w);
        json_key_lit(&w, "iv");
        json_str(&w, (struct str){iv, sizeof(iv)});
        json_key_lit(&w, "key");
        json_str(&w, (struct str){key, sizeof(key)});
        json_object_end(&w);
    }
    json_object_end(&w);
    json_object_end(&w);
}

void kis__ping_write(struct buf *out, int64_t now_ns)
{
    struct civil c = civil_from_ns(now_ns + MARKET_KST_OFFSET_NS);
    buf_printf(out,
               "{\"header\":{\"tr_id\":\"PINGPONG\",\"datetime\":\"%04d%02d%02d%02d%02d%02d\"}}",
               (int)c.year, c.month, c.day, c.hour, c.minute, c.second);
}

unsigned kis__approval_parse(struct str body, struct arena *mem, uint64_t *ret_app,
                             struct buf *out_error)
{
    struct value root;
    if (value_from_json(body, mem, &root, NULL) < 0 || root.kind != VALUE_MAP ||
        !str_is(member_str(&root, "grant_type"), "client_credentials")) {
        buf_add_lit(out_error, "{\"error_description\":\"grant_type is not client_credentials\","
                               "\"error_code\":\"EGW00104\"}");
        return 403;
    }
    struct str app = member_str(&root, "appkey"), secret = member_str(&root, "secretkey");
    if (app.n == 0 || secret.n == 0) {
        buf_add_lit(out_error, "{\"error_description\":\"the appkey or secretkey is not valid\","
                               "\"error_code\":\"EGW00103\"}");
        return 403;
    }
    *ret_app = hash_str(app) ^ hash_u64(hash_str(secret));
    return 200;
}

void kis__key_make(uint64_t app, uint64_t generation, char key[KIS_KEY_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t seed = hash_u64(app ^ hash_u64(generation + 1));
    for (size_t i = 0; i < KIS_KEY_BYTES; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23; /* as a UUID */
        if (i % 16 == 0)
            seed = hash_u64(seed + i + 1);
        key[i] = is_dash ? '-' : digits[seed >> (i % 16 * 4) & 15];
    }
    key[KIS_KEY_BYTES] = '\0';
}

void kis__frame_write(struct buf *out, const struct market_trade *trades, size_t count,
                      unsigned fault, bool with_extra)
{
    if (fault == KIS_FAULT_ENCRYPTED) {
        buf_printf(out, "1|%s|%03zu|q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=", KIS_TR_ID,
                   count);
        return;
    }
    size_t told = fault == KIS_FAULT_BADCOUNT
                      ? count + 4
                      : count; /* 46 n is no multiple of n + 4 for n <= 20 */
    if (fault == KIS_FAULT_BADCOUNT && (count * MARKET_FIELD_COUNT) % told == 0)
        told = count * MARKET_FIELD_COUNT + 1;
    buf_printf(out, "0|%s|%03zu|", KIS_TR_ID, told);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_char(out, '^');
        market_trade_write(&trades[i], out);
        if (with_extra)
            buf_add_lit(out, "^KRX");
    }
    if (fault == KIS_FAULT_SHORTRECORD) /* cuts the last field and its separator */
        while (out->n && out->p[--out->n] != '^') {
        }
}
