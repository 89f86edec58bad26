/* SPDX-License-Identifier: Apache-2.0 */
/* big5.c: documents like those of the big5 benchmark: log lines of a cloud's machines, about 925
 * bytes each, over the 13 days from 2023-01-01, one day after the other and in no order within a
 * day.
 *
 * Alike: the fields, their cardinalities (7 processes, 25 regions, 10 agents; log streams and hosts
 * one for a hundred documents), dotted keys beside nested objects, sizes and times that drift by a
 * tenth, a message of random words behind time, address and process.
 * Unlike, on purpose: metrics.size is below 1,000 in SMALL_PERCENT of the documents (the original
 * has none, so that its five operations that ask for such sizes find nothing); event.id is
 * different in every document, which makes the high cardinality high and tells documents apart in a
 * comparison; at most NAMES_MAX streams and hosts. */
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/str.h"
#include "bench/load/corpus.h"
#include "bench/load/text_int.h"

#define DAYS          13
#define DAY_S         86400
#define TIME_START    1672531200 /* 2023-01-01 */
#define SMALL_PERCENT 2
#define DOCS_PER_NAME 100 /* streams and hosts: one for so many documents */
#define NAMES_MIN     100u
#define NAME_BYTES    32u
#define DOCS_PER_FILE 20000 /* meta.file */
#define DRIFT_DOCS    64    /* documents whose sizes lie around one value */
#define WORDS_MIN     1
#define WORDS_SPAN    8
/* When the message was written and read, unlike when it is said to have happened. */
#define WRITTEN_S 1682891336

static const struct corpus_share shares[] = {{"big5", 1}, {NULL, 0}};

static const struct str processes[] = {STR("journal"), STR("kernel"), STR("systemd"), STR("cron"),
                                       STR("sshd"),    STR("httpd"),  STR("udev")};
static const struct str regions[] = {
    STR("us-east-1"),      STR("us-east-2"),      STR("us-west-1"),      STR("us-west-2"),
    STR("ap-south-1"),     STR("ap-northeast-3"), STR("ap-northeast-2"), STR("ap-southeast-1"),
    STR("ap-southeast-2"), STR("ap-northeast-1"), STR("ca-central-1"),   STR("eu-central-1"),
    STR("eu-west-1"),      STR("eu-west-2"),      STR("eu-west-3"),      STR("eu-north-1"),
    STR("sa-east-1"),      STR("af-south-1"),     STR("ap-east-1"),      STR("ap-south-2"),
    STR("ap-southeast-3"), STR("eu-south-2"),     STR("eu-central-2"),   STR("me-south-1"),
    STR("me-central-1")};
#define AGENTS_COUNT 10u
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* The first and the second half of a name; each is a word of the messages too. */
static const struct str firsts[] = {
    STR("indigo"),  STR("bird"),    STR("solar"),  STR("amber"),   STR("ash"),      STR("autumn"),
    STR("azure"),   STR("black"),   STR("bold"),   STR("bright"),  STR("bronze"),   STR("cedar"),
    STR("chalk"),   STR("clear"),   STR("cloud"),  STR("cobalt"),  STR("copper"),   STR("coral"),
    STR("crimson"), STR("crystal"), STR("dawn"),   STR("deep"),    STR("desert"),   STR("dew"),
    STR("dust"),    STR("ember"),   STR("fern"),   STR("fire"),    STR("flint"),    STR("foam"),
    STR("forest"),  STR("frost"),   STR("glass"),  STR("golden"),  STR("granite"),  STR("green"),
    STR("grey"),    STR("hazel"),   STR("honey"),  STR("ice"),     STR("iron"),     STR("ivory"),
    STR("jade"),    STR("lake"),    STR("leaf"),   STR("light"),   STR("lunar"),    STR("maple"),
    STR("marble"),  STR("mist"),    STR("moon"),   STR("moss"),    STR("night"),    STR("north"),
    STR("ocean"),   STR("olive"),   STR("opal"),   STR("pearl"),   STR("pine"),     STR("plum"),
    STR("quick"),   STR("quiet"),   STR("rain"),   STR("red"),     STR("river"),    STR("rose"),
    STR("ruby"),    STR("rust"),    STR("sand"),   STR("scarlet"), STR("shadow"),   STR("silk"),
    STR("silver"),  STR("sky"),     STR("slate"),  STR("snow"),    STR("spring"),   STR("star"),
    STR("steel"),   STR("stone"),   STR("storm"),  STR("summer"),  STR("sun"),      STR("swift"),
    STR("thorn"),   STR("thunder"), STR("timber"), STR("topaz"),   STR("twilight"), STR("velvet"),
    STR("violet"),  STR("water"),   STR("white"),  STR("wild"),    STR("willow"),   STR("wind")};
