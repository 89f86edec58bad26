/* SPDX-License-Identifier: Apache-2.0 */
/* Power cuts on real file systems: an ext4 and an xfs image, mounted through a loop device. A child
 * works in it as in the kill test and tells its acknowledgements to a pipe, so they are outside of
 * the image; at a random moment the file system goes down without writing what it holds back
 * (xfs_io -x -c shutdown), the child ends at its next failing call, the image is unmounted, mounted
 * (the file system repairs itself from its journal) and the folder held against what was told.
 * Every third cut lets the file system write its journal first (shutdown -f), which shows metadata
 * that is newer than the data.
 *
 * Only what was acknowledged before the command to go down counts as acknowledged: of what was told
 * while it went down, some may be missing, and such items may be there or not. Whether that is the
 * file system's doing or ours, the control says: a plain program that appends to one file, syncs,
 * and tells the number, cut in the same way. What it told before has to be there; what it told
 * while the file system went down and is missing is counted and said. No loss of power does that:
 * nobody runs on to tell. With NARU_POWER_CUTS=60: of 59 told meanwhile 14 were missing on ext4, of
 * 401 5 on xfs, so such answers of a sync are worth nothing, whoever asks.
 *
 * What this cannot show: a device that loses what it said was flushed, and reorders; those are
 * vfs_sim's (power_test.c).
 *
 * Needs root, loop devices, mkfs.ext4, mkfs.xfs and xfs_io: else it is skipped and says why.
 * NARU_POWER_CUTS sets how many per file system (default 4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "crash/acks.h"

#define IMAGE_BYTES  (400 * MIB) /* xfs wants 300 */
#define CHILD_END_NS (20 * NS_PER_S)

static char top[64], image[96], mount_point[96], folder[128];

/* The exit status; the output is thrown away. */
static int run(const char *format, ...) PRINTF_LIKE(1, 2);
static int run(const char *format, ...)
{
    char command[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(command, sizeof(command) - 16, format, args);
    va_end(args);
    memcpy(command + n, " >/dev/null 2>&1", 17);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void must(int status, const char *what)
{
    if (status != 0)
        fail_msg("%s: status %d (in %s)", what, status, top);
}

static void mount_it(void)
{
    must(run("mount -o loop %s %s", image, mount_point), "mount");
}

static void unmount_it(void)
{
    /* Somebody who indexes new mounts may hold it for a moment. */
    for (int i = 0; i < 50; i++) {
        if (run("umount %s", mount_point) == 0)
            return;
        (void)usleep(100000);
    }
    fail_msg("cannot unmount %s", mount_point);
}

/* NULL, or why cuts are not possible here. */
static const char *image_make(const char *fs)
{
    static char why[160];
    (void)snprintf(top, sizeof(top), "/tmp/naru-power-XXXXXX");
    if (geteuid() != 0)
        return "not root";
    if (run("command -v mkfs.%s", fs) != 0 || run("command -v xfs_io") != 0) {
        (void)snprintf(why, sizeof(why), "mkfs.%s or xfs_io is not there", fs);
        return why;
    }
    assert_non_null(mkdtemp(top));
    (void)snprintf(image, sizeof(image), "%s/image", top);
    (void)snprintf(mount_point, sizeof(mount_point), "%s/mnt", top);
    (void)snprintf(folder, sizeof(folder), "%s/data", mount_point);
    assert_int_equal(mkdir(mount_point, 0700), 0);
    int fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && ftruncate(fd, (off_t)IMAGE_BYTES) == 0 && close(fd) == 0);
    must(run("mkfs.%s %s %s", fs, fs[0] == 'e' ? "-q -F" : "-q -f", image), "mkfs");
    if (run("mount -o loop %s %s", image, mount_point) != 0) {
        (void)run("rm -rf %s", top);
        (void)snprintf(why, sizeof(why), "no loop device, or no %s in the kernel", fs);
        return why;
    }
    return NULL;
}

static void acks_drain(struct ack_world *w, int pipe_in, int64_t until_ns)
{
    struct ack acks[ACK_BATCH];
    for (;;) {
        int64_t left_ns = until_ns - clock_monotonic_ns(clock_system());
        struct pollfd fd = {.fd = pipe_in, .events = POLLIN};
        if (left_ns <= 0)
            return;
        if (poll(&fd, 1, (int)(left_ns / NS_PER_MS) + 1) <= 0)
            continue;
        ssize_t n = read(pipe_in, acks, sizeof(acks));
        if (n == 0)
            return;
        assert_int_equal(n, sizeof(acks));
        ack_take(w, acks);
    }
}

static void run_and_cut(struct ack_world *w, uint64_t k, struct rng *rng, bool is_journal_written)
{
    int ends[2], status;
    w->cut_ns = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC); /* that its disk is gone is the point */
        if (null >= 0)
            (void)dup2(null, STDERR_FILENO);
        ack_child(folder, ends[1], k, k * 1000000);
    }
    (void)close(ends[1]);
    acks_drain(w, ends[0],
               clock_monotonic_ns(clock_system()) + rng_between(rng, 20, 500) * NS_PER_MS);
    w->cut_ns = clock_monotonic_ns(clock_system());
    must(run("xfs_io -x -c 'shutdown%s' %s", is_journal_written ? " -f" : "", mount_point),
         "shutdown");
    acks_drain(w, ends[0], clock_monotonic_ns(clock_system()) + CHILD_END_NS);
    (void)kill(pid, SIGKILL); /* it ended at its first failing call; else this test says so */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    /* 3: a call failed; 4: a page of a mapped segment could not be read. */
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 3 && WEXITSTATUS(status) != 4))
        fail_msg("cut %llu: the child did not end by a failing disk: status %x",
                 (unsigned long long)k, (unsigned)status);
    (void)close(ends[0]);
    unmount_it();
    mount_it();
}

