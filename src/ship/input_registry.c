/* SPDX-License-Identifier: Apache-2.0 */
/* input_registry.c: what the registry knows of an input's files: written as Filebeat writes it,
 * read back at the start, and the counter of lives that ended. */
#include "ship/ship_int.h"

#include <stdio.h>

#include "codec/json.h"
#include "tail/glob.h"

uint64_t ship__input_generation(void *owner, bool is_restart)
{
    struct ship__input *input = owner;
    struct ship *ship = input->ship;
    if (is_restart) {
        char text[48];
        int n = snprintf(text, sizeof(text), "{\"generation\":%llu}",
                         (unsigned long long)++ship->generation);
        registry_set(ship->registry, STR("naru::generation"), (struct str){text, (size_t)n});
        ship->is_unsynced = true;
    }
    return ship->generation;
}

int ship__input_keep(void *owner, struct tail_file *file, struct err *err)
{
    struct ship__input *input = owner;
    (void)err;
    ship__input_save(input, file);
    input->ship->is_unsynced = true; /* on disk before the batch with its first line goes out */
    return 0;
}

/* Filebeat's: "filebeat::logs::native::<inode>-<device>",
 * "filestream::<id>::native::<inode>-<device>". */
static struct str registry_key(const struct ship__input *input, const struct tail_file *file,
                               struct arena *mem)
{
    struct str id;
    if (str_is(str_from(input->identity), "native"))
        id = arena_printf(mem, "native::%llu-%llu", (unsigned long long)file->inode,
                          (unsigned long long)file->device);
    else if (str_is(str_from(input->identity), "path"))
        id = arena_printf(mem, "path::%.*s", (int)file->path.n, file->path.p);
    else
        id = arena_printf(mem, "fingerprint::%016llx", (unsigned long long)file->print_hash);
    if (input->kind == SHIP__INPUT_LOG)
        return arena_printf(mem, "filebeat::logs::%.*s", (int)id.n, id.p);
    struct str own = input->id.n ? input->id : STR(".global");
    return arena_printf(mem, "filestream::%.*s::%.*s", (int)own.n, own.p, (int)id.n, id.p);
}

/* Filebeat's time.Time: [nanoseconds | zone << 32, seconds], zone -1 for UTC. */
static void write_time(struct json_writer *w, int64_t ns)
{
    json_array_begin(w);
    json_u64(w, (uint64_t)0xFFFF << 32 | (uint64_t)(ns % NS_PER_S));
    json_i64(w, ns / NS_PER_S);
    json_array_end(w);
}

/* What Filebeat does not know, and leaves alone: "id generation print_len print". A text, because
 * Filebeat 7 does not load an entry at all that has an unknown object in it. */
static void write_own(struct json_writer *w, const struct tail_file *file)
{
    char text[128];
    int n = snprintf(text, sizeof(text), "%s %llu %u %016llx", file->id,
                     (unsigned long long)file->generation, file->print_len,
                     (unsigned long long)file->print_hash);
    json_key_lit(w, "naru");
    json_str(w, (struct str){text, (size_t)n});
}

static void write_log_state(struct json_writer *w, const struct ship__input *input, struct str key,
                            const struct tail_file *file)
{
    json_key_lit(w, "id");
    json_str(w, str_from_off(key, sizeof("filebeat::logs::") - 1));
    json_key_lit(w, "prev_id");
    json_str(w, STR(""));
    json_key_lit(w, "source");
    json_str(w, file->path);
    json_key_lit(w, "offset");
    json_u64(w, file->acked_off);
    json_key_lit(w, "timestamp");
    write_time(w, file->updated_ns);
    json_key_lit(w, "ttl");
    json_i64(w, -1);
    json_key_lit(w, "type");
    json_str(w, STR("log"));
    json_key_lit(w, "FileStateOS");
    json_object_begin(w);
    json_key_lit(w, "inode");
    json_u64(w, file->inode);
    json_key_lit(w, "device");
    json_u64(w, file->device);
    json_object_end(w);
    json_key_lit(w, "identifier_name");
    json_str(w, str_from(input->identity));
}