static const struct str seconds[] = {
    STR("dagger"), STR("knight"),  STR("shark"),   STR("ant"),     STR("arrow"),   STR("badger"),
    STR("bard"),   STR("bat"),     STR("beak"),    STR("bear"),    STR("bee"),     STR("bell"),
    STR("bison"),  STR("boar"),    STR("bow"),     STR("brow"),    STR("buffalo"), STR("bug"),
    STR("cat"),    STR("claw"),    STR("cloak"),   STR("cobra"),   STR("crab"),    STR("crane"),
    STR("crest"),  STR("crow"),    STR("crown"),   STR("deer"),    STR("dolphin"), STR("dove"),
    STR("dragon"), STR("duck"),    STR("eagle"),   STR("elk"),     STR("ermine"),  STR("eye"),
    STR("falcon"), STR("fang"),    STR("feather"), STR("ferret"),  STR("finch"),   STR("fish"),
    STR("fox"),    STR("frog"),    STR("gazelle"), STR("goat"),    STR("goose"),   STR("hare"),
    STR("hawk"),   STR("heart"),   STR("hen"),     STR("heron"),   STR("horn"),    STR("horse"),
    STR("hound"),  STR("hunter"),  STR("jackal"),  STR("jaguar"),  STR("jaw"),     STR("kite"),
    STR("koala"),  STR("lark"),    STR("lion"),    STR("lizard"),  STR("llama"),   STR("lynx"),
    STR("mane"),   STR("mark"),    STR("mask"),    STR("mole"),    STR("monkey"),  STR("moose"),
    STR("moth"),   STR("mouse"),   STR("newt"),    STR("orca"),    STR("otter"),   STR("owl"),
    STR("ox"),     STR("panther"), STR("parrot"),  STR("paw"),     STR("pelican"), STR("pony"),
    STR("puffin"), STR("rabbit"),  STR("ram"),     STR("raven"),   STR("robin"),   STR("salmon"),
    STR("seal"),   STR("singer"),  STR("snail"),   STR("sparrow"), STR("spider"),  STR("stag"),
    STR("stork"),  STR("swan"),    STR("tail"),    STR("tiger"),   STR("toad"),    STR("trout"),
    STR("turtle"), STR("viper"),   STR("walrus"),  STR("wasp"),    STR("whale"),   STR("wing"),
    STR("wolf"),   STR("wren")};
#define NAMES_MAX (ARRAY_COUNT(firsts) * ARRAY_COUNT(seconds))

struct name {
    char text[NAME_BYTES];
    size_t bytes;
};
struct tables {
    uint32_t name_count;
    struct name names[NAMES_MAX]; /* shuffled by the seed, but for those the operations ask for */
    uint32_t addresses[NAMES_MAX];
    char agents[AGENTS_COUNT][36];
};

static void name_swap(struct tables *t, uint32_t at, const char *text)
{
    for (uint32_t i = 0; i < NAMES_MAX; i++) {
        if (strcmp(t->names[i].text, text) == 0) {
            struct name old = t->names[at];
            t->names[at] = t->names[i];
            t->names[i] = old;
            return;
        }
    }
    ASSERT(!"the word lists have the names of the operations");
}

static void names_init(struct tables *t, struct rng *rng)
{
    for (uint32_t i = 0; i < NAMES_MAX; i++) {
        struct name *name = &t->names[i];
        int n = snprintf(name->text, NAME_BYTES, "%s%s", firsts[i % ARRAY_COUNT(firsts)].p,
                         seconds[i / ARRAY_COUNT(firsts)].p);
        ASSERT(n > 0 && (size_t)n < NAME_BYTES);
        name->bytes = (size_t)n;
    }
    for (uint32_t i = NAMES_MAX - 1; i > 0; i--) {
        uint32_t other = (uint32_t)rng_below(rng, i + 1);
        struct name old = t->names[i];
        t->names[i] = t->names[other];
        t->names[other] = old;
    }
    name_swap(t, 11, "indigodagger");
    name_swap(t, 37, "birdknight");
    name_swap(t, 53, "solarshark");
}

