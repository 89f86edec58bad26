/* SPDX-License-Identifier: Apache-2.0 */
/* ship_test.c: the whole shipper against a peer on loopback: files in a folder of the test's own,
 * configuration as text. */
#include "ship/peer_test.h"

#include "base/clock.h"
#include "base/log.h"
#include "os/os.h"
#include "ship/registry.h"
#include "ship/ship.h"

struct world {
    struct test *t;
    struct peer peer;
    struct ship_config config;
    struct ship *ship;
    pthread_t thread;
    int rc;
    struct err err;
};

static struct str env_get(void *owner, struct str name)
{
    struct world *w = owner;
    if (str_is(name, "LOGS"))
        return arena_printf(w->t->mem, "%s/*.log", test_dir(w->t).p);
    if (str_is(name, "PORT"))
        return arena_printf(w->t->mem, "%u", w->peer.port);
    if (str_is(name, "DATA"))
        return test_path(w->t, "data");
    return STR_NONE;
}

static const char basic[] = "filebeat.inputs:\n"
                            "- type: log\n"
                            "  scan_frequency: 50ms\n"
                            "  backoff: 10ms\n"
                            "  max_backoff: 20ms\n"
                            "  paths: [ \"${LOGS}\" ]\n"
                            "output.logstash:\n"
                            "  hosts: [\"127.0.0.1:${PORT}\"]\n"
                            "  backoff: { init: 10ms, max: 50ms }\n";

static void world_init(struct world *w, struct test *t)
{
    *w = (struct world){.t = t};
    log_set_level(LOG_OFF);
    peer_init(&w->peer, t);
    w->config = (struct ship_config){.fs = vfs_posix(),
                                     .clock = clock_system(),
                                     .seed = t->seed,
                                     .file = STR("filebeat.yml"),
                                     .text = str_from(basic),
                                     .data_path = test_path(t, "data"),
                                     .env_get = env_get,
                                     .env_owner = w,
                                     .is_once = true};
}

static void *run_thread(void *arg)
{
    struct world *w = arg;
    w->rc = ship_run(w->ship, &w->err);
    return NULL;
}
static void start(struct world *w)
{
    assert_ok(ship_load(&w->config, &w->ship, &w->err), &w->err);
    assert_int_equal(pthread_create(&w->thread, NULL, run_thread, w), 0);
}
static void finish(struct world *w)
{
    (void)pthread_join(w->thread, NULL);
    assert_ok(w->rc, &w->err);
    ship_free(TAKE(w->ship));
}
static void run(struct world *w)
{
    start(w);
    finish(w);
}
static void world_deinit(struct world *w)
{
    peer_deinit(&w->peer);
}

static void append(struct world *w, const char *name, struct str text)
{
    struct err *err = &w->t->err;
    CLEANUP(vfs_close_ptr) struct vfs_file *file = NULL;
    struct vfs_stat st;
    assert_ok(vfs_open(vfs_posix(), test_path(w->t, name), VFS_WRITE | VFS_CREATE, &file, err),
              err);
    assert_ok(vfs_file_stat(file, &st, err), err);
    assert_ok(vfs_write_at(file, st.size_bytes, text.p, text.n, err), err);
}
#define APPEND(w, name, lit) append((w), (name), STR(lit))

/* "n:0\nn:1\n…" */
static void append_numbers(struct world *w, const char *name, unsigned from, unsigned count)
{
    struct buf text;
    buf_init(&text, 0);
    for (unsigned i = from; i < from + count; i++)
        buf_printf(&text, "n:%u some words to make it a line\n", i);
    append(w, name, buf_str(&text));
    buf_deinit(&text);
}