static void write_filestream_state(struct json_writer *w, const struct ship__input *input,
                                   const struct tail_file *file)
{
    json_key_lit(w, "ttl");
    json_i64(w, -1);
    json_key_lit(w, "updated");
    write_time(w, file->updated_ns);
    json_key_lit(w, "cursor");
    json_object_begin(w);
    json_key_lit(w, "offset");
    json_u64(w, file->acked_off);
    json_object_end(w);
    json_key_lit(w, "meta");
    json_object_begin(w);
    json_key_lit(w, "source");
    json_str(w, file->path);
    json_key_lit(w, "identifier_name");
    json_str(w, str_from(input->identity));
    json_object_end(w);
}

void ship__input_save(struct ship__input *input, const struct tail_file *file)
{
    struct ship *ship = input->ship;
    struct buf out;
    struct json_writer w;
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct str key = registry_key(input, file, mem);
    buf_init(&out, REGISTRY_VALUE_BYTES_MAX);
    json_writer_init(&w, &out, false);
    json_object_begin(&w);
    if (input->kind == SHIP__INPUT_LOG)
        write_log_state(&w, input, key, file);
    else
        write_filestream_state(&w, input, file);
    write_own(&w, file);
    json_object_end(&w);
    if (!out.is_over)
        registry_set(ship->registry, key, buf_str(&out));
    buf_deinit(&out);
}

void ship__input_forget(void *owner, struct tail_file *file)
{
    struct ship__input *input = owner;
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    registry_remove(input->ship->registry, registry_key(input, file, mem));
    (void)ship__input_generation(input, true); /* who gets its inode next is somebody else */
}

static struct str text_at(const struct value *map, const char *name)
{
    const struct value *v = value_map_get(map, str_from(name));
    return v && v->kind == VALUE_STR ? v->s : STR_NONE;
}

static uint64_t number_at(const struct value *map, const char *name)
{
    const struct value *v = value_map_get(map, str_from(name));
    uint64_t n;
    if (v && v->kind == VALUE_BIG && str_to_u64(v->s, &n)) /* some file systems' inodes */
        return n;
    return v && v->kind == VALUE_INT && v->i >= 0 ? (uint64_t)v->i : 0;
}

static bool parse_hex(struct str s, uint64_t *ret_v)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *at = memchr(digits, s.p[i], 16);
        if (!at)
            return false;
        v = v << 4 | (uint64_t)(at - digits);
    }
    *ret_v = v;
    return s.n == 16;
}

/* "<inode>-<device>": what a key ends with. */
static bool parse_ids(struct str text, struct tail_saved *saved)
{
    struct str inode;
    return str_split_next(&text, '-', &inode) && str_to_u64(inode, &saved->inode) &&
           str_to_u64(text, &saved->device);
}

static void restore_own(struct str own, struct tail_saved *saved)
{
    struct str part;
    uint64_t generation, len, hash, digits;
    if (!str_split_next(&own, ' ', &saved->id) || !str_split_next(&own, ' ', &part) ||
        !str_to_u64(part, &generation) || !str_split_next(&own, ' ', &part) ||
        !str_to_u64(part, &len) || !parse_hex(own, &hash) || len > TAIL_FINGERPRINT_BYTES ||
        saved->id.n != TAIL_ID_LEN || !parse_hex(str_sub(saved->id, 0, 16), &digits) ||
        !parse_hex(str_sub(saved->id, TAIL_ID_LEN - 16, 16), &digits)) {
        saved->id = STR_NONE;
        return;
    }
    saved->generation = generation;
    saved->print_len = (uint32_t)len;
    saved->print_hash = hash;
}

