/* SPDX-License-Identifier: Apache-2.0 */
/* ship_kill_test.c: a shipper as a process of its own is killed with SIGKILL again and again, at
 * random moments, while files grow and are rotated. In the end every line must have come, and a
 * line that came twice must have come with the same id both times, and no two lines with one id. */
#include "ship/peer_test.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "os/os.h"
#include "ship/ship.h"

#define KILLS 25u

extern char **environ;

struct world {
    struct test *t;
    struct peer peer;
    const char *dir;
    uint32_t lines, rotations;
};

/* ---- the child: FOLDER PORT once|follow ---- */

static int child(char **argv)
{
    struct arena *mem = arena_new(0);
    struct err err;
    struct ship *ship = NULL;
    struct ship_config config = {
        .fs = vfs_posix(),
        .clock = clock_system(),
        .seed = os_entropy_u64(),
        .file = STR("kill.yml"),
        .data_path = arena_printf(mem, "%s/data", argv[2]),
        .is_once = strcmp(argv[4], "once") == 0,
        .text = arena_printf(mem,
                             "filebeat.registry.flush: 10ms\n"
                             "filebeat.inputs:\n"
                             "- type: log\n"
                             "  paths: ['%s/a.log*', '%s/b.log']\n"
                             "  scan_frequency: 10ms\n"
                             "  backoff: 2ms\n"
                             "  max_backoff: 5ms\n"
                             "output.logstash: { hosts: ['127.0.0.1:%s'], bulk_max_size: 50, "
                             "backoff: {init: 5ms, max: 20ms} }\n",
                             argv[2], argv[2], argv[3])};
    log_set_level(LOG_ERROR);
    if (ship_load(&config, &ship, &err) < 0 || ship_run(ship, &err) < 0) {
        log_err(LOG_ERROR, "ship_kill", &err);
        return 1;
    }
    ship_free(ship);
    arena_free(mem);
    return 0;
}

static pid_t spawned(struct world *w, const char *how)
{
    char port[8];
    (void)snprintf(port, sizeof(port), "%u", w->peer.port);
    char self[] = "/proc/self/exe", name[] = "--child";
    char *dir = mem_cstr(str_from(w->dir)), *mode = mem_cstr(str_from(how));
    char *argv[] = {self, name, dir, port, mode, NULL};
    pid_t pid = -1;
    assert_int_equal(posix_spawn(&pid, self, NULL, NULL, argv, environ), 0);
    mem_free(dir);
    mem_free(mode);
    return pid;
}

static int waited(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* ---- the log's writer ---- */

static void append_some(struct world *w, const char *name)
{
    FILE *file = fopen(arena_printf(w->t->mem, "%s/%s", w->dir, name).p, "a");
    assert_non_null(file);
    for (uint64_t n = rng_below(&w->t->rng, 60); n > 0; n--)
        fprintf(file, "line %u of many\n", w->lines++);
    assert_int_equal(fclose(file), 0);
}

static void work(struct world *w)
{
    for (uint64_t n = 1 + rng_below(&w->t->rng, 8); n > 0; n--) {
        append_some(w, rng_below(&w->t->rng, 3) ? "a.log" : "b.log");
        if (rng_below(&w->t->rng, 6) == 0 &&
            access(arena_printf(w->t->mem, "%s/a.log", w->dir).p, F_OK) == 0) {
            struct str to = arena_printf(w->t->mem, "%s/a.log.%u", w->dir, ++w->rotations);
            assert_int_equal(rename(arena_printf(w->t->mem, "%s/a.log", w->dir).p, to.p), 0);
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = (long)rng_below(&w->t->rng, 15) * NS_PER_MS},
                        NULL);
    }
}

static void check(struct world *w)
{
    struct str *id_of = ARENA_ARRAY(w->t->mem, struct str, w->lines);
    struct str messages = buf_str(&w->peer.messages), ids = buf_str(&w->peer.ids), line, id;
    struct strmap by_id;
    size_t again = 0;
    strmap_init(&by_id);
    while (str_split_next(&messages, '\n', &line) && str_split_next(&ids, '\n', &id) && line.n) {
        uint64_t n = 0;
        struct str number =
            str_sub(line, 5, (size_t)MAX_OF(str_find(line, STR(" of many")), (ptrdiff_t)5) - 5);
        if (!str_to_u64(number, &n) || n >= w->lines)
            fail_msg("a line that was never written: %.*s", STR_ARG(line));
        again += id_of[n].p != NULL;
        if (id_of[n].p)
            assert_strs_eq(id, id_of[n]);
        void *other = strmap_put(&by_id, id, (void *)(uintptr_t)(n + 1));
        if (other && (uintptr_t)other != n + 1)
            fail_msg("lines %llu and %zu have one id", (unsigned long long)n,
                     (size_t)(uintptr_t)other - 1);
        id_of[n] = id;
    }
    for (uint32_t i = 0; i < w->lines; i++) {
        if (!id_of[i].p)
            fail_msg("line %u of %u is lost", i, w->lines);
    }
    strmap_deinit(&by_id);
    print_message("%u lines, %u rotations, %zu came again\n", w->lines, w->rotations, again);
}

static void killed_at_random_moments(struct test *t)
{
    struct world w = {.t = t};
    peer_init(&w.peer, t);
    w.dir = test_dir(t).p;
    for (unsigned i = 0; i < KILLS; i++) {
        pid_t pid = spawned(&w, "follow");
        work(&w);
        (void)nanosleep(&(struct timespec){.tv_nsec = (long)rng_below(&t->rng, 40) * NS_PER_MS},
                        NULL);
        assert_int_equal(kill(pid, SIGKILL), 0);
        int status = waited(pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL); /* it ran until then */
        if (rng_below(&t->rng, 2) == 0)
            work(&w); /* nobody is looking */
    }
    assert_int_equal(waited(spawned(&w, "once")), 0);
    size_t events = peer_events(&w.peer);
    assert_int_equal(waited(spawned(&w, "once")), 0);
    assert_int_equal(peer_events(&w.peer), events); /* all is acknowledged, nothing comes again */
    peer_stop(&w.peer);
    check(&w);
    peer_deinit(&w.peer);
}

int main(int argc, char **argv)
{
    static const struct test_row rows[] = {TEST(killed_at_random_moments)};
    if (argc == 5 && strcmp(argv[1], "--child") == 0)
        return child(argv);
    return test__main(argc, argv, rows, ARRAY_COUNT(rows));
}