static void lines_become_events(struct test *t)
{
    struct world w;
    world_init(&w, t);
    APPEND(&w, "a.log", "one\ntwo \"x\"\xff\n\nhalf");
    run(&w);
    assert_str_eq(buf_str(&w.peer.messages), "one\ntwo \"x\"\xef\xbf\xbd\n");
    struct value v;
    assert_ok(value_from_json(w.peer.last_json, t->mem, &v, &t->err), &t->err);
    const struct value *log = value_map_get_lit(&v, "log"),
                       *meta = value_map_get_lit(&v, "@metadata");
    assert_int_equal(value_map_get_lit(log, "offset")->i, 4);
    assert_strs_eq(value_map_get_lit(value_map_get_lit(log, "file"), "path")->s,
                   test_path(t, "a.log"));
    assert_str_eq(value_map_get_lit(value_map_get_lit(&v, "input"), "type")->s, "log");
    assert_str_eq(value_map_get_lit(meta, "beat")->s, "filebeat");
    assert_str_eq(value_map_get_lit(meta, "version")->s, "7.17.29");
    assert_int_equal(value_map_get_lit(meta, "_id")->s.n, 32);
    assert_true(str_ends_with(value_map_get_lit(meta, "_id")->s, STR("000000000004")));
    assert_strs_eq(value_map_get_lit(value_map_get_lit(&v, "host"), "name")->s, os_hostname());
    assert_int_equal(value_map_get_lit(&v, "@timestamp")->s.n, 24);
    APPEND(&w, "a.log", " way\n"); /* goes on where it was */
    run(&w);
    assert_str_eq(buf_str(&w.peer.messages), "one\ntwo \"x\"\xef\xbf\xbd\nhalf way\n");
    world_deinit(&w);
}

/* Counts each number 0..count-1 in what came; `max`: how often one may come. Equal lines must have
 * equal ids. */
static void has_all(struct world *w, unsigned count, unsigned max)
{
    uint8_t *seen = arena_zalloc(w->t->mem, count);
    struct str *id_of = ARENA_ARRAY(w->t->mem, struct str, count);
    struct str messages = buf_str(&w->peer.messages), ids = buf_str(&w->peer.ids), line, id;
    while (str_split_next(&messages, '\n', &line) && str_split_next(&ids, '\n', &id) && line.n) {
        uint64_t n;
        struct str number = str_sub(line, 2, (size_t)str_find_char(line, ' ') - 2);
        if (!str_starts_with(line, STR("n:")) || !str_to_u64(number, &n) || n >= count)
            fail_msg("%.*s", STR_ARG(line));
        seen[n]++;
        if (id_of[n].p)
            assert_strs_eq(id, id_of[n]);
        id_of[n] = id;
    }
    for (unsigned i = 0; i < count; i++) {
        if (seen[i] < 1 || seen[i] > max)
            fail_msg("line %u came %u times", i, seen[i]);
    }
}

static void many_lines_and_files(struct test *t)
{
    struct world w;
    world_init(&w, t);
    for (unsigned i = 0; i < 10; i++)
        append_numbers(&w, arena_printf(t->mem, "%u.log", i).p, i * 3000, 3000);
    run(&w);
    has_all(&w, 30000, 1);
    assert_int_equal(w.peer.events, 30000);
    run(&w);
    assert_int_equal(w.peer.events, 30000); /* nothing again */
    world_deinit(&w);
}

static void the_peer_dies_mid_window(struct test *t)
{
    for (int partly = 0; partly < 2; partly++) {
        struct world w;
        world_init(&w, t);
        w.config.data_path = test_path(t, partly ? "d1" : "d0");
        w.peer.drops_after = 2500;
        w.peer.drop_times = 3;
        w.peer.acks_partly = partly == 1;
        if (partly == 0)
            append_numbers(&w, "a.log", 0, 10000);
        run(&w);
        has_all(&w, 10000, 7);
        world_deinit(&w);
    }
}

static void a_broken_protocol_is_no_loss(struct test *t)
{
    struct world w;
    world_init(&w, t);
    w.peer.acks_too_much = true;
    append_numbers(&w, "a.log", 0, 3000);
    run(&w);
    has_all(&w, 3000, 3);
    assert_true(w.peer.connections >= 2);
    world_deinit(&w);
}

/* Stopped before anything was acknowledged: the next run sends all of it again, with the same ids.
 */
static void unacknowledged_lines_come_again(struct test *t)
{
    struct world w;
    world_init(&w, t);
    w.config.is_once = false;
    w.config.overrides = (const struct str[]){STR("filebeat.shutdown_timeout=0s")};
    w.config.override_count = 1;
    peer_set(&w.peer, &w.peer.holds_acks, true);
    append_numbers(&w, "a.log", 0, 100);
    start(&w);
    peer_wait_events(&w.peer, 100);
    ship_stop(w.ship);
    finish(&w);
    peer_set(&w.peer, &w.peer.holds_acks, false);
    w.config.is_once = true;
    run(&w);
    assert_int_equal(w.peer.events, 200);
    has_all(&w, 100, 2);
    world_deinit(&w);
}