/* Seconds of a time.Time; 0 (never) when it is none that can be: Filebeat's zero is in the year 1.
 */
static int64_t time_of(const struct value *time)
{
    int64_t ns;
    if (!time || time->kind != VALUE_LIST || time->list->count != 2 ||
        time->list->items[1].kind != VALUE_INT || time->list->items[1].i < 0 ||
        __builtin_mul_overflow(time->list->items[1].i, NS_PER_S, &ns))
        return 0;
    return ns;
}

/* `rest`: the key behind its prefix. */
static void restore_one(struct ship__input *input, struct str rest, const struct value *v)
{
    struct tail_saved saved = {0};
    restore_own(text_at(v, "naru"), &saved);
    const struct value *time;
    if (input->kind == SHIP__INPUT_LOG) {
        const struct value *os = value_map_get_lit(v, "FileStateOS");
        saved.path = text_at(v, "source");
        saved.off = number_at(v, "offset");
        saved.inode = number_at(os, "inode");
        saved.device = number_at(os, "device");
        time = value_map_get_lit(v, "timestamp");
    } else {
        const struct value *meta = value_map_get_lit(v, "meta"),
                           *cursor = value_map_get_lit(v, "cursor");
        saved.path = text_at(meta, "source");
        saved.off = number_at(cursor, "offset");
        time = value_map_get_lit(v, "updated");
    }
    saved.updated_ns = time_of(time);
    if (input->follow.identity == TAIL_IDENTITY_NATIVE && !parse_ids(rest, &saved))
        return; /* the key of somebody whose name begins with ours, or damaged */
    if (saved.path.n)
        (void)tail_restore(input->tail, &saved);
}

static bool matches(const struct ship__input *input, struct str path)
{
    if (ship__input_excludes(input, path))
        return false;
    for (size_t i = 0; i < input->follow.glob_count; i++) {
        if (tail_glob_path(input->follow.globs[i], path, input->follow.is_recursive))
            return true;
    }
    return false;
}

static bool looks_into(const struct ship__input *input, struct str dir)
{
    for (size_t i = 0; i < input->follow.glob_count; i++) {
        if (tail_glob_path(path_dir(input->follow.globs[i]), dir, input->follow.is_recursive))
            return true;
    }
    return false;
}

/* The keys of `log` do not say whose a file is: whoever's patterns name it; when it was rotated out
 * of all patterns, the first one that looks into its folder. */
static bool is_ours(const struct ship__input *input, struct str path)
{
    struct ship *ship = input->ship;
    if (input->kind == SHIP__INPUT_FILESTREAM || matches(input, path))
        return true;
    for (size_t i = 0; i < ship->input_count; i++) {
        if (ship->inputs[i]->kind == SHIP__INPUT_LOG && matches(ship->inputs[i], path))
            return false;
    }
    for (size_t i = 0; i < ship->input_count; i++) {
        if (ship->inputs[i]->kind == SHIP__INPUT_LOG && looks_into(ship->inputs[i], path_dir(path)))
            return ship->inputs[i] == input;
    }
    return false;
}

void ship__input_restore(struct ship__input *input)
{
    struct ship *ship = input->ship;
    CLEANUP(arena_free_ptr) struct arena *mem = arena_new(0);
    struct str own = input->id.n ? input->id : STR(".global");
    struct str prefix =
        input->kind == SHIP__INPUT_LOG
            ? arena_printf(mem, "filebeat::logs::%s::", input->identity)
            : arena_printf(mem, "filestream::%.*s::%s::", (int)own.n, own.p, input->identity);
    size_t at = 0;
    struct str key, text;
    while (registry_next(ship->registry, &at, &key, &text)) {
        struct value v;
        if (!str_starts_with(key, prefix) || value_from_json(text, mem, &v, NULL) < 0)
            continue;
        if (is_ours(input, text_at(&v, "source")))
            restore_one(input, str_from_off(key, prefix.n), &v);
    }
}
