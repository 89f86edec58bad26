/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.c: what an index consists of at one moment, in one small file that is replaced whole
 * (format.h), and the files of live bits. The manifest is JSON behind a checked head, so that a
 * person can read it. */
#include "base/str.h"
#include "codec/json.h"
#include "event/value.h"
#include "index/index_int.h"

#define MANIFEST_BYTES_MAX (256 * MIB)

struct str segment_file_path(struct str dir, uint64_t number, struct arena *mem)
{
    return arena_printf(mem, "%.*s/%llu.seg", (int)dir.n, dir.p, (unsigned long long)number);
}

struct str live_file_path(struct str dir, uint64_t number, uint64_t generation, struct arena *mem)
{
    return arena_printf(mem, "%.*s/%llu.%llu.live", (int)dir.n, dir.p, (unsigned long long)number,
                        (unsigned long long)generation);
}

static void int_out(struct json_writer *w, const char *key, int64_t v)
{
    json_key(w, str_from(key));
    json_i64(w, v);
}

static void json_out(struct json_writer *w, const char *key, struct str json)
{
    json_key(w, str_from(key));
    json_raw(w, json.n ? json : STR("{}"));
}

static void manifest_json(const struct manifest *m, struct buf *out)
{
    struct json_writer w;
    json_writer_init(&w, out, false);
    json_object_begin(&w);
    json_key_lit(&w, "name");
    json_str(&w, m->name);
    json_key_lit(&w, "uuid");
    json_str(&w, m->uuid);
    int_out(&w, "id", (int64_t)m->id);
    int_out(&w, "generation", (int64_t)m->generation);
    int_out(&w, "created_ns", m->created_ns);
    int_out(&w, "wal_flushed", (int64_t)m->wal_flushed);
    int_out(&w, "segment_next", (int64_t)m->segment_next);
    int_out(&w, "seq_no_next", m->seq_no_next);
    json_key_lit(&w, "segments");
    json_array_begin(&w);
    for (size_t i = 0; i < m->segment_count; i++) {
        json_object_begin(&w);
        int_out(&w, "number", (int64_t)m->segments[i].number);
        int_out(&w, "bytes", (int64_t)m->segments[i].bytes);
        int_out(&w, "docs", m->segments[i].doc_count);
        int_out(&w, "live_generation", (int64_t)m->segments[i].live_generation);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_out(&w, "settings", m->settings_json);
    json_out(&w, "aliases", m->aliases_json);
    json_out(&w, "mapping", m->mapping_json);
    json_object_end(&w);
}

static uint32_t identity_crc(struct str name, struct str uuid, uint64_t id)
{
    uint8_t bytes[8];
    put_u64_le(bytes, id);
    uint32_t crc = crc32c(0, name.p, name.n);
    crc = crc32c(crc, "", 1);
    crc = crc32c(crc, uuid.p, uuid.n);
    crc = crc32c(crc, "", 1);
    return crc32c(crc, bytes, sizeof(bytes));
}

int manifest_write(struct vfs *fs, struct str dir, const struct manifest *m, struct err *err)
{
    struct buf json, out;
    buf_init(&json, MANIFEST_BYTES_MAX);
    buf_init(&out, MANIFEST_BYTES_MAX);
    manifest_json(m, &json);
    uint8_t head[MANIFEST_HEAD];
    memcpy(head, MANIFEST_MAGIC, 8);
    put_u32_le(head + 8, MANIFEST_VERSION);
    put_u32_le(head + 12, (uint32_t)json.n);
    put_u32_le(head + 16, crc32c(0, json.p, json.n));
    put_u32_le(head + 20, identity_crc(m->name, m->uuid, m->id));
    put_u32_le(head + 24, crc32c(0, head, 24));
    buf_add(&out, head, sizeof(head));
    buf_add_str(&out, buf_str(&json));
    struct arena *mem = arena_new(0);
    int rc = json.is_over || out.is_over
                 ? err_set(err, ERR_TOO_LARGE, "the manifest of an index is over %llu bytes",
                           (unsigned long long)MANIFEST_BYTES_MAX)
                 : vfs_write_file(fs, path_join(mem, dir, STR("manifest")), buf_str(&out), err);
    arena_free(mem);
    buf_deinit(&json);
    buf_deinit(&out);
    return rc;
}

static int bad(struct str dir, const char *what, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "manifest of " STR_FMT ": %s", STR_ARG(dir), what);
}