static void a_busy_peer_is_waited_for(struct test *t)
{
    struct world w;
    world_init(&w, t);
    w.config.overrides = (const struct str[]){STR("output.logstash.timeout=200ms")};
    w.config.override_count = 1;
    peer_set(&w.peer, &w.peer.holds_acks, true);
    append_numbers(&w, "a.log", 0, 10);
    start(&w);
    peer_wait_events(&w.peer, 10);
    (void)nanosleep(&(struct timespec){.tv_nsec = 500 * NS_PER_MS}, NULL);
    peer_set(&w.peer, &w.peer.holds_acks, false);
    finish(&w);
    assert_int_equal(w.peer.connections, 1);
    assert_int_equal(w.peer.events, 10);
    world_deinit(&w);
}

static void it_follows_and_stops(struct test *t)
{
    struct world w;
    world_init(&w, t);
    w.config.is_once = false;
    APPEND(&w, "a.log", "n:0 x\n");
    start(&w);
    peer_wait_events(&w.peer, 1);
    APPEND(&w, "a.log", "n:1 x\n");
    peer_wait_events(&w.peer, 2);
    assert_int_equal(rename(test_path(t, "a.log").p, test_path(t, "a.old").p), 0);
    APPEND(&w, "a.old", "n:2 x\n");
    APPEND(&w, "a.log", "n:3 x\n");
    peer_wait_events(&w.peer, 4);
    struct ship *second = NULL; /* the same data folder */
    assert_ok(ship_load(&w.config, &second, &t->err), &t->err);
    assert_err(ship_run(second, &t->err), &t->err, ERR_LOCKED);
    assert_err_has(&t->err, arena_printf(t->mem, "%lld", (long long)os_pid()).p);
    ship_free(second);
    ship_stop(w.ship);
    finish(&w);
    has_all(&w, 4, 1);
    world_deinit(&w);
}

static void failover_and_load_balancing(struct test *t)
{
    struct world w;
    struct peer other;
    world_init(&w, t);
    peer_init(&other, t);
    uint16_t dead = test_free_port();
    w.config.text = arena_printf(t->mem,
                                 "filebeat.inputs: [{type: log, paths: ['${LOGS}']}]\n"
                                 "output.logstash:\n"
                                 "  hosts: ['127.0.0.1:%u', '127.0.0.1:${PORT}', '127.0.0.1:%u']\n"
                                 "  loadbalance: true\n"
                                 "  bulk_max_size: 100\n"
                                 "  backoff: { init: 10ms, max: 50ms }\n",
                                 dead, other.port);
    append_numbers(&w, "a.log", 0, 5000);
    run(&w);
    assert_int_equal(w.peer.events + other.events, 5000);
    assert_true(w.peer.events > 0 && other.events > 0);
    w.config.overrides = (const struct str[]){STR("output.logstash.loadbalance=false")};
    w.config.override_count = 1;
    append_numbers(&w, "a.log", 5000, 10);
    run(&w);
    assert_int_equal(w.peer.events + other.events, 5010);
    peer_deinit(&other);
    world_deinit(&w);
}

static void fields_tags_and_lines_left_out(struct test *t)
{
    struct world w;
    world_init(&w, t);
    w.config.text = STR("name: shipper1\n"
                        "tags: [all]\n"
                        "fields: {env: test}\n"
                        "fields_under_root: true\n"
                        "filebeat.inputs:\n"
                        "- type: filestream\n"
                        "  id: one\n"
                        "  paths: ['${LOGS}']\n"
                        "  tags: [a, b]\n"
                        "  fields: {n: 7, deep.er: x}\n"
                        "  message_max_bytes: 5\n"
                        "output.logstash.hosts: ['127.0.0.1:${PORT}']\n"
                        "output.logstash.compression_level: 0\n"
                        "output.logstash.index: mybeat\n");
    APPEND(&w, "a.log", "long line\n");
    run(&w);
    struct str json = w.peer.last_json;
    assert_str_has(json, "\"message\":\"long \"");
    assert_str_has(json, "\"flags\":[\"truncated\"]");
    assert_str_has(json, "\"fields\":{\"n\":7,\"deep\":{\"er\":\"x\"}}");
    assert_str_has(json, "\"env\":\"test\"");
    assert_str_has(json, "\"tags\":[\"all\",\"a\",\"b\"]");
    assert_str_has(json, "\"beat\":\"mybeat\"");
    assert_str_has(json, "\"host\":{\"name\":\"shipper1\"}");
    assert_str_has(json, "\"input\":{\"type\":\"filestream\"}");
    world_deinit(&w);
}