static void big5_init(struct corpus *corpus)
{
    struct tables *t = MEM_NEW(struct tables);
    struct rng rng;
    rng_init(&rng, corpus->seed);
    uint64_t names = MAX_OF(corpus->docs / DOCS_PER_NAME, NAMES_MIN);
    t->name_count = (uint32_t)MIN_OF(names, NAMES_MAX);
    names_init(t, &rng);
    for (uint32_t i = 0; i < NAMES_MAX; i++)
        t->addresses[i] = (uint32_t)rng_u64(&rng);
    /* The address that the field-collapsing operations ask for. */
    t->addresses[17] = 50u << 24 | 136u << 16 | 239u << 8 | 27u;
    for (uint32_t i = 0; i < AGENTS_COUNT; i++) {
        char hex[33];
        put_hex(put_hex(hex, rng_u64(&rng)), rng_u64(&rng));
        char text[37];
        snprintf(text, sizeof(text), "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                 hex + 20);
        memcpy(t->agents[i], text, sizeof(t->agents[i]));
    }
    corpus->tables = t;
}

static void big5_deinit(struct corpus *corpus)
{
    mem_free(corpus->tables);
}

static char *put_time(char *p, int64_t second, uint64_t fraction, unsigned digits)
{
    struct civil c = civil_from_ns(second * NS_PER_S);
    p = put_digits(p, (uint64_t)c.year, 4);
    *p++ = '-';
    p = put_digits(p, c.month, 2);
    *p++ = '-';
    p = put_digits(p, c.day, 2);
    *p++ = 'T';
    p = put_digits(p, c.hour, 2);
    *p++ = ':';
    p = put_digits(p, c.minute, 2);
    *p++ = ':';
    p = put_digits(p, c.second, 2);
    *p++ = '.';
    p = put_digits(p, fraction, digits);
    *p++ = 'Z';
    return p;
}

/* A value around one that DRIFT_DOCS neighbours share, at most a tenth away. */
static uint64_t drifting(const struct corpus *corpus, uint64_t doc, uint64_t salt, struct rng *rng,
                         uint64_t low, uint64_t high)
{
    uint64_t group = hash_u64(hash_u64(corpus->seed + salt) + doc / DRIFT_DOCS);
    uint64_t base = low + group % (high - low + 1);
    uint64_t value = base * (90 + rng_below(rng, 21)) / 100;
    return value < low ? low : value > high ? high : value;
}

static char *put_message(char *p, int64_t written_s, uint64_t written_ms, uint32_t address,
                         struct str process, struct rng *rng)
{
    struct civil c = civil_from_ns(written_s * NS_PER_S);
    p = put_time(p, written_s, written_ms, 3);
    *p++ = ' ';
    p = put_bytes(p, months[c.month - 1], 3);
    *p++ = ' ';
    p = put_digits(p, c.day, 2);
    *p++ = ' ';
    p = put_digits(p, c.hour, 2);
    *p++ = ':';
    p = put_digits(p, c.minute, 2);
    *p++ = ':';
    p = put_digits(p, c.second, 2);
    p = PUT_LIT(p, " ip");
    for (int shift = 24; shift >= 0; shift -= 8) {
        *p++ = '-';
        p = put_decimal(p, address >> shift & 255);
    }
    *p++ = ' ';
    p = put_str(p, process);
    *p++ = ':';
    uint64_t words = WORDS_MIN + rng_below(rng, WORDS_SPAN + 1);
    for (uint64_t i = 0; i < words; i++) {
        uint64_t word = rng_below(rng, ARRAY_COUNT(firsts) + ARRAY_COUNT(seconds));
        *p++ = ' ';
        p = put_str(p, word < ARRAY_COUNT(firsts) ? firsts[word]
                                                  : seconds[word - ARRAY_COUNT(firsts)]);
    }
    return p;
}

static char *big5_doc(const struct corpus *corpus, const struct corpus_index *index, uint64_t doc,
                      uint64_t at, char *p)
{
    const struct tables *t = corpus->tables;
    struct rng rng;
    corpus_doc_rng(corpus, doc, &rng);
    int64_t day = (int64_t)(at * DAYS / index->count);
    int64_t second = TIME_START + day * DAY_S + (int64_t)rng_below(&rng, DAY_S);
    int64_t written_s = WRITTEN_S + (int64_t)(doc / 1000);
    uint32_t stream = (uint32_t)rng_below(&rng, t->name_count);
    uint32_t host = (uint32_t)rng_below(&rng, t->name_count);
    struct str process = processes[rng_below(&rng, ARRAY_COUNT(processes))];
    struct str region = regions[rng_below(&rng, ARRAY_COUNT(regions))];
    const char *agent = t->agents[rng_below(&rng, AGENTS_COUNT)];
    uint64_t size = drifting(corpus, doc, 1, &rng, 1000, 10000);
    uint64_t tmin = drifting(corpus, doc, 2, &rng, 1, 2000);
    if (rng_below(&rng, 100) < SMALL_PERCENT)
        size = rng_below(&rng, 1000);

    p = PUT_LIT(p, "{\"@timestamp\": \"");
    p = put_time(p, second, 0, 3);
    p = PUT_LIT(p, "\",\"aws.cloudwatch\": {\"log_stream\": \"");
    p = put_bytes(p, t->names[stream].text, t->names[stream].bytes);
    p = PUT_LIT(p, "\",\"ingestion_time\": \"");
    p = put_time(p, written_s, doc % 1000, 3);
    p = PUT_LIT(p, "\",\"log_group\": \"/var/log/messages\"},\"cloud\": {\"region\": \"");
    p = put_str(p, region);
    p = PUT_LIT(p, "\"},\"log.file.path\": \"/var/log/messages/");
    p = put_bytes(p, t->names[stream].text, t->names[stream].bytes);
    p = PUT_LIT(p, "\",\"input\": {\"type\": \"aws-cloudwatch\"},\"data_stream\": {\"namespace\": "
                   "\"default\",\"type\": \"logs\",\"dataset\": \"generic\"},\"process\": "
                   "{\"name\": \"");
    p = put_str(p, process);
    p = PUT_LIT(p, "\"},\"message\": \"");
    p = put_message(p, written_s, doc % 1000, t->addresses[host], process, &rng);
    p = PUT_LIT(p, "\",\"event\": {\"id\": \"");
    p = put_hex(p, hash_u64(corpus->seed + doc)); /* hash_u64 is one to one */
    p = PUT_LIT(p, "\",\"ingested\": \"");
    p = put_time(p, written_s + 1 + (int64_t)rng_below(&rng, 100), rng_below(&rng, 1000000000), 9);
    p = PUT_LIT(p, "\",\"dataset\": \"generic\"},\"host\": {\"name\": \"");
    p = put_bytes(p, t->names[host].text, t->names[host].bytes);
    p = PUT_LIT(p, "\"},\"metrics\": {\"size\": ");
    p = put_decimal(p, size);
    p = PUT_LIT(p, ", \"tmin\": ");
    p = put_decimal(p, tmin);
    p = PUT_LIT(p, "},\"agent\": {\"id\": \"");
    p = put_bytes(p, agent, 36);
    p = PUT_LIT(p, "\",\"name\": \"");
    p = put_bytes(p, t->names[host].text, t->names[host].bytes);
    p = PUT_LIT(p, "\",\"type\": \"filebeat\",\"version\": \"8.8.0\",\"ephemeral_id\": \"");
    p = put_bytes(p, agent, 36);
    p = PUT_LIT(p, "\"},\"meta\": {\"file\": \"2023-01-");
    p = put_digits(p, (uint64_t)day + 1, 2);
    *p++ = '/';
    p = put_digits(p, WRITTEN_S + doc / DOCS_PER_FILE, 10);
    p = PUT_LIT(p, "-ndjson-");
    p = put_decimal(p, stream % 4);
    p = PUT_LIT(p, ".gz\"},\"tags\": [\"preserve_original_event\"]}\n");
    return p;
}

const struct corpus_type corpus_big5 = {
    .name = "big5",
    .shares = shares,
    .init = big5_init,
    .deinit = big5_deinit,
    .doc_write = big5_doc,
};
