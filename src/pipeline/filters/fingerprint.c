/* SPDX-License-Identifier: Apache-2.0 */
/* fingerprint.c: a short text that stands for fields: a digest (with a key: HMAC), MurmurHash3, a
 * network's address, a random UUID, or the punctuation of a text. Used as document id, it makes a
 * repeated event overwrite itself. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/buf.h"
#include "base/str.h"
#include "codec/base64.h"
#include "pipeline/template.h"

enum method {
    METHOD_SHA1,
    METHOD_SHA256,
    METHOD_SHA384,
    METHOD_SHA512,
    METHOD_MD5,
    METHOD_MURMUR3,
    METHOD_IPV4_NETWORK,
    METHOD_UUID,
    METHOD_PUNCTUATION,
};

struct named_path {
    struct str name;
    struct field_path path;
};

struct fingerprint {
    struct value source;
    struct str target, key;
    int method;
    bool concatenate_sources, concatenate_all_fields, base64encode;
    struct field_path target_path;
    struct named_path *sources; /* as configured */
    struct named_path *sorted;
    size_t source_count;
    const EVP_MD *md;
    int64_t prefix_bits;
    uint64_t seed, turn; /* turn: atomic */
};

static const char *const methods[] = {"SHA1",    "SHA256",       "SHA384", "SHA512",      "MD5",
                                      "MURMUR3", "IPV4_NETWORK", "UUID",   "PUNCTUATION", NULL};
static const struct opt fingerprint_opts[] = {
    OPT_LIST(struct fingerprint, source, .help = "Field or fields; else message."),
    OPT_FIELD(struct fingerprint, target, .dflt = "fingerprint",
              .help = "Field for the fingerprint."),
    OPT_STR(struct fingerprint, key, .flags = OPT_SECRET,
            .help = "Key of an HMAC; IPV4_NETWORK: length of the prefix."),
    OPT_ENUM(struct fingerprint, method, .choices = methods, .dflt = "SHA1",
             .help = "How it is made."),
    OPT_BOOL(struct fingerprint, concatenate_sources, .dflt = "false",
             .help = "One fingerprint of all sources."),
    OPT_BOOL(struct fingerprint, concatenate_all_fields, .dflt = "false",
             .help = "One fingerprint of the whole event."),
    OPT_BOOL(struct fingerprint, base64encode, .dflt = "false",
             .help = "Base64 instead of hexadecimal."),
    OPT_END,
};

static int sources_init(struct fingerprint *fp, struct plugin *plugin, struct err *err)
{
    static const struct value message = {.kind = VALUE_STR, .s = {"message", 7}};
    const struct value *items;
    size_t count = setting_items(&fp->source, &items);
    if (count == 0) {
        items = &message;
        count = 1;
    }
    fp->sources = ARENA_ARRAY(plugin->mem, struct named_path, count);
    fp->sorted = ARENA_ARRAY(plugin->mem, struct named_path, count);
    for (size_t i = 0; i < count; i++) {
        struct named_path one = {.name = value_to_str(plugin->mem, &items[i])};
        if (field_path_parse(plugin->mem, one.name, &one.path, err) < 0)
            return plugin_err_at(plugin, items[i].pos, err);
        fp->sources[i] = one;
        size_t k = i;
        for (; k > 0 && str_cmp(fp->sorted[k - 1].name, one.name) > 0; k--)
            fp->sorted[k] = fp->sorted[k - 1];
        fp->sorted[k] = one;
    }
    fp->source_count = count;
    return 0;
}