/* What a Filebeat left behind is taken over: offsets, and the agent's id. */
static void an_existing_registry(struct test *t)
{
    struct world w;
    struct vfs_stat st;
    struct err *err = &t->err;
    world_init(&w, t);
    APPEND(&w, "a.log", "n:9 sent\nn:0 new\n");
    APPEND(&w, "b.log", "n:1 new\n");
    struct vfs *fs = vfs_posix();
    assert_ok(vfs_stat(fs, test_path(t, "a.log"), true, &st, err), err);
    assert_ok(vfs_make_dir(fs, test_path(t, "data/registry/filebeat"), err), err);
    assert_ok(vfs_write_file(fs, test_path(t, "data/meta.json"),
                             STR("{\"uuid\":\"01234567-89ab-4cde-8f01-23456789abcd\"}"), err),
              err);
    assert_ok(vfs_write_file(fs, test_path(t, "data/registry/filebeat/meta.json"),
                             STR("{\"version\":\"1\"}"), err),
              err);
    struct str log = arena_printf(
        t->mem,
        "{\"op\":\"set\",\"id\":1}\n"
        "{\"k\":\"filebeat::logs::native::%llu-%llu\",\"v\":{\"id\":\"native::%llu-%llu\",\"prev_"
        "id\":\"\",\"ttl\":-1,"
        "\"type\":\"log\",\"source\":\"%s\",\"offset\":9,\"timestamp\":[281470681743360,1700000000]"
        ","
        "\"FileStateOS\":{\"inode\":%llu,\"device\":%llu},\"identifier_name\":\"native\"}}\n"
        "{\"op\":\"set\",\"id\":2}\n"
        "{\"k\":\"winlogbeat::other\",\"v\":{\"kept\":[1,2.50,\"x\"]}}\n"
        "{\"op\":\"set\",\"id\":3}\n{\"k\":\"torn",
        (unsigned long long)st.inode, (unsigned long long)st.device, (unsigned long long)st.inode,
        (unsigned long long)st.device, test_path(t, "a.log").p, (unsigned long long)st.inode,
        (unsigned long long)st.device);
    assert_ok(vfs_write_file(fs, test_path(t, "data/registry/filebeat/log.json"), log, err), err);
    run(&w);
    has_all(&w, 2, 1);
    assert_str_has(w.peer.last_json, "\"id\":\"01234567-89ab-4cde-8f01-23456789abcd\"");
    struct registry *registry = NULL;
    uint64_t torn = 0;
    assert_ok(registry_open(fs, test_path(t, "data/registry/filebeat"), &registry, &torn, err),
              err);
    assert_int_equal(torn, 0);
    assert_str_eq(registry_get(registry, STR("winlogbeat::other")), "{\"kept\":[1,2.50,\"x\"]}");
    assert_str_has(registry_get(registry, arena_printf(t->mem, "filebeat::logs::native::%llu-%llu",
                                                       (unsigned long long)st.inode,
                                                       (unsigned long long)st.device)),
                   "\"offset\":17");
    registry_close(registry);
    world_deinit(&w);
}

/* 20 MB of bytes that JSON writes as six each: no frame takes that. */
static void a_line_that_is_too_long_to_send(struct test *t)
{
    struct world w;
    world_init(&w, t);
    w.config.overrides = (const struct str[]){
        STR("filebeat.inputs=[{type: log, paths: ['${LOGS}'], max_bytes: 20MiB}]")};
    w.config.override_count = 1;
    char *line = arena_alloc(t->mem, 20 * MIB);
    memset(line, 1, 20 * MIB);
    line[20 * MIB - 1] = '\n';
    append(&w, "a.log", (struct str){line, 20 * MIB});
    APPEND(&w, "a.log", "next\n");
    run(&w);
    assert_int_equal(w.peer.events, 2);
    assert_true(str_ends_with(buf_str(&w.peer.messages), STR("next\n")));
    assert_int_equal(w.peer.messages.n, 10 * MIB + 1 + strlen("next\n"));
    world_deinit(&w);
}