static bool int_in(const struct value *map, const char *key, int64_t *ret)
{
    const struct value *v = value_map_get(map, str_from(key));
    if (!v || v->kind != VALUE_INT || v->i < 0)
        return false;
    *ret = v->i;
    return true;
}

static bool text_in(const struct value *map, const char *key, struct str *ret)
{
    const struct value *v = value_map_get(map, str_from(key));
    if (!v || v->kind != VALUE_STR)
        return false;
    *ret = v->s;
    return true;
}

static struct str json_in(const struct value *map, const char *key, struct arena *mem)
{
    const struct value *v = value_map_get(map, str_from(key));
    struct buf out;
    buf_init(&out, MANIFEST_BYTES_MAX);
    if (v)
        value_to_json(v, &out);
    struct str s = arena_str(mem, buf_str(&out));
    buf_deinit(&out);
    return s;
}

static bool segments_in(const struct value *root, struct arena *mem, struct manifest *m)
{
    const struct value *list = value_map_get_lit(root, "segments");
    if (!list || list->kind != VALUE_LIST)
        return false;
    m->segment_count = list->list->count;
    m->segments = ARENA_ARRAY(mem, struct manifest_segment, m->segment_count);
    for (size_t i = 0; i < m->segment_count; i++) {
        const struct value *v = &list->list->items[i];
        int64_t number, bytes, docs, generation;
        if (!int_in(v, "number", &number) || !int_in(v, "bytes", &bytes) ||
            !int_in(v, "docs", &docs) || !int_in(v, "live_generation", &generation) ||
            docs > UINT32_MAX)
            return false;
        m->segments[i] = (struct manifest_segment){(uint64_t)number, (uint64_t)bytes,
                                                   (uint64_t)generation, (uint32_t)docs};
    }
    return true;
}

/* Numbers name files: one that is given twice, or is still to be given, would be written over. */
static bool numbers_are_taken_once(const struct manifest *m)
{
    for (size_t i = 0; i < m->segment_count; i++) {
        if (m->segments[i].number == 0 || m->segments[i].number >= m->segment_next)
            return false;
        for (size_t k = 0; k < i; k++) {
            if (m->segments[k].number == m->segments[i].number)
                return false;
        }
    }
    return true;
}

int manifest_read(struct vfs *fs, struct str dir, struct arena *mem, struct manifest *m,
                  struct err *err)
{
    struct str content;
    struct value root;
    *m = (struct manifest){0};
    TRY(vfs_read_file(fs, path_join(mem, dir, STR("manifest")), MANIFEST_BYTES_MAX, mem, &content,
                      err));
    const uint8_t *head = (const uint8_t *)content.p;
    if (content.n < MANIFEST_HEAD || memcmp(head, MANIFEST_MAGIC, 8) != 0 ||
        crc32c(0, head, 24) != get_u32_le(head + 24))
        return bad(dir, "bad head", err);
    if (get_u32_le(head + 8) != MANIFEST_VERSION)
        return err_set(err, ERR_UNSUPPORTED,
                       "manifest of " STR_FMT ": version %u, this program reads %u", STR_ARG(dir),
                       get_u32_le(head + 8), MANIFEST_VERSION);
    struct str json = str_from_off(content, MANIFEST_HEAD);
    if (json.n != get_u32_le(head + 12) || crc32c(0, json.p, json.n) != get_u32_le(head + 16))
        return bad(dir, "bad checksum", err);
    TRY(value_from_json(json, mem, &root, err));
    int64_t id, generation, wal_flushed, segment_next;
    if (!text_in(&root, "name", &m->name) || !text_in(&root, "uuid", &m->uuid) ||
        !int_in(&root, "id", &id) || !int_in(&root, "generation", &generation) ||
        !int_in(&root, "created_ns", &m->created_ns) ||
        !int_in(&root, "wal_flushed", &wal_flushed) ||
        !int_in(&root, "segment_next", &segment_next) ||
        !int_in(&root, "seq_no_next", &m->seq_no_next) || !segments_in(&root, mem, m))
        return bad(dir, "a member is missing", err);
    m->id = (uint64_t)id;
    m->generation = (uint64_t)generation;
    m->wal_flushed = (uint64_t)wal_flushed;
    m->segment_next = (uint64_t)segment_next;
    if (!numbers_are_taken_once(m))
        return bad(dir, "two segments would have one number", err);
    m->settings_json = json_in(&root, "settings", mem);
    m->aliases_json = json_in(&root, "aliases", mem);
    m->mapping_json = json_in(&root, "mapping", mem);
    return 0;
}