static int fingerprint_init(void *self, struct plugin *plugin, struct err *err)
{
    struct fingerprint *fp = self;
    switch ((enum method)fp->method) {
    case METHOD_SHA1:
        fp->md = EVP_sha1();
        break;
    case METHOD_SHA256:
        fp->md = EVP_sha256();
        break;
    case METHOD_SHA384:
        fp->md = EVP_sha384();
        break;
    case METHOD_SHA512:
        fp->md = EVP_sha512();
        break;
    case METHOD_MD5:
        fp->md = EVP_md5();
        break;
    case METHOD_IPV4_NETWORK:
        if (!fp->key.p || !str_to_i64(fp->key, &fp->prefix_bits) || fp->prefix_bits < 0 ||
            fp->prefix_bits > 32)
            return err_set(err, ERR_CONFIG,
                           "\"key\" must be the length of the prefix, 0 to 32, for IPV4_NETWORK");
        break;
    case METHOD_MURMUR3:
    case METHOD_UUID:
    case METHOD_PUNCTUATION:
        break;
    }
    fp->seed = plugin->env->seed ^ (uint64_t)clock_wall_ns(plugin->env->clock);
    TRY(field_path_parse(plugin->mem, fp->target, &fp->target_path, err));
    return sources_init(fp, plugin, err);
}

/* ---- methods ---- */

static struct value digest(const struct fingerprint *fp, struct arena *mem, struct str text)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct buf out;
    if (fp->key.p)
        (void)HMAC(fp->md, fp->key.p, (int)fp->key.n, (const unsigned char *)text.p, text.n, bytes,
                   &n);
    else
        (void)EVP_Digest(text.p, text.n, bytes, &n, fp->md, NULL);
    buf_init(&out, 0);
    if (fp->base64encode)
        base64_encode(&out, bytes, n, BASE64_STANDARD);
    for (unsigned i = 0; i < n && !fp->base64encode; i++)
        buf_printf(&out, "%02x", bytes[i]);
    struct value v = value_str(arena_str(mem, buf_str(&out)));
    buf_deinit(&out);
    return v;
}

static uint32_t rotate(uint32_t v, unsigned bits)
{
    return v << bits | v >> (32 - bits);
}

