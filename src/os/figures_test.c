/* SPDX-License-Identifier: Apache-2.0 */
/* figures_test.c: what is said of process, machine and disks agrees with what the kernel says
 * otherwise, and moves with what the process does. */
#include "support/test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "os/os.h"

static struct os_figures figures(void)
{
    struct os_figures f;
    memset(&f, 0xFF, sizeof(f)); /* whatever was there before */
    os_figures(&f);
    return f;
}

/* Kilobytes of a line of /proc/meminfo, read otherwise. */
static uint64_t kernel_kb(const char *name)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[128], key[64];
    unsigned long long kb = 0, value;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "%63[^:]: %llu kB", key, &value) == 2 && strcmp(key, name) == 0)
            kb = value;
    }
    (void)fclose(file);
    return kb;
}

static void memory_is_the_kernels(struct test *t UNUSED)
{
    struct os_figures f = figures();
    assert_true(f.memory_total > 0);
    assert_int_equal(f.memory_total, kernel_kb("MemTotal") * KIB);
    assert_int_equal(f.swap_total, kernel_kb("SwapTotal") * KIB);
    assert_in_range(f.memory_free, 1, f.memory_total);
    assert_in_range(f.memory_available, 1, f.memory_total);
    assert_in_range(f.swap_free, 0, f.swap_total);
}

static void address_space_grows_with_mappings(struct test *t UNUSED)
{
    const size_t n = 512 * MIB;
    uint64_t before = figures().virtual_bytes;
    assert_true(before >= os_rss_bytes());
    void *p = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_in_range(figures().virtual_bytes - before, n, n + n / 4); /* a page table of a tool's */
    assert_int_equal(munmap(p, n), 0);
    assert_in_range(figures().virtual_bytes, before, before + n / 4);
}

static void descriptors_are_counted(struct test *t UNUSED)
{
    int fds[20];
    uint64_t before = 0;
    for (int fd = 0; fd < 4096; fd++)
        before += fcntl(fd, F_GETFD) >= 0;
    assert_int_equal(figures().fds_open, before);
    assert_int_equal(figures().fds_open, before); /* looking opens none */
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++) {
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(fds[i] >= 0);
        assert_int_equal(figures().fds_open, before + i + 1);
    }
    for (size_t i = 0; i < ARRAY_COUNT(fds); i++)
        assert_int_equal(close(fds[i]), 0);
    assert_int_equal(figures().fds_open, before);
}

static void the_limit_of_descriptors_is_the_soft_one(struct test *t UNUSED)
{
    struct rlimit old, lower;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(figures().fds_max, old.rlim_cur);
    lower = (struct rlimit){.rlim_cur = 100, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &lower), 0);
    assert_int_equal(figures().fds_max, 100);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

/* Without a descriptor to spare nothing is known of what is below /proc, and nothing is made up. */
static void what_cannot_be_read_is_zero(struct test *t UNUSED)
{
    struct rlimit old, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct os_figures f = figures();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(f.memory_total | f.memory_free | f.memory_available, 0);
    assert_int_equal(f.swap_total | f.swap_free | f.virtual_bytes | f.fds_open | f.fds_max, 0);
    assert_int_equal(f.busy_ns | f.total_ns, 0);
    assert_true(figures().memory_total > 0); /* and is known again */
}

/* Nanoseconds in which some core worked, read otherwise. */
static int64_t kernel_busy_ns(void)
{
    FILE *file = fopen("/proc/stat", "r");
    unsigned long long n[8] = {0};
    assert_non_null(file);
    assert_int_equal(fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &n[0], &n[1],
                            &n[2], &n[3], &n[4], &n[5], &n[6], &n[7]),
                     8);
    (void)fclose(file);
    return (int64_t)(n[0] + n[1] + n[2] + n[5] + n[6] + n[7]) * (NS_PER_S / sysconf(_SC_CLK_TCK));
}

static void time_passes_on_all_cores(struct test *t UNUSED)
{
    int64_t kernel_ns = kernel_busy_ns();
    struct os_figures before = figures(), after = before;
    assert_in_range(before.busy_ns, kernel_ns, kernel_busy_ns());
    assert_in_range(before.busy_ns, 1, before.total_ns);
    struct clock *clock = clock_system();
    int64_t begin_ns = clock_monotonic_ns(clock);
    while (after.busy_ns == before.busy_ns) {
        after = figures();
        assert_true(clock_monotonic_ns(clock) - begin_ns < 20 * NS_PER_S);
    }
    assert_true(after.busy_ns > before.busy_ns);
    assert_true(after.total_ns - before.total_ns >= after.busy_ns - before.busy_ns);
    for (size_t i = 0; i < ARRAY_COUNT(after.load); i++)
        assert_true(after.load[i] >= 0 && after.load[i] < 1e6);
}

static void disks_have_room(struct test *t)
{
    static const char *const unknown[] = {"/no/such/folder", "", "/dev/null/x"};
    uint64_t total = 1, free_bytes = 2, available = 3;
    for (size_t i = 0; i < ARRAY_COUNT(unknown); i++) {
        assert_false(os_disk(unknown[i], &total, &free_bytes, &available));
        assert_true(total == 1 && free_bytes == 2 && available == 3);
    }
    struct statvfs st;
    const char *dir = test_dir(t).p;
    assert_true(os_disk(dir, &total, &free_bytes, &available));
    assert_int_equal(statvfs(dir, &st), 0);
    assert_int_equal(total, (uint64_t)st.f_blocks * st.f_frsize);
    assert_true(available <= free_bytes && free_bytes <= total);
    assert_true(total > 0);
}

TEST_MAIN(TEST(memory_is_the_kernels), TEST(address_space_grows_with_mappings),
          TEST(descriptors_are_counted), TEST(the_limit_of_descriptors_is_the_soft_one),
          TEST(what_cannot_be_read_is_zero), TEST(time_passes_on_all_cores), TEST(disks_have_room))