/* ---- Whose is a damaged one? ---- */

#define IDENTITY_BYTES_MAX 2048u /* of the JSON: a name has at most 255 */

bool manifest_identity(struct vfs *fs, struct str dir, struct arena *mem, struct manifest *ret)
{
    struct str content;
    struct value root;
    struct manifest m = {0};
    int64_t id;
    if (vfs_read_file(fs, path_join(mem, dir, STR("manifest")), MANIFEST_BYTES_MAX, mem, &content,
                      NULL) < 0 ||
        content.n <= MANIFEST_HEAD)
        return false;
    struct str json = str_from_off(content, MANIFEST_HEAD);
    json = str_sub(json, 0, MIN_OF(json.n, (size_t)IDENTITY_BYTES_MAX));
    const char *end = memmem(json.p, json.n, ",\"generation\":", 14);
    if (!end)
        return false;
    json = arena_printf(mem, "%.*s}", (int)(end - json.p), json.p);
    if (value_from_json(json, mem, &root, NULL) < 0 || !text_in(&root, "name", &m.name) ||
        !text_in(&root, "uuid", &m.uuid) || !int_in(&root, "id", &id))
        return false;
    m.id = (uint64_t)id;
    if (identity_crc(m.name, m.uuid, m.id) != get_u32_le((const uint8_t *)content.p + 20))
        return false;
    *ret = m;
    return true;
}

/* ---- Live bits ---- */

int live_file_write(struct vfs *fs, struct str path, uint32_t doc_count, const uint64_t *words,
                    struct err *err)
{
    struct buf out;
    buf_init(&out, 0);
    uint8_t head[LIVE_HEAD];
    size_t n = BITSET_WORDS(doc_count);
    memcpy(head, LIVE_MAGIC, 8);
    put_u32_le(head + 8, doc_count);
    put_u32_le(head + 12, (uint32_t)bitset_count(words, n));
    buf_add(&out, head, sizeof(head));
    for (size_t i = 0; i < n; i++)
        buf_add_u64_le(&out, words[i]);
    put_u32_le(head + 16, crc32c(0, out.p + LIVE_HEAD, out.n - LIVE_HEAD));
    put_u32_le(head + 20, crc32c(0, head, 20));
    memcpy(out.p, head, sizeof(head));
    int rc = vfs_write_file(fs, path, buf_str(&out), err);
    buf_deinit(&out);
    return rc;
}

int live_file_read(struct vfs *fs, struct str path, uint32_t doc_count, uint64_t **ret_words,
                   uint32_t *ret_count, struct err *err)
{
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct str content;
    TRY(vfs_read_file(fs, path, GIB, mem, &content, err));
    const uint8_t *head = (const uint8_t *)content.p;
    size_t n = BITSET_WORDS(doc_count);
    if (content.n != LIVE_HEAD + n * 8 || memcmp(head, LIVE_MAGIC, 8) != 0 ||
        crc32c(0, head, 20) != get_u32_le(head + 20) || get_u32_le(head + 8) != doc_count ||
        crc32c(0, head + LIVE_HEAD, n * 8) != get_u32_le(head + 16))
        return err_set(err, ERR_CORRUPT, "live documents " STR_FMT ": bad checksum",
                       STR_ARG(path_name(path)));
    uint64_t *words = MEM_ARRAY(uint64_t, n);
    for (size_t i = 0; i < n; i++)
        words[i] = get_u64_le(head + LIVE_HEAD + i * 8);
    uint32_t count = get_u32_le(head + 12);
    /* Searches take every bit for a document that is there. */
    if (bitset_count(words, n) != count || (doc_count % 64 && words[n - 1] >> (doc_count % 64))) {
        mem_free(words);
        return err_set(err, ERR_CORRUPT,
                       "live documents " STR_FMT ": other bits than the %u it promises",
                       STR_ARG(path_name(path)), count);
    }
    *ret_words = words;
    *ret_count = count;
    return 0;
}