/* MurmurHash3, x86 32-bit (Austin Appleby, public domain algorithm), seed 0. */
static uint32_t murmur3(struct str s)
{
    uint32_t hash = 0, k = 0;
    size_t i = 0;
    for (; i + 4 <= s.n; i += 4) {
        k = get_u32_le(s.p + i) * 0xcc9e2d51u;
        hash = rotate(hash ^ rotate(k, 15) * 0x1b873593u, 13) * 5 + 0xe6546b64u;
    }
    k = 0;
    for (size_t j = s.n; j > i; j--)
        k = k << 8 | (unsigned char)s.p[j - 1];
    hash ^= rotate(k * 0xcc9e2d51u, 15) * 0x1b873593u;
    hash ^= (uint32_t)s.n;
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

/* "10.1.2.3" with 16 bits: "10.1.0.0". What is no address stays as it is. */
static struct value network(const struct fingerprint *fp, struct arena *mem, struct str text)
{
    uint32_t address = 0;
    struct str rest = text, part;
    unsigned parts = 0;
    while (str_split_next(&rest, '.', &part)) {
        uint64_t octet;
        if (!str_to_u64(part, &octet) || octet > 255 || ++parts > 4)
            return value_str(text);
        address = address << 8 | (uint32_t)octet;
    }
    if (parts != 4)
        return value_str(text);
    address &= fp->prefix_bits == 0 ? 0 : UINT32_MAX << (32 - fp->prefix_bits);
    return value_str(arena_printf(mem, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                                  address >> 8 & 255, address & 255));
}

static struct value punctuation(struct arena *mem, struct str text)
{
    char *to = arena_alloc(mem, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool is_word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (c > ' ' && c < 0x7F && !is_word)
            to[n++] = (char)c;
    }
    return value_str((struct str){to, n});
}

static struct value of_text(const struct fingerprint *fp, struct arena *mem, struct str text)
{
    if (fp->md)
        return digest(fp, mem, text);
    if (fp->method == METHOD_MURMUR3)
        return value_int(murmur3(text));
    if (fp->method == METHOD_IPV4_NETWORK)
        return network(fp, mem, text);
    return punctuation(mem, text);
}

static struct value uuid(struct arena *mem, struct rng *rng)
{
    uint64_t a = rng_u64(rng), b = rng_u64(rng);
    return value_str(arena_printf(mem, "%08x-%04x-4%03x-%04x-%012llx", (uint32_t)(a >> 32),
                                  (uint32_t)(a >> 16 & 0xFFFF), (uint32_t)(a & 0xFFF),
                                  (uint32_t)(b >> 48 & 0x3FFF) | 0x8000u,
                                  (unsigned long long)(b & UINT64_C(0xFFFFFFFFFFFF))));
}

/* ---- events ---- */

static void add_named(struct buf *out, struct arena *mem, struct str name, const struct value *v)
{
    buf_add_char(out, '|');
    buf_add_str(out, name);
    buf_add_char(out, '|');
    if (v)
        buf_add_str(out, value_to_str(mem, v));
}

static void add_all_fields(struct buf *out, const struct event *ev)
{
    const struct value_map *map = ev->fields.map;
    size_t *order = ARENA_ARRAY(ev->mem, size_t, map->count);
    for (size_t i = 0; i < map->count; i++) {
        size_t k = i;
        for (; k > 0 && str_cmp(map->keys[order[k - 1]], map->keys[i]) > 0; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
    for (size_t i = 0; i < map->count; i++)
        add_named(out, ev->mem, map->keys[order[i]], &map->values[order[i]]);
}

static struct value of_all(const struct fingerprint *fp, const struct event *ev)
{
    struct buf out;
    buf_init(&out, 0);
    if (fp->concatenate_all_fields && ev->fields.kind == VALUE_MAP)
        add_all_fields(&out, ev);
    for (size_t i = 0; i < fp->source_count && !fp->concatenate_all_fields; i++)
        add_named(&out, ev->mem, fp->sorted[i].name, event_get(ev, &fp->sorted[i].path));
    buf_add_char(&out, '|');
    struct value v = of_text(fp, ev->mem, buf_str(&out));
    buf_deinit(&out);
    return v;
}

static struct value of_value(const struct fingerprint *fp, struct arena *mem, const struct value *v)
{
    if (v->kind != VALUE_LIST)
        return of_text(fp, mem, value_to_str(mem, v));
    struct value list = value_list(mem, v->list->count);
    for (size_t i = 0; i < v->list->count; i++)
        value_list_add(mem, &list, of_text(fp, mem, value_to_str(mem, &v->list->items[i])));
    return list;
}

static void one(const struct fingerprint *fp, struct event *ev, struct rng *rng)
{
    if (fp->method == METHOD_UUID) {
        (void)event_set(ev, &fp->target_path, uuid(ev->mem, rng), NULL);
        return;
    }
    if (fp->concatenate_sources || fp->concatenate_all_fields) {
        (void)event_set(ev, &fp->target_path, of_all(fp, ev), NULL);
        return;
    }
    for (size_t i = 0; i < fp->source_count; i++) {
        const struct value *v = event_get(ev, &fp->sources[i].path);
        if (v)
            (void)event_set(ev, &fp->target_path, of_value(fp, ev->mem, v), NULL);
    }
}

static void fingerprint_process(void *self, struct filter_run *run, struct event **events,
                                size_t count)
{
    struct fingerprint *fp = self;
    struct rng rng; /* each batch has one of its own, so that workers share a counter only */
    rng_init(&rng, fp->seed + __atomic_add_fetch(&fp->turn, 1, __ATOMIC_RELAXED));
    for (size_t i = 0; i < count; i++) {
        one(fp, events[i], &rng);
        filter_matched(run, events[i]);
    }
}

const struct filter_type filter_fingerprint = {
    .name = "fingerprint",
    .summary = "A short text that stands for fields.",
    .since = "0.1",
    .opts = fingerprint_opts,
    .size = sizeof(struct fingerprint),
    .init = fingerprint_init,
    .process = fingerprint_process,
};
