/* SPDX-License-Identifier: Apache-2.0 */
/* figures.c: /proc and its like, read anew at each call: who asks does so every few seconds. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/str.h"
#include "os/os.h"

#define PROC_BYTES_MAX 8192u /* of a file below /proc; what matters stands at the front */

static struct str proc_read(const char *path, char text[PROC_BYTES_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return STR("");
    ssize_t n = read(fd, text, PROC_BYTES_MAX);
    (void)close(fd);
    return (struct str){text, n > 0 ? (size_t)n : 0};
}

/* "MemTotal:       24683656 kB" */
static uint64_t meminfo(struct str text, const char *name)
{
    ptrdiff_t at = str_find(text, str_from(name));
    if (at < 0)
        return 0;
    struct str rest = str_trim(str_from_off(text, (size_t)at + strlen(name))), number;
    uint64_t kb;
    return str_split_next(&rest, ' ', &number) && str_to_u64(number, &kb) ? kb * KIB : 0;
}

static uint64_t fds_count(void)
{
    DIR *dir = opendir("/proc/self/fd");
    uint64_t n = 0;
    while (dir && readdir(dir))
        n++;
    if (dir)
        (void)closedir(dir);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the folder itself */
}

/* "cpu  user nice system idle iowait irq softirq steal …" in ticks. */
static void cpu_times(struct os_figures *f)
{
    char text[PROC_BYTES_MAX];
    struct str rest = proc_read("/proc/stat", text), line, part;
    int64_t tick_ns = NS_PER_S / sysconf(_SC_CLK_TCK);
    if (!str_split_next(&rest, '\n', &line))
        return;
    for (unsigned i = 0; str_split_next(&line, ' ', &part);) {
        uint64_t ticks;
        if (!str_to_u64(part, &ticks))
            continue;
        if (i < 8)
            f->total_ns += (int64_t)ticks * tick_ns;
        if (i < 8 && i != 3 && i != 4)
            f->busy_ns += (int64_t)ticks * tick_ns;
        i++;
    }
}

void os_figures(struct os_figures *ret)
{
    char text[PROC_BYTES_MAX];
    struct os_figures f = {0};
    struct str info = proc_read("/proc/meminfo", text), part;
    f.memory_total = meminfo(info, "MemTotal:");
    f.memory_free = meminfo(info, "MemFree:");
    f.memory_available = meminfo(info, "MemAvailable:");
    f.swap_total = meminfo(info, "SwapTotal:");
    f.swap_free = meminfo(info, "SwapFree:");
    if (getloadavg(f.load, 3) != 3)
        f.load[0] = f.load[1] = f.load[2] = 0;
    struct str statm = proc_read("/proc/self/statm", text);
    uint64_t pages;
    if (str_split_next(&statm, ' ', &part) && str_to_u64(part, &pages))
        f.virtual_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        f.fds_max = limit.rlim_cur;
    f.fds_open = fds_count();
    cpu_times(&f);
    *ret = f;
}

bool os_disk(const char *path, uint64_t *ret_total, uint64_t *ret_free, uint64_t *ret_available)
{
    struct statvfs s;
    if (statvfs(path, &s) < 0)
        return false;
    *ret_total = s.f_blocks * s.f_frsize;
    *ret_free = s.f_bfree * s.f_frsize;
    *ret_available = s.f_bavail * s.f_frsize;
    return true;
}
