/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 at random moments: a child process with two writer threads and the background thread
 * works on a real folder and tells each acknowledgement through a pipe; the parent kills it, opens
 * the folder and holds it against what it was told. The folder lives on from kill to kill.
 * NARU_KILLS sets how many (default 12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rng.h"
#include "base/str.h"
#include "index/engine.h"
#include "index/segment.h"
#include "os/os.h"

#define WRITERS 2u
#define IDS     500u /* per writer */
#define BATCH   7u

/* Told by the child: writer, id, and the content number; content 0: deleted. */
struct ack {
    uint32_t writer, id;
    uint64_t content;
};

struct writer {
    struct engine *engine;
    uint32_t number;
    int pipe;
    uint64_t seed, content;
};

static char folder[] = "/tmp/naru-kill-XXXXXX";
static uint64_t acked[WRITERS][IDS];
static bool is_told[WRITERS][IDS];

static int engine_on(struct engine **ret_engine, bool is_single_threaded, struct err *err)
{
    struct engine_config config = {.fs = vfs_posix(),
                                   .clock = clock_system(),
                                   .seed = (uint64_t)os_pid(),
                                   .path = str_from(folder),
                                   .is_single_threaded = is_single_threaded,
                                   .lane_count = 2,
                                   .memory_bytes_max = 8 * MIB,
                                   .wal_file_bytes_max = 256 * KIB};
    return engine_open(&config, ret_engine, err);
}

static NORETURN void ended(int status, const struct err *err)
{
    fprintf(stderr, "child: %s\n", err->text);
    _exit(status);
}

static void *writer_run(void *arg)
{
    struct writer *w = arg;
    struct arena *mem = arena_new(0);
    struct rng rng;
    rng_init(&rng, w->seed);
    for (;;) {
        struct doc_write writes[BATCH];
        struct doc_result results[BATCH];
        struct ack acks[BATCH];
        struct err err;
        arena_reset(mem);
        for (size_t i = 0; i < BATCH; i++) {
            uint32_t id = (uint32_t)rng_below(&rng, IDS);
            bool is_delete = rng_below(&rng, 5) == 0;
            acks[i] = (struct ack){w->number, id, is_delete ? 0 : ++w->content};
            writes[i] = DOC_WRITE_INIT;
            writes[i].op = is_delete ? DOC_DELETE : DOC_INDEX;
            writes[i].index = STR("k");
            writes[i].id = arena_printf(mem, "%u-%u", w->number, id);
            writes[i].source =
                arena_printf(mem, "{\"c\":%llu,\"text\":\"some words of document %u\"}",
                             (unsigned long long)acks[i].content, id);
        }
        if (engine_write(w->engine, writes, BATCH, rng_below(&rng, 50) ? REFRESH_NONE : REFRESH_NOW,
                         mem, results, &err) < 0)
            ended(3, &err);
        for (size_t i = 0; i < BATCH; i++) {
            if (results[i].outcome == DOC_FAILED)
                _exit(4);
        }
        if (write(w->pipe, acks, sizeof(acks)) != (ssize_t)sizeof(acks))
            _exit(5);
        if (rng_below(&rng, 400) == 0 && engine_flush(w->engine, STR("k"), &err) < 0)
            ended(6, &err);
        if (rng_below(&rng, 900) == 0 && engine_force_merge(w->engine, STR("k"), 1, &err) < 0)
            ended(7, &err);
    }
}

static NORETURN void child(int pipe_out, uint64_t seed, uint64_t content)
{
    struct engine *engine;
    struct err err;
    if (engine_on(&engine, false, &err) < 0) {
        fprintf(stderr, "child: %s\n", err.text);
        _exit(2);
    }
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i] =
            (struct writer){engine, i, pipe_out, seed * 2 + i, content + (uint64_t)i * 100000000};
        if (pthread_create(&threads[i], NULL, writer_run, &writers[i]) != 0)
            _exit(8);
    }
    for (;;)
        (void)pause();
}