static void fails(struct test *t, const char *text, enum err_code code, const char *place,
                  const char *part)
{
    struct world w = {.t = t};
    struct ship_config config = {.fs = vfs_posix(),
                                 .clock = clock_system(),
                                 .file = STR("f.yml"),
                                 .text = str_from(text),
                                 .env_get = env_get,
                                 .env_owner = &w};
    struct ship *ship = NULL;
    log_set_level(LOG_OFF);
    assert_err(ship_load(&config, &ship, &t->err), &t->err, code);
    assert_str_eq(arena_printf(t->mem, "%s:%u:%u", t->err.file, t->err.line, t->err.column), place);
    assert_err_has(&t->err, part);
}

#define INPUT  "filebeat.inputs:\n- type: log\n  paths: [/x]\n"
#define OUTPUT "output.logstash.hosts: [h]\n"

static void errors_have_a_place(struct test *t)
{
    fails(t, "a: b: c\n", ERR_CONFIG, "f.yml:1:5", "mapping values are not allowed");
    fails(t, "- x\n", ERR_CONFIG, "f.yml:1:1", "must be a map");
    fails(t, INPUT "outptu.logstash: 1\n" OUTPUT, ERR_CONFIG, "f.yml:4:1",
          "did you mean \"output\"");
    fails(t, INPUT "  pahts: 1\n" OUTPUT, ERR_CONFIG, "f.yml:4:3", "did you mean \"paths\"");
    fails(t, INPUT "  close_inactive: soon\n" OUTPUT, ERR_CONFIG, "f.yml:4:3", "duration");
    fails(t, INPUT "  encoding: euc-kr\n" OUTPUT, ERR_UNSUPPORTED, "f.yml:4:3", "euc-kr");
    fails(t, INPUT "  json.keys_under_root: true\n" OUTPUT, ERR_UNSUPPORTED, "f.yml:4:3", "json");
    fails(t, INPUT "  include_lines: ['a(']\n" OUTPUT, ERR_CONFIG, "f.yml:4:19", "a(");
    fails(t, "filebeat.inputs:\n- type: journald\n" OUTPUT, ERR_UNSUPPORTED, "f.yml:2:3",
          "journald");
    fails(t, "filebeat.inputs:\n- type: log\n" OUTPUT, ERR_CONFIG, "f.yml:2:3", "no paths");
    fails(t, "filebeat.inputs:\n- type: log\n  enabled: false\n" OUTPUT, ERR_CONFIG, "f.yml:1:1",
          "no input is enabled");
    fails(t, "filebeat.inputs: [{type: log, paths: ['${NOT_THERE}']}]\n" OUTPUT, ERR_CONFIG,
          "f.yml:1:39", "NOT_THERE");
    fails(t, INPUT, ERR_CONFIG, "f.yml:1:1", "no output");
    fails(t, INPUT "output.elasticsearch.hosts: [h]\n", ERR_UNSUPPORTED, "f.yml:4:1",
          "output.elasticsearch");
    fails(t, INPUT OUTPUT "output.console.pretty: true\n", ERR_CONFIG, "f.yml:5:1", "two outputs");
    fails(t, INPUT "output.logstash:\n  hosts: [h]\n  ssl.enabled: true\n", ERR_UNSUPPORTED,
          "f.yml:6:3", "ssl");
    fails(t, INPUT "output.logstash:\n  hosts: ['h:99999']\n", ERR_CONFIG, "f.yml:5:11", "99999");
    fails(t, INPUT "output.logstash:\n  hosts: []\n", ERR_CONFIG, "f.yml:5:3", "empty");
    fails(t, INPUT OUTPUT "filebeat.modules: [{module: nginx}]\n", ERR_UNSUPPORTED, "f.yml:5:20",
          "modules");
    fails(t, INPUT OUTPUT "queue.disk.max_size: 1GB\n", ERR_UNSUPPORTED, "f.yml:5:1",
          "queue on disk");
    fails(t, INPUT OUTPUT "tags: a\ntags: b\n", ERR_CONFIG, "f.yml:6:1", "twice");
}

TEST_MAIN(TEST(lines_become_events), TEST(many_lines_and_files), TEST(the_peer_dies_mid_window),
          TEST(a_broken_protocol_is_no_loss), TEST(unacknowledged_lines_come_again),
          TEST(a_busy_peer_is_waited_for), TEST(it_follows_and_stops),
          TEST(failover_and_load_balancing), TEST(fields_tags_and_lines_left_out),
          TEST(an_existing_registry), TEST(a_line_that_is_too_long_to_send),
          TEST(errors_have_a_place))