static void cuts(const char *fs)
{
    uint64_t count = ack_env("NARU_POWER_CUTS", 4);
    struct ack_world *w = MEM_NEW(struct ack_world);
    struct rng rng;
    char what[700];
    const char *why_not = image_make(fs);
    if (why_not) {
        print_message("%s: SKIPPED: %s\n", fs, why_not);
        mem_free(w);
        skip();
    }
    rng_init(&rng, ack_env("NARU_SEED", 7));
    for (uint64_t k = 1; k <= count; k++) {
        run_and_cut(w, k, &rng, k % 3 == 0);
        if (ack_verify(w, folder, what, sizeof(what)) < 0) {
            unmount_it();
            fail_msg("%s, cut %llu: %s (the image is %s)", fs, (unsigned long long)k, what, image);
        }
    }
    print_message("%s: %llu power cuts, %llu acknowledgements: none lost, none doubled, nothing "
                  "invented (%llu more came while it went down)\n",
                  fs, (unsigned long long)count, (unsigned long long)w->told,
                  (unsigned long long)w->late);
    unmount_it();
    (void)run("rm -rf %s", top);
    mem_free(w);
}

/* ---- The control: no engine ---- */

#define CONTROL_RECORD_BYTES 1024u

struct control_ack {
    uint64_t number;
    int64_t at_ns;
};

static NORETURN void control_child(int out)
{
    char path[160], record[CONTROL_RECORD_BYTES] = {0};
    (void)snprintf(path, sizeof(path), "%s/control", mount_point);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (uint64_t n = 1; fd >= 0; n++) {
        memcpy(record, &n, sizeof(n));
        if (write(fd, record, sizeof(record)) != (ssize_t)sizeof(record) || fdatasync(fd) != 0)
            break;
        struct control_ack ack = {n, clock_monotonic_ns(clock_system())};
        if (write(out, &ack, sizeof(ack)) != (ssize_t)sizeof(ack))
            break;
    }
    _exit(3);
}

/* How many records are whole, from the first on. */
static uint64_t control_count(void)
{
    char path[160], record[CONTROL_RECORD_BYTES];
    uint64_t n = 0, number;
    (void)snprintf(path, sizeof(path), "%s/control", mount_point);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && read(fd, record, sizeof(record)) == (ssize_t)sizeof(record)) {
        memcpy(&number, record, sizeof(number));
        if (number != n + 1)
            break;
        n = number;
    }
    if (fd >= 0)
        (void)close(fd);
    return n;
}

struct control {
    uint64_t told, late, late_missing;
};

static void control_cut(struct control *c, struct rng *rng, bool is_journal_written)
{
    int ends[2], status;
    struct control_ack ack;
    uint64_t sure = 0, last = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        control_child(ends[1]);
    }
    (void)close(ends[1]);
    clock_sleep_ns(clock_system(), rng_between(rng, 10, 60) * NS_PER_MS);
    int64_t cut_ns = clock_monotonic_ns(clock_system());
    must(run("xfs_io -x -c 'shutdown%s' %s", is_journal_written ? " -f" : "", mount_point),
         "shutdown");
    assert_int_equal(waitpid(pid, &status, 0), pid); /* its pipe holds all of it */
    while (read(ends[0], &ack, sizeof(ack)) == (ssize_t)sizeof(ack)) {
        last = ack.number;
        if (ack.at_ns < cut_ns)
            sure = ack.number;
    }
    (void)close(ends[0]);
    unmount_it();
    mount_it();
    uint64_t there = control_count();
    if (there < sure)
        fail_msg("control: %llu were told before the cut, %llu are there (in %s)",
                 (unsigned long long)sure, (unsigned long long)there, top);
    c->told += sure;
    c->late += last - sure;
    c->late_missing += last > there ? last - there : 0;
}

static void control_cuts(const char *fs)
{
    uint64_t count = ack_env("NARU_POWER_CUTS", 4);
    struct control c = {0};
    struct rng rng;
    const char *why_not = image_make(fs);
    if (why_not) {
        print_message("%s: SKIPPED: %s\n", fs, why_not);
        skip();
    }
    rng_init(&rng, ack_env("NARU_SEED", 7));
    for (uint64_t k = 1; k <= count; k++)
        control_cut(&c, &rng, k % 3 == 0);
    print_message("%s, a plain file: %llu cuts, %llu syncs told before: all there; %llu told while "
                  "it went down, %llu of them missing\n",
                  fs, (unsigned long long)count, (unsigned long long)c.told,
                  (unsigned long long)c.late, (unsigned long long)c.late_missing);
    unmount_it();
    (void)run("rm -rf %s", top);
}

static void test_control_ext4(void **state)
{
    (void)state;
    control_cuts("ext4");
}

static void test_control_xfs(void **state)
{
    (void)state;
    control_cuts("xfs");
}

static void test_ext4(void **state)
{
    (void)state;
    cuts("ext4");
}

static void test_xfs(void **state)
{
    (void)state;
    cuts("xfs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ext4), cmocka_unit_test(test_xfs),
                                       cmocka_unit_test(test_control_ext4),
                                       cmocka_unit_test(test_control_xfs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