static void acks_take(int pipe_in)
{
    struct ack acks[BATCH];
    size_t have = 0;
    for (;;) {
        ssize_t n = read(pipe_in, (char *)acks + have, sizeof(acks) - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        have += (size_t)n;
        if (have < sizeof(acks))
            continue;
        have = 0;
        for (size_t i = 0; i < BATCH; i++) {
            acked[acks[i].writer][acks[i].id] = acks[i].content;
            is_told[acks[i].writer][acks[i].id] = true;
        }
    }
}

static uint64_t content_of(struct str source)
{
    uint64_t v = 0;
    struct str rest = str_from_off(source, 5);
    ptrdiff_t comma = str_find_char(rest, ',');
    assert_true(comma > 0 && str_to_u64(str_sub(rest, 0, (size_t)comma), &v));
    return v;
}

/* The last batch of a writer may be there without having been told: then the content is newer than
 * the told one. */
static uint64_t verify(uint64_t round)
{
    struct engine *engine;
    struct arena *mem = arena_new(0);
    struct err err = {0};
    uint64_t there = 0, untold = 0;
    if (engine_on(&engine, true, &err) < 0)
        fail_msg("kill %llu: open: %s", (unsigned long long)round, err.text);
    for (uint32_t w = 0; w < WRITERS && engine_index_exists(engine, STR("k")); w++) {
        for (uint32_t id = 0; id < IDS; id++) {
            struct doc_get doc;
            if (engine_get(engine, STR("k"), arena_printf(mem, "%u-%u", w, id), true, mem, &doc,
                           &err) < 0)
                fail_msg("get: %s", err.text);
            uint64_t content = doc.is_found ? content_of(doc.source) : 0;
            there += doc.is_found;
            if (content == acked[w][id] || (!is_told[w][id] && content == 0))
                continue;
            untold++;
            if (content != 0 && content <= acked[w][id])
                fail_msg("kill %llu: %u-%u reads %llu, acknowledged was %llu",
                         (unsigned long long)round, w, id, (unsigned long long)content,
                         (unsigned long long)acked[w][id]);
            acked[w][id] = content; /* what is there now counts from here on */
            is_told[w][id] = true;
        }
    }
    if (untold > WRITERS * BATCH)
        fail_msg("kill %llu: %llu documents differ from what was acknowledged, at most %u can be "
                 "in flight",
                 (unsigned long long)round, (unsigned long long)untold, WRITERS * BATCH);
    engine_close(engine);
    arena_free(mem);
    return there;
}

static void folder_remove(void)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    (void)!system(command);
}

static void test_kill(void **state)
{
    (void)state;
    uint64_t kills = 12, there = 0, told = 0;
    const char *text = getenv("NARU_KILLS");
    struct rng rng;
    if (text)
        (void)str_to_u64(str_from(text), &kills);
    rng_init(&rng, 99);
    assert_non_null(mkdtemp(folder));
    for (uint64_t k = 0; k < kills; k++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        uint64_t content = (k + 1) * 1000000; /* contents grow from kill to kill */
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            (void)close(ends[0]);
            child(ends[1], k + 1, content);
        }
        (void)close(ends[1]);
        /* Read while it runs, so that the pipe does not fill up. */
        int64_t until_ns =
            clock_monotonic_ns(clock_system()) + rng_between(&rng, 50, 600) * NS_PER_MS;
        uint64_t killed = 0;
        struct ack acks[BATCH];
        while (!killed) {
            struct pollfd fd = {.fd = ends[0], .events = POLLIN};
            if (clock_monotonic_ns(clock_system()) >= until_ns) {
                assert_int_equal(kill(pid, SIGKILL), 0);
                killed = 1;
                break;
            }
            if (poll(&fd, 1, 5) > 0) {
                ssize_t n = read(ends[0], acks, sizeof(acks));
                if (n == 0)
                    break;
                assert_int_equal(n, sizeof(acks)); /* writes below PIPE_BUF are atomic */
                for (size_t i = 0; i < BATCH; i++) {
                    acked[acks[i].writer][acks[i].id] = acks[i].content;
                    is_told[acks[i].writer][acks[i].id] = true;
                    told++;
                }
            }
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFSIGNALED(status))
            fail_msg("kill %llu: the child ended by itself with %d", (unsigned long long)k,
                     WEXITSTATUS(status));
        acks_take(ends[0]);
        (void)close(ends[0]);
        struct buf report;
        struct err err = {0};
        buf_init(&report, 0);
        if (index_check(vfs_posix(), str_from(folder), &report, &err) < 0)
            fail_msg("kill %llu: check: %s", (unsigned long long)k, err.text);
        buf_deinit(&report);
        there = verify(k);
    }
    print_message("%llu kills, %llu acknowledgements, %llu documents at the end: none lost\n",
                  (unsigned long long)kills, (unsigned long long)told, (unsigned long long)there);
    folder_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
